//! The command line.

mod chain;
mod dispute;
mod epoch;
#[cfg(test)]
mod examples;
mod numbers;
mod prompt;
#[cfg(test)]
mod reference;
mod relayer;
mod serve;

pub(crate) use chain::*;
use clap::{Args, Parser, Subcommand};
pub(crate) use dispute::*;
pub(crate) use epoch::*;
use nanozk_executor::{Architecture, synthetic};
use nanozk_verifier::hex::Digest32;
use numbers::{factor, fraction, gib, positions, positive, price};
pub(crate) use prompt::*;
pub(crate) use relayer::*;
pub(crate) use serve::*;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples, from a checkpoint to a verified session:
  nanozk model import ./gpt2 -o model --calibration text.txt --tokens 32
  nanozk run --model model --prompt 'Ownership is' --max-new-tokens 8 -o session
  nanozk prove session
  nanozk verify session --model-id 0x…

Over HTTP, with receipts that can be proved later:
  nanozk serve --model model --answers answers --private-key-file provider.key
  nanozk receipt verify answer.json --provider 0x… --model model

On a chain, with --rpc URL and a key:
  nanozk deploy; nanozk model register model; nanozk escrow deposit 1eth
  nanozk job request --model model --prompt 'Ownership is' --max-new-tokens 8 --price 0.001eth; nanozk job open request.json
  nanozk job lock request.json; nanozk run --model model --request request.json -o session
  nanozk claim post session; nanozk aggregate session; nanozk claim prove session; nanozk claim status session
  nanozk relayer init; nanozk relayer run      # does the last line by itself, and answers challenges
  nanozk epoch open epoch-0 --model model; nanozk epoch close epoch-0 --draws 64; nanozk epoch advance epoch-0      # many answers

Exit codes: 0 done or accepted, 1 judged and not accepted, 2 error, 130 interrupted.
Where standard error is no terminal, progress is a line every 5 seconds; NANOZK_PROGRESS_SECONDS changes that, 0 ends it.";

/// Zero-knowledge proofs of transformer inference.
///
/// A provider registers a model version by commitments to its quantized weights, claims that it gave these
/// tokens for that prompt, and proves it: all layers or some of them. A verifier learns neither weights nor prompt.
#[derive(Debug, Parser)]
#[command(name = "nanozk", version, propagate_version = true, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print JSON objects, one per line, instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Where setups and keys are kept [default: the platform's directory for data]
    #[arg(long, global = true, env = "NANOZK_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import models, and look at imported ones
    #[command(subcommand)]
    Model(ModelCommand),
    /// Generate text, and commit to the computation
    Run(RunArgs),
    /// Serve models over HTTP, with a receipt for each answer
    Serve(ServeArgs),
    /// Check receipts of served answers, and make claims of them
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Prove the layers of a session
    Prove(ProveArgs),
    /// Make the final proof of sessions, which contracts verify: small, and nobody learns anything from it
    Aggregate(AggregateArgs),
    /// Verify a session
    Verify(VerifyArgs),
    /// Compare the integer model with the float model on a text
    Eval(EvalArgs),
    /// Measure proofs
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Compute how likely chance makes a false claim pass, and say what else is assumed
    Soundness(SoundnessArgs),
    /// Manage KZG parameters
    #[command(subcommand)]
    Setup(SetupCommand),
    /// Measure which layers matter: Fisher information, and what a part of the layers covers
    Importance(ImportanceArgs),
    /// Deploy the contracts
    Deploy(DeployArgs),
    /// Freeze the verifier for ever (guardian)
    Freeze(FreezeArgs),
    /// Move money in and out of the escrow
    #[command(subcommand)]
    Escrow(EscrowCommand),
    /// Ask for inference, and take such jobs
    #[command(subcommand)]
    Job(JobCommand),
    /// Claim an answer; prove, challenge, settle and look at claims
    #[command(subcommand)]
    Claim(ClaimCommand),
    /// Give many answers behind one bond and one proof (provider)
    #[command(subcommand)]
    Epoch(EpochCommand),
    /// Pay for answers of epochs (requester)
    #[command(subcommand)]
    Channel(ChannelCommand),
    /// Demand to see answers of epochs, challenge them, and slash who is silent
    #[command(subcommand)]
    Dispute(DisputeCommand),
    /// Execute a session again, whose provider disclosed its secret part, and compare it with what it claims
    Reexecute(ReexecuteArgs),
    /// Read an answer (requester)
    #[command(subcommand)]
    Output(OutputCommand),
    /// Run the service that takes claims through their life on chain
    #[command(subcommand)]
    Relayer(RelayerCommand),
    /// Say what this machine lacks, and how to get it
    Doctor(DoctorArgs),
    /// Print what a shell needs to complete this command's arguments
    Completions(CompletionsArgs),
    /// Write the pages of the manual: one for each command
    Man(ManArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Looks at the machine, at the tools that building and the demo need, and at the data directory; with --model and --rpc at a model and \
a node, too. Exits with 1 if something that was asked about is missing; warnings are no reason.

Examples:
  nanozk doctor
  nanozk doctor --model model --rpc http://127.0.0.1:8545 --private-key-file key")]
pub(crate) struct DoctorArgs {
    /// Model directory
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// JSON-RPC address of a node
    #[arg(long, value_name = "URL", env = "NANOZK_RPC")]
    pub(crate) rpc: Option<String>,
    /// File of the deployment [default: of chain 1, deployments/1.json, and so on]
    #[arg(long, value_name = "FILE", env = "NANOZK_DEPLOYMENT")]
    pub(crate) deployment: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nanozk completions bash > ~/.local/share/bash-completion/completions/nanozk
  nanozk completions zsh > ~/.zfunc/_nanozk
  nanozk completions fish > ~/.config/fish/completions/nanozk.fish")]
pub(crate) struct CompletionsArgs {
    /// Shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  nanozk man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Directory to write them to
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Example:
  nanozk model import test/models/tiny-gpt2 -o model --calibration test/models/texts/calibration.txt --tokens 32
  nanozk model inspect model")]
pub(crate) enum ModelCommand {
    /// Quantize a Hugging Face checkpoint (GPT-2, Llama, Mistral, Qwen 2 and 3) and commit to its weights
    Import(ImportArgs),
    /// Show what was registered, and how it was quantized
    Inspect(InspectArgs),
    /// Print the model id, and nothing else
    #[command(after_help = "Example:\n  nanozk model id model")]
    Id(ModelIdArgs),
    /// Compute the keys of a version's programs again, from its dimensions, weights and setup alone
    Verify(ModelVerifyArgs),
    /// Register a model version on chain
    Register(Box<RegisterArgs>),
}

#[derive(Debug, Args)]
#[command(after_help = "\
A contract takes a proof for a layer's if it is one under a key that the model id binds. That the key is one of this layer \
nobody checked: this command does. It needs the manifest and the setup, not the model. Exit code 0 if all keys are what they \
must be, 1 if not.

Examples:
  nanozk model verify model/manifest.json
  nanozk model verify manifest.json --model-id 0x…")]
pub(crate) struct ModelVerifyArgs {
    /// The manifest
    pub(crate) manifest: PathBuf,
    /// Id that it must have
    #[arg(long, value_name = "HEX")]
    pub(crate) model_id: Option<Digest32>,
}

#[derive(Debug, Args)]
pub(crate) struct ModelIdArgs {
    /// Model directory
    pub(crate) model: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The provider discloses secret.json of its session to the requester, or to a watcher. From it and the model follow all \
that the provider may claim: both digests, and every commitment between layers. If claim.json is there too, it is \
compared with them: exit code 1 if it claims something else, with the first layer that differs.

Example:
  nanozk reexecute session --model model")]
pub(crate) struct ReexecuteArgs {
    /// Directory with secret.json
    pub(crate) session: PathBuf,
    /// Model directory [default: the one the session was made with]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Example:\n  nanozk output open output.json --request request.json --rpc http://127.0.0.1:8545"
)]
pub(crate) enum OutputCommand {
    /// Check that an answer is the one to a request and was claimed, and print its text
    Open(OpenOutputArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The provider gives output.json of its session to the requester. That it opens the digest that it names itself shows \
only that the file is whole: give --rpc to compare with the claim on chain, or --output-digest with the digest in the \
claim. Exit code 0 if the answer is accepted, 1 if it is of another job or does not open the digest.

Examples:
  nanozk output open output.json --request request.json --rpc http://127.0.0.1:8545
  nanozk output open output.json --request request.json --output-digest 0x…")]
pub(crate) struct OpenOutputArgs {
    /// The answer: output.json of a session
    pub(crate) output: PathBuf,
    /// The request that it answers
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,
    /// Digest that is claimed
    #[arg(long, value_name = "HEX")]
    pub(crate) output_digest: Option<Digest32>,
    /// JSON-RPC address of a node: compare with the claim on chain
    #[arg(long, value_name = "URL", env = "NANOZK_RPC")]
    pub(crate) rpc: Option<String>,
    /// File of the deployment [default: of chain 1, deployments/1.json, and so on]
    #[arg(long, value_name = "FILE", env = "NANOZK_DEPLOYMENT")]
    pub(crate) deployment: Option<PathBuf>,
    /// Model directory, for the tokenizer [default: where it was last time on this machine]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The checkpoint is a directory with config.json, weights (model.safetensors, pytorch_model.bin, or their shards) and \
a tokenizer (tokenizer.json, or vocab.json and merges.txt). What a configuration asks for and is not implemented is \
refused by name. \
The model id that is printed binds weights, number formats, tokenizer, programs and setup.

Example:
  nanozk model import test/models/tiny-gpt2 -o model --calibration test/models/texts/calibration.txt --tokens 32")]
pub(crate) struct ImportArgs {
    /// Directory of the checkpoint
    pub(crate) checkpoint: PathBuf,
    /// Directory to write
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Text that shows the ranges of activations [default: calibration.txt of the checkpoint]
    #[arg(long, value_name = "FILE")]
    pub(crate) calibration: Option<PathBuf>,
    /// Windows of calibration text, each as long as a session, at most [default: as many as hold 2,048 tokens]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) windows: Option<usize>,
    /// Representable range over the greatest magnitude seen, at least [default: estimated from how much the windows
    /// differ]; a range that no text can leave is enough
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    pub(crate) headroom: Option<f64>,
    /// Memory that must be enough, in GiB: fewer windows at a time than there are processors if need be
    #[arg(long, value_name = "GIB", value_parser = gib)]
    pub(crate) memory: Option<f64>,
    /// Only quantize, for nanozk eval: nothing is planned, committed to or registered, and nothing can be proved
    #[arg(long, conflicts_with = "setup")]
    pub(crate) no_commitments: bool,
    /// Positions of a session, prompt and generated tokens together; rounded up to 4, 8, 16, …
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = positive)]
    pub(crate) tokens: usize,
    /// KZG parameters: development (insecure), ceremony (imported before), or a ceremony's file
    #[arg(
        long,
        default_value = "development",
        value_name = "development|ceremony|FILE"
    )]
    pub(crate) setup: String,
    /// CPU seconds that one commitment less in a proof is worth
    #[arg(long, value_name = "SECONDS", default_value_t = 0.19, value_parser = price)]
    pub(crate) commitment_price: f64,
    /// Logarithm of the greatest number of rows of a column
    #[arg(long, value_name = "K", default_value_t = 22, value_parser = clap::value_parser!(u32).range(10..=24))]
    pub(crate) max_k: u32,
    /// Replace the output directory if it is a model, which is kept under another name: it has a secret
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the quantization report and the plan
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  nanozk model inspect model")]
pub(crate) struct InspectArgs {
    /// Model directory
    pub(crate) model: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Decoding is greedy: each token is the most likely one, the lowest id if several are. It stops after a stop token of \
the model (nanozk model inspect shows them), which belongs to the answer, unless --ignore-eos is given. \
The session directory gets the public claim (claim.json and manifest.json) and secret.json, which opens it.

With --request, prompt, salt and number of tokens are those of a job (nanozk job request), and the claim is \
made for it. A job orders an exact number of tokens: a stop token does not end it.

Examples:
  nanozk run --model model --prompt 'Ownership is' --max-new-tokens 8 -o session
  nanozk run --model model --prompt-file prompt.txt --max-new-tokens 8 -o session
  pass show prompt | nanozk run --model model --prompt - --max-new-tokens 8 -o session
  nanozk run --model model --request request.json --recipient 0x… -o session")]
pub(crate) struct RunArgs {
    /// Model directory
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) prompt: RunPromptArgs,
    #[command(flatten)]
    pub(crate) tokenize: TokenizeArgs,
    /// Tokens to generate, at most
    #[arg(
        long,
        value_name = "N",
        value_parser = positive,
        required_unless_present = "request",
        conflicts_with = "request"
    )]
    pub(crate) max_new_tokens: Option<usize>,
    /// Go on after a stop token, until --max-new-tokens
    #[arg(long, conflicts_with = "request")]
    pub(crate) ignore_eos: bool,
    /// Session directory to write
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Chain where the claim is made (EIP-155); 0 off chain
    #[arg(
        long,
        value_name = "ID",
        default_value_t = 0,
        conflicts_with = "request"
    )]
    pub(crate) chain: u64,
    /// Address of the contract that keeps the claim (ClaimBook)
    #[arg(long, value_name = "ADDRESS", value_parser = word, conflicts_with = "request")]
    pub(crate) contract: Option<Digest32>,
    /// Claim: 32 bytes in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = word, conflicts_with = "request")]
    pub(crate) claim: Option<Digest32>,
    /// Address that is paid [default, with --request: the provider it names]
    #[arg(long, value_name = "ADDRESS", value_parser = word)]
    pub(crate) recipient: Option<Digest32>,
    /// Replace the output directory if it is a session, which is kept under another name: it has a secret
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Layers are counted from zero: 0 is the embedding, the last one is the head. The layers get one joint proof, or a few if \
--memory asks for it. A valid proof that is there already is kept, so an interrupted run goes on where it was. Joint proofs are \
for the provider and whoever it shows them to; contracts take final proofs (nanozk aggregate).

With --budget, that part of the layers is drawn by importance (see nanozk importance). The seed must be a \
beacon nobody could know before the session's commitments were public, or a cheater picks its layers.

Examples:
  nanozk prove session
  nanozk prove session --layers 0,3-5
  nanozk prove session --budget 0.5 --seed 0x…")]
pub(crate) struct ProveArgs {
    /// Session directory
    pub(crate) session: PathBuf,
    /// Model directory [default: where the session was made]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Layers to prove, such as 0,3-5 [default: all]
    #[arg(long, value_name = "LIST", value_parser = layer_list, conflicts_with = "budget")]
    pub(crate) layers: Option<LayerList>,
    /// Memory that must be enough, in GiB: more and smaller proofs if need be
    #[arg(long, value_name = "GIB", value_parser = gib)]
    pub(crate) memory: Option<f64>,
    /// Part of the layers to prove, above 0 and at most 1
    #[arg(long, value_name = "FRACTION", requires = "seed", value_parser = fraction)]
    pub(crate) budget: Option<f64>,
    /// Beacon from which the layers are drawn: 32 bytes in hexadecimal
    #[arg(long, value_name = "HEX", requires = "budget")]
    pub(crate) seed: Option<Digest32>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Makes joint proofs that are not there yet, of programs that the model is registered with; over each a node, a proof that it was \
verified; nodes over up to three nodes until there is one; and the final proof over that. Whatever is proved already is kept, so an \
interrupted run goes on where it was. The final proof has 1,152 bytes for any layers of any number of sessions; models may be \
different ones, but of one setup, of which it takes 2^21 powers.

Of one session the proof is final.json in its directory, unless -o says otherwise; of several, -o is needed. --layers is given \
once for each session, in their order, or not at all.

Examples:
  nanozk aggregate session
  nanozk aggregate session --layers 3 -o layer-3.json
  nanozk aggregate one two --layers all --layers 0,5 -o both.json
  nanozk verify session --final --model-id 0x…")]
pub(crate) struct AggregateArgs {
    /// Session directories
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<PathBuf>,
    /// Layers to prove, such as 0,3-5, or all [default: all of each session]
    #[arg(long, value_name = "LIST", value_parser = layers_or_all)]
    pub(crate) layers: Vec<LayersOrAll>,
    /// File to write [default: final.json of the session]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Model directory [default: where each session was made]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Memory that must be enough for joint proofs, in GiB
    #[arg(long, value_name = "GIB", value_parser = gib)]
    pub(crate) memory: Option<f64>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Needs manifest.json, claim.json and proofs/ of the session, or with --final its final.json. A final proof over several \
sessions is a file of its own; it is verified with all of them, in the order in which it was made. Exit code 0 if every session \
is accepted, 1 if one is rejected, 2 if they cannot be judged.

Examples:
  nanozk verify session --model-id 0x…
  nanozk verify session --final --model-id 0x…
  nanozk verify one two --final --file both.json --model-id 0x…")]
pub(crate) struct VerifyArgs {
    /// Session directories: one, or with --final those that the proof is over
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<PathBuf>,
    /// Id of the model version the claim must be of; given once, or once for each session
    #[arg(long = "model-id", value_name = "HEX", required = true)]
    pub(crate) model_ids: Vec<Digest32>,
    /// Verify a final proof, instead of proofs/
    #[arg(long = "final")]
    pub(crate) is_final: bool,
    /// File of the final proof [default: final.json of the session]
    #[arg(long, value_name = "FILE", requires = "is_final")]
    pub(crate) file: Option<PathBuf>,
    /// Verify by this key of final proofs instead of the setup, as contracts do: the keys that the model was registered with are
    /// believed (nanozk model verify checks them)
    #[arg(long, value_name = "FILE", requires = "is_final")]
    pub(crate) final_key: Option<PathBuf>,
    /// Accept a session of which not every layer is proved
    #[arg(long)]
    pub(crate) partial: bool,
    /// With --partial: the layers that this beacon draws must be among the proved ones
    #[arg(long, value_name = "HEX", requires = "partial")]
    pub(crate) seed: Option<Digest32>,
    /// Accept the development setup for a claim on a public chain
    #[arg(long)]
    pub(crate) allow_development: bool,
    /// Also check secret.json against the digests, and print the text
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Model directory, for the tokenizer of --reveal [default: where the session was made]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Windows of the text on which the integer model leaves a range are counted and left out.

Example:
  nanozk eval --model model --text test/models/texts/heldout.txt")]
pub(crate) struct EvalArgs {
    /// Model directory
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Text that was not used for calibration
    #[arg(long, value_name = "FILE")]
    pub(crate) text: PathBuf,
    /// Tokens of a window [default: those of a session]
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<usize>,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  nanozk bench layer --width 768 --heads 12 --tokens 32")]
pub(crate) enum BenchCommand {
    /// Prove a block with synthetic weights
    Layer(BenchLayerArgs),
    /// Prove a whole model with synthetic weights, from tokens to tokens
    Model(BenchModelArgs),
    /// Quantize a checkpoint of any shape, with synthetic weights
    Import(BenchImportArgs),
    /// Run a model with synthetic weights as a provider serves it: tokens per second
    Run(BenchRunArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Generates tokens after a prompt, several times, and prints medians: tokens of the prompt per second, until the first token \
is chosen, and tokens per second after that one; and the memory of the weights. bench/llama.py runs llama.cpp beside it.

Examples:
  nanozk bench run --like gpt2
  nanozk bench run --like smollm2-135m --prompt 256 --generated 128 --threads 1 --json
  nanozk bench run --layers 2 --width 64 --heads 4 --vocab 1000 --context 64 --prompt 16 --generated 16
  nanozk bench run --model model --prompt 16 --generated 16")]
pub(crate) struct BenchRunArgs {
    /// Model directory, in place of synthetic weights
    #[arg(long, value_name = "DIR", conflicts_with_all = ["layers", "width", "heads", "mlp_width", "vocab", "context"])]
    pub(crate) model: Option<PathBuf>,
    /// Dimensions of a model in use
    #[arg(long, value_name = "NAME", value_parser = known_shape, conflicts_with_all = ["model", "layers", "width", "heads", "mlp_width", "vocab", "context"])]
    pub(crate) like: Option<KnownShape>,
    /// Blocks
    #[arg(long, default_value_t = 12, value_parser = positive)]
    pub(crate) layers: usize,
    /// Width of the residual stream
    #[arg(long, default_value_t = 768, value_parser = positive)]
    pub(crate) width: usize,
    /// Attention heads
    #[arg(long, default_value_t = 12, value_parser = positive)]
    pub(crate) heads: usize,
    /// Width of the MLP [default: four times the width]
    #[arg(long, value_parser = positive)]
    pub(crate) mlp_width: Option<usize>,
    /// Vocabulary
    #[arg(long, default_value_t = 50_257, value_parser = positive)]
    pub(crate) vocab: usize,
    /// Greatest number of positions
    #[arg(long, default_value_t = 1024, value_parser = positive)]
    pub(crate) context: usize,
    /// Tokens of the prompt
    #[arg(long, default_value_t = 128, value_parser = positive)]
    pub(crate) prompt: usize,
    /// Generated tokens
    #[arg(long, default_value_t = 64, value_parser = positive)]
    pub(crate) generated: usize,
    /// Threads [default: one for each processor]
    #[arg(long, value_parser = positive)]
    pub(crate) threads: Option<usize>,
    /// How often
    #[arg(long, default_value_t = 5, value_parser = positive)]
    pub(crate) repeat: usize,
    /// Also run the float reference of the same shape, which is made with candle, on all processors
    #[arg(long)]
    pub(crate) candle: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Writes a checkpoint of the shape of GPT-2 small, or of another, with pseudorandom weights and a tokenizer as large as \
its vocabulary; quantizes it as nanozk model import does, up to the commitments; and prints processor time of all \
threads and the greatest resident memory, as the kernel counts them.

Examples:
  nanozk bench import --memory 4
  nanozk bench import --keep large
  nanozk model import large -o model --memory 4
  nanozk bench import --like smollm2-135m
  nanozk bench import --layers 2 --width 64 --heads 4 --vocab 1000 --context 64 --tokens 16")]
pub(crate) struct BenchImportArgs {
    /// Dimensions of a model in use
    #[arg(long, value_name = "NAME", value_parser = known_shape, conflicts_with_all = ["layers", "width", "heads", "vocab", "context"])]
    pub(crate) like: Option<KnownShape>,
    /// Blocks
    #[arg(long, default_value_t = 12)]
    pub(crate) layers: usize,
    /// Width of the residual stream
    #[arg(long, default_value_t = 768)]
    pub(crate) width: usize,
    /// Attention heads
    #[arg(long, default_value_t = 12)]
    pub(crate) heads: usize,
    /// Vocabulary
    #[arg(long, default_value_t = 50_257)]
    pub(crate) vocab: usize,
    /// Greatest number of positions
    #[arg(long, default_value_t = 1024)]
    pub(crate) context: usize,
    /// Positions of a session
    #[arg(long, default_value_t = 32)]
    pub(crate) tokens: usize,
    /// Keep the checkpoint in this directory, with its calibration text, for nanozk model import
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Windows of calibration text [default: as nanozk model import]
    #[arg(long)]
    pub(crate) windows: Option<usize>,
    /// Fail if more memory was resident than this, in GiB
    #[arg(long, value_name = "GIB")]
    pub(crate) memory: Option<f64>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
One joint proof is about attention and MLP: first the layouts that the planner compared, then the time of each stage. The proof \
is verified, five times: the time is the median. CPU seconds are of all threads.

Examples, the widths of GPT-2 small and of Llama 3 8B:
  nanozk bench layer --width 768 --heads 12 --tokens 32 --final
  nanozk bench layer --like llama-3-8b --tokens 32 --final")]
pub(crate) struct BenchLayerArgs {
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    #[command(flatten)]
    pub(crate) above: AboveArgs,
}

/// What is proved over a joint proof.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct AboveArgs {
    /// Also prove that the proof was verified: a node
    #[arg(long)]
    pub(crate) node: bool,
    /// Also make the final proof over the node
    #[arg(long = "final")]
    pub(crate) is_final: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Says which layouts the planner compared, the time of each stage, and the greatest resident memory. Every proof is \
verified, five times: the time is the median. CPU seconds are of all threads.

Examples:
  nanozk bench model --memory 8
  nanozk bench model --k 21 --final
  nanozk bench model --like smollm2-135m --tokens 16 --final
  nanozk bench model --layers 2 --width 64 --heads 4 --vocab 1000 --tokens 16 --generated 4
  nanozk bench model --model model")]
pub(crate) struct BenchModelArgs {
    /// Model directory, in place of synthetic weights
    #[arg(long, value_name = "DIR", conflicts_with_all = ["layers", "width", "heads", "mlp_width", "vocab", "tokens"])]
    pub(crate) model: Option<PathBuf>,
    /// Dimensions of a model in use
    #[arg(long, value_name = "NAME", value_parser = known_shape, conflicts_with_all = ["model", "layers", "width", "heads", "mlp_width", "vocab"])]
    pub(crate) like: Option<KnownShape>,
    /// Blocks
    #[arg(long, default_value_t = 12, value_parser = positive)]
    pub(crate) layers: usize,
    /// Width of the residual stream
    #[arg(long, default_value_t = 768, value_parser = positive)]
    pub(crate) width: usize,
    /// Attention heads
    #[arg(long, default_value_t = 12, value_parser = positive)]
    pub(crate) heads: usize,
    /// Width of the MLP [default: four times the width]
    #[arg(long, value_parser = positive)]
    pub(crate) mlp_width: Option<usize>,
    /// Vocabulary
    #[arg(long, default_value_t = 50_257, value_parser = positive)]
    pub(crate) vocab: usize,
    /// Positions: 4, 8, 16, …
    #[arg(long, default_value_t = 32, value_parser = positions)]
    pub(crate) tokens: usize,
    /// Generated tokens; the others are the prompt
    #[arg(long, default_value_t = 8, value_parser = positive)]
    pub(crate) generated: usize,
    /// Logarithm of the number of rows [default: the planner's choice]
    #[arg(long, value_parser = clap::value_parser!(u32).range(10..=24))]
    pub(crate) k: Option<u32>,
    /// CPU seconds that one commitment less is worth
    #[arg(long, value_name = "SECONDS", default_value_t = 0.19, value_parser = price)]
    pub(crate) commitment_price: f64,
    #[command(flatten)]
    pub(crate) above: AboveArgs,
    /// Plan for so much memory, in GiB, and fail if more was resident
    #[arg(long, value_name = "GIB")]
    pub(crate) memory: Option<f64>,
}

/// Dimensions of a model in use, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownShape(pub(crate) Architecture);

fn known_shape(name: &str) -> Result<KnownShape, String> {
    let found = synthetic::KNOWN.iter().find(|(known, _)| *known == name);
    found.map(|(_, arch)| KnownShape(*arch)).ok_or_else(|| {
        let names = synthetic::KNOWN.map(|(known, _)| known);
        format!("known are {}", names.join(", "))
    })
}

/// Dimensions of a model that need not exist.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShapeArgs {
    /// Width of the residual stream
    #[arg(long, value_parser = positive, required_unless_present = "like")]
    pub(crate) width: Option<usize>,
    /// Attention heads
    #[arg(long, value_parser = positive, required_unless_present = "like")]
    pub(crate) heads: Option<usize>,
    /// Dimensions of a model in use
    #[arg(long, value_name = "NAME", value_parser = known_shape, conflicts_with_all = ["width", "heads", "mlp_width"])]
    pub(crate) like: Option<KnownShape>,
    /// Positions: 4, 8, 16, …
    #[arg(long, value_parser = positions)]
    pub(crate) tokens: usize,
    /// Width of the MLP [default: four times the width]
    #[arg(long, value_parser = positive)]
    pub(crate) mlp_width: Option<usize>,
    /// Logarithm of the number of rows [default: the planner's choice]
    #[arg(long, value_parser = clap::value_parser!(u32).range(10..=24))]
    pub(crate) k: Option<u32>,
    /// CPU seconds that one commitment less in a proof is worth
    #[arg(long, value_name = "SECONDS", default_value_t = 0.19, value_parser = price)]
    pub(crate) commitment_price: f64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nanozk soundness --model model
  nanozk soundness --width 768 --heads 12 --tokens 32 --blocks 12 --vocab 50257")]
pub(crate) struct SoundnessArgs {
    /// Model directory
    #[arg(long, value_name = "DIR", conflicts_with_all = ["width", "heads", "tokens", "mlp_width"])]
    pub(crate) model: Option<PathBuf>,
    /// Width of the residual stream
    #[arg(long, value_parser = positive, required_unless_present = "model")]
    pub(crate) width: Option<usize>,
    /// Attention heads
    #[arg(long, value_parser = positive, required_unless_present = "model")]
    pub(crate) heads: Option<usize>,
    /// Positions: 4, 8, 16, …
    #[arg(long, value_parser = positions, required_unless_present = "model")]
    pub(crate) tokens: Option<usize>,
    /// Width of the MLP [default: four times the width]
    #[arg(long, value_parser = positive)]
    pub(crate) mlp_width: Option<usize>,
    /// Blocks
    #[arg(long, default_value_t = 12, value_parser = positive)]
    pub(crate) blocks: usize,
    /// Vocabulary
    #[arg(long, default_value_t = 1024, value_parser = positive)]
    pub(crate) vocab: usize,
}

/// A BLAKE2b-512 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blake2b(pub(crate) [u8; 64]);

/// As tables of ceremonies have it: without 0x, perhaps in capitals, perhaps in groups.
fn blake2b(text: &str) -> Result<Blake2b, String> {
    let digits: String = text.split_whitespace().collect();
    let digits = digits.trim_start_matches("0x").to_ascii_lowercase();
    nanozk_verifier::hex::decode(&format!("0x{digits}"))
        .map(Blake2b)
        .map_err(|_| "a BLAKE2b-512 digest has 128 hexadecimal digits".into())
}

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Example:\n  nanozk setup import powersOfTau28_hez_final_18.ptau --name Hermez --k 18"
)]
pub(crate) enum SetupCommand {
    /// Check a ceremony's file (.ptau of snarkjs, .srs of halo2) and keep its powers
    #[command(after_help = "\
The file must have at least 2^k powers, of which the data directory keeps 64 bytes each: 128 MiB for k = 21. \
Ceremonies publish the BLAKE2b-512 digest of their files: give it with --blake2b, or compare it with the printed one.

Example:
  nanozk setup import powersOfTau28_hez_final_18.ptau --name 'Perpetual Powers of Tau' --k 18")]
    Import(SetupImportArgs),
    /// List the setups of the data directory
    #[command(after_help = "Example:\n  nanozk setup list")]
    List,
    /// Make the insecure development setup, ahead of its first use
    #[command(after_help = "Example:\n  nanozk setup development --k 14")]
    Development(SetupDevelopmentArgs),
    /// Write the key of final proofs, by which anybody verifies them without the setup
    #[command(after_help = "\
The key is of a kilobyte, the same for all models under a setup, and has the numbers that contracts have as constants. It takes \
seconds and 2^21 powers to compute. Publish it with its digest; nanozk verify --final --final-key and the verifier for browsers \
(packages/verifier) take it.

Example:
  nanozk setup final-key --development -o final-key.json")]
    FinalKey(SetupFinalKeyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SetupFinalKeyArgs {
    /// Of the development setup [default: of the smallest imported setup that is large enough]
    #[arg(long)]
    pub(crate) development: bool,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace the file
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetupImportArgs {
    /// The ceremony's file
    pub(crate) file: PathBuf,
    /// What the ceremony is called
    #[arg(long)]
    pub(crate) name: String,
    /// Logarithm of the number of powers
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=28))]
    pub(crate) k: u32,
    /// BLAKE2b-512 digest that the ceremony published of this file: another file is refused
    #[arg(long, value_name = "HEX", value_parser = blake2b)]
    pub(crate) blake2b: Option<Blake2b>,
}

#[derive(Debug, Args)]
pub(crate) struct SetupDevelopmentArgs {
    /// Logarithm of the number of powers
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=24))]
    pub(crate) k: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Fisher information of a layer: mean over windows of the squared norm of the gradient of the log likelihood \
with respect to its parameters. Stores importance.json in the model directory, for prove --budget.

Example:
  nanozk importance --model model --text test/models/texts/calibration.txt --windows 16 -o importance.svg")]
pub(crate) struct ImportanceArgs {
    /// Model directory
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Text
    #[arg(long, value_name = "FILE")]
    pub(crate) text: PathBuf,
    /// Windows of text, at most
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = positive)]
    pub(crate) windows: usize,
    /// Plot to write (SVG)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Layers, ascending, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerList(pub(crate) Vec<usize>);

/// Layers of a session, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LayersOrAll {
    /// All.
    All,
    /// Some.
    List(LayerList),
}

fn layers_or_all(text: &str) -> Result<LayersOrAll, String> {
    match text {
        "all" => Ok(LayersOrAll::All),
        list => layer_list(list).map(LayersOrAll::List),
    }
}

fn layer_list(text: &str) -> Result<LayerList, String> {
    /// More than any model has.
    const MANY: usize = 1 << 16;
    let number = |s: &str| {
        s.trim()
            .parse::<usize>()
            .ok()
            .filter(|n| *n < MANY)
            .ok_or(format!("{s:?} is not a layer: write layers like 0,3-5"))
    };
    let mut layers = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                if first > last {
                    return Err(format!("the range {part:?} runs backwards"));
                }
                layers.extend(first..=last);
            }
            None => layers.push(number(part)?),
        }
    }
    layers.sort_unstable();
    layers.dedup();
    Ok(LayerList(layers))
}

/// An address or 32 bytes, as one word; addresses are padded on the left.
fn word(text: &str) -> Result<Digest32, String> {
    if text.len() == 42 {
        return nanozk_chain::address::parse_address(text).map(nanozk_chain::claim::padded);
    }
    text.to_ascii_lowercase()
        .parse()
        .map_err(|e| format!("{e} (an address has 40 digits after 0x, a word 64)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn layer_lists() {
        let list = |s: &str| layer_list(s).map(|l| l.0);
        assert_eq!(list("0,3-5"), Ok(vec![0, 3, 4, 5]));
        assert_eq!(list("5, 1-2,2"), Ok(vec![1, 2, 5]));
        for bad in [
            "",
            "1,",
            "a",
            "5-3",
            "-1",
            "1-",
            "0-99999999999",
            "1-99999999",
        ] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words() {
        let address = "0x00000000000000000000000000000000000000ff";
        assert_eq!(word(address).unwrap().0[31], 0xff);
        // Its checksum says which letters are capital.
        assert!(word("0x00000000000000000000000000000000000000Ff").is_err());
        assert!(word("0x12").is_err());
        assert!(word(&"f".repeat(42)).is_err());
    }
}
