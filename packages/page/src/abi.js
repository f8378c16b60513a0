// Calldata, answers, events and errors by their ABI. Only what the contracts' interfaces use, and strict: an answer that is
// too short or has bits where none belong is an error, not a value.
import { concat, fromHex, isHex, toHex, utf8, word } from "./bytes.js";
import { keccak256 } from "./keccak.js";

/** @typedef {{ type: string, name: string, components?: Type[], indexed?: boolean }} Type */
/** @typedef {{ type: string, name: string, inputs: Type[], outputs?: Type[] }} Entry */

const WORD = 32;
// Deeper than any type of the contracts.
const MAX_DEPTH = 8;

export class AbiError extends Error {}

const inner = (/** @type {Type} */ type) => ({ ...type, type: type.type.slice(0, -2) });
const isList = (/** @type {Type} */ type) => type.type.endsWith("[]");
const isTuple = (/** @type {Type} */ type) => type.type === "tuple";

/** @param {Type} type */
function isDynamic(type) {
  if (isList(type) || type.type === "bytes" || type.type === "string") return true;
  return isTuple(type) && type.components.some(isDynamic);
}

/** Bytes of a type in the head of what it is in. @param {Type} type @returns {number} */
function headSize(type) {
  if (isDynamic(type) || !isTuple(type)) return fixedLength(type) * WORD;
  return type.components.reduce((sum, part) => sum + headSize(part), 0);
}

/** @param {Type} type */
function fixedLength(type) {
  const array = type.type.match(/^uint256\[(\d+)\]$/);
  return array === null || isDynamic(type) ? 1 : Number(array[1]);
}

// ---------------------------------------------------------------- decoding

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  /** @param {number} at @param {number} length */
  take(at, length) {
    if (at + length > this.bytes.length) {
      throw new AbiError(`${this.bytes.length} bytes where at least ${at + length} are needed`);
    }
    return this.bytes.subarray(at, at + length);
  }

  /** @param {number} at */
  number(at) {
    return BigInt(toHex(this.take(at, WORD)));
  }

  /** A length or an offset, which what is taken there bounds. @param {number} at */
  size(at) {
    return Number(this.number(at));
  }
}

/** @param {Reader} from @param {Type[]} types @param {number} base @param {number} depth */
function decodeAll(from, types, base, depth) {
  if (depth > MAX_DEPTH) throw new AbiError("types are nested too deeply");
  let head = base;
  return types.map((type) => {
    const at = isDynamic(type) ? base + from.size(head) : head;
    head += headSize(type);
    return decodeOne(from, type, at, depth);
  });
}

/** @param {Reader} from @param {Type} type @param {number} at @param {number} depth @returns {any} */
function decodeOne(from, type, at, depth) {
  if (isList(type)) {
    const count = from.size(at);
    if (count * headSize(inner(type)) > from.bytes.length) throw new AbiError(`${count} elements in ${from.bytes.length} bytes`);
    return decodeAll(from, Array(count).fill(inner(type)), at + WORD, depth + 1);
  }
  if (isTuple(type)) return named(type.components, decodeAll(from, type.components, at, depth + 1));
  const fixed = fixedLength(type);
  if (fixed > 1) return Array.from({ length: fixed }, (_, i) => from.number(at + i * WORD));
  if (type.type === "bytes" || type.type === "string") {
    const bytes = from.take(at + WORD, from.size(at));
    return type.type === "bytes" ? toHex(bytes) : new TextDecoder().decode(bytes);
  }
  if (type.type === "bytes32") return toHex(from.take(at, WORD));
  return valueOf(type.type, from.number(at));
}

/** @param {string} type @param {bigint} value */
function valueOf(type, value) {
  if (type === "bytes4") {
    if (value & ((1n << 224n) - 1n)) throw new AbiError("bits behind a value of 4 bytes");
    return toHex(word(value).subarray(0, 4));
  }
  const bits = type === "address" ? 160 : type === "bool" ? 1 : Number(type.match(/^uint(\d+)$/)?.[1]);
  if (!bits) throw new AbiError(`no type ${type}`);
  if (value >> BigInt(bits)) throw new AbiError(`a value that is no ${type}`);
  if (type === "bool") return value === 1n;
  return type === "address" ? toHex(word(value).subarray(12)) : value;
}

/** @param {Type[]} types @param {any[]} values */
const named = (types, values) => Object.fromEntries(types.map((type, i) => [type.name || String(i), values[i]]));

/**
 * Values in the order of their types.
 * @param {Type[]} types
 * @param {string} hex
 * @returns {any[]}
 */
export function decode(types, hex) {
  if (!isHex(hex)) throw new AbiError("an answer that is not hexadecimal");
  return decodeAll(new Reader(fromHex(hex)), types, 0, 0);
}

// ---------------------------------------------------------------- encoding

/** @param {Type[]} types @param {any[]} values @returns {Uint8Array} */
export function encode(types, values) {
  const heads = [];
  const tails = [];
  let at = types.reduce((sum, type) => sum + headSize(type), 0);
  types.forEach((type, i) => {
    const bytes = encodeOne(type, values[i]);
    if (!isDynamic(type)) return heads.push(bytes);
    heads.push(word(at));
    tails.push(bytes);
    at += bytes.length;
  });
  return concat(...heads, ...tails);
}

/** @param {Type} type @param {any} value @returns {Uint8Array} */
function encodeOne(type, value) {
  if (isList(type)) return concat(word(value.length), encode(Array(value.length).fill(inner(type)), value));
  if (isTuple(type)) return encode(type.components, type.components.map((part) => value[part.name]));
  if (type.type === "bytes" || type.type === "string") {
    const bytes = type.type === "bytes" ? fromHex(value) : utf8(value);
    return concat(word(bytes.length), bytes, new Uint8Array((WORD - (bytes.length % WORD)) % WORD));
  }
  if (type.type === "bool") return word(value ? 1 : 0);
  if (fixedLength(type) > 1) return concat(...value.map(word));
  return word(BigInt(value));
}

// ---------------------------------------------------------------- functions, events, errors

/** @param {Type} type @returns {string} */
function canonical(type) {
  const tuple = type.type.match(/^tuple(.*)$/);
  return tuple === null ? type.type : `(${type.components.map(canonical).join(",")})${tuple[1]}`;
}

/** @param {Entry} entry */
export const signatureOf = (entry) => `${entry.name}(${entry.inputs.map(canonical).join(",")})`;
/** @param {Entry} entry */
export const topicOf = (entry) => toHex(keccak256(utf8(signatureOf(entry))));
/** @param {Entry} entry */
const selectorOf = (entry) => topicOf(entry).slice(0, 10);

/** @param {Entry} entry @param {any[]} values */
export const encodeCall = (entry, values) => toHex(concat(fromHex(selectorOf(entry)), encode(entry.inputs, values)));

/** The values that a function gave, by name; one alone without its name. @param {Entry} entry @param {string} hex */
export function decodeResult(entry, hex) {
  const values = decode(entry.outputs, hex);
  return values.length === 1 ? values[0] : named(entry.outputs, values);
}

/**
 * An event by its ABI; undefined if it is another.
 * @param {Entry[]} entries
 * @param {{ topics: string[], data: string }} log
 */
export function decodeEvent(entries, log) {
  const entry = entries.find((e) => e.type === "event" && topicOf(e) === log.topics[0]);
  if (entry === undefined) return undefined;
  const indexed = entry.inputs.filter((input) => input.indexed);
  const others = entry.inputs.filter((input) => !input.indexed);
  const values = {
    ...named(indexed, indexed.map((input, i) => decode([input], log.topics[i + 1] ?? "0x")[0])),
    ...named(others, decode(others, log.data)),
  };
  return { name: entry.name, values };
}

const BUILT_IN = [
  { type: "error", name: "Error", inputs: [{ type: "string", name: "message" }] },
  { type: "error", name: "Panic", inputs: [{ type: "uint256", name: "code" }] },
];

/**
 * The error that a call reverted with, as people write it; undefined if it is none of these.
 * @param {Entry[]} entries
 * @param {unknown} data
 */
export function decodeError(entries, data) {
  if (!isHex(data) || data.length < 10) return undefined;
  const entry = [...BUILT_IN, ...entries].find((e) => e.type === "error" && selectorOf(e) === data.slice(0, 10));
  if (entry === undefined) return undefined;
  try {
    const values = decode(entry.inputs, `0x${data.slice(10)}`);
    return { name: entry.name, text: `${entry.name}(${entry.inputs.map((t, i) => `${t.name} ${values[i]}`).join(", ")})` };
  } catch {
    return { name: entry.name, text: entry.name };
  }
}
