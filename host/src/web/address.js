// Addresses: bech32m (BIP-350) over the 32 bytes of a public key.

const CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32M = 0x2bc830a3;

function polymod(values) {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    GENERATORS.forEach((generator, i) => { if ((top >>> i) & 1) sum ^= generator; });
  }
  return sum >>> 0;
}

const expand = (prefix) => [...Array.from(prefix, (c) => c.charCodeAt(0) >> 5), 0, ...Array.from(prefix, (c) => c.charCodeAt(0) & 31)];

function regroup(values, from, to, pads) {
  const out = [];
  let [sum, bits] = [0, 0];
  for (const value of values) {
    sum = (sum << from) | value;
    bits += from;
    while (bits >= to) {
      bits -= to;
      out.push((sum >>> bits) & ((1 << to) - 1));
    }
    sum &= (1 << bits) - 1;
  }
  if (pads && bits) out.push((sum << (to - bits)) & ((1 << to) - 1));
  if (!pads && (bits >= from || sum)) throw new Error("the address has bits left over behind its last byte");
  return out;
}

// The prefix and the 32 bytes of an address; throws where it has a typing error.
export function decodeAddress(text) {
  const lower = text.trim().toLowerCase();
  const at = lower.lastIndexOf("1");
  const [prefix, data] = [lower.slice(0, at), Array.from(lower.slice(at + 1), (c) => CHARACTERS.indexOf(c))];
  if (!["mote", "tmote", "lmote"].includes(prefix)) throw new Error("expected an address that starts with mote1, tmote1 or lmote1");
  if (data.includes(-1) || data.length < 6 || polymod([...expand(prefix), ...data]) !== BECH32M) {
    throw new Error("the address has a typing error: its checksum does not match");
  }
  const key = Uint8Array.from(regroup(data.slice(0, -6), 5, 8, false));
  if (key.length !== 32) throw new Error(`expected an address of 32 bytes, got ${key.length}`);
  return { prefix, key };
}

export function encodeAddress(prefix, key) {
  const data = regroup(key, 8, 5, true);
  const sum = polymod([...expand(prefix), ...data, 0, 0, 0, 0, 0, 0]) ^ BECH32M;
  const check = [0, 1, 2, 3, 4, 5].map((i) => (sum >>> (5 * (5 - i))) & 31);
  return `${prefix}1${[...data, ...check].map((value) => CHARACTERS[value]).join("")}`;
}

// What addresses of a network start with.
export const prefixOf = (network) => ({ main: "mote", test: "tmote" })[network] ?? "lmote";
