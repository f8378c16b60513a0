// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The verifier of final proofs
/// @notice One contract for every model and every set of layers. It keeps no state and has no owner.
///
/// A final proof shows that a valid proof of a node is known whose key has a certain digest, and which says a certain list
/// of words. The list itself is not given: its digest is, and its fingerprint at a point (docs/recursion.md).
interface IFinalVerifier {
    /// @notice Calldata is not the one canonical encoding of the arguments.
    error CalldataNotCanonical();
    /// @notice A proof has `expected` bytes.
    error WrongProofLength(uint256 expected, uint256 got);
    /// @notice Public input `index` is not below the order of the scalar field.
    error PublicInputNotReduced(uint256 index);
    /// @notice A coordinate of point `index` is not below the modulus of the base field. The accumulator's points are 5 and 6.
    error CoordinateNotReduced(uint256 index);
    /// @notice Point `index` is not on the curve, or at infinity.
    error PointNotOnCurve(uint256 index);
    /// @notice Scalar `index` of the proof is not below the order of the scalar field.
    error ScalarNotReduced(uint256 index);
    /// @notice A challenge hit an excluded value: probability below 2^-230; other randomness succeeds.
    error DegenerateChallenge();
    /// @notice A precompiled contract failed, for lack of gas: this is no verdict.
    error PrecompileFailed(uint256 precompile);
    /// @notice The pairing equation does not hold: the proof, or one below it, is false.
    error ProofRejected();

    /// @notice Reverts unless the proof is valid for these public inputs, each below the order of the scalar field.
    /// @param proof 1,152 bytes: 1,024 of the proof, then the accumulator's two points.
    /// @param publicInputs Digest of the node's key, digest of its list, point, and fingerprint of the list at the point.
    function verify(bytes calldata proof, uint256[4] calldata publicInputs) external view;
}
