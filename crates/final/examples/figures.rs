//! What the engine takes: `cargo run --release -p nanozk-final --example figures [k]` proves a circuit of `2^k` rows, 2^18 if not
//! given, with random columns that satisfy it, and prints processor time by stage, memory and bytes.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_final::circuit::{
    COLUMNS, CONSTRAINTS, Circuit, Columns, Fraction, Gate, Lookup, QUADRATIC, Structure, WIRES,
};
use nanozk_final::{PROOF_BYTES, ProvingKey, powers_needed, prove, reduce};
use nanozk_kzg::Basis;
use nanozk_transcript::KeccakTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::time::Instant;

const PERIOD: usize = 128;
const INPUTS: usize = 23;
/// Residues of range tables, each of which has four numbers a row.
const TABLES: std::ops::Range<usize> = 2..10;
/// Residues of range rows.
const RANGES: std::ops::Range<usize> = 10..52;
/// All others are gates.
const GATES: std::ops::Range<usize> = 52..128;

/// Seconds of the process in user mode.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = fields.split_whitespace();
    fields
        .nth(11)
        .and_then(|x| x.parse().ok())
        .map_or(0.0, |x: f64| x / 100.0)
}

/// Most memory that the process has had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let digits = line.map(|line| {
        line.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    });
    digits
        .and_then(|x| x.parse().ok())
        .map_or(0, |x: u64| x >> 10)
}

/// Ten gates of some degree, as many as a circuit may have, and ranges of 16 bits.
fn circuit() -> Circuit {
    let residues: Vec<usize> = GATES.collect();
    let gates = residues.chunks(8).map(|residues| Gate {
        name: "product",
        residues: residues.to_vec(),
        count: 3,
        degree: QUADRATIC,
        constraints: |cells| {
            let (row, next) = (cells.row, cells.next);
            let mut values = [Fr::ZERO; CONSTRAINTS];
            let product = row.a * row.b + row.c * row.d + row.e * cells.constant;
            values[0] = product - row.f;
            values[1] = Fr::ZERO * (next.a + next.b) * row.b + row.a * row.c * Fr::ZERO;
            values[2] = values[1].double();
            values
        },
    });
    Circuit {
        period: PERIOD,
        gates: gates.collect(),
        lookups: vec![
            Lookup {
                name: "range",
                residues: RANGES.collect(),
                count: 4,
                fractions: |cells, s| {
                    [cells.row.a, cells.row.b, cells.row.c, cells.row.e].map(|x| Fraction {
                        numerator: Fr::ONE,
                        denominator: s.denominator([x]),
                    })
                },
            },
            Lookup {
                name: "range table",
                residues: TABLES.collect(),
                count: 4,
                fractions: |cells, s| {
                    let row = cells.row;
                    let mut key = cells.constant;
                    [row.a, row.b, row.c, row.d].map(|count| {
                        let denominator = s.denominator([key]);
                        key += Fr::ONE;
                        Fraction {
                            numerator: -count,
                            denominator,
                        }
                    })
                },
            },
        ],
        input_residue: 0,
        random_residue: 1,
    }
}

fn main() {
    let k: u32 = std::env::args()
        .nth(1)
        .and_then(|k| k.parse().ok())
        .unwrap_or(18);
    assert!((10..=20).contains(&k), "k from 10 to 20");
    let n = 1_usize << k;
    let seed = nanozk_setup::DEVELOPMENT_SEED;
    let (powers, g2) = nanozk_setup::development_powers(powers_needed(k), seed);
    let basis = Basis::new(&powers, 4).expect("powers are not at infinity");
    drop(powers);

    let circuit = circuit();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut structure = Structure::new(k, INPUTS);
    let mut columns: Columns = std::array::from_fn(|_| vec![Fr::ZERO; n]);
    let bits = (n / PERIOD * TABLES.len() * 4).ilog2();
    let mut counts = vec![0_u64; 1 << bits];
    for row in 0..n {
        let residue = row % PERIOD;
        if RANGES.contains(&residue) {
            for column in [0, 1, 2, 4] {
                let x = rng.next_u32() >> (32 - bits);
                counts[x as usize] += 1;
                columns[column][row] = Fr::from(u64::from(x));
            }
            columns[3][row] = Fr::random(&mut rng);
        } else if GATES.contains(&residue) {
            for column in &mut columns[..WIRES] {
                column[row] = Fr::random(&mut rng);
            }
            structure.constants[row] = Fr::random(&mut rng);
            let [a, b, c, d, e, _] = columns.each_ref().map(|column| column[row]);
            columns[COLUMNS - 1][row] = a * b + c * d + e * structure.constants[row];
        }
    }
    let rows = (0..n).filter(|row| TABLES.contains(&(row % PERIOD)));
    for (i, row) in rows.enumerate() {
        structure.constants[row] = Fr::from(4 * i as u64);
        for (column, count) in columns.iter_mut().zip(&counts[4 * i..4 * i + 4]) {
            column[row] = Fr::from(*count);
        }
    }
    let inputs: Vec<Fr> = (0..INPUTS).map(|_| Fr::random(&mut rng)).collect();
    for (i, input) in inputs.iter().enumerate() {
        columns[0][i * PERIOD] = *input;
    }

    let (start, clock) = (cpu(), Instant::now());
    let key = ProvingKey::new(circuit.clone(), structure, &basis);
    println!("key: {:.2} CPU s, {:.2?}", cpu() - start, clock.elapsed());
    println!("memory before: {} MiB", peak());
    let (start, clock) = (cpu(), Instant::now());
    let mut last: Option<(&str, f64)> = None;
    let mut stages = Vec::new();
    let mut transcript = KeccakTranscript::new();
    let proof = prove(
        &key,
        &inputs,
        columns,
        &basis,
        &mut rng,
        &mut transcript,
        |stage| {
            let now = cpu();
            stages.extend(last.map(|(name, then)| (name, now - then)));
            last = Some((stage, now));
        },
    )
    .expect("a proof");
    let end = cpu();
    stages.extend(last.map(|(name, then)| (name, end - then)));
    for (name, seconds) in &stages {
        println!("  {name:50} {seconds:.2}");
    }
    println!("proof: {:.2} CPU s, {:.2?}", end - start, clock.elapsed());
    println!("peak memory: {} MiB", peak());
    println!(
        "proof: {PROOF_BYTES} bytes, with an accumulator {}",
        PROOF_BYTES + 128
    );

    let clock = Instant::now();
    let mut transcript = KeccakTranscript::new();
    let equation =
        reduce(&circuit, &key.key, &inputs, &proof, &mut transcript).expect("an equation");
    let scalars = clock.elapsed();
    let accumulator = equation.multiplied();
    let accepted = accumulator.holds(&g2);
    println!(
        "verification: {accepted}, {:.2?}, of which {scalars:.2?} are scalars",
        clock.elapsed()
    );
}
