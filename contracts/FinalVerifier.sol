// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { FinalConstants } from "./FinalConstants.sol";
import { IFinalVerifier } from "./interfaces/IFinalVerifier.sol";

/// @title The verifier of final proofs
/// @notice Stateless, without owner.
/// @dev A PLONK over BN254 as in crates/final: `verify.rs` is this function in Rust, `constraints.rs` has how constraints
/// become one number, `gates.rs` the gates, `packing.rs` the opening. Numbers that both have in common are in
/// `FinalConstants`, which Rust writes.
///
/// Calldata has one encoding, so each element is at a place that is known; it is read there when it is needed. What is
/// computed has its word of memory, by name. Sums are not always reduced: up to five numbers below R add up to less than
/// 2^256, and `mulmod` and `addmod` take any.
contract FinalVerifier is IFinalVerifier, FinalConstants {
    // ---------------------------------------------------------------------------------------------- calldata

    uint256 private constant PROOF_LENGTH = 1152;
    /// Selector, offset of the proof, public inputs, length of the proof, proof.
    uint256 private constant DATA_LENGTH = 1348;
    uint256 private constant PROOF_OFFSET = 0xc4;
    uint256 private constant PUBLIC_INPUTS = 0x24;

    // Commitments: columns, running product and sum, quotient, and the opening's Q and W'.
    uint256 private constant COLUMNS = 0xc4;
    uint256 private constant RUNNING = 0x104;
    uint256 private constant QUOTIENT = 0x144;
    uint256 private constant BATCH = 0x184;
    uint256 private constant WITNESS = 0x1c4;
    // What remains of the proofs below: L and R of an equation L = τ·R.
    uint256 private constant BELOW_LEFT = 0x4c4;
    uint256 private constant BELOW_RIGHT = 0x504;

    // Values at ζ, and at ωζ: columns, the permutation's polynomials, constants, running product z and running sum φ.
    uint256 private constant SCALARS = 0x204;
    uint256 private constant SCALARS_END = 0x4c4;
    uint256 private constant A = 0x204;
    uint256 private constant B = 0x224;
    uint256 private constant C = 0x244;
    uint256 private constant D = 0x264;
    uint256 private constant E = 0x284;
    uint256 private constant F = 0x2a4;
    uint256 private constant A_NEXT = 0x2c4;
    uint256 private constant B_NEXT = 0x2e4;
    uint256 private constant C_NEXT = 0x304;
    uint256 private constant D_NEXT = 0x324;
    uint256 private constant E_NEXT = 0x344;
    uint256 private constant F_NEXT = 0x364;
    uint256 private constant SIGMA = 0x384;
    uint256 private constant KAPPA = 0x424;
    uint256 private constant Z = 0x444;
    uint256 private constant PHI = 0x464;
    uint256 private constant Z_NEXT = 0x484;
    uint256 private constant PHI_NEXT = 0x4a4;

    // ------------------------------------------------------------------------------------------------ memory

    /// What the first challenge is the digest of: state, K, PERIOD, INPUTS, the key, ten public inputs, columns.
    uint256 private constant FIRST_BUFFER = 0x80;
    uint256 private constant FIRST_BUFFER_SIZE = 0x240;
    /// The public inputs there: four that are given, and three words each of L and R.
    uint256 private constant INPUT_WORDS = 0x140;
    uint256 private constant INPUT_WORDS_END = 0x280;
    /// State and what waits, for later challenges.
    uint256 private constant BUFFER = 0x2c0;
    /// Once there are all challenges: what the pairing takes. Points are added up in place.
    uint256 private constant PAIRING = 0x2c0;
    uint256 private constant PAIRING_RIGHT = 0x380;

    // Challenges.
    uint256 private constant THETA = 0x5a0;
    uint256 private constant TAU = 0x5c0;
    uint256 private constant BETA = 0x5e0;
    uint256 private constant GAMMA = 0x600;
    uint256 private constant ALPHA = 0x620;
    uint256 private constant ZETA = 0x640;
    uint256 private constant NU = 0x660;
    uint256 private constant U = 0x680;
    uint256 private constant JOIN = 0x6a0;

    // With y = ζ^(2^K / PERIOD): y, y^4, y^16, y^64, and y^PERIOD − 1 = ζ^(2^K) − 1.
    uint256 private constant Y_1 = 0x6c0;
    uint256 private constant Y_4 = 0x6e0;
    uint256 private constant Y_16 = 0x700;
    uint256 private constant Y_64 = 0x720;
    uint256 private constant VANISHING = 0x740;

    // The opening at u: ωζ, u^6 − ζ, u^6 − ωζ, u^2 − ζ.
    uint256 private constant ZETA_NEXT = 0x760;
    uint256 private constant SIX = 0x780;
    uint256 private constant SIX_NEXT = 0x7a0;
    uint256 private constant TWO = 0x7c0;

    // Inverses: of the vanishing polynomial at ζ, of ωζ − ζ, and of the moduli of columns, of running, of quotient.
    uint256 private constant VANISHING_INVERSE = 0x7e0;
    uint256 private constant STEP_INVERSE = 0x800;
    uint256 private constant COLUMNS_INVERSE = 0x820;
    uint256 private constant RUNNING_INVERSE = 0x840;
    uint256 private constant QUOTIENT_INVERSE = 0x860;

    /// The polynomial that is one in the first row, and that of public inputs, at ζ.
    uint256 private constant FIRST_ROW = 0x880;
    uint256 private constant INPUTS_VALUE = 0x8a0;

    // Selectors: of rows of limbs and of equations, and of what has several rows.
    uint256 private constant S_CHUNK = 0x8c0;
    uint256 private constant S_SPARE = 0x8e0;
    uint256 private constant S_LOOSE = 0x900;
    uint256 private constant S_FIRST_CARRY = 0x920;
    uint256 private constant S_RANGE = 0x940;
    uint256 private constant S_RANGE_TABLE = 0x960;
    uint256 private constant S_QUOTIENT_ABOVE = 0x980;
    uint256 private constant S_LEFT = 0x9a0;
    uint256 private constant S_RIGHT = 0x9c0;
    uint256 private constant S_QUOTIENT = 0x9e0;
    uint256 private constant S_FIRST = 0xa00;
    uint256 private constant S_ARITHMETIC = 0xa20;
    uint256 private constant S_FULL = 0xa40;
    uint256 private constant S_PARTIAL = 0xa60;
    /// A selector for each row of a block.
    uint256 private constant WEIGHTS = 0xa80;
    /// R, which as a literal would be copied from the code wherever it is used.
    uint256 private constant ORDER = 0x1a80;
    uint256 private constant MEMORY_END = 0x1aa0;

    uint256 private constant MASK_128 = 0xffffffffffffffffffffffffffffffff;
    uint256 private constant MASK_192 = 0xffffffffffffffffffffffffffffffffffffffffffffffff;

    /// @inheritdoc IFinalVerifier
    function verify(bytes calldata proof, uint256[4] calldata) external view {
        assembly ("memory-safe") {
            // Memory up to there has names.
            mstore(0x40, MEMORY_END)
            mstore(ORDER, R)
        }
        _checkForm(proof);
        _readChallenges();
        _computeInverses();
        _computeSelectors();
        uint256 sum = _hashGates();
        sum = _equationGates(sum);
        sum = _limbGates(sum);
        sum = _lookups(sum);
        sum = _copies(sum);
        _checkOpening(mulmod(sum, _load(VANISHING_INVERSE), _load(ORDER)));
    }

    // -------------------------------------------------------------------------------------------------- form

    /// One encoding for each proof: exact lengths, coordinates and scalars reduced, points on the curve.
    function _checkForm(bytes calldata proof) private pure {
        if (proof.length != PROOF_LENGTH) revert WrongProofLength(PROOF_LENGTH, proof.length);
        bool valid;
        assembly ("memory-safe") {
            // The compiler has checked that the proof is within calldata.
            valid := and(eq(proof.offset, PROOF_OFFSET), eq(calldatasize(), DATA_LENGTH))
        }
        if (!valid) revert CalldataNotCanonical();
        _checkScalars(PUBLIC_INPUTS, PUBLIC_INPUTS + 4 * 32);
        _checkPoints(COLUMNS, SCALARS);
        _checkScalars(SCALARS, SCALARS_END);
        _checkPoints(BELOW_LEFT, DATA_LENGTH);
    }

    /// Scalars of calldata, an even number of them.
    function _checkScalars(uint256 from, uint256 end) private pure {
        bool valid = true;
        assembly ("memory-safe") {
            let r := mload(ORDER)
            for { let at := from } lt(at, end) { at := add(at, 0x40) } {
                valid := and(valid, and(lt(calldataload(at), r), lt(calldataload(add(at, 0x20)), r)))
            }
        }
        if (valid) return;
        for (uint256 i = 0; from + 32 * i < end; ++i) {
            if (_given(from + 32 * i) < R) continue;
            if (from == PUBLIC_INPUTS) revert PublicInputNotReduced(i);
            revert ScalarNotReduced(i);
        }
    }

    /// Points of calldata. Infinity, which would be two zeros, is not on the curve.
    function _checkPoints(uint256 from, uint256 end) private pure {
        bool valid = true;
        assembly ("memory-safe") {
            let p := P
            for { let at := from } lt(at, end) { at := add(at, 0x40) } {
                let x := calldataload(at)
                let y := calldataload(add(at, 0x20))
                let onCurve := eq(mulmod(y, y, p), addmod(mulmod(mulmod(x, x, p), x, p), 3, p))
                valid := and(valid, and(onCurve, and(lt(x, p), lt(y, p))))
            }
        }
        if (valid) return;
        // Those of the accumulator come after five.
        uint256 index = from == COLUMNS ? 0 : 5;
        for (uint256 place = from; place < end; place += 64) {
            (uint256 x, uint256 y) = (_given(place), _given(place + 32));
            if (x >= P || y >= P) revert CoordinateNotReduced(index);
            if (mulmod(y, y, P) != addmod(mulmod(mulmod(x, x, P), x, P), 3, P)) revert PointNotOnCurve(index);
            ++index;
        }
    }

    // -------------------------------------------------------------------------------------------- transcript

    /// A challenge is the digest of the last one's digest and of what was sent since, reduced; where nothing was sent, of
    /// the digest and one byte.
    function _readChallenges() private pure {
        bytes32 start = keccak256("nanozk-keccak-transcript-1");
        assembly ("memory-safe") {
            let r := mload(ORDER)

            // What is proved, and columns → θ, τ, β, γ.
            mstore(FIRST_BUFFER, start)
            mstore(add(FIRST_BUFFER, 0x20), K)
            mstore(add(FIRST_BUFFER, 0x40), PERIOD)
            mstore(add(FIRST_BUFFER, 0x60), INPUTS)
            mstore(add(FIRST_BUFFER, 0x80), KEY_X)
            mstore(add(FIRST_BUFFER, 0xa0), KEY_Y)
            calldatacopy(INPUT_WORDS, PUBLIC_INPUTS, 0x80)
            // Points are public inputs by their chunks of 64 bits: three of x; one of x and two of y; two of y.
            let x := calldataload(BELOW_LEFT)
            let y := calldataload(add(BELOW_LEFT, 0x20))
            mstore(add(INPUT_WORDS, 0x80), and(x, MASK_192))
            mstore(add(INPUT_WORDS, 0xa0), or(shr(192, x), shl(64, and(y, MASK_128))))
            mstore(add(INPUT_WORDS, 0xc0), shr(128, y))
            x := calldataload(BELOW_RIGHT)
            y := calldataload(add(BELOW_RIGHT, 0x20))
            mstore(add(INPUT_WORDS, 0xe0), and(x, MASK_192))
            mstore(add(INPUT_WORDS, 0x100), or(shr(192, x), shl(64, and(y, MASK_128))))
            mstore(add(INPUT_WORDS, 0x120), shr(128, y))
            calldatacopy(INPUT_WORDS_END, COLUMNS, 0x40)
            let state := keccak256(FIRST_BUFFER, FIRST_BUFFER_SIZE)
            mstore(THETA, mod(state, r))
            mstore8(add(BUFFER, 0x20), 1)
            mstore(BUFFER, state)
            state := keccak256(BUFFER, 0x21)
            mstore(TAU, mod(state, r))
            mstore(BUFFER, state)
            state := keccak256(BUFFER, 0x21)
            mstore(BETA, mod(state, r))
            mstore(BUFFER, state)
            state := keccak256(BUFFER, 0x21)
            mstore(GAMMA, mod(state, r))

            // Running product and sum → α.
            mstore(BUFFER, state)
            calldatacopy(add(BUFFER, 0x20), RUNNING, 0x40)
            state := keccak256(BUFFER, 0x60)
            mstore(ALPHA, mod(state, r))
            // Quotient → ζ.
            mstore(BUFFER, state)
            calldatacopy(add(BUFFER, 0x20), QUOTIENT, 0x40)
            state := keccak256(BUFFER, 0x60)
            mstore(ZETA, mod(state, r))
            // Values → ν.
            mstore(BUFFER, state)
            calldatacopy(add(BUFFER, 0x20), SCALARS, sub(SCALARS_END, SCALARS))
            state := keccak256(BUFFER, add(0x20, sub(SCALARS_END, SCALARS)))
            mstore(NU, mod(state, r))
            // Q → u.
            mstore(BUFFER, state)
            calldatacopy(add(BUFFER, 0x20), BATCH, 0x40)
            state := keccak256(BUFFER, 0x60)
            mstore(U, mod(state, r))
            // W' → the factor of L and R.
            mstore(BUFFER, state)
            calldatacopy(add(BUFFER, 0x20), WITNESS, 0x40)
            mstore(JOIN, mod(keccak256(BUFFER, 0x60), r))
        }
    }

    // ------------------------------------------------------------------------------- powers, inputs, inverses

    /// Powers of ζ, the polynomial of public inputs at ζ, and all inverses, of one inversion.
    function _computeInverses() private view {
        _computePowers();
        (uint256 numerator, uint256 denominator) = _inputsOverDistances();
        _computeModuli();
        uint256 product;
        assembly ("memory-safe") {
            let r := mload(ORDER)
            product := mulmod(denominator, add(mload(ZETA), sub(r, 1)), r)
        }
        uint256 inverse = _invertAll(product);
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let zeta := mload(ZETA)
            // A row's polynomial is (ζ^n − 1)/n · ω^row/(ζ − ω^row), for n = 2^K.
            let scale := mulmod(mulmod(mload(VANISHING), ROWS_INVERSE, r), inverse, r)
            mstore(FIRST_ROW, mulmod(scale, denominator, r))
            // The first input is in the first row.
            numerator := mulmod(numerator, add(zeta, sub(r, 1)), r)
            numerator := add(numerator, mulmod(mload(INPUT_WORDS), denominator, r))
            mstore(INPUTS_VALUE, mulmod(scale, numerator, r))
        }
    }

    function _computePowers() private pure {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let zeta := mload(ZETA)
            mstore(ZETA_NEXT, mulmod(zeta, OMEGA, r))
            let y := zeta
            // From 1 to 2^K / PERIOD.
            for { let power := shl(K, 1) } gt(power, PERIOD) { power := shr(1, power) } { y := mulmod(y, y, r) }
            mstore(Y_1, y)
            y := mulmod(y, y, r)
            y := mulmod(y, y, r)
            mstore(Y_4, y)
            y := mulmod(y, y, r)
            y := mulmod(y, y, r)
            mstore(Y_16, y)
            y := mulmod(y, y, r)
            y := mulmod(y, y, r)
            mstore(Y_64, y)
            mstore(VANISHING, addmod(mulmod(y, y, r), sub(r, 1), r))
        }
    }

    /// The sum of ω^row·input/(ζ − ω^row) for all inputs but the first, as a fraction.
    function _inputsOverDistances() private pure returns (uint256 numerator, uint256 denominator) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let zeta := mload(ZETA)
            let root := 1
            denominator := 1
            for { let at := add(INPUT_WORDS, 0x20) } lt(at, INPUT_WORDS_END) { at := add(at, 0x20) } {
                root := mulmod(root, OMEGA_BLOCK, r)
                let distance := add(zeta, sub(r, root))
                let own := mulmod(mulmod(root, mload(at), r), denominator, r)
                numerator := add(mulmod(numerator, distance, r), own)
                denominator := mulmod(denominator, distance, r)
            }
        }
    }

    /// What packs are divided by, at u: (u^t − ζ)·(u^t − ωζ), or the first factor alone.
    function _computeModuli() private pure {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let u := mload(U)
            let minusZeta := sub(r, mload(ZETA))
            let minusNext := sub(r, mload(ZETA_NEXT))
            let two := mulmod(u, u, r)
            let six := mulmod(mulmod(two, two, r), two, r)
            mstore(TWO, add(two, minusZeta))
            mstore(SIX, add(six, minusZeta))
            mstore(SIX_NEXT, add(six, minusNext))
            mstore(STEP_INVERSE, add(mload(ZETA_NEXT), minusZeta))
            mstore(COLUMNS_INVERSE, mulmod(mload(SIX), mload(SIX_NEXT), r))
            mstore(RUNNING_INVERSE, mulmod(mload(TWO), add(two, minusNext), r))
            mstore(QUOTIENT_INVERSE, add(u, minusZeta))
            mstore(VANISHING_INVERSE, mload(VANISHING))
        }
    }

    /// The inverse of a number; the words of inverses, which have the numbers themselves, become these. One inversion is that
    /// of all at once: before each number, the product of those before it is remembered.
    function _invertAll(uint256 first) private view returns (uint256 inverse) {
        uint256 product;
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let second := mulmod(first, mload(VANISHING_INVERSE), r)
            let third := mulmod(second, mload(STEP_INVERSE), r)
            let fourth := mulmod(third, mload(COLUMNS_INVERSE), r)
            let fifth := mulmod(fourth, mload(RUNNING_INVERSE), r)
            product := mulmod(fifth, mload(QUOTIENT_INVERSE), r)
            // Fermat: the product to the power r − 2.
            mstore(BUFFER, 0x20)
            mstore(add(BUFFER, 0x20), 0x20)
            mstore(add(BUFFER, 0x40), 0x20)
            mstore(add(BUFFER, 0x60), product)
            mstore(add(BUFFER, 0x80), sub(r, 2))
            mstore(add(BUFFER, 0xa0), r)
            if staticcall(gas(), 5, BUFFER, 0xc0, 0, 0x20) {
                if eq(returndatasize(), 0x20) { inverse := mload(0) }
            }
            // A wrong inverse is none: this also stands for the precompile's success.
            if iszero(eq(mulmod(product, inverse, r), 1)) { inverse := 0 }
            let own := mload(QUOTIENT_INVERSE)
            mstore(QUOTIENT_INVERSE, mulmod(inverse, fifth, r))
            inverse := mulmod(inverse, own, r)
            own := mload(RUNNING_INVERSE)
            mstore(RUNNING_INVERSE, mulmod(inverse, fourth, r))
            inverse := mulmod(inverse, own, r)
            own := mload(COLUMNS_INVERSE)
            mstore(COLUMNS_INVERSE, mulmod(inverse, third, r))
            inverse := mulmod(inverse, own, r)
            own := mload(STEP_INVERSE)
            mstore(STEP_INVERSE, mulmod(inverse, second, r))
            inverse := mulmod(inverse, own, r)
            own := mload(VANISHING_INVERSE)
            mstore(VANISHING_INVERSE, mulmod(inverse, first, r))
            inverse := mulmod(inverse, own, r)
        }
        if (inverse == 0) {
            if (product == 0) revert DegenerateChallenge();
            revert PrecompileFailed(5);
        }
    }

    // --------------------------------------------------------------------------------------------- selectors

    /// The polynomial in y that is one at η^i and zero at the other powers of η is the product of
    /// (1 + (y/η^i)^(2^b)) for b from 0 to 6, over 128. The factor of b depends on i modulo 2^(7−b), so that the products of
    /// all i are a tree: from the product for i modulo m, t = (y/η^i)^(64/m) gives those for i and i + m modulo 2·m.
    function _computeSelectors() private pure {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let half := mulmod(PERIOD_INVERSE, mload(Y_64), r)
            mstore(WEIGHTS, add(PERIOD_INVERSE, half))
            mstore(add(WEIGHTS, 0x20), add(PERIOD_INVERSE, sub(r, half)))
        }
        _split(0x40, _load(Y_16), ETA_INVERSE_16);
        _split(0x100, _load(Y_4), ETA_INVERSE_4);
        _split(0x400, _load(Y_1), ETA_INVERSE_1);
        _sumSelectors();
    }

    /// Two levels of the tree: from m products, whose words are `size` bytes, to 4·m. For the first of them, `t` is that of
    /// the second level, and the first level's is its square; `step` is by how much `t` changes.
    function _split(uint256 size, uint256 t, uint256 step) private pure {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let end := add(WEIGHTS, size)
            for { let at := WEIGHTS } lt(at, end) { at := add(at, 0x20) } {
                let product := mload(at)
                let half := mulmod(product, mulmod(t, t, r), r)
                let even := addmod(product, half, r)
                let odd := addmod(product, sub(r, half), r)
                half := mulmod(even, t, r)
                mstore(at, add(even, half))
                let to := add(at, size)
                even := add(even, sub(r, half))
                // i + m has the t of i times a root of −1.
                half := mulmod(odd, mulmod(t, ETA_INVERSE_32, r), r)
                mstore(to, add(odd, half))
                to := add(to, size)
                mstore(to, even)
                mstore(add(to, size), add(odd, sub(r, half)))
                t := mulmod(t, step, r)
            }
        }
    }

    /// Selectors of gates and lookups that hold in several rows of a block.
    function _sumSelectors() private pure {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let chunk := 0
            let spare := 0
            let loose := 0
            let first := 0
            let second := 0
            let run := add(WEIGHTS, LIMBS_AT)
            for { let end := add(run, LIMBS_ALL) } lt(run, end) { run := add(run, LIMBS_SIZE) } {
                // Four rows of a number, of which the last has spare bits; the loose limbs; two carries; four rows of a
                // quotient.
                let highest := mload(add(run, 0x60))
                spare := addmod(spare, highest, r)
                chunk := addmod(chunk, add(mload(run), mload(add(run, 0x20))), r)
                chunk := addmod(chunk, add(mload(add(run, 0x40)), highest), r)
                loose := addmod(loose, mload(add(run, LIMBS_LOOSE)), r)
                first := addmod(first, mload(add(run, LIMBS_FIRST_CARRY)), r)
                second := addmod(second, mload(add(run, LIMBS_SECOND_CARRY)), r)
                let quotient := add(run, LIMBS_QUOTIENT)
                chunk := addmod(chunk, add(mload(quotient), mload(add(quotient, 0x20))), r)
                chunk := addmod(chunk, add(mload(add(quotient, 0x40)), mload(add(quotient, 0x60))), r)
            }
            mstore(S_CHUNK, chunk)
            mstore(S_SPARE, spare)
            mstore(S_LOOSE, loose)
            mstore(S_FIRST_CARRY, first)
            // All of these rows have limbs, and so has that of digits.
            chunk := addmod(add(chunk, loose), add(first, second), r)
            mstore(S_RANGE, add(chunk, mload(add(WEIGHTS, DIGITS_AT))))
            mstore(S_FULL, add(mload(add(WEIGHTS, FULL_AT)), mload(add(WEIGHTS, add(FULL_AT, 0x20)))))
        }
        assembly ("memory-safe") {
            let r := mload(ORDER)
            // Five rows of an equation state something.
            for { let row := 0 } lt(row, 0xa0) { row := add(row, 0x20) } {
                let at := add(add(WEIGHTS, EQUATION_AT), row)
                let sum := add(mload(at), mload(add(at, EQUATION_SIZE)))
                at := add(at, mul(2, EQUATION_SIZE))
                sum := addmod(sum, add(mload(at), mload(add(at, EQUATION_SIZE))), r)
                mstore(add(S_QUOTIENT_ABOVE, row), sum)
            }
        }
        _sumRows(S_RANGE_TABLE, WEIGHTS + RANGE_TABLE_AT, RANGE_TABLE_SIZE);
        _sumRows(S_PARTIAL, WEIGHTS + PARTIAL_AT, PARTIAL_ROUNDS);
        _sumRows(S_ARITHMETIC, WEIGHTS + ARITHMETIC_AT, PERIOD * 32 - ARITHMETIC_AT);
    }

    /// The sum of the selectors of a multiple of four rows.
    function _sumRows(uint256 to, uint256 from, uint256 size) private pure {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let sum := 0
            let at := from
            for { let end := add(at, size) } lt(at, end) { at := add(at, 0x80) } {
                sum := addmod(sum, add(mload(at), mload(add(at, 0x20))), r)
                sum := addmod(sum, add(mload(add(at, 0x40)), mload(add(at, 0x60))), r)
            }
            mstore(to, sum)
        }
    }

    // ------------------------------------------------------------------------------------------- constraints
    //
    // Constraints are added up with powers of α, the highest first: each time the sum is multiplied by α, and a selector
    // times a value that is zero in the selector's rows is added. A name is that of a column in a row, or in the next.

    /// Powers from 28 to 19: rounds of Poseidon, arithmetic, constants, digits.
    function _hashGates() private pure returns (uint256 sum) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let alpha := mload(ALPHA)
            let b := calldataload(B)
            let c := calldataload(C)
            // Fifth powers of the state's elements with their constants κ, d, e.
            let x := add(calldataload(A), calldataload(KAPPA))
            let y := mulmod(x, x, r)
            x := mulmod(mulmod(y, y, r), x, r)
            // The matrix times a state is the next row's a, b, c: three constraints, with 1, α, α². The first element is the
            // same in both rounds.
            let m := add(mulmod(add(mulmod(MATRIX_20, alpha, r), MATRIX_10), alpha, r), MATRIX_00)
            let next := add(mulmod(calldataload(C_NEXT), alpha, r), calldataload(B_NEXT))
            next := addmod(mulmod(next, alpha, r), calldataload(A_NEXT), r)
            let both := add(mulmod(m, x, r), sub(r, next))
            // A partial round: the other elements are sums.
            m := add(mulmod(add(mulmod(MATRIX_21, alpha, r), MATRIX_11), alpha, r), MATRIX_01)
            x := add(b, calldataload(D))
            sum := add(both, mulmod(m, x, r))
            y := mulmod(x, x, r)
            x := mulmod(mulmod(y, y, r), x, r)
            both := add(both, mulmod(m, x, r))
            m := add(mulmod(add(mulmod(MATRIX_22, alpha, r), MATRIX_12), alpha, r), MATRIX_02)
            x := add(c, calldataload(E))
            sum := mulmod(add(sum, mulmod(m, x, r)), mload(S_PARTIAL), r)
            y := mulmod(x, x, r)
            x := mulmod(mulmod(y, y, r), x, r)
            both := addmod(both, mulmod(m, x, r), r)
            // A full round: all are fifth powers.
            sum := mulmod(sum, mulmod(mulmod(alpha, alpha, r), alpha, r), r)
            sum := add(sum, mulmod(both, mload(S_FULL), r))

            // Arithmetic: a·b + κ·d + e − c
            x := add(mulmod(calldataload(A), b, r), mulmod(calldataload(KAPPA), calldataload(D), r))
            x := add(x, add(calldataload(E), sub(r, c)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, mload(S_ARITHMETIC), r))
            // Constants: a − κ
            x := add(calldataload(A), sub(r, calldataload(KAPPA)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, mload(add(WEIGHTS, CONSTANT_AT)), r))
            // Digits: 2^12·c − e, 2^12·a − b
            let s := mload(add(WEIGHTS, DIGITS_AT))
            x := add(mulmod(c, 0x1000, r), sub(r, calldataload(E)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            x := add(mulmod(calldataload(A), 0x1000, r), sub(r, b))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
        }
    }

    /// Powers from 18 to 9: equations of the base field.
    function _equationGates(uint256 sum) private pure returns (uint256) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let alpha := mload(ALPHA)
            // Less the second: e − κ·(c' + 2^64·d') − 2^128·e', f − κ·(a' + 2^64·b')
            let s := mload(S_FIRST)
            let x := add(calldataload(C_NEXT), mulmod(calldataload(D_NEXT), TWO_64, r))
            x := add(mulmod(x, calldataload(KAPPA), r), mulmod(calldataload(E_NEXT), TWO_128, r))
            x := addmod(calldataload(E), sub(add(r, r), x), r)
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            x := add(calldataload(A_NEXT), mulmod(calldataload(B_NEXT), TWO_64, r))
            x := add(calldataload(F), sub(r, mulmod(x, calldataload(KAPPA), r)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))

            // Less the first: e − c' − 2^64·d' − e', f − a' − 2^64·b' − f'
            s := mload(S_QUOTIENT)
            x := add(calldataload(C_NEXT), mulmod(calldataload(D_NEXT), TWO_64, r))
            x := add(calldataload(E), sub(mul(3, r), add(x, calldataload(E_NEXT))))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            x := add(calldataload(A_NEXT), mulmod(calldataload(B_NEXT), TWO_64, r))
            x := add(calldataload(F), sub(mul(3, r), add(x, calldataload(F_NEXT))))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))

            // Less the quotient, without its bias, times the field's order: e − HIGH(a', b', c', d') − e',
            // f − LOW(a', b') − f'
            s := mload(S_RIGHT)
            x := add(mulmod(calldataload(A_NEXT), ORDER_HIGH_0, r), mulmod(calldataload(B_NEXT), ORDER_HIGH_1, r))
            x := add(x, mulmod(calldataload(C_NEXT), ORDER_HIGH_2, r))
            x := addmod(x, mulmod(calldataload(D_NEXT), ORDER_HIGH_3, r), r)
            x := add(sub(add(r, r), add(x, calldataload(E_NEXT))), BIAS_HIGH)
            x := add(x, calldataload(E))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            x := add(mulmod(calldataload(A_NEXT), ORDER_LOW_0, r), mulmod(calldataload(B_NEXT), ORDER_LOW_1, r))
            x := add(calldataload(F), sub(mul(3, r), add(x, calldataload(F_NEXT))))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
        }
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let alpha := mload(ALPHA)
            // Products of chunks, a to d of A and a' to d' of B, by the powers of 2^64 that they have, two at a time.
            // Above: 4, 5, 6, which are f.
            let s := mload(S_LEFT)
            let x :=
                add(mulmod(calldataload(C), calldataload(D_NEXT), r), mulmod(calldataload(D), calldataload(C_NEXT), r))
            x := mulmod(x, TWO_64, r)
            x := add(x, mulmod(mulmod(calldataload(D), calldataload(D_NEXT), r), TWO_128, r))
            x := addmod(x, mulmod(calldataload(B), calldataload(D_NEXT), r), r)
            x := add(x, mulmod(calldataload(C), calldataload(C_NEXT), r))
            x := add(x, mulmod(calldataload(D), calldataload(B_NEXT), r))
            x := add(x, sub(r, calldataload(F)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            // High: 2, 3, which with the carry e are e'.
            x := add(mulmod(calldataload(A), calldataload(D_NEXT), r), mulmod(calldataload(B), calldataload(C_NEXT), r))
            x := add(x, mulmod(calldataload(C), calldataload(B_NEXT), r))
            x := add(x, mulmod(calldataload(D), calldataload(A_NEXT), r))
            x := add(mulmod(x, TWO_64, r), mulmod(calldataload(A), calldataload(C_NEXT), r))
            x := addmod(x, mulmod(calldataload(B), calldataload(B_NEXT), r), r)
            x := add(x, mulmod(calldataload(C), calldataload(A_NEXT), r))
            x := add(x, add(calldataload(E), sub(r, calldataload(E_NEXT))))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            // Low: 0, 1, which less 2^128 times the carry e are f'.
            x := add(mulmod(calldataload(A), calldataload(B_NEXT), r), mulmod(calldataload(B), calldataload(A_NEXT), r))
            x := add(mulmod(x, TWO_64, r), mulmod(calldataload(A), calldataload(A_NEXT), r))
            x := add(x, sub(r, mulmod(calldataload(E), TWO_128, r)))
            x := add(x, sub(r, calldataload(F_NEXT)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))

            // The quotient's products above: ABOVE(b, c, d) − e − f'
            x := add(mulmod(calldataload(B), ORDER_ABOVE_1, r), mulmod(calldataload(C), ORDER_ABOVE_2, r))
            x := addmod(x, mulmod(calldataload(D), ORDER_ABOVE_3, r), r)
            x := add(x, sub(r, BIAS_ABOVE))
            x := add(x, sub(add(r, r), add(calldataload(E), calldataload(F_NEXT))))
            sum := add(mulmod(sum, alpha, r), mulmod(x, mload(S_QUOTIENT_ABOVE), r))
        }
        return sum;
    }

    /// Powers from 8 to 4: limbs. Four of them are a + 2^16·b + 2^32·c + 2^48·e.
    function _limbGates(uint256 sum) private pure returns (uint256) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let alpha := mload(ALPHA)
            // The second carry: limbs' + 2^64·f − 2^79 − d'
            let limbs := add(calldataload(A_NEXT), mulmod(calldataload(B_NEXT), TWO_16, r))
            limbs := add(limbs, mulmod(calldataload(C_NEXT), TWO_32, r))
            limbs := addmod(limbs, mulmod(calldataload(E_NEXT), TWO_48, r), r)
            // Both carries have the bias, and their sum is d'.
            limbs := addmod(limbs, sub(r, TWO_79), r)
            limbs := add(limbs, sub(r, calldataload(D_NEXT)))
            let x := add(limbs, mulmod(calldataload(F), TWO_64, r))
            sum := add(mulmod(sum, alpha, r), mulmod(x, mload(S_FIRST_CARRY), r))
            // The first carry: f' − b, limbs' + 2^64·a − 2^79 − d'
            let s := mload(S_LOOSE)
            x := add(calldataload(F_NEXT), sub(r, calldataload(B)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            x := add(limbs, mulmod(calldataload(A), TWO_64, r))
            sum := add(mulmod(sum, alpha, r), mulmod(x, s, r))
            // Spare bits: 4·e − c'
            x := addmod(mulmod(calldataload(E), 4, r), sub(r, calldataload(C_NEXT)), r)
            sum := add(mulmod(sum, alpha, r), mulmod(x, mload(S_SPARE), r))
            // Chunks: limbs − d
            limbs := add(calldataload(A), mulmod(calldataload(B), TWO_16, r))
            limbs := add(limbs, mulmod(calldataload(C), TWO_32, r))
            limbs := add(limbs, mulmod(calldataload(E), TWO_48, r))
            x := add(limbs, sub(r, calldataload(D)))
            sum := add(mulmod(sum, alpha, r), mulmod(x, mload(S_CHUNK), r))
        }
        return sum;
    }

    /// Powers 3 and 2: public inputs; and the running sum rises by what is looked up, less what is found.
    function _lookups(uint256 sum) private pure returns (uint256) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            // s·a is the polynomial of public inputs.
            let x := mulmod(calldataload(A), mload(add(WEIGHTS, INPUT_AT)), r)
            sum := add(mulmod(sum, mload(ALPHA), r), add(x, sub(r, mload(INPUTS_VALUE))))
        }
        // (φ' − φ)·D − N for the sum N/D of a row's fractions; without fractions N is 0 and D is 1.
        (uint256 numerators, uint256 denominators) = _limbFractions();
        denominators = _memoryDenominators(denominators);
        assembly ("memory-safe") {
            let r := mload(ORDER)
            // Found in the memory: e times. Looked up: once.
            let s := add(mload(add(WEIGHTS, MEMORY_TABLE_AT)), mload(add(WEIGHTS, NEGATIVE_TABLE_AT)))
            numerators := add(numerators, sub(r, mulmod(calldataload(E), s, r)))
            s := addmod(mload(add(WEIGHTS, LOOKUP_AT)), mload(add(WEIGHTS, add(LOOKUP_AT, 0x20))), r)
            numerators := addmod(numerators, s, r)
            let rise := add(calldataload(PHI_NEXT), sub(r, calldataload(PHI)))
            rise := add(mulmod(rise, denominators, r), sub(r, numerators))
            sum := add(mulmod(sum, mload(ALPHA), r), rise)
        }
        return sum;
    }

    /// Of rows with four fractions: limbs, each looked up once; and four numbers of the table, each less its uses.
    function _limbFractions() private pure returns (uint256 numerators, uint256 denominators) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let theta := mload(THETA)
            let p := add(theta, calldataload(A))
            let q := add(theta, calldataload(B))
            let s := add(theta, calldataload(C))
            let t := add(theta, calldataload(E))
            let pq := mulmod(p, q, r)
            let st := mulmod(s, t, r)
            let selector := mload(S_RANGE)
            denominators := mulmod(mulmod(pq, st, r), selector, r)
            numerators := add(mulmod(add(p, q), st, r), mulmod(add(s, t), pq, r))
            numerators := mulmod(numerators, selector, r)

            p := add(theta, calldataload(KAPPA))
            q := add(p, 1)
            s := add(p, 2)
            t := add(p, 3)
            pq := mulmod(p, q, r)
            st := mulmod(s, t, r)
            selector := mload(S_RANGE_TABLE)
            denominators := add(denominators, mulmod(mulmod(pq, st, r), selector, r))
            p := add(mulmod(calldataload(B), p, r), mulmod(calldataload(A), q, r))
            s := add(mulmod(calldataload(D), s, r), mulmod(calldataload(C), t, r))
            p := add(mulmod(p, st, r), mulmod(s, pq, r))
            numerators := add(numerators, sub(r, mulmod(p, selector, r)))
        }
    }

    /// Adds denominators of rows with one fraction, and those of rows with none. Tuples of the memory are four chunks, an
    /// address, and a tag, with powers of τ.
    function _memoryDenominators(uint256 denominators) private pure returns (uint256) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let tau := mload(TAU)
            let chunks := add(mulmod(calldataload(D), tau, r), calldataload(C))
            chunks := add(mulmod(chunks, tau, r), calldataload(B))
            chunks := addmod(mulmod(chunks, tau, r), calldataload(A), r)
            let fourth := mulmod(tau, tau, r)
            fourth := mulmod(fourth, fourth, r)
            // θ + τ^4·κ + τ^5
            let rest := addmod(mload(THETA), mulmod(fourth, add(calldataload(KAPPA), tau), r), r)
            // Of the tables: the chunks, and their negatives.
            let s := mload(add(WEIGHTS, MEMORY_TABLE_AT))
            let none := s
            let all := add(denominators, mulmod(add(rest, chunks), s, r))
            s := mload(add(WEIGHTS, NEGATIVE_TABLE_AT))
            none := add(none, s)
            all := addmod(all, mulmod(add(rest, sub(r, chunks)), s, r), r)
            // Of lookups of x and y: the address is that of the point's table and twice the digit e, and one more.
            s := mload(add(WEIGHTS, LOOKUP_AT))
            none := addmod(none, s, r)
            chunks := add(add(rest, chunks), mulmod(fourth, add(calldataload(E), calldataload(E)), r))
            all := add(all, mulmod(chunks, s, r))
            s := mload(add(WEIGHTS, add(LOOKUP_AT, 0x20)))
            none := addmod(none, s, r)
            all := add(all, mulmod(add(chunks, fourth), s, r))
            // One, less the selectors of all that have fractions.
            none := addmod(none, add(mload(S_RANGE), mload(S_RANGE_TABLE)), r)
            denominators := addmod(all, add(1, sub(r, none)), r)
        }
        return denominators;
    }

    /// Powers 1 and 0: the running product z starts from one, and multiplies ratios of cells' names before and after the
    /// permutation, z·Π (w_j + β·7^j·ζ + γ) = z'·Π (w_j + β·σ_j + γ).
    function _copies(uint256 sum) private pure returns (uint256) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let z := calldataload(Z)
            sum := add(mulmod(sum, mload(ALPHA), r), mulmod(mload(FIRST_ROW), add(z, sub(r, 1)), r))
            let beta := mload(BETA)
            let gamma := mload(GAMMA)
            let name := mulmod(beta, mload(ZETA), r)
            let after_ := calldataload(Z_NEXT)
            for { let at := 0 } lt(at, 0xa0) { at := add(at, 0x20) } {
                let cell := add(calldataload(add(A, at)), gamma)
                z := mulmod(z, add(cell, name), r)
                after_ := mulmod(after_, add(cell, mulmod(beta, calldataload(add(SIGMA, at)), r)), r)
                name := mulmod(name, SHIFT, r)
            }
            sum := addmod(mulmod(sum, mload(ALPHA), r), add(z, sub(r, after_)), r)
        }
        return sum;
    }

    // ----------------------------------------------------------------------------------------------- opening

    /// With packs P_i, moduli M_i and remainders r_i, the sum of ν^i·(P_i − r_i(u))/M_i(u), less Q, is (X − u)·W', so that
    /// the sum and u·W' are τ·W'. A random multiple of the equation L = τ·R of the proofs below is added, and a pairing
    /// decides both.
    function _checkOpening(uint256 quotient) private view {
        uint256 r = _load(ORDER);
        uint256 nu = _load(NU);
        // −Q
        assembly ("memory-safe") {
            calldatacopy(PAIRING, BATCH, 0x40)
            mstore(add(PAIRING, 0x20), sub(P, mload(add(PAIRING, 0x20))))
        }
        // Columns and running polynomials have values at ζ and ωζ.
        uint256 factor = _load(COLUMNS_INVERSE);
        uint256 remainders = mulmod(factor, _remainder(A, A_NEXT, _load(SIX)), r);
        _addMultiple(PAIRING, COLUMNS, factor);
        factor = mulmod(nu, _load(RUNNING_INVERSE), r);
        remainders = addmod(remainders, mulmod(factor, _remainder(Z, Z_NEXT, _load(TWO)), r), r);
        _addMultiple(PAIRING, RUNNING, factor);
        // The quotient is a pack of its own, so that its value is the remainder.
        factor = mulmod(mulmod(nu, nu, r), _load(QUOTIENT_INVERSE), r);
        remainders = addmod(remainders, mulmod(factor, quotient, r), r);
        _addMultiple(PAIRING, QUOTIENT, factor);
        // Fixed polynomials have values at ζ: their modulus is the first factor of that of columns.
        factor = mulmod(mulmod(nu, nu, r), mulmod(nu, mulmod(_load(COLUMNS_INVERSE), _load(SIX_NEXT), r), r), r);
        remainders = addmod(remainders, mulmod(factor, _polynomial(SIGMA, Z), r), r);
        assembly ("memory-safe") {
            mstore(add(PAIRING, 0x40), KEY_X)
            mstore(add(PAIRING, 0x60), KEY_Y)
        }
        _addLoaded(PAIRING, factor);
        // The generator, which stands for one.
        assembly ("memory-safe") {
            mstore(add(PAIRING, 0x40), 1)
            mstore(add(PAIRING, 0x60), 2)
        }
        _addLoaded(PAIRING, r - remainders);
        _addMultiple(PAIRING, WITNESS, _load(U));
        _addMultiple(PAIRING, BELOW_LEFT, _load(JOIN));
        assembly ("memory-safe") {
            calldatacopy(PAIRING_RIGHT, WITNESS, 0x40)
        }
        _addMultiple(PAIRING_RIGHT, BELOW_RIGHT, _load(JOIN));
        _checkPairing();
    }

    /// The remainder at u of values at ζ and values at ωζ: that of linear polynomials in X^t through both. `distance` is
    /// u^t − ζ.
    function _remainder(uint256 values, uint256 next, uint256 distance) private pure returns (uint256) {
        uint256 r = _load(ORDER);
        uint256 first = _polynomial(values, next);
        uint256 second = _polynomial(next, next + next - values);
        uint256 slope = mulmod(_load(STEP_INVERSE), addmod(second, r - first, r), r);
        return addmod(first, mulmod(distance, slope, r), r);
    }

    /// The polynomial at u that has these words of calldata, an even number, as coefficients.
    function _polynomial(uint256 from, uint256 end) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            let r := mload(ORDER)
            let u := mload(U)
            for { } gt(end, from) { } {
                value := add(mulmod(value, u, r), calldataload(sub(end, 0x20)))
                end := sub(end, 0x40)
                value := addmod(mulmod(value, u, r), calldataload(end), r)
            }
        }
    }

    // ------------------------------------------------------------------------------------------- precompiles

    /// Adds a multiple of a point of calldata to a sum.
    function _addMultiple(uint256 sum, uint256 point, uint256 factor) private view {
        assembly ("memory-safe") {
            calldatacopy(add(sum, 0x40), point, 0x40)
        }
        _addLoaded(sum, factor);
    }

    /// Adds a multiple of the point that follows the sum.
    function _addLoaded(uint256 sum, uint256 factor) private view {
        bool done;
        assembly ("memory-safe") {
            let point := add(sum, 0x40)
            mstore(add(sum, 0x80), factor)
            // Arguments are evaluated from the right: first the call, then what it returned.
            done := and(eq(returndatasize(), 0x40), staticcall(gas(), 7, point, 0x60, point, 0x40))
            done := and(done, and(eq(returndatasize(), 0x40), staticcall(gas(), 6, sum, 0x80, sum, 0x40)))
        }
        if (!done) revert PrecompileFailed(7);
    }

    /// e(left, [1]_2) · e(right, −[τ]_2) = 1
    function _checkPairing() private view {
        bool done;
        bool valid;
        assembly ("memory-safe") {
            mstore(add(PAIRING, 0x40), G2_X_IM)
            mstore(add(PAIRING, 0x60), G2_X_RE)
            mstore(add(PAIRING, 0x80), G2_Y_IM)
            mstore(add(PAIRING, 0xa0), G2_Y_RE)
            mstore(add(PAIRING_RIGHT, 0x40), MINUS_TAU_G2_X_IM)
            mstore(add(PAIRING_RIGHT, 0x60), MINUS_TAU_G2_X_RE)
            mstore(add(PAIRING_RIGHT, 0x80), MINUS_TAU_G2_Y_IM)
            mstore(add(PAIRING_RIGHT, 0xa0), MINUS_TAU_G2_Y_RE)
            done := staticcall(gas(), 8, PAIRING, 0x180, 0, 0x20)
            done := and(done, eq(returndatasize(), 0x20))
            valid := eq(mload(0), 1)
        }
        if (!done) revert PrecompileFailed(8);
        if (!valid) revert ProofRejected();
    }

    // -------------------------------------------------------------------------------------------------- words

    /// A word of memory.
    function _load(uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(place)
        }
    }

    /// A word of calldata.
    function _given(uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(place)
        }
    }
}
