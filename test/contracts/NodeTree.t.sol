// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Leaf, Program, Tree } from "../../contracts/interfaces/Types.sol";
import { NodeTree } from "../../contracts/libraries/NodeTree.sol";
import { stdJson } from "forge-std/StdJson.sol";
import { Test } from "forge-std/Test.sol";

/// @title What the topmost node of a tree says, as the verifier in Rust computes it (crates/verifier/tests/trees.rs)
contract NodeTreeTest is Test {
    using stdJson for string;

    uint256 private constant WORDS = 10;
    string private golden;

    function setUp() public {
        golden = vm.readFile("test/golden/trees.json");
    }

    function _at(uint256 tree) private pure returns (string memory) {
        return string.concat(".trees[", vm.toString(tree - 1), "].");
    }

    /// Words that the file does not have.
    function _number(uint256 tree, uint256 leaf, uint256 word) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(tree, leaf, word))) & type(uint248).max;
    }

    function activations(bytes32 digest, uint256[] calldata words) external pure returns (uint256, uint256) {
        return NodeTree.activations(digest, words);
    }

    /// @param lists Of each leaf, words of its session.
    function top(uint256[][] calldata lists, Leaf[][] calldata leaves, Tree calldata tree)
        external
        pure
        returns (uint256[4] memory)
    {
        uint256[] memory nodes = NodeTree.room(lists.length);
        for (uint256 i = 0; i < lists.length; ++i) {
            uint256[] memory list = NodeTree.sessionRoom();
            for (uint256 j = 0; j < WORDS; ++j) {
                list[2 + j] = lists[i][j];
            }
            // Of no other session's programs.
            bytes32 root = keccak256(abi.encode(bytes32("nanozk program 1"), leaves[i][0].program));
            NodeTree.add(nodes, i, list, leaves[i], root, 1);
        }
        return NodeTree.top(nodes, tree);
    }

    function _list(uint256 tree, uint256 leaf) private view returns (uint256[] memory list) {
        list = new uint256[](WORDS);
        for (uint256 i = 0; i < WORDS; ++i) {
            list[i] = _number(tree, leaf, i);
        }
        uint256[] memory words = new uint256[](3 * tree);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = _number(tree, leaf, 100 + i);
        }
        (list[8], list[9]) = this.activations(bytes32(list[7]), words);
    }

    /// One to 31 leaves, in one to four levels.
    function test_Top_IsThatOfTheVerifier() public view {
        uint256 tree = 1;
        for (; vm.keyExistsJson(golden, string.concat(_at(tree), "top")); ++tree) {
            string memory place = _at(tree);
            bytes32[] memory digests = golden.readBytes32Array(string.concat(place, "leaves"));
            uint256[][] memory lists = new uint256[][](digests.length);
            Leaf[][] memory leaves = new Leaf[][](digests.length);
            for (uint256 i = 0; i < digests.length; ++i) {
                lists[i] = _list(tree, i);
                Program memory program = Program(0, 1, bytes32(_number(tree, i, WORDS)), bytes32(lists[i][6]));
                leaves[i] = new Leaf[](1);
                leaves[i][0] = Leaf(program, digests[i], new bytes32[](0));
                // It is the program's, whatever the list has there.
                lists[i][6] = 0;
            }
            Tree memory shape = Tree(
                golden.readBytes(string.concat(place, "shape")),
                golden.readBytes32Array(string.concat(place, "digests"))
            );
            uint256[] memory expected = golden.readUintArray(string.concat(place, "top"));
            uint256[4] memory got = this.top(lists, leaves, shape);
            assertEq(expected.length, 4);
            for (uint256 i = 0; i < 4; ++i) {
                assertEq(got[i], expected[i], string.concat("tree ", vm.toString(tree), ", word ", vm.toString(i)));
            }
        }
        assertEq(tree, 15, "all trees of the file");
    }
}
