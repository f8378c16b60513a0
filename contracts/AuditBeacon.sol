// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { BlockHeader } from "./libraries/BlockHeader.sol";

/// @title Randomness of a block that was fixed before it was there
/// @dev Stateless.
contract AuditBeacon is IAuditBeacon {
    /// @notice An epoch: with less, whoever posts a claim knows the proposer of the draw's block, and its neighbours',
    /// before it posts.
    uint64 public constant MIN_DELAY_BLOCKS = 32;
    /// @notice Longest delay, so that a window is not spent on waiting.
    uint64 public constant MAX_DELAY_BLOCKS = 256;
    /// @notice Most seconds between blocks, on average from a claim to its draw, for which windows are checked. It is
    /// twice Ethereum's slot; do not audit on a chain that is slower.
    uint256 public constant MAX_BLOCK_SECONDS = 24;
    /// @notice Has the hashes of the last 8,191 blocks (EIP-2935), where the chain has it.
    address public constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @inheritdoc IAuditBeacon
    uint64 public immutable delayBlocks;

    constructor(uint64 delayBlocks_) {
        if (delayBlocks_ < MIN_DELAY_BLOCKS || delayBlocks_ > MAX_DELAY_BLOCKS) {
            revert BadDelay(MIN_DELAY_BLOCKS, MAX_DELAY_BLOCKS, delayBlocks_);
        }
        delayBlocks = delayBlocks_;
    }

    /// @inheritdoc IAuditBeacon
    function seedOf(bytes calldata header, uint64 blockNumber) external view returns (bytes32 seed) {
        if (block.number <= blockNumber) revert TooEarly(blockNumber);
        bytes32 expected = _hashOf(blockNumber);
        if (expected == 0) revert TooLate(blockNumber);
        if (keccak256(header) != expected) revert WrongHeader(expected, keccak256(header));
        uint256 number;
        (number, seed) = BlockHeader.parse(header);
        if (number != blockNumber) revert WrongNumber(blockNumber, number);
    }

    /// @inheritdoc IAuditBeacon
    function maxDrawTime() external view returns (uint256) {
        // A header can be sent one block after its own.
        return (uint256(delayBlocks) + 1) * MAX_BLOCK_SECONDS;
    }

    /// @dev Zero if the chain does not know it.
    function _hashOf(uint256 blockNumber) private view returns (bytes32 hash) {
        hash = blockhash(blockNumber);
        if (hash != 0) return hash;
        (bool ok, bytes memory returned) = HISTORY.staticcall(abi.encode(blockNumber));
        // An address without code returns nothing.
        if (ok && returned.length == 32) hash = abi.decode(returned, (bytes32));
    }
}
