// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Challenge, Claim, ClaimState, IClaimBook } from "../interfaces/IClaimBook.sol";
import { ChallengeStatus, ClaimStatus, Mode, OUTPUT, WHOLE } from "../interfaces/Types.sol";
import { ClaimWords } from "../libraries/ClaimWords.sol";
import { LayerSet } from "../libraries/LayerSet.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { Proofs } from "./Proofs.sol";

/// @title Challenges of layers, of whole claims, and of withheld output
abstract contract Challenges is Proofs {
    using ClaimWords for Claim;
    using LayerSet for uint256;

    /// Bytes of a token.
    uint256 private constant TOKEN_BYTES = 3;

    /// keccak256(salt ‖ tokens) of what was published and may be disputed.
    mapping(bytes32 claim => bytes32) private _revealed;

    // ---------------------------------------------------------------- layers

    /// @inheritdoc IClaimBook
    function challenge(Claim calldata claim, uint256 target, bytes32 seed) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        if (claim.mode() == Mode.Proofs) revert NotInThisMode(id);
        uint256 layers = claim.layers();
        if (target >= layers && target != WHOLE) revert NoSuchTarget(target, layers);
        if (seed != 0) {
            bytes32 seedDigest = keccak256(abi.encode(seed));
            if (seedDigest != claim.seedDigest) revert SeedMismatch(claim.seedDigest, seedDigest);
        }
        uint64 challengeBy = claim.challengeBy();
        if (block.timestamp > challengeBy) revert ChallengeWindowOver(challengeBy);
        if (_isProven(id, kept, target)) revert LayerIsProven(id, target);

        Record memory record = _records[id][target];
        if (record.answerBy == 0) {
            record.answerBy = uint64(block.timestamp) + claim.answerWindow();
            _challenged[id] |= 1 << target;
        } else if (block.timestamp > record.answerBy) {
            // Nothing is at risk any more.
            revert AnswerWindowOver(id, target, record.answerBy);
        }
        ++record.challengers;
        _records[id][target] = record;
        // Whoever answers for the whole claim answers for each layer.
        uint256 bond = claim.challengeBond() * (target == WHOLE ? layers : 1);
        emit Challenged(id, target, msg.sender, record.answerBy, bond, seed);
        // Refuses who challenges this already.
        escrow.holdFree(_hold(id, target, msg.sender), msg.sender, claim.asset, bond);
    }

    // ---------------------------------------------------------------- output

    /// @inheritdoc IClaimBook
    function demand(Claim calldata claim) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        _requireRequester(claim);
        uint64 challengeBy = claim.challengeBy();
        if (block.timestamp > challengeBy) revert ChallengeWindowOver(challengeBy);
        if (kept.output != ChallengeStatus.None) revert AlreadyChallenged(id, OUTPUT);
        uint64 answerBy = uint64(block.timestamp) + claim.answerWindow();
        _moveOutput(id, kept, ChallengeStatus.Open, answerBy);
        // For nothing: a bond that an answer forfeits would pay a provider for withholding.
        emit Challenged(id, OUTPUT, msg.sender, answerBy, 0, 0);
    }

    /// @inheritdoc IClaimBook
    function reveal(Claim calldata claim, uint256 salt, bytes calldata tokens, bytes calldata signature) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        if (kept.output != ChallengeStatus.Open) revert NotChallenged(id, OUTPUT);
        if (block.timestamp > kept.outputBy) revert AnswerWindowOver(id, OUTPUT, kept.outputBy);
        uint256 length = claim.newTokens() * TOKEN_BYTES;
        if (tokens.length != length) revert WrongOutputLength(length, tokens.length);

        emit OutputRevealed(id, salt, tokens);
        bytes32 output = keccak256(abi.encodePacked(salt, tokens));
        if (Signatures.consents(market.job(claim.job).provider, revealDigest(claim.job, output), signature)) {
            _revealed[id] = output;
            _moveOutput(id, kept, ChallengeStatus.Revealed, uint64(block.timestamp) + claim.challengeWindow());
        } else {
            // Anybody could answer wrongly in the provider's name: whoever is not the provider is not believed.
            bytes32 digest = _digest(claim, salt, tokens);
            if (digest != claim.outputDigest) revert OutputMismatch(claim.outputDigest, digest);
            _moveOutput(id, kept, ChallengeStatus.Answered, kept.outputBy);
            if (kept.allProven) _finalize(claim, id, kept);
        }
    }

    /// @inheritdoc IClaimBook
    function dispute(Claim calldata claim, uint256 salt, bytes calldata tokens) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        _requireRequester(claim);
        if (kept.output != ChallengeStatus.Revealed) revert OutputNotRevealed(id);
        if (block.timestamp > kept.outputBy) revert DisputeWindowOver(kept.outputBy);
        if (keccak256(abi.encodePacked(salt, tokens)) != _revealed[id]) revert NotTheRevealedOutput(id);
        if (_digest(claim, salt, tokens) == claim.outputDigest) revert OutputIsRight(id);
        // As if it had not been answered.
        kept.output = ChallengeStatus.Open;
        _defeat(claim, id, kept);
    }

    /// @inheritdoc IClaimBook
    function acceptOutput(Claim calldata claim) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        _requireRequester(claim);
        if (kept.output == ChallengeStatus.Answered) revert AlreadyChallenged(id, OUTPUT);
        _moveOutput(id, kept, ChallengeStatus.Answered, kept.outputBy);
        if (kept.allProven) _finalize(claim, id, kept);
    }

    // ---------------------------------------------------------------- ends

    /// @inheritdoc IClaimBook
    function timeout(Claim calldata claim, uint256 target) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        Challenge memory open = challengeOf(id, target);
        if (open.status != ChallengeStatus.Open) revert NotChallenged(id, target);
        if (block.timestamp <= open.answerBy) revert AnswerWindowOpen(open.answerBy);
        _defeat(claim, id, kept);
    }

    /// @inheritdoc IClaimBook
    function resolve(Claim calldata claim, uint256 target, address challenger) external {
        bytes32 id = claim.id();
        Kept storage kept = _known(id);
        ClaimStatus status_ = kept.status;
        if (status_ == ClaimStatus.Posted) revert Undecided(id, target);
        Challenge memory ended = challengeOf(id, target);
        if (ended.challengers == 0) revert NotChallenged(id, target);
        address winner = challenger;
        uint256 reward = ended.status == ChallengeStatus.TimedOut ? _takeReward(kept) : 0;
        if (target == OUTPUT) {
            address requester = market.job(claim.job).requester;
            if (challenger != requester) revert NotRequester(requester, challenger);
            kept.outputResolved = true;
        } else {
            --_records[id][target].challengers;
            winner = _resolveBond(claim, id, target, challenger, ended.status);
        }
        emit ChallengeResolved(id, target, challenger, winner, reward);
        if (reward != 0) _payReward(claim, id, target, challenger, reward);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IClaimBook
    function challengeOf(bytes32 id, uint256 target) public view returns (Challenge memory c) {
        Kept storage kept = _kept[id];
        if (target == OUTPUT) {
            bool unpaid = kept.output == ChallengeStatus.TimedOut && !kept.outputResolved;
            return Challenge(_outputOf(kept.output, kept.status), kept.outputBy, unpaid ? 1 : 0);
        }
        if (target > WHOLE) return c;
        Record storage record = _records[id][target];
        (c.answerBy, c.challengers) = (record.answerBy, record.challengers);
        if (c.answerBy == 0) return c;
        // What is proven before the end is answered, and nothing is proven afterwards.
        if (_isProven(id, kept, target)) c.status = ChallengeStatus.Answered;
        else if (kept.status == ClaimStatus.Posted) c.status = ChallengeStatus.Open;
        else if (kept.status == ClaimStatus.Defeated) c.status = ChallengeStatus.TimedOut;
        else c.status = ChallengeStatus.Cancelled;
    }

    /// @inheritdoc IClaimBook
    function stateOf(bytes32 id) external view returns (ClaimState memory) {
        Kept memory kept = _kept[id];
        uint256 drawn = _drawn[id];
        return ClaimState({
            status: kept.status,
            output: _outputOf(kept.output, kept.status),
            allProven: kept.allProven || kept.status == ClaimStatus.Proven,
            outputResolved: kept.outputResolved,
            outputBy: kept.outputBy,
            challengers: kept.challengers,
            reward: kept.reward,
            proven: _proven[id],
            challenged: _challenged[id],
            drawn: drawn & ~REVEALED,
            revealed: drawn != 0
        });
    }

    // ---------------------------------------------------------------- internal

    /// All whose challenge is open have a part in that.
    function _defeat(Claim calldata claim, bytes32 id, Kept storage kept) private {
        _requireUsable(claim);
        uint256 challengers = 0;
        for (uint256 open = _openSet(id, kept); open != 0; open &= open - 1) {
            challengers += _records[id][open.first()].challengers;
        }
        if (kept.output == ChallengeStatus.Open) {
            ++challengers;
            _moveOutput(id, kept, ChallengeStatus.TimedOut, kept.outputBy);
        }
        _end(id, kept, ClaimStatus.Defeated);
        uint256 reward = market.slash(claim.job, true);
        // forge-lint: disable-next-line(unsafe-typecast) each sent a transaction; a part of a stake of 128 bits
        (kept.challengers, kept.reward) = (uint32(challengers), uint128(reward));
    }

    function _moveOutput(bytes32 id, Kept storage kept, ChallengeStatus output, uint64 until) private {
        (kept.output, kept.outputBy) = (output, until);
        emit OutputChallengeMoved(id, output);
    }

    /// A demand that nothing answered is cancelled if the claim was voided; no other end leaves one open.
    function _outputOf(ChallengeStatus output, ClaimStatus status_) private pure returns (ChallengeStatus) {
        bool cancelled = output == ChallengeStatus.Open && status_ == ClaimStatus.Voided;
        return cancelled ? ChallengeStatus.Cancelled : output;
    }

    /// An equal part of what is left: the last one takes what division left over.
    function _takeReward(Kept storage kept) private returns (uint256) {
        (uint128 left, uint32 challengers) = (kept.reward, kept.challengers);
        uint128 part = left / challengers;
        (kept.reward, kept.challengers) = (left - part, challengers - 1);
        return part;
    }

    /// @return winner Who gets the bond: the recipient for proofs that were worth something.
    function _resolveBond(
        Claim calldata claim,
        bytes32 id,
        uint256 target,
        address challenger,
        ChallengeStatus challengeStatus
    ) private returns (address winner) {
        bool failed =
            challengeStatus == ChallengeStatus.Answered && _kept[id].status != ClaimStatus.Voided;
        bytes32 hold = _hold(id, target, challenger);
        if (!failed) {
            escrow.release(hold);
            return challenger;
        }
        winner = claim.recipient;
        escrow.pay(hold, winner);
    }

    /// The challengers' part of a stake is this contract's in the escrow until it is shared out.
    function _payReward(Claim calldata claim, bytes32 id, uint256 target, address challenger, uint256 reward) private {
        bytes32 part = keccak256(abi.encode("reward", id, target, challenger));
        escrow.holdFree(part, address(this), claim.asset, reward);
        escrow.pay(part, challenger);
    }

    function _digest(Claim calldata claim, uint256 salt, bytes calldata tokens) private view returns (bytes32) {
        uint256 positions = registry.header(market.job(claim.job).version).tokens;
        return digests.outputDigest(positions, claim.promptTokens(), tokens, salt);
    }

    /// The whole claim is, as soon as all layers are.
    function _isProven(bytes32 id, Kept storage kept, uint256 target) private view returns (bool) {
        return _allProven(kept) || _proven[id].has(target);
    }

    function _requireRequester(Claim calldata claim) private view {
        address requester = market.job(claim.job).requester;
        if (msg.sender != requester) revert NotRequester(requester, msg.sender);
    }

    function _hold(bytes32 id, uint256 target, address challenger) private pure returns (bytes32) {
        return keccak256(abi.encode("challenge", id, target, challenger));
    }
}
