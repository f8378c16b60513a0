//! HTTP: health, metrics, claims, and a page that shows them.
//!
//! With a token (`api.token_file`) everybody may read, and what changes something needs it. Without one only this machine
//! is listened to, and requests that other sites made a browser send are refused.

mod upload;
mod views;

use upload::*;
pub use views::*;

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
mod tests;
