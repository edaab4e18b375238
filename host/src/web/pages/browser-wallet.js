// A guest's wallet: the keys are in this browser, and the node only ever sees signed payments.

import { prefixOf } from "../address.js";
import { get, post } from "../api.js";
import { button, card, empty, facts, field, form, h, link, note, replace } from "../dom.js";
import { amount } from "../format.js";
import { describe, makers } from "../keyring.js";
import { addressOf, canKeepKeys, kept, sign } from "../keys.js";
import * as payment from "../payment.js";
import { historyTable } from "./address.js";

export const title = "Wallet in this browser";

export async function show(page) {
  const status = await get("/status");
  const prefix = prefixOf(status.network);
  page.main.append(h("h1", null, "Wallet in this browser"),
    h("p", null, "Its keys are made and kept here. Payments are signed in this page and sent to the node ready-made, so the node’s owner cannot spend what you have."));
  if (canKeepKeys()) await online(page, status, prefix);
  else page.main.append(offline());
  page.main.append(card("Payments that were signed elsewhere", h("p", null, "The saved wallet signs without a connection. Paste here what it gave you."),
    form([field({ label: "Signed payment", name: "signed", control: "textarea", rows: "4", required: true })], "Send it", async ({ signed }, entered) => {
      const { id } = await post("/transactions", JSON.parse(signed));
      entered.reset();
      page.go(`/transaction/${id}`);
    })),
  card("A wallet without a connection", h("p", null, "The same wallet as one file: save it, open it on any computer, and carry signed payments here. It cannot reach any network."),
    h("a", { class: "button", href: "/offline-wallet.html", download: "mote-wallet.html" }, "Save the wallet as a file"),
    h("p", { class: "hint" }, "It asks for the network’s name and genesis: ", h("code", null, status.network), " and ", h("code", null, status.genesis), ".")));
}

const offline = () => note("warn", h("strong", null, "This page came over a connection that others can change, "), "so browsers offer it no keys. Open the node at ", h("code", null, "localhost"), " on its own computer, put https in front of it, or save the wallet as a file below: opened from your disk it has keys.");

async function online(page, status, prefix) {
  const area = h("div", { class: "stack" });
  page.main.append(area);
  const draw = async () => {
    const keys = await kept();
    localStorage.setItem("mote-browser-addresses", JSON.stringify(keys.map((key) => addressOf(key, prefix))));
    dispatchEvent(new Event("mote-own"));
    replace(area, keys.length ? keys.map((key) => account(page, status, prefix, key, draw)) : empty("No key yet", "Nothing is asked of you but to write down 24 words."),
      keys.length ? h("details", null, h("summary", null, "Another key"), makers(draw)) : makers(draw));
  };
  await draw();
}

function account(page, status, prefix, key, changed) {
  const address = addressOf(key, prefix);
  const [holds, pay, past] = [h("div"), h("div", { "aria-live": "polite" }), h("div")];
  let now = null;
  const look = async () => {
    const [found, entries] = await Promise.all([get(`/accounts/${address}`), get(`/accounts/${address}/history?limit=10`)]);
    now = found;
    replace(holds, facts([["Balance", h("span", { class: "balance" }, amount(now.balance))], now.pending === now.balance ? null : ["Once open payments are mined", amount(now.pending)]]));
    replace(past, entries.length ? historyTable(entries) : h("p", { class: "faint" }, "Nothing has happened yet: let somebody pay the address above."));
  };
  const enter = (given) => replace(pay, form(payment.fields(prefix, given), "Go on", (values) => {
    const { total, ...order } = payment.read(values, prefix);
    replace(pay, h("h3", null, "Is this right?"), facts([["Pay to", h("code", null, order.recipient)], ["Amount", amount(order.amount)], ["Fee", amount(order.fee)], ["In all", amount(total)], ["Memo", values.memo || h("span", { class: "faint" }, "none")]]),
      h("div", { class: "actions" }, button("Sign and send", async () => {
        const signed = await sign(key, prefix, status.genesis, { ...order, nonce: now.next_nonce });
        const { id } = await post("/transactions", signed);
        replace(pay, note("good", h("strong", null, "✓ Sent. "), "It waits for the next block. ", link(`/transaction/${id}`, "See it")), button("Another payment", () => enter()));
        page.say("The payment is sent.");
        await look();
      }, { class: "primary" }), button("Change something", () => enter(values))));
  }));
  enter();
  look().catch(() => {});
  page.listen(["block", "reorg", "transaction", "open"], look);
  return h("section", { class: "card", "aria-label": "Key of this browser" }, h("div", { class: "columns" }, h("div", null, describe(key, prefix, changed), holds), h("div", null, h("h2", null, "Send"), pay)), past);
}
