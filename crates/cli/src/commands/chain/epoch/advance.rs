//! What is due of an epoch that was committed to.

use super::due::{Due, End, Step, Waits};
use super::vouchers::{json_files, payments, redeem};
use super::work::{Done, Proof, Wanted, Work};
use super::{beacon_of, check_books, is_usable, line_of, model_dir};
use crate::args::AdvanceArgs;
use crate::commands::chain::{Chain, when};
use crate::data::Data;
use crate::output::{Out, Progress, count};
use anyhow::{Context, Result, bail, ensure};
use nanozk::model_dir::ModelDir;
use nanozk_chain::bindings::beacon as beacon_abi;
use nanozk_chain::bindings::epochs::{self as abi, FixedDraws, Payment};
use nanozk_chain::client::Call;
use nanozk_chain::epoch::answers::{Answer, Folder, Trees};
use nanozk_chain::epoch::dispute::{Dispute, resolve, void};
use nanozk_chain::epoch::draw::drawn;
use nanozk_chain::epoch::opening::{Drawn, Opening, Page, commitments, prove};
use nanozk_chain::epoch::{Books, Committed, Status, Terms};
use nanozk_chain::primitives::{Address, B256, Bytes};
use nanozk_prover::audit;
use nanozk_prover::session::SessionDir;
use nanozk_verifier::CheckedManifest;
use nanozk_verifier::statement::Context as ClaimContext;
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a chain keeps hashes of the last 8,191 blocks (EIP-2935); elsewhere it knows 256.
const HISTORY: Address =
    nanozk_chain::primitives::address!("0x0000F90827F1C53a10cb7A02335B175320002935");
/// Between two looks at the chain.
const POLL: Duration = Duration::from_secs(1);

/// What an epoch that was committed to needs.
pub(super) struct Advance<'a> {
    out: &'a Out,
    pub(super) chain: &'a Chain<'a>,
    /// Directory of vouchers.
    vouchers: Option<PathBuf>,
    pub(super) memory: Option<f64>,
    pub(super) folder: Folder,
    pub(super) epoch: Committed,
    pub(super) trees: Trees,
    dir: ModelDir,
    pub(super) manifest: CheckedManifest,
    /// Answers that were read: a folder may have a million.
    kept: RefCell<BTreeMap<u32, Answer>>,
}

/// Goes on with one epoch.
pub(super) fn advance(args: &AdvanceArgs, data: &Data, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let model = args.model.as_deref();
    let epoch = Advance::new(&chain, &args.epoch, model, out)?;
    let epoch = epoch.with(args.vouchers.clone(), args.memory);
    loop {
        let Due {
            sent,
            works,
            waits,
            end,
            failed,
        } = epoch.due()?;
        match end {
            Some(End::Over(Status::Void)) => bail!("the epoch is void: its verifier was frozen"),
            Some(End::Over(Status::Unknown)) => bail!(
                "the chain does not know the epoch {} any more: commit to it again with nanozk epoch close",
                epoch.epoch.id
            ),
            Some(End::Over(_)) => return Ok(()),
            Some(End::Slashed(_)) => {
                bail!("the line was slashed: its open epochs are never settled")
            }
            None => {}
        }
        if sent && chain.dry_run {
            return Ok(());
        }
        let urgent = works.into_iter().min_by_key(|work| work.by);
        if sent || urgent.is_some() {
            if let Some(e) = failed {
                out.note(format!("WARNING: {e:#}"));
            }
            if let Some(work) = urgent {
                work.run(data, out)?;
            }
            continue;
        }
        if let Some(e) = failed {
            return Err(e);
        }
        let waits = waits.context("nothing is due, and nothing is waited for")?;
        let what = waits.what(&chain.client.head()?);
        out.json(&json!({"event": "waiting", "for": what}));
        if !args.wait || chain.dry_run {
            out.text(format!("to be gone on with after {what}"));
            return Ok(());
        }
        let progress = Progress::spinner(&format!("waiting for {what}"));
        while !waits.is_over(&chain.client.head()?) && !epoch.is_disputed()? {
            std::thread::sleep(POLL);
        }
        drop(progress);
    }
}

impl<'a> Advance<'a> {
    /// That of a folder, to be proved without a limit of memory, and without vouchers.
    pub(super) fn new(
        chain: &'a Chain<'a>,
        path: &Path,
        model: Option<&Path>,
        out: &'a Out,
    ) -> Result<Self> {
        let (folder, closed) = Folder::open_closed(path)?;
        let header = folder.header().clone();
        check_books(chain, &header)?;
        let (dir, manifest) = model_dir(path, &header, model)?;
        let found = Committed::find(&chain.client, &header.books, &header.line, header.number)?;
        let epoch = found.with_context(|| {
            format!(
                "epoch {} is not committed to: nanozk epoch close",
                header.number
            )
        })?;
        let progress = Progress::spinner("hashing answers");
        let trees = folder.trees(closed.count)?;
        drop(progress);
        let roots = [&trees.statements, &trees.receipts].map(|tree| tree.root());
        ensure!(
            roots == [epoch.epoch.statements, epoch.epoch.receipts],
            "the answers in {} are not those that were committed to: restore the folder",
            path.display()
        );
        Ok(Self {
            out,
            chain,
            vouchers: None,
            memory: None,
            folder,
            epoch,
            trees,
            dir,
            manifest,
            kept: RefCell::default(),
        })
    }

    /// Redeems vouchers of a directory, and keeps proofs within a memory in GiB.
    pub(super) fn with(mut self, vouchers: Option<PathBuf>, memory: Option<f64>) -> Self {
        self.vouchers = vouchers;
        self.memory = memory;
        self
    }

    /// Does what is due now and does not take long, and says what does.
    pub(super) fn due(&self) -> Result<Due> {
        let header = self.folder.header();
        let line = line_of(self.chain, self.books(), &header.line)?;
        let status = Status::of(&self.chain.client, self.books(), self.epoch.id)?;
        let mut due = Due::default();
        if line.over {
            self.end(status, &mut due)?;
            return Ok(due);
        }
        if status.is_live() {
            if self.void()? {
                due.sent = true;
                return Ok(due);
            }
            if let Err(e) = self.defend(&mut due) {
                due.fail(e);
            }
            if due.sent && self.chain.dry_run {
                return Ok(due);
            }
        }
        match status {
            Status::Committed => due.add(self.fix()),
            Status::Fixed => due.add(self.prove(&line)),
            Status::Proven => due.add(self.settle(&line)),
            Status::Settled => {
                self.redeem()?;
                due.end = Some(End::Over(status));
            }
            Status::Void => {
                self.take_bonds(|_| true)?;
                due.end = Some(End::Over(status));
            }
            Status::Unknown => due.end = Some(End::Over(status)),
        }
        Ok(due)
    }

    /// What is left of an epoch whose line was slashed: challenges go on, and whoever was wrong loses its bond.
    fn end(&self, status: Status, due: &mut Due) -> Result<()> {
        let now = self.chain.client.head()?.timestamp;
        if is_usable(self.chain, self.books(), self.epoch.epoch.page)? {
            // Before anything else: a verifier that is frozen gives them back.
            self.take_bonds(|d| d.has_ended(now) && !d.turn.is_providers())?;
            let mut disputes = self.disputes()?;
            disputes.retain(|d| d.is_bonded && !d.has_ended(now));
            due.waits = disputes.iter().map(|d| d.until).min().map(Waits::Time);
            self.answer_challenges(&disputes, now, due);
        }
        if due.waits.is_none() {
            due.end = Some(End::Slashed(status));
        }
        Ok(())
    }

    /// Ends the epoch if its verifier was frozen; says whether.
    fn void(&self) -> Result<bool> {
        if is_usable(self.chain, self.books(), self.epoch.epoch.page)? {
            return Ok(false);
        }
        self.chain.send(&void(self.books(), &self.epoch))?;
        Ok(true)
    }

    pub(super) fn books(&self) -> &Books {
        &self.folder.header().books
    }

    /// The RANDAO of a block, and its header.
    fn seed(&self, block: u64) -> Result<(B256, Bytes)> {
        let header = Bytes::from(self.chain.client.header(block)?);
        let call = beacon_abi::seedOfCall {
            header: header.clone(),
            blockNumber: block,
        };
        Ok((
            self.chain.client.read(beacon_of(self.chain)?, &call)?,
            header,
        ))
    }

    /// Answers in these places, which are asked for again and again.
    pub(super) fn answers(&self, places: &[u32]) -> Result<Vec<Answer>> {
        let mut kept = self.kept.borrow_mut();
        let missing = places.iter().filter(|place| !kept.contains_key(place));
        let mut missing: Vec<u32> = missing.copied().collect();
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            kept.extend(missing.iter().copied().zip(self.folder.some(&missing)?));
        }
        let found = places.iter().map(|place| kept.get(place).cloned());
        let found: Option<Vec<Answer>> = found.collect();
        found.context("an answer is gone from the folder")
    }

    /// Sessions of drawn answers.
    fn of_drawn(&self, drawn: &[u32]) -> Result<Vec<Wanted>> {
        let (header, directory) = (self.folder.header(), self.folder.path().join("drawn"));
        let answers = drawn.iter().zip(self.answers(drawn)?);
        let wanted = answers.map(|(&index, answer)| Wanted {
            session: SessionDir::new(directory.join(index.to_string())),
            index,
            answer,
            context: header.line.context(&header.books, header.number, index),
        });
        Ok(wanted.collect())
    }

    /// That of a challenged answer: its nodes are others, for the chain knows the words of its commitments.
    pub(super) fn of_challenged(&self, index: u32, answer: Answer) -> Wanted {
        let (header, directory) = (self.folder.header(), self.folder.path().join("challenged"));
        Wanted {
            session: SessionDir::new(directory.join(index.to_string())),
            index,
            answer,
            context: ClaimContext {
                epoch: false,
                ..header.line.context(&header.books, header.number, index)
            },
        }
    }

    pub(super) fn work(&self, what: String, by: u64, answers: Vec<Wanted>) -> Work {
        Work {
            what,
            by,
            dir: self.dir.clone(),
            manifest: self.manifest.clone(),
            header: self.folder.header().clone(),
            answers,
            proof: None,
        }
    }

    fn drawn(&self, seed: B256) -> Vec<u32> {
        let Terms { count, draws, .. } = self.epoch.terms;
        drawn(seed, self.epoch.id, count, draws)
            .into_iter()
            .collect()
    }

    fn fix(&self) -> Result<Step> {
        let block = self.epoch.terms.draw_block;
        let head = self.chain.client.head()?;
        let by = self.challenge_by()?;
        in_time("commitments could be fixed", by, head.timestamp)?;
        if head.number <= block {
            return Ok(Step::Waits(Waits::Block(block)));
        }
        let (seed, header) = self.seed(block)?;
        let drawn = self.drawn(seed);
        let what = format!("committing to {}", count(drawn.len(), "drawn answer"));
        let work = self.work(what, by, self.of_drawn(&drawn)?);
        let Some(Done { claims, .. }) = work.done()? else {
            return Ok(Step::Work(Box::new(work)));
        };
        let call = abi::fixCommitmentsCall {
            epoch: self.epoch.epoch.clone(),
            header,
            commitments: commitments(&claims)?,
            signature: Bytes::new(),
        };
        let what = format!(
            "fixing the commitments of {}",
            count(drawn.len(), "drawn answer")
        );
        self.chain
            .send(&Call::new(what, self.books().book, &call))?;
        Ok(Step::Sent)
    }

    fn fixed(&self) -> Result<FixedDraws> {
        let fixed = self.epoch.fixed(&self.chain.client, self.books())?;
        fixed.context("the chain has no event of what was fixed: ask another node")
    }

    fn prove(&self, line: &abi::Line) -> Result<Step> {
        let fixed = self.fixed()?;
        let block: u64 = fixed.drawBlock.to();
        let client = &self.chain.client;
        let head = client.head()?;
        let by = self.epoch.prove_by(client, self.books(), &fixed)?;
        in_time("draws could be proven", by, head.timestamp)?;
        if head.number <= block {
            return Ok(Step::Waits(Waits::Block(block)));
        }
        let noted = self.epoch.noted(client, self.books())?;
        let (seed, header) = match noted {
            Some(seed) => (seed, Bytes::new()),
            None => self.seed(block)?,
        };
        if noted.is_none() && client.code(HISTORY)?.is_empty() {
            // The chain forgets the block before a long proof is done.
            let call = abi::drawLayersCall {
                epoch: self.epoch.epoch.clone(),
                fixed_: fixed,
                header,
            };
            let call = Call::new("drawing layers", self.books().book, &call);
            self.chain.send(&call)?;
            return Ok(Step::Sent);
        }
        let page = Page::read(client, self.epoch.epoch.page)?;
        page.check(&self.manifest)?;
        let drawn = self.drawn(fixed.seed);
        let mut work = self.work("proving".into(), by, self.of_drawn(&drawn)?);
        let statements = work.answers.iter().map(|wanted| work.statement(wanted));
        let layers = statements.map(|s| audit::draw(&page.weights, 1, &seed.0, &s));
        work.proof = Some(Proof {
            layers: layers.collect::<Result<_, _>>()?,
            alone: true,
            memory: self.memory,
            output: self.folder.path().join("final.json"),
        });
        let Some(done) = work.done()? else {
            return Ok(Step::Work(Box::new(work)));
        };
        let (claims, file) = done.proved()?;
        let places: Vec<usize> = drawn.iter().map(|i| *i as usize).collect();
        let items = drawn.iter().zip(&claims);
        let items: Vec<Drawn<'_>> = items
            .map(|(&index, claim)| Drawn { index, claim })
            .collect();
        let opening = Opening {
            epoch: &self.epoch,
            fixed: &fixed,
            header: &header,
            page: &page,
            manifest: &self.manifest,
            drawn: &items,
            siblings: &self.trees.statements.siblings(&places),
        };
        let openings = opening.typed(&file)?;
        // It settles the epoch if nothing is left to wait for; else vouchers are worth nothing yet.
        let now = client.head()?.timestamp;
        let disputes = self.epoch.disputes(client, self.books())?;
        let settles = now > self.challenge_by()? && self.is_next(line) && disputes == 0;
        let payments = if settles {
            self.payments()?
        } else {
            Vec::new()
        };
        let call = |payments| prove(self.books(), &self.epoch, openings.clone(), &file, payments);
        if !payments.is_empty() {
            match self.chain.send(&call(payments)) {
                Ok(_) => return Ok(Step::Sent),
                // A requester can make its voucher worthless at any time, and must not keep the epoch from being proved.
                Err(e) => self.out.note(format!("note: without vouchers: {e:#}")),
            }
        }
        self.chain.send(&call(Vec::new()))?;
        Ok(Step::Sent)
    }

    fn challenge_by(&self) -> Result<u64> {
        Ok(self.epoch.challenge_by(&self.chain.client, self.books())?)
    }

    /// Whether all epochs before it are settled.
    fn is_next(&self, line: &abi::Line) -> bool {
        line.next.to::<u32>() - u32::from(line.open) == self.epoch.terms.number
    }

    fn settle(&self, line: &abi::Line) -> Result<Step> {
        let by = self.challenge_by()?;
        if self.chain.client.head()?.timestamp <= by {
            return Ok(Step::Waits(Waits::Time(by)));
        }
        if !self.is_next(line) {
            let head = self.chain.client.head()?.number;
            return Ok(Step::Waits(Waits::Others(head)));
        }
        let disputes = self.disputes()?;
        let open = disputes.iter().filter(|dispute| !dispute.turn.is_over());
        if let Some(until) = open.map(|dispute| dispute.until).min() {
            return Ok(Step::Waits(Waits::Time(until)));
        }
        let call = abi::settleCall {
            epoch: self.epoch.epoch.clone(),
        };
        let call = Call::new("settling the epoch", self.books().book, &call);
        self.chain.send(&call)?;
        Ok(Step::Sent)
    }

    fn redeem(&self) -> Result<()> {
        let number = self.epoch.terms.number;
        self.out.text(format!("epoch {number} is settled"));
        self.take_bonds(|_| true)?;
        redeem(self.chain, self.books(), &self.payments()?)?;
        self.out
            .json(&json!({"event": "settled", "epoch": self.epoch.id, "number": number}));
        Ok(())
    }

    /// Moves bonds of some disputes, which are over.
    fn take_bonds(&self, of: impl Fn(&Dispute) -> bool) -> Result<()> {
        let disputes = self.disputes()?;
        for dispute in disputes.iter().filter(|d| d.is_bonded && of(d)) {
            self.chain
                .send(&resolve(self.books(), &self.epoch, dispute))?;
        }
        Ok(())
    }

    /// Vouchers that pay something now, or once this epoch is settled.
    fn payments(&self) -> Result<Vec<Payment>> {
        let Some(directory) = &self.vouchers else {
            return Ok(Vec::new());
        };
        let (header, settled) = (self.folder.header(), self.epoch.terms.number);
        let paths = json_files(directory)?;
        let (payments, refused) = payments(self.chain, header, settled, &paths)?;
        // One that pays nothing must not keep others from it.
        for (path, why) in refused {
            let path = path.display();
            self.out
                .note(format!("note: {path} is not redeemed: {why:#}"));
        }
        Ok(payments)
    }
}

/// Refuses what a contract would refuse, before it takes long.
pub(super) fn in_time(what: &str, by: u64, now: u64) -> Result<()> {
    ensure!(
        now <= by,
        "{what} until {}: anybody can have the line slashed for it",
        when(by, now)
    );
    Ok(())
}
