// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILayerDispute } from "../interfaces/ILayerDispute.sol";
import {
    B00,
    B01,
    B10,
    B11,
    C00,
    C01,
    C10,
    C11,
    M00,
    M01,
    M02,
    M10,
    M11,
    M12,
    M20,
    M21,
    M22,
    MINUS_DET,
    R,
    ROUND_CONSTANTS,
    TRACE,
    V0,
    V1
} from "./PoseidonConstants.sol";

/// @title The salted digests of prompt and answer
/// @notice "Token digests" of docs/format.md: a chain of Poseidon hashes over packed tokens. A permutation costs about
/// 20,000 gas, and there is one for each eight positions, and one.
library TokenDigest {
    /// @notice More tokens than positions.
    error TooManyTokens(uint256 positions, uint256 got);

    uint256 private constant TOKEN_BITS = 24;
    uint256 private constant TOKENS_PER_MESSAGE = 8;

    /// @notice Digest of a prompt.
    /// @param salt Taken modulo the field's order.
    function inputDigest(uint256 positions, uint32[] calldata tokens, uint256 salt) internal pure returns (bytes32) {
        uint256 header = 1 | positions << 32 | tokens.length << 64;
        return _digest(header, positions, 0, tokens, salt);
    }

    /// @notice Digest of the tokens generated after a prompt of `promptTokens`.
    /// @param salt Taken modulo the field's order.
    function outputDigest(uint256 positions, uint256 promptTokens, uint32[] calldata tokens, uint256 salt)
        internal
        pure
        returns (bytes32)
    {
        uint256 header = 2 | positions << 32 | promptTokens << 64 | tokens.length << 96;
        return _digest(header, positions, promptTokens, tokens, salt);
    }

    /// @dev Positions before `first` and after the tokens count as token 0.
    function _digest(uint256 header, uint256 positions, uint256 first, uint32[] calldata tokens, uint256 salt)
        private
        pure
        returns (bytes32)
    {
        if (first + tokens.length > positions) revert TooManyTokens(positions, first + tokens.length);
        uint256[] memory messages = _pack(positions, first, tokens);
        bytes memory constants = ROUND_CONSTANTS;
        uint256 h = _hash2(constants, salt % R, header);
        for (uint256 i = 0; i < messages.length; ++i) {
            h = _hash2(constants, h, messages[i]);
        }
        return bytes32(h);
    }

    /// @dev Message `i` has the tokens of positions `i`, `i + e`, `i + 2e`, … where `e` is the number of messages.
    function _pack(uint256 positions, uint256 first, uint32[] calldata tokens)
        private
        pure
        returns (uint256[] memory messages)
    {
        uint256 e = (positions + TOKENS_PER_MESSAGE - 1) / TOKENS_PER_MESSAGE;
        messages = new uint256[](e);
        for (uint256 i = 0; i < tokens.length; ++i) {
            uint256 token = tokens[i];
            // Larger ones would run into their neighbours.
            if (token >> TOKEN_BITS != 0) revert ILayerDispute.TokenTooLarge(i);
            uint256 position = first + i;
            messages[position % e] |= token << TOKEN_BITS * (position / e);
        }
    }

    /// @dev The first element of Poseidon's permutation of (0, a, b), with `a` reduced and `b` below 2^253.
    ///
    /// Partial rounds have one S-box, on the first element x. What is linear in the others, y and z, is done in another
    /// basis and with other constants, which gives the same: let M = [[m, v], [w, N]], N being 2×2.
    /// * A constant added to y and z passes the S-box; its image under M is in the constants of the next round.
    /// * y and z are kept as coordinates in the basis B = (w, N·w), C being its inverse. There M is
    ///   [[m, v·B], [(1, 0), [[0, −det N], [1, trace N]]]], half of it zeros and ones.
    ///
    /// Sums stay below five times the order, so below 2^256: only products are reduced.
    function _hash2(bytes memory constants, uint256 a, uint256 b) private pure returns (uint256 h) {
        assembly ("memory-safe") {
            function fifth(s, r) -> t {
                t := mulmod(s, s, r)
                t := mulmod(mulmod(t, t, r), s, r)
            }
            function full(x, y, z, c, r) -> x_, y_, z_ {
                x := fifth(add(x, mload(c)), r)
                y := fifth(add(y, mload(add(c, 0x20))), r)
                z := fifth(add(z, mload(add(c, 0x40))), r)
                x_ := add(add(mulmod(x, M00, r), mulmod(y, M01, r)), mulmod(z, M02, r))
                y_ := add(add(mulmod(x, M10, r), mulmod(y, M11, r)), mulmod(z, M12, r))
                z_ := add(add(mulmod(x, M20, r), mulmod(y, M21, r)), mulmod(z, M22, r))
            }
            // Named once: the compiler fetches a large number that code has often by copying code.
            let r := R
            let c := add(constants, 0x20)
            let x := 0
            let y := a
            let z := b
            for { let end := add(c, 0x180) } lt(c, end) { c := add(c, 0x60) } { x, y, z := full(x, y, z, c, r) }

            let t := add(mulmod(y, C00, r), mulmod(z, C01, r))
            z := add(mulmod(y, C10, r), mulmod(z, C11, r))
            y := t
            for { let end := add(c, 0x720) } lt(c, end) { c := add(c, 0x20) } {
                x := add(x, mload(c))
                t := mulmod(x, x, r)
                t := mulmod(mulmod(t, t, r), x, r)
                x := add(add(mulmod(t, M00, r), mulmod(y, V0, r)), mulmod(z, V1, r))
                t := add(t, mulmod(z, MINUS_DET, r))
                z := add(y, mulmod(z, TRACE, r))
                y := t
            }
            t := add(mulmod(y, B00, r), mulmod(z, B01, r))
            z := add(mulmod(y, B10, r), mulmod(z, B11, r))
            y := t

            for { let end := add(c, 0x180) } lt(c, end) { c := add(c, 0x60) } { x, y, z := full(x, y, z, c, r) }
            h := mod(x, r)
        }
    }
}
