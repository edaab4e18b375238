"use strict";

// Everything that comes from the node is shown through textContent, so that no memo or peer can be markup.
const $ = (id) => document.getElementById(id);
const show = (id, visible) => { $(id).hidden = !visible; };
let token = "";
let wallet = null;
let mining = null;
let stale = false;

async function api(method, path, body) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  const value = text ? JSON.parse(text) : null;
  if (response.ok) return value;
  const problem = Object.assign(new Error(value.detail || value.title), { code: value.code });
  if (problem.code === "token-required") show("access", true);
  throw problem;
}

function say(text) {
  $("alert").textContent = text;
  show("alert", Boolean(text));
}

// Runs what a button asks for, with the button disabled meanwhile, and shows what went wrong.
async function act(button, action) {
  button.disabled = true;
  say("");
  try {
    await action();
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
  }
  refresh();
}

function onSubmit(id, action) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    act(form.querySelector("button"), async () => {
      await action(Object.fromEntries(new FormData(form)));
      form.reset();
    });
  });
}

function onClick(id, action) {
  $(id).addEventListener("click", (event) => act(event.currentTarget, action));
}

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

function quietButton(text, action) {
  const button = element("button", text);
  button.type = "button";
  button.className = "quiet";
  button.addEventListener("click", () => act(button, action));
  return button;
}

const time = (seconds) => new Date(seconds * 1000).toLocaleString();
const short = (text) => `${text.slice(0, 12)}…${text.slice(-6)}`;

function memoText(hex) {
  const bytes = Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return `0x${hex}`;
  }
}

function transactionItem(transaction) {
  const memo = transaction.memo ? ` — “${memoText(transaction.memo)}”` : "";
  const { amount, sender, recipient, fee } = transaction;
  return element("li", `${amount} motes from ${short(sender)} to ${short(recipient)}, fee ${fee}${memo}`);
}

function fill(id, items, none) {
  $(id).replaceChildren(...(items.length ? items : [element("li", none)]));
}

async function showStatus() {
  const status = await api("GET", "/api/v1/status");
  $("network").textContent = status.network;
  const parts = [`height ${status.height}`, `${status.peers} peers`, `${Math.round(status.hash_rate)} hashes/s`];
  if (status.syncing) parts.push(`syncing to ${status.syncing.target}`);
  if (status.read_only) parts.push(`READ-ONLY: ${status.read_only}`);
  if (status.clock_skew_seconds) parts.push(`this clock is ${status.clock_skew_seconds} s off its peers`);
  $("summary").textContent = parts.join(" · ");
}

async function showChain() {
  const blocks = await api("GET", "/api/v1/blocks?limit=10");
  $("blocks").replaceChildren(...blocks.map((block) => element("tr", null,
    element("td", null, quietButton(String(block.height), () => showBlock(block.id))),
    element("td", time(block.time)),
    element("td", String(block.transaction_count)),
    element("td", short(block.miner)),
    element("td", short(block.id)))));
  const open = await api("GET", "/api/v1/mempool?limit=50");
  fill("open", open.map(transactionItem), "None.");
}

async function showBlock(id) {
  const { transactions, ...fields } = await api("GET", `/api/v1/blocks/${id}`);
  $("block-title").textContent = `Block ${fields.height}`;
  $("block-fields").replaceChildren(...Object.entries(fields).flatMap(([name, value]) =>
    [element("dt", name.replaceAll("_", " ")), element("dd", String(value))]));
  fill("block-transactions", transactions.map(transactionItem), "No transactions.");
  show("block", true);
  $("block").focus();
}

async function showWallet() {
  try {
    wallet = await api("GET", "/api/v1/wallet");
  } catch (error) {
    if (error.code !== "no-wallet") throw error;
    wallet = null;
  }
  const showsWords = !$("words").hidden;
  show("no-wallet", !wallet && !showsWords);
  show("have-wallet", Boolean(wallet) && !showsWords);
  if (!wallet) return;
  $("address").textContent = wallet.address;
  $("balance").textContent = wallet.balance;
  $("pending").textContent = wallet.pending;
  show("unlock", wallet.locked);
  show("lock", wallet.encrypted && !wallet.locked);
  show("send", !wallet.locked);
}

async function showMining() {
  mining = await api("GET", "/api/v1/mining");
  const limit = mining.limit === null ? "no limit" : `limit ${mining.limit}/s`;
  $("mining-state").textContent = `${mining.enabled ? "On" : "Off"}, ${Math.round(mining.hash_rate)} hashes/s, ${mining.threads} threads, ${limit}`;
  $("toggle-mining").textContent = mining.enabled ? "Stop mining" : "Start mining";
  $("toggle-mining").setAttribute("aria-pressed", String(mining.enabled));
}

async function showPeers() {
  const peers = await api("GET", "/api/v1/peers");
  fill("peers", peers.map((peer) => {
    const height = peer.height === null ? "" : `, height ${peer.height}`;
    const remove = quietButton("Remove", () => api("DELETE", `/api/v1/peers/${encodeURIComponent(peer.address)}`));
    remove.setAttribute("aria-label", `Remove ${peer.address}`);
    return element("li", `${peer.address} (${peer.direction}, ${peer.state}${height}) `, remove);
  }), "None yet.");
}

// Many events make one look at the node, and never two at once.
let looking = false;
async function refresh() {
  stale = true;
  if (looking) return;
  looking = true;
  while (stale) {
    stale = false;
    const looks = await Promise.allSettled([showStatus(), showChain(), showWallet(), showMining(), showPeers()]);
    const failed = looks.find((look) => look.status === "rejected" && look.reason.code !== "token-required");
    if (failed) say(failed.reason.message);
    await new Promise((done) => setTimeout(done, 250));
  }
  looking = false;
}

onSubmit("access", async (fields) => {
  token = fields.token.trim();
  show("access", false);
});
onSubmit("create", async ({ passphrase }) => {
  const made = await api("POST", "/api/v1/wallet", passphrase ? { passphrase } : {});
  $("word-list").replaceChildren(...made.words.split(" ").map((word) => element("li", word)));
  show("words", true);
});
onSubmit("restore", ({ words, passphrase }) =>
  api("POST", "/api/v1/wallet/restore", passphrase ? { words, passphrase } : { words }));
onClick("words-done", async () => {
  $("word-list").replaceChildren();
  show("words", false);
});
onSubmit("unlock", ({ passphrase }) => api("POST", "/api/v1/wallet/unlock", { passphrase }));
onClick("lock", () => api("POST", "/api/v1/wallet/lock"));
// The nonce is the one that the page has seen, so that trying again after a lost answer never pays twice.
onSubmit("send", async ({ to, amount, fee, memo }) => {
  const payment = { to: to.trim(), amount: amount.trim(), fee: fee.trim(), memo, nonce: wallet.next_nonce };
  const sent = await api("POST", "/api/v1/wallet/send", payment);
  wallet.next_nonce = sent.nonce + 1;
});
onClick("mine", () => api("POST", "/api/v1/mining/block"));
onClick("toggle-mining", () => api("POST", "/api/v1/mining", { enabled: !mining.enabled }));
onSubmit("add-peer", ({ peer }) => api("POST", "/api/v1/peers", { peer: peer.trim() }));
onClick("resolve", async () => {
  const { replaced, to } = await api("POST", "/api/v1/resolve");
  say(replaced ? `The chain was replaced; its height is ${to.height} now.` : "This node has the best chain already.");
});

const events = new EventSource("/api/v1/events");
for (const name of ["open", "block", "reorg", "transaction", "peer", "mining"]) events.addEventListener(name, refresh);
events.addEventListener("error", () => { $("summary").textContent = "The node does not answer; trying again …"; });
refresh();
