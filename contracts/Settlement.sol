// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { Claim, IClaimBook } from "./interfaces/IClaimBook.sol";
import { IJobMarket, Job } from "./interfaces/IJobMarket.sol";
import { Challenge, ILayerDispute } from "./interfaces/ILayerDispute.sol";
import { IModelRegistry, Layer } from "./interfaces/IModelRegistry.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { IVerifierRouter } from "./interfaces/IVerifierRouter.sol";
import { ChallengeStatus, ClaimStatus, Lane } from "./interfaces/Types.sol";
import { LayerSet } from "./libraries/LayerSet.sol";
import { Statement } from "./libraries/Statement.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title The ways a claim ends
/// @notice Holds no money and no state. A claim ends once: the claim book refuses a second end, the market a second
/// payout.
contract Settlement is ISettlement, ERC165 {
    using LayerSet for uint256;

    IJobMarket public immutable market;
    IClaimBook public immutable book;
    IModelRegistry public immutable registry;
    IVerifierRouter public immutable router;
    IAuditBeacon public immutable beacon;
    ILayerDispute public immutable dispute;

    constructor(
        IJobMarket market_,
        IClaimBook book_,
        IModelRegistry registry_,
        IVerifierRouter router_,
        IAuditBeacon beacon_,
        ILayerDispute dispute_
    ) {
        market = market_;
        book = book_;
        registry = registry_;
        router = router_;
        beacon = beacon_;
        dispute = dispute_;
    }

    // ---------------------------------------------------------------- ends of a claim

    /// @inheritdoc ISettlement
    function proveLayers(bytes32 claim, uint256 first, bytes[] calldata proofs) external {
        if (proofs.length == 0) revert NothingToProve();
        (Claim memory c, Job memory j) = _posted(claim);
        (uint64 challengeBy, uint64 provenBy) = _deadlines(c, j);
        if (block.timestamp > provenBy) revert ProvingIsOver(provenBy);

        for (uint256 i = 0; i < proofs.length; ++i) {
            uint256 layer = first + i;
            _verify(claim, c, layer, proofs[i]);
            if (c.proven.has(layer)) continue;
            c.proven = c.proven.with(layer);
            book.markProven(claim, layer);
            _closeChallenge(claim, layer);
        }
        if (c.proven.isAll(c.layers) && !_outputIsDue(claim, c, challengeBy)) _settle(claim, c, ClaimStatus.Proven);
    }

    /// @inheritdoc ISettlement
    function proveAll(bytes32 claim, bytes32 aggregateKey, bytes calldata proof) external {
        (Claim memory c, Job memory j) = _posted(claim);
        (uint64 challengeBy, uint64 provenBy) = _deadlines(c, j);
        if (block.timestamp > provenBy) revert ProvingIsOver(provenBy);

        _verifyAggregate(claim, c, aggregateKey, proof);
        if (!c.proven.isAll(c.layers)) {
            book.markAllProven(claim, aggregateKey);
            _closeChallenges(claim, c);
        }
        if (!_outputIsDue(claim, c, challengeBy)) _settle(claim, c, ClaimStatus.Proven);
    }

    /// @inheritdoc ISettlement
    function finalize(bytes32 claim) external {
        (Claim memory c, Job memory j) = _posted(claim);
        (uint64 challengeBy,) = _deadlines(c, j);
        uint256 open = dispute.openCount(claim);
        if (open != 0) revert ChallengesOpen(claim, open);
        if (c.proven.isAll(c.layers)) {
            if (_outputIsDue(claim, c, challengeBy)) revert NotYet(challengeBy + 1);
            return _settle(claim, c, ClaimStatus.Proven);
        }

        if (j.lane == Lane.Proofs) revert NotInThisLane(claim);
        if (block.timestamp <= challengeBy) revert NotYet(challengeBy + 1);
        (uint256 missing, bool revealed) = _missing(claim, c, j);
        if (!revealed) revert NotRevealed(claim);
        if (missing != 0) revert DrawnLayersMissing(claim, missing.count());
        _settle(claim, c, ClaimStatus.Finalized);
    }

    /// @inheritdoc ISettlement
    function expire(bytes32 claim) external {
        (Claim memory c, Job memory j) = _posted(claim);
        (, uint64 provenBy) = _deadlines(c, j);
        if (block.timestamp <= provenBy) revert NotYet(provenBy + 1);
        (uint256 missing,) = _missing(claim, c, j);
        if (missing == 0) revert NothingMissing(claim);
        // An open challenge decides first: its challenger has a part of the stake to gain.
        uint256 open = dispute.openCount(claim);
        if (open != 0) revert ChallengesOpen(claim, open);
        _defeat(claim, c, address(0));
    }

    /// @inheritdoc ISettlement
    function voidClaim(bytes32 claim) external {
        (Claim memory c,) = _posted(claim);
        if (registry.usable(c.version)) revert StillUsable(claim);
        book.end(claim, ClaimStatus.Voided);
        market.refund(claim);
    }

    /// @inheritdoc ISettlement
    function defeat(bytes32 claim, address challenger) external {
        if (msg.sender != address(dispute)) revert NotDispute(msg.sender);
        (Claim memory c,) = _posted(claim);
        _defeat(claim, c, challenger);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ISettlement
    function checkLayer(bytes32 claim, uint256 layer, bytes calldata proof) external view {
        _verify(claim, book.claim(claim), layer, proof);
    }

    /// @inheritdoc ISettlement
    function checkAggregate(bytes32 claim, bytes32 aggregateKey, bytes calldata proof) external view {
        _verifyAggregate(claim, book.claim(claim), aggregateKey, proof);
    }

    /// @inheritdoc ISettlement
    function deadlines(bytes32 claim) external view returns (uint64 challengeBy, uint64 provenBy) {
        return _deadlines(book.claim(claim), market.job(claim));
    }

    /// @inheritdoc ISettlement
    function missingLayers(bytes32 claim) external view returns (uint256 missing) {
        (missing,) = _missing(claim, book.claim(claim), market.job(claim));
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(ISettlement).interfaceId || super.supportsInterface(id);
    }

    // ---------------------------------------------------------------- internal

    /// Everything a proof is checked against comes from storage; only the proof is the caller's.
    function _verify(bytes32 claim, Claim memory c, uint256 layer, bytes calldata proof) private view {
        if (layer >= c.layers) revert IClaimBook.NoSuchLayer(layer, c.layers);
        Layer memory registered = registry.layer(c.version, layer);
        (bytes32 input, bytes32 output, bytes32 weights) = _run(c, registered, proof);
        (bytes32 claimedInput, bytes32 claimedOutput) = book.boundariesOf(claim, layer);
        if (input != claimedInput) revert CommitmentMismatch(claim, layer, "input", claimedInput, input);
        if (output != claimedOutput) revert CommitmentMismatch(claim, layer, "output", claimedOutput, output);
        if (weights != registered.weights) {
            revert CommitmentMismatch(claim, layer, "weights", registered.weights, weights);
        }
    }

    function _run(Claim memory c, Layer memory registered, bytes calldata proof)
        private
        view
        returns (bytes32, bytes32, bytes32)
    {
        uint256[] memory instances = Statement.instances(registered.kind, c.statement, c.inputDigest, c.outputDigest);
        return router.verify(registered.verifyingKey, proof, instances);
    }

    /// Likewise; why these checks are enough is said at `proveAll` in the interface.
    function _verifyAggregate(bytes32 claim, Claim memory c, bytes32 aggregateKey, bytes calldata proof) private view {
        // A proof about a proof is worth no more than that one: no challenge is lost to a circuit with a flaw.
        _requireUsable(c);
        bytes32 expected = registry.aggregationDigest(c.version);
        (bytes32 input, bytes32 output, bytes32 digest) = router.verify(
            aggregateKey, proof, Statement.aggregateInstances(c.statement, c.inputDigest, c.outputDigest)
        );
        if (input != 0 || output != 0) revert NotAnAggregate(aggregateKey);
        if (digest != expected) revert AggregateMismatch(claim, expected, digest);
        bytes32 modelSetup = registry.header(c.version).setup;
        (,, bytes32 setup,) = router.entry(aggregateKey);
        // Whoever knows a setup's secret proves anything under it, whatever the digest says.
        if (setup != modelSetup) revert AggregateSetupMismatch(aggregateKey, modelSetup, setup);
    }

    /// A proof answers the challenge of its layer, but not one whose time is over.
    /// @return closed Whether there was one.
    function _closeChallenge(bytes32 claim, uint256 layer) private returns (bool closed) {
        Challenge memory challenge = dispute.challengeOf(claim, layer);
        if (challenge.status != ChallengeStatus.Open) return false;
        if (block.timestamp > challenge.answerBy) revert ILayerDispute.AnswerWindowOver(challenge.answerBy);
        dispute.resolve(claim, layer);
        return true;
    }

    /// Those of all layers that were not proven before `c` was read; others have none.
    function _closeChallenges(bytes32 claim, Claim memory c) private {
        uint256 open = dispute.openCount(claim);
        if (open != 0 && dispute.challengeOf(claim, c.layers).status == ChallengeStatus.Open) --open;
        for (uint256 layer = 0; layer < c.layers && open != 0; ++layer) {
            if (!c.proven.has(layer) && _closeChallenge(claim, layer)) --open;
        }
    }

    /// Proofs do not show that the requester got the tokens: it may say that it did not until `challengeBy`, and a
    /// demand that it made is waited for.
    function _outputIsDue(bytes32 claim, Claim memory c, uint64 challengeBy) private view returns (bool) {
        ChallengeStatus demand = dispute.challengeOf(claim, c.layers).status;
        if (demand == ChallengeStatus.None) return block.timestamp <= challengeBy;
        return demand == ChallengeStatus.Open;
    }

    /// Layers that the lane wants proven, whatever is challenged, and are not. Before the draw is known it is all.
    function _missing(bytes32 claim, Claim memory c, Job memory j)
        private
        view
        returns (uint256 missing, bool revealed)
    {
        if (j.lane == Lane.Optimistic) return (0, true);
        uint256 due = LayerSet.all(c.layers);
        revealed = true;
        if (j.lane == Lane.Audited) {
            uint256 drawn;
            (revealed,, drawn) = beacon.drawn(claim);
            if (revealed) due = drawn;
        }
        missing = due & ~c.proven;
    }

    function _deadlines(Claim memory c, Job memory j) private pure returns (uint64 challengeBy, uint64 provenBy) {
        if (j.challengeWindow != 0) challengeBy = c.postedAt + j.challengeWindow;
        provenBy = (j.lane == Lane.Proofs ? c.postedAt : challengeBy) + j.answerWindow;
    }

    function _settle(bytes32 claim, Claim memory c, ClaimStatus status) private {
        _requireUsable(c);
        book.end(claim, status);
        market.settle(claim, c.recipient);
    }

    function _defeat(bytes32 claim, Claim memory c, address challenger) private {
        _requireUsable(c);
        book.end(claim, ClaimStatus.Defeated);
        market.slash(claim, challenger);
    }

    /// Under a frozen verifier proofs were worth nothing and could not be given any more: only voiding is fair.
    function _requireUsable(Claim memory c) private view {
        if (!registry.usable(c.version)) revert VersionUnusable(c.version);
    }

    function _posted(bytes32 claim) private view returns (Claim memory c, Job memory j) {
        c = book.claim(claim);
        if (c.status != ClaimStatus.Posted) revert IClaimBook.ClaimIsOver(claim, c.status);
        j = market.job(claim);
    }
}
