// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { AuditDraw } from "../../contracts/libraries/AuditDraw.sol";
import { DrawFixtures } from "./support/DrawFixtures.sol";

contract AuditDrawHarness {
    function draw(uint32[] calldata weights, uint256 count, bytes32 seed, bytes32 claim)
        external
        pure
        returns (uint256[] memory)
    {
        return AuditDraw.draw(weights, count, seed, claim);
    }
}

contract AuditDrawTest is DrawFixtures {
    AuditDrawHarness internal harness = new AuditDrawHarness();

    function setUp() public {
        loadDraws();
    }

    /// The definition, word by word.
    function slowDraw(uint32[] memory weights, uint256 count, bytes32 seed, bytes32 claim)
        internal
        pure
        returns (uint256[] memory drawn)
    {
        drawn = new uint256[](count);
        uint256 total = 0;
        for (uint256 l = 0; l < weights.length; ++l) {
            total += weights[l];
        }
        for (uint256 i = 0; i < count; ++i) {
            uint256 r = uint256(keccak256(abi.encodePacked(bytes14("nanozk-audit-1"), seed, claim, i))) % total;
            uint256 l = 0;
            for (uint256 sum = weights[0]; sum <= r; sum += weights[l]) {
                ++l;
            }
            drawn[i] = l;
            total -= weights[l];
            weights[l] = 0;
        }
    }

    function test_Draw_IsTheCommandLines() public view {
        for (uint256 i = 0; i < draws.length; ++i) {
            Draw memory d = draws[i];
            uint256[] memory drawn = harness.draw(d.weights, d.count, d.seed, d.claim);
            assertEq(drawn.length, d.count);
            assertEq(keccak256(abi.encode(drawn)), keccak256(abi.encode(d.drawn)));
        }
    }

    /// The golden test of crates/prover/src/audit.rs.
    function test_Draw_IsTheGoldenOne() public view {
        uint32[] memory weights = new uint32[](6);
        (weights[0], weights[1], weights[2]) = (600_000, 200_000, 100_000);
        (weights[3], weights[4], weights[5]) = (50_000, 50_000, 41_666);
        uint256[] memory drawn = harness.draw(weights, 6, keccak256("beacon"), keccak256("statement"));
        uint256[6] memory golden = [uint256(0), 1, 3, 2, 5, 4];
        for (uint256 i = 0; i < 6; ++i) {
            assertEq(drawn[i], golden[i]);
        }
    }

    function testFuzz_Draw_IsTheDefinitions(uint256 random, uint256 layers, uint256 count, bytes32 seed, bytes32 claim)
        public
        view
    {
        layers = bound(layers, 1, 40);
        count = bound(count, 1, layers);
        uint32[] memory weights = new uint32[](layers);
        for (uint256 l = 0; l < layers; ++l) {
            // Small ones too, so that sums are hit exactly.
            weights[l] = uint32(uint256(keccak256(abi.encode(random, l))) % (random % 2 == 0 ? 3 : 1_000_000) + 1);
        }
        uint256[] memory drawn = harness.draw(weights, count, seed, claim);
        uint256[] memory expected = slowDraw(weights, count, seed, claim);
        uint256 seen = 0;
        for (uint256 i = 0; i < count; ++i) {
            assertEq(drawn[i], expected[i]);
            assertEq(seen >> drawn[i] & 1, 0);
            seen |= 1 << drawn[i];
        }
    }

    function test_Draw_DependsOnSeedAndClaim() public view {
        Draw memory d = draws[8];
        bytes32 drawn = keccak256(abi.encode(harness.draw(d.weights, d.count, d.seed, d.claim)));
        assertNotEq(keccak256(abi.encode(harness.draw(d.weights, d.count, d.claim, d.seed))), drawn);
        assertNotEq(keccak256(abi.encode(harness.draw(d.weights, d.count, d.seed, d.seed))), drawn);
    }

    function test_Draw_RefusesWhatCannotBeDrawn() public {
        uint32[] memory weights = new uint32[](2);
        (weights[0], weights[1]) = (1, 1);
        vm.expectRevert(abi.encodeWithSelector(AuditDraw.DrawCount.selector, 2, 0));
        harness.draw(weights, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(AuditDraw.DrawCount.selector, 2, 3));
        harness.draw(weights, 3, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(AuditDraw.DrawCount.selector, 0, 1));
        harness.draw(new uint32[](0), 1, 0, 0);
        weights[1] = 0;
        vm.expectRevert(abi.encodeWithSelector(AuditDraw.ZeroWeight.selector, 1));
        harness.draw(weights, 1, 0, 0);
    }

    function test_Draw_AllOf256LayersIsAffordable() public view {
        Draw memory d = draws[9];
        assertEq(d.count, 256);
        uint256 before = gasleft();
        harness.draw(d.weights, d.count, d.seed, d.claim);
        assertLt(before - gasleft(), 2_000_000);
    }
}
