// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../contracts/AuditBeacon.sol";
import { IAuditBeacon } from "../../contracts/interfaces/IAuditBeacon.sol";
import { HeaderFixtures } from "./support/HeaderFixtures.sol";

/// @notice What is drawn from a seed, and for which claims, is tested elsewhere.
contract AuditBeaconTest is HeaderFixtures {
    uint64 internal constant DELAY = 32;
    /// What EIP-2935 puts at its address.
    bytes internal constant HISTORY_CODE = hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f3560"
        hex"0143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";

    AuditBeacon internal beacon = new AuditBeacon(DELAY);

    function setUp() public {
        loadHeaders();
    }

    /// Block 300 of a fork.
    function ofFork(uint256 fork) internal view returns (Header memory) {
        return headers[5 * fork + 4];
    }

    function remember(Header memory header) internal {
        vm.etch(beacon.HISTORY(), HISTORY_CODE);
        vm.store(beacon.HISTORY(), bytes32(uint256(header.number % 8191)), header.hash);
    }

    function test_Constructor_BoundsTheDelay() public {
        assertEq(beacon.delayBlocks(), DELAY);
        assertEq(beacon.maxDrawTime(), 33 * 24 seconds);
        assertEq(new AuditBeacon(256).maxDrawTime(), 257 * 24 seconds);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.BadDelay.selector, 32, 256, 31));
        new AuditBeacon(31);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.BadDelay.selector, 32, 256, 257));
        new AuditBeacon(257);
    }

    function test_Seed_IsTheRandaoOfTheBlock() public {
        for (uint256 fork = 0; fork < 5; ++fork) {
            Header memory header = ofFork(fork);
            vm.roll(header.number + 1);
            vm.setBlockhash(header.number, header.hash);
            assertEq(beacon.seedOf(header.rlp, header.number), header.mixHash);
        }
    }

    function test_Seed_FromTheBlockAfterUntilTheChainForgets() public {
        Header memory header = ofFork(0);
        vm.roll(header.number);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooEarly.selector, header.number));
        beacon.seedOf(header.rlp, header.number);
        remember(header);
        uint256 snapshot = vm.snapshotState();
        uint256[3] memory ages = [uint256(1), 257, 8_191];
        for (uint256 i = 0; i < 3; ++i) {
            vm.roll(header.number + ages[i]);
            if (ages[i] <= 256) vm.setBlockhash(header.number, header.hash);
            beacon.seedOf(header.rlp, header.number);
            vm.revertToState(snapshot);
        }
        vm.roll(header.number + 8_192);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooLate.selector, header.number));
        beacon.seedOf(header.rlp, header.number);
    }

    function test_Seed_WithoutHistoryTheChainForgetsAfter256Blocks() public {
        Header memory header = ofFork(0);
        vm.etch(beacon.HISTORY(), "");
        vm.roll(header.number + 257);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooLate.selector, header.number));
        beacon.seedOf(header.rlp, header.number);
        // Something else at the address is no history.
        vm.etch(beacon.HISTORY(), bytes.concat(hex"7f", header.hash, hex"5f5260405ff3"));
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooLate.selector, header.number));
        beacon.seedOf(header.rlp, header.number);
    }

    function test_Seed_NoOtherBlocksHeader() public {
        Header memory header = ofFork(0);
        vm.roll(header.number + 1);
        vm.setBlockhash(header.number, header.hash);
        Header memory other = headers[0];
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.WrongHeader.selector, header.hash, other.hash));
        beacon.seedOf(other.rlp, header.number);
        // A chain that gave another block's hash would be found out.
        vm.setBlockhash(header.number, other.hash);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.WrongNumber.selector, header.number, other.number));
        beacon.seedOf(other.rlp, header.number);
    }

    function testFuzz_Seed_AnyChangedByteIsRefused(uint256 fork, uint256 place, uint8 flip) public {
        Header memory header = ofFork(fork % 5);
        vm.roll(header.number + 1);
        vm.setBlockhash(header.number, header.hash);
        flip = uint8(bound(flip, 1, 255));
        place = bound(place, 0, header.rlp.length - 1);
        header.rlp[place] ^= bytes1(flip);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.WrongHeader.selector, header.hash, keccak256(header.rlp)));
        beacon.seedOf(header.rlp, header.number);
    }
}
