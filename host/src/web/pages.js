// The pages by the first part of their address.

const PAGES = {
  "": () => import("./pages/home.js"),
  start: () => import("./pages/start.js"),
  blocks: () => import("./pages/blocks.js"),
  block: () => import("./pages/block.js"),
  transaction: () => import("./pages/transaction.js"),
  address: () => import("./pages/address.js"),
  mempool: () => import("./pages/mempool.js"),
  forks: () => import("./pages/forks.js"),
  mining: () => import("./pages/mining.js"),
  network: () => import("./pages/network.js"),
  wallet: () => import("./pages/wallet.js"),
  "browser-wallet": () => import("./pages/browser-wallet.js"),
};

const LABORATORY = {
  index: () => import("./laboratory/index.js"),
  hash: () => import("./laboratory/hash.js"),
  block: () => import("./laboratory/block.js"),
  chain: () => import("./laboratory/chain.js"),
  peers: () => import("./laboratory/peers.js"),
  payments: () => import("./laboratory/payments.js"),
  proofs: () => import("./laboratory/proofs.js"),
  difficulty: () => import("./laboratory/difficulty.js"),
};

const own = (table, name) => (Object.hasOwn(table, name) ? table[name] : null);

export function pages([name = "", ...rest]) {
  const load = name === "laboratory" ? own(LABORATORY, rest[0] ?? "index") : own(PAGES, name);
  return { load: load ?? (() => import("./pages/missing.js")), rest: name === "laboratory" ? rest.slice(1) : rest };
}

// Whether a path is a page, and not something that the node answers in another form.
pages.has = (path) => {
  const [name = ""] = path.split("/").filter(Boolean);
  return name === "laboratory" || Object.hasOwn(PAGES, name);
};
