// node test/page/capture.mjs URL DEPLOYMENT: all transactions of a local chain, as test/page/chain.mjs sends them again.
import { readFileSync } from "node:fs";
import { topicOf } from "../../packages/page/src/abi.js";
import { artifact, cast, PROXY, rpc } from "./chain.mjs";

const [url, file] = process.argv.slice(2);
const deployment = JSON.parse(readFileSync(file, "utf8"));
const names = Object.keys(deployment.contracts);
const DEPLOY = cast("sig", "deploy(bytes32,bytes)");

function described({ to, input }) {
  const created = (salt, code) => {
    const contract = names.find((name) => code.startsWith(artifact(name).bytecode));
    if (contract === undefined) throw new Error(`none of the contracts here is created by ${input.slice(0, 80)}…`);
    return { contract, salt, arguments: `0x${code.slice(artifact(contract).bytecode.length)}` };
  };
  if (to === PROXY) return created(input.slice(0, 66), `0x${input.slice(66)}`);
  if (to === deployment.contracts.Deployer.address.toLowerCase() && input.startsWith(DEPLOY)) {
    return created(...cast("decode-calldata", "deploy(bytes32,bytes)", input).split("\n"));
  }
  return { data: input };
}

const transactions = [];
const last = Number(await rpc(url, "eth_blockNumber"));
for (let number = 1; number <= last; number++) {
  const block = await rpc(url, "eth_getBlockByNumber", [`0x${number.toString(16)}`, true]);
  // Sent again each has a block of its own; epochs' ids have the block's number.
  if (block.transactions.length !== 1) throw new Error(`block ${number} has ${block.transactions.length} transactions`);
  for (const { from, to, value, input } of block.transactions) {
    transactions.push({ timestamp: Number(block.timestamp), from, to, value, ...described({ to, input }) });
  }
}
const genesis = await rpc(url, "eth_getBlockByNumber", ["0x0", false]);

/** The last event of a name. */
async function lastOf(contract, name) {
  const topic = topicOf(artifact(contract).abi.find((e) => e.type === "event" && e.name === name));
  const { address } = deployment.contracts[contract];
  return (await rpc(url, "eth_getLogs", [{ address, topics: [topic], fromBlock: "0x0" }])).at(-1).topics;
}
const addresses = Object.fromEntries(names.map((name) => [name, deployment.contracts[name].address]));
const [, claim, job] = await lastOf("ClaimBook", "ClaimPosted");
const [, epoch] = await lastOf("EpochBook", "EpochCommitted");
const fixture = { start: Number(genesis.timestamp), addresses, claim, job, epoch, transactions };
console.log(JSON.stringify(fixture, null, 1));
