//! What to do about a claim: a function of what the chain says, of the files at hand, and of the time. It remembers
//! nothing, so it decides the same after a restart, a reorganization, or what somebody else did.

use crate::facts::{Bond, Challenge, Facts, OUTPUT, WHOLE, status};
use crate::store::Role;
use alloy::primitives::{Address, B256};
use nanozk_chain::claim::layers_of;
use nanozk_chain::revert::{claim_status, job_status};
use std::collections::BTreeSet;

/// A final proof that is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its digest.
    pub proof: B256,
    /// Layers of this claim that it proves.
    pub layers: BTreeSet<usize>,
}

/// What is at hand for a claim.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// The account that sends.
    pub account: Address,
    /// The provider's signatures, or its key, are there.
    pub can_lock: bool,
    /// Until when they take the job, if not for as long as it can be taken.
    pub lock_deadline: Option<u64>,
    /// The same for the claim.
    pub can_post: bool,
    /// Final proofs.
    pub ready: Vec<Ready>,
    /// The output can be published.
    pub output: bool,
    /// Layers whose proofs are on their way to the chain.
    pub sent: BTreeSet<usize>,
    /// A proof of several claims, of which this is one, was refused: it is proven apart from others.
    pub apart: bool,
    /// Layers to challenge, or the whole claim.
    pub challenges: Vec<usize>,
    /// Those of them that are false for certain: also beside other challengers, who may be the provider itself.
    pub joins: Vec<usize>,
}

impl Local {
    /// A final proof of several claims cannot be sent: this one is proven apart.
    pub fn refuse(&mut self, proof: B256) {
        self.apart = true;
        self.ready.retain(|r| r.proof != proof);
    }
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Take the job.
    Lock,
    /// Post the claim.
    Post,
    /// Send a final proof, which proves these layers, and maybe some of other claims.
    Prove(B256, Vec<usize>),
    /// Draw the layers.
    Reveal,
    /// Publish the output.
    RevealOutput,
    /// Settle.
    Finalize,
    /// Defeat a claim without the proofs it owes.
    Expire,
    /// End a job that was not claimed.
    ExpireJob,
    /// Take back a job that nobody took.
    CancelJob,
    /// Defeat a claim by a challenge of a target that was not answered.
    Timeout(usize),
    /// Pay out the bond of a challenger of a target.
    Resolve(usize, Address),
    /// Undo a claim whose verifier was frozen.
    Void,
    /// Challenge a layer, or the whole claim.
    Challenge(usize),
}

impl Act {
    /// Its name in the database: what has the same name is the same.
    pub fn key(&self) -> String {
        match self {
            Act::Lock => "lock".into(),
            Act::Post => "post".into(),
            Act::Prove(..) => PROVE.into(),
            Act::Reveal => "reveal".into(),
            Act::RevealOutput => "reveal-output".into(),
            Act::Finalize => "finalize".into(),
            Act::Expire => "expire".into(),
            Act::ExpireJob => "expire-job".into(),
            Act::CancelJob => "cancel-job".into(),
            Act::Timeout(layer) => format!("timeout-{layer}"),
            Act::Resolve(layer, challenger) => format!("resolve-{layer}-{challenger}"),
            Act::Void => "void".into(),
            Act::Challenge(layer) => format!("challenge-{layer}"),
        }
    }

    /// The target of the challenge that has this name, if it is one.
    pub fn challenged(key: &str) -> Option<usize> {
        key.strip_prefix("challenge-")?.parse().ok()
    }

    /// What it is kept under: the claim, or a final proof, which may be about several claims.
    pub fn subject(&self, claim: B256) -> B256 {
        match self {
            Act::Prove(proof, _) => *proof,
            _ => claim,
        }
    }

    /// For people.
    pub fn what(&self) -> String {
        match self {
            Act::Lock => "taking the job".into(),
            Act::Post => "posting the claim".into(),
            Act::Prove(_, layers) => format!("proving {}", named(layers)),
            Act::Reveal => "drawing the layers to audit".into(),
            Act::RevealOutput => "revealing the output".into(),
            Act::Finalize => "settling the claim".into(),
            Act::Expire => "defeating the claim: proofs it owes are missing".into(),
            Act::ExpireJob => "ending the job: it was not claimed in time".into(),
            Act::CancelJob => "taking the job back: nobody took it in time".into(),
            Act::Timeout(target) => format!(
                "defeating the claim: {} was not answered in time",
                challenge_of(*target)
            ),
            Act::Resolve(target, challenger) => {
                format!(
                    "paying out the bond of {challenger} for {}",
                    challenge_of(*target)
                )
            }
            Act::Void => "voiding the claim: its verifier was frozen".into(),
            Act::Challenge(target) if *target == WHOLE => "challenging the whole claim".into(),
            Act::Challenge(layer) => format!("challenging layer {layer}"),
        }
    }
}

/// Name of [`Act::Prove`] in the database: there it belongs to its proof, not to a claim.
pub const PROVE: &str = "prove";

/// A challenge in a sentence.
fn challenge_of(target: usize) -> String {
    match target {
        WHOLE => "the challenge of the whole claim".into(),
        OUTPUT => "the demand for the output".into(),
        layer => format!("the challenge of layer {layer}"),
    }
}

/// Numbers, separated.
pub fn list(layers: &[usize], by: &str) -> String {
    let words: Vec<String> = layers.iter().map(usize::to_string).collect();
    words.join(by)
}

/// Layers in a sentence: `layer 3`, `layers 3, 4`.
pub fn named(layers: &[usize]) -> String {
    let noun = if layers.len() == 1 { "layer" } else { "layers" };
    format!("{noun} {}", list(layers, ", "))
}

/// Proofs that are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Layers, ascending.
    pub layers: Vec<usize>,
    /// Until when the first of them has to be on chain.
    pub by: u64,
    /// Not together with other claims.
    pub apart: bool,
}

/// What to do about a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Transactions, each with the time it has to be included by; zero: any.
    pub acts: Vec<(Act, u64)>,
    /// Proofs to make.
    pub prove: Option<Need>,
    /// When to look again though nothing happened.
    pub wake: Option<u64>,
    /// What comes next, for people.
    pub next: String,
    /// Until when something of ours is due; zero: nothing is.
    pub due: u64,
    /// Nothing will be left to do.
    pub ended: bool,
    /// A deadline of ours passed.
    pub missed: Option<String>,
}

impl Decision {
    fn act(&mut self, act: Act, by: u64) {
        self.acts.push((act, by));
    }

    /// Has it looked at again then, at the latest.
    pub fn wait(&mut self, until: u64) {
        self.wake = Some(self.wake.map_or(until, |w| w.min(until)));
    }

    /// Names what comes next, and by when.
    fn concluded(mut self, waiting: String) -> Self {
        let times = self.acts.iter().map(|(_, by)| *by);
        let times = times.chain(self.prove.iter().map(|p| p.by));
        let times = times.chain([self.due]);
        self.due = times.filter(|by| *by != 0).min().unwrap_or(0);
        self.next = match (self.acts.first(), &self.prove) {
            (Some((act, _)), _) => act.what(),
            (None, Some(need)) => format!("making the proof of {}", named(&need.layers)),
            (None, None) => waiting,
        };
        self
    }
}

/// Seconds that have to be left to claim a job when it is taken: what is taken and not claimed costs its price.
const LEAD: u64 = 120;

/// Until when a job is taken.
pub fn lock_by(facts: &Facts) -> u64 {
    facts.lock_by.min(facts.claim_by.saturating_sub(LEAD))
}

/// Decides; `now` is the chain's time.
pub fn decide(role: Role, facts: &Facts, local: &Local, now: u64) -> Decision {
    if facts.status == 0 {
        return of_job(role, facts, local, now);
    }
    if facts.status != status::POSTED {
        return of_ended(role, facts, local);
    }
    let mut d = Decision::default();
    if !facts.usable {
        // Nobody can be paid or slashed any more.
        d.act(Act::Void, 0);
        return d.concluded(String::new());
    }
    match role {
        Role::Provider => provide(facts, local, now, d),
        Role::Watcher => watch(facts, local, now, d),
    }
}

fn of_job(role: Role, facts: &Facts, local: &Local, now: u64) -> Decision {
    let mut d = Decision::default();
    let waiting = match facts.job_status {
        status::JOB_OPEN if now > facts.lock_by => {
            d.act(Act::CancelJob, 0);
            "nobody took the job in time"
        }
        status::JOB_OPEN => {
            let by = lock_by(facts).min(local.lock_deadline.unwrap_or(u64::MAX));
            let mine = role == Role::Provider && local.can_lock && facts.usable;
            if mine && now <= by {
                d.act(Act::Lock, by);
            }
            d.wait(facts.lock_by + 1);
            match mine && now > by {
                true => "too little time is left to claim the job: it is not taken",
                false => "waiting for a provider to take the job",
            }
        }
        status::JOB_LOCKED if now > facts.claim_by || !facts.usable => {
            if role == Role::Provider && facts.usable {
                d.missed = Some("the job was not claimed in time".into());
            }
            d.act(Act::ExpireJob, 0);
            "the job was not claimed in time"
        }
        status::JOB_LOCKED => {
            if role == Role::Provider && local.can_post {
                d.act(Act::Post, facts.claim_by);
            }
            d.wait(facts.claim_by + 1);
            match role {
                Role::Provider => "waiting for the provider's signature of the claim",
                _ => "waiting for the claim",
            }
        }
        other => {
            d.ended = true;
            return d.concluded(format!("the job is {}", job_status(other)));
        }
    };
    d.concluded(waiting.into())
}

/// Bonds and rewards of ours are paid out: a challenger's own, and those that a provider's recipient won.
fn of_ended(role: Role, facts: &Facts, local: &Local) -> Decision {
    let mut d = Decision::default();
    for bond in &facts.bonds {
        let won = role == Role::Provider && bond.winner == facts.recipient;
        if won || bond.challenger == local.account {
            d.act(Act::Resolve(bond.target, bond.challenger), 0);
        }
    }
    d.ended = d.acts.is_empty();
    d.concluded(format!("the claim is {}", claim_status(facts.status)))
}

/// A layer that has to be proven, and until when.
type Due = (usize, u64);

/// Layers that have to be proven, those on their way among them.
fn owed(facts: &Facts) -> Vec<Due> {
    // Before the draw it is not known yet which ones are owed.
    let undrawn = facts.mode == status::MODE_AUDITED && !facts.revealed;
    let open = facts.challenges.iter();
    let mut owed: Vec<Due> = Vec::new();
    for layer in 0..facts.layers {
        if facts.proven.bit(layer) {
            continue;
        }
        let challenges = open
            .clone()
            .filter(|c| c.target == layer || c.target == WHOLE)
            .map(|c| c.answer_by);
        let mode = (!undrawn && facts.missing.bit(layer)).then_some(facts.proven_by);
        if let Some(by) = challenges.chain(mode).min() {
            owed.push((layer, by));
        }
    }
    owed
}

/// Which of the final proofs at hand to send for layers that are due, and which layers none of them has.
fn chosen(due: &[Due], ready: &[Ready]) -> (Vec<(Act, u64)>, Vec<Due>) {
    let mut left = due.to_vec();
    let mut acts = Vec::new();
    loop {
        let covered = |r: &Ready| left.iter().filter(|(l, _)| r.layers.contains(l)).count();
        // The first of those that have as many.
        let best = ready.iter().rev().max_by_key(|r| covered(r));
        let Some(best) = best.filter(|r| covered(r) > 0) else {
            return (acts, left);
        };
        let (of, others): (Vec<Due>, Vec<Due>) =
            left.into_iter().partition(|(l, _)| best.layers.contains(l));
        let by = of.iter().map(|l| l.1).min().unwrap_or(0);
        acts.push((Act::Prove(best.proof, of.iter().map(|l| l.0).collect()), by));
        left = others;
    }
}

fn provide(facts: &Facts, local: &Local, now: u64, mut d: Decision) -> Decision {
    let mut waiting = match facts.mode {
        status::MODE_PROOFS => "waiting for the end of the time to demand the output",
        _ => "waiting for the end of the time to challenge",
    }
    .to_owned();
    if let Some(c) = facts.challenges.iter().find(|c| c.target == OUTPUT) {
        if now > c.answer_by {
            d.missed = Some("the output was not revealed in time".into());
        } else if local.output {
            d.act(Act::RevealOutput, c.answer_by);
        } else {
            d.missed = Some("the requester demands the output, and there is no output.json".into());
        }
    }
    let draws = facts.mode == status::MODE_AUDITED && !facts.revealed;
    if draws && facts.draw_block != 0 {
        if facts.block > facts.draw_block && now <= facts.proven_by {
            d.act(Act::Reveal, facts.proven_by);
        } else if now <= facts.proven_by {
            waiting = format!("waiting for block {}, which draws layers", facts.draw_block);
            let blocks = facts.draw_block.saturating_sub(facts.block);
            // No chain has two blocks a second for long that is not worth a second look.
            d.wait(now + (blocks / 2).clamp(1, 30));
        }
    }
    if draws && now > facts.proven_by {
        d.missed = Some("the layers were not drawn in time".into());
    }
    let (due, late): (Vec<_>, Vec<_>) = owed(facts).into_iter().partition(|(_, by)| now <= *by);
    d.due = due.iter().map(|l| l.1).min().unwrap_or(0);
    let due: Vec<Due> = due
        .into_iter()
        .filter(|(layer, _)| !local.sent.contains(layer))
        .collect();
    if !late.is_empty() {
        let layers: Vec<usize> = late.iter().map(|l| l.0).collect();
        let were = if layers.len() == 1 { "was" } else { "were" };
        d.missed = Some(format!("{} {were} not proven in time", named(&layers)));
    }
    // What proves a layer too late is refused as a whole.
    let in_time = |r: &&Ready| !late.iter().any(|(layer, _)| r.layers.contains(layer));
    let ready: Vec<Ready> = local.ready.iter().filter(in_time).cloned().collect();
    let (proofs, lacking) = chosen(&due, &ready);
    d.acts.extend(proofs);
    if let Some(by) = lacking.iter().map(|l| l.1).min() {
        d.prove = Some(Need {
            layers: lacking.iter().map(|l| l.0).collect(),
            by,
            apart: local.apart,
        });
    }
    let all = facts.all_proven();
    let disputable = now <= facts.dispute_by;
    let windows = facts.challenges.is_empty() && now > facts.challenge_by && !disputable;
    let quiet = facts.mode != status::MODE_PROOFS && facts.missing.is_zero() && !draws;
    if facts.challenges.is_empty()
        && ((all && ((facts.output_closed && !disputable) || windows)) || (quiet && windows))
    {
        d.act(Act::Finalize, 0);
    }
    let from = now.saturating_add(1);
    if disputable {
        waiting = "waiting for the end of the time to dispute the output".into();
    }
    let deadlines = [facts.challenge_by, facts.proven_by, facts.dispute_by];
    for t in deadlines
        .into_iter()
        .chain(facts.challenges.iter().map(|c| c.answer_by))
    {
        if t >= now {
            d.wait((t + 1).max(from));
        }
    }
    d.concluded(waiting)
}

fn watch(facts: &Facts, local: &Local, now: u64, mut d: Decision) -> Decision {
    for c in &facts.challenges {
        if now > c.answer_by {
            d.act(Act::Timeout(c.target), 0);
            // The first one ends the claim.
            break;
        }
        d.wait(c.answer_by + 1);
    }
    let challenged = |target: usize| {
        let own = |b: &Bond| b.target == target && b.challenger == local.account;
        let joins = |c: &Challenge| local.joins.contains(&target) && now <= c.answer_by;
        let open = facts.challenges.iter().find(|c| c.target == target);
        open.is_some_and(|c| !joins(c) || facts.bonds.iter().any(own))
    };
    if facts.mode != status::MODE_PROOFS && now <= facts.challenge_by {
        for &target in &local.challenges {
            let exists = target < facts.layers || target == WHOLE;
            if exists && !facts.is_proven(target) && !challenged(target) {
                d.act(Act::Challenge(target), facts.challenge_by);
            }
        }
    }
    let owing = facts.mode != status::MODE_PROOFS || !facts.all_proven();
    if now > facts.proven_by && facts.challenges.is_empty() && owing && !facts.missing.is_zero() {
        d.act(Act::Expire, 0);
    }
    for t in [facts.challenge_by, facts.proven_by] {
        if t >= now {
            d.wait(t + 1);
        }
    }
    let layers = layers_of(facts.proven).len();
    let noun = if facts.layers == 1 { "layer" } else { "layers" };
    d.concluded(format!(
        "watching: {layers} of {} {noun} proven",
        facts.layers
    ))
}

#[cfg(test)]
mod tests;
