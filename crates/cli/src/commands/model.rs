//! `nanozk model import` and `nanozk model inspect`.

use super::{read_text, GIB};
use crate::args::{ImportArgs, InspectArgs, ModelIdArgs};
use crate::data::{is_development, Data, DEVELOPMENT_WARNING};
use crate::model_dir::{
    sha256, Generation, ModelDir, ModelSecret, ModelVersion, Registered, GENERATION_FORMAT,
    SECRET_FORMAT,
};
use crate::output::{bytes, count, thousands, Out, Progress};
use crate::staging::Staging;
use anyhow::{bail, Context, Result};
use nanozk_circuit::Plan;
use nanozk_circuits::{LayerKind, LayerWeights, ModelPlan, Objective};
use nanozk_executor::ops::MIN_SCORE_SHIFT;
use nanozk_executor::tables::MIN_ACT_FRAC;
use nanozk_executor::{bucket, Architecture, Spec};
use nanozk_layers::{Shape, Weights};
use nanozk_model::file::{ModelFile, Writer};
use nanozk_model::{quantize_checkpoint, Checkpoint, Estimate, Options, Report, Stage};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::joint::registration::{add_programs, widest_windows, Part};
use nanozk_prover::joint::{self, final_parameters, final_setup_size};
use nanozk_prover::registration::{plan_model, register_layers, CommitmentEstimate, Registration};
use nanozk_recursion::node::Nodes;
use nanozk_setup::Setup;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::joint::CheckedManifest;
use rand_core::{OsRng, RngCore};
use serde_json::{json, Value};
use std::path::{Path, PathBuf};

pub(super) fn import(args: &ImportArgs, data: &Data, out: &Out) -> Result<()> {
    // What can be wrong is looked at before anything takes long.
    if !args.checkpoint.is_dir() {
        bail!("{} is not a directory", args.checkpoint.display());
    }
    let kind = match args.joint {
        true => Kind::JointModel,
        false => Kind::Model,
    };
    let staging = Staging::new(&args.output, args.force, kind, out)?;
    let calibration = match &args.calibration {
        Some(path) => read_text(path, "the calibration text")?,
        None => {
            let path = args.checkpoint.join("calibration.txt");
            if !path.is_file() {
                bail!(
                    "quantizing needs text that shows the ranges of activations: give some with --calibration <file> \
                     ({} does not exist)",
                    path.display()
                );
            }
            read_text(&path, "the calibration text")?
        }
    };
    let checkpoint = Checkpoint::open(&args.checkpoint)
        .with_context(|| format!("cannot import {}", args.checkpoint.display()))?;
    let arch = checkpoint.config().arch;
    let tokens = bucket(args.tokens.max(1), arch.context).with_context(|| {
        format!(
            "sessions of {} tokens need {} positions, the model has {}",
            args.tokens,
            args.tokens.max(4).next_power_of_two(),
            arch.context
        )
    })?;
    let tokenizer = checkpoint.tokenizer().json().to_vec();
    let read = checkpoint.files().to_vec();
    let notes = checkpoint.notes().to_vec();
    let generation = Generation {
        format: GENERATION_FORMAT.into(),
        stop_tokens: checkpoint.stop_tokens().to_vec(),
    };
    let mut progress = Progress::spinner("planning circuits");
    let objective = Objective {
        commitment_price: args.commitment_price,
        max_k: args.max_k,
    };
    let circuits = |spec: &Spec| {
        plan_model(&arch, spec, tokens, args.whole_blocks, objective)
            .map_err(|e| too_large(e, args.max_k))
    };
    // Formats are known when the text has been seen. Circuits of others are at most a little larger than these.
    let least = Spec {
        norm_frac: Spec::norm_frac_for(arch.width),
        eps: 1,
        score_shift: MIN_SCORE_SHIFT,
        act_frac: MIN_ACT_FRAC,
        activation: checkpoint.config().activation,
    };
    let joint_plan = |spec: &Spec| plan_joint(args, &arch, spec, tokens);
    let planned = match (args.no_commitments, args.joint) {
        (true, _) => None,
        (false, true) => Some(Planned::joint(&joint_plan(&least)?)),
        (false, false) => Some(Planned::layers(&circuits(&least)?)),
    };
    drop(progress);
    let windows = args
        .windows
        .unwrap_or_else(|| Options::enough_windows(tokens));
    let (parallel, estimate) = fit_memory(args, &arch, tokens, windows)?;
    if let Some(Planned { setup, needed }) = &planned {
        check_setup(&args.setup, *setup, data, out)?;
        if let Some(gib) = args
            .memory
            .filter(|gib| needed.peak_bytes as f64 > gib * GIB)
        {
            bail!(
                "committing to the weights needs about {}, which is more than the --memory of {gib} GiB; \
                 a smaller --max-k needs less, and --no-commitments none",
                bytes(needed.peak_bytes)
            );
        }
        out.note(format!(
            "commitments, after quantizing: about {} of memory, {} of processor time",
            bytes(needed.peak_bytes),
            processor_time(needed.cpu_seconds)
        ));
    }
    out.note(format!(
        "quantizing on up to {windows} windows of {tokens} tokens: about {} of memory, {} of processor time",
        bytes(estimate.peak_bytes),
        processor_time(estimate.cpu_seconds)
    ));

    let options = Options {
        windows,
        window: Some(tokens),
        headroom: args.headroom,
        parallel,
    };
    let dir = staging.path().to_path_buf();
    let file = dir.join("model.safetensors");
    let mut writer = Writer::create(&file, arch)?;
    progress = Progress::bar("observing activations", arch.layers + 2);
    let (spec, report) = quantize_checkpoint(
        &checkpoint,
        &calibration,
        &options,
        &mut writer,
        &mut |stage, done, all| {
            if stage == Stage::Quantize {
                progress.message("quantizing");
            }
            progress.set(done, all);
        },
    )
    .context("cannot quantize")?;
    writer.finish(&spec)?;
    drop((progress, checkpoint));

    files::write(&dir.join("tokenizer.json"), &tokenizer)?;
    files::write_json(&dir.join("report.json"), &report)?;
    files::write_json(&dir.join("generation.json"), &generation)?;
    copy_checkpoint(&read, &tokenizer, &dir.join("checkpoint"))?;
    notes
        .iter()
        .for_each(|note| out.note(format!("note: {note}")));
    let agreement = show_agreement(&report, out);
    if planned.is_none() {
        let replaced = staging.finish(out)?;
        if args.verbose {
            out.text(report.render());
        }
        out.text(format!(
            "quantized {} into {}, without commitments: nanozk eval compares it with the float model; \
             it cannot be run or proved",
            args.checkpoint.display(),
            args.output.display()
        ));
        out.json(&json!({
            "model": args.output,
            "tokens": tokens,
            "stop_tokens": generation.stop_tokens,
            "notes": notes,
            "top1_agreement": agreement,
            "report": args.verbose.then_some(report),
            "replaced": replaced,
        }));
        return Ok(());
    }
    let mut seed = [0; 32];
    OsRng.fill_bytes(&mut seed);
    let model = ModelFile::open(&file)?;
    let secret = ModelSecret {
        format: SECRET_FORMAT.into(),
        weight_seed: Digest32(seed),
    };
    let imported = |registered: &Registered, plan: Value, plan_text: String| -> Result<()> {
        files::write_json(&dir.join("plan.json"), &plan)?;
        files::write_json_secret(&dir.join("secret.json"), &secret)?;
        let replaced = staging.finish(out)?;
        let version = registered.version();
        let (id, layers) = (version.id(), version.named_layers().len());
        let development = is_development(version);
        if args.verbose {
            out.text(report.render());
            out.text(plan_text);
        }
        if development {
            out.note(DEVELOPMENT_WARNING);
        }
        out.text(format!(
            "imported {} into {}: {}, {}",
            args.checkpoint.display(),
            args.output.display(),
            count(layers, "layer"),
            count(tokens, "position")
        ));
        out.text(format!("model id {id}"));
        out.json(&json!({
            "model_id": id,
            "model": args.output,
            "layers": layers,
            "tokens": tokens,
            "setup": version.setup(),
            "development_setup": development,
            "stop_tokens": generation.stop_tokens,
            "notes": notes,
            "top1_agreement": agreement,
            "plan": plan,
            "report": args.verbose.then_some(&report),
            "replaced": replaced,
        }));
        Ok(())
    };
    let weights = Commitments {
        args,
        arch,
        spec,
        tokens,
        tokenizer: sha256(&tokenizer),
        seed,
        model,
    };
    if args.joint {
        let plan = joint_plan(&spec)?;
        let manifest = weights.joint(&plan, data, out)?;
        files::write_json(&dir.join("manifest.json"), manifest.manifest())?;
        let registered = Registered::Joint(manifest);
        return imported(&registered, plan_json(&plan), plan_text(&plan));
    }
    let plan = circuits(&spec)?;
    let card = weights.by_layers(&plan, data, out)?;
    files::write_json(&dir.join("card.json"), &card)?;
    let text = plan.explain();
    imported(
        &Registered::Layers(card),
        serde_json::to_value(&plan)?,
        text,
    )
}

/// A quantized model whose weights are to be committed to.
struct Commitments<'a> {
    args: &'a ImportArgs,
    arch: Architecture,
    spec: Spec,
    tokens: usize,
    tokenizer: Digest32,
    seed: [u8; 32],
    model: ModelFile,
}

impl Commitments<'_> {
    /// For joint proofs.
    fn joint(&self, plan: &Plan, data: &Data, out: &Out) -> Result<CheckedManifest> {
        let k = plan.layout.k();
        let progress = Progress::spinner("preparing the setup");
        let setup = choose_setup(&self.args.setup, final_setup_size(k), data, out)?;
        let parameters = final_parameters(&setup, k);
        drop(progress);
        let progress = Progress::bar("committing to weights", 0);
        let registration = joint::registration::Registration {
            shape: joint_shape(&self.arch, &self.spec, self.tokens),
            tokenizer: self.tokenizer,
            k,
            fractions: joint::registration::fractions(plan),
            parameters: &parameters,
            development: setup.is_development(),
            seed: &self.seed,
        };
        let manifest = joint::registration::register(
            &registration,
            |part, take: &mut dyn FnMut(Weights<'_>)| -> Result<()> {
                match part {
                    Part::Embed => {
                        let (wte, wpe) = self.model.embedding()?;
                        take(Weights::Embed(&wte, &wpe));
                    }
                    Part::Head => take(Weights::Head(&self.model.head()?)),
                    Part::Block(block) => take(Weights::Block(block, &self.model.layer(block)?)),
                }
                Ok(())
            },
            |done, all| progress.set(done, all),
        )?;
        drop(progress);
        let progress = Progress::bar("keys of programs", 0);
        let nodes = Nodes::new()?;
        let windows = widest_windows(&manifest)?;
        let report = |done, all| progress.set(done, all);
        Ok(add_programs(
            manifest,
            &windows,
            &nodes,
            &parameters,
            report,
        )?)
    }

    /// For proofs of single layers.
    fn by_layers(&self, plan: &ModelPlan, data: &Data, out: &Out) -> Result<ModelCard> {
        let progress = Progress::spinner("preparing the setup");
        let setup = choose_setup(&self.args.setup, plan.choices[0].shape.plan.k, data, out)?;
        drop(progress);
        let progress = Progress::bar("committing to weights", plan.choices.len());
        let registration = Registration {
            arch: self.arch,
            spec: self.spec,
            tokenizer: self.tokenizer.0,
            plan,
            setup: &setup,
            keys: &data.keys(),
            seed: &self.seed,
        };
        register_layers(
            &registration,
            |kind, block, take: &mut dyn FnMut(LayerWeights<'_>)| -> Result<()> {
                match kind {
                    LayerKind::Embed => {
                        let (wte, wpe) = self.model.embedding()?;
                        take(LayerWeights::Embed(&wte, &wpe));
                    }
                    LayerKind::Head => take(LayerWeights::Head(&self.model.head()?)),
                    _ => take(LayerWeights::Block(&self.model.layer(block)?)),
                }
                Ok(())
            },
            |done, all| progress.set(done, all),
        )
    }
}

/// What committing to weights needs.
struct Planned {
    /// Binary logarithm of the setup's powers.
    setup: u32,
    needed: CommitmentEstimate,
}

impl Planned {
    fn layers(plan: &ModelPlan) -> Self {
        Self {
            setup: plan.choices[0].shape.plan.k,
            needed: CommitmentEstimate::new(plan),
        }
    }

    fn joint(plan: &Plan) -> Self {
        Self {
            setup: final_setup_size(plan.layout.k()),
            needed: CommitmentEstimate::joint(plan),
        }
    }
}

fn joint_shape(arch: &Architecture, spec: &Spec, tokens: usize) -> Shape {
    Shape {
        architecture: *arch,
        spec: *spec,
        positions: tokens,
    }
}

/// The layout of joint proofs.
fn plan_joint(args: &ImportArgs, arch: &Architecture, spec: &Spec, tokens: usize) -> Result<Plan> {
    let objective = nanozk_circuit::Objective {
        commitment_price: args.commitment_price,
        max_k: args.max_k,
        ..Default::default()
    };
    let plan = joint::registration::plan(&joint_shape(arch, spec, tokens), &objective);
    plan.map_err(|e| match e {
        nanozk_prover::Error::JointPlan(e) => anyhow::anyhow!(
            "{e}; --max-k {} is too small for this model, or fewer --tokens are needed",
            args.max_k
        ),
        nanozk_prover::Error::Joint(e) => anyhow::anyhow!(
            "proofs of single layers would be too large: {e}; a greater --max-k or fewer --tokens may do"
        ),
        e => e.into(),
    })
}

/// What the planner of joint proofs compared.
pub(super) fn plan_text(plan: &Plan) -> String {
    let mut text = String::from("compared:   k  fractions  commitments  CPU s  memory");
    for e in &plan.compared {
        text += &format!(
            "\n{:>13} {:>10} {:>12} {:>6.1}  {}{}",
            e.k,
            e.fractions,
            e.commitments,
            e.cpu_seconds,
            bytes(e.peak_bytes),
            if *e == plan.estimate { "  chosen" } else { "" }
        );
    }
    text
}

/// The layout of a joint proof of all layers, for programs.
fn plan_json(plan: &Plan) -> Value {
    let e = &plan.estimate;
    json!({
        "k": e.k,
        "fractions": e.fractions,
        "commitments": e.commitments,
        "estimated_cpu_s": e.cpu_seconds,
        "estimated_peak_bytes": e.peak_bytes,
    })
}

/// Windows to compute at a time so that `--memory` is enough, and what that takes.
fn fit_memory(
    args: &ImportArgs,
    arch: &Architecture,
    tokens: usize,
    windows: usize,
) -> Result<(usize, Estimate)> {
    let limit = match args.memory {
        Some(gib) if !(gib.is_finite() && gib > 0.0) => {
            bail!("--memory must be a positive number of GiB")
        }
        memory => memory.map(|gib| (gib * GIB) as u64),
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    Estimate::within(arch, windows, tokens, threads, limit).map_err(|least| {
        anyhow::anyhow!(
            "quantizing needs about {}, which is more than --memory allows; fewer --tokens or --windows need less",
            bytes(least.peak_bytes)
        )
    })
}

/// Adds what to do to the reason why no circuit is large enough.
fn too_large(error: nanozk_prover::Error, max_k: u32) -> anyhow::Error {
    let advice = match error {
        nanozk_prover::Error::NoPlan(_) => format!(
            "; --max-k {max_k} is too small for this model, or fewer --tokens are needed; \
             without proofs, --no-commitments quantizes it for nanozk eval"
        ),
        _ => String::new(),
    };
    anyhow::anyhow!("{error}{advice}")
}

/// How much a person has to wait, roughly.
fn processor_time(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5_400.0 => format!("{:.0} minutes", s / 60.0),
        s => format!("{:.0} hours", s / 3_600.0),
    }
}

/// Part of the most likely tokens that must be the same for no warning.
const GOOD_AGREEMENT: f64 = 0.999;

/// Says how often both models agree on the calibration text, and what to do if that is not often.
fn show_agreement(report: &Report, out: &Out) -> Option<f64> {
    let agreement = report.top1_agreement?;
    let lost: usize = report.overflows.iter().map(|o| o.windows).sum();
    if lost > 0 {
        out.note(format!(
            "WARNING: {lost} of {} windows of the calibration text itself leave a range: give more --headroom",
            report.windows
        ));
    }
    let predictions = (report.windows - lost) * report.window;
    out.text(format!(
        "same most likely token  {:.3} % of {} positions of the calibration text",
        100.0 * agreement,
        thousands(predictions as u64)
    ));
    if agreement < GOOD_AGREEMENT {
        out.note(format!(
            "WARNING: below {} %: the integers may be too coarse for this model; compare both on other text with \
             nanozk eval, and see which operation loses most with nanozk model import --verbose (rms/std)",
            100.0 * GOOD_AGREEMENT
        ));
    }
    Some(agreement)
}

/// Refuses a setup that is not there before anything takes long.
fn check_setup(name: &str, k: u32, data: &Data, out: &Out) -> Result<()> {
    match name {
        "development" => Ok(()),
        "ceremony" => choose_setup(name, k, data, out).map(drop),
        file if Path::new(file).is_file() => Ok(()),
        file => bail!(
            "--setup is development, ceremony, or the file of a ceremony; there is no file {file}"
        ),
    }
}

/// The setup `--setup` names.
fn choose_setup(name: &str, k: u32, data: &Data, out: &Out) -> Result<Setup> {
    match name {
        "development" => data.development(k),
        "ceremony" => data.setups().load(k).with_context(|| {
            format!(
                "import a ceremony's file first: nanozk setup import <file> --name <name> --k {k}"
            )
        }),
        file => {
            let path = Path::new(file);
            if !path.is_file() {
                bail!("--setup is development, ceremony, or the file of a ceremony; there is no file {file}");
            }
            let title = path
                .file_stem()
                .map_or_else(Default::default, |n| n.to_string_lossy());
            let (setup, file) = data
                .setups()
                .import(path, &title, k, None)
                .with_context(|| format!("cannot use {file} as a setup of 2^{k} powers"))?;
            for warning in &file.warnings {
                out.note(format!("WARNING: {warning}"));
            }
            Ok(setup)
        }
    }
}

/// The files that were read, and the tokenizer that they make; nothing else of the directory.
fn copy_checkpoint(read: &[PathBuf], tokenizer: &[u8], to: &Path) -> Result<()> {
    files::create_dir(to)?;
    files::write(&to.join("tokenizer.json"), tokenizer)?;
    for path in read {
        let name = path.file_name().context("a file without a name")?;
        std::fs::copy(path, to.join(name))
            .with_context(|| format!("cannot copy {} of the checkpoint", path.display()))?;
    }
    Ok(())
}

pub(super) fn inspect(args: &InspectArgs, out: &Out) -> Result<()> {
    let dir = ModelDir::new(&args.model)?;
    let (registered, report) = (dir.registered()?, dir.report()?);
    let version = registered.version();
    let stop_tokens = dir.stop_tokens()?;
    let tokenizer = dir.tokenizer(version)?;
    let development = is_development(version);
    let (id, a, spec) = (version.id(), version.architecture(), version.spec());
    out.text(format!("model id      {id}"));
    out.text(format!(
        "architecture  {} blocks, width {}, {} heads, MLP {}, vocabulary {}, context {}",
        a.layers, a.width, a.heads, a.mlp_width, a.vocab, a.context
    ));
    out.text(format!(
        "formats       activation {:?}; fractional bits: {} after LayerNorm, {} before the activation; scores shifted by {}",
        spec.activation, spec.norm_frac, spec.act_frac, spec.score_shift
    ));
    out.text(format!("positions     {}", version.positions()));
    out.text(format!("tokenizer     {} (SHA-256)", version.tokenizer()));
    let names: Vec<String> = stop_tokens
        .iter()
        .flatten()
        .map(|&t| tokenizer.name(t))
        .collect();
    let names = match (&stop_tokens, names.as_slice()) {
        (None, _) => "not known: generation.json is missing".into(),
        (_, []) => "none".into(),
        (_, names) => names.join(", "),
    };
    out.text(format!("stop tokens   {names}"));
    out.text(format!(
        "setup         {}{}",
        version.setup(),
        if development {
            "  INSECURE: development setup, its secret is public"
        } else {
            ""
        }
    ));
    let (layers, plan) = match &registered {
        Registered::Layers(card) => {
            let plan = dir.plan()?;
            out.text(format!("\n{}", plan.explain()));
            out.text(keys_table(card));
            (json!(card.layers), serde_json::to_value(plan)?)
        }
        Registered::Joint(manifest) => {
            let plan: Value = files::read_json(&dir.file("plan.json"))?;
            out.text(format!("\n{}", columns_table(manifest)));
            (json!(version.layer_names()), plan)
        }
    };
    out.text(report.render());
    out.json(&json!({
        "model_id": id,
        "architecture": a,
        "spec": spec,
        "tokenizer": version.tokenizer(),
        "tokens": version.positions(),
        "setup": version.setup(),
        "development_setup": development,
        "stop_tokens": stop_tokens,
        "layers": layers,
        "plan": plan,
        "report": report,
    }));
    Ok(())
}

pub(super) fn id(args: &ModelIdArgs, out: &Out) -> Result<()> {
    let id = ModelDir::new(&args.model)?.registered()?.version().id();
    out.text(id.to_string());
    out.json(&json!({ "model_id": id }));
    Ok(())
}

/// The columns of weights, and which layers have some in each.
fn columns_table(manifest: &CheckedManifest) -> String {
    let m = manifest.manifest();
    let mut table = format!(
        "joint proofs: columns of 2^{} rows, up to {} with one helper; {} of activations\ncolumn  weights of\n",
        m.k,
        count(m.fractions as usize, "lane"),
        manifest.packing().streams()
    );
    for (index, layers) in manifest.packing().weights().iter().enumerate() {
        let names: Vec<String> = layers.iter().map(ToString::to_string).collect();
        let names = match &names[..] {
            [first, .., last] if names.len() > 4 => format!("{first} to {last}"),
            names => names.join(", "),
        };
        table += &format!("{index:>6}  {names}\n");
    }
    table
}

fn keys_table(card: &ModelCard) -> String {
    let mut table = String::from("layer               weights  verifying key\n");
    for (index, (name, layer)) in card.layer_names().iter().zip(&card.layers).enumerate() {
        table += &format!(
            "{index:>3} {name:<15} {:>7}  {}\n",
            layer.weights.len(),
            layer.verifying_key
        );
    }
    table
}
