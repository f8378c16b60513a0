// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Randomness of a block that was fixed before it was there
/// @notice Layers of a claim are drawn from the RANDAO of a block that was fixed when the claim was posted, a few blocks
/// ahead of it. The block's header shows the RANDAO, and the chain (its recent hashes, EIP-2935) shows the header.
interface IAuditBeacon {
    /// @notice The block is not there yet.
    error TooEarly(uint64 blockNumber);
    /// @notice The chain does not know the block's hash any more.
    error TooLate(uint64 blockNumber);
    error WrongHeader(bytes32 expected, bytes32 got);
    /// @notice The header is not the one canonical encoding of a header.
    error MalformedHeader();
    /// @notice The chain's hash of block `expected` is that of another block.
    error WrongNumber(uint64 expected, uint256 got);
    error BadDelay(uint64 min, uint64 max, uint64 got);

    /// @notice The RANDAO of a block, out of the RLP of its header.
    /// @param header RLP of the header.
    /// @param blockNumber Of the block; it must be before this one, and the chain must know its hash.
    function seedOf(bytes calldata header, uint64 blockNumber) external view returns (bytes32 seed);
    /// @notice From a claim's block to the one that its layers are drawn from.
    function delayBlocks() external view returns (uint64);
    /// @notice Seconds from a claim after which its layers can be drawn, if blocks are at most 24 seconds apart on
    /// average (Ethereum's are 12; every second slot may be missed).
    function maxDrawTime() external view returns (uint256);
}
