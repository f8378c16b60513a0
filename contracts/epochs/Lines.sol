// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "../interfaces/IAuditBeacon.sol";
import { IBondEscrow, Share } from "../interfaces/IBondEscrow.sol";
import { Channel, IEpochBook, Line, Voucher } from "../interfaces/IEpochBook.sol";
import { IModelRegistry } from "../interfaces/IModelRegistry.sol";
import { Economics } from "../libraries/Economics.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Money of epochs: bonds and channels
/// @dev All money is this contract's free balance in the escrow; `_lines` and `_channels` say whose it is.
/// Each is of one version, and so of one asset. The escrow moves no tokens for this, so nothing can enter again.
abstract contract Lines is IEpochBook, EIP712 {
    bytes32 public constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address requester,address provider,bytes32 version,uint32 round,uint32 epoch,uint88 amount)"
    );

    /// Of a hold that ends in the transaction in which it starts.
    bytes32 private constant HOLD = keccak256("nanozk EpochBook");

    IBondEscrow public immutable escrow;
    IModelRegistry public immutable registry;
    /// @notice Draws answers and layers. Zero where the chain has no `prevrandao` to draw from: then there are no epochs.
    IAuditBeacon public immutable beacon;
    /// @inheritdoc IEpochBook
    uint40 public immutable closeDelay;

    mapping(address provider => mapping(bytes32 version => Line)) internal _lines;
    mapping(address requester => mapping(address provider => mapping(bytes32 version => Channel))) private _channels;

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
        Line storage own = _lines[msg.sender][version];
        if (own.over) revert LineIsOver(msg.sender, version);
        own.balance += _pull(version, amount);
        emit LineBonded(msg.sender, version, amount);
    }

    /// @inheritdoc IEpochBook
    function withdraw(bytes32 version, uint256 amount) external {
        if (amount == 0) revert AmountZero();
        Line storage own = _lines[msg.sender][version];
        uint256 available = own.balance - own.exposed;
        if (amount > available) revert InsufficientBond(amount, available);
        // forge-lint: disable-next-line(unsafe-typecast) at most the balance
        own.balance -= uint88(amount);
        emit LineWithdrawn(msg.sender, version, amount);
        _push(version, amount, msg.sender);
    }

    // ---------------------------------------------------------------- channels

    /// @inheritdoc IEpochBook
    function fund(address provider, bytes32 version, uint256 amount) external {
        Channel storage own = _channels[msg.sender][provider][version];
        if (own.closeBy != 0) revert ChannelIsClosing(own.closeBy);
        own.deposited += _pull(version, amount);
        emit ChannelFunded(msg.sender, provider, version, own.round, amount);
    }

    /// @inheritdoc IEpochBook
    function close(address provider, bytes32 version) external {
        Channel storage own = _channels[msg.sender][provider][version];
        if (own.closeBy != 0) revert ChannelIsClosing(own.closeBy);
        if (own.deposited == 0) revert AmountZero();
        uint40 closeBy = uint40(block.timestamp) + closeDelay;
        own.closeBy = closeBy;
        emit ChannelClosing(msg.sender, provider, version, own.round, closeBy);
    }

    /// @inheritdoc IEpochBook
    function reclaim(address requester, address provider, bytes32 version) external {
        Channel storage closed = _channels[requester][provider][version];
        (uint40 closeBy, uint32 round) = (closed.closeBy, closed.round);
        if (closeBy == 0) revert ChannelNotClosing();
        if (block.timestamp <= closeBy) revert ChannelStillOpen(closeBy);
        uint256 rest = closed.deposited - closed.redeemed;
        // Vouchers of this round are worth nothing in the next.
        _channels[requester][provider][version] = Channel(0, 0, round + 1, 0);
        emit ChannelReclaimed(requester, provider, version, round, rest);
        if (rest != 0) _push(version, rest, requester);
    }

    /// @inheritdoc IEpochBook
    function redeem(Voucher calldata voucher, bytes calldata signature) external {
        (address requester, address provider, bytes32 version) = (voucher.requester, voucher.provider, voucher.version);
        if (!Signatures.consents(requester, voucherDigest(voucher), signature)) revert BadSignature(requester);
        Channel storage from = _channels[requester][provider][version];
        Line storage to = _lines[provider][version];
        Channel memory paid = from;
        if (voucher.round != paid.round) revert WrongRound(paid.round, voucher.round);
        if (paid.closeBy != 0 && block.timestamp > paid.closeBy) revert DeadlinePassed(paid.closeBy);
        if (voucher.epoch >= to.settled) revert NotSettled(voucher.epoch, to.settled);
        if (voucher.amount <= paid.redeemed) revert VoucherSpent(paid.redeemed, voucher.amount);
        if (voucher.amount > paid.deposited) revert VoucherExceedsDeposit(paid.deposited, voucher.amount);
        uint88 amount = voucher.amount - paid.redeemed;
        uint128 available = to.payable_;
        if (amount > available) revert VoucherExceedsAnswers(available, amount);
        from.redeemed = voucher.amount;
        to.payable_ = available - amount;
        to.balance += amount;
        emit VoucherRedeemed(requester, provider, version, paid.round, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEpochBook
    function line(address provider, bytes32 version) external view returns (Line memory) {
        return _lines[provider][version];
    }

    /// @inheritdoc IEpochBook
    function channel(address requester, address provider, bytes32 version) external view returns (Channel memory) {
        return _channels[requester][provider][version];
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

    /// Takes all that a line's open epochs expose: a part for the reporter, the rest is burned. None of them is settled any more.
    function _slash(address provider, bytes32 version, address reporter) internal {
        Line storage slashed = _lines[provider][version];
        uint88 amount = slashed.exposed;
        slashed.balance -= amount;
        slashed.exposed = 0;
        slashed.over = true;
        uint256 reward = Economics.challengerShare(amount);
        emit LineSlashed(provider, version, reporter, reward, amount - reward);
        if (amount == 0) return;
        Share[] memory shares = new Share[](1);
        shares[0] = Share(reporter, reward);
        escrow.holdFree(HOLD, address(this), _assetOf(version), amount);
        escrow.share(HOLD, shares);
    }

    /// From the caller's free balance to this contract's.
    function _pull(bytes32 version, uint256 amount) internal returns (uint88) {
        if (amount == 0) revert AmountZero();
        // Refuses what does not fit.
        escrow.holdFree(HOLD, msg.sender, _assetOf(version), amount);
        escrow.pay(HOLD, address(this));
        // forge-lint: disable-next-line(unsafe-typecast) a hold is of at most 88 bits
        return uint88(amount);
    }

    /// From this contract's free balance to an account's.
    function _push(bytes32 version, uint256 amount, address to) internal {
        escrow.holdFree(HOLD, address(this), _assetOf(version), amount);
        escrow.pay(HOLD, to);
    }

    function _assetOf(bytes32 version) private view returns (address) {
        return registry.policy(version).asset;
    }

    function _requireLive(address provider, bytes32 version) internal view {
        if (_lines[provider][version].over) revert LineIsOver(provider, version);
    }
}
