// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IFinalVerifier } from "../../../contracts/interfaces/IFinalVerifier.sol";

/// @title Stands for the verifier of final proofs where a test is about the contracts around it
/// @notice A "proof" follows from the public inputs that it is good for, all of its bytes. As with a real one, other public
/// inputs, other bytes or another length are refused, a precompiled contract needs gas, and it takes as much.
contract ScriptedVerifier is IFinalVerifier {
    uint256 public constant PROOF_LENGTH = 1152;
    /// @notice What the real one takes in the call.
    uint256 public constant GAS = 205_000;

    /// Two of them have different code.
    uint256 public immutable salt;

    constructor(uint256 salt_) {
        salt = salt_;
    }

    /// @inheritdoc IFinalVerifier
    function verify(bytes calldata proof, uint256[4] calldata publicInputs) external view {
        uint256 start = gasleft();
        if (proof.length != PROOF_LENGTH) revert WrongProofLength(PROOF_LENGTH, proof.length);
        for (uint256 i = 0; i < 4; ++i) {
            if (publicInputs[i] >> 254 != 0) revert PublicInputNotReduced(i);
        }
        // The pairing of nothing: one, for 45,000 gas.
        (bool ok,) = address(8).staticcall("");
        if (!ok) revert PrecompileFailed(8);
        if (keccak256(proof) != keccak256(script(publicInputs))) revert ProofRejected();
        while (start - gasleft() < GAS) { }
    }

    /// @notice The proof that is valid for these public inputs.
    function script(uint256[4] calldata publicInputs) public view returns (bytes memory proof) {
        proof = new bytes(PROOF_LENGTH);
        bytes32 word = keccak256(abi.encode(salt, publicInputs));
        for (uint256 i = 0x20; i <= PROOF_LENGTH; i += 0x20) {
            assembly ("memory-safe") {
                mstore(0, word)
                word := keccak256(0, 0x20)
                mstore(add(proof, i), word)
            }
        }
    }
}
