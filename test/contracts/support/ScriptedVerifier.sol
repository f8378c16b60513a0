// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Stands for a generated verifier where a test is about the contracts around it
/// @notice A "proof" is what the verifier shall return, and the digest of the public inputs it is good for. As with a
/// real one, other public inputs or another length are refused, and a precompiled contract needs gas.
contract ScriptedVerifier is ILayerVerifier {
    bytes32 public immutable verifyingKey;
    bytes32 public immutable setup;
    uint256 public immutable instanceCount;
    uint256 public constant proofLength = 128;
    uint256 private _kind;
    Activations private _activations;
    bool private _told;

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

    /// @notice What the next calls of `shape` return.
    function become(uint256 kind, Activations memory activations) external returns (ScriptedVerifier) {
        (_kind, _activations, _told) = (kind, activations, true);
        return this;
    }

    /// @notice Until it is told otherwise, of the tests' model, and of the kind that is in its key.
    function shape() external view returns (uint256 kind, Activations memory activations) {
        if (_told) return (_kind, _activations);
        while (kind < 5 && verifyingKey != keccak256(abi.encode("key", kind))) ++kind;
        return (kind, Activations(12, 8, 16));
    }

    function circuit() external pure returns (string memory) {
        return "scripted";
    }

    function generator() external pure returns (string memory) {
        return "test";
    }
}
