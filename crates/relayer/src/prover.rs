//! Runs the prover as a process of its own: the relayer links none, and a proof that takes all memory takes down a child.
//!
//! One runs at a time, for it uses all processors. The earliest deadline goes first; with `start = "late"` a proof is
//! begun only when the time that it, and all that are due before it, are expected to take says so.

use crate::config::{Config, Start};
use crate::decide::{list, Need};
use crate::error::Error;
use crate::signer::KeySource;
use alloy::primitives::B256;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::Notify;
use tracing::{info, warn};

/// The least time after which what runs is taken to hang.
const HUNG: Duration = Duration::from_secs(600);
/// Seconds of proving before it is looked again what is most urgent.
const SLICE: f64 = 120.0;

/// What a claim's computation is, executed again.
#[derive(Clone, Debug, Deserialize)]
pub struct Reexecution {
    /// Digest of what was disclosed.
    #[serde(skip)]
    pub secret: B256,
    /// Digest of the prompt.
    pub input_digest: B256,
    /// Digest of the output.
    pub output_digest: B256,
    /// Commitments between the layers.
    pub boundaries: Vec<B256>,
    /// The first position whose token the model would not have generated.
    pub wrong_token: Option<usize>,
}

/// What is to be run for a claim.
#[derive(Clone, Debug)]
pub enum Task {
    /// Make proofs.
    Prove(Need),
    /// Execute it again.
    Reexecute {
        /// Directory of the model.
        model: PathBuf,
        /// Until when a difference can be challenged.
        by: u64,
        /// Digest of what was disclosed.
        secret: B256,
    },
}

#[derive(Debug)]
struct Wanted {
    directory: PathBuf,
    task: Task,
}

impl Wanted {
    fn by(&self) -> u64 {
        match &self.task {
            Task::Prove(need) => need.by,
            Task::Reexecute { by, .. } => *by,
        }
    }
}

#[derive(Debug)]
struct Failure {
    times: u32,
    again: Instant,
    reason: String,
}

#[derive(Debug, Default)]
struct State {
    wanted: HashMap<B256, Wanted>,
    running: Option<(B256, Vec<usize>)>,
    failures: HashMap<B256, Failure>,
    results: HashMap<B256, Reexecution>,
    done: Vec<B256>,
    per_layer: f64,
    per_aggregate: f64,
    per_reexecution: f64,
    told: HashSet<B256>,
    without_aggregate: HashSet<B256>,
}

/// Runs proofs.
#[derive(Clone, Debug)]
pub struct Runner {
    command: Vec<String>,
    /// Variables that the command does not see: they hold keys.
    hidden: Vec<String>,
    start: Start,
    margin: u64,
    state: Arc<Mutex<State>>,
    /// Something ended.
    pub ended: Arc<Notify>,
}

impl Runner {
    /// A runner of a command.
    pub fn new(config: &Config) -> Self {
        let p = &config.prover;
        Runner {
            command: p.command.clone(),
            hidden: [Some(&config.signer), config.provider_signer.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(|source| match source {
                    KeySource::Env { variable } => Some(variable.clone()),
                    _ => None,
                })
                .collect(),
            start: p.start,
            margin: p.margin,
            state: Arc::new(Mutex::new(State {
                per_layer: p.seconds_per_layer as f64,
                per_aggregate: p.seconds_per_aggregate as f64,
                per_reexecution: p.seconds_per_layer as f64,
                ..State::default()
            })),
            ended: Arc::default(),
        }
    }

    /// Whether there is a command.
    pub fn exists(&self) -> bool {
        !self.command.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        match self.state.lock() {
            Ok(state) => state,
            // What it holds is made anew with every look at a claim.
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// What a claim wants now; nothing: nothing any more.
    pub fn want(&self, claim: B256, directory: &Path, task: Option<Task>) {
        let mut state = self.state();
        match task {
            Some(task) => {
                let directory = directory.to_owned();
                state.wanted.insert(claim, Wanted { directory, task });
            }
            None => {
                state.wanted.remove(&claim);
                state.failures.remove(&claim);
            }
        }
    }

    /// What a re-execution found, once.
    pub fn take_result(&self, claim: B256) -> Option<Reexecution> {
        self.state().results.remove(&claim)
    }

    /// Claims whose proofs, or their absence, are to be looked at.
    pub fn done(&self) -> Vec<B256> {
        self.state().done.clone()
    }

    /// That is written down.
    pub fn noted(&self, claims: &[B256]) {
        self.state().done.retain(|id| !claims.contains(id));
    }

    /// What is being proved.
    pub fn running(&self) -> Option<(B256, Vec<usize>)> {
        self.state().running.clone()
    }

    /// Proofs that wait, and seconds they are expected to take.
    pub fn backlog(&self) -> (usize, f64) {
        let state = self.state();
        let seconds = state.wanted.values().map(|w| state.seconds(&w.task)).sum();
        (state.wanted.len(), seconds)
    }

    /// Seconds that a task is expected to take at most.
    pub fn seconds(&self, task: &Task) -> u64 {
        self.state().seconds(task) as u64
    }

    /// Whether an aggregate for a claim failed: its layers are still to be had.
    pub fn without_aggregate(&self, claim: B256) -> bool {
        self.state().without_aggregate.contains(&claim)
    }

    /// Why the last attempt for a claim failed.
    pub fn failure(&self, claim: B256) -> Option<String> {
        self.state().failures.get(&claim).map(|f| f.reason.clone())
    }

    /// Starts what is most urgent, if nothing runs and the time has come; `now` is the chain's time.
    pub fn schedule(&self, now: u64) {
        if self.command.is_empty() {
            return;
        }
        let mut state = self.state();
        if state.running.is_some() {
            return;
        }
        let mut order: Vec<(B256, u64)> =
            state.wanted.iter().map(|(id, w)| (*id, w.by())).collect();
        order.sort_by_key(|(id, by)| (*by, *id));
        let mut ahead = 0.0;
        let mut chosen = None;
        for (id, by) in order {
            let Some(wanted) = state.wanted.get(&id) else {
                continue;
            };
            ahead += state.seconds(&wanted.task);
            let left = by.saturating_sub(now) as f64 - self.margin as f64;
            let prove = matches!(wanted.task, Task::Prove(_));
            if prove && left < ahead && !state.told.contains(&id) {
                warn!(
                    code = "NZK410", claim = %id, seconds = ahead, left,
                    "the proofs may not be made in time"
                );
                state.told.insert(id);
            }
            let paused = state
                .failures
                .get(&id)
                .is_some_and(|f| f.again > Instant::now());
            // Twice what is expected: machines are shared.
            let due = self.start == Start::Early || !prove || left < 2.0 * ahead;
            if chosen.is_none() && due && !paused {
                chosen = Some(id);
            }
        }
        let Some(claim) = chosen else { return };
        let Some(wanted) = state.wanted.get(&claim) else {
            return;
        };
        let (directory, task) = (wanted.directory.clone(), wanted.task.clone());
        let (arguments, layers) = match &task {
            Task::Prove(need) if need.aggregate => {
                (vec!["aggregate".to_owned()], need.layers.clone())
            }
            Task::Prove(need) => {
                let some = (SLICE / state.per_layer.max(0.1)).ceil().max(1.0) as usize;
                let layers: Vec<usize> = need.layers.iter().copied().take(some).collect();
                let text = list(&layers, ",");
                (vec!["prove".into(), "--layers".into(), text], layers)
            }
            Task::Reexecute { model, .. } => (
                vec![
                    "reexecute".into(),
                    "--model".into(),
                    model.to_string_lossy().into_owned(),
                ],
                Vec::new(),
            ),
        };
        state.running = Some((claim, layers.clone()));
        // What hangs keeps all others from being proved.
        let limit = HUNG.max(Duration::from_secs_f64(
            10.0 * state.expected(&task, layers.len()),
        ));
        drop(state);
        let runner = self.clone();
        tokio::spawn(async move {
            runner
                .run(claim, directory, task, arguments, layers, limit)
                .await;
        });
    }

    async fn run(
        self,
        claim: B256,
        directory: PathBuf,
        task: Task,
        arguments: Vec<String>,
        layers: Vec<usize>,
        limit: Duration,
    ) {
        let begun = Instant::now();
        info!(code = "NZK411", claim = %claim, "{} begins", arguments.join(" "));
        let outcome = tokio::time::timeout(limit, self.execute(&directory, &arguments)).await;
        let hung = outcome.is_err();
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Error::Prover(format!(
                "{} was ended after {} s",
                arguments.join(" "),
                limit.as_secs()
            )))
        });
        let seconds = begun.elapsed().as_secs_f64();
        let mut state = self.state();
        state.running = None;
        state.done.push(claim);
        match outcome {
            Ok(output) => {
                info!(code = "NZK412", claim = %claim, seconds, "{} is done", arguments.join(" "));
                state.failures.remove(&claim);
                state.wanted.remove(&claim);
                match task {
                    Task::Prove(need) if need.aggregate => {
                        state.per_aggregate = mean(state.per_aggregate, seconds);
                    }
                    Task::Prove(_) => {
                        let each = seconds / layers.len().max(1) as f64;
                        state.per_layer = mean(state.per_layer, each);
                    }
                    Task::Reexecute { secret, .. } => match reexecution(&output) {
                        Ok(found) => {
                            state.per_reexecution = mean(state.per_reexecution, seconds);
                            state.results.insert(claim, Reexecution { secret, ..found });
                        }
                        Err(e) => state.failed(claim, e.to_string()),
                    },
                }
            }
            Err(e) => {
                match &task {
                    Task::Prove(need) if need.aggregate => {
                        state.without_aggregate.insert(claim);
                    }
                    // It may only be slow: what layers it finished is there.
                    Task::Prove(_) if hung => state.per_layer *= 2.0,
                    Task::Reexecute { .. } if hung => state.per_reexecution *= 2.0,
                    _ => {}
                }
                state.failed(claim, e.to_string());
            }
        }
        drop(state);
        self.ended.notify_one();
    }

    async fn execute(&self, directory: &Path, arguments: &[String]) -> Result<String, Error> {
        let (program, first) = self
            .command
            .split_first()
            .ok_or_else(|| Error::Prover("there is no prover.command".into()))?;
        let mut command = Command::new(program);
        command
            .args(first)
            .arg("--json")
            .arg(&arguments[0])
            .arg(directory)
            .args(&arguments[1..])
            .stdin(Stdio::null());
        for variable in &self.hidden {
            command.env_remove(variable);
        }
        command
            // A proof is whole or absent: the next start goes on.
            .kill_on_drop(true);
        let output = command
            .output()
            .await
            .map_err(|e| Error::Prover(format!("cannot run {program:?} (prover.command): {e}")))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let last = text.lines().rev().find(|l| !l.trim().is_empty());
            return Err(Error::Prover(format!(
                "{program} {} ended with {}: {}",
                arguments.join(" "),
                output.status,
                last.unwrap_or("it said nothing")
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl State {
    /// Seconds that a task is expected to take at most: an aggregate that fails leaves its layers to be proved.
    fn seconds(&self, task: &Task) -> f64 {
        let layers = match task {
            Task::Prove(need) => need.layers.len(),
            Task::Reexecute { .. } => 0,
        };
        let fallback = match task {
            Task::Prove(need) if need.aggregate => self.per_layer * layers as f64,
            _ => 0.0,
        };
        self.expected(task, layers) + fallback
    }

    /// Seconds that so many of its layers, or else all of it, are expected to take.
    fn expected(&self, task: &Task, layers: usize) -> f64 {
        match task {
            Task::Prove(need) if need.aggregate => self.per_aggregate,
            Task::Prove(_) => self.per_layer * layers as f64,
            Task::Reexecute { .. } => self.per_reexecution,
        }
    }

    fn failed(&mut self, claim: B256, reason: String) {
        warn!(code = "NZK402", claim = %claim, reason, "the prover failed");
        let times = self.failures.get(&claim).map_or(0, |f| f.times) + 1;
        let pause = Duration::from_secs((5u64 << times.min(7)).min(600));
        self.failures.insert(
            claim,
            Failure {
                times,
                again: Instant::now() + pause,
                reason,
            },
        );
    }
}

/// Recent measurements count more.
fn mean(before: f64, now: f64) -> f64 {
    0.5 * before + 0.5 * now
}

fn reexecution(output: &str) -> Result<Reexecution, Error> {
    let line = output
        .lines()
        .rev()
        .find(|l| l.contains("boundaries"))
        .ok_or_else(|| Error::Prover("the re-execution printed no commitments".into()))?;
    serde_json::from_str(line).map_err(|e| Error::Prover(format!("the re-execution: {e}")))
}
