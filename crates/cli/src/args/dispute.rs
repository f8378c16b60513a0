//! Options of `nanozk dispute`.

use super::{ChainArgs, LayersOrAll, SendArgs, layers_or_all};
use clap::{Args, Subcommand};
use nanozk_chain::address::parse_address;
use nanozk_chain::format::Amount;
use nanozk_chain::primitives::{Address, B256};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
A provider that signed an answer has to show it in the trees that it committed to, and to prove it if somebody pays a bond for that. \
Whoever is silent loses: the provider its bond, the challenger the dispute. nanozk epoch advance answers for the provider; \
docs/epochs.md says what holds.

Examples:
  nanozk dispute demand receipt.json --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk dispute challenge --receipt receipt.json --paths paths.json --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk dispute ask --receipt receipt.json --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk dispute enforce --receipt receipt.json --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) enum DisputeCommand {
    /// Demand to see an answer in the trees, by its receipt; its requester only, without a bond
    Demand(DemandArgs),
    /// Challenge an answer, with a bond
    Challenge(ChallengeAnswerArgs),
    /// Ask for layers, after the provider fixed activation commitments for the challenge
    Ask(AskArgs),
    /// Show two receipts of one place: the line is slashed at once
    Contradict(ContradictArgs),
    /// Do what silence allows: slash the line, drop challenges that ask for nothing, move bonds
    #[command(
        after_help = "Example:\n  nanozk dispute enforce --provider 0x… --model-version 0x… --epoch 3 --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Enforce(EnforceArgs),
    /// Run some of your answers again, and dispute those that are not the model's
    Watch(WatchArgs),
    /// List the disputes of an epoch
    #[command(
        after_help = "Example:\n  nanozk dispute list --receipt receipt.json --rpc http://127.0.0.1:8545"
    )]
    List(ListDisputesArgs),
}

/// An epoch: that of a receipt, or by its line and number.
#[derive(Debug, Args)]
pub(crate) struct WhichEpochArgs {
    /// A receipt of the epoch
    #[arg(long, value_name = "FILE", conflicts_with_all = ["provider", "model_version", "epoch"])]
    pub(crate) receipt: Option<PathBuf>,
    /// Provider
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address, required_unless_present = "receipt")]
    pub(crate) provider: Option<Address>,
    /// Registered version
    #[arg(long, value_name = "HEX", required_unless_present = "receipt")]
    pub(crate) model_version: Option<B256>,
    /// Number of the epoch in its line
    #[arg(long, value_name = "N", required_unless_present = "receipt")]
    pub(crate) epoch: Option<u32>,
}

/// An answer: that of a receipt, or a place of an epoch.
#[derive(Debug, Args)]
pub(crate) struct WhichAnswerArgs {
    #[command(flatten)]
    pub(crate) epoch: WhichEpochArgs,
    /// Place of the answer
    #[arg(
        long,
        value_name = "N",
        required_unless_present = "receipt",
        conflicts_with = "receipt"
    )]
    pub(crate) answer: Option<u32>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Ask the provider for paths first (nanozk channel pay checks them): a demand is for one that gives none, or others.

Example:
  nanozk dispute demand receipt.json --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct DemandArgs {
    /// Receipt
    pub(crate) receipt: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The bond is lost if the provider proves the answer. Run the model again before: greedy answers are always the same. Each bond that \
is held against a line makes its next challenge dearer, up to a fifth of the line's bond.

What is challenged is the answer that the provider committed to in that place, which may be another than its receipt says. So with \
--receipt it takes paths that lead from the receipt, or a demand for it that was answered: a provider that cannot show it loses \
without a bond.

Examples:
  nanozk dispute challenge --receipt receipt.json --paths paths.json --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk dispute challenge --provider 0x… --model-version 0x… --epoch 3 --answer 17 --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct ChallengeAnswerArgs {
    #[command(flatten)]
    pub(crate) which: WhichAnswerArgs,
    /// What leads from the receipt to the roots (nanozk epoch paths --answers N) [default: it was demanded and shown]
    #[arg(long, value_name = "FILE", requires = "receipt")]
    pub(crate) paths: Option<PathBuf>,
    /// The greatest bond to risk [default: twice what a challenge takes now]
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_bond: Option<Amount>,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The bond is the same for one layer as for all. Fewer are proved sooner.

Examples:
  nanozk dispute ask --receipt receipt.json --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk dispute ask --receipt receipt.json --layers 1,4 --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct AskArgs {
    #[command(flatten)]
    pub(crate) which: WhichAnswerArgs,
    /// Layers, or all of them
    #[arg(long, value_name = "LIST|all", default_value = "all", value_parser = layers_or_all)]
    pub(crate) layers: LayersOrAll,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  nanozk dispute contradict receipt.json other.json --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct ContradictArgs {
    /// Receipt of an answer
    pub(crate) receipt: PathBuf,
    /// Another one of the same place of the same epoch
    pub(crate) other: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EnforceArgs {
    #[command(flatten)]
    pub(crate) which: WhichEpochArgs,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(pub(crate) f64);

fn parse_share(text: &str) -> Result<Share, String> {
    let percent = text.strip_suffix('%').map(str::trim_end);
    let share = percent.and_then(|percent| percent.parse::<f64>().ok());
    let share = share.filter(|percent| *percent > 0.0 && *percent <= 100.0);
    let share = share.ok_or_else(|| format!("{text:?} is no share: write such as 5% or 100%"))?;
    Ok(Share(share / 100.0))
}

#[derive(Debug, Args)]
#[command(after_help = "\
Greedy answers are always the same, so whoever has the model can run them again. Those that differ are demanded, challenged once \
they were shown, asked for in all layers, and enforced: one for each line, since that is slashed as a whole. If a provider proves one, \
nothing of that version is challenged any more. Which are run is decided by chance here, which no provider knows. Verdicts are kept, \
so that each receipt is looked at once; it goes on where it was. Exits with 1 if an answer is false.

Examples:
  nanozk dispute watch receipts --model model --share 5% --wait --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk dispute watch receipt.json --model model --dry-run --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct WatchArgs {
    /// Receipts, or directories of them: answers of nanozk serve --epochs, receipts of nanozk epoch answer
    #[arg(required = true, value_name = "RECEIPT|DIR")]
    pub(crate) receipts: Vec<PathBuf>,
    /// Model directory, of the version that answered
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Share of the receipts that are run again
    #[arg(long, value_name = "PERCENT", default_value = "100%", value_parser = parse_share)]
    pub(crate) share: Share,
    /// Where verdicts are kept [default: verdicts.jsonl beside the first receipt]
    #[arg(long, value_name = "FILE")]
    pub(crate) verdicts: Option<PathBuf>,
    /// The greatest bond to risk [default: twice what a challenge takes then]
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_bond: Option<Amount>,
    /// Go on, also with receipts that come
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListDisputesArgs {
    #[command(flatten)]
    pub(crate) which: WhichEpochArgs,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}
