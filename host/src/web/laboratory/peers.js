// Real nodes side by side.

import { alarm, button, card, field, h, replace, svg } from "../dom.js";
import { grains, motes, scaled, short } from "../format.js";
import { ask, brief, frame, mark, refocus } from "./frame.js";
import { NAMES, PEOPLE, read, say, write } from "./scenario.js";

export const title = "Peers";

// What there is to see without a plan of one's own: how many nodes, and the steps.
const EXAMPLES = [
  ["fork", "Show me a fork", 3, "mine-0,cut-0-1,cut-0-2,pay-ada-cleo-2-0,mine-0,mine-1,mine-2,join-0-1,join-0-2,mine-1"],
  ["double", "Show me a double spend", 2, "mine-0,cut-0-1,pay-ada-ben-9-0-n0,pay-ada-cleo-9-1-n0,mine-0,mine-1,mine-1,join-0-1"],
];
const SHOWN = 12;
const STEPS_MAX = 40;

function drawing(moment, amount, ids) {
  const [width, height, r] = [300, 220, 26];
  const at = (i) => [width / 2 + 100 * Math.cos((2 * Math.PI * i) / amount - Math.PI / 2), height / 2 + 78 * Math.sin((2 * Math.PI * i) / amount - Math.PI / 2)];
  const lines = [];
  for (let a = 0; a < amount; a += 1) {
    for (let b = a + 1; b < amount; b += 1) {
      const isJoined = moment.nodes[a].peers.includes(b);
      const [[x1, y1], [x2, y2]] = [at(a), at(b)];
      lines.push(svg("line", { class: isJoined ? "joined" : "cut", x1, y1, x2, y2 }));
    }
  }
  const nodes = moment.nodes.map((node, i) => {
    const [x, y] = at(i);
    return svg("g", { class: `tip-${ids.indexOf(node.tip) % 5}` }, svg("circle", { cx: x, cy: y, r }), svg("text", { x, y: y - 2, "text-anchor": "middle" }, String(i + 1)), svg("text", { class: "small", x, y: y + 14, "text-anchor": "middle" }, brief(node.tip)));
  });
  const tips = new Set(moment.nodes.map((node) => node.tip)).size;
  return svg("svg", { class: "network", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${amount} nodes with ${tips} different ${tips === 1 ? "tip" : "tips"}` }, lines, nodes);
}

// What happened at a node, in a sentence; where there is only one node, it needs no number.
export function happening(item, name, isAlone) {
  const node = isAlone ? "The node" : `Node ${item.node + 1}`;
  const payments = (ids) => ids.map(name).join(", ");
  switch (item.what) {
    case "block": return `${node}: block ${item.height} (${brief(item.id)}) is the tip.`;
    case "reorganisation": return `${node}: reorganisation. ${item.depth} ${item.depth === 1 ? "block" : "blocks"} undone, from ${brief(item.from)} to ${brief(item.to)}, which has more work.`;
    case "returned": return `${node}: back among the open payments: ${payments(item.payments)}.`;
    case "dropped": return `${node}: impossible now and dropped: ${payments(item.payments)}.`;
    case "taken": return `${node} takes the payment ${name(item.payment)}.`;
    default: return `${node} refuses the payment ${name(item.payment)}: ${item.detail}`;
  }
}

export async function show(page) {
  const area = await frame(page, "peers", "Each node below is a real one with its own chain, and tells the others what it has. Cut a line, mine on both sides, join it, and see whose blocks stay.");
  let nodes = Math.min(5, Math.max(1, Math.trunc(Number(page.query.get("nodes"))) || 3));
  let steps = read(page.query.get("steps") ?? "");
  let answer = null;
  let at = 0;
  const [controls, picture, places, log, payment] = [h("div"), h("div", { id: "peers-network" }), h("div", { class: "columns", id: "peers-nodes" }), h("ol", { id: "peers-log", class: "log" }), h("div")];
  const slider = h("input", { id: "peers-moment", type: "range", min: "0", value: "0" });
  const moment = h("p", { id: "peers-step", class: "note" });
  slider.addEventListener("input", () => { at = Number(slider.value); drawMoment(); });

  const name = (id) => {
    const found = answer.payments.find((other) => other.id === id);
    return found ? `${found.from} → ${found.to} ${found.amount} (nonce ${found.nonce})` : short(id);
  };
  const replay = async (changed, where) => {
    if (changed.length > STEPS_MAX) throw new Error(`${STEPS_MAX} steps are the most: undo some, or start again`);
    answer = await ask("peers", { nodes, steps: changed });
    steps = changed;
    at = where ?? steps.length;
    page.note({ nodes: nodes === 3 ? null : String(nodes), steps: write(steps) || null });
    drawControls();
    drawMoment();
    page.say(steps.length ? `${say(steps[steps.length - 1])}. ${answer.moments[steps.length].happened.map((item) => happening(item, name)).join(" ")}` : "The nodes are new.");
  };
  const add = (step) => replay([...steps, step]);

  const drawMoment = () => {
    const now = answer.moments[at];
    const ids = [...new Set(now.nodes.map((node) => node.tip))];
    Object.assign(slider, { max: String(steps.length), value: String(at) });
    slider.setAttribute("aria-valuetext", at === 0 ? "the start" : `step ${at}: ${say(steps[at - 1])}`);
    const agreed = ids.length === 1;
    moment.className = `note ${agreed ? "good" : "warn"}`;
    replace(moment, mark(agreed), h("strong", null, at === 0 ? " The start." : ` Step ${at} of ${steps.length}: ${say(steps[at - 1], answer.payments.find((made) => made.step === at - 1))}.`), agreed ? " All nodes agree." : ` The nodes follow ${ids.length} different chains.`);
    replace(picture, drawing(now, nodes, ids), h("p", { class: "hint" }, `After ${now.seconds} seconds of the nodes’ time. A dotted line is cut; nodes that show the same digits have the same tip.`));
    const block = new Map(answer.blocks.map((other) => [other.id, other]));
    replace(places, now.nodes.map((node, i) => {
      const line = [];
      for (let id = node.tip; id && line.length < SHOWN && block.has(id); id = block.get(id).parent) line.push(block.get(id));
      return h("section", { class: "card", id: `peers-node-${i}`, "data-tip": node.tip, "data-height": String(node.height) }, h("h2", null, `Node ${i + 1}: ${NAMES[i]}`, h("span", { class: `badge tip-${ids.indexOf(node.tip) % 5}` }, `tip ${brief(node.tip)}`)),
        h("p", { class: "faint" }, `Height ${node.height}, work ${scaled(Number(BigInt(`0x${node.work}`)))} attempts, ${node.peers.length ? `talks to ${node.peers.map((peer) => peer + 1).join(", ")}` : "talks to nobody"}.`),
        h("ol", { class: "line", "aria-label": `Chain of node ${i + 1}, newest first` }, line.map((entry) => h("li", { class: `miner-${entry.miner ? NAMES.indexOf(entry.miner) : "none"}`, title: entry.id },
          h("b", null, String(entry.height)), h("code", null, brief(entry.id)), h("span", { class: "small" }, entry.miner ?? "genesis", entry.payments.length ? ` +${entry.payments.length}` : "")))),
        h("p", null, node.mempool.length ? `Open: ${node.mempool.map(name).join("; ")}.` : h("span", { class: "faint" }, "No open payments.")),
        h("p", { class: "faint" }, node.accounts.map((account, person) => `${NAMES[person]} ${account.balance}`).join(" · ")));
    }));
    replace(log, answer.moments.slice(1).map((past, i) => h("li", { class: i + 1 === at ? "now" : null }, h("strong", null, say(steps[i], answer.payments.find((made) => made.step === i))),
      past.happened.length ? h("ul", null, past.happened.map((item) => h("li", { class: ["reorganisation", "returned", "dropped", "refused"].includes(item.what) ? "loud" : null }, happening(item, name)))) : null)));
  };
  const drawControls = () => {
    const last = answer.moments[steps.length];
    const buttons = [];
    for (let a = 0; a < nodes; a += 1) {
      for (let b = a + 1; b < nodes; b += 1) {
        const isCut = lineIsCut(a, b);
        buttons.push(button(`${isCut ? "Join" : "Cut"} ${a + 1}–${b + 1}`, () => add({ do: isCut ? "join" : "cut", a, b }), { id: `peers-line-${a}-${b}` }));
      }
    }
    replace(controls,
      h("h3", null, "Mine"), h("div", { class: "actions" }, last.nodes.map((_, i) => button(`Node ${i + 1} mines`, () => add({ do: "mine", node: i }), { id: `peers-mine-${i}` }))),
      nodes > 1 ? [h("h3", null, "Lines"), h("div", { class: "actions" }, buttons)] : null,
      h("h3", null, "Time"), h("div", { class: "actions" }, button("Wait 10 seconds", () => add({ do: "wait", seconds: 10 }), { id: "peers-wait" }),
        button("Undo the last step", () => replay(steps.slice(0, -1)), { id: "peers-undo" }), button("Start again", () => replay([]), { id: "peers-clear" })));
    document.getElementById("pay-at")?.replaceChildren(...last.nodes.map((_, i) => h("option", { value: String(i) }, `Node ${i + 1}`)));
    refocus(area);
  };
  const lineIsCut = (a, b) => {
    const about = steps.filter((step) => (step.do === "cut" || step.do === "join") && Math.min(step.a, step.b) === a && Math.max(step.a, step.b) === b);
    return about.length > 0 && about[about.length - 1].do === "cut";
  };
  const send = async (step) => add({ ...step, amount: motes(grains(step.amount)) });
  const people = PEOPLE.map((person, i) => [person, NAMES[i]]);
  const pay = h("form", { id: "pay-form", class: "inline" },
    field({ label: "From", name: "from", id: "pay-from", control: "select", options: people, value: "ada" }), field({ label: "To", name: "to", id: "pay-to", control: "select", options: people, value: "cleo" }),
    field({ label: "Motes", name: "amount", id: "pay-amount", value: "2", inputmode: "decimal", required: true }), field({ label: "Sent to", name: "at", id: "pay-at", control: "select", options: [] }),
    h("button", { id: "pay-send" }, "Pay"));
  pay.addEventListener("submit", (event) => {
    event.preventDefault();
    const { from, to, amount, at: node } = Object.fromEntries(new FormData(pay));
    send({ do: "pay", from, to, amount, at: Number(node) }).catch(alarm);
  });
  replace(payment, h("h3", null, "Pay"), pay);
  const size = field({ label: "Nodes", name: "nodes", id: "peers-count", control: "select", options: ["1", "2", "3", "4", "5"].map((number) => [number, number]), value: String(nodes) });
  size.addEventListener("change", (event) => { nodes = Number(event.target.value); replay([]).catch(alarm); });
  const examples = EXAMPLES.map(([id, text, count, example]) => button(text, () => {
    nodes = count;
    size.querySelector("select").value = String(count);
    return replay(read(example));
  }, { id: `peers-${id}` }));
  area.append(h("div", { class: "columns" }, card("What happens next", h("div", { class: "inline" }, size, examples), controls, payment), card("The nodes", picture)),
    h("section", { class: "card" }, h("h2", null, h("label", { for: "peers-moment" }, "Go through the steps")), slider, moment), places, card("What happened", log));
  try {
    await replay(steps);
  } catch (error) {
    // An address that somebody mistyped still gives nodes to try.
    alarm(error);
    await replay([]);
  }
}
