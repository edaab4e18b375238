// Branches of the chain: the one that counts, and those that were left.

import { get } from "../api.js";
import { empty, h, link, replace, row, svg, table } from "../dom.js";
import { blockLink, count, scaled, short } from "../format.js";

export const title = "Forks";

const [STEP, LANE] = [104, 46];
const SHOWN = 8;

// The newest branches as lines that leave the chain; a link at every block.
function drawing(ends) {
  const [main, ...stale] = [ends.find((end) => end.status === "main"), ...ends.filter((end) => end.status !== "main").slice(0, SHOWN)];
  const top = Math.max(...ends.map((end) => end.height));
  const lowest = Math.max(0, Math.min(...stale.map((end) => end.fork_height), top), top - 30);
  const x = (height) => 20 + (height - lowest) * STEP;
  const shapes = [];
  const block = (height, lane, id, kind) => svg("a", { href: `/block/${id}` },
    svg("rect", { class: kind, x: x(height), y: 10 + lane * LANE, width: 84, height: 30, rx: 5 }), svg("text", { x: x(height) + 42, y: 30 + lane * LANE, "text-anchor": "middle" }, count(height)), svg("title", null, `${kind} block ${height}, ${short(String(id))}`));
  for (let height = lowest; height <= main.height; height += 1) {
    if (height > lowest) shapes.push(svg("line", { x1: x(height) - STEP + 84, y1: 25, x2: x(height), y2: 25 }));
    shapes.push(block(height, 0, height, "main"));
  }
  stale.forEach((end, i) => {
    [...end.blocks].reverse().forEach((id, place, all) => {
      const height = end.height - all.length + 1 + place;
      if (height <= lowest) return;
      const from = place === 0 && height - 1 === end.fork_height ? 25 : 25 + (i + 1) * LANE;
      shapes.push(svg("line", { x1: x(height) - STEP + 84, y1: from, x2: x(height), y2: 25 + (i + 1) * LANE }), block(height, i + 1, id, "stale"));
    });
  });
  const [width, height] = [x(top) + 104, 20 + (stale.length + 1) * LANE];
  return h("div", { class: "scroll tree", tabindex: "0", role: "region", "aria-label": "Tree of the branches" }, svg("svg", { class: "forks", viewBox: `0 0 ${width} ${height}`, width, height, role: "group" }, shapes));
}

export async function show(page) {
  const area = h("div", { class: "stack" });
  page.main.append(h("h1", null, "Forks"), h("p", null, "When two miners find a block at the same time, the chain forks. The branch with more work wins; blocks of the other one are stale, and their payments are mined again."), area);
  const look = async () => {
    const ends = await get("/branches?limit=50");
    const stale = ends.filter((end) => end.status !== "main");
    replace(area, stale.length === 0 ? empty("No forks so far", "Every block that this node has stored is on the chain.", link("/laboratory/peers", "Make one in the laboratory"))
      : [h("section", { class: "card" }, h("h2", null, "The tree"), drawing(ends)),
        h("section", { class: "card" }, table({ caption: "Branches that were left", head: ["Last block", "Height", "Left the chain at", "Length", "Work", "State"],
          rows: stale.map((end) => row(blockLink(end.id), count(end.height), link(`/block/${end.fork_height}`, count(end.fork_height)), count(end.length), scaled(Number(BigInt(`0x${end.work}`))), end.status)) }))]);
  };
  await look();
  page.listen(["reorg", "open"], look);
  page.every(10_000, look);
}
