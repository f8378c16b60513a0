// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Program } from "../interfaces/Types.sol";

/// What a page says, but for audit weights and programs.
struct PageHead {
    bytes32 modelId;
    /// Merkle root of the model's programs.
    bytes32 programRoot;
    address verifier;
    /// Number of layers, and of programs on the page.
    uint16 layers;
    uint16 programs;
    /// What an epoch exposes of its provider's bond, for each `count / draws` (`EpochEconomics`).
    uint128 unit;
    /// Greatest price of an answer.
    uint128 maxPrice;
    /// Bond of a challenge of one layer.
    uint128 challengeBond;
}

/// @title What epochs need of a version, on one page
/// @notice Kept as the code of an address: epochs read it at once, and name programs by their number. A page is a STOP,
/// five words of the head, the sum of audit weights up to each layer (4 bytes), and programs: first layer (1), number
/// of layers (1), key (32), weights (32).
library EpochPage {
    error PageTooLong(uint256 max, uint256 got);
    error PageFailed();

    uint256 internal constant MAX_PROGRAMS = 256;
    uint256 private constant MAX_CODE = 24_576;
    uint256 private constant PROGRAM = 66;
    /// Returns what follows it: PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN; the length is inserted.
    bytes7 private constant COPY_REST = 0x80600a5f395ff3;

    /// @param weights Audit weights of all layers.
    function write(PageHead memory head, uint32[] memory weights, Program[] calldata programs)
        internal
        returns (address page)
    {
        uint256 packed =
            uint256(uint160(head.verifier)) << 96 | uint256(head.layers) << 80 | uint256(head.programs) << 64;
        bytes memory body = abi.encodePacked(
            hex"00", head.modelId, head.programRoot, packed, head.unit, head.maxPrice, head.challengeBond, uint128(0)
        );
        bytes memory sums = new bytes(4 * weights.length);
        uint256 sum = 0;
        for (uint256 i = 0; i < weights.length; ++i) {
            sum += weights[i];
            for (uint256 j = 0; j < 4; ++j) {
                // forge-lint: disable-next-line(unsafe-typecast) a byte of a sum of at most 254 millions
                sums[4 * i + j] = bytes1(uint8(sum >> 24 - 8 * j));
            }
        }
        bytes memory list = new bytes(PROGRAM * programs.length);
        for (uint256 i = 0; i < programs.length; ++i) {
            Program calldata p = programs[i];
            bytes32 start = bytes32(uint256(p.first) << 248 | uint256(p.count) << 240);
            (bytes32 key, bytes32 commitments) = (p.key, p.weights);
            assembly ("memory-safe") {
                let at := add(add(list, 0x20), mul(i, PROGRAM))
                mstore8(at, byte(0, start))
                mstore8(add(at, 1), byte(1, start))
                mstore(add(at, 2), key)
                mstore(add(at, 34), commitments)
            }
        }
        body = bytes.concat(body, sums, list);
        if (body.length > MAX_CODE) revert PageTooLong(MAX_CODE, body.length);
        // forge-lint: disable-next-line(unsafe-typecast) was compared
        bytes memory code = abi.encodePacked(hex"61", uint16(body.length), COPY_REST, body);
        assembly ("memory-safe") {
            page := create(0, add(code, 0x20), mload(code))
        }
        if (page == address(0)) revert PageFailed();
    }

    /// @notice All of a page, but for the STOP.
    function read(address page) internal view returns (bytes memory data) {
        assembly ("memory-safe") {
            let length := sub(extcodesize(page), 1)
            data := mload(0x40)
            mstore(data, length)
            extcodecopy(page, add(data, 0x20), 1, length)
            // A word of zeros behind it: sums and programs are read as words.
            mstore(add(add(data, 0x20), length), 0)
            mstore(0x40, and(add(add(data, length), 0x5f), not(0x1f)))
        }
    }

    function headOf(bytes memory data) internal pure returns (PageHead memory h) {
        uint256 packed;
        uint256 amounts;
        uint256 bond;
        assembly ("memory-safe") {
            mstore(h, mload(add(data, 0x20)))
            mstore(add(h, 0x20), mload(add(data, 0x40)))
            packed := mload(add(data, 0x60))
            amounts := mload(add(data, 0x80))
            bond := mload(add(data, 0xa0))
        }
        // forge-lint: disable-start(unsafe-typecast) fields of words
        h.verifier = address(uint160(packed >> 96));
        (h.layers, h.programs) = (uint16(packed >> 80), uint16(packed >> 64));
        (h.unit, h.maxPrice) = (uint128(amounts >> 128), uint128(amounts));
        h.challengeBond = uint128(bond >> 128);
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// @notice Sums of audit weights up to each layer.
    function sumsOf(bytes memory data, uint256 layers) internal pure returns (uint256[] memory sums) {
        sums = new uint256[](layers);
        for (uint256 i = 0; i < layers; ++i) {
            uint256 sum;
            assembly ("memory-safe") {
                sum := shr(224, mload(add(add(data, 0xc0), shl(2, i))))
            }
            sums[i] = sum;
        }
    }
}
