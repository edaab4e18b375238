// A short chain that can be rewritten.

import { alarm, button, h, replace } from "../dom.js";
import { count, short } from "../format.js";
import { ask, frame, mark, refocus } from "./frame.js";

export const title = "Chain";

const PEOPLE = ["Ada", "Ben", "Cleo", "Dora", "Emil"];

export async function show(page) {
  const area = await frame(page, "chain", "Each block names the one before it and the history of all. Change one, and every later block breaks until it is mined again, one by one.");
  const [list, state] = [h("ol", { class: "chain", id: "chain-blocks" }), h("p", { id: "chain-state", class: "note" })];
  const original = await ask("chain", {});
  let chain = original;

  const keep = () => page.note(Object.fromEntries(original.blocks.map((block, i) => [`b${i + 1}`, chain.blocks[i] && chain.blocks[i].bytes !== block.bytes ? chain.blocks[i].bytes : null])));
  const act = async (action, text) => {
    draw(await ask("chain", { blocks: chain.blocks.map((block) => block.bytes), action }));
    const broken = chain.blocks.filter((block) => !block.valid).length;
    page.say(`${text} ${broken === 0 ? "Every block is valid." : `${broken} of ${chain.blocks.length} blocks are broken.`}`);
  };
  const control = (id, label, element, action) => {
    element.id = id;
    element.addEventListener("change", () => action(element.value).catch((error) => { alarm(error); draw(chain); }));
    return h("div", { class: "field" }, h("label", { for: id }, label), element);
  };
  const payments = (block) => {
    const values = new Map();
    for (const { name, payment, value } of block.fields) if (payment !== null) values.set(payment, { ...values.get(payment), [name]: value });
    return [...values].map(([payment, { sender, recipient, amount, memo }]) => {
      const at = { height: block.height, payment };
      const prefix = `chain-${block.height}-payment-${payment}`;
      return h("fieldset", { class: "payment" }, h("legend", null, `${sender} pays ${recipient}`),
        control(`${prefix}-amount`, "Motes", h("input", { value: amount, inputmode: "decimal", autocomplete: "off" }), (value) => act({ do: "amount", ...at, amount: value.trim() }, "The amount is changed.")),
        control(`${prefix}-memo`, "Memo", h("input", { value: memo ?? "", maxlength: "64", autocomplete: "off" }), (value) => act({ do: "memo", ...at, text: value }, "The memo is changed.")),
        block.broken.some((broken) => broken.rule === "T5-signature" && broken.payment === payment)
          ? button(`Sign again as ${sender}`, () => act({ do: "sign", ...at }, `${sender} has signed.`), { id: `${prefix}-sign` }) : null);
    });
  };
  const card = (block) => {
    const field = (name) => block.fields.find((part) => part.name === name && part.payment === null)?.value ?? "";
    const prefix = `chain-${block.height}`;
    const breaks = (rule) => block.broken.some((broken) => broken.rule === rule);
    const hash = (term, value, rule) => h("div", { class: breaks(rule) ? "wrong" : null }, h("dt", null, term, breaks(rule) ? " ✗" : ""), h("dd", null, h("code", { title: value }, short(value, 10, 6))));
    return h("li", { id: `${prefix}-card`, class: `link ${block.valid ? "good" : "bad"}`, "data-valid": String(block.valid) },
      h("h2", null, mark(block.valid), ` Block ${block.height}`),
      h("dl", null, hash("Previous", field("previous"), "C1-previous"), hash("History of all before", field("history_root"), "C3-history-root"),
        hash("Accounts after it", field("state_root"), "B4-state-root"), hash("Id", block.id ?? "none", "H4-proof-of-work"), h("div", null, h("dt", null, "Nonce"), h("dd", null, field("nonce")))),
      control(`${prefix}-time`, "Time, in Unix seconds", h("input", { type: "number", min: "0", value: field("time") }), (value) => act({ do: "time", height: block.height, seconds: Math.max(0, Math.trunc(Number(value))) }, "The time is changed.")),
      control(`${prefix}-miner`, "Miner", h("select", null, PEOPLE.map((name) => h("option", { value: name.toLowerCase(), selected: name === field("miner") }, name))), (value) => act({ do: "miner", height: block.height, person: value }, "The miner is changed.")),
      payments(block),
      block.broken.length ? h("ul", { class: "broken", "aria-label": "Broken rules" }, block.broken.map((broken) => h("li", { title: broken.detail }, h("code", null, broken.rule), h("span", { class: "faint" }, ` ${broken.sentence}`)))) : h("p", { class: "faint" }, "Every rule holds."),
      button(block.valid ? "Mine it anew" : "Mine it again", async () => {
        await act({ do: "mine", height: block.height }, "It is mined.");
        if (chain.found === false) alarm("no nonce was found: the target is too low to mine here");
      }, { id: `${prefix}-mine`, class: block.valid ? null : "primary" }));
  };
  const draw = (next) => {
    chain = next;
    keep();
    const broken = chain.blocks.filter((block) => !block.valid).length;
    state.className = `note ${broken ? "bad" : "good"}`;
    replace(state, mark(broken === 0), h("strong", null, broken ? ` ${broken} of ${chain.blocks.length} blocks are broken.` : " The chain is valid."), chain.attempts ? ` The last mining took ${count(chain.attempts)} attempts.` : "");
    replace(list, chain.blocks.map(card));
    refocus(area);
  };
  area.append(h("div", { class: "actions" }, button("Undo all changes", () => draw(original), { id: "chain-reset" })), state,
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The blocks" }, list),
    h("p", { class: "hint" }, "A changed payment needs its sender’s signature, which no mining replaces. Here everybody’s key is known, so you may sign for them."));
  const given = original.blocks.map((block, i) => page.query.get(`b${i + 1}`) ?? block.bytes);
  draw(given.some((bytes, i) => bytes !== original.blocks[i].bytes) ? await ask("chain", { blocks: given }) : original);
}
