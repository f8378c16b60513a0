// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "../../contracts/interfaces/IBondEscrow.sol";
import { IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { Challenge, ILayerDispute } from "../../contracts/interfaces/ILayerDispute.sol";
import { ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { ISettlement } from "../../contracts/interfaces/ISettlement.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

contract LayerDisputeTest is Base {
    uint256 internal constant OUTPUT = LAYERS;

    // ---------------------------------------------------------------- layers

    function test_Challenge_HoldsTheBond() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        uint64 answerBy = uint64(block.timestamp) + ANSWER;
        vm.expectEmit(address(dispute));
        emit ILayerDispute.Challenged(claim, 2, challenger, answerBy, BOND);
        _challenge(claim, 2);
        Challenge memory c = dispute.challengeOf(claim, 2);
        assertEq(uint256(c.status), uint256(ChallengeStatus.Open));
        assertEq(c.challenger, challenger);
        assertEq(c.answerBy, answerBy);
        assertEq(c.bond, BOND);
        assertEq(dispute.openCount(claim), 1);
        assertEq(_free(challenger), 10 ether - BOND);
    }

    function test_Challenge_DeadlineEdge() public {
        bytes32 claim = _claimed(Lane.Audited);
        uint64 challengeBy = _challengeBy(claim);
        vm.warp(challengeBy);
        _challenge(claim, 0);
        assertEq(dispute.challengeOf(claim, 0).answerBy, _provenBy(claim), "the last challenge ends with the claim");
        vm.warp(challengeBy + 1);
        _expectChallenge(claim, 1, abi.encodeWithSelector(ILayerDispute.ChallengeWindowOver.selector, challengeBy));
    }

    function test_Challenge_NotTwice() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        _expectChallenge(claim, 1, abi.encodeWithSelector(ILayerDispute.AlreadyChallenged.selector, claim, 1));
        _prove(claim, 1, 1);
        _expectChallenge(claim, 1, abi.encodeWithSelector(ILayerDispute.LayerIsProven.selector, claim, 1));
    }

    function test_Challenge_RefusesWhatCannotBeChallenged() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _expectChallenge(claim, LAYERS, abi.encodeWithSelector(ILayerDispute.NoSuchLayer.selector, LAYERS, LAYERS));
        _expectChallenge("none", 0, abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none")));
        // A bit shifted out of a word must not read as "not proven" or wrap.
        _expectChallenge(
            claim,
            type(uint256).max,
            abi.encodeWithSelector(ILayerDispute.NoSuchLayer.selector, type(uint256).max, LAYERS)
        );
        vm.prank(relayer);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientFree.selector, relayer, ETH, BOND, 0));
        dispute.challenge(claim, 0);
    }

    function test_Challenge_NotInTheLaneOfProofs() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _expectChallenge(claim, 0, abi.encodeWithSelector(ISettlement.NotInThisLane.selector, claim));
    }

    function test_Challenge_NotAfterTheEnd() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        _expectChallenge(
            claim, 0, abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Finalized)
        );
    }

    function test_Answer_PaysTheRecipient() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        bytes memory proof = _proof(claim, 2);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, 2, ChallengeStatus.Answered);
        vm.prank(thief);
        dispute.answer(claim, 2, proof);
        assertEq(_free(recipient), BOND);
        assertEq(_free(thief), 10 ether);
        assertEq(dispute.openCount(claim), 0);
        assertEq(book.claim(claim).proven, 1 << 2);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 2));
        dispute.answer(claim, 2, proof);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 2));
        dispute.resolve(claim, 2);
    }

    function test_Answer_TheLastMissingLayerSettles() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        _prove(claim, 0, 2);
        _prove(claim, 3, 1);
        _after(_challengeBy(claim));
        dispute.answer(claim, 2, _proof(claim, 2));
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), BOND + PRICE);
    }

    function test_Answer_OnlyByAValidProof() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        bytes memory proof = _proof(claim, 2);
        proof[127] ^= 0x01;
        vm.expectRevert(ILayerVerifier.ProofRejected.selector);
        dispute.answer(claim, 2, proof);
        proof = _proof(claim, 2);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 1));
        dispute.answer(claim, 1, proof);
    }

    /// At every second exactly one of answer and timeout is allowed.
    function testFuzz_AnswerOrTimeout(uint32 after_) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        uint64 answerBy = uint64(block.timestamp) + ANSWER;
        _challenge(claim, 2);
        uint256 t = block.timestamp + bound(after_, 0, WINDOW + ANSWER);
        _assertAnswerOrTimeout(claim, t, answerBy);
    }

    function test_AnswerOrTimeout_Edge() public {
        for (uint256 d = 0; d < 3; ++d) {
            bytes32 claim = _claimed(Lane.Audited);
            _challenge(claim, 2);
            uint64 answerBy = dispute.challengeOf(claim, 2).answerBy;
            _assertAnswerOrTimeout(claim, answerBy - 1 + d, answerBy);
        }
    }

    function _assertAnswerOrTimeout(bytes32 claim, uint256 t, uint64 answerBy) private {
        vm.warp(t);
        bytes memory proof = _proof(claim, 2);
        if (t <= answerBy) {
            vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOpen.selector, answerBy));
            dispute.timeout(claim, 2);
            dispute.answer(claim, 2, proof);
            _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
        } else {
            vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOver.selector, answerBy));
            dispute.answer(claim, 2, proof);
            dispute.timeout(claim, 2);
            _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        }
    }

    function test_Timeout_SilenceLoses() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        _after(dispute.challengeOf(claim, 2).answerBy);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, 2, ChallengeStatus.TimedOut);
        vm.prank(thief);
        dispute.timeout(claim, 2);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
        assertEq(escrow.burned(ETH), STAKE * 3 / 10);
        assertEq(_free(thief), 10 ether);
        assertEq(escrow.bonded(provider, ETH), 9 * STAKE);
    }

    function test_Timeout_OnlyOpenChallenges() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        _challenge(claim, 2);
        _after(_provenBy(claim));
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 0));
        dispute.timeout(claim, 0);
        dispute.timeout(claim, 1);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Defeated));
        dispute.timeout(claim, 2);
    }

    function test_Resolve_OthersBondsComeBackWhenAClaimIsDefeated() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        vm.prank(thief);
        dispute.challenge(claim, 2);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.Undecided.selector, claim, 2));
        dispute.resolve(claim, 2);
        _after(dispute.challengeOf(claim, 1).answerBy);
        dispute.timeout(claim, 1);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, 2, ChallengeStatus.Cancelled);
        dispute.resolve(claim, 2);
        assertEq(_free(thief), 10 ether);
        assertEq(dispute.openCount(claim), 0);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 2));
        dispute.resolve(claim, 2);
    }

    // ---------------------------------------------------------------- output

    function test_DemandOutput_ByTheRequesterUntilChallengeBy() public {
        Lane[3] memory lanes = [Lane.Proofs, Lane.Optimistic, Lane.Audited];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 inTime = _claimed(lanes[i]);
            bytes32 late = _claimed(lanes[i]);
            uint64 challengeBy = _challengeBy(late);
            vm.prank(thief);
            vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotRequester.selector, requester, thief));
            dispute.demandOutput(inTime);
            vm.warp(challengeBy);
            vm.expectEmit(address(dispute));
            emit ILayerDispute.Challenged(inTime, OUTPUT, requester, challengeBy + ANSWER, 0);
            _demand(inTime);
            vm.prank(requester);
            vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AlreadyChallenged.selector, inTime, OUTPUT));
            dispute.demandOutput(inTime);
            vm.warp(challengeBy + 1);
            vm.prank(requester);
            vm.expectRevert(abi.encodeWithSelector(ILayerDispute.ChallengeWindowOver.selector, challengeBy));
            dispute.demandOutput(late);
        }
    }

    function test_DemandOutput_NotIfItWasWaived() public {
        bytes32 claim = _claimedAtOnce();
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.ChallengeWindowOver.selector, 0));
        dispute.demandOutput(claim);
    }

    function test_RevealOutput_AnswersAndCostsNobodyABond() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        uint256 free = _free(requester);
        _demand(claim);
        assertEq(_free(requester), free);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.OutputRevealed(claim, SALT, _tokens());
        vm.prank(relayer);
        dispute.revealOutput(claim, SALT, _tokens());
        assertEq(uint256(dispute.challengeOf(claim, OUTPUT).status), uint256(ChallengeStatus.Answered));
        assertEq(_free(requester), free);
        assertEq(_free(recipient), 0);
        _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
    }

    function test_RevealOutput_SettlesWhatIsProven() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _demand(claim);
        _prove(claim, 0, LAYERS);
        _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ChallengesOpen.selector, claim, 1));
        settlement.finalize(claim);
        dispute.revealOutput(claim, SALT, _tokens());
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
    }

    function test_RevealOutput_OnlyTheClaimedTokens() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, OUTPUT));
        dispute.revealOutput(claim, SALT, _tokens());
        _demand(claim);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.WrongTokenCount.selector, 2, 3));
        dispute.revealOutput(claim, SALT, new uint32[](3));
        uint32[] memory tokens = _tokens();
        tokens[1] = 1 << 24;
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.TokenTooLarge.selector, 1));
        dispute.revealOutput(claim, SALT, tokens);
        tokens[1] = 1;
        bytes32 other = this.outputDigest(tokens, SALT);
        bytes32 expected = book.claim(claim).outputDigest;
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputMismatch.selector, expected, other));
        dispute.revealOutput(claim, SALT, tokens);
        other = this.outputDigest(_tokens(), SALT + 1);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputMismatch.selector, expected, other));
        dispute.revealOutput(claim, SALT + 1, _tokens());
    }

    function test_RevealOrTimeout_Edge() public {
        for (uint256 d = 0; d < 3; ++d) {
            bytes32 claim = _claimed(Lane.Proofs);
            _demand(claim);
            uint64 answerBy = dispute.challengeOf(claim, OUTPUT).answerBy;
            _prove(claim, 0, LAYERS);
            vm.warp(answerBy - 1 + d);
            if (d < 2) {
                vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOpen.selector, answerBy));
                dispute.timeout(claim, OUTPUT);
                dispute.revealOutput(claim, SALT, _tokens());
                _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
            } else {
                vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOver.selector, answerBy));
                dispute.revealOutput(claim, SALT, _tokens());
                dispute.timeout(claim, OUTPUT);
                _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
            }
        }
    }

    function test_Answer_IsNotForTheOutput() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _demand(claim);
        bytes memory proof = _proof(claim, 3);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NoSuchLayer.selector, OUTPUT, LAYERS));
        dispute.answer(claim, OUTPUT, proof);
    }

    function test_AcceptOutput_ClosesTheOutput() public {
        bytes32 claim = _claimed(Lane.Proofs);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotRequester.selector, requester, thief));
        dispute.acceptOutput(claim);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, OUTPUT, ChallengeStatus.Answered);
        vm.prank(requester);
        dispute.acceptOutput(claim);
        bytes memory closed = abi.encodeWithSelector(ILayerDispute.AlreadyChallenged.selector, claim, OUTPUT);
        vm.startPrank(requester);
        vm.expectRevert(closed);
        dispute.acceptOutput(claim);
        vm.expectRevert(closed);
        dispute.demandOutput(claim);
        assertEq(dispute.openCount(claim), 0);
    }

    function test_AcceptOutput_SettlesWhatIsProven() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _prove(claim, 0, LAYERS);
        vm.prank(requester);
        dispute.acceptOutput(claim);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_AcceptOutput_DoesNotReplaceProofs() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.prank(requester);
        dispute.acceptOutput(claim);
        _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
        _challenge(claim, 0);
        _after(dispute.challengeOf(claim, 0).answerBy);
        dispute.timeout(claim, 0);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    function test_Output_NotAfterTheEnd() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        bytes memory over = abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Finalized);
        vm.startPrank(requester);
        vm.expectRevert(over);
        dispute.demandOutput(claim);
        vm.expectRevert(over);
        dispute.acceptOutput(claim);
        vm.expectRevert(over);
        dispute.revealOutput(claim, SALT, _tokens());
    }

    function test_ERC165() public view {
        assertTrue(dispute.supportsInterface(type(ILayerDispute).interfaceId));
        assertFalse(dispute.supportsInterface(0xffffffff));
    }

    function test_Getters() public view {
        assertEq(address(dispute.escrow()), address(escrow));
        assertEq(address(dispute.market()), address(market));
        assertEq(address(dispute.book()), address(book));
        assertEq(address(dispute.registry()), address(registry));
        assertEq(address(dispute.settlement()), address(settlement));
    }

    function _expectChallenge(bytes32 claim, uint256 layer, bytes memory revertData) private {
        vm.prank(challenger);
        vm.expectRevert(revertData);
        dispute.challenge(claim, layer);
    }
}
