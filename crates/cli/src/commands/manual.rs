//! `nanozk completions`, `nanozk man`: what follows from the arguments.

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::output::{Out, count};
use anyhow::{Context, Result};
use clap::CommandFactory;
use nanozk_prover::files;
use serde_json::json;

pub(super) fn completions(args: &CompletionsArgs, out: &Out) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "nanozk", &mut text);
    let text = String::from_utf8(text).context("completions are text")?;
    out.text(text.trim_end());
    out.json(&json!({ "shell": args.shell.to_string(), "completions": text }));
    Ok(())
}

pub(super) fn man(args: &ManArgs, out: &Out) -> Result<()> {
    files::create_dir(&args.directory)?;
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .with_context(|| format!("cannot write to {}", args.directory.display()))?;
    let written = pages(&args.directory)?;
    out.text(format!(
        "{} of the manual in {}: man {}",
        count(written, "page"),
        args.directory.display(),
        args.directory.join("nanozk.1").display()
    ));
    out.json(&json!({ "directory": args.directory, "pages": written }));
    Ok(())
}

/// Pages of this command in a directory.
fn pages(directory: &std::path::Path) -> Result<usize> {
    let entries = std::fs::read_dir(directory);
    let entries = entries.with_context(|| format!("cannot read {}", directory.display()))?;
    let is_page = |name: &str| name.starts_with("nanozk") && name.ends_with(".1");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| is_page(name)).count())
}
