//! `nanozk model import` and `nanozk model inspect`.

use super::read_text;
use crate::args::{ImportArgs, InspectArgs, ModelIdArgs};
use crate::data::{Data, DEVELOPMENT_WARNING};
use crate::model_dir::{
    layer_names, sha256, Generation, ModelDir, ModelSecret, GENERATION_FORMAT, SECRET_FORMAT,
};
use crate::output::{count, Out, Progress};
use crate::staging::Staging;
use anyhow::{bail, Context, Result};
use nanozk_circuits::Objective;
use nanozk_executor::bucket;
use nanozk_model::{quantize, FloatModel, Options};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::registration::{plan_model, register};
use nanozk_setup::Setup;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::hex::Digest32;
use rand_core::{OsRng, RngCore};
use serde_json::json;
use std::path::{Path, PathBuf};

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
    let mut progress = Progress::spinner("reading the checkpoint");
    let float = FloatModel::load(&args.checkpoint)
        .with_context(|| format!("cannot import {}", args.checkpoint.display()))?;
    let arch = float.architecture();
    let tokens = bucket(args.tokens.max(1), arch.context).with_context(|| {
        format!(
            "sessions of {} tokens need {} positions, the model has {}",
            args.tokens,
            args.tokens.max(4).next_power_of_two(),
            arch.context
        )
    })?;
    progress.message("quantizing");
    let options = Options {
        windows: args.windows,
        headroom: args.headroom,
    };
    let (model, report) = quantize(&float, &calibration, &options).context("cannot quantize")?;
    let tokenizer = float.tokenizer().json().to_vec();
    let read = float.files().to_vec();
    let notes = float.notes().to_vec();
    let generation = Generation {
        format: GENERATION_FORMAT.into(),
        stop_tokens: float.stop_tokens().to_vec(),
    };
    drop(float);
    progress.message("planning circuits");
    let objective = Objective {
        commitment_price: args.commitment_price,
        max_k: args.max_k,
    };
    let plan = plan_model(&model, tokens, args.whole_blocks, objective)?;
    let k = plan.choices[0].shape.plan.k;
    progress.message("preparing the setup");
    let setup = choose_setup(&args.setup, k, data, out)?;
    drop(progress);

    progress = Progress::bar("committing to weights", plan.choices.len());
    let mut seed = [0; 32];
    OsRng.fill_bytes(&mut seed);
    let card = register(
        &model,
        sha256(&tokenizer).0,
        &plan,
        &setup,
        &data.keys(),
        &seed,
        |done, all| progress.set(done, all),
    )?;
    drop(progress);

    let dir = staging.path();
    files::write_json(&dir.join("card.json"), &card)?;
    files::write(
        &dir.join("model.safetensors"),
        &nanozk_model::file::to_bytes(&model)?,
    )?;
    files::write(&dir.join("tokenizer.json"), &tokenizer)?;
    files::write_json(&dir.join("report.json"), &report)?;
    files::write_json(&dir.join("plan.json"), &plan)?;
    let secret = ModelSecret {
        format: SECRET_FORMAT.into(),
        weight_seed: Digest32(seed),
    };
    files::write_json_secret(&dir.join("secret.json"), &secret)?;
    files::write_json(&dir.join("generation.json"), &generation)?;
    copy_checkpoint(&read, &tokenizer, &dir.join("checkpoint"))?;
    let replaced = staging.finish(out)?;

    let id = card.model_id();
    if args.verbose {
        out.text(report.render());
        out.text(plan.explain());
    }
    notes
        .iter()
        .for_each(|note| out.note(format!("note: {note}")));
    if card.development_setup {
        out.note(DEVELOPMENT_WARNING);
    }
    out.text(format!(
        "imported {} into {}: {}, {}",
        args.checkpoint.display(),
        args.output.display(),
        count(card.layers.len(), "layer"),
        count(tokens, "position")
    ));
    out.text(format!("model id {id}"));
    out.json(&json!({
        "model_id": id,
        "model": args.output,
        "layers": card.layers.len(),
        "tokens": tokens,
        "setup": card.setup,
        "development_setup": card.development_setup,
        "stop_tokens": generation.stop_tokens,
        "notes": notes,
        "plan": plan,
        "report": args.verbose.then_some(report),
        "replaced": replaced,
    }));
    Ok(())
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
    let (card, plan, report) = (dir.card()?, dir.plan()?, dir.report()?);
    let stop_tokens = dir.stop_tokens()?;
    let tokenizer = dir.tokenizer(&card)?;
    let development = crate::data::is_development(&card);
    let id = card.model_id();
    let a = card.architecture;
    out.text(format!("model id      {id}"));
    out.text(format!(
        "architecture  {} blocks, width {}, {} heads, MLP {}, vocabulary {}, context {}",
        a.layers, a.width, a.heads, a.mlp_width, a.vocab, a.context
    ));
    out.text(format!(
        "formats       activation {:?}; fractional bits: {} after LayerNorm, {} before the activation; scores shifted by {}",
        card.spec.activation, card.spec.norm_frac, card.spec.act_frac, card.spec.score_shift
    ));
    out.text(format!("positions     {}", card.tokens));
    out.text(format!("tokenizer     {} (SHA-256)", card.tokenizer));
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
        card.setup,
        if development {
            "  INSECURE: development setup, its secret is public"
        } else {
            ""
        }
    ));
    out.text(format!("\n{}", plan.explain()));
    out.text(keys_table(&card));
    out.text(report.render());
    out.json(&json!({
        "model_id": id,
        "architecture": a,
        "spec": card.spec,
        "tokenizer": card.tokenizer,
        "tokens": card.tokens,
        "setup": card.setup,
        "development_setup": development,
        "stop_tokens": stop_tokens,
        "layers": card.layers,
        "plan": plan,
        "report": report,
    }));
    Ok(())
}

pub(super) fn id(args: &ModelIdArgs, out: &Out) -> Result<()> {
    let id = ModelDir::new(&args.model)?.card()?.model_id();
    out.text(id.to_string());
    out.json(&json!({ "model_id": id }));
    Ok(())
}

fn keys_table(card: &ModelCard) -> String {
    let mut table = String::from("layer               weights  verifying key\n");
    for (index, (name, layer)) in layer_names(card).iter().zip(&card.layers).enumerate() {
        table += &format!(
            "{index:>3} {name:<15} {:>7}  {}\n",
            layer.weights.len(),
            layer.verifying_key
        );
    }
    table
}
