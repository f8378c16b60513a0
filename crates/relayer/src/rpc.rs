//! JSON-RPC over several nodes, any of which may fail.

mod answer;
mod endpoint;
mod patience;

pub(crate) use answer::*;
use endpoint::*;

pub use patience::Slow;

use crate::text::{node_name, shortened, span};
use alloy::network::Ethereum;
use alloy::primitives::{Address, B256, Bytes, U64};
use alloy::providers::RootProvider;
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{ErrorPayload, Id, RequestPacket, ResponsePacket};
use alloy::transports::http::reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use alloy::transports::http::reqwest::redirect::Policy;
use alloy::transports::http::reqwest::{Client, Error as HttpError, Response, StatusCode, Url};
use alloy::transports::utils::guess_local_url;
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use patience::Patience;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tracing::warn;

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
/// The first wait for a node to name its chain: a node that came back should not hold up a request for long. It doubles
/// with each failure, up to the time that other requests have.
const CHAIN_TIMEOUT: Duration = Duration::from_secs(3);
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
    /// It did nothing, for as long as it was waited for.
    pub slow: bool,
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
    /// How long ago that was, in seconds.
    pub failed_ago: Option<u64>,
    /// Whether requests go to it now: it is not resting, and is not known to be on another chain.
    pub usable: bool,
}

/// What a node makes of a hash where a block is named (EIP-1898).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashes {
    /// It has the state of that block, or says that there is none.
    Taken,
    /// It takes numbers only.
    Refused,
    /// It answers for another block.
    Ignored,
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

struct Inner {
    client: Result<Client, String>,
    chain_id: u64,
    patience: Patience,
    endpoints: Vec<Endpoint>,
    pace: Pace,
    /// Attempts that ended so far, with an answer or without.
    steps: AtomicU64,
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
        let method = packet.method_names().next().unwrap_or_default();
        let key = self.patience.key(packet);
        let mut last: Option<Unanswered> = None;
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(self.pause(round)).await;
            }
            let wait = self.patience.of(key);
            let mut slow = false;
            for endpoint in self.order(read_only && round == 0) {
                match self.ask(endpoint, packet, &body, wait).await {
                    Ok(answer) => {
                        self.patience.answered(key);
                        return Ok(answer);
                    }
                    Err(failure) => {
                        slow |= failure.slow;
                        last = Some(failure);
                    }
                }
            }
            // As long as one of several nodes answers, there is no need to wait for the others.
            if slow {
                let slow = self.patience.lengthen(key, method, wait);
                warn!(
                    code = "NZK206",
                    method,
                    times = slow.times,
                    "no node answered {method} within {}: it is asked again and waited for up to {}",
                    span(slow.waited),
                    span(slow.next)
                );
                // Whoever asks asks again, and others wait for it meanwhile.
                if slow.times >= ROUNDS {
                    break;
                }
            }
        }
        // If nobody was asked, they all wanted to be left alone.
        let last = last.or_else(|| {
            let endpoint = self.endpoints.first()?;
            Some(Unanswered {
                node: endpoint.node.clone(),
                reason: endpoint.state().last_error.clone().unwrap_or_default(),
                slow: false,
            })
        });
        Err(TransportErrorKind::custom(last.unwrap_or_else(|| {
            Unanswered {
                node: "no node".into(),
                reason: "none is configured".into(),
                slow: false,
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
        wait: Duration,
    ) -> Result<ResponsePacket, Unanswered> {
        let answer = async {
            self.check_chain(endpoint, wait).await?;
            let headers = packet.headers();
            let method = packet.method_names().next().unwrap_or_default();
            let answer = self.post(endpoint, headers, body, wait).await;
            let answer = answer.map_err(|failure| failure.of(method, wait))?;
            judge(answer, packet)
        };
        let answer = answer.await;
        self.steps.fetch_add(1, Ordering::Relaxed);
        match answer {
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
    async fn check_chain(&self, endpoint: &Endpoint, wait: Duration) -> Result<(), Failure> {
        let before = {
            let mut state = endpoint.state();
            if let Chain::Right(since) = state.chain {
                if since.elapsed() < self.pace.trust {
                    return Ok(());
                }
                // One request asks, others go on meanwhile.
                state.chain = Chain::Right(Instant::now());
            }
            state.streak
        };
        let first = wait.min(CHAIN_TIMEOUT);
        let wait = first.saturating_mul(1 << before.min(8)).min(wait);
        let outcome = self.ask_chain(endpoint, wait).await;
        endpoint.state().chain = match outcome {
            Ok(()) => Chain::Right(Instant::now()),
            Err(_) => Chain::Unknown,
        };
        outcome
    }

    async fn ask_chain(&self, endpoint: &Endpoint, wait: Duration) -> Result<(), Failure> {
        let question = Bytes::from_static(CHAIN_QUESTION);
        let answer = self.post(endpoint, HeaderMap::new(), &question, wait).await;
        let answer = answer.map_err(|failure| failure.of("eth_chainId", wait))?;
        let answer = judge_ids(answer, vec![&Id::Number(0)], true, false)?;
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

    /// Asks a node for the state of a block that does not exist, and of one that does.
    async fn hashes(&self, endpoint: &Endpoint) -> Option<Hashes> {
        let balance = |hash: &str| {
            let params = json!([Address::ZERO, {"blockHash": hash}]);
            self.ask_plainly(endpoint, "eth_getBalance", params)
        };
        let answered = |answer: &Value| !answer["result"].is_null();
        let nowhere = balance(&B256::repeat_byte(0x5a).to_string()).await?;
        if answered(&nowhere) {
            return Some(Hashes::Ignored);
        }
        let params = json!(["latest", false]);
        let head = self
            .ask_plainly(endpoint, "eth_getBlockByNumber", params)
            .await?;
        let here = balance(head["result"]["hash"].as_str()?).await?;
        Some(match answered(&here) {
            true => Hashes::Taken,
            false => Hashes::Refused,
        })
    }

    /// A request to one node, whose answer says nothing about how it does.
    async fn ask_plainly(&self, endpoint: &Endpoint, method: &str, params: Value) -> Option<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        let body = Bytes::from(body.to_string().into_bytes());
        let wait = self.patience.usual();
        let answer = self.post(endpoint, HeaderMap::new(), &body, wait).await;
        serde_json::from_slice(&answer.ok()?.body).ok()
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

/// A transport that sends each request to the best of several nodes, and to the next if that one fails.
///
/// Nodes lose half of their score with each failure and regain it slowly. A node on another chain gets no request.
/// What a node answers is returned at once, reverts and refusals among it; what is the node's own trouble is not, so
/// errors other than [`Unanswered`] are answers.
///
/// A transaction may have reached a node that did not answer, so sending it to the next may return "already known",
/// or "nonce too low" once it is in a block.
///
/// A request fails once every node was tried three times. What no node answered in time is waited for twice as long the
/// next time, in later requests with the same method and first parameter, too, up to a limit.
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
    /// `timeout` to answer in, and up to `longest` for what none answered before.
    pub fn new(urls: Vec<Url>, chain_id: u64, timeout: Duration, longest: Duration) -> Self {
        let patience = Patience::new(timeout, longest);
        Failover::with_pace(urls, chain_id, patience, Pace::USUAL)
    }

    fn with_pace(urls: Vec<Url>, chain_id: u64, patience: Patience, pace: Pace) -> Self {
        // A redirection could take the request, and what it carries, to a host that nobody chose.
        let client = Client::builder()
            .redirect(Policy::none())
            .build()
            .map_err(|e| Failure::of_http(e).reason);
        Failover(Arc::new(Inner {
            client,
            chain_id,
            patience,
            endpoints: urls.into_iter().map(Endpoint::new).collect(),
            pace,
            steps: AtomicU64::new(0),
        }))
    }

    /// How each node does, in the order of preference.
    pub fn health(&self) -> Vec<Health> {
        self.0.endpoints.iter().map(Endpoint::health).collect()
    }

    /// What no node answers in time.
    pub fn slow(&self) -> Vec<Slow> {
        self.0.patience.list()
    }

    /// How many attempts ended so far, each of which is bounded in time: as long as it grows, something goes on.
    pub fn steps(&self) -> u64 {
        self.0.steps.load(Ordering::Relaxed)
    }

    /// Asks every node for its chain, unless that is known: nodes that are only there for emergencies would otherwise
    /// be looked at in the first one.
    pub async fn check(&self) -> Vec<Health> {
        for endpoint in &self.0.endpoints {
            let wait = self.0.patience.usual();
            if let Err(failure) = self.0.check_chain(endpoint, wait).await {
                endpoint.failed(failure, &self.0.pace);
            }
        }
        self.health()
    }

    /// What each node makes of hashes of blocks, if it answers at all.
    pub async fn hashes(&self) -> Vec<(String, Option<Hashes>)> {
        let mut all = Vec::new();
        for endpoint in &self.0.endpoints {
            let of = self.0.hashes(endpoint).await;
            all.push((endpoint.node.clone(), of));
        }
        all
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
mod tests;
