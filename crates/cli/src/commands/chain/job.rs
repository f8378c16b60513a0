//! `nanozk job`.

use super::{Chain, job_of, read_request, status};
use crate::args::{
    JobArgs, JobCommand, JobStatusArgs, KeyArgs, LockArgs, ModeArg, RequestArgs, RequestFileArgs,
};
use crate::commands::prompt::{Prompt, read_prompt};
use crate::commands::run::check_length;
use crate::commands::{check_programs, check_programs_once};
use crate::data::Data;
use crate::output::Out;
use crate::staging::set_aside;
use anyhow::{Context, Error, Result, bail};
use nanozk::model_dir::ModelDir;
use nanozk_chain::bindings::{market, registry};
use nanozk_chain::client::Call;
use nanozk_chain::format::{amount, utc};
use nanozk_chain::job::{Terms, check_session};
use nanozk_chain::output::OutputFile;
use nanozk_chain::primitives::{B256, Bytes, U256};
use nanozk_chain::request::{JobRequest, Mode, RequestFile};
use nanozk_chain::revert::job_status;
use nanozk_chain::sol_types::SolCall;
use nanozk_prover::files;
use nanozk_prover::session::{SessionDir, random_salt};
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::{CheckedManifest, GREEDY, Manifest};
use rand_core::{OsRng, RngCore};
use serde_json::json;
use std::path::Path;

/// Statuses of jobs, as in the contracts.
const OPEN: u8 = 1;
const LOCKED: u8 = 2;

pub(in crate::commands) fn job(command: &JobCommand, data: &Data, out: &Out) -> Result<()> {
    match command {
        JobCommand::Request(args) => request(args, data, out),
        JobCommand::Open(args) => open(args, out),
        JobCommand::Lock(args) => lock(args, data, out),
        JobCommand::Decline(args) => end(args, "declining the job", out, |job| {
            market::cancelLockCall { job }
        }),
        JobCommand::Status(args) => show(args, out),
        JobCommand::Cancel(args) => cancel(args, out),
        JobCommand::Expire(args) => end(args, "ending the job", out, |job| market::expireCall {
            job,
        }),
    }
}

/// The version that was given, or the only one of a model.
pub(super) fn version_of(chain: &Chain<'_>, model: Digest32, given: Option<B256>) -> Result<B256> {
    let registry = chain.address("ModelRegistry")?;
    let read_model = |version| {
        chain
            .client
            .read(registry, &registry::modelIdCall { version })
    };
    if let Some(version) = given {
        let got = read_model(version)?;
        if got.0 != model.0 {
            bail!("the version {version} is of model {got}, not of {model}");
        }
        return Ok(version);
    }
    let count = chain
        .client
        .read(registry, &registry::versionCountCall {})?;
    let mut found = Vec::new();
    for index in 0..count.saturating_to::<u64>() {
        let index = U256::from(index);
        let version = chain
            .client
            .read(registry, &registry::versionAtCall { index })?;
        if read_model(version)?.0 == model.0 {
            found.push(version);
        }
    }
    match found.as_slice() {
        [] => bail!("the model {model} is not registered: nanozk model register"),
        [version] => Ok(*version),
        several => {
            let list: Vec<String> = several.iter().map(B256::to_string).collect();
            bail!(
                "the model is registered under several terms: choose one with --model-version: {}",
                list.join(", ")
            )
        }
    }
}

fn request(args: &RequestArgs, data: &Data, out: &Out) -> Result<()> {
    if args.output.exists() && !args.force {
        bail!(
            "{} exists: choose another file with -o, or replace it with --force",
            args.output.display()
        );
    }
    let dir = ModelDir::new(&args.model)?;
    let manifest = dir.manifest()?;
    let tokenizer = dir.tokenizer(&manifest)?;
    let Prompt {
        tokens: prompt,
        notes,
    } = read_prompt(&dir, &tokenizer, args.prompt.source(), &args.tokenize)?;
    notes
        .iter()
        .for_each(|note| out.note(format!("note: {note}")));
    check_length(&manifest, prompt.len(), args.max_new_tokens as usize)?;
    let chain = Chain::reading(&args.chain, &args.key, out)?;
    let key = chain.client.signer()?;
    let model_id = manifest.id();
    let version = version_of(&chain, model_id, args.model_version)?;
    let terms = chain.terms(version)?;
    let asset = terms.policy.asset;
    let price = args.price.of(asset).map_err(Error::msg)?;

    let salt = random_salt(&mut OsRng);
    let seconds =
        |name: &str, v: u64| u32::try_from(v).with_context(|| format!("--{name} is too long"));
    let mut nonce = [0; 32];
    OsRng.fill_bytes(&mut nonce);
    let order = JobRequest {
        provider: args.provider.unwrap_or_default(),
        version,
        new_tokens: args.max_new_tokens,
        decoding: GREEDY.0.into(),
        mode: match args.mode {
            ModeArg::Proofs => Mode::Proofs,
            ModeArg::Optimistic => Mode::Optimistic,
            ModeArg::Audited => Mode::Audited,
        },
        price,
        challenge_window: seconds("challenge-window", args.challenge_window)?,
        answer_window: seconds("answer-window", args.answer_window)?,
        nonce: U256::from_be_bytes(nonce),
        ..JobRequest::default()
    };
    let domains = chain.domains()?;
    let file = || -> Result<RequestFile> {
        let now = chain.client.head()?.timestamp;
        let mut order = order.clone();
        order.lock_by = now.saturating_add(args.lock_within);
        order.claim_by = order.lock_by.saturating_add(args.claim_within);
        let prompt = (prompt.clone(), Scalar(salt));
        let file = RequestFile::sign(&domains, &manifest, order, prompt, key)?;
        terms.check_opening(&file, now)?;
        Ok(file)
    };
    // What cannot be opened is said before the keys are computed, which takes longer.
    file()?;
    // What is signed is about the model that the manifest describes, whoever made it: nobody else checks its keys.
    check_programs(&manifest, data)??;
    // Its times begin now.
    let file = file()?;
    let job = file.job;
    // The salt of a request that may be open on chain is nowhere else.
    if args.output.symlink_metadata().is_ok() {
        let old = set_aside(&args.output)?;
        out.note(format!(
            "note: the request that was there is now {}, with its salt",
            old.display()
        ));
    }
    files::write_json_secret(&args.output, &file)?;
    let r = &file.request;
    out.text(format!("request        {}", args.output.display()));
    out.text(format!("job            {job}"));
    out.text(format!("version        {version}"));
    out.text(format!(
        "tokens         {} of prompt, {} to generate",
        r.prompt_tokens, r.new_tokens
    ));
    out.text(format!("price          {}", amount(asset, r.price)));
    out.text(format!("to be taken    until {}", utc(r.lock_by)));
    out.text(format!("to be claimed  until {}", utc(r.claim_by)));
    if let Some(warning) = terms.too_cheap(&chain.client, r.mode, r.price)? {
        out.note(warning);
    }
    out.note("the request has the prompt and its salt: give it to the provider only");
    out.json(&json!({
        "request": args.output,
        "job": job,
        "version": version,
        "model_id": model_id,
        "notes": notes,
        "input_digest": r.input_digest,
        "lock_by": r.lock_by,
        "claim_by": r.claim_by,
    }));
    Ok(())
}

/// The request, if it is for these contracts.
fn request_of(chain: &Chain<'_>, args: &RequestFileArgs) -> Result<RequestFile> {
    let file = read_request(&args.request)?;
    let (ours, theirs) = (chain.domains()?, file.domains());
    if ours != theirs {
        bail!(
            "{} is for chain {} and the market {}, the deployment is chain {} and {}",
            args.request.display(),
            theirs.chain_id,
            theirs.market,
            ours.chain_id,
            ours.market
        );
    }
    Ok(file)
}

/// Status of a job; none if it was never opened.
pub(super) fn find(chain: &Chain<'_>, id: B256) -> Result<Option<market::Job>> {
    match chain
        .client
        .read(chain.address("JobMarket")?, &market::jobCall { id })
    {
        Ok(job) => Ok(Some(job)),
        Err(nanozk_chain::Error::Reverted { revert, .. }) if revert.name == "UnknownJob" => {
            Ok(None)
        }
        Err(e) => Err(e.into()),
    }
}

fn open(args: &RequestFileArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let file = request_of(&chain, args)?;
    if let Some(job) = find(&chain, file.job)? {
        chain.already(&format!(
            "the job {} is {}",
            file.job,
            job_status(job.status)
        ));
        return Ok(());
    }
    let r = &file.request;
    let terms = chain.terms(r.version)?;
    terms
        .check_opening(&file, chain.client.head()?.timestamp)
        .with_context(|| args.request.display().to_string())?;
    let used = market::nonceUsedCall {
        requester: r.requester,
        nonce: r.nonce,
    };
    if chain.client.read(file.market, &used)? {
        bail!(
            "{} used the nonce of this request before, or took it back: make a new request",
            r.requester
        );
    }
    chain.require_free(r.requester, terms.policy.asset, r.price, "the price")?;
    if let Some(warning) = terms.too_cheap(&chain.client, r.mode, r.price)? {
        out.note(warning);
    }
    let call = market::openCall {
        request: r.to_abi()?,
        signature: file.signature.clone(),
    };
    chain.send(&Call::new("opening the job", file.market, &call))?;
    Ok(())
}

fn lock(args: &LockArgs, data: &Data, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.request.send, out)?;
    let file = request_of(&chain, &args.request)?;
    let provider = chain.client.account()?;
    let Some(job) = find(&chain, file.job)? else {
        bail!("the job {} was not opened: nanozk job open", file.job)
    };
    if job.status == LOCKED && job.provider == provider {
        chain.already("the job is yours");
        return Ok(());
    }
    if job.status != OPEN {
        bail!("the job is {}, it must be open", job_status(job.status));
    }
    // Whatever would keep the job from being claimed and paid is found before the stake is held.
    let now = chain.client.head()?.timestamp;
    let terms = chain.terms(job.version)?;
    terms
        .check(&file, now)
        .with_context(|| args.request.request.display().to_string())?;
    if !job.provider.is_zero() && job.provider != provider {
        bail!(
            "the job is for the provider {}, the key is of {provider}",
            job.provider
        );
    }
    let declined = market::lockCancelledCall {
        provider,
        job: file.job,
    };
    if chain.client.read(file.market, &declined)? {
        bail!("{provider} declined this job: that is final");
    }
    chain.require_bond(provider, job.asset, U256::from(job.stake), "the stake")?;
    let r = &file.request;
    if let Some(warning) = terms.too_cheap(&chain.client, r.mode, r.price)? {
        out.note(warning);
    }
    check_answer(args, &file, &terms, data, out)?;
    let call = market::lockCall {
        job: file.job,
        provider,
        deadline: now.saturating_add(args.within).min(job.lockBy),
        signature: Bytes::new(),
    };
    chain.send(&Call::new("taking the job", file.market, &call))?;
    out.text(format!("claim it until {}", utc(job.claimBy)));
    Ok(())
}

/// Compares the session, or the model, at hand with what was ordered: what is taken and cannot be claimed costs its price.
fn check_answer(
    args: &LockArgs,
    file: &RequestFile,
    terms: &Terms,
    data: &Data,
    out: &Out,
) -> Result<()> {
    let mut manifest = None;
    if let Some(path) = &args.session {
        let named = || path.display().to_string();
        let claim = SessionDir::new(path).claim()?;
        check_session(file, &claim).with_context(named)?;
        let output: OutputFile = files::read_json(&path.join("output.json"))?;
        output
            .check_session(&claim, file, terms.positions)
            .with_context(named)?;
        let own: Manifest = files::read_json(&path.join("manifest.json"))?;
        let own = CheckedManifest::new(own).with_context(named)?;
        own.claim(claim).with_context(named)?;
        manifest = Some(own);
    }
    if let Some(path) = &args.model {
        let model = ModelDir::new(path)?;
        let own = model.manifest()?;
        if own.id() != file.model_id {
            bail!(
                "the request is for model {}, {} is {}",
                file.model_id,
                model.path().display(),
                own.id()
            );
        }
        model
            .tokenizer(&own)?
            .check(&file.prompt)
            .with_context(|| args.request.request.display().to_string())?;
        manifest = Some(own);
    }
    match manifest {
        // With keys of other programs nobody could prove the answer.
        Some(manifest) => check_programs_once(&manifest, data),
        None if args.unchecked => {
            out.note("note: whether this request can be answered was not checked");
            Ok(())
        }
        None => bail!(
            "say what answers the request, so that it is compared before the stake is held: --session with what nanozk run \
             --request made, or --model; --unchecked takes the job without looking"
        ),
    }
}

fn show(args: &JobStatusArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &KeyArgs::default(), out)?;
    status::show(&chain, job_of(&args.job)?)
}

/// Takes a job back; of a request that was signed and not opened, its nonce, so that nobody opens it.
fn cancel(args: &JobArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (id, to) = (job_of(&args.job)?, chain.address("JobMarket")?);
    if find(&chain, id)?.is_some() {
        let call = market::cancelCall { job: id };
        chain.send(&Call::new("taking the job back", to, &call))?;
        return Ok(());
    }
    let path = Path::new(&args.job);
    if !path.is_file() {
        bail!("the job {id} was not opened: to take the request back, give its file");
    }
    let (request, account) = (read_request(path)?.request, chain.client.account()?);
    let (requester, nonce) = (request.requester, request.nonce);
    if requester != account {
        bail!(
            "the request is {requester}'s, the key is of {account}: only who signed a request takes it back"
        );
    }
    if chain
        .client
        .read(to, &market::nonceUsedCall { requester, nonce })?
    {
        chain.already("the request was taken back");
        return Ok(());
    }
    let call = market::cancelNonceCall { nonce };
    chain.send(&Call::new("taking the request back", to, &call))?;
    Ok(())
}

fn end<C: SolCall>(args: &JobArgs, what: &str, out: &Out, act: impl Fn(B256) -> C) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let call = act(job_of(&args.job)?);
    chain.send(&Call::new(what, chain.address("JobMarket")?, &call))?;
    Ok(())
}
