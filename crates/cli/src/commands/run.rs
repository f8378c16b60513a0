//! `nanozk run`.

use crate::args::RunArgs;
use crate::data::{is_development, is_public_chain, Data, DEVELOPMENT_WARNING};
use crate::model_dir::ModelDir;
use crate::output::{Out, Progress};
use crate::staging::Staging;
use anyhow::{bail, Context, Result};
use nanozk_prover::files;
use nanozk_prover::session::{Generated, SessionDir};
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::statement::Context as Claim;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) const LOCAL_FORMAT: &str = "nanozk-local-1";

/// What a session remembers of the machine it was made on: `local.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Local {
    /// [`LOCAL_FORMAT`].
    pub(super) format: String,
    /// Model directory.
    pub(super) model: PathBuf,
}

/// The model directory that was given, or else the one a session was made with.
pub(super) fn model_of(session: &Path, given: Option<&Path>) -> Result<ModelDir> {
    if let Some(path) = given {
        return ModelDir::new(path);
    }
    let path = session.join("local.json");
    if !path.exists() {
        bail!(
            "{} does not say where its model is: give it with --model",
            session.display()
        );
    }
    let local: Local = files::read_json(&path)?;
    if local.format != LOCAL_FORMAT {
        bail!(
            "{}: format {:?} where {LOCAL_FORMAT:?} is needed",
            path.display(),
            local.format
        );
    }
    ModelDir::new(&local.model)
        .context("the model is not where the session was made with it: say where with --model")
}

pub(super) fn run(args: &RunArgs, data: &Data, out: &Out) -> Result<()> {
    if args.max_new_tokens == 0 {
        bail!("--max-new-tokens must be at least 1: a claim is about generated tokens");
    }
    let dir = ModelDir::new(&args.model)?;
    let card = dir.card()?;
    let claim = Claim {
        chain: args.chain,
        contract: args.contract.unwrap_or_default(),
        claim: args.claim.unwrap_or_default(),
        recipient: args.recipient.unwrap_or_default(),
    };
    let development = is_development(&card);
    if development && is_public_chain(&claim) {
        bail!(
            "the model was registered under the development setup, whose secret is public: \
             no claim on chain {} (import the model with a ceremony's setup)",
            claim.chain
        );
    }
    let tokenizer = dir.tokenizer(&card)?;
    let prompt = match (&args.prompt.prompt, &args.prompt.prompt_tokens) {
        (Some(text), _) => tokenizer
            .encode(text)
            .context("cannot tokenize the prompt")?,
        (None, Some(ids)) => {
            tokenizer.check(ids).context("--prompt-tokens")?;
            ids.clone()
        }
        (None, None) => Vec::new(),
    };
    if prompt.is_empty() {
        bail!("the prompt is empty: the model continues at least one token");
    }
    let needed = prompt.len().saturating_add(args.max_new_tokens);
    if needed > card.tokens {
        let room = card.tokens.saturating_sub(prompt.len());
        let advice = match room {
            0 => format!("shorten the prompt to at most {} tokens", card.tokens - 1),
            room => format!("generate at most {room}"),
        };
        bail!(
            "the prompt is too long: its {} tokens and {} new ones are more than the {} positions this model was \
             registered for; {advice}, or import the model with more --tokens",
            prompt.len(),
            args.max_new_tokens,
            card.tokens
        );
    }
    let staging = Staging::new(&args.output, args.force, "session.json")?;
    let model = dir.model(&card)?;

    let progress = Progress::bar("generating", args.max_new_tokens);
    let generated = model.generate(&prompt, args.max_new_tokens, |_| progress.step())?;
    drop(progress);
    let tokens = [prompt.clone(), generated.clone()].concat();
    let setup = data.setup_of(&card)?;
    let progress = Progress::spinner("committing to the computation");
    let session = SessionDir::new(staging.path()).create(
        &model,
        &card,
        &Generated {
            context: claim,
            tokens: &tokens,
            prompt: prompt.len(),
            input_salt: None,
        },
        &setup,
        &mut OsRng,
    )?;
    drop(progress);
    let local = Local {
        format: LOCAL_FORMAT.into(),
        model: dir
            .path
            .canonicalize()
            .with_context(|| format!("cannot resolve {}", dir.path.display()))?,
    };
    files::write_json(&staging.path().join("local.json"), &local)?;
    staging.finish()?;

    let text = tokenizer.decode(&tokens)?;
    let statement = Digest32(session.statement(card.layers.len()).digest());
    let claim_digest = Digest32(session.claim_digest(card.layers.len()));
    out.text(&text);
    out.text("");
    out.text(format!("session        {}", args.output.display()));
    out.text(format!("model id       {}", session.model_id));
    out.text(format!(
        "tokens         {} of prompt, {} generated",
        prompt.len(),
        generated.len()
    ));
    out.text(format!("input digest   {}", hex(&session.input_digest)));
    out.text(format!("output digest  {}", hex(&session.output_digest)));
    out.text(format!("statement      {statement}"));
    out.text(format!("claim digest   {claim_digest}"));
    if development {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "session": args.output,
        "text": text,
        "prompt_tokens": prompt,
        "generated_tokens": generated,
        "model_id": session.model_id,
        "input_digest": session.input_digest,
        "output_digest": session.output_digest,
        "statement": statement,
        "claim_digest": claim_digest,
        "layers": card.layers.len(),
        "development_setup": development,
    }));
    Ok(())
}

fn hex(scalar: &Scalar) -> String {
    nanozk_verifier::hex::encode(&nanozk_verifier::encoding::scalar_to_bytes(&scalar.0))
}
