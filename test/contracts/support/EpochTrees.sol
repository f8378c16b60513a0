// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Merkle trees of epochs, as docs/epochs.md defines them
library EpochTrees {
    /// All levels, from the root: node `i` has the children `2i` and `2i + 1`; the root is node 1.
    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory nodes) {
        uint256 size = 1;
        while (size < leaves.length) size *= 2;
        nodes = new bytes32[](2 * size);
        for (uint256 i = 0; i < leaves.length; ++i) {
            nodes[size + i] = leaves[i];
        }
        for (uint256 i = size - 1; i != 0; --i) {
            bytes32 left = nodes[2 * i];
            bytes32 right = nodes[2 * i + 1];
            assembly ("memory-safe") {
                mstore(0, left)
                mstore(0x20, right)
                mstore(add(nodes, add(0x20, shl(5, i))), keccak256(0, 0x40))
            }
        }
    }

    /// Siblings of leaves at rising places.
    function siblings(bytes32[] memory nodes, uint256[] memory places) internal pure returns (bytes memory all) {
        uint256[] memory level = new uint256[](places.length);
        for (uint256 i = 0; i < places.length; ++i) {
            level[i] = nodes.length / 2 + places[i];
        }
        uint256 count = places.length;
        bytes32[] memory list = new bytes32[](24 * places.length);
        uint256 n = 0;
        while (level[0] != 1) {
            uint256 above = 0;
            for (uint256 i = 0; i < count; ++i) {
                bool paired = i + 1 < count && level[i + 1] == level[i] + 1 && level[i] % 2 == 0;
                if (!paired) list[n++] = nodes[level[i] ^ 1];
                level[above++] = level[i] / 2;
                if (paired) ++i;
            }
            count = above;
        }
        all = new bytes(32 * n);
        for (uint256 i = 0; i < n; ++i) {
            bytes32 word = list[i];
            assembly ("memory-safe") {
                mstore(add(all, add(0x20, shl(5, i))), word)
            }
        }
    }

    function path(bytes32[] memory nodes, uint256 place) internal pure returns (bytes memory) {
        uint256[] memory places = new uint256[](1);
        places[0] = place;
        return siblings(nodes, places);
    }
}
