// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ITokenDigests } from "./interfaces/ITokenDigests.sol";
import { Poseidon } from "./libraries/Poseidon.sol";
import { R } from "./libraries/PoseidonConstants.sol";

/// @title The salted digests of prompt and answer
/// @notice "Token digests" of docs/format.md: a chain of Poseidon hashes over packed tokens. A permutation costs about
/// 20,000 gas, and there is one for each eight positions, and one. Tokens are given as three bytes each, the most
/// significant first: in a transaction that is a fifth of what words cost, and no token is too large.
contract TokenDigests is ITokenDigests {
    /// @notice More tokens than positions.
    error TooManyTokens(uint256 positions, uint256 got);

    uint256 private constant TOKEN_BITS = 24;
    uint256 private constant TOKENS_PER_MESSAGE = 8;

    /// Bytes of a token.
    uint256 private constant TOKEN_BYTES = 3;

    /// @inheritdoc ITokenDigests
    function inputDigest(uint256 positions, bytes calldata tokens, uint256 salt) external pure returns (bytes32) {
        uint256 header = 1 | positions << 32 | _count(tokens) << 64;
        return _digest(header, positions, 0, tokens, salt);
    }

    /// @inheritdoc ITokenDigests
    function outputDigest(uint256 positions, uint256 promptTokens, bytes calldata tokens, uint256 salt)
        external
        pure
        returns (bytes32)
    {
        uint256 header = 2 | positions << 32 | promptTokens << 64 | _count(tokens) << 96;
        return _digest(header, positions, promptTokens, tokens, salt);
    }

    /// @dev Bytes that are left over count as no token.
    function _count(bytes calldata tokens) private pure returns (uint256) {
        return tokens.length / TOKEN_BYTES;
    }

    /// @dev Positions before `first` and after the tokens count as token 0.
    function _digest(uint256 header, uint256 positions, uint256 first, bytes calldata tokens, uint256 salt)
        private
        pure
        returns (bytes32)
    {
        if (first + _count(tokens) > positions) revert TooManyTokens(positions, first + _count(tokens));
        uint256[] memory messages = _pack(positions, first, tokens);
        bytes memory constants = Poseidon.constants();
        uint256 h = _hash2(constants, salt % R, header);
        for (uint256 i = 0; i < messages.length; ++i) {
            h = _hash2(constants, h, messages[i]);
        }
        return bytes32(h);
    }

    /// @dev Message `i` has the tokens of positions `i`, `i + e`, `i + 2e`, … where `e` is the number of messages.
    function _pack(uint256 positions, uint256 first, bytes calldata tokens)
        private
        pure
        returns (uint256[] memory messages)
    {
        uint256 e = (positions + TOKENS_PER_MESSAGE - 1) / TOKENS_PER_MESSAGE;
        messages = new uint256[](e);
        uint256 n = _count(tokens);
        for (uint256 i = 0; i < n; ++i) {
            uint256 token;
            assembly ("memory-safe") {
                token := shr(232, calldataload(add(tokens.offset, mul(i, 3))))
            }
            uint256 position = first + i;
            messages[position % e] |= token << TOKEN_BITS * (position / e);
        }
    }

    /// @dev The first element of Poseidon's permutation of (0, a, b), with `a` and `b` reduced.
    function _hash2(bytes memory constants, uint256 a, uint256 b) private pure returns (uint256 h) {
        (h,,) = Poseidon.permute(constants, 0, a, b);
        return h % R;
    }
}
