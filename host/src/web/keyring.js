// Making, restoring, listing and forgetting keys of this browser; in the node's pages and in the saved file.

import { button, card, copyable, field, form, h, note, replace } from "./dom.js";
import { addressOf, forget, keep, keyFromWords, keyWithoutWords, newWords, readWords } from "./keys.js";

// Where there is no key yet, or another one is wanted.
export function makers(changed) {
  const area = h("div");
  const choose = () => replace(area, h("div", { class: "columns" },
    card("Make a key", h("p", null, "From 24 words that you write down: they are its backup."), button("Make a key from new words", () => teach(newWords()), { class: "primary" }),
      h("details", null, h("summary", null, "Without words"), h("p", null, "This key cannot be copied out of this browser by anybody. So it has no backup: if the browser’s data is deleted, what it holds is lost for ever."),
        button("Make a key without a backup", async () => { await keep(await keyWithoutWords()); await changed(); }))),
    card("Restore a key", form([
      field({ label: "24 words", name: "words", control: "textarea", rows: "3", required: true }),
      field({ label: "Number of the address", name: "number", type: "number", min: "1", max: "1000", value: "1", hint: "A node’s wallet counts its addresses in the same way." }),
    ], "Restore", async ({ words, number }) => { await keep(await keyFromWords(readWords(words), Number(number) - 1)); await changed(); }))));
  const teach = (words) => {
    const asked = [3, 11, 19].map((start) => start + (crypto.getRandomValues(new Uint8Array(1))[0] % 4));
    const first = () => replace(area, card("Your 24 words", note("warn", h("strong", null, "Write them down now, on paper. "), "The page forgets them when you go on."), h("ol", { class: "words" }, words.map((word) => h("li", null, word))), h("div", { class: "actions" }, button("I have written them down", second, { class: "primary" }), button("Cancel", choose))));
    const second = () => replace(area, card("Three of them, to be sure", form(asked.map((place) => field({ label: `Word ${place + 1}`, name: String(place), required: true })), "Check", async (entered) => {
      const wrong = asked.filter((place) => entered[place].trim().toLowerCase() !== words[place]);
      if (wrong.length) throw new Error(`word ${wrong.map((place) => place + 1).join(" and ")} is another one`);
      await keep(await keyFromWords(words));
      await changed();
    }), button("Show the words again", first, { class: "quiet" })));
    first();
  };
  choose();
  return area;
}

// One key: its address, what kind it is, and the way to be rid of it.
export function describe(key, prefix, changed) {
  const area = h("div");
  const ask = () => replace(area, note("bad", h("strong", null, "Forget this key? "), key.origin === "words" ? "Only your 24 words bring it back." : "Nothing brings it back."),
    h("div", { class: "actions" }, button("Forget it", async () => { await forget(key); await changed(); }, { class: "danger" }), button("Keep it", show)));
  const show = () => replace(area, h("p", null, copyable(addressOf(key, prefix))),
    h("p", { class: "hint" }, key.origin === "words" ? `Made from words, address ${key.number + 1}: the words are its backup. ` : "Made in this browser without words: there is no backup. ", button("Forget it …", ask, { class: "quiet" })));
  show();
  return area;
}
