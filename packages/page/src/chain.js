// Reads a claim from the chain: code, wiring, the claim as it was posted, what happened to it, and money. All reads are of one
// block. Nothing is explained here.
import { decodeError, decodeEvent, decodeResult, encode, encodeCall, topicOf } from "./abi.js";
import { isHex, sameHex, toHex } from "./bytes.js";
import { codeHash, contractOf } from "./code.js";
import { chainText, ETH } from "./format.js";
import { keccak256 } from "./keccak.js";
import { Failure } from "./rpc.js";
import { inline, shown } from "./text.js";

/** @typedef {import("./abi.js").Entry} Entry */
/** @typedef {import("./rpc.js").Node} Node */
/**
 * @typedef {{ builds: Record<string, import("./code.js").Build>, functions: Record<string, Entry>, events: Entry[],
 * errors: Entry[] }} Contracts What the page brings with it of the contracts.
 */
/**
 * @typedef {{ address: string, id: string, where: string, chain?: number, span?: number }} Question `chain`: of the claim's file,
 * if there is one. `span`: how many blocks are searched at a time where a node refuses all.
 */
/** @typedef {{ role: string, address: string, expected: string, found?: string, hash: string }} Code */
/** @typedef {{ name: string, values: any, block: number, time?: number, transaction: string }} Happened */

const ZERO = `0x${"0".repeat(40)}`;
export const WHOLE = 255;
export const OUTPUT = 256;
// Where a node refuses to search all blocks: how many at a time by default, and how often.
const SPAN = 5_000;
const SEARCHES = 40;
// More are not shown.
const MAX_EVENTS = 200;
const MAX_SYMBOL = 24;

const hex = (/** @type {number | bigint} */ number) => `0x${number.toString(16)}`;

/** What a visitor entered, checked. @param {Question} question */
export function checkQuestion({ address, id, where, chain, span = SPAN }) {
  const [contract, claim, place] = [address.trim(), id.trim(), where.trim()];
  if (!isHex(contract, 20)) throw new Failure("The contract's address is none.", "It is 0x and 40 hexadecimal digits: that of ClaimLens, in deployments/CHAIN.json of the deployment.");
  if (!isHex(claim, 32)) throw new Failure("The claim's id is none.", "It is 0x and 64 hexadecimal digits; nanozk claim post prints it, and the event ClaimPosted has it.");
  if (place !== "" && !isHex(place, 32) && !/^\d{1,12}$/.test(place)) {
    throw new Failure("Where the claim was posted is neither a block nor a transaction.", "Enter a block's number, or a transaction's hash, or nothing.");
  }
  return { address: contract.toLowerCase(), id: claim.toLowerCase(), where: place.toLowerCase(), chain, span };
}

/** Reads at one block. */
class View {
  /** @param {Node} node @param {Contracts} contracts @param {any} block @param {number} span */
  constructor(node, contracts, block, span) {
    this.span = span;
    this.node = node;
    this.contracts = contracts;
    this.block = { number: number(block.number, "a block's number"), timestamp: number(block.timestamp, "a block's time") };
    this.tag = hex(this.block.number);
  }

  /** @param {string} address */
  async code(address) {
    const code = await this.node.ask("eth_getCode", [address, this.tag]);
    if (!isHex(code)) throw new Failure(`The node's answer for the code at ${address} is not hexadecimal.`, "Use another node.");
    return code;
  }

  /** Calls a function, by contract and name. @param {string} address @param {string} name @param {...any} values @returns {Promise<any>} */
  async call(address, name, ...values) {
    const entry = this.contracts.functions[name];
    let answer;
    try {
      answer = await this.node.ask("eth_call", [{ to: address, data: encodeCall(entry, values) }, this.tag]);
    } catch (failure) {
      const error = failure instanceof Failure ? decodeError(this.contracts.errors, failure.data) : undefined;
      if (error === undefined) throw failure;
      throw new Reverted(name, error);
    }
    try {
      return decodeResult(entry, answer);
    } catch (error) {
      throw new Failure(`What is at ${address} does not answer ${name} as it should: ${shown(/** @type {Error} */ (error).message)}.`, "Check the address, the chain, and that this page is of the contracts' version.");
    }
  }

  /** Events, oldest first. @param {any} filter @param {number} first @param {number} last */
  async logs(filter, first, last) {
    const all = await this.node.ask("eth_getLogs", [{ ...filter, fromBlock: hex(first), toBlock: hex(last) }]);
    if (!Array.isArray(all)) throw new Failure("The node's answer for events is no list.", "Use another node.");
    return all.filter((log) => isLog(log) && !log.removed && sameHex(log.address, filter.address));
  }

  /** The same from the last block back or on, in parts where the node refuses all at once. @param {any} filter @param {number} first @param {number} last @param {boolean} back */
  async search(filter, first, last, back) {
    try {
      return await this.logs(filter, first, last);
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.code === undefined || last - first < this.span) throw failure;
      const found = [];
      for (let i = 0; i < SEARCHES; i++) {
        const from = back ? Math.max(first, last - (i + 1) * this.span + 1) : first + i * this.span;
        const to = back ? last - i * this.span : Math.min(last, from + this.span - 1);
        found.push(...(await this.logs(filter, from, to)));
        if (back ? found.length > 0 || from === first : to === last) return found;
      }
      return found;
    }
  }
}

/** A call that reverted with an error of the contracts. */
class Reverted extends Failure {
  /** @param {string} call @param {{ name: string, text: string }} error */
  constructor(call, error) {
    super(`${call} reverts: ${shown(error.text)}`, "Check the address and the chain.");
    this.error = error.name;
  }
}

/**
 * @param {Node} node
 * @param {Contracts} contracts
 * @param {Question} question
 */
export async function readClaim(node, contracts, question) {
  const { address, id, where, chain: expected, span } = checkQuestion(question);
  const chain = number(await node.ask("eth_chainId", []), "the chain's id");
  if (expected !== undefined && expected !== chain) {
    throw new Failure(`The node is of ${chainText(chain)}, and the claim's file is of ${chainText(expected)}.`, `Enter a node of ${chainText(expected)}, or remove the file.`);
  }
  const block = await node.ask("eth_getBlockByNumber", ["latest", false]);
  if (!isObject(block)) throw new Failure("The node has no newest block.", "It may still be starting; try again, or use another node.");
  const view = new View(node, contracts, block, span);
  const parts = await readParts(view, address, chain);
  const log = await findPosted(view, parts, id, where);
  const posted = decodePosted(view, log);
  const claim = posted.values.posted;
  const life = await readLife(view, parts, posted.values.claim, claim, number(log.blockNumber, "a block's number"));
  const description = await view.call(parts.lens, "ClaimLens.describeClaim", claim);
  const next = await view.call(parts.lens, "ClaimLens.nextAction", claim);
  const version = await readVersion(view, parts.registry, description.job.version);
  const verifier = await codeOf(view, "Verifier of final proofs", claim.verifier, "FinalVerifier");
  return {
    url: node.url,
    chain,
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

/** @param {any} value */
const isObject = (value) => value !== null && typeof value === "object";

/** What an event has; what is in it is checked as it is decoded. @param {any} log */
const isLog = (log) => isObject(log) && Array.isArray(log.topics) && isHex(log.data);

/** @param {any} value @param {string} what */
function number(value, what) {
  const parsed = typeof value === "string" && /^0x[0-9a-fA-F]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(parsed)) throw new Failure(`The node's answer for ${what} is no number.`, "Use another node.");
  return parsed;
}

// ---------------------------------------------------------------- contracts

/** @param {View} view @param {string} role @param {string} address @param {string} expected @returns {Promise<Code>} */
async function codeOf(view, role, address, expected) {
  const code = await view.code(address);
  return { role, address, expected, found: contractOf(view.contracts.builds, code), hash: codeHash(code) };
}

/** The contracts of the deployment, from the address of its ClaimLens. @param {View} view @param {string} lens @param {number} chain */
async function readParts(view, lens, chain) {
  const code = await view.code(lens);
  if (code === "0x") {
    throw new Failure(`There is no contract at ${lens} on ${chainText(chain)}.`, "Check the address, and that the node is of the chain that the claim is on.");
  }
  const found = contractOf(view.contracts.builds, code);
  if (found !== undefined && found !== "ClaimLens") {
    throw new Failure(`The contract at ${lens} is ${found}.`, "Enter the address of ClaimLens, which is beside it in deployments/CHAIN.json.");
  }
  let addresses;
  try {
    addresses = await Promise.all(["book", "market", "registry"].map((name) => view.call(lens, `ClaimLens.${name}`)));
  } catch (failure) {
    if (!(failure instanceof Failure) || found !== undefined) throw failure;
    throw new Failure(`The contract at ${lens} is no ClaimLens: ${failure.what}`, "Enter the address of ClaimLens, from deployments/CHAIN.json of the deployment.");
  }
  const [book, market, registry] = addresses;
  const codes = [
    { role: "Reading claims", address: lens, expected: "ClaimLens", found, hash: codeHash(code) },
    await codeOf(view, "Claims", book, "ClaimBook"),
    await codeOf(view, "Jobs", market, "JobMarket"),
    await codeOf(view, "Model versions", registry, "ModelRegistry"),
  ];
  const escrow = await view.call(market, "JobMarket.escrow");
  codes.push(await codeOf(view, "Money", escrow, "BondEscrow"));
  const [digests, beacon] = [await view.call(book, "ClaimBook.digests"), await view.call(book, "ClaimBook.beacon")];
  codes.push(await codeOf(view, "Digests of published tokens", digests, "TokenDigests"));
  // Without one nothing is audited.
  if (!sameHex(beacon, ZERO)) codes.push(await codeOf(view, "Draws of layers", beacon, "AuditBeacon"));
  return { lens, book, market, registry, escrow, beacon, codes };
}

/** @typedef {Awaited<ReturnType<typeof readParts>>} Parts */

/** Contracts that do not name each other, as sentences. @param {View} view @param {Parts} parts */
async function readWiring(view, parts) {
  const wanted = /** @type {[string, string, string, string][]} */ ([
    ["ClaimBook", "market", parts.book, parts.market],
    ["ClaimBook", "registry", parts.book, parts.registry],
    ["ClaimBook", "escrow", parts.book, parts.escrow],
    ["JobMarket", "claimBook", parts.market, parts.book],
    ["JobMarket", "registry", parts.market, parts.registry],
    ["JobMarket", "beacon", parts.market, parts.beacon],
    ["ModelRegistry", "escrow", parts.registry, parts.escrow],
  ]);
  const wrong = [];
  for (const [contract, name, address, expected] of wanted) {
    const got = await view.call(address, `${contract}.${name}`);
    if (!sameHex(got, expected)) wrong.push(`${contract}.${name} is ${got}, and should be ${expected}`);
  }
  return wrong;
}

/** @param {View} view @param {string} registry @param {string} id */
async function readVersion(view, registry, id) {
  const [modelId, header, policy, metadataURI, usable] = await Promise.all(
    ["modelId", "header", "policy", "metadataURI", "usable"].map((name) => view.call(registry, `ModelRegistry.${name}`, id)),
  );
  return { id, modelId, header, policy, metadataURI, usable };
}

/** Symbol and decimals of an asset; of a token that does not say them, its address. @param {View} view @param {string} asset */
export async function readUnit(view, asset) {
  if (sameHex(asset, ZERO)) return ETH;
  const [symbol, decimals] = await Promise.all(
    ["symbol", "decimals"].map((name) => view.call(asset, `Token.${name}`).catch(() => undefined)),
  );
  const name = typeof symbol === "string" && symbol !== "" ? inline(symbol, MAX_SYMBOL) : asset;
  return { symbol: name, decimals: decimals === undefined ? undefined : Number(decimals) };
}

// ---------------------------------------------------------------- the claim

/** The event with which a claim was posted. An id of a job is taken for its claim's. @param {View} view @param {Parts} parts @param {string} id @param {string} where */
async function findPosted(view, parts, id, where) {
  const topic = topicOf(view.contracts.events.find((e) => e.name === "ClaimPosted"));
  const about = (/** @type {any} */ log) => log.topics[0] === topic && (log.topics[1] === id || log.topics[2] === id);
  if (isHex(where, 32)) {
    const receipt = await view.node.ask("eth_getTransactionReceipt", [where]);
    if (!isObject(receipt)) throw new Failure("The node has no such transaction.", "Check the transaction's hash and the chain.");
    const logs = Array.isArray(receipt.logs) ? receipt.logs.filter(isLog) : [];
    const log = logs.find((/** @type {any} */ l) => sameHex(l.address, parts.book) && about(l));
    if (log === undefined) throw new Failure("This transaction did not post the claim at this ClaimBook.", "Enter the transaction of the event ClaimPosted, or nothing.");
    return log;
  }
  const first = where === "" ? 0 : Number(where);
  if (first > view.block.number) throw new Failure(`Block ${first} is ahead of the node's newest one, ${view.block.number}.`, "Check the block's number and the chain.");
  const last = where === "" ? view.block.number : Math.min(view.block.number, first + view.span - 1);
  const search = async (/** @type {(string | null)[]} */ topics) => {
    try {
      return (await view.search({ address: parts.book, topics }, first, last, where === "")).find(about);
    } catch (failure) {
      if (failure instanceof Failure && failure.code !== undefined) failure.advice = "Enter the block or the transaction in which the claim was posted, or use a node that searches all blocks.";
      throw failure;
    }
  };
  const log = (await search([topic, id])) ?? (await search([topic, null, id]));
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

/** An event of the contracts, or undefined. @param {View} view @param {any} log */
function readEvent(view, log) {
  try {
    return decodeEvent(view.contracts.events, log);
  } catch (error) {
    throw new Failure(`An event of the claim cannot be read: ${shown(/** @type {Error} */ (error).message)}.`, "The node may be faulty: use another one.");
  }
}

/** @param {View} view @param {any} log */
function decodePosted(view, log) {
  const event = readEvent(view, log);
  const type = view.contracts.functions["ClaimLens.describeClaim"].inputs;
  // The id is the hash of all fields, so a node cannot make up one of them.
  const id = toHex(keccak256(encode(type, [event.values.posted])));
  if (id !== event.values.claim) {
    throw new Failure("The node's event ClaimPosted is not that of this claim: its fields have another hash than the claim's id.", "The node is faulty or lies: use another one.");
  }
  return event;
}

// ---------------------------------------------------------------- what happened

/** Events of a claim and of its job since it was posted; none if the node refuses. @param {View} view @param {Parts} parts @param {string} id @param {any} claim @param {number} first */
async function readLife(view, parts, id, claim, first) {
  const find = async (/** @type {string} */ address, /** @type {string} */ about) =>
    view.search({ address, topics: [null, about] }, first, view.block.number, false);
  let logs;
  try {
    // Those of the job are few, and say who got what.
    logs = [...(await find(parts.market, claim.job)), ...(await find(parts.book, id))];
  } catch (failure) {
    if (!(failure instanceof Failure) || failure.code === undefined) throw failure;
    return { events: [], eventsLeft: 0, eventsRefused: failure.what };
  }
  const read = logs.slice(0, MAX_EVENTS).flatMap((log) => {
    const event = readEvent(view, log);
    const place = { block: number(log.blockNumber, "a block's number"), index: number(log.logIndex, "an event's place"), transaction: log.transactionHash };
    return event === undefined ? [] : [{ ...event, ...place, time: log.blockTimestamp === undefined ? undefined : number(log.blockTimestamp, "a time") }];
  });
  read.sort((a, b) => a.block - b.block || a.index - b.index);
  const times = new Map();
  for (const event of read) {
    if (event.time === undefined && !times.has(event.block)) {
      const block = await view.node.ask("eth_getBlockByNumber", [hex(event.block), false]);
      times.set(event.block, isObject(block) ? number(block.timestamp, "a time") : undefined);
    }
    event.time ??= times.get(event.block);
  }
  return { events: read, eventsLeft: Math.max(0, logs.length - MAX_EVENTS), eventsRefused: undefined };
}

/** Numbers of the bits that are set. @param {bigint} bits */
export function setBits(bits) {
  const found = [];
  for (let i = 0; bits >> BigInt(i) > 0n; i++) if ((bits >> BigInt(i)) & 1n) found.push(i);
  return found;
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
  const topic = topicOf(view.contracts.events.find((e) => e.name === "ClaimPosted"));
  const claims = [];
  for (const job of jobs) {
    if (sameHex(job, claim.job)) claims.push(claim);
    else {
      const [log] = await view.search({ address: parts.book, topics: [topic, null, job] }, 0, view.block.number, true);
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
