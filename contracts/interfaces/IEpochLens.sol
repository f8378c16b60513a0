// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt, Epoch } from "./EpochTypes.sol";
import { EpochStatus } from "./IEpochBook.sol";

/// All of an epoch in one answer.
struct EpochDescription {
    bytes32 epoch;
    EpochStatus status;
    uint32 number;
    uint32 answers;
    uint16 draws;
    uint64 committedAt;
    /// Block that answers are drawn from.
    uint64 drawBlock;
    /// Last second in which commitments are fixed, and in which answers are disputed.
    uint64 challengeBy;
    /// Part of the line's bond that it exposes, in the version's asset.
    uint256 exposed;
    uint256 openDisputes;
    /// First epoch of the line that is not settled.
    uint256 settled;
    /// The line was slashed.
    bool over;
    /// The verifier of its page is not frozen.
    bool usable;
    /// A lower bound, in parts of 10^18, of the probability that its draws show 1, 10, 100, 1,000 false answers, each in the
    /// layer that is drawn least.
    uint256[4] detection;
    string text;
}

/// @title Reading epochs
/// @notice For providers, watchers and people with a block explorer; it changes nothing.
interface IEpochLens {
    /// @param epoch As its `EpochCommitted` event has it.
    function describeEpoch(Epoch calldata epoch) external view returns (EpochDescription memory);
    /// @notice Where an epoch stands, in some sentences: money, what its draws show, and what comes next.
    function explainEpoch(Epoch calldata epoch) external view returns (string memory);
    /// @notice Who has to act next, what to call, and until when (zero: no deadline, or that of a proof, which the contract does not
    /// keep: `proveWindow` after the event `EpochFixed`).
    function nextOfEpoch(Epoch calldata epoch)
        external
        view
        returns (string memory who, string memory action, uint64 deadline);
    /// @notice Whether a receipt is signed by its provider, and where its epoch stands.
    /// @param signature Of `IEpochDisputes.receiptDigest`.
    function explainReceipt(AnswerReceipt calldata receipt, bytes calldata signature)
        external
        view
        returns (string memory);
    /// @notice Whether a receipt is signed by its provider, whoever asks.
    function isSigned(AnswerReceipt calldata receipt, bytes calldata signature) external view returns (bool);
    /// @notice Which answers are drawn, by rising index.
    /// @param seed RANDAO of the block that the epoch fixes.
    function drawnAnswers(Epoch calldata epoch, bytes32 seed) external pure returns (uint256[] memory drawn);
    /// @notice The layer that is drawn of an answer.
    /// @param seed RANDAO that layers are drawn from.
    /// @param statement Digest of the answer's statement.
    function drawnLayer(address page, bytes32 seed, bytes32 statement) external view returns (uint256 layer);
    /// @notice A lower bound, in parts of 10^18, of the probability that an epoch's draws show that some of its answers
    /// are false, each in the layer that is drawn least.
    /// @param page Of the version.
    /// @param count Answers.
    /// @param draws Of them.
    /// @param cheated False ones.
    function detection(address page, uint256 count, uint256 draws, uint256 cheated) external view returns (uint256);
    /// @notice Audit weight of the layer that is drawn least, and the sum of all.
    function weightsOf(address page) external view returns (uint256 least, uint256 total);
}
