// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Leaf, Tree } from "../interfaces/Types.sol";
import { FoldKeys } from "./FoldKeys.sol";
import { Programs } from "./Programs.sol";
import { Statement } from "./Statement.sol";

/// @title What nodes say (docs/recursion.md)
/// @notice A node says a list of words, by the list's digest, a number `r` and the list's fingerprint `Σ r^(n−1−i)·word_i`.
/// The digest is given, and nobody computes it here: `r` is drawn from it and the list, so that another list with this
/// digest, which was fixed before, has this fingerprint only by chance.
/// @dev A node is four words: its key, and what it says. A list is in memory behind a tag and its digest, which are hashed
/// with it.
library NodeTree {
    /// @notice Word `index` of a list, of which 0 is its digest, is not below the order of the scalar field.
    error WordNotReduced(uint256 index);
    /// @notice Byte `position` of the shape is no node over what there is, or there is more, or less, than one in the end.
    error MalformedTree(uint256 position);

    bytes32 private constant SAID = "nanozk said";
    bytes32 private constant ACTIVATIONS = "nanozk activations";

    /// Words before a list's own: tag, digest.
    uint256 private constant HEAD = 2;
    /// Words of a node over a joint proof.
    uint256 private constant SESSION = 10;
    /// Place of the digest of weights, which is not the session's but the program's.
    uint256 private constant WEIGHTS = HEAD + 6;
    /// Words of a node.
    uint256 private constant NODE = 4;

    /// @notice What says the words of activation commitments.
    /// @param digest Their digest.
    /// @param words Three a point.
    function activations(bytes32 digest, uint256[] calldata words)
        internal
        pure
        returns (uint256 point, uint256 fingerprint)
    {
        uint256[] memory list = new uint256[](HEAD + words.length);
        (list[0], list[1]) = (uint256(ACTIVATIONS), uint256(digest));
        assembly ("memory-safe") {
            calldatacopy(add(list, 0x60), words.offset, mul(words.length, 0x20))
        }
        return _say(list, words.length);
    }

    /// @notice The list that nodes over joint proofs about a session say, but for the program's weights.
    /// @param statement Digest of the statement.
    /// @param lengths Tokens of prompt and answer.
    /// @param said What says the session's activation commitments.
    function session(
        bytes32 statement,
        bytes32 inputDigest,
        bytes32 outputDigest,
        uint256[2] memory lengths,
        uint256[3] memory said
    ) internal pure returns (uint256[] memory list) {
        list = new uint256[](HEAD + SESSION);
        list[0] = uint256(SAID);
        list[2] = uint256(statement) >> 128;
        list[3] = uint128(uint256(statement));
        list[4] = uint256(inputDigest);
        list[5] = uint256(outputDigest);
        (list[6], list[7]) = (lengths[0], lengths[1]);
        (list[9], list[10], list[11]) = (said[0], said[1], said[2]);
    }

    /// @notice Room for a number of nodes.
    function room(uint256 count) internal pure returns (uint256[] memory nodes) {
        return new uint256[](NODE * count);
    }

    /// @notice Adds the nodes of a session's leaves, each of a program of the model.
    /// @param nodes `next` of them are there.
    /// @param list Of `session`.
    /// @return set Layers that the programs prove.
    function add(
        uint256[] memory nodes,
        uint256 next,
        uint256[] memory list,
        Leaf[] calldata leaves,
        bytes32 programs,
        uint256 layers
    ) internal pure returns (uint256 set) {
        for (uint256 i = 0; i < leaves.length; ++i) {
            Leaf calldata leaf = leaves[i];
            set |= Programs.check(leaf.program, leaf.path, programs, layers);
            (list[1], list[WEIGHTS]) = (uint256(leaf.digest), uint256(leaf.program.weights));
            _put(nodes, next + i, list, SESSION, leaf.program.key);
        }
    }

    /// @notice The topmost node of a tree over leaves.
    /// @param nodes The leaves. They are overwritten: a stack of what no node is over yet never reaches the next leaf.
    function top(uint256[] memory nodes, Tree calldata tree) internal pure returns (uint256[4] memory node) {
        bytes calldata shape = tree.shape;
        uint256[] memory list = new uint256[](HEAD + NODE * FoldKeys.MOST);
        list[0] = uint256(SAID);
        (uint256 next, uint256 height, uint256 folds) = (0, 0, 0);
        for (uint256 i = 0; i < shape.length; ++i) {
            uint256 n = uint8(shape[i]);
            if (n == 0) {
                if (NODE * next == nodes.length) revert MalformedTree(i);
                _copy(nodes, NODE * height++, nodes, NODE * next++, NODE);
                continue;
            }
            if (n > FoldKeys.MOST || n > height || folds == tree.digests.length) revert MalformedTree(i);
            height -= n;
            list[1] = uint256(tree.digests[folds++]);
            _copy(list, HEAD, nodes, NODE * height, NODE * n);
            _put(nodes, height++, list, NODE * n, FoldKeys.over(n));
        }
        bool whole = height == 1 && NODE * next == nodes.length && folds == tree.digests.length;
        if (!whole) revert MalformedTree(shape.length);
        assembly ("memory-safe") {
            mcopy(node, add(nodes, 0x20), 0x80)
        }
    }

    /// Writes node `index`, which says the first `words` of a list.
    function _put(uint256[] memory nodes, uint256 index, uint256[] memory list, uint256 words, bytes32 key)
        private
        pure
    {
        (uint256 point, uint256 fingerprint) = _say(list, words);
        nodes[NODE * index] = uint256(key);
        nodes[NODE * index + 1] = list[1];
        nodes[NODE * index + 2] = point;
        nodes[NODE * index + 3] = fingerprint;
    }

    /// Words of `from` to words of `to`; both are there.
    function _copy(uint256[] memory to, uint256 toIndex, uint256[] memory from, uint256 fromIndex, uint256 count)
        private
        pure
    {
        assembly ("memory-safe") {
            mcopy(add(add(to, 0x20), mul(toIndex, 0x20)), add(add(from, 0x20), mul(fromIndex, 0x20)), mul(count, 0x20))
        }
    }

    /// What says the `words` words behind tag and digest, which are there.
    function _say(uint256[] memory list, uint256 words) private pure returns (uint256 point, uint256 fingerprint) {
        uint256 order = Statement.FIELD_ORDER;
        bool reduced;
        assembly ("memory-safe") {
            let at := add(list, 0x40)
            let end := add(at, mul(add(words, 1), 0x20))
            point := mod(keccak256(add(list, 0x20), mul(add(words, 2), 0x20)), order)
            reduced := lt(mload(at), order)
            for { at := add(at, 0x20) } lt(at, end) { at := add(at, 0x20) } {
                let word := mload(at)
                reduced := and(reduced, lt(word, order))
                fingerprint := addmod(mulmod(fingerprint, point, order), word, order)
            }
        }
        if (!reduced) _refuse(list, words);
    }

    function _refuse(uint256[] memory list, uint256 words) private pure {
        for (uint256 i = 0; i <= words; ++i) {
            if (list[i + 1] >= Statement.FIELD_ORDER) revert WordNotReduced(i);
        }
    }
}
