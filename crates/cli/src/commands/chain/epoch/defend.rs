//! A provider's answers to disputes about an epoch.

use super::advance::{Advance, in_time};
use super::due::{Due, Step};
use super::work::{Proof, Work};
use anyhow::{Context, Result, anyhow, bail};
use nanozk_chain::claim::layers_of;
use nanozk_chain::epoch::answers::Answer;
use nanozk_chain::epoch::dispute::{Dispute, Own, Subject, Turn, timeout};
use std::collections::BTreeMap;

/// Transactions that wait for one block.
const BATCH: usize = 64;
/// Receipts that are shown before something else is looked at.
const QUICK: usize = 8 * BATCH;

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

    /// Does what is due in disputes, those whose time is over first, and says what takes long.
    pub(super) fn defend(&self, due: &mut Due) -> Result<()> {
        if self.epoch.disputes(&self.chain.client, self.books())? == 0 {
            return Ok(());
        }
        let now = self.chain.client.head()?.timestamp;
        let disputes = self.disputes()?;
        if let Err(e) = self.send_quick(&disputes, now, due) {
            due.fail(e);
        }
        self.answer_challenges(&disputes, now, due);
        Ok(())
    }

    /// Answers to demands, and what ends challenges that ask for nothing: many at a time, since anybody who was answered can
    /// demand as many as were given, for nothing.
    fn send_quick(&self, disputes: &[Dispute], now: u64, due: &mut Due) -> Result<()> {
        let mut calls = Vec::new();
        let mut demanded = BTreeMap::new();
        for dispute in disputes {
            match (dispute.subject, dispute.turn) {
                // The challenger was silent: without that the epoch would never be settled.
                (_, Turn::Fixed) if now > dispute.until => {
                    calls.push(timeout(self.books(), &self.epoch, dispute));
                }
                (Subject::Receipt(digest), Turn::Open) => match self.check_time(dispute, now) {
                    Ok(()) => drop(demanded.insert(digest, dispute)),
                    Err(e) => due.fail(e),
                },
                _ => {}
            }
        }
        let mut places = Vec::new();
        for place in 0..self.trees.count {
            let leaf = self.trees.receipts.leaf(place as usize);
            if let Some(dispute) = leaf.and_then(|leaf| demanded.remove(&leaf)) {
                places.push((dispute.until, place));
            }
        }
        // What cannot be shown keeps nothing else from being shown.
        if let Some((digest, dispute)) = demanded.first_key_value() {
            due.fail(anyhow!(
                "{} wants to see the receipt {digest}, which the provider signed and did not commit to: nothing can be shown, and \
                 the line will be slashed",
                dispute.challenger
            ));
        }
        places.sort_unstable();
        places.truncate(QUICK);
        let places: Vec<u32> = places.into_iter().map(|(_, place)| place).collect();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        // Not kept: there may be many, and each is shown once.
        let answers: BTreeMap<u32, Answer> = sorted
            .iter()
            .copied()
            .zip(self.folder.some(&sorted)?)
            .collect();
        let shown = places.iter().filter_map(|place| {
            let answer = answers.get(place)?;
            Some(self.own(*place, answer).show())
        });
        calls.extend(shown);
        for calls in calls.chunks(BATCH) {
            self.chain.send_all(calls)?;
            due.sent = true;
        }
        Ok(())
    }

    /// Sends answers to challenges that were made, and says what others take. What fails keeps no other from being answered.
    pub(super) fn answer_challenges(&self, disputes: &[Dispute], now: u64, due: &mut Due) {
        let is_due =
            |d: &&Dispute| matches!(d.subject, Subject::Answer(_)) && d.turn.is_providers();
        let mut disputes: Vec<&Dispute> = disputes.iter().filter(is_due).collect();
        disputes.sort_by_key(|dispute| dispute.until);
        // Sessions are made with one model that is loaded once.
        let mut sessions: Option<Work> = None;
        for dispute in disputes {
            match self.answer_challenge(dispute, now) {
                Ok(Step::Work(mut work)) if work.proof.is_none() => match &mut sessions {
                    Some(all) => all.answers.append(&mut work.answers),
                    None => sessions = Some(*work),
                },
                step => due.add(step),
            }
        }
        due.works.extend(sessions);
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

    fn answer_challenge(&self, dispute: &Dispute, now: u64) -> Result<Step> {
        self.check_time(dispute, now)?;
        let Subject::Answer(index) = dispute.subject else {
            bail!("it is no challenge");
        };
        let answer = self.answers(&[index])?.remove(0);
        let wanted = self.of_challenged(index, answer.clone());
        let output = wanted.session.path().join("final.json");
        let what = "committing to challenged answers".to_owned();
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
            return Ok(Step::Work(Box::new(work)));
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
        Ok(Step::Sent)
    }
}
