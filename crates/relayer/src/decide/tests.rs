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
