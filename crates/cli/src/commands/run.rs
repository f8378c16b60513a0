//! `nanozk run`.

use super::check_programs_once;
use super::prompt::{Prompt, read_prompt};
use crate::args::RunArgs;
use crate::data::{DEVELOPMENT_WARNING, Data, is_development, is_public_chain};
use crate::output::{Out, Progress, count};
use crate::staging::Staging;
use anyhow::{Context, Result, bail};
use nanozk::model_dir::{ModelDir, check_format};
use nanozk_chain::claim::context;
use nanozk_chain::output::{Opens, OutputFile};
use nanozk_chain::request::RequestFile;
use nanozk_executor::QuantizedModel;
use nanozk_model::Tokenizer;
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::session::{Generated, Secret, SessionDir};
use nanozk_verifier::CheckedManifest;
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::statement::Context as Claim;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

const LOCAL_FORMAT: &str = "nanozk-local-1";

/// What a session remembers of the machine it was made on: `local.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Local {
    /// [`LOCAL_FORMAT`].
    pub(super) format: String,
    /// Model directory.
    pub(super) model: PathBuf,
}

/// That of a model.
pub(super) fn local(dir: &ModelDir) -> Result<Local> {
    let path = dir.path().canonicalize();
    Ok(Local {
        format: LOCAL_FORMAT.into(),
        model: path.with_context(|| format!("cannot resolve {}", dir.path().display()))?,
    })
}

/// The model directory that was given, or else the one a session was made with.
pub(super) fn model_of(session: &Path, given: Option<&Path>) -> Result<ModelDir> {
    if let Some(path) = given {
        return Ok(ModelDir::new(path)?);
    }
    let path = session.join("local.json");
    if !path.exists() {
        bail!(
            "{} does not say where its model is: give it with --model",
            session.display()
        );
    }
    let local: Local = files::read_json(&path)?;
    check_format(&path, &local.format, LOCAL_FORMAT)?;
    ModelDir::new(&local.model)
        .context("the model is not where the session was made with it: say where with --model")
}

/// Whether prompt and answer fit a session.
pub(super) fn check_length(version: &CheckedManifest, prompt: usize, new: usize) -> Result<()> {
    let positions = version.manifest().tokens;
    if new == 0 {
        bail!("--max-new-tokens must be at least 1: a claim is about generated tokens");
    }
    if prompt.saturating_add(new) > positions {
        let advice = match positions.saturating_sub(prompt) {
            0 => format!(
                "shorten the prompt to at most {}",
                count(positions - 1, "token")
            ),
            room => format!("generate at most {room}"),
        };
        bail!(
            "the prompt is too long: its {} and {new} more are beyond the {positions} positions this model \
             was registered for; {advice}, or import the model with more --tokens",
            count(prompt, "token"),
        );
    }
    Ok(())
}

/// Whether a version is of the development setup, of which no claim is made on a public chain.
pub(super) fn check_setup(version: &CheckedManifest, claim: &Claim) -> Result<bool> {
    let development = is_development(version);
    if development && is_public_chain(claim) {
        bail!(
            "the model was registered under the development setup, whose secret is public: \
             no claim on chain {} (import the model with a ceremony's setup)",
            claim.chain
        );
    }
    Ok(development)
}

/// What is to be run, and for which claim.
struct Task {
    claim: Claim,
    prompt: Vec<u32>,
    new: usize,
    input_salt: Option<Scalar>,
    notes: Vec<String>,
}

fn task(
    args: &RunArgs,
    dir: &ModelDir,
    version: &CheckedManifest,
    tokenizer: &Tokenizer,
) -> Result<Task> {
    let Some(path) = &args.prompt.request else {
        let Prompt {
            tokens: prompt,
            notes,
        } = read_prompt(dir, tokenizer, args.prompt.source(), &args.tokenize)?;
        return Ok(Task {
            claim: Claim {
                chain: args.chain,
                contract: args.contract.unwrap_or_default(),
                claim: args.claim.unwrap_or_default(),
                recipient: args.recipient.unwrap_or_default(),
                epoch: false,
            },
            prompt,
            new: args.max_new_tokens.expect("clap requires it"),
            input_salt: None,
            notes,
        });
    };
    if args.tokenize.split_special_tokens || args.tokenize.no_template {
        bail!(
            "a request has the prompt's tokens already: --split-special-tokens and --no-template belong to nanozk job request"
        );
    }
    let file: RequestFile = files::read_json(path)?;
    file.check().with_context(|| path.display().to_string())?;
    let request = &file.request;
    if file.model_id != version.id() {
        bail!(
            "the request is for model {}, this is {}",
            file.model_id,
            version.id()
        );
    }
    tokenizer
        .check(&file.prompt)
        .with_context(|| path.display().to_string())?;
    file.check_prompt(version.manifest().tokens)
        .with_context(|| path.display().to_string())?;
    let mut claim = context(file.chain, file.claim_book, file.job, request.provider);
    if let Some(recipient) = args.recipient {
        claim.recipient = recipient;
    }
    if claim.recipient == Digest32::default() {
        bail!("the request names no provider: say who is paid with --recipient");
    }
    Ok(Task {
        claim,
        prompt: file.prompt,
        new: request.new_tokens as usize,
        input_salt: Some(file.input_salt),
        notes: Vec::new(),
    })
}

/// A stop token in an answer: the first one.
struct Stop {
    /// Tokens before it.
    after: usize,
    token: u32,
    /// As messages name it.
    name: String,
}

impl Stop {
    fn find(generated: &[u32], stop_tokens: &[u32], tokenizer: &Tokenizer) -> Option<Self> {
        let after = generated.iter().position(|t| stop_tokens.contains(t))?;
        let token = generated[after];
        Some(Stop {
            after,
            token,
            name: tokenizer.name(token),
        })
    }
}

/// Tokens that the model generates: so many, or fewer if one of them is a stop token.
fn generate(model: &QuantizedModel, prompt: &[u32], new: usize, stops: &[u32]) -> Result<Vec<u32>> {
    let progress = Progress::bar("generating", new);
    let generated = model.generate_until(prompt, new, |token| {
        progress.step();
        after(token, stops)
    });
    Ok(generated?)
}

/// Whether generation goes on after a token.
pub(super) fn after(token: u32, stops: &[u32]) -> ControlFlow<()> {
    match stops.contains(&token) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

pub(super) fn run(args: &RunArgs, data: &Data, out: &Out) -> Result<()> {
    let dir = ModelDir::new(&args.model)?;
    let version = &dir.manifest()?;
    let tokenizer = dir.tokenizer(version)?;
    let Task {
        claim,
        prompt,
        new,
        input_salt,
        mut notes,
    } = task(args, &dir, version, &tokenizer)?;
    check_length(version, prompt.len(), new)?;
    // A job orders an exact number of tokens.
    let ordered = args.prompt.request.is_some();
    let stops = !ordered && !args.ignore_eos;
    let stop_tokens = dir.stop_tokens()?.unwrap_or_else(|| {
        notes.push(
            "the model directory has no generation.json: generation does not know where to stop"
                .into(),
        );
        Vec::new()
    });
    let development = check_setup(version, &claim)?;
    if ordered {
        // A stake will be held for it: with keys of other programs nobody could prove it.
        check_programs_once(version, data)?;
    }
    let staging = Staging::new(&args.output, args.force, Kind::Session, out)?;
    let model = dir.model(version)?;

    let ends: &[u32] = if stops { &stop_tokens } else { &[] };
    let generated = generate(&model, &prompt, new, ends)?;
    let stop = Stop::find(&generated, &stop_tokens, &tokenizer);
    if let Some(stop) = stop.as_ref().filter(|_| ordered) {
        notes.push(format!(
            "the answer has the stop token {} after {}, and goes on: the job orders {new}",
            stop.name,
            count(stop.after, "token")
        ));
    }
    let nameless = tokenizer.nameless(&generated);
    if !nameless.is_empty() {
        notes.push(format!(
            "generated tokens without a text, which the tokenizer does not have: {nameless:?}"
        ));
    }
    let tokens = [prompt.clone(), generated.clone()].concat();
    let progress = Progress::spinner("committing to the computation");
    let generation = Generated {
        context: claim,
        tokens: &tokens,
        prompt: prompt.len(),
        input_salt,
    };
    let parameters = data.parameters(version)?;
    let session = SessionDir::new(staging.path());
    let claimed = session.create(&model, version, &generation, &parameters, &mut OsRng)?;
    drop(progress);
    files::write_json(&staging.path().join("local.json"), &local(&dir)?)?;
    // What the requester gets; it also answers a demand for the output, for whoever sends it.
    let opens = args.prompt.request.as_ref().map(|_| Opens {
        job: claim.claim.0.into(),
        output_digest: claimed.output_digest,
        positions: version.manifest().tokens as u32,
    });
    let secret = Secret::read(staging.path())?;
    let salt = Scalar(secret.sequence(version.manifest().tokens).output_salt);
    files::write_json_secret(
        &staging.path().join("output.json"),
        &OutputFile::new(salt, generated.clone(), opens),
    )?;
    let replaced = staging.finish(out)?;

    // The stop token ends the text and is no part of it.
    let stop = stop.filter(|_| stops);
    let shown = tokens.len() - usize::from(stop.is_some());
    let text = tokenizer.decode(&tokens[..shown])?;
    out.text(&text);
    out.text("");
    out.text(format!("session        {}", args.output.display()));
    out.text(format!("model id       {}", version.id()));
    out.text(format!(
        "tokens         {} of prompt, {} generated",
        prompt.len(),
        generated.len()
    ));
    if let Some(stop) = &stop {
        out.text(format!(
            "stopped        at {} (of at most {new} tokens)",
            stop.name
        ));
    }
    out.text(format!("input digest   {}", claimed.input_digest));
    out.text(format!("output digest  {}", claimed.output_digest));
    let statement = Digest32(claimed.statement());
    let digest = Digest32(claimed.claim_digest()?);
    out.text(format!("statement      {statement}"));
    out.text(format!("claim digest   {digest}"));
    notes
        .iter()
        .for_each(|note| out.note(format!("note: {note}")));
    if development {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "session": args.output,
        "text": text,
        "prompt_tokens": prompt,
        "generated_tokens": generated,
        "stopped_at": stop.map(|s| s.token),
        "notes": notes,
        "model_id": version.id(),
        "input_digest": claimed.input_digest,
        "output_digest": claimed.output_digest,
        "statement": statement,
        "claim_digest": digest,
        "layers": version.layers(),
        "development_setup": development,
        "replaced": replaced,
    }));
    Ok(())
}
