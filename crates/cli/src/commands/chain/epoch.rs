//! `nanozk epoch`: answers behind one bond and one proof.

mod advance;
mod answering;
mod defend;
mod due;
mod keep;
mod vouchers;
mod work;

pub(super) use vouchers::json_files;

use super::job::version_of;
use super::{Chain, when};
use crate::args::{
    CloseEpochArgs, EnrollArgs, EpochCommand, EpochStatusArgs, LineAmountArgs, OpenEpochArgs,
    PathsArgs,
};
use crate::commands::run::{local, model_of};
use crate::data::Data;
use crate::output::{Out, Progress, count};
use anyhow::{Context, Error, Result, bail, ensure};
use nanozk::model_dir::ModelDir;
use nanozk_chain::bindings::epochs as abi;
use nanozk_chain::bindings::registry;
use nanozk_chain::client::Call;
use nanozk_chain::epoch::answers::{Closed, EPOCH_FORMAT, Folder, Header};
use nanozk_chain::epoch::opening::enroll;
use nanozk_chain::epoch::paths::Paths;
use nanozk_chain::epoch::{Books, Committed, Line, Status, Terms, page_of};
use nanozk_chain::format::amount;
use nanozk_chain::primitives::{Address, B256, Bytes, U256};
use nanozk_prover::files;
use nanozk_verifier::CheckedManifest;
use serde_json::json;
use std::path::Path;

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
        EpochCommand::Answer(args) => answering::answer(args, data, out),
        EpochCommand::AnswerAll(args) => answering::answer_all(args, data, out),
        EpochCommand::Close(args) => close(args, out),
        EpochCommand::Advance(args) => advance::advance(args, data, out),
        EpochCommand::Keep(args) => keep::keep(args, data, out),
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
    if let Some(page) = page_of(&chain.client, &books, version, &manifest)? {
        chain.already(&format!(
            "the version {version} has the page {}",
            page.address
        ));
        return Ok(());
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
pub(super) fn line_of(chain: &Chain<'_>, books: &Books, line: &Line) -> Result<abi::Line> {
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
            dir.path().display(),
            manifest.id()
        );
    }
    Ok((dir, manifest))
}

fn close(args: &CloseEpochArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let mut folder = Folder::open(&args.epoch)?;
    // What was closed stays so, whatever is asked for now.
    let asked = Closed {
        count: folder.count(),
        draws: args.draws,
    };
    let closed = folder.closed()?;
    if let Some(other) = closed.filter(|closed| closed.draws != args.draws) {
        out.note(format!(
            "note: the epoch was closed with {}",
            count(other.draws.into(), "draw")
        ));
    }
    let (_, manifest) = model_dir(&args.epoch, folder.header(), args.model.as_deref())?;
    let closed = closed.unwrap_or(asked);
    let commit = Commit::new(&chain, folder.header(), &manifest, closed)?;
    let Some(commit) = commit else {
        return Ok(());
    };
    if !args.send.dry_run {
        folder.close(args.draws)?;
    }
    commit.send(&folder)
}

/// Whether the verifier of a page is not frozen.
pub(super) fn is_usable(chain: &Chain<'_>, books: &Books, page: Address) -> Result<bool> {
    let verifier = chain
        .client
        .read(books.book, &abi::pageOfCall { page })?
        .verifier;
    let registry = chain.address("ModelRegistry")?;
    let call = registry::verifierUsableCall { verifier };
    Ok(chain.client.read(registry, &call)?)
}

/// What is committed to of a closed epoch, which its line has the bond for.
struct Commit<'a> {
    chain: &'a Chain<'a>,
    page: Address,
    closed: Closed,
}

impl<'a> Commit<'a> {
    /// None if it was committed to before.
    fn new(
        chain: &'a Chain<'a>,
        header: &Header,
        manifest: &CheckedManifest,
        closed: Closed,
    ) -> Result<Option<Self>> {
        check_books(chain, header)?;
        let Header {
            books,
            line,
            number,
            ..
        } = header;
        if let Some(found) = Committed::find(&chain.client, books, line, *number)? {
            chain.already(&format!("epoch {number} is committed to: {}", found.id));
            return Ok(None);
        }
        let account = chain.client.account()?;
        ensure!(
            account == line.provider,
            "the epoch is {}'s, the key is of {account}",
            line.provider
        );
        let page = page_of(&chain.client, books, line.version, manifest)?;
        let page = page.with_context(|| {
            format!(
                "the version {} has no page with all programs: nanozk epoch enroll",
                line.version
            )
        })?;
        let page = page.address;
        ensure!(
            is_usable(chain, books, page)?,
            "the verifier of the version {} is frozen: nobody is paid under it any more",
            line.version
        );
        let Closed { count: n, draws } = closed;
        ensure!(n > 0, "epoch {number} has no answers");
        ensure!(
            u32::from(draws) <= n,
            "{draws} draws of {}: give fewer with --draws",
            count(n as usize, "answer")
        );
        let own = line_of(chain, books, line)?;
        let next: u32 = own.next.to();
        ensure!(
            next == *number,
            "epoch {next} of the line comes first: epochs are committed to in order"
        );
        let exposure = abi::exposureOfCall {
            page,
            count: U256::from(n),
            draws: U256::from(draws),
        };
        let exposure = chain.client.read(books.book, &exposure)?;
        let free = U256::from(own.balance).saturating_sub(U256::from(own.exposed));
        let asset = asset_of(chain, line.version)?;
        ensure!(
            exposure <= free,
            "the epoch exposes {} of the line's bond, of which {} is free: {} is missing (nanozk epoch bond), or more draws",
            amount(asset, exposure),
            amount(asset, free),
            amount(asset, exposure.saturating_sub(free))
        );
        Ok(Some(Self {
            chain,
            page,
            closed,
        }))
    }

    fn send(&self, folder: &Folder) -> Result<()> {
        let Header {
            books,
            line,
            number,
            ..
        } = folder.header();
        let Closed { count: n, draws } = self.closed;
        let progress = Progress::spinner("hashing answers");
        let trees = folder.trees(n)?;
        drop(progress);
        let epoch = abi::Epoch {
            provider: line.provider,
            version: line.version,
            page: self.page,
            statements: trees.statements.root(),
            receipts: trees.receipts.root(),
            terms: Terms::asked(*number, n, draws).pack(),
        };
        let what = format!(
            "committing to {} of epoch {number}",
            count(n as usize, "answer")
        );
        let signature = Bytes::new();
        self.chain.send(&Call::new(
            what,
            books.book,
            &abi::commitCall { epoch, signature },
        ))?;
        Ok(())
    }
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

fn paths(args: &PathsArgs, out: &Out) -> Result<()> {
    let (folder, closed) = Folder::open_closed(&args.epoch)?;
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
