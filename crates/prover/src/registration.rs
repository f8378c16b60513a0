//! Registration: commitments to a model's weights, and its card.

use crate::keys::KeyStore;
use crate::plonk::commit_column;
use crate::Error;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::BLIND_ROWS;
use nanozk_circuits::{BlockShape, Layer, LayerKind, LayerWeights, ModelPlan, Objective};
use nanozk_executor::{Architecture, QuantizedModel, Spec};
use nanozk_setup::Setup;
use nanozk_verifier::card::{layer_kinds, CardLayer, ModelCard, CARD_FORMAT};
use nanozk_verifier::hex::{Digest32, Point};
use nanozk_verifier::session::check_manifest;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use sha3::{Digest, Keccak256};
use std::collections::HashMap;

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
    arch: &Architecture,
    spec: &Spec,
    tokens: usize,
    whole_blocks: bool,
    objective: Objective,
) -> Result<ModelPlan, Error> {
    let mut kinds: Vec<(LayerKind, usize)> = Vec::new();
    for (kind, _) in layer_kinds(arch.layers, whole_blocks) {
        match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    Ok(nanozk_circuits::plan(
        &kinds,
        BlockShape::new(arch, spec),
        tokens,
        objective,
    )?)
}

/// Roughly what committing to a model's weights takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommitmentEstimate {
    /// Bytes of memory at the peak.
    pub peak_bytes: u64,
    /// Seconds of processor time, all threads together.
    pub cpu_seconds: f64,
}

impl CommitmentEstimate {
    /// For the circuits of a plan.
    pub fn new(plan: &ModelPlan) -> Self {
        // Columns that a circuit's key commits to, and microseconds per row and commitment.
        const KEY_COLUMNS: u64 = 45;
        const MICROSECONDS: (f64, f64) = (3.0, 1.5);
        let mut estimate = Self {
            peak_bytes: 0,
            cpu_seconds: 0.0,
        };
        for choice in &plan.choices {
            let p = choice.shape.plan;
            let (rows, weights) = (1u64 << p.k, p.weights as u64);
            // Two bases of the setup, the fixed columns, the weight columns, and as much again on the way.
            let bytes = rows * (2 * 64 + 32 * (KEY_COLUMNS + 2 * weights));
            estimate.peak_bytes = estimate.peak_bytes.max(bytes);
            let micros = MICROSECONDS.0 * (weights * choice.layers as u64) as f64
                + MICROSECONDS.1 * KEY_COLUMNS as f64;
            estimate.cpu_seconds += rows as f64 * micros * 1e-6;
        }
        estimate
    }
}

/// What a model is registered with.
#[derive(Clone, Copy)]
pub struct Registration<'a> {
    /// Dimensions.
    pub arch: Architecture,
    /// Number formats.
    pub spec: Spec,
    /// SHA-256 of the tokenizer.
    pub tokenizer: [u8; 32],
    /// Circuits.
    pub plan: &'a ModelPlan,
    /// KZG parameters.
    pub setup: &'a Setup,
    /// Where keys are kept.
    pub keys: &'a KeyStore,
    /// Seed of the blinding.
    pub seed: &'a [u8; 32],
}

/// Commits to all weights of a model in memory and makes the card. `progress(done, all)` counts layers.
pub fn register(
    model: &QuantizedModel,
    tokenizer: [u8; 32],
    plan: &ModelPlan,
    setup: &Setup,
    keys: &KeyStore,
    seed: &[u8; 32],
    progress: impl FnMut(usize, usize),
) -> Result<ModelCard, Error> {
    let registration = Registration {
        arch: model.arch,
        spec: model.spec,
        tokenizer,
        plan,
        setup,
        keys,
        seed,
    };
    let weights = |kind, block, take: &mut dyn FnMut(LayerWeights<'_>)| {
        take(LayerWeights::of(model, kind, block));
        Ok(())
    };
    register_layers(&registration, weights, progress)
}

/// Commits to all weights and makes the card. `weights(kind, block, take)` calls `take` with those of a layer: they
/// need not be in memory before or after. `progress(done, all)` counts layers.
///
/// Layers of one kind come after each other, so that the circuit of one kind is in memory at a time.
pub fn register_layers<E: From<Error>>(
    registration: &Registration<'_>,
    mut weights: impl FnMut(LayerKind, usize, &mut dyn FnMut(LayerWeights<'_>)) -> Result<(), E>,
    mut progress: impl FnMut(usize, usize),
) -> Result<ModelCard, E> {
    let Registration {
        arch,
        spec,
        tokenizer,
        plan,
        setup,
        keys,
        seed,
    } = *registration;
    let whole_blocks = plan.shape(LayerKind::Block).is_some();
    let kinds = layer_kinds(arch.layers, whole_blocks);
    let mut layers: Vec<Option<CardLayer>> = vec![None; kinds.len()];
    let mut checked = HashMap::new();
    let mut done = 0;
    progress(done, kinds.len());
    for choice in &plan.choices {
        let shape = choice.shape;
        let layer = Layer::new(shape).map_err(Error::from)?;
        let key = keys.verifying_key(&layer, setup).map_err(Error::from)?;
        checked.insert(shape, key.clone());
        for (index, &(kind, block)) in kinds.iter().enumerate() {
            if kind != shape.kind {
                continue;
            }
            let mut commitments = None;
            weights(kind, block, &mut |weights| {
                let columns = weight_columns(&layer, weights, seed, index);
                let commit = |c| Point(commit_column(setup.params(), c));
                commitments = Some(columns.into_par_iter().map(commit).collect());
            })?;
            layers[index] = Some(CardLayer {
                kind,
                plan: shape.plan,
                verifying_key: Digest32(key.digest()),
                weights: commitments.expect("the weights were given"),
            });
            done += 1;
            progress(done, kinds.len());
        }
    }
    let layers = layers.into_iter();
    let card = ModelCard {
        format: CARD_FORMAT.into(),
        architecture: arch,
        spec,
        tokenizer: Digest32(tokenizer),
        tokens: plan.choices[0].shape.tokens,
        setup: Digest32(setup.id()),
        development_setup: setup.is_development(),
        layers: layers
            .map(|l| l.expect("the plan has every kind of the model"))
            .collect(),
    };
    // What no verifier would accept is not registered either.
    check_manifest(&card, &checked).map_err(Error::from)?;
    Ok(card)
}
