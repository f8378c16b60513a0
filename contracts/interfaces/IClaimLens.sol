// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimProof, ClaimState } from "./IClaimBook.sol";
import { Job } from "./IJobMarket.sol";
import { Mode, Tree } from "./Types.sol";

/// The packed words of a claim, taken apart, and deadlines.
struct Terms {
    uint32 promptTokens;
    uint32 newTokens;
    uint16 layers;
    Mode mode;
    uint128 challengeBond;
    uint64 postedAt;
    uint32 challengeWindow;
    uint32 answerWindow;
    uint64 drawBlock;
    uint64 challengeBy;
    uint64 provenBy;
}

/// All of a claim in one answer.
struct Description {
    bytes32 claim;
    Job job;
    Terms terms;
    ClaimState state;
    /// Open challenges, that of the output among them.
    uint256 openChallenges;
    /// How many layers are proven, and drawn.
    uint256 provenLayers;
    uint256 auditedLayers;
    string status;
}

/// @title Reading a claim
/// @notice For people with a block explorer, and for programs; it changes nothing. A claim is given as its `ClaimPosted`
/// event has it.
interface IClaimLens {
    /// @notice A check needs more than the `got` gas it had: no verdict.
    error MoreGasNeeded(uint256 got);

    function describeClaim(Claim calldata claim) external view returns (Description memory);
    /// @notice Where a claim stands, in a sentence.
    function explainStatus(Claim calldata claim) external view returns (string memory);
    /// @notice Where a job stands, as long as it has no claim.
    function explainJob(bytes32 job) external view returns (string memory);
    /// @notice Whether a proof shows what `IClaimBook.prove` would take from it; nothing is said about deadlines.
    /// @return valid Whether it does.
    /// @return reason If not: the error of the verifier, or of what is checked before.
    /// @return publicInputs Of the final proof: digest of the topmost node's key, and what says its list. Zero if they
    /// cannot be computed.
    function checkProof(ClaimProof[] calldata proofs, Tree calldata tree, bytes calldata proof)
        external
        view
        returns (bool valid, bytes memory reason, uint256[4] memory publicInputs);
    /// @notice Who has to act next, what to call, and until when (zero: no deadline).
    function nextAction(Claim calldata claim)
        external
        view
        returns (string memory who, string memory action, uint64 deadline);
    /// @notice The same of a job, as long as it has no claim.
    function nextOfJob(bytes32 job) external view returns (string memory who, string memory action, uint64 deadline);
    function termsOf(Claim calldata claim) external pure returns (Terms memory);
}
