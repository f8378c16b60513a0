// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by script/final-verifier. Do not edit: change crates/final, and write it again.
pragma solidity 0.8.37;

/// @title Numbers of final proofs: fields, setup, key, rows, and what gates multiply by
abstract contract FinalConstants {
    /// Modulus of the base field.
    uint256 internal constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// Order of the scalar field.
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    // Setup: the generator of the second group, and its multiple by the secret, negated; imaginary parts first.
    // A development setup: its secret is public, so proofs under it prove nothing.
    uint256 internal constant G2_X_IM = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
    uint256 internal constant G2_X_RE = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;
    uint256 internal constant G2_Y_IM = 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b;
    uint256 internal constant G2_Y_RE = 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa;
    uint256 internal constant MINUS_TAU_G2_X_IM = 0x259f28f9cfe49b3befb3bf2b5c9f285e0ff524f56475c93224ffc468493f5cfd;
    uint256 internal constant MINUS_TAU_G2_X_RE = 0x189fd2dac67e24078a523b12808f45b3d2090610f983e297fe44d77aef9fab12;
    uint256 internal constant MINUS_TAU_G2_Y_IM = 0x095f850cc3a0cda9406f34fd42111c5077e907d988fd51bc54fee0bc9f096018;
    uint256 internal constant MINUS_TAU_G2_Y_RE = 0x0f31c06d2b48e785a9c1d118aeb2b4a49983ee55fc88f330ac9ef0f04e46d435;

    // Key: rows are 2^K; the commitment to the packed fixed polynomials.
    uint256 internal constant K = 18;
    uint256 internal constant INPUTS = 10;
    uint256 internal constant KEY_X = 0x2b5ad6a4d8fb56023411ff9886a36dd93d89caa390b70c33c9f7260fa8ef6fbd;
    uint256 internal constant KEY_Y = 0x0f58ec51c09a4d4b1fd4b67a2ff30dc81be133e0196d850d1ce53ae92d1c2839;

    // Rows: row i is ω^i. η = ω^(2^K / PERIOD); its inverse has what selectors take.
    uint256 internal constant PERIOD = 128;
    uint256 internal constant OMEGA = 0x0f60c8fe0414cb9379b2d39267945f6bd60d06a05216231b26a9fcf88ddbfebe;
    /// `ω^PERIOD`: public inputs are that many rows apart.
    uint256 internal constant OMEGA_BLOCK = 0x14c60185e75885d674db4b3f7d4a5694fa6c01aa0f53557b060bc04a4172705f;
    /// `1/2^K`
    uint256 internal constant ROWS_INVERSE = 0x30644259cd94e7dd5045d7a27013b7fcd21c9e3b7fa75222e7bda49b729b0401;
    /// `1/PERIOD`
    uint256 internal constant PERIOD_INVERSE = 0x300385d5fb6f3ce964dfa52b147e55ac6de38077e8c5fdb0215a31a8c8200001;
    uint256 internal constant ETA_INVERSE_1 = 0x1e3cef5e680760be385354b20cfa424b1545b57ee133143343ec8178b2e4ae8b;
    uint256 internal constant ETA_INVERSE_4 = 0x2724713603bfbd790aeaf3e7df25d8e7ef8f311334905b4d8c99980cf210979d;
    uint256 internal constant ETA_INVERSE_16 = 0x130b17119778465cfb3acaee30f81dee20710ead41671f568b11d9ab07b95a9b;
    uint256 internal constant ETA_INVERSE_32 = 0xb3c4d79d41a91758cb49c3517c4604a520cff123608fc9cb;
    /// What tells columns' cells apart: its powers times ω^i.
    uint256 internal constant SHIFT = 7;

    // Residues of rows in a block, times 32.
    uint256 internal constant INPUT_AT = 0x0;
    uint256 internal constant RANGE_TABLE_AT = 0x40;
    uint256 internal constant MEMORY_TABLE_AT = 0x140;
    uint256 internal constant NEGATIVE_TABLE_AT = 0x160;
    uint256 internal constant LOOKUP_AT = 0x180;
    uint256 internal constant DIGITS_AT = 0x1c0;
    uint256 internal constant CONSTANT_AT = 0x1e0;
    uint256 internal constant LIMBS_AT = 0x200;
    uint256 internal constant EQUATION_AT = 0x780;
    uint256 internal constant FULL_AT = 0xa80;
    uint256 internal constant PARTIAL_AT = 0xae0;
    uint256 internal constant ARITHMETIC_AT = 0xc80;

    // Lengths of runs, and of all runs of a kind, times 32.
    uint256 internal constant RANGE_TABLE_SIZE = 0x100;
    uint256 internal constant LIMBS_SIZE = 0x160;
    uint256 internal constant LIMBS_ALL = 0x580;
    uint256 internal constant EQUATION_SIZE = 0xc0;
    uint256 internal constant PARTIAL_ROUNDS = 0x180;

    // Rows of a run of limbs, times 32.
    uint256 internal constant LIMBS_LOOSE = 0x80;
    uint256 internal constant LIMBS_FIRST_CARRY = 0xa0;
    uint256 internal constant LIMBS_SECOND_CARRY = 0xc0;
    uint256 internal constant LIMBS_QUOTIENT = 0xe0;

    // Chunks and limbs.
    uint256 internal constant TWO_16 = 0x010000;
    uint256 internal constant TWO_32 = 0x0100000000;
    uint256 internal constant TWO_48 = 0x01000000000000;
    uint256 internal constant TWO_64 = 0x010000000000000000;
    uint256 internal constant TWO_79 = 0x80000000000000000000;
    uint256 internal constant TWO_128 = 0x0100000000000000000000000000000000;

    // What a chunk of a quotient adds to the three parts of its product with the base field's order; the bias.
    uint256 internal constant ORDER_LOW_0 = 0x97816a916871ca8d3c208c16d87cfd47;
    uint256 internal constant ORDER_LOW_1 = 0x3c208c16d87cfd470000000000000000;
    uint256 internal constant ORDER_HIGH_0 = 0x30644e72e131a029b85045b68181585d;
    uint256 internal constant ORDER_HIGH_1 = 0xb85045b68181585d97816a916871ca8d;
    uint256 internal constant ORDER_HIGH_2 = 0x97816a916871ca8d3c208c16d87cfd47;
    uint256 internal constant ORDER_HIGH_3 = 0x3c208c16d87cfd470000000000000000;
    uint256 internal constant BIAS_HIGH = 0x1e10460b6c3e7ea380000000000000000000000000000000;
    uint256 internal constant ORDER_ABOVE_1 = 0x30644e72e131a029;
    uint256 internal constant ORDER_ABOVE_2 = 0x30644e72e131a029b85045b68181585d;
    uint256 internal constant ORDER_ABOVE_3 = 0x30644e72e131a029b85045b68181585d97816a916871ca8d;
    uint256 internal constant BIAS_ABOVE = 0x183227397098d014dc2822db40c0ac2ecbc0b548b438e5468000000000000000;

    // Poseidon: the matrix of the linear layer.
    uint256 internal constant MATRIX_00 = 0x109b7f411ba0e4c9b2b70caf5c36a7b194be7c11ad24378bfedb68592ba8118b;
    uint256 internal constant MATRIX_01 = 0x16ed41e13bb9c0c66ae119424fddbcbc9314dc9fdbdeea55d6c64543dc4903e0;
    uint256 internal constant MATRIX_02 = 0x2b90bba00fca0589f617e7dcbfe82e0df706ab640ceb247b791a93b74e36736d;
    uint256 internal constant MATRIX_10 = 0x2969f27eed31a480b9c36c764379dbca2cc8fdd1415c3dded62940bcde0bd771;
    uint256 internal constant MATRIX_11 = 0x2e2419f9ec02ec394c9871c832963dc1b89d743c8c7b964029b2311687b1fe23;
    uint256 internal constant MATRIX_12 = 0x101071f0032379b697315876690f053d148d4e109f5fb065c8aacc55a0f89bfa;
    uint256 internal constant MATRIX_20 = 0x143021ec686a3f330d5f9e654638065ce6cd79e28c5b3753326244ee65a1b1a7;
    uint256 internal constant MATRIX_21 = 0x176cc029695ad02582a70eff08a6fd99d057e12e58e7d7b6b16cdfabc8ee2911;
    uint256 internal constant MATRIX_22 = 0x19a3fc0a56702bf417ba7fee3802593fa644470307043f7773279cd71d25d5e0;
}
