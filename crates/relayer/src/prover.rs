//! Runs the prover as a process of its own: the relayer links none, and a proof that takes all memory takes down a child.
//!
//! One runs at a time, for it uses all processors. The earliest deadline goes first; with `start = "late"` a proof is
//! begun only when the time that it, and all that are due before it, are expected to take says so.

mod processor;

use crate::config::{Config, Start};
use crate::decide::{list, Need};
use crate::error::Error;
use crate::signer::KeySource;
use crate::text::span;
use alloy::primitives::B256;
use nanozk_chain::format::duration;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::Notify;
use tracing::{info, warn};

/// The part of its time that what runs has to use a processor for: what uses less hangs.
const ACTIVE: f64 = 0.01;
/// How long the command may take to say its version.
const VERSION: Duration = Duration::from_secs(120);
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
    /// How long it may do nothing.
    timeout: Duration,
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
            timeout: Duration::from_secs(p.timeout),
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
                let (takes, left) = (duration(ahead as u64), duration(left.max(0.0) as u64));
                warn!(
                    code = "NZK410", claim = %id,
                    "the proofs may not be made in time: they are expected to take {takes}, {left} are left"
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
        let limit = self.timeout.max(Duration::from_secs_f64(
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
        let ended = self.execute(claim, &directory, &arguments, limit).await;
        let slow = matches!(ended, Ok(Ended::Slow));
        let what = arguments.join(" ");
        let outcome = match ended {
            Ok(Ended::Done(output)) => Ok(output),
            Ok(Ended::Idle) => Err(Error::Prover(format!(
                "{what} did nothing for {} and was ended: it is started again",
                span(self.timeout)
            ))),
            Ok(Ended::Slow) => Err(Error::Prover(format!(
                "{what} was ended after {}, ten times as long as expected, for other claims wait: it is started again \
                 and keeps the proofs that it finished",
                span(limit)
            ))),
            Err(e) => Err(e),
        };
        let seconds = begun.elapsed().as_secs_f64();
        let mut state = self.state();
        state.running = None;
        state.done.push(claim);
        match outcome {
            Ok(output) => {
                info!(code = "NZK412", claim = %claim, seconds, "{what} is done");
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
                    // What layers it finished is there.
                    Task::Prove(_) if slow => state.per_layer *= 2.0,
                    Task::Reexecute { .. } if slow => state.per_reexecution *= 2.0,
                    _ => {}
                }
                state.failed(claim, e.to_string());
            }
        }
        drop(state);
        self.ended.notify_one();
    }

    /// The command, with arguments, as far as it is the same for all that is run.
    fn command(&self) -> Result<(String, Command), Error> {
        let (program, first) = self
            .command
            .split_first()
            .ok_or_else(|| Error::Prover("prover.command is empty".into()))?;
        let mut command = Command::new(program);
        command.args(first).stdin(Stdio::null());
        for variable in &self.hidden {
            command.env_remove(variable);
        }
        // A proof is whole or absent: the next start goes on.
        command.kill_on_drop(true);
        Ok((program.clone(), command))
    }

    /// What the command says its version is.
    pub async fn version(&self) -> Result<String, Error> {
        let (program, mut command) = self.command()?;
        let output = tokio::time::timeout(VERSION, command.arg("--version").output()).await;
        let silent = |_| {
            let waited = span(VERSION);
            Error::Prover(format!(
                "{program} --version (prover.command) said nothing within {waited}"
            ))
        };
        let output = output
            .map_err(silent)?
            .map_err(|e| cannot_run(&program, &e))?;
        if !output.status.success() {
            return Err(Error::Prover(format!(
                "{program} --version (prover.command) ended with {}: {}",
                output.status,
                last_line(&output.stderr)
            )));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Runs the command until it ends, or does nothing, or takes beyond a limit while others wait.
    async fn execute(
        &self,
        claim: B256,
        directory: &Path,
        arguments: &[String],
        limit: Duration,
    ) -> Result<Ended, Error> {
        let (program, mut command) = self.command()?;
        let child = command
            .arg("--json")
            .arg(&arguments[0])
            .arg(directory)
            .args(&arguments[1..])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| cannot_run(&program, &e))?;
        let id = child.id().unwrap_or_default();
        let begun = Instant::now();
        let mut output = std::pin::pin!(child.wait_with_output());
        // How much processor time it had used, and when.
        let mut mark = (processor::time_of(id), Instant::now());
        let tick = (self.timeout / 20).clamp(Duration::from_millis(50), Duration::from_secs(10));
        let output = loop {
            match tokio::time::timeout(tick, &mut output).await {
                Ok(output) => break output.map_err(|e| cannot_run(&program, &e))?,
                Err(_) if begun.elapsed() >= limit && self.others_wait(claim) => {
                    return Ok(Ended::Slow);
                }
                Err(_) => {}
            }
            let used = processor::time_of(id);
            let enough = match (used, mark.0) {
                (Some(now), Some(before)) => {
                    now.saturating_sub(before) >= self.timeout.mul_f64(ACTIVE)
                }
                // Nobody knows on this system.
                _ => begun.elapsed() < limit,
            };
            if enough {
                mark = (used, Instant::now());
            } else if mark.1.elapsed() >= self.timeout {
                return Ok(Ended::Idle);
            }
        };
        if !output.status.success() {
            return Err(Error::Prover(format!(
                "{program} {} ended with {}: {}",
                arguments.join(" "),
                output.status,
                last_line(&output.stderr)
            )));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Ended::Done(text))
    }

    /// Whether another claim wants the prover.
    fn others_wait(&self, claim: B256) -> bool {
        self.state().wanted.keys().any(|id| *id != claim)
    }
}

/// How the command ended.
enum Ended {
    /// By itself, with this output.
    Done(String),
    /// It did nothing.
    Idle,
    /// It took longer than others can wait.
    Slow,
}

fn cannot_run(program: &str, e: &std::io::Error) -> Error {
    Error::Prover(format!("cannot run {program:?} (prover.command): {e}"))
}

fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let last = text.lines().rev().find(|l| !l.trim().is_empty());
    last.unwrap_or("it said nothing").to_owned()
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
        .ok_or_else(|| Error::Prover("reexecute printed no commitments".into()))?;
    serde_json::from_str(line).map_err(|e| {
        Error::Prover(format!(
            "reexecute printed something else than its result: {e}"
        ))
    })
}
