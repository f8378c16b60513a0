// Files and pasted text → what can be verified. Nothing here is trusted, and nothing is decided: the verifier does that.
import { isHex } from "./bytes.js";
import { faultOf } from "./receipt.js";
import { shown } from "./text.js";

/** @typedef {{ name: string, folder: string, text: string | undefined }} Source A file, or pasted text; undefined if it is too large or cannot be read. */
/** @typedef {"manifest" | "claim" | "final" | "key" | "receipt"} Kind */
/** @typedef {{ kind: Kind | "unused" | "wrong", name: string, folder: string, what: string, value?: any }} Item */
/** @typedef {{ what: string, advice: string }} Problem What was wrong, and what to do. */
/** @typedef {{ claim: any, manifests: any[] }} Candidate A claim with the manifests that may be its model's. */
/** @typedef {{ candidates: Candidate[], final: any, key: any, givenKey: boolean }} Input */

export const MAX_FILE_BYTES = 16_000_000;
export const MAX_FILES = 200;

const MAX_NAME = 80;
// Files of a session have six.
const MAX_NESTING = 32;

/** @type {Record<string, [Kind, string]>} */
const KINDS = {
  "nanozk-manifest-": ["manifest", "the manifest of a model"],
  "nanozk-claim-": ["claim", "a claim: what the provider says it computed"],
  "nanozk-final-key-": ["key", "a key of final proofs"],
  "nanozk-final-": ["final", "a final proof"],
  "nanozk-epoch-receipt-": ["receipt", "a receipt of an epoch's answer"],
};

/** @type {Record<string, string>} */
const UNUSED = {
  "nanozk-secret-": "the session's secret: not needed here, and nobody but the provider should have it",
  "nanozk-model-secret-": "the model's secret: not needed here, and nobody but the provider should have it",
  "nanozk-request-": "a request: not needed here, and it has the prompt",
  "nanozk-output-": "the answer itself: not needed here; `nanozk output open` compares it with the digest",
  "nanozk-audit-": "a draw of layers: not needed here",
  "nanozk-signatures-": "a provider's signatures: not needed here",
  "nanozk-deployment-": "addresses of contracts: not needed here",
  "nanozk-epoch-paths-": "paths to the roots of an epoch: not needed here; `nanozk channel pay` compares them",
  "nanozk-epoch-": "an epoch's folder: not needed here, and nobody but the provider should have it",
  "nanozk-voucher-": "a voucher: not needed here, and whoever has it may redeem it",
  "nanozk-receipt-": "a receipt of no epoch: not needed here; `nanozk receipt verify` checks it",
};

/** @param {Record<string, any>} table @param {string} format */
const entryOf = (table, format) => Object.entries(table).find(([prefix]) => format.startsWith(prefix))?.[1];

/** @param {any} value */
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/**
 * What a source has: one item, or several if it is a list or a whole question.
 * @param {Source} source
 * @returns {Item[]}
 */
export function recognize({ name, folder, text }) {
  const place = { name: shown(name, MAX_NAME), folder };
  const wrong = (/** @type {string} */ what) => [{ ...place, kind: /** @type {const} */ ("wrong"), what }];
  if (text === undefined) return wrong("not readable here, or larger than any file of a session");
  if (text.trim() === "") return wrong("empty");
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return wrong(`not JSON: ${shown(/** @type {Error} */ (error).message, 160)}`);
  }
  if (Array.isArray(value) && value.length === 0) return wrong("an empty list");
  if (nesting(value) > MAX_NESTING) return wrong("nested deeper than any file of a session");
  return parts(value, folder, `${folder}/${name}`).map(({ value, folder }) => ({ ...place, folder, ...named(value) }));
}

/** How deep objects and lists lie in each other, as far as that matters. @param {any} value */
function nesting(value) {
  let [depth, level] = [0, [value]];
  for (; level.length > 0 && depth <= MAX_NESTING; depth++) {
    level = level.flatMap((one) => (one !== null && typeof one === "object" ? Object.values(one) : []));
  }
  return depth;
}

/** A list, or `{sessions, final, key}`, taken apart; what is in one session is in a folder of its own. @param {any} value @param {string} folder @param {string} path */
function parts(value, folder, path) {
  const all = Array.isArray(value) ? value : [value];
  return all.slice(0, MAX_FILES).flatMap((one, i) => {
    const own = `${path}#${i}`;
    if (isObject(one) && Array.isArray(one.sessions) && one.sessions.length > 0) {
      const sessions = one.sessions.slice(0, MAX_FILES).flatMap((s, j) => session(s, `${own}.${j}`));
      return [...sessions, ...[one.final, one.key].filter(isObject).map((value) => ({ value, folder }))];
    }
    if (isObject(one) && isObject(one.claim) && isObject(one.manifest)) return session(one, own);
    // An answer of `nanozk serve`.
    if (isObject(one) && isObject(one.nanozk) && isObject(one.nanozk.receipt)) return [{ value: one.nanozk.receipt, folder }];
    return [{ value: one, folder }];
  });
}

/** @param {any} session @param {string} folder */
const session = (session, folder) =>
  isObject(session) ? [{ value: session.manifest, folder }, { value: session.claim, folder }] : [{ value: session, folder }];

/** @param {any} value @returns {{ kind: Item["kind"], what: string, value?: any }} */
function named(value) {
  if (!isObject(value)) return { kind: "wrong", what: `${shown(value, 60)}, where an object is needed` };
  if (typeof value.format !== "string") return { kind: "wrong", what: "JSON without a format that this page knows" };
  const known = entryOf(KINDS, value.format);
  const unused = entryOf(UNUSED, value.format);
  if (known === undefined && unused !== undefined) return { kind: "unused", what: unused };
  if (known === undefined) return { kind: "wrong", what: `format ${shown(value.format, 60)}, which this page does not know` };
  const fault = known[0] === "receipt" ? faultOf(value) : undefined;
  if (fault !== undefined) return { kind: "wrong", what: `${known[1]} that cannot be read: ${fault}` };
  return { kind: known[0], what: known[1], value };
}

/** Items without those that say the same again. @param {Item[]} items */
function distinct(items) {
  const seen = new Set();
  return items.filter((item) => {
    const text = JSON.stringify(item.value);
    return !seen.has(text) && seen.add(text);
  });
}

/**
 * What can be verified, or what is missing for it. A receipt needs no other file.
 * @param {Item[]} items
 * @param {{ digest: string, key: any }[]} knownKeys Keys that this page brings with it.
 * @returns {{ input?: Input, receipt?: any, problems: Problem[] }}
 */
export function assemble(items, knownKeys) {
  const of = (/** @type {Kind} */ kind) => distinct(items.filter((item) => item.kind === kind));
  const [claims, manifests, finals, keys, receipts] = [of("claim"), of("manifest"), of("final"), of("key"), of("receipt")];
  /** @type {Problem[]} */
  const problems = [];
  const missing = (/** @type {string} */ what, /** @type {string} */ advice) => problems.push({ what, advice });
  const only = receipts.length > 0 && [claims, manifests, finals, keys].every((some) => some.length === 0);
  if (receipts.length > 1) missing(`There are ${receipts.length} different receipts.`, `Remove all but one: ${receipts.map((r) => r.name).join(", ")}.`);
  const receipt = receipts.length === 1 ? receipts[0].value : undefined;
  if (only) return { receipt, problems };
  if (claims.length === 0) missing("No claim is among the files.", "Add claim.json of the session.");
  if (manifests.length === 0) missing("No manifest is among the files.", "Add manifest.json: it is in the session's directory and in the model's.");
  if (finals.length === 0) missing("No final proof is among the files.", "Add final.json, which nanozk aggregate writes.");
  for (const [found, what] of /** @type {[Item[], string][]} */ ([[finals, "final proofs"], [keys, "keys of final proofs"]])) {
    if (found.length > 1) missing(`There are ${found.length} different ${what}.`, `Remove all but one: ${found.map((f) => f.name).join(", ")}.`);
  }
  const final = finals[0]?.value;
  // A key that this page brings serves manifests of its setup; the verifier compares the rest.
  const key = keys[0]?.value ?? knownKeys.find((known) => manifests.some((m) => m.value.setup === known.key.setup))?.key;
  if (key === undefined && manifests.length > 0) {
    missing("No key of final proofs is among the files, and the model's setup is none that this page has a key of.", "Add the key that nanozk setup final-key wrote for this setup, and compare its digest with one that you know.");
  }
  if (problems.length > 0) return { receipt, problems };
  const candidates = claims.map((claim) => {
    const beside = manifests.filter((m) => m.folder === claim.folder);
    return { claim: claim.value, manifests: (beside.length === 1 ? beside : manifests).map((m) => m.value) };
  });
  return { input: { candidates, final, key, givenKey: keys.length > 0 }, receipt, problems };
}

/** What a visitor enters as a digest; undefined if nothing, a problem if it is none. @param {string} text @param {string} what */
export function digestEntered(text, what) {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === "") return {};
  const digest = trimmed.startsWith("0x") ? trimmed : `0x${trimmed}`;
  if (isHex(digest, 32)) return { digest };
  return { problem: { what: `The ${what} that you entered is no digest.`, advice: "It is 0x and 64 hexadecimal digits." } };
}
