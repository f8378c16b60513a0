// One block of a chain, by a node: calls, code, events and times. All reads of a question are of the same block. What claims and
// epochs have in common is read here; nothing is explained.
import { decodeError, decodeEvent, decodeResult, encodeCall, topicOf } from "./abi.js";
import { isHex, sameHex } from "./bytes.js";
import { codeHash, contractOf } from "./code.js";
import { ETH } from "./format.js";
import { Failure } from "./rpc.js";
import { inline, shown } from "./text.js";

/** @typedef {import("./abi.js").Entry} Entry */
/** @typedef {import("./rpc.js").Node} Node */
/**
 * @typedef {{ builds: Record<string, import("./code.js").Build>, functions: Record<string, Entry>, events: Entry[],
 * errors: Entry[] }} Contracts What the page brings with it of the contracts.
 */
/** @typedef {{ role: string, address: string, expected: string, found?: string, hash: string }} Code */
/** @typedef {{ name: string, values: any, block: number, index: number, time?: number, transaction: string }} Happened */
/** @typedef {{ events: Happened[], eventsLeft: number, eventsRefused: string | undefined }} Life `eventsRefused`: why the node gave none. */

export const ZERO = `0x${"0".repeat(40)}`;
// Where a node refuses to search all blocks: how often a part of them is searched.
const SEARCHES = 40;
// More are not shown.
export const MAX_EVENTS = 200;
const MAX_SYMBOL = 24;

const hex = (/** @type {number | bigint} */ number) => `0x${number.toString(16)}`;

/** @param {any} value */
export const isObject = (value) => value !== null && typeof value === "object";

/** What an event has; what is in it is checked as it is decoded. @param {any} log */
const isLog = (log) => isObject(log) && Array.isArray(log.topics) && isHex(log.data);

/** @param {any} value @param {string} what */
export function number(value, what) {
  const parsed = typeof value === "string" && /^0x[0-9a-fA-F]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(parsed)) throw new Failure(`The node's answer for ${what} is no number.`, "Use another node.");
  return parsed;
}

/** Reads at one block. */
export class View {
  /** @param {Node} node @param {Contracts} contracts @param {number} chain @param {any} block @param {number} span How many blocks are searched at a time where a node refuses all. */
  constructor(node, contracts, chain, block, span) {
    this.node = node;
    this.contracts = contracts;
    this.chain = chain;
    this.span = span;
    this.block = { number: number(block.number, "a block's number"), timestamp: number(block.timestamp, "a block's time") };
    this.tag = hex(this.block.number);
  }

  /** @param {string} address */
  async code(address) {
    const code = await this.node.ask("eth_getCode", [address, this.tag]);
    if (!isHex(code)) throw new Failure(`The node's answer for the code at ${address} is not hexadecimal.`, "Use another node.");
    return code;
  }

  /** A contract, and which one its code is. @param {string} role @param {string} address @param {string} expected @returns {Promise<Code>} */
  async codeOf(role, address, expected) {
    const code = await this.code(address);
    return { role, address, expected, found: contractOf(this.contracts.builds, code), hash: codeHash(code) };
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

  /** Functions without arguments of one contract, in order. @param {string} address @param {string} contract @param {string[]} names @param {...any} values */
  all(address, contract, names, ...values) {
    return Promise.all(names.map((name) => this.call(address, `${contract}.${name}`, ...values)));
  }

  /** Contracts that do not name each other, as sentences. @param {[string, string, string, string][]} wanted Contract, function, its address, the address that it should name. */
  async wiring(wanted) {
    const wrong = [];
    for (const [contract, name, address, expected] of wanted) {
      const got = await this.call(address, `${contract}.${name}`);
      if (!sameHex(got, expected)) wrong.push(`${contract}.${name} is ${got}, and should be ${expected}`);
    }
    return wrong;
  }

  /** @param {string} name @returns {string} */
  topic(name) {
    return topicOf(this.contracts.events.find((e) => e.name === name));
  }

  /** An event of the contracts, or undefined. @param {any} log */
  event(log) {
    try {
      return decodeEvent(this.contracts.events, log);
    } catch (error) {
      throw new Failure(`An event cannot be read: ${shown(/** @type {Error} */ (error).message)}.`, "The node may be faulty: use another one.");
    }
  }

  /** Events, oldest first. @param {any} filter @param {number} first @param {number} last */
  async logs(filter, first, last) {
    const all = await this.node.ask("eth_getLogs", [{ ...filter, fromBlock: hex(first), toBlock: hex(last) }]);
    if (!Array.isArray(all)) throw new Failure("The node's answer for events is no list.", "Use another node.");
    return all.filter((log) => isLog(log) && !log.removed && sameHex(log.address, filter.address));
  }

  /**
   * The same from the last block back or on, in parts where the node refuses all at once. A search ends with the part in which
   * something is that is wanted.
   * @param {any} filter
   * @param {number} first
   * @param {number} last
   * @param {((log: any) => boolean) | undefined} wanted With it the search goes back.
   */
  async search(filter, first, last, wanted) {
    try {
      return await this.logs(filter, first, last);
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.code === undefined || last - first < this.span) throw failure;
      const found = [];
      for (let i = 0; i < SEARCHES; i++) {
        const from = wanted ? Math.max(first, last - (i + 1) * this.span + 1) : first + i * this.span;
        const to = wanted ? last - i * this.span : Math.min(last, from + this.span - 1);
        found.push(...(await this.logs(filter, from, to)));
        if (wanted ? found.some(wanted) || from === first : to === last) return found;
      }
      return found;
    }
  }

  /**
   * The event with which something began that a visitor asks for: in a transaction, in a block and after it, or anywhere.
   * @param {string} address Of the contract.
   * @param {(string | null)[][]} topics Searched one after the other.
   * @param {(log: any) => boolean} about
   * @param {string} where A block, a transaction, or nothing.
   * @param {{ event: string, done: string, by: string }} words For what goes wrong.
   */
  async find(address, topics, about, where, { event, done, by }) {
    if (isHex(where, 32)) {
      const receipt = await this.node.ask("eth_getTransactionReceipt", [where]);
      if (!isObject(receipt)) throw new Failure("The node has no such transaction.", "Check the transaction's hash and the chain.");
      const logs = Array.isArray(receipt.logs) ? receipt.logs.filter(isLog) : [];
      const log = logs.find((/** @type {any} */ l) => sameHex(l.address, address) && about(l));
      if (log === undefined) throw new Failure(`This transaction did not ${done} at this ${by}.`, `Enter the transaction of the event ${event}, or nothing.`);
      return log;
    }
    const first = where === "" ? 0 : Number(where);
    if (first > this.block.number) throw new Failure(`Block ${first} is ahead of the node's newest one, ${this.block.number}.`, "Check the block's number and the chain.");
    const last = where === "" ? this.block.number : Math.min(this.block.number, first + this.span - 1);
    for (const some of topics) {
      try {
        const log = (await this.search({ address, topics: some }, first, last, where === "" ? about : undefined)).find(about);
        if (log !== undefined) return log;
      } catch (failure) {
        if (failure instanceof Failure && failure.code !== undefined) failure.advice = `Enter the block or the transaction of the event ${event}, or use a node that searches all blocks.`;
        throw failure;
      }
    }
    return undefined;
  }

  /**
   * What happened: some searches' events, the first ones first; none if the node refuses.
   * @param {(() => Promise<any[]>)[]} searches The later ones are cut first.
   * @returns {Promise<Life>}
   */
  async life(searches) {
    const logs = [];
    try {
      for (const search of searches) logs.push(...(await search()));
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.code === undefined) throw failure;
      return { events: [], eventsLeft: 0, eventsRefused: failure.what };
    }
    return { events: await this.happened(logs.slice(0, MAX_EVENTS)), eventsLeft: Math.max(0, logs.length - MAX_EVENTS), eventsRefused: undefined };
  }

  /** Events in their order, with their times. @param {any[]} logs @returns {Promise<Happened[]>} */
  async happened(logs) {
    const read = logs.flatMap((log) => {
      const event = this.event(log);
      const place = { block: number(log.blockNumber, "a block's number"), index: number(log.logIndex, "an event's place"), transaction: log.transactionHash };
      return event === undefined ? [] : [{ ...event, ...place, time: log.blockTimestamp === undefined ? undefined : number(log.blockTimestamp, "a time") }];
    });
    read.sort((a, b) => a.block - b.block || a.index - b.index);
    const times = new Map();
    for (const event of read) {
      if (event.time === undefined && !times.has(event.block)) {
        const block = await this.node.ask("eth_getBlockByNumber", [hex(event.block), false]);
        times.set(event.block, isObject(block) ? number(block.timestamp, "a time") : undefined);
      }
      event.time ??= times.get(event.block);
    }
    return read;
  }
}

/** A call that reverted with an error of the contracts. */
export class Reverted extends Failure {
  /** @param {string} call @param {{ name: string, text: string }} error */
  constructor(call, error) {
    super(`${call} reverts: ${shown(error.text)}`, "Check the address and the chain.");
    this.error = error.name;
  }
}

/** @param {View} view @param {string} registry @param {string} id */
export async function readVersion(view, registry, id) {
  const [modelId, header, policy, metadataURI, usable] = await view.all(registry, "ModelRegistry", ["modelId", "header", "policy", "metadataURI", "usable"], id);
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

/** Numbers of the bits that are set. @param {bigint} bits */
export function setBits(bits) {
  const found = [];
  for (let i = 0; bits >> BigInt(i) > 0n; i++) if ((bits >> BigInt(i)) & 1n) found.push(i);
  return found;
}
