// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { Description, IClaimLens } from "../../contracts/interfaces/IClaimLens.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { IJobMarket } from "../../contracts/interfaces/IJobMarket.sol";
import { ClaimStatus, JobStatus, Mode, OUTPUT, Tree, WHOLE } from "../../contracts/interfaces/Types.sol";
import { NodeTree } from "../../contracts/libraries/NodeTree.sol";
import { Base } from "./Base.t.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";

contract ClaimLensTest is Base {
    // ---------------------------------------------------------------- checkProof

    function test_CheckProof_Valid() public {
        ClaimProof[] memory proofs = new ClaimProof[](2);
        (proofs[0], proofs[1]) = (_proofOf(_claimed(Mode.Optimistic), 5), _proofOf(_claimedAtOnce(), ALL));
        Tree memory tree = _tree(3);
        (bool valid, bytes memory reason, uint256[4] memory inputs) =
            lens.checkProof(proofs, tree, _final(proofs, tree));
        assertTrue(valid);
        assertEq(reason, "");
        assertEq(abi.encode(inputs), abi.encode(lens.publicInputsOf(proofs, tree)));
    }

    function test_CheckProof_InvalidSaysWhy() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory good = _final(proofs, _tree(1));
        bytes memory proof = bytes.concat(good);
        proof[127] ^= 0x01;
        _expectInvalid(proofs, proof, abi.encodeWithSelector(IFinalVerifier.ProofRejected.selector));
        _expectInvalid(proofs, "", abi.encodeWithSelector(IFinalVerifier.WrongProofLength.selector, 1152, 0));
        _expectInvalid(new ClaimProof[](0), good, abi.encodeWithSelector(IClaimBook.NothingToProve.selector));
        proofs[0].leaves[0].digest = bytes32(type(uint256).max);
        _expectInvalid(proofs, good, abi.encodeWithSelector(NodeTree.WordNotReduced.selector, 0));
        proofs = _one(_proofOf(id, 5));
        _expectInvalid(proofs, good, abi.encodeWithSelector(NodeTree.MalformedTree.selector, 1));
        proofs = _one(_proofOf(id, ALL));
        proofs[0].claim.recipient = thief;
        bytes32 other = keccak256(abi.encode(proofs[0].claim));
        _expectInvalid(proofs, good, abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, other));
        proofs = _one(_proofOf(id, ALL));
        _freeze();
        _expectInvalid(proofs, good, abi.encodeWithSelector(IClaimBook.VerifierUnusable.selector, address(verifier)));
    }

    function test_CheckProof_OfTwoVerifiersIsInvalid() public {
        bytes32 one = _claimedAtOnce();
        address other = address(new ScriptedVerifier(7));
        version = registry.register(_modelHeader("model"), _layers(), _policy(ETH), other, "");
        ClaimProof[] memory proofs = new ClaimProof[](2);
        (proofs[0], proofs[1]) = (_proofOf(one, ALL), _proofOf(_claimedAtOnce(), ALL));
        bytes memory reason = abi.encodeWithSelector(IClaimBook.VerifierMismatch.selector, address(verifier), other);
        _expectInvalid(proofs, "", reason);
    }

    /// With any amount of gas a valid proof is called valid, or nothing is said.
    function testFuzz_CheckProof_NeverCallsAStarvedProofInvalid(uint256 gas_) public {
        ClaimProof[] memory proofs = _one(_proofOf(_claimed(Mode.Optimistic), ALL));
        bytes memory call = abi.encodeCall(lens.checkProof, (proofs, _tree(1), _final(proofs, _tree(1))));
        (bool ok, bytes memory returned) = address(lens).staticcall{ gas: bound(gas_, 1_000, 500_000) }(call);
        if (!ok) return;
        (bool valid,,) = abi.decode(returned, (bool, bytes, uint256[4]));
        assertTrue(valid);
    }

    function test_CheckProof_SaysThatItNeedsMoreGas() public {
        ClaimProof[] memory proofs = _one(_proofOf(_claimed(Mode.Optimistic), ALL));
        bytes memory call = abi.encodeCall(lens.checkProof, (proofs, _tree(1), _final(proofs, _tree(1))));
        (uint256 valid, uint256 needed, uint256 nothing) = (0, 0, 0);
        for (uint256 g = 2_000; g < 400_000; g += 500) {
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
        bytes32 id = _claimed(Mode.Audited);
        _draw(id, 1);
        _prove(id, 3);
        _challenge(id, 3);
        _demand(id);
        Description memory d = lens.describeClaim(_claim(id));
        assertEq(d.claim, id);
        assertEq(d.job.requester, requester);
        assertEq(abi.encode(d.terms), abi.encode(_terms(id)));
        assertEq(abi.encode(d.state), abi.encode(book.stateOf(id)));
        assertEq(d.openChallenges, 2);
        assertEq(d.provenLayers, 2);
        assertEq(d.auditedLayers, 1);
        assertEq(d.status, lens.explainStatus(_claim(id)));
        _reveal(id);
        _proveAll(id);
        d = lens.describeClaim(_claim(id));
        assertEq(d.openChallenges, 0);
        assertEq(d.provenLayers, LAYERS);
    }

    function test_DescribeClaim_OfNoneReverts() public {
        Claim memory c = _claim(_claimedAtOnce());
        c.asset = address(token);
        bytes memory unknown = abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, keccak256(abi.encode(c)));
        vm.expectRevert(unknown);
        lens.describeClaim(c);
        vm.expectRevert(unknown);
        lens.explainStatus(c);
        vm.expectRevert(unknown);
        lens.nextAction(c);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.UnknownJob.selector, bytes32("none")));
        lens.explainJob("none");
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.UnknownJob.selector, bytes32("none")));
        lens.nextOfJob("none");
    }

    // ---------------------------------------------------------------- explainStatus

    function test_ExplainStatus_BeforeTheClaim() public {
        bytes32 job = _open(_request(Mode.Optimistic));
        assertEq(
            lens.explainJob(job),
            "Open: no provider has taken the job. Next: provider, lock, until 1700003600 (3600 s left)."
        );
        _lock(job);
        vm.warp(block.timestamp + 100);
        assertEq(
            lens.explainJob(job),
            "Locked: a provider staked on the job and has not claimed an answer. Next: provider, post, until 1700010800 (10700 s left)."
        );
        _after(market.job(job).claimBy);
        market.expire(job);
        assertEq(lens.explainJob(job), "Expired: the provider did not claim an answer, and the requester was refunded.");
        job = _open(_request(Mode.Optimistic));
        vm.prank(requester);
        market.cancel(job);
        assertEq(lens.explainJob(job), "Refunded: price and stake went back.");
        assertEq(lens.explainJob(_job(_claimed(Mode.Proofs))), "Claimed: the claim says more.");
    }

    function test_ExplainStatus_WhilePosted() public {
        bytes32 id = _claimed(Mode.Audited);
        vm.warp(block.timestamp + 60);
        assertEq(
            lens.explainStatus(_claim(id)),
            "Posted 60 s ago in the audited (layers not drawn yet) mode: 0 of 4 layers are proven, 0 challenges are open. Next: provider, revealDraw, until 1700010800 (10740 s left)."
        );
        _draw(id, 1);
        _challenge(id, 3);
        _prove(id, 1 << 1);
        assertEq(
            lens.explainStatus(_claim(id)),
            "Posted 60 s ago in the audited (layers drawn: 1) mode: 1 of 4 layers are proven, 1 challenge is open. Next: provider, prove for layer 3, until 1700007260 (7200 s left)."
        );
        _after(_provenBy(id));
        assertEq(
            lens.explainStatus(_claim(id)),
            "Posted 10801 s ago in the audited (layers drawn: 1) mode: 1 of 4 layers are proven, 1 challenge is open. Next: anybody, timeout for layer 3, at any time."
        );
        _timeout(id, 3);
        assertEq(
            lens.explainStatus(_claim(id)),
            "Defeated: 1 of 4 layers are proven; the stake is slashed, and the requester was refunded. Next: anybody, resolve for layer 3, at any time."
        );
        _collect(id);
        _expectNext(id, "nobody", "", 0);
    }

    function test_ExplainStatus_OfEnds() public {
        bytes32 id = _claimedAtOnce();
        assertEq(
            lens.explainStatus(_claim(id)),
            "Posted 0 s ago in the proofs mode: 0 of 4 layers are proven, 0 challenges are open. Next: provider, prove, until 1700007200 (7200 s left)."
        );
        _proveAll(id);
        assertEq(lens.explainStatus(_claim(id)), "Proven: every layer is proven, and the price is paid.");
        id = _claimed(Mode.Optimistic);
        _prove(id, 1 << 1);
        _after(_challengeBy(id));
        _finalize(id);
        assertEq(
            lens.explainStatus(_claim(id)),
            "Finalized: no challenge succeeded, 1 of 4 layers are proven, and the price is paid."
        );
        id = _claimed(Mode.Optimistic);
        _challenge(id, 0);
        _freeze();
        _void(id);
        assertEq(
            lens.explainStatus(_claim(id)),
            "Voided: the verifier was frozen, and everybody got their money back. Next: anybody, resolve for layer 0, at any time."
        );
        _resolve(id, 0, challenger);
        _expectNext(id, "nobody", "", 0);
    }

    // ---------------------------------------------------------------- nextAction

    function test_NextAction_OfAJob() public {
        bytes32 job = _open(_request(Mode.Optimistic));
        _expectNextOfJob(job, "provider", "lock", market.job(job).lockBy);
        bytes32 taken = _locked(Mode.Optimistic);
        bytes32 frozen = _locked(Mode.Optimistic);
        _after(market.job(job).lockBy);
        _expectNextOfJob(job, "anybody", "cancel", 0);
        market.cancel(job);
        _expectNextOfJob(job, "nobody", "", 0);
        _expectNextOfJob(taken, "provider", "post", market.job(taken).claimBy);
        _after(market.job(taken).claimBy);
        _expectNextOfJob(taken, "anybody", "expire", 0);
        market.expire(taken);
        vm.warp(market.job(frozen).claimBy);
        _freeze();
        _expectNextOfJob(frozen, "anybody", "expire", 0);
        market.expire(frozen);
    }

    function test_NextAction_Proofs() public {
        bytes32 id = _claimed(Mode.Proofs);
        bytes32 late = _claimed(Mode.Proofs);
        _expectNext(id, "provider", "prove", _provenBy(id));
        _proveAll(id);
        _expectNext(id, "requester", "acceptOutput or demand", _challengeBy(id));
        _demand(id);
        uint64 answerBy = _answerBy(id, OUTPUT);
        _expectNext(id, "provider", "reveal for the output", answerBy);
        _after(answerBy);
        _expectNext(id, "anybody", "timeout for the output", 0);
        _timeout(id, OUTPUT);
        _expectNext(id, "anybody", "resolve for the output", 0);
        _collect(id);
        _expectNext(id, "nobody", "", 0);
        _after(_provenBy(late));
        _expectNext(late, "anybody", "expireClaim", 0);
        _expireClaim(late);
        _expectNext(late, "nobody", "", 0);
    }

    function test_NextAction_Optimistic() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _expectNext(id, "challengers", "challenge", _challengeBy(id));
        _challenge(id, 3);
        vm.warp(block.timestamp + 1);
        _challenge(id, 0);
        vm.warp(block.timestamp + 1);
        _challenge(id, WHOLE);
        _expectNext(id, "provider", "prove for layer 3", _answerBy(id, 3));
        _prove(id, 1 << 3);
        _expectNext(id, "provider", "prove for layer 0", _answerBy(id, 0));
        _prove(id, 1);
        _expectNext(id, "provider", "prove for all layers", _answerBy(id, WHOLE));
        _prove(id, 6);
        _after(_challengeBy(id));
        _expectNext(id, "anybody", "finalize", 0);
        _finalize(id);
        _expectNext(id, "anybody", "resolve for layer 0", 0);
        _resolve(id, 0, challenger);
        _resolve(id, 3, challenger);
        _expectNext(id, "anybody", "resolve for all layers", 0);
        _collect(id);
        _expectNext(id, "nobody", "", 0);
    }

    /// Tokens that were revealed may be disputed, whatever is proven.
    function test_NextAction_Revealed() public {
        bytes32[2] memory ids = [_claimed(Mode.Proofs), _claimed(Mode.Optimistic)];
        _proveAll(ids[0]);
        vm.warp(_challengeBy(ids[0]));
        for (uint256 i = 0; i < 2; ++i) {
            _demand(ids[i]);
            _reveal(ids[i]);
        }
        uint64 disputeBy = _answerBy(ids[0], OUTPUT);
        vm.warp(disputeBy);
        for (uint256 i = 0; i < 2; ++i) {
            _expectNext(ids[i], "requester", "acceptOutput or dispute", disputeBy);
        }
        vm.warp(disputeBy + 1);
        for (uint256 i = 0; i < 2; ++i) {
            _expectNext(ids[i], "anybody", "finalize", 0);
            _finalize(ids[i]);
        }
    }

    function test_NextAction_Audited() public {
        bytes32 id = _claimed(Mode.Audited);
        bytes32 hidden = _claimed(Mode.Audited);
        bytes32 frozen = _claimed(Mode.Audited);
        _expectNext(id, "provider", "revealDraw", _provenBy(id));
        _draw(id, 2);
        _expectNext(id, "provider", "prove", _provenBy(id));
        _prove(id, 1 << 2);
        _expectNext(id, "challengers", "challenge", _challengeBy(id));
        _after(_challengeBy(id));
        _expectNext(id, "anybody", "finalize", 0);
        _after(_provenBy(hidden));
        _expectNext(hidden, "anybody", "expireClaim", 0);
        _freeze();
        _expectNext(frozen, "anybody", "voidClaim", 0);
        _void(frozen);
        _assertClaim(frozen, ClaimStatus.Voided, JobStatus.Refunded);
    }

    function test_ERC165() public view {
        assertTrue(lens.supportsInterface(type(IClaimLens).interfaceId));
        assertFalse(lens.supportsInterface(0xffffffff));
    }

    function test_Getters() public view {
        assertEq(address(lens.market()), address(market));
        assertEq(address(lens.book()), address(book));
        assertEq(address(lens.registry()), address(registry));
    }

    function _expectInvalid(ClaimProof[] memory proofs, bytes memory proof, bytes memory expected) private view {
        (bool valid, bytes memory reason,) = lens.checkProof(proofs, _tree(1), proof);
        assertFalse(valid);
        assertEq(reason, expected);
    }

    function _expectNext(bytes32 id, string memory who, string memory what, uint64 deadline) private view {
        (string memory gotWho, string memory gotWhat, uint64 gotDeadline) = lens.nextAction(_claim(id));
        assertEq(gotWho, who);
        assertEq(gotWhat, what);
        assertEq(gotDeadline, deadline);
    }

    function _expectNextOfJob(bytes32 job, string memory who, string memory what, uint64 deadline) private view {
        (string memory gotWho, string memory gotWhat, uint64 gotDeadline) = lens.nextOfJob(job);
        assertEq(gotWho, who);
        assertEq(gotWhat, what);
        assertEq(gotDeadline, deadline);
    }
}
