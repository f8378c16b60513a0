//! What needs no feature: a real final proof of a session of the tiny GPT-2 is accepted, and what is not what was expected is
//! refused.

use halo2curves::serde::SerdeObject;
use nanozk::prover::files::FileError;
use nanozk::setup::development_powers;
use nanozk::verifier::Error as Refused;
use nanozk::verify::{self, Expected};
use nanozk::{
    CheckedFinalKey, CheckedManifest, Digest32, Error, Manifest, Setups, Unaccepted, setups,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Layers of the tiny GPT-2.
const LAYERS: usize = 10;

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/fixtures");
    fixtures.join(name)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The key of final proofs under the development setup.
fn key() -> CheckedFinalKey {
    let file = fixture("session/final-key.json");
    CheckedFinalKey::new(serde_json::from_value(json(&file)).unwrap()).unwrap()
}

/// A copy of the session, and what is expected of it.
fn session() -> (tempfile::TempDir, Expected) {
    let dir = tempfile::tempdir().unwrap();
    for name in ["manifest.json", "claim.json", "final.json"] {
        std::fs::copy(fixture("posted").join(name), dir.path().join(name)).unwrap();
    }
    let id = json(&fixture("posted/claim.json"))["model_id"].clone();
    let id: Digest32 = serde_json::from_value(id).unwrap();
    (dir, Expected::model(id).under_development_setup())
}

#[test]
fn a_real_final_proof_is_accepted() {
    let (dir, expected) = session();
    let accepted = verify::by_final_key(dir.path(), &expected, &key()).unwrap();
    assert_eq!(accepted.layers, LAYERS);
    assert_eq!(accepted.proved, (0..LAYERS).collect());
    assert_eq!(accepted.claim.context.chain, 31_337);
    // Of what is proved any part may be asked for, and no more than there is.
    let some = expected.clone().layers([0, 9]);
    assert!(verify::by_final_key(dir.path(), &some, &key()).is_ok());
    let other = expected.layers([9, 10]);
    match verify::by_final_key(dir.path(), &other, &key()) {
        Err(Error::Unproved { missing, all }) => assert_eq!((missing, all), (vec![10], LAYERS)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_expectations_are_refused() {
    let (dir, expected) = session();
    // The development setup, unless it is accepted.
    let strict = Expected::model(expected.model_id);
    let refused = verify::by_final_key(dir.path(), &strict, &key());
    assert!(matches!(refused, Err(Error::Development)), "{refused:?}");
    // Another model.
    let other = Expected::model(Digest32([1; 32])).under_development_setup();
    match verify::by_final_key(dir.path(), &other, &key()) {
        Err(Error::Unaccepted(e)) => {
            assert!(e.is_rejection(), "{e}");
            assert!(
                matches!(e, Unaccepted::Refused(Refused::WrongModel { .. })),
                "{e}"
            );
        }
        other => panic!("{other:?}"),
    }
    // A session without joint proofs proves nothing by them.
    let setups = Setups::new(dir.path().join("setups"));
    let refused = verify::joint(dir.path(), &expected, &setups);
    assert!(
        matches!(refused, Err(Error::Unproved { .. })),
        "{refused:?}"
    );
}

#[test]
fn what_was_changed_is_refused() {
    let (dir, expected) = session();
    let refused = |name: &str, change: &dyn Fn(&mut Value)| -> Error {
        let path = dir.path().join(name);
        let whole = json(&path);
        let mut changed = whole.clone();
        change(&mut changed);
        assert_ne!(changed, whole);
        std::fs::write(&path, changed.to_string()).unwrap();
        let refused = verify::by_final_key(dir.path(), &expected, &key()).expect_err(name);
        std::fs::write(&path, whole.to_string()).unwrap();
        refused
    };
    // The proof, the claim, the manifest; the claim of another session of the same model.
    let e = refused("final.json", &|file| {
        let proof = file["proof"].as_str().unwrap();
        let last = if proof.ends_with('0') { "1" } else { "0" };
        file["proof"] = json!(format!("{}{last}", &proof[..proof.len() - 1]));
    });
    assert!(matches!(e, Error::Refused(Refused::Final(_))), "{e}");
    let e = refused("claim.json", &|claim| claim["prompt_tokens"] = json!(5));
    assert!(matches!(e, Error::Refused(Refused::OtherStatement)), "{e}");
    let other = json(&fixture("posted/other-claim.json"));
    let e = refused("claim.json", &|claim| *claim = other.clone());
    assert!(matches!(e, Error::Refused(Refused::OtherStatement)), "{e}");
    let e = refused("manifest.json", &|manifest| manifest["tokens"] = json!(8));
    assert!(
        matches!(e, Error::Unaccepted(Unaccepted::Refused(_))),
        "{e}"
    );
    // What is of another version, or no JSON, and what is not there.
    let e = refused("claim.json", &|claim| {
        claim["format"] = json!("nanozk-claim-0")
    });
    assert!(
        matches!(&e, Error::Unaccepted(e @ Unaccepted::OtherVersion { .. }) if !e.is_rejection())
    );
    let e = refused("final.json", &|file| *file = json!([]));
    assert!(
        matches!(&e, Error::Unaccepted(e) if e.is_rejection()),
        "{e}"
    );
    std::fs::remove_file(dir.path().join("final.json")).unwrap();
    match verify::by_final_key(dir.path(), &expected, &key()) {
        Err(Error::Unaccepted(e)) => {
            assert!(!e.is_rejection(), "{e}");
            assert!(matches!(e, Unaccepted::File(FileError::Io { .. })), "{e}");
        }
        other => panic!("{other:?}"),
    }
    let nowhere = verify::by_final_key(&dir.path().join("none"), &expected, &key());
    let is_no_session = matches!(&nowhere, Err(Error::Unaccepted(e)) if !e.is_rejection());
    assert!(is_no_session, "{nowhere:?}");
}

#[test]
fn a_key_is_taken_by_its_digest() {
    let path = fixture("session/final-key.json");
    let digest = key().digest();
    assert_eq!(verify::final_key(&path, &digest).unwrap().digest(), digest);
    let other = Digest32([2; 32]);
    match verify::final_key(&path, &other) {
        Err(Error::OtherKey { expected, got }) => assert_eq!((expected, got), (other, digest)),
        other => panic!("{other:?}"),
    }
    let no_key = verify::final_key(&fixture("posted/final.json"), &digest);
    assert!(matches!(
        no_key,
        Err(Error::Unaccepted(Unaccepted::OtherVersion { .. }))
    ));
}

/// A file of halo2 with `2^6` powers of a secret, as good as a ceremony's for a test. Nothing reads its Lagrange basis.
fn ceremony(seed: u8) -> Vec<u8> {
    let (powers, g2) = development_powers(1 << 6, [seed; 32]);
    let mut file = 6_u32.to_le_bytes().to_vec();
    for point in &powers {
        point.write_raw(&mut file).unwrap();
    }
    file.resize(file.len() + 64 * powers.len(), 0);
    for point in &g2 {
        point.write_raw(&mut file).unwrap();
    }
    file
}

#[test]
fn a_model_takes_the_setup_that_it_was_registered_under() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file.srs");
    let imported = |seed: u8| {
        let setups = Setups::new(dir.path().join(seed.to_string()));
        std::fs::write(&file, ceremony(seed)).unwrap();
        let (setup, _) = setups.store().import(&file, "ours", 5, None).unwrap();
        (setups, Digest32(setup.id()))
    };
    let ((own, id), (other, other_id)) = (imported(5), imported(6));
    let mut manifest = json(&fixture("posted/manifest.json"));
    manifest["setup"] = json!(id);
    manifest["development_setup"] = json!(false);
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    let manifest = CheckedManifest::new(manifest).unwrap();

    for k in [4, 5] {
        let setup = own.checked(&manifest, k).unwrap();
        assert_eq!((Digest32(setup.id()), setup.k()), (id, 5));
    }
    let lacks = own.of(&manifest, 6);
    assert!(
        matches!(lacks, Err(setups::Error::Ceremony { k: 6, .. })),
        "{lacks:?}"
    );
    let lacks = own.checked_parameters(&manifest).err();
    assert!(
        matches!(lacks, Some(setups::Error::Ceremony { k: 19, .. })),
        "{lacks:?}"
    );
    match other.of(&manifest, 4) {
        Err(setups::Error::OtherSetup { expected, got, .. }) => {
            assert_eq!((expected, got), (id, other_id));
        }
        other => panic!("{other:?}"),
    }
    // The development setup is no ceremony's, wherever it is.
    own.development(5).unwrap();
    assert_eq!(own.of(&manifest, 5).unwrap().id(), id.0);
}
