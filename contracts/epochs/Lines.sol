// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "../interfaces/IAuditBeacon.sol";
import { IBondEscrow, Share } from "../interfaces/IBondEscrow.sol";
import { Channel, IEpochBook, Line, Payment, Voucher } from "../interfaces/IEpochBook.sol";
import { IModelRegistry } from "../interfaces/IModelRegistry.sol";
import { Economics } from "../libraries/Economics.sol";
import { LineWords } from "../libraries/LineWords.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Money of epochs: bonds and channels
/// @dev All money is this contract's free balance in the escrow; `_lines` and `_channels` say whose it is.
/// Each is of one version, and so of one asset. The escrow moves no tokens for this, so nothing can enter again.
abstract contract Lines is IEpochBook, EIP712 {
    using LineWords for uint256;

    bytes32 public constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address requester,address provider,bytes32 version,uint16 round,uint24 epoch,uint88 amount,uint32 answers)"
    );

    /// Of a hold that ends in the transaction in which it starts.
    bytes32 private constant HOLD = keccak256("nanozk EpochBook");

    IBondEscrow public immutable escrow;
    IModelRegistry public immutable registry;
    /// @notice Draws answers and layers. Zero where the chain has no `prevrandao` to draw from: then there are no
    /// epochs.
    IAuditBeacon public immutable beacon;
    /// @inheritdoc IEpochBook
    uint40 public immutable closeDelay;

    /// `LineWords`.
    mapping(address provider => mapping(bytes32 version => uint256)) internal _lines;
    mapping(address requester => mapping(address provider => mapping(bytes32 version => uint256))) private _channels;

    constructor(IBondEscrow escrow_, IModelRegistry registry_, IAuditBeacon beacon_, uint256 closeDelay_) {
        escrow = escrow_;
        registry = registry_;
        beacon = beacon_;
        // forge-lint: disable-next-line(unsafe-typecast) a sum of bounded windows
        closeDelay = uint40(closeDelay_);
    }

    // ---------------------------------------------------------------- lines

    /// @inheritdoc IEpochBook
    function bond(bytes32 version, uint256 amount) external {
        uint256 own = _lines[msg.sender][version];
        if (own.over()) revert LineIsOver(msg.sender, version);
        _lines[msg.sender][version] = _plus(own, own.balance(), amount);
        emit LineBonded(msg.sender, version, amount);
        _pull(version, amount);
    }

    /// @inheritdoc IEpochBook
    function withdraw(bytes32 version, uint256 amount) external {
        if (amount == 0) revert AmountZero();
        uint256 own = _lines[msg.sender][version];
        uint256 available = own.balance() - own.exposed();
        if (amount > available) revert LineBondTooLow(amount, available);
        _lines[msg.sender][version] = own - amount;
        emit LineWithdrawn(msg.sender, version, amount);
        _push(version, amount, msg.sender);
    }

    // ---------------------------------------------------------------- channels

    /// @inheritdoc IEpochBook
    function fund(address provider, bytes32 version, uint256 amount) external {
        uint256 own = _channels[msg.sender][provider][version];
        if (own.closeBy() != 0) revert ChannelIsClosing(own.closeBy());
        _channels[msg.sender][provider][version] = _plus(own, own.deposited(), amount);
        emit ChannelFunded(msg.sender, provider, version, own.round(), amount);
        _pull(version, amount);
    }

    /// @inheritdoc IEpochBook
    function close(address provider, bytes32 version) external {
        uint256 own = _channels[msg.sender][provider][version];
        if (own.closeBy() != 0) revert ChannelIsClosing(own.closeBy());
        if (own.deposited() == 0) revert AmountZero();
        // forge-lint: disable-next-line(unsafe-typecast) until 2106
        uint32 closeBy = uint32(block.timestamp + closeDelay);
        _channels[msg.sender][provider][version] = own | closeBy * LineWords.CLOSE_BY;
        emit ChannelClosing(msg.sender, provider, version, own.round(), closeBy);
    }

    /// @inheritdoc IEpochBook
    function reclaim(address requester, address provider, bytes32 version) external {
        uint256 closed_ = _channels[requester][provider][version];
        (uint32 closeBy, uint16 round) = (closed_.closeBy(), closed_.round());
        if (closeBy == 0) revert ChannelNotClosing();
        if (block.timestamp <= closeBy) revert ChannelStillOpen(closeBy);
        uint256 rest = closed_.deposited() - closed_.redeemed();
        // Vouchers of this round are worth nothing in the next.
        _channels[requester][provider][version] = (round + 1) * LineWords.ROUND;
        emit ChannelReclaimed(requester, provider, version, round, rest);
        if (rest != 0) _push(version, rest, requester);
    }

    /// @inheritdoc IEpochBook
    function redeem(Payment[] calldata payments) external {
        _redeem(payments);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEpochBook
    function line(address provider, bytes32 version) external view returns (Line memory) {
        return _lines[provider][version].unpackLine();
    }

    /// @inheritdoc IEpochBook
    function channel(address requester, address provider, bytes32 version) external view returns (Channel memory) {
        return _channels[requester][provider][version].unpackChannel();
    }

    /// @inheritdoc IEpochBook
    function voucherDigest(Voucher calldata voucher) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, voucher)));
    }

    /// @inheritdoc IEpochBook
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    // ---------------------------------------------------------------- internal

    function _redeem(Payment[] calldata payments) internal {
        for (uint256 i = 0; i < payments.length; ++i) {
            _redeem(payments[i].voucher, payments[i].signature);
        }
    }

    function _redeem(Voucher calldata voucher, bytes calldata signature) private {
        (address requester, address provider, bytes32 version) = (voucher.requester, voucher.provider, voucher.version);
        if (!Signatures.consents(requester, voucherDigest(voucher), signature)) revert BadSignature(requester);
        uint256 from = _channels[requester][provider][version];
        uint256 to = _lines[provider][version];
        if (voucher.round != from.round()) revert WrongRound(from.round(), voucher.round);
        uint256 closeBy = from.closeBy();
        if (closeBy != 0 && block.timestamp > closeBy) revert DeadlinePassed(closeBy);
        if (voucher.epoch >= to.settled()) revert NotSettled(voucher.epoch, to.settled());
        if (voucher.amount <= from.redeemed()) revert VoucherSpent(from.redeemed(), voucher.amount);
        if (voucher.amount > from.deposited()) revert VoucherExceedsDeposit(from.deposited(), voucher.amount);
        if (voucher.answers < from.paid()) revert FewerAnswers(from.paid(), voucher.answers);
        uint256 amount = voucher.amount - from.redeemed();
        uint256 answers = voucher.answers - from.paid();
        // Each answer of a settled epoch is paid for once.
        if (answers > to.answers()) revert VoucherExceedsAnswers(to.answers(), answers);
        _channels[requester][provider][version] = from + amount * LineWords.REDEEMED + answers * LineWords.PAID;
        _lines[provider][version] = _plus(to, to.balance(), amount) - answers * LineWords.ANSWERS;
        emit VoucherRedeemed(requester, provider, version, voucher.round, amount, answers);
    }

    /// Takes all that a line's open epochs expose: a part for the reporter, the rest is burned. None of them is settled
    /// any more.
    function _slash(address provider, bytes32 version, address reporter) internal {
        uint256 slashed = _lines[provider][version];
        uint256 amount = slashed.exposed();
        _lines[provider][version] = (slashed - amount - amount * LineWords.EXPOSED) | LineWords.OVER;
        uint256 reward = Economics.challengerShare(amount);
        emit LineSlashed(provider, version, reporter, reward, amount - reward);
        if (amount == 0) return;
        Share[] memory shares = new Share[](1);
        shares[0] = Share(reporter, reward);
        escrow.holdFree(HOLD, address(this), _assetOf(version), amount);
        escrow.share(HOLD, shares);
    }

    /// Adds to the amount in a word's lowest bits.
    function _plus(uint256 word, uint256 before, uint256 amount) private pure returns (uint256) {
        if (amount > type(uint88).max - before) revert AmountTooLarge(type(uint88).max - before, amount);
        return word + amount;
    }

    /// From the caller's free balance to this contract's.
    function _pull(bytes32 version, uint256 amount) private {
        if (amount == 0) revert AmountZero();
        escrow.holdFree(HOLD, msg.sender, _assetOf(version), amount);
        escrow.pay(HOLD, address(this));
    }

    /// From this contract's free balance to an account's.
    function _push(bytes32 version, uint256 amount, address to) private {
        escrow.holdFree(HOLD, address(this), _assetOf(version), amount);
        escrow.pay(HOLD, to);
    }

    function _assetOf(bytes32 version) private view returns (address) {
        return registry.policy(version).asset;
    }

    function _requireLive(address provider, bytes32 version) internal view {
        if (_lines[provider][version].over()) revert LineIsOver(provider, version);
    }
}
