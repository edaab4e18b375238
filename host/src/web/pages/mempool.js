// What waits to be mined, in the order in which a miner takes it.

import { get } from "../api.js";
import { empty, h, link, replace, row, table } from "../dom.js";
import { addressLink, amount, count, memoText, transactionLink } from "../format.js";

export const title = "Mempool";

const LIMIT = 50;

export async function show(page) {
  const before = page.query.get("before");
  const area = h("div");
  page.main.append(h("h1", null, "Open payments"), area);
  const look = async () => {
    const [status, open] = await Promise.all([get("/status"), get(`/mempool?limit=${LIMIT}${before ? `&before=${before}` : ""}`)]);
    const last = open[open.length - 1];
    replace(area, status.mempool === 0
      ? empty("No payment is waiting", "What anybody sends shows here within a second, and leaves with the next block.", link("/wallet", "Pay somebody"))
      : [h("p", null, `${count(status.mempool)} ${status.mempool === 1 ? "payment waits" : "payments wait"}. Miners take the highest fee first; payments of one sender keep their order.`),
        table({ caption: "Open payments", hideCaption: true, head: ["Id", "From", "To", "Amount", "Fee", "Nonce", "Memo"],
          rows: open.map((t) => row(transactionLink(t.id), addressLink(t.sender), addressLink(t.recipient), amount(t.amount), t.fee, String(t.nonce), t.memo ? memoText(t.memo) ?? h("code", null, t.memo) : "")) }),
        h("div", { class: "actions" }, before ? h("a", { class: "button", href: "/mempool" }, "First") : null, open.length === LIMIT ? h("a", { class: "button", href: `/mempool?before=${last.id}` }, "Next") : null)]);
  };
  await look();
  if (!before) page.listen(["block", "reorg", "transaction", "open"], look);
}
