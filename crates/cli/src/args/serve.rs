//! Options of the server, and of receipts.

use super::chain::KeyArgs;
use super::numbers::positive;
use super::relayer::LogArgs;
use super::word;
use clap::{Args, Subcommand};
use nanozk_chain::address::parse_address;
use nanozk_chain::epoch::answers::MAX_COUNT;
use nanozk_chain::format::parse_duration;
use nanozk_chain::primitives::Address;
use nanozk_verifier::hex::Digest32;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Clients of OpenAI's API work as they are: POST /v1/chat/completions and /v1/completions, streamed or not, GET /v1/models. \
Decoding is greedy; what a request asks for and is not implemented is refused by name.

Each answer has a member nanozk: a receipt, which the provider's key signs, and what opens it. What a proof takes is kept under \
--answers for as long as --keep says, and so does the receipt; nanozk receipt claim makes a session of it. Nothing is committed to \
before that, so a receipt costs next to nothing.

With --epochs a model's answers are of epochs: their receipts are of places in what the provider commits to, and requests name whose \
channel pays by a header Nanozk-Requester. nanozk epoch keep commits to them, proves what is drawn, and is paid. --answers is for \
models without.

Without --api-key-file only programs of this machine are answered. Interrupted once, it takes no more requests and finishes what \
it is generating.

Examples:
  nanozk serve --model model --answers answers --private-key-file provider.key
  nanozk serve --model small=./a --model large=./b --answers answers --keystore provider.json --password-file password \
--listen 0.0.0.0:8080 --api-key-file api.key --keep 90d
  nanozk serve --model model --epochs epochs --epoch-draws 64 --private-key-file provider.key
  curl http://127.0.0.1:8080/v1/completions -H 'Content-Type: application/json' \\
       -d '{\"model\": \"model\", \"prompt\": \"Ownership is\", \"max_tokens\": 8}'")]
pub(crate) struct ServeArgs {
    /// Model directory, and the name by which clients ask for it [default: the directory's]; more than once for several
    #[arg(long, value_name = "[NAME=]DIR", required = true)]
    pub(crate) model: Vec<String>,
    /// Directory where answers are kept
    #[arg(long, value_name = "DIR", required_unless_present = "epochs")]
    pub(crate) answers: Option<PathBuf>,
    /// How long answers are kept, at least
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    pub(crate) keep: u64,
    /// Directory of a model's epochs (nanozk epoch open DIR/NUMBER), and the model [default: the only one]; more than once for several
    #[arg(long, value_name = "[NAME=]DIR")]
    pub(crate) epochs: Vec<String>,
    /// An epoch is closed when it has so many answers
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_COUNT)), requires = "epochs")]
    pub(crate) epoch_answers: u32,
    /// An epoch with an answer is closed when it is so old
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_duration, requires = "epochs")]
    pub(crate) epoch_time: u64,
    /// Answers of an epoch that will be drawn and proved: the fewer, the more bond it exposes
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=256), requires = "epochs")]
    pub(crate) epoch_draws: u16,
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// File with the API key that clients have to send, of 16 characters or more
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Requests that may wait for a model; more are told to come again
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) queue: usize,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Example:
  nanozk receipt verify answer.json --provider 0x… --model model")]
pub(crate) enum ReceiptCommand {
    /// Check that an answer is what its provider signed
    Verify(VerifyReceiptArgs),
    /// Make a claim of a served answer, so that it can be proved
    Claim(ClaimReceiptArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The file is an answer as nanozk serve gave it (of a stream: the part that has the member nanozk), or receipt.json. The signature \
is checked, and that the tokens open the digests. A receipt is a promise, not a proof: what was signed can be proved, and a \
provider who cannot prove it has signed something false.

With --model also the text of the answer is compared with its tokens, and with --request, the body that was sent, the prompt with \
what the model's tokenizer and template make of it. Exit code 0 if all of it fits, 1 if not.

Examples:
  nanozk receipt verify answer.json --provider 0x…
  nanozk receipt verify answer.json --provider 0x… --model model --request request.json")]
pub(crate) struct VerifyReceiptArgs {
    /// Answer, or receipt
    pub(crate) file: PathBuf,
    /// Who has to have signed
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) provider: Option<Address>,
    /// Model version that has to be named
    #[arg(long, value_name = "HEX")]
    pub(crate) model_id: Option<Digest32>,
    /// Model directory, for the tokenizer
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Body of the request that was answered
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(crate) request: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Runs the model again on what was kept of the answer, and commits to the computation. The directory is a session then, as nanozk run \
makes them: it is proved with nanozk prove or nanozk aggregate, and no longer removed when the receipt expires.

Example:
  nanozk receipt claim answers/2026-11-29/5c31…; nanozk aggregate answers/2026-11-29/5c31…")]
pub(crate) struct ClaimReceiptArgs {
    /// Directory of the answer
    pub(crate) answer: PathBuf,
    /// Model directory [default: the one that it was served with]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Chain where the claim is made (EIP-155); 0 off chain
    #[arg(long, value_name = "ID", default_value_t = 0)]
    pub(crate) chain: u64,
    /// Address of the contract that keeps the claim (ClaimBook)
    #[arg(long, value_name = "ADDRESS", value_parser = word)]
    pub(crate) contract: Option<Digest32>,
    /// Claim: 32 bytes in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = word)]
    pub(crate) claim: Option<Digest32>,
    /// Address that is paid
    #[arg(long, value_name = "ADDRESS", value_parser = word)]
    pub(crate) recipient: Option<Digest32>,
}
