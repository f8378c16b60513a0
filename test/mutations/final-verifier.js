// The contract of final proofs: an element that is not checked, not absorbed, or not in an equation; a selector of other rows;
// a precompiled contract whose failure is a verdict.
"use strict";
const { contract, crate } = require("./tests/commands");

const test = (name) => contract("FinalVerifier", `test_${name}`);
const accepted = test("ValidProofIsAccepted");
const cancel = crate("nanozk-final", "--test", "contract", "errors_do_not_cancel");

const mutation = (name, what, find, replace, killer, survives) => ({
  name: `final-verifier/${name}`,
  what,
  file: "contracts/FinalVerifier.sol",
  find,
  replace,
  test: killer,
  ...(survives && { survives }),
});
const drop = (name, what, find, killer) => mutation(name, what, find, "", killer);
// What changes a number that a valid proof determines: its proof is no longer accepted.
const wrong = (name, find, replace) => mutation(name, `wrong: ${name}`, find, replace, accepted);

module.exports = [
  // Form.
  drop(
    "length",
    "a proof of any length is read",
    "if (proof.length != PROOF_LENGTH) revert WrongProofLength(PROOF_LENGTH, proof.length);",
    test("LengthIsExact"),
  ),
  mutation(
    "offset",
    "the proof may be elsewhere than it is read",
    "and(eq(proof.offset, PROOF_OFFSET), eq(calldatasize(), DATA_LENGTH))",
    "eq(calldatasize(), DATA_LENGTH)",
    test("CalldataIsCanonical"),
  ),
  mutation(
    "trailing",
    "calldata may be longer",
    "and(eq(proof.offset, PROOF_OFFSET), eq(calldatasize(), DATA_LENGTH))",
    "eq(proof.offset, PROOF_OFFSET)",
    test("CalldataIsCanonical"),
  ),
  drop(
    "public-inputs",
    "public inputs have several encodings",
    "_checkScalars(PUBLIC_INPUTS, PUBLIC_INPUTS + 4 * 32);",
    test("ScalarsAreReduced"),
  ),
  mutation(
    "last-public-input",
    "the last two public inputs have several encodings",
    "_checkScalars(PUBLIC_INPUTS, PUBLIC_INPUTS + 4 * 32);",
    "_checkScalars(PUBLIC_INPUTS, PUBLIC_INPUTS + 2 * 32);",
    test("ScalarsAreReduced"),
  ),
  drop("scalars", "scalars have several encodings", "_checkScalars(SCALARS, SCALARS_END);", test("ScalarsAreReduced")),
  mutation(
    "last-scalar",
    "the last two scalars have several encodings",
    "_checkScalars(SCALARS, SCALARS_END);",
    "_checkScalars(SCALARS, SCALARS_END - 64);",
    test("ScalarsAreReduced"),
  ),
  mutation(
    "order-itself",
    "the order is a second zero",
    "lt(calldataload(at), r), lt(",
    "iszero(gt(calldataload(at), r)), lt(",
    test("ScalarsAreReduced"),
  ),
  mutation(
    "order-itself-second",
    "the order is a second zero, in every other word",
    "lt(calldataload(add(at, 0x20)), r)",
    "iszero(gt(calldataload(add(at, 0x20)), r))",
    test("ScalarsAreReduced"),
  ),
  drop("points", "points of the proof may be anything", "_checkPoints(COLUMNS, SCALARS);", test("PointsAreOnTheCurve")),
  drop(
    "points-below",
    "points of the accumulator may be anything",
    "_checkPoints(BELOW_LEFT, DATA_LENGTH);",
    test("PointsAreOnTheCurve"),
  ),
  mutation(
    "right-point-below",
    "the accumulator's second point may be anything",
    "_checkPoints(BELOW_LEFT, DATA_LENGTH);",
    "_checkPoints(BELOW_LEFT, BELOW_RIGHT);",
    test("PointsAreOnTheCurve"),
  ),
  mutation(
    "x-reduced",
    "an x-coordinate has several encodings",
    "and(onCurve, and(lt(x, p), lt(y, p)))",
    "and(onCurve, lt(y, p))",
    test("CoordinatesAreReduced"),
  ),
  mutation(
    "y-reduced",
    "a y-coordinate has several encodings",
    "and(onCurve, and(lt(x, p), lt(y, p)))",
    "and(onCurve, lt(x, p))",
    test("CoordinatesAreReduced"),
  ),
  mutation(
    "on-curve",
    "points are of any curve",
    "and(onCurve, and(lt(x, p), lt(y, p)))",
    "and(lt(x, p), lt(y, p))",
    test("PointsAreOnTheCurve"),
  ),
  mutation(
    "one-of-the-points",
    "only the last point counts",
    "valid := and(valid, and(onCurve, and(lt(x, p), lt(y, p))))",
    "valid := and(onCurve, and(lt(x, p), lt(y, p)))",
    test("PointsAreOnTheCurve"),
  ),

  // Transcript.
  drop("absorb-k", "the size is not absorbed", "mstore(add(FIRST_BUFFER, 0x20), K)", accepted),
  drop("absorb-period", "the period is not absorbed", "mstore(add(FIRST_BUFFER, 0x40), PERIOD)", accepted),
  drop("absorb-count", "the number of inputs is not absorbed", "mstore(add(FIRST_BUFFER, 0x60), INPUTS)", accepted),
  drop("absorb-key", "half of the key is not absorbed", "mstore(add(FIRST_BUFFER, 0xa0), KEY_Y)", accepted),
  drop("absorb-inputs", "public inputs are not absorbed", "calldatacopy(INPUT_WORDS, PUBLIC_INPUTS, 0x80)", accepted),
  mutation(
    "absorb-last-input",
    "the fingerprint is not absorbed",
    "calldatacopy(INPUT_WORDS, PUBLIC_INPUTS, 0x80)",
    "calldatacopy(INPUT_WORDS, PUBLIC_INPUTS, 0x60)",
    accepted,
  ),
  drop("absorb-left", "a word of L is not absorbed", "mstore(add(INPUT_WORDS, 0xc0), shr(128, y))", accepted),
  drop("absorb-right", "a word of R is not absorbed", "mstore(add(INPUT_WORDS, 0xe0), and(x, MASK_192))", accepted),
  drop("absorb-columns", "columns are not absorbed", "calldatacopy(INPUT_WORDS_END, COLUMNS, 0x40)", accepted),
  drop(
    "absorb-running",
    "running polynomials are not absorbed",
    "calldatacopy(add(BUFFER, 0x20), RUNNING, 0x40)",
    accepted,
  ),
  drop("absorb-quotient", "the quotient is not absorbed", "calldatacopy(add(BUFFER, 0x20), QUOTIENT, 0x40)", accepted),
  drop(
    "absorb-values",
    "values are not absorbed",
    "calldatacopy(add(BUFFER, 0x20), SCALARS, sub(SCALARS_END, SCALARS))",
    accepted,
  ),
  drop("absorb-batch", "Q is not absorbed", "calldatacopy(add(BUFFER, 0x20), BATCH, 0x40)", accepted),
  mutation(
    "absorb-witness",
    "the factor of the equation below is known before W'",
    "mstore(JOIN, mod(keccak256(BUFFER, 0x60), r))",
    "mstore(JOIN, mod(state, r))",
    cancel,
  ),
  mutation(
    "join-one",
    "the factor of the equation below is one",
    "mstore(JOIN, mod(keccak256(BUFFER, 0x60), r))",
    "mstore(JOIN, 1)",
    cancel,
  ),
  mutation(
    "join-state",
    "the factor of the equation below does not depend on Q",
    `            mstore(BUFFER, state)
            calldatacopy(add(BUFFER, 0x20), WITNESS, 0x40)`,
    "            calldatacopy(add(BUFFER, 0x20), WITNESS, 0x40)",
    test("PointsBelowHaveTheLastChallenge"),
  ),
  mutation(
    "join-zero",
    "the equation below does not count",
    "mstore(JOIN, mod(keccak256(BUFFER, 0x60), r))",
    "mstore(JOIN, 0)",
    test("EquationBelowIsChecked"),
  ),

  // Inverses.
  mutation(
    "inverse-checked",
    "any answer is an inverse",
    "if iszero(eq(mulmod(product, inverse, r), 1)) { inverse := 0 }",
    "",
    test("MissingPrecompilesAreNoticed"),
  ),

  // Selectors, constraints, opening: a valid proof is the test of each.
  wrong("first-level", "mload(Y_64)", "mload(Y_16)"),
  wrong("root", "_split(0x100, _load(Y_4), ETA_INVERSE_4)", "_split(0x100, _load(Y_4), ETA_INVERSE_1)"),
  wrong("rows-of-chunks", "add(mload(quotient), mload(add(quotient, 0x20)))", "mload(quotient)"),
  wrong("rows-of-arithmetic", "PERIOD * 32 - ARITHMETIC_AT", "PERIOD * 32 - ARITHMETIC_AT - 128"),
  wrong("rows-of-full-rounds", "mload(add(WEIGHTS, FULL_AT)), mload(", "0, mload("),
  wrong("digits-have-limbs", "mstore(S_RANGE, add(chunk, mload(add(WEIGHTS, DIGITS_AT))))", "mstore(S_RANGE, chunk)"),
  wrong("bias-of-carries", "limbs := addmod(limbs, sub(r, TWO_79), r)", ""),
  wrong("tag", "mulmod(fourth, add(calldataload(KAPPA), tau), r)", "mulmod(fourth, calldataload(KAPPA), r)"),
  wrong("running-sum", "mload(ALPHA), r), rise)", "mload(ALPHA), r), 0)"),
  wrong("first-row", "mulmod(mload(FIRST_ROW), add(z, sub(r, 1)), r)", "0"),
  wrong("inputs", "add(x, sub(r, mload(INPUTS_VALUE)))", "x"),
  wrong("names", "name := mulmod(name, SHIFT, r)", ""),

  // The pairing.
  drop("columns-opened", "columns are not opened", "_addMultiple(PAIRING, COLUMNS, factor);", accepted),
  drop("left-below", "L is not in the equation", "_addMultiple(PAIRING, BELOW_LEFT, _load(JOIN));", accepted),
  drop(
    "calls-of-addition",
    "the sum's failures are not noticed",
    "if (!done) revert PrecompileFailed(7);",
    test("MissingPrecompilesAreNoticed"),
  ),
  drop(
    "call-of-pairing",
    "without gas a proof is rejected",
    "if (!done) revert PrecompileFailed(8);",
    test("WithoutGasThereIsNoVerdict"),
  ),
  drop(
    "answer-of-pairing",
    "a missing pairing has an answer",
    "done := and(done, eq(returndatasize(), 0x20))",
    test("MissingPrecompilesAreNoticed"),
  ),
  drop("verdict", "the pairing may be false", "if (!valid) revert ProofRejected();", test("EveryWordCounts")),
];
