//! `nanozk deploy`.

use super::{connect, deployment_path, report};
use crate::args::DeployArgs;
use crate::output::{Out, Progress, count, thousands};
use anyhow::{Context, Result, bail};
use nanozk_chain::deployment::{self, Deployment, Parameters, Step};
use nanozk_chain::format::eth;
use nanozk_chain::primitives::{U256, keccak256};
use nanozk_chain::{Client, Error as ChainError};
use nanozk_prover::files;
use serde_json::json;
use std::path::Path;

/// What a contract's creation takes for each byte of its code: 200 to keep it, 16 to send it, and a little to run it.
const CREATION_GAS: u64 = 220;
/// What CREATE3 and events add to a contract's own creation.
const CREATE3_GAS: u64 = 70_000;

pub(in crate::commands) fn deploy(args: &DeployArgs, out: &Out) -> Result<()> {
    let client = connect(&args.send.chain, &args.send.key, out)?;
    let account = client.account()?;
    client.settle()?;
    let parameters = Parameters {
        guardian: args.guardian.unwrap_or(account),
        assets: args.asset.clone(),
        unbond_delay: args.unbond_delay,
        beacon_delay: (!args.no_audits).then_some(args.beacon_delay),
        challenge_window: args.epoch_challenge_window,
        answer_window: args.epoch_answer_window,
        salt: keccak256(args.salt.as_bytes()),
    };
    let steps = deployment::plan(account, &parameters);
    deployment::check_proxy(&client)?;
    let path = deployment_path(args.send.chain.deployment.as_deref(), &client);
    let mut deployment = read(&path, &client, account, &parameters)?;
    if args.send.dry_run {
        return dry_run(&client, &steps, out);
    }

    if let Some(parent) = path.parent() {
        files::create_dir(parent)?;
    }
    let mut sent = 0;
    for (i, step) in steps.iter().enumerate() {
        let progress = Progress::spinner(&step.call.what);
        if i == deployment::FIRST_OF_FACTORY {
            deployment::check_address(&client, account, step)?;
        }
        let receipt = deployment::carry_out(&client, step, &mut deployment).with_context(|| {
            format!(
                "{} deployed, {} left; what is there stays: run the same command again",
                count(sent, "contract"),
                steps.len() - i
            )
        })?;
        drop(progress);
        // After every step: whatever happens next, this is known.
        files::write_json(&path, &deployment)?;
        match receipt {
            Some(receipt) => {
                sent += 1;
                report(&receipt, args.send.chain.explorer.as_deref(), out);
            }
            None => out.text(format!(
                "{:<15} {} already deployed",
                step.name, step.address
            )),
        }
    }
    out.text(format!(
        "{} deployed, {} there before; addresses are in {}",
        count(sent, "contract"),
        steps.len() - sent,
        path.display()
    ));
    if parameters.guardian == account {
        out.note(
            "the guardian is the deploying account: give another with --guardian for real use",
        );
    }
    out.json(&json!({
        "event": "done",
        "chain_id": client.chain_id(),
        "deployed": sent,
        "kept": steps.len() - sent,
        "file": path,
        "contracts": deployment.contracts,
    }));
    Ok(())
}

/// The file of an earlier run, if it was of the same account and salt.
fn read(
    path: &Path,
    client: &Client,
    account: nanozk_chain::primitives::Address,
    parameters: &Parameters,
) -> Result<Deployment> {
    let fresh = Deployment::new(client.chain_id(), account, parameters.salt);
    if !path.exists() {
        return Ok(fresh);
    }
    let found: Deployment = files::read_json(path)?;
    found
        .check(client)
        .with_context(|| path.display().to_string())?;
    if (found.account, found.salt) != (account, parameters.salt) {
        bail!(
            "{} is a deployment by {} or with another salt: keep it, and give another file with --deployment",
            path.display(),
            found.account
        );
    }
    Ok(found)
}

fn dry_run(client: &Client, steps: &[Step], out: &Out) -> Result<()> {
    let account = client.account()?;
    let price = client.gas_price()?;
    let (mut total, mut bytes) = (0, 0);
    for step in steps {
        let there = deployment::inspect(client, step)?.is_some();
        // The factory may not be there yet; what it costs more is nearly constant.
        let gas = if there {
            0
        } else {
            let estimate = client.estimate_creation(&step.code, account);
            let estimate = match estimate {
                // A constructor that asks a contract which is not there yet cannot be tried.
                Err(ChainError::Reverted { .. }) => CREATION_GAS * step.code.len() as u64,
                estimate => estimate?,
            };
            estimate + CREATE3_GAS
        };
        total += gas;
        bytes += if there { 0 } else { step.code.len() };
        out.text(format!(
            "{:<15} {} {}",
            step.name,
            step.address,
            if there {
                "already deployed".into()
            } else {
                format!("would be deployed, about {} gas", thousands(gas))
            }
        ));
        let arguments: serde_json::Map<_, _> = step
            .arguments
            .iter()
            .map(|(name, value)| (name.clone(), json!(deployment::show(value))))
            .collect();
        for (name, value) in &arguments {
            out.text(format!("  {name} {}", value.as_str().unwrap_or_default()));
        }
        out.json(&json!({
            "event": "dry_run",
            "contract": step.name,
            "address": step.address,
            "there": there,
            "gas": gas,
            "arguments": arguments,
        }));
    }
    out.text(format!(
        "in total about {} gas, {} at the current gas price",
        thousands(total),
        eth(U256::from(total) * U256::from(price) + client.data_fee_of_bytes(bytes, total)?)
    ));
    Ok(())
}
