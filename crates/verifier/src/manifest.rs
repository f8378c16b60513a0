//! A registered model version: what anybody may know of it, and its id.

use crate::encoding::point_to_words;
use crate::hex::{Digest32, Point};
use crate::programs::{MAX_PROGRAMS, ProgramTree, RegisteredProgram, program_list, weights_of};
use crate::statement::word;
use crate::{CheckedClaim, Claim, Error, MAX_REGISTERED_TILES, MAX_TILES, Parameters, check_tiles};
use halo2curves::bn256::Fr;
use nanozk_argument::check_hiding;
use nanozk_circuit::{Layout, Program, Role};
use nanozk_executor::{Architecture, Spec};
use nanozk_layers::head::rows;
use nanozk_layers::{Layer, Layers, Packing, Selection, Shape};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;

/// Format name of a manifest.
pub const MANIFEST_FORMAT: &str = "nanozk-manifest-3";

/// Binary logarithms of the rows of a column: tables of 16 bits need the least; a setup of twice the greatest takes gigabytes.
const K: std::ops::RangeInclusive<u32> = 16..=24;
/// Lanes that have one helper.
const FRACTIONS: std::ops::RangeInclusive<u32> = 1..=16;

/// The public description of a model version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`].
    pub format: String,
    /// Dimensions.
    pub architecture: Architecture,
    /// Number formats.
    pub spec: Spec,
    /// SHA-256 of `tokenizer.json`.
    pub tokenizer: Digest32,
    /// Positions of a session.
    pub tokens: usize,
    /// Setup under which weights are committed.
    pub setup: Digest32,
    /// That setup's secret is public: proofs under it prove nothing.
    pub development_setup: bool,
    /// Binary logarithm of the rows of a column.
    pub k: u32,
    /// Lanes of a proof that have one helper, at most.
    pub fractions: u32,
    /// Commitments to the columns of weights.
    pub weights: Vec<Point>,
    /// What proofs on chain are of; none: sessions have no proofs on chain.
    pub programs: Vec<RegisteredProgram>,
}

impl Manifest {
    /// `keccak256("nanozk-model-3" ‖ keccak256(json(architecture, spec)) ‖ tokenizer ‖ keccak256(weight commitments) ‖ root of
    /// the programs ‖ setup ‖ tokens ‖ layers ‖ k ‖ fractions)`, numbers as 32-byte big-endian words.
    pub fn model_id(&self) -> Digest32 {
        let mut hash = Keccak256::new();
        hash.update(b"nanozk-model-3");
        hash.update(self.dimensions_digest());
        hash.update(self.tokenizer.0);
        hash.update(self.weights_digest());
        hash.update(self.program_tree().root());
        hash.update(self.setup.0);
        hash.update(word(self.tokens as u64));
        hash.update(word(self.layers() as u64));
        hash.update(word(self.k.into()));
        hash.update(word(self.fractions.into()));
        Digest32(hash.finalize().into())
    }

    /// `keccak256` of the dimensions and number formats.
    pub fn dimensions_digest(&self) -> [u8; 32] {
        let dimensions = serde_json::to_vec(&(&self.architecture, &self.spec));
        Keccak256::digest(dimensions.expect("plain numbers serialize")).into()
    }

    /// `keccak256` of the commitments to all weights.
    pub fn weights_digest(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        for word in self.weights.iter().flat_map(|p| point_to_words(&p.0)) {
            hash.update(word);
        }
        hash.finalize().into()
    }

    /// Number of layers, embedding and head included. Nobody has checked the dimensions yet.
    pub fn layers(&self) -> usize {
        self.architecture.layers.saturating_mul(2).saturating_add(2)
    }

    /// The tree over its programs.
    pub fn program_tree(&self) -> ProgramTree<'_> {
        ProgramTree::new(&self.programs, self.layers() as u32)
    }

    /// Dimensions, as programs take them.
    pub fn shape(&self) -> Shape {
        Shape {
            architecture: self.architecture,
            spec: self.spec,
            positions: self.tokens,
        }
    }
}

/// A manifest whose dimensions are a model's. It denotes one function if its programs have the keys of their layers, which
/// [`Self::check_programs`] computes.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedManifest {
    manifest: Manifest,
    id: Digest32,
    packing: Packing,
}

impl CheckedManifest {
    /// Checks that a model has these dimensions and as many commitments.
    pub fn new(manifest: Manifest) -> Result<Self, Error> {
        if manifest.format != MANIFEST_FORMAT {
            return Err(Error::Format {
                expected: MANIFEST_FORMAT,
                got: manifest.format,
            });
        }
        let packing = check_shape(&manifest.shape(), manifest.k, manifest.fractions)?;
        let (expected, got) = (packing.weights().len(), manifest.weights.len());
        if expected != got {
            return Err(Error::Weights { expected, got });
        }
        check_programs(&manifest, &packing)?;
        let id = manifest.model_id();
        Ok(Self {
            manifest,
            id,
            packing,
        })
    }

    /// The same, for whoever knows which model it must be.
    pub fn of_model(manifest: Manifest, expected: &Digest32) -> Result<Self, Error> {
        let got = manifest.model_id();
        if got != *expected {
            let expected = *expected;
            return Err(Error::WrongModel { expected, got });
        }
        Self::new(manifest)
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model id.
    pub fn id(&self) -> Digest32 {
        self.id
    }

    /// Where weights and activations lie.
    pub fn packing(&self) -> &Packing {
        &self.packing
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.manifest.architecture.layers
    }

    /// Number of layers, embedding and head included.
    pub fn layers(&self) -> usize {
        self.manifest.layers()
    }

    /// `embed`, `attention 0`, `mlp 0`, …, `head`.
    pub fn layer_names(&self) -> Vec<String> {
        let layers = (0..self.layers()).filter_map(|number| Layer::of(number, self.blocks()));
        layers.map(|layer| layer.to_string()).collect()
    }

    /// Whether the model was registered under this setup, and it is large enough.
    pub fn check_setup(&self, parameters: &Parameters) -> Result<(), Error> {
        if parameters.id != self.manifest.setup {
            return Err(Error::WrongSetup {
                expected: parameters.id,
                got: self.manifest.setup,
            });
        }
        let said = self.manifest.development_setup;
        if said != parameters.is_development {
            return Err(Error::DevelopmentSetup { said });
        }
        parameters.check_size(self.manifest.k)
    }

    /// The program of some layers of a session with so many generated tokens, and where its tensors lie.
    pub(crate) fn program(
        &self,
        selection: &Selection,
        generated: usize,
    ) -> Result<(Program, Layers, Layout), Error> {
        let (k, fractions) = (self.manifest.k, self.manifest.fractions);
        let shape = self.manifest.shape();
        lay_out(&shape, k, fractions, &self.packing, selection, generated)
    }

    /// Checks that a claim is one of this model.
    pub fn claim(&self, claim: Claim) -> Result<CheckedClaim<'_>, Error> {
        CheckedClaim::new(self, claim)
    }
}

/// Whether programs are of layers that there are, in the order that `program_list` has, and of the model's weights. Their keys
/// are not computed: that takes seconds each, and is for whoever trusts a version (`nanozk model verify`).
fn check_programs(manifest: &Manifest, packing: &Packing) -> Result<(), Error> {
    let (programs, layers) = (&manifest.programs, manifest.layers() as u32);
    if programs.len() > MAX_PROGRAMS {
        return Err(Error::Size {
            what: "programs",
            got: programs.len() as u64,
            min: 0,
            max: MAX_PROGRAMS as u64,
        });
    }
    if programs.is_empty() {
        return Ok(());
    }
    let own = |p: &RegisteredProgram| [p.first, p.count, p.rows];
    let is_window = |p: &&RegisteredProgram| {
        p.first
            .checked_add(p.count)
            .is_some_and(|end| p.count > 0 && end <= layers)
    };
    let windows: Vec<(u32, u32)> = programs
        .iter()
        .filter(is_window)
        .map(|p| (p.first, p.count))
        .collect();
    if !programs
        .iter()
        .map(own)
        .eq(program_list(layers, manifest.tokens, &windows))
    {
        return Err(Error::Programs);
    }
    let mut known: BTreeMap<(u32, u32), Fr> = BTreeMap::new();
    for (number, program) in programs.iter().enumerate() {
        let window = (program.first, program.count);
        let weights = match known.get(&window) {
            Some(weights) => *weights,
            None => weights_of(
                packing,
                &manifest.weights,
                manifest.architecture.layers,
                &program.layers(),
            )?,
        };
        known.insert(window, weights);
        if weights != program.weights.0 {
            return Err(Error::ProgramWeights { number });
        }
    }
    Ok(())
}

/// Where a model's tensors lie. Fails if no model has this shape, or none that a verifier would spend so much on, or if a
/// single layer of a session that it allows could not be proved.
pub fn check_shape(shape: &Shape, k: u32, fractions: u32) -> Result<Packing, Error> {
    let sizes = [
        ("columns of 2^k rows, k", k, K),
        ("lanes with one helper", fractions, FRACTIONS),
    ];
    for (what, got, range) in sizes {
        if !range.contains(&got) {
            return Err(Error::Size {
                what,
                got: got.into(),
                min: (*range.start()).into(),
                max: (*range.end()).into(),
            });
        }
    }
    // First: there are as many layers as this says.
    shape.validate().map_err(dimensions)?;
    if shape.positions < 2 {
        return Err(Error::Size {
            what: "positions",
            got: shape.positions as u64,
            // A prompt and an answer.
            min: 2,
            max: shape.architecture.context as u64,
        });
    }
    let blocks = shape.architecture.layers;
    let mut program = Program::new();
    Layers::new(&mut program, shape, &Selection::all(blocks), 1).map_err(dimensions)?;
    let is_registered = |role: &Role| matches!(role, Role::Weight { .. } | Role::Activation);
    let what = "blocks of weights and activations";
    check_tiles(&program, what, is_registered, MAX_REGISTERED_TILES)?;
    let packing = Packing::new(shape, k).map_err(dimensions)?;
    // Each kind of layer, in the longest session: all blocks are alike.
    for layer in [
        Layer::Embed,
        Layer::Attention(0),
        Layer::Mlp(0),
        Layer::Head,
    ] {
        let selection = Selection::new(&[layer.number(blocks)], blocks)?;
        let (program, _, layout) = lay_out(
            shape,
            k,
            fractions,
            &packing,
            &selection,
            shape.positions - 1,
        )?;
        check_hiding(&program, &layout).map_err(Error::Unprovable)?;
    }
    Ok(packing)
}

fn dimensions(e: nanozk_executor::Error) -> Error {
    Error::Dimensions(e.to_string())
}

/// The program of some layers, and where its tensors lie. Fails if they are too many for one proof.
fn lay_out(
    shape: &Shape,
    k: u32,
    fractions: u32,
    packing: &Packing,
    selection: &Selection,
    generated: usize,
) -> Result<(Program, Layers, Layout), Error> {
    let mut program = Program::new();
    let rows = rows(generated);
    let layers = Layers::new(&mut program, shape, selection, rows).map_err(dimensions)?;
    check_tiles(&program, "blocks of cells of a proof", |_| true, MAX_TILES)?;
    let registry = packing.registry(&program, &layers);
    let layout = Layout::new(&program, k, fractions as usize, &registry)
        .map_err(|reason| Error::Layout { k, reason })?;
    Ok((program, layers, layout))
}
