// A block whose bytes can be changed.

import { bytes as fetchBytes, get } from "../api.js";
import { alarm, button, card, facts, field, h, replace, row, table } from "../dom.js";
import { count, duration, hex as toHex, scaled } from "../format.js";
import { ask, frame, mark, refocus, ruleCard } from "./frame.js";

export const title = "Block";

const STAGES = { bytes: "The bytes are a block", header: "The header fits its chain", body: "The payments are those of the header", payments: "Each payment is sound", accounts: "The accounts come out as the header says" };

const fieldName = ({ name, payment }) => (payment === null ? name : `payment ${payment + 1}: ${name}`).replaceAll("_", " ");

// What a judge found, stage by stage and rule by rule.
function judgement(block, place) {
  const name = (stage) => (place === "alone" && stage === "header" ? "The header is sound by itself" : STAGES[stage]);
  return [
    h("ul", { class: "checks", id: "block-stages" }, block.stages.map(({ stage, outcome }) => h("li", { "data-stage": stage, "data-outcome": outcome },
      mark(outcome === "not-reached" ? null : outcome === "passed"), h("span", null, name(stage), h("span", { class: "faint" }, outcome === "not-reached" ? " (cannot be told)" : ""), h("span", { class: "hidden" }, `: ${outcome}`))))),
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

// What was changed, short enough for an address: the bytes by their places, or all where their number changed.
function difference(from, to) {
  if (from === to) return { set: null, bytes: null };
  if (from.length !== to.length) return { set: null, bytes: to };
  const changed = [];
  for (let at = 0; 2 * at < to.length; at += 1) if (from.slice(2 * at, 2 * at + 2) !== to.slice(2 * at, 2 * at + 2)) changed.push(`${at}-${to.slice(2 * at, 2 * at + 2)}`);
  return { set: changed.join("."), bytes: null };
}

function applied(from, query) {
  if (query.get("bytes")) return query.get("bytes");
  const bytes = from.match(/../g) ?? [];
  for (const change of (query.get("set") ?? "").split(".")) {
    const match = /^(\d+)-([0-9a-f]{2})$/.exec(change);
    if (match && Number(match[1]) < bytes.length) bytes[Number(match[1])] = match[2];
  }
  return bytes.join("");
}

export async function show(page) {
  const area = await frame(page, "block", "Every byte of a block is covered by its proof of work. Change one and see what a node would say, and what it would cost to mine the block again.");
  const [verdict, bytes, judged, cost, parts] = ["block-verdict", null, null, null, null].map((id) => h("div", { id, class: "tall" }));
  const named = page.query.get("block");
  const status = await get("/status");
  const place = named === null ? "laboratory" : "alone";
  const original = await ask("block", named === null ? {} : { place, bytes: toHex(await fetchBytes(`/blocks/${encodeURIComponent(named)}/raw`)) });
  let block = original;
  let depth = named === null ? 6 : Math.max(0, status.height - original.height);

  const look = async (hex) => draw(await ask("block", { place, bytes: hex }));
  const flip = async (at) => {
    const byte = (parseInt(block.bytes.slice(2 * at, 2 * at + 2), 16) ^ 1).toString(16).padStart(2, "0");
    await look(block.bytes.slice(0, 2 * at) + byte + block.bytes.slice(2 * at + 2));
    page.say(`Byte ${at} is ${byte} now. ${block.valid ? "Nothing is broken." : `${block.broken.length} rules are broken.`}`);
  };
  const put = async (part, given) => {
    const text = given.trim().toLowerCase();
    if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("expected pairs of hexadecimal digits");
    await look(block.bytes.slice(0, 2 * part.offset) + text + block.bytes.slice(2 * (part.offset + part.length)));
  };
  const drawCost = () => {
    const attempts = Number(block.expected_attempts);
    const all = attempts * (1 + depth);
    const rate = status.hash_rate;
    const time = (work) => (rate > 0 ? `${duration(work / rate)} at this network’s ${scaled(rate)} attempts a second` : `${duration(work / 200_000)} at 200 k attempts a second, as a laptop makes them`);
    replace(cost, facts([
      ["This block", h("span", { id: "block-cost" }, `${scaled(attempts)} attempts: ${time(attempts)}`)],
      [`And the ${depth} above it`, h("span", { id: "block-cost-above" }, `${scaled(all)} attempts: ${time(all)}`)],
    ]), h("p", { class: "hint" }, "Meanwhile everybody else goes on with the true chain: who has less than half of the hash rate falls behind."));
  };
  const said = () => {
    if (block.malformed) return " No node can read this.";
    if (block.broken.length) return ` A node refuses this block: ${block.broken[0].rule}.`;
    if (block.height === 0) return " Nothing is broken: the genesis block is the same for everybody, and nobody had to mine it.";
    if (place === "alone") return " Nothing is broken that the block alone can show.";
    return block.valid ? " A node takes this block." : " The accounts below cannot be told.";
  };
  const draw = (next) => {
    block = next;
    page.note(difference(original.bytes, block.bytes));
    replace(verdict, h("p", { class: `note ${block.valid ? "good" : "bad"}` }, mark(block.valid), h("strong", null, said())),
      facts([["Id", h("code", { id: "block-id" }, block.id ?? "none")], ["Target: the id must not be above it", h("code", { id: "block-target" }, block.target ?? "none")], ["Zero bits of the id", String(block.zero_bits)], ["Height", count(block.height)]]));
    replace(bytes, byteView(block, flip));
    replace(judged, judgement(block, place));
    drawCost();
    replace(parts, table({ caption: "Fields", hideCaption: true, head: ["Field", "Says", "Bytes"], rows: block.fields.map((part, i) => {
      const input = h("input", { id: `block-field-${i}`, class: "hex", value: block.bytes.slice(2 * part.offset, 2 * (part.offset + part.length)), spellcheck: "false", autocomplete: "off", "aria-label": `Bytes of ${fieldName(part)}` });
      input.addEventListener("change", () => put(part, input.value).catch(alarm));
      return row(h("span", { class: `part part-${i % 6}` }, fieldName(part)), part.value === "" ? h("span", { class: "faint" }, "nothing") : part.value.length > 24 ? h("code", { title: part.value }, `${part.value.slice(0, 20)}…`) : part.value, input);
    }) }));
    refocus(area);
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
    const mined = await ask("block/mine", { place, bytes: block.bytes });
    draw(mined.block);
    page.say(mined.found ? `A nonce was found after ${mined.attempts} attempts.` : `No nonce was found in ${mined.attempts} attempts.`);
    if (!mined.found) alarm(`no nonce was found in ${count(mined.attempts)} attempts, and more the laboratory does not make`);
  }, { id: "block-mine", class: "primary" });
  const reset = button("Undo all changes", () => draw(original), { id: "block-reset" });
  const above = field({ label: "Blocks above it", name: "depth", id: "block-depth", type: "range", min: "0", max: String(Math.max(100, depth)), value: String(depth) });
  above.addEventListener("input", (event) => { depth = Number(event.target.value); drawCost(); });
  const which = h("form", { id: "which-form", class: "inline" },
    field({ label: "Height or id of a block of this node’s chain", name: "block", id: "block-name", value: named ?? "", placeholder: `0 to ${status.height}`, required: true }), h("button", { id: "block-take" }, "Take this block"),
    named === null ? null : h("a", { class: "button", id: "block-own", href: "/laboratory/block" }, "Take the laboratory’s"));
  which.addEventListener("submit", (event) => {
    event.preventDefault();
    page.go(`/laboratory/block?block=${encodeURIComponent(new FormData(which).get("block").trim())}`);
  });
  const hint = place === "alone" ? "A block of this node’s chain. It is judged alone here: whether it fits its chain and the accounts is left out." : "The laboratory’s own block: its chain and accounts are known, so every rule can be judged.";
  area.append(card("Which block", h("p", null, hint), which), card("Verdict", verdict, h("div", { class: "actions" }, mine, reset)),
    h("div", { class: "columns" }, card("What a node looks at", judged), card("What mining again costs", above, cost)),
    card("Every byte, coloured by field", one, h("p", { class: "hint" }, "Or click a byte."), bytes), card("Every field", parts));
  const given = applied(original.bytes, page.query);
  draw(given === original.bytes ? original : await ask("block", { place, bytes: given }));
}
