// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by script/final-verifier. Do not edit: change crates/recursion, and write it again.
pragma solidity 0.8.37;

/// @title Keys of nodes over nodes
library FoldKeys {
    /// @notice Id of the setup that they are of.
    /// A development setup: its secret is public, so proofs under it prove nothing.
    bytes32 internal constant SETUP = 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9;

    bytes32 internal constant OVER_1 = 0x1ed66039149e4215d7621c18690cd3661a294d35c77155cc268227efec679713;
    bytes32 internal constant OVER_2 = 0x1649f99ffe3508338a836669e8082b12f4d06b886b0e0b809a2ebcfb86ff7354;
    bytes32 internal constant OVER_3 = 0x13ae64b79aed495c24f0fda32a3a5d6b04b29f9879ee217aaa6b6dd8e077ee5f;

    /// @notice Most nodes that one is over.
    uint256 internal constant MOST = 3;

    /// @notice Digest of the key of a node over so many nodes.
    /// @param n From 1 to `MOST`.
    function over(uint256 n) internal pure returns (bytes32) {
        return n == 1 ? OVER_1 : n == 2 ? OVER_2 : OVER_3;
    }
}
