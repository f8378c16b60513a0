//! What each command does.

mod aggregate;
mod bench;
mod chain;
mod doctor;
mod eval;
mod importance;
mod manual;
mod model;
mod open_output;
mod prompt;
mod prove;
mod receipt;
mod reexecute;
mod relayer;
mod run;
mod serve;
mod setup;
mod soundness;
mod verify;

use crate::Outcome;
use crate::args::{BenchCommand, Cli, Command, JobCommand, ModelCommand};
use crate::data::Data;
use crate::log;
use crate::output::{Out, Progress};
use anyhow::{Context, Result, bail};
use nanozk_recursion::node::Nodes;
use nanozk_verifier::CheckedManifest;
use nanozk_verifier::hex::Digest32;
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn run(cli: &Cli, out: &Out) -> Result<Outcome> {
    // Services have a log of their own.
    if !matches!(cli.command, Command::Relayer(_) | Command::Serve(_)) {
        log::start_if_asked(out.is_json())?;
    }
    let data = Data::new(cli.data_dir.as_deref())?;
    match &cli.command {
        Command::Model(ModelCommand::Import(args)) => model::import(args, &data, out),
        Command::Model(ModelCommand::Inspect(args)) => model::inspect(args, out),
        Command::Model(ModelCommand::Id(args)) => model::id(args, out),
        Command::Model(ModelCommand::Verify(args)) => return model::verify(args, &data, out),
        Command::Model(ModelCommand::Register(args)) => chain::register(args, &data, out),
        Command::Run(args) => run::run(args, &data, out),
        Command::Serve(args) => serve::serve(args, &data, out),
        Command::Receipt(command) => return receipt::receipt(command, &data, out),
        Command::Prove(args) => prove::prove(args, &data, out),
        Command::Aggregate(args) => aggregate::aggregate(args, &data, out),
        Command::Verify(args) => return verify::verify(args, &data, out),
        Command::Eval(args) => eval::eval(args, out),
        Command::Bench(BenchCommand::Layer(args)) => bench::layer(args, out),
        Command::Bench(BenchCommand::Model(args)) => bench::model(args, out),
        Command::Bench(BenchCommand::Import(args)) => bench::import(args, out),
        Command::Bench(BenchCommand::Run(args)) => bench::run(args, out),
        Command::Soundness(args) => soundness::soundness(args, out),
        Command::Setup(command) => setup::setup(command, &data, out),
        Command::Importance(args) => importance::importance(args, out),
        Command::Deploy(args) => chain::deploy(args, out),
        Command::Freeze(args) => chain::freeze(args, out),
        Command::Escrow(command) => chain::escrow(command, out),
        Command::Job(command) => chain::job(command, &data, out),
        Command::Claim(command) => return chain::claim(command, &data, out),
        Command::Epoch(command) => chain::epoch(command, &data, out),
        Command::Channel(command) => chain::channel(command, out),
        Command::Dispute(command) => return chain::dispute(command, out),
        Command::Reexecute(args) => return reexecute::reexecute(args, &data, out),
        Command::Output(command) => return open_output::output(command, &data, out),
        Command::Relayer(command) => relayer::relayer(command, out),
        Command::Doctor(args) => return doctor::doctor(args, &data, out),
        Command::Completions(args) => manual::completions(args, out),
        Command::Man(args) => manual::man(args, out),
    }?;
    // Those who will read an answer need the tokenizer then, and should not have to say again where it is.
    let model = match &cli.command {
        Command::Model(ModelCommand::Import(args)) => Some(&args.output),
        Command::Run(args) => Some(&args.model),
        Command::Job(JobCommand::Request(args)) => Some(&args.model),
        _ => None,
    };
    if let Some(model) = model
        && let Err(e) = data.remember_model(model)
    {
        out.note(format!("note: cannot remember where the model is: {e:#}"));
    }
    Ok(Outcome::Done)
}

/// Bytes of a GiB.
const GIB: f64 = (1u64 << 30) as f64;

/// Why something was judged and not accepted, as opposed to why it could not be judged.
#[derive(Debug)]
struct Rejection(String);

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Rejection {}

fn reject(reason: impl std::fmt::Display) -> anyhow::Error {
    Rejection(reason.to_string()).into()
}

/// The outcome of a judgement, said; `about` is what else programs read of a rejection.
fn judged(out: &Out, mut about: Value, result: Result<()>) -> Result<Outcome> {
    match result {
        Ok(()) => Ok(Outcome::Done),
        Err(e) => {
            let Some(Rejection(reason)) = e.downcast_ref() else {
                return Err(e);
            };
            out.text(format!("REJECTED: {reason}"));
            about["accepted"] = json!(false);
            about["reason"] = json!(reason);
            out.json(&about);
            Ok(Outcome::Rejected)
        }
    }
}

/// Computes the keys of a version's programs again, which takes a moment for each. The outer error is that they could not be
/// computed, the inner one that they are others.
fn check_programs(
    version: &CheckedManifest,
    data: &Data,
) -> Result<Result<(), nanozk_verifier::Error>> {
    let programs = version.manifest().programs.len();
    let progress = Progress::bar("keys of programs", programs);
    let parameters = data.checked_final_parameters(version, version.manifest().k)?;
    let nodes = Nodes::new()?;
    let checked = version.check_programs(&nodes, &parameters, |done| progress.set(done, programs));
    if checked.is_ok() {
        data.remember_checked(&version.id())?;
    }
    Ok(checked)
}

/// Refuses a version whose programs have other keys than it says. Who stakes something on its proofs needs this once: what was
/// found is remembered, until the command is built anew.
fn check_programs_once(version: &CheckedManifest, data: &Data) -> Result<()> {
    if data.has_checked(&version.id()) {
        return Ok(());
    }
    Ok(check_programs(version, data)??)
}

/// Says that the keys of a version's programs are believed, unless they were computed once.
fn note_of_keys(id: &Digest32, data: &Data, out: &Out) {
    if !data.has_checked(id) {
        out.note(format!(
            "note: the keys that the model {id} was registered with are believed. If they are not those of its layers, a false \
             claim may have proofs: nanozk model verify computes them from its manifest"
        ));
    }
}

/// The threads of a service.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the service's threads")
}

/// A text file.
fn read_text(path: &Path, what: &str) -> Result<String> {
    let failed = || format!("cannot read {what} {}", path.display());
    let bytes = std::fs::read(path).with_context(failed)?;
    nanozk_model::source::check(path, &bytes)?;
    let text = std::str::from_utf8(nanozk_model::source::text(path, &bytes)?)
        .with_context(|| format!("{what} {} is not UTF-8", path.display()))?;
    if text.trim().is_empty() {
        bail!("{what} {} is empty", path.display());
    }
    Ok(text.to_owned())
}
