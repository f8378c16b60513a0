//! The tiny GPT-2 imported, run, proved and verified by the examples; and what is refused on the way.

use nanozk::setup::{DEVELOPMENT_SEED, Setup};
use nanozk::verifier::Error as Refused;
use nanozk::verify::{self, Expected};
use nanozk::{
    Digest32, Error, Import, Model, Objective, Options, Parameters, Setups, Task, Unaccepted,
    setup_size,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

// Their `main` is not called here.
#[allow(dead_code)]
#[path = "../../../examples/prove_layer.rs"]
mod prove_layer;
#[allow(dead_code)]
#[path = "../../../examples/verify_session.rs"]
mod verify_session;

use prove_layer::prove_layer;
use verify_session::verify_session;

/// A layer that the example proves: an attention.
const LAYER: usize = 3;
const POSITIONS: usize = 16;

fn models(name: &str) -> PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/models");
    models.join(name)
}

/// What all tests share: what the example `prove_layer` made.
struct Work {
    dir: PathBuf,
    setups: Setups,
    model: Model,
}

impl Work {
    fn session(&self) -> PathBuf {
        self.dir.join("session")
    }

    fn parameters(&self) -> Parameters {
        self.setups.parameters(self.model.manifest()).unwrap()
    }

    fn expected(&self) -> Expected {
        Expected::model(self.model.id()).under_development_setup()
    }
}

fn work() -> &'static Work {
    static WORK: OnceLock<Work> = OnceLock::new();
    WORK.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nanozk");
        // The setup is that of all runs.
        let _ = ["model", "session"].map(|name| std::fs::remove_dir_all(dir.join(name)));
        let (checkpoint, text) = (models("tiny-gpt2"), models("texts/calibration.txt"));
        prove_layer(&checkpoint, &text, &dir, LAYER).unwrap();
        Work {
            setups: Setups::new(dir.join("setups")),
            model: Model::load(dir.join("model")).unwrap(),
            dir,
        }
    })
}

#[test]
fn the_examples_prove_and_verify_a_layer() {
    let w = work();
    let accepted = verify_session(&w.session(), &w.expected().layers([LAYER]), &w.setups).unwrap();
    assert_eq!(accepted.layers, w.model.layers().len());
    assert!(accepted.proved.contains(&LAYER));
    // Who expects all layers gets no proof of the others.
    let dir = tempfile::tempdir().unwrap();
    for name in ["manifest.json", "claim.json"] {
        std::fs::copy(w.session().join(name), dir.path().join(name)).unwrap();
    }
    let proofs = dir.path().join("proofs");
    std::fs::create_dir(&proofs).unwrap();
    let name = format!("{LAYER}.proof");
    let mut proof = std::fs::read(w.session().join("proofs").join(&name)).unwrap();
    std::fs::write(proofs.join(&name), &proof).unwrap();
    match verify_session(dir.path(), &w.expected(), &w.setups) {
        Err(Error::Unproved { missing, all }) => {
            let others = w.model.layers().into_iter().filter(|l| *l != LAYER);
            assert_eq!(missing, others.collect::<Vec<_>>());
            assert_eq!(all, w.model.layers().len());
        }
        other => panic!("{other:?}"),
    }
    // A changed proof is named, and refused.
    *proof.last_mut().unwrap() ^= 1;
    std::fs::write(proofs.join(&name), &proof).unwrap();
    match verify_session(dir.path(), &w.expected().layers([LAYER]), &w.setups) {
        Err(Error::Unaccepted(e)) => {
            assert!(e.is_rejection(), "{e}");
            assert!(e.to_string().starts_with("proofs/3.proof: "), "{e}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_proved_and_gone_on_with() {
    let w = work();
    let dir = tempfile::tempdir().unwrap();
    let prompt = w.model.tokens("A trait is").unwrap();
    let task = Task::new(prompt.clone(), 2);
    let session = w.model.run(&task, dir.path(), &w.parameters()).unwrap();
    let generated = session.generated().unwrap();
    assert!((1..=2).contains(&generated.len()));
    assert!(session.text().unwrap().starts_with("A trait is"));
    session.prove(&[0, 9], &w.parameters()).unwrap();

    let session = w.model.session(dir.path()).unwrap();
    session.prove(&w.model.layers(), &w.parameters()).unwrap();
    let accepted = verify::joint(dir.path(), &w.expected(), &w.setups).unwrap();
    assert_eq!(accepted.proved, (0..accepted.layers).collect());
    assert_eq!(accepted.claim.prompt_tokens as usize, prompt.len());
    let unknown = session.prove(&[10], &w.parameters());
    assert!(matches!(unknown, Err(Error::Prover(_))), "{unknown:?}");

    // Another session's secret does not open its claim.
    std::fs::copy(
        w.session().join("secret.json"),
        dir.path().join("secret.json"),
    )
    .unwrap();
    assert!(w.model.session(dir.path()).is_err());
}

#[test]
fn what_cannot_be_run_is_refused() {
    let w = work();
    let dir = tempfile::tempdir().unwrap();
    let run = |task: &Task, parameters: &Parameters| {
        let error = w
            .model
            .run(task, dir.path(), parameters)
            .expect_err("refused");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        error.to_string()
    };
    let parameters = w.parameters();
    assert!(run(&Task::new([], 1), &parameters).contains("at least one prompt token"));
    assert!(run(&Task::new([1], 0), &parameters).contains("at least one prompt token"));
    let long = run(&Task::new([1; POSITIONS], 1), &parameters);
    assert!(
        long.contains("17 tokens") && long.contains("16 positions"),
        "{long}"
    );
    assert!(run(&Task::new([1], usize::MAX), &parameters).contains("16 positions"));
    assert!(run(&Task::new([1 << 20], 1), &parameters).contains("1048576"));
    // Parameters of another setup.
    let other = Setup::development(10, [1; 32]).unwrap();
    let other = Parameters::new(other.powers(), other.g2(), Digest32(other.id()), false).unwrap();
    assert!(run(&Task::new([1], 1), &other).contains("registered under setup"));
    // A directory that has something.
    let task = Task::new([1], 1);
    let occupied = w.model.run(&task, w.session(), &parameters);
    assert!(
        matches!(occupied, Err(Error::Occupied { .. })),
        "{occupied:?}"
    );
}

#[test]
fn what_cannot_be_imported_is_refused() {
    let w = work();
    let missing = Import::open(models("texts"), 8);
    assert!(matches!(missing, Err(Error::Model(_))), "{missing:?}");
    for tokens in [129, usize::MAX] {
        let long = Import::open(models("tiny-gpt2"), tokens);
        assert!(
            matches!(long, Err(Error::Positions { context: 128, .. })),
            "{long:?}"
        );
    }
    let open = || Import::open(models("tiny-gpt2"), 9).unwrap();
    assert_eq!(open().positions(), POSITIONS);
    let plan = |objective: &Objective| open().plan(objective).map(|plan| setup_size(&plan));
    assert!(plan(&Objective::default()).unwrap() >= 21);
    let narrow = Objective {
        max_k: 12,
        ..Objective::default()
    };
    assert!(matches!(plan(&narrow), Err(Error::Prover(_))));

    let quantize = |into: &Path, text: &str| {
        let options = Options {
            windows: 1,
            ..Options::default()
        };
        open().quantize(into, text, &options, &mut |_, _, _| {})
    };
    let occupied = quantize(&w.dir.join("model"), "any text");
    assert!(
        matches!(occupied, Err(Error::Occupied { .. })),
        "{occupied:?}"
    );
    let dir = tempfile::tempdir().unwrap();
    let short = quantize(dir.path(), "x");
    assert!(matches!(short, Err(Error::Model(_))), "{short:?}");

    // Without commitments there is a model, but none that can be run; and a setup that is too small gives none.
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(models("texts/calibration.txt")).unwrap();
    let quantized = quantize(dir.path(), &text).unwrap();
    let unregistered = Model::load(dir.path());
    assert!(
        matches!(unregistered, Err(Error::WithoutCommitments { .. })),
        "{unregistered:?}"
    );
    let plan = quantized.plan(&Objective::default()).unwrap();
    let small = Setup::development(4, DEVELOPMENT_SEED).unwrap();
    let small = quantized.register(&plan, &small, &mut |_, _, _| {});
    assert!(
        matches!(
            small,
            Err(Error::Refused(Refused::SmallSetup { got: 16, .. }))
        ),
        "{small:?}"
    );
    assert!(!dir.path().join("manifest.json").exists());
}

#[test]
fn a_changed_model_directory_is_refused() {
    let w = work();
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(w.dir.join("model")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let refused = |name: &str, content: &[u8]| -> Error {
        let path = dir.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, content).unwrap();
        let error = Model::load(dir.path()).expect_err(name);
        std::fs::write(&path, whole).unwrap();
        error
    };
    let e = refused("manifest.json", b"{}");
    assert!(matches!(e, Error::Manifest { .. }), "{e}");
    let e = refused("tokenizer.json", b"{}");
    assert!(matches!(e, Error::OtherTokenizer { .. }), "{e}");
    let e = refused("model.safetensors", b"none");
    assert!(matches!(e, Error::Model(_)), "{e}");
    let e = refused("secret.json", b"none");
    assert!(matches!(e, Error::Secret(_)), "{e}");
    let zeros = "0".repeat(64);
    let other = format!(r#"{{"format": "other", "weight_seed": "0x{zeros}"}}"#);
    let e = refused("secret.json", other.as_bytes());
    assert!(matches!(e, Error::Format { .. }), "{e}");
    let loaded = Model::load(dir.path()).unwrap();

    // With another seed the registered commitments do not open: nothing is proved.
    let secret = other.replace("other", nanozk::model_dir::SECRET_FORMAT);
    std::fs::write(dir.path().join("secret.json"), secret).unwrap();
    let forged = Model::load(dir.path()).unwrap();
    assert_eq!(forged.id(), loaded.id());
    let session = tempfile::tempdir().unwrap();
    let task = Task::new([1], 1);
    let session = forged.run(&task, session.path(), &w.parameters()).unwrap();
    let error = session
        .prove(&[1], &w.parameters())
        .expect_err("another seed");
    assert!(error.to_string().contains("seed and weights"), "{error}");
}

/// A setup's file that is not what it says is no reason to believe a proof.
#[test]
fn a_verifier_lacks_a_setup() {
    let w = work();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let nowhere = verify::joint(
        &w.session(),
        &w.expected().layers([LAYER]),
        &Setups::new(&file),
    );
    match nowhere {
        Err(Error::Unaccepted(e @ Unaccepted::Setup(_))) => assert!(!e.is_rejection(), "{e}"),
        other => panic!("{other:?}"),
    }
}

/// Takes most of a minute on two cores: `cargo test -p nanozk --all-features -- --ignored`.
#[test]
#[ignore = "a final proof takes most of a minute"]
fn a_session_has_a_final_proof() {
    let w = work();
    let k = w.model.manifest().manifest().k;
    let parameters = w.setups.final_parameters(w.model.manifest(), k).unwrap();
    let finisher = nanozk::Finisher::new(&parameters).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let task = Task::new(w.model.tokens("Ownership is").unwrap(), 3);
    let session = w.model.run(&task, dir.path(), &parameters).unwrap();
    let file = session
        .finish(&w.model.layers(), &finisher, &parameters)
        .unwrap();
    assert_eq!(file.proof.0.len(), 1_152);

    let accepted = verify_session(dir.path(), &w.expected(), &w.setups).unwrap();
    assert_eq!(accepted.proved, (0..accepted.layers).collect());
    let key = nanozk::CheckedFinalKey::compute(&parameters).unwrap();
    verify::by_final_key(dir.path(), &w.expected(), &key).unwrap();
    // The joint proofs below it are there as well.
    verify::joint(dir.path(), &w.expected(), &w.setups).unwrap();
}

/// What is ordered on a chain, without the chain: signed by a requester, answered by a session that says so, opened by the
/// requester.
#[cfg(feature = "chain")]
mod requests {
    use super::*;
    use nanozk::chain::PrivateKeySigner;
    use nanozk::chain::claim::padded;
    use nanozk::chain::job::check_session;
    use nanozk::chain::primitives::{Address, B256, U256};
    use nanozk::chain::request::{JobRequest, RequestFile};
    use nanozk::chain::signing::Domains;
    use nanozk::verifier::encoding::{scalar_from_bytes, scalar_to_bytes};
    use nanozk::verifier::hex::Scalar;

    const PROVIDER: Address = Address::repeat_byte(7);

    fn key() -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::repeat_byte(5)).unwrap()
    }

    fn sign(
        prompt: Vec<u32>,
        change: impl FnOnce(&mut JobRequest),
    ) -> Result<RequestFile, nanozk::chain::Error> {
        let domains = Domains {
            chain_id: 31_337,
            market: Address::repeat_byte(1),
            book: Address::repeat_byte(2),
        };
        let mut order = JobRequest {
            provider: PROVIDER,
            version: B256::repeat_byte(3),
            new_tokens: 3,
            price: U256::from(1),
            ..JobRequest::default()
        };
        change(&mut order);
        let salt = Scalar(scalar_from_bytes(&[6; 32]).unwrap());
        RequestFile::sign(
            &domains,
            work().model.manifest(),
            order,
            (prompt, salt),
            &key(),
        )
    }

    #[test]
    fn an_order_is_answered() {
        let w = work();
        let prompt = w.model.tokens("A trait is").unwrap();
        let request = sign(prompt.clone(), |_| ()).unwrap();
        assert_eq!(request.request.requester, key().address());
        let task = w.model.task(&request, None).unwrap();
        assert_eq!((task.prompt.clone(), task.new_tokens), (prompt, 3));
        assert_eq!(task.context.recipient, padded(PROVIDER));

        let dir = tempfile::tempdir().unwrap();
        let session = w.model.run(&task, dir.path(), &w.parameters()).unwrap();
        let claim = session.claim().unwrap().claim().clone();
        check_session(&request, &claim).unwrap();
        let output = session.output().unwrap();
        output.check_session(&claim, &request, POSITIONS).unwrap();
        let claimed = B256::from(scalar_to_bytes(&claim.output_digest.0));
        output.open(&request, POSITIONS as u32, claimed).unwrap();
        assert_eq!(output.tokens.len(), 3);
        // Somebody else may be paid.
        let task = w
            .model
            .task(&request, Some(Address::repeat_byte(8)))
            .unwrap();
        assert_eq!(task.context.recipient, padded(Address::repeat_byte(8)));
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        let w = work();
        let prompt = w.model.tokens("A trait is").unwrap();
        let request = || sign(prompt.clone(), |_| ()).unwrap();
        // Nothing that no session answers is signed.
        assert!(sign(Vec::new(), |_| ()).is_err());
        assert!(sign(vec![1; POSITIONS], |_| ()).is_err());
        assert!(sign(prompt.clone(), |order| order.new_tokens = 0).is_err());
        assert!(sign(prompt.clone(), |order| order.price = U256::MAX).is_err());
        assert!(sign(prompt.clone(), |order| order.decoding.0[31] = 1).is_err());

        let mut other = request();
        other.model_id = Digest32([1; 32]);
        let refused = w.model.task(&other, None);
        assert!(
            matches!(refused, Err(Error::OtherRequest { .. })),
            "{refused:?}"
        );
        let mut other = request();
        other.prompt[0] ^= 1;
        let refused = w.model.task(&other, None);
        assert!(matches!(refused, Err(Error::Chain(_))), "{refused:?}");
        let mut other = request();
        other.request.new_tokens += 1;
        let refused = w.model.task(&other, None);
        assert!(matches!(refused, Err(Error::Chain(_))), "{refused:?}");
        let anybody = sign(prompt, |order| order.provider = Address::ZERO).unwrap();
        let refused = w.model.task(&anybody, None);
        assert!(matches!(refused, Err(Error::NoRecipient)), "{refused:?}");
    }
}
