// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `mlp d=64 h=4 f=256 v=1024 n=4 k=13 c=5 l=5x8`
/// @notice Verifying key 0x6b3cc28a683334edc61bd2f2dec3ddd75ea06e969768104071658e107cff980a
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract MlpD64 is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 13;
    /// Public inputs.
    uint256 private constant INSTANCES = 2;
    /// First-phase commitments, among them: input, output, 5 of weights.
    uint256 private constant FIRST = 17;
    /// Second-phase commitments.
    uint256 private constant SECOND = 7;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 44;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 1664;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 3072;
    uint256 private constant PROOF_LENGTH = 3200;

    uint256 private constant GATES = 30;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 31;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 22;
    uint256 private constant LINEAR_COLUMNS = 33;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 17;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 7;
    uint256 private constant SCALARS_AT = 31;
    uint256 private constant REGISTERS = 133;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0x6b3cc28a683334edc61bd2f2dec3ddd75ea06e969768104071658e107cff980a;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x0a7425a4a5cff49a557b4785dbc12d1d0e389e05a3f52f1de9a1a2e89cff9808;
    bytes32 private constant SETUP = 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9;

    /// The setup: generator of the first group, generator of the second and its multiple by the secret, as the pairing
    /// precompile takes them.
    uint256 private constant G1_X = 0x0000000000000000000000000000000000000000000000000000000000000001;
    uint256 private constant G1_Y = 0x0000000000000000000000000000000000000000000000000000000000000002;
    uint256 private constant G2_X_IM = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
    uint256 private constant G2_X_RE = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;
    uint256 private constant G2_Y_IM = 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b;
    uint256 private constant G2_Y_RE = 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa;
    uint256 private constant S_G2_X_IM = 0x259f28f9cfe49b3befb3bf2b5c9f285e0ff524f56475c93224ffc468493f5cfd;
    uint256 private constant S_G2_X_RE = 0x189fd2dac67e24078a523b12808f45b3d2090610f983e297fe44d77aef9fab12;
    uint256 private constant S_G2_Y_IM = 0x2704c9661d90d28077e110b93f703c0d1f9862b7df7478d0e721ab5a39739d2f;
    uint256 private constant S_G2_Y_RE = 0x21328e05b5e8b8a40e8e749dd2cea3b8fdfd7c3b6be8d75c8f819b268a362912;

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
    }

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

    /// @inheritdoc ILayerVerifier
    function verify(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bytes32 input, bytes32 output, bytes32 weights)
    {
        _checkShape(proof, instances);
        _checkPoints(proof, 0, FIRST + SECOND + 2, 0);
        _checkPoints(proof, OPENING_AT, 2, FIRST + SECOND + 2);

        uint256[] memory registers = new uint256[](REGISTERS);
        uint256[] memory evaluations = _readEvaluations(proof);
        Challenges memory challenges = _readChallenges(proof, instances, registers);
        _computeScalars(registers);
        uint256[] memory factors = _linearize(registers, evaluations, challenges.y);
        _checkOpening(proof, evaluations, factors, challenges);
        return _boundCommitments(proof);
    }

    // ---------------------------------------------------------------------------------------------------- checks

    /// One encoding for each statement: canonical offsets, exact lengths, reduced public inputs.
    function _checkShape(bytes calldata proof, uint256[] calldata instances) private pure {
        if (proof.length != PROOF_LENGTH) revert WrongProofLength(PROOF_LENGTH, proof.length);
        if (instances.length != INSTANCES) revert WrongInstanceCount(INSTANCES, instances.length);
        uint256 proofAt;
        uint256 instancesAt;
        assembly ("memory-safe") {
            proofAt := proof.offset
            instancesAt := instances.offset
        }
        // Selector, two offsets, length and proof, length and public inputs; nothing else.
        bool canonical = proofAt == 4 + 96 && instancesAt == 4 + 128 + PROOF_LENGTH
            && msg.data.length == 4 + 128 + PROOF_LENGTH + 32 * INSTANCES;
        if (!canonical) revert CalldataNotCanonical();
        for (uint256 i = 0; i < INSTANCES; ++i) {
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

    /// What the caller has to compare.
    function _boundCommitments(bytes calldata proof)
        private
        pure
        returns (bytes32 input, bytes32 output, bytes32 weights)
    {
        input = _compressed(proof, 0);
        output = _compressed(proof, 1);
        weights = keccak256(proof[128:448]);
    }

    /// A point of the proof as `x` with the parity of `y` in the topmost bit.
    function _compressed(bytes calldata proof, uint256 index) private pure returns (bytes32 point) {
        assembly ("memory-safe") {
            let at := add(proof.offset, shl(6, index))
            point := or(calldataload(at), shl(255, and(calldataload(add(at, 32)), 1)))
        }
    }

    // ------------------------------------------------------------------------------------------------ transcript

    /// Each challenge is the digest of the last one's digest and of what was sent since, reduced; where nothing was sent,
    /// of the digest and one byte. Fills the registers of 1, of the challenges β, α, τ, δ and of the public inputs.
    function _readChallenges(bytes calldata proof, uint256[] calldata instances, uint256[] memory registers)
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
            calldatacopy(add(waiting, 32), instances.offset, mul(32, INSTANCES))
            calldatacopy(add(waiting, add(32, mul(32, INSTANCES))), proof.offset, mul(64, FIRST))
            mstore(buffer, keccak256(buffer, add(64, add(mul(32, INSTANCES), mul(64, FIRST)))))
            mstore(add(registers, 32), 1)
            mstore(add(registers, 64), mod(mload(buffer), r))
            for { let register := 96 } lt(register, 192) { register := add(register, 32) } {
                mstore8(waiting, 1)
                mstore(buffer, keccak256(buffer, 33))
                mstore(add(registers, register), mod(mload(buffer), r))
            }
            calldatacopy(add(registers, 192), instances.offset, mul(32, INSTANCES))

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
        }
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

    /// Gates, combined by powers of `y`, as factors of the columns that are not opened: element 0 is the sum of the terms
    /// that have only opened cells.
    /// TERMS has for each element the number of its terms (1), and of each term the gate (1), the register of its
    /// coefficient (2) and up to three evaluations (1 each; zero: none).
    function _linearize(uint256[] memory registers, uint256[] memory evaluations, uint256 y)
        private
        pure
        returns (uint256[] memory factors)
    {
        factors = new uint256[](1 + LINEAR_COLUMNS);
        uint256[] memory powers = new uint256[](GATES);
        bytes memory table = TERMS;
        assembly ("memory-safe") {
            let r := R
            powers := add(powers, 32)
            let power := 1
            for { let i := 0 } lt(i, mul(32, GATES)) { i := add(i, 32) } {
                mstore(add(powers, i), power)
                power := mulmod(power, y, r)
            }
            registers := add(registers, 32)
            evaluations := add(evaluations, 32)
            let target := add(factors, 32)
            let term := add(table, 32)
            for { let end := add(term, mload(table)) } lt(term, end) { target := add(target, 32) } {
                let next := mul(6, byte(0, mload(term)))
                term := add(term, 1)
                next := add(term, next)
                let sum := 0
                for { } lt(term, next) { term := add(term, 6) } {
                    let word := mload(term)
                    let product :=
                        mulmod(
                            mload(add(powers, and(shr(243, word), 0x1fe0))),
                            mload(add(registers, and(shr(227, word), 0x1fffe0))),
                            r
                        )
                    let cell := and(shr(219, word), 0x1fe0)
                    if cell {
                        product := mulmod(product, mload(add(evaluations, cell)), r)
                        cell := and(shr(211, word), 0x1fe0)
                        if cell {
                            product := mulmod(product, mload(add(evaluations, cell)), r)
                            cell := and(shr(203, word), 0x1fe0)
                            if cell { product := mulmod(product, mload(add(evaluations, cell)), r) }
                        }
                    }
                    sum := addmod(sum, product, r)
                }
                mstore(target, sum)
            }
        }
    }

    // --------------------------------------------------------------------------------------------------- opening

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

        _checkPairing(sum.x, sum.y, wX, P - wY);
    }

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
        return (2, Activations(K, 4, 64));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "mlp d=64 h=4 f=256 v=1024 n=4 k=13 c=5 l=5x8";
    }

    /// @inheritdoc ILayerVerifier
    function generator() external pure returns (string memory) {
        return "nanozk-evm 0.1.0";
    }

    /// @inheritdoc ILayerVerifier
    function proofLength() external pure returns (uint256) {
        return PROOF_LENGTH;
    }

    /// @inheritdoc ILayerVerifier
    function instanceCount() external pure returns (uint256) {
        return INSTANCES;
    }

    // ---------------------------------------------------------------------------------------------------- tables

    /// Commitments to the fixed columns, `x ‖ y`.
    bytes private constant FIXED =
        hex"0050715e1634251d3506edce30a45ccea27679ea283cb536625e6f19a5e14926138c61ba50ee31629f524230e064d1b2c819f853cf1599bccfe60ab341730ef8" // 0 active
        hex"1fb894641802ae628ca57eae14b09c0346d5f736eb957cfdd4d04cbca403ee282562737fcc840d2c343dd5634d963b991d15f44f2eb41ca5281fe86b095e30ae" // 1 weight rows
        hex"2e5a6cdf7f72c314df5336b13c18b11bbc1299305c6d078d5425cad07d0eed741c39e7d293433506f216dc171a19bd6c223406297d69cec48c606ec005124f46" // 2 powers_first
        hex"0005b238f2344f683c78de047512e54a795f132e485867ede7de68287e5b163e22427897c606d9a175443f86152e35856466b7465e034203ba365c9b278f177f" // 3 residual_limbs
        hex"1255bcff44f97425c5ed62216c8321f71831b67c0753c07daf11f9539278809f20be2d3c6a92d3347266a5a468724428506674d3ba78f0444bf11adaf5b8b4f4" // 4 norm_sums_first
        hex"11f6cbb3cce82de1be0bff169800ed788fe92fe4ab9c7112fcbedeb4ecbb7114131e297742e4d805d08a896a2c9d919e23ae5cd3dbfc9311733f5dc6ebabbcf7" // 5 norm_sums_next
        hex"3061f29255a878ca1cc168c6e0f0843fd80f0145e9dac0ed21f340088d4c969e1c822703ad332b14e82fbb2e60b6c9bc608c58667114011a571bca01439d69a6" // 6 norm_sums
        hex"0712dce8d6ec57712eb416c1df19560f4c38acd5fb646e526d732bfd5ef8f36816814d1dd10dee2ad4b213b519fc7f2c46fcc861f523d804d605e39ec6d26c38" // 7 norm_rest
        hex"00c73e8bf6041bb8287f2a6c8388211a6de9eda8c889ae3f2ad45ffb3545cdd20399db9a498904fa492640a7fcc378fd81b8f51dbe7d637bc2192278c977ce23" // 8 norm_copy_r
        hex"0ddbbbc8f9846a5d513f0e224d95993f2c63e544eb1359059ab325ef2456b8ad00dc4d5b7cb5a3267bb8ec006cdee06c3c9423b2f69439aeb594af6a7a8aadea" // 9 norm_copy_mean
        hex"1591ae718daf34b19a695b6eccc17ea0aa722079dd1c697fc7c9f8c3d3ab9372037d22316e1c184afc25e6ec032a2489efa8513d4e0d47c729e557782da22864" // 10 norm_carry
        hex"24a8f955982f232a21fec720f1b6b081f220f6c9f2dba0df92cbf94b4e73af61212bf097a0100ac8e76a3abae09847c2787a63a606277c7c24c2b703184fd304" // 11 norm_out
        hex"28bf53716600e04bfc528d63a36c59f6ea575dd3da88f2fc40f521de99c54d9a23449b15883a4f510ab9a5961b5bd245646afecdd1701427dcdaf657eeaacd56" // 12 activation_segment
        hex"01e3f1c92c27279ed3a86146ebfb0c2c0795d9895ede41d100e0ddff0888dcd1045dd97edb536ca9d763c1f84ba5c5cda7da9d72e838701d3711f31bfd4a0fac" // 13 fc_dot
        hex"09c50458122e3dad67c9a206fb5bb0ca1696e11c4994fa8b21664acb7d895206143460318e02efee7cf3cf11e51e3df5bae70124d7a4871c61e8774f26032a42" // 14 mlp_out_start
        hex"0920156a4926e8d7e6ad2d375b4a84dc2ca51d3b9f54ba1cb992b399b21ffa74283faa747ec9cfde60db6b62943e3e202bc5b5e6e0e07ef24c1bee3dfbae1c6a" // 15 mlp_out_dot
        hex"0eeb9e0f4756643b8f24ab39624248e6633619a9b1d41e22ad15a69a50c9dce21804a0527f0eb7db08a243d7544aa6b08b81a6fe31e9a522f248796914617b3a" // 16 tag
        hex"2fa55dc13f6216e056a570fc842e30d99949668d9314790ccf39de6f447bb4871d73cabe83185cc0505dd45cad44fa9faf6fbcd616ca6709ac5e74beb24deff2" // 17 table key
        hex"0e9c26660ef614b973f22d6a1a7441456d067781ff91ca3ffbad415b10b4a96e21e72c05bbcde1e432dec1202ed4ce79ba6a7cc061b1e89c2246966fab3ee83c" // 18 table 0
        hex"0d0aa7d115310346cec2aae985c696c39ffa130705f417319971279fa07609702efaaf431c944733d930f439f43ea8137b35593c32fe507ce14fca8900f95e24" // 19 table 1
        hex"18851c30ab4584bf67c7642bac4a170b501b337ad5bc50eddf0945c712f9fbbf0b72bb6038537f62c32c0ed82a9d85c1310e4769dad0291ba4ec32080e3dde1c" // 20 table tag
        hex"1c0b9075c51fe83decfa11f833b6ba7349b87dd157731193ee7d853431ace87925fb03250b79a2a98137b32226c96d4c778d3a120aaf98b856f326453abe2144" // 21 fold_x_run
        hex"1744533c0352120f9c5b8b056fdc2d6ca890e24555b895facebc1ff88875e11614f7a3a41c78384ce9f6075f5f34c79d265d92c3c83b7c9c7132d18c6f914ec3" // 22 fold_x_hold
        hex"18db5ae203b9e28aa90b3a1b4086bb7f476e13353da308a47128fa6ad4169749186edcd7bce2692ba6907969b4d652381b4ad1e10692c45e4a7c203302a453d8" // 23 fold_x_end
        hex"13d2dcd0a9f2001e859efacc6884ca9cab9c3353185d29b68c317aebd6b19af4099fa5fea05341761f8c908c38f460304133f956918c130c4a2c41d05fe31915" // 24 bias_one
        hex"195b074d81910a18e006858294fe1fd4cdf0472f83fedfdfec4040c864bb46360714db3b7b3a28c8e2ccf7365d37a63ca238dc2d9d79dba45f484bce4926e791" // 25 fold_w_inner
        hex"16008605bfa61e9246ca1ed733b40a8bd5ec127e8a8cd9a023ebd0acaaa9c6ca2874a92b15cde710d4e56363d3169b1ba1ee4d82930f884b01f8a4d582fab763" // 26 wide_first_2
        hex"057f3edf66a3163ac36b0f1794beb35eb973a13ffac4e7e9d401c877850c89cf0e594b7cb351228b91cfdcd5af3971628428956ef2831843cd92cb5767605e7b" // 27 wide_next_5
        hex"078b9a647696b79148de8c91e90eb6d3e73c5141bde095947dc1bbc06624bd1a01d66f0c66e9a88ccabdecde97f6cad01fd70ca8911da691349d890168edfed8" // 28 wide_first_1
        hex"16d1a6b24f89a38591ea39a4d21ae212dddcd470e45e8dad60718479ca1e6885201cc4d0df6b286f2c37726541330a57ebc7ac3ded1eb71812f5ce62f87a3287" // 29 wide_first_4
        hex"305383997b5cedd38006953ae9ab597580855c0026ac9085cf31e11cf49d59f1237e5848df279caa60448cedc2fb32fdf592389b35b5ea2e21d2e564b4241e2b" // 30 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"23c87500bbffed05b29f384309101b7df41a0e415913f7201e8141dbbd999576" // 1 ω^-568
        hex"02e40daf409556c02bfc85eb303402b774954d30aeb0337eb85a71e6373428de" // 2 ω^-512
        hex"2724713603bfbd790aeaf3e7df25d8e7ef8f311334905b4d8c99980cf210979d" // 3 ω^-256
        hex"0ddbcb372089e4499600d679c923be351e1677706049f28bfa6fc5615139693a" // 4 ω^-44
        hex"2adf4b22fcc4f0e99bba8edea34212a40500e308a767cc51b38f6d1a199a9d58" // 5 ω^-28
        hex"28771071ab1633014eae27cfc16d5ebe08a8fe2fc9e85044e4a45f82c14cd825" // 6 ω^-12
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 7 ω^-8
        hex"2afd4e77273f1cb3434a4a667929058c156b21573c3f1efc882e708597d7161a" // 8 ω^-4
        hex"10e3d295c1599ff535a1bb49f23d81aa03bd0ed25881f9ed12b179af67f67ae1" // 9 ω^1
        hex"14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f" // 10 ω^4
        hex"2ad9021ed07c42ab19f77c5cf2cbd2deb135ea330f1b1573bd08d99309c4bb7d" // 11 ω^8
        hex"1908597d2fc3bc1da312efa344e0fc8a7079300238f2ee35774f117e66fd4467" // 12 ω^12
        hex"09c532c6306b93d29678200d47c0b2a99c18d51b838eeb1d3eed4c533bb512d0" // 13 ω^256
        hex"01380b49aa24f293b77b623faf3616eb11290b47b6484d5c1e4fa5e2eb981b58" // 14 ω^564
        hex"2b337de1c8c14f22ec9b9e2f96afef3652627366f8170a0a948dad4ac1bd5e80" // 15 ω^1024
        hex"255d1a779a7a841f8d48e526867e532cbb1a60b38d2b313578c7fe242a23a21b" // 16 ω^1068
        ;

    /// Constants among the coefficients.
    bytes private constant CONSTANTS =
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000" // r7 = -1
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffff01" // r8 = -256
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff0001" // r9 = -65536
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef000001" // r10 = -2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e0f593f0000001" // r11 = -2^48
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffffc1" // r12 = -64
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593e583a53d" // r13 = -0xa7c5ac4
        hex"0000000000000000000000000000000000000000000000000000000000001000" // r14 = 4096
        hex"0000000000000000000000000000000000000000000000000000000000000080" // r15 = 128
        hex"30644e72e131a029b85045b68181585d2833e84479b9709143e1f593f0000001" // r16 = -2^98
        hex"0000000000000000000000000000000000000000000000000000000000000002" // r17 = 2
        hex"0000000000000000000000000000000000000000000000000000800080000000" // r18 = 0x800080000000
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f592f0000001" // r19 = -2^32
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f493f0000001" // r20 = -2^40
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef200081" // r21 = -0xdfff80
        hex"0000000000000000000000000000000000000000000000000000000000008000" // r22 = 32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r23 = -32769
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r24 = 2^24
        hex"0000000000000000000000000000000000000000000000000000000000010000" // r25 = 65536
        hex"0000000000000000000000000000000000000000000000000000000000000100" // r26 = 256
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r27 = -32768
        hex"0000000000000000000000000000000000000000000000000000000000400000" // r28 = 4194304
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f59370000001" // r29 = -2^31
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffe001" // r30 = -8192
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0007" // r31 = β · -1
        hex"8002_0007" // r32 = α · -1
        hex"0020_0020" // r33 = r32 + r32
        hex"8003_0003" // r34 = τ · τ
        hex"8003_0022" // r35 = τ · r34
        hex"8007_0023" // r36 = -1 · r35
        hex"8003_0007" // r37 = τ · -1
        hex"8007_0022" // r38 = -1 · r34
        hex"8002_0023" // r39 = α · r35
        hex"8002_0003" // r40 = α · τ
        hex"8002_0022" // r41 = α · r34
        hex"8002_0002" // r42 = α · α
        hex"8007_0020" // r43 = -1 · r32
        hex"8001_0001" // r44 = β · β
        hex"802c_002c" // r45 = r44 · r44
        hex"800a_002d" // r46 = -2^24 · r45
        hex"8007_002e" // r47 = -1 · r46
        hex"0018_002f" // r48 = 2^24 + r47
        hex"802d_002d" // r49 = r45 · r45
        hex"800a_0031" // r50 = -2^24 · r49
        hex"8007_0032" // r51 = -1 · r50
        hex"0030_0033" // r52 = r48 + r51
        hex"802d_0031" // r53 = r45 · r49
        hex"800a_0035" // r54 = -2^24 · r53
        hex"8007_0036" // r55 = -1 · r54
        hex"0034_0037" // r56 = r52 + r55
        hex"8031_0031" // r57 = r49 · r49
        hex"800a_0039" // r58 = -2^24 · r57
        hex"8007_003a" // r59 = -1 · r58
        hex"0038_003b" // r60 = r56 + r59
        hex"8007_002d" // r61 = -1 · r45
        hex"8007_0031" // r62 = -1 · r49
        hex"8007_0035" // r63 = -1 · r53
        hex"8007_0039" // r64 = -1 · r57
        hex"802d_0039" // r65 = r45 · r57
        hex"8007_0041" // r66 = -1 · r65
        hex"8039_0039" // r67 = r57 · r57
        hex"8043_0043" // r68 = r67 · r67
        hex"8044_0044" // r69 = r68 · r68
        hex"8045_0045" // r70 = r69 · r69
        hex"8046_0046" // r71 = r70 · r70
        hex"8004_0047" // r72 = δ · r71
        hex"0000_0001" // r73 = 1 + β
        hex"0000_002c" // r74 = 1 + r44
        hex"8049_004a" // r75 = r73 · r74
        hex"8046_004b" // r76 = r70 · r75
        hex"8048_004c" // r77 = r72 · r76
        hex"8007_004d" // r78 = -1 · r77
        hex"8007_0048" // r79 = -1 · r72
        hex"8007_004f" // r80 = -1 · r79
        hex"8004_0004" // r81 = δ · δ
        hex"8051_0051" // r82 = r81 · r81
        hex"8009_0052" // r83 = -65536 · r82
        hex"8007_0053" // r84 = -1 · r83
        hex"8019_0052" // r85 = 65536 · r82
        hex"8007_0055" // r86 = -1 · r85
        hex"801a_0052" // r87 = 256 · r82
        hex"8007_0057" // r88 = -1 · r87
        hex"8007_0052" // r89 = -1 · r82
        hex"801b_0052" // r90 = -32768 · r82
        hex"8007_005a" // r91 = -1 · r90
        hex"8004_0007" // r92 = δ · -1
        hex"8004_001a" // r93 = δ · 256
        hex"8007_005d" // r94 = -1 · r93
        hex"8004_001b" // r95 = δ · -32768
        hex"8007_005f" // r96 = -1 · r95
        hex"801c_0051" // r97 = 4194304 · r81
        hex"8007_0061" // r98 = -1 · r97
        hex"8019_0051" // r99 = 65536 · r81
        hex"8007_0063" // r100 = -1 · r99
        hex"8007_0051" // r101 = -1 · r81
        hex"801a_0051" // r102 = 256 · r81
        hex"8007_0066" // r103 = -1 · r102
        hex"8004_0051" // r104 = δ · r81
        hex"8007_0068" // r105 = -1 · r104
        hex"801a_0068" // r106 = 256 · r104
        hex"8007_006a" // r107 = -1 · r106
        hex"801d_0051" // r108 = -2^31 · r81
        hex"8007_006c" // r109 = -1 · r108
        hex"801b_0051" // r110 = -32768 · r81
        hex"8007_006e" // r111 = -1 · r110
        hex"006d_006f" // r112 = r109 + r111
        hex"801e_0068" // r113 = -8192 · r104
        hex"8007_0071" // r114 = -1 · r113
        hex"0070_0072" // r115 = r112 + r114
        hex"802d_0044" // r116 = r45 · r68
        hex"8047_0047" // r117 = r71 · r71
        hex"8074_0075" // r118 = r116 · r117
        hex"8051_0076" // r119 = r81 · r118
        hex"8007_0077" // r120 = -1 · r119
        hex"8007_0078" // r121 = -1 · r120
        hex"803d_0078" // r122 = r61 · r120
        hex"8007_007a" // r123 = -1 · r122
        hex"8068_0076" // r124 = r104 · r118
        hex"804b_0075" // r125 = r75 · r117
        hex"807c_007d" // r126 = r124 · r125
        hex"8007_007e" // r127 = -1 · r126
        hex"8007_007c" // r128 = -1 · r124
        hex"8007_0080" // r129 = -1 · r128
        hex"8007_0059" // r130 = -1 · r89
        hex"803d_0059" // r131 = r61 · r89
        hex"8007_0083" // r132 = -1 · r131
        ;

    /// Terms of the gates. The gates are:
    /// 00 powers_first: the powers start at one
    /// 01 powers_next: each power is beta times the one above
    /// 02 residual_limbs: the outgoing residual is 32-bit
    /// 03 norm_sums_first: the sums start with the first feature
    /// 04 norm_sums_next: each feature adds its value and square
    /// 05 norm_sums: the packed sums are those of the values and of the squares
    /// 06 norm_variance: d·Σx² − (Σx)² + eps
    /// 07 norm_root: r·v
    /// 08 norm_below: r²·v is at most N
    /// 09 norm_above: (r+1)²·v is more than N
    /// 0a norm_rest: the remainder of the mean is below the width
    /// 0b norm_copy_r: the copies of r start with the checked one
    /// 0c norm_copy_mean: the copies of the mean start with the checked one
    /// 0d norm_carry: all features of a position have the same r and mean
    /// 0e norm_out: the product, rounded to the normalized value
    /// 0f activation_segment: interpolates within a segment and rounds
    /// 10 logup_helper_0: the helper is the sum of two lanes' inverses
    /// 11 logup_helper_1: the helper is the sum of two lanes' inverses
    /// 12 logup_table: the helper is the last lane's inverse less the table's, times its multiplicity
    /// 13 fold_x_run: folds an input over positions
    /// 14 fold_x_hold: carries the fold
    /// 15 fold_x_end: a fold ends with its matrix
    /// 16 bias_one: the input of the bias is one
    /// 17 fold_w: folds the weights of an input over outputs
    /// 18 wide_first_2: a wide number from its limbs
    /// 19 wide_next_5: a wide number from its limbs
    /// 1a wide_first_1: a wide number from its limbs
    /// 1b wide_first_4: a wide number from its limbs
    /// 1c sum_next: the running sum takes up every equation's terms of the row
    /// 1d sum_ends: the running sum starts and ends at zero
    bytes private constant TERMS =
        hex"14" // opened cells only
        hex"01001f012900_010000012a00_100021010000_100024010300_100007010c00_100007010f00_100025012200"
        hex"100026012300_110021010000_110007011100_110007011200_120020010000_120007010400_120025010500"
        hex"120026010600_120024010700_17003c020000_170000022700_1c0007012b00_1c0000012c00"
        hex"04" // powers_first
        hex"000007000000_000000290000_1c004e000000_1c0050240000"
        hex"0a" // residual_limbs
        hex"0200000b0000_0200070c0000_0200080f0000_020009110000_02000a120000_1c00540a2900_1c00560b2900"
        hex"1c00580d2900_1c0059132900_1c005b290000"
        hex"03" // norm_sums_first
        hex"030007090000_03000b090900_0300001b0000"
        hex"04" // norm_sums_next
        hex"040007090000_04000b090900_0400071a0000_0400001b0000"
        hex"14" // norm_sums
        hex"050000140000_05000b160000_05000c190000_0500071c0000_06000d000000_06000c160000_06000e191900"
        hex"06000f191c00_0600001c1c00_0600001d0000_0700071b1d00_0700001e0000_080010000000_080000170000"
        hex"0800001b1e00_090007000000_090007170000_090007180000_0900001d0000_0900111e0000"
        hex"02" // norm_rest
        hex"0a00070c0000_0a00001b0000"
        hex"02" // norm_copy_r
        hex"0b00001b0000_0b00071f0000"
        hex"02" // norm_copy_mean
        hex"0c00001b0000_0c0007200000"
        hex"02" // norm_carry
        hex"0d00071a0000_0d00001b0000"
        hex"0c" // norm_out
        hex"0e0012000000_0e0000081b00_0e00130c0000_0e000a0d0000_0e00140f0000_0e0007110000_0e0008120000"
        hex"0e0009130000_0e0007151b00_1c005c0c2900_1c005e0f2900_1c0060290000"
        hex"0e" // activation_segment
        hex"0f0015000000_0f000a0e0000_0f00000e2300_0f0007100000_0f0008120000_0f0009130000_0f0000220000"
        hex"1c00620c2900_1c00640e2900_1c00650f2900_1c0067112900_1c0069122900_1c006b132900_1c0073290000"
        hex"02" // fc_dot
        hex"1c0079242700_1c007b262700"
        hex"02" // mlp_out_start
        hex"1c007f000000_1c0081240000"
        hex"02" // mlp_out_dot
        hex"1c0082242700_1c0084262700"
        hex"04" // fold_x_run
        hex"130016000000_130007210000_130000240000_13001f250000"
        hex"02" // fold_x_hold
        hex"140000240000_140007250000"
        hex"01" // fold_x_end
        hex"150000240000"
        hex"02" // bias_one
        hex"160017000000_160000210000"
        hex"01" // fold_w_inner
        hex"170042280000"
        hex"03" // wide_first_2
        hex"1800070c0000_1800080f0000_1800001b0000"
        hex"07" // wide_next_5
        hex"1900070c0000_1900080f0000_190009110000_19000a120000_190013130000_1900141a0000_1900001b0000"
        hex"02" // wide_first_1
        hex"1a00070c0000_1a00001b0000"
        hex"05" // wide_first_4
        hex"1b00070c0000_1b00080f0000_1b0009110000_1b000a120000_1b00001b0000"
        hex"01" // sum_ends
        hex"1d00002c0000"
        hex"01" // weight 0
        hex"170007020000"
        hex"01" // weight 1
        hex"17003d020000"
        hex"01" // weight 2
        hex"17003e020000"
        hex"01" // weight 3
        hex"17003f020000"
        hex"01" // weight 4
        hex"170040020000"
        hex"02" // multiplicity
        hex"120000011300_12002b010000"
        hex"0b" // helper 0
        hex"100023030f00_100027030000_1000000c0f00_1000020c0000_1000030f2200_1000220f2300_1000020f0000"
        hex"100028220000_100029230000_10002a000000_1c0007000000"
        hex"05" // helper 1
        hex"110000111200_110002110000_110002120000_11002a000000_1c0007000000"
        hex"0b" // helper 2
        hex"120000041300_120002040000_120003051300_120028050000_120022061300_120029060000_120023071300"
        hex"120027070000_120002130000_12002a000000_1c0007000000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"10_01_00" // tag at 0
        hex"11_01_00" // table key at 0
        hex"12_01_00" // table 0 at 0
        hex"13_01_00" // table 1 at 0
        hex"14_01_00" // table tag at 0
        hex"1f_03_020300" // input at -512, -256, 0
        hex"20_01_00" // output at 0
        hex"26_03_000d0f" // lane 0 at 0, 256, 1024
        hex"27_02_000f" // lane 1 at 0, 1024
        hex"28_01_00" // lane 2 at 0
        hex"29_01_00" // lane 3 at 0
        hex"2a_01_00" // lane 4 at 0
        hex"2b_0d_01020405060708000a0b0c0e10" // aux at -568, -512, -44, -28, -12, -8, -4, 0, 4, 8, 12, 564, 1068
        hex"2c_01_00" // x at 0
        hex"2d_01_00" // partner 0 at 0
        hex"2e_01_00" // partner 1 at 0
        hex"30_03_00090a" // fold x at 0, 1, 4
        hex"31_02_0009" // fold w at 0, 1
        hex"32_02_0009" // powers at 0, 1
        hex"33_02_0009" // sum at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"0a5061c5421110aa59782e0948be4e0ca171054b5330ae8495b2528a2afdaeb2" // input at -512
        hex"1c1917d03b4f0e405010cf6c1e6ebb479b445f716bcbdba631796b3745c6388d" // input at -256
        hex"09fad4dd63d1813f0ec748411a544f08eb7e838bbabce6667cb637d27f3c18c2" // input at 0
        hex"1898d8057e0af2bf71788dae7a75c93272328e713a6f4288710b4fd772751f0e" // lane 0 at 0
        hex"107784296a8988b3c434ea4d280dd2cbb5ee466824d8d4a2e747d3260e43ffbd" // lane 0 at 256
        hex"0753f243f89d24b682a2cdbadefdbc5f0013136f1a715965eb8ed2966f46e136" // lane 0 at 1024
        hex"24465aa1893d54777af620ad52c80926476dc4d85a11ab501646ec0824ba1d0e" // lane 1 at 0
        hex"0c1df3d157f44bb23d5a25092eb94f36e0c623701fa7c5412d9b098bcb45e2f3" // lane 1 at 1024
        hex"2a74cd9eb9ef0c86c6ee97388675127a26f6b97e18c74e5d6db07f43afea69d1" // aux at -568
        hex"1c7c81e1791a2b7e82bc21c5cd0f6a73858da24474a1e077ae69ae92317d1088" // aux at -512
        hex"28efa0ab525e894fffa2f0a039c64b7fcf83955dd6a12875f7f40dd3339db897" // aux at -44
        hex"299afddf9507b176fb617dbb759ed8d2608a4bf2fd698b92d6f9350ae87409b2" // aux at -28
        hex"1f106a020e149332dfd51cdfd47dc3a0a3f26d1744d2c477935a64fb01f58cc8" // aux at -12
        hex"18d209d4994f167a2ba7076b684bb2f39bf2eb08bf067e7cdee5ff01f1430607" // aux at -8
        hex"0767ea239c5cbdac69e679d4d7c3583662a9ea066729c9ea83bd85273708d14d" // aux at -4
        hex"2d11ef0515500cd8d809dd6176ce4173f887c9e6300db7539424f7a38bc3e670" // aux at 0
        hex"0b42201765e47168a14947cbf6696761f67cb089644a8c082b40098a54efca14" // aux at 4
        hex"14996ab3500ad105859b3a0b21b576003028b5e7a56b570cf465c9eb5bddb22b" // aux at 8
        hex"03e13f9cf146dd6aa669f304f5ab06986c31fd5320a6324cc7b19b8ff2643d24" // aux at 12
        hex"28ec38ef3488abc26e0a895f72ffce0e1aa3f2cd5d57a4eeca3fbea2304141c5" // aux at 564
        hex"003ce6c2d91cae8a3cbd46e67b7b0704f446ba49cfd9b297b46c37e8090e7db1" // aux at 1068
        hex"0d3a84d64d544c7dc3b3795348f8650520586fe9810f33502721c92f1cd193bc" // fold x at 0
        hex"07a8cb817de62bc84c71e0c7cf347414fb7ad56343df6c347acc4eef9b905f8f" // fold x at 1
        hex"1b80fe1b15f727e3a82aeb9b69547f430c60a2fbb4cad10ca1f3dd75379e0cb6" // fold x at 4
        hex"2d19dc6e7a312123a624d9d7e774af33efb6ac66d391da8dc428121446767ab8" // fold w at 0
        hex"034a720467007f06122b6bde9a0ca929387d3be1a62796037fb9e37fa9898549" // fold w at 1
        hex"2d19dc6e7a312123a624d9d7e774af33efb6ac66d391da8dc428121446767ab8" // powers at 0
        hex"034a720467007f06122b6bde9a0ca929387d3be1a62796037fb9e37fa9898549" // powers at 1
        hex"2d19dc6e7a312123a624d9d7e774af33efb6ac66d391da8dc428121446767ab8" // sum at 0
        hex"034a720467007f06122b6bde9a0ca929387d3be1a62796037fb9e37fa9898549" // sum at 1
        ;

    /// Columns that are not opened.
    bytes private constant LINEAR =
        hex"02" // 01 powers_first
        hex"03" // 02 residual_limbs
        hex"04" // 03 norm_sums_first
        hex"05" // 04 norm_sums_next
        hex"06" // 05 norm_sums
        hex"07" // 06 norm_rest
        hex"08" // 07 norm_copy_r
        hex"09" // 08 norm_copy_mean
        hex"0a" // 09 norm_carry
        hex"0b" // 0a norm_out
        hex"0c" // 0b activation_segment
        hex"0d" // 0c fc_dot
        hex"0e" // 0d mlp_out_start
        hex"0f" // 0e mlp_out_dot
        hex"15" // 0f fold_x_run
        hex"16" // 10 fold_x_hold
        hex"17" // 11 fold_x_end
        hex"18" // 12 bias_one
        hex"19" // 13 fold_w_inner
        hex"1a" // 14 wide_first_2
        hex"1b" // 15 wide_next_5
        hex"1c" // 16 wide_first_1
        hex"1d" // 17 wide_first_4
        hex"1e" // 18 sum_ends
        hex"21" // 19 weight 0
        hex"22" // 1a weight 1
        hex"23" // 1b weight 2
        hex"24" // 1c weight 3
        hex"25" // 1d weight 4
        hex"2f" // 1e multiplicity
        hex"34" // 1f helper 0
        hex"35" // 20 helper 1
        hex"36" // 21 helper 2
        ;
}
