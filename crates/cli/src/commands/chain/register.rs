//! `nanozk model register`.

use super::Chain;
use crate::args::RegisterArgs;
use crate::data::Data;
use crate::model_dir::{ModelDir, StoredImportance, IMPORTANCE_FORMAT};
use crate::output::{Out, Progress};
use anyhow::{bail, Context, Error, Result};
use nanozk_chain::aggregate::bind_aggregate;
use nanozk_chain::bindings::{registry, router};
use nanozk_chain::client::Call;
use nanozk_chain::format::Amount;
use nanozk_chain::policy::{registration, terms, Wishes, GAS_PRICE};
use nanozk_chain::primitives::{B256, U256};
use nanozk_chain::GAS_CAP;
use nanozk_prover::files;
use nanozk_verifier::aggregate::aggregation_digest;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::encoding::scalar_to_bytes;
use serde_json::json;
use std::collections::BTreeSet;

pub(in crate::commands) fn register(args: &RegisterArgs, data: &Data, out: &Out) -> Result<()> {
    let dir = ModelDir::new(&args.model)?;
    let card = dir.card()?;
    let audit_weights = audit_weights(args, &dir, &card)?;
    // What is registered stays.
    let progress = Progress::spinner("checking the card's keys");
    data.check_manifest(&card)?;
    drop(progress);
    let chain = Chain::sending(&args.send, out)?;
    let amount = |given: &Option<Amount>| -> Result<Option<U256>> {
        let amount = given.as_ref().map(|a| a.of(args.asset)).transpose();
        amount.map_err(Error::msg)
    };
    let wishes = Wishes {
        asset: args.asset,
        max_price: amount(&args.max_price)?,
        external_gain: amount(&args.external_gain)?,
        stake: amount(&args.stake)?,
        challenge_bond: amount(&args.challenge_bond)?,
        audits: args.audits,
        answer_cost: amount(&args.answer_cost)?,
        audit_weights,
    };
    let terms = terms(&card, &wishes)?;
    for (name, value, reason) in &terms.reasons {
        out.text(format!("{name:<15} {value}"));
        out.text(format!("                  {reason}"));
    }
    let gas_price = chain.client.gas_price()?;
    if args.answer_cost.is_none() && gas_price > u128::from(GAS_PRICE) {
        out.note(format!(
            "gas costs {:.1} gwei now, more than the terms assume: consider --answer-cost",
            gas_price as f64 / 1e9
        ));
    }
    check_verifiers(&chain, &card, args)?;
    let to = chain.address("ModelRegistry")?;
    let (header, layers) = registration(&card, &terms);
    let id = registry::versionIdOfCall {
        header: header.clone(),
        layers: layers.clone(),
        policy: terms.policy.clone(),
        metadataURI: args.metadata_uri.clone(),
    };
    let version = chain.client.read(to, &id)?;
    let model_id = card.model_id();
    let on_chain = registry::modelIdOfCall {
        header: header.clone(),
        layers: layers.clone(),
    };
    let on_chain = chain.client.read(to, &on_chain)?;
    if on_chain.0 != model_id.0 {
        bail!("the registry computes the model id {on_chain}, the card has {model_id}: it is of another version of nanozk");
    }
    if chain.client.read(to, &registry::existsCall { version })? {
        chain.already("this version is registered");
    } else {
        let call = registry::registerCall {
            header,
            layers,
            policy: terms.policy.clone(),
            metadataURI: args.metadata_uri.clone(),
        };
        chain.send(&Call::new("registering the model", to, &call))?;
    }
    if args.aggregate {
        bind(&chain, version, &card)?;
    }
    out.text(format!("model id {model_id}"));
    out.text(format!("version  {version}"));
    if let Some(link) = chain.link("address", to) {
        out.text(format!("{link}#readContract"));
    }
    out.json(&json!({
        "event": "registered",
        "dry_run": chain.dry_run,
        "model_id": model_id,
        "version": version,
        "policy": {
            "asset": terms.policy.asset,
            "max_price": terms.policy.maxPrice.to_string(),
            "external_gain": terms.policy.externalGain.to_string(),
            "stake": terms.policy.stake.to_string(),
            "challenge_bond": terms.policy.challengeBond.to_string(),
            "audits": terms.policy.audits,
        },
        "audit_weights_ppm": terms.audit_weights,
        "answer_cost": terms.answer_cost.to_string(),
    }));
    Ok(())
}

/// Puts the layers that are not bound yet into the version's aggregation digest.
fn bind(chain: &Chain<'_>, version: B256, card: &ModelCard) -> Result<()> {
    let to = chain.address("ModelRegistry")?;
    if chain.dry_run && !chain.client.read(to, &registry::existsCall { version })? {
        return Ok(());
    }
    let calls = bind_aggregate(&chain.client, to, version, card, GAS_CAP / 10 * 8)?;
    if calls.is_empty() {
        chain.already("all layers are bound");
    }
    for call in calls {
        chain
            .send(&call)
            .context("what was bound so far stays: the same command goes on from there")?;
    }
    if chain.dry_run {
        return Ok(());
    }
    let digest = chain
        .client
        .read(to, &registry::aggregationDigestCall { version })?;
    let own = scalar_to_bytes(&aggregation_digest(card));
    if digest.0 != own {
        bail!("the registry computes the aggregation digest {digest}, the card has {}: it is of another version of nanozk", nanozk_verifier::hex::encode(&own));
    }
    Ok(())
}

/// Weights of the file that was given, or of the model directory.
fn audit_weights(
    args: &RegisterArgs,
    dir: &ModelDir,
    card: &ModelCard,
) -> Result<Option<Vec<u32>>> {
    let Some(path) = &args.audit_weights else {
        if !dir.file("importance.json").exists() {
            return Ok(None);
        }
        return Ok(Some(dir.importance(card)?.audit_weights_ppm));
    };
    let stored: StoredImportance = files::read_json(path)?;
    if stored.format != IMPORTANCE_FORMAT || stored.model_id != card.model_id() {
        bail!("{} is of another model version", path.display());
    }
    Ok(Some(stored.audit_weights_ppm))
}

/// Verifiers that the registry would miss, all at once.
fn check_verifiers(chain: &Chain<'_>, card: &ModelCard, args: &RegisterArgs) -> Result<()> {
    let to = chain.address("VerifierRouter")?;
    let keys: BTreeSet<[u8; 32]> = card.layers.iter().map(|l| l.verifying_key.0).collect();
    let mut missing = Vec::new();
    for key in keys {
        let entry = router::entryCall {
            verifyingKey: key.into(),
        };
        if chain.client.read(to, &entry)?.verifier.is_zero() {
            missing.push(nanozk_verifier::hex::encode(&key));
        }
    }
    if !missing.is_empty() {
        bail!(
            "{} of the model's circuits have no verifier on chain ({}): nanozk verifier generate {} -o DIR --solc PATH, \
             then nanozk verifier deploy DIR",
            missing.len(),
            missing.join(", "),
            args.model.display()
        );
    }
    Ok(())
}
