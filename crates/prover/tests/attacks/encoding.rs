//! Second encodings and malformed elements of a layer's proof.

use crate::{mlp, Prover};
use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_verifier::encoding::{scalar_to_bytes, WORD};
use nanozk_verifier::hex::{encode, Point, Scalar};
use nanozk_verifier::{Element, Error, Malformed, Proof, TranscriptKind};

/// The big-endian sum of a scalar and the modulus.
fn alias(word: &[u8]) -> Vec<u8> {
    let minus_one = scalar_to_bytes(&-Fr::ONE);
    let mut carry = 1;
    let mut sum: Vec<u8> = word
        .iter()
        .zip(minus_one)
        .rev()
        .map(|(a, b)| {
            carry += u16::from(*a) + u16::from(b);
            let byte = carry as u8;
            carry >>= 8;
            byte
        })
        .collect();
    assert_eq!(carry, 0);
    sum.reverse();
    sum
}

/// With a second encoding of a scalar, a proof or a public input could be shown twice.
#[test]
fn scalars_not_below_the_modulus() {
    let case = mlp();
    let prover = Prover::of(&case);
    let vk = prover.pk.vk();
    let proof = prover.prove(&case);
    let bytes = proof.to_bytes();
    let first = WORD * (proof.first.len() + proof.second.len() + 2);
    for i in 0..proof.evals.len() {
        let mut changed = bytes.clone();
        let word = &mut changed[first + i * WORD..][..WORD];
        word.copy_from_slice(&alias(word));
        let error = Error::Decode {
            element: Element::Evaluation(i),
            reason: Malformed::NotReduced,
        };
        assert_eq!(
            Proof::from_bytes(vk, TranscriptKind::Keccak, &changed),
            Err(error)
        );
    }
    // Public inputs as a session has them.
    let json = |bytes: &[u8]| serde_json::from_str::<Scalar>(&format!("\"{}\"", encode(bytes)));
    let digest = Fr::from(77);
    assert_eq!(json(&scalar_to_bytes(&digest)).unwrap(), Scalar(digest));
    assert!(json(&alias(&scalar_to_bytes(&digest))).is_err());
    assert!(json(&alias(&scalar_to_bytes(&Fr::ZERO))).is_err());
    assert!(Fr::MODULUS.ends_with("00001"));
}

/// Without the length, bytes could be left out or added.
#[test]
fn truncated_and_extended_proofs() {
    let case = mlp();
    let prover = Prover::of(&case);
    let bytes = prover.prove(&case).to_bytes();
    let expected = bytes.len();
    let decode = |bytes: &[u8]| Proof::from_bytes(prover.pk.vk(), TranscriptKind::Keccak, bytes);
    for got in (0..expected).step_by(WORD / 2).chain([expected - 1]) {
        assert_eq!(
            decode(&bytes[..got]),
            Err(Error::WrongLength { expected, got })
        );
    }
    for extra in [1, WORD] {
        let got = expected + extra;
        let extended = [bytes.as_slice(), &vec![0; extra]].concat();
        assert_eq!(decode(&extended), Err(Error::WrongLength { expected, got }));
    }
}

/// Without these checks, a commitment could be no point, or open to nothing but zero.
#[test]
fn points_off_the_curve_or_at_infinity() {
    let case = mlp();
    let prover = Prover::of(&case);
    let vk = prover.pk.vk();
    let proof = prover.prove(&case);
    let bytes = proof.to_bytes();
    let decode = |bytes: &[u8]| Proof::from_bytes(vk, TranscriptKind::Keccak, bytes);
    for i in 0..proof.first.len() + proof.second.len() + 2 {
        let with = |word: [u8; WORD]| {
            let mut changed = bytes.clone();
            changed[i * WORD..][..WORD].copy_from_slice(&word);
            match decode(&changed) {
                Err(Error::Decode { reason, .. }) => reason,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(with([0; WORD]), Malformed::Infinity);
        // x = 4: 67 is no square.
        let mut word = [0; WORD];
        word[WORD - 1] = 4;
        assert_eq!(with(word), Malformed::NotOnCurve);
        assert_eq!(with([0x7f; WORD]), Malformed::NotReduced);
    }
    let json = serde_json::from_str::<Point>(&format!("\"{}\"", encode(&[0; WORD])));
    assert!(json.is_err());
}
