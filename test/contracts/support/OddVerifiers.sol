// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title What the router asks of a verifier, with an answer of the test's choice
/// @notice The proof is the answer: its first byte says whether to return the rest or to revert with it.
contract OddVerifier is ILayerVerifier {
    bytes32 public immutable verifyingKey;
    bytes32 public immutable setup;
    uint256 public constant proofLength = 0;
    uint256 public constant instanceCount = 0;
    uint256 private _kind;
    Activations private _activations;
    bool private _told;

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

    /// @notice What the next calls of `shape` return.
    function become(uint256 kind, Activations memory activations) external returns (OddVerifier) {
        (_kind, _activations, _told) = (kind, activations, true);
        return this;
    }

    /// @notice Until it is told otherwise, of the tests' model, and of the kind that is in its key.
    function shape() external view returns (uint256 kind, Activations memory activations) {
        if (_told) return (_kind, _activations);
        while (kind < 5 && verifyingKey != keccak256(abi.encode("key", kind))) ++kind;
        return (kind, Activations(12, 32, 16));
    }

    function circuit() external pure returns (string memory) {
        return "any";
    }

    function generator() external pure returns (string memory) {
        return "test";
    }
}

/// @title A verifier that uses its turn to call something else
/// @notice It accepts every proof as one of an aggregate. That it is called by `staticcall` is not in its hands.
contract ReentrantVerifier {
    bytes32 public immutable verifyingKey;
    bytes32 public immutable setup;
    bytes32 public immutable digest;
    address public target;
    bytes public data;

    constructor(bytes32 verifyingKey_, bytes32 setup_, bytes32 digest_) {
        (verifyingKey, setup, digest) = (verifyingKey_, setup_, digest_);
    }

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function verify(bytes calldata, uint256[] calldata) external returns (bytes32, bytes32, bytes32) {
        // What changes a state in vain burns all it is given.
        (bool ok,) = target.call{ gas: 2_000_000 }(data);
        require(!ok, "it was let in");
        return (0, 0, digest);
    }
}
