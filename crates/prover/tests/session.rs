//! Sessions for joint proofs: any set of layers is proved and accepted; what is not of this model, this claim or these layers
//! is refused, by real proofs.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use halo2curves::group::prime::PrimeCurveAffine;
use nanozk_argument::{Known, Proof, commit};
use nanozk_circuit::{ColumnKind, Layout, Objective, Program, Values};
use nanozk_executor::{
    Activation, Architecture, Gpt2, MlpKind, Norm, Positions, QuantizedModel, synthetic,
};
use nanozk_layers::{BadSelection, Layer, Layers, Packing, Selection, Shape, Weights};
use nanozk_prover::Error;
use nanozk_prover::finish::{self, Finisher};
use nanozk_prover::registration::{
    Part, Registration, add_programs, plan, register, widest_windows,
};
use nanozk_prover::session::{
    Event, Generated, Provider, SessionDir, Window, claim_of, name_of, recompute, windows,
};
use nanozk_recursion::node::{MAX_COMMITMENTS, Nodes};
use nanozk_recursion::statement::{Native, weights_digest};
use nanozk_setup::{DEVELOPMENT_ID, DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::RecursionTranscript;
use nanozk_verifier::encoding::{point_compressed, scalar_to_bytes};
use nanozk_verifier::hex::{Digest32, Point, Scalar};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{
    CheckedClaim, CheckedManifest, Claim, Error as Refused, FINAL_POWERS, FinalFile, FinalVerifier,
    Manifest, Parameters, ProofFile, ProvedWindow, RegisteredProgram, Target, check_shape,
    program_list, top_of, window_layers,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha3::{Digest, Keccak256};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

const BLOCKS: usize = 2;
const LAYERS: usize = 2 * BLOCKS + 2;
const POSITIONS: usize = 8;
const PROMPT: usize = 3;
const SEED: [u8; 32] = [7; 32];

fn parameters() -> &'static Parameters {
    static PARAMETERS: OnceLock<Parameters> = OnceLock::new();
    PARAMETERS.get_or_init(|| {
        let (powers, g2) = development_powers(nanozk_argument::powers(16), DEVELOPMENT_SEED);
        Parameters::new(&powers, g2, Digest32(DEVELOPMENT_ID), true).unwrap()
    })
}

fn provider<'a>(model: &'a QuantizedModel, weight_seed: &'a [u8; 32]) -> Provider<'a> {
    Provider {
        model,
        weight_seed,
        parameters: parameters(),
    }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn shape(width: usize) -> Shape {
    Shape {
        architecture: Gpt2 {
            layers: BLOCKS,
            width,
            heads: 2,
            mlp_width: 2 * width,
            vocab: 37,
            context: POSITIONS,
        }
        .architecture(),
        spec: synthetic::spec(width, Activation::GeluNew),
        positions: POSITIONS,
    }
}

fn model(seed: u64) -> QuantizedModel {
    synthetic::model(shape(8).architecture, Activation::GeluNew, seed)
}

fn registered(model: &QuantizedModel, seed: &[u8; 32]) -> Manifest {
    let registration = Registration {
        shape: Shape {
            architecture: model.arch,
            spec: model.spec,
            positions: POSITIONS,
        },
        tokenizer: Digest32([3; 32]),
        k: 16,
        fractions: 4,
        parameters: parameters(),
        development: true,
        seed,
    };
    let weights = |part: Part, take: &mut dyn FnMut(Weights<'_>)| -> Result<(), Error> {
        take(part.weights(model));
        Ok(())
    };
    let checked = register(&registration, weights, |_, _| {}).unwrap();
    checked.manifest().clone()
}

/// Sets of layers.
type Sets = Vec<Vec<usize>>;

/// A session of a small model.
struct Case {
    dir: tempfile::TempDir,
    model: QuantizedModel,
    manifest: CheckedManifest,
    claim: Claim,
}

impl Case {
    fn new() -> Self {
        Self::of(1, 2)
    }

    fn of(model_seed: u64, generated: usize) -> Self {
        Self::with(model(model_seed), generated)
    }

    fn with(model: QuantizedModel, generated: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let manifest = CheckedManifest::new(registered(&model, &SEED)).unwrap();
        let prompt = synthetic::tokens(PROMPT, 37, 1);
        let answer = model.generate(&prompt, generated, |_| {}).unwrap();
        let tokens = [prompt, answer].concat();
        let session = SessionDir::new(dir.path());
        let generated = Generated {
            context: Context::default(),
            tokens: &tokens,
            prompt: PROMPT,
            input_salt: None,
        };
        // Each session has a seed of its own.
        static SESSIONS: AtomicU64 = AtomicU64::new(100);
        let mut rng = ChaCha20Rng::seed_from_u64(SESSIONS.fetch_add(1, Ordering::Relaxed));
        let claim = session.create(&model, &manifest, &generated, parameters(), &mut rng);
        Self {
            dir,
            model,
            manifest,
            claim: claim.unwrap(),
        }
    }

    fn session(&self) -> SessionDir {
        SessionDir::new(self.dir.path())
    }

    fn windows(&self, layers: &[usize], memory: Option<u64>) -> Vec<Window> {
        let claim = self.manifest.claim(self.claim.clone()).unwrap();
        windows(&claim, layers, memory).unwrap()
    }

    /// Proves, and says which sets of layers were proved and which were kept.
    fn prove(&self, windows: &[Window]) -> Result<(Sets, Sets), Error> {
        let (mut proved, mut kept) = (Vec::new(), Vec::new());
        let claim = self.manifest.claim(self.claim.clone()).unwrap();
        let session = self.session();
        session.lock()?.prove(
            &claim,
            &provider(&self.model, &SEED),
            windows,
            &mut rng(),
            &mut |event| match event {
                Event::Kept(window) => kept.push(window.layers.clone()),
                Event::Proved { window, .. } => proved.push(window.layers.clone()),
                Event::Stage(..) => {}
            },
        )?;
        Ok((proved, kept))
    }

    fn proof(&self, layers: &[usize]) -> ProofFile {
        // One process, and one thread, proves a session at a time.
        static PROVING: Mutex<()> = Mutex::new(());
        let _one = PROVING.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.session().proof_path(layers);
        if !path.exists() {
            self.prove(&self.windows(layers, None)).unwrap();
        }
        ProofFile::from_bytes(&std::fs::read(path).unwrap()).unwrap()
    }

    fn verify(&self, proof: &ProofFile) -> Result<Vec<usize>, Refused> {
        self.verify_for(&self.manifest, self.claim.clone(), proof)
    }

    fn verify_for(
        &self,
        manifest: &CheckedManifest,
        claim: Claim,
        proof: &ProofFile,
    ) -> Result<Vec<usize>, Refused> {
        manifest.claim(claim)?.verify(proof, parameters())
    }
}

impl Case {
    /// The program of all layers, and where its tensors lie.
    fn whole(&self) -> (Program, Layers, Layout) {
        let mut program = Program::new();
        let all = Selection::all(BLOCKS);
        let layers = Layers::new(&mut program, &shape(8), &all, 2).unwrap();
        let registry = self.manifest.packing().registry(&program, &layers);
        let layout = Layout::new(&program, 16, 4, &registry).unwrap();
        (program, layers, layout)
    }
}

/// A model whose queries and keys are normalized, as Qwen 3's: all of it is proved, and is not what the same weights would be
/// without.
#[test]
fn normalized_queries_and_keys_are_proved() {
    let architecture = Architecture {
        heads: 4,
        kv_heads: 2,
        head_width: 4,
        positions: Positions::Rotary,
        mlp: MlpKind::Gated,
        qk_norm: true,
        ..shape(8).architecture
    };
    let case = Case::with(synthetic::model(architecture, Activation::Silu, 1), 2);
    let proof = case.proof(&all());
    assert_eq!(case.verify(&proof), Ok(all()));
    let mut plain = case.manifest.manifest().clone();
    plain.architecture.qk_norm = false;
    let plain = CheckedManifest::new(plain).unwrap();
    assert_ne!(plain.id(), case.manifest.id());
    let claim = Claim {
        model_id: plain.id(),
        ..case.claim.clone()
    };
    let refused = case.verify_for(&plain, claim, &proof);
    assert!(refused.is_err(), "{refused:?}");
}

/// One session for tests that only read it.
fn case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(Case::new)
}

fn all() -> Vec<usize> {
    (0..LAYERS).collect()
}

#[test]
fn any_layers_are_proved() {
    let case = case();
    for layers in [all(), vec![0], vec![1], vec![4], vec![5], vec![0, 2, 3, 5]] {
        let proof = case.proof(&layers);
        assert_eq!(case.verify(&proof), Ok(layers.clone()), "{layers:?}");
        let file = ProofFile::from_bytes(&proof.to_bytes()).unwrap();
        assert_eq!(file, proof);
    }
}

/// Other lengths have other programs for the head only, and no other columns.
#[test]
fn any_number_of_tokens_is_proved() {
    for generated in [1, POSITIONS - PROMPT] {
        let case = Case::of(1, generated);
        let proof = case.proof(&all());
        assert_eq!(case.verify(&proof), Ok(all()));
        // The same proof for another number of tokens is for another statement.
        let claim = Claim {
            generated_tokens: case.claim.generated_tokens % 5 + 1,
            ..case.claim.clone()
        };
        let refused = case.verify_for(&case.manifest, claim.clone(), &proof);
        assert_eq!(refused, Err(Refused::OtherStatement));
        let proof = ProofFile {
            statement: claim.statement(),
            ..proof
        };
        assert!(case.verify_for(&case.manifest, claim, &proof).is_err());
    }
}

#[test]
fn windows_fit_a_memory_and_resume() {
    let case = Case::new();
    let whole = case.windows(&all(), None);
    assert_eq!(whole.len(), 1);
    let least = case.windows(&[1], None)[0].estimate.peak_bytes;
    let memory = whole[0].estimate.peak_bytes - 1;
    let cut = case.windows(&all(), Some(memory));
    assert!(cut.len() > 1);
    assert!(cut.iter().all(|w| w.estimate.peak_bytes <= memory));
    let layers: Vec<usize> = cut.iter().flat_map(|w| w.layers.clone()).collect();
    assert_eq!(layers, all());
    let claim = case.manifest.claim(case.claim.clone()).unwrap();
    let refused = windows(&claim, &all(), Some(least / 2));
    assert!(matches!(refused, Err(Error::Memory { .. })), "{refused:?}");

    let sets: Sets = cut.iter().map(|w| w.layers.clone()).collect();
    let (proved, kept) = case.prove(&cut[..1]).unwrap();
    assert_eq!((proved, kept), (sets[..1].to_vec(), vec![]));
    let (proved, kept) = case.prove(&cut).unwrap();
    assert_eq!((proved, kept), (sets[1..].to_vec(), sets[..1].to_vec()));
    // A damaged proof is made again.
    let path = case.session().proof_path(&sets[0]);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (proved, kept) = case.prove(&cut).unwrap();
    assert_eq!((proved, kept), (sets[..1].to_vec(), sets[1..].to_vec()));
    let paths = case.session().proof_paths().unwrap();
    assert_eq!(paths.len(), sets.len());
}

/// A proof's layers are what it was made for: neither fewer, nor more, nor others in their place.
#[test]
fn a_proof_of_other_layers_is_refused() {
    let case = case();
    let proofs = [vec![1], vec![2], vec![0, 2, 3, 5], all()];
    for made in proofs {
        let proof = case.proof(&made);
        let layers: Vec<u32> = made.iter().map(|l| *l as u32).collect();
        let mut others: Vec<Vec<u32>> = (0..LAYERS as u32).map(|layer| vec![layer]).collect();
        others.push(layers[..layers.len() - 1].to_vec());
        others.push([&layers[..], &[LAYERS as u32 - 1]].concat());
        others.push(layers.iter().rev().copied().collect());
        others.push([&layers[..1], &layers[..]].concat());
        others.push(layers.iter().map(|layer| layer + 2).collect());
        for other in others.into_iter().filter(|other| *other != layers) {
            let forged = ProofFile {
                layers: other.clone(),
                ..proof.clone()
            };
            assert!(case.verify(&forged).is_err(), "{made:?} as {other:?}");
        }
    }
    let proof = ProofFile {
        layers: vec![],
        ..case.proof(&[1])
    };
    assert_eq!(
        case.verify(&proof),
        Err(Refused::Layers(BadSelection::Empty))
    );
}

/// Each field of a claim changes its statement or its commitments, and so refuses its proofs, also if the proof says that it
/// is for the other statement.
#[test]
fn a_proof_of_another_claim_is_refused() {
    let case = case();
    let whole = case.proof(&all());
    type Change = fn(&mut Claim);
    let changes: [(&str, Change); 8] = [
        ("chain", |c| c.context.chain += 1),
        ("contract", |c| c.context.contract.0[31] ^= 1),
        ("claim", |c| c.context.claim.0[0] ^= 1),
        ("recipient", |c| c.context.recipient.0[31] ^= 1),
        ("input", |c| {
            c.input_digest = Scalar(c.input_digest.0 + Fr::ONE)
        }),
        ("output", |c| {
            c.output_digest = Scalar(c.output_digest.0 + Fr::ONE)
        }),
        ("prompt", |c| c.prompt_tokens += 1),
        ("generated", |c| c.generated_tokens -= 1),
    ];
    for (what, change) in changes {
        let mut claim = case.claim.clone();
        change(&mut claim);
        let refused = case.verify_for(&case.manifest, claim.clone(), &whole);
        assert_eq!(refused, Err(Refused::OtherStatement), "{what}");
        let forged = ProofFile {
            statement: claim.statement(),
            ..whole.clone()
        };
        let refused = case.verify_for(&case.manifest, claim.clone(), &forged);
        assert!(refused.is_err(), "{what}");
        // Layers between know nothing of tokens; the statement binds them all the same.
        let forged = ProofFile {
            statement: claim.statement(),
            ..case.proof(&[1])
        };
        assert!(
            case.verify_for(&case.manifest, claim, &forged).is_err(),
            "{what}"
        );
    }
    // Commitments to activations: the layer's own, and none of the others'.
    for (layers, own) in [(vec![1], vec![0, 1]), (all(), (0..LAYERS - 1).collect())] {
        let proof = case.proof(&layers);
        for number in 0..LAYERS - 1 {
            let mut claim = case.claim.clone();
            claim.activations[number] = Point(-claim.activations[number].0);
            assert_ne!(
                claim.claim_digest().unwrap(),
                case.claim.claim_digest().unwrap()
            );
            let refused = case.verify_for(&case.manifest, claim, &proof).is_err();
            assert_eq!(refused, own.contains(&number), "{layers:?}: {number}");
        }
    }
    // Another session of the same model has the same digest of nothing.
    let other = Case::new();
    assert!(other.verify(&whole).is_err());
}

/// Weights of another model, or the same ones blinded anew, are another version.
#[test]
fn a_proof_for_another_model_is_refused() {
    let case = case();
    let proof = case.proof(&all());
    let other = CheckedManifest::new(registered(&model(2), &SEED)).unwrap();
    let blinded = CheckedManifest::new(registered(&case.model, &[8; 32])).unwrap();
    let mut changed = case.manifest.manifest().clone();
    changed.fractions += 1;
    let changed = CheckedManifest::new(changed).unwrap();
    for manifest in [other, blinded, changed] {
        assert_ne!(manifest.id(), case.manifest.id());
        let refused = case.verify_for(&manifest, case.claim.clone(), &proof);
        let wrong = Refused::ClaimOfAnotherModel {
            expected: manifest.id(),
            got: case.manifest.id(),
        };
        assert_eq!(refused, Err(wrong));
        let claim = Claim {
            model_id: manifest.id(),
            ..case.claim.clone()
        };
        let forged = ProofFile {
            statement: claim.statement(),
            ..proof.clone()
        };
        assert!(case.verify_for(&manifest, claim, &forged).is_err());
    }
    let wrong = Digest32([1; 32]);
    let refused = CheckedManifest::of_model(case.manifest.manifest().clone(), &wrong);
    assert!(matches!(refused, Err(Refused::WrongModel { .. })));
    // A setup with the same powers that calls itself another one, and one that is too small.
    let claim = case.manifest.claim(case.claim.clone()).unwrap();
    let (powers, g2) = development_powers(nanozk_argument::powers(16), DEVELOPMENT_SEED);
    let foreign = Parameters::new(&powers, g2, Digest32([1; 32]), true).unwrap();
    let refused = claim.verify(&proof, &foreign);
    assert!(matches!(refused, Err(Refused::WrongSetup { .. })));
    let small = Parameters::new(&powers[..1 << 16], g2, Digest32(DEVELOPMENT_ID), true).unwrap();
    let refused = claim.verify(&proof, &small);
    assert!(matches!(refused, Err(Refused::SmallSetup { .. })));
    // The right powers, and another secret in the second group.
    let (_, other) = development_powers(1, [9; 32]);
    let foreign = Parameters::new(&powers, other, Digest32(DEVELOPMENT_ID), true).unwrap();
    assert_eq!(claim.verify(&proof, &foreign), Err(Refused::Pairing));
    // One whose secret is said to be secret.
    let id = Digest32(DEVELOPMENT_ID);
    let foreign = Parameters::new(&powers, g2, id, false).unwrap();
    let refused = Err(Refused::DevelopmentSetup { said: true });
    assert_eq!(claim.verify(&proof, &foreign), refused);
}

/// A prover with weights, activations or tables of its own, who proves all that follows from them.
#[test]
fn a_prover_cannot_bring_its_own_columns() {
    let case = case();
    let claim = case.manifest.claim(case.claim.clone()).unwrap();
    let other = model(2);
    let prompt = synthetic::tokens(PROMPT, 37, 1);
    let answer = other.generate(&prompt, 2, |_| {}).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let tokens = [prompt, answer].concat();
    let foreign = CheckedManifest::new(registered(&other, &SEED)).unwrap();
    let generated = Generated {
        context: Context::default(),
        tokens: &tokens,
        prompt: PROMPT,
        input_salt: None,
    };
    let session = SessionDir::new(dir.path());
    let own = session
        .create(&other, &foreign, &generated, parameters(), &mut rng())
        .unwrap();
    for layers in [all(), vec![1], vec![2]] {
        let window = windows(&foreign.claim(own.clone()).unwrap(), &layers, None).unwrap();
        let theirs = foreign.claim(own.clone()).unwrap();
        session
            .lock()
            .unwrap()
            .prove(
                &theirs,
                &provider(&other, &SEED),
                &window,
                &mut rng(),
                &mut |_| {},
            )
            .unwrap();
        let bytes = std::fs::read(session.proof_path(&layers)).unwrap();
        let proof = ProofFile::from_bytes(&bytes).unwrap();
        assert!(theirs.verify(&proof, parameters()).is_ok());
        // It is a proof; for this model, with this or that claim, it is none.
        for claim in [case.claim.clone(), own.clone()] {
            let claim = Claim {
                model_id: case.manifest.id(),
                ..claim
            };
            let forged = ProofFile {
                statement: claim.statement(),
                ..proof.clone()
            };
            assert!(case.verify_for(&case.manifest, claim, &forged).is_err());
        }
    }
    // A table of its own: a prover that commits to other values of the activation, and absorbs that commitment.
    let goal = claim.goal(&[2]).unwrap();
    let known = claim.known(&goal, parameters()).unwrap();
    let table = goal.layout.enumerate();
    let mut tables = table.filter(|(_, c)| matches!(c.kind, ColumnKind::TableValues(_)));
    let (id, _) = tables.next().unwrap();
    let mut points = known.points().clone();
    points.insert(id, -points[&id]);
    let forged = Known::unchecked(points);
    let statement = goal.statement(&forged);
    let values = Values::new(&goal.program, &goal.layout, goal.inputs.clone());
    let proof: Result<Proof, _> = nanozk_argument::prove_unchecked(
        &statement,
        values,
        &parameters().basis,
        &mut rng(),
        &mut RecursionTranscript::new(),
        |_, _, _| {},
    );
    let proof = ProofFile {
        statement: case.claim.statement(),
        layers: vec![2],
        proof: proof.unwrap().to_bytes(),
    };
    assert!(claim.verify(&proof, parameters()).is_err());
}

#[test]
fn what_cannot_be_proved_is_an_error() {
    let case = Case::new();
    let claim = case.manifest.claim(case.claim.clone()).unwrap();
    let window = case.windows(&[1], None);
    let prove_with = |seed: &[u8; 32]| {
        let session = case.session();
        session.lock()?.prove(
            &claim,
            &provider(&case.model, seed),
            &window,
            &mut rng(),
            &mut |_| {},
        )
    };
    let refused = prove_with(&[9; 32]);
    assert!(
        matches!(refused, Err(Error::WeightSeed { layer: 1 })),
        "{refused:?}"
    );
    assert!(!case.session().proof_path(&[1]).exists());
    // Secrets of another session.
    let path = case.dir.path().join("secret.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let other = Case::new();
    std::fs::copy(other.dir.path().join("secret.json"), &path).unwrap();
    // The same tokens with the same seed are the same session.
    let tampered = text.replace("\"prompt\": 3", "\"prompt\": 4");
    assert_ne!(tampered, text);
    std::fs::write(&path, tampered).unwrap();
    let refused = prove_with(&SEED);
    assert!(matches!(refused, Err(Error::File(_))), "{refused:?}");
    std::fs::write(&path, text).unwrap();
    prove_with(&SEED).unwrap();
    // A commitment to activations that is another one: known before anything is proved, and before a proof of other layers.
    let mut other = case.claim.clone();
    other.activations.swap(2, 3);
    let other = case.manifest.claim(other).unwrap();
    let session = case.session();
    std::fs::remove_file(session.proof_path(&[1])).unwrap();
    let refused = session.lock().unwrap().prove(
        &other,
        &provider(&case.model, &SEED),
        &window,
        &mut rng(),
        &mut |event| panic!("{event:?}"),
    );
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("output of layer 2"), "{text}");
    // While one process proves, no other does.
    let held = session.lock().unwrap();
    assert!(session.lock().is_err());
    drop(held);
    // Tokens that the model does not generate, too many, or none.
    let mut secret = case.session().secret().unwrap();
    let of = |secret: &_| {
        claim_of(
            &case.model,
            &case.manifest,
            Context::default(),
            secret,
            parameters(),
        )
    };
    assert_eq!(of(&secret).unwrap(), case.claim);
    let honest = secret.tokens.clone();
    secret.tokens[PROMPT] = (honest[PROMPT] + 1) % 37;
    let refused = of(&secret);
    assert!(matches!(
        refused,
        Err(Error::NotGenerated { position: PROMPT })
    ));
    secret.tokens = vec![1; POSITIONS + 1];
    assert!(matches!(of(&secret), Err(Error::TooLong { .. })));
    secret.tokens = honest[..PROMPT].to_vec();
    assert!(matches!(of(&secret), Err(Error::NothingGenerated)));
}

/// Manifests and claims that are no model's and no session's.
#[test]
fn malformed_manifests_and_claims_are_refused() {
    let case = case();
    type Change<T> = fn(&mut T);
    let changes: [(&str, Change<Manifest>); 14] = [
        ("format", |m| m.format.push('0')),
        ("small k", |m| m.k = 15),
        ("large k", |m| m.k = 28),
        ("another k", |m| m.k = 17),
        ("no fractions", |m| m.fractions = 0),
        ("many fractions", |m| m.fractions = 17),
        ("a weight less", |m| m.weights.truncate(1)),
        ("a weight more", |m| m.weights.push(m.weights[0])),
        ("no heads", |m| m.architecture.heads = 0),
        ("no blocks", |m| m.architecture.layers = 0),
        ("many blocks", |m| m.architecture.layers = usize::MAX / 2),
        ("positions", |m| m.tokens = 6),
        ("no positions", |m| m.tokens = 0),
        ("huge", |m| {
            m.architecture.width = 1 << 16;
            m.architecture.heads = 1;
            m.architecture.mlp_width = (1 << 18) - 1;
            m.architecture.vocab = (1 << 24) - 1;
        }),
    ];
    for (what, change) in changes {
        let mut manifest = case.manifest.manifest().clone();
        change(&mut manifest);
        let refused = CheckedManifest::new(manifest);
        // Columns of another length are as many here: the weights are few. It is another model then.
        match refused {
            Ok(other) => assert!(what == "another k" && other.id() != case.manifest.id()),
            Err(e) => assert!(!e.to_string().is_empty(), "{what}"),
        }
    }
    let changes: [(&str, Change<Claim>); 7] = [
        ("format", |c| c.format.push('0')),
        ("no prompt", |c| c.prompt_tokens = 0),
        ("no answer", |c| c.generated_tokens = 0),
        ("too long", |c| c.generated_tokens = 6),
        ("far too long", |c| {
            c.prompt_tokens = u32::MAX;
            c.generated_tokens = u32::MAX;
        }),
        ("an activation less", |c| c.activations.truncate(1)),
        ("an activation more", |c| {
            c.activations.push(c.activations[0])
        }),
    ];
    for (what, change) in changes {
        let mut claim = case.claim.clone();
        change(&mut claim);
        assert!(case.manifest.claim(claim).is_err(), "{what}");
    }
}

fn sized(blocks: usize, width: usize, vocab: usize, positions: usize) -> Shape {
    Shape {
        architecture: Gpt2 {
            layers: blocks,
            width,
            heads: 1,
            mlp_width: width,
            vocab,
            context: positions,
        }
        .architecture(),
        spec: synthetic::spec(width, Activation::GeluNew),
        positions,
    }
}

/// A manifest with as many commitments as its shape takes.
fn unproved(shape: &Shape, k: u32) -> Manifest {
    Manifest {
        architecture: shape.architecture,
        spec: shape.spec,
        tokens: shape.positions,
        k,
        weights: vec![
            Point(G1Affine::generator());
            Packing::new(shape, k).unwrap().weights().len()
        ],
        ..case().manifest.manifest().clone()
    }
}

/// No model is registered whose sessions nobody could prove, and it is refused before anything takes long.
#[test]
fn shapes_that_cannot_be_proved_are_refused_first() {
    // The head of the longest session has too many blocks of cells; 255 has no divisor that is a power of two; and proofs of
    // 2^28 logits have more values than random cells hide.
    for (shape, k) in [
        (sized(1, 4, 1 << 20, 1 << 14), 20),
        (sized(2, 255, 300, 8), 16),
        (sized(1, 4, 1 << 18, 1 << 10), 16),
        (sized(1, 4, 4, 1), 16),
    ] {
        let refused = check_shape(&shape, k, 4).map(|_| ()).unwrap_err();
        let unproved = CheckedManifest::new(unproved(&shape, k));
        assert_eq!(unproved.map(|_| ()), Err(refused.clone()));
        let registration = Registration {
            shape,
            tokenizer: Digest32([3; 32]),
            k,
            fractions: 4,
            parameters: parameters(),
            development: true,
            seed: &SEED,
        };
        let none = |_: Part, _: &mut dyn FnMut(Weights<'_>)| -> Result<(), Error> {
            panic!("weights are asked for")
        };
        let error = register(&registration, none, |_, _| panic!("progress"));
        assert_eq!(error.unwrap_err().to_string(), refused.to_string());
    }
    let objective = Objective {
        max_k: 16,
        ..Objective::default()
    };
    assert!(plan(&sized(2, 255, 300, 8), &objective).is_err());
}

/// The limits are not in the way of models that people use, short or long.
#[test]
fn models_in_use_are_within_the_limits() {
    let gpt2 = |layers, width, heads, vocab| {
        let dimensions = Gpt2 {
            layers,
            width,
            heads,
            mlp_width: 4 * width,
            vocab,
            context: 1_024,
        };
        dimensions.architecture()
    };
    let larger = [
        ("gpt2-large", gpt2(36, 1_280, 20, 50_257)),
        ("gpt2-xl", gpt2(48, 1_600, 25, 50_257)),
        ("opt-6.7b", gpt2(32, 4_096, 32, 50_272)),
    ];
    for (name, architecture) in synthetic::KNOWN.into_iter().chain(larger) {
        for positions in [32, 1_024] {
            let shape = Shape {
                architecture,
                spec: synthetic::spec_of(&architecture, synthetic::activation(&architecture)),
                positions,
            };
            // The activations between two layers are in one column.
            let cells = architecture.width * positions;
            let k = cells.next_power_of_two().ilog2().max(20);
            let packing = check_shape(&shape, k, 8);
            let columns = packing.map(|p| p.weights().len());
            assert!(columns.is_ok(), "{name}, {positions}: {columns:?}");
        }
    }
}

/// Layers that are too many for one proof are proved by several.
#[test]
fn windows_are_as_small_as_a_proof_must_be() {
    let shape = sized(6, 127, 32, 8);
    let manifest = CheckedManifest::new(unproved(&shape, 16)).unwrap();
    let claim = manifest
        .claim(Claim {
            model_id: manifest.id(),
            activations: vec![Point(G1Affine::generator()); manifest.packing().streams()],
            ..case().claim.clone()
        })
        .unwrap();
    let all: Vec<usize> = (0..manifest.layers()).collect();
    assert!(matches!(claim.goal(&all), Err(Refused::Size { .. })));
    let cut = windows(&claim, &all, None).unwrap();
    assert!(cut.len() > 1);
    let layers: Vec<usize> = cut.iter().flat_map(|w| w.layers.clone()).collect();
    assert_eq!(layers, all);
    // One fewer, and one of them would be too large again.
    let count = cut.len() - 1;
    let bound = |i: usize| i * all.len() / count;
    let mut wider = (0..count).map(|i| claim.goal(&all[bound(i)..bound(i + 1)]));
    assert!(wider.any(|goal| goal.is_err()));
}

/// Two models that were registered with one seed, and two sessions that were made with one: the difference between their
/// commitments is not that of what they hide.
#[test]
fn one_seed_for_two_contents_hides_both() {
    let (case, mut other) = (case(), model(1));
    let fc = &mut other.layers[0].fc.weight;
    fc.set(0, 5, fc.get(0, 5) + 3);
    let other = registered(&other, &SEED);
    let weights = |manifest: &Manifest| manifest.weights.clone();
    let (before, after) = (weights(case.manifest.manifest()), weights(&other));
    let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
    assert_eq!(changed.len(), 1);
    let difference = (changed[0].1.0 - changed[0].0.0).to_affine();
    let (powers, _) = development_powers(1 << 16, DEVELOPMENT_SEED);
    let three: HashSet<_> = powers
        .iter()
        .map(|power| point_compressed(&(*power * Fr::from(3)).to_affine()))
        .collect();
    assert!(!three.contains(&point_compressed(&difference)));

    let mut secret = case.session().secret().unwrap();
    let of = |secret: &_| {
        let context = Context::default();
        recompute(&case.model, &case.manifest, context, secret, parameters()).unwrap()
    };
    let own = of(&secret);
    assert_eq!((own.claim, own.wrong_token), (case.claim.clone(), None));
    secret.tokens[PROMPT] = (secret.tokens[PROMPT] + 1) % 37;
    let other = of(&secret);
    assert_eq!(other.wrong_token, Some(PROMPT));
    for (a, b) in case.claim.activations.iter().zip(&other.claim.activations) {
        assert_ne!(a, b);
    }
}

/// Every prefix of a file, and files with a byte changed, are refused without a panic.
#[test]
fn damaged_files_are_refused() {
    let case = case();
    let bytes = case.proof(&[1]).to_bytes();
    let refused = |bytes: &[u8]| {
        let file = ProofFile::from_bytes(bytes)?;
        case.verify(&file)
    };
    let header = bytes.len() - case.proof(&[1]).proof.len();
    for length in 0..bytes.len() {
        let error = refused(&bytes[..length]).unwrap_err();
        let of_length = matches!(error, Refused::Length { .. });
        assert_eq!(of_length, length >= header, "{length}: {error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(refused(&longer), Err(Refused::Length { .. })));
    for at in (0..bytes.len()).step_by(61) {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        let accepted =
            ProofFile::from_bytes(&changed).is_ok_and(|proof| case.verify(&proof).is_ok());
        assert!(!accepted, "byte {at}");
    }
}

/// Plans are within their limits, and sets of layers have names that files can have.
#[test]
fn plans_and_names() {
    let found = plan(&shape(8), &Objective::default()).unwrap();
    assert!(found.layout.k() >= 16);
    let tight = Objective {
        max_k: 12,
        ..Objective::default()
    };
    assert!(matches!(plan(&shape(8), &tight), Err(Error::Plan(_))));
    assert_eq!(name_of(&[0, 1, 2, 3]), "0-3");
    assert_eq!(name_of(&[3]), "3");
    assert_eq!(name_of(&[0, 2, 3, 5]), "0_2-3_5");
    let drawn: Vec<usize> = (0..200).map(|i| 2 * i).collect();
    assert_eq!(name_of(&drawn).len(), 64);
    assert_ne!(name_of(&drawn), name_of(&drawn[1..]));
    for number in 0..LAYERS {
        let layer = Layer::of(number, BLOCKS).unwrap();
        assert_eq!(layer.number(BLOCKS), number);
    }
    assert!(!Path::new(&name_of(&[1])).is_absolute());
}

/// Columns are as long as it takes for few nodes, and no longer.
#[test]
fn plans_are_for_windows_that_nodes_verify() {
    let objective = Objective {
        max_k: 22,
        ..Objective::default()
    };
    let commitments = |wanted: &str| {
        let (_, architecture) = *synthetic::KNOWN
            .iter()
            .find(|(name, _)| *name == wanted)
            .unwrap();
        let shape = Shape {
            architecture,
            spec: synthetic::spec_of(&architecture, synthetic::activation(&architecture)),
            positions: 16,
        };
        plan(&shape, &objective).unwrap().estimate.commitments
    };
    assert!(commitments("gpt2") <= MAX_COMMITMENTS);
    // Two windows, since its verification takes more equations than a node has.
    let larger = commitments("smollm2-135m");
    assert!((MAX_COMMITMENTS + 1..=2 * MAX_COMMITMENTS).contains(&larger));
}

#[test]
fn other_decodings_are_refused() {
    let case = case();
    let mut claim = case.claim.clone();
    claim.decoding.0[31] = 1;
    assert_ne!(claim.statement(), case.claim.statement());
    let refused = case.manifest.claim(claim).unwrap_err();
    assert!(matches!(refused, Refused::Decoding { .. }));
}

#[test]
fn the_id_binds_every_field() {
    let case = case();
    type Change = fn(&mut Manifest);
    let changes: [(&str, Change); 14] = [
        ("architecture", |m| m.architecture.layers += 1),
        ("heads of keys", |m| m.architecture.kv_heads += 1),
        ("positions", |m| {
            m.architecture.positions = Positions::Rotary;
        }),
        ("gate", |m| m.architecture.mlp = MlpKind::Gated),
        ("spec", |m| m.spec.eps += 1),
        ("norm", |m| m.spec.norm = Norm::RmsNorm),
        ("activation", |m| m.spec.activation = Activation::Silu),
        ("tokenizer", |m| m.tokenizer.0[31] ^= 1),
        ("tokens", |m| m.tokens += 1),
        ("setup", |m| m.setup.0[0] ^= 1),
        ("k", |m| m.k += 1),
        ("fractions", |m| m.fractions += 1),
        ("a weight", |m| m.weights[0] = Point(-m.weights[0].0)),
        ("order of weights", |m| m.weights.reverse()),
    ];
    for (what, change) in changes {
        let mut manifest = case.manifest.manifest().clone();
        change(&mut manifest);
        assert_ne!(manifest.model_id(), case.manifest.id(), "{what}");
    }
}

/// What is added to each commitment is another multiple of the power beyond the cells, and in another session again.
#[test]
fn commitments_are_blinded_one_by_one() {
    let (case, other) = (case(), Case::new());
    let secret = case.session().secret().unwrap();
    let sequence = secret.sequence(POSITIONS);
    let trace = case.model.forward(&sequence.tokens).unwrap();
    let (program, layers, layout) = case.whole();
    let mut values = Values::new(&program, &layout, vec![]);
    layers.fill_activations(&mut values, &trace).unwrap();
    for part in [Part::Embed, Part::Block(0), Part::Block(1), Part::Head] {
        let weights = part.weights(&case.model);
        layers.fill_weights(&mut values, weights).unwrap();
    }
    let again = registered(&case.model, &[8; 32]);
    let mut masks = Vec::new();
    for (id, column) in layout.enumerate() {
        let points = match column.kind {
            ColumnKind::Weight(number) => {
                let number = number as usize;
                [&case.manifest.manifest().weights, &again.weights].map(|w| w[number].0)
            }
            ColumnKind::Activation(number) => {
                let number = number as usize;
                [&case.claim, &other.claim].map(|c| c.activations[number].0)
            }
            _ => continue,
        };
        let plain = commit(&parameters().basis, values.column(id), 16, &[]);
        masks.extend(points.map(|point| (point - plain).to_affine()));
    }
    let count = masks.len();
    assert_eq!(
        count,
        2 * (case.manifest.packing().weights().len() + LAYERS - 1)
    );
    let distinct: HashSet<Vec<u8>> = masks
        .into_iter()
        .map(|mask| point_compressed(&mask).to_vec())
        .collect();
    assert_eq!(distinct.len(), count);
    let nothing = point_compressed(&G1Affine::identity());
    assert!(!distinct.contains(nothing.as_slice()));
}

/// `docs/format.md`: whichever layers a proof is of.
#[test]
fn public_inputs_are_those_of_the_format() {
    let case = case();
    let claim = case.manifest.claim(case.claim.clone()).unwrap();
    let statement = case.claim.statement();
    let half = |bytes: &[u8]| {
        let shift = Fr::from(256);
        let digits = bytes.iter().map(|byte| Fr::from(u64::from(*byte)));
        digits.fold(Fr::ZERO, |number, digit| number * shift + digit)
    };
    let expected = [
        half(&statement[..16]),
        half(&statement[16..]),
        case.claim.input_digest.0,
        case.claim.output_digest.0,
        Fr::from(PROMPT as u64),
        Fr::from(2),
    ];
    for layers in [all(), vec![0], vec![1], vec![5]] {
        assert_eq!(claim.goal(&layers).unwrap().inputs, expected);
    }
}

/// Proofs of windows of two sessions of two models, a node over each, one over them, and the final proof.
#[test]
fn sessions_have_one_final_proof() {
    let (powers, g2) = development_powers(FINAL_POWERS, DEVELOPMENT_SEED);
    let parameters = Parameters::new(&powers, g2, Digest32(DEVELOPMENT_ID), true).unwrap();
    drop(powers);
    let mut cases = [Case::new(), Case::of(2, 3)];
    // One is a claim of its own, the other an answer of an epoch.
    cases[1].claim.context.epoch = true;
    let sessions = [cases[0].session(), cases[1].session()];
    let windows: [&[(u32, u32)]; 2] = [&[(0, 3), (3, 3)], &[(1, 1)]];
    let claims = [0, 1].map(|i| cases[i].manifest.claim(cases[i].claim.clone()).unwrap());
    let finisher = Finisher::new(&parameters).unwrap();
    // Gives the names of nodes that were there, and of those that were proved. Of nodes that are made side by side, either may be
    // the first to be done.
    let finish = || -> Result<(FinalFile, Vec<String>, Vec<String>), Error> {
        let (mut kept, mut proved) = (Vec::new(), Vec::new());
        let locks = [sessions[0].lock()?, sessions[1].lock()?];
        let parts = [0, 1].map(|i| finish::Part {
            session: &locks[i],
            claim: &claims[i],
            windows: windows[i],
        });
        let file = finisher.finish(&parts, &parameters, &mut rng(), &mut |event| match event {
            finish::Event::Kept(name) => kept.push(name.to_owned()),
            finish::Event::Proved { name, .. } => proved.push(name.to_owned()),
            finish::Event::Node(..) | finish::Event::Final(_) => {}
        })?;
        kept.sort();
        proved.sort();
        Ok((file, kept, proved))
    };
    // Joint proofs come first.
    assert!(matches!(finish(), Err(Error::File(_))));
    for (case, windows) in cases.iter().zip(windows) {
        for window in windows {
            case.proof(&window_layers(*window));
        }
    }
    let (_, kept, proved) = finish().unwrap();
    assert!(kept.is_empty());
    assert_eq!(proved[..3], ["0-2", "1", "3-5"]);
    assert_eq!(proved.len(), 4);
    // A node that is damaged is proved again; the others are kept.
    let name = proved[3].clone();
    let node = cases[0].dir.path().join(format!("nodes/{name}.node"));
    let mut bytes = std::fs::read(&node).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&node, bytes).unwrap();
    let (file, kept, proved) = finish().unwrap();
    assert_eq!(kept, ["0-2", "1", "3-5"]);
    assert_eq!(proved, [name]);
    let written = serde_json::to_vec(&file).unwrap();
    assert_eq!(serde_json::from_slice::<FinalFile>(&written).unwrap(), file);
    assert_eq!(file.proof.0.len(), 1152);
    assert_eq!(file.tree.shape.0, [0, 0, 0, 3]);

    let verifier = FinalVerifier::new(&parameters).unwrap();
    let verify = |file: &FinalFile| verifier.verify(&[&claims[0], &claims[1]], file, &parameters);
    assert_eq!(verify(&file), Ok(vec![all(), vec![1]]));
    // Each part of the proof: its points, its values, and what remains of the proofs below.
    for place in [40, 350, 1000, 1030, 1100] {
        let mut other = file.clone();
        other.proof.0[place] ^= 1;
        assert!(matches!(verify(&other), Err(Refused::Final(_))), "{place}");
    }
    // It is about these windows of these claims, in this order; what is said of them is computed, and compared with the file.
    type Change = dyn Fn(&mut Vec<ProvedWindow>);
    let windows_of = |file: &mut FinalFile, change: &Change| {
        change(&mut file.claims[0].windows);
    };
    let changes: [&Change; 4] = [
        &|windows| windows.swap(0, 1),
        &|windows| {
            windows.pop();
        },
        &|windows| {
            windows[0].count = 2;
            windows[1].first = 2;
            windows[1].count = 4;
        },
        &|windows| windows[0].digest.0 += Fr::ONE,
    ];
    for change in changes {
        let mut other = file.clone();
        windows_of(&mut other, change);
        let refused = verify(&other);
        assert!(matches!(refused, Err(Refused::Malformed(_))), "{refused:?}");
        // Nor is the proof one of what it then says.
        let claims: Vec<&CheckedClaim<'_>> = claims.iter().collect();
        let own: Vec<Vec<(u32, u32)>> = other
            .claims
            .iter()
            .map(|c| c.windows.iter().map(|w| (w.first, w.count)).collect())
            .collect();
        let targets: Vec<Target<'_>> = (claims.iter().zip(&own))
            .map(|(claim, windows)| Target { claim, windows })
            .collect();
        let (_, tree, digests) = verifier.top(&targets, &parameters).unwrap();
        other.tree = tree;
        for (claim, digests) in other.claims.iter_mut().zip(digests) {
            for (window, digest) in claim.windows.iter_mut().zip(digests) {
                window.digest = digest;
            }
        }
        let refused = verify(&other);
        let is_same = other == file;
        assert!(
            is_same || matches!(refused, Err(Refused::Final(_))),
            "{refused:?}"
        );
    }
    let mut twice = file.clone();
    twice.claims[0].windows[1].first = 2;
    twice.claims[0].windows[1].count = 4;
    // Digests would be others, too: that is looked at later, and must not hide it.
    let overlap = "two joint proofs have a layer in common";
    assert_eq!(verify(&twice), Err(Refused::Malformed(overlap)));
    let mut beyond = file.clone();
    beyond.claims[0].windows[1].count = u32::MAX;
    let outside = "a joint proof is of layers that there are not";
    assert_eq!(verify(&beyond), Err(Refused::Malformed(outside)));
    let mut none = file.clone();
    none.claims
        .iter_mut()
        .for_each(|claim| claim.windows.clear());
    assert!(matches!(verify(&none), Err(Refused::Node(_))));
    let mut shape = file.clone();
    shape.tree.shape.0 = vec![0, 0, 2, 0, 2];
    assert!(matches!(verify(&shape), Err(Refused::Malformed(_))));

    // Of an answer of an epoch the fingerprint is taken at zero, where it is the last word; of other claims it is not.
    let at = |i: usize| claims[i].session(&claims[i].goal(&[1]).unwrap()).unwrap();
    assert_eq!(at(1).at, Fr::ZERO);
    assert_ne!(at(0).at, Fr::ZERO);
    let words = cases[1].claim.activation_words();
    let numbers = at(1).numbers(&Native).unwrap();
    assert_eq!(numbers[9], words.last().unwrap().0);
    for (i, epoch) in [(0, true), (1, false)] {
        let mut other = cases.each_ref().map(|case| case.claim.clone());
        other[i].context.epoch = epoch;
        assert_eq!(other[i].statement(), cases[i].claim.statement());
        let [a, b] = [0, 1].map(|i| cases[i].manifest.claim(other[i].clone()).unwrap());
        let refused = verifier.verify(&[&a, &b], &file, &parameters);
        assert!(
            matches!(refused, Err(Refused::Malformed(_))),
            "{i}: {refused:?}"
        );
    }
    let mut long = file.clone();
    long.proof.0.push(0);
    assert!(matches!(verify(&long), Err(Refused::Length { .. })));
    let mut fewer = file.clone();
    fewer.claims.pop();
    assert_eq!(verify(&fewer), Err(Refused::OtherStatement));
    let mut other = file.clone();
    other.format = "nanozk-final-0".into();
    assert!(matches!(verify(&other), Err(Refused::Format { .. })));
    // And about these claims: their statements, and the activations that they claim.
    let changes: [&dyn Fn(&mut Claim); 3] = [
        &|claim| claim.context.recipient.0[31] ^= 1,
        &|claim| claim.output_digest.0 += Fr::ONE,
        &|claim| claim.activations.swap(0, 1),
    ];
    for change in changes {
        let mut claim = cases[0].claim.clone();
        change(&mut claim);
        let claim = cases[0].manifest.claim(claim).unwrap();
        let targets = [
            Target {
                claim: &claim,
                windows: windows[0],
            },
            Target {
                claim: &claims[1],
                windows: windows[1],
            },
        ];
        let (_, tree, digests) = verifier.top(&targets, &parameters).unwrap();
        let mut other = file.clone();
        other.tree = tree;
        other.claims[0].statement = Digest32(claim.claim().statement());
        for (claim, digests) in other.claims.iter_mut().zip(digests) {
            for (window, digest) in claim.windows.iter_mut().zip(digests) {
                window.digest = digest;
            }
        }
        let refused = verifier.verify(&[&claim, &claims[1]], &other, &parameters);
        assert!(matches!(refused, Err(Refused::Final(_))), "{refused:?}");
    }
    let mut other = file.clone();
    other.claims[0].statement.0[0] ^= 1;
    assert_eq!(verify(&other), Err(Refused::OtherStatement));
}

/// Two claims of one model, over the same layers, that generate more tokens and fewer: heads of other rows are other programs.
#[test]
fn claims_of_one_model_have_their_own_keys() {
    let (powers, g2) = development_powers(FINAL_POWERS, DEVELOPMENT_SEED);
    let parameters = Parameters::new(&powers, g2, Digest32(DEVELOPMENT_ID), true).unwrap();
    drop(powers);
    let cases = [Case::new(), Case::of(1, 3)];
    assert_eq!(cases[0].manifest.id(), cases[1].manifest.id());
    let claims = [0, 1].map(|i| cases[i].manifest.claim(cases[i].claim.clone()).unwrap());
    let windows = &[(LAYERS as u32 - 1, 1)];
    let targets = [0, 1].map(|i| Target {
        claim: &claims[i],
        windows,
    });
    let verifier = FinalVerifier::new(&parameters).unwrap();
    let top = |targets: &[Target<'_>]| verifier.top(targets, &parameters).unwrap().0;
    let alone = [0, 1].map(|i| top(&targets[i..][..1]));
    assert_ne!(alone[0].key, alone[1].key);
    let leaves = alone.map(|top| (top.key, top.said));
    let (expected, _) = top_of(&Nodes::new().unwrap(), &parameters.basis, &leaves).unwrap();
    let both = top(&targets);
    assert_eq!((both.key, both.said), (expected.key, expected.said));
}

/// Of the registered programs, few large ones or small ones, whichever takes less time, nodes included.
#[test]
fn the_cheaper_windows_are_taken() {
    let case = case();
    let plain = case.manifest.manifest();
    let packing = case.manifest.packing();
    let programs = program_list(LAYERS as u32, POSITIONS, &[(0, LAYERS as u32)]);
    let programs = programs.into_iter().map(|[first, count, rows]| {
        let layers = window_layers((first, count));
        let columns = packing.weights().iter().zip(&plain.weights).zip(0..);
        let own = columns.filter(|((parts, _), _)| {
            let mut parts = parts.iter();
            parts.any(|layer| layers.contains(&layer.number(BLOCKS)))
        });
        let own: BTreeMap<u32, G1Affine> = own.map(|((_, p), number)| (number, p.0)).collect();
        RegisteredProgram {
            first,
            count,
            rows,
            key: Scalar(Fr::ONE),
            weights: Scalar(weights_digest(&Native, &own).unwrap()),
        }
    });
    let manifest = Manifest {
        programs: programs.collect(),
        ..plain.clone()
    };
    let manifest = CheckedManifest::new(manifest).unwrap();
    let claim = Claim {
        model_id: manifest.id(),
        ..case.claim.clone()
    };
    let claim = manifest.claim(claim).unwrap();
    let taken = |layers: &[usize], memory: Option<u64>| -> Sets {
        let windows = finish::program_windows(&claim, layers, memory).unwrap();
        windows.into_iter().map(|w| w.layers).collect()
    };
    // One proof of all layers and a node, where two would take three nodes: unless it does not fit.
    assert_eq!(taken(&[1, 4], None), [all()]);
    let whole = &finish::program_windows(&claim, &all(), None).unwrap()[0];
    let memory = whole.estimate.peak_bytes - 1;
    assert_eq!(taken(&[1, 4], Some(memory)), [vec![1], vec![4]]);
}

/// Programs follow from the setup and the manifest, each is one leaf of the tree, and a wrong key or digest is found.
#[test]
fn programs_are_recomputed() {
    let (powers, g2) = development_powers(FINAL_POWERS, DEVELOPMENT_SEED);
    let parameters = Parameters::new(&powers, g2, Digest32(DEVELOPMENT_ID), true).unwrap();
    drop(powers);
    let nodes = Nodes::new().unwrap();
    let plain = &case().manifest;
    let windows = widest_windows(plain, &nodes, &parameters).unwrap();
    assert_eq!(windows, [(0, LAYERS as u32)]);
    let manifest = add_programs(plain.clone(), &windows, &nodes, &parameters, |_, _| {}).unwrap();
    assert_ne!(manifest.id(), plain.id());
    let programs = &manifest.manifest().programs;
    // All layers and the head in 2, 4 and 8 rows, and five layers.
    assert_eq!(programs.len(), 3 + 3 + LAYERS - 1);
    manifest
        .check_programs(&nodes, &parameters, |_| {})
        .unwrap();
    let keys: HashSet<String> = programs.iter().map(|p| p.key.to_string()).collect();
    assert_eq!(keys.len(), programs.len());
    for (generated, rows) in [(1, 2), (2, 2), (3, 4), (5, 8)] {
        let (_, program) = manifest.registered((0, LAYERS as u32), generated).unwrap();
        assert_eq!(program.rows, rows);
    }
    assert!(manifest.registered((0, 2), 1).is_none());

    let tree = manifest.manifest().program_tree();
    for (number, program) in programs.iter().enumerate() {
        let path = tree.path(number);
        let root = path.iter().fold(program.leaf(), |node, beside| {
            let (least, greatest) = if node <= *beside {
                (node, *beside)
            } else {
                (*beside, node)
            };
            Keccak256::digest([least, greatest].concat()).into()
        });
        assert_eq!(root, tree.root(), "program {number}");
        // Those of all layers are near the root.
        assert!(path.len() <= if program.count == LAYERS as u32 { 3 } else { 4 });
    }

    let of = |change: fn(&mut RegisteredProgram)| {
        let mut program = programs[0];
        change(&mut program);
        program.leaf()
    };
    let leaves = [
        of(|_| {}),
        of(|program| program.first += 1),
        of(|program| program.count += 1),
        of(|program| program.key.0 += Fr::ONE),
        of(|program| program.weights.0 += Fr::ONE),
    ];
    assert_eq!(leaves.iter().collect::<HashSet<_>>().len(), leaves.len());
    let mut words = [[0; 32]; 5];
    words[0][..16].copy_from_slice(b"nanozk program 1");
    (words[1][31], words[2][31]) = (programs[0].first as u8, programs[0].count as u8);
    words[3] = scalar_to_bytes(&programs[0].key.0);
    words[4] = scalar_to_bytes(&programs[0].weights.0);
    assert_eq!(
        leaves[0],
        <[u8; 32]>::from(Keccak256::digest(words.concat()))
    );

    // A node over all layers of a large model would take too many commitments: each half of them has its own.
    let large = Shape {
        architecture: Gpt2 {
            layers: 12,
            width: 256,
            heads: 4,
            mlp_width: 1024,
            vocab: 1000,
            context: 16,
        }
        .architecture(),
        spec: synthetic::spec(256, Activation::GeluNew),
        positions: 16,
    };
    let (k, fractions) = (16, 4);
    let packing = check_shape(&large, k, fractions).unwrap();
    let large = CheckedManifest::new(Manifest {
        architecture: large.architecture,
        spec: large.spec,
        tokens: large.positions,
        k,
        fractions,
        weights: vec![Point(G1Affine::generator()); packing.weights().len()],
        ..plain.manifest().clone()
    })
    .unwrap();
    large.check_window((0, 26)).unwrap();
    let whole = large.program_of(&nodes, [0, 26, 8], &parameters);
    assert!(matches!(whole, Err(Refused::Node(_))), "{whole:?}");
    let windows = widest_windows(&large, &nodes, &parameters).unwrap();
    assert!(windows.len() > 1, "{windows:?}");
    assert_eq!(windows.iter().map(|w| w.1).sum::<u32>(), 26);
    let manifest = add_programs(large, &windows, &nodes, &parameters, |_, _| {}).unwrap();
    manifest
        .check_programs(&nodes, &parameters, |_| {})
        .unwrap();

    type Change = dyn Fn(&mut Vec<RegisteredProgram>);
    let changed = |change: &Change| {
        let mut other = manifest.manifest().clone();
        change(&mut other.programs);
        let id = other.model_id();
        (id, CheckedManifest::new(other))
    };
    let (id, other) = changed(&|programs| programs[1].key.0 += Fr::ONE);
    assert_ne!(id, manifest.id());
    let refused = other.unwrap().check_programs(&nodes, &parameters, |_| {});
    assert!(
        matches!(refused, Err(Refused::ProgramKey { number: 1, .. })),
        "{refused:?}"
    );
    let (id, other) = changed(&|programs| programs[4].weights.0 += Fr::ONE);
    assert_ne!(id, manifest.id());
    assert_eq!(other.unwrap_err(), Refused::ProgramWeights { number: 4 });
    let changes: [&Change; 5] = [
        &|programs| programs.swap(0, 1),
        &|programs| {
            programs.pop();
        },
        &|programs| programs.push(programs[0]),
        &|programs| programs[0].count = u32::MAX,
        &|programs| programs[0].rows = 16,
    ];
    for change in changes {
        // Not all of these change the id: the order of two leaves, and rows, are not in the tree.
        let (_, other) = changed(change);
        assert!(matches!(other, Err(Refused::Programs)), "{other:?}");
    }
}
