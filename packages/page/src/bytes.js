// Bytes, hexadecimal text and 32-byte words.

/** @typedef {`0x${string}`} Hex */

const HEX = /^0x(?:[0-9a-fA-F]{2})*$/;

/**
 * Whether a value is hexadecimal text of whole bytes; of `length` bytes if that is given.
 * @param {unknown} value
 * @param {number} [length]
 * @returns {value is Hex}
 */
export const isHex = (value, length) =>
  typeof value === "string" && HEX.test(value) && (length === undefined || value.length === 2 + 2 * length);

/**
 * @param {string} hex
 * @returns {Uint8Array}
 */
export function fromHex(hex) {
  if (!isHex(hex)) throw new TypeError("no hexadecimal text of whole bytes");
  const bytes = new Uint8Array((hex.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * @param {Uint8Array} bytes
 * @returns {Hex}
 */
export function toHex(bytes) {
  let text = "0x";
  for (const byte of bytes) text += DIGITS[byte];
  return /** @type {Hex} */ (text);
}

/**
 * @param {...Uint8Array} parts
 * @returns {Uint8Array}
 */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * A number below 2^256 as 32 big-endian bytes.
 * @param {bigint | number} value
 * @returns {Uint8Array}
 */
export function word(value) {
  const digits = BigInt(value).toString(16);
  if (digits.startsWith("-") || digits.length > 64) throw new RangeError("no word of 256 bits");
  return fromHex(`0x${digits.padStart(64, "0")}`);
}

/**
 * @param {string} text
 * @returns {Uint8Array}
 */
export const utf8 = (text) => new TextEncoder().encode(text);

/**
 * Whether two hexadecimal texts are the same bytes.
 * @param {unknown} a
 * @param {unknown} b
 */
export const sameHex = (a, b) => isHex(a) && isHex(b) && a.toLowerCase() === b.toLowerCase();
