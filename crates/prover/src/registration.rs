//! Commitments to a model's weights, and its manifest.

use crate::{Error, blinding};
use halo2curves::bn256::Fr;
use nanozk_argument::commit;
use nanozk_circuit::{ColumnData, ColumnId, ColumnKind, Layout, Objective, Plan, Program, Values};
use nanozk_executor::QuantizedModel;
use nanozk_layers::head::rows;
use nanozk_layers::{Layer, Layers, Packing, Selection, Shape, Weights};
use nanozk_recursion::node::{MAX_COMMITMENTS, Nodes};
use nanozk_verifier::hex::{Digest32, Point};
use nanozk_verifier::{
    CheckedManifest, MANIFEST_FORMAT, Manifest, Parameters, check_shape, program_list,
};
use std::collections::BTreeMap;

/// The planner takes one of so many positions to be a generated token.
const POSITIONS_A_TOKEN: usize = 4;

/// What a model's weights come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Both embeddings.
    Embed,
    /// A block.
    Block(usize),
    /// The vocabulary projection.
    Head,
}

impl Part {
    fn of(layer: Layer) -> Self {
        match layer {
            Layer::Embed => Self::Embed,
            Layer::Attention(block) | Layer::Mlp(block) => Self::Block(block),
            Layer::Head => Self::Head,
        }
    }

    /// The part of a model that is in memory.
    pub fn weights(self, model: &QuantizedModel) -> Weights<'_> {
        match self {
            Self::Embed => Weights::Embed(&model.wte, &model.wpe),
            Self::Block(block) => {
                Weights::Block(block, &model.layers[block], model.rotation.as_ref())
            }
            Self::Head => Weights::Head(&model.head),
        }
    }
}

/// Chooses the length of columns for joint proofs of all layers. Fails if no verifier would accept a model of this shape.
///
/// Each window of layers that is proved by itself has a node over it, so columns are as long as it takes for few windows; and
/// no longer, where a node could not verify larger ones all the same.
pub fn plan(shape: &Shape, objective: &Objective) -> Result<Plan, Error> {
    shape.validate()?;
    let all = Layer::count(shape.architecture.layers);
    let rows_of_plan = rows(shape.positions / POSITIONS_A_TOKEN);
    let (program, layers) = program_of(shape, 0..all, rows_of_plan)?;
    let nodes = Nodes::new()?;
    let mut windows = 1;
    loop {
        let objective = Objective {
            commitments: Some(windows * MAX_COMMITMENTS),
            ..*objective
        };
        let plan = nanozk_layers::plan(&program, shape, &layers, &objective)?;
        let packing = check_shape(shape, plan.layout.k(), fractions(&plan))?;
        let fit = (0..windows).try_for_each(|i| {
            let bound = |i: usize| i * all / windows;
            let longest = rows(shape.positions - 1);
            let (p, layers) = program_of(shape, bound(i)..bound(i + 1), longest)?;
            let registry = packing.registry(&p, &layers);
            let layout = Layout::new(&p, packing.k(), fractions(&plan) as usize, &registry)?;
            let fits = nodes.check_joint((&p, &layout), packing.streams());
            fits.map_err(|e| Error::from(nanozk_verifier::Error::from(e)))
        });
        // With a window for each layer, what does not fit is refused when programs are registered.
        if fit.is_ok() || 2 * windows > all {
            return Ok(plan);
        }
        windows *= 2;
    }
}

/// The program of some consecutive layers.
fn program_of(
    shape: &Shape,
    window: std::ops::Range<usize>,
    rows: usize,
) -> Result<(Program, Layers), Error> {
    let numbers: Vec<usize> = window.collect();
    let blocks = shape.architecture.layers;
    let selection = Selection::new(&numbers, blocks).map_err(nanozk_verifier::Error::from)?;
    let mut program = Program::new();
    let layers = Layers::new(&mut program, shape, &selection, rows)?;
    Ok((program, layers))
}

/// Lanes with one helper of proofs by a plan.
pub fn fractions(plan: &Plan) -> u32 {
    u32::try_from(plan.estimate.fractions).expect("a few")
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
    /// For columns of a plan.
    pub fn new(plan: &Plan) -> Self {
        // Microseconds to commit to a weight, and bytes of it; a setup of twice as many powers as a column has rows, and the
        // powers once more.
        const MICROSECONDS: f64 = 0.2;
        const WEIGHT_BYTES: u64 = 4;
        const POWER_BYTES: u64 = 2 * 64 + 64;
        let columns = plan.layout.columns().iter();
        let weights = columns.filter(|c| matches!(c.kind, ColumnKind::Weight(_)));
        let (rows, columns) = (plan.layout.rows() as u64, weights.count() as u64);
        Self {
            peak_bytes: rows * (columns * WEIGHT_BYTES + POWER_BYTES),
            cpu_seconds: (rows * columns) as f64 * MICROSECONDS * 1e-6,
        }
    }
}

/// What blinds the commitment to a column of weights.
pub(crate) fn weight_tail(seed: &[u8; 32], column: u32, cells: &ColumnData) -> Vec<Fr> {
    blinding(seed, "weights", column, cells)
}

/// Fills columns of weights. `weights(part, take)` calls `take` with a part of the model, which need not be in memory before
/// or after; `done(column, cells)` is given each wanted column once, as soon as it is complete.
pub(crate) fn weight_columns<E: From<Error>>(
    shape: &Shape,
    packing: &Packing,
    wanted: impl Fn(u32) -> bool,
    mut weights: impl FnMut(Part, &mut dyn FnMut(Weights<'_>)) -> Result<(), E>,
    mut done: impl FnMut(u32, ColumnData),
) -> Result<(), E> {
    let blocks = shape.architecture.layers;
    let mut program = Program::new();
    let layers =
        Layers::new(&mut program, shape, &Selection::all(blocks), 1).map_err(Error::from)?;
    let registry = packing.registry(&program, &layers);
    // Only weights are filled: how lookups are grouped does not matter.
    let layout = Layout::new(&program, packing.k(), 1, &registry).map_err(Error::from)?;
    let ids: BTreeMap<u32, ColumnId> = layout
        .enumerate()
        .filter_map(|(id, column)| match column.kind {
            ColumnKind::Weight(number) => Some((number, id)),
            _ => None,
        })
        .collect();
    let parts_of = |number: u32| {
        let layers = packing.weights().get(number as usize);
        layers.into_iter().flatten().map(|layer| Part::of(*layer))
    };
    let mut values = Values::new(&program, &layout, Vec::new());
    let blocks = (0..blocks).map(Part::Block);
    for part in blocks.chain([Part::Embed, Part::Head]) {
        let mut own = ids.keys().copied().filter(|number| wanted(*number));
        if own.any(|number| parts_of(number).any(|other| other == part)) {
            let mut filled = Ok(());
            weights(part, &mut |weights| {
                filled = layers.fill_weights(&mut values, weights);
            })?;
            filled.map_err(Error::from)?;
        }
        for (number, id) in &ids {
            if parts_of(*number).next_back() == Some(part) {
                let empty = ColumnData::empty(layout.column(*id).cells);
                let cells = values.column(*id).clone();
                values.set_column(*id, empty);
                if wanted(*number) {
                    done(*number, cells);
                }
            }
        }
    }
    Ok(())
}

/// What a model is registered with.
#[derive(Clone, Copy)]
pub struct Registration<'a> {
    /// Dimensions, number formats, positions of sessions.
    pub shape: Shape,
    /// SHA-256 of the tokenizer.
    pub tokenizer: Digest32,
    /// Binary logarithm of the rows of a column.
    pub k: u32,
    /// Lanes of a proof that have one helper, at most.
    pub fractions: u32,
    /// The setup.
    pub parameters: &'a Parameters,
    /// Whether the setup's secret is public.
    pub development: bool,
    /// Seed of the blinding.
    pub seed: &'a [u8; 32],
}

/// Commits to all weights. `weights(part, take)` calls `take` with a part of the model: blocks in order, then the embedding,
/// then the head. `progress(done, all)` counts columns.
pub fn register<E: From<Error>>(
    registration: &Registration<'_>,
    weights: impl FnMut(Part, &mut dyn FnMut(Weights<'_>)) -> Result<(), E>,
    mut progress: impl FnMut(usize, usize),
) -> Result<CheckedManifest, E> {
    let Registration {
        shape,
        tokenizer,
        k,
        fractions,
        parameters,
        development,
        seed,
    } = *registration;
    // Before anything takes long.
    let packing = check_shape(&shape, k, fractions).map_err(Error::from)?;
    parameters.check_size(k).map_err(Error::from)?;
    let all = packing.weights().len();
    let mut points = BTreeMap::new();
    progress(0, all);
    weight_columns(
        &shape,
        &packing,
        |_| true,
        weights,
        |column, cells| {
            let tail = weight_tail(seed, column, &cells);
            points.insert(column, Point(commit(&parameters.basis, &cells, k, &tail)));
            progress(points.len(), all);
        },
    )?;
    let manifest = Manifest {
        format: MANIFEST_FORMAT.into(),
        architecture: shape.architecture,
        spec: shape.spec,
        tokenizer,
        tokens: shape.positions,
        setup: parameters.id,
        development_setup: development,
        k,
        fractions,
        weights: points.into_values().collect(),
        programs: Vec::new(),
    };
    // What no verifier would accept is not registered either.
    let checked = CheckedManifest::new(manifest).map_err(Error::from)?;
    checked.check_setup(parameters).map_err(Error::from)?;
    Ok(checked)
}

/// Consecutive layers, all of a model, in the fewest equal windows of which each has a proof, and a node over it: one, unless
/// the model is large. As first layers and numbers of layers.
pub fn widest_windows(
    manifest: &CheckedManifest,
    nodes: &Nodes,
    parameters: &Parameters,
) -> Result<Vec<(u32, u32)>, Error> {
    let all = manifest.layers();
    let longest = rows(manifest.manifest().tokens - 1) as u32;
    let mut count = 1;
    loop {
        let bound = |i: usize| i * all / count;
        let windows = (0..count).map(|i| (bound(i) as u32, (bound(i + 1) - bound(i)) as u32));
        let windows: Vec<(u32, u32)> = windows.collect();
        let fit = windows.iter().try_for_each(|&(first, count)| {
            manifest.check_window((first, count))?;
            // A node takes so many commitments and no more.
            let place = [first, count, longest];
            manifest.program_of(nodes, place, parameters).map(drop)
        });
        match fit {
            Ok(()) => return Ok(windows),
            Err(e) if count == all => return Err(e.into()),
            Err(_) => count = (2 * count).min(all),
        }
    }
}

/// Adds the programs that proofs on chain are of, from the setup alone: each layer, and these windows. `progress(done, all)`
/// counts programs.
pub fn add_programs(
    manifest: CheckedManifest,
    windows: &[(u32, u32)],
    nodes: &Nodes,
    parameters: &Parameters,
    mut progress: impl FnMut(usize, usize),
) -> Result<CheckedManifest, Error> {
    let list = program_list(
        manifest.layers() as u32,
        manifest.manifest().tokens,
        windows,
    );
    let mut programs = Vec::with_capacity(list.len());
    for place in &list {
        progress(programs.len(), list.len());
        programs.push(manifest.program_of(nodes, *place, parameters)?);
    }
    progress(programs.len(), list.len());
    let manifest = Manifest {
        programs,
        ..manifest.manifest().clone()
    };
    Ok(CheckedManifest::new(manifest)?)
}
