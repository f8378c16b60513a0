// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Poseidon } from "./Poseidon.sol";
import { R } from "./PoseidonConstants.sol";

/// @title What an aggregate proof says of the layers it is made from
/// @notice A chain over the layers' verifying keys and weight commitments, in order: `d_0 = 0`, and `d_{i+1}` is the
/// hash (`Poseidon.hash`) of `d_i`, the digest of layer `i`'s verifying key modulo the field's order, and three scalars
/// for each of its commitments. The aggregation digest of `m` layers is `d_m`.
///
/// The three scalars of a point, of 176, 168 and 168 bits, hold its coordinates' 512 bits: no two pairs of words have
/// the same, whether they are reduced or not.
library AggregationDigest {
    /// @notice The next link of the chain.
    /// @param constants Of `Poseidon`.
    /// @param points `x` and `y` of each commitment: an even number of words.
    function extend(bytes memory constants, bytes32 digest, bytes32 verifyingKey, uint256[] calldata points)
        internal
        pure
        returns (bytes32)
    {
        uint256 count = points.length / 2;
        uint256[] memory scalars = new uint256[](2 + 3 * count);
        scalars[0] = uint256(digest);
        scalars[1] = uint256(verifyingKey) % R;
        for (uint256 i = 0; i < count; ++i) {
            (uint256 x, uint256 y) = (points[2 * i], points[2 * i + 1]);
            scalars[2 + 3 * i] = x % 2 ** 176;
            scalars[3 + 3 * i] = x >> 176 | (y % 2 ** 88) << 80;
            scalars[4 + 3 * i] = y >> 88;
        }
        return bytes32(Poseidon.hash(constants, scalars));
    }
}
