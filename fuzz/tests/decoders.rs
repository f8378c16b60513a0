//! One target for each decoder of untrusted bytes.

use halo2curves::serde::SerdeObject;
use nanozk_fuzz::*;
use nanozk_verifier::{CheckedManifest, Claim, FinalFile, Manifest, ProofFile};
use std::io::Cursor;
use std::path::Path;

/// Runs a target on mutations of a valid encoding.
fn target(valid: Vec<u8>, decode: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    bolero::check!()
        .with_type::<Vec<(u8, u16, u8)>>()
        .with_iterations(1000)
        .for_each(|changes| {
            let mutations: Vec<Mutation> =
                changes.iter().take(8).map(|m| Mutation::from(*m)).collect();
            decode(&mutate(valid.clone(), &mutations));
        });
}

#[test]
fn joint_proofs() {
    target(joint_proof().to_bytes(), |bytes| {
        if let Ok(p) = nanozk_argument::Proof::from_bytes(bytes) {
            assert_eq!(p.to_bytes(), bytes, "an encoding is unique");
        }
    });
}

#[test]
fn joint_files() {
    let manifest = CheckedManifest::new(manifest()).expect("valid");
    let claim = manifest.claim(claim()).expect("valid");
    let valid = joint_file(&manifest).to_bytes();
    let file = ProofFile::from_bytes(&valid).expect("valid");
    assert!(claim.open(&file).is_ok());
    target(valid, |bytes| {
        if let Ok(file) = ProofFile::from_bytes(bytes) {
            assert_eq!(file.to_bytes(), bytes, "an encoding is unique");
            if let Ok(opened) = claim.open(&file) {
                assert_eq!(opened.layers().len(), file.layers.len());
            }
        }
    });
}

#[test]
fn manifests_and_claims() {
    let claim = serde_json::to_vec(&claim()).expect("serializes");
    let own = CheckedManifest::new(manifest()).expect("valid");
    target(claim.clone(), |bytes| {
        if let Ok(claim) = serde_json::from_slice::<Claim>(bytes) {
            let _ = claim.claim_digest();
            let _ = own.claim(claim);
        }
    });
    target(
        serde_json::to_vec(&manifest()).expect("serializes"),
        |bytes| {
            if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
                let id = manifest.model_id();
                let Ok(checked) = CheckedManifest::new(manifest) else {
                    return;
                };
                let Ok(mut claim) = serde_json::from_slice::<Claim>(&claim) else {
                    return;
                };
                claim.model_id = id;
                if let Ok(claim) = checked.claim(claim) {
                    let all: Vec<usize> = (0..checked.layers()).collect();
                    let _ = claim.goal(&all);
                }
            }
        },
    );
}

/// Programs in disorder are refused, whatever they are.
#[test]
fn programs() {
    let valid = serde_json::to_vec(&registered()).expect("serializes");
    target(valid, |bytes| {
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
            let tree = manifest.program_tree();
            for number in 0..manifest.programs.len().min(8) {
                tree.path(number);
            }
            manifest.model_id();
            let _ = CheckedManifest::new(manifest);
        }
    });
}

#[test]
fn final_files() {
    let manifest = CheckedManifest::new(manifest()).expect("valid");
    let claim = manifest.claim(claim()).expect("valid");
    target(
        serde_json::to_vec(&final_file()).expect("serializes"),
        |bytes| {
            if let Ok(file) = serde_json::from_slice::<FinalFile>(bytes) {
                for said in &file.claims {
                    let windows: Vec<(u32, u32)> =
                        said.windows.iter().map(|w| (w.first, w.count)).collect();
                    let _ = claim.layers_of_windows(&windows);
                }
            }
        },
    );
}

#[test]
fn model_files() {
    let valid = nanozk_model::file::to_bytes(&model()).expect("a small model");
    target(valid, |bytes| {
        if let Ok(model) = nanozk_model::file::from_bytes(bytes, Path::new("fuzz")) {
            model.validate().expect("a model that loads is valid");
        }
    });
}

#[test]
fn setup_files() {
    // The size, powers, a Lagrange basis that is not read, and the second group.
    let (powers, g2) = nanozk_setup::development_powers(8, [9; 32]);
    let mut valid = 3u32.to_le_bytes().to_vec();
    valid.extend(powers.iter().flat_map(SerdeObject::to_raw_bytes));
    valid.extend([0; 8 * 64]);
    valid.extend(g2.iter().flat_map(SerdeObject::to_raw_bytes));
    assert!(nanozk_setup::parse_srs(&mut Cursor::new(&valid), 3).is_ok());
    target(valid, |bytes| {
        let _ = nanozk_setup::parse_srs(&mut Cursor::new(bytes), 3);
        let _ = nanozk_setup::parse_ptau(&mut Cursor::new(bytes), 3);
    });
}

#[test]
fn ptau_headers() {
    // Magic, version 1, eleven sections, a header section of the curve's size.
    let mut valid = b"ptau".to_vec();
    valid.extend(1u32.to_le_bytes());
    valid.extend(11u32.to_le_bytes());
    for section in 1u32..=11 {
        valid.extend(section.to_le_bytes());
        valid.extend(44u64.to_le_bytes());
        valid.extend([section as u8; 44]);
    }
    target(valid, |bytes| {
        let _ = nanozk_setup::parse_ptau(&mut Cursor::new(bytes), 2);
    });
}
