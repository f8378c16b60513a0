// Epochs: a check that is missing, a word that is not bound, money to somebody else.
"use strict";
const { contract } = require("./tests/commands");

const mutation = (name, what, file, find, replace, test) => ({
  name: `contracts/Epoch-${name}`,
  what,
  file: `contracts/${file}.sol`,
  find,
  replace,
  test,
});
const drop = (name, what, file, find, test) => mutation(name, what, file, find, "", test);
const book = (pattern) => contract("EpochBook", pattern);
const disputes = (pattern) => contract("EpochDisputes", pattern);

module.exports = [
  // Lines and channels.
  mutation(
    "withdraw-exposed",
    "exposed bond leaves",
    "epochs/Lines",
    "uint256 available = own.balance() - own.exposed();",
    "uint256 available = own.balance();",
    book("test_Attack_BondExit"),
  ),
  drop("bond-over", "bond is added to a line that is over", "epochs/Lines", "if (own.over()) revert LineIsOver(msg.sender, version);", book("test_Expire")),
  mutation(
    "fund-closing",
    "money is added to a channel that is being closed",
    "epochs/Lines",
    "        if (own.closeBy() != 0) revert ChannelIsClosing(own.closeBy());\n        _channels[msg.sender][provider][version] = _plus",
    "        _channels[msg.sender][provider][version] = _plus",
    book("test_Close"),
  ),
  drop(
    "reclaim-early",
    "a requester takes its money while vouchers can be redeemed",
    "epochs/Lines",
    "if (block.timestamp <= closeBy) revert ChannelStillOpen(closeBy);",
    book("test_Close"),
  ),
  mutation(
    "reclaim-round",
    "vouchers of a round count in the next",
    "epochs/Lines",
    "(round + 1) * LineWords.ROUND",
    "round * LineWords.ROUND",
    book("test_Attack_VoucherReplay"),
  ),
  drop(
    "redeem-consent",
    "anybody signs vouchers",
    "epochs/Lines",
    "if (!Signatures.consents(requester, voucherDigest(voucher), signature)) revert BadSignature(requester);",
    book("test_Redeem_NeedsTheRequestersSignature"),
  ),
  drop("redeem-round", "a voucher is of any round", "epochs/Lines", "if (voucher.round != from.round()) revert WrongRound(from.round(), voucher.round);", book("test_Attack_VoucherReplay")),
  drop(
    "redeem-closed",
    "vouchers are redeemed after the end",
    "epochs/Lines",
    "if (closeBy != 0 && block.timestamp > closeBy) revert DeadlinePassed(closeBy);",
    book("test_Close"),
  ),
  drop(
    "redeem-settled",
    "vouchers are redeemed before their epoch is settled",
    "epochs/Lines",
    "if (voucher.epoch >= to.settled()) revert NotSettled(voucher.epoch, to.settled());",
    book("test_Redeem_PaysOnce|test_Attack_WithholdingARoot|test_Expire"),
  ),
  drop(
    "redeem-deposit",
    "a voucher pays more than was prepaid",
    "epochs/Lines",
    "if (voucher.amount > from.deposited()) revert VoucherExceedsDeposit(from.deposited(), voucher.amount);",
    book("test_Redeem_NotMore"),
  ),
  drop(
    "redeem-answers",
    "answers are paid for that nobody committed to",
    "epochs/Lines",
    "if (answers > to.answers()) revert VoucherExceedsAnswers(to.answers(), answers);",
    book("test_Redeem_NotMore"),
  ),
  mutation("slash-part", "who reports has all that is lost", "epochs/Lines", "Economics.challengerShare(amount)", "amount", book("test_Expire")),
  mutation(
    "slash-over",
    "a line goes on after it was slashed",
    "epochs/Lines",
    "(slashed - amount - amount * LineWords.EXPOSED) | LineWords.OVER",
    "slashed - amount - amount * LineWords.EXPOSED",
    book("test_Expire"),
  ),
  drop("amount-field", "an amount runs over into the next field", "epochs/Lines", "if (amount > type(uint88).max - before) revert AmountTooLarge(type(uint88).max - before, amount);", book("test_Bond_Fits")),

  // Epochs.
  drop("enroll-layers", "a page lacks layers", "epochs/Epochs", "if (missing != 0) revert LayersMissing(missing);", book("test_Enroll")),
  drop("commit-disabled", "epochs are committed to without a beacon", "epochs/Epochs", "if (address(beacon) == address(0)) revert EpochsDisabled();", book("test_Commit_Without")),
  drop(
    "commit-page",
    "an epoch is of any page",
    "epochs/Epochs",
    "if (_versionOf[epoch.page] != version || version == 0) revert UnknownPage(epoch.page, version);",
    book("test_Commit_NeedsAPage"),
  ),
  mutation(
    "commit-terms",
    "a caller says when its epoch was committed to",
    "epochs/Epochs",
    "bool malformed = epoch.terms >> 80 != 0 || draws == 0",
    "bool malformed = draws == 0",
    book("test_Commit_Bounds"),
  ),
  drop("commit-number", "an epoch has two roots", "epochs/Epochs", "if (number != own.next()) revert WrongEpochNumber(own.next(), number);", book("test_Attack_TwoRoots")),
  drop("commit-bond", "a bond for which cheating pays", "epochs/Epochs", "if (exposure > available) revert InsufficientBond(exposure, available);", book("test_Commit_Refuses|test_Attack_BondExit")),
  mutation("commit-block", "answers are drawn from a block that is there", "epochs/Epochs", "block.timestamp, block.number + _delay, exposure", "block.timestamp, block.number - 1, exposure", book("test_Commit_Exposes|test_Attack_DrawGrinding")),
  mutation("fix-block", "layers are drawn from a block that is there", "epochs/Epochs", "drawBlock: uint48(block.number + _delay)", "drawBlock: uint48(block.number - 1)", book("test_Attack_DrawGrindingOfLayers|testFuzz_Prove")),
  mutation("draw-layers", "layers are drawn from another block", "epochs/Epochs", "        _requireFixed(id, fixed_.seed, fixed_.commitments, fixed_.fixedAt, fixed_.drawBlock);\n        bytes32 seed", "        bytes32 seed", book("test_Prove_With")),
  drop(
    "prove-fixed",
    "a list is opened other than it was fixed",
    "epochs/Epochs",
    "_requireFixed(id, openings.seed, commitments, openings.fixedAt, openings.drawBlock);",
    book("test_Attack_ListOpened|test_Attack_DrawGrindingOfLayers"),
  ),
  drop("prove-verify", "a proof need not be valid", "epochs/Epochs", "IFinalVerifier(head.verifier).verify(proof, publicInputs);", book("test_Prove_EveryByte")),
  mutation("prove-usable", "proofs under a frozen verifier are taken", "epochs/Epochs", "        if (!registry.verifierUsable(head.verifier)) revert VerifierUnusable(head.verifier);\n        (uint256[4]", "        (uint256[4]", book("test_Freeze_NoProof")),
  mutation("prove-order", "an epoch is settled before an earlier one", "epochs/Epochs", "waits || own.settled() != epoch.number() || openDisputes(id) != 0", "waits || openDisputes(id) != 0", contract("Epoch.invariant", "test_Actions")),
  mutation("settle-window", "an epoch is settled while it can be disputed", "epochs/Epochs", "        if (block.timestamp <= deadline) revert DeadlineNotPassed(deadline);\n        uint256 open", "        uint256 open", book("test_Settle")),
  drop("settle-disputes", "an epoch is settled with an open dispute", "epochs/Epochs", "if (open != 0) revert OpenDisputes(id, open);", disputes("test_Demand_Waits")),
  drop("settle-order", "epochs are settled in any order", "epochs/Epochs", "if (own.settled() != epoch.number()) revert OutOfOrder(own.settled(), epoch.number());", book("test_Settle")),
  mutation("settle-exposure", "bond stays exposed for ever", "epochs/Epochs", "uint256 less = LineWords.OPEN + epoch.exposure() * LineWords.EXPOSED;", "uint256 less = LineWords.OPEN;", book("test_Settle")),
  drop("void-usable", "an epoch is voided whose proof is due", "epochs/Epochs", "if (registry.verifierUsable(verifier)) revert StillUsable(verifier);", book("test_Freeze_Only")),
  drop("only-disputes", "anybody slashes", "epochs/Epochs", "if (msg.sender != disputes) revert NotAuthorized(msg.sender);", book("test_OnlyDisputes")),

  // Public inputs.
  mutation("node-drawn", "an answer is proven that was not drawn", "libraries/EpochNodes", "and(shr(and(index, 0xff), marks), 1)", "1", book("test_Attack_AnswersThat")),
  mutation("node-order", "one drawn answer is proven twice", "libraries/EpochNodes", "iszero(lt(index, mload(LEAST)))", "1", book("test_Attack_AnswersThat")),
  mutation("node-layer", "any layer is proven", "libraries/EpochNodes", "x := lt(sub(x, before), sub(sums, before))", "x := 1", book("test_Attack_LayersThat")),
  {
    ...mutation("node-program", "a program is taken from behind the page", "libraries/EpochNodes", "iszero(and(lt(place, mload(PROGRAM_COUNT)), x))", "iszero(x)", book("test_Attack_LayersThat")),
    survives: "in the tests what lies behind a page in memory is zeros, which are no layers; the check does not rely on that",
  },
  mutation("node-reduced", "a digest has two representations", "libraries/EpochNodes", "and(lt(word, order), lt(digest, order))", "1", book("test_Prove_DigestsAre")),
  mutation("fold-reduced", "a digest of a node over nodes has two representations", "libraries/EpochNodes", "reduced := and(reduced, lt(digest, order))", "reduced := 1", book("test_Prove_DigestsAre")),
  drop("fold-count", "digests are left over", "libraries/EpochNodes", "if (used != digests.length) revert RecordCount(used, digests.length);", book("test_Prove_ListsAre")),
  mutation("node-book", "a statement is of every contract", "libraries/EpochNodes", "mstore(S_BOOK, address())", "mstore(S_BOOK, 0)", book("testFuzz_Prove")),
  mutation("tree-root", "any root is taken", "libraries/EpochTree", "eq(mload(add(nodes, 0x80)), root)", "1", book("test_Prove_EveryByte")),
  mutation("tree-length", "siblings are left over", "libraries/EpochTree", "eq(sibling, add(siblings.offset, siblings.length))", "1", book("test_Prove_ListsAre")),
  mutation("draw-twice", "fewer answers are drawn", "libraries/EpochDraw", "if and(mload(place), bit)", "if 0", book("testFuzz_Prove")),
  mutation("economics-share", "a bond is too small by what a reporter has back", "libraries/EpochEconomics", "uint256 kept = Economics.BPS - Economics.CHALLENGER_BPS;", "uint256 kept = Economics.BPS;", contract("EpochEconomics", "testFuzz_Exposure_Cheating")),

  // Disputes.
  drop("demand-requester", "anybody demands a receipt", "EpochDisputes", "if (msg.sender != receipt.requester) revert NotRequester(receipt.requester, msg.sender);", disputes("test_Demand_Of")),
  drop("demand-epoch", "a receipt of another epoch is demanded", "EpochDisputes", "if (!same || receipt.epoch != epoch.number()) revert ReceiptOfAnother(id);", disputes("test_Demand_Of")),
  drop("show-statements", "a statement need not be in its tree", "EpochDisputes", "_requireAt(epoch, receipt.index, _statementOfReceipt(epoch, receipt), inStatements, epoch.statements);", disputes("test_Demand_IsAnswered")),
  drop("show-receipts", "a receipt need not be in its tree", "EpochDisputes", "_requireAt(epoch, receipt.index, digest, inReceipts, epoch.receipts);", disputes("test_Demand_IsAnswered")),
  mutation("contradict-index", "receipts of two places contradict each other", "EpochDisputes", "&& one.index == other.index;", "&& one.index <= other.index;", disputes("test_Attack_TwoReceipts")),
  drop("fix-answer-consent", "anybody fixes a provider's commitments", "EpochDisputes", "if (!Signatures.consents(epoch.provider, said, signature)) revert BadSignature(epoch.provider);", disputes("test_FixAnswer")),
  drop("prove-commitments", "layers are proven of other commitments", "EpochDisputes", "if (keccak256(abi.encode(statement, activations)) != kept.commitments) revert NotWhatWasFixed(dispute);", disputes("test_Challenge_Layers")),
  drop("prove-asked", "other layers are proven than were asked for", "EpochDisputes", "if (missing != 0) revert LayersNotProven(missing);", disputes("test_Challenge_Layers|test_Attack_ChallengeBait")),
  drop("turn-deadline", "a turn has no end", "EpochDisputes", "if (block.timestamp > kept.until) revert DeadlinePassed(kept.until);", disputes("test_Challenge_Silence")),
  drop("timeout-early", "a dispute is over before its time", "EpochDisputes", "if (block.timestamp <= kept.until) revert DeadlineNotPassed(kept.until);", disputes("test_Challenge_Silence")),
  mutation("timeout-usable", "silence loses under a frozen verifier", "EpochDisputes", "        _usableHead(epoch);\n        book.slash", "        book.slash", disputes("test_Freeze")),
  drop("resolve-twice", "a bond moves while its epoch is open", "EpochDisputes", "if (!ended) revert StillOpen(id);", disputes("test_Challenge_Layers")),
  drop("dispute-epoch", "a dispute is of any epoch", "EpochDisputes", "if (kept.epoch != id) revert UnknownDispute(dispute);", disputes("test_Timeout_Of")),
];
