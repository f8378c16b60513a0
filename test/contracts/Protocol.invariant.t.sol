// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../contracts/AuditBeacon.sol";
import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { ClaimBook } from "../../contracts/ClaimBook.sol";
import { ClaimLens } from "../../contracts/ClaimLens.sol";
import { JobMarket } from "../../contracts/JobMarket.sol";
import { Source } from "../../contracts/interfaces/IBondEscrow.sol";
import { Challenge, ClaimState } from "../../contracts/interfaces/IClaimBook.sol";
import { Job } from "../../contracts/interfaces/IJobMarket.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Mode, OUTPUT } from "../../contracts/interfaces/Types.sol";
import { ProtocolHandler } from "./support/ProtocolHandler.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { Test } from "forge-std/Test.sol";

/// @title What holds after any sequence of actions of provider, challenger, requester, guardian and thief
contract ProtocolInvariants is Test {
    /// Layers, the whole claim, the output.
    uint256 internal constant TARGETS = 6;

    ProtocolHandler internal handler;
    BondEscrow internal escrow;
    JobMarket internal market;
    ClaimBook internal book;
    AuditBeacon internal beacon;
    ClaimLens internal lens;

    function setUp() public {
        _start();
        bytes4[] memory selectors = _actions();
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    function _start() private {
        handler = new ProtocolHandler();
        handler.setUp();
        (escrow, market, book, beacon, lens) = handler.contracts();
    }

    function _actions() private pure returns (bytes4[] memory s) {
        s = new bytes4[](23);
        (s[0], s[1], s[2], s[3]) = (_h().open.selector, _h().lock.selector, _h().post.selector, _h().start.selector);
        (s[4], s[5], s[6]) = (_h().cancel.selector, _h().expireJob.selector, _h().prove.selector);
        (s[7], s[8], s[9]) = (_h().revealDraw.selector, _h().finalize.selector, _h().expireClaim.selector);
        (s[10], s[11], s[12]) = (_h().voidClaim.selector, _h().challenge.selector, _h().demand.selector);
        (s[13], s[14], s[15]) = (_h().acceptOutput.selector, _h().answer.selector, _h().timeout.selector);
        (s[16], s[17], s[18]) = (_h().resolve.selector, _h().warp.selector, _h().freeze.selector);
        (s[19], s[20], s[21]) = (_h().moveMoney.selector, _h().sweep.selector, _h().steal.selector);
        s[22] = _h().disputeOutput.selector;
    }

    function _h() private pure returns (ProtocolHandler) {
        return ProtocolHandler(address(0));
    }

    // ---------------------------------------------------------------- invariants

    /// States only move forward: the handler asserts it.
    /// forge-config: default.invariant.runs = 32
    function invariant_Protocol() public view {
        _checkLedgerIsCoveredAndMovedOnlyByOwners();
        _checkSumsAreTheLedger();
        _checkHoldsFollowStates();
        _checkStakeCoversExposure();
        _checkBalancesFollowFromStates();
        _checkPaidOnlyForWhatTheModeAsks();
        _checkChallengesAreCountedAndBounded();
        _checkNobodyIsTakenWhoCannotClaim();
    }

    function _checkLedgerIsCoveredAndMovedOnlyByOwners() private view {
        for (uint256 a = 0; a < 2; ++a) {
            address asset = handler.assetAt(a);
            uint256 balance = a == 0 ? address(escrow).balance : IERC20(asset).balanceOf(address(escrow));
            assertLe(escrow.ledger(asset), balance, "covered");
            assertEq(handler.paidIn(asset), handler.paidOut(asset) + escrow.ledger(asset), "in = out + kept");
        }
    }

    function _checkSumsAreTheLedger() private view {
        for (uint256 a = 0; a < 2; ++a) {
            address asset = handler.assetAt(a);
            uint256 sum = escrow.burned(asset) + _heldFree(asset) + escrow.free(address(book), asset);
            address[5] memory all = handler.accounts();
            for (uint256 i = 0; i < all.length; ++i) {
                (uint256 queued,) = escrow.queued(all[i], asset);
                sum += escrow.free(all[i], asset) + escrow.bonded(all[i], asset) + queued;
                sum += escrow.encumbered(all[i], asset);
            }
            assertEq(sum, escrow.ledger(asset));
        }
    }

    /// A hold is there as long as its job or challenge is open, of the right amount, and not longer.
    function _checkHoldsFollowStates() private view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            bytes32 job = handler.jobs(i);
            Job memory j = market.job(job);
            bool staked = j.status == JobStatus.Locked || j.status == JobStatus.Claimed;
            bool priced = staked || j.status == JobStatus.Open;
            _assertHold(keccak256(abi.encode(bytes32("price"), job)), priced, j.requester, j.price, Source.Free);
            _assertHold(keccak256(abi.encode(bytes32("stake"), job)), staked, j.provider, j.stake, Source.Bond);
            _checkBonds(handler.claimOf(job));
        }
    }

    function _checkBonds(bytes32 id) private view {
        for (uint256 t = 0; t < TARGETS - 1; ++t) {
            uint256 target = handler.targetAt(t);
            address[] memory by = handler.challengersOf(id, target);
            uint256 left = 0;
            for (uint256 k = 0; k < by.length; ++k) {
                bytes32 hold = keccak256(abi.encode("challenge", id, target, by[k]));
                bool there = !handler.resolved(id, target, by[k]);
                if (there) ++left;
                assertTrue(there || book.status(id) != ClaimStatus.Posted, "bonds move when a claim is over");
                _assertHold(hold, there, by[k], handler.bondOf(target), Source.Free);
            }
            assertEq(book.challengeOf(id, target).challengers, left, "challengers are counted");
        }
    }

    function _checkStakeCoversExposure() private view {
        address provider = handler.accounts()[1];
        for (uint256 a = 0; a < 2; ++a) {
            address asset = handler.assetAt(a);
            uint256 exposure = 0;
            for (uint256 i = 0; i < handler.jobCount(); ++i) {
                Job memory j = market.job(handler.jobs(i));
                if (j.asset != asset) continue;
                if (j.status == JobStatus.Locked || j.status == JobStatus.Claimed) exposure += j.stake;
            }
            assertEq(escrow.encumbered(provider, asset), exposure);
        }
    }

    /// Every balance is what was paid in, less what was paid out, and what the ends of jobs and challenges say.
    function _checkBalancesFollowFromStates() private view {
        address[5] memory all = handler.accounts();
        uint256[5][2] memory free;
        uint256[5][2] memory bond;
        uint256[2] memory unpaid;
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            bytes32 job = handler.jobs(i);
            bytes32 id = handler.claimOf(job);
            Job memory j = market.job(job);
            uint256 a = j.asset == address(0) ? 0 : 1;
            _addJob(job, id, j, all, free[a], bond[a]);
            if (id == 0) continue;
            _addChallenges(id, all, free[a]);
            if (handler.sharers(id) != 0) unpaid[a] += uint256(j.stake) * 4 / 10 - handler.rewardPaid(id);
        }
        for (uint256 a = 0; a < 2; ++a) {
            address asset = handler.assetAt(a);
            assertEq(escrow.free(address(book), asset), unpaid[a], "parts of stakes that nobody took yet");
            for (uint256 k = 0; k < all.length; ++k) {
                unchecked {
                    assertEq(escrow.free(all[k], asset), free[a][k] + handler.baseFree(all[k], asset), "free");
                    assertEq(escrow.bonded(all[k], asset), bond[a][k] + handler.baseBond(all[k], asset), "bond");
                }
            }
        }
    }

    /// Job and claim end together, and nobody is paid for less than the mode asks, nor by a frozen verifier.
    function _checkPaidOnlyForWhatTheModeAsks() private view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            bytes32 job = handler.jobs(i);
            bytes32 id = handler.claimOf(job);
            Job memory j = market.job(job);
            if (id == 0) {
                assertTrue(
                    j.status != JobStatus.Claimed && j.status != JobStatus.Settled && j.status != JobStatus.Slashed
                );
                continue;
            }
            _checkEnd(id, j, book.stateOf(id));
        }
    }

    function _checkEnd(bytes32 id, Job memory j, ClaimState memory state) private view {
        ClaimStatus status = state.status;
        assertEq(j.status == JobStatus.Claimed, status == ClaimStatus.Posted);
        assertEq(j.status == JobStatus.Slashed, status == ClaimStatus.Defeated);
        assertEq(j.status == JobStatus.Refunded, status == ClaimStatus.Voided);
        assertEq(j.status == JobStatus.Settled, status == ClaimStatus.Proven || status == ClaimStatus.Finalized);
        if (status == ClaimStatus.Proven) assertTrue(state.allProven, "paid for all layers");
        if (status == ClaimStatus.Finalized) {
            assertTrue(j.mode != Mode.Proofs);
            assertFalse(state.allProven);
            if (j.mode == Mode.Audited) {
                assertTrue(state.revealed && state.drawn != 0 && state.drawn & ~state.proven == 0);
            }
        }
        if (handler.frozenWhilePosted(id)) {
            assertTrue(status == ClaimStatus.Posted || status == ClaimStatus.Voided, "frozen, so voided");
        }
        // What was demanded was published, or there was no pay.
        if (j.status == JobStatus.Settled) {
            bool shown = state.output == ChallengeStatus.Answered || state.output == ChallengeStatus.Revealed;
            assertTrue(state.output == ChallengeStatus.None || shown);
        }
    }

    function _checkChallengesAreCountedAndBounded() private view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            bytes32 id = handler.claimOf(handler.jobs(i));
            if (id == 0) continue;
            uint64 provenBy = lens.termsOf(handler.claimAt(id)).provenBy;
            (uint256 open, uint256 timedOut) = (0, 0);
            for (uint256 t = 0; t < TARGETS; ++t) {
                uint256 target = handler.targetAt(t);
                Challenge memory c = book.challengeOf(id, target);
                if (c.status == ChallengeStatus.TimedOut) ++timedOut;
                if (c.status != ChallengeStatus.Open) continue;
                ++open;
                if (target != OUTPUT) assertLe(c.answerBy, provenBy);
            }
            assertEq(lens.describeClaim(handler.claimAt(id)).openChallenges, open);
            if (timedOut != 0) assertTrue(book.status(id) == ClaimStatus.Defeated);
            uint256 sharers = handler.sharers(id);
            ClaimState memory state = book.stateOf(id);
            assertEq(state.challengers, sharers - handler.sharesTaken(id), "parts that are left");
            if (sharers == 0) continue;
            assertTrue(state.status == ClaimStatus.Defeated);
            if (state.challengers == 0) assertEq(state.reward, 0, "nothing is left over");
        }
    }

    /// Whoever took a job wanted it and had time to claim it; an audited claim's draw comes while it may be challenged.
    function _checkNobodyIsTakenWhoCannotClaim() private view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            bytes32 id = handler.jobs(i);
            Job memory j = market.job(id);
            uint256 lockedAt = handler.lockedAt(id);
            assertLe(lockedAt + (lockedAt == 0 ? 0 : 10 minutes), j.claimBy, "time to claim");
            if (handler.renounced(id)) assertEq(lockedAt, 0, "renounced");
            bool taken = j.status != JobStatus.Open && j.status != JobStatus.Refunded;
            assertTrue(!taken || lockedAt != 0, "taken by nobody else");
            if (j.mode == Mode.Audited) assertGe(j.challengeWindow, beacon.maxDrawTime(), "draw");
        }
    }

    // ---------------------------------------------------------------- the handler is worth its name

    function afterInvariant() public {
        handler.observe();
        assertGt(handler.done(), 0);
    }

    /// Long walks keep the invariants, do something most of the time, and reach every end of jobs, claims and challenges.
    function test_Handler_ReachesEveryEnd() public {
        uint256[8] memory jobEnds;
        uint256[6] memory claimEnds;
        uint256[6] memory challengeEnds;
        (uint256 done, uint256 skipped, uint256 batches, uint256 renunciations) = (0, 0, 0, 0);
        (uint256 disputes, uint256 passedOver, uint256 shared) = (0, 0, 0);
        for (uint256 walk = 0; walk < 12; ++walk) {
            _start();
            _walk(walk, 100);
            for (uint256 s = 1; s < 8; ++s) {
                jobEnds[s] += handler.jobEnds(JobStatus(s));
                if (s < 6) claimEnds[s] += handler.claimEnds(ClaimStatus(s));
                if (s < 6) challengeEnds[s] += handler.challengeEnds(ChallengeStatus(s));
            }
            assertGt(handler.thefts(), 0);
            renunciations += handler.renunciations();
            (done, skipped) = (done + handler.done(), skipped + handler.skipped());
            batches += handler.batches();
            (disputes, passedOver) = (disputes + handler.disputes(), passedOver + handler.passedOver());
            shared += _shared();
        }
        for (uint256 s = 1; s < 8; ++s) {
            assertGt(jobEnds[s], 0, string.concat("job ", vm.toString(s)));
            if (s < 6) assertGt(claimEnds[s], 0, string.concat("claim ", vm.toString(s)));
            if (s < 6) assertGt(challengeEnds[s], 0, string.concat("challenge ", vm.toString(s)));
        }
        assertGt(done, skipped);
        assertGt(batches, 0, "proofs of several claims");
        assertGt(renunciations, 0, "renunciations");
        assertGt(disputes, 0, "disputes of outputs");
        assertGt(passedOver, 0, "proofs of claims that are over");
        assertGt(shared, 0, "stakes that several challengers share");
    }

    function _shared() private view returns (uint256 n) {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            if (handler.sharers(handler.claimOf(handler.jobs(i))) > 1) ++n;
        }
    }

    function _walk(uint256 walk, uint256 steps) private {
        bytes4[] memory actions = _actions();
        for (uint256 i = 0; i < steps; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("walk", walk, i)));
            (bool ok, bytes memory reason) =
                address(handler).call(abi.encodeWithSelector(actions[seed % actions.length], seed >> 16, seed));
            assertTrue(ok, vm.toString(reason));
        }
        handler.observe();
        invariant_Protocol();
    }

    // ---------------------------------------------------------------- expected values

    /// What a job adds to free balances and bonds, modulo 2^256.
    function _addJob(
        bytes32 job,
        bytes32 id,
        Job memory j,
        address[5] memory all,
        uint256[5] memory free,
        uint256[5] memory bond
    ) private view {
        uint256 r = _indexOf(all, j.requester);
        unchecked {
            bool paid = j.status <= JobStatus.Claimed || j.status == JobStatus.Settled;
            if (paid) free[r] -= j.price;
            if (j.status == JobStatus.Settled) free[_indexOf(all, handler.claimAt(id).recipient)] += j.price;
            bool lost = j.status == JobStatus.Slashed || (j.status == JobStatus.Expired && handler.noShow(job));
            bool held = j.status == JobStatus.Locked || j.status == JobStatus.Claimed;
            if (lost || held) bond[_indexOf(all, j.provider)] -= j.stake;
            if (j.status == JobStatus.Slashed) {
                free[r] += j.stake * 3 / 10;
                for (uint256 k = 0; k < all.length; ++k) {
                    free[k] += handler.rewards(id, all[k]);
                }
            } else if (lost) {
                free[r] += j.price;
                free[_indexOf(all, j.provider)] += j.stake - j.price;
            }
        }
    }

    function _addChallenges(bytes32 id, address[5] memory all, uint256[5] memory free) private view {
        for (uint256 t = 0; t < TARGETS - 1; ++t) {
            _addBonds(id, handler.targetAt(t), all, free);
        }
    }

    function _addBonds(bytes32 id, uint256 target, address[5] memory all, uint256[5] memory free) private view {
        address[] memory by = handler.challengersOf(id, target);
        if (by.length == 0) return;
        bool failed = book.challengeOf(id, target).status == ChallengeStatus.Answered;
        if (book.status(id) == ClaimStatus.Voided) failed = false;
        uint256 amount = handler.bondOf(target);
        uint256 winner = _indexOf(all, handler.claimAt(id).recipient);
        for (uint256 k = 0; k < by.length; ++k) {
            bool over = handler.resolved(id, target, by[k]);
            if (over && !failed) continue;
            unchecked {
                free[_indexOf(all, by[k])] -= amount;
                if (over) free[winner] += amount;
            }
        }
    }

    function _indexOf(address[5] memory all, address account) private pure returns (uint256 i) {
        while (all[i] != account) {
            ++i;
        }
    }

    function _heldFree(address asset) private view returns (uint256 sum) {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            bytes32 job = handler.jobs(i);
            Job memory j = market.job(job);
            if (j.asset != asset) continue;
            if (j.status <= JobStatus.Claimed) sum += j.price;
            bytes32 id = handler.claimOf(job);
            for (uint256 t = 0; t < TARGETS - 1; ++t) {
                uint256 target = handler.targetAt(t);
                address[] memory by = handler.challengersOf(id, target);
                for (uint256 k = 0; k < by.length; ++k) {
                    if (!handler.resolved(id, target, by[k])) sum += handler.bondOf(target);
                }
            }
        }
    }

    function _assertHold(bytes32 hold, bool there, address owner, uint256 amount, Source source) private view {
        (address account,, uint256 held, Source from) = escrow.holdOf(hold);
        assertEq(account, there ? owner : address(0));
        assertEq(held, there ? amount : 0);
        assertEq(uint256(from), uint256(there ? source : Source.None));
    }
}
