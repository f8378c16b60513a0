// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "../../contracts/interfaces/IBondEscrow.sol";
import { Challenge, Claim, ClaimHeader, ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Mode, OUTPUT, WHOLE } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

/// @title Challenges of layers, of whole claims, and of withheld output
contract ChallengesTest is Base {
    // ---------------------------------------------------------------- layers

    function test_Challenge_HoldsTheBond() public {
        bytes32 id = _claimed(Mode.Optimistic);
        uint64 answerBy = uint64(block.timestamp) + ANSWER;
        vm.expectEmit(address(book));
        emit IClaimBook.Challenged(id, 2, challenger, answerBy, BOND, 0);
        _challenge(id, 2);
        Challenge memory c = book.challengeOf(id, 2);
        assertEq(uint256(c.status), uint256(ChallengeStatus.Open));
        assertEq(c.challengers, 1);
        assertEq(c.answerBy, answerBy);
        assertEq(book.stateOf(id).challenged, 1 << 2);
        assertEq(_openCount(id), 1);
        assertEq(_free(challenger), 10 ether - BOND);
        (address account,, uint256 held,) = escrow.holdOf(_challengeHold(id, 2, challenger));
        assertEq(account, challenger);
        assertEq(held, BOND);
    }

    /// Whoever answers for the whole claim answers for each layer, so its bond is that of all.
    function test_Challenge_OfTheWholeClaimHoldsTheBondsOfAllLayers() public {
        bytes32 id = _claimed(Mode.Optimistic);
        uint64 answerBy = uint64(block.timestamp) + ANSWER;
        vm.expectEmit(address(book));
        emit IClaimBook.Challenged(id, WHOLE, challenger, answerBy, LAYERS * BOND, SEED);
        vm.prank(challenger);
        book.challenge(_claim(id), WHOLE, SEED);
        assertEq(_free(challenger), 10 ether - LAYERS * BOND);
        assertEq(book.stateOf(id).challenged, 1 << WHOLE);
    }

    function test_Challenge_DeadlineEdge() public {
        bytes32 id = _claimed(Mode.Audited);
        uint64 challengeBy = _challengeBy(id);
        vm.warp(challengeBy);
        _challenge(id, 0);
        assertEq(_answerBy(id, 0), _provenBy(id), "the last challenge ends with the claim");
        vm.warp(challengeBy + 1);
        _expectChallenge(id, 1, abi.encodeWithSelector(IClaimBook.ChallengeWindowOver.selector, challengeBy));
    }

    function test_Challenge_NotTwice() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        bytes memory held = abi.encodeWithSelector(IBondEscrow.HoldExists.selector, _challengeHold(id, 1, challenger));
        _expectChallenge(id, 1, held);
        _prove(id, 1 << 1);
        _expectChallenge(id, 1, abi.encodeWithSelector(IClaimBook.LayerIsProven.selector, id, 1));
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.LayerIsProven.selector, id, 1));
        book.challenge(_claim(id), 1, 0);
    }

    function test_Challenge_NotOfTheWholeClaimOnceAllIsProven() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _prove(id, 7);
        _proveAll(id);
        _expectChallenge(id, 3, abi.encodeWithSelector(IClaimBook.LayerIsProven.selector, id, 3));
        _expectChallenge(id, WHOLE, abi.encodeWithSelector(IClaimBook.LayerIsProven.selector, id, WHOLE));
    }

    function test_Challenge_RefusesWhatCannotBeChallenged() public {
        bytes32 id = _claimed(Mode.Optimistic);
        // A bit shifted out of a word must not read as "not proven" or wrap.
        uint256[5] memory targets = [LAYERS, WHOLE - 1, OUTPUT, 1 << 128, type(uint256).max];
        for (uint256 i = 0; i < targets.length; ++i) {
            bytes memory none = abi.encodeWithSelector(IClaimBook.NoSuchTarget.selector, targets[i], LAYERS);
            _expectChallenge(id, targets[i], none);
            assertEq(uint256(book.challengeOf(id, targets[i]).status), 0);
        }
        Claim memory other = _claim(id);
        other.job = "none";
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, keccak256(abi.encode(other))));
        book.challenge(other, 0, 0);
        vm.prank(relayer);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientFree.selector, relayer, ETH, BOND, 0));
        book.challenge(_claim(id), 0, 0);
    }

    /// Only the session's own seed can be published with a challenge.
    function testFuzz_Challenge_RefusesAnotherSeed(bytes32 seed) public {
        vm.assume(seed != SEED && seed != 0);
        bytes32 id = _claimed(Mode.Optimistic);
        bytes32 expected = keccak256(abi.encode(SEED));
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.SeedMismatch.selector, expected, keccak256(abi.encode(seed))));
        book.challenge(_claim(id), 0, seed);
    }

    function test_Challenge_NotInTheModeOfProofs() public {
        bytes32 id = _claimed(Mode.Proofs);
        _expectChallenge(id, 0, abi.encodeWithSelector(IClaimBook.NotInThisMode.selector, id));
        _expectChallenge(id, WHOLE, abi.encodeWithSelector(IClaimBook.NotInThisMode.selector, id));
    }

    function test_Challenge_NotAfterTheEnd() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _after(_challengeBy(id));
        _finalize(id);
        _expectChallenge(id, 0, abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Finalized));
    }

    function test_Answer_PaysTheRecipient() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 2);
        ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 2));
        bytes memory proof = _final(proofs, _tree(1));
        vm.expectEmit(address(book));
        emit IClaimBook.LayersProven(id, 1 << 2);
        vm.prank(thief);
        book.prove(proofs, _tree(1), proof);
        assertEq(_openCount(id), 0);
        assertEq(book.stateOf(id).proven, 1 << 2);
        _assertChallenge(id, 2, ChallengeStatus.Answered);
        // Not before it is certain that the proof counts.
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.Undecided.selector, id, 2));
        book.resolve(_claim(id), 2, challenger);
        assertEq(_free(recipient), 0);
        _after(_challengeBy(id));
        _finalize(id);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.UnknownHold.selector, _challengeHold(id, 2, thief)));
        book.resolve(_claim(id), 2, thief);
        vm.expectEmit(address(book));
        emit IClaimBook.ChallengeResolved(id, 2, challenger, recipient, 0);
        book.resolve(_claim(id), 2, challenger);
        assertEq(_free(recipient), PRICE + BOND);
        assertEq(_free(thief), 10 ether);
        assertEq(_free(challenger), 10 ether - BOND);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, 2));
        book.resolve(_claim(id), 2, challenger);
    }

    function test_Answer_TheLastMissingLayerSettles() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 2);
        _prove(id, 11);
        _after(_challengeBy(id));
        _prove(id, 1 << 2);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        _assertChallenge(id, 2, ChallengeStatus.Answered);
        _collect(id);
        assertEq(_free(recipient), BOND + PRICE);
    }

    function test_Answer_OnlyByAValidProof() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 2);
        ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 2));
        bytes memory proof = _final(proofs, _tree(1));
        proof[127] ^= 0x01;
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, _tree(1), proof);
        // That of another layer answers that one only.
        _prove(id, 1 << 1);
        _assertChallenge(id, 2, ChallengeStatus.Open);
    }

    /// At every second exactly one of answer and timeout is allowed.
    function testFuzz_AnswerOrTimeout(uint32 after_) public {
        bytes32 id = _claimed(Mode.Optimistic);
        uint64 answerBy = uint64(block.timestamp) + ANSWER;
        _challenge(id, 2);
        uint256 t = block.timestamp + bound(after_, 0, WINDOW + ANSWER);
        _assertAnswerOrTimeout(id, 2, 1 << 2, t, answerBy);
    }

    function test_AnswerOrTimeout_Edge() public {
        for (uint256 d = 0; d < 6; ++d) {
            bytes32 id = _claimed(Mode.Audited);
            uint256 target = d < 3 ? 2 : WHOLE;
            _challenge(id, target);
            uint64 answerBy = _answerBy(id, target);
            _assertAnswerOrTimeout(id, target, d < 3 ? 1 << 2 : ALL, answerBy - 1 + d % 3, answerBy);
        }
    }

    function _assertAnswerOrTimeout(bytes32 id, uint256 target, uint256 set, uint256 t, uint64 answerBy) private {
        vm.warp(t);
        ClaimProof[] memory proofs = _one(_proofOf(id, set));
        bytes memory proof = _final(proofs, _tree(1));
        if (t <= answerBy) {
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.AnswerWindowOpen.selector, answerBy));
            book.timeout(_claim(id), target);
            book.prove(proofs, _tree(1), proof);
            assertNotEq(uint256(book.status(id)), uint256(ClaimStatus.Defeated));
        } else {
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.AnswerWindowOver.selector, id, target, answerBy));
            book.prove(proofs, _tree(1), proof);
            _timeout(id, target);
            _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        }
    }

    function test_Timeout_SilenceLoses() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 2);
        _after(_answerBy(id, 2));
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimEnded(id, ClaimStatus.Defeated);
        vm.prank(thief);
        book.timeout(_claim(id), 2);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        _assertChallenge(id, 2, ChallengeStatus.TimedOut);
        assertEq(_free(challenger), 10 ether - BOND);
        vm.expectEmit(address(book));
        emit IClaimBook.ChallengeResolved(id, 2, challenger, challenger, STAKE * 4 / 10);
        vm.prank(thief);
        book.resolve(_claim(id), 2, challenger);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, 2));
        book.resolve(_claim(id), 2, challenger);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
        assertEq(_free(address(book)), 0);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
        assertEq(escrow.burned(ETH), STAKE * 3 / 10);
        assertEq(_free(thief), 10 ether);
        assertEq(escrow.bonded(provider, ETH), 29 * STAKE);
    }

    function test_Timeout_OnlyOpenChallenges() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        _challenge(id, 2);
        _challenge(id, 3);
        _prove(id, 1 << 3);
        _after(_provenBy(id));
        uint256[5] memory targets = [uint256(0), 3, WHOLE, OUTPUT, 257];
        for (uint256 i = 0; i < targets.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, targets[i]));
            book.timeout(_claim(id), targets[i]);
        }
        _timeout(id, 1);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Defeated));
        book.timeout(_claim(id), 2);
    }

    /// All that are open share, though only one is overdue.
    function test_Resolve_EveryOpenChallengeSharesTheReward() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        vm.warp(block.timestamp + 60);
        _challenge(id, 2, thief);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.Undecided.selector, id, 2));
        book.resolve(_claim(id), 2, thief);
        _after(_answerBy(id, 1));
        _timeout(id, 1);
        _assertChallenge(id, 2, ChallengeStatus.TimedOut);
        _resolve(id, 2, thief);
        assertEq(_free(thief), 10 ether + STAKE * 2 / 10);
        assertEq(_openCount(id), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, 2));
        book.resolve(_claim(id), 2, thief);
        // A part is whose bond is held.
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.UnknownHold.selector, _challengeHold(id, 1, thief)));
        book.resolve(_claim(id), 1, thief);
        _resolve(id, 1, challenger);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
        assertEq(_free(address(book)), 0);
    }

    // ---------------------------------------------------------------- demands

    function test_Demand_ByTheRequesterUntilChallengeBy() public {
        for (uint256 mode = 0; mode < 3; ++mode) {
            bytes32 inTime = _claimed(Mode(mode));
            bytes32 late = _claimed(Mode(mode));
            uint64 challengeBy = _challengeBy(late);
            vm.prank(thief);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotRequester.selector, requester, thief));
            book.demand(_claim(inTime));
            vm.warp(challengeBy);
            vm.expectEmit(address(book));
            emit IClaimBook.OutputChallengeMoved(inTime, ChallengeStatus.Open);
            vm.expectEmit(address(book));
            emit IClaimBook.Challenged(inTime, OUTPUT, requester, challengeBy + ANSWER, 0, 0);
            _demand(inTime);
            vm.prank(requester);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.AlreadyChallenged.selector, inTime, OUTPUT));
            book.demand(_claim(inTime));
            vm.warp(challengeBy + 1);
            vm.prank(requester);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengeWindowOver.selector, challengeBy));
            book.demand(_claim(late));
        }
    }

    function test_Demand_NotIfItWasWaived() public {
        bytes32 id = _claimedAtOnce();
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengeWindowOver.selector, 0));
        book.demand(_claim(id));
    }

    // ---------------------------------------------------------------- reveals

    function test_Reveal_AnswersAndCostsNobodyABond() public {
        bytes32 id = _claimed(Mode.Optimistic);
        uint256 free = _free(requester);
        _demand(id);
        assertEq(_free(requester), free);
        bytes memory tokens = _pack(_tokens());
        bytes memory signature = _signReveal(id, SALT, tokens);
        vm.expectEmit(address(book));
        emit IClaimBook.OutputRevealed(id, SALT, tokens);
        vm.expectEmit(address(book));
        emit IClaimBook.OutputChallengeMoved(id, ChallengeStatus.Revealed);
        vm.prank(relayer);
        book.reveal(_claim(id), SALT, tokens, signature);
        Challenge memory c = _outputChallenge(id);
        assertEq(uint256(c.status), uint256(ChallengeStatus.Revealed));
        assertEq(c.answerBy, block.timestamp + WINDOW);
        assertEq(_openCount(id), 0);
        _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
        _after(_challengeBy(id));
        _finalize(id);
        assertEq(_outputChallenge(id).challengers, 0);
        assertEq(_free(requester), free);
        assertEq(_free(recipient), PRICE);
    }

    /// The provider needs no signature.
    function test_Reveal_ByTheProviderItself() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        vm.prank(provider);
        book.reveal(_claim(id), SALT, _pack(_tokens()), "");
        _assertChallenge(id, OUTPUT, ChallengeStatus.Revealed);
    }

    /// What was revealed may be disputed for a challenge window, in every mode and however the claim would end: only then
    /// it is paid.
    function test_Reveal_SettlesOnceItCannotBeDisputed() public {
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 id = _claimed(i == 0 ? Mode.Proofs : Mode.Optimistic);
            vm.warp(_challengeBy(id));
            _demand(id);
            if (i < 2) _proveAll(id);
            _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengesOpen.selector, id, 1));
            book.finalize(_claim(id));
            _reveal(id);
            _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
            uint64 disputeBy = _outputChallenge(id).answerBy;
            vm.warp(disputeBy);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotYet.selector, disputeBy + 1));
            book.finalize(_claim(id));
            uint256 free = _free(recipient);
            if (i == 3) _accept(id);
            else vm.warp(disputeBy + 1);
            _finalize(id);
            _assertClaim(id, i < 2 ? ClaimStatus.Proven : ClaimStatus.Finalized, JobStatus.Settled);
            assertEq(_free(recipient), free + PRICE);
        }
    }

    /// Proofs wait, too, and settle at once when the time is over.
    function test_Reveal_ProofsWaitForTheDispute() public {
        JobRequest memory request = _request(Mode.Proofs);
        request.challengeWindow = 60;
        bytes32[2] memory ids = [_claimed(Mode.Proofs), bytes32(0)];
        bytes32 job = _open(request);
        _lock(job);
        ids[1] = _post(_header(job));
        for (uint256 i = 0; i < 2; ++i) {
            _demand(ids[i]);
            _reveal(ids[i]);
        }
        _proveAll(ids[0]);
        _assertClaim(ids[0], ClaimStatus.Posted, JobStatus.Claimed);
        _accept(ids[0]);
        _assertClaim(ids[0], ClaimStatus.Proven, JobStatus.Settled);
        vm.warp(_outputChallenge(ids[1]).answerBy);
        _proveAll(ids[1]);
        _assertClaim(ids[1], ClaimStatus.Posted, JobStatus.Claimed);
        vm.warp(block.timestamp + 1);
        _prove(ids[1], 1);
        _assertClaim(ids[1], ClaimStatus.Proven, JobStatus.Settled);
    }

    /// Whoever is not the provider, nor has its signature, is not believed: what it sends is checked at once.
    function test_Reveal_ByAnybodyIsComputedAtOnce() public {
        bytes32 id = _claimed(Mode.Optimistic);
        bytes memory tokens = _pack(_tokens());
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, OUTPUT));
        book.reveal(_claim(id), SALT, tokens, "");
        _demand(id);
        uint32[] memory wrong = _tokens();
        wrong[1] = 1;
        bytes32 other = _outputDigest(wrong, SALT);
        bytes32 expected = _claim(id).outputDigest;
        bytes memory packed = _pack(wrong);
        vm.startPrank(thief);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.OutputMismatch.selector, expected, other));
        book.reveal(_claim(id), SALT, packed, "");
        other = _outputDigest(_tokens(), SALT + 1);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.OutputMismatch.selector, expected, other));
        book.reveal(_claim(id), SALT + 1, tokens, "");
        _assertChallenge(id, OUTPUT, ChallengeStatus.Open);
        vm.stopPrank();
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
        vm.prank(thief);
        book.reveal(_claim(id), SALT, tokens, "");
        _assertChallenge(id, OUTPUT, ChallengeStatus.Answered);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    /// Not for other tokens, not of another job, not by another key: then it counts as none.
    function test_Reveal_ASignatureIsOfOneAnswer() public {
        bytes32 id = _claimed(Mode.Optimistic);
        bytes32 other = _claimed(Mode.Optimistic);
        _demand(id);
        bytes memory tokens = _pack(_tokens());
        uint32[] memory wrong = _tokens();
        wrong[0] = 18;
        bytes memory packed = _pack(wrong);
        bytes[4] memory signatures = [
            _signReveal(id, SALT, tokens),
            _signReveal(other, SALT, packed),
            _signReveal(id, SALT + 1, packed),
            _sign(requesterKey, book.revealDigest(_job(id), keccak256(abi.encodePacked(SALT, packed))))
        ];
        for (uint256 i = 0; i < signatures.length; ++i) {
            vm.expectPartialRevert(IClaimBook.OutputMismatch.selector);
            book.reveal(_claim(id), SALT, packed, signatures[i]);
        }
        _reveal(id, SALT, packed);
        _assertChallenge(id, OUTPUT, ChallengeStatus.Revealed);
    }

    function test_Reveal_OfTheOrderedLengthOnly() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        for (uint256 length = 0; length < 12; ++length) {
            if (length == 6) continue;
            vm.prank(provider);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.WrongOutputLength.selector, 6, length));
            book.reveal(_claim(id), SALT, new bytes(length), "");
        }
    }

    function test_RevealOrTimeout_Edge() public {
        for (uint256 d = 0; d < 3; ++d) {
            bytes32 id = _claimed(Mode.Proofs);
            _demand(id);
            uint64 answerBy = _outputChallenge(id).answerBy;
            _proveAll(id);
            vm.warp(answerBy - 1 + d);
            if (d < 2) {
                vm.expectRevert(abi.encodeWithSelector(IClaimBook.AnswerWindowOpen.selector, answerBy));
                book.timeout(_claim(id), OUTPUT);
                _reveal(id);
                _after(_outputChallenge(id).answerBy);
                _finalize(id);
                _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
            } else {
                vm.prank(provider);
                vm.expectRevert(abi.encodeWithSelector(IClaimBook.AnswerWindowOver.selector, id, OUTPUT, answerBy));
                book.reveal(_claim(id), SALT, new bytes(6), "");
                _timeout(id, OUTPUT);
                _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
                _assertChallenge(id, OUTPUT, ChallengeStatus.TimedOut);
            }
        }
    }

    /// Proofs of all layers answer no demand.
    function test_Prove_AnswersNoDemandOfTheOutput() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        _after(_challengeBy(id));
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
        _assertChallenge(id, OUTPUT, ChallengeStatus.Open);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengesOpen.selector, id, 1));
        book.finalize(_claim(id));
    }

    // ---------------------------------------------------------------- disputes

    function test_Dispute_WrongTokensLoseAsSilenceDoes() public {
        bytes32 id = _claimed(Mode.Proofs);
        _demand(id);
        _proveAll(id);
        bytes memory wrong = hex"000011000001";
        _reveal(id, SALT, wrong);
        vm.warp(_outputChallenge(id).answerBy);
        vm.expectEmit(address(book));
        emit IClaimBook.OutputChallengeMoved(id, ChallengeStatus.TimedOut);
        vm.prank(requester);
        book.dispute(_claim(id), SALT, wrong);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotRequester.selector, requester, thief));
        book.resolve(_claim(id), OUTPUT, thief);
        _collect(id);
        assertEq(_free(requester), 100 ether + STAKE * 7 / 10);
        assertEq(_free(recipient), 0);
        assertEq(escrow.bonded(provider, ETH), 29 * STAKE);
        assertTrue(book.stateOf(id).outputResolved);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, OUTPUT));
        book.resolve(_claim(id), OUTPUT, requester);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Defeated));
        vm.prank(requester);
        book.dispute(_claim(id), SALT, wrong);
    }

    function test_Dispute_RightTokensChangeNothing() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        _reveal(id);
        bytes memory tokens = _pack(_tokens());
        vm.startPrank(requester);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.OutputIsRight.selector, id));
        book.dispute(_claim(id), SALT, tokens);
        // Neither other tokens nor another salt than those published convict anybody.
        bytes memory other = abi.encodeWithSelector(IClaimBook.NotTheRevealedOutput.selector, id);
        vm.expectRevert(other);
        book.dispute(_claim(id), SALT + 1, tokens);
        tokens[5] ^= 0x01;
        vm.expectRevert(other);
        book.dispute(_claim(id), SALT, tokens);
        vm.stopPrank();
        _after(_outputChallenge(id).answerBy);
        _finalize(id);
        assertEq(_free(recipient), PRICE);
    }

    function test_Dispute_ByTheRequesterInTimeOnly() public {
        bytes32 id = _claimed(Mode.Optimistic);
        bytes memory wrong = hex"000011000001";
        vm.startPrank(requester);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.OutputNotRevealed.selector, id));
        book.dispute(_claim(id), SALT, wrong);
        book.demand(_claim(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.OutputNotRevealed.selector, id));
        book.dispute(_claim(id), SALT, wrong);
        vm.stopPrank();
        _reveal(id, SALT, wrong);
        address[3] memory others = [thief, challenger, provider];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotRequester.selector, requester, others[i]));
            book.dispute(_claim(id), SALT, wrong);
        }
        uint64 disputeBy = _outputChallenge(id).answerBy;
        _after(disputeBy);
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.DisputeWindowOver.selector, disputeBy));
        book.dispute(_claim(id), SALT, wrong);
        // Nor once the requester accepted.
        bytes32 accepted = _claimed(Mode.Optimistic);
        _demand(accepted);
        _reveal(accepted, SALT, wrong);
        vm.startPrank(requester);
        book.acceptOutput(_claim(accepted));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.OutputNotRevealed.selector, accepted));
        book.dispute(_claim(accepted), SALT, wrong);
    }

    /// What answers one claim answers no other: signed for it, it is a wrong answer.
    function test_Dispute_ReplayAcrossClaims() public {
        bytes32 first = _claimed(Mode.Optimistic);
        _demand(first);
        _reveal(first);
        ClaimHeader memory header = _header(_locked(Mode.Optimistic));
        uint32[] memory others = _tokens();
        others[0] = 99;
        header.outputDigest = _outputDigest(others, SALT);
        bytes32 second = _post(header);
        _demand(second);
        bytes memory tokens = _pack(_tokens());
        bytes memory signature = _signReveal(first, SALT, tokens);
        vm.expectPartialRevert(IClaimBook.OutputMismatch.selector);
        book.reveal(_claim(second), SALT, tokens, signature);
        _reveal(second);
        // Neither is the second's answer held against the first.
        bytes memory packed = _pack(others);
        vm.startPrank(requester);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotTheRevealedOutput.selector, first));
        book.dispute(_claim(first), SALT, packed);
        book.dispute(_claim(second), SALT, tokens);
        _assertClaim(second, ClaimStatus.Defeated, JobStatus.Slashed);
        _assertClaim(first, ClaimStatus.Posted, JobStatus.Claimed);
    }

    /// Challengers of layers share what the requester won for all.
    function test_Dispute_OpenChallengesShare() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        _demand(id);
        _reveal(id, SALT, hex"000011000001");
        vm.prank(requester);
        book.dispute(_claim(id), SALT, hex"000011000001");
        _collect(id);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
        assertEq(_free(requester), 100 ether + STAKE * 5 / 10);
        assertEq(_free(address(book)), 0);
    }

    // ---------------------------------------------------------------- accepted output

    /// A requester that got the tokens elsewhere takes its demand back.
    function test_AcceptOutput_AfterADemand() public {
        bytes32 id = _claimed(Mode.Proofs);
        _demand(id);
        _proveAll(id);
        _accept(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_openCount(id), 0);
    }

    function test_AcceptOutput_ClosesTheOutput() public {
        bytes32 id = _claimed(Mode.Proofs);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotRequester.selector, requester, thief));
        book.acceptOutput(_claim(id));
        vm.expectEmit(address(book));
        emit IClaimBook.OutputChallengeMoved(id, ChallengeStatus.Answered);
        _accept(id);
        bytes memory closed = abi.encodeWithSelector(IClaimBook.AlreadyChallenged.selector, id, OUTPUT);
        vm.startPrank(requester);
        vm.expectRevert(closed);
        book.acceptOutput(_claim(id));
        vm.expectRevert(closed);
        book.demand(_claim(id));
        assertEq(_openCount(id), 0);
    }

    function test_AcceptOutput_SettlesWhatIsProven() public {
        bytes32 id = _claimed(Mode.Proofs);
        _proveAll(id);
        _accept(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_AcceptOutput_DoesNotReplaceProofs() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _accept(id);
        _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
        _challenge(id, 0);
        _after(_answerBy(id, 0));
        _timeout(id, 0);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    function test_Output_NotAfterTheEnd() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _after(_challengeBy(id));
        _finalize(id);
        bytes memory over = abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Finalized);
        vm.startPrank(requester);
        vm.expectRevert(over);
        book.demand(_claim(id));
        vm.expectRevert(over);
        book.acceptOutput(_claim(id));
        vm.expectRevert(over);
        book.reveal(_claim(id), SALT, new bytes(6), "");
        vm.expectRevert(over);
        book.dispute(_claim(id), SALT, new bytes(6));
    }

    /// A demand that a freeze left without an answer is cancelled with the claim, and has no part of anything.
    function test_Demand_OfAVoidedClaimIsCancelled() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        _challenge(id, 1);
        _freeze();
        _void(id);
        _assertChallenge(id, OUTPUT, ChallengeStatus.Cancelled);
        _assertChallenge(id, 1, ChallengeStatus.Cancelled);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, OUTPUT));
        book.resolve(_claim(id), OUTPUT, requester);
    }

    function _expectChallenge(bytes32 id, uint256 target, bytes memory revertData) private {
        vm.prank(challenger);
        vm.expectRevert(revertData);
        book.challenge(_claim(id), target, 0);
    }
}
