// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `head d=128 h=4 f=512 v=1024 n=32 k=16 c=3 l=5x8`
/// @notice Verifying key 0xffcb0777ed9dc2cf222e2a0fe1eede43d076c036ad6f5577e33a00074e006bc1
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract TinyGpt2Head is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 16;
    /// Public inputs.
    uint256 private constant INSTANCES = 3;
    /// First-phase commitments, among them: input, 3 of weights.
    uint256 private constant FIRST = 13;
    /// Second-phase commitments.
    uint256 private constant SECOND = 7;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 54;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 1408;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 3136;
    uint256 private constant PROOF_LENGTH = 3264;

    uint256 private constant GATES = 53;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 48;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 18;
    uint256 private constant LINEAR_COLUMNS = 50;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 33;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 8;
    uint256 private constant SCALARS_AT = 46;
    uint256 private constant REGISTERS = 138;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0xffcb0777ed9dc2cf222e2a0fe1eede43d076c036ad6f5577e33a00074e006bc1;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x0dd57f3987a5a1fe889ccd7f5a682472077336cc4cd022a18fd034239e006bbc;
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
        output = 0;
        weights = keccak256(proof[64:256]);
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
        return (4, Activations(K, 32, 128));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "head d=128 h=4 f=512 v=1024 n=32 k=16 c=3 l=5x8";
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
        hex"067366a172e3c82d94f482b33cd27a3ff52509207efd5d05552c11f039c307dc2ba5144e5a88d492228ff3ae365220b12cb4451cbdf61f1f3b8d4cf04946038f" // 1 weight rows
        hex"17637eff97823bdeb323bd05233a5d700b00f74c035d53c2447844623ee42cdb23d1e49808327429b8dc213021d5af9c04a72a72a31484e0501bfa7f51429e80" // 2 powers_first
        hex"175ea14fc201ecab1020274d6211d8a2418949ad926171fceb45c35be47ca26f278fc4f854f431fa40e54f58f4dcdd1b1654f11051e56a6d4f9859383932332b" // 3 norm_sums_first
        hex"123bcebeca3cf9bd0d87486426bf453e7c4e4d4b2b68e973a69719e27f706dcf1f06f44641771a7e9ad983194b13746c32581fefc6c270cfd1bfcb52b3509859" // 4 norm_sums_next
        hex"03c6964469c50832dda281700c596b14c6bf3fde5bc6cc6b247cc4b36577832e0c733b11c54db7c16c4c28ea6e9a955263a4aad8a4b3d4529808e8d4477f390d" // 5 norm_sums
        hex"11f638358958d99172d00df9f4c691cd15771b06af3c085d943d7b5de62b50a3124fd30cddf69f9aafafd017dad5c228b2d191ef1b75e8aefb033cabe25e9fe3" // 6 norm_rest
        hex"225ec287dea5138f0d104926b7e243f442e913f6ca45478b8b464e2404a42ffe0dc791a0dabf54e75f9d5bda48e52cdb32c200c297ca8fbdd02c57c0eb77bd32" // 7 norm_copy_r
        hex"2c645b6e1bb225acd44e49fe3f5673151ba66dc8551b635a684c7e6357b87c0405bab94cc2a3998f41a47fe04452365752617d9b1c3d73f41f1313918f365855" // 8 norm_copy_mean
        hex"02529b1c2bd419357b98cb5e426f5d67fc070cd87942bb1f9fcaced2bf67c8aa294f4086f42e041f3098f78f605a5f4fda85f52787b58a4c1906afd2d2290b78" // 9 norm_carry
        hex"1bd93214a0f521b9523338afb9c28c652b366c1c93d31462c9dc0140b0e93c8d29e10fbd0944a4a670d94bb06fe5d4e71c1d8f71c79856d4fa97ffcc2b47511f" // 10 norm_out
        hex"01826f83110539b97345c2d89ce6f1fab5477294ffddb55142626dd15ffca573169d0eac8bf495c6b6fe747a7bbe80c611f82c53e5907fa707fd9cbd0460ca8e" // 11 poseidon_square
        hex"2bfcd6dd740f6aaa9098c955259a28d2b1c23db1f6495c37c64b5c1d52fb52c10ef7fe2c925b3820a4ab93420002ae50ccbd6ea6ce6dfeaa61b8cd6a299f6c2b" // 12 full rounds
        hex"2ee71bc33e81d942852111441fc42d8c4294b3162ecf662992731e0f2506fb5e177954fdd7fa0bc4ea706d491d54dcac616efe8e2b02302b572a5113022706c2" // 13 partial rounds
        hex"2c1458e09dfbf3218f83f098410f63a570253193712b5822de83af45b8127f271dca0a03a86a1e5190cc968f2f20aa1d5d09e75d0a6b8e330bf46b20b27840bc" // 14 round constants 0
        hex"20ce93583783456312ca306de47de635a499b638665536999433987985ac973107718656e5c0b0d65611f836a47a98cdb8646d85aca98dbbd7d920c9d7110f07" // 15 round constants 1
        hex"0a127090ad21d6bd099b9fba142c78776fb871405bf577f233054fc48d05091e2e1cc6030beefe4e5029c04750571e31985646d92d8beae6a089886034021e63" // 16 round constants 2
        hex"2999d9b79e133d16d5f3d4cac2948b66e3b74376f44814601396f0ff812242ed16bf34dbfc57eb08ce2ae6c77816b1a7952376f5d037d23d899bc8a3b2362816" // 17 poseidon_first
        hex"1afac08db13216667ade815ff47304ebda42672434f0a93f739d04551bdad13404b91f318a0c4867142e5a39afbfd9182668c2d98a319f417cefbc9d05ab6bc6" // 18 poseidon_chain
        hex"1a90170ddb1ee2d99f6e1f494b1f5ffd4226c642fb60fbe621d89d80d46f6f241866308cede2ce8d6fb99c2c05665ed95141d1521e53773b2848e81b228a8a81" // 19 poseidon_message_output
        hex"2a60a446399a2bad73b1b36a3a75049a578bb68d050ce6752adf3ae9bdbab86c3004cff773c81071f7dfd8f6e8749f84a53673d732ef03ed1764806fe43e2406" // 20 digest_output
        hex"0c0dc87861c07c018b5018ded2733b54a5b6d43b33759d7eb1090addb280d03c1c337e6cf8c1593e57c82f05ebcaec5f35099b75e7d60575107d829d41acea06" // 21 flag_bit
        hex"0024d5124242ef12f3e3937e36022a79b986eb08b6eb7b9545a1ee5fb093468421530721add8188533eb83e06fe7f04f42df7f8cd85b5c2eb87450871cfb98f5" // 22 flag_falls
        hex"052291fbe3643853048a4afa009b9c76b67563cff8d4d19c72b946427af2d10315cfd3ab7f7f2fc9bcb03b89673742d657432dda626481d6a3f2db14a669dc95" // 23 flag_order
        hex"06259ec97ee8e7e375ce5d35ed6d1170697b6337b447035700af9ba9d38289a60ff0c4692305384105e88d14747ef429596b97eb2385152587acbad6df1bed1c" // 24 prompt_some
        hex"2ca8902deb29f8b25b8c87ab937df41b906741d76c5ddc0bc007044f806d9e8619d89d822ea4fbdbbebede398533ae51621651744e26f74ed4966eb94c0ac0c1" // 25 count_first
        hex"0b45be999993a0285569197fd478f8bbea70d1079828f8cecc0bc09828b2ff6e049bd396fc3fe822bce97953a4a2bd8d12e7c823bca1bd1c57a7e5ebd0f9d431" // 26 generated_some
        hex"1052d9f2089770118eeda3bbf1c26a24703013fc3b1c08bd0e68567738f1b1ea188630abbdd53e07f180cf3d959957505cf4f55cc722c1474af9a1cac19c1c96" // 27 tokens
        hex"1f1e934e5133a605a8abb3763d9e25b15dc65bb14f3531cbc4166b062dc4a2bc097d66d284882a102a51097edec47c31b1e5e581ae40510c3fd21005e42f271e" // 28 packed before the last
        hex"25ff58b69bbf0704acb3d3ba52d44b8089af142d2bd94787f25b974e42f1956f14fc86a233e1684d47293fcf1af45ae0946c597ebb8c614e160a82828128dc73" // 29 before_start
        hex"1d64f8441244a2b4d8fb190d7458eaece1945a56fdf58769269c7028e054f430215c4f6b8352a65d135cabd0bda50ad9dd96ca0505c6b53686f3379245ddd39a" // 30 before_bit
        hex"2188119e0f0a8b63c109672ac5065f609841e290eeb12760b2d1266850d34773031411ec330d90d37bb2e00370a6183b707206b7fff28e080204765c2d6794fe" // 31 before_ends
        hex"16d5675db914d8885da705de2d9102428baa8c23a05579740dbbc8d1ca5e6c340e4785ba26d3b3595402633b6bd07c387effda755630378c075efbb81d99710f" // 32 token_next
        hex"1c7897ce6ca13e43e657ee0aaaf2bc0f3147cb8827039fb739ada6d772a6907007b01a243f1dfbfa4343c3e774cf0b198b4d8fd58735f85e0e5e7741f3f21f35" // 33 logits_dot
        hex"1c809d67536cbc097853e15ec6cfdb60dedd23b390e176a61ccd69864d9fdb4121016b5a821b5bcfc3f93dc547ea9a3664d09c02f0117a9a75facc7f85327f82" // 34 logits_top
        hex"11f638358958d99172d00df9f4c691cd15771b06af3c085d943d7b5de62b50a3124fd30cddf69f9aafafd017dad5c228b2d191ef1b75e8aefb033cabe25e9fe3" // 35 tag
        hex"1a169a997f320cb327df32684ef6259165077b02f3833362000b32e20a4397e800ec8e343073c58f835012b38aee8621e1502a878745a181401179b13b114b34" // 36 table key
        hex"275e7e9c48681d40a392ddb045aac3606429427cf0897718d00e6c1defb74dd9269c49722f0ccbecec33612d0fecd103f8b641d6fa3e0101c9bd6c2b1c42a930" // 37 table tag
        hex"1295a5ae66bdd811790ad50ff00185bc5a96e92a503be7fb263202b11859f8af02f2b15dfc76070336dfbfc98e35c13cfae1c4b4792101e27eb3808b35c655e3" // 38 fold_x_run
        hex"0b1970b1ae4c84ff6f73cdca4a420683b562e74a05e8dfdb5cf61d4f3e18acb31b46cbb756813670b325e65b86e0007179d63064b7fd6f6112967e6d328746b4" // 39 fold_x_hold
        hex"0bf4ec93830e94ccd7ff2ca3f4310849a5a501cdb0684edf30c9f2bf6811117f0c56912d99ba91623567a7dd055eaac1d11c27e01f7c9424aa74d78a938f6244" // 40 fold_x_end
        hex"026277c4d3feb99369d1a222407145602a860bacfdbc70dc80893ecac954787b1cd33fc2b46edabb3849073eabd1b7a68d106ddea7c2efcf4ce44e6e6c63573e" // 41 bias_one
        hex"0843b152adbba19ae8c657d38b42480556ff184fe96656e56e1e61cff3442666033e7084a7fb4ade53971a29b40e61184cbd861ec1022f2119911cf09ca5ec9f" // 42 fold_w_inner
        hex"2d6211ec70942a802a7bc324db843d6a3de1b0c95f646bcde953cbd980fabc2d2e6564816b4f1dba9dcb08f49a4ac64437d69a87040b810f74a066fb0ccd7c8f" // 43 wide_first_2
        hex"29cd10d3501291ab8fcf0e7d207a36b29af61ef84ea4d33d59e11569ba9de4f81f0b00a7e7f7a040201df7ff22971a43e359707693439d5838907916117e9e11" // 44 wide_next_5
        hex"09a3e839bdd11c5c7b21495a5333de20e22790d4e79b12d232e2a6cfba65e9fe143c5e43dd6b96581bd201113cf712449761bcfe69418e687573c04b63776716" // 45 wide_first_1
        hex"08e883475bc0f8df75e6c5661ec31655d3bbe81559586466b2eb54ed2384ade50c6b533ff2fd65bfd366e70adb2c042659c662eafcf833bcee3ace9a2d639a4b" // 46 wide_first_4
        hex"2fa321a16531c30ae14d94bd7465a121f2bfc2a037285439f556ca1a9b24726d10b5faea31204a513110e8e893fa3015df737e2f3f45c8a511e2578445df8cd8" // 47 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"128b6445b5bbf537dc42e13f6532e011956ee271031038165bc8655b67eb9f12" // 1 ω^-45152
        hex"07ed3e01361b6d2869a21de6c013f99f1f8aea18afd1204c5f3d96112eb327dc" // 2 ω^-32864
        hex"012ce8e0130dad26b16a20e4371ff3be24ff41406813ecb9420a912c3c299a5b" // 3 ω^-16960
        hex"050ccda2c0ebfe0b24df955de96efed0178e45f56b0a74316af7a78207991112" // 4 ω^-969
        hex"268f8e71fa9fae10cf43896ccf9799ac1f6e6db2c7b76c3c34f31cf5d9e5e8d2" // 5 ω^-448
        hex"0ddbcb372089e4499600d679c923be351e1677706049f28bfa6fc5615139693a" // 6 ω^-352
        hex"2adf4b22fcc4f0e99bba8edea34212a40500e308a767cc51b38f6d1a199a9d58" // 7 ω^-224
        hex"28771071ab1633014eae27cfc16d5ebe08a8fe2fc9e85044e4a45f82c14cd825" // 8 ω^-96
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 9 ω^-64
        hex"2afd4e77273f1cb3434a4a667929058c156b21573c3f1efc882e708597d7161a" // 10 ω^-32
        hex"09d2cc4b5782fbe923e49ace3f647643a5f5d8fb89091c3ababd582133584b29" // 11 ω^1
        hex"152458bd9e19206ba7034344ae5f728b88ea0810ae386d78c6b0960af69b4faf" // 12 ω^5
        hex"17ea877388c25931dd50b3131d5605425e5b94a4201a712da2604243c1c093b6" // 13 ω^10
        hex"19330fe5ae15e7f1c9063a0217cb634a460821fbeb7a3a07836183ba52f1dde5" // 14 ω^15
        hex"2a1355f20944a953b994cdf1021a209a9033ac856eb6fd252933e6bd9c37aaae" // 15 ω^20
        hex"10e753930eccbd790e652b8236030a55d094720b8f58de89dc8c9a0eeefd4c08" // 16 ω^25
        hex"14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f" // 17 ω^32
        hex"176e74fe406b4b63b3abb4ad72bcc598c2f49225ec89750222a4be4224724b96" // 18 ω^33
        hex"2ad9021ed07c42ab19f77c5cf2cbd2deb135ea330f1b1573bd08d99309c4bb7d" // 19 ω^64
        hex"0bacd8f6b477d6194da7c7ded59378f1873f2a80ec03516c3179c2e422343a57" // 20 ω^65
        hex"1908597d2fc3bc1da312efa344e0fc8a7079300238f2ee35774f117e66fd4467" // 21 ω^96
        hex"226341b44e2c06b267bf1d21f86bf71315bd379aa760757ef635e9bb84bf127e" // 22 ω^192
        hex"1a6a1b8884d1e89256b10ef8e935c2f1a1130b6f9508c233aced20a1cebdc3f4" // 23 ω^196
        hex"013bc022cda7c9be138e0d7d10327eab1266cc59b059dfe9273073839cb8c1d5" // 24 ω^990
        hex"080683c49b3d049f95d5aa584d8c32efafb36a84a6ded7cf13ba3cc84a392c11" // 25 ω^1980
        hex"0c18c51af84b49af60c96cfed81f4c434647d9e049ce2a3940884e2cb299702d" // 26 ω^1985
        hex"0e060116481ab4bad12eae212b9525e0703217bfa719511a59d409399eea9353" // 27 ω^1990
        hex"21082ca216cbbf4e1c6e4f4594dd508c996dfbe1174efb98b11509c6e306460b" // 28 ω^4096
        hex"2b337de1c8c14f22ec9b9e2f96afef3652627366f8170a0a948dad4ac1bd5e80" // 29 ω^8192
        hex"255d1a779a7a841f8d48e526867e532cbb1a60b38d2b313578c7fe242a23a21b" // 30 ω^8544
        hex"1afeee8827b2a28da016f858f1f934d51c9597673fcd13f4658f7c49e6d48135" // 31 ω^16800
        hex"13717b338453b02ef2c4cbc4717a677e4fb9e54ba8db7d07130ed7cd4b3a77ed" // 32 ω^49973
        ;

    /// Constants among the coefficients.
    bytes private constant CONSTANTS =
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000" // r8 = -1
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e0f593f0000001" // r9 = -2^48
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffff81" // r10 = -128
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593c60e94ef" // r11 = -0x29f16b12
        hex"0000000000000000000000000000000000000000000000000000000000004000" // r12 = 16384
        hex"0000000000000000000000000000000000000000000000000000000000000100" // r13 = 256
        hex"30644e72e131a029b85045b68181585d2833e83879b9709143e1f593f0000001" // r14 = -2^100
        hex"0000000000000000000000000000000000000000000000000000000000000002" // r15 = 2
        hex"0000000000000000000000000000000000000000000000000000800080000000" // r16 = 0x800080000000
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f592f0000001" // r17 = -2^32
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef000001" // r18 = -2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f493f0000001" // r19 = -2^40
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffff01" // r20 = -256
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff0001" // r21 = -65536
        hex"1fc8cf31c590bb6005993907254ab0ab93756c36cc95390545068d3ac457ee76" // r22 = 0x1fc8cf31c590bb6005993907254ab0ab93756c36cc95390545068d3ac457ee76
        hex"19770c91a577df634d6f2c7431a39ba0951f0ba89dda863b6d1bb05013b6fc21" // r23 = 0x19770c91a577df634d6f2c7431a39ba0951f0ba89dda863b6d1bb05013b6fc21
        hex"04d392d2d1679a9fc2385dd9c1992a4f312d3ce46cce4c15cac761dca1c98c94" // r24 = 0x04d392d2d1679a9fc2385dd9c1992a4f312d3ce46cce4c15cac761dca1c98c94
        hex"06fa5bf3f3fffba8fe8cd9403e077c92fb6aea77385d32b26db8b4d711f42890" // r25 = 0x06fa5bf3f3fffba8fe8cd9403e077c92fb6aea77385d32b26db8b4d711f42890
        hex"02403478f52eb3f06bb7d3ee4eeb1a9b6f96740bed3dda511a2fc47d684e01de" // r26 = 0x02403478f52eb3f06bb7d3ee4eeb1a9b6f96740bed3dda511a2fc47d684e01de
        hex"2053dc82de0e2673211eed401872532013a69a37da59c02b7b37293e4f076407" // r27 = 0x2053dc82de0e2673211eed401872532013a69a37da59c02b7b37293e4f076407
        hex"1c342c8678c760f6aaf0a7513b49520041666e65ed5e393e117fb0a58a5e4e5a" // r28 = 0x1c342c8678c760f6aaf0a7513b49520041666e65ed5e393e117fb0a58a5e4e5a
        hex"18f78e4977d6d00435a936b778da5ac357dc071a20d198da927515e82711d6f0" // r29 = 0x18f78e4977d6d00435a936b778da5ac357dc071a20d198da927515e82711d6f0
        hex"16c052688ac17435a095c5c8497eff1d81efa14572b53119d0ba58bcd2da2a21" // r30 = 0x16c052688ac17435a095c5c8497eff1d81efa14572b53119d0ba58bcd2da2a21
        hex"217aa8e026970b10e7f6bee02a8d4c3c136f4f0c67fe46fdb6c02120eb327193" // r31 = 0x217aa8e026970b10e7f6bee02a8d4c3c136f4f0c67fe46fdb6c02120eb327193
        hex"2f730a20ab3f8b9d5ec9ed4517853c8f9fb8df73a9b107b1ed4af59fe6a9179d" // r32 = 0x2f730a20ab3f8b9d5ec9ed4517853c8f9fb8df73a9b107b1ed4af59fe6a9179d
        hex"27845b2a62a6d68b9926a55db086d7a3f76cbfd56e3ebd245b68020ae1308c0c" // r33 = 0x27845b2a62a6d68b9926a55db086d7a3f76cbfd56e3ebd245b68020ae1308c0c
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f573efffffff" // r34 = -0x2000000002
        hex"0000000000000000000000000000000000000000ffffffff0000000000000000" // r35 = 0xffffffff0000000000000000
        hex"30644e72e131a029b85045b68181585d2833e84779b9709143e1f593f0000001" // r36 = -2^96
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffffff" // r37 = -2
        hex"0000000000000000000000000000000000000000000000000000000000000200" // r38 = 512
        hex"0000000000000000000000000000000000000000000000000000000000020000" // r39 = 131072
        hex"0000000000000000000000000000000000000000000000000000000002000000" // r40 = 2^25
        hex"0000000000000000000000000000000000000000000000000000000200000000" // r41 = 2^33
        hex"0000000000000000000000000000000000000000000000000000000000008000" // r42 = 32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r43 = -32769
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r44 = 2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r45 = -32768
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0008" // r46 = β · -1
        hex"8007_0008" // r47 = public input 2 · -1
        hex"8002_0008" // r48 = α · -1
        hex"0030_0030" // r49 = r48 + r48
        hex"8003_0008" // r50 = τ · -1
        hex"8002_0003" // r51 = α · τ
        hex"8002_0002" // r52 = α · α
        hex"8008_0030" // r53 = -1 · r48
        hex"8001_0001" // r54 = β · β
        hex"8036_0036" // r55 = r54 · r54
        hex"8037_0037" // r56 = r55 · r55
        hex"8038_0038" // r57 = r56 · r56
        hex"8039_0039" // r58 = r57 · r57
        hex"8012_003a" // r59 = -2^24 · r58
        hex"8008_003b" // r60 = -1 · r59
        hex"002c_003c" // r61 = 2^24 + r60
        hex"803a_003a" // r62 = r58 · r58
        hex"8012_003e" // r63 = -2^24 · r62
        hex"8008_003f" // r64 = -1 · r63
        hex"003d_0040" // r65 = r61 + r64
        hex"8008_003a" // r66 = -1 · r58
        hex"8008_003e" // r67 = -1 · r62
        hex"803a_003e" // r68 = r58 · r62
        hex"8008_0044" // r69 = -1 · r68
        hex"803e_003e" // r70 = r62 · r62
        hex"8046_0046" // r71 = r70 · r70
        hex"8047_0047" // r72 = r71 · r71
        hex"8048_0048" // r73 = r72 · r72
        hex"8049_0049" // r74 = r73 · r73
        hex"804a_004a" // r75 = r74 · r74
        hex"804b_004b" // r76 = r75 · r75
        hex"804c_004c" // r77 = r76 · r76
        hex"804d_004d" // r78 = r77 · r77
        hex"8044_004e" // r79 = r68 · r78
        hex"8004_004f" // r80 = δ · r79
        hex"0000_0001" // r81 = 1 + β
        hex"0000_0036" // r82 = 1 + r54
        hex"8051_0052" // r83 = r81 · r82
        hex"0000_0037" // r84 = 1 + r55
        hex"8053_0054" // r85 = r83 · r84
        hex"0000_0038" // r86 = 1 + r56
        hex"8055_0056" // r87 = r85 · r86
        hex"0000_0039" // r88 = 1 + r57
        hex"8057_0058" // r89 = r87 · r88
        hex"804b_0059" // r90 = r75 · r89
        hex"8050_005a" // r91 = r80 · r90
        hex"8008_005b" // r92 = -1 · r91
        hex"8008_0050" // r93 = -1 · r80
        hex"8008_005d" // r94 = -1 · r93
        hex"8004_0008" // r95 = δ · -1
        hex"8004_000d" // r96 = δ · 256
        hex"8008_0060" // r97 = -1 · r96
        hex"8004_002d" // r98 = δ · -32768
        hex"8008_0062" // r99 = -1 · r98
        hex"8004_0004" // r100 = δ · δ
        hex"8008_0064" // r101 = -1 · r100
        hex"8008_0065" // r102 = -1 · r101
        hex"8014_0064" // r103 = -256 · r100
        hex"8008_0067" // r104 = -1 · r103
        hex"8015_0064" // r105 = -65536 · r100
        hex"8008_0069" // r106 = -1 · r105
        hex"8012_0064" // r107 = -2^24 · r100
        hex"8008_006b" // r108 = -1 · r107
        hex"8011_0064" // r109 = -2^32 · r100
        hex"8008_006d" // r110 = -1 · r109
        hex"8044_0064" // r111 = r68 · r100
        hex"8008_006f" // r112 = -1 · r111
        hex"8008_0070" // r113 = -1 · r112
        hex"8042_0070" // r114 = r66 · r112
        hex"8008_0072" // r115 = -1 · r114
        hex"0000_003a" // r116 = 1 + r58
        hex"0000_003e" // r117 = 1 + r62
        hex"8074_0075" // r118 = r116 · r117
        hex"0000_0046" // r119 = 1 + r70
        hex"8076_0077" // r120 = r118 · r119
        hex"0000_0047" // r121 = 1 + r71
        hex"8078_0079" // r122 = r120 · r121
        hex"0000_0048" // r123 = 1 + r72
        hex"807a_007b" // r124 = r122 · r123
        hex"0000_0049" // r125 = 1 + r73
        hex"807c_007d" // r126 = r124 · r125
        hex"0000_004a" // r127 = 1 + r74
        hex"807e_007f" // r128 = r126 · r127
        hex"0000_004b" // r129 = 1 + r75
        hex"8080_0081" // r130 = r128 · r129
        hex"0000_004c" // r131 = 1 + r76
        hex"8082_0083" // r132 = r130 · r131
        hex"0000_004d" // r133 = 1 + r77
        hex"8084_0085" // r134 = r132 · r133
        hex"8044_0086" // r135 = r68 · r134
        hex"8064_0087" // r136 = r100 · r135
        hex"8008_0088" // r137 = -1 · r136
        ;

    /// Terms of the gates. The gates are:
    /// 00 powers_first: the powers start at one
    /// 01 powers_next: each power is beta times the one above
    /// 02 norm_sums_first: the sums start with the first feature
    /// 03 norm_sums_next: each feature adds its value and square
    /// 04 norm_sums: the packed sums are those of the values and of the squares
    /// 05 norm_variance: d·Σx² − (Σx)² + eps
    /// 06 norm_root: r·v
    /// 07 norm_below: r²·v is at most N
    /// 08 norm_above: (r+1)²·v is more than N
    /// 09 norm_rest: the remainder of the mean is below the width
    /// 0a norm_copy_r: the copies of r start with the checked one
    /// 0b norm_copy_mean: the copies of the mean start with the checked one
    /// 0c norm_carry: all features of a position have the same r and mean
    /// 0d norm_out: the product, rounded to the normalized value
    /// 0e poseidon_square: the square of a state's element
    /// 0f poseidon_fourth: the square of the square
    /// 10 poseidon_round_0: the next state is the matrix times the S-boxes, plus constants
    /// 11 poseidon_round_1: the next state is the matrix times the S-boxes, plus constants
    /// 12 poseidon_round_2: the next state is the matrix times the S-boxes, plus constants
    /// 13 poseidon_first: the first element is zero before the first round
    /// 14 poseidon_chain: the second element is the previous step's output
    /// 15 poseidon_message_output: the third element is the message
    /// 16 digest_output: the chain ends with the digest
    /// 17 flag_bit: a flag is a bit
    /// 18 flag_falls: no flag is set after one that is not
    /// 19 flag_order: the prompt ends before the generated tokens
    /// 1a prompt_some: the first position is prompt
    /// 1b count_first: the count starts with the first flag
    /// 1c count_next: the count takes up each flag
    /// 1d generated_some: something is generated
    /// 1e header_output: the header names bucket and both counts
    /// 1f pack_output: every e-th generated token in one number
    /// 20 before_start: the sum starts at zero
    /// 21 before_implied: as if the token before the first were before the chosen one
    /// 22 before_bit: a bit
    /// 23 before_falls: not set after one that is not
    /// 24 before_ends: the last token is not before the chosen one
    /// 25 chosen_top: the chosen token has the greatest logit
    /// 26 token_next: a generated token is the one chosen at the position before
    /// 27 logup_helper_0: the helper is the sum of two lanes' inverses
    /// 28 logup_helper_1: the helper is the sum of two lanes' inverses
    /// 29 logup_table: the helper is the last lane's inverse less the table's, times its multiplicity
    /// 2a fold_x_run: folds an input over positions
    /// 2b fold_x_hold: carries the fold
    /// 2c fold_x_end: a fold ends with its matrix
    /// 2d bias_one: the input of the bias is one
    /// 2e fold_w: folds the weights of an input over outputs
    /// 2f wide_first_2: a wide number from its limbs
    /// 30 wide_next_5: a wide number from its limbs
    /// 31 wide_first_1: a wide number from its limbs
    /// 32 wide_first_4: a wide number from its limbs
    /// 33 sum_next: the running sum takes up every equation's terms of the row
    /// 34 sum_ends: the running sum starts and ends at zero
    bytes private constant TERMS =
        hex"10" // opened cells only
        hex"01002e013300_010000013400_270031010000_270032010300_270008010800_270008010a00_280031010000"
        hex"280008010b00_280008010c00_290030010000_290008010400_290032010500_2e0041020000_2e0000023100"
        hex"330008013500_330000013600"
        hex"04" // powers_first
        hex"000008000000_000000330000_33005c000000_33005e2e0000"
        hex"03" // norm_sums_first
        hex"020008060000_020009060600_020000150000"
        hex"04" // norm_sums_next
        hex"030008060000_030009060600_030008140000_030000150000"
        hex"14" // norm_sums
        hex"0400000f0000_040009100000_04000a130000_040008170000_05000b000000_05000a100000_05000c131300"
        hex"05000d131700_050000171700_050000190000_060008151900_0600001b0000_07000e000000_070000110000"
        hex"070000151b00_080008000000_080008110000_080008120000_080000190000_08000f1b0000"
        hex"02" // norm_rest
        hex"090008080000_090000150000"
        hex"02" // norm_copy_r
        hex"0a0000150000_0a0008200000"
        hex"02" // norm_copy_mean
        hex"0b0000150000_0b00081f0000"
        hex"02" // norm_carry
        hex"0c0008140000_0c0000150000"
        hex"0c" // norm_out
        hex"0d0010000000_0d0000071500_0d0011080000_0d0012090000_0d00130a0000_0d00080b0000_0d00140c0000"
        hex"0d00150d0000_0d0008151e00_33005f083300_3300610a3300_330063330000"
        hex"04" // poseidon_square
        hex"0e0008242400_0e00002a0000_0f00082a2a00_0f00002b0000"
        hex"0c" // full rounds
        hex"100016242b00_100017252c00_100018262d00_100000270000_110019242b00_11001a252c00_11001b262d00"
        hex"110000280000_12001c242b00_12001d252c00_12001e262d00_120000290000"
        hex"0c" // partial rounds
        hex"100016242b00_100017250000_100018260000_100000270000_110019242b00_11001a250000_11001b260000"
        hex"110000280000_12001c242b00_12001d250000_12001e260000_120000290000"
        hex"01" // round constants 0
        hex"100008000000"
        hex"01" // round constants 1
        hex"110008000000"
        hex"01" // round constants 2
        hex"120008000000"
        hex"02" // poseidon_first
        hex"13001f000000_130000240000"
        hex"03" // poseidon_chain
        hex"140020000000_140000230000_140008240000"
        hex"03" // poseidon_message_output
        hex"150021000000_150008210000_150000240000"
        hex"02" // digest_output
        hex"16002f000000_160000240000"
        hex"02" // flag_bit
        hex"170008150000_170000151500"
        hex"05" // flag_falls
        hex"180008151600_180000160000_1c0008160000_1c0008190000_1c00001a0000"
        hex"02" // flag_order
        hex"190000150000_190008151700"
        hex"02" // prompt_some
        hex"1a0008000000_1a0000150000"
        hex"02" // count_first
        hex"1b0008150000_1b0000190000"
        hex"07" // generated_some
        hex"1d0008000000_1d0008141600_1d0000151600_1e0022000000_1e0023140000_1e0024150000_1e0000170000"
        hex"03" // tokens
        hex"1f0000151700_1f0008151900_1f00001c0000"
        hex"01" // packed before the last
        hex"1f00121d0000"
        hex"03" // before_start
        hex"200000150000_210000000000_210000140000"
        hex"21" // before_bit
        hex"220000140000_220000141400_220025141500_220008150000_220000151500_230008131400_230000131500"
        hex"230008140000_230000141400_230008141500_230000150000_250008081300_25000f081400_250008081500"
        hex"2500140a1300_2500260a1400_2500140a1500_2500150b1300_2500270b1400_2500150b1500_2500120c1300"
        hex"2500280c1400_2500120c1500_2500110d1300_2500290d1400_2500110d1500_330066083300_3300680a3300"
        hex"33006a0b3300_33006c0c3300_33006e0d3300_330065143300_330066153300"
        hex"02" // before_ends
        hex"240008140000_240000150000"
        hex"04" // token_next
        hex"2600000e1800_2600080e1a00_260008161800_260000161a00"
        hex"02" // logits_dot
        hex"3300712e3100_330073303100"
        hex"01" // logits_top
        hex"330089153300"
        hex"04" // fold_x_run
        hex"2a002a000000_2a0008220000_2a00002e0000_2a002e2f0000"
        hex"02" // fold_x_hold
        hex"2b00002e0000_2b00082f0000"
        hex"01" // fold_x_end
        hex"2c00002e0000"
        hex"02" // bias_one
        hex"2d002b000000_2d0000220000"
        hex"01" // fold_w_inner
        hex"2e0045320000"
        hex"03" // wide_first_2
        hex"2f0008080000_2f00140a0000_2f0000150000"
        hex"07" // wide_next_5
        hex"300008080000_3000140a0000_3000150b0000_3000120c0000_3000110d0000_300013140000_300000150000"
        hex"02" // wide_first_1
        hex"310008080000_310000150000"
        hex"05" // wide_first_4
        hex"320008080000_3200140a0000_3200150b0000_3200120c0000_320000150000"
        hex"01" // sum_ends
        hex"340000360000"
        hex"01" // weight 0
        hex"2e0008020000"
        hex"01" // weight 1
        hex"2e0042020000"
        hex"01" // weight 2
        hex"2e0043020000"
        hex"02" // multiplicity
        hex"290000010d00_290035010000"
        hex"07" // helper 0
        hex"270003030a00_270033030000_270000080a00_270002080000_2700020a0000_270034000000_330008000000"
        hex"05" // helper 1
        hex"2800000b0c00_2800020b0000_2800020c0000_280034000000_330008000000"
        hex"07" // helper 2
        hex"290000040d00_290002040000_290003050d00_290033050000_2900020d0000_290034000000_330008000000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"23_01_00" // tag at 0
        hex"24_01_00" // table key at 0
        hex"25_01_00" // table tag at 0
        hex"30_02_0102" // input at -45152, -32864
        hex"34_02_001c" // lane 0 at 0, 4096
        hex"35_01_00" // lane 1 at 0
        hex"36_01_00" // lane 2 at 0
        hex"37_01_00" // lane 3 at 0
        hex"38_01_00" // lane 4 at 0
        hex"39_14_0305060708090a000b111213141516171d1e1f20" // aux at -16960, -448, -352, -224, -96, -64, -32, 0, 1, 32, 33, 64, 65, 96, 192, 196, 8192, 8544, 16800, 49973
        hex"3a_01_00" // x at 0
        hex"3b_0b_04000c0d0e0f1018191a1b" // sponge at -969, 0, 5, 10, 15, 20, 25, 990, 1980, 1985, 1990
        hex"3d_03_000b11" // fold x at 0, 1, 32
        hex"3e_02_000b" // fold w at 0, 1
        hex"3f_02_000b" // powers at 0, 1
        hex"40_02_000b" // sum at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"005495cbd46d17b15b6712df947e76a3df91bf770fd80509873845df405a8add" // input at -45152
        hex"300fb8a70cc488785ce932d6ed02e1b948a228d169e16b87bca9afb4afa57524" // input at -32864
        hex"0447c12c77fcb44627d292c12c2e9deebc2996751f60c540d1e1eabfd11b11ae" // lane 0 at 0
        hex"2c1c8d466934ebe3907db2f55552ba6e6c0a51d35a58ab5072000ad41ee4ee53" // lane 0 at 4096
        hex"1688abc3c078a68a34a1705bc960ea65598af54b15db2fe511f6fecfa3420139" // aux at -16960
        hex"085812ea465d052f939655c0dd63f86ab7a477c006867d176bea4948186a7798" // aux at -448
        hex"14d56997dfb3d852d9392bd701cc417323c72d368a73d9bde634466ef42e4567" // aux at -352
        hex"06a1db09a882ec3ade95ba2e3a1fd452b9c6bdddf1d4b7c9d7cd6ad50e09d221" // aux at -224
        hex"2447f5baf87de51d2786f6bfff9024e8fa07b116cf93eb08a8d23bbb19093f05" // aux at -96
        hex"26685ab6e1c726743d7b35fa86fb3ebe4cb4a3334ea2d298c26addd39cb5b73c" // aux at -64
        hex"27be7e0e4fcbfb1b344f318647f6254c888af43a408e90d074f545050707f35a" // aux at -32
        hex"089ecd83bca7d80202b1ad6a876226efa790240e2ed3e4402440c2a5f92038b5" // aux at 0
        hex"09356be5cc79ee7fd22cd2464a7189249867dc223d4cf259731f34fd7a6be695" // aux at 1
        hex"07ee15c78690a9ca5b395ba49f7913b2a9f8f79706a65ae4543286ea1b099457" // aux at 32
        hex"24929748876416d93c51751ddeecd37aab46477d836abfbe62179385a5d5f80f" // aux at 33
        hex"0ef6ba43b15a89eea7858ecbf2987d563daf8896a1761d1cab71ba95e6968d16" // aux at 64
        hex"067d9cfb4a7829ec86e2f0561c5aebafb3815b9ec2316055f8f2d58c4d69d612" // aux at 65
        hex"2484fd20189934d1d2c7e24868f6c50e8a7f6037e435e24ac26eb4f8b764c221" // aux at 96
        hex"00b55f11c0194273ea20257bed90b5d9df08533873095bf65d63f66645c4a522" // aux at 192
        hex"016a224b2fcb05b96131eddd205a8eea380151ee2cc27579468942e63d477046" // aux at 196
        hex"0d89fcb419a19f70f46315018258e2f26c5184ef450068f9fbf985e9a0ec1960" // aux at 8192
        hex"2a58340e24dbbeb343bd8975d5f920d35298c0995dbdb9c92a1730a8a3aa5e97" // aux at 8544
        hex"0c29e6cb6960744ff81091bd400273fe656a17cfa4da443b39daa0f26728a48c" // aux at 16800
        hex"17e1ce040d2affe5c00d2de5ec74bf8137551b6eb0e86e2c4aa46cb0b6b88330" // aux at 49973
        hex"155409cda62faf71d662c322209782f1d729d0b8eacc25b76a2652ef5fb33e9b" // sponge at -969
        hex"2659a6e07cdafc86849ba9eaa62ef2d6327505fd699ad900bad1766d25e74043" // sponge at 0
        hex"1215ca0863db8341ba2d0b7b471d6c73b28e322cbe82c7aea0a30d2934d27d4d" // sponge at 5
        hex"1904e42572e1f44db04f20c36061a93828dd4f1f1e7366be1fab6f2f198dacbf" // sponge at 10
        hex"1f532d559f2d5ab7c8ea26beac32b15fc021ecd9a1d3a8f69d5c3d6f9c9749fd" // sponge at 15
        hex"04435a144c1512418c02f0c4f973b9626f16bd5202d90e6a7b713a4217324be6" // sponge at 20
        hex"2fa4e4be9d6a03fcf42d85bb0d7835c406935d41df82a6496b1c1169f37aacbd" // sponge at 25
        hex"0d84c1f06fd31da8d29bd4f71fcae3f50de8bb371a10e4cbe13a73e46873721e" // sponge at 990
        hex"258e9eb55d7fb5da6754a0246cd6aab3b77133fa01bf88f06877d34e6c9163b5" // sponge at 1980
        hex"086a21816e6a1fb0068452a62f9f473f9db51cce59bbd8ea629181c4ca152463" // sponge at 1985
        hex"2cd8898588f8394902d7a3fb2b63104c73520643af3fd1f181d829af85a71a46" // sponge at 1990
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
        hex"03" // 02 norm_sums_first
        hex"04" // 03 norm_sums_next
        hex"05" // 04 norm_sums
        hex"06" // 05 norm_rest
        hex"07" // 06 norm_copy_r
        hex"08" // 07 norm_copy_mean
        hex"09" // 08 norm_carry
        hex"0a" // 09 norm_out
        hex"0b" // 0a poseidon_square
        hex"0c" // 0b full rounds
        hex"0d" // 0c partial rounds
        hex"0e" // 0d round constants 0
        hex"0f" // 0e round constants 1
        hex"10" // 0f round constants 2
        hex"11" // 10 poseidon_first
        hex"12" // 11 poseidon_chain
        hex"13" // 12 poseidon_message_output
        hex"14" // 13 digest_output
        hex"15" // 14 flag_bit
        hex"16" // 15 flag_falls
        hex"17" // 16 flag_order
        hex"18" // 17 prompt_some
        hex"19" // 18 count_first
        hex"1a" // 19 generated_some
        hex"1b" // 1a tokens
        hex"1c" // 1b packed before the last
        hex"1d" // 1c before_start
        hex"1e" // 1d before_bit
        hex"1f" // 1e before_ends
        hex"20" // 1f token_next
        hex"21" // 20 logits_dot
        hex"22" // 21 logits_top
        hex"26" // 22 fold_x_run
        hex"27" // 23 fold_x_hold
        hex"28" // 24 fold_x_end
        hex"29" // 25 bias_one
        hex"2a" // 26 fold_w_inner
        hex"2b" // 27 wide_first_2
        hex"2c" // 28 wide_next_5
        hex"2d" // 29 wide_first_1
        hex"2e" // 2a wide_first_4
        hex"2f" // 2b sum_ends
        hex"31" // 2c weight 0
        hex"32" // 2d weight 1
        hex"33" // 2e weight 2
        hex"3c" // 2f multiplicity
        hex"41" // 30 helper 0
        hex"42" // 31 helper 1
        hex"43" // 32 helper 2
        ;
}
