// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { TokenDigests } from "../../contracts/TokenDigests.sol";
import { R } from "../../contracts/libraries/PoseidonConstants.sol";
import { Test } from "forge-std/Test.sol";

contract TokenDigestsTest is Test {
    TokenDigests internal digests = new TokenDigests();
    string internal json;

    function setUp() public {
        json = vm.readFile("test/fixtures/token-digests.json");
    }

    /// Three bytes each, as contracts take them.
    function pack(uint32[] memory tokens) internal pure returns (bytes memory packed) {
        packed = new bytes(3 * tokens.length);
        for (uint256 i = 0; i < packed.length; ++i) {
            packed[i] = bytes1(uint8(tokens[i / 3] >> (16 - 8 * (i % 3))));
        }
    }

    function _input(uint256 positions, uint32[] memory tokens, uint256 salt) internal view returns (bytes32) {
        return digests.inputDigest(positions, pack(tokens), salt);
    }

    function _output(uint256 positions, uint256 promptTokens, uint32[] memory tokens, uint256 salt)
        internal
        view
        returns (bytes32)
    {
        return digests.outputDigest(positions, promptTokens, pack(tokens), salt);
    }

    function path(uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "].", field);
    }

    function tokensOf(uint256 i, string memory field) internal view returns (uint32[] memory tokens) {
        uint256[] memory wide = vm.parseJsonUintArray(json, path(i, field));
        tokens = new uint32[](wide.length);
        for (uint256 j = 0; j < wide.length; ++j) {
            tokens[j] = uint32(wide[j]);
        }
    }

    function test_Digests_AreThoseOfTheCircuits() public view {
        uint256 count = vm.parseJsonUint(json, ".count");
        assertGt(count, 4);
        for (uint256 i = 0; i < count; ++i) {
            uint256 n = vm.parseJsonUint(json, path(i, "positions"));
            uint32[] memory prompt = tokensOf(i, "prompt");
            uint256 salt = vm.parseJsonUint(json, path(i, "inputSalt"));
            assertEq(_input(n, prompt, salt), vm.parseJsonBytes32(json, path(i, "input")));
            salt = vm.parseJsonUint(json, path(i, "outputSalt"));
            bytes32 output = _output(n, prompt.length, tokensOf(i, "generated"), salt);
            assertEq(output, vm.parseJsonBytes32(json, path(i, "output")));
        }
    }

    function test_Digests_AffordableFor1024Positions() public view {
        uint256 last = vm.parseJsonUint(json, ".count") - 1;
        uint32[] memory prompt = tokensOf(last, "prompt");
        uint32[] memory generated = tokensOf(last, "generated");
        assertEq(vm.parseJsonUint(json, path(last, "positions")), 1024);
        bytes memory packed = pack(generated);
        uint256 before = gasleft();
        digests.outputDigest(1024, prompt.length, packed, 1);
        assertLt(before - gasleft(), 3_500_000);

        // Permutations only: 129.
        before = gasleft();
        digests.outputDigest(1024, prompt.length, "", 1);
        assertLt((before - gasleft()) / 129, 21_000);
    }

    function test_Digests_OfMostPositionsFitIntoATransaction() public view {
        bytes memory generated = new bytes(3 * 4095);
        uint256 before = gasleft();
        digests.outputDigest(4096, 1, generated, 1);
        assertLt(before - gasleft(), 14_000_000);
    }

    function testFuzz_Digests_BindEveryToken(uint256 salt, uint8 length, uint8 place, uint32 other) public view {
        length = uint8(bound(length, 1, 40));
        place = uint8(bound(place, 0, length - 1));
        other = uint32(bound(other, 1, 2 ** 24 - 1));
        uint32[] memory tokens = new uint32[](length);
        bytes32 output = _output(64, 5, tokens, salt);
        bytes32 input = _input(64, tokens, salt);
        tokens[place] = other;
        assertNotEq(_output(64, 5, tokens, salt), output);
        assertNotEq(_input(64, tokens, salt), input);
    }

    function test_Digests_BindCountsPositionsAndSalt() public view {
        uint32[] memory tokens = new uint32[](3);
        uint32[] memory more = new uint32[](4);
        bytes32 output = _output(64, 5, tokens, 7);
        assertNotEq(_output(64, 5, more, 7), output);
        assertNotEq(_output(64, 4, tokens, 7), output);
        assertNotEq(_output(32, 5, tokens, 7), output);
        assertNotEq(_output(64, 5, tokens, 8), output);
        assertNotEq(_input(64, tokens, 7), _input(64, more, 7));
        assertEq(_output(64, 5, tokens, 7 + R), output);
        // No salt is so large that sums run over.
        uint256 large = type(uint256).max;
        assertEq(_output(64, 5, tokens, large), _output(64, 5, tokens, large % R));
    }

    /// Bytes after the last whole token are of none, and what follows in the calldata is not read as tokens.
    function testFuzz_Digests_OfWholeTokensOnly(bytes3[5] memory random, uint8 more) public view {
        bytes memory tokens = abi.encodePacked(random[0], random[1], random[2], random[3], random[4]);
        bytes32 whole = digests.outputDigest(64, 5, tokens, 7);
        tokens = bytes.concat(tokens, more % 2 == 0 ? bytes(hex"ff") : bytes(hex"ffff"));
        assertEq(digests.outputDigest(64, 5, tokens, 7), whole);
    }

    function test_Digests_RefuseMoreTokensThanPositions() public {
        uint32[] memory tokens = new uint32[](4);
        _output(8, 4, tokens, 0);
        vm.expectRevert(abi.encodeWithSelector(TokenDigests.TooManyTokens.selector, 8, 9));
        _output(8, 5, tokens, 0);
        vm.expectRevert(abi.encodeWithSelector(TokenDigests.TooManyTokens.selector, 3, 4));
        _input(3, tokens, 0);
    }
}
