//! Reading the files of a checkpoint, and telling them from what only stands in for them.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// How much of a file is looked at to tell what it is.
const START: usize = 1024;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(|source| access(path, source))?;
    check(path, &bytes)?;
    Ok(bytes)
}

/// A file for reading in parts, looked at like one that is read whole.
pub(crate) fn open(path: &Path) -> Result<fs::File> {
    let failed = |source| access(path, source);
    let mut start = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    let mut limited = file.take(START as u64);
    limited.read_to_end(&mut start).map_err(failed)?;
    check(path, &start)?;
    fs::File::open(path).map_err(failed)
}

fn access(path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::NotFound => Error::MissingFile {
            path: path.to_owned(),
        },
        _ => Error::Io {
            path: path.to_owned(),
            source,
        },
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(text(path, &read(path)?)?).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })
}

/// Like [`read_json`], or nothing if there is no such file.
pub(crate) fn read_json_if_present<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match read_json(path) {
        Err(Error::MissingFile { .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// The bytes of a text file without a byte-order mark. Only UTF-8 is text.
pub fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a [u8]> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Error::Encoding {
            path: path.to_owned(),
        });
    }
    Ok(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

/// Refuses what version control, or a failed download, left in the place of a file.
pub fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    let start = bytes.trim_ascii_start();
    let begins = |with: &str| {
        start
            .get(..with.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(with.as_bytes()))
    };
    let (what, advice) = if begins("version https://git-lfs.github.com/spec/") {
        (
            "a Git LFS pointer",
            "run `git lfs install` and `git lfs pull` in its repository, or download the file again",
        )
    } else if bytes.len() < START
        && (start.starts_with(b"/annex/objects/") || contains(start, b".git/annex/objects/"))
    {
        (
            "a git-annex pointer",
            "run `git annex get` on it, or download the file again",
        )
    } else if begins("<!doctype html") || begins("<html") {
        (
            "a web page",
            "download the file again (the page says why it was sent instead)",
        )
    } else {
        return Ok(());
    };
    Err(Error::StandIn {
        path: path.to_owned(),
        what,
        advice,
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}
