// The first minutes: try it, join a network, make a wallet.

import { findWallet, get, post } from "../api.js";
import { button, field, form, h, link } from "../dom.js";

export const title = "Start";

export async function show(page) {
  const [status, wallet] = await Promise.all([get("/status"), findWallet().catch(() => null)]);
  page.main.append(h("h1", null, "Start here"), await choices(page, status, wallet),
    h("p", null, "New to all this? ", link("/laboratory", "The laboratory"), " shows how it works, step by step, on the real code."));
}

const isLocal = (network) => network === "regtest" || network.startsWith("local");

// The three cards.
export async function choices(page, status, wallet) {
  const card = (name, ...children) => h("section", { class: "card" }, h("h2", null, name), ...children);
  const tryIt = button("Mine a block now", async () => {
    if (!(await findWallet())) {
      const { words } = await post("/wallet", {});
      sessionStorage.setItem("mote-new-words", words);
    }
    const block = await post("/mining/block");
    dispatchEvent(new Event("mote-own"));
    page.say(`You have mined block ${block.height}.`);
    page.go("/wallet");
  }, { class: "primary" });
  return h("div", { class: "choices" },
    isLocal(status.network)
      ? card("Try it", h("p", null, wallet ? "Your wallet gets the reward of every block that you mine." : "Makes a wallet on this node and mines a block on your own local network, which takes seconds. The coins are worth nothing, everything else is real."), h("div", { class: "actions" }, tryIt))
      : card("Mine", h("p", null, "Let this computer look for blocks of the ", status.network, " network."), h("div", { class: "actions" }, h("a", { class: "button primary", href: "/mining" }, "To the miner"))),
    card("Join a network", h("p", null, "Paste the network card, or host and port, of somebody who runs Mote."),
      form([field({ label: "Address of a node", name: "peer", required: true, placeholder: "192.0.2.7:7700" })], "Join", async ({ peer }) => {
        const { joinNetwork } = await import("./network.js");
        await joinNetwork(peer, status);
        page.go("/network");
      })),
    wallet
      ? card("Your wallet", h("p", null, "It is ready: receive, send, and see what happened."), h("div", { class: "actions" }, h("a", { class: "button primary", href: "/wallet" }, "Open the wallet")))
      : card("Make a wallet", h("p", null, "Twenty-four words are all there is to it: write them down, and nobody can take it from you."), h("div", { class: "actions" },
        h("a", { class: "button primary", href: "/wallet" }, "On this node"), h("a", { class: "button", href: "/browser-wallet" }, "In this browser"))));
}
