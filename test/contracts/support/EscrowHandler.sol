// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { BondEscrow } from "../../../contracts/BondEscrow.sol";
import { Share, Source } from "../../../contracts/interfaces/IBondEscrow.sol";
import { PlainToken } from "./OddTokens.sol";
import { CommonBase } from "forge-std/Base.sol";
import { StdUtils } from "forge-std/StdUtils.sol";

/// @title Everything that can happen to an escrow, in any order
/// @notice The handler is the operator. It brings about what an action needs, so that none reverts and each does
/// something.
contract EscrowHandler is CommonBase, StdUtils {
    address internal constant ETH = address(0);
    uint256 internal constant MAX = 1e24;

    BondEscrow public immutable escrow;
    PlainToken public immutable token = new PlainToken();
    address[] public actors;
    bytes32[] public holds;
    uint256 public actions;

    mapping(address asset => uint256) public cameIn;
    mapping(address asset => uint256) public wentOut;
    mapping(bytes32 hold => bool) public over;

    constructor() {
        address[] memory operators = new address[](1);
        operators[0] = address(this);
        address[] memory assets = new address[](2);
        assets[1] = address(token);
        escrow = new BondEscrow(operators, assets, 1 days);
        for (uint256 i = 1; i <= 4; ++i) {
            actors.push(address(uint160(0xac7000 + i)));
        }
    }

    function holdCount() external view returns (uint256) {
        return holds.length;
    }

    function actorCount() external view returns (uint256) {
        return actors.length;
    }

    function deposit(uint256 who, bool eth, uint256 amount) external {
        _deposit(_actor(who), _asset(eth), bound(amount, 1, MAX));
        ++actions;
    }

    function withdraw(uint256 who, bool eth, uint256 amount, uint256 to) external {
        (address account, address asset) = (_actor(who), _asset(eth));
        amount = _needFree(account, asset, amount);
        vm.prank(account);
        escrow.withdraw(asset, amount, _actor(to));
        wentOut[asset] += amount;
        ++actions;
    }

    function bond(uint256 who, bool eth, uint256 amount) external {
        _bond(_actor(who), _asset(eth), amount);
        ++actions;
    }

    function requestUnbond(uint256 who, bool eth, uint256 amount) external {
        (address account, address asset) = (_actor(who), _asset(eth));
        amount = _needBonded(account, asset, amount);
        vm.prank(account);
        escrow.requestUnbond(asset, amount);
        ++actions;
    }

    function unbond(uint256 who, bool eth) external {
        (address account, address asset) = (_actor(who), _asset(eth));
        (uint256 queued, uint64 availableAt) = escrow.queued(account, asset);
        if (queued == 0) {
            uint256 amount = _needBonded(account, asset, queued);
            vm.prank(account);
            escrow.requestUnbond(asset, amount);
            (, availableAt) = escrow.queued(account, asset);
        }
        if (block.timestamp < availableAt) vm.warp(availableAt);
        vm.prank(account);
        escrow.unbond(asset);
        ++actions;
    }

    function hold(uint256 who, bool eth, uint256 amount, bool fromBond) external {
        _hold(_actor(who), _asset(eth), amount, fromBond);
        ++actions;
    }

    function release(uint256 which) external {
        bytes32 id = _openHold(which);
        escrow.release(id);
        over[id] = true;
        ++actions;
    }

    function share(uint256 which, uint256 a, uint256 b, uint256 first, uint256 second) external {
        bytes32 id = _openHold(which);
        (,, uint256 amount,) = escrow.holdOf(id);
        Share[] memory shares = new Share[](2);
        shares[0] = Share(_actor(a), bound(first, 0, amount));
        shares[1] = Share(_actor(b), bound(second, 0, amount - shares[0].amount));
        escrow.share(id, shares);
        over[id] = true;
        ++actions;
    }

    function pay(uint256 which, uint256 to) external {
        bytes32 id = _openHold(which);
        escrow.pay(id, _actor(to));
        over[id] = true;
        ++actions;
    }

    function payAndRelease(uint256 which, uint256 other, uint256 to) external {
        bytes32 paid = _openHold(which);
        over[paid] = true;
        bytes32 released = _openHold(other);
        over[released] = true;
        escrow.payAndRelease(paid, _actor(to), released);
        ++actions;
    }

    function sweep(bool eth) external {
        address asset = _asset(eth);
        if (escrow.burned(asset) == 0) {
            escrow.share(_hold(actors[0], asset, 1, false), new Share[](0));
            over[holds[holds.length - 1]] = true;
        }
        wentOut[asset] += escrow.burned(asset);
        escrow.sweepBurned(asset);
        ++actions;
    }

    /// Money that was never deposited.
    function force(bool eth, uint256 amount) external {
        amount = bound(amount, 1, MAX);
        if (eth) vm.deal(address(escrow), address(escrow).balance + amount);
        else token.mint(address(escrow), amount);
        ++actions;
    }

    function _actor(uint256 seed) private view returns (address) {
        return actors[seed % actors.length];
    }

    function _asset(bool eth) private view returns (address) {
        return eth ? ETH : address(token);
    }

    function _deposit(address account, address asset, uint256 amount) private {
        if (asset == ETH) {
            vm.deal(account, account.balance + amount);
            vm.prank(account);
            escrow.deposit{ value: amount }(ETH, amount);
        } else {
            token.mint(account, amount);
            vm.startPrank(account);
            token.approve(address(escrow), amount);
            escrow.deposit(asset, amount);
            vm.stopPrank();
        }
        cameIn[asset] += amount;
    }

    function _bond(address account, address asset, uint256 amount) private {
        amount = _needFree(account, asset, amount);
        vm.prank(account);
        escrow.bond(asset, amount);
    }

    /// An amount that the account has.
    function _needFree(address account, address asset, uint256 seed) private returns (uint256) {
        if (escrow.free(account, asset) == 0) _deposit(account, asset, bound(seed, 1, MAX));
        return bound(seed, 1, escrow.free(account, asset));
    }

    function _needBonded(address account, address asset, uint256 seed) private returns (uint256) {
        if (escrow.bonded(account, asset) == 0) _bond(account, asset, seed);
        return bound(seed, 1, escrow.bonded(account, asset));
    }

    function _hold(address account, address asset, uint256 seed, bool fromBond) private returns (bytes32 id) {
        id = keccak256(abi.encode(holds.length));
        if (fromBond) escrow.holdBond(id, account, asset, _needBonded(account, asset, seed));
        else escrow.holdFree(id, account, asset, _needFree(account, asset, seed));
        holds.push(id);
    }

    function _openHold(uint256 seed) private returns (bytes32) {
        uint256 count = holds.length;
        for (uint256 i = 0; i < count; ++i) {
            bytes32 id = holds[(seed % count + i) % count];
            if (!over[id]) return id;
        }
        return _hold(_actor(seed), _asset(seed % 2 == 0), seed, seed % 3 == 0);
    }
}
