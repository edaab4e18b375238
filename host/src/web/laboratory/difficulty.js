// How the target follows a hash rate that changes at once.

import { lineChart } from "../chart.js";
import { alarm, card, facts, field, h, replace } from "../dom.js";
import { count, duration, scaled } from "../format.js";
import { ask, frame, newest } from "./frame.js";

export const title = "Difficulty";

const DEFAULTS = { network: "local", start: "young", before: "200000", after: "1600000", step: "300", blocks: "800", seed: "1" };
const POINTS = 240;

// Every chart has at most so many points: the mean of as many blocks as fall on each.
function thin(values, name) {
  const size = Math.ceil(values.length / POINTS);
  const points = [];
  for (let from = 0; from < values.length; from += size) {
    const part = values.slice(from, from + size);
    points.push({ x: from, y: part.reduce((sum, value) => sum + value, 0) / part.length, name: name(from) });
  }
  return points;
}

const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0);

export async function show(page) {
  const area = await frame(page, "difficulty", "Every block’s target follows from the times of those before it, so that blocks keep their distance whatever the hash rate. Change the rate at once and see how soon that works.");
  const value = (name) => page.query.get(name) ?? DEFAULTS[name];
  const [charts, summary] = [h("div", { id: "difficulty-charts", class: "charts" }), h("div", { id: "difficulty-summary", class: "tall" })];
  const number = (name, label, attributes) => field({ label, name, id: `difficulty-${name}`, type: "number", step: "1", required: true, value: value(name), ...attributes });
  const controls = h("form", { id: "difficulty-form" },
    field({ label: "Rules of", name: "network", id: "difficulty-network", control: "select", options: [["local", "a local network"], ["main", "the main network"]], value: value("network") }),
    field({ label: "The chain", name: "start", id: "difficulty-start", control: "select", options: [["young", "starts at its first block"], ["settled", "has run for long"]], value: value("start") }),
    number("before", "Attempts a second before", { min: "1", max: "1000000000000" }), number("after", "Attempts a second after", { min: "1", max: "1000000000000" }),
    number("step", "Change after block", { min: "0", max: "2000" }), number("blocks", "Blocks in all", { min: "1", max: "2000" }), number("seed", "Chance", { min: "0", max: "4294967295", hint: "Another number draws other luck." }));
  controls.addEventListener("submit", (event) => event.preventDefault());
  const given = () => Object.fromEntries(new FormData(controls));
  const request = () => {
    const { network, start, ...numbers } = given();
    return { network, start, ...Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Math.trunc(Number(text))])) };
  };
  const draw = (answer) => {
    page.note(Object.fromEntries(Object.entries(given()).map(([name, text]) => [name, text === DEFAULTS[name] ? null : text])));
    const { step, after, blocks } = request();
    const height = (i) => `block ${count(answer.first_height + i)}`;
    const settled = answer.intervals.slice(Math.min(blocks, step + 100));
    const right = after * answer.spacing;
    const reached = answer.difficulties.findIndex((difficulty, i) => i >= step && (answer.difficulties[step] < right ? difficulty >= 0.8 * right : difficulty <= 1.25 * right));
    replace(summary, facts([
      ["Interval aimed at", `${answer.spacing} s`],
      ["Mean interval before the change", step > 0 ? `${mean(answer.intervals.slice(0, step)).toFixed(1)} s` : "none"],
      ["Mean of the 20 blocks after it", h("span", { id: "difficulty-shock" }, step < blocks ? `${mean(answer.intervals.slice(step, step + 20)).toFixed(1)} s` : "none")],
      ["Mean from 100 blocks after it", h("span", { id: "difficulty-settled" }, settled.length ? `${mean(settled).toFixed(1)} s` : "not reached")],
      ["Difficulty suits the new rate", h("span", { id: "difficulty-reached" }, step >= blocks ? "no change" : reached < 0 ? "not within these blocks" : `after ${count(reached - step)} blocks, ${duration(answer.times[reached] - (answer.times[step - 1] ?? 0))}`)],
      ["All blocks took", duration(answer.times[answer.times.length - 1])],
    ]));
    replace(charts, lineChart({ title: "Attempts a block", points: thin(answer.difficulties, height), format: (y) => scaled(y), xTitle: "From" }),
      lineChart({ title: "Seconds between blocks", points: thin(answer.intervals, height), format: (y) => `${y.toFixed(1)} s`, xTitle: "From" }));
    page.say(summary.textContent);
  };
  const look = newest(() => ask("difficulty", request()), draw, alarm);
  controls.addEventListener("input", () => { if (controls.checkValidity()) look(); });
  area.append(h("div", { class: "columns" }, card("The world", controls), card("What came of it", summary)), card("Block by block", charts));
  draw(await ask("difficulty", request()));
}
