//! Files that are either whole or absent.

use serde::{de::DeserializeOwned, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The content is not what it should be.
    #[error("{} is not valid: {reason}", path.display())]
    Content {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|source| FileError::Io {
        action: "read",
        path: path.into(),
        source,
    })
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    serde_json::from_slice(&read(path)?).map_err(|e| FileError::Content {
        path: path.into(),
        reason: e.to_string(),
    })
}

/// Writes a file through a temporary one beside it, so that nobody ever sees a part of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let fail = |action| {
        move |source| FileError::Io {
            action,
            path: path.into(),
            source,
        }
    };
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fail("create"))?;
    file.write_all(bytes).map_err(fail("write"))?;
    file.as_file().sync_all().map_err(fail("write"))?;
    file.persist(path).map_err(|e| FileError::Io {
        action: "write",
        path: path.into(),
        source: e.error,
    })?;
    Ok(())
}

/// Writes a JSON file.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data serializes");
    bytes.push(b'\n');
    write(path, &bytes)
}

/// Creates a directory and its parents.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(|source| FileError::Io {
        action: "create",
        path: path.into(),
        source,
    })
}
