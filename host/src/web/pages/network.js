// Peers, the way to join, and what came of asking everybody.

import { get, post, remove } from "../api.js";
import { button, card, copyable, empty, facts, field, form, h, note, replace, row, table } from "../dom.js";
import { blockLink, count, scaled } from "../format.js";

export const title = "Network";

// The first address of a network card, or what was pasted; throws where the card is of another network.
function readCard(text, status) {
  const pasted = text.trim();
  if (!pasted.startsWith("mote:")) return pasted.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const [network, query = ""] = pasted.slice("mote:".length).split("?");
  const values = new URLSearchParams(query);
  if (decodeURIComponent(network) !== status.network) throw new Error(`the card is of the network ${network}, this node is on ${status.network}: start it with --network ${network}`);
  const genesis = values.get("genesis");
  if (genesis && !status.genesis.startsWith(genesis)) throw new Error("the card is of another network with the same name: its genesis block is different");
  const peers = values.getAll("peer");
  if (!peers.length) throw new Error("the card names no node");
  return peers[0];
}

export const joinNetwork = (text, status) => post("/peers", { peer: readCard(text, status) });

const STATES = { connected: ["good", "● connected"], greeting: ["", "… greeting"], dialling: ["", "… dialling"], waiting: ["warn", "○ not reached, tried again"] };

export async function show(page) {
  const status = await get("/status");
  const [peers, resolved, invitation] = [h("div"), h("div", { "aria-live": "polite" }), h("div")];
  page.main.append(h("h1", null, "Network"),
    h("section", { class: "card" }, h("h2", null, "Peers"), peers,
      form([field({ label: "Add a peer", name: "peer", required: true, placeholder: "192.0.2.7:7700", hint: "Host and port, or a network card." })], "Add", async ({ peer }, entered) => {
        await joinNetwork(peer, status);
        entered.reset();
        await look();
      })),
    h("div", { class: "columns" },
      card("One chain", h("p", null, "Nodes agree on the branch with the most work by themselves. This asks every peer now."),
        button("Resolve now", async () => {
          const { replaced, from, to } = await post("/resolve");
          replace(resolved, replaced ? note("good", h("strong", null, "↻ The chain was replaced: "), "from block ", blockLink(from.id, count(from.height)), " to ", blockLink(to.id, count(to.height)), ".")
            : note("", h("strong", null, "✓ Nothing to change: "), "this node has the branch with the most work that any peer has shown, at height ", blockLink(to.id, count(to.height)), "."));
        }, { class: "primary" }), resolved),
      card("Bring a second machine", invitation)));

  const look = async () => {
    const list = await get("/peers");
    replace(peers, list.length === 0 ? empty("No peers yet", "This node is alone: it mines, pays and keeps its chain all the same. Add somebody, or bring a second machine.")
      : table({ caption: "Peers", hideCaption: true, head: ["Address", "State", "Height", "Latency", "Received", "Sent", "Last refused for", ""], rows: list.map((peer) => {
        const [kind, text] = STATES[peer.state] ?? ["", peer.state];
        return row(h("code", null, peer.address), h("span", null, h("span", { class: `badge ${kind}` }, text), h("span", { class: "faint" }, peer.direction === "inbound" ? " came to us" : " we went")),
          peer.height === null ? "" : count(peer.height), peer.latency_ms === null ? "" : `${peer.latency_ms} ms`, scaled(peer.bytes_in, "B"), scaled(peer.bytes_out, "B"), peer.last_refusal ?? h("span", { class: "faint" }, "nothing"),
          button("Remove", async () => { await remove(`/peers/${encodeURIComponent(peer.address)}`); await look(); }, { "aria-label": `Remove ${peer.address}` }));
      }) }));
  };
  await look();
  const invite = await get("/card");
  replace(invitation, invite.reachable === "network"
    ? [h("p", null, "Whoever is on the same network joins with this card: paste it under “Join a network”, or run the command."), h("img", { class: "qr", alt: "QR code of the network card", width: "192", height: "192", src: `/api/v1/qr?text=${encodeURIComponent(invite.text)}` })]
    : note("warn", h("strong", null, "Only this computer reaches this node. "), "Start it with ", h("code", null, "--host 0.0.0.0"), " to let others join. A second node on this computer joins as it is."),
  facts([["Network card", copyable(invite.text)], ["Command", copyable(invite.command)]]));
  page.every(3000, look);
  page.listen(["peer", "open"], look);
}
