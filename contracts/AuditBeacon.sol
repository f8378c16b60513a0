// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { Claim, IClaimBook } from "./interfaces/IClaimBook.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { AuditDraw } from "./libraries/AuditDraw.sol";
import { BlockHeader } from "./libraries/BlockHeader.sol";

/// @title Which layers of a claim must be proven
contract AuditBeacon is IAuditBeacon {
    struct Audit {
        uint64 blockNumber;
        bool revealed;
        bytes32 seed;
        uint256 layers;
    }

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

    /// @notice May schedule.
    IClaimBook public immutable claimBook;
    /// @notice Has the weights by which layers are drawn.
    IModelRegistry public immutable registry;
    /// @inheritdoc IAuditBeacon
    uint64 public immutable delayBlocks;

    mapping(bytes32 claim => Audit) private _audits;

    constructor(IClaimBook claimBook_, IModelRegistry registry_, uint64 delayBlocks_) {
        if (delayBlocks_ < MIN_DELAY_BLOCKS || delayBlocks_ > MAX_DELAY_BLOCKS) {
            revert BadDelay(MIN_DELAY_BLOCKS, MAX_DELAY_BLOCKS, delayBlocks_);
        }
        claimBook = claimBook_;
        registry = registry_;
        delayBlocks = delayBlocks_;
    }

    /// @inheritdoc IAuditBeacon
    function schedule(bytes32 claim) external {
        if (msg.sender != address(claimBook)) revert NotClaimBook(msg.sender);
        Audit storage audit = _audits[claim];
        // Another block would be another draw.
        if (audit.blockNumber != 0) revert AlreadyScheduled(claim);
        audit.blockNumber = uint64(block.number) + delayBlocks;
        emit AuditScheduled(claim, audit.blockNumber);
    }

    /// @inheritdoc IAuditBeacon
    function reveal(bytes32 claim, bytes calldata header) external {
        Audit storage audit = _audits[claim];
        uint64 blockNumber = audit.blockNumber;
        if (blockNumber == 0) revert NotScheduled(claim);
        if (audit.revealed) revert AlreadyRevealed(claim);
        if (block.number <= blockNumber) revert TooEarly(blockNumber);
        bytes32 expected = _hashOf(blockNumber);
        if (expected == 0) revert TooLate(blockNumber);
        if (keccak256(header) != expected) revert WrongHeader(expected, keccak256(header));
        (uint256 number, bytes32 seed) = BlockHeader.parse(header);
        if (number != blockNumber) revert WrongNumber(blockNumber, number);

        Claim memory c = claimBook.claim(claim);
        uint256 count = registry.policy(c.version).audits;
        uint256[] memory layers = AuditDraw.draw(registry.auditWeights(c.version), count, seed, c.claimDigest);
        uint256 bitmap = 0;
        for (uint256 i = 0; i < count; ++i) {
            bitmap |= 1 << layers[i];
        }
        (audit.revealed, audit.seed, audit.layers) = (true, seed, bitmap);
        emit AuditRevealed(claim, seed, bitmap);
    }

    /// @inheritdoc IAuditBeacon
    function maxDrawTime() external view returns (uint256) {
        // A header can be sent one block after its own.
        return (uint256(delayBlocks) + 1) * MAX_BLOCK_SECONDS;
    }

    /// @inheritdoc IAuditBeacon
    function blockOf(bytes32 claim) external view returns (uint64) {
        return _audits[claim].blockNumber;
    }

    /// @inheritdoc IAuditBeacon
    function drawn(bytes32 claim) external view returns (bool revealed, bytes32 seed, uint256 layers) {
        Audit storage audit = _audits[claim];
        return (audit.revealed, audit.seed, audit.layers);
    }

    /// @inheritdoc IAuditBeacon
    function draw(uint32[] memory weights, uint256 count, bytes32 seed, bytes32 claimDigest)
        external
        pure
        returns (uint256[] memory layers)
    {
        return AuditDraw.draw(weights, count, seed, claimDigest);
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
