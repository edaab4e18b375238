// The wallet of this node: its keys stay in the node's data folder.

import { findWallet, get, post } from "../api.js";
import { prefixOf } from "../address.js";
import { button, card, copyable, empty, facts, field, form, h, link, note, replace, row, save, table } from "../dom.js";
import { addressLink, amount, count, grains, motes } from "../format.js";
import * as payment from "../payment.js";
import { historyTable } from "./address.js";

export const title = "Wallet";

const NEW_WORDS = "mote-new-words";

export async function show(page) {
  const status = await get("/status");
  const words = sessionStorage.getItem(NEW_WORDS);
  if (words) return showWords(page, status, words);
  const wallet = await findWallet();
  if (wallet) return showWallet(page, status, wallet);
  return showNone(page, status);
}

const passphrase = (hint) => field({ label: "Passphrase (may be empty)", name: "passphrase", type: "password", autocomplete: "new-password", hint });

function showNone(page) {
  page.main.append(h("h1", null, "Wallet"), empty("There is no wallet yet", "A wallet is a key, and 24 words from which the key can be made again. This one lives in the node’s data folder; a guest keeps theirs in the browser.", h("a", { class: "button", href: "/browser-wallet" }, "Wallet in this browser")),
    h("div", { class: "columns" },
      card("Make a wallet", form([passphrase("It encrypts the wallet’s file. Without one, whoever reads the file has the coins.")], "Make a wallet", async ({ passphrase: secret }) => {
        const made = await post("/wallet", secret ? { passphrase: secret } : {});
        sessionStorage.setItem(NEW_WORDS, made.words);
        dispatchEvent(new Event("mote-own"));
        page.go("/wallet");
      }, { id: "create" })),
      card("Restore one", form([field({ label: "24 words", name: "words", control: "textarea", rows: "3", required: true }), passphrase("For the file on this node; it may be another than before.")], "Restore", async ({ words, passphrase: secret }) => {
        await post("/wallet/restore", secret ? { words, passphrase: secret } : { words });
        dispatchEvent(new Event("mote-own"));
        page.go("/wallet");
      }, { id: "restore" }))));
}

// The words are shown once. Where they guard something of worth, three of them are asked back.
function showWords(page, status, text) {
  const words = text.split(" ");
  const isToy = status.network === "regtest" || status.network.startsWith("local");
  const done = () => {
    sessionStorage.removeItem(NEW_WORDS);
    page.go("/wallet");
  };
  const asked = isToy ? [] : [...crypto.getRandomValues(new Uint8Array(64))].map((byte) => byte % words.length).filter((place, i, all) => all.indexOf(place) === i).slice(0, 3).sort((a, b) => a - b);
  const area = h("div");
  page.main.append(h("h1", null, "Your 24 words"), area);
  const first = () => replace(area, note("warn", h("strong", null, "Write them down now, on paper. "), "They are the only backup and are never shown again. Whoever has them has the coins."), h("ol", { class: "words" }, words.map((word) => h("li", null, word))),
    h("div", { class: "actions" }, button("I have written them down", isToy ? done : second, { class: "primary" })));
  const second = () => replace(area, h("p", null, "Three of them, to be sure:"), form(asked.map((place) => field({ label: `Word ${place + 1}`, name: String(place), required: true })), "Check", (entered) => {
    const wrong = asked.filter((place) => entered[place].trim().toLowerCase() !== words[place]);
    if (wrong.length) throw new Error(`word ${wrong.map((place) => place + 1).join(" and ")} is another one: look again at what you wrote down`);
    done();
  }), h("p", null, button("Show the words again", first, { class: "quiet" })));
  first();
}

async function showWallet(page, status, wallet) {
  const [holds, door, pay, addresses, past] = [h("div"), h("div"), h("div"), h("div"), h("div")];
  page.main.append(h("h1", null, "Wallet"),
    h("div", { class: "columns" },
      h("div", null, h("section", { class: "card" }, holds, door), h("section", { class: "card" }, h("h2", null, "Send"), pay)),
      h("div", null, h("section", { class: "card" }, h("h2", null, "Receive"), h("p", null, copyable(wallet.address)),
        h("img", { class: "qr", alt: "QR code of the address", width: "192", height: "192", src: `/api/v1/qr?text=${encodeURIComponent(wallet.address)}` })), h("section", { class: "card" }, addresses))),
    h("section", { class: "card" }, past), backup(status));

  let now = wallet;
  let list = [];
  const look = async () => {
    [now, list] = await Promise.all([get("/wallet"), get("/wallet/addresses")]);
    const waits = now.incoming !== "0" || now.outgoing !== "0";
    replace(holds, facts([
      ["Balance", h("span", { class: "balance" }, amount(now.total))],
      waits ? ["Once open payments are mined", amount(motes(list.reduce((sum, entry) => sum + grains(entry.pending), 0n)))] : null,
      waits ? ["On its way", `in ${now.incoming}, out ${now.outgoing}`] : null,
    ]));
    replace(addresses, table({ caption: "Addresses", head: ["", "Address", "Balance"], rows: list.map((entry) => row(count(entry.index + 1), addressLink(entry.address), amount(entry.balance))) }),
      now.locked ? null : button("Another address", async () => { await post("/wallet/addresses"); dispatchEvent(new Event("mote-own")); await look(); }),
      h("p", { class: "hint" }, "All come from the same words, so one backup is enough."));
    const histories = await Promise.all(list.slice(-8).map((entry) => get(`/accounts/${entry.address}/history?limit=15`)));
    const entries = histories.flat().sort((a, b) => b.height - a.height).filter((entry, i, all) => all.findIndex((other) => other.id === entry.id && other.role === entry.role) === i).slice(0, 15);
    replace(past, entries.length ? [historyTable(entries), h("p", null, link(`/address/${now.address}`, "Everything, with the course of the balance"))] : empty("Nothing has happened yet", "Mine a block, or let somebody pay the address above.", h("a", { class: "button primary", href: "/mining" }, "To the miner")));
  };
  const lock = () => {
    replace(door, now.locked
      ? form([field({ label: "Passphrase", name: "passphrase", type: "password", autocomplete: "current-password", required: true })], "Unlock", async ({ passphrase: secret }) => { now = await post("/wallet/unlock", { passphrase: secret }); lock(); await look(); }, { id: "unlock" })
      : [now.encrypted ? h("p", null, h("span", { class: "badge" }, "Unlocked"), " ", button("Lock", async () => { now = await post("/wallet/lock"); lock(); })) : h("p", { class: "hint" }, "This wallet has no passphrase: whoever reads the node’s data folder can pay from it.")]);
    replace(pay, now.locked ? h("p", { class: "faint" }, "Locked: it can receive, but pays nothing until it is unlocked.") : sendForm(page, status, () => now, () => list, async () => { await look(); }));
  };
  await look();
  lock();
  page.listen(["block", "reorg", "transaction", "open"], look);
}

// What is entered, then what will happen, then it happens. The nonce is the one that was seen, so that trying
// again after a lost answer never pays twice.
function sendForm(page, status, wallet, addresses, after) {
  const area = h("div", { "aria-live": "polite" });
  const prefix = prefixOf(status.network);
  const enter = (given = {}) => {
    const entered = form([
      ...payment.fields(prefix, { to: page.query.get("to"), amount: page.query.get("amount"), memo: page.query.get("memo"), ...given }),
      addresses().length > 1 ? field({ label: "From", name: "from", control: "select", value: given.from, options: [...addresses()].reverse().map((entry) => [entry.address, `Address ${entry.index + 1}, ${entry.balance} motes`]) }) : null,
    ].filter(Boolean), "Go on", (values) => review(values), { id: "send" });
    replace(area, entered);
  };
  const review = (values) => {
    const order = payment.read(values, prefix);
    const from = addresses().find((entry) => entry.address === values.from) ?? wallet();
    replace(area, h("h3", null, "Is this right?"), facts([
      ["Pay to", h("code", null, order.recipient)], ["Amount", amount(order.amount)], ["Fee", amount(order.fee)], ["In all", amount(order.total)], ["Memo", values.memo || h("span", { class: "faint" }, "none")],
    ]), h("div", { class: "actions" }, button("Send now", async () => {
      const { recipient: to, amount: sum, fee } = order;
      const sent = await post("/wallet/send", { to, amount: sum, fee, memo: { hex: order.memo }, nonce: from.next_nonce, ...(values.from ? { from: values.from } : {}) });
      replace(area, note("good", h("strong", null, "✓ Sent. "), "It waits for the next block. ", link(`/transaction/${sent.id}`, "See it")), button("Another payment", () => enter()));
      page.say("The payment is sent.");
      await after();
    }, { class: "primary" }), button("Change something", () => enter(values))));
  };
  enter();
  return area;
}

function backup(status) {
  return card("Backup", h("p", null, "The 24 words are the backup: with them, “Restore one” makes the same wallet on any node of any kind, offline if you like. They were shown once and cannot be shown again; whoever lost them makes a new wallet and pays everything to it."),
    h("p", null, "A copy of the file ", h("code", null, "wallet.json"), " in the node’s data folder works as well, together with its passphrase."),
    h("div", { class: "actions" }, button("Save a note for the drawer", () => save("mote-backup.txt", "text/plain",
      `Mote, network ${status.network}\n\nThe 24 words, written by hand:\n\n${Array.from({ length: 24 }, (_, i) => `${String(i + 1).padStart(2)} ________________`).join("\n")}\n\nRestore: open the node's page, Wallet, "Restore one".\n`))));
}
