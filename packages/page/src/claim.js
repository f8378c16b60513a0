// Reads a claim from the chain: code, wiring, the claim as it was posted, what happened to it, and money. Nothing is explained here.
import { decodeError, encode } from "./abi.js";
import { isHex, sameHex, toHex } from "./bytes.js";
import { keccak256 } from "./keccak.js";
import { Failure } from "./rpc.js";
import { shown } from "./text.js";
import { number, readUnit, readVersion, Reverted, setBits, ZERO } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./view.js").Code} Code */

export const WHOLE = 255;
export const OUTPUT = 256;

/**
 * @param {View} view
 * @param {Code} lens ClaimLens, or what stands in its place.
 * @param {string} id Of the claim or of its job.
 * @param {string} where Block or transaction in which it was posted, or nothing.
 */
export async function readClaim(view, lens, id, where) {
  const parts = await readParts(view, lens);
  const log = await findPosted(view, parts, id, where);
  const posted = decodePosted(view, log);
  const claim = posted.values.posted;
  const life = await readLife(view, parts, posted.values.claim, claim, number(log.blockNumber, "a block's number"));
  const description = await view.call(parts.lens, "ClaimLens.describeClaim", claim);
  const next = await view.call(parts.lens, "ClaimLens.nextAction", claim);
  const version = await readVersion(view, parts.registry, description.job.version);
  const verifier = await view.codeOf("Verifier of final proofs", claim.verifier, "FinalVerifier");
  return {
    kind: /** @type {const} */ ("claim"),
    url: view.node.url,
    chain: view.chain,
    block: view.block,
    parts,
    codes: [...parts.codes, verifier],
    wiring: await readWiring(view, parts),
    id: posted.values.claim,
    provider: posted.values.provider,
    claim,
    points: posted.values.points,
    transaction: log.transactionHash,
    description,
    next,
    version,
    verifier: { address: claim.verifier, usable: await view.call(parts.registry, "ModelRegistry.verifierUsable", claim.verifier) },
    unit: await readUnit(view, claim.asset),
    challenges: await readChallenges(view, parts.book, posted.values.claim, description.state),
    ...life,
    view,
  };
}

/** @typedef {Awaited<ReturnType<typeof readClaim>>} Facts */

// ---------------------------------------------------------------- contracts

/** The contracts of the deployment, from its ClaimLens. @param {View} view @param {Code} lens */
async function readParts(view, lens) {
  const [book, market, registry] = await view.all(lens.address, "ClaimLens", ["book", "market", "registry"]);
  const codes = [
    lens,
    await view.codeOf("Claims", book, "ClaimBook"),
    await view.codeOf("Jobs", market, "JobMarket"),
    await view.codeOf("Model versions", registry, "ModelRegistry"),
  ];
  const escrow = await view.call(market, "JobMarket.escrow");
  codes.push(await view.codeOf("Money", escrow, "BondEscrow"));
  const [digests, beacon] = await view.all(book, "ClaimBook", ["digests", "beacon"]);
  codes.push(await view.codeOf("Digests of published tokens", digests, "TokenDigests"));
  // Without one nothing is audited.
  if (!sameHex(beacon, ZERO)) codes.push(await view.codeOf("Draws of layers", beacon, "AuditBeacon"));
  return { lens: lens.address, book, market, registry, escrow, beacon, codes };
}

/** @typedef {Awaited<ReturnType<typeof readParts>>} Parts */

/** @param {View} view @param {Parts} parts */
const readWiring = (view, parts) =>
  view.wiring([
    ["ClaimBook", "market", parts.book, parts.market],
    ["ClaimBook", "registry", parts.book, parts.registry],
    ["ClaimBook", "escrow", parts.book, parts.escrow],
    ["JobMarket", "claimBook", parts.market, parts.book],
    ["JobMarket", "registry", parts.market, parts.registry],
    ["JobMarket", "beacon", parts.market, parts.beacon],
    ["ModelRegistry", "escrow", parts.registry, parts.escrow],
  ]);

// ---------------------------------------------------------------- the claim

/** The event with which a claim was posted. An id of a job is taken for its claim's. @param {View} view @param {Parts} parts @param {string} id @param {string} where */
async function findPosted(view, parts, id, where) {
  const topic = view.topic("ClaimPosted");
  const about = (/** @type {any} */ log) => log.topics[0] === topic && (log.topics[1] === id || log.topics[2] === id);
  const words = { event: "ClaimPosted", done: "post the claim", by: "ClaimBook" };
  const log = await view.find(parts.book, [[topic, id], [topic, null, id]], about, where, words);
  return log ?? unknown(view, parts, id, where);
}

/** Why there is no event. @param {View} view @param {Parts} parts @param {string} id @param {string} where @returns {Promise<never>} */
async function unknown(view, parts, id, where) {
  if ((await view.call(parts.book, "ClaimBook.status", id)) !== 0n) {
    throw new Failure("The claim is on this chain, but the node did not find the event with which it was posted.", where === "" ? "Enter the block or the transaction in which it was posted, or use a node that keeps all events." : "Check the block, or leave it out.");
  }
  let job;
  try {
    job = await view.call(parts.lens, "ClaimLens.explainJob", id);
  } catch (failure) {
    if (!(failure instanceof Reverted) || failure.error !== "UnknownJob") throw failure;
    throw new Failure("No claim and no job has this id on this chain.", "Check the id, the chain and the address: another deployment has other claims.");
  }
  throw new Failure(`This is the id of a job that has no claim yet. ${shown(job)}`, "Ask again when the provider has claimed an answer.");
}

/** @param {View} view @param {any} log */
function decodePosted(view, log) {
  const event = view.event(log);
  const type = view.contracts.functions["ClaimLens.describeClaim"].inputs;
  // The id is the hash of all fields, so a node cannot make up one of them.
  const id = toHex(keccak256(encode(type, [event.values.posted])));
  if (id !== event.values.claim) {
    throw new Failure("The node's event ClaimPosted is not that of this claim: its fields have another hash than the claim's id.", "The node is faulty or lies: use another one.");
  }
  return event;
}

// ---------------------------------------------------------------- what happened

/** Events of a claim and of its job since it was posted. @param {View} view @param {Parts} parts @param {string} id @param {any} claim @param {number} first */
function readLife(view, parts, id, claim, first) {
  const find = (/** @type {string} */ address, /** @type {string} */ about) => () =>
    view.search({ address, topics: [null, about] }, first, view.block.number, undefined);
  // Those of the job are few, and say who got what.
  return view.life([find(parts.market, claim.job), find(parts.book, id)]);
}

/** @param {View} view @param {string} book @param {string} id @param {any} state */
async function readChallenges(view, book, id, state) {
  const targets = [...setBits(state.challenged), ...(state.output === 0n ? [] : [OUTPUT])];
  const all = [];
  for (const target of targets) all.push({ target, ...(await view.call(book, "ClaimBook.challengeOf", id, target)) });
  return all;
}

// ---------------------------------------------------------------- the chain's own verdict

/**
 * The claims of some jobs, as they were posted; undefined for a job that has none here.
 * @param {Facts} facts
 * @param {string[]} jobs
 * @returns {Promise<any[]>}
 */
export async function claimsOf(facts, jobs) {
  const { view, parts, claim } = facts;
  const topic = view.topic("ClaimPosted");
  const claims = [];
  for (const job of jobs) {
    if (sameHex(job, claim.job)) claims.push(claim);
    else {
      const about = (/** @type {any} */ log) => log.topics[0] === topic && sameHex(log.topics[2], job);
      const log = (await view.search({ address: parts.book, topics: [topic, null, job] }, 0, view.block.number, about)).find(about);
      claims.push(log === undefined ? undefined : decodePosted(view, log).values.posted);
    }
  }
  return claims;
}

/**
 * What the contracts say of a final proof, asked without sending anything.
 * @param {Facts} facts
 * @param {{ proofs: any[], tree: any, proof: string }} asked
 * @returns {Promise<{ valid: boolean, reason: string }>}
 */
export async function checkOnChain({ view, parts }, { proofs, tree, proof }) {
  const { valid, reason } = await view.call(parts.lens, "ClaimLens.checkProof", proofs, tree, proof);
  if (valid) return { valid, reason: "" };
  return { valid, reason: shown(decodeError(view.contracts.errors, reason)?.text ?? reason, 200) };
}
