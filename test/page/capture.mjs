// node test/page/capture.mjs URL DEPLOYMENT: all transactions of a local chain, as test/page/chain.mjs sends them again.
import { readFileSync } from "node:fs";
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
  for (const { from, to, value, input } of block.transactions) {
    transactions.push({ timestamp: Number(block.timestamp), from, to, value, ...described({ to, input }) });
  }
}
const genesis = await rpc(url, "eth_getBlockByNumber", ["0x0", false]);
const posted = cast("sig-event", artifact("IClaimBook").abi.filter((e) => e.name === "ClaimPosted").map((e) => {
  const type = (t) => (t.type.startsWith("tuple") ? `(${t.components.map(type).join(",")})` : t.type);
  return `ClaimPosted(${e.inputs.map(type).join(",")})`;
})[0]);
const address = deployment.contracts.ClaimBook.address;
const log = (await rpc(url, "eth_getLogs", [{ address, topics: [posted], fromBlock: "0x0" }])).at(-1);
const addresses = Object.fromEntries(names.map((name) => [name, deployment.contracts[name].address]));
const fixture = { start: Number(genesis.timestamp), addresses, claim: log.topics[1], job: log.topics[2], transactions };
console.log(JSON.stringify(fixture, null, 1));
