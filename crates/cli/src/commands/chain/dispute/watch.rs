//! `nanozk dispute watch`: runs some of one's own answers again, and disputes those that are not the model's.

use super::{Found, receipt_of};
use crate::args::WatchArgs;
use crate::commands::chain::epoch::{json_files, line_of};
use crate::commands::chain::{Chain, when};
use crate::commands::reject;
use crate::output::{Out, Progress};
use anyhow::{Context, Error, Result, anyhow};
use nanozk::model_dir::ModelDir;
use nanozk_chain::bindings::disputes::AnswerReceipt;
use nanozk_chain::bindings::registry;
use nanozk_chain::epoch::Books;
use nanozk_chain::epoch::answers::EpochReceipt;
use nanozk_chain::epoch::dispute::{Dispute, Subject, Turn, demand};
use nanozk_chain::primitives::{Address, B256};
use nanozk_executor::QuantizedModel;
use nanozk_executor::executor::Executor;
use nanozk_verifier::CheckedManifest;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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
    /// A challenge was lost.
    Lost(String),
    Over(String),
}

/// Providers with versions of which something is disputed, or a challenge was lost.
#[derive(Default)]
struct Lines {
    busy: BTreeSet<(Address, B256)>,
    lost: BTreeSet<(Address, B256)>,
}

/// What a look at all receipts came to.
struct Round {
    false_ones: usize,
    /// All are judged.
    is_judged: bool,
}

struct Watcher<'a> {
    args: &'a WatchArgs,
    out: &'a Out,
    chain: &'a Chain<'a>,
    books: Books,
    dir: ModelDir,
    manifest: CheckedManifest,
    model: Option<QuantizedModel>,
    /// Versions, and whether they are of the model.
    versions: BTreeMap<B256, bool>,
    verdicts: BTreeMap<B256, Verdict>,
    path: PathBuf,
    /// Digests of receipts in files, and when these were written: one that was judged is not read again.
    known: BTreeMap<PathBuf, (SystemTime, B256)>,
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
        versions: BTreeMap::new(),
        verdicts: read_verdicts(&path)?,
        path,
        known: BTreeMap::new(),
        said: BTreeMap::new(),
    };
    loop {
        match watcher.round() {
            // Disputes have deadlines: they are looked at between answers.
            Ok(Round {
                is_judged: false, ..
            }) => continue,
            Ok(Round { false_ones, .. }) if !args.wait || chain.dry_run => {
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
    // What an interruption cut off is judged again.
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text[..whole].lines().map(|line| {
        let entry: Entry = serde_json::from_str(line)?;
        Ok((entry.receipt, entry.verdict))
    });
    let all: Result<BTreeMap<_, _>, serde_json::Error> = lines.collect();
    let all =
        all.with_context(|| format!("{} has a line that is no verdict: remove it", named()))?;
    if whole < text.len() {
        std::fs::write(path, &text[..whole]).with_context(named)?;
    }
    Ok(all)
}

fn written_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
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

    /// Does what is due about false answers, and judges one that was not judged.
    fn round(&mut self) -> Result<Round> {
        let (mut false_ones, mut unjudged, mut failed) = (Vec::new(), None, None);
        for path in self.files()? {
            match self.known(&path).map(|digest| self.verdicts.get(&digest)) {
                Some(Some(Verdict::True | Verdict::Skipped)) => continue,
                Some(None) if unjudged.is_some() => continue,
                _ => {}
            }
            let Some(given) = self.given(path)? else {
                continue;
            };
            match self.verdicts.get(&given.digest) {
                Some(Verdict::False) => false_ones.push(given),
                Some(Verdict::True | Verdict::Skipped) => {}
                None => drop(unjudged.get_or_insert(given)),
            }
        }
        false_ones.sort_by_key(|given| (given.file.epoch, given.file.index));
        // What was begun first: it has deadlines of its own, whatever else was found.
        let mut lines = Lines::default();
        for is_new in [false, true] {
            for given in &false_ones {
                if let Err(e) = self.go_on(given, is_new, &mut lines) {
                    // That must not keep other lines' from being disputed in time.
                    self.say(&given.path, format!("to be tried again: {e:#}"));
                    failed.get_or_insert(e.context(given.path.display().to_string()));
                }
            }
        }
        let mut number = false_ones.len();
        let is_judged = unjudged.is_none();
        if let Some(given) = unjudged {
            number += usize::from(self.judge(&given)? == Verdict::False);
        }
        match failed {
            Some(e) if is_judged => Err(e),
            _ => Ok(Round {
                false_ones: number,
                is_judged,
            }),
        }
    }

    /// Goes on with what was begun about a false answer, or begins something, unless enough of its line is disputed.
    fn go_on(&mut self, given: &Given, is_new: bool, lines: &mut Lines) -> Result<()> {
        let line = (given.file.line.provider, given.file.line.version);
        let what = loop {
            let EpochReceipt {
                line: of,
                epoch: number,
                index,
                ..
            } = given.file;
            let found = Found::find(self.chain, self.books, of, number, Some(index))?;
            let begun = match &found {
                Some(found) => self.own(found, given)?,
                None => None,
            };
            if begun.is_some() == is_new {
                return Ok(());
            }
            let step = match (found, begun) {
                (Some(found), Some(own)) => self.answer(&found, given, &own)?,
                // One is enough for a line: it is slashed as a whole, and each challenge is dearer than the last.
                _ if lines.busy.contains(&line) => {
                    Step::Over("another of the line is disputed first".into())
                }
                _ if lines.lost.contains(&line) => Step::Over(
                    "another challenge of the version was lost: find out why first".into(),
                ),
                (None, _) => Step::Waits(format!(
                    "its provider did not commit to epoch {number} yet: pay nothing"
                )),
                (Some(found), None) => self.begin(&found, given)?,
            };
            match step {
                Step::Sent if self.chain.dry_run => break "to be sent".into(),
                // It may be one that was begun now.
                Step::Sent if is_new => return self.go_on(given, false, lines),
                Step::Sent => continue,
                Step::Waits(what) => {
                    lines.busy.insert(line);
                    break what;
                }
                Step::Lost(what) => {
                    lines.lost.insert(line);
                    break what;
                }
                Step::Over(what) => break what,
            }
        };
        self.say(&given.path, what);
        Ok(())
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

    /// The digest of a receipt in a file that did not change since it was read.
    fn known(&self, path: &Path) -> Option<B256> {
        let (written, digest) = self.known.get(path)?;
        (written_at(path)? == *written).then_some(*digest)
    }

    /// A receipt of the model; none if the file is something else.
    fn given(&mut self, path: PathBuf) -> Result<Option<Given>> {
        let written = written_at(&path);
        let (file, typed) = match receipt_of(&self.books, &path) {
            Ok(receipt) => receipt,
            // In a directory there may be other files, and one that is wrong must not keep others from being looked at.
            Err(e) => return self.skip(&path, e),
        };
        let account = self.chain.client.account()?;
        if typed.requester != account {
            let why = anyhow!(
                "only its requester may demand it: it names {}, the key is of {account}",
                typed.requester
            );
            return self.skip(&path, why);
        }
        if !self.versions.contains_key(&typed.version) {
            let call = registry::modelIdCall {
                version: typed.version,
            };
            let registry = self.chain.address("ModelRegistry")?;
            // A node that does not answer says nothing about the version: that is asked again.
            let model = match self.chain.client.read(registry, &call) {
                Ok(model) => model,
                Err(e) => return self.skip(&path, e.into()),
            };
            let is_own = model.0 == self.manifest.id().0;
            self.versions.insert(typed.version, is_own);
        }
        if !self.versions[&typed.version] {
            let (version, model) = (typed.version, self.args.model.display());
            let why = anyhow!("the version {version} is not that of the model {model}");
            return self.skip(&path, why);
        }
        let digest = self.books.receipt(&typed);
        if let Some(written) = written {
            self.known.insert(path.clone(), (written, digest));
        }
        Ok(Some(Given {
            path,
            file,
            typed,
            digest,
        }))
    }

    /// A file that nothing is done about. One that was named is an error, but where it would end what goes on.
    fn skip(&mut self, path: &Path, why: Error) -> Result<Option<Given>> {
        let is_named = self.args.receipts.iter().any(|given| given == path);
        if is_named && !self.args.wait {
            return Err(why.context(path.display().to_string()));
        }
        self.say(path, format!("not looked at: {why:#}"));
        Ok(None)
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
        let own = executor.generation(&opening.prompt, opening.generated.len(), |_| {
            progress.step();
            ControlFlow::Continue(())
        });
        let own = match own {
            Ok(own) => own,
            Err(e) => return Ok(Some(format!("the model does not answer its prompt: {e}"))),
        };
        let mut pairs = own.generated().iter().zip(&opening.generated).enumerate();
        if let Some((place, (own, said))) = pairs.find(|(_, (own, said))| own != said) {
            return Ok(Some(format!(
                "token {place} of the answer is {said}, the model generates {own}",
            )));
        }
        let provable = own.check(positions);
        Ok(provable.err().map(|e| format!("it has no proof: {e}")))
    }

    /// The account's challenge of an answer, or its demand, that was begun.
    fn own(&self, found: &Found, given: &Given) -> Result<Option<Dispute>> {
        if given.file.index < found.epoch.terms.count
            && let Some(own) = found.own_challenge(self.chain, given.file.index)?
        {
            return Ok(Some(own));
        }
        let demand = found.demand_of(self.chain, &given.typed)?;
        // One that was answered is followed by a challenge, which is to be begun.
        Ok(demand.filter(|demand| demand.turn != Turn::Answered))
    }

    /// The next step of what was begun.
    fn answer(&self, found: &Found, given: &Given, own: &Dispute) -> Result<Step> {
        let chain = self.chain;
        let now = chain.client.head()?.timestamp;
        let is_live = found.status(chain)?.is_live();
        let is_late = now > own.until;
        if own.turn == Turn::Fixed && !is_late && is_live {
            let layers: Vec<usize> = (0..found.layers(chain)?).collect();
            found.ask(chain, given.file.index, &layers)?;
            return Ok(Step::Sent);
        }
        if found.end(chain, own)? > 0 {
            return Ok(Step::Sent);
        }
        let number = given.file.epoch;
        Ok(match own.turn {
            Turn::Answered => Step::Lost(
                "the provider proved it: this model is not the one of the version, or this command is wrong".into(),
            ),
            Turn::Fixed | Turn::Dropped => {
                Step::Over("layers were not asked for in time: the bond is lost".into())
            }
            _ if line_of(chain, &self.books, &found.line)?.over && !own.is_bonded => {
                Step::Over("the line was slashed".into())
            }
            _ if !is_live => Step::Over(format!("epoch {number} is over: pay nothing for it")),
            _ => {
                let what = match own.subject {
                    Subject::Receipt(_) => "demanded",
                    Subject::Answer(_) => "challenged",
                };
                Step::Waits(format!("{what}, until {}", when(own.until, now)))
            }
        })
    }

    /// Begins to dispute: demands the receipt, or challenges the answer once it was shown.
    fn begin(&self, found: &Found, given: &Given) -> Result<Step> {
        let (chain, file) = (self.chain, &given.file);
        let status = found.status(chain)?;
        if !status.is_live() {
            let (number, status) = (file.epoch, status.name());
            return Ok(Step::Over(format!(
                "epoch {number} is {status}: pay nothing for it"
            )));
        }
        if line_of(chain, &self.books, &file.line)?.over {
            return Ok(Step::Over("the line was slashed".into()));
        }
        let by = found.epoch.challenge_by(&chain.client, &self.books)?;
        if chain.client.head()?.timestamp > by {
            return Ok(Step::Over("it is too late to dispute it".into()));
        }
        let demanded = found.demand_of(chain, &given.typed)?;
        if demanded.is_some() {
            found.challenge(chain, file.index, self.args.max_bond.as_ref())?;
        } else {
            let signature = file.signature.clone();
            let call = demand(&self.books, &found.epoch, given.typed.clone(), signature);
            chain.send(&call)?;
        }
        Ok(Step::Sent)
    }
}
