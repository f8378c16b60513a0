// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { ILayerDispute } from "../../contracts/interfaces/ILayerDispute.sol";
import { ISettlement } from "../../contracts/interfaces/ISettlement.sol";
import { IVerifierRouter } from "../../contracts/interfaces/IVerifierRouter.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

/// @title What a frozen verifier undoes, and what it does not
contract AttacksFreezeTest is Base {
    bytes32 internal constant SECOND_KEY = keccak256("key of another tree");

    function setUp() public override {
        super.setUp();
        _bind(version);
    }

    // ---------------------------------------------------------------- a forged aggregate

    /// An aggregate's verifier accepts anything, and is frozen in the same block: nobody is paid for what it marked.
    function test_Attack_ForgedAggregateIsNotPaidOnceFrozen() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _proveAll(claim);
        assertEq(settlement.provenLayers(claim), ALL);
        _freezeAggregate();
        assertEq(settlement.provenLayers(claim), 0);
        assertEq(lens.describeClaim(claim).provenLayers, 0);
        _challenge(claim, 1);
        _after(_challengeBy(claim));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ChallengesOpen.selector, claim, 1));
        settlement.finalize(claim);
        _after(dispute.challengeOf(claim, 1).answerBy);
        dispute.timeout(claim, 1);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        _collect(claim);
        assertEq(_free(recipient), 0);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
    }

    /// The same in the lane of proofs: what was shown by the frozen key is missing again.
    function test_Attack_ForgedAggregateIsNotPaidInTheLaneOfProofs() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _proveAll(claim);
        assertEq(settlement.missingLayers(claim), 0);
        _freezeAggregate();
        assertEq(settlement.missingLayers(claim), ALL);
        _after(_challengeBy(claim));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotInThisLane.selector, claim));
        settlement.finalize(claim);
        _after(_provenBy(claim));
        settlement.expire(claim);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    /// And in the audited one: drawn layers must be proven anew.
    function test_Attack_ForgedAggregateDoesNotAnswerTheDraw() public {
        bytes32 claim = _claimed(Lane.Audited);
        _proveAll(claim);
        _draw(claim, 2);
        _freezeAggregate();
        _after(_challengeBy(claim));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.DrawnLayersMissing.selector, claim, 1));
        settlement.finalize(claim);
        _prove(claim, 2, 1);
        settlement.finalize(claim);
        _assertClaim(claim, ClaimStatus.Finalized, JobStatus.Settled);
    }

    /// Challenges that the forged aggregate answered were never closed. They are open again, with a full answer window.
    function test_Attack_ForgedAggregateDoesNotCloseChallenges() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        uint64 before = dispute.challengeOf(claim, 2).answerBy;
        _proveAll(claim);
        _demand(claim);
        vm.warp(before + 100);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.LayerIsProven.selector, claim, 2));
        dispute.timeout(claim, 2);
        _freezeAggregate();
        uint64 answerBy = uint64(block.timestamp) + ANSWER;
        assertEq(dispute.challengeOf(claim, 2).answerBy, answerBy);
        vm.warp(answerBy);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOpen.selector, answerBy));
        dispute.timeout(claim, 2);
        vm.warp(answerBy + 1);
        dispute.timeout(claim, 2);
        _collect(claim);
        // The requester's demand was open, too.
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
    }

    /// The window to challenge may have passed while the aggregate stood: there is another one.
    function test_Freeze_GivesChallengersAnotherWindow() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _demand(claim);
        _proveAll(claim);
        _after(_challengeBy(claim));
        _freezeAggregate();
        uint64 challengeBy = uint64(block.timestamp) + WINDOW;
        assertEq(_challengeBy(claim), challengeBy);
        assertEq(_provenBy(claim), challengeBy + ANSWER);
        vm.warp(challengeBy);
        _challenge(claim, 0);
        assertEq(dispute.challengeOf(claim, 0).answerBy, _provenBy(claim));
        vm.warp(challengeBy + 1);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.ChallengeWindowOver.selector, challengeBy));
        dispute.challenge(claim, 1);
    }

    /// A window that the requester waived stays waived.
    function test_Freeze_OpensNoWindowThatWasWaived() public {
        bytes32 claim = _claimedAtOnce();
        _freezeAggregate();
        assertEq(_challengeBy(claim), 0);
        _prove(claim, 0, LAYERS);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    /// What is paid is paid: with a waived window an aggregate settles before anybody can look.
    function test_Freeze_AfterTheEndComesTooLate() public {
        bytes32 claim = _claimedAtOnce();
        _proveAll(claim);
        _freezeAggregate();
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(
            lens.explainStatus(claim), "Proven: every layer is proven by one aggregate proof, and the price is paid."
        );
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Proven));
        settlement.voidClaim(claim);
    }

    // ---------------------------------------------------------------- honest providers

    /// A provider whose aggregate is ready when its key is frozen has a full answer window for layer proofs.
    function test_Attack_FreezeBeforeProveAllDoesNotSlash() public {
        bytes32 claim = _claimed(Lane.Proofs);
        bytes memory proof = _aggregate(claim);
        vm.warp(_provenBy(claim));
        _freezeAggregate();
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.Frozen.selector, AGGREGATE_KEY));
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        uint64 provenBy = uint64(block.timestamp) + ANSWER;
        assertEq(_provenBy(claim), provenBy);
        vm.warp(provenBy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, provenBy + 1));
        settlement.expire(claim);
        _prove(claim, 0, LAYERS);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
    }

    /// The same of one that was about to answer challenges.
    function test_Attack_FreezeBeforeAnAnswerDoesNotSlash() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 0);
        vm.warp(dispute.challengeOf(claim, 0).answerBy);
        _freezeAggregate();
        vm.warp(block.timestamp + ANSWER);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOpen.selector, block.timestamp));
        dispute.timeout(claim, 0);
        dispute.answer(claim, 0, _proof(claim, 0));
        settlement.finalize(claim);
        _collect(claim);
        assertEq(_free(recipient), PRICE + BOND);
    }

    /// An aggregate under another key answers overdue challenges in that time, too.
    function test_Freeze_AnotherAggregateServes() public {
        _addAggregate(SECOND_KEY, SETUP);
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 3);
        _proveAll(claim);
        bytes memory proof = _aggregate(claim);
        _freezeAggregate();
        vm.warp(block.timestamp + ANSWER);
        settlement.proveAll(claim, SECOND_KEY, proof);
        assertEq(book.claim(claim).aggregateKey, SECOND_KEY);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        _collect(claim);
        assertEq(_free(challenger), 10 ether);
    }

    /// A usable key is not replaced, so nobody exchanges it for one that is about to be frozen.
    function test_Freeze_NobodyReplacesAKeyThatStands() public {
        _addAggregate(SECOND_KEY, SETUP);
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory proof = _aggregate(claim);
        settlement.proveAll(claim, SECOND_KEY, proof);
        vm.prank(thief);
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        assertEq(book.claim(claim).aggregateKey, SECOND_KEY);
        _freezeAggregate();
        assertEq(settlement.provenLayers(claim), ALL);
    }

    /// What layers showed by themselves stays.
    function test_Freeze_OfAnAggregateLeavesLayerProofs() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _prove(claim, 0, 2);
        _proveAll(claim);
        _prove(claim, 2, 1);
        _freezeAggregate();
        assertEq(settlement.provenLayers(claim), 7);
        assertEq(settlement.missingLayers(claim), 8);
        _prove(claim, 3, 1);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    /// It delays nobody but for an answer window, and claims under other setups not at all.
    function test_Freeze_UnderAnotherSetupMovesNoDeadline() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        (uint64 challengeBy, uint64 provenBy) = settlement.deadlines(claim);
        _addAggregate(SECOND_KEY, keccak256("another ceremony"));
        vm.warp(challengeBy);
        vm.prank(guardian);
        router.freeze(SECOND_KEY, "");
        assertEq(settlement.graceUntil(claim), 0);
        (uint64 c, uint64 p) = settlement.deadlines(claim);
        assertEq(c, challengeBy);
        assertEq(p, provenBy);
        _freezeAggregate();
        (c, p) = settlement.deadlines(claim);
        assertEq(c, challengeBy, "nothing that the frozen key showed");
        assertEq(p, provenBy, "an answer window is left");
        vm.warp(challengeBy + 1);
        settlement.finalize(claim);
    }

    /// A freeze is no end: neither side can undo a claim by it.
    function test_Freeze_OfAnAggregateVoidsNothing() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _proveAll(claim);
        _freezeAggregate();
        vm.expectRevert(abi.encodeWithSelector(ISettlement.StillUsable.selector, claim));
        settlement.voidClaim(claim);
        assertEq(
            lens.explainStatus(claim),
            "Posted 0 s ago in the optimistic lane: 0 of 4 layers are proven (and the verifier of an aggregate proof was frozen), 0 challenges are open. Next: challengers, LayerDispute.challenge, until 1700003600 (3600 s left)."
        );
    }

    // ---------------------------------------------------------------- a layer's verifier

    /// A forged layer proof earns nothing: the claim is voided, and challengers have their bonds back.
    function test_Attack_ForgedLayerProofTakesNoBond() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        vm.prank(thief);
        dispute.challenge(claim, 2);
        _prove(claim, 2, 1);
        assertEq(uint256(dispute.challengeOf(claim, 2).status), uint256(ChallengeStatus.Answered));
        _freeze(LayerKind.Mlp);
        settlement.voidClaim(claim);
        _assertClaim(claim, ClaimStatus.Voided, JobStatus.Refunded);
        _collect(claim);
        assertEq(_free(challenger), 10 ether);
        assertEq(_free(thief), 10 ether);
        assertEq(_free(recipient), 0);
    }

    /// Whatever an aggregate showed of a version whose layers have a flaw is voided, too.
    function test_Attack_AggregateOverAFrozenLayerIsVoided() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 0);
        _proveAll(claim);
        _freeze(LayerKind.Mlp);
        _after(_challengeBy(claim));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.VersionUnusable.selector, version));
        settlement.finalize(claim);
        settlement.voidClaim(claim);
        _collect(claim);
        assertEq(_free(challenger), 10 ether);
        assertEq(_free(requester), 100 ether);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
    }
}
