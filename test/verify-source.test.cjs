// What explorers are told of a deployment: node --test test
"use strict";
const assert = require("node:assert");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const script = path.join(__dirname, "../script/verify-source");
const { described } = require(script);

const root = fs.mkdtempSync(path.join(os.tmpdir(), "verify-source-"));
process.on("exit", () => fs.rmSync(root, { recursive: true }));

// A contract as artifacts() finds it, with a constructor of these inputs.
function artifact(name, inputs) {
  const file = path.join(root, `${name}.json`);
  fs.writeFileSync(file, JSON.stringify({ abi: inputs ? [{ type: "constructor", inputs }] : [] }));
  return {
    name,
    file,
    source: `contracts/${name}.sol`,
    metadata: { compiler: { version: "0.8.1" } },
    inputFile: path.join(root, `${name}.input.json`),
  };
}

const word = (hex) => hex.padStart(64, "0");
const all = [
  artifact("Plain"),
  artifact("Book", [
    { name: "escrow_", type: "address" },
    { name: "delays", type: "uint64[]" },
  ]),
];
const escrow = `0x${"12".repeat(20)}`;
const book = { address: "0xb", transaction: "0xt", arguments: { delays: "7 8", escrow } };
const deployment = (contracts) => ({ chain_id: 5, contracts });

test("each contract has its source, its input and its address", () => {
  const plain = { address: "0xa", transaction: null, arguments: {} };
  const found = described(all, deployment({ Plain: plain, Book: book }));
  const expected = (name, entry, constructorArguments) => ({
    name,
    address: entry.address,
    chain: 5,
    transaction: entry.transaction,
    identifier: `contracts/${name}.sol:${name}`,
    compiler: "0.8.1",
    constructorArguments,
    inputFile: path.join(root, `${name}.input.json`),
  });
  // By name, in the constructor's order, encoded as in its calldata.
  const encoded = [escrow.slice(2), "40", "2", "7", "8"].map(word).join("");
  assert.deepStrictEqual(found, [expected("Plain", plain, ""), expected("Book", book, encoded)]);
});

// What it says when it refuses a deployment.
function refused(contracts) {
  const call = `require(${JSON.stringify(script)}).described(${JSON.stringify(all)}, ${JSON.stringify(deployment(contracts))})`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", call], { encoding: "utf8" });
  assert.strictEqual(status, 2);
  return stderr;
}

test("a contract that is none of ours is named", () => {
  assert.match(refused({ Other: book }), /Other of the deployment is none of the contracts here/);
});

test("an argument that the deployment does not have is named", () => {
  assert.match(refused({ Book: { ...book, arguments: { escrow } } }), /Book: no argument delays/);
});
