// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "./interfaces/IBondEscrow.sol";
import { Bindings, IModelRegistry, Layer, ModelHeader, Policy } from "./interfaces/IModelRegistry.sol";
import { AuditDraw } from "./libraries/AuditDraw.sol";
import { Economics } from "./libraries/Economics.sol";
import { FoldKeys } from "./libraries/FoldKeys.sol";
import { LayerStore } from "./libraries/LayerStore.sol";
import { ModelId } from "./libraries/ModelId.sol";

/// @title Append-only model versions
contract ModelRegistry is IModelRegistry {
    using LayerStore for address;

    struct Version {
        bytes32 modelId;
        address verifier;
        /// As in the header: claims read both in one word.
        uint16 layers;
        address store;
        ModelHeader header;
        Policy policy;
        string metadataURI;
    }

    /// @notice Most layers: claims have a bit for each, and challenges a target, of which 255 is the whole claim.
    uint256 public constant MAX_LAYERS = 254;
    /// @notice Most positions: generated tokens must fit into a transaction if they are demanded.
    uint256 public constant MAX_TOKENS = 4_096;
    /// @notice Audit weights are parts of this.
    uint256 public constant MAX_AUDIT_WEIGHT = 1_000_000;
    /// @notice Most bytes of a metadata URI.
    uint256 public constant MAX_METADATA_BYTES = 1_024;

    /// In the place of a code's hash, which it cannot be.
    bytes32 private constant FROZEN = bytes32(uint256(1));

    /// @notice Which assets are allowed.
    IBondEscrow public immutable escrow;
    /// @inheritdoc IModelRegistry
    address public immutable guardian;

    bytes32[] private _versions;
    mapping(bytes32 version => Version) private _version;
    /// Hash of the code that a verifier must have, or `FROZEN`.
    mapping(address verifier => bytes32) private _pinned;

    constructor(IBondEscrow escrow_, address guardian_) {
        escrow = escrow_;
        guardian = guardian_;
    }

    /// @inheritdoc IModelRegistry
    function register(
        ModelHeader calldata header_,
        Layer[] calldata layers_,
        Policy calldata policy_,
        address verifier_,
        string calldata metadataURI_
    ) external returns (bytes32 version) {
        version = versionIdOf(header_, layers_, policy_, verifier_, metadataURI_);
        Version storage v = _version[version];
        // It is as it would be, whoever sent it first: nobody's registration fails because of somebody else.
        if (v.store != address(0)) return version;
        if (bytes(metadataURI_).length > MAX_METADATA_BYTES) {
            revert MetadataTooLong(MAX_METADATA_BYTES, bytes(metadataURI_).length);
        }
        _checkHeader(header_);
        if (layers_.length != header_.layers) revert LayerCount(MAX_LAYERS, header_.layers, layers_.length);
        _checkPolicy(layers_, policy_);
        _pin(verifier_);

        v.modelId = modelIdOf(header_);
        v.verifier = verifier_;
        v.layers = header_.layers;
        v.store = LayerStore.write(layers_);
        v.header = header_;
        v.policy = policy_;
        v.metadataURI = metadataURI_;
        _versions.push(version);
        emit VersionRegistered(version, v.modelId, verifier_, header_, policy_, metadataURI_);
    }

    /// @inheritdoc IModelRegistry
    function freeze(address verifier_, string calldata reason) external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        if (_pinned[verifier_] == FROZEN) revert VerifierAlreadyFrozen(verifier_);
        _pinned[verifier_] = FROZEN;
        emit VerifierFrozen(verifier_, reason);
    }

    /// @inheritdoc IModelRegistry
    function modelIdOf(ModelHeader calldata header_) public pure returns (bytes32) {
        return ModelId.compute(header_);
    }

    /// @inheritdoc IModelRegistry
    function versionIdOf(
        ModelHeader calldata header_,
        Layer[] calldata layers_,
        Policy calldata policy_,
        address verifier_,
        string calldata metadataURI_
    ) public pure returns (bytes32) {
        bytes32 layersDigest = keccak256(abi.encode(layers_));
        bytes32 metadataDigest = keccak256(bytes(metadataURI_));
        return keccak256(abi.encode(ModelId.compute(header_), layersDigest, policy_, verifier_, metadataDigest));
    }

    /// @inheritdoc IModelRegistry
    function exists(bytes32 version) external view returns (bool) {
        return _version[version].store != address(0);
    }

    /// @inheritdoc IModelRegistry
    function modelId(bytes32 version) external view returns (bytes32) {
        return _known(version).modelId;
    }

    /// @inheritdoc IModelRegistry
    function header(bytes32 version) external view returns (ModelHeader memory) {
        return _known(version).header;
    }

    /// @inheritdoc IModelRegistry
    function policy(bytes32 version) external view returns (Policy memory) {
        return _known(version).policy;
    }

    /// @inheritdoc IModelRegistry
    function bindings(bytes32 version) external view returns (Bindings memory) {
        Version storage v = _version[version];
        (address verifier_, uint16 layers_) = (v.verifier, v.layers);
        if (layers_ == 0) revert UnknownVersion(version);
        return Bindings(v.modelId, v.header.programs, verifier_, layers_, verifierUsable(verifier_));
    }

    /// @inheritdoc IModelRegistry
    function verifier(bytes32 version) external view returns (address) {
        return _known(version).verifier;
    }

    /// @inheritdoc IModelRegistry
    function layerCount(bytes32 version) external view returns (uint256) {
        return _known(version).layers;
    }

    /// @inheritdoc IModelRegistry
    function layer(bytes32 version, uint256 index) external view returns (Layer memory) {
        Layer[] memory all = _known(version).store.readAll();
        if (index >= all.length) revert NoSuchLayer(index, all.length);
        return all[index];
    }

    /// @inheritdoc IModelRegistry
    function layers(bytes32 version) external view returns (Layer[] memory) {
        return _known(version).store.readAll();
    }

    /// @inheritdoc IModelRegistry
    function auditWeights(bytes32 version) external view returns (uint32[] memory) {
        return _known(version).store.readAuditWeights();
    }

    /// @inheritdoc IModelRegistry
    function metadataURI(bytes32 version) external view returns (string memory) {
        return _known(version).metadataURI;
    }

    /// @inheritdoc IModelRegistry
    function versionCount() external view returns (uint256) {
        return _versions.length;
    }

    /// @inheritdoc IModelRegistry
    function versionAt(uint256 index) external view returns (bytes32) {
        return _versions[index];
    }

    /// @inheritdoc IModelRegistry
    function usable(bytes32 version) external view returns (bool) {
        return verifierUsable(_known(version).verifier);
    }

    /// @inheritdoc IModelRegistry
    function verifierUsable(address verifier_) public view returns (bool) {
        bytes32 pinned = _pinned[verifier_];
        return pinned != 0 && pinned == verifier_.codehash;
    }

    /// @inheritdoc IModelRegistry
    function isFrozen(address verifier_) external view returns (bool) {
        return _pinned[verifier_] == FROZEN;
    }

    /// @inheritdoc IModelRegistry
    function draw(bytes32 version, bytes32 seed, bytes32 claim) external view returns (uint256 drawn) {
        Version storage v = _known(version);
        uint256[] memory all = AuditDraw.draw(v.store.readAuditWeights(), v.policy.audits, seed, claim);
        for (uint256 i = 0; i < all.length; ++i) {
            drawn |= 1 << all[i];
        }
    }

    /// @inheritdoc IModelRegistry
    function auditWeightFloor(uint256 count) public pure returns (uint256) {
        uint256 floor = MAX_AUDIT_WEIGHT / (4 * count);
        return floor == 0 ? 1 : floor;
    }

    function _known(bytes32 version) private view returns (Version storage v) {
        v = _version[version];
        if (v.layers == 0) revert UnknownVersion(version);
    }

    function _checkHeader(ModelHeader calldata header_) private view {
        uint256 n = header_.tokens;
        if (n < 4 || n > MAX_TOKENS || n & (n - 1) != 0) revert BadTokenCount(MAX_TOKENS, n);
        n = header_.layers;
        if (n == 0 || n > MAX_LAYERS) revert LayerCount(MAX_LAYERS, n, n);
        // Folded nodes and the verifier are of one setup; whoever knows another's secret would prove anything under it.
        if (header_.setup != FoldKeys.SETUP) revert SetupMismatch(FoldKeys.SETUP, header_.setup);
        bool local = block.chainid == 1337 || block.chainid == 31337;
        if (ModelId.isDevelopment(header_.setup) && !local) revert DevelopmentSetup(block.chainid);
    }

    /// The first version with a verifier fixes which code it has: an address may get other code later.
    function _pin(address verifier_) private {
        if (_pinned[verifier_] == 0 && verifier_.code.length != 0) {
            _pinned[verifier_] = verifier_.codehash;
            emit VerifierPinned(verifier_, verifier_.codehash);
        }
        if (!verifierUsable(verifier_)) revert VerifierUnusable(verifier_);
    }

    function _checkPolicy(Layer[] calldata layers_, Policy calldata policy_) private view {
        if (!escrow.isAllowed(policy_.asset)) revert AssetNotAllowed(policy_.asset);
        uint256 n = layers_.length;
        if (policy_.audits == 0 || policy_.audits > n) revert AuditCount(n, policy_.audits);
        uint256 floor = auditWeightFloor(n);
        uint256 total = 0;
        for (uint256 i = 0; i < n; ++i) {
            uint256 weight = layers_[i].auditWeight;
            if (weight < floor) revert AuditWeightBelowFloor(i, floor, weight);
            if (weight > MAX_AUDIT_WEIGHT) revert AuditWeightAboveMax(i, MAX_AUDIT_WEIGHT, weight);
            total += weight;
        }
        for (uint256 i = 0; i < n; ++i) {
            uint256 p = Economics.inclusion(layers_[i].auditWeight, total, policy_.audits);
            uint256 needed = Economics.requiredStake(p, policy_.maxPrice, policy_.externalGain);
            if (policy_.stake < needed) revert StakeTooLow(i, needed, policy_.stake);
            needed = Economics.requiredBond(layers_[i].answerCost);
            if (policy_.challengeBond < needed) revert ChallengeBondTooLow(i, needed, policy_.challengeBond);
        }
        uint256 reward = Economics.challengerShare(policy_.stake);
        uint256 neededReward = Economics.requiredReward(policy_.challengeBond);
        if (reward < neededReward) revert ChallengerRewardTooLow(neededReward, reward);
    }
}
