//! Layers of different shapes beside each other: refused wherever a card enters.
//!
//! A layer constrains the rows of its own activations and no others. So behind a narrower layer a wider one would read what
//! nobody computed, and all proofs would be valid.

#[path = "common/layers/mod.rs"]
mod layers;

use halo2curves::bn256::Fr;
use layers::*;
use nanozk_circuits::ir::Kind;
use nanozk_circuits::{Layer, LayerKind, Shape};
use nanozk_prover::aggregate::layers_of;
use nanozk_prover::files;
use nanozk_prover::keys::KeyStore;
use nanozk_prover::plonk::commit_fixed;
use nanozk_prover::session::Event;
use nanozk_prover::synthetic::SyntheticModel;
use nanozk_prover::Error;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::card::{CardError, ModelCard};
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::session::{check_manifest, check_neighbours, Session, SessionError};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{TranscriptKind, VerifyingKey};
use rand_core::OsRng;
use std::sync::LazyLock;
use tempfile::TempDir;

static MODEL: LazyLock<SyntheticModel> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    SyntheticModel::new(1, 1, &KeyStore::new(dir.path())).unwrap()
});

/// Layers of [`MODEL`]: embedding, attention, MLP, head.
const ATTENTION: usize = 1;
const MLP: usize = 2;

/// The key of a shape, with as many weight columns as it takes.
fn key(mut shape: Shape) -> VerifyingKey {
    let layer = loop {
        match Layer::new(shape) {
            Ok(layer) => break layer,
            Err(e) => assert!(shape.plan.weights < 64, "{e}"),
        }
        shape.plan.weights += 1;
    };
    let setup = Setup::development(shape.plan.k, DEVELOPMENT_SEED).unwrap();
    let points = commit_fixed(setup.params(), &layer.program);
    VerifyingKey::new(layer.program, points, setup.id())
}

/// The card with another key for its MLP, and the id that follows.
fn with_key(key: &VerifyingKey) -> ModelCard {
    let mut card = MODEL.card.clone();
    card.layers[MLP].verifying_key = Digest32(key.digest());
    card
}

fn shape_of(layer: usize) -> Shape {
    MODEL.card.shape(&MODEL.card.layers[layer])
}

/// Every way in says the same.
fn is_refused(card: &ModelCard, expected: &SessionError) {
    let m = &*MODEL;
    assert_eq!(check_manifest(card, &m.keys).as_ref(), Err(expected));
    // A session of the card, as its id asks for.
    let id = card.model_id();
    let session = Session {
        format: nanozk_verifier::session::SESSION_FORMAT.into(),
        model_id: id,
        context: Context::default(),
        input_digest: Scalar(Fr::zero()),
        output_digest: Scalar(Fr::zero()),
        boundaries: vec![],
    };
    let checked = session.check(id, card, &m.keys, &m.params);
    assert_eq!(checked.as_ref(), Err(expected));
    let verified = session.verify(id, card, &m.keys, &m.params, &[]);
    assert_eq!(verified.as_ref(), Err(expected));
    let layers = layers_of(card, &m.keys).map(|layers| layers.len());
    assert_eq!(layers.as_ref(), Err(expected), "no tree over it");
}

#[test]
fn a_narrow_layer_does_not_see_what_a_wider_one_reads() {
    let case = Case::new(SMALL, LayerKind::Mlp);
    let program = case.program();
    let column = program
        .first_phase()
        .into_iter()
        .position(|c| program.info(c).kind == Kind::Output)
        .unwrap();
    let (width, wider) = (SMALL.width, 2 * SMALL.width);
    let mut changed = case.clone();
    for row in width * SMALL.tokens..wider * SMALL.tokens {
        changed.first[column][row] = Fr::from(row as u64);
    }
    assert!(
        changed.violations().is_empty(),
        "which is why the two may not be neighbours"
    );
}

#[test]
fn keys_of_other_shapes_are_refused() {
    let own = shape_of(MLP);
    let mut wider = own;
    wider.block.width *= 2;
    let mut longer = own;
    longer.tokens *= 2;
    let mut other_formats = own;
    other_formats.block.score_shift += 1;
    other_formats.block.mlp_width += 1;
    for shape in [wider, longer, other_formats, shape_of(ATTENTION)] {
        let key = key(shape);
        let expected = SessionError::WrongKey {
            layer: MLP,
            expected: Digest32(MODEL.keys[&own].digest()),
            got: Digest32(key.digest()),
        };
        is_refused(&with_key(&key), &expected);
    }
}

#[test]
fn keys_of_another_size_are_refused() {
    let mut card = MODEL.card.clone();
    let k = card.layers[MLP].plan.k;
    card.layers[MLP].plan.k = k + 1;
    let rows = CardError::Rows {
        layer: MLP,
        expected: k,
        got: k + 1,
    };
    is_refused(&card, &rows.into());
}

#[test]
fn keys_under_another_setup_are_refused() {
    let m = &*MODEL;
    let other = [9; 32];
    let own = shape_of(MLP);
    let honest = &m.keys[&own];
    let foreign = VerifyingKey::new(
        honest.program().clone(),
        honest.fixed_commitments().to_vec(),
        other,
    );
    let mut keys = m.keys.clone();
    let card = with_key(&foreign);
    keys.insert(own, foreign);
    assert_eq!(
        check_manifest(&card, &keys),
        Err(SessionError::KeyOfAnotherSetup {
            layer: MLP,
            expected: card.setup,
            got: Digest32(other),
        })
    );
    keys.remove(&own);
    assert_eq!(
        check_manifest(&card, &keys),
        Err(SessionError::MissingKey { layer: MLP })
    );
}

#[test]
fn layers_of_one_kind_have_one_circuit() {
    let dir = TempDir::new().unwrap();
    let model = SyntheticModel::new(2, 1, &KeyStore::new(dir.path())).unwrap();
    let mut card = model.card.clone();
    card.layers[3].plan.weights += 1;
    assert_eq!(
        card.check(),
        Err(CardError::Plans {
            layer: 3,
            kind: LayerKind::Attention,
        })
    );
}

#[test]
fn neighbours_agree_on_rows_positions_and_width() {
    let shapes = [0, ATTENTION, MLP, 3].map(shape_of);
    check_neighbours(&shapes).unwrap();
    let changes: [fn(&mut Shape); 3] =
        [|s| s.block.width *= 2, |s| s.tokens *= 2, |s| s.plan.k += 1];
    for change in changes {
        for layer in 0..4 {
            let mut shapes = shapes;
            change(&mut shapes[layer]);
            let first = layer.saturating_sub(1);
            let [_, left] = shapes[first].activations();
            let [right, _] = shapes[first + 1].activations();
            assert_ne!(left, right);
            let layer = first;
            assert_eq!(
                check_neighbours(&shapes),
                Err(SessionError::Neighbours { layer, left, right })
            );
        }
    }
    // Nothing leaves the head, and nothing enters the embedding.
    let [embed, attention, mlp, head] = shapes;
    for wrong in [
        [embed, attention, head, mlp],
        [attention, embed, mlp, head],
        [embed, head, embed, head],
    ] {
        assert!(matches!(
            check_neighbours(&wrong),
            Err(SessionError::Neighbours { .. })
        ));
    }
}

/// A provider notices before it proves anything.
#[test]
fn nothing_is_proved_under_a_foreign_key() {
    let m = &*MODEL;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("session");
    let session = m.claim(&path, Context::default(), &mut OsRng).unwrap();
    let attention = m.keys[&shape_of(ATTENTION)].clone();
    let card = with_key(&attention);
    let mut claim = session.session().unwrap();
    claim.model_id = card.model_id();
    files::write_json(&path.join("card.json"), &card).unwrap();
    files::write_json(&path.join("session.json"), &claim).unwrap();
    let events = |e: Event| panic!("{e:?}");
    let error = m
        .prove(&session, TranscriptKind::Keccak, vec![MLP], &events)
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Session(SessionError::WrongKey { layer: MLP, .. })
        ),
        "{error}"
    );
}
