// Adapters: a word of a session that is not compared, a verdict that depends on gas, an evaluator of no task.
"use strict";
const { contract } = require("./tests/commands");

const mutation = (name, what, file, find, replace, pattern) => ({
  name: `contracts/Adapter-${name}`,
  what,
  file: `contracts/adapters/${file}.sol`,
  find,
  replace,
  test: contract("Adapters", pattern),
});
const tasks = "testFuzz_Evaluator_OfAnotherTask";

module.exports = [
  mutation("version", "an answer of another version counts", "Adapter", "session.version == task.version && ", "", tasks),
  mutation(
    "input",
    "an answer to another prompt counts",
    "Adapter",
    "session.inputDigest == task.inputDigest\n",
    "true\n",
    "test_Validator_AnotherPromptUnderTheSameHash",
  ),
  mutation(
    "tokens",
    "a prompt of another length counts",
    "Adapter",
    "session.promptTokens == task.promptTokens && ",
    "",
    tasks,
  ),
  mutation(
    "recipient",
    "an answer of somebody else counts",
    "Adapter",
    " && session.recipient == task.recipient",
    "",
    tasks,
  ),
  mutation(
    "word",
    "a proof counts for any request and any job",
    "Adapter",
    "!same || session.claim != word",
    "!same",
    "test_Evaluator_NoProofCompletesTwoJobs",
  ),
  mutation(
    "refused",
    "what the verifier refuses counts",
    "Adapter",
    "if (!success) {",
    "if (!success && said.length == 1) {",
    "test_Evaluator_FalseProofsCompleteNothing",
  ),
  mutation(
    "hashes",
    "a proof of another input or output counts",
    "ProofVerifier",
    "!same || meant != own",
    "meant != own",
    "testFuzz_Verifier_EverythingIsBound",
  ),
  mutation(
    "metadata",
    "a proof of another model, purpose or provider counts",
    "ProofVerifier",
    "!same || meant != own",
    "!same",
    "testFuzz_Verifier_EverythingIsBound",
  ),
  mutation(
    "gas",
    "too little gas is a verdict",
    "ProofVerifier",
    "if (gasleft() < needed) revert TooLittleGas(needed);",
    "",
    "testFuzz_Verifier_LittleGasIsNoVerdict",
  ),
  mutation(
    "commerce",
    "a proof completes a job of the same number elsewhere",
    "ProofEvaluator",
    'abi.encode("nanozk job 1", commerce, jobId)',
    'abi.encode("nanozk job 1", jobId)',
    "test_Evaluator_NoProofCompletesTwoJobs",
  ),
  mutation(
    "elsewhere",
    "evaluators make evaluators",
    "ProofEvaluator",
    "if (address(this) != _implementation) revert NotHere();",
    "",
    "test_Evaluator_IsTheOneThatTheClientNamed",
  ),
];
