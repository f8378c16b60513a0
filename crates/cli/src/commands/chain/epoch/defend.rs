//! A provider's answers to disputes about an epoch.

use super::advance::{in_time, Advance, Step};
use super::work::{Proof, Work};
use anyhow::{ensure, Context, Result};
use nanozk_chain::claim::layers_of;
use nanozk_chain::epoch::answers::Answer;
use nanozk_chain::epoch::dispute::{timeout, Dispute, Own, Subject, Turn};

/// Receipts that are shown at once.
const QUICK: usize = 64;
/// Challenges that are answered at once.
const LONG: usize = 4;

impl Advance<'_> {
    /// All disputes of the epoch.
    pub(super) fn disputes(&self) -> Result<Vec<Dispute>> {
        Ok(Dispute::all(
            &self.chain.client,
            self.books(),
            self.epoch.id,
        )?)
    }

    /// Whether the provider has to answer in one.
    pub(super) fn is_disputed(&self) -> Result<bool> {
        // Events are asked for only if there is something in them.
        if self.epoch.disputes(&self.chain.client, self.books())? == 0 {
            return Ok(false);
        }
        Ok(self.disputes()?.iter().any(|d| d.turn.is_providers()))
    }

    /// Does what is due in some disputes, those whose time is over first, or says what takes long; none if nothing is due.
    pub(super) fn defend(&self, may_work: bool) -> Result<Option<Step>> {
        if self.epoch.disputes(&self.chain.client, self.books())? == 0 {
            return Ok(None);
        }
        let now = self.chain.client.head()?.timestamp;
        let mut disputes = self.disputes()?;
        disputes.sort_by_key(|dispute| dispute.until);
        let is_due = |dispute: &&Dispute| match dispute.turn {
            Turn::Open | Turn::Asked => true,
            // The challenger was silent: without that the epoch would never be settled.
            Turn::Fixed => now > dispute.until,
            Turn::Answered | Turn::Dropped => false,
        };
        let (mut quick, mut long) = (Vec::new(), Vec::new());
        for dispute in disputes.iter().filter(is_due) {
            match (dispute.subject, dispute.turn) {
                (_, Turn::Fixed) | (Subject::Receipt(_), _) => quick.push(dispute),
                _ => long.push(dispute),
            }
        }
        let has_quick = !quick.is_empty();
        quick.truncate(QUICK);
        self.send_quick(&quick, now)?;
        let long = self.answer_challenges(&long, now, may_work)?;
        Ok(long.or(has_quick.then_some(Step::Sent)))
    }

    /// The same of challenges only, of a line that was slashed: what is left to be had are bonds.
    pub(super) fn defend_bonds(&self, may_work: bool) -> Result<Option<Step>> {
        let now = self.chain.client.head()?.timestamp;
        let mut disputes = self.disputes()?;
        disputes.retain(|d| d.is_bonded && d.turn.is_providers() && !d.has_ended(now));
        disputes.sort_by_key(|dispute| dispute.until);
        let disputes: Vec<&Dispute> = disputes.iter().collect();
        self.answer_challenges(&disputes, now, may_work)
    }

    /// Sends the answers that were made, or says what the first takes that was not.
    fn answer_challenges(
        &self,
        disputes: &[&Dispute],
        now: u64,
        may_work: bool,
    ) -> Result<Option<Step>> {
        let Some(first) = disputes.first() else {
            return Ok(None);
        };
        if !may_work {
            return Ok(Some(Step::Long(first.until)));
        }
        let disputes = &disputes[..disputes.len().min(LONG)];
        for (i, dispute) in disputes.iter().enumerate() {
            let Some(mut work) = self.answer_challenge(dispute, now)? else {
                continue;
            };
            // Sessions are made with one model that is loaded once.
            let others = disputes[i + 1..].iter().filter(|d| d.turn == Turn::Open);
            for other in others.filter(|_| work.proof.is_none()) {
                let (index, answer) = self.challenged(other)?;
                work.answers.push(self.of_challenged(index, answer));
            }
            return Ok(Some(Step::Work(Box::new(work))));
        }
        Ok(Some(Step::Sent))
    }

    /// The answer that a challenge is of.
    fn challenged(&self, dispute: &Dispute) -> Result<(u32, Answer)> {
        let index = self.place_of(dispute)?;
        let answer = self.folder.some(&[index])?.pop();
        Ok((index, answer.context("the answer is gone")?))
    }

    /// Answers to demands, and what ends challenges that ask for nothing: together, since anybody who was answered can demand
    /// as many as were given, for nothing.
    fn send_quick(&self, disputes: &[&Dispute], now: u64) -> Result<()> {
        let mut places = Vec::new();
        let mut calls = Vec::new();
        for dispute in disputes {
            if dispute.turn == Turn::Fixed {
                calls.push(timeout(self.books(), &self.epoch, dispute));
                continue;
            }
            self.check_time(dispute, now)?;
            // What cannot be shown must not keep others from being shown.
            match self.place_of(dispute) {
                Ok(place) => places.push(place),
                Err(e) => self.chain.out.note(format!("WARNING: {e:#}")),
            }
        }
        places.sort_unstable();
        let answers = self.folder.some(&places)?;
        for (&index, answer) in places.iter().zip(&answers) {
            calls.push(self.own(index, answer).show());
        }
        ensure!(
            !calls.is_empty() || disputes.is_empty(),
            "{} wants to see a receipt that the provider signed and did not commit to: nothing can be shown, and the line will \
             be slashed",
            disputes.first().map(|d| d.challenger).unwrap_or_default()
        );
        self.chain.send_all(&calls)
    }

    fn own<'a>(&'a self, index: u32, answer: &'a Answer) -> Own<'a> {
        Own {
            header: self.folder.header(),
            epoch: &self.epoch,
            trees: &self.trees,
            index,
            answer,
        }
    }

    fn check_time(&self, dispute: &Dispute, now: u64) -> Result<()> {
        let what = format!("{} could be answered", dispute.what());
        in_time(&what, dispute.until, now)
    }

    /// What an answer of the provider's takes; none if it was made, and is sent.
    fn answer_challenge(&self, dispute: &Dispute, now: u64) -> Result<Option<Work>> {
        self.check_time(dispute, now)?;
        let (index, answer) = self.challenged(dispute)?;
        let wanted = self.of_challenged(index, answer.clone());
        let output = wanted.session.path().join("final.json");
        let what = format!("committing to challenged answer {index}");
        let mut work = self.work(what, dispute.until, vec![wanted]);
        if dispute.turn == Turn::Asked {
            work.what = format!("proving challenged answer {index}");
            // By whatever programs take least: the contract takes more than was asked for.
            work.proof = Some(Proof {
                layers: vec![layers_of(dispute.asked)],
                alone: false,
                memory: self.memory,
                output,
            });
        }
        let Some(done) = work.done()? else {
            return Ok(Some(work));
        };
        let own = self.own(index, &answer);
        let call = match dispute.turn {
            Turn::Asked => {
                let (claims, file) = done.proved()?;
                let fixed = dispute.fixed(&self.chain.client, self.books(), self.epoch.id)?;
                let fixed =
                    fixed.context("the chain has no event of what was fixed: ask another node")?;
                own.prove(&claims[0], &fixed, &self.manifest, &file)?
            }
            _ => own.fix(&done.claims[0], dispute.challenger)?,
        };
        self.chain.send(&call)?;
        Ok(None)
    }

    /// Place of the answer that a dispute is about.
    fn place_of(&self, dispute: &Dispute) -> Result<u32> {
        match dispute.subject {
            Subject::Answer(index) => Ok(index),
            Subject::Receipt(digest) => {
                let places = 0..self.trees.count;
                let mut found =
                    places.filter(|i| self.trees.receipts.leaf(*i as usize) == Some(digest));
                let place = found.next();
                ensure!(
                    place.is_some(),
                    "{} wants to see the receipt {digest}, which the provider signed and did not commit to: nothing can be \
                     shown, and the line will be slashed",
                    dispute.challenger
                );
                Ok(place.unwrap_or_default())
            }
        }
    }
}
