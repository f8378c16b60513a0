//! What is due of an epoch.

use super::work::Work;
use crate::commands::chain::when;
use crate::output::count;
use anyhow::{Error, Result};
use nanozk_chain::client::Head;
use nanozk_chain::epoch::Status;
use nanozk_chain::format::utc;

/// What is to be waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waits {
    Block(u64),
    Time(u64),
    /// Epochs before it, which come first; after that block there may be something new of them.
    Others(u64),
}

impl Waits {
    pub(super) fn is_over(self, head: &Head) -> bool {
        match self {
            Self::Block(block) | Self::Others(block) => head.number > block,
            Self::Time(time) => head.timestamp > time,
        }
    }

    /// For people, always the same.
    pub(super) fn until(self) -> String {
        match self {
            Self::Block(block) => format!("block {block}"),
            Self::Time(time) => utc(time),
            Self::Others(_) => "the epochs before it".into(),
        }
    }

    /// For people, from now on.
    pub(super) fn what(self, head: &Head) -> String {
        match self {
            Self::Block(block) => format!(
                "block {block}, in {}",
                count(block.saturating_sub(head.number) as usize, "block")
            ),
            Self::Time(time) => when(time, head.timestamp),
            Self::Others(_) => self.until(),
        }
    }
}

/// What one thing came to.
pub(super) enum Step {
    /// Something was sent, or would be: another may be due.
    Sent,
    /// Nothing is due before that.
    Waits(Waits),
    /// That is what is due, and takes long.
    Work(Box<Work>),
}

/// How an epoch ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Over(Status),
    /// With its line.
    Slashed(Status),
}

/// What is due of an epoch. What fails keeps nothing else from being done.
#[derive(Default)]
pub(super) struct Due {
    /// Something was sent, or would be: more may be due.
    pub(super) sent: bool,
    /// What takes long.
    pub(super) works: Vec<Work>,
    /// Nothing else is due before that.
    pub(super) waits: Option<Waits>,
    /// Nothing will be due any more.
    pub(super) end: Option<End>,
    /// The first that failed.
    pub(super) failed: Option<Error>,
}

impl Due {
    pub(super) fn add(&mut self, step: Result<Step>) {
        match step {
            Ok(Step::Sent) => self.sent = true,
            Ok(Step::Waits(waits)) => self.waits = Some(waits),
            Ok(Step::Work(work)) => self.works.push(*work),
            Err(e) => self.fail(e),
        }
    }

    pub(super) fn fail(&mut self, e: Error) {
        self.failed.get_or_insert(e);
    }
}
