// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Leaf, Program, Tree } from "../interfaces/Types.sol";
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
    /// Where a session's list has the digest of weights, which is not the session's but the program's.
    uint256 private constant WEIGHTS_AT = 0x120;
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

    /// @notice Room for the list that nodes over joint proofs about a session say: halves of the statement's digest,
    /// digests and numbers of tokens of prompt and answer, digest of the program's weights, and what says the activation
    /// commitments.
    function sessionRoom() internal pure returns (uint256[] memory list) {
        list = new uint256[](HEAD + SESSION);
        list[0] = uint256(SAID);
    }

    /// @notice Room for a number of nodes.
    function room(uint256 count) internal pure returns (uint256[] memory nodes) {
        return new uint256[](NODE * count);
    }

    /// @notice Adds the nodes of a session's leaves, each of a program of the model.
    /// @param nodes `next` of them are there.
    /// @param list Of the session, without the program's weights.
    /// @return set Layers that the programs prove.
    function add(
        uint256[] memory nodes,
        uint256 next,
        uint256[] memory list,
        Leaf[] calldata leaves,
        bytes32 programs,
        uint256 layers
    ) internal pure returns (uint256 set) {
        uint256 count = leaves.length;
        for (uint256 i = 0; i < count; ++i) {
            Leaf calldata leaf = leaves[i];
            Program calldata program = leaf.program;
            set |= Programs.check(program, leaf.path, programs, layers);
            (bytes32 digest, bytes32 weights) = (leaf.digest, program.weights);
            assembly ("memory-safe") {
                mstore(add(list, 0x40), digest)
                mstore(add(list, WEIGHTS_AT), weights)
            }
            _put(nodes, next + i, list, SESSION, program.key);
        }
    }

    /// @notice The topmost node of a tree over leaves.
    /// @param nodes The leaves. They are overwritten: a stack of what no node is over yet never reaches the next leaf.
    function top(uint256[] memory nodes, Tree calldata tree) internal pure returns (uint256[4] memory node) {
        (bytes calldata shape, bytes32[] calldata digests) = (tree.shape, tree.digests);
        uint256[] memory list = new uint256[](HEAD + NODE * FoldKeys.MOST);
        list[0] = uint256(SAID);
        uint256 leaves = nodes.length / NODE;
        (uint256 next, uint256 height, uint256 folds) = (0, 0, 0);
        for (uint256 i = 0; i < shape.length; ++i) {
            uint256 n = uint8(shape[i]);
            // None is above `leaves`, or the number of digests.
            unchecked {
                if (n == 0) {
                    if (next == leaves) revert MalformedTree(i);
                    _move(nodes, height++, next++);
                    continue;
                }
                if (n > FoldKeys.MOST || n > height || folds == digests.length) revert MalformedTree(i);
                height -= n;
                list[1] = uint256(digests[folds++]);
                _fold(nodes, height++, n, list);
            }
        }
        bool whole = height == 1 && next == leaves && folds == digests.length;
        if (!whole) revert MalformedTree(shape.length);
        assembly ("memory-safe") {
            mcopy(node, add(nodes, 0x20), 0x80)
        }
    }

    /// Writes node `index`, for which there is room, and which says the first `words` of a list.
    function _put(uint256[] memory nodes, uint256 index, uint256[] memory list, uint256 words, bytes32 key)
        private
        pure
    {
        (uint256 point, uint256 fingerprint) = _say(list, words);
        assembly ("memory-safe") {
            let node := add(add(nodes, 0x20), mul(index, 0x80))
            mstore(node, key)
            mstore(add(node, 0x20), mload(add(list, 0x40)))
            mstore(add(node, 0x40), point)
            mstore(add(node, 0x60), fingerprint)
        }
    }

    /// Node `from` becomes node `to`.
    function _move(uint256[] memory nodes, uint256 to, uint256 from) private pure {
        assembly ("memory-safe") {
            mcopy(add(add(nodes, 0x20), mul(to, 0x80)), add(add(nodes, 0x20), mul(from, 0x80)), 0x80)
        }
    }

    /// The `n` nodes from `index` on become one, over them.
    /// @param list With the digest of the list that it says.
    function _fold(uint256[] memory nodes, uint256 index, uint256 n, uint256[] memory list) private pure {
        assembly ("memory-safe") {
            mcopy(add(list, 0x60), add(add(nodes, 0x20), mul(index, 0x80)), mul(n, 0x80))
        }
        _put(nodes, index, list, NODE * n, FoldKeys.over(n));
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
            at := add(at, 0x20)
            // By twos, after the first of an odd number.
            if and(words, 1) {
                fingerprint := mload(at)
                reduced := and(reduced, lt(fingerprint, order))
                at := add(at, 0x20)
            }
            for { } lt(at, end) { at := add(at, 0x40) } {
                let word := mload(at)
                reduced := and(reduced, lt(word, order))
                fingerprint := addmod(mulmod(fingerprint, point, order), word, order)
                word := mload(add(at, 0x20))
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
