// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `mlp d=768 h=12 f=3072 v=1024 n=32 k=18 c=19 l=3x16`
/// @notice Verifying key 0xe22a3a7d97c19d5addfd6f538919bb2621f5d07ab362a33f6425bd6ffdf8a60d
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract Gpt2SmallMlp is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 18;
    /// Public inputs.
    uint256 private constant INSTANCES = 2;
    /// First-phase commitments, among them: input, output, 19 of weights.
    uint256 private constant FIRST = 28;
    /// Second-phase commitments.
    uint256 private constant SECOND = 6;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 36;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 2304;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 3456;
    uint256 private constant PROOF_LENGTH = 3584;

    uint256 private constant GATES = 27;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 29;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 18;
    uint256 private constant LINEAR_COLUMNS = 45;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 14;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 7;
    uint256 private constant SCALARS_AT = 26;
    uint256 private constant REGISTERS = 197;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0xe22a3a7d97c19d5addfd6f538919bb2621f5d07ab362a33f6425bd6ffdf8a60d;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x209900b212fb1cb3fcbc5879831459b181262f58cc7ce0fa549de7203df8a609;
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
        weights = keccak256(proof[128:1344]);
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
        return (2, Activations(K, 32, 768));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "mlp d=768 h=12 f=3072 v=1024 n=32 k=18 c=19 l=3x16";
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
        hex"068663ecbc1aaf0a293f7727df95b955b4bf17ab214e200e610cda732cbb8782128349c1778fe41740b074253f70e505f44b14abdf085e8f751cc98b99a3e8b3" // 0 active
        hex"2cf8a8f42c8aeefb3ea4a375a23084cdd0636da18a9acd82e2a2dd994eee1b531ebb64b1da1189b8bdaefbb5ef5284e1c10d85970e66441180e56b92be38fc00" // 1 weight rows
        hex"1343853835918c9fe9287cd0c39576487fa5f1642709bc6fb05868e0139068432c0241ce11ac1bc5e6658777a5f0b96486c7cb2698440c8d51c325583300d7b7" // 2 powers_first
        hex"2a34a7ad0a1cee4843c1a2452ca25918fe419bcf1168b666980bfc385d27ffda202e414bd46c351d1d57abd8993dd4b73908ec5a7b0b8369d53fd976894c6d79" // 3 residual_limbs
        hex"0a645245195a20b2be42457912dd1f2f8f0c2733e09c93568987b88cefe6c7210346277a163ef7b83645583b25ebee98e144df3df596c789a2023f61778be936" // 4 norm_sums_first
        hex"03192963777ea648fbc7326a99ef9ed7c253860d1033941205c8022f7a80a9320126be3fd2a662210ed81f0293191deef944821dce73e99d548b7a39bfe3529c" // 5 norm_sums_next
        hex"1f7be2ea0eb3fb09401c684a56a8e5953389cf4445a0c76be5d1fd1d7838abf60ed1be78d0de99ac35f74b9a44707ea1f361d18ccb01742e33947e95ab2bde98" // 6 norm_sums
        hex"301bd3df2b39aeb81612648cb7d9c877cc330890dac3a394005081063201172e2229e631512e3fdc3a1073c3e7eb1bfe563205d276dec4f9f2c2d7f4b965bede" // 7 norm_rest
        hex"2e1e7961a9ccff1e000f18577ef1badb82fdabc280b1c1daba6f3c71b46a2c37105c79f037c3bc33554608abf1b8f59a5ff1f32498ee2fcc835ca998bac39cc8" // 8 norm_copy_r
        hex"2334ee764da8bf2de38d1df94d3cb1e5fe44f4aa1e2c4e98564ddb386df73ebd0b6c5badad754e6b30210f9eabd5ac28173c107c07d0a1d347a89b67eeb1f944" // 9 norm_copy_mean
        hex"1937da546b9229848fab9c0cb4afa48a1544ed261630b2a42a1980e888f6e5b80bd9d0f1a7f9e8e52cb612e602c4d2149b0e16d2693d6bf067ebe1d1f7eb2c22" // 10 norm_carry
        hex"095d855a9ad645563348e5e07bc8dff26fe179b69bccec3d83eb650a000380df1e1adc9037a16235ea0d0149131755f35431b149be78e927f2837eadb2a95eed" // 11 norm_out
        hex"07da15463e6380cd9f526a41097377d89b1e0274079abe648c0523f73bc03edd1e7c99f8624748a250237d626c880eff551084b5c35498c0124a972111a4ce66" // 12 fc_dot
        hex"19225f860f0ee2f010ad5ce0952720c602ad61a195c65c13d961638bd9dafa180ed77e5833bfb2c0df8c76c848dd43c47b86b0f5d4698061b322ce95486c95ae" // 13 fc_output
        hex"2f5fb3ab1cdc6ed7ded6374f81fe4a75cc9a398b23f495b0dcca47218d4d30af125b9aa3c615947e8484e54ee3836ba16a5f5bfdbb850f86f545f513d44d8663" // 14 mlp_out_start
        hex"15ed8a931d6e48f78612b9cd1d040e2dc174f3c28047f47043f52c420c1b76da0de89a94db8baff5e471e0d14781cd44de12df37799c58e19afb3dd2afff289d" // 15 mlp_out_dot
        hex"266bfeae5bce887444ac135a74c748e6fe2dc1ab383e080956538571be00348a0ff229ea7791f5087b9725f6e62504efd61404817022ef22d33aeaefd5c97c77" // 16 tag
        hex"25d980575329e8d63ad7a49643fc09577a5411a0c8f256466f440f09b9bbf988302da633945bd8ed9b2524e7187be5c6bca5c51cadd27b0e6504af152bec356d" // 17 table key
        hex"118c5d7b2a78ce03f84d291e4ac1dba40bdb52530a123ddfd80ee5df6e5094132065949b8e3ed54170e4af6280b06edd5a42d9c062716f2093c2373bf88dc3b6" // 18 table 0
        hex"2ec949fc63fe2dca675a4fef9b54260b62eda54917bdde111cddf41010a177d0241583dea447504f10e68a87e236df53b1b0ca4f03c3ee0a61c6690a3bb81eee" // 19 table tag
        hex"1cb2b9943584008c0cd92fca56336cdfcfd1cf289af2d885d4783a3365d3bfba00f5e78e1a20bcdb6815c56bc2eb3ce11c1468e33988301e211a97e15dc2ebc4" // 20 fold_x_run
        hex"1529ac2a37dae29382480ecc1ae302528db318d4719e9bea8c1f40d47c9bb20d2fa13cbc5c19cad93c468073da8222a05d03061b73ec5eefca8200e9aa7858f6" // 21 fold_x_hold
        hex"2acb81a5b28b50f217c06374c2f4670e1edaf127d9a191a1c8a9d85afc6f7f9505c5f31fc594000d593cc845c16546883a0329838dfe912babdc906bc6f20f66" // 22 fold_x_end
        hex"081052492daf21b7e2828f4da501d57def118ee868e78c60ccb5071cd36c6b3501e04d827975264e6817fc6448b4f68702384aec2d122e76ba3039d05a683b17" // 23 bias_one
        hex"155134e280d4c9882a7255c4de004b42f0585bceaccf387b591a9c7bd8146ea4161fece948aedef2989afcd6a62fc45ef701390bd0c85f1e4ad4567e0bc07c45" // 24 fold_w_inner
        hex"256f8e6a04806842a6dde8ad428c7e79369b7b8d064cb7eac0d874b4921e3ead1f978ebbb454913d1af40c0ff411942c0bd9cb40ffc99b26921e9541cc736827" // 25 wide_first_3
        hex"1dbe9374ea46cb0da2f59a3212f5ce484e4c61941d069a6b2b96f54317458223014b878046e71ef12ab5f0b6a721657ec20d4f3e2ffd5765a58b1d6f829517b1" // 26 wide_next_3
        hex"2a61242d6c7bfa8046071b304c55daa8204cf1e4a305136579ab3362d7ff16eb1d5c1854c8685f4addcb6540e1474db552ba04514889e4d6da48ac7c39921fcf" // 27 wide_first_2
        hex"0b15fd740dd052cdf4a37f79d2137a9f82dbb7b8c9747a6e03a23afa6153974a1453090a99685d76ac6da285f90e0373e2c7cc3e63a24e24a477d1d55dbf91c2" // 28 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"0dd360411caed09700b52c71a6655715c4d558439e2d34f4307da9a4be13c42e" // 1 ω^-49152
        hex"1910cf3d7f4cf2e06d3d2e6646e7ee7b2ead518c3fe97ec9a1ab0fadd65640b2" // 2 ω^-24576
        hex"1981bb0be2ace527d2109f3b9f7c03f640d9ae52819d74af746856067360fe6e" // 3 ω^-320
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 4 ω^-256
        hex"08835809c497907dc3a0df6d7b79186a47664395ef320f8027e70c62ad8206a8" // 5 ω^-160
        hex"179c2392139def1b24f4e92b4bfba20a0fa885cb6bfc2f2cb92790e00237d0c0" // 6 ω^-64
        hex"09ff38534bd08f2b08b6010aaee9ac485d3afb3a9ae4280907537b08fc6e53e5" // 7 ω^-32
        hex"0f60c8fe0414cb9379b2d39267945f6bd60d06a05216231b26a9fcf88ddbfebe" // 8 ω^1
        hex"10e3d295c1599ff535a1bb49f23d81aa03bd0ed25881f9ed12b179af67f67ae1" // 9 ω^32
        hex"2f6122bbf1d35fdaa9953f60087a423238aa810773efee2a251aa6161f2e6ee6" // 10 ω^64
        hex"2bc6fba9e9f8c42fe458dea80ddb1982620186ca88e026d277c6a56e8060f554" // 11 ω^96
        hex"2f25e9254e0bdb0d41b681fe927ecf006d8eafb04afb0971c9075aa7fc4fd9af" // 12 ω^49440
        hex"06fd19c17017a420ebbebc2bb08771e339ba79c0a8d2d7ab11f995e1bc2e5912" // 13 ω^73984
        ;

    /// Constants among the coefficients.
    bytes private constant CONSTANTS =
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000" // r7 = -1
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff0001" // r8 = -65536
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e0f593f0000001" // r9 = -2^48
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffd01" // r10 = -768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f58e0a0cf181" // r11 = -0x5e5f30e80
        hex"0000000000000000000000000000000000000000000000000000000000090000" // r12 = 589824
        hex"0000000000000000000000000000000000000000000000000000000000000600" // r13 = 1536
        hex"30644e72e131a029b85045b68181585d2833e7b879b9709143e1f593f0000001" // r14 = -0x90000000000000000000000000
        hex"0000000000000000000000000000000000000000000000000000000000000002" // r15 = 2
        hex"0000000000000000000000000000000000000000000000000000800080000000" // r16 = 0x800080000000
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f592f0000001" // r17 = -2^32
        hex"0000000000000000000000000000000000000000000000000000000000008000" // r18 = 32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r19 = -32769
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r20 = 2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef000001" // r21 = -2^24
        hex"0000000000000000000000000000000000000000000000000000000000010000" // r22 = 65536
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r23 = -32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f59370000001" // r24 = -2^31
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffe001" // r25 = -8192
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0007" // r26 = β · -1
        hex"8002_0007" // r27 = α · -1
        hex"001b_001b" // r28 = r27 + r27
        hex"8003_0003" // r29 = τ · τ
        hex"8007_001d" // r30 = -1 · r29
        hex"8003_0007" // r31 = τ · -1
        hex"8002_001d" // r32 = α · r29
        hex"8002_0003" // r33 = α · τ
        hex"8002_0002" // r34 = α · α
        hex"8007_001b" // r35 = -1 · r27
        hex"8001_0001" // r36 = β · β
        hex"8024_0024" // r37 = r36 · r36
        hex"8025_0025" // r38 = r37 · r37
        hex"8026_0026" // r39 = r38 · r38
        hex"8027_0027" // r40 = r39 · r39
        hex"8015_0028" // r41 = -2^24 · r40
        hex"8007_0029" // r42 = -1 · r41
        hex"0014_002a" // r43 = 2^24 + r42
        hex"8028_0028" // r44 = r40 · r40
        hex"8015_002c" // r45 = -2^24 · r44
        hex"8007_002d" // r46 = -1 · r45
        hex"002b_002e" // r47 = r43 + r46
        hex"8028_002c" // r48 = r40 · r44
        hex"8015_0030" // r49 = -2^24 · r48
        hex"8007_0031" // r50 = -1 · r49
        hex"002f_0032" // r51 = r47 + r50
        hex"802c_002c" // r52 = r44 · r44
        hex"8015_0034" // r53 = -2^24 · r52
        hex"8007_0035" // r54 = -1 · r53
        hex"0033_0036" // r55 = r51 + r54
        hex"8028_0034" // r56 = r40 · r52
        hex"8015_0038" // r57 = -2^24 · r56
        hex"8007_0039" // r58 = -1 · r57
        hex"0037_003a" // r59 = r55 + r58
        hex"802c_0034" // r60 = r44 · r52
        hex"8015_003c" // r61 = -2^24 · r60
        hex"8007_003d" // r62 = -1 · r61
        hex"003b_003e" // r63 = r59 + r62
        hex"8030_0034" // r64 = r48 · r52
        hex"8015_0040" // r65 = -2^24 · r64
        hex"8007_0041" // r66 = -1 · r65
        hex"003f_0042" // r67 = r63 + r66
        hex"8034_0034" // r68 = r52 · r52
        hex"8015_0044" // r69 = -2^24 · r68
        hex"8007_0045" // r70 = -1 · r69
        hex"0043_0046" // r71 = r67 + r70
        hex"8028_0044" // r72 = r40 · r68
        hex"8015_0048" // r73 = -2^24 · r72
        hex"8007_0049" // r74 = -1 · r73
        hex"0047_004a" // r75 = r71 + r74
        hex"802c_0044" // r76 = r44 · r68
        hex"8015_004c" // r77 = -2^24 · r76
        hex"8007_004d" // r78 = -1 · r77
        hex"004b_004e" // r79 = r75 + r78
        hex"8030_0044" // r80 = r48 · r68
        hex"8015_0050" // r81 = -2^24 · r80
        hex"8007_0051" // r82 = -1 · r81
        hex"004f_0052" // r83 = r79 + r82
        hex"8034_0044" // r84 = r52 · r68
        hex"8015_0054" // r85 = -2^24 · r84
        hex"8007_0055" // r86 = -1 · r85
        hex"0053_0056" // r87 = r83 + r86
        hex"8038_0044" // r88 = r56 · r68
        hex"8015_0058" // r89 = -2^24 · r88
        hex"8007_0059" // r90 = -1 · r89
        hex"0057_005a" // r91 = r87 + r90
        hex"803c_0044" // r92 = r60 · r68
        hex"8015_005c" // r93 = -2^24 · r92
        hex"8007_005d" // r94 = -1 · r93
        hex"005b_005e" // r95 = r91 + r94
        hex"8040_0044" // r96 = r64 · r68
        hex"8015_0060" // r97 = -2^24 · r96
        hex"8007_0061" // r98 = -1 · r97
        hex"005f_0062" // r99 = r95 + r98
        hex"8044_0044" // r100 = r68 · r68
        hex"8015_0064" // r101 = -2^24 · r100
        hex"8007_0065" // r102 = -1 · r101
        hex"0063_0066" // r103 = r99 + r102
        hex"8028_0064" // r104 = r40 · r100
        hex"8015_0068" // r105 = -2^24 · r104
        hex"8007_0069" // r106 = -1 · r105
        hex"0067_006a" // r107 = r103 + r106
        hex"802c_0064" // r108 = r44 · r100
        hex"8015_006c" // r109 = -2^24 · r108
        hex"8007_006d" // r110 = -1 · r109
        hex"006b_006e" // r111 = r107 + r110
        hex"8007_0028" // r112 = -1 · r40
        hex"8007_002c" // r113 = -1 · r44
        hex"8007_0030" // r114 = -1 · r48
        hex"8007_0034" // r115 = -1 · r52
        hex"8007_0038" // r116 = -1 · r56
        hex"8007_003c" // r117 = -1 · r60
        hex"8007_0040" // r118 = -1 · r64
        hex"8007_0044" // r119 = -1 · r68
        hex"8007_0048" // r120 = -1 · r72
        hex"8007_004c" // r121 = -1 · r76
        hex"8007_0050" // r122 = -1 · r80
        hex"8007_0054" // r123 = -1 · r84
        hex"8007_0058" // r124 = -1 · r88
        hex"8007_005c" // r125 = -1 · r92
        hex"8007_0060" // r126 = -1 · r96
        hex"8007_0064" // r127 = -1 · r100
        hex"8007_0068" // r128 = -1 · r104
        hex"8007_006c" // r129 = -1 · r108
        hex"8030_0064" // r130 = r48 · r100
        hex"8007_0082" // r131 = -1 · r130
        hex"8064_0064" // r132 = r100 · r100
        hex"8084_0084" // r133 = r132 · r132
        hex"8085_0085" // r134 = r133 · r133
        hex"8086_0086" // r135 = r134 · r134
        hex"8087_0087" // r136 = r135 · r135
        hex"8087_0088" // r137 = r135 · r136
        hex"8004_0089" // r138 = δ · r137
        hex"0000_0001" // r139 = 1 + β
        hex"0000_0024" // r140 = 1 + r36
        hex"808b_008c" // r141 = r139 · r140
        hex"0000_0025" // r142 = 1 + r37
        hex"808d_008e" // r143 = r141 · r142
        hex"0000_0026" // r144 = 1 + r38
        hex"808f_0090" // r145 = r143 · r144
        hex"0000_0027" // r146 = 1 + r39
        hex"8091_0092" // r147 = r145 · r146
        hex"8089_0093" // r148 = r137 · r147
        hex"808a_0094" // r149 = r138 · r148
        hex"8007_0095" // r150 = -1 · r149
        hex"8007_008a" // r151 = -1 · r138
        hex"8007_0097" // r152 = -1 · r151
        hex"8004_0004" // r153 = δ · δ
        hex"8099_0099" // r154 = r153 · r153
        hex"8008_009a" // r155 = -65536 · r154
        hex"8007_009b" // r156 = -1 · r155
        hex"8016_009a" // r157 = 65536 · r154
        hex"8007_009d" // r158 = -1 · r157
        hex"8007_009a" // r159 = -1 · r154
        hex"8017_009a" // r160 = -32768 · r154
        hex"8007_00a0" // r161 = -1 · r160
        hex"8004_0007" // r162 = δ · -1
        hex"8004_0017" // r163 = δ · -32768
        hex"8007_00a3" // r164 = -1 · r163
        hex"8058_0087" // r165 = r88 · r135
        hex"8088_0088" // r166 = r136 · r136
        hex"80a6_00a6" // r167 = r166 · r166
        hex"80a5_00a7" // r168 = r165 · r167
        hex"8099_00a8" // r169 = r153 · r168
        hex"8007_00a9" // r170 = -1 · r169
        hex"8007_00aa" // r171 = -1 · r170
        hex"8070_00aa" // r172 = r112 · r170
        hex"8007_00ac" // r173 = -1 · r172
        hex"8016_0099" // r174 = 65536 · r153
        hex"8007_00ae" // r175 = -1 · r174
        hex"8007_0099" // r176 = -1 · r153
        hex"8004_0099" // r177 = δ · r153
        hex"8007_00b1" // r178 = -1 · r177
        hex"8018_0099" // r179 = -2^31 · r153
        hex"8007_00b3" // r180 = -1 · r179
        hex"8017_0099" // r181 = -32768 · r153
        hex"8007_00b5" // r182 = -1 · r181
        hex"00b4_00b6" // r183 = r180 + r182
        hex"8019_00b1" // r184 = -8192 · r177
        hex"8007_00b8" // r185 = -1 · r184
        hex"00b7_00b9" // r186 = r183 + r185
        hex"80a8_00b1" // r187 = r168 · r177
        hex"80a6_00a7" // r188 = r166 · r167
        hex"8093_00bc" // r189 = r147 · r188
        hex"80bb_00bd" // r190 = r187 · r189
        hex"8007_00be" // r191 = -1 · r190
        hex"8007_00bb" // r192 = -1 · r187
        hex"8007_00c0" // r193 = -1 · r192
        hex"8007_009f" // r194 = -1 · r159
        hex"8070_009f" // r195 = r112 · r159
        hex"8007_00c3" // r196 = -1 · r195
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
    /// 0f logup_helper_0: the helper is the sum of two lanes' inverses
    /// 10 logup_table: the helper is the last lane's inverse less the table's, times its multiplicity
    /// 11 fold_x_run: folds an input over positions
    /// 12 fold_x_hold: carries the fold
    /// 13 fold_x_end: a fold ends with its matrix
    /// 14 bias_one: the input of the bias is one
    /// 15 fold_w: folds the weights of an input over outputs
    /// 16 wide_first_3: a wide number from its limbs
    /// 17 wide_next_3: a wide number from its limbs
    /// 18 wide_first_2: a wide number from its limbs
    /// 19 sum_next: the running sum takes up every equation's terms of the row
    /// 1a sum_ends: the running sum starts and ends at zero
    bytes private constant TERMS =
        hex"0f" // opened cells only
        hex"01001a012100_010000012200_0f001c010000_0f001e010300_0f0007010b00_0f0007010c00_0f001f011b00"
        hex"10001b010000_100007010400_10001f010500_10001e010600_15006f020000_150000021f00_190007012300"
        hex"190000012400"
        hex"04" // powers_first
        hex"000007000000_000000210000_190096000000_1900981c0000"
        hex"07" // residual_limbs
        hex"0200000a0000_0200070b0000_0200080c0000_19009c092100_19009e0a2100_19009f0d2100_1900a1210000"
        hex"03" // norm_sums_first
        hex"030007070000_030009070700_030000140000"
        hex"04" // norm_sums_next
        hex"040007070000_040009070700_040007130000_040000140000"
        hex"14" // norm_sums
        hex"0500000f0000_050009100000_05000a130000_050007150000_06000b000000_06000a100000_06000c131300"
        hex"06000d131500_060000151500_060000160000_070007141600_070000170000_08000e000000_080000110000"
        hex"080000141700_090007000000_090007110000_090007120000_090000160000_09000f170000"
        hex"02" // norm_rest
        hex"0a00070b0000_0a0000140000"
        hex"02" // norm_copy_r
        hex"0b0000140000_0b0007180000"
        hex"02" // norm_copy_mean
        hex"0c0000140000_0c0007190000"
        hex"02" // norm_carry
        hex"0d0007130000_0d0000140000"
        hex"08" // norm_out
        hex"0e0010000000_0e0000081400_0e00110b0000_0e00070c0000_0e00080d0000_0e00070e1400_1900a20b2100"
        hex"1900a4210000"
        hex"02" // fc_dot
        hex"1900ab1c1f00_1900ad1e1f00"
        hex"04" // fc_output
        hex"1900af0b2100_1900b00c2100_1900b21b2100_1900ba210000"
        hex"02" // mlp_out_start
        hex"1900bf000000_1900c11c0000"
        hex"02" // mlp_out_dot
        hex"1900c21c1f00_1900c41e1f00"
        hex"04" // fold_x_run
        hex"110012000000_1100071a0000_1100001c0000_11001a1d0000"
        hex"02" // fold_x_hold
        hex"1200001c0000_1200071d0000"
        hex"01" // fold_x_end
        hex"1300001c0000"
        hex"02" // bias_one
        hex"140013000000_1400001a0000"
        hex"01" // fold_w_inner
        hex"150083200000"
        hex"04" // wide_first_3
        hex"1600070b0000_1600080c0000_1600110d0000_160000140000"
        hex"05" // wide_next_3
        hex"1700070b0000_1700080c0000_1700110d0000_170009130000_170000140000"
        hex"03" // wide_first_2
        hex"1800070b0000_1800080c0000_180000140000"
        hex"01" // sum_ends
        hex"1a0000240000"
        hex"01" // weight 0
        hex"150007020000"
        hex"01" // weight 1
        hex"150070020000"
        hex"01" // weight 2
        hex"150071020000"
        hex"01" // weight 3
        hex"150072020000"
        hex"01" // weight 4
        hex"150073020000"
        hex"01" // weight 5
        hex"150074020000"
        hex"01" // weight 6
        hex"150075020000"
        hex"01" // weight 7
        hex"150076020000"
        hex"01" // weight 8
        hex"150077020000"
        hex"01" // weight 9
        hex"150078020000"
        hex"01" // weight 10
        hex"150079020000"
        hex"01" // weight 11
        hex"15007a020000"
        hex"01" // weight 12
        hex"15007b020000"
        hex"01" // weight 13
        hex"15007c020000"
        hex"01" // weight 14
        hex"15007d020000"
        hex"01" // weight 15
        hex"15007e020000"
        hex"01" // weight 16
        hex"15007f020000"
        hex"01" // weight 17
        hex"150080020000"
        hex"01" // weight 18
        hex"150081020000"
        hex"02" // multiplicity
        hex"100000010d00_100023010000"
        hex"09" // helper 0
        hex"0f001d030c00_0f0020030000_0f00000b0c00_0f00020b0000_0f00030c1b00_0f00020c0000_0f00211b0000"
        hex"0f0022000000_190007000000"
        hex"09" // helper 1
        hex"100000040d00_100002040000_100003050d00_100021050000_10001d060d00_100020060000_1000020d0000"
        hex"100022000000_190007000000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"10_01_00" // tag at 0
        hex"11_01_00" // table key at 0
        hex"12_01_00" // table 0 at 0
        hex"13_01_00" // table tag at 0
        hex"1d_03_010200" // input at -49152, -24576, 0
        hex"1e_01_00" // output at 0
        hex"32_01_00" // lane 0 at 0
        hex"33_01_00" // lane 1 at 0
        hex"34_01_00" // lane 2 at 0
        hex"35_0c_02030405060700090a0b0c0d" // aux at -24576, -320, -256, -160, -64, -32, 0, 32, 64, 96, 49440, 73984
        hex"36_01_00" // x at 0
        hex"37_01_00" // partner 0 at 0
        hex"39_03_000809" // fold x at 0, 1, 32
        hex"3a_02_0008" // fold w at 0, 1
        hex"3b_02_0008" // powers at 0, 1
        hex"3c_02_0008" // sum at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"2048c9795633513f391901c8111d33a740b1b0352817394ad665de557a170ca7" // input at -49152
        hex"0c9787746157a04f8832d049a03a2beeaed2c0458545f1311006aa141887503a" // input at -24576
        hex"0383fd8529a6ae9af70473a4d029f8c738af77cdcc5c46155d756d2a5d61a320" // input at 0
        hex"009ef66865243fa129d22b46e86dc7cda9c6da37974b525fc6ef4cecf673b168" // aux at -24576
        hex"28cff8d62a15ede460ad0d5a11e1dbce5fd5cf8367c8c63e3b43800034d188b3" // aux at -320
        hex"0a887c65a33209568e9513bba4b60ccb3d18f77c1e71864840340f97386ec62e" // aux at -256
        hex"1253e9f0c38cf786db54ef0ec2261f25f1bcedc581baaa1ce11aecfc3d58e6b0" // aux at -160
        hex"13a8d8165f22e03590c0cfa27e09881c1f780a562bf1e160069756be899a5f79" // aux at -64
        hex"25f1d865c683bb528f4e7fd0ad369b927d130a4507dccc77db18e3b8d71fe3a1" // aux at -32
        hex"1cb00072a70ac39caa7fcdb0aaf0ee90daa8361429fa7f428b86df0780be7548" // aux at 0
        hex"1998cbd2753af277108d74ba17c1789c92cbada26c8f13a54883e089c9ea97fd" // aux at 32
        hex"2f5a14d9e69b69fb48ae0038b8982883fc3ff43f91c09290399ef6bb18835aa3" // aux at 64
        hex"22f591f76e3d2384f6dc15df5c12ed5d2b497af7554add052f5ff5ca07de8e52" // aux at 96
        hex"0c09f9f02cb21f2075fcbfa2cdd52d8838235f443c5affaa33d7afaf80c323bf" // aux at 49440
        hex"0dd163998db9945accd4ff42d769745c4f191be94d59aa65213861b9b26abbfa" // aux at 73984
        hex"2f65bb368b61cdcb86c9dff113af1bcf8ed02397ecdb9b1347888aada8123eda" // fold x at 0
        hex"0305088156b485ea270038e9471e430a1b33d4ef81bca1ea4be066c699b90ae5" // fold x at 1
        hex"2e5dd92de04cec9dc2d67292a83551e0a663d80984daa424f45af9b39e34b643" // fold x at 32
        hex"28608838714a584049dd387772113e5885e7d65f48cce4106bfbd093b225d9d9" // fold w at 0
        hex"0803c63a6fe747e96e730d3f0f701a04a24c11e930ec8c80d7e625003dda2628" // fold w at 1
        hex"28608838714a584049dd387772113e5885e7d65f48cce4106bfbd093b225d9d9" // powers at 0
        hex"0803c63a6fe747e96e730d3f0f701a04a24c11e930ec8c80d7e625003dda2628" // powers at 1
        hex"28608838714a584049dd387772113e5885e7d65f48cce4106bfbd093b225d9d9" // sum at 0
        hex"0803c63a6fe747e96e730d3f0f701a04a24c11e930ec8c80d7e625003dda2628" // sum at 1
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
        hex"0c" // 0b fc_dot
        hex"0d" // 0c fc_output
        hex"0e" // 0d mlp_out_start
        hex"0f" // 0e mlp_out_dot
        hex"14" // 0f fold_x_run
        hex"15" // 10 fold_x_hold
        hex"16" // 11 fold_x_end
        hex"17" // 12 bias_one
        hex"18" // 13 fold_w_inner
        hex"19" // 14 wide_first_3
        hex"1a" // 15 wide_next_3
        hex"1b" // 16 wide_first_2
        hex"1c" // 17 sum_ends
        hex"1f" // 18 weight 0
        hex"20" // 19 weight 1
        hex"21" // 1a weight 2
        hex"22" // 1b weight 3
        hex"23" // 1c weight 4
        hex"24" // 1d weight 5
        hex"25" // 1e weight 6
        hex"26" // 1f weight 7
        hex"27" // 20 weight 8
        hex"28" // 21 weight 9
        hex"29" // 22 weight 10
        hex"2a" // 23 weight 11
        hex"2b" // 24 weight 12
        hex"2c" // 25 weight 13
        hex"2d" // 26 weight 14
        hex"2e" // 27 weight 15
        hex"2f" // 28 weight 16
        hex"30" // 29 weight 17
        hex"31" // 2a weight 18
        hex"38" // 2b multiplicity
        hex"3d" // 2c helper 0
        hex"3e" // 2d helper 1
        ;
}
