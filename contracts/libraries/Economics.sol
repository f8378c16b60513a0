// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What a claim may cost whom
/// @notice The model, and why these are bounds, are in docs/economics.md. Everything is rounded against the provider.
library Economics {
    /// @notice Parts of the stake, in basis points, when a claim is defeated; the rest is burned.
    uint256 internal constant CHALLENGER_BPS = 4_000;
    uint256 internal constant REQUESTER_BPS = 3_000;
    uint256 internal constant BPS = 10_000;
    /// @notice Probability 1.
    uint256 internal constant ONE = 1e18;

    /// @notice What challengers get of a stake, all together.
    function challengerShare(uint256 stake) internal pure returns (uint256) {
        return stake * CHALLENGER_BPS / BPS;
    }

    /// @notice What a requester gets of a stake.
    function requesterShare(uint256 stake) internal pure returns (uint256) {
        return stake * REQUESTER_BPS / BPS;
    }

    /// @notice What a requester gets of the stake when a job that was taken is never claimed: its price. A part of the
    /// stake would be more than a false answer costs on average, and a provider without an answer would claim one.
    function noShowPenalty(uint256 price) internal pure returns (uint256) {
        return price;
    }

    /// @notice A lower bound, in parts of `ONE`, of the probability that a layer is among `audits` drawn.
    /// @dev 1 − (1 − weight/total)^audits. Layers are drawn without replacement, each time by weight among those left;
    /// while this one is left it is drawn with probability weight/(total − weight of those drawn) ≥ weight/total. So it
    /// is missed each time with probability at most 1 − weight/total, whatever was drawn before.
    /// Needs 0 < weight ≤ total < 2^128 and audits > 0.
    function inclusion(uint256 weight, uint256 total, uint256 audits) internal pure returns (uint256) {
        uint256 missed = Math.ceilDiv((total - weight) * ONE, total);
        uint256 power = ONE;
        for (; audits != 0; audits >>= 1) {
            if (audits & 1 == 1) power = Math.ceilDiv(power * missed, ONE);
            missed = Math.ceilDiv(missed * missed, ONE);
        }
        return ONE - power;
    }

    /// @notice Least stake under which a false answer that is caught with probability `p` loses more than no answer.
    /// @dev The provider may be its own challenger, who gets a share back: then it must hold that
    /// p·stake·(1 − challenger) > (1 − p)·(price + externalGain) + noShowPenalty. If it is the requester too, both
    /// shares come back, the price was its own, and no answer costs nothing: p·stake·burned > (1 − p)·externalGain.
    function requiredStake(uint256 p, uint256 price, uint256 externalGain) internal pure returns (uint256) {
        uint256 escaped = ONE - p;
        uint256 lost = escaped * (price + externalGain) + ONE * noShowPenalty(price);
        uint256 alone = lost * BPS / (p * (BPS - CHALLENGER_BPS));
        uint256 both = escaped * externalGain * BPS / (p * (BPS - CHALLENGER_BPS - REQUESTER_BPS));
        return Math.max(alone, both) + 1;
    }

    /// @notice Least bond of a challenger of a layer whose answer costs `answerCost`: a failed challenge pays for it.
    function requiredBond(uint256 answerCost) internal pure returns (uint256) {
        return answerCost + 1;
    }

    /// @notice Least reward of challengers who risk `bond` each.
    /// @dev The provider may challenge its claim, too: then half of the reward is to exceed the bond.
    function requiredReward(uint256 bond) internal pure returns (uint256) {
        return 2 * bond + 1;
    }
}
