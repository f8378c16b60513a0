// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Economics } from "../../contracts/libraries/Economics.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { Test } from "forge-std/Test.sol";

/// @title What docs/economics.md says in numbers
contract EconomicsPageTest is Test {
    uint256 internal constant ONE = 1e18;

    // ---------------------------------------------------------------- inclusion

    /// The bound stays below 1 however many layers are drawn, also if all are.
    function testFuzz_Inclusion_OfAllLayersIsBelowOne(uint256 weight, uint256 layers) public pure {
        layers = bound(layers, 3, 256);
        uint256 total = 1_000_000;
        weight = bound(weight, total / (4 * layers), total - 1);
        uint256 p = Economics.inclusion(weight, total, layers);
        assertGt(p, 0);
        if (weight <= total / 10) assertLt(p, ONE);
    }

    /// The example's ten layers with even weights instead: a tenth for one draw, and far less stake.
    function test_Example_EvenWeightsNeedLess() public pure {
        uint256 even = Economics.inclusion(100_000, 1_000_000, 1);
        assertEq(even, ONE / 10);
        uint256 uneven = Economics.inclusion(25_000, 925_000, 1);
        uint256 needed = Economics.requiredStake(even, 0.01 ether, 0.02 ether);
        assertLt(3 * needed, Economics.requiredStake(uneven, 0.01 ether, 0.02 ether));
    }

    // ---------------------------------------------------------------- the draw's bias

    /// Caught by the first draw (p), and either it is not the proposer (1 − q), or it withholds the block and is caught
    /// by the next draw, too. A larger stake by 1/(1 − q) makes up for it.
    function testFuzz_Randao_AShareOfProposers(uint256 p, uint256 q) public pure {
        p = bound(p, 1e12, ONE);
        q = bound(q, 0, ONE / 2);
        uint256 caught = p * ((ONE - q) * ONE + q * p) / ONE / ONE;
        assertApproxEqAbs(caught, p * (ONE * ONE - q * (ONE - p)) / ONE / ONE, 2);
        assertGe(caught + 2, p * (ONE - q) / ONE);
    }

    /// Two draws must both find it; `s` withheld blocks in succession are `s + 1` draws.
    function testFuzz_Randao_WithheldBlocks(uint256 p, uint8 blocks) public pure {
        p = bound(p, 1e12, ONE - 1);
        uint256 caught = p;
        for (uint256 s = 0; s < blocks % 6; ++s) {
            uint256 next = caught * p / ONE;
            assertLe(next, caught);
            // The stake of the table's last column makes a false answer lose against that.
            if (next < 1e6) return;
            uint256 stake = Economics.requiredStake(next, 1 ether, 1 ether);
            assertGt(next * (stake - Economics.challengerShare(stake)), (ONE - next) * 2 ether + ONE * 1 ether);
            caught = next;
        }
    }

    // ---------------------------------------------------------------- challengers

    /// A provider with `n` challenges of its own takes n/(n + 1) of the reward. What pays best leaves a watcher about the
    /// root of reward times cost, which is more than its own cost.
    function testFuzz_Sybils_WhatPaysBestLeavesAWatcherMoreThanItsCost(uint256 reward, uint256 cost) public pure {
        cost = bound(cost, 1e12, 1e16);
        reward = bound(reward, 9 * cost, 10_000 * cost);
        uint256 best = 0;
        uint256 most = 0;
        for (uint256 n = 1; n < 120; ++n) {
            uint256 taken = reward * n / (n + 1);
            if (taken > n * cost && taken - n * cost > most) (best, most) = (n, taken - n * cost);
        }
        uint256 root = Math.sqrt(reward * ONE / cost * ONE) / 1e9 / 1e9;
        assertApproxEqAbs(best + 1, root, 1);
        uint256 left = reward / (best + 1);
        assertGt(left, cost);
        assertApproxEqRel(left, Math.sqrt(reward * cost), 0.5e18);
    }

    /// To leave a watcher less than its cost takes as much in transactions as there is to take.
    function testFuzz_Sybils_TakingAllCostsAll(uint256 reward, uint256 cost) public pure {
        cost = bound(cost, 1e12, 1e16);
        reward = bound(reward, 2 * cost, 10_000 * cost);
        uint256 n = reward / cost;
        assertLe(reward / (n + 1), cost);
        assertGe((n + 1) * cost, reward);
        assertGe(reward / n, cost, "fewer do not do");
    }

    /// Half of the least reward is more than a bond: one challenge of the provider's beside it costs a watcher no risk.
    function testFuzz_Reward_HalfOfItExceedsTheBond(uint96 bond) public pure {
        uint256 stake = Math.ceilDiv(Economics.requiredReward(bond) * 10_000, 4_000);
        assertGe(Economics.challengerShare(stake), Economics.requiredReward(bond));
        assertGt(Economics.challengerShare(stake), 2 * uint256(bond));
    }

    /// The bond of a challenge of the whole claim is above the least reward from three layers on, and below it before.
    function testFuzz_Challenge_BondOfTheWholeClaim(uint96 bond, uint8 layers) public pure {
        vm.assume(bond > 1 && layers > 0);
        uint256 least = Economics.requiredReward(bond);
        if (layers < 3) assertLt(uint256(bond) * layers, least);
        else assertGt(uint256(bond) * layers, least);
    }

    // ---------------------------------------------------------------- outputs

    /// The requester's 30 % of a stake of 0.3 ETH pay for 13 M gas at 6.9 gwei, and not at 7.
    function test_Dispute_UpToWhichGasPriceItPays() public pure {
        uint256 share = Economics.requesterShare(0.3 ether);
        assertGe(share, 13_000_000 * 6.9 gwei);
        assertLt(share, 13_000_000 * 7 gwei);
    }
}
