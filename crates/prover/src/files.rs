//! Files that are either whole or absent.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a file that is read at once, at most.
const MAX_BYTES: u64 = 1 << 28;
/// Bytes of a file of a session, at most: more than 200,000 commitments.
const MAX_SESSION_BYTES: u64 = 1 << 24;

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
    /// Another process works on it.
    #[error("{} is held by another process", path.display())]
    Busy {
        /// Where.
        path: PathBuf,
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

/// Reads a file that whoever runs the program named: it may be a pipe.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_up_to(path, MAX_BYTES, std::fs::File::open(path))
}

/// Reads a file of a session, which others may have written: a regular one, which ends.
pub fn read_of_session(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    // A pipe would wait for whoever writes to it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits() as i32,
    );
    let file = options.open(path);
    let metadata = file.as_ref().ok().and_then(|file| file.metadata().ok());
    if metadata.is_some_and(|m| !m.is_file() && !m.is_dir()) {
        return Err(FileError::Content {
            path: path.into(),
            reason: "it is no regular file".into(),
        });
    }
    read_up_to(path, MAX_SESSION_BYTES, file)
}

fn read_up_to(
    path: &Path,
    limit: u64,
    file: std::io::Result<std::fs::File>,
) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = file.and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    read.map_err(|source| FileError::Io {
        action: "read",
        path: path.into(),
        source,
    })?;
    match bytes.len() as u64 > limit {
        true => Err(FileError::Content {
            path: path.into(),
            reason: format!("it has more than {limit} bytes"),
        }),
        false => Ok(bytes),
    }
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    parse(path, &read(path)?)
}

/// Reads a JSON file of a session: [`read_of_session`].
pub fn read_json_of_session<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    parse(path, &read_of_session(path)?)
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, FileError> {
    serde_json::from_slice(bytes).map_err(|e| FileError::Content {
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
        let refused = |words: &str| {
            let error = read_of_session(&path).expect_err(words);
            assert!(error.to_string().contains(words), "{error}");
        };
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        refused("no regular file");
        std::fs::remove_file(&path).expect("removed");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
            .expect("made");
        refused("no regular file");
        std::fs::remove_file(&path).expect("removed");
        refused("cannot read");
        let file = std::fs::File::create(&path).expect("created");
        file.set_len(MAX_SESSION_BYTES + 1).expect("sparse");
        refused("more than 16777216 bytes");
        // Whoever names a file may name a larger one.
        assert_eq!(
            read(&path).expect("read").len() as u64,
            MAX_SESSION_BYTES + 1
        );
        file.set_len(MAX_BYTES + 1).expect("sparse");
        assert!(read(&path).is_err());
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
