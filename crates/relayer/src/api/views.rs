//! What the API says of the relayer and of claims.

use super::*;

/// Where the relayer stands. Amounts are in wei, as decimal text; times in seconds of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusView {
    /// Version of nanozk.
    pub version: String,
    /// Chain.
    pub chain_id: u64,
    /// Newest block.
    pub head: Option<HeadView>,
    /// The chain's time.
    pub now: u64,
    /// The account that sends.
    pub account: String,
    /// What it has.
    pub balance: String,
    /// The provider's account, if its key is here.
    pub provider: Option<String>,
    /// Nothing is sent.
    pub dry_run: bool,
    /// The last round succeeded.
    pub ready: bool,
    /// Why it did not.
    pub not_ready: Option<String>,
    /// Nodes.
    pub endpoints: Vec<Endpoint>,
    /// What no node answers in time: it is asked again, and waited for longer.
    pub slow: Vec<SlowView>,
    /// Fees.
    pub spending: Spending,
    /// Claims.
    pub claims: ClaimCounts,
    /// Transactions by status.
    pub transactions: std::collections::BTreeMap<String, u64>,
    /// Seconds to the earliest deadline of ours.
    pub slack: Option<i64>,
    /// Its claim.
    pub slack_claim: Option<String>,
    /// Money in open claims whose asset is ETH.
    pub exposure: ExposureView,
    /// What is in the inbox and cannot be used.
    pub inbox: std::collections::BTreeMap<String, String>,
    /// Block explorer.
    pub explorer: Option<String>,
}

/// A method that no node answers in time.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlowView {
    /// Method.
    pub method: String,
    /// Seconds that it was waited for last.
    pub waited: f64,
    /// Seconds that it is waited for the next time.
    pub next: f64,
    /// How often in a row it was not answered.
    pub times: u32,
}

/// A block.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeadView {
    /// Number.
    pub number: u64,
    /// Time.
    pub timestamp: u64,
}

/// Fees.
#[derive(Debug, Serialize, ToSchema)]
pub struct Spending {
    /// Of the last day.
    pub day: String,
    /// Most in a day.
    pub day_cap: String,
    /// Most that pending transactions may cost.
    pub reserved: String,
}

/// Claims.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimCounts {
    /// Something is left to do.
    pub open: u64,
    /// Nothing is.
    pub ended: u64,
}

/// Money.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExposureView {
    /// Stakes of ours.
    pub stake: String,
    /// Bonds of ours.
    pub bonds: String,
    /// Prices.
    pub price: String,
}

/// A challenge that is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeView {
    /// Layer; 255: the whole claim; 256: the output.
    pub target: usize,
    /// In words.
    pub what: String,
    /// Who risks a bond.
    pub challenger: String,
    /// Until when it may be answered.
    pub answer_by: u64,
}

/// What comes next.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextView {
    /// In words.
    pub action: String,
    /// By when; 0: at any time.
    pub by: u64,
}

/// A claim.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimView {
    /// Id of the job.
    pub id: String,
    /// Id of the claim that was posted for it; zero: none was.
    pub claim: String,
    /// Our side: provider or watcher.
    pub role: String,
    /// Where its files are.
    pub session: String,
    /// Nothing is left to do.
    pub ended: bool,
    /// Model.
    pub model_id: String,
    /// Registered version.
    pub version: String,
    /// How it is settled: proofs, optimistic or audited.
    pub mode: String,
    /// Status of the job.
    pub job_status: String,
    /// Status of the claim.
    pub status: String,
    /// Pays.
    pub requester: String,
    /// Answers.
    pub provider: String,
    /// Is paid.
    pub recipient: String,
    /// Asset; zero is ETH.
    pub asset: String,
    /// Price.
    pub price: String,
    /// Stake.
    pub stake: String,
    /// Bond of a challenge.
    pub challenge_bond: String,
    /// Layers.
    pub layers: usize,
    /// Layers proven on chain.
    pub proven: Vec<usize>,
    /// Open challenges.
    pub challenges: Vec<ChallengeView>,
    /// Layers drawn.
    pub drawn: Option<Vec<usize>>,
    /// Layers that a final proof at hand proves.
    pub proofs: Vec<usize>,
    /// Layers being proved.
    pub proving: Vec<usize>,
    /// Layers that the mode wants proven and are not; in the audited mode all, until layers are drawn.
    pub missing: Vec<usize>,
    /// Until when the job may be taken.
    pub lock_by: u64,
    /// Until when it may be claimed.
    pub claim_by: u64,
    /// Until when layers may be challenged.
    pub challenge_by: u64,
    /// Until when layers may be proven.
    pub proven_by: u64,
    /// What comes next.
    pub next: Option<NextView>,
    /// Watchers: what is false for certain, and challenged. A layer; 255: the whole claim.
    pub target: Option<usize>,
    /// Watchers: what was found.
    pub verdict: Option<String>,
    /// Why it does not go on.
    pub error: Option<Problem>,
    /// Chain time of the last look.
    pub updated: u64,
}

/// A transaction.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionView {
    /// What it does.
    pub what: String,
    /// Its name.
    pub action: String,
    /// Where it stands.
    pub status: String,
    /// Nonce.
    pub nonce: Option<u64>,
    /// Hash of the one that was included, or of the newest.
    pub hash: Option<String>,
    /// How often it was signed.
    pub attempts: usize,
    /// Gas.
    pub gas: Option<u64>,
    /// Fee.
    pub fee: Option<String>,
    /// Block.
    pub block: Option<u64>,
    /// Why it waits, was not sent, or failed.
    pub error: Option<String>,
    /// By when it has to be included; 0: any time.
    pub deadline: u64,
}

/// A link, or a command to copy.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pointer {
    /// For people.
    pub label: String,
    /// Address of a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A claim, with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimDetail {
    /// The claim.
    #[serde(flatten)]
    pub claim: ClaimView,
    /// The chain's own sentence.
    pub text: String,
    /// Transactions, the newest first.
    pub transactions: Vec<TransactionView>,
    /// Where to look in an explorer.
    pub links: Vec<Pointer>,
    /// How to check it without this relayer.
    pub commands: Vec<Pointer>,
}

/// Claims.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimList {
    /// What is due first comes first.
    pub claims: Vec<ClaimView>,
}

/// Which claims.
#[derive(Debug, Deserialize)]
pub struct Which {
    /// `open`, `ended` or `all`.
    pub(super) state: Option<String>,
    /// Most of them.
    pub(super) limit: Option<u64>,
}

pub(super) fn text(value: impl std::fmt::Display) -> String {
    value.to_string()
}

pub(super) async fn claim_view(shared: &Shared, row: &ClaimRow) -> Result<ClaimView, Error> {
    let none = Facts::default();
    let f = row.facts.as_ref().unwrap_or(&none);
    let directory = FilePath::new(&row.directory);
    let mut proofs = BTreeSet::new();
    if row.role == Role::Provider {
        for proof in shared.store.finals_of(row.id).await? {
            if FilePath::new(&proof.path).is_file() {
                proofs.extend(proof.layers);
            }
        }
    }
    let due = row.due;
    Ok(ClaimView {
        id: text(row.id),
        claim: text(f.claim),
        role: row.role.name().into(),
        session: directory
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default(),
        ended: row.ended,
        model_id: text(f.model_id),
        version: text(f.version),
        mode: mode(f.mode).into(),
        job_status: job_status(f.job_status).into(),
        status: claim_status(f.status).into(),
        requester: text(f.requester),
        provider: text(f.provider),
        recipient: text(f.recipient),
        asset: text(f.asset),
        price: text(f.price),
        stake: text(f.stake),
        challenge_bond: text(f.challenge_bond),
        layers: f.layers,
        proven: layers_of(f.proven),
        challenges: f
            .challenges
            .iter()
            .map(|c| ChallengeView {
                target: c.target,
                what: target(c.target as u64),
                challenger: text(c.challenger),
                answer_by: c.answer_by,
            })
            .collect(),
        drawn: f.revealed.then(|| layers_of(f.drawn)),
        proofs: proofs.into_iter().collect(),
        proving: shared.runner.proving(row.id),
        missing: layers_of(f.missing),
        lock_by: f.lock_by,
        claim_by: f.claim_by,
        challenge_by: f.challenge_by,
        proven_by: f.proven_by,
        next: (!row.next.is_empty()).then(|| NextView {
            action: row.next.clone(),
            by: due,
        }),
        target: row.verdict.as_ref().and_then(|v| v.target),
        verdict: row.verdict.as_ref().map(|v| v.reason.clone()),
        error: row.error.as_ref().map(|(code, message)| Problem {
            code: code.clone(),
            message: message.clone(),
        }),
        updated: row.updated,
    })
}

pub(super) async fn transaction_view(
    shared: &Shared,
    intent: &Intent,
) -> Result<TransactionView, Error> {
    let attempts = shared.store.attempts(&intent.id).await?;
    Ok(TransactionView {
        what: intent.what.clone(),
        action: intent.action.clone(),
        status: intent.status.name().into(),
        nonce: intent.nonce,
        hash: intent.tx.or(attempts.last().map(|a| a.hash)).map(text),
        attempts: attempts.len(),
        gas: intent.gas_used,
        fee: intent.fee.map(text),
        block: intent.block,
        error: intent.error.clone(),
        deadline: intent.deadline,
    })
}

/// How to check a claim without this relayer.
pub(super) fn pointers(
    shared: &Shared,
    row: &ClaimRow,
    hashes: &[String],
) -> (Vec<Pointer>, Vec<Pointer>) {
    let c = &shared.home.contracts;
    let mut links = Vec::new();
    if let Some(explorer) = &shared.config.explorer {
        let explorer = explorer.trim_end_matches('/');
        let mut link = |label: String, path: String| {
            links.push(Pointer {
                label,
                url: Some(format!("{explorer}/{path}")),
                command: None,
            });
        };
        let contracts: [(&str, Address); 3] = [
            ("ClaimLens: explainStatus, checkProof", c.lens),
            ("ClaimBook: stateOf, challengeOf", c.book),
            ("JobMarket: job", c.market),
        ];
        for (label, address) in contracts {
            link(label.into(), format!("address/{address}#readContract"));
        }
        for hash in hashes {
            link(format!("transaction {hash}"), format!("tx/{hash}"));
        }
    }
    // The node's address may hold a secret of the operator.
    let rpc = "--rpc-url $ETH_RPC_URL";
    let (id, lens, book) = (row.id, c.lens, c.book);
    let command = |label: &str, command: String| Pointer {
        label: label.into(),
        url: None,
        command: Some(command),
    };
    let mut commands = vec![command(
        "All of it, with links",
        format!(
            "nanozk claim status {id} --rpc $ETH_RPC_URL --deployment {}",
            shared.config.deployment.display()
        ),
    )];
    let claim = row.facts.as_ref().map(|f| f.claim).unwrap_or_default();
    if claim.is_zero() {
        commands.push(command(
            "Ask the chain where the job stands",
            format!("cast call {lens} 'explainJob(bytes32)(string)' {id} {rpc}"),
        ));
    } else {
        commands.push(command(
            "Whether the claim is there, and how it stands (1 posted, 2 proven, 3 finalized, 4 defeated, 5 voided)",
            format!("cast call {book} 'status(bytes32)(uint8)' {claim} {rpc}"),
        ));
    }
    let posted = row.facts.as_ref().filter(|f| !f.model_id.is_zero());
    if let (Role::Provider, Some(facts)) = (row.role, posted) {
        commands.push(command(
            "Verify the session's public files on this machine",
            format!(
                "nanozk verify {} --model-id {}",
                row.directory, facts.model_id
            ),
        ));
    }
    (links, commands)
}
