// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "../../contracts/interfaces/IBondEscrow.sol";
import { ClaimHeader, ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IJobMarket, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ClaimStatus, JobStatus, Mode, OUTPUT, WHOLE } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";
import { BurningSigner, ReenteringRecipient, ReenteringSigner, VerboseSigner, Wallet } from "./support/Signers.sol";
import { TestToken } from "./support/TestToken.sol";

/// @title Attacks on money: stakes, bonds, prices, and who may move them
contract AttacksMoneyTest is Base {
    // ---------------------------------------------------------------- challenges

    /// Whoever challenges everything pays for everything, and delays a claim no longer than one challenge could.
    function test_Attack_ChallengeSpam() public {
        bytes32 id = _claimed(Mode.Optimistic);
        uint64 provenBy = _provenBy(id);
        _challenge(id, 0, thief);
        uint64 answerBy = _answerBy(id, 0);
        vm.warp(_challengeBy(id));
        for (uint256 l = 1; l < LAYERS; ++l) {
            _challenge(id, l, thief);
            assertLe(_answerBy(id, l), provenBy);
        }
        _challenge(id, WHOLE, thief);
        assertLe(_answerBy(id, WHOLE), provenBy);
        assertEq(_answerBy(id, 0), answerBy, "new challenges move no deadline");
        assertEq(_provenBy(id), provenBy);
        vm.warp(answerBy);
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        _collect(id);
        assertEq(_free(recipient), PRICE + 2 * LAYERS * BOND);
        assertEq(_free(thief), 10 ether - 2 * LAYERS * BOND);
    }

    /// A provider that cannot prove a layer challenges it itself, to get a part of the reward.
    function test_Attack_SelfChallengeLoses() public {
        _fund(provider, BOND, 0);
        bytes32 id = _claimed(Mode.Optimistic);
        vm.prank(provider);
        book.challenge(_claim(id), 1, 0);
        // Others can still challenge, and share the reward though the claim ends by the provider's own challenge.
        _challenge(id, 2);
        _after(_answerBy(id, 1));
        vm.prank(provider);
        book.timeout(_claim(id), 1);
        _collect(id);
        uint256 lost = STAKE - STAKE * 2 / 10;
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 30 * STAKE + BOND - lost);
        assertEq(_free(challenger), 10 ether + STAKE * 2 / 10);
        assertEq(_free(requester), 100 ether + STAKE * 3 / 10);
        assertEq(_free(recipient), 0);
    }

    /// Provider, requester and challenger are one: what is burned is still lost, and nothing is won.
    function test_Attack_AllRolesInOneLoses() public {
        _fund(provider, PRICE + BOND, 0);
        JobRequest memory request = _request(Mode.Optimistic);
        request.requester = provider;
        vm.startPrank(provider);
        bytes32 job = market.open(request, "");
        market.lock(job, provider, FAR, "");
        vm.stopPrank();
        bytes32 id = _post(_header(job));
        _challenge(id, 0, provider);
        _after(_answerBy(id, 0));
        vm.prank(provider);
        book.timeout(_claim(id), 0);
        _collect(id);
        assertEq(_free(provider) + escrow.bonded(provider, ETH), 30 * STAKE + PRICE + BOND - STAKE * 3 / 10);
        assertEq(escrow.burned(ETH), STAKE * 3 / 10);
    }

    function test_Attack_BondsDoNotLeak() public {
        bytes32 answered = _claimed(Mode.Optimistic);
        bytes32 lost = _claimed(Mode.Optimistic);
        bytes32 voided = _claimed(Mode.Optimistic);
        bytes32[3] memory claims = [answered, lost, voided];
        for (uint256 i = 0; i < 3; ++i) {
            _challenge(claims[i], 0);
            _challenge(claims[i], 1);
            _demand(claims[i]);
        }
        _proveAll(answered);
        _reveal(answered);
        _accept(answered);
        _after(_answerBy(lost, 1));
        book.timeout(_claim(lost), 1);
        _freeze();
        book.voidClaim(_claim(voided));
        for (uint256 i = 0; i < 3; ++i) {
            _collect(claims[i]);
        }
        assertEq(_free(recipient), PRICE + 2 * BOND);
        // Three challenges were open, of which two were the challenger's.
        assertEq(_free(challenger) + _free(requester), 110 ether - 2 * BOND - PRICE + STAKE * 7 / 10);
        assertApproxEqAbs(_free(requester), 100 ether - PRICE + STAKE * 3 / 10 + STAKE * 4 / 30, 2);
        assertEq(escrow.bonded(provider, ETH), 29 * STAKE);
        _assertNothingIsHeld();
    }

    /// The provider proves everything and keeps the tokens to itself.
    function test_Attack_WithheldOutput() public {
        for (uint256 mode = 0; mode < 3; ++mode) {
            uint256 before = _free(requester);
            bytes32 id = _claimed(Mode(mode));
            _proveAll(id);
            _demand(id);
            _after(_answerBy(id, OUTPUT));
            vm.expectRevert(abi.encodeWithSelector(IClaimBook.ChallengesOpen.selector, id, 1));
            book.finalize(_claim(id));
            _timeout(id, OUTPUT);
            _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
            _collect(id);
            assertEq(_free(requester), before + STAKE * 7 / 10);
        }
        assertEq(_free(recipient), 0);
    }

    // ---------------------------------------------------------------- stakes

    function test_Attack_StakeExitBeforeTheSlash() public {
        _fundAs(thief, STAKE);
        bytes32 id = _claimedBy(thief);
        _challenge(id, 0);
        vm.startPrank(thief);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientBond.selector, thief, ETH, 1, 0));
        escrow.requestUnbond(ETH, 1);
        vm.stopPrank();
        _after(_answerBy(id, 0));
        book.timeout(_claim(id), 0);
        assertEq(escrow.bonded(thief, ETH), 0);
        assertEq(escrow.encumbered(thief, ETH), 0);
    }

    /// Stake on its way out backs nothing.
    function test_Attack_QueuedStakeBacksNoJob() public {
        bytes32 job = _open(_request(Mode.Optimistic));
        vm.startPrank(thief);
        escrow.requestUnbond(ETH, 1);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientBond.selector, thief, ETH, STAKE, STAKE - 1));
        market.lock(job, thief, FAR, "");
    }

    function test_Attack_OneStakeBehindManyClaims() public {
        bytes32 first = _claimedBy(thief);
        bytes32 second = _open(_request(Mode.Optimistic));
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientBond.selector, thief, ETH, STAKE, 0));
        market.lock(second, thief, FAR, "");
        _after(_challengeBy(first));
        book.finalize(_claim(first));
        assertEq(escrow.bonded(thief, ETH), STAKE);
    }

    /// Stake in one asset does not back a job in another.
    function test_Attack_StakeInAnotherAsset() public {
        vm.startPrank(thief);
        escrow.requestUnbond(address(token), STAKE);
        vm.stopPrank();
        JobRequest memory request = _request(Mode.Optimistic);
        request.version = tokenVersion;
        bytes32 job = _open(request);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientBond.selector, thief, address(token), STAKE, 0));
        market.lock(job, thief, FAR, "");
    }

    // ---------------------------------------------------------------- payouts

    function test_Attack_DoubleSettlement() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        _challenge(id, 0);
        _prove(id, 1);
        _after(_challengeBy(id));
        _finalize(id);
        _collect(id);
        bytes memory over = abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Finalized);
        vm.expectRevert(over);
        book.finalize(_claim(id));
        vm.expectRevert(over);
        book.prove(proofs, _tree(1), proof);
        vm.expectRevert(over);
        book.expireClaim(_claim(id));
        vm.expectRevert(over);
        book.timeout(_claim(id), 0);
        _freeze();
        vm.expectRevert(over);
        book.voidClaim(_claim(id));
        bytes32 job = _job(id);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, job, JobStatus.Locked, JobStatus.Settled)
        );
        market.expire(job);
        assertEq(_free(recipient), PRICE + BOND);
        assertEq(_free(requester), 100 ether - PRICE);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
    }

    /// Whoever cannot receive a token delays nobody: settling moves no tokens.
    function test_Attack_BlockedRecipientDelaysNobody() public {
        JobRequest memory request = _request(Mode.Optimistic);
        request.version = tokenVersion;
        bytes32 job = _open(request);
        _lock(job);
        bytes32 id = _post(_header(job));
        token.setBlocked(recipient);
        token.setBlocked(requester);
        _after(_challengeBy(id));
        book.finalize(_claim(id));
        _assertClaim(id, ClaimStatus.Finalized, JobStatus.Settled);
        vm.startPrank(recipient);
        vm.expectRevert(abi.encodeWithSelector(TestToken.Blocked.selector, recipient));
        escrow.withdraw(address(token), PRICE, recipient);
        escrow.withdraw(address(token), PRICE, relayer);
        assertEq(token.balanceOf(relayer), PRICE);
    }

    /// A recipient that is called when it is paid cannot be paid twice, nor undo what it was paid for.
    function test_Attack_ReentrantRecipient() public {
        ReenteringRecipient again = new ReenteringRecipient(escrow);
        recipient = address(again);
        bytes32 first = _claimed(Mode.Optimistic);
        bytes32 second = _claimed(Mode.Optimistic);
        _after(_challengeBy(second));
        book.finalize(_claim(first));
        uint256 held = escrow.ledger(ETH);
        again.take(PRICE, address(escrow), abi.encodeCall(escrow.withdraw, (ETH, PRICE, address(again))));
        assertTrue(again.refused());
        assertEq(address(again).balance, PRICE);
        assertEq(escrow.ledger(ETH), held - PRICE);
        book.finalize(_claim(second));
        again.take(PRICE, address(book), abi.encodeCall(book.finalize, (_claim(second))));
        assertTrue(again.refused());
        assertEq(address(again).balance, 2 * PRICE);
        assertEq(_free(address(again)), 0);
    }

    /// A verifier is frozen in each state: everybody gets back all they put in.
    function test_Attack_FrozenFunds() public {
        bytes32 opened = _open(_request(Mode.Proofs));
        bytes32 taken = _locked(Mode.Audited);
        bytes32[6] memory ids;
        for (uint256 i = 0; i < 3; ++i) {
            ids[i] = _claimed(Mode(i));
            ids[3 + i] = _claimed(Mode(i));
            _demand(ids[i]);
            if (i != 0) _challenge(ids[i], 2);
            if (i != 0) _challenge(ids[i], WHOLE);
        }
        _prove(ids[1], 1 << 2);
        _draw(ids[5], 0);
        bytes32 proven = _claimed(Mode.Proofs);
        _proveAll(proven);
        _freeze();

        vm.prank(requester);
        market.cancel(opened);
        market.expire(taken);
        _void(proven);
        for (uint256 i = 0; i < 6; ++i) {
            // Late or early makes no difference.
            if (i == 3) _after(_provenBy(ids[5]));
            _void(ids[i]);
            _assertClaim(ids[i], ClaimStatus.Voided, JobStatus.Refunded);
            _collect(ids[i]);
        }
        assertEq(_free(requester), 100 ether);
        assertEq(_free(challenger), 10 ether);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
        assertEq(escrow.burned(ETH), 0);
        _assertNothingIsHeld();
        vm.prank(requester);
        escrow.withdraw(ETH, 100 ether, requester);
        assertEq(requester.balance, 100 ether);
    }

    /// A provider that locked is let go when the version is frozen, whenever that is.
    function test_Attack_FrozenWhileLockedIsNoNoShow() public {
        bytes32 before = _locked(Mode.Optimistic);
        bytes32 late = _locked(Mode.Optimistic);
        _freeze();
        vm.expectEmit(address(market));
        emit IJobMarket.JobExpired(before, 0);
        market.expire(before);
        _after(market.job(late).claimBy);
        market.expire(late);
        assertEq(_free(requester), 100 ether);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
    }

    // ---------------------------------------------------------------- signatures

    function test_Attack_SignatureReplay() public {
        JobRequest memory request = _request(Mode.Optimistic);
        bytes32 job = _open(request);
        bytes memory opening = _sign(requesterKey, job);
        bytes memory locking = _sign(providerKey, market.lockDigest(job, provider, FAR));
        market.lock(job, provider, FAR, locking);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, job, JobStatus.Open, JobStatus.Locked)
        );
        market.lock(job, provider, FAR, locking);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.NonceUsed.selector, requester, request.nonce));
        market.open(request, opening);
        // A signature for one purpose serves no other.
        ClaimHeader memory header = _header(job);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.BadSignature.selector, provider));
        book.post(header, locking);
    }

    function test_Attack_SignatureMalleability() public {
        JobRequest memory request = _request(Mode.Optimistic);
        bytes32 id = market.jobIdOf(request);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(requesterKey, id);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory other = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        bytes32 compact = bytes32(uint256(s) | (uint256(v - 27) << 255));
        bytes[6] memory bad = [
            other,
            abi.encodePacked(r, compact),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s, v, uint8(0)),
            abi.encodePacked(r, s),
            bytes("")
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, requester));
            market.open(request, bad[i]);
        }
        market.open(request, abi.encodePacked(r, s, v));
    }

    function test_ContractsCanBeRequesterAndProvider() public {
        Wallet buyer = new Wallet(requester);
        Wallet seller = new Wallet(provider);
        vm.deal(address(this), PRICE + STAKE);
        buyer.depositTo{ value: PRICE }(escrow, false);
        seller.depositTo{ value: STAKE }(escrow, true);
        JobRequest memory request = _request(Mode.Optimistic);
        request.requester = address(buyer);
        bytes32 job = market.jobIdOf(request);
        bytes memory signature = _sign(providerKey, job);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, address(buyer)));
        market.open(request, signature);
        market.open(request, _sign(requesterKey, job));
        market.lock(job, address(seller), FAR, _sign(providerKey, market.lockDigest(job, address(seller), FAR)));
        bytes32 id = _post(_header(job));
        _after(_challengeBy(id));
        _finalize(id);
        assertEq(_free(recipient), PRICE);
    }

    /// The key of an account with delegated code (EIP-7702) can replace the code, so its signature counts; and so does
    /// what the code says.
    function test_Open_AccountsWithDelegatedCodeSignByTheirKey() public {
        bytes memory delegation = abi.encodePacked(hex"ef0100", address(token));
        vm.etch(requester, delegation);
        vm.etch(provider, delegation);
        assertEq(requester.code.length, 23);
        bytes32 job = _locked(Mode.Proofs);
        _post(_header(job));
        // Another key's signature does not: the delegate has no `isValidSignature`.
        JobRequest memory request = _request(Mode.Proofs);
        bytes memory signature = _sign(providerKey, market.jobIdOf(request));
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, requester));
        market.open(request, signature);
        vm.etch(requester, abi.encodePacked(hex"ef0100", address(new Wallet(provider))));
        market.open(request, signature);
    }

    /// A signer's contract burns 400,000 gas at most, and copies nothing back.
    function test_Attack_SignersCannotBurnTheRelayersGas() public {
        address[2] memory signers = [address(new BurningSigner()), address(new VerboseSigner())];
        for (uint256 i = 0; i < 2; ++i) {
            JobRequest memory request = _request(Mode.Optimistic);
            request.requester = signers[i];
            uint256 before = gasleft();
            vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, signers[i]));
            market.open(request, "");
            assertLt(before - gasleft(), 450_000);
        }
    }

    /// Whatever a signer does while it is asked, it changes nothing.
    function test_Attack_ReentrantSigner() public {
        ReenteringSigner signer = new ReenteringSigner(market);
        vm.deal(address(this), 2 * PRICE);
        signer.depositTo{ value: 2 * PRICE }(escrow, false);
        JobRequest memory other = _request(Mode.Optimistic);
        JobRequest memory request = _request(Mode.Optimistic);
        (request.requester, other.requester) = (address(signer), address(signer));
        signer.setOther(other);
        bytes32 job = market.open(request, "any");
        assertEq(uint256(market.job(job).status), uint256(JobStatus.Open));
        assertFalse(market.nonceUsed(address(signer), other.nonce));
        assertEq(_free(address(signer)), PRICE);
    }

    // ---------------------------------------------------------------- durations

    function testFuzz_Attack_OverflowingDurations(uint64 lockBy, uint64 claimBy, uint32 window, uint32 answer) public {
        JobRequest memory request = _request(Mode.Optimistic);
        // One in four is near the bounds in all of them.
        if (lockBy % 4 == 0) {
            lockBy = uint64(bound(lockBy, block.timestamp - 1, block.timestamp + 31 days));
            claimBy = uint64(bound(claimBy, lockBy, block.timestamp + 31 days));
            (window, answer) = (uint32(bound(window, 50, 8 days)), uint32(bound(answer, 50, 8 days)));
        }
        (request.lockBy, request.claimBy) = (lockBy, claimBy);
        (request.challengeWindow, request.answerWindow) = (window, answer);
        vm.prank(requester);
        try market.open(request, "") returns (bytes32 job) {
            assertLe(block.timestamp, lockBy);
            assertLe(lockBy + 10 minutes, claimBy);
            assertLe(claimBy, block.timestamp + 30 days);
            assertTrue(window >= 60 && window <= 7 days && answer >= 60 && answer <= 7 days);
            assertEq(market.job(job).claimBy, claimBy);
        } catch (bytes memory reason) {
            // forge-lint: disable-next-line(unsafe-typecast) the selector
            assertEq(bytes4(reason), IJobMarket.BadDuration.selector);
        }
    }

    /// Within the bounds nothing wraps, and a claim is over 14 days after it was posted.
    function testFuzz_Deadlines_AreBounded(uint32 window, uint32 answer, uint256 mode) public {
        JobRequest memory request = _request(Mode(bound(mode, 0, 2)));
        uint256 least = request.mode == Mode.Audited ? beacon.maxDrawTime() : 60;
        request.challengeWindow = uint32(bound(window, least, 7 days));
        request.answerWindow = uint32(bound(answer, 60, 7 days));
        bytes32 job = _open(request);
        _lock(job);
        bytes32 id = _post(_header(job));
        uint64 challengeBy = _challengeBy(id);
        assertEq(challengeBy, block.timestamp + request.challengeWindow);
        uint256 from = request.mode == Mode.Proofs ? block.timestamp : challengeBy;
        assertEq(_provenBy(id), from + request.answerWindow);
        vm.warp(challengeBy);
        _demand(id);
        assertLe(_answerBy(id, OUTPUT), challengeBy + 7 days);
    }

    // ---------------------------------------------------------------- internal

    function _fundAs(address account, uint256 bond) private {
        _fund(account, 0, bond);
        vm.startPrank(account);
        escrow.requestUnbond(ETH, escrow.bonded(account, ETH) - bond);
        vm.stopPrank();
    }

    function _claimedBy(address account) private returns (bytes32) {
        bytes32 job = _open(_request(Mode.Optimistic));
        ClaimHeader memory header = _header(job);
        vm.recordLogs();
        vm.startPrank(account);
        market.lock(job, account, FAR, "");
        bytes32 id = book.post(header, "");
        vm.stopPrank();
        _remember(vm.getRecordedLogs());
        return id;
    }

    function _assertNothingIsHeld() private view {
        address[6] memory all = [requester, provider, challenger, thief, recipient, relayer];
        uint256 sum = escrow.burned(ETH);
        assertEq(_free(address(book)), 0, "all parts of stakes are taken");
        for (uint256 i = 0; i < all.length; ++i) {
            (uint256 queued,) = escrow.queued(all[i], ETH);
            sum += escrow.free(all[i], ETH) + escrow.bonded(all[i], ETH) + queued;
            assertEq(escrow.encumbered(all[i], ETH), 0);
        }
        assertEq(sum, escrow.ledger(ETH));
    }
}
