//! No change to a proof, its public inputs or its key is accepted, and each is refused for the
//! right reason.

mod common;

use common::*;
use halo2curves::bn256::{Fq, Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::prime::PrimeCurveAffine;
use nanozk_circuits::ir::{Poly, Scalar};
use nanozk_verifier::encoding::WORD;
use nanozk_verifier::error::Sort;
use nanozk_verifier::{
    verify, Element, Error, Expected, KzgVerifier, Malformed, Proof, TranscriptKind,
};
use rand_core::RngCore;
use std::sync::Arc;

/// Moduli of coordinates and scalars.
const P: &str = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
const R: &str = "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";

fn points(proof: &mut Proof) -> Vec<(Element, &mut G1Affine)> {
    let groups: [(Sort, &mut [G1Affine]); 4] = [
        (Element::First, &mut proof.first),
        (Element::Second, &mut proof.second),
        (Element::Quotient, &mut proof.quotient),
        (Element::Opening, &mut proof.opening),
    ];
    let named = groups.into_iter().flat_map(|(element, points)| {
        points
            .iter_mut()
            .enumerate()
            .map(move |(i, point)| (element(i), point))
    });
    named.collect()
}

#[test]
fn every_commitment_matters() {
    for example in examples() {
        let fixture = Fixture::new(example);
        for kind in KINDS {
            let proof = fixture.prove(kind, 2);
            let count = points(&mut proof.clone()).len();
            for i in 0..count {
                let change = |to: &dyn Fn(G1Affine) -> G1Affine| {
                    let mut changed = proof.clone();
                    let (element, point) = points(&mut changed).swap_remove(i);
                    *point = to(*point);
                    (element, fixture.verify(&changed))
                };
                assert_eq!(change(&|p| -p).1, Err(Error::Rejected), "{kind:?} {i}");
                assert_eq!(change(&|_| G1Affine::generator()).1, Err(Error::Rejected));
                assert_eq!(
                    change(&|p| (p + G1Affine::generator()).into()).1,
                    Err(Error::Rejected)
                );
                let (element, result) = change(&|_| G1Affine::identity());
                assert_eq!(
                    result,
                    Err(Error::Decode {
                        element,
                        reason: Malformed::Infinity
                    })
                );
                let (element, result) = change(&|p| G1Affine {
                    x: p.x + Fq::ONE,
                    y: p.y,
                });
                assert_eq!(
                    result,
                    Err(Error::Decode {
                        element,
                        reason: Malformed::NotOnCurve
                    })
                );
            }
        }
    }
}

#[test]
fn every_evaluation_matters() {
    for example in examples() {
        let fixture = Fixture::new(example);
        for kind in KINDS {
            let proof = fixture.prove(kind, 2);
            for i in 0..proof.evals.len() {
                let mut changed = proof.clone();
                changed.evals[i] += Fr::ONE;
                assert_eq!(fixture.verify(&changed), Err(Error::Rejected));
                let mut swapped = proof.clone();
                swapped.evals.swap(i, (i + 1) % proof.evals.len());
                assert_eq!(fixture.verify(&swapped), Err(Error::Rejected));
            }
        }
    }
}

#[test]
fn elements_cannot_change_places() {
    let fixture = Fixture::new(lookup());
    let proof = fixture.prove(KINDS[0], 2);
    let swaps: [fn(&mut Proof); 5] = [
        |p| p.first.swap(0, 1),
        |p| p.second.swap(0, 1),
        |p| p.quotient.swap(0, 1),
        |p| p.opening.swap(0, 1),
        |p| std::mem::swap(&mut p.first[0], &mut p.second[0]),
    ];
    for swap in swaps {
        let mut changed = proof.clone();
        swap(&mut changed);
        assert_eq!(fixture.verify(&changed), Err(Error::Rejected));
    }
}

#[test]
fn wrong_numbers_of_elements() {
    let fixture = Fixture::new(lookup());
    let proof = fixture.prove(KINDS[0], 2);
    let point = G1Affine::generator();
    type Change<'a> = &'a dyn Fn(&mut Proof);
    let cases: [(Change<'_>, Element, usize, usize); 4] = [
        (&|p| p.first.push(point), Element::First(1), 2, 3),
        (&|p| p.second.truncate(2), Element::Second(2), 3, 2),
        (&|p| p.evals.truncate(9), Element::Evaluation(9), 10, 9),
        (&|p| p.evals.push(Fr::ONE), Element::Evaluation(9), 10, 11),
    ];
    for (change, last, expected, got) in cases {
        let mut changed = proof.clone();
        change(&mut changed);
        assert_eq!(
            fixture.verify(&changed),
            Err(Error::WrongShape {
                last,
                expected,
                got
            })
        );
    }
}

#[test]
fn other_statements_are_rejected() {
    for example in [products(), weights()] {
        let fixture = Fixture::new(example);
        let (kzg, vk) = (&fixture.kzg, fixture.pk.vk());
        let instances = &fixture.example.instances;
        let expected = Expected::default();
        let proof = fixture.prove(KINDS[0], 2);

        let changed = [instances[0] + Fr::ONE];
        assert_eq!(
            verify(kzg, vk, &changed, &expected, &proof),
            Err(Error::Rejected)
        );
        for (wrong, got) in [(vec![], 0), (vec![instances[0]; 2], 2)] {
            let error = Error::WrongInstanceCount { expected: 1, got };
            assert_eq!(verify(kzg, vk, &wrong, &expected, &proof), Err(error));
        }
        let mut other = proof.clone();
        other.transcript = TranscriptKind::Poseidon;
        assert_eq!(fixture.verify(&other), Err(Error::Rejected));

        let other = KzgVerifier {
            id: [0; 32],
            ..*kzg
        };
        assert_eq!(
            verify(&other, vk, instances, &expected, &proof),
            Err(Error::WrongSetup)
        );
        let other = KzgVerifier {
            s_g2: kzg.g2,
            ..*kzg
        };
        assert_eq!(
            verify(&other, vk, instances, &expected, &proof),
            Err(Error::Rejected)
        );
    }
}

/// Keys that differ in a fixed value, in a coefficient or in a gate that holds trivially.
#[test]
fn other_keys_are_rejected() {
    let fixture = Fixture::new(products());
    let proof = fixture.prove(KINDS[0], 2);
    let change_fixed = |example: &mut Example| example.program.fixed[0][9] = Fr::ZERO;
    let change_coefficient = |example: &mut Example| {
        example.program.gates[1].poly.0[0].coeff = Scalar::int(12);
    };
    let change_gate = |example: &mut Example| {
        let mut gate = example.program.gates[0].clone();
        gate.id = "twice".into();
        gate.poly = (gate.poly * Scalar::int(2)).normalized();
        example.program.gates.push(gate);
    };
    let change_order = |example: &mut Example| example.program.gates.swap(0, 1);
    let reuse_zero = |example: &mut Example| {
        example.program.gates[0].poly = Poly::zero() + example.program.gates[1].poly.clone()
    };
    let changes: [&dyn Fn(&mut Example); 5] = [
        &change_fixed,
        &change_coefficient,
        &change_gate,
        &change_order,
        &reuse_zero,
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut example = products();
        change(&mut example);
        let key = nanozk_prover::plonk::ProvingKey::new(
            &fixture.params,
            SETUP,
            Arc::new(example.program),
        );
        let result = verify(
            &fixture.kzg,
            key.vk(),
            &fixture.example.instances,
            &Expected::default(),
            &proof,
        );
        if key.vk().layout().openings.len() == proof.evals.len() {
            assert_eq!(result, Err(Error::Rejected), "change {i}");
        } else {
            assert!(
                matches!(result, Err(Error::WrongShape { .. })),
                "change {i}"
            );
        }
    }
}

#[test]
fn proofs_are_of_one_program() {
    let fixtures = examples().map(Fixture::new);
    let proofs: Vec<Proof> = fixtures.iter().map(|f| f.prove(KINDS[0], 2)).collect();
    for (i, fixture) in fixtures.iter().enumerate() {
        for (j, proof) in proofs.iter().enumerate() {
            assert_eq!(fixture.verify(proof).is_ok(), i == j);
        }
    }
}

/// The big-endian sum of a word and a modulus.
fn plus(word: &mut [u8], modulus: &str) {
    let mut carry = 0;
    for i in (0..WORD).rev() {
        let byte = u8::from_str_radix(&modulus[2 * i..2 * i + 2], 16).unwrap();
        carry += word[i] as u16 + byte as u16;
        word[i] = carry as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0, "the alias fits a word");
}

#[test]
fn encodings_are_strict() {
    let fixture = Fixture::new(weights());
    let vk = fixture.pk.vk();
    let layout = vk.layout();
    let kind = KINDS[0];
    let proof = fixture.prove(kind, 2);
    let scalars = layout.openings.len();
    let before = layout.first.len() + layout.second.len() + 2;
    let element = |i: usize| match i {
        i if i < layout.first.len() => Element::First(i),
        i if i < before - 2 => Element::Second(i - layout.first.len()),
        i if i < before => Element::Quotient(i + 2 - before),
        i => Element::Opening(i - before),
    };
    type Decoder =
        fn(&nanozk_verifier::VerifyingKey, TranscriptKind, &[u8]) -> Result<Proof, Error>;
    let encodings: [(Vec<u8>, Decoder, usize); 2] = [
        (proof.to_bytes(), Proof::from_bytes, 1),
        (proof.to_calldata(), Proof::from_calldata, 2),
    ];
    for (bytes, decode, words) in encodings {
        assert_eq!(decode(vk, kind, &bytes).as_ref(), Ok(&proof));
        // Lengths.
        let expected = bytes.len();
        for got in (0..expected).chain([expected + 1, expected + WORD]) {
            let resized: Vec<u8> = bytes.iter().copied().chain([0; WORD]).take(got).collect();
            assert_eq!(
                decode(vk, kind, &resized),
                Err(Error::WrongLength { expected, got })
            );
        }
        // Aliases of scalars, and the modulus itself.
        for i in 0..scalars {
            let at = (before * words + i) * WORD;
            let error = Err(Error::Decode {
                element: Element::Evaluation(i),
                reason: Malformed::NotReduced,
            });
            for clear in [false, true] {
                let mut changed = bytes.clone();
                let word = &mut changed[at..at + WORD];
                if clear {
                    word.fill(0);
                }
                plus(word, R);
                assert_eq!(decode(vk, kind, &changed), error);
            }
            let mut changed = bytes.clone();
            changed[at..at + WORD].fill(0xff);
            assert_eq!(decode(vk, kind, &changed), error);
        }
        // Points.
        for i in 0..before + 2 {
            let at = WORD * (words * i + if i < before { 0 } else { scalars });
            let error = |reason| {
                Err(Error::Decode {
                    element: element(i),
                    reason,
                })
            };
            for word in 0..words {
                let mut changed = bytes.clone();
                let range = at + word * WORD..at + (word + 1) * WORD;
                // Without the sign, which an alias with it would carry out of the word.
                changed[at] &= 0x7f;
                plus(&mut changed[range], P);
                assert_eq!(decode(vk, kind, &changed), error(Malformed::NotReduced));
            }
            let mut changed = bytes.clone();
            changed[at..at + words * WORD].fill(0);
            assert_eq!(decode(vk, kind, &changed), error(Malformed::Infinity));
        }
    }
}

/// Arbitrary changes of bytes neither panic nor are accepted.
#[test]
fn random_changes_of_bytes() {
    let fixture = Fixture::new(products());
    let vk = fixture.pk.vk();
    let proof = fixture.prove(KINDS[0], 2);
    let bytes = proof.to_bytes();
    let mut rng = rng(11);
    for _ in 0..300 {
        let mut changed = bytes.clone();
        let at = rng.next_u32() as usize % bytes.len();
        changed[at] ^= 1 << (rng.next_u32() % 8);
        match Proof::from_bytes(vk, KINDS[0], &changed) {
            Ok(decoded) => assert_eq!(fixture.verify(&decoded), Err(Error::Rejected)),
            Err(error) => assert!(matches!(error, Error::Decode { .. })),
        }
        rng.fill_bytes(&mut changed);
        assert!(Proof::from_bytes(vk, KINDS[0], &changed).is_err());
    }
}
