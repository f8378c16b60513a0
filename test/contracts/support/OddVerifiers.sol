// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title What the router asks of a verifier, with an answer of the test's choice
/// @notice The proof is the answer: its first byte says whether to return the rest or to revert with it.
contract OddVerifier is ILayerVerifier {
    bytes32 public immutable verifyingKey;
    bytes32 public immutable setup;
    uint256 public constant proofLength = 0;
    uint256 public constant instanceCount = 0;

    constructor(bytes32 verifyingKey_, bytes32 setup_) {
        verifyingKey = verifyingKey_;
        setup = setup_;
    }

    function verify(bytes calldata proof, uint256[] calldata) external pure returns (bytes32, bytes32, bytes32) {
        bool fine = proof[0] == 0;
        bytes memory answer = proof[1:];
        assembly ("memory-safe") {
            if fine { return(add(answer, 0x20), mload(answer)) }
            revert(add(answer, 0x20), mload(answer))
        }
    }

    function circuit() external pure returns (string memory) {
        return "any";
    }

    function generator() external pure returns (string memory) {
        return "test";
    }
}
