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
/// @notice The same as `FinalInputs` has for claims: each drawn answer is a session, of which one program is proven
/// that has the drawn layer. Statements are computed from the records and found in the epoch's root; what the node of a
/// program says is computed from them (docs/recursion.md), with the fingerprint of the activation commitments taken at
/// zero. Nodes lie over each other by threes, level by level from the left; what is left over goes up as it is.
/// @dev An answer must cost less than its calldata, and there are up to 256. So the words of a record are hashed where
/// they lie, and nodes folded where they are: `Room` and the constants below have the place of each.
library EpochNodes {
    using EpochWords for Epoch;

    /// @notice There are more or fewer bytes of records, or digests of lists of nodes over nodes.
    error RecordCount(uint256 expected, uint256 got);
    /// @notice The answer was not drawn, or is not behind the one before it.
    error NotDrawn(uint256 index);
    /// @notice The page has no such program, or it does not prove the layer that was drawn of the answer.
    error LayerNotProven(uint256 index, uint256 program);
    /// @notice A digest of the answer's record, or of a node over nodes, is not below the order of the scalar field.
    error AnswerDigestNotReduced(uint256 index);

    bytes32 internal constant ANSWER = "nanozk epoch answer 1";

    bytes32 private constant SAID = "nanozk said";
    uint256 private constant RECORD = 152;
    /// Bytes of a program on the page.
    uint256 private constant PROGRAM = 66;
    /// Most nodes that one is over: `FoldKeys.MOST`.
    uint256 private constant MOST = 3;

    // Places in memory. What is hashed for an answer's word in its statement: tag, provider, version, epoch, index.
    uint256 private constant ROOM = 0x80;
    uint256 private constant A_PROVIDER = 0xa0;
    uint256 private constant A_VERSION = 0xc0;
    uint256 private constant A_NUMBER = 0xe0;
    uint256 private constant ANSWER_INDEX = 0x100;
    uint256 private constant ANSWER_SIZE = 0xa0;
    // The statement: the tag of 18 bytes ends in front of the chain's id.
    uint256 private constant STATEMENT = 0x12e;
    uint256 private constant STATEMENT_SIZE = 0x152;
    uint256 private constant S_TAG = 0x120;
    uint256 private constant S_CHAIN = 0x140;
    uint256 private constant S_BOOK = 0x160;
    uint256 private constant S_JOB = 0x180;
    uint256 private constant S_RECIPIENT = 0x1a0;
    uint256 private constant S_MODEL = 0x1c0;
    uint256 private constant S_INPUT = 0x1e0;
    uint256 private constant S_PROMPT = 0x220;
    uint256 private constant S_DECODING = 0x260;
    // The list of a node, behind its tag and its digest.
    uint256 private constant LIST = 0x280;
    uint256 private constant LIST_SIZE = 0x180;
    uint256 private constant L_DIGEST = 0x2a0;
    uint256 private constant L_HIGH = 0x2c0;
    uint256 private constant L_LOW = 0x2e0;
    uint256 private constant L_INPUT = 0x300;
    uint256 private constant L_OUTPUT = 0x320;
    uint256 private constant L_PROMPT = 0x340;
    uint256 private constant L_NEW = 0x360;
    uint256 private constant L_WEIGHTS = 0x380;
    uint256 private constant L_ACTIVATIONS = 0x3a0;
    uint256 private constant L_POINT = 0x3c0;
    uint256 private constant L_FINGERPRINT = 0x3e0;
    // The draw of a layer: the tag of 14 bytes ends in front of the seed; draw 0 of the answer.
    uint256 private constant DRAW = 0x412;
    uint256 private constant DRAW_SIZE = 0x6e;
    uint256 private constant D_TAG = 0x400;
    uint256 private constant D_SEED = 0x420;
    uint256 private constant D_CLAIM = 0x440;
    uint256 private constant D_NUMBER = 0x460;
    // What the loop over records needs: on the page, four bytes before the sums of weights, the last of them, programs,
    // their number; which answers are drawn, how many there are; one more than the index before; and where the next
    // goes of nodes, of leaves of the tree, of digests of activation commitments.
    uint256 private constant SUMS = 0x480;
    uint256 private constant TOTAL = 0x4a0;
    uint256 private constant PROGRAMS = 0x4c0;
    uint256 private constant PROGRAM_COUNT = 0x4e0;
    uint256 private constant MARKS = 0x500;
    uint256 private constant COUNT = 0x520;
    uint256 private constant LEAST = 0x540;
    uint256 private constant NEXT_NODE = 0x560;
    uint256 private constant NEXT_LEAF = 0x580;
    uint256 private constant NEXT_DIGEST = 0x5a0;
    // What is wrong: 1 not drawn, 2 another layer, 3 a digest; and with which record.
    uint256 private constant FAILURE = 0x5c0;
    uint256 private constant INDEX = 0x5e0;
    uint256 private constant PLACE = 0x600;
    uint256 private constant ROOM_END = 0x620;

    /// @notice The word of an answer in its statement, in the place of a job.
    function answerOf(address provider, bytes32 version, uint256 number, uint256 index)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(ANSWER, provider, version, number, index));
    }

    /// @notice Takes the memory that `compute` works in; nothing else may have been taken before.
    function reserve() internal pure {
        assembly ("memory-safe") {
            if iszero(eq(mload(0x40), ROOM)) { invalid() }
            mstore(0x40, ROOM_END)
        }
    }

    /// @notice To be called in the transaction that `reserve` was called in first.
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
        uint256 draws = epoch.draws();
        if (openings.records.length != draws * RECORD) revert RecordCount(draws * RECORD, openings.records.length);
        // Four words a node, behind two that are free.
        uint256[] memory nodes = _array(4 * draws + 2);
        uint256[] memory leaves = _array(EpochTree.FRONT + EpochTree.LEAF * draws);
        uint256[] memory digests = _array(draws);
        _fill(epoch, layerSeed, head.modelId);
        _fillPage(page, head.layers, head.programs);
        _fillDraws(EpochDraw.draw(openings.seed, epoch.id(), epoch.count(), draws), epoch.count());
        assembly ("memory-safe") {
            mstore(NEXT_NODE, add(nodes, 0x60))
            mstore(NEXT_LEAF, add(leaves, 0x60))
            mstore(NEXT_DIGEST, add(digests, 0x20))
        }
        _addAll(openings.records);
        EpochTree.check(leaves, EpochTree.height(epoch.count()), openings.siblings, epoch.statements);
        _fold(nodes, draws, openings.digests);
        assembly ("memory-safe") {
            commitments := keccak256(add(digests, 0x20), shl(5, draws))
            mcopy(publicInputs, add(nodes, 0x60), 0x80)
        }
    }

    /// All of its words are written before they are read: it need not be zero.
    function _array(uint256 length) private pure returns (uint256[] memory words) {
        assembly ("memory-safe") {
            words := mload(0x40)
            mstore(words, length)
            mstore(0x40, add(add(words, 0x20), shl(5, length)))
        }
    }

    /// Each record's statement becomes a leaf, its program a node.
    function _addAll(bytes calldata records) private pure {
        uint256 order = Statement.FIELD_ORDER;
        assembly ("memory-safe") {
            let record := records.offset
            for { let end := add(record, records.length) } lt(record, end) { record := add(record, RECORD) } {
                let word := calldataload(record)
                let index := shr(232, word)
                let marks := mload(add(mload(MARKS), shl(5, shr(8, index))))
                if iszero(
                    and(
                        and(lt(index, mload(COUNT)), iszero(lt(index, mload(LEAST)))),
                        and(shr(and(index, 0xff), marks), 1)
                    )
                ) {
                    mstore(FAILURE, 1)
                    mstore(INDEX, index)
                    break
                }
                mstore(LEAST, add(index, 1))

                // The statement.
                mstore(ANSWER_INDEX, index)
                mstore(S_JOB, keccak256(ROOM, ANSWER_SIZE))
                mstore(L_PROMPT, and(shr(208, word), 0xffff))
                mstore(L_NEW, and(shr(192, word), 0xffff))
                mcopy(S_PROMPT, L_PROMPT, 0x40)
                // Digests of prompt and answer.
                calldatacopy(S_INPUT, add(record, 24), 0x40)
                mcopy(L_INPUT, S_INPUT, 0x40)
                let statement := keccak256(STATEMENT, STATEMENT_SIZE)
                let to := mload(NEXT_LEAF)
                mstore(to, index)
                mstore(add(to, 0x20), statement)
                mstore(NEXT_LEAF, add(to, 0x40))

                // The drawn layer is the first up to which audit weights exceed a number below their sum. It is the
                // program's if that number is one of its layers' weights.
                mstore(D_CLAIM, statement)
                let x := mod(keccak256(DRAW, DRAW_SIZE), mload(TOTAL))
                let place := byte(3, word)
                let program := add(mload(PROGRAMS), mul(place, PROGRAM))
                {
                    let first := mload(program)
                    let sums := add(mload(SUMS), shl(2, byte(0, first)))
                    let before := shr(224, mload(sums))
                    sums := shr(224, mload(add(sums, shl(2, byte(1, first)))))
                    // Less than zero is more than any sum.
                    x := lt(sub(x, before), sub(sums, before))
                }
                if iszero(and(lt(place, mload(PROGRAM_COUNT)), x)) {
                    mstore(FAILURE, 2)
                    mstore(INDEX, index)
                    mstore(PLACE, place)
                    break
                }

                // The list of its node.
                mstore(L_HIGH, shr(128, statement))
                mstore(L_LOW, shr(128, shl(128, statement)))
                mstore(L_WEIGHTS, mload(add(program, 34)))
                mstore(L_FINGERPRINT, shr(128, calldataload(add(record, 8))))
                word := calldataload(add(record, 88))
                mstore(L_ACTIVATIONS, word)
                to := mload(NEXT_DIGEST)
                mstore(to, word)
                mstore(NEXT_DIGEST, add(to, 0x20))
                let digest := calldataload(add(record, 120))
                mstore(L_DIGEST, digest)
                if iszero(
                    and(
                        and(lt(mload(L_INPUT), order), lt(mload(L_OUTPUT), order)),
                        and(lt(word, order), lt(digest, order))
                    )
                ) {
                    mstore(FAILURE, 3)
                    mstore(INDEX, index)
                    break
                }

                // Its key, digest, point, and the list's fingerprint there.
                to := mload(NEXT_NODE)
                mstore(to, mload(add(program, 2)))
                mstore(add(to, 0x20), digest)
                let r := mod(keccak256(LIST, LIST_SIZE), order)
                mstore(add(to, 0x40), r)
                // A product modulo the order, and a word below it, are below 2^255 together.
                word := add(mulmod(mload(L_HIGH), r, order), mload(L_LOW))
                word := add(mulmod(word, r, order), mload(L_INPUT))
                word := add(mulmod(word, r, order), mload(L_OUTPUT))
                word := add(mulmod(word, r, order), mload(L_PROMPT))
                word := add(mulmod(word, r, order), mload(L_NEW))
                word := add(mulmod(word, r, order), mload(L_WEIGHTS))
                word := add(mulmod(word, r, order), mload(L_ACTIVATIONS))
                // The activation commitments' fingerprint is taken at zero.
                word := mulmod(word, r, order)
                word := addmod(mulmod(word, r, order), mload(L_FINGERPRINT), order)
                mstore(add(to, 0x60), word)
                mstore(NEXT_NODE, add(to, 0x80))
            }
        }
        _requireNone();
    }

    function _requireNone() private pure {
        uint256 failure;
        uint256 index;
        uint256 place;
        assembly ("memory-safe") {
            failure := mload(FAILURE)
            index := mload(INDEX)
            place := mload(PLACE)
        }
        if (failure == 1) revert NotDrawn(index);
        if (failure == 2) revert LayerNotProven(index, place);
        if (failure == 3) revert AnswerDigestNotReduced(index);
    }

    /// All nodes become one, which is the first. A list is hashed where its nodes are: tag and digest are put in front
    /// of them, over what was folded before.
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
                    // What is left over goes up alone, unless it is all that there is.
                    if lt(count, n) {
                        n := count
                        if gt(from, start) { n := 1 }
                    }
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
                        // A product modulo the order, and a word below it, are below 2^255 together.
                        let sum := 0
                        for { } lt(from, end) { from := add(from, 0x80) } {
                            sum := add(mulmod(sum, r, order), mload(from))
                            sum := add(mulmod(sum, r, order), mload(add(from, 0x20)))
                            sum := add(mulmod(sum, r, order), mload(add(from, 0x40)))
                            sum := add(mulmod(sum, r, order), mload(add(from, 0x60)))
                        }
                        sum := mod(sum, order)
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
        if (!reduced) revert AnswerDigestNotReduced(type(uint256).max);
    }

    /// What is hashed for each record, but for what the record says.
    function _fill(Epoch calldata epoch, bytes32 layerSeed, bytes32 modelId) private view {
        (address provider, bytes32 version, uint256 number_) = (epoch.provider, epoch.version, epoch.number());
        (bytes32 answer, bytes32 said) = (ANSWER, SAID);
        // forge-lint: disable-next-line(unsafe-typecast) 18 characters
        bytes32 statement = bytes32("nanozk-statement-3") >> 112;
        // forge-lint: disable-next-line(unsafe-typecast) 14 characters
        bytes32 draw_ = bytes32("nanozk-audit-1") >> 144;
        assembly ("memory-safe") {
            mstore(ROOM, answer)
            mstore(A_PROVIDER, provider)
            mstore(A_VERSION, version)
            mstore(A_NUMBER, number_)
            mstore(S_TAG, statement)
            mstore(S_CHAIN, chainid())
            mstore(S_BOOK, address())
            // Vouchers pay the provider, and nobody else.
            mstore(S_RECIPIENT, provider)
            mstore(S_MODEL, modelId)
            // Decoding is greedy.
            mstore(S_DECODING, 0)
            mstore(LIST, said)
            // Where the activation commitments' fingerprint is taken.
            mstore(L_POINT, 0)
            mstore(D_TAG, draw_)
            mstore(D_SEED, layerSeed)
            mstore(D_NUMBER, 0)
        }
    }

    function _fillPage(bytes memory page, uint256 layers, uint256 programs) private pure {
        assembly ("memory-safe") {
            let sums := add(page, 0xc0)
            mstore(SUMS, sub(sums, 4))
            sums := add(sums, shl(2, layers))
            mstore(TOTAL, shr(224, mload(sub(sums, 4))))
            mstore(PROGRAMS, sums)
            mstore(PROGRAM_COUNT, programs)
        }
    }

    function _fillDraws(uint256[] memory marks, uint256 count) private pure {
        assembly ("memory-safe") {
            mstore(MARKS, add(marks, 0x20))
            mstore(COUNT, count)
            mstore(LEAST, 0)
            mstore(FAILURE, 0)
        }
    }
}
