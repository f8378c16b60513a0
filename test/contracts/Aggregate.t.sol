// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimHeader, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { Description, IClaimLens } from "../../contracts/interfaces/IClaimLens.sol";
import { IJobMarket, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ILayerDispute } from "../../contracts/interfaces/ILayerDispute.sol";
import { Activations, ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { IModelRegistry, Layer, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { ISettlement } from "../../contracts/interfaces/ISettlement.sol";
import { IVerifierRouter } from "../../contracts/interfaces/IVerifierRouter.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { LayerSet } from "../../contracts/libraries/LayerSet.sol";
import { Base } from "./Base.t.sol";
import { OddVerifier, ReentrantVerifier } from "./support/OddVerifiers.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";

/// @title Claims that one aggregate proof settles
contract AggregateTest is Base {
    Lane[3] internal lanes = [Lane.Proofs, Lane.Optimistic, Lane.Audited];

    function setUp() public override {
        super.setUp();
        _bind(version);
    }

    // ---------------------------------------------------------------- settlement

    function test_ProveAll_SettlesAtOnce() public {
        bytes32 claim = _claimedAtOnce();
        bytes memory proof = _aggregate(claim);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimProvenByAggregate(claim, AGGREGATE_KEY);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimEnded(claim, ClaimStatus.Proven);
        vm.expectEmit(address(market));
        emit IJobMarket.JobSettled(claim, recipient, PRICE);
        vm.prank(relayer);
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        _assertSettled(claim);
        assertEq(_free(recipient), PRICE);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
        assertEq(escrow.encumbered(provider, ETH), 0);
    }

    function test_ProveAll_InEachLane() public {
        for (uint256 i = 0; i < lanes.length; ++i) {
            bytes32 claim = _claimed(lanes[i]);
            vm.prank(requester);
            dispute.acceptOutput(claim);
            _proveAll(claim);
            _assertSettled(claim);
        }
    }

    /// In the audited lane before anything is drawn, in the optimistic one after the window.
    function test_ProveAll_UntilProvenBy() public {
        for (uint256 i = 0; i < lanes.length; ++i) {
            bytes32 inTime = _claimed(lanes[i]);
            bytes32 late = _claimed(lanes[i]);
            bytes memory proof = _aggregate(late);
            uint64 provenBy = _provenBy(late);
            vm.warp(provenBy);
            _proveAll(inTime);
            _assertSettled(inTime);
            vm.warp(provenBy + 1);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.ProvingIsOver.selector, provenBy));
            settlement.proveAll(late, AGGREGATE_KEY, proof);
        }
    }

    function test_ProveAll_WaitsWhileTheOutputCanBeDemanded() public {
        for (uint256 i = 0; i < lanes.length; ++i) {
            bytes32 claim = _claimed(lanes[i]);
            uint64 challengeBy = _challengeBy(claim);
            _proveAll(claim);
            _assertProven(claim);
            assertEq(settlement.missingLayers(claim), 0);
            vm.warp(challengeBy);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.NotYet.selector, challengeBy + 1));
            settlement.finalize(claim);
            vm.warp(challengeBy + 1);
            settlement.finalize(claim);
            _assertSettled(claim);
        }
    }

    /// Sent again once the output is closed, it settles, as layer proofs do.
    function test_ProveAll_TwiceIsVerifiedTwice() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _proveAll(claim);
        _proveAll(claim);
        bytes memory proof = _aggregate(claim);
        proof[127] ^= 0x01;
        vm.expectRevert(ILayerVerifier.ProofRejected.selector);
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        _assertProven(claim);
        _after(_challengeBy(claim));
        _proveAll(claim);
        _assertSettled(claim);
    }

    function test_ProveAll_NotAfterTheEnd() public {
        bytes32 claim = _claimedAtOnce();
        bytes memory proof = _aggregate(claim);
        bytes[] memory proofs = _proofs(claim, 0, LAYERS);
        _proveAll(claim);
        bytes memory over = abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Proven);
        vm.expectRevert(over);
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        vm.expectRevert(over);
        settlement.proveLayers(claim, 0, proofs);
        vm.expectRevert(over);
        settlement.finalize(claim);
        assertEq(_free(recipient), PRICE);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none")));
        settlement.proveAll("none", AGGREGATE_KEY, proof);
    }

    /// Some layers by themselves, all by the aggregate, and layers again.
    function test_ProveAll_AfterAndBeforeLayers() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _prove(claim, 1, 2);
        assertEq(book.claim(claim).aggregateKey, 0);
        _proveAll(claim);
        _assertProven(claim);
        _prove(claim, 0, LAYERS);
        _assertProven(claim);
    }

    /// Who proved the layers first is what the claim says.
    function test_ProveAll_OfWhatLayersHaveProvenMarksNothing() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _prove(claim, 0, LAYERS);
        _proveAll(claim);
        assertEq(book.claim(claim).aggregateKey, 0);
        _after(_challengeBy(claim));
        _proveAll(claim);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_ProveAll_OfATokensVersion() public {
        version = tokenVersion;
        _bind(version);
        bytes32 claim = _claimedAtOnce();
        _proveAll(claim);
        _assertSettled(claim);
        assertEq(escrow.free(recipient, address(token)), PRICE);
    }

    // ---------------------------------------------------------------- challenges

    /// It does not say that a challenger was wrong about its layer, so bonds return; a layer's own proof does.
    function test_ProveAll_AnswersChallenges() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _prove(claim, 2, 1);
        _challenge(claim, 0);
        _challenge(claim, 1);
        _challenge(claim, 3);
        _proveAll(claim);
        bytes memory proven = abi.encodeWithSelector(ILayerDispute.LayerIsProven.selector, claim, 1);
        vm.startPrank(challenger);
        vm.expectRevert(proven);
        dispute.challenge(claim, 1);
        vm.stopPrank();
        _prove(claim, 0, 1);
        _after(_provenBy(claim));
        vm.expectRevert(proven);
        dispute.timeout(claim, 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingMissing.selector, claim));
        settlement.expire(claim);
        settlement.finalize(claim);
        _assertSettled(claim);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.ChallengeEnded(claim, 3, ChallengeStatus.Cancelled);
        dispute.resolve(claim, 3, challenger);
        _collect(claim);
        assertEq(_free(recipient), PRICE + BOND);
        assertEq(_free(challenger), 10 ether - BOND);
        assertEq(dispute.openCount(claim), 0);
    }

    function test_ProveAll_SettlesWithChallengesAfterTheWindow() public {
        bytes32 claim = _claimed(Lane.Audited);
        _challenge(claim, 1);
        _after(_challengeBy(claim));
        _proveAll(claim);
        _assertSettled(claim);
        _collect(claim);
        assertEq(_free(recipient), PRICE);
        assertEq(_free(challenger), 10 ether);
    }

    function test_ProveAll_CannotAnswerAChallengeWhoseTimeIsOver() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 3);
        vm.warp(block.timestamp + 10);
        _challenge(claim, 0);
        bytes32 inTime = _claimed(Lane.Optimistic);
        _challenge(inTime, 2);
        uint64 answerBy = dispute.challengeOf(claim, 3).answerBy;
        _after(answerBy);
        bytes memory proof = _aggregate(claim);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOver.selector, answerBy));
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        assertEq(book.claim(claim).proven, 0);
        dispute.timeout(claim, 3);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        vm.warp(dispute.challengeOf(inTime, 2).answerBy);
        _proveAll(inTime);
        _assertSettled(inTime);
    }

    /// A demand is answered by tokens; until then the proof waits.
    function test_ProveAll_DoesNotAnswerADemandOfTheOutput() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        _demand(claim);
        _proveAll(claim);
        _assertProven(claim);
        assertEq(dispute.openCount(claim), 2);
        _after(_challengeBy(claim));
        _proveAll(claim);
        _assertProven(claim);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ChallengesOpen.selector, claim, 1));
        settlement.finalize(claim);
        bytes memory tokens = _pack(_tokens());
        vm.prank(thief);
        dispute.revealOutput(claim, SALT, tokens, "");
        _assertSettled(claim);
    }

    function test_ProveAll_OutputDemandedAndNotShownLoses() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _demand(claim);
        _proveAll(claim);
        _after(dispute.challengeOf(claim, LAYERS).answerBy);
        dispute.timeout(claim, LAYERS);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        _collect(claim);
        assertEq(
            lens.explainStatus(claim),
            "Defeated: 4 of 4 layers are proven by one aggregate proof; the stake is slashed, and the requester was refunded."
        );
    }

    /// The same money as by layer proofs, but for bonds, whatever is open and whatever was proven before.
    function testFuzz_ProveAll_PaysAsLayerProofsDoButForBonds(uint8 challenged, uint8 before, uint8 lane) public {
        uint256 set = challenged & ALL;
        bytes32[2] memory claims = [_claimed(lanes[1 + lane % 2]), _claimed(lanes[1 + lane % 2])];
        uint256[2] memory earned;
        for (uint256 i = 0; i < 2; ++i) {
            for (uint256 l = 0; l < LAYERS; ++l) {
                if (before >> l & 1 == 1) _prove(claims[i], l, 1);
                else if (set >> l & 1 == 1) _challenge(claims[i], l);
            }
        }
        _after(_challengeBy(claims[0]));
        for (uint256 i = 0; i < 2; ++i) {
            uint256 had = _free(recipient);
            if (i == 0) _prove(claims[i], 0, LAYERS);
            else _proveAll(claims[i]);
            _assertClaim(claims[i], ClaimStatus.Proven, JobStatus.Settled);
            _collect(claims[i]);
            earned[i] = _free(recipient) - had;
            assertEq(dispute.openCount(claims[i]), 0);
        }
        uint256 open = LayerSet.count(set & ~before & ALL);
        assertEq(earned[0], PRICE + open * BOND);
        assertEq(earned[1], PRICE);
        assertEq(_free(challenger), 10 ether - open * BOND);
    }

    // ---------------------------------------------------------------- what is refused

    function test_ProveAll_RefusesAnotherDigest() public {
        bytes32 claim = _claimed(Lane.Proofs);
        bytes32 expected = registry.aggregationDigest(version);
        bytes32 other = _otherModelsDigest();
        _expectRefused(
            claim,
            AGGREGATE_KEY,
            _aggregateOf(claim, 0, 0, other),
            abi.encodeWithSelector(ISettlement.AggregateMismatch.selector, claim, expected, other)
        );
        _expectRefused(
            claim,
            AGGREGATE_KEY,
            _aggregateOf(claim, 0, 0, 0),
            abi.encodeWithSelector(ISettlement.AggregateMismatch.selector, claim, expected, bytes32(0))
        );
    }

    function _otherModelsDigest() private returns (bytes32) {
        bytes32 other = _register("other weights", ETH);
        registry.bindAggregate(other, 0, _pointsOf(other, "other weights"));
        assertNotEq(registry.aggregationDigest(other), registry.aggregationDigest(version));
        return registry.aggregationDigest(other);
    }

    /// Neither nothing nor a part of the layers is taken for all of them.
    function test_ProveAll_RefusesAVersionThatIsNotBound() public {
        version = _register("weights of another model", ETH);
        bytes32 claim = _claimed(Lane.Proofs);
        uint256[][] memory points = _pointsOf(version, "weights of another model");
        for (uint256 l = 0; l < LAYERS; ++l) {
            (uint256 bound, bytes32 digest) = registry.aggregation(version);
            assertEq(bound, l);
            _expectRefused(
                claim,
                AGGREGATE_KEY,
                _aggregateOf(claim, 0, 0, digest),
                abi.encodeWithSelector(IModelRegistry.AggregateNotBound.selector, version, l, LAYERS)
            );
            uint256[][] memory next = new uint256[][](1);
            next[0] = points[l];
            registry.bindAggregate(version, l, next);
        }
        _proveAll(claim);
        _assertProven(claim);
    }

    function test_ProveAll_RefusesUnknownAndFrozenKeys() public {
        bytes32 claim = _claimed(Lane.Proofs);
        bytes memory proof = _aggregate(claim);
        bytes32 unknown = keccak256("unknown");
        _expectRefused(
            claim, unknown, proof, abi.encodeWithSelector(IVerifierRouter.UnknownVerifyingKey.selector, unknown)
        );
        vm.prank(guardian);
        router.freeze(AGGREGATE_KEY, "a flaw");
        _expectRefused(
            claim, AGGREGATE_KEY, proof, abi.encodeWithSelector(IVerifierRouter.Frozen.selector, AGGREGATE_KEY)
        );
        // The version is as usable as before: another aggregate serves, and so do layer proofs.
        assertTrue(registry.usable(version));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.StillUsable.selector, claim));
        settlement.voidClaim(claim);
        // Nor is anybody in a hurry.
        assertEq(_provenBy(claim), block.timestamp + ANSWER);
        bytes32 second = keccak256("key of another tree");
        _addAggregate(second, SETUP);
        settlement.proveAll(claim, second, proof);
        _assertProven(claim);
    }

    /// A circuit with a flaw has false proofs, and aggregates of them are valid.
    function test_ProveAll_RefusesAVersionWithAFrozenLayer() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        bytes memory proof = _aggregate(claim);
        _freeze(LayerKind.Mlp);
        _expectRefused(
            claim, AGGREGATE_KEY, proof, abi.encodeWithSelector(ISettlement.VersionUnusable.selector, version)
        );
        settlement.voidClaim(claim);
        dispute.resolve(claim, 1, challenger);
        assertEq(_free(challenger), 10 ether);
        assertEq(_free(requester), 100 ether);
    }

    function test_ProveAll_RefusesAnAggregateOfAnotherSetup() public {
        bytes32 claim = _claimed(Lane.Proofs);
        bytes32 key = keccak256("key under another setup");
        bytes32 setup = keccak256("another ceremony");
        _addAggregate(key, setup);
        _expectRefused(
            claim,
            key,
            _aggregate(claim),
            abi.encodeWithSelector(ISettlement.AggregateSetupMismatch.selector, key, SETUP, setup)
        );
    }

    /// The embedding's has the same public inputs. Even one that could choose its third word has an output.
    function test_ProveAll_RefusesLayerVerifiers() public {
        bytes32 claim = _claimed(Lane.Proofs);
        bytes32 digest = registry.aggregationDigest(version);
        bytes32 key = _key(LayerKind.Embed);
        (, bytes32 output) = book.boundariesOf(claim, 0);
        assertEq(book.instances(claim, 0), book.aggregateInstances(claim));
        bytes memory noAggregate = abi.encodeWithSelector(ISettlement.NotAnAggregate.selector, key);
        _expectRefused(claim, key, _proof(claim, 0), noAggregate);
        _expectRefused(claim, key, _aggregateOf(claim, 0, output, digest), noAggregate);
        _expectRefused(claim, key, _aggregateOf(claim, output, 0, digest), noAggregate);
        // And one without an output still has weights for a digest.
        bytes32 weights = registry.layer(version, 0).weights;
        _expectRefused(
            claim,
            key,
            _aggregateOf(claim, 0, 0, weights),
            abi.encodeWithSelector(ISettlement.AggregateMismatch.selector, claim, digest, weights)
        );
        // Others have other public inputs.
        for (uint256 kind = 1; kind < 5; ++kind) {
            key = _key(LayerKind(kind));
            _expectRefused(
                claim,
                key,
                _aggregate(claim),
                abi.encodeWithSelector(ILayerVerifier.WrongInstanceCount.selector, kind == 4 ? 3 : 2, 4)
            );
        }
    }

    /// No version names an aggregate's key as a layer's. If its verifier said that it were one, no claim would have a proof
    /// of that layer.
    function test_ProveLayers_RefusesAggregates() public {
        (address verifier,,,) = router.entry(AGGREGATE_KEY);
        for (uint256 l = 0; l < LAYERS; ++l) {
            Layer[] memory layers = _layers("weights");
            layers[l].verifyingKey = AGGREGATE_KEY;
            layers[l].weights = registry.aggregationDigest(version);
            ScriptedVerifier(verifier).become(255, Activations(0, 0, 0));
            vm.expectPartialRevert(IModelRegistry.ActivationsMismatch.selector);
            registry.register(_modelHeader(), layers, _policy(ETH), "");
            ScriptedVerifier(verifier).become(uint256(layers[l].kind), Activations(12, 8, 16));
            bytes32 odd = registry.register(_modelHeader(), layers, _policy(ETH), "");
            JobRequest memory request = _request(Lane.Proofs);
            request.version = odd;
            bytes32 claim = _open(request);
            _lock(claim);
            _post(_header(claim));
            bytes[] memory proofs = _one(_aggregateOf(claim, 0, 0, layers[l].weights));
            vm.expectPartialRevert(
                l == 0 ? ISettlement.CommitmentMismatch.selector : ILayerVerifier.WrongInstanceCount.selector
            );
            settlement.proveLayers(claim, l, proofs);
        }
    }

    function test_ProveAll_RefusesOddReturns() public {
        bytes32 claim = _claimed(Lane.Proofs);
        bytes32 key = keccak256("odd");
        OddVerifier odd = new OddVerifier(key, SETUP);
        vm.prank(curator);
        router.add(address(odd));
        bytes32 digest = registry.aggregationDigest(version);
        bytes memory words = abi.encode(bytes32(0), bytes32(0), digest);
        for (uint256 length = 1; length <= words.length; length += 19) {
            bytes memory answer = new bytes(length);
            _expectRefused(
                claim, key, answer, abi.encodeWithSelector(IVerifierRouter.BadReturn.selector, address(odd), length - 1)
            );
        }
        settlement.proveAll(claim, key, bytes.concat(hex"00", words));
        _assertProven(claim);
    }

    // ---------------------------------------------------------------- attacks

    function test_Attack_CopiedAggregatePaysTheRecipient() public {
        bytes32 claim = _claimedAtOnce();
        bytes memory proof = _aggregate(claim);
        vm.prank(thief);
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        assertEq(_free(recipient), PRICE);
        assertEq(_free(thief), 10 ether);
    }

    function test_Attack_AggregateReplayedInAnotherClaim() public {
        bytes memory proof = _aggregate(_claimed(Lane.Optimistic));
        bytes32 other = _claimed(Lane.Optimistic);
        _expectRefused(other, AGGREGATE_KEY, proof, abi.encodeWithSelector(ILayerVerifier.ProofRejected.selector));
    }

    /// The same layers, in a version of other terms: the same digest, but another statement.
    function test_Attack_AggregateReplayedForAnotherVersionOfTheModel() public {
        _bind(tokenVersion);
        assertEq(registry.aggregationDigest(tokenVersion), registry.aggregationDigest(version));
        bytes memory proof = _aggregate(_claimed(Lane.Proofs));
        version = tokenVersion;
        bytes32 other = _claimed(Lane.Proofs);
        _expectRefused(other, AGGREGATE_KEY, proof, abi.encodeWithSelector(ILayerVerifier.ProofRejected.selector));
    }

    /// A verifier is asked by `staticcall`: it can neither prove nor settle what it is asked about.
    function test_Attack_ReentrantVerifier() public {
        bytes32 key = keccak256("reentrant");
        ReentrantVerifier verifier = new ReentrantVerifier(key, SETUP, registry.aggregationDigest(version));
        vm.prank(curator);
        router.add(address(verifier));
        bytes32 claim = _claimedAtOnce();
        bytes memory layers = abi.encodeCall(settlement.proveLayers, (claim, 0, _proofs(claim, 0, LAYERS)));
        bytes memory all = abi.encodeCall(settlement.proveAll, (claim, AGGREGATE_KEY, _aggregate(claim)));
        verifier.arm(address(settlement), layers);
        settlement.checkAggregate(claim, key, "");
        verifier.arm(address(settlement), all);
        settlement.proveAll(claim, key, "");
        _assertSettled(claim);
        assertEq(_free(recipient), PRICE);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
    }

    function testFuzz_Attack_EveryByteOfAnAggregateMatters(uint256 place, uint8 by) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory proof = _aggregate(claim);
        place = bound(place, 0, proof.length - 1);
        proof[place] ^= bytes1(uint8(bound(by, 1, 255)));
        vm.expectRevert();
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        assertEq(book.claim(claim).proven, 0);
    }

    function testFuzz_Attack_MalformedAggregate(bytes memory proof) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.assume(keccak256(proof) != keccak256(_aggregate(claim)));
        vm.expectRevert();
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
        assertEq(book.claim(claim).proven, 0);
    }

    function testFuzz_Attack_GasStarvedAggregate(uint256 gas_) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 1);
        bytes memory call = abi.encodeCall(settlement.proveAll, (claim, AGGREGATE_KEY, _aggregate(claim)));
        (bool ok,) = address(settlement).call{ gas: bound(gas_, 1_000, 500_000) }(call);
        assertEq(settlement.provenLayers(claim), ok ? ALL : 0);
        assertEq(_free(recipient), 0);
    }

    // ---------------------------------------------------------------- reading

    function test_Lens_SaysThatAClaimWasProvenByOneAggregate() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _proveAll(claim);
        assertEq(
            lens.explainStatus(claim),
            "Posted 0 s ago in the proofs lane: 4 of 4 layers are proven by one aggregate proof, 0 challenges are open. Next: requester, LayerDispute.acceptOutput or demandOutput, until 1700003600 (3600 s left)."
        );
        Description memory d = lens.describeClaim(claim);
        assertEq(d.claim.aggregateKey, AGGREGATE_KEY);
        assertEq(d.provenLayers, LAYERS);
        vm.prank(requester);
        dispute.acceptOutput(claim);
        assertEq(
            lens.explainStatus(claim), "Proven: every layer is proven by one aggregate proof, and the price is paid."
        );
    }

    function test_CheckAggregate() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory proof = _aggregate(claim);
        settlement.checkAggregate(claim, AGGREGATE_KEY, proof);
        (bool valid, bytes memory reason, bytes32 statement, uint256[] memory inputs) =
            lens.checkAggregate(claim, AGGREGATE_KEY, proof);
        assertTrue(valid);
        assertEq(reason, "");
        Claim memory c = book.claim(claim);
        assertEq(statement, c.statement);
        assertEq(inputs.length, 4);
        assertEq(inputs[0] << 128 | inputs[1], uint256(c.statement));
        assertLt(inputs[0] | inputs[1], 1 << 128);
        assertEq(inputs[2], uint256(c.inputDigest));
        assertEq(inputs[3], uint256(c.outputDigest));
        proof[127] ^= 0x01;
        (valid, reason,,) = lens.checkAggregate(claim, AGGREGATE_KEY, proof);
        assertFalse(valid);
        assertEq(reason, abi.encodeWithSelector(ILayerVerifier.ProofRejected.selector));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none")));
        lens.checkAggregate("none", AGGREGATE_KEY, proof);
    }

    function testFuzz_CheckAggregate_NeverCallsAStarvedProofInvalid(uint256 gas_) public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory call = abi.encodeCall(lens.checkAggregate, (claim, AGGREGATE_KEY, _aggregate(claim)));
        (bool ok, bytes memory returned) = address(lens).staticcall{ gas: bound(gas_, 1_000, 300_000) }(call);
        if (!ok) return;
        (bool valid,,,) = abi.decode(returned, (bool, bytes, bytes32, uint256[]));
        assertTrue(valid);
    }

    function test_CheckAggregate_SaysThatItNeedsMoreGas() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes memory call = abi.encodeCall(lens.checkAggregate, (claim, AGGREGATE_KEY, _aggregate(claim)));
        (uint256 valid, uint256 needed) = (0, 0);
        for (uint256 g = 20_000; g < 400_000; g += 500) {
            (bool ok, bytes memory returned) = address(lens).staticcall{ gas: g }(call);
            if (ok) ++valid;
            // forge-lint: disable-next-line(unsafe-typecast) the selector
            else if (bytes4(returned) == IClaimLens.MoreGasNeeded.selector) ++needed;
        }
        assertGt(valid, 0);
        assertGt(needed, 0);
    }

    // ---------------------------------------------------------------- states

    function _expectRefused(bytes32 claim, bytes32 key, bytes memory proof, bytes memory reason) private {
        uint256 before = book.claim(claim).proven;
        vm.expectRevert(reason);
        settlement.proveAll(claim, key, proof);
        vm.expectRevert(reason);
        settlement.checkAggregate(claim, key, proof);
        (bool valid, bytes memory said,,) = lens.checkAggregate(claim, key, proof);
        assertFalse(valid);
        assertEq(said, reason);
        assertEq(book.claim(claim).proven, before);
    }

    function _assertProven(bytes32 claim) private view {
        _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
        assertEq(settlement.provenLayers(claim), ALL);
        assertNotEq(book.claim(claim).aggregateKey, 0);
    }

    function _assertSettled(bytes32 claim) private view {
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(settlement.provenLayers(claim), ALL);
        assertNotEq(book.claim(claim).aggregateKey, 0);
    }
}

/// @title What an aggregate's settlement costs: for a small claim, and for one of the largest model with every layer
/// challenged and the output demanded
/// @notice All that is made in `setUp`, so that a test's gas is that of a transaction of its own. The verifier is
/// scripted: it takes 46,514 gas.
contract AggregateGasTest is Base {
    bytes32 internal small;
    bytes internal smallProof;
    bytes32 internal claim;
    bytes internal proof;

    function setUp() public override {
        super.setUp();
        _bind(version);
        small = _claimedAtOnce();
        smallProof = _aggregate(small);
        Layer[] memory layers = new Layer[](256);
        for (uint256 l = 0; l < 256; ++l) {
            LayerKind kind = l == 0 ? LayerKind.Embed : l == 255 ? LayerKind.Head : LayerKind.Block;
            layers[l] = _layer(kind, 10_000, "weights");
        }
        Policy memory policy = _policy(ETH);
        policy.audits = 256;
        version = registry.register(_modelHeader(), layers, policy, "");
        _bind(version);
        claim = _locked(Lane.Optimistic);
        ClaimHeader memory header = _header(claim);
        header.boundaries = new bytes32[](255);
        for (uint256 i = 0; i < 255; ++i) {
            header.boundaries[i] = keccak256(abi.encode(i));
        }
        _post(header);
        _fund(challenger, 300 * BOND, 0);
        for (uint256 l = 0; l < 256; ++l) {
            _challenge(claim, l);
        }
        _demand(claim);
        proof = _aggregate(claim);
    }

    function test_ProveAll_Gas() public {
        vm.prank(relayer);
        settlement.proveAll(small, AGGREGATE_KEY, smallProof);
        vm.snapshotGasLastCall("gas", "settle a claim by an aggregate proof (scripted)");
        _assertClaim(small, ClaimStatus.Proven, JobStatus.Settled);
    }

    /// Nobody can make an aggregate too dear to be sent: of the 16.7 M that a transaction may have, verification and
    /// calldata have more than they need.
    function test_Attack_ChallengesCannotKeepAnAggregateOut() public {
        vm.prank(relayer);
        (bool ok,) = address(settlement).call{ gas: 2_000_000 }(
            abi.encodeCall(settlement.proveAll, (claim, AGGREGATE_KEY, proof))
        );
        assertTrue(ok);
        vm.snapshotGasLastCall("gas", "answer 256 challenges by an aggregate proof (scripted)");
        assertEq(settlement.provenLayers(claim), type(uint256).max);
        bytes memory tokens = _pack(_tokens());
        dispute.revealOutput(claim, SALT, tokens, "");
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        _collect(claim);
        assertEq(_free(challenger), 10 ether + 300 * BOND);
    }
}
