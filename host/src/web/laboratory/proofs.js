// Trees of hashes and the paths in them.

import { alarm, button, card, facts, field, h, replace, svg } from "../dom.js";
import { count } from "../format.js";
import { ask, brief, frame, mark, newest, refocus } from "./frame.js";

export const title = "Proofs";

const DRAWN = 16;

// The tree, with the way of the leaf and the hashes that are given beside it.
function drawing({ levels, leaf, error }, index) {
  const [step, line, box] = [72, 58, 62];
  const size = levels[0].length;
  const [width, height] = [size * step + 10, levels.length * line];
  const x = (level, i) => {
    const span = 2 ** level;
    const last = Math.min((i + 1) * span, size) - 1;
    return ((i * span + last) / 2) * step + 5;
  };
  const y = (level) => height - line * (level + 1) + 14;
  const shapes = [];
  levels.forEach((hashes, level) => hashes.forEach((hash, i) => {
    const own = index >> level;
    const rises = level > 0 && levels[level - 1][2 * i + 1] === undefined;
    if (level > 0) for (const child of rises ? [2 * i] : [2 * i, 2 * i + 1]) shapes.push(svg("line", { x1: x(level, i) + box / 2, y1: y(level) + 28, x2: x(level - 1, child) + box / 2, y2: y(level - 1) }));
    const kind = i === own ? (level < levels.length - 1 ? "computed" : error ? "broken" : "root") : i === (own ^ 1) ? "given" : "idle";
    const shown = level === 0 && i === index ? leaf : hash;
    shapes.push(svg("g", { class: kind }, svg("rect", { x: x(level, i), y: y(level), width: box, height: 28, rx: 5 }), svg("text", { x: x(level, i) + box / 2, y: y(level) + 18, "text-anchor": "middle" }, brief(shown)), svg("title", null, shown)));
  }));
  return h("div", { class: "scroll tree", tabindex: "0", role: "region", "aria-label": "The tree, the root on top" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `A tree of ${size} leaves in ${levels.length} levels` }, shapes));
}

export async function show(page) {
  const area = await frame(page, "proofs", "A header commits to a whole tree by its root. So one leaf and the few hashes beside its way up prove what the tree holds, to anybody who has the header.");
  const query = (name, otherwise) => page.query.get(name) ?? otherwise;
  let spoil = page.query.has("spoil") ? Number(query("spoil")) : null;
  const [verdict, tree, path] = [h("div", { id: "proofs-verdict", class: "tall" }), h("div", { id: "proofs-tree" }), h("div", { id: "proofs-path" })];
  const controls = h("form", { id: "proofs-form" },
    field({ label: "Tree", name: "tree", id: "proofs-kind", control: "select", options: [["payments", "Payments of a block"], ["history", "All blocks"], ["accounts", "All accounts"]], value: query("tree", "payments") }),
    field({ label: "Leaves", name: "leaves", id: "proofs-leaves", type: "number", min: "1", max: "128", value: query("leaves", "8"), required: true }),
    field({ label: "Prove number", name: "index", id: "proofs-index", type: "number", min: "0", max: "128", value: query("index", "2"), required: true, hint: "In the tree of accounts, a number that is not there gives a proof of absence." }));
  controls.addEventListener("submit", (event) => event.preventDefault());
  const request = () => {
    const { tree: kind, leaves, index } = Object.fromEntries(new FormData(controls));
    return { tree: kind, leaves: Math.trunc(Number(leaves)), index: Math.trunc(Number(index)), ...(spoil === null ? {} : { spoil }) };
  };
  const spoiler = (place, what) => button(spoil === place ? "Repair" : "Spoil", async () => {
    spoil = spoil === place ? null : place;
    draw(await ask("proofs", request()));
    refocus(area);
  }, { id: `proofs-spoil-${place}`, "aria-label": `${spoil === place ? "Repair" : "Spoil"} ${what}`, "aria-pressed": String(spoil === place) });
  const draw = (answer) => {
    const { index, leaves, tree: kind } = request();
    page.note({ tree: kind, leaves: String(leaves), index: String(index), spoil: spoil === null ? null : String(spoil) });
    const holds = answer.error === null;
    replace(verdict, h("p", { class: `note ${holds ? "good" : "bad"}` }, mark(holds), h("strong", null, holds ? ` Proved: ${answer.shows}.` : " The proof shows nothing.")), holds ? null : h("p", { class: "got" }, h("code", null, answer.error)),
      facts([["Root that a header commits to", h("code", { id: "proofs-root" }, answer.root)], ["Size of the proof", `${answer.path.length + 1} hashes, ${count(answer.bytes)} bytes`]]));
    page.say(holds ? `Proved: ${answer.shows}.` : "The proof shows nothing.");
    replace(path, h("ol", { class: "path", start: "0" },
      h("li", { class: spoil === 0 ? "spoilt" : null }, h("span", null, "The leaf: ", answer.subject), h("code", null, answer.leaf), spoiler(0, "the leaf")),
      answer.path.map((step, i) => h("li", { class: spoil === i + 1 ? "spoilt" : null }, h("span", null, step.bit === null ? "Beside the way" : `Where keys part at bit ${step.bit}`), h("code", null, step.hash), spoiler(i + 1, `hash ${i + 1}`)))));
    if (answer.levels.length && answer.levels[0].length <= DRAWN) replace(tree, drawing(answer, index), h("p", { class: "hint" }, "Solid boxes are computed from the leaf up, dashed ones are given in the proof, the rest is not needed."));
    else replace(tree, h("p", { class: "faint" }, answer.levels.length ? `A tree of ${answer.levels[0].length} leaves is too wide to draw; its proof has ${answer.path.length} hashes beside the leaf.` : "The tree of accounts branches where keys differ, so its paths are as long as the keys need."));
  };
  const look = newest(() => ask("proofs", request()), draw, alarm);
  controls.addEventListener("input", () => { spoil = null; look(); });
  area.append(h("div", { class: "columns" }, card("What to prove", controls), card("Verified by the code of the nodes", verdict)), card("The proof", path), card("The tree", tree));
  draw(await ask("proofs", request()));
}
