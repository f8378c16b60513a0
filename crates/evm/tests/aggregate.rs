//! The verifier of an aggregate, on a chain and natively: the same verdicts.

mod common;

use common::*;
use halo2curves::bn256::{Fq, Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_aggregation::{Child, ChildProof, Node, Plan, Witness};
use nanozk_circuits::LayerKind;
use nanozk_evm::{generate_aggregate, Tables};
use nanozk_prover::aggregate::{claimed, layers_of, Aggregator, Tree};
use nanozk_prover::keys::KeyStore;
use nanozk_prover::plonk::{prove, ProvingKey, Witness as Columns};
use nanozk_prover::session::SessionDir;
use nanozk_prover::synthetic::SyntheticModel;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::encoding::{point_to_words, scalar_from_bytes, scalar_to_bytes};
use nanozk_verifier::statement::Context;
use nanozk_verifier::transcript::Rounds;
use nanozk_verifier::verify::accumulate_and_draw;
use nanozk_verifier::{
    verify_aggregate, Accumulator, AggregateProof, Claimed, Expected, KzgVerifier, Proof,
    TranscriptKind, VerifyingKey,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::sync::Arc;
use std::sync::LazyLock;

const GAS_LIMIT: u64 = 450_000;
/// Gas of a call, and code size.
const FIGURES: (u64, usize) = (446_184, 20_259);
const GAS: u64 = 16_777_216;
/// Bytes of the accumulator and the digest.
const HEAD: usize = 160;
/// Random mutations; more by `NANOZK_MUTATIONS`.
const MUTATIONS: usize = 500;

struct World {
    layers: Vec<(LayerKind, VerifyingKey)>,
    key: VerifyingKey,
    params: KzgVerifier,
    claimed: Claimed,
    proof: AggregateProof,
    /// The root, proved over a layer's proof that is not valid.
    over_invalid: AggregateProof,
}

/// A small model's session with its aggregate.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let dir = tempfile::TempDir::new().unwrap();
    let store = KeyStore::new(dir.path().join("keys"));
    let m = SyntheticModel::new(1, 1, &store).unwrap();
    let path = dir.path().join("session");
    let session = m.claim(&path, Context::default(), &mut rng(7)).unwrap();
    let inner = session.for_aggregate();
    m.prove(&inner, TranscriptKind::Poseidon, vec![], &|_| {})
        .unwrap();
    let (card, params) = (&m.card, m.params);
    let layers = layers_of(card, &m.keys).unwrap();
    let setups = |k| Ok(Arc::new(Setup::development(k, DEVELOPMENT_SEED).unwrap()));
    let plan = Plan::parse("4", 4).unwrap();
    let tree = Tree::new(&layers, plan, &setups, &store, &|_| {}).unwrap();
    let aggregator = Aggregator::new(&session, &tree, params, m.keys.clone()).unwrap();
    let proof = aggregator.prove(&setups, &|_| {}).unwrap();
    let over_invalid = {
        let mut proofs: Vec<Proof> = (0..card.layers.len())
            .map(|l| m.proof(&inner, l).unwrap().unwrap())
            .collect();
        proofs[1].evals[0] += Fr::one();
        root_over(&tree, &inner, card, &proofs)
    };
    World {
        layers,
        key: tree.root().key.clone(),
        params,
        claimed: claimed(&session.session().unwrap(), card),
        proof,
        over_invalid,
    }
});

/// The root's proof over whatever proofs of layers: [`Aggregator`] makes none that does not verify.
fn root_over(
    tree: &Tree,
    session: &SessionDir,
    card: &ModelCard,
    proofs: &[Proof],
) -> AggregateProof {
    let session = session.session().unwrap();
    let claimed = claimed(&session, card);
    let inner = session.boundaries.iter().map(|b| Some(b.0));
    let run = tree.root().node.run(&Witness {
        statement: claimed.statement,
        input: claimed.input,
        output: claimed.output,
        before: Fr::zero(),
        proofs: proofs
            .iter()
            .map(|proof| ChildProof {
                proof,
                accumulator: None,
                digest: Fr::zero(),
            })
            .collect(),
        boundaries: [None].into_iter().chain(inner).chain([None]).collect(),
    });
    let program = Arc::new(run.columns.program);
    let setup = Setup::development(program.k, DEVELOPMENT_SEED).unwrap();
    let commitments = tree.root().key.fixed_commitments().to_vec();
    let key = ProvingKey::with_commitments(setup.id(), program, commitments).with_cosets();
    let columns = Columns {
        first_phase: run.columns.first_phase,
        known: Default::default(),
        instances: &run.instances,
    };
    let proof = prove(
        setup.params(),
        &key,
        columns,
        TranscriptKind::Keccak,
        &mut rng(8),
        &|_| (),
    )
    .unwrap();
    AggregateProof {
        accumulator: run.accumulator,
        proof,
    }
}

/// The secret of the development setup, which everybody can compute.
fn development_secret(w: &World) -> Fr {
    let s = Fr::random(ChaCha20Rng::from_seed(DEVELOPMENT_SEED));
    assert_eq!((w.params.g2 * s).to_affine(), w.params.s_g2);
    s
}

/// Where the combined claim of a proof is checked.
fn z_of(w: &World, proof: &AggregateProof) -> Fr {
    let instances = w.claimed.instances(&proof.accumulator);
    let proof = &proof.proof;
    let mut rounds = Rounds::new(proof.transcript, &w.key, &instances).unwrap();
    rounds.first_phase(&proof.first).unwrap();
    rounds.second_phase(&proof.second).unwrap();
    rounds.quotient(&proof.quotient).unwrap();
    rounds.evaluations(&proof.evals);
    rounds.opening(&proof.opening[0]).unwrap()
}

fn deployed(w: &World) -> Chain {
    let interface = "../interfaces/ILayerVerifier.sol";
    let contract = generate_aggregate(&w.key, &w.params, "Verifier", interface, "a test").unwrap();
    Chain::new(compile(&contract))
}

fn words(claimed: &Claimed) -> Vec<[u8; 32]> {
    let [high, low] = claimed.statement;
    [high, low, claimed.input, claimed.output]
        .map(|s| scalar_to_bytes(&s))
        .to_vec()
}

/// Whether the native verifier accepts what a contract is given.
fn native(w: &World, bytes: &[u8], words: &[[u8; 32]]) -> bool {
    let scalar = |i: usize| scalar_from_bytes(words.get(i)?).ok();
    let Some((proof, digest)) = AggregateProof::from_calldata(&w.key, bytes).ok() else {
        return false;
    };
    let (Some(high), Some(low), Some(input), Some(output)) =
        (scalar(0), scalar(1), scalar(2), scalar(3))
    else {
        return false;
    };
    let claimed = Claimed {
        statement: [high, low],
        input,
        output,
        digest,
    };
    verify_aggregate(&w.params, &w.key, &claimed, &proof).is_ok()
}

/// Where points are in an aggregate's calldata, as errors number them: the proof's, then the accumulator's.
fn points(w: &World) -> Vec<usize> {
    let layout = w.key.layout();
    let before = layout.first.len() + layout.second.len() + 2;
    let opening = HEAD + 64 * before + 32 * layout.openings.len();
    (0..before)
        .map(|i| HEAD + 64 * i)
        .chain([opening, opening + 64, 0, 64])
        .collect()
}

/// Where evaluations start.
fn evaluations_at(w: &World) -> usize {
    let layout = w.key.layout();
    HEAD + 64 * (layout.first.len() + layout.second.len() + 2)
}

#[test]
fn accepts_at_a_bounded_price() {
    let w = &*WORLD;
    verify_aggregate(&w.params, &w.key, &w.claimed, &w.proof).unwrap();
    assert!(w.proof.to_bytes().len() <= 2_500);
    let mut chain = deployed(w);
    let data = calldata(&w.proof.to_calldata(w.claimed.digest), &words(&w.claimed));
    let (outcome, gas) = chain.call_with_gas(data, GAS);
    println!(
        "gas {gas}, code {} bytes, proof {} bytes, calldata {}",
        chain.code_size,
        w.proof.to_bytes().len(),
        w.proof.to_calldata(w.claimed.digest).len()
    );
    let expected = [[0; 32], [0; 32], scalar_to_bytes(&w.claimed.digest)].concat();
    assert_eq!(outcome, Outcome::Returned(expected));
    assert!(gas <= GAS_LIMIT, "{gas} gas");
    assert_eq!((gas, chain.code_size), FIGURES, "docs/onchain.md says so");
}

#[test]
fn getters_tell_what_was_generated() {
    let w = &*WORLD;
    let mut chain = deployed(w);
    let mut get = |name: &str| chain.call(selector(name).to_vec());
    let text = |s: &str| {
        let mut out = [word(32), word(s.len())].concat();
        out.extend(s.as_bytes());
        out.resize(out.len().next_multiple_of(32), 0);
        Outcome::Returned(out)
    };
    let number = |n: usize| Outcome::Returned(word(n).to_vec());
    assert_eq!(
        get("verifyingKey()"),
        Outcome::Returned(w.key.digest().to_vec())
    );
    assert_eq!(get("setup()"), Outcome::Returned(w.key.setup().to_vec()));
    assert_eq!(get("circuit()"), text(&w.key.program().name));
    assert_eq!(get("generator()"), text(nanozk_evm::GENERATOR));
    let length = AggregateProof::calldata_length(w.key.layout());
    assert_eq!(get("proofLength()"), number(length));
    assert_eq!(get("instanceCount()"), number(4));
}

/// Whatever is changed, the contract and the native verifier refuse it.
#[test]
fn refuses_what_the_native_verifier_refuses() {
    let w = &*WORLD;
    let mut chain = deployed(w);
    let good = w.proof.to_calldata(w.claimed.digest);
    let words = words(&w.claimed);
    let mut random = rng(9);
    let mut agree = |bytes: Vec<u8>, words: Vec<[u8; 32]>, what: &str| {
        let accepted = matches!(chain.call(calldata(&bytes, &words)), Outcome::Returned(_));
        assert_eq!(accepted, native(w, &bytes, &words), "{what}");
        assert!(!accepted, "{what}");
    };
    // Every word: another bit, zero.
    for at in (0..good.len()).step_by(32) {
        let mut bytes = good.clone();
        let bit = random.next_u32() as usize % 253 + 3;
        bytes[at + bit / 8] ^= 0x80 >> (bit % 8);
        agree(
            bytes,
            words.clone(),
            &format!("bit {bit} of the word at {at}"),
        );
        let mut bytes = good.clone();
        bytes[at..at + 32].fill(0);
        agree(bytes, words.clone(), &format!("the word at {at} zeroed"));
    }
    for i in 0..words.len() {
        let mut other = words.clone();
        other[i][31] ^= 1;
        agree(good.clone(), other, &format!("public input {i}"));
    }
    // Points of the proof in each other's place.
    let point = |i: usize| 160 + 64 * i;
    for i in 0..18 {
        let mut bytes = good.clone();
        let other: Vec<u8> = bytes[point(i + 1)..point(i + 2)].to_vec();
        bytes[point(i)..point(i) + 64].copy_from_slice(&other);
        agree(bytes, words.clone(), &format!("point {i}"));
    }
    // An accumulator that is valid, but another.
    for factor in [2u64, 3, 12345] {
        let mut forged = w.proof.clone();
        let times = |p: G1Affine| (p * Fr::from(factor)).to_affine();
        forged.accumulator.lhs = times(forged.accumulator.lhs);
        forged.accumulator.rhs = times(forged.accumulator.rhs);
        assert_eq!(
            forged.accumulator.check(&w.params),
            Ok(()),
            "valid in itself"
        );
        agree(
            forged.to_calldata(w.claimed.digest),
            words.clone(),
            "a forged accumulator",
        );
    }
    let mut negated = w.proof.clone();
    negated.accumulator.lhs = -negated.accumulator.lhs;
    negated.accumulator.rhs = -negated.accumulator.rhs;
    agree(
        negated.to_calldata(w.claimed.digest),
        words.clone(),
        "negated",
    );
    // Another model.
    agree(
        w.proof.to_calldata(w.claimed.digest + Fr::one()),
        words.clone(),
        "another digest",
    );
    // Lengths.
    agree(good[..good.len() - 32].to_vec(), words.clone(), "truncated");
    agree(
        [good.clone(), vec![0; 32]].concat(),
        words.clone(),
        "extended",
    );
    agree(good.clone(), words[..3].to_vec(), "a public input too few");
}

#[test]
fn every_element_has_one_encoding() {
    let w = &*WORLD;
    let mut chain = deployed(w);
    let (good, words) = (w.proof.to_calldata(w.claimed.digest), words(&w.claimed));
    let r = modulus(scalar_to_bytes(&-Fr::one()));
    let p = modulus(
        point_to_words(&G1Affine {
            x: -Fq::one(),
            y: Fq::one(),
        })[0],
    );
    let mut expect = |at: usize, to: &[u8], words: &[[u8; 32]], expected: Outcome| {
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        assert!(!native(w, &bytes, words), "the byte {at}");
        assert_eq!(
            chain.call(calldata(&bytes, words)),
            expected,
            "the byte {at}"
        );
    };
    let alias =
        |at: usize, m: &[u8; 32]| plus(&good[at..at + 32], m).expect("moduli have 254 bits");
    for (index, at) in points(w).into_iter().enumerate() {
        for at in [at, at + 32] {
            let unreduced = error("CoordinateNotReduced(uint256)", &[index]);
            expect(at, &alias(at, &p), &words, unreduced);
        }
        let off = error("PointNotOnCurve(uint256)", &[index]);
        // Infinity, and a point of another curve.
        expect(at, &[0; 64], &words, off.clone());
        expect(at, &word(1), &words, off);
    }
    for i in 0..w.key.layout().openings.len() {
        let at = evaluations_at(w) + 32 * i;
        let unreduced = error("EvaluationNotReduced(uint256)", &[i]);
        expect(at, &alias(at, &r), &words, unreduced);
    }
    let digest = error("InstanceNotReduced(uint256)", &[4]);
    expect(HEAD - 32, &alias(HEAD - 32, &r), &words, digest);
    for i in 0..words.len() {
        let mut other = words.clone();
        other[i] = plus(&other[i], &r).expect("moduli have 254 bits");
        expect(0, &[], &other, error("InstanceNotReduced(uint256)", &[i]));
    }
}

#[test]
fn calldata_has_one_encoding() {
    let w = &*WORLD;
    let mut chain = deployed(w);
    let (proof, words) = (w.proof.to_calldata(w.claimed.digest), words(&w.claimed));
    let length = proof.len();
    // Among them the root's own proof without its head.
    for got in [0, 32, HEAD, length - HEAD, length - 1, length + 32] {
        let mut other = proof.clone();
        other.resize(got, 0);
        let expected = error("WrongProofLength(uint256,uint256)", &[length, got]);
        assert_eq!(chain.call(calldata(&other, &words)), expected);
    }
    // Eleven are the circuit's.
    for got in [0, 3, 5, 11] {
        let mut other = words.clone();
        other.resize(got, [0; 32]);
        let expected = error("WrongInstanceCount(uint256,uint256)", &[4, got]);
        assert_eq!(chain.call(calldata(&proof, &other)), expected);
    }
    let not_canonical = error("CalldataNotCanonical()", &[]);
    let good = calldata(&proof, &words);
    for extra in [1, 32] {
        let mut longer = good.clone();
        longer.resize(good.len() + extra, 0);
        assert_eq!(chain.call(longer), not_canonical);
    }
    // The public inputs before the proof.
    let mut swapped = good[..4].to_vec();
    swapped.extend(word(96 + 32 * 4));
    swapped.extend(word(64));
    swapped.extend(word(4));
    swapped.extend(words.as_flattened());
    swapped.extend(word(length));
    swapped.extend(&proof);
    assert_eq!(chain.call(swapped), not_canonical);
    // A gap before the proof, which offsets skip.
    let mut gap = good[..4].to_vec();
    gap.extend(word(96));
    gap.extend(word(128 + length));
    gap.extend(word(0));
    gap.extend(&good[68..]);
    assert_eq!(chain.call(gap), not_canonical);
    // Truncated: the decoder of the language refuses.
    assert_eq!(
        chain.call(good[..good.len() - 1].to_vec()),
        Outcome::Reverted(vec![])
    );
}

/// Changes that keep the form: every point and evaluation is that of the proof or no proof is.
#[test]
fn mutations_get_the_same_verdict() {
    let w = &*WORLD;
    let count = std::env::var("NANOZK_MUTATIONS").map_or(MUTATIONS, |n| {
        n.parse().expect("NANOZK_MUTATIONS is a number")
    });
    let mut chain = deployed(w);
    let (good, words) = (w.proof.to_calldata(w.claimed.digest), words(&w.claimed));
    let rejected = error("ProofRejected()", &[]);
    let mut refuse = |bytes: &[u8], words: &[[u8; 32]], what: &str| {
        assert!(!native(w, bytes, words), "{what}");
        assert_eq!(chain.call(calldata(bytes, words)), rejected, "{what}");
    };
    let write = |bytes: &mut [u8], at: usize, point: &G1Affine| {
        bytes[at..at + 64].copy_from_slice(point_to_words(point).as_flattened());
    };
    let places = points(w);
    let evaluations = w.key.layout().openings.len();
    let read = |at: usize| {
        let word = |at: usize| good[at..at + 32].try_into().expect("a word");
        nanozk_verifier::encoding::point_from_words(word(at), word(at + 32)).expect("a point")
    };
    for at in &places {
        for point in [-read(*at), G1Affine::generator(), w.params.g1] {
            let mut bytes = good.clone();
            write(&mut bytes, *at, &point);
            refuse(&bytes, &words, &format!("the point at {at}"));
        }
    }
    for i in 0..evaluations {
        let at = evaluations_at(w) + 32 * i;
        let value = scalar_from_bytes(good[at..at + 32].try_into().expect("a word")).unwrap();
        for other in [value + Fr::one(), -value, Fr::zero()] {
            if other == value {
                continue;
            }
            let mut bytes = good.clone();
            bytes[at..at + 32].copy_from_slice(&scalar_to_bytes(&other));
            refuse(&bytes, &words, &format!("evaluation {i}"));
        }
    }
    let mut random = rng(11);
    let mut below = |n: usize| (random.next_u64() % n as u64) as usize;
    for round in 0..count {
        let (mut bytes, mut words) = (good.clone(), words.clone());
        for _ in 0..1 + below(2) {
            let point = read(places[below(places.len())]);
            let scalar = Fr::from(1 + below(1 << 40) as u64);
            match below(5) {
                0 => write(
                    &mut bytes,
                    places[below(places.len())],
                    &(point * scalar).to_affine(),
                ),
                1 => write(&mut bytes, places[below(places.len())], &point),
                2 => {
                    let at = evaluations_at(w) + 32 * below(evaluations);
                    bytes[at..at + 32].copy_from_slice(&scalar_to_bytes(&scalar));
                }
                3 => bytes[HEAD - 32..HEAD].copy_from_slice(&scalar_to_bytes(&scalar)),
                _ => words[below(4)] = scalar_to_bytes(&scalar),
            }
        }
        if bytes != good || words != self::words(&w.claimed) {
            refuse(&bytes, &words, &format!("round {round}"));
        }
    }
}

#[test]
fn without_gas_there_is_no_verdict() {
    let w = &*WORLD;
    let mut chain = deployed(w);
    let data = calldata(&w.proof.to_calldata(w.claimed.digest), &words(&w.claimed));
    let (_, used) = chain.call_with_gas(data.clone(), GAS);
    let intrinsic: u64 = 21_000
        + data
            .iter()
            .map(|b| if *b == 0 { 4 } else { 16 })
            .sum::<u64>();
    for part in 1..40 {
        let (outcome, _) = chain.call_with_gas(data.clone(), intrinsic + used * part / 40);
        let failed = |n| outcome == error("PrecompileFailed(uint256)", &[n]);
        let stopped =
            matches!(outcome, Outcome::Halted(_)) || [5, 6, 7, 8].map(failed).contains(&true);
        assert!(stopped, "{part}/40 of the gas: {outcome:?}");
    }
}

/// The root's proof holds, the proofs below do not: only the accumulator tells.
#[test]
fn refuses_a_valid_root_over_an_invalid_proof() {
    let w = &*WORLD;
    let mut chain = deployed(w);
    let rejected = error("ProofRejected()", &[]);
    let words = words(&w.claimed);
    let mut refuse = |proof: &AggregateProof, what: &str| {
        let bytes = proof.to_calldata(w.claimed.digest);
        assert!(!native(w, &bytes, &words), "{what}");
        assert_eq!(chain.call(calldata(&bytes, &words)), rejected, "{what}");
    };
    let forged = &w.over_invalid;
    let own = |proof: &AggregateProof| -> Accumulator {
        let instances = w.claimed.instances(&proof.accumulator);
        let none = Expected::default();
        let drawn = accumulate_and_draw(&w.params, &w.key, &instances, &none, &proof.proof);
        drawn.unwrap().0
    };
    own(forged).check(&w.params).expect("the root's own proof");
    let open = forged.accumulator;
    open.check(&w.params)
        .expect_err("what is left of the proofs below");
    refuse(forged, "a valid root over an invalid proof");
    // A contract that adds the accumulator times a factor known before the last commitment W would accept another W,
    // made with the setup's secret, by which both errors cancel: adding d to W adds (z - s)·d to the proof's.
    let s = development_secret(w);
    let error_of = |a: &Accumulator| (a.lhs - a.rhs * s).to_affine();
    let z = z_of(w, forged);
    for (factor, what) in [(Fr::one(), "1"), (-Fr::one(), "-1"), (z, "z")] {
        let by = -factor * (z - s).invert().unwrap();
        let d = error_of(&open) * by;
        let mut cancelled = forged.clone();
        cancelled.proof.opening[1] = (cancelled.proof.opening[1] + d).to_affine();
        let sum = Accumulator::fold(&[own(&cancelled), open], factor);
        assert_eq!(sum.check(&w.params), Ok(()), "valid with the factor {what}");
        refuse(
            &cancelled,
            &format!("errors that cancel with the factor {what}"),
        );
    }
}

/// A root's tables have the same sizes whatever it is over: so have its proofs, and so costs verifying them.
#[test]
fn roots_over_any_number_of_layers_cost_the_same() {
    let w = &*WORLD;
    let sizes = |blocks: usize| {
        let inner = || w.layers[1..3].iter().cloned();
        let layers: Vec<Child> = w.layers[..1]
            .iter()
            .cloned()
            .chain((0..blocks).flat_map(|_| inner()))
            .chain(w.layers[3..].iter().cloned())
            .map(|(kind, key)| Child::Layer { kind, key })
            .collect();
        let node = Node::new(layers, true);
        let program = Arc::new(node.program());
        let key = VerifyingKey::new(program, w.key.fixed_commitments().to_vec(), w.key.setup());
        let tables = Tables::new(&key).unwrap();
        let terms: usize = tables.gates.iter().map(|g| g.terms.len()).sum();
        (
            AggregateProof::byte_length(key.layout()),
            AggregateProof::calldata_length(key.layout()),
            (
                tables.opened.len(),
                tables.linear.len(),
                tables.rotations.len(),
            ),
            (tables.gates.len(), terms, tables.operations.len()),
        )
    };
    assert_eq!(sizes(1), sizes(5), "4 and 12 layers");
}
