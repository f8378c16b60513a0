// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

/// @title What is deployed fits: tests themselves may be larger, so the limit is not forge's setting
contract SizesTest is Test {
    function test_EveryContractFits() public view {
        string[9] memory names = [
            "AuditBeacon",
            "BondEscrow",
            "ClaimBook",
            "ClaimLens",
            "Deployer",
            "JobMarket",
            "LayerDispute",
            "ModelRegistry",
            "Settlement"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            _assertFits(names[i]);
        }
        _assertFits("VerifierRouter");
    }

    function _assertFits(string memory name) private view {
        string memory artifact = string.concat(name, ".sol");
        assertLe(vm.getDeployedCode(artifact).length, 24_576, name);
        assertLe(vm.getCode(artifact).length, 49_152, name);
    }
}
