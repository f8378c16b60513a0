// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../contracts/AuditBeacon.sol";
import { JobMarket } from "../../contracts/JobMarket.sol";
import { IBondEscrow, Source } from "../../contracts/interfaces/IBondEscrow.sol";
import { IJobMarket, Job, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { IModelRegistry } from "../../contracts/interfaces/IModelRegistry.sol";
import { JobStatus, Mode } from "../../contracts/interfaces/Types.sol";
import { Statement } from "../../contracts/libraries/Statement.sol";
import { Base } from "./Base.t.sol";
import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

contract JobMarketTest is Base {
    // ---------------------------------------------------------------- open

    function test_Open_HoldsThePriceAndKeepsThePolicy() public {
        JobRequest memory request = _request(Mode.Audited);
        bytes32 id = market.jobIdOf(request);
        vm.expectEmit(address(market));
        emit IJobMarket.JobOpened(id, requester, version, address(0), Mode.Audited, ETH, PRICE);
        assertEq(_open(request), id);

        Job memory job = market.job(id);
        assertEq(uint256(job.status), uint256(JobStatus.Open));
        assertEq(uint256(job.mode), uint256(Mode.Audited));
        assertEq(job.requester, requester);
        assertEq(job.provider, address(0));
        assertEq(job.version, version);
        assertEq(job.inputDigest, INPUT_DIGEST);
        assertEq(job.decoding, request.decoding);
        assertEq(job.promptTokens, request.promptTokens);
        assertEq(job.newTokens, request.newTokens);
        assertEq(job.lockBy, request.lockBy);
        assertEq(job.claimBy, request.claimBy);
        assertEq(job.challengeWindow, WINDOW);
        assertEq(job.answerWindow, ANSWER);
        assertEq(job.asset, ETH);
        assertEq(job.price, PRICE);
        assertEq(job.stake, STAKE);
        assertEq(job.challengeBond, BOND);
        assertEq(_free(requester), 100 ether - PRICE);
        (address account,, uint256 amount, Source source) = escrow.holdOf(keccak256(abi.encode(bytes32("price"), id)));
        assertEq(account, requester);
        assertEq(amount, PRICE);
        assertEq(uint256(source), uint256(Source.Free));
    }

    function test_Open_RequesterNeedsNoSignature() public {
        JobRequest memory request = _request(Mode.Proofs);
        vm.prank(requester);
        market.open(request, "");
        assertEq(uint256(market.job(market.jobIdOf(request)).status), uint256(JobStatus.Open));
    }

    function test_Open_IdIsTheDigestOfTheTypedData() public {
        JobRequest memory r = _request(Mode.Optimistic);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("nanozk JobMarket"),
                keccak256("1"),
                block.chainid,
                address(market)
            )
        );
        bytes memory first = abi.encode(
            market.JOB_REQUEST_TYPEHASH(),
            r.requester,
            r.provider,
            r.version,
            r.inputDigest,
            r.promptTokens,
            r.newTokens,
            r.decoding
        );
        bytes memory rest =
            abi.encode(uint8(r.mode), r.price, r.lockBy, r.claimBy, r.challengeWindow, r.answerWindow, r.nonce);
        assertEq(market.domainSeparator(), domain);
        assertEq(
            market.jobIdOf(r), keccak256(abi.encodePacked(hex"1901", domain, keccak256(bytes.concat(first, rest))))
        );
    }

    /// Every field of a request is signed: with any other value the signature is another's.
    function testFuzz_Open_EveryFieldIsSigned(uint256 field, uint32 by) public {
        JobRequest memory r = _request(Mode.Optimistic);
        bytes memory signature = _sign(requesterKey, market.jobIdOf(r));
        uint32 d = uint32(bound(by, 1, 1000));
        field = bound(field, 0, 13);
        if (field == 0) r.requester = thief;
        else if (field == 1) r.provider = thief;
        else if (field == 2) r.version = tokenVersion;
        else if (field == 3) r.inputDigest = bytes32(uint256(r.inputDigest) + d);
        else if (field == 4) r.promptTokens = 2;
        else if (field == 5) r.newTokens = 1;
        else if (field == 6) r.mode = Mode.Audited;
        else if (field == 7) r.price += d;
        else if (field == 8) r.lockBy += d;
        else if (field == 9) r.claimBy += d;
        else if (field == 10) r.challengeWindow += d;
        else if (field == 11) r.answerWindow += d;
        else if (field == 12) r.decoding = bytes32(uint256(d));
        else r.nonce += d;
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, r.requester));
        market.open(r, signature);
    }

    /// Programs prove greedy decoding and do not see the word: a job with another would be paid for a greedy answer.
    function testFuzz_Open_RefusesOtherDecodings(bytes32 decoding, uint256 mode) public {
        vm.assume(decoding != 0);
        JobRequest memory request = _request(Mode(bound(mode, 0, 2)));
        request.decoding = decoding;
        _expectOpen(request, abi.encodeWithSelector(IJobMarket.DecodingNotGreedy.selector, decoding));
    }

    function test_Open_NonceIsUsedOnce() public {
        JobRequest memory request = _request(Mode.Proofs);
        bytes32 job = _open(request);
        vm.prank(requester);
        market.cancel(job);
        bytes memory signature = _sign(requesterKey, job);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.NonceUsed.selector, requester, request.nonce));
        market.open(request, signature);
    }

    function test_Open_NonceOfAnotherIsFree() public {
        JobRequest memory request = _request(Mode.Proofs);
        _open(request);
        request.requester = thief;
        vm.prank(thief);
        market.open(request, "");
        assertTrue(market.nonceUsed(requester, request.nonce));
        assertTrue(market.nonceUsed(thief, request.nonce));
        assertFalse(market.nonceUsed(thief, request.nonce + 1));
    }

    function test_CancelNonce_RevokesASignature() public {
        JobRequest memory request = _request(Mode.Proofs);
        vm.expectEmit(address(market));
        emit IJobMarket.NonceCancelled(requester, request.nonce);
        vm.prank(requester);
        market.cancelNonce(request.nonce);
        _expectOpen(request, abi.encodeWithSelector(IJobMarket.NonceUsed.selector, requester, request.nonce));
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.NonceUsed.selector, requester, request.nonce));
        market.cancelNonce(request.nonce);
    }

    function test_Open_RefusesAPriceOutOfBounds() public {
        JobRequest memory request = _request(Mode.Proofs);
        request.price = 0;
        _expectOpen(request, abi.encodeWithSelector(IJobMarket.PriceZero.selector));
        request.price = 0.5 ether + 1;
        _expectOpen(request, abi.encodeWithSelector(IJobMarket.PriceTooHigh.selector, 0.5 ether, 0.5 ether + 1));
        request.price = 0.5 ether;
        _open(request);
    }

    function test_Open_RefusesWhatTheRequesterCannotPay() public {
        JobRequest memory request = _request(Mode.Proofs);
        vm.prank(requester);
        escrow.withdraw(ETH, 100 ether - PRICE + 1, requester);
        _expectOpen(
            request, abi.encodeWithSelector(IBondEscrow.InsufficientFree.selector, requester, ETH, PRICE, PRICE - 1)
        );
    }

    function test_Open_RefusesDigestsThatAreNotReduced() public {
        JobRequest memory request = _request(Mode.Proofs);
        request.inputDigest = bytes32(Statement.FIELD_ORDER);
        _expectOpen(request, abi.encodeWithSelector(IJobMarket.DigestNotReduced.selector, request.inputDigest));
        request.inputDigest = bytes32(Statement.FIELD_ORDER - 1);
        _open(request);
    }

    function test_Open_RefusesUnknownAndUnusableVersions() public {
        JobRequest memory request = _request(Mode.Proofs);
        request.version = keccak256("no such version");
        _expectOpen(request, abi.encodeWithSelector(IModelRegistry.UnknownVersion.selector, request.version));
        request.version = version;
        _freeze();
        _expectOpen(request, abi.encodeWithSelector(IJobMarket.VersionUnusable.selector, version));
    }

    function test_Open_RefusesTokensThatDoNotFit() public {
        uint32[2][4] memory cases = [[uint32(0), 2], [uint32(3), 0], [uint32(5), 4], [type(uint32).max, 2]];
        for (uint256 i = 0; i < cases.length; ++i) {
            JobRequest memory request = _request(Mode.Proofs);
            (request.promptTokens, request.newTokens) = (cases[i][0], cases[i][1]);
            _expectOpen(request, abi.encodeWithSelector(IJobMarket.BadTokens.selector, cases[i][0], cases[i][1], 8));
        }
        JobRequest memory full = _request(Mode.Proofs);
        (full.promptTokens, full.newTokens) = (7, 1);
        _open(full);
    }

    function test_Open_BoundsOfDeadlines() public {
        uint64 t = uint64(block.timestamp);
        JobRequest memory request = _request(Mode.Proofs);
        request.lockBy = t - 1;
        uint64 last = request.claimBy - 10 minutes;
        _expectDuration(request, "lockBy", t, last, t - 1);
        request.lockBy = last + 1;
        _expectDuration(request, "lockBy", t, last, last + 1);
        request.lockBy = type(uint64).max;
        _expectDuration(request, "lockBy", t, last, type(uint64).max);
        request.lockBy = t;
        uint64[4] memory bad = [uint64(0), t + 10 minutes - 1, t + 30 days + 1, type(uint64).max];
        for (uint256 i = 0; i < bad.length; ++i) {
            request.claimBy = bad[i];
            _expectDuration(request, "claimBy", t + 10 minutes, t + 30 days, bad[i]);
        }
        request.claimBy = t + 10 minutes;
        _open(request);
        request.nonce = nonce++;
        (request.lockBy, request.claimBy) = (t + 30 days - 10 minutes, t + 30 days);
        _open(request);
    }

    function test_Open_BoundsOfWindows() public {
        uint32[4] memory bad = [uint32(1), 59, 7 days + 1, type(uint32).max];
        for (uint256 i = 0; i < bad.length; ++i) {
            JobRequest memory request = _request(Mode(i % 2));
            request.challengeWindow = bad[i];
            _expectDuration(request, "challengeWindow", 60, 7 days, bad[i]);
            request.challengeWindow = WINDOW;
            request.answerWindow = bad[i];
            _expectDuration(request, "answerWindow", 60, 7 days, bad[i]);
        }
        JobRequest memory edges = _request(Mode.Optimistic);
        (edges.challengeWindow, edges.answerWindow) = (60, 7 days);
        _open(edges);
    }

    /// Nobody could challenge an optimistic claim without a window, and none could be answered.
    function test_Open_NoWindowOnlyInTheModeOfProofs() public {
        JobRequest memory request = _request(Mode.Optimistic);
        request.challengeWindow = 0;
        _expectDuration(request, "challengeWindow", 60, 7 days, 0);
        request.mode = Mode.Audited;
        _expectDuration(request, "challengeWindow", beacon.maxDrawTime(), 7 days, 0);
        request.mode = Mode.Proofs;
        _open(request);
        request.answerWindow = 0;
        request.nonce = nonce++;
        _expectDuration(request, "answerWindow", 60, 7 days, 0);
    }

    /// Both windows could end before the draw's block is there: then nobody can reveal, all layers are owed, and an
    /// honest provider is slashed.
    function test_Open_AuditedWindowsReachTheDraw() public {
        uint256 drawTime = beacon.maxDrawTime();
        assertEq(drawTime, (BEACON_DELAY + 1) * 24);
        JobRequest memory request = _request(Mode.Audited);
        (request.challengeWindow, request.answerWindow) = (400, 400);
        _expectDuration(request, "challengeWindow", drawTime, 7 days, 400);
        request.challengeWindow = uint32(drawTime - 1);
        _expectDuration(request, "challengeWindow", drawTime, 7 days, drawTime - 1);
        (request.challengeWindow, request.answerWindow) = (uint32(drawTime), 60);
        bytes32 job = _open(request);
        _lock(job);
        bytes32 id = _post(_header(job));
        // The slowest blocks that are allowed for: the layers are drawn in time, and only they are owed.
        vm.warp(block.timestamp + drawTime);
        _draw(id, 2);
        assertLe(block.timestamp, _challengeBy(id));
        assertEq(book.missingLayers(_claim(id)), 1 << 2);
        vm.warp(_provenBy(id));
        _prove(id, 1 << 2);
        _finalize(id);
        assertEq(uint256(market.job(job).status), uint256(JobStatus.Settled));
    }

    /// A chain without `prevrandao`: deployed without a beacon, which no other mode needs.
    function test_Open_WithoutABeaconNothingIsAudited() public {
        JobMarket without = new JobMarket(escrow, registry, address(book), AuditBeacon(address(0)));
        JobRequest memory request = _request(Mode.Audited);
        vm.startPrank(requester);
        vm.expectRevert(IJobMarket.AuditsDisabled.selector);
        without.open(request, "");
        // The others get as far as to the escrow, which knows this market's twin only.
        for (uint256 mode = 0; mode < 2; ++mode) {
            request.mode = Mode(mode);
            vm.expectRevert(abi.encodeWithSelector(IBondEscrow.NotOperator.selector, address(without)));
            without.open(request, "");
        }
    }

    // ---------------------------------------------------------------- lock

    function test_Lock_HoldsTheStake() public {
        bytes32 job = _open(_request(Mode.Proofs));
        vm.expectEmit(address(market));
        emit IJobMarket.JobLocked(job, provider, STAKE);
        _lock(job);
        assertEq(uint256(market.job(job).status), uint256(JobStatus.Locked));
        assertEq(market.job(job).provider, provider);
        assertEq(escrow.bonded(provider, ETH), 29 * STAKE);
        assertEq(escrow.encumbered(provider, ETH), STAKE);
    }

    function test_Lock_DeadlineEdge() public {
        JobRequest memory request = _request(Mode.Proofs);
        bytes32 late = _open(request);
        request.nonce = nonce++;
        bytes32 inTime = _open(request);
        vm.warp(request.lockBy);
        _lock(inTime);
        vm.warp(request.lockBy + 1);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.DeadlinePassed.selector, request.lockBy));
        market.lock(late, provider, FAR, "");
    }

    function test_Lock_OnlyTheProviderThatWasAsked() public {
        JobRequest memory request = _request(Mode.Proofs);
        request.provider = provider;
        bytes32 job = _open(request);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.NotProvider.selector, provider, thief));
        market.lock(job, thief, FAR, "");
        _lock(job);
    }

    function test_Lock_NeedsTheProvidersConsent() public {
        bytes32 job = _open(_request(Mode.Proofs));
        bytes32 other = _open(_request(Mode.Proofs));
        bytes memory forOther = _sign(providerKey, market.lockDigest(other, provider, FAR));
        bytes memory byRequester = _sign(requesterKey, market.lockDigest(job, provider, FAR));
        vm.startPrank(thief);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, provider));
        market.lock(job, provider, FAR, forOther);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, provider));
        market.lock(job, provider, FAR, byRequester);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, provider));
        market.lock(job, provider, FAR, "");
    }

    /// A signature that was given to a relayer, or a transaction that hangs, takes nothing after its deadline.
    function test_Lock_OnlyUntilTheProvidersDeadline() public {
        uint64 deadline = uint64(block.timestamp + 5 minutes);
        bytes32 inTime = _open(_request(Mode.Proofs));
        bytes32 late = _open(_request(Mode.Proofs));
        bytes memory signature = _sign(providerKey, market.lockDigest(inTime, provider, deadline));
        bytes memory heldBack = _sign(providerKey, market.lockDigest(late, provider, deadline));
        // The deadline is signed: nobody moves it.
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, provider));
        market.lock(inTime, provider, deadline + 1, signature);
        vm.warp(deadline);
        vm.prank(relayer);
        market.lock(inTime, provider, deadline, signature);
        vm.warp(deadline + 1);
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.DeadlinePassed.selector, deadline));
        market.lock(late, provider, deadline, heldBack);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.DeadlinePassed.selector, deadline));
        market.lock(late, provider, deadline, "");
        assertEq(escrow.encumbered(provider, ETH), STAKE);
    }

    function test_Lock_ProviderTakesItsSignatureBack() public {
        bytes32 job = _open(_request(Mode.Proofs));
        bytes32 other = _open(_request(Mode.Proofs));
        bytes memory signature = _sign(providerKey, market.lockDigest(job, provider, FAR));
        vm.expectEmit(address(market));
        emit IJobMarket.LockCancelled(provider, job);
        vm.prank(provider);
        market.cancelLock(job);
        assertTrue(market.lockCancelled(provider, job));
        bytes memory cancelled = abi.encodeWithSelector(IJobMarket.LockIsCancelled.selector, provider, job);
        vm.prank(requester);
        vm.expectRevert(cancelled);
        market.lock(job, provider, FAR, signature);
        vm.prank(provider);
        vm.expectRevert(cancelled);
        market.lock(job, provider, FAR, "");
        // Once more is no error, and it is about this job and this provider only.
        vm.prank(provider);
        market.cancelLock(job);
        _lock(other);
        vm.prank(thief);
        market.lock(job, thief, FAR, "");
    }

    /// What was taken stays taken, and a job can be renounced before it is opened.
    function test_CancelLock_BeforeTheJobAndAfterTheLock() public {
        JobRequest memory request = _request(Mode.Proofs);
        bytes32 future = market.jobIdOf(request);
        bytes32 taken = _locked(Mode.Proofs);
        vm.startPrank(provider);
        market.cancelLock(future);
        market.cancelLock(taken);
        vm.stopPrank();
        assertEq(uint256(market.job(taken).status), uint256(JobStatus.Locked));
        _post(_header(taken));
        _open(request);
        bytes memory signature = _sign(providerKey, market.lockDigest(future, provider, FAR));
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.LockIsCancelled.selector, provider, future));
        market.lock(future, provider, FAR, signature);
    }

    /// A signature that was held back to the last second leaves ten minutes to claim, to anybody who has the claim's.
    function test_Lock_AtTheLastSecondLeavesTimeToClaim() public {
        JobRequest memory request = _request(Mode.Proofs);
        request.challengeWindow = 0;
        request.lockBy = uint64(block.timestamp + 20 days);
        request.claimBy = request.lockBy;
        _expectDuration(request, "lockBy", block.timestamp, request.claimBy - 10 minutes, request.lockBy);
        request.claimBy = request.lockBy + 10 minutes;
        bytes32 job = _open(request);
        bytes memory signature = _sign(providerKey, market.lockDigest(job, provider, FAR));
        vm.warp(request.lockBy);
        vm.prank(requester);
        market.lock(job, provider, FAR, signature);
        vm.warp(block.timestamp + 10 minutes);
        _post(_header(job));
        assertEq(uint256(market.job(job).status), uint256(JobStatus.Claimed));
    }

    function test_Lock_DigestIsThatOfTheTypedData() public view {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Lock(bytes32 job,address provider,uint64 deadline)"), bytes32("j"), provider, uint256(FAR)
            )
        );
        assertEq(
            market.lockDigest("j", provider, FAR),
            keccak256(abi.encodePacked(hex"1901", market.domainSeparator(), structHash))
        );
    }

    function test_Lock_OnlyOnceAndOnlyOpenJobs() public {
        bytes32 job = _locked(Mode.Proofs);
        vm.prank(thief);
        vm.expectRevert(_wrongStatus(job, JobStatus.Open, JobStatus.Locked));
        market.lock(job, thief, FAR, "");
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.UnknownJob.selector, bytes32("none")));
        market.lock("none", thief, FAR, "");
    }

    function test_Lock_NeedsAUsableVersion() public {
        bytes32 job = _open(_request(Mode.Proofs));
        _freeze();
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.VersionUnusable.selector, version));
        market.lock(job, provider, FAR, "");
    }

    // ---------------------------------------------------------------- cancel, expire

    function test_Cancel_RefundsByTheRequesterAtAnyTime() public {
        bytes32 job = _open(_request(Mode.Proofs));
        vm.expectEmit(address(market));
        emit IJobMarket.JobRefunded(job);
        vm.prank(requester);
        market.cancel(job);
        assertEq(_free(requester), 100 ether);
        assertEq(uint256(market.job(job).status), uint256(JobStatus.Refunded));
    }

    function test_Cancel_ByAnybodyOnceItCannotBeTaken() public {
        bytes32 job = _open(_request(Mode.Proofs));
        uint64 lockBy = market.job(job).lockBy;
        vm.warp(lockBy);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.NotRequester.selector, requester, thief));
        market.cancel(job);
        vm.warp(lockBy + 1);
        vm.prank(thief);
        market.cancel(job);
        assertEq(_free(requester), 100 ether);
    }

    function test_Cancel_NotWhenTaken() public {
        bytes32 job = _locked(Mode.Proofs);
        vm.prank(requester);
        vm.expectRevert(_wrongStatus(job, JobStatus.Open, JobStatus.Locked));
        market.cancel(job);
    }

    function test_Expire_ANoShowCostsThePrice() public {
        bytes32 job = _locked(Mode.Proofs);
        uint64 claimBy = market.job(job).claimBy;
        vm.warp(claimBy);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.DeadlineNotPassed.selector, claimBy));
        market.expire(job);
        vm.warp(claimBy + 1);
        vm.expectEmit(address(market));
        emit IJobMarket.JobExpired(job, PRICE);
        market.expire(job);
        assertEq(_free(requester), 100 ether + PRICE);
        assertEq(_free(provider), STAKE - PRICE);
        assertEq(escrow.encumbered(provider, ETH), 0);
        assertEq(uint256(market.job(job).status), uint256(JobStatus.Expired));
        assertEq(escrow.burned(ETH), 0);
    }

    function test_Expire_OnlyLockedJobs() public {
        bytes32 job = _open(_request(Mode.Proofs));
        vm.warp(market.job(job).claimBy + 1);
        vm.expectRevert(_wrongStatus(job, JobStatus.Locked, JobStatus.Open));
        market.expire(job);
        vm.warp(block.timestamp - 4 hours);
        job = _job(_claimed(Mode.Optimistic));
        vm.warp(market.job(job).claimBy + 1);
        vm.expectRevert(_wrongStatus(job, JobStatus.Locked, JobStatus.Claimed));
        market.expire(job);
    }

    // ---------------------------------------------------------------- the protocol's contracts

    function test_OnlyTheProtocolsContractsMoveAJob() public {
        bytes32 job = _job(_claimed(Mode.Optimistic));
        bytes memory denied = abi.encodeWithSelector(IJobMarket.NotAuthorized.selector, thief);
        vm.startPrank(thief);
        vm.expectRevert(denied);
        market.claimed(job);
        vm.expectRevert(denied);
        market.settle(job, thief);
        vm.expectRevert(denied);
        market.slash(job, true);
        vm.expectRevert(denied);
        market.refund(job);
    }

    /// The claim book itself could not pay twice.
    function test_AJobEndsOnce() public {
        bytes32 job = _job(_claimed(Mode.Optimistic));
        vm.startPrank(address(book));
        market.settle(job, recipient);
        bytes memory over = _wrongStatus(job, JobStatus.Claimed, JobStatus.Settled);
        vm.expectRevert(over);
        market.settle(job, recipient);
        vm.expectRevert(over);
        market.slash(job, true);
        vm.expectRevert(over);
        market.refund(job);
    }

    function test_Slash_SplitsTheStakeWithChallengers() public {
        _slash(true, STAKE * 4 / 10, STAKE * 3 / 10);
    }

    function test_Slash_BurnsTheChallengersPartIfThereIsNone() public {
        _slash(false, 0, STAKE * 7 / 10);
    }

    function _slash(bool challenged, uint256 toChallengers, uint256 burned) private {
        bytes32 job = _job(_claimed(Mode.Optimistic));
        vm.expectEmit(address(market));
        emit IJobMarket.JobSlashed(job, toChallengers, STAKE * 3 / 10, burned);
        vm.prank(address(book));
        assertEq(market.slash(job, challenged), toChallengers);
        // Whoever challenged has it from there.
        assertEq(_free(address(book)), toChallengers);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
        assertEq(escrow.burned(ETH), burned);
        assertEq(escrow.encumbered(provider, ETH), 0);
    }

    function test_Settle_PaysTheRecipientAndReleasesTheStake() public {
        bytes32 job = _job(_claimed(Mode.Optimistic));
        vm.expectEmit(address(market));
        emit IJobMarket.JobSettled(job);
        vm.prank(address(book));
        market.settle(job, recipient);
        assertEq(_free(recipient), PRICE);
        assertEq(_free(requester), 100 ether - PRICE);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
        assertEq(escrow.encumbered(provider, ETH), 0);
    }

    function test_Job_UnknownReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.UnknownJob.selector, bytes32("none")));
        market.job("none");
    }

    function test_ERC165() public view {
        assertTrue(market.supportsInterface(type(IJobMarket).interfaceId));
        assertTrue(market.supportsInterface(type(IERC165).interfaceId));
        assertFalse(market.supportsInterface(0xffffffff));
    }

    function test_Getters() public view {
        assertEq(address(market.escrow()), address(escrow));
        assertEq(address(market.registry()), address(registry));
        assertEq(market.claimBook(), address(book));
        assertEq(address(market.beacon()), address(beacon));
    }

    // ---------------------------------------------------------------- internal

    function _expectOpen(JobRequest memory request, bytes memory revertData) private {
        bytes memory signature = _sign(requesterKey, market.jobIdOf(request));
        vm.expectRevert(revertData);
        market.open(request, signature);
    }

    function _expectDuration(JobRequest memory request, string memory field, uint256 min, uint256 max, uint256 got)
        private
    {
        _expectOpen(request, abi.encodeWithSelector(IJobMarket.BadDuration.selector, field, min, max, got));
    }

    function _wrongStatus(bytes32 job, JobStatus expected, JobStatus got) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, job, expected, got);
    }
}
