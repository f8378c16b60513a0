//! Whole sessions: claimed, proved, verified; and every way to tamper with one, rejected.

use nanozk_prover::keys::KeyStore;
use nanozk_prover::session::{Event, Options, SessionDir};
use nanozk_prover::synthetic::{SyntheticModel as World, WEIGHT_SEED};
use nanozk_prover::Error;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::session::{LayerProof, Session, SessionError};
use nanozk_verifier::statement::Context;
use nanozk_verifier::TranscriptKind;
use rand_core::OsRng;
use serde_json::Value;
use std::sync::{LazyLock, Mutex};
use tempfile::TempDir;

/// A registered model with its keys.
static WORLD: LazyLock<World> = LazyLock::new(|| world(1));

fn world(seed: u64) -> World {
    let dir = TempDir::new().expect("a directory");
    let world = World::new(1, seed, &KeyStore::new(dir.path())).expect("registered");
    world.card.check().expect("well-formed");
    world
}

/// A claimed session on disk.
fn claim(w: &World) -> (TempDir, SessionDir) {
    let dir = TempDir::new().expect("a directory");
    let context = Context {
        chain: 31337,
        ..Context::default()
    };
    let path = dir.path().join("session");
    let session = w.claim(&path, context, &mut OsRng).expect("claimed");
    (dir, session)
}

fn prove(
    w: &World,
    dir: &SessionDir,
    transcript: TranscriptKind,
    layers: Vec<usize>,
) -> Vec<Event> {
    let events = Mutex::new(Vec::new());
    let keep = |e| events.lock().expect("no panics").push(e);
    w.prove(dir, transcript, layers, &keep).expect("proved");
    events.into_inner().expect("no panics")
}

fn proofs(w: &World, dir: &SessionDir) -> Vec<LayerProof> {
    (0..w.card.layers.len())
        .map(|l| dir.proof(l).expect("readable").expect("there"))
        .collect()
}

fn verify(
    w: &World,
    session: &Session,
    card: &ModelCard,
    proofs: &[LayerProof],
) -> Result<(), SessionError> {
    session.verify(w.card.model_id(), card, &w.keys, &w.params, proofs)
}

/// A proved session that tests tamper with.
static PROVED: LazyLock<(Session, Vec<LayerProof>)> = LazyLock::new(|| {
    let w = &*WORLD;
    let (_dir, dir) = claim(w);
    prove(w, &dir, TranscriptKind::Keccak, vec![]);
    let (session, proofs) = (dir.session().expect("there"), proofs(w, &dir));
    verify(w, &session, &w.card, &proofs).expect("accepted");
    (session, proofs)
});

#[test]
fn a_session_verifies_with_both_transcripts_and_resumes() {
    let w = &*WORLD;
    let (_keep, dir) = claim(w);
    prove(w, &dir, TranscriptKind::Poseidon, vec![]);
    let session = dir.session().expect("there");
    verify(w, &session, &w.card, &proofs(w, &dir)).expect("accepted");
    // One proof is lost and one damaged: only these are made again.
    std::fs::remove_file(dir.proof_path(1)).expect("removed");
    std::fs::write(dir.proof_path(2), b"half a pro").expect("written");
    let events = prove(w, &dir, TranscriptKind::Poseidon, vec![]);
    let made: Vec<usize> = events
        .iter()
        .filter_map(|e| match e {
            Event::Proved { layer, .. } => Some(*layer),
            _ => None,
        })
        .collect();
    assert_eq!(made.len(), 2);
    assert!(made.contains(&1) && made.contains(&2));
    verify(w, &session, &w.card, &proofs(w, &dir)).expect("accepted");
}

#[test]
fn neighbours_share_their_boundary_commitment() {
    let (session, proofs) = &*PROVED;
    let w = &*WORLD;
    for (l, pair) in proofs.windows(2).enumerate() {
        let decode = |i: usize, p: &LayerProof| {
            let vk = &w.keys[&w.card.shape(&w.card.layers[i])];
            (
                nanozk_verifier::Proof::from_bytes(vk, p.transcript, &p.bytes).expect("valid"),
                vk,
            )
        };
        let ((a, vk_a), (b, vk_b)) = (decode(l, &pair[0]), decode(l + 1, &pair[1]));
        assert_eq!(a.output_commitment(vk_a), Some(session.boundaries[l].0));
        assert_eq!(b.input_commitment(vk_b), Some(session.boundaries[l].0));
    }
}

#[test]
fn missing_duplicated_reordered_and_spliced_layers_are_rejected() {
    let (w, (session, proofs)) = (&*WORLD, &*PROVED);
    let n = proofs.len();
    let missing = verify(w, session, &w.card, &proofs[..n - 1]);
    assert_eq!(
        missing,
        Err(SessionError::ProofCount {
            expected: n,
            got: n - 1
        })
    );
    let mut doubled = proofs.clone();
    doubled[1] = doubled[0].clone();
    let doubled = verify(w, session, &w.card, &doubled);
    assert_eq!(
        doubled,
        Err(SessionError::Order {
            expected: 1,
            got: 0
        })
    );
    let mut swapped = proofs.clone();
    swapped.swap(1, 2);
    assert!(matches!(
        verify(w, session, &w.card, &swapped),
        Err(SessionError::Order { .. })
    ));
    // With the layer numbers adjusted, the length or the commitments give it away.
    for (l, p) in swapped.iter_mut().enumerate() {
        p.layer = l as u32;
    }
    assert!(matches!(
        verify(w, session, &w.card, &swapped),
        Err(SessionError::Proof { layer: 1, .. })
    ));
    // A proof of the same layer from another session of the same model.
    let (_keep, other) = claim(w);
    prove(w, &other, TranscriptKind::Keccak, vec![1]);
    let mut spliced = proofs.clone();
    spliced[1] = other.proof(1).expect("readable").expect("there");
    assert_eq!(
        verify(w, session, &w.card, &spliced),
        Err(SessionError::OtherStatement { layer: 1 })
    );
    spliced[1].statement = proofs[1].statement;
    assert!(matches!(
        verify(w, session, &w.card, &spliced),
        Err(SessionError::Proof { layer: 1, .. })
    ));
}

#[test]
fn a_replayed_or_redirected_session_is_rejected() {
    let (w, (session, proofs)) = (&*WORLD, &*PROVED);
    let contexts = [
        Context {
            chain: 1,
            ..session.context
        },
        Context {
            contract: Digest32([9; 32]),
            ..session.context
        },
        Context {
            claim: Digest32([9; 32]),
            ..session.context
        },
        Context {
            recipient: Digest32([9; 32]),
            ..session.context
        },
    ];
    for context in contexts {
        let mut other = session.clone();
        other.context = context;
        let plain = verify(w, &other, &w.card, proofs);
        assert_eq!(plain, Err(SessionError::OtherStatement { layer: 0 }));
        // The header is not what protects: with it adjusted, the transcript differs.
        let mut adjusted = proofs.clone();
        for p in &mut adjusted {
            p.statement = other.statement(proofs.len()).digest();
        }
        let adjusted = verify(w, &other, &w.card, &adjusted);
        assert!(matches!(
            adjusted,
            Err(SessionError::Proof {
                layer: 0,
                source: nanozk_verifier::Error::Rejected,
                ..
            })
        ));
    }
}

#[test]
fn weights_of_another_model_are_rejected() {
    let w = &*WORLD;
    let mut cheap = w.model.clone();
    cheap.layers[0].fc.weight[3] += 1;
    let (_keep, dir) = claim(w);
    let prove = |layers: Vec<usize>| {
        let options = Options {
            layers,
            transcript: TranscriptKind::Keccak,
            jobs: 1,
        };
        let (setup, prepared) = (&w.setup, &w.prepared);
        dir.lock()?
            .prove(&cheap, &WEIGHT_SEED, setup, prepared, &options, &|_| {})
    };
    // Before it proves, if these are the first weights that it looks at.
    let refused = prove(vec![2]);
    assert!(
        matches!(refused, Err(Error::WeightSeed { layer: 2 })),
        "{refused:?}"
    );
    // Otherwise the prover notices that its own proof does not verify.
    let refused = prove(vec![0, 2]);
    assert!(
        matches!(
            refused,
            Err(Error::Session(SessionError::Proof { layer: 2, .. }))
        ),
        "{refused:?}"
    );
    assert!(dir.proof(2).expect("readable").is_none(), "and writes none");
}

#[test]
fn a_boundary_is_not_opened_more_often_than_its_randomness_allows() {
    let w = &*WORLD;
    let (_keep, dir) = claim(w);
    let mut made = 0;
    let options = Options {
        layers: vec![0],
        transcript: TranscriptKind::Keccak,
        jobs: 1,
    };
    // Start near the end of the budget.
    std::fs::write(
        dir.path().join("openings.json"),
        br#"{"boundaries":[58,0,0]}"#,
    )
    .expect("written");
    let error = loop {
        let _ = std::fs::remove_file(dir.proof_path(0));
        match dir.lock().expect("free").prove(
            &w.model,
            &WEIGHT_SEED,
            &w.setup,
            &w.prepared,
            &options,
            &|_| {},
        ) {
            Ok(()) => made += 1,
            Err(e) => break e,
        }
        assert!(made < 4, "the budget is never reached");
    };
    assert!(
        matches!(error, Error::OpenedTooOften { layer: 0, .. }),
        "{error}"
    );
    assert!(made > 0);
}

/// Paths of all leaves of a JSON value.
fn leaves(value: &Value, path: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(k, v)| leaves(v, format!("{path}/{k}"), out)),
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(i, v)| leaves(v, format!("{path}/{i}"), out));
        }
        _ => out.push(path),
    }
}

fn tampered(value: &Value) -> Value {
    match value {
        Value::Bool(b) => Value::Bool(!b),
        Value::Number(n) => Value::from(n.as_u64().expect("no negative numbers") ^ 1),
        Value::String(s) => {
            let mut s = s.clone();
            let last = s.pop().expect("no empty strings");
            s.push(if last == '1' { '2' } else { '1' });
            Value::String(s)
        }
        other => panic!("unexpected {other}"),
    }
}

#[test]
fn every_field_of_a_card_and_a_session_is_bound() {
    let (w, (session, proofs)) = (&*WORLD, &*PROVED);
    let card = serde_json::to_value(&w.card).expect("serializes");
    let session_value = serde_json::to_value(session).expect("serializes");
    let mut fields = Vec::new();
    leaves(&card, String::new(), &mut fields);
    assert!(fields.len() > 40, "{}", fields.len());
    for field in fields {
        let mut changed = card.clone();
        let leaf = changed.pointer_mut(&field).expect("a leaf");
        *leaf = tampered(leaf);
        // It does not parse, or it does not verify.
        if let Ok(changed) = serde_json::from_value::<ModelCard>(changed) {
            assert!(
                verify(w, session, &changed, proofs).is_err(),
                "card{field} is not bound"
            );
        }
    }
    let mut fields = Vec::new();
    leaves(&session_value, String::new(), &mut fields);
    for field in fields {
        let mut changed = session_value.clone();
        let leaf = changed.pointer_mut(&field).expect("a leaf");
        *leaf = tampered(leaf);
        if let Ok(changed) = serde_json::from_value::<Session>(changed) {
            assert!(
                verify(w, &changed, &w.card, proofs).is_err(),
                "session{field} is not bound"
            );
        }
    }
}

#[test]
fn every_byte_of_a_proof_file_is_bound() {
    let (w, (session, proofs)) = (&*WORLD, &*PROVED);
    let layer = 2;
    let file = proofs[layer].to_file();
    // Every byte of the header, and one byte of each word of the proof.
    let places = (0..45)
        .chain((45..file.len()).step_by(32))
        .chain([file.len() - 1]);
    for at in places {
        let mut changed = file.clone();
        changed[at] ^= 1;
        let accepted = LayerProof::from_file(layer, &changed)
            .and_then(|p| session.verify_layer(layer, &w.card, &w.keys, &w.params, &p));
        assert!(accepted.is_err(), "byte {at} is not bound");
    }
    for length in [0, 44, 45, file.len() - 1] {
        let cut = LayerProof::from_file(layer, &file[..length])
            .and_then(|p| session.verify_layer(layer, &w.card, &w.keys, &w.params, &p));
        assert!(cut.is_err(), "{length} bytes are accepted");
    }
    let mut longer = file;
    longer.push(0);
    let longer = LayerProof::from_file(layer, &longer)
        .and_then(|p| session.verify_layer(layer, &w.card, &w.keys, &w.params, &p));
    assert!(longer.is_err());
}

#[test]
fn another_model_id_is_rejected() {
    let (w, (session, proofs)) = (&*WORLD, &*PROVED);
    let expected = Digest32([7; 32]);
    let got = w.card.model_id();
    assert_eq!(
        session.verify(expected, &w.card, &w.keys, &w.params, proofs),
        Err(SessionError::WrongModel { expected, got })
    );
    let other = world(2);
    assert_ne!(other.card.model_id(), got, "other weights, other id");
    assert_eq!(
        session.verify(
            other.card.model_id(),
            &other.card,
            &w.keys,
            &w.params,
            proofs
        ),
        Err(SessionError::SessionOfAnotherModel {
            expected: other.card.model_id(),
            got
        })
    );
}
