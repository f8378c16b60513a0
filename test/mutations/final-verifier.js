// The contract of final proofs: an element that is not checked, not absorbed, or not in an equation; a selector of other rows;
// a precompile whose failure is a verdict.
"use strict";
const { contract } = require("./tests/commands");

const test = (name) => contract("FinalVerifier", name);
const accepted = test("test_ValidProofIsAccepted");

const mutation = (name, what, find, replace, test, survives) => ({
  name: `final-verifier/${name}`,
  what,
  file: "contracts/FinalVerifier.sol",
  find,
  replace,
  test,
  ...(survives && { survives }),
});

module.exports = [];
