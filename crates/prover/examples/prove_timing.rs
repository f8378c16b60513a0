//! Proves a synthetic program of the shape of a transformer's layer, and says how long each stage
//! took: `prove_timing [k]`.

use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2curves::bn256::{Bn256, Fr};
use halo2curves::ff::Field;
use nanozk_circuits::ir::*;
use nanozk_prover::check::{check_witness, random_challenges};
use nanozk_prover::plonk::{
    estimate_peak_bytes, prove, verifier_params, ProvingKey, Stage, Witness,
};
use nanozk_verifier::soundness::statistical_error_log2;
use nanozk_verifier::{verify, Expected, TranscriptKind};
use rand_core::{OsRng, RngCore};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

const LANES: usize = 11;
const WEIGHTS: usize = 10;

fn main() {
    let k = std::env::args()
        .nth(1)
        .map_or(16, |k| k.parse().expect("a number of bits"));
    let (program, first) = program(k);
    println!(
        "2^{k} rows, {} columns, {} gates, estimated peak {} MB",
        program.columns.len(),
        program.gates.len(),
        estimate_peak_bytes(&program) >> 20
    );
    println!("{:.1?}", statistical_error_log2(&program));
    let time = |name: &str, (wall, cpu): (Instant, f64)| {
        println!(
            "{name:>12}: {:6.2} s, {:6.2} s of processors",
            wall.elapsed().as_secs_f64(),
            cpu_seconds() - cpu
        );
    };

    let now = start();
    let params = ParamsKZG::<Bn256>::setup(k, OsRng);
    time("setup", now);
    let now = start();
    // On a copy; the memory is not that of a proof.
    check_witness(&program, first.clone(), &[], &random_challenges()).expect("satisfied");
    time("check", now);
    let now = start();
    let pk = ProvingKey::new(&params, [0; 32], Arc::new(program));
    time("key", now);

    let weights = pk
        .vk()
        .program()
        .columns_of(Kind::Weight)
        .collect::<Vec<_>>();
    let all = pk.vk().program().first_phase();
    let now = start();
    let known = weights
        .iter()
        .map(|w| {
            let values = &first[all.iter().position(|c| c == w).expect("first phase")];
            (
                *w,
                nanozk_prover::plonk::commit_column(&params, values.clone()),
            )
        })
        .collect();
    time("weights", now);

    let witness = Witness {
        first_phase: first,
        known,
        instances: &[],
    };
    println!("peak so far {} MB", peak_megabytes());
    let last = RefCell::new((None::<Stage>, start()));
    let progress = |stage| {
        let (before, since) = last.replace((Some(stage), start()));
        if let Some(before) = before {
            time(&format!("{before:?}"), since);
        }
    };
    let now = start();
    let proof = prove(
        &params,
        &pk,
        witness,
        TranscriptKind::Keccak,
        &mut OsRng,
        &progress,
    )
    .expect("proves");
    time("Open", last.borrow().1);
    time("prove", now);
    let now = start();
    verify(
        &verifier_params(&params, [0; 32]),
        pk.vk(),
        &[],
        &Expected::default(),
        &proof,
    )
    .expect("valid");
    time("verify", now);
    println!("{} bytes", proof.to_bytes().len());
    println!("peak {} MB", peak_megabytes());
}

fn start() -> (Instant, f64) {
    (Instant::now(), cpu_seconds())
}

/// Processor time of this process so far, where the system tells.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

/// Most memory this process has used so far, where the system tells.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() >> 10
}

/// Lookups of all lanes in a range table, and products of weights with activations.
fn program(k: u32) -> (Program, Vec<Vec<Fr>>) {
    let rows = 1usize << k;
    let used = rows - BLIND_ROWS - 1;
    let mut columns = Vec::new();
    let mut new = |name: &str, kind, linear, zero_blind| {
        columns.push(ColumnInfo {
            name: name.into(),
            kind,
            linear,
            zero_blind,
        });
        Column(columns.len() as u32 - 1)
    };
    let fixed: Vec<_> = ["active", "first", "last", "range", "s0", "s1", "s2", "s3"]
        .iter()
        .map(|name| new(name, Kind::Fixed, false, false))
        .collect();
    let [active, first, last, range] = [fixed[0], fixed[1], fixed[2], fixed[3]];
    let x = new("x", Kind::Input, false, false);
    let out = new("out", Kind::Output, false, false);
    let weights: Vec<_> = (0..WEIGHTS)
        .map(|_| new("weight", Kind::Weight, true, false))
        .collect();
    let lanes: Vec<_> = (0..LANES)
        .map(|_| new("lane", Kind::Witness, false, false))
        .collect();
    let multiplicity = new("multiplicity", Kind::Witness, false, true);
    let helpers: Vec<_> = (0..LANES.div_ceil(2))
        .map(|_| new("helper", Kind::Second, false, true))
        .collect();
    let table = new("table helper", Kind::Second, false, true);
    let balance = new("balance", Kind::Second, false, false);
    let fold = new("fold", Kind::Second, false, false);

    let scalar = |c| Poly::scalar(Scalar::Challenge(c));
    let alpha = |c: Column| scalar(Challenge::Alpha) + c.cur();
    let mut gates = Vec::new();
    let mut steps = Vec::new();
    let mut gate = |id: String, poly: Poly| {
        gates.push(Gate {
            id,
            meaning: "",
            poly: poly.normalized(),
        })
    };
    let all = Span::run(0, used);
    let mut change = -table.cur();
    for (i, pair) in lanes.chunks(2).enumerate() {
        let denominator = pair
            .iter()
            .map(|c| alpha(*c))
            .reduce(|a, b| a * b)
            .expect("a lane");
        let numerator = match pair {
            [a, b] => alpha(*a) + alpha(*b),
            _ => Poly::int(1),
        };
        gate(
            format!("helper {i}"),
            active.cur() * numerator.clone() - helpers[i].cur() * denominator.clone(),
        );
        steps.push(Step::Ratio {
            column: helpers[i],
            rows: all,
            numerator,
            denominator,
        });
        change = change + helpers[i].cur();
    }
    gate(
        "table".into(),
        table.cur() * alpha(range) - multiplicity.cur(),
    );
    steps.push(Step::Ratio {
        column: table,
        rows: all,
        numerator: multiplicity.cur(),
        denominator: alpha(range),
    });
    gate(
        "balance".into(),
        active.cur() * (balance.at(1) - balance.cur() - change.clone()),
    );
    gate(
        "balanced".into(),
        (first.cur() + last.cur()) * balance.cur(),
    );
    steps.push(Step::Assign {
        column: balance,
        rows: Span::run(1, used),
        descending: false,
        value: balance.at(-1) + change.shift(-1),
    });
    let terms = weights
        .iter()
        .enumerate()
        .fold(Poly::zero(), |sum, (j, w)| {
            sum + x.cur() * w.cur() * Scalar::pow(Challenge::Tau, j as u64)
                + w.cur() * Scalar::pow(Challenge::Delta, j as u64)
        });
    let carried = fold.cur() * Scalar::Challenge(Challenge::Beta);
    gate(
        "fold".into(),
        active.cur() * (fold.at(1) - carried - terms.clone()),
    );
    steps.push(Step::Assign {
        column: fold,
        rows: Span::run(1, used),
        descending: false,
        value: fold.at(-1) * Scalar::Challenge(Challenge::Beta) + terms.shift(-1),
    });
    // Decompositions with rotations, as limbs are recomposed.
    for (i, lane) in lanes.iter().enumerate().take(4) {
        let recomposed = lane.cur() + lane.at(1) * (1 << 8) + lane.at(2) * (1 << 16);
        gate(
            format!("limbs {i}"),
            fixed[4 + i].cur() * (recomposed - out.at(i as i32)),
        );
    }

    let mut program = Program {
        name: "synthetic".into(),
        k,
        columns,
        instances: 0,
        gates,
        fixed: vec![],
        steps,
        public: false,
    };
    let unit = |row: usize| {
        let mut column = vec![Fr::ZERO; used + 1];
        column[row] = Fr::ONE;
        column
    };
    program.fixed = vec![
        vec![Fr::ONE; used],
        unit(0),
        unit(used),
        (0..used as u64).map(|v| Fr::from(v.min(255))).collect(),
        vec![],
        vec![],
        vec![],
        vec![],
    ];
    let random = |bits: u32, signed: bool| -> Vec<Fr> {
        let value = |row| {
            if row >= rows - BLIND_ROWS {
                return Fr::random(OsRng);
            }
            let v = Fr::from((OsRng.next_u32() >> (32 - bits)) as u64);
            if signed && row % 2 == 0 {
                -v
            } else {
                v
            }
        };
        (0..rows).map(value).collect()
    };
    let mut values = vec![random(16, true), random(16, true)];
    values.extend((0..WEIGHTS).map(|_| random(25, false)));
    let mut counts = vec![0u64; rows];
    for _ in 0..LANES {
        let mut lane = vec![Fr::ZERO; rows];
        for v in lane.iter_mut().take(used) {
            let value = OsRng.next_u32() as usize % 256;
            counts[value] += 1;
            *v = Fr::from(value as u64);
        }
        values.push(lane);
    }
    values.push(counts.into_iter().map(Fr::from).collect());
    (program, values)
}
