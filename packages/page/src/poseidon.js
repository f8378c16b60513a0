// The salted digests of prompt and answer ("Token digests" of docs/format.md): Poseidon over BN254's scalar field, three elements.
import { power } from "./field.js";

/** Order of the field. */
export const ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

const WIDTH = 3;
const FULL = 8;
const PARTIAL = 57;
const BITS = 254;
// More take this page too long; the format has four times as many.
export const MAX_POSITIONS = 1 << 14;
const TOKEN_BITS = 24n;
const TOKENS_PER_MESSAGE = 8;

const reduced = (/** @type {bigint} */ value) => value % ORDER;

// ---------------------------------------------------------------- constants

/** Bits of Poseidon's generator of constants: a register of 80 bits, of whose pairs the second counts if the first is one. */
function* grain() {
  const field = (/** @type {number} */ value, /** @type {number} */ length) => [...value.toString(2).padStart(length, "0")].map(Number);
  const state = [field(1, 2), field(0, 4), field(BITS, 12), field(WIDTH, 12), field(FULL, 10), field(PARTIAL, 10), Array(30).fill(1)].flat();
  let at = 0;
  const next = () => {
    const tap = (/** @type {number} */ i) => state[(at + i) % 80];
    const bit = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0);
    state[at] = bit;
    at = (at + 1) % 80;
    return bit;
  };
  for (let i = 0; i < 160; i++) next();
  while (true) {
    const [counts, bit] = [next(), next()];
    if (counts) yield bit;
  }
}

/** Constants of the rounds, and the linear layer. */
function generated() {
  const bits = grain();
  const element = () => {
    let value = 0n;
    for (let i = 0; i < BITS; i++) value = (value << 1n) | BigInt(/** @type {number} */ (bits.next().value));
    return value;
  };
  const rounds = Array.from({ length: WIDTH * (FULL + PARTIAL) }, () => {
    let value = element();
    while (value >= ORDER) value = element();
    return value;
  });
  const points = Array.from({ length: 2 * WIDTH }, () => reduced(element()));
  const matrix = points.slice(0, WIDTH).map((x) => points.slice(WIDTH).map((y) => power(x + y, ORDER - 2n, ORDER)));
  return { rounds, matrix };
}

/** @type {ReturnType<typeof generated> | undefined} Made when it is first needed. */
let constants;

// ---------------------------------------------------------------- hash and digests

/** @param {bigint} value */
function fifth(value) {
  const square = reduced(value * value);
  return reduced(reduced(square * square) * value);
}

/** The first element of the permutation of (0, a, b). @param {bigint} a @param {bigint} b */
export function hash2(a, b) {
  constants ??= generated();
  const { rounds, matrix } = constants;
  const [[m00, m01, m02], [m10, m11, m12], [m20, m21, m22]] = matrix;
  let [x, y, z] = [0n, a, b];
  for (let round = 0, at = 0; round < FULL + PARTIAL; round++, at += WIDTH) {
    const full = round < FULL / 2 || round >= FULL / 2 + PARTIAL;
    x = fifth(x + rounds[at]);
    y = full ? fifth(y + rounds[at + 1]) : y + rounds[at + 1];
    z = full ? fifth(z + rounds[at + 2]) : z + rounds[at + 2];
    const [p, q, r] = [x, y, z];
    x = (m00 * p + m01 * q + m02 * r) % ORDER;
    y = (m10 * p + m11 * q + m12 * r) % ORDER;
    z = (m20 * p + m21 * q + m22 * r) % ORDER;
  }
  return x;
}

/** @param {number} positions @param {bigint} header @param {number} first @param {number[]} tokens @param {bigint} salt */
function digest(positions, header, first, tokens, salt) {
  const count = Math.ceil(positions / TOKENS_PER_MESSAGE);
  const messages = Array(count).fill(0n);
  tokens.forEach((token, i) => {
    const position = first + i;
    messages[position % count] |= BigInt(token) << (TOKEN_BITS * BigInt(Math.floor(position / count)));
  });
  return [header, ...messages].reduce(hash2, salt);
}

/** @param {any} opening */
export const isOpening = ({ positions, prompt, generated }) =>
  Number.isSafeInteger(positions) &&
  positions <= MAX_POSITIONS &&
  [prompt, generated].every((tokens) => Array.isArray(tokens) && tokens.length > 0) &&
  prompt.length + generated.length <= positions &&
  [...prompt, ...generated].every((token) => Number.isSafeInteger(token) && token >= 0 && token < 1 << Number(TOKEN_BITS));

/**
 * Digests of prompt and answer, as words.
 * @param {{ positions: number, prompt: number[], generated: number[] }} opening `isOpening`.
 * @param {[bigint, bigint]} salts Of prompt and answer, below the order.
 */
export function tokenDigests({ positions, prompt, generated }, [input, output]) {
  const [n, p, g] = [positions, prompt.length, generated.length].map(BigInt);
  return [
    digest(positions, 1n | (n << 32n) | (p << 64n), 0, prompt, input),
    digest(positions, 2n | (n << 32n) | (p << 64n) | (g << 96n), prompt.length, generated, output),
  ];
}
