// JSON-RPC over HTTP, to the node that the visitor names. Each failure says what was wrong and what to do.
import { shown } from "./text.js";

const TIMEOUT = 30_000;
const MAX_ANSWER_BYTES = 16_000_000;
const ADVICE_URL = "Enter the address of a node of the claim's chain, as https://rpc.example.";

/** A failure for people. */
export class Failure extends Error {
  /**
   * @param {string} what What was wrong.
   * @param {string} advice What to do.
   * @param {{ code?: number, data?: unknown }} [more] What the node said beside.
   */
  constructor(what, advice, more = {}) {
    super(what);
    this.what = what;
    this.advice = advice;
    this.code = more.code;
    this.data = more.data;
  }
}

/** @param {string} text @returns {string} */
export function nodeUrl(text) {
  let url;
  try {
    url = new URL(text.trim());
  } catch {
    throw new Failure("The node's address is no URL.", ADVICE_URL);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Failure(`Nodes are asked by https or http, not by ${shown(url.protocol, 20)}`, ADVICE_URL);
  }
  if (url.username !== "" || url.password !== "") {
    throw new Failure("The node's address has a user name or a password in it, which browsers do not send.", "Use an address without, or one with the key in its path.");
  }
  return url.href;
}

/** Calls of one node. */
export class Node {
  /** @param {string} url @param {typeof fetch} [fetcher] */
  constructor(url, fetcher = (resource, options) => fetch(resource, options)) {
    this.url = nodeUrl(url);
    this.fetch = fetcher;
    this.id = 0;
  }

  /** @param {string} method @param {any[]} params @returns {Promise<any>} */
  async ask(method, params) {
    const id = ++this.id;
    const text = await this.#post(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    let answer;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new Failure(`What answers there is no node: to ${method} it sent something that is not JSON.`, ADVICE_URL);
    }
    if (answer !== null && typeof answer === "object" && answer.error) throw refused(method, answer.error);
    if (answer === null || typeof answer !== "object" || answer.id !== id || !("result" in answer)) {
      throw new Failure(`What answers there is no node: to ${method} it sent JSON without a result.`, ADVICE_URL);
    }
    return answer.result;
  }

  /** @param {string} body */
  async #post(body) {
    const signal = AbortSignal.timeout(TIMEOUT);
    /** @type {RequestInit} */
    const options = { method: "POST", body, signal, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" };
    let response;
    try {
      response = await this.fetch(this.url, { ...options, headers: { "content-type": "application/json" } });
    } catch (error) {
      throw late(error) ?? (await this.#unreachable(options));
    }
    if (!response.ok) throw badStatus(response.status);
    try {
      return await bounded(response);
    } catch (error) {
      throw late(error) ?? error;
    }
  }

  /** Why nothing came: browsers do not say whether a server is not there or does not want to be read by pages. @param {any} options */
  async #unreachable(options) {
    try {
      await this.fetch(this.url, { ...options, signal: AbortSignal.timeout(TIMEOUT), mode: "no-cors" });
    } catch {
      return new Failure("No node can be reached at this address.", "Check the address and whether the node runs. A page from https may only ask https, or a node on this machine if the browser allows it.");
    }
    return new Failure(
      "A server is there, but does not let pages of other origins read its answers (CORS).",
      "Use another node, or allow this page's origin on yours: geth --http.corsdomain '*', anvil does so by itself. The origin of a page opened from a file is null.",
    );
  }
}

/** @param {any} error */
const late = (error) =>
  error?.name === "TimeoutError"
    ? new Failure(`The node gave no answer within ${TIMEOUT / 1000} seconds.`, "Try again, or use another node.")
    : undefined;

/** @param {number} status */
function badStatus(status) {
  if (status === 401 || status === 403) return new Failure(`The node refuses this page: HTTP ${status}.`, "Its address may need a key, or it may allow some origins only.");
  if (status === 429) return new Failure("The node has had too many questions: HTTP 429.", "Wait a minute, or use another node.");
  return new Failure(`The server answers HTTP ${status} instead of a result.`, status >= 500 ? "Try again, or use another node." : ADVICE_URL);
}

/** @param {string} method @param {any} error */
function refused(method, error) {
  const said = shown(error.message ?? error, 300);
  const code = typeof error.code === "number" ? ` (code ${error.code})` : "";
  const advice = "The node does not answer this question; use another one, with the history of the chain.";
  return new Failure(`The node answers ${method} with an error${code}: ${said}`, advice, { code: error.code, data: revertData(error) });
}

/** What a call reverted with: nodes have it in different places. @param {any} error */
function revertData(error) {
  const { data } = error;
  if (typeof data === "string") return data.match(/0x[0-9a-fA-F]*/)?.[0];
  return data !== null && typeof data === "object" ? (data.data ?? data.result) : undefined;
}

/** The text of an answer that is not too large. @param {Response} response */
async function bounded(response) {
  const chunks = [];
  let size = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new Failure(`The node's answer has more than ${MAX_ANSWER_BYTES / 1_000_000} MB.`, "Use another node.");
    }
    chunks.push(part.value);
  }
  return new Blob(chunks).text();
}
