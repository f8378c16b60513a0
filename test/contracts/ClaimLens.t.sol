// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { Description, IClaimLens } from "../../contracts/interfaces/IClaimLens.sol";
import { IJobMarket } from "../../contracts/interfaces/IJobMarket.sol";
import { ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { ISettlement } from "../../contracts/interfaces/ISettlement.sol";
import { IVerifierRouter } from "../../contracts/interfaces/IVerifierRouter.sol";
import { ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

contract ClaimLensTest is Base {
    // ---------------------------------------------------------------- checkProof

    function test_CheckProof_Valid() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        (bool valid, bytes memory reason, bytes32 statement, uint256[] memory inputs) =
            lens.checkProof(claim, 0, _proof(claim, 0));
        assertTrue(valid);
        assertEq(reason, "");
        assertEq(statement, book.claim(claim).statement);
        assertEq(inputs, book.instances(claim, 0));
    }

    function test_CheckProof_InvalidSaysWhy() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory proof = _proof(claim, 0);
        proof[127] ^= 0x01;
        _expectInvalid(claim, 0, proof, abi.encodeWithSelector(ILayerVerifier.ProofRejected.selector));
        _expectInvalid(claim, 0, "", abi.encodeWithSelector(ILayerVerifier.WrongProofLength.selector, 128, 0));
        bytes32 x = keccak256("x");
        bytes32 weights = registry.layer(version, 0).weights;
        (, bytes32 output) = book.boundariesOf(claim, 0);
        bytes memory reason =
            abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, claim, 0, "output", output, x);
        _expectInvalid(claim, 0, _proofOf(claim, 0, 0, x, weights), reason);
        proof = _proof(claim, 0);
        _freeze(LayerKind.Embed);
        reason = abi.encodeWithSelector(IVerifierRouter.Frozen.selector, _key(LayerKind.Embed));
        _expectInvalid(claim, 0, proof, reason);
    }

    function test_CheckProof_UnknownClaimOrLayerReverts() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none")));
        lens.checkProof("none", 0, "");
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NoSuchLayer.selector, LAYERS, LAYERS));
        lens.checkProof(claim, LAYERS, "");
    }

    /// With any amount of gas a valid proof is called valid, or nothing is said.
    function testFuzz_CheckProof_NeverCallsAStarvedProofInvalid(uint256 gas_) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory call = abi.encodeCall(lens.checkProof, (claim, 0, _proof(claim, 0)));
        (bool ok, bytes memory returned) = address(lens).staticcall{ gas: bound(gas_, 1_000, 250_000) }(call);
        if (!ok) return;
        (bool valid,,,) = abi.decode(returned, (bool, bytes, bytes32, uint256[]));
        assertTrue(valid);
    }

    function test_CheckProof_SaysThatItNeedsMoreGas() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory call = abi.encodeCall(lens.checkProof, (claim, 0, _proof(claim, 0)));
        (uint256 valid, uint256 needed, uint256 nothing) = (0, 0, 0);
        for (uint256 g = 20_000; g < 300_000; g += 500) {
            (bool ok, bytes memory returned) = address(lens).staticcall{ gas: g }(call);
            if (ok) ++valid;
            // forge-lint: disable-next-line(unsafe-typecast) the selector
            else if (bytes4(returned) == IClaimLens.MoreGasNeeded.selector) ++needed;
            else ++nothing;
        }
        assertGt(valid, 0);
        assertGt(needed, 0);
        assertGt(nothing, 0);
    }

    // ---------------------------------------------------------------- describeClaim

    function test_DescribeClaim() public {
        bytes32 claim = _claimed(Lane.Audited);
        _draw(claim, 1);
        _prove(claim, 0, 2);
        _challenge(claim, 3);
        Description memory d = lens.describeClaim(claim);
        assertEq(d.job.requester, requester);
        assertEq(d.claim.statement, book.claim(claim).statement);
        assertEq(d.boundaries, book.boundaries(claim));
        assertEq(d.challengeBy, _challengeBy(claim));
        assertEq(d.provenBy, _provenBy(claim));
        assertEq(d.openChallenges, 1);
        assertEq(d.provenLayers, 2);
        assertTrue(d.auditRevealed);
        assertEq(d.auditedLayers, 1);
        assertEq(d.status, lens.explainStatus(claim));
    }

    function test_DescribeClaim_OfAJobWithoutAClaim() public {
        bytes32 job = _open(_request(Lane.Optimistic));
        Description memory d = lens.describeClaim(job);
        assertEq(uint256(d.job.status), uint256(JobStatus.Open));
        assertEq(uint256(d.claim.status), uint256(ClaimStatus.None));
        assertEq(d.boundaries.length, 0);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.UnknownJob.selector, bytes32("none")));
        lens.describeClaim("none");
    }

    // ---------------------------------------------------------------- explainStatus

    function test_ExplainStatus_BeforeTheClaim() public {
        bytes32 job = _open(_request(Lane.Optimistic));
        assertEq(
            lens.explainStatus(job),
            "Open: no provider has taken the job. Next: provider, JobMarket.lock, until 1700003600 (3600 s left)."
        );
        _lock(job);
        vm.warp(block.timestamp + 100);
        assertEq(
            lens.explainStatus(job),
            "Locked: a provider staked on the job and has not claimed an answer. Next: provider, ClaimBook.postClaim, until 1700010800 (10700 s left)."
        );
        _after(market.job(job).claimBy);
        market.expire(job);
        assertEq(
            lens.explainStatus(job), "Expired: the provider did not claim an answer, and the requester was refunded."
        );
        job = _open(_request(Lane.Optimistic));
        vm.prank(requester);
        market.cancel(job);
        assertEq(lens.explainStatus(job), "Refunded: the job was taken back before a provider took it.");
    }

    function test_ExplainStatus_WhilePosted() public {
        bytes32 claim = _claimed(Lane.Audited);
        vm.warp(block.timestamp + 60);
        assertEq(
            lens.explainStatus(claim),
            "Posted 60 s ago in the audited (layers not drawn yet) lane: 0 of 4 layers are proven, 0 challenges are open. Next: provider, AuditBeacon.reveal, until 1700010800 (10740 s left)."
        );
        _draw(claim, 1);
        _challenge(claim, 3);
        _prove(claim, 1, 1);
        assertEq(
            lens.explainStatus(claim),
            "Posted 60 s ago in the audited (layers drawn: 1) lane: 1 of 4 layers are proven, 1 challenge is open. Next: provider, LayerDispute.answer for layer 3, until 1700007260 (7200 s left)."
        );
        _after(_provenBy(claim));
        assertEq(
            lens.explainStatus(claim),
            "Posted 10801 s ago in the audited (layers drawn: 1) lane: 1 of 4 layers are proven, 1 challenge is open. Next: anybody, LayerDispute.timeout for layer 3, at any time."
        );
        dispute.timeout(claim, 3);
        assertEq(
            lens.explainStatus(claim),
            "Defeated: 1 of 4 layers are proven; the stake is slashed, and the requester was refunded. Next: anybody, LayerDispute.resolve for layer 3, at any time."
        );
        _collect(claim);
        _expectNext(claim, "nobody", "", 0);
    }

    function test_ExplainStatus_OfEnds() public {
        bytes32 claim = _claimedAtOnce();
        _prove(claim, 0, LAYERS);
        assertEq(lens.explainStatus(claim), "Proven: every layer is proven, and the price is paid.");
        claim = _claimed(Lane.Optimistic);
        _prove(claim, 1, 1);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        assertEq(
            lens.explainStatus(claim),
            "Finalized: no challenge succeeded, 1 of 4 layers are proven, and the price is paid."
        );
        claim = _claimed(Lane.Optimistic);
        _challenge(claim, 0);
        _freeze(LayerKind.Head);
        settlement.voidClaim(claim);
        assertEq(
            lens.explainStatus(claim),
            "Voided: a verifier of the version was frozen, and everybody got their money back. Next: anybody, LayerDispute.resolve for layer 0, at any time."
        );
        dispute.resolve(claim, 0, challenger);
        _expectNext(claim, "nobody", "", 0);
    }

    // ---------------------------------------------------------------- nextAction

    function test_NextAction_OfAJob() public {
        bytes32 job = _open(_request(Lane.Optimistic));
        _expectNext(job, "provider", "JobMarket.lock", market.job(job).lockBy);
        bytes32 taken = _locked(Lane.Optimistic);
        bytes32 frozen = _locked(Lane.Optimistic);
        _after(market.job(job).lockBy);
        _expectNext(job, "anybody", "JobMarket.cancel", 0);
        market.cancel(job);
        _expectNext(job, "nobody", "", 0);
        _expectNext(taken, "provider", "ClaimBook.postClaim", market.job(taken).claimBy);
        _after(market.job(taken).claimBy);
        _expectNext(taken, "anybody", "JobMarket.expire", 0);
        market.expire(taken);
        vm.warp(market.job(frozen).claimBy);
        _freeze(LayerKind.Head);
        _expectNext(frozen, "anybody", "JobMarket.expire", 0);
        market.expire(frozen);
    }

    function test_NextAction_Proofs() public {
        bytes32 claim = _claimed(Lane.Proofs);
        bytes32 late = _claimed(Lane.Proofs);
        _expectNext(claim, "provider", "Settlement.proveLayers", _provenBy(claim));
        _prove(claim, 0, LAYERS);
        _expectNext(claim, "requester", "LayerDispute.acceptOutput or demandOutput", _challengeBy(claim));
        _demand(claim);
        uint64 answerBy = dispute.challengeOf(claim, LAYERS).answerBy;
        _expectNext(claim, "provider", "LayerDispute.revealOutput for the output", answerBy);
        _after(answerBy);
        _expectNext(claim, "anybody", "LayerDispute.timeout for the output", 0);
        dispute.timeout(claim, LAYERS);
        _after(_provenBy(late));
        _expectNext(late, "anybody", "Settlement.expire", 0);
        settlement.expire(late);
    }

    function test_NextAction_Optimistic() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _expectNext(claim, "challengers", "LayerDispute.challenge", _challengeBy(claim));
        _challenge(claim, 3);
        vm.warp(block.timestamp + 1);
        _challenge(claim, 0);
        _expectNext(claim, "provider", "LayerDispute.answer for layer 3", dispute.challengeOf(claim, 3).answerBy);
        _prove(claim, 3, 1);
        _expectNext(claim, "provider", "LayerDispute.answer for layer 0", dispute.challengeOf(claim, 0).answerBy);
        _prove(claim, 0, 1);
        _after(_challengeBy(claim));
        _expectNext(claim, "anybody", "Settlement.finalize", 0);
        settlement.finalize(claim);
        _expectNext(claim, "anybody", "LayerDispute.resolve for layer 0", 0);
        _collect(claim);
        _expectNext(claim, "nobody", "", 0);
    }

    /// Tokens that were revealed may be disputed, whatever is proven.
    function test_NextAction_Revealed() public {
        bytes32[2] memory claims = [_claimed(Lane.Proofs), _claimed(Lane.Optimistic)];
        _prove(claims[0], 0, LAYERS);
        vm.warp(_challengeBy(claims[0]));
        for (uint256 i = 0; i < 2; ++i) {
            _demand(claims[i]);
            _reveal(claims[i]);
        }
        uint64 disputeBy = dispute.challengeOf(claims[0], LAYERS).answerBy;
        vm.warp(disputeBy);
        for (uint256 i = 0; i < 2; ++i) {
            _expectNext(claims[i], "requester", "LayerDispute.acceptOutput or disputeOutput", disputeBy);
        }
        vm.warp(disputeBy + 1);
        for (uint256 i = 0; i < 2; ++i) {
            _expectNext(claims[i], "anybody", "Settlement.finalize", 0);
            settlement.finalize(claims[i]);
        }
    }

    /// A challenge that an aggregate answered is not waited for, unless its key is frozen.
    function test_NextAction_Aggregated() public {
        _bind(version);
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        _proveAll(claim);
        _expectNext(claim, "requester", "LayerDispute.acceptOutput or demandOutput", _challengeBy(claim));
        vm.warp(block.timestamp + 10);
        _freezeAggregate();
        _expectNext(claim, "provider", "LayerDispute.answer for layer 2", uint64(block.timestamp) + ANSWER);
    }

    function test_NextAction_Audited() public {
        bytes32 claim = _claimed(Lane.Audited);
        bytes32 hidden = _claimed(Lane.Audited);
        bytes32 frozen = _claimed(Lane.Audited);
        _expectNext(claim, "provider", "AuditBeacon.reveal", _provenBy(claim));
        _draw(claim, 2);
        _expectNext(claim, "provider", "Settlement.proveLayers", _provenBy(claim));
        _prove(claim, 2, 1);
        _expectNext(claim, "challengers", "LayerDispute.challenge", _challengeBy(claim));
        _after(_challengeBy(claim));
        _expectNext(claim, "anybody", "Settlement.finalize", 0);
        _after(_provenBy(hidden));
        _expectNext(hidden, "anybody", "Settlement.expire", 0);
        _freeze(LayerKind.Embed);
        _expectNext(frozen, "anybody", "Settlement.voidClaim", 0);
        settlement.voidClaim(frozen);
    }

    function test_ERC165() public view {
        assertTrue(lens.supportsInterface(type(IClaimLens).interfaceId));
        assertFalse(lens.supportsInterface(0xffffffff));
    }

    function test_Getters() public view {
        assertEq(address(lens.market()), address(market));
        assertEq(address(lens.book()), address(book));
        assertEq(address(lens.settlement()), address(settlement));
        assertEq(address(lens.dispute()), address(dispute));
        assertEq(address(lens.beacon()), address(beacon));
        assertEq(address(lens.registry()), address(registry));
        assertEq(address(lens.router()), address(router));
    }

    function _expectInvalid(bytes32 claim, uint256 layer, bytes memory proof, bytes memory expected) private view {
        (bool valid, bytes memory reason,,) = lens.checkProof(claim, layer, proof);
        assertFalse(valid);
        assertEq(reason, expected);
    }

    function _expectNext(bytes32 claim, string memory who, string memory what, uint64 deadline) private view {
        (string memory gotWho, string memory gotWhat, uint64 gotDeadline) = lens.nextAction(claim);
        assertEq(gotWho, who);
        assertEq(gotWhat, what);
        assertEq(gotDeadline, deadline);
    }
}
