// A proof for people: what was checked, and the paths drawn from the leaf up to the root.

import { h, svg, table, row } from "./dom.js";
import { short } from "./format.js";

const [ROW, BOX, GAP] = [64, 168, 40];

function drawing({ title, leaf, steps, root }) {
  const levels = steps.length;
  const [width, height] = [2 * BOX + GAP + 20, ROW * (levels + 1) + 10];
  const box = (x, y, name, kind, label) => svg("g", { class: kind },
    svg("rect", { x, y, width: BOX, height: 30, rx: 5 }), svg("text", { x: x + BOX / 2, y: y + 20, "text-anchor": "middle" }, label ?? short(name, 9, 5)));
  const shapes = [];
  let hash = leaf;
  for (let level = 0; level <= levels; level += 1) {
    const y = height - ROW * level - 40;
    const step = steps[level];
    const isLeft = step ? step.side === "left" : false;
    const [own, other] = isLeft ? [BOX + GAP + 10, 10] : [10, BOX + GAP + 10];
    const x = step ? own : (2 * BOX + GAP + 20 - BOX) / 2;
    if (step) {
      const next = steps[level + 1];
      const above = next ? (next.side === "left" ? BOX + GAP + 10 : 10) : (2 * BOX + GAP + 20 - BOX) / 2;
      for (const from of [own, other]) shapes.push(svg("line", { x1: from + BOX / 2, y1: y, x2: above + BOX / 2, y2: y - ROW + 30 }));
      shapes.push(box(other, y, step.sibling, "given"));
    }
    shapes.push(box(x, y, hash, level === levels ? (hash === root ? "root" : "broken") : "computed"));
    hash = step?.hash;
  }
  return h("figure", { class: "tree" }, h("figcaption", null, h("strong", null, title)),
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${title}: ${levels} steps from the leaf to the root` }, shapes),
    h("details", null, h("summary", null, "The hashes"), table({
      caption: title, hideCaption: true, head: ["Step", "Given sibling", "Side", "Computed hash"],
      rows: [row("leaf", "", "", h("code", null, leaf)), ...steps.map((step, i) => row(String(i + 1), h("code", null, step.sibling), step.side, h("code", null, step.hash)))],
    })));
}

export function provenance({ checks, trees }) {
  const holds = checks.every((check) => check.holds);
  return h("div", null,
    h("p", { class: `note ${holds ? "good" : "bad"}` }, h("strong", null, holds ? "✓ Everything holds. " : "✗ The proof does not hold. "), holds ? "This page has computed every hash anew." : "Do not rely on it."),
    h("ul", { class: "checks" }, checks.map((check) => h("li", null, h("span", { "aria-hidden": "true" }, check.holds ? "✓" : "✗"),
      h("span", null, check.name, h("span", { class: "hidden" }, check.holds ? ": holds" : ": does not hold"), check.holds ? "" : h("span", { class: "faint" }, ` got ${check.got}, expected ${check.expected}`))))),
    h("p", { class: "hint" }, "Dashed boxes were given by the node, the others were computed here."), h("div", { class: "columns" }, trees.map(drawing)));
}
