// The chain, page by page.

import { get } from "../api.js";
import { h, link, replace, row, table } from "../dom.js";
import { addressLink, ago, blockLink, count, scaled, short } from "../format.js";

export const title = "Blocks";

const LIMIT = 25;

export async function show(page) {
  const before = page.query.get("before");
  const area = h("div");
  page.main.append(h("h1", null, before ? `Blocks below ${count(before)}` : "The newest blocks"), h("p", null, link("/forks", "Forks"), " shows blocks that are not on this chain."), area);
  const look = async () => {
    const blocks = await get(`/blocks?limit=${LIMIT}${before ? `&before=${encodeURIComponent(before)}` : ""}`);
    const last = blocks[blocks.length - 1]?.height ?? 0;
    replace(area, table({
      caption: "Blocks", hideCaption: true, head: ["Height", "Time", "Payments", "Miner", "Attempts", "Id"],
      rows: blocks.map((block) => row(link(`/block/${block.height}`, count(block.height)), ago(block.time), count(block.transaction_count), block.height ? addressLink(block.miner) : h("span", { class: "faint" }, "genesis"), scaled(block.difficulty), blockLink(block.id, short(block.id)))),
    }), h("div", { class: "actions" }, before ? h("a", { class: "button", href: "/blocks" }, "Newest") : null, last > 0 ? h("a", { class: "button", href: `/blocks?before=${last}` }, "Older") : null));
  };
  await look();
  if (!before) page.listen(["block", "reorg", "open"], look);
}
