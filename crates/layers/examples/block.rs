//! Proves blocks of a synthetic model in one joint proof, and prints where the time goes.
//!
//! `cargo run --release -p nanozk-layers --example block -- [width heads mlp_width positions blocks k fractions]`; without
//! arguments the widths of GPT-2 small, 32 positions, one block. Processor seconds of all threads.

use halo2curves::bn256::G1Affine;
use nanozk_argument::{commit, prove, verify, Stage, Statement};
use nanozk_circuit::{ColumnId, ColumnKind, Layout, Program, Values};
use nanozk_executor::trace::{attention_trace, mlp_trace};
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_kzg::Basis;
use nanozk_layers::{attention, mlp, Attention, Axes, Mlp, Packing, Shape};
use nanozk_transcript::KeccakTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rustix::time::{clock_gettime, ClockId};
use std::collections::BTreeMap;

fn cpu() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kb| kb / 1024)
}

fn main() {
    let arguments: Vec<usize> = std::env::args()
        .skip(1)
        .map(|a| a.parse().expect("a number"))
        .collect();
    let get = |i: usize, default: usize| arguments.get(i).copied().unwrap_or(default);
    let architecture = Architecture {
        layers: get(4, 1),
        width: get(0, 768),
        heads: get(1, 12),
        mlp_width: get(2, 3072),
        vocab: 4,
        context: 1 << 13,
    };
    let (positions, k, fractions) = (get(3, 32), get(5, 17) as u32, get(6, 6));
    let layers = architecture.layers;
    let shape = Shape {
        architecture,
        spec: synthetic::spec(architecture.width, Activation::GeluNew),
        positions,
    };
    let start = cpu();
    let mut p = Program::new();
    let axes = Axes::new(&mut p, &shape);
    let exp = attention::exponentials(&mut p);
    let act = mlp::activations(&mut p, &shape.spec).expect("the specification is valid");
    let attention = Attention::new(&mut p, &shape, &axes, layers, exp);
    let mlp = Mlp::new(&mut p, &shape, &axes, layers, act);
    let packing = Packing::new(&p, k, |name, layer| {
        let half = match name {
            "attention input" => 0,
            "attention output" | "mlp input" => 1,
            _ => 2,
        };
        u32::try_from(2 * layer + half).expect("few layers")
    });
    let layout = Layout::new(&p, k, fractions, &packing).expect("it fits");
    let count = |f: fn(ColumnKind) -> bool| layout.columns().iter().filter(|c| f(c.kind)).count();
    println!(
        "{} columns of 2^{k}: {} of weights, {} of activations, {} of limbs, {} helpers",
        layout.columns().len(),
        count(|k| matches!(k, ColumnKind::Weight(_))),
        count(|k| matches!(k, ColumnKind::Activation(_))),
        count(|k| matches!(k, ColumnKind::Limb(_))),
        count(|k| matches!(k, ColumnKind::Helper(_))),
    );
    let model = synthetic::model(architecture, Activation::GeluNew, 1);
    let mut stream = synthetic::residual(positions, architecture.width, 1);
    let mut traces = Vec::new();
    for layer in &model.layers {
        let a = attention_trace(layer, &model.spec, architecture.heads, &stream).expect("in range");
        let m = mlp_trace(layer, &model.spec, &a.output).expect("in range");
        stream.clone_from(&m.output);
        traces.push((a, m));
    }
    println!("program, model and its run: {:.2} s", cpu() - start);
    let start = cpu();
    let mut values = Values::new(&p, &layout, vec![]);
    for (layer, weights) in model.layers.iter().enumerate() {
        attention
            .fill_weights(&mut values, layer, weights)
            .expect("in range");
        mlp.fill_weights(&mut values, layer, weights)
            .expect("in range");
    }
    println!("weights into columns: {:.2} s", cpu() - start);
    let start = cpu();
    let (a, m): (Vec<_>, Vec<_>) = traces.iter().map(|(a, m)| (a, m)).unzip();
    attention.fill(&mut values, &a).expect("in range");
    mlp.fill(&mut values, &m).expect("in range");
    values.look_up().expect("in range");
    println!("witness into columns: {:.2} s", cpu() - start);
    let start = cpu();
    let (powers, g2) = nanozk_setup::development_powers(
        nanozk_argument::powers(k),
        nanozk_setup::DEVELOPMENT_SEED,
    );
    let basis = Basis::new(&powers, 4).expect("no identity");
    println!("setup: {:.2} s", cpu() - start);
    let start = cpu();
    let known: BTreeMap<ColumnId, G1Affine> = layout
        .enumerate()
        .filter(|(_, c)| {
            matches!(
                c.kind,
                ColumnKind::Weight(_) | ColumnKind::Activation(_) | ColumnKind::TableValues(_)
            )
        })
        .map(|(id, _)| (id, commit(&basis, values.column(id), k, values.tail(id))))
        .collect();
    println!(
        "registration: {:.2} s, peak {} MB",
        cpu() - start,
        peak_mb()
    );

    let statement = Statement {
        program: &p,
        layout: &layout,
        inputs: &[],
        known: &known,
    };
    let mut stages: Vec<(Stage, f64)> = Vec::new();
    let mut last: Option<(Stage, f64)> = None;
    let total = cpu();
    let mut transcript = KeccakTranscript::new();
    let mut rng = ChaCha20Rng::from_seed([0; 32]);
    let proof = prove(
        &statement,
        values,
        &basis,
        &mut rng,
        &mut transcript,
        |stage| {
            let now = cpu();
            if let Some((stage, start)) = last {
                stages.push((stage, now - start));
            }
            last = Some((stage, now));
        },
    )
    .expect("proved");
    let end = cpu();
    if let Some((stage, start)) = last {
        stages.push((stage, end - start));
    }
    for (stage, seconds) in &stages {
        println!("  {:<14} {seconds:7.3}", format!("{stage:?}"));
    }
    println!("proved in {:.2} CPU s, peak {} MB", end - total, peak_mb());
    println!(
        "{} points, {} scalars, and the opening",
        proof.points.len(),
        proof.scalars.len()
    );
    let start = cpu();
    let mut transcript = KeccakTranscript::new();
    let accumulator = verify(&statement, &proof, &mut transcript).expect("valid");
    assert!(accumulator.holds(&g2), "valid");
    println!("verified in {:.1} ms", 1e3 * (cpu() - start));
}
