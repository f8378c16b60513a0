//! `nanozk dispute`: demands of receipts and challenges of answers, for whoever is not the provider.

mod watch;

use super::epoch::{asset_of, is_usable, line_of};
use super::{Chain, when};
use crate::Outcome;
use crate::args::{
    AskArgs, ChallengeAnswerArgs, ContradictArgs, DemandArgs, DisputeCommand, EnforceArgs,
    LayersOrAll, ListDisputesArgs, WhichAnswerArgs, WhichEpochArgs,
};
use crate::commands::judged;
use crate::output::{Out, count};
use anyhow::{Context, Error, Result, bail, ensure};
use nanozk_chain::bindings::disputes::AnswerReceipt;
use nanozk_chain::bindings::epochs::{self, FixedDraws};
use nanozk_chain::bindings::registry;
use nanozk_chain::claim::layers_of;
use nanozk_chain::epoch::answers::EpochReceipt;
use nanozk_chain::epoch::dispute::{
    Dispute, Subject, Turn, ask, bond_of, challenge, challenge_id, contradict, demand, demand_id,
    expire, resolve, timeout, void,
};
use nanozk_chain::epoch::opening::Page;
use nanozk_chain::epoch::paths::Paths;
use nanozk_chain::epoch::{Books, Committed, Line, Status};
use nanozk_chain::format::{Amount, amount};
use nanozk_chain::primitives::{B256, Bytes, U256};
use nanozk_prover::files;
use nanozk_verifier::hex::Digest32;
use serde_json::json;
use std::path::Path;

pub(in crate::commands) fn dispute(command: &DisputeCommand, out: &Out) -> Result<Outcome> {
    match command {
        DisputeCommand::Demand(args) => demand_receipt(args, out)?,
        DisputeCommand::Challenge(args) => challenge_answer(args, out)?,
        DisputeCommand::Ask(args) => ask_for_layers(args, out)?,
        DisputeCommand::Contradict(args) => contradict_receipts(args, out)?,
        DisputeCommand::Enforce(args) => enforce(args, out)?,
        DisputeCommand::List(args) => list(args, out)?,
        DisputeCommand::Watch(args) => return judged(out, json!({}), watch::watch(args, out)),
    }
    Ok(Outcome::Done)
}

/// A receipt that its provider signed for these contracts.
fn receipt_of(books: &Books, path: &Path) -> Result<(EpochReceipt, AnswerReceipt)> {
    let named = || path.display().to_string();
    let file = EpochReceipt::from_json(files::read_json(path)?).with_context(named)?;
    let receipt = file.check().with_context(named)?;
    ensure!(
        file.books == *books,
        "{} is of chain {} and the contract {}, the deployment is chain {} with {}",
        named(),
        file.books.chain_id,
        file.books.book,
        books.chain_id,
        books.book
    );
    Ok((file, receipt))
}

/// An epoch on chain.
struct Found {
    books: Books,
    line: Line,
    epoch: Committed,
    /// The answer of the receipt by which it was named.
    answer: Option<u32>,
}

impl Found {
    fn of(chain: &Chain<'_>, which: &WhichEpochArgs) -> Result<Self> {
        let books = Books::of(&chain.deployment)?;
        let (line, number, answer) = match which {
            WhichEpochArgs {
                receipt: Some(path),
                ..
            } => {
                let (file, _) = receipt_of(&books, path)?;
                (file.line, file.epoch, Some(file.index))
            }
            WhichEpochArgs {
                provider: Some(provider),
                model_version: Some(version),
                epoch: Some(number),
                ..
            } => {
                let (provider, version) = (*provider, *version);
                (Line { provider, version }, *number, None)
            }
            _ => bail!(
                "an epoch is named by --receipt, or by --provider, --model-version and --epoch"
            ),
        };
        Self::new(chain, books, line, number, answer)
    }

    fn new(
        chain: &Chain<'_>,
        books: Books,
        line: Line,
        number: u32,
        answer: Option<u32>,
    ) -> Result<Self> {
        let found = Self::find(chain, books, line, number, answer)?;
        found.with_context(|| {
            format!(
                "{} did not commit to epoch {number}: nothing can be disputed, nor be paid for",
                line.provider
            )
        })
    }

    /// None if its provider did not commit to it.
    fn find(
        chain: &Chain<'_>,
        books: Books,
        line: Line,
        number: u32,
        answer: Option<u32>,
    ) -> Result<Option<Self>> {
        let found = Committed::find(&chain.client, &books, &line, number)?;
        Ok(found.map(|epoch| Self {
            books,
            line,
            epoch,
            answer,
        }))
    }

    fn status(&self, chain: &Chain<'_>) -> Result<Status> {
        Ok(Status::of(&chain.client, &self.books, self.epoch.id)?)
    }

    /// Refuses an epoch in which nothing can begin any more.
    fn check_disputable(&self, chain: &Chain<'_>) -> Result<()> {
        let status = self.status(chain)?;
        ensure!(
            status.is_live(),
            "epoch {} is {}: it cannot be disputed any more",
            self.epoch.terms.number,
            status.name()
        );
        let now = chain.client.head()?.timestamp;
        let by = self.epoch.challenge_by(&chain.client, &self.books)?;
        ensure!(
            now <= by,
            "epoch {} could be disputed until {}",
            self.epoch.terms.number,
            when(by, now)
        );
        Ok(())
    }

    fn disputes(&self, chain: &Chain<'_>) -> Result<Vec<Dispute>> {
        Ok(Dispute::all(&chain.client, &self.books, self.epoch.id)?)
    }

    /// The demand to see a receipt, if there is one.
    fn demand_of(&self, chain: &Chain<'_>, receipt: &AnswerReceipt) -> Result<Option<Dispute>> {
        let digest = self.books.receipt(receipt);
        let id = demand_id(self.epoch.id, digest);
        let subject = Subject::Receipt(digest);
        Ok(Dispute::read(&chain.client, &self.books, id, subject)?)
    }

    /// The account's challenge of an answer, if there is one.
    fn own_challenge(&self, chain: &Chain<'_>, index: u32) -> Result<Option<Dispute>> {
        let id = challenge_id(self.epoch.id, index, chain.client.account()?);
        Ok(Dispute::read(
            &chain.client,
            &self.books,
            id,
            Subject::Answer(index),
        )?)
    }
    /// Challenges an answer, if that takes no more than so much.
    fn challenge(&self, chain: &Chain<'_>, index: u32, most: Option<&Amount>) -> Result<()> {
        let page = epochs::pageOfCall {
            page: self.epoch.epoch.page,
        };
        let page = chain.client.read(self.books.book, &page)?;
        let expected = chain.address("FinalVerifier")?;
        ensure!(
            page.verifier == expected,
            "proofs of this epoch are judged by {}, which is not this deployment's verifier, {expected}: a challenge could be \
             answered though the answer is false, and its bond be lost",
            page.verifier
        );
        let bond = bond_of(&chain.client, &self.books, &self.epoch)?;
        let asset = asset_of(chain, self.line.version)?;
        let most = most.map(|most| most.of(asset));
        let most = most.transpose().map_err(Error::msg)?;
        // A few challenges may come first, as somebody's who wants to keep this one away.
        let most = most.unwrap_or(bond * U256::from(2));
        ensure!(
            bond <= most,
            "a challenge of the line takes a bond of {} now, as others challenge it too: raise --max-bond, or wait until their bonds \
             are moved",
            amount(asset, bond)
        );
        let account = chain.client.account()?;
        chain.require_free(account, asset, bond, "the bond of the challenge")?;
        chain.send(&challenge(&self.books, &self.epoch, index, most))?;
        Ok(())
    }

    /// Number of the model's layers.
    fn layers(&self, chain: &Chain<'_>) -> Result<usize> {
        let page = Page::read(&chain.client, self.epoch.epoch.page)?;
        Ok(page.weights.len())
    }

    /// Voids the epoch if nobody can lose by silence any more, as its proofs have no judge: that gives bonds back. Says whether there
    /// was something to do.
    fn void(&self, chain: &Chain<'_>) -> Result<bool> {
        let voids = self.is_open(chain)? && !is_usable(chain, &self.books, self.epoch.epoch.page)?;
        if voids {
            chain.send(&void(&self.books, &self.epoch))?;
        }
        Ok(voids)
    }

    fn is_over(&self, chain: &Chain<'_>) -> Result<bool> {
        Ok(line_of(chain, &self.books, &self.line)?.over)
    }

    /// Whether it can be slashed for.
    fn is_open(&self, chain: &Chain<'_>) -> Result<bool> {
        Ok(self.status(chain)?.is_live() && !self.is_over(chain)?)
    }

    /// Ends a dispute in which somebody was silent, and moves its bond; says how many transactions that took.
    fn end(&self, chain: &Chain<'_>, dispute: &Dispute) -> Result<usize> {
        let now = chain.client.head()?.timestamp;
        let mut sent = usize::from(self.void(chain)?);
        if now > dispute.until && !dispute.turn.is_over() && self.is_open(chain)? {
            chain.send(&timeout(&self.books, &self.epoch, dispute))?;
            sent += 1;
        }
        if dispute.is_bonded && self.moves(chain, dispute, now)? {
            chain.send(&resolve(&self.books, &self.epoch, dispute))?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Whether the bond of a dispute can be moved.
    fn moves(&self, chain: &Chain<'_>, dispute: &Dispute, now: u64) -> Result<bool> {
        if !self.status(chain)?.is_live() {
            return Ok(true);
        }
        let is_usable = is_usable(chain, &self.books, self.epoch.epoch.page)?;
        Ok(self.is_over(chain)? && (!is_usable || dispute.has_ended(now)))
    }

    /// Asks for layers of an answer that the account challenges.
    fn ask(&self, chain: &Chain<'_>, index: u32, layers: &[usize]) -> Result<()> {
        let set = layers
            .iter()
            .fold(U256::ZERO, |set, layer| set | U256::from(1) << *layer);
        chain.send(&ask(&self.books, &self.epoch, index, set))?;
        Ok(())
    }
}

/// An answer of an epoch.
fn answer_of(chain: &Chain<'_>, which: &WhichAnswerArgs) -> Result<(Found, u32)> {
    let found = Found::of(chain, &which.epoch)?;
    let index = which.answer.or(found.answer);
    let index =
        index.context("an answer is named by --receipt, or by --answer beside its epoch")?;
    let count = found.epoch.terms.count;
    ensure!(
        index < count,
        "the provider committed to {count} answers, of which {index} is none: demand the receipt (nanozk dispute demand)"
    );
    Ok((found, index))
}

fn demand_receipt(args: &DemandArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let books = Books::of(&chain.deployment)?;
    let (file, receipt) = receipt_of(&books, &args.receipt)?;
    let account = chain.client.account()?;
    ensure!(
        account == receipt.requester,
        "only its requester may demand it: the receipt names {}, the key is of {account}",
        receipt.requester
    );
    let found = Found::new(&chain, books, file.line, file.epoch, Some(file.index))?;
    if let Some(known) = found.demand_of(&chain, &receipt)? {
        chain.already(&format!("the receipt is demanded ({})", known.turn.name()));
        return Ok(());
    }
    found.check_disputable(&chain)?;
    chain.send(&demand(&books, &found.epoch, receipt, file.signature))?;
    Ok(())
}

/// Refuses a receipt that may not be what the provider committed to in its place: then another answer would be proved, and the bond
/// be lost.
fn check_place(
    chain: &Chain<'_>,
    found: &Found,
    receipt: &Path,
    paths: Option<&Path>,
) -> Result<()> {
    let (_, receipt) = receipt_of(&found.books, receipt)?;
    if let Some(paths) = paths {
        let paths: Paths = files::read_json(paths)?;
        let call = registry::modelIdCall {
            version: found.line.version,
        };
        let model = chain.client.read(chain.address("ModelRegistry")?, &call)?;
        let receipts = std::slice::from_ref(&receipt);
        return Ok(paths.check(&found.epoch, Digest32(model.0), receipts)?);
    }
    let known = found.demand_of(chain, &receipt)?;
    ensure!(
        known.is_some_and(|known| known.turn == Turn::Answered),
        "the provider may have committed to another answer in that place, prove that one, and take the bond: give --paths that lead \
         from the receipt, or demand it first (nanozk dispute demand), which takes no bond"
    );
    Ok(())
}

fn challenge_answer(args: &ChallengeAnswerArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (found, index) = answer_of(&chain, &args.which)?;
    if let Some(known) = found.own_challenge(&chain, index)? {
        let turn = known.turn.name();
        chain.already(&format!("the account challenges answer {index} ({turn})"));
        return Ok(());
    }
    found.check_disputable(&chain)?;
    if let Some(receipt) = &args.which.epoch.receipt {
        check_place(&chain, &found, receipt, args.paths.as_deref())?;
    }
    found.challenge(&chain, index, args.max_bond.as_ref())
}

fn ask_for_layers(args: &AskArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let (found, index) = answer_of(&chain, &args.which)?;
    let own = found.own_challenge(&chain, index)?;
    let own = own.with_context(|| {
        format!("the account does not challenge answer {index}: nanozk dispute challenge")
    })?;
    let now = chain.client.head()?.timestamp;
    match own.turn {
        Turn::Open => bail!(
            "the provider did not fix activation commitments yet: it has time until {}",
            when(own.until, now)
        ),
        Turn::Fixed => {}
        Turn::Asked | Turn::Answered | Turn::Dropped => {
            chain.already(&format!(
                "the challenge of answer {index} is {}",
                own.turn.name()
            ));
            return Ok(());
        }
    }
    let count = found.layers(&chain)?;
    let layers: Vec<usize> = match &args.layers {
        LayersOrAll::All => (0..count).collect(),
        LayersOrAll::List(list) => list.0.clone(),
    };
    if let Some(beyond) = layers.iter().find(|layer| **layer >= count) {
        bail!("the model has {count} layers: there is no layer {beyond}");
    }
    found.ask(&chain, index, &layers)
}

fn contradict_receipts(args: &ContradictArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let books = Books::of(&chain.deployment)?;
    let [(one, first), (other, second)] = {
        let read = |path| receipt_of(&books, path);
        [read(&args.receipt)?, read(&args.other)?]
    };
    let place = |file: &EpochReceipt| (file.line, file.epoch, file.index);
    ensure!(
        place(&one) == place(&other),
        "the receipts are of different places: answer {} of epoch {} and answer {} of epoch {}",
        one.index,
        one.epoch,
        other.index,
        other.epoch
    );
    ensure!(
        books.receipt(&first) != books.receipt(&second),
        "both say the same: nothing contradicts anything"
    );
    let line = line_of(&chain, &books, &one.line)?;
    if line.over {
        chain.already(&format!("the line of {} is over", one.line.provider));
        return Ok(());
    }
    let signed = |receipt: AnswerReceipt, file: EpochReceipt| -> (AnswerReceipt, Bytes) {
        (receipt, file.signature)
    };
    chain.send(&contradict(
        &books,
        [signed(first, one), signed(second, other)],
    ))?;
    Ok(())
}

/// Whether an epoch can be expired, and with what; else until when it cannot.
enum Silence {
    /// Now.
    Missed(Option<FixedDraws>),
    /// The provider has time until then.
    Until(u64),
    /// It is proven.
    None,
}

fn silence(chain: &Chain<'_>, found: &Found, status: Status, now: u64) -> Result<Silence> {
    let client = &chain.client;
    let (by, fixed) = match status {
        Status::Committed => (found.epoch.challenge_by(client, &found.books)?, None),
        Status::Fixed => {
            let fixed = found.epoch.fixed(client, &found.books)?;
            let fixed =
                fixed.context("the chain has no event of what was fixed: ask another node")?;
            let by = found.epoch.prove_by(client, &found.books, &fixed)?;
            (by, Some(fixed))
        }
        _ => return Ok(Silence::None),
    };
    Ok(match now > by {
        true => Silence::Missed(fixed),
        false => Silence::Until(by),
    })
}

fn enforce(args: &EnforceArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let found = Found::of(&chain, &args.which)?;
    let now = chain.client.head()?.timestamp;
    match enforced(&chain, &found)? {
        (0, Some(next)) => chain.already(&format!("nobody is late before {}", when(next, now))),
        (0, None) => chain.already("nobody is late"),
        _ => {}
    }
    Ok(())
}

/// Does what silence allows; says how many transactions that took, and when more may be allowed.
fn enforced(chain: &Chain<'_>, found: &Found) -> Result<(usize, Option<u64>)> {
    let now = chain.client.head()?.timestamp;
    let mut sent = usize::from(found.void(chain)?);
    let mut next = Vec::new();
    if sent == 0 && found.is_open(chain)? {
        match silence(chain, found, found.status(chain)?, now)? {
            Silence::Missed(fixed) => {
                chain.send(&expire(&found.books, &found.epoch, fixed))?;
                sent += 1;
            }
            Silence::Until(by) => next.push(by),
            Silence::None => {}
        }
    }
    let mut disputes = found.disputes(chain)?;
    // Its own first: whoever began the one that ends the line has the reward.
    let account = chain.client.account()?;
    disputes.sort_by_key(|dispute| dispute.challenger != account);
    for dispute in &disputes {
        sent += found.end(chain, dispute)?;
        if !dispute.turn.is_over() && dispute.until >= now {
            next.push(dispute.until);
        }
    }
    // The bond of a dispute that was answered waits for the end of another, which ends the line: its own came first.
    if sent > 0 && found.is_over(chain)? {
        for dispute in found.disputes(chain)?.iter().filter(|d| d.is_bonded) {
            sent += found.end(chain, dispute)?;
        }
    }
    Ok((sent, next.into_iter().min()))
}

fn list(args: &ListDisputesArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &Default::default(), out)?;
    let found = Found::of(&chain, &args.which)?;
    let now = chain.client.head()?.timestamp;
    let disputes = found.disputes(&chain)?;
    out.text(format!(
        "{} of epoch {} of {}",
        count(disputes.len(), "dispute"),
        found.epoch.terms.number,
        found.line.provider
    ));
    for dispute in &disputes {
        let turn = match dispute.turn {
            turn if turn.is_over() => turn.name().to_owned(),
            turn => format!(
                "{}, {} until {}",
                turn.name(),
                match turn.is_providers() {
                    true => "the provider has time",
                    false => "the challenger has time",
                },
                when(dispute.until, now)
            ),
        };
        out.text(format!("  {}: {turn}", dispute.what()));
    }
    let said: Vec<_> = disputes
        .iter()
        .map(|dispute| {
            let (receipt, answer): (Option<B256>, Option<u32>) = match dispute.subject {
                Subject::Receipt(digest) => (Some(digest), None),
                Subject::Answer(index) => (None, Some(index)),
            };
            json!({
                "id": dispute.id,
                "receipt": receipt,
                "answer": answer,
                "challenger": dispute.challenger,
                "status": dispute.turn.name(),
                "until": dispute.until,
                "bonded": dispute.is_bonded,
                "asked": layers_of(dispute.asked),
            })
        })
        .collect();
    out.json(&json!({"event": "disputes", "epoch": found.epoch.id, "disputes": said}));
    Ok(())
}
