//! `nanozk model import` and `nanozk model inspect`.

use super::verify::read;
use super::{GIB, check_programs, judged, read_text, reject};
use crate::Outcome;
use crate::args::{ImportArgs, InspectArgs, ModelIdArgs, ModelVerifyArgs};
use crate::data::{DEVELOPMENT_WARNING, Data, is_development};
use crate::output::{Out, Progress, bytes, count, thousands};
use crate::staging::Staging;
use anyhow::{Context, Result, bail};
use nanozk::model_dir::{ModelDir, StoredPlan};
use nanozk::{Import, Quantized, Step, setup_size};
use nanozk_circuit::{Objective, Plan};
use nanozk_executor::{Architecture, MlpKind, Positions};
use nanozk_model::{Estimate, Options, Report, Stage};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::registration::CommitmentEstimate;
use nanozk_setup::Setup;
use nanozk_verifier::{CheckedManifest, MANIFEST_FORMAT, Manifest};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn import(args: &ImportArgs, data: &Data, out: &Out) -> Result<()> {
    // What can be wrong is looked at before anything takes long.
    if !args.checkpoint.is_dir() {
        bail!("{} is not a directory", args.checkpoint.display());
    }
    let staging = Staging::new(&args.output, args.force, Kind::Model, out)?;
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
    let import = Import::open(&args.checkpoint, args.tokens.max(1))
        .with_context(|| format!("cannot import {}", args.checkpoint.display()))?;
    let (arch, tokens) = (*import.architecture(), import.positions());
    let objective = Objective {
        commitment_price: args.commitment_price,
        max_k: args.max_k,
        ..Default::default()
    };
    let unplanned = |e| unplanned(e, args.max_k);
    let mut progress = Progress::spinner("planning proofs");
    // Formats are known when the text has been seen. Proofs in others are at most a little larger.
    let planned = match args.no_commitments {
        true => None,
        false => Some(import.plan(&objective).map_err(unplanned)?),
    };
    drop(progress);
    let windows = args
        .windows
        .unwrap_or_else(|| Options::enough_windows(tokens));
    let (parallel, estimate) = fit_memory(args, &arch, tokens, windows)?;
    if let Some(plan) = &planned {
        let needed = CommitmentEstimate::new(plan);
        check_setup(&args.setup, setup_size(plan), data, out)?;
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
        headroom: args.headroom,
        parallel,
        ..Options::default()
    };
    progress = Progress::bar("observing activations", arch.layers + 2);
    let quantized = import
        .quantize(
            staging.path(),
            &calibration,
            &options,
            &mut |stage, done, all| {
                if stage == Stage::Quantize {
                    progress.message("quantizing");
                }
                progress.set(done, all);
            },
        )
        .context("cannot quantize")?;
    drop(progress);
    let (report, notes) = (quantized.report(), quantized.notes());
    let stop_tokens = quantized.stop_tokens();
    notes
        .iter()
        .for_each(|note| out.note(format!("note: {note}")));
    let agreement = show_agreement(report, out);
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
            "stop_tokens": stop_tokens,
            "notes": notes,
            "top1_agreement": agreement,
            "report": args.verbose.then_some(report),
            "replaced": replaced,
        }));
        return Ok(());
    }
    let plan = quantized.plan(&objective).map_err(unplanned)?;
    let version = register(args, &quantized, &plan, data, out)?;
    let replaced = staging.finish(out)?;
    let (id, layers) = (version.id(), version.layers());
    let development = is_development(&version);
    if args.verbose {
        out.text(report.render());
        out.text(plan_text(&plan));
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
        "setup": version.manifest().setup,
        "development_setup": development,
        "programs": version.manifest().programs.len(),
        "stop_tokens": stop_tokens,
        "notes": notes,
        "top1_agreement": agreement,
        "plan": StoredPlan::new(&plan),
        "report": args.verbose.then_some(report),
        "replaced": replaced,
    }));
    Ok(())
}

/// Commits to the weights, and computes the keys of programs.
fn register(
    args: &ImportArgs,
    quantized: &Quantized,
    plan: &Plan,
    data: &Data,
    out: &Out,
) -> Result<CheckedManifest> {
    let progress = Progress::spinner("preparing the setup");
    let setup = choose_setup(&args.setup, setup_size(plan), data, out)?;
    drop(progress);
    let progress = Progress::bar("committing to weights", 0);
    let manifest = quantized.register(plan, &setup, &mut |step, done, all| {
        if step == Step::Programs {
            progress.message("keys of programs");
        }
        progress.set(done, all);
    })?;
    data.remember_checked(&manifest.id())?;
    Ok(manifest)
}

/// Why there is no layout, and what may help.
fn unplanned(e: nanozk::Error, max_k: u32) -> anyhow::Error {
    use nanozk_prover::Error;
    match e {
        nanozk::Error::Prover(Error::Plan(e)) => anyhow::anyhow!(
            "{e}; --max-k {max_k} is too small for this model, or fewer --tokens are needed (with --no-commitments it is not \
             proved, and needs no layout)"
        ),
        nanozk::Error::Prover(Error::Refused(e)) => anyhow::anyhow!(
            "no windows of layers fit: {e}; a greater --max-k or fewer --tokens may do"
        ),
        e => e.into(),
    }
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
        "ceremony" => data.setups().store().load_at_least(k).with_context(|| {
            format!(
                "import a ceremony's file first: nanozk setup import <file> --name <name> --k {k}"
            )
        }),
        file => {
            let path = Path::new(file);
            if !path.is_file() {
                bail!(
                    "--setup is development, ceremony, or the file of a ceremony; there is no file {file}"
                );
            }
            let title = path
                .file_stem()
                .map_or_else(Default::default, |n| n.to_string_lossy());
            let (setup, file) = data
                .setups()
                .store()
                .import(path, &title, k, None)
                .with_context(|| format!("cannot use {file} as a setup of 2^{k} powers"))?;
            for warning in &file.warnings {
                out.note(format!("WARNING: {warning}"));
            }
            Ok(setup)
        }
    }
}

pub(super) fn inspect(args: &InspectArgs, out: &Out) -> Result<()> {
    let dir = ModelDir::new(&args.model)?;
    let (version, report) = (&dir.manifest()?, dir.report()?);
    let manifest = version.manifest();
    let stop_tokens = dir.stop_tokens()?;
    let tokenizer = dir.tokenizer(version)?;
    let development = is_development(version);
    let (id, a, spec) = (version.id(), manifest.architecture, manifest.spec);
    out.text(format!("model id      {id}"));
    out.text(format!(
        "architecture  {} blocks, width {}, {} of {} features{}, {} MLP {}, vocabulary {}, context {}{}",
        a.layers,
        a.width,
        count(a.heads, "head"),
        a.head_width,
        match (a.kv_heads, a.qk_norm) {
            (all, false) if all == a.heads => String::new(),
            (all, true) if all == a.heads => " (queries and keys normalized)".to_owned(),
            (some, false) => format!(" ({some} of keys and values)"),
            (some, true) => format!(" ({some} of keys and values; queries and keys normalized)"),
        },
        match a.mlp {
            MlpKind::Plain => "plain",
            MlpKind::Gated => "gated",
        },
        a.mlp_width,
        a.vocab,
        a.context,
        match a.positions {
            Positions::Learned => "",
            Positions::Rotary => " by rotations",
        },
    ));
    out.text(format!(
        "formats       {:?}, activation {:?}; fractional bits: {} after normalization, {} before the activation; scores shifted by {}",
        spec.norm, spec.activation, spec.norm_frac, spec.act_frac, spec.score_shift
    ));
    out.text(format!("positions     {}", manifest.tokens));
    out.text(format!("tokenizer     {} (SHA-256)", manifest.tokenizer));
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
        manifest.setup,
        if development {
            "  INSECURE: development setup, its secret is public"
        } else {
            ""
        }
    ));
    let plan: Value = files::read_json(&dir.file("plan.json"))?;
    out.text(format!("\n{}", columns_table(version)));
    out.text(programs_table(version));
    out.text(report.render());
    out.json(&json!({
        "model_id": id,
        "architecture": a,
        "spec": spec,
        "tokenizer": manifest.tokenizer,
        "tokens": manifest.tokens,
        "setup": manifest.setup,
        "development_setup": development,
        "stop_tokens": stop_tokens,
        "layers": version.layer_names(),
        "programs": manifest.programs,
        "plan": plan,
        "report": report,
    }));
    Ok(())
}

pub(super) fn id(args: &ModelIdArgs, out: &Out) -> Result<()> {
    let id = ModelDir::new(&args.model)?.manifest()?.id();
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

/// What contracts accept proofs of.
fn programs_table(manifest: &CheckedManifest) -> String {
    let mut table = String::from("programs: layers, rows of the head, key of the node\n");
    for program in &manifest.manifest().programs {
        let last = program.first + program.count - 1;
        table += &format!(
            "{:>4} to {last:<4} {:>6}  {}\n",
            program.first, program.rows, program.key
        );
    }
    table
}

/// Whether a manifest's programs are what its dimensions, weights and setup give.
pub(super) fn verify(args: &ModelVerifyArgs, data: &Data, out: &Out) -> Result<Outcome> {
    let about = json!({"manifest": args.manifest});
    judged(out, about, accept(args, data, out))
}

fn accept(args: &ModelVerifyArgs, data: &Data, out: &Out) -> Result<()> {
    let manifest: Manifest = read(&args.manifest, MANIFEST_FORMAT)?;
    let id = args.model_id.unwrap_or_else(|| manifest.model_id());
    let version = CheckedManifest::of_model(manifest, &id).map_err(reject)?;
    let programs = version.manifest().programs.len();
    if programs == 0 {
        return Err(reject(
            "the version has no programs: contracts accept no proof of it",
        ));
    }
    check_programs(&version, data)?.map_err(reject)?;
    if is_development(&version) {
        out.note(DEVELOPMENT_WARNING);
    }
    out.text(format!(
        "ACCEPTED: {} of model {id}",
        count(programs, "program")
    ));
    out.json(&json!({
        "accepted": true,
        "model_id": id,
        "programs": programs,
        "development_setup": is_development(&version),
    }));
    Ok(())
}
