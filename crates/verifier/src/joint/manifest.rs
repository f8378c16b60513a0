//! A registered model version: what anybody may know of it, and its id.

use super::{check_tiles, CheckedClaim, Claim, Error, Parameters, MAX_REGISTERED_TILES, MAX_TILES};
use crate::card::{dimensions_digest, points_digest};
use crate::hex::{Digest32, Point};
use crate::statement::word;
use nanozk_argument::check_hiding;
use nanozk_circuit::{Layout, Program, Role};
use nanozk_executor::{Architecture, Spec};
use nanozk_layers::head::rows;
use nanozk_layers::{Layer, Layers, Packing, Selection, Shape};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// Format name of a manifest.
pub const MANIFEST_FORMAT: &str = "nanozk-manifest-2";

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
}

impl Manifest {
    /// `keccak256("nanozk-model-2" ‖ keccak256(json(architecture, spec)) ‖ tokenizer ‖ tokens ‖ setup ‖ development ‖ k ‖
    /// fractions ‖ keccak256(weight commitments))`, numbers as 32-byte big-endian words.
    pub fn model_id(&self) -> Digest32 {
        let mut hash = Keccak256::new();
        hash.update(b"nanozk-model-2");
        hash.update(dimensions_digest(&self.architecture, &self.spec));
        hash.update(self.tokenizer.0);
        hash.update(word(self.tokens as u64));
        hash.update(self.setup.0);
        hash.update(word(self.development_setup.into()));
        hash.update(word(self.k.into()));
        hash.update(word(self.fractions.into()));
        hash.update(points_digest(&self.weights));
        Digest32(hash.finalize().into())
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

/// A manifest that denotes one function.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedManifest {
    manifest: Manifest,
    id: Digest32,
    packing: Packing,
}

impl CheckedManifest {
    /// Checks that a model has these dimensions and as many commitments, so that its id denotes one function.
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
        Layer::count(self.blocks())
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
    pub(super) fn program(
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
