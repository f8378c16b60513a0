// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

/// @title Headers of a node's blocks under several hardforks
/// @notice test/fixtures/headers.json, remade by script/header-fixtures.
abstract contract HeaderFixtures is Test {
    struct Header {
        uint64 number;
        bytes32 hash;
        bytes32 mixHash;
        bytes rlp;
    }

    Header[] internal headers;

    function loadHeaders() internal {
        string memory json = vm.readFile("test/fixtures/headers.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        for (uint256 i = 0; i < count; ++i) {
            string memory at_ = string.concat(".cases[", vm.toString(i), "].");
            headers.push(
                Header({
                    number: uint64(vm.parseJsonUint(json, string.concat(at_, "number"))),
                    hash: vm.parseJsonBytes32(json, string.concat(at_, "hash")),
                    mixHash: vm.parseJsonBytes32(json, string.concat(at_, "mixHash")),
                    rlp: vm.parseJsonBytes(json, string.concat(at_, "header"))
                })
            );
        }
        assertEq(count, 25);
    }
}
