//! Whether a claim is proved: a model's manifest, a claim, joint proofs of sets of its layers (`docs/joint-proof.md`), and final
//! proofs over them (`docs/final-proof.md`).
//!
//! What comes from others is checked once, by a constructor that can fail: [`CheckedManifest::new`], then
//! [`CheckedManifest::claim`], then [`CheckedClaim::open`], then [`Opened::verify`]. What comes cheapest is checked first.

mod claim;
mod file;
mod final_key;
mod finished;
pub mod hex;
mod manifest;
mod programs;
pub mod statement;
pub mod verdict;

pub use nanozk_transcript::encoding;
pub use nanozk_transcript::poseidon::POINT_WORDS;

pub use claim::{
    CLAIM_FORMAT, CheckedClaim, Claim, GREEDY, Goal, Opened, activation_words, activations_digest,
    points_of_words,
};
pub use file::ProofFile;
pub use final_key::{CheckedFinalKey, FINAL_KEY_FORMAT, FinalKey};
pub use finished::{
    FINAL_FORMAT, FINAL_POWERS, FinalFile, FinalVerifier, ProvedClaim, ProvedWindow, Target, Tree,
    top_of, window_layers,
};
pub use manifest::{CheckedManifest, MANIFEST_FORMAT, Manifest, check_shape};
pub use programs::{ProgramTree, RegisteredProgram, node_key, program_list};

use crate::hex::{Digest32, Scalar};
use halo2curves::bn256::{G1Affine, G2Affine};
use nanozk_circuit::{LayoutError, Program, Role};
use nanozk_kzg::Basis;
use nanozk_layers::BadSelection;

/// Id of the development setup: its secret is public, so that proofs under it prove nothing to others.
pub const DEVELOPMENT_SETUP: Digest32 = Digest32([
    0x60, 0x92, 0x88, 0xb1, 0x30, 0x14, 0xbb, 0xb1, 0xb6, 0x06, 0x3c, 0xf7, 0xf5, 0x59, 0xd1, 0x92,
    0x81, 0xa2, 0x4e, 0xbc, 0x8e, 0xc5, 0x0f, 0x7d, 0x23, 0x47, 0x22, 0x05, 0xcd, 0xd0, 0xb5, 0xb9,
]);

/// Tiles of all tensors of a proof, at most: what a verifier spends on its layers before it looks at it. Dimensions that are
/// multiples of large powers of two have few: 2^16 weights a tile.
const MAX_TILES: usize = 1 << 18;
/// Tiles of a model's weights and of the activations between its layers, at most: what a verifier spends on a manifest.
const MAX_REGISTERED_TILES: usize = 1 << 20;

/// What verification takes of a setup.
pub struct Parameters {
    /// Powers of the secret: all that [`nanozk_argument::powers`] counts.
    pub basis: Basis,
    /// The second group's generator, and the secret times it.
    pub g2: [G2Affine; 2],
    /// Which setup this is.
    pub id: Digest32,
    /// Whether its secret is public.
    pub is_development: bool,
}

impl Parameters {
    /// From the powers of a setup that was checked. None if one is the point at infinity, which no setup has.
    pub fn new(
        powers: &[G1Affine],
        g2: [G2Affine; 2],
        id: Digest32,
        is_development: bool,
    ) -> Option<Self> {
        let basis = Basis::new(powers, 1).ok()?;
        Some(Self {
            basis,
            g2,
            id,
            is_development,
        })
    }

    /// Whether there are as many powers as proofs in columns of `2^k` rows take.
    pub fn check_size(&self, k: u32) -> Result<(), Error> {
        let (needed, got) = (nanozk_argument::powers(k), self.basis.len());
        match got < needed {
            true => Err(Error::SmallSetup { needed, got }),
            false => Ok(()),
        }
    }
}

/// Why a manifest, a claim or a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Written by another version, or something else.
    #[error("format {got:?} where {expected:?} is needed")]
    Format {
        /// Needed.
        expected: &'static str,
        /// Found.
        got: String,
    },
    /// No model has these dimensions or number formats.
    #[error("the manifest's dimensions or number formats are not valid: {0}")]
    Dimensions(String),
    /// A size of the argument is out of range.
    #[error("{what} {got}: {min} to {max} are possible")]
    Size {
        /// Which.
        what: &'static str,
        /// Found.
        got: u64,
        /// The least possible.
        min: u64,
        /// The greatest possible.
        max: u64,
    },
    /// The tensors have no place in columns of this length.
    #[error("no place in columns of 2^{k} rows: {reason}")]
    Layout {
        /// Binary logarithm of the rows.
        k: u32,
        /// Why.
        reason: LayoutError,
    },
    /// There are more or fewer commitments to weights than the dimensions take.
    #[error("{got} commitments to weights where the model's dimensions take {expected}")]
    Weights {
        /// Taken.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// The programs are not those of windows of consecutive layers.
    #[error(
        "the programs are not complete or not in order: each layer alone, and all wanted windows, the longest first"
    )]
    Programs,
    /// A program is said to use other weights.
    #[error("program {number} is not of the registered weights")]
    ProgramWeights {
        /// Which.
        number: usize,
    },
    /// A program's key is not what its layers give.
    #[error("program {number}: its key is {got}, and its layers give {expected}")]
    ProgramKey {
        /// Which.
        number: usize,
        /// Computed.
        expected: Scalar,
        /// Found.
        got: Scalar,
    },
    /// No program of the model proves a layer.
    #[error("the model was not registered with a program that proves layer {layer}")]
    NoProgram {
        /// The layer.
        layer: usize,
    },
    /// Tokens were chosen in a way that no program proves.
    #[error("decoding {got}: only greedy decoding (zero) can be proved")]
    Decoding {
        /// Found.
        got: Digest32,
    },
    /// The manifest is of another model than the one asked for.
    #[error("the manifest has id {got}, not {expected}")]
    WrongModel {
        /// Asked for.
        expected: Digest32,
        /// Found.
        got: Digest32,
    },
    /// The claim is of another model.
    #[error("the claim is of model {got}, not {expected}")]
    ClaimOfAnotherModel {
        /// The manifest's.
        expected: Digest32,
        /// The claim's.
        got: Digest32,
    },
    /// The model was registered under another setup than the verifier's.
    #[error("the model was registered under setup {got}, not {expected}")]
    WrongSetup {
        /// The verifier's.
        expected: Digest32,
        /// The manifest's.
        got: Digest32,
    },
    /// The manifest says something else of the setup's secret than is true.
    #[error("the manifest says {} development setup, but its setup is {}",
        if *said { "it is the" } else { "it is no" }, if *said { "another" } else { "that one" })]
    DevelopmentSetup {
        /// What it says.
        said: bool,
    },
    /// The verifier's setup is too small.
    #[error("the setup has {got} powers where {needed} are needed")]
    SmallSetup {
        /// Needed.
        needed: usize,
        /// There are.
        got: usize,
    },
    /// Prompt and generated tokens are none, or do not fit the registered positions.
    #[error(
        "{prompt} prompt tokens and {generated} generated ones in sessions of {positions} positions"
    )]
    Tokens {
        /// Of the prompt.
        prompt: u32,
        /// Generated.
        generated: u32,
        /// Registered.
        positions: usize,
    },
    /// There are more or fewer commitments to activations than pairs of neighbours.
    #[error("{got} commitments to activations where {expected} are needed")]
    Activations {
        /// Needed.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// No proof is of these layers.
    #[error(transparent)]
    Layers(#[from] BadSelection),
    /// The proof was made for another statement.
    #[error("the proof was made for another statement")]
    OtherStatement,
    /// Proofs of these layers have another length.
    #[error("the proof has {got} bytes where those of its layers have {expected}")]
    Length {
        /// Of all proofs of its layers.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// A file is no proof.
    #[error("{0}")]
    Malformed(&'static str),
    /// The bytes are no joint proof.
    #[error(transparent)]
    Decode(#[from] nanozk_argument::DecodeError),
    /// Proofs of these layers could not hide everything.
    #[error("no proof of these layers can be made: {0}")]
    Unprovable(nanozk_argument::Error),
    /// The proof is not valid.
    #[error("the proof is not valid: {0}")]
    Proof(#[from] nanozk_argument::Error),
    /// A node over a proof of these layers cannot be made.
    #[error("no node over a proof of these layers: {0}")]
    Node(#[from] nanozk_recursion::node::NodeError),
    /// The final proof is not valid, or the setup has too few powers for one.
    #[error("the final proof: {0}")]
    Final(#[from] nanozk_final::TopError),
    /// All but the last check passed: the opening's equation of pairings does not hold.
    #[error("the proof is not valid: its opening does not hold under this setup")]
    Pairing,
}

/// Refuses programs that would take a verifier long to lay out, by their tensors of some roles.
fn check_tiles(
    program: &Program,
    what: &'static str,
    counts: impl Fn(&Role) -> bool,
    max: usize,
) -> Result<(), Error> {
    let mut tiles = 0_usize;
    for (id, tensor) in program.enumerate() {
        if !tensor.is_committed() || !counts(&tensor.role) {
            continue;
        }
        let of_one = program
            .axes_of(id)
            .try_fold(1_usize, |product, axis| product.checked_mul(axis.tiles()));
        tiles = tiles.saturating_add(of_one.unwrap_or(usize::MAX));
    }
    if tiles > max {
        return Err(Error::Size {
            what,
            got: tiles as u64,
            min: 1,
            max: max as u64,
        });
    }
    Ok(())
}
