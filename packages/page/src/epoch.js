// Reads an epoch from the chain: code, wiring, the epoch as it was committed to, its draws, its line's money, its disputes and what
// happened; and what the chain says of a receipt. Nothing is explained here.
import { encode } from "./abi.js";
import { concat, fromHex, sameHex, toHex, utf8, word } from "./bytes.js";
import { keccak256 } from "./keccak.js";
import { hashed } from "./receipt.js";
import { Failure } from "./rpc.js";
import { MAX_EVENTS, number, readUnit, readVersion, ZERO } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./view.js").Code} Code */
/** @typedef {import("./receipt.js").Signed} Signed */

export const STATUS = { COMMITTED: 1, FIXED: 2, PROVEN: 3, SETTLED: 4, VOIDED: 5 };
export const TURN = { OPEN: 1, FIXED: 2, ASKED: 3, ANSWERED: 4, DROPPED: 5 };

const LIES = "The node is faulty or lies: use another one.";

/**
 * @param {View} view
 * @param {Code} lens EpochLens, or what stands in its place.
 * @param {string | Signed} wanted The epoch's id, or a receipt of it.
 * @param {string} where Block or transaction in which it was committed to, or nothing.
 */
export async function readEpoch(view, lens, wanted, where) {
  const parts = await readParts(view, lens);
  const found = typeof wanted === "string" ? await findById(view, parts, wanted, where) : await findOf(view, parts, wanted, where);
  // Without an epoch it is the receipt's line.
  const { provider, version } = found?.fields ?? /** @type {Signed} */ (wanted).message;
  const line = await readLine(view, parts, provider, version);
  const [challenge, answer, prove] = await view.all(parts.book, "EpochBook", ["challengeWindow", "answerWindow", "proveWindow"]);
  const epoch = found === undefined ? undefined : await readOne(view, parts, found);
  return {
    kind: /** @type {const} */ ("epoch"),
    url: view.node.url,
    chain: view.chain,
    block: view.block,
    parts,
    codes: epoch === undefined ? parts.codes : [...parts.codes, epoch.verifier],
    wiring: await readWiring(view, parts),
    windows: { challenge: Number(challenge), answer: Number(answer), prove: Number(prove) },
    line,
    epoch,
    view,
  };
}

/** @typedef {Awaited<ReturnType<typeof readEpoch>>} EpochFacts */
/** @typedef {NonNullable<EpochFacts["epoch"]>} OneEpoch */

// ---------------------------------------------------------------- contracts

/** The contracts of the deployment, from its EpochLens. @param {View} view @param {Code} lens */
async function readParts(view, lens) {
  const [book, disputes, registry] = await view.all(lens.address, "EpochLens", ["book", "disputes", "registry"]);
  const [escrow, beacon] = await view.all(book, "EpochBook", ["escrow", "beacon"]);
  const codes = [
    lens,
    await view.codeOf("Epochs", book, "EpochBook"),
    await view.codeOf("Disputes", disputes, "EpochDisputes"),
    await view.codeOf("Model versions", registry, "ModelRegistry"),
    await view.codeOf("Money", escrow, "BondEscrow"),
  ];
  // Without one there are no epochs.
  if (!sameHex(beacon, ZERO)) codes.push(await view.codeOf("Draws", beacon, "AuditBeacon"));
  return { lens: lens.address, book, disputes, registry, escrow, beacon, codes };
}

/** @typedef {Awaited<ReturnType<typeof readParts>>} Parts */

/** @param {View} view @param {Parts} parts */
const readWiring = (view, parts) =>
  view.wiring([
    ["EpochBook", "disputes", parts.book, parts.disputes],
    ["EpochBook", "registry", parts.book, parts.registry],
    ["EpochDisputes", "book", parts.disputes, parts.book],
    ["EpochDisputes", "registry", parts.disputes, parts.registry],
    ["EpochDisputes", "escrow", parts.disputes, parts.escrow],
    ["ModelRegistry", "escrow", parts.registry, parts.escrow],
  ]);

/** @param {View} view @param {Parts} parts @param {string} provider @param {string} version */
async function readLine(view, parts, provider, version) {
  const line = await view.call(parts.book, "EpochBook.line", provider, version);
  if (line.exposed > line.balance || line.open > line.next) throw new Failure("What the node says of the provider's line cannot be: more of its bond is exposed, or more epochs are open, than it has.", LIES);
  return { provider, version, ...line, settled: Number(line.next - line.open), next: Number(line.next) };
}

// ---------------------------------------------------------------- the epoch

const WORDS = { event: "EpochCommitted", done: "commit to the epoch", by: "EpochBook" };

/** The packed word of an epoch. @param {bigint} terms */
export function termsOf(terms) {
  const part = (/** @type {bigint} */ from, /** @type {bigint} */ bits) => (terms >> from) & ((1n << bits) - 1n);
  return {
    number: Number(part(0n, 32n)),
    count: Number(part(32n, 32n)),
    draws: Number(part(64n, 16n)),
    committedAt: Number(part(80n, 40n)),
    drawBlock: Number(part(120n, 48n)),
    exposed: part(168n, 88n),
  };
}

/** An epoch as its event has it; its id is the hash of its fields, so a node cannot make up one of them. @param {View} view @param {any} log */
function committedOf(view, log) {
  const { values } = view.event(log);
  const id = toHex(keccak256(encode(view.contracts.functions["EpochLens.describeEpoch"].inputs, [values.committed])));
  if (id !== values.epoch) throw new Failure("The node's event EpochCommitted is not that of this epoch: its fields have another hash than the epoch's id.", LIES);
  return { id, fields: values.committed, terms: termsOf(values.committed.terms), log };
}

/** @param {View} view @param {Parts} parts @param {string} id @param {string} where */
async function findById(view, parts, id, where) {
  const topic = view.topic("EpochCommitted");
  const about = (/** @type {any} */ log) => log.topics[0] === topic && log.topics[1] === id;
  const log = await view.find(parts.book, [[topic, id]], about, where, WORDS);
  if (log !== undefined) return committedOf(view, log);
  if ((await view.call(parts.book, "EpochBook.statusOf", id)) !== 0n) return missing(where);
  throw new Failure("No epoch has this id on this chain.", "Check the id, the chain and the address: another deployment has other epochs. For a claim or a job enter the address of ClaimLens.");
}

/** @param {string} where @returns {never} */
function missing(where) {
  const advice = where === "" ? "Enter the block or the transaction in which it was committed to, or use a node that keeps all events." : "Check the block, or leave it out.";
  throw new Failure("The epoch is on this chain, but the node did not find the event with which it was committed to.", advice);
}

/** The epoch of a receipt; undefined if it is not committed to yet. @param {View} view @param {Parts} parts @param {Signed} receipt @param {string} where */
async function findOf(view, parts, { message }, where) {
  const { provider, version, epoch } = message;
  const { next } = await readLine(view, parts, provider, version);
  if (epoch >= next) return undefined;
  const topic = view.topic("EpochCommitted");
  const line = [topic, null, toHex(word(BigInt(provider))), version];
  const about = (/** @type {any} */ log) => {
    if (log.topics[0] !== topic) return false;
    const { fields, terms } = committedOf(view, log);
    return sameHex(fields.provider, provider) && sameHex(fields.version, version) && terms.number === epoch;
  };
  const log = await view.find(parts.book, [line], about, where, WORDS);
  return log === undefined ? missing(where) : committedOf(view, log);
}

/** @param {View} view @param {Parts} parts @param {ReturnType<typeof committedOf>} committed */
async function readOne(view, parts, { id, fields, terms, log }) {
  const since = number(log.blockNumber, "a block's number");
  const description = await view.call(parts.lens, "EpochLens.describeEpoch", fields);
  const { epoch, number: own, answers, draws, committedAt, drawBlock, exposed } = description;
  const same = [Number(own), Number(answers), Number(draws), Number(committedAt), Number(drawBlock)].join() === [terms.number, terms.count, terms.draws, terms.committedAt, terms.drawBlock].join();
  if (epoch !== id || !same || exposed !== terms.exposed) throw new Failure("What EpochLens says is not what the epoch's own fields say.", LIES);
  const head = await view.call(parts.book, "EpochBook.pageOf", fields.page);
  const version = await readVersion(view, parts.registry, fields.version);
  const life = await readLife(view, parts, fields, id, since);
  const fixed = life.events.find((e) => e.name === "EpochFixed")?.values.fixed_;
  return {
    id,
    fields,
    terms,
    transaction: log.transactionHash,
    description,
    next: await view.call(parts.lens, "EpochLens.nextOfEpoch", fields),
    head,
    verifier: await view.codeOf("Verifier of final proofs", head.verifier, "FinalVerifier"),
    version,
    unit: await readUnit(view, version.policy.asset),
    fixed,
    drawn: fixed === undefined ? undefined : await readDrawn(view, parts, fields, id, terms, fixed.seed),
    disputes: await readDisputes(view, parts, id, life.events),
    ...life,
  };
}

// ---------------------------------------------------------------- draws

const DRAW = toHex(concat(utf8("nanozk epoch draw 1"), new Uint8Array(13)));

/**
 * Which answers are drawn, by rising index ("Formats" of docs/epochs.md).
 * @param {string} seed
 * @param {string} id Of the epoch.
 * @param {{ count: number, draws: number }} terms
 */
export function drawnAnswers(seed, id, { count, draws }) {
  const start = keccak256(concat(fromHex(DRAW), fromHex(seed), fromHex(id)));
  const drawn = new Set();
  for (let i = 0; i < draws; i++) {
    const last = count - draws + i;
    const x = Number(BigInt(toHex(keccak256(concat(start, word(i))))) % BigInt(last + 1));
    drawn.add(drawn.has(x) ? last : x);
  }
  return [...drawn].sort((a, b) => a - b);
}

/** Drawn answers as this page computes them, which EpochLens has to say, too, if the node runs it for so many. @param {View} view @param {Parts} parts @param {any} fields @param {string} id @param {any} terms @param {string} seed @returns {Promise<number[]>} */
async function readDrawn(view, parts, fields, id, terms, seed) {
  const own = drawnAnswers(seed, id, terms);
  let said;
  try {
    said = await view.call(parts.lens, "EpochLens.drawnAnswers", fields, seed);
  } catch (failure) {
    // It goes through all answers, which some nodes cut off.
    if (!(failure instanceof Failure) || failure.code === undefined) throw failure;
    return own;
  }
  if (said.join() !== own.join()) throw new Failure("EpochLens says that other answers are drawn than this seed draws.", LIES);
  return own;
}

// ---------------------------------------------------------------- what happened

const MONEY = ["VoucherRedeemed", "LineSlashed", "LineBonded", "LineWithdrawn"];
const DISPUTES = ["Demanded", "Challenged"];

export const demandId = (/** @type {string} */ epoch, /** @type {string} */ receipt) => hashed(["string", "bytes32", "bytes32"], ["demand", epoch, receipt]);
export const challengeId = (/** @type {string} */ epoch, /** @type {bigint} */ index, /** @type {string} */ challenger) =>
  hashed(["string", "bytes32", "uint256", "address"], ["challenge", epoch, index, challenger]);

/** Where an event of a dispute is about: its id. @param {string} epoch @param {{ name: string, values: any }} event */
const disputeId = (epoch, { name, values }) => (name === "Demanded" ? demandId(epoch, values.receipt) : challengeId(epoch, values.index, values.challenger));

/** Events of an epoch, of its disputes and of its line since it was committed to. @param {View} view @param {Parts} parts @param {any} fields @param {string} id @param {number} since */
async function readLife(view, parts, fields, id, since) {
  const find = (/** @type {string} */ address, /** @type {any[]} */ topics) => () => view.search({ address, topics }, since, view.block.number, undefined);
  const provider = toHex(word(BigInt(fields.provider)));
  const topics = (/** @type {string[]} */ names) => names.map((name) => view.topic(name));
  const [redeemed, ...others] = topics(MONEY);
  /** @type {any[]} */
  let about = [];
  const own = async () => (about = await find(parts.disputes, [null, id])());
  // What became of disputes has their ids, not the epoch's.
  const moved = async () => {
    const ids = about.flatMap((log) => {
      const event = view.event(log);
      return event !== undefined && DISPUTES.includes(event.name) ? [disputeId(id, event)] : [];
    });
    return ids.length === 0 ? [] : find(parts.disputes, [topics(["DisputeMoved", "BondMoved"]), ids.slice(0, MAX_EVENTS)])();
  };
  return view.life([find(parts.book, [null, id]), find(parts.book, [others, provider, fields.version]), own, moved, find(parts.book, [redeemed, null, provider, fields.version])]);
}

/** Disputes that events tell of, as the contract has them now. @param {View} view @param {Parts} parts @param {string} id @param {import("./view.js").Happened[]} events */
async function readDisputes(view, parts, id, events) {
  const opened = events.filter((e) => DISPUTES.includes(e.name));
  const ids = opened.map((event) => disputeId(id, event));
  const now = ids.length === 0 ? [] : await view.call(parts.disputes, "EpochDisputes.disputesOf", ids);
  return opened.map(({ name, values, time }, i) => {
    const dispute = now[i];
    const by = values.challenger ?? values.requester;
    if (dispute?.epoch !== id || !sameHex(dispute.challenger, by)) throw new Failure("The contract has another dispute than the node's events say.", LIES);
    return { id: ids[i], demand: name === "Demanded", by, receipt: values.receipt, index: values.index, bond: values.bond ?? 0n, openedAt: time, ...dispute, status: Number(dispute.status), until: Number(dispute.until) };
  });
}

// ---------------------------------------------------------------- a receipt

/**
 * What the contracts say of a receipt. The node is told digests and the signature, no tokens and no salts.
 * @param {EpochFacts} facts
 * @param {Signed} receipt
 */
export async function readOnChain({ view, parts, epoch, chain }, receipt) {
  const { books, message, signature, digest, signed } = receipt;
  const here = books.chain_id === chain && sameHex(books.book, parts.book) && sameHex(books.disputes, parts.disputes);
  const said = await view.call(parts.lens, "EpochLens.explainReceipt", message, signature);
  const own = epoch !== undefined && sameHex(epoch.fields.provider, message.provider) && sameHex(epoch.fields.version, message.version) && epoch.terms.number === message.epoch;
  return {
    receipt,
    here,
    // Another deployment's receipts have other digests.
    sameDigest: sameHex(await view.call(parts.disputes, "EpochDisputes.receiptDigest", message), digest),
    said,
    saysSigned: said.startsWith("Signed by its provider"),
    // An account with code may sign by it.
    contract: signed ? false : (await view.code(message.provider)) !== "0x",
    /** It is of the epoch that was read. */
    own,
    line: await readLine(view, parts, message.provider, message.version),
    demand: own ? await readDemand(view, parts, epoch.id, digest) : undefined,
  };
}

/** @typedef {Awaited<ReturnType<typeof readOnChain>>} OnChain */

/** The demand of a receipt, if there is one. @param {View} view @param {Parts} parts @param {string} epoch @param {string} digest */
async function readDemand(view, parts, epoch, digest) {
  const dispute = await view.call(parts.disputes, "EpochDisputes.disputeOf", demandId(epoch, digest));
  return dispute.status === 0n ? undefined : { status: Number(dispute.status), until: Number(dispute.until) };
}
