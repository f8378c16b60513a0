// Verifiers of several models: node --test test
"use strict";
const assert = require("node:assert");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const script = path.join(__dirname, "../script/verify-source");
const { described, directoryOf } = require(script);

const root = fs.mkdtempSync(path.join(os.tmpdir(), "verify-source-"));
process.on("exit", () => fs.rmSync(root, { recursive: true }));

// A directory as nanozk verifier generate writes it.
function directory(name, verifiers) {
  const where = path.join(root, name);
  fs.mkdirSync(where);
  for (const [verifier, verifying_key, compiler] of verifiers) {
    fs.writeFileSync(path.join(where, `${verifier}.json`), JSON.stringify({ verifying_key, compiler }));
    fs.writeFileSync(path.join(where, `${verifier}.input.json`), "{}");
  }
  return where;
}

const first = directory("first", [["HeadVerifier_1", "0x11", "0.8.1"], ["EmbedVerifier_2", "0x22", "0.8.1"]]);
const second = directory("second", [["HeadVerifier_1", "0x12", "0.8.2"]]);

test("each verifier comes from the directory that has its key", () => {
  const verifiers = {
    "0x11": { name: "HeadVerifier_1", address: "0xa", transaction: null },
    "0x12": { name: "HeadVerifier_1", address: "0xb", transaction: null },
    "0x22": { name: "EmbedVerifier_2", address: "0xc", transaction: null },
  };
  const found = described([], { chain_id: 1, contracts: {}, verifiers }, [first, second]);
  const inputs = found.map((c) => [c.address, path.basename(path.dirname(c.inputFile)), c.compiler]);
  assert.deepStrictEqual(inputs, [
    ["0xa", "first", "0.8.1"],
    ["0xb", "second", "0.8.2"],
    ["0xc", "first", "0.8.1"],
  ]);
  assert.deepStrictEqual(described([], { chain_id: 1, contracts: {}, verifiers }, []), []);
});

test("a verifier that no directory has is named", () => {
  assert.strictEqual(directoryOf("HeadVerifier_1", "0x12", [first, second]), second);
  const call = `require(${JSON.stringify(script)}).directoryOf("HeadVerifier_1", "0x13", ["${first}", "${second}"])`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", call], { encoding: "utf8" });
  assert.strictEqual(status, 2);
  assert.match(stderr, /HeadVerifier_1 \(key 0x13\) is in none of .*first, .*second/);
});
