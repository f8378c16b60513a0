// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by {{generator}} from a verifying key. Do not edit: generate it again.
pragma solidity {{pragma}};

import { Activations, ILayerVerifier } from "{{interface}}";

/// @title Verifier of the circuit `{{circuit}}`
/// @notice Verifying key {{digest}}
/// @notice Setup {{setup}}{{warning}}
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract {{name}} is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = {{k}};
    /// Public inputs.
    uint256 private constant INSTANCES = {{instances}};
    /// First-phase commitments{{first_detail}}.
    uint256 private constant FIRST = {{first}};
    /// Second-phase commitments.
    uint256 private constant SECOND = {{second}};
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = {{evaluations}};
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = {{evaluations_at}};
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = {{opening_at}};
    uint256 private constant PROOF_LENGTH = {{proof_length}};

    uint256 private constant GATES = {{gate_count}};
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = {{fixed}};
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = {{opened}};
    uint256 private constant LINEAR_COLUMNS = {{linear}};
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = {{rotations}};
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = {{constants_at}};
    uint256 private constant SCALARS_AT = {{scalars_at}};
    uint256 private constant REGISTERS = {{registers}};

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = {{digest}};
    uint256 private constant VERIFYING_KEY_SCALAR = {{digest_scalar}};
    bytes32 private constant SETUP = {{setup}};

    /// The setup: generator of the first group, generator of the second and its multiple by the secret, as the pairing
    /// precompile takes them.
    uint256 private constant G1_X = {{g1_x}};
    uint256 private constant G1_Y = {{g1_y}};
    uint256 private constant G2_X_IM = {{g2_x_im}};
    uint256 private constant G2_X_RE = {{g2_x_re}};
    uint256 private constant G2_Y_IM = {{g2_y_im}};
    uint256 private constant G2_Y_RE = {{g2_y_re}};
    uint256 private constant S_G2_X_IM = {{s_g2_x_im}};
    uint256 private constant S_G2_X_RE = {{s_g2_x_re}};
    uint256 private constant S_G2_Y_IM = {{s_g2_y_im}};
    uint256 private constant S_G2_Y_RE = {{s_g2_y_re}};

    /// Challenges after the second phase.
    struct Challenges {
        /// Combines gates.
        uint256 y;
        /// Where columns are opened.
        uint256 x;
        /// Combines claims.
        uint256 v;
        /// Where the combined claim is checked.
        uint256 z;
{{fold_field}}    }

    /// How far the claims on opened columns were read.
    struct Claims {
        /// Next entry of OPENED, next evaluation, next entry of WEIGHTS.
        uint256 entry;
        uint256 evaluation;
        uint256 barycentric;
        /// The next power of `v`.
        uint256 power;
        /// Factor of the generator, so far.
        uint256 constantTerm;
    }

    /// The sum of multiples of commitments that the pairing checks.
    struct Sum {
        uint256 x;
        uint256 y;
        // Scratch of the precompiles: the next point, and its factor.
        uint256 pointX;
        uint256 pointY;
        uint256 factor;
    }

{{entry}}    // ---------------------------------------------------------------------------------------------------- checks

    /// One encoding for each statement: canonical offsets, exact lengths, reduced public inputs.
    function _checkShape(bytes calldata proof, uint256[] calldata instances) private pure {
        if (proof.length != PROOF_LENGTH) revert WrongProofLength(PROOF_LENGTH, proof.length);
        if (instances.length != {{given}}) revert WrongInstanceCount({{given}}, instances.length);
        uint256 proofAt;
        uint256 instancesAt;
        assembly ("memory-safe") {
            proofAt := proof.offset
            instancesAt := instances.offset
        }
        // Selector, two offsets, length and proof, length and public inputs; nothing else.
        bool canonical = proofAt == 4 + 96 && instancesAt == 4 + 128 + PROOF_LENGTH
            && msg.data.length == 4 + 128 + PROOF_LENGTH + 32 * {{given}};
        if (!canonical) revert CalldataNotCanonical();
        for (uint256 i = 0; i < {{given}}; ++i) {
            if (instances[i] >= R) revert InstanceNotReduced(i);
        }
    }

    /// `count` points, from byte `from` on: on the curve (which excludes infinity, written as zeros), coordinates reduced.
    /// `index` is the number of the first in errors.
    function _checkPoints(bytes calldata proof, uint256 from, uint256 count, uint256 index) private pure {
        bool valid = true;
        assembly ("memory-safe") {
            let p := P
            let at := add(proof.offset, from)
            for { let end := add(at, shl(6, count)) } lt(at, end) { at := add(at, 64) } {
                let x := calldataload(at)
                let y := calldataload(add(at, 32))
                let onCurve := eq(mulmod(y, y, p), addmod(mulmod(mulmod(x, x, p), x, p), 3, p))
                valid := and(valid, and(onCurve, and(lt(x, p), lt(y, p))))
            }
        }
        if (valid) return;
        // Which one, and why.
        for (uint256 i = 0; i < count; ++i) {
            (uint256 x, uint256 y) = _point(proof, from + 64 * i);
            if (x >= P || y >= P) revert CoordinateNotReduced(index + i);
            if (mulmod(y, y, P) != addmod(mulmod(mulmod(x, x, P), x, P), 3, P)) revert PointNotOnCurve(index + i);
        }
    }

    /// The evaluations, after a one that stands for no cell.
    function _readEvaluations(bytes calldata proof) private pure returns (uint256[] memory evaluations) {
        evaluations = new uint256[](1 + EVALUATIONS);
        evaluations[0] = 1;
        bool valid = true;
        assembly ("memory-safe") {
            let r := R
            let at := add(evaluations, 64)
            calldatacopy(at, add(proof.offset, EVALUATIONS_AT), mul(32, EVALUATIONS))
            for { let end := add(at, mul(32, EVALUATIONS)) } lt(at, end) { at := add(at, 32) } {
                valid := and(valid, lt(mload(at), r))
            }
        }
        if (valid) return evaluations;
        for (uint256 i = 0; i < EVALUATIONS; ++i) {
            if (evaluations[i + 1] >= R) revert EvaluationNotReduced(i);
        }
    }

{{bound}}    // ------------------------------------------------------------------------------------------------ transcript

    /// Each challenge is the digest of the last one's digest and of what was sent since, reduced; where nothing was sent,
    /// of the digest and one byte. Fills the registers of 1, of the challenges β, α, τ, δ and of the public inputs.
    function _readChallenges(bytes calldata proof, uint256[] {{location}} instances, uint256[] memory registers)
        private
        pure
        returns (Challenges memory challenges)
    {
        bytes32 start = keccak256("nanozk-keccak-transcript-1");
        assembly ("memory-safe") {
            let r := R
            // The buffer is beyond all that is allocated: the state, then what waits.
            let buffer := mload(0x40)
            let waiting := add(buffer, 32)
            mstore(buffer, start)

            // Key, public inputs and first phase → β, α, τ, δ.
            mstore(waiting, VERIFYING_KEY_SCALAR)
            {{copy_waiting}}
            calldatacopy(add(waiting, add(32, mul(32, INSTANCES))), proof.offset, mul(64, FIRST))
            mstore(buffer, keccak256(buffer, add(64, add(mul(32, INSTANCES), mul(64, FIRST)))))
            mstore(add(registers, 32), 1)
            mstore(add(registers, 64), mod(mload(buffer), r))
            for { let register := 96 } lt(register, 192) { register := add(register, 32) } {
                mstore8(waiting, 1)
                mstore(buffer, keccak256(buffer, 33))
                mstore(add(registers, register), mod(mload(buffer), r))
            }
            {{copy_registers}}

            // Second phase → y.
            calldatacopy(waiting, add(proof.offset, mul(64, FIRST)), mul(64, SECOND))
            mstore(buffer, keccak256(buffer, add(32, mul(64, SECOND))))
            mstore(challenges, mod(mload(buffer), r))
            // Quotient → x.
            calldatacopy(waiting, add(proof.offset, mul(64, add(FIRST, SECOND))), 128)
            mstore(buffer, keccak256(buffer, 160))
            mstore(add(challenges, 32), mod(mload(buffer), r))
            // Evaluations → v.
            calldatacopy(waiting, add(proof.offset, EVALUATIONS_AT), mul(32, EVALUATIONS))
            mstore(buffer, keccak256(buffer, add(32, mul(32, EVALUATIONS))))
            mstore(add(challenges, 64), mod(mload(buffer), r))
            // First commitment of the opening → z.
            calldatacopy(waiting, add(proof.offset, OPENING_AT), 64)
            mstore(buffer, keccak256(buffer, 96))
            mstore(add(challenges, 96), mod(mload(buffer), r))
{{fold_challenge}}        }
    }

    // ----------------------------------------------------------------------------------------------------- gates

    /// Computes coefficients of gates: fills the registers of constants and scalars.
    /// An entry of SCALARS is a sum (or, with the topmost bit, a product) of two registers, 2 bytes each.
    function _computeScalars(uint256[] memory registers) private pure {
        bytes memory constants = CONSTANTS;
        bytes memory table = SCALARS;
        assembly ("memory-safe") {
            let r := R
            let base := add(registers, 32)
            mcopy(add(base, mul(32, CONSTANTS_AT)), add(constants, 32), mload(constants))
            let target := add(base, mul(32, SCALARS_AT))
            let entry := add(table, 32)
            for { let end := add(entry, mload(table)) } lt(entry, end) { entry := add(entry, 4) } {
                let word := mload(entry)
                let a := mload(add(base, and(shr(235, word), 0xfffe0)))
                let b := mload(add(base, and(shr(219, word), 0x1fffe0)))
                switch slt(word, 0)
                case 0 { mstore(target, addmod(a, b, r)) }
                default { mstore(target, mulmod(a, b, r)) }
                target := add(target, 32)
            }
        }
    }

{{linearize}}    // --------------------------------------------------------------------------------------------------- opening

    /// The batched opening: of every opened column at its rotations of `x`, and of the linearization at `x`.
    function _checkOpening(
        bytes calldata proof,
        uint256[] memory evaluations,
        uint256[] memory factors,
        Challenges memory challenges
    ) private view {
        uint256[] memory inverses = _invertDistances(challenges.x, challenges.z);
        bytes memory points = FIXED;
        Sum memory sum;
        Claims memory claims = _startClaims(evaluations);
        _addOpened(proof, points, claims, inverses, challenges.v, sum);

        // The linearization, claimed to be minus the known terms at `x`.
        uint256 weight = mulmod(claims.power, inverses[0], R);
        uint256 constantTerm = addmod(claims.constantTerm, mulmod(weight, R - factors[0], R), R);
        _addLinear(_at(proof), points, factors, weight, sum);
        _addQuotient(proof, challenges.x, inverses[ROTATION_COUNT], weight, sum);

        // - constant · [1] - [Q] + z · [W]
        (sum.pointX, sum.pointY) = (G1_X, G1_Y);
        _addMultiple(sum, R - constantTerm);
        (sum.pointX, sum.pointY) = _point(proof, OPENING_AT);
        sum.pointY = P - sum.pointY;
        _addPoint(sum);
        (uint256 wX, uint256 wY) = _point(proof, OPENING_AT + 64);
        (sum.pointX, sum.pointY) = (wX, wY);
        _addMultiple(sum, challenges.z);

{{pairing}}    }

    /// Before the first claim.
    function _startClaims(uint256[] memory evaluations) private pure returns (Claims memory claims) {
        bytes memory table = OPENED;
        bytes memory weights = WEIGHTS;
        claims.power = 1;
        assembly ("memory-safe") {
            mstore(claims, add(table, 32))
            // The one comes before the evaluations.
            mstore(add(claims, 32), add(evaluations, 64))
            mstore(add(claims, 64), add(weights, 32))
        }
    }

    /// `1 / (z - x·ω^rotation)` for each rotation, and `1 / x` last; one inversion for all.
    function _invertDistances(uint256 x, uint256 z) private view returns (uint256[] memory inverses) {
        inverses = new uint256[](ROTATION_COUNT + 1);
        bytes memory rotations = ROTATIONS;
        uint256 inverse;
        // First the products of all elements up to each one.
        uint256[] memory elements = new uint256[](ROTATION_COUNT + 1);
        assembly ("memory-safe") {
            let r := R
            let product := 1
            for { let i := 32 } lt(i, add(32, shl(5, add(ROTATION_COUNT, 1)))) { i := add(i, 32) } {
                let element := x
                if iszero(eq(i, shl(5, add(ROTATION_COUNT, 1)))) {
                    element := addmod(z, sub(r, mulmod(x, mload(add(rotations, i)), r)), r)
                }
                mstore(add(elements, i), element)
                mstore(add(inverses, i), product)
                product := mulmod(product, element, r)
            }
            // Fermat: the product to the power r - 2.
            let input := mload(0x40)
            mstore(input, 32)
            mstore(add(input, 32), 32)
            mstore(add(input, 64), 32)
            mstore(add(input, 96), product)
            mstore(add(input, 128), sub(r, 2))
            mstore(add(input, 160), r)
            if staticcall(gas(), 5, input, 192, 0, 32) {
                if eq(returndatasize(), 32) { inverse := mload(0) }
            }
            // A wrong inverse is none: this also stands for the precompile's success.
            if iszero(eq(mulmod(product, inverse, r), 1)) { inverse := 0 }
        }
        if (inverse == 0) {
            for (uint256 i = 0; i <= ROTATION_COUNT; ++i) {
                if (elements[i] == 0) revert DegenerateChallenge();
            }
            revert PrecompileFailed(5);
        }
        assembly ("memory-safe") {
            let r := R
            for { let i := shl(5, add(ROTATION_COUNT, 1)) } i { i := sub(i, 32) } {
                let at := add(inverses, i)
                mstore(at, mulmod(mload(at), inverse, r))
                inverse := mulmod(inverse, mload(add(elements, i)), r)
            }
        }
    }

    /// For each opened column `i`: adds `v^i / Z_i(z)` times its commitment.
    function _addOpened(
        bytes calldata proof,
        bytes memory points,
        Claims memory claims,
        uint256[] memory inverses,
        uint256 v,
        Sum memory sum
    ) private view {
        for (uint256 i = 0; i < OPENED_COLUMNS; ++i) {
            _loadCommitment(proof, points, claims.entry, sum);
            _addMultiple(sum, _nextClaim(claims, inverses));
            claims.power = mulmod(claims.power, v, R);
        }
    }

    /// The factor of the next column's commitment. Adds the interpolation of its claimed values at `z`, with the same
    /// factor, to the constant: with barycentric weights `w`, that is `v^i · x^(1-count) · Σ value·w / (z - x·ω^rotation)`.
    /// An entry of OPENED is the commitment, the number of rotations, and each rotation; WEIGHTS has the barycentric
    /// weights of columns with more than one.
    function _nextClaim(Claims memory claims, uint256[] memory inverses) private pure returns (uint256 weight) {
        uint256 interpolation;
        assembly ("memory-safe") {
            let r := R
            let entry := mload(claims)
            let evaluation := mload(add(claims, 32))
            let barycentric := mload(add(claims, 64))
            let count := byte(1, mload(entry))
            weight := mload(add(claims, 96))
            entry := add(entry, 2)
            for { let end := add(entry, count) } lt(entry, end) { entry := add(entry, 1) } {
                let inverse := mload(add(add(inverses, 32), shl(5, byte(0, mload(entry)))))
                weight := mulmod(weight, inverse, r)
                let value := mulmod(mload(evaluation), inverse, r)
                if gt(count, 1) {
                    value := mulmod(value, mload(barycentric), r)
                    barycentric := add(barycentric, 32)
                }
                interpolation := addmod(interpolation, value, r)
                evaluation := add(evaluation, 32)
            }
            mstore(claims, entry)
            mstore(add(claims, 32), evaluation)
            mstore(add(claims, 64), barycentric)
            let inverseX := mload(add(inverses, shl(5, add(ROTATION_COUNT, 1))))
            for { } gt(count, 1) { count := sub(count, 1) } { interpolation := mulmod(interpolation, inverseX, r) }
        }
        claims.constantTerm = addmod(claims.constantTerm, mulmod(claims.power, interpolation, R), R);
    }

    /// The columns that are not opened, each with its factor in the linearization. LINEAR names their commitments.
    function _addLinear(uint256 proofAt, bytes memory points, uint256[] memory factors, uint256 weight, Sum memory sum)
        private
        view
    {
        bytes memory table = LINEAR;
        bool done = true;
        assembly ("memory-safe") {
            let r := R
            let factor := add(factors, 64)
            let entry := add(table, 32)
            points := add(points, 32)
            for { let end := add(entry, LINEAR_COLUMNS) } lt(entry, end) { entry := add(entry, 1) } {
                let index := byte(0, mload(entry))
                switch lt(index, FIXED_POINTS)
                case 1 { mcopy(add(sum, 64), add(points, shl(6, index)), 64) }
                default { calldatacopy(add(sum, 64), add(proofAt, shl(6, sub(index, FIXED_POINTS))), 64) }
                mstore(add(sum, 128), mulmod(weight, mload(factor), r))
                factor := add(factor, 32)
                index := staticcall(gas(), 7, add(sum, 64), 96, add(sum, 64), 64)
                index := and(index, staticcall(gas(), 6, sum, 128, sum, 64))
                done := and(done, and(index, eq(returndatasize(), 64)))
            }
        }
        if (!done) revert PrecompileFailed(7);
    }

    /// - (x^N - 1) · ([h_0] + x^(N-2) · [h_1])
    function _addQuotient(bytes calldata proof, uint256 x, uint256 inverseX, uint256 weight, Sum memory sum)
        private
        view
    {
        uint256 power = x;
        for (uint256 i = 0; i < K; ++i) {
            power = mulmod(power, power, R);
        }
        uint256 factor = mulmod(weight, addmod(1, R - power, R), R);
        (sum.pointX, sum.pointY) = _point(proof, 64 * (FIRST + SECOND));
        _addMultiple(sum, factor);
        factor = mulmod(factor, mulmod(power, mulmod(inverseX, inverseX, R), R), R);
        (sum.pointX, sum.pointY) = _point(proof, 64 * (FIRST + SECOND + 1));
        _addMultiple(sum, factor);
    }

    /// The commitment that the byte at `entry` names: those of the key come first, then those of the proof.
    function _loadCommitment(bytes calldata proof, bytes memory points, uint256 entry, Sum memory sum) private pure {
        assembly ("memory-safe") {
            let index := byte(0, mload(entry))
            let target := add(sum, 64)
            switch lt(index, FIXED_POINTS)
            case 1 { mcopy(target, add(add(points, 32), shl(6, index)), 64) }
            default { calldatacopy(target, add(proof.offset, shl(6, sub(index, FIXED_POINTS))), 64) }
        }
    }

    /// Where the proof is in calldata.
    function _at(bytes calldata proof) private pure returns (uint256 proofAt) {
        assembly ("memory-safe") {
            proofAt := proof.offset
        }
    }

    /// The point at a byte of the proof.
    function _point(bytes calldata proof, uint256 from) private pure returns (uint256 x, uint256 y) {
        assembly ("memory-safe") {
            x := calldataload(add(proof.offset, from))
            y := calldataload(add(proof.offset, add(from, 32)))
        }
    }

    // ----------------------------------------------------------------------------------------------- precompiles

    /// Adds a multiple of the loaded point.
    function _addMultiple(Sum memory sum, uint256 factor) private view {
        bool done;
        assembly ("memory-safe") {
            let point := add(sum, 64)
            mstore(add(sum, 128), factor)
            done := staticcall(gas(), 7, point, 96, point, 64)
            done := and(done, eq(returndatasize(), 64))
            if done {
                done := staticcall(gas(), 6, sum, 128, sum, 64)
                done := and(done, eq(returndatasize(), 64))
            }
        }
        if (!done) revert PrecompileFailed(7);
    }

    /// Adds the loaded point.
    function _addPoint(Sum memory sum) private view {
        bool done;
        assembly ("memory-safe") {
            done := staticcall(gas(), 6, sum, 128, sum, 64)
            done := and(done, eq(returndatasize(), 64))
        }
        if (!done) revert PrecompileFailed(6);
    }

    /// e(left, [1]_2) · e(-right, [s]_2) = 1
    function _checkPairing(uint256 leftX, uint256 leftY, uint256 rightX, uint256 rightYNegated) private view {
        uint256[12] memory input = [
            leftX,
            leftY,
            G2_X_IM,
            G2_X_RE,
            G2_Y_IM,
            G2_Y_RE,
            rightX,
            rightYNegated,
            S_G2_X_IM,
            S_G2_X_RE,
            S_G2_Y_IM,
            S_G2_Y_RE
        ];
        bool done;
        bool valid;
        assembly ("memory-safe") {
            done := staticcall(gas(), 8, input, 384, 0, 32)
            done := and(done, eq(returndatasize(), 32))
            valid := eq(mload(0), 1)
        }
        if (!done) revert PrecompileFailed(8);
        if (!valid) revert ProofRejected();
    }

    // --------------------------------------------------------------------------------------------------- getters

    /// @inheritdoc ILayerVerifier
    function verifyingKey() external pure returns (bytes32) {
        return VERIFYING_KEY;
    }

    /// @inheritdoc ILayerVerifier
    function setup() external pure returns (bytes32) {
        return SETUP;
    }

    /// @inheritdoc ILayerVerifier
    function shape() external pure returns (uint256 kind, Activations memory activations) {
        return ({{kind}}, Activations({{activations}}));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "{{circuit}}";
    }

    /// @inheritdoc ILayerVerifier
    function generator() external pure returns (string memory) {
        return "{{generator}}";
    }

    /// @inheritdoc ILayerVerifier
    function proofLength() external pure returns (uint256) {
        return PROOF_LENGTH;
    }

    /// @inheritdoc ILayerVerifier
    function instanceCount() external pure returns (uint256) {
        return {{given}};
    }

    // ---------------------------------------------------------------------------------------------------- tables

    /// Commitments to the fixed columns, `x ‖ y`.
    bytes private constant FIXED =
{{fixed_table}}
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
{{rotation_table}}
        ;

    /// Constants among the coefficients.
    bytes private constant CONSTANTS =
{{constant_table}}
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
{{scalar_table}}
        ;

{{terms}}    /// Columns that are opened.
    bytes private constant OPENED =
{{opened_table}}
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
{{weight_table}}
        ;

    /// Columns that are not opened.
    bytes private constant LINEAR =
{{linear_table}}
        ;
}
