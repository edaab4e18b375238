// What is hashed and signed, byte for byte as the protocol says, from the JSON forms of the API.

import { sha256 } from "./sha256.js";
import { grains, hex, unhex } from "./format.js";
import { decodeAddress } from "./address.js";

export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => { all.set(part, at); return at + part.length; }, 0);
  return all;
}

// An integer of so many bytes, the lowest first.
function integer(value, length) {
  const out = new Uint8Array(length);
  let rest = BigInt(value);
  for (let i = 0; i < length; i += 1, rest >>= 8n) out[i] = Number(rest & 0xffn);
  return out;
}

const byte = (value) => Uint8Array.of(value);
const compact = (target) => unhex(target).reverse();
const key = (address) => decodeAddress(address).key;

// The fields of a transaction that its signature covers.
export const fields = ({ sender, recipient, amount, fee, nonce, memo }) => {
  const bytes = unhex(memo);
  return concat(key(sender), key(recipient), integer(grains(amount), 8), integer(grains(fee), 8), integer(nonce, 8), byte(bytes.length), bytes);
};

// What a signature covers: the network's genesis id keeps it from counting on another.
export const signedBytes = (genesis, transaction) => concat(new TextEncoder().encode("mote transaction v1"), unhex(genesis), fields(transaction));

// The id of a transaction, which is its leaf.
export const transactionId = (transaction) => sha256(concat(byte(0x00), fields(transaction), unhex(transaction.signature)));

// The id of a header: one compression over the commitment to all else and the nonce.
export function headerId(header) {
  const commitment = sha256(concat(
    byte(0x04), integer(header.version, 2), integer(header.height, 8), unhex(header.previous), unhex(header.history_root),
    unhex(header.transactions_root), integer(header.transaction_count, 4), unhex(header.state_root), key(header.miner),
    integer(header.time, 8), compact(header.target)));
  return sha256(concat(commitment, integer(header.nonce, 8)));
}

// The target that a compact form stands for (Bitcoin's nBits).
export function expandTarget(target) {
  const bits = parseInt(target, 16);
  const [size, mantissa] = [bits >>> 24, BigInt(bits & 0x7fffff)];
  return size <= 3 ? mantissa >> BigInt(8 * (3 - size)) : mantissa << BigInt(8 * (size - 3));
}

export const asNumber = (bytes) => BigInt(`0x${hex(bytes)}`);

// The leaf of a block in the history: its id, and the work of the chain up to it in 32 bytes.
export const historyLeaf = (id, work) => sha256(concat(byte(0x00), unhex(id), unhex(work.padStart(64, "0"))));

// The node of a log tree (RFC 6962 section 2.1).
export const logNode = (left, right) => sha256(concat(byte(0x01), left, right));

export const accountKey = (address) => sha256(concat(byte(0x05), key(address)));

export const accountLeaf = ({ key: leafKey, balance, nonce }) => sha256(concat(byte(0x02), unhex(leafKey), integer(grains(balance), 8), integer(nonce, 8)));

export const accountBranch = (index, left, right) => sha256(concat(byte(0x03), byte(index), left, right));
