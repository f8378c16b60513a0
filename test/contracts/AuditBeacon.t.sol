// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../contracts/AuditBeacon.sol";
import { IAuditBeacon } from "../../contracts/interfaces/IAuditBeacon.sol";
import { Claim, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IModelRegistry, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { HeaderFixtures } from "./support/HeaderFixtures.sol";

/// @notice Book and registry answer what the test says; how all work together is tested elsewhere.
contract AuditBeaconTest is HeaderFixtures {
    uint64 internal constant DELAY = 32;
    uint256 internal constant LAYERS = 6;
    bytes32 internal constant CLAIM = keccak256("claim");
    bytes32 internal constant VERSION = keccak256("version");
    bytes32 internal constant CLAIM_DIGEST = keccak256("claim digest");
    uint16 internal constant AUDITS = 2;
    /// What EIP-2935 puts at its address.
    bytes internal constant HISTORY_CODE = hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f3560"
        hex"0143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";

    IClaimBook internal book = IClaimBook(makeAddr("book"));
    IModelRegistry internal registry = IModelRegistry(makeAddr("registry"));
    AuditBeacon internal beacon = new AuditBeacon(book, registry, DELAY);

    function setUp() public {
        loadHeaders();
        Claim memory claim;
        (claim.version, claim.claimDigest) = (VERSION, CLAIM_DIGEST);
        vm.mockCall(address(book), abi.encodeCall(IClaimBook.claim, (CLAIM)), abi.encode(claim));
        Policy memory policy;
        policy.audits = AUDITS;
        vm.mockCall(address(registry), abi.encodeCall(IModelRegistry.policy, (VERSION)), abi.encode(policy));
        bytes memory call = abi.encodeCall(IModelRegistry.auditWeights, (VERSION));
        vm.mockCall(address(registry), call, abi.encode(weights()));
    }

    function weights() internal pure returns (uint32[] memory w) {
        w = new uint32[](LAYERS);
        (w[0], w[1], w[2], w[3], w[4], w[5]) = (600_000, 200_000, 100_000, 50_000, 50_000, 41_666);
    }

    /// Block 300 of a fork, and the claim scheduled for it.
    function scheduled(uint256 fork) internal returns (Header memory header) {
        header = headers[5 * fork + 4];
        vm.roll(header.number - DELAY);
        vm.prank(address(book));
        beacon.schedule(CLAIM);
    }

    function remember(Header memory header) internal {
        vm.etch(beacon.HISTORY(), HISTORY_CODE);
        vm.store(beacon.HISTORY(), bytes32(uint256(header.number % 8191)), header.hash);
    }

    function test_Constructor_BoundsTheDelay() public {
        assertEq(address(beacon.claimBook()), address(book));
        assertEq(address(beacon.registry()), address(registry));
        assertEq(beacon.delayBlocks(), DELAY);
        assertEq(beacon.maxDrawTime(), 33 * 24 seconds);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.BadDelay.selector, 32, 256, 31));
        new AuditBeacon(book, registry, 31);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.BadDelay.selector, 32, 256, 257));
        new AuditBeacon(book, registry, 257);
    }

    function test_Schedule_FixesABlockOnceForTheBookOnly() public {
        vm.roll(1_000);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.NotClaimBook.selector, address(this)));
        beacon.schedule(CLAIM);
        vm.startPrank(address(book));
        vm.expectEmit(address(beacon));
        emit IAuditBeacon.AuditScheduled(CLAIM, 1_000 + DELAY);
        beacon.schedule(CLAIM);
        assertEq(beacon.blockOf(CLAIM), 1_000 + DELAY);
        vm.roll(1_001);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.AlreadyScheduled.selector, CLAIM));
        beacon.schedule(CLAIM);
    }

    function test_Reveal_DrawsFromTheRandaoOfTheBlock() public {
        for (uint256 fork = 0; fork < 5; ++fork) {
            uint256 snapshot = vm.snapshotState();
            Header memory header = scheduled(fork);
            vm.roll(header.number + 1);
            vm.setBlockhash(header.number, header.hash);
            uint256[] memory drawn = beacon.draw(weights(), AUDITS, header.mixHash, CLAIM_DIGEST);
            uint256 expected = (1 << drawn[0]) | (1 << drawn[1]);
            vm.expectEmit(address(beacon));
            emit IAuditBeacon.AuditRevealed(CLAIM, header.mixHash, expected);
            beacon.reveal(CLAIM, header.rlp);
            (bool revealed, bytes32 seed, uint256 layers) = beacon.drawn(CLAIM);
            assertTrue(revealed);
            assertEq(seed, header.mixHash);
            assertEq(layers, expected);
            vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.AlreadyRevealed.selector, CLAIM));
            beacon.reveal(CLAIM, header.rlp);
            vm.revertToState(snapshot);
        }
    }

    function test_Reveal_NeedsASchedule() public {
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.NotScheduled.selector, CLAIM));
        beacon.reveal(CLAIM, headers[0].rlp);
        (bool revealed,,) = beacon.drawn(CLAIM);
        assertFalse(revealed);
    }

    function test_Reveal_FromTheBlockAfterUntilTheChainForgets() public {
        Header memory header = scheduled(0);
        vm.roll(header.number);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooEarly.selector, header.number));
        beacon.reveal(CLAIM, header.rlp);
        remember(header);
        uint256 snapshot = vm.snapshotState();
        uint256[3] memory ages = [uint256(1), 257, 8_191];
        for (uint256 i = 0; i < 3; ++i) {
            vm.roll(header.number + ages[i]);
            if (ages[i] <= 256) vm.setBlockhash(header.number, header.hash);
            beacon.reveal(CLAIM, header.rlp);
            vm.revertToState(snapshot);
        }
        vm.roll(header.number + 8_192);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooLate.selector, header.number));
        beacon.reveal(CLAIM, header.rlp);
    }

    function test_Reveal_WithoutHistoryTheChainForgetsAfter256Blocks() public {
        Header memory header = scheduled(0);
        vm.etch(beacon.HISTORY(), "");
        vm.roll(header.number + 257);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooLate.selector, header.number));
        beacon.reveal(CLAIM, header.rlp);
        // Something else at the address is no history.
        vm.etch(beacon.HISTORY(), bytes.concat(hex"7f", header.hash, hex"5f5260405ff3"));
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooLate.selector, header.number));
        beacon.reveal(CLAIM, header.rlp);
    }

    function test_Reveal_NoOtherBlocksHeader() public {
        Header memory header = scheduled(0);
        vm.roll(header.number + 1);
        vm.setBlockhash(header.number, header.hash);
        Header memory other = headers[0];
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.WrongHeader.selector, header.hash, other.hash));
        beacon.reveal(CLAIM, other.rlp);
        // A chain that gave another block's hash would be found out.
        vm.setBlockhash(header.number, other.hash);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.WrongNumber.selector, header.number, other.number));
        beacon.reveal(CLAIM, other.rlp);
    }

    function testFuzz_Reveal_AnyChangedByteIsRefused(uint256 fork, uint256 place, uint8 flip) public {
        Header memory header = scheduled(fork % 5);
        vm.roll(header.number + 1);
        vm.setBlockhash(header.number, header.hash);
        flip = uint8(bound(flip, 1, 255));
        place = bound(place, 0, header.rlp.length - 1);
        header.rlp[place] ^= bytes1(flip);
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.WrongHeader.selector, header.hash, keccak256(header.rlp)));
        beacon.reveal(CLAIM, header.rlp);
    }
}
