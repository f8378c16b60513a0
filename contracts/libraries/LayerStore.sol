// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Layer } from "../interfaces/IModelRegistry.sol";
import { LayerKind } from "../interfaces/Types.sol";

/// @title The layers of a version, kept as the code of an address
/// @notice A word of code costs a third of a word of storage to write and next to nothing to read; in storage, 256
/// layers would not fit into a transaction.
/// The code is a STOP, then for each layer: kind (1 byte) ‖ audit weight (4) ‖ answer cost (16) ‖ verifying key (32) ‖
/// weights (32).
library LayerStore {
    error StoreFailed();

    uint256 private constant SIZE = 85;
    /// Returns what follows it, whose length is to be inserted after the first byte: PUSH2 length, DUP1, PUSH1 10,
    /// PUSH0, CODECOPY, PUSH0, RETURN.
    bytes7 private constant COPY_REST = 0x80600a5f395ff3;

    function write(Layer[] calldata layers) internal returns (address store) {
        bytes memory data = new bytes(layers.length * SIZE);
        for (uint256 i = 0; i < layers.length; ++i) {
            Layer calldata l = layers[i];
            uint256 head = uint256(l.kind) << 160 | uint256(l.auditWeight) << 128 | l.answerCost;
            (bytes32 verifyingKey, bytes32 weights) = (l.verifyingKey, l.weights);
            assembly ("memory-safe") {
                let at := add(add(data, 0x20), mul(i, SIZE))
                // 21 bytes, of which the next word overwrites none.
                mstore(at, shl(88, head))
                mstore(add(at, 21), verifyingKey)
                mstore(add(at, 53), weights)
            }
        }
        bytes memory code = abi.encodePacked(hex"61", uint16(data.length + 1), COPY_REST, hex"00", data);
        assembly ("memory-safe") {
            store := create(0, add(code, 0x20), mload(code))
        }
        if (store == address(0)) revert StoreFailed();
    }

    function count(address store) internal view returns (uint256) {
        return store.code.length / SIZE;
    }

    /// @dev The caller checks that there is such a layer.
    function read(address store, uint256 index) internal view returns (Layer memory) {
        bytes memory data = new bytes(SIZE);
        assembly ("memory-safe") {
            extcodecopy(store, add(data, 0x20), add(mul(index, SIZE), 1), SIZE)
        }
        return _decode(data, 0);
    }

    function readAll(address store) internal view returns (Layer[] memory layers) {
        bytes memory data = store.code;
        layers = new Layer[](data.length / SIZE);
        for (uint256 i = 0; i < layers.length; ++i) {
            layers[i] = _decode(data, i * SIZE + 1);
        }
    }

    function readAuditWeights(address store) internal view returns (uint32[] memory weights) {
        bytes memory data = store.code;
        weights = new uint32[](data.length / SIZE);
        for (uint256 i = 0; i < weights.length; ++i) {
            weights[i] = uint32(_word(data, i * SIZE + 1) >> 216);
        }
    }

    function _decode(bytes memory data, uint256 offset) private pure returns (Layer memory) {
        uint256 head = _word(data, offset) >> 88;
        return Layer({
            kind: LayerKind(head >> 160),
            // forge-lint: disable-next-line(unsafe-typecast) the kind is above
            auditWeight: uint32(head >> 128),
            // forge-lint: disable-next-line(unsafe-typecast) the others are above
            answerCost: uint128(head),
            verifyingKey: bytes32(_word(data, offset + 21)),
            weights: bytes32(_word(data, offset + 53))
        });
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), offset))
        }
    }
}
