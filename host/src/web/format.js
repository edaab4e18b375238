// How amounts, times, ids and memos are read and written.

import { h, link } from "./dom.js";

const GRAINS = 1_000_000n;

// Motes as a decimal text to grains; throws where it is no amount.
export function grains(text) {
  const match = /^(\d{1,14})(?:\.(\d{1,6}))?$/.exec(text.trim());
  if (!match) throw new Error(`expected an amount of motes like 12.5 with at most six decimals, got “${text}”`);
  return BigInt(match[1]) * GRAINS + BigInt((match[2] ?? "").padEnd(6, "0"));
}

export function motes(amount) {
  const [whole, rest] = [amount / GRAINS, amount % GRAINS];
  const decimals = rest.toString().padStart(6, "0").replace(/0+$/, "");
  return decimals ? `${whole}.${decimals}` : `${whole}`;
}

const grouped = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

// An amount for people: thousands apart, with its unit.
export const amount = (text) => {
  const [whole, decimals] = String(text).split(".");
  return h("span", { class: "amount" }, grouped(whole) + (decimals ? `.${decimals}` : ""), h("span", { class: "unit" }, " motes"));
};

export const count = (number) => grouped(String(Math.round(number)));

const PREFIXES = ["", " k", " M", " G", " T", " P", " E"];
// A number with three digits and a prefix.
export function scaled(number, unit = "") {
  if (!Number.isFinite(number) || number === 0) return `0${unit && ` ${unit}`}`;
  const power = Math.max(0, Math.min(PREFIXES.length - 1, Math.floor(Math.log10(Math.abs(number)) / 3)));
  const value = number / 1000 ** power;
  const digits = power === 0 && Number.isInteger(value) ? 0 : value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${PREFIXES[power]}${unit && (power === 0 ? ` ${unit}` : unit)}`;
}

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129_600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} days`;
}

export const moment = (seconds) => new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

function age(at) {
  const seconds = Date.now() / 1000 - at;
  return seconds < -1 ? `in ${duration(-seconds)}` : `${duration(seconds)} ago`;
}

// How long ago something was, which goes on by itself.
export const ago = (seconds) => h("time", { datetime: new Date(seconds * 1000).toISOString(), title: moment(seconds), "data-at": String(seconds) }, age(seconds));

export function keepTime() {
  setInterval(() => {
    if (document.hidden) return;
    for (const time of document.querySelectorAll("time[data-at]")) {
      const text = age(Number(time.dataset.at));
      if (time.textContent !== text) time.textContent = text;
    }
  }, 1000);
}

export const short = (text, head = 10, tail = 6) => (text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(text.length - tail)}`);

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

// A memo's bytes as text, where they are text that can be seen; none otherwise.
export function memoText(memo) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(unhex(memo));
    return /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

const segment = encodeURIComponent;
export const blockLink = (id, shown) => link(`/block/${segment(id)}`, h("code", null, shown ?? short(String(id))));
export const transactionLink = (id, shown) => link(`/transaction/${segment(id)}`, h("code", null, shown ?? short(id)));

let own = new Map();
// Says which addresses are this reader's own, by name.
export const setOwn = (addresses) => { own = addresses; };
export const ownName = (address) => own.get(address) ?? null;

// An address with a word where it is one's own.
export const addressLink = (address, whole = false) => {
  const name = ownName(address);
  return h("span", { class: name ? "own" : null }, link(`/address/${segment(address)}`, h("code", null, whole ? address : short(address, 12))), name ? h("span", { class: "badge own" }, name) : null);
};
