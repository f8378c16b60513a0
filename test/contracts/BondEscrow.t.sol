// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { IBondEscrow, Share, Source } from "../../contracts/interfaces/IBondEscrow.sol";
import { PlainToken } from "./support/OddTokens.sol";
import { Test, stdError } from "forge-std/Test.sol";

contract BondEscrowTest is Test {
    address internal constant ETH = address(0);
    uint64 internal constant DELAY = 1 days;
    bytes32 internal constant HOLD = keccak256("hold");

    address internal operator = makeAddr("operator");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    PlainToken internal token = new PlainToken();
    BondEscrow internal escrow;

    function setUp() public {
        address[] memory operators = new address[](1);
        operators[0] = operator;
        address[] memory assets = new address[](2);
        (assets[0], assets[1]) = (ETH, address(token));
        escrow = new BondEscrow(operators, assets, DELAY);
        for (uint256 i = 0; i < 2; ++i) {
            address account = i == 0 ? alice : bob;
            vm.deal(account, 100 ether);
            token.mint(account, 100 ether);
            vm.prank(account);
            token.approve(address(escrow), type(uint256).max);
        }
    }

    function deposit(address account, address asset, uint256 amount) internal {
        vm.prank(account);
        escrow.deposit{ value: asset == ETH ? amount : 0 }(asset, amount);
    }

    function bond(address account, address asset, uint256 amount) internal {
        deposit(account, asset, amount);
        vm.prank(account);
        escrow.bond(asset, amount);
    }

    function share(address account, uint256 amount) internal pure returns (Share memory) {
        return Share(account, amount);
    }

    function test_Constructor_ArgumentsCanBeRead() public view {
        assertEq(escrow.operators().length, 1);
        assertEq(escrow.operators()[0], operator);
        assertTrue(escrow.isOperator(operator));
        assertFalse(escrow.isOperator(alice));
        assertEq(escrow.assets().length, 2);
        assertTrue(escrow.isAllowed(ETH));
        assertTrue(escrow.isAllowed(address(token)));
        assertFalse(escrow.isAllowed(alice));
        assertEq(escrow.unbondDelay(), DELAY);
    }

    function test_Constructor_RefusesLongDelaysAndAssetsWithoutCode() public {
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.UnbondDelayTooLong.selector, 30 days, 30 days + 1));
        new BondEscrow(none, none, 30 days + 1);
        address[] memory assets = new address[](1);
        assets[0] = alice;
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.AssetNotAllowed.selector, alice));
        new BondEscrow(none, assets, 0);
        BondEscrow tokenless = new BondEscrow(none, none, 30 days);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.AssetNotAllowed.selector, ETH));
        tokenless.deposit{ value: 1 }(ETH, 1);
    }

    function testFuzz_Deposit_CreditsExactlyWhatCame(uint256 amount, bool eth) public {
        amount = bound(amount, 1, 100 ether);
        address asset = eth ? ETH : address(token);
        vm.expectEmit(address(escrow));
        emit IBondEscrow.Deposited(alice, asset, amount, alice);
        deposit(alice, asset, amount);
        assertEq(escrow.free(alice, asset), amount);
        assertEq(escrow.ledger(asset), amount);
        assertEq(eth ? address(escrow).balance : token.balanceOf(address(escrow)), amount);
    }

    function test_Deposit_ForAnotherIsPaidByTheCaller() public {
        vm.expectEmit(address(escrow));
        emit IBondEscrow.Deposited(bob, address(token), 5, alice);
        vm.prank(alice);
        escrow.depositFor(bob, address(token), 5);
        assertEq(escrow.free(bob, address(token)), 5);
        assertEq(token.balanceOf(bob), 100 ether);
        vm.prank(alice);
        vm.expectRevert(IBondEscrow.ZeroAddress.selector);
        escrow.depositFor(address(0), address(token), 5);
    }

    function test_Deposit_RefusesWhatIsNotTheAmount() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.WrongValue.selector, 5, 4));
        escrow.deposit{ value: 4 }(ETH, 5);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.WrongValue.selector, 0, 1));
        escrow.deposit{ value: 1 }(address(token), 5);
        vm.expectRevert(IBondEscrow.AmountZero.selector);
        escrow.deposit(address(token), 0);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.AssetNotAllowed.selector, bob));
        escrow.deposit(bob, 5);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.AssetNotAllowed.selector, bob));
        escrow.depositWithPermit(bob, 5, 0, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.WrongValue.selector, 5, 0));
        escrow.depositWithPermit(ETH, 5, 0, 0, 0, 0);
        (bool ok,) = address(escrow).call{ value: 1 }("");
        assertFalse(ok);
    }

    function testFuzz_Withdraw_PaysOutOfTheFreeBalanceOnly(uint256 amount, uint256 out, bool eth) public {
        amount = bound(amount, 1, 100 ether);
        address asset = eth ? ETH : address(token);
        deposit(alice, asset, amount);
        deposit(bob, asset, 1 ether);
        address to = makeAddr("to");
        vm.startPrank(alice);
        if (out == 0) {
            vm.expectRevert(IBondEscrow.AmountZero.selector);
        } else if (out > amount) {
            vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientFree.selector, alice, asset, out, amount));
        }
        escrow.withdraw(asset, out, to);
        if (out == 0 || out > amount) return;
        assertEq(eth ? to.balance : token.balanceOf(to), out);
        assertEq(escrow.free(alice, asset), amount - out);
        assertEq(escrow.ledger(asset), 1 ether + amount - out);
    }

    function test_Withdraw_RefusesTheZeroAddressAndTheEscrowItself() public {
        deposit(alice, ETH, 5);
        deposit(alice, address(token), 5);
        vm.startPrank(alice);
        vm.expectRevert(IBondEscrow.ZeroAddress.selector);
        escrow.withdraw(ETH, 5, address(0));
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.TransferFailed.selector, ETH, address(escrow), 5));
        escrow.withdraw(ETH, 5, address(escrow));
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.DeltaMismatch.selector, address(token), 5, 0));
        escrow.withdraw(address(token), 5, address(escrow));
    }

    function test_Unbond_TakesTheDelayAndANewRequestStartsItAnew() public {
        bond(alice, ETH, 10);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.NothingQueued.selector, alice, ETH));
        escrow.unbond(ETH);
        vm.expectRevert(IBondEscrow.AmountZero.selector);
        escrow.requestUnbond(ETH, 0);
        escrow.requestUnbond(ETH, 4);
        uint64 first = uint64(block.timestamp) + DELAY;
        vm.warp(first - 1);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.NotYetAvailable.selector, first));
        escrow.unbond(ETH);
        escrow.requestUnbond(ETH, 3);
        vm.warp(first);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.NotYetAvailable.selector, first - 1 + DELAY));
        escrow.unbond(ETH);
        (uint256 queued, uint64 availableAt) = escrow.queued(alice, ETH);
        assertEq(queued, 7);
        assertEq(availableAt, first - 1 + DELAY);
        vm.warp(availableAt);
        vm.expectEmit(address(escrow));
        emit IBondEscrow.Unbonded(alice, ETH, 7);
        escrow.unbond(ETH);
        assertEq(escrow.free(alice, ETH), 7);
        assertEq(escrow.bonded(alice, ETH), 3);
        (queued, availableAt) = escrow.queued(alice, ETH);
        assertEq(queued, 0);
        assertEq(availableAt, 0);
    }

    function test_Unbond_HeldBondCannotLeave() public {
        bond(alice, ETH, 10);
        vm.prank(operator);
        escrow.holdBond(HOLD, alice, ETH, 6);
        assertEq(escrow.bonded(alice, ETH), 4);
        assertEq(escrow.encumbered(alice, ETH), 6);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientBond.selector, alice, ETH, 5, 4));
        escrow.requestUnbond(ETH, 5);
        escrow.requestUnbond(ETH, 4);
        vm.warp(block.timestamp + DELAY);
        escrow.unbond(ETH);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientFree.selector, alice, ETH, 5, 4));
        escrow.withdraw(ETH, 5, alice);
    }

    function test_Hold_OneBondIsNotHeldTwice() public {
        bond(alice, ETH, 10);
        vm.startPrank(operator);
        escrow.holdBond(HOLD, alice, ETH, 6);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientBond.selector, alice, ETH, 5, 4));
        escrow.holdBond(keccak256("other"), alice, ETH, 5);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientFree.selector, alice, ETH, 1, 0));
        escrow.holdFree(keccak256("other"), alice, ETH, 1);
    }

    function test_Hold_QueuedBondCannotBeHeld() public {
        bond(alice, ETH, 10);
        vm.prank(alice);
        escrow.requestUnbond(ETH, 7);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientBond.selector, alice, ETH, 4, 3));
        escrow.holdBond(HOLD, alice, ETH, 4);
    }

    function test_Hold_OperatorsOnly() public {
        bytes memory refused = abi.encodeWithSelector(IBondEscrow.NotOperator.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(refused);
        escrow.holdFree(HOLD, bob, ETH, 0);
        vm.expectRevert(refused);
        escrow.holdBond(HOLD, bob, ETH, 0);
        vm.expectRevert(refused);
        escrow.release(HOLD);
        vm.expectRevert(refused);
        escrow.share(HOLD, new Share[](0));
        vm.expectRevert(refused);
        escrow.pay(HOLD, alice);
        vm.expectRevert(refused);
        escrow.payAndRelease(HOLD, alice, HOLD);
    }

    function testFuzz_Release_GoesBackToWhereItCameFrom(uint256 amount, bool fromBond) public {
        amount = bound(amount, 0, 10);
        deposit(alice, ETH, 20);
        vm.prank(alice);
        escrow.bond(ETH, 10);
        vm.startPrank(operator);
        Source source = fromBond ? Source.Bond : Source.Free;
        vm.expectEmit(address(escrow));
        emit IBondEscrow.Held(HOLD, alice, ETH, amount, source);
        fromBond ? escrow.holdBond(HOLD, alice, ETH, amount) : escrow.holdFree(HOLD, alice, ETH, amount);
        (address account, address asset, uint256 held, Source from) = escrow.holdOf(HOLD);
        assertEq(account, alice);
        assertEq(asset, ETH);
        assertEq(held, amount);
        assertTrue(from == source);
        assertEq(escrow.ledger(ETH), 20);
        vm.expectEmit(address(escrow));
        emit IBondEscrow.Released(HOLD, alice, ETH, amount);
        escrow.release(HOLD);
        assertEq(escrow.free(alice, ETH), 10);
        assertEq(escrow.bonded(alice, ETH), 10);
        assertEq(escrow.encumbered(alice, ETH), 0);
    }

    /// Nothing is kept of a hold that is over: operators use an id once.
    function test_Hold_EndsOnce() public {
        deposit(alice, ETH, 10);
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.UnknownHold.selector, HOLD));
        escrow.release(HOLD);
        for (uint256 end = 0; end < 4; ++end) {
            escrow.holdFree(HOLD, alice, ETH, 2);
            vm.expectRevert(abi.encodeWithSelector(IBondEscrow.HoldExists.selector, HOLD));
            escrow.holdFree(HOLD, alice, ETH, 2);
            if (end == 0) escrow.release(HOLD);
            else if (end == 1) escrow.share(HOLD, new Share[](0));
            else escrow.pay(HOLD, bob);
            bytes memory unknown = abi.encodeWithSelector(IBondEscrow.UnknownHold.selector, HOLD);
            vm.expectRevert(unknown);
            escrow.release(HOLD);
            vm.expectRevert(unknown);
            escrow.share(HOLD, new Share[](0));
            vm.expectRevert(unknown);
            escrow.pay(HOLD, bob);
            (address account,, uint256 amount, Source source) = escrow.holdOf(HOLD);
            assertEq(account, address(0));
            assertEq(amount, 0);
            assertTrue(source == Source.None);
        }
        assertEq(escrow.free(alice, ETH), 4);
        assertEq(escrow.free(bob, ETH), 4);
        assertEq(escrow.burned(ETH), 2);
        assertEq(escrow.ledger(ETH), 10);
    }

    function testFuzz_Pay_AllOfAHoldToOneAccount(uint88 amount, bool fromBond, bool eth) public {
        address asset = eth ? ETH : address(token);
        amount = uint88(bound(amount, 1, 50 ether));
        bond(alice, asset, amount);
        deposit(alice, asset, amount);
        vm.startPrank(operator);
        fromBond ? escrow.holdBond(HOLD, alice, asset, amount) : escrow.holdFree(HOLD, alice, asset, amount);
        vm.expectRevert(IBondEscrow.ZeroAddress.selector);
        escrow.pay(HOLD, address(0));
        vm.expectEmit(address(escrow));
        emit IBondEscrow.Shared(HOLD, bob, asset, amount);
        escrow.pay(HOLD, bob);
        assertEq(escrow.free(bob, asset), amount);
        assertEq(escrow.free(alice, asset), fromBond ? amount : 0);
        assertEq(escrow.bonded(alice, asset), fromBond ? 0 : amount);
        assertEq(escrow.encumbered(alice, asset), 0);
        assertEq(escrow.ledger(asset), 2 * uint256(amount));
        assertEq(escrow.burned(asset), 0);
    }

    function test_PayAndRelease_EndsBothOrNone() public {
        bytes32 stake = keccak256("stake");
        deposit(alice, ETH, 3);
        bond(bob, ETH, 5);
        vm.startPrank(operator);
        escrow.holdFree(HOLD, alice, ETH, 3);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.UnknownHold.selector, stake));
        escrow.payAndRelease(HOLD, bob, stake);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.UnknownHold.selector, HOLD));
        escrow.payAndRelease(HOLD, bob, HOLD);
        escrow.holdBond(stake, bob, ETH, 5);
        escrow.payAndRelease(HOLD, bob, stake);
        assertEq(escrow.free(bob, ETH), 3);
        assertEq(escrow.bonded(bob, ETH), 5);
        assertEq(escrow.encumbered(bob, ETH), 0);
        assertEq(escrow.free(alice, ETH), 0);
    }

    function test_Hold_IsOfAtMost88Bits() public {
        uint256 most = type(uint88).max;
        vm.deal(alice, most + 1);
        deposit(alice, ETH, most + 1);
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.AmountTooLarge.selector, most, most + 1));
        escrow.holdFree(HOLD, alice, ETH, most + 1);
        escrow.holdFree(HOLD, alice, ETH, most);
        (,, uint256 amount,) = escrow.holdOf(HOLD);
        assertEq(amount, most);
        escrow.release(HOLD);
        assertEq(escrow.free(alice, ETH), most + 1);
    }

    /// Of nothing, too: it could not be told which asset it is of.
    function test_Hold_OfAnAllowedAssetOnly() public {
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.AssetNotAllowed.selector, bob));
        escrow.holdFree(HOLD, alice, bob, 0);
    }

    /// 63 tokens, and ETH wherever it is among them; each hold is of its own.
    function test_Hold_IsOfItsAsset() public {
        address[] memory operators = new address[](1);
        operators[0] = operator;
        address[] memory assets = new address[](65);
        for (uint256 i = 0; i < 65; ++i) {
            if (i != 2) assets[i] = address(new PlainToken());
        }
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.TooManyAssets.selector, 63, 65));
        new BondEscrow(operators, assets, DELAY);
        assembly ("memory-safe") {
            mstore(assets, 64)
        }
        escrow = new BondEscrow(operators, assets, DELAY);
        vm.startPrank(operator);
        for (uint256 i = 0; i < 64; ++i) {
            escrow.holdFree(bytes32(i), alice, assets[i], 0);
            escrow.holdBond(bytes32(100 + i), alice, assets[i], 0);
        }
        for (uint256 i = 0; i < 64; ++i) {
            (address account, address asset,, Source source) = escrow.holdOf(bytes32(i));
            assertEq(account, alice);
            assertEq(asset, assets[i]);
            assertTrue(source == Source.Free);
            (, asset,, source) = escrow.holdOf(bytes32(100 + i));
            assertEq(asset, assets[i]);
            assertTrue(source == Source.Bond);
        }
    }

    function testFuzz_Share_WhatNoShareNamesIsBurned(uint256 toAlice, uint256 toBob, uint256 toNobody, bool fromBond)
        public
    {
        toAlice = bound(toAlice, 0, 400);
        toBob = bound(toBob, 0, 400);
        toNobody = bound(toNobody, 0, 400);
        deposit(alice, ETH, 2_000);
        vm.prank(alice);
        escrow.bond(ETH, 1_000);
        Share[] memory shares = new Share[](3);
        (shares[0], shares[1], shares[2]) = (share(alice, toAlice), share(address(0), toNobody), share(bob, toBob));
        vm.startPrank(operator);
        fromBond ? escrow.holdBond(HOLD, alice, ETH, 1_000) : escrow.holdFree(HOLD, alice, ETH, 1_000);
        escrow.share(HOLD, shares);
        assertEq(escrow.free(alice, ETH), (fromBond ? 1_000 : 0) + toAlice);
        assertEq(escrow.bonded(alice, ETH), fromBond ? 0 : 1_000);
        assertEq(escrow.encumbered(alice, ETH), 0);
        assertEq(escrow.free(bob, ETH), toBob);
        assertEq(escrow.burned(ETH), 1_000 - toAlice - toBob);
        assertEq(escrow.ledger(ETH), 2_000);
    }

    function test_Share_RefusesMoreThanTheHold() public {
        deposit(alice, ETH, 10);
        vm.startPrank(operator);
        escrow.holdFree(HOLD, alice, ETH, 4);
        Share[] memory shares = new Share[](2);
        (shares[0], shares[1]) = (share(alice, 3), share(bob, 2));
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.SharesExceedHold.selector, HOLD, 4, 5));
        escrow.share(HOLD, shares);
        shares[0].amount = type(uint256).max;
        vm.expectRevert(stdError.arithmeticError);
        escrow.share(HOLD, shares);
        assertEq(escrow.free(bob, ETH), 0);
    }

    function test_Sweep_SendsWhatWasBurnedAndNothingElse() public {
        address asset = address(token);
        vm.expectRevert(IBondEscrow.AmountZero.selector);
        escrow.sweepBurned(asset);
        deposit(alice, asset, 10);
        vm.startPrank(operator);
        escrow.holdFree(HOLD, alice, asset, 4);
        escrow.share(HOLD, new Share[](0));
        vm.stopPrank();
        assertEq(escrow.ledger(asset), 10);
        vm.expectEmit(address(escrow));
        emit IBondEscrow.BurnedSwept(asset, 4);
        escrow.sweepBurned(asset);
        assertEq(token.balanceOf(escrow.BURN_ADDRESS()), 4);
        assertEq(escrow.ledger(asset), 6);
        assertEq(escrow.burned(asset), 0);
        assertEq(token.balanceOf(address(escrow)), 6);
    }
}
