//! Files of private keys and their passwords: what is wrong with how they are kept, and opening keystores.

use alloy::signers::local::PrivateKeySigner;
use std::path::Path;

/// What an operator should change about a file with a secret, although it works: that others than its owner may use it.
/// `what` names it, such as "key" or "password"; `shown` is its path as a message may show it.
pub fn warning(what: &str, path: &Path, shown: &str) -> Option<String> {
    // What is not there is an error when it is opened.
    let mode = open_to_others(path)?;
    Some(format!(
        "the {what} {shown} is open to others than its owner (mode {mode:03o}): chmod 600 {shown}"
    ))
}

/// The permissions of a file that others than its owner may use.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<u32> {
    None
}

/// Why a keystore was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// Its password is another one.
    #[error("wrong password for the keystore {0}")]
    Password(String),
    /// It is no keystore, or cannot be read.
    #[error("cannot open the keystore {path}: {reason}")]
    Other {
        /// File.
        path: String,
        /// Why.
        reason: String,
    },
}

/// Opens a keystore (Web3 Secret Storage, as cast and geth write them).
pub fn open_keystore(path: &Path, password: &str) -> Result<PrivateKeySigner, KeystoreError> {
    let shown = path.display().to_string();
    PrivateKeySigner::decrypt_keystore(path, password).map_err(|e| {
        // The code over the ciphertext fits the right password only.
        let reason = e.to_string();
        if reason.to_ascii_lowercase().contains("mac mismatch") {
            return KeystoreError::Password(shown.clone());
        }
        KeystoreError::Other {
            path: shown.clone(),
            reason,
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_that_others_may_use() {
        let dir = tempfile::tempdir().expect("created");
        let path = dir.path().join("key");
        assert_eq!(warning("key", &path, "key"), None);
        std::fs::write(&path, "").expect("written");
        for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o602, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
            let warning = warning("key", &path, "key");
            assert_eq!(warning.is_some(), warned, "{mode:o}");
            let text = warning.unwrap_or_default();
            assert!(!warned || text.contains("chmod 600 key"), "{text}");
        }
    }

    #[test]
    fn keystores_that_do_not_open() {
        let dir = tempfile::tempdir().expect("created");
        let path = dir.path().join("keystore");
        std::fs::write(&path, "{}").expect("written");
        let error = open_keystore(&path, "").expect_err("no keystore");
        assert!(matches!(error, KeystoreError::Other { .. }), "{error}");
        let error = open_keystore(&dir.path().join("nowhere"), "").expect_err("no file");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}
