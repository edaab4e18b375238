// One account: what it holds, what happened to it, and the proof.

import { get, parse, text } from "../api.js";
import { lineChart } from "../chart.js";
import { button, copyable, empty, facts, h, replace, row, save, table } from "../dom.js";
import { addressLink, ago, amount, blockLink, count, memoText, moment, ownName } from "../format.js";
import { checkAccount } from "../proofs.js";
import { provenance } from "../provenance.js";

export const title = "Address";

const LIMIT = 25;
const CHARTED = 100;
const ROLES = { sent: "− sent", received: "+ received", itself: "= to itself", mined: "◆ mined" };

// The entries of a history as a table.
export const historyTable = (entries) => table({
  caption: "What happened", head: ["When", "What", "With", "Amount", "Balance after", "Memo", "Block"], none: "Nothing has happened yet.",
  rows: entries.map((entry) => {
    const other = entry.role === "received" ? entry.sender : entry.role === "sent" ? entry.recipient : null;
    return row(h("span", null, ago(entry.time)), entry.role === "mined" ? ROLES.mined : h("a", { href: `/transaction/${entry.id}` }, ROLES[entry.role]),
      other ? addressLink(other) : "", amount(entry.amount), entry.balance ? amount(entry.balance) : "", entry.memo ? memoText(entry.memo) ?? h("code", null, entry.memo) : "", blockLink(entry.height, count(entry.height)));
  }),
});

export async function show(page) {
  const address = page.parts[0] ?? "";
  const path = `/accounts/${encodeURIComponent(address)}`;
  const before = page.query.get("before");
  const first = await get(path);
  const name = ownName(address);
  const [holds, past, course, proof] = [h("div"), h("div"), h("div"), h("div", { "aria-live": "polite" })];
  page.main.append(h("h1", null, "Address", name ? h("span", { class: "badge own" }, name) : null),
    h("div", { class: "columns" },
      h("section", { class: "card" }, h("p", null, copyable(first.address)), holds),
      h("section", { class: "card" }, h("h2", null, "To pay here"), h("img", { class: "qr", alt: "QR code of the address", width: "192", height: "192", src: `/api/v1/qr?text=${encodeURIComponent(address)}` }))),
    h("section", { class: "card" }, course), h("section", { class: "card" }, past),
    h("section", { class: "card" }, h("h2", null, "Prove it"), h("p", null, "What the account holds is committed to by the last block. The path is checked here, by this page, without trusting the node."),
      h("div", { class: "actions" }, button("Check the proof", async () => replace(proof, provenance(checkAccount(parse(await text(`${path}/proof`))))), { class: "primary" }),
        button("Save the receipt", async () => save("receipt.json", "application/json", await text(`${path}/proof`)))), proof));

  const look = async () => {
    const [now, entries] = await Promise.all([get(path), get(`${path}/history?limit=${LIMIT}${before ? `&before=${encodeURIComponent(before)}` : ""}`)]);
    replace(holds, facts([
      ["Balance", h("span", { class: "balance" }, amount(now.balance))],
      ["With open payments", amount(now.pending)],
      ["Payments made", count(now.nonce)],
    ]));
    const last = entries[entries.length - 1];
    replace(past, entries.length || before ? historyTable(entries) : empty("Never used", "No payment and no reward has come here yet. An address needs no registration: it can be paid at any time."),
      h("div", { class: "actions" }, before ? h("a", { class: "button", href: `/address/${address}` }, "Newest") : null, entries.length === LIMIT ? h("a", { class: "button", href: `/address/${address}?before=${encodeURIComponent(last.place)}` }, "Older") : null));
  };
  const chart = async () => {
    const entries = (await get(`${path}/history?limit=${CHARTED}`)).reverse();
    replace(course, lineChart({ title: "Balance", points: entries.filter((entry) => entry.balance).map((entry) => ({ x: entry.height, y: Number(entry.balance), name: `block ${count(entry.height)}, ${moment(entry.time)}` })), format: (value) => `${Number(value.toFixed(6))}`, xTitle: "Block" }));
  };
  await look();
  await chart();
  page.listen(["block", "reorg", "open"], async () => { await look(); await chart(); });
  page.listen(["transaction"], look);
}

