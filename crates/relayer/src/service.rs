//! The service: rounds of following the chain, looking at claims, and sending what was decided.
//!
//! A round is idempotent: whatever ends it, an error, a kill or a loss of power, the next one starts from what is on
//! disk and on chain.

mod counting;
mod look;
mod watch;

use crate::config::Config;
use crate::cursor::{Cursor, Tip};
use crate::decide::Act;
use crate::error::Error;
use crate::facts::{Bond, Facts, Reader, status};
use crate::files::{Home, Manifests, allowed, layers_of_final, read_final};
use crate::ground;
use crate::metrics::Metrics;
use crate::prover::{Made, Runner};
use crate::rpc::Failover;
use crate::signer::{Key, KeySource};
use crate::store::{Lease, Observer, Role, Status, Store};
use crate::transactions::{DAY, Manager};
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{Provider, RootProvider};
use futures_util::{StreamExt, stream};
use nanozk_chain::data_fee::DataFees;
use nanozk_chain::format::duration;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::{error, info, warn};

/// Claims that are looked at side by side.
const SIDE_BY_SIDE: usize = 8;
/// Claims of one round.
const ROUND: u64 = 256;
/// Looks that fail after which it is taken that all others fail, too.
const ENOUGH: usize = 8;
/// Time since the last round after which it is not ready.
const SILENT: Duration = Duration::from_secs(120);
/// The longest wait for the connection that holds the lock.
const LEASE: Duration = Duration::from_secs(60);
/// Time between two looks through the inbox.
const INBOX: Duration = Duration::from_secs(2);
/// Time between two counts of money.
const COUNT: Duration = Duration::from_secs(5);

/// How the relayer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Everything.
    Working,
    /// Nothing new: what is on its way is followed.
    Draining,
    /// At once.
    Stopping,
}

/// What the HTTP API shows besides the database.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Newest block: number, time, hash.
    pub head: Option<(u64, u64)>,
    /// The chain's time, and when it was found.
    pub now: Option<(u64, Instant)>,
    /// When the newest block was first seen.
    pub seen: Option<Instant>,
    /// The earliest deadline of ours.
    pub due: Option<u64>,
    /// When the last round that succeeded ended.
    pub finished: Option<Instant>,
    /// Why the last round failed, with its code; none: it succeeded.
    pub not_ready: Option<(String, String)>,
    /// Wei of the account.
    pub balance: U256,
    /// What is in the inbox and cannot be used.
    pub inbox: BTreeMap<String, String>,
    /// Money of open claims.
    pub exposure: Exposure,
    /// Fees of the last day, and what pending transactions may cost.
    pub spent: (U256, U256),
}

impl Live {
    /// The chain's time now: it runs on while rounds fail, and so do deadlines.
    pub fn time(&self) -> u64 {
        self.now
            .map_or(0, |(time, since)| time + since.elapsed().as_secs())
    }

    /// Brings the metrics up to now that change by themselves.
    pub fn run_on(&self, metrics: &Metrics) {
        metrics.slack.set(match self.due {
            Some(due) => due as f64 - self.time() as f64,
            None => f64::INFINITY,
        });
        if let Some(seen) = self.seen {
            metrics.head_age.set(seen.elapsed().as_secs_f64());
        }
    }

    /// Why it is not to be relied on, with a code.
    pub fn trouble(&self) -> Option<(String, String)> {
        let silent = self.finished.map(|f| f.elapsed()).filter(|s| *s > SILENT);
        self.not_ready.clone().or_else(|| {
            let seconds = silent?.as_secs();
            Some((
                "NZK201".into(),
                format!("the last round ended {} ago", duration(seconds)),
            ))
        })
    }
}

/// Money of open claims in ETH, by what it depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exposure {
    /// Stakes of ours.
    pub stake: U256,
    /// Bonds of ours.
    pub bonds: U256,
    /// Prices to be earned, or to be got back.
    pub price: U256,
}

/// What tasks share.
#[derive(Debug)]
pub struct Shared {
    /// Settings.
    pub config: Config,
    /// Database.
    pub store: Store,
    /// Where claims are made.
    pub home: Home,
    /// Nodes.
    pub rpc: Failover,
    /// Metrics.
    pub metrics: Metrics,
    /// The sending account.
    pub account: Address,
    /// The provider's account, if its key is here.
    pub provider: Option<Address>,
    /// Nothing is sent.
    pub dry_run: bool,
    /// Proofs.
    pub runner: Runner,
    live: Mutex<Live>,
    phase: Mutex<Phase>,
    /// Wakes the next round.
    pub wake: Notify,
}

impl Shared {
    /// What the last round left.
    pub fn live(&self) -> MutexGuard<'_, Live> {
        match self.live.lock() {
            Ok(live) => live,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// How it goes on.
    pub fn phase(&self) -> Phase {
        match self.phase.lock() {
            Ok(phase) => *phase,
            Err(poisoned) => *poisoned.into_inner(),
        }
    }

    /// Goes on to the next phase: draining, then stopping.
    pub fn end(&self) {
        let mut phase = match self.phase.lock() {
            Ok(phase) => phase,
            Err(poisoned) => poisoned.into_inner(),
        };
        *phase = match *phase {
            Phase::Working => Phase::Draining,
            _ => Phase::Stopping,
        };
        self.wake.notify_one();
    }
}

/// The relayer.
pub struct Relayer {
    shared: Arc<Shared>,
    provider: RootProvider,
    /// What the chain takes besides gas.
    data_fees: DataFees,
    provider_key: Option<Key>,
    reader: Reader,
    cursor: Cursor,
    manager: Manager,
    lease: Option<Lease>,
    /// Models of sessions.
    manifests: Manifests,
    /// Final proofs of sessions that are written down, by path, stamp and statement.
    readable: Mutex<HashSet<Readable>>,
    /// The block below which there is no event of the contracts.
    first: u64,
    /// Jobs whose claims are looked for, and the block up to which nothing was looked through yet.
    searched: Mutex<HashMap<B256, u64>>,
    /// Final proofs of several claims that cannot be sent, for files are missing.
    broken: Mutex<HashSet<B256>>,
    models: HashMap<B256, PathBuf>,
    /// When the newest block was first seen.
    seen: Option<(Tip, Instant)>,
    scanned: Option<Instant>,
    counted: Option<Instant>,
    /// Names in the inbox with their claims, and when files were last put into them.
    known: HashMap<PathBuf, (B256, Stamp)>,
    /// Bonds at risk, with those of challenges on their way.
    bonds: Mutex<U256>,
    told: Mutex<HashSet<String>>,
    /// Marks of claims may be lost: what was being looked at is not known.
    unsure: AtomicBool,
}

impl std::fmt::Debug for Relayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relayer").finish_non_exhaustive()
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// A proof's file: its path, what the file system says of it, and the statement of the session it is in.
type Readable = (PathBuf, [i64; 4], [u8; 32]);

/// When files were put into a session's directory, by the file system.
type Stamp = Option<(i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = path.metadata().ok()?;
    Some((metadata.mtime(), metadata.mtime_nsec()))
}

impl Relayer {
    /// Checks everything that can be checked before anything is sent: nodes, chain, contracts, keys, money, database.
    pub async fn start(config: Config, dry_run: bool, observer: Observer) -> Result<Self, Error> {
        let deployment = ground::deployment(&config)?;
        let chain_id = deployment.chain_id;
        let rpc = ground::nodes(&config, chain_id)?;
        let provider = rpc.provider();
        provider
            .get_chain_id()
            .await
            .map_err(|e| Error::of_node(e, "the chain"))?;
        for node in rpc.check().await {
            if !node.usable {
                let reason = node.last_error.unwrap_or_default();
                warn!(
                    code = "NZK205",
                    node = node.node,
                    reason,
                    "a node cannot be used; others can"
                );
            }
        }
        ground::look_at_hashes(&rpc).await?;
        let (contracts, first) =
            ground::contracts(&deployment, &config.deployment, &provider).await?;
        let data_fees = ground::data_fees(&provider).await?;
        for source in [Some(&config.signer), config.provider_signer.as_ref()] {
            for warning in source.map(KeySource::warnings).unwrap_or_default() {
                warn!(code = "NZK320", "{warning}");
            }
        }
        let allow = config.allow_development_keys;
        let key = ground::key(&config.signer, chain_id, allow)
            .await?
            .guarded(allowed(&contracts));
        let provider_key = match &config.provider_signer {
            // It signs no transaction at all.
            Some(source) => Some(ground::key(source, chain_id, allow).await?),
            None => None,
        };
        let account = key.address();
        let balance = ground::balance(&provider, account).await?;
        if balance.is_zero() && !dry_run {
            return Err(ground::no_balance(account, &config.signer));
        }
        ground::inbox(&config)?;
        let mut models = HashMap::new();
        for path in &config.watch.models {
            models.insert(ground::model(path)?, path.clone());
        }
        let (store, lease) =
            ground::store(&config, observer, chain_id, contracts.book, account).await?;
        let home = Home {
            chain_id,
            contracts,
        };
        let provider_account = provider_key.as_ref().map(Key::address);
        let shared = Arc::new(Shared {
            metrics: Metrics::new()?,
            runner: Runner::new(&config),
            store: store.clone(),
            home,
            rpc,
            account,
            provider: provider_account,
            dry_run,
            live: Mutex::new(Live {
                balance,
                not_ready: Some(("NZK000".into(), "the first round is not over".into())),
                ..Live::default()
            }),
            phase: Mutex::new(Phase::Working),
            wake: Notify::new(),
            config: config.clone(),
        });
        info!(
            code = "NZK010", chain = chain_id, account = %account, book = %contracts.book, dry_run,
            "started"
        );
        Ok(Relayer {
            reader: Reader::new(provider.clone(), contracts),
            cursor: Cursor::new(store.clone(), provider.clone(), &contracts),
            manager: Manager::new(store, provider.clone(), key, (chain_id, data_fees), &config),
            provider_key,
            provider,
            data_fees,
            shared,
            lease,
            manifests: Manifests::default(),
            readable: Mutex::default(),
            first,
            searched: Mutex::default(),
            broken: Mutex::default(),
            models,
            seen: None,
            scanned: None,
            counted: None,
            known: HashMap::new(),
            bonds: Mutex::new(U256::ZERO),
            told: Mutex::default(),
            // As they are of the last run.
            unsure: AtomicBool::new(true),
        })
    }

    /// What other tasks may see.
    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Works until it is told to end, then follows what is on its way for as long as [`Config::grace`].
    pub async fn run(mut self) -> Result<(), Error> {
        let shared = self.shared.clone();
        let pause = shared.config.poll;
        let mut draining: Option<Instant> = None;
        let mut failures = 0u32;
        loop {
            let phase = shared.phase();
            if phase == Phase::Draining && draining.is_none() {
                info!(
                    code = "NZK011",
                    "ending: what is on its way is followed, nothing new is begun"
                );
                draining = Some(Instant::now());
            }
            let begun = Instant::now();
            let most = Duration::from_secs(shared.config.round_timeout);
            let steps = || (shared.rpc.steps(), shared.store.steps());
            let round = while_it_goes_on(most, steps, self.round(phase)).await;
            if matches!(round, Err(Error::Hung(_))) {
                self.unsure.store(true, Ordering::Relaxed);
            }
            let pending = match round {
                Ok(pending) => {
                    if failures != 0 {
                        info!(code = "NZK012", failures, "rounds succeed again");
                    }
                    failures = 0;
                    let mut live = shared.live();
                    (live.not_ready, live.finished) = (None, Some(Instant::now()));
                    drop(live);
                    shared.metrics.ready.set(1);
                    pending
                }
                Err(e @ (Error::Locked(_) | Error::Config(_))) => return Err(e),
                Err(e) => {
                    failures = failures.saturating_add(1);
                    error!(code = e.code(), failures, "{e}");
                    shared.live().not_ready = Some((e.code().into(), e.to_string()));
                    shared.metrics.ready.set(0);
                    shared.metrics.errors.inc();
                    usize::MAX
                }
            };
            shared.metrics.rounds.inc();
            shared.metrics.round.set(begun.elapsed().as_secs_f64());
            match (shared.phase(), draining) {
                (Phase::Stopping, _) => break,
                (Phase::Draining, Some(_)) if pending == 0 => break,
                (Phase::Draining, Some(since))
                    if since.elapsed() > Duration::from_secs(shared.config.grace) =>
                {
                    warn!(
                        code = "NZK013",
                        "transactions are still on their way: the next start goes on with them"
                    );
                    break;
                }
                _ => {}
            }
            let pause = match failures {
                0 => pause,
                n => pause * 2u32.saturating_pow(n.min(4)),
            };
            tokio::select! {
                () = tokio::time::sleep(pause.min(Duration::from_secs(30))) => {}
                () = shared.wake.notified() => {}
                () = shared.runner.ended.notified() => {}
            }
        }
        info!(code = "NZK014", "ended");
        Ok(())
    }

    /// The chain's time now: that of its newest block, and what passed since by this machine's steady clock. The
    /// system's clock is asked for nothing.
    fn now(&mut self, tip: Tip) -> u64 {
        let since = match self.seen {
            Some((seen, since)) if seen == tip => since,
            _ => {
                let now = Instant::now();
                self.seen = Some((tip, now));
                now
            }
        };
        tip.time + since.elapsed().as_secs()
    }

    /// One round; gives how many transactions are on their way.
    pub async fn round(&mut self, phase: Phase) -> Result<usize, Error> {
        let shared = self.shared.clone();
        if let Some(lease) = &mut self.lease {
            // A server that vanished says nothing at all.
            let holds = tokio::time::timeout(LEASE, lease.holds()).await;
            if !holds.unwrap_or(false) {
                self.lease = None;
            }
        }
        if self.lease.is_none() {
            self.lease = shared.store.lock(shared.account).await?;
        }
        if self.unsure.load(Ordering::Relaxed) {
            shared.store.touch_all(u64::MAX).await?;
            self.unsure.store(false, Ordering::Relaxed);
        }
        let tip = self.cursor.sync().await?;
        let now = self.now(tip);
        {
            let mut live = shared.live();
            live.head = Some((tip.number, tip.time));
            live.now = Some((now, Instant::now()));
            live.seen = self.seen.map(|(_, since)| since);
        }
        shared
            .metrics
            .head
            .set(i64::try_from(tip.number).unwrap_or(i64::MAX));
        let mut failed = None;
        if phase == Phase::Working {
            if self.scanned.is_none_or(|s| s.elapsed() >= INBOX) {
                match self.scan(now).await {
                    Err(e @ Error::Files(_)) => failed = Some(e),
                    other => other?,
                }
                self.scanned = Some(Instant::now());
            }
            if self.counted.is_none() {
                // Bonds at risk limit what is looked at next.
                self.count(tip).await?;
                self.counted = Some(Instant::now());
            }
            for made in shared.runner.made() {
                self.keep(&made).await?;
                shared.runner.keep(&made);
            }
            let done = shared.runner.done();
            shared.store.touch(&done).await?;
            shared.runner.noted(&done);
            let awake = shared.store.awake(now, ROUND).await?;
            let (relayer, failures) = (&*self, &AtomicUsize::new(0));
            let errors: Vec<Error> = stream::iter(awake)
                .map(|id| async move {
                    if failures.load(Ordering::Relaxed) >= ENOUGH {
                        return None;
                    }
                    let error = relayer.look(id, tip, now).await.err()?;
                    failures.fetch_add(1, Ordering::Relaxed);
                    Some(error)
                })
                .buffer_unordered(SIDE_BY_SIDE)
                .filter_map(|e| async move { e })
                .collect()
                .await;
            // What concerns some claims is kept with them. And what is on its way goes on in spite of it.
            let enough = errors.len() >= ENOUGH;
            let mut errors = errors.into_iter();
            failed = errors
                .find(|e| enough || matches!(e, Error::Database(_)))
                .or(failed);
            shared.runner.schedule(now);
        }
        let mut pending = 0;
        if !shared.dry_run {
            let round = self.manager.round(tip, phase == Phase::Working).await?;
            shared.metrics.included.inc_by(round.included as u64);
            pending = round.pending;
            for e in round.failed {
                warn!(code = e.code(), "{e}: it is tried again");
            }
            if round.included != 0 {
                // What was included decides what comes next.
                shared.wake.notify_one();
            }
        }
        if self.counted.is_none_or(|c| c.elapsed() >= COUNT) {
            self.count(tip).await?;
            self.counted = Some(Instant::now());
        }
        failed.map_or(Ok(pending), Err)
    }

    /// Writes a final proof down that was made here.
    async fn keep(&self, made: &Made) -> Result<(), Error> {
        let (id, file) = match read_final(&made.path) {
            Ok(read) if read.1.claims.len() == made.claims.len() => read,
            other => {
                let reason = match other {
                    Ok(_) => "it is about other claims".to_owned(),
                    Err(e) => e.to_string(),
                };
                let path = made.path.display();
                warn!(
                    code = "NZK402",
                    reason, "the prover made no final proof that can be read: {path} is deleted"
                );
                // It is made again.
                let _ = std::fs::remove_file(&made.path);
                return Ok(());
            }
        };
        let layers = |(at, claim): (usize, &B256)| (*claim, layers_of_final(&file, at));
        let claims: Vec<_> = made.claims.iter().enumerate().map(layers).collect();
        let path = made.path.to_string_lossy();
        self.shared.store.add_final(id, &path, &claims).await
    }
}

/// Gives a round up that does nothing any more, which is as if the process ended there. However slow nodes and the
/// database are: as long as they do something, it goes on.
async fn while_it_goes_on<T>(
    most: Duration,
    steps: impl Fn() -> (u64, u64),
    round: impl std::future::Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut round = std::pin::pin!(round);
    let mut before = steps();
    loop {
        if let Ok(done) = tokio::time::timeout(most, &mut round).await {
            return done;
        }
        let now = steps();
        if now == before {
            return Err(Error::Hung(duration(most.as_secs())));
        }
        before = now;
    }
}

#[cfg(test)]
mod tests;
