//! What a provider publishes if the requester demands the output: `output.json`.

use crate::bindings::dispute;
use crate::error::Error;
use crate::request::RequestFile;
use alloy::primitives::{B256, U256};
use nanozk_circuits::poseidon::sequence_digests;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::session::Session;
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

    /// Refuses an output that does not answer a demand: of another number of tokens than was ordered, or without the
    /// digest of the session.
    pub fn check_session(
        &self,
        session: &Session,
        request: &RequestFile,
        positions: usize,
    ) -> Result<(), Error> {
        self.check()?;
        let ordered = request.request.new_tokens as usize;
        if self.tokens.len() != ordered {
            return Err(Error::Mismatch(format!(
                "{} tokens were generated where {ordered} were ordered",
                self.tokens.len()
            )));
        }
        request.check_prompt(positions)?;
        let prompt = request.prompt.len();
        let mut tokens = [request.prompt.as_slice(), &self.tokens].concat();
        tokens.resize(positions, 0);
        let salt = request.input_salt.0;
        let (_, digest) = sequence_digests(&tokens, prompt, ordered, salt, self.salt.0);
        if digest != session.output_digest.0 {
            return Err(Error::Mismatch(
                "the tokens in output.json are not those of the session".into(),
            ));
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
