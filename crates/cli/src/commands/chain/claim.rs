//! `nanozk claim`.

use super::job::find as find_job;
use super::{id_of, status, when, Chain};
use crate::args::{
    ClaimArgs, ClaimCommand, KeyArgs, LayerArgs, PostArgs, SessionArgs, SettleArgs, SignArgs,
};
use crate::output::{count, thousands, Out};
use anyhow::{bail, Context, Result};
use nanozk_chain::aggregate::{prove_all, AggregateCall};
use nanozk_chain::bindings::{beacon, book, dispute, lens, market, registry, router, settlement};
use nanozk_chain::claim::{batches, header, layers_of, padded, unpadded, Encoder};
use nanozk_chain::client::Call;
use nanozk_chain::format::{readable, utc};
use nanozk_chain::output::{dispute_of, OutputFile};
use nanozk_chain::primitives::{Bytes, B256, U256};
use nanozk_chain::revert::{claim_status, job_status};
use nanozk_chain::signing::{sign, SignatureFile};
use nanozk_chain::Error;
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::session::SessionDir;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::session::Session;
use serde_json::json;
use std::path::Path;

/// Statuses, as in the contracts.
const JOB_LOCKED: u8 = 2;
pub(super) const CLAIM_POSTED: u8 = 1;
pub(super) const CHALLENGE_OPEN: u8 = 1;

pub(in crate::commands) fn claim(command: &ClaimCommand, out: &Out) -> Result<()> {
    match command {
        ClaimCommand::Post(args) => post(args, out),
        ClaimCommand::Settle(args) if args.aggregate => settle_at_once(args, out),
        ClaimCommand::Sign(args) => sign_files(args, out),
        ClaimCommand::Settle(args) => settle(args, out),
        ClaimCommand::Challenge(args) => challenge(args, out),
        ClaimCommand::Answer(args) => answer(args, out),
        ClaimCommand::Finalize(args) => simple(args, out, |chain, claim| {
            let call = settlement::finalizeCall { claim };
            Ok(Call::new(
                "settling the claim",
                chain.address("Settlement")?,
                &call,
            ))
        }),
        ClaimCommand::Timeout(args) => on_layer(args, out, |chain, claim, layer| {
            let call = dispute::timeoutCall { claim, layer };
            let what = format!(
                "defeating the claim by the challenge of {}",
                place(chain, claim, args.layer)?
            );
            Ok(Call::new(what, chain.address("LayerDispute")?, &call))
        }),
        ClaimCommand::Expire(args) => simple(args, out, |chain, claim| {
            let call = settlement::expireCall { claim };
            Ok(Call::new(
                "defeating the claim",
                chain.address("Settlement")?,
                &call,
            ))
        }),
        ClaimCommand::Void(args) => simple(args, out, |chain, claim| {
            let call = settlement::voidClaimCall { claim };
            Ok(Call::new(
                "voiding the claim",
                chain.address("Settlement")?,
                &call,
            ))
        }),
        ClaimCommand::Resolve(args) => resolve(args, out),
        ClaimCommand::DisputeOutput(args) => simple(args, out, dispute_output),
        ClaimCommand::Status(args) => {
            let chain = Chain::reading(&args.chain, &KeyArgs::default(), out)?;
            status::show(&chain, id_of(&args.claim)?)
        }
        ClaimCommand::RevealOutput(args) => reveal_output(args, out),
        ClaimCommand::DemandOutput(args) => simple(args, out, |chain, claim| {
            let call = dispute::demandOutputCall { claim };
            Ok(Call::new(
                "demanding the output",
                chain.address("LayerDispute")?,
                &call,
            ))
        }),
        ClaimCommand::AcceptOutput(args) => simple(args, out, |chain, claim| {
            let call = dispute::acceptOutputCall { claim };
            Ok(Call::new(
                "accepting the output",
                chain.address("LayerDispute")?,
                &call,
            ))
        }),
        ClaimCommand::Audit(args) => audit(args, out),
    }
}

/// A session's files, if they are of a claim of this deployment.
fn session_of(chain: &Chain<'_>, path: &Path) -> Result<(Session, ModelCard)> {
    Kind::Session.check(path)?;
    let dir = SessionDir::new(path);
    let (session, card) = (dir.session()?, dir.card()?);
    card.check()
        .with_context(|| path.join("card.json").display().to_string())?;
    let (chain_id, book) = (chain.client.chain_id(), chain.address("ClaimBook")?);
    let context = &session.context;
    if context.chain != chain_id || context.contract != padded(book) {
        bail!(
            "{} is a claim on chain {} and contract {}; the deployment is chain {chain_id} and the claim book {book}",
            path.display(),
            context.chain,
            context.contract
        );
    }
    Ok((session, card))
}

fn claim_of(chain: &Chain<'_>, id: B256) -> Result<book::Claim> {
    Ok(chain
        .client
        .read(chain.address("ClaimBook")?, &book::claimCall { id })?)
}

fn post(args: &PostArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (session, card) = session_of(&chain, &args.session)?;
    let id = B256::from(session.context.claim.0);
    let recipient = unpadded(session.context.recipient).context(
        "the recipient in session.json is not an address: run the session again with --recipient",
    )?;
    let header = header(&session, recipient);
    if args.sign_only {
        let signature = Bytes::from(sign(
            chain.client.signer()?,
            chain.domains()?.header(&header),
        ));
        out.text(signature.to_string());
        out.json(
            &json!({"claim": id, "provider": chain.client.account()?, "signature": signature}),
        );
        return Ok(());
    }
    let job = chain
        .client
        .read(chain.address("JobMarket")?, &market::jobCall { id })?;
    if chain
        .client
        .read(chain.address("ClaimBook")?, &book::statusCall { id })?
        != 0
    {
        check_statement(&claim_of(&chain, id)?, &session, &card)?;
        chain.already(&format!("the claim {id} is posted"));
        return Ok(());
    }
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
    check_answer(&chain, &job, &session)?;
    let call = book::postClaimCall {
        header,
        signature: args.signature.clone().unwrap_or_default(),
    };
    chain.send(&Call::new(
        "posting the claim",
        chain.address("ClaimBook")?,
        &call,
    ))?;
    if !chain.dry_run {
        explain(&chain, id)?;
    }
    Ok(())
}

/// Refuses a session that does not answer a job.
fn check_answer(chain: &Chain<'_>, job: &market::Job, session: &Session) -> Result<()> {
    let model = chain.client.read(
        chain.address("ModelRegistry")?,
        &registry::modelIdCall {
            version: job.version,
        },
    )?;
    if model.0 != session.model_id.0 {
        bail!(
            "the job is for model {model}, the session is of {}",
            session.model_id
        );
    }
    if scalar_to_bytes(&session.input_digest.0) != job.inputDigest.0 {
        bail!("the session answers another prompt or has another salt than the job: run it with --request");
    }
    Ok(())
}

/// Signs that others may take the job and post the claim, for whoever sends it.
fn sign_files(args: &SignArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &args.key, out)?;
    let (session, _) = session_of(&chain, &args.session)?;
    let recipient = unpadded(session.context.recipient).context(
        "the recipient in session.json is not an address: run the session again with --recipient",
    )?;
    let header = header(&session, recipient);
    // A stake may be held on the strength of it. The job may not be open yet.
    if let Some(job) = find_job(&chain, header.job)? {
        check_answer(&chain, &job, &session)?;
    }
    let now = chain.client.head()?.timestamp;
    let deadline = now.saturating_add(args.lock_within);
    let (signer, domains) = (chain.client.signer()?, chain.domains()?);
    let mut signatures = SignatureFile::new(signer, &domains, &header, deadline);
    let output = args.session.join("output.json");
    if output.exists() {
        let output: OutputFile = files::read_json(&output)?;
        output.check()?;
        signatures = signatures.with_output(signer, &domains, header.job, output.hash()?);
    }
    let path = args.session.join("signatures.json");
    files::write_json(&path, &signatures)?;
    out.text(format!(
        "wrote {}: with it a relayer can take the job until {}, post the claim and answer a demand for the output, and nothing else",
        path.display(),
        utc(deadline)
    ));
    out.json(&json!({"event": "signed", "claim": header.job, "provider": signatures.provider, "lock_deadline": deadline, "file": path}));
    Ok(())
}

/// Proofs of another session would be refused one by one.
fn check_statement(claim: &book::Claim, session: &Session, card: &ModelCard) -> Result<()> {
    if session.statement(card.layers.len()).digest() != claim.statement.0 {
        bail!(
            "the claim on chain is of another session: its statement is {}",
            claim.statement
        );
    }
    Ok(())
}

/// Proofs of a claim, on their way to the chain.
struct Proofs {
    id: B256,
    claim: book::Claim,
    session: Session,
    card: ModelCard,
    dir: SessionDir,
    encoder: Encoder,
}

impl Proofs {
    fn open(chain: &Chain<'_>, path: &Path) -> Result<Self> {
        let (session, card) = session_of(chain, path)?;
        let id = B256::from(session.context.claim.0);
        let claim = claim_of(chain, id)?;
        check_statement(&claim, &session, &card)?;
        check_keys(chain, &claim, &card)?;
        Ok(Proofs {
            id,
            claim,
            session,
            card,
            dir: SessionDir::new(path),
            encoder: Encoder::default(),
        })
    }

    /// Layers of these that have a proof, with it; the others are named.
    fn of(&mut self, layers: &[usize], out: &Out) -> Result<Vec<(usize, Bytes)>> {
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for &layer in layers {
            let path = self.dir.proof_path(layer);
            if !path.exists() {
                missing.push(layer.to_string());
                continue;
            }
            let file = files::read(&path)?;
            let proof = self
                .encoder
                .calldata(&self.session, &self.card, layer, &file)?;
            found.push((layer, proof));
        }
        if !missing.is_empty() {
            let advice = format!(
                "{} {} no proof: nanozk prove {} --layers {}",
                match missing.as_slice() {
                    [one] => format!("layer {one}"),
                    several => format!("layers {}", several.join(", ")),
                },
                if missing.len() == 1 { "has" } else { "have" },
                self.dir.path().display(),
                missing.join(",")
            );
            if found.is_empty() {
                bail!("{advice}");
            }
            out.note(advice);
        }
        Ok(found)
    }
}

/// The layers that are registered must be those the proofs are for.
fn check_keys(chain: &Chain<'_>, claim: &book::Claim, card: &ModelCard) -> Result<()> {
    let version = claim.version;
    let layers = chain.client.read(
        chain.address("ModelRegistry")?,
        &registry::layersCall { version },
    )?;
    if layers.len() != card.layers.len() {
        bail!(
            "the session has {}, the registered version {}",
            count(card.layers.len(), "layer"),
            layers.len()
        );
    }
    for (index, (registered, own)) in layers.iter().zip(&card.layers).enumerate() {
        if registered.verifyingKey.0 != own.verifying_key.0 {
            bail!(
                "layer {index}: the registered verifier has the key {}, the session's circuit {}",
                registered.verifyingKey,
                own.verifying_key
            );
        }
    }
    Ok(())
}

fn wanted(layers: &[usize], only: Option<&crate::args::LayerList>) -> Vec<usize> {
    let wanted = |l: &&usize| only.is_none_or(|list| list.0.contains(l));
    layers.iter().filter(wanted).copied().collect()
}

fn settle(args: &SettleArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let to = chain.address("Settlement")?;
    let mut proofs = Proofs::open(&chain, &args.session)?;
    let (id, claim) = (proofs.id, proofs.claim.clone());
    if claim.status != CLAIM_POSTED {
        chain.already(&format!("the claim {id} is {}", claim_status(claim.status)));
        return Ok(());
    }
    // An aggregate counts as long as its key is not frozen.
    let proven = chain
        .client
        .read(to, &settlement::provenLayersCall { claim: id })?;
    let open: Vec<usize> = (0..usize::from(claim.layers))
        .filter(|l| !proven.bit(*l))
        .collect();
    let layers = wanted(&open, args.layers.as_ref());
    if layers.is_empty() {
        chain.already("these layers are proven");
        return explain(&chain, id);
    }
    let deadlines = chain
        .client
        .read(to, &settlement::deadlinesCall { claim: id })?;
    let now = chain.client.head()?.timestamp;
    if now > deadlines.provenBy {
        bail!(
            "layers could be proven until {}",
            when(deadlines.provenBy, now)
        );
    }
    let found = proofs.of(&layers, out)?;
    let account = chain.client.account()?;
    let call = |first: usize, proofs: Vec<Bytes>| {
        let last = first + proofs.len() - 1;
        let what = if first == last {
            format!("proving layer {first}")
        } else {
            format!("proving layers {first} to {last}")
        };
        let call = settlement::proveLayersCall {
            claim: id,
            first: U256::from(first),
            proofs,
        };
        Call::new(what, to, &call)
    };
    // Each by itself first: a proof that is refused is named, and the gas says how many fit into one transaction.
    let mut gas = Vec::new();
    for (layer, proof) in &found {
        let used = chain
            .client
            .estimate(&call(*layer, vec![proof.clone()]), account)?;
        out.text(format!("layer {layer}: {} gas", thousands(used)));
        gas.push((*layer, used));
    }
    // The limit of a transaction is somewhat above its estimate.
    for batch in batches(&gas, args.max_gas / 10 * 8) {
        let bytes = found
            .iter()
            .filter(|(l, _)| batch.contains(l))
            .map(|(_, proof)| proof.clone())
            .collect();
        chain
            .send(&call(batch[0], bytes))
            .context("what was proven so far stays: the same command goes on from there")?;
    }
    if !chain.dry_run {
        explain(&chain, id)?;
    }
    Ok(())
}

/// One proof for all layers.
fn settle_at_once(args: &SettleArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let proofs = Proofs::open(&chain, &args.session)?;
    let (id, claim) = (proofs.id, &proofs.claim);
    if claim.status != CLAIM_POSTED {
        chain.already(&format!("the claim {id} is {}", claim_status(claim.status)));
        return Ok(());
    }
    let path = args.session.join("aggregate.json");
    if !path.exists() {
        bail!(
            "the session has no aggregate: nanozk aggregate {}",
            args.session.display()
        );
    }
    let aggregate: AggregateCall = files::read_json(&path)?;
    aggregate
        .check(&proofs.session, &proofs.card)
        .with_context(|| path.display().to_string())?;
    let (key, tree) = (aggregate.verifying_key, &aggregate.tree);
    let entry = router::entryCall { verifyingKey: key };
    let router = chain.address("VerifierRouter")?;
    if chain.client.read(router, &entry)?.verifier.is_zero() {
        bail!(
            "there is no verifier on chain for aggregates of the tree {tree} (key {key}): nanozk verifier generate MODEL \
             -o DIR --solc PATH --aggregate --tree '{tree}', then nanozk verifier deploy DIR"
        );
    }
    chain.send(&prove_all(
        chain.address("Settlement")?,
        id,
        key,
        aggregate.proof,
    ))?;
    if !chain.dry_run {
        explain(&chain, id)?;
    }
    Ok(())
}

/// Layers of a claim with an open challenge; the number of layers stands for the output.
pub(super) fn open_challenges(
    chain: &Chain<'_>,
    claim: B256,
    layers: usize,
) -> Result<Vec<(usize, dispute::Challenge)>> {
    let to = chain.address("LayerDispute")?;
    let mut open = Vec::new();
    if chain
        .client
        .read(to, &dispute::openCountCall { claim })?
        .is_zero()
    {
        return Ok(open);
    }
    for layer in 0..=layers {
        let call = dispute::challengeOfCall {
            claim,
            layer: U256::from(layer),
        };
        let challenge = chain.client.read(to, &call)?;
        if challenge.status == CHALLENGE_OPEN {
            open.push((layer, challenge));
        }
    }
    Ok(open)
}

fn answer(args: &SettleArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let to = chain.address("LayerDispute")?;
    let mut proofs = Proofs::open(&chain, &args.session)?;
    let (id, layers) = (proofs.id, usize::from(proofs.claim.layers));
    if proofs.claim.status != CLAIM_POSTED {
        chain.already(&format!(
            "the claim {id} is {}",
            claim_status(proofs.claim.status)
        ));
        return Ok(());
    }
    let open = open_challenges(&chain, id, layers)?;
    if open.iter().any(|(l, _)| *l == layers) {
        out.note("the output is demanded too: nanozk claim reveal-output");
    }
    let challenged: Vec<usize> = open
        .iter()
        .map(|(l, _)| *l)
        .filter(|l| *l < layers)
        .collect();
    let challenged = wanted(&challenged, args.layers.as_ref());
    if challenged.is_empty() {
        chain.already("no challenge of such a layer is open");
        return Ok(());
    }
    let now = chain.client.head()?.timestamp;
    for (layer, challenge) in open.iter().filter(|(l, _)| challenged.contains(l)) {
        if now > challenge.answerBy {
            bail!(
                "layer {layer} was to be answered until {}",
                when(challenge.answerBy, now)
            );
        }
    }
    for (layer, proof) in proofs.of(&challenged, out)? {
        let call = dispute::answerCall {
            claim: id,
            layer: U256::from(layer),
            proof,
        };
        chain.send(&Call::new(
            format!("answering the challenge of layer {layer}"),
            to,
            &call,
        ))?;
    }
    if !chain.dry_run {
        explain(&chain, id)?;
    }
    Ok(())
}

/// Where a claim stands, in the contracts' words.
fn explain(chain: &Chain<'_>, claim: B256) -> Result<()> {
    let text = chain.client.read(
        chain.address("ClaimLens")?,
        &lens::explainStatusCall { claim },
    )?;
    chain.out.text(readable(&text));
    chain
        .out
        .json(&json!({"event": "status", "claim": claim, "text": text}));
    Ok(())
}

fn simple(
    args: &ClaimArgs,
    out: &Out,
    call: impl Fn(&Chain<'_>, B256) -> Result<Call>,
) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let id = id_of(&args.claim)?;
    let call = call(&chain, id)?;
    chain.send(&call).map_err(|e| of_output(&chain, id, e))?;
    if !chain.dry_run {
        explain(&chain, id)?;
    }
    Ok(())
}

fn on_layer(
    args: &LayerArgs,
    out: &Out,
    call: impl Fn(&Chain<'_>, B256, U256) -> Result<Call>,
) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let id = id_of(&args.claim)?;
    let call = call(&chain, id, U256::from(args.layer))?;
    chain.send(&call).map_err(|e| of_output(&chain, id, e))?;
    if !chain.dry_run {
        explain(&chain, id)?;
    }
    Ok(())
}

/// In contracts the output is one more layer; in what people read it is the output.
fn of_output(chain: &Chain<'_>, id: B256, error: anyhow::Error) -> anyhow::Error {
    let Some(Error::Reverted { what, revert }) = error.downcast_ref::<Error>() else {
        return error;
    };
    let layer = revert.arguments.iter().find(|(name, _)| name == "layer");
    let (Some((_, layer)), Ok(claim)) = (layer, claim_of(chain, id)) else {
        return error;
    };
    if *layer != claim.layers.to_string() {
        return error;
    }
    let message = match revert.name.as_str() {
        "NotChallenged" => "nobody demanded the output, or the demand was answered".to_owned(),
        "AlreadyChallenged" => "the output was demanded or accepted before".to_owned(),
        _ => revert
            .message
            .replace(&format!("layer {layer}"), "the output"),
    };
    anyhow::anyhow!("{what} would fail: {message} ({})", revert.name)
}

/// `layer 3`, or `the output`.
fn place(chain: &Chain<'_>, id: B256, layer: u64) -> Result<String> {
    if layer == u64::from(claim_of(chain, id)?.layers) {
        return Ok("the output".into());
    }
    Ok(format!("layer {layer}"))
}

/// A challenge's bond comes from the challenger's free balance.
fn require_challenge_bond(chain: &Chain<'_>, id: B256) -> Result<()> {
    let job = chain
        .client
        .read(chain.address("JobMarket")?, &market::jobCall { id })?;
    let account = chain.client.account()?;
    chain.require_free(
        account,
        job.asset,
        U256::from(job.challengeBond),
        "the challenge bond",
    )
}

fn challenge(args: &LayerArgs, out: &Out) -> Result<()> {
    on_layer(args, out, |chain, claim, layer| {
        require_challenge_bond(chain, claim)?;
        let call = dispute::challengeCall { claim, layer };
        Ok(Call::new(
            format!("challenging layer {layer}"),
            chain.address("LayerDispute")?,
            &call,
        ))
    })
}

/// Each challenger's bond by itself.
fn resolve(args: &LayerArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (claim, layer) = (id_of(&args.claim)?, U256::from(args.layer));
    let to = chain.address("LayerDispute")?;
    let open = chain
        .client
        .read(to, &dispute::openBondsCall { claim })
        .unwrap_or_default();
    let mut challengers: Vec<_> = open
        .iter()
        .filter(|bond| bond.layer == layer)
        .map(|bond| bond.challenger)
        .collect();
    if challengers.is_empty() {
        // The contract says why there is nothing.
        challengers.push(chain.client.account()?);
    }
    let place = place(&chain, claim, args.layer)?;
    for challenger in challengers {
        let call = dispute::resolveCall {
            claim,
            layer,
            challenger,
        };
        chain.send(&Call::new(
            format!("paying out the bond of {challenger} for the challenge of {place}"),
            to,
            &call,
        ))?;
    }
    if !chain.dry_run {
        explain(&chain, claim)?;
    }
    Ok(())
}

/// What the provider revealed, as the chain has it.
fn dispute_output(chain: &Chain<'_>, claim: B256) -> Result<Call> {
    let to = chain.address("LayerDispute")?;
    let call = dispute_of(&chain.client, to, claim)?
        .context("no output of this claim was revealed: nanozk claim demand-output")?;
    Ok(Call::new("disputing the output", to, &call))
}

fn reveal_output(args: &SessionArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (session, _) = session_of(&chain, &args.session)?;
    let claim = B256::from(session.context.claim.0);
    let output: OutputFile = files::read_json(&args.session.join("output.json"))?;
    output.check()?;
    let provider = claim_of(&chain, claim)?.provider;
    let signed = args.session.join("signatures.json");
    let signature = match chain.client.account()? == provider || !signed.exists() {
        true => None,
        false => files::read_json::<SignatureFile>(&signed)?.output,
    };
    if chain.client.account()? != provider && signature.is_none() {
        out.note(
            "without the provider's signature the contract computes the tokens' digest, for up to 13,000,000 gas: \
             nanozk claim sign writes one",
        );
    }
    let call = output.call(claim, signature.unwrap_or_default())?;
    out.note("this publishes the generated tokens for everybody to read");
    let call = Call::new(
        "revealing the output",
        chain.address("LayerDispute")?,
        &call,
    );
    chain.send(&call).map_err(|e| of_output(&chain, claim, e))?;
    if !chain.dry_run {
        explain(&chain, claim)?;
    }
    Ok(())
}

fn audit(args: &ClaimArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let Some(to) = chain.deployment.beacon()? else {
        bail!("these contracts audit no claims, since their chain has no prevrandao");
    };
    let claim = id_of(&args.claim)?;
    let mut drawn = chain.client.read(to, &beacon::drawnCall { claim })?;
    if !drawn.revealed {
        let number = chain.client.read(to, &beacon::blockOfCall { claim })?;
        if number == 0 {
            bail!("no layers are drawn for this claim: it is not in the audited lane");
        }
        let head = chain.client.head()?;
        if head.number <= number {
            bail!(
                "block {number} draws the layers and must have a successor; the newest is {}: try again in {}",
                head.number,
                count((number + 1 - head.number) as usize, "block")
            );
        }
        let header = chain.client.header(number)?.into();
        let call = beacon::revealCall { claim, header };
        chain.send(&Call::new(
            format!("drawing layers from block {number}"),
            to,
            &call,
        ))?;
        if chain.dry_run {
            return Ok(());
        }
        drawn = chain.client.read(to, &beacon::drawnCall { claim })?;
    }
    let layers = layers_of(drawn.layers);
    let proven = chain.client.read(
        chain.address("Settlement")?,
        &settlement::provenLayersCall { claim },
    )?;
    let missing: Vec<String> = layers
        .iter()
        .filter(|l| !proven.bit(**l))
        .map(usize::to_string)
        .collect();
    let deadlines = chain.client.read(
        chain.address("Settlement")?,
        &settlement::deadlinesCall { claim },
    )?;
    let list: Vec<String> = layers.iter().map(usize::to_string).collect();
    out.text(format!(
        "drawn: layers {}, by the beacon {}",
        list.join(", "),
        drawn.seed
    ));
    if !missing.is_empty() {
        let now = chain.client.head()?.timestamp;
        out.text(format!(
            "prove {} {} until {}: nanozk prove, then nanozk claim settle",
            if missing.len() == 1 {
                "layer"
            } else {
                "layers"
            },
            missing.join(", "),
            when(deadlines.provenBy, now)
        ));
    }
    out.json(&json!({
        "event": "drawn",
        "claim": claim,
        "seed": drawn.seed,
        "layers": layers,
        "missing": missing,
        "proven_by": deadlines.provenBy,
    }));
    Ok(())
}
