//! What challenges and digests follow from: everything said before, and each part of it.

mod common;

use common::*;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_circuits::ir::CHALLENGES;
use nanozk_verifier::aggregate::chain_layer;
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::statement::{Context, Statement};
use nanozk_verifier::transcript::Rounds;
use nanozk_verifier::{Accumulator, Error, Proof, TranscriptKind, VerifyingKey};
use std::collections::HashSet;

const KINDS: [TranscriptKind; 2] = [TranscriptKind::Keccak, TranscriptKind::Poseidon];

/// All challenges of a proof, in their order.
fn challenges(key: &VerifyingKey, instances: &[Fr], proof: &Proof) -> Vec<Fr> {
    let mut rounds = Rounds::new(proof.transcript, key, instances).expect("public inputs");
    let mut all = rounds.first_phase(&proof.first).expect("points").to_vec();
    all.push(rounds.second_phase(&proof.second).expect("points"));
    all.push(rounds.quotient(&proof.quotient).expect("points"));
    all.push(rounds.evaluations(&proof.evals));
    all.push(rounds.opening(&proof.opening[0]).expect("a point"));
    all.push(rounds.last(&proof.opening[1]).expect("a point"));
    all
}

/// Each element of a proof changed, with the number of challenges that are drawn before it is said.
fn changes(proof: &Proof) -> Vec<(Proof, usize)> {
    let mut out = Vec::new();
    let mut change = |drawn: usize, change: &dyn Fn(&mut Proof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        out.push((changed, drawn));
    };
    let other = |p: &mut G1Affine| *p = -*p;
    for i in 0..proof.first.len() {
        change(0, &|p| other(&mut p.first[i]));
    }
    for i in 0..proof.second.len() {
        change(CHALLENGES, &|p| other(&mut p.second[i]));
    }
    for i in 0..2 {
        change(CHALLENGES + 1, &|p| other(&mut p.quotient[i]));
        change(CHALLENGES + 3 + i, &|p| other(&mut p.opening[i]));
    }
    for i in 0..proof.evals.len() {
        change(CHALLENGES + 2, &|p| p.evals[i] += Fr::ONE);
    }
    out
}

#[test]
fn challenges_follow_from_all_that_was_said() {
    let instances = [Fr::from(5), Fr::from(6)];
    // Attention and MLP: as many public inputs, other commitments.
    let [key, other_key] = [1, 2].map(key);
    for kind in KINDS {
        let proof = proof(1, kind);
        let honest = challenges(key, &instances, &proof);
        let distinct: HashSet<String> = honest.iter().map(|c| format!("{c:?}")).collect();
        assert_eq!(distinct.len(), honest.len(), "no challenge is drawn twice");
        let check = |changed: Vec<Fr>, drawn: usize| {
            assert_eq!(changed[..drawn], honest[..drawn], "{kind:?}: drawn before");
            let same = (drawn..honest.len()).find(|i| changed[*i] == honest[*i]);
            assert_eq!(same, None, "{kind:?}: drawn after");
        };
        for (changed, drawn) in changes(&proof) {
            check(challenges(key, &instances, &changed), drawn);
        }
        for i in 0..instances.len() {
            let mut instances = instances;
            instances[i] += Fr::ONE;
            check(challenges(key, &instances, &proof), 0);
        }
        check(challenges(other_key, &instances, &proof), 0);
    }
}

/// Errors of two proofs that cancel do so in a plain sum only.
#[test]
fn folded_errors_do_not_cancel() {
    let kzg = params();
    let valid = |by: u64| Accumulator {
        lhs: point(by * SECRET),
        rhs: point(by),
    };
    let mut accumulators = [2, 3, 4].map(valid);
    let r = Fr::from(99).pow_vartime([17]);
    assert_eq!(Accumulator::fold(&accumulators, r).check(&kzg), Ok(()));
    for side in [0, 1] {
        let mut change = |i: usize, factor: Fr| {
            let point = match side {
                0 => &mut accumulators[i].lhs,
                _ => &mut accumulators[i].rhs,
            };
            *point = (*point + G1Affine::generator() * factor).to_affine();
        };
        change(0, Fr::ONE);
        change(2, -Fr::ONE);
        let fold = |r| Accumulator::fold(&accumulators, r).check(&kzg);
        assert_eq!(fold(Fr::ONE), Ok(()));
        assert_eq!(fold(r), Err(Error::Rejected));
        accumulators = [2, 3, 4].map(valid);
    }
    // One that is not valid is found wherever it stands.
    for i in 0..3 {
        let mut bad = accumulators;
        bad[i].lhs = point(77);
        assert_eq!(bad[i].check(&kzg), Err(Error::Rejected));
        assert_eq!(Accumulator::fold(&bad, r).check(&kzg), Err(Error::Rejected));
    }
}

#[test]
fn the_running_digest_binds_keys_and_weights() {
    let (before, key) = (Fr::from(3), Fr::from(4));
    let weights = [point(5), point(6), point(7)];
    let honest = chain_layer(before, key, &weights);
    assert_eq!(chain_layer(before, key, &weights), honest);
    assert_ne!(chain_layer(before + Fr::ONE, key, &weights), honest);
    assert_ne!(chain_layer(before, key + Fr::ONE, &weights), honest);
    assert_ne!(chain_layer(before, key, &weights[..2]), honest);
    for i in 0..3 {
        for other in [-weights[i], point(8), weights[(i + 1) % 3]] {
            let mut changed = weights;
            changed[i] = other;
            assert_ne!(chain_layer(before, key, &changed), honest);
        }
    }
}

#[test]
fn the_statement_binds_every_field() {
    let digest = |by: u8| Digest32([by; 32]);
    let honest = Statement {
        context: Context {
            chain: 1,
            contract: digest(2),
            claim: digest(3),
            recipient: digest(4),
        },
        model: digest(5),
        input: Scalar(Fr::from(6)),
        output: Scalar(Fr::from(7)),
        first_layer: 8,
        layers: 9,
    };
    let changes: [fn(&mut Statement); 9] = [
        |s| s.context.chain += 1,
        |s| s.context.contract.0[31] += 1,
        |s| s.context.claim.0[0] += 1,
        |s| s.context.recipient.0[16] += 1,
        |s| s.model.0[8] += 1,
        |s| s.input.0 += Fr::ONE,
        |s| s.output.0 += Fr::ONE,
        |s| s.first_layer += 1,
        |s| s.layers += 1,
    ];
    for change in changes {
        let mut changed = honest;
        change(&mut changed);
        assert_ne!(changed.digest(), honest.digest(), "{changed:?}");
        assert_ne!(changed.words(), honest.words());
    }
}
