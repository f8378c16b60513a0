//! `nanozk claim`.

use super::job::{find as find_job, version_of};
use super::{Chain, job_of, posted_of, status, when};
use crate::Outcome;
use crate::args::{
    ChallengeArgs, CheckClaimArgs, ClaimArgs, ClaimCommand, KeyArgs, PostArgs, ProveClaimArgs,
    SessionArgs, SignArgs, TargetArgs,
};
use crate::commands::verify::read;
use crate::commands::{judged, note_of_keys, reject};
use crate::data::Data;
use crate::output::{Out, count};
use anyhow::{Context, Result, bail};
use nanozk_chain::bindings::{book, lens, market, registry};
use nanozk_chain::claim::{
    OUTPUT, Posted, Proved, WHOLE, header, layers_of, padded, prove, verify_statement,
};
use nanozk_chain::client::Call;
use nanozk_chain::format::{readable, utc};
use nanozk_chain::job::Order;
use nanozk_chain::output::{OutputFile, dispute_of};
use nanozk_chain::primitives::{B256, Bytes, U256};
use nanozk_chain::revert::{claim_status, job_status, target};
use nanozk_chain::signing::{SignatureFile, sign};
use nanozk_chain::sol_types::SolCall;
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::session::SessionDir;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::{CheckedManifest, Claim, FINAL_FORMAT, FinalFile};
use serde_json::json;
use std::path::Path;

/// Statuses, as in the contracts.
const JOB_LOCKED: u8 = 2;
pub(super) const CLAIM_POSTED: u8 = 1;
pub(super) const CHALLENGE_OPEN: u8 = 1;

pub(in crate::commands) fn claim(
    command: &ClaimCommand,
    data: &Data,
    out: &Out,
) -> Result<Outcome> {
    match command {
        ClaimCommand::Post(args) => post(args, out),
        ClaimCommand::Sign(args) => sign_files(args, out),
        ClaimCommand::Prove(args) => prove_claims(args, out),
        ClaimCommand::Challenge(args) => challenge(args, data, out),
        ClaimCommand::Finalize(args) => simple(args, out, "settling the claim", |claim| {
            book::finalizeCall { claim }
        }),
        ClaimCommand::Timeout(args) => timeout(args, out),
        ClaimCommand::Expire(args) => simple(args, out, "defeating the claim", |claim| {
            book::expireClaimCall { claim }
        }),
        ClaimCommand::Void(args) => simple(args, out, "voiding the claim", |claim| {
            book::voidClaimCall { claim }
        }),
        ClaimCommand::Resolve(args) => resolve(args, out),
        ClaimCommand::DisputeOutput(args) => dispute_output(args, out),
        ClaimCommand::Status(args) => {
            let chain = Chain::reading(&args.chain, &KeyArgs::default(), out)?;
            status::show(&chain, job_of(&args.claim)?)
        }
        ClaimCommand::RevealOutput(args) => reveal_output(args, out),
        ClaimCommand::DemandOutput(args) => simple(args, out, "demanding the output", |claim| {
            book::demandCall { claim }
        }),
        ClaimCommand::AcceptOutput(args) => simple(args, out, "accepting the output", |claim| {
            book::acceptOutputCall { claim }
        }),
        ClaimCommand::Draw(args) => draw(args, out),
        ClaimCommand::Check(args) => return judged(out, json!({}), check(args, data, out)),
    }?;
    Ok(Outcome::Done)
}

/// A session's files, if they are of a claim of this deployment.
fn session_of(chain: &Chain<'_>, path: &Path) -> Result<(Claim, CheckedManifest)> {
    session_for(chain, path, "ClaimBook")
}

/// A session's files, if they are made for a contract of this deployment.
fn session_for(chain: &Chain<'_>, path: &Path, contract: &str) -> Result<(Claim, CheckedManifest)> {
    Kind::Session.check(path)?;
    let manifest = files::read_json_of_session(&path.join("manifest.json"))?;
    let manifest = CheckedManifest::new(manifest)
        .with_context(|| path.join("manifest.json").display().to_string())?;
    let claim = SessionDir::new(path).claim()?;
    let claim = manifest.claim(claim)?.claim().clone();
    let (chain_id, address) = (chain.client.chain_id(), chain.address(contract)?);
    let context = &claim.context;
    if context.chain != chain_id || context.contract != padded(address) {
        bail!(
            "{} is a claim on chain {} and contract {}; the deployment is chain {chain_id} and its {contract} {address}",
            path.display(),
            context.chain,
            context.contract
        );
    }
    Ok((claim, manifest))
}

/// Has the chain verify a final proof of a session without a job.
fn check(args: &CheckClaimArgs, data: &Data, out: &Out) -> Result<()> {
    let path = args
        .proof
        .clone()
        .unwrap_or_else(|| args.session.join("final.json"));
    let chain = Chain::reading(&args.chain, &KeyArgs::default(), out)?;
    let (claim, manifest) = session_for(&chain, &args.session, "StatementVerifier")?;
    if !path.exists() {
        bail!(
            "{} does not exist: make it with nanozk aggregate",
            path.display()
        );
    }
    let file: FinalFile = read(&path, FINAL_FORMAT)?;
    let version = version_of(&chain, manifest.id(), args.model_version)?;
    // Refuses a version whose verifier is a stranger's, which may accept everything.
    chain.terms(version)?;
    let call = verify_statement(version, &claim, &manifest, &file)
        .with_context(|| path.display().to_string())?;
    let to = chain.address("StatementVerifier")?;
    if args.calldata {
        let data = Bytes::from(call.abi_encode());
        out.text(data.to_string());
        out.json(&json!({"to": to, "calldata": data, "version": version}));
        return Ok(());
    }
    let statement = match chain.client.read(to, &call) {
        // The contract's own word on what it was given.
        Err(nanozk_chain::Error::Reverted { revert, .. }) => return Err(reject(revert)),
        answer => answer?,
    };
    note_of_keys(&manifest.id(), data, out);
    out.text(format!(
        "the chain accepts the proof: the model {} turned a prompt of {} into an answer of {}",
        manifest.id(),
        count(claim.prompt_tokens as usize, "token"),
        count(claim.generated_tokens as usize, "token"),
    ));
    out.text(format!("version    {version}"));
    out.text(format!("statement  {statement}"));
    out.json(&json!({"event": "verified", "to": to, "version": version, "statement": statement}));
    Ok(())
}

fn status_of(chain: &Chain<'_>, posted: &Posted) -> Result<u8> {
    let call = book::statusCall { claim: posted.id };
    Ok(chain.client.read(chain.address("ClaimBook")?, &call)?)
}

fn post(args: &PostArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (claim, manifest) = session_of(&chain, &args.session)?;
    output_of(&args.session, &claim, &manifest)?;
    let id = B256::from(claim.context.claim.0);
    let header = header(&claim)?;
    if args.sign_only {
        let signature = Bytes::from(sign(
            chain.client.signer()?,
            chain.domains()?.header(&header),
        ));
        out.text(signature.to_string());
        out.json(&json!({"job": id, "provider": chain.client.account()?, "signature": signature}));
        return Ok(());
    }
    let to = chain.address("ClaimBook")?;
    if let Some(posted) = Posted::find(&chain.client, to, id)? {
        posted.check(&claim)?;
        chain.already(&format!("the claim {} is posted", posted.id));
        return Ok(());
    }
    let Some(job) = find_job(&chain, id)? else {
        bail!("the job {id} was not opened: nanozk job open");
    };
    if job.status != JOB_LOCKED {
        bail!(
            "the job is {}, it must be locked by its provider (nanozk job lock)",
            job_status(job.status)
        );
    }
    let now = chain.client.head()?.timestamp;
    if now > job.claimBy {
        bail!("the job was to be claimed until {}", when(job.claimBy, now));
    }
    let account = chain.client.account()?;
    if args.signature.is_none() && account != job.provider {
        bail!(
            "the job's provider is {}, the key is of {account}: a relayer gives the provider's --signature",
            job.provider
        );
    }
    check_answer(&chain, &job, &claim)?;
    let call = book::postCall {
        header,
        signature: args.signature.clone().unwrap_or_default(),
    };
    chain.send(&Call::new("posting the claim", to, &call))?;
    if !chain.dry_run {
        explain(&chain, &posted_of(&chain, id)?)?;
    }
    Ok(())
}

/// Refuses a session that does not answer a job, or whose proofs would be judged by a verifier that is not this deployment's.
fn check_answer(chain: &Chain<'_>, job: &market::Job, claim: &Claim) -> Result<()> {
    let terms = chain.terms(job.version)?;
    Ok(Order::of_job(job, terms.model).check(claim)?)
}

/// What is published if the output is demanded, if it is there and what the claim says.
fn output_of(
    session: &Path,
    claim: &Claim,
    manifest: &CheckedManifest,
) -> Result<Option<OutputFile>> {
    let path = session.join("output.json");
    if !path.exists() {
        return Ok(None);
    }
    let output: OutputFile = files::read_json(&path)?;
    output
        .check_claim(claim, manifest.manifest().tokens)
        .with_context(|| session.display().to_string())?;
    Ok(Some(output))
}

/// Signs that others may take the job and post the claim, for whoever sends it.
fn sign_files(args: &SignArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &args.key, out)?;
    let (claim, manifest) = session_of(&chain, &args.session)?;
    let header = header(&claim)?;
    // A stake may be held on the strength of it. The job may not be open yet.
    if let Some(job) = find_job(&chain, header.job)? {
        check_answer(&chain, &job, &claim)?;
    }
    let now = chain.client.head()?.timestamp;
    let deadline = now.saturating_add(args.lock_within);
    let (signer, domains) = (chain.client.signer()?, chain.domains()?);
    let mut signatures = SignatureFile::new(signer, &domains, &header, deadline);
    if let Some(output) = output_of(&args.session, &claim, &manifest)? {
        signatures = signatures.with_output(signer, &domains, header.job, output.hash()?);
    }
    let path = args.session.join("signatures.json");
    files::write_json(&path, &signatures)?;
    out.text(format!(
        "wrote {}: with it a relayer can take the job until {}, post the claim and answer a demand for the output, and nothing else",
        path.display(),
        utc(deadline)
    ));
    out.json(&json!({"event": "signed", "job": header.job, "provider": signatures.provider, "lock_deadline": deadline, "file": path}));
    Ok(())
}

/// Sends a final proof.
fn prove_claims(args: &ProveClaimArgs, out: &Out) -> Result<()> {
    for session in &args.sessions {
        Kind::Session.check(session)?;
    }
    let path = match (&args.proof, &args.sessions[..]) {
        (Some(path), _) => path.clone(),
        (None, [session]) => session.join("final.json"),
        (None, _) => bail!("a proof about several sessions is a file of its own: --proof FILE"),
    };
    if !path.exists() {
        bail!(
            "{} does not exist: make it with nanozk aggregate",
            path.display()
        );
    }
    let chain = Chain::sending(&args.send, out)?;
    let book = chain.address("ClaimBook")?;
    let file: FinalFile = read(&path, FINAL_FORMAT)?;
    let mut known = Vec::with_capacity(args.sessions.len());
    for session in &args.sessions {
        let (claim, manifest) = session_of(&chain, session)?;
        let posted = posted_of(&chain, claim.context.claim.0.into())?;
        posted
            .check(&claim)
            .with_context(|| session.display().to_string())?;
        known.push((posted, manifest));
    }
    let mut open = 0;
    let mut claims = Vec::with_capacity(known.len());
    for said in &file.claims {
        let found = known
            .iter()
            .find(|(p, _)| p.claim.statement.0 == said.statement.0);
        let Some((posted, manifest)) = found else {
            bail!(
                "{} is about the statement {}, which is that of no session that is named",
                path.display(),
                said.statement
            );
        };
        open += usize::from(status_of(&chain, posted)? == CLAIM_POSTED);
        claims.push(Proved { posted, manifest });
    }
    if open == 0 {
        for (posted, _) in &known {
            let status = claim_status(status_of(&chain, posted)?);
            chain.already(&format!("the claim {} is {status}", posted.id));
        }
        return Ok(());
    }
    let call = prove(book, &file, &claims).with_context(|| path.display().to_string())?;
    chain.send(&call)?;
    if !chain.dry_run {
        for (posted, _) in &known {
            explain(&chain, posted)?;
        }
    }
    Ok(())
}

/// Targets of a claim with an open challenge.
pub(super) fn open_challenges(
    chain: &Chain<'_>,
    posted: &Posted,
    state: &lens::ClaimState,
) -> Result<Vec<(u64, book::Challenge)>> {
    let to = chain.address("ClaimBook")?;
    let mut open = Vec::new();
    let challenged = layers_of(state.challenged)
        .into_iter()
        .map(|layer| layer as u64);
    for target in challenged.chain([OUTPUT]) {
        let call = book::challengeOfCall {
            claim: posted.id,
            target: U256::from(target),
        };
        let challenge = chain.client.read(to, &call)?;
        if challenge.status == CHALLENGE_OPEN {
            open.push((target, challenge));
        }
    }
    Ok(open)
}

/// Where a claim stands, in the contracts' words.
fn explain(chain: &Chain<'_>, posted: &Posted) -> Result<()> {
    let claim = posted.for_lens();
    let text = chain.client.read(
        chain.address("ClaimLens")?,
        &lens::explainStatusCall { claim },
    )?;
    chain.out.text(readable(&text));
    chain
        .out
        .json(&json!({"event": "status", "claim": posted.id, "text": text}));
    Ok(())
}

/// Sends a call about a claim, and says where it stands then.
fn about(chain: &Chain<'_>, posted: &Posted, call: &Call) -> Result<()> {
    chain.send(call)?;
    if !chain.dry_run {
        explain(chain, posted)?;
    }
    Ok(())
}

fn simple<C: SolCall>(
    args: &ClaimArgs,
    out: &Out,
    what: &str,
    call: impl Fn(book::Claim) -> C,
) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let posted = posted_of(&chain, job_of(&args.claim)?)?;
    let to = chain.address("ClaimBook")?;
    about(
        &chain,
        &posted,
        &Call::new(what, to, &call(posted.claim.clone())),
    )
}

impl TargetArgs {
    fn target(&self) -> u64 {
        match (self.layer, self.whole) {
            (Some(layer), _) => layer,
            (None, true) => WHOLE,
            (None, false) => OUTPUT,
        }
    }
}

fn challenge(args: &ChallengeArgs, data: &Data, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let posted = posted_of(&chain, job_of(&args.claim)?)?;
    // Under a verifier of somebody's own a false claim may have proofs.
    let expected = chain.address("FinalVerifier")?;
    if posted.claim.verifier != expected {
        bail!(
            "proofs of this claim are judged by {}, which is not this deployment's verifier, {expected}: a challenge could be \
             answered though the claim is false, and its bond be lost",
            posted.claim.verifier
        );
    }
    if let Some(job) = find_job(&chain, posted.claim.job)? {
        let call = registry::modelIdCall {
            version: job.version,
        };
        let model = chain.client.read(chain.address("ModelRegistry")?, &call)?;
        note_of_keys(&Digest32(model.0), data, out);
    }
    let which = args.layer.unwrap_or(WHOLE);
    let (to, account) = (chain.address("ClaimBook")?, chain.client.account()?);
    let of = book::challengeOfCall {
        claim: posted.id,
        target: U256::from(which),
    };
    if chain.client.read(to, &of)?.status == CHALLENGE_OPEN {
        let challengers = chain.client.challengers(to, posted.id, which)?;
        if challengers.contains(&account) {
            chain.already(&format!("{account} challenges {}", target(which)));
            return Ok(());
        }
    }
    let terms = posted.terms();
    // A challenge's bond comes from the challenger's free balance; that of a whole claim is that of all its layers.
    let layers = if which == WHOLE {
        terms.layers.into()
    } else {
        1_u64
    };
    chain.require_free(
        account,
        posted.claim.asset,
        U256::from(terms.challengeBond) * U256::from(layers),
        "the challenge bond",
    )?;
    let call = book::challengeCall {
        claim: posted.claim.clone(),
        target: U256::from(which),
        seed: args.seed.unwrap_or_default(),
    };
    let what = format!("challenging {}", target(which));
    about(&chain, &posted, &Call::new(what, to, &call))
}

fn timeout(args: &TargetArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let posted = posted_of(&chain, job_of(&args.claim)?)?;
    let which = args.target();
    let call = book::timeoutCall {
        claim: posted.claim.clone(),
        target: U256::from(which),
    };
    let what = format!("defeating the claim by the challenge of {}", target(which));
    about(
        &chain,
        &posted,
        &Call::new(what, chain.address("ClaimBook")?, &call),
    )
}

/// Each challenger's bond by itself.
fn resolve(args: &TargetArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let posted = posted_of(&chain, job_of(&args.claim)?)?;
    let which = args.target();
    let to = chain.address("ClaimBook")?;
    let mut challengers = chain.unpaid(&posted, which)?;
    if challengers.is_empty() {
        // The contract says why there is nothing.
        challengers.push(chain.client.account()?);
    }
    for challenger in challengers {
        let call = book::resolveCall {
            claim: posted.claim.clone(),
            target: U256::from(which),
            challenger,
        };
        chain.send(&Call::new(
            format!(
                "paying out the bond of {challenger} for the challenge of {}",
                target(which)
            ),
            to,
            &call,
        ))?;
    }
    if !chain.dry_run {
        explain(&chain, &posted)?;
    }
    Ok(())
}

/// Disputes what the provider revealed, as the chain has it.
fn dispute_output(args: &ClaimArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let posted = posted_of(&chain, job_of(&args.claim)?)?;
    let to = chain.address("ClaimBook")?;
    let call = dispute_of(&chain.client, to, &posted)?
        .context("no output of this claim was revealed: nanozk claim demand-output")?;
    about(
        &chain,
        &posted,
        &Call::new("disputing the output", to, &call),
    )
}

fn reveal_output(args: &SessionArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (claim, manifest) = session_of(&chain, &args.session)?;
    let posted = posted_of(&chain, claim.context.claim.0.into())?;
    let output = output_of(&args.session, &claim, &manifest)?
        .with_context(|| format!("{} has no output.json", args.session.display()))?;
    let is_provider = chain.client.account()? == posted.provider;
    let signed = args.session.join("signatures.json");
    let signature = match is_provider || !signed.exists() {
        true => None,
        false => files::read_json::<SignatureFile>(&signed)?.output,
    };
    if !is_provider && signature.is_none() {
        out.note(
            "without the provider's signature the contract computes the tokens' digest, for up to 13,000,000 gas: \
             nanozk claim sign writes one",
        );
    }
    let call = output.call(&posted.claim, signature.unwrap_or_default())?;
    out.note("this publishes the generated tokens for everybody to read");
    about(
        &chain,
        &posted,
        &Call::new("revealing the output", chain.address("ClaimBook")?, &call),
    )
}

fn draw(args: &ClaimArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let to = chain.address("ClaimBook")?;
    let posted = posted_of(&chain, job_of(&args.claim)?)?;
    let terms = posted.terms();
    let read = || {
        chain
            .client
            .read(to, &book::stateOfCall { claim: posted.id })
    };
    let mut state = read()?;
    if !state.revealed {
        let number = terms.drawBlock;
        if number == 0 {
            bail!("no layers are drawn for this claim: it is not in the audited mode");
        }
        let head = chain.client.head()?;
        if head.number <= number {
            bail!(
                "block {number} draws the layers and must have a successor; the newest is {}: try again in {}",
                head.number,
                count((number + 1 - head.number) as usize, "block")
            );
        }
        let call = book::revealDrawCall {
            claim: posted.claim.clone(),
            header: chain.client.header(number)?.into(),
        };
        let what = format!("drawing layers from block {number}");
        chain.send(&Call::new(what, to, &call))?;
        if chain.dry_run {
            return Ok(());
        }
        state = read()?;
    }
    let layers = layers_of(state.drawn);
    let is_proven = |layer: &usize| state.allProven || state.proven.bit(*layer);
    let missing: Vec<usize> = layers.iter().copied().filter(|l| !is_proven(l)).collect();
    let list = |layers: &[usize]| {
        let words: Vec<String> = layers.iter().map(usize::to_string).collect();
        words.join(",")
    };
    out.text(format!("drawn: layers {}", list(&layers)));
    if !missing.is_empty() {
        let now = chain.client.head()?.timestamp;
        out.text(format!(
            "prove them until {}: nanozk aggregate SESSION --layers {}, then nanozk claim prove SESSION",
            when(terms.provenBy, now),
            list(&missing),
        ));
    }
    out.json(&json!({
        "event": "drawn",
        "claim": posted.id,
        "layers": layers,
        "missing": missing,
        "proven_by": terms.provenBy,
    }));
    Ok(())
}
