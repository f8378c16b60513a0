//! What to do about a claim: a function of what the chain says, of the files at hand, and of the time. It remembers
//! nothing, so it decides the same after a restart, a reorganization, or what somebody else did.

use crate::facts::{status, Bond, Challenge, Facts};
use crate::store::Role;
use alloy::primitives::{Address, U256};
use nanozk_chain::claim::layers_of;
use nanozk_chain::revert::{claim_status, job_status};
use std::collections::BTreeSet;

/// How layers are proven on chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settle {
    /// One by one.
    #[default]
    Layers,
    /// By one proof for all.
    Aggregate,
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
    /// Layers with a proof file.
    pub proofs: BTreeSet<usize>,
    /// There is an aggregate.
    pub aggregate: bool,
    /// The output can be published.
    pub output: bool,
    /// How to prove.
    pub settle: Settle,
    /// Layers whose proofs are on their way to the chain.
    pub sent: BTreeSet<usize>,
    /// Seconds before a deadline from which proofs are sent without waiting for others to go with them.
    pub hurry: u64,
    /// Most layers in one transaction, if as many as usual were refused, or took nodes too long.
    pub batch: Option<usize>,
    /// Layers to challenge.
    pub challenges: Vec<usize>,
    /// Those of them that are false for certain: also beside other challengers, who may be the provider itself.
    pub joins: Vec<usize>,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Take the job.
    Lock,
    /// Post the claim.
    Post,
    /// Prove layers, of which some may be challenged.
    Prove(Vec<usize>),
    /// Prove all at once.
    ProveAll,
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
    /// Defeat a claim by a challenge that was not answered.
    Timeout(usize),
    /// Pay out the bond of a challenger of a layer.
    Resolve(usize, Address),
    /// Undo a claim of which a verifier was frozen.
    Void,
    /// Challenge a layer.
    Challenge(usize),
}

impl Act {
    /// Its name in the database: what has the same name is the same.
    pub fn key(&self) -> String {
        match self {
            Act::Lock => "lock".into(),
            Act::Post => "post".into(),
            Act::Prove(layers) => format!("prove-{}", list(layers, ",")),
            Act::ProveAll => "prove-all".into(),
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

    /// For people; `layers` is the model's number of them, which stands for the output where challenges name a layer.
    pub fn what(&self, layers: usize) -> String {
        let challenge = |layer: usize| match layer == layers {
            true => "the demand for the output".to_owned(),
            false => format!("the challenge of layer {layer}"),
        };
        match self {
            Act::Lock => "taking the job".into(),
            Act::Post => "posting the claim".into(),
            Act::Prove(layers) => format!("proving {}", named(layers)),
            Act::ProveAll => "proving all layers by an aggregate".into(),
            Act::Reveal => "drawing the layers to audit".into(),
            Act::RevealOutput => "revealing the output".into(),
            Act::Finalize => "settling the claim".into(),
            Act::Expire => "defeating the claim: proofs it owes are missing".into(),
            Act::ExpireJob => "ending the job: it was not claimed in time".into(),
            Act::CancelJob => "taking the job back: nobody took it in time".into(),
            Act::Timeout(layer) => format!(
                "defeating the claim: {} was not answered in time",
                challenge(*layer)
            ),
            Act::Resolve(layer, challenger) => {
                format!(
                    "paying out the bond of {challenger} for {}",
                    challenge(*layer)
                )
            }
            Act::Void => "voiding the claim: a verifier was frozen".into(),
            Act::Challenge(layer) => format!("challenging layer {layer}"),
        }
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
    /// Layers, the most urgent first.
    pub layers: Vec<usize>,
    /// In one proof.
    pub aggregate: bool,
    /// Until when they have to be on chain.
    pub by: u64,
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
    fn concluded(mut self, facts: &Facts, waiting: String) -> Self {
        let times = self.acts.iter().map(|(_, by)| *by);
        let times = times.chain(self.prove.iter().map(|p| p.by));
        let times = times.chain([self.due]);
        self.due = times.filter(|by| *by != 0).min().unwrap_or(0);
        self.next = match (self.acts.first(), &self.prove) {
            (Some((act, _)), _) => act.what(facts.layers),
            (None, Some(need)) if need.aggregate => "making the aggregate".into(),
            (None, Some(need)) if need.layers.len() == 1 => {
                format!("making the proof of {}", named(&need.layers))
            }
            (None, Some(need)) => format!("making the proofs of {}", named(&need.layers)),
            (None, None) => waiting,
        };
        self
    }
}

/// Seconds that have to be left to claim a job when it is taken: what is taken and not claimed costs stake.
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
        return d.concluded(facts, String::new());
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
            return d.concluded(facts, format!("the job is {}", job_status(other)));
        }
    };
    d.concluded(facts, waiting.into())
}

/// Bonds and rewards of ours are paid out: a challenger's own, and those that a provider's recipient won.
fn of_ended(role: Role, facts: &Facts, local: &Local) -> Decision {
    let mut d = Decision::default();
    for bond in &facts.bonds {
        let won = role == Role::Provider && bond.winner == facts.recipient;
        if won || bond.challenger == local.account {
            d.act(Act::Resolve(bond.layer, bond.challenger), 0);
        }
    }
    d.ended = d.acts.is_empty();
    d.concluded(
        facts,
        format!("the claim is {}", claim_status(facts.status)),
    )
}

fn has_all(set: U256, layers: usize) -> bool {
    (0..layers).all(|l| set.bit(l))
}

/// A layer that has to be proven, and until when.
type Due = (usize, u64);

/// Layers that have to be proven, those on their way among them.
fn owed(facts: &Facts) -> Vec<Due> {
    // Before the draw the contract counts all layers as missing; which ones are owed is not known yet.
    let undrawn = facts.lane == status::LANE_AUDITED && !facts.revealed;
    let mut owed: Vec<Due> = Vec::new();
    for layer in 0..facts.layers {
        if facts.proven.bit(layer) {
            continue;
        }
        let challenged = facts.challenges.iter().find(|c| c.layer == layer);
        let lane = (!undrawn && facts.missing.bit(layer)).then_some(facts.proven_by);
        if let Some(by) = challenged
            .map(|c| c.answer_by)
            .into_iter()
            .chain(lane)
            .min()
        {
            owed.push((layer, by));
        }
    }
    owed
}

/// Most layers in one transaction: with that many no model's proofs need more than a transaction's gas.
pub const BATCH: usize = 12;

fn provide(facts: &Facts, local: &Local, now: u64, mut d: Decision) -> Decision {
    let mut waiting = match facts.lane {
        status::LANE_PROOFS => "waiting for the end of the time to demand the output",
        _ => "waiting for the end of the time to challenge",
    }
    .to_owned();
    if let Some(c) = facts.challenges.iter().find(|c| c.layer == facts.layers) {
        if now > c.answer_by {
            d.missed = Some("the output was not revealed in time".into());
        } else if local.output {
            d.act(Act::RevealOutput, c.answer_by);
        } else {
            d.missed = Some("the requester demands the output, and there is no output.json".into());
        }
    }
    let draws = facts.lane == status::LANE_AUDITED && !facts.revealed;
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
    if let Some(by) = due.iter().map(|l| l.1).min() {
        let whole = (0..facts.layers).all(|l| facts.proven.bit(l) || due.iter().any(|o| o.0 == l));
        let at_once = local.settle == Settle::Aggregate && whole;
        let (ready, mut needed): (Vec<Due>, Vec<Due>) = due
            .iter()
            .partition(|(layer, _)| local.proofs.contains(layer));
        if local.aggregate && late.is_empty() {
            d.act(Act::ProveAll, by);
        } else if at_once {
            let layers = due.iter().map(|l| l.0).collect();
            d.prove = Some(Need {
                layers,
                aggregate: true,
                by,
            });
        } else {
            // One transaction for several layers costs less than several: those that are ready wait for the others.
            let soonest = ready.iter().map(|l| l.1).min().unwrap_or(by);
            let patient = soonest.saturating_sub(local.hurry);
            if needed.is_empty() || ready.len() >= BATCH || now >= patient {
                let most = local.batch.map_or(BATCH, |most| most.clamp(1, BATCH));
                for batch in batches(&ready, most) {
                    let by = batch.iter().map(|l| l.1).min().unwrap_or(by);
                    d.act(Act::Prove(batch.iter().map(|l| l.0).collect()), by);
                }
            } else if !ready.is_empty() {
                d.wait(patient);
            }
            needed.sort_by_key(|(layer, by)| (*by, *layer));
            if let Some((_, by)) = needed.first().copied() {
                let layers = needed.iter().map(|l| l.0).collect();
                d.prove = Some(Need {
                    layers,
                    aggregate: false,
                    by,
                });
            }
        }
    }
    let all = has_all(facts.proven, facts.layers);
    let disputable = now <= facts.dispute_by;
    let windows = facts.challenges.is_empty() && now > facts.challenge_by && !disputable;
    let quiet = facts.lane != status::LANE_PROOFS && facts.missing.is_zero() && !draws;
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
    d.concluded(facts, waiting)
}

/// Consecutive layers, no more than a transaction takes.
fn batches(layers: &[Due], most: usize) -> Vec<Vec<Due>> {
    let mut out: Vec<Vec<Due>> = Vec::new();
    for &(layer, by) in layers {
        match out.last_mut() {
            Some(b) if b.len() < most && b.last().is_some_and(|l| l.0 + 1 == layer) => {
                b.push((layer, by));
            }
            _ => out.push(vec![(layer, by)]),
        }
    }
    out
}

fn watch(facts: &Facts, local: &Local, now: u64, mut d: Decision) -> Decision {
    for c in &facts.challenges {
        if now > c.answer_by {
            d.act(Act::Timeout(c.layer), 0);
            // The first one ends the claim.
            break;
        }
        d.wait(c.answer_by + 1);
    }
    let challenged = |l: usize| {
        let own = |b: &Bond| b.layer == l && b.challenger == local.account;
        let joins = |c: &Challenge| local.joins.contains(&l) && now <= c.answer_by;
        let open = facts.challenges.iter().find(|c| c.layer == l);
        open.is_some_and(|c| !joins(c) || facts.bonds.iter().any(own))
    };
    if facts.lane != status::LANE_PROOFS && now <= facts.challenge_by {
        for &layer in &local.challenges {
            if layer < facts.layers && !facts.proven.bit(layer) && !challenged(layer) {
                d.act(Act::Challenge(layer), facts.challenge_by);
            }
        }
    }
    let owing = facts.lane != status::LANE_PROOFS || !has_all(facts.proven, facts.layers);
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
    d.concluded(
        facts,
        format!("watching: {layers} of {} {noun} proven", facts.layers),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ME: Address = Address::repeat_byte(1);

    fn posted(lane: u8) -> Facts {
        Facts {
            block: 10,
            time: 1_000,
            job_status: 3,
            lane,
            usable: true,
            status: status::POSTED,
            layers: 4,
            missing: if lane == 1 {
                U256::ZERO
            } else {
                U256::from(0b1111)
            },
            challenge_by: 2_000,
            proven_by: 3_000,
            lock_by: 500,
            claim_by: 900,
            draw_block: if lane == 2 { 12 } else { 0 },
            ..Facts::default()
        }
    }

    fn provider(proofs: &[usize]) -> Local {
        Local {
            account: ME,
            can_lock: true,
            can_post: true,
            proofs: proofs.iter().copied().collect(),
            ..Local::default()
        }
    }

    fn acts(d: &Decision) -> Vec<Act> {
        d.acts.iter().map(|a| a.0.clone()).collect()
    }

    fn challenge(layer: usize, answer_by: u64) -> Challenge {
        Challenge {
            layer,
            challenger: ME,
            answer_by,
        }
    }

    #[test]
    fn jobs_are_taken_claimed_and_ended() {
        let mut f = Facts {
            job_status: status::JOB_OPEN,
            usable: true,
            lock_by: 100,
            claim_by: 300,
            ..Facts::default()
        };
        let at = |f: &Facts, role, now| acts(&decide(role, f, &provider(&[]), now));
        // Until a deadline means at it, too.
        assert_eq!(at(&f, Role::Provider, 100), [Act::Lock]);
        assert_eq!(at(&f, Role::Provider, 101), [Act::CancelJob]);
        // Not what could not be claimed any more.
        f.claim_by = 200;
        assert_eq!(at(&f, Role::Provider, 80), [Act::Lock]);
        assert_eq!(at(&f, Role::Provider, 81), []);
        // Nor with a signature that is too old.
        let signed = Local {
            lock_deadline: Some(70),
            ..provider(&[])
        };
        let d = decide(Role::Provider, &f, &signed, 70);
        assert_eq!(d.acts, [(Act::Lock, 70)]);
        assert_eq!(acts(&decide(Role::Provider, &f, &signed, 71)), []);
        assert_eq!(at(&f, Role::Watcher, 100), []);
        assert_eq!(at(&f, Role::Watcher, 101), [Act::CancelJob]);
        f.job_status = status::JOB_LOCKED;
        assert_eq!(at(&f, Role::Provider, 200), [Act::Post]);
        assert_eq!(at(&f, Role::Watcher, 200), []);
        assert_eq!(at(&f, Role::Watcher, 201), [Act::ExpireJob]);
        let late = decide(Role::Provider, &f, &provider(&[]), 201);
        assert!(late.missed.is_some());
        f.job_status = 6;
        assert!(decide(Role::Watcher, &f, &provider(&[]), 1).ended);
    }

    #[test]
    fn without_a_signature_nothing_is_posted() {
        let f = Facts {
            job_status: status::JOB_LOCKED,
            usable: true,
            claim_by: 200,
            ..Facts::default()
        };
        let d = decide(Role::Provider, &f, &Local::default(), 1);
        assert_eq!((acts(&d), d.wake), (vec![], Some(201)));
    }

    #[test]
    fn proofs_are_asked_for_and_sent() {
        let f = posted(0);
        let mut some = provider(&[0, 1]);
        some.hurry = 100;
        let d = decide(Role::Provider, &f, &some, 2_899);
        assert_eq!((acts(&d), d.wake), (vec![], Some(2_900)));
        let d = decide(Role::Provider, &f, &some, 2_900);
        assert_eq!(acts(&d), [Act::Prove(vec![0, 1])]);
        let need = d.prove.expect("two layers lack one");
        assert_eq!(
            (need.layers, need.by, need.aggregate),
            (vec![2, 3], 3_000, false)
        );
        assert_eq!(d.due, 3_000);
        // Not consecutive: two transactions.
        let mut all = provider(&[0, 1, 2, 3]);
        all.sent = [1].into();
        let d = decide(Role::Provider, &f, &all, 1_500);
        assert_eq!(acts(&d), [Act::Prove(vec![0]), Act::Prove(vec![2, 3])]);
    }

    #[test]
    fn fewer_layers_go_together_if_more_were_too_many() {
        let f = posted(0);
        let mut all = provider(&[0, 1, 2, 3]);
        for (batch, expected) in [
            (None, vec![vec![0, 1, 2, 3]]),
            (Some(3), vec![vec![0, 1, 2], vec![3]]),
            (Some(1), vec![vec![0], vec![1], vec![2], vec![3]]),
            (Some(0), vec![vec![0], vec![1], vec![2], vec![3]]),
        ] {
            all.batch = batch;
            let d = decide(Role::Provider, &f, &all, 1_500);
            let expected: Vec<Act> = expected.into_iter().map(Act::Prove).collect();
            assert_eq!(acts(&d), expected, "{batch:?}");
        }
    }

    #[test]
    fn sentences_name_what_they_are_about() {
        let all = [
            (Act::Prove(vec![3]), "proving layer 3"),
            (Act::Prove(vec![3, 4]), "proving layers 3, 4"),
            (
                Act::Resolve(9, Address::ZERO),
                "paying out the bond of 0x0000000000000000000000000000000000000000 for the challenge of layer 9",
            ),
            (
                Act::Resolve(10, Address::ZERO),
                "paying out the bond of 0x0000000000000000000000000000000000000000 for the demand for the output",
            ),
            (
                Act::Timeout(10),
                "defeating the claim: the demand for the output was not answered in time",
            ),
        ];
        for (act, words) in all {
            assert_eq!(act.what(10), words);
        }
        let mut f = posted(1);
        f.challenges = vec![challenge(2, 1_700)];
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        assert_eq!(d.next, "making the proof of layer 2");
        let d = decide(Role::Provider, &f, &provider(&[]), 1_701);
        assert_eq!(d.missed.as_deref(), Some("layer 2 was not proven in time"));
    }

    #[test]
    fn an_optimistic_claim_is_proved_where_it_is_challenged_only() {
        let mut f = posted(1);
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        assert_eq!((acts(&d), d.prove, d.wake), (vec![], None, Some(2_001)));
        f.challenges = vec![challenge(2, 1_700)];
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        assert_eq!(d.prove.expect("challenged").layers, [2]);
        let d = decide(Role::Provider, &f, &provider(&[2]), 1_700);
        assert_eq!(d.acts, [(Act::Prove(vec![2]), 1_700)]);
        let d = decide(Role::Provider, &f, &provider(&[2]), 1_701);
        assert!(d.acts.is_empty() && d.missed.is_some());
        // What is on its way is due until the chain has it.
        let mut sent = provider(&[2]);
        sent.sent = [2].into();
        let d = decide(Role::Provider, &f, &sent, 1_700);
        assert_eq!((acts(&d), d.due, d.missed), (vec![], 1_700, None));
        let d = decide(Role::Provider, &f, &sent, 1_701);
        assert!(d.missed.is_some());
        // The most urgent first, whatever its number.
        f.challenges = vec![challenge(1, 1_900), challenge(2, 1_700)];
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        assert_eq!(d.prove.expect("challenged").layers, [2, 1]);
        f.challenges.clear();
        assert_eq!(acts(&decide(Role::Provider, &f, &provider(&[]), 2_000)), []);
        assert_eq!(
            acts(&decide(Role::Provider, &f, &provider(&[]), 2_001)),
            [Act::Finalize]
        );
    }

    #[test]
    fn audited_layers_are_owed_once_drawn() {
        let mut f = posted(2);
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        assert_eq!((acts(&d), d.prove.clone()), (vec![], None));
        let late = decide(Role::Provider, &f, &provider(&[]), 3_001);
        assert!(late.missed.is_some(), "nobody drew");
        f.block = 13;
        assert_eq!(
            acts(&decide(Role::Provider, &f, &provider(&[]), 1_500)),
            [Act::Reveal]
        );
        (f.revealed, f.drawn, f.missing) = (true, U256::from(0b10), U256::from(0b10));
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        assert_eq!(d.prove.expect("drawn").layers, [1]);
    }

    #[test]
    fn an_aggregate_is_one_transaction() {
        let f = posted(0);
        let mut local = provider(&[]);
        local.settle = Settle::Aggregate;
        let d = decide(Role::Provider, &f, &local, 1_500);
        assert!(d.prove.expect("none there").aggregate);
        local.aggregate = true;
        assert_eq!(
            acts(&decide(Role::Provider, &f, &local, 1_500)),
            [Act::ProveAll]
        );
    }

    #[test]
    fn what_is_proven_is_settled_when_the_output_is_closed() {
        let mut f = posted(0);
        (f.proven, f.missing) = (U256::from(0b1111), U256::ZERO);
        assert_eq!(acts(&decide(Role::Provider, &f, &provider(&[]), 2_000)), []);
        f.output_closed = true;
        assert_eq!(
            acts(&decide(Role::Provider, &f, &provider(&[]), 2_000)),
            [Act::Finalize]
        );
        f.output_closed = false;
        f.challenges = vec![challenge(4, 1_800)];
        let mut local = provider(&[]);
        assert!(decide(Role::Provider, &f, &local, 1_800).missed.is_some());
        local.output = true;
        assert_eq!(
            acts(&decide(Role::Provider, &f, &local, 1_800)),
            [Act::RevealOutput]
        );
        // What was revealed may be disputed for a time.
        f.challenges.clear();
        f.dispute_by = 2_500;
        let d = decide(Role::Provider, &f, &local, 2_500);
        assert_eq!((acts(&d), d.wake), (vec![], Some(2_501)));
        assert!(d.next.contains("dispute"), "{}", d.next);
        let d = decide(Role::Provider, &f, &local, 2_501);
        assert_eq!(acts(&d), [Act::Finalize]);
    }

    #[test]
    fn watchers_challenge_time_out_and_expire() {
        let mut f = posted(1);
        let local = Local {
            account: ME,
            challenges: vec![3],
            ..Local::default()
        };
        assert_eq!(
            acts(&decide(Role::Watcher, &f, &local, 2_000)),
            [Act::Challenge(3)]
        );
        assert_eq!(acts(&decide(Role::Watcher, &f, &local, 2_001)), []);
        f.challenges = vec![challenge(3, 2_500)];
        assert_eq!(acts(&decide(Role::Watcher, &f, &local, 2_000)), []);
        assert_eq!(
            acts(&decide(Role::Watcher, &f, &local, 2_501)),
            [Act::Timeout(3)]
        );
        // A provider's own challenge is joined if the layer is false for certain, as long as that can be lost.
        let other = Address::repeat_byte(2);
        assert_eq!(acts(&decide(Role::Watcher, &f, &local, 2_000)), []);
        let mut sure = local.clone();
        sure.joins = vec![3];
        assert_eq!(
            acts(&decide(Role::Watcher, &f, &sure, 2_000)),
            [Act::Challenge(3)]
        );
        f.challenges[0].answer_by = 1_999;
        assert_eq!(
            acts(&decide(Role::Watcher, &f, &sure, 2_000)),
            [Act::Timeout(3)]
        );
        let bond = |layer, challenger, winner| Bond {
            layer,
            challenger,
            winner,
        };
        f.bonds = vec![bond(3, other, Address::ZERO), bond(3, ME, Address::ZERO)];
        assert_eq!(acts(&decide(Role::Watcher, &f, &sure, 1_999)), []);
        f.status = 2;
        f.recipient = Address::repeat_byte(3);
        f.bonds = vec![
            bond(3, ME, ME),
            bond(2, ME, f.recipient),
            bond(1, other, f.recipient),
            bond(0, other, other),
        ];
        assert_eq!(
            acts(&decide(Role::Watcher, &f, &local, 2_501)),
            [Act::Resolve(3, ME), Act::Resolve(2, ME)]
        );
        let mut strangers = provider(&[]);
        strangers.account = Address::repeat_byte(4);
        assert_eq!(
            acts(&decide(Role::Provider, &f, &strangers, 2_501)),
            [Act::Resolve(2, ME), Act::Resolve(1, other)]
        );
        let f = posted(0);
        assert_eq!(acts(&decide(Role::Watcher, &f, &local, 3_000)), []);
        assert_eq!(
            acts(&decide(Role::Watcher, &f, &local, 3_001)),
            [Act::Expire]
        );
    }

    #[test]
    fn a_frozen_verifier_voids() {
        let mut f = posted(0);
        f.usable = false;
        for role in [Role::Provider, Role::Watcher] {
            assert_eq!(acts(&decide(role, &f, &provider(&[0]), 1_500)), [Act::Void]);
        }
    }

    proptest! {
        /// Whatever the state, a posted claim is looked at again, acts that need a deadline are before it, and no act is
        /// there twice.
        #[test]
        fn nothing_is_forgotten(lane in 0u8..3, proven in 0u64..16, now in 900u64..3_200, ready in 0u64..16,
                                challenged in 0u64..32, role in 0u8..2, answer in 1_000u64..3_000) {
            let mut f = posted(lane);
            f.proven = U256::from(proven);
            f.missing &= !f.proven;
            for l in 0..=4usize {
                if challenged >> l & 1 == 1 && !(l < 4 && f.proven.bit(l)) {
                    f.challenges.push(challenge(l, answer));
                }
            }
            let local = provider(&layers_of(U256::from(ready)));
            let role = [Role::Provider, Role::Watcher][usize::from(role)];
            let d = decide(role, &f, &local, now);
            prop_assert!(!d.ended);
            let over = now > f.proven_by.max(answer);
            prop_assert!(over || d.wake.is_some() || !d.acts.is_empty(), "{d:?}");
            for (act, by) in &d.acts {
                prop_assert!(*by == 0 || now <= *by, "{act:?} by {by} at {now}");
            }
            let mut keys: Vec<String> = d.acts.iter().map(|a| a.0.key()).collect();
            keys.sort();
            keys.dedup();
            prop_assert_eq!(keys.len(), d.acts.len());
        }
    }
}
