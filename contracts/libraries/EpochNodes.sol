// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Epoch, Openings } from "../interfaces/EpochTypes.sol";
import { EpochDraw } from "./EpochDraw.sol";
import { PageHead } from "./EpochPage.sol";
import { EpochTree } from "./EpochTree.sol";
import { EpochWords } from "./EpochWords.sol";
import { FoldKeys } from "./FoldKeys.sol";
import { Statement } from "./Statement.sol";

/// @title Public inputs of the final proof about an epoch's draws
/// @notice The same as `FinalInputs` has for claims: each drawn answer is a session, of which one program is proven that has
/// the drawn layer. Statements are computed from the records and found in the epoch's root; what the node of a program says is
/// computed from them (docs/recursion.md), with the fingerprint of the activation commitments taken at zero. Nodes lie over
/// each other by threes, level by level from the left; one that would be alone goes up as it is.
/// @dev An answer must cost less than its calldata, and there are up to 256. So the words of a record are hashed where they lie,
/// and nodes folded where they are: `Room` and the constants below have the place of each.
library EpochNodes {
    using EpochWords for Epoch;

    /// @notice There are more or fewer bytes of records, or digests of lists of nodes over nodes.
    error RecordCount(uint256 expected, uint256 got);
    /// @notice The answer was not drawn, or is not behind the one before it.
    error NotDrawn(uint256 index);
    /// @notice The page has no such program, or it does not prove the layer that was drawn of the answer.
    error LayerNotProven(uint256 index, uint256 program, uint256 layer);
    /// @notice A digest of the answer's record, or of a node over nodes, is not below the order of the scalar field.
    error DigestNotReduced(uint256 index);

    bytes32 internal constant ANSWER = "nanozk epoch answer 1";

    bytes32 private constant SAID = "nanozk said";
    uint256 private constant RECORD = 152;
    /// Bytes of a program on the page.
    uint256 private constant PROGRAM = 66;
    /// Most nodes that one is over: `FoldKeys.MOST`.
    uint256 private constant MOST = 3;

    // Places in the room. What is hashed for an answer's word in its statement: tag, provider, version, epoch, index.
    uint256 private constant ANSWER_INDEX = 0x80;
    uint256 private constant ANSWER_SIZE = 0xa0;
    // The statement: the tag of 18 bytes ends in front of the chain's id.
    uint256 private constant STATEMENT = 0xae;
    uint256 private constant STATEMENT_SIZE = 0x152;
    uint256 private constant S_JOB = 0x100;
    uint256 private constant S_INPUT = 0x160;
    uint256 private constant S_PROMPT = 0x1a0;
    uint256 private constant S_NEW = 0x1c0;
    // The list of a node, behind its tag and its digest.
    uint256 private constant LIST = 0x200;
    uint256 private constant LIST_SIZE = 0x180;
    uint256 private constant L_DIGEST = 0x220;
    uint256 private constant L_HIGH = 0x240;
    uint256 private constant L_LOW = 0x260;
    uint256 private constant L_INPUT = 0x280;
    uint256 private constant L_OUTPUT = 0x2a0;
    uint256 private constant L_PROMPT = 0x2c0;
    uint256 private constant L_NEW = 0x2e0;
    uint256 private constant L_WEIGHTS = 0x300;
    uint256 private constant L_ACTIVATIONS = 0x320;
    uint256 private constant L_FINGERPRINT = 0x360;
    // The draw of a layer: the tag of 14 bytes ends in front of the seed; draw 0 of the answer.
    uint256 private constant DRAW = 0x392;
    uint256 private constant DRAW_SIZE = 0x6e;
    uint256 private constant D_CLAIM = 0x3c0;
    // What the loop over records needs: on the page, sums of weights, their number less one, programs, their number; which
    // answers are drawn, how many there are; one more than the index before; and where the next goes of nodes, of leaves of
    // the tree, of digests of activation commitments.
    uint256 private constant SUMS = 0x400;
    uint256 private constant LAST_LAYER = 0x420;
    uint256 private constant PROGRAMS = 0x440;
    uint256 private constant PROGRAM_COUNT = 0x460;
    uint256 private constant MARKS = 0x480;
    uint256 private constant COUNT = 0x4a0;
    uint256 private constant LEAST = 0x4c0;
    uint256 private constant NEXT_NODE = 0x4e0;
    uint256 private constant NEXT_LEAF = 0x500;
    uint256 private constant NEXT_DIGEST = 0x520;
    // What is wrong: 1 not drawn, 2 another layer, 3 a digest; and with which record.
    uint256 private constant FAILURE = 0x540;
    uint256 private constant INDEX = 0x560;
    uint256 private constant PLACE = 0x580;
    uint256 private constant LAYER = 0x5a0;
    uint256 private constant ROOM_WORDS = 46;

    /// What is filled.
    struct Filled {
        /// Four words each, behind two that are free.
        uint256[] nodes;
        uint256[] leaves;
        uint256[] digests;
    }

    /// @notice The word of an answer in its statement, in the place of a job.
    function answerOf(address provider, bytes32 version, uint256 number, uint256 index)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(ANSWER, provider, version, number, index));
    }

    /// @param layerSeed RANDAO that layers are drawn from.
    /// @param page All of the epoch's page.
    /// @param head Of the page.
    /// @return publicInputs Of the final proof.
    /// @return commitments keccak256 of the digests of activation commitments, one after the other.
    function compute(
        Epoch calldata epoch,
        Openings calldata openings,
        bytes32 layerSeed,
        bytes memory page,
        PageHead memory head
    ) internal view returns (uint256[4] memory publicInputs, bytes32 commitments) {
        uint256 expected = epoch.draws() * RECORD;
        if (openings.records.length != expected) revert RecordCount(expected, openings.records.length);
        Filled memory filled = _filled(epoch.draws());
        _addAll(_room(epoch, openings.seed, layerSeed, page, head, filled), openings.records);
        EpochTree.check(filled.leaves, EpochTree.height(epoch.count()), openings.siblings, epoch.statements);
        uint256[] memory digests = filled.digests;
        assembly ("memory-safe") {
            commitments := keccak256(add(digests, 0x20), shl(5, mload(digests)))
        }
        _fold(filled.nodes, epoch.draws(), openings.digests);
        uint256[] memory nodes = filled.nodes;
        assembly ("memory-safe") {
            mcopy(publicInputs, add(nodes, 0x60), 0x80)
        }
    }

    function _filled(uint256 draws) private pure returns (Filled memory) {
        return Filled(new uint256[](4 * draws + 2), EpochTree.room(draws), new uint256[](draws));
    }

    /// Each record's statement becomes a leaf, its program a node.
    function _addAll(uint256 room, bytes calldata records) private pure {
        uint256 order = Statement.FIELD_ORDER;
        assembly ("memory-safe") {
            let record := records.offset
            for { let end := add(record, records.length) } lt(record, end) { record := add(record, RECORD) } {
                let word := calldataload(record)
                let index := shr(232, word)
                let marks := mload(add(mload(add(room, MARKS)), shl(5, shr(8, index))))
                mstore(add(room, INDEX), index)
                if iszero(
                    and(
                        and(lt(index, mload(add(room, COUNT))), iszero(lt(index, mload(add(room, LEAST))))),
                        and(shr(and(index, 0xff), marks), 1)
                    )
                ) {
                    mstore(add(room, FAILURE), 1)
                    break
                }
                mstore(add(room, LEAST), add(index, 1))

                // The statement.
                mstore(add(room, ANSWER_INDEX), index)
                mstore(add(room, S_JOB), keccak256(room, ANSWER_SIZE))
                mstore(add(room, L_PROMPT), and(shr(208, word), 0xffff))
                mstore(add(room, L_NEW), and(shr(192, word), 0xffff))
                mcopy(add(room, S_PROMPT), add(room, L_PROMPT), 0x40)
                // Digests of prompt and answer.
                calldatacopy(add(room, S_INPUT), add(record, 24), 0x40)
                mcopy(add(room, L_INPUT), add(room, S_INPUT), 0x40)
                let statement := keccak256(add(room, STATEMENT), STATEMENT_SIZE)
                let to := mload(add(room, NEXT_LEAF))
                mstore(to, index)
                mstore(add(to, 0x20), statement)
                mstore(add(room, NEXT_LEAF), add(to, 0x40))

                // The first layer up to which audit weights exceed a number below their sum.
                mstore(add(room, D_CLAIM), statement)
                let layer := 0
                {
                    let sums := mload(add(room, SUMS))
                    let high := mload(add(room, LAST_LAYER))
                    let x := mod(keccak256(add(room, DRAW), DRAW_SIZE), shr(224, mload(add(sums, shl(2, high)))))
                    for { } lt(layer, high) { } {
                        let middle := shr(1, add(layer, high))
                        switch lt(x, shr(224, mload(add(sums, shl(2, middle)))))
                        case 1 { high := middle }
                        default { layer := add(middle, 1) }
                    }
                }

                // The program. What is less than zero is more than any number of layers.
                let place := byte(3, word)
                let program := add(mload(add(room, PROGRAMS)), mul(place, PROGRAM))
                word := mload(program)
                if iszero(
                    and(lt(place, mload(add(room, PROGRAM_COUNT))), lt(sub(layer, byte(0, word)), byte(1, word)))
                ) {
                    mstore(add(room, FAILURE), 2)
                    mstore(add(room, PLACE), place)
                    mstore(add(room, LAYER), layer)
                    break
                }

                // The list of its node.
                mstore(add(room, L_HIGH), shr(128, statement))
                mstore(add(room, L_LOW), shr(128, shl(128, statement)))
                mstore(add(room, L_WEIGHTS), mload(add(program, 34)))
                mstore(add(room, L_FINGERPRINT), shr(128, calldataload(add(record, 8))))
                word := calldataload(add(record, 88))
                mstore(add(room, L_ACTIVATIONS), word)
                to := mload(add(room, NEXT_DIGEST))
                mstore(to, word)
                mstore(add(room, NEXT_DIGEST), add(to, 0x20))
                let digest := calldataload(add(record, 120))
                mstore(add(room, L_DIGEST), digest)
                if iszero(
                    and(
                        and(lt(mload(add(room, L_INPUT)), order), lt(mload(add(room, L_OUTPUT)), order)),
                        and(lt(word, order), lt(digest, order))
                    )
                ) {
                    mstore(add(room, FAILURE), 3)
                    break
                }

                // Its key, digest, point, and the list's fingerprint there.
                to := mload(add(room, NEXT_NODE))
                mstore(to, mload(add(program, 2)))
                mstore(add(to, 0x20), digest)
                let r := mod(keccak256(add(room, LIST), LIST_SIZE), order)
                mstore(add(to, 0x40), r)
                word := addmod(mulmod(mload(add(room, L_HIGH)), r, order), mload(add(room, L_LOW)), order)
                word := addmod(mulmod(word, r, order), mload(add(room, L_INPUT)), order)
                word := addmod(mulmod(word, r, order), mload(add(room, L_OUTPUT)), order)
                word := addmod(mulmod(word, r, order), mload(add(room, L_PROMPT)), order)
                word := addmod(mulmod(word, r, order), mload(add(room, L_NEW)), order)
                word := addmod(mulmod(word, r, order), mload(add(room, L_WEIGHTS)), order)
                word := addmod(mulmod(word, r, order), mload(add(room, L_ACTIVATIONS)), order)
                // The activation commitments' fingerprint is taken at zero.
                word := mulmod(word, r, order)
                word := addmod(mulmod(word, r, order), mload(add(room, L_FINGERPRINT)), order)
                mstore(add(to, 0x60), word)
                mstore(add(room, NEXT_NODE), add(to, 0x80))
            }
        }
        _requireNone(room);
    }

    function _requireNone(uint256 room) private pure {
        uint256 failure;
        uint256 index;
        uint256 place;
        uint256 layer;
        assembly ("memory-safe") {
            failure := mload(add(room, FAILURE))
            index := mload(add(room, INDEX))
            place := mload(add(room, PLACE))
            layer := mload(add(room, LAYER))
        }
        if (failure == 1) revert NotDrawn(index);
        if (failure == 2) revert LayerNotProven(index, place, layer);
        if (failure == 3) revert DigestNotReduced(index);
    }

    /// All nodes become one, which is the first. A list is hashed where its nodes are: tag and digest are put in front of them,
    /// over what was folded before.
    function _fold(uint256[] memory nodes, uint256 count, bytes32[] calldata digests) private pure {
        uint256 order = Statement.FIELD_ORDER;
        bytes32 said = SAID;
        (uint256 used, bool reduced) = (0, true);
        bytes32[4] memory keys = [bytes32(0), FoldKeys.OVER_1, FoldKeys.OVER_2, FoldKeys.OVER_3];
        assembly ("memory-safe") {
            let start := add(nodes, 0x60)
            for { } gt(count, 1) { } {
                let to := start
                for { let from := start } count { } {
                    let n := MOST
                    if lt(count, n) { n := count }
                    count := sub(count, n)
                    let end := add(from, shl(7, n))
                    switch n
                    case 1 { mcopy(to, from, 0x80) }
                    default {
                        let digest := calldataload(add(digests.offset, shl(5, used)))
                        used := add(used, 1)
                        reduced := and(reduced, lt(digest, order))
                        mstore(sub(from, 0x40), said)
                        mstore(sub(from, 0x20), digest)
                        let r := mod(keccak256(sub(from, 0x40), sub(add(end, 0x40), from)), order)
                        let sum := 0
                        for { } lt(from, end) { from := add(from, 0x80) } {
                            sum := addmod(mulmod(sum, r, order), mload(from), order)
                            sum := addmod(mulmod(sum, r, order), mload(add(from, 0x20)), order)
                            sum := addmod(mulmod(sum, r, order), mload(add(from, 0x40)), order)
                            sum := addmod(mulmod(sum, r, order), mload(add(from, 0x60)), order)
                        }
                        mstore(to, mload(add(keys, shl(5, n))))
                        mstore(add(to, 0x20), digest)
                        mstore(add(to, 0x40), r)
                        mstore(add(to, 0x60), sum)
                    }
                    from := end
                    to := add(to, 0x80)
                }
                count := shr(7, sub(to, start))
            }
        }
        if (used != digests.length) revert RecordCount(used, digests.length);
        if (!reduced) revert DigestNotReduced(type(uint256).max);
    }

    /// What is hashed for each record, but for what the record says; and what the loop needs.
    function _room(
        Epoch calldata epoch,
        bytes32 seed,
        bytes32 layerSeed,
        bytes memory page,
        PageHead memory head,
        Filled memory filled
    ) private view returns (uint256 room) {
        uint256[] memory marks = EpochDraw.draw(seed, epoch.id(), epoch.count(), epoch.draws());
        room = _constants(epoch, layerSeed, head.modelId);
        (uint256 layers, uint256 programs, uint256 count) = (head.layers, head.programs, epoch.count());
        assembly ("memory-safe") {
            let sums := add(page, 0xc0)
            mstore(add(room, SUMS), sums)
            mstore(add(room, LAST_LAYER), sub(layers, 1))
            mstore(add(room, PROGRAMS), add(sums, shl(2, layers)))
            mstore(add(room, PROGRAM_COUNT), programs)
            mstore(add(room, MARKS), add(marks, 0x20))
            mstore(add(room, COUNT), count)
            mstore(add(room, NEXT_NODE), add(mload(filled), 0x60))
            mstore(add(room, NEXT_LEAF), add(mload(add(filled, 0x20)), 0x20))
            mstore(add(room, NEXT_DIGEST), add(mload(add(filled, 0x40)), 0x20))
        }
    }

    function _constants(Epoch calldata epoch, bytes32 layerSeed, bytes32 modelId) private view returns (uint256 room) {
        (address provider, bytes32 version, uint256 number_) = (epoch.provider, epoch.version, epoch.number());
        (bytes32 answer, bytes32 said) = (ANSWER, SAID);
        bytes32 statement = bytes32("nanozk-statement-3") >> 112;
        bytes32 draw_ = bytes32("nanozk-audit-1") >> 144;
        uint256[] memory words = new uint256[](ROOM_WORDS);
        assembly ("memory-safe") {
            room := add(words, 0x20)
            mstore(room, answer)
            mstore(add(room, 0x20), provider)
            mstore(add(room, 0x40), version)
            mstore(add(room, 0x60), number_)
            mstore(add(room, 0xa0), statement)
            mstore(add(room, 0xc0), chainid())
            mstore(add(room, 0xe0), address())
            // It is paid by vouchers, whose provider it is.
            mstore(add(room, 0x120), provider)
            mstore(add(room, 0x140), modelId)
            // Decoding is greedy: zero.
            mstore(add(room, LIST), said)
            mstore(add(room, 0x380), draw_)
            mstore(add(room, 0x3a0), layerSeed)
        }
    }
}
