//! The row-by-row checker finds what is wrong, and proofs of it are rejected.

mod common;

use common::*;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Kind, Program, BLIND_ROWS};
use nanozk_prover::check::{check_witness, random_challenges, violations, Violation};
use nanozk_verifier::soundness::statistical_error_log2;
use nanozk_verifier::Error;
use rand_core::RngCore;
use std::collections::BTreeMap;

fn first_violation(example: &Example) -> Result<(), Violation> {
    check_witness(
        &example.program,
        example.first.clone(),
        &example.instances,
        &random_challenges(),
    )
}

fn violation(gate: &str, row: usize) -> Violation {
    Violation {
        gate: gate.into(),
        row,
    }
}

#[test]
fn witnesses_satisfy() {
    for example in examples() {
        first_violation(&example).unwrap();
    }
}

#[test]
fn violations_are_located() {
    let mut example = products();
    example.first[2][17] += Fr::ONE;
    example.first[2][30] += Fr::ONE;
    assert_eq!(first_violation(&example), Err(violation("product", 17)));

    let mut example = products();
    example.instances[0] += Fr::ONE;
    assert_eq!(first_violation(&example), Err(violation("public", 0)));

    let mut example = lookup();
    example.first[0][5] += Fr::ONE;
    let last = example.program.usable() - 1;
    assert_eq!(first_violation(&example), Err(violation("balance", last)));

    let mut example = weights();
    example.first[1][3] += Fr::ONE;
    let all = violations(
        &example.program,
        example.first.clone(),
        &example.instances,
        &random_challenges(),
    );
    // The second phase follows the changed weight; only the claim about its sum is false.
    assert_eq!(all, [violation("plain", 3)]);
}

#[test]
fn a_gate_that_reads_blind_rows_is_found() {
    let mut example = products();
    let selector = &mut example.program.fixed[0];
    selector.push(Fr::ONE);
    assert_eq!(
        first_violation(&example),
        Err(violation("product", (1 << K) - BLIND_ROWS))
    );
}

/// Changes one used cell of the first phase.
fn tampered(example: &Example, seed: u64) -> Vec<Vec<Fr>> {
    let mut rng = rng(seed);
    let mut first = example.first.clone();
    let column = rng.next_u32() as usize % first.len();
    let row = rng.next_u32() as usize % (example.program.usable() - 1);
    first[column][row] += Fr::random(rng);
    first
}

/// Whatever the witness, the prover returns a proof, and it is valid iff the checker is content.
#[test]
fn the_checker_and_the_verifier_agree() {
    for example in examples() {
        let fixture = Fixture::new(example.clone());
        for seed in 0..12 {
            let first = tampered(&example, seed);
            let satisfied = check_witness(
                &example.program,
                first.clone(),
                &example.instances,
                &random_challenges(),
            );
            let proof = fixture
                .prove_with(first, BTreeMap::new(), KINDS[seed as usize % 2], 2)
                .unwrap();
            let expected = if satisfied.is_ok() {
                Ok(())
            } else {
                Err(Error::Rejected)
            };
            assert_eq!(
                fixture.verify(&proof),
                expected,
                "{} {seed}",
                example.program.name
            );
        }
    }
}

#[test]
fn all_random_witnesses_are_rejected() {
    for mut example in examples() {
        let mut rng = rng(5);
        example
            .first
            .iter_mut()
            .flatten()
            .for_each(|v| *v = Fr::random(&mut rng));
        let fixture = Fixture::new(example);
        let proof = fixture.prove(KINDS[0], 2);
        assert_eq!(fixture.verify(&proof), Err(Error::Rejected));
    }
}

/// The degrees of the hand-written programs, by hand.
#[test]
fn challenge_degrees() {
    let degree = |program: &Program| statistical_error_log2(program).challenge_degree;
    // Horner's rule over 64 rows has degree 63; gates multiply it by one more challenge.
    assert_eq!(degree(&products().program), 64);
    // 63 rows with two denominators of degree one each, all of which must not vanish; the sum has
    // all of them as its denominator, and a gate takes the difference of two sums and two terms.
    let (denominators, gate) = (2 * 63, 2 * 2 * 63 + 2);
    assert_eq!(degree(&lookup().program), denominators + gate);
    let error = statistical_error_log2(&lookup().program);
    let parts = [
        error.challenges,
        error.combination,
        error.evaluation,
        error.batching,
        error.opening,
    ];
    assert!(parts.iter().all(|p| *p < error.total));
    assert!(error.total < -220.0);
}

#[test]
fn estimates_grow_with_the_program() {
    use nanozk_prover::plonk::estimate_peak_bytes;
    let mut program = products().program;
    let columns = program
        .columns
        .iter()
        .filter(|c| c.kind != Kind::Fixed)
        .count() as u64;
    assert!(estimate_peak_bytes(&program) > (columns * 32) << K);
    let small = estimate_peak_bytes(&program);
    program.k += 1;
    assert_eq!(estimate_peak_bytes(&program), 2 * small);
}
