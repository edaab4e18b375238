// What the pages of the laboratory share: their order, the way from one to the next, and asking the node.

import { post } from "../api.js";
import { alarm, h, link } from "../dom.js";

export const PAGES = [
  ["hash", "Hash", "What a hash is, and what a miner tries."],
  ["block", "Block", "Change any byte of a block and see which rules fail."],
  ["chain", "Chain", "Rewrite one block, and every later one breaks."],
  ["peers", "Peers", "Real nodes part, mine and agree again."],
  ["payments", "Payments", "Pay, pay twice, overspend, forge: what a node says to each."],
  ["proofs", "Proofs", "A few hashes prove one payment among many."],
  ["difficulty", "Difficulty", "How the target follows the hash rate."],
];

// The page's own style is only fetched by those who come here; waiting for it keeps the page from jumping.
function style() {
  if (document.getElementById("laboratory-style")) return null;
  const sheet = h("link", { id: "laboratory-style", rel: "stylesheet", href: "/web/laboratory.css" });
  const loaded = new Promise((done) => ["load", "error"].forEach((name) => sheet.addEventListener(name, done)));
  document.head.append(sheet);
  return loaded;
}

// What had the focus last. Whoever draws a control anew gives the focus back, or the keyboard starts from the top.
let last = null;
export function refocus(area) {
  if (last === null || (document.activeElement && document.activeElement !== document.body)) return;
  (document.getElementById(last) ?? area).focus({ preventScroll: true });
}

// The frame of a page: heading, up to two sentences, the experiment, and the way on.
export async function frame(page, name, sentence) {
  await style();
  const at = PAGES.findIndex(([own]) => own === name);
  const [before, after] = [PAGES[at - 1], PAGES[at + 1]];
  const area = h("div", { class: "stack laboratory", id: `laboratory-${name}`, tabindex: "-1" });
  last = null;
  area.addEventListener("focusin", ({ target }) => { last = target.id || null; });
  page.main.append(
    ...(at < 0 ? [] : [h("p", { class: "crumbs" }, link("/laboratory", "Laboratory"), ` · ${at + 1} of ${PAGES.length}`)]),
    h("h1", null, at < 0 ? "Laboratory" : PAGES[at][1]), h("p", { class: "lead" }, sentence), area);
  if (at >= 0) {
    page.main.append(h("nav", { class: "onward", "aria-label": "Experiments" },
      h("a", { id: "laboratory-previous", rel: "prev", href: before ? `/laboratory/${before[0]}` : "/laboratory" }, `← ${before ? before[1] : "All experiments"}`),
      h("a", { id: "laboratory-next", rel: "next", href: after ? `/laboratory/${after[0]}` : "/laboratory" }, `${after ? after[1] : "All experiments"} →`)));
  }
  return area;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Asks the node for an experiment; while others use the laboratory, this one waits its turn.
export async function ask(path, body) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await post(`/laboratory/${path}`, body);
      alarm("");
      return answer;
    } catch (error) {
      if (error.code !== "busy" || tries === 8) throw error;
      await pause(400 * (tries + 1));
    }
  }
}

// Runs only the newest of several questions: what was typed meanwhile makes the answers before worthless.
export function newest(action, show, fail) {
  let number = 0;
  return async (...given) => {
    const own = (number += 1);
    await pause(120);
    if (own !== number) return;
    try {
      const answer = await action(...given);
      if (own === number) show(answer);
    } catch (error) {
      if (own === number) fail(error);
    }
  };
}

// The first digits of a hash, enough to tell a few apart.
export const brief = (hash) => hash.slice(0, 6);

// A mark that does not depend on its colour.
export const mark = (holds) => h("span", { class: `mark ${holds === null ? "" : holds ? "good" : "bad"}`, "aria-hidden": "true" }, holds === null ? "–" : holds ? "✓" : "✗");

// The broken rules of a block, or what a node says to a payment.
export const ruleCard = ({ rule, sentence, reason, detail }, first) => h("div", { class: "rule" },
  h("p", null, h("strong", null, `✗ ${rule}`), first ? h("span", { class: "badge bad" }, "a node stops here") : null),
  h("p", null, `The rule: ${sentence}.`, reason ? ` Why: ${reason}.` : ""), h("p", { class: "got" }, h("code", null, detail)));
