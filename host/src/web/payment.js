// What is entered to pay from a key of this browser, checked before it is signed.

import { decodeAddress } from "./address.js";
import { field } from "./dom.js";
import { grains, hex, motes } from "./format.js";

export const FEE_MIN = "0.001";

export const fields = (prefix, given = {}) => [
  field({ label: "Pay to", name: "to", required: true, value: given.to ?? "", placeholder: `${prefix}1…` }),
  field({ label: "Amount in motes", name: "amount", required: true, inputmode: "decimal", value: given.amount ?? "" }),
  field({ label: "Fee in motes", name: "fee", required: true, inputmode: "decimal", value: given.fee ?? FEE_MIN, hint: `${FEE_MIN} at least. A higher one is mined sooner where many wait.` }),
  field({ label: "Memo (may be empty)", name: "memo", value: given.memo ?? "", hint: "Up to 64 bytes that everybody can read for ever." }),
];

// The payment that was entered, without its nonce; throws where it makes no sense.
export function read(values, prefix) {
  const found = decodeAddress(values.to);
  if (found.prefix !== prefix) throw new Error(`the address is of another network: expected one that starts with ${prefix}1`);
  const [amount, fee] = [grains(values.amount), grains(values.fee)];
  if (amount === 0n) throw new Error("the amount must be more than nothing");
  if (fee < grains(FEE_MIN)) throw new Error(`the fee must be at least ${FEE_MIN} motes`);
  const memo = new TextEncoder().encode(values.memo);
  if (memo.length > 64) throw new Error(`the memo may have 64 bytes, this one has ${memo.length}`);
  return { recipient: values.to.trim(), amount: motes(amount), fee: motes(fee), memo: hex(memo), total: motes(amount + fee) };
}
