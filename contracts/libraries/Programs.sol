// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Program } from "../interfaces/Types.sol";
import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title The programs of a model
/// @notice A model's programs are the leaves of a Merkle tree. An inner node is keccak256 of both children, the lesser
/// first; leaves may be at any depth, and are of 160 bytes where inner nodes are of 64, so that none passes for the other.
library Programs {
    /// @notice The program has no layers, or some that the model has not.
    error LayersOutOfModel(uint256 first, uint256 count, uint256 layers);
    /// @notice The path does not lead from the program to the model's root of programs.
    error NotAProgramOfTheModel(bytes32 programs, bytes32 leaf);

    bytes32 private constant TAG = "nanozk program 1";

    /// @notice keccak256(abi.encode(TAG, program)).
    /// @dev Fields are as calldata has them: `check` reads those that are less than a word.
    function leaf(Program calldata program) internal pure returns (bytes32 digest) {
        bytes32 tag = TAG;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, tag)
            calldatacopy(add(buffer, 0x20), program, 0x80)
            digest := keccak256(buffer, 0xa0)
        }
    }

    /// @notice Reverts unless the program is one of the model with this root and number of layers.
    /// @return set Its layers.
    function check(Program calldata program, bytes32[] calldata path, bytes32 root, uint256 layers)
        internal
        pure
        returns (uint256 set)
    {
        (uint256 first, uint256 count) = (program.first, program.count);
        unchecked {
            if (count == 0 || first + count > layers) revert LayersOutOfModel(first, count, layers);
        }
        bytes32 digest = leaf(program);
        if (MerkleProof.processProofCalldata(path, digest) != root) revert NotAProgramOfTheModel(root, digest);
        unchecked {
            set = ((1 << count) - 1) << first;
        }
    }
}
