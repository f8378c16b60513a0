// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { Claim, ClaimHeader, IClaimBook } from "./interfaces/IClaimBook.sol";
import { IJobMarket, Job } from "./interfaces/IJobMarket.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ClaimStatus, Lane } from "./interfaces/Types.sol";
import { Signatures } from "./libraries/Signatures.sol";
import { Statement } from "./libraries/Statement.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Claims, and which of their layers are proven
/// @dev Calls untrusted code (signers) only by `staticcall`, so nothing can enter again.
contract ClaimBook is IClaimBook, EIP712, ERC165 {
    bytes32 public constant CLAIM_HEADER_TYPEHASH =
        keccak256("ClaimHeader(bytes32 job,bytes32 outputDigest,address recipient,bytes32[] boundaries)");
    bytes32 public constant REVEAL_TYPEHASH = keccak256("Reveal(bytes32 claim,bytes32 output)");

    IJobMarket public immutable market;
    IModelRegistry public immutable registry;
    IAuditBeacon public immutable beacon;
    address public immutable settlement;

    mapping(bytes32 id => Claim) private _claims;
    mapping(bytes32 id => bytes32[]) private _boundaries;

    modifier onlySettlement() {
        if (msg.sender != settlement) revert NotSettlement(msg.sender);
        _;
    }

    constructor(IJobMarket market_, IModelRegistry registry_, IAuditBeacon beacon_, address settlement_)
        EIP712("nanozk ClaimBook", "1")
    {
        market = market_;
        registry = registry_;
        beacon = beacon_;
        settlement = settlement_;
    }

    /// @inheritdoc IClaimBook
    function postClaim(ClaimHeader calldata header, bytes calldata signature) external returns (bytes32 id) {
        id = header.job;
        Job memory job = market.job(id);
        if (!Signatures.consents(job.provider, headerDigest(header), signature)) revert BadSignature(job.provider);
        if (!registry.usable(job.version)) revert VersionUnusable(job.version);
        uint256 layers = registry.layerCount(job.version);
        _check(header, layers);

        Claim memory posted;
        posted.status = ClaimStatus.Posted;
        posted.provider = job.provider;
        posted.recipient = header.recipient;
        posted.version = job.version;
        posted.modelId = registry.modelId(job.version);
        posted.inputDigest = job.inputDigest;
        posted.outputDigest = header.outputDigest;
        posted.postedAt = uint64(block.timestamp);
        posted.postedBlock = uint64(block.number);
        // forge-lint: disable-next-line(unsafe-typecast) at most 256
        posted.layers = uint16(layers);
        posted.statement =
            statementOf(id, posted.recipient, posted.modelId, posted.inputDigest, posted.outputDigest, layers);
        posted.claimDigest = Statement.claimDigest(posted.statement, header.boundaries);
        _claims[id] = posted;
        _boundaries[id] = header.boundaries;

        emit ClaimPosted(
            id,
            posted.provider,
            posted.version,
            posted.recipient,
            posted.inputDigest,
            posted.outputDigest,
            posted.statement,
            header.boundaries
        );
        // Refuses a job that is not locked, so one that has a claim already.
        market.claimed(id);
        if (job.lane == Lane.Audited) beacon.schedule(id);
    }

    /// @inheritdoc IClaimBook
    function markProven(bytes32 id, uint256 layer) external onlySettlement {
        Claim storage marked = _posted(id);
        if (layer >= marked.layers) revert NoSuchLayer(layer, marked.layers);
        marked.proven |= 1 << layer;
        emit LayerProven(id, layer);
    }

    /// @inheritdoc IClaimBook
    function markAllProven(bytes32 id, bytes32 aggregateKey) external onlySettlement {
        _posted(id).aggregateKey = aggregateKey;
        emit ClaimProvenByAggregate(id, aggregateKey);
    }

    /// @inheritdoc IClaimBook
    function end(bytes32 id, ClaimStatus status_) external onlySettlement {
        _posted(id).status = status_;
        emit ClaimEnded(id, status_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IClaimBook
    function claim(bytes32 id) external view returns (Claim memory) {
        return _known(id);
    }

    /// @inheritdoc IClaimBook
    function status(bytes32 id) external view returns (ClaimStatus) {
        return _claims[id].status;
    }

    /// @inheritdoc IClaimBook
    function boundaries(bytes32 id) external view returns (bytes32[] memory) {
        return _boundaries[id];
    }

    /// @inheritdoc IClaimBook
    function boundariesOf(bytes32 id, uint256 layer) external view returns (bytes32 input, bytes32 output) {
        uint256 layers = _known(id).layers;
        if (layer >= layers) revert NoSuchLayer(layer, layers);
        if (layer != 0) input = _boundaries[id][layer - 1];
        if (layer != layers - 1) output = _boundaries[id][layer];
    }

    /// @inheritdoc IClaimBook
    function statementOf(
        bytes32 id,
        address recipient,
        bytes32 modelId,
        bytes32 inputDigest,
        bytes32 outputDigest,
        uint256 layers
    ) public view returns (bytes32) {
        return Statement.digest(address(this), id, recipient, modelId, inputDigest, outputDigest, layers);
    }

    /// @inheritdoc IClaimBook
    function instances(bytes32 id, uint256 layer) external view returns (uint256[] memory) {
        Claim storage known = _known(id);
        if (layer >= known.layers) revert NoSuchLayer(layer, known.layers);
        return Statement.instances(
            registry.layer(known.version, layer).kind, known.statement, known.inputDigest, known.outputDigest
        );
    }

    /// @inheritdoc IClaimBook
    function aggregateInstances(bytes32 id) external view returns (uint256[] memory) {
        Claim storage known = _known(id);
        return Statement.aggregateInstances(known.statement, known.inputDigest, known.outputDigest);
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
                    keccak256(abi.encodePacked(header.boundaries))
                )
            )
        );
    }

    /// @inheritdoc IClaimBook
    function revealDigest(bytes32 id, bytes32 output) external view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REVEAL_TYPEHASH, id, output)));
    }

    /// @inheritdoc IClaimBook
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IClaimBook).interfaceId || super.supportsInterface(id);
    }

    // ---------------------------------------------------------------- internal

    function _check(ClaimHeader calldata header, uint256 layers) private pure {
        if (header.recipient == address(0)) revert ZeroRecipient();
        if (!Statement.isReduced(header.outputDigest)) revert DigestNotReduced(header.outputDigest);
        uint256 count = header.boundaries.length;
        if (count != layers - 1) revert BoundaryCount(layers - 1, count);
        // Zero stands for "none", as on the outer sides of the first and the last layer.
        for (uint256 i = 0; i < count; ++i) {
            if (header.boundaries[i] == 0) revert BoundaryZero(i);
        }
    }

    function _known(bytes32 id) private view returns (Claim storage known) {
        known = _claims[id];
        if (known.status == ClaimStatus.None) revert UnknownClaim(id);
    }

    function _posted(bytes32 id) private view returns (Claim storage posted) {
        posted = _known(id);
        if (posted.status != ClaimStatus.Posted) revert ClaimIsOver(id, posted.status);
    }
}
