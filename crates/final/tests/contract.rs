//! The contract `FinalVerifier` and the verifier in Rust give the same verdict, for the same reason.
//!
//! `script/final-verifier` remakes the contract's numbers and the proofs that these tests change.

mod chain;

use chain::*;
use halo2curves::bn256::{Fq, Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_final::{
    BYTES, DecodeError, Key, POINTS, PROOF_BYTES, Proof, SCALARS, Top, TopError, VerifyError,
    circuit, reduce, solidity_constants, verify_top,
};
use nanozk_kzg::Accumulator;
use nanozk_recursion::statement::Said;
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::encoding::{
    point_from_words, point_to_words, scalar_from_bytes, scalar_to_bytes,
};
use nanozk_transcript::poseidon::point_words;
use nanozk_transcript::{KeccakTranscript, Malformed, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use revm::primitives::hardfork::SpecId;
use serde_json::Value;
use std::sync::{LazyLock, Mutex};

/// Random mutations; more by `NANOZK_MUTATIONS`.
const MUTATIONS: usize = 400;
const WARNING: &str =
    "A development setup: its secret is public, so proofs under it prove nothing.";
/// Most gas of a transaction that does nothing but verify.
const MOST_GAS: u64 = 250_000;
/// Words of what the contract takes.
const WORDS: usize = BYTES / 32;
/// Of these, the first of the points of the accumulator.
const BELOW: usize = PROOF_BYTES / 32;

type Words = [[u8; 32]; 4];

/// A proof, and what it says.
#[derive(Clone)]
struct Given {
    words: Words,
    proof: Vec<u8>,
}

struct Fixture {
    key: Key,
    g2: [G2Affine; 2],
    valid: Given,
    /// Over a node that is not valid.
    invalid_below: Given,
    chain: Mutex<Chain>,
}

fn hex(value: &Value) -> Vec<u8> {
    bytes_of(value.as_str().unwrap().strip_prefix("0x").unwrap())
}

fn hex_word(value: &Value) -> [u8; 32] {
    hex(value).try_into().unwrap()
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let path = root().join("test/fixtures/final-proof.json");
    let value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let key = &value["key"];
    let [x, y] = [0, 1].map(|i| hex_word(&key["fixed"][i]));
    let given = |value: &Value| Given {
        words: std::array::from_fn(|i| hex_word(&value["publicInputs"][i])),
        proof: hex(&value["proof"]),
    };
    Fixture {
        key: Key {
            k: u32::try_from(number(&key["k"])).unwrap(),
            inputs: number(&key["inputs"]),
            fixed: point_from_words(x, y).unwrap(),
        },
        g2: development_powers(1, DEVELOPMENT_SEED).1,
        valid: given(&value["valid"]),
        invalid_below: given(&value["invalidBelow"]),
        chain: Mutex::new(chain(SpecId::CANCUN)),
    }
});

fn chain(spec: SpecId) -> Chain {
    let sources = [
        "FinalVerifier.sol",
        "FinalConstants.sol",
        "interfaces/IFinalVerifier.sol",
    ];
    Chain::new(compile("FinalVerifier", &sources), spec)
}

/// `verify(proof, publicInputs)`
fn calldata(given: &Given) -> Vec<u8> {
    let mut out = selector("verify(bytes,uint256[4])").to_vec();
    out.extend(word(160));
    out.extend(given.words.as_flattened());
    out.extend(word(given.proof.len()));
    out.extend(&given.proof);
    out.resize(4 + 192 + given.proof.len().next_multiple_of(32), 0);
    out
}

/// What the contract must do.
fn native(given: &Given) -> Outcome {
    let f = &*FIXTURE;
    if given.proof.len() != BYTES {
        let lengths = [BYTES, given.proof.len()];
        return error("WrongProofLength(uint256,uint256)", &lengths);
    }
    let mut numbers = [Fr::ZERO; 4];
    for (i, word) in given.words.iter().enumerate() {
        match scalar_from_bytes(word) {
            Ok(number) => numbers[i] = number,
            Err(_) => return error("PublicInputNotReduced(uint256)", &[i]),
        }
    }
    let [key, said @ ..] = numbers;
    let top = Top {
        key,
        said: Said::from(said),
    };
    match verify_top(&f.key, &top, &given.proof, &f.g2) {
        Ok(()) => Outcome::Returned(vec![]),
        Err(TopError::Pairing) => error("ProofRejected()", &[]),
        Err(TopError::Verify(VerifyError::Challenge)) => error("DegenerateChallenge()", &[]),
        Err(TopError::Decode(DecodeError::Malformed { index, reason })) => {
            if (2 * POINTS..BELOW).contains(&index) {
                return error("ScalarNotReduced(uint256)", &[index - 2 * POINTS]);
            }
            let point = if index < BELOW {
                index
            } else {
                index - SCALARS
            } / 2;
            match reason {
                Malformed::NotReduced => error("CoordinateNotReduced(uint256)", &[point]),
                _ => error("PointNotOnCurve(uint256)", &[point]),
            }
        }
        Err(e) => panic!("{e}"),
    }
}

fn evm(given: &Given) -> Outcome {
    call(calldata(given))
}

fn call(data: Vec<u8>) -> Outcome {
    let mut chain = FIXTURE.chain.lock().unwrap_or_else(|e| e.into_inner());
    chain.call(data)
}

/// The verdict of both.
#[track_caller]
fn verdict(given: &Given) -> Outcome {
    let (native, evm) = (native(given), evm(given));
    assert_eq!(native, evm, "in Rust, and in the contract");
    evm
}

fn rejected() -> Outcome {
    error("ProofRejected()", &[])
}

fn valid() -> Given {
    FIXTURE.valid.clone()
}

/// The valid proof with another word.
fn with(index: usize, word: [u8; 32]) -> Given {
    let mut given = valid();
    set(&mut given, index, word);
    given
}

fn set(given: &mut Given, index: usize, word: [u8; 32]) {
    given.proof[32 * index..][..32].copy_from_slice(&word);
}

fn get(given: &Given, index: usize) -> [u8; 32] {
    given.proof[32 * index..][..32].try_into().unwrap()
}

fn set_point(given: &mut Given, index: usize, point: &G1Affine) {
    for (i, word) in point_to_words(point).into_iter().enumerate() {
        set(given, place(index) + i, word);
    }
}

fn point(given: &Given, index: usize) -> G1Affine {
    let place = place(index);
    point_from_words(get(given, place), get(given, place + 1)).unwrap()
}

/// The first word of a point.
fn place(point: usize) -> usize {
    2 * point + if point < POINTS { 0 } else { SCALARS }
}

/// `word + modulus`, which has 256 bits; the modulus by its greatest element.
fn plus(word: [u8; 32], greatest: [u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut carry = 1;
    for i in (0..32).rev() {
        carry += u16::from(word[i]) + u16::from(greatest[i]);
        out[i] = carry as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    out
}

fn greatest_scalar() -> [u8; 32] {
    scalar_to_bytes(&-Fr::ONE)
}

fn greatest_coordinate() -> [u8; 32] {
    let (x, y) = (-Fq::ONE, Fq::ZERO);
    point_to_words(&G1Affine { x, y })[0]
}

#[test]
fn the_contract_has_the_numbers_of_this_crate() {
    let f = &*FIXTURE;
    let path = root().join("contracts/FinalConstants.sol");
    let source = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        source,
        solidity_constants(&f.key, &f.g2, WARNING),
        "after a change that is meant: script/final-verifier"
    );
}

#[test]
fn the_valid_proof_is_accepted() {
    assert_eq!(verdict(&valid()), Outcome::Returned(vec![]));
}

/// As a transaction with nothing else, under the rules for which the contracts are compiled and under later ones, which make
/// powers dearer.
#[test]
fn gas_is_below_the_bar() {
    for (name, spec) in [
        ("Cancun", SpecId::CANCUN),
        ("Prague", SpecId::PRAGUE),
        ("Osaka", SpecId::OSAKA),
    ] {
        let (outcome, gas) = chain(spec).call_with_gas(calldata(&valid()), GAS);
        assert_eq!(outcome, Outcome::Returned(vec![]));
        println!("{name}: {gas} gas of a transaction");
        assert!(gas <= MOST_GAS, "{name}: {gas}");
    }
}

#[test]
fn the_equation_below_is_checked() {
    let given = &FIXTURE.invalid_below;
    assert_eq!(verdict(given), rejected());
    // Its own proof is valid.
    let (own, below, _) = equations(given);
    assert!(own.holds(&FIXTURE.g2) && !below.holds(&FIXTURE.g2));
}

/// Notes challenges.
#[derive(Default)]
struct Noting {
    transcript: KeccakTranscript,
    challenges: Vec<Fr>,
}

impl Transcript for Noting {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.transcript.absorb_scalar(scalar);
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        self.transcript.absorb_point(point)
    }

    fn squeeze(&mut self) -> Fr {
        let challenge = self.transcript.squeeze();
        self.challenges.push(challenge);
        challenge
    }
}

/// What is left of a proof and of the proofs below, and the challenges of the proof.
fn equations(given: &Given) -> (Accumulator, Accumulator, Vec<Fr>) {
    let proof = Proof::from_bytes(&given.proof[..PROOF_BYTES]).unwrap();
    let below = Accumulator {
        lhs: point(given, POINTS),
        rhs: point(given, POINTS + 1),
    };
    let numbers = given
        .words
        .iter()
        .map(|word| scalar_from_bytes(word).unwrap());
    let words = [below.lhs, below.rhs].map(|point| point_words(&point));
    let inputs: Vec<Fr> = numbers.chain(words.into_iter().flatten()).collect();
    let mut noting = Noting::default();
    let equation = reduce(&circuit(), &FIXTURE.key, &inputs, &proof, &mut noting).unwrap();
    (equation.multiplied(), below, noting.challenges)
}

/// Who knows the secret makes the error of the proof that of the equation below, times some factor and negated. It is refused:
/// the factor between them is drawn after both, and is no number that was known before.
#[test]
fn errors_do_not_cancel() {
    let secret = Fr::random(ChaCha20Rng::from_seed(DEVELOPMENT_SEED));
    let (own, below, challenges) = equations(&FIXTURE.invalid_below);
    assert_eq!((own.rhs * secret).to_affine(), own.lhs);
    assert_eq!(challenges.len(), 8);
    let error_below = below.lhs - below.rhs * secret;
    // Of the own equation, (u − secret)·W' is the only part that has W'.
    let inverse = (challenges[7] - secret).invert().unwrap();
    for factor in [Fr::ONE].iter().chain(&challenges) {
        let change = error_below * (inverse * factor);
        let mut given = FIXTURE.invalid_below.clone();
        let witness = point(&given, POINTS - 1) - change.to_affine();
        set_point(&mut given, POINTS - 1, &witness.to_affine());
        let (own, below, _) = equations(&given);
        assert!(!own.holds(&FIXTURE.g2) && !below.holds(&FIXTURE.g2));
        let sum = Accumulator {
            lhs: (own.lhs + below.lhs * factor).to_affine(),
            rhs: (own.rhs + below.rhs * factor).to_affine(),
        };
        assert!(sum.holds(&FIXTURE.g2));
        assert_eq!(verdict(&given), rejected());
    }
}

/// Who knows the secret proves anything: for any values there is a `W'` with which the equation holds. So both verifiers accept
/// proofs that no prover could make, and every term of the constraints has been seen with least, greatest and random values.
#[test]
fn simulated_proofs_are_accepted() {
    let secret = Fr::random(ChaCha20Rng::from_seed(DEVELOPMENT_SEED));
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    for round in 0..mutations() / 10 {
        let scalar = |rng: &mut ChaCha20Rng| match (round, rng.next_u32() % 8) {
            // All are zero, or the greatest.
            (0, _) => Fr::ZERO,
            (1, _) => -Fr::ONE,
            (_, 0) => Fr::ZERO,
            (_, 1) => Fr::ONE,
            (_, 2) => -Fr::ONE,
            _ => Fr::random(rng),
        };
        let mut given = valid();
        for word in &mut given.words {
            *word = scalar_to_bytes(&scalar(&mut rng));
        }
        for index in 2 * POINTS..BELOW {
            set(&mut given, index, scalar_to_bytes(&scalar(&mut rng)));
        }
        let mut point = || (G1Affine::generator() * Fr::random(&mut rng)).to_affine();
        for i in 0..POINTS {
            set_point(&mut given, i, &point());
        }
        let right = point();
        set_point(&mut given, POINTS, &(right * secret).to_affine());
        set_point(&mut given, POINTS + 1, &right);
        assert_eq!(verdict(&given), rejected());
        let (own, _, challenges) = equations(&given);
        let inverse = (challenges[7] - secret).invert().unwrap();
        let change = (own.lhs - own.rhs * secret) * inverse;
        let witness = own.rhs - change.to_affine();
        set_point(&mut given, POINTS - 1, &witness.to_affine());
        assert_eq!(verdict(&given), Outcome::Returned(vec![]));
        // Not so with another value, whichever.
        let index = 2 * POINTS + round % SCALARS;
        let value = scalar_from_bytes(&get(&given, index)).unwrap();
        set(&mut given, index, scalar_to_bytes(&(value + Fr::ONE)));
        assert_eq!(verdict(&given), rejected());
    }
}

#[test]
fn every_element_counts() {
    let given = valid();
    for index in 2 * POINTS..BELOW {
        let value = scalar_from_bytes(&get(&given, index)).unwrap();
        for other in [value + Fr::ONE, -value, value.double(), Fr::ZERO, -Fr::ONE] {
            assert_eq!(verdict(&with(index, scalar_to_bytes(&other))), rejected());
        }
    }
    for i in 0..POINTS + 2 {
        let own = point(&given, i);
        let others = [-own, G1Affine::generator(), (own + own).to_affine()];
        for other in others
            .into_iter()
            .chain((0..POINTS + 2).map(|j| point(&given, j)))
        {
            let mut changed = valid();
            set_point(&mut changed, i, &other);
            if other != own {
                assert_eq!(verdict(&changed), rejected());
            }
        }
    }
    for i in 0..4 {
        let value = scalar_from_bytes(&given.words[i]).unwrap();
        for other in [value + Fr::ONE, -value, Fr::ZERO] {
            let mut changed = valid();
            changed.words[i] = scalar_to_bytes(&other);
            assert_eq!(verdict(&changed), rejected());
        }
    }
    // Points below whose equation is true, but which the proof does not say.
    let mut changed = valid();
    for i in [POINTS, POINTS + 1] {
        let double = point(&given, i) + point(&given, i);
        set_point(&mut changed, i, &double.to_affine());
    }
    assert!(equations(&changed).1.holds(&FIXTURE.g2));
    assert_eq!(verdict(&changed), rejected());
}

#[test]
fn every_element_has_one_encoding() {
    let given = valid();
    let ones = [0xff; 32];
    for i in 0..SCALARS {
        let index = 2 * POINTS + i;
        let alias = plus(get(&given, index), greatest_scalar());
        for other in [alias, plus([0; 32], greatest_scalar()), ones] {
            let expected = error("ScalarNotReduced(uint256)", &[i]);
            assert_eq!(verdict(&with(index, other)), expected);
        }
        let least = with(index, greatest_scalar());
        assert_eq!(verdict(&least), rejected());
    }
    for i in 0..POINTS + 2 {
        for index in [place(i), place(i) + 1] {
            let alias = plus(get(&given, index), greatest_coordinate());
            for other in [alias, plus([0; 32], greatest_coordinate()), ones] {
                let expected = error("CoordinateNotReduced(uint256)", &[i]);
                assert_eq!(verdict(&with(index, other)), expected);
            }
            let not_on_curve = error("PointNotOnCurve(uint256)", &[i]);
            for other in [greatest_coordinate(), [0; 32], word(1)] {
                assert_eq!(verdict(&with(index, other)), not_on_curve);
            }
        }
        let mut infinity = with(place(i), [0; 32]);
        set(&mut infinity, place(i) + 1, [0; 32]);
        let not_on_curve = error("PointNotOnCurve(uint256)", &[i]);
        assert_eq!(verdict(&infinity), not_on_curve);
    }
    for i in 0..4 {
        let mut changed = valid();
        changed.words[i] = plus(given.words[i], greatest_scalar());
        let expected = error("PublicInputNotReduced(uint256)", &[i]);
        assert_eq!(verdict(&changed), expected);
    }
}

/// Which of several errors is named.
#[test]
fn the_first_error_is_named() {
    let mut given = valid();
    let mut names = Vec::new();
    for index in (0..WORDS).rev() {
        set(&mut given, index, [0xff; 32]);
        names.push(verdict(&given));
    }
    for i in (0..4).rev() {
        given.words[i] = [0xff; 32];
        names.push(verdict(&given));
    }
    names.dedup();
    // All points and scalars but those of the accumulator, which are read last; and public inputs, which are read first.
    assert!(names.len() >= POINTS + SCALARS + 4, "{names:?}");
    given.proof.pop();
    names.push(verdict(&given));
    let lengths = [BYTES, BYTES - 1];
    let expected = error("WrongProofLength(uint256,uint256)", &lengths);
    assert_eq!(names.last(), Some(&expected));
}

#[test]
fn calldata_has_one_encoding() {
    for length in [
        0,
        1,
        32,
        PROOF_BYTES,
        BYTES - 32,
        BYTES - 1,
        BYTES + 1,
        BYTES + 32,
    ] {
        let mut given = valid();
        given.proof.resize(length, 0);
        let expected = error("WrongProofLength(uint256,uint256)", &[BYTES, length]);
        assert_eq!(verdict(&given), expected);
    }
    let good = calldata(&valid());
    assert_eq!(call(good.clone()), Outcome::Returned(vec![]));
    let not_canonical = error("CalldataNotCanonical()", &[]);
    for extra in [1, 31, 32, 64] {
        let mut longer = good.clone();
        longer.resize(good.len() + extra, 0);
        assert_eq!(call(longer), not_canonical);
    }
    // A gap that the offset skips.
    let mut gap = good[..4].to_vec();
    gap.extend(word(192));
    gap.extend(&good[36..164]);
    gap.extend(word(0));
    gap.extend(&good[164..]);
    assert_eq!(call(gap), not_canonical);
    // The proof's length is a public input.
    let mut overlap = good[..4].to_vec();
    overlap.extend(word(128));
    overlap.extend(&good[36..132]);
    overlap.extend(word(BYTES));
    overlap.extend(&good[196..]);
    assert_eq!(call(overlap.clone()), not_canonical);
    overlap.extend(word(0));
    assert_eq!(call(overlap), not_canonical);
    // Truncated, or with no offset: the decoder of the language refuses.
    for length in 4..good.len() {
        if !length.is_multiple_of(97) && length + 40 < good.len() {
            continue;
        }
        assert_eq!(call(good[..length].to_vec()), Outcome::Reverted(vec![]));
    }
    for offset in [[0xff; 32], word(1 << 40)] {
        let mut other = good.clone();
        other[4..36].copy_from_slice(&offset);
        assert_eq!(call(other), Outcome::Reverted(vec![]));
    }
}

#[test]
fn without_gas_there_is_no_verdict() {
    let data = calldata(&valid());
    let mut chain = chain(SpecId::CANCUN);
    let (outcome, used) = chain.call_with_gas(data.clone(), GAS);
    assert_eq!(outcome, Outcome::Returned(vec![]));
    let least = 21_000 + 16 * data.len() as u64;
    let (mut failed, mut halted) = (0, 0);
    for gas in (least..used).step_by(1009).chain(used - 40..used) {
        let (outcome, _) = chain.call_with_gas(data.clone(), gas);
        let is_failure = |n: &usize| outcome == error("PrecompileFailed(uint256)", &[*n]);
        if [5, 7, 8].iter().any(is_failure) {
            failed += 1;
        } else {
            assert!(matches!(outcome, Outcome::Halted(_)), "{gas}: {outcome:?}");
            halted += 1;
        }
    }
    assert!(failed > 0 && halted > 0, "{failed} {halted}");
    // A call to a precompile gets all but a 64th of what is left.
    let (outcome, _) = chain.call_with_gas(data, used + used / 63 + 1);
    assert_eq!(outcome, Outcome::Returned(vec![]));
}

fn mutations() -> usize {
    std::env::var("NANOZK_MUTATIONS").map_or(MUTATIONS, |n| {
        n.parse().expect("NANOZK_MUTATIONS is a number")
    })
}

/// Changes of all kinds, some of which keep the form.
#[test]
fn mutations_get_the_same_verdict() {
    let count = mutations();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut malformed = 0;
    for round in 0..count {
        let mut given = match round % 8 {
            0 => FIXTURE.invalid_below.clone(),
            _ => valid(),
        };
        let before = calldata(&given);
        let changes = 1 + rng.next_u32() % 2;
        for _ in 0..changes {
            mutate(&mut given, &mut rng);
        }
        let outcome = verdict(&given);
        if calldata(&given) != before {
            assert!(matches!(outcome, Outcome::Reverted(_)), "{round}");
        }
        malformed += usize::from(outcome != rejected());
    }
    println!("{malformed} of {count} are malformed");
    // Both ways to fail were seen, not only the cheap one.
    assert!(malformed > count / 10 && malformed < 3 * count / 4);
}

fn mutate(given: &mut Given, rng: &mut impl RngCore) {
    if given.proof.len() != BYTES {
        return;
    }
    let mut below = |n: usize| (rng.next_u64() % n as u64) as usize;
    let (a, b) = (below(POINTS + 2), below(POINTS + 2));
    let scalar = 2 * POINTS + below(SCALARS);
    match below(11) {
        // A bit of the proof.
        0 => {
            let bit = below(8 * given.proof.len());
            given.proof[bit / 8] ^= 1 << (bit % 8);
        }
        // A bit of a scalar that keeps it reduced, most times.
        1 => {
            let bit = below(253);
            given.proof[32 * scalar + 31 - bit / 8] ^= 1 << (bit % 8);
        }
        // A bit of a public input.
        2 => {
            let bit = below(256);
            given.words[below(4)][bit / 8] ^= 1 << (bit % 8);
        }
        // A point by another of the proof, or both by each other.
        3 | 4 => {
            for i in 0..2 {
                let (first, second) = (get(given, place(a) + i), get(given, place(b) + i));
                set(given, place(a) + i, second);
                if a % 2 == 0 {
                    set(given, place(b) + i, first);
                }
            }
        }
        // A multiple of a point, or its negative.
        5 => {
            let factor = Fr::from(below(1 << 20) as u64 + 1);
            if let Ok(own) = point_from_words(get(given, place(a)), get(given, place(a) + 1)) {
                let other = if b == 0 {
                    -own
                } else {
                    (own * factor).to_affine()
                };
                set_point(given, a, &other);
            }
        }
        // A random point.
        6 => {
            let factor = Fr::from(below(1 << 20) as u64 + 1);
            set_point(given, a, &(G1Affine::generator() * factor).to_affine());
        }
        // A scalar.
        7 => {
            let value = Fr::from(below(usize::MAX) as u64) * -Fr::from(below(9) as u64);
            set(given, scalar, scalar_to_bytes(&value));
        }
        // A word by zeros, ones, or one of both moduli and what is beside them.
        8 => {
            let mut values = vec![[0; 32], [0xff; 32], word(1)];
            for greatest in [greatest_scalar(), greatest_coordinate()] {
                values.extend([greatest, plus([0; 32], greatest), plus(word(1), greatest)]);
            }
            let value = values[below(values.len())];
            set(given, below(WORDS), value);
        }
        // Scalars by each other.
        9 => {
            let other = 2 * POINTS + below(SCALARS);
            let (x, y) = (get(given, scalar), get(given, other));
            set(given, scalar, y);
            set(given, other, x);
        }
        // Bytes taken away or added, or another length.
        _ => match below(3) {
            0 => given.proof.truncate(below(BYTES)),
            1 => given.proof.resize(BYTES + below(100), 7),
            _ => {
                let at = below(given.proof.len());
                given.proof.remove(at);
                given.proof.push(0);
            }
        },
    }
}

/// All bits of a valid proof, one by one: many in the normal profile, each with `NANOZK_MUTATIONS`.
#[test]
fn every_bit_counts() {
    let step = match std::env::var_os("NANOZK_MUTATIONS") {
        Some(_) => 1,
        None => 89,
    };
    for bit in (0..8 * (BYTES + 128)).step_by(step) {
        let mut given = valid();
        match bit.checked_sub(8 * BYTES) {
            None => given.proof[bit / 8] ^= 0x80 >> (bit % 8),
            Some(bit) => given.words[bit / 256][bit % 256 / 8] ^= 0x80 >> (bit % 8),
        }
        let outcome = verdict(&given);
        assert!(matches!(outcome, Outcome::Reverted(_)), "bit {bit}");
    }
}
