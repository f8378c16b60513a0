// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { Share, Source } from "../../contracts/interfaces/IBondEscrow.sol";
import { Test } from "forge-std/Test.sol";

/// For halmos (script/symbolic), which runs each `check_` with all arguments at once. The ledger: from any amounts in all
/// places where money may be, one step of an account or of a stranger, or two of an operator, with any arguments.
contract BondEscrowSymbolicTest is Test {
    address private constant ETH = address(0);
    address private constant ALICE = address(0xa11ce);
    address private constant BOB = address(0xb0b);
    bytes32 private constant HELD_FREE = bytes32(uint256(1));
    bytes32 private constant HELD_BOND = bytes32(uint256(2));
    bytes32 private constant NEW = bytes32(uint256(3));

    /// What somebody has in each place.
    struct Places {
        uint80 free;
        uint80 bonded;
        uint80 queued;
        uint80 heldFree;
        uint80 heldBond;
    }

    struct Step {
        uint8 kind;
        uint256 amount;
        /// One of the three.
        uint8 hold;
        bool byOperator;
        bool toBob;
        uint64 time;
    }

    BondEscrow private escrow;

    function setUp() public {
        address[] memory operators = new address[](1);
        operators[0] = address(this);
        escrow = new BondEscrow(operators, new address[](1), 7 days);
    }

    /// All that is in the ledger is somebody's, and the contract has as much, after what accounts do.
    function check_ledgerAfterAccounts(Places calldata alice, uint80 burned, Step calldata step) external {
        vm.assume(step.kind <= 4 && !step.byOperator);
        arrange(alice, burned);
        act(step);
        balanced();
    }

    /// Nobody but an operator takes from somebody else, whatever is called.
    function check_strangersTakeNothing(Places calldata alice, uint80 burned, Step calldata step) external {
        arrange(alice, burned);
        vm.assume(!step.byOperator);
        uint256 before = alices();
        act(Step(step.kind, step.amount, step.hold, false, true, step.time));
        assertEq(alices(), before, "Alice's");
    }

    /// A hold is over once: what was paid, shared or released is not paid, shared or released again.
    function check_holdsEndOnce(uint80 amount, Step calldata first, Step calldata second) external {
        arrange(Places(0, 0, 0, amount, amount), 0);
        vm.assume(first.byOperator && second.byOperator && first.hold <= 2 && first.hold == second.hold);
        vm.assume(first.kind >= 7 && first.kind <= 9 && second.kind >= 7 && second.kind <= 9);
        if (!act(first)) return;
        assertFalse(act(second), "twice");
    }

    function balanced() private view {
        assertEq(owned(), escrow.ledger(ETH), "owned");
        assertEq(address(escrow).balance, escrow.ledger(ETH), "balance");
    }

    /// One unit more in each place than is said, so that none is empty: fewer cases, and what is missing is what is not there.
    function arrange(Places memory p, uint80 burned) private {
        vm.deal(address(this), type(uint96).max);
        unchecked {
            (uint256 bonded, uint256 queued) = (uint256(p.bonded) + 1, uint256(p.queued) + 1);
            (uint256 heldFree, uint256 heldBond) = (uint256(p.heldFree) + 1, uint256(p.heldBond) + 1);
            uint256 lost = uint256(burned) + 1;
            put(ALICE, uint256(p.free) + 1 + bonded + queued + heldFree + heldBond + lost);
            vm.startPrank(ALICE);
            escrow.bond(ETH, bonded + queued + heldBond);
            escrow.requestUnbond(ETH, queued);
            vm.stopPrank();
            escrow.holdFree(HELD_FREE, ALICE, ETH, heldFree);
            escrow.holdBond(HELD_BOND, ALICE, ETH, heldBond);
            escrow.holdFree(NEW, ALICE, ETH, lost);
            escrow.share(NEW, new Share[](0));
        }
        put(BOB, 1 ether);
    }

    function put(address account, uint256 amount) private {
        escrow.depositFor{ value: amount }(account, ETH, amount);
    }

    /// One step; whether it was made.
    function act(Step memory s) private returns (bool made) {
        vm.assume(s.hold >= 1 && s.hold <= 3);
        (address to, bytes32 hold) = (s.toBob ? BOB : ALICE, bytes32(uint256(s.hold)));
        bytes memory call;
        if (s.kind == 0) call = abi.encodeCall(escrow.withdraw, (ETH, s.amount, to));
        else if (s.kind == 1) call = abi.encodeCall(escrow.bond, (ETH, s.amount));
        else if (s.kind == 2) call = abi.encodeCall(escrow.requestUnbond, (ETH, s.amount));
        else if (s.kind == 3) call = abi.encodeCall(escrow.unbond, (ETH));
        else if (s.kind == 4) call = abi.encodeCall(escrow.sweepBurned, (ETH));
        else if (s.kind == 5) call = abi.encodeCall(escrow.holdFree, (hold, to, ETH, s.amount));
        else if (s.kind == 6) call = abi.encodeCall(escrow.holdBond, (hold, to, ETH, s.amount));
        else if (s.kind == 7) call = abi.encodeCall(escrow.release, (hold));
        else if (s.kind == 8) call = abi.encodeCall(escrow.pay, (hold, to));
        else call = abi.encodeCall(escrow.share, (hold, shares(to, s.amount)));
        vm.assume(s.time >= block.timestamp);
        vm.warp(s.time);
        vm.prank(s.byOperator ? address(this) : to);
        (made,) = address(escrow).call(call);
    }

    function shares(address to, uint256 amount) private pure returns (Share[] memory list) {
        list = new Share[](1);
        list[0] = Share(to, amount);
    }

    function having(address account) private view returns (uint256) {
        (uint256 queued,) = escrow.queued(account, ETH);
        unchecked {
            return escrow.free(account, ETH) + escrow.bonded(account, ETH) + escrow.encumbered(account, ETH) + queued;
        }
    }

    /// What is held and is nobody's bond.
    function held() private view returns (uint256 sum) {
        bytes32[3] memory holds = [HELD_FREE, HELD_BOND, NEW];
        for (uint256 i = 0; i < holds.length; ++i) {
            (,, uint256 amount, Source source) = escrow.holdOf(holds[i]);
            if (source != Source.Free) continue;
            unchecked {
                sum += amount;
            }
        }
    }

    function alices() private view returns (uint256) {
        unchecked {
            return having(ALICE) + held();
        }
    }

    function owned() private view returns (uint256) {
        unchecked {
            return having(ALICE) + having(BOB) + having(address(this)) + held() + escrow.burned(ETH);
        }
    }
}
