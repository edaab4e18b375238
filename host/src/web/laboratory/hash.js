// A text, its hash, and one attempt of a miner.

import { alarm, button, card, facts, field, h, replace } from "../dom.js";
import { count } from "../format.js";
import { ask, frame, mark, newest } from "./frame.js";

export const title = "Hash";

// The first bits of an id, those that count set apart.
function bits(id, wanted) {
  const text = Array.from(id.slice(0, 16), (digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
  const zeros = /^0*/.exec(text)[0].length;
  return h("code", { class: "bits" }, h("b", { class: zeros >= wanted ? "good" : "bad" }, text.slice(0, wanted)), text.slice(wanted, 64), "…");
}

export async function show(page) {
  const area = await frame(page, "hash", "A hash turns any text into 256 bits that nobody can foresee. A miner tries one nonce after another until the hash begins with enough zeros.");
  const start = { text: page.query.get("text") ?? "Hello, ledger", nonce: page.query.get("nonce") ?? "0", bits: page.query.get("bits") ?? "12" };
  const [result, attempt] = [h("div", { class: "tall" }), h("div", { class: "tall" })];
  const controls = h("form", { id: "hash-form" },
    field({ label: "Text", name: "text", id: "hash-text", control: "textarea", rows: "3", maxlength: "4000", value: start.text }),
    field({ label: "Nonce", name: "nonce", id: "hash-nonce", type: "number", min: "0", max: "4294967295", step: "1", value: start.nonce }),
    field({ label: "Zero bits wanted", name: "bits", id: "hash-bits", type: "range", min: "0", max: "20", step: "1", value: start.bits, hint: "Every bit more doubles the work." }));
  controls.addEventListener("submit", (event) => event.preventDefault());
  const read = () => {
    const values = new FormData(controls);
    return { text: values.get("text"), nonce: Math.min(4294967295, Math.max(0, Math.trunc(Number(values.get("nonce")) || 0))), zero_bits: Number(values.get("bits")) };
  };
  const draw = (answer) => {
    const wanted = read().zero_bits;
    replace(result, h("p", null, "SHA-256 of the text:"), h("p", null, h("code", { id: "hash-result" }, answer.hash)),
      h("p", { class: "hint" }, "Change one letter, and every bit may change."));
    replace(attempt, h("p", { id: "hash-verdict", class: `note ${answer.meets ? "good" : "bad"}` }, mark(answer.meets), ` Nonce ${count(answer.nonce)} gives ${answer.zero_bits} zero ${answer.zero_bits === 1 ? "bit" : "bits"}; ${wanted} ${wanted === 1 ? "is" : "are"} wanted.`),
      h("p", null, bits(answer.id, wanted)),
      facts([["Id: the hash of hash and nonce", h("code", { id: "hash-id" }, answer.id)], ["Target: the id must not be above it", h("code", { id: "hash-target" }, answer.target)],
        ["Attempts it takes on average", h("span", { id: "hash-expected" }, count(answer.expected_attempts))], ["Attempts just made", h("span", { id: "hash-attempts" }, count(answer.attempts))]]));
  };
  const keep = () => page.note({ text: read().text, nonce: String(read().nonce), bits: String(read().zero_bits) });
  const look = newest(() => ask("hash", read()), draw, alarm);
  controls.addEventListener("input", () => { keep(); look(); });
  const search = button("Search a nonce", async () => {
    const answer = await ask("hash", { ...read(), nonce: 0, search: "on" });
    controls.elements.nonce.value = String(answer.nonce);
    keep();
    draw(answer);
    if (answer.meets) page.say(`Nonce ${answer.nonce} meets the target after ${answer.attempts} attempts.`);
    else alarm(`none of the first ${count(answer.attempts)} nonces meets the target: bad luck, so try another text`);
  }, { id: "hash-search", class: "primary" });
  const next = button("Try the next nonce", async () => {
    controls.elements.nonce.value = String(read().nonce + 1);
    keep();
    draw(await ask("hash", read()));
  }, { id: "hash-next" });
  area.append(h("div", { class: "columns" }, card("Your text", controls, h("div", { class: "actions" }, search, next)), h("div", { class: "stack" }, card("Its hash", result), card("One attempt", attempt))));
  draw(await ask("hash", read()));
}
