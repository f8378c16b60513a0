//! A small model's manifest, with keys and proofs that need not be valid: what is tested is what is compared, absorbed
//! and bound before anything is paired. Commitments are multiples of the generator.

#![allow(dead_code, unreachable_pub)]

use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::group::Curve;
use nanozk_circuits::{plan, BlockShape, Layer, LayerKind, Objective, Shape};
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_verifier::card::{layer_kinds, CardLayer, ModelCard, CARD_FORMAT};
use nanozk_verifier::hex::{Digest32, Point, Scalar};
use nanozk_verifier::session::{LayerProof, Session, SESSION_FORMAT};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{KzgVerifier, Proof, TranscriptKind, VerifyingKey};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Identifies the setup.
pub const SETUP: [u8; 32] = [7; 32];
/// The setup's secret.
pub const SECRET: u64 = 12_345;

pub fn point(by: u64) -> G1Affine {
    (G1Affine::generator() * Fr::from(by)).to_affine()
}

pub fn points(count: usize, from: u64) -> Vec<G1Affine> {
    (0..count as u64).map(|i| point(from + i)).collect()
}

pub fn params() -> KzgVerifier {
    let g2 = G2Affine::generator();
    KzgVerifier {
        g1: G1Affine::generator(),
        g2,
        s_g2: (g2 * Fr::from(SECRET)).to_affine(),
        id: SETUP,
    }
}

pub struct Model {
    pub card: ModelCard,
    pub keys: HashMap<Shape, VerifyingKey>,
}

pub static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let architecture = Architecture {
        layers: 1,
        width: 8,
        heads: 2,
        mlp_width: 16,
        vocab: 16,
        context: 16,
    };
    let spec = synthetic::spec(architecture.width, Activation::GeluNew);
    let kinds: Vec<LayerKind> = layer_kinds(1, false)
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    let counted: Vec<(LayerKind, usize)> = kinds.iter().map(|kind| (*kind, 1)).collect();
    let block = BlockShape::new(&architecture, &spec);
    let plan = plan(&counted, block, 8, Objective::default()).expect("a plan");
    let mut keys = HashMap::new();
    let mut layers = Vec::new();
    for (l, kind) in kinds.into_iter().enumerate() {
        let shape = plan.shape(kind).expect("planned");
        let program = Layer::new(shape).expect("it fits").program.clone();
        let from = 1000 * (l as u64 + 1);
        let fixed = points(
            program.columns_of(nanozk_circuits::ir::Kind::Fixed).count(),
            from,
        );
        let key = VerifyingKey::new(program, fixed, SETUP);
        layers.push(CardLayer {
            kind,
            plan: shape.plan,
            verifying_key: Digest32(key.digest()),
            weights: points(shape.plan.weights, from + 500)
                .into_iter()
                .map(Point)
                .collect(),
        });
        keys.insert(shape, key);
    }
    let card = ModelCard {
        format: CARD_FORMAT.into(),
        architecture,
        spec,
        tokenizer: Digest32([1; 32]),
        tokens: 8,
        setup: Digest32(SETUP),
        development_setup: false,
        layers,
    };
    Model { card, keys }
});

pub fn key(layer: usize) -> &'static VerifyingKey {
    let m = &*MODEL;
    &m.keys[&m.card.shape(&m.card.layers[layer])]
}

pub fn session() -> Session {
    let card = &MODEL.card;
    Session {
        format: SESSION_FORMAT.into(),
        model_id: card.model_id(),
        context: Context::default(),
        input_digest: Scalar(Fr::from(21)),
        output_digest: Scalar(Fr::from(22)),
        boundaries: points(card.layers.len() - 1, 30)
            .into_iter()
            .map(Point)
            .collect(),
    }
}

/// A proof of nothing, of the right shape.
pub fn proof(layer: usize, transcript: TranscriptKind) -> Proof {
    let layout = key(layer).layout();
    Proof {
        transcript,
        first: points(layout.first.len(), 100),
        second: points(layout.second.len(), 200),
        quotient: [point(301), point(302)],
        evals: (0..layout.openings.len() as u64)
            .map(|i| Fr::from(i + 400))
            .collect(),
        opening: [point(501), point(502)],
    }
}

/// The same in a file for this session.
pub fn layer_proof(session: &Session, layer: usize, proof: &Proof) -> LayerProof {
    LayerProof {
        layer: layer as u32,
        statement: session.statement(MODEL.card.layers.len()).digest(),
        transcript: proof.transcript,
        bytes: proof.to_bytes(),
    }
}
