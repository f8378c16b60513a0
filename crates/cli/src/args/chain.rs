//! Options of the commands that talk to a chain.

use super::{PromptArgs, TokenizeArgs};
use clap::{Args, Subcommand, ValueEnum};
use nanozk_chain::address::parse_address;
use nanozk_chain::format::{Amount, parse_duration};
use nanozk_chain::primitives::{Address, B256, Bytes};
use std::path::PathBuf;

/// A node, and the contracts on its chain.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainArgs {
    /// JSON-RPC address of a node
    #[arg(long, value_name = "URL", env = "NANOZK_RPC")]
    pub(crate) rpc: String,
    /// File of the deployment [default: of chain 1, deployments/1.json, and so on]
    #[arg(long, value_name = "FILE", env = "NANOZK_DEPLOYMENT")]
    pub(crate) deployment: Option<PathBuf>,
    /// Block explorer, for links
    #[arg(long, value_name = "URL", env = "NANOZK_EXPLORER")]
    pub(crate) explorer: Option<String>,
    /// How long to wait for a transaction
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = parse_duration)]
    pub(crate) patience: u64,
}

/// Who signs. Keys are never taken from the command line, where others could read them.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct KeyArgs {
    /// File with a private key in hexadecimal [or: the variable NANOZK_PRIVATE_KEY]
    #[arg(long, value_name = "FILE", conflicts_with = "keystore")]
    pub(crate) private_key_file: Option<PathBuf>,
    /// Encrypted key (a keystore, as geth and cast write them)
    #[arg(long, value_name = "FILE", requires = "password_file")]
    pub(crate) keystore: Option<PathBuf>,
    /// Password of the keystore
    #[arg(long, value_name = "FILE", requires = "keystore")]
    pub(crate) password_file: Option<PathBuf>,
}

/// A command that sends transactions.
#[derive(Clone, Debug, Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Send nothing: say what would happen, and its gas
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The addresses depend on the account and the salt only. What is there already is checked and kept, so a \
deployment that was interrupted goes on where it was, and one that is complete sends nothing.

Examples:
  nanozk deploy --rpc http://127.0.0.1:8545 --private-key-file key --dry-run
  nanozk deploy --rpc https://rpc.example --keystore deployer.json --password-file password --guardian 0x…")]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    pub(crate) send: SendArgs,
    /// Who may freeze the verifier [default: the account]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) guardian: Option<Address>,
    /// Asset of prices, stakes and bonds: eth, or a token; may be repeated
    #[arg(long, value_name = "eth|ADDRESS", value_parser = asset, default_value = "eth")]
    pub(crate) asset: Vec<Address>,
    /// How long a bond waits before it can be taken out
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = parse_duration)]
    pub(crate) unbond_delay: u64,
    /// Blocks from a claim to the one whose RANDAO draws its layers; above 64, for proposers are known that far ahead
    #[arg(long, value_name = "N", default_value_t = 72, value_parser = clap::value_parser!(u64).range(32..=256))]
    pub(crate) beacon_delay: u64,
    /// Without the audited mode: for a chain whose prevrandao is no randomness, as on most rollups
    #[arg(long, conflicts_with = "beacon_delay")]
    pub(crate) no_audits: bool,
    /// How long the answers of an epoch can be disputed after its commitment
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = parse_duration)]
    pub(crate) epoch_challenge_window: u64,
    /// How long each turn of a dispute about an epoch's answer is
    #[arg(long, value_name = "TIME", default_value = "4h", value_parser = parse_duration)]
    pub(crate) epoch_answer_window: u64,
    /// Other addresses for another deployment of the same account
    #[arg(long, value_name = "TEXT", default_value = "nanozk")]
    pub(crate) salt: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
For a flaw in the verifier. At once no proof counts, open claims can be voided, which gives everybody back what they put in, and \
no job can be taken. It cannot be undone.

Example:
  nanozk freeze --reason 'a gate is missing' --rpc http://127.0.0.1:8545 --private-key-file guardian --dry-run")]
pub(crate) struct FreezeArgs {
    /// Verifier [default: the deployment's FinalVerifier]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) verifier: Option<Address>,
    /// Why; public
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The registry refuses parameters under which cheating on some layer would pay. What is not given is derived \
and explained; amounts have a unit: eth, gwei or wei, and units of a token, its smallest.

Examples:
  nanozk model register model --rpc http://127.0.0.1:8545 --private-key-file key --dry-run
  nanozk model register model --rpc http://127.0.0.1:8545 --private-key-file key --max-price 0.01eth --external-gain 1eth")]
pub(crate) struct RegisterArgs {
    /// Model directory
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
    /// Asset of prices, stakes and bonds
    #[arg(long, value_name = "eth|ADDRESS", value_parser = asset, default_value = "eth")]
    pub(crate) asset: Address,
    /// Greatest price of a job
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_price: Option<Amount>,
    /// Most that a false answer may be worth to a provider besides the price
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) external_gain: Option<Amount>,
    /// Stake that a provider loses if a claim is defeated
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) stake: Option<Amount>,
    /// Bond of a challenger
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) challenge_bond: Option<Amount>,
    /// Layers drawn for each audited claim
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) audits: Option<u16>,
    /// Cost of answering a challenge: proving a layer, and gas
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) answer_cost: Option<Amount>,
    /// File of audit weights, as nanozk importance writes it [default: the model's, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_weights: Option<PathBuf>,
    /// Where to read about the model
    #[arg(long, value_name = "URI", default_value = "")]
    pub(crate) metadata_uri: String,
}

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Example:\n  nanozk job open request.json --rpc http://127.0.0.1:8545 --private-key-file key\n  nanozk job status request.json --rpc http://127.0.0.1:8545"
)]
pub(crate) enum JobCommand {
    /// Write and sign a request (requester)
    Request(Box<RequestArgs>),
    /// Open a job, and hold its price (requester, or anybody for it)
    #[command(
        after_help = "Example:\n  nanozk job open request.json --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Open(RequestFileArgs),
    /// Take a job, and hold the stake (provider)
    Lock(LockArgs),
    /// Never take a job: signatures that were given for it are worth nothing any more (provider)
    #[command(
        after_help = "Example:\n  nanozk job decline request.json --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Decline(JobArgs),
    /// Show a job
    #[command(
        after_help = "Example:\n  nanozk job status request.json --rpc http://127.0.0.1:8545"
    )]
    Status(JobStatusArgs),
    /// Take an open job back, or a request that was not opened (requester; of a job that can be taken no more, anybody)
    #[command(
        after_help = "Example:\n  nanozk job cancel request.json --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Cancel(JobArgs),
    /// End a job that was taken and not claimed in time (anybody)
    #[command(
        after_help = "Example:\n  nanozk job expire request.json --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Expire(JobArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// Every layer is proven before a deadline
    Proofs,
    /// Settled after a window without an unanswered challenge
    Optimistic,
    /// As optimistic, and the layers that a beacon draws are proven
    Audited,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The request file has the prompt and its salt: give it to the provider only. The job's id is the digest that \
is signed.

Example:
  nanozk job request --model model --prompt 'Ownership is' --max-new-tokens 8 --price 0.001eth \\
    --rpc http://127.0.0.1:8545 --private-key-file key -o request.json
  nanozk job request --model model --prompt-file prompt.txt --max-new-tokens 8 --price 0.001eth \\
    --rpc http://127.0.0.1:8545 --private-key-file key -o request.json")]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Model directory, for the tokenizer and the model's id
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) prompt: PromptArgs,
    #[command(flatten)]
    pub(crate) tokenize: TokenizeArgs,
    /// Tokens to generate, exactly: a stop token does not end a job
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_new_tokens: u32,
    /// Registered version [default: the only one of the model]
    #[arg(long, value_name = "HEX")]
    pub(crate) model_version: Option<B256>,
    /// What is paid
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) price: Amount,
    /// How the claim is settled
    #[arg(long, value_enum, default_value_t = ModeArg::Proofs)]
    pub(crate) mode: ModeArg,
    /// Who may take the job [default: anybody with the stake]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) provider: Option<Address>,
    /// How long it may be taken
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) lock_within: u64,
    /// How long it may be claimed after that
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) claim_within: u64,
    /// How long layers may be challenged and the output be demanded; 0 in the mode of proofs: proofs settle at once
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) challenge_window: u64,
    /// How long the provider has to prove a layer
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) answer_window: u64,
    /// File to write
    #[arg(short, long, value_name = "FILE", default_value = "request.json")]
    pub(crate) output: PathBuf,
    /// Replace the file, which is kept under another name: it has the salt of its prompt
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RequestFileArgs {
    /// Request
    pub(crate) request: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A job that is taken and not claimed in time costs its price, out of the stake. So run the model first: then the answer is \
there, and the session is compared with the request before anything is staked.

Example:
  nanozk run --model model --request request.json -o session
  nanozk job lock request.json --session session --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct LockArgs {
    #[command(flatten)]
    pub(crate) request: RequestFileArgs,
    /// Session that answers it (nanozk run --request), to compare
    #[arg(long, value_name = "DIR")]
    pub(crate) session: Option<PathBuf>,
    /// Model directory, to see that it is the model that was ordered, and takes the prompt
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Take the job without a look at what answers it
    #[arg(long, conflicts_with_all = ["session", "model"])]
    pub(crate) unchecked: bool,
    /// How long the transaction may wait to be included: later it takes nothing
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_duration)]
    pub(crate) within: u64,
}

#[derive(Debug, Args)]
pub(crate) struct JobStatusArgs {
    /// Request, session directory, or id
    #[arg(value_name = "REQUEST|SESSION|ID")]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// Request, session directory, or id
    #[arg(value_name = "REQUEST|SESSION|ID")]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Money is deposited once; prices are held from the free balance, stakes from the bond, challenge bonds from the \
free balance.

Examples:
  nanozk escrow deposit 1eth --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk escrow bond 0.5eth --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) enum EscrowCommand {
    /// Pay in: to the free balance
    #[command(
        after_help = "Example:\n  nanozk escrow deposit 1eth --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Deposit(AmountArgs),
    /// Free balance → bond
    #[command(
        after_help = "Example:\n  nanozk escrow bond 0.5eth --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Bond(AmountArgs),
    /// Bond → queue; without an amount, what waited long enough → free balance
    #[command(
        after_help = "Example:\n  nanozk escrow unbond 0.5eth --rpc http://127.0.0.1:8545 --private-key-file key\n  nanozk escrow unbond --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Unbond(UnbondArgs),
    /// Pay out of the free balance
    #[command(
        after_help = "Example:\n  nanozk escrow withdraw 0.5eth --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Withdraw(WithdrawArgs),
    /// Show balances
    #[command(after_help = "Example:\n  nanozk escrow balance 0x… --rpc http://127.0.0.1:8545")]
    Balance(BalanceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AmountArgs {
    /// Amount, such as 0.1eth or 5gwei; of a token such as 1000units, its smallest
    pub(crate) amount: Amount,
    /// Asset
    #[arg(long, value_name = "eth|ADDRESS", value_parser = asset, default_value = "eth")]
    pub(crate) asset: Address,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UnbondArgs {
    /// Amount, such as 0.1eth or 5gwei; of a token such as 1000units, its smallest
    pub(crate) amount: Option<Amount>,
    /// Asset
    #[arg(long, value_name = "eth|ADDRESS", value_parser = asset, default_value = "eth")]
    pub(crate) asset: Address,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    pub(crate) amount: AmountArgs,
    /// Who gets it [default: the account]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) to: Option<Address>,
}

#[derive(Debug, Args)]
pub(crate) struct BalanceArgs {
    /// Account [default: that of the key]
    #[arg(value_parser = parse_address)]
    pub(crate) account: Option<Address>,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Example:\n  nanozk claim post session --rpc http://127.0.0.1:8545 --private-key-file key\n  nanozk claim status session --rpc http://127.0.0.1:8545"
)]
pub(crate) enum ClaimCommand {
    /// Post the claim of a session (provider, or anybody with its signature)
    Post(PostArgs),
    /// Sign a session for a relayer, which then needs no key of the provider (provider)
    Sign(SignArgs),
    /// Send a final proof: it answers challenges and draws; when no layer is left, the claim is settled (anybody)
    Prove(ProveClaimArgs),
    /// Challenge a layer (anybody with the bond)
    #[command(
        after_help = "Example:\n  nanozk claim challenge session --layer 3 --rpc http://127.0.0.1:8545 --private-key-file key\n  nanozk claim challenge session --whole --seed 0x… --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Challenge(ChallengeArgs),
    /// End a claim whose windows are over (anybody)
    #[command(
        after_help = "Example:\n  nanozk claim finalize session --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Finalize(ClaimArgs),
    /// Defeat a claim by a challenge that was not answered (anybody)
    #[command(
        after_help = "Example:\n  nanozk claim timeout session --layer 3 --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Timeout(TargetArgs),
    /// Defeat a claim whose layers that had to be proven were not (anybody)
    #[command(
        after_help = "Example:\n  nanozk claim expire session --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Expire(ClaimArgs),
    /// Void a claim whose verifier was frozen (anybody)
    #[command(
        after_help = "Example:\n  nanozk claim void session --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Void(ClaimArgs),
    /// Pay out the bonds of a challenge once the claim is over (anybody)
    #[command(
        after_help = "Example:\n  nanozk claim resolve session --layer 3 --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Resolve(TargetArgs),
    /// Show a claim: where it stands, who has to act, and where to look
    #[command(after_help = "Example:\n  nanozk claim status session --rpc http://127.0.0.1:8545")]
    Status(ClaimStatusArgs),
    /// Answer a demand for the output: publish tokens and salt (provider)
    #[command(
        after_help = "Example:\n  nanozk claim reveal-output session --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    RevealOutput(SessionArgs),
    /// Demand the output because it did not arrive (requester)
    #[command(
        after_help = "Example:\n  nanozk claim demand-output request.json --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    DemandOutput(ClaimArgs),
    /// Dispute tokens that the provider revealed: wrong ones defeat the claim (requester)
    #[command(
        after_help = "Example:\n  nanozk claim dispute-output request.json --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    DisputeOutput(ClaimArgs),
    /// Say that the output arrived, so that proofs settle at once (requester)
    #[command(
        after_help = "Example:\n  nanozk claim accept-output request.json --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    AcceptOutput(ClaimArgs),
    /// Draw the layers of an audited claim from the block that was fixed for it (anybody)
    #[command(
        after_help = "Example:\n  nanozk claim draw session --rpc http://127.0.0.1:8545 --private-key-file key"
    )]
    Draw(ClaimArgs),
    /// Have the chain verify a final proof of all layers, without a job and without a transaction (anybody)
    Check(CheckClaimArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nanozk claim post session --rpc http://127.0.0.1:8545 --private-key-file provider
  nanozk claim post session --rpc http://127.0.0.1:8545 --private-key-file provider --sign-only    # for a relayer
  nanozk claim post session --rpc http://127.0.0.1:8545 --private-key-file relayer --signature 0x…")]
pub(crate) struct PostArgs {
    /// Session directory
    pub(crate) session: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
    /// Print the provider's signature instead of sending
    #[arg(long, conflicts_with_all = ["signature", "dry_run"])]
    pub(crate) sign_only: bool,
    /// The provider's signature, if somebody else sends it
    #[arg(long, value_name = "HEX")]
    pub(crate) signature: Option<Bytes>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Writes signatures.json into the session: with it anybody can take the job, post the claim and, if it is demanded, publish \
the output, in the provider's name and for the recipient that the session names. Taking the job is possible for \
--lock-within only; nanozk job decline ends it earlier.

Example:
  nanozk claim sign session --rpc http://127.0.0.1:8545 --private-key-file provider")]
pub(crate) struct SignArgs {
    /// Session directory
    pub(crate) session: PathBuf,
    /// How long the signature takes the job
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) lock_within: u64,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The final proof comes from nanozk aggregate: final.json of a session, or a file about several. It may be about any layers of the \
claims: those that are challenged, those that are drawn, or all, which settles. Name the sessions whose claims it is about.

Examples:
  nanozk claim prove session --rpc http://127.0.0.1:8545 --private-key-file key
  nanozk claim prove one two --proof both.json --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct ProveClaimArgs {
    /// Session directories
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<PathBuf>,
    /// The final proof [default: final.json of the session]
    #[arg(long, value_name = "FILE")]
    pub(crate) proof: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Asks the contract StatementVerifier by eth_call, so it costs nothing; other contracts call it the same way, with the data that \
--calldata prints. The session must be made for it: nanozk run takes its address as --contract, the chain as --chain, whatever \
its caller goes by as --claim, and a recipient.

Examples:
  nanozk run --model model --prompt \"Hello\" --max-new-tokens 8 -o session --chain 31337 --contract 0x… --claim 0x… --recipient 0x…
  nanozk aggregate session
  nanozk claim check session --rpc http://127.0.0.1:8545
  nanozk claim check session --rpc http://127.0.0.1:8545 --calldata")]
pub(crate) struct CheckClaimArgs {
    /// Session directory
    pub(crate) session: PathBuf,
    /// The final proof [default: final.json of the session]
    #[arg(long, value_name = "FILE")]
    pub(crate) proof: Option<PathBuf>,
    /// Registered version [default: the only one of the model]
    #[arg(long, value_name = "HEX")]
    pub(crate) model_version: Option<B256>,
    /// Print the call's data instead of asking
    #[arg(long)]
    pub(crate) calldata: bool,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub(crate) struct ChallengeArgs {
    /// Session directory, request, or id of a job
    #[arg(value_name = "SESSION|REQUEST|ID")]
    pub(crate) claim: String,
    /// Layer, from zero
    #[arg(long, value_name = "N", group = "target", value_parser = clap::value_parser!(u64).range(..255))]
    pub(crate) layer: Option<u64>,
    /// The whole claim: only a proof of all layers answers
    #[arg(long, group = "target")]
    pub(crate) whole: bool,
    /// The session's seed, if its provider disclosed it: published, so that anybody can execute the session again
    #[arg(long, value_name = "HEX")]
    pub(crate) seed: Option<B256>,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub(crate) struct TargetArgs {
    /// Session directory, request, or id of a job
    #[arg(value_name = "SESSION|REQUEST|ID")]
    pub(crate) claim: String,
    /// Challenge of a layer, from zero
    #[arg(long, value_name = "N", group = "target", value_parser = clap::value_parser!(u64).range(..255))]
    pub(crate) layer: Option<u64>,
    /// Challenge of the whole claim
    #[arg(long, group = "target")]
    pub(crate) whole: bool,
    /// Challenge of the output
    #[arg(long, group = "target")]
    pub(crate) of_output: bool,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    /// Session directory, request, or id of a job
    #[arg(value_name = "SESSION|REQUEST|ID")]
    pub(crate) claim: String,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ClaimStatusArgs {
    /// Session directory, request, or id of a job
    #[arg(value_name = "SESSION|REQUEST|ID")]
    pub(crate) claim: String,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SessionArgs {
    /// Session directory, with its output.json
    pub(crate) session: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

/// `eth`, or the address of a token.
fn asset(text: &str) -> Result<Address, String> {
    match text.eq_ignore_ascii_case("eth") {
        true => Ok(Address::ZERO),
        false => parse_address(text)
            .map_err(|e| format!("{e}; an asset is eth, or the address of a token")),
    }
}
