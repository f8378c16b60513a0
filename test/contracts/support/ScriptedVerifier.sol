// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Stands for a generated verifier where a test is about the contracts around it
/// @notice A "proof" is what the verifier shall return, and the digest of the public inputs it is good for. As with a
/// real one, other public inputs or another length are refused, and a precompiled contract needs gas.
contract ScriptedVerifier is ILayerVerifier {
    bytes32 public immutable verifyingKey;
    bytes32 public immutable setup;
    uint256 public immutable instanceCount;
    uint256 public constant proofLength = 128;

    constructor(bytes32 verifyingKey_, bytes32 setup_, uint256 instanceCount_) {
        verifyingKey = verifyingKey_;
        setup = setup_;
        instanceCount = instanceCount_;
    }

    function verify(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bytes32 input, bytes32 output, bytes32 weights)
    {
        if (proof.length != proofLength) revert WrongProofLength(proofLength, proof.length);
        if (instances.length != instanceCount) revert WrongInstanceCount(instanceCount, instances.length);
        // The pairing of nothing: one, for 45,000 gas.
        (bool ok,) = address(8).staticcall("");
        if (!ok) revert PrecompileFailed(8);
        bytes32 inputs;
        (input, output, weights, inputs) = abi.decode(proof, (bytes32, bytes32, bytes32, bytes32));
        if (inputs != keccak256(abi.encode(instances))) revert ProofRejected();
    }

    function circuit() external pure returns (string memory) {
        return "scripted";
    }

    function generator() external pure returns (string memory) {
        return "test";
    }
}
