//! The encoding of proofs: one for each, and nothing else is read.

mod common;

use common::{known, layout, program, proved, values};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::encoding::MAGIC;
use nanozk_argument::{DecodeError, Opening, Proof, Statement};
use nanozk_transcript::encoding::WORD;
use nanozk_transcript::{KeccakTranscript, Malformed};
use proptest::prelude::*;

/// Words of the opening.
const OPENING: usize = 14;

fn point(n: u64) -> G1Affine {
    (G1Affine::generator() * Fr::from(n).square()).into()
}

fn scalar(n: u64) -> Fr {
    Fr::from(n).pow([5]) - Fr::from(n)
}

/// A proof that proves nothing. Points are not at infinity if seeds are positive.
fn proof(points: &[u64], scalars: &[u64], opening: u64) -> Proof {
    let next = |i: usize| opening + i as u64;
    Proof {
        points: points.iter().map(|n| point(*n)).collect(),
        scalars: scalars.iter().map(|n| scalar(*n)).collect(),
        opening: Opening::new(
            std::array::from_fn(|i| point(next(i))),
            std::array::from_fn(|i| scalar(next(i))),
        ),
    }
}

fn any_proof() -> impl Strategy<Value = Proof> {
    let seeds = || prop::collection::vec(1..u64::MAX / 2, 0..6);
    (seeds(), seeds(), 1..u64::MAX / 2).prop_map(|(p, s, o)| proof(&p, &s, o))
}

#[test]
fn proofs_are_as_long_as_their_programs_say_and_are_read_again() {
    let program = program();
    let layout = layout(&program);
    let values = values(&program, &layout);
    let (known, inputs) = (known(&values), values.inputs().to_vec());
    let proof = proved(values);
    let bytes = proof.to_bytes();
    assert_eq!(bytes.len(), Proof::byte_length(&program, &layout));
    let read = Proof::from_bytes(&bytes).unwrap();
    assert_eq!(read, proof);
    let statement = Statement {
        program: &program,
        layout: &layout,
        inputs: &inputs,
        known: &known,
    };
    assert!(common::accepted(&statement, &read, KeccakTranscript::new()));
}

/// Against the page that describes it, spelled out.
#[test]
fn the_encoding_is_that_of_the_page() {
    let g = G1Affine::generator();
    let proof = Proof {
        points: vec![g, -g],
        scalars: vec![Fr::from(258)],
        opening: Opening::new([g; 8], [1, 2, 3, 4, 5, 6].map(Fr::from)),
    };
    let mut expected = b"nanozk joint 002".to_vec();
    expected.extend(2_u64.to_be_bytes());
    expected.extend(1_u64.to_be_bytes());
    let mut word = |first: u8, last: [u8; 2]| {
        expected.push(first);
        expected.extend([0; 29]);
        expected.extend(last);
    };
    // The generator is (1, 2); the modulus is odd, so `−2` is, too.
    word(0, [0, 1]);
    word(0x80, [0, 1]);
    word(0, [1, 2]);
    (0..8).for_each(|_| word(0, [0, 1]));
    (1..=6).for_each(|n| word(0, [0, n]));
    assert_eq!(proof.to_bytes(), expected);
}

#[test]
fn elements_that_are_none_are_refused() {
    let bytes = proof(&[1, 2], &[3, 4, 5], 6).to_bytes();
    let at = |word: usize, content: [u8; WORD]| {
        let mut changed = bytes.clone();
        changed[WORD * word..][..WORD].copy_from_slice(&content);
        Proof::from_bytes(&changed)
    };
    let reason = Malformed::Infinity;
    assert_eq!(at(2, [0; 32]), Err(DecodeError::Point { index: 1, reason }));
    assert_eq!(at(6, [0; 32]), Err(DecodeError::Opening(reason)));
    let reason = Malformed::NotReduced;
    let large = [0x7f; 32];
    assert_eq!(at(1, large), Err(DecodeError::Point { index: 0, reason }));
    assert_eq!(at(5, large), Err(DecodeError::Scalar { index: 2, reason }));
    assert_eq!(at(6, large), Err(DecodeError::Opening(reason)));
    assert_eq!(at(6 + 13, large), Err(DecodeError::Opening(reason)));
    // 4³ + 3 = 67 is no square.
    let mut four = [0; 32];
    four[31] = 4;
    let reason = Malformed::NotOnCurve;
    assert_eq!(at(1, four), Err(DecodeError::Point { index: 0, reason }));

    assert_eq!(Proof::from_bytes(&[]), Err(DecodeError::Magic));
    assert_eq!(Proof::from_bytes(&MAGIC[..15]), Err(DecodeError::Magic));
    let mut other = bytes.clone();
    other[15] ^= 1;
    assert_eq!(Proof::from_bytes(&other), Err(DecodeError::Magic));
}

/// Counts that are not those of the bytes, and such as no memory could hold, or whose sum is too large.
#[test]
fn counts_are_those_of_the_bytes() {
    let bytes = proof(&[1, 2], &[3, 4, 5], 6).to_bytes();
    let counts = [
        (2, 4),
        (1, 3),
        (3, 3),
        (u64::MAX, 6),
        (6, u64::MAX),
        (u64::MAX, 0),
        (1 << 63, 1 << 63),
        (1 << 59, 5),
        (0, 0),
    ];
    for (points, scalars) in counts {
        let mut changed = bytes.clone();
        changed[16..24].copy_from_slice(&points.to_be_bytes());
        changed[24..32].copy_from_slice(&scalars.to_be_bytes());
        let got = bytes.len();
        let refused = DecodeError::Length {
            points,
            scalars,
            got,
        };
        assert_eq!(Proof::from_bytes(&changed), Err(refused));
    }
    // The same sum, but a scalar is read as a point, or a point as a scalar.
    for (points, scalars) in [(3_u64, 2_u64), (1, 4)] {
        let mut changed = bytes.clone();
        changed[16..24].copy_from_slice(&points.to_be_bytes());
        changed[24..32].copy_from_slice(&scalars.to_be_bytes());
        let read = Proof::from_bytes(&changed);
        assert!(read.is_err() || read.as_ref().unwrap().to_bytes() == changed);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(proof in any_proof()) {
        let bytes = proof.to_bytes();
        let words = 1 + proof.points.len() + proof.scalars.len() + OPENING;
        prop_assert_eq!(bytes.len(), WORD * words);
        prop_assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
    }

    #[test]
    fn other_lengths_are_refused(proof in any_proof(), more in prop::collection::vec(any::<u8>(), 1..100)) {
        let bytes = proof.to_bytes();
        for length in 0..bytes.len() {
            prop_assert!(Proof::from_bytes(&bytes[..length]).is_err());
        }
        for length in 1..=more.len() {
            let longer = [&bytes, &more[..length]].concat();
            prop_assert!(Proof::from_bytes(&longer).is_err());
        }
    }
}

/// Each bit of a proof: other bytes are none, or those of another proof.
#[test]
fn no_other_bytes_are_read_as_a_proof() {
    let proof = proof(&[7, 8], &[9, 10], 11);
    let bytes = proof.to_bytes();
    let mut read = 0;
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = Proof::from_bytes(&changed) {
            assert_ne!(other, proof, "bit {bit}");
            assert_eq!(other.to_bytes(), changed, "bit {bit}");
            read += 1;
        }
    }
    // Most bits of scalars, and half of those of points.
    assert!(read > 8 * 250, "{read}");
}
