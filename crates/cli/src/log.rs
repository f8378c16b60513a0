//! The log: what happens inside, for whoever looks for it; on stderr.

use anyhow::{Context, Result};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Variable with the filter of spans.
const VARIABLE: &str = "NANOZK_TRACE";

/// Logs, of what a filter lets through: text for people, one JSON object per line with `--json`.
pub(crate) fn start(filter: &str, json: bool) -> Result<()> {
    install(filter, FmtSpan::NONE, json).with_context(|| format!("--log {filter:?}"))
}

/// Logs spans, with the time each took, if the environment asks for it.
pub(crate) fn start_if_asked(json: bool) -> Result<()> {
    match std::env::var(VARIABLE) {
        Ok(filter) if !filter.is_empty() => {
            install(&filter, FmtSpan::CLOSE, json).with_context(|| format!("{VARIABLE}={filter:?}"))
        }
        _ => Ok(()),
    }
}

fn install(filter: &str, spans: FmtSpan, json: bool) -> Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(spans)
        .with_writer(std::io::stderr)
        .with_target(false);
    let installed = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init()
    };
    installed.map_err(|e| anyhow::anyhow!("cannot log: {e}"))
}
