//! Files that are either whole or absent.

use serde::{de::DeserializeOwned, Serialize};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a file that is read at once, at most.
const MAX_BYTES: u64 = 1 << 28;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", shown(path))]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process works on it.
    #[error("{} is held by another process", shown(path))]
    Busy {
        /// Where.
        path: PathBuf,
    },
    /// The content is not what it should be.
    #[error("{} is not valid: {reason}", shown(path))]
    Content {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A path as people may see it: names that others chose have no power over a terminal.
pub fn shown(path: &Path) -> String {
    let control = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    path.to_string_lossy().chars().map(control).collect()
}

/// Reads a file: a regular one, which ends, since others may have put it there.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let fail = |source| FileError::Io {
        action: "read",
        path: path.into(),
        source,
    };
    let wrong = |reason| FileError::Content {
        path: path.into(),
        reason,
    };
    // Before it is opened: that alone waits, if it is a pipe.
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if metadata.is_dir() {
        return Err(fail(std::io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err(wrong("it is no regular file".into()));
    }
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(MAX_BYTES + 1);
    bounded.read_to_end(&mut bytes).map_err(fail)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(wrong(format!("it has more than {MAX_BYTES} bytes"))),
        false => Ok(bytes),
    }
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
    replace(path, bytes, 0o666)
}

/// Like [`write()`], of a file that only its owner may read.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, 0o600)
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let fail = |action| {
        move |source| FileError::Io {
            action,
            path: path.into(),
            source,
        }
    };
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = builder.tempfile_in(dir).map_err(fail("create"))?;
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
    write(path, &json(value))
}

/// Writes a JSON file that only its owner may read.
pub fn write_json_secret<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    write_secret(path, &json(value))
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data serializes");
    bytes.push(b'\n');
    bytes
}

/// A file that one process at a time holds; it is free again when the process ends, however it does.
#[derive(Debug)]
pub struct Lock {
    _file: std::fs::File,
}

/// Takes a lock, without waiting.
pub fn lock(path: &Path) -> Result<Lock, FileError> {
    hold(
        path,
        std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true),
    )
}

/// Takes the lock of a directory, without waiting: no file is made for it.
pub fn lock_directory(path: &Path) -> Result<Lock, FileError> {
    hold(path, std::fs::OpenOptions::new().read(true))
}

fn hold(path: &Path, how: &std::fs::OpenOptions) -> Result<Lock, FileError> {
    let fail = |source| FileError::Io {
        action: "lock",
        path: path.into(),
        source,
    };
    let file = how.open(path).map_err(fail)?;
    #[cfg(unix)]
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(FileError::Busy { path: path.into() });
        }
        Err(e) => return Err(fail(e.into())),
    }
    Ok(Lock { _file: file })
}

/// Creates a directory and its parents.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(|source| FileError::Io {
        action: "create",
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_whole_and_secrets_private() {
        let dir = tempfile::tempdir().expect("created");
        let path = dir.path().join("file");
        write(&path, b"old").expect("written");
        write_secret(&path, b"new").expect("written");
        assert_eq!(read(&path).expect("read"), b"new");
        assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let error = write(&path.join("below"), b"").expect_err("a file is no directory");
        assert!(matches!(error, FileError::Io { .. }), "{error}");
    }

    /// Neither waits nor reads for ever.
    #[cfg(unix)]
    #[test]
    fn only_regular_files_that_end_are_read() {
        let dir = tempfile::tempdir().expect("created");
        let path = dir.path().join("file");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        let error = read(&path).expect_err("it has no end");
        assert!(error.to_string().contains("no regular file"), "{error}");
        std::fs::remove_file(&path).expect("removed");
        std::os::unix::net::UnixListener::bind(&path).expect("bound");
        let error = read(&path).expect_err("a socket, as a pipe");
        assert!(matches!(error, FileError::Content { .. }), "{error}");
        std::fs::remove_file(&path).expect("removed");
        let file = std::fs::File::create(&path).expect("created");
        file.set_len(MAX_BYTES + 1).expect("sparse");
        let error = read(&path).expect_err("too long");
        assert!(error.to_string().contains("more than"), "{error}");
        let error = read(&dir.path().join("a\u{1b}[2Kb")).expect_err("not there");
        let text = error.to_string();
        assert!(
            text.contains(r"a\u{1b}[2Kb") && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn one_holds_a_lock() {
        let dir = tempfile::tempdir().expect("created");
        let path = dir.path().join("lock");
        let held = lock(&path).expect("free");
        assert!(matches!(lock(&path), Err(FileError::Busy { .. })));
        drop(held);
        lock(&path).expect("free again");

        let held = lock_directory(dir.path()).expect("free");
        assert!(matches!(
            lock_directory(dir.path()),
            Err(FileError::Busy { .. })
        ));
        drop(held);
        lock_directory(dir.path()).expect("free again");
        assert!(lock_directory(&dir.path().join("nowhere")).is_err());
    }
}
