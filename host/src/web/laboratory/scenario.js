// Steps of an experiment with nodes as they stand in an address, and as people read them.

export const PEOPLE = ["ada", "ben", "cleo", "dora", "emil"];
export const NAMES = ["Ada", "Ben", "Cleo", "Dora", "Emil"];

const nameOf = (person) => NAMES[PEOPLE.indexOf(person)] ?? person;

// `mine-0`, `cut-0-1`, `join-0-1`, `wait-10`, `replay-3-0`, `pay-ada-ben-2.5-0` and then, where given, `f` fee,
// `n` nonce, `s` signer, `main`; between steps stands a comma.
export function write(steps) {
  return steps.map((step) => {
    switch (step.do) {
      case "mine": return ["mine", step.node, ...(step.person ? [step.person] : [])].join("-");
      case "cut": case "join": return [step.do, step.a, step.b].join("-");
      case "wait": return `wait-${step.seconds}`;
      case "replay": return `replay-${step.step}-${step.at}`;
      default: return ["pay", step.from, step.to, step.amount, step.at ?? 0, step.fee ? `f${step.fee}` : null, step.nonce === undefined ? null : `n${step.nonce}`,
        step.signer ? `s${step.signer}` : null, step.signed_for ?? null].filter((part) => part !== null).join("-");
    }
  }).join(",");
}

function readOne(text) {
  const [what, ...parts] = text.split("-");
  const number = (i) => Math.trunc(Number(parts[i])) || 0;
  switch (what) {
    case "mine": return { do: "mine", node: number(0), ...(parts[1] ? { person: parts[1] } : {}) };
    case "cut": case "join": return { do: what, a: number(0), b: number(1) };
    case "wait": return { do: "wait", seconds: number(0) };
    case "replay": return { do: "replay", step: number(0), at: number(1) };
    case "pay": {
      const step = { do: "pay", from: parts[0], to: parts[1], amount: parts[2], at: number(3) };
      for (const part of parts.slice(4)) {
        if (part === "main") step.signed_for = "main";
        else if (part[0] === "f") step.fee = part.slice(1);
        else if (part[0] === "n") step.nonce = Math.trunc(Number(part.slice(1))) || 0;
        else if (part[0] === "s") step.signer = part.slice(1);
      }
      return step;
    }
    default: return null;
  }
}

export const read = (text) => (text ? text.split(",").map(readOne).filter(Boolean) : []);

// A step for people; where there is only one node, it needs no number.
export function say(step, made, isAlone) {
  const node = (number) => (isAlone ? "the node" : `node ${number + 1}`);
  switch (step.do) {
    case "mine": return `${node(step.node)} mines a block${step.person ? ` for ${nameOf(step.person)}` : ""}`;
    case "cut": return `the line between ${node(step.a)} and ${node(step.b)} is cut`;
    case "join": return `${node(step.a)} and ${node(step.b)} are joined again`;
    case "wait": return `${step.seconds} seconds pass`;
    case "replay": return `step ${step.step + 1}’s payment is sent to ${node(step.at)} again`;
    default: {
      const extra = [step.nonce === undefined ? null : `nonce ${step.nonce}`, step.fee ? `fee ${step.fee}` : null, step.signer && step.signer !== step.from ? `signed by ${nameOf(step.signer)}` : null,
        step.signed_for === "main" ? "signed for the main network" : null, made && step.nonce === undefined ? `nonce ${made.nonce}` : null].filter(Boolean);
      return `${nameOf(step.from)} pays ${nameOf(step.to)} ${step.amount} ${step.amount === "1" ? "mote" : "motes"}${isAlone ? "" : ` at ${node(step.at ?? 0)}`}${extra.length ? ` (${extra.join(", ")})` : ""}`;
    }
  }
}
