// A receipt of an epoch's answer, as a provider gives it: its fields, strictly; what was signed, which follows from prompt and
// answer; and whose signature it is. None of it needs a chain, and no node is told prompt, answer or salts.
import { encode } from "./abi.js";
import { concat, fromHex, isHex, sameHex, toHex, utf8, word } from "./bytes.js";
import { keccak256 } from "./keccak.js";
import { isOpening, MAX_POSITIONS, ORDER, tokenDigests } from "./poseidon.js";
import { signerOf } from "./signature.js";

/** @typedef {{ chain_id: number, book: string, disputes: string }} Books */
/**
 * @typedef {{ provider: string, version: string, epoch: number, index: number, requester: string, inputDigest: string, outputDigest: string,
 * promptTokens: number, newTokens: number, decoding: string, seedDigest: string }} Message What is signed, as contracts take it.
 */
/**
 * @typedef {{ books: Books, modelId: string, message: Message, signature: string, digest: string, signed: boolean }} Signed
 * `digest`: of the message, computed here. `signed`: by the key of the provider that it names.
 */

const FORMAT = "nanozk-epoch-receipt-1";
const NO_ACCOUNT = `0x${"0".repeat(40)}`;
const GREEDY = `0x${"0".repeat(64)}`;
/** @type {[string, string][]} */
const FIELDS = [
  ["address", "provider"],
  ["bytes32", "version"],
  ["uint32", "epoch"],
  ["uint32", "index"],
  ["address", "requester"],
  ["bytes32", "inputDigest"],
  ["bytes32", "outputDigest"],
  ["uint32", "promptTokens"],
  ["uint32", "newTokens"],
  ["bytes32", "decoding"],
  ["bytes32", "seedDigest"],
];
const TYPE = `AnswerReceipt(${FIELDS.map((field) => field.join(" ")).join(",")})`;
const DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

const hash = (/** @type {string} */ text) => keccak256(utf8(text));

/** Keccak-256 of values' ABI encoding. @param {string[]} types @param {any[]} values */
export const hashed = (types, values) => toHex(keccak256(encode(types.map((type) => ({ type, name: "" })), values)));

/** The EIP-712 digest of a receipt for the contracts of a chain. @param {Books} books @param {Message} message */
export function receiptDigest(books, message) {
  const domain = concat(hash(DOMAIN), hash("nanozk EpochDisputes"), hash("1"), word(books.chain_id), word(BigInt(books.disputes)));
  const fields = FIELDS.map(([, name]) => word(BigInt(/** @type {any} */ (message)[name])));
  return toHex(keccak256(concat(fromHex("0x1901"), keccak256(domain), keccak256(concat(hash(TYPE), ...fields)))));
}

/** @param {any} value @param {string[]} names */
function hasOnly(value, names) {
  return value !== null && typeof value === "object" && Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name));
}

const isUint32 = (/** @type {any} */ value) => Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32;

/** What is wrong with a file that says it is a receipt; undefined if nothing is. @param {any} value */
export function faultOf(value) {
  const fields = ["format", "books", "line", "epoch", "index", "requester", "model_id", "seed_digest", "opening", "signature"];
  if (value?.format !== FORMAT) return "its format is of another version of nanozk";
  if (!hasOnly(value, fields)) return `its fields are not ${fields.join(", ")}`;
  const { books, line, opening } = value;
  if (!hasOnly(books, ["chain_id", "book", "disputes"])) return "it does not say the contracts that it is for";
  if (!hasOnly(line, ["provider", "version"])) return "it does not say provider and version";
  if (!hasOnly(opening, ["positions", "prompt", "generated", "input_salt", "output_salt"])) return "it does not have prompt and answer with their salts";
  if (!Number.isSafeInteger(books.chain_id) || books.chain_id < 1) return "its chain is none";
  if (![books.book, books.disputes, line.provider, value.requester].every((address) => isHex(address, 20))) return "an address in it is none";
  // Whoever asks a node without an account is that one, and would have consented.
  if (sameHex(line.provider, NO_ACCOUNT)) return "its provider is nobody";
  if (![line.version, value.model_id, value.seed_digest].every((digest) => isHex(digest, 32))) return "a digest in it is none";
  if (![value.epoch, value.index].every(isUint32)) return "its epoch or its place is no number";
  if (!isOpening(opening)) return `its prompt and answer are no tokens of a session, or of one with more than ${MAX_POSITIONS} positions, for which this page takes too long`;
  if (![opening.input_salt, opening.output_salt].every((salt) => isHex(salt, 32) && BigInt(salt) < ORDER)) return "a salt in it is none";
  // A contract's signature has any length.
  return isHex(value.signature) && value.signature.length < 10_000 ? undefined : "its signature is none";
}

/**
 * @param {any} value A file without a fault.
 * @returns {Signed}
 */
export function readReceipt(value) {
  const { books, line, opening } = value;
  const [inputDigest, outputDigest] = tokenDigests(opening, [BigInt(opening.input_salt), BigInt(opening.output_salt)]).map((digest) => toHex(word(digest)));
  const lower = (/** @type {string} */ text) => text.toLowerCase();
  /** @type {Message} */
  const message = {
    provider: lower(line.provider),
    version: lower(line.version),
    epoch: value.epoch,
    index: value.index,
    requester: lower(value.requester),
    inputDigest,
    outputDigest,
    promptTokens: opening.prompt.length,
    newTokens: opening.generated.length,
    decoding: GREEDY,
    seedDigest: lower(value.seed_digest),
  };
  const digest = receiptDigest(books, message);
  const signed = sameHex(signerOf(digest, value.signature), message.provider);
  const { chain_id, book, disputes } = books;
  return { books: { chain_id, book: lower(book), disputes: lower(disputes) }, modelId: lower(value.model_id), message, signature: lower(value.signature), digest, signed };
}
