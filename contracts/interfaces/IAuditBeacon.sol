// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Which layers of a claim must be proven
/// @notice Layers are drawn by audit weight from the RANDAO of a block that was fixed when the claim was posted, a few
/// blocks ahead of it. The block's header shows the RANDAO, and the chain (its recent hashes, EIP-2935) shows the header.
interface IAuditBeacon {
    event AuditScheduled(bytes32 indexed claim, uint64 blockNumber);
    event AuditRevealed(bytes32 indexed claim, bytes32 seed, uint256 drawn);

    error NotClaimBook(address caller);
    error NotScheduled(bytes32 claim);
    error AlreadyRevealed(bytes32 claim);
    /// @notice The block is not there yet.
    error TooEarly(uint64 blockNumber);
    /// @notice The chain does not know the block's hash any more.
    error TooLate(uint64 blockNumber);
    error WrongHeader(bytes32 expected, bytes32 got);
    /// @notice The header is not the one canonical encoding of a header.
    error MalformedHeader();
    /// @notice The chain's hash of block `expected` is that of another block.
    error WrongNumber(uint64 expected, uint256 got);
    error AlreadyScheduled(bytes32 claim);
    error BadDelay(uint64 min, uint64 max, uint64 got);
    /// @notice No layers, or more than there are, are to be drawn.
    error DrawCount(uint256 layers, uint256 count);
    /// @notice A layer that is never drawn could be cheated on for free.
    error ZeroWeight(uint256 layer);

    /// @notice Fixes the block of a claim. Claim book only.
    function schedule(bytes32 claim) external;
    /// @notice Draws the layers, from the RLP of the block's header. Anybody may.
    function reveal(bytes32 claim, bytes calldata header) external;

    function blockOf(bytes32 claim) external view returns (uint64);
    /// @notice Bit `l`: layer `l` was drawn.
    function drawn(bytes32 claim) external view returns (bool revealed, bytes32 seed, uint256 layers);
    /// @notice The draw of docs/protocol.md, the same as the command line's.
    function draw(uint32[] memory weights, uint256 count, bytes32 seed, bytes32 claimDigest)
        external
        pure
        returns (uint256[] memory layers);
    function delayBlocks() external view returns (uint64);
    /// @notice Seconds from a claim after which its layers can be drawn, if blocks are at most 24 seconds apart on
    /// average (Ethereum's are 12; every second slot may be missed).
    function maxDrawTime() external view returns (uint256);
}
