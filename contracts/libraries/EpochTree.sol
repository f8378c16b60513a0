// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Merkle trees over the answers of an epoch
/// @notice A tree of `count` leaves has the least height that has room for them; leaf `i` is at place `i`, and what is
/// behind the last one is whatever its maker put there. An inner node is keccak256(left ‖ right). Leaves are digests of
/// other than 64 bytes, so that none passes for an inner node.
library EpochTree {
    /// @notice The siblings do not lead from the leaves to the root, or there are more or fewer.
    error NotInTheRoot(bytes32 root);

    /// @notice Levels above the leaves; needs at least one.
    function height(uint256 count) internal pure returns (uint256) {
        return count == 1 ? 0 : Math.log2(count - 1) + 1;
    }

    /// @notice Words in front of leaves, and words of a leaf: place, digest.
    uint256 internal constant FRONT = 2;
    uint256 internal constant LEAF = 2;

    /// @notice Reverts unless all leaves are in the tree with this root.
    /// @param nodes Two words that are free, then leaves by rising place, none twice and none beyond the tree. They are
    /// overwritten.
    /// @param levels Height of the tree.
    /// @param siblings Digests of nodes that no leaf is below, beside nodes that some are below: from left to right,
    /// and of one of two nodes beside each other, behind those that lead to the other.
    /// @dev Leaf by leaf. Each climbs until its node is beside one that the next leaf is below. There it waits, on a
    /// stack that is over leaves that were read. A leaf whose node is beside the one that waits last takes it.
    function check(uint256[] memory nodes, uint256 levels, bytes calldata siblings, bytes32 root) internal pure {
        bool right;
        assembly ("memory-safe") {
            let end := add(add(nodes, 0x20), shl(5, mload(nodes)))
            let sibling := siblings.offset
            // Of what waits: level, digest. Below it is what waits at no level.
            let waiting := 0xff
            mstore(add(nodes, 0x20), waiting)
            let stack := add(nodes, 0x60)
            for { let from := stack } lt(from, end) { } {
                // The node's digest is in the first or the second word of memory, where it belongs in its parent. A
                // place is kept as 32 times itself: that has the bit of that word.
                let place := mload(from)
                // The level at which it waits: the binary logarithm of the difference to the next place, below 2^20.
                let goal := levels
                if lt(add(from, 0x40), end) {
                    let x := xor(place, mload(add(from, 0x40)))
                    goal := shl(4, lt(0xffff, x))
                    goal := or(goal, shl(3, lt(0xff, shr(goal, x))))
                    goal := or(goal, shl(2, lt(0x0f, shr(goal, x))))
                    goal := or(
                        goal,
                        byte(shr(goal, x), 0x0000010102020202030303030303030300000000000000000000000000000000)
                    )
                }
                place := shl(5, place)
                mstore(and(place, 0x20), mload(add(from, 0x20)))
                from := add(from, 0x40)
                let level := 0
                for { } 1 { } {
                    let n := goal
                    if lt(waiting, goal) { n := waiting }
                    n := sub(n, level)
                    level := add(level, n)
                    // Two levels at a time.
                    for { } gt(n, 1) { n := sub(n, 2) } {
                        mstore(and(not(place), 0x20), calldataload(sibling))
                        place := shr(1, place)
                        mstore(and(place, 0x20), keccak256(0, 0x40))
                        mstore(and(not(place), 0x20), calldataload(add(sibling, 0x20)))
                        sibling := add(sibling, 0x40)
                        place := shr(1, place)
                        mstore(and(place, 0x20), keccak256(0, 0x40))
                    }
                    if n {
                        mstore(and(not(place), 0x20), calldataload(sibling))
                        sibling := add(sibling, 0x20)
                        place := shr(1, place)
                        mstore(and(place, 0x20), keccak256(0, 0x40))
                    }
                    if eq(level, goal) { break }
                    // What waits is to the left.
                    stack := sub(stack, 0x40)
                    mstore(0, mload(add(stack, 0x20)))
                    waiting := mload(sub(stack, 0x40))
                    place := shr(1, place)
                    mstore(and(place, 0x20), keccak256(0, 0x40))
                    level := add(level, 1)
                }
                waiting := goal
                mstore(stack, goal)
                mstore(add(stack, 0x20), mload(and(place, 0x20)))
                stack := add(stack, 0x40)
            }
            // What was read beyond the siblings counts as missing.
            right := and(eq(mload(add(nodes, 0x80)), root), eq(sibling, add(siblings.offset, siblings.length)))
        }
        if (!right) revert NotInTheRoot(root);
    }
}
