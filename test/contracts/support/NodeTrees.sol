// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Leaf, Tree } from "../../../contracts/interfaces/Types.sol";
import { NodeTree } from "../../../contracts/libraries/NodeTree.sol";

/// @title What final proofs say of sessions, each given by the words of its list, as claims have it (`FinalInputs`)
contract NodeTrees {
    function top(
        uint256[10][] calldata lists,
        Leaf[][] calldata leaves,
        bytes32 root,
        uint256 layers,
        Tree calldata tree
    ) external pure returns (uint256[4] memory) {
        uint256 count = 0;
        for (uint256 i = 0; i < leaves.length; ++i) {
            count += leaves[i].length;
        }
        uint256[] memory nodes = NodeTree.room(count);
        uint256 next = 0;
        for (uint256 i = 0; i < lists.length; ++i) {
            uint256[] memory list = NodeTree.sessionRoom();
            for (uint256 j = 0; j < 10; ++j) {
                list[2 + j] = lists[i][j];
            }
            NodeTree.add(nodes, next, list, leaves[i], root, layers);
            next += leaves[i].length;
        }
        return NodeTree.top(nodes, tree);
    }

    function activations(bytes32 digest, uint256[] calldata words) external pure returns (uint256, uint256) {
        return NodeTree.activations(digest, words);
    }
}
