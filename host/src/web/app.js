// Where the address leads: every page is a module that is fetched when it is first opened.

import * as api from "./api.js";
import { alarm, field, form, h, replace, status, tellWith, button } from "./dom.js";
import { count, duration, keepTime, setOwn } from "./format.js";
import * as live from "./live.js";
import { pages } from "./pages.js";

const main = document.getElementById("main");
const [state, bar, alert] = ["state", "sync", "alert"].map((id) => document.getElementById(id));
let leaving = new AbortController();

tellWith((text) => {
  alert.textContent = text;
  alert.hidden = !text;
});

// What a page is given. Each fills a place of its own: one that was left while it still asked fills nothing.
function makePage(place, parts, query, signal) {
  return {
    main: place, parts, query, signal,
    listen: (names, handler) => live.listen(names, handler, signal),
    every(ms, action) {
      const timer = setInterval(() => { if (!document.hidden) action(); }, ms);
      signal.addEventListener("abort", () => clearInterval(timer));
    },
    say: status,
    setTitle: (title) => { if (!signal.aborted) document.title = `${title} · Mote`; },
    go: (url) => open(url, "push"),
    // Keeps what is looked at in the address, so that it can be shared.
    note(changes) {
      if (signal.aborted) return;
      const url = new URL(location.href);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === "") url.searchParams.delete(name);
        else url.searchParams.set(name, value);
      }
      history.replaceState(null, "", url);
    },
  };
}

function markNavigation(path) {
  for (const entry of document.querySelectorAll("header nav a")) {
    const at = entry.getAttribute("href");
    const isHere = at === path || (at !== "/" && path.startsWith(`${at}/`)) || (at === "/blocks" && path.startsWith("/block/"));
    if (isHere) entry.setAttribute("aria-current", "page");
    else entry.removeAttribute("aria-current");
  }
}

async function open(address, how) {
  const url = new URL(address, location.href);
  if (how === "push") history.pushState(null, "", url);
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  markNavigation(url.pathname);
  tellOf("");
  try {
    const found = pages(url.pathname.split("/").filter(Boolean).map(decodeURIComponent));
    const module = await found.load();
    if (signal.aborted) return;
    const place = h("div");
    const page = makePage(place, found.rest, url.searchParams, signal);
    page.setTitle(module.title);
    main.replaceChildren(place);
    main.setAttribute("aria-busy", "true");
    await module.show(page);
  } catch (error) {
    if (signal.aborted) return;
    replace(main, h("h1", null, error.status === 404 ? "Not found" : "This page cannot be shown"), h("p", null, error.message),
      h("p", null, button("Try again", () => open(location.href, "replace"))));
  }
  if (!signal.aborted) main.removeAttribute("aria-busy");
  if (how === "push" && !signal.aborted) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
    status(document.title);
  }
}

const tellOf = (text) => { alert.textContent = text; alert.hidden = !text; };

document.addEventListener("click", (event) => {
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(anchor.href);
  if (url.origin !== location.origin || anchor.target || anchor.hasAttribute("download") || !pages.has(url.pathname)) return;
  if (url.pathname === location.pathname && url.hash) return;
  event.preventDefault();
  open(url, "push");
});
addEventListener("popstate", () => open(location.href, "pop"));

document.getElementById("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = event.currentTarget.elements.text.value.trim();
  try {
    const { at } = await api.get(`/search?text=${encodeURIComponent(text)}`);
    open(at, "push");
  } catch (error) {
    alarm(error);
  }
});

// The operator's token, asked for once a tab.
api.askWith(() => new Promise((done) => {
  const dialog = h("dialog", { "aria-labelledby": "token-title" },
    h("h2", { id: "token-title" }, "Access token"),
    h("p", null, "From another computer, the wallet, the miner and the peers need the content of the file ", h("code", null, "api-token"), " in the node’s data folder."),
    form([field({ label: "Access token", name: "token", type: "password", required: true })], "Use it", ({ token }) => dialog.close(token.trim())),
    button("Not now", () => dialog.close("")));
  dialog.addEventListener("close", () => { dialog.remove(); done(dialog.returnValue); });
  document.body.append(dialog);
  dialog.showModal();
}));

// The line under the header: how the node is, on every page.
async function showState() {
  try {
    const now = await api.get("/status");
    document.getElementById("network").textContent = now.network;
    const parts = [`Height ${count(now.height)}`, now.peers === 1 ? "1 peer" : `${now.peers} peers`];
    if (now.mempool) parts.push(`${count(now.mempool)} open`);
    if (now.syncing) {
      const { height, target, blocks_per_second: rate, seconds_left: left } = now.syncing;
      const percent = Math.floor((100 * height) / Math.max(1, target));
      parts.push(`Syncing: ${percent} %, ${Math.round(rate)} blocks/s${left === null ? "" : `, ${duration(left)} left`}`);
    }
    if (now.read_only) parts.push(`Read-only: ${now.read_only}`);
    if (now.clock_skew_seconds) parts.push(`This clock is ${now.clock_skew_seconds} s off its peers’`);
    state.className = now.read_only ? "bad" : now.syncing || now.clock_skew_seconds ? "warn" : "";
    bar.hidden = !now.syncing;
    if (now.syncing) bar.value = (100 * now.syncing.height) / Math.max(1, now.syncing.target);
    const text = parts.join(" · ");
    if (state.textContent !== text) state.textContent = text;
  } catch (error) {
    state.className = "bad";
    state.textContent = `The node does not answer: ${error.message}`;
  }
}

// Addresses that are this reader's own are marked wherever they appear.
async function findOwn() {
  const own = new Map();
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname) || sessionStorage.getItem("mote-token");
  if (isHere) {
    try {
      for (const { address, index } of await api.get("/wallet/addresses")) own.set(address, index ? `mine ${index + 1}` : "mine");
    } catch {
      // Who may not see the wallet has no own addresses here.
    }
  }
  for (const address of JSON.parse(localStorage.getItem("mote-browser-addresses") ?? "[]")) own.set(address, "this browser’s");
  setOwn(own);
}
addEventListener("mote-own", () => findOwn());

live.start();
live.listen(["open", "block", "reorg", "transaction", "peer"], showState);
live.listen(["lost"], () => { state.className = "bad"; state.textContent = "The node does not answer; trying again …"; });
setInterval(() => { if (!document.hidden) showState(); }, 5000);
keepTime();
showState();
findOwn().finally(() => open(location.href, "first"));
