// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `attention d=128 h=4 f=512 v=1024 n=32 k=16 c=2 l=5x8`
/// @notice Verifying key 0x22a4185b7f52267bc2349dbf331998de582ad5046bfdfb7e014f748da59605ed
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract TinyGpt2Attention is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 16;
    /// Public inputs.
    uint256 private constant INSTANCES = 2;
    /// First-phase commitments, among them: input, output, 2 of weights.
    uint256 private constant FIRST = 13;
    /// Second-phase commitments.
    uint256 private constant SECOND = 9;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 71;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 1536;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 3808;
    uint256 private constant PROOF_LENGTH = 3936;

    uint256 private constant GATES = 58;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 53;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 22;
    uint256 private constant LINEAR_COLUMNS = 53;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 23;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 7;
    uint256 private constant SCALARS_AT = 38;
    uint256 private constant REGISTERS = 177;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0x22a4185b7f52267bc2349dbf331998de582ad5046bfdfb7e014f748da59605ed;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x22a4185b7f52267bc2349dbf331998de582ad5046bfdfb7e014f748da59605ed;
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
        weights = keccak256(proof[128:256]);
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
        return (1, Activations(K, 32, 128));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "attention d=128 h=4 f=512 v=1024 n=32 k=16 c=2 l=5x8";
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
        hex"12ff31883eae8883445e21badeea91f9110396f7956f1f39c7894f97a556d5330fcfb992ee50509ff449cbd6b047ae56e7b350fbcb5cf8470d889463220d2167" // 0 active
        hex"213b2a14bcdc92143fc3b2a9d4acae272aad502cc0526c6381e0b9dec4f7e1f0135f79453a45d08b8cd08b9e0b202e01dc831d8c53520264312e638674220051" // 1 weight rows
        hex"17637eff97823bdeb323bd05233a5d700b00f74c035d53c2447844623ee42cdb23d1e49808327429b8dc213021d5af9c04a72a72a31484e0501bfa7f51429e80" // 2 powers_first
        hex"15386361dfbea3d85ab6288bc27efe67f3c020abad59096305d841386e07c90f0c736b07c987447c729dbac15cb6db4ebc6c7ccf2e167d1d4ebf4b003e260b44" // 3 residual_limbs
        hex"203ce6a219a4a712b9c1d6f2698115848ec4110e92ec18e1d126d1eaee466ac21a03040b5f126b75a2d60fd8b5a2a1814489bec5cb4ccb42c8137b43fd659cbf" // 4 norm_sums_first
        hex"03aeaea990ea69d325b2d5795627fb11369c47c1cc0971becafe5a7ab42974e90a1bdc6ae7a14c46bfa6c5ae8523e201690d5796550a47706c05850954ea3e4c" // 5 norm_sums_next
        hex"2b437c4ea4372dd1129fbd5f996f4b678f24e105d2bfac3bd53d41bc29348e9d091eac0e04ea0ae2e31aff619c47f6f23813308156687ada18e4132531943080" // 6 norm_sums
        hex"280250589229f0f10666a774882ba8fa0d2ded1ad50ce8b1d008be4773e25a0b0c76f3d50ccb51a66c4eb3b7c4a9345927fc06127156e683e5d75dd350fc66f8" // 7 norm_rest
        hex"0cd2584b763426c11256092047ad5437f33c4ec3d1f28e517143656a4c006d6a1b7c560de72aeb31e5ccb3debbe63f05cc7a3d77a39aad24ac2c2d4ba2f49170" // 8 norm_copy_r
        hex"1c809d67536cbc097853e15ec6cfdb60dedd23b390e176a61ccd69864d9fdb4121016b5a821b5bcfc3f93dc547ea9a3664d09c02f0117a9a75facc7f85327f82" // 9 norm_copy_mean
        hex"180781973dee6e8e3fcd1a548b9ae328be773ffab282fc83f67469d38a96a60c04ad4baf1799a87694aab68bfaa6e8adf326eedb77859e479818215831029023" // 10 norm_carry
        hex"1e7bf4385151064b9abc06770b83f1a8672d926a36c15b04b9d5c6f1b9a75e36276b6cb374dea03d0de39523e6af18285b9f9dbe0165b27d063c9da8836b71e3" // 11 norm_out
        hex"27adb508bcca918a75fa73b4b47d50dc3ec281c05c2ffb618ed40850192b17b70729eb8257ae10373f7a46fa71752aab67e1b06d091a053366a4d5da945bda1f" // 12 exp_product
        hex"214239aa0e86332c975f072056f1409e93ccd40cc9baeca0083bd58eeb554fb4063c9f7d0e85da4fb0c75654ca96796eab5db91ef0609f2e7320fb3be6bf87d9" // 13 far_masked
        hex"2afe9d9d8e35e568dd3f822a68f60621703839cfca990605f8abe93fbe763fa625a020a5b38c39fadd7f3ff588f613f7b24db883d755cbd246a31adf1cebbbc7" // 14 row_sum_first
        hex"2af422b2c12fdf5c538026ea2551bca850072a3a6f6b37c9cd309fffa05b9f461616a4383cbf497dfd856bc5e1ece00d9d94787a12657cd82029ea63fe0a02ed" // 15 row_sum_next
        hex"293120dcd6271c75a6dc75a6a7dbe5f1e7084917e394a706a19da859529f4db31f771dcbebd628eef70782e45a38c7c55da451449d4211ff494aa9a126b116d8" // 16 row_carry
        hex"0ee734b5e2dc5fe2812febe5ef5ca1ce8775f26f32b95fb3580a786213eb07ee28ce206ca1d9bc0b8cf996d70844ae0b178124ce531b3f90056920965f1739c1" // 17 row_recip
        hex"16671546860470f789e90dc915689806d2e8ab3b2b0331ad99cfc45759c0339c0c42b9d838981774daaef2b25eed51174090e976ad4d577c1305561ee77f394a" // 18 head_first
        hex"1fdfef4553533c88aa3b750decb71e8324aa8d05ed128ce5e468d37d604164a408eb04ea500abb11cbdd9bc0f564da68efb701edd28389908e13b7573e7ef091" // 19 head_same
        hex"16a124be948e0dc5bebf727a6675d40da919be6e62c81ebcf87ec8baf8a8fd2a2c64e647480414f508abb4df492ebcbba0fec89f848bc7d7465f110fbca5ed40" // 20 head_next_q
        hex"18cbd36032785ab8f39dcde61d2a0277665a46c7a8c31202b1c5b002bf620b601cbd1e46db6dab3394bd2fbb5295846190da453ed17d010a8999ede0fa2dd97a" // 21 head_next_s
        hex"1a060cd1e62b6f91e7dcb8dcbf294a6edebb3e2ba2b1f284e17cacdb30fd99ff21d2c2eea1917d4ffb1cc5482f6d5fe7a681d42b45434eae2e66a53cced32b33" // 22 fold_q
        hex"11a4556c749602c8a5f215c0c9cfdc19f9b6060e3864a94ffabc1886726d59842d586b1839cb001f06acb0e84624d047c0980a6c9ef87d566dd73ea4bfa5bfc5" // 23 fold_q_last
        hex"1894a378a83f503403c65386cba77d313d3ed40bf0c8f4faa01acc852495c32a189cbdb7c745225fbf94ae1b8e08520f740f5364d3c9a15298c6f8606efc9a7f" // 24 fold_k
        hex"0a9be33abc3791835eb95d905d6e791fcdb315eb20c2d6dc97a172bcc9ef98e0106a484bb5cce535cbd9cbe30f9cdde1f59a3c9987089a5fe79e0c46411bf30d" // 25 fold_k_last
        hex"025c904de97e406b2a080b2c95299eefd41831baae75571dd3a5a1379861eede24c7e34472538a587656d8c5464d843f09a1b27935fa2e387f9ed640864f4ee7" // 26 fold_v
        hex"1ae6f14ba89a4f1fbd767308ff93eaa6f8cfe34b77399f429ef88866c4ff7d191fdbe6c0a152242b2fb445427cd7fd2088e6217410c10087df36872206dcd8e5" // 27 fold_v_last
        hex"0f1844a67a48026f0786d45cf5c1c4a4a29b9c3d2a6f680f59db7a6441440ad509b095299c9baf7cf80172db7f996babc2191dc2e292731ebf9ff0fc6937c73f" // 28 fold_p
        hex"232b3dc0ed330182a7097b7eb0c75744e334e7e732980ed5216b2c98e72ce7b20ee84cec6a6f99f924b1570a03cc376515fc231c6f2f9909d62b8f4dd4684cfd" // 29 fold_p_last
        hex"0983b9eb3d25b08ca6b2e87ae4f9e28e4d931a21e4d98244a17eccde060e53c803b368bab049424ecefc53df6fa03aaf853b4670deb8b5d0cf3bf59ee217bbf7" // 30 qk_dot
        hex"1c15fd85e300b9d9534e7a3dcc3864fd38746707bc09846042f5435d0dc27764010570c603cdaece57a07fb8b0411aecc22871cadc18d6e818b1571482e42b7e" // 31 context
        hex"207800ba4f36912726318570d45c540b9212407de08116df1e83f984c7c1c00c0637e29acc2c4888152eeafb0711911a5c161d76da0908955db8eae7a5ee2476" // 32 pv_dot
        hex"13ddc94c368ad24e92f18c32499462a08a65a754f69826c2e01608abb4c0cadc1728dc5338b7131760674c58822cfaeb8cfcdb29ddf93237f557e23b345b79e8" // 33 qkv_dot
        hex"089bdb95db0dc6ad5c5a5930e0ce91e46d9c55601ffc2e8a4c4b5546868b66a32d9e6ba0743884c6600254a55856fa04535a7b815021d31b9e43e7cb5a0d1327" // 34 qkv_output
        hex"100af91886759dd9a3bbfc0f74f9a27318f43c13f3d73156c379e35fad4117c01074361231e39ce50ce6621d6f13553b4b1cc17713c19edd3471db647b113876" // 35 attn_out_start
        hex"0702e091f014f311aa778869086a723e1a76e41c9a06c9263280388067c740b2078bf8994b3f7c8899712f67253f88986248dba65a9e7e739eac366e32c067bb" // 36 attn_out_dot
        hex"203e37ac067850627e3a753b8a6e2c1c2cc21172cc980f0eea4935b08f5dc53b0836664c59acb8a974633ee024a81c75f0f731ada54c220c45fbdde1a95dad04" // 37 tag
        hex"1c10baee00c164ae83d07ccf6578580ee1f23520f4d588bc5933b83d19aa29782c523e49fb34a8d257d761cb2dee464f6f58b151dd268a3d9b10115289a54270" // 38 table key
        hex"1d24cee535877e067a0303fce1131f152481f041e79dda9b2c8c1dce827434ea24b8b98eac08e06e0fb9b163e1f094e7af61fac500390f3f36a3daefea94a282" // 39 table 0
        hex"111ad9a9f33ff9012c3df8e0287119009fa067b313f9d9aace62507d7c48168301bfa543494d9716ea81f7470b869c6f8ccffbdae960069652dbbfdb210a254e" // 40 table tag
        hex"15c8bcbc8e05a91cc1b93f53e366bf65ceed1b2dbefa701b8707e848a031b09e0c869540f45a4a619516c19e905cfc20bde40e5f16233ff8e18383538c853569" // 41 fold_x_run
        hex"03cb764ef4e02b4ca88aaa91870b574f214d5e598035a8e64ac223418907b5ca1076eaceeda24a013235fedf778abca5ccbc5fc6b24d3d7c8346ab04eb881337" // 42 fold_x_hold
        hex"285bef5ebd7621f449787ec6e58172bd6a221d4519d80fdb470ca361b0d857591c5467b4b8e1e236bcc5713f77eb9671aba3be05c961ef78566d950a266fa0e4" // 43 fold_x_end
        hex"03a29744de41ca63bb72e410c64b60c5c6abf970d250b01b24c48a7f4a3bbc892d96280ddeb24e15daaadef82df00df5ad23540043d0ae564b81826f78866b70" // 44 bias_one
        hex"148b473a5ae536f8919500665e1ee511930248e7813a01b935c289feb77167b80c0b5fc8fed7fe8f9ee4c2b9d1fa6772b8ced3728cfc6d6eceec352ad82386da" // 45 fold_w_inner
        hex"163b0abdf39e03630946ba51d8230c19284b600751774bfabd1b3679a3c8c2bf0956b65b2af502c89b33e4ef5627a77fdd977e3bb8cfff71362e6c77ad78b62e" // 46 fold_w_jump_64
        hex"29cb473cc1d75282243a1a0a20e6e0c8b90678529608d886d42f6dec628fe68d1a105abff0e7c9a53cbd2bce1e72e49dd1c5ab22bdf2735a8c04783786ebd828" // 47 wide_first_2
        hex"1cdd7c20413d2808d88e1571751284debaa08ca80876182a77656c2169db96db1079ca3294e4c5fe891706e6eff5322fbf15b85a5e90492fa0cb9e835704b429" // 48 wide_next_5
        hex"00a25d898849692d6ab16b2f888e09ec878fb0da1da9a3c7eede885e80e311ec07093f3636c1713e355d2a4287204532b9d7c7fe449a76dcdafb0caecd75f8dd" // 49 wide_first_1
        hex"13bb41afd4997ebe4b6b9d3c6597097d5f8b8308b29f45b6a0e43e3893ae42a42e2bef0e745fc1cfed4b275d4dba8d30ccf61662413f225bebe01b6b4e92de27" // 50 wide_first_4
        hex"17179c3424837808ff5a58981aae869eac903150c40f7cd6deef3c7ccdb9fe13084391f315dfcff5bde38ec166f50f0aba2f026a12cf620b8db57aa3c1493c56" // 51 wide_first_5
        hex"2fa321a16531c30ae14d94bd7465a121f2bfc2a037285439f556ca1a9b24726d10b5faea31204a513110e8e893fa3015df737e2f3f45c8a511e2578445df8cd8" // 52 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"1c2a89b08becefb96e8598894f38528832856f87946f7d4c4ed8ab2f3b5b5c24" // 1 ω^-16353
        hex"0dd360411caed09700b52c71a6655715c4d558439e2d34f4307da9a4be13c42e" // 2 ω^-12288
        hex"0be2be1d0104636e2a98f9461a711c3d0e7b9ba309df59b9a2280387e8408a69" // 3 ω^-8640
        hex"130b17119778465cfb3acaee30f81dee20710ead41671f568b11d9ab07b95a9b" // 4 ω^-8192
        hex"02e40daf409556c02bfc85eb303402b774954d30aeb0337eb85a71e6373428de" // 5 ω^-4096
        hex"0ddbcb372089e4499600d679c923be351e1677706049f28bfa6fc5615139693a" // 6 ω^-352
        hex"2adf4b22fcc4f0e99bba8edea34212a40500e308a767cc51b38f6d1a199a9d58" // 7 ω^-224
        hex"28771071ab1633014eae27cfc16d5ebe08a8fe2fc9e85044e4a45f82c14cd825" // 8 ω^-96
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 9 ω^-64
        hex"2afd4e77273f1cb3434a4a667929058c156b21573c3f1efc882e708597d7161a" // 10 ω^-32
        hex"0cf312e84f2456134e812826473d3dfb577b2bfdba762aba88b47b740472c1f0" // 11 ω^-1
        hex"09d2cc4b5782fbe923e49ace3f647643a5f5d8fb89091c3ababd582133584b29" // 12 ω^1
        hex"2b7ddfe4383c8d806530b94d3120ce6fcb511871e4d44a65f0acd0b96a8a942e" // 13 ω^2
        hex"211d854c06293d951277abcfed1c9468dce16248f5b11c0aae9a4b30c2ce5ad8" // 14 ω^3
        hex"14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f" // 15 ω^32
        hex"2ad9021ed07c42ab19f77c5cf2cbd2deb135ea330f1b1573bd08d99309c4bb7d" // 16 ω^64
        hex"1908597d2fc3bc1da312efa344e0fc8a7079300238f2ee35774f117e66fd4467" // 17 ω^96
        hex"21082ca216cbbf4e1c6e4f4594dd508c996dfbe1174efb98b11509c6e306460b" // 18 ω^4096
        hex"2b337de1c8c14f22ec9b9e2f96afef3652627366f8170a0a948dad4ac1bd5e80" // 19 ω^8192
        hex"00d58a50a9855fa9109a4372dd4eff610aa93a43220dda60a489d87dd633bf56" // 20 ω^8608
        hex"107aab49e65a67f9da9cd2abf78be38bd9dc1d5db39f81de36bcfa5b4b039043" // 21 ω^12288
        hex"304cf17628d601fb3c6eb3bf34fe9dae9e04f1f7be19d2662698087bfbc6be3c" // 22 ω^16736
        ;

    /// Constants among the coefficients.
    bytes private constant CONSTANTS =
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000" // r7 = -1
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffff01" // r8 = -256
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff0001" // r9 = -65536
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef000001" // r10 = -2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e0f593f0000001" // r11 = -2^48
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffff81" // r12 = -128
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593c60e94ef" // r13 = -0x29f16b12
        hex"0000000000000000000000000000000000000000000000000000000000004000" // r14 = 16384
        hex"0000000000000000000000000000000000000000000000000000000000000100" // r15 = 256
        hex"30644e72e131a029b85045b68181585d2833e83879b9709143e1f593f0000001" // r16 = -2^100
        hex"0000000000000000000000000000000000000000000000000000000000000002" // r17 = 2
        hex"0000000000000000000000000000000000000000000000000000800080000000" // r18 = 0x800080000000
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f592f0000001" // r19 = -2^32
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f493f0000001" // r20 = -2^40
        hex"0000000000000000000000000000000000000000000000000000000000008000" // r21 = 32768
        hex"0000000000000000000000000000000000000000000000000000000000010000" // r22 = 65536
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r23 = 2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709043e1f593f0000001" // r24 = -2^64
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e0f594f0000001" // r25 = -0xffff00000000
        hex"30644e72e131a029b85045b68181585d2833e84879b9709043e1f593f0000000" // r26 = -0x10000000000000001
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f59370000001" // r27 = -2^31
        hex"0000000000000000000000000000000000000000000000000000000080000000" // r28 = 2^31
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r29 = -32769
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r30 = -32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efe00001" // r31 = -2097152
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffe001" // r32 = -8192
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593d0000001" // r33 = -2^29
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f573f0000001" // r34 = -2^37
        hex"0000000000000000000000000000000000000000000000000000000000002000" // r35 = 8192
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effff001" // r36 = -4096
        hex"0000000000000000000000000000000000000000000000000000020000000000" // r37 = 2^41
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0007" // r38 = β · -1
        hex"8001_0001" // r39 = β · β
        hex"8027_0027" // r40 = r39 · r39
        hex"8028_0028" // r41 = r40 · r40
        hex"8029_0029" // r42 = r41 · r41
        hex"802a_002a" // r43 = r42 · r42
        hex"802b_002b" // r44 = r43 · r43
        hex"802c_002c" // r45 = r44 · r44
        hex"802d_002d" // r46 = r45 · r45
        hex"802e_002e" // r47 = r46 · r46
        hex"802f_002f" // r48 = r47 · r47
        hex"8007_0030" // r49 = -1 · r48
        hex"8007_002b" // r50 = -1 · r43
        hex"8002_0007" // r51 = α · -1
        hex"0033_0033" // r52 = r51 + r51
        hex"8003_0003" // r53 = τ · τ
        hex"8007_0035" // r54 = -1 · r53
        hex"8003_0007" // r55 = τ · -1
        hex"8002_0035" // r56 = α · r53
        hex"8002_0003" // r57 = α · τ
        hex"8002_0002" // r58 = α · α
        hex"8007_0033" // r59 = -1 · r51
        hex"800a_002b" // r60 = -2^24 · r43
        hex"8007_003c" // r61 = -1 · r60
        hex"0017_003d" // r62 = 2^24 + r61
        hex"8007_002c" // r63 = -1 · r44
        hex"8004_0004" // r64 = δ · δ
        hex"8004_0040" // r65 = δ · r64
        hex"8030_0030" // r66 = r48 · r48
        hex"8042_0042" // r67 = r66 · r66
        hex"8043_0043" // r68 = r67 · r67
        hex"8041_0044" // r69 = r65 · r68
        hex"0000_0001" // r70 = 1 + β
        hex"0000_0027" // r71 = 1 + r39
        hex"8046_0047" // r72 = r70 · r71
        hex"0000_0028" // r73 = 1 + r40
        hex"8048_0049" // r74 = r72 · r73
        hex"0000_0029" // r75 = 1 + r41
        hex"804a_004b" // r76 = r74 · r75
        hex"0000_002a" // r77 = 1 + r42
        hex"804c_004d" // r78 = r76 · r77
        hex"8043_004e" // r79 = r67 · r78
        hex"8045_004f" // r80 = r69 · r79
        hex"8007_0050" // r81 = -1 · r80
        hex"8007_0045" // r82 = -1 · r69
        hex"8007_0052" // r83 = -1 · r82
        hex"8040_0040" // r84 = r64 · r64
        hex"8040_0054" // r85 = r64 · r84
        hex"8009_0055" // r86 = -65536 · r85
        hex"8007_0056" // r87 = -1 · r86
        hex"8016_0055" // r88 = 65536 · r85
        hex"8007_0058" // r89 = -1 · r88
        hex"800f_0055" // r90 = 256 · r85
        hex"8007_005a" // r91 = -1 · r90
        hex"8007_0055" // r92 = -1 · r85
        hex"801e_0055" // r93 = -32768 · r85
        hex"8007_005d" // r94 = -1 · r93
        hex"8007_0041" // r95 = -1 · r65
        hex"800f_0041" // r96 = 256 · r65
        hex"8007_0060" // r97 = -1 · r96
        hex"801e_0041" // r98 = -32768 · r65
        hex"8007_0062" // r99 = -1 · r98
        hex"8004_000f" // r100 = δ · 256
        hex"8007_0064" // r101 = -1 · r100
        hex"8004_001f" // r102 = δ · -2097152
        hex"8007_0066" // r103 = -1 · r102
        hex"8004_0020" // r104 = δ · -8192
        hex"8007_0068" // r105 = -1 · r104
        hex"8004_0007" // r106 = δ · -1
        hex"8004_0021" // r107 = δ · -2^29
        hex"8007_006b" // r108 = -1 · r107
        hex"8004_0022" // r109 = δ · -2^37
        hex"8007_006d" // r110 = -1 · r109
        hex"8004_0023" // r111 = δ · 8192
        hex"8007_006f" // r112 = -1 · r111
        hex"8004_0024" // r113 = δ · -4096
        hex"8007_0071" // r114 = -1 · r113
        hex"8004_0025" // r115 = δ · 2^41
        hex"8007_0073" // r116 = -1 · r115
        hex"802b_002f" // r117 = r43 · r47
        hex"8043_0075" // r118 = r67 · r117
        hex"8044_0076" // r119 = r68 · r118
        hex"8044_0044" // r120 = r68 · r68
        hex"8077_0078" // r121 = r119 · r120
        hex"8004_0079" // r122 = δ · r121
        hex"8007_007a" // r123 = -1 · r122
        hex"8007_007b" // r124 = -1 · r123
        hex"8016_0040" // r125 = 65536 · r64
        hex"8007_007d" // r126 = -1 · r125
        hex"8004_0054" // r127 = δ · r84
        hex"8007_007f" // r128 = -1 · r127
        hex"007e_0080" // r129 = r126 + r128
        hex"8017_0040" // r130 = 2^24 · r64
        hex"8007_0082" // r131 = -1 · r130
        hex"800f_007f" // r132 = 256 · r127
        hex"8007_0084" // r133 = -1 · r132
        hex"0083_0085" // r134 = r131 + r133
        hex"8007_0040" // r135 = -1 · r64
        hex"800f_0040" // r136 = 256 · r64
        hex"8007_0088" // r137 = -1 · r136
        hex"801b_0040" // r138 = -2^31 · r64
        hex"8007_008a" // r139 = -1 · r138
        hex"801e_0040" // r140 = -32768 · r64
        hex"8007_008c" // r141 = -1 · r140
        hex"008b_008d" // r142 = r139 + r141
        hex"801e_007f" // r143 = -32768 · r127
        hex"8007_008f" // r144 = -1 · r143
        hex"008e_0090" // r145 = r142 + r144
        hex"8075_0078" // r146 = r117 · r120
        hex"8078_0078" // r147 = r120 · r120
        hex"8092_0093" // r148 = r146 · r147
        hex"8040_0094" // r149 = r64 · r148
        hex"8007_0095" // r150 = -1 · r149
        hex"8007_0096" // r151 = -1 · r150
        hex"8054_0092" // r152 = r84 · r146
        hex"8007_0098" // r153 = -1 · r152
        hex"8007_0099" // r154 = -1 · r153
        hex"8032_0099" // r155 = r50 · r153
        hex"8007_009b" // r156 = -1 · r155
        hex"8016_0054" // r157 = 65536 · r84
        hex"8007_009d" // r158 = -1 · r157
        hex"8017_0054" // r159 = 2^24 · r84
        hex"8007_009f" // r160 = -1 · r159
        hex"8007_0054" // r161 = -1 · r84
        hex"800f_0054" // r162 = 256 · r84
        hex"8007_00a2" // r163 = -1 · r162
        hex"801b_0054" // r164 = -2^31 · r84
        hex"8007_00a4" // r165 = -1 · r164
        hex"801e_0054" // r166 = -32768 · r84
        hex"8007_00a6" // r167 = -1 · r166
        hex"00a5_00a7" // r168 = r165 + r167
        hex"807f_0094" // r169 = r127 · r148
        hex"804f_00a9" // r170 = r79 · r169
        hex"8007_00aa" // r171 = -1 · r170
        hex"8007_00a9" // r172 = -1 · r169
        hex"8007_00ac" // r173 = -1 · r172
        hex"8007_005c" // r174 = -1 · r92
        hex"8032_005c" // r175 = r50 · r92
        hex"8007_00af" // r176 = -1 · r175
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
    /// 0f exp_product: the exponential of both bytes, rounded
    /// 10 far: a bit
    /// 11 far_zero: not far: below 2^16
    /// 12 far_masked: masked positions are far
    /// 13 exp_used: no weight if far
    /// 14 top: a bit
    /// 15 top_zero: a marked score is the maximum
    /// 16 top_masked: a masked score is not marked
    /// 17 row_sum_first: a row's sum starts
    /// 18 row_sum_next: and takes up each position
    /// 19 row_carry: reciprocal and maximum do not change along a row
    /// 1a row_recip: the reciprocal used is the ranged one
    /// 1b row_divide: reciprocal times sum, up to the slack
    /// 1c row_remainder: the slack is below the sum
    /// 1d row_max: the maximum used is the ranged one
    /// 1e probability: exponential times reciprocal, rounded
    /// 1f head_first: the first head has weight one
    /// 20 head_same: all rows of a head have its weight
    /// 21 head_next_q: the next head has the next power
    /// 22 head_next_s: the next head has the next power
    /// 23 fold_q: folds
    /// 24 fold_q_last: a fold starts with its last element
    /// 25 fold_k: folds
    /// 26 fold_k_last: a fold starts with its last element
    /// 27 fold_v: folds
    /// 28 fold_v_last: a fold starts with its last element
    /// 29 fold_p: folds
    /// 2a fold_p_last: a fold starts with its last element
    /// 2b logup_helper_0: the helper is the sum of two lanes' inverses
    /// 2c logup_helper_1: the helper is the sum of two lanes' inverses
    /// 2d logup_table: the helper is the last lane's inverse less the table's, times its multiplicity
    /// 2e fold_x_run: folds an input over positions
    /// 2f fold_x_hold: carries the fold
    /// 30 fold_x_end: a fold ends with its matrix
    /// 31 bias_one: the input of the bias is one
    /// 32 fold_w: folds the weights of an input over outputs
    /// 33 wide_first_2: a wide number from its limbs
    /// 34 wide_next_5: a wide number from its limbs
    /// 35 wide_first_1: a wide number from its limbs
    /// 36 wide_first_4: a wide number from its limbs
    /// 37 wide_first_5: a wide number from its limbs
    /// 38 sum_next: the running sum takes up every equation's terms of the row
    /// 39 sum_ends: the running sum starts and ends at zero
    bytes private constant TERMS =
        hex"12" // opened cells only
        hex"010026014200_010000014300_2b0034010000_2b0036010300_2b0007010b00_2b0007010f00_2b0037013500"
        hex"2c0034010000_2c0007011300_2c0007011700_2d0033010000_2d0007010400_2d0037010500_2d0036010600"
        hex"32003e020000_320000023b00_380007014400_380000014500"
        hex"04" // powers_first
        hex"000007000000_000000420000_380051000000_380053380000"
        hex"0a" // residual_limbs
        hex"0200000a0000_0200070b0000_0200080f0000_020009130000_02000a170000_380057094200_3800590a4200"
        hex"38005b0c4200_38005c1b4200_38005e420000"
        hex"03" // norm_sums_first
        hex"030007080000_03000b080800_030000290000"
        hex"04" // norm_sums_next
        hex"040007080000_04000b080800_040007270000_040000290000"
        hex"14" // norm_sums
        hex"050000210000_05000b230000_05000c260000_0500072d0000_06000d000000_06000c230000_06000e262600"
        hex"06000f262d00_0600002d2d00_0600002e0000_070007292e00_0700002f0000_080010000000_080000240000"
        hex"080000292f00_090007000000_090007240000_090007250000_0900002e0000_0900112f0000"
        hex"02" // norm_rest
        hex"0a00070b0000_0a0000290000"
        hex"02" // norm_copy_r
        hex"0b0000290000_0b0007320000"
        hex"02" // norm_copy_mean
        hex"0c0000290000_0c0007330000"
        hex"02" // norm_carry
        hex"0d0007270000_0d0000290000"
        hex"0c" // norm_out
        hex"0e0012000000_0e0000072900_0e00130b0000_0e000a0c0000_0e00140f0000_0e0007130000_0e0008170000"
        hex"0e00091b0000_0e0007222900_38005f0b4200_3800610f4200_380063420000"
        hex"2b" // exp_product
        hex"0f0015000000_0f0009120000_0f000a160000_0f00071a0000_0f00081e0000_0f0000363700_1000071d0000"
        hex"1000001d1d00_110000130000_110007131d00_11000f170000_110008171d00_13000f100000_130007120000"
        hex"130000121d00_130008160000_13000f161d00_1300001b0000_1400070e0000_1400000e0e00_15000f0c0e00"
        hex"1500000d0e00_1500160e1300_1500170e1700_1500160e1d00_1e001c000000_1e000f103000_1e0008110000"
        hex"1e0013140000_1e0009150000_1e0014180000_1e000a190000_1e00001b3000_1e00071c0000_3800650b4200"
        hex"3800670c4200_3800690d4200_38006a0f4200_38006c134200_38006e174200_38006c1d4200_380070314200"
        hex"380072420000"
        hex"04" // far_masked
        hex"120007000000_1200001d0000_1600000e0000_380074420000"
        hex"04" // row_sum_first
        hex"1700180e0000_170008100000_1700071b0000_170000290000"
        hex"05" // row_sum_next
        hex"1800180e0000_180008100000_1800071b0000_180007280000_180000290000"
        hex"02" // row_carry
        hex"190007280000_190000290000"
        hex"0d" // row_recip
        hex"1a0007200000_1a0000290000_1b0019000000_1b00001f2900_1b0018290000_1b00002a0000_1c001a000000"
        hex"1c00001f0000_1c00072a0000_1c00072b0000_1d001b000000_1d0007220000_1d00002c0000"
        hex"02" // head_first
        hex"1f0007000000_1f0000460000"
        hex"02" // head_same
        hex"200007460000_200000470000"
        hex"02" // head_next_q
        hex"210031460000_210000470000"
        hex"02" // head_next_s
        hex"220031460000_220000470000"
        hex"05" // fold_q
        hex"2300070b4600_2300080f4600_2300003e0000_2300323f0000_230015460000"
        hex"04" // fold_q_last
        hex"2400070b4600_2400080f4600_2400003e0000_240015460000"
        hex"05" // fold_k
        hex"250015000000_2500070b0000_2500080f0000_2500003e0000_2500263f0000"
        hex"04" // fold_k_last
        hex"260015000000_2600070b0000_2600080f0000_2600003e0000"
        hex"05" // fold_v
        hex"270015000000_2700070b0000_2700080f0000_2700003e0000_270032400000"
        hex"04" // fold_v_last
        hex"280015000000_2800070b0000_2800080f0000_2800003e0000"
        hex"04" // fold_p
        hex"290007144600_290008184600_2900003e0000_290026400000"
        hex"03" // fold_p_last
        hex"2a0007144600_2a0008184600_2a00003e0000"
        hex"01" // qk_dot
        hex"38007c3e4100"
        hex"05" // context
        hex"3800810b4200_3800860f4200_380087134200_380089174200_380091420000"
        hex"01" // pv_dot
        hex"3800973d3e00"
        hex"02" // qkv_dot
        hex"38009a383b00_38009c3a3b00"
        hex"05" // qkv_output
        hex"38009e0b4200_3800a00f4200_3800a1134200_3800a3174200_3800a8420000"
        hex"02" // attn_out_start
        hex"3800ab000000_3800ad380000"
        hex"02" // attn_out_dot
        hex"3800ae383b00_3800b03a3b00"
        hex"04" // fold_x_run
        hex"2e0015000000_2e0007340000_2e0000380000_2e0026390000"
        hex"02" // fold_x_hold
        hex"2f0000380000_2f0007390000"
        hex"01" // fold_x_end
        hex"300000380000"
        hex"02" // bias_one
        hex"31001d000000_310000340000"
        hex"01" // fold_w_inner
        hex"32003f3c0000"
        hex"01" // fold_w_jump_64
        hex"32003f3c0000"
        hex"03" // wide_first_2
        hex"3300070b0000_3300080f0000_330000290000"
        hex"07" // wide_next_5
        hex"3400070b0000_3400080f0000_340009130000_34000a170000_3400131b0000_340014270000_340000290000"
        hex"02" // wide_first_1
        hex"3500070b0000_350000290000"
        hex"05" // wide_first_4
        hex"3600070b0000_3600080f0000_360009130000_36000a170000_360000290000"
        hex"06" // wide_first_5
        hex"3700070b0000_3700080f0000_370009130000_37000a170000_3700131b0000_370000290000"
        hex"01" // sum_ends
        hex"390000450000"
        hex"01" // weight 0
        hex"320007020000"
        hex"01" // weight 1
        hex"320032020000"
        hex"02" // multiplicity
        hex"2d0000011b00_2d003b010000"
        hex"09" // helper 0
        hex"2b0035030f00_2b0038030000_2b00000b0f00_2b00020b0000_2b00030f3500_2b00020f0000_2b0039350000"
        hex"2b003a000000_380007000000"
        hex"05" // helper 1
        hex"2c0000131700_2c0002130000_2c0002170000_2c003a000000_380007000000"
        hex"09" // helper 2
        hex"2d0000041b00_2d0002040000_2d0003051b00_2d0039050000_2d0035061b00_2d0038060000_2d00021b0000"
        hex"2d003a000000_380007000000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"25_01_00" // tag at 0
        hex"26_01_00" // table key at 0
        hex"27_01_00" // table 0 at 0
        hex"28_01_00" // table tag at 0
        hex"35_03_040500" // input at -8192, -4096, 0
        hex"36_01_00" // output at 0
        hex"39_04_00121315" // lane 0 at 0, 4096, 8192, 12288
        hex"3a_04_00121315" // lane 1 at 0, 4096, 8192, 12288
        hex"3b_04_00121315" // lane 2 at 0, 4096, 8192, 12288
        hex"3c_04_00121315" // lane 3 at 0, 4096, 8192, 12288
        hex"3d_04_00121315" // lane 4 at 0, 4096, 8192, 12288
        hex"3e_15_01020304060708090a0b000c0d0e0f101112131416" // aux at -16353, -12288, -8640, -8192, -352, -224, -96, -64, -32, -1, 0, 1, 2, 3, 32, 64, 96, 4096, 8192, 8608, 16736
        hex"3f_01_00" // x at 0
        hex"40_03_001213" // partner 0 at 0, 4096, 8192
        hex"42_03_000c0f" // fold x at 0, 1, 32
        hex"43_02_000c" // fold w at 0, 1
        hex"44_05_05000c0f12" // run at -4096, 0, 1, 32, 4096
        hex"45_02_000c" // powers at 0, 1
        hex"46_02_000c" // sum at 0, 1
        hex"47_02_000c" // head weight at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"034de65025a041c69945d21add9ec0ba8b67db820c71bbf16aa49138790db535" // input at -8192
        hex"0a06ab03fb9a3bc884b5f3457eb7e1f1e5ae8af7bf62f933dc4ef30a5489e700" // input at -4096
        hex"230fbd1ebff7229a9a548056252ab5b0b71d81ceade4bb6bfcee7151226863cc" // input at 0
        hex"16f1c94d6802d6e8b6dcc71b9745f2263bfc40074c5ff87d5fbb6057076a65be" // lane 0 at 0
        hex"1a254d08adf4145b42d0532d0e4b3f9a5a3f9de589ff49167bf20a4523be47ea" // lane 0 at 4096
        hex"0c03f7d9ce194f5c6a94a2ec51af71f83797c05245430ccedf0498d3b630c16f" // lane 0 at 8192
        hex"23ad8eb5de5305b30c5ece380bc20d0182943251d7d092bfcd11e7b7fea690eb" // lane 0 at 12288
        hex"16f1c94d6802d6e8b6dcc71b9745f2263bfc40074c5ff87d5fbb6057076a65be" // lane 1 at 0
        hex"1a254d08adf4145b42d0532d0e4b3f9a5a3f9de589ff49167bf20a4523be47ea" // lane 1 at 4096
        hex"0c03f7d9ce194f5c6a94a2ec51af71f83797c05245430ccedf0498d3b630c16f" // lane 1 at 8192
        hex"23ad8eb5de5305b30c5ece380bc20d0182943251d7d092bfcd11e7b7fea690eb" // lane 1 at 12288
        hex"16f1c94d6802d6e8b6dcc71b9745f2263bfc40074c5ff87d5fbb6057076a65be" // lane 2 at 0
        hex"1a254d08adf4145b42d0532d0e4b3f9a5a3f9de589ff49167bf20a4523be47ea" // lane 2 at 4096
        hex"0c03f7d9ce194f5c6a94a2ec51af71f83797c05245430ccedf0498d3b630c16f" // lane 2 at 8192
        hex"23ad8eb5de5305b30c5ece380bc20d0182943251d7d092bfcd11e7b7fea690eb" // lane 2 at 12288
        hex"16f1c94d6802d6e8b6dcc71b9745f2263bfc40074c5ff87d5fbb6057076a65be" // lane 3 at 0
        hex"1a254d08adf4145b42d0532d0e4b3f9a5a3f9de589ff49167bf20a4523be47ea" // lane 3 at 4096
        hex"0c03f7d9ce194f5c6a94a2ec51af71f83797c05245430ccedf0498d3b630c16f" // lane 3 at 8192
        hex"23ad8eb5de5305b30c5ece380bc20d0182943251d7d092bfcd11e7b7fea690eb" // lane 3 at 12288
        hex"16f1c94d6802d6e8b6dcc71b9745f2263bfc40074c5ff87d5fbb6057076a65be" // lane 4 at 0
        hex"1a254d08adf4145b42d0532d0e4b3f9a5a3f9de589ff49167bf20a4523be47ea" // lane 4 at 4096
        hex"0c03f7d9ce194f5c6a94a2ec51af71f83797c05245430ccedf0498d3b630c16f" // lane 4 at 8192
        hex"23ad8eb5de5305b30c5ece380bc20d0182943251d7d092bfcd11e7b7fea690eb" // lane 4 at 12288
        hex"06b3cb5ef7471379943b52df438754ed6909e674256ab1a5a7f9150d20ecff74" // aux at -16353
        hex"1a025dd258a6954ef81ca161dc5365b2b7f1fb785fe9f5d688b5d81b4c5c0a49" // aux at -12288
        hex"0c4c0142445b2cc188647e7f74653f004fd9e3fa03124418602cbd948d29e7f4" // aux at -8640
        hex"2fb0bff322eaecb2755e8c2e7f696a2c1c9ba3a7e446c4352c2ee694b93df603" // aux at -8192
        hex"2fb737123ae9c36fbd6dd5061e4de290c219755ff9dcfcedafc7225129a8b359" // aux at -352
        hex"058aeb286fc5c2ff1d15f20b2a02dcfb45b92ea20d17111f8028f8c3ff78b6c5" // aux at -224
        hex"1cf3183a9f13a93d97805d9e30c58f479bfb3e4d1bc3c600356a4f6cefeb9614" // aux at -96
        hex"19b4e89c3f60e38d87beb43b701665b817369699aa6e2bb48b3a6a8f29b976b2" // aux at -64
        hex"11a72291cfe898ee633a1313134fe67359c77e7c51489d953dd143a57ea3f7df" // aux at -32
        hex"16a60b46da534b670236138e66a4d36bacc7e47d3e447d9a178b0613e08cdb99" // aux at -1
        hex"0239ce8e5eb89a39ec9b4615674d9c33a9521ed225265f72ae1fca9919e5322f" // aux at 0
        hex"0f94ca3999267c285868c495657768db71a58acea4fb1ae5203e89b451683e7e" // aux at 1
        hex"286bd3db6e73a48df5b53d57e53dfee0b1f2d9590875cf51b0a6e6e65a1999b5" // aux at 2
        hex"15df2d88754c8715a8b6b76cc439defea7c0e501d4848a70700f5c9e3699c958" // aux at 3
        hex"1c1073b8d4704e3e019ec3ed530ab36fdf8351e01ff8c740ca1703abd2fe8434" // aux at 32
        hex"149a6e9da2f25ac8b8cbf9e3565e52b87bb6dd2d43ae8a1e815869c1e3f7509f" // aux at 64
        hex"1f41d1e9ccf242f8e4379b36a68d9fce771cc5bb31b8d6c869b37fe65dde2bb1" // aux at 96
        hex"2f1c11d6acb861d630dea4d5177d933e8cdeb944682ac96177dab79d41e74723" // aux at 4096
        hex"116911bd4e555838a95ee12fa3ab761e58e2b3be74721ba6f9f72a29744731d8" // aux at 8192
        hex"05a3bf1fe2c0d69fa216666e0490e955d695221e00c30e48104539f4fd481b97" // aux at 8608
        hex"0cd1a40be399c9214b6e75bc125525d43fa8e17ede01ab5f7d8946c9460c652a" // aux at 16736
        hex"1b398a79dfff8b2e84ccee0e22a004689280f4d3ad9dbb6ba1355285283d9286" // partner 0 at 0
        hex"170bc544f1ddd33dd5dd719b32a6b80c19e0dfd3aa7eac4a8d81dfebbbefbd77" // partner 0 at 4096
        hex"2e834d26f085e1e715f62bc3adbbf445a405fbe99b56796c590cb8b6fbd2b005" // partner 0 at 8192
        hex"12d6e9772869f9d4924560146bd65f29aab46117a7eb1803659a2d728a9d132b" // fold x at 0
        hex"1d464c9fe55b71d583df7a48117054323f40895c5b8ef6697c8ad548d3319d75" // fold x at 1
        hex"0047185bd36c347fa22b6b5a043aa5013e3efdd4763f622461bcf2d892314f61" // fold x at 32
        hex"0b7f93281d21f9f98f860edb368dffb3c59b59772574d7022e3eb8f3bed3b7b7" // fold w at 0
        hex"24e4bb4ac40fa63028ca36db4af358a962988ed15444998f15a33ca0312c484a" // fold w at 1
        hex"2f39d8085a67f4abb2b4efc32c56b7f01270bf66a7875c91600d048d2b47656b" // run at -4096
        hex"1f23632013cf4055f70e3b96c1d0e2d76473b6717b9a7c5cebc3b00127b0a78b" // run at 0
        hex"177703ddf933600a4da46adf5aed77c5d7e4df8b6993e094275123b843f4ca15" // run at 1
        hex"09bd0ae0cb5714105005491a3331fdad193062bbb2dd8bc7e476d7ad7b8e928c" // run at 32
        hex"219ba17170d33760e183f1d0083cf8dd10a200ba2d990c69740d30c7bd84966c" // run at 4096
        hex"0b7f93281d21f9f98f860edb368dffb3c59b59772574d7022e3eb8f3bed3b7b7" // powers at 0
        hex"24e4bb4ac40fa63028ca36db4af358a962988ed15444998f15a33ca0312c484a" // powers at 1
        hex"0b7f93281d21f9f98f860edb368dffb3c59b59772574d7022e3eb8f3bed3b7b7" // sum at 0
        hex"24e4bb4ac40fa63028ca36db4af358a962988ed15444998f15a33ca0312c484a" // sum at 1
        hex"0b7f93281d21f9f98f860edb368dffb3c59b59772574d7022e3eb8f3bed3b7b7" // head weight at 0
        hex"24e4bb4ac40fa63028ca36db4af358a962988ed15444998f15a33ca0312c484a" // head weight at 1
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
        hex"0c" // 0b exp_product
        hex"0d" // 0c far_masked
        hex"0e" // 0d row_sum_first
        hex"0f" // 0e row_sum_next
        hex"10" // 0f row_carry
        hex"11" // 10 row_recip
        hex"12" // 11 head_first
        hex"13" // 12 head_same
        hex"14" // 13 head_next_q
        hex"15" // 14 head_next_s
        hex"16" // 15 fold_q
        hex"17" // 16 fold_q_last
        hex"18" // 17 fold_k
        hex"19" // 18 fold_k_last
        hex"1a" // 19 fold_v
        hex"1b" // 1a fold_v_last
        hex"1c" // 1b fold_p
        hex"1d" // 1c fold_p_last
        hex"1e" // 1d qk_dot
        hex"1f" // 1e context
        hex"20" // 1f pv_dot
        hex"21" // 20 qkv_dot
        hex"22" // 21 qkv_output
        hex"23" // 22 attn_out_start
        hex"24" // 23 attn_out_dot
        hex"29" // 24 fold_x_run
        hex"2a" // 25 fold_x_hold
        hex"2b" // 26 fold_x_end
        hex"2c" // 27 bias_one
        hex"2d" // 28 fold_w_inner
        hex"2e" // 29 fold_w_jump_64
        hex"2f" // 2a wide_first_2
        hex"30" // 2b wide_next_5
        hex"31" // 2c wide_first_1
        hex"32" // 2d wide_first_4
        hex"33" // 2e wide_first_5
        hex"34" // 2f sum_ends
        hex"37" // 30 weight 0
        hex"38" // 31 weight 1
        hex"41" // 32 multiplicity
        hex"48" // 33 helper 0
        hex"49" // 34 helper 1
        hex"4a" // 35 helper 2
        ;
}
