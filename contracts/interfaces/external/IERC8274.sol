// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A backend of proofs of inference, as ERC-8274 (draft of 2026) has it
interface IProofVerifier {
    function verify(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof)
        external
        view
        returns (bool);
    function name() external view returns (string memory);
    function version() external view returns (string memory);
    function proofProfile() external view returns (bytes32);
}
