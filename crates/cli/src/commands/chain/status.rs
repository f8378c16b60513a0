//! Where a job and its claim stand.

use super::claim::open_challenges;
use super::Chain;
use crate::output::count;
use anyhow::Result;
use nanozk_chain::bindings::lens;
use nanozk_chain::claim::layers_of;
use nanozk_chain::format::{amount, readable, relative, utc};
use nanozk_chain::primitives::{Address, B256, U256};
use nanozk_chain::revert::{claim_status, job_status, lane};
use serde_json::{json, Value};

/// Contracts, and what to read there.
const READ: [(&str, &str); 5] = [
    (
        "ClaimLens",
        "describeClaim, explainStatus, nextAction, checkProof",
    ),
    ("JobMarket", "job"),
    ("ClaimBook", "claim, boundaries, instances"),
    ("Settlement", "deadlines, missingLayers, checkLayer"),
    ("LayerDispute", "challengeOf, challengersOf, openBonds"),
];

pub(super) fn show(chain: &Chain<'_>, claim: B256) -> Result<()> {
    let out = chain.out;
    let to = chain.address("ClaimLens")?;
    let d = chain.client.read(to, &lens::describeClaimCall { claim })?;
    let next = chain.client.read(to, &lens::nextActionCall { claim })?;
    let now = chain.client.head()?.timestamp;
    let when = |t: u64| format!("{} ({})", utc(t), relative(t, now));
    let posted = d.claim.status != 0;
    let open = if posted {
        open_challenges(chain, claim, usize::from(d.claim.layers))?
    } else {
        Vec::new()
    };

    out.text(readable(&d.status));
    out.text("");
    out.text(format!("job        {claim} ({})", job_status(d.job.status)));
    out.text(format!("lane       {}", lane(d.job.lane)));
    out.text(format!("version    {}", d.job.version));
    out.text(format!(
        "tokens     {} of prompt, {} to generate",
        d.job.promptTokens, d.job.newTokens
    ));
    let asset = d.job.asset;
    for (name, value) in [
        ("price", d.job.price),
        ("stake", d.job.stake),
        ("bond", d.job.challengeBond),
    ] {
        out.text(format!("{name:<10} {}", amount(asset, U256::from(value))));
    }
    if posted {
        out.text(format!("claim      {}", claim_status(d.claim.status)));
        out.text(format!("model id   {}", d.claim.modelId));
        out.text(format!("statement  {}", d.claim.statement));
        out.text(format!("posted     {}", when(d.claim.postedAt)));
        if d.challengeBy != 0 {
            out.text(format!("challenge  until {}", when(d.challengeBy)));
        }
        out.text(format!("prove      until {}", when(d.provenBy)));
        out.text(format!(
            "proven     {} of {}: {}",
            d.provenLayers,
            count(d.claim.layers.into(), "layer"),
            words(&layers_of(d.proven))
        ));
        for (layer, challenge) in &open {
            let what = if *layer == usize::from(d.claim.layers) {
                "output".to_owned()
            } else {
                format!("layer {layer}")
            };
            out.text(format!(
                "challenged {what} by {}, to be answered until {}",
                challenge.challenger,
                when(challenge.answerBy)
            ));
        }
    } else {
        out.text(format!("to take    until {}", when(d.job.lockBy)));
        out.text(format!("to claim   until {}", when(d.job.claimBy)));
    }
    if !next.action.is_empty() {
        let by = match next.deadline {
            0 => "at any time".to_owned(),
            t => format!("until {}", when(t)),
        };
        out.text(format!("next       {}: {}, {by}", next.who, next.action));
    }

    let mut parties = vec![("requester", d.job.requester)];
    if !d.job.provider.is_zero() {
        parties.push(("provider", d.job.provider));
    }
    if posted && d.claim.recipient != d.job.provider {
        parties.push(("recipient", d.claim.recipient));
    }
    for (_, challenge) in &open {
        if !parties.iter().any(|(_, a)| *a == challenge.challenger) {
            parties.push(("challenger", challenge.challenger));
        }
    }
    out.text("");
    let parties: Vec<Value> = parties
        .iter()
        .map(|(role, account)| party(chain, role, *account, asset))
        .collect::<Result<_>>()?;

    out.text("\nto look at it in a block explorer, with this id:");
    let mut contracts = serde_json::Map::new();
    for (name, functions) in READ {
        let address = chain.address(name)?;
        out.text(format!("{name:<13} {address}  {functions}"));
        let link = chain.link("address", address);
        if let Some(link) = &link {
            out.text(format!("              {link}#readContract"));
        }
        contracts.insert(
            name.into(),
            json!({"address": address, "read": functions, "link": link}),
        );
    }
    out.json(&json!({
        "claim": claim,
        "text": d.status,
        "job": {
            "status": job_status(d.job.status),
            "lane": lane(d.job.lane),
            "version": d.job.version,
            "asset": asset,
            "price": d.job.price.to_string(),
            "stake": d.job.stake.to_string(),
            "challenge_bond": d.job.challengeBond.to_string(),
            "lock_by": d.job.lockBy,
            "claim_by": d.job.claimBy,
        },
        "status": claim_status(d.claim.status),
        "model_id": d.claim.modelId,
        "statement": d.claim.statement,
        "claim_digest": d.claim.claimDigest,
        "posted_at": d.claim.postedAt,
        "challenge_by": d.challengeBy,
        "proven_by": d.provenBy,
        "layers": d.claim.layers,
        "proven": layers_of(d.proven),
        "open_challenges": open.iter().map(|(layer, c)| json!({
            "layer": layer,
            "challenger": c.challenger,
            "answer_by": c.answerBy,
        })).collect::<Vec<_>>(),
        "next": {"who": next.who, "action": next.action, "deadline": next.deadline},
        "parties": parties,
        "contracts": contracts,
        "now": now,
    }));
    Ok(())
}

fn party(chain: &Chain<'_>, role: &str, account: Address, asset: Address) -> Result<Value> {
    let (free, bonded) = (chain.free(account, asset)?, chain.bonded(account, asset)?);
    chain.out.text(format!(
        "{role:<10} {account}: free {}, bond {}",
        amount(asset, free),
        amount(asset, bonded)
    ));
    Ok(json!({
        "role": role,
        "account": account,
        "free": free.to_string(),
        "bonded": bonded.to_string(),
    }))
}

fn words(layers: &[usize]) -> String {
    if layers.is_empty() {
        return "none".into();
    }
    let words: Vec<String> = layers.iter().map(usize::to_string).collect();
    words.join(", ")
}
