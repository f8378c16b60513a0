// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { IBondEscrow } from "../../contracts/interfaces/IBondEscrow.sol";
import { ClaimHeader, ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Mode, OUTPUT, WHOLE } from "../../contracts/interfaces/Types.sol";
import { Economics } from "../../contracts/libraries/Economics.sol";
import { Base } from "./Base.t.sol";

/// @title Who earns by challenges, and who loses by false claims
contract AttacksRewardsTest is Base {
    // ---------------------------------------------------------------- the right challenger's reward

    /// The provider's own challenge, in the posting block, of a layer that it could prove: a challenger that is right
    /// shares the reward, though its own challenge is not overdue.
    function test_Attack_SelfChallengeInThePostingBlock() public {
        _fund(provider, BOND, 0);
        bytes32 id = _claimed(Mode.Optimistic);
        vm.prank(provider);
        book.challenge(_claim(id), 0, 0);
        vm.warp(block.timestamp + 12);
        uint256 before = _free(challenger);
        _challenge(id, 2);
        _after(_answerBy(id, 0));
        book.timeout(_claim(id), 0);
        _collect(id);
        assertEq(_free(challenger), before + STAKE * 2 / 10);
        assertEq(_free(provider), BOND + STAKE * 2 / 10);
    }

    /// The provider challenges every layer before anybody else: others join.
    function test_Attack_EveryLayerIsTaken() public {
        _fund(provider, LAYERS * BOND, 0);
        bytes32 id = _claimed(Mode.Optimistic);
        vm.startPrank(provider);
        for (uint256 l = 0; l < LAYERS; ++l) {
            book.challenge(_claim(id), l, 0);
        }
        vm.stopPrank();
        uint64 answerBy = _answerBy(id, 2);
        vm.warp(block.timestamp + 60);
        vm.expectEmit(address(book));
        emit IClaimBook.Challenged(id, 2, challenger, answerBy, BOND, 0);
        _challenge(id, 2);
        assertEq(_answerBy(id, 2), answerBy, "no deadline moves");
        assertEq(_openCount(id), LAYERS);
        assertEq(book.challengeOf(id, 2).challengers, 2);
        _after(answerBy);
        book.timeout(_claim(id), 2);
        _collect(id);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 50);
        assertEq(_free(address(book)), 0);
    }

    /// The provider as its own requester withholds the output from itself: challengers of layers share.
    function test_Attack_SelfDemandTakesNotAll() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        vm.warp(block.timestamp + 12);
        _challenge(id, 2);
        _after(_answerBy(id, OUTPUT));
        _timeout(id, OUTPUT);
        _collect(id);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
    }

    /// The provider proves what it challenged itself: then that challenge has no part.
    function test_SharesAreOfOpenChallengesOnly() public {
        _fund(provider, 2 * BOND, 0);
        bytes32 id = _claimed(Mode.Optimistic);
        vm.startPrank(provider);
        book.challenge(_claim(id), 0, 0);
        book.challenge(_claim(id), 1, 0);
        vm.stopPrank();
        _challenge(id, 2);
        _prove(id, 3);
        _after(_answerBy(id, 2));
        book.timeout(_claim(id), 2);
        _collect(id);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
        assertEq(_free(recipient), 2 * BOND);
    }

    /// A provider that ends its claim before anybody else challenged has the challengers' part, and loses the rest.
    function test_AProviderThatDefeatsItselfLosesThreeFifths() public {
        _fund(provider, BOND, 0);
        bytes32 id = _claimed(Mode.Optimistic);
        vm.prank(provider);
        book.challenge(_claim(id), 0, 0);
        _after(_answerBy(id, 0));
        book.timeout(_claim(id), 0);
        _collect(id);
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 30 * STAKE + BOND - STAKE * 6 / 10);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
    }

    /// Whoever joins risks what the first one risks.
    function test_JoinersLoseTheirBondsToo() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 2);
        vm.startPrank(thief);
        book.challenge(_claim(id), 2, 0);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.HoldExists.selector, _challengeHold(id, 2, thief)));
        book.challenge(_claim(id), 2, 0);
        vm.stopPrank();
        _prove(id, 1 << 2);
        _after(_challengeBy(id));
        book.finalize(_claim(id));
        _collect(id);
        assertEq(_free(recipient), PRICE + 2 * BOND);
        assertEq(_free(thief), 10 ether - BOND);
    }

    /// A challenge that is lost already is joined by nobody.
    function test_NobodyJoinsWhatIsOverdue() public {
        JobRequest memory request = _request(Mode.Optimistic);
        (request.challengeWindow, request.answerWindow) = (3 hours, 1 hours);
        bytes32 job = _open(request);
        _lock(job);
        bytes32 id = _post(_header(job));
        _fund(provider, BOND, 0);
        _challenge(id, 2);
        uint64 answerBy = _answerBy(id, 2);
        vm.warp(answerBy);
        vm.prank(thief);
        book.challenge(_claim(id), 2, 0);
        vm.warp(answerBy + 1);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.AnswerWindowOver.selector, id, 2, answerBy));
        book.challenge(_claim(id), 2, 0);
    }

    /// Any number of challengers, and no unit of the stake is lost between them.
    function testFuzz_EqualSharesAndNothingIsLeft(uint8 sybils, uint8 spread) public {
        uint256 n = bound(sybils, 0, 20);
        bytes32 id = _claimed(Mode.Optimistic);
        for (uint256 i = 0; i < n; ++i) {
            address sybil = vm.addr(1000 + i);
            _fund(sybil, LAYERS * BOND, 0);
            _challenge(id, _target(spread, i), sybil);
        }
        _challenge(id, 2);
        _after(_answerBy(id, 2));
        _timeout(id, 2);
        assertEq(book.stateOf(id).challengers, n + 1);
        _collect(id);
        uint256 all = STAKE * 4 / 10;
        assertApproxEqAbs(_free(challenger), 10 ether + all / (n + 1), 1);
        for (uint256 i = 0; i < n; ++i) {
            address sybil = vm.addr(1000 + i);
            _resolve(id, _target(spread, i), sybil);
            assertApproxEqAbs(_free(sybil), LAYERS * BOND + all / (n + 1), 1);
        }
        assertEq(_free(address(book)), 0);
        assertEq(book.stateOf(id).challengers, 0);
        assertEq(book.stateOf(id).reward, 0);
    }

    function _target(uint8 spread, uint256 i) private pure returns (uint256 target) {
        target = (uint256(spread) + i) % (LAYERS + 1);
        if (target == LAYERS) target = WHOLE;
    }

    /// A provider that takes the reward away by sybils pays for each: to leave a challenger less than a transaction
    /// costs, it burns about as much in transactions as there is to take.
    function test_DilutionCostsAsMuchAsItTakes() public {
        uint256 reward = STAKE * 4 / 10;
        bytes32 id = _claimed(Mode.Optimistic);
        uint256 before = gasleft();
        _challenge(id, 1);
        uint256 gas = 21_000 + before - gasleft();
        uint256 price = 10 gwei;
        // As many as leave others less than the gas of a challenge.
        uint256 sybils = reward / (gas * price);
        assertLe(reward / (sybils + 1), gas * price);
        assertGe(sybils * gas * price, reward * 99 / 100);
    }

    /// Who challenges the whole claim has one part, whatever its bond is.
    function test_AChallengeOfTheWholeClaimIsOnePart() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, WHOLE);
        _challenge(id, 2, thief);
        _prove(id, 7);
        // The layer is proven, the whole claim is not: its challenger alone is right.
        _after(_answerBy(id, WHOLE));
        _timeout(id, WHOLE);
        _collect(id);
        assertEq(_free(challenger), 10 ether + STAKE * 4 / 10);
        assertEq(_free(thief), 10 ether - BOND);
        assertEq(_free(recipient), BOND);
        assertEq(_free(address(book)), 0);
    }

    // ---------------------------------------------------------------- bait

    /// Commitments with another random coefficient than the seed gives, over the right activations: layers have proofs
    /// about the posted words, so whoever challenged them for the difference alone has lost the bond. So has a challenger
    /// of the whole claim, whose output is right.
    function testFuzz_Bait_OtherCommitmentsThanTheSeedGives(uint256 word, uint256 by) public {
        ClaimHeader memory header = _header(_locked(Mode.Optimistic));
        header.points[word % header.points.length] ^= bound(by, 1, type(uint128).max);
        header.activations = _scalar(abi.encode(header.points));
        bytes32 id = _post(header);
        vm.prank(challenger);
        book.challenge(_claim(id), 1, SEED);
        vm.prank(thief);
        book.challenge(_claim(id), WHOLE, SEED);
        _prove(id, 1 << 1);
        _assertChallenge(id, 1, ChallengeStatus.Answered);
        _assertChallenge(id, WHOLE, ChallengeStatus.Open);
        _prove(id, ALL - 2);
        _assertChallenge(id, WHOLE, ChallengeStatus.Answered);
        _after(_challengeBy(id));
        _finalize(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        _collect(id);
        assertEq(_free(challenger), 10 ether - BOND);
        assertEq(_free(thief), 10 ether - LAYERS * BOND);
        assertEq(_free(recipient), PRICE + (1 + LAYERS) * BOND);
        assertEq(escrow.burned(ETH), 0);
    }

    /// Commitments to other activations are none: right proofs about the computation's commitments answer nothing, and
    /// who challenged has the bond back and shares the reward, of a layer as of the whole claim.
    function testFuzz_Bait_FalseCommitmentsLose(uint256 word, uint256 by) public {
        ClaimHeader memory header = _header(_locked(Mode.Optimistic));
        uint256 snapshot = vm.snapshotState();
        bytes32 real = _post(header);
        ClaimProof[] memory proofs = _one(_proofOf(real, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        vm.revertToState(snapshot);
        header.points[word % header.points.length] ^= bound(by, 1, type(uint128).max);
        bytes32 id = _post(header);
        _challenge(id, 1);
        _challenge(id, WHOLE, thief);
        proofs[0].claim = _claim(id);
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, _tree(1), proof);
        _after(_answerBy(id, 1));
        _timeout(id, 1);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        _collect(id);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
        assertEq(_free(thief), 10 ether + STAKE * 2 / 10);
        assertEq(_free(recipient), 0);
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
        bytes32 job = _locked(Mode.Audited);
        _after(market.job(job).claimBy);
        market.expire(job);
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 30 * STAKE - PRICE);
        assertEq(_free(requester), 100 ether + PRICE);
        assertLt(PRICE, STAKE * 6 / 10);
    }

    /// In the lane of proofs a claim without proofs loses all: it is never better than a no-show.
    function test_AClaimWithoutProofsLosesTheStake() public {
        bytes32 id = _claimed(Mode.Proofs);
        _after(_provenBy(id));
        book.expireClaim(_claim(id));
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 29 * STAKE);
    }
}
