// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { Test } from "forge-std/Test.sol";

/// @title Generated verifiers and real proofs, at the widths of the benchmarks
/// @notice Gas of a call, code sizes and init-code hashes are in `snapshots/`; CI fails when they move.
contract VerifiersTest is Test {
    uint256 private constant MAX_CODE = 24_576;
    /// Greatest gas of one layer: at the widths of GPT-2 small, and of the tiny GPT-2.
    uint256 private constant MAX_SMALL = 1_200_000;
    uint256 private constant MAX_TINY = 900_000;

    function test_Gpt2SmallAttention() public {
        assertLt(_check("Gpt2SmallAttention"), MAX_SMALL);
    }

    function test_Gpt2SmallMlp() public {
        assertLt(_check("Gpt2SmallMlp"), MAX_SMALL);
    }

    function test_AttentionD64() public {
        assertLt(_check("AttentionD64"), MAX_TINY);
    }

    function test_MlpD64() public {
        assertLt(_check("MlpD64"), MAX_TINY);
    }

    /// The circuit that EZKL is measured on: it needs 35,738 bytes of code and 1.71 M gas for it.
    function test_BlockD64() public {
        assertLt(_check("BlockD64"), MAX_SMALL);
    }

    function test_TinyGpt2() public {
        string memory session = vm.readFile("test/fixtures/session.json");
        assertLt(_verify("TinyGpt2Embed", session, ".proofs[0]"), MAX_TINY);
        assertLt(_verify("TinyGpt2Attention", session, ".proofs[1]"), MAX_TINY);
        assertLt(_verify("TinyGpt2Mlp", session, ".proofs[2]"), MAX_TINY);
        assertLt(_verify("TinyGpt2Head", session, ".proofs[9]"), MAX_TINY);
        // One contract serves every layer of its shape.
        address attention = deployCode("TinyGpt2Attention.sol");
        for (uint256 block_ = 1; block_ < 4; ++block_) {
            _call(attention, session, string.concat(".proofs[", vm.toString(1 + 2 * block_), "]"));
        }
    }

    function _check(string memory name) private returns (uint256 gas) {
        string memory fixture = vm.readFile(string.concat("test/fixtures/proofs/", name, ".json"));
        return _verify(name, fixture, "");
    }

    function _verify(string memory name, string memory fixture, string memory path) private returns (uint256 gas) {
        string memory artifact = string.concat(name, ".sol");
        address verifier = deployCode(artifact);
        gas = _call(verifier, fixture, path);
        vm.snapshotValue("gas", string.concat("verify ", name), gas);
        assertLe(verifier.code.length, MAX_CODE);
        vm.snapshotValue("code", name, verifier.code.length);
        vm.snapshotValue("init-code-hash", name, uint256(keccak256(vm.getCode(artifact))));
    }

    function _call(address verifier, string memory fixture, string memory path) private returns (uint256 gas) {
        ILayerVerifier v = ILayerVerifier(verifier);
        assertEq(v.verifyingKey(), vm.parseJsonBytes32(fixture, string.concat(path, ".verifyingKey")));
        assertEq(v.circuit(), vm.parseJsonString(fixture, string.concat(path, ".circuit")));
        _checkShape(v, fixture, path);
        bytes memory proof = vm.parseJsonBytes(fixture, string.concat(path, ".proof"));
        uint256[] memory instances = vm.parseJsonUintArray(fixture, string.concat(path, ".instances"));
        assertEq(v.proofLength(), proof.length);
        assertEq(v.instanceCount(), instances.length);
        (bytes32 input, bytes32 output, bytes32 weights) = v.verify(proof, instances);
        gas = vm.lastCallGas().gasTotalUsed;
        assertEq(input, vm.parseJsonBytes32(fixture, string.concat(path, ".input")));
        assertEq(output, vm.parseJsonBytes32(fixture, string.concat(path, ".output")));
        assertEq(weights, vm.parseJsonBytes32(fixture, string.concat(path, ".weights")));

        instances[0] += 1;
        vm.expectRevert(ILayerVerifier.ProofRejected.selector);
        v.verify(proof, instances);
    }

    /// The shape is what the circuit's name says.
    function _checkShape(ILayerVerifier v, string memory fixture, string memory path) private view {
        string[5] memory kinds = ["embed", "attention", "mlp", "block", "head"];
        (uint256 kind, Activations memory a) = v.shape();
        string memory name = vm.parseJsonString(fixture, string.concat(path, ".circuit"));
        assertEq(vm.indexOf(name, string.concat(kinds[kind], " ")), 0);
        assertNotEq(vm.indexOf(name, string.concat(" d=", vm.toString(a.width), " ")), type(uint256).max);
        assertNotEq(vm.indexOf(name, string.concat(" n=", vm.toString(a.positions), " ")), type(uint256).max);
        assertNotEq(vm.indexOf(name, string.concat(" k=", vm.toString(a.k), " ")), type(uint256).max);
    }
}
