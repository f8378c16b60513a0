// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ModelHeader } from "../interfaces/IModelRegistry.sol";

/// @title The model id of docs/format.md
library ModelId {
    /// @notice Id of the development setup, whose secret is public: `DEVELOPMENT_ID` of crates/setup/src/lib.rs.
    bytes32 internal constant DEVELOPMENT_SETUP = 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9;

    function compute(ModelHeader calldata header) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                "nanozk-model-3",
                header.dimensions,
                header.tokenizer,
                header.weights,
                header.programs,
                header.setup,
                uint256(header.tokens),
                uint256(header.layers),
                uint256(header.k),
                header.fractions
            )
        );
    }

    function isDevelopment(bytes32 setup) internal pure returns (bool) {
        return setup == DEVELOPMENT_SETUP;
    }
}
