// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Layer, ModelHeader } from "../interfaces/IModelRegistry.sol";

/// @title The model id of docs/format.md
library ModelId {
    /// @notice Id of the development setup, whose secret is public: `DEVELOPMENT_ID` of crates/setup/src/lib.rs.
    bytes32 internal constant DEVELOPMENT_SETUP = 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9;

    function compute(ModelHeader calldata header, Layer[] calldata layers) internal pure returns (bytes32) {
        bytes32[] memory words = new bytes32[](3 * layers.length);
        for (uint256 i = 0; i < layers.length; ++i) {
            words[3 * i] = bytes32(uint256(layers[i].kind));
            words[3 * i + 1] = layers[i].verifyingKey;
            words[3 * i + 2] = layers[i].weights;
        }
        return keccak256(
            abi.encodePacked(
                "nanozk-model-1",
                header.dimensions,
                header.tokenizer,
                uint256(header.tokens),
                header.setup,
                uint256(isDevelopment(header.setup) ? 1 : 0),
                words
            )
        );
    }

    function isDevelopment(bytes32 setup) internal pure returns (bool) {
        return setup == DEVELOPMENT_SETUP;
    }
}
