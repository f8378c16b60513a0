// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimStatus } from "./Types.sol";

/// What a provider signs (EIP-712) and posts before anything is proved.
struct ClaimHeader {
    /// Job; also the claim's id.
    bytes32 job;
    /// Salted digest of the generated tokens.
    bytes32 outputDigest;
    /// Gets the price, and the bonds of failed challenges. Part of the statement, so of every proof.
    address recipient;
    /// Commitments to the activations between layers, compressed as in `session.json`: one fewer than layers.
    bytes32[] boundaries;
}

struct Claim {
    ClaimStatus status;
    address provider;
    address recipient;
    bytes32 version;
    bytes32 modelId;
    bytes32 inputDigest;
    bytes32 outputDigest;
    uint64 postedAt;
    uint64 postedBlock;
    /// Number of layers.
    uint16 layers;
    /// Bit `l`: layer `l` is proven by a proof of its own. `ISettlement.provenLayers` counts the aggregate, too.
    uint256 proven;
    /// Key of the aggregate proof that showed all layers; zero: none did. It counts as long as the key is not frozen.
    bytes32 aggregateKey;
    /// Digest of the statement that every proof is about.
    bytes32 statement;
    /// keccak256(statement ‖ boundaries): what the beacon draws layers for.
    bytes32 claimDigest;
}

/// @title Claims, and which of their layers are proven
interface IClaimBook {
    event ClaimPosted(
        bytes32 indexed claim,
        address indexed provider,
        bytes32 indexed version,
        address recipient,
        bytes32 inputDigest,
        bytes32 outputDigest,
        bytes32 statement,
        bytes32[] boundaries
    );
    event LayerProven(bytes32 indexed claim, uint256 indexed layer);
    /// @notice All layers are proven, by an aggregate proof that the verifier of `aggregateKey` accepted.
    event ClaimProvenByAggregate(bytes32 indexed claim, bytes32 indexed aggregateKey);
    event ClaimEnded(bytes32 indexed claim, ClaimStatus status);

    error BadSignature(address signer);
    error UnknownClaim(bytes32 claim);
    error BoundaryCount(uint256 expected, uint256 got);
    /// @notice Zero stands for "no commitment".
    error BoundaryZero(uint256 index);
    error DigestNotReduced(bytes32 digest);
    error ZeroRecipient();
    error ClaimIsOver(bytes32 claim, ClaimStatus status);
    error NoSuchLayer(uint256 layer, uint256 layers);
    error NotSettlement(address caller);
    error VersionUnusable(bytes32 version);

    /// @notice Posts a claim for a locked job. Anybody may send the provider's signature; the provider needs none.
    function postClaim(ClaimHeader calldata header, bytes calldata signature) external returns (bytes32 claim);

    /// @notice Marks a layer as proven. Settlement only.
    function markProven(bytes32 claim, uint256 layer) external;
    /// @notice Notes that an aggregate proof under a key showed all layers; a later one takes its place. Settlement only.
    function markAllProven(bytes32 claim, bytes32 aggregateKey) external;
    /// @notice Ends a claim. Settlement only.
    function end(bytes32 claim, ClaimStatus status) external;

    /// @notice Reverts if there is no such claim.
    function claim(bytes32 id) external view returns (Claim memory);
    /// @notice `None` if there is no such claim.
    function status(bytes32 id) external view returns (ClaimStatus);
    function boundaries(bytes32 id) external view returns (bytes32[] memory);
    /// @notice Commitments on either side of a layer; zero at the ends.
    function boundariesOf(bytes32 id, uint256 layer) external view returns (bytes32 input, bytes32 output);
    /// @notice Digest of docs/format.md, from its parts: chain and contract are this one's.
    function statementOf(
        bytes32 id,
        address recipient,
        bytes32 modelId,
        bytes32 inputDigest,
        bytes32 outputDigest,
        uint256 layers
    ) external view returns (bytes32);
    /// @notice Public inputs of a layer's proof.
    function instances(bytes32 id, uint256 layer) external view returns (uint256[] memory);
    /// @notice Public inputs of an aggregate proof.
    function aggregateInstances(bytes32 id) external view returns (uint256[] memory);
    function headerDigest(ClaimHeader calldata header) external view returns (bytes32);
    /// @notice What a provider signs so that anybody can answer a demand with its tokens.
    /// @param output keccak256(salt ‖ tokens), tokens of three bytes each.
    function revealDigest(bytes32 id, bytes32 output) external view returns (bytes32);
    function domainSeparator() external view returns (bytes32);
}
