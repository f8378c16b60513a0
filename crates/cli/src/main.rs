//! The command `nanozk`: import a model, run it, prove what it did, verify that.
//!
//! * [`args`]: the command line;
//! * [`commands`]: what each command does;
//! * [`data`]: setups and keys, which models share;
//! * [`output`]: text, JSON and progress; [`staging`]: directories that are whole or absent;
//! * [`measure`]: processor time and memory; [`log`]: spans of what takes long.
//!
//! Exit codes: [`Outcome`] and [`ERROR`], and those of signals ([`staging`]); `docs/command.md` has the table.

mod args;
mod commands;
mod data;
mod log;
mod measure;
mod output;
mod staging;

use clap::Parser;
use output::Out;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// How a command ended, if it did not fail; its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Done, or accepted.
    Done = 0,
    /// Judged, and not accepted.
    Rejected = 1,
}

/// Exit code of whatever went wrong: arguments, files, the chain, a result that could not be written.
const ERROR: u8 = 2;

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
        Err(e) => return usage(&e),
    };
    let out = Out::new(cli.json);
    let result = catch_unwind(AssertUnwindSafe(|| commands::run(&cli, &out)));
    let code = match result {
        Ok(Ok(outcome)) => outcome as u8,
        Ok(Err(e)) => {
            out.error(&described(&e));
            ERROR
        }
        // The panic's own message is already on stderr.
        Err(_) => {
            out.error("internal error: this is a defect of nanozk, please report it");
            ERROR
        }
    };
    // Whoever reads the result did not get it, whatever it is.
    if let Some(failure) = out.failure() {
        out.note(format!("error: {failure}"));
        return ExitCode::from(ERROR);
    }
    ExitCode::from(code)
}

/// Help, or what is wrong with the arguments.
fn usage(e: &clap::Error) -> ExitCode {
    // Help and version are no errors. Printing may fail on a closed pipe, which changes nothing.
    let _ = e.print();
    if !e.use_stderr() {
        return ExitCode::SUCCESS;
    }
    // The arguments are not known, but whether programs read is.
    let mut arguments = std::env::args_os().skip(1).take_while(|a| a != "--");
    if arguments.any(|a| a == "--json") {
        let text = e.to_string();
        let message = text.trim().trim_start_matches("error: ");
        // The usage that follows is for people.
        let message = message.split("\n\n").next().unwrap_or(message);
        Out::new(true).json(&serde_json::json!({ "error": message, "kind": "arguments" }));
    }
    ExitCode::from(ERROR)
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
