// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AggregationDigest } from "../../contracts/libraries/AggregationDigest.sol";
import { Poseidon } from "../../contracts/libraries/Poseidon.sol";
import { R } from "../../contracts/libraries/PoseidonConstants.sol";
import { Test } from "forge-std/Test.sol";

contract PoseidonHarness {
    function permute(uint256[3] calldata s) external pure returns (uint256[3] memory t) {
        (t[0], t[1], t[2]) = Poseidon.permute(Poseidon.constants(), s[0], s[1], s[2]);
    }

    function hash(uint256[] calldata scalars) external pure returns (uint256) {
        return Poseidon.hash(Poseidon.constants(), scalars);
    }

    function extend(bytes32 digest, bytes32 verifyingKey, uint256[] calldata points) external pure returns (bytes32) {
        return AggregationDigest.extend(Poseidon.constants(), digest, verifyingKey, points);
    }
}

/// @title The permutation, the sponge, and the aggregation digest
/// @notice Expected numbers are those of the textbook's permutation, with circomlib's constants. Token digests, which
/// use the same permutation, have their own fixtures.
contract PoseidonTest is Test {
    PoseidonHarness internal poseidon = new PoseidonHarness();

    function assertPermutation(uint256[3] memory start, uint256[3] memory expected) internal view {
        uint256[3] memory found = poseidon.permute(start);
        for (uint256 i = 0; i < 3; ++i) {
            assertLt(found[i], 3 * R);
            assertEq(found[i] % R, expected[i]);
        }
    }

    function test_Permute_IsCircomlibs() public view {
        assertPermutation(
            [uint256(0), 1, 2],
            [
                7_853_200_120_776_062_878_684_798_364_095_072_458_815_029_376_092_732_009_249_414_926_327_459_813_530,
                0x0fca49b798923ab0239de1c9e7a4a9a2210312b6a2f616d18b5a87f9b628ae29,
                0x0e7ae82e40091e63cbd4f16a6d16310b3729d4b6e138fcf54110e2867045a30c
            ]
        );
        assertPermutation(
            [R - 1, 2 ** 253, R - 3],
            [
                0x089ba43ff6fdd640c535f917f82d3384b4c8cfc1c61a24b90163c2496b77ae46,
                0x1d0c80109065aba22fff8ac1c7fe26643627fb0753aa8d4f0d763246f077a384,
                0x0471a6dca9b5319328efd67f7b9501c766c1c0dd543385bf7f316dc35e438778
            ]
        );
    }

    /// Elements need not be reduced: up to four times the order nothing runs over.
    function testFuzz_Permute_OfElementsThatAreNotReduced(uint256[3] memory start, uint256 multiples) public view {
        uint256[3] memory expected;
        for (uint256 i = 0; i < 3; ++i) {
            start[i] = start[i] % R;
        }
        expected = poseidon.permute(start);
        for (uint256 i = 0; i < 3; ++i) {
            start[i] += (multiples >> 8 * i) % 4 * R;
            expected[i] %= R;
        }
        assertPermutation(start, expected);
        for (uint256 i = 0; i < 3; ++i) {
            start[i] = start[i] % R + 3 * R;
        }
        assertPermutation(start, expected);
    }

    function test_Permute_AtTheEdge() public view {
        uint256 most = 4 * R - 1;
        uint256[3] memory expected = poseidon.permute([R - 1, R - 1, R - 1]);
        assertPermutation([most, most, most], [expected[0] % R, expected[1] % R, expected[2] % R]);
    }

    /// Of nothing, and of 10, 11, …
    function test_Hash_OfShortLists() public view {
        bytes32[5] memory expected = [
            bytes32(0x1aca579a4fc78f50613d9709982feef7ec9e080273beb2fcde7d7a5d9226d2a0),
            0x2c37d08cd5cb8dac420ad157f614265f387f687937ba54b3c2672f906500b68f,
            0x025105252bc321b24c1c244a0c9d7eed0637cf51be40fd6e3bc30fb3dd6b9c7a,
            0x159bd806185d56745e2ed2f511a1dfb81a29fc457cb500d02c85c9ff5aca2418,
            0x0f2651d9819a21394a6c2b9734232eb884e934af33468363122845230b988ce1
        ];
        for (uint256 n = 0; n < 5; ++n) {
            uint256[] memory scalars = new uint256[](n);
            for (uint256 i = 0; i < n; ++i) {
                scalars[i] = 10 + i;
            }
            assertEq(bytes32(poseidon.hash(scalars)), expected[n]);
        }
    }

    /// Neither a 1 nor zeros at the end are padding.
    function testFuzz_Hash_BindsTheLength(uint256[11] memory random, uint256 n) public view {
        n = bound(n, 0, random.length);
        uint256[] memory scalars = new uint256[](n);
        uint256[] memory longer = new uint256[](n + 2);
        for (uint256 i = 0; i < n; ++i) {
            longer[i] = scalars[i] = random[i] % R;
        }
        uint256 h = poseidon.hash(scalars);
        assertLt(h, R);
        assertNotEq(poseidon.hash(longer), h);
        longer[n] = 1;
        assertNotEq(poseidon.hash(longer), h);
        assembly ("memory-safe") {
            mstore(longer, add(n, 1))
        }
        assertNotEq(poseidon.hash(longer), h);
        longer[n] = 0;
        assertNotEq(poseidon.hash(longer), h);
    }

    function test_Extend_IsTheCommandLines() public view {
        string memory json = vm.readFile("test/fixtures/aggregation.json");
        bytes32 digest = 0;
        uint256 count = 0;
        for (; vm.keyExistsJson(json, string.concat(".layers[", vm.toString(count), "]")); ++count) {
            string memory path = string.concat(".layers[", vm.toString(count), "].");
            bytes32 key = vm.parseJsonBytes32(json, string.concat(path, "verifyingKey"));
            uint256[] memory points = vm.parseJsonUintArray(json, string.concat(path, "points"));
            digest = poseidon.extend(digest, key, points);
            assertEq(digest, vm.parseJsonBytes32(json, string.concat(path, "digest")));
        }
        assertGt(count, 2);
        assertEq(digest, vm.parseJsonBytes32(json, ".digest"));
    }

    function testFuzz_Extend_BindsAllOfItsArguments(
        bytes32 digest,
        bytes32 key,
        uint256[8] memory words,
        uint256 bit,
        uint256 count
    ) public view {
        digest = bytes32(uint256(digest) % R);
        uint256[] memory points = new uint256[](2 * bound(count, 1, 4));
        for (uint256 i = 0; i < points.length; ++i) {
            points[i] = words[i];
        }
        bytes32 found = poseidon.extend(digest, key, points);
        assertNotEq(poseidon.extend(bytes32(addmod(uint256(digest), 1, R)), key, points), found);
        assertNotEq(poseidon.extend(digest, key ^ bytes32(1 << bit % 256), points), found);
        bit = bound(bit, 0, 256 * points.length - 1);
        points[bit / 256] ^= 1 << bit % 256;
        assertNotEq(poseidon.extend(digest, key, points), found);
        points[bit / 256] ^= 1 << bit % 256;
        uint256 last = points.length - 2;
        assembly ("memory-safe") {
            mstore(points, last)
        }
        assertNotEq(poseidon.extend(digest, key, points), found);
    }
}
