// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimHeader } from "../../contracts/interfaces/IClaimBook.sol";
import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { Layer, ModelHeader, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { ISettlement } from "../../contracts/interfaces/ISettlement.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Statement } from "../../contracts/libraries/Statement.sol";
import { Base } from "./Base.t.sol";
import { console } from "forge-std/console.sol";

/// @title The protocol with real verifiers, and the proofs of a real session of the tiny GPT-2
/// @notice The proofs are bound to this test's contracts: chain, claim book, claim and recipient are in the statement.
/// `script/fixtures` makes them anew, and has to when an address or the request changes.
contract RealProofs is Base {
    string private model;
    string private session;
    bytes32 private realVersion;
    bytes[] private proofs;
    uint256 private layers;

    /// Gas of a transaction (EIP-7825).
    uint256 private constant TRANSACTION_GAS = 16_777_216;

    function setUp() public override {
        super.setUp();
        model = vm.readFile("test/fixtures/model.json");
        session = vm.readFile("test/fixtures/session.json");
        string[4] memory names = ["TinyGpt2Embed", "TinyGpt2Attention", "TinyGpt2Mlp", "TinyGpt2Head"];
        for (uint256 i = 0; i < names.length; ++i) {
            address verifier = deployCode(string.concat(names[i], ".sol"));
            vm.prank(curator);
            router.add(verifier);
        }
        realVersion = _registerModel();
        for (; vm.keyExistsJson(session, _path(".proofs", proofs.length));) {
            proofs.push(vm.parseJsonBytes(session, string.concat(_path(".proofs", proofs.length), ".proof")));
        }
    }

    function _path(string memory array, uint256 i) private pure returns (string memory) {
        return string.concat(array, "[", vm.toString(i), "]");
    }

    function _registerModel() private returns (bytes32) {
        ModelHeader memory header = ModelHeader({
            dimensions: vm.parseJsonBytes32(model, ".dimensions"),
            tokenizer: vm.parseJsonBytes32(model, ".tokenizer"),
            tokens: uint32(vm.parseJsonUint(model, ".tokens")),
            setup: vm.parseJsonBytes32(model, ".setup")
        });
        while (vm.keyExistsJson(model, _path(".layers", layers))) {
            ++layers;
        }
        Layer[] memory all = new Layer[](layers);
        for (uint256 i = 0; i < layers; ++i) {
            string memory place = _path(".layers", i);
            all[i] = Layer({
                kind: LayerKind(vm.parseJsonUint(model, string.concat(place, ".kind"))),
                auditWeight: 100_000,
                answerCost: BOND / 2,
                verifyingKey: vm.parseJsonBytes32(model, string.concat(place, ".verifyingKey")),
                weights: vm.parseJsonBytes32(model, string.concat(place, ".weights"))
            });
        }
        assertEq(registry.modelIdOf(header, all), vm.parseJsonBytes32(model, ".modelId"), "model id");
        return registry.register(header, all, Policy(ETH, 1 ether, 0.1 ether, STAKE, BOND, 2), "ipfs://tiny-gpt2");
    }

    /// The request that the session answers. The lane is not in the statement: each has a job of its own.
    function _realRequest() private view returns (JobRequest memory) {
        return JobRequest({
            requester: requester,
            provider: provider,
            version: realVersion,
            inputDigest: vm.parseJsonBytes32(session, ".session.input_digest"),
            promptTokens: uint32(vm.parseJsonUint(session, ".promptTokens")),
            newTokens: uint32(vm.parseJsonUint(session, ".newTokens")),
            lane: Lane.Optimistic,
            price: PRICE,
            lockBy: 1_700_003_600,
            claimBy: 1_700_007_200,
            challengeWindow: WINDOW,
            answerWindow: ANSWER,
            nonce: 1_000_000
        });
    }

    function _realHeader(bytes32 job) private view returns (ClaimHeader memory) {
        return ClaimHeader({
            job: job,
            outputDigest: vm.parseJsonBytes32(session, ".session.output_digest"),
            recipient: recipient,
            boundaries: vm.parseJsonBytes32Array(session, ".boundaries")
        });
    }

    function _realClaim() private returns (bytes32 claim) {
        claim = _open(_realRequest());
        _lock(claim);
        _post(_realHeader(claim));
    }

    /// Where the session has to be claimed; `script/fixtures` reads it.
    function test_ContextOfTheSession() public view {
        console.log("chain", block.chainid);
        console.log("contract", vm.toString(address(book)));
        console.log("claim", vm.toString(market.jobIdOf(_realRequest())));
        console.log("recipient", vm.toString(recipient));
        assertNotEq(address(book), address(0));
    }

    function test_FixturesAreOfThisDeployment() public {
        bytes32 claim = _realClaim();
        assertEq(book.claim(claim).statement, vm.parseJsonBytes32(session, ".statement"), "run script/fixtures");
        assertEq(proofs.length, layers);
    }

    /// All layers, links and ends, in one transaction under the cap.
    function test_WholeSessionSettlesInOneTransaction() public {
        bytes32 claim = _realClaim();
        vm.prank(requester);
        dispute.acceptOutput(claim);
        bytes memory call = abi.encodeCall(settlement.proveLayers, (claim, 0, proofs));
        vm.prank(relayer);
        (bool ok,) = address(settlement).call{ gas: TRANSACTION_GAS }(call);
        assertTrue(ok);
        uint256 gas = vm.lastCallGas().gasTotalUsed + _intrinsic(call);
        assertLt(gas, TRANSACTION_GAS);
        vm.snapshotValue("gas", "settle tiny GPT-2, 10 layer proofs, transaction", gas);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
    }

    /// What a transaction with this calldata costs before it runs.
    function _intrinsic(bytes memory data) private pure returns (uint256 gas) {
        gas = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
        }
    }

    function test_SessionSettlesInSeveralTransactionsInAnyOrder() public {
        bytes32 claim = _realClaim();
        vm.prank(requester);
        dispute.acceptOutput(claim);
        for (uint256 i = layers; i != 0; --i) {
            _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
            settlement.proveLayers(claim, i - 1, _one(proofs[i - 1]));
        }
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_ChallengeIsAnsweredByTheLayersProof() public {
        bytes32 claim = _realClaim();
        _challenge(claim, 3);
        vm.prank(relayer);
        dispute.answer(claim, 3, proofs[3]);
        vm.snapshotGasLastCall("gas", "answer a challenge of an attention layer");
        assertEq(uint256(dispute.challengeOf(claim, 3).status), uint256(ChallengeStatus.Answered));
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        _collect(claim);
        assertEq(_free(recipient), PRICE + BOND);
    }

    /// Every layer's proof, in the place of every other: kinds differ in length, weights and boundaries in value.
    function test_SwappedLayersAreRefused() public {
        bytes32 claim = _realClaim();
        for (uint256 layer = 0; layer < layers; ++layer) {
            for (uint256 other = 0; other < layers; ++other) {
                (bool valid, bytes memory reason,,) = lens.checkProof(claim, layer, proofs[other]);
                assertEq(valid, layer == other);
                if (layer == other) continue;
                LayerKind kind = registry.layer(realVersion, layer).kind;
                bytes4 expected = kind == registry.layer(realVersion, other).kind
                    ? ISettlement.CommitmentMismatch.selector
                    : ILayerVerifier.WrongProofLength.selector;
                assertEq(bytes4(reason), expected);
            }
        }
    }

    /// The same session in another job: another claim id, so another statement.
    function test_ProofsAreNotReplayedInAnotherClaim() public {
        JobRequest memory request = _realRequest();
        request.nonce += 1;
        bytes32 claim = _open(request);
        _lock(claim);
        _post(_realHeader(claim));
        _refusedForItsStatement(claim);
    }

    function test_ProofsAreNotRedirectedToAnotherRecipient() public {
        bytes32 claim = _open(_realRequest());
        _lock(claim);
        ClaimHeader memory header = _realHeader(claim);
        header.recipient = thief;
        _post(header);
        _refusedForItsStatement(claim);
    }

    function test_ProofsAreNotReplayedOnAnotherChain() public {
        vm.chainId(1337);
        bytes32 claim = _realClaim();
        _refusedForItsStatement(claim);
    }

    function test_ProofsOfAnotherOutputAreRefused() public {
        bytes32 claim = _open(_realRequest());
        _lock(claim);
        ClaimHeader memory header = _realHeader(claim);
        header.outputDigest = bytes32(uint256(header.outputDigest) ^ 1);
        _post(header);
        _refusedForItsStatement(claim);
    }

    function _refusedForItsStatement(bytes32 claim) private {
        assertNotEq(book.claim(claim).statement, vm.parseJsonBytes32(session, ".statement"));
        for (uint256 layer = 0; layer < layers; ++layer) {
            vm.expectRevert(ILayerVerifier.ProofRejected.selector);
            settlement.proveLayers(claim, layer, _one(proofs[layer]));
        }
    }

    /// Boundaries of another order than the proofs'.
    function test_BrokenLinkIsRefused() public {
        bytes32 claim = _open(_realRequest());
        _lock(claim);
        ClaimHeader memory header = _realHeader(claim);
        (header.boundaries[2], header.boundaries[4]) = (header.boundaries[4], header.boundaries[2]);
        _post(header);
        // The statement does not contain the boundaries: the proofs themselves are valid.
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.CommitmentMismatch.selector, claim, 2, "output", header.boundaries[2], header.boundaries[4]
            )
        );
        settlement.proveLayers(claim, 0, proofs);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.CommitmentMismatch.selector, claim, 3, "input", header.boundaries[2], header.boundaries[4]
            )
        );
        settlement.proveLayers(claim, 3, _one(proofs[3]));
    }

    /// Weights that were not registered: the same circuits and session, another model version.
    function test_OtherWeightsThanTheRegisteredOnesAreRefused() public {
        string memory swapped = vm.replace(
            model, vm.parseJsonString(model, ".layers[1].weights"), vm.parseJsonString(model, ".layers[3].weights")
        );
        assertNotEq(keccak256(bytes(swapped)), keccak256(bytes(model)));
        Layer memory first = registry.layer(realVersion, 1);
        Layer memory third = registry.layer(realVersion, 3);
        assertNotEq(first.weights, third.weights);
        Layer[] memory all = registry.layers(realVersion);
        all[1].weights = third.weights;
        ModelHeader memory header = registry.header(realVersion);
        Policy memory policy = registry.policy(realVersion);
        bytes32 other = registry.register(header, all, policy, "ipfs://other");
        JobRequest memory request = _realRequest();
        request.version = other;
        bytes32 claim = _open(request);
        _lock(claim);
        _post(_realHeader(claim));
        // The model id is in the statement.
        _refusedForItsStatement(claim);
    }

    /// Each byte of a proof matters: one bit somewhere, and the proof is refused, whatever the reason.
    function testFuzz_ChangedProofsAreRefused(uint256 layer, uint256 bit) public {
        bytes32 claim = _realClaim();
        layer = bound(layer, 0, layers - 1);
        bytes memory proof = proofs[layer];
        bit = bound(bit, 0, 8 * proof.length - 1);
        proof[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        (bool valid, bytes memory reason,,) = lens.checkProof(claim, layer, proof);
        assertFalse(valid);
        assertGt(reason.length, 0);
        vm.expectRevert();
        settlement.proveLayers(claim, layer, _one(proof));
        assertEq(book.claim(claim).proven, 0);
    }

    /// With too little gas a proof is not found invalid: the transaction fails and nothing is decided.
    function testFuzz_GasStarvedProofsDecideNothing(uint256 gas) public {
        bytes32 claim = _realClaim();
        gas = bound(gas, 30_000, 700_000);
        bytes memory call = abi.encodeCall(settlement.proveLayers, (claim, 1, _one(proofs[1])));
        (bool ok,) = address(settlement).call{ gas: gas }(call);
        assertFalse(ok);
        _assertClaim(claim, ClaimStatus.Posted, JobStatus.Claimed);
        settlement.proveLayers(claim, 1, _one(proofs[1]));
        assertEq(book.claim(claim).proven, 2);
    }

    // ---------------------------------------------------------------- aggregates

    uint256 private constant MODULUS =
        21_888_242_871_839_275_222_246_405_745_257_275_088_696_311_157_297_823_662_689_037_894_645_226_208_583;

    /// The commitments of the card, as words.
    function _weights() private view returns (uint256[][] memory points) {
        points = new uint256[][](layers);
        for (uint256 l = 0; l < layers; ++l) {
            string memory path = string.concat(_path(".card.layers", l), ".weights");
            bytes32[] memory compressed = vm.parseJsonBytes32Array(model, path);
            points[l] = new uint256[](2 * compressed.length);
            for (uint256 i = 0; i < compressed.length; ++i) {
                (points[l][2 * i], points[l][2 * i + 1]) = _decompress(uint256(compressed[i]));
            }
        }
    }

    function _decompress(uint256 word) private view returns (uint256 x, uint256 y) {
        x = word & (type(uint256).max >> 1);
        uint256 square = addmod(mulmod(mulmod(x, x, MODULUS), x, MODULUS), 3, MODULUS);
        // The modulus is 3 modulo 4.
        (bool ok, bytes memory root) = address(5).staticcall(abi.encode(32, 32, 32, square, (MODULUS + 1) / 4, MODULUS));
        assertTrue(ok);
        y = abi.decode(root, (uint256));
        if (y % 2 != word >> 255) y = MODULUS - y;
    }

    /// The registered digests are of the card's points, in this order.
    function test_WeightsOfTheModelAreBound() public {
        bytes memory call = abi.encodeCall(registry.bindAggregate, (realVersion, 0, _weights()));
        vm.prank(relayer);
        (bool ok,) = address(registry).call{ gas: TRANSACTION_GAS }(call);
        assertTrue(ok);
        uint256 gas = vm.lastCallGas().gasTotalUsed + _intrinsic(call);
        vm.snapshotValue("gas", "bind tiny GPT-2, 10 layers with 26 weight commitments, transaction", gas);
        assertLt(uint256(registry.aggregationDigest(realVersion)), Statement.FIELD_ORDER);
    }

    /// The embedding's verifier has an aggregate's public inputs, and a valid proof for them.
    function test_LayerProofsAreNotTakenForAggregates() public {
        bytes32 claim = _realClaim();
        registry.bindAggregate(realVersion, 0, _weights());
        assertEq(book.instances(claim, 0), book.aggregateInstances(claim));
        for (uint256 layer = 0; layer < layers; ++layer) {
            bytes32 key = registry.layer(realVersion, layer).verifyingKey;
            vm.expectRevert(
                layer == 0
                    ? abi.encodeWithSelector(ISettlement.NotAnAggregate.selector, key)
                    : abi.encodeWithSelector(ILayerVerifier.WrongInstanceCount.selector, layer == layers - 1 ? 3 : 2, 4)
            );
            settlement.proveAll(claim, key, proofs[layer]);
        }
        assertEq(book.claim(claim).proven, 0);
    }

    /// The generated tokens open the digest that the proofs bind.
    function test_DemandedOutputIsRevealed() public {
        bytes32 claim = _realClaim();
        _demand(claim);
        uint256[] memory words = vm.parseJsonUintArray(session, ".generated");
        uint32[] memory tokens = new uint32[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            tokens[i] = uint32(words[i]);
        }
        bytes memory packed = _pack(tokens);
        uint256 salt = uint256(vm.parseJsonBytes32(session, ".outputSalt"));
        vm.prank(thief);
        dispute.revealOutput(claim, salt, packed, "");
        vm.snapshotGasLastCall("gas", "reveal a demanded output of 12 tokens");
        assertEq(uint256(dispute.challengeOf(claim, layers).status), uint256(ChallengeStatus.Answered));
    }
}
