// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Activations } from "./ILayerVerifier.sol";
import { LayerKind } from "./Types.sol";

/// One layer of a model, as in its card, with what auditing it is worth and costs.
struct Layer {
    /// What it computes.
    LayerKind kind;
    /// How often it is drawn, relative to the others: Fisher information with a floor, parts per million.
    uint32 auditWeight;
    /// Cost of answering a challenge of it (proving and gas), in the smallest unit of the policy's asset.
    uint128 answerCost;
    /// Digest of its verifying key.
    bytes32 verifyingKey;
    /// Keccak-256 over its weight commitments, as `x ‖ y`.
    bytes32 weights;
}

/// What the model id binds, but the layers.
struct ModelHeader {
    /// Keccak-256 of the JSON of architecture and number formats.
    bytes32 dimensions;
    /// SHA-256 of `tokenizer.json`.
    bytes32 tokenizer;
    /// Positions of a session.
    uint32 tokens;
    /// Id of the KZG setup.
    bytes32 setup;
}

/// Economic parameters under which a version is offered.
struct Policy {
    /// Asset of prices, stakes and bonds; zero is ETH.
    address asset;
    /// Greatest price of a job.
    uint128 maxPrice;
    /// Most that a false answer may be worth to a provider besides the price.
    uint128 externalGain;
    /// Stake that a provider loses if a claim is defeated.
    uint128 stake;
    /// Bond of a challenger, lost to the provider if the layer is proven.
    uint128 challengeBond;
    /// Layers drawn for each audited claim.
    uint16 audits;
}

/// @title Append-only model versions
/// @notice A version is a model (its id binds weights, dimensions, tokenizer and keys) with audit weights, costs and a
/// policy. Nobody can change or remove one. Parameters under which cheating on some layer would pay are refused.
interface IModelRegistry {
    event VersionRegistered(bytes32 indexed version, bytes32 indexed modelId, uint256 layers, string metadataURI);
    /// @notice The aggregation digest covers the first `bound` layers; with all of them it is the model's.
    event AggregateBound(bytes32 indexed modelId, uint256 bound, uint256 layers, bytes32 digest);

    error UnknownVersion(bytes32 version);
    /// @notice The layers are not embed, then attention and mlp (or block) by turns, then head; or more than 256.
    error LayersMalformed(uint256 layer);
    /// @notice The setup of the layer's verifier is not the model's.
    error SetupMismatch(uint256 layer, bytes32 expected, bytes32 got);
    /// @notice The circuit of the layer's key computes another kind of layer.
    error KindMismatch(uint256 layer, uint256 expected, uint256 got);
    /// @notice The layer's activations are of another shape than the first layer's, or of another number of positions than
    /// the model: a wider layer would read what a narrower one leaves open.
    error ActivationsMismatch(uint256 layer, Activations expected, Activations got);
    /// @notice The development setup's secret is public; it serves local chains only.
    error DevelopmentSetup(uint256 chainId);
    /// @notice The layer's audit weight is below the floor, a quarter of an even share.
    error AuditWeightBelowFloor(uint256 layer, uint256 floor, uint256 got);
    /// @notice The number of draws is zero or above the number of layers.
    error AuditCount(uint256 layers, uint256 audits);
    /// @notice Cheating on this layer would pay: the stake is below `needed`.
    error StakeTooLow(uint256 layer, uint256 needed, uint256 got);
    /// @notice Challenging this layer for nothing would be too cheap: the bond is below `needed`.
    error ChallengeBondTooLow(uint256 layer, uint256 needed, uint256 got);
    /// @notice A challenger's share of the stake would not exceed its bond's risk.
    error ChallengerRewardTooLow(uint256 needed, uint256 got);
    error AssetNotAllowed(address asset);
    /// @notice Positions are a power of two from 4 to `max`.
    error BadTokenCount(uint256 max, uint256 got);
    error AuditWeightAboveMax(uint256 layer, uint256 max, uint256 got);
    /// @notice The layer's verifier is frozen, or its code is gone.
    error VerifierUnusable(uint256 layer, bytes32 verifyingKey);
    error MetadataTooLong(uint256 max, uint256 got);
    error NoSuchLayer(uint256 layer, uint256 layers);
    /// @notice Layer `next` comes next, not `first`, which is later.
    error LayersSkipped(uint256 next, uint256 first);
    /// @notice The first `bound` layers are bound, and no others were given.
    error NothingToBind(uint256 bound);
    /// @notice The points are not the layer's registered weight commitments.
    error WeightsMismatch(uint256 layer, bytes32 expected, bytes32 got);
    /// @notice Only the first `bound` of the model's layers are in its aggregation digest: `bindAggregate`.
    error AggregateNotBound(bytes32 version, uint256 bound, uint256 layers);

    /// @notice Registers a version; its id is the same whoever registers it, and nothing is kept of who that was: anybody
    /// could send a registration first that it saw pending, so having sent it means nothing. Registering it again
    /// changes nothing.
    function register(
        ModelHeader calldata header,
        Layer[] calldata layers,
        Policy calldata policy,
        string calldata metadataURI
    ) external returns (bytes32 version);

    /// @notice Continues the aggregation digest (`AggregationDigest`) of a version's model, with which aggregate proofs of
    /// it are compared: once all layers are in it, it is settled for ever, for all versions of the model. Anybody may pay for that, in any number of
    /// transactions (33,000 gas for each weight commitment, and 33,000 for each layer): the contract computes it from the registered
    /// keys and from points that it checks against the registered weights, so the caller decides nothing. It does not
    /// check that they are on the curve: for others no layer, and so no aggregate, has a proof.
    /// @param first Layer of `points[0]`: the next one, or one that is bound already. Those are passed over, so that
    /// nobody hinders this by binding some of the layers first.
    /// @param points For each layer, `x` and `y` of its weight commitments, in order.
    function bindAggregate(bytes32 version, uint256 first, uint256[][] calldata points) external;

    /// @notice The model id of docs/format.md.
    function modelIdOf(ModelHeader calldata header, Layer[] calldata layers) external pure returns (bytes32);
    /// @notice keccak256(abi.encode(modelId, keccak256(abi.encode(layers)), policy, keccak256(bytes(metadataURI)))).
    function versionIdOf(
        ModelHeader calldata header,
        Layer[] calldata layers,
        Policy calldata policy,
        string calldata metadataURI
    ) external pure returns (bytes32);

    function exists(bytes32 version) external view returns (bool);
    function modelId(bytes32 version) external view returns (bytes32);
    function header(bytes32 version) external view returns (ModelHeader memory);
    function policy(bytes32 version) external view returns (Policy memory);
    function layerCount(bytes32 version) external view returns (uint256);
    function layer(bytes32 version, uint256 index) external view returns (Layer memory);
    function layers(bytes32 version) external view returns (Layer[] memory);
    function auditWeights(bytes32 version) external view returns (uint32[] memory);
    /// @notice Verifying keys of the layers, each once.
    function verifyingKeys(bytes32 version) external view returns (bytes32[] memory);
    function metadataURI(bytes32 version) external view returns (string memory);
    /// @notice How many layers are in the aggregation digest, and what it is so far.
    function aggregation(bytes32 version) external view returns (uint256 bound, bytes32 digest);
    /// @notice The aggregation digest of all layers; reverts as long as some are not in it.
    function aggregationDigest(bytes32 version) external view returns (bytes32);
    /// @notice Versions in the order of their registration.
    function versionCount() external view returns (uint256);
    function versionAt(uint256 index) external view returns (bytes32);
    /// @notice Whether the verifiers of all layers can be used now.
    function usable(bytes32 version) external view returns (bool);
    /// @notice Least audit weight of a layer of a model with `count` layers: a quarter of an even share, at least 1.
    function auditWeightFloor(uint256 count) external pure returns (uint256);
}
