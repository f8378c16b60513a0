// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Layer } from "../interfaces/IModelRegistry.sol";

/// @title The layers of a version, kept as the code of an address
/// @notice A word of code costs a third of a word of storage to write and next to nothing to read.
/// The code is a STOP, then for each layer: audit weight (4 bytes) ‖ answer cost (16).
library LayerStore {
    error StoreFailed();

    uint256 private constant SIZE = 20;
    /// Returns what follows it, whose length is to be inserted after the first byte: PUSH2 length, DUP1, PUSH1 10,
    /// PUSH0, CODECOPY, PUSH0, RETURN.
    bytes7 private constant COPY_REST = 0x80600a5f395ff3;

    function write(Layer[] calldata layers) internal returns (address store) {
        // With room for all of the last word.
        bytes memory data = new bytes(layers.length * SIZE + 32 - SIZE);
        for (uint256 i = 0; i < layers.length; ++i) {
            uint256 packed = uint256(layers[i].auditWeight) << 128 | layers[i].answerCost;
            assembly ("memory-safe") {
                mstore(add(add(data, 0x20), mul(i, SIZE)), shl(96, packed))
            }
        }
        assembly ("memory-safe") {
            mstore(data, mul(layers.length, SIZE))
        }
        bytes memory code = abi.encodePacked(hex"61", uint16(data.length + 1), COPY_REST, hex"00", data);
        assembly ("memory-safe") {
            store := create(0, add(code, 0x20), mload(code))
        }
        if (store == address(0)) revert StoreFailed();
    }

    function readAll(address store) internal view returns (Layer[] memory layers) {
        bytes memory data = store.code;
        layers = new Layer[](data.length / SIZE);
        for (uint256 i = 0; i < layers.length; ++i) {
            uint256 word = _word(data, i);
            // forge-lint: disable-next-line(unsafe-typecast) fields of a word
            layers[i] = Layer(uint32(word >> 224), uint128(word >> 96));
        }
    }

    function readAuditWeights(address store) internal view returns (uint32[] memory weights) {
        bytes memory data = store.code;
        weights = new uint32[](data.length / SIZE);
        for (uint256 i = 0; i < weights.length; ++i) {
            weights[i] = uint32(_word(data, i) >> 224);
        }
    }

    /// The word that starts with a layer.
    function _word(bytes memory data, uint256 layer) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x21), mul(layer, SIZE)))
        }
    }
}
