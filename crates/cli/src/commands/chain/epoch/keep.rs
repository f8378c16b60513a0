//! `nanozk epoch keep`: everything that is due of a line's epochs, one after the other, until it is told to end.

use super::advance::{Advance, Step};
use super::vouchers::{json_files, payments, redeem};
use super::work::Work;
use super::{line_of, model_dir, Commit};
use crate::args::KeepArgs;
use crate::commands::chain::Chain;
use crate::data::Data;
use crate::output::Out;
use anyhow::{anyhow, bail, Context, Result};
use nanozk_chain::epoch::answers::{Folder, Header};
use nanozk_chain::epoch::series::{folder_of, numbers, vouchers_of};
use nanozk_chain::epoch::Status;
use nanozk_chain::primitives::B256;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{channel, Receiver, Sender, TryRecvError};
use std::thread::{self, Scope};
use std::time::{Duration, SystemTime};

/// Between two looks at the chain and the folders.
const POLL: Duration = Duration::from_secs(1);
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
            running: BTreeMap::new(),
            over: BTreeMap::new(),
            said: BTreeMap::new(),
            looked_at: BTreeMap::new(),
        };
        loop {
            let round = keeper.round();
            let is_busy = keeper.worker.busy.is_some();
            match round {
                Ok(true) => continue,
                Ok(false) if args.once && !is_busy => return Ok(()),
                Ok(false) => thread::sleep(POLL),
                Err(e) if args.once && !is_busy => return Err(e),
                Err(e) => {
                    // Nothing will be due any more of a line that is over, but for its challenges; everything else may pass.
                    let line = line_of(&chain, &keeper.header.books, &keeper.header.line);
                    if line.is_ok_and(|line| line.over) && keeper.running.is_empty() {
                        return Err(e);
                    }
                    keeper.say(None, format!("to be tried again: {e:#}"));
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
    /// The epoch that it works for.
    busy: Option<u32>,
}

impl Worker {
    fn spawn<'s>(scope: &'s Scope<'s, '_>, data: &'s Data, out: &'s Out) -> Self {
        let (to, work) = channel::<Work>();
        let (done, from) = channel();
        scope.spawn(move || {
            for work in work {
                // Nobody listens once the keeper ends.
                let _ = done.send(work.run(data, out));
            }
        });
        Self {
            to,
            from,
            busy: None,
        }
    }

    fn begin(&mut self, epoch: u32, work: Work) -> Result<()> {
        self.to.send(work).ok().context("the worker ended")?;
        self.busy = Some(epoch);
        Ok(())
    }

    /// What became of what it was given, if it is done.
    fn done(&mut self) -> Option<(u32, Result<()>)> {
        let epoch = self.busy?;
        let result = match self.from.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(anyhow!("the worker ended")),
        };
        self.busy = None;
        Some((epoch, result))
    }
}

struct Keeper<'a> {
    args: &'a KeepArgs,
    out: &'a Out,
    chain: &'a Chain<'a>,
    /// Of any epoch of the line.
    header: Header,
    worker: Worker,
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

    /// Does what is quick of each epoch, and has the most urgent begun of what takes long; says whether more may be due at once.
    fn round(&mut self) -> Result<bool> {
        let (mut has_sent, mut failed) = (false, None);
        let mut worked_for = None;
        match self.worker.done() {
            Some((number, Ok(()))) => worked_for = Some(number),
            Some((number, Err(e))) => {
                self.say(Some(number), format!("to be tried again: {e:#}"));
                failed = Some(e.context(format!("epoch {number}")));
            }
            None => {}
        }
        let line = line_of(self.chain, &self.header.books, &self.header.line)?;
        let first_open = line.next.to::<u32>() - u32::from(line.open);
        // By its deadline.
        let mut urgent: Option<(u64, u32)> = None;
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
            // What was just made is sent before something else is begun.
            match self.step(number, worked_for == Some(number)) {
                Ok(Some(Step::Sent)) => has_sent = true,
                Ok(step) => {
                    let by = step.and_then(|step| step.by()).map(|by| (by, number));
                    urgent = urgent.into_iter().chain(by).min();
                }
                Err(e) => {
                    self.say(Some(number), format!("to be tried again: {e:#}"));
                    failed.get_or_insert(e.context(format!("epoch {number}")));
                }
            }
        }
        // Also if more is due elsewhere: whoever makes something due in every block must not keep it from being done.
        let is_free = self.worker.busy.is_none() && failed.is_none();
        if let Some((_, number)) = urgent.filter(|_| is_free) {
            match self.step(number, true) {
                Ok(Some(Step::Work(work))) => {
                    self.say(Some(number), work.what.clone());
                    self.worker.begin(number, *work)?;
                }
                Ok(_) => has_sent = true,
                Err(e) => {
                    self.say(Some(number), format!("to be tried again: {e:#}"));
                    failed.get_or_insert(e.context(format!("epoch {number}")));
                }
            }
        }
        self.redeem()?;
        match failed {
            None if line.over && self.running.is_empty() => {
                bail!("the line was slashed: its open epochs are never settled")
            }
            None => Ok(has_sent),
            Some(e) => Err(e),
        }
    }

    /// None: nothing can be done.
    fn step(&mut self, number: u32, may_work: bool) -> Result<Option<Step>> {
        let path = folder_of(&self.args.epochs, number);
        if !path.join("closed.json").is_file() {
            self.say(Some(number), "open".into());
            return Ok(None);
        }
        if !self.running.contains_key(&number) {
            let (folder, closed) = Folder::open_closed(&path)?;
            let header = folder.header();
            if (header.books, header.line) != (self.header.books, self.header.line) {
                bail!("it is of another line than {}", self.args.epochs.display());
            }
            let model = self.args.model.as_deref();
            // What cannot be proved is not committed to.
            let (_, manifest) = model_dir(&path, header, model)?;
            let commit = Commit::new(self.chain, header, &manifest, closed)?;
            let has_sent = commit.is_some();
            if let Some(commit) = commit {
                commit.send(&folder)?;
            }
            let epoch = Advance::new(self.chain, &path, model, self.out)?;
            let epoch = epoch.with(None, self.args.memory);
            self.running.insert(number, epoch);
            if has_sent {
                return Ok(Some(Step::Sent));
            }
        }
        let step = self.running[&number].step(may_work)?;
        match &step {
            Step::Waits(waits) => {
                self.say(Some(number), format!("waits for {}", waits.until()));
            }
            // A reorganization undid the commitment: the next look makes it again.
            Step::Over(Status::Unknown) => {
                self.running.remove(&number);
                return Ok(Some(Step::Sent));
            }
            Step::Over(status) | Step::Slashed(status) => {
                let what = match &step {
                    Step::Slashed(_) => "slashed",
                    _ => status.name(),
                };
                self.say(Some(number), what.into());
                // Its trees are not needed any more.
                let epoch = self.running.remove(&number);
                let id = epoch.map(|epoch| epoch.epoch.id).unwrap_or_default();
                self.over.insert(number, (id, *status));
            }
            Step::Sent | Step::Long(_) | Step::Work(_) => {}
        }
        Ok(Some(step))
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
