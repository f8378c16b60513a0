//! Everything that can go wrong.

use crate::Digest32;
use crate::received::Unaccepted;
use crate::setups;
use nanozk_prover::files::FileError;
#[cfg(feature = "prove")]
use std::path::PathBuf;

/// Why something was not imported, run, proved or accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A session is not accepted; [`Unaccepted::is_rejection`] says whether it was judged.
    #[error(transparent)]
    Unaccepted(#[from] Unaccepted),
    /// Layers that were asked for have no proof.
    #[error("{} of {all} layers have no proof: {missing:?}", missing.len())]
    Unproved {
        /// Numbers of these layers, from zero.
        missing: Vec<usize>,
        /// Layers of the model.
        all: usize,
    },
    /// The model was registered under the development setup, which the verifier did not accept.
    #[error(
        "the model was registered under the development setup, whose secret is public: proofs about it prove nothing"
    )]
    Development,
    /// A key of final proofs is not the one that was expected.
    #[error("the key of final proofs has the digest {got}, not {expected}")]
    OtherKey {
        /// Expected.
        expected: Digest32,
        /// Of the file.
        got: Digest32,
    },
    /// The setup is not there, or another one.
    #[error(transparent)]
    Setup(#[from] setups::Error),
    /// A file could not be read or written, or has something else.
    #[error(transparent)]
    File(#[from] FileError),
    /// A manifest, a claim or a proof is refused.
    #[error(transparent)]
    Refused(#[from] nanozk_verifier::Error),
    /// No proof can be made.
    #[error(transparent)]
    Prover(#[from] nanozk_prover::Error),
    /// A checkpoint, a tokenizer or a text cannot be used.
    #[cfg(feature = "prove")]
    #[error(transparent)]
    Model(Box<nanozk_model::Error>),
    /// The integer model cannot run these tokens.
    #[cfg(feature = "prove")]
    #[error(transparent)]
    Executor(#[from] nanozk_executor::Error),
    /// A directory is not a model's or a session's.
    #[cfg(feature = "prove")]
    #[error(transparent)]
    Directory(#[from] nanozk_prover::directory::WrongDirectory),
    /// A directory that is to be written has files.
    #[cfg(feature = "prove")]
    #[error("{} is not empty: choose another directory", path.display())]
    Occupied {
        /// Where.
        path: PathBuf,
    },
    /// A file could not be copied.
    #[cfg(feature = "prove")]
    #[error("cannot copy {} of the checkpoint", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Sessions do not fit the model's context.
    #[cfg(feature = "prove")]
    #[error("sessions of {tokens} tokens need {needed} positions, the model has {context}")]
    Positions {
        /// Tokens asked for, prompt and answer together.
        tokens: usize,
        /// The least power of two, from four, that holds them.
        needed: usize,
        /// Positions that the model was trained for.
        context: usize,
    },
    /// The model directory has no commitments, so that nothing can be proved.
    #[cfg(feature = "prove")]
    #[error("{} was imported without commitments: import the model again without --no-commitments", path.display())]
    WithoutCommitments {
        /// The model directory.
        path: PathBuf,
    },
    /// The manifest in a model directory is none.
    #[cfg(feature = "prove")]
    #[error("{} is not valid: import the model again", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<Error>,
    },
    /// A file of a model directory or of a session has another format.
    #[cfg(feature = "prove")]
    #[error("{}: format {got:?} where {expected:?} is needed", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Needed.
        expected: &'static str,
        /// Found.
        got: String,
    },
    /// The quantized model has other dimensions than the manifest.
    #[cfg(feature = "prove")]
    #[error("{} is another model than manifest.json describes: import the model again", path.display())]
    OtherModel {
        /// The file.
        path: PathBuf,
    },
    /// The tokenizer is not the registered one.
    #[cfg(feature = "prove")]
    #[error("{} is not the registered tokenizer: its SHA-256 is {got}, not {expected}", path.display())]
    OtherTokenizer {
        /// The file.
        path: PathBuf,
        /// Registered.
        expected: Digest32,
        /// Found.
        got: Digest32,
    },
    /// The owner's secret cannot be read.
    #[cfg(feature = "prove")]
    #[error("proving needs the seed that blinds the weight commitments")]
    Secret(#[source] FileError),
    /// The checkpoint in a model directory cannot be read.
    #[cfg(feature = "prove")]
    #[error("cannot load the float model that this one was quantized from")]
    Float(#[source] Box<nanozk_model::Error>),
    /// Nobody measured the importance of the layers.
    #[cfg(feature = "prove")]
    #[error("a budget needs the importance of each layer: first run nanozk importance --model {} --text <file>", path.display())]
    NoImportance {
        /// The model directory.
        path: PathBuf,
    },
    /// The importance in a file is of another model.
    #[cfg(feature = "prove")]
    #[error("{} is of another model version: run nanozk importance again", path.display())]
    OtherImportance {
        /// The file.
        path: PathBuf,
    },
    /// There are more or fewer layers than the model has.
    #[cfg(feature = "prove")]
    #[error("importance of {got} layers where the model has {expected}")]
    ImportanceLayers {
        /// Layers of the model.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// A request, or an answer to one, is not what it says.
    #[cfg(all(feature = "prove", feature = "chain"))]
    #[error(transparent)]
    Chain(Box<nanozk_chain::Error>),
    /// The request is for another model.
    #[cfg(all(feature = "prove", feature = "chain"))]
    #[error("the request is for model {got}, this is {expected}")]
    OtherRequest {
        /// This model.
        expected: Digest32,
        /// The request's.
        got: Digest32,
    },
    /// The request does not say who is paid.
    #[cfg(all(feature = "prove", feature = "chain"))]
    #[error("the request names no provider: say who is paid")]
    NoRecipient,
}

#[cfg(feature = "prove")]
impl From<nanozk_model::Error> for Error {
    fn from(e: nanozk_model::Error) -> Self {
        Self::Model(Box::new(e))
    }
}

#[cfg(all(feature = "prove", feature = "chain"))]
impl From<nanozk_chain::Error> for Error {
    fn from(e: nanozk_chain::Error) -> Self {
        Self::Chain(Box::new(e))
    }
}
