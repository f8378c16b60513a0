//! A provider's answers to disputes about an epoch.

use super::advance::Advance;
use anyhow::{ensure, Context, Result};
use nanozk_chain::claim::layers_of;
use nanozk_chain::epoch::dispute::{timeout, Dispute, Own, Subject, Turn};

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

    /// Does what is due in disputes, and says whether there was something. Those whose time is over first are first.
    pub(super) fn defend(&self) -> Result<bool> {
        if self.epoch.disputes(&self.chain.client, self.books())? == 0 {
            return Ok(false);
        }
        let mut disputes = self.disputes()?;
        disputes.sort_by_key(|dispute| dispute.until);
        let mut has_sent = false;
        for dispute in &disputes {
            has_sent |= match dispute.turn {
                Turn::Open | Turn::Asked => {
                    self.answer_dispute(dispute)?;
                    true
                }
                // The challenger was silent: without that the epoch would never be settled.
                Turn::Fixed if self.chain.client.head()?.timestamp > dispute.until => {
                    self.chain
                        .send(&timeout(self.books(), &self.epoch, dispute))?;
                    true
                }
                Turn::Fixed | Turn::Answered | Turn::Dropped => false,
            };
        }
        Ok(has_sent)
    }

    fn answer_dispute(&self, dispute: &Dispute) -> Result<()> {
        let now = self.chain.client.head()?.timestamp;
        super::advance::in_time(
            &format!("{} could be answered", dispute.what()),
            dispute.until,
            now,
        )?;
        let index = self.place_of(dispute)?;
        let answers = self.folder.some(&[index])?;
        let own = Own {
            header: self.folder.header(),
            epoch: &self.epoch,
            trees: &self.trees,
            index,
            answer: &answers[0],
        };
        let call = match (dispute.subject, dispute.turn) {
            (Subject::Receipt(_), _) => own.show(),
            (Subject::Answer(_), Turn::Asked) => {
                let claim = self.challenged_claim(index, own.answer)?;
                let fixed = dispute.fixed(&self.chain.client, self.books(), self.epoch.id)?;
                let fixed =
                    fixed.context("the chain has no event of what was fixed: ask another node")?;
                let session = self.challenged(index);
                let output = session.path().join("final.json");
                let layers = [layers_of(dispute.asked)];
                let file =
                    self.finish(&[session], std::slice::from_ref(&claim), &layers, &output)?;
                own.prove(&claim, &fixed, &self.manifest, &file)?
            }
            (Subject::Answer(_), _) => {
                let claim = self.challenged_claim(index, own.answer)?;
                own.fix(&claim, dispute.challenger)?
            }
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
