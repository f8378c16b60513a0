// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `embed d=128 h=4 f=512 v=1024 n=32 k=16 c=4 l=5x8`
/// @notice Verifying key 0x143a79069902ea061002a7e53d0e13f22eff8009e3eb3370c790b8796f23a738
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract TinyGpt2Embed is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 16;
    /// Public inputs.
    uint256 private constant INSTANCES = 4;
    /// First-phase commitments, among them: output, 4 of weights.
    uint256 private constant FIRST = 8;
    /// Second-phase commitments.
    uint256 private constant SECOND = 5;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 37;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 960;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 2144;
    uint256 private constant PROOF_LENGTH = 2272;

    uint256 private constant GATES = 30;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 29;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 11;
    uint256 private constant LINEAR_COLUMNS = 30;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 23;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 9;
    uint256 private constant SCALARS_AT = 30;
    uint256 private constant REGISTERS = 45;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0x143a79069902ea061002a7e53d0e13f22eff8009e3eb3370c790b8796f23a738;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x143a79069902ea061002a7e53d0e13f22eff8009e3eb3370c790b8796f23a738;
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
        input = 0;
        output = _compressed(proof, 0);
        weights = keccak256(proof[64:320]);
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
        return (0, Activations(K, 32, 128));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "embed d=128 h=4 f=512 v=1024 n=32 k=16 c=4 l=5x8";
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
        hex"29dbc623af6f8db1e743f3d131c884f7df360632cb78d337448265db87ac5f4117f509efcc825db184016cf350dad33b2cb3b61f04a516a42186c826b2063735" // 1 weight rows
        hex"17637eff97823bdeb323bd05233a5d700b00f74c035d53c2447844623ee42cdb23d1e49808327429b8dc213021d5af9c04a72a72a31484e0501bfa7f51429e80" // 2 powers_first
        hex"29bf06eb83e87914d6bf896737b90b1a21d07a632079ae92117b0787a1bfcc3f29002b59953d0b1e8f3e86e397c7694e99aef89bd97e67cbd7627d9c600b3bbb" // 3 poseidon_square
        hex"079a9e62ac08e9828d39f64d23d55adc239c4f976ceaf7cf47acbb5d44abda44139ed9a136873ac17a08b25b833278ad6c61ae1dd3868aca945106094685846e" // 4 full rounds
        hex"23dd3476f68e9af9072d55b4d5808d489ed0d715e367329628ee6629019633ec0b8922f81da02b673b9b9f59bebe6b3588868e0232e61b7acc1412494bf44f52" // 5 partial rounds
        hex"2644542b63ebfd18a43cb593269011970ca8cc50b795a6fa94ffc2118c929d25242005e36f4ef8d2ef97edd092a0e9265206d2f8dcd563e0ae82f8095e3cf015" // 6 round constants 0
        hex"16a17effdaf0023f668aa8da70c577a2281d258e570a1a1a04f3ce8d75b6824c03eff6171750f845b46e2a36cf369965cb377d7694ed3ac424d60f67003baf85" // 7 round constants 1
        hex"1fc695b5baaf4347690e697e5e5eeb95a9bff35c7205ee6968002c1e59902f1a2104c2e633dae84bc4389ffaf1c568b1b9a858d6b5ff4f062bbf6cbf4c8f5448" // 8 round constants 2
        hex"1b6a896e2e8031132664f64c5447fb46a8ad00c32e8d0149460002565adf7c301dbd17376817166fe7b9f2250483beecba6fb787d233dd08f5e635a26e183d7b" // 9 poseidon_first
        hex"1a6dad12a120aca0b4424242d72ff325cf4ced0354758f5803aafd3c98f9517314d2cbb250efaa163941d1356325b122f6389bd59a1a4404244cded936d21693" // 10 poseidon_chain
        hex"10c0450d0221200f3128b9dd52b470756b5bda04d2ec67bc191c8cf957b9eafb2dffb32a47e8a78d145e9ac1f70d9366a0b127bc4ee1edd21f4df11eed756261" // 11 poseidon_message_output
        hex"256ac9a41a6fc0b784cc38db9ba685e04b3f80bf14651971252f7fbd717019681f5f26313903a1207ee2fc02303089202cab752ff31ac755b21b8d7c8e11d1a5" // 12 digest_output
        hex"20d3fd1fcfd28caf3e32d605588f036248614d26b03c524346ce3fef1e090dcb041dcebf19cac02068722767436537296cc5ac7c6528f5dbcd30e8d7af1c47a9" // 13 poseidon_message_input
        hex"216cf127534b9327f6392e9933d94fb67641c8719c1c6bdb78ca36138eb5c6e72ad6fbe3ba1fcc0e9dd3f043cafc7b171b92f189d9ca2abffd3735c0aaa4bb35" // 14 digest_input
        hex"1da436bc777ebc1912ec7b2369af9fb556ab164e958376ebbb4b8fb93f1dad711a851acb78d49a691f46703264ac0e89613f20926238c87871668fa35e3f93be" // 15 flag_bit
        hex"16bc7f1a5835251f70ad75b835a5e85f98195c8c79222090e58884d7904025d22ce3419e2067231f44bb018f1322d0cb35321f53d9da7ddd483dd3b4fcf224e4" // 16 flag_falls
        hex"0ce87ed582cb42b0100631dea3d3b61f398997777179f56379608b19b8f9fd7b2e7733da98c16ebd35dee0444073d9f7d8f4220e48f7c1e549fe29e5e3833600" // 17 flag_order
        hex"2639a65852c36589ae25a8b8c2c2674eba8b0951507c873c912883eb39702d7a1f73db69e9bd33ad2324f2d8ad14148ec875e9c2049b5c660082b7cd74a69643" // 18 prompt_some
        hex"058f6dda762de44283d42853714aaa87fdfe72e80ea6813a5d5cfea13aec94c22cab9396139f6b822aedbaee85ad19c88e4cff8d131b72ceda9541164db4a27c" // 19 count_first
        hex"21b587a6baef8f8b5dde961a3da4cbaed260a6acf0d877dfbfda6f5bf79076dc0ab1fb6df485ce080b0c65363e8534e620c9dbfc9a0a95a54d3c04a75844c274" // 20 generated_some
        hex"1c809d67536cbc097853e15ec6cfdb60dedd23b390e176a61ccd69864d9fdb4121016b5a821b5bcfc3f93dc547ea9a3664d09c02f0117a9a75facc7f85327f82" // 21 tokens
        hex"0cbbb9cfb0f5e181786f172db4a69c89a960039959bf2a339f5c8bbd8a7c0a3a26f69295c5098527906e7a141bdd075b4503d49d1cc545e3402f56d4cc1b2175" // 22 packed before the last
        hex"2142026f41c91502e5089b31d39c47e6b8fb51459ca501ada6bce37ac35ab765235d508301838841b907f74fcb96534a959e6f0b23969e55b7fe40bd5c019878" // 23 vocabulary_inner
        hex"15386361dfbea3d85ab6288bc27efe67f3c020abad59096305d841386e07c90f0c736b07c987447c729dbac15cb6db4ebc6c7ccf2e167d1d4ebf4b003e260b44" // 24 embedding rows
        hex"00acb05c7ec4ff2690ce7cde0ba1582708c841bb97384e71ab46230ce6effadc2066366c95475b2cfad641a1289ce8ff019bb1af06d09a5c79b3e8a70cd34987" // 25 embedding_inner
        hex"0ccf9d2e47303a0d12ea08c61032b0d56fb6c00e0b0629833ebf76cfbb13c0e920b662b0b68d129d01cb06cc188a45daf6a204b4e76f0faab1847cdb71170133" // 26 vocabulary_entry
        hex"11baddd24f526b2e9ca00b40cfabfdc1c43bd1145ed98305307eb31155ae28f6071d7fdd48c8b63333b1dca470fc02e476b1a2c7a80cd51bf8bcf09da5e8a594" // 27 vocabulary index
        hex"2fa321a16531c30ae14d94bd7465a121f2bfc2a037285439f556ca1a9b24726d10b5faea31204a513110e8e893fa3015df737e2f3f45c8a511e2578445df8cd8" // 28 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"15a48475645c0ffb5f1c56b727c3de4d6b318f149ee7ac187896c596e71de62c" // 1 ω^-1939
        hex"2afd4e77273f1cb3434a4a667929058c156b21573c3f1efc882e708597d7161a" // 2 ω^-32
        hex"09d2cc4b5782fbe923e49ace3f647643a5f5d8fb89091c3ababd582133584b29" // 3 ω^1
        hex"17ea877388c25931dd50b3131d5605425e5b94a4201a712da2604243c1c093b6" // 4 ω^10
        hex"2a1355f20944a953b994cdf1021a209a9033ac856eb6fd252933e6bd9c37aaae" // 5 ω^20
        hex"1ab8f625654a79455f27fed7ba138704b066e8a6385948a04ab699b7620e9dff" // 6 ω^30
        hex"14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f" // 7 ω^32
        hex"05522b8922a8722844ca09970e880a3f338b55601affe0a844b532d75e9f6b45" // 8 ω^40
        hex"29a2d4c9618aa6ce73a34156a87981273213edf61ef652b0f237b766819e5e6c" // 9 ω^50
        hex"2ad9021ed07c42ab19f77c5cf2cbd2deb135ea330f1b1573bd08d99309c4bb7d" // 10 ω^64
        hex"0bacd8f6b477d6194da7c7ded59378f1873f2a80ec03516c3179c2e422343a57" // 11 ω^65
        hex"1908597d2fc3bc1da312efa344e0fc8a7079300238f2ee35774f117e66fd4467" // 12 ω^96
        hex"0be9d8f4b9b39cebdb116e1b6958a3fc4c58f36da3d11e060b53f4dc00714582" // 13 ω^171
        hex"226341b44e2c06b267bf1d21f86bf71315bd379aa760757ef635e9bb84bf127e" // 14 ω^192
        hex"1a6a1b8884d1e89256b10ef8e935c2f1a1130b6f9508c233aced20a1cebdc3f4" // 15 ω^196
        hex"234cd3bf4c3447c1a3ab879362fc94b621769fa1e46d5d200a284a31cbe2df5d" // 16 ω^230
        hex"1058a83d529be585820b96ff0a13f2dbd8675a9e5dd2336a6692cc1e5a526c81" // 17 ω^256
        hex"112bdccf73d20716639837d1af19da85b9e4b3a15d6df93ff7e217f7f39a1a97" // 18 ω^260
        hex"080683c49b3d049f95d5aa584d8c32efafb36a84a6ded7cf13ba3cc84a392c11" // 19 ω^1980
        hex"300824ee5ebd230cf9f975746b8d9c8673300625ab7243d7bfb3c6ccfd33d110" // 20 ω^3960
        hex"2181388d27cac30740f1f91aebdf331f078d4dd9c6ff6d01cae8d6b80e9cdfe9" // 21 ω^3970
        hex"1585f02d85bc65b137068eb0e01a28e39e5eea3b033bf6531ce89db502a1d95b" // 22 ω^3980
        ;

    /// Constants among the coefficients.
    bytes private constant CONSTANTS =
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000" // r9 = -1
        hex"1fc8cf31c590bb6005993907254ab0ab93756c36cc95390545068d3ac457ee76" // r10 = 0x1fc8cf31c590bb6005993907254ab0ab93756c36cc95390545068d3ac457ee76
        hex"19770c91a577df634d6f2c7431a39ba0951f0ba89dda863b6d1bb05013b6fc21" // r11 = 0x19770c91a577df634d6f2c7431a39ba0951f0ba89dda863b6d1bb05013b6fc21
        hex"04d392d2d1679a9fc2385dd9c1992a4f312d3ce46cce4c15cac761dca1c98c94" // r12 = 0x04d392d2d1679a9fc2385dd9c1992a4f312d3ce46cce4c15cac761dca1c98c94
        hex"06fa5bf3f3fffba8fe8cd9403e077c92fb6aea77385d32b26db8b4d711f42890" // r13 = 0x06fa5bf3f3fffba8fe8cd9403e077c92fb6aea77385d32b26db8b4d711f42890
        hex"02403478f52eb3f06bb7d3ee4eeb1a9b6f96740bed3dda511a2fc47d684e01de" // r14 = 0x02403478f52eb3f06bb7d3ee4eeb1a9b6f96740bed3dda511a2fc47d684e01de
        hex"2053dc82de0e2673211eed401872532013a69a37da59c02b7b37293e4f076407" // r15 = 0x2053dc82de0e2673211eed401872532013a69a37da59c02b7b37293e4f076407
        hex"1c342c8678c760f6aaf0a7513b49520041666e65ed5e393e117fb0a58a5e4e5a" // r16 = 0x1c342c8678c760f6aaf0a7513b49520041666e65ed5e393e117fb0a58a5e4e5a
        hex"18f78e4977d6d00435a936b778da5ac357dc071a20d198da927515e82711d6f0" // r17 = 0x18f78e4977d6d00435a936b778da5ac357dc071a20d198da927515e82711d6f0
        hex"16c052688ac17435a095c5c8497eff1d81efa14572b53119d0ba58bcd2da2a21" // r18 = 0x16c052688ac17435a095c5c8497eff1d81efa14572b53119d0ba58bcd2da2a21
        hex"217aa8e026970b10e7f6bee02a8d4c3c136f4f0c67fe46fdb6c02120eb327193" // r19 = 0x217aa8e026970b10e7f6bee02a8d4c3c136f4f0c67fe46fdb6c02120eb327193
        hex"2f730a20ab3f8b9d5ec9ed4517853c8f9fb8df73a9b107b1ed4af59fe6a9179d" // r20 = 0x2f730a20ab3f8b9d5ec9ed4517853c8f9fb8df73a9b107b1ed4af59fe6a9179d
        hex"27845b2a62a6d68b9926a55db086d7a3f76cbfd56e3ebd245b68020ae1308c0c" // r21 = 0x27845b2a62a6d68b9926a55db086d7a3f76cbfd56e3ebd245b68020ae1308c0c
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f573efffffff" // r22 = -0x2000000002
        hex"0000000000000000000000000000000000000000ffffffff0000000000000000" // r23 = 0xffffffff0000000000000000
        hex"30644e72e131a029b85045b68181585d2833e84779b9709143e1f593f0000001" // r24 = -2^96
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f573f0000000" // r25 = -0x2000000001
        hex"30644e72e131a029b85045b68181585d2833e84879b9709043e1f593f0000001" // r26 = -2^64
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef000001" // r27 = -2^24
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r28 = 2^24
        hex"000000000000000000000000000000000000000000000000000000007f000000" // r29 = 0x7f000000
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0009" // r30 = β · -1
        hex"8008_0009" // r31 = public input 3 · -1
        hex"8007_0009" // r32 = public input 2 · -1
        hex"8001_001b" // r33 = β · -2^24
        hex"8009_0021" // r34 = -1 · r33
        hex"001c_0022" // r35 = 2^24 + r34
        hex"8001_0001" // r36 = β · β
        hex"801b_0024" // r37 = -2^24 · r36
        hex"8009_0025" // r38 = -1 · r37
        hex"0023_0026" // r39 = r35 + r38
        hex"8009_0024" // r40 = -1 · r36
        hex"8001_0024" // r41 = β · r36
        hex"8009_0029" // r42 = -1 · r41
        hex"8004_0009" // r43 = δ · -1
        hex"8009_002b" // r44 = -1 · r43
        ;

    /// Terms of the gates. The gates are:
    /// 00 powers_first: the powers start at one
    /// 01 powers_next: each power is beta times the one above
    /// 02 poseidon_square: the square of a state's element
    /// 03 poseidon_fourth: the square of the square
    /// 04 poseidon_round_0: the next state is the matrix times the S-boxes, plus constants
    /// 05 poseidon_round_1: the next state is the matrix times the S-boxes, plus constants
    /// 06 poseidon_round_2: the next state is the matrix times the S-boxes, plus constants
    /// 07 poseidon_first: the first element is zero before the first round
    /// 08 poseidon_chain: the second element is the previous step's output
    /// 09 poseidon_message_output: the third element is the message
    /// 0a digest_output: the chain ends with the digest
    /// 0b poseidon_message_input: the third element is the message
    /// 0c digest_input: the chain ends with the digest
    /// 0d flag_bit: a flag is a bit
    /// 0e flag_falls: no flag is set after one that is not
    /// 0f flag_order: the prompt ends before the generated tokens
    /// 10 prompt_some: the first position is prompt
    /// 11 count_first: the count starts with the first flag
    /// 12 count_next: the count takes up each flag
    /// 13 generated_some: something is generated
    /// 14 header_output: the header names bucket and both counts
    /// 15 header_input: the header names bucket and prompt
    /// 16 pack_output: every e-th generated token in one number
    /// 17 pack_input: every e-th prompt token in one number
    /// 18 vocabulary_fold: fingerprint of an entry
    /// 19 embedding_fold: fingerprint of an output less its position
    /// 1a vocabulary_entry: an entry's fraction, times its multiplicity
    /// 1b token_entry: a token's fraction
    /// 1c sum_next: the running sum takes up every equation's terms of the row
    /// 1d sum_ends: the running sum starts and ends at zero
    bytes private constant TERMS =
        hex"09" // opened cells only
        hex"01001e012100_010000012200_180027020000_180000021f00_19001d030000_190009030400_190000031d00"
        hex"1c0009012300_1c0000012400"
        hex"02" // powers_first
        hex"000009000000_000000210000"
        hex"04" // poseidon_square
        hex"020009131300_020000190000_030009191900_0300001a0000"
        hex"0c" // full rounds
        hex"04000a131a00_04000b141b00_04000c151c00_040000160000_05000d131a00_05000e141b00_05000f151c00"
        hex"050000170000_060010131a00_060011141b00_060012151c00_060000180000"
        hex"0c" // partial rounds
        hex"04000a131a00_04000b140000_04000c150000_040000160000_05000d131a00_05000e140000_05000f150000"
        hex"050000170000_060010131a00_060011140000_060012150000_060000180000"
        hex"01" // round constants 0
        hex"040009000000"
        hex"01" // round constants 1
        hex"050009000000"
        hex"01" // round constants 2
        hex"060009000000"
        hex"02" // poseidon_first
        hex"070013000000_070000130000"
        hex"03" // poseidon_chain
        hex"080014000000_080000120000_080009130000"
        hex"03" // poseidon_message_output
        hex"090015000000_0900090c0000_090000130000"
        hex"02" // digest_output
        hex"0a001f000000_0a0000130000"
        hex"03" // poseidon_message_input
        hex"0b0015000000_0b00090f0000_0b0000130000"
        hex"02" // digest_input
        hex"0c0020000000_0c0000130000"
        hex"02" // flag_bit
        hex"0d0009060000_0d0000060600"
        hex"05" // flag_falls
        hex"0e0009060700_0e0000070000_120009070000_120009090000_1200000a0000"
        hex"02" // flag_order
        hex"0f0000060000_0f0009060800"
        hex"02" // prompt_some
        hex"100009000000_100000060000"
        hex"02" // count_first
        hex"110009060000_110000090000"
        hex"0a" // generated_some
        hex"130009000000_130009050700_130000060700_140016000000_140017050000_140018060000_140000080000"
        hex"150019000000_15001a050000_1500000b0000"
        hex"0a" // tokens
        hex"160000060800_160009060900_1600000d0000_170009060800_170000100000_1b0009000000_1b0000062500"
        hex"1b00031d2500_1b0002250000_1c002b250000"
        hex"02" // packed before the last
        hex"16001b0e0000_17001b110000"
        hex"01" // vocabulary_inner
        hex"18002a200000"
        hex"01" // embedding_inner
        hex"19001e1e0000"
        hex"04" // vocabulary_entry
        hex"1a0009060000_1a00031f2500_1a0002250000_1c002c250000"
        hex"01" // vocabulary index
        hex"1a0000250000"
        hex"01" // sum_ends
        hex"1d0000240000"
        hex"01" // weight 0
        hex"180009020000"
        hex"01" // weight 1
        hex"18001e020000"
        hex"01" // weight 2
        hex"180028020000"
        hex"01" // weight 3
        hex"190000030000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"18_01_00" // embedding rows at 0
        hex"1d_01_00" // output at 0
        hex"22_0d_020003070a0b0c0d0e0f101112" // aux at -32, 0, 1, 32, 64, 65, 96, 171, 192, 196, 230, 256, 260
        hex"24_0b_0100040506080913141516" // sponge at -1939, 0, 10, 20, 30, 40, 50, 1980, 3960, 3970, 3980
        hex"25_02_0007" // fold x at 0, 32
        hex"26_02_0003" // fold w at 0, 1
        hex"27_02_0003" // powers at 0, 1
        hex"28_02_0003" // sum at 0, 1
        hex"29_01_00" // entry at 0
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"1d90c080776b24a9da53ea66e77cb7525a5c63016b8a91052dbda49d7accf9fd" // aux at -32
        hex"19cc881b93746c5670cde8fceb4613afd81430428b54e14054d2ff9331f83822" // aux at 0
        hex"16cdb7f6e0a43b2e34adba9bae44212741eede8c6010eeca2a0b61c01e245336" // aux at 1
        hex"0226e93c24f1fd5d823c66cbcdc229fb12ecfac10679e9f58867541c1259a70f" // aux at 32
        hex"14e2e6a030785e31a6c9cd2749c9e7ab6bff93b92eb08d314444f941a06fd31c" // aux at 64
        hex"2a249b6ef2b2d22c47e2e5db693af3c5dfe927a0917186ca34dc0be4d4ace3d8" // aux at 65
        hex"1968f4c0b9acf79fe8d4c11879271c0ecb9587fb4c1a7fc9105c993e906b3185" // aux at 96
        hex"1e1f1f53c6c2d770e0df3e85b2fb1afc4756e422593b72d2f97534e5dd7633a5" // aux at 171
        hex"2f8f6baefcdf186014276051f90684589a342bdf16510b0fbf072acbb6b7edc4" // aux at 192
        hex"20b2dc8536b7c01e471b7ce3e34c4606386fde7dab38901f59b1dcf42bbb312b" // aux at 196
        hex"2d4e8f663ef970be13da91d9c3696f74346eb355a44e079c3b7f6cbba55cf7a1" // aux at 230
        hex"09481d181c3de60e09e60c9257f6e0461f71d3698873f01af372788039991570" // aux at 256
        hex"0503b07ee57c68ded6c1c4ef64e627d20cc534d6a2e42f75db8c9cb80e558b85" // aux at 260
        hex"05907758b97225413737495cfbd1957f9f28b8db5c080b2875d0ecb1c3269fbc" // sponge at -1939
        hex"0f2cd46b9c7fc2f910d4c3a132688e917ddecd9265656ff5fd3ccbf2a09acd4c" // sponge at 0
        hex"1e323c70509a8b3606e192b6cb1174ccfbf7b4e0f57e6a89283a50361a7fdaae" // sponge at 10
        hex"1b1409950c8e4df19b57a98a28b90e31a5710dc54cf556150f9ddf332d16a461" // sponge at 20
        hex"270edd68fdc794ae6535afd33efe1d416df2e46b27f16d0bbb27ce7e72b15bb9" // sponge at 30
        hex"092aae6c19b4527dbb26547f35313019ce0743f27bac4bf0632f960367328753" // sponge at 40
        hex"1ff6a84407e2cea75dd3bd862f750208ea6874ee736c63d1c6d5568f5b75b936" // sponge at 50
        hex"2b014f28aff5037123990358589e2df0b07a2895d7f62bd6815dcdadefd1d599" // sponge at 1980
        hex"21d12385ef1eb127d4b8d522dd6fa4ff3aaef35f4b37c6268ef6aeb36e215efd" // sponge at 3960
        hex"04183b552daab541beb2385be29132d53e3d3ff913f55b0f8a3646bfbb220972" // sponge at 3970
        hex"02d71457c6c03fc07a1840a1a93ebd98baca471c0e908d3f28cc65a3b63939a4" // sponge at 3980
        hex"09f83b6375cb02a38de74dc8c581f4913fffd9d0e8762b6f417a9c1231aadac8" // fold x at 0
        hex"266c130f6b669d862a68f7edbbff63cbe8340e779143452202675981be552539" // fold x at 32
        hex"0b7f93281d21f9f98f860edb368dffb3c59b59772574d7022e3eb8f3bed3b7b7" // fold w at 0
        hex"24e4bb4ac40fa63028ca36db4af358a962988ed15444998f15a33ca0312c484a" // fold w at 1
        hex"0b7f93281d21f9f98f860edb368dffb3c59b59772574d7022e3eb8f3bed3b7b7" // powers at 0
        hex"24e4bb4ac40fa63028ca36db4af358a962988ed15444998f15a33ca0312c484a" // powers at 1
        hex"0b7f93281d21f9f98f860edb368dffb3c59b59772574d7022e3eb8f3bed3b7b7" // sum at 0
        hex"24e4bb4ac40fa63028ca36db4af358a962988ed15444998f15a33ca0312c484a" // sum at 1
        ;

    /// Columns that are not opened.
    bytes private constant LINEAR =
        hex"02" // 01 powers_first
        hex"03" // 02 poseidon_square
        hex"04" // 03 full rounds
        hex"05" // 04 partial rounds
        hex"06" // 05 round constants 0
        hex"07" // 06 round constants 1
        hex"08" // 07 round constants 2
        hex"09" // 08 poseidon_first
        hex"0a" // 09 poseidon_chain
        hex"0b" // 0a poseidon_message_output
        hex"0c" // 0b digest_output
        hex"0d" // 0c poseidon_message_input
        hex"0e" // 0d digest_input
        hex"0f" // 0e flag_bit
        hex"10" // 0f flag_falls
        hex"11" // 10 flag_order
        hex"12" // 11 prompt_some
        hex"13" // 12 count_first
        hex"14" // 13 generated_some
        hex"15" // 14 tokens
        hex"16" // 15 packed before the last
        hex"17" // 16 vocabulary_inner
        hex"19" // 17 embedding_inner
        hex"1a" // 18 vocabulary_entry
        hex"1b" // 19 vocabulary index
        hex"1c" // 1a sum_ends
        hex"1e" // 1b weight 0
        hex"1f" // 1c weight 1
        hex"20" // 1d weight 2
        hex"21" // 1e weight 3
        ;
}
