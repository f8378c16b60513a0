// Digests of docs/format.md that this page computes by itself, to compare files with each other and with the chain.
import { concat, fromHex, isHex, toHex, utf8, word } from "./bytes.js";
import { squareRoot } from "./field.js";
import { keccak256 } from "./keccak.js";

/** Modulus of BN254's base field. */
const MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const PROGRAM = concat(utf8("nanozk program 1"), new Uint8Array(16));

/** @param {unknown} value */
const isCount = (value) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;

/**
 * The statement that proofs of a claim are about; undefined if a field is none.
 * @param {any} claim Content of `claim.json`.
 * @returns {string | undefined}
 */
export function statementOf(claim) {
  const context = claim?.context;
  const digests = [context?.contract, context?.claim, context?.recipient, claim?.model_id, claim?.input_digest, claim?.output_digest, claim?.decoding];
  const counts = [context?.chain, claim?.prompt_tokens, claim?.generated_tokens];
  if (!digests.every((digest) => isHex(digest, 32)) || !counts.every(isCount)) return undefined;
  const [contract, job, recipient, model, input, output, decoding] = digests.map(fromHex);
  const [chain, prompt, generated] = counts.map(word);
  return toHex(keccak256(concat(utf8("nanozk-statement-3"), chain, contract, job, recipient, model, input, output, prompt, generated, decoding)));
}

/** @param {string} statement @param {string} activations Digest of the activation commitments. */
export const claimDigest = (statement, activations) => toHex(keccak256(concat(fromHex(statement), fromHex(activations))));

// ---------------------------------------------------------------- points

/**
 * The words of a compressed point, as contracts have them; undefined if it is none.
 * @param {string} compressed
 * @returns {bigint[] | undefined}
 */
export function pointWords(compressed) {
  if (!isHex(compressed, 32)) return undefined;
  const bits = BigInt(compressed);
  const x = bits & ((1n << 255n) - 1n);
  if (x >= MODULUS) return undefined;
  const root = squareRoot((x * x * x + 3n) % MODULUS, MODULUS);
  if (root === undefined) return undefined;
  const y = (root & 1n) === bits >> 255n ? root : MODULUS - root;
  return [x % (1n << 192n), (x >> 192n) + (y % (1n << 128n)) * (1n << 64n), y >> 128n];
}

// ---------------------------------------------------------------- programs

/** @typedef {{ first: number, count: number, rows: number, key: string, weights: string }} Program */

/** @param {Program} program */
const leafOf = (program) =>
  keccak256(concat(PROGRAM, word(program.first), word(program.count), fromHex(program.key), fromHex(program.weights)));

/** @param {Uint8Array} a @param {Uint8Array} b */
function join(a, b) {
  const [left, right] = toHex(a) < toHex(b) ? [a, b] : [b, a];
  return keccak256(concat(left, right));
}

/**
 * Root of some leaves, and the siblings of each from the leaf up.
 * @param {Uint8Array[]} leaves
 * @returns {{ root: Uint8Array, paths: Uint8Array[][] }}
 */
function tree(leaves) {
  if (leaves.length === 1) return { root: leaves[0], paths: [[]] };
  const half = Math.ceil(leaves.length / 2);
  return over(tree(leaves.slice(0, half)), tree(leaves.slice(half)));
}

/** @param {ReturnType<typeof tree>} a @param {ReturnType<typeof tree>} b @returns {ReturnType<typeof tree>} */
const over = (a, b) => ({
  root: join(a.root, b.root),
  paths: [...a.paths.map((path) => [...path, b.root]), ...b.paths.map((path) => [...path, a.root])],
});

/**
 * The tree of a manifest's programs.
 * @param {Program[]} programs
 * @param {number} layers
 * @returns {{ root: string, paths: string[][] }} The paths in the order of the programs.
 */
export function programTree(programs, layers) {
  const whole = programs.filter((program) => program.count === layers);
  const others = programs.filter((program) => program.count !== layers);
  const halves = [whole, others].filter((half) => half.length > 0).map((half) => tree(half.map(leafOf)));
  if (halves.length === 0) return { root: toHex(new Uint8Array(32)), paths: [] };
  const all = halves.length === 1 ? halves[0] : over(halves[0], halves[1]);
  // Programs are sorted by their count, the greatest first: so those of all layers come first here, too.
  return { root: toHex(all.root), paths: all.paths.map((path) => path.map(toHex)) };
}

/**
 * The program that proves a window in a session: with the head, that of the session's rows.
 * @param {Program[]} programs
 * @param {{ first: number, count: number }} window
 * @param {number} layers
 * @param {number} generated Generated tokens.
 * @returns {number} Its number, or -1.
 */
export function programOf(programs, window, layers, generated) {
  let rows = 0;
  if (window.first + window.count === layers) for (rows = 2; rows < generated; rows *= 2);
  return programs.findIndex((p) => p.first === window.first && p.count === window.count && p.rows === rows);
}
