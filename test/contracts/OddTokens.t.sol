// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { IBondEscrow, Share } from "../../contracts/interfaces/IBondEscrow.sol";
import {
    BlockingToken,
    FalseToken,
    FeeToken,
    HookedToken,
    ITokenHook,
    NoReturnToken,
    PlainToken,
    RebasingToken
} from "./support/OddTokens.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Test } from "forge-std/Test.sol";

/// Calls the escrow back whenever it gets money or is told of a transfer.
contract Reentrant is ITokenHook {
    IBondEscrow internal immutable escrow;
    bytes internal again;
    bool public failed;
    bytes public reason;

    constructor(IBondEscrow escrow_) {
        escrow = escrow_;
    }

    function hook(HookedToken token) external {
        token.setHooked(true);
        token.approve(address(escrow), type(uint256).max);
    }

    function run(bytes memory call, uint256 value, bytes memory again_) external {
        again = again_;
        (bool ok, bytes memory returned) = address(escrow).call{ value: value }(call);
        require(ok, string(returned));
    }

    function onTransfer() external {
        reenter();
    }

    receive() external payable {
        reenter();
    }

    function reenter() internal {
        (bool ok, bytes memory returned) = address(escrow).call(again);
        (failed, reason) = (!ok, returned);
    }
}

/// Takes no ETH.
contract Refusing {
    function withdraw(IBondEscrow escrow, uint256 amount, address to) external {
        escrow.withdraw(address(0), amount, to);
    }
}

/// Forces its ETH on somebody.
contract Forcing {
    constructor(address payable to) payable {
        selfdestruct(to);
    }
}

contract OddTokensTest is Test {
    address internal constant ETH = address(0);

    address internal operator = makeAddr("operator");
    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");
    PlainToken internal plain = new PlainToken();
    FeeToken internal fee = new FeeToken();
    RebasingToken internal rebasing = new RebasingToken();
    NoReturnToken internal noReturn = new NoReturnToken();
    FalseToken internal lying = new FalseToken();
    BlockingToken internal blocking = new BlockingToken();
    HookedToken internal hooked = new HookedToken();
    BondEscrow internal escrow;

    function setUp() public {
        (alice, aliceKey) = makeAddrAndKey("alice");
        address[] memory operators = new address[](1);
        operators[0] = operator;
        address[] memory assets = new address[](8);
        (assets[0], assets[1], assets[2], assets[3]) = (ETH, address(plain), address(fee), address(rebasing));
        (assets[4], assets[5], assets[6], assets[7]) =
        (address(noReturn), address(lying), address(blocking), address(hooked));
        escrow = new BondEscrow(operators, assets, 0);
        for (uint256 i = 0; i < 2; ++i) {
            address account = i == 0 ? alice : bob;
            vm.deal(account, 1_000);
            for (uint256 j = 1; j < 8; ++j) {
                if (j != 5) PlainToken(assets[j]).mint(account, 1_000);
                vm.prank(account);
                // Not by IERC20: one of them returns nothing.
                NoReturnToken(assets[j]).approve(address(escrow), type(uint256).max);
            }
        }
    }

    function deposit(address account, address asset, uint256 amount) internal {
        vm.prank(account);
        escrow.deposit{ value: asset == ETH ? amount : 0 }(asset, amount);
    }

    function test_Deposit_FeeOnTransferIsRefused() public {
        fee.configure(true, false);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.DeltaMismatch.selector, address(fee), 500, 495));
        escrow.deposit(address(fee), 500);
        assertEq(escrow.ledger(address(fee)), 0);
    }

    function test_Withdraw_FeeThatOthersWouldPayIsRefused() public {
        deposit(alice, address(fee), 500);
        deposit(bob, address(fee), 500);
        fee.configure(true, true);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.DeltaMismatch.selector, address(fee), 500, 505));
        escrow.withdraw(address(fee), 500, alice);
        // A fee that the receiver pays is its own affair.
        fee.configure(true, false);
        vm.prank(alice);
        escrow.withdraw(address(fee), 500, alice);
        assertEq(fee.balanceOf(alice), 995);
        assertEq(fee.balanceOf(address(escrow)), escrow.ledger(address(fee)));
    }

    function test_Rebase_UpwardsIsNobodysAndDownwardsTakesNoNewDeposits() public {
        address asset = address(rebasing);
        deposit(alice, asset, 500);
        rebasing.rebase(200);
        assertEq(escrow.free(alice, asset), 500);
        assertEq(escrow.ledger(asset), 500);
        rebasing.rebase(50);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.Insolvent.selector, asset, 500, 250));
        escrow.deposit(asset, 100);
        // Other assets do not notice.
        deposit(bob, address(plain), 100);
        vm.prank(bob);
        escrow.withdraw(address(plain), 100, bob);
        assertEq(plain.balanceOf(bob), 1_000);
    }

    function test_NoReturn_WorksAsAnyToken() public {
        address asset = address(noReturn);
        deposit(alice, asset, 500);
        assertEq(escrow.free(alice, asset), 500);
        vm.prank(alice);
        escrow.withdraw(asset, 300, bob);
        assertEq(noReturn.balanceOf(bob), 1_300);
        assertEq(escrow.ledger(asset), 200);
    }

    function test_Deposit_FalseIsNoDeposit() public {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(lying)));
        escrow.deposit(address(lying), 500);
    }

    function test_Withdraw_BlockedReceiverHurtsOnlyItself() public {
        address asset = address(blocking);
        deposit(alice, asset, 500);
        deposit(bob, asset, 500);
        blocking.setBlocked(alice, true);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, alice));
        escrow.withdraw(asset, 500, alice);
        // Settlements do not transfer: a blocked account can win and lose.
        vm.startPrank(operator);
        escrow.holdFree("hold", bob, asset, 500);
        Share[] memory shares = new Share[](2);
        (shares[0], shares[1]) = (Share(alice, 200), Share(bob, 250));
        escrow.share("hold", shares);
        vm.stopPrank();
        vm.prank(bob);
        escrow.withdraw(asset, 250, bob);
        assertEq(blocking.balanceOf(bob), 750);
        assertEq(escrow.free(alice, asset), 700);
        // It can still be paid elsewhere.
        vm.prank(alice);
        escrow.withdraw(asset, 700, makeAddr("elsewhere"));
    }

    function test_Sweep_BlockedBurnAddressBlocksOnlyTheSweep() public {
        address asset = address(blocking);
        deposit(alice, asset, 500);
        blocking.setBlocked(escrow.BURN_ADDRESS(), true);
        vm.startPrank(operator);
        escrow.holdFree("hold", alice, asset, 100);
        escrow.share("hold", new Share[](0));
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, escrow.BURN_ADDRESS()));
        escrow.sweepBurned(asset);
        vm.prank(alice);
        escrow.withdraw(asset, 400, alice);
        assertEq(escrow.burned(asset), 100);
    }

    function reentrant() internal returns (Reentrant r) {
        r = new Reentrant(escrow);
        vm.deal(address(r), 1_000);
        hooked.mint(address(r), 1_000);
        r.hook(hooked);
    }

    function assertGuarded(Reentrant r) internal view {
        assertTrue(r.failed());
        assertEq(bytes4(r.reason()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    function test_Deposit_ReentrantTokenCountsOnce() public {
        Reentrant r = reentrant();
        bytes memory call = abi.encodeCall(IBondEscrow.deposit, (address(hooked), 100));
        r.run(call, 0, call);
        assertGuarded(r);
        assertEq(escrow.free(address(r), address(hooked)), 100);
        assertEq(hooked.balanceOf(address(escrow)), 100);
    }

    function test_Withdraw_ReentrantTokenPaysOnce() public {
        Reentrant r = reentrant();
        deposit(bob, address(hooked), 500);
        r.run(abi.encodeCall(IBondEscrow.deposit, (address(hooked), 100)), 0, "");
        bytes memory call = abi.encodeCall(IBondEscrow.withdraw, (address(hooked), 100, address(r)));
        r.run(call, 0, call);
        assertGuarded(r);
        assertEq(hooked.balanceOf(address(r)), 1_000);
        assertEq(hooked.balanceOf(address(escrow)), escrow.ledger(address(hooked)));
    }

    function test_Withdraw_ReentrantReceiverOfEthPaysOnce() public {
        Reentrant r = reentrant();
        deposit(bob, ETH, 500);
        r.run(abi.encodeCall(IBondEscrow.deposit, (ETH, 100)), 100, "");
        bytes memory call = abi.encodeCall(IBondEscrow.withdraw, (ETH, 50, address(r)));
        r.run(call, 0, call);
        assertGuarded(r);
        assertEq(address(r).balance, 950);
        assertEq(escrow.free(address(r), ETH), 50);
        // What is not guarded finds the withdrawal already booked.
        call = abi.encodeCall(IBondEscrow.withdraw, (ETH, 50, address(r)));
        r.run(call, 0, abi.encodeCall(IBondEscrow.bond, (ETH, 50)));
        assertTrue(r.failed());
        assertEq(bytes4(r.reason()), IBondEscrow.InsufficientFree.selector);
        assertEq(address(escrow).balance, escrow.ledger(ETH));
    }

    function permit(uint256 amount) internal view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 digest =
            keccak256(abi.encode(typeHash, alice, address(escrow), amount, plain.nonces(alice), block.timestamp));
        return vm.sign(aliceKey, keccak256(abi.encodePacked(hex"1901", plain.DOMAIN_SEPARATOR(), digest)));
    }

    function test_Permit_DepositsWithoutApproval() public {
        vm.prank(alice);
        plain.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = permit(500);
        vm.prank(alice);
        escrow.depositWithPermit(address(plain), 500, block.timestamp, v, r, s);
        assertEq(escrow.free(alice, address(plain)), 500);
    }

    function test_Permit_FrontRunPermitIsNoError() public {
        vm.prank(alice);
        plain.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = permit(500);
        vm.prank(bob);
        plain.permit(alice, address(escrow), 500, block.timestamp, v, r, s);
        vm.prank(alice);
        escrow.depositWithPermit(address(plain), 500, block.timestamp, v, r, s);
        assertEq(escrow.free(alice, address(plain)), 500);
    }

    function test_Permit_OfAnotherGivesTheCallerNothing() public {
        vm.prank(alice);
        plain.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = permit(500);
        vm.startPrank(bob);
        plain.approve(address(escrow), 0);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), 0, 500)
        );
        escrow.depositWithPermit(address(plain), 500, block.timestamp, v, r, s);
        assertEq(escrow.free(bob, address(plain)), 0);
        assertEq(plain.balanceOf(alice), 1_000);
    }

    function test_Withdraw_RefusedEthHurtsOnlyItsOwner() public {
        Refusing refusing = new Refusing();
        vm.prank(alice);
        escrow.depositFor{ value: 300 }(address(refusing), ETH, 300);
        deposit(bob, ETH, 300);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.TransferFailed.selector, ETH, address(refusing), 300));
        refusing.withdraw(escrow, 300, address(refusing));
        vm.prank(bob);
        escrow.withdraw(ETH, 300, bob);
        assertEq(bob.balance, 1_000);
        refusing.withdraw(escrow, 300, alice);
        assertEq(alice.balance, 1_000);
        assertEq(escrow.ledger(ETH), 0);
    }

    function testFuzz_ForcedMoney_IsInNoLedger(uint96 eth, uint96 tokens) public {
        deposit(alice, ETH, 300);
        deposit(alice, address(plain), 300);
        vm.deal(address(this), eth);
        new Forcing{ value: eth }(payable(address(escrow)));
        plain.mint(address(escrow), tokens);
        assertEq(address(escrow).balance, 300 + uint256(eth));
        assertEq(escrow.ledger(ETH), 300);
        assertEq(escrow.ledger(address(plain)), 300);
        deposit(bob, address(plain), 100);
        assertEq(escrow.free(bob, address(plain)), 100);
        vm.startPrank(alice);
        escrow.withdraw(ETH, 300, alice);
        vm.expectRevert(abi.encodeWithSelector(IBondEscrow.InsufficientFree.selector, alice, ETH, 1, 0));
        escrow.withdraw(ETH, 1, alice);
    }
}
