//! A provider's answers to disputes about an epoch.

use super::advance::{in_time, Advance, Sessions};
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

    /// Does what is due in some disputes, those whose time is over first; says whether there was something.
    pub(super) fn defend(&self) -> Result<bool> {
        if self.epoch.disputes(&self.chain.client, self.books())? == 0 {
            return Ok(false);
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
        let has_some = !quick.is_empty() || !long.is_empty();
        quick.truncate(QUICK);
        long.truncate(LONG);
        self.send_quick(&quick, now)?;
        if !long.is_empty() {
            let mut sessions = Sessions::new(self)?;
            for dispute in long {
                self.answer_challenge(dispute, now, &mut sessions)?;
            }
        }
        Ok(has_some)
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

    fn answer_challenge(
        &self,
        dispute: &Dispute,
        now: u64,
        sessions: &mut Sessions<'_>,
    ) -> Result<()> {
        self.check_time(dispute, now)?;
        let index = self.place_of(dispute)?;
        let answers = self.folder.some(&[index])?;
        let own = self.own(index, &answers[0]);
        let claim = sessions.challenged(index, own.answer)?;
        let call = match dispute.turn {
            Turn::Asked => {
                let fixed = dispute.fixed(&self.chain.client, self.books(), self.epoch.id)?;
                let fixed =
                    fixed.context("the chain has no event of what was fixed: ask another node")?;
                let session = self.challenged(index);
                let output = session.path().join("final.json");
                let (claims, layers) = (std::slice::from_ref(&claim), [layers_of(dispute.asked)]);
                // By whatever programs take least: the contract takes more than was asked for.
                let file = self.finish(&[session], claims, &layers, false, &output)?;
                own.prove(&claim, &fixed, &self.manifest, &file)?
            }
            _ => own.fix(&claim, dispute.challenger)?,
        };
        self.chain.send(&call)?;
        Ok(())
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
