//! What the contracts have in common with these crates, for their tests.
//!
//! `test/fixtures` has audit draws with their inclusion probabilities, and token digests, as computed here;
//! `contracts/libraries/PoseidonConstants.sol` has the constants of the hash. After a change that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-prover --test contract_fixtures`, which writes the files and fails.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_poseidon::{ROUNDS, constants, hash2, sequence_digests};
use nanozk_prover::audit::{draw, floor_ppm, inclusion, weights};
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::encode;
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn check(file: &str, found: &str) {
    let path = Path::new(ROOT).join(file);
    if std::env::var_os("NANOZK_UPDATE_GOLDEN").is_some_and(|v| v == "1") {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        std::fs::write(&path, found).expect("it can be written");
        panic!("{file} rewritten; run again");
    }
    let golden = std::fs::read_to_string(&path).expect("the file is under version control");
    assert_eq!(
        found, golden,
        "see the head of this file if the change is meant"
    );
}

/// One case on a line.
fn cases(cases: &[Value]) -> String {
    let lines: Vec<String> = cases.iter().map(|c| format!("    {c}")).collect();
    format!(
        "{{\n  \"count\": {},\n  \"cases\": [\n{}\n  ]\n}}\n",
        cases.len(),
        lines.join(",\n")
    )
}

fn digest(text: &str) -> [u8; 32] {
    Keccak256::digest(text).into()
}

fn scalar(v: Fr) -> String {
    encode(&scalar_to_bytes(&v))
}

/// A generator whose sequence is fixed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's MMIX; the upper half is good enough.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) % bound
    }

    fn scalar(&mut self) -> Fr {
        hash2(Fr::from(self.below(1 << 31)), Fr::from(self.0))
    }
}

#[test]
fn audit_draws() {
    let mut numbers = Numbers(1);
    // Layers, layers drawn; the first is that of the test in `audit.rs`.
    let sizes = [
        (6, 6),
        (3, 1),
        (3, 3),
        (10, 4),
        (26, 6),
        (64, 16),
        (100, 99),
        (256, 1),
        (256, 32),
        (256, 256),
    ];
    let case = |(case, &(layers, count)): (usize, &(usize, usize))| {
        let shares: Vec<u32> = match case {
            0 => vec![600_000, 200_000, 100_000, 50_000, 50_000, 0],
            _ => {
                // Unequal, and some below the floor.
                let raw: Vec<u64> = (0..layers)
                    .map(|_| numbers.below(1000) * numbers.below(1000))
                    .collect();
                let total: u64 = raw.iter().sum::<u64>().max(1);
                raw.iter().map(|r| (r * 1_000_000 / total) as u32).collect()
            }
        };
        let weights = weights(&shares);
        assert!(weights.iter().all(|w| *w >= floor_ppm(layers)));
        let (seed, claim) = match case {
            0 => (digest("beacon"), digest("statement")),
            _ => (
                digest(&format!("seed {case}")),
                digest(&format!("claim {case}")),
            ),
        };
        // In parts per 10^9, of which the integration's error is less than one.
        let ppb: Vec<u64> = if count == layers {
            vec![1_000_000_000; layers]
        } else {
            let exact = inclusion(&weights, count).expect("there are so many layers");
            assert!(exact.error < 1e-9);
            let ppb = |p: &f64| (p * 1e9).round() as u64;
            exact.probability.iter().map(ppb).collect()
        };
        json!({
            "weights": weights,
            "draws": count,
            "seed": encode(&seed),
            "claim": encode(&claim),
            "drawn": draw(&weights, count, &seed, &claim).expect("there are so many layers"),
            "inclusionPpb": ppb,
        })
    };
    let found: Vec<Value> = sizes.iter().enumerate().map(case).collect();
    check("test/fixtures/audit-draws.json", &cases(&found));
}

#[test]
fn token_digests() {
    let mut numbers = Numbers(2);
    // Positions, tokens of the prompt, generated tokens.
    let lengths = [
        (4, 1, 1),
        (4, 2, 2),
        (8, 7, 1),
        (16, 5, 8),
        (32, 3, 24),
        (64, 1, 63),
        (256, 200, 9),
        (1024, 24, 1000),
    ];
    let case = |&(n, prompt, generated): &(usize, usize, usize)| {
        let mut tokens: Vec<u32> = (0..n).map(|_| numbers.below(1 << 24) as u32).collect();
        tokens[prompt] = (1 << 24) - 1;
        let [input_salt, output_salt] = [numbers.scalar(), numbers.scalar()];
        let [input, output] =
            sequence_digests(&tokens, prompt, generated, [input_salt, output_salt]);
        json!({
            "positions": n,
            "prompt": tokens[..prompt],
            "generated": tokens[prompt..prompt + generated],
            "inputSalt": scalar(input_salt),
            "outputSalt": scalar(output_salt),
            "input": scalar(input),
            "output": scalar(output),
        })
    };
    let found: Vec<Value> = lengths.iter().map(case).collect();
    check("test/fixtures/token-digests.json", &cases(&found));
}

/// The permutation in the form of `Poseidon.sol`: see there.
struct Fast {
    /// The linear layer `[[corner, row], [column, square]]`.
    matrix: [[Fr; 3]; 3],
    /// `column | square·column`: the basis of the last two elements in partial rounds.
    basis: [[Fr; 2]; 2],
    inverse: [[Fr; 2]; 2],
    /// `row` in this basis.
    row: [Fr; 2],
    /// Determinant, negated, and trace of `square`, whose matrix in this basis is `[[0, −det], [1, trace]]`.
    minus_det: Fr,
    trace: Fr,
    /// First four rounds, three each; partial rounds, one each; last four rounds.
    rounds: Vec<Fr>,
}

impl Fast {
    fn new() -> Self {
        let matrix = constants().matrix;
        let [[_, v0, v1], [w0, a, b], [w1, c, d]] = matrix;
        // square·column
        let (u0, u1) = (a * w0 + b * w1, c * w0 + d * w1);
        let det = (w0 * u1 - w1 * u0).invert().expect("it is a basis");
        let mut rounds = Vec::new();
        // What the last two elements' constants of earlier partial rounds have become.
        let mut carried = [Fr::ZERO; 3];
        for (r, round) in constants().rounds.iter().enumerate() {
            let k: Vec<Fr> = round.iter().zip(carried).map(|(c, d)| *c + d).collect();
            carried = [Fr::ZERO; 3];
            if (4..ROUNDS - 4).contains(&r) {
                rounds.push(k[0]);
                carried = matrix.map(|row| row[1] * k[1] + row[2] * k[2]);
            } else {
                rounds.extend(k);
            }
        }
        Self {
            matrix,
            basis: [[w0, u0], [w1, u1]],
            inverse: [[u1 * det, -u0 * det], [-w1 * det, w0 * det]],
            row: [v0 * w0 + v1 * w1, v0 * u0 + v1 * u1],
            minus_det: b * c - a * d,
            trace: a + d,
            rounds,
        }
    }

    fn hash2(&self, a: Fr, b: Fr) -> Fr {
        let fifth = |x: Fr| x.square().square() * x;
        let full = |state: &mut [Fr; 3], k: &[Fr]| {
            let s: Vec<Fr> = state.iter().zip(k).map(|(x, k)| fifth(*x + k)).collect();
            *state = self
                .matrix
                .map(|row| row.iter().zip(&s).map(|(m, x)| m * x).sum());
        };
        let times = |m: &[[Fr; 2]; 2], y: Fr, z: Fr| m.map(|row| row[0] * y + row[1] * z);
        let mut state = [Fr::ZERO, a, b];
        let (first, rest) = self.rounds.split_at(12);
        let (partial, last) = rest.split_at(ROUNDS - 8);
        first.chunks(3).for_each(|k| full(&mut state, k));
        let [mut x, y, z] = state;
        let [mut y, mut z] = times(&self.inverse, y, z);
        for k in partial {
            let s = fifth(x + k);
            x = self.matrix[0][0] * s + self.row[0] * y + self.row[1] * z;
            (y, z) = (s + self.minus_det * z, y + self.trace * z);
        }
        let [y, z] = times(&self.basis, y, z);
        state = [x, y, z];
        last.chunks(3).for_each(|k| full(&mut state, k));
        state[0]
    }
}

#[test]
fn poseidon_constants() {
    let fast = Fast::new();
    let mut numbers = Numbers(4);
    for _ in 0..100 {
        let (a, b) = (numbers.scalar(), numbers.scalar());
        assert_eq!(fast.hash2(a, b), hash2(a, b));
    }
    let mut named = Vec::new();
    for (i, row) in fast.matrix.iter().enumerate() {
        named.extend(
            row.iter()
                .enumerate()
                .map(|(j, v)| (format!("M{i}{j}"), *v)),
        );
    }
    for (name, m) in [("B", fast.basis), ("C", fast.inverse)] {
        let cells = (0..4).map(|i| (format!("{name}{}{}", i / 2, i % 2), m[i / 2][i % 2]));
        named.extend(cells);
    }
    let others = [
        ("V0", fast.row[0]),
        ("V1", fast.row[1]),
        ("MINUS_DET", fast.minus_det),
        ("TRACE", fast.trace),
    ];
    named.extend(others.map(|(name, v)| (name.to_string(), v)));
    let named: Vec<String> = named
        .iter()
        .map(|(name, v)| format!("uint256 constant {name} = {};", scalar(*v)))
        .collect();
    let rounds: Vec<String> = fast
        .rounds
        .iter()
        .map(|v| format!("hex\"{}\"", &scalar(*v)[2..]))
        .collect();
    let out = format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Constants of the Poseidon permutation of docs/format.md, for Poseidon.sol, which explains them. Written and checked
// by `cargo test -p nanozk-prover --test contract_fixtures`.

// Order of BN254's scalar field.
uint256 constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

// The linear layer; the basis of partial rounds, and its inverse; the linear layer in this basis.
{}

// Added before the S-boxes: three words for each of four full rounds, one for each of 57 partial rounds, and three for
// each of four full rounds.
bytes constant ROUND_CONSTANTS = {};
",
        named.join("\n"),
        rounds.join("\n    ")
    );
    check("contracts/libraries/PoseidonConstants.sol", &out);
}
