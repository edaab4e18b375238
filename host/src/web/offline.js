// The wallet as one file: makes keys and signs payments, and has no way to reach anybody.

import { prefixOf } from "./address.js";
import { button, card, copyable, facts, field, form, h, replace, tellWith } from "./dom.js";
import { amount } from "./format.js";
import { describe, makers } from "./keyring.js";
import { canKeepKeys, kept, sign } from "./keys.js";
import * as payment from "./payment.js";

const NETWORK = "mote-network";

export function start() {
  const [alert, main] = [document.getElementById("alert"), document.getElementById("main")];
  tellWith((text) => { alert.textContent = text; alert.hidden = !text; });
  const area = h("div", { class: "stack" });
  main.append(h("h1", null, "Mote wallet"), h("p", null, "A file without a connection: it signs, and you carry what it signed to a node’s page."), area);
  if (!canKeepKeys()) return replace(area, h("p", { class: "note bad" }, "This browser keeps no keys for files. Another one may."));
  const network = JSON.parse(localStorage.getItem(NETWORK) ?? "null");
  if (network) draw(area, network);
  else ask(area);
}

const ask = (area) => replace(area, card("Which network?", h("p", null, "The node’s page tells both, where you saved this file."), form([
  field({ label: "Network", name: "name", value: "local", required: true }),
  field({ label: "Genesis", name: "genesis", required: true, pattern: "[0-9a-f]{64}", hint: "64 characters from 0 to 9 and a to f." }),
], "Go on", ({ name, genesis }) => {
  const network = { name: name.trim(), genesis: genesis.trim() };
  localStorage.setItem(NETWORK, JSON.stringify(network));
  draw(area, network);
})));

async function draw(area, network) {
  const prefix = prefixOf(network.name);
  const again = () => draw(area, network);
  const keys = await kept();
  replace(area, keys.map((key) => account(key, prefix, network, again)), keys.length ? h("details", null, h("summary", null, "Another key"), makers(again)) : makers(again),
    h("p", { class: "hint" }, `Network ${network.name}, genesis ${network.genesis}. `, button("Another network", () => ask(area), { class: "quiet" })));
}

function account(key, prefix, network, again) {
  const pay = h("div", { "aria-live": "polite" });
  const enter = () => replace(pay, form([...payment.fields(prefix), field({ label: "Nonce", name: "nonce", type: "number", min: "0", value: "0", required: true, hint: "How many payments this address has made: the node’s page of the address says it." })], "Sign", async (values) => {
    const { total, ...order } = payment.read(values, prefix);
    const signed = await sign(key, prefix, network.genesis, { ...order, nonce: Number(values.nonce) });
    replace(pay, h("h3", null, "Signed"), facts([["Pay to", h("code", null, order.recipient)], ["In all", amount(total)]]), copyable(JSON.stringify(signed)),
      h("p", null, "Paste it on a node’s page, under “Payments that were signed elsewhere”."), button("Another payment", enter));
  }));
  enter();
  return h("section", { class: "card", "aria-label": "Key of this file" }, describe(key, prefix, again), h("h2", null, "Sign a payment"), pay);
}
