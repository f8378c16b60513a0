// A chain with the contracts of this repository, and on it the transactions of test/fixtures/posted: anvil, as script/foundry
// runs it. Contracts are deployed from crates/chain/artifacts as they are now.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { encodeCall } from "../../packages/page/src/abi.js";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
export const read = (path) => JSON.parse(readFileSync(at(path), "utf8"));
export const artifact = (name) => read(`crates/chain/artifacts/${name}.json`);
export const cast = (...args) => execFileSync(at("script/foundry"), ["cast", ...args], { encoding: "utf8", maxBuffer: 1 << 26 }).trim();

/** The deterministic deployment proxy, which anvil has. */
export const PROXY = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
const LISTENING = /Listening on 127\.0\.0\.1:(\d+)/;

export async function rpc(url, method, params = []) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = await response.json();
  if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
  return result;
}

/** Starts anvil: its address, and how to end it. */
export async function start(...options) {
  const child = spawn(at("script/foundry"), ["anvil", "--port", "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  let log = "";
  const port = await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`anvil ended with ${code}: ${log}`)));
    child.stdout.on("data", (data) => {
      log = (log + data).slice(-100_000);
      const found = log.match(LISTENING);
      if (found !== null) resolve(found[1]);
    });
  });
  const stop = async () => {
    child.removeAllListeners("exit");
    const ended = once(child, "exit");
    child.kill();
    await ended;
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

function calldata(transaction) {
  if (transaction.contract === undefined) return transaction.data;
  const code = artifact(transaction.contract).bytecode + transaction.arguments.slice(2);
  return transaction.to === PROXY ? transaction.salt + code.slice(2) : cast("calldata", "deploy(bytes32,bytes)", transaction.salt, code);
}

/** Sends a transaction from an account that anvil has unlocked; one that reverts is an error. */
export async function send(url, { from, to, data, value = "0x0" }) {
  const hash = await rpc(url, "eth_sendTransaction", [{ from, to, data, value, gas: "0x1c00000" }]);
  let receipt = null;
  while ((receipt = await rpc(url, "eth_getTransactionReceipt", [hash])) === null) await setTimeout(20);
  if (receipt.status !== "0x1") throw new Error(`${hash} reverted`);
  return receipt;
}

/** Sends the fixture's transactions, each at its time; `until` gives how many. */
export async function replay(url, fixture, from = 0, until = fixture.transactions.length) {
  for (const transaction of fixture.transactions.slice(from, until)) {
    await rpc(url, "evm_setNextBlockTimestamp", [transaction.timestamp]);
    await send(url, { ...transaction, data: calldata(transaction) });
  }
}

/** Calls a contract of a deployment as some account. */
export async function act(url, addresses, from, contract, name, values, value = 0n) {
  const entry = artifact(contract).abi.find((e) => e.type === "function" && e.name === name);
  return send(url, { from, to: addresses[contract], data: encodeCall(entry, values), value: `0x${value.toString(16)}` });
}

/** Lets time pass, and a block begin. */
export async function later(url, seconds) {
  await rpc(url, "evm_increaseTime", [seconds]);
  await rpc(url, "evm_mine");
}

/** A node before a chain that changes what it is asked or what it answers. */
export async function through(chain, change, run) {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const { id, method, params } = JSON.parse(body);
    const failed = (error) => ({ error: { code: -32000, message: error.message } });
    const changed = await change(method, params, () => rpc(chain, method, params)).catch(failed);
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...changed }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await run(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Of a report the step with a title, and of a step the fact with a name. */
export const step = (report, title) => report.steps.find((s) => title.test(s.title)) ?? assert.fail(`no step ${title}: ${report.steps.map((s) => s.title)}`);
export const factOf = (found, name) => found.facts.find((fact) => name.test(fact.name)) ?? assert.fail(`no fact ${name}: ${found.facts.map((f) => f.name)}`);

/**
 * For each answer that something takes from a node, runs it twice with nonsense in its place: it may refuse by an error of `kind` only,
 * and refuses most.
 */
export async function amongNonsense(t, chain, contract, kind, run) {
  const nonsense = [null, {}, [], "0x", "0x00", 7, "zz", `0x${"ff".repeat(32)}`, [null], [{}], { number: "0x1" }, { logs: null }, [{ address: contract, topics: null, data: 1 }], `0x${"00".repeat(2000)}`];
  let all = 0;
  await through(chain, async (method, _, pass) => ({ result: (all++, await pass()) }), run);
  const outcomes = { shown: 0, refused: 0 };
  for (let changed = 0; changed < all; changed++) {
    for (const value of [0, 7].map((k) => nonsense[(changed + k) % nonsense.length])) {
      let call = 0;
      const one = async (method, _, pass) => ({ result: call++ === changed ? value : await pass() });
      await through(chain, one, async (url) => {
        try {
          await run(url);
          outcomes.shown += 1;
        } catch (error) {
          assert.ok(error instanceof kind, `call ${changed} answered by ${JSON.stringify(value)}: ${error.stack}`);
          outcomes.refused += 1;
        }
      });
    }
  }
  t.diagnostic(`${all} calls: ${JSON.stringify(outcomes)}`);
  assert.ok(outcomes.refused > all, "most nonsense is refused");
}
