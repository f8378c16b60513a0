//! `nanozk bench`.

mod joint;

pub(super) use joint::{model, synthetic_shape};

use super::GIB;
use crate::args::{BenchImportArgs, BenchKind, BenchLayerArgs, BenchNodeArgs, ShapeArgs};
use crate::data::Data;
use crate::measure::{peak_rss_bytes, reset_peak_rss, Stopwatch};
use crate::output::{bytes, thousands, Out, Progress};
use anyhow::{bail, Context, Result};
use halo2curves::bn256::Fr;
use nanozk_aggregation::{Child, ChildProof, Node};
use nanozk_circuits::{BlockShape, Layer, LayerKind, Objective, Shape};
use nanozk_executor::{bucket, synthetic, Activation, Architecture};
use nanozk_model::file::Writer;
use nanozk_model::synthetic::{text, write_checkpoint};
use nanozk_model::{quantize_checkpoint, Checkpoint, Estimate, Options, Stage};
use nanozk_prover::files;
use nanozk_prover::plonk::{estimate_peak_bytes, verifier_params, ProvingKey};
use nanozk_prover::synthetic::{SyntheticLayer, SyntheticWeights};
use nanozk_setup::Setup;
use nanozk_verifier::{verify, Expected, Proof, TranscriptKind};
use rand_core::{OsRng, RngCore};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

/// What one proof costs.
#[derive(Clone, Debug, Serialize)]
struct Measured {
    kind: &'static str,
    k: u32,
    /// Of the program, fixed ones included.
    columns: usize,
    /// Points in a proof.
    commitments: usize,
    /// Scalars in a proof.
    evaluations: usize,
    keygen_cpu_s: f64,
    prove_cpu_s: f64,
    prove_wall_s: f64,
    /// None where the system does not tell.
    peak_rss_bytes: Option<u64>,
    estimated_peak_bytes: u64,
    proof_bytes: usize,
    verify_ms: f64,
}

pub(super) fn layer(args: &BenchLayerArgs, data: &Data, out: &Out) -> Result<()> {
    if args.joint {
        return match args.kind {
            BenchKind::Block | BenchKind::All => joint::block(args, data, out),
            _ => bail!("--joint proves attention and MLP together: --kind block"),
        };
    }
    let arch = architecture(&args.shape)?;
    let kinds: &[LayerKind] = match args.kind {
        BenchKind::Attention => &[LayerKind::Attention],
        BenchKind::Mlp => &[LayerKind::Mlp],
        BenchKind::Block => &[LayerKind::Block],
        BenchKind::Embed => &[LayerKind::Embed],
        BenchKind::Head => &[LayerKind::Head],
        BenchKind::All => &[LayerKind::Attention, LayerKind::Mlp],
    };
    let shapes = shapes(&args.shape, &arch, kinds)?;
    let setup = data.development(shapes[0].plan.k)?;
    out.text(format!(
        "{:<10} {:>2} {:>8} {:>12} {:>12} {:>9} {:>9} {:>9} {:>9} {:>12} {:>10}",
        "kind",
        "k",
        "columns",
        "commitments",
        "evaluations",
        "key CPU s",
        "CPU s",
        "wall s",
        "peak MB",
        "proof bytes",
        "verify ms"
    ));
    let mut all = Vec::new();
    for shape in shapes {
        let measured = measure(shape, &arch, &setup, args.transcript.into())?;
        show(&measured, out)?;
        all.push(measured);
    }
    let total = Measured {
        kind: "total",
        k: setup.k(),
        columns: all.iter().map(|m| m.columns).sum(),
        commitments: all.iter().map(|m| m.commitments).sum(),
        evaluations: all.iter().map(|m| m.evaluations).sum(),
        keygen_cpu_s: all.iter().map(|m| m.keygen_cpu_s).sum(),
        prove_cpu_s: all.iter().map(|m| m.prove_cpu_s).sum(),
        prove_wall_s: all.iter().map(|m| m.prove_wall_s).sum(),
        peak_rss_bytes: all.iter().filter_map(|m| m.peak_rss_bytes).max(),
        estimated_peak_bytes: all
            .iter()
            .map(|m| m.estimated_peak_bytes)
            .max()
            .unwrap_or(0),
        proof_bytes: all.iter().map(|m| m.proof_bytes).sum(),
        verify_ms: all.iter().map(|m| m.verify_ms).sum(),
    };
    show(&total, out)
}

fn show(m: &Measured, out: &Out) -> Result<()> {
    out.text(format!(
        "{:<10} {:>2} {:>8} {:>12} {:>12} {:>9.1} {:>9.1} {:>9.1} {:>9} {:>12} {:>10.1}",
        m.kind,
        m.k,
        m.columns,
        m.commitments,
        m.evaluations,
        m.keygen_cpu_s,
        m.prove_cpu_s,
        m.prove_wall_s,
        m.peak_rss_bytes
            .map_or("-".into(), |b| thousands(b / 1_000_000)),
        thousands(m.proof_bytes as u64),
        m.verify_ms
    ));
    out.json(&serde_json::to_value(m)?);
    Ok(())
}

/// Nodes over layers with synthetic weights.
pub(super) fn node(args: &BenchNodeArgs, data: &Data, out: &Out) -> Result<()> {
    let arch = architecture(&args.shape)?;
    let kinds = [LayerKind::Attention, LayerKind::Mlp];
    let shapes = shapes(&args.shape, &arch, &kinds)?;
    let setup = data.development(shapes[0].plan.k)?;
    let poseidon = TranscriptKind::Poseidon;
    out.text("kind       commitments  key  evaluations     rows  k  run CPU s  key CPU s  prove CPU s  wall s  peak MB");
    let mut block = Vec::new();
    for shape in shapes {
        let kind = shape.kind;
        let progress = Progress::spinner(&format!("{}: proof", kind.name()));
        let subject = Subject::new(shape, &arch, &setup, || ())?;
        let proof = subject.prove(&setup, poseidon)?;
        let vk = subject.key.vk().clone();
        drop(subject);
        let child = Child::Layer {
            kind,
            key: vk.clone(),
        };
        block.push(child.clone());

        progress.message(&format!("{}: node", kind.name()));
        let node = Node::new(vec![child], false);
        let told = reset_peak_rss();
        let clock = Stopwatch::start();
        let run = node.run(&nanozk_aggregation::Witness {
            statement: STATEMENT,
            input: Fr::zero(),
            output: Fr::zero(),
            before: Fr::zero(),
            proofs: vec![ChildProof {
                proof: &proof,
                accumulator: None,
                digest: Fr::zero(),
            }],
            boundaries: vec![proof.input_commitment(&vk), proof.output_commitment(&vk)],
        });
        let run_cpu_s = clock.cpu_s();
        let (rows, k) = (run.columns.used, run.columns.program.k);
        let setup = data.development(k)?;
        let clock = Stopwatch::start();
        let program = Arc::new(run.columns.program);
        let key = ProvingKey::new(setup.params(), setup.id(), program).with_cosets();
        let key_cpu_s = clock.cpu_s();
        let clock = Stopwatch::start();
        let columns = nanozk_prover::plonk::Witness {
            first_phase: run.columns.first_phase,
            known: Default::default(),
            instances: &run.instances,
        };
        let proved = nanozk_prover::plonk::prove(
            setup.params(),
            &key,
            columns,
            poseidon,
            &mut OsRng,
            &|_| (),
        )?;
        let (prove_cpu_s, prove_wall_s) = (clock.cpu_s(), clock.wall_s());
        let peak = peak_rss_bytes().filter(|_| told);
        let params = verifier_params(setup.params(), setup.id());
        let expected = Expected::default();
        verify(&params, key.vk(), &run.instances, &expected, &proved)
            .and_then(|()| run.accumulator.check(&params))
            .with_context(|| format!("the node over {} does not verify", kind.name()))?;
        drop(progress);
        let layout = vk.layout();
        let commitments = layout.first.len() + layout.second.len() + 4;
        out.text(format!(
            "{:<10} {commitments:>11} {:>4} {:>12} {:>8} {k:>2} {run_cpu_s:>10.1} {key_cpu_s:>10.1} {prove_cpu_s:>12.1} {prove_wall_s:>7.1} {:>8}",
            kind.name(),
            layout.fixed,
            layout.openings.len(),
            thousands(rows as u64),
            peak.map_or("-".into(), |b| thousands(b / 1_000_000)),
        ));
        out.json(&json!({
            "kind": kind.name(),
            "commitments": commitments,
            "key_commitments": layout.fixed,
            "evaluations": layout.openings.len(),
            "rows": rows,
            "k": k,
            "run_cpu_s": run_cpu_s,
            "key_cpu_s": key_cpu_s,
            "prove_cpu_s": prove_cpu_s,
            "prove_wall_s": prove_wall_s,
            "peak_rss_bytes": peak,
        }));
    }
    for blocks in [1, 2, 3, 4, 6] {
        let children = std::iter::repeat_n(block.clone(), blocks).flatten();
        let node = Node::new(children.collect(), false);
        let (rows, _) = node.rows();
        out.text(format!(
            "a node over {blocks} blocks: {} rows",
            thousands(rows as u64)
        ));
        out.json(&json!({"blocks": blocks, "rows": rows}));
    }
    Ok(())
}

/// Quantizes a synthetic checkpoint.
pub(super) fn import(args: &BenchImportArgs, out: &Out) -> Result<()> {
    let arch = validated(Architecture {
        layers: args.layers,
        width: args.width,
        heads: args.heads,
        mlp_width: args.width.saturating_mul(4),
        vocab: args.vocab,
        context: args.context,
    })?;
    let tokens = bucket(args.tokens, arch.context)
        .with_context(|| format!("--tokens {} do not fit the context", args.tokens))?;
    let windows = args
        .windows
        .unwrap_or_else(|| Options::enough_windows(tokens));
    let progress = Progress::spinner("writing a checkpoint");
    let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
    let source = args.keep.as_deref().unwrap_or(folder.path());
    std::fs::create_dir_all(source)
        .with_context(|| format!("cannot create {}", source.display()))?;
    if std::fs::read_dir(source).is_ok_and(|mut files| files.next().is_some()) {
        bail!("{} is not empty: nothing is replaced", source.display());
    }
    write_checkpoint(source, &arch, 1)?;
    let text = text(windows * tokens, 2);
    if args.keep.is_some() {
        files::write(&source.join("calibration.txt"), text.as_bytes())?;
    }
    drop(progress);

    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let estimate = Estimate::new(&arch, windows, tokens, threads);
    let progress = Progress::bar("observing activations", arch.layers + 2);
    let told = reset_peak_rss();
    let clock = Stopwatch::start();
    let checkpoint = Checkpoint::open(source)?;
    let mut writer = Writer::create(&folder.path().join("quantized.safetensors"), arch)?;
    let options = Options {
        windows,
        window: Some(tokens),
        ..Options::default()
    };
    let (spec, report) = quantize_checkpoint(
        &checkpoint,
        &text,
        &options,
        &mut writer,
        &mut |stage, done, all| {
            if stage == Stage::Quantize {
                progress.message("quantizing");
            }
            progress.set(done, all);
        },
    )?;
    writer.finish(&spec)?;
    let (cpu_s, wall_s) = (clock.cpu_s(), clock.wall_s());
    let peak = peak_rss_bytes().filter(|_| told);
    drop(progress);
    let parameters = (arch.layers * 12 * arch.width + arch.vocab + arch.context) * arch.width;
    out.text(format!(
        "{} M weights, {} windows of {tokens} tokens: {cpu_s:.1} CPU s (estimated {:.0}), {wall_s:.1} s, peak {} (estimated {})",
        parameters / 1_000_000,
        report.windows,
        estimate.cpu_seconds,
        peak.map_or("unknown".into(), bytes),
        bytes(estimate.peak_bytes)
    ));
    out.json(&json!({
        "architecture": arch,
        "windows": report.windows,
        "tokens": tokens,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "peak_rss_bytes": peak,
        "estimate": estimate,
        "top1_agreement": report.top1_agreement,
    }));
    check_resident(args.memory, peak)
}

/// Fails if more memory was resident than was allowed, in GiB.
fn check_resident(allowed: Option<f64>, peak: Option<u64>) -> Result<()> {
    if let (Some(gib), Some(peak)) = (allowed, peak) {
        if peak as f64 > gib * GIB {
            bail!("{} were resident, more than {gib} GiB", bytes(peak));
        }
    }
    Ok(())
}

/// Dimensions that a model may have.
fn validated(arch: Architecture) -> Result<Architecture> {
    arch.validate().context("no model has these dimensions")?;
    Ok(arch)
}

/// The median of five runs, in milliseconds.
fn median_ms(mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Dimensions of a model with one block.
pub(super) fn architecture(args: &ShapeArgs) -> Result<Architecture> {
    validated(Architecture {
        layers: 1,
        width: args.width,
        heads: args.heads,
        mlp_width: args.mlp_width.unwrap_or(args.width.saturating_mul(4)),
        vocab: args.vocab,
        context: args.tokens,
    })
}

/// Plans circuits, with as many rows as asked for.
fn shapes(args: &ShapeArgs, arch: &Architecture, kinds: &[LayerKind]) -> Result<Vec<Shape>> {
    let counts: Vec<_> = kinds.iter().map(|k| (*k, 1)).collect();
    let block = BlockShape::new(arch, &synthetic::spec(arch.width, Activation::GeluNew));
    let objective = Objective {
        commitment_price: args.commitment_price,
        max_k: args.k.unwrap_or(Objective::default().max_k),
    };
    let plan = nanozk_circuits::plan(&counts, block, args.tokens, objective)?;
    let shapes = plan.choices.iter().map(|c| c.shape);
    match args.k {
        Some(k) => shapes.map(|s| with_rows(s, k)).collect(),
        None => Ok(shapes.collect()),
    }
}

/// The same layer with `2^k` rows, and as few weight columns as do.
fn with_rows(mut shape: Shape, k: u32) -> Result<Shape> {
    if shape.plan.k == k {
        return Ok(shape);
    }
    let planned = shape.plan;
    shape.plan.k = k;
    let least = if shape.kind == LayerKind::Embed { 2 } else { 1 };
    for weights in least..=planned.weights {
        shape.plan.weights = weights;
        if Layer::new(shape).is_ok() {
            break;
        }
    }
    Ok(shape)
}

/// What every proof is about.
const STATEMENT: [Fr; 2] = [Fr::from_raw([1, 0, 0, 0]), Fr::from_raw([2, 0, 0, 0])];

/// A layer with synthetic weights, ready to be proved.
struct Subject {
    layer: Layer,
    key: ProvingKey,
    run: SyntheticLayer,
    weights: SyntheticWeights,
    instances: Vec<Fr>,
}

impl Subject {
    /// `keyed` is called between the key and the weights.
    fn new(shape: Shape, arch: &Architecture, setup: &Setup, keyed: impl FnOnce()) -> Result<Self> {
        let layer = Layer::new(shape)?;
        // As sessions keep it.
        let key = ProvingKey::new(setup.params(), setup.id(), layer.program.clone()).with_cosets();
        keyed();
        let salts = [(); 2].map(|()| Fr::from(OsRng.next_u64()));
        let run = SyntheticLayer::new(arch, shape.kind, shape.tokens, salts)?;
        Ok(Subject {
            weights: run.weights(&layer, setup),
            instances: run.instances(STATEMENT),
            layer,
            key,
            run,
        })
    }

    fn prove(&self, setup: &Setup, transcript: TranscriptKind) -> Result<Proof> {
        Ok(self.run.prove(
            &self.layer,
            &self.key,
            setup,
            &self.weights,
            &self.instances,
            transcript,
            &mut OsRng,
        )?)
    }
}

fn measure(
    shape: Shape,
    arch: &Architecture,
    setup: &Setup,
    transcript: TranscriptKind,
) -> Result<Measured> {
    let kind = shape.kind;
    let progress = Progress::spinner(&format!("{}: key", kind.name()));
    let clock = Stopwatch::start();
    let mut keygen_cpu_s = 0.0;
    let subject = Subject::new(shape, arch, setup, || {
        keygen_cpu_s = clock.cpu_s();
        progress.message(&format!("{}: weights", kind.name()));
    })?;

    progress.message(&format!("{}: proof", kind.name()));
    let told = reset_peak_rss();
    let clock = Stopwatch::start();
    let proof = subject.prove(setup, transcript)?;
    let (prove_cpu_s, prove_wall_s) = (clock.cpu_s(), clock.wall_s());
    let peak_rss_bytes = peak_rss_bytes().filter(|_| told);

    progress.message(&format!("{}: verification", kind.name()));
    let Subject {
        layer,
        key,
        weights,
        instances,
        ..
    } = &subject;
    let (vk, params) = (key.vk(), verifier_params(setup.params(), setup.id()));
    let bytes = proof.to_bytes();
    let expected = Expected {
        weights: Some(&weights.commitments),
        ..Expected::default()
    };
    let verify_ms = median_ms(|| {
        Proof::from_bytes(vk, transcript, &bytes)
            .and_then(|proof| verify(&params, vk, instances, &expected, &proof))
            .with_context(|| format!("the proof of {} does not verify", kind.name()))
    })?;
    let layout = vk.layout();
    Ok(Measured {
        kind: kind.name(),
        k: shape.plan.k,
        columns: layer.program.columns.len(),
        commitments: layout.first.len() + layout.second.len() + 4,
        evaluations: layout.openings.len(),
        keygen_cpu_s,
        prove_cpu_s,
        prove_wall_s,
        peak_rss_bytes,
        estimated_peak_bytes: estimate_peak_bytes(&layer.program),
        proof_bytes: bytes.len(),
        verify_ms,
    })
}
