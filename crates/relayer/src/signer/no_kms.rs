//! Keys of AWS KMS, in a program that was built without it.

use super::SignerError;
use alloy::primitives::{Address, B256, Signature};

/// There is none.
pub(super) enum KmsSigner {}

pub(super) async fn open(
    _: &str,
    _: Option<&str>,
    _: Option<&str>,
    shown: &str,
) -> Result<KmsSigner, SignerError> {
    Err(SignerError::KmsNotBuilt { key: shown.into() })
}

impl KmsSigner {
    pub(super) fn address(&self) -> Address {
        match *self {}
    }

    pub(super) async fn sign(&self, _: &B256, _: &str) -> Result<Signature, SignerError> {
        match *self {}
    }
}
