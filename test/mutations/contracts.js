// Contracts: a check that is missing, a comparison the other way round, money to somebody else.
"use strict";
const { contract } = require("./tests/commands");

const mutation = (name, what, file, find, replace, test) => ({
  name: `contracts/${name}`,
  what,
  file: `contracts/${file}.sol`,
  find,
  replace,
  test,
});
const drop = (name, what, file, find, test) => mutation(name, what, file, find, "", test);

module.exports = [
  // Settlement: what a proof is compared with, and when a claim ends how.
  drop(
    "Settlement-input",
    "a layer may start elsewhere than was claimed",
    "Settlement",
    `if (input != claimedInput) revert CommitmentMismatch(claim, layer, "input", claimedInput, input);`,
    contract("AttacksProofs", "test_Attack"),
  ),
  drop(
    "Settlement-output",
    "a layer may end elsewhere than was claimed",
    "Settlement",
    `if (output != claimedOutput) revert CommitmentMismatch(claim, layer, "output", claimedOutput, output);`,
    contract("AttacksProofs", "test_Attack"),
  ),
  mutation(
    "Settlement-weights",
    "a layer may have other weights than the registered ones",
    "Settlement",
    "if (weights != registered.weights) {",
    "if (false) {",
    contract("AttacksProofs", "test_Attack"),
  ),
  mutation(
    "Settlement-proving-ends",
    "proofs are taken at any time",
    "Settlement",
    `        (uint64 challengeBy, uint64 provenBy) = _deadlines(c, j);
        if (block.timestamp > provenBy) revert ProvingIsOver(provenBy);

        uint64 grace`,
    `        (uint64 challengeBy,) = _deadlines(c, j);

        uint64 grace`,
    contract("Settlement", "test_Prove"),
  ),
  drop(
    "Settlement-aggregate-digest",
    "an aggregate of another model is taken",
    "Settlement",
    "if (digest != expected) revert AggregateMismatch(claim, expected, digest);",
    contract("Aggregate", "test_ProveAll"),
  ),
  drop(
    "Settlement-aggregate-setup",
    "an aggregate under another setup is taken",
    "Settlement",
    "if (setup != modelSetup) revert AggregateSetupMismatch(aggregateKey, modelSetup, setup);",
    contract("Aggregate", "test_ProveAll"),
  ),
  drop(
    "Settlement-defeat",
    "anybody may defeat a claim",
    "Settlement",
    "if (msg.sender != address(dispute)) revert NotDispute(msg.sender);",
    contract("Settlement", "test_Defeat"),
  ),
  mutation(
    "Settlement-expire-edge",
    "a claim expires in the last second in which it could be proven",
    "Settlement",
    "if (block.timestamp <= provenBy) revert NotYet(provenBy + 1);",
    "if (block.timestamp < provenBy) revert NotYet(provenBy + 1);",
    contract("Settlement", "test_Expire"),
  ),
  drop(
    "Settlement-drawn-layers",
    "an audited claim is final without the layers that were drawn",
    "Settlement",
    "if (missing != 0) revert DrawnLayersMissing(claim, missing.count());",
    contract("Settlement", "test_"),
  ),
  // LayerDispute
  mutation(
    "LayerDispute-answer-window",
    "an output may be revealed at any time",
    "LayerDispute",
    `        if (block.timestamp > open.answerBy) revert AnswerWindowOver(open.answerBy);
        uint256 length`,
    `        uint256 length`,
    contract("LayerDispute", "test_RevealOrTimeout"),
  ),
  mutation(
    "LayerDispute-requester",
    "anybody may demand an output",
    "LayerDispute",
    `        _requireRequester(j);
        // For nothing`,
    "        // For nothing",
    contract("LayerDispute", "test_DemandOutput"),
  ),
  drop(
    "LayerDispute-output",
    "other tokens than the claimed ones answer a demand",
    "LayerDispute",
    "if (digest != c.outputDigest) revert OutputMismatch(c.outputDigest, digest);",
    contract("LayerDispute", "test_RevealOutput"),
  ),
  mutation(
    "LayerDispute-proven",
    "a proven layer may be challenged",
    "LayerDispute",
    `_requireNotProven(claim, layer);
        _challenge`,
    "_challenge",
    contract("LayerDispute", "test_Challenge"),
  ),
  mutation(
    "LayerDispute-timeout-edge",
    "a challenge times out in the last second in which it could be answered",
    "LayerDispute",
    "if (block.timestamp <= open.answerBy) revert AnswerWindowOpen(open.answerBy);",
    "if (block.timestamp < open.answerBy) revert AnswerWindowOpen(open.answerBy);",
    contract("LayerDispute", "test_AnswerOrTimeout_Edge"),
  ),
  // JobMarket
  drop(
    "JobMarket-lock-by",
    "a job may be taken at any time",
    "JobMarket",
    "if (block.timestamp > taken.lockBy) revert DeadlinePassed(taken.lockBy);",
    contract("JobMarket", "test_Lock"),
  ),
  drop(
    "JobMarket-provider",
    "a job for one provider may be taken by another",
    "JobMarket",
    "if (taken.provider != address(0) && taken.provider != provider) revert NotProvider(taken.provider, provider);",
    contract("JobMarket", "test_Lock"),
  ),
  drop(
    "JobMarket-lock-consent",
    "anybody's stake may be locked",
    "JobMarket",
    `if (!Signatures.consents(provider, lockDigest(id, provider, deadline), signature)) {
            revert BadSignature(provider);
        }`,
    contract("JobMarket", "test_Lock"),
  ),
  drop(
    "JobMarket-nonce",
    "a signed request may be opened twice",
    "JobMarket",
    "if (nonceUsed[requester][nonce]) revert NonceUsed(requester, nonce);",
    contract("JobMarket", "test_(Open|CancelNonce)"),
  ),
  drop(
    "JobMarket-settlement",
    "anybody may end a job",
    "JobMarket",
    "if (msg.sender != settlement) revert NotAuthorized(msg.sender);",
    contract("JobMarket", "test_OnlyTheProtocol"),
  ),
  // ClaimBook
  drop(
    "ClaimBook-consent",
    "anybody may claim for a provider",
    "ClaimBook",
    "if (!Signatures.consents(job.provider, headerDigest(header), signature)) revert BadSignature(job.provider);",
    contract("ClaimBook", "test_PostClaim"),
  ),
  drop(
    "ClaimBook-boundary-zero",
    "a claim may leave an activation commitment out",
    "ClaimBook",
    "if (header.boundaries[i] == 0) revert BoundaryZero(i);",
    contract("ClaimBook", "test_PostClaim"),
  ),
  drop(
    "ClaimBook-boundary-count",
    "a claim may have too few activation commitments",
    "ClaimBook",
    "if (count != layers - 1) revert BoundaryCount(layers - 1, count);",
    contract("ClaimBook", "test_PostClaim"),
  ),
  drop(
    "ClaimBook-settlement",
    "anybody may mark a layer proven",
    "ClaimBook",
    "if (msg.sender != settlement) revert NotSettlement(msg.sender);",
    contract("ClaimBook", "test_OnlySettlement"),
  ),
  // BondEscrow
  drop(
    "BondEscrow-unbond-delay",
    "stake leaves at once",
    "BondEscrow",
    "if (block.timestamp < account.availableAt) revert NotYetAvailable(account.availableAt);",
    contract("BondEscrow", "test_Unbond"),
  ),
  drop(
    "BondEscrow-operator",
    "anybody may hold and share money",
    "BondEscrow",
    "if (!isOperator[msg.sender]) revert NotOperator(msg.sender);",
    contract("BondEscrow", "test_Hold"),
  ),
  drop(
    "BondEscrow-shares",
    "more than a hold may be shared",
    "BondEscrow",
    "if (shared > h.amount) revert SharesExceedHold(hold, h.amount, shared);",
    contract("BondEscrow", "test_Share"),
  ),
  mutation(
    "BondEscrow-over",
    "a hold may end twice",
    "BondEscrow",
    "if (h.source == Source.None || h.over) revert UnknownHold(id);",
    "if (h.source == Source.None) revert UnknownHold(id);",
    contract("BondEscrow", "test_Hold"),
  ),
  // ModelRegistry
  drop(
    "ModelRegistry-setup",
    "layers under different setups may be one model",
    "ModelRegistry",
    "if (verifierSetup != setup) revert SetupMismatch(index, setup, verifierSetup);",
    contract("ModelRegistry", "test_Register"),
  ),
  drop(
    "ModelRegistry-development",
    "a setup with a public secret is taken on every chain",
    "ModelRegistry",
    "if (ModelId.isDevelopment(header_.setup) && !local) revert DevelopmentSetup(block.chainid);",
    contract("ModelRegistry", "test_Register"),
  ),
  drop(
    "ModelRegistry-stake",
    "a stake under which cheating pays is taken",
    "ModelRegistry",
    "if (policy_.stake < needed) revert StakeTooLow(i, needed, policy_.stake);",
    contract("ModelRegistry", "test_Register"),
  ),
  mutation(
    "ModelRegistry-bound-weights",
    "an aggregation digest of other weights may be bound",
    "ModelRegistry",
    "if (weights != l.weights || words.length % 2 != 0)",
    "if (words.length % 2 != 0)",
    contract("ModelRegistry", "test_BindAggregate"),
  ),
  // Signatures
  mutation(
    "Signatures-return-size",
    "a signer that returns nothing consents if the answer lies in memory already",
    "libraries/Signatures",
    "valid := and(success, and(gt(returndatasize(), 0x1f), eq(mload(0), magic)))",
    "valid := and(success, eq(mload(0), magic))",
    contract("ContractSigners", "test"),
  ),
  mutation(
    "Signatures-success",
    "a signer that fails with the answer consents",
    "libraries/Signatures",
    "valid := and(success, and(gt(returndatasize(), 0x1f), eq(mload(0), magic)))",
    "valid := and(gt(returndatasize(), 0x1f), eq(mload(0), magic))",
    contract("ContractSigners", "test"),
  ),
  mutation(
    "Signatures-recovered",
    "any signature consents",
    "libraries/Signatures",
    "if (err == ECDSA.RecoverError.NoError && recovered == signer) return true;",
    "if (err == ECDSA.RecoverError.NoError || recovered == signer) return true;",
    contract("ContractSigners", "test"),
  ),
];
