// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow, Share } from "./interfaces/IBondEscrow.sol";
import { Claim, IClaimBook } from "./interfaces/IClaimBook.sol";
import { IJobMarket, Job } from "./interfaces/IJobMarket.sol";
import { Challenge, ILayerDispute } from "./interfaces/ILayerDispute.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { ChallengeStatus, ClaimStatus, Lane } from "./interfaces/Types.sol";
import { LayerSet } from "./libraries/LayerSet.sol";
import { TokenDigest } from "./libraries/TokenDigest.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Challenges of single layers, and of withheld output
contract LayerDispute is ILayerDispute, ERC165 {
    using LayerSet for uint256;

    IBondEscrow public immutable escrow;
    IJobMarket public immutable market;
    IClaimBook public immutable book;
    IModelRegistry public immutable registry;
    ISettlement public immutable settlement;

    /// A layer has one challenge at most: whatever ends it closes the layer, or ends the claim.
    mapping(bytes32 claim => mapping(uint256 layer => Challenge)) private _challenges;

    /// @inheritdoc ILayerDispute
    mapping(bytes32 claim => uint256) public openCount;

    constructor(
        IBondEscrow escrow_,
        IJobMarket market_,
        IClaimBook book_,
        IModelRegistry registry_,
        ISettlement settlement_
    ) {
        escrow = escrow_;
        market = market_;
        book = book_;
        registry = registry_;
        settlement = settlement_;
    }

    // ---------------------------------------------------------------- layers

    /// @inheritdoc ILayerDispute
    function challenge(bytes32 claim, uint256 layer) external {
        (Claim memory c, Job memory j) = _posted(claim);
        if (j.lane == Lane.Proofs) revert ISettlement.NotInThisLane(claim);
        if (layer >= c.layers) revert NoSuchLayer(layer, c.layers);
        if (c.proven.has(layer)) revert LayerIsProven(claim, layer);
        _open(claim, layer, j, j.challengeBond);
    }

    /// @inheritdoc ILayerDispute
    function answer(bytes32 claim, uint256 layer, bytes calldata proof) external {
        Challenge storage open = _openAt(claim, layer);
        if (block.timestamp > open.answerBy) revert AnswerWindowOver(open.answerBy);
        bytes[] memory proofs = new bytes[](1);
        proofs[0] = proof;
        // Comes back to `resolve`.
        settlement.proveLayers(claim, layer, proofs);
    }

    // ---------------------------------------------------------------- output

    /// @inheritdoc ILayerDispute
    function demandOutput(bytes32 claim) external {
        (Claim memory c, Job memory j) = _posted(claim);
        if (msg.sender != j.requester) revert NotRequester(j.requester, msg.sender);
        // For nothing: a bond that an answer forfeits would pay a provider for withholding.
        _open(claim, c.layers, j, 0);
    }

    /// @inheritdoc ILayerDispute
    function revealOutput(bytes32 claim, uint256 salt, uint32[] calldata tokens) external {
        (Claim memory c, Job memory j) = _posted(claim);
        Challenge storage open = _openAt(claim, c.layers);
        if (block.timestamp > open.answerBy) revert AnswerWindowOver(open.answerBy);
        _checkOutput(c, j, salt, tokens);

        emit OutputRevealed(claim, salt, tokens);
        _end(claim, c.layers, ChallengeStatus.Answered, c.recipient);
        _settleIfProven(claim, c);
    }

    /// @inheritdoc ILayerDispute
    function acceptOutput(bytes32 claim) external {
        (Claim memory c, Job memory j) = _posted(claim);
        if (msg.sender != j.requester) revert NotRequester(j.requester, msg.sender);
        Challenge storage none = _challenges[claim][c.layers];
        if (none.status != ChallengeStatus.None) revert AlreadyChallenged(claim, c.layers);
        none.status = ChallengeStatus.Answered;
        emit ChallengeEnded(claim, c.layers, ChallengeStatus.Answered);
        _settleIfProven(claim, c);
    }

    // ---------------------------------------------------------------- ends

    /// @inheritdoc ILayerDispute
    function timeout(bytes32 claim, uint256 layer) external {
        _posted(claim);
        Challenge storage open = _openAt(claim, layer);
        if (block.timestamp <= open.answerBy) revert AnswerWindowOpen(open.answerBy);
        _end(claim, layer, ChallengeStatus.TimedOut, address(0));
        settlement.defeat(claim, open.challenger);
    }

    /// @inheritdoc ILayerDispute
    function resolve(bytes32 claim, uint256 layer) external {
        _openAt(claim, layer);
        Claim memory c = book.claim(claim);
        // Never so for the output, whose place is above all layers.
        if (c.proven.has(layer)) {
            _end(claim, layer, ChallengeStatus.Answered, c.recipient);
        } else if (c.status != ClaimStatus.Posted) {
            _end(claim, layer, ChallengeStatus.Cancelled, address(0));
        } else {
            revert Undecided(claim, layer);
        }
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ILayerDispute
    function challengeOf(bytes32 claim, uint256 layer) external view returns (Challenge memory) {
        return _challenges[claim][layer];
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(ILayerDispute).interfaceId || super.supportsInterface(id);
    }

    // ---------------------------------------------------------------- internal

    function _open(bytes32 claim, uint256 layer, Job memory j, uint128 bond) private {
        (uint64 challengeBy,) = settlement.deadlines(claim);
        if (block.timestamp > challengeBy) revert ChallengeWindowOver(challengeBy);
        if (_challenges[claim][layer].status != ChallengeStatus.None) revert AlreadyChallenged(claim, layer);

        uint64 answerBy = uint64(block.timestamp) + j.answerWindow;
        _challenges[claim][layer] = Challenge(ChallengeStatus.Open, msg.sender, answerBy, bond);
        ++openCount[claim];
        emit Challenged(claim, layer, msg.sender, answerBy, bond);
        escrow.holdFree(_hold(claim, layer), msg.sender, j.asset, bond);
    }

    /// The bond goes to `winner`, or back if there is none.
    function _end(bytes32 claim, uint256 layer, ChallengeStatus status, address winner) private {
        Challenge storage ended = _challenges[claim][layer];
        ended.status = status;
        --openCount[claim];
        emit ChallengeEnded(claim, layer, status);
        if (winner == address(0)) return escrow.release(_hold(claim, layer));
        Share[] memory shares = new Share[](1);
        shares[0] = Share(winner, ended.bond);
        escrow.share(_hold(claim, layer), shares);
    }

    function _settleIfProven(bytes32 claim, Claim memory c) private {
        if (c.proven.isAll(c.layers)) settlement.finalize(claim);
    }

    function _checkOutput(Claim memory c, Job memory j, uint256 salt, uint32[] calldata tokens) private view {
        if (tokens.length != j.newTokens) revert WrongTokenCount(j.newTokens, tokens.length);
        uint256 positions = registry.header(c.version).tokens;
        bytes32 digest = TokenDigest.outputDigest(positions, j.promptTokens, tokens, salt);
        if (digest != c.outputDigest) revert OutputMismatch(c.outputDigest, digest);
    }

    function _posted(bytes32 claim) private view returns (Claim memory c, Job memory j) {
        c = book.claim(claim);
        if (c.status != ClaimStatus.Posted) revert IClaimBook.ClaimIsOver(claim, c.status);
        j = market.job(claim);
    }

    function _openAt(bytes32 claim, uint256 layer) private view returns (Challenge storage open) {
        open = _challenges[claim][layer];
        if (open.status != ChallengeStatus.Open) revert NotChallenged(claim, layer);
    }

    function _hold(bytes32 claim, uint256 layer) private pure returns (bytes32) {
        return keccak256(abi.encode("challenge", claim, layer));
    }
}
