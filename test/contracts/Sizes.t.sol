// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

/// @title What is deployed fits: tests themselves may be larger, so the limit is not forge's setting
contract SizesTest is Test {
    function test_EveryContractFits() public {
        string[13] memory names = [
            "AuditBeacon",
            "BondEscrow",
            "ClaimBook",
            "ClaimLens",
            "Deployer",
            "EpochBook",
            "EpochDisputes",
            "EpochLens",
            "FinalVerifier",
            "JobMarket",
            "ModelRegistry",
            "StatementVerifier",
            "TokenDigests"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            _assertFits(names[i]);
        }
    }

    function _assertFits(string memory name) private {
        string memory artifact = string.concat(name, ".sol");
        uint256 size = vm.getDeployedCode(artifact).length;
        bytes memory initCode = vm.getCode(artifact);
        assertLe(size, 24_576, name);
        assertLe(initCode.length, 49_152, name);
        // CI fails when they move: addresses and verified sources follow from them.
        vm.snapshotValue("code", name, size);
        vm.snapshotValue("init-code-hash", name, uint256(keccak256(initCode)));
    }
}
