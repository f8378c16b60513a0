// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Leaf, Tree } from "./Types.sol";

/// A session, as its statement has it, and its activation commitments.
struct Session {
    bytes32 version;
    /// The caller's own word, in the place of a job.
    bytes32 claim;
    address recipient;
    bytes32 inputDigest;
    bytes32 outputDigest;
    uint32 promptTokens;
    uint32 newTokens;
    /// How tokens were chosen. Zero, greedily, as in `JobRequest`: any other word is refused.
    bytes32 decoding;
    /// Digest and words of the activation commitments, as in `ClaimHeader`.
    bytes32 activations;
    uint256[] points;
}

/// @title Verification of a whole session, without a job
/// @notice Stateless. A proof is bound to this contract's address, in the place of the claim book.
interface IStatementVerifier {
    error VersionUnusable(bytes32 version);
    error DigestNotReduced(bytes32 digest);
    /// @notice No program proves that tokens were chosen in this way.
    error DecodingNotGreedy(bytes32 decoding);
    error BadPoints(uint256 words);
    /// @notice The leaves do not prove all layers; `missing` as a set.
    error LayersMissing(uint256 missing);

    /// @notice Reverts unless the proof shows all layers of the session.
    /// @param session What is claimed.
    /// @param leaves Whose programs cover all layers.
    /// @param tree How nodes lie over the leaves.
    /// @param proof Final proof over the topmost node.
    /// @return statement Digest of the statement that it proves.
    function verifyStatement(Session calldata session, Leaf[] calldata leaves, Tree calldata tree, bytes calldata proof)
        external
        view
        returns (bytes32 statement);
    /// @notice Digest of a session's statement, which its proofs are about. Reverts if no proof of it would be accepted
    /// because of its digests or its decoding.
    function statementOf(Session calldata session) external view returns (bytes32);
}
