// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { IJobMarket, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Leaf, Mode, Tree } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";
import { Headers } from "./support/Headers.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";

/// @title How claims end: by proofs, by time, by silence
contract EndsTest is Base {
    // ---------------------------------------------------------------- proofs

    function test_Prove_AllAtOnceSettles() public {
        bytes32 id = _claimedAtOnce();
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimEnded(id, ClaimStatus.Proven);
        vm.expectEmit(address(market));
        emit IJobMarket.JobSettled(_job(id));
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        assertTrue(book.stateOf(id).allProven);
        assertEq(_free(recipient), PRICE);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
        assertEq(escrow.encumbered(provider, ETH), 0);
    }

    /// Any split into transactions, in any order.
    function testFuzz_Prove_InAnyOrder(uint256 seed) public {
        bytes32 id = _claimedAtOnce();
        uint256 proven = 0;
        while (proven != ALL) {
            _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
            assertEq(book.stateOf(id).proven, proven);
            assertEq(book.missingLayers(_claim(id)), ALL & ~proven);
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 set = 1 + seed % ALL;
            _prove(id, set);
            proven |= set;
        }
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    /// Any number of claims in one proof, each by any of its layers.
    function testFuzz_Prove_AnyLayersOfAnyClaims(uint256 seed) public {
        uint256 n = 1 + seed % 4;
        ClaimProof[] memory proofs = new ClaimProof[](n);
        bytes32[] memory ids = new bytes32[](n);
        uint256[] memory sets = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            ids[i] = seed % 2 == 0 ? _claimedAtOnce() : _claimed(Mode.Optimistic);
            sets[i] = 1 + (seed >> 8) % ALL;
            proofs[i] = _proofOf(ids[i], sets[i]);
        }
        _send(proofs);
        for (uint256 i = 0; i < n; ++i) {
            bool all = sets[i] == ALL;
            assertEq(book.stateOf(ids[i]).allProven, all);
            if (!all) assertEq(book.stateOf(ids[i]).proven, sets[i]);
            bool settled = all && _challengeBy(ids[i]) == 0;
            assertEq(uint256(book.status(ids[i])), uint256(settled ? ClaimStatus.Proven : ClaimStatus.Posted));
        }
    }

    function test_Prove_ALayerTwiceIsVerifiedTwice() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _prove(id, 1 << 1);
        _prove(id, 1 << 1);
        assertEq(book.stateOf(id).proven, 1 << 1);
        ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 1));
        bytes memory proof = _final(proofs, _tree(1));
        proof[127] ^= 0x01;
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, _tree(1), proof);
        // The same if all is proven already.
        _proveAll(id);
        _proveAll(id);
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, _tree(1), proof);
        assertTrue(book.stateOf(id).allProven);
    }

    /// A claim that is named twice in one proof is settled once.
    function test_Prove_AClaimNamedTwice() public {
        bytes32 id = _claimedAtOnce();
        ClaimProof[] memory proofs = new ClaimProof[](2);
        (proofs[0], proofs[1]) = (_proofOf(id, 3), _proofOf(id, 12));
        _send(proofs);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
    }

    function test_Prove_RefusesNothing() public {
        bytes32 id = _claimed(Mode.Optimistic);
        vm.expectRevert(IClaimBook.NothingToProve.selector);
        book.prove(new ClaimProof[](0), Tree("", new bytes32[](0)), "");
        ClaimProof[] memory proofs = new ClaimProof[](2);
        proofs[0] = _proofOf(id, 1);
        (proofs[1].claim, proofs[1].leaves) = (_claim(id), new Leaf[](0));
        vm.expectRevert(IClaimBook.NothingToProve.selector);
        book.prove(proofs, _tree(1), "");
    }

    /// All claims of a proof have one verifier.
    function test_Prove_RefusesClaimsOfTwoVerifiers() public {
        bytes32 one = _claimedAtOnce();
        address other = address(new ScriptedVerifier(7));
        version = registry.register(_modelHeader("model"), _layers(), _policy(ETH), other, "");
        bytes32 two = _claimedAtOnce();
        ClaimProof[] memory proofs = new ClaimProof[](2);
        (proofs[0], proofs[1]) = (_proofOf(one, ALL), _proofOf(two, ALL));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.VerifierMismatch.selector, address(verifier), other));
        book.prove(proofs, _tree(2), "");
        (proofs[0], proofs[1]) = (proofs[1], proofs[0]);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.VerifierMismatch.selector, other, address(verifier)));
        book.prove(proofs, _tree(2), "");
    }

    function test_Prove_OneClaimThatIsNotThereRefusesAll() public {
        bytes32 id = _claimedAtOnce();
        ClaimProof[] memory proofs = new ClaimProof[](2);
        (proofs[0], proofs[1]) = (_proofOf(id, ALL), _proofOf(_claimedAtOnce(), ALL));
        proofs[1].claim.outputDigest = INPUT_DIGEST;
        bytes32 unknown = keccak256(abi.encode(proofs[1].claim));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, unknown));
        book.prove(proofs, _tree(2), "");
    }

    function test_Prove_DeadlineEdge() public {
        for (uint256 mode = 0; mode < 3; ++mode) {
            bytes32 id = _claimed(Mode(mode));
            uint64 provenBy = _provenBy(id);
            vm.warp(provenBy);
            _prove(id, 1 << 1);
            vm.warp(provenBy + 1);
            ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
            bytes memory proof = _final(proofs, _tree(1));
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.ProvingIsOver.selector, id, provenBy));
            book.prove(proofs, _tree(1), proof);
        }
    }

    /// Proofs do not show that the requester has the tokens: while it may still say that it has not, they wait.
    function test_Prove_WaitsWhileTheOutputCanBeDemanded() public {
        for (uint256 mode = 0; mode < 3; ++mode) {
            bytes32 id = _claimed(Mode(mode));
            uint64 challengeBy = _challengeBy(id);
            _proveAll(id);
            _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
            vm.warp(challengeBy);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotYet.selector, challengeBy + 1));
            book.finalize(_claim(id));
            _proveAll(id);
            _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
            vm.warp(challengeBy + 1);
            _finalize(id);
            _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        }
    }

    function test_Prove_SettlesAtOnceAfterTheWindow() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _after(_challengeBy(id));
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_Prove_SettlesAtOnceIfTheOutputWasAccepted() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _accept(id);
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_Prove_ClosesChallenges() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        _challenge(id, 2);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengesOpen.selector, id, 2));
        book.finalize(_claim(id));
        _proveAll(id);
        assertEq(_openCount(id), 0);
        _assertChallenge(id, 1, ChallengeStatus.Answered);
        _after(_challengeBy(id));
        _finalize(id);
        _collect(id);
        assertEq(_free(recipient), PRICE + 2 * BOND);
        assertEq(_free(challenger), 10 ether - 2 * BOND);
    }

    /// One that is overdue keeps a proof out that covers it, in the last layer as in the first; others may be proven.
    function test_Prove_CannotAnswerAChallengeWhoseTimeIsOver() public {
        for (uint256 l = 0; l < LAYERS; ++l) {
            bytes32 id = _claimed(Mode.Optimistic);
            _challenge(id, l);
            uint64 answerBy = _answerBy(id, l);
            _after(answerBy);
            for (uint256 set = 1; set <= ALL; set += 2) {
                if (set >> l & 1 == 0) continue;
                ClaimProof[] memory proofs = _one(_proofOf(id, set));
                Tree memory tree = _treeOver(proofs);
                bytes memory proof = _final(proofs, tree);
                vm.expectRevert(abi.encodeWithSelector(IClaimBook.AnswerWindowOver.selector, id, l, answerBy));
                book.prove(proofs, tree, proof);
            }
            _prove(id, ALL & ~(1 << l));
            assertEq(book.stateOf(id).proven, ALL & ~(1 << l));
            _timeout(id, l);
            _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        }
    }

    /// Once a layer was proven in time its challenge never keeps a proof out, however late that is.
    function test_Prove_WhatWasAnsweredInTimeIsNotOverdue() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        _prove(id, 1 << 1);
        _after(_answerBy(id, 1));
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    // ---------------------------------------------------------------- finalize

    function test_Finalize_OptimisticAfterTheWindow() public {
        bytes32 id = _claimed(Mode.Optimistic);
        uint64 challengeBy = _challengeBy(id);
        assertEq(challengeBy, block.timestamp + WINDOW);
        vm.warp(challengeBy);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotYet.selector, challengeBy + 1));
        book.finalize(_claim(id));
        vm.warp(challengeBy + 1);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimEnded(id, ClaimStatus.Finalized);
        _finalize(id);
        _assertClaim(id, ClaimStatus.Finalized, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Finalized));
        book.finalize(_claim(id));
    }

    /// Not even an accepted output shortens the window in which others may challenge.
    function test_Finalize_AcceptedOutputsWaitForChallengers() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _accept(id);
        uint64 challengeBy = _challengeBy(id);
        vm.warp(challengeBy);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotYet.selector, challengeBy + 1));
        book.finalize(_claim(id));
    }

    function test_Finalize_NotWithAnOpenChallenge() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        _after(_challengeBy(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengesOpen.selector, id, 1));
        book.finalize(_claim(id));
        _prove(id, 1 << 1);
        _finalize(id);
        _assertClaim(id, ClaimStatus.Finalized, JobStatus.Settled);
    }

    function test_Finalize_NeverWithoutProofsInTheirMode() public {
        bytes32 id = _claimed(Mode.Proofs);
        _prove(id, 7);
        _after(_challengeBy(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotInThisMode.selector, id));
        book.finalize(_claim(id));
    }

    function test_Finalize_AuditedNeedsTheDrawAndItsLayers() public {
        bytes32 id = _claimed(Mode.Audited);
        _after(_challengeBy(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotRevealed.selector, id));
        book.finalize(_claim(id));
        _draw(id, 2);
        assertEq(book.missingLayers(_claim(id)), 1 << 2);
        _prove(id, 3);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.DrawnLayersMissing.selector, id, 1));
        book.finalize(_claim(id));
        _prove(id, 1 << 2);
        _finalize(id);
        _assertClaim(id, ClaimStatus.Finalized, JobStatus.Settled);
    }

    function test_Finalize_AuditedNotBeforeTheWindowIsOver() public {
        bytes32 id = _claimed(Mode.Audited);
        _draw(id, 2);
        _prove(id, 1 << 2);
        uint64 challengeBy = _challengeBy(id);
        vm.warp(challengeBy);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotYet.selector, challengeBy + 1));
        book.finalize(_claim(id));
        vm.warp(challengeBy + 1);
        _finalize(id);
        _assertClaim(id, ClaimStatus.Finalized, JobStatus.Settled);
    }

    /// Who proves all layers needs no draw.
    function test_Finalize_AuditedWithAllLayersNeedsNoDraw() public {
        bytes32 id = _claimed(Mode.Audited);
        _proveAll(id);
        _after(_challengeBy(id));
        _finalize(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    // ---------------------------------------------------------------- draws

    function test_RevealDraw_OfAuditedClaimsOnceOnly() public {
        bytes32 id = _claimed(Mode.Audited);
        uint64 number = _terms(id).drawBlock;
        assertEq(number, block.number + BEACON_DELAY);
        bytes memory header = Headers.encode(number, "seed");
        vm.roll(number + 1);
        vm.setBlockhash(number, keccak256(header));
        uint256 drawn = registry.draw(version, "seed", id);
        vm.expectEmit(address(book));
        emit IClaimBook.DrawRevealed(id, "seed", drawn);
        vm.prank(thief);
        book.revealDraw(_claim(id), header);
        assertEq(book.stateOf(id).drawn, drawn);
        assertTrue(book.stateOf(id).revealed);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.AlreadyRevealed.selector, id));
        book.revealDraw(_claim(id), header);
        for (uint256 mode = 0; mode < 2; ++mode) {
            bytes32 other = _claimed(Mode(mode));
            assertEq(_terms(other).drawBlock, 0);
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotAudited.selector, other));
            book.revealDraw(_claim(other), header);
            assertFalse(book.stateOf(other).revealed);
        }
    }

    function test_RevealDraw_NotAfterTheEnd() public {
        bytes32 id = _claimed(Mode.Audited);
        _proveAll(id);
        _accept(id);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Proven));
        book.revealDraw(_claim(id), "");
    }

    // ---------------------------------------------------------------- expire

    function test_Expire_ProofsThatAreMissing() public {
        bytes32 id = _claimed(Mode.Proofs);
        uint64 provenBy = _provenBy(id);
        assertEq(provenBy, block.timestamp + ANSWER);
        _prove(id, 7);
        assertEq(book.missingLayers(_claim(id)), 8);
        vm.warp(provenBy);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotYet.selector, provenBy + 1));
        book.expireClaim(_claim(id));
        vm.warp(provenBy + 1);
        _expireClaim(id);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
        assertEq(escrow.burned(ETH), STAKE * 7 / 10);
        assertEq(_free(recipient), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Defeated));
        book.expireClaim(_claim(id));
    }

    function test_Expire_DrawnLayersThatAreMissing() public {
        bytes32 id = _claimed(Mode.Audited);
        uint64 provenBy = _provenBy(id);
        assertEq(provenBy, block.timestamp + WINDOW + ANSWER);
        _draw(id, 1);
        _prove(id, 1);
        vm.warp(provenBy);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotYet.selector, provenBy + 1));
        book.expireClaim(_claim(id));
        vm.warp(provenBy + 1);
        _expireClaim(id);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    /// Claims of a version that draws two layers, of which every two were drawn once.
    function _twoDrawn() private returns (bytes32[] memory ids, uint256[] memory sets) {
        Policy memory policy = _policy(ETH);
        policy.audits = 2;
        bytes32 two = registry.register(_modelHeader("model"), _layers(), policy, address(verifier), "ipfs://model");
        (ids, sets) = (new bytes32[](6), new uint256[](6));
        for (uint256 i = 0; i < 6; ++i) {
            JobRequest memory request = _request(Mode.Audited);
            request.version = two;
            bytes32 job = _open(request);
            _lock(job);
            ids[i] = _post(_header(job));
        }
        uint256 next = 0;
        for (uint256 a = 0; a < LAYERS; ++a) {
            for (uint256 b = a + 1; b < LAYERS; ++b) {
                sets[next] = 1 << a | 1 << b;
                _drawSet(ids[next], sets[next]);
                ++next;
            }
        }
    }

    /// One proof over a node over both layers' nodes answers an audit of two layers; proofs of others do not.
    function test_Finalize_TwoDrawnLayers() public {
        (bytes32[] memory ids, uint256[] memory sets) = _twoDrawn();
        _after(_challengeBy(ids[5]));
        for (uint256 i = 0; i < ids.length; ++i) {
            bytes32 id = ids[i];
            assertEq(book.stateOf(id).drawn, sets[i]);
            uint256 one = sets[i] & (~sets[i] + 1);
            _prove(id, ALL & ~sets[i]);
            _expectMissing(id, sets[i], 2);
            uint256 snapshot = vm.snapshotState();
            _prove(id, one);
            _expectMissing(id, sets[i] & ~one, 1);
            vm.revertToState(snapshot);
            _prove(id, sets[i]);
            assertEq(book.missingLayers(_claim(id)), 0);
            // All four are proven here, so its end is that of proofs.
            _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        }
    }

    function _expectMissing(bytes32 id, uint256 set, uint256 count) private {
        assertEq(book.missingLayers(_claim(id)), set);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.DrawnLayersMissing.selector, id, count));
        book.finalize(_claim(id));
    }

    /// The two layers alone end an audit; one of them does not.
    function test_Expire_OneOfTwoDrawnLayers() public {
        (bytes32[] memory ids, uint256[] memory sets) = _twoDrawn();
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256 one = sets[i] & (~sets[i] + 1);
            _prove(ids[i], i % 3 == 0 ? sets[i] : i % 3 == 1 ? one : sets[i] & ~one);
        }
        _after(_provenBy(ids[5]));
        for (uint256 i = 0; i < ids.length; ++i) {
            if (i % 3 == 0) {
                vm.expectRevert(abi.encodeWithSelector(IClaimBook.NothingMissing.selector, ids[i]));
                book.expireClaim(_claim(ids[i]));
                _finalize(ids[i]);
                _assertClaim(ids[i], ClaimStatus.Finalized, JobStatus.Settled);
            } else {
                _expireClaim(ids[i]);
                _assertClaim(ids[i], ClaimStatus.Defeated, JobStatus.Slashed);
            }
        }
    }

    /// A provider that does not like its draw cannot hide it.
    function test_Expire_ADrawThatNobodyRevealed() public {
        bytes32 id = _claimed(Mode.Audited);
        _prove(id, 7);
        _after(_provenBy(id));
        _expireClaim(id);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    function test_Expire_NotIfNothingIsMissing() public {
        bytes32 optimistic = _claimed(Mode.Optimistic);
        bytes32 audited = _claimed(Mode.Audited);
        bytes32 proofs = _claimed(Mode.Proofs);
        _draw(audited, 1);
        _prove(audited, 1 << 1);
        _proveAll(proofs);
        _after(_provenBy(audited));
        bytes32[3] memory ids = [optimistic, audited, proofs];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.NothingMissing.selector, ids[i]));
            book.expireClaim(_claim(ids[i]));
            _finalize(ids[i]);
        }
    }

    /// A provider cannot take a challenger's reward by ending its claim in another way.
    function test_Expire_OpenChallengesComeFirst() public {
        bytes32 id = _claimed(Mode.Audited);
        _challenge(id, 0);
        _draw(id, 1);
        _after(_provenBy(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengesOpen.selector, id, 1));
        book.expireClaim(_claim(id));
        _timeout(id, 0);
        _collect(id);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
    }

    /// Nor the requester's, who demanded the output.
    function test_Expire_ADemandComesFirst() public {
        bytes32 id = _claimed(Mode.Proofs);
        _demand(id);
        _after(_provenBy(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengesOpen.selector, id, 1));
        book.expireClaim(_claim(id));
    }

    // ---------------------------------------------------------------- void

    function test_VoidClaim_EverybodyGetsTheirMoneyBack() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 0);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.StillUsable.selector, id));
        book.voidClaim(_claim(id));
        _freeze();
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimEnded(id, ClaimStatus.Voided);
        vm.prank(thief);
        book.voidClaim(_claim(id));
        _assertClaim(id, ClaimStatus.Voided, JobStatus.Refunded);
        _resolve(id, 0, challenger);
        assertEq(_free(requester), 100 ether);
        assertEq(_free(challenger), 10 ether);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Voided));
        book.voidClaim(_claim(id));
    }

    function test_UnusableVerifier_OnlyVoidingEndsAClaim() public {
        bytes32 optimistic = _claimed(Mode.Optimistic);
        bytes32 challenged = _claimed(Mode.Optimistic);
        bytes32 proofs = _claimed(Mode.Proofs);
        bytes32 proven = _claimed(Mode.Proofs);
        _challenge(challenged, 1);
        _proveAll(proven);
        _prove(proofs, 7);
        ClaimProof[] memory last = _one(_proofOf(proofs, 8));
        bytes memory proof = _final(last, _tree(1));
        _freeze();
        bytes memory unusable = abi.encodeWithSelector(IClaimBook.VerifierUnusable.selector, address(verifier));
        vm.expectRevert(unusable);
        book.prove(last, _tree(1), proof);
        _after(_provenBy(optimistic));
        vm.expectRevert(unusable);
        book.finalize(_claim(optimistic));
        vm.expectRevert(unusable);
        book.finalize(_claim(proven));
        vm.expectRevert(unusable);
        book.expireClaim(_claim(proofs));
        vm.expectRevert(unusable);
        book.timeout(_claim(challenged), 1);
        bytes32[4] memory ids = [optimistic, challenged, proofs, proven];
        for (uint256 i = 0; i < 4; ++i) {
            _void(ids[i]);
        }
        assertEq(_free(requester), 100 ether);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
    }

    // ---------------------------------------------------------------- views

    function test_Deadlines_OfAModeWithoutAWindow() public {
        bytes32 id = _claimedAtOnce();
        assertEq(_challengeBy(id), 0);
        assertEq(_provenBy(id), block.timestamp + ANSWER);
    }

    function test_MissingLayers() public {
        bytes32 audited = _claimed(Mode.Audited);
        assertEq(book.missingLayers(_claim(_claimed(Mode.Optimistic))), 0);
        assertEq(book.missingLayers(_claim(_claimed(Mode.Proofs))), ALL);
        assertEq(book.missingLayers(_claim(audited)), ALL);
        _draw(audited, 3);
        assertEq(book.missingLayers(_claim(audited)), 1 << 3);
        _prove(audited, 1 << 3);
        assertEq(book.missingLayers(_claim(audited)), 0);
    }
}
