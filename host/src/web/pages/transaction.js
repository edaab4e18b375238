// One payment: where it is, what it says, and the proof that it happened.

import { find, get, parse, text } from "../api.js";
import { button, copyable, facts, h, link, note, replace, save } from "../dom.js";
import { addressLink, amount, blockLink, count, memoText } from "../format.js";
import { checkTransaction } from "../proofs.js";
import { provenance } from "../provenance.js";

export const title = "Payment";

// A memo as people wrote it and as it is.
export function memo(bytes) {
  if (!bytes) return h("span", { class: "faint" }, "none");
  const readable = memoText(bytes);
  return h("span", null, readable === null ? h("span", { class: "faint" }, `${bytes.length / 2} bytes that are no text`) : h("q", { class: "memo" }, readable), h("br"), h("code", { class: "faint" }, bytes));
}

export async function show(page) {
  const id = page.parts[0] ?? "";
  const path = `/transactions/${encodeURIComponent(id)}`;
  const first = await get(path);
  page.setTitle("Payment");
  const [state, proof] = [h("div"), h("section", { class: "card", "aria-labelledby": "prove" })];
  page.main.append(h("h1", null, "Payment of ", amount(first.amount)), h("section", { class: "card" }, state, facts([
    ["From", addressLink(first.sender, true)], ["To", addressLink(first.recipient, true)],
    ["Amount", amount(first.amount)], ["Fee", amount(first.fee)], ["Memo", memo(first.memo)],
    ["Nonce", String(first.nonce), h("span", { class: "faint" }, " (payments of the sender before it)")],
    ["Id", copyable(first.id)],
  ])), proof, h("section", { class: "card" }, h("h2", null, "Everything it says"),
    h("p", null, h("a", { href: `/api/v1${path}` }, "JSON"), " · signature ", h("code", null, first.signature))));

  let proven = null;
  const look = async () => {
    const now = await find(path);
    if (!now) return replace(state, note("bad", h("strong", null, "✗ Gone: "), "another payment with the same nonce was mined in its place."));
    const isMined = now.status === "mined";
    replace(state, isMined
      ? note("good", h("strong", null, `✓ ${count(now.confirmations)} ${now.confirmations === 1 ? "confirmation" : "confirmations"}`), " in block ", blockLink(now.height, count(now.height)), ", at place ", String(now.index + 1))
      : note("warn", h("strong", null, "… Open: "), "it waits for a block, usually for about ten seconds. ", link("/mempool", "See what else waits")));
    if (proven === now.block) return;
    proven = now.block ?? null;
    replace(proof, h("h2", { id: "prove" }, "Prove it"), isMined ? offer(`${path}/proof`) : h("p", null, "Once it is mined, whoever trusts one later block can check that it happened, without this node."));
  };
  await look();
  page.listen(["block", "reorg"], look);
}

function offer(path) {
  const area = h("div", { "aria-live": "polite" });
  return [h("p", null, "The receipt has everything from the payment up to the last block. It is checked here, by this page, without trusting the node."),
    h("div", { class: "actions" }, button("Check the proof", async () => {
      const receipt = await text(path);
      replace(area, provenance(checkTransaction(parse(receipt))));
    }, { class: "primary" }), button("Save the receipt", async () => save("receipt.json", "application/json", await text(path)))),
    h("p", { class: "hint" }, "Anywhere else: ", h("code", null, "mote verify receipt.json --tip ID"), " with the id of a block that you trust."), area];
}
