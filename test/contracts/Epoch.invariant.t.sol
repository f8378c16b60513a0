// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt } from "../../contracts/interfaces/EpochTypes.sol";
import { Channel, EpochStatus, Line, Payment } from "../../contracts/interfaces/IEpochBook.sol";
import { Dispute, DisputeStatus } from "../../contracts/interfaces/IEpochDisputes.sol";
import { EpochEconomics } from "../../contracts/libraries/EpochEconomics.sol";
import { EpochBase } from "./EpochBase.t.sol";
import { EpochTrees } from "./support/EpochTrees.sol";

/// @title Epochs of any length in any order, with demands and challenges, until a line is over and another provider
/// begins
contract EpochInvariantTest is EpochBase {
    struct Open {
        bytes32 dispute;
        uint256 epoch;
        uint256 index;
        bool isDemand;
    }

    Built[] private all;
    Open[] private opened;
    address[] private providers;
    uint256[] private keys;
    /// Of each provider, answers that vouchers paid for, and answers of settled epochs.
    mapping(address => uint256) private paidAnswers;
    mapping(address => uint256) private settledAnswers;
    mapping(EpochStatus => uint256) private reached;
    mapping(DisputeStatus => uint256) private ended;
    /// Of lines that were over.
    mapping(DisputeStatus => uint256) private endedOver;
    uint256 private overs;
    uint256 private redemptions;
    uint256 private reclaims;
    uint256 private total;

    function setUp() public override {
        super.setUp();
        providers.push(provider);
        keys.push(providerKey);
        total = escrow.ledger(ETH);
        bytes4[] memory selectors = new bytes4[](12);
        selectors[0] = this.commitEpoch.selector;
        selectors[1] = this.fixEpoch.selector;
        selectors[2] = this.proveEpoch.selector;
        selectors[3] = this.settleEpoch.selector;
        selectors[4] = this.expireEpoch.selector;
        selectors[5] = this.wait.selector;
        selectors[6] = this.pay.selector;
        selectors[7] = this.moveChannel.selector;
        selectors[8] = this.moveBond.selector;
        selectors[9] = this.openDispute.selector;
        selectors[10] = this.endDispute.selector;
        selectors[11] = this.resolveBond.selector;
        targetSelector(FuzzSelector(address(this), selectors));
        targetContract(address(this));
    }

    // ---------------------------------------------------------------- actions

    function _line() private view returns (Line memory) {
        return epochs.line(provider, served);
    }

    function _pick(uint256 seed) private view returns (bool there, Built memory built, uint256 index) {
        if (all.length == 0) return (false, built, 0);
        index = seed % all.length;
        built = all[index];
        there = built.epoch.provider == provider && !_line().over;
    }

    function commitEpoch(uint256 count, uint256 draws) external {
        if (_line().over) return _begin();
        count = bound(count, 1, 12);
        draws = bound(draws, 1, count < 4 ? count : 4);
        if (epochs.exposureOf(page, count, draws) > _line().balance - _line().exposed || _line().open > 3) return;
        Built memory built = _build(_line().next, count, draws);
        _commit(built);
        all.push(built);
        ++reached[EpochStatus.Committed];
    }

    /// Another provider.
    function _begin() private {
        ++overs;
        (provider, providerKey) = makeAddrAndKey(string.concat("provider ", vm.toString(providers.length)));
        providers.push(provider);
        keys.push(providerKey);
        _fund(provider, 100 ether, 0);
        total += 100 ether;
        vm.prank(provider);
        epochs.bond(served, LINE_BOND);
        vm.prank(requester);
        epochs.fund(provider, served, 0.01 ether);
    }

    function fixEpoch(uint256 seed) external {
        (bool there, Built memory built, uint256 i) = _pick(seed);
        if (!there || epochs.statusOf(_idOf(built)) != EpochStatus.Committed) return;
        uint256 time = block.timestamp + (block.number <= _drawBlock(built) ? 400 : 0);
        if (time > _committedAt(built) + EPOCH_CHALLENGE || block.number > _drawBlock(built) + 200) return;
        _fix(built);
        all[i] = built;
        ++reached[EpochStatus.Fixed];
    }

    function proveEpoch(uint256 seed) external {
        (bool there, Built memory built, uint256 i) = _pick(seed);
        if (!there || epochs.statusOf(_idOf(built)) != EpochStatus.Fixed) return;
        uint256 time = block.timestamp + (block.number <= built.fixed_.drawBlock ? 400 : 0);
        if (time > built.fixed_.fixedAt + epochs.proveWindow() || block.number > built.fixed_.drawBlock + 200) return;
        _proveEpoch(built);
        all[i] = built;
        ++reached[EpochStatus.Proven];
        _noteSettled(built);
    }

    function _noteSettled(Built memory built) private {
        if (epochs.statusOf(_idOf(built)) != EpochStatus.Settled) return;
        ++reached[EpochStatus.Settled];
        settledAnswers[built.epoch.provider] += _countOf(built);
    }

    function settleEpoch(uint256 seed) external {
        (bool there, Built memory built,) = _pick(seed);
        bytes32 id = _idOf(built);
        if (!there || epochs.statusOf(id) != EpochStatus.Proven || epochs.openDisputes(id) != 0) return;
        if (_line().next - _line().open != uint32(built.epoch.terms)) return;
        if (block.timestamp <= _committedAt(built) + EPOCH_CHALLENGE) return;
        epochs.settle(built.epoch);
        _noteSettled(built);
    }

    function expireEpoch(uint256 seed) external {
        (bool there, Built memory built,) = _pick(seed);
        if (!there) return;
        EpochStatus status = epochs.statusOf(_idOf(built));
        uint256 deadline = _committedAt(built) + EPOCH_CHALLENGE;
        if (status == EpochStatus.Fixed) deadline = built.fixed_.fixedAt + epochs.proveWindow();
        else if (status != EpochStatus.Committed) return;
        if (block.timestamp <= deadline) return;
        vm.prank(seed % 2 == 0 ? challenger : provider);
        epochs.expire(built.epoch, built.fixed_);
    }

    function wait(uint256 time) external {
        time = bound(time, 1, 40 minutes);
        vm.warp(block.timestamp + time);
        vm.roll(block.number + time / 12);
    }

    function pay(uint256 seed) external {
        uint256 settled = _line().next - _line().open;
        Channel memory from = epochs.channel(requester, provider, served);
        uint32 answers = uint32(bound(seed, 0, 5));
        if (settled == 0 || answers == 0 || answers > _line().answers) return;
        if (from.closeBy != 0 && block.timestamp > from.closeBy) return;
        Payment[] memory payments = new Payment[](1);
        payments[0].voucher = _voucher(uint24(settled - 1), from.answers + answers);
        payments[0].voucher.round = from.round;
        payments[0].voucher.amount = from.redeemed + answers * uint88(ANSWER_PRICE);
        if (payments[0].voucher.amount > from.deposited) return;
        vm.prank(requester);
        epochs.redeem(payments);
        paidAnswers[provider] += answers;
        ++redemptions;
    }

    function moveChannel(uint256 seed) external {
        Channel memory own = epochs.channel(requester, provider, served);
        if (own.closeBy != 0) {
            if (block.timestamp <= own.closeBy) return vm.warp(own.closeBy + seed % 2);
            epochs.reclaim(requester, provider, served);
            ++reclaims;
        } else if (seed % 8 == 0 && own.deposited != 0) {
            vm.prank(requester);
            epochs.close(provider, served);
        } else if (_free(requester) > 1e15) {
            vm.prank(requester);
            epochs.fund(provider, served, 1 + seed % 1e15);
        }
    }

    function moveBond(uint256 seed) external {
        Line memory own = _line();
        uint256 available = own.balance - own.exposed;
        if (seed % 2 == 0 && available != 0) {
            vm.prank(provider);
            epochs.withdraw(served, 1 + seed % available);
        } else if (!own.over && _free(provider) > 1 ether) {
            vm.prank(provider);
            epochs.bond(served, 1 + seed % 1 ether);
        }
    }

    function openDispute(uint256 seed, uint256 index) external {
        (bool there, Built memory built, uint256 i) = _pick(seed);
        bytes32 id = _idOf(built);
        if (!there || epochs.statusOf(id) >= EpochStatus.Settled) return;
        if (block.timestamp > _committedAt(built) + EPOCH_CHALLENGE) return;
        index = index % _countOf(built);
        AnswerReceipt memory receipt = _receiptAt(uint32(built.epoch.terms), index);
        bool isDemand = seed % 3 == 0;
        bytes32 dispute = isDemand
            ? epochDisputes.demandId(id, epochDisputes.receiptDigest(receipt))
            : epochDisputes.challengeId(id, index, challenger);
        if (epochDisputes.disputeOf(dispute).status != DisputeStatus.None) return;
        bytes memory signature = _signReceipt(receipt);
        vm.prank(isDemand ? requester : challenger);
        if (isDemand) epochDisputes.demand(built.epoch, receipt, signature);
        else epochDisputes.challenge(built.epoch, index, type(uint256).max);
        opened.push(Open(dispute, i, index, isDemand));
    }

    /// The next turn of one that has not ended, or its end.
    function endDispute(uint256 seed) external {
        for (uint256 i = 0; i < opened.length; ++i) {
            if (_goOn(opened[(seed % opened.length + i) % opened.length])) return;
        }
    }

    function _goOn(Open memory open) private returns (bool) {
        Built memory built = all[open.epoch];
        DisputeStatus status = epochDisputes.disputeOf(open.dispute).status;
        if (status >= DisputeStatus.Answered) return false;
        // A challenge goes on when its line is over; a demand does not.
        bool over = epochs.line(built.epoch.provider, served).over;
        if (over && open.isDemand) return false;
        if (block.timestamp > epochDisputes.disputeOf(open.dispute).until) {
            if (over && status != DisputeStatus.Fixed) return false;
            epochDisputes.timeout(built.epoch, open.dispute);
        } else if (open.isDemand) {
            AnswerReceipt memory receipt = _receiptAt(uint32(built.epoch.terms), open.index);
            bytes memory path = EpochTrees.path(built.receipts, open.index);
            epochDisputes.show(built.epoch, receipt, EpochTrees.path(built.statements, open.index), path);
        } else if (status == DisputeStatus.Open) {
            vm.prank(built.epoch.provider);
            epochDisputes.fixAnswer(
                built.epoch, _placedAt(built, open.index), challenger, _scalar("digest"), new uint256[](3), ""
            );
        } else if (status == DisputeStatus.Fixed) {
            vm.prank(challenger);
            epochDisputes.ask(built.epoch, open.index, 1);
        }
        status = epochDisputes.disputeOf(open.dispute).status;
        ++ended[status];
        if (over) ++endedOver[status];
        return true;
    }

    function resolveBond(uint256 seed) external {
        if (opened.length == 0) return;
        Open memory open = opened[seed % opened.length];
        Built memory built = all[open.epoch];
        bool over = epochs.line(built.epoch.provider, served).over;
        if (!over && epochs.statusOf(_idOf(built)) != EpochStatus.Settled) return;
        Dispute memory dispute = epochDisputes.disputeOf(open.dispute);
        bool waits = over && dispute.status < DisputeStatus.Answered && block.timestamp <= dispute.until;
        if (dispute.bonded && !waits) epochDisputes.resolve(built.epoch, open.dispute);
    }

    // ---------------------------------------------------------------- invariants

    /// What the contract has is what lines and channels say; money in = money there + burned.
    function invariant_MoneyInIsMoneyOutAndBurned() public view {
        uint256 own = 0;
        uint256 sum =
            escrow.burned(ETH) + _free(requester) + _free(challenger) + _free(thief) + escrow.bonded(thief, ETH);
        for (uint256 i = 0; i < providers.length; ++i) {
            own += epochs.line(providers[i], served).balance;
            Channel memory from = epochs.channel(requester, providers[i], served);
            own += from.deposited - from.redeemed;
            sum += _free(providers[i]) + escrow.bonded(providers[i], ETH);
        }
        assertEq(_free(address(epochs)), own, "the contract's");
        for (uint256 i = 0; i < opened.length; ++i) {
            (,, uint256 held,) = escrow.holdOf(opened[i].dispute);
            assertEq(held != 0, epochDisputes.disputeOf(opened[i].dispute).bonded, "a bond is held");
            sum += held;
        }
        assertEq(sum + own, escrow.ledger(ETH), "the sum");
        assertEq(escrow.ledger(ETH), total, "what came in");
    }

    /// Each answer of a settled epoch is paid for at most once.
    function invariant_NoAnswerIsPaidTwice() public view {
        for (uint256 i = 0; i < providers.length; ++i) {
            uint256 left = epochs.line(providers[i], served).answers;
            assertEq(left + paidAnswers[providers[i]], settledAnswers[providers[i]]);
        }
    }

    /// The bond that can be lost is what open epochs expose, and is there.
    function invariant_SlashableBondCoversExposure() public view {
        for (uint256 i = 0; i < providers.length; ++i) {
            Line memory own = epochs.line(providers[i], served);
            assertLe(own.exposed, own.balance);
            (uint256 exposed, uint256 open) = (0, 0);
            for (uint256 j = 0; j < all.length; ++j) {
                if (all[j].epoch.provider != providers[i]) continue;
                EpochStatus status = epochs.statusOf(_idOf(all[j]));
                if (status == EpochStatus.Settled) continue;
                ++open;
                exposed += _exposure(all[j]);
            }
            assertEq(own.open, open);
            assertEq(own.exposed, own.over ? 0 : exposed);
        }
    }

    /// Epochs are settled in order, none with an open dispute.
    function invariant_SettledInOrder() public view {
        for (uint256 j = 0; j < all.length; ++j) {
            bool settled = epochs.statusOf(_idOf(all[j])) == EpochStatus.Settled;
            Line memory own = epochs.line(all[j].epoch.provider, served);
            assertEq(settled, uint32(all[j].epoch.terms) < own.next - own.open);
            if (settled) assertEq(epochs.openDisputes(_idOf(all[j])), 0);
        }
    }

    /// The next challenge costs as much as the bonds say that are held against the line.
    function invariant_ChallengesCostWhatIsHeld() public view {
        for (uint256 j = 0; j < all.length; ++j) {
            Line memory own = epochs.line(all[j].epoch.provider, served);
            if (own.over || epochs.statusOf(_idOf(all[j])) == EpochStatus.Settled) continue;
            uint256 held = 0;
            for (uint256 i = 0; i < opened.length; ++i) {
                bool ofLine = all[opened[i].epoch].epoch.provider == all[j].epoch.provider;
                if (ofLine && epochDisputes.disputeOf(opened[i].dispute).bonded) ++held;
            }
            uint256 expected = EpochEconomics.challengeBond(ANSWER_BOND * EPOCH_LAYERS, held, own.balance);
            assertEq(epochDisputes.bondOf(all[j].epoch), expected);
        }
    }

    function _endWhileAChallengeGoesOn() private {
        _begin();
        this.commitEpoch(5, 2);
        uint256 last = all.length - 1;
        vm.warp(_committedAt(all[last]) + EPOCH_CHALLENGE);
        this.openDispute(last % 3 == 0 ? last + all.length : last, 1);
        vm.warp(block.timestamp + 1);
        this.expireEpoch(last);
        this.endDispute(opened.length - 1);
        this.endDispute(opened.length - 1);
    }

    /// The actions reach every status: else the invariants would hold of nothing.
    function test_Actions_ReachEveryStatus() public {
        for (uint256 i = 0; i < 900; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            uint256 action = i % 12;
            if (action == 0) this.commitEpoch(seed, seed >> 8);
            if (action == 1) this.openDispute(seed, seed >> 8);
            if (action == 2 || action == 8) this.fixEpoch(all.length == 0 ? 0 : all.length - 1);
            if (action == 3 || action == 9) this.proveEpoch(all.length == 0 ? 0 : all.length - 1);
            if (action == 4) this.endDispute(opened.length == 0 ? 0 : opened.length - 1);
            if (action == 5) this.wait(seed);
            if (action == 6) this.settleEpoch(seed);
            if (action == 7) this.pay(seed);
            if (action == 10) this.resolveBond(seed);
            if (action == 11) {
                this.moveBond(seed);
                this.moveChannel(seed);
                if (i % 5 == 0) this.expireEpoch(seed);
                this.endDispute(seed);
            }
        }
        assertGt(reached[EpochStatus.Settled], 0, "settled");
        assertGt(ended[DisputeStatus.Answered], 0, "answered");
        assertGt(ended[DisputeStatus.Asked], 0, "asked");
        assertGt(overs, 0, "over");
        assertGt(redemptions, 0, "redeemed");
        assertGt(reclaims, 0, "reclaimed");
        _endWhileAChallengeGoesOn();
        assertGt(endedOver[DisputeStatus.Asked], 0, "asked of a line that is over");
        invariant_MoneyInIsMoneyOutAndBurned();
        invariant_NoAnswerIsPaidTwice();
        invariant_SlashableBondCoversExposure();
        invariant_SettledInOrder();
        invariant_ChallengesCostWhatIsHeld();
    }
}
