//! What a directory is that this program wrote, told by its files: the one place that knows.

use crate::files::{self, FileError};
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};

/// What a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An imported model.
    Model,
    /// A model imported without commitments.
    Quantized,
    /// A session.
    Session,
    /// A served answer, of which nothing is claimed yet.
    Served,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Model => "model directory",
            Kind::Quantized => "model directory without commitments",
            Kind::Session => "session directory",
            Kind::Served => "served answer without a claim",
        })
    }
}

/// In the order in which they are told: sessions have a model's file too, and may have been served; models have what those
/// without commitments have.
const KINDS: [Kind; 4] = [Kind::Session, Kind::Served, Kind::Model, Kind::Quantized];

/// A directory is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{} is not a {expected}: {}", path.display(), self.why())]
pub struct WrongDirectory {
    /// Where.
    pub path: PathBuf,
    /// Asked for.
    pub expected: Kind,
    /// Found.
    pub got: Option<Kind>,
}

impl WrongDirectory {
    fn why(&self) -> String {
        match self.got {
            Some(Kind::Served) if self.expected == Kind::Session => format!(
                "it is a {} (make one with {})",
                Kind::Served,
                "nanozk receipt claim"
            ),
            Some(got) => format!("it is a {got}"),
            None if !self.path.is_dir() => "there is no such directory".into(),
            None => {
                let (marker, command) = (self.expected.marker(), self.expected.command());
                format!("it has no {marker} (make one with {command})")
            }
        }
    }
}

impl Kind {
    /// The file by which a directory is known. A session has a model's manifest too.
    pub fn marker(self) -> &'static str {
        match self {
            Kind::Model => "manifest.json",
            // A model with commitments has it too.
            Kind::Quantized => "generation.json",
            Kind::Session => "claim.json",
            Kind::Served => "receipt.json",
        }
    }

    /// Whether it is a model that can be run and proved.
    pub fn is_registered(self) -> bool {
        self == Kind::Model
    }

    fn command(self) -> &'static str {
        match self {
            Kind::Model => "nanozk model import",
            Kind::Quantized => "nanozk model import --no-commitments",
            Kind::Session => "nanozk run",
            Kind::Served => "nanozk serve",
        }
    }

    /// What a directory is, if it is one of ours.
    pub fn of(path: &Path) -> Option<Kind> {
        KINDS
            .into_iter()
            .find(|kind| path.join(kind.marker()).is_file())
            // What is left of a session without its claim is no model.
            .filter(|kind| !kind.is_registered() || !path.join("proofs").exists())
    }

    /// Fails unless a directory is of this kind.
    pub fn check(self, path: &Path) -> Result<(), WrongDirectory> {
        match Kind::of(path) {
            Some(kind) if kind == self => Ok(()),
            got => Err(WrongDirectory {
                path: path.into(),
                expected: self,
                got,
            }),
        }
    }

    /// Whether a directory is of this kind and this program wrote its marker, which is more than that a file is
    /// called so.
    pub fn wrote(self, path: &Path) -> bool {
        let format = || -> Result<bool, FileError> {
            let marker: Value = files::read_json_of_session(&path.join(self.marker()))?;
            Ok(marker["format"]
                .as_str()
                .is_some_and(|f| f.starts_with("nanozk-")))
        };
        Kind::of(path) == Some(self) && format().unwrap_or(false)
    }

    /// Whether a directory of this kind may take the place of what is at a path. One command imports all models, and one
    /// makes all sessions.
    pub fn replaces(self, path: &Path) -> bool {
        let alike: &[Kind] = match self {
            Kind::Model | Kind::Quantized => &[Kind::Model, Kind::Quantized],
            Kind::Session => &[Kind::Session],
            Kind::Served => &[],
        };
        alike.iter().any(|kind| kind.wrote(path))
    }

    /// Whether directories of this kind hold what no command can make again: a secret, or an answer.
    pub fn is_irreplaceable(self) -> bool {
        matches!(self, Kind::Model | Kind::Session | Kind::Served)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_files() {
        let dir = tempfile::tempdir().expect("created");
        let path = dir.path();
        assert_eq!(Kind::of(path), None);
        let put = |name: &str, text: &str| std::fs::write(path.join(name), text).expect("written");
        put("manifest.json", "{}");
        assert_eq!(Kind::of(path), Some(Kind::Model));
        assert!(!Kind::Model.wrote(path), "somebody else's file");
        put("manifest.json", r#"{"format": "nanozk-manifest-3"}"#);
        assert!(Kind::Model.wrote(path) && !Kind::Session.wrote(path));
        // So has a model without commitments a file by which it is known.
        let quantized = tempfile::tempdir().expect("created");
        let other = quantized.path();
        std::fs::write(other.join("generation.json"), "{}").expect("written");
        assert!(!Kind::Quantized.wrote(other), "somebody else's file");
        let text = r#"{"format": "nanozk-generation-1", "stop_tokens": []}"#;
        std::fs::write(other.join("generation.json"), text).expect("written");
        put("generation.json", text);
        assert_eq!(Kind::of(other), Some(Kind::Quantized));
        assert_eq!(Kind::of(path), Some(Kind::Model));
        for (kind, replaced) in [
            (Kind::Model, true),
            (Kind::Quantized, true),
            (Kind::Session, false),
        ] {
            assert_eq!(kind.replaces(path), replaced, "{kind}");
            assert_eq!(kind.replaces(other), replaced, "{kind}");
        }
        // A session has a manifest too.
        put("claim.json", r#"{"format": "nanozk-claim-3"}"#);
        assert!(Kind::Session.wrote(path) && !Kind::Model.wrote(path));
        assert!(Kind::Session.replaces(path) && !Kind::Model.replaces(path));
        let error = Kind::Model.check(path).expect_err("a session");
        assert!(
            error.to_string().ends_with("it is a session directory"),
            "{error}"
        );
        std::fs::remove_file(path.join("claim.json")).expect("removed");
        std::fs::create_dir(path.join("proofs")).expect("created");
        assert!(Kind::of(path).is_none() && !Kind::Model.wrote(path));
        let error = Kind::Session.check(path).expect_err("a rest");
        assert!(error.to_string().contains("has no claim.json"), "{error}");
        let error = Kind::Session
            .check(&path.join("nowhere"))
            .expect_err("nothing");
        assert!(error.to_string().contains("no such directory"), "{error}");
    }
}
