//! Registration: commitments to a model's weights, and its card.

use crate::keys::{KeyStore, Prepared};
use crate::plonk::commit_column;
use crate::Error;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::BLIND_ROWS;
use nanozk_circuits::{BlockShape, Layer, LayerKind, LayerWeights, ModelPlan, Objective};
use nanozk_executor::QuantizedModel;
use nanozk_setup::Setup;
use nanozk_verifier::card::{layer_kinds, CardLayer, ModelCard, CARD_FORMAT};
use nanozk_verifier::hex::{Digest32, Point};
use nanozk_verifier::session::check_manifest;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use sha3::{Digest, Keccak256};
use std::collections::hash_map::{Entry, HashMap};

/// A stream of randomness for one purpose, from a secret seed.
pub fn stream(seed: &[u8; 32], purpose: &str, index: u64, column: u64) -> ChaCha20Rng {
    let mut hash = Keccak256::new();
    hash.update(b"nanozk-stream-1");
    hash.update(seed);
    hash.update(purpose.as_bytes());
    hash.update(index.to_be_bytes());
    hash.update(column.to_be_bytes());
    ChaCha20Rng::from_seed(hash.finalize().into())
}

/// Fills the blind rows of a column from a stream.
pub fn blind(column: &mut [Fr], mut rng: ChaCha20Rng) {
    let start = column.len() - BLIND_ROWS;
    for cell in &mut column[start..] {
        *cell = Fr::random(&mut rng);
    }
}

/// The weight columns of a layer of a model, blinded as registered.
pub fn weight_columns(
    layer: &Layer,
    weights: LayerWeights<'_>,
    seed: &[u8; 32],
    index: usize,
) -> Vec<Vec<Fr>> {
    let mut columns = layer.weights(weights);
    for (j, column) in columns.iter_mut().enumerate() {
        blind(column, stream(seed, "weights", index as u64, j as u64));
    }
    columns
}

/// Plans a model's circuits.
pub fn plan_model(
    model: &QuantizedModel,
    tokens: usize,
    whole_blocks: bool,
    objective: Objective,
) -> Result<ModelPlan, Error> {
    let mut kinds: Vec<(LayerKind, usize)> = Vec::new();
    for (kind, _) in layer_kinds(model.arch.layers, whole_blocks) {
        match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    Ok(nanozk_circuits::plan(
        &kinds,
        BlockShape::new(&model.arch, &model.spec),
        tokens,
        objective,
    )?)
}

/// Commits to all weights and makes the card. `progress(done, all)` counts layers.
pub fn register(
    model: &QuantizedModel,
    tokenizer: [u8; 32],
    plan: &ModelPlan,
    setup: &Setup,
    keys: &KeyStore,
    seed: &[u8; 32],
    mut progress: impl FnMut(usize, usize),
) -> Result<ModelCard, Error> {
    let tokens = plan.choices[0].shape.tokens;
    let whole_blocks = plan.shape(LayerKind::Block).is_some();
    let kinds = layer_kinds(model.arch.layers, whole_blocks);
    let mut prepared: HashMap<LayerKind, Prepared> = HashMap::new();
    let mut layers = Vec::new();
    for (index, (kind, block)) in kinds.iter().copied().enumerate() {
        progress(index, kinds.len());
        let shape = plan
            .shape(kind)
            .expect("the plan has every kind of the model");
        let p = match prepared.entry(kind) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Prepared::new(shape, setup, keys)?),
        };
        let columns = weight_columns(&p.layer, LayerWeights::of(model, kind, block), seed, index);
        let weights = columns
            .into_par_iter()
            .map(|c| Point(commit_column(setup.params(), c)))
            .collect();
        layers.push(CardLayer {
            kind,
            plan: shape.plan,
            verifying_key: Digest32(p.key.vk().digest()),
            weights,
        });
    }
    progress(kinds.len(), kinds.len());
    let card = ModelCard {
        format: CARD_FORMAT.into(),
        architecture: model.arch,
        spec: model.spec,
        tokenizer: Digest32(tokenizer),
        tokens,
        setup: Digest32(setup.id()),
        development_setup: setup.is_development(),
        layers,
    };
    // What no verifier would accept is not registered either.
    let keys = prepared
        .values()
        .map(|p| (p.layer.shape, p.key.vk().clone()))
        .collect();
    check_manifest(&card, &keys)?;
    Ok(card)
}
