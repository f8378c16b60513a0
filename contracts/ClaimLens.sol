// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { IClaimBook } from "./interfaces/IClaimBook.sol";
import { Description, IClaimLens } from "./interfaces/IClaimLens.sol";
import { IJobMarket, Job } from "./interfaces/IJobMarket.sol";
import { Challenge, ILayerDispute, OpenBond } from "./interfaces/ILayerDispute.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { IVerifierRouter } from "./interfaces/IVerifierRouter.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane } from "./interfaces/Types.sol";
import { LayerSet } from "./libraries/LayerSet.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Reading a claim
contract ClaimLens is IClaimLens, ERC165 {
    using LayerSet for uint256;
    using Strings for uint256;

    /// Who has to do what until when; zero: no deadline.
    struct Action {
        string who;
        string what;
        uint64 deadline;
    }

    IJobMarket public immutable market;
    IClaimBook public immutable book;
    ISettlement public immutable settlement;
    ILayerDispute public immutable dispute;
    IAuditBeacon public immutable beacon;
    IModelRegistry public immutable registry;
    IVerifierRouter public immutable router;

    constructor(
        IJobMarket market_,
        IClaimBook book_,
        ISettlement settlement_,
        ILayerDispute dispute_,
        IAuditBeacon beacon_,
        IModelRegistry registry_,
        IVerifierRouter router_
    ) {
        market = market_;
        book = book_;
        settlement = settlement_;
        dispute = dispute_;
        beacon = beacon_;
        registry = registry_;
        router = router_;
    }

    /// @inheritdoc IClaimLens
    function describeClaim(bytes32 claim) external view returns (Description memory) {
        Description memory d = _read(claim);
        d.status = _explain(claim, d);
        return d;
    }

    /// @inheritdoc IClaimLens
    function explainStatus(bytes32 claim) external view returns (string memory) {
        return _explain(claim, _read(claim));
    }

    /// @inheritdoc IClaimLens
    function nextAction(bytes32 claim)
        external
        view
        returns (string memory who, string memory action, uint64 deadline)
    {
        Action memory next = _next(claim, _read(claim));
        return (next.who, next.what, next.deadline);
    }

    /// @inheritdoc IClaimLens
    function checkProof(bytes32 claim, uint256 layer, bytes calldata proof)
        external
        view
        returns (bool valid, bytes memory reason, bytes32 statement, uint256[] memory instances)
    {
        statement = book.claim(claim).statement;
        instances = book.instances(claim, layer);
        uint256 gasBefore = gasleft();
        try settlement.checkLayer(claim, layer, proof) {
            valid = true;
        } catch (bytes memory failure) {
            reason = _judged(gasBefore, failure);
        }
    }

    /// @inheritdoc IClaimLens
    function checkAggregate(bytes32 claim, bytes32 aggregateKey, bytes calldata proof)
        external
        view
        returns (bool valid, bytes memory reason, bytes32 statement, uint256[] memory instances)
    {
        statement = book.claim(claim).statement;
        instances = book.aggregateInstances(claim);
        uint256 gasBefore = gasleft();
        try settlement.checkAggregate(claim, aggregateKey, proof) {
            valid = true;
        } catch (bytes memory failure) {
            reason = _judged(gasBefore, failure);
        }
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IClaimLens).interfaceId || super.supportsInterface(id);
    }

    /// Whatever ran out of gas, a precompiled contract four calls below at most, took all but a 64th of it from each
    /// caller. A proof is called invalid only if much more than that is left.
    function _judged(uint256 gasBefore, bytes memory failure) private view returns (bytes memory) {
        if (gasleft() < gasBefore / 8) revert MoreGasNeeded(gasBefore);
        return failure;
    }

    // ---------------------------------------------------------------- state

    function _read(bytes32 claim) private view returns (Description memory d) {
        d.job = market.job(claim);
        if (book.status(claim) == ClaimStatus.None) return d;
        d.claim = book.claim(claim);
        d.boundaries = book.boundaries(claim);
        (d.challengeBy, d.provenBy) = settlement.deadlines(claim);
        d.openChallenges = dispute.openCount(claim);
        d.proven = settlement.provenLayers(claim);
        d.provenLayers = d.proven.count();
        if (d.job.lane == Lane.Audited) {
            uint256 drawn;
            (d.auditRevealed,, drawn) = beacon.drawn(claim);
            d.auditedLayers = drawn.count();
        }
    }

    // ---------------------------------------------------------------- what comes next

    function _next(bytes32 claim, Description memory d) private view returns (Action memory) {
        if (d.claim.status == ClaimStatus.None) return _nextOfJob(d.job);
        if (d.claim.status != ClaimStatus.Posted) {
            OpenBond[] memory bonds = dispute.openBonds(claim);
            if (bonds.length == 0) return Action("nobody", "", 0);
            return Action("anybody", string.concat("LayerDispute.resolve", _of(d, bonds[0].layer)), 0);
        }
        if (!registry.usable(d.claim.version)) return Action("anybody", "Settlement.voidClaim", 0);
        (bool open, uint256 layer, uint64 answerBy) = _firstChallenge(claim, d);
        if (open) return _nextOfChallenge(d, layer, answerBy);
        Challenge memory output = dispute.challengeOf(claim, d.claim.layers);
        bool disputable = output.status == ChallengeStatus.Revealed && block.timestamp <= output.answerBy;
        if (d.proven.isAll(d.claim.layers)) return _nextOfProven(d, output, disputable);

        bool draws = d.job.lane == Lane.Audited && !d.auditRevealed;
        if (settlement.missingLayers(claim) != 0) {
            if (block.timestamp > d.provenBy) return Action("anybody", "Settlement.expire", 0);
            return Action("provider", draws ? "AuditBeacon.reveal" : "Settlement.proveLayers", d.provenBy);
        }
        if (block.timestamp <= d.challengeBy) return Action("challengers", "LayerDispute.challenge", d.challengeBy);
        if (disputable) return _nextOfRevealed(output);
        return Action("anybody", "Settlement.finalize", 0);
    }

    function _nextOfJob(Job memory job) private view returns (Action memory) {
        if (job.status == JobStatus.Open) {
            bool late = block.timestamp > job.lockBy;
            return late ? Action("anybody", "JobMarket.cancel", 0) : Action("provider", "JobMarket.lock", job.lockBy);
        }
        if (job.status == JobStatus.Locked) {
            bool over = block.timestamp > job.claimBy || !registry.usable(job.version);
            return
                over ? Action("anybody", "JobMarket.expire", 0) : Action("provider", "ClaimBook.postClaim", job.claimBy);
        }
        return Action("nobody", "", 0);
    }

    function _nextOfChallenge(Description memory d, uint256 layer, uint64 answerBy)
        private
        view
        returns (Action memory)
    {
        string memory of_ = _of(d, layer);
        if (block.timestamp > answerBy) return Action("anybody", string.concat("LayerDispute.timeout", of_), 0);
        string memory call = layer == d.claim.layers ? "LayerDispute.revealOutput" : "LayerDispute.answer";
        return Action("provider", string.concat(call, of_), answerBy);
    }

    /// All is proven: if the output can still be demanded, that is what is waited for.
    function _nextOfProven(Description memory d, Challenge memory output, bool disputable)
        private
        view
        returns (Action memory)
    {
        if (disputable) return _nextOfRevealed(output);
        bool closed = output.status != ChallengeStatus.None;
        if (closed || block.timestamp > d.challengeBy) return Action("anybody", "Settlement.finalize", 0);
        return Action("requester", "LayerDispute.acceptOutput or demandOutput", d.challengeBy);
    }

    function _nextOfRevealed(Challenge memory output) private pure returns (Action memory) {
        return Action("requester", "LayerDispute.acceptOutput or disputeOutput", output.answerBy);
    }

    /// The open challenge with the earliest deadline. One of a layer that an aggregate showed is not waited for.
    function _firstChallenge(bytes32 claim, Description memory d)
        private
        view
        returns (bool found, uint256 layer, uint64 answerBy)
    {
        if (d.openChallenges == 0) return (false, 0, 0);
        for (uint256 l = 0; l <= d.claim.layers; ++l) {
            Challenge memory c = dispute.challengeOf(claim, l);
            if (d.proven.has(l) || c.status != ChallengeStatus.Open) continue;
            if (!found || c.answerBy < answerBy) {
                (found, layer, answerBy) = (true, l, c.answerBy);
            }
        }
    }

    // ---------------------------------------------------------------- words

    function _explain(bytes32 claim, Description memory d) private view returns (string memory) {
        Action memory next = _next(claim, d);
        string memory text = d.claim.status == ClaimStatus.None ? _jobText(d.job) : _claimText(d);
        if (bytes(next.what).length == 0) return text;
        text = string.concat(text, " Next: ", next.who, ", ", next.what);
        if (next.deadline == 0) return string.concat(text, ", at any time.");
        return string.concat(
            text,
            ", until ",
            uint256(next.deadline).toString(),
            " (",
            (next.deadline - block.timestamp).toString(),
            " s left)."
        );
    }

    function _jobText(Job memory job) private pure returns (string memory) {
        if (job.status == JobStatus.Open) return "Open: no provider has taken the job.";
        if (job.status == JobStatus.Locked) {
            return "Locked: a provider staked on the job and has not claimed an answer.";
        }
        if (job.status == JobStatus.Refunded) return "Refunded: the job was taken back before a provider took it.";
        return "Expired: the provider did not claim an answer, and the requester was refunded.";
    }

    function _claimText(Description memory d) private view returns (string memory) {
        ClaimStatus status = d.claim.status;
        string memory by = "";
        if (d.claim.aggregateKey != 0 && !d.claim.proven.isAll(d.claim.layers)) {
            bool counts = d.proven.isAll(d.claim.layers) || status == ClaimStatus.Proven;
            by = counts ? " by one aggregate proof" : " (and the verifier of an aggregate proof was frozen)";
        }
        string memory layers = string.concat(
            d.provenLayers.toString(), " of ", uint256(d.claim.layers).toString(), " layers are proven", by
        );
        if (status == ClaimStatus.Proven) {
            return string.concat("Proven: every layer is proven", by, ", and the price is paid.");
        }
        if (status == ClaimStatus.Finalized) {
            return string.concat("Finalized: no challenge succeeded, ", layers, ", and the price is paid.");
        }
        if (status == ClaimStatus.Defeated) {
            return string.concat("Defeated: ", layers, "; the stake is slashed, and the requester was refunded.");
        }
        if (status == ClaimStatus.Voided) {
            return "Voided: a verifier of the version was frozen, and everybody got their money back.";
        }
        return string.concat(
            "Posted ",
            (block.timestamp - d.claim.postedAt).toString(),
            " s ago in the ",
            _laneText(d),
            " lane: ",
            layers,
            ", ",
            d.openChallenges.toString(),
            d.openChallenges == 1 ? " challenge is open." : " challenges are open."
        );
    }

    function _laneText(Description memory d) private pure returns (string memory) {
        if (d.job.lane == Lane.Proofs) return "proofs";
        if (d.job.lane == Lane.Optimistic) return "optimistic";
        if (!d.auditRevealed) return "audited (layers not drawn yet)";
        return string.concat("audited (layers drawn: ", d.auditedLayers.toString(), ")");
    }

    /// Which challenge, for an action's text.
    function _of(Description memory d, uint256 layer) private pure returns (string memory) {
        if (layer == d.claim.layers) return " for the output";
        return string.concat(" for layer ", layer.toString());
    }
}
