// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Merkle trees over the answers of an epoch
/// @notice A tree of `count` leaves has the least height that has room for them; leaf `i` is at place `i`, and what is behind
/// the last one is whatever its maker put there. An inner node is keccak256(left ‖ right). Leaves are digests of other than 64
/// bytes, so that none passes for an inner node.
library EpochTree {
    /// @notice The siblings do not lead from the leaves to the root, or there are more or fewer.
    error NotInTheRoot(bytes32 root);

    /// @notice Levels above the leaves.
    function height(uint256 count) internal pure returns (uint256 levels) {
        for (uint256 leaves = 1; leaves < count; leaves *= 2) {
            ++levels;
        }
    }

    /// @notice Room for leaves, two words each: place, digest; and one more for what is behind the last.
    function room(uint256 leaves) internal pure returns (uint256[] memory) {
        return new uint256[](2 * leaves + 1);
    }

    /// @notice Reverts unless all leaves are in the tree with this root.
    /// @param nodes Leaves by rising place, none twice and none beyond the tree, in `room`; they are overwritten.
    /// @param levels Height of the tree.
    /// @param siblings Level by level from the leaves, from left to right: what no node that is there has beside it.
    function check(uint256[] memory nodes, uint256 levels, bytes calldata siblings, bytes32 root) internal pure {
        bool right;
        assembly ("memory-safe") {
            let start := add(nodes, 0x20)
            let end := add(nodes, shl(5, mload(nodes)))
            let sibling := siblings.offset
            for { } levels { levels := sub(levels, 1) } {
                // No place is as great: nothing is beside the last node.
                mstore(end, not(0))
                let to := start
                for { let from := start } lt(from, end) { } {
                    let place := mload(from)
                    let side := shl(5, and(place, 1))
                    mstore(side, mload(add(from, 0x20)))
                    from := add(from, 0x40)
                    // Of a right node the next one is beyond.
                    switch eq(mload(from), or(place, 1))
                    case 0 {
                        mstore(xor(side, 0x20), calldataload(sibling))
                        sibling := add(sibling, 0x20)
                    }
                    default {
                        mstore(0x20, mload(add(from, 0x20)))
                        from := add(from, 0x40)
                    }
                    mstore(to, shr(1, place))
                    mstore(add(to, 0x20), keccak256(0, 0x40))
                    to := add(to, 0x40)
                }
                end := to
            }
            // What was read beyond the siblings counts as missing.
            right := and(eq(mload(add(start, 0x20)), root), eq(sibling, add(siblings.offset, siblings.length)))
        }
        if (!right) revert NotInTheRoot(root);
    }
}
