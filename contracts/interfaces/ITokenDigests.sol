// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The salted digests of prompt and answer
/// @notice "Token digests" of docs/format.md. Stateless: a contract of its own, for its code is long and rarely used.
interface ITokenDigests {
    /// @notice Digest of a prompt.
    /// @param positions Of the model's sessions.
    /// @param tokens Three bytes each, the most significant first.
    /// @param salt Taken modulo the field's order.
    function inputDigest(uint256 positions, bytes calldata tokens, uint256 salt) external pure returns (bytes32);
    /// @notice Digest of the tokens generated after a prompt of `promptTokens`.
    /// @param positions Of the model's sessions.
    /// @param promptTokens Tokens of the prompt.
    /// @param tokens Three bytes each, the most significant first.
    /// @param salt Taken modulo the field's order.
    function outputDigest(uint256 positions, uint256 promptTokens, bytes calldata tokens, uint256 salt)
        external
        pure
        returns (bytes32);
}
