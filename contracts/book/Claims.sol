// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "../interfaces/IAuditBeacon.sol";
import { IBondEscrow } from "../interfaces/IBondEscrow.sol";
import { Claim, ClaimHeader, IClaimBook } from "../interfaces/IClaimBook.sol";
import { IJobMarket, Job } from "../interfaces/IJobMarket.sol";
import { Bindings, IModelRegistry } from "../interfaces/IModelRegistry.sol";
import { ITokenDigests } from "../interfaces/ITokenDigests.sol";
import { ChallengeStatus, ClaimStatus, Mode } from "../interfaces/Types.sol";
import { ClaimWords } from "../libraries/ClaimWords.sol";
import { LayerSet } from "../libraries/LayerSet.sol";
import { NodeTree } from "../libraries/NodeTree.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { Statement, StatementParts } from "../libraries/Statement.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Claims: what is kept of them, how they are posted, and how they end
abstract contract Claims is IClaimBook, EIP712 {
    using ClaimWords for Claim;

    /// One word; a proof of all layers reads and writes no other of the claim. `ClaimState` says what it means.
    struct Kept {
        ClaimStatus status;
        ChallengeStatus output;
        bool allProven;
        bool outputResolved;
        uint64 outputBy;
        uint32 challengers;
        uint128 reward;
    }

    /// What contracts the book works with.
    struct Parts {
        IBondEscrow escrow;
        IJobMarket market;
        IModelRegistry registry;
        /// Zero where the chain has no `prevrandao` to draw from: then there are no audited claims.
        IAuditBeacon beacon;
        ITokenDigests digests;
    }

    bytes32 public constant CLAIM_HEADER_TYPEHASH = keccak256(
        "ClaimHeader(bytes32 job,bytes32 outputDigest,address recipient,bytes32 seedDigest,bytes32 activations,"
        "bytes32 points)"
    );
    bytes32 public constant REVEAL_TYPEHASH = keccak256("Reveal(bytes32 job,bytes32 output)");

    /// Words of a point.
    uint256 private constant POINT_WORDS = 3;
    /// In the set of drawn layers, which are fewer: they were drawn.
    uint256 internal constant REVEALED = 1 << 255;

    IBondEscrow public immutable escrow;
    IJobMarket public immutable market;
    IModelRegistry public immutable registry;
    IAuditBeacon public immutable beacon;
    ITokenDigests public immutable digests;

    mapping(bytes32 claim => Kept) internal _kept;
    mapping(bytes32 claim => uint256) internal _proven;
    mapping(bytes32 claim => uint256) internal _challenged;
    mapping(bytes32 claim => uint256) internal _drawn;

    constructor(Parts memory parts) EIP712("nanozk ClaimBook", "1") {
        escrow = parts.escrow;
        market = parts.market;
        registry = parts.registry;
        beacon = parts.beacon;
        digests = parts.digests;
    }

    /// @inheritdoc IClaimBook
    function post(ClaimHeader calldata header, bytes calldata signature) external returns (bytes32 id) {
        // Refuses a job that is not locked, so one that has a claim already.
        Job memory job = market.claimed(header.job);
        if (!Signatures.consents(job.provider, headerDigest(header), signature)) revert BadSignature(job.provider);
        _check(header);
        Claim memory posted = _claimOf(header, job);
        id = keccak256(abi.encode(posted));
        _kept[id].status = ClaimStatus.Posted;
        emit ClaimPosted(id, header.job, job.provider, posted, header.points);
    }

    /// @inheritdoc IClaimBook
    function finalize(Claim calldata claim) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        _finalize(claim, id, kept);
    }

    /// @inheritdoc IClaimBook
    function expireClaim(Claim calldata claim) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        uint64 provenBy = claim.provenBy();
        if (block.timestamp <= provenBy) revert NotYet(provenBy + 1);
        (uint256 missing,) = _missing(claim, id, kept);
        if (missing == 0) revert NothingMissing(id);
        // An open challenge decides first: its challenger has a part of the stake to gain.
        uint256 open = _openCount(id, kept);
        if (open != 0) revert ChallengesOpen(id, open);
        _requireUsable(claim);
        _end(id, kept, ClaimStatus.Defeated);
        market.slash(claim.job, false);
    }

    /// @inheritdoc IClaimBook
    function voidClaim(Claim calldata claim) external {
        (bytes32 id, Kept storage kept) = _posted(claim);
        if (registry.verifierUsable(claim.verifier)) revert StillUsable(id);
        _end(id, kept, ClaimStatus.Voided);
        market.refund(claim.job);
    }

    /// @inheritdoc IClaimBook
    function revealDraw(Claim calldata claim, bytes calldata header) external {
        (bytes32 id,) = _posted(claim);
        uint64 drawBlock = claim.drawBlock();
        if (drawBlock == 0) revert NotAudited(id);
        if (_drawn[id] != 0) revert AlreadyRevealed(id);
        bytes32 seed = beacon.seedOf(header, drawBlock);
        uint256 drawn = registry.draw(market.job(claim.job).version, seed, id);
        _drawn[id] = drawn | REVEALED;
        emit DrawRevealed(id, seed, drawn);
    }

    /// @inheritdoc IClaimBook
    function idOf(Claim calldata claim) external pure returns (bytes32) {
        return claim.id();
    }

    /// @inheritdoc IClaimBook
    function status(bytes32 id) external view returns (ClaimStatus) {
        return _kept[id].status;
    }

    /// @inheritdoc IClaimBook
    function missingLayers(Claim calldata claim) external view returns (uint256 missing) {
        bytes32 id = claim.id();
        (missing,) = _missing(claim, id, _known(id));
    }

    /// @inheritdoc IClaimBook
    function headerDigest(ClaimHeader calldata header) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    CLAIM_HEADER_TYPEHASH,
                    header.job,
                    header.outputDigest,
                    header.recipient,
                    header.seedDigest,
                    header.activations,
                    keccak256(abi.encodePacked(header.points))
                )
            )
        );
    }

    /// @inheritdoc IClaimBook
    function revealDigest(bytes32 job, bytes32 output) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REVEAL_TYPEHASH, job, output)));
    }

    /// @inheritdoc IClaimBook
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    // ---------------------------------------------------------------- posting

    function _check(ClaimHeader calldata header) private pure {
        if (header.recipient == address(0)) revert ZeroRecipient();
        if (!Statement.isReduced(header.outputDigest)) revert DigestNotReduced(header.outputDigest);
        uint256 words = header.points.length;
        if (words == 0 || words % POINT_WORDS != 0) revert BadPoints(words);
    }

    /// Everything that later calls need: from the job, which has the version's policy as it was, from the version, and
    /// from the header.
    function _claimOf(ClaimHeader calldata header, Job memory job) private view returns (Claim memory claim) {
        Bindings memory version = registry.bindings(job.version);
        if (!version.usable) revert VersionUnusable(job.version);
        claim.job = header.job;
        claim.recipient = header.recipient;
        claim.verifier = version.verifier;
        claim.programs = version.programs;
        claim.statement = Statement.digest(
            StatementParts({
                book: address(this),
                job: header.job,
                recipient: header.recipient,
                modelId: version.modelId,
                inputDigest: job.inputDigest,
                outputDigest: header.outputDigest,
                promptTokens: job.promptTokens,
                newTokens: job.newTokens,
                decoding: job.decoding
            })
        );
        claim.inputDigest = job.inputDigest;
        claim.outputDigest = header.outputDigest;
        claim.activations = header.activations;
        (claim.point, claim.fingerprint) = NodeTree.activations(header.activations, header.points);
        claim.seedDigest = header.seedDigest;
        claim.asset = job.asset;
        claim.terms = ClaimWords.packTerms(job, version.layers);
        uint256 drawBlock = job.mode == Mode.Audited ? block.number + beacon.delayBlocks() : 0;
        claim.times = ClaimWords.packTimes(job, block.timestamp, drawBlock);
    }

    // ---------------------------------------------------------------- ends

    function _finalize(Claim calldata claim, bytes32 id, Kept storage kept) internal {
        (, uint64 until) = _output(claim, kept.output, kept.outputBy);
        bool all = kept.allProven;
        uint256 open = _openCount(id, kept);
        if (open != 0) revert ChallengesOpen(id, open);
        if (!all) {
            if (claim.mode() == Mode.Proofs) revert NotInThisMode(id);
            uint64 challengeBy = claim.challengeBy();
            if (until < challengeBy) until = challengeBy;
        }
        if (block.timestamp <= until) revert NotYet(until + 1);
        _requireUsable(claim);
        if (all) return _settle(claim, id, kept, ClaimStatus.Proven);

        (uint256 missing, bool revealed) = _missing(claim, id, kept);
        if (!revealed) revert NotRevealed(id);
        if (missing != 0) revert DrawnLayersMissing(id, LayerSet.count(missing));
        _settle(claim, id, kept, ClaimStatus.Finalized);
    }

    function _settle(Claim calldata claim, bytes32 id, Kept storage kept, ClaimStatus status_) internal {
        _end(id, kept, status_);
        market.settle(claim.job, claim.recipient);
    }

    function _end(bytes32 id, Kept storage kept, ClaimStatus status_) internal {
        kept.status = status_;
        emit ClaimEnded(id, status_);
    }

    /// Proofs do not show that the requester got the tokens: it may say that it did not until `challengeBy`; a demand
    /// that it made is waited for, and tokens that it may dispute.
    /// @return demanded There is a demand, and nothing answers it yet.
    /// @return until Last second in which the requester can still do something about the output.
    function _output(Claim calldata claim, ChallengeStatus output, uint64 outputBy)
        internal
        pure
        returns (bool demanded, uint64 until)
    {
        if (output == ChallengeStatus.None) return (false, claim.challengeBy());
        if (output == ChallengeStatus.Revealed) return (false, outputBy);
        return (output == ChallengeStatus.Open, 0);
    }

    /// Layers that the mode wants proven, whatever is challenged, and are not. Before the draw is known it is all.
    function _missing(Claim calldata claim, bytes32 id, Kept storage kept)
        internal
        view
        returns (uint256 missing, bool revealed)
    {
        Mode mode = claim.mode();
        if (mode == Mode.Optimistic) return (0, true);
        uint256 due = LayerSet.all(claim.layers());
        revealed = true;
        if (mode == Mode.Audited) {
            uint256 drawn = _drawn[id];
            revealed = drawn != 0;
            if (revealed) due = drawn & ~REVEALED;
        }
        if (!_allProven(kept)) missing = due & ~_proven[id];
    }

    // ---------------------------------------------------------------- state

    /// Of a claim whose status is Proven nothing else says so.
    function _allProven(Kept storage kept) internal view returns (bool) {
        return kept.allProven || kept.status == ClaimStatus.Proven;
    }

    /// Targets, as a set, that were challenged and not answered.
    function _openSet(bytes32 id, Kept storage kept) internal view returns (uint256) {
        return _allProven(kept) ? 0 : _challenged[id] & ~_proven[id];
    }

    /// Open challenges, that of the output among them.
    function _openCount(bytes32 id, Kept storage kept) internal view returns (uint256) {
        return LayerSet.count(_openSet(id, kept)) + (kept.output == ChallengeStatus.Open ? 1 : 0);
    }

    /// With a frozen verifier proofs were worth nothing and could not be given any more: only voiding is fair.
    function _requireUsable(Claim calldata claim) internal view {
        if (!registry.verifierUsable(claim.verifier)) revert VerifierUnusable(claim.verifier);
    }

    function _posted(Claim calldata claim) internal view returns (bytes32 id, Kept storage kept) {
        id = claim.id();
        kept = _known(id);
        if (kept.status != ClaimStatus.Posted) revert ClaimIsOver(id, kept.status);
    }

    function _known(bytes32 id) internal view returns (Kept storage kept) {
        kept = _kept[id];
        if (kept.status == ClaimStatus.None) revert UnknownClaim(id);
    }
}
