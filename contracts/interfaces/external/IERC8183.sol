// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What an evaluator calls, of the escrow of jobs of ERC-8183 (draft of 2026)
interface IAgenticCommerce {
    function complete(uint256 jobId, bytes32 reason, bytes calldata optParams) external;
}
