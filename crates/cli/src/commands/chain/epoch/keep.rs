//! `nanozk epoch keep`: everything that is due of a line's epochs, one after the other, until it is told to end.

use super::advance::Advance;
use super::due::{Due, End};
use super::vouchers::{json_files, payments, redeem};
use super::work::Work;
use super::{Commit, line_of, model_dir};
use crate::args::KeepArgs;
use crate::commands::chain::Chain;
use crate::data::Data;
use crate::output::Out;
use anyhow::{Context, Error, Result, anyhow, bail};
use nanozk_chain::epoch::Status;
use nanozk_chain::epoch::answers::{Folder, Header};
use nanozk_chain::epoch::series::{folder_of, numbers, vouchers_of};
use nanozk_chain::primitives::B256;
use serde_json::json;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, Scope};
use std::time::{Duration, SystemTime};

/// Between two looks at the chain and the folders.
const POLL: Duration = Duration::from_secs(2);
/// After something failed.
const PAUSE: Duration = Duration::from_secs(5);
/// Epochs that are looked at again after they were settled: a reorganization can undo that.
const RECENT: u32 = 8;

pub(super) fn keep(args: &KeepArgs, data: &Data, out: &Out) -> Result<()> {
    let chain = Chain::with_key(&args.chain, &args.key, out)?;
    let first = numbers(&args.epochs)?;
    let first = first.first().with_context(|| {
        format!(
            "{0} has no epoch: nanozk epoch open {0}/NUMBER",
            args.epochs.display()
        )
    })?;
    let header = Folder::header_of(&folder_of(&args.epochs, *first))?;
    thread::scope(|scope| {
        let mut keeper = Keeper {
            args,
            out,
            chain: &chain,
            header,
            worker: Worker::spawn(scope, data, out),
            failures: BTreeMap::new(),
            running: BTreeMap::new(),
            over: BTreeMap::new(),
            said: BTreeMap::new(),
            looked_at: BTreeMap::new(),
        };
        loop {
            let (has_sent, failed) = match keeper.round() {
                Ok(looked) => looked,
                Err(e) => {
                    keeper.say(None, format!("to be tried again: {e:#}"));
                    (false, Some(e))
                }
            };
            let is_busy = keeper.worker.busy.is_some();
            match failed {
                None if has_sent => continue,
                None if args.once && !is_busy => return Ok(()),
                None => thread::sleep(POLL),
                Some(e) if args.once && !is_busy => return Err(e),
                Some(e) => {
                    // Nothing will be due any more of a line that is over, but for its challenges; everything else may pass.
                    let line = line_of(&chain, &keeper.header.books, &keeper.header.line);
                    if line.is_ok_and(|line| line.over) && keeper.running.is_empty() {
                        return Err(e);
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    })
}

/// Does what takes long, one thing at a time, while the chain is looked at.
struct Worker {
    to: Sender<Work>,
    from: Receiver<Result<()>>,
    /// What it works on.
    busy: Option<String>,
}

impl Worker {
    fn spawn<'s>(scope: &'s Scope<'s, '_>, data: &'s Data, out: &'s Out) -> Self {
        let (to, work) = channel::<Work>();
        let (done, from) = channel();
        scope.spawn(move || {
            for work in work {
                // A defect in one must not end all others.
                let result = catch_unwind(AssertUnwindSafe(|| work.run(data, out)));
                let result = result.unwrap_or_else(|_| Err(anyhow!("a defect of nanozk")));
                // Nobody listens once the keeper ends.
                let _ = done.send(result);
            }
        });
        Self {
            to,
            from,
            busy: None,
        }
    }

    fn begin(&mut self, what: String, work: Work) -> Result<()> {
        self.to.send(work).ok().context("the worker ended")?;
        self.busy = Some(what);
        Ok(())
    }

    /// What became of what it was given, if it is done.
    fn done(&mut self) -> Option<(String, Result<()>)> {
        let result = match self.from.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(anyhow!("the worker ended")),
        };
        Some((self.busy.take()?, result))
    }
}

struct Keeper<'a> {
    args: &'a KeepArgs,
    out: &'a Out,
    chain: &'a Chain<'a>,
    /// Of any epoch of the line.
    header: Header,
    worker: Worker,
    /// How often work failed, by what it is.
    failures: BTreeMap<String, u32>,
    /// Epochs that are committed to, and not over.
    running: BTreeMap<u32, Advance<'a>>,
    /// Epochs that are over, with their ids and how they ended.
    over: BTreeMap<u32, (B256, Status)>,
    /// What was said last, of each epoch: once is enough.
    said: BTreeMap<Option<u32>, String>,
    /// Vouchers that were looked at: when they were written, and which epochs were settled then.
    looked_at: BTreeMap<PathBuf, (SystemTime, Option<u32>)>,
}

impl Keeper<'_> {
    fn say(&mut self, epoch: Option<u32>, what: String) {
        if self.said.get(&epoch) == Some(&what) {
            return;
        }
        match epoch {
            Some(number) => self.out.text(format!("epoch {number}: {what}")),
            None => self.out.text(&what),
        }
        self.out
            .json(&json!({"event": "keeping", "number": epoch, "what": what}));
        self.said.insert(epoch, what);
    }

    /// Does what is quick of each epoch, and has one thing begun of what takes long; says whether more may be due at once, and what
    /// failed, which it has said.
    fn round(&mut self) -> Result<(bool, Option<Error>)> {
        let (mut has_sent, mut failed) = (false, None);
        match self.worker.done() {
            Some((what, Ok(()))) => drop(self.failures.remove(&what)),
            Some((what, Err(e))) => {
                self.say(None, format!("to be tried again: {what}: {e:#}"));
                failed = Some(e.context(what.clone()));
                *self.failures.entry(what).or_default() += 1;
            }
            None => {}
        }
        let line = line_of(self.chain, &self.header.books, &self.header.line)?;
        let first_open = line.next.to::<u32>() - u32::from(line.open);
        let mut works = Vec::new();
        for number in numbers(&self.args.epochs)? {
            // All before it are settled, for ever; but for a reorganization.
            if number + RECENT < first_open {
                continue;
            }
            if let Some((id, status)) = self.over.get(&number).copied() {
                let books = &self.header.books;
                let is_same = Status::of(&self.chain.client, books, id)? == status;
                // One that is live is over with its line, unless a reorganization undid that.
                if is_same && (line.over || !status.is_live()) {
                    continue;
                }
                self.over.remove(&number);
            }
            // One that cannot go on must not keep others from it, whose deadlines pass.
            match self.due(number) {
                Ok(mut due) => {
                    has_sent |= due.sent;
                    for work in due.works.drain(..) {
                        works.push((format!("epoch {number}: {}", work.what), work));
                    }
                    if let Some(e) = due.failed {
                        self.say(Some(number), format!("to be tried again: {e:#}"));
                        failed.get_or_insert(e.context(format!("epoch {number}")));
                    }
                }
                Err(e) => {
                    self.say(Some(number), format!("to be tried again: {e:#}"));
                    failed.get_or_insert(e.context(format!("epoch {number}")));
                }
            }
        }
        // That with the next deadline, but what failed after what did not. Also if something is due in every block, or fails.
        let key = |(what, work): &(String, Work)| (self.failures.get(what).copied(), work.by);
        let urgent = works.into_iter().min_by_key(key);
        if let Some((what, work)) = urgent.filter(|_| self.worker.busy.is_none()) {
            self.say(None, what.clone());
            self.worker.begin(what, work)?;
        }
        self.redeem()?;
        if failed.is_none() && line.over && self.running.is_empty() {
            bail!("the line was slashed: its open epochs are never settled");
        }
        Ok((has_sent, failed))
    }

    fn due(&mut self, number: u32) -> Result<Due> {
        let path = folder_of(&self.args.epochs, number);
        if !path.join("closed.json").is_file() {
            self.say(Some(number), "open".into());
            return Ok(Due::default());
        }
        let mut has_sent = false;
        if !self.running.contains_key(&number) {
            let (folder, closed) = Folder::open_closed(&path)?;
            let header = folder.header();
            if (header.books, header.line) != (self.header.books, self.header.line) {
                bail!("it is of another line than {}", self.args.epochs.display());
            }
            let model = self.args.model.as_deref();
            // What cannot be proved is not committed to.
            let (_, manifest) = model_dir(&path, header, model)?;
            if let Some(commit) = Commit::new(self.chain, header, &manifest, closed)? {
                commit.send(&folder)?;
                has_sent = true;
            }
            let epoch = Advance::new(self.chain, &path, model, self.out)?;
            let epoch = epoch.with(None, self.args.memory);
            self.running.insert(number, epoch);
        }
        let mut due = self.running[&number].due()?;
        due.sent |= has_sent;
        if let Some(waits) = due.waits.filter(|_| due.works.is_empty() && !due.sent) {
            self.say(Some(number), format!("waits for {}", waits.until()));
        }
        match due.end {
            None => {}
            // A reorganization undid the commitment: the next look makes it again.
            Some(End::Over(Status::Unknown)) => {
                self.running.remove(&number);
                due.sent = true;
            }
            Some(End::Over(status) | End::Slashed(status)) => {
                let what = match due.end {
                    Some(End::Slashed(_)) => "slashed",
                    _ => status.name(),
                };
                self.say(Some(number), what.into());
                // Its trees are not needed any more.
                let epoch = self.running.remove(&number);
                let id = epoch.map(|epoch| epoch.epoch.id).unwrap_or_default();
                self.over.insert(number, (id, status));
            }
        }
        Ok(due)
    }

    /// Vouchers that came, or whose epoch was settled, since they were looked at.
    fn redeem(&mut self) -> Result<()> {
        let directory = vouchers_of(&self.args.epochs);
        if !directory.is_dir() {
            return Ok(());
        }
        let line = line_of(self.chain, &self.header.books, &self.header.line)?;
        let settled = (line.next.to::<u32>() - u32::from(line.open)).checked_sub(1);
        let Some(last) = settled else {
            return Ok(());
        };
        let (mut new, mut looked_at) = (Vec::new(), BTreeMap::new());
        for path in json_files(&directory)? {
            let written = std::fs::metadata(&path).and_then(|m| m.modified());
            let written = written.with_context(|| path.display().to_string())?;
            looked_at.insert(path.clone(), (written, settled));
            if self.looked_at.get(&path) != Some(&(written, settled)) {
                new.push(path);
            }
        }
        let (payments, refused) = payments(self.chain, &self.header, last, &new)?;
        for (path, why) in refused {
            // Said once, though it is looked at after each epoch.
            if !self.looked_at.contains_key(&path) {
                let path = path.display();
                self.out
                    .note(format!("note: {path} is not redeemed: {why:#}"));
            }
        }
        redeem(self.chain, &self.header.books, &payments)?;
        self.looked_at = looked_at;
        Ok(())
    }
}
