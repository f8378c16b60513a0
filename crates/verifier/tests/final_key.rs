//! Final proofs are judged without a setup, by the key of final proofs. `test/fixtures/session` has real ones, which
//! `script/fixtures` makes.

use halo2curves::ff::Field;
use nanozk_setup::DEVELOPMENT_ID;
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::{
    CheckedClaim, CheckedFinalKey, CheckedManifest, Claim, DEVELOPMENT_SETUP, Error, FinalFile,
    FinalKey, Manifest,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const RENEW: &str =
    "if the program of nodes or the final circuit was changed on purpose, run script/fixtures";

#[derive(Clone, Deserialize)]
struct Session {
    model_id: Digest32,
    manifest: Manifest,
    claim: Claim,
}

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(ROOT).join(format!("test/fixtures/session/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn sessions() -> Vec<Session> {
    fixture("sessions")
}

/// Judges a file about sessions whose manifests have the ids that they have, by a key.
fn judge(sessions: &[Session], file: &FinalFile, key: &FinalKey) -> Result<Vec<Vec<usize>>, Error> {
    let key = CheckedFinalKey::new(key.clone())?;
    let manifests = sessions
        .iter()
        .map(|s| CheckedManifest::new(s.manifest.clone()));
    let manifests: Vec<CheckedManifest> = manifests.collect::<Result<_, _>>()?;
    let claims = sessions.iter().zip(&manifests);
    let claims = claims.map(|(s, manifest)| manifest.claim(s.claim.clone()));
    let claims: Vec<CheckedClaim<'_>> = claims.collect::<Result<_, _>>()?;
    key.verify(&claims.iter().collect::<Vec<_>>(), file)
}

#[test]
fn the_proof_is_accepted() {
    let (sessions, file, key) = (sessions(), fixture("final"), fixture("final-key"));
    for session in &sessions {
        let manifest = CheckedManifest::new(session.manifest.clone()).unwrap();
        assert_eq!(manifest.id(), session.model_id);
    }
    let proved = judge(&sessions, &file, &key).expect(RENEW);
    assert_eq!(proved, [vec![0, 1, 2, 3, 4, 5], vec![1]]);
}

/// The key is the one that contracts have.
#[test]
fn contracts_have_this_key() {
    let key: FinalKey = fixture("final-key");
    let source = |name: &str| std::fs::read_to_string(Path::new(ROOT).join("contracts").join(name));
    let (constants, folds) = (
        source("FinalConstants.sol").unwrap(),
        source("libraries/FoldKeys.sol").unwrap(),
    );
    for (count, fold) in (1..).zip(&key.folds) {
        assert!(
            folds.contains(&format!("OVER_{count} = {fold};")),
            "{RENEW}"
        );
    }
    assert!(folds.contains(&format!("SETUP = {};", key.setup)));
    let words = nanozk_verifier::encoding::point_to_words(&key.fixed.0);
    for (name, word) in ["KEY_X", "KEY_Y"].into_iter().zip(words) {
        let word = Digest32(word);
        assert!(constants.contains(&format!("{name} = {word};")), "{RENEW}");
    }
    assert_eq!(key.setup, DEVELOPMENT_SETUP);
    assert_eq!(DEVELOPMENT_SETUP.0, DEVELOPMENT_ID);
    // What documentation and users compare.
    let digest = CheckedFinalKey::new(key).unwrap().digest().to_string();
    let docs = std::fs::read_to_string(Path::new(ROOT).join("docs/final-proof.md")).unwrap();
    assert!(docs.contains(&digest), "docs/final-proof.md lacks {digest}");
}

/// Each number of a key matters.
#[test]
fn other_keys_are_refused() {
    let (sessions, file, key): (_, FinalFile, FinalKey) =
        (sessions(), fixture("final"), fixture("final-key"));
    let refused = |change: &dyn Fn(&mut FinalKey)| {
        let mut other = key.clone();
        change(&mut other);
        judge(&sessions, &file, &other).unwrap_err()
    };
    assert!(matches!(
        refused(&|key| key.format.push('x')),
        Error::Format { .. }
    ));
    assert!(matches!(
        refused(&|key| key.setup.0[0] ^= 1),
        Error::WrongSetup { .. }
    ));
    assert!(matches!(
        refused(&|key| key.tau_g2.0.push(0)),
        Error::Malformed(_)
    ));
    assert!(matches!(
        refused(&|key| key.tau_g2.0[31] ^= 1),
        Error::Malformed(_)
    ));
    assert!(matches!(
        refused(&|key| key.tau_g2.0.fill(0)),
        Error::Malformed(_)
    ));
    let point = sessions[0].manifest.weights[0];
    assert!(matches!(refused(&|key| key.fixed = point), Error::Final(_)));
    // A node over three nodes is there, and none over one.
    assert_eq!(file.tree.shape.0, [0, 0, 2]);
    let next = |key: &mut FinalKey, i: usize| key.folds[i].0 += halo2curves::bn256::Fr::ONE;
    assert!(matches!(refused(&|key| next(key, 1)), Error::Final(_)));
    // The generator is no multiple by a secret that anybody has proofs for.
    let generator = "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2\
                     1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed\
                     090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b\
                     12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";
    let generator: Vec<u8> = (0..128)
        .map(|i| u8::from_str_radix(&generator[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    let with_generator = |key: &mut FinalKey| key.tau_g2.0.clone_from(&generator);
    assert!(matches!(refused(&with_generator), Error::Final(_)));
}

/// A proof is about these claims of models that were registered so.
#[test]
fn other_sessions_are_refused() {
    let (sessions, file, key): (_, FinalFile, FinalKey) =
        (sessions(), fixture("final"), fixture("final-key"));
    let refused = |change: &dyn Fn(&mut Vec<Session>, &mut FinalFile)| {
        let (mut sessions, mut file) = (sessions.clone(), file.clone());
        change(&mut sessions, &mut file);
        // A claim of another model would be refused for that.
        for session in &mut sessions {
            if let Ok(manifest) = CheckedManifest::new(session.manifest.clone()) {
                session.claim.model_id = manifest.id();
            }
        }
        for (said, session) in file.claims.iter_mut().zip(&sessions) {
            said.statement = Digest32(session.claim.statement());
        }
        judge(&sessions, &file, &key).unwrap_err()
    };
    let one = halo2curves::bn256::Fr::ONE;
    // Of one session after the other, for the order is said.
    assert!(matches!(refused(&|s, _| s.swap(0, 1)), Error::Malformed(_)));
    assert!(matches!(
        refused(&|s, _| {
            s.pop();
        }),
        Error::OtherStatement
    ));
    // What is claimed.
    assert!(matches!(
        refused(&|s, _| s[0].claim.generated_tokens -= 1),
        Error::Malformed(_)
    ));
    assert!(matches!(
        refused(&|s, _| s[1].claim.input_digest.0 += one),
        Error::Malformed(_)
    ));
    assert!(matches!(
        refused(&|s, _| s[1].claim.context.recipient.0[0] ^= 1),
        Error::Malformed(_)
    ));
    let other = sessions[1].claim.activations[0];
    assert!(matches!(
        refused(&|s, _| s[0].claim.activations[0] = other),
        Error::Malformed(_)
    ));
    // What was registered: another key of the program, other weights than the program's, another setup's word.
    let with_key = |s: &mut Vec<Session>, _: &mut FinalFile| {
        s[0].manifest.programs[0].key = Scalar(s[0].manifest.programs[0].key.0 + one);
        s[0].manifest.programs[1].key = Scalar(s[0].manifest.programs[1].key.0 + one);
        s[0].manifest.programs[2].key = Scalar(s[0].manifest.programs[2].key.0 + one);
    };
    let error = refused(&with_key);
    assert!(
        matches!(error, Error::Malformed(_) | Error::Final(_)),
        "{error}"
    );
    let with_weights = |s: &mut Vec<Session>, _: &mut FinalFile| {
        for program in &mut s[0].manifest.programs {
            program.weights.0 += one;
        }
    };
    assert!(matches!(
        refused(&with_weights),
        Error::ProgramWeights { .. }
    ));
    let of_no_development = |s: &mut Vec<Session>, _: &mut FinalFile| {
        for session in s {
            session.manifest.development_setup = false;
        }
    };
    assert!(matches!(
        refused(&of_no_development),
        Error::DevelopmentSetup { said: false }
    ));
    // Windows for which the model has no program, and layers that it has not.
    let window = |first: u32, count: u32| {
        move |_: &mut Vec<Session>, f: &mut FinalFile| {
            (f.claims[1].windows[0].first, f.claims[1].windows[0].count) = (first, count);
        }
    };
    assert!(matches!(
        refused(&window(1, 2)),
        Error::NoProgram { layer: 1 }
    ));
    assert!(matches!(refused(&window(5, 2)), Error::Malformed(_)));
    assert!(matches!(refused(&window(2, 1)), Error::Malformed(_)));
    // What a contract is given beside the proof.
    assert!(matches!(
        refused(&|_, f| f.tree.digests[0].0 += one),
        Error::Malformed(_)
    ));
    assert!(matches!(
        refused(&|_, f| f.tree.shape.0[2] = 1),
        Error::Malformed(_)
    ));
    assert!(matches!(
        refused(&|_, f| f.claims[0].windows[0].digest.0 += one),
        Error::Malformed(_)
    ));
    // The proof.
    for byte in [0, 500, 1_100] {
        let error = refused(&|_, f| f.proof.0[byte] ^= 1);
        assert!(matches!(error, Error::Final(_)), "{error}");
    }
}
