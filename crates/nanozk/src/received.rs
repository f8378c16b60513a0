//! A session directory that somebody else wrote, as a verifier reads it: which of its layers are proved.
//!
//! What comes cheapest is checked first, and the first thing that is refused ends it: whoever wrote a directory does not decide
//! what it costs to refuse it.

use crate::setups::{self, Setups};
use nanozk_prover::directory::{Kind, WrongDirectory};
use nanozk_prover::files::{self, FileError};
use nanozk_prover::session::SessionDir;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::{
    CLAIM_FORMAT, CheckedClaim, CheckedManifest, Claim, Error as Refused, FINAL_FORMAT, FinalFile,
    MANIFEST_FORMAT, Manifest, Parameters, ProofFile,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Why a session is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unaccepted {
    /// There is no session.
    #[error(transparent)]
    Directory(#[from] WrongDirectory),
    /// A file cannot be read, or has something else.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is of another version of this software.
    #[error("{}: format {got:?} where {expected:?} is needed: it was written by another version of nanozk", path.display())]
    OtherVersion {
        /// Where.
        path: PathBuf,
        /// Format needed.
        expected: &'static str,
        /// Format found.
        got: String,
    },
    /// Manifest, claim or final proof are refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A joint proof is refused.
    #[error("proofs/{name}: {reason}")]
    Proof {
        /// Name of its file.
        name: String,
        /// Why.
        reason: Box<BadProof>,
    },
    /// The verifier lacks the setup.
    #[error(transparent)]
    Setup(#[from] setups::Error),
}

/// Why a file has no joint proof that is accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadProof {
    /// No regular file, or too large.
    #[error(transparent)]
    File(FileError),
    /// The proof is refused.
    #[error(transparent)]
    Refused(Refused),
}

impl Unaccepted {
    /// Whether the session was judged and is not valid, as opposed to what could not be judged: a file that cannot be read or is
    /// of another version, a setup that is not there.
    pub fn is_rejection(&self) -> bool {
        match self {
            Self::Directory(_) | Self::OtherVersion { .. } | Self::Setup(_) => false,
            Self::File(FileError::Io { .. }) => false,
            Self::File(_) | Self::Refused(_) | Self::Proof { .. } => true,
        }
    }
}

/// A JSON file that somebody else wrote. Its format is looked at first, so that a file of another version is called so.
pub fn read<T: DeserializeOwned>(path: &Path, expected: &'static str) -> Result<T, Unaccepted> {
    #[derive(Deserialize)]
    struct Format {
        format: Option<String>,
    }
    let bytes = files::read_of_session(path)?;
    let invalid = |e: serde_json::Error| FileError::Content {
        path: path.into(),
        reason: e.to_string(),
    };
    let found: Format = serde_json::from_slice(&bytes).map_err(invalid)?;
    match found.format {
        Some(got) if got != expected => Err(Unaccepted::OtherVersion {
            path: path.into(),
            expected,
            got,
        }),
        _ => Ok(serde_json::from_slice(&bytes).map_err(invalid)?),
    }
}

/// A session of the model that a verifier asked for.
#[derive(Clone, Debug)]
pub struct Received {
    dir: SessionDir,
    manifest: CheckedManifest,
    claim: Claim,
}

/// What happens while joint proofs are verified.
#[derive(Debug)]
pub enum Event<'a> {
    /// All layers of a proof are proved already: it is not looked at.
    Skipped {
        /// Name of its file.
        name: &'a str,
        /// Its layers.
        layers: &'a [usize],
    },
    /// A proof is valid.
    Valid {
        /// Name of its file.
        name: &'a str,
        /// Its layers.
        layers: &'a [usize],
        /// Bytes of the file.
        bytes: usize,
        /// Time that opening and verifying it took.
        wall: Duration,
    },
    /// A proof is refused, which ends it.
    Refused {
        /// Name of its file.
        name: &'a str,
        /// Bytes of the file; zero if it was not read.
        bytes: usize,
        /// Why.
        reason: &'a BadProof,
    },
}

impl Received {
    /// Reads manifest and claim. The model id that was asked for binds all that the manifest says, so it is compared before
    /// anything takes memory or time.
    pub fn read(path: &Path, model_id: &Digest32) -> Result<Self, Unaccepted> {
        Kind::Session.check(path)?;
        let manifest: Manifest = read(&path.join("manifest.json"), MANIFEST_FORMAT)?;
        let manifest = CheckedManifest::of_model(manifest, model_id)?;
        let claim = read(&path.join("claim.json"), CLAIM_FORMAT)?;
        Ok(Self {
            dir: SessionDir::new(path),
            manifest,
            claim,
        })
    }

    /// The directory.
    pub fn session(&self) -> &SessionDir {
        &self.dir
    }

    /// The model.
    pub fn manifest(&self) -> &CheckedManifest {
        &self.manifest
    }

    /// The claim, if it fits the model.
    pub fn claim(&self) -> Result<CheckedClaim<'_>, Refused> {
        self.manifest.claim(self.claim.clone())
    }

    /// The final proof in a file; the session's own is at [`SessionDir::final_path`].
    pub fn final_file(path: &Path) -> Result<FinalFile, Unaccepted> {
        read(path, FINAL_FORMAT)
    }

    /// Verifies the joint proofs in the directory; gives the layers that are proved. A directory without proofs has none, which
    /// is no error.
    pub fn verify_joint(
        &self,
        claim: &CheckedClaim<'_>,
        setups: &Setups,
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<BTreeSet<usize>, Unaccepted> {
        let mut parameters: Option<Parameters> = None;
        let mut proved: BTreeSet<usize> = BTreeSet::new();
        for path in self.dir.proof_paths()? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let mut refuse = |reason: BadProof, bytes: usize| {
                events(Event::Refused {
                    name: &name,
                    bytes,
                    reason: &reason,
                });
                Unaccepted::Proof {
                    name: name.clone().into_owned(),
                    reason: Box::new(reason),
                }
            };
            let file = match files::read_of_session(&path) {
                Ok(file) => file,
                Err(e @ FileError::Io { .. }) => return Err(e.into()),
                Err(e) => return Err(refuse(BadProof::File(e), 0)),
            };
            let bytes = file.len();
            let mut refused = |e: Refused| refuse(BadProof::Refused(e), bytes);
            let proof = ProofFile::from_bytes(&file).map_err(&mut refused)?;
            let layers = claim.layers_of(&proof).map_err(&mut refused)?;
            if layers.iter().all(|layer| proved.contains(layer)) {
                events(Event::Skipped {
                    name: &name,
                    layers: &layers,
                });
                continue;
            }
            let clock = Instant::now();
            let opened = claim.open(&proof).map_err(&mut refused)?;
            let mut wall = clock.elapsed();
            // Large, and slow to make: after the first proof has the form that it must have.
            let parameters = match &mut parameters {
                Some(parameters) => parameters,
                none => none.insert(setups.checked_parameters(&self.manifest)?),
            };
            let clock = Instant::now();
            opened.verify(parameters).map_err(&mut refused)?;
            wall += clock.elapsed();
            events(Event::Valid {
                name: &name,
                layers: &layers,
                bytes,
                wall,
            });
            proved.extend(layers);
        }
        Ok(proved)
    }
}
