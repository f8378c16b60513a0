//! Where a job and its claim stand.

use super::Chain;
use super::claim::open_challenges;
use crate::output::count;
use anyhow::Result;
use nanozk_chain::bindings::{lens, market};
use nanozk_chain::claim::{Posted, layers_of};
use nanozk_chain::format::{amount, readable, relative, utc};
use nanozk_chain::primitives::{Address, B256, U256};
use nanozk_chain::revert::{claim_status, job_status, mode, target};
use serde_json::{Value, json};

/// Contracts, and what to read there.
const READ: [(&str, &str); 4] = [
    (
        "ClaimLens",
        "describeClaim, explainStatus, nextAction, checkProof; explainJob, nextOfJob",
    ),
    ("JobMarket", "job"),
    ("ClaimBook", "status, stateOf, challengeOf, missingLayers"),
    ("ModelRegistry", "bindings, policy, header"),
];

pub(super) fn show(chain: &Chain<'_>, id: B256) -> Result<()> {
    let job = chain
        .client
        .read(chain.address("JobMarket")?, &market::jobCall { id })?;
    match Posted::find(&chain.client, chain.address("ClaimBook")?, id)? {
        Some(posted) => show_claim(chain, id, &job, &posted),
        None => show_job(chain, id, &job),
    }
}

/// What comes next, for people; and the same for programs.
fn next(chain: &Chain<'_>, who: &str, action: &str, deadline: u64, now: u64) -> Value {
    if !action.is_empty() {
        let by = match deadline {
            0 => "at any time".to_owned(),
            t => format!("until {} ({})", utc(t), relative(t, now)),
        };
        chain.out.text(format!("next       {who}: {action}, {by}"));
    }
    json!({"who": who, "action": action, "deadline": deadline})
}

/// What was ordered, for people; and the same for programs.
fn show_order(chain: &Chain<'_>, id: B256, job: &market::Job) -> Value {
    let out = chain.out;
    out.text(format!("job        {id} ({})", job_status(job.status)));
    out.text(format!("mode       {}", mode(job.mode)));
    out.text(format!("version    {}", job.version));
    out.text(format!(
        "tokens     {} of prompt, {} to generate",
        job.promptTokens, job.newTokens
    ));
    for (name, value) in [
        ("price", job.price),
        ("stake", job.stake),
        ("bond", job.challengeBond),
    ] {
        out.text(format!(
            "{name:<10} {}",
            amount(job.asset, U256::from(value))
        ));
    }
    json!({
        "status": job_status(job.status),
        "mode": mode(job.mode),
        "version": job.version,
        "asset": job.asset,
        "price": job.price.to_string(),
        "stake": job.stake.to_string(),
        "challenge_bond": job.challengeBond.to_string(),
        "lock_by": job.lockBy,
        "claim_by": job.claimBy,
    })
}

fn show_job(chain: &Chain<'_>, id: B256, job: &market::Job) -> Result<()> {
    let (out, to) = (chain.out, chain.address("ClaimLens")?);
    let text = chain.client.read(to, &lens::explainJobCall { job: id })?;
    let what = chain.client.read(to, &lens::nextOfJobCall { job: id })?;
    let now = chain.client.head()?.timestamp;
    let when = |t: u64| format!("{} ({})", utc(t), relative(t, now));
    out.text(readable(&text));
    out.text("");
    let order = show_order(chain, id, job);
    out.text(format!("to take    until {}", when(job.lockBy)));
    out.text(format!("to claim   until {}", when(job.claimBy)));
    let next = next(chain, &what.who, &what.action, what.deadline, now);
    let parties = parties(chain, job, None, &[])?;
    let contracts = contracts(chain)?;
    out.json(&json!({
        "job_id": id,
        "text": text,
        "job": order,
        "status": claim_status(0),
        "next": next,
        "parties": parties,
        "contracts": contracts,
        "now": now,
    }));
    Ok(())
}

fn show_claim(chain: &Chain<'_>, id: B256, job: &market::Job, posted: &Posted) -> Result<()> {
    let (out, to) = (chain.out, chain.address("ClaimLens")?);
    let claim = posted.for_lens();
    let d = chain.client.read(
        to,
        &lens::describeClaimCall {
            claim: claim.clone(),
        },
    )?;
    let what = chain.client.read(to, &lens::nextActionCall { claim })?;
    let now = chain.client.head()?.timestamp;
    let when = |t: u64| format!("{} ({})", utc(t), relative(t, now));
    let open = open_challenges(chain, posted, &d.state)?;
    let layers = usize::from(d.terms.layers);
    let proven: Vec<usize> = match d.state.allProven {
        true => (0..layers).collect(),
        false => layers_of(d.state.proven),
    };

    out.text(readable(&d.status));
    out.text("");
    let order = show_order(chain, id, job);
    out.text(format!(
        "claim      {} ({})",
        posted.id,
        claim_status(d.state.status)
    ));
    out.text(format!("statement  {}", posted.claim.statement));
    out.text(format!("posted     {}", when(d.terms.postedAt)));
    if d.terms.challengeBy != 0 {
        out.text(format!("challenge  until {}", when(d.terms.challengeBy)));
    }
    out.text(format!("prove      until {}", when(d.terms.provenBy)));
    out.text(format!(
        "proven     {} of {}: {}",
        proven.len(),
        count(layers, "layer"),
        words(&proven)
    ));
    let mut challenges = Vec::new();
    for (which, challenge) in &open {
        let what = target(*which);
        out.text(format!(
            "challenged {what}, to be answered until {}",
            when(challenge.answerBy)
        ));
        challenges.push(json!({"target": which, "what": what, "answer_by": challenge.answerBy}));
    }
    let next = next(chain, &what.who, &what.action, what.deadline, now);
    let mut challengers = Vec::new();
    for (which, _) in &open {
        challengers.extend(chain.unpaid(posted, *which)?);
    }
    let parties = parties(chain, job, Some(posted.claim.recipient), &challengers)?;
    let contracts = contracts(chain)?;
    out.json(&json!({
        "job_id": id,
        "claim": posted.id,
        "text": d.status,
        "job": order,
        "status": claim_status(d.state.status),
        "statement": posted.claim.statement,
        "posted_at": d.terms.postedAt,
        "challenge_by": d.terms.challengeBy,
        "proven_by": d.terms.provenBy,
        "layers": layers,
        "proven": proven,
        "drawn": d.state.revealed.then(|| layers_of(d.state.drawn)),
        "open_challenges": challenges,
        "next": next,
        "parties": parties,
        "contracts": contracts,
        "now": now,
    }));
    Ok(())
}

/// Who takes part, with their balances.
fn parties(
    chain: &Chain<'_>,
    job: &market::Job,
    recipient: Option<Address>,
    challengers: &[Address],
) -> Result<Vec<Value>> {
    let mut parties = vec![("requester", job.requester)];
    if !job.provider.is_zero() {
        parties.push(("provider", job.provider));
    }
    if let Some(recipient) = recipient.filter(|r| *r != job.provider) {
        parties.push(("recipient", recipient));
    }
    for challenger in challengers {
        if !parties.iter().any(|(_, a)| a == challenger) {
            parties.push(("challenger", *challenger));
        }
    }
    chain.out.text("");
    let shown = parties
        .iter()
        .map(|(role, account)| party(chain, role, *account, job.asset));
    shown.collect()
}

/// Where to look in a block explorer.
fn contracts(chain: &Chain<'_>) -> Result<serde_json::Map<String, Value>> {
    chain.out.text("\nto look at it in a block explorer:");
    let mut contracts = serde_json::Map::new();
    for (name, functions) in READ {
        let address = chain.address(name)?;
        chain.out.text(format!("{name:<13} {address}  {functions}"));
        let link = chain.link("address", address);
        if let Some(link) = &link {
            chain.out.text(format!("              {link}#readContract"));
        }
        contracts.insert(
            name.into(),
            json!({"address": address, "read": functions, "link": link}),
        );
    }
    Ok(contracts)
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
