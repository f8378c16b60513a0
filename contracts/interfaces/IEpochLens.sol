// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Epoch } from "./EpochTypes.sol";

/// @title Reading epochs
/// @notice For providers, watchers and people with a block explorer; it changes nothing.
interface IEpochLens {
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
