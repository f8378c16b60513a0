// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Economics } from "../../contracts/libraries/Economics.sol";
import { EpochEconomics } from "../../contracts/libraries/EpochEconomics.sol";
import { EpochBase } from "./EpochBase.t.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { console } from "forge-std/console.sol";

/// @title What an epoch exposes, and how likely its draws are to show false answers
contract EpochEconomicsTest is EpochBase {
    uint256 private constant ONE = 1e18;

    /// Whatever share of the answers is false: what is lost on average is more than what is gained.
    function testFuzz_Exposure_CheatingOnAnyFractionLoses(
        uint256 count,
        uint256 draws,
        uint256 cheated,
        uint256 price,
        uint256 gain,
        uint256 weight
    ) public pure {
        count = bound(count, 1, 1 << 20);
        draws = bound(draws, 1, count < 256 ? count : 256);
        cheated = bound(cheated, 1, count);
        price = bound(price, 1e6, 1e18);
        gain = bound(gain, 0, 1e18);
        weight = bound(weight, 1_000, 1_000_000);
        uint256 unit = EpochEconomics.unit(weight, 1_000_000, price, gain);
        uint256 lost = EpochEconomics.exposure(unit, count, draws, 0) * 6 / 10;
        uint256 p = EpochEconomics.detection(count, draws, cheated, weight, 1_000_000);
        // The probability is rounded down, by less than 2^9 parts of 10^18.
        p += 512;
        if (p < ONE) assertGt(p * lost, (ONE - p) * cheated * (price + gain));
    }

    /// One false answer decides: with more of them less would be enough, for (1 − p)/p · k falls with k.
    function testFuzz_Exposure_OneFalseAnswerNeedsTheMost(uint256 count, uint256 draws, uint256 cheated) public pure {
        count = bound(count, 1_000, 1 << 20);
        draws = bound(draws, 1, 256);
        cheated = bound(cheated, 2, count);
        uint256 one = EpochEconomics.detection(count, draws, 1, LEAST_WEIGHT, TOTAL_WEIGHT);
        uint256 many = EpochEconomics.detection(count, draws, cheated, LEAST_WEIGHT, TOTAL_WEIGHT);
        assertLe((ONE - many) * cheated * (one - 512), (ONE - one + 512) * (many + 512));
    }

    /// Draws without replacement, and one layer of each, show at least as much as the bound says.
    function testFuzz_Detection_IsALowerBound(uint256 count, uint256 draws, uint256 cheated, uint256 weight)
        public
        pure
    {
        count = bound(count, 1, 60);
        draws = bound(draws, 1, count);
        cheated = bound(cheated, 1, count);
        weight = bound(weight, 1, 1_000_000);
        // That nothing shows, with `j` false ones among those left, before each draw: from the last one on.
        uint256[] memory hidden = new uint256[](cheated + 1);
        for (uint256 j = 0; j <= cheated; ++j) {
            hidden[j] = ONE;
        }
        for (uint256 i = 1; i <= draws; ++i) {
            uint256 left = count - draws + i;
            for (uint256 next = cheated + 1; next != 0; --next) {
                uint256 j = next - 1;
                if (j > left) continue;
                uint256 sum = (left - j) * hidden[j];
                if (j != 0) sum += j * hidden[j - 1] * (1_000_000 - weight) / 1_000_000;
                hidden[j] = sum / left + 1;
            }
        }
        // Rounded up in each step.
        uint256 p = EpochEconomics.detection(count, draws, cheated, weight, 1_000_000);
        assertLe(hidden[cheated], ONE - p + 2 * draws);
    }

    /// The bond of a challenge is never below that of a whole answer, nor falls with those that are held, nor exceeds half
    /// of what a challenger could have of the line's bond.
    function testFuzz_ChallengeBond_RisesToAFifthOfTheBond(uint256 bond_, uint256 held, uint256 count, uint256 more)
        public
        pure
    {
        bond_ = bound(bond_, 0, 1e24);
        held = bound(held, 0, 1 << 32);
        uint256 balance = EpochEconomics.exposure(1, bound(count, 1, 1 << 20), 1, bond_) + bound(more, 0, 1e26);
        uint256 needed = EpochEconomics.challengeBond(bond_, held, balance);
        assertGe(needed, bond_);
        assertGe(EpochEconomics.challengeBond(bond_, held + 1, balance), needed);
        assertGt(Economics.challengerShare(balance), 2 * needed);
        uint256 unbounded = bond_ * (held + 1);
        if (2 * unbounded < Economics.challengerShare(balance)) assertEq(needed, unbounded);
    }

    /// Whoever opens more challenges than a provider can answer loses, if that answers as many as the reward is worth of the
    /// cheapest: `m(m + 1)/2` bonds, or fewer that are as dear as can be.
    function testFuzz_ChallengeBond_AFloodLoses(uint256 bond_, uint256 balance) public pure {
        bond_ = bound(bond_, 1e6, 1e18);
        balance = bound(balance, EpochEconomics.exposure(1, 1, 1, bond_), 1e5 * bond_);
        // All of the bond may be exposed when the line is slashed.
        uint256 reward = Economics.challengerShare(balance);
        (uint256 answered, uint256 lost) = (0, 0);
        for (; lost < reward; ++answered) {
            lost += EpochEconomics.challengeBond(bond_, answered, balance);
        }
        assertLe(answered, Math.sqrt(2 * reward / bond_) + 2);
    }

    /// A challenger that is right earns more than twice what it risked.
    function testFuzz_Exposure_RewardsChallengers(uint256 count, uint256 draws, uint256 bond_) public pure {
        count = bound(count, 1, 1 << 20);
        draws = bound(draws, 1, 256);
        bond_ = bound(bond_, 0, 1e24);
        assertGt(Economics.challengerShare(EpochEconomics.exposure(1, count, draws, bond_)), 2 * bond_);
    }

    /// The least exposure is what the contract asks for, and what the page's formula says.
    function test_Exposure_IsThatOfTheFormula() public view {
        uint256 unit = (2 * uint256(ANSWER_PRICE)) * TOTAL_WEIGHT * 10 / (LEAST_WEIGHT * 6) + 1;
        assertEq(epochs.pageOf(page).unit, unit);
        // In a small epoch bonds of challenges count more.
        assertEq(epochs.exposureOf(page, 100, 64), (2 * uint256(ANSWER_BOND) * 12 + 1) * 10 / 4 + 1);
        assertEq(epochs.exposureOf(page, 1_000_000, 64), unit * 1_000_000 / 64 + 1);
    }

    /// Twelve layers, of which one is drawn half as often as the others.
    function _row(uint256 count) private view returns (string memory row) {
        row = string.concat("| ", vm.toString(count), " |");
        uint256[4] memory cheated = [uint256(1), 10, 100, 1_000];
        for (uint256 i = 0; i < 4; ++i) {
            uint256 p = epochLens.detection(page, count, 64, cheated[i]);
            row = string.concat(row, " ", _decimal(p), " |");
        }
        uint256 all = EpochEconomics.detection(count, 64, 1_000, 1, 1);
        row = string.concat(row, " ", _decimal(all), " |");
    }

    function _decimal(uint256 value) private pure returns (string memory) {
        bytes memory out = bytes(vm.toString(value / 1e12 + 1e6));
        out[0] = ".";
        return string.concat(value == ONE ? "1" : "0", string(out));
    }

    function test_Table_IsTheDocumentations() public view {
        string memory text = vm.readFile("docs/economics.md");
        uint256[4] memory counts = [uint256(1_000), 10_000, 100_000, 1_000_000];
        for (uint256 i = 0; i < counts.length; ++i) {
            console.log(_row(counts[i]));
            assertNotEq(vm.indexOf(text, _row(counts[i])), type(uint256).max, _row(counts[i]));
        }
    }
}
