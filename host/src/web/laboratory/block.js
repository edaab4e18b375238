// A block whose bytes can be changed.

import { get } from "../api.js";
import { alarm, button, card, facts, field, h, replace, row, table } from "../dom.js";
import { count, duration, scaled } from "../format.js";
import { ask, frame, mark, ruleCard } from "./frame.js";

export const title = "Block";

const STAGES = { bytes: "The bytes are a block", header: "The header fits its chain", body: "The payments are those of the header", payments: "Each payment is sound", accounts: "The accounts come out as the header says" };

const fieldName = ({ name, payment }) => (payment === null ? name : `payment ${payment + 1}: ${name}`).replaceAll("_", " ");

// What a judge found, for this page and for the one of chains.
export function judgement(block) {
  return [
    h("ul", { class: "checks", id: `stages-${block.height}` }, block.stages.map(({ stage, outcome }) => h("li", { "data-stage": stage, "data-outcome": outcome },
      mark(outcome === "not-reached" ? null : outcome === "passed"), h("span", null, STAGES[stage], h("span", { class: "faint" }, outcome === "not-reached" ? " (cannot be told)" : ""), h("span", { class: "hidden" }, `: ${outcome}`))))),
    block.malformed ? h("p", { class: "got" }, h("code", null, block.malformed)) : null,
    block.broken.map((broken, i) => ruleCard(broken, i === 0)),
  ];
}

function byteView(block, flip) {
  const of = new Map();
  block.fields.forEach((part, i) => { for (let at = part.offset; at < part.offset + part.length; at += 1) of.set(at, i); });
  const bytes = block.bytes.match(/../g) ?? [];
  const groups = [];
  bytes.forEach((byte, at) => {
    const index = of.get(at) ?? null;
    let group = groups[groups.length - 1];
    if (!group || group.index !== index) {
      const name = index === null ? "unreadable" : fieldName(block.fields[index]);
      group = { index, element: h("span", { class: index === null ? "part unread" : `part part-${index % 6}`, title: name }) };
      groups.push(group);
    }
    group.element.append(h("span", { class: "byte", "data-at": String(at) }, byte), " ");
  });
  const view = h("div", { class: "bytes", id: "block-bytes", "aria-label": `${bytes.length} bytes`, role: "img" }, groups.map((group) => group.element));
  view.addEventListener("click", (event) => {
    const at = event.target.dataset?.at;
    if (at !== undefined) flip(Number(at)).catch(alarm);
  });
  return view;
}

export async function show(page) {
  const area = await frame(page, "block", "This block pays two people, and every byte of it is covered by its proof of work. Change one and see what a node would say.");
  const [verdict, bytes, judged, cost, parts] = ["block-verdict", null, null, null, null].map((id) => h("div", { id, class: "tall" }));
  const rate = (await get("/status")).hash_rate;
  const original = await ask("block", {});
  let block = original;
  let depth = 6;

  const look = async (hex) => draw(await ask("block", { bytes: hex }));
  const flip = async (at) => {
    const byte = (parseInt(block.bytes.slice(2 * at, 2 * at + 2), 16) ^ 1).toString(16).padStart(2, "0");
    await look(block.bytes.slice(0, 2 * at) + byte + block.bytes.slice(2 * at + 2));
    page.say(`Byte ${at} is ${byte} now. ${block.valid ? "The block is valid." : `${block.broken.length} rules are broken.`}`);
  };
  const put = async (part, given) => {
    const text = given.trim().toLowerCase();
    if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("expected pairs of hexadecimal digits");
    await look(block.bytes.slice(0, 2 * part.offset) + text + block.bytes.slice(2 * (part.offset + part.length)));
  };
  const drawCost = () => {
    const attempts = Number(block.expected_attempts);
    const all = attempts * (1 + depth);
    const time = (work) => (rate > 0 ? `${duration(work / rate)} at this network’s ${scaled(rate)} attempts a second` : "the network’s hash rate is not known yet");
    replace(cost, facts([
      ["This block", h("span", { id: "block-cost" }, `${scaled(attempts)} attempts: ${time(attempts)}`)],
      [`And ${depth} blocks above it`, h("span", { id: "block-cost-above" }, `${scaled(all)} attempts: ${time(all)}`)],
    ]), h("p", { class: "hint" }, "Meanwhile everybody else goes on with the true chain: who has less than half of the hash rate never catches up for long."));
  };
  const draw = (next) => {
    block = next;
    page.note({ bytes: block.bytes === original.bytes ? null : block.bytes });
    replace(verdict, h("p", { class: `note ${block.valid ? "good" : "bad"}` }, mark(block.valid), h("strong", null, block.valid ? " A node takes this block." : block.malformed ? " No node can read this." : ` A node refuses this block: ${block.broken[0]?.rule ?? "its accounts cannot be told"}.`)),
      facts([["Id", h("code", { id: "block-id" }, block.id ?? "none")], ["Target", h("code", { id: "block-target" }, block.target ?? "none")], ["Zero bits of the id", String(block.zero_bits)], ["Height", count(block.height)]]));
    replace(bytes, byteView(block, flip));
    replace(judged, judgement(block));
    drawCost();
    replace(parts, table({ caption: "Fields", hideCaption: true, head: ["Field", "Says", "Bytes"], rows: block.fields.map((part, i) => {
      const id = `block-field-${i}`;
      const input = h("input", { id, class: "hex", value: block.bytes.slice(2 * part.offset, 2 * (part.offset + part.length)), spellcheck: "false", autocomplete: "off", "aria-label": `Bytes of ${fieldName(part)}` });
      input.addEventListener("change", () => put(part, input.value).catch(alarm));
      return row(h("span", { class: `part part-${i % 6}` }, fieldName(part)), part.value === "" ? h("span", { class: "faint" }, "nothing") : part.value.length > 24 ? h("code", null, `${part.value.slice(0, 20)}…`) : part.value, input);
    }) }));
  };
  const one = h("form", { id: "byte-form", class: "inline" },
    field({ label: `Byte (0 to ${original.bytes.length / 2 - 1})`, name: "at", id: "byte-at", type: "number", min: "0", value: "140", required: true }), h("button", { id: "byte-flip" }, "Flip its lowest bit"));
  one.addEventListener("submit", (event) => {
    event.preventDefault();
    const at = Number(new FormData(one).get("at"));
    if (at < block.bytes.length / 2) flip(at).catch(alarm);
    else alarm(`the block has ${block.bytes.length / 2} bytes`);
  });
  const mine = button("Mine it again", async () => {
    const mined = await ask("block/mine", { bytes: block.bytes });
    draw(mined.block);
    page.say(mined.found ? `A nonce was found after ${mined.attempts} attempts.` : `No nonce was found in ${mined.attempts} attempts.`);
    if (!mined.found) alarm(`no nonce was found in ${count(mined.attempts)} attempts: the target is too low to mine here`);
  }, { id: "block-mine", class: "primary" });
  const reset = button("Undo all changes", () => draw(original), { id: "block-reset" });
  const above = field({ label: "Blocks above it", name: "depth", id: "block-depth", type: "range", min: "0", max: "100", value: String(depth) });
  above.addEventListener("input", (event) => { depth = Number(event.target.value); drawCost(); });
  area.append(card("Verdict", verdict, h("div", { class: "actions" }, mine, reset)),
    h("div", { class: "columns" }, card("What a node looks at", judged), card("What mining again costs", above, cost)),
    card("Every byte, coloured by field", one, h("p", { class: "hint" }, "Or click a byte."), bytes), card("Every field", parts));
  const given = page.query.get("bytes");
  draw(given ? await ask("block", { bytes: given }) : original);
}
