// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim } from "../interfaces/IClaimBook.sol";
import { Job } from "../interfaces/IJobMarket.sol";
import { Mode } from "../interfaces/Types.sol";

/// @title The packed words of a claim, and what follows from them
library ClaimWords {
    /// Bytes of a claim in calldata, whose fields are a word each.
    uint256 private constant CLAIM_BYTES = 14 * 32;

    /// @notice keccak256(abi.encode(claim)).
    /// @dev Without the decoder's checks: what was posted had none of the bits that they refuse.
    function id(Claim calldata claim) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, claim, CLAIM_BYTES)
            digest := keccak256(at, CLAIM_BYTES)
        }
    }

    /// @notice Writes what nodes over joint proofs about a claim say (`NodeTree.sessionRoom`), but for weights.
    /// @dev Places are those of the claim's fields, from `statement` to `fingerprint`, and of the list's words.
    function fillSession(Claim calldata claim, uint256[] memory list) internal pure {
        (uint256 prompt, uint256 generated) = (promptTokens(claim), newTokens(claim));
        assembly ("memory-safe") {
            let statement := calldataload(add(claim, 0x80))
            mstore(add(list, 0x60), shr(128, statement))
            mstore(add(list, 0x80), shr(128, shl(128, statement)))
            // Digests of prompt and answer.
            calldatacopy(add(list, 0xa0), add(claim, 0xa0), 0x40)
            mstore(add(list, 0xe0), prompt)
            mstore(add(list, 0x100), generated)
            // Digest, point and fingerprint of activation commitments.
            calldatacopy(add(list, 0x140), add(claim, 0xe0), 0x60)
        }
    }

    function packTerms(Job memory job, uint256 layers_) internal pure returns (uint256) {
        return uint256(job.promptTokens) | uint256(job.newTokens) << 32 | layers_ << 64 | uint256(job.mode) << 80
            | uint256(job.challengeBond) << 88;
    }

    function packTimes(Job memory job, uint256 postedAt_, uint256 drawBlock_) internal pure returns (uint256) {
        return postedAt_ | uint256(job.challengeWindow) << 64 | uint256(job.answerWindow) << 96 | drawBlock_ << 128;
    }

    function promptTokens(Claim calldata claim) internal pure returns (uint256) {
        return uint32(claim.terms);
    }

    function newTokens(Claim calldata claim) internal pure returns (uint256) {
        return uint32(claim.terms >> 32);
    }

    function layers(Claim calldata claim) internal pure returns (uint256) {
        return uint16(claim.terms >> 64);
    }

    function mode(Claim calldata claim) internal pure returns (Mode) {
        return Mode(uint8(claim.terms >> 80));
    }

    /// @notice Bond of a challenge of one layer.
    function challengeBond(Claim calldata claim) internal pure returns (uint256) {
        return uint128(claim.terms >> 88);
    }

    function postedAt(Claim calldata claim) internal pure returns (uint64) {
        return uint64(claim.times);
    }

    function challengeWindow(Claim calldata claim) internal pure returns (uint64) {
        return uint32(claim.times >> 64);
    }

    function answerWindow(Claim calldata claim) internal pure returns (uint64) {
        return uint32(claim.times >> 96);
    }

    /// @notice Block that layers are drawn from; zero: none are.
    function drawBlock(Claim calldata claim) internal pure returns (uint64) {
        return uint64(claim.times >> 128);
    }

    /// @notice Last second in which layers can be challenged, and the output be demanded; zero: never.
    function challengeBy(Claim calldata claim) internal pure returns (uint64) {
        uint64 window = challengeWindow(claim);
        return window == 0 ? 0 : postedAt(claim) + window;
    }

    /// @notice Last second in which layers can be proven.
    function provenBy(Claim calldata claim) internal pure returns (uint64) {
        return (mode(claim) == Mode.Proofs ? postedAt(claim) : challengeBy(claim)) + answerWindow(claim);
    }
}
