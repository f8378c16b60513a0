//! Proofs of a quantized transformer's inference, layer by layer.
//!
//! * [`plonk`]: proving keys and proofs of any program; [`check`]: its gates, row by row, without a proof.
//! * [`keys`]: keys by shape, cached on disk.
//! * [`registration`]: commitments to a model's weights.
//! * [`session`]: a claim and its proofs, in a directory, resumable; [`aggregate`]: one proof for all of them.
//! * [`joint`]: registration and sessions for joint proofs, which are to replace those of layers.
//! * [`synthetic`]: layers of models that need not exist, for benchmarks.
//! * [`audit`]: which layers to prove when not all are.
//! * [`files`]: files that are whole or absent; [`directory`]: what a directory is.

pub mod aggregate;
pub mod audit;
pub mod check;
pub mod directory;
pub mod files;
pub mod joint;
pub mod keys;
pub mod plonk;
pub mod registration;
pub mod session;
pub mod synthetic;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// The model cannot run these tokens.
    #[error(transparent)]
    Executor(#[from] nanozk_executor::Error),
    /// A layer does not fit its circuit.
    #[error("the layer does not fit its circuit: {0}")]
    TooLarge(#[from] nanozk_circuits::composer::TooLarge),
    /// No circuit fits a layer.
    #[error(transparent)]
    NoPlan(#[from] nanozk_circuits::plan::NoPlan),
    /// A value has no place in the circuit's tables.
    #[error("the run cannot be proved: {0}")]
    NotInTable(#[from] nanozk_circuits::witness::NotInTable),
    /// The proof system refused.
    #[error(transparent)]
    Plonk(#[from] plonk::Error),
    /// The session is not consistent.
    #[error(transparent)]
    Session(#[from] nanozk_verifier::session::SessionError),
    /// No joint proof can be made, or one that was made is not valid.
    #[error(transparent)]
    Joint(#[from] nanozk_verifier::joint::Error),
    /// The joint argument refused.
    #[error("no joint proof can be made: {0}")]
    Argument(#[from] nanozk_argument::Error),
    /// A value has no place in a program's tensors.
    #[error("this cannot be proved: {0}")]
    OutOfRange(#[from] nanozk_circuit::OutOfRange),
    /// A program has no place in columns.
    #[error(transparent)]
    Layout(#[from] nanozk_circuit::LayoutError),
    /// No layout is within the limits.
    #[error(transparent)]
    JointPlan(#[from] nanozk_circuit::PlanError),
    /// Even one layer takes more memory than is allowed.
    #[error(
        "proving one layer takes about {needed} bytes, more than the {allowed} that are allowed"
    )]
    Memory {
        /// Bytes that the smallest windows take.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// Nothing to claim.
    #[error("a session needs at least one prompt token and one generated token")]
    NothingGenerated,
    /// The sequence does not fit the registered number of positions.
    #[error("{tokens} tokens where the model version is registered for {registered} positions")]
    TooLong {
        /// Prompt and generated tokens.
        tokens: usize,
        /// Positions of the model version.
        registered: usize,
    },
    /// A token is not what the model generates.
    #[error("the token at position {position} is not the one the model generates")]
    NotGenerated {
        /// Position.
        position: usize,
    },
    /// The session belongs to another model version.
    #[error("the session's model id is not that of its card")]
    SessionOfAnotherModel,
    /// A node of an aggregate was proved, but the proof is not valid.
    #[error("node {index} of level {level}: {source}")]
    Node {
        /// Level, from the layers up.
        level: usize,
        /// Index in the level.
        index: usize,
        /// Why.
        source: nanozk_verifier::Error,
    },
    /// The caller has no setup of this size.
    #[error("no setup for 2^{k} rows: {source}")]
    NoSetup {
        /// Binary logarithm of the rows.
        k: u32,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The seed of the weights' blinding is another one than at registration, or the weights are.
    #[error("seed and weights do not give the commitments that were registered (layer {layer}): one of them was changed, or is of another model")]
    WeightSeed {
        /// Layer.
        layer: usize,
    },
    /// A layer does not exist.
    #[error("there is no layer {layer}: the model has {layers}, counted from zero")]
    NoSuchLayer {
        /// Asked for.
        layer: usize,
        /// Number of layers.
        layers: usize,
    },
    /// More openings would let somebody compute the activations.
    #[error("layer {layer}: its boundary was already opened at {openings} points, and may not be opened at more; make a new session")]
    OpenedTooOften {
        /// Layer.
        layer: usize,
        /// Points so far.
        openings: usize,
    },
}
