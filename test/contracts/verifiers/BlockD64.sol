// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `block d=64 h=4 f=256 v=1024 n=4 k=13 c=7 l=5x8`
/// @notice Verifying key 0x25b2eeba828db3a764766b0576e7859a6a75269ae9921ad703d7d56925c75f49
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract BlockD64 is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 13;
    /// Public inputs.
    uint256 private constant INSTANCES = 2;
    /// First-phase commitments, among them: input, output, 7 of weights.
    uint256 private constant FIRST = 20;
    /// Second-phase commitments.
    uint256 private constant SECOND = 9;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 82;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 1984;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 4608;
    uint256 private constant PROOF_LENGTH = 4736;

    uint256 private constant GATES = 72;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 69;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 25;
    uint256 private constant LINEAR_COLUMNS = 73;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 30;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 7;
    uint256 private constant SCALARS_AT = 42;
    uint256 private constant REGISTERS = 262;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0x25b2eeba828db3a764766b0576e7859a6a75269ae9921ad703d7d56925c75f49;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x25b2eeba828db3a764766b0576e7859a6a75269ae9921ad703d7d56925c75f49;
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
        weights = keccak256(proof[128:576]);
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
        return (3, Activations(K, 4, 64));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "block d=64 h=4 f=256 v=1024 n=4 k=13 c=7 l=5x8";
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
        hex"0967b7d6105ec38d8ae75eff27ffee279bebe3300627e0aba75c19163a84710d2d62e65d7c5daf79cd7f1d6fedcadf9e67aba3effb73d1b442161c78b073ecee" // 1 weight rows
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
        hex"007d6ff7078917c5af78015848bcf2a470a2471481ffaf49bf9385f92488bbf32235a6d1304af07d8a87cdacc76cb8cf4a01ace472f7e00c9ede435786274c28" // 33 qkv_dot
        hex"0742cc38788f2ad8114350d2d7eee305f9bb37b4acd000b2cac7bd585054042216b23019506675522845e307aa4fd16367c0f4d91f1039043aa1cb650312c5d1" // 34 qkv_output
        hex"060f0ad4ddf671254362c427f92a61c311862f7b0eb06542a7289ea0b1b9686418d842b45eca258ad060f26dae24d97ff973ec6ddf7e00bfab96e54aec45239b" // 35 attn_out_start
        hex"0d7d97cf25aff8faaf42af69c029e1c4ea73d4c96eed31797b7d4cca42513cc6118cbbabffb0fed1b67a10f2be70b4e54d5af9d2dbb07a246e3c1a4e24505832" // 36 attn_out_dot
        hex"293bd6896503a71aff56602ac86910ece5fe4a1ac21f0ef564f0a5cb1dac72b8000243970a05c97f1f9324210c06fefd884837c7dbe2f53bab56939ecc6e1c48" // 37 residual_limbs
        hex"078c54ad52aa56168c138242d54600ad00f851d4214777b35a6516cccd572d621d2efb6f476bfa374932be06bc9e8a79189b8fab78c23ace3653a3cc6b274c48" // 38 norm_sums_first
        hex"1e0b3dba8a7cc1a96f0b8cb864cf17c361e44809136424117282d8dd3fde63171d21410d64f4b2a467516ad108ad7ee2118349655a5467e0fcac26a202f2d817" // 39 norm_sums_next
        hex"04eec3aef71ab7574f234e84db74a2f19cd1a11fc8be4f83d372393e4cdcbd6526e8d081b6e8dec3045923ec5283518b8896fb5e8d4144ea4e35f0ba3ed667a8" // 40 norm_sums
        hex"08def6e15fc15830785118a98039238d659f8f7880263a8667b18347ebad41ca1f888e546e3db353be1516152783fc7ccd91312ddd8a1eaddb3c7c7d7992e87e" // 41 norm_rest
        hex"267f4e8a9ee2b79fb0501e3ee366adbda99805196228c587b8fc150645164ea715df24e2be743597e54670f2b86918b05bd648f964c5e05b82555e8e30d9ceec" // 42 norm_copy_r
        hex"09dcfc72cfc9eaf360ef6513b07a80154e178bca39365a554b8c98d235fdd9cb1107f39ef06f8b1ad51457754c69267f658b711a94ef5bb22dbc6eabde4f936b" // 43 norm_copy_mean
        hex"1a45456dee82f7fb3b86d6db432b7eec9a05b39d5083b068c1082af2be51296920d18ef9f5207de09893466d5ddb6d807ab2338e4bc079a92706c58c67f24c77" // 44 norm_carry
        hex"1b87b76fe7973726c3c9553eadbf8ab5ef9599f2ce534e978252f0f60e2b56361b9d4bbbb68b502b16c9bc9f1396a99a6fa585bb1a51d8eb197041c1aac89b41" // 45 norm_out
        hex"25d40b3be3be93804cfa950694a23133cf46d176d828eadbce8b017c9a90e95c0eeb8597b15ba12b878e31a4a2c7aef35d69a81a6f7405da50601a59f0b64372" // 46 activation_segment
        hex"261d399bcf2e2ea375b8575c2c265dff4cf0f7191bc0be1231a67e91ac07bc7501a1ac22114653d6f77e53267271598eedf4b9cbe3a4fc403fd063f5c4bdf16d" // 47 fc_start
        hex"255c5305220cd97b29fdde3569c00690fa67f4d9e7fcbe31ffc013f3658c8a031f912440eeccbf0b14c0aa98e9d770dc25874fe8be3a88e2429a044ca59833b5" // 48 fc_dot
        hex"2074e9d81f394d5269451ceebcb2e0302112c20cc6a11d6234f9bd6648315aee0f1dd6d115a29ee999777ef6a75b42f357c0ac3dd893bc19c377033c3fd7878a" // 49 mlp_out_start
        hex"126a2700b5abb850d90b13d380356d51988ff54517b32ca46fcb91a8a39235a42a3b1cb7977ee003361681d7c2a0670d5eafbc443a6f523873d580d684b06327" // 50 mlp_out_dot
        hex"0539c4ae1c4a655302d3e8e03d17270bff178f269cdc1e69aeb3cf5e4f1e5a5018280c01785b5e63457b995bcbbc3bafc29a6cef9d251264531ed3c6c7070452" // 51 tag
        hex"08a3b01817e2b3bbf32781c0e48490ab2896ae9dd27222bc76ccf6ef1634d0460d74f65d4658cee069c8f9c4e202d079b32c3b645b8ae098093f36536b044e6e" // 52 table key
        hex"2f6ec20feee0ac6224b4609d673c253caf1551c8195dce584cc54bd5ba3cc12825780a12cd396432fb3639bc1a50f1447ad29c40181fca9bffb99ece0201b32e" // 53 table 0
        hex"1d7661e16e6a13b9c638f1f29cc083d6603fd7a96684f7fe1e53bad32892f6620044dc3570ce1b6d9a3a0ceac936f17cd9e6ec9e5e3de7cfd47f37245f0407a6" // 54 table 1
        hex"04a1d82c191672f4d8cdcbc985fcac95266b64ac7017f09d0fffa0a6d0322a9607427f9554c48b32b34947132c4bae90dcc745750721016d3af7995e8335334f" // 55 table tag
        hex"1bbc7d61b3f224ee1a08d37857fe5e5fdb8068b20a72aded4c97de38267d595d1c33cb2e0b9a941145e39b5998efa1bb2a78a6890a7ffaa06946e02a68ebad9b" // 56 fold_x_run
        hex"2b848bbaaf7e1d72951eed0724c7647d1205b83805a43a87bcf4ce088357612c07e51e9fafd37eccae5308a02fa928184cd858a117ed8cd471a7659de35caccb" // 57 fold_x_hold
        hex"1c44b68e7b6ce64a367a63eed73fa056d92560fdb8fb2bf3631e3117db140a6d20d97d02ce86b1ad03df27f1d19f7bdee04880c3302c1a9011ae0bb68dbc1047" // 58 fold_x_end
        hex"2918fcc5f80d9ed8fcbf9b7ad019e4f93dacb4c40a577d6a082ec963d64ec52d0d1ccc9a42c5511dbc66be156ddda3dca824d3c7c8f00644defe8ec76c3c086c" // 59 bias_one
        hex"0d227058938b9f26d83504cad266228c545932b727fef2d2da1cd11a604d7cc6059a824b4b369d49ed04ad4f0a38d2332239c349f6273b7cdcdc3c76d13466f9" // 60 fold_w_inner
        hex"0b356e449a35c34579817046afcd54e8624122d33395d7da64449ad8c1eb425311246168266ee3217ad6ff41b90cdc01f42127f678185966af2eeb91190ae720" // 61 fold_w_jump_4
        hex"10ae4e08095342a73690a72e528161992e3dca316f45429786a0ec1fe7f63ccf0ffcd732bbb5b69f4a69f34429b11d64373fd6edd673d5c2acb91254c366e0e8" // 62 fold_w_jump_8
        hex"1bb95c1033bef13c100db414130252a99e8ffec8d2cace8e09d0d02e57e2fc9510fc3c652038e3ff406a5dac400202407d3cd00cdf176c2f2838f850375a6810" // 63 wide_first_2
        hex"0860187d2e09d487a83954e25722479221abad1151b6980c762b5aac480a6a3f098b5ede5362352121016067b2f53738c34c125b71a17d85f23e7722b7904e95" // 64 wide_next_5
        hex"2c59949004c0ebe88bc8c805dd5e16daba9bc7b4e0642a264d67b7a3c346b3e22f744aac76cd86d1a80c9876571df43e2eeebdf4af77c620a717fb968c784e41" // 65 wide_first_1
        hex"0954a5d32fa06b9e87040b890c1606c17c2f9042cae39b4b5057b440dcdc1db0105f1d32162d3894d7898bdc0c133d86cb1387c35b72e5cd79114709ec885bfa" // 66 wide_first_4
        hex"165eaa365e86b7ece2ab0657c4a799fa3d9d0ce28307222dc4bf3fb21ba5f72f119f73267cacdeac301629c79aac2f49db7eaf396d08432bfec5ad5f4dc632a3" // 67 wide_first_5
        hex"305383997b5cedd38006953ae9ab597580855c0026ac9085cf31e11cf49d59f1237e5848df279caa60448cedc2fb32fdf592389b35b5ea2e21d2e564b4241e2b" // 68 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"1a2f02245ce7cc13a9e252c4a45a2cf1e8c1b71403416625231b0a81f8173be4" // 1 ω^-3908
        hex"24dda45666261ef300de31c0ee09685d67abf3be455ec855cf5283ce43ab421b" // 2 ω^-3396
        hex"2eb2d8e91fe54502f06849c43c2f62aba0380d823df42339ba66d4d04de2eb90" // 3 ω^-2872
        hex"00a700a049c5bacc9e3a0b0cff719fcf2d6e0a7a01d7e962b37ed56cbd85a143" // 4 ω^-2816
        hex"0a2b74c731f7b8146692a5df90a8bd0a33cb9a6dec70792d56ed25f11248405c" // 5 ω^-1348
        hex"1dd399a22a0ca88a6fd78c332adfbe824db6f4232dc3226ae8181de88110dbe0" // 6 ω^-1021
        hex"1910cf3d7f4cf2e06d3d2e6646e7ee7b2ead518c3fe97ec9a1ab0fadd65640b2" // 7 ω^-768
        hex"23c87500bbffed05b29f384309101b7df41a0e415913f7201e8141dbbd999576" // 8 ω^-568
        hex"02e40daf409556c02bfc85eb303402b774954d30aeb0337eb85a71e6373428de" // 9 ω^-512
        hex"2724713603bfbd790aeaf3e7df25d8e7ef8f311334905b4d8c99980cf210979d" // 10 ω^-256
        hex"0ddbcb372089e4499600d679c923be351e1677706049f28bfa6fc5615139693a" // 11 ω^-44
        hex"2adf4b22fcc4f0e99bba8edea34212a40500e308a767cc51b38f6d1a199a9d58" // 12 ω^-28
        hex"28771071ab1633014eae27cfc16d5ebe08a8fe2fc9e85044e4a45f82c14cd825" // 13 ω^-12
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 14 ω^-8
        hex"2afd4e77273f1cb3434a4a667929058c156b21573c3f1efc882e708597d7161a" // 15 ω^-4
        hex"09ff38534bd08f2b08b6010aaee9ac485d3afb3a9ae4280907537b08fc6e53e5" // 16 ω^-1
        hex"10e3d295c1599ff535a1bb49f23d81aa03bd0ed25881f9ed12b179af67f67ae1" // 17 ω^1
        hex"2f6122bbf1d35fdaa9953f60087a423238aa810773efee2a251aa6161f2e6ee6" // 18 ω^2
        hex"2bc6fba9e9f8c42fe458dea80ddb1982620186ca88e026d277c6a56e8060f554" // 19 ω^3
        hex"14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f" // 20 ω^4
        hex"2ad9021ed07c42ab19f77c5cf2cbd2deb135ea330f1b1573bd08d99309c4bb7d" // 21 ω^8
        hex"1908597d2fc3bc1da312efa344e0fc8a7079300238f2ee35774f117e66fd4467" // 22 ω^12
        hex"09c532c6306b93d29678200d47c0b2a99c18d51b838eeb1d3eed4c533bb512d0" // 23 ω^256
        hex"21082ca216cbbf4e1c6e4f4594dd508c996dfbe1174efb98b11509c6e306460b" // 24 ω^512
        hex"01380b49aa24f293b77b623faf3616eb11290b47b6484d5c1e4fa5e2eb981b58" // 25 ω^564
        hex"1277ae6415f0ef18f2ba5fb162c39eb7311f386e2d26d64401f4a25da77c253b" // 26 ω^768
        hex"2b337de1c8c14f22ec9b9e2f96afef3652627366f8170a0a948dad4ac1bd5e80" // 27 ω^1024
        hex"255d1a779a7a841f8d48e526867e532cbb1a60b38d2b313578c7fe242a23a21b" // 28 ω^1068
        hex"1c6c6bab035b1bc08db9771c9ef5284ad1b51089533bd21389e5e3b41a156770" // 29 ω^3372
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
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef200081" // r30 = -0xdfff80
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r31 = -32769
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r32 = -32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effc0001" // r33 = -262144
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffc01" // r34 = -1024
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ec000001" // r35 = -2^26
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f58ff0000001" // r36 = -2^34
        hex"0000000000000000000000000000000000000000000000000000000000000400" // r37 = 1024
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffe01" // r38 = -512
        hex"0000000000000000000000000000000000000000000000000000004000000000" // r39 = 2^38
        hex"0000000000000000000000000000000000000000000000000000000000400000" // r40 = 4194304
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffe001" // r41 = -8192
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0007" // r42 = β · -1
        hex"8001_0001" // r43 = β · β
        hex"802b_002b" // r44 = r43 · r43
        hex"802c_002c" // r45 = r44 · r44
        hex"802d_002d" // r46 = r45 · r45
        hex"802e_002e" // r47 = r46 · r46
        hex"802f_002f" // r48 = r47 · r47
        hex"8007_0030" // r49 = -1 · r48
        hex"8007_002c" // r50 = -1 · r44
        hex"8002_0007" // r51 = α · -1
        hex"0033_0033" // r52 = r51 + r51
        hex"8003_0003" // r53 = τ · τ
        hex"8003_0035" // r54 = τ · r53
        hex"8007_0036" // r55 = -1 · r54
        hex"8003_0007" // r56 = τ · -1
        hex"8007_0035" // r57 = -1 · r53
        hex"8002_0036" // r58 = α · r54
        hex"8002_0003" // r59 = α · τ
        hex"8002_0035" // r60 = α · r53
        hex"8002_0002" // r61 = α · α
        hex"8007_0033" // r62 = -1 · r51
        hex"800a_002c" // r63 = -2^24 · r44
        hex"8007_003f" // r64 = -1 · r63
        hex"0018_0040" // r65 = 2^24 + r64
        hex"800a_002d" // r66 = -2^24 · r45
        hex"8007_0042" // r67 = -1 · r66
        hex"0041_0043" // r68 = r65 + r67
        hex"802c_002d" // r69 = r44 · r45
        hex"800a_0045" // r70 = -2^24 · r69
        hex"8007_0046" // r71 = -1 · r70
        hex"0044_0047" // r72 = r68 + r71
        hex"800a_002e" // r73 = -2^24 · r46
        hex"8007_0049" // r74 = -1 · r73
        hex"0048_004a" // r75 = r72 + r74
        hex"802c_002e" // r76 = r44 · r46
        hex"800a_004c" // r77 = -2^24 · r76
        hex"8007_004d" // r78 = -1 · r77
        hex"004b_004e" // r79 = r75 + r78
        hex"802d_002e" // r80 = r45 · r46
        hex"800a_0050" // r81 = -2^24 · r80
        hex"8007_0051" // r82 = -1 · r81
        hex"004f_0052" // r83 = r79 + r82
        hex"8007_002d" // r84 = -1 · r45
        hex"8007_0045" // r85 = -1 · r69
        hex"8007_002e" // r86 = -1 · r46
        hex"8007_004c" // r87 = -1 · r76
        hex"8007_0050" // r88 = -1 · r80
        hex"802e_0045" // r89 = r46 · r69
        hex"8007_0059" // r90 = -1 · r89
        hex"8004_0004" // r91 = δ · δ
        hex"8004_005b" // r92 = δ · r91
        hex"8030_0030" // r93 = r48 · r48
        hex"805d_005d" // r94 = r93 · r93
        hex"805e_005e" // r95 = r94 · r94
        hex"805c_005f" // r96 = r92 · r95
        hex"0000_0001" // r97 = 1 + β
        hex"0000_002b" // r98 = 1 + r43
        hex"8061_0062" // r99 = r97 · r98
        hex"805e_0063" // r100 = r94 · r99
        hex"8060_0064" // r101 = r96 · r100
        hex"8007_0065" // r102 = -1 · r101
        hex"8007_0060" // r103 = -1 · r96
        hex"8007_0067" // r104 = -1 · r103
        hex"805b_005b" // r105 = r91 · r91
        hex"805b_0069" // r106 = r91 · r105
        hex"8009_006a" // r107 = -65536 · r106
        hex"8007_006b" // r108 = -1 · r107
        hex"8016_006a" // r109 = 256 · r106
        hex"8007_006d" // r110 = -1 · r109
        hex"8007_006a" // r111 = -1 · r106
        hex"8017_006a" // r112 = 65536 · r106
        hex"8007_0070" // r113 = -1 · r112
        hex"8020_006a" // r114 = -32768 · r106
        hex"8007_0072" // r115 = -1 · r114
        hex"8007_005c" // r116 = -1 · r92
        hex"8016_005c" // r117 = 256 · r92
        hex"8007_0075" // r118 = -1 · r117
        hex"8020_005c" // r119 = -32768 · r92
        hex"8007_0077" // r120 = -1 · r119
        hex"8004_0016" // r121 = δ · 256
        hex"8007_0079" // r122 = -1 · r121
        hex"8004_0021" // r123 = δ · -262144
        hex"8007_007b" // r124 = -1 · r123
        hex"8004_0022" // r125 = δ · -1024
        hex"8007_007d" // r126 = -1 · r125
        hex"8004_0007" // r127 = δ · -1
        hex"8004_0023" // r128 = δ · -2^26
        hex"8007_0080" // r129 = -1 · r128
        hex"8004_0024" // r130 = δ · -2^34
        hex"8007_0082" // r131 = -1 · r130
        hex"8004_0025" // r132 = δ · 1024
        hex"8007_0084" // r133 = -1 · r132
        hex"8004_0026" // r134 = δ · -512
        hex"8007_0086" // r135 = -1 · r134
        hex"8004_0027" // r136 = δ · 2^38
        hex"8007_0088" // r137 = -1 · r136
        hex"802c_0030" // r138 = r44 · r48
        hex"805e_008a" // r139 = r94 · r138
        hex"805f_008b" // r140 = r95 · r139
        hex"805f_005f" // r141 = r95 · r95
        hex"808c_008d" // r142 = r140 · r141
        hex"8004_008e" // r143 = δ · r142
        hex"8007_008f" // r144 = -1 · r143
        hex"8007_0090" // r145 = -1 · r144
        hex"8017_005b" // r146 = 65536 · r91
        hex"8007_0092" // r147 = -1 · r146
        hex"8004_0069" // r148 = δ · r105
        hex"8007_0094" // r149 = -1 · r148
        hex"0093_0095" // r150 = r147 + r149
        hex"8018_005b" // r151 = 2^24 · r91
        hex"8007_0097" // r152 = -1 · r151
        hex"8016_0094" // r153 = 256 · r148
        hex"8007_0099" // r154 = -1 · r153
        hex"0098_009a" // r155 = r152 + r154
        hex"8007_005b" // r156 = -1 · r91
        hex"8016_005b" // r157 = 256 · r91
        hex"8007_009d" // r158 = -1 · r157
        hex"801c_005b" // r159 = -2^31 · r91
        hex"8007_009f" // r160 = -1 · r159
        hex"8020_005b" // r161 = -32768 · r91
        hex"8007_00a1" // r162 = -1 · r161
        hex"00a0_00a2" // r163 = r160 + r162
        hex"8020_0094" // r164 = -32768 · r148
        hex"8007_00a4" // r165 = -1 · r164
        hex"00a3_00a5" // r166 = r163 + r165
        hex"808a_008d" // r167 = r138 · r141
        hex"808d_008d" // r168 = r141 · r141
        hex"80a7_00a8" // r169 = r167 · r168
        hex"805b_00a9" // r170 = r91 · r169
        hex"8007_00aa" // r171 = -1 · r170
        hex"8007_00ab" // r172 = -1 · r171
        hex"8069_00a7" // r173 = r105 · r167
        hex"8007_00ad" // r174 = -1 · r173
        hex"8007_00ae" // r175 = -1 · r174
        hex"8032_00ae" // r176 = r50 · r174
        hex"8007_00b0" // r177 = -1 · r176
        hex"8017_0069" // r178 = 65536 · r105
        hex"8007_00b2" // r179 = -1 · r178
        hex"8018_0069" // r180 = 2^24 · r105
        hex"8007_00b4" // r181 = -1 · r180
        hex"8007_0069" // r182 = -1 · r105
        hex"8016_0069" // r183 = 256 · r105
        hex"8007_00b7" // r184 = -1 · r183
        hex"801c_0069" // r185 = -2^31 · r105
        hex"8007_00b9" // r186 = -1 · r185
        hex"8020_0069" // r187 = -32768 · r105
        hex"8007_00bb" // r188 = -1 · r187
        hex"00ba_00bc" // r189 = r186 + r188
        hex"8094_00a9" // r190 = r148 · r169
        hex"8064_00be" // r191 = r100 · r190
        hex"8007_00bf" // r192 = -1 · r191
        hex"8007_00be" // r193 = -1 · r190
        hex"8007_00c1" // r194 = -1 · r193
        hex"8007_006f" // r195 = -1 · r111
        hex"8032_006f" // r196 = r50 · r111
        hex"8007_00c4" // r197 = -1 · r196
        hex"8069_0069" // r198 = r105 · r105
        hex"805b_00c6" // r199 = r91 · r198
        hex"8017_00c7" // r200 = 65536 · r199
        hex"8007_00c8" // r201 = -1 · r200
        hex"8016_00c7" // r202 = 256 · r199
        hex"8007_00ca" // r203 = -1 · r202
        hex"8007_00c7" // r204 = -1 · r199
        hex"8009_00c7" // r205 = -65536 · r199
        hex"8007_00cd" // r206 = -1 · r205
        hex"8020_00c7" // r207 = -32768 · r199
        hex"8007_00cf" // r208 = -1 · r207
        hex"805c_0069" // r209 = r92 · r105
        hex"8007_00d1" // r210 = -1 · r209
        hex"8016_00d1" // r211 = 256 · r209
        hex"8007_00d3" // r212 = -1 · r211
        hex"8020_00d1" // r213 = -32768 · r209
        hex"8007_00d5" // r214 = -1 · r213
        hex"8028_00c6" // r215 = 4194304 · r198
        hex"8007_00d7" // r216 = -1 · r215
        hex"8017_00c6" // r217 = 65536 · r198
        hex"8007_00d9" // r218 = -1 · r217
        hex"8007_00c6" // r219 = -1 · r198
        hex"8016_00c6" // r220 = 256 · r198
        hex"8007_00dc" // r221 = -1 · r220
        hex"8004_00c6" // r222 = δ · r198
        hex"8007_00de" // r223 = -1 · r222
        hex"8016_00de" // r224 = 256 · r222
        hex"8007_00e0" // r225 = -1 · r224
        hex"801c_00c6" // r226 = -2^31 · r198
        hex"8007_00e2" // r227 = -1 · r226
        hex"8020_00c6" // r228 = -32768 · r198
        hex"8007_00e4" // r229 = -1 · r228
        hex"00e3_00e5" // r230 = r227 + r229
        hex"8029_00de" // r231 = -8192 · r222
        hex"8007_00e7" // r232 = -1 · r231
        hex"00e6_00e8" // r233 = r230 + r232
        hex"808e_00a8" // r234 = r142 · r168
        hex"80d1_00ea" // r235 = r209 · r234
        hex"8064_00eb" // r236 = r100 · r235
        hex"8007_00ec" // r237 = -1 · r236
        hex"8007_00eb" // r238 = -1 · r235
        hex"8007_00ee" // r239 = -1 · r238
        hex"802d_005d" // r240 = r45 · r93
        hex"805e_00f0" // r241 = r94 · r240
        hex"80a8_00a8" // r242 = r168 · r168
        hex"80f1_00f2" // r243 = r241 · r242
        hex"80c6_00f3" // r244 = r198 · r243
        hex"8007_00f4" // r245 = -1 · r244
        hex"8007_00f5" // r246 = -1 · r245
        hex"8032_00f5" // r247 = r50 · r245
        hex"8007_00f7" // r248 = -1 · r247
        hex"80de_00f3" // r249 = r222 · r243
        hex"8063_008d" // r250 = r99 · r141
        hex"80f9_00fa" // r251 = r249 · r250
        hex"8007_00fb" // r252 = -1 · r251
        hex"8007_00f9" // r253 = -1 · r249
        hex"8007_00fd" // r254 = -1 · r253
        hex"808b_008d" // r255 = r139 · r141
        hex"80a8_00ff" // r256 = r168 · r255
        hex"80c7_0100" // r257 = r199 · r256
        hex"8007_0101" // r258 = -1 · r257
        hex"8007_0102" // r259 = -1 · r258
        hex"8032_0102" // r260 = r50 · r258
        hex"8007_0104" // r261 = -1 · r260
        ;

    /// Terms of the gates. The gates are:
    /// 00 powers_first: the powers start at one
    /// 01 powers_next: each power is beta times the one above
    /// 02 attention.residual_limbs: the outgoing residual is 32-bit
    /// 03 attention.norm_sums_first: the sums start with the first feature
    /// 04 attention.norm_sums_next: each feature adds its value and square
    /// 05 attention.norm_sums: the packed sums are those of the values and of the squares
    /// 06 attention.norm_variance: d·Σx² − (Σx)² + eps
    /// 07 attention.norm_root: r·v
    /// 08 attention.norm_below: r²·v is at most N
    /// 09 attention.norm_above: (r+1)²·v is more than N
    /// 0a attention.norm_rest: the remainder of the mean is below the width
    /// 0b attention.norm_copy_r: the copies of r start with the checked one
    /// 0c attention.norm_copy_mean: the copies of the mean start with the checked one
    /// 0d attention.norm_carry: all features of a position have the same r and mean
    /// 0e attention.norm_out: the product, rounded to the normalized value
    /// 0f attention.exp_product: the exponential of both bytes, rounded
    /// 10 attention.far: a bit
    /// 11 attention.far_zero: not far: below 2^16
    /// 12 attention.far_masked: masked positions are far
    /// 13 attention.exp_used: no weight if far
    /// 14 attention.top: a bit
    /// 15 attention.top_zero: a marked score is the maximum
    /// 16 attention.top_masked: a masked score is not marked
    /// 17 attention.row_sum_first: a row's sum starts
    /// 18 attention.row_sum_next: and takes up each position
    /// 19 attention.row_carry: reciprocal and maximum do not change along a row
    /// 1a attention.row_recip: the reciprocal used is the ranged one
    /// 1b attention.row_divide: reciprocal times sum, up to the slack
    /// 1c attention.row_remainder: the slack is below the sum
    /// 1d attention.row_max: the maximum used is the ranged one
    /// 1e attention.probability: exponential times reciprocal, rounded
    /// 1f attention.head_first: the first head has weight one
    /// 20 attention.head_same: all rows of a head have its weight
    /// 21 attention.head_next_q: the next head has the next power
    /// 22 attention.head_next_s: the next head has the next power
    /// 23 attention.fold_q: folds
    /// 24 attention.fold_q_last: a fold starts with its last element
    /// 25 attention.fold_k: folds
    /// 26 attention.fold_k_last: a fold starts with its last element
    /// 27 attention.fold_v: folds
    /// 28 attention.fold_v_last: a fold starts with its last element
    /// 29 attention.fold_p: folds
    /// 2a attention.fold_p_last: a fold starts with its last element
    /// 2b mlp.residual_limbs: the outgoing residual is 32-bit
    /// 2c mlp.norm_sums_first: the sums start with the first feature
    /// 2d mlp.norm_sums_next: each feature adds its value and square
    /// 2e mlp.norm_sums: the packed sums are those of the values and of the squares
    /// 2f mlp.norm_variance: d·Σx² − (Σx)² + eps
    /// 30 mlp.norm_root: r·v
    /// 31 mlp.norm_below: r²·v is at most N
    /// 32 mlp.norm_above: (r+1)²·v is more than N
    /// 33 mlp.norm_rest: the remainder of the mean is below the width
    /// 34 mlp.norm_copy_r: the copies of r start with the checked one
    /// 35 mlp.norm_copy_mean: the copies of the mean start with the checked one
    /// 36 mlp.norm_carry: all features of a position have the same r and mean
    /// 37 mlp.norm_out: the product, rounded to the normalized value
    /// 38 mlp.activation_segment: interpolates within a segment and rounds
    /// 39 logup_helper_0: the helper is the sum of two lanes' inverses
    /// 3a logup_helper_1: the helper is the sum of two lanes' inverses
    /// 3b logup_table: the helper is the last lane's inverse less the table's, times its multiplicity
    /// 3c fold_x_run: folds an input over positions
    /// 3d fold_x_hold: carries the fold
    /// 3e fold_x_end: a fold ends with its matrix
    /// 3f bias_one: the input of the bias is one
    /// 40 fold_w: folds the weights of an input over outputs
    /// 41 wide_first_2: a wide number from its limbs
    /// 42 wide_next_5: a wide number from its limbs
    /// 43 wide_first_1: a wide number from its limbs
    /// 44 wide_first_4: a wide number from its limbs
    /// 45 wide_first_5: a wide number from its limbs
    /// 46 sum_next: the running sum takes up every equation's terms of the row
    /// 47 sum_ends: the running sum starts and ends at zero
    bytes private constant TERMS =
        hex"14" // opened cells only
        hex"01002a014d00_010000014e00_390034010000_390037010300_390007010c00_390007011100_390038013f00"
        hex"390039014200_3a0034010000_3a0007011600_3a0007011a00_3b0033010000_3b0007010400_3b0038010500"
        hex"3b0039010600_3b0037010700_400053020000_400000024600_460007014f00_460000015000"
        hex"04" // powers_first
        hex"000007000000_0000004d0000_460066000000_460068430000"
        hex"0a" // residual_limbs
        hex"0200070c0000_020008110000_020009160000_02000a1a0000_0200003e0000_46006c0a4d00_46006e0d4d00"
        hex"46006f1e4d00_4600713e4d00_4600734d0000"
        hex"03" // norm_sums_first
        hex"030007090000_03000b090900_0300002e0000"
        hex"04" // norm_sums_next
        hex"040007090000_04000b090900_0400072c0000_0400002e0000"
        hex"14" // norm_sums
        hex"050000260000_05000b280000_05000c2b0000_050007320000_06000d000000_06000c280000_06000e2b2b00"
        hex"06000f2b3200_060000323200_060000330000_0700072e3300_070000340000_080010000000_080000290000"
        hex"0800002e3400_090007000000_090007290000_0900072a0000_090000330000_090011340000"
        hex"02" // norm_rest
        hex"0a00070c0000_0a00002e0000"
        hex"02" // norm_copy_r
        hex"0b00002e0000_0b0007370000"
        hex"02" // norm_copy_mean
        hex"0c00002e0000_0c0007380000"
        hex"02" // norm_carry
        hex"0d00072c0000_0d00002e0000"
        hex"0c" // norm_out
        hex"0e0012000000_0e0000082e00_0e00130c0000_0e000a0d0000_0e0014110000_0e0007160000_0e00081a0000"
        hex"0e00091e0000_0e0007272e00_4600740c4d00_460076114d00_4600784d0000"
        hex"2b" // exp_product
        hex"0f0015000000_0f0009140000_0f000a190000_0f00071d0000_0f0008210000_0f0000404100_100007200000"
        hex"100000202000_110000160000_110007162000_1100161a0000_1100081a2000_130016120000_130007140000"
        hex"130000142000_130008190000_130016192000_1300001e0000_1400070f0000_1400000f0f00_1500160d0f00"
        hex"1500000e0f00_1500170f1600_1500180f1a00_1500170f2000_1e001d000000_1e0016123500_1e0008130000"
        hex"1e0013170000_1e0009180000_1e00141b0000_1e000a1c0000_1e00001e3500_1e00071f0000_46007a0c4d00"
        hex"46007c0d4d00_46007e0e4d00_46007f114d00_460081164d00_4600831a4d00_460081204d00_460085364d00"
        hex"4600874d0000"
        hex"04" // far_masked
        hex"120007000000_120000200000_1600000f0000_4600894d0000"
        hex"04" // row_sum_first
        hex"1700190f0000_170008120000_1700071e0000_1700002e0000"
        hex"05" // row_sum_next
        hex"1800190f0000_180008120000_1800071e0000_1800072d0000_1800002e0000"
        hex"02" // row_carry
        hex"1900072d0000_1900002e0000"
        hex"0d" // row_recip
        hex"1a0007250000_1a00002e0000_1b001a000000_1b0000242e00_1b00192e0000_1b00002f0000_1c001b000000"
        hex"1c0000240000_1c00072f0000_1c0007300000_1d001c000000_1d0007270000_1d0000310000"
        hex"02" // head_first
        hex"1f0007000000_1f0000510000"
        hex"02" // head_same
        hex"200007510000_200000520000"
        hex"02" // head_next_q
        hex"210031510000_210000520000"
        hex"02" // head_next_s
        hex"220031510000_220000520000"
        hex"05" // fold_q
        hex"2300070c5100_230008115100_230000490000_2300324a0000_230015510000"
        hex"04" // fold_q_last
        hex"2400070c5100_240008115100_240000490000_240015510000"
        hex"05" // fold_k
        hex"250015000000_2500070c0000_250008110000_250000490000_25002a4a0000"
        hex"04" // fold_k_last
        hex"260015000000_2600070c0000_260008110000_260000490000"
        hex"05" // fold_v
        hex"270015000000_2700070c0000_270008110000_270000490000_2700324b0000"
        hex"04" // fold_v_last
        hex"280015000000_2800070c0000_280008110000_280000490000"
        hex"04" // fold_p
        hex"290007175100_2900081b5100_290000490000_29002a4b0000"
        hex"03" // fold_p_last
        hex"2a0007175100_2a00081b5100_2a0000490000"
        hex"01" // qk_dot
        hex"460091494c00"
        hex"05" // context
        hex"4600960c4d00_46009b114d00_46009c164d00_46009e1a4d00_4600a64d0000"
        hex"01" // pv_dot
        hex"4600ac484900"
        hex"02" // qkv_dot
        hex"4600af434600_4600b1454600"
        hex"05" // qkv_output
        hex"4600b30c4d00_4600b5114d00_4600b6164d00_4600b81a4d00_4600bd4d0000"
        hex"02" // attn_out_start
        hex"4600c0000000_4600c2430000"
        hex"02" // attn_out_dot
        hex"4600c3434600_4600c5454600"
        hex"0a" // residual_limbs
        hex"2b00000b0000_2b00070c0000_2b0008110000_2b0009160000_2b000a1a0000_4600c90b4d00_4600cb0d4d00"
        hex"4600cc1e4d00_4600ce3c4d00_4600d04d0000"
        hex"03" // norm_sums_first
        hex"2c00002e0000_2c00073d0000_2c000b3d3d00"
        hex"04" // norm_sums_next
        hex"2d00072c0000_2d00002e0000_2d00073d0000_2d000b3d3d00"
        hex"14" // norm_sums
        hex"2e0000220000_2e000b280000_2e000c2b0000_2e0007320000_2f000d000000_2f000c280000_2f000e2b2b00"
        hex"2f000f2b3200_2f0000323200_2f0000330000_3000072e3300_300000340000_310010000000_310000290000"
        hex"3100002e3400_320007000000_320007290000_3200072a0000_320000330000_320011340000"
        hex"02" // norm_rest
        hex"3300070c0000_3300002e0000"
        hex"02" // norm_copy_r
        hex"3400002e0000_340007370000"
        hex"02" // norm_copy_mean
        hex"3500002e0000_350007390000"
        hex"02" // norm_carry
        hex"3600072c0000_3600002e0000"
        hex"0c" // norm_out
        hex"370012000000_3700130c0000_37000a0d0000_370014110000_370007160000_3700081a0000_3700091e0000"
        hex"370007232e00_3700002e3b00_4600d20c4d00_4600d4114d00_4600d64d0000"
        hex"0e" // activation_segment
        hex"38001e000000_38000a100000_380000104200_380007150000_3800081a0000_3800091e0000_3800003f0000"
        hex"4600d80c4d00_4600da104d00_4600db114d00_4600dd164d00_4600df1a4d00_4600e11e4d00_4600e94d0000"
        hex"02" // fc_start
        hex"4600ed000000_4600ef430000"
        hex"02" // fc_dot
        hex"4600f6434600_4600f8454600"
        hex"02" // mlp_out_start
        hex"4600fc000000_4600fe430000"
        hex"02" // mlp_out_dot
        hex"460103434600_460105454600"
        hex"04" // fold_x_run
        hex"3c0015000000_3c00073a0000_3c0000430000_3c002a440000"
        hex"02" // fold_x_hold
        hex"3d0000430000_3d0007440000"
        hex"01" // fold_x_end
        hex"3e0000430000"
        hex"02" // bias_one
        hex"3f001f000000_3f00003a0000"
        hex"01" // fold_w_inner
        hex"40005a470000"
        hex"01" // fold_w_jump_4
        hex"400032470000"
        hex"01" // fold_w_jump_8
        hex"400054470000"
        hex"03" // wide_first_2
        hex"4100070c0000_410008110000_4100002e0000"
        hex"07" // wide_next_5
        hex"4200070c0000_420008110000_420009160000_42000a1a0000_4200131e0000_4200142c0000_4200002e0000"
        hex"02" // wide_first_1
        hex"4300070c0000_4300002e0000"
        hex"05" // wide_first_4
        hex"4400070c0000_440008110000_440009160000_44000a1a0000_4400002e0000"
        hex"06" // wide_first_5
        hex"4500070c0000_450008110000_450009160000_45000a1a0000_4500131e0000_4500002e0000"
        hex"01" // sum_ends
        hex"470000500000"
        hex"01" // weight 0
        hex"400007020000"
        hex"01" // weight 1
        hex"400032020000"
        hex"01" // weight 2
        hex"400054020000"
        hex"01" // weight 3
        hex"400055020000"
        hex"01" // weight 4
        hex"400056020000"
        hex"01" // weight 5
        hex"400057020000"
        hex"01" // weight 6
        hex"400058020000"
        hex"02" // multiplicity
        hex"3b0000011e00_3b003e010000"
        hex"0b" // helper 0
        hex"390036031100_39003a030000_3900000c1100_3900020c0000_390003113f00_390035114200_390002110000"
        hex"39003b3f0000_39003c420000_39003d000000_460007000000"
        hex"05" // helper 1
        hex"3a0000161a00_3a0002160000_3a00021a0000_3a003d000000_460007000000"
        hex"0b" // helper 2
        hex"3b0000041e00_3b0002040000_3b0003051e00_3b003b050000_3b0035061e00_3b003c060000_3b0036071e00"
        hex"3b003a070000_3b00021e0000_3b003d000000_460007000000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"33_01_00" // tag at 0
        hex"34_01_00" // table key at 0
        hex"35_01_00" // table 0 at 0
        hex"36_01_00" // table 1 at 0
        hex"37_01_00" // table tag at 0
        hex"45_03_090a00" // input at -512, -256, 0
        hex"46_01_02" // output at -3396
        hex"4e_05_0017181a1b" // lane 0 at 0, 256, 512, 768, 1024
        hex"4f_05_0017181a1b" // lane 1 at 0, 256, 512, 768, 1024
        hex"50_04_0017181a" // lane 2 at 0, 256, 512, 768
        hex"51_04_0017181a" // lane 3 at 0, 256, 512, 768
        hex"52_04_0017181a" // lane 4 at 0, 256, 512, 768
        hex"53_18_0304060708090b0c0d0e0f10001112131415161718191c1d" // aux at -2872, -2816, -1021, -768, -568, -512, -44, -28, -12, -8, -4, -1, 0, 1, 2, 3, 4, 8, 12, 256, 512, 564, 1068, 3372
        hex"54_01_00" // x at 0
        hex"55_04_01020500" // middle at -3908, -3396, -1348, 0
        hex"56_03_001718" // partner 0 at 0, 256, 512
        hex"57_01_00" // partner 1 at 0
        hex"59_03_001114" // fold x at 0, 1, 4
        hex"5a_02_0011" // fold w at 0, 1
        hex"5b_05_0a00111417" // run at -256, 0, 1, 4, 256
        hex"5c_02_0011" // powers at 0, 1
        hex"5d_02_0011" // sum at 0, 1
        hex"5e_02_0011" // head weight at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"0a5061c5421110aa59782e0948be4e0ca171054b5330ae8495b2528a2afdaeb2" // input at -512
        hex"1c1917d03b4f0e405010cf6c1e6ebb479b445f716bcbdba631796b3745c6388d" // input at -256
        hex"09fad4dd63d1813f0ec748411a544f08eb7e838bbabce6667cb637d27f3c18c2" // input at 0
        hex"22f3cb17252b37dc4955a54515c7ec0429761e789616c7244c630987d709bb6f" // lane 0 at 0
        hex"00125624ee1e99a3cf562d8c245f1d5887085e9fd708a07603e92223439de376" // lane 0 at 256
        hex"1aecb326c26b9c8393925ae8586d2c89ba30f04a4ffc1ac074fb3ac917d092ee" // lane 0 at 512
        hex"0ef8d03754e3141d4d351edfe0ee11b14355b3ba574c0c6d43d6b9f1c7b5605e" // lane 0 at 768
        hex"13dcf84b97cabe32772d3ed38f806922a262af73df0b525a7ea5cac1e5d26dd1" // lane 0 at 1024
        hex"22f3cb17252b37dc4955a54515c7ec0429761e789616c7244c630987d709bb6f" // lane 1 at 0
        hex"00125624ee1e99a3cf562d8c245f1d5887085e9fd708a07603e92223439de376" // lane 1 at 256
        hex"1aecb326c26b9c8393925ae8586d2c89ba30f04a4ffc1ac074fb3ac917d092ee" // lane 1 at 512
        hex"0ef8d03754e3141d4d351edfe0ee11b14355b3ba574c0c6d43d6b9f1c7b5605e" // lane 1 at 768
        hex"13dcf84b97cabe32772d3ed38f806922a262af73df0b525a7ea5cac1e5d26dd1" // lane 1 at 1024
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
        hex"2ebd1f76bea75124e117433275eb1f47bc41946b4a5647425c40d0225d22a580" // aux at -2872
        hex"2d179324acf6b1ba5870b4cbaf44ee4c2ff42c9b740259ed3ad6284c174b6645" // aux at -2816
        hex"012d19248a6f5b325a2d588234c1971352e2394e90db4433249b5a6ad2e84844" // aux at -1021
        hex"089c0d9875a8d089bbf35e6a067fe6295d1544fe786596c74b645c9062a88368" // aux at -768
        hex"13d65135fced713147b0a665f41e9cea1b73d109a44ca84212edfe57b8c4c192" // aux at -568
        hex"26a6366abb366fb78350bc743157c509cefe542ff78fbf7f0eada584196475c7" // aux at -512
        hex"026a55119b38f5316aa60b8a4ca9be99a047627eef61189052d5a123b1830dcf" // aux at -44
        hex"2916a10ef94ca69b071bbfe07d20936a3f64d1da2299cb5f1437197816977501" // aux at -28
        hex"2f10b886fcdd1da6b59d85177f42b21af3ed296b7b741153e685be82b1f61902" // aux at -12
        hex"1575e80d150e9e50d4a41fb9600ef4a1f4ca12f635c78284340eb4179de7c1d2" // aux at -8
        hex"1f06599bdb865af6b117c777292e286c389e77a80960242cac80b67825f69357" // aux at -4
        hex"1bedf2b123c0d21624159dbe2a5c489b24b904ee2974fb60f6c64a394cfe1c62" // aux at -1
        hex"1e8c99225460e242b725464f7aad4af54c7a69f3ff0f90416d0a599a85e364c2" // aux at 0
        hex"2df8ae4e47301825440d05bc1ae63e27662cfaeaa1e2db8d58b7d8f74ee7a68b" // aux at 1
        hex"10f102a4ba07dde5ef9521fc3596605b18991142e2871570ddc2a5221b3ae022" // aux at 2
        hex"0080d9e04f0b2bebb257d36356e74d0964489fdbeeca708377625f67e1ce569e" // aux at 3
        hex"0d30f30fe263eaee0ea8b0ea305b1151d29888bdf0d0d034fe2b8633016a0eaa" // aux at 4
        hex"1deebe0d2a6d48fa722c91b02418d9b9a9b61eaab1550a0717f82e96147eeabb" // aux at 8
        hex"24f926a5f3811cd77d05407f67cc0821cfda81b8a0186edfa1d3ef57bac6deaa" // aux at 12
        hex"12f607a4db541d2f5b936409617b8c7964ca088ff8e5f455ace8b8a700e9602c" // aux at 256
        hex"0387010621ca4d6f55e23b9e8200d381e3db10c23e99d9e42764a152538240b7" // aux at 512
        hex"183064020c035ba1121f5176bfb8c247d1405d4277f3e7f2eaac796cbde26c27" // aux at 564
        hex"25f24ff54f9999c364dda7a12bf3762a1a1f65556c6619421c04649783a0d1d4" // aux at 1068
        hex"2751ff7fa840d8ccaccc45ca63896412ae915ec7048d31d27701e41bf077eaec" // aux at 3372
        hex"09eb270c660ac224dc1b21d612ac94805c01ec3e5dfd355d920b1e51e5b6aa0d" // middle at -3908
        hex"20ab578a8f052cbe99ca568abe0090b731caf7ba4cda257fd492bfd9e8a2aa77" // middle at -3396
        hex"043266775e7038135ca7dd444f4f6734c567412004a2acc4a5fec2b627c7f41d" // middle at -1348
        hex"019b69648db17932e5c2f0116184cbf0d4ffc32fca3f68ef374554b1f9deb760" // middle at 0
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
        hex"25" // 24 residual_limbs
        hex"26" // 25 norm_sums_first
        hex"27" // 26 norm_sums_next
        hex"28" // 27 norm_sums
        hex"29" // 28 norm_rest
        hex"2a" // 29 norm_copy_r
        hex"2b" // 2a norm_copy_mean
        hex"2c" // 2b norm_carry
        hex"2d" // 2c norm_out
        hex"2e" // 2d activation_segment
        hex"2f" // 2e fc_start
        hex"30" // 2f fc_dot
        hex"31" // 30 mlp_out_start
        hex"32" // 31 mlp_out_dot
        hex"38" // 32 fold_x_run
        hex"39" // 33 fold_x_hold
        hex"3a" // 34 fold_x_end
        hex"3b" // 35 bias_one
        hex"3c" // 36 fold_w_inner
        hex"3d" // 37 fold_w_jump_4
        hex"3e" // 38 fold_w_jump_8
        hex"3f" // 39 wide_first_2
        hex"40" // 3a wide_next_5
        hex"41" // 3b wide_first_1
        hex"42" // 3c wide_first_4
        hex"43" // 3d wide_first_5
        hex"44" // 3e sum_ends
        hex"47" // 3f weight 0
        hex"48" // 40 weight 1
        hex"49" // 41 weight 2
        hex"4a" // 42 weight 3
        hex"4b" // 43 weight 4
        hex"4c" // 44 weight 5
        hex"4d" // 45 weight 6
        hex"58" // 46 multiplicity
        hex"5f" // 47 helper 0
        hex"60" // 48 helper 1
        hex"61" // 49 helper 2
        ;
}
