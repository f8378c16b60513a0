//! One target for each decoder of untrusted bytes.

use nanozk_fuzz::*;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::session::{LayerProof, Session};
use nanozk_verifier::{Proof, TranscriptKind};
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
fn proof_bytes() {
    target(proof().to_bytes(), |bytes| {
        if let Ok(p) = Proof::from_bytes(&KEY, TranscriptKind::Keccak, bytes) {
            assert_eq!(p.to_bytes(), bytes, "an encoding is unique");
        }
    });
}

#[test]
fn proof_calldata() {
    target(proof().to_calldata(), |bytes| {
        if let Ok(p) = Proof::from_calldata(&KEY, TranscriptKind::Keccak, bytes) {
            assert_eq!(p.to_calldata(), bytes, "an encoding is unique");
        }
    });
}

#[test]
fn proof_files() {
    target(proof_file(), |bytes| {
        if let Ok(p) = LayerProof::from_file(0, bytes) {
            assert_eq!(p.to_file(), bytes, "an encoding is unique");
        }
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
fn cards() {
    target(serde_json::to_vec(&card()).expect("serializes"), |bytes| {
        if let Ok(card) = serde_json::from_slice::<ModelCard>(bytes) {
            if card.check().is_ok() {
                card.model_id();
            }
        }
    });
}

#[test]
fn sessions() {
    target(
        serde_json::to_vec(&session()).expect("serializes"),
        |bytes| {
            if let Ok(session) = serde_json::from_slice::<Session>(bytes) {
                session.statement(4).digest();
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
    let setup = nanozk_setup::Setup::development(3, [9; 32]).expect("a small setup");
    let mut valid = Vec::new();
    setup.write_srs(&mut valid).expect("memory does not fail");
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
