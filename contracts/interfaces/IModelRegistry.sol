// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What auditing a layer is worth, and what answering for it costs.
struct Layer {
    /// How often it is drawn, relative to the others: Fisher information with a floor, parts per million.
    uint32 auditWeight;
    /// Cost of answering a challenge of it (proving and gas), in the smallest unit of the policy's asset.
    uint128 answerCost;
}

/// What the model id binds.
struct ModelHeader {
    /// Keccak-256 of the JSON of architecture and number formats.
    bytes32 dimensions;
    /// SHA-256 of `tokenizer.json`.
    bytes32 tokenizer;
    /// Digest of all commitments to weights.
    bytes32 weights;
    /// Merkle root of the programs that prove layers (`Program`).
    bytes32 programs;
    /// Id of the KZG setup.
    bytes32 setup;
    /// Limb columns with one helper, as a number.
    bytes32 fractions;
    /// Positions of a session.
    uint32 tokens;
    /// Number of layers.
    uint16 layers;
    /// Base-two logarithm of the number of cells in a column.
    uint8 k;
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

/// What a claim takes from a version.
struct Bindings {
    bytes32 modelId;
    bytes32 programs;
    address verifier;
    uint16 layers;
    bool usable;
}

/// @title Append-only model versions
/// @notice A version is a model (its id binds dimensions, weights, tokenizer and programs) with a verifier of final
/// proofs, audit weights, costs and a policy. Nobody can change or remove one. Parameters under which cheating on some
/// layer would pay are refused. The guardian can freeze a verifier, for ever: its versions cannot be used any more.
interface IModelRegistry {
    event VersionRegistered(
        bytes32 indexed version,
        bytes32 indexed modelId,
        address indexed verifier,
        ModelHeader header,
        Policy policy,
        string metadataURI
    );
    /// @notice A verifier's code, as all versions with this verifier need it.
    event VerifierPinned(address indexed verifier, bytes32 codeHash);
    event VerifierFrozen(address indexed verifier, string reason);

    error UnknownVersion(bytes32 version);
    /// @notice A model has 1 to `max` layers, as many as the header says.
    error LayerCount(uint256 max, uint256 expected, uint256 got);
    /// @notice The setup is not that of these contracts' keys of nodes.
    error SetupMismatch(bytes32 expected, bytes32 got);
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
    /// @notice There is no code, another one than before, or the verifier is frozen.
    error VerifierUnusable(address verifier);
    error VerifierAlreadyFrozen(address verifier);
    error NotGuardian(address caller);
    error MetadataTooLong(uint256 max, uint256 got);
    error NoSuchLayer(uint256 layer, uint256 layers);

    /// @notice Registers a version; its id is the same whoever registers it, and nothing is kept of who that was: anybody
    /// could send a registration first that it saw pending, so having sent it means nothing. Registering it again
    /// changes nothing.
    /// @param header The model.
    /// @param layers One for each layer, in order.
    /// @param policy Economic parameters.
    /// @param verifier Verifies final proofs under the model's setup. Which code it has is noted, and other code at this
    /// address is never used.
    /// @param metadataURI Where more is said about the version.
    function register(
        ModelHeader calldata header,
        Layer[] calldata layers,
        Policy calldata policy,
        address verifier,
        string calldata metadataURI
    ) external returns (bytes32 version);
    /// @notice Makes a verifier, and all its versions, unusable for ever. It need not be of any version yet. Guardian only.
    function freeze(address verifier, string calldata reason) external;

    /// @notice The model id of docs/format.md.
    function modelIdOf(ModelHeader calldata header) external pure returns (bytes32);
    /// @notice keccak256(abi.encode(modelId, keccak256(abi.encode(layers)), policy, verifier,
    /// keccak256(bytes(metadataURI)))).
    function versionIdOf(
        ModelHeader calldata header,
        Layer[] calldata layers,
        Policy calldata policy,
        address verifier,
        string calldata metadataURI
    ) external pure returns (bytes32);

    function exists(bytes32 version) external view returns (bool);
    function modelId(bytes32 version) external view returns (bytes32);
    function header(bytes32 version) external view returns (ModelHeader memory);
    function policy(bytes32 version) external view returns (Policy memory);
    function bindings(bytes32 version) external view returns (Bindings memory);
    function verifier(bytes32 version) external view returns (address);
    function layerCount(bytes32 version) external view returns (uint256);
    function layer(bytes32 version, uint256 index) external view returns (Layer memory);
    function layers(bytes32 version) external view returns (Layer[] memory);
    function auditWeights(bytes32 version) external view returns (uint32[] memory);
    function metadataURI(bytes32 version) external view returns (string memory);
    /// @notice Versions in the order of their registration.
    function versionCount() external view returns (uint256);
    function versionAt(uint256 index) external view returns (bytes32);
    /// @notice Whether the version's verifier can be used now.
    function usable(bytes32 version) external view returns (bool);
    /// @notice Whether a verifier of a version is not frozen, and has the code that it had.
    function verifierUsable(address verifier) external view returns (bool);
    function isFrozen(address verifier) external view returns (bool);
    /// @notice May freeze.
    function guardian() external view returns (address);
    /// @notice The layers of a claim that are drawn, as a set: the draw of docs/protocol.md, the same as the command line's.
    function draw(bytes32 version, bytes32 seed, bytes32 claim) external view returns (uint256 drawn);
    /// @notice Least audit weight of a layer of a model with `count` layers: a quarter of an even share, at least 1.
    function auditWeightFloor(uint256 count) external pure returns (uint256);
}
