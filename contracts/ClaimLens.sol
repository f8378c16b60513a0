// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimProof, IClaimBook } from "./interfaces/IClaimBook.sol";
import { Description, IClaimLens, Terms } from "./interfaces/IClaimLens.sol";
import { IFinalVerifier } from "./interfaces/IFinalVerifier.sol";
import { IJobMarket, Job } from "./interfaces/IJobMarket.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Mode, OUTPUT, Tree, WHOLE } from "./interfaces/Types.sol";
import { ClaimWords } from "./libraries/ClaimWords.sol";
import { FinalInputs } from "./libraries/FinalInputs.sol";
import { LayerSet } from "./libraries/LayerSet.sol";
import { Action, LensText } from "./libraries/LensText.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Reading a claim
contract ClaimLens is IClaimLens, ERC165 {
    using ClaimWords for Claim;
    using LayerSet for uint256;
    using LensText for string;
    using Strings for uint256;

    IJobMarket public immutable market;
    IClaimBook public immutable book;
    IModelRegistry public immutable registry;

    constructor(IJobMarket market_, IClaimBook book_, IModelRegistry registry_) {
        market = market_;
        book = book_;
        registry = registry_;
    }

    /// @inheritdoc IClaimLens
    function describeClaim(Claim calldata claim) external view returns (Description memory) {
        Description memory d = _read(claim);
        d.status = _claimText(d).withNext(_next(claim, d));
        return d;
    }

    /// @inheritdoc IClaimLens
    function explainStatus(Claim calldata claim) external view returns (string memory) {
        Description memory d = _read(claim);
        return _claimText(d).withNext(_next(claim, d));
    }

    /// @inheritdoc IClaimLens
    function explainJob(bytes32 job) external view returns (string memory) {
        Job memory j = market.job(job);
        return _jobText(j).withNext(_nextOfJob(j));
    }

    /// @inheritdoc IClaimLens
    function nextAction(Claim calldata claim)
        external
        view
        returns (string memory who, string memory action, uint64 deadline)
    {
        Action memory next = _next(claim, _read(claim));
        return (next.who, next.what, next.deadline);
    }

    /// @inheritdoc IClaimLens
    function nextOfJob(bytes32 job) external view returns (string memory who, string memory action, uint64 deadline) {
        Action memory next = _nextOfJob(market.job(job));
        return (next.who, next.what, next.deadline);
    }

    /// @inheritdoc IClaimLens
    function checkProof(ClaimProof[] calldata proofs, Tree calldata tree, bytes calldata proof)
        external
        view
        returns (bool valid, bytes memory reason, uint256[4] memory publicInputs)
    {
        uint256 gasBefore = gasleft();
        try this.publicInputsOf(proofs, tree) returns (uint256[4] memory computed) {
            publicInputs = computed;
        } catch (bytes memory failure) {
            return (false, _judged(gasBefore, failure), publicInputs);
        }
        gasBefore = gasleft();
        // In a call of its own: of an address without code, too, it says that the proof is not valid.
        try this.verify(proofs[0].claim.verifier, proof, publicInputs) {
            valid = true;
        } catch (bytes memory failure) {
            reason = _judged(gasBefore, failure);
        }
    }

    /// @notice Public inputs of a final proof about claims, which must be there, with one verifier that can be used.
    function publicInputsOf(ClaimProof[] calldata proofs, Tree calldata tree)
        external
        view
        returns (uint256[4] memory publicInputs)
    {
        if (proofs.length == 0) revert IClaimBook.NothingToProve();
        address verifier = proofs[0].claim.verifier;
        if (!registry.verifierUsable(verifier)) revert IClaimBook.VerifierUnusable(verifier);
        for (uint256 i = 0; i < proofs.length; ++i) {
            Claim calldata claim = proofs[i].claim;
            if (book.status(claim.id()) == ClaimStatus.None) revert IClaimBook.UnknownClaim(claim.id());
            if (claim.verifier != verifier) revert IClaimBook.VerifierMismatch(verifier, claim.verifier);
        }
        (publicInputs,) = FinalInputs.compute(proofs, tree);
    }

    /// @notice Reverts unless a verifier accepts the proof.
    function verify(address verifier, bytes calldata proof, uint256[4] calldata publicInputs) external view {
        IFinalVerifier(verifier).verify(proof, publicInputs);
    }

    /// @inheritdoc IClaimLens
    function termsOf(Claim calldata claim) public pure returns (Terms memory terms) {
        // forge-lint: disable-start(unsafe-typecast) all are fields of these widths
        terms.promptTokens = uint32(claim.promptTokens());
        terms.newTokens = uint32(claim.newTokens());
        terms.layers = uint16(claim.layers());
        terms.mode = claim.mode();
        terms.challengeBond = uint128(claim.challengeBond());
        terms.postedAt = claim.postedAt();
        terms.challengeWindow = uint32(claim.challengeWindow());
        terms.answerWindow = uint32(claim.answerWindow());
        // forge-lint: disable-end(unsafe-typecast)
        terms.drawBlock = claim.drawBlock();
        terms.challengeBy = claim.challengeBy();
        terms.provenBy = claim.provenBy();
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IClaimLens).interfaceId || super.supportsInterface(id);
    }

    /// Whatever ran out of gas, a precompiled contract three calls below at most, took all but a 64th of it from each
    /// caller. A proof is called invalid only if much more than that is left.
    function _judged(uint256 gasBefore, bytes memory failure) private view returns (bytes memory) {
        if (gasleft() < gasBefore / 8) revert MoreGasNeeded(gasBefore);
        return failure;
    }

    // ---------------------------------------------------------------- state

    function _read(Claim calldata claim) private view returns (Description memory d) {
        d.claim = claim.id();
        d.state = book.stateOf(d.claim);
        if (d.state.status == ClaimStatus.None) revert IClaimBook.UnknownClaim(d.claim);
        d.job = market.job(claim.job);
        d.terms = termsOf(claim);
        d.provenLayers = d.state.allProven ? d.terms.layers : d.state.proven.count();
        d.auditedLayers = d.state.drawn.count();
        if (d.state.status == ClaimStatus.Posted) {
            if (!d.state.allProven) d.openChallenges = (d.state.challenged & ~d.state.proven).count();
            if (d.state.output == ChallengeStatus.Open) ++d.openChallenges;
        }
    }

    // ---------------------------------------------------------------- what comes next

    function _next(Claim calldata claim, Description memory d) private view returns (Action memory) {
        if (d.state.status != ClaimStatus.Posted) {
            (bool held, uint256 of_) = _heldBond(d);
            return held ? Action("anybody", string.concat("resolve", _targetText(of_)), 0) : Action("nobody", "", 0);
        }
        if (!registry.verifierUsable(claim.verifier)) return Action("anybody", "voidClaim", 0);
        if (d.openChallenges != 0) return _nextOfChallenges(d);
        bool disputable = d.state.output == ChallengeStatus.Revealed && block.timestamp <= d.state.outputBy;
        if (d.state.allProven) return _nextOfProven(d, disputable);

        bool draws = d.terms.mode == Mode.Audited && !d.state.revealed;
        if (book.missingLayers(claim) != 0) {
            if (block.timestamp > d.terms.provenBy) return Action("anybody", "expireClaim", 0);
            return Action("provider", draws ? "revealDraw" : "prove", d.terms.provenBy);
        }
        if (block.timestamp <= d.terms.challengeBy) return Action("challengers", "challenge", d.terms.challengeBy);
        if (disputable) return _nextOfRevealed(d);
        return Action("anybody", "finalize", 0);
    }

    function _nextOfJob(Job memory job) private view returns (Action memory) {
        if (job.status == JobStatus.Open) {
            bool late = block.timestamp > job.lockBy;
            return late ? Action("anybody", "cancel", 0) : Action("provider", "lock", job.lockBy);
        }
        if (job.status == JobStatus.Locked) {
            bool over = block.timestamp > job.claimBy || !registry.usable(job.version);
            return over ? Action("anybody", "expire", 0) : Action("provider", "post", job.claimBy);
        }
        return Action("nobody", "", 0);
    }

    /// Of the open challenge with the earliest deadline.
    function _nextOfChallenges(Description memory d) private view returns (Action memory) {
        (uint256 target, uint64 answerBy) = (OUTPUT, type(uint64).max);
        if (d.state.output == ChallengeStatus.Open) answerBy = d.state.outputBy;
        uint256 open = d.state.allProven ? 0 : d.state.challenged & ~d.state.proven;
        for (; open != 0; open &= open - 1) {
            uint64 by = book.challengeOf(d.claim, open.first()).answerBy;
            if (by < answerBy) (target, answerBy) = (open.first(), by);
        }
        string memory text = _targetText(target);
        if (block.timestamp > answerBy) return Action("anybody", string.concat("timeout", text), 0);
        return Action("provider", string.concat(target == OUTPUT ? "reveal" : "prove", text), answerBy);
    }

    /// All is proven: if the output can still be demanded, that is what is waited for.
    function _nextOfProven(Description memory d, bool disputable) private view returns (Action memory) {
        if (disputable) return _nextOfRevealed(d);
        bool closed = d.state.output != ChallengeStatus.None;
        if (closed || block.timestamp > d.terms.challengeBy) return Action("anybody", "finalize", 0);
        return Action("requester", "acceptOutput or demand", d.terms.challengeBy);
    }

    function _nextOfRevealed(Description memory d) private pure returns (Action memory) {
        return Action("requester", "acceptOutput or dispute", d.state.outputBy);
    }

    /// A challenge of which bonds, or parts of a stake, are held.
    function _heldBond(Description memory d) private view returns (bool held, uint256 target) {
        for (uint256 left = d.state.challenged; left != 0; left &= left - 1) {
            target = left.first();
            if (book.challengeOf(d.claim, target).challengers != 0) return (true, target);
        }
        return (book.challengeOf(d.claim, OUTPUT).challengers != 0, OUTPUT);
    }

    // ---------------------------------------------------------------- words

    function _jobText(Job memory job) private pure returns (string memory) {
        if (job.status == JobStatus.Open) return "Open: no provider has taken the job.";
        if (job.status == JobStatus.Locked) {
            return "Locked: a provider staked on the job and has not claimed an answer.";
        }
        if (job.status == JobStatus.Refunded) return "Refunded: price and stake went back.";
        if (job.status != JobStatus.Expired) return "Claimed: the claim says more.";
        return "Expired: the provider did not claim an answer, and the requester was refunded.";
    }

    function _claimText(Description memory d) private view returns (string memory) {
        ClaimStatus status = d.state.status;
        string memory layers = string.concat(
            d.provenLayers.toString(), " of ", uint256(d.terms.layers).toString(), " layers are proven"
        );
        if (status == ClaimStatus.Proven) return "Proven: every layer is proven, and the price is paid.";
        if (status == ClaimStatus.Finalized) {
            return string.concat("Finalized: no challenge succeeded, ", layers, ", and the price is paid.");
        }
        if (status == ClaimStatus.Defeated) {
            return string.concat("Defeated: ", layers, "; the stake is slashed, and the requester was refunded.");
        }
        if (status == ClaimStatus.Voided) {
            return "Voided: the verifier was frozen, and everybody got their money back.";
        }
        return string.concat(
            "Posted ",
            (block.timestamp - d.terms.postedAt).toString(),
            " s ago in the ",
            _modeText(d),
            " mode: ",
            layers,
            ", ",
            LensText.counted(d.openChallenges, " challenge is open.", " challenges are open.")
        );
    }

    function _modeText(Description memory d) private pure returns (string memory) {
        if (d.terms.mode == Mode.Proofs) return "proofs";
        if (d.terms.mode == Mode.Optimistic) return "optimistic";
        if (!d.state.revealed) return "audited (layers not drawn yet)";
        return string.concat("audited (layers drawn: ", d.auditedLayers.toString(), ")");
    }

    /// Which challenge, for an action's text.
    function _targetText(uint256 target) private pure returns (string memory) {
        if (target == OUTPUT) return " for the output";
        if (target == WHOLE) return " for all layers";
        return string.concat(" for layer ", target.toString());
    }
}
