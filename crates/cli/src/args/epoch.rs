//! Options of `nanozk epoch` and `nanozk channel`.

use super::{ChainArgs, KeyArgs, PromptArgs, SendArgs, TokenizeArgs};
use clap::{Args, Subcommand};
use nanozk_chain::address::parse_address;
use nanozk_chain::format::Amount;
use nanozk_chain::primitives::{Address, B256};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
A provider with a bond signs a receipt for each answer, commits once per epoch to all of them, and proves some that nobody could \
have known before: for answers that are worth less than a transaction. docs/epochs.md says what holds.

Examples:
  nanozk epoch enroll model --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk epoch bond 1eth --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk epoch open epoch-0 --model model --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk epoch answer epoch-0 --requester 0x… --prompt 'Hello' --max-new-tokens 8 -o receipt.json --private-key-file key
  nanozk epoch close epoch-0 --draws 64 --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk epoch advance epoch-0 --wait --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) enum EpochCommand {
    /// Write on chain what epochs need of a version, once for each
    Enroll(EnrollArgs),
    /// Free balance → bond of the account's line
    #[command(
        after_help = "Example:\n  nanozk epoch bond 1eth --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Bond(LineAmountArgs),
    /// What no open epoch exposes of the bond, and what was earned → free balance
    #[command(
        after_help = "Example:\n  nanozk epoch withdraw 0.5eth --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Withdraw(LineAmountArgs),
    /// Start the folder of the next epoch of the account's line
    Open(OpenEpochArgs),
    /// Answer a prompt, and sign a receipt of it
    Answer(AnswerArgs),
    /// Answer all prompts of a file, one a line, and sign a receipt of each
    AnswerAll(AnswerAllArgs),
    /// Commit to all answers: nothing is added any more
    Close(CloseEpochArgs),
    /// Do what is due: draw answers, draw layers and prove them, settle, redeem vouchers
    Advance(AdvanceArgs),
    /// Do what is due of all closed epochs of a line, and go on until told to end
    Keep(KeepArgs),
    /// Write what leads from a requester's answers to the roots that were committed to
    Paths(PathsArgs),
    /// Say how far an epoch is
    Status(EpochStatusArgs),
}

/// A version of which the account has a line.
#[derive(Debug, Args)]
pub(crate) struct LineAmountArgs {
    /// Amount, such as 0.1eth or 5gwei; of a token such as 1000units, its smallest
    pub(crate) amount: Amount,
    /// Registered version
    #[arg(long, value_name = "HEX")]
    pub(crate) model_version: B256,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Anybody may, and once is enough: a page has the programs of the model's single layers, and says what an epoch's bond must be.

Example:
  nanozk epoch enroll model --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct EnrollArgs {
    /// Model directory
    pub(crate) model: PathBuf,
    /// Registered version [default: the only one of the model]
    #[arg(long, value_name = "HEX")]
    pub(crate) model_version: Option<B256>,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  nanozk epoch open epoch-0 --model model --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct OpenEpochArgs {
    /// Folder of the epoch, to be made
    pub(crate) epoch: PathBuf,
    /// Model directory
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Registered version [default: the only one of the model]
    #[arg(long, value_name = "HEX")]
    pub(crate) model_version: Option<B256>,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  nanozk epoch answer epoch-0 --requester 0x… --prompt 'Hello' --max-new-tokens 8 -o receipt.json --private-key-file key")]
pub(crate) struct AnswerArgs {
    #[command(flatten)]
    pub(crate) given: AnsweringArgs,
    #[command(flatten)]
    pub(crate) prompt: PromptArgs,
    #[command(flatten)]
    pub(crate) tokenize: TokenizeArgs,
    /// Receipt, for the requester
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// What all answers are given with.
#[derive(Debug, Args)]
pub(crate) struct AnsweringArgs {
    /// Folder of the epoch
    pub(crate) epoch: PathBuf,
    /// Model directory [default: the one that the epoch was opened with]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Whose channel pays
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) requester: Address,
    /// Tokens to generate for a prompt, at most: less if a stop token is generated
    #[arg(long, value_name = "N")]
    pub(crate) max_new_tokens: usize,
    /// Generate past stop tokens
    #[arg(long)]
    pub(crate) ignore_eos: bool,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Answers are on disk by thousands, and their receipts follow: what was interrupted has both of some.

Example:
  nanozk epoch answer-all epoch-0 --requester 0x… --prompts prompts.txt --max-new-tokens 8 -o receipts.jsonl --private-key-file key")]
pub(crate) struct AnswerAllArgs {
    #[command(flatten)]
    pub(crate) given: AnsweringArgs,
    /// File with a prompt on each line
    #[arg(long, value_name = "FILE")]
    pub(crate) prompts: PathBuf,
    /// Receipts, one a line, for the requester
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  nanozk epoch close epoch-0 --draws 64 --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct CloseEpochArgs {
    /// Folder of the epoch
    pub(crate) epoch: PathBuf,
    /// Answers that will be drawn and proved: the fewer, the more bond the epoch exposes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) draws: u16,
    /// Model directory [default: the one that the epoch was opened with]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
What is there already is kept, on disk and on chain: the same command again goes on.

Examples:
  nanozk epoch advance epoch-0 --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk epoch advance epoch-0 --vouchers vouchers --wait --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct AdvanceArgs {
    /// Folder of the epoch
    pub(crate) epoch: PathBuf,
    /// Model directory [default: the one that the epoch was opened with]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Directory of requesters' vouchers, to be redeemed as soon as the epoch is settled
    #[arg(long, value_name = "DIR")]
    pub(crate) vouchers: Option<PathBuf>,
    /// Wait for blocks, and go on until the epoch is settled
    #[arg(long)]
    pub(crate) wait: bool,
    /// Memory for a proof, in GiB, the model included
    #[arg(long, value_name = "GIB")]
    pub(crate) memory: Option<f64>,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The directory has a folder for each epoch, by number, as nanozk serve --epochs fills and closes them. Each that is closed is \
committed to, drawn from, proved and settled; disputes are answered; vouchers in DIR/vouchers are redeemed. What failed is tried \
again. It may be killed at any time: the same command goes on with what is on disk and on chain.

Example:
  nanozk epoch keep epochs --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct KeepArgs {
    /// Directory of the folders of epochs
    pub(crate) epochs: PathBuf,
    /// Model directory [default: the one that the epochs were opened with]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// End when nothing is due before something that has to be waited for
    #[arg(long)]
    pub(crate) once: bool,
    /// Memory for a proof, in GiB, the model included
    #[arg(long, value_name = "GIB")]
    pub(crate) memory: Option<f64>,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A requester signs a voucher only after it has seen that all of its receipts are in the roots: an answer that is left out is never \
drawn.

Examples:
  nanozk epoch paths epoch-0 --requester 0x… -o paths.json
  nanozk epoch paths epoch-0 --requester 0x… --answers 0,3 -o paths.json")]
pub(crate) struct PathsArgs {
    /// Folder of the epoch
    pub(crate) epoch: PathBuf,
    /// Whose answers
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) requester: Address,
    /// Of these only, by place [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) answers: Option<Vec<u32>>,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  nanozk epoch status epoch-0 --rpc http://127.0.0.1:8545")]
pub(crate) struct EpochStatusArgs {
    /// Folder of the epoch
    pub(crate) epoch: PathBuf,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Prepaid money of a requester for one provider and version. Vouchers pay out of it; what is left comes back some days after it was \
closed.

Examples:
  nanozk channel fund 0.1eth --provider 0x… --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk channel pay receipt.json --paths paths.json --price 0.001eth -o voucher.json --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk channel close --provider 0x… --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) enum ChannelCommand {
    /// Free balance → channel
    Fund(FundArgs),
    /// Sign a voucher for answers, after a look at each of them
    Pay(PayArgs),
    /// Start to close a channel
    #[command(
        after_help = "Example:\n  nanozk channel close --provider 0x… --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Close(ChannelSendArgs),
    /// What is left of a closed channel → free balance
    #[command(
        after_help = "Example:\n  nanozk channel reclaim --provider 0x… --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Reclaim(ChannelSendArgs),
    /// Show a channel
    Show(ShowChannelArgs),
}

/// Whose line a channel is for.
#[derive(Debug, Args)]
pub(crate) struct LineArgs {
    /// Provider
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) provider: Address,
    /// Registered version
    #[arg(long, value_name = "HEX")]
    pub(crate) model_version: B256,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  nanozk channel fund 0.1eth --provider 0x… --model-version 0x… --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct FundArgs {
    /// Amount, such as 0.1eth or 5gwei; of a token such as 1000units, its smallest
    pub(crate) amount: Amount,
    #[command(flatten)]
    pub(crate) line: LineArgs,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ChannelSendArgs {
    #[command(flatten)]
    pub(crate) line: LineArgs,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  nanozk channel show --requester 0x… --provider 0x… --model-version 0x… --rpc http://127.0.0.1:8545")]
pub(crate) struct ShowChannelArgs {
    /// Who pays
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) requester: Address,
    #[command(flatten)]
    pub(crate) line: LineArgs,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Refuses receipts that the provider did not sign, and answers that are not in the roots that it committed to. Whether answers are \
true is for the draw, and for whoever runs the model again. A voucher says all that the channel has paid: the one of an earlier \
epoch is continued.

Example:
  nanozk channel pay receipt.json --paths paths.json --price 0.001eth -o voucher.json --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct PayArgs {
    /// Files of receipts, one or many in each, all of one epoch: those that the paths are of
    #[arg(required = true)]
    pub(crate) receipts: Vec<PathBuf>,
    /// What leads from them to the roots (nanozk epoch paths)
    #[arg(long, value_name = "FILE")]
    pub(crate) paths: PathBuf,
    /// For each answer
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) price: Amount,
    /// The last voucher that was signed on this channel [default: none since what was redeemed]
    #[arg(long, value_name = "FILE")]
    pub(crate) after: Option<PathBuf>,
    /// Voucher, for the provider
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}
