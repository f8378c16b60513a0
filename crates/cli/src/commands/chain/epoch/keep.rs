//! `nanozk epoch keep`: everything that is due of a line's epochs, one after the other, until it is told to end.

use super::advance::{Advance, Step};
use super::vouchers::{json_files, payments, redeem};
use super::{line_of, model_dir, Commit};
use crate::args::KeepArgs;
use crate::commands::chain::Chain;
use crate::data::Data;
use crate::output::Out;
use anyhow::{bail, Context, Result};
use nanozk_chain::epoch::answers::{Folder, Header};
use nanozk_chain::epoch::series::{folder_of, numbers, vouchers_of};
use nanozk_chain::epoch::Status;
use nanozk_chain::primitives::B256;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
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
    let mut keeper = Keeper {
        args,
        data,
        out,
        chain: &chain,
        header,
        running: BTreeMap::new(),
        over: BTreeMap::new(),
        said: BTreeMap::new(),
        looked_at: BTreeMap::new(),
    };
    loop {
        match keeper.round() {
            Ok(true) => continue,
            Ok(false) if args.once => return Ok(()),
            Ok(false) => std::thread::sleep(POLL),
            Err(e) if args.once => return Err(e),
            Err(e) => {
                // Nothing is done any more for a line that is over; everything else may pass.
                let line = line_of(&chain, &keeper.header.books, &keeper.header.line);
                if line.is_ok_and(|line| line.over) {
                    return Err(e);
                }
                keeper.say(None, format!("to be tried again: {e:#}"));
                std::thread::sleep(PAUSE);
            }
        }
    }
}

struct Keeper<'a> {
    args: &'a KeepArgs,
    data: &'a Data,
    out: &'a Out,
    chain: &'a Chain<'a>,
    /// Of any epoch of the line.
    header: Header,
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

    /// Does what is quick of each epoch, and then the proof of one; says whether more may be due at once.
    fn round(&mut self) -> Result<bool> {
        let (mut has_sent, mut failed) = (false, None);
        let line = line_of(self.chain, &self.header.books, &self.header.line)?;
        let first_open = line.next.to::<u32>() - u32::from(line.open);
        let mut to_prove = None;
        for number in numbers(&self.args.epochs)? {
            // All before it are settled, for ever; but for a reorganization.
            if number + RECENT < first_open {
                continue;
            }
            if let Some((id, status)) = self.over.get(&number).copied() {
                let books = &self.header.books;
                if Status::of(&self.chain.client, books, id)? == status {
                    continue;
                }
                self.over.remove(&number);
            }
            // One that cannot go on must not keep others from it, whose deadlines pass.
            match self.step(number, false) {
                Ok(Some(Step::Proof)) => {
                    to_prove.get_or_insert(number);
                }
                Ok(Some(Step::Sent)) => has_sent = true,
                Ok(_) => {}
                Err(e) => {
                    self.say(Some(number), format!("to be tried again: {e:#}"));
                    failed.get_or_insert(e.context(format!("epoch {number}")));
                }
            }
        }
        // Also if more is due elsewhere: whoever makes something due in every block must not keep it from being proved.
        if let Some(number) = to_prove {
            has_sent = true;
            if let Err(e) = self.step(number, true) {
                self.say(Some(number), format!("to be tried again: {e:#}"));
                failed.get_or_insert(e.context(format!("epoch {number}")));
            }
        }
        self.redeem()?;
        match failed {
            None => Ok(has_sent),
            Some(e) => Err(e),
        }
    }

    /// None: nothing can be done.
    fn step(&mut self, number: u32, may_prove: bool) -> Result<Option<Step>> {
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
            let epoch = Advance::new(self.chain, &path, model, self.data, self.out)?;
            let epoch = epoch.with(None, self.args.memory);
            self.running.insert(number, epoch);
            if has_sent {
                return Ok(Some(Step::Sent));
            }
        }
        let step = self.running[&number].step(may_prove)?;
        match &step {
            Step::Waits(waits) => {
                self.say(Some(number), format!("waits for {}", waits.until()));
            }
            Step::Over(status) => {
                // Its trees are not needed any more.
                let epoch = self.running.remove(&number);
                if *status == Status::Unknown {
                    // A reorganization undid the commitment: the next look makes it again.
                    return Ok(Some(Step::Sent));
                }
                self.say(Some(number), status.name().into());
                let id = epoch.map(|epoch| epoch.epoch.id).unwrap_or_default();
                self.over.insert(number, (id, *status));
            }
            Step::Sent | Step::Proof => {}
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
