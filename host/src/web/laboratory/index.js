// All experiments.

import { h, link } from "../dom.js";
import { PAGES, frame } from "./frame.js";

export const title = "Laboratory";

export async function show(page) {
  const area = await frame(page, "index", "Break a ledger and see what holds it together. Every answer comes from the code that checks the real chain, and nothing here touches that.");
  area.append(h("ol", { class: "experiments" }, PAGES.map(([name, text, what], i) => h("li", { class: "card" },
    h("h2", null, link(`/laboratory/${name}`, `${i + 1}. ${text}`)), h("p", null, what)))));
}
