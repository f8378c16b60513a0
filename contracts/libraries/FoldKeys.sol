// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Keys of nodes over nodes
/// @notice Written by Rust: digests of the keys, by the number of nodes below. These are placeholders.
library FoldKeys {
    bytes32 internal constant OVER_1 = 0x0000000000000000000000000000000000000000000000000000000000000001;
    bytes32 internal constant OVER_2 = 0x0000000000000000000000000000000000000000000000000000000000000002;
    bytes32 internal constant OVER_3 = 0x0000000000000000000000000000000000000000000000000000000000000003;

    /// @notice Most nodes that one is over.
    uint256 internal constant MOST = 3;

    /// @param n From 1 to `MOST`.
    function over(uint256 n) internal pure returns (bytes32) {
        return n == 1 ? OVER_1 : n == 2 ? OVER_2 : OVER_3;
    }
}
