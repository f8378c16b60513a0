//! The command `nanozk`: import a model, run it, prove what it did, verify that.
//!
//! * [`args`]: the command line;
//! * [`commands`]: what each command does;
//! * [`model_dir`]: an imported model on disk;
//! * [`data`]: setups and keys, which models share;
//! * [`output`]: text, JSON and progress; [`staging`]: directories that are whole or absent;
//! * [`measure`]: processor time and memory.
//!
//! Exit codes: 0 accepted or done, 1 rejected, 2 error.

mod args;
mod commands;
mod data;
mod measure;
mod model_dir;
mod output;
mod staging;

use clap::Parser;
use output::Out;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::ExitCode;

/// How a command ended, if it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Done, or accepted.
    Done,
    /// Judged, and not accepted.
    Rejected,
}

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors. Printing may fail on a closed pipe, which changes nothing.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    let out = Out::new(cli.json);
    let result = catch_unwind(AssertUnwindSafe(|| commands::run(&cli, &out)));
    match result {
        Ok(Ok(Outcome::Done)) => ExitCode::SUCCESS,
        Ok(Ok(Outcome::Rejected)) => ExitCode::from(1),
        Ok(Err(e)) => {
            out.error(&format!("{e:#}"));
            ExitCode::from(2)
        }
        // The panic's own message is already on stderr.
        Err(_) => {
            out.error("internal error: this is a defect of nanozk, please report it");
            ExitCode::from(2)
        }
    }
}
