// The test commands of the tables.
"use strict";

// Tests of a crate: cargo's arguments, then what test names start with or contain.
const crate = (name, ...args) => ["cargo", "test", "--locked", "-p", name, ...args];
// Tests of the prover, in one of its files.
const prover = (file, ...names) => crate("nanozk-prover", "--test", file, ...names);
// Tests of contracts, by file and a pattern of names.
const contract = (file, pattern) => [
  "script/foundry",
  "forge",
  "test",
  "--match-path",
  `test/contracts/${file}.t.sol`,
  "--match-test",
  pattern,
];
// Tests of the page: of its modules, and those against a chain, by a pattern of names.
const page = (pattern) => ["node", "--test", "--test-name-pattern", pattern, "test/page.test.mjs"];
const chain = (pattern) => ["node", "--test", "--test-name-pattern", pattern, "test/page-chain.test.mjs"];

const epoch = (pattern) => ["node", "--test", "--test-name-pattern", pattern, "test/page-epoch.test.mjs"];

module.exports = { crate, prover, contract, page, chain, epoch };
