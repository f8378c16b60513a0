// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Poseidon } from "../../contracts/libraries/Poseidon.sol";
import { R } from "../../contracts/libraries/PoseidonConstants.sol";
import { Test } from "forge-std/Test.sol";

contract PoseidonHarness {
    function permute(uint256[3] calldata s) external pure returns (uint256[3] memory t) {
        (t[0], t[1], t[2]) = Poseidon.permute(Poseidon.constants(), s[0], s[1], s[2]);
    }
}

/// @title The permutation
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
}
