// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Epoch } from "../interfaces/EpochTypes.sol";

/// @title The packed word of an epoch
library EpochWords {
    /// Bytes of an epoch in calldata.
    uint256 private constant EPOCH_BYTES = 6 * 32;

    /// @notice keccak256(abi.encode(epoch)).
    /// @dev Without the decoder's checks: what was committed had none of the bits that they refuse.
    function id(Epoch calldata epoch) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, epoch, EPOCH_BYTES)
            digest := keccak256(at, EPOCH_BYTES)
        }
    }

    function pack(
        uint256 number_,
        uint256 count_,
        uint256 draws_,
        uint256 committedAt_,
        uint256 drawBlock_,
        uint256 exposure_
    ) internal pure returns (uint256) {
        return number_ | count_ << 32 | draws_ << 64 | committedAt_ << 80 | drawBlock_ << 120 | exposure_ << 168;
    }

    // forge-lint: disable-start(unsafe-typecast) fields of a word
    function number(Epoch calldata epoch) internal pure returns (uint32) {
        return uint32(epoch.terms);
    }

    /// @notice Answers.
    function count(Epoch calldata epoch) internal pure returns (uint256) {
        return uint32(epoch.terms >> 32);
    }

    function draws(Epoch calldata epoch) internal pure returns (uint256) {
        return uint16(epoch.terms >> 64);
    }

    function committedAt(Epoch calldata epoch) internal pure returns (uint256) {
        return uint40(epoch.terms >> 80);
    }

    /// @notice Block that answers are drawn from.
    function drawBlock(Epoch calldata epoch) internal pure returns (uint64) {
        return uint48(epoch.terms >> 120);
    }

    function exposure(Epoch calldata epoch) internal pure returns (uint256) {
        return uint88(epoch.terms >> 168);
    }
    // forge-lint: disable-end(unsafe-typecast)
}
