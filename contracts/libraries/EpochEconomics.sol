// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Economics } from "./Economics.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What an epoch exposes of its provider's bond
/// @notice The model, and why these are bounds, are in docs/economics.md. Everything is rounded against the provider.
library EpochEconomics {
    /// @notice Exposure of an epoch for each `count / draws`.
    /// @dev Of `n` answers `m` are drawn, and a false one that is drawn shows with probability `w = weight / total` at
    /// least. With `k` false ones nothing shows with probability at most (1 − w·k/n)^m, so that what shows is at least
    /// m·w·k/n times as probable as that nothing does. A provider gains k·(price + externalGain) at most, and loses the
    /// exposure less the part of a challenger, who may be itself. So it loses on average, whatever `k` is, if
    /// exposure·(1 − challenger) > (price + externalGain)·n/(m·w).
    function unit(uint256 weight, uint256 total, uint256 price, uint256 externalGain) internal pure returns (uint256) {
        uint256 kept = Economics.BPS - Economics.CHALLENGER_BPS;
        return Math.ceilDiv((price + externalGain) * total * Economics.BPS, weight * kept);
    }

    /// @notice What an epoch exposes.
    /// @param wholeBond Bond of a challenge of a whole answer: a challenger that is right must earn more than it
    /// risked.
    function exposure(uint256 unit_, uint256 count, uint256 draws, uint256 wholeBond) internal pure returns (uint256) {
        uint256 cheating = Math.ceilDiv(unit_ * count, draws) + 1;
        uint256 reward = Economics.requiredReward(wholeBond);
        return Math.max(cheating, Math.ceilDiv(reward * Economics.BPS, Economics.CHALLENGER_BPS));
    }

    /// @notice Bond of the next challenge of a whole answer.
    /// @dev The n-th that is held costs n times what the first does, so that more challenges than a provider can answer
    /// cost the square of what it can. Never more than half of what a challenger that is right could have, less one:
    /// nobody makes a challenge as dear as it likes by challenging itself. Of the whole bond, for more of it may be
    /// exposed before a challenge ends.
    /// @param wholeBond Bond of the first.
    /// @param held Bonds of challenges of the line that are held.
    /// @param balance The line's bond: by `exposure`, enough for `wholeBond`.
    function challengeBond(uint256 wholeBond, uint256 held, uint256 balance) internal pure returns (uint256) {
        return Math.min(wholeBond * (held + 1), (Economics.challengerShare(balance) - 1) / 2);
    }

    /// @notice A lower bound, in parts of `Economics.ONE`, of the probability that `draws` of `count` answers, and a
    /// layer of each, show that `cheated` of them are false.
    /// @dev 1 − (1 − cheated/count·weight/total)^draws: what is drawn without replacement is missed at most as often as
    /// with.
    function detection(uint256 count, uint256 draws, uint256 cheated, uint256 weight, uint256 total)
        internal
        pure
        returns (uint256)
    {
        return Economics.inclusion(cheated * weight, count * total, draws);
    }
}
