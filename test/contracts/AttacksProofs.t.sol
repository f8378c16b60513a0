// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../contracts/AuditBeacon.sol";
import { IAuditBeacon } from "../../contracts/interfaces/IAuditBeacon.sol";
import { ClaimHeader, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IJobMarket, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { Layer, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { ISettlement } from "../../contracts/interfaces/ISettlement.sol";
import { ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Economics } from "../../contracts/libraries/Economics.sol";
import { Base } from "./Base.t.sol";
import { Headers } from "./support/Headers.sol";

/// @title Attacks on what a claim says, and on what proves it
contract AttacksProofsTest is Base {
    // ---------------------------------------------------------------- copied and replayed proofs

    /// Who copies a proof out of the mempool and sends it first pays the gas, and the recipient is paid.
    function test_Attack_CopiedProofPaysTheRecipient() public {
        bytes32 claim = _claimedAtOnce();
        bytes[] memory proofs = _proofs(claim, 0, LAYERS);
        vm.prank(thief);
        settlement.proveLayers(claim, 0, proofs);
        assertEq(_free(recipient), PRICE);
        assertEq(_free(thief), 10 ether);
    }

    /// The thief is a provider, too, and claims the same output with the honest one's proofs.
    function test_Attack_CopiedProofIsWorthNothingForTheThiefsClaim() public {
        bytes32 honest = _claimedAtOnce();
        JobRequest memory request = _request(Lane.Proofs);
        request.challengeWindow = 0;
        bytes32 job = _open(request);
        vm.startPrank(thief);
        market.lock(job, thief, FAR, "");
        ClaimHeader memory header = _header(job);
        header.recipient = thief;
        header.boundaries = book.boundaries(honest);
        book.postClaim(header, "");
        for (uint256 l = 0; l < LAYERS; ++l) {
            bytes[] memory copied = _proofs(honest, l, 1);
            vm.expectRevert(ILayerVerifier.ProofRejected.selector);
            settlement.proveLayers(job, l, copied);
        }
    }

    function test_Attack_ReplayInAnotherClaim() public {
        bytes32 a = _claimed(Lane.Optimistic);
        bytes32 b = _claimed(Lane.Optimistic);
        _expectRejected(b, 1, _proof(a, 1), ILayerVerifier.ProofRejected.selector);
    }

    function test_Attack_ReplayForAnotherLayer() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        // Even of the same shape, so with the same public inputs and verifier, a layer's commitments are its own.
        (bytes32 input, bytes32 output) = book.boundariesOf(claim, 1);
        bytes memory proof = _proofOf(claim, 2, input, output, registry.layer(version, 1).weights);
        _expectRejected(claim, 2, proof, ISettlement.CommitmentMismatch.selector);
        _expectRejected(claim, 0, _proof(claim, 1), ILayerVerifier.ProofRejected.selector);
    }

    function test_Attack_ReplayOnAnotherChain() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        JobRequest memory request = _request(Lane.Optimistic);
        bytes32 id = market.jobIdOf(request);
        bytes32 lockDigest = market.lockDigest(id, provider, FAR);
        bytes32 headerDigest = book.headerDigest(_header(id));
        bytes memory signature = _sign(requesterKey, id);
        bytes32 statement = _statementOf(claim);
        vm.chainId(1337);
        assertNotEq(market.jobIdOf(request), id);
        assertNotEq(market.lockDigest(id, provider, FAR), lockDigest);
        assertNotEq(book.headerDigest(_header(id)), headerDigest);
        assertNotEq(_statementOf(claim), statement);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, requester));
        market.open(request, signature);
    }

    /// The same job and claim in a second deployment: neither signatures nor proofs serve there.
    function test_Attack_ReplayInAnotherDeployment() public {
        nonce = 0;
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory proof = _proof(claim, 1);
        JobRequest memory request = _request(Lane.Optimistic);
        bytes memory signature = _sign(requesterKey, market.jobIdOf(request));
        setUp();
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, requester));
        market.open(request, signature);
        nonce = 0;
        bytes32 other = _claimed(Lane.Optimistic);
        assertNotEq(other, claim);
        _expectRejected(other, 1, proof, ILayerVerifier.ProofRejected.selector);
    }

    /// A layer of another model of the same shape has the same verifier, but not the registered weights.
    function test_Attack_OtherWeights() public {
        bytes32 other = _register("other weights", ETH);
        bytes32 claim = _claimed(Lane.Optimistic);
        for (uint256 l = 0; l < LAYERS; ++l) {
            (bytes32 input, bytes32 output) = book.boundariesOf(claim, l);
            bytes memory proof = _proofOf(claim, l, input, output, registry.layer(other, l).weights);
            _expectRejected(claim, l, proof, ISettlement.CommitmentMismatch.selector);
        }
    }

    /// One boundary cannot be both what layer 1 gave and what layer 2 took.
    function test_Attack_BrokenLink() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        (bytes32 input, bytes32 posted) = book.boundariesOf(claim, 1);
        (, bytes32 output) = book.boundariesOf(claim, 2);
        bytes32 other = keccak256("what layer 1 really gave");
        bytes memory layer1 = _proofOf(claim, 1, input, other, registry.layer(version, 1).weights);
        bytes memory layer2 = _proofOf(claim, 2, posted, output, registry.layer(version, 2).weights);
        settlement.checkLayer(claim, 2, layer2);
        _expectRejected(claim, 1, layer1, ISettlement.CommitmentMismatch.selector);
        _challenge(claim, 1);
        _after(_provenBy(claim));
        dispute.timeout(claim, 1);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    /// A layer that ends where it was claimed to, from another start.
    function test_Attack_OtherStart() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        (, bytes32 output) = book.boundariesOf(claim, 2);
        bytes32 other = keccak256("what layer 1 did not give");
        bytes32 weights = registry.layer(version, 2).weights;
        _expectRejected(claim, 2, _proofOf(claim, 2, other, output, weights), ISettlement.CommitmentMismatch.selector);
    }

    /// A layer in the middle that has no input would let one start anywhere.
    function test_Attack_NoCommitmentInTheMiddle() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes32 weights = registry.layer(version, 1).weights;
        _expectRejected(claim, 1, _proofOf(claim, 1, 0, 0, weights), ISettlement.CommitmentMismatch.selector);
    }

    // ---------------------------------------------------------------- malformed proofs, gas

    function testFuzz_Attack_MalformedProof(bytes memory proof, uint256 layer) public {
        layer = bound(layer, 0, LAYERS - 1);
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.assume(keccak256(proof) != keccak256(_proof(claim, layer)));
        vm.expectRevert();
        settlement.proveLayers(claim, layer, _one(proof));
        assertEq(book.claim(claim).proven, 0);
    }

    function testFuzz_Attack_EveryByteOfAProofMatters(uint256 place, uint8 by) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory proof = _proof(claim, 1);
        place = bound(place, 0, proof.length - 1);
        proof[place] ^= bytes1(uint8(bound(by, 1, 255)));
        vm.expectRevert();
        settlement.proveLayers(claim, 1, _one(proof));
        assertEq(book.claim(claim).proven, 0);
    }

    function test_Attack_ProofWithMoreOrLess() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory proof = _proof(claim, 1);
        _expectRejected(claim, 1, bytes.concat(proof, hex"00"), ILayerVerifier.WrongProofLength.selector);
        _expectRejected(claim, 1, "", ILayerVerifier.WrongProofLength.selector);
    }

    /// Two elements that point to one proof, and some that point outside.
    function test_Attack_AbiOffsets() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        // `abi.encode` of bytes starts with an offset; length and content follow it, here at the second or third word.
        bytes memory proof = abi.encode(_proof(claim, 1));
        bytes memory one = bytes.concat(abi.encode(claim, 1, 0x60, 1, 0x40), proof);
        bytes memory two = bytes.concat(abi.encode(claim, 1, 0x60, 2, 0x60, 0x60), proof);
        bytes4 selector = settlement.proveLayers.selector;
        (bool ok, bytes memory returned) = address(settlement).call(bytes.concat(selector, two));
        assertFalse(ok);
        // forge-lint: disable-next-line(unsafe-typecast) the selector
        assertEq(bytes4(returned), ISettlement.CommitmentMismatch.selector);
        uint256[5] memory offsets = [uint256(0), 0x10000, type(uint256).max, 1 << 255, type(uint256).max - 0x1f];
        for (uint256 i = 0; i < offsets.length; ++i) {
            bytes memory outside = bytes.concat(abi.encode(claim, 1, 0x60, 1, offsets[i]), proof);
            (ok,) = address(settlement).call(bytes.concat(selector, outside));
            assertFalse(ok);
        }
        assertEq(book.claim(claim).proven, 0);
        (ok,) = address(settlement).call(bytes.concat(selector, one));
        assertTrue(ok);
        assertEq(book.claim(claim).proven, 1 << 1);
    }

    /// Too little gas reverts all of it; it never marks a layer halfway, nor calls a proof false.
    function testFuzz_Attack_GasStarvedVerification(uint256 gas_) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        bytes memory call = abi.encodeCall(settlement.proveLayers, (claim, 1, _one(_proof(claim, 1))));
        (bool ok,) = address(settlement).call{ gas: bound(gas_, 1_000, 400_000) }(call);
        assertEq(book.claim(claim).proven, ok ? 1 << 1 : 0);
        assertEq(dispute.openCount(claim), ok ? 0 : 1);
        assertEq(_free(recipient), 0);
    }

    // ---------------------------------------------------------------- the draw

    /// The draw's block is fixed by the claim, and later than it; a claim is posted once.
    function test_Attack_CommitmentsAfterTheSeed() public {
        bytes32 claim = _claimed(Lane.Audited);
        uint64 number = beacon.blockOf(claim);
        assertGt(number, book.claim(claim).postedBlock);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooEarly.selector, number));
        beacon.reveal(claim, Headers.encode(number, "seed"));
        _draw(claim, 2);
        ClaimHeader memory header = _header(claim);
        header.boundaries[0] = keccak256("commitments for another draw");
        vm.prank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, claim, JobStatus.Locked, JobStatus.Claimed)
        );
        book.postClaim(header, "");
        vm.prank(address(book));
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.AlreadyScheduled.selector, claim));
        beacon.schedule(claim);
    }

    /// Other commitments under the same seed are another draw: it cannot be computed before they are posted.
    function test_Attack_GrindingNeedsTheSeed() public {
        bytes32 claim = _claimed(Lane.Audited);
        uint32[] memory weights = registry.auditWeights(version);
        uint256 drawn = 0;
        for (uint256 i = 0; i < 200; ++i) {
            drawn |= 1 << beacon.draw(weights, 1, "seed", keccak256(abi.encode(book.claim(claim).claimDigest, i)))[0];
        }
        assertEq(drawn, ALL);
    }

    /// The head has the least weight, a quarter of an even share. It is drawn as often as its weight says, then it must
    /// be proven, and the stake is such that cheating on it loses money on average.
    function test_Attack_CheatingOnTheLightestLayer() public {
        uint32[] memory weights = registry.auditWeights(version);
        uint256 hits = 0;
        for (uint256 i = 0; i < 2_000; ++i) {
            if (beacon.draw(weights, 1, keccak256(abi.encode(i)), "claim")[0] == 3) ++hits;
        }
        uint256 p = Economics.inclusion(weights[3], 1_000_000, 1);
        assertApproxEqRel(hits * 1e18 / 2_000, p, 0.2e18);

        bytes32 claim = _claimed(Lane.Audited);
        _draw(claim, 3);
        _prove(claim, 0, 3);
        _after(_provenBy(claim));
        settlement.expire(claim);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        Policy memory policy = registry.policy(version);
        uint256 kept = policy.stake * Economics.CHALLENGER_BPS / 10_000;
        assertGt(p * (policy.stake - kept), (1e18 - p) * (policy.maxPrice + policy.externalGain));
    }

    // ---------------------------------------------------------------- loops

    /// The largest model: every transaction fits into a block's 16.7 M, and none loops over challenges.
    function test_Attack_UnboundedLoops() public {
        uint256 cap = 16_777_216;
        Layer[] memory layers = new Layer[](256);
        for (uint256 l = 0; l < 256; ++l) {
            LayerKind kind = l == 0 ? LayerKind.Embed : l == 255 ? LayerKind.Head : LayerKind.Block;
            layers[l] = _layer(kind, 10_000, "large");
        }
        Policy memory policy = _policy(ETH);
        policy.audits = 256;
        version = registry.register(_modelHeader(), layers, policy, "");
        assertEq(registry.layerCount(version), 256);

        bytes32 job = _locked(Lane.Audited);
        ClaimHeader memory header = _header(job);
        header.boundaries = new bytes32[](255);
        for (uint256 i = 0; i < 255; ++i) {
            header.boundaries[i] = keccak256(abi.encode(i));
        }
        bytes memory signature = _sign(providerKey, book.headerDigest(header));
        uint256 before = gasleft();
        book.postClaim(header, signature);
        assertLt(before - gasleft(), cap);

        _fund(challenger, 300 * BOND, 0);
        for (uint256 l = 0; l < 256; ++l) {
            _challenge(job, l);
        }
        _demand(job);
        assertEq(dispute.openCount(job), 257);
        bytes memory rlp = Headers.encode(beacon.blockOf(job), "seed");
        vm.roll(beacon.blockOf(job) + 1);
        vm.setBlockhash(beacon.blockOf(job), keccak256(rlp));
        before = gasleft();
        beacon.reveal(job, rlp);
        assertLt(before - gasleft(), cap);

        for (uint256 first = 0; first < 256; first += 16) {
            bytes[] memory proofs = _proofs(job, first, 16);
            before = gasleft();
            settlement.proveLayers(job, first, proofs);
            assertLt(before - gasleft(), cap / 2);
        }
        assertEq(book.claim(job).proven, type(uint256).max);
        before = gasleft();
        _reveal(job);
        assertLt(before - gasleft(), cap);
        vm.prank(requester);
        dispute.acceptOutput(job);
        _assertClaim(job, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(dispute.openCount(job), 0);
    }

    function _statementOf(bytes32 claim) private view returns (bytes32) {
        return book.statementOf(claim, recipient, registry.modelId(version), INPUT_DIGEST, "output", LAYERS);
    }

    function _expectRejected(bytes32 claim, uint256 layer, bytes memory proof, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        settlement.proveLayers(claim, layer, _one(proof));
    }
}
