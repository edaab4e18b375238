// The miner of this node.

import { findWallet, get, post } from "../api.js";
import { lineChart } from "../chart.js";
import { button, card, empty, facts, field, form, h, link, replace } from "../dom.js";
import { addressLink, count, duration, scaled } from "../format.js";
import { historyTable } from "./address.js";

export const title = "Mining";

const SAMPLES = 120;

export async function show(page) {
  const [control, rate, found] = [h("div"), h("div"), h("div")];
  const samples = [];
  const begun = Date.now();
  page.main.append(h("h1", null, "Mining"), h("div", { class: "columns" }, card("This computer", control), card("Attempts a second", rate)), h("section", { class: "card" }, found));
  let settings = null;
  let isEditing = false;
  const look = async () => {
    const [now, status] = await Promise.all([get("/mining"), get("/status")]);
    settings = now;
    samples.push({ x: (Date.now() - begun) / 1000, y: now.hash_rate, name: `${duration((Date.now() - begun) / 1000)} on this page` });
    if (samples.length > SAMPLES) samples.shift();
    replace(rate, lineChart({ title: "Hash rate", points: samples, format: (value) => scaled(value, "/s"), xTitle: "When" }));
    if (isEditing) return;
    if (!now.miner && !(await findWallet())) return replace(control, empty("Nobody to pay", "The reward of a block goes to the wallet, and there is none yet.", h("a", { class: "button primary", href: "/wallet" }, "Make a wallet")));
    const share = status.hash_rate > 0 ? Math.min(1, now.hash_rate / status.hash_rate) : 0;
    replace(control,
      h("p", null, h("span", { class: `badge ${now.enabled ? "good" : ""}` }, now.enabled ? "● On" : "○ Off"), now.enabled ? " It goes on from block to block." : " It looks for nothing."),
      facts([
        ["Attempts a second", scaled(now.hash_rate)],
        ["A block of mine, on average", now.hash_rate > 0 ? `every ${duration(status.difficulty / now.hash_rate)}` : "not while it is off"],
        ["Share of the network", `${(100 * share).toFixed(1)} %`],
        ["Threads", String(now.threads)],
        ["Limit", now.limit === null ? "none" : scaled(now.limit, "/s")],
        ["Rewards go to", now.miner ? addressLink(now.miner) : "the wallet’s first address"],
      ]),
      h("div", { class: "actions" },
        button(now.enabled ? "Stop mining" : "Start mining", async () => { await post("/mining", { enabled: !settings.enabled }); await look(); }, { class: "primary", "aria-pressed": String(now.enabled) }),
        button("Mine one block now", async () => {
          const block = await post("/mining/block");
          page.say(`Block ${block.height} is mined.`);
          await look();
        })),
      h("details", { ontoggle: (event) => { isEditing = event.currentTarget.open; } }, h("summary", null, "Threads and limit"), form([
        field({ label: "Threads", name: "threads", type: "number", min: "1", max: "256", value: String(now.threads), required: true }),
        field({ label: "Attempts a second at the most", name: "limit", type: "number", min: "1", value: now.limit === null ? "" : String(now.limit), hint: "Leave it empty for no limit. On the local network a limit keeps a laptop cool." }),
      ], "Change", async ({ threads, limit }) => {
        await post("/mining", { threads: Number(threads), limit: limit === "" ? null : Number(limit) });
        isEditing = false;
        await look();
      })));
  };
  const past = async () => {
    if (!settings?.miner) return replace(found, empty("No blocks yet", "Blocks that this node mines show here.", link("/laboratory/block", "What is mining?")));
    const entries = await get(`/accounts/${settings.miner}/history?limit=50`);
    const mined = entries.filter((entry) => entry.role === "mined");
    replace(found, h("h2", null, "Blocks that I have mined"), mined.length ? historyTable(mined.slice(0, 15)) : empty("No blocks yet", `The chance is the same with every attempt, whatever happened before. So far: ${count(0)} blocks.`));
  };
  await look();
  await past();
  page.every(1000, look);
  page.listen(["mining"], look);
  page.listen(["block", "reorg", "open"], past);
}
