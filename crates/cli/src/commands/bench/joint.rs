//! Joint proofs of synthetic models.

use super::{check_resident, median_ms, validated};
use crate::args::{AboveArgs, BenchLayerArgs, BenchModelArgs, KnownShape};
use crate::commands::GIB;
use crate::commands::model::plan_text;
use crate::measure::{Stopwatch, peak_rss_bytes, reset_peak_rss};
use crate::output::{Out, Progress, bytes, count, thousands};
use anyhow::{Context, Result, bail};
use halo2curves::bn256::{Fr, G2Affine};
use halo2curves::ff::Field;
use nanozk::model_dir::ModelDir;
use nanozk_argument::{
    Known, Proof, Stage, Statement, commit_known, powers, prove, soundness, verify,
};
use nanozk_circuit::{ColumnKind, Layout, Objective, Plan, Program, Values};
use nanozk_executor::trace::{attention_trace, mlp_trace};
use nanozk_executor::{Architecture, Executor, Gpt2, padded, synthetic};
use nanozk_final::{ProvingKey, Top, prove_top, verify_top};
use nanozk_kzg::Basis;
use nanozk_layers::head::rows;
use nanozk_layers::{Layers, Selection, Sequence, Shape, Weights};
use nanozk_recursion::node::{Joint, MAX_COMMITMENTS, NodeKey, NodeProof, Nodes, Tables, hold};
use nanozk_recursion::statement::Session;
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::RecursionTranscript;
use nanozk_verifier::FINAL_POWERS;
use rand_core::OsRng;
use serde::Serialize;

/// Seconds of a stage of the prover.
#[derive(Clone, Debug, Serialize)]
struct Part {
    stage: &'static str,
    cpu_s: f64,
}

/// What one joint proof costs.
#[derive(Clone, Debug, Serialize)]
struct Measured {
    kind: &'static str,
    layers: usize,
    k: u32,
    /// Most lanes of a helper.
    fractions: usize,
    columns: usize,
    /// Points that a verifier multiplies: those in the proof, and those that it knows.
    commitments: usize,
    /// Scalars in the proof.
    evaluations: usize,
    /// To commit to weights, activations and tables.
    keygen_cpu_s: f64,
    prove_cpu_s: f64,
    prove_wall_s: f64,
    estimated_cpu_s: f64,
    /// None where the system does not tell.
    peak_rss_bytes: Option<u64>,
    estimated_peak_bytes: u64,
    proof_bytes: usize,
    verify_ms: f64,
    /// Binary logarithm of the probability that chance proves what is false.
    error_log2: f64,
    stages: Vec<Part>,
    /// What a node over the proof costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<MeasuredNode>,
    /// What a final proof over the node costs.
    #[serde(rename = "final", skip_serializing_if = "Option::is_none")]
    top: Option<MeasuredFinal>,
}

/// What a final proof costs.
#[derive(Clone, Debug, Serialize)]
struct MeasuredFinal {
    /// Binary logarithm of the rows.
    k: u32,
    /// Bytes that a contract is given.
    proof_bytes: usize,
    keygen_cpu_s: f64,
    prove_cpu_s: f64,
    prove_wall_s: f64,
    /// None where the system does not tell.
    peak_rss_bytes: Option<u64>,
    verify_ms: f64,
    /// From values to the final proof, all that a claim costs.
    all_cpu_s: f64,
}

/// What a node costs.
#[derive(Clone, Debug, Serialize)]
struct MeasuredNode {
    k: u32,
    /// Sums and products that it verifies.
    steps: usize,
    permutations: usize,
    /// Points that it multiplies, for each of both sums.
    terms: [usize; 2],
    /// Points that a verifier multiplies.
    commitments: usize,
    evaluations: usize,
    keygen_cpu_s: f64,
    prove_cpu_s: f64,
    prove_wall_s: f64,
    /// None where the system does not tell.
    peak_rss_bytes: Option<u64>,
    verify_ms: f64,
    error_log2: f64,
    stages: Vec<Part>,
}

/// A joint proof that was measured, with what a node over it takes.
struct Proved {
    known: Known,
    inputs: Vec<Fr>,
    proof: Proof,
    basis: Basis,
    g2: [G2Affine; 2],
}

/// A block: attention and MLP.
pub(in crate::commands) fn layer(args: &BenchLayerArgs, out: &Out) -> Result<()> {
    let architecture = super::architecture(&args.shape)?;
    let objective = objective(args.shape.k, args.shape.commitment_price, None, &args.above);
    let positions = args.shape.tokens;
    let shape = synthetic_shape(architecture, positions);
    let mut p = Program::new();
    let blocks = Layers::new(&mut p, &shape, &Selection::blocks(architecture.layers), 1)?;
    let plan = planned(&p, &shape, &blocks, objective, out)?;
    let progress = Progress::spinner("block: run");
    let model = synthetic::model(architecture, shape.spec.activation, 1);
    let rotation = model.rotation.as_ref();
    let mut stream = synthetic::residual(positions, architecture.width, 1);
    let mut traces = Vec::new();
    for layer in &model.layers {
        let attention = attention_trace(&architecture, layer, rotation, &model.spec, &stream)?;
        let mlp = mlp_trace(&architecture, layer, &model.spec, &attention.output)?;
        stream.clone_from(&mlp.output);
        traces.push((attention, mlp));
    }
    let inputs = vec![Fr::ZERO; p.inputs()];
    let mut values = Values::new(&p, &plan.layout, inputs);
    for (block, layer) in model.layers.iter().enumerate() {
        blocks.fill_weights(&mut values, Weights::Block(block, layer, rotation))?;
    }
    drop(model);
    blocks.fill_blocks(&mut values, &traces)?;
    drop(traces);
    values.look_up()?;
    let measured = measure("block", 1, &plan, values, args.above, &progress)?;
    drop(progress);
    show(&measured, out)
}

/// A whole model, from tokens to tokens.
pub(in crate::commands) fn model(args: &BenchModelArgs, out: &Out) -> Result<()> {
    let imported = match &args.model {
        Some(path) => {
            let directory = ModelDir::new(path)?;
            let version = directory.manifest()?;
            Some((directory.model(&version)?, version.manifest().tokens))
        }
        None => None,
    };
    let shape = match &imported {
        Some((model, tokens)) => Shape {
            architecture: model.arch,
            spec: model.spec,
            positions: *tokens,
        },
        None => {
            let architecture = validated(match args.like {
                Some(KnownShape(known)) => Architecture {
                    context: args.tokens,
                    ..known
                },
                None => Gpt2 {
                    layers: args.layers,
                    width: args.width,
                    heads: args.heads,
                    mlp_width: args.mlp_width.unwrap_or(args.width.saturating_mul(4)),
                    vocab: args.vocab,
                    context: args.tokens,
                }
                .architecture(),
            })?;
            synthetic_shape(architecture, args.tokens)
        }
    };
    let (architecture, positions) = (shape.architecture, shape.positions);
    let generated = args.generated;
    let Some(prompt) = positions.checked_sub(generated).filter(|n| *n > 0) else {
        bail!("--generated {generated} leaves none of {positions} positions to a prompt");
    };
    let mut p = Program::new();
    let all = Selection::all(architecture.layers);
    let layers = Layers::new(&mut p, &shape, &all, rows(generated))?;
    let objective = objective(args.k, args.commitment_price, args.memory, &args.above);
    let plan = planned(&p, &shape, &layers, objective, out)?;

    let progress = Progress::spinner("model: run");
    let weights = match imported {
        Some((weights, _)) => weights,
        None => synthetic::model(architecture, shape.spec.activation, 1),
    };
    let prompt_tokens = synthetic::tokens(prompt, architecture.vocab, 1);
    let (sequence, trace) = {
        let executor = Executor::new(&weights)?;
        let tokens = executor.generate(&prompt_tokens, generated, |_| {})?;
        let sequence = Sequence {
            tokens: padded(&[prompt_tokens, tokens].concat(), positions),
            prompt,
            generated,
            prompt_salt: Fr::random(OsRng),
            output_salt: Fr::random(OsRng),
        };
        let trace = executor.forward(&sequence.tokens)?;
        (sequence, trace)
    };
    progress.message("model: columns");
    let inputs = sequence.public_inputs(super::STATEMENT);
    let mut values = Values::new(&p, &plan.layout, inputs);
    // Weights move into their columns: there is one layer twice at most.
    layers.fill_weights(&mut values, Weights::Embed(&weights.wte, &weights.wpe))?;
    drop((weights.wte, weights.wpe));
    layers.fill_weights(&mut values, Weights::Head(&weights.head))?;
    drop(weights.head);
    let rotation = weights.rotation;
    for (block, layer) in weights.layers.into_iter().enumerate() {
        let weights = Weights::Block(block, &layer, rotation.as_ref());
        layers.fill_weights(&mut values, weights)?;
    }
    layers.fill(&mut values, &trace, &sequence)?;
    drop(trace);
    let blocks = architecture.layers;
    let measured = measure("model", blocks, &plan, values, args.above, &progress)?;
    drop(progress);
    show(&measured, out)?;
    check_resident(args.memory, measured.peak_rss_bytes)
}

/// A model with synthetic weights, and the positions of a session.
pub(in crate::commands) fn synthetic_shape(architecture: Architecture, positions: usize) -> Shape {
    Shape {
        architecture,
        spec: synthetic::spec_of(&architecture, synthetic::activation(&architecture)),
        positions,
    }
}

/// With columns of `2^k` rows, if that is asked for, and within some GiB. A proof that a node is made over has few commitments,
/// whatever columns that takes.
fn objective(
    k: Option<u32>,
    commitment_price: f64,
    memory: Option<f64>,
    above: &AboveArgs,
) -> Objective {
    let default = Objective::default();
    let over_node = above.node || above.is_final;
    Objective {
        commitment_price,
        commitments: over_node.then_some(MAX_COMMITMENTS),
        min_k: k.unwrap_or(default.min_k),
        max_k: k.unwrap_or(if over_node { MAX_K } else { default.max_k }),
        memory: memory.map(|gib| (gib * GIB) as u64),
    }
}

/// Bits of a row, at most.
const MAX_K: u32 = 24;

/// The planner's choice; says what was compared.
fn planned(
    p: &Program,
    shape: &Shape,
    layers: &Layers,
    objective: Objective,
    out: &Out,
) -> Result<Plan> {
    let plan = nanozk_layers::plan(p, shape, layers, &objective)?;
    out.text(plan_text(&plan));
    Ok(plan)
}

/// Seconds by stage, while something is proved.
struct Stages<'a> {
    kind: &'static str,
    clock: Stopwatch,
    begun: Vec<(Stage, f64)>,
    progress: &'a Progress,
}

impl<'a> Stages<'a> {
    fn start(kind: &'static str, progress: &'a Progress) -> Self {
        Self {
            kind,
            clock: Stopwatch::start(),
            begun: Vec::new(),
            progress,
        }
    }

    fn begin(&mut self, stage: Stage) {
        self.progress
            .message(&format!("{}: {}", self.kind, stage.name()));
        self.begun.push((stage, self.clock.cpu_s()));
    }

    /// Processor seconds of each stage, of which there is one for each level.
    fn end(self, total: f64) -> Vec<Part> {
        let ends = self.begun.iter().skip(1).map(|(_, at)| *at).chain([total]);
        let mut stages: Vec<Part> = Vec::new();
        for ((stage, at), end) in self.begun.iter().zip(ends) {
            let (stage, cpu_s) = (stage.name(), end - at);
            match stages.iter_mut().find(|s| s.stage == stage) {
                Some(part) => part.cpu_s += cpu_s,
                None => stages.push(Part { stage, cpu_s }),
            }
        }
        stages
    }
}

/// Proves, and verifies five times; then what is wanted above.
fn measure(
    kind: &'static str,
    layers: usize,
    plan: &Plan,
    mut values: Values<'_>,
    above: AboveArgs,
    progress: &Progress,
) -> Result<Measured> {
    let (program, layout) = (values.program(), values.layout());
    let k = layout.k();
    let nodes = match above.node || above.is_final {
        true => Some(Nodes::new()?),
        false => None,
    };
    let least_powers = match (&nodes, above.is_final) {
        (_, true) => FINAL_POWERS,
        (Some(nodes), false) => nodes.powers(),
        (None, false) => 0,
    };
    progress.message(&format!("{kind}: setup"));
    let (bases, g2) = development_powers(powers(k).max(least_powers), DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 1)?;
    drop(bases);
    progress.message(&format!("{kind}: commitments to weights"));
    for (id, column) in layout.enumerate() {
        if matches!(
            column.kind,
            ColumnKind::Weight(_) | ColumnKind::Activation(_)
        ) {
            values.set_tail(id, vec![Fr::random(OsRng)]);
        }
    }
    let clock = Stopwatch::start();
    let known = commit_known(&basis, &values);
    let keygen_cpu_s = clock.cpu_s();
    let inputs = values.inputs().to_vec();
    let statement = Statement {
        program,
        layout,
        inputs: &inputs,
        known: &known,
    };

    let told = reset_peak_rss();
    let mut stages = Stages::start(kind, progress);
    let proof = prove(
        &statement,
        values,
        &basis,
        &mut OsRng,
        &mut RecursionTranscript::new(),
        |stage| stages.begin(stage),
    )?;
    let (prove_cpu_s, prove_wall_s) = (stages.clock.cpu_s(), stages.clock.wall_s());
    let peak = peak_rss_bytes().filter(|_| told);
    let stages = stages.end(prove_cpu_s);

    progress.message(&format!("{kind}: verification"));
    let encoded = proof.to_bytes();
    let verify_ms = median_ms(|| {
        let proof = Proof::from_bytes(&encoded)?;
        let accumulator = verify(&statement, &proof, &mut RecursionTranscript::new())
            .with_context(|| format!("the joint proof of the {kind} does not verify"))?;
        if !accumulator.holds(&g2) {
            bail!("the opening of the joint proof of the {kind} does not verify");
        }
        Ok(())
    })?;
    let mut measured = Measured {
        kind,
        layers,
        k,
        fractions: plan.estimate.fractions,
        columns: layout.columns().len(),
        commitments: proof.points.len() + known.points().len(),
        evaluations: proof.scalars.len(),
        keygen_cpu_s,
        prove_cpu_s,
        prove_wall_s,
        estimated_cpu_s: plan.estimate.cpu_seconds,
        peak_rss_bytes: peak,
        estimated_peak_bytes: plan.estimate.peak_bytes,
        proof_bytes: encoded.len(),
        verify_ms,
        error_log2: -soundness(program, layout).bits(),
        stages,
        node: None,
        top: None,
    };
    let proved = Proved {
        known,
        inputs,
        proof,
        basis,
        g2,
    };
    if let Some(nodes) = &nodes {
        let (node, key, proof) = measure_node(nodes, (program, layout), &proved, progress)?;
        if above.is_final {
            let below = prove_cpu_s + node.prove_cpu_s;
            let over = (&key, &proof);
            measured.top = Some(measure_final(nodes, over, &proved, below, progress)?);
        }
        measured.node = Some(node);
    }
    Ok(measured)
}

/// Proves that a proof was verified, and verifies that five times.
fn measure_node(
    nodes: &Nodes,
    (program, layout): (&Program, &Layout),
    proved: &Proved,
    progress: &Progress,
) -> Result<(MeasuredNode, NodeKey, NodeProof)> {
    let inputs = proved.inputs.clone().try_into().ok();
    let inputs = inputs.context("a model has six public inputs")?;
    let session = Session::of_columns(inputs, layout, proved.known.points())?;
    progress.message("node: key");
    let clock = Stopwatch::start();
    let recording = nodes.joint(&Joint {
        program,
        layout,
        tables: &Tables::new(&proved.basis, program, layout),
        session: &session,
        proof: &proved.proof,
    });
    let recording = recording.context(
        "no node verifies one proof of all this: a session is proved in windows of layers (nanozk bench import --keep, \
         model import, run, aggregate)",
    )?;
    let key = nodes.key(&proved.basis, &recording)?;
    let keygen_cpu_s = clock.cpu_s();
    let told = reset_peak_rss();
    let mut stages = Stages::start("node", progress);
    let node = nodes.prove(&proved.basis, &key, &recording, &mut OsRng, |stage| {
        stages.begin(stage);
    })?;
    let (prove_cpu_s, prove_wall_s) = (stages.clock.cpu_s(), stages.clock.wall_s());
    let peak_rss_bytes = peak_rss_bytes().filter(|_| told);
    let said = session.said()?;
    progress.message("node: verification");
    let verify_ms = median_ms(|| {
        let accumulators = nodes
            .verify(&key, &said, &node)
            .context("the node does not verify")?;
        if !hold(&accumulators, &proved.g2) {
            bail!("the node, or the proof below, does not verify");
        }
        Ok(())
    })?;
    let measured = MeasuredNode {
        k: nodes.layout().k(),
        steps: recording.steps.len(),
        permutations: recording.permutations.len(),
        terms: recording.terms.each_ref().map(Vec::len),
        commitments: node.proof.points.len() + key.commitments().len(),
        evaluations: node.proof.scalars.len(),
        keygen_cpu_s,
        prove_cpu_s,
        prove_wall_s,
        peak_rss_bytes,
        verify_ms,
        error_log2: -soundness(nodes.program(), nodes.layout()).bits(),
        stages: stages.end(prove_cpu_s),
    };
    Ok((measured, key, node))
}

/// Makes the final proof over a node, and verifies it five times. `below` are the processor seconds of the proofs below.
fn measure_final(
    nodes: &Nodes,
    (key, node): (&NodeKey, &NodeProof),
    proved: &Proved,
    below: f64,
    progress: &Progress,
) -> Result<MeasuredFinal> {
    progress.message("final proof: key");
    let clock = Stopwatch::start();
    let proving_key = ProvingKey::over_nodes(nodes, &proved.basis)?;
    let keygen_cpu_s = clock.cpu_s();
    let told = reset_peak_rss();
    let clock = Stopwatch::start();
    let stage = |stage: &str| progress.message(&format!("final proof: {stage}"));
    let over = (key, node);
    let proof = prove_top(&proving_key, nodes, over, &proved.basis, &mut OsRng, stage)?;
    let (prove_cpu_s, prove_wall_s) = (clock.cpu_s(), clock.wall_s());
    let peak_rss_bytes = peak_rss_bytes().filter(|_| told);
    let top = Top {
        key: key.digest(),
        said: node.said().context("the node says too little")?,
    };
    progress.message("final proof: verification");
    let verify_ms = median_ms(|| {
        verify_top(&proving_key.key, &top, &proof, &proved.g2)
            .context("the final proof does not verify")
    })?;
    Ok(MeasuredFinal {
        k: nanozk_final::K,
        proof_bytes: proof.len(),
        keygen_cpu_s,
        prove_cpu_s,
        prove_wall_s,
        peak_rss_bytes,
        verify_ms,
        all_cpu_s: below + prove_cpu_s,
    })
}

fn show_stages(stages: &[Part], out: &Out) {
    for part in stages {
        out.text(format!("  {:<24} {:>8.2} CPU s", part.stage, part.cpu_s));
    }
}

fn show(m: &Measured, out: &Out) -> Result<()> {
    let memory = |b: Option<u64>| b.map_or("unknown".into(), bytes);
    out.text(format!(
        "{} of {}: 2^{} rows, {} columns; proof of {} bytes, {} commitments, {} scalars; error 2^{:.0}",
        m.kind,
        count(m.layers, "layer"),
        m.k,
        m.columns,
        thousands(m.proof_bytes as u64),
        m.commitments,
        m.evaluations,
        m.error_log2
    ));
    show_stages(&m.stages, out);
    out.text(format!(
        "proved in {:.2} CPU s (estimated {:.1}), {:.1} s; peak {} (estimated {}); weights committed in {:.1} CPU s; \
         verified in {:.1} ms",
        m.prove_cpu_s,
        m.estimated_cpu_s,
        m.prove_wall_s,
        memory(m.peak_rss_bytes),
        bytes(m.estimated_peak_bytes),
        m.keygen_cpu_s,
        m.verify_ms
    ));
    if let Some(n) = &m.node {
        out.text(format!(
            "node over it: 2^{} rows, {} steps, {} permutations, {} and {} terms; {} commitments, {} scalars; error 2^{:.0}",
            n.k,
            thousands(n.steps as u64),
            n.permutations,
            n.terms[0],
            n.terms[1],
            n.commitments,
            n.evaluations,
            n.error_log2
        ));
        show_stages(&n.stages, out);
        out.text(format!(
            "proved in {:.2} CPU s, {:.1} s; peak {}; key in {:.1} CPU s; verified in {:.1} ms",
            n.prove_cpu_s,
            n.prove_wall_s,
            memory(n.peak_rss_bytes),
            n.keygen_cpu_s,
            n.verify_ms
        ));
    }
    if let Some(f) = &m.top {
        out.text(format!(
            "final proof over it: 2^{} rows, {} bytes; proved in {:.2} CPU s, {:.1} s; peak {}; key in {:.1} CPU s; \
             verified in {:.1} ms",
            f.k,
            thousands(f.proof_bytes as u64),
            f.prove_cpu_s,
            f.prove_wall_s,
            memory(f.peak_rss_bytes),
            f.keygen_cpu_s,
            f.verify_ms
        ));
        out.text(format!("all three proofs: {:.1} CPU s", f.all_cpu_s));
    }
    out.json(&serde_json::to_value(m)?);
    Ok(())
}
