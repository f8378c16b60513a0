// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by nanozk-evm 0.1.0 from a verifying key. Do not edit: generate it again.
pragma solidity 0.8.37;

import { Activations, ILayerVerifier } from "../../../contracts/interfaces/ILayerVerifier.sol";

/// @title Verifier of the circuit `attention d=768 h=12 f=3072 v=1024 n=32 k=18 c=10 l=3x16`
/// @notice Verifying key 0x25e3fb0e789d2c16cf0acf1fd11aea1dd15e122855056cc5ef61f56a0488ce6e
/// @notice Setup 0x609288b13014bbb1b6063cf7f559d19281a24ebc8ec50f7d23472205cdd0b5b9 (a development setup: its secret is public, so proofs under it prove nothing)
/// @dev The protocol is that of docs/protocol.md: KZG commitments on BN254, two witness phases, a Keccak transcript,
/// linearization, and one batched opening (SHPLONK). What follows the code are tables: the circuit as data.
contract Gpt2SmallAttention is ILayerVerifier {
    /// Modulus of the base field: coordinates are below it.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field: public inputs, evaluations and challenges are below it.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// Logarithm of the number of rows.
    uint256 private constant K = 18;
    /// Public inputs.
    uint256 private constant INSTANCES = 2;
    /// First-phase commitments, among them: input, output, 10 of weights.
    uint256 private constant FIRST = 19;
    /// Second-phase commitments.
    uint256 private constant SECOND = 8;
    /// Evaluations of opened cells.
    uint256 private constant EVALUATIONS = 58;
    /// Bytes before the evaluations: commitments of both phases, and two to the quotient.
    uint256 private constant EVALUATIONS_AT = 1856;
    /// Bytes before the two commitments of the opening.
    uint256 private constant OPENING_AT = 3712;
    uint256 private constant PROOF_LENGTH = 3840;

    uint256 private constant GATES = 54;
    /// Commitments in the verifying key.
    uint256 private constant FIXED_POINTS = 53;
    /// Columns that are opened, and columns that are not.
    uint256 private constant OPENED_COLUMNS = 20;
    uint256 private constant LINEAR_COLUMNS = 60;
    /// Points at which columns are opened, relative to `x`; the first is `x` itself.
    uint256 private constant ROTATION_COUNT = 21;
    /// Registers: 1, four challenges, public inputs, constants, computed scalars.
    uint256 private constant CONSTANTS_AT = 7;
    uint256 private constant SCALARS_AT = 34;
    uint256 private constant REGISTERS = 197;

    /// The verifying key's digest, and the same as the transcript absorbs it.
    bytes32 private constant VERIFYING_KEY = 0x25e3fb0e789d2c16cf0acf1fd11aea1dd15e122855056cc5ef61f56a0488ce6e;
    uint256 private constant VERIFYING_KEY_SCALAR = 0x25e3fb0e789d2c16cf0acf1fd11aea1dd15e122855056cc5ef61f56a0488ce6e;
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
        weights = keccak256(proof[128:768]);
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
        return (1, Activations(K, 32, 768));
    }

    /// @inheritdoc ILayerVerifier
    function circuit() external pure returns (string memory) {
        return "attention d=768 h=12 f=3072 v=1024 n=32 k=18 c=10 l=3x16";
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
        hex"1f4ba532eddd0f8c59016b7fe8e3aeb907ccc8cf757c2c61e5c3be7eddd85e100d912b0e040c146cef8c0932556948d3631196d41deb5f0772f05781e10e7713" // 1 weight rows
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
        hex"28d42056af906c64524cdd261fc71cc104a814974b0c58e7304ccd71411875d30d6f3e7e7d521bc1391cbe469421735fea4294fa8ae0b93918cec2f9f881d577" // 12 far
        hex"0f55e0c4a8cdc023b12c26969f01a6fb03c979338b08f446b17f0c639ccc3fd22e289ff71baa96071befc7eb485fc82a552be99769273af7eb917893d0cb8587" // 13 far_masked
        hex"14d88b0cc400467bed6d020396afe6f3749582fc31da4f6ef5ee782d6baf0a4f2d722f8a96cf96e32f09f749bf78c01975b6c218a1488e6b9782dc935ed3694a" // 14 row_sum_first
        hex"14e166fbeffc085eaa7cd687689652e4a0b26b272bea2fd74da5e66b3f9273340a83de3619edcb370a5cadc9fecd33d49aa0d4fadad758834e560cf382c509a0" // 15 row_sum_next
        hex"140f06e97892dec047c5cc6affc36a4ba3c92cfee41ce3e6324d346dad33ad79012a7f9b7c04eaa42fbefb083ba54e5294bb4ab1beffb8d1f639f93fc5c09989" // 16 row_carry
        hex"14af7eb5e4e06a84dc59f73a42307de4dc043a1e9dd9905d23c7f4fba21ce14c1039fa085364254173cd9ddac62d412db2cfa76c98b06a1c37cd066a9b3b73f7" // 17 row_recip
        hex"296b6e619cdc8216d00c39c6c2319afedacaedd8a18cda613e405f2a27b729ae2302ed4890d0f375a0550c95577e0d118dbdb60cf4e6c9ff57aa18d41acd54da" // 18 head_first
        hex"16c3c8e1d1a22cc76ecc24739e3cf5fc352ff47eaf968d7d3a99006412e83e3f13614fee9937625f0101aa5eb52c0f42b6f69451ea2879c2081b4d7248200434" // 19 head_same
        hex"2f7f2ab4a9285cd019022f41761ad3b7a7f85fec9a7be07fe52485743aa4f4ec1ff4bbd41bb21135caa308457e86ad19d05bc44687606deeb9a18f11ef13f1b6" // 20 head_next_q
        hex"264cfb11167a585bf2961b417fb66eeac05fa15c892b1ef0960a4167836a4b711900fb245f065697ee23fc9f16653999017a25fd81abc687cd42f328eba7ea6c" // 21 head_next_s
        hex"001389875c8cde4f8c69e3314b4d9f80fd9014ba662efd582eca2226114a31b60172350b30dd5635de2188b095368ecfe5ce86906b8a4cd582c17b8f24eb38d8" // 22 fold_q
        hex"3009507e866a6df0edf4e4266128e5fa6a4a3c9a99e1b1d5a91a4344f4207ad026dbf5ae411b51f31dbb4eac204dd5a35fcb1e460cc80a43fa7c704ba9fb421a" // 23 fold_q_last
        hex"10d32db2e028d3e9959b8076cd2b5b0e865403a4dc3924a39eec653e4339c6f1006c9f3bad560d172ec957b083c1b41c68df922074e22619c23ccb780aa44ca6" // 24 fold_k
        hex"2536e38309b65fa01ead35feebd518d4a8b2dc53075aec31274f4c333bf1299626e0abb3da59373f22047381dd6f4ad2ee9cc0c2838d8f58b942a57f2a67ed78" // 25 fold_k_last
        hex"058b6dc016b8927c030a12fab15c4764a2e514f096a5bd4773f652315309bd7e1c18db10aed485230488e3bbc3d9a38f7875a672cf1d3440ea1b3b1286614052" // 26 fold_v
        hex"0aa0f6e2c8a0cd35a8d04eba132347c01adbe5f646ce33d81f24184dd31cb152046358cca8f5320c5a68d96204ca09a3f4ed624fa9cdaf2cbc103086f9580301" // 27 fold_v_last
        hex"1560ff7cf09e808bf866d2a37978c869c1ee5d43cd354a141a0ea58e57dde99c03ace9db3e1063668eab174990d51823dc68133302e4fd147f7f60322e49e955" // 28 fold_p
        hex"071e09b68e89ca6ab7f3d3959d57b4efadef36afbcf31435b7c586da101ce33901ae9cbc0b0e250db76c5ac6ee2f7c99d2e62cf2e97c346e62c04724e46809eb" // 29 fold_p_last
        hex"069d47c4706e389046a2734dc776bfecd10ba9c676069091cde13827334465f0138b7a0afdbf38ea876c09ec326e36f0edf0f4cb01484ca01a3b7f8582a9738f" // 30 qk_dot
        hex"23bf82a268fb20ebadba79fcdb627e524c1e67b27e0dcef30acf421225c10a440dd9b535ac4b3e9e1840faeab15362ddb9e796a007f3009b2267893f6ce166fb" // 31 context
        hex"287ee687682accaca64e34b78e26e237c9bd8ce1e6ff334807bc9397c16a84ee21a0adf0a00852315ac3bb8583c00f4466a3e49181740209c4346d3e8fac31a6" // 32 pv_dot
        hex"0e6123599b2f18ba925449a481b2faa6d95a76434c80e3128f67db36e3ba9128038489b8f69c09853a8680f09d8e06cb65b048f7a6b37980d05ead78d20dfbc6" // 33 qkv_dot
        hex"23ac8cc48b310b43fd5d08337ca9f097bfb56c2ccd55b402587e148786a3b2ee124936fe4247976ffa55fa25a6a553bff044e522902f65c6ff4f8ed3087cec1e" // 34 qkv_output
        hex"147a8eefc7750f7bf1cd76b2a292077043698fdf3bae58845c859b82aac6652d29fdd5720b4ba409b1ba2e2641aeb0df12b60abfa27379722d5b1ef226598a1b" // 35 attn_out_start
        hex"0565cd47f0a07cf6e112ca47208544654a8a3c62a8f7971bd1693fc80f8a722d2c06bea2130e4abfa2f5ca86dc30e4bba75de08cd656eb65c997f9bd9c6e790f" // 36 attn_out_dot
        hex"2ce30450d06d0df5cb496c442e9c002f6ef0167482760b2cfa73811fe67bf52b1c4ad356af6a23d19bae70feefe41b044302ae5dde94463c202edc968724ca61" // 37 tag
        hex"06e8f2f1973182930e9014bc702a0e90d58de6a8cbe809fd9d3285a1c5884b8f12320a2b0b8446bc9a3856ac937832805f34901d8b5135e224623e6b1c071212" // 38 table key
        hex"1ac66e19e6e968df7342158694cefea4c5a27bbe4a84b697ab963250ed749b9129f86d2fd9108fcba6461cb2129b53a24890ab47808013f2fb67b9f700207296" // 39 table 0
        hex"0f8896d227c972ae133f441fd28c7165118e1b52646b9e58d11a2194487a4dbe1a83cbbfbc3e409dbaa9f461e3001cd6d154665b982919ef350ea7ca6899a606" // 40 table tag
        hex"2eeaeb967e857ed043015a4b37de3e762b51e6ce1f1dcae360adfdaea211617a0d58445ec25c865e955add3093379f35f5962c1c01528ef7c7f862db2cd598ec" // 41 fold_x_run
        hex"04e93c3817b6c2ac6364f2162049f6a933b0cb8da1cf2f2fb6efe876aa9c6eb503afdec83c39b9fc299f3be000e4e63fb650ee8842e1c556a4b2d0b600bd1c56" // 42 fold_x_hold
        hex"26f1b2be3bc05ebcad60a247dca836d9cccf0171bc1926defc7f0cc1269bd6c21af5a747dba1c51404dccbd95b33448cd7305597f9b3ec768ebfa1d2450799ef" // 43 fold_x_end
        hex"14251c5ff69c71194263623ac0d250347a8ca5ae0da778efb914c6bed635cfd32aae57ad0932ff24b49c615be5d73d1a1276bf4562c65b43c641a122e2020731" // 44 bias_one
        hex"0293c59bf4c1b972216ecfb0cc1da12b8b0da819cc464f6f918004167994a9602bba2536694dd3d72e4c9fdcb2e313b3306623a8259fc9b2c46ea7f3bf20138b" // 45 fold_w_inner
        hex"15c534d3fc5b070f26d4544dbc520f84009e012c593aecdb7a8e3fb2bd4e92e82bea141ae2afd6bbc3db80732a3ee408730e9622bad668e45e682627c7279311" // 46 fold_w_jump_672
        hex"0feff982b72c7e514fb1580b1d63ccbe5d80d647b5c0872395549973bb26285a0d679ce7465d792eb18fd44f368cf56c5007b8b5794c32b89de0825818586ff0" // 47 fold_w_jump_256
        hex"01cb2014b603f92754ae26a04770a656cc064446799a03b7081a739bbe427e761ee719e06a9831b270e3aa960848c370636375bb6333858a42375f1dcfd75767" // 48 fold_w_jump_128
        hex"16b728374fb80f89e3fbdfabc29f92176d6d6e9c54179b6e2893aecef599458021cb3bd37d5266fe86f6365730038433a0cabac9fc4d5ed57e8756015d18b6b6" // 49 wide_first_3
        hex"1dbe9374ea46cb0da2f59a3212f5ce484e4c61941d069a6b2b96f54317458223014b878046e71ef12ab5f0b6a721657ec20d4f3e2ffd5765a58b1d6f829517b1" // 50 wide_next_3
        hex"2a61242d6c7bfa8046071b304c55daa8204cf1e4a305136579ab3362d7ff16eb1d5c1854c8685f4addcb6540e1474db552ba04514889e4d6da48ac7c39921fcf" // 51 wide_first_2
        hex"0b15fd740dd052cdf4a37f79d2137a9f82dbb7b8c9747a6e03a23afa6153974a1453090a99685d76ac6da285f90e0373e2c7cc3e63a24e24a477d1d55dbf91c2" // 52 sum_ends
        ;

    /// ω^rotation.
    bytes private constant ROTATIONS =
        hex"0000000000000000000000000000000000000000000000000000000000000001" // 0 ω^0
        hex"1ed51567fdde99026ac8ab5c5a2848071452a79a0d72db2844b4ed3098204e18" // 1 ω^-73697
        hex"0dd360411caed09700b52c71a6655715c4d558439e2d34f4307da9a4be13c42e" // 2 ω^-49152
        hex"1910cf3d7f4cf2e06d3d2e6646e7ee7b2ead518c3fe97ec9a1ab0fadd65640b2" // 3 ω^-24576
        hex"1981bb0be2ace527d2109f3b9f7c03f640d9ae52819d74af746856067360fe6e" // 4 ω^-320
        hex"0ae3c95fc03c0a5f2de8a8f46c03ccdfdfed2bb98c9e4ae0b10b15eda4e3b1e3" // 5 ω^-256
        hex"08835809c497907dc3a0df6d7b79186a47664395ef320f8027e70c62ad8206a8" // 6 ω^-160
        hex"179c2392139def1b24f4e92b4bfba20a0fa885cb6bfc2f2cb92790e00237d0c0" // 7 ω^-64
        hex"09ff38534bd08f2b08b6010aaee9ac485d3afb3a9ae4280907537b08fc6e53e5" // 8 ω^-32
        hex"0e1165d221ab96da2bb4efe1b8fbf541b58d00917384a41bc6ab624d6d3e2b76" // 9 ω^-1
        hex"0f60c8fe0414cb9379b2d39267945f6bd60d06a05216231b26a9fcf88ddbfebe" // 10 ω^1
        hex"304cd1e79cfa5b0f054e981a27ed7706e7ea6b06a7f266ef8db819c179c2c3ea" // 11 ω^2
        hex"1de7dfece81e7023de570970c8a0ba91b9d61231326d53a2b0b4a91230aed2b5" // 12 ω^3
        hex"10e3d295c1599ff535a1bb49f23d81aa03bd0ed25881f9ed12b179af67f67ae1" // 13 ω^32
        hex"2f6122bbf1d35fdaa9953f60087a423238aa810773efee2a251aa6161f2e6ee6" // 14 ω^64
        hex"2bc6fba9e9f8c42fe458dea80ddb1982620186ca88e026d277c6a56e8060f554" // 15 ω^96
        hex"1277ae6415f0ef18f2ba5fb162c39eb7311f386e2d26d64401f4a25da77c253b" // 16 ω^24576
        hex"1e73b53461742470cfba2bed7192b80c5182b8f1cf65cb1bd1e5157a5df8b156" // 17 ω^24992
        hex"107aab49e65a67f9da9cd2abf78be38bd9dc1d5db39f81de36bcfa5b4b039043" // 18 ω^49152
        hex"2f25e9254e0bdb0d41b681fe927ecf006d8eafb04afb0971c9075aa7fc4fd9af" // 19 ω^49440
        hex"06fd19c17017a420ebbebc2bb08771e339ba79c0a8d2d7ab11f995e1bc2e5912" // 20 ω^73984
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
        hex"0000000000000000000000000000000000000000000000000000000000010000" // r18 = 65536
        hex"30644e72e131a029b85045b68181585d2833e84879b9709043e1f593f0000001" // r19 = -2^64
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e0f594f0000001" // r20 = -0xffff00000000
        hex"30644e72e131a029b85045b68181585d2833e84879b9709043e1f593f0000000" // r21 = -0x10000000000000001
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f59370000001" // r22 = -2^31
        hex"0000000000000000000000000000000000000000000000000000000080000000" // r23 = 2^31
        hex"0000000000000000000000000000000000000000000000000000000000008000" // r24 = 32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8000" // r25 = -32769
        hex"0000000000000000000000000000000000000000000000000000000001000000" // r26 = 2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ef000001" // r27 = -2^24
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efff8001" // r28 = -32768
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffc01" // r29 = -1024
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593ec000001" // r30 = -2^26
        hex"0000000000000000000000000000000000000000000000000000000000000400" // r31 = 1024
        hex"30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffe01" // r32 = -512
        hex"0000000000000000000000000000000000000000000000000000004000000000" // r33 = 2^38
        ;

    /// Computed coefficients.
    bytes private constant SCALARS =
        hex"8001_0007" // r34 = β · -1
        hex"8001_0001" // r35 = β · β
        hex"8023_0023" // r36 = r35 · r35
        hex"8024_0024" // r37 = r36 · r36
        hex"8025_0025" // r38 = r37 · r37
        hex"8026_0026" // r39 = r38 · r38
        hex"8027_0027" // r40 = r39 · r39
        hex"8028_0028" // r41 = r40 · r40
        hex"8029_0029" // r42 = r41 · r41
        hex"802a_002a" // r43 = r42 · r42
        hex"802b_002b" // r44 = r43 · r43
        hex"802c_002c" // r45 = r44 · r44
        hex"8007_002d" // r46 = -1 · r45
        hex"8007_0027" // r47 = -1 · r39
        hex"8002_0007" // r48 = α · -1
        hex"0030_0030" // r49 = r48 + r48
        hex"8003_0003" // r50 = τ · τ
        hex"8007_0032" // r51 = -1 · r50
        hex"8003_0007" // r52 = τ · -1
        hex"8002_0032" // r53 = α · r50
        hex"8002_0003" // r54 = α · τ
        hex"8002_0002" // r55 = α · α
        hex"8007_0030" // r56 = -1 · r48
        hex"801b_0027" // r57 = -2^24 · r39
        hex"8007_0039" // r58 = -1 · r57
        hex"001a_003a" // r59 = 2^24 + r58
        hex"801b_0028" // r60 = -2^24 · r40
        hex"8007_003c" // r61 = -1 · r60
        hex"003b_003d" // r62 = r59 + r61
        hex"8027_0028" // r63 = r39 · r40
        hex"801b_003f" // r64 = -2^24 · r63
        hex"8007_0040" // r65 = -1 · r64
        hex"003e_0041" // r66 = r62 + r65
        hex"801b_0029" // r67 = -2^24 · r41
        hex"8007_0043" // r68 = -1 · r67
        hex"0042_0044" // r69 = r66 + r68
        hex"8027_0029" // r70 = r39 · r41
        hex"801b_0046" // r71 = -2^24 · r70
        hex"8007_0047" // r72 = -1 · r71
        hex"0045_0048" // r73 = r69 + r72
        hex"8028_0029" // r74 = r40 · r41
        hex"801b_004a" // r75 = -2^24 · r74
        hex"8007_004b" // r76 = -1 · r75
        hex"0049_004c" // r77 = r73 + r76
        hex"8029_003f" // r78 = r41 · r63
        hex"801b_004e" // r79 = -2^24 · r78
        hex"8007_004f" // r80 = -1 · r79
        hex"004d_0050" // r81 = r77 + r80
        hex"801b_002a" // r82 = -2^24 · r42
        hex"8007_0052" // r83 = -1 · r82
        hex"0051_0053" // r84 = r81 + r83
        hex"8027_002a" // r85 = r39 · r42
        hex"801b_0055" // r86 = -2^24 · r85
        hex"8007_0056" // r87 = -1 · r86
        hex"0054_0057" // r88 = r84 + r87
        hex"8007_0028" // r89 = -1 · r40
        hex"8007_003f" // r90 = -1 · r63
        hex"8007_0029" // r91 = -1 · r41
        hex"8007_0046" // r92 = -1 · r70
        hex"8007_004a" // r93 = -1 · r74
        hex"8007_004e" // r94 = -1 · r78
        hex"8007_002a" // r95 = -1 · r42
        hex"8007_0055" // r96 = -1 · r85
        hex"8028_002a" // r97 = r40 · r42
        hex"8007_0061" // r98 = -1 · r97
        hex"802b_0046" // r99 = r43 · r70
        hex"8007_0063" // r100 = -1 · r99
        hex"8004_0004" // r101 = δ · δ
        hex"8004_0065" // r102 = δ · r101
        hex"802d_002d" // r103 = r45 · r45
        hex"8067_0067" // r104 = r103 · r103
        hex"8068_0068" // r105 = r104 · r104
        hex"8068_0069" // r106 = r104 · r105
        hex"8066_006a" // r107 = r102 · r106
        hex"0000_0001" // r108 = 1 + β
        hex"0000_0023" // r109 = 1 + r35
        hex"806c_006d" // r110 = r108 · r109
        hex"0000_0024" // r111 = 1 + r36
        hex"806e_006f" // r112 = r110 · r111
        hex"0000_0025" // r113 = 1 + r37
        hex"8070_0071" // r114 = r112 · r113
        hex"0000_0026" // r115 = 1 + r38
        hex"8072_0073" // r116 = r114 · r115
        hex"806a_0074" // r117 = r106 · r116
        hex"806b_0075" // r118 = r107 · r117
        hex"8007_0076" // r119 = -1 · r118
        hex"8007_006b" // r120 = -1 · r107
        hex"8007_0078" // r121 = -1 · r120
        hex"8065_0065" // r122 = r101 · r101
        hex"8065_007a" // r123 = r101 · r122
        hex"8008_007b" // r124 = -65536 · r123
        hex"8007_007c" // r125 = -1 · r124
        hex"8012_007b" // r126 = 65536 · r123
        hex"8007_007e" // r127 = -1 · r126
        hex"8007_007b" // r128 = -1 · r123
        hex"801c_007b" // r129 = -32768 · r123
        hex"8007_0081" // r130 = -1 · r129
        hex"8007_0066" // r131 = -1 · r102
        hex"801c_0066" // r132 = -32768 · r102
        hex"8007_0084" // r133 = -1 · r132
        hex"8004_0007" // r134 = δ · -1
        hex"8004_001d" // r135 = δ · -1024
        hex"8007_0087" // r136 = -1 · r135
        hex"8004_001e" // r137 = δ · -2^26
        hex"8007_0089" // r138 = -1 · r137
        hex"8004_001f" // r139 = δ · 1024
        hex"8007_008b" // r140 = -1 · r139
        hex"8004_0020" // r141 = δ · -512
        hex"8007_008d" // r142 = -1 · r141
        hex"8004_0021" // r143 = δ · 2^38
        hex"8007_008f" // r144 = -1 · r143
        hex"802a_0046" // r145 = r42 · r70
        hex"8068_0091" // r146 = r104 · r145
        hex"8069_0092" // r147 = r105 · r146
        hex"8069_0069" // r148 = r105 · r105
        hex"8093_0094" // r149 = r147 · r148
        hex"8094_0094" // r150 = r148 · r148
        hex"8095_0096" // r151 = r149 · r150
        hex"8004_0097" // r152 = δ · r151
        hex"8007_0098" // r153 = -1 · r152
        hex"8007_0099" // r154 = -1 · r153
        hex"8012_0065" // r155 = 65536 · r101
        hex"8007_009b" // r156 = -1 · r155
        hex"8004_007a" // r157 = δ · r122
        hex"8007_009d" // r158 = -1 · r157
        hex"009c_009e" // r159 = r156 + r158
        hex"8007_0065" // r160 = -1 · r101
        hex"8016_0065" // r161 = -2^31 · r101
        hex"8007_00a1" // r162 = -1 · r161
        hex"801c_0065" // r163 = -32768 · r101
        hex"8007_00a3" // r164 = -1 · r163
        hex"00a2_00a4" // r165 = r162 + r164
        hex"801c_009d" // r166 = -32768 · r157
        hex"8007_00a6" // r167 = -1 · r166
        hex"00a5_00a7" // r168 = r165 + r167
        hex"8093_0096" // r169 = r147 · r150
        hex"8096_0096" // r170 = r150 · r150
        hex"80a9_00aa" // r171 = r169 · r170
        hex"8065_00ab" // r172 = r101 · r171
        hex"8007_00ac" // r173 = -1 · r172
        hex"8007_00ad" // r174 = -1 · r173
        hex"8069_0094" // r175 = r105 · r148
        hex"807a_00af" // r176 = r122 · r175
        hex"8007_00b0" // r177 = -1 · r176
        hex"8007_00b1" // r178 = -1 · r177
        hex"802f_00b1" // r179 = r47 · r177
        hex"8007_00b3" // r180 = -1 · r179
        hex"8012_007a" // r181 = 65536 · r122
        hex"8007_00b5" // r182 = -1 · r181
        hex"8007_007a" // r183 = -1 · r122
        hex"8016_007a" // r184 = -2^31 · r122
        hex"8007_00b8" // r185 = -1 · r184
        hex"801c_007a" // r186 = -32768 · r122
        hex"8007_00ba" // r187 = -1 · r186
        hex"00b9_00bb" // r188 = r185 + r187
        hex"809d_00ab" // r189 = r157 · r171
        hex"8075_00bd" // r190 = r117 · r189
        hex"8007_00be" // r191 = -1 · r190
        hex"8007_00bd" // r192 = -1 · r189
        hex"8007_00c0" // r193 = -1 · r192
        hex"8007_0080" // r194 = -1 · r128
        hex"802f_0080" // r195 = r47 · r128
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
    /// 0f far: a bit
    /// 10 far_zero: not far: below 2^16
    /// 11 far_masked: masked positions are far
    /// 12 exp_used: no weight if far
    /// 13 top: a bit
    /// 14 top_zero: a marked score is the maximum
    /// 15 top_masked: a masked score is not marked
    /// 16 row_sum_first: a row's sum starts
    /// 17 row_sum_next: and takes up each position
    /// 18 row_carry: reciprocal and maximum do not change along a row
    /// 19 row_recip: the reciprocal used is the ranged one
    /// 1a row_divide: reciprocal times sum, up to the slack
    /// 1b row_remainder: the slack is below the sum
    /// 1c row_max: the maximum used is the ranged one
    /// 1d probability: exponential times reciprocal, rounded
    /// 1e head_first: the first head has weight one
    /// 1f head_same: all rows of a head have its weight
    /// 20 head_next_q: the next head has the next power
    /// 21 head_next_s: the next head has the next power
    /// 22 fold_q: folds
    /// 23 fold_q_last: a fold starts with its last element
    /// 24 fold_k: folds
    /// 25 fold_k_last: a fold starts with its last element
    /// 26 fold_v: folds
    /// 27 fold_v_last: a fold starts with its last element
    /// 28 fold_p: folds
    /// 29 fold_p_last: a fold starts with its last element
    /// 2a logup_helper_0: the helper is the sum of two lanes' inverses
    /// 2b logup_table: the helper is the last lane's inverse less the table's, times its multiplicity
    /// 2c fold_x_run: folds an input over positions
    /// 2d fold_x_hold: carries the fold
    /// 2e fold_x_end: a fold ends with its matrix
    /// 2f bias_one: the input of the bias is one
    /// 30 fold_w: folds the weights of an input over outputs
    /// 31 wide_first_3: a wide number from its limbs
    /// 32 wide_next_3: a wide number from its limbs
    /// 33 wide_first_2: a wide number from its limbs
    /// 34 sum_next: the running sum takes up every equation's terms of the row
    /// 35 sum_ends: the running sum starts and ends at zero
    bytes private constant TERMS =
        hex"0f" // opened cells only
        hex"010022013500_010000013600_2a0031010000_2a0033010300_2a0007010b00_2a0007010e00_2a0034012900"
        hex"2b0030010000_2b0007010400_2b0034010500_2b0033010600_300058020000_300000022e00_340007013700"
        hex"340000013800"
        hex"04" // powers_first
        hex"000007000000_000000350000_340077000000_3400792b0000"
        hex"07" // residual_limbs
        hex"0200000a0000_0200070b0000_0200080e0000_34007d093500_34007f0a3500_340080113500_340082350000"
        hex"03" // norm_sums_first
        hex"030007070000_030009070700_0300001d0000"
        hex"04" // norm_sums_next
        hex"040007070000_040009070700_0400071b0000_0400001d0000"
        hex"14" // norm_sums
        hex"050000170000_050009180000_05000a1b0000_050007210000_06000b000000_06000a180000_06000c1b1b00"
        hex"06000d1b2100_060000212100_060000220000_0700071d2200_070000230000_08000e000000_080000190000"
        hex"0800001d2300_090007000000_090007190000_0900071a0000_090000220000_09000f230000"
        hex"02" // norm_rest
        hex"0a00070b0000_0a00001d0000"
        hex"02" // norm_copy_r
        hex"0b00001d0000_0b0007260000"
        hex"02" // norm_copy_mean
        hex"0c00001d0000_0c0007270000"
        hex"02" // norm_carry
        hex"0d00071b0000_0d00001d0000"
        hex"08" // norm_out
        hex"0e0010000000_0e0000081d00_0e00110b0000_0e00070e0000_0e0008110000_0e0007161d00_3400830b3500"
        hex"340085350000"
        hex"17" // far
        hex"0f0007100000_0f0000101000_1000000e0000_1000070e1000_120000102a00_120000110000_1200072a0000"
        hex"130007130000_130000131300_1400000c1300_1400120e1300_140012101300_1d0017000000_1d00080d0000"
        hex"1d00110f0000_1d0000112400_1d0007120000_3400860b3500_3400880c3500_34008a0e3500_34008a103500"
        hex"34008c253500_34008e350000"
        hex"04" // far_masked
        hex"110007000000_110000100000_150000130000_340090350000"
        hex"03" // row_sum_first
        hex"160007110000_160013130000_1600001d0000"
        hex"04" // row_sum_next
        hex"170007110000_170013130000_1700071c0000_1700001d0000"
        hex"02" // row_carry
        hex"1800071c0000_1800001d0000"
        hex"0d" // row_recip
        hex"190007150000_1900001d0000_1a0014000000_1a0000141d00_1a00131d0000_1a00001e0000_1b0015000000"
        hex"1b0000140000_1b00071e0000_1b00071f0000_1c0016000000_1c0007160000_1c0000200000"
        hex"02" // head_first
        hex"1e0007000000_1e0000390000"
        hex"02" // head_same
        hex"1f0007390000_1f00003a0000"
        hex"02" // head_next_q
        hex"20002e390000_2000003a0000"
        hex"02" // head_next_s
        hex"21002e390000_2100003a0000"
        hex"04" // fold_q
        hex"2200070b3900_220000310000_22002f320000_220018390000"
        hex"03" // fold_q_last
        hex"2300070b3900_230000310000_230018390000"
        hex"04" // fold_k
        hex"240018000000_2400070b0000_240000310000_240022320000"
        hex"03" // fold_k_last
        hex"250018000000_2500070b0000_250000310000"
        hex"04" // fold_v
        hex"260018000000_2600070b0000_260000310000_26002f330000"
        hex"03" // fold_v_last
        hex"270018000000_2700070b0000_270000310000"
        hex"03" // fold_p
        hex"2800070f3900_280000310000_280022330000"
        hex"02" // fold_p_last
        hex"2900070f3900_290000310000"
        hex"01" // qk_dot
        hex"34009a313400"
        hex"03" // context
        hex"34009f0b3500_3400a00e3500_3400a8350000"
        hex"01" // pv_dot
        hex"3400ae303100"
        hex"02" // qkv_dot
        hex"3400b22b2e00_3400b42d2e00"
        hex"03" // qkv_output
        hex"3400b60b3500_3400b70e3500_3400bc350000"
        hex"02" // attn_out_start
        hex"3400bf000000_3400c12b0000"
        hex"02" // attn_out_dot
        hex"3400c22b2e00_3400c42d2e00"
        hex"04" // fold_x_run
        hex"2c0018000000_2c0007280000_2c00002b0000_2c00222c0000"
        hex"02" // fold_x_hold
        hex"2d00002b0000_2d00072c0000"
        hex"01" // fold_x_end
        hex"2e00002b0000"
        hex"02" // bias_one
        hex"2f0019000000_2f0000280000"
        hex"01" // fold_w_inner
        hex"3000622f0000"
        hex"01" // fold_w_jump_672
        hex"3000642f0000"
        hex"01" // fold_w_jump_256
        hex"30005f2f0000"
        hex"01" // fold_w_jump_128
        hex"30005b2f0000"
        hex"04" // wide_first_3
        hex"3100070b0000_3100080e0000_310011110000_3100001d0000"
        hex"05" // wide_next_3
        hex"3200070b0000_3200080e0000_320011110000_3200091b0000_3200001d0000"
        hex"03" // wide_first_2
        hex"3300070b0000_3300080e0000_3300001d0000"
        hex"01" // sum_ends
        hex"350000380000"
        hex"01" // weight 0
        hex"300007020000"
        hex"01" // weight 1
        hex"30002f020000"
        hex"01" // weight 2
        hex"300059020000"
        hex"01" // weight 3
        hex"30005a020000"
        hex"01" // weight 4
        hex"30005b020000"
        hex"01" // weight 5
        hex"30005c020000"
        hex"01" // weight 6
        hex"30005d020000"
        hex"01" // weight 7
        hex"30005e020000"
        hex"01" // weight 8
        hex"30005f020000"
        hex"01" // weight 9
        hex"300060020000"
        hex"02" // multiplicity
        hex"2b0000011100_2b0038010000"
        hex"09" // helper 0
        hex"2a0032030e00_2a0035030000_2a00000b0e00_2a00020b0000_2a00030e2900_2a00020e0000_2a0036290000"
        hex"2a0037000000_340007000000"
        hex"09" // helper 1
        hex"2b0000041100_2b0002040000_2b0003051100_2b0036050000_2b0032061100_2b0035060000_2b0002110000"
        hex"2b0037000000_340007000000"
        ;

    /// Columns that are opened.
    bytes private constant OPENED =
        hex"00_01_00" // active at 0
        hex"01_01_00" // weight rows at 0
        hex"25_01_00" // tag at 0
        hex"26_01_00" // table key at 0
        hex"27_01_00" // table 0 at 0
        hex"28_01_00" // table tag at 0
        hex"35_03_020300" // input at -49152, -24576, 0
        hex"36_01_00" // output at 0
        hex"41_03_001012" // lane 0 at 0, 24576, 49152
        hex"42_03_001012" // lane 1 at 0, 24576, 49152
        hex"43_03_001012" // lane 2 at 0, 24576, 49152
        hex"44_14_010203040506070809000a0b0c0d0e0f10121314" // aux at -73697, -49152, -24576, -320, -256, -160, -64, -32, -1, 0, 1, 2, 3, 32, 64, 96, 24576, 49152, 49440, 73984
        hex"45_01_00" // x at 0
        hex"46_02_0010" // partner 0 at 0, 24576
        hex"48_03_000a0d" // fold x at 0, 1, 32
        hex"49_02_000a" // fold w at 0, 1
        hex"4a_05_03000a0d11" // run at -24576, 0, 1, 32, 24992
        hex"4b_02_000a" // powers at 0, 1
        hex"4c_02_000a" // sum at 0, 1
        hex"4d_02_000a" // head weight at 0, 1
        ;

    /// For each rotation of a column with several: the inverse of the product of its distances from the others.
    bytes private constant WEIGHTS =
        hex"2048c9795633513f391901c8111d33a740b1b0352817394ad665de557a170ca7" // input at -49152
        hex"0c9787746157a04f8832d049a03a2beeaed2c0458545f1311006aa141887503a" // input at -24576
        hex"0383fd8529a6ae9af70473a4d029f8c738af77cdcc5c46155d756d2a5d61a320" // input at 0
        hex"2646c14e18fad2d4ee9612a80759dc3d77699e91f74b0dde622c1189d3d9db6d" // lane 0 at 0
        hex"0577689c27bc5b54759166288b96a5ed09ca41d9f387638d98bc8733d72f4cc2" // lane 0 at 24576
        hex"04a62488a07a72005428cce5ee90d632a70007dc8ee6ff2548f95cd644f6d7d2" // lane 0 at 49152
        hex"2646c14e18fad2d4ee9612a80759dc3d77699e91f74b0dde622c1189d3d9db6d" // lane 1 at 0
        hex"0577689c27bc5b54759166288b96a5ed09ca41d9f387638d98bc8733d72f4cc2" // lane 1 at 24576
        hex"04a62488a07a72005428cce5ee90d632a70007dc8ee6ff2548f95cd644f6d7d2" // lane 1 at 49152
        hex"2646c14e18fad2d4ee9612a80759dc3d77699e91f74b0dde622c1189d3d9db6d" // lane 2 at 0
        hex"0577689c27bc5b54759166288b96a5ed09ca41d9f387638d98bc8733d72f4cc2" // lane 2 at 24576
        hex"04a62488a07a72005428cce5ee90d632a70007dc8ee6ff2548f95cd644f6d7d2" // lane 2 at 49152
        hex"05bc7c4024c39eb96421e3e2dfb190b71243c4c7ace813944867e01d4bbd71b7" // aux at -73697
        hex"034571e5d8e3bfb69f1f4ac79a8e22b88692432958ec8834b6ce21800220ec38" // aux at -49152
        hex"1f8e0faa9d091a2e99f568168aaca2f3409dbb83ccbd3955d2aec5c23c1e95fb" // aux at -24576
        hex"226faf215595af8651cd887dcdc30065590e52dc38feba3f343fac9b83cfa873" // aux at -320
        hex"06a5867a0efdb731ed49cc01362fadbcbf4cc8cb69b0e9f2cacde5893176fade" // aux at -256
        hex"0254390997fde5d256e9a164ae887fce09ca28c616933cf581aac26f6b6741b7" // aux at -160
        hex"1aab993422fb0fbec994d2d22bc987f626156b4ac3251acefdb2d78945653675" // aux at -64
        hex"13cb887c67d07e26f079a47268ff9d6dfe756f8b1a93da5bd0546f853143cc0d" // aux at -32
        hex"19a901c8a7f15a1a7982f0e5c05706d7952d3d54fc92aebed5e906d56057ae4b" // aux at -1
        hex"232983ac1c1893dcf3ae95a1c22eb5f107858d30a35b7a204875731638d3eed0" // aux at 0
        hex"084da922aca0ca833ad52f48253a40413dfcfc1b8b704f5ecf8ece125a7d92b8" // aux at 1
        hex"0b04a44aa47eb2a9daa6baacc155ec3a5952a61c4529db5253c51cfc436e3bc0" // aux at 2
        hex"102a1a1695a4debf206c63bb4623a29654b027a271d11ba69b7fdb2871737eff" // aux at 3
        hex"12fedbdc6b82eb8590e336c493a77490657af529c65832883b0db5c3c49d4c74" // aux at 32
        hex"0eb857a2d2ec5e8b9cb3cda7360632e5e4c5669d99670dc6d959062661766727" // aux at 64
        hex"05258db5d707d35dbf62ba3e2541c001be20ebea1dbf8083f01af38b4089d7ec" // aux at 96
        hex"297f28186f18ae31000bd5eac3709ff64b125dd220eea914a814311da55d2278" // aux at 24576
        hex"23a6569838969bcfa35472da54bb98e5f00bd2d94824436d95f70a9bbffdabd9" // aux at 49152
        hex"0355efa2134df0aaead5709c407e2d4a2b653c27d554512b88148963a0fe3592" // aux at 49440
        hex"290ac8f06c3d0c40b6f2dd87c906bfb929e416a6c5fe6b61569794e8492aaa98" // aux at 73984
        hex"0c3ad31c6c5c3857541bb848ac8023a6b3eb93657e2d556bc6dd6ac9009f7a01" // partner 0 at 0
        hex"24297b5674d567d264348d6dd50134b6744854e2fb8c1b257d048acaef608600" // partner 0 at 24576
        hex"2f65bb368b61cdcb86c9dff113af1bcf8ed02397ecdb9b1347888aada8123eda" // fold x at 0
        hex"0305088156b485ea270038e9471e430a1b33d4ef81bca1ea4be066c699b90ae5" // fold x at 1
        hex"2e5dd92de04cec9dc2d67292a83551e0a663d80984daa424f45af9b39e34b643" // fold x at 32
        hex"28608838714a584049dd387772113e5885e7d65f48cce4106bfbd093b225d9d9" // fold w at 0
        hex"0803c63a6fe747e96e730d3f0f701a04a24c11e930ec8c80d7e625003dda2628" // fold w at 1
        hex"232c7070a71af33578a252317d25cf9232e5110d65df7de9c7223cc55a5668ce" // run at -24576
        hex"232ac060b72fa2250b52c8d1b67dcf88e8d0353b67406f2757df61aba00d2008" // run at 0
        hex"23673472fce7ad83a4e917ec2dbc0aeec624877ed0ccdedf8ecad050bf96a4af" // run at 1
        hex"1a64b70512cb611583394b833f835f1e6167549be50e09d54fedafccab25157a" // run at 32
        hex"0d09cf0f35973c897cd952b0e3a0ffef355a9675ea317bedcdebc22d6ae0bd04" // run at 24992
        hex"28608838714a584049dd387772113e5885e7d65f48cce4106bfbd093b225d9d9" // powers at 0
        hex"0803c63a6fe747e96e730d3f0f701a04a24c11e930ec8c80d7e625003dda2628" // powers at 1
        hex"28608838714a584049dd387772113e5885e7d65f48cce4106bfbd093b225d9d9" // sum at 0
        hex"0803c63a6fe747e96e730d3f0f701a04a24c11e930ec8c80d7e625003dda2628" // sum at 1
        hex"28608838714a584049dd387772113e5885e7d65f48cce4106bfbd093b225d9d9" // head weight at 0
        hex"0803c63a6fe747e96e730d3f0f701a04a24c11e930ec8c80d7e625003dda2628" // head weight at 1
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
        hex"0c" // 0b far
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
        hex"2e" // 29 fold_w_jump_672
        hex"2f" // 2a fold_w_jump_256
        hex"30" // 2b fold_w_jump_128
        hex"31" // 2c wide_first_3
        hex"32" // 2d wide_next_3
        hex"33" // 2e wide_first_2
        hex"34" // 2f sum_ends
        hex"37" // 30 weight 0
        hex"38" // 31 weight 1
        hex"39" // 32 weight 2
        hex"3a" // 33 weight 3
        hex"3b" // 34 weight 4
        hex"3c" // 35 weight 5
        hex"3d" // 36 weight 6
        hex"3e" // 37 weight 7
        hex"3f" // 38 weight 8
        hex"40" // 39 weight 9
        hex"47" // 3a multiplicity
        hex"4e" // 3b helper 0
        hex"4f" // 3c helper 1
        ;
}
