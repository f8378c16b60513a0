// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

/// @title Draws and inclusion probabilities of crates/prover/src/audit.rs: test/fixtures/audit-draws.json, remade by
/// `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-prover --test contract_fixtures`
abstract contract DrawFixtures is Test {
    struct Draw {
        uint32[] weights;
        uint256 count;
        bytes32 seed;
        bytes32 claim;
        uint256[] drawn;
        /// Probability of each layer to be drawn, in parts per 10^9.
        uint256[] inclusionPpb;
    }

    Draw[] internal draws;

    function loadDraws() internal {
        string memory json = vm.readFile("test/fixtures/audit-draws.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        for (uint256 i = 0; i < count; ++i) {
            string memory path = string.concat(".cases[", vm.toString(i), "].");
            Draw storage d = draws.push();
            uint256[] memory weights = vm.parseJsonUintArray(json, string.concat(path, "weights"));
            for (uint256 l = 0; l < weights.length; ++l) {
                d.weights.push(uint32(weights[l]));
            }
            d.count = vm.parseJsonUint(json, string.concat(path, "draws"));
            d.seed = vm.parseJsonBytes32(json, string.concat(path, "seed"));
            d.claim = vm.parseJsonBytes32(json, string.concat(path, "claim"));
            d.drawn = vm.parseJsonUintArray(json, string.concat(path, "drawn"));
            d.inclusionPpb = vm.parseJsonUintArray(json, string.concat(path, "inclusionPpb"));
        }
        assertEq(count, 10);
    }
}
