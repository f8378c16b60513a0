//! Runs the prover as a process of its own: the relayer links none, and a proof that takes all memory takes down a child.
//!
//! One runs at a time, for it uses all processors. The earliest deadline goes first; with `start = "late"` a proof is
//! begun only when the time that it, and all that are due before it, are expected to take says so. One final proof is about
//! all claims that want one at that time, as far as none is late because of another. What runs is stopped for something
//! that would be late otherwise, if there is time to begin it anew: what it finished is kept.

mod processor;
mod schedule;

use crate::config::{Config, Start};
use crate::decide::{Need, list};
use crate::error::Error;
use crate::signer::KeySource;
use crate::text::span;
use alloy::primitives::{B256, hex, keccak256};
use nanozk_chain::format::duration;
use nanozk_verifier::hex::Point;
use serde::Deserialize;
use serde_json::Value;
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
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the output.
    pub generated_tokens: u32,
    /// Commitments to the activations between layers.
    pub activations: Vec<Point>,
    /// The first position whose token the model would not have generated.
    pub wrong_token: Option<usize>,
}

/// What is to be run for a claim.
#[derive(Clone, Debug)]
pub enum Task {
    /// Make a final proof.
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

impl Task {
    fn by(&self) -> u64 {
        match self {
            Task::Prove(need) => need.by,
            Task::Reexecute { by, .. } => *by,
        }
    }

    fn layers(&self) -> &[usize] {
        match self {
            Task::Prove(need) => &need.layers,
            Task::Reexecute { .. } => &[],
        }
    }
}

#[derive(Clone, Debug)]
struct Wanted {
    directory: PathBuf,
    task: Task,
}

/// A final proof that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its file.
    pub path: PathBuf,
    /// Claims that it is about, in the order of the file.
    pub claims: Vec<B256>,
}

#[derive(Debug)]
struct Failure {
    times: u32,
    again: Instant,
    reason: String,
}

/// What runs.
#[derive(Debug)]
struct Running {
    /// Claims that it is for.
    claims: Vec<B256>,
    /// Their tasks.
    tasks: Vec<Task>,
    begun: Instant,
    /// Seconds that it is expected to take.
    seconds: f64,
    /// Something else is more urgent.
    yields: bool,
}

#[derive(Debug, Default)]
struct State {
    wanted: HashMap<B256, Wanted>,
    running: Option<Running>,
    failures: HashMap<B256, Failure>,
    results: HashMap<B256, Reexecution>,
    made: Vec<Made>,
    done: Vec<B256>,
    per_layer: f64,
    per_proof: f64,
    per_reexecution: f64,
    told: HashSet<B256>,
    /// Claims of which a proof together with others failed.
    alone: HashSet<B256>,
}

/// Runs proofs.
#[derive(Clone, Debug)]
pub struct Runner {
    command: Vec<String>,
    /// Variables that the command does not see: they hold keys.
    hidden: Vec<String>,
    /// Where final proofs are put.
    folder: PathBuf,
    start: Start,
    margin: u64,
    /// Most claims of a proof.
    batch: usize,
    /// How long it may do nothing.
    timeout: Duration,
    state: Arc<Mutex<State>>,
    /// Something ended.
    pub ended: Arc<Notify>,
}

/// What is to be run next.
struct Next {
    claims: Vec<B256>,
    tasks: Vec<Task>,
    arguments: Vec<String>,
    /// The final proof that it makes.
    output: Option<PathBuf>,
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
            folder: config.proofs(),
            start: p.start,
            margin: p.margin,
            batch: p.batch,
            timeout: Duration::from_secs(p.timeout),
            state: Arc::new(Mutex::new(State {
                per_layer: p.seconds_per_layer as f64,
                per_proof: p.seconds_per_proof as f64,
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

    /// Seconds that it takes, at most, until a final proof of so many layers can be sent; none if proofs come from elsewhere.
    pub fn time_to_prove(&self, layers: usize) -> Option<u64> {
        let state = self.state();
        let seconds = state.per_proof + state.per_layer * layers as f64;
        self.exists().then(|| seconds.ceil() as u64 + self.margin)
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
                state.alone.remove(&claim);
            }
        }
    }

    /// What a re-execution found, once.
    pub fn take_result(&self, claim: B256) -> Option<Reexecution> {
        self.state().results.remove(&claim)
    }

    /// Final proofs that were made and are not written down yet.
    pub fn made(&self) -> Vec<Made> {
        self.state().made.clone()
    }

    /// One is written down, or is none.
    pub fn keep(&self, made: &Made) {
        self.state().made.retain(|m| m != made);
    }

    /// Claims whose proofs, or their absence, are to be looked at.
    pub fn done(&self) -> Vec<B256> {
        self.state().done.clone()
    }

    /// That is written down.
    pub fn noted(&self, claims: &[B256]) {
        self.state().done.retain(|id| !claims.contains(id));
    }

    /// Layers of a claim that are being proved.
    pub fn proving(&self, claim: B256) -> Vec<usize> {
        let state = self.state();
        let running = state.running.as_ref();
        let of = running.and_then(|r| {
            let at = r.claims.iter().position(|id| *id == claim)?;
            r.tasks.get(at)
        });
        of.map(|task| task.layers().to_vec()).unwrap_or_default()
    }

    /// Why the last attempt for a claim failed.
    pub fn failure(&self, claim: B256) -> Option<String> {
        self.state().failures.get(&claim).map(|f| f.reason.clone())
    }

    async fn run(self, next: Next, limit: Duration) {
        let begun = Instant::now();
        let what = next.arguments.join(" ");
        let lead = next.claims.first().copied().unwrap_or_default();
        let others = next.claims.len().saturating_sub(1);
        info!(code = "NZK411", claim = %lead, others, "{what} begins");
        let ended = self.execute(&next, limit).await;
        let Next {
            claims,
            tasks,
            output,
            ..
        } = next;
        let slow = matches!(ended, Ok(Ended::Slow));
        let outcome = match ended {
            Ok(Ended::Done(output)) => Ok(output),
            Ok(Ended::Yielded) => {
                info!(code = "NZK413", claim = %lead, others, "{what} was stopped for what is more urgent");
                let mut state = self.state();
                state.running = None;
                state.done.extend(claims);
                drop(state);
                self.ended.notify_one();
                return;
            }
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
        match outcome {
            Ok(said) => {
                info!(code = "NZK412", claim = %lead, others, seconds, "{what} is done");
                match (output, tasks.first()) {
                    (Some(path), _) => {
                        state.measure(&said, claims.len());
                        state.finished(&path, &claims);
                    }
                    (None, Some(Task::Reexecute { secret, .. })) => match reexecution(&said) {
                        Ok(found) => {
                            state.per_reexecution = mean(state.per_reexecution, seconds);
                            let secret = *secret;
                            state.results.insert(lead, Reexecution { secret, ..found });
                            state.finish(&claims);
                        }
                        Err(e) => state.failed(&claims, e.to_string()),
                    },
                    (None, _) => state.finish(&claims),
                }
            }
            Err(e) => {
                match tasks.first() {
                    // What joint proofs it finished are there.
                    Some(Task::Prove(_)) if slow => {
                        state.per_layer *= 2.0;
                        state.per_proof *= 2.0;
                    }
                    Some(Task::Reexecute { .. }) if slow => state.per_reexecution *= 2.0,
                    _ => {}
                }
                state.failed(&claims, e.to_string());
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
    async fn execute(&self, next: &Next, limit: Duration) -> Result<Ended, Error> {
        let (program, mut command) = self.command()?;
        let child = command
            .arg("--json")
            .args(&next.arguments)
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
                Err(_) if begun.elapsed() >= limit && self.others_wait(&next.claims) => {
                    return Ok(Ended::Slow);
                }
                Err(_) if self.yields() => return Ok(Ended::Yielded),
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
        // A re-execution that found a wrong token says so by its exit code, too.
        let is_judged = matches!(next.tasks[..], [Task::Reexecute { .. }]);
        let is_verdict = is_judged && output.status.code() == Some(1);
        if !output.status.success() && !is_verdict {
            return Err(Error::Prover(format!(
                "{program} {} ended with {}: {}",
                next.arguments.join(" "),
                output.status,
                last_line(&output.stderr)
            )));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Ended::Done(text))
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
    /// Something else is more urgent.
    Yielded,
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
    /// Seconds that a task is expected to take at most, by itself.
    fn seconds(&self, task: &Task) -> f64 {
        match task {
            Task::Prove(need) => self.per_proof + self.per_layer * need.layers.len() as f64,
            Task::Reexecute { .. } => self.per_reexecution,
        }
    }

    fn is_paused(&self, claim: B256) -> bool {
        let failure = self.failures.get(&claim);
        failure.is_some_and(|f| f.again > Instant::now())
    }

    /// Learns from what a proof of so many claims said.
    fn measure(&mut self, said: &str, claims: usize) {
        let events = said.lines().filter_map(|l| serde_json::from_str(l).ok());
        let (mut seconds, mut layers) = (0.0, 0);
        for event in events {
            let event: Value = event;
            if let (Some(wall), Some(of)) = (event["wall_s"].as_f64(), event["layers"].as_array()) {
                seconds += wall;
                layers += of.len();
            }
            if let Some(wall) = event["final_wall_s"].as_f64() {
                self.per_proof = mean(self.per_proof, wall / claims.max(1) as f64);
            }
        }
        if layers != 0 {
            self.per_layer = mean(self.per_layer, seconds / layers as f64);
        }
    }

    /// A final proof is there.
    fn finished(&mut self, path: &Path, claims: &[B256]) {
        self.made.push(Made {
            path: path.to_owned(),
            claims: claims.to_vec(),
        });
        self.finish(claims);
    }

    fn finish(&mut self, claims: &[B256]) {
        for claim in claims {
            self.failures.remove(claim);
            self.wanted.remove(claim);
        }
        self.done.extend(claims);
    }

    fn failed(&mut self, claims: &[B256], reason: String) {
        self.done.extend(claims);
        let [claim] = claims else {
            // One of them is to blame: each is tried by itself, at once.
            warn!(
                code = "NZK402",
                claims = claims.len(),
                reason,
                "the prover failed: it is tried with each claim alone"
            );
            self.alone.extend(claims);
            return;
        };
        warn!(code = "NZK402", claim = %claim, reason, "the prover failed");
        let times = self.failures.get(claim).map_or(0, |f| f.times) + 1;
        let pause = Duration::from_secs((5u64 << times.min(7)).min(600));
        self.failures.insert(
            *claim,
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
        .find(|l| l.contains("\"activations\""))
        .ok_or_else(|| Error::Prover("reexecute printed no commitments".into()))?;
    serde_json::from_str(line).map_err(|e| {
        Error::Prover(format!(
            "reexecute printed something else than its result: {e}"
        ))
    })
}

#[cfg(test)]
mod tests;
