// One block: what it says, what is in it, what stands beside it.

import { bytes, find, get } from "../api.js";
import { button, card, copyable, facts, h, link, note, replace, row, save, table } from "../dom.js";
import { addressLink, ago, amount, blockLink, count, hex, moment, motes, grains, scaled, short, transactionLink } from "../format.js";

export const title = "Block";

export async function show(page) {
  const name = page.parts[0] ?? "0";
  const block = await get(`/blocks/${encodeURIComponent(name)}`);
  page.setTitle(`Block ${block.height}`);
  const [state, siblings, next] = [h("div"), h("div"), h("span")];
  const fees = block.transactions.reduce((sum, transaction) => sum + grains(transaction.fee), 0n);
  const paid = block.transactions.reduce((sum, transaction) => sum + grains(transaction.amount), 0n);
  page.main.append(
    h("h1", null, block.height === 0 ? "Genesis block" : `Block ${count(block.height)}`),
    h("div", { class: "actions" },
      block.height > 0 ? h("a", { class: "button", href: `/block/${block.previous}`, rel: "prev" }, "← Parent") : null,
      next,
      h("a", { class: "button", href: `/laboratory/block?block=${block.id}` }, "Take it apart in the laboratory")),
    h("section", { class: "card" }, state, facts([
      ["Id", copyable(block.id)],
      ["Time", moment(block.time), " (", ago(block.time), ")"],
      ["Miner", block.height ? addressLink(block.miner) : "nobody"],
      ["Payments", `${count(block.transaction_count)}, ${motes(paid)} motes, fees ${motes(fees)}`],
      ["Attempts a block takes", scaled(block.difficulty), ` (target ${block.target})`],
      ["Work of the chain", `${scaled(Number(BigInt(`0x${block.work}`)))} attempts`],
    ])),
    siblings,
    h("section", { class: "card" }, table({
      caption: "Payments", head: ["Id", "From", "To", "Amount", "Fee"], none: "There are none: the miner got the reward alone.",
      rows: block.transactions.map((t) => row(transactionLink(t.id), addressLink(t.sender), addressLink(t.recipient), amount(t.amount), t.fee)),
    })),
    details(block));

  const look = async () => {
    const [now, beside] = await Promise.all([get(`/blocks/${block.id}`), find(`/blocks/${block.id}/siblings`)]);
    replace(next, now.confirmations > 1 ? h("a", { class: "button", href: `/block/${now.height + 1}`, rel: "next" }, "Next →") : null);
    replace(state, now.on_main_chain
      ? note("good", h("strong", null, `✓ ${count(now.confirmations)} ${now.confirmations === 1 ? "confirmation" : "confirmations"}`), now.confirmations < 6 ? ": the next blocks make it ever harder to replace." : "")
      : note("warn", h("strong", null, "⚠ Stale: "), "another branch has more work, so this block does not count. Its payments are open again or mined elsewhere. ", link(`/block/${now.height}`, "See the block of the chain at this height"), "."));
    replace(siblings, beside?.length ? card(now.on_main_chain ? "Stale blocks at this height" : "Other blocks at this height",
      table({ caption: "Siblings", hideCaption: true, head: ["Id", "Miner", "Time", "State"], rows: beside.map((other) => row(blockLink(other.id), addressLink(other.miner), moment(other.time), other.on_main_chain ? "on the chain" : "stale")) })) : []);
  };
  await look();
  page.listen(["block", "reorg"], look);
}

function details(block) {
  const raw = h("div", { class: "bytes" });
  const { transactions, ...header } = block;
  return h("section", { class: "card" }, h("h2", null, "Everything it says"),
    h("details", null, h("summary", null, "Header"), h("dl", { class: "facts wide" }, Object.entries(header).map(([name, value]) => h("div", null, h("dt", null, name.replaceAll("_", " ")), h("dd", null, h("code", null, String(value))))))),
    h("details", { ontoggle: async ({ currentTarget }) => {
      if (!currentTarget.open || raw.textContent) return;
      const content = await bytes(`/blocks/${block.id}/raw`);
      replace(raw, h("p", null, `${count(content.length)} bytes, as nodes send it. `, button("Save", () => save(`block-${block.height}.hex`, "text/plain", hex(content)), { class: "quiet" })), dump(content));
    } }, h("summary", null, "Bytes"), raw),
    h("p", null, h("a", { href: `/api/v1/blocks/${block.id}` }, "JSON"), " · ", h("a", { href: `/api/v1/blocks/${block.id}/raw`, download: `block-${short(block.id, 8, 0)}.bin` }, "Binary")));
}

const SHOWN = 4096;
const dump = (content) => h("pre", null, Array.from({ length: Math.ceil(Math.min(SHOWN, content.length) / 16) }, (_, i) =>
  `${(16 * i).toString(16).padStart(6, "0")}  ${hex(content.slice(16 * i, 16 * i + 16)).replace(/../g, "$& ")}\n`).join("") + (content.length > SHOWN ? "…" : ""));
