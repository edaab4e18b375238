// Keys that stay in this browser: 24 words (BIP-39) make a seed, the seed makes keys (SLIP-0010, m/44'/7700'/i'),
// and WebCrypto keeps them so that no script can read them, this one included.

import { encodeAddress } from "./address.js";
import { concat, signedBytes } from "./codec.js";
import { hex, unhex } from "./format.js";
import { sha256 } from "./sha256.js";
import { WORDS } from "./words.js";

export const canKeepKeys = () => isSecureContext && Boolean(crypto.subtle) && Boolean(globalThis.indexedDB);

const BITS = 11;

// The 24 words of 32 random bytes: 256 bits and 8 of their hash.
export function newWords() {
  const entropy = crypto.getRandomValues(new Uint8Array(32));
  const bits = [...entropy, sha256(entropy)[0]].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: 24 }, (_, i) => WORDS[parseInt(bits.slice(BITS * i, BITS * (i + 1)), 2)]);
}

// The words of a text; throws where one is none, or the last does not fit the others.
export function readWords(text) {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words.length !== 24) throw new Error(`expected 24 words, got ${words.length}`);
  const places = words.map((word) => WORDS.indexOf(word));
  const wrong = places.indexOf(-1);
  if (wrong >= 0) throw new Error(`word ${wrong + 1} is not in the list of words`);
  const bits = places.map((place) => place.toString(2).padStart(BITS, "0")).join("");
  const bytes = Uint8Array.from(bits.match(/.{8}/g), (byte) => parseInt(byte, 2));
  if (bytes[32] !== sha256(bytes.slice(0, 32))[0]) throw new Error("the words do not fit together: one is wrong, or two are swapped");
  return words;
}

async function hmac(key, data) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

// The secret half of the key with this number.
async function derive(words, number) {
  const encoder = new TextEncoder();
  const password = await crypto.subtle.importKey("raw", encoder.encode(words.join(" ")), "PBKDF2", false, ["deriveBits"]);
  const seed = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt: encoder.encode("mnemonic"), iterations: 2048 }, password, 512);
  let node = await hmac(encoder.encode("ed25519 seed"), seed);
  for (const index of [44, 7700, number]) {
    const place = new Uint8Array(4);
    new DataView(place.buffer).setUint32(0, 0x80000000 + index);
    node = await hmac(node.slice(32), concat(Uint8Array.of(0), node.slice(0, 32), place));
  }
  return node.slice(0, 32);
}

// What stands in front of a secret key in PKCS#8 (RFC 8410).
const PKCS8 = unhex("302e020100300506032b657004220420");

const fromBase64 = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

async function importSecret(secret) {
  const encoded = concat(PKCS8, secret);
  const readable = await crypto.subtle.importKey("pkcs8", encoded, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", readable);
  const privateKey = await crypto.subtle.importKey("pkcs8", encoded, "Ed25519", false, ["sign"]);
  encoded.fill(0);
  return { publicKey: fromBase64(x), privateKey };
}

// A key from words.
export async function keyFromWords(words, number = 0) {
  const secret = await derive(words, number);
  const pair = await importSecret(secret);
  secret.fill(0);
  return { ...pair, origin: "words", number };
}

// A key without words: nobody ever sees it, and nothing can bring it back.
export async function keyWithoutWords() {
  const { publicKey, privateKey } = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  return { publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)), privateKey, origin: "browser", number: null };
}

function store(mode, action) {
  return new Promise((done, fail) => {
    const opening = indexedDB.open("mote", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys", { keyPath: "id" });
    opening.onerror = () => fail(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction("keys", mode);
      const request = action(transaction.objectStore("keys"));
      transaction.oncomplete = () => { database.close(); done(request.result); };
      transaction.onerror = () => { database.close(); fail(transaction.error); };
    };
  });
}

// Keeps a key; one that is kept already stays as it is.
export async function keep(key) {
  const id = hex(key.publicKey);
  const kept = await store("readwrite", (keys) => keys.put({ ...key, id, since: Date.now() }));
  // A browser that runs out of room forgets what was not asked to stay.
  await navigator.storage?.persist?.();
  return kept;
}

export const kept = () => store("readonly", (keys) => keys.getAll());
export const forget = (key) => store("readwrite", (keys) => keys.delete(key.id));

export const addressOf = (key, prefix) => encodeAddress(prefix, key.publicKey);

// Signs a payment: {recipient, amount, fee, nonce, memo} becomes a transaction as the API takes it.
export async function sign(key, prefix, genesis, payment) {
  const transaction = { sender: addressOf(key, prefix), ...payment };
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key.privateKey, signedBytes(genesis, transaction)));
  return { ...transaction, signature: hex(signature) };
}
