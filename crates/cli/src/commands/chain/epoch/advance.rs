//! What is due of an epoch that was committed to.

use super::vouchers::{json_files, payments, redeem};
use super::{beacon_of, check_books, is_usable, line_of, model_dir};
use crate::args::AdvanceArgs;
use crate::commands::aggregate::Plan;
use crate::commands::chain::{when, Chain};
use crate::commands::prove::Opened;
use crate::commands::run::{local, Local};
use crate::data::Data;
use crate::model_dir::ModelDir;
use crate::output::{count, Out, Progress};
use anyhow::{bail, ensure, Context, Result};
use nanozk_chain::bindings::beacon as beacon_abi;
use nanozk_chain::bindings::epochs::{self as abi, FixedDraws, Payment};
use nanozk_chain::client::{Call, Head};
use nanozk_chain::epoch::answers::{Answer, Folder, Trees};
use nanozk_chain::epoch::dispute::{resolve, void, Dispute};
use nanozk_chain::epoch::draw::drawn;
use nanozk_chain::epoch::opening::{commitments, prove, Drawn, Opening, Page};
use nanozk_chain::epoch::{Books, Committed, Status, Terms};
use nanozk_chain::format::utc;
use nanozk_chain::primitives::{Address, Bytes, B256};
use nanozk_executor::QuantizedModel;
use nanozk_prover::audit;
use nanozk_prover::files;
use nanozk_prover::session::{Secret, SessionDir, SECRET_FORMAT};
use nanozk_verifier::statement::Context as ClaimContext;
use nanozk_verifier::window_layers;
use nanozk_verifier::{CheckedManifest, Claim, FinalFile, Parameters};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a chain keeps hashes of the last 8,191 blocks (EIP-2935); elsewhere it knows 256.
const HISTORY: Address =
    nanozk_chain::primitives::address!("0x0000F90827F1C53a10cb7A02335B175320002935");
/// Between two looks at the chain.
const POLL: Duration = Duration::from_secs(1);

/// What an epoch that was committed to needs.
pub(super) struct Advance<'a> {
    data: &'a Data,
    out: &'a Out,
    pub(super) chain: &'a Chain<'a>,
    /// Directory of vouchers.
    vouchers: Option<PathBuf>,
    memory: Option<f64>,
    pub(super) folder: Folder,
    pub(super) epoch: Committed,
    pub(super) trees: Trees,
    dir: ModelDir,
    pub(super) manifest: CheckedManifest,
}

/// What is to be waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waits {
    Block(u64),
    Time(u64),
}

impl Waits {
    fn is_over(self, head: &Head) -> bool {
        match self {
            Self::Block(block) => head.number > block,
            Self::Time(time) => head.timestamp > time,
        }
    }

    /// For people, always the same.
    pub(super) fn until(self) -> String {
        match self {
            Self::Block(block) => format!("block {block}"),
            Self::Time(time) => utc(time),
        }
    }

    /// For people, from now on.
    fn what(self, head: &Head) -> String {
        match self {
            Self::Block(block) => format!(
                "block {block}, in {}",
                count(block.saturating_sub(head.number) as usize, "block")
            ),
            Self::Time(time) => when(time, head.timestamp),
        }
    }
}

/// What a step of an epoch did.
pub(super) enum Step {
    /// Something was sent, or would be: another may be due.
    Sent,
    /// Nothing is due before that.
    Waits(Waits),
    /// The proof of its draws is due, which takes long.
    Proof,
    /// Nothing will be due any more.
    Over(Status),
}

/// Goes on with one epoch.
pub(super) fn advance(args: &AdvanceArgs, data: &Data, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let model = args.model.as_deref();
    let epoch = Advance::new(&chain, &args.epoch, model, data, out)?;
    let epoch = epoch.with(args.vouchers.clone(), args.memory);
    loop {
        let waits = match epoch.step(true)? {
            Step::Sent if chain.dry_run => return Ok(()),
            Step::Sent | Step::Proof => continue,
            Step::Over(Status::Void) => bail!("the epoch is void: its verifier was frozen"),
            Step::Over(Status::Unknown) => bail!(
                "the chain does not know the epoch {} any more: commit to it again with nanozk epoch close",
                epoch.epoch.id
            ),
            Step::Over(_) => return Ok(()),
            Step::Waits(waits) => waits,
        };
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
        data: &'a Data,
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
            data,
            out,
            chain,
            vouchers: None,
            memory: None,
            folder,
            epoch,
            trees,
            dir,
            manifest,
        })
    }

    /// Redeems vouchers of a directory, and keeps proofs within a memory in GiB.
    pub(super) fn with(mut self, vouchers: Option<PathBuf>, memory: Option<f64>) -> Self {
        self.vouchers = vouchers;
        self.memory = memory;
        self
    }

    /// Does what is due now; but for the proof of its draws, if that has to wait for other things.
    pub(super) fn step(&self, may_prove: bool) -> Result<Step> {
        let header = self.folder.header();
        let line = line_of(self.chain, self.books(), &header.line)?;
        let status = Status::of(&self.chain.client, self.books(), self.epoch.id)?;
        if line.over {
            // Whoever was answered has lost its bond all the same.
            self.take_bonds(|dispute| dispute.turn.is_over())?;
            bail!("the line was slashed: its open epochs are never settled");
        }
        let mut has_sent = false;
        if status.is_live() {
            if self.void()? {
                return Ok(Step::Sent);
            }
            // Before what takes long: who is silent in one of them loses the line. Only some at once, so that many of them keep
            // nothing else from being done in time.
            has_sent = self.defend()?;
            if has_sent && self.chain.dry_run {
                return Ok(Step::Sent);
            }
        }
        let step = match status {
            Status::Committed => self.fix()?,
            Status::Fixed => self.prove(&line, may_prove)?,
            Status::Proven => self.settle(&line)?,
            Status::Settled => {
                self.redeem()?;
                return Ok(Step::Over(status));
            }
            Status::Void => {
                self.take_bonds(|_| true)?;
                return Ok(Step::Over(status));
            }
            Status::Unknown => return Ok(Step::Over(status)),
        };
        Ok(match step {
            Step::Waits(_) if has_sent => Step::Sent,
            step => step,
        })
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

    /// The directory of a drawn answer.
    fn session(&self, index: u32) -> SessionDir {
        SessionDir::new(self.folder.path().join("drawn").join(index.to_string()))
    }

    /// That of a challenged one: its nodes are others, for the chain knows the words of its commitments.
    pub(super) fn challenged(&self, index: u32) -> SessionDir {
        SessionDir::new(
            self.folder
                .path()
                .join("challenged")
                .join(index.to_string()),
        )
    }

    /// Sessions of drawn answers.
    fn claims(&self, drawn: &[u32]) -> Result<Vec<Claim>> {
        let progress = Progress::bar("committing to drawn answers", drawn.len());
        let mut sessions = Sessions::new(self)?;
        let mut claims = Vec::with_capacity(drawn.len());
        for (&index, answer) in drawn.iter().zip(self.folder.some(drawn)?) {
            let header = self.folder.header();
            let context = header.line.context(&header.books, header.number, index);
            claims.push(sessions.claim(&self.session(index), index, &answer, context)?);
            progress.step();
        }
        Ok(claims)
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
        in_time(
            "commitments could be fixed",
            self.challenge_by()?,
            head.timestamp,
        )?;
        if head.number <= block {
            return Ok(Step::Waits(Waits::Block(block)));
        }
        let (seed, header) = self.seed(block)?;
        let drawn = self.drawn(seed);
        let claims = self.claims(&drawn)?;
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

    fn prove(&self, line: &abi::Line, may_prove: bool) -> Result<Step> {
        let fixed = self.fixed()?;
        let block: u64 = fixed.drawBlock.to();
        let client = &self.chain.client;
        let head = client.head()?;
        let window: u64 = client
            .read(self.books().book, &abi::proveWindowCall {})?
            .to();
        let by = fixed.fixedAt.to::<u64>() + window;
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
        if !may_prove {
            return Ok(Step::Proof);
        }
        let page = Page::read(client, self.epoch.epoch.page)?;
        page.check(&self.manifest)?;
        let drawn = self.drawn(fixed.seed);
        let claims = self.claims(&drawn)?;
        let file = self.proof(&page, seed, &drawn, &claims)?;
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

    /// The final proof of a layer of each drawn answer: the one on disk, if it is of these.
    fn proof(&self, page: &Page, seed: B256, drawn: &[u32], claims: &[Claim]) -> Result<FinalFile> {
        let layers = claims
            .iter()
            .map(|claim| audit::draw(&page.weights, 1, &seed.0, &claim.statement()));
        let layers: Vec<Vec<usize>> = layers.collect::<Result<_, _>>()?;
        let sessions: Vec<SessionDir> = drawn.iter().map(|index| self.session(*index)).collect();
        let output = self.folder.path().join("final.json");
        self.finish(&sessions, claims, &layers, true, &output)
    }

    /// A final proof of these layers, exactly or with others: the one on disk, if it is of these.
    pub(super) fn finish(
        &self,
        sessions: &[SessionDir],
        claims: &[Claim],
        layers: &[Vec<usize>],
        alone: bool,
        output: &Path,
    ) -> Result<FinalFile> {
        let kept: Option<FinalFile> = files::read_json_of_session(output).ok();
        let is_of_these = |file: &FinalFile| {
            let all = file.claims.iter().zip(claims).zip(layers);
            let mut all = all.map(|((said, claim), layers)| {
                let own = said
                    .windows
                    .iter()
                    .flat_map(|w| window_layers((w.first, w.count)));
                let own: Vec<usize> = own.collect();
                let has_all = match alone {
                    true => own == *layers,
                    false => layers.iter().all(|layer| own.contains(layer)),
                };
                said.statement.0 == claim.statement() && has_all
            });
            file.claims.len() == claims.len() && all.all(|same| same)
        };
        if let Some(file) = kept.filter(is_of_these) {
            self.out
                .text(format!("the final proof {} is there", output.display()));
            return Ok(file);
        }
        let opened = sessions
            .iter()
            .map(|session| Opened::new(session.path(), Some(&self.dir.path)));
        let opened: Vec<Opened> = opened.collect::<Result<_>>()?;
        let plan = Plan {
            opened: &opened,
            layers,
            alone,
            memory: self.memory,
        };
        plan.finish(output, self.data, self.out)
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
        ensure!(
            self.is_next(line),
            "epochs before {} are not settled: they come first",
            self.epoch.terms.number
        );
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

/// Makes sessions of answers, with a model that is loaded when the first is made.
pub(super) struct Sessions<'a> {
    of: &'a Advance<'a>,
    parameters: Parameters,
    local: Local,
    model: Option<QuantizedModel>,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(of: &'a Advance<'a>) -> Result<Self> {
        Ok(Self {
            of,
            parameters: of.data.parameters(&of.manifest)?,
            local: local(&of.dir)?,
            model: None,
        })
    }

    /// That of a challenged answer.
    pub(super) fn challenged(&mut self, index: u32, answer: &Answer) -> Result<Claim> {
        let header = self.of.folder.header();
        let context = ClaimContext {
            epoch: false,
            ..header.line.context(&header.books, header.number, index)
        };
        self.claim(&self.of.challenged(index), index, answer, context)
    }

    /// The claim of a session: what is there is kept.
    fn claim(
        &mut self,
        session: &SessionDir,
        index: u32,
        answer: &Answer,
        context: ClaimContext,
    ) -> Result<Claim> {
        let Advance { dir, manifest, .. } = self.of;
        let header = self.of.folder.header();
        let kept = session.claim().ok();
        let claim = match kept.filter(|claim| claim.context == context) {
            Some(claim) => claim,
            None => {
                let secret = Secret {
                    format: SECRET_FORMAT.into(),
                    seed: answer.seed,
                    input_salt: None,
                    prompt: answer.prompt as usize,
                    tokens: answer.tokens.clone(),
                };
                let model = match &self.model {
                    Some(model) => model,
                    None => &*self.model.insert(dir.model(manifest)?),
                };
                session.keep(&secret)?;
                files::write_json(&session.path().join("local.json"), &self.local)?;
                session.commit(model, manifest, context, &self.parameters)?
            }
        };
        // One that is there may have been made of something else.
        let own = answer.receipt(header, index);
        let own = header.line.statement(&header.books, header.model_id, &own);
        ensure!(
            own.0 == claim.statement(),
            "{} is a session of another answer than {index}: remove it",
            session.path().display()
        );
        Ok(claim)
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
