// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow, Share } from "./interfaces/IBondEscrow.sol";
import { Claim, IClaimBook } from "./interfaces/IClaimBook.sol";
import { IJobMarket, Job } from "./interfaces/IJobMarket.sol";
import { Challenge, ILayerDispute, OpenBond } from "./interfaces/ILayerDispute.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { ChallengeStatus, ClaimStatus, Lane } from "./interfaces/Types.sol";
import { Economics } from "./libraries/Economics.sol";
import { LayerSet } from "./libraries/LayerSet.sol";
import { Signatures } from "./libraries/Signatures.sol";
import { TokenDigest } from "./libraries/TokenDigest.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Challenges of single layers, and of withheld output
/// @dev Calls untrusted code (signers) only by `staticcall`, so nothing can enter again.
contract LayerDispute is ILayerDispute, ERC165 {
    using LayerSet for uint256;

    struct Tally {
        /// Layers, and the output, whose challenge is open.
        uint64 open;
        /// Challengers of those; once the claim is defeated, those that have not been paid.
        uint64 challengers;
        /// What is left for them of the stake.
        uint128 reward;
    }

    IBondEscrow public immutable escrow;
    IJobMarket public immutable market;
    IClaimBook public immutable book;
    IModelRegistry public immutable registry;
    ISettlement public immutable settlement;

    /// A layer is asked for once, by any number of challengers: whatever ends that closes the layer, or ends the claim.
    mapping(bytes32 claim => mapping(uint256 layer => Challenge)) private _challenges;
    mapping(bytes32 claim => mapping(uint256 layer => address[])) private _challengers;
    mapping(bytes32 claim => Tally) private _tallies;
    /// keccak256(salt ‖ tokens) of what was published and may be disputed.
    mapping(bytes32 claim => bytes32) private _revealed;

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
        _requireNotProven(claim, layer);
        _challenge(claim, layer, j, j.challengeBond);
    }

    /// @inheritdoc ILayerDispute
    function answer(bytes32 claim, uint256 layer, bytes calldata proof) external {
        if (_challenges[claim][layer].status != ChallengeStatus.Open) revert NotChallenged(claim, layer);
        bytes[] memory proofs = new bytes[](1);
        proofs[0] = proof;
        // Comes back to `close`.
        settlement.proveLayers(claim, layer, proofs);
    }

    /// @inheritdoc ILayerDispute
    function close(bytes32 claim, uint256 layer, uint64 grace) external {
        if (msg.sender != address(settlement)) revert IClaimBook.NotSettlement(msg.sender);
        Challenge storage open = _challenges[claim][layer];
        if (open.status != ChallengeStatus.Open) return;
        uint64 answerBy = open.answerBy < grace ? grace : open.answerBy;
        if (block.timestamp > answerBy) revert AnswerWindowOver(answerBy);
        _end(claim, layer, ChallengeStatus.Answered);
    }

    // ---------------------------------------------------------------- output

    /// @inheritdoc ILayerDispute
    function demandOutput(bytes32 claim) external {
        (Claim memory c, Job memory j) = _posted(claim);
        _requireRequester(j);
        // For nothing: a bond that an answer forfeits would pay a provider for withholding.
        _challenge(claim, c.layers, j, 0);
    }

    /// @inheritdoc ILayerDispute
    function revealOutput(bytes32 claim, uint256 salt, bytes calldata tokens, bytes calldata signature) external {
        (Claim memory c, Job memory j) = _posted(claim);
        Challenge storage open = _challenges[claim][c.layers];
        if (open.status != ChallengeStatus.Open) revert NotChallenged(claim, c.layers);
        if (block.timestamp > open.answerBy) revert AnswerWindowOver(open.answerBy);
        uint256 length = uint256(j.newTokens) * TokenDigest.TOKEN_BYTES;
        if (tokens.length != length) revert WrongOutputLength(length, tokens.length);

        emit OutputRevealed(claim, salt, tokens);
        bytes32 output = keccak256(abi.encodePacked(salt, tokens));
        if (Signatures.consents(c.provider, book.revealDigest(claim, output), signature)) {
            _revealed[claim] = output;
            open.answerBy = uint64(block.timestamp) + j.challengeWindow;
            _end(claim, c.layers, ChallengeStatus.Revealed);
        } else {
            // Anybody could answer wrongly in the provider's name: whoever is not the provider is not believed.
            bytes32 digest = _digest(c, j, salt, tokens);
            if (digest != c.outputDigest) revert OutputMismatch(c.outputDigest, digest);
            _end(claim, c.layers, ChallengeStatus.Answered);
            _settleIfProven(claim, c);
        }
    }

    /// @inheritdoc ILayerDispute
    function disputeOutput(bytes32 claim, uint256 salt, bytes calldata tokens) external {
        (Claim memory c, Job memory j) = _posted(claim);
        _requireRequester(j);
        Challenge storage revealed = _challenges[claim][c.layers];
        if (revealed.status != ChallengeStatus.Revealed) revert OutputNotRevealed(claim);
        if (block.timestamp > revealed.answerBy) revert DisputeWindowOver(revealed.answerBy);
        if (keccak256(abi.encodePacked(salt, tokens)) != _revealed[claim]) revert NotTheRevealedOutput(claim);
        if (_digest(c, j, salt, tokens) == c.outputDigest) revert OutputIsRight(claim);

        Tally storage t = _tallies[claim];
        (++t.open, ++t.challengers);
        _lose(claim, c.layers, j);
    }

    /// @inheritdoc ILayerDispute
    function acceptOutput(bytes32 claim) external {
        (Claim memory c, Job memory j) = _posted(claim);
        _requireRequester(j);
        Challenge storage output = _challenges[claim][c.layers];
        if (output.status == ChallengeStatus.Answered) revert AlreadyChallenged(claim, c.layers);
        if (output.status == ChallengeStatus.Open) {
            _end(claim, c.layers, ChallengeStatus.Answered);
        } else {
            output.status = ChallengeStatus.Answered;
            emit ChallengeEnded(claim, c.layers, ChallengeStatus.Answered);
        }
        _settleIfProven(claim, c);
    }

    // ---------------------------------------------------------------- ends

    /// @inheritdoc ILayerDispute
    function timeout(bytes32 claim, uint256 layer) external {
        (, Job memory j) = _posted(claim);
        Challenge memory open = challengeOf(claim, layer);
        if (open.status != ChallengeStatus.Open) revert NotChallenged(claim, layer);
        if (block.timestamp <= open.answerBy) revert AnswerWindowOpen(open.answerBy);
        // By an aggregate; never so for the output, whose place is above all layers.
        _requireNotProven(claim, layer);
        _lose(claim, layer, j);
    }

    /// @inheritdoc ILayerDispute
    function resolve(bytes32 claim, uint256 layer, address challenger) external {
        Claim memory c = book.claim(claim);
        bytes32 hold = _hold(claim, layer, challenger);
        (address owner,, uint256 bond,) = escrow.holdOf(hold);
        if (owner == address(0)) revert NotChallenged(claim, layer);
        if (c.status == ClaimStatus.Posted) revert Undecided(claim, layer);

        Challenge storage ended = _challenges[claim][layer];
        if (ended.status == ChallengeStatus.Open) {
            bool lost = c.status == ClaimStatus.Defeated;
            ended.status = lost ? ChallengeStatus.TimedOut : ChallengeStatus.Cancelled;
            --_tallies[claim].open;
            emit ChallengeEnded(claim, layer, ended.status);
        }
        address winner = _winner(c, ended.status, challenger);
        uint128 reward = ended.status == ChallengeStatus.TimedOut ? _takeReward(claim) : 0;
        emit ChallengeResolved(claim, layer, challenger, winner, reward);
        if (winner == challenger) escrow.release(hold);
        else _pay(hold, winner, bond);
        if (reward != 0) _payReward(claim, layer, challenger, reward);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ILayerDispute
    function challengeOf(bytes32 claim, uint256 layer) public view returns (Challenge memory c) {
        c = _challenges[claim][layer];
        if (c.status != ChallengeStatus.Open || layer == book.claim(claim).layers) return c;
        uint64 grace = settlement.graceUntil(claim);
        if (c.answerBy < grace) c.answerBy = grace;
    }

    /// @inheritdoc ILayerDispute
    function challengersOf(bytes32 claim, uint256 layer) external view returns (address[] memory) {
        return _challengers[claim][layer];
    }

    /// @inheritdoc ILayerDispute
    function openCount(bytes32 claim) external view returns (uint256) {
        return _tallies[claim].open;
    }

    /// @inheritdoc ILayerDispute
    function firstDeadline(bytes32 claim) external view returns (uint64 first) {
        uint256 left = _tallies[claim].open;
        if (left == 0) return 0;
        uint256 layers = book.claim(claim).layers;
        for (uint256 layer = 0; layer < layers && left != 0; ++layer) {
            Challenge storage c = _challenges[claim][layer];
            if (c.status != ChallengeStatus.Open) continue;
            --left;
            if (first == 0 || c.answerBy < first) first = c.answerBy;
        }
    }

    /// @inheritdoc ILayerDispute
    function openBonds(bytes32 claim) external view returns (OpenBond[] memory bonds) {
        Claim memory c = book.claim(claim);
        uint256 most = 0;
        for (uint256 layer = 0; layer <= c.layers; ++layer) {
            most += _challengers[claim][layer].length;
        }
        bonds = new OpenBond[](most);
        uint256 count = 0;
        for (uint256 layer = 0; layer <= c.layers; ++layer) {
            address[] storage all = _challengers[claim][layer];
            for (uint256 i = 0; i < all.length; ++i) {
                (bool open, address winner) = _openBond(claim, layer, c, all[i]);
                if (open) bonds[count++] = OpenBond(layer, all[i], winner);
            }
        }
        assembly ("memory-safe") {
            mstore(bonds, count)
        }
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(ILayerDispute).interfaceId || super.supportsInterface(id);
    }

    // ---------------------------------------------------------------- internal

    /// Asks for a layer, or joins those who did.
    function _challenge(bytes32 claim, uint256 layer, Job memory j, uint128 bond) private {
        (uint64 challengeBy,) = settlement.deadlines(claim);
        if (block.timestamp > challengeBy) revert ChallengeWindowOver(challengeBy);
        Tally storage t = _tallies[claim];
        Challenge memory c = challengeOf(claim, layer);
        bytes32 hold = _hold(claim, layer, msg.sender);
        if (c.status == ChallengeStatus.None) {
            c = Challenge(ChallengeStatus.Open, msg.sender, uint64(block.timestamp) + j.answerWindow, bond);
            _challenges[claim][layer] = c;
            ++t.open;
        } else {
            (address owner,,,) = escrow.holdOf(hold);
            bool again = c.status != ChallengeStatus.Open || owner != address(0);
            if (again) revert AlreadyChallenged(claim, layer);
            // Nothing is at risk any more.
            if (block.timestamp > c.answerBy) revert AnswerWindowOver(c.answerBy);
        }
        ++t.challengers;
        _challengers[claim][layer].push(msg.sender);
        emit Challenged(claim, layer, msg.sender, c.answerBy, bond);
        escrow.holdFree(hold, msg.sender, j.asset, bond);
    }

    /// A layer, or the output, is answered. Money moves when the claim is over, and it is certain that the answer counts.
    function _end(bytes32 claim, uint256 layer, ChallengeStatus status) private {
        _challenges[claim][layer].status = status;
        Tally storage t = _tallies[claim];
        --t.open;
        // forge-lint: disable-next-line(unsafe-typecast) each one is counted in 64 bits
        t.challengers -= uint64(_challengers[claim][layer].length);
        emit ChallengeEnded(claim, layer, status);
    }

    /// The claim is defeated. All whose challenge is open have a part in that.
    function _lose(bytes32 claim, uint256 layer, Job memory j) private {
        _challenges[claim][layer].status = ChallengeStatus.TimedOut;
        Tally storage t = _tallies[claim];
        --t.open;
        // forge-lint: disable-next-line(unsafe-typecast) a part of a stake of 128 bits
        t.reward = uint128(Economics.challengerShare(j.stake));
        emit ChallengeEnded(claim, layer, ChallengeStatus.TimedOut);
        settlement.defeat(claim);
    }

    /// An equal part of what is left: the last one takes what division left over.
    function _takeReward(bytes32 claim) private returns (uint128 part) {
        Tally storage t = _tallies[claim];
        part = t.reward / t.challengers;
        (t.reward, t.challengers) = (t.reward - part, t.challengers - 1);
    }

    /// The challengers' part of a stake is this contract's in the escrow until it is shared out.
    function _payReward(bytes32 claim, uint256 layer, address challenger, uint256 reward) private {
        bytes32 part = keccak256(abi.encode("reward", claim, layer, challenger));
        escrow.holdFree(part, address(this), market.job(claim).asset, reward);
        _pay(part, challenger, reward);
    }

    function _pay(bytes32 hold, address account, uint256 amount) private {
        Share[] memory shares = new Share[](1);
        shares[0] = Share(account, amount);
        escrow.share(hold, shares);
    }

    /// Who gets a challenger's bond once the claim is over: the recipient for proofs that were worth something.
    function _winner(Claim memory c, ChallengeStatus status, address challenger) private pure returns (address) {
        bool failed = status == ChallengeStatus.Answered && c.status != ClaimStatus.Voided;
        return failed ? c.recipient : challenger;
    }

    function _openBond(bytes32 claim, uint256 layer, Claim memory c, address challenger)
        private
        view
        returns (bool open, address winner)
    {
        (address owner,, uint256 bond,) = escrow.holdOf(_hold(claim, layer, challenger));
        ChallengeStatus status = _challenges[claim][layer].status;
        bool rewarded =
            status == ChallengeStatus.TimedOut || (status == ChallengeStatus.Open && c.status == ClaimStatus.Defeated);
        // A demand of the output has no bond: it is of interest only if it won.
        open = owner != address(0) && (bond != 0 || rewarded);
        if (c.status != ClaimStatus.Posted) winner = _winner(c, status, challenger);
    }

    function _settleIfProven(bytes32 claim, Claim memory c) private {
        if (settlement.provenLayers(claim).isAll(c.layers)) settlement.finalize(claim);
    }

    function _digest(Claim memory c, Job memory j, uint256 salt, bytes calldata tokens) private view returns (bytes32) {
        return TokenDigest.outputDigest(registry.header(c.version).tokens, j.promptTokens, tokens, salt);
    }

    function _posted(bytes32 claim) private view returns (Claim memory c, Job memory j) {
        c = book.claim(claim);
        if (c.status != ClaimStatus.Posted) revert IClaimBook.ClaimIsOver(claim, c.status);
        j = market.job(claim);
    }

    function _requireNotProven(bytes32 claim, uint256 layer) private view {
        if (settlement.provenLayers(claim).has(layer)) revert LayerIsProven(claim, layer);
    }

    function _requireRequester(Job memory j) private view {
        if (msg.sender != j.requester) revert NotRequester(j.requester, msg.sender);
    }

    function _hold(bytes32 claim, uint256 layer, address challenger) private pure returns (bytes32) {
        return keccak256(abi.encode("challenge", claim, layer, challenger));
    }
}
