//! Proves a whole synthetic model in one joint proof, and prints where the time goes.
//!
//! `cargo run --release -p nanozk-layers --example model -- [width heads mlp_width vocab layers positions prompt k fractions]`;
//! without arguments a tiny one. All positions after the prompt are generated. Processor seconds of all threads. For GPT-2
//! small: `768 12 3072 50257 12 32 24 20 5`.

use halo2curves::bn256::{Fr, G1Affine};
use nanozk_argument::{commit, prove, verify, Stage, Statement};
use nanozk_circuit::{Cells, ColumnId, ColumnKind, Layout, Program, Values};
use nanozk_executor::{padded, synthetic, Activation, Architecture, Executor};
use nanozk_kzg::Basis;
use nanozk_layers::{Model, Sequence, Shape};
use nanozk_transcript::KeccakTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rustix::time::{clock_gettime, ClockId};
use std::collections::BTreeMap;

fn cpu() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// A line of `/proc/self/status` in megabytes.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| l.strip_prefix(line))
        .and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
        .map_or(0, |kb| kb / 1024)
}

fn report(what: &str, start: f64) {
    println!(
        "{what}: {:.2} s, {} MB, peak {} MB",
        cpu() - start,
        memory("VmRSS"),
        memory("VmHWM")
    );
}

fn main() {
    let arguments: Vec<usize> = std::env::args()
        .skip(1)
        .map(|a| a.parse().expect("a number"))
        .collect();
    let get = |i: usize, default: usize| arguments.get(i).copied().unwrap_or(default);
    let (positions, prompt) = (get(5, 16), get(6, 9));
    let architecture = Architecture {
        width: get(0, 64),
        heads: get(1, 4),
        mlp_width: get(2, 256),
        vocab: get(3, 1000),
        layers: get(4, 2),
        context: positions,
    };
    let (k, fractions) = (get(7, 16) as u32, get(8, 5));
    let generated = positions - prompt;
    let shape = Shape {
        architecture,
        spec: synthetic::spec(architecture.width, Activation::GeluNew),
        positions,
    };
    let start = cpu();
    let mut p = Program::new();
    let rows = generated.next_power_of_two();
    let model = Model::new(&mut p, &shape, rows).expect("the specification is valid");
    let packing = model.packing(&p, k);
    let layout = Layout::new(&p, k, fractions, &packing).expect("it fits");
    let count = |f: fn(ColumnKind) -> bool| layout.columns().iter().filter(|c| f(c.kind)).count();
    println!(
        "{} columns of 2^{k}: {} of weights, {} of activations, {} of limbs, {} of witnesses, {} helpers",
        layout.columns().len(),
        count(|k| matches!(k, ColumnKind::Weight(_))),
        count(|k| matches!(k, ColumnKind::Activation(_))),
        count(|k| matches!(k, ColumnKind::Limb(_))),
        count(|k| matches!(k, ColumnKind::Witness(_))),
        count(|k| matches!(k, ColumnKind::Helper(_))),
    );
    let weights = synthetic::model(architecture, Activation::GeluNew, 1);
    let prompt_tokens = synthetic::tokens(prompt, architecture.vocab, 1);
    let (sequence, trace) = {
        let executor = Executor::new(&weights).expect("a valid model");
        let tokens = executor
            .generate(&prompt_tokens, generated, |_| {})
            .expect("in range");
        let sequence = Sequence {
            tokens: padded(&[prompt_tokens, tokens].concat(), positions),
            prompt,
            generated,
            prompt_salt: Fr::from(1),
            output_salt: Fr::from(2),
        };
        let trace = executor.forward(&sequence.tokens).expect("in range");
        (sequence, trace)
    };
    report("program, model and its run", start);

    let start = cpu();
    let inputs = sequence.public_inputs([Fr::from(3), Fr::from(4)]);
    let mut values = Values::new(&p, &layout, inputs.clone());
    // Weights move into their columns; there is one layer at most twice.
    model
        .embed
        .fill_weights(&mut values, &weights.wte, &weights.wpe)
        .expect("in range");
    drop((weights.wte, weights.wpe));
    model
        .head
        .fill_weights(&mut values, &weights.head)
        .expect("in range");
    drop(weights.head);
    for (layer, weights) in weights.layers.into_iter().enumerate() {
        model
            .fill_block_weights(&mut values, layer, &weights)
            .expect("in range");
    }
    report("weights into columns", start);
    let start = cpu();
    model
        .fill(&mut values, &trace, &sequence)
        .expect("in range");
    drop(trace);
    report("witness into columns", start);
    let start = cpu();
    let count = nanozk_argument::powers(k);
    let (bases, g2) = nanozk_setup::development_powers(count, nanozk_setup::DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 4).expect("no identity");
    drop(bases);
    report("setup", start);
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
    report("registration", start);

    let statement = Statement {
        program: &p,
        layout: &layout,
        inputs: &inputs,
        known: &known,
    };
    let mut stages: Vec<(Stage, f64)> = Vec::new();
    let mut last: Option<(Stage, f64)> = None;
    let total = cpu();
    let mut transcript = KeccakTranscript::new();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
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
    report("proved", total);
    let field = layout.columns().iter().filter(|c| c.cells == Cells::Field);
    println!(
        "{} commitments in the proof, of which {} to field elements; {} known; {} scalars, and the opening",
        proof.points.len(),
        field.count(),
        known.len(),
        proof.scalars.len()
    );
    let start = cpu();
    let mut transcript = KeccakTranscript::new();
    let accumulator = verify(&statement, &proof, &mut transcript).expect("valid");
    assert!(accumulator.holds(&g2), "valid");
    println!("verified in {:.1} ms", 1e3 * (cpu() - start));
}
