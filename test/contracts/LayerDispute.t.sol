// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "../../contracts/interfaces/IBondEscrow.sol";
import { ClaimHeader, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
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
        assertEq(dispute.openCount(claim), 0);
        assertEq(book.claim(claim).proven, 1 << 2);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 2));
        dispute.answer(claim, 2, proof);
        // Not before it is certain that the proof counts.
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.Undecided.selector, claim, 2));
        dispute.resolve(claim, 2, challenger);
        assertEq(_free(recipient), 0);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeResolved(claim, 2, challenger, recipient, 0);
        dispute.resolve(claim, 2, challenger);
        assertEq(_free(recipient), PRICE + BOND);
        assertEq(_free(thief), 10 ether);
        assertEq(_free(challenger), 10 ether - BOND);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 2));
        dispute.resolve(claim, 2, challenger);
    }

    function test_Answer_TheLastMissingLayerSettles() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        _prove(claim, 0, 2);
        _prove(claim, 3, 1);
        _after(_challengeBy(claim));
        dispute.answer(claim, 2, _proof(claim, 2));
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        _collect(claim);
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
        assertEq(_free(challenger), 10 ether - BOND);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeResolved(claim, 2, challenger, challenger, STAKE * 4 / 10);
        vm.prank(thief);
        dispute.resolve(claim, 2, challenger);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 2));
        dispute.resolve(claim, 2, challenger);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
        assertEq(_free(address(dispute)), 0);
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

    /// All that are open share, though only one is overdue.
    function test_Resolve_EveryOpenChallengeSharesTheReward() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        vm.prank(thief);
        dispute.challenge(claim, 2);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.Undecided.selector, claim, 2));
        dispute.resolve(claim, 2, thief);
        _after(dispute.challengeOf(claim, 1).answerBy);
        dispute.timeout(claim, 1);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, 2, ChallengeStatus.TimedOut);
        dispute.resolve(claim, 2, thief);
        assertEq(_free(thief), 10 ether + STAKE * 2 / 10);
        assertEq(dispute.openCount(claim), 0);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 2));
        dispute.resolve(claim, 2, thief);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, 1));
        dispute.resolve(claim, 1, thief);
        dispute.resolve(claim, 1, challenger);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
        assertEq(_free(address(dispute)), 0);
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
        bytes memory tokens = _pack(_tokens());
        bytes memory signature = _signReveal(claim, SALT, tokens);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.OutputRevealed(claim, SALT, tokens);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, OUTPUT, ChallengeStatus.Revealed);
        vm.prank(relayer);
        dispute.revealOutput(claim, SALT, tokens, signature);
        Challenge memory c = dispute.challengeOf(claim, OUTPUT);
        assertEq(uint256(c.status), uint256(ChallengeStatus.Revealed));
        assertEq(c.answerBy, block.timestamp + WINDOW);
        assertEq(dispute.openCount(claim), 0);
        _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        assertEq(dispute.openBonds(claim).length, 0);
        assertEq(_free(requester), free);
        assertEq(_free(recipient), PRICE);
    }

    /// The provider needs no signature.
    function test_RevealOutput_ByTheProviderItself() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _demand(claim);
        vm.prank(provider);
        dispute.revealOutput(claim, SALT, _pack(_tokens()), "");
        assertEq(uint256(dispute.challengeOf(claim, OUTPUT).status), uint256(ChallengeStatus.Revealed));
    }

    /// What was revealed may be disputed for a challenge window, in every lane and however the claim would end: only then
    /// it is paid.
    function test_RevealOutput_SettlesOnceItCannotBeDisputed() public {
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 claim = _claimed(i == 0 ? Lane.Proofs : Lane.Optimistic);
            vm.warp(_challengeBy(claim));
            _demand(claim);
            if (i < 2) _prove(claim, 0, LAYERS);
            _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.ChallengesOpen.selector, claim, 1));
            settlement.finalize(claim);
            _reveal(claim);
            _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
            uint64 disputeBy = dispute.challengeOf(claim, OUTPUT).answerBy;
            vm.warp(disputeBy);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, disputeBy + 1));
            settlement.finalize(claim);
            uint256 free = _free(recipient);
            if (i == 3) {
                vm.prank(requester);
                dispute.acceptOutput(claim);
            } else {
                vm.warp(disputeBy + 1);
            }
            settlement.finalize(claim);
            _assertClaim(claim, i < 2 ? ClaimStatus.Proven : ClaimStatus.Finalized, JobStatus.Settled);
            assertEq(_free(recipient), free + PRICE);
        }
    }

    /// Layer proofs and aggregates wait, too.
    function test_RevealOutput_ProofsWaitForTheDispute() public {
        _bind(version);
        bytes32[2] memory claims = [_claimed(Lane.Proofs), _claimed(Lane.Proofs)];
        for (uint256 i = 0; i < 2; ++i) {
            _demand(claims[i]);
            _reveal(claims[i]);
        }
        _prove(claims[0], 0, LAYERS);
        _proveAll(claims[1]);
        for (uint256 i = 0; i < 2; ++i) {
            _assertClaim(claims[i], ClaimStatus.Posted, JobStatus.Claimed);
            vm.prank(requester);
            dispute.acceptOutput(claims[i]);
            _assertClaim(claims[i], ClaimStatus.Proven, JobStatus.Settled);
        }
    }

    /// Whoever is not the provider, nor has its signature, is not believed: what it sends is checked at once.
    function test_RevealOutput_ByAnybodyIsComputedAtOnce() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory tokens = _pack(_tokens());
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotChallenged.selector, claim, OUTPUT));
        dispute.revealOutput(claim, SALT, tokens, "");
        _demand(claim);
        uint32[] memory wrong = _tokens();
        wrong[1] = 1;
        bytes32 other = _outputDigest(wrong, SALT);
        bytes32 expected = book.claim(claim).outputDigest;
        bytes memory packed = _pack(wrong);
        vm.startPrank(thief);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputMismatch.selector, expected, other));
        dispute.revealOutput(claim, SALT, packed, "");
        other = _outputDigest(_tokens(), SALT + 1);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputMismatch.selector, expected, other));
        dispute.revealOutput(claim, SALT + 1, tokens, "");
        assertEq(uint256(dispute.challengeOf(claim, OUTPUT).status), uint256(ChallengeStatus.Open));
        vm.stopPrank();
        _prove(claim, 0, LAYERS);
        vm.prank(thief);
        dispute.revealOutput(claim, SALT, tokens, "");
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    /// Not for other tokens, not of another claim, not by another key: then it counts as none.
    function test_RevealOutput_ASignatureIsOfOneAnswer() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes32 other = _claimed(Lane.Optimistic);
        _demand(claim);
        bytes memory tokens = _pack(_tokens());
        uint32[] memory wrong = _tokens();
        wrong[0] = 18;
        bytes memory packed = _pack(wrong);
        bytes[4] memory signatures = [
            _signReveal(claim, SALT, tokens),
            _signReveal(other, SALT, packed),
            _signReveal(claim, SALT + 1, packed),
            _sign(requesterKey, book.revealDigest(claim, keccak256(abi.encodePacked(SALT, packed))))
        ];
        for (uint256 i = 0; i < signatures.length; ++i) {
            vm.expectPartialRevert(ILayerDispute.OutputMismatch.selector);
            dispute.revealOutput(claim, SALT, packed, signatures[i]);
        }
        _reveal(claim, SALT, packed);
    }

    function test_RevealOutput_OfTheOrderedLengthOnly() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _demand(claim);
        for (uint256 length = 0; length < 12; ++length) {
            if (length == 6) continue;
            vm.prank(provider);
            vm.expectRevert(abi.encodeWithSelector(ILayerDispute.WrongOutputLength.selector, 6, length));
            dispute.revealOutput(claim, SALT, new bytes(length), "");
        }
    }

    function test_DisputeOutput_WrongTokensLoseAsSilenceDoes() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _demand(claim);
        _prove(claim, 0, LAYERS);
        bytes memory wrong = hex"000011000001";
        _reveal(claim, SALT, wrong);
        vm.warp(dispute.challengeOf(claim, OUTPUT).answerBy);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, OUTPUT, ChallengeStatus.TimedOut);
        vm.prank(requester);
        dispute.disputeOutput(claim, SALT, wrong);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        _collect(claim);
        assertEq(_free(requester), 100 ether + STAKE * 7 / 10);
        assertEq(_free(recipient), 0);
        assertEq(escrow.bonded(provider, ETH), 9 * STAKE);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Defeated));
        vm.prank(requester);
        dispute.disputeOutput(claim, SALT, wrong);
    }

    function test_DisputeOutput_RightTokensChangeNothing() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _demand(claim);
        _reveal(claim);
        bytes memory tokens = _pack(_tokens());
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputIsRight.selector, claim));
        dispute.disputeOutput(claim, SALT, tokens);
        // Neither other tokens nor another salt than those published convict anybody.
        vm.startPrank(requester);
        bytes memory other = abi.encodeWithSelector(ILayerDispute.NotTheRevealedOutput.selector, claim);
        vm.expectRevert(other);
        dispute.disputeOutput(claim, SALT + 1, tokens);
        tokens[5] ^= 0x01;
        vm.expectRevert(other);
        dispute.disputeOutput(claim, SALT, tokens);
        vm.stopPrank();
        _after(dispute.challengeOf(claim, OUTPUT).answerBy);
        settlement.finalize(claim);
        assertEq(_free(recipient), PRICE);
    }

    function test_DisputeOutput_ByTheRequesterInTimeOnly() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory wrong = hex"000011000001";
        vm.startPrank(requester);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputNotRevealed.selector, claim));
        dispute.disputeOutput(claim, SALT, wrong);
        dispute.demandOutput(claim);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputNotRevealed.selector, claim));
        dispute.disputeOutput(claim, SALT, wrong);
        vm.stopPrank();
        _reveal(claim, SALT, wrong);
        address[3] memory others = [thief, challenger, provider];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotRequester.selector, requester, others[i]));
            dispute.disputeOutput(claim, SALT, wrong);
        }
        uint64 disputeBy = dispute.challengeOf(claim, OUTPUT).answerBy;
        _after(disputeBy);
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.DisputeWindowOver.selector, disputeBy));
        dispute.disputeOutput(claim, SALT, wrong);
        // Nor once the requester accepted.
        bytes32 accepted = _claimed(Lane.Optimistic);
        _demand(accepted);
        _reveal(accepted, SALT, wrong);
        vm.startPrank(requester);
        dispute.acceptOutput(accepted);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputNotRevealed.selector, accepted));
        dispute.disputeOutput(accepted, SALT, wrong);
    }

    /// What answers one claim answers no other: signed for it, it is a wrong answer.
    function test_DisputeOutput_ReplayAcrossClaims() public {
        bytes32 first = _claimed(Lane.Optimistic);
        _demand(first);
        _reveal(first);
        bytes32 second = _locked(Lane.Optimistic);
        ClaimHeader memory header = _header(second);
        uint32[] memory others = _tokens();
        others[0] = 99;
        header.outputDigest = _outputDigest(others, SALT);
        _post(header);
        _demand(second);
        bytes memory tokens = _pack(_tokens());
        bytes memory signature = _signReveal(first, SALT, tokens);
        vm.expectPartialRevert(ILayerDispute.OutputMismatch.selector);
        dispute.revealOutput(second, SALT, tokens, signature);
        _reveal(second);
        // Neither is the second's answer held against the first.
        bytes memory packed = _pack(others);
        vm.startPrank(requester);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.NotTheRevealedOutput.selector, first));
        dispute.disputeOutput(first, SALT, packed);
        dispute.disputeOutput(second, SALT, tokens);
        _assertClaim(second, ClaimStatus.Defeated, JobStatus.Slashed);
        _assertClaim(first, ClaimStatus.Posted, JobStatus.Claimed);
    }

    /// Challengers of layers share what the requester won for all.
    function test_DisputeOutput_OpenChallengesShare() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        _demand(claim);
        _reveal(claim, SALT, hex"000011000001");
        vm.prank(requester);
        dispute.disputeOutput(claim, SALT, hex"000011000001");
        _collect(claim);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
        assertEq(_free(requester), 100 ether + STAKE * 5 / 10);
        assertEq(_free(address(dispute)), 0);
    }

    /// A requester that got the tokens elsewhere takes its demand back.
    function test_AcceptOutput_AfterADemand() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _demand(claim);
        _prove(claim, 0, LAYERS);
        vm.prank(requester);
        dispute.acceptOutput(claim);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(dispute.openCount(claim), 0);
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
                _reveal(claim);
                _after(dispute.challengeOf(claim, OUTPUT).answerBy);
                settlement.finalize(claim);
                _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
            } else {
                vm.prank(provider);
                vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOver.selector, answerBy));
                dispute.revealOutput(claim, SALT, new bytes(6), "");
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
        dispute.revealOutput(claim, SALT, new bytes(6), "");
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
