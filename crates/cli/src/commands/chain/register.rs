//! `nanozk model register`.

use super::Chain;
use crate::args::RegisterArgs;
use crate::commands::check_programs;
use crate::data::Data;
use crate::output::Out;
use anyhow::{Error, Result, bail};
use nanozk::model_dir::{IMPORTANCE_FORMAT, ModelDir, StoredImportance};
use nanozk_chain::bindings::registry;
use nanozk_chain::client::Call;
use nanozk_chain::format::Amount;
use nanozk_chain::policy::{GAS_PRICE, Wishes, registration, terms};
use nanozk_chain::primitives::U256;
use nanozk_prover::files;
use nanozk_verifier::CheckedManifest;
use serde_json::json;

pub(in crate::commands) fn register(args: &RegisterArgs, data: &Data, out: &Out) -> Result<()> {
    let dir = ModelDir::new(&args.model)?;
    let version = dir.manifest()?;
    let audit_weights = audit_weights(args, &dir, &version)?;
    if version.manifest().programs.is_empty() {
        bail!("the model has no programs: import it again");
    }
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
    let terms = terms(&version, &wishes)?;
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
    let to = chain.address("ModelRegistry")?;
    let verifier = chain.address("FinalVerifier")?;
    let (header, layers) = registration(&version, &terms);
    let id = registry::versionIdOfCall {
        header: header.clone(),
        layers: layers.clone(),
        policy: terms.policy.clone(),
        verifier,
        metadataURI: args.metadata_uri.clone(),
    };
    let version_id = chain.client.read(to, &id)?;
    let model_id = version.id();
    let on_chain = registry::modelIdOfCall {
        header: header.clone(),
    };
    let on_chain = chain.client.read(to, &on_chain)?;
    if on_chain.0 != model_id.0 {
        bail!(
            "the registry computes the model id {on_chain}, the manifest has {model_id}: it is of another version of nanozk"
        );
    }
    let exists = registry::existsCall {
        version: version_id,
    };
    let is_there = chain.client.read(to, &exists)?;
    let call = registry::registerCall {
        header,
        layers,
        policy: terms.policy.clone(),
        verifier,
        metadataURI: args.metadata_uri.clone(),
    };
    let call = Call::new("registering the model", to, &call);
    // What the registry refuses is said before the keys are computed, which takes longer.
    if !is_there {
        chain.client.simulate(&call, chain.client.account()?)?;
    }
    // What is registered stays.
    check_programs(&version, data)??;
    if is_there {
        chain.already("this version is registered");
    } else {
        chain.send(&call)?;
    }
    out.text(format!("model id {model_id}"));
    out.text(format!("version  {version_id}"));
    if let Some(link) = chain.link("address", to) {
        out.text(format!("{link}#readContract"));
    }
    out.json(&json!({
        "event": "registered",
        "dry_run": chain.dry_run,
        "model_id": model_id,
        "version": version_id,
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

/// Weights of the file that was given, or of the model directory.
fn audit_weights(
    args: &RegisterArgs,
    dir: &ModelDir,
    version: &CheckedManifest,
) -> Result<Option<Vec<u32>>> {
    let Some(path) = &args.audit_weights else {
        if !dir.file("importance.json").exists() {
            return Ok(None);
        }
        return Ok(Some(dir.importance(version)?.audit_weights_ppm));
    };
    let stored: StoredImportance = files::read_json(path)?;
    if stored.format != IMPORTANCE_FORMAT || stored.model_id != version.id() {
        bail!("{} is of another model version", path.display());
    }
    Ok(Some(stored.audit_weights_ppm))
}
