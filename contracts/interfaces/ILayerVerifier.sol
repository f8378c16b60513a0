// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What a commitment to activations is to: feature `i` of position `t` is in row `i·positions + t` of `2^k`. A circuit
/// constrains these rows and no others, so neighbours have to mean the same.
struct Activations {
    /// Binary logarithm of the number of rows.
    uint256 k;
    /// Positions of a session.
    uint256 positions;
    /// Width of the residual stream.
    uint256 width;
}

/// @title Verifier of one circuit shape
/// @notice Generated, stateless, without owner. One serves every layer of every model of its shape.
interface ILayerVerifier {
    /// @notice Calldata is not the one canonical encoding of the arguments.
    error CalldataNotCanonical();
    /// @notice A proof of this circuit has `expected` bytes.
    error WrongProofLength(uint256 expected, uint256 got);
    /// @notice This circuit has `expected` public inputs.
    error WrongInstanceCount(uint256 expected, uint256 got);
    /// @notice Public input `index` is not below the order of the scalar field.
    error InstanceNotReduced(uint256 index);
    /// @notice A coordinate of point `index` of the proof is not below the modulus of the base field.
    error CoordinateNotReduced(uint256 index);
    /// @notice Point `index` of the proof is not on the curve, or at infinity.
    error PointNotOnCurve(uint256 index);
    /// @notice Evaluation `index` of the proof is not below the order of the scalar field.
    error EvaluationNotReduced(uint256 index);
    /// @notice A challenge hit an excluded value: probability below 2^-240; other randomness succeeds.
    error DegenerateChallenge();
    /// @notice A precompiled contract failed, for lack of gas.
    error PrecompileFailed(uint256 precompile);
    /// @notice The pairing equation does not hold: the proof is false.
    error ProofRejected();

    /// @notice Reverts unless the proof is valid for the public inputs; returns the commitments a caller must compare.
    /// @param proof Elements of the proof, points as `x ‖ y`, in the order of docs/format.md.
    /// @param instances Public inputs.
    /// @return input Commitment to the activations that enter, compressed: `x` with the parity of `y` in the topmost
    /// bit; zero if the layer has none.
    /// @return output Commitment to the activations that leave, likewise.
    /// @return weights Keccak-256 over the commitments to the weights, as `x ‖ y`.
    function verify(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bytes32 input, bytes32 output, bytes32 weights);

    /// @notice Digest of the verifying key.
    function verifyingKey() external view returns (bytes32);
    /// @notice Id of the KZG setup.
    function setup() external view returns (bytes32);
    /// @notice What the circuit computes, and of what shape the activations are that enter and leave.
    /// @return kind As in `LayerKind`; 255 for an aggregate.
    /// @return activations All zero for an aggregate, which has none.
    function shape() external view returns (uint256 kind, Activations memory activations);
    /// @notice The circuit in words.
    function circuit() external view returns (string memory);
    /// @notice Version of the generator that wrote this contract.
    function generator() external view returns (string memory);
    /// @notice Bytes of a proof.
    function proofLength() external view returns (uint256);
    /// @notice Number of public inputs.
    function instanceCount() external view returns (uint256);
}
