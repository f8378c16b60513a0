//! `nanozk dispute watch`: runs some of one's own answers again, and disputes those that are not the model's.

use super::{enforced, receipt_of, Found};
use crate::args::WatchArgs;
use crate::commands::chain::epoch::{json_files, line_of};
use crate::commands::chain::{when, Chain};
use crate::commands::reject;
use crate::model_dir::ModelDir;
use crate::output::{Out, Progress};
use anyhow::{bail, ensure, Context, Result};
use nanozk_chain::bindings::disputes::AnswerReceipt;
use nanozk_chain::bindings::registry;
use nanozk_chain::epoch::answers::EpochReceipt;
use nanozk_chain::epoch::dispute::{demand, Turn};
use nanozk_chain::epoch::{Books, Committed};
use nanozk_chain::primitives::B256;
use nanozk_executor::executor::Executor;
use nanozk_executor::QuantizedModel;
use nanozk_serve::epochs::check_provable;
use nanozk_verifier::CheckedManifest;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks at the chain and the receipts.
const POLL: Duration = Duration::from_secs(5);

/// What a receipt was found to be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// Not chosen.
    Skipped,
    /// What the model generates.
    True,
    /// Something else, or what cannot be proved.
    False,
}

/// A line of the file of verdicts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Its EIP-712 digest.
    receipt: B256,
    verdict: Verdict,
}

/// An answer that has a receipt.
struct Given {
    path: PathBuf,
    file: EpochReceipt,
    typed: AnswerReceipt,
    digest: B256,
}

/// What can be done about a false answer.
enum Step {
    Sent,
    Waits(String),
    Over(String),
}

struct Watcher<'a> {
    args: &'a WatchArgs,
    out: &'a Out,
    chain: &'a Chain<'a>,
    books: Books,
    dir: ModelDir,
    manifest: CheckedManifest,
    model: Option<QuantizedModel>,
    /// Versions that are of the model.
    versions: BTreeSet<B256>,
    verdicts: BTreeMap<B256, Verdict>,
    path: PathBuf,
    /// What was said last of each file: once is enough.
    said: BTreeMap<PathBuf, String>,
}

pub(super) fn watch(args: &WatchArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let dir = ModelDir::new(&args.model)?;
    let path = match &args.verdicts {
        Some(path) => path.clone(),
        None => {
            let first = &args.receipts[0];
            let directory = if first.is_dir() {
                first
            } else {
                first.parent().unwrap_or(Path::new("."))
            };
            directory.join("verdicts.jsonl")
        }
    };
    let mut watcher = Watcher {
        args,
        out,
        chain: &chain,
        books: Books::of(&chain.deployment)?,
        manifest: dir.manifest()?,
        dir,
        model: None,
        versions: BTreeSet::new(),
        verdicts: read_verdicts(&path)?,
        path,
        said: BTreeMap::new(),
    };
    loop {
        match watcher.round() {
            Ok(false_ones) if !args.wait || chain.dry_run => {
                if false_ones == 0 {
                    return Ok(());
                }
                return Err(reject(format!(
                    "{} not what the model generates",
                    match false_ones {
                        1 => "one answer is".into(),
                        n => format!("{n} answers are"),
                    }
                )));
            }
            Ok(_) => {}
            Err(e) if !args.wait => return Err(e),
            Err(e) => watcher.say(Path::new(""), format!("to be tried again: {e:#}")),
        }
        std::thread::sleep(POLL);
    }
}

fn read_verdicts(path: &Path) -> Result<BTreeMap<B256, Verdict>> {
    let named = || path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(e).with_context(named),
    };
    let lines = text.lines().map(|line| {
        let found: Entry = serde_json::from_str(line)?;
        Ok((found.receipt, found.verdict))
    });
    let all: Result<BTreeMap<_, _>, serde_json::Error> = lines.collect();
    all.with_context(|| format!("{} has a line that is no verdict: remove it", named()))
}

impl Watcher<'_> {
    fn say(&mut self, path: &Path, what: String) {
        if self.said.get(path) == Some(&what) {
            return;
        }
        let shown = path.display();
        match path.as_os_str().is_empty() {
            true => self.out.text(&what),
            false => self.out.text(format!("{shown}: {what}")),
        }
        self.out
            .json(&json!({"event": "watching", "receipt": path, "what": what}));
        self.said.insert(path.into(), what);
    }

    /// Judges what was not judged yet, and does what is due about false answers; says how many there are.
    fn round(&mut self) -> Result<usize> {
        let mut false_ones = Vec::new();
        for path in self.files()? {
            let Some(given) = self.given(path)? else {
                continue;
            };
            let verdict = match self.verdicts.get(&given.digest) {
                Some(verdict) => *verdict,
                None => self.judge(&given)?,
            };
            if verdict == Verdict::False {
                false_ones.push(given);
            }
        }
        false_ones.sort_by_key(|given| (given.file.epoch, given.file.index));
        // One is enough for a line: it is slashed as a whole, and each challenge is dearer than the last.
        let (mut busy, mut failed) = (BTreeSet::new(), None);
        for given in &false_ones {
            let line = (given.file.line.provider, given.file.line.version);
            if busy.contains(&line) {
                self.say(&given.path, "another of the line is disputed first".into());
                continue;
            }
            let what = loop {
                match self.dispute(given) {
                    Ok(Step::Sent) if self.chain.dry_run => break "to be sent".into(),
                    Ok(Step::Sent) => continue,
                    Ok(Step::Waits(what)) => {
                        busy.insert(line);
                        break what;
                    }
                    Ok(Step::Over(what)) => break what,
                    // That must not keep other lines' from being disputed in time.
                    Err(e) => {
                        let what = format!("to be tried again: {e:#}");
                        failed.get_or_insert(e.context(given.path.display().to_string()));
                        break what;
                    }
                }
            };
            self.say(&given.path, what);
        }
        match failed {
            None => Ok(false_ones.len()),
            Some(e) => Err(e),
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in &self.args.receipts {
            match path.is_dir() {
                true => files.extend(json_files(path)?),
                false => files.push(path.clone()),
            }
        }
        Ok(files)
    }

    /// A receipt of the model; none if the file is something else.
    fn given(&mut self, path: PathBuf) -> Result<Option<Given>> {
        let (file, typed) = match receipt_of(&self.books, &path) {
            Ok(receipt) => receipt,
            // In a directory there may be other files.
            Err(e) if !self.args.receipts.contains(&path) => {
                self.say(&path, format!("not looked at: {e:#}"));
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        let account = self.chain.client.account()?;
        ensure!(
            typed.requester == account,
            "{}: only its requester may demand it: the receipt names {}, the key is of {account}",
            path.display(),
            typed.requester
        );
        if !self.versions.contains(&typed.version) {
            let call = registry::modelIdCall {
                version: typed.version,
            };
            let registry = self.chain.address("ModelRegistry")?;
            let model = self.chain.client.read(registry, &call)?;
            ensure!(
                model.0 == self.manifest.id().0,
                "{}: the version {} is of the model {model}, {} is {}",
                path.display(),
                typed.version,
                self.args.model.display(),
                self.manifest.id()
            );
            self.versions.insert(typed.version);
        }
        let digest = self.books.receipt(&typed);
        Ok(Some(Given {
            path,
            file,
            typed,
            digest,
        }))
    }

    /// Runs an answer again, if it is chosen, and notes what was found.
    fn judge(&mut self, given: &Given) -> Result<Verdict> {
        // Nobody else can know which are chosen.
        let is_chosen = (OsRng.next_u32() as f64) < self.args.share.0 * 2f64.powi(32);
        let (verdict, why) = match is_chosen {
            false => (Verdict::Skipped, None),
            true => match self.difference(given)? {
                None => (Verdict::True, None),
                Some(why) => (Verdict::False, Some(why)),
            },
        };
        // Whole lines only, before anything is done about it.
        let line = serde_json::to_string(&Entry {
            receipt: given.digest,
            verdict,
        })?;
        let named = || self.path.display().to_string();
        let file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(&self.path);
        let mut file = file.with_context(named)?;
        file.write_all(format!("{line}\n").as_bytes())
            .and_then(|()| file.sync_data())
            .with_context(named)?;
        self.verdicts.insert(given.digest, verdict);
        self.out.json(&json!({
            "event": "verdict", "receipt": given.path, "digest": given.digest, "verdict": verdict, "why": why,
        }));
        let shown = given.path.display();
        match (verdict, why) {
            (Verdict::Skipped, _) => {}
            (_, None) => self.out.text(format!("{shown}: what the model generates")),
            (_, Some(why)) => self.out.text(format!("{shown}: FALSE: {why}")),
        }
        Ok(verdict)
    }

    /// What is wrong with an answer.
    fn difference(&mut self, given: &Given) -> Result<Option<String>> {
        let opening = &given.file.opening;
        let positions = self.manifest.manifest().tokens;
        if opening.positions as usize != positions {
            return Ok(Some(format!(
                "it is of {} positions, the model has {positions}",
                opening.positions
            )));
        }
        let model = match &self.model {
            Some(model) => model,
            None => &*self.model.insert(self.dir.model(&self.manifest)?),
        };
        let progress = Progress::bar("running an answer again", opening.generated.len());
        let executor = Executor::new(model)?;
        let own = executor.generate_until(&opening.prompt, opening.generated.len(), |_| {
            progress.step();
            ControlFlow::Continue(())
        });
        let own = match own {
            Ok(own) => own,
            Err(e) => return Ok(Some(format!("the model does not answer its prompt: {e}"))),
        };
        let mut pairs = own.iter().zip(&opening.generated);
        if let Some(place) = pairs.position(|(own, said)| own != said) {
            return Ok(Some(format!(
                "token {place} of the answer is {}, the model generates {}",
                opening.generated[place], own[place]
            )));
        }
        let tokens = [&opening.prompt[..], &opening.generated].concat();
        let provable = check_provable(&executor, &tokens, opening.positions);
        Ok(provable.err().map(|e| format!("it has no proof: {e}")))
    }

    /// The next step against a false answer.
    fn dispute(&mut self, given: &Given) -> Result<Step> {
        let (chain, file) = (self.chain, &given.file);
        let found = Committed::find(&chain.client, &self.books, &file.line, file.epoch)?;
        let Some(epoch) = found else {
            return Ok(Step::Waits(format!(
                "its provider did not commit to epoch {} yet: pay nothing",
                file.epoch
            )));
        };
        let found = Found {
            books: self.books,
            line: file.line,
            epoch,
            answer: Some(file.index),
        };
        let status = found.status(chain)?;
        let number = file.epoch;
        if !status.is_live() {
            return Ok(Step::Over(format!(
                "epoch {number} is {}: pay nothing for it",
                status.name()
            )));
        }
        let now = chain.client.head()?.timestamp;
        let is_over = line_of(chain, &self.books, &file.line)?.over;
        let waits = |what: &str, until: u64| -> Result<Step> {
            Ok(Step::Waits(format!("{what}, until {}", when(until, now))))
        };
        let enforce = || -> Result<Step> {
            match enforced(chain, &found)? {
                (0, _) => bail!("nobody is late, which cannot be"),
                _ => Ok(Step::Sent),
            }
        };
        let is_there = file.index < found.epoch.terms.count;
        let own = match is_there {
            true => found.own_challenge(chain, file.index)?,
            false => None,
        };
        if let Some(own) = own {
            let is_late = now > own.until;
            return match own.turn {
                Turn::Fixed if !is_late => {
                    let layers: Vec<usize> = (0..found.layers(chain)?).collect();
                    found.ask(chain, file.index, &layers)?;
                    Ok(Step::Sent)
                }
                Turn::Open | Turn::Asked if !is_late => waits("challenged", own.until),
                Turn::Open | Turn::Asked if !is_over || own.is_bonded => enforce(),
                Turn::Open | Turn::Asked => Ok(Step::Over("the line was slashed".into())),
                Turn::Answered => Ok(Step::Over(
                    "the provider proved it: this model is not the one of the version, or this command is wrong".into(),
                )),
                Turn::Fixed | Turn::Dropped => Ok(Step::Over(
                    "layers were not asked for in time: the bond is lost".into(),
                )),
            };
        }
        if is_over {
            return Ok(Step::Over("the line was slashed".into()));
        }
        let by = found.epoch.challenge_by(&chain.client, &self.books)?;
        match found.demand_of(chain, &given.typed)? {
            Some(known) if known.turn == Turn::Answered => {
                if now > by {
                    return Ok(Step::Over("it is too late to challenge it".into()));
                }
                found.challenge(chain, file.index, self.args.max_bond.as_ref())?;
                Ok(Step::Sent)
            }
            Some(known) if now <= known.until => waits("demanded", known.until),
            Some(_) => enforce(),
            None if now > by => Ok(Step::Over("it is too late to demand it".into())),
            None => {
                let signature = file.signature.clone();
                let call = demand(&self.books, &found.epoch, given.typed.clone(), signature);
                chain.send(&call)?;
                Ok(Step::Sent)
            }
        }
    }
}
