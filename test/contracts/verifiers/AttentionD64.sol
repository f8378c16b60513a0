// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `attention d=64 h=4 f=256 v=1024 n=4 k=13 c=3 l=5x8`
/// @notice Verifying key 0x40e6c9e0825e4cde6929081ddcae1a0af1d34b8af4e02ed5234f73697de2d699
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract AttentionD64 is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 13;
    /// Public inputs.
    uint256 private constant INSTANCES = 2;
    /// First-phase commitments, among them: input, output, 3 of weights.
    uint256 private constant FIRST = 14;
    /// Second-phase commitments.
    uint256 private constant SECOND = 9;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 71;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 1600;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 3872;
    uint256 private constant PROOF_LENGTH = 4000;

    uint256 private constant GATES = 58;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 53;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 22;
    uint256 private constant LINEAR_COLUMNS = 54;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 23;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 7;
    uint256 private constant SCALARS_AT = 39;
    uint256 private constant REGISTERS = 173;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0x40e6c9e0825e4cde6929081ddcae1a0af1d34b8af4e02ed5234f73697de2d699;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x10827b6da12cacb4b0d8c2675b2cc1adc99f63427b26be43df6d7dd58de2d698;
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
        weights = keccak256(proof[128:320]);
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
        return (1, Activations(K, 4, 64));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "attention d=64 h=4 f=256 v=1024 n=4 k=13 c=3 l=5x8";
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
        hex"22943832689e9137f8109146e249050d8882f1151f13245cadf7434d226312290e4bc8fa259cbc4d1760870ae997fcee368c6c5e1af653f9b2be6863e2383c4b" // 1 weight rows
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
        hex"07024491e70f77ddb414bc1c33453cbdc8e33f3e3852fa9939da7be9b52e1e572fd91a7b6c7e9ffd450cda23ff020519c33e6571b30d7faa3dc644d19fd90381" // 12 exp_product
        hex"24be36d7479009d657cd232a0aa23f89d8419a9a4fd53c7145d0018d7ce1db071e4ae3ce6d712aa6ee845888b2ae9a6e77b1990697e8f6909e8f1efa2b9f6418" // 13 far_masked
        hex"17ac6a9ca37e49da00530eb82974cdf6a4e74516925f53dc09265615883c8b0f25b1db9e0ed2b5ffc29e4fb791de7adf3485fac0dbff838cefec6238a6d1cd6f" // 14 row_sum_first
        hex"28857d4c1b31af50c6482ccfec787b632ce7c7b705ad03fec00ff3990c24f2272d49b99405431f0e23a15efb0e3bbef0149bd90599e281a126c4d2c16d3125e7" // 15 row_sum_next
        hex"21f100239abfced417ad0ba49cb8ad45150d90b342c8450b6ccbc26bade1ec601c6e0cf9686577993afbc03daa7c6e4537f4d6c4a00def8e8ad5c94ef364f060" // 16 row_carry
        hex"2877f9c80200467585313ff2f96fb611535e803fd86c9aceb33b77a0f87de30827cf081c25048a06c6b4001d349a56cb3644a373d66bc0a692e7b85fb4077cbd" // 17 row_recip
        hex"0907adf5ce133e640c43ce1f0380b0e8e85279697ebde37acd3966a32e00ad25280481790add0f9c927ebaa3cf91709fff3f32b742d8d79e46183b2c9f382a41" // 18 head_first
        hex"24349a233c529b1ce1e9cf964d46f51791a54d49728ad06df084be216f2275761bfc7ed50cd9cad0bfb37956140f3781f568a332f42a049ced7e2c1328d048a4" // 19 head_same
        hex"28930a5cca9079d57beec2acdd428361a0e801e7481ed92e046e1fc4a28687670dc4f287637b0a070c3f92bd739bc3ed260ef7302b22572deda9ec161a265555" // 20 head_next_q
        hex"0346badeae2ccfc5e7aea39f0db5d5125f5c6c1112664d6b182ad1b45392af862a6a2899e49b44d312b9b05bfac19d5010a182f293bd10a7a4cffb616949bd1f" // 21 head_next_s
        hex"13b267e09c76ea6db2827a1ba066a45701532ad6b9b7fe695be4c6bd2edce6602a121b984f9c1e1b85c9d9c19e68435b8d71e245031945e3bf3dec2d52043d77" // 22 fold_q
        hex"0893aec94806ede7d936f9100a9fe52866058b76b57cfc37e5baa083ae3dec18108db9e5224d94d62ab4003c0a2b9d5da6137a5974ff475629bd81b3a5fd40f2" // 23 fold_q_last
        hex"26c7159a67bfee464fc9f3fd4f9ba65b09466091e72bc13a264aff3b35917a132624fcab2c61da503a52c73f7327f15018d27321c4f8662d87243d33ff560114" // 24 fold_k
        hex"1a0408ab670ed00abc80cec9041f2ae1b308101b8a43dfe73e7beae7010635721cd171a26c76e2c9b442cf96b959214818445ea2db1aad12964067615c2e9aac" // 25 fold_k_last
        hex"0d98cebf748f59d23ec577fbef1cc1d423eaf6a72c0b7cd82c3b1f39ef12dcad1ca276b35575d4470c88dc4f2e8c51f87e46e594f40dfa3407c9bf57e1daa321" // 26 fold_v
        hex"032f3ae10af7ee5940da09924dc9e1d4f5a52fa103d177ccf9c5c4e3e48199db296c85578de8cfccdfd2ae334eeeb98cac89227d66dbb36f5cba67e37cf812dc" // 27 fold_v_last
        hex"0b5cf4bcbfdce3921d932b32e46529d687fc42ed4aa2634489da597961a567da1ff9e2431f41d6eb744cc3efe0ab063a9b1a2a3b08e41f6dca42dd03e84fea18" // 28 fold_p
        hex"07f7ad8b5dd76a77a3d292c3969a2fadca9cea1ca1b93be3cba26de240158257018356b0fefc27464de0d5e6c0a22289865b5655fddecc88553524757923f80e" // 29 fold_p_last
        hex"1d7643089f3f24e6b0fe7c8ce64f4e6a5dc8dc660845ab12f73a1ded0063417e296883a033838d010c6c8258364140d47d367d06d71bb6d365854176486a2909" // 30 qk_dot
        hex"0ef91763c3c29277c220e71e7b550f026105d7a336b6be631afeb7b3ea58f9b30f14bfd0091a2945f1282e50bf9c1fd266a10c35642ef8d2f24d3d4447cd6947" // 31 context
        hex"1d4478449baf64e2bb91fcbff5a21abecb9329a380997ca2a7057b569ab0245d05ff6488b24e4a7ea05362478d391a4d020cc2c8a10366610b4318cde7f63f33" // 32 pv_dot
        hex"1501872a9b804d3f19f9cdaa81bea5ddd93edf16bffae2c5e306b64c46239aec0cd61f98bf8697bc203370587fcdc2f9324517d940175b1b071cc0d2f161ebb0" // 33 qkv_dot
        hex"0742cc38788f2ad8114350d2d7eee305f9bb37b4acd000b2cac7bd585054042216b23019506675522845e307aa4fd16367c0f4d91f1039043aa1cb650312c5d1" // 34 qkv_output
        hex"09f1fac8f2c68d71620e1c226ae82abfa9aa7d72ca5752bd1e990857a4226c750d825fce7576810abad463b0e8ed2cf9a7d58eabf558bf7839fb4386d47dde54" // 35 attn_out_start
        hex"286dbdf6916c9fd8e85931ed05049c2ac74e3f8b546bbbeabd0621e9a216f53325276956ee2ad55fc770f9f6d5e0de927f21fecd698dc6cb463de0fe92684622" // 36 attn_out_dot
        hex"2ee615b7557eefc66f859a8ff178cc9871734af1ecc5ed82eea64f35d65c83612f9549b77abf2adeb928e2c92e9287ff1f3509263fa44ff59bfc259ad132851e" // 37 tag
        hex"0b50a9772a0fbb56a7cc3c1e77e68daedaafd8afa039201949d6d8224e78178c2a0a878cbc610759744ee11212dbe7a563f0d9d80980ed81c3e4a69c7a2331bd" // 38 table key
        hex"2e83a7ad09da90e3987f1996e2fd6253ba5abb2e3a89609b483eaf4a1341260e2d9d0ee585f3ddca178c29a2162666ab8be8e946b90127e407b8a77ccac6ff77" // 39 table 0
        hex"0a8b64e704e24845b6d745c16890dd8452dee78873ae0ec2489e75d3cc62d8c71d85df98d8425a4000c3c5d70a3c8ca0132b183400e792cb3dce9da6d2b5cac9" // 40 table tag
        hex"29f604ef2ecf289141f28ec8c2a180767a005a0667b7d012cf1acfc88c6256bd01f6ef924c6d46b944b8ca510f486a170375b97c8ac539647fc05d9531da736b" // 41 fold_x_run
        hex"2dffd711fd96fbfa181e15c2ec5c876bde71cb52484e5d2b885ec9a0ae96cd742ba78b080f1b812b003ad443c91871dc651172105e296a0901eac4aa865bd883" // 42 fold_x_hold
        hex"2f2bb8fb0154ba93a2c67bae731ac75b8f96627057ba627679e6092c157ac77e033f7fc3909707e8b984be22e6d78fe6256048cd382e6b90f4f3a1f3ab444ef6" // 43 fold_x_end
        hex"28f67a7da70a301b08309c1d6974603ef4a52117ea96433b797a93f2121226b72022aafbabe159a7dd40044e1800c943deacc2bea87d8c53bc3c1e3eb3ee80c8" // 44 bias_one
        hex"1caf2a25f43cc7f769e89a78af429c2e2c3696b9a4407749e2802d0a890ef0130c1c3b8e7babf38443ce68f1ea8eebe65eb750625d2a868e7f314503ba881ae3" // 45 fold_w_inner
        hex"0ea34aba5735ea250ed58e93209a95c740d93301a08dbe92349f44ace7b66a902f5c5da4b46a9e93d011f4c8842e581c6ba4dbb1cbd4d5d295f5969bcaa246bd" // 46 fold_w_jump_4
        hex"16008605bfa61e9246ca1ed733b40a8bd5ec127e8a8cd9a023ebd0acaaa9c6ca2874a92b15cde710d4e56363d3169b1ba1ee4d82930f884b01f8a4d582fab763" // 47 wide_first_2
        hex"057f3edf66a3163ac36b0f1794beb35eb973a13ffac4e7e9d401c877850c89cf0e594b7cb351228b91cfdcd5af3971628428956ef2831843cd92cb5767605e7b" // 48 wide_next_5
        hex"078b9a647696b79148de8c91e90eb6d3e73c5141bde095947dc1bbc06624bd1a01d66f0c66e9a88ccabdecde97f6cad01fd70ca8911da691349d890168edfed8" // 49 wide_first_1
        hex"16d1a6b24f89a38591ea39a4d21ae212dddcd470e45e8dad60718479ca1e6885201cc4d0df6b286f2c37726541330a57ebc7ac3ded1eb71812f5ce62f87a3287" // 50 wide_first_4
        hex"165eaa365e86b7ece2ab0657c4a799fa3d9d0ce28307222dc4bf3fb21ba5f72f119f73267cacdeac301629c79aac2f49db7eaf396d08432bfec5ad5f4dc632a3" // 51 wide_first_5
        hex"305383997b5cedd38006953ae9ab597580855c0026ac9085cf31e11cf49d59f1237e5848df279caa60448cedc2fb32fdf592389b35b5ea2e21d2e564b4241e2b" // 52 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"1dd399a22a0ca88a6fd78c332adfbe824db6f4232dc3226ae8181de88110dbe0" // 1 ω^-1021
        hex"1910cf3d7f4cf2e06d3d2e6646e7ee7b2ead518c3fe97ec9a1ab0fadd65640b2" // 2 ω^-768
        hex"23c87500bbffed05b29f384309101b7df41a0e415913f7201e8141dbbd999576" // 3 ω^-568
        hex"02e40daf409556c02bfc85eb303402b774954d30aeb0337eb85a71e6373428de" // 4 ω^-512
        hex"2724713603bfbd790aeaf3e7df25d8e7ef8f311334905b4d8c99980cf210979d" // 5 ω^-256
        hex"0ddbcb372089e4499600d679c923be351e1677706049f28bfa6fc5615139693a" // 6 ω^-44
        hex"2adf4b22fcc4f0e99bba8edea34212a40500e308a767cc51b38f6d1a199a9d58" // 7 ω^-28
        hex"28771071ab1633014eae27cfc16d5ebe08a8fe2fc9e85044e4a45f82c14cd825" // 8 ω^-12
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 9 ω^-8
        hex"2afd4e77273f1cb3434a4a667929058c156b21573c3f1efc882e708597d7161a" // 10 ω^-4
        hex"09ff38534bd08f2b08b6010aaee9ac485d3afb3a9ae4280907537b08fc6e53e5" // 11 ω^-1
        hex"10e3d295c1599ff535a1bb49f23d81aa03bd0ed25881f9ed12b179af67f67ae1" // 12 ω^1
        hex"2f6122bbf1d35fdaa9953f60087a423238aa810773efee2a251aa6161f2e6ee6" // 13 ω^2
        hex"2bc6fba9e9f8c42fe458dea80ddb1982620186ca88e026d277c6a56e8060f554" // 14 ω^3
        hex"14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f" // 15 ω^4
        hex"2ad9021ed07c42ab19f77c5cf2cbd2deb135ea330f1b1573bd08d99309c4bb7d" // 16 ω^8
        hex"1908597d2fc3bc1da312efa344e0fc8a7079300238f2ee35774f117e66fd4467" // 17 ω^12
        hex"09c532c6306b93d29678200d47c0b2a99c18d51b838eeb1d3eed4c533bb512d0" // 18 ω^256
        hex"21082ca216cbbf4e1c6e4f4594dd508c996dfbe1174efb98b11509c6e306460b" // 19 ω^512
        hex"01380b49aa24f293b77b623faf3616eb11290b47b6484d5c1e4fa5e2eb981b58" // 20 ω^564
        hex"1277ae6415f0ef18f2ba5fb162c39eb7311f386e2d26d64401f4a25da77c253b" // 21 ω^768
        hex"255d1a779a7a841f8d48e526867e532cbb1a60b38d2b313578c7fe242a23a21b" // 22 ω^1068
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
        hex"0000000000000000000000000000000000000000000000000000000000008000" // r21 = 32768
        hex"0000000000000000000000000000000000000000000000000000000000000100" // r22 = 256
        hex"0000000000000000000000000000000000000000000000000000000000010000" // r23 = 65536
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r24 = 2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709043e1f593f0000001" // r25 = -2^64
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e0f594f0000001" // r26 = -0xffff00000000
        hex"30644e72e131a029b85045b68181585d2833e84879b9709043e1f593f0000000" // r27 = -0x10000000000000001
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f59370000001" // r28 = -2^31
        hex"0000000000000000000000000000000000000000000000000000000080000000" // r29 = 2^31
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r30 = -32769
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r31 = -32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effc0001" // r32 = -262144
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffc01" // r33 = -1024
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ec000001" // r34 = -2^26
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f58ff0000001" // r35 = -2^34
        hex"0000000000000000000000000000000000000000000000000000000000000400" // r36 = 1024
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffe01" // r37 = -512
        hex"0000000000000000000000000000000000000000000000000000004000000000" // r38 = 2^38
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0007" // r39 = β · -1
        hex"8001_0001" // r40 = β · β
        hex"8028_0028" // r41 = r40 · r40
        hex"8029_0029" // r42 = r41 · r41
        hex"802a_002a" // r43 = r42 · r42
        hex"802b_002b" // r44 = r43 · r43
        hex"802c_002c" // r45 = r44 · r44
        hex"8007_002d" // r46 = -1 · r45
        hex"8007_0029" // r47 = -1 · r41
        hex"8002_0007" // r48 = α · -1
        hex"0030_0030" // r49 = r48 + r48
        hex"8003_0003" // r50 = τ · τ
        hex"8007_0032" // r51 = -1 · r50
        hex"8003_0007" // r52 = τ · -1
        hex"8002_0032" // r53 = α · r50
        hex"8002_0003" // r54 = α · τ
        hex"8002_0002" // r55 = α · α
        hex"8007_0030" // r56 = -1 · r48
        hex"800a_0029" // r57 = -2^24 · r41
        hex"8007_0039" // r58 = -1 · r57
        hex"0018_003a" // r59 = 2^24 + r58
        hex"800a_002a" // r60 = -2^24 · r42
        hex"8007_003c" // r61 = -1 · r60
        hex"003b_003d" // r62 = r59 + r61
        hex"8007_002a" // r63 = -1 · r42
        hex"8029_002a" // r64 = r41 · r42
        hex"8007_0040" // r65 = -1 · r64
        hex"8004_0004" // r66 = δ · δ
        hex"8004_0042" // r67 = δ · r66
        hex"802d_002d" // r68 = r45 · r45
        hex"8044_0044" // r69 = r68 · r68
        hex"8045_0045" // r70 = r69 · r69
        hex"8043_0046" // r71 = r67 · r70
        hex"0000_0001" // r72 = 1 + β
        hex"0000_0028" // r73 = 1 + r40
        hex"8048_0049" // r74 = r72 · r73
        hex"8045_004a" // r75 = r69 · r74
        hex"8047_004b" // r76 = r71 · r75
        hex"8007_004c" // r77 = -1 · r76
        hex"8007_0047" // r78 = -1 · r71
        hex"8007_004e" // r79 = -1 · r78
        hex"8042_0042" // r80 = r66 · r66
        hex"8042_0050" // r81 = r66 · r80
        hex"8009_0051" // r82 = -65536 · r81
        hex"8007_0052" // r83 = -1 · r82
        hex"8017_0051" // r84 = 65536 · r81
        hex"8007_0054" // r85 = -1 · r84
        hex"8016_0051" // r86 = 256 · r81
        hex"8007_0056" // r87 = -1 · r86
        hex"8007_0051" // r88 = -1 · r81
        hex"801f_0051" // r89 = -32768 · r81
        hex"8007_0059" // r90 = -1 · r89
        hex"8007_0043" // r91 = -1 · r67
        hex"8016_0043" // r92 = 256 · r67
        hex"8007_005c" // r93 = -1 · r92
        hex"801f_0043" // r94 = -32768 · r67
        hex"8007_005e" // r95 = -1 · r94
        hex"8004_0016" // r96 = δ · 256
        hex"8007_0060" // r97 = -1 · r96
        hex"8004_0020" // r98 = δ · -262144
        hex"8007_0062" // r99 = -1 · r98
        hex"8004_0021" // r100 = δ · -1024
        hex"8007_0064" // r101 = -1 · r100
        hex"8004_0007" // r102 = δ · -1
        hex"8004_0022" // r103 = δ · -2^26
        hex"8007_0067" // r104 = -1 · r103
        hex"8004_0023" // r105 = δ · -2^34
        hex"8007_0069" // r106 = -1 · r105
        hex"8004_0024" // r107 = δ · 1024
        hex"8007_006b" // r108 = -1 · r107
        hex"8004_0025" // r109 = δ · -512
        hex"8007_006d" // r110 = -1 · r109
        hex"8004_0026" // r111 = δ · 2^38
        hex"8007_006f" // r112 = -1 · r111
        hex"8029_002d" // r113 = r41 · r45
        hex"8045_0071" // r114 = r69 · r113
        hex"8046_0072" // r115 = r70 · r114
        hex"8046_0046" // r116 = r70 · r70
        hex"8073_0074" // r117 = r115 · r116
        hex"8004_0075" // r118 = δ · r117
        hex"8007_0076" // r119 = -1 · r118
        hex"8007_0077" // r120 = -1 · r119
        hex"8017_0042" // r121 = 65536 · r66
        hex"8007_0079" // r122 = -1 · r121
        hex"8004_0050" // r123 = δ · r80
        hex"8007_007b" // r124 = -1 · r123
        hex"007a_007c" // r125 = r122 + r124
        hex"8018_0042" // r126 = 2^24 · r66
        hex"8007_007e" // r127 = -1 · r126
        hex"8016_007b" // r128 = 256 · r123
        hex"8007_0080" // r129 = -1 · r128
        hex"007f_0081" // r130 = r127 + r129
        hex"8007_0042" // r131 = -1 · r66
        hex"8016_0042" // r132 = 256 · r66
        hex"8007_0084" // r133 = -1 · r132
        hex"801c_0042" // r134 = -2^31 · r66
        hex"8007_0086" // r135 = -1 · r134
        hex"801f_0042" // r136 = -32768 · r66
        hex"8007_0088" // r137 = -1 · r136
        hex"0087_0089" // r138 = r135 + r137
        hex"801f_007b" // r139 = -32768 · r123
        hex"8007_008b" // r140 = -1 · r139
        hex"008a_008c" // r141 = r138 + r140
        hex"8071_0074" // r142 = r113 · r116
        hex"8074_0074" // r143 = r116 · r116
        hex"808e_008f" // r144 = r142 · r143
        hex"8042_0090" // r145 = r66 · r144
        hex"8007_0091" // r146 = -1 · r145
        hex"8007_0092" // r147 = -1 · r146
        hex"8050_008e" // r148 = r80 · r142
        hex"8007_0094" // r149 = -1 · r148
        hex"8007_0095" // r150 = -1 · r149
        hex"802f_0095" // r151 = r47 · r149
        hex"8007_0097" // r152 = -1 · r151
        hex"8017_0050" // r153 = 65536 · r80
        hex"8007_0099" // r154 = -1 · r153
        hex"8018_0050" // r155 = 2^24 · r80
        hex"8007_009b" // r156 = -1 · r155
        hex"8007_0050" // r157 = -1 · r80
        hex"8016_0050" // r158 = 256 · r80
        hex"8007_009e" // r159 = -1 · r158
        hex"801c_0050" // r160 = -2^31 · r80
        hex"8007_00a0" // r161 = -1 · r160
        hex"801f_0050" // r162 = -32768 · r80
        hex"8007_00a2" // r163 = -1 · r162
        hex"00a1_00a3" // r164 = r161 + r163
        hex"807b_0090" // r165 = r123 · r144
        hex"804b_00a5" // r166 = r75 · r165
        hex"8007_00a6" // r167 = -1 · r166
        hex"8007_00a5" // r168 = -1 · r165
        hex"8007_00a8" // r169 = -1 · r168
        hex"8007_0058" // r170 = -1 · r88
        hex"802f_0058" // r171 = r47 · r88
        hex"8007_00ab" // r172 = -1 · r171
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
        hex"010027014200_010000014300_2b0031010000_2b0033010300_2b0007010b00_2b0007010f00_2b0034013500"
        hex"2c0031010000_2c0007011300_2c0007011700_2d0030010000_2d0007010400_2d0034010500_2d0033010600"
        hex"32003e020000_320000023b00_380007014400_380000014500"
        hex"04" // powers_first
        hex"000007000000_000000420000_38004d000000_38004f380000"
        hex"0a" // residual_limbs
        hex"0200000a0000_0200070b0000_0200080f0000_020009130000_02000a170000_380053094200_3800550a4200"
        hex"3800570c4200_3800581b4200_38005a420000"
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
        hex"0e00091b0000_0e0007222900_38005b0b4200_38005d0f4200_38005f420000"
        hex"2b" // exp_product
        hex"0f0015000000_0f0009120000_0f000a160000_0f00071a0000_0f00081e0000_0f0000363700_1000071d0000"
        hex"1000001d1d00_110000130000_110007131d00_110016170000_110008171d00_130016100000_130007120000"
        hex"130000121d00_130008160000_130016161d00_1300001b0000_1400070e0000_1400000e0e00_1500160c0e00"
        hex"1500000d0e00_1500170e1300_1500180e1700_1500170e1d00_1e001d000000_1e0016103000_1e0008110000"
        hex"1e0013140000_1e0009150000_1e0014180000_1e000a190000_1e00001b3000_1e00071c0000_3800610b4200"
        hex"3800630c4200_3800650d4200_3800660f4200_380068134200_38006a174200_3800681d4200_38006c314200"
        hex"38006e420000"
        hex"04" // far_masked
        hex"120007000000_1200001d0000_1600000e0000_380070420000"
        hex"04" // row_sum_first
        hex"1700190e0000_170008100000_1700071b0000_170000290000"
        hex"05" // row_sum_next
        hex"1800190e0000_180008100000_1800071b0000_180007280000_180000290000"
        hex"02" // row_carry
        hex"190007280000_190000290000"
        hex"0d" // row_recip
        hex"1a0007200000_1a0000290000_1b001a000000_1b00001f2900_1b0019290000_1b00002a0000_1c001b000000"
        hex"1c00001f0000_1c00072a0000_1c00072b0000_1d001c000000_1d0007220000_1d00002c0000"
        hex"02" // head_first
        hex"1f0007000000_1f0000460000"
        hex"02" // head_same
        hex"200007460000_200000470000"
        hex"02" // head_next_q
        hex"21002e460000_210000470000"
        hex"02" // head_next_s
        hex"22002e460000_220000470000"
        hex"05" // fold_q
        hex"2300070b4600_2300080f4600_2300003e0000_23002f3f0000_230015460000"
        hex"04" // fold_q_last
        hex"2400070b4600_2400080f4600_2400003e0000_240015460000"
        hex"05" // fold_k
        hex"250015000000_2500070b0000_2500080f0000_2500003e0000_2500273f0000"
        hex"04" // fold_k_last
        hex"260015000000_2600070b0000_2600080f0000_2600003e0000"
        hex"05" // fold_v
        hex"270015000000_2700070b0000_2700080f0000_2700003e0000_27002f400000"
        hex"04" // fold_v_last
        hex"280015000000_2800070b0000_2800080f0000_2800003e0000"
        hex"04" // fold_p
        hex"290007144600_290008184600_2900003e0000_290027400000"
        hex"03" // fold_p_last
        hex"2a0007144600_2a0008184600_2a00003e0000"
        hex"01" // qk_dot
        hex"3800783e4100"
        hex"05" // context
        hex"38007d0b4200_3800820f4200_380083134200_380085174200_38008d420000"
        hex"01" // pv_dot
        hex"3800933d3e00"
        hex"02" // qkv_dot
        hex"380096383b00_3800983a3b00"
        hex"05" // qkv_output
        hex"38009a0b4200_38009c0f4200_38009d134200_38009f174200_3800a4420000"
        hex"02" // attn_out_start
        hex"3800a7000000_3800a9380000"
        hex"02" // attn_out_dot
        hex"3800aa383b00_3800ac3a3b00"
        hex"04" // fold_x_run
        hex"2e0015000000_2e0007340000_2e0000380000_2e0027390000"
        hex"02" // fold_x_hold
        hex"2f0000380000_2f0007390000"
        hex"01" // fold_x_end
        hex"300000380000"
        hex"02" // bias_one
        hex"31001e000000_310000340000"
        hex"01" // fold_w_inner
        hex"3200413c0000"
        hex"01" // fold_w_jump_4
        hex"32002f3c0000"
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
        hex"32002f020000"
        hex"01" // weight 2
        hex"32003f020000"
        hex"02" // multiplicity
        hex"2d0000011b00_2d0038010000"
        hex"09" // helper 0
        hex"2b0032030f00_2b0035030000_2b00000b0f00_2b00020b0000_2b00030f3500_2b00020f0000_2b0036350000"
        hex"2b0037000000_380007000000"
        hex"05" // helper 1
        hex"2c0000131700_2c0002130000_2c0002170000_2c0037000000_380007000000"
        hex"09" // helper 2
        hex"2d0000041b00_2d0002040000_2d0003051b00_2d0036050000_2d0032061b00_2d0035060000_2d00021b0000"
        hex"2d0037000000_380007000000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"25_01_00" // tag at 0
        hex"26_01_00" // table key at 0
        hex"27_01_00" // table 0 at 0
        hex"28_01_00" // table tag at 0
        hex"35_03_040500" // input at -512, -256, 0
        hex"36_01_00" // output at 0
        hex"3a_04_00121315" // lane 0 at 0, 256, 512, 768
        hex"3b_04_00121315" // lane 1 at 0, 256, 512, 768
        hex"3c_04_00121315" // lane 2 at 0, 256, 512, 768
        hex"3d_04_00121315" // lane 3 at 0, 256, 512, 768
        hex"3e_04_00121315" // lane 4 at 0, 256, 512, 768
        hex"3f_15_01020304060708090a0b000c0d0e0f101112131416" // aux at -1021, -768, -568, -512, -44, -28, -12, -8, -4, -1, 0, 1, 2, 3, 4, 8, 12, 256, 512, 564, 1068
        hex"40_01_00" // x at 0
        hex"41_03_001213" // partner 0 at 0, 256, 512
        hex"43_03_000c0f" // fold x at 0, 1, 4
        hex"44_02_000c" // fold w at 0, 1
        hex"45_05_05000c0f12" // run at -256, 0, 1, 4, 256
        hex"46_02_000c" // powers at 0, 1
        hex"47_02_000c" // sum at 0, 1
        hex"48_02_000c" // head weight at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"0a5061c5421110aa59782e0948be4e0ca171054b5330ae8495b2528a2afdaeb2" // input at -512
        hex"1c1917d03b4f0e405010cf6c1e6ebb479b445f716bcbdba631796b3745c6388d" // input at -256
        hex"09fad4dd63d1813f0ec748411a544f08eb7e838bbabce6667cb637d27f3c18c2" // input at 0
        hex"08dc242ce3cc58eadc4737da981ad115d9b1c0d1f4186a61a7f0170151a7cf2f" // lane 0 at 0
        hex"2ee9a6483b5d3143f5200a8410d1198ba18401bb96c84f4ba8d7cd300deaeff5" // lane 0 at 256
        hex"0dac86288becfe42b2e3b5840c781c8362e36f95a7afd79ba6cc863aa6286d3e" // lane 0 at 512
        hex"1b564c48174cb7e1ec55938a4d9ea995724e9e6dc0e24fd9902f80bbda44d3a0" // lane 0 at 768
        hex"08dc242ce3cc58eadc4737da981ad115d9b1c0d1f4186a61a7f0170151a7cf2f" // lane 1 at 0
        hex"2ee9a6483b5d3143f5200a8410d1198ba18401bb96c84f4ba8d7cd300deaeff5" // lane 1 at 256
        hex"0dac86288becfe42b2e3b5840c781c8362e36f95a7afd79ba6cc863aa6286d3e" // lane 1 at 512
        hex"1b564c48174cb7e1ec55938a4d9ea995724e9e6dc0e24fd9902f80bbda44d3a0" // lane 1 at 768
        hex"08dc242ce3cc58eadc4737da981ad115d9b1c0d1f4186a61a7f0170151a7cf2f" // lane 2 at 0
        hex"2ee9a6483b5d3143f5200a8410d1198ba18401bb96c84f4ba8d7cd300deaeff5" // lane 2 at 256
        hex"0dac86288becfe42b2e3b5840c781c8362e36f95a7afd79ba6cc863aa6286d3e" // lane 2 at 512
        hex"1b564c48174cb7e1ec55938a4d9ea995724e9e6dc0e24fd9902f80bbda44d3a0" // lane 2 at 768
        hex"08dc242ce3cc58eadc4737da981ad115d9b1c0d1f4186a61a7f0170151a7cf2f" // lane 3 at 0
        hex"2ee9a6483b5d3143f5200a8410d1198ba18401bb96c84f4ba8d7cd300deaeff5" // lane 3 at 256
        hex"0dac86288becfe42b2e3b5840c781c8362e36f95a7afd79ba6cc863aa6286d3e" // lane 3 at 512
        hex"1b564c48174cb7e1ec55938a4d9ea995724e9e6dc0e24fd9902f80bbda44d3a0" // lane 3 at 768
        hex"08dc242ce3cc58eadc4737da981ad115d9b1c0d1f4186a61a7f0170151a7cf2f" // lane 4 at 0
        hex"2ee9a6483b5d3143f5200a8410d1198ba18401bb96c84f4ba8d7cd300deaeff5" // lane 4 at 256
        hex"0dac86288becfe42b2e3b5840c781c8362e36f95a7afd79ba6cc863aa6286d3e" // lane 4 at 512
        hex"1b564c48174cb7e1ec55938a4d9ea995724e9e6dc0e24fd9902f80bbda44d3a0" // lane 4 at 768
        hex"07fe62de9e925205773a46f7179906fda7af58034356c2fe5c968d400c333b15" // aux at -1021
        hex"054321fe80841b59fc2e3b21126a2bd8d119acb01316e76af052e61d010fe9cc" // aux at -768
        hex"29a3cbe93b606c7317c6de0168f5df5cdb33aaea4fdc1eaed51e0878c2c76113" // aux at -568
        hex"17d9462f7721ca44fcff5351751cc669e5465c323bdc19eb8866371d394f4722" // aux at -512
        hex"0a4d30662f71887ef330f25027b505f4262549ce8ba7b72e1b84de6f64ff0f3c" // aux at -44
        hex"16781f924b2d76e0c9791216c2113dec954cd5de962b3ebcb127bbbba481006c" // aux at -28
        hex"220ee4c5b60558e434fe705767fbdc83d5ccf21d1d7c3ac7b0b012a8076b60d8" // aux at -12
        hex"29b258735ca3611af5b8cf2e3e928ec2d6c7952cc27609d35208b4ac10878ff3" // aux at -8
        hex"1b3e69e33fa1989cb5edb01930fdeaca27e3007d07bfccef095f21cbb46967c3" // aux at -4
        hex"097de1699b4ea89b6ad23a494a670edb27662dafb648e174ce8ba666aad001ca" // aux at -1
        hex"175cf45bb5d576903c27ac9caa82e60444f563768250b7347c3c419c3d9fe3c0" // aux at 0
        hex"067c232750d3b50913dd9181e823053804e71dc4bc388b771c19f8ea4898ede9" // aux at 1
        hex"13da4c1877093b6c491963d531eb91277ec63c645ebb7e5f301176880df60b3e" // aux at 2
        hex"2220897f9fbfee53244cc3980fd3c16342f181b02b73f7b415a62f59b5e28460" // aux at 3
        hex"293386795e686dfeada6f49686fcab548ff2fb4fd24188fbf5e4f2158334b501" // aux at 4
        hex"181ffc6e6c83894bc09dd3bd4b54918f136ad8f9bf93ca0d87b52fd00fa116a9" // aux at 8
        hex"0a8989872ce7a1bf3f93c40741a0a1560c94a327ec0eab579cceb31104f323ee" // aux at 12
        hex"01b769762312a591049754cdf7c16bf8e062ed4d3f5c35f528ee08414bc1dc8f" // aux at 256
        hex"146f05470832573003416ac88164b0991edf06892d97c6b9228d6e4a91fccd89" // aux at 512
        hex"29b245d77b11366bbfd1ada5360222679141da6a2064d8f24deeb92d1129c754" // aux at 564
        hex"245ff2e9d68381636fe4784463be973f5569acdf4b550cfec334d60b053706a9" // aux at 1068
        hex"1bf9fd14a5f6ee32aa33a8088c083e8c49f803d1e49993e7466b3eedb165b8fd" // partner 0 at 0
        hex"28a4da1b01bb42377dd752e573f6ff710ef62cc6844dab988c449937eb30798c" // partner 0 at 256
        hex"1c29c5b61ab10fe94895907f030372bcf7799ff88a8ba1a2b51413024369cd79" // partner 0 at 512
        hex"0d3a84d64d544c7dc3b3795348f8650520586fe9810f33502721c92f1cd193bc" // fold x at 0
        hex"07a8cb817de62bc84c71e0c7cf347414fb7ad56343df6c347acc4eef9b905f8f" // fold x at 1
        hex"1b80fe1b15f727e3a82aeb9b69547f430c60a2fbb4cad10ca1f3dd75379e0cb6" // fold x at 4
        hex"2d19dc6e7a312123a624d9d7e774af33efb6ac66d391da8dc428121446767ab8" // fold w at 0
        hex"034a720467007f06122b6bde9a0ca929387d3be1a62796037fb9e37fa9898549" // fold w at 1
        hex"13a12efd2c621947f44d415a8ecbffc099b3cf7832964f5601621771413e45a3" // run at -256
        hex"01ea5258a5bcfb09c5eae930c81ab727ae78b35c14cec84388bb522050f431e7" // run at 0
        hex"2d1c3bae236cd0f60b2645c4d92a8894199d336a6eb000b8dfa82d90ffcf2336" // run at 1
        hex"1b6cf11c04ccdaa04b9e995bb812894291d5c3e2cb62f1bcc2d0a1459e497a11" // run at 4
        hex"02b3eec5c80a806b5fa381c11adee7fb5cc8566f71fad7135b2db2bfafb4eb31" // run at 256
        hex"2d19dc6e7a312123a624d9d7e774af33efb6ac66d391da8dc428121446767ab8" // powers at 0
        hex"034a720467007f06122b6bde9a0ca929387d3be1a62796037fb9e37fa9898549" // powers at 1
        hex"2d19dc6e7a312123a624d9d7e774af33efb6ac66d391da8dc428121446767ab8" // sum at 0
        hex"034a720467007f06122b6bde9a0ca929387d3be1a62796037fb9e37fa9898549" // sum at 1
        hex"2d19dc6e7a312123a624d9d7e774af33efb6ac66d391da8dc428121446767ab8" // head weight at 0
        hex"034a720467007f06122b6bde9a0ca929387d3be1a62796037fb9e37fa9898549" // head weight at 1
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
        hex"2e" // 29 fold_w_jump_4
        hex"2f" // 2a wide_first_2
        hex"30" // 2b wide_next_5
        hex"31" // 2c wide_first_1
        hex"32" // 2d wide_first_4
        hex"33" // 2e wide_first_5
        hex"34" // 2f sum_ends
        hex"37" // 30 weight 0
        hex"38" // 31 weight 1
        hex"39" // 32 weight 2
        hex"42" // 33 multiplicity
        hex"49" // 34 helper 0
        hex"4a" // 35 helper 1
        hex"4b" // 36 helper 2
        ;
}
