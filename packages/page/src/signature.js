// Whose signature it is: ECDSA over secp256k1, as contracts take it (65 bytes, one form only). Nothing here is secret.
import { fromHex, isHex, toHex, word } from "./bytes.js";
import { squareRoot } from "./field.js";
import { keccak256 } from "./keccak.js";

const PRIME = 2n ** 256n - 2n ** 32n - 977n;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
/** @type {Point} */
const BASE = [0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n, 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n];

/** @typedef {[bigint, bigint]} Point */

const mod = (/** @type {bigint} */ value, modulus = PRIME) => ((value % modulus) + modulus) % modulus;

/** @param {bigint} value Not a multiple of the modulus. @param {bigint} modulus */
function inverse(value, modulus) {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (a !== 0n) {
    const q = b / a;
    [a, b, x, y] = [b - q * a, a, y - q * x, x];
  }
  return mod(y, modulus);
}

/** A sum of points; undefined is the point at infinity. @param {Point | undefined} p @param {Point | undefined} q @returns {Point | undefined} */
function add(p, q) {
  if (p === undefined || q === undefined) return p ?? q;
  const same = p[0] === q[0];
  if (same && mod(p[1] + q[1]) === 0n) return undefined;
  const slope = same ? mod(3n * p[0] * p[0] * inverse(2n * p[1], PRIME)) : mod((q[1] - p[1]) * inverse(q[0] - p[0], PRIME));
  const x = mod(slope * slope - p[0] - q[0]);
  return [x, mod(slope * (p[0] - x) - p[1])];
}

/** @param {Point} point @param {bigint} scalar */
function times(point, scalar) {
  /** @type {Point | undefined} */
  let result;
  /** @type {Point | undefined} */
  let doubled = point;
  for (let s = scalar; s > 0n; s >>= 1n) {
    if (s & 1n) result = add(result, doubled);
    doubled = add(doubled, doubled);
  }
  return result;
}

/**
 * The address that signed a digest; undefined if it is no signature.
 * @param {string} digest
 * @param {string} signature
 */
export function signerOf(digest, signature) {
  if (!isHex(signature, 65)) return undefined;
  const [r, s, v] = [`0x${signature.slice(2, 66)}`, `0x${signature.slice(66, 130)}`, `0x${signature.slice(130)}`].map(BigInt);
  const valid = r > 0n && r < ORDER && s > 0n && s <= ORDER / 2n && (v === 27n || v === 28n);
  if (!valid) return undefined;
  const root = squareRoot(mod(r * r * r + 7n), PRIME);
  if (root === undefined) return undefined;
  const y = (root & 1n) === v - 27n ? root : PRIME - root;
  const back = inverse(r, ORDER);
  const key = add(times([r, y], mod(s * back, ORDER)), times(BASE, mod(-BigInt(digest) * back, ORDER)));
  if (key === undefined) return undefined;
  return toHex(keccak256(fromHex(toHex(word(key[0])) + toHex(word(key[1])).slice(2))).subarray(12));
}
