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
        bytes32[] memory list = new bytes32[](24 * places.length);
        uint256 n = _collect(nodes, places, 1, 0, nodes.length / 2, list, 0);
        assembly ("memory-safe") {
            mstore(list, n)
        }
        return abi.encodePacked(list);
    }

    /// Those below a node that some leaf is below, over the places `[first, first + size)`.
    function _collect(
        bytes32[] memory nodes,
        uint256[] memory places,
        uint256 node,
        uint256 first,
        uint256 size,
        bytes32[] memory list,
        uint256 n
    ) private pure returns (uint256) {
        if (size == 1) return n;
        size /= 2;
        bool left = _some(places, first, size);
        bool right = _some(places, first + size, size);
        if (left) n = _collect(nodes, places, 2 * node, first, size, list, n);
        if (right) n = _collect(nodes, places, 2 * node + 1, first + size, size, list, n);
        if (!left) list[n++] = nodes[2 * node];
        if (!right) list[n++] = nodes[2 * node + 1];
        return n;
    }

    function _some(uint256[] memory places, uint256 first, uint256 size) private pure returns (bool) {
        for (uint256 i = 0; i < places.length; ++i) {
            if (places[i] >= first && places[i] < first + size) return true;
        }
        return false;
    }

    function path(bytes32[] memory nodes, uint256 place) internal pure returns (bytes memory) {
        uint256[] memory places = new uint256[](1);
        places[0] = place;
        return siblings(nodes, places);
    }
}
