// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

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

/// @title Poseidon over BN254's scalar field, three elements, as in circomlib
/// @notice A permutation costs about 20,000 gas.
library Poseidon {
    /// @notice Constants of the rounds, for `permute`: to be loaded once, since each copy takes memory.
    function constants() internal pure returns (bytes memory) {
        return ROUND_CONSTANTS;
    }

    /// @notice The permutation of (x, y, z), which are below four times the order; the results are below three times
    /// the order, so that a reduced scalar can be added to one before the next permutation.
    ///
    /// Partial rounds have one S-box, on the first element x. What is linear in the others, y and z, is done in another
    /// basis and with other constants, which gives the same: let M = [[m, v], [w, N]], N being 2×2.
    /// * A constant added to y and z passes the S-box; its image under M is in the constants of the next round.
    /// * y and z are kept as coordinates in the basis B = (w, N·w), C being its inverse. There M is
    ///   [[m, v·B], [(1, 0), [[0, −det N], [1, trace N]]]], half of it zeros and ones.
    ///
    /// Sums stay below five times the order, so below 2^256: only products are reduced.
    function permute(bytes memory constants_, uint256 x, uint256 y, uint256 z)
        internal
        pure
        returns (uint256, uint256, uint256)
    {
        assembly ("memory-safe") {
            function fifth(s, r) -> t {
                t := mulmod(s, s, r)
                t := mulmod(mulmod(t, t, r), s, r)
            }
            function full(a, b, d, c, r) -> a_, b_, d_ {
                a := fifth(add(a, mload(c)), r)
                b := fifth(add(b, mload(add(c, 0x20))), r)
                d := fifth(add(d, mload(add(c, 0x40))), r)
                a_ := add(add(mulmod(a, M00, r), mulmod(b, M01, r)), mulmod(d, M02, r))
                b_ := add(add(mulmod(a, M10, r), mulmod(b, M11, r)), mulmod(d, M12, r))
                d_ := add(add(mulmod(a, M20, r), mulmod(b, M21, r)), mulmod(d, M22, r))
            }
            // Named once: the compiler fetches a large number that code has often by copying code.
            let r := R
            let c := add(constants_, 0x20)
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
        }
        return (x, y, z);
    }
}
