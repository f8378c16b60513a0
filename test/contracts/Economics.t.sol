// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { Economics } from "../../contracts/libraries/Economics.sol";
import { DrawFixtures } from "./support/DrawFixtures.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

contract EconomicsTest is DrawFixtures {
    uint256 internal constant ONE = 1e18;

    function setUp() public {
        loadDraws();
    }

    /// What a false answer brings on average, in parts of 1/ONE, if it is caught with probability `p`: gained if it is
    /// not, lost if it is.
    function expected(uint256 p, uint256 gain, uint256 loss) internal pure returns (int256) {
        return int256((ONE - p) * gain) - int256(p * loss);
    }

    function test_Split_IsTheOneOfTheProtocol() public pure {
        assertEq(Economics.challengerShare(10_000), 4_000);
        assertEq(Economics.requesterShare(10_000), 3_000);
    }

    function testFuzz_Split_IsAtMostTheStake(uint128 stake) public pure {
        assertLe(Economics.challengerShare(stake) + Economics.requesterShare(stake), stake);
    }

    /// Against the exact probabilities, by integration, of draws without replacement.
    function test_Inclusion_IsBelowTheExactProbability() public view {
        for (uint256 i = 0; i < draws.length; ++i) {
            Draw memory d = draws[i];
            uint256 total = 0;
            for (uint256 l = 0; l < d.weights.length; ++l) {
                total += d.weights[l];
            }
            for (uint256 l = 0; l < d.weights.length; ++l) {
                uint256 p = Economics.inclusion(d.weights[l], total, d.count);
                assertGt(p, 0);
                // The exact one is rounded to 10^-9.
                assertLe(p, (d.inclusionPpb[l] + 1) * 1e9);
                if (d.count == 1) assertApproxEqAbs(p, d.inclusionPpb[l] * 1e9, 1e9);
            }
        }
    }

    /// Against the fraction itself.
    function testFuzz_Inclusion_IsTheFormulaRoundedDown(uint256 weight, uint256 total, uint256 audits) public pure {
        audits = bound(audits, 1, 8);
        total = bound(total, 2, 2 ** 31);
        weight = bound(weight, 1, total);
        uint256 exact = Math.mulDiv(ONE, total ** audits - (total - weight) ** audits, total ** audits);
        uint256 p = Economics.inclusion(weight, total, audits);
        assertLe(p, exact);
        // Each product loses at most one part of 10^18, twice.
        assertLe(exact - p, 2 * audits + 1);
    }

    function testFuzz_Inclusion_GrowsWithWeightAndAudits(uint256 weight, uint256 total, uint256 audits) public pure {
        total = bound(total, 2, 256_000_000);
        weight = bound(weight, 1, total - 1);
        audits = bound(audits, 1, 255);
        uint256 p = Economics.inclusion(weight, total, audits);
        assertLe(p, ONE);
        assertLe(p, Economics.inclusion(weight + 1, total, audits));
        assertGe(p, Economics.inclusion(weight, total + 1, audits));
        // Up to rounding: more products are rounded.
        assertLe(p, Economics.inclusion(weight, total, audits + 1) + 16);
    }

    function test_Inclusion_OfTheOnlyLayerIsOne() public pure {
        assertEq(Economics.inclusion(7, 7, 1), ONE);
        assertEq(Economics.inclusion(7, 7, 256), ONE);
    }

    function testFuzz_Stake_MakesCheatingLoseHoweverThePartsArePlayed(uint256 p, uint128 price, uint128 external_)
        public
        pure
    {
        p = bound(p, 1e6, ONE);
        uint256 stake = Economics.requiredStake(p, price, external_);
        uint256 challenger = Economics.challengerShare(stake);
        uint256 requester = Economics.requesterShare(stake);
        uint256 gain = uint256(price) + external_;
        int256 noShow = -int256(Economics.noShowPenalty(price) * ONE);
        // Caught by the beacon or another; by itself; and being the requester too, whose price is its own. No answer would
        // cost it less.
        assertLt(expected(p, gain, stake), noShow);
        assertLt(expected(p, gain, stake - challenger), noShow);
        assertLt(expected(p, external_, stake - challenger - requester), 0);
        assertLt(expected(p, external_, stake - requester), 0);
        // All the more if it is caught more often.
        uint256 more = p + (ONE - p) / 3;
        assertLt(expected(more, gain, stake - challenger), noShow);
        assertLt(expected(more, external_, stake - challenger - requester), 0);
    }

    function testFuzz_Stake_IsTheLeast(uint256 p, uint128 price, uint128 external_) public pure {
        p = bound(p, 1e6, ONE);
        uint256 less = Economics.requiredStake(p, price, external_) - 1;
        // With one unit less, cheating is as good as no answer for one of the two, but for what rounding gives back.
        uint256 noShow = Economics.noShowPenalty(price) * ONE;
        int256 alone = int256(((ONE - p) * (uint256(price) + external_) + noShow) * 10_000) - int256(p * less * 6_000);
        int256 both = int256((ONE - p) * external_ * 10_000) - int256(p * less * 3_000);
        assertGe(alone > both ? alone : both, 0);
    }

    function testFuzz_Stake_GrowsWithGainAndFallsWithProbability(uint256 p, uint128 price, uint128 external_)
        public
        pure
    {
        p = bound(p, 1e6, ONE - 1);
        uint256 stake = Economics.requiredStake(p, price, external_);
        assertGe(stake, Economics.requiredStake(p + 1, price, external_));
        assertLe(stake, Economics.requiredStake(p, uint256(price) + 1, external_));
        assertLe(stake, Economics.requiredStake(p, price, uint256(external_) + 1));
        // Whoever is always caught must lose more than the price, of which it has 4,000 parts of 10,000 back.
        assertEq(Economics.requiredStake(ONE, price, external_), uint256(price) * 10 / 6 + 1);
        assertGt(Economics.requiredStake(ONE, price, external_), price);
    }

    function testFuzz_Challenge_FailedOnesPayAndGoodOnesEarn(uint128 answerCost) public pure {
        uint256 bond = Economics.requiredBond(answerCost);
        assertGt(bond, answerCost);
        // Also if the provider takes half.
        assertGt(Economics.requiredReward(bond) / 2 + 1, bond);
        assertGt(Economics.requiredReward(bond), 2 * bond);
    }
}
