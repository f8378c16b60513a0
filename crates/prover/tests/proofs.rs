//! Proofs of small programs are accepted, bind what they say, and hide the witness.

mod common;

use common::*;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Column, Kind};
use nanozk_prover::plonk::{self, commit_column, prove, ProvingKey, Stage, Witness};
use nanozk_verifier::{accumulate, verify, Accumulator, Error, Expected, Proof};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn proofs_verify_and_round_trip() {
    for example in examples() {
        let fixture = Fixture::new(example);
        let vk = fixture.pk.vk();
        for kind in KINDS {
            let proof = fixture.prove(kind, 2);
            fixture.verify(&proof).unwrap();
            let bytes = proof.to_bytes();
            assert_eq!(bytes.len(), Proof::byte_length(vk.layout()));
            assert_eq!(Proof::from_bytes(vk, kind, &bytes).as_ref(), Ok(&proof));
            let calldata = proof.to_calldata();
            let without_key = Proof::calldata_of(vk.layout(), &proof.to_bytes());
            assert_eq!(without_key.expect("an encoding"), calldata);
            assert_eq!(calldata.len(), Proof::calldata_length(vk.layout()));
            assert_eq!(
                Proof::from_calldata(vk, kind, &calldata).as_ref(),
                Ok(&proof)
            );
        }
    }
}

#[test]
fn kept_cosets_change_nothing() {
    for example in examples() {
        let mut fixture = Fixture::new(example);
        let plain = fixture.prove(KINDS[0], 2);
        fixture.pk = fixture.pk.with_cosets();
        assert_eq!(
            fixture.prove(KINDS[0], 2),
            plain,
            "the same randomness gives the same proof"
        );
    }
}

/// Fixed values and structure determine the digest, and nothing else does.
#[test]
fn digests_are_deterministic() {
    let (params, program) = (params(), products().program);
    let digest = |setup, program| {
        ProvingKey::new(&params, setup, Arc::new(program))
            .vk()
            .digest()
    };
    let original = digest(SETUP, program.clone());
    assert_eq!(digest(SETUP, program.clone()), original);
    assert_ne!(digest([8; 32], program.clone()), original);
    let mut changed = program.clone();
    changed.fixed[0][3] += Fr::ONE;
    assert_ne!(digest(SETUP, changed), original);
    let mut changed = program.clone();
    changed.gates.pop();
    assert_ne!(digest(SETUP, changed), original);
    // Fixed values on rows that are not given are zero.
    let mut padded = program;
    for column in &mut padded.fixed {
        column.resize(1 << K, Fr::ZERO);
    }
    assert_eq!(digest(SETUP, padded), original);
}

/// With other randomness every element of the proof differs, but for commitments whose blinding the
/// caller chose and those of columns that must be zero in the blind rows.
#[test]
fn proofs_of_the_same_witness_differ() {
    for example in examples() {
        let fixture = Fixture::new(example);
        let (one, other) = (fixture.prove(KINDS[0], 2), fixture.prove(KINDS[0], 3));
        fixture.verify(&other).unwrap();
        let program = &fixture.example.program;
        for (i, column) in program.first_phase().into_iter().enumerate() {
            let info = program.info(column);
            let blinded = info.kind == Kind::Witness && !info.zero_blind;
            assert_eq!(one.first[i] != other.first[i], blinded, "{}", info.name);
        }
        assert!(one.second.iter().zip(&other.second).all(|(a, b)| a != b));
        assert!(one
            .quotient
            .iter()
            .zip(&other.quotient)
            .all(|(a, b)| a != b));
        assert!(one.evals.iter().zip(&other.evals).all(|(a, b)| a != b));
    }
}

/// The commitments of a proof are those of the values, by kind.
#[test]
fn commitments_are_bound() {
    let fixture = Fixture::new(weights());
    let vk = fixture.pk.vk();
    let first = blinded(&fixture.example.program, fixture.example.first.clone(), 1);
    let commitments: Vec<G1Affine> = first
        .iter()
        .map(|c| commit_column(&fixture.params, c.clone()))
        .collect();
    // What is known is not computed, and the proof is the same.
    let known: BTreeMap<Column, G1Affine> = vk
        .program()
        .columns_of(Kind::Weight)
        .zip(commitments[1..4].iter().copied())
        .collect();
    let proof = fixture
        .prove_with(fixture.example.first.clone(), known, KINDS[0], 2)
        .unwrap();
    assert_eq!(proof, fixture.prove(KINDS[0], 2));
    assert_eq!(proof.weight_commitments(vk), commitments[1..4]);
    assert_eq!(proof.input_commitment(vk), Some(commitments[0]));
    assert_eq!(proof.output_commitment(vk), None);

    let check = |expected: Expected<'_>| {
        verify(
            &fixture.kzg,
            vk,
            &fixture.example.instances,
            &expected,
            &proof,
        )
    };
    let (input, weights) = (&commitments[..1], &commitments[1..4]);
    check(Expected {
        input: Some(input),
        weights: Some(weights),
        output: Some(&[]),
    })
    .unwrap();
    let unexpected = |kind, index| Err(Error::UnexpectedCommitment { kind, index });
    let swapped = [weights[0], weights[2], weights[1]];
    assert_eq!(
        check(Expected {
            weights: Some(&swapped),
            ..Default::default()
        }),
        unexpected(Kind::Weight, 1)
    );
    let short = &weights[..2];
    assert_eq!(
        check(Expected {
            weights: Some(short),
            ..Default::default()
        }),
        unexpected(Kind::Weight, 2)
    );
    assert_eq!(
        check(Expected {
            output: Some(input),
            ..Default::default()
        }),
        unexpected(Kind::Output, 0)
    );
    let other = [weights[0]];
    assert_eq!(
        check(Expected {
            input: Some(&other),
            ..Default::default()
        }),
        unexpected(Kind::Input, 0)
    );
}

#[test]
fn accumulators_fold() {
    let accumulators: Vec<Accumulator> = examples()
        .into_iter()
        .map(|example| {
            let fixture = Fixture::new(example);
            let proof = fixture.prove(KINDS[1], 2);
            let instances = &fixture.example.instances;
            accumulate(
                &fixture.kzg,
                fixture.pk.vk(),
                instances,
                &Expected::default(),
                &proof,
            )
            .unwrap()
        })
        .collect();
    let kzg = plonk::verifier_params(&params(), SETUP);
    let r = Fr::random(rng(9));
    Accumulator::fold(&accumulators, r).check(&kzg).unwrap();
    for i in 0..accumulators.len() {
        let mut bad = accumulators.clone();
        bad[i].lhs = -bad[i].lhs;
        assert_eq!(Accumulator::fold(&bad, r).check(&kzg), Err(Error::Rejected));
    }
}

#[test]
fn the_prover_refuses_what_has_no_shape() {
    let fixture = Fixture::new(products());
    let prove = |witness: Witness<'_>| {
        prove(
            &fixture.params,
            &fixture.pk,
            witness,
            KINDS[0],
            &mut rng(2),
            &|_| (),
        )
        .unwrap_err()
    };
    let (first_phase, instances) = (
        fixture.example.first.clone(),
        fixture.example.instances.as_slice(),
    );
    let witness = || Witness {
        first_phase: first_phase.clone(),
        known: BTreeMap::new(),
        instances,
    };
    let missing = first_phase[1..].to_vec();
    assert_eq!(
        prove(Witness {
            first_phase: missing,
            ..witness()
        }),
        plonk::Error::WrongColumnCount {
            expected: 3,
            got: 2
        }
    );
    let mut short = first_phase.clone();
    short[2].pop();
    assert_eq!(
        prove(Witness {
            first_phase: short,
            ..witness()
        }),
        plonk::Error::WrongColumnLength {
            column: "c".into(),
            expected: 128,
            got: 127
        }
    );
    assert_eq!(
        prove(Witness {
            instances: &[],
            ..witness()
        }),
        plonk::Error::Transcript(Error::WrongInstanceCount {
            expected: 1,
            got: 0
        })
    );
    let known = fixture
        .example
        .program
        .columns_of(Kind::Witness)
        .map(|c| (c, G1Affine::generator()));
    assert_eq!(
        prove(Witness {
            known: known.collect(),
            ..witness()
        }),
        plonk::Error::KnownWitness { column: "b".into() }
    );
}

#[test]
fn stages_are_reported_in_order() {
    let fixture = Fixture::new(products());
    let first_phase = blinded(&fixture.example.program, fixture.example.first.clone(), 1);
    let witness = Witness {
        first_phase,
        known: BTreeMap::new(),
        instances: &fixture.example.instances,
    };
    let stages = RefCell::new(Vec::new());
    let progress = |stage| stages.borrow_mut().push(stage);
    prove(
        &fixture.params,
        &fixture.pk,
        witness,
        KINDS[0],
        &mut rng(2),
        &progress,
    )
    .unwrap();
    use Stage::*;
    assert_eq!(
        stages.into_inner(),
        [FirstPhase, SecondPhase, Quotient, Evaluate, Open]
    );
}
