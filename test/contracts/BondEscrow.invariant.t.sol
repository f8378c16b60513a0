// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { Source } from "../../contracts/interfaces/IBondEscrow.sol";
import { EscrowHandler } from "./support/EscrowHandler.sol";
import { Test } from "forge-std/Test.sol";

contract BondEscrowInvariantTest is Test {
    EscrowHandler internal handler;
    BondEscrow internal escrow;
    address[2] internal assets;

    function setUp() public {
        handler = new EscrowHandler();
        escrow = handler.escrow();
        assets[1] = address(handler.token());
        targetContract(address(handler));
    }

    function invariant_LedgerIsAtMostTheBalance() public view {
        assertLe(escrow.ledger(assets[0]), address(escrow).balance);
        assertLe(escrow.ledger(assets[1]), handler.token().balanceOf(address(escrow)));
    }

    function invariant_WhatCameInIsOwedOrWentOut() public view {
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(handler.cameIn(assets[i]), handler.wentOut(assets[i]) + escrow.ledger(assets[i]));
        }
    }

    function invariant_LedgerIsTheSumOfItsParts() public view {
        for (uint256 i = 0; i < 2; ++i) {
            address asset = assets[i];
            uint256 sum = escrow.burned(asset);
            uint256 encumbered = 0;
            for (uint256 j = 0; j < handler.actorCount(); ++j) {
                address account = handler.actors(j);
                (uint256 queued,) = escrow.queued(account, asset);
                sum += escrow.free(account, asset) + escrow.bonded(account, asset) + queued;
                encumbered += escrow.encumbered(account, asset);
            }
            uint256 held = 0;
            uint256 heldBond = 0;
            for (uint256 j = 0; j < handler.holdCount(); ++j) {
                (, address asset_, uint256 amount, Source source) = escrow.holdOf(handler.holds(j));
                if (asset_ != asset) continue;
                held += amount;
                if (source == Source.Bond) heldBond += amount;
            }
            assertEq(encumbered, heldBond);
            assertEq(sum + held, escrow.ledger(asset));
        }
    }

    function afterInvariant() public view {
        assertGt(handler.actions(), 0);
    }

    /// The handler does what it says: else the invariants would hold of nothing.
    function test_Handler_EveryActionHasItsEffect() public {
        for (uint256 i = 0; i < 2; ++i) {
            bool eth = i == 0;
            handler.deposit(0, eth, 1_000);
            assertEq(handler.cameIn(assets[i]), 1_000);
            handler.withdraw(0, eth, 10, 1);
            assertEq(handler.wentOut(assets[i]), 10);
            handler.bond(0, eth, 500);
            handler.requestUnbond(0, eth, 100);
            handler.unbond(0, eth);
            assertEq(escrow.bonded(handler.actors(0), assets[i]), 400);
            handler.hold(0, eth, 300, true);
            assertEq(escrow.encumbered(handler.actors(0), assets[i]), 300);
            handler.share(2 * i, 1, 2, 100, 50);
            assertEq(escrow.free(handler.actors(1), assets[i]), 100);
            assertEq(escrow.burned(assets[i]), 150);
            handler.hold(0, eth, 60, false);
            handler.release(2 * i + 1);
            assertEq(handler.holdCount(), 5 * i + 2);
            handler.hold(0, eth, 30, true);
            handler.pay(4 * i + 2, 2);
            assertEq(escrow.free(handler.actors(2), assets[i]), 80);
            handler.hold(0, eth, 20, false);
            handler.payAndRelease(4 * i + 3, 0, 2);
            assertEq(escrow.free(handler.actors(2), assets[i]), 100);
            handler.force(eth, 7);
            handler.sweep(eth);
            assertEq(escrow.burned(assets[i]), 0);
            assertEq(handler.wentOut(assets[i]), 160);
        }
        assertEq(handler.actions(), 30);
        invariant_LedgerIsAtMostTheBalance();
        invariant_WhatCameInIsOwedOrWentOut();
        invariant_LedgerIsTheSumOfItsParts();
    }
}
