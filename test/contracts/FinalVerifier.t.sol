// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { FinalVerifier } from "../../contracts/FinalVerifier.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { Test } from "forge-std/Test.sol";

/// @title A real final proof: test/fixtures/final-proof.json, remade by script/final-verifier
contract FinalVerifierTest is Test {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    IFinalVerifier private verifier;
    bytes private proof;
    uint256[4] private publicInputs;

    function setUp() public {
        verifier = IFinalVerifier(deployCode("FinalVerifier.sol"));
        string memory fixture = vm.readFile("test/fixtures/final-proof.json");
        proof = vm.parseJsonBytes(fixture, ".proof");
        uint256[] memory words = vm.parseJsonUintArray(fixture, ".publicInputs");
        for (uint256 i = 0; i < 4; ++i) {
            publicInputs[i] = words[i];
        }
    }

    function test_Accepted() public {
        verifier.verify(proof, publicInputs);
        vm.snapshotGasLastCall("gas", "verify a final proof");
    }
}
