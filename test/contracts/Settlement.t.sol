// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IJobMarket, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ILayerDispute } from "../../contracts/interfaces/ILayerDispute.sol";
import { ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { ISettlement } from "../../contracts/interfaces/ISettlement.sol";
import { IVerifierRouter } from "../../contracts/interfaces/IVerifierRouter.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

contract SettlementTest is Base {
    // ---------------------------------------------------------------- proofs

    function test_ProveLayers_AllInOneTransactionSettleAtOnce() public {
        bytes32 claim = _claimedAtOnce();
        bytes[] memory proofs = _proofs(claim, 0, LAYERS);
        vm.expectEmit(address(book));
        emit IClaimBook.LayerProven(claim, 0);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimEnded(claim, ClaimStatus.Proven);
        vm.expectEmit(address(market));
        emit IJobMarket.JobSettled(claim, recipient, PRICE);
        settlement.proveLayers(claim, 0, proofs);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
        assertEq(escrow.encumbered(provider, ETH), 0);
    }

    /// Any split into transactions, in any order.
    function testFuzz_ProveLayers_InAnyOrder(uint256 seed) public {
        bytes32 claim = _claimedAtOnce();
        uint256 proven = 0;
        while (proven != ALL) {
            _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
            assertEq(book.claim(claim).proven, proven);
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 first = seed % LAYERS;
            uint256 count = 1 + (seed >> 8) % (LAYERS - first);
            _prove(claim, first, count);
            proven |= ((1 << count) - 1) << first;
        }
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_ProveLayers_ALayerTwiceIsVerifiedTwice() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _prove(claim, 1, 1);
        _prove(claim, 1, 1);
        assertEq(book.claim(claim).proven, 1 << 1);
        bytes memory proof = _proof(claim, 1);
        proof[127] ^= 0x01;
        vm.expectRevert(ILayerVerifier.ProofRejected.selector);
        settlement.proveLayers(claim, 1, _one(proof));
    }

    function test_ProveLayers_RefusesNothingAndLayersThatAreNotThere() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.expectRevert(ISettlement.NothingToProve.selector);
        settlement.proveLayers(claim, 0, new bytes[](0));
        bytes[] memory proofs = _one(_proof(claim, 0));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NoSuchLayer.selector, LAYERS, LAYERS));
        settlement.proveLayers(claim, LAYERS, proofs);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NoSuchLayer.selector, type(uint256).max, LAYERS));
        settlement.proveLayers(claim, type(uint256).max, proofs);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none")));
        settlement.proveLayers("none", 0, proofs);
    }

    function test_ProveLayers_OneFalseProofRefusesAll() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes[] memory proofs = _proofs(claim, 0, LAYERS);
        proofs[2] = _proof(claim, 1);
        vm.expectRevert();
        settlement.proveLayers(claim, 0, proofs);
        assertEq(book.claim(claim).proven, 0);
    }

    function test_ProveLayers_DeadlineEdge() public {
        Lane[3] memory lanes = [Lane.Proofs, Lane.Optimistic, Lane.Audited];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 claim = _claimed(lanes[i]);
            uint64 provenBy = _provenBy(claim);
            bytes[] memory proofs = _proofs(claim, 1, 1);
            vm.warp(provenBy);
            settlement.proveLayers(claim, 1, proofs);
            vm.warp(provenBy + 1);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.ProvingIsOver.selector, provenBy));
            settlement.proveLayers(claim, 1, proofs);
        }
    }

    /// Proofs do not show that the requester has the tokens: while it may still say that it has not, they wait.
    function test_ProveLayers_WaitsWhileTheOutputCanBeDemanded() public {
        Lane[3] memory lanes = [Lane.Proofs, Lane.Optimistic, Lane.Audited];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 claim = _claimed(lanes[i]);
            uint64 challengeBy = _challengeBy(claim);
            _prove(claim, 0, LAYERS);
            _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
            vm.warp(challengeBy);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, challengeBy + 1));
            settlement.finalize(claim);
            vm.warp(challengeBy + 1);
            settlement.finalize(claim);
            _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        }
    }

    function test_ProveLayers_SettlesAtOnceAfterTheWindow() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _after(_challengeBy(claim));
        _prove(claim, 0, LAYERS);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_ProveLayers_SettlesAtOnceIfTheOutputWasAccepted() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.prank(requester);
        dispute.acceptOutput(claim);
        _prove(claim, 0, LAYERS);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_ProveLayers_ClosesChallenges() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        _challenge(claim, 2);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ChallengesOpen.selector, claim, 2));
        settlement.finalize(claim);
        _prove(claim, 0, LAYERS);
        assertEq(dispute.openCount(claim), 0);
        assertEq(uint256(dispute.challengeOf(claim, 1).status), uint256(ChallengeStatus.Answered));
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        _collect(claim);
        assertEq(_free(recipient), PRICE + 2 * BOND);
        assertEq(_free(challenger), 10 ether - 2 * BOND);
    }

    function test_ProveLayers_CannotAnswerAChallengeWhoseTimeIsOver() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        uint64 answerBy = dispute.challengeOf(claim, 1).answerBy;
        _after(answerBy);
        bytes[] memory proofs = _proofs(claim, 0, LAYERS);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOver.selector, answerBy));
        settlement.proveLayers(claim, 0, proofs);
        _prove(claim, 2, 2);
        assertEq(book.claim(claim).proven, 3 << 2);
    }

    function test_ProveLayers_NotAfterTheEnd() public {
        bytes32 claim = _claimedAtOnce();
        bytes[] memory proofs = _proofs(claim, 0, LAYERS);
        settlement.proveLayers(claim, 0, proofs);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Proven));
        settlement.proveLayers(claim, 0, proofs);
    }

    // ---------------------------------------------------------------- what a proof is checked against

    function test_CheckLayer_Commitments() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes32 x = keccak256("other");
        for (uint256 l = 0; l < LAYERS; ++l) {
            (bytes32 input, bytes32 output) = book.boundariesOf(claim, l);
            bytes32 weights = registry.layer(version, l).weights;
            settlement.checkLayer(claim, l, _proofOf(claim, l, input, output, weights));
            _expectMismatch(claim, l, _proofOf(claim, l, x, output, weights), "input", input, x);
            _expectMismatch(claim, l, _proofOf(claim, l, input, x, weights), "output", output, x);
            _expectMismatch(claim, l, _proofOf(claim, l, input, output, x), "weights", weights, x);
        }
    }

    function test_CheckLayer_VerifiersErrorsComeThrough() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.expectRevert(abi.encodeWithSelector(ILayerVerifier.WrongProofLength.selector, 128, 3));
        settlement.checkLayer(claim, 1, hex"010203");
        _freeze(LayerKind.Attention);
        bytes memory proof = _proof(claim, 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.Frozen.selector, _key(LayerKind.Attention)));
        settlement.checkLayer(claim, 1, proof);
    }

    // ---------------------------------------------------------------- finalize

    function test_Finalize_OptimisticAfterTheWindow() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        uint64 challengeBy = _challengeBy(claim);
        assertEq(challengeBy, block.timestamp + WINDOW);
        vm.warp(challengeBy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, challengeBy + 1));
        settlement.finalize(claim);
        vm.warp(challengeBy + 1);
        settlement.finalize(claim);
        _assertClaim(claim, ClaimStatus.Finalized, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Finalized));
        settlement.finalize(claim);
    }

    function test_Finalize_NeverWithoutProofsInTheirLane() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _prove(claim, 0, LAYERS - 1);
        _after(_challengeBy(claim));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotInThisLane.selector, claim));
        settlement.finalize(claim);
    }

    function test_Finalize_AuditedNeedsTheDrawAndItsLayers() public {
        bytes32 claim = _claimed(Lane.Audited);
        uint64 challengeBy = _challengeBy(claim);
        _after(challengeBy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotRevealed.selector, claim));
        settlement.finalize(claim);
        _draw(claim, 2);
        assertEq(settlement.missingLayers(claim), 1 << 2);
        _prove(claim, 0, 2);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.DrawnLayersMissing.selector, claim, 1));
        settlement.finalize(claim);
        _prove(claim, 2, 1);
        settlement.finalize(claim);
        _assertClaim(claim, ClaimStatus.Finalized, JobStatus.Settled);
    }

    function test_Finalize_AuditedNotBeforeTheWindowIsOver() public {
        bytes32 claim = _claimed(Lane.Audited);
        _draw(claim, 2);
        _prove(claim, 2, 1);
        uint64 challengeBy = _challengeBy(claim);
        vm.warp(challengeBy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, challengeBy + 1));
        settlement.finalize(claim);
        vm.warp(challengeBy + 1);
        settlement.finalize(claim);
        _assertClaim(claim, ClaimStatus.Finalized, JobStatus.Settled);
    }

    /// Who proves all layers needs no draw.
    function test_Finalize_AuditedWithAllLayersNeedsNoDraw() public {
        bytes32 claim = _claimed(Lane.Audited);
        _prove(claim, 0, LAYERS);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    // ---------------------------------------------------------------- expire

    function test_Expire_ProofsThatAreMissing() public {
        bytes32 claim = _claimed(Lane.Proofs);
        uint64 provenBy = _provenBy(claim);
        assertEq(provenBy, block.timestamp + ANSWER);
        _prove(claim, 0, LAYERS - 1);
        assertEq(settlement.missingLayers(claim), 1 << (LAYERS - 1));
        vm.warp(provenBy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, provenBy + 1));
        settlement.expire(claim);
        vm.warp(provenBy + 1);
        settlement.expire(claim);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
        assertEq(escrow.burned(ETH), STAKE * 7 / 10);
        assertEq(_free(recipient), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Defeated));
        settlement.expire(claim);
    }

    function test_Expire_DrawnLayersThatAreMissing() public {
        bytes32 claim = _claimed(Lane.Audited);
        uint64 provenBy = _provenBy(claim);
        assertEq(provenBy, block.timestamp + WINDOW + ANSWER);
        _draw(claim, 1);
        _prove(claim, 0, 1);
        vm.warp(provenBy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, provenBy + 1));
        settlement.expire(claim);
        vm.warp(provenBy + 1);
        settlement.expire(claim);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    /// A provider that does not like its draw cannot hide it.
    function test_Expire_ADrawThatNobodyRevealed() public {
        bytes32 claim = _claimed(Lane.Audited);
        _prove(claim, 0, LAYERS - 1);
        _after(_provenBy(claim));
        settlement.expire(claim);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    function test_Expire_NotIfNothingIsMissing() public {
        bytes32 optimistic = _claimed(Lane.Optimistic);
        bytes32 audited = _claimed(Lane.Audited);
        bytes32 proofs = _claimed(Lane.Proofs);
        _draw(audited, 1);
        _prove(audited, 1, 1);
        _prove(proofs, 0, LAYERS);
        _after(_provenBy(audited));
        bytes32[3] memory claims = [optimistic, audited, proofs];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingMissing.selector, claims[i]));
            settlement.expire(claims[i]);
            settlement.finalize(claims[i]);
        }
    }

    /// A provider cannot take a challenger's reward by ending its claim in another way.
    function test_Expire_OpenChallengesComeFirst() public {
        bytes32 claim = _claimed(Lane.Audited);
        _challenge(claim, 0);
        _draw(claim, 1);
        _after(_provenBy(claim));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ChallengesOpen.selector, claim, 1));
        settlement.expire(claim);
        dispute.timeout(claim, 0);
        _collect(claim);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
    }

    // ---------------------------------------------------------------- void, defeat

    function test_VoidClaim_EverybodyGetsTheirMoneyBack() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.StillUsable.selector, claim));
        settlement.voidClaim(claim);
        _freeze(LayerKind.Mlp);
        vm.prank(thief);
        settlement.voidClaim(claim);
        _assertClaim(claim, ClaimStatus.Voided, JobStatus.Refunded);
        dispute.resolve(claim, 0, challenger);
        assertEq(_free(requester), 100 ether);
        assertEq(_free(challenger), 10 ether);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Voided));
        settlement.voidClaim(claim);
    }

    function test_UnusableVersion_OnlyVoidingEndsAClaim() public {
        bytes32 optimistic = _claimed(Lane.Optimistic);
        bytes32 challenged = _claimed(Lane.Optimistic);
        bytes32 proofs = _claimed(Lane.Proofs);
        bytes32 proven = _claimed(Lane.Proofs);
        _challenge(challenged, 1);
        _prove(proven, 0, LAYERS);
        bytes[] memory last = _proofs(proofs, 3, 1);
        _prove(proofs, 0, 3);
        _freeze(LayerKind.Attention);
        bytes memory unusable = abi.encodeWithSelector(ISettlement.VersionUnusable.selector, version);
        // The head's verifier is not frozen: it verifies, but the claim does not end.
        _after(_challengeBy(proofs));
        vm.expectRevert(unusable);
        settlement.proveLayers(proofs, 3, last);
        _after(_provenBy(optimistic));
        vm.expectRevert(unusable);
        settlement.finalize(optimistic);
        vm.expectRevert(unusable);
        settlement.finalize(proven);
        vm.expectRevert(unusable);
        settlement.expire(proofs);
        vm.expectRevert(unusable);
        dispute.timeout(challenged, 1);
        bytes32[4] memory claims = [optimistic, challenged, proofs, proven];
        for (uint256 i = 0; i < 4; ++i) {
            settlement.voidClaim(claims[i]);
        }
        assertEq(_free(requester), 100 ether);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
    }

    function test_Defeat_OnlyByTheDispute() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotDispute.selector, thief));
        settlement.defeat(claim);
    }

    // ---------------------------------------------------------------- views

    function test_Deadlines_OfALaneWithoutAWindow() public {
        bytes32 claim = _claimedAtOnce();
        (uint64 challengeBy, uint64 provenBy) = settlement.deadlines(claim);
        assertEq(challengeBy, 0);
        assertEq(provenBy, block.timestamp + ANSWER);
    }

    function test_MissingLayers() public {
        bytes32 audited = _claimed(Lane.Audited);
        assertEq(settlement.missingLayers(_claimed(Lane.Optimistic)), 0);
        assertEq(settlement.missingLayers(_claimed(Lane.Proofs)), ALL);
        assertEq(settlement.missingLayers(audited), ALL);
        _draw(audited, 3);
        assertEq(settlement.missingLayers(audited), 1 << 3);
        _prove(audited, 3, 1);
        assertEq(settlement.missingLayers(audited), 0);
    }

    function test_ERC165() public view {
        assertTrue(settlement.supportsInterface(type(ISettlement).interfaceId));
        assertFalse(settlement.supportsInterface(0xffffffff));
    }

    function test_Getters() public view {
        assertEq(address(settlement.market()), address(market));
        assertEq(address(settlement.book()), address(book));
        assertEq(address(settlement.registry()), address(registry));
        assertEq(address(settlement.router()), address(router));
        assertEq(address(settlement.beacon()), address(beacon));
        assertEq(address(settlement.dispute()), address(dispute));
    }

    function _expectMismatch(
        bytes32 claim,
        uint256 layer,
        bytes memory proof,
        string memory which,
        bytes32 expected,
        bytes32 got
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, claim, layer, which, expected, got)
        );
        settlement.checkLayer(claim, layer, proof);
    }
}
