//! `nanozk epoch`: answers behind one bond and one proof.

use super::channel::channel_of;
use super::job::version_of;
use super::{when, Chain};
use crate::args::{
    AdvanceArgs, AnswerAllArgs, AnswerArgs, AnsweringArgs, CloseEpochArgs, EnrollArgs,
    EpochCommand, EpochStatusArgs, LineAmountArgs, OpenEpochArgs, PathsArgs,
};
use crate::commands::aggregate::Plan;
use crate::commands::check_programs_once;
use crate::commands::prompt::{read_prompt, Prompt};
use crate::commands::prove::Opened;
use crate::commands::run::{after, check_length, generate, local, model_of};
use crate::data::{is_development, Data, DEVELOPMENT_WARNING};
use crate::model_dir::ModelDir;
use crate::output::{count, Out, Progress};
use anyhow::{bail, ensure, Context, Error, Result};
use nanozk_chain::bindings::epochs::{self as abi, FixedDraws, Payment};
use nanozk_chain::bindings::{beacon as beacon_abi, registry};
use nanozk_chain::client::Call;
use nanozk_chain::epoch::answers::{
    Answer, Closed, EpochReceipt, Folder, Header, Trees, EPOCH_FORMAT,
};
use nanozk_chain::epoch::draw::drawn;
use nanozk_chain::epoch::opening::{commitments, enroll, prove, Drawn, Opening, Page};
use nanozk_chain::epoch::paths::Paths;
use nanozk_chain::epoch::voucher::Voucher;
use nanozk_chain::epoch::{page_of, Books, Committed, Line, Status, Terms};
use nanozk_chain::format::amount;
use nanozk_chain::primitives::{Address, Bytes, B256, U256};
use nanozk_chain::PrivateKeySigner;
use nanozk_executor::executor::Executor;
use nanozk_model::{PromptOptions, Tokenizer};
use nanozk_prover::audit;
use nanozk_prover::files;
use nanozk_prover::session::{Secret, SessionDir, SECRET_FORMAT};
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::{CheckedManifest, Claim, FinalFile};
use rand_core::OsRng;
use rayon::prelude::*;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a chain keeps hashes of the last 8,191 blocks (EIP-2935); elsewhere it knows 256.
const HISTORY: Address =
    nanozk_chain::primitives::address!("0x0000F90827F1C53a10cb7A02335B175320002935");
/// Answers that are written at once.
const CHUNK: usize = 1_000;
/// Between two looks at the chain.
const POLL: Duration = Duration::from_secs(1);

pub(in crate::commands) fn epoch(command: &EpochCommand, data: &Data, out: &Out) -> Result<()> {
    match command {
        EpochCommand::Enroll(args) => enroll_version(args, out),
        EpochCommand::Bond(args) => move_bond(args, "bonding", out, |version, amount| {
            abi::bondCall { version, amount }
        }),
        EpochCommand::Withdraw(args) => move_bond(args, "withdrawing", out, |version, amount| {
            abi::withdrawCall { version, amount }
        }),
        EpochCommand::Open(args) => open(args, out),
        EpochCommand::Answer(args) => answer(args, data, out),
        EpochCommand::AnswerAll(args) => answer_all(args, data, out),
        EpochCommand::Close(args) => close(args, out),
        EpochCommand::Advance(args) => Advance::new(args, data, out)?.run(),
        EpochCommand::Paths(args) => paths(args, out),
        EpochCommand::Status(args) => status(args, out),
    }
}

/// The asset of a version.
pub(super) fn asset_of(chain: &Chain<'_>, version: B256) -> Result<Address> {
    let registry = chain.address("ModelRegistry")?;
    let policy = chain
        .client
        .read(registry, &registry::policyCall { version })?;
    Ok(policy.asset)
}

fn enroll_version(args: &EnrollArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let books = Books::of(&chain.deployment)?;
    let manifest = ModelDir::new(&args.model)?.manifest()?;
    let version = version_of(&chain, manifest.id(), args.model_version)?;
    if let Some(page) = page_of(&chain.client, &books, version)? {
        if Page::read(&chain.client, page)?.check(&manifest).is_ok() {
            chain.already(&format!("the version {version} has the page {page}"));
            return Ok(());
        }
    }
    chain.send(&enroll(&books, version, &manifest)?)?;
    Ok(())
}

fn move_bond<C: nanozk_chain::sol_types::SolCall>(
    args: &LineAmountArgs,
    doing: &str,
    out: &Out,
    call: impl Fn(B256, U256) -> C,
) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let books = Books::of(&chain.deployment)?;
    let asset = asset_of(&chain, args.model_version)?;
    let wanted = args.amount.of(asset).map_err(Error::msg)?;
    let what = format!("{doing} {}", amount(asset, wanted));
    chain.send(&Call::new(
        what,
        books.book,
        &call(args.model_version, wanted),
    ))?;
    Ok(())
}

/// What draws are made from.
fn beacon_of(chain: &Chain<'_>) -> Result<Address> {
    let beacon = chain.deployment.beacon()?;
    beacon.context("the contracts were deployed without a beacon, so they have no epochs: nothing would be drawn")
}

/// What the chain says of a line.
fn line_of(chain: &Chain<'_>, books: &Books, line: &Line) -> Result<abi::Line> {
    let call = abi::lineCall {
        provider: line.provider,
        version: line.version,
    };
    Ok(chain.client.read(books.book, &call)?)
}

fn open(args: &OpenEpochArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &args.key, out)?;
    let books = Books::of(&chain.deployment)?;
    let dir = ModelDir::new(&args.model)?;
    let manifest = dir.manifest()?;
    let version = version_of(&chain, manifest.id(), args.model_version)?;
    // Refuses versions whose verifier is another one.
    chain.terms(version)?;
    beacon_of(&chain)?;
    let line = Line {
        provider: chain.client.account()?,
        version,
    };
    let known = line_of(&chain, &books, &line)?;
    ensure!(
        !known.over,
        "the line of {} for the version {version} was slashed: it has no epochs any more",
        line.provider
    );
    let header = Header {
        format: EPOCH_FORMAT.into(),
        books,
        line,
        number: known.next.to(),
        model_id: manifest.id(),
        positions: manifest.manifest().tokens as u32,
    };
    Folder::create(&args.epoch, header.clone())?;
    files::write_json(&args.epoch.join("local.json"), &local(&dir)?)?;
    out.text(format!("epoch          {} of the line", header.number));
    out.text(format!("provider       {}", line.provider));
    out.text(format!("version        {version}"));
    out.text(format!("folder         {}", args.epoch.display()));
    out.json(&json!({"event": "opened", "epoch": header}));
    Ok(())
}

/// The model of an epoch's folder.
fn model_dir(
    folder: &Path,
    header: &Header,
    given: Option<&Path>,
) -> Result<(ModelDir, CheckedManifest)> {
    let dir = model_of(folder, given)?;
    let manifest = dir.manifest()?;
    if manifest.id() != header.model_id {
        bail!(
            "the epoch is of model {}, {} is {}",
            header.model_id,
            dir.path.display(),
            manifest.id()
        );
    }
    Ok((dir, manifest))
}

/// What answers are given with.
struct Answering {
    folder: Folder,
    header: Header,
    signer: PrivateKeySigner,
    dir: ModelDir,
    manifest: CheckedManifest,
    tokenizer: Tokenizer,
    stops: Vec<u32>,
}

impl Answering {
    fn new(args: &AnsweringArgs, data: &Data, out: &Out) -> Result<Self> {
        let signer = super::signer(&args.key, out)?
            .context("a receipt is signed: give the provider's key")?;
        let folder = Folder::open(&args.epoch)?;
        let header = folder.header().clone();
        ensure!(
            signer.address() == header.line.provider,
            "the epoch is {}'s, the key is of {}",
            header.line.provider,
            signer.address()
        );
        if let Some(Closed { count: n, .. }) = folder.closed()? {
            bail!(
                "the epoch is closed with {}: open the next one",
                count(n as usize, "answer")
            );
        }
        let (dir, manifest) = model_dir(&args.epoch, &header, args.model.as_deref())?;
        // With keys of other programs nobody could prove a draw, and the bond would be lost.
        check_programs_once(&manifest, data)?;
        let stops = match args.ignore_eos {
            true => Vec::new(),
            false => dir.stop_tokens()?.unwrap_or_default(),
        };
        Ok(Self {
            tokenizer: dir.tokenizer(&manifest)?,
            folder,
            header,
            signer,
            dir,
            manifest,
            stops,
        })
    }

    fn answer(&self, requester: Address, prompt: &[u32], generated: &[u32]) -> Answer {
        let tokens = [prompt, generated].concat();
        let secret = Secret::new(tokens.clone(), prompt.len(), None, &mut OsRng);
        let sequence = secret.sequence(self.header.positions as usize);
        Answer {
            requester,
            seed: secret.seed,
            prompt: prompt.len() as u32,
            tokens,
            salts: [sequence.prompt_salt, sequence.output_salt].map(Scalar),
            digests: sequence.digests().map(Scalar),
        }
    }
}

fn answer(args: &AnswerArgs, data: &Data, out: &Out) -> Result<()> {
    let mut a = Answering::new(&args.given, data, out)?;
    let Prompt {
        tokens: prompt,
        notes,
    } = read_prompt(&a.dir, &a.tokenizer, args.prompt.source(), &args.tokenize)?;
    check_length(&a.manifest, prompt.len(), args.given.max_new_tokens)?;
    let model = a.dir.model(&a.manifest)?;
    let generated = generate(&model, &prompt, args.given.max_new_tokens, &a.stops)?;
    let answer = a.answer(args.given.requester, &prompt, &generated);
    // On disk before anybody has the receipt: what is promised can be committed to.
    let index = a.folder.append(std::slice::from_ref(&answer))?;
    let receipt = EpochReceipt::signed(&a.header, &answer, index, &a.signer);
    files::write_json(&args.output, &receipt)?;
    let text = a.tokenizer.decode(&answer.tokens)?;
    out.text(&text);
    out.text("");
    out.text(format!(
        "answer         {index} of epoch {}",
        a.header.number
    ));
    out.text(format!("receipt        {}", args.output.display()));
    notes
        .iter()
        .for_each(|note| out.note(format!("note: {note}")));
    if is_development(&a.manifest) {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "event": "answered",
        "index": index,
        "text": text,
        "generated_tokens": generated,
        "receipt": args.output,
    }));
    Ok(())
}

fn answer_all(args: &AnswerAllArgs, data: &Data, out: &Out) -> Result<()> {
    let mut a = Answering::new(&args.given, data, out)?;
    let named = || args.prompts.display().to_string();
    let text = std::fs::read_to_string(&args.prompts).with_context(named)?;
    let mut prompts = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let named = || format!("{}, line {}", args.prompts.display(), line + 1);
        // As a prompt on the command line.
        let options = PromptOptions {
            template: true,
            special: true,
        };
        let tokens = a
            .tokenizer
            .encode_prompt(text, options)
            .with_context(named)?
            .ids;
        ensure!(!tokens.is_empty(), "{}: there is no prompt", named());
        check_length(&a.manifest, tokens.len(), args.given.max_new_tokens).with_context(named)?;
        prompts.push(tokens);
    }
    ensure!(!prompts.is_empty(), "{} has no prompts", named());
    let mut output = std::fs::File::create_new(&args.output)
        .with_context(|| format!("cannot make {}", args.output.display()))?;
    let model = a.dir.model(&a.manifest)?;
    let executor = Executor::new(&model)?;
    let progress = Progress::bar("answering", prompts.len());
    let mut first = None;
    for prompts in prompts.chunks(CHUNK) {
        let answers = prompts.par_iter().map(|prompt| {
            let new = args.given.max_new_tokens;
            let generated = executor.generate_until(prompt, new, |token| after(token, &a.stops))?;
            progress.step();
            Ok(a.answer(args.given.requester, prompt, &generated))
        });
        let answers: Vec<Answer> = answers.collect::<Result<_>>()?;
        let place = a.folder.append(&answers)?;
        first.get_or_insert(place);
        let lines = answers.par_iter().enumerate().map(|(i, answer)| {
            let index = place + i as u32;
            let receipt = EpochReceipt::signed(&a.header, answer, index, &a.signer);
            let mut line = serde_json::to_vec(&receipt).expect("plain fields serialize");
            line.push(b'\n');
            line
        });
        let receipts = lines.collect::<Vec<_>>().concat();
        output
            .write_all(&receipts)
            .with_context(|| args.output.display().to_string())?;
    }
    output
        .sync_all()
        .with_context(|| args.output.display().to_string())?;
    drop(progress);
    let first = first.unwrap_or_default();
    out.text(format!(
        "{} of epoch {}, from place {first} on",
        count(prompts.len(), "answer"),
        a.header.number
    ));
    out.text(format!("receipts       {}", args.output.display()));
    out.json(&json!({
        "event": "answered",
        "first": first,
        "answers": prompts.len(),
        "receipts": args.output,
    }));
    Ok(())
}

fn close(args: &CloseEpochArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let mut folder = Folder::open(&args.epoch)?;
    let header = folder.header().clone();
    check_books(&chain, &header)?;
    let Header {
        books,
        line,
        number,
        ..
    } = header;
    if let Some(found) = Committed::find(&chain.client, &books, &line, number)? {
        chain.already(&format!("epoch {number} is committed to: {}", found.id));
        return Ok(());
    }
    let account = chain.client.account()?;
    ensure!(
        account == line.provider,
        "the epoch is {}'s, the key is of {account}",
        line.provider
    );
    let page = page_of(&chain.client, &books, line.version)?;
    let page = page.with_context(|| {
        format!(
            "the version {} has no page: nanozk epoch enroll",
            line.version
        )
    })?;
    // What was closed stays so, whatever is asked for now.
    let planned = folder.closed()?.unwrap_or(Closed {
        count: folder.count(),
        draws: args.draws,
    });
    let Closed { count: n, draws } = planned;
    ensure!(n > 0, "epoch {number} has no answers");
    ensure!(
        u32::from(draws) <= n,
        "{draws} draws of {}: give fewer with --draws",
        count(n as usize, "answer")
    );
    if draws != args.draws {
        out.note(format!(
            "note: the epoch was closed with {}",
            count(draws.into(), "draw")
        ));
    }
    let exposure = abi::exposureOfCall {
        page,
        count: U256::from(n),
        draws: U256::from(draws),
    };
    let exposure = chain.client.read(books.book, &exposure)?;
    let own = line_of(&chain, &books, &line)?;
    let free = U256::from(own.balance).saturating_sub(U256::from(own.exposed));
    let asset = asset_of(&chain, line.version)?;
    ensure!(
        exposure <= free,
        "the epoch exposes {} of the line's bond, of which {} is free: {} is missing (nanozk epoch bond), or more draws",
        amount(asset, exposure),
        amount(asset, free),
        amount(asset, exposure.saturating_sub(free))
    );
    if !args.send.dry_run {
        folder.close(draws)?;
    }
    let progress = Progress::spinner("hashing answers");
    let trees = folder.trees(n)?;
    drop(progress);
    let epoch = abi::Epoch {
        provider: line.provider,
        version: line.version,
        page,
        statements: trees.statements.root(),
        receipts: trees.receipts.root(),
        terms: Terms::asked(number, n, draws).pack(),
    };
    let what = format!(
        "committing to {} of epoch {number}",
        count(n as usize, "answer")
    );
    let signature = Bytes::new();
    chain.send(&Call::new(
        what,
        books.book,
        &abi::commitCall { epoch, signature },
    ))?;
    Ok(())
}

/// Refuses the folder of another chain or deployment.
fn check_books(chain: &Chain<'_>, header: &Header) -> Result<()> {
    let books = Books::of(&chain.deployment)?;
    ensure!(
        books == header.books,
        "the epoch is of chain {} and the contract {}, this is chain {} with {}",
        header.books.chain_id,
        header.books.book,
        books.chain_id,
        books.book
    );
    Ok(())
}

/// What an epoch that was committed to needs.
struct Advance<'a> {
    args: &'a AdvanceArgs,
    data: &'a Data,
    out: &'a Out,
    chain: Chain<'a>,
    folder: Folder,
    epoch: Committed,
    trees: Trees,
    dir: ModelDir,
    manifest: CheckedManifest,
}

/// What is to be waited for.
enum Waits {
    Block(u64),
    Time(u64),
}

impl<'a> Advance<'a> {
    fn new(args: &'a AdvanceArgs, data: &'a Data, out: &'a Out) -> Result<Self> {
        let chain = Chain::sending(&args.send, out)?;
        let folder = Folder::open(&args.epoch)?;
        let header = folder.header().clone();
        check_books(&chain, &header)?;
        let (dir, manifest) = model_dir(&args.epoch, &header, args.model.as_deref())?;
        let found = Committed::find(&chain.client, &header.books, &header.line, header.number)?;
        let epoch = found.with_context(|| {
            format!(
                "epoch {} is not committed to: nanozk epoch close",
                header.number
            )
        })?;
        let progress = Progress::spinner("hashing answers");
        let trees = folder.trees(epoch.terms.count)?;
        drop(progress);
        let roots = [&trees.statements, &trees.receipts].map(|tree| tree.root());
        ensure!(
            roots == [epoch.epoch.statements, epoch.epoch.receipts],
            "the answers in {} are not those that were committed to: restore the folder",
            args.epoch.display()
        );
        Ok(Self {
            args,
            data,
            out,
            chain,
            folder,
            epoch,
            trees,
            dir,
            manifest,
        })
    }

    fn books(&self) -> &Books {
        &self.folder.header().books
    }

    /// Does what is due, until something has to be waited for.
    fn run(&self) -> Result<()> {
        loop {
            let header = self.folder.header();
            let line = line_of(&self.chain, self.books(), &header.line)?;
            ensure!(
                !line.over,
                "the line was slashed: its open epochs are never settled"
            );
            let waits = match Status::of(&self.chain.client, self.books(), self.epoch.id)? {
                Status::Committed => self.fix()?,
                Status::Fixed => self.prove(&line)?,
                Status::Proven => self.settle(&line)?,
                Status::Settled => return self.redeem(),
                Status::Void => bail!("the epoch is void: its verifier was frozen"),
                Status::Unknown => bail!(
                    "the chain does not know the epoch {} any more",
                    self.epoch.id
                ),
            };
            let goes_on = match waits {
                Some(waits) => self.wait(&waits)?,
                // Something was sent, unless nothing is.
                None => true,
            };
            if !goes_on || self.args.send.dry_run {
                return Ok(());
            }
        }
    }

    /// Says what is waited for, and waits if that was asked for.
    fn wait(&self, waits: &Waits) -> Result<bool> {
        let client = &self.chain.client;
        let head = client.head()?;
        let what = match waits {
            Waits::Block(block) => format!(
                "block {block}, in {}",
                count(block.saturating_sub(head.number) as usize, "block")
            ),
            Waits::Time(time) => when(*time, head.timestamp),
        };
        self.out.json(&json!({"event": "waiting", "for": what}));
        if !self.args.wait || self.args.send.dry_run {
            self.out.text(format!("to be gone on with after {what}"));
            return Ok(false);
        }
        let progress = Progress::spinner(&format!("waiting for {what}"));
        loop {
            let head = client.head()?;
            let is_there = match waits {
                Waits::Block(block) => head.number > *block,
                Waits::Time(time) => head.timestamp > *time,
            };
            if is_there {
                drop(progress);
                return Ok(true);
            }
            std::thread::sleep(POLL);
        }
    }

    /// The RANDAO of a block, and its header.
    fn seed(&self, block: u64) -> Result<(B256, Bytes)> {
        let header = Bytes::from(self.chain.client.header(block)?);
        let call = beacon_abi::seedOfCall {
            header: header.clone(),
            blockNumber: block,
        };
        Ok((
            self.chain.client.read(beacon_of(&self.chain)?, &call)?,
            header,
        ))
    }

    /// The directory of a drawn answer.
    fn session(&self, index: u32) -> SessionDir {
        SessionDir::new(self.args.epoch.join("drawn").join(index.to_string()))
    }

    /// Sessions of drawn answers: what is there is kept.
    fn claims(&self, drawn: &[u32]) -> Result<Vec<Claim>> {
        let header = self.folder.header();
        let parameters = self.data.parameters(&self.manifest)?;
        let progress = Progress::bar("committing to drawn answers", drawn.len());
        let local = local(&self.dir)?;
        let mut model = None;
        let mut claims = Vec::with_capacity(drawn.len());
        for (&index, answer) in drawn.iter().zip(self.folder.some(drawn)?) {
            let session = self.session(index);
            let context = header.line.context(&header.books, header.number, index);
            let kept = session
                .claim()
                .ok()
                .filter(|claim| claim.context == context);
            let claim = match kept {
                Some(claim) => claim,
                None => {
                    let secret = Secret {
                        format: SECRET_FORMAT.into(),
                        seed: answer.seed,
                        input_salt: None,
                        prompt: answer.prompt as usize,
                        tokens: answer.tokens.clone(),
                    };
                    let model = match &model {
                        Some(model) => model,
                        None => &*model.insert(self.dir.model(&self.manifest)?),
                    };
                    session.keep(&secret)?;
                    files::write_json(&session.path().join("local.json"), &local)?;
                    session.commit(model, &self.manifest, context, &parameters)?
                }
            };
            // One that is there may have been made of something else.
            let own = answer.receipt(header, index);
            let is_same = header
                .line
                .statement(&header.books, header.model_id, &own)
                .0
                == claim.statement();
            ensure!(
                is_same,
                "{} is a session of another answer than {index}: remove it",
                session.path().display()
            );
            claims.push(claim);
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

    fn fix(&self) -> Result<Option<Waits>> {
        let block = self.epoch.terms.draw_block;
        let head = self.chain.client.head()?;
        in_time(
            "commitments could be fixed",
            self.challenge_by()?,
            head.timestamp,
        )?;
        if head.number <= block {
            return Ok(Some(Waits::Block(block)));
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
        Ok(None)
    }

    fn fixed(&self) -> Result<FixedDraws> {
        let fixed = self.epoch.fixed(&self.chain.client, self.books())?;
        fixed.context("the chain has no event of what was fixed: ask another node")
    }

    fn prove(&self, line: &abi::Line) -> Result<Option<Waits>> {
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
            return Ok(Some(Waits::Block(block)));
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
            return Ok(None);
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
        let call = prove(self.books(), &self.epoch, openings, &file, payments);
        self.chain.send(&call)?;
        Ok(None)
    }

    /// The final proof of a layer of each drawn answer: the one on disk, if it is of these.
    fn proof(&self, page: &Page, seed: B256, drawn: &[u32], claims: &[Claim]) -> Result<FinalFile> {
        let layers = claims
            .iter()
            .map(|claim| audit::draw(&page.weights, 1, &seed.0, &claim.statement()));
        let layers: Vec<Vec<usize>> = layers.collect::<Result<_, _>>()?;
        let output = self.args.epoch.join("final.json");
        let kept: Option<FinalFile> = files::read_json_of_session(&output).ok();
        let is_of_these = |file: &FinalFile| {
            file.claims.len() == claims.len()
                && file
                    .claims
                    .iter()
                    .zip(claims)
                    .zip(&layers)
                    .all(|((said, claim), layers)| {
                        let windows = said.windows.iter().map(|w| (w.first as usize, w.count));
                        said.statement.0 == claim.statement()
                            && windows.eq(layers.iter().map(|l| (*l, 1)))
                    })
        };
        if let Some(file) = kept.filter(is_of_these) {
            self.out
                .text(format!("the final proof {} is there", output.display()));
            return Ok(file);
        }
        let opened = drawn
            .iter()
            .map(|index| Opened::new(self.session(*index).path(), Some(&self.dir.path)));
        let opened: Vec<Opened> = opened.collect::<Result<_>>()?;
        let plan = Plan {
            opened: &opened,
            layers: &layers,
            alone: true,
            memory: self.args.memory,
        };
        plan.finish(&output, self.data, self.out)
    }

    fn challenge_by(&self) -> Result<u64> {
        Ok(self.epoch.challenge_by(&self.chain.client, self.books())?)
    }

    /// Whether all epochs before it are settled.
    fn is_next(&self, line: &abi::Line) -> bool {
        line.next.to::<u32>() - u32::from(line.open) == self.epoch.terms.number
    }

    fn settle(&self, line: &abi::Line) -> Result<Option<Waits>> {
        let by = self.challenge_by()?;
        if self.chain.client.head()?.timestamp <= by {
            return Ok(Some(Waits::Time(by)));
        }
        ensure!(
            self.is_next(line),
            "epochs before {} are not settled: they come first",
            self.epoch.terms.number
        );
        let disputes = self.epoch.disputes(&self.chain.client, self.books())?;
        ensure!(
            disputes == 0,
            "{} of the epoch is not over: it settles when it is",
            count(disputes, "dispute")
        );
        let call = abi::settleCall {
            epoch: self.epoch.epoch.clone(),
        };
        let call = Call::new("settling the epoch", self.books().book, &call);
        self.chain.send(&call)?;
        Ok(None)
    }

    fn redeem(&self) -> Result<()> {
        let number = self.epoch.terms.number;
        self.out.text(format!("epoch {number} is settled"));
        let payments = self.payments()?;
        if !payments.is_empty() {
            let what = format!("redeeming {}", count(payments.len(), "voucher"));
            self.chain.send(&Call::new(
                what,
                self.books().book,
                &abi::redeemCall { payments },
            ))?;
        }
        self.out
            .json(&json!({"event": "settled", "epoch": self.epoch.id, "number": number}));
        Ok(())
    }

    /// Vouchers that pay something now, or once this epoch is settled.
    fn payments(&self) -> Result<Vec<Payment>> {
        let Some(directory) = &self.args.vouchers else {
            return Ok(Vec::new());
        };
        let header = self.folder.header();
        let client = &self.chain.client;
        let mut payments = Vec::new();
        for path in json_files(directory)? {
            let named = || path.display().to_string();
            let voucher: Voucher = files::read_json(&path)?;
            let is_contract = !client.code(voucher.requester)?.is_empty();
            let payment = voucher
                .payment(&header.books, &header.line, is_contract)
                .with_context(named)?;
            let channel = channel_of(&self.chain, voucher.requester, &header.line)?;
            let (paid, deposited) = (U256::from(channel.redeemed), U256::from(channel.deposited));
            let why = if voucher.round != channel.round {
                Some("is of another round of its channel")
            } else if voucher.amount <= paid {
                Some("is redeemed")
            } else if voucher.amount > deposited {
                Some("is of more than its channel has: ask its requester for nanozk channel fund")
            } else if voucher.epoch > self.epoch.terms.number {
                Some("is of a later epoch")
            } else {
                None
            };
            match why {
                None => payments.push(payment),
                Some(why) => self.out.note(format!("note: {} {why}", path.display())),
            }
        }
        Ok(payments)
    }
}

/// Refuses what a contract would refuse, before it takes long.
fn in_time(what: &str, by: u64, now: u64) -> Result<()> {
    ensure!(
        now <= by,
        "{what} until {}: anybody can have the line slashed for it",
        when(by, now)
    );
    Ok(())
}

/// Files of a directory whose name says JSON, by name.
fn json_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("cannot list {}", directory.display());
    let entries = std::fs::read_dir(directory).with_context(failed)?;
    let paths = entries.map(|entry| Ok(entry.with_context(failed)?.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    Ok(paths)
}

fn paths(args: &PathsArgs, out: &Out) -> Result<()> {
    let folder = Folder::open(&args.epoch)?;
    let closed = folder.closed()?;
    let closed =
        closed.context("the epoch is open: its answers are committed to by nanozk epoch close")?;
    let found = Paths::of(
        &folder,
        closed.count,
        args.requester,
        args.answers.as_deref(),
    )?;
    ensure!(
        !found.answers.is_empty(),
        "the epoch has no answers for {}",
        args.requester
    );
    files::write_json(&args.output, &found)?;
    out.text(format!(
        "paths of {} for {}: {}",
        count(found.answers.len(), "answer"),
        args.requester,
        args.output.display()
    ));
    out.json(&json!({"event": "paths", "answers": found.answers.len(), "file": args.output}));
    Ok(())
}

fn status(args: &EpochStatusArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &Default::default(), out)?;
    let header = Folder::header_of(&args.epoch)?;
    check_books(&chain, &header)?;
    let Header {
        books,
        line,
        number,
        ..
    } = &header;
    let (client, asset) = (&chain.client, asset_of(&chain, line.version)?);
    let own = line_of(&chain, books, line)?;
    let found = Committed::find(client, books, line, *number)?;
    let status = match &found {
        None => Status::Unknown,
        Some(found) => Status::of(client, books, found.id)?,
    };
    let name = status.name();
    out.text(format!(
        "epoch          {number} of {} ({name})",
        line.provider
    ));
    out.text(format!("version        {}", line.version));
    let bond = format!(
        "{}, of which {} exposed{}",
        amount(asset, U256::from(own.balance)),
        amount(asset, U256::from(own.exposed)),
        if own.over { "; the line is over" } else { "" }
    );
    out.text(format!("bond           {bond}"));
    if let Some(found) = &found {
        let terms = &found.terms;
        let now = client.head()?.timestamp;
        out.text(format!("id             {}", found.id));
        out.text(format!(
            "answers        {}, of which {} drawn from block {}",
            terms.count, terms.draws, terms.draw_block
        ));
        out.text(format!("exposes        {}", amount(asset, terms.exposure)));
        out.text(format!(
            "disputed until {}",
            when(found.challenge_by(client, books)?, now)
        ));
    }
    out.json(&json!({
        "event": "status",
        "number": number,
        "status": name,
        "line": line,
        "balance": own.balance.to_string(),
        "exposed": own.exposed.to_string(),
        "over": own.over,
        "id": found.as_ref().map(|f| f.id),
        "answers": found.as_ref().map(|f| f.terms.count),
        "draws": found.as_ref().map(|f| f.terms.draws),
    }));
    Ok(())
}
