// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { EpochBook } from "../../contracts/EpochBook.sol";
import { Epoch, FixedDraws, Openings } from "../../contracts/interfaces/EpochTypes.sol";
import { IAuditBeacon } from "../../contracts/interfaces/IAuditBeacon.sol";
import { EpochStatus, IEpochBook, Payment, Voucher } from "../../contracts/interfaces/IEpochBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { Program, Tree } from "../../contracts/interfaces/Types.sol";
import { EpochNodes } from "../../contracts/libraries/EpochNodes.sol";
import { EpochTree } from "../../contracts/libraries/EpochTree.sol";
import { Programs } from "../../contracts/libraries/Programs.sol";
import { EpochBase } from "./EpochBase.t.sol";

/// @title Lines, channels, epochs and their draws
contract EpochBookTest is EpochBase {
    uint256 private constant COUNT = 40;
    uint256 private constant DRAWS = 5;

    function _error(bytes4 selector, uint256 a, uint256 b) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a, b);
    }

    function _redeemFails(Voucher memory voucher, bytes memory expected) private {
        Payment[] memory payments = _paymentOf(voucher);
        vm.expectRevert(expected);
        epochs.redeem(payments);
    }

    // ---------------------------------------------------------------- versions

    function test_Enroll_TakesProgramsOfTheModelOnly() public {
        (Program[] memory programs, bytes32[][] memory paths) = _programs();
        programs[3].key = bytes32(uint256(programs[3].key) ^ 1);
        vm.expectPartialRevert(Programs.NotAProgramOfTheModel.selector);
        epochs.enroll(served, programs, paths);
    }

    function test_Enroll_NeedsAllLayers() public {
        (Program[] memory programs, bytes32[][] memory paths) = _programs();
        Program[] memory some = new Program[](2);
        bytes32[][] memory theirs = new bytes32[][](2);
        (some[0], some[1], theirs[0], theirs[1]) = (programs[1], programs[2], paths[1], paths[2]);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.LayersMissing.selector, EPOCH_ALL & ~uint256(3)));
        epochs.enroll(served, some, theirs);
        vm.expectRevert(_error(IEpochBook.NoPrograms.selector, 256, 0));
        epochs.enroll(served, new Program[](0), new bytes32[][](0));
    }

    function test_Enroll_SaysWhatTheVersionSays() public view {
        assertEq(epochs.versionOf(page), served);
        assertEq(epochs.pageOf(page).modelId, registry.modelId(served));
        assertEq(epochs.pageOf(page).verifier, address(verifier));
        assertEq(epochs.pageOf(page).layers, EPOCH_LAYERS);
        assertEq(epochs.pageOf(page).maxPrice, ANSWER_PRICE);
        (uint256 least, uint256 total) = epochLens.weightsOf(page);
        assertEq(least, LEAST_WEIGHT);
        assertEq(total, TOTAL_WEIGHT);
    }

    // ---------------------------------------------------------------- commitment

    function test_Commit_ExposesBondAndFixesTheDraw() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        _assertStatus(built, EpochStatus.Committed);
        assertEq(_drawBlock(built), block.number + BEACON_DELAY);
        assertEq(_exposure(built), epochs.exposureOf(page, COUNT, DRAWS));
        assertEq(epochs.line(provider, served).exposed, _exposure(built));
        assertEq(epochs.line(provider, served).next, 1);
        assertEq(epochs.line(provider, served).open, 1);
    }

    function test_Commit_ByTheProviderOrItsSignature() public {
        Built memory built = _build(0, COUNT, DRAWS);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.BadSignature.selector, provider));
        epochs.commit(built.epoch, "");
        bytes memory signature = _sign(providerKey, epochs.commitDigest(built.epoch));
        vm.prank(relayer);
        epochs.commit(built.epoch, signature);
    }

    function test_Commit_BoundsCountsAndDraws() public {
        uint256[2][4] memory bad = [[uint256(0), 0], [uint256(4), 5], [uint256(1 << 20) + 1, 64], [uint256(1_000), 257]];
        for (uint256 i = 0; i < bad.length; ++i) {
            Epoch memory epoch = _build(0, 1, 1).epoch;
            epoch.terms = bad[i][0] << 32 | bad[i][1] << 64;
            vm.prank(provider);
            vm.expectPartialRevert(IEpochBook.BadCounts.selector);
            epochs.commit(epoch, "");
        }
        // What the contract fills in is not the caller's.
        Epoch memory filled = _build(0, COUNT, DRAWS).epoch;
        filled.terms |= 1 << 120;
        vm.prank(provider);
        vm.expectPartialRevert(IEpochBook.BadCounts.selector);
        epochs.commit(filled, "");
    }

    function test_Commit_NeedsAPageOfTheVersion() public {
        Epoch memory epoch = _build(0, COUNT, DRAWS).epoch;
        epoch.page = address(verifier);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.UnknownPage.selector, address(verifier), served));
        epochs.commit(epoch, "");
    }

    function test_Commit_RefusesABondForWhichCheatingPays() public {
        Built memory built = _build(0, COUNT, DRAWS);
        uint256 needed = epochs.exposureOf(page, COUNT, DRAWS);
        vm.startPrank(provider);
        epochs.withdraw(served, LINE_BOND - needed + 1);
        vm.expectRevert(_error(IEpochBook.LineBondTooLow.selector, needed, needed - 1));
        epochs.commit(built.epoch, "");
        epochs.bond(served, 1);
        epochs.commit(built.epoch, "");
        vm.stopPrank();
    }

    /// On a rollup without randomness there are no epochs.
    function test_Commit_WithoutABeaconEpochsAreDisabled() public {
        EpochBook none = EpochBook(
            deployCode(
                "EpochBook.sol", abi.encode(escrow, registry, address(0), epochDisputes, EPOCH_CHALLENGE, EPOCH_ANSWER)
            )
        );
        Epoch memory epoch = _build(0, COUNT, DRAWS).epoch;
        vm.prank(provider);
        vm.expectRevert(IEpochBook.EpochsDisabled.selector);
        none.commit(epoch, "");
    }

    function test_Constructor_BoundsWindows() public {
        uint256 drawTime = beacon.maxDrawTime();
        uint256[2][4] memory bad = [
            [drawTime + 59, 3 hours],
            [uint256(7 days) + 1, 3 hours],
            [uint256(2 hours), 59],
            [uint256(2 hours), 7 days + 1]
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectPartialRevert(IEpochBook.BadDuration.selector);
            new EpochBook(escrow, registry, beacon, address(epochDisputes), bad[i][0], bad[i][1]);
        }
    }

    // ---------------------------------------------------------------- draws

    function test_Fix_DrawsWhatTheLensSays() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        uint256[] memory drawn = epochLens.drawnAnswers(built.epoch, built.fixed_.seed);
        assertEq(abi.encode(drawn), abi.encode(built.drawn));
    }

    /// The first draw of an audit (`AuditDraw`).
    function testFuzz_Draw_OfALayerIsThatOfAudits(bytes32 seed, bytes32 statement) public view {
        uint256 layer = epochLens.drawnLayer(page, seed, statement);
        assertEq(layer, _layerOf(seed, statement));
        assertEq(registry.draw(served, seed, statement), 1 << layer);
    }

    function test_Fix_ByTheProviderOrItsSignature() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes memory header = _block(_drawBlock(built), keccak256("seed"));
        bytes32 word = keccak256("commitments");
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.BadSignature.selector, provider));
        epochs.fixCommitments(built.epoch, header, word, "");
        bytes memory signature = _sign(providerKey, epochs.fixDigest(_idOf(built), word));
        vm.prank(relayer);
        epochs.fixCommitments(built.epoch, header, word, signature);
        // Once.
        vm.prank(provider);
        vm.expectPartialRevert(IEpochBook.WrongEpochStatus.selector);
        epochs.fixCommitments(built.epoch, header, keccak256("others"), "");
    }

    function test_Fix_UntilTheDeadline() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes memory header = _block(_drawBlock(built), keccak256("seed"));
        uint256 deadline = _committedAt(built) + EPOCH_CHALLENGE;
        FixedDraws memory none;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.DeadlineNotPassed.selector, deadline));
        epochs.expire(built.epoch, none);
        vm.warp(deadline + 1);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.DeadlinePassed.selector, deadline));
        epochs.fixCommitments(built.epoch, header, keccak256("commitments"), "");
        epochs.expire(built.epoch, none);
        assertTrue(epochs.line(provider, served).over);
    }

    function test_Prove_UntilTheDeadline() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        uint256 deadline = built.fixed_.fixedAt + epochs.proveWindow();
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.DeadlineNotPassed.selector, deadline));
        epochs.expire(built.epoch, built.fixed_);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.DeadlinePassed.selector, deadline));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        FixedDraws memory other = built.fixed_;
        other.fixedAt -= 1;
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotWhatWasFixed.selector, _idOf(built)));
        epochs.expire(built.epoch, other);
        other.fixedAt += 1;
        vm.prank(challenger);
        epochs.expire(built.epoch, built.fixed_);
        assertTrue(epochs.line(provider, served).over);
    }

    /// With any number of answers and draws the public inputs are those that claims would have (`NodeTree`).
    function testFuzz_Prove_PublicInputsAreThoseOfNodeTree(uint256 count, uint256 draws) public {
        count = bound(count, 1, 90);
        draws = bound(draws, 1, count);
        Built memory built = _proven(0, count, draws);
        _assertStatus(built, EpochStatus.Proven);
    }

    /// The shapes that the tests above have are those of the prover in Rust (crates/verifier/tests/trees.rs).
    function test_Prove_NodesLieAsTheProverMakesThem() public view {
        string memory golden = vm.readFile("test/golden/trees.json");
        string memory key = ".trees[0]";
        uint256 trees = 0;
        while (vm.keyExistsJson(golden, key)) {
            uint256 leaves = vm.parseJsonBytes32Array(golden, string.concat(key, ".leaves")).length;
            (Tree memory tree,) = _byThrees(leaves);
            assertEq(tree.shape, vm.parseJsonBytes(golden, string.concat(key, ".shape")), vm.toString(leaves));
            key = string.concat(".trees[", vm.toString(++trees), "]");
        }
        assertGt(trees, 10);
    }

    function test_Prove_SettlesAtOnceAfterTheWindow() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        epochs.prove(built.epoch, openings, proof, _paymentOf(_voucher(0, 7)));
        _assertStatus(built, EpochStatus.Settled);
        assertEq(epochs.line(provider, served).balance, LINE_BOND + 7 * ANSWER_PRICE);
        assertEq(epochs.line(provider, served).exposed, 0);
    }

    function _proveAfterTheWindow(Built memory built) private {
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    /// A voucher pays for all epochs up to one.
    function test_Prove_SettlesNothingBeforeAnEarlierEpoch() public {
        Built memory first = _fixed(0, COUNT, DRAWS);
        Built memory second = _fixed(1, COUNT, DRAWS);
        _proveAfterTheWindow(second);
        _assertStatus(second, EpochStatus.Proven);
        assertEq(epochs.line(provider, served).open, 2);
        _proveEpoch(first);
        _assertStatus(first, EpochStatus.Settled);
        epochs.settle(second.epoch);
    }

    function test_Prove_SettlesNothingThatIsDisputed() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        vm.prank(challenger);
        epochDisputes.challenge(built.epoch, 3, type(uint256).max);
        _proveAfterTheWindow(built);
        _assertStatus(built, EpochStatus.Proven);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.OpenDisputes.selector, _idOf(built), 1));
        epochs.settle(built.epoch);
    }

    function test_Prove_WithLayersThatWereDrawnBefore() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, "");
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotDrawnYet.selector, _idOf(built)));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        FixedDraws memory other = built.fixed_;
        other.drawBlock -= 1;
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotWhatWasFixed.selector, _idOf(built)));
        epochs.drawLayers(built.epoch, other, header);
        other.drawBlock += 1;
        epochs.drawLayers(built.epoch, built.fixed_, header);
        // The chain does not know the block any more.
        vm.setBlockhash(built.fixed_.drawBlock, 0);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        _assertStatus(built, EpochStatus.Proven);
    }

    function test_Prove_EveryByteOfRecordsCounts() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        for (uint256 i = 0; i < openings.records.length; i += 7) {
            openings.records[i] ^= 0x01;
            (bool ok,) =
                address(epochs).call(abi.encodeCall(epochs.prove, (built.epoch, openings, proof, new Payment[](0))));
            assertFalse(ok, vm.toString(i));
            openings.records[i] ^= 0x01;
        }
        for (uint256 i = 0; i < openings.siblings.length; i += 31) {
            openings.siblings[i] ^= 0x01;
            vm.expectRevert(abi.encodeWithSelector(EpochTree.NotInTheRoot.selector, built.epoch.statements));
            epochs.prove(built.epoch, openings, proof, new Payment[](0));
            openings.siblings[i] ^= 0x01;
        }
        for (uint256 i = 0; i < openings.digests.length; ++i) {
            openings.digests[i] = bytes32(uint256(openings.digests[i]) ^ 1);
            vm.expectRevert(IFinalVerifier.ProofRejected.selector);
            epochs.prove(built.epoch, openings, proof, new Payment[](0));
            openings.digests[i] = bytes32(uint256(openings.digests[i]) ^ 1);
        }
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    function test_Prove_ListsAreOfTheirLength() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        bytes memory records = openings.records;
        openings.records = bytes.concat(records, new bytes(152));
        vm.expectPartialRevert(EpochNodes.RecordCount.selector);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        openings.records = records;
        bytes memory siblings = openings.siblings;
        openings.siblings = bytes.concat(siblings, bytes32(0));
        vm.expectPartialRevert(EpochTree.NotInTheRoot.selector);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        openings.siblings = siblings;
        openings.digests = new bytes32[](openings.digests.length + 1);
        vm.expectPartialRevert(EpochNodes.RecordCount.selector);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    /// Elements of the field have one representation.
    function test_Prove_DigestsAreReduced() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        uint256[2] memory places = [uint256(88), 120];
        for (uint256 i = 0; i < places.length; ++i) {
            bytes memory kept = bytes.concat(openings.records);
            openings.records[places[i]] = 0xff;
            vm.expectRevert(abi.encodeWithSelector(EpochNodes.AnswerDigestNotReduced.selector, built.drawn[0]));
            epochs.prove(built.epoch, openings, proof, new Payment[](0));
            openings.records = kept;
        }
        openings.digests[0] = bytes32(type(uint256).max);
        vm.expectPartialRevert(EpochNodes.AnswerDigestNotReduced.selector);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    // ---------------------------------------------------------------- ends

    function test_Settle_AfterTheWindowAndInOrder() public {
        Built memory first = _committed(0, COUNT, DRAWS);
        Built memory second = _committed(1, COUNT, DRAWS);
        _fix(first);
        _fix(second);
        _proveEpoch(second);
        uint256 deadline = _committedAt(second) + EPOCH_CHALLENGE;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.DeadlineNotPassed.selector, deadline));
        epochs.settle(second.epoch);
        _after(deadline);
        vm.expectRevert(_error(IEpochBook.OutOfOrder.selector, 0, 1));
        epochs.settle(second.epoch);
        _proveEpoch(first);
        _assertStatus(first, EpochStatus.Settled);
        epochs.settle(second.epoch);
        vm.expectPartialRevert(IEpochBook.WrongEpochStatus.selector);
        epochs.settle(second.epoch);
        assertEq(epochs.line(provider, served).answers, 2 * COUNT);
        assertEq(epochs.line(provider, served).exposed, 0);
        assertEq(epochs.line(provider, served).open, 0);
    }

    /// One fault voids all that is open: no later epoch is settled, and what all expose is lost.
    function test_Expire_EndsTheLine() public {
        Built memory first = _committed(0, COUNT, DRAWS);
        Built memory second = _proven(1, COUNT, DRAWS);
        _after(_committedAt(second) + EPOCH_CHALLENGE);
        uint256 lost = _exposure(first) + _exposure(second);
        uint256 free = _free(challenger);
        FixedDraws memory none;
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NothingMissing.selector, _idOf(second)));
        epochs.expire(second.epoch, second.fixed_);
        vm.prank(challenger);
        epochs.expire(first.epoch, none);
        assertEq(_free(challenger) - free, lost * 4 / 10);
        assertEq(escrow.burned(ETH), lost - lost * 4 / 10);
        assertEq(epochs.line(provider, served).balance, LINE_BOND - lost);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.LineIsOver.selector, provider, served));
        epochs.settle(second.epoch);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.LineIsOver.selector, provider, served));
        epochs.expire(first.epoch, none);
        Built memory next = _build(2, COUNT, DRAWS);
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.LineIsOver.selector, provider, served));
        epochs.commit(next.epoch, "");
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.LineIsOver.selector, provider, served));
        epochs.bond(served, 1);
        // The rest is the provider's.
        epochs.withdraw(served, LINE_BOND - lost);
        vm.stopPrank();
        _redeemFails(_voucher(1, 1), _error(IEpochBook.NotSettled.selector, 1, 0));
    }

    function test_Freeze_OnlyVoidingEnds() public {
        Built memory built = _proven(0, COUNT, DRAWS);
        Built memory second = _committed(1, COUNT, DRAWS);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.VerifierStillUsable.selector, address(verifier)));
        epochs.voidEpoch(built.epoch);
        _freeze();
        _after(_committedAt(second) + EPOCH_CHALLENGE);
        FixedDraws memory none;
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.VerifierUnusable.selector, address(verifier)));
        epochs.expire(second.epoch, none);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.VerifierUnusable.selector, address(verifier)));
        epochs.settle(built.epoch);
        epochs.voidEpoch(built.epoch);
        epochs.voidEpoch(second.epoch);
        vm.expectPartialRevert(IEpochBook.EpochIsOver.selector);
        epochs.voidEpoch(second.epoch);
        vm.prank(provider);
        epochs.withdraw(served, LINE_BOND);
    }

    function test_Freeze_NoProofIsTaken() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        _freeze();
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.VerifierUnusable.selector, address(verifier)));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    function test_UnknownEpoch() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        built.epoch.terms += 1 << 168;
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.UnknownEpoch.selector, _idOf(built)));
        epochs.settle(built.epoch);
    }

    function test_OnlyDisputesMayDispute() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes32 id = _idOf(built);
        vm.startPrank(thief);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotAuthorized.selector, thief));
        epochs.opened(id);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotAuthorized.selector, thief));
        epochs.closed(id);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotAuthorized.selector, thief));
        epochs.slash(provider, served, thief);
    }

    // ---------------------------------------------------------------- channels

    function test_Redeem_PaysOnceUpToASettledEpoch() public {
        _settled(0, COUNT, DRAWS);
        _redeemFails(_voucher(1, 3), _error(IEpochBook.NotSettled.selector, 1, 1));
        _redeem(_voucher(0, 3));
        assertEq(epochs.line(provider, served).balance, LINE_BOND + 3 * ANSWER_PRICE);
        assertEq(epochs.line(provider, served).answers, COUNT - 3);
        assertEq(epochs.channel(requester, provider, served).redeemed, 3 * ANSWER_PRICE);
        // More of the same.
        _redeem(_voucher(0, 5));
        assertEq(epochs.line(provider, served).balance, LINE_BOND + 5 * ANSWER_PRICE);
        vm.prank(provider);
        epochs.withdraw(served, LINE_BOND + 5 * ANSWER_PRICE);
    }

    function test_Redeem_NeedsTheRequestersSignature() public {
        _settled(0, COUNT, DRAWS);
        Payment[] memory payments = _paymentOf(_voucher(0, 3));
        payments[0].voucher.amount += 1;
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.BadSignature.selector, requester));
        epochs.redeem(payments);
    }

    function test_Redeem_NotMoreThanDepositsOrAnswers() public {
        _settled(0, COUNT, DRAWS);
        Voucher memory voucher = _voucher(0, 3);
        voucher.amount = uint88(PREPAID) + 1;
        _redeemFails(voucher, _error(IEpochBook.VoucherExceedsDeposit.selector, PREPAID, PREPAID + 1));
        _redeemFails(
            _voucher(0, uint32(COUNT + 1)), _error(IEpochBook.VoucherExceedsAnswers.selector, COUNT, COUNT + 1)
        );
        _redeem(_voucher(0, 3));
        voucher.amount = uint88(4 * ANSWER_PRICE);
        voucher.answers = 2;
        _redeemFails(voucher, _error(IEpochBook.FewerAnswers.selector, 3, 2));
    }

    function test_Close_LeavesTimeForAnEpochAndToRedeem() public {
        vm.startPrank(requester);
        epochs.close(provider, served);
        uint256 closeBy = epochs.channel(requester, provider, served).closeBy;
        assertEq(closeBy, block.timestamp + EPOCH_CHALLENGE + beacon.maxDrawTime() + 3 * EPOCH_ANSWER + 1 days);
        vm.expectPartialRevert(IEpochBook.ChannelIsClosing.selector);
        epochs.close(provider, served);
        vm.expectPartialRevert(IEpochBook.ChannelIsClosing.selector);
        epochs.fund(provider, served, 1);
        vm.stopPrank();
        _settled(0, COUNT, DRAWS);
        vm.warp(closeBy);
        vm.expectPartialRevert(IEpochBook.ChannelStillOpen.selector);
        epochs.reclaim(requester, provider, served);
        _redeem(_voucher(0, 3));
        vm.warp(closeBy + 1);
        _redeemFails(_voucher(0, 4), abi.encodeWithSelector(IEpochBook.DeadlinePassed.selector, closeBy));
        uint256 free = _free(requester);
        epochs.reclaim(requester, provider, served);
        assertEq(_free(requester) - free, PREPAID - 3 * ANSWER_PRICE);
        vm.expectRevert(IEpochBook.ChannelNotClosing.selector);
        epochs.reclaim(requester, provider, served);
    }

    function test_Fund_TopsUp() public {
        vm.prank(requester);
        epochs.fund(provider, served, 5);
        assertEq(epochs.channel(requester, provider, served).deposited, PREPAID + 5);
        vm.prank(requester);
        vm.expectRevert(IEpochBook.AmountZero.selector);
        epochs.fund(provider, served, 0);
        vm.prank(thief);
        vm.expectRevert(IEpochBook.AmountZero.selector);
        epochs.close(provider, served);
    }

    /// The version's asset is that of its lines and channels; the escrow has the rules for tokens.
    function test_Lines_OfATokenAreInThatToken() public {
        bytes32 other = _registerServed(address(token));
        uint256 ethers = _free(address(epochs));
        vm.prank(provider);
        epochs.bond(other, 5);
        vm.prank(requester);
        epochs.fund(provider, other, 7);
        assertEq(escrow.free(address(epochs), address(token)), 12);
        vm.prank(provider);
        epochs.withdraw(other, 5);
        assertEq(escrow.free(address(epochs), address(token)), 7);
        assertEq(_free(address(epochs)), ethers);
    }

    /// Amounts fit into their fields, or are refused.
    function test_Bond_FitsIntoItsField() public {
        address rich = makeAddr("rich");
        _fund(rich, uint256(type(uint88).max) + 10, 0);
        vm.startPrank(rich);
        epochs.bond(served, type(uint88).max - 1);
        vm.expectRevert(_error(IEpochBook.AmountTooLarge.selector, 1, 2));
        epochs.bond(served, 2);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- attacks

    /// Whoever commits to nothing is not paid, and the requester takes its money back.
    function test_Attack_WithholdingARoot() public {
        _redeemFails(_voucher(0, 1), _error(IEpochBook.NotSettled.selector, 0, 0));
        vm.prank(requester);
        epochs.close(provider, served);
        _after(epochs.channel(requester, provider, served).closeBy);
        uint256 free = _free(requester);
        epochs.reclaim(requester, provider, served);
        assertEq(_free(requester) - free, PREPAID);
    }

    /// There is one commitment for each number, whatever else was signed.
    function test_Attack_TwoRoots() public {
        Built memory built = _build(0, COUNT, DRAWS);
        Built memory other = _build(0, COUNT - 1, DRAWS);
        bytes memory signature = _sign(providerKey, epochs.commitDigest(other.epoch));
        _commit(built);
        vm.prank(relayer);
        vm.expectRevert(_error(IEpochBook.WrongEpochNumber.selector, 1, 0));
        epochs.commit(other.epoch, signature);
        // Nor is one left out.
        Built memory third = _build(2, COUNT, DRAWS);
        vm.prank(provider);
        vm.expectRevert(_error(IEpochBook.WrongEpochNumber.selector, 1, 2));
        epochs.commit(third.epoch, "");
    }

    /// Statements of another epoch, provider, chain or contract are others: their proofs are worth nothing.
    function test_Attack_LeafReplay() public {
        Built memory built = _settled(0, COUNT, DRAWS);
        // The same trees again.
        built.epoch.terms = 1 | COUNT << 32 | DRAWS << 64;
        _commit(built);
        _fix(built);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        vm.expectRevert();
        epochs.prove(built.epoch, openings, proof, new Payment[](0));

        bytes32 here = _statementAt(provider, served, 0, 0);
        assertNotEq(here, _statementAt(provider, served, 1, 0), "epoch");
        assertNotEq(here, _statementAt(provider, served, 0, 1), "index");
        assertNotEq(here, _statementAt(thief, served, 0, 0), "provider");
        assertNotEq(here, _statementAt(provider, tokenVersion, 0, 0), "version");
        vm.chainId(1);
        assertNotEq(here, _statementAt(provider, served, 0, 0), "chain");
    }

    function test_Attack_ProofOnAnotherChain() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        vm.chainId(1);
        // Other statements: other layers are drawn of them, and they are not in the root.
        vm.expectRevert();
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    function test_Attack_VoucherReplay() public {
        _settled(0, COUNT, DRAWS);
        Voucher memory voucher = _voucher(0, 3);
        bytes memory signature = _signVoucher(voucher);
        Payment[] memory payments = _paymentOf(voucher);
        _redeem(voucher);
        vm.expectRevert(_error(IEpochBook.VoucherSpent.selector, 3 * ANSWER_PRICE, 3 * ANSWER_PRICE));
        epochs.redeem(payments);
        // On another contract.
        assertNotEq(epochs.voucherDigest(voucher), _otherBook().voucherDigest(voucher));
        // In another round of the channel.
        vm.prank(requester);
        epochs.close(provider, served);
        _after(epochs.channel(requester, provider, served).closeBy);
        epochs.reclaim(requester, provider, served);
        vm.prank(requester);
        epochs.fund(provider, served, PREPAID);
        vm.expectRevert(_error(IEpochBook.WrongRound.selector, 1, 0));
        epochs.redeem(payments);
        // For another provider.
        voucher.provider = thief;
        payments[0] = Payment(voucher, signature);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.BadSignature.selector, requester));
        epochs.redeem(payments);
    }

    function _otherBook() private returns (EpochBook) {
        return EpochBook(
            deployCode(
                "EpochBook.sol", abi.encode(escrow, registry, beacon, epochDisputes, EPOCH_CHALLENGE, EPOCH_ANSWER)
            )
        );
    }

    /// Nothing can be chosen once a block is known: root, list, block.
    function test_Attack_DrawGrinding() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        // The block is not there when the root is fixed, and no other block is taken.
        bytes memory header = _block(_drawBlock(built) - 1, keccak256("one that is there"));
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooEarly.selector, _drawBlock(built)));
        epochs.fixCommitments(built.epoch, header, keccak256("list"), "");
        bytes memory right = _block(_drawBlock(built), keccak256("the block"));
        vm.expectPartialRevert(IAuditBeacon.WrongHeader.selector);
        epochs.fixCommitments(built.epoch, header, keccak256("list"), "");
        epochs.fixCommitments(built.epoch, right, keccak256("list"), "");
        // The list is not fixed again.
        vm.expectPartialRevert(IEpochBook.WrongEpochStatus.selector);
        epochs.fixCommitments(built.epoch, right, keccak256("another list"), "");
        vm.stopPrank();
    }

    /// Whoever fixes commitments cannot know which layers are drawn.
    function test_Fix_LayersAreDrawnFromABlockToCome() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        assertEq(built.fixed_.drawBlock, block.number + BEACON_DELAY);
        assertEq(built.fixed_.fixedAt, block.timestamp);
        // Not from a block that is there, whatever its header says.
        uint64 known = uint64(block.number - 1);
        bytes memory header = _block(known, keccak256("a known seed"));
        vm.expectRevert();
        epochs.drawLayers(built.epoch, built.fixed_, header);
        built.fixed_.drawBlock = uint48(known);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotWhatWasFixed.selector, _idOf(built)));
        epochs.drawLayers(built.epoch, built.fixed_, header);
    }

    function test_Attack_DrawGrindingOfLayers() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        // A block before the right one, under which other layers are drawn.
        built.layerSeed = keccak256("a better seed");
        bytes memory header = _block(built.fixed_.drawBlock - 1, built.layerSeed);
        vm.roll(built.fixed_.drawBlock + 1);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        vm.expectRevert();
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        openings.drawBlock -= 1;
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotWhatWasFixed.selector, _idOf(built)));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    function test_Attack_ListOpenedOtherThanFixed() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        bytes32 seed = keccak256("answers");
        bytes memory header = _block(_drawBlock(built), seed);
        built.drawn = _drawnOf(seed, _idOf(built), COUNT, DRAWS);
        vm.recordLogs();
        vm.prank(provider);
        epochs.fixCommitments(built.epoch, header, keccak256("garbage"), "");
        _readFixed(built);
        header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.NotWhatWasFixed.selector, _idOf(built)));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        // It cannot be opened: that is silence.
        _after(built.fixed_.fixedAt + epochs.proveWindow());
        epochs.expire(built.epoch, built.fixed_);
        assertTrue(epochs.line(provider, served).over);
    }

    function test_Attack_LayersThatWereNotDrawn() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        bytes32 right = built.layerSeed;
        // Proves what another seed would draw.
        built.layerSeed = keccak256("another");
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        vm.expectPartialRevert(EpochNodes.LayerNotProven.selector);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        // A program that is not on the page.
        built.layerSeed = right;
        (openings, proof) = _opened(built, header);
        openings.records[3] = bytes1(uint8(EPOCH_PROGRAMS));
        vm.expectRevert(_error(EpochNodes.LayerNotProven.selector, built.drawn[0], EPOCH_PROGRAMS));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    function test_Attack_AnswersThatWereNotDrawn() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        bytes memory header = _layerBlock(built);
        uint256 other = 0;
        while (_isDrawn(built, other)) ++other;
        uint256 first = built.drawn[0];
        built.drawn[0] = other;
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        vm.expectRevert(abi.encodeWithSelector(EpochNodes.NotDrawn.selector, other));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        // One twice, in the place of another.
        built.drawn[0] = first;
        (openings, proof) = _opened(built, header);
        for (uint256 i = 0; i < 152; ++i) {
            openings.records[152 + i] = openings.records[i];
        }
        vm.expectRevert(abi.encodeWithSelector(EpochNodes.NotDrawn.selector, first));
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    function _isDrawn(Built memory built, uint256 index) private pure returns (bool) {
        for (uint256 i = 0; i < built.drawn.length; ++i) {
            if (built.drawn[i] == index) return true;
        }
        return false;
    }

    function test_Attack_BondExit() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        uint256 available = LINE_BOND - _exposure(built);
        vm.startPrank(provider);
        vm.expectRevert(_error(IEpochBook.LineBondTooLow.selector, available + 1, available));
        epochs.withdraw(served, available + 1);
        epochs.withdraw(served, available);
        // Nothing is left for another epoch.
        Built memory next = _build(1, COUNT, DRAWS);
        vm.expectPartialRevert(IEpochBook.LineBondTooLow.selector);
        epochs.commit(next.epoch, "");
        vm.stopPrank();
        _fix(built);
        _proveEpoch(built);
        vm.prank(provider);
        vm.expectRevert(_error(IEpochBook.LineBondTooLow.selector, 1, 0));
        epochs.withdraw(served, 1);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        epochs.settle(built.epoch);
        vm.prank(provider);
        epochs.withdraw(served, _exposure(built));
    }

    /// Strangers' dust is in their own lines and channels, and takes nobody longer.
    function test_Attack_DustGriefing() public {
        vm.startPrank(thief);
        epochs.bond(served, 1);
        epochs.fund(provider, served, 1);
        epochs.close(provider, served);
        vm.stopPrank();
        assertEq(epochs.channel(requester, provider, served).closeBy, 0);
        assertEq(epochs.channel(requester, provider, served).deposited, PREPAID);
        assertEq(epochs.line(provider, served).balance, LINE_BOND);
        vm.expectRevert(IEpochBook.ChannelNotClosing.selector);
        epochs.reclaim(requester, provider, served);
    }

    /// The most draws of the most answers are affordable.
    function test_Attack_UnboundedLoops() public view {
        Epoch memory epoch;
        epoch.terms = uint256(1 << 20) << 32 | 256 << 64;
        uint256 before = gasleft();
        uint256[] memory drawn = epochLens.drawnAnswers(epoch, keccak256("seed"));
        assertEq(drawn.length, 256);
        // The lens reads all marks, one by one; the contract does not.
        assertLt(before - gasleft(), 500_000_000);
    }

    function test_Attack_MostDrawsFitIntoATransaction() public {
        Built memory built = _fixed(0, 1_500, 256);
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
        assertLt(vm.lastCallGas().gasTotalUsed, 4_000_000);
    }
}
