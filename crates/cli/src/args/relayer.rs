//! Options of the relayer.

use super::chain::KeyArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Put sessions (nanozk run --request) into the inbox, and requests to be watched; or send them by HTTP.

Examples:
  nanozk relayer init                        # writes relayer.toml, which explains every setting
  nanozk relayer check                       # is all there that run needs? sends nothing
  nanozk relayer run --dry-run               # says what it would send
  nanozk relayer run
  nanozk relayer status")]
pub(crate) enum RelayerCommand {
    /// Write a configuration that explains every setting
    #[command(after_help = "Example:\n  nanozk relayer init relayer.toml")]
    Init(InitArgs),
    /// Check all that run needs and name everything that is missing; sends nothing
    ///
    /// Each node by itself, chain, contracts, keys and their permissions, money, models, inbox, database, the prover's
    /// command, and the address of the HTTP API. Exit code 2 if anything failed.
    #[command(after_help = "Example:\n  nanozk relayer check --config relayer.toml")]
    Check(RelayerArgs),
    /// Run until it is told to end: once (Ctrl-C), and what is on its way is followed; twice, and it ends at once
    Run(RelayerArgs),
    /// Show where a running relayer and its claims stand
    #[command(after_help = "Example:\n  nanozk relayer status --listen 127.0.0.1:8645 --all")]
    Status(RelayerStatusArgs),
    /// Print the OpenAPI document of the HTTP API
    #[command(after_help = "Example:\n  nanozk relayer openapi > openapi.json")]
    Openapi,
}

#[derive(Debug, Args)]
#[command(after_help = "\
What is given here is written into the file; everything else has its default, and can be changed there.

Example:
  nanozk relayer init --rpc http://127.0.0.1:8545 --deployment deployments/31337.json --private-key-file provider.key")]
pub(crate) struct InitArgs {
    /// File to write
    #[arg(default_value = "relayer.toml")]
    pub(crate) file: PathBuf,
    /// JSON-RPC addresses of nodes, the preferred one first
    #[arg(long, value_name = "URL,…", env = "NANOZK_RPC", value_delimiter = ',')]
    pub(crate) rpc: Vec<String>,
    /// File of the deployment
    #[arg(long, value_name = "FILE", env = "NANOZK_DEPLOYMENT")]
    pub(crate) deployment: Option<PathBuf>,
    /// Key of the account that sends
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Options are above variables (NANOZK_RELAYER_FEES__MAX_PER_DAY=1eth), which are above the file.

Examples:
  nanozk relayer check --config relayer.toml
  nanozk relayer run --config relayer.toml --rpc https://a,https://b --set fees.max_per_day=1eth")]
pub(crate) struct RelayerArgs {
    /// Configuration [default: relayer.toml, if there is one]
    #[arg(long, value_name = "FILE", env = "NANOZK_RELAYER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// JSON-RPC addresses of nodes, the preferred one first
    #[arg(long, value_name = "URL,…")]
    pub(crate) rpc: Option<String>,
    /// File of the deployment
    #[arg(long, value_name = "FILE")]
    pub(crate) deployment: Option<String>,
    /// Database
    #[arg(long, value_name = "sqlite:FILE|postgres://…")]
    pub(crate) database: Option<String>,
    /// Folder of sessions and requests
    #[arg(long, value_name = "DIR")]
    pub(crate) inbox: Option<String>,
    /// Where to listen for HTTP
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Any setting, such as fees.max_per_day=1eth; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Send nothing: say what would be sent
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// What a service logs.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// What is logged, such as info, debug or nanozk_relayer=debug
    #[arg(
        long = "log",
        value_name = "FILTER",
        default_value = "info",
        env = "NANOZK_LOG"
    )]
    pub(crate) filter: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  nanozk relayer status --listen 127.0.0.1:8645 --all")]
pub(crate) struct RelayerStatusArgs {
    /// Where the relayer listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8645")]
    pub(crate) listen: String,
    /// Also claims that ended
    #[arg(long)]
    pub(crate) all: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| format!("{text:?} is not a setting: write NAME=VALUE"))
}
