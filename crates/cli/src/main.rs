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

/// An error with its causes. Many name their cause themselves: what was said is not said again.
fn described(e: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in e.chain().map(ToString::to_string) {
        if !parts.last().is_some_and(|above| above.ends_with(&cause)) {
            parts.push(cause);
        }
    }
    parts.join(": ")
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
            out.error(&described(&e));
            ExitCode::from(2)
        }
        // The panic's own message is already on stderr.
        Err(_) => {
            out.error("internal error: this is a defect of nanozk, please report it");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::described;
    use anyhow::anyhow;

    #[test]
    fn causes_are_named_once() {
        let e = anyhow!("no such file").context("cannot read a: no such file");
        assert_eq!(
            described(&e.context("the session")),
            "the session: cannot read a: no such file"
        );
        let e = anyhow!("closed").context("the node").context("cannot post");
        assert_eq!(described(&e), "cannot post: the node: closed");
    }
}
