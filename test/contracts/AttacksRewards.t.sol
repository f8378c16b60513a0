// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ILayerDispute } from "../../contracts/interfaces/ILayerDispute.sol";
import { ClaimStatus, JobStatus, Lane } from "../../contracts/interfaces/Types.sol";
import { Economics } from "../../contracts/libraries/Economics.sol";
import { Base } from "./Base.t.sol";

/// @title Who earns by challenges, and who loses by false claims
contract AttacksRewardsTest is Base {
    // ---------------------------------------------------------------- the right challenger's reward

    /// The provider's own challenge, in the posting block, of a layer that it could prove: a challenger that is right
    /// shares the reward, though its own challenge is not overdue.
    function test_Attack_SelfChallengeInThePostingBlock() public {
        _fund(provider, BOND, 0);
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.prank(provider);
        dispute.challenge(claim, 0);
        vm.warp(block.timestamp + 12);
        uint256 before = _free(challenger);
        _challenge(claim, 2);
        _after(dispute.challengeOf(claim, 0).answerBy);
        dispute.timeout(claim, 0);
        _collect(claim);
        assertEq(_free(challenger), before + STAKE * 2 / 10);
        assertEq(_free(provider), BOND + STAKE * 2 / 10);
    }

    /// The provider challenges every layer before anybody else: others join.
    function test_Attack_EveryLayerIsTaken() public {
        _fund(provider, LAYERS * BOND, 0);
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.startPrank(provider);
        for (uint256 l = 0; l < LAYERS; ++l) {
            dispute.challenge(claim, l);
        }
        vm.stopPrank();
        uint64 answerBy = dispute.challengeOf(claim, 2).answerBy;
        vm.warp(block.timestamp + 60);
        vm.expectEmit(address(dispute));
        emit ILayerDispute.Challenged(claim, 2, challenger, answerBy, BOND);
        _challenge(claim, 2);
        assertEq(dispute.challengeOf(claim, 2).answerBy, answerBy, "no deadline moves");
        assertEq(dispute.openCount(claim), LAYERS);
        address[] memory both = dispute.challengersOf(claim, 2);
        assertEq(both.length, 2);
        assertEq(both[1], challenger);
        _after(answerBy);
        dispute.timeout(claim, 2);
        _collect(claim);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 50);
        assertEq(_free(address(dispute)), 0);
    }

    /// The provider as its own requester withholds the output from itself: challengers of layers share.
    function test_Attack_SelfDemandTakesNotAll() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _demand(claim);
        vm.warp(block.timestamp + 12);
        _challenge(claim, 2);
        _after(dispute.challengeOf(claim, LAYERS).answerBy);
        dispute.timeout(claim, LAYERS);
        _collect(claim);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
    }

    /// The provider proves what it challenged itself: then that challenge has no part.
    function test_SharesAreOfOpenChallengesOnly() public {
        _fund(provider, 2 * BOND, 0);
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.startPrank(provider);
        dispute.challenge(claim, 0);
        dispute.challenge(claim, 1);
        vm.stopPrank();
        _challenge(claim, 2);
        _prove(claim, 0, 2);
        _after(dispute.challengeOf(claim, 2).answerBy);
        dispute.timeout(claim, 2);
        _collect(claim);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
        assertEq(_free(recipient), 2 * BOND);
    }

    /// A provider that ends its claim before anybody else challenged has the challengers' part, and loses the rest.
    function test_AProviderThatDefeatsItselfLosesThreeFifths() public {
        _fund(provider, BOND, 0);
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.prank(provider);
        dispute.challenge(claim, 0);
        _after(dispute.challengeOf(claim, 0).answerBy);
        dispute.timeout(claim, 0);
        _collect(claim);
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 10 * STAKE + BOND - STAKE * 6 / 10);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
    }

    /// Whoever joins risks what the first one risks.
    function test_JoinersLoseTheirBondsToo() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        _challenge(claim, 2);
        vm.startPrank(thief);
        dispute.challenge(claim, 2);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AlreadyChallenged.selector, claim, 2));
        dispute.challenge(claim, 2);
        vm.stopPrank();
        _prove(claim, 2, 1);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        _collect(claim);
        assertEq(_free(recipient), PRICE + 2 * BOND);
        assertEq(_free(thief), 10 ether - BOND);
    }

    /// A challenge that is lost already is joined by nobody.
    function test_NobodyJoinsWhatIsOverdue() public {
        JobRequest memory request = _request(Lane.Optimistic);
        (request.challengeWindow, request.answerWindow) = (3 hours, 1 hours);
        bytes32 claim = _open(request);
        _lock(claim);
        _post(_header(claim));
        _fund(provider, BOND, 0);
        _challenge(claim, 2);
        uint64 answerBy = dispute.challengeOf(claim, 2).answerBy;
        vm.warp(answerBy);
        vm.prank(thief);
        dispute.challenge(claim, 2);
        vm.warp(answerBy + 1);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ILayerDispute.AnswerWindowOver.selector, answerBy));
        dispute.challenge(claim, 2);
    }

    /// Any number of challengers, and no unit of the stake is lost between them.
    function testFuzz_EqualSharesAndNothingIsLeft(uint8 sybils, uint8 spread) public {
        uint256 n = bound(sybils, 0, 20);
        bytes32 claim = _claimed(Lane.Optimistic);
        for (uint256 i = 0; i < n; ++i) {
            address sybil = vm.addr(1000 + i);
            _fund(sybil, BOND, 0);
            vm.prank(sybil);
            dispute.challenge(claim, (uint256(spread) + i) % LAYERS);
        }
        _challenge(claim, 2);
        _after(dispute.challengeOf(claim, 2).answerBy);
        dispute.timeout(claim, 2);
        _collect(claim);
        uint256 all = STAKE * 4 / 10;
        assertApproxEqAbs(_free(challenger), 10 ether + all / (n + 1), 1);
        for (uint256 i = 0; i < n; ++i) {
            assertApproxEqAbs(_free(vm.addr(1000 + i)), BOND + all / (n + 1), 1);
        }
        assertEq(_free(address(dispute)), 0);
    }

    /// A provider that takes the reward away by sybils pays for each: to leave a challenger less than a transaction
    /// costs, it burns about as much in transactions as there is to take.
    function test_DilutionCostsAsMuchAsItTakes() public {
        uint256 reward = STAKE * 4 / 10;
        bytes32 claim = _claimed(Lane.Optimistic);
        uint256 before = gasleft();
        _challenge(claim, 1);
        uint256 gas = 21_000 + before - gasleft();
        uint256 price = 10 gwei;
        // As many as leave others less than the gas of a challenge.
        uint256 sybils = reward / (gas * price);
        assertLe(reward / (sybils + 1), gas * price);
        assertGe(sybils * gas * price, reward * 99 / 100);
    }

    // ---------------------------------------------------------------- bait

    /// Activation commitments that are garbage, and a right output: its challengers were right about their layers, and
    /// keep their bonds.
    function test_Attack_BaitEarnsNothing() public {
        _bind(version);
        bytes32 claim = _claimed(Lane.Optimistic);
        for (uint256 l = 0; l < LAYERS; ++l) {
            _challenge(claim, l);
        }
        vm.prank(requester);
        dispute.acceptOutput(claim);
        _proveAll(claim);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        _collect(claim);
        assertEq(_free(recipient), PRICE);
        assertEq(_free(challenger), 10 ether);
    }

    // ---------------------------------------------------------------- no answer, and a false one

    /// In every part a provider may play: a false answer costs more than none, on average, under the least stake that is
    /// accepted.
    function testFuzz_NoShowIsCheaperThanAFalseAnswer(uint256 p, uint96 maxPrice, uint96 price, uint96 external_)
        public
        pure
    {
        p = bound(p, 1e6, 1e18);
        maxPrice = uint96(bound(maxPrice, 1, type(uint96).max));
        price = uint96(bound(price, 1, maxPrice));
        uint256 stake = Economics.requiredStake(p, maxPrice, external_);
        int256 noShow = -int256(Economics.noShowPenalty(price) * 1e18);
        int256 gain = int256((1e18 - p) * (uint256(price) + external_));
        int256 own = int256((1e18 - p) * uint256(external_));
        uint256 challengers = Economics.challengerShare(stake);
        uint256 requesters = Economics.requesterShare(stake);
        assertLt(gain - int256(p * stake), noShow);
        assertLt(gain - int256(p * (stake - challengers)), noShow);
        // Its own requester: the price and the penalty are its own, no answer costs nothing.
        assertLt(own - int256(p * (stake - requesters)), 0);
        assertLt(own - int256(p * (stake - requesters - challengers)), 0);
    }

    /// The protocol's own numbers: what a no-show costs is less than a claim that is defeated, whoever defeats it.
    function test_NoShowCostsThePriceAndADefeatTheStake() public {
        bytes32 job = _locked(Lane.Audited);
        _after(market.job(job).claimBy);
        market.expire(job);
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 10 * STAKE - PRICE);
        assertEq(_free(requester), 100 ether + PRICE);
        assertLt(PRICE, STAKE * 6 / 10);
    }

    /// In the lane of proofs a claim without proofs loses all: it is never better than a no-show.
    function test_AClaimWithoutProofsLosesTheStake() public {
        bytes32 claim = _claimed(Lane.Proofs);
        _after(_provenBy(claim));
        settlement.expire(claim);
        _assertClaim(claim, ClaimStatus.Defeated, JobStatus.Slashed);
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 9 * STAKE);
    }
}
