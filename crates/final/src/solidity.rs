//! The numbers that the contract `FinalVerifier` has in common with this crate, as Solidity.
//!
//! What the contract does with them is written by hand, after `verify.rs`, `constraints.rs` and `gates.rs`. Every constraint
//! has a value that is not zero at a random point, so a contract that differs in any accepts no proof.

use crate::domain::generator;
use crate::gates::{
    ARITHMETIC, CONSTANT, DIGITS, EQUATION, FULL, INPUT, LIMBS, LOOKUP, MEMORY_TABLE,
    NEGATIVE_TABLE, NUMBERS, Numbers, PARTIAL, PARTIAL_ROUNDS, PERIOD, RANGE_TABLE, Run, limbs,
};
use crate::key::Key;
use halo2curves::bn256::{Fq, Fr, G2Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_poseidon::constants;
use nanozk_transcript::encoding::{WORD, g2_to_words, point_to_words, scalar_to_bytes};

/// The file that imports nothing and that `FinalVerifier` inherits from.
struct Source(String);

impl Source {
    fn section(&mut self, title: &str) {
        self.0 += &format!("\n    // {}\n", title);
    }

    fn literal(&mut self, comment: &str, name: &str, value: &str) {
        if !comment.is_empty() {
            self.0 += &format!("    /// {comment}\n");
        }
        self.0 += &format!("    uint256 internal constant {name} = {value};\n");
    }

    fn word(&mut self, comment: &str, name: &str, word: &[u8; WORD]) {
        let digits: String = word.iter().map(|byte| format!("{byte:02x}")).collect();
        let digits = digits.trim_start_matches('0');
        // Whole bytes: a number of forty digits would be read as an address.
        let length = match digits.len().next_multiple_of(2) {
            40 => 42,
            length => length,
        };
        self.literal(comment, name, &format!("0x{digits:0>length$}"));
    }

    fn scalar(&mut self, comment: &str, name: &str, value: &Fr) {
        self.word(comment, name, &scalar_to_bytes(value));
    }

    fn number(&mut self, comment: &str, name: &str, value: usize) {
        self.literal(comment, name, &value.to_string());
    }

    /// Where something of residue `row` is in an array of words.
    fn offset(&mut self, comment: &str, name: &str, row: usize) {
        self.literal(comment, name, &format!("{:#x}", WORD * row));
    }
}

fn base(x: &Fq) -> [u8; WORD] {
    let mut word = [0; WORD];
    word.copy_from_slice(x.to_repr().as_ref());
    word.reverse();
    word
}

/// `modulus`, of which this is the greatest element.
fn modulus(mut greatest: [u8; WORD]) -> [u8; WORD] {
    greatest[WORD - 1] += 1;
    greatest
}

/// `contracts/FinalConstants.sol`, for proofs under a key and a setup whose second group has these points. `warning` is said of
/// the setup; empty for none.
pub fn solidity_constants(key: &Key, [g2, tau_g2]: &[G2Affine; 2], warning: &str) -> String {
    let mut s = Source(String::from(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
         // Written by script/final-verifier. Do not edit: change crates/final, and write it again.\n\
         pragma solidity 0.8.37;\n\
         \n\
         /// @title Numbers of final proofs: fields, setup, key, rows, and what gates multiply by\n\
         abstract contract FinalConstants {\n",
    ));
    s.word("Modulus of the base field.", "P", &modulus(base(&-Fq::ONE)));
    let order = modulus(scalar_to_bytes(&-Fr::ONE));
    s.word("Order of the scalar field.", "R", &order);

    s.section("Setup: the generator of the second group, and its multiple by the secret, negated; imaginary parts first.");
    if !warning.is_empty() {
        s.0 += &format!("    // {warning}\n");
    }
    let names = ["X_IM", "X_RE", "Y_IM", "Y_RE"];
    for (prefix, point) in [("G2", *g2), ("MINUS_TAU_G2", -*tau_g2)] {
        for (name, word) in names.into_iter().zip(g2_to_words(&point)) {
            s.word("", &format!("{prefix}_{name}"), &word);
        }
    }

    s.section("Key: rows are 2^K; the commitment to the packed fixed polynomials.");
    s.number("", "K", key.k as usize);
    s.number("", "INPUTS", key.inputs);
    for (name, word) in ["KEY_X", "KEY_Y"]
        .into_iter()
        .zip(point_to_words(&key.fixed))
    {
        s.word("", name, &word);
    }

    rows(&mut s, key);
    numbers(&mut s, &NUMBERS);

    s.section("Poseidon: the matrix of the linear layer.");
    for (i, row) in constants().matrix.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            s.scalar("", &format!("MATRIX_{i}{j}"), x);
        }
    }
    s.0 += "}\n";
    s.0
}

/// Roots of unity, and where runs start in a block.
fn rows(s: &mut Source, key: &Key) {
    let omega = generator(key.k);
    let inverse = |x: Fr| x.invert().unwrap_or(Fr::ZERO);
    s.section("Rows: row i is ω^i. η = ω^(2^K / PERIOD); its inverse has what selectors take.");
    s.number("", "PERIOD", PERIOD);
    s.scalar("", "OMEGA", &omega);
    s.scalar(
        "`ω^PERIOD`: public inputs are that many rows apart.",
        "OMEGA_BLOCK",
        &omega.pow_vartime([PERIOD as u64]),
    );
    s.scalar("`1/2^K`", "ROWS_INVERSE", &inverse(Fr::from(1 << key.k)));
    s.scalar(
        "`1/PERIOD`",
        "PERIOD_INVERSE",
        &inverse(Fr::from(PERIOD as u64)),
    );
    let eta = inverse(generator(PERIOD.trailing_zeros()));
    for power in [1, 4, 16, 32] {
        s.scalar(
            "",
            &format!("ETA_INVERSE_{power}"),
            &eta.pow_vartime([power]),
        );
    }
    s.number(
        "What tells columns' cells apart: its powers times ω^i.",
        "SHIFT",
        Fr::MULTIPLICATIVE_GENERATOR
            .to_repr()
            .as_ref()
            .first()
            .copied()
            .unwrap_or(0)
            .into(),
    );

    s.section("Residues of rows in a block, times 32.");
    let runs: [(&str, Run); 12] = [
        ("INPUT", INPUT),
        ("RANGE_TABLE", RANGE_TABLE),
        ("MEMORY_TABLE", MEMORY_TABLE),
        ("NEGATIVE_TABLE", NEGATIVE_TABLE),
        ("LOOKUP", LOOKUP),
        ("DIGITS", DIGITS),
        ("CONSTANT", CONSTANT),
        ("LIMBS", LIMBS),
        ("EQUATION", EQUATION),
        ("FULL", FULL),
        ("PARTIAL", PARTIAL),
        ("ARITHMETIC", ARITHMETIC),
    ];
    for (name, run) in runs {
        s.offset("", &format!("{name}_AT"), run.first);
    }
    s.section("Lengths of runs, and of all runs of a kind, times 32.");
    s.offset("", "RANGE_TABLE_SIZE", RANGE_TABLE.count);
    s.offset("", "LIMBS_SIZE", LIMBS.rows);
    s.offset("", "LIMBS_ALL", LIMBS.rows * LIMBS.count);
    s.offset("", "EQUATION_SIZE", EQUATION.rows);
    s.offset("", "PARTIAL_ROUNDS", PARTIAL_ROUNDS);
    s.section("Rows of a run of limbs, times 32.");
    s.offset("", "LIMBS_LOOSE", limbs::LOOSE);
    s.offset("", "LIMBS_FIRST_CARRY", limbs::FIRST_CARRY);
    s.offset("", "LIMBS_SECOND_CARRY", limbs::SECOND_CARRY);
    s.offset("", "LIMBS_QUOTIENT", limbs::QUOTIENT);
}

/// Powers of two, and multiples of the base field's order.
fn numbers(s: &mut Source, numbers: &Numbers) {
    s.section("Chunks and limbs.");
    for (bits, value) in [16, 32, 48, 64].into_iter().zip(&numbers.limb) {
        s.scalar("", &format!("TWO_{bits}"), value);
    }
    s.scalar("", "TWO_79", &numbers.carry_bias);
    s.scalar("", "TWO_128", &numbers.chunk[1]);
    s.section("What a chunk of a quotient adds to the three parts of its product with the base field's order; the bias.");
    let parts = ["LOW", "HIGH", "ABOVE"].into_iter();
    for ((name, order), bias) in parts.zip(&numbers.order).zip(&numbers.bias) {
        for (i, factor) in order.iter().enumerate() {
            if *factor != Fr::ZERO {
                s.scalar("", &format!("ORDER_{name}_{i}"), factor);
            }
        }
        if *bias != Fr::ZERO {
            s.scalar("", &format!("BIAS_{name}"), bias);
        }
    }
}

/// `contracts/libraries/FoldKeys.sol`: digests of the keys of nodes over one, two and three nodes, under a setup of this id.
pub fn solidity_fold_keys(setup: &[u8; WORD], keys: &[Fr; 3], warning: &str) -> String {
    let hex = |word: &[u8; WORD]| -> String { word.iter().map(|b| format!("{b:02x}")).collect() };
    let mut text = String::from(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
         // Written by script/final-verifier. Do not edit: change crates/recursion, and write it again.\n\
         pragma solidity 0.8.37;\n\
         \n\
         /// @title Keys of nodes over nodes\n\
         library FoldKeys {\n    \
             /// @notice Id of the setup that they are of.\n",
    );
    if !warning.is_empty() {
        text += &format!("    /// {warning}\n");
    }
    text += &format!(
        "    bytes32 internal constant SETUP = 0x{};\n\n",
        hex(setup)
    );
    for (number, key) in (1..).zip(keys) {
        let key = hex(&scalar_to_bytes(key));
        text += &format!("    bytes32 internal constant OVER_{number} = 0x{key};\n");
    }
    text += "\n    /// @notice Most nodes that one is over.\n    \
             uint256 internal constant MOST = 3;\n\
             \n    \
             /// @notice Digest of the key of a node over so many nodes.\n    \
             /// @param n From 1 to `MOST`.\n    \
             function over(uint256 n) internal pure returns (bytes32) {\n        \
                 return n == 1 ? OVER_1 : n == 2 ? OVER_2 : OVER_3;\n    \
             }\n\
             }\n";
    text
}
