//! What each command does.

mod aggregate;
mod bench;
mod chain;
mod eval;
mod importance;
mod model;
mod prove;
mod reexecute;
mod relayer;
mod run;
mod setup;
mod soundness;
mod verify;

use crate::args::{BenchCommand, Cli, Command, ModelCommand};
use crate::data::Data;
use crate::output::Out;
use crate::Outcome;
use anyhow::{bail, Context, Result};
use std::path::Path;

pub(crate) fn run(cli: &Cli, out: &Out) -> Result<Outcome> {
    let data = Data::new(cli.data_dir.as_deref())?;
    match &cli.command {
        Command::Model(ModelCommand::Import(args)) => model::import(args, &data, out),
        Command::Model(ModelCommand::Inspect(args)) => model::inspect(args, out),
        Command::Model(ModelCommand::Register(args)) => chain::register(args, out),
        Command::Run(args) => run::run(args, &data, out),
        Command::Prove(args) => prove::prove(args, &data, out),
        Command::Aggregate(args) => aggregate::aggregate(args, &data, out),
        Command::Verify(args) => return verify::verify(args, &data, out),
        Command::Eval(args) => eval::eval(args, out),
        Command::Bench(BenchCommand::Layer(args)) => bench::layer(args, &data, out),
        Command::Bench(BenchCommand::Node(args)) => bench::node(args, &data, out),
        Command::Bench(BenchCommand::Import(args)) => bench::import(args, out),
        Command::Soundness(args) => soundness::soundness(args, out),
        Command::Setup(command) => setup::setup(command, &data, out),
        Command::Importance(args) => importance::importance(args, out),
        Command::Deploy(args) => chain::deploy(args, out),
        Command::Verifier(command) => chain::verifier(command, &data, out),
        Command::Escrow(command) => chain::escrow(command, out),
        Command::Job(command) => chain::job(command, out),
        Command::Claim(command) => chain::claim(command, out),
        Command::Reexecute(args) => reexecute::reexecute(args, &data, out),
        Command::Relayer(command) => relayer::relayer(command, out),
    }?;
    Ok(Outcome::Done)
}

/// A text file.
fn read_text(path: &Path, what: &str) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {what} {}", path.display()))?;
    if text.trim().is_empty() {
        bail!("{what} {} is empty", path.display());
    }
    Ok(text)
}
