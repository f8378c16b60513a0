//! JSON-RPC over several nodes, any of which may fail.

use alloy::network::Ethereum;
use alloy::primitives::{Bytes, U64};
use alloy::providers::RootProvider;
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{ErrorPayload, Id, RequestPacket, ResponsePacket};
use alloy::transports::http::reqwest::header::{HeaderMap, CONTENT_TYPE, RETRY_AFTER};
use alloy::transports::http::reqwest::redirect::Policy;
use alloy::transports::http::reqwest::{Client, Error as HttpError, Response, StatusCode, Url};
use alloy::transports::utils::guess_local_url;
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use serde::Serialize;
use serde_json::value::RawValue;
use std::cmp::Reverse;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How often all nodes are tried before a request fails.
const ROUNDS: u32 = 3;
/// Score of a node that never failed.
const FULL: u8 = 100;
/// Below this score a node rests after a failure.
const LOW: u8 = 50;
/// What an answer adds to the score.
const GAIN: u8 = 10;
/// The longest that a node can make us wait, by Retry-After.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(10);
/// The longest wait for a node to name its chain: a node that came back should not hold up a request for long.
const CHAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer.
const BODY_CAP: usize = 32 << 20;
/// The longest text of a node that goes into an error.
const TEXT_CAP: usize = 200;
/// Asks for the chain.
const CHAIN_QUESTION: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"eth_chainId","params":[]}"#;

/// Pauses, which tests shorten.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Rest of a node after its first failure; it doubles with each further one.
    rest: Duration,
    /// The longest rest.
    rest_cap: Duration,
    /// Pause after the first round over all nodes; it grows fourfold.
    round: Duration,
    /// How long a node is believed to be on the chain it named.
    trust: Duration,
}

impl Pace {
    const USUAL: Pace = Pace {
        rest: Duration::from_secs(1),
        rest_cap: Duration::from_secs(30),
        round: Duration::from_millis(250),
        trust: Duration::from_secs(60),
    };

    fn rest_after(&self, failures: u32) -> Duration {
        let factor = 1 << failures.saturating_sub(1).min(16);
        self.rest.saturating_mul(factor).min(self.rest_cap)
    }
}

/// No node answered: what the last one did instead.
///
/// It is the error of [`Failover`] whenever no node answered, so that a JSON-RPC error that a caller sees is always a
/// node's answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{node}: {reason}")]
pub struct Unanswered {
    /// The node, as host and port.
    pub node: String,
    /// What it did.
    pub reason: String,
}

/// How a node does.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Host and port: the rest of the address may hold a secret.
    pub node: String,
    /// From 0, which always fails, to 100.
    pub score: u8,
    /// Requests sent to it, with those for its chain.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// What the last failure was.
    pub last_error: Option<String>,
    /// Whether requests go to it now: it is not resting, and is not known to be on another chain.
    pub usable: bool,
}

/// What is known of a node's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    /// It is to be asked.
    Unknown,
    /// It was the one we want when it was last asked.
    Right(Instant),
    /// It is another one, and is to be asked again.
    Wrong,
}

/// What a failure says about the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Another process may answer there next time.
    Broken,
    /// It is there, but in trouble.
    Troubled,
    /// It is on another chain.
    WrongChain,
}

/// A request that a node did not answer.
#[derive(Debug)]
struct Failure {
    kind: Kind,
    reason: String,
    wait: Option<Duration>,
}

impl Failure {
    fn broken(reason: impl Into<String>) -> Self {
        Failure {
            kind: Kind::Broken,
            reason: reason.into(),
            wait: None,
        }
    }

    fn troubled(reason: impl Into<String>) -> Self {
        Failure {
            kind: Kind::Troubled,
            ..Failure::broken(reason)
        }
    }

    fn of_http(error: HttpError) -> Self {
        let timed_out = error.is_timeout();
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        Failure::broken(match timed_out {
            true => format!("timed out: {reason}"),
            false => reason,
        })
    }
}

/// Changing facts of a node.
#[derive(Debug)]
struct State {
    score: u8,
    requests: u64,
    failures: u64,
    last_error: Option<String>,
    chain: Chain,
    /// Failures since the last answer, without those that came while it rested.
    streak: u32,
    /// When it is worth another try.
    retry_at: Instant,
    /// When it wants to be asked again.
    quiet_until: Option<Instant>,
}

impl State {
    fn rests(&self, now: Instant) -> bool {
        self.score < LOW && now < self.retry_at
    }

    fn quiet_for(&self, now: Instant) -> Option<Duration> {
        let rest = self.quiet_until?.saturating_duration_since(now);
        (!rest.is_zero()).then_some(rest)
    }
}

struct Endpoint {
    url: Url,
    node: String,
    /// Parts of the address that must not be shown.
    secrets: Vec<String>,
    state: Mutex<State>,
}

impl Endpoint {
    fn new(url: Url) -> Self {
        Endpoint {
            node: node_name(&url),
            secrets: secrets(&url),
            url,
            state: Mutex::new(State {
                score: FULL,
                requests: 0,
                failures: 0,
                last_error: None,
                chain: Chain::Unknown,
                streak: 0,
                retry_at: Instant::now(),
                quiet_until: None,
            }),
        }
    }

    /// A thread that panicked leaves nothing half done here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text of the node or about it, without secrets and of a bearable length.
    fn presentable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "…");
        }
        presentable(&text)
    }

    fn answered(&self, pace: &Pace) {
        let mut state = self.state();
        state.score = state.score.saturating_add(GAIN).min(FULL);
        state.streak = 0;
        state.quiet_until = None;
        state.retry_at = Instant::now() + pace.rest_after(1);
    }

    fn failed(&self, failure: Failure, pace: &Pace) -> Unanswered {
        let now = Instant::now();
        let reason = self.presentable(&failure.reason);
        let mut state = self.state();
        state.failures += 1;
        state.last_error = Some(reason.clone());
        state.score /= 2;
        match failure.kind {
            Kind::Broken => state.chain = Chain::Unknown,
            Kind::Troubled => {}
            Kind::WrongChain => {
                state.chain = Chain::Wrong;
                state.score = 0;
            }
        }
        // Requests that run side by side fail together, which counts once.
        if now >= state.retry_at || state.streak == 0 {
            state.streak = state.streak.saturating_add(1);
            state.retry_at = now + pace.rest_after(state.streak);
        }
        if let Some(wait) = failure.wait {
            state.quiet_until = Some(now + wait.min(RETRY_AFTER_CAP));
        }
        Unanswered {
            node: self.node.clone(),
            reason,
        }
    }

    fn health(&self) -> Health {
        let now = Instant::now();
        let state = self.state();
        Health {
            node: self.node.clone(),
            score: state.score,
            requests: state.requests,
            failures: state.failures,
            last_error: state.last_error.clone(),
            usable: state.chain != Chain::Wrong
                && !state.rests(now)
                && state.quiet_for(now).is_none(),
        }
    }
}

struct Inner {
    client: Result<Client, String>,
    chain_id: u64,
    timeout: Duration,
    endpoints: Vec<Endpoint>,
    pace: Pace,
}

impl Inner {
    /// The nodes to try in this round, best first.
    ///
    /// A node that failed would never come back if only the best were asked: once it has rested it goes first, for
    /// one request, if `may_probe` allows.
    fn order(&self, may_probe: bool) -> Vec<&Endpoint> {
        let now = Instant::now();
        let mut ranked = Vec::with_capacity(self.endpoints.len());
        let mut best = 0;
        for endpoint in &self.endpoints {
            let state = endpoint.state();
            if state.quiet_for(now).is_some() {
                continue;
            }
            let rests = state.rests(now);
            if !rests && state.chain != Chain::Wrong {
                best = best.max(state.score);
            }
            ranked.push((rests, state.score, endpoint));
        }
        // Stable, so equal scores keep the order of preference.
        ranked.sort_by_key(|(rests, score, _)| (*rests, Reverse(*score)));
        let mut order: Vec<&Endpoint> = ranked.into_iter().map(|(_, _, e)| e).collect();
        if may_probe {
            let due = order.iter().position(|endpoint| {
                let mut state = endpoint.state();
                let due = state.score < best && now >= state.retry_at;
                if due {
                    // It counts as failed until it answers, so that nobody else probes it meanwhile.
                    state.streak = state.streak.saturating_add(1);
                    state.retry_at = now + self.pace.rest_after(state.streak);
                }
                due
            });
            if let Some(due) = due {
                order[..=due].rotate_right(1);
            }
        }
        order
    }

    /// Sends a request to one node after another until one answers.
    async fn send(&self, packet: &RequestPacket) -> Result<ResponsePacket, TransportError> {
        let body: Bytes = serde_json::to_vec(packet)
            .map_err(TransportError::ser_err)?
            .into();
        // A transaction should not be what finds out whether a node is well.
        let read_only = packet
            .method_names()
            .all(|method| !method.starts_with("eth_send"));
        let mut last = None;
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(self.pause(round)).await;
            }
            for endpoint in self.order(read_only && round == 0) {
                match self.ask(endpoint, packet, &body).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => last = Some(failure),
                }
            }
        }
        // If nobody was asked, they all wanted to be left alone.
        let last = last.or_else(|| {
            let endpoint = self.endpoints.first()?;
            Some(Unanswered {
                node: endpoint.node.clone(),
                reason: endpoint.state().last_error.clone().unwrap_or_default(),
            })
        });
        Err(TransportErrorKind::custom(last.unwrap_or_else(|| {
            Unanswered {
                node: "no node".into(),
                reason: "none is configured".into(),
            }
        })))
    }

    /// Pause before a round: it grows, differs between callers, and is long enough for a node that asked for time.
    fn pause(&self, round: u32) -> Duration {
        let base = self
            .pace
            .round
            .saturating_mul(4u32.saturating_pow(round.saturating_sub(1)));
        // Hashers are keyed at random, which is random enough here: from half of the pause to all and a half.
        let percent = 50 + (RandomState::new().hash_one(round) % 101) as u32;
        let pause = base.saturating_mul(percent) / 100;
        let now = Instant::now();
        let quiet: Vec<Duration> = self
            .endpoints
            .iter()
            .filter_map(|endpoint| endpoint.state().quiet_for(now))
            .collect();
        // As long as another node may work, there is no need to wait for this one.
        match quiet.iter().min() {
            Some(&soonest) if quiet.len() == self.endpoints.len() || round + 1 == ROUNDS => {
                pause.max(soonest)
            }
            _ => pause,
        }
    }

    /// Asks one node, and keeps account of how it does.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        packet: &RequestPacket,
        body: &Bytes,
    ) -> Result<ResponsePacket, Unanswered> {
        let answer = async {
            self.check_chain(endpoint).await?;
            let headers = packet.headers();
            let answer = self.post(endpoint, headers, body, self.timeout).await?;
            let ids = packet.requests().iter().map(|r| r.id()).collect();
            let single = packet.as_single().is_some();
            judge(answer, ids, single)
        };
        match answer.await {
            Ok(answer) => {
                endpoint.answered(&self.pace);
                Ok(answer)
            }
            Err(failure) => Err(endpoint.failed(failure, &self.pace)),
        }
    }

    /// Asks a node for its chain, unless it is known to be the right one.
    ///
    /// A lost connection that nobody used is replaced without notice, perhaps by one to another node, so that even a
    /// node that never fails is asked from time to time.
    async fn check_chain(&self, endpoint: &Endpoint) -> Result<(), Failure> {
        {
            let mut state = endpoint.state();
            if let Chain::Right(since) = state.chain {
                if since.elapsed() < self.pace.trust {
                    return Ok(());
                }
                // One request asks, others go on meanwhile.
                state.chain = Chain::Right(Instant::now());
            }
        }
        let outcome = self.ask_chain(endpoint).await;
        endpoint.state().chain = match outcome {
            Ok(()) => Chain::Right(Instant::now()),
            Err(_) => Chain::Unknown,
        };
        outcome
    }

    async fn ask_chain(&self, endpoint: &Endpoint) -> Result<(), Failure> {
        let question = Bytes::from_static(CHAIN_QUESTION);
        let timeout = self.timeout.min(CHAIN_TIMEOUT);
        let answer = self
            .post(endpoint, HeaderMap::new(), &question, timeout)
            .await?;
        let answer = judge(answer, vec![&Id::Number(0)], true)?;
        let chain = answer
            .as_single()
            .and_then(|answer| answer.try_success_as::<U64>())
            .and_then(Result::ok)
            .ok_or_else(|| Failure::broken("it does not say which chain it is on"))?;
        if chain != U64::from(self.chain_id) {
            return Err(Failure {
                kind: Kind::WrongChain,
                ..Failure::broken(format!("it is on chain {chain}, not {}", self.chain_id))
            });
        }
        Ok(())
    }

    async fn post(
        &self,
        endpoint: &Endpoint,
        headers: HeaderMap,
        body: &Bytes,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        let client = self
            .client
            .as_ref()
            .map_err(|reason| Failure::broken(reason.as_str()))?;
        endpoint.state().requests += 1;
        let response = client
            .post(endpoint.url.clone())
            .headers(headers)
            .header(CONTENT_TYPE, "application/json")
            .timeout(timeout)
            .body(body.0.clone())
            .send()
            .await
            .map_err(Failure::of_http)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let body = match read(response).await {
            Ok(body) => body,
            // The status alone says enough.
            Err(_) if !status.is_success() => Vec::new(),
            Err(failure) => return Err(failure),
        };
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}

/// What came back over HTTP.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::of_http)? {
        if body.len() + chunk.len() > BODY_CAP {
            return Err(Failure::troubled(format!(
                "its answer has over {BODY_CAP} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Seconds only: nodes do not send dates here.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds.parse().ok().map(Duration::from_secs)
}

/// Tells an answer to these requests from everything else that a node may send.
fn judge(answer: Answer, ids: Vec<&Id>, single: bool) -> Result<ResponsePacket, Failure> {
    let Answer { status, body, .. } = answer;
    let packet = serde_json::from_slice::<ResponsePacket>(&body);
    if !status.is_success() {
        // Some nodes send errors of JSON-RPC with a status.
        let refused = status.is_client_error()
            && ![401, 403, 408, 429].contains(&status.as_u16())
            && packet.as_ref().is_ok_and(|p| !p.is_success());
        let reverted = packet
            .as_ref()
            .is_ok_and(|p| p.iter_errors().any(is_revert));
        if !refused && !reverted {
            let mut failure =
                Failure::broken(format!("{status}: {}", String::from_utf8_lossy(&body)));
            if status == StatusCode::TOO_MANY_REQUESTS {
                failure.kind = Kind::Troubled;
            }
            if matches!(status.as_u16(), 429 | 503) {
                failure.wait = answer.retry_after;
            }
            return Err(failure);
        }
    }
    let packet =
        packet.map_err(|e| Failure::troubled(format!("not an answer of JSON-RPC: {e}")))?;
    if let Some(error) = packet.iter_errors().find(|error| is_trouble(error)) {
        let reason = format!("error {}: {}", error.code, error.message);
        return Err(Failure::troubled(reason));
    }
    let mut expected = ids;
    let mut found: Vec<&Id> = packet.response_ids().collect();
    expected.sort_unstable();
    found.sort_unstable();
    if expected != found || packet.as_single().is_some() != single {
        let mut reason = "it answered another request".to_owned();
        if let Some(error) = packet.as_error() {
            reason = format!("{reason}: error {}: {}", error.code, error.message);
        }
        return Err(Failure::troubled(reason));
    }
    Ok(packet)
}

/// A node's text as people, logs and databases can take it.
pub(crate) fn presentable(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    match text.char_indices().nth(TEXT_CAP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What a contract said no with, if that is what an error is.
pub(crate) fn revert_of(error: &ErrorPayload) -> Option<Bytes> {
    if !is_revert(error) {
        return None;
    }
    // Some nodes put words before it, some an object around it.
    let data = error.data.as_deref().map_or("", RawValue::get);
    let hex = data.split("0x").nth(1).unwrap_or_default();
    let end = hex.find(|c: char| !c.is_ascii_hexdigit());
    let hex = &hex[..end.unwrap_or(hex.len())];
    Some(hex.parse().unwrap_or_default())
}

/// Whether a contract said no.
fn is_revert(error: &ErrorPayload) -> bool {
    // 3 is Geth's code for it, -32015 that of Parity and its heirs.
    error.code == 3
        || error.code == -32015
        || error.message.to_ascii_lowercase().contains("revert")
        || (error.code == -32603 && error.data.as_deref().is_some_and(has_hex))
}

/// Whether there is something like `"0x08c379a0…"` in the data of an error.
fn has_hex(data: &RawValue) -> bool {
    data.get().contains("\"0x")
}

/// Errors that say something about the request, whatever their code: Besu uses codes for them that others use for
/// their own troubles.
const REFUSALS: [&str; 26] = [
    "nonce too low",
    "nonce too high",
    "already known",
    "alreadyknown",
    "known transaction",
    "already imported",
    "underpriced",
    "insufficient funds",
    "insufficientfunds",
    "upfront cost exceeds",
    "intrinsic gas",
    "gas required exceeds",
    "gas limit",
    "out of gas",
    "than block base fee",
    "than the current basefee",
    "fee cap",
    "invalid params",
    "invalid argument",
    "method not found",
    "invalid opcode",
    "invalid sender",
    "invalid signature",
    "invalid transaction signature",
    "query returned more than",
    "block range",
];

/// Errors that another node, or the same one later, may not have.
const TROUBLES: [&str; 25] = [
    "internal error",
    "internal server error",
    "header not found",
    "header for hash not found",
    "block not found",
    "unknown block",
    "indexing is in progress",
    "missing trie node",
    "state not available",
    "state unavailable",
    "state is not available",
    "not synced",
    "syncing",
    "rate limit",
    "rate-limit",
    "ratelimit",
    "too many requests",
    "limit exceeded",
    "capacity",
    "timeout",
    "timed out",
    "temporarily",
    "unavailable",
    "overloaded",
    "try again",
];

/// Whether an error is the node's own trouble rather than an answer.
fn is_trouble(error: &ErrorPayload) -> bool {
    let message = error.message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if is_revert(error) || says(&REFUSALS) {
        return false;
    }
    match error.code {
        // Unreadable to the node, although we sent well-formed JSON; without resource; over a limit; internal.
        -32700 | -32001 | -32002 | -32005 | -32603 => true,
        // Statuses of HTTP that became codes.
        429 | 500..=599 => true,
        // What the node makes of the request itself.
        -32602..=-32600 => error.is_retry_err(),
        // Erigon names the block in between.
        _ => {
            let no_block = message.contains("block") && message.contains("not found");
            no_block || error.is_retry_err() || says(&TROUBLES)
        }
    }
}

/// Host and port.
fn node_name(url: &Url) -> String {
    let host = url.host_str().unwrap_or("no host");
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// All that may be secret in an address, the longest first. Short parts of a path are names such as `v3`.
fn secrets(url: &Url) -> Vec<String> {
    let mut secrets = vec![
        url.as_str().to_owned(),
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
        url.query().unwrap_or_default().to_owned(),
        url.fragment().unwrap_or_default().to_owned(),
    ];
    let path = url.path().split('/').map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    secrets.extend(path.chain(query).filter(|part| part.len() >= 8));
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    secrets
}

/// A transport that sends each request to the best of several nodes, and to the next if that one fails.
///
/// Nodes lose half of their score with each failure and regain it slowly. A node on another chain gets no request.
/// What a node answers is returned at once, reverts and refusals among it; what is the node's own trouble is not, so
/// errors other than [`Unanswered`] are answers.
///
/// A transaction may have reached a node that did not answer, so sending it to the next may return "already known",
/// or "nonce too low" once it is in a block.
///
/// A request fails once every node was tried three times, which takes up to three times the timeout for each of them
/// and the pauses in between. Callers that cannot wait for so long should set a limit of their own.
#[derive(Clone)]
pub struct Failover(Arc<Inner>);

impl std::fmt::Debug for Failover {
    /// Without addresses, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nodes = self.0.endpoints.iter().map(|endpoint| &endpoint.node);
        f.debug_list().entries(nodes).finish()
    }
}

impl Failover {
    /// Sends requests to these nodes, in this order of preference, as long as they are on this chain. Each node has
    /// `timeout` to answer in.
    pub fn new(urls: Vec<Url>, chain_id: u64, timeout: Duration) -> Self {
        Failover::with_pace(urls, chain_id, timeout, Pace::USUAL)
    }

    fn with_pace(urls: Vec<Url>, chain_id: u64, timeout: Duration, pace: Pace) -> Self {
        // A redirection could take the request, and what it carries, to a host that nobody chose.
        let client = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(timeout.min(CONNECT_TIMEOUT))
            .build()
            .map_err(|e| Failure::of_http(e).reason);
        Failover(Arc::new(Inner {
            client,
            chain_id,
            timeout,
            endpoints: urls.into_iter().map(Endpoint::new).collect(),
            pace,
        }))
    }

    /// How each node does, in the order of preference.
    pub fn health(&self) -> Vec<Health> {
        self.0.endpoints.iter().map(Endpoint::health).collect()
    }

    /// Asks every node for its chain, unless that is known: nodes that are only there for emergencies would otherwise
    /// be looked at in the first one.
    pub async fn check(&self) -> Vec<Health> {
        for endpoint in &self.0.endpoints {
            if let Err(failure) = self.0.check_chain(endpoint).await {
                endpoint.failed(failure, &self.0.pace);
            }
        }
        self.health()
    }

    /// A provider over these nodes.
    pub fn provider(&self) -> RootProvider<Ethereum> {
        let mut endpoints = self.0.endpoints.iter();
        // It decides how often the provider polls.
        let local = endpoints.all(|endpoint| guess_local_url(&endpoint.url));
        RootProvider::new(RpcClient::new(self.clone(), local))
    }
}

impl tower::Service<RequestPacket> for Failover {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let inner = self.0.clone();
        Box::pin(async move { inner.send(&packet).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::providers::Provider;
    use alloy::rpc::client::BatchRequest;
    use alloy::transports::RpcError;
    use serde_json::{json, Value};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    const CHAIN: u64 = 31337;

    /// Pauses of milliseconds.
    const QUICK: Pace = Pace {
        rest: Duration::from_millis(20),
        rest_cap: Duration::from_millis(100),
        round: Duration::from_millis(1),
        ..Pace::USUAL
    };

    /// What a node of a test does with a request.
    #[derive(Clone)]
    enum Reply {
        Result(Value),
        Error(i64, &'static str, Option<Value>),
        WrongId,
        /// A status, further headers and a body.
        Http(u16, &'static str, &'static str),
        Silence,
        Close,
        /// An answer without end.
        Endless,
    }

    struct Node {
        port: u16,
        chain: Arc<Mutex<u64>>,
        reply: Arc<Mutex<Reply>>,
        /// Requests other than for the chain.
        asked: Arc<AtomicUsize>,
        chain_asked: Arc<AtomicUsize>,
    }

    impl Node {
        async fn start(reply: Reply) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let node = Node {
                port: listener.local_addr().unwrap().port(),
                chain: Arc::new(Mutex::new(CHAIN)),
                reply: Arc::new(Mutex::new(reply)),
                asked: Arc::default(),
                chain_asked: Arc::default(),
            };
            let (chain, reply) = (node.chain.clone(), node.reply.clone());
            let (asked, chain_asked) = (node.asked.clone(), node.chain_asked.clone());
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (chain, reply) = (chain.clone(), reply.clone());
                    let (asked, chain_asked) = (asked.clone(), chain_asked.clone());
                    tokio::spawn(async move {
                        let mut stream = stream;
                        let Some(request) = read_request(&mut stream).await else {
                            return;
                        };
                        let reply = if request["method"] == "eth_chainId" {
                            chain_asked.fetch_add(1, Ordering::SeqCst);
                            Reply::Result(json!(format!("{:#x}", *chain.lock().unwrap())))
                        } else {
                            asked.fetch_add(1, Ordering::SeqCst);
                            reply.lock().unwrap().clone()
                        };
                        answer(stream, &request, reply).await;
                    });
                }
            });
            node
        }

        fn url(&self) -> Url {
            format!("http://127.0.0.1:{}/", self.port).parse().unwrap()
        }

        fn set(&self, reply: Reply) {
            *self.reply.lock().unwrap() = reply;
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    async fn read_request(stream: &mut TcpStream) -> Option<Value> {
        let mut bytes = Vec::new();
        loop {
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).await.ok()?;
            if count == 0 {
                return None;
            }
            bytes.extend_from_slice(&chunk[..count]);
            let text = String::from_utf8_lossy(&bytes);
            if let Some((_, body)) = text.split_once("\r\n\r\n") {
                if let Ok(request) = serde_json::from_str(body) {
                    return Some(request);
                }
            }
        }
    }

    async fn answer(mut stream: TcpStream, request: &Value, reply: Reply) {
        let one = |request: &Value| match &reply {
            Reply::Result(result) => {
                json!({"jsonrpc": "2.0", "id": request["id"], "result": result})
            }
            Reply::Error(code, message, data) => {
                let mut error = json!({"code": code, "message": message});
                if let Some(data) = data {
                    error["data"] = data.clone();
                }
                json!({"jsonrpc": "2.0", "id": request["id"], "error": error})
            }
            _ => json!({"jsonrpc": "2.0", "id": 987_654, "result": "0x1"}),
        };
        let body = match request.as_array() {
            Some(requests) => requests.iter().map(one).collect(),
            None => one(request),
        };
        let (status, headers, body) = match reply {
            Reply::Http(status, headers, body) => (status, headers, body.to_owned()),
            Reply::Close => return,
            Reply::Silence => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            Reply::Endless => {
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
                let mut sent = stream.write_all(head.as_bytes()).await;
                while sent.is_ok() {
                    sent = stream.write_all(&[b' '; 1 << 16]).await;
                }
                return;
            }
            _ => (200, "", body.to_string()),
        };
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    fn over(nodes: &[&Node]) -> Failover {
        let urls = nodes.iter().map(|node| node.url()).collect();
        Failover::with_pace(urls, CHAIN, Duration::from_secs(20), QUICK)
    }

    async fn block_number(failover: &Failover) -> Result<u64, TransportError> {
        failover.provider().get_block_number().await
    }

    fn seven() -> Reply {
        Reply::Result(json!("0x7"))
    }

    fn error(code: i64, message: &'static str) -> Reply {
        Reply::Error(code, message, None)
    }

    #[tokio::test]
    async fn the_first_node_serves_as_long_as_it_works() {
        let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
        let failover = over(&[&a, &b]);
        for _ in 0..5 {
            assert_eq!(block_number(&failover).await.unwrap(), 7);
        }
        assert_eq!((a.asked(), b.asked()), (5, 0));
        assert_eq!(a.chain_asked.load(Ordering::SeqCst), 1);
        let health = failover.health();
        assert_eq!((health[0].score, health[0].requests), (100, 6));
        assert!(health.iter().all(|h| h.usable && h.failures == 0));
        assert_eq!(health[0].node, format!("127.0.0.1:{}", a.port));
    }

    #[tokio::test]
    async fn every_failure_leads_to_the_next_node() {
        let failures = [
            (Reply::Close, "error sending request"),
            (Reply::Silence, "timed out"),
            (
                Reply::Http(429, "Retry-After: 0\r\n", "too many"),
                "429 Too Many Requests",
            ),
            (Reply::Http(500, "", "oops"), "500"),
            (Reply::Http(502, "", "<html>"), "502"),
            (
                Reply::Http(302, "Location: http://127.0.0.1:1/\r\n", ""),
                "302",
            ),
            (Reply::Http(403, "", "{}"), "403"),
            (Reply::Http(200, "", "{\"jsonrpc\":\"2.0\",\"id"), "JSON"),
            (Reply::Http(200, "", "<html>"), "JSON"),
            (Reply::Http(200, "", ""), "JSON"),
            (Reply::Endless, "over 33554432 bytes"),
            (Reply::WrongId, "another request"),
            (error(-32603, "Internal error"), "-32603"),
            (error(-32005, "project ID request rate exceeded"), "-32005"),
            (error(-32002, "request timed out"), "-32002"),
            (error(-32000, "header not found"), "header not found"),
            (error(-32000, "Too Many Requests"), "Too Many"),
            (error(-32000, "missing trie node 12"), "trie"),
            (error(-32000, "block 0x12 not found"), "not found"),
            (error(429, "compute units"), "429"),
        ];
        for (failure, said) in failures {
            let timeout = match failure {
                Reply::Silence => Duration::from_millis(700),
                _ => Duration::from_secs(20),
            };
            let (a, b) = (Node::start(failure).await, Node::start(seven()).await);
            let urls = vec![a.url(), b.url()];
            let failover = Failover::with_pace(urls, CHAIN, timeout, QUICK);
            assert_eq!(block_number(&failover).await.unwrap(), 7, "{said}");
            assert_eq!((a.asked(), b.asked()), (1, 1), "{said}");
            let health = failover.health();
            assert_eq!((health[0].score, health[0].failures), (50, 1), "{said}");
            let last = health[0].last_error.clone().unwrap();
            assert!(last.contains(said), "{last} should contain {said}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_leads_to_the_next_node() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", nobody.local_addr().unwrap());
        drop(nobody);
        let b = Node::start(seven()).await;
        let urls = vec![url.parse().unwrap(), b.url()];
        let failover = Failover::with_pace(urls, CHAIN, Duration::from_secs(1), QUICK);
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        let last = failover.health()[0].last_error.clone().unwrap();
        assert!(last.contains("refused"), "{last}");
    }

    #[tokio::test]
    async fn answers_that_say_no_are_returned_at_once() {
        let data = || Some(json!("0x08c379a0"));
        let answers = [
            error(3, "execution reverted: no"),
            error(-32000, "execution reverted"),
            Reply::Error(-32603, "VM Exception", data()),
            Reply::Error(
                -32603,
                "Internal error",
                Some(json!({"data": "0x01020304"})),
            ),
            Reply::Error(-32015, "VM execution error.", Some(json!("Reverted 0x"))),
            error(-32000, "already known"),
            error(-32000, "nonce too low: next nonce 5, tx nonce 4"),
            // As Besu has it.
            error(-32001, "Nonce too low"),
            error(-32603, "replacement transaction underpriced"),
            error(-32000, "insufficient funds for gas * price + value"),
            error(-32602, "invalid params"),
            error(-32601, "the method eth_x does not exist/is not available"),
            error(-32005, "query returned more than 10000 results"),
            error(-32000, "something that nobody has heard of"),
            Reply::Http(
                400,
                "",
                r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"invalid params"}}"#,
            ),
            Reply::Http(
                500,
                "",
                r#"{"jsonrpc":"2.0","id":0,"error":{"code":3,"message":"execution reverted"}}"#,
            ),
        ];
        for answer in answers {
            let (a, b) = (Node::start(answer).await, Node::start(seven()).await);
            let failover = over(&[&a, &b]);
            let error = block_number(&failover).await.unwrap_err();
            assert!(error.as_error_resp().is_some(), "{error}");
            assert_eq!((a.asked(), b.asked()), (1, 0), "{error}");
            assert_eq!(failover.health()[0].score, 100, "{error}");
        }
    }

    #[tokio::test]
    async fn the_last_error_is_returned_after_three_rounds() {
        let (a, b) = (
            Node::start(Reply::Http(500, "", "oops")).await,
            Node::start(error(-32603, "internal error")).await,
        );
        let error = block_number(&over(&[&a, &b])).await.unwrap_err();
        assert_eq!((a.asked(), b.asked()), (3, 3));
        let RpcError::Transport(kind) = &error else {
            panic!("{error}");
        };
        let unanswered = kind.as_custom().unwrap().downcast_ref::<Unanswered>();
        assert!(unanswered.unwrap().node.starts_with("127.0.0.1:"));
        assert!(error.as_error_resp().is_none());
    }

    #[tokio::test]
    async fn a_failure_that_passes_is_not_seen() {
        let a = Node::start(Reply::Close).await;
        let failover = over(&[&a]);
        let reply = a.reply.clone();
        let asked = a.asked.clone();
        tokio::spawn(async move {
            while asked.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            *reply.lock().unwrap() = seven();
        });
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        // It lost its connection, and so was asked for its chain again.
        assert!(a.chain_asked.load(Ordering::SeqCst) >= 2);
    }

    #[tokio::test]
    async fn a_wrong_chain_is_never_used() {
        let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
        *a.chain.lock().unwrap() = 1;
        let failover = over(&[&a, &b]);
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        assert!(!failover.health()[0].usable);
        b.set(Reply::Close);
        assert!(block_number(&failover).await.is_err());
        let error = failover.health()[0].last_error.clone().unwrap();
        assert_eq!(error, "it is on chain 1, not 31337");
        assert_eq!(a.asked(), 0);
        // Until it is on the right one.
        *a.chain.lock().unwrap() = CHAIN;
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        assert_eq!(a.asked(), 1);
    }

    #[tokio::test]
    async fn a_node_that_comes_back_on_another_chain_is_not_used() {
        let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
        let failover = over(&[&a, &b]);
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        a.set(Reply::Close);
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        let asked = a.asked();
        a.set(seven());
        *a.chain.lock().unwrap() = 5;
        for _ in 0..10 {
            tokio::time::sleep(QUICK.rest).await;
            assert_eq!(block_number(&failover).await.unwrap(), 7);
        }
        assert_eq!(a.asked(), asked);
        assert!(!failover.health()[0].usable);
    }

    #[tokio::test]
    async fn a_node_that_never_failed_is_asked_for_its_chain_again() {
        let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
        let urls = vec![a.url(), b.url()];
        let pace = Pace {
            trust: Duration::from_millis(50),
            ..QUICK
        };
        let failover = Failover::with_pace(urls, CHAIN, Duration::from_secs(20), pace);
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        *a.chain.lock().unwrap() = 1;
        tokio::time::sleep(pace.trust).await;
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        assert_eq!((a.asked(), b.asked()), (1, 1));
    }

    #[tokio::test]
    async fn checks_look_at_every_node() {
        let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
        *b.chain.lock().unwrap() = 1;
        let health = over(&[&a, &b]).check().await;
        assert!(health[0].usable && !health[1].usable);
        assert_eq!((a.asked(), b.asked()), (0, 0));
    }

    #[tokio::test]
    async fn scores_recover_and_the_preferred_node_returns() {
        let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
        let failover = over(&[&a, &b]);
        a.set(Reply::Http(500, "", ""));
        let mut lowest = 100;
        for _ in 0..5 {
            assert_eq!(block_number(&failover).await.unwrap(), 7);
            tokio::time::sleep(QUICK.rest * 2).await;
            lowest = lowest.min(failover.health()[0].score);
        }
        assert!(lowest < 30, "{lowest}");
        a.set(seven());
        for _ in 0..100 {
            assert_eq!(block_number(&failover).await.unwrap(), 7);
            if failover.health()[0].score == 100 {
                break;
            }
            tokio::time::sleep(QUICK.rest).await;
        }
        assert_eq!(failover.health()[0].score, 100);
        let before = b.asked();
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        assert_eq!(b.asked(), before);
    }

    #[tokio::test]
    async fn a_resting_node_is_left_alone_but_for_need() {
        let (a, b) = (
            Node::start(Reply::Http(500, "", "")).await,
            Node::start(seven()).await,
        );
        let urls = vec![a.url(), b.url()];
        let pace = Pace {
            rest: Duration::from_secs(60),
            rest_cap: Duration::from_secs(60),
            ..QUICK
        };
        let failover = Failover::with_pace(urls, CHAIN, Duration::from_secs(1), pace);
        for _ in 0..5 {
            assert_eq!(block_number(&failover).await.unwrap(), 7);
        }
        assert_eq!(a.asked(), 1);
        b.set(Reply::Close);
        a.set(seven());
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        assert_eq!(a.asked(), 2);
    }

    #[tokio::test]
    async fn transactions_do_not_probe() {
        let (a, b) = (
            Node::start(Reply::Http(500, "", "")).await,
            Node::start(Reply::Result(json!(format!("{:#066x}", 1)))).await,
        );
        let failover = over(&[&a, &b]);
        let provider = failover.provider();
        let _ = provider.send_raw_transaction(&[1]).await.unwrap();
        assert_eq!(a.asked(), 1);
        tokio::time::sleep(QUICK.rest * 2).await;
        let _ = provider.send_raw_transaction(&[1]).await.unwrap();
        assert_eq!((a.asked(), b.asked()), (1, 2));
    }

    #[tokio::test]
    async fn retry_after_is_honoured() {
        let a = Node::start(Reply::Http(429, "Retry-After: 1\r\n", "")).await;
        let failover = over(&[&a]);
        let start = Instant::now();
        assert!(block_number(&failover).await.is_err());
        assert_eq!(a.asked(), 3);
        assert!(start.elapsed() >= Duration::from_secs(2));
        assert!(!failover.health()[0].usable);
    }

    #[tokio::test]
    async fn batches_need_every_answer() {
        let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
        let failover = over(&[&a, &b]);
        let ask = || async {
            let provider = failover.provider();
            let mut batch = BatchRequest::new(provider.client());
            let first = batch.add_call::<_, String>("eth_blockNumber", &()).unwrap();
            let second = batch.add_call::<_, String>("eth_gasPrice", &()).unwrap();
            batch.send().await.unwrap();
            (first.await.unwrap(), second.await.unwrap())
        };
        let both = ("0x7".to_owned(), "0x7".to_owned());
        assert_eq!(ask().await, both);
        assert_eq!((a.asked(), b.asked()), (1, 0));
        let part = r#"[{"jsonrpc":"2.0","id":0,"result":"0x8"}]"#;
        a.set(Reply::Http(200, "", part));
        assert_eq!(ask().await, both);
        assert_eq!(b.asked(), 1);
    }

    #[tokio::test]
    async fn no_nodes_are_an_error() {
        let failover = Failover::new(vec![], CHAIN, Duration::from_secs(1));
        let error = block_number(&failover).await.unwrap_err().to_string();
        assert!(error.contains("none is configured"), "{error}");
    }

    #[tokio::test]
    async fn secrets_of_addresses_stay_hidden() {
        let body = "no project SECRETKEY123 for hunter2 and apikey=QUERYSECRET";
        let a = Node::start(Reply::Http(401, "", body)).await;
        let url = format!(
            "http://bob:hunter2@127.0.0.1:{}/v3/SECRETKEY123?apikey=QUERYSECRET",
            a.port
        );
        let nobody = "http://127.0.0.1:1/v3/SECRETKEY123".parse().unwrap();
        let urls = vec![url.parse().unwrap(), nobody];
        let failover = Failover::with_pace(urls, CHAIN, Duration::from_secs(1), QUICK);
        let error = block_number(&failover).await.unwrap_err();
        let health = serde_json::to_string(&failover.health()).unwrap();
        assert_eq!(failover.health()[0].node, format!("127.0.0.1:{}", a.port));
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{failover:?}"),
            health,
        ] {
            for secret in ["SECRETKEY", "hunter2", "QUERYSECRET", "bob", "apikey"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
        let url = "https://node.example/v3/key".parse().unwrap();
        assert_eq!(node_name(&url), "node.example:443");
    }

    #[test]
    fn rests_grow_to_half_a_minute() {
        let rests: Vec<u64> = (0..9)
            .map(|n| Pace::USUAL.rest_after(n).as_secs())
            .collect();
        assert_eq!(rests, [1, 1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(Pace::USUAL.rest_after(u32::MAX).as_secs(), 30);
    }
}
