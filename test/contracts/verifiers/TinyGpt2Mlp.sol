// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `mlp d=128 h=4 f=512 v=1024 n=32 k=16 c=3 l=5x8`
/// @notice Verifying key 0xa0ca1eb7e4bab756e0c7f9d6faddf3bc87b55980258e624de8e9e96d4735431d
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract TinyGpt2Mlp is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 16;
    /// Public inputs.
    uint256 private constant INSTANCES = 2;
    /// First-phase commitments, among them: input, output, 3 of weights.
    uint256 private constant FIRST = 15;
    /// Second-phase commitments.
    uint256 private constant SECOND = 7;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 44;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 1536;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 2944;
    uint256 private constant PROOF_LENGTH = 3072;

    uint256 private constant GATES = 30;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 31;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 22;
    uint256 private constant LINEAR_COLUMNS = 31;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 17;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 7;
    uint256 private constant SCALARS_AT = 30;
    uint256 private constant REGISTERS = 133;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0xa0ca1eb7e4bab756e0c7f9d6faddf3bc87b55980258e624de8e9e96d4735431d;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x0f9d335f4125d6d9b7d728b37659eaa50f19a0a6b862109a1d4408b17735431a;
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
        return (2, Activations(K, 32, 128));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "mlp d=128 h=4 f=512 v=1024 n=32 k=16 c=3 l=5x8";
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
        hex"108c0adaa94890bcd560b1d53edccecb7397485e3d01048a1d6a5c9f81a2f64028f8b6e1f7b53755230899f2a358db30fd9f50c257bbb59958399c3cec6e77b5" // 1 weight rows
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
        hex"09331aad4c70af94032a16df67cc47877b1847e007328afb5aa2b5ea4b6233f513c687805c262fdcdc4e622d3f684788eb7f03880d170b5df52dd352971542f4" // 12 activation_segment
        hex"15f17d88d752cc7dd4870ea6e209958653ba2b3c863b07a55ad18d25ec7e73442919fa357642731a267e7aaa0959cdd7dcbb50c54cf510591a089f673e5b1f45" // 13 fc_dot
        hex"07810e9be3413045e45789a19ee0c5f4b1703940a476234fefe20ae0768ce7eb2dbc3594048f8a75289a15473e879219c51c922d92cf9cc357b3e2e39290754b" // 14 mlp_out_start
        hex"0899d984832a08c6b98afeb598f19dc67850584fb19eb9a129654a1aab54db920fc8f93e34d16756b41f98fc4eda5373f7e5dfe1ff30e6db2c63f06c55e25885" // 15 mlp_out_dot
        hex"2ecea594d8f26e8b9b8891d719b7f102d3ec07d3bdf9be7c2dd7f9d3496f7644124bb39ea25ed9756f8076bf22277a28b761e72024773a0b800189ec5c3dbc6e" // 16 tag
        hex"12d41683061c287750edb6a3066b9418aae784d615f6bc322643d95731ee561306314950bf21308c5ad824a9264280cc9180a640334e33cd1ea2807432a34b8c" // 17 table key
        hex"2f0b298ea0121c6bd88ce71a21724267e55b9211719d85eac433099a3d84a7411c8c46ec2df71d01e0192f25b3ce6ad7fb714b664f7a35be7180e28ac97fc53a" // 18 table 0
        hex"0d6cd15b1e8b753891e35beba637b8ecab9e16f117aa3c44a879fc5dee21385717a78c6a7b8e8fc0f942c60afecdd00813fd5510a64544c09ee236dc4daaef9a" // 19 table 1
        hex"025e8d3399274844a4a3aab816a7e27ec1e56dcb8957c677ec7fdd3c986f335a1f1bff10ecd89957bf6356ffdf8c935a201f6a27e37198fefdbfd4470f2645fc" // 20 table tag
        hex"1cd4f6fc1dac9aaeb2464260b6fca17e6f6bf49eb5b067c34bec47a9448c232d2d3c9bc2e20a5ddf85adc725a562b1b00564fd80908561b93dc2fe78ea3d0fc4" // 21 fold_x_run
        hex"156c8f91bd213ac412f329c670c13e7392cd2d3a657759af8ed205513cebee5f0e793e84a219c6b892bebd8108fd343f093edad65db4d13db54929b70fe1da1c" // 22 fold_x_hold
        hex"15c6681ef2e37de9eebb1d423b9fc35b4ee4907de85c69a57235422d708ff8460b012dd3bb83ccd570e954217fc332e6b3d416658411cba6ac6db560580d2e41" // 23 fold_x_end
        hex"04189ffdd47d577daaac71aa8c1be12590b14c627f4c9fe216f58994060062fa1fd20bf164ef619991baacedb3bf5b0fde779ad6897b8849bdfe9fa05941d952" // 24 bias_one
        hex"09b60ed6b9f1248d3f2774018101802c516f8b1f2ff5bf96fcc989ca720b5fae1f7e08606ad00924a6f3988ea8139ab901ed6f8259a46acc6f73ebf1db52fcb0" // 25 fold_w_inner
        hex"29cb473cc1d75282243a1a0a20e6e0c8b90678529608d886d42f6dec628fe68d1a105abff0e7c9a53cbd2bce1e72e49dd1c5ab22bdf2735a8c04783786ebd828" // 26 wide_first_2
        hex"1cdd7c20413d2808d88e1571751284debaa08ca80876182a77656c2169db96db1079ca3294e4c5fe891706e6eff5322fbf15b85a5e90492fa0cb9e835704b429" // 27 wide_next_5
        hex"00a25d898849692d6ab16b2f888e09ec878fb0da1da9a3c7eede885e80e311ec07093f3636c1713e355d2a4287204532b9d7c7fe449a76dcdafb0caecd75f8dd" // 28 wide_first_1
        hex"13bb41afd4997ebe4b6b9d3c6597097d5f8b8308b29f45b6a0e43e3893ae42a42e2bef0e745fc1cfed4b275d4dba8d30ccf61662413f225bebe01b6b4e92de27" // 29 wide_first_4
        hex"2fa321a16531c30ae14d94bd7465a121f2bfc2a037285439f556ca1a9b24726d10b5faea31204a513110e8e893fa3015df737e2f3f45c8a511e2578445df8cd8" // 30 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"0be2be1d0104636e2a98f9461a711c3d0e7b9ba309df59b9a2280387e8408a69" // 1 ω^-8640
        hex"130b17119778465cfb3acaee30f81dee20710ead41671f568b11d9ab07b95a9b" // 2 ω^-8192
        hex"02e40daf409556c02bfc85eb303402b774954d30aeb0337eb85a71e6373428de" // 3 ω^-4096
        hex"0ddbcb372089e4499600d679c923be351e1677706049f28bfa6fc5615139693a" // 4 ω^-352
        hex"2adf4b22fcc4f0e99bba8edea34212a40500e308a767cc51b38f6d1a199a9d58" // 5 ω^-224
        hex"28771071ab1633014eae27cfc16d5ebe08a8fe2fc9e85044e4a45f82c14cd825" // 6 ω^-96
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 7 ω^-64
        hex"2afd4e77273f1cb3434a4a667929058c156b21573c3f1efc882e708597d7161a" // 8 ω^-32
        hex"09d2cc4b5782fbe923e49ace3f647643a5f5d8fb89091c3ababd582133584b29" // 9 ω^1
        hex"14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f" // 10 ω^32
        hex"2ad9021ed07c42ab19f77c5cf2cbd2deb135ea330f1b1573bd08d99309c4bb7d" // 11 ω^64
        hex"1908597d2fc3bc1da312efa344e0fc8a7079300238f2ee35774f117e66fd4467" // 12 ω^96
        hex"21082ca216cbbf4e1c6e4f4594dd508c996dfbe1174efb98b11509c6e306460b" // 13 ω^4096
        hex"00d58a50a9855fa9109a4372dd4eff610aa93a43220dda60a489d87dd633bf56" // 14 ω^8608
        hex"30644e72e131a029048b6e193fd841045cea24f6fd736bec231204708f703636" // 15 ω^16384
        hex"304cf17628d601fb3c6eb3bf34fe9dae9e04f1f7be19d2662698087bfbc6be3c" // 16 ω^16736
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
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef200081" // r21 = -0xdfff80
        hex"0000000000000000000000000000000000000000000000000000000000008000" // r22 = 32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r23 = -32769
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r24 = 2^24
        hex"0000000000000000000000000000000000000000000000000000000000010000" // r25 = 65536
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r26 = -32768
        hex"0000000000000000000000000000000000000000000000000000000000400000" // r27 = 4194304
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f59370000001" // r28 = -2^31
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffe001" // r29 = -8192
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0007" // r30 = β · -1
        hex"8002_0007" // r31 = α · -1
        hex"001f_001f" // r32 = r31 + r31
        hex"8003_0003" // r33 = τ · τ
        hex"8003_0021" // r34 = τ · r33
        hex"8007_0022" // r35 = -1 · r34
        hex"8003_0007" // r36 = τ · -1
        hex"8007_0021" // r37 = -1 · r33
        hex"8002_0022" // r38 = α · r34
        hex"8002_0003" // r39 = α · τ
        hex"8002_0021" // r40 = α · r33
        hex"8002_0002" // r41 = α · α
        hex"8007_001f" // r42 = -1 · r31
        hex"8001_0001" // r43 = β · β
        hex"802b_002b" // r44 = r43 · r43
        hex"802c_002c" // r45 = r44 · r44
        hex"802d_002d" // r46 = r45 · r45
        hex"802e_002e" // r47 = r46 · r46
        hex"800a_002f" // r48 = -2^24 · r47
        hex"8007_0030" // r49 = -1 · r48
        hex"0018_0031" // r50 = 2^24 + r49
        hex"802f_002f" // r51 = r47 · r47
        hex"800a_0033" // r52 = -2^24 · r51
        hex"8007_0034" // r53 = -1 · r52
        hex"0032_0035" // r54 = r50 + r53
        hex"8007_002f" // r55 = -1 · r47
        hex"8007_0033" // r56 = -1 · r51
        hex"802f_0033" // r57 = r47 · r51
        hex"8007_0039" // r58 = -1 · r57
        hex"8033_0033" // r59 = r51 · r51
        hex"803b_003b" // r60 = r59 · r59
        hex"803c_003c" // r61 = r60 · r60
        hex"803d_003d" // r62 = r61 · r61
        hex"803e_003e" // r63 = r62 · r62
        hex"803f_003f" // r64 = r63 · r63
        hex"8040_0040" // r65 = r64 · r64
        hex"8004_0041" // r66 = δ · r65
        hex"0000_0001" // r67 = 1 + β
        hex"0000_002b" // r68 = 1 + r43
        hex"8043_0044" // r69 = r67 · r68
        hex"0000_002c" // r70 = 1 + r44
        hex"8045_0046" // r71 = r69 · r70
        hex"0000_002d" // r72 = 1 + r45
        hex"8047_0048" // r73 = r71 · r72
        hex"0000_002e" // r74 = 1 + r46
        hex"8049_004a" // r75 = r73 · r74
        hex"8040_004b" // r76 = r64 · r75
        hex"8042_004c" // r77 = r66 · r76
        hex"8007_004d" // r78 = -1 · r77
        hex"8007_0042" // r79 = -1 · r66
        hex"8007_004f" // r80 = -1 · r79
        hex"8004_0004" // r81 = δ · δ
        hex"8051_0051" // r82 = r81 · r81
        hex"8009_0052" // r83 = -65536 · r82
        hex"8007_0053" // r84 = -1 · r83
        hex"8019_0052" // r85 = 65536 · r82
        hex"8007_0055" // r86 = -1 · r85
        hex"800f_0052" // r87 = 256 · r82
        hex"8007_0057" // r88 = -1 · r87
        hex"8007_0052" // r89 = -1 · r82
        hex"801a_0052" // r90 = -32768 · r82
        hex"8007_005a" // r91 = -1 · r90
        hex"8004_0007" // r92 = δ · -1
        hex"8004_000f" // r93 = δ · 256
        hex"8007_005d" // r94 = -1 · r93
        hex"8004_001a" // r95 = δ · -32768
        hex"8007_005f" // r96 = -1 · r95
        hex"801b_0051" // r97 = 4194304 · r81
        hex"8007_0061" // r98 = -1 · r97
        hex"8019_0051" // r99 = 65536 · r81
        hex"8007_0063" // r100 = -1 · r99
        hex"8007_0051" // r101 = -1 · r81
        hex"800f_0051" // r102 = 256 · r81
        hex"8007_0066" // r103 = -1 · r102
        hex"8004_0051" // r104 = δ · r81
        hex"8007_0068" // r105 = -1 · r104
        hex"800f_0068" // r106 = 256 · r104
        hex"8007_006a" // r107 = -1 · r106
        hex"801c_0051" // r108 = -2^31 · r81
        hex"8007_006c" // r109 = -1 · r108
        hex"801a_0051" // r110 = -32768 · r81
        hex"8007_006e" // r111 = -1 · r110
        hex"006d_006f" // r112 = r109 + r111
        hex"801d_0068" // r113 = -8192 · r104
        hex"8007_0071" // r114 = -1 · r113
        hex"0070_0072" // r115 = r112 + r114
        hex"802f_003d" // r116 = r47 · r61
        hex"8041_0041" // r117 = r65 · r65
        hex"8074_0075" // r118 = r116 · r117
        hex"8051_0076" // r119 = r81 · r118
        hex"8007_0077" // r120 = -1 · r119
        hex"8007_0078" // r121 = -1 · r120
        hex"8037_0078" // r122 = r55 · r120
        hex"8007_007a" // r123 = -1 · r122
        hex"8068_0076" // r124 = r104 · r118
        hex"804b_0075" // r125 = r75 · r117
        hex"807c_007d" // r126 = r124 · r125
        hex"8007_007e" // r127 = -1 · r126
        hex"8007_007c" // r128 = -1 · r124
        hex"8007_0080" // r129 = -1 · r128
        hex"8007_0059" // r130 = -1 · r89
        hex"8037_0059" // r131 = r55 · r89
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
        hex"01001e012900_010000012a00_100020010000_100023010300_100007010c00_100007010f00_100024012200"
        hex"100025012300_110020010000_110007011100_110007011200_12001f010000_120007010400_120024010500"
        hex"120025010600_120023010700_170036020000_170000022700_1c0007012b00_1c0000012c00"
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
        hex"130016000000_130007210000_130000240000_13001e250000"
        hex"02" // fold_x_hold
        hex"140000240000_140007250000"
        hex"01" // fold_x_end
        hex"150000240000"
        hex"02" // bias_one
        hex"160017000000_160000210000"
        hex"01" // fold_w_inner
        hex"17003a280000"
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
        hex"170037020000"
        hex"01" // weight 2
        hex"170038020000"
        hex"02" // multiplicity
        hex"120000011300_12002a010000"
        hex"0b" // helper 0
        hex"100022030f00_100026030000_1000000c0f00_1000020c0000_1000030f2200_1000210f2300_1000020f0000"
        hex"100027220000_100028230000_100029000000_1c0007000000"
        hex"05" // helper 1
        hex"110000111200_110002110000_110002120000_110029000000_1c0007000000"
        hex"0b" // helper 2
        hex"120000041300_120002040000_120003051300_120027050000_120021061300_120028060000_120022071300"
        hex"120026070000_120002130000_120029000000_1c0007000000"
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
        hex"1f_03_020300" // input at -8192, -4096, 0
        hex"20_01_00" // output at 0
        hex"24_03_000d0f" // lane 0 at 0, 4096, 16384
        hex"25_02_000f" // lane 1 at 0, 16384
        hex"26_01_00" // lane 2 at 0
        hex"27_01_00" // lane 3 at 0
        hex"28_01_00" // lane 4 at 0
        hex"29_0d_01020405060708000a0b0c0e10" // aux at -8640, -8192, -352, -224, -96, -64, -32, 0, 32, 64, 96, 8608, 16736
        hex"2a_01_00" // x at 0
        hex"2b_01_00" // partner 0 at 0
        hex"2c_01_00" // partner 1 at 0
        hex"2e_03_00090a" // fold x at 0, 1, 32
        hex"2f_02_0009" // fold w at 0, 1
        hex"30_02_0009" // powers at 0, 1
        hex"31_02_0009" // sum at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"034de65025a041c69945d21add9ec0ba8b67db820c71bbf16aa49138790db535" // input at -8192
        hex"0a06ab03fb9a3bc884b5f3457eb7e1f1e5ae8af7bf62f933dc4ef30a5489e700" // input at -4096
        hex"230fbd1ebff7229a9a548056252ab5b0b71d81ceade4bb6bfcee7151226863cc" // input at 0
        hex"1e830bf1e6d3694f4a779b425ce410d315a12c8ef4742a59f985026741377748" // lane 0 at 0
        hex"19f1541274a31c493e0f517ad51ea64ca59b7bb3bdd4fa355e18b3308959a722" // lane 0 at 4096
        hex"28543ce166ecbabae8199eafd0fff99a952b284e4129bc9330263590156ee198" // lane 0 at 16384
        hex"30644e72e131a0295e6dd9e7e0acccb0c28f069fbb966e3eb379fd023fb81b1c" // lane 1 at 0
        hex"000000000000000059e26bcea0d48bac65a4e1a8be2302529067f891b047e4e5" // lane 1 at 16384
        hex"029d3c2613aeed4a6d7de1a587ba112d211c777edcd363903246bba67d60c020" // aux at -8640
        hex"267ee5792bac21d3c648d10c327251e5abaf484084acdcb999668c9a3cf580b3" // aux at -8192
        hex"266d5f0721c15387095ff84e748efd07c4ac9a27cd19a9e63bb1829176e5e2f6" // aux at -352
        hex"21a2f08769d78b7cf2faf06c0e1fab8b3795507b3544a00049b2b9aa3916c618" // aux at -224
        hex"19826584f257cba63b42e5b20293a5a3c9bb057deb77dd4c575f483447ee157a" // aux at -96
        hex"03fdee763d7a7282689444f9edf86671fcd33373854064be7c82a549d757e002" // aux at -64
        hex"1db1a91921a1868d116b4b70743f082d265dc46d299f0abc2fbd706e9f3dbdcc" // aux at -32
        hex"19862718c0c81effe1aa4639781c7d3adf3fc6180b927936222dc6e8f3d97d4f" // aux at 0
        hex"23c611a4b51af5d613921592b968307a72e1800845cf488e2c1c018c34cae04b" // aux at 32
        hex"0a6bdc34fe80709ea213fe1fb7c1b382a66cef0803e80584f6e535babc54caa2" // aux at 64
        hex"0f4801b53a3401a2773695eedce894228756c2f8d270304f0c4127c86bd51dc6" // aux at 96
        hex"20dfaf3ba413d26936f122f218839029b0a7889c912d4d84cf5046c0a5b77606" // aux at 8608
        hex"2e7ff0feb94854cbdf55c3a80a30c51f32e5317c9cf4f7e465bc67e970a3a6d6" // aux at 16736
        hex"12d6e9772869f9d4924560146bd65f29aab46117a7eb1803659a2d728a9d132b" // fold x at 0
        hex"1d464c9fe55b71d583df7a48117054323f40895c5b8ef6697c8ad548d3319d75" // fold x at 1
        hex"0047185bd36c347fa22b6b5a043aa5013e3efdd4763f622461bcf2d892314f61" // fold x at 32
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
        hex"2d" // 1c multiplicity
        hex"32" // 1d helper 0
        hex"33" // 1e helper 1
        hex"34" // 1f helper 2
        ;
}
