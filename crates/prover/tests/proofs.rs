//! Proofs of small programs are accepted, and nothing else is.

mod common;

use common::*;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::ir::Kind;
use nanozk_prover::check::{check_witness, random_challenges, violations, Violation};
use nanozk_prover::plonk;
use nanozk_verifier::{accumulate, verify, Accumulator, Error, Expected, Proof};

#[test]
fn witnesses_satisfy() {
    for Example {
        program,
        first,
        instances,
    } in examples()
    {
        check_witness(&program, first, &instances, &random_challenges()).unwrap();
    }
}

#[test]
fn proofs_verify() {
    for example in examples() {
        let fixture = Fixture::new(example);
        for kind in KINDS {
            let proof = fixture.prove(kind, 2);
            fixture.verify(&proof).unwrap();
            let bytes = proof.to_bytes();
            assert_eq!(bytes.len(), Proof::byte_length(fixture.pk.vk().layout()));
            assert_eq!(
                Proof::from_bytes(fixture.pk.vk(), kind, &bytes).as_ref(),
                Ok(&proof)
            );
            let calldata = proof.to_calldata();
            assert_eq!(
                calldata.len(),
                Proof::calldata_length(fixture.pk.vk().layout())
            );
            assert_eq!(
                Proof::from_calldata(fixture.pk.vk(), kind, &calldata).as_ref(),
                Ok(&proof)
            );
        }
    }
}
