//! A model's manifest: what its layers must have in common, that its keys are those of its shapes, what its id binds;
//! and what the layers of a session are compared with.

mod common;

use common::*;
use halo2curves::bn256::G1Affine;
use nanozk_circuits::ir::Kind;
use nanozk_verifier::card::{CardError, ModelCard};
use nanozk_verifier::hex::{Digest32, Point};
use nanozk_verifier::session::{Session, SessionError};
use nanozk_verifier::{Error, KzgVerifier, TranscriptKind};

/// Everything but the proofs is checked, as if the model had always had this manifest.
fn check(card: &ModelCard) -> Result<(), SessionError> {
    let id = card.model_id();
    let session = Session {
        model_id: id,
        ..session()
    };
    session.check(id, card, &MODEL.keys, &params())
}

/// Neighbours share commitments: to columns of as many rows.
#[test]
fn layers_have_the_same_number_of_rows() {
    let card = &MODEL.card;
    assert_eq!(card.check(), Ok(()));
    let k = card.layers[0].plan.k;
    for layer in 0..card.layers.len() {
        for other in [k - 1, k + 1] {
            let mut changed = card.clone();
            changed.layers[layer].plan.k = other;
            // The first layer says how many the others must have.
            let (layer, expected, got) = match layer {
                0 => (1, other, k),
                _ => (layer, k, other),
            };
            let error = CardError::Rows {
                layer,
                expected,
                got,
            };
            assert_eq!(changed.check(), Err(error.clone()));
            assert_eq!(check(&changed), Err(SessionError::Card(error)));
        }
    }
    let mut all = card.clone();
    all.layers.iter_mut().for_each(|l| l.plan.k = k + 1);
    assert_eq!(all.check(), Ok(()), "all of them may have more");
}

/// The id binds the keys that a manifest names; that they are those of its shapes is for whoever verifies.
#[test]
fn keys_are_those_of_the_shapes() {
    let card = &MODEL.card;
    assert_eq!(check(card), Ok(()));
    let digest = |layer: usize| Digest32(key(layer).digest());
    for layer in 0..card.layers.len() {
        let mut changed = card.clone();
        changed.layers[layer].verifying_key.0[31] ^= 1;
        assert_eq!(
            check(&changed),
            Err(SessionError::WrongKey {
                layer,
                expected: digest(layer),
                got: changed.layers[layer].verifying_key,
            })
        );
    }
    // Another layer's key is no better.
    let mut swapped = card.clone();
    swapped.layers[1].verifying_key = card.layers[2].verifying_key;
    let wrong = SessionError::WrongKey {
        layer: 1,
        expected: digest(1),
        got: digest(2),
    };
    assert_eq!(check(&swapped), Err(wrong));
    // Nor is a shape that nobody has a key for.
    let mut unknown = card.clone();
    unknown.layers.iter_mut().for_each(|l| l.plan.k += 1);
    assert_eq!(check(&unknown), Err(SessionError::MissingKey { layer: 0 }));
}

#[test]
fn weights_are_as_many_as_the_plan_says_and_under_this_setup() {
    let card = &MODEL.card;
    for layer in 0..card.layers.len() {
        let expected = card.layers[layer].plan.weights;
        let mut more = card.clone();
        more.layers[layer]
            .weights
            .push(Point(G1Affine::generator()));
        let mut fewer = card.clone();
        fewer.layers[layer].weights.pop();
        for (changed, got) in [(more, expected + 1), (fewer, expected - 1)] {
            let error = CardError::Weights {
                layer,
                expected,
                got,
            };
            assert_eq!(changed.check(), Err(error));
        }
    }
    let mut other = card.clone();
    other.setup.0[0] ^= 1;
    let wrong = SessionError::WrongSetup {
        expected: card.setup,
        got: other.setup,
    };
    assert_eq!(check(&other), Err(wrong));
}

/// What two models of one id could differ in: nothing.
#[test]
fn the_id_binds_the_manifest() {
    let card = &MODEL.card;
    type Change = (&'static str, fn(&mut ModelCard));
    let changes: [Change; 13] = [
        ("width", |c| c.architecture.width += 1),
        ("context", |c| c.architecture.context += 1),
        ("number formats", |c| c.spec.norm_frac += 1),
        ("tokenizer", |c| c.tokenizer.0[0] ^= 1),
        ("positions", |c| c.tokens *= 2),
        ("setup", |c| c.setup.0[0] ^= 1),
        ("development", |c| c.development_setup ^= true),
        ("kind", |c| c.layers[1].kind = c.layers[2].kind),
        ("key", |c| c.layers[1].verifying_key.0[0] ^= 1),
        ("weights", |c| c.layers[2].weights[0] = Point(point(9))),
        ("last weights", |c| {
            let layer = c.layers.len() - 1;
            c.layers[layer].weights[0] = Point(point(9));
        }),
        ("order", |c| c.layers.swap(1, 2)),
        ("number of layers", |c| {
            c.layers.pop();
        }),
    ];
    for (what, change) in changes {
        let mut changed = card.clone();
        change(&mut changed);
        assert_ne!(changed.model_id(), card.model_id(), "{what}");
    }
}

/// The manifest and the session are both of the model that was asked for.
#[test]
fn ids_are_compared() {
    let card = &MODEL.card;
    let (id, other) = (card.model_id(), Digest32([7; 32]));
    let of_another = Session {
        model_id: other,
        ..session()
    };
    let check = |session: &Session, expected| session.check(expected, card, &MODEL.keys, &params());
    assert_eq!(check(&session(), id), Ok(()));
    assert_eq!(
        check(&of_another, other),
        Err(SessionError::WrongModel {
            expected: other,
            got: id
        })
    );
    assert_eq!(
        check(&of_another, id),
        Err(SessionError::SessionOfAnotherModel {
            expected: id,
            got: other
        })
    );
}

/// A proof is paired only if it starts and ends with the session's activations, has the registered weights, and is of
/// this layer, statement and setup.
#[test]
fn a_layer_is_compared_with_its_place() {
    let (card, session) = (&MODEL.card, session());
    let verify = |session: &Session, card: &ModelCard, layer: usize, proof: &_| {
        session.verify_layer(layer, card, &MODEL.keys, &params(), proof)
    };
    for layer in 0..card.layers.len() {
        let kind = card.layers[layer].kind;
        let refused = |source| {
            Err(SessionError::Proof {
                layer,
                kind,
                source,
            })
        };
        let (program, first) = (key(layer).program(), key(layer).layout().first.clone());
        // All commitments that are compared are as they must be; it proves nothing all the same.
        let mut proof = proof(layer, TranscriptKind::Keccak);
        let mut weights = card.layers[layer].weights.iter();
        for (column, to) in first.iter().zip(&mut proof.first) {
            match program.info(*column).kind {
                Kind::Input => *to = session.boundaries[layer - 1].0,
                Kind::Output => *to = session.boundaries[layer].0,
                Kind::Weight => *to = weights.next().expect("as many").0,
                _ => {}
            }
        }
        let file = layer_proof(&session, layer, &proof);
        assert_eq!(
            verify(&session, card, layer, &file),
            refused(Error::Rejected)
        );

        let ends = [
            layer.checked_sub(1).map(|b| (Kind::Input, b)),
            Some((Kind::Output, layer)).filter(|(_, b)| *b < session.boundaries.len()),
        ];
        for (kind, boundary) in ends.into_iter().flatten() {
            let mut other = session.clone();
            other.boundaries[boundary] = Point(point(9));
            let unexpected = Error::UnexpectedCommitment { kind, index: 0 };
            assert_eq!(verify(&other, card, layer, &file), refused(unexpected));
        }
        for index in 0..card.layers[layer].weights.len() {
            let mut other = card.clone();
            other.layers[layer].weights[index] = Point(point(9));
            let unexpected = Error::UnexpectedCommitment {
                kind: Kind::Weight,
                index,
            };
            assert_eq!(verify(&session, &other, layer, &file), refused(unexpected));
        }

        let mut elsewhere = file.clone();
        elsewhere.layer += 1;
        let order = SessionError::Order {
            expected: layer,
            got: elsewhere.layer,
        };
        assert_eq!(verify(&session, card, layer, &elsewhere), Err(order));
        let mut redirected = session.clone();
        redirected.context.recipient.0[31] ^= 1;
        assert_eq!(
            verify(&redirected, card, layer, &file),
            Err(SessionError::OtherStatement { layer })
        );
        let other_setup = KzgVerifier {
            id: [8; 32],
            ..params()
        };
        assert_eq!(
            session.verify_layer(layer, card, &MODEL.keys, &other_setup, &file),
            refused(Error::WrongSetup)
        );
    }
}
