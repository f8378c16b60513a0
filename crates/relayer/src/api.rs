//! HTTP: health, metrics, claims, and a page that shows them.
//!
//! With a token (`api.token_file`) everybody may read, and what changes something needs it. Without one only this machine
//! is listened to, and requests that other sites made a browser send are refused.

use crate::error::Error;
use crate::facts::Facts;
use crate::files::{checked_manifest, claim_of, final_of};
use crate::service::{Phase, Shared};
use crate::store::{ClaimRow, Intent, Role, Status};
use alloy::primitives::{Address, B256};
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use nanozk_chain::claim::layers_of;
use nanozk_chain::output::OutputFile;
use nanozk_chain::request::RequestFile;
use nanozk_chain::revert::{claim_status, job_status, mode, target};
use nanozk_chain::signing::{SIGNATURES_FORMAT, SignatureFile};
use nanozk_http::{bears, is_local, read_token};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::block_in_place;
use utoipa::{OpenApi, ToSchema};

/// Largest file that is taken.
const LARGEST: usize = 16 << 20;
/// The page.
const PAGE: &str = include_str!("../web/index.html");
/// It loads nothing from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type App = Arc<Shared>;

/// An error as the API gives it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Stable code; see docs/relayer.md.
    pub code: String,
    /// What was wrong, and what to do.
    pub message: String,
}

struct Failure(StatusCode, Problem);

impl Failure {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Failure(
            status,
            Problem {
                code: code.into(),
                message: message.into(),
            },
        )
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let status = match e {
            Error::Files(_) | Error::Chain(_) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Failure::new(status, e.code(), e.to_string())
    }
}

impl From<PathRejection> for Failure {
    fn from(e: PathRejection) -> Self {
        Failure::new(e.status(), "NZK501", e.body_text())
    }
}

impl From<QueryRejection> for Failure {
    fn from(e: QueryRejection) -> Self {
        Failure::new(e.status(), "NZK501", e.body_text())
    }
}

impl From<BytesRejection> for Failure {
    fn from(e: BytesRejection) -> Self {
        let reason = match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                format!("the file has more than {LARGEST} bytes, which is the most that is taken")
            }
            _ => e.body_text(),
        };
        Failure::new(e.status(), "NZK502", reason)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
pub struct Endpoint {
    /// Host and port.
    pub node: String,
    /// Health, of 100.
    pub score: u32,
    /// Questions since the start.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
    /// Why the last one did.
    pub error: Option<String>,
    /// How long ago that was, in seconds.
    pub failed: Option<u64>,
    /// Whether it is of the right chain.
    pub usable: bool,
}

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
    state: Option<String>,
    /// Most of them.
    limit: Option<u64>,
}

fn text(value: impl std::fmt::Display) -> String {
    value.to_string()
}

async fn claim_view(shared: &Shared, row: &ClaimRow) -> Result<ClaimView, Error> {
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

async fn transaction_view(shared: &Shared, intent: &Intent) -> Result<TransactionView, Error> {
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
fn pointers(shared: &Shared, row: &ClaimRow, hashes: &[String]) -> (Vec<Pointer>, Vec<Pointer>) {
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

/// Where the relayer stands
#[utoipa::path(get, path = "/v1/status", responses((status = 200, body = StatusView), (status = 503, body = Problem)))]
async fn status(State(shared): State<App>) -> Result<Json<StatusView>, Failure> {
    let live = shared.live().clone();
    let (open, ended) = shared.store.count_claims().await?;
    let counts = shared.store.count_intents().await?;
    let due = shared.store.earliest_due().await?;
    let mut transactions: std::collections::BTreeMap<String, u64> = Status::ALL
        .iter()
        .map(|s| (s.name().to_owned(), 0))
        .collect();
    transactions.extend(counts.into_iter().map(|(s, n)| (s.name().to_owned(), n)));
    transactions.insert(
        "pending".into(),
        transactions.get("signed").copied().unwrap_or(0),
    );
    Ok(Json(StatusView {
        version: env!("CARGO_PKG_VERSION").into(),
        chain_id: shared.home.chain_id,
        head: live
            .head
            .map(|(number, timestamp)| HeadView { number, timestamp }),
        now: live.time(),
        account: text(shared.account),
        balance: text(live.balance),
        provider: shared.provider.map(text),
        dry_run: shared.dry_run,
        ready: live.trouble().is_none(),
        not_ready: live
            .trouble()
            .map(|(code, reason)| format!("{code}: {reason}")),
        endpoints: shared
            .rpc
            .health()
            .into_iter()
            .map(|h| Endpoint {
                node: h.node,
                score: h.score.into(),
                requests: h.requests,
                failures: h.failures,
                error: h.last_error,
                failed: h.failed_ago,
                usable: h.usable,
            })
            .collect(),
        slow: shared
            .rpc
            .slow()
            .into_iter()
            .map(|s| SlowView {
                method: s.method,
                waited: s.waited.as_secs_f64(),
                next: s.next.as_secs_f64(),
                times: s.times,
            })
            .collect(),
        spending: Spending {
            day: text(live.spent.0),
            day_cap: text(shared.config.fees.max_per_day),
            reserved: text(live.spent.1),
        },
        claims: ClaimCounts { open, ended },
        transactions,
        slack: due.map(|(by, _)| by as i64 - live.time() as i64),
        slack_claim: due.map(|(_, id)| text(id)),
        exposure: ExposureView {
            stake: text(live.exposure.stake),
            bonds: text(live.exposure.bonds),
            price: text(live.exposure.price),
        },
        inbox: live.inbox,
        explorer: shared.config.explorer.clone(),
    }))
}

/// Claims, those with the earliest deadline first
#[utoipa::path(get, path = "/v1/claims",
    params(("state" = Option<String>, Query, description = "open, ended or all"),
           ("limit" = Option<u64>, Query, description = "most of them; 100 unless told, 1,000 at most")),
    responses((status = 200, body = ClaimList), (status = 400, body = Problem)))]
async fn claims(
    State(shared): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<ClaimList>, Failure> {
    let Query(which) = which?;
    let ended = match which.state.as_deref() {
        None | Some("all") => None,
        Some("open") => Some(false),
        Some("ended") => Some(true),
        Some(other) => {
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "NZK501",
                format!("state is open, ended or all, not {other:?}"),
            ));
        }
    };
    let limit = which.limit.unwrap_or(100).min(1_000);
    let rows = shared.store.claims(ended, limit).await?;
    let mut claims = Vec::with_capacity(rows.len());
    for row in &rows {
        claims.push(claim_view(&shared, row).await?);
    }
    Ok(Json(ClaimList { claims }))
}

fn id_of(id: &str) -> Result<B256, Failure> {
    id.parse().map_err(|_| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "NZK501",
            format!("{id:?} is not the id of a claim: write 0x and 64 hexadecimal digits"),
        )
    })
}

/// A claim: layers, deadlines, money, transactions, and how to check it independently
#[utoipa::path(get, path = "/v1/claims/{id}", params(("id" = String, Path, description = "id of the claim")),
    responses((status = 200, body = ClaimDetail), (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn claim(
    State(shared): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ClaimDetail>, Failure> {
    let Path(id) = id?;
    let id = id_of(&id)?;
    let row = shared.store.claim(id).await?.ok_or_else(|| {
        Failure::new(
            StatusCode::NOT_FOUND,
            "NZK404",
            format!(
                "no claim {id} is known here: put its session into the inbox, or send its files"
            ),
        )
    })?;
    let mut transactions = Vec::new();
    for intent in shared.store.intents_of(id).await? {
        transactions.push(transaction_view(&shared, &intent).await?);
    }
    let hashes: Vec<String> = transactions.iter().filter_map(|t| t.hash.clone()).collect();
    let (links, commands) = pointers(&shared, &row, &hashes);
    Ok(Json(ClaimDetail {
        text: row
            .facts
            .as_ref()
            .map(|f| f.text.clone())
            .unwrap_or_default(),
        claim: claim_view(&shared, &row).await?,
        transactions,
        links,
        commands,
    }))
}

/// Files of a claim that may be sent.
const FILES: [&str; 7] = [
    "manifest.json",
    "signatures.json",
    "claim.json",
    "output.json",
    "final.json",
    "request.json",
    "secret.json",
];

/// The file is not what its name says.
fn unfit(file: &str, reason: impl std::fmt::Display) -> Failure {
    Failure::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "NZK502",
        format!("{file}: {reason}"),
    )
}

/// Refuses what is not of a file's type, or of another claim.
fn check_file(file: &str, id: B256, body: &[u8]) -> Result<(), Error> {
    fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(body).map_err(|e| Error::Files(e.to_string()))
    }
    let has_format = |got: String, expected: &'static str| match got == expected {
        true => Ok(()),
        false => Err(nanozk_chain::Error::Format { expected, got }.into()),
    };
    let is_of = |claim: B256| match claim == id {
        true => Ok(()),
        false => Err(Error::Files(format!(
            "it belongs to claim {claim}, not {id}"
        ))),
    };
    match file {
        "manifest.json" => checked_manifest(body).map(drop).map_err(Error::Files),
        "signatures.json" => has_format(parse::<SignatureFile>(body)?.format, SIGNATURES_FORMAT),
        "claim.json" => {
            let claim = claim_of(body).map_err(Error::Files)?;
            is_of(claim.context.claim.0.into())
        }
        "output.json" => Ok(parse::<OutputFile>(body)?.check()?),
        "final.json" => final_of(body).map(drop).map_err(Error::Files),
        "request.json" => {
            let request: RequestFile = parse(body)?;
            is_of(request.job)?;
            Ok(request.check()?)
        }
        // Its type is the prover's, which is not linked.
        _ => parse::<Map<String, Value>>(body).map(drop),
    }
}

/// Sends a file of a session or a request
///
/// Of a session: manifest.json, claim.json, and signatures.json or the relayer has the provider's key; output.json
/// and final.json if there are any. Of a request: request.json, and secret.json if the provider disclosed it. The claim is
/// taken up as soon as its files are complete. Sending a file again replaces it.
#[utoipa::path(put, path = "/v1/claims/{id}/{file}",
    params(("id" = String, Path, description = "id of the claim"), ("file" = String, Path, description = "name of the file")),
    request_body(content = String, content_type = "application/json"),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 409, body = Problem),
              (status = 413, body = Problem), (status = 422, body = Problem)))]
async fn put_file(
    State(shared): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Failure> {
    let (Path((id, file)), body) = (path?, body?);
    let id = id_of(&id)?;
    if !FILES.contains(&file.as_str()) {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "NZK501",
            format!(
                "{file:?} is not a file of a claim: send one of {}",
                FILES.join(", ")
            ),
        ));
    }
    let directory = place(&shared, id).await?;
    block_in_place(|| check_file(&file, id, &body)).map_err(|e| unfit(&file, e))?;
    store_file(&shared, id, &directory, &file, &body)
}

/// Nothing is begun once the relayer was told to end.
fn working(shared: &Shared) -> Result<(), Failure> {
    match shared.phase() {
        Phase::Working => Ok(()),
        _ => Err(Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "NZK503",
            "the relayer is ending",
        )),
    }
}

/// Where a claim's files are, or will be.
async fn place(shared: &Shared, id: B256) -> Result<PathBuf, Failure> {
    working(shared)?;
    let directory = match shared.store.claim(id).await? {
        Some(row) => PathBuf::from(row.directory),
        None => shared.config.inbox.join(id.to_string()),
    };
    if directory.is_file() {
        return Err(Failure::new(
            StatusCode::CONFLICT,
            "NZK502",
            format!(
                "the claim came in as the file {}, which nothing can be put into: make it a directory",
                directory.display()
            ),
        ));
    }
    Ok(directory)
}

/// Writes a file whole and for good.
fn write_durably(directory: &FilePath, path: &FilePath, body: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let parent = path.parent().unwrap_or(directory);
    std::fs::create_dir_all(parent)?;
    let mut new = tempfile::NamedTempFile::new_in(parent)?;
    new.write_all(body)?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|e| e.error)?;
    // A name is in its folder: that of the file, and those of folders that may be new.
    let folders = [Some(parent), Some(directory), directory.parent()];
    for folder in folders.into_iter().flatten() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Writes a file, and has its claim looked at again.
fn store_file(
    shared: &App,
    id: B256,
    directory: &FilePath,
    file: &str,
    body: &[u8],
) -> Result<StatusCode, Failure> {
    let path = directory.join(file);
    block_in_place(|| write_durably(directory, &path, body)).map_err(|e| {
        Failure::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "NZK401",
            format!("cannot write {}: {e}", path.display()),
        )
    })?;
    let shared = shared.clone();
    tokio::spawn(async move {
        // A look that fails is repeated anyway.
        let _ = shared.store.touch(&[id]).await;
        shared.wake.notify_one();
    });
    Ok(StatusCode::NO_CONTENT)
}

/// The process answers
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "the process answers")))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// The last round succeeded, and nothing keeps the next ones from being begun
#[utoipa::path(get, path = "/readyz",
    responses((status = 200, description = "claims are taken through their life"), (status = 503, body = Problem)))]
async fn readyz(State(shared): State<App>) -> Result<&'static str, Failure> {
    working(&shared)?;
    match shared.live().trouble() {
        None => Ok("ready\n"),
        Some((code, reason)) => Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, &code, reason)),
    }
}

/// Metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", responses((status = 200, content_type = "text/plain")))]
async fn metrics(State(shared): State<App>) -> impl IntoResponse {
    shared.live().run_on(&shared.metrics);
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        shared.metrics.text(),
    )
}

/// This document
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, content_type = "application/json")))]
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

async fn page() -> impl IntoResponse {
    (
        [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ],
        Html(PAGE),
    )
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "nanozk relayer",
        description = "Takes claims through their life on chain."
    ),
    paths(status, claims, claim, put_file, healthz, readyz, metrics, openapi)
)]
struct Document;

/// The OpenAPI document.
pub fn document() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

/// Who is answered.
#[derive(Clone)]
struct Permission {
    token: Option<Arc<str>>,
    listen: std::net::IpAddr,
}

impl Permission {
    /// Why a request is refused, if it is.
    fn refuses(&self, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
        match &self.token {
            Some(token) if !method.is_safe() && !bears(headers, token) => {
                Some("this needs the token of api.token_file (Authorization: Bearer …)")
            }
            None if !is_local(headers, self.listen) => Some(
                "without api.token_file only this machine is answered, under its own name: not with this Host or Origin",
            ),
            _ => None,
        }
    }
}

async fn permitted(
    State(permission): State<Permission>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match permission.refuses(request.method(), request.headers()) {
        Some(reason) => Failure::new(StatusCode::UNAUTHORIZED, "NZK504", reason).into_response(),
        None => next.run(request).await,
    }
}

/// All routes.
fn routes(shared: App, token: Option<Arc<str>>) -> Router {
    let permission = Permission {
        token,
        listen: shared.config.api.listen.ip(),
    };
    let missing = |status, what| move || async move { Failure::new(status, "NZK404", what) };
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/v1/status", get(status))
        .route("/v1/claims", get(claims))
        .route("/v1/claims/{id}", get(claim))
        .route("/v1/claims/{id}/{file}", put(put_file))
        .fallback(missing(
            StatusCode::NOT_FOUND,
            "there is no such page: /openapi.json lists all",
        ))
        .method_not_allowed_fallback(missing(
            StatusCode::METHOD_NOT_ALLOWED,
            "there is no such method here: /openapi.json lists all",
        ))
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(middleware::from_fn_with_state(permission, permitted))
        .with_state(shared)
}

fn wrong(config: &crate::config::Api, reason: String) -> Error {
    Error::Api {
        address: config.listen.to_string(),
        reason,
    }
}

/// The token, if uploads need one.
pub(crate) fn token(config: &crate::config::Api) -> Result<Option<Arc<str>>, Error> {
    let token = config.token_file.as_deref().map(read_token).transpose();
    token.map_err(|e| wrong(config, format!("api.token_file: {e}")))
}

/// A listener on the address.
pub(crate) async fn bind(config: &crate::config::Api) -> Result<TcpListener, Error> {
    TcpListener::bind(config.listen).await.map_err(|e| {
        let hint = match e.kind() {
            std::io::ErrorKind::AddrInUse => ": end what listens there, or change api.listen",
            _ => "",
        };
        wrong(config, format!("{e}{hint}"))
    })
}

/// Listens; the task ends with the process.
pub async fn serve(shared: App) -> Result<std::net::SocketAddr, Error> {
    let config = &shared.config.api;
    let token = token(config)?;
    let listener = bind(config).await?;
    let address = listener
        .local_addr()
        .map_err(|e| wrong(config, e.to_string()))?;
    let app = routes(shared.clone(), token);
    tokio::spawn(async move {
        if let Err(e) = axum::serve(listener, app).await {
            tracing::error!(code = "NZK003", "the HTTP API ended: {e}");
        }
    });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::U256;

    #[test]
    fn every_route_is_documented() {
        let document: Value = serde_json::from_str(&document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let source = include_str!("api.rs");
        let start = source.find("fn routes(").expect("routes");
        let routes = &source[start..start + source[start..].find("fallback").expect("its end")];
        let mut n = 0;
        for route in routes.split(".route(\"").skip(1) {
            let path = &route[..route.find('"').expect("a path")];
            if path != "/" {
                assert!(paths.contains_key(path), "{path}");
                n += 1;
            }
        }
        assert_eq!(n, paths.len());
    }

    #[test]
    fn without_a_token_only_this_machine_is_answered() {
        let refused = |token: Option<&str>, method: Method, host: &str, origin: Option<&str>| {
            let permission = Permission {
                token: token.map(Arc::from),
                listen: std::net::Ipv4Addr::LOCALHOST.into(),
            };
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a value"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a value"));
            }
            permission.refuses(&method, &headers).is_some()
        };
        for method in [Method::GET, Method::PUT] {
            assert!(!refused(None, method.clone(), "localhost:8645", None));
            assert!(refused(None, method.clone(), "evil.example", None));
            assert!(refused(
                None,
                method,
                "localhost",
                Some("https://evil.example")
            ));
        }
        assert!(!refused(Some("t"), Method::GET, "proxy.example", None));
        assert!(refused(Some("t"), Method::PUT, "localhost", None));
    }

    #[test]
    fn files_are_what_their_names_say() {
        let id = B256::repeat_byte(1);
        for file in FILES {
            for body in ["", "[]", "{", "1"] {
                assert!(
                    check_file(file, id, body.as_bytes()).is_err(),
                    "{file} {body}"
                );
            }
        }
        let manifest = include_str!("api/manifest.json");
        let mut manifest: Value = serde_json::from_str(manifest).expect("JSON");
        check_file("manifest.json", id, manifest.to_string().as_bytes()).expect("a manifest");
        assert!(check_file("claim.json", id, manifest.to_string().as_bytes()).is_err());
        manifest["format"] = "nanozk-manifest-0".into();
        assert!(check_file("manifest.json", id, manifest.to_string().as_bytes()).is_err());
        let signatures = |format: &str| {
            let zero = Address::ZERO;
            format!(
                r#"{{"format":"{format}","provider":"{zero}","lock_deadline":1,"lock":"0x","claim":"0x"}}"#
            )
        };
        let check = |text: String| check_file("signatures.json", id, text.as_bytes());
        check(signatures(SIGNATURES_FORMAT)).expect("signatures");
        let error = check(signatures("nanozk-signatures-0")).expect_err("of another version");
        assert!(error.to_string().contains("nanozk-signatures-0"), "{error}");
    }

    #[test]
    fn files_are_written_into_new_folders() {
        let inbox = tempfile::tempdir().expect("a directory");
        let directory = inbox.path().join("claim");
        let path = directory.join("new/final.json");
        for body in [b"first", b"again"] {
            write_durably(&directory, &path, body).expect("written");
            assert_eq!(std::fs::read(&path).expect("there"), body);
        }
    }

    #[test]
    fn amounts_are_decimal_text() {
        assert_eq!(
            text(U256::from(10).pow(U256::from(18))),
            "1000000000000000000"
        );
    }
}
