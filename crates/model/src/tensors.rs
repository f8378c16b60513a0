//! Safetensors files whose tensors are read when they are needed.
//!
//! Files are read, not mapped into memory: one that becomes shorter meanwhile is an error and not a signal, and what was
//! read counts as memory only as long as it is used.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use safetensors::tensor::{Metadata, TensorInfo};

use crate::checkpoint::announced;
use crate::error::{Error, Result};
use crate::source;

/// Greatest length of a header, as for the `safetensors` library.
const MAX_HEADER: u64 = 100_000_000;

/// An open file, its header read and checked.
#[derive(Debug)]
pub(crate) struct TensorFile<R = File> {
    path: PathBuf,
    data: Mutex<R>,
    metadata: Metadata,
    /// Where the data begins.
    start: u64,
}

impl TensorFile {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = source::open(path)?;
        let length = match file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(source) => {
                return Err(Error::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        Self::new(file, length, path)
    }
}

impl<R: Read + Seek> TensorFile<R> {
    /// Reads the header of `length` bytes of data; tells truncation from a wrong header. `path` is for messages.
    pub(crate) fn new(mut data: R, length: u64, path: &Path) -> Result<Self> {
        let failed = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        let malformed = |reason: String| Error::Malformed {
            path: path.to_owned(),
            reason,
        };
        let truncated = |expected| Error::Truncated {
            path: path.to_owned(),
            expected,
            got: length,
        };
        let mut head = Vec::new();
        (&mut data).take(8).read_to_end(&mut head).map_err(failed)?;
        let Some(size) = head.first_chunk::<8>() else {
            return Err(truncated(8));
        };
        let size = u64::from_le_bytes(*size);
        if size > MAX_HEADER {
            return Err(malformed(format!("a header of {size} bytes")));
        }
        (&mut data)
            .take(size)
            .read_to_end(&mut head)
            .map_err(failed)?;
        let start = size + 8;
        if (head.len() as u64) < start {
            return Err(truncated(start));
        }
        let metadata: Metadata = match serde_json::from_slice(&head[8..]) {
            Ok(metadata) => metadata,
            Err(e) => match announced(&head) {
                Some(expected) if expected > length => return Err(truncated(expected)),
                _ => return Err(malformed(e.to_string())),
            },
        };
        let expected = start + metadata.data_len() as u64;
        match expected.cmp(&length) {
            std::cmp::Ordering::Greater => Err(truncated(expected)),
            std::cmp::Ordering::Less => Err(malformed(format!(
                "{} bytes follow the last tensor",
                length - expected
            ))),
            std::cmp::Ordering::Equal => Ok(Self {
                path: path.to_owned(),
                data: Mutex::new(data),
                metadata,
                start,
            }),
        }
    }

    /// Header.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Element type, shape and place of a tensor.
    pub(crate) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// The bytes of a tensor.
    pub(crate) fn read(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        let (from, to) = info.data_offsets;
        let mut bytes = vec![0; to - from];
        // Nothing is left half done in a file that is only read.
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        data.seek(SeekFrom::Start(self.start + from as u64))
            .and_then(|_| data.read_exact(&mut bytes))
            .map_err(|source| Error::Io {
                path: self.path.clone(),
                source,
            })?;
        Ok(bytes)
    }
}
