// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Sets of layers
/// @notice Bit `l` is layer `l`; a model has 1 to 254 layers.
library LayerSet {
    function all(uint256 layers) internal pure returns (uint256) {
        return type(uint256).max >> (256 - layers);
    }

    function has(uint256 set, uint256 layer) internal pure returns (bool) {
        return (set >> layer) & 1 == 1;
    }

    /// @notice The least of a set that is not empty.
    function first(uint256 set) internal pure returns (uint256) {
        return Math.log2(set & (~set + 1));
    }

    function count(uint256 set) internal pure returns (uint256 n) {
        for (; set != 0; set &= set - 1) {
            ++n;
        }
    }
}
