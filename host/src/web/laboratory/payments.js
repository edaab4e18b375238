// Payments, good and bad, sent to a real node.

import { alarm, button, card, field, h, replace, row, table } from "../dom.js";
import { grains, motes } from "../format.js";
import { ask, frame, mark, ruleCard } from "./frame.js";
import { happening } from "./peers.js";
import { NAMES, PEOPLE, read, say, write } from "./scenario.js";

export const title = "Payments";

const START = "mine-0,mine-0";
const STEPS_MAX = 40;

export async function show(page) {
  const area = await frame(page, "payments", "A payment is a line that its sender has signed, with a number that counts the sender’s payments. A node says what it thinks of each one that you make up.");
  let steps = read(page.query.get("steps") ?? START);
  let answer = null;
  const [accounts, log, last] = [h("div", { id: "payments-accounts" }), h("ol", { id: "payments-log", class: "log" }), h("div", { id: "payments-last", class: "tall" })];

  const name = (id) => {
    const found = answer.payments.find((other) => other.id === id);
    return found ? `${found.from} → ${found.to} ${found.amount} (nonce ${found.nonce})` : id;
  };
  const madeIn = (step) => answer.payments.find((made) => made.step === step);
  const outcome = (item) => (item.what === "refused"
    ? ruleCard({ rule: item.code, sentence: item.sentence, reason: item.reason, detail: item.detail })
    : h("p", { class: "note good" }, mark(true), ` ${happening(item, name, true)}`));
  const draw = () => {
    const [now] = answer.moments[steps.length].nodes;
    const done = answer.moments[steps.length].happened;
    replace(last, steps.length ? [h("p", null, h("strong", null, `${say(steps[steps.length - 1], madeIn(steps.length - 1), true)}.`)), done.length ? done.map(outcome) : null] : h("p", null, "Nothing has happened yet."));
    last.dataset.outcome = done.find((item) => item.what === "refused")?.code ?? "taken";
    replace(accounts,
      table({ caption: "By the chain", head: ["Account", "Motes", "Next nonce"], rows: now.accounts.map((account, i) => row(NAMES[i], account.balance, String(account.nonce))) }),
      h("p", null, now.mempool.length ? `Open, to be mined next: ${now.mempool.map(name).join("; ")}.` : h("span", { class: "faint" }, "No payments are open.")));
    replace(log, answer.moments.slice(1).map((past, i) => h("li", null, h("strong", null, say(steps[i], madeIn(i), true)),
      past.happened.length ? h("ul", null, past.happened.map((item) => h("li", { class: item.what === "refused" ? "loud" : null }, item.what === "refused" ? `✗ ${item.detail}` : `✓ ${happening(item, name, true)}`))) : null)));
  };
  const replay = async (changed) => {
    if (changed.length > STEPS_MAX) throw new Error(`${STEPS_MAX} steps are the most: start again`);
    answer = await ask("peers", { nodes: 1, steps: changed });
    steps = changed;
    page.note({ steps: write(steps) === START ? null : write(steps) });
    draw();
    page.say(last.textContent);
  };
  const add = (...more) => replay([...steps, ...more]);
  const next = () => answer.moments[steps.length].nodes[0].accounts[0].nonce;
  const pay = (rest) => ({ do: "pay", from: "ada", to: "ben", at: 0, amount: "1", ...rest });

  const trials = [
    ["pay", "A payment that is fine", "Ada has mined two blocks and pays Ben one mote.", () => add(pay({}))],
    ["double", "Pay twice with one nonce", "Ada promises the same motes to Ben and to Cleo: both payments have the same number.", () => { const nonce = next(); return add(pay({ nonce }), pay({ nonce, to: "cleo" })); }],
    ["overspend", "Spend more than there is", "Ada pays a thousand motes.", () => add(pay({ amount: "1000" }))],
    ["forge", "Forge a signature", "Emil signs a payment from Ada to himself.", () => add(pay({ to: "emil", signer: "emil" }))],
    ["replay", "Replay a mined payment", "Ben has been paid, and sends Ada’s payment in once more.", () => add(pay({}), { do: "mine", node: 0 }, { do: "replay", step: steps.length, at: 0 })],
    ["foreign", "Replay from another network", "Ada signed a payment on the main network; somebody sends it here.", () => add(pay({ signed_for: "main" }))],
    ["nothing", "Pay nothing", "Ada pays zero motes.", () => add(pay({ amount: "0" }))],
    ["cheap", "Pay too small a fee", "Ada offers a fee of 0.0001.", () => add(pay({ fee: "0.0001" }))],
    ["gap", "Skip a number", "Ada’s payment has a number that is not her turn yet.", () => add(pay({ nonce: next() + 5 }))],
  ];
  const send = async (step) => add({ ...step, amount: motes(grains(step.amount)), fee: motes(grains(step.fee)) });
  const people = PEOPLE.map((person, i) => [person, NAMES[i]]);
  const own = h("form", { id: "pay-form" }, h("div", { class: "inline" },
    field({ label: "From", name: "from", id: "pay-from", control: "select", options: people, value: "ada" }), field({ label: "To", name: "to", id: "pay-to", control: "select", options: people, value: "ben" }),
    field({ label: "Motes", name: "amount", id: "pay-amount", value: "1.5", inputmode: "decimal", required: true }), field({ label: "Fee", name: "fee", id: "pay-fee", value: "0.001", inputmode: "decimal", required: true }),
    field({ label: "Nonce", name: "nonce", id: "pay-nonce", type: "number", min: "0", placeholder: "the next one" }), field({ label: "Signed by", name: "signer", id: "pay-signer", control: "select", options: [["", "the sender"], ...people], value: "" }),
    field({ label: "For", name: "signed_for", id: "pay-network", control: "select", options: [["here", "this network"], ["main", "the main network"]], value: "here" })), h("div", { class: "actions" }, h("button", { id: "pay-send", class: "primary" }, "Send it")));
  own.addEventListener("submit", (event) => {
    event.preventDefault();
    const { from, to, amount, fee, nonce, signer, signed_for: network } = Object.fromEntries(new FormData(own));
    const step = { do: "pay", from, to, amount, fee, at: 0 };
    if (nonce !== "") step.nonce = Number(nonce);
    if (signer) step.signer = signer;
    if (network === "main") step.signed_for = network;
    send(step).catch(alarm);
  });
  area.append(h("div", { class: "columns" },
    card("Try", h("ul", { class: "trials" }, trials.map(([id, text, what, action]) => h("li", null, button(text, action, { id: `payments-${id}`, "aria-describedby": `payments-${id}-what` }), h("span", { class: "faint", id: `payments-${id}-what` }, what)))),
      h("div", { class: "actions" }, button("Mine a block", () => add({ do: "mine", node: 0 }), { id: "payments-mine", class: "primary" }), button("Undo the last step", () => replay(steps.slice(0, -1)), { id: "payments-undo" }), button("Start again", () => replay(read(START)), { id: "payments-clear" }))),
    h("div", { class: "stack" }, card("What the node says", last), card("Accounts", accounts))),
  card("A payment of your own", own), card("What happened", log));
  try {
    await replay(steps);
  } catch (error) {
    alarm(error);
    await replay(read(START));
  }
}
