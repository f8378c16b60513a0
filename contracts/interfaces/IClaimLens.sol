// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim } from "./IClaimBook.sol";
import { Job } from "./IJobMarket.sol";

/// All of a claim in one answer.
struct Description {
    Job job;
    Claim claim;
    bytes32[] boundaries;
    uint64 challengeBy;
    uint64 provenBy;
    uint256 openChallenges;
    /// `ISettlement.provenLayers`, and how many they are.
    uint256 proven;
    uint256 provenLayers;
    bool auditRevealed;
    uint256 auditedLayers;
    string status;
}

/// @title Reading a claim
/// @notice For people with a block explorer, and for programs; it changes nothing.
interface IClaimLens {
    /// @notice A check needs more than the `got` gas it had: no verdict.
    error MoreGasNeeded(uint256 got);

    /// @notice A job without a claim is described, too: then `claim` is empty.
    function describeClaim(bytes32 claim) external view returns (Description memory);
    /// @notice Where a claim stands, in a sentence.
    function explainStatus(bytes32 claim) external view returns (string memory);
    /// @notice Whether a proof is valid for a layer of a claim, and what it says; the reason is the verifier's error.
    function checkProof(bytes32 claim, uint256 layer, bytes calldata proof)
        external
        view
        returns (bool valid, bytes memory reason, bytes32 statement, uint256[] memory instances);
    /// @notice The same of an aggregate proof, and the verifier of its key.
    function checkAggregate(bytes32 claim, bytes32 aggregateKey, bytes calldata proof)
        external
        view
        returns (bool valid, bytes memory reason, bytes32 statement, uint256[] memory instances);
    /// @notice Who has to act next, what to call, and until when (zero: no deadline).
    function nextAction(bytes32 claim) external view returns (string memory who, string memory action, uint64 deadline);
}
