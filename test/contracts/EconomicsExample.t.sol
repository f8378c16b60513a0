// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Economics } from "../../contracts/libraries/Economics.sol";
import { Test, console } from "forge-std/Test.sol";

/// @notice The table of docs/economics.md: `script/foundry forge test --match-contract EconomicsExample -vv` prints it.
contract EconomicsExampleTest is Test {
    uint256 internal constant PRICE = 0.01 ether;
    uint256 internal constant EXTERNAL_GAIN = 0.02 ether;
    // Ten layers: nine of a tenth each, and the one least looked at, at the floor of a quarter of that.
    uint256 internal constant LEAST = 25_000;
    uint256 internal constant TOTAL = 925_000;

    /// Decimals cut off after `digits`.
    function decimal(uint256 value, uint256 digits) internal pure returns (string memory) {
        string memory fraction = vm.toString(value % 1e18 / 10 ** (18 - digits) + 10 ** digits);
        bytes memory out = bytes(fraction);
        out[0] = ".";
        return string.concat(vm.toString(value / 1e18), string(out));
    }

    function row(uint256 audits) internal pure returns (string memory) {
        uint256 p = Economics.inclusion(LEAST, TOTAL, audits);
        // The draw is repeated once, and both must miss the layer.
        uint256 biased = p * p / 1e18;
        uint256 stake = Economics.requiredStake(p, PRICE, EXTERNAL_GAIN);
        return string.concat(
            string.concat("| ", vm.toString(audits), " | ", decimal(p, 4), " | ", decimal(stake, 3), " | "),
            string.concat(decimal(Economics.challengerShare(stake), 3), " | ", decimal(biased, 4), " | "),
            string.concat(decimal(Economics.requiredStake(biased, PRICE, EXTERNAL_GAIN), 2), " |")
        );
    }

    function test_Example_IsTheDocumentations() public view {
        string memory page = vm.readFile("docs/economics.md");
        uint8[5] memory audits = [1, 2, 4, 7, 10];
        for (uint256 i = 0; i < audits.length; ++i) {
            console.log(row(audits[i]));
            assertNotEq(vm.indexOf(page, row(audits[i])), type(uint256).max, row(audits[i]));
        }
    }
}
