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
mod tests {
    use super::*;
    use alloy::primitives::U256;
    use proptest::prelude::*;

    const ME: Address = Address::repeat_byte(1);

    fn posted(mode: u8) -> Facts {
        Facts {
            block: 10,
            time: 1_000,
            job_status: 3,
            mode,
            usable: true,
            status: status::POSTED,
            layers: 4,
            missing: if mode == 1 {
                U256::ZERO
            } else {
                U256::from(0b1111)
            },
            challenge_by: 2_000,
            proven_by: 3_000,
            lock_by: 500,
            claim_by: 900,
            draw_block: if mode == 2 { 12 } else { 0 },
            ..Facts::default()
        }
    }

    /// With final proofs, each of some layers, named by their places.
    fn provider(proofs: &[&[usize]]) -> Local {
        let ready = proofs.iter().zip(1..).map(|(layers, n)| Ready {
            proof: B256::repeat_byte(n),
            layers: layers.iter().copied().collect(),
        });
        Local {
            account: ME,
            can_lock: true,
            can_post: true,
            ready: ready.collect(),
            ..Local::default()
        }
    }

    fn prove(proof: u8, layers: &[usize]) -> Act {
        Act::Prove(B256::repeat_byte(proof), layers.to_vec())
    }

    fn acts(d: &Decision) -> Vec<Act> {
        d.acts.iter().map(|a| a.0.clone()).collect()
    }

    fn challenge(target: usize, answer_by: u64) -> Challenge {
        Challenge {
            target,
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
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        let need = d.prove.expect("nothing is proved");
        assert_eq!((need.layers, need.by), (vec![0, 1, 2, 3], 3_000));
        assert_eq!(acts(&decide(Role::Provider, &f, &provider(&[]), 3_001)), []);
        // What is there is sent, and the rest is made.
        let d = decide(Role::Provider, &f, &provider(&[&[0, 1]]), 1_500);
        assert_eq!(d.acts, [(prove(1, &[0, 1]), 3_000)]);
        assert_eq!(d.prove.expect("two layers lack one").layers, [2, 3]);
        assert_eq!(d.due, 3_000);
        // The one that proves most of what is due, and of those the first.
        let several: [&[usize]; 4] = [&[3], &[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 1]];
        let mut all = provider(&several);
        let d = decide(Role::Provider, &f, &all, 1_500);
        assert_eq!((acts(&d), d.prove), (vec![prove(2, &[0, 1, 2, 3])], None));
        all.sent = [0, 1, 2].into();
        let d = decide(Role::Provider, &f, &all, 1_500);
        assert_eq!((acts(&d), d.prove), (vec![prove(1, &[3])], None));
        all.sent = [0, 1, 2, 3].into();
        let d = decide(Role::Provider, &f, &all, 1_500);
        assert_eq!((acts(&d), d.prove, d.due), (vec![], None, 3_000));
    }

    #[test]
    fn what_was_refused_with_others_is_proven_apart() {
        let mut local = provider(&[]);
        for apart in [false, true] {
            local.apart = apart;
            let d = decide(Role::Provider, &posted(0), &local, 1_500);
            assert_eq!(d.prove.expect("nothing is proved").apart, apart);
        }
    }

    #[test]
    fn the_whole_claim_is_challenged_and_answered() {
        let mut f = posted(1);
        f.challenges = vec![challenge(WHOLE, 1_700), challenge(1, 1_600)];
        let d = decide(Role::Provider, &f, &provider(&[]), 1_500);
        let need = d.prove.expect("challenged");
        assert_eq!((need.layers, need.by), (vec![0, 1, 2, 3], 1_600));
        f.proven = U256::from(0b0010);
        f.challenges.pop();
        let d = decide(Role::Provider, &f, &provider(&[&[0, 1, 2, 3]]), 1_700);
        assert_eq!(d.acts, [(prove(1, &[0, 2, 3]), 1_700)]);
        let d = decide(Role::Watcher, &f, &provider(&[]), 1_701);
        assert_eq!(acts(&d), [Act::Timeout(WHOLE)]);
    }

    #[test]
    fn sentences_name_what_they_are_about() {
        let bond = "paying out the bond of 0x0000000000000000000000000000000000000000";
        let all = [
            (prove(1, &[3]), "proving layer 3".to_owned()),
            (prove(1, &[3, 4]), "proving layers 3, 4".into()),
            (
                Act::Resolve(9, Address::ZERO),
                format!("{bond} for the challenge of layer 9"),
            ),
            (
                Act::Resolve(WHOLE, Address::ZERO),
                format!("{bond} for the challenge of the whole claim"),
            ),
            (
                Act::Timeout(OUTPUT),
                "defeating the claim: the demand for the output was not answered in time".into(),
            ),
            (Act::Challenge(WHOLE), "challenging the whole claim".into()),
        ];
        for (act, words) in all {
            assert_eq!(act.what(), words);
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
        let d = decide(Role::Provider, &f, &provider(&[&[2]]), 1_700);
        assert_eq!(d.acts, [(prove(1, &[2]), 1_700)]);
        let d = decide(Role::Provider, &f, &provider(&[&[2]]), 1_701);
        assert!(d.acts.is_empty() && d.missed.is_some());
        // What is on its way is due until the chain has it.
        let mut sent = provider(&[&[2]]);
        sent.sent = [2].into();
        let d = decide(Role::Provider, &f, &sent, 1_700);
        assert_eq!((acts(&d), d.due, d.missed), (vec![], 1_700, None));
        let d = decide(Role::Provider, &f, &sent, 1_701);
        assert!(d.missed.is_some());
        // Together, by the deadline of the most urgent.
        f.challenges = vec![challenge(1, 1_900), challenge(2, 1_700)];
        let need = decide(Role::Provider, &f, &provider(&[]), 1_500).prove;
        let need = need.expect("challenged");
        assert_eq!((need.layers, need.by), (vec![1, 2], 1_700));
        // What would be refused for the one that is late is not sent for the other.
        let d = decide(Role::Provider, &f, &provider(&[&[1, 2]]), 1_701);
        assert_eq!(acts(&d), []);
        assert_eq!(d.prove.expect("challenged").layers, [1]);
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
        f.challenges = vec![challenge(OUTPUT, 1_800)];
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
        let bond = |target, challenger, winner| Bond {
            target,
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
            assert_eq!(
                acts(&decide(role, &f, &provider(&[&[0]]), 1_500)),
                [Act::Void]
            );
        }
    }

    proptest! {
        /// Whatever the state, a posted claim is looked at again, acts that need a deadline are before it, and no act is
        /// there twice.
        #[test]
        fn nothing_is_forgotten(mode in 0u8..3, proven in 0u64..16, now in 900u64..3_200, ready in 0u64..16,
                                challenged in 0u64..64, role in 0u8..2, answer in 1_000u64..3_000) {
            let mut f = posted(mode);
            f.proven = U256::from(proven);
            f.missing &= !f.proven;
            for (bit, target) in [0, 1, 2, 3, WHOLE, OUTPUT].into_iter().enumerate() {
                if challenged >> bit & 1 == 1 && !(target < 4 && f.proven.bit(target)) {
                    f.challenges.push(challenge(target, answer));
                }
            }
            let local = provider(&[&layers_of(U256::from(ready)), &[3], &[0, 3]]);
            let role = [Role::Provider, Role::Watcher][usize::from(role)];
            let d = decide(role, &f, &local, now);
            prop_assert!(!d.ended);
            let over = now > f.proven_by.max(answer);
            prop_assert!(over || d.wake.is_some() || !d.acts.is_empty(), "{d:?}");
            for (act, by) in &d.acts {
                prop_assert!(*by == 0 || now <= *by, "{act:?} by {by} at {now}");
            }
            let claim = B256::repeat_byte(9);
            let mut keys: Vec<(B256, String)> =
                d.acts.iter().map(|a| (a.0.subject(claim), a.0.key())).collect();
            keys.sort();
            keys.dedup();
            prop_assert_eq!(keys.len(), d.acts.len());
            // Each layer that is owed is sent, made, or late.
            if role == Role::Provider {
                let sent = d.acts.iter().filter_map(|(act, _)| match act {
                    Act::Prove(_, layers) => Some(layers.clone()),
                    _ => None,
                });
                let made = d.prove.iter().map(|need| need.layers.clone());
                let mut all: Vec<usize> = sent.chain(made).flatten().collect();
                all.sort_unstable();
                let due: Vec<usize> = owed(&f).iter().filter(|l| now <= l.1).map(|l| l.0).collect();
                prop_assert_eq!(all, due);
            }
        }
    }
}
