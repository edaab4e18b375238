// Checking proofs step by step. Nothing here trusts the node: every hash is computed anew from the fields.

import { accountBranch, accountKey, accountLeaf, asNumber, expandTarget, headerId, historyLeaf, logNode, transactionId } from "./codec.js";
import { hex, unhex } from "./format.js";

// The steps from a leaf to the root of a log of `size` leaves (RFC 9162 section 2.1.3.2).
export function logSteps(leaf, index, size, path) {
  if (index >= size) throw new Error(`leaf ${index} is none of ${size}`);
  let [hash, at, last] = [leaf, index, size - 1];
  const steps = path.map((text) => {
    if (last === 0) throw new Error("the path is longer than the tree is high");
    const sibling = unhex(text);
    const isRight = at % 2 === 1 || at === last;
    hash = isRight ? logNode(sibling, hash) : logNode(hash, sibling);
    if (isRight) while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    return { sibling: text, side: isRight ? "left" : "right", hash: hex(hash) };
  });
  if (last !== 0) throw new Error("the path ends below the root");
  return { steps, root: hex(hash) };
}

const check = (name, got, expected) => ({ name, got, expected, holds: got === expected });

// Proof of work and id of a header.
function checkHeader(name, header) {
  const id = headerId(header);
  return [
    check(`${name}: the id is the hash of the header`, hex(id), header.id),
    { name: `${name}: the id is at most its target`, got: hex(id), expected: `${expandTarget(header.target).toString(16).padStart(64, "0")}`, holds: header.height === 0 || asNumber(id) <= expandTarget(header.target) },
  ];
}

// The way of a block into the history of the tip.
function checkHistory(proof) {
  if (!proof.history_path) return { checks: [check("the block is the tip", proof.header.id, (proof.tip ?? proof.header).id)], steps: [] };
  const { steps, root } = logSteps(historyLeaf(proof.header.id, proof.work), proof.header.height, proof.tip.height, proof.history_path);
  return { checks: [check("the block is in the history of the tip", root, proof.tip.history_root), ...checkHeader("the tip", proof.tip)], steps };
}

// A receipt of a transaction: what was checked, and the paths that were climbed.
export function checkTransaction(proof) {
  const leaf = transactionId(proof.transaction);
  const { steps, root } = logSteps(leaf, proof.index, proof.header.transaction_count, proof.path);
  const history = checkHistory(proof);
  return {
    checks: [
      check("the id is the hash of the transaction", hex(leaf), proof.transaction.id),
      check("the transaction is in the block", root, proof.header.transactions_root),
      ...checkHeader("the block", proof.header),
      ...history.checks,
    ],
    trees: [
      { title: "From the transaction to the block", leaf: hex(leaf), steps, root },
      ...(history.steps.length ? [{ title: "From the block to the tip", leaf: hex(historyLeaf(proof.header.id, proof.work)), steps: history.steps, root: proof.tip.history_root }] : []),
    ],
  };
}

const bitOf = (key, index) => (key[index >> 3] >> (7 - (index & 7))) & 1;

// What an account holds, or that it was never used.
export function checkAccount(proof) {
  const key = accountKey(proof.address);
  let hash = proof.leaf ? accountLeaf(proof.leaf) : new Uint8Array(32);
  const leaf = hex(hash);
  const found = proof.leaf ? unhex(proof.leaf.key) : null;
  let before = 256;
  let isOrdered = true;
  const steps = proof.path.map(({ index, sibling }) => {
    isOrdered &&= index < before && bitOf(key, index) === bitOf(found, index);
    before = index;
    const isRight = bitOf(key, index) === 1;
    hash = isRight ? accountBranch(index, unhex(sibling), hash) : accountBranch(index, hash, unhex(sibling));
    return { sibling, side: isRight ? "left" : "right", hash: hex(hash), bit: index };
  });
  const isHere = proof.leaf?.key === hex(key);
  const said = isHere ? `${proof.leaf.balance}, nonce ${proof.leaf.nonce}` : "0, nonce 0";
  const history = checkHistory(proof);
  return {
    checks: [
      check("the key is that of the address", hex(key), proof.key),
      check(isHere ? "the leaf says what the account holds" : "another leaf stands where the account would", said, `${proof.balance}, nonce ${proof.nonce}`),
      { name: "the path follows the bits of the key", got: isOrdered ? "yes" : "no", expected: "yes", holds: Boolean(isOrdered) },
      check("the leaf is in the account tree of the block", hex(hash), proof.header.state_root),
      ...checkHeader("the block", proof.header),
      ...history.checks,
    ],
    trees: [
      { title: "From the account to the block", leaf, steps, root: hex(hash) },
      ...(history.steps.length ? [{ title: "From the block to the tip", leaf: hex(historyLeaf(proof.header.id, proof.work)), steps: history.steps, root: proof.tip.history_root }] : []),
    ],
  };
}
