// Whether files are the claim on chain: field by field, so that it can be said which one differs.
import { isHex, sameHex } from "./bytes.js";
import { claimDigest, pointWords, programOf, programTree, statementOf } from "./statement.js";
import { shown } from "./text.js";

/** @typedef {{ what: string, files: string, chain: string, same: boolean }} Comparison */
/** @typedef {import("./verify.js").Judged} Judged */
/** @typedef {import("./claim.js").Facts} Facts */

const padded = (/** @type {string} */ address) => `0x${address.slice(2).toLowerCase().padStart(64, "0")}`;

/** The session that is about a job, or undefined. @param {Judged} judged @param {Facts} facts */
export function sessionOf(judged, facts) {
  const at = judged.sessions.findIndex(({ claim }) => sameHex(claim?.context?.claim, facts.claim.job));
  return at < 0 ? undefined : at;
}

/**
 * @param {Judged} judged
 * @param {number} index Of the session.
 * @param {Facts} facts
 * @returns {Comparison[]}
 */
export function compare(judged, index, facts) {
  const { claim, manifest } = judged.sessions[index];
  const { claim: posted, description, version } = facts;
  const { terms } = description;
  const row = (/** @type {string} */ what, /** @type {any} */ files, /** @type {any} */ chain) => {
    // What is no text or number in a file is described.
    const [a, b] = [typeof files === "object" ? shown(files) : String(files), String(chain)];
    return { what, files: a, chain: b, same: isHex(a) && isHex(b) ? sameHex(a, b) : a === b };
  };
  const layers = (claim.activations?.length ?? Number.NaN) + 1;
  const tree = treeOf(manifest, layers);
  const rows = [
    row("chain", claim.context.chain, facts.chain),
    row("contract", claim.context.contract, padded(facts.parts.book)),
    row("job", claim.context.claim, posted.job),
    row("recipient", claim.context.recipient, padded(posted.recipient)),
    row("model id", claim.model_id, version.modelId),
    row("prompt digest", claim.input_digest, posted.inputDigest),
    row("answer digest", claim.output_digest, posted.outputDigest),
    row("prompt tokens", claim.prompt_tokens, terms.promptTokens),
    row("generated tokens", claim.generated_tokens, terms.newTokens),
    row("digest of the session's seed", claim.seed_digest, posted.seedDigest),
    row("statement", statementOf(claim) ?? "none", posted.statement),
    row("layers", layers, terms.layers),
    row("root of the programs", tree?.root ?? "none", posted.programs),
    row("setup", manifest.setup, version.header.setup),
    row("activation commitments", wordsOf(claim.activations, facts.points.length), facts.points.join(" ")),
  ];
  // Of a claim that the verifier accepted: one digest of the statement and of the commitments' digest.
  const proved = judged.verdict.accepted ? judged.verdict.sessions[index] : undefined;
  return proved === undefined ? rows : [...rows, row("claim digest", proved.claim_digest, claimDigest(posted.statement, posted.activations))];
}

/** Words of points, three each; only if they are as many as on chain. @param {any} activations @param {number} count */
function wordsOf(activations, count) {
  if (!Array.isArray(activations) || 3 * activations.length !== count) return shown(activations);
  return activations.map((point) => pointWords(point)?.join(" ") ?? "none").join(" ");
}

/** @param {any} manifest @param {number} layers */
function treeOf(manifest, layers) {
  try {
    return programTree(manifest.programs, layers);
  } catch {
    return undefined;
  }
}

/**
 * What the contracts are asked about the final proof, from a judged one; undefined if one of its claims is not on this chain.
 * @param {Judged} judged
 * @param {any[]} claims Of its sessions, as they were posted.
 */
export function onChainQuestion(judged, claims) {
  if (!judged.verdict.accepted || claims.includes(undefined)) return undefined;
  const proofs = judged.sessions.map(({ claim, manifest }, i) => {
    const layers = claim.activations.length + 1;
    const tree = programTree(manifest.programs, layers);
    const leaves = judged.final.claims[i].windows.map((/** @type {any} */ window) => {
      const at = programOf(manifest.programs, window, layers, claim.generated_tokens);
      return { program: manifest.programs[at], digest: window.digest, path: tree.paths[at] };
    });
    return { claim: claims[i], leaves };
  });
  return { proofs, tree: judged.final.tree, proof: judged.final.proof };
}
