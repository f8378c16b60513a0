//! The generated contract and the native verifier give the same verdict, for the same reason.

mod common;

use common::*;
use halo2curves::bn256::{Fq, Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::ir::Kind;
use nanozk_circuits::LayerKind;
use nanozk_verifier::encoding::{point_compressed, point_to_words, scalar_to_bytes};
use nanozk_verifier::{verify, Element, Error, Expected, Malformed, Proof, TranscriptKind};
use rand_core::RngCore;
use sha3::{Digest, Keccak256};
use std::sync::{Mutex, MutexGuard, OnceLock};

/// Mutations of each circuit's proof; more by `NANOZK_MUTATIONS`.
const MUTATIONS: usize = 500;

struct Fixture {
    proved: Proved,
    chain: Mutex<Chain>,
}

fn fixture(kind: LayerKind) -> &'static Fixture {
    static ALL: [OnceLock<Fixture>; 5] = [const { OnceLock::new() }; 5];
    ALL[kind as usize].get_or_init(|| {
        let proved = Proved::new(kind);
        let chain = Mutex::new(Chain::new(compile(&proved.contract())));
        Fixture { proved, chain }
    })
}

const KINDS: [LayerKind; 5] = [
    LayerKind::Embed,
    LayerKind::Attention,
    LayerKind::Mlp,
    LayerKind::Block,
    LayerKind::Head,
];

impl Fixture {
    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn proof(&self) -> Vec<u8> {
        self.proved.proof.to_calldata()
    }

    fn instances(&self) -> Vec<[u8; 32]> {
        self.proved.instances.iter().map(scalar_to_bytes).collect()
    }

    fn call(&self, proof: &[u8], instances: &[[u8; 32]]) -> Outcome {
        self.chain().call(calldata(proof, instances))
    }

    fn points_before_evaluations(&self) -> usize {
        let layout = self.proved.vk.layout();
        layout.first.len() + layout.second.len() + 2
    }

    /// What the contract returns for a proof it accepts.
    fn bound(&self, proof: &Proof) -> Vec<u8> {
        let vk = &self.proved.vk;
        let point = |p: Option<G1Affine>| p.map_or([0; 32], |p| point_compressed(&p));
        let mut weights = Keccak256::new();
        for p in proof.weight_commitments(vk) {
            weights.update(point_to_words(&p).as_flattened());
        }
        let input = point(proof.input_commitment(vk));
        let output = point(proof.output_commitment(vk));
        [input, output, weights.finalize().into()].concat()
    }

    /// What the contract must do.
    fn native(&self, proof: &[u8], instances: &[Fr]) -> Outcome {
        let Proved { vk, params, .. } = &self.proved;
        let points = self.points_before_evaluations();
        let first = vk.layout().first.len();
        let second = vk.layout().second.len();
        let result = Proof::from_calldata(vk, TranscriptKind::Keccak, proof).and_then(|proof| {
            verify(params, vk, instances, &Expected::default(), &proof)?;
            Ok(self.bound(&proof))
        });
        match result {
            Ok(bound) => Outcome::Returned(bound),
            Err(Error::WrongLength { expected, got }) => {
                error("WrongProofLength(uint256,uint256)", &[expected, got])
            }
            Err(Error::WrongInstanceCount { expected, got }) => {
                error("WrongInstanceCount(uint256,uint256)", &[expected, got])
            }
            Err(Error::Rejected) => error("ProofRejected()", &[]),
            Err(Error::Decode {
                element: Element::Evaluation(i),
                ..
            }) => error("EvaluationNotReduced(uint256)", &[i]),
            Err(Error::Decode { element, reason }) => {
                let index = match element {
                    Element::First(i) => i,
                    Element::Second(i) => first + i,
                    Element::Quotient(i) => first + second + i,
                    Element::Opening(i) => points + i,
                    Element::Evaluation(_) | Element::Accumulator(_) | Element::Digest => {
                        unreachable!("above, and not of layers")
                    }
                };
                let name = match reason {
                    Malformed::NotReduced => "CoordinateNotReduced(uint256)",
                    _ => "PointNotOnCurve(uint256)",
                };
                error(name, &[index])
            }
            Err(e) => panic!("{e}"),
        }
    }

    /// Whether an outcome concerns the form of an element; of several such, the two verifiers may name another first.
    fn is_malformed(outcome: &Outcome) -> bool {
        let names = [
            "EvaluationNotReduced(uint256)",
            "CoordinateNotReduced(uint256)",
            "PointNotOnCurve(uint256)",
        ];
        let Outcome::Reverted(data) = outcome else {
            return false;
        };
        names.iter().any(|n| data.starts_with(&selector(n)))
    }
}

#[test]
fn valid_proofs_are_accepted_and_their_commitments_returned() {
    for kind in KINDS {
        let f = fixture(kind);
        let expected = f.native(&f.proof(), &f.proved.instances);
        assert!(matches!(expected, Outcome::Returned(_)), "{expected:?}");
        assert_eq!(f.call(&f.proof(), &f.instances()), expected);
        let ends = [Kind::Input, Kind::Output].map(|k| f.proved.vk.program().columns_of(k).count());
        let has = match kind {
            LayerKind::Embed => [0, 1],
            LayerKind::Head => [1, 0],
            _ => [1, 1],
        };
        assert_eq!(ends, has);
        assert_eq!(
            f.proved.proof.weight_commitments(&f.proved.vk),
            f.proved.weights
        );
    }
}

#[test]
fn getters_tell_what_was_generated() {
    for kind in KINDS {
        let f = fixture(kind);
        let vk = &f.proved.vk;
        let get = |name: &str| f.chain().call(selector(name).to_vec());
        let text = |s: &str| {
            let mut out = [word(32), word(s.len())].concat();
            out.extend(s.as_bytes());
            out.resize(out.len().next_multiple_of(32), 0);
            Outcome::Returned(out)
        };
        assert_eq!(
            get("verifyingKey()"),
            Outcome::Returned(vk.digest().to_vec())
        );
        assert_eq!(get("setup()"), Outcome::Returned(vk.setup().to_vec()));
        assert_eq!(get("circuit()"), text(&vk.program().name));
        assert_eq!(get("generator()"), text(nanozk_evm::GENERATOR));
        let number = |n: usize| Outcome::Returned(word(n).to_vec());
        assert_eq!(get("proofLength()"), number(f.proof().len()));
        assert_eq!(get("instanceCount()"), number(f.proved.instances.len()));
    }
}

#[test]
fn every_changed_element_is_rejected() {
    for kind in [LayerKind::Attention, LayerKind::Embed] {
        let f = fixture(kind);
        let proof = f.proof();
        let points = f.points_before_evaluations();
        let evaluations = f.proved.vk.layout().openings.len();
        let end = 64 * points + 32 * evaluations;
        let starts = (0..points).map(|i| 64 * i).chain([end, end + 64]);
        let generator = point_to_words(&G1Affine::generator());
        for start in starts {
            let mut changed = proof.clone();
            changed[start..start + 64].copy_from_slice(generator.as_flattened());
            assert_eq!(
                f.call(&changed, &f.instances()),
                error("ProofRejected()", &[]),
                "{start}"
            );
        }
        for i in 0..evaluations {
            let mut changed = proof.clone();
            let at = 64 * points + 32 * i;
            changed[at..at + 32].copy_from_slice(&word(5));
            assert_eq!(
                f.call(&changed, &f.instances()),
                error("ProofRejected()", &[]),
                "{i}"
            );
        }
        for i in 0..f.proved.instances.len() {
            let mut instances = f.instances();
            instances[i] = scalar_to_bytes(&(f.proved.instances[i] + Fr::ONE));
            assert_eq!(
                f.call(&proof, &instances),
                error("ProofRejected()", &[]),
                "{i}"
            );
        }
    }
}

#[test]
fn every_element_has_one_encoding() {
    let f = fixture(LayerKind::Mlp);
    let proof = f.proof();
    let r = modulus(scalar_to_bytes(&-Fr::ONE));
    let p = modulus(
        point_to_words(&G1Affine {
            x: -Fq::ONE,
            y: Fq::ONE,
        })[0],
    );
    let points = f.points_before_evaluations();
    let evaluations = f.proved.vk.layout().openings.len();
    let changed = |at: usize, to: &[u8]| {
        let mut out = proof.clone();
        out[at..at + to.len()].copy_from_slice(to);
        f.call(&out, &f.instances())
    };
    let end = 64 * points + 32 * evaluations;
    for (index, at) in (0..points)
        .map(|i| 64 * i)
        .chain([end, end + 64])
        .enumerate()
    {
        for at in [at, at + 32] {
            let alias = plus(&proof[at..at + 32], &p).expect("the modulus has 254 bits");
            assert_eq!(
                changed(at, &alias),
                error("CoordinateNotReduced(uint256)", &[index])
            );
        }
        assert_eq!(
            changed(at, &[0; 64]),
            error("PointNotOnCurve(uint256)", &[index])
        );
        assert_eq!(
            changed(at, &word(1)),
            error("PointNotOnCurve(uint256)", &[index])
        );
    }
    for i in 0..evaluations {
        let at = 64 * points + 32 * i;
        let alias = plus(&proof[at..at + 32], &r).expect("the order has 254 bits");
        assert_eq!(
            changed(at, &alias),
            error("EvaluationNotReduced(uint256)", &[i])
        );
    }
    for i in 0..f.proved.instances.len() {
        let mut instances = f.instances();
        instances[i] = plus(&instances[i], &r).expect("the order has 254 bits");
        assert_eq!(
            f.call(&proof, &instances),
            error("InstanceNotReduced(uint256)", &[i])
        );
    }
}

#[test]
fn calldata_has_one_encoding() {
    let f = fixture(LayerKind::Mlp);
    let (proof, instances) = (f.proof(), f.instances());
    let length = proof.len();
    let wrong_length = |got| error("WrongProofLength(uint256,uint256)", &[length, got]);
    for got in [0, 32, length - 32, length + 32] {
        let mut other = proof.clone();
        other.resize(got, 0);
        assert_eq!(f.call(&other, &instances), wrong_length(got));
    }
    let mut odd = proof.clone();
    odd.pop();
    assert_eq!(f.call(&odd, &instances), wrong_length(length - 1));
    let count = instances.len();
    for got in [0, count - 1, count + 1] {
        let mut other = instances.clone();
        other.resize(got, [0; 32]);
        let expected = error("WrongInstanceCount(uint256,uint256)", &[count, got]);
        assert_eq!(f.call(&proof, &other), expected);
    }

    let not_canonical = error("CalldataNotCanonical()", &[]);
    let good = calldata(&proof, &instances);
    // Trailing bytes.
    for extra in [1, 32] {
        let mut longer = good.clone();
        longer.resize(good.len() + extra, 0);
        assert_eq!(f.chain().call(longer), not_canonical);
    }
    // The public inputs before the proof.
    let mut swapped = selector("verify(bytes,uint256[])").to_vec();
    swapped.extend(word(96 + 32 * count));
    swapped.extend(word(64));
    swapped.extend(word(count));
    swapped.extend(instances.as_flattened());
    swapped.extend(word(length));
    swapped.extend(&proof);
    assert_eq!(f.chain().call(swapped), not_canonical);
    // A gap before the proof, which offsets skip.
    let mut gap = good[..4].to_vec();
    gap.extend(word(96));
    gap.extend(word(128 + length));
    gap.extend(word(0));
    gap.extend(&good[68..]);
    assert_eq!(f.chain().call(gap), not_canonical);
    // Truncated: the decoder of the language refuses.
    assert_eq!(
        f.chain().call(good[..good.len() - 1].to_vec()),
        Outcome::Reverted(vec![])
    );
}

#[test]
fn without_gas_there_is_no_verdict() {
    let f = fixture(LayerKind::Embed);
    let data = calldata(&f.proof(), &f.instances());
    let (outcome, used) = f.chain().call_with_gas(data.clone(), 10_000_000);
    assert!(matches!(outcome, Outcome::Returned(_)));
    let intrinsic: u64 = 21_000
        + data
            .iter()
            .map(|b| if *b == 0 { 4 } else { 16 })
            .sum::<u64>();
    for part in 1..40 {
        let gas = intrinsic + used * part / 40;
        let (outcome, _) = f.chain().call_with_gas(data.clone(), gas);
        let reverted = |n| outcome == error("PrecompileFailed(uint256)", &[n]);
        let stopped =
            matches!(outcome, Outcome::Halted(_)) || [5, 6, 7, 8].map(reverted).contains(&true);
        assert!(stopped, "{part}/40 of the gas: {outcome:?}");
    }
}

#[test]
fn proofs_of_other_circuits_and_setups_are_rejected() {
    let f = fixture(LayerKind::Mlp);
    let other = fixture(LayerKind::Attention);
    let length = f.proof().len();
    let got = other.proof().len();
    let expected = error("WrongProofLength(uint256,uint256)", &[length, got]);
    assert_eq!(f.call(&other.proof(), &f.instances()), expected);

    // The same circuit under another key: the setup is part of its digest.
    let mut params = f.proved.params;
    params.id = [9; 32];
    let vk = nanozk_verifier::VerifyingKey::new(
        f.proved.vk.program().clone(),
        f.proved.vk.fixed_commitments().to_vec(),
        params.id,
    );
    let interface = "../interfaces/ILayerVerifier.sol";
    let contract =
        nanozk_evm::generate(&f.proved.shape, &vk, &params, "Verifier", interface, "").unwrap();
    let mut chain = Chain::new(compile(&contract));
    let outcome = chain.call(calldata(&f.proof(), &f.instances()));
    assert_eq!(outcome, error("ProofRejected()", &[]));
}

/// Random changes to proofs and public inputs, some of which keep the form: both verifiers say the same.
#[test]
fn mutations_get_the_same_verdict() {
    let count = std::env::var("NANOZK_MUTATIONS").map_or(MUTATIONS, |n| {
        n.parse().expect("NANOZK_MUTATIONS is a number")
    });
    for kind in KINDS {
        let f = fixture(kind);
        let mut rng = rng(kind as u64);
        let mut below = |n: usize| (rng.next_u64() % n as u64) as usize;
        let points = f.points_before_evaluations();
        let evaluations = f.proved.vk.layout().openings.len();
        let (mut rejected, mut malformed) = (0, 0);
        for round in 0..count {
            let mut proof = f.proof();
            let mut instances = f.proved.instances.clone();
            for _ in 0..1 + below(2) {
                let end = 64 * points + 32 * evaluations;
                let place = |i: usize| {
                    if i < points {
                        64 * i
                    } else {
                        end + 64 * (i - points)
                    }
                };
                let (a, b) = (place(below(points + 2)), place(below(points + 2)));
                match below(8) {
                    // A bit.
                    0 => {
                        let bit = below(8 * proof.len());
                        proof[bit / 8] ^= 1 << (bit % 8);
                    }
                    // A point by another of the proof, or both by each other.
                    1 => proof.copy_within(b..b + 64, a),
                    2 => {
                        let (first, second) =
                            (proof[a..a + 64].to_vec(), proof[b..b + 64].to_vec());
                        proof[a..a + 64].copy_from_slice(&second);
                        proof[b..b + 64].copy_from_slice(&first);
                    }
                    // A point by a random one.
                    3 => {
                        let p: G1Affine =
                            (G1Affine::generator() * Fr::from(below(1 << 20) as u64 + 1)).into();
                        proof[a..a + 64].copy_from_slice(point_to_words(&p).as_flattened());
                    }
                    // An evaluation.
                    4 => {
                        let at = 64 * points + 32 * below(evaluations);
                        let value = Fr::from(below(usize::MAX) as u64) * -Fr::from(below(9) as u64);
                        proof[at..at + 32].copy_from_slice(&scalar_to_bytes(&value));
                    }
                    // A public input.
                    5 => {
                        let i = below(instances.len());
                        instances[i] += Fr::from(1 + below(3) as u64);
                    }
                    // A word by zeros or ones.
                    6 => {
                        let at = 32 * below(proof.len() / 32);
                        let byte = [0, 0xff][below(2)];
                        proof[at..at + 32].fill(byte);
                    }
                    // Words by each other.
                    _ => {
                        let (a, b) = (32 * below(proof.len() / 32), 32 * below(proof.len() / 32));
                        for i in 0..32 {
                            proof.swap(a + i, b + i);
                        }
                    }
                }
            }
            let native = f.native(&proof, &instances);
            let words: Vec<_> = instances.iter().map(scalar_to_bytes).collect();
            let evm = f.call(&proof, &words);
            let same =
                native == evm || (Fixture::is_malformed(&native) && Fixture::is_malformed(&evm));
            assert!(
                same,
                "{kind:?}, round {round}: {native:?} natively, {evm:?} on chain"
            );
            malformed += usize::from(Fixture::is_malformed(&native));
            rejected += usize::from(native == error("ProofRejected()", &[]));
        }
        // Both ways to fail were seen, not only the cheap one.
        assert!(
            rejected > count / 4 && malformed > count / 10,
            "{kind:?}: {rejected} {malformed}"
        );
    }
}
