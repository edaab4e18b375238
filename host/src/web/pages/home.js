// The chain as it grows, and how the network is.

import { findWallet, get } from "../api.js";
import { lineChart } from "../chart.js";
import { button, card, empty, facts, h, link, replace, row, table } from "../dom.js";
import { addressLink, ago, amount, count, duration, moment, ownName, scaled, short, transactionLink } from "../format.js";
import { choices } from "./start.js";

export const title = "Home";

const BLOCKS = 20;
const STEP_PX = 164;
const SPANS = [["360", "an hour"], ["2160", "six hours"], ["5760", "sixteen hours"]];

// The strip keeps every block where it is and only moves it, so that nothing jumps.
function strip(capacity) {
  const list = h("ol", { class: "strip", "aria-label": "The pending block, then the newest blocks", tabindex: "0" });
  const shown = new Map();
  const pending = h("li", { class: "pending" });
  list.append(pending);

  const draw = (block) => {
    const share = Math.min(100, (100 * block.transaction_count) / capacity);
    const fill = h("span", { class: "fill" }, h("i"));
    fill.firstChild.style.width = `${share}%`;
    const name = ownName(block.miner);
    return h("li", { class: name ? "mine" : null },
      h("a", { href: `/block/${block.height}` }, h("strong", null, count(block.height)), h("span", null, ago(block.time)),
        h("span", null, block.transaction_count === 1 ? "1 payment" : `${count(block.transaction_count)} payments`),
        h("span", { class: "faint" }, block.height === 0 ? "genesis" : name ? "mined by me" : `by ${short(block.miner, 8, 4)}`), h("code", { class: "faint" }, short(block.id, 8, 4)), fill));
  };

  return {
    list,
    show(blocks, isFirst) {
      const ids = new Set(blocks.map((block) => block.id));
      for (const [id, item] of shown) if (!ids.has(id)) { item.remove(); shown.delete(id); }
      blocks.forEach((block, place) => {
        let item = shown.get(block.id);
        if (!item) {
          item = draw(block);
          if (!isFirst) item.classList.add("new");
          shown.set(block.id, item);
        }
        item.style.transform = `translateX(${(place + 1) * STEP_PX}px)`;
        // The keyboard and those who listen go through them in their order.
        if (list.children[place + 1] !== item) list.insertBefore(item, list.children[place + 1] ?? null);
      });
    },
    wait(mempool, fees, spacing) {
      replace(pending, h("a", { href: "/mempool" }, h("strong", null, "Pending"), h("span", null, mempool === 1 ? "1 payment" : `${count(mempool)} payments`),
        h("span", { class: "faint" }, mempool ? `best fee ${fees}` : "nothing waits"), h("span", { class: "faint" }, `about every ${duration(spacing)}`)));
    },
  };
}

export async function show(page) {
  const { main } = page;
  page.setTitle("Home");
  const span = SPANS.some(([blocks]) => blocks === page.query.get("blocks")) ? page.query.get("blocks") : SPANS[0][0];
  const [status, wallet] = await Promise.all([get("/status"), findWallet().catch(() => null)]);
  const capacity = status.network === "regtest" ? 1024 : 128;
  const blocks = strip(capacity);
  const [summary, open, chartArea] = [h("div"), h("div"), h("div", { class: "columns charts" })];
  const isNew = status.height === 0 || (!wallet && status.network.startsWith("local"));
  main.append(
    h("h1", null, status.height === 0 ? "Welcome to Mote" : `The ${status.network} network`),
    isNew && !sessionStorage.getItem("mote-dismissed") ? await welcome(page, status, wallet) : "",
    h("h2", { class: "hidden" }, "Blocks"), blocks.list,
    card("The network", summary),
    h("section", { class: "card", "aria-labelledby": "course" },
      h("h2", { id: "course" }, `The course of the last ${SPANS.find(([value]) => value === span)[1].replace(/^an /, "")}`),
      h("p", null, SPANS.map(([value, text]) => h("a", { class: "badge", href: `/?blocks=${value}`, "aria-current": value === span ? "true" : null }, value === span ? `✓ ${text}` : text))),
      chartArea),
    h("section", { class: "card" }, h("h2", null, "Open payments"), open));
  for (let i = 0; i < 4; i += 1) chartArea.append(h("figure", { class: "chart" }));

  const looks = {
    async state() {
      const now = await get("/status");
      replace(summary, facts([
        ["Height", count(now.height)],
        ["Last block", now.height ? ago(now.tip_time) : "none yet"],
        ["Attempts a block takes", scaled(now.difficulty)],
        ["Hash rate of the network", scaled(now.hash_rate, "/s")],
        ["Peers", link("/network", String(now.peers))],
        ["Blocks stored", count(now.blocks_stored), " ", link("/forks", "forks")],
        ["Network", now.network],
        ["Genesis", h("code", null, short(now.genesis))],
      ]));
    },
    async chain(isFirst) {
      blocks.show(await get(`/blocks?limit=${BLOCKS}`), isFirst);
    },
    async open() {
      const [now, list] = await Promise.all([get("/status"), get("/mempool?limit=5")]);
      blocks.wait(now.mempool, list[0]?.fee, 10);
      replace(open, now.mempool === 0 ? empty("No payment is waiting", "What is sent shows here at once, and in a block some seconds later.", link("/wallet", "Pay somebody"))
        : [table({ caption: "The next ones to be mined", hideCaption: true, head: ["Payment", "From", "To", "Amount", "Fee"],
          rows: list.map((t) => row(transactionLink(t.id), addressLink(t.sender), addressLink(t.recipient), amount(t.amount), t.fee)) }),
        now.mempool > list.length ? h("p", null, link("/mempool", `All ${count(now.mempool)}`)) : ""]);
    },
    async charts() {
      const course = (await get(`/charts?blocks=${span}&points=90`)).reverse();
      const points = (y) => course.map((point) => ({ x: point.height, y: y(point), name: `${count(point.height)}, ${moment(point.time)}` }));
      const tidy = (all) => all.map((point, i) => ({ ...point, name: i === 0 || i === all.length - 1 ? `block ${point.name.split(",")[0]}` : `block ${point.name}` }));
      replace(chartArea,
        lineChart({ title: "Time a block takes", points: tidy(points((point) => point.interval)), format: duration, xTitle: "Block" }),
        lineChart({ title: "Difficulty", points: tidy(points((point) => point.difficulty)), format: (value) => scaled(value), xTitle: "Block" }),
        lineChart({ title: "Hash rate", points: tidy(points((point) => point.hash_rate)), format: (value) => scaled(value, "/s"), xTitle: "Block" }),
        lineChart({ title: "Fees in motes", points: tidy(points((point) => Number(point.fees))), format: (value) => String(Number(value.toPrecision(3))), xTitle: "Block" }));
    },
  };
  await Promise.all([looks.state(), looks.chain(true), looks.open()]);
  looks.charts();

  const soon = gather(async (names) => {
    await Promise.all([...names].map((name) => looks[name]()));
  });
  page.listen(["block", "reorg", "open"], () => soon("state", "chain", "open"));
  page.listen(["transaction"], () => soon("open"));
  page.listen(["peer"], () => soon("state"));
  page.every(15_000, () => looks.charts());
  page.listen(["block"], ({ height }) => page.say(`Block ${height} arrived.`));
}

// Many events make one look, and never two at once.
function gather(look) {
  const due = new Set();
  let isLooking = false;
  return async (...names) => {
    names.forEach((name) => due.add(name));
    if (isLooking) return;
    isLooking = true;
    while (due.size) {
      const now = new Set(due);
      due.clear();
      try {
        await look(now);
      } catch {
        // The line under the header says that the node does not answer.
      }
      await new Promise((done) => setTimeout(done, 250));
    }
    isLooking = false;
  };
}

async function welcome(page, status, wallet) {
  const area = h("section", { "aria-label": "First steps" }, await choices(page, status, wallet),
    h("p", null, button("Hide this", () => {
      sessionStorage.setItem("mote-dismissed", "yes");
      area.remove();
    }, { class: "quiet" })));
  return area;
}
