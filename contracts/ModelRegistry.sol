// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "./interfaces/IBondEscrow.sol";
import { Activations, ILayerVerifier } from "./interfaces/ILayerVerifier.sol";
import { IModelRegistry, Layer, ModelHeader, Policy } from "./interfaces/IModelRegistry.sol";
import { IVerifierRouter } from "./interfaces/IVerifierRouter.sol";
import { LayerKind } from "./interfaces/Types.sol";
import { AggregationDigest } from "./libraries/AggregationDigest.sol";
import { Economics } from "./libraries/Economics.sol";
import { LayerStore } from "./libraries/LayerStore.sol";
import { ModelId } from "./libraries/ModelId.sol";
import { Poseidon } from "./libraries/Poseidon.sol";

/// @title Append-only model versions
contract ModelRegistry is IModelRegistry {
    using LayerStore for address;

    struct Version {
        bytes32 modelId;
        address layers;
        ModelHeader header;
        Policy policy;
        /// Each key of the layers once, so that `usable` asks no question twice.
        bytes32[] verifyingKeys;
        string metadataURI;
    }

    /// An aggregation digest, complete or not. It is a function of keys and weights, which the model id binds: all
    /// versions of a model have the same.
    struct Aggregation {
        /// Of the layers before this one.
        uint256 bound;
        bytes32 digest;
    }

    /// @notice Most layers: a claim has a bit for each.
    uint256 public constant MAX_LAYERS = 256;
    /// @notice Most positions: generated tokens must fit into a transaction if they are demanded.
    uint256 public constant MAX_TOKENS = 4_096;
    /// @notice Audit weights are parts of this.
    uint256 public constant MAX_AUDIT_WEIGHT = 1_000_000;
    /// @notice Most bytes of a metadata URI.
    uint256 public constant MAX_METADATA_BYTES = 1_024;

    /// @notice Where verifiers are.
    IVerifierRouter public immutable router;
    /// @notice Which assets are allowed.
    IBondEscrow public immutable escrow;

    bytes32[] private _versions;
    mapping(bytes32 version => Version) private _version;
    mapping(bytes32 modelId => Aggregation) private _aggregations;

    constructor(IVerifierRouter router_, IBondEscrow escrow_) {
        router = router_;
        escrow = escrow_;
    }

    /// @inheritdoc IModelRegistry
    function register(
        ModelHeader calldata header_,
        Layer[] calldata layers_,
        Policy calldata policy_,
        string calldata metadataURI_
    ) external returns (bytes32 version) {
        bytes32 id = ModelId.compute(header_, layers_);
        version = _versionId(id, layers_, policy_, metadataURI_);
        Version storage v = _version[version];
        // It is as it would be, whoever sent it first: nobody's registration fails because of somebody else.
        if (v.layers != address(0)) return version;
        if (bytes(metadataURI_).length > MAX_METADATA_BYTES) {
            revert MetadataTooLong(MAX_METADATA_BYTES, bytes(metadataURI_).length);
        }
        _checkHeader(header_);
        _checkKinds(layers_);
        v.verifyingKeys = _checkVerifiers(header_, layers_);
        _checkPolicy(layers_, policy_);

        v.modelId = id;
        v.layers = LayerStore.write(layers_);
        v.header = header_;
        v.policy = policy_;
        v.metadataURI = metadataURI_;
        _versions.push(version);
        emit VersionRegistered(version, id, layers_.length, metadataURI_);
    }

    /// @inheritdoc IModelRegistry
    function bindAggregate(bytes32 version, uint256 first, uint256[][] calldata points) external {
        Version storage v = _known(version);
        (bytes32 id, address store) = (v.modelId, v.layers);
        uint256 count = store.count();
        Aggregation memory a = _aggregations[id];
        if (first > a.bound) revert LayersSkipped(a.bound, first);
        uint256 end = first + points.length;
        if (end > count) revert NoSuchLayer(count, count);
        if (end <= a.bound) revert NothingToBind(a.bound);

        bytes memory constants = Poseidon.constants();
        for (; a.bound < end; ++a.bound) {
            Layer memory l = store.read(a.bound);
            uint256[] calldata words = points[a.bound - first];
            bytes32 weights = keccak256(abi.encodePacked(words));
            // Weights may have been registered that are no points.
            if (weights != l.weights || words.length % 2 != 0) revert WeightsMismatch(a.bound, l.weights, weights);
            a.digest = AggregationDigest.extend(constants, a.digest, l.verifyingKey, words);
        }
        _aggregations[id] = a;
        emit AggregateBound(id, end, count, a.digest);
    }

    /// @inheritdoc IModelRegistry
    function modelIdOf(ModelHeader calldata header_, Layer[] calldata layers_) external pure returns (bytes32) {
        return ModelId.compute(header_, layers_);
    }

    /// @inheritdoc IModelRegistry
    function versionIdOf(
        ModelHeader calldata header_,
        Layer[] calldata layers_,
        Policy calldata policy_,
        string calldata metadataURI_
    ) external pure returns (bytes32) {
        return _versionId(ModelId.compute(header_, layers_), layers_, policy_, metadataURI_);
    }

    /// @inheritdoc IModelRegistry
    function exists(bytes32 version) external view returns (bool) {
        return _version[version].layers != address(0);
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
    function layerCount(bytes32 version) external view returns (uint256) {
        return _known(version).layers.count();
    }

    /// @inheritdoc IModelRegistry
    function layer(bytes32 version, uint256 index) external view returns (Layer memory) {
        address store = _known(version).layers;
        uint256 count = store.count();
        if (index >= count) revert NoSuchLayer(index, count);
        return store.read(index);
    }

    /// @inheritdoc IModelRegistry
    function layers(bytes32 version) external view returns (Layer[] memory) {
        return _known(version).layers.readAll();
    }

    /// @inheritdoc IModelRegistry
    function auditWeights(bytes32 version) external view returns (uint32[] memory) {
        return _known(version).layers.readAuditWeights();
    }

    /// @inheritdoc IModelRegistry
    function verifyingKeys(bytes32 version) external view returns (bytes32[] memory) {
        return _known(version).verifyingKeys;
    }

    /// @inheritdoc IModelRegistry
    function metadataURI(bytes32 version) external view returns (string memory) {
        return _known(version).metadataURI;
    }

    /// @inheritdoc IModelRegistry
    function aggregation(bytes32 version) external view returns (uint256 bound, bytes32 digest) {
        Aggregation storage a = _aggregations[_known(version).modelId];
        return (a.bound, a.digest);
    }

    /// @inheritdoc IModelRegistry
    function aggregationDigest(bytes32 version) external view returns (bytes32) {
        Version storage v = _known(version);
        uint256 count = v.layers.count();
        Aggregation storage a = _aggregations[v.modelId];
        if (a.bound != count) revert AggregateNotBound(version, a.bound, count);
        return a.digest;
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
        bytes32[] storage keys = _known(version).verifyingKeys;
        uint256 count = keys.length;
        for (uint256 i = 0; i < count; ++i) {
            if (!router.usable(keys[i])) return false;
        }
        return true;
    }

    /// @inheritdoc IModelRegistry
    function auditWeightFloor(uint256 count) public pure returns (uint256) {
        uint256 floor = MAX_AUDIT_WEIGHT / (4 * count);
        return floor == 0 ? 1 : floor;
    }

    function _known(bytes32 version) private view returns (Version storage v) {
        v = _version[version];
        if (v.layers == address(0)) revert UnknownVersion(version);
    }

    function _checkHeader(ModelHeader calldata header_) private view {
        uint256 n = header_.tokens;
        if (n < 4 || n > MAX_TOKENS || n & (n - 1) != 0) revert BadTokenCount(MAX_TOKENS, n);
        bool local = block.chainid == 1337 || block.chainid == 31337;
        if (ModelId.isDevelopment(header_.setup) && !local) revert DevelopmentSetup(block.chainid);
    }

    function _checkKinds(Layer[] calldata layers_) private pure {
        uint256 n = layers_.length;
        if (n < 3 || n > MAX_LAYERS) revert LayersMalformed(n);
        bool whole = layers_[1].kind == LayerKind.Block;
        for (uint256 i = 0; i < n; ++i) {
            LayerKind expected = LayerKind.Block;
            if (i == 0) expected = LayerKind.Embed;
            else if (i == n - 1) expected = LayerKind.Head;
            else if (!whole) expected = i % 2 == 1 ? LayerKind.Attention : LayerKind.Mlp;
            if (layers_[i].kind != expected) revert LayersMalformed(i);
        }
        // The last attention lacks its mlp.
        if (!whole && n % 2 == 1) revert LayersMalformed(n - 1);
    }

    /// Verifiers are asked for what the model id does not say: which circuit a key is of, and what it shares with its
    /// neighbours. What they say is what the curator vouched for.
    /// @return keys Each verifying key once.
    function _checkVerifiers(ModelHeader calldata header_, Layer[] calldata layers_)
        private
        view
        returns (bytes32[] memory keys)
    {
        keys = new bytes32[](layers_.length);
        uint256[] memory kinds = new uint256[](layers_.length);
        uint256 count = 0;
        Activations memory expected;
        for (uint256 i = 0; i < layers_.length; ++i) {
            bytes32 key = layers_[i].verifyingKey;
            uint256 j = 0;
            while (j < count && keys[j] != key) ++j;
            if (j == count) {
                keys[count++] = key;
                Activations memory got;
                (kinds[j], got) = _shapeOf(i, key, header_.setup);
                if (i == 0) (expected.k, expected.positions, expected.width) = (got.k, header_.tokens, got.width);
                if (keccak256(abi.encode(got)) != keccak256(abi.encode(expected))) {
                    revert ActivationsMismatch(i, expected, got);
                }
            }
            uint256 kind = uint256(layers_[i].kind);
            if (kinds[j] != kind) revert KindMismatch(i, kind, kinds[j]);
        }
        assembly ("memory-safe") {
            mstore(keys, count)
        }
    }

    /// Of a layer's key, whose verifier has to be there and of the model's setup.
    function _shapeOf(uint256 index, bytes32 key, bytes32 setup)
        private
        view
        returns (uint256 kind, Activations memory activations)
    {
        (address verifier,, bytes32 verifierSetup,) = router.entry(key);
        if (verifier == address(0)) revert IVerifierRouter.UnknownVerifyingKey(key);
        if (verifierSetup != setup) revert SetupMismatch(index, setup, verifierSetup);
        if (!router.usable(key)) revert VerifierUnusable(index, key);
        return ILayerVerifier(verifier).shape();
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

    function _versionId(bytes32 id, Layer[] calldata layers_, Policy calldata policy_, string calldata metadataURI_)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(id, keccak256(abi.encode(layers_)), policy_, keccak256(bytes(metadataURI_))));
    }
}
