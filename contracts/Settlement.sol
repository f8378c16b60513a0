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

        uint64 grace = _grace(c, j);
        for (uint256 i = 0; i < proofs.length; ++i) {
            uint256 layer = first + i;
            _verify(claim, c, layer, proofs[i]);
            if (c.proven.has(layer)) continue;
            c.proven = c.proven.with(layer);
            book.markProven(claim, layer);
            dispute.close(claim, layer, grace);
        }
        if (_provenLayers(c).isAll(c.layers)) _settleIfClosed(claim, c, challengeBy);
    }

    /// @inheritdoc ISettlement
    function proveAll(bytes32 claim, bytes32 aggregateKey, bytes calldata proof) external {
        (Claim memory c, Job memory j) = _posted(claim);
        (uint64 challengeBy, uint64 provenBy) = _deadlines(c, j);
        if (block.timestamp > provenBy) revert ProvingIsOver(provenBy);

        _verifyAggregate(claim, c, aggregateKey, proof);
        if (!_provenLayers(c).isAll(c.layers)) {
            _requireNoneOverdue(claim, c, j);
            book.markAllProven(claim, aggregateKey);
        }
        _settleIfClosed(claim, c, challengeBy);
    }

    /// @inheritdoc ISettlement
    function finalize(bytes32 claim) external {
        (Claim memory c, Job memory j) = _posted(claim);
        (uint64 challengeBy,) = _deadlines(c, j);
        (bool demanded, uint64 until) = _output(claim, c, challengeBy);
        bool all = _provenLayers(c).isAll(c.layers);
        // Challenges of layers are decided by an aggregate that showed them all.
        uint256 open = demanded ? 1 : 0;
        if (!all) open = dispute.openCount(claim);
        if (open != 0) revert ChallengesOpen(claim, open);
        if (!all && j.lane == Lane.Proofs) revert NotInThisLane(claim);
        if (!all && until < challengeBy) until = challengeBy;
        if (block.timestamp <= until) revert NotYet(until + 1);
        if (all) return _settle(claim, c, ClaimStatus.Proven);

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
    function defeat(bytes32 claim) external {
        if (msg.sender != address(dispute)) revert NotDispute(msg.sender);
        (Claim memory c,) = _posted(claim);
        // Which shares it out: there may be many challengers.
        _defeat(claim, c, address(dispute));
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
    function graceUntil(bytes32 claim) external view returns (uint64) {
        return _grace(book.claim(claim), market.job(claim));
    }

    /// @inheritdoc ISettlement
    function provenLayers(bytes32 claim) external view returns (uint256) {
        return _provenLayers(book.claim(claim));
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

    /// An aggregate answers challenges of layers as long as its key stands, but none whose time is over.
    function _requireNoneOverdue(bytes32 claim, Claim memory c, Job memory j) private view {
        uint64 first = dispute.firstDeadline(claim);
        if (first == 0) return;
        first = _later(first, _grace(c, j));
        if (block.timestamp > first) revert ILayerDispute.AnswerWindowOver(first);
    }

    /// Layers that count as proven now: whatever a frozen key showed does not.
    function _provenLayers(Claim memory c) private view returns (uint256) {
        if (c.aggregateKey != 0 && router.frozenAt(c.aggregateKey) == 0) return LayerSet.all(c.layers);
        return c.proven;
    }

    /// Proofs do not show that the requester got the tokens: it may say that it did not until `challengeBy`; a demand
    /// that it made is waited for, and tokens that it may dispute.
    /// @return demanded There is a demand, and nothing answers it yet.
    /// @return until Last second in which the requester can still do something about the output.
    function _output(bytes32 claim, Claim memory c, uint64 challengeBy)
        private
        view
        returns (bool demanded, uint64 until)
    {
        Challenge memory output = dispute.challengeOf(claim, c.layers);
        if (output.status == ChallengeStatus.None) return (false, challengeBy);
        if (output.status == ChallengeStatus.Revealed) return (false, output.answerBy);
        return (output.status == ChallengeStatus.Open, 0);
    }

    function _settleIfClosed(bytes32 claim, Claim memory c, uint64 challengeBy) private {
        (bool demanded, uint64 until) = _output(claim, c, challengeBy);
        if (!demanded && block.timestamp > until) _settle(claim, c, ClaimStatus.Proven);
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
        missing = due & ~_provenLayers(c);
    }

    function _deadlines(Claim memory c, Job memory j) private view returns (uint64 challengeBy, uint64 provenBy) {
        if (j.challengeWindow != 0) {
            challengeBy = c.postedAt + j.challengeWindow;
            // While an aggregate stood nobody could challenge what it showed.
            uint64 frozenAt = c.aggregateKey == 0 ? 0 : router.frozenAt(c.aggregateKey);
            if (frozenAt != 0) challengeBy = _later(challengeBy, frozenAt + j.challengeWindow);
        }
        provenBy = (j.lane == Lane.Proofs ? c.postedAt : challengeBy) + j.answerWindow;
        provenBy = _later(provenBy, _grace(c, j));
    }

    /// The proof that a provider was about to send may have been one of the verifier that was frozen.
    function _grace(Claim memory c, Job memory j) private view returns (uint64) {
        uint64 last = router.lastFreeze(registry.header(c.version).setup);
        return last == 0 ? 0 : last + j.answerWindow;
    }

    function _later(uint64 a, uint64 b) private pure returns (uint64) {
        return a < b ? b : a;
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
