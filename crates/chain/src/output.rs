//! What a provider publishes if the requester demands the output: `output.json`.

use crate::bindings::dispute;
use crate::error::Error;
use alloy::primitives::{B256, U256};
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::Scalar;
use serde::{Deserialize, Serialize};

/// Format of an output's file.
pub const OUTPUT_FORMAT: &str = "nanozk-output-1";

/// The generated tokens, and the salt of their digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputFile {
    /// [`OUTPUT_FORMAT`].
    pub format: String,
    /// Salt of the output digest.
    pub salt: Scalar,
    /// Generated tokens.
    pub tokens: Vec<u32>,
}

impl OutputFile {
    /// Of tokens and a salt.
    pub fn new(salt: Scalar, tokens: Vec<u32>) -> Self {
        OutputFile {
            format: OUTPUT_FORMAT.into(),
            salt,
            tokens,
        }
    }

    /// Refuses other formats.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != OUTPUT_FORMAT {
            return Err(Error::Format {
                expected: OUTPUT_FORMAT,
                got: self.format.clone(),
            });
        }
        Ok(())
    }

    /// The call that publishes it.
    pub fn call(&self, claim: B256) -> dispute::revealOutputCall {
        dispute::revealOutputCall {
            claim,
            salt: U256::from_be_bytes(scalar_to_bytes(&self.salt.0)),
            tokens: self.tokens.clone(),
        }
    }
}
