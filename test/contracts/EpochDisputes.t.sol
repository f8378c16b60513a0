// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt, FixedDraws } from "../../contracts/interfaces/EpochTypes.sol";
import { EpochStatus, IEpochBook } from "../../contracts/interfaces/IEpochBook.sol";
import {
    Activations,
    Dispute,
    DisputeStatus,
    IEpochDisputes,
    Placed
} from "../../contracts/interfaces/IEpochDisputes.sol";
import { Leaf, Tree } from "../../contracts/interfaces/Types.sol";
import { EpochTree } from "../../contracts/libraries/EpochTree.sol";
import { EpochBase } from "./EpochBase.t.sol";
import { EpochTrees } from "./support/EpochTrees.sol";

/// @title Demands of receipts, and challenges of answers
contract EpochDisputesTest is EpochBase {
    uint256 private constant COUNT = 40;
    uint256 private constant DRAWS = 5;
    uint256 private constant INDEX = 11;
    uint256 private constant WHOLE_BOND = ANSWER_BOND * EPOCH_LAYERS;

    // ---------------------------------------------------------------- helpers

    function _demand(Built memory built, AnswerReceipt memory receipt) private returns (bytes32 dispute) {
        bytes memory signature = _signReceipt(receipt);
        dispute = epochDisputes.demandId(_idOf(built), epochDisputes.receiptDigest(receipt));
        vm.prank(requester);
        epochDisputes.demand(built.epoch, receipt, signature);
    }

    function _challenge(Built memory built, uint256 index) private returns (bytes32 dispute) {
        dispute = epochDisputes.challengeId(_idOf(built), index, challenger);
        vm.prank(challenger);
        epochDisputes.challenge(built.epoch, index, type(uint256).max);
    }

    function _words(uint256 index) private pure returns (uint256[] memory words) {
        words = new uint256[](33);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = uint256(_scalar(abi.encode("word", index, i)));
        }
    }

    function _said(uint256 index) private view returns (Activations memory said) {
        said.digest = _activationsAt(0, index);
        (said.point, said.fingerprint) = trees.activations(said.digest, _words(index));
    }

    function _fixAnswer(Built memory built, uint256 index) private {
        vm.prank(provider);
        epochDisputes.fixAnswer(
            built.epoch, _placedAt(built, index), challenger, _activationsAt(0, index), _words(index), ""
        );
    }

    function _ask(Built memory built, uint256 index, uint256 layers) private {
        vm.prank(challenger);
        epochDisputes.ask(built.epoch, index, layers);
    }

    /// Leaves for a set of layers, and the proof.
    function _proofOfAnswer(Built memory built, uint256 index, Activations memory said, uint256 set)
        private
        view
        returns (Leaf[] memory leaves, Tree memory tree, bytes memory proof)
    {
        uint256 n = 0;
        leaves = new Leaf[](set == EPOCH_ALL ? 1 : EPOCH_LAYERS);
        if (set == EPOCH_ALL) {
            leaves[n++] = Leaf(_epochProgram(0), _nodeDigest(0, index, 0), _epochPath(0));
        } else {
            for (uint256 l = 0; l < EPOCH_LAYERS; ++l) {
                if (set >> l & 1 == 1) {
                    leaves[n++] = Leaf(_epochProgram(l + 1), _nodeDigest(0, index, l + 1), _epochPath(l + 1));
                }
            }
        }
        assembly {
            mstore(leaves, n)
        }
        tree = _tree(n);
        bytes32 statement = built.statements[built.statements.length / 2 + index];
        uint256[10][] memory lists = new uint256[10][](1);
        lists[0] = _list(statement, 0, index, said.digest, said.point, said.fingerprint);
        Leaf[][] memory all = new Leaf[][](1);
        all[0] = leaves;
        proof = verifier.script(trees.top(lists, all, _epochRoot(EPOCH_PROGRAMS), EPOCH_LAYERS, tree));
    }

    function _answer(Built memory built, uint256 index, Activations memory said, uint256 set) private {
        (Leaf[] memory leaves, Tree memory tree, bytes memory proof) = _proofOfAnswer(built, index, said, set);
        vm.prank(relayer);
        epochDisputes.prove(built.epoch, _placedAt(built, index), challenger, said, leaves, tree, proof);
    }

    function _answerFails(
        Built memory built,
        uint256 index,
        Activations memory said,
        uint256 set,
        bytes memory expected
    ) private {
        (Leaf[] memory leaves, Tree memory tree, bytes memory proof) = _proofOfAnswer(built, index, said, set);
        Placed memory placed = _placedAt(built, index);
        vm.expectRevert(expected);
        epochDisputes.prove(built.epoch, placed, challenger, said, leaves, tree, proof);
    }

    function _assertDispute(bytes32 dispute, DisputeStatus status) private view {
        assertEq(uint256(epochDisputes.disputeOf(dispute).status), uint256(status), "dispute");
    }

    // ---------------------------------------------------------------- receipts

    function test_Demand_IsAnsweredByTheTrees() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        AnswerReceipt memory receipt = _receiptAt(0, INDEX);
        uint256 free = _free(requester);
        bytes32 dispute = _demand(built, receipt);
        assertEq(epochs.openDisputes(_idOf(built)), 1);
        // Without a bond: a provider that withholds its tree must not earn by that.
        assertEq(_free(requester), free);
        bytes memory statements = EpochTrees.path(built.statements, INDEX);
        bytes memory receipts = EpochTrees.path(built.receipts, INDEX);
        vm.expectRevert(abi.encodeWithSelector(EpochTree.NotInTheRoot.selector, built.epoch.statements));
        epochDisputes.show(built.epoch, receipt, receipts, receipts);
        vm.expectRevert(abi.encodeWithSelector(EpochTree.NotInTheRoot.selector, built.epoch.receipts));
        epochDisputes.show(built.epoch, receipt, statements, statements);
        epochDisputes.show(built.epoch, receipt, statements, receipts);
        _assertDispute(dispute, DisputeStatus.Answered);
        assertEq(epochs.openDisputes(_idOf(built)), 0);
        // Once.
        bytes memory signature = _signReceipt(receipt);
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.DisputeExists.selector, dispute));
        epochDisputes.demand(built.epoch, receipt, signature);
    }

    function test_Demand_WaitsForTheAnswer() public {
        Built memory built = _proven(0, COUNT, DRAWS);
        bytes32 dispute = _demand(built, _receiptAt(0, INDEX));
        uint256 until = epochDisputes.disputeOf(dispute).until;
        assertEq(until, block.timestamp + EPOCH_ANSWER);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.OpenDisputes.selector, _idOf(built), 1));
        epochs.settle(built.epoch);
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.DeadlineNotPassed.selector, until));
        epochDisputes.timeout(built.epoch, dispute);
        uint256 state = vm.snapshotState();
        _show(built, _receiptAt(0, INDEX));
        epochs.settle(built.epoch);
        vm.revertToState(state);
        vm.warp(until + 1);
        bytes memory statements = EpochTrees.path(built.statements, INDEX);
        bytes memory receipts = EpochTrees.path(built.receipts, INDEX);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.DeadlinePassed.selector, until));
        epochDisputes.show(built.epoch, _receiptAt(0, INDEX), statements, receipts);
        epochDisputes.timeout(built.epoch, dispute);
        assertTrue(epochs.line(provider, served).over);
    }

    function _show(Built memory built, AnswerReceipt memory receipt) private {
        bytes memory statements = EpochTrees.path(built.statements, receipt.index);
        bytes memory receipts = EpochTrees.path(built.receipts, receipt.index);
        epochDisputes.show(built.epoch, receipt, statements, receipts);
    }

    function test_Demand_OfAReceiptOfThisEpochByItsRequester() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        AnswerReceipt memory receipt = _receiptAt(0, INDEX);
        bytes memory signature = _signReceipt(receipt);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.NotRequester.selector, requester, thief));
        epochDisputes.demand(built.epoch, receipt, signature);
        vm.startPrank(requester);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.BadSignature.selector, provider));
        epochDisputes.demand(built.epoch, receipt, "");
        receipt.decoding = bytes32(uint256(1));
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.DecodingNotGreedy.selector, receipt.decoding));
        epochDisputes.demand(built.epoch, receipt, signature);
        receipt = _receiptAt(1, INDEX);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.ReceiptOfAnother.selector, _idOf(built)));
        epochDisputes.demand(built.epoch, receipt, signature);
        receipt = _receiptAt(0, INDEX);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        vm.expectPartialRevert(IEpochDisputes.DeadlinePassed.selector);
        epochDisputes.demand(built.epoch, receipt, signature);
        vm.stopPrank();
    }

    /// A receipt that the provider signed and left out cannot be shown.
    function test_Attack_ReceiptMissingFromTheRoot() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        AnswerReceipt memory receipt = _receiptAt(0, INDEX);
        // Another output than the one in the tree; and one of a place behind the last.
        receipt.outputDigest = _scalar("what the requester got");
        _cannotShow(built, receipt, INDEX);
        receipt = _receiptAt(0, COUNT);
        bytes32 dispute = _demand(built, receipt);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.NoSuchAnswer.selector, COUNT, COUNT));
        epochDisputes.show(built.epoch, receipt, "", "");
        _after(epochDisputes.disputeOf(dispute).until);
        uint256 lost = _exposure(built);
        uint256 free = _free(requester);
        epochDisputes.timeout(built.epoch, dispute);
        assertEq(_free(requester) - free, lost * 4 / 10);
    }

    function _cannotShow(Built memory built, AnswerReceipt memory receipt, uint256 index) private {
        uint256 state = vm.snapshotState();
        bytes32 dispute = _demand(built, receipt);
        bytes memory statements = EpochTrees.path(built.statements, index);
        bytes memory receipts = EpochTrees.path(built.receipts, index);
        vm.expectRevert(abi.encodeWithSelector(EpochTree.NotInTheRoot.selector, built.epoch.statements));
        epochDisputes.show(built.epoch, receipt, statements, receipts);
        _after(epochDisputes.disputeOf(dispute).until);
        epochDisputes.timeout(built.epoch, dispute);
        assertTrue(epochs.line(provider, served).over);
        vm.revertToState(state);
    }

    function test_Attack_TwoReceiptsOfOneIndex() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        AnswerReceipt memory one = _receiptAt(0, INDEX);
        AnswerReceipt memory other = _receiptAt(0, INDEX);
        (bytes memory first, bytes memory same) = (_signReceipt(one), _signReceipt(other));
        vm.startPrank(challenger);
        vm.expectRevert(IEpochDisputes.NotAContradiction.selector);
        epochDisputes.contradict(one, first, other, same);
        other.index += 1;
        bytes memory second = _signAs(other);
        vm.expectRevert(IEpochDisputes.NotAContradiction.selector);
        epochDisputes.contradict(one, first, other, second);
        other.index -= 1;
        other.outputDigest = _scalar("another");
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.BadSignature.selector, provider));
        epochDisputes.contradict(one, first, other, same);
        second = _signAs(other);
        uint256 free = _free(challenger);
        epochDisputes.contradict(one, first, other, second);
        vm.stopPrank();
        assertEq(_free(challenger) - free, _exposure(built) * 4 / 10);
        assertTrue(epochs.line(provider, served).over);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.LineIsOver.selector, provider, served));
        epochDisputes.contradict(one, first, other, second);
    }

    function _signAs(AnswerReceipt memory receipt) private view returns (bytes memory) {
        return _signReceipt(receipt);
    }

    function test_Contradict_NotOfASettledEpoch() public {
        _settled(0, COUNT, DRAWS);
        AnswerReceipt memory one = _receiptAt(0, INDEX);
        AnswerReceipt memory other = _receiptAt(0, INDEX);
        other.outputDigest = _scalar("another");
        (bytes memory first, bytes memory second) = (_signReceipt(one), _signReceipt(other));
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.OutOfOrder.selector, 1, 0));
        epochDisputes.contradict(one, first, other, second);
    }

    /// Receipts are of one contract and chain.
    function test_Receipts_BindChainAndEveryField() public {
        AnswerReceipt memory receipt = _receiptAt(0, INDEX);
        bytes32 digest = epochDisputes.receiptDigest(receipt);
        receipt.seedDigest = 0;
        assertNotEq(digest, epochDisputes.receiptDigest(receipt), "seed");
        receipt = _receiptAt(0, INDEX);
        receipt.requester = thief;
        assertNotEq(digest, epochDisputes.receiptDigest(receipt), "requester");
        vm.chainId(1);
        assertNotEq(digest, epochDisputes.receiptDigest(_receiptAt(0, INDEX)), "chain");
    }

    // ---------------------------------------------------------------- answers

    function test_Challenge_LayersAreAskedForAfterCommitments() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        uint256 free = _free(challenger);
        bytes32 dispute = _challenge(built, INDEX);
        assertEq(free - _free(challenger), WHOLE_BOND);
        vm.prank(challenger);
        vm.expectPartialRevert(IEpochDisputes.WrongDisputeStatus.selector);
        epochDisputes.ask(built.epoch, INDEX, 1);
        // Some layers, before anything is fixed, are no answer.
        _answerFails(
            built,
            INDEX,
            _said(INDEX),
            1 << 4,
            abi.encodeWithSelector(
                IEpochDisputes.WrongDisputeStatus.selector, dispute, DisputeStatus.Asked, DisputeStatus.Open
            )
        );
        _fixAnswer(built, INDEX);
        _assertDispute(dispute, DisputeStatus.Fixed);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.NoSuchLayers.selector, EPOCH_ALL, 1 << 12));
        epochDisputes.ask(built.epoch, INDEX, 1 << 12);
        vm.prank(thief);
        vm.expectPartialRevert(IEpochDisputes.WrongDisputeStatus.selector);
        epochDisputes.ask(built.epoch, INDEX, 1);
        _ask(built, INDEX, 1 << 4 | 1 << 7);
        // Others than those, or of other commitments.
        _answerFails(
            built, INDEX, _said(INDEX), 1 << 4, abi.encodeWithSelector(IEpochDisputes.LayersNotProven.selector, 1 << 7)
        );
        Activations memory other = _said(INDEX);
        other.digest = _scalar("other commitments");
        _answerFails(
            built,
            INDEX,
            other,
            1 << 4 | 1 << 7,
            abi.encodeWithSelector(IEpochDisputes.NotWhatWasFixed.selector, dispute)
        );
        _answer(built, INDEX, _said(INDEX), 1 << 4 | 1 << 7);
        _assertDispute(dispute, DisputeStatus.Answered);
        // The bond is the provider's once the epoch is settled.
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.StillOpen.selector, _idOf(built)));
        epochDisputes.resolve(built.epoch, dispute);
        _fix(built);
        _proveEpoch(built);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        if (epochs.statusOf(_idOf(built)) != EpochStatus.Settled) epochs.settle(built.epoch);
        uint256 providers = _free(provider);
        epochDisputes.resolve(built.epoch, dispute);
        assertEq(_free(provider) - providers, WHOLE_BOND);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.NoBond.selector, dispute));
        epochDisputes.resolve(built.epoch, dispute);
    }

    /// A proof of all layers answers at any turn, of any commitments.
    function test_Challenge_IsAnsweredByTheWholeAtAnyTurn() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        Activations memory any;
        any.digest = _scalar("any commitments");
        any.fingerprint = 5;
        for (uint256 turn = 0; turn < 3; ++turn) {
            uint256 state = vm.snapshotState();
            bytes32 dispute = _challenge(built, INDEX);
            if (turn > 0) _fixAnswer(built, INDEX);
            if (turn > 1) _ask(built, INDEX, 1);
            _answer(built, INDEX, any, EPOCH_ALL);
            _assertDispute(dispute, DisputeStatus.Answered);
            vm.revertToState(state);
        }
    }

    function test_Challenge_SilenceLosesAtEachTurn() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        uint256 lost = _exposure(built);
        for (uint256 turn = 0; turn < 2; ++turn) {
            uint256 state = vm.snapshotState();
            uint256 free = _free(challenger);
            bytes32 dispute = _challenge(built, INDEX);
            if (turn > 0) _fixAnswer(built, INDEX);
            if (turn > 0) _ask(built, INDEX, 1);
            uint256 until = epochDisputes.disputeOf(dispute).until;
            vm.warp(until);
            vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.DeadlineNotPassed.selector, until));
            epochDisputes.timeout(built.epoch, dispute);
            vm.warp(until + 1);
            _answerFails(
                built,
                INDEX,
                _said(INDEX),
                EPOCH_ALL,
                abi.encodeWithSelector(IEpochDisputes.DeadlinePassed.selector, until)
            );
            epochDisputes.timeout(built.epoch, dispute);
            epochDisputes.resolve(built.epoch, dispute);
            assertEq(_free(challenger) - free, lost * 4 / 10);
            vm.revertToState(state);
        }
    }

    function test_Challenge_AChallengerThatAsksForNothingLoses() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes32 dispute = _challenge(built, INDEX);
        _fixAnswer(built, INDEX);
        _after(epochDisputes.disputeOf(dispute).until);
        vm.prank(challenger);
        vm.expectPartialRevert(IEpochDisputes.DeadlinePassed.selector);
        epochDisputes.ask(built.epoch, INDEX, 1);
        epochDisputes.timeout(built.epoch, dispute);
        _assertDispute(dispute, DisputeStatus.Dropped);
        assertEq(epochs.openDisputes(_idOf(built)), 0);
        assertFalse(epochs.line(provider, served).over);
        vm.expectPartialRevert(IEpochDisputes.WrongDisputeStatus.selector);
        epochDisputes.timeout(built.epoch, dispute);
    }

    /// Each bond that is held against a line makes the next challenge dearer, in any of its epochs.
    function test_Challenge_BondsRiseWithThoseThatAreHeld() public {
        Built memory first = _committed(0, COUNT, DRAWS);
        Built memory second = _committed(1, COUNT, DRAWS);
        _committed(2, COUNT, DRAWS);
        // A bond that is not exposed may be, before a challenge ends.
        uint256 most = epochs.line(provider, served).balance * 4 / 10 / 2;
        assertGt(most, 4 * WHOLE_BOND);
        _withdrawRest();
        uint256[4] memory expected = [WHOLE_BOND, 2 * WHOLE_BOND, 3 * WHOLE_BOND, 3 * WHOLE_BOND + 1];
        uint256 free = _free(challenger);
        for (uint256 i = 0; i < expected.length; ++i) {
            Built memory built = i % 2 == 0 ? first : second;
            assertEq(epochDisputes.bondOf(built.epoch), expected[i]);
            vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.BondAbove.selector, expected[i] - 1, expected[i]));
            vm.prank(challenger);
            epochDisputes.challenge(built.epoch, i, expected[i] - 1);
            vm.prank(challenger);
            epochDisputes.challenge(built.epoch, i, expected[i]);
            free -= expected[i];
            assertEq(_free(challenger), free);
        }
        // The last is as dear as can be: if all of the bond is exposed, a challenger that is right earns more than twice that.
        assertGt(3 * _exposure(first) * 4 / 10, 2 * expected[3]);
        // A demand holds no bond.
        _demand(first, _receiptAt(0, INDEX));
        assertEq(epochDisputes.bondOf(second.epoch), expected[3]);
    }

    /// All of the line's bond is exposed.
    function _withdrawRest() private {
        uint256 rest = epochs.line(provider, served).balance - epochs.line(provider, served).exposed;
        vm.prank(provider);
        epochs.withdraw(served, rest);
    }

    function test_Challenge_BondsFallOnceTheyAreMoved() public {
        Built memory first = _committed(0, COUNT, DRAWS);
        Built memory second = _committed(1, COUNT, DRAWS);
        bytes32 dispute = _challenge(first, INDEX);
        Activations memory any;
        _answer(first, INDEX, any, EPOCH_ALL);
        // Answered, but held.
        assertEq(epochDisputes.bondOf(second.epoch), 2 * WHOLE_BOND);
        _fix(first);
        _proveEpoch(first);
        _after(_committedAt(first) + EPOCH_CHALLENGE);
        if (epochs.statusOf(_idOf(first)) != EpochStatus.Settled) epochs.settle(first.epoch);
        epochDisputes.resolve(first.epoch, dispute);
        assertEq(epochDisputes.bondOf(second.epoch), WHOLE_BOND);
    }

    /// Whoever was answered was wrong, whatever the line is slashed for; unless a freeze makes the answer worth nothing.
    function test_Resolve_OfALineThatIsOver() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes32[5] memory ids;
        for (uint256 i = 0; i < ids.length; ++i) {
            ids[i] = _challenge(built, i);
        }
        Activations memory any;
        _answer(built, 0, any, EPOCH_ALL);
        _fixAnswer(built, 1);
        _after(epochDisputes.disputeOf(ids[1]).until - 1);
        _fixAnswer(built, 3);
        _fixAnswer(built, 4);
        _after(epochDisputes.disputeOf(ids[2]).until);
        epochDisputes.timeout(built.epoch, ids[1]);
        epochDisputes.timeout(built.epoch, ids[2]);
        assertTrue(epochs.line(provider, served).over);
        uint256 over = vm.snapshotState();
        // Nobody can know any more who was right.
        _freeze();
        for (uint256 i = 0; i < ids.length; ++i) {
            _resolves(built, ids[i], false);
        }
        vm.revertToState(over);
        // Answered, dropped, the one that ended the line; and two that go on.
        _resolves(built, ids[0], true);
        _resolves(built, ids[1], true);
        _resolves(built, ids[2], false);
        for (uint256 i = 3; i < ids.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.StillOpen.selector, _idOf(built)));
            epochDisputes.resolve(built.epoch, ids[i]);
        }
        // One challenger asks, and is not answered. The other does not ask.
        _ask(built, 3, 1);
        uint256 waiting = vm.snapshotState();
        _after(epochDisputes.disputeOf(ids[3]).until);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.LineIsOver.selector, provider, served));
        epochDisputes.timeout(built.epoch, ids[3]);
        _resolves(built, ids[3], false);
        _resolves(built, ids[4], true);
        vm.revertToState(waiting);
        // Or it is answered, though the line is over.
        _answer(built, 3, any, EPOCH_ALL);
        _resolves(built, ids[3], true);
        _after(epochDisputes.disputeOf(ids[4]).until);
        epochDisputes.timeout(built.epoch, ids[4]);
        _resolves(built, ids[4], true);
    }

    /// Moves a bond of the challenger's.
    function _resolves(Built memory built, bytes32 dispute, bool isLost) private {
        (uint256 providers, uint256 challengers) = (_free(provider), _free(challenger));
        (,, uint256 held,) = escrow.holdOf(dispute);
        assertGe(held, WHOLE_BOND);
        epochDisputes.resolve(built.epoch, dispute);
        assertEq(_free(provider) - providers, isLost ? held : 0);
        assertEq(_free(challenger) - challengers, isLost ? 0 : held);
    }

    /// More challenges than a provider can answer end its line, and cost more than they bring.
    function test_Attack_MoreChallengesThanCanBeAnswered() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        _committed(1, COUNT, DRAWS);
        _committed(2, COUNT, DRAWS);
        _withdrawRest();
        (uint256 providers, uint256 challengers) = (_free(provider), _free(challenger));
        bytes32[6] memory ids;
        for (uint256 i = 0; i < ids.length; ++i) {
            ids[i] = _challenge(built, i);
        }
        Activations memory any;
        for (uint256 i = 3; i < ids.length; ++i) {
            _answer(built, i, any, EPOCH_ALL);
        }
        _after(epochDisputes.disputeOf(ids[0]).until);
        epochDisputes.timeout(built.epoch, ids[0]);
        for (uint256 i = 0; i < ids.length; ++i) {
            epochDisputes.resolve(built.epoch, ids[i]);
        }
        uint256 reward = 3 * _exposure(built) * 4 / 10;
        // Three bonds that are as dear as can be.
        uint256 lost = 3 * ((reward - 1) / 2);
        assertEq(_free(provider) - providers, lost);
        assertEq(challengers + reward - _free(challenger), lost);
        assertLt(_free(challenger), challengers);
    }

    function test_FixAnswer_ByTheProviderInItsPlace() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes32 dispute = _challenge(built, INDEX);
        Placed memory placed = _placedAt(built, INDEX);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.BadSignature.selector, provider));
        epochDisputes.fixAnswer(built.epoch, placed, challenger, _activationsAt(0, INDEX), _words(INDEX), "");
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.BadPoints.selector, 0));
        epochDisputes.fixAnswer(built.epoch, placed, challenger, _activationsAt(0, INDEX), new uint256[](0), "");
        placed.outputDigest = _scalar("another");
        vm.expectRevert(abi.encodeWithSelector(EpochTree.NotInTheRoot.selector, built.epoch.statements));
        epochDisputes.fixAnswer(built.epoch, placed, challenger, _activationsAt(0, INDEX), _words(INDEX), "");
        vm.stopPrank();
        bytes32 commitments = keccak256(abi.encodePacked(_activationsAt(0, INDEX), _words(INDEX)));
        bytes memory signature = _sign(providerKey, epochDisputes.fixDigest(dispute, commitments));
        placed = _placedAt(built, INDEX);
        vm.prank(relayer);
        epochDisputes.fixAnswer(built.epoch, placed, challenger, _activationsAt(0, INDEX), _words(INDEX), signature);
        _assertDispute(dispute, DisputeStatus.Fixed);
    }

    function test_Challenge_OfAnAnswerThatIsThere() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        vm.startPrank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.NoSuchAnswer.selector, COUNT, COUNT));
        epochDisputes.challenge(built.epoch, COUNT, type(uint256).max);
        epochDisputes.challenge(built.epoch, 0, type(uint256).max);
        vm.expectPartialRevert(IEpochDisputes.DisputeExists.selector);
        epochDisputes.challenge(built.epoch, 0, type(uint256).max);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        vm.expectPartialRevert(IEpochDisputes.DeadlinePassed.selector);
        epochDisputes.challenge(built.epoch, 1, type(uint256).max);
        vm.stopPrank();
    }

    /// A false answer cannot bait: without a proof of what is asked the provider loses, whatever it fixed.
    function test_Attack_ChallengeBait() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        uint256 free = _free(challenger);
        bytes32 dispute = _challenge(built, INDEX);
        // Commitments under which some layers follow from each other.
        _fixAnswer(built, INDEX);
        _ask(built, INDEX, 1 << 3);
        // It has a proof of another layer only.
        _answerFails(
            built, INDEX, _said(INDEX), 1 << 4, abi.encodeWithSelector(IEpochDisputes.LayersNotProven.selector, 1 << 3)
        );
        _after(epochDisputes.disputeOf(dispute).until);
        epochDisputes.timeout(built.epoch, dispute);
        epochDisputes.resolve(built.epoch, dispute);
        assertEq(_free(challenger) - free, _exposure(built) * 4 / 10);
        assertGt(_exposure(built) * 4 / 10, 2 * WHOLE_BOND, "more than was risked, twice");
    }

    /// A provider that challenges itself gains nothing, and keeps nobody else from the same answer.
    function test_Attack_SelfChallenge() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        vm.prank(provider);
        epochDisputes.challenge(built.epoch, INDEX, type(uint256).max);
        bytes32 own = epochDisputes.challengeId(_idOf(built), INDEX, provider);
        // Another challenges the same answer, with turns of its own.
        bytes32 other = _challenge(built, INDEX);
        vm.prank(provider);
        epochDisputes.fixAnswer(
            built.epoch, _placedAt(built, INDEX), provider, _activationsAt(0, INDEX), _words(INDEX), ""
        );
        _assertDispute(other, DisputeStatus.Open);
        uint256 before = _worth(provider);
        _after(epochDisputes.disputeOf(own).until);
        epochDisputes.timeout(built.epoch, own);
        _assertDispute(own, DisputeStatus.Dropped);
        epochDisputes.timeout(built.epoch, other);
        epochDisputes.resolve(built.epoch, other);
        epochDisputes.resolve(built.epoch, own);
        // Its own bond comes back, the other's too; what was exposed is gone.
        assertEq(before + WHOLE_BOND - _worth(provider), _exposure(built), "all that is exposed");
    }

    function test_Attack_SelfReportLosesThreeFifths() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        uint256 before = _worth(provider);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        FixedDraws memory none;
        vm.prank(provider);
        epochs.expire(built.epoch, none);
        assertEq(before - _worth(provider), _exposure(built) - _exposure(built) * 4 / 10);
    }

    /// Free balance and line.
    function _worth(address account) private view returns (uint256) {
        return _free(account) + epochs.line(account, served).balance;
    }

    function test_Freeze_DisputesAreNotLostBySilence() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        uint256 free = _free(challenger);
        bytes32 dispute = _challenge(built, INDEX);
        _freeze();
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.VerifierUnusable.selector, address(verifier)));
        epochDisputes.challenge(built.epoch, INDEX + 1, type(uint256).max);
        _after(epochDisputes.disputeOf(dispute).until);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.VerifierUnusable.selector, address(verifier)));
        epochDisputes.timeout(built.epoch, dispute);
        epochs.voidEpoch(built.epoch);
        epochDisputes.resolve(built.epoch, dispute);
        assertEq(_free(challenger), free);
    }

    function test_Timeout_OfADisputeOfThisEpoch() public {
        Built memory first = _committed(0, COUNT, DRAWS);
        Built memory second = _committed(1, COUNT, DRAWS);
        bytes32 dispute = _challenge(first, INDEX);
        _after(epochDisputes.disputeOf(dispute).until);
        vm.expectRevert(abi.encodeWithSelector(IEpochDisputes.UnknownDispute.selector, dispute));
        epochDisputes.timeout(second.epoch, dispute);
    }

    function test_DisputesOf_ReadsSeveral() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes32[] memory ids = new bytes32[](3);
        (ids[0], ids[1]) = (_demand(built, _receiptAt(0, INDEX)), _challenge(built, INDEX));
        Dispute[] memory read = epochDisputes.disputesOf(ids);
        assertEq(read.length, 3);
        for (uint256 i = 0; i < ids.length; ++i) {
            assertEq(keccak256(abi.encode(read[i])), keccak256(abi.encode(epochDisputes.disputeOf(ids[i]))));
        }
        assertEq(uint256(read[1].status), uint256(DisputeStatus.Open));
    }

    /// An answer of a demand costs the provider little more than the demand costs the requester.
    function test_Demand_CostsMoreThanItsAnswer() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        AnswerReceipt memory receipt = _receiptAt(0, INDEX);
        bytes memory signature = _signReceipt(receipt);
        vm.prank(requester);
        epochDisputes.demand(built.epoch, receipt, signature);
        uint256 demanding = vm.lastCallGas().gasTotalUsed;
        bytes memory statements = EpochTrees.path(built.statements, INDEX);
        bytes memory receipts = EpochTrees.path(built.receipts, INDEX);
        epochDisputes.show(built.epoch, receipt, statements, receipts);
        assertLt(vm.lastCallGas().gasTotalUsed, demanding);
    }

    function test_Interfaces() public view {
        assertTrue(epochDisputes.supportsInterface(type(IEpochDisputes).interfaceId));
        assertTrue(epochs.supportsInterface(type(IEpochBook).interfaceId));
    }
}
