//! What a provider publishes if the requester demands the output: `output.json`.

use crate::bindings::dispute;
use crate::client::Client;
use crate::error::Error;
use crate::request::RequestFile;
use alloy::primitives::{keccak256, Address, Bytes, B256, U256};
use alloy::sol_types::SolEvent;
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

    /// Tokens as contracts take them: three bytes each, the most significant first.
    ///
    /// # Errors
    /// If a token has more than three bytes, which no vocabulary has.
    pub fn packed(&self) -> Result<Bytes, Error> {
        let mut packed = Vec::with_capacity(3 * self.tokens.len());
        for token in &self.tokens {
            let [0, rest @ ..] = token.to_be_bytes() else {
                return Err(Error::Mismatch(format!(
                    "{token} is not a token: it has more than 24 bits"
                )));
            };
            packed.extend_from_slice(&rest);
        }
        Ok(packed.into())
    }

    fn salt(&self) -> U256 {
        U256::from_be_bytes(scalar_to_bytes(&self.salt.0))
    }

    /// What a provider signs of it: keccak256(salt ‖ tokens).
    ///
    /// # Errors
    /// As [`Self::packed`].
    pub fn hash(&self) -> Result<B256, Error> {
        let salt: [u8; 32] = self.salt().to_be_bytes();
        Ok(keccak256([salt.as_slice(), &self.packed()?].concat()))
    }

    /// The call that publishes it. The provider needs no signature; without one anybody else pays for the computation of
    /// the digest.
    ///
    /// # Errors
    /// As [`Self::packed`].
    pub fn call(&self, claim: B256, signature: Bytes) -> Result<dispute::revealOutputCall, Error> {
        Ok(dispute::revealOutputCall {
            claim,
            salt: self.salt(),
            tokens: self.packed()?,
            signature,
        })
    }
}

/// The call that disputes what was revealed of a claim, as the chain has it; none if nothing was.
///
/// # Errors
/// Of the node, or if the event cannot be read.
pub fn dispute_of(
    client: &Client,
    contract: Address,
    claim: B256,
) -> Result<Option<dispute::disputeOutputCall>, Error> {
    let topics = [dispute::OutputRevealed::SIGNATURE_HASH, claim];
    let Some(data) = client.event_data(contract, topics)? else {
        return Ok(None);
    };
    let revealed = dispute::OutputRevealed::decode_raw_log(topics, &data)
        .map_err(|e| Error::Mismatch(format!("the event of the revealed output: {e}")))?;
    Ok(Some(dispute::disputeOutputCall {
        claim,
        salt: revealed.salt,
        tokens: revealed.tokens,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(tokens: Vec<u32>) -> OutputFile {
        let salt = serde_json::from_value(serde_json::json!(format!("0x{:064x}", 0x5a17)));
        OutputFile::new(salt.expect("a scalar"), tokens)
    }

    #[test]
    fn tokens_are_three_bytes_each() {
        let file = output(vec![17, 50_256, 0xff_ff_ff]);
        let packed = file.packed().expect("tokens");
        assert_eq!(
            packed,
            Bytes::from_static(b"\0\0\x11\0\xc4\x50\xff\xff\xff")
        );
        let call = file.call(B256::ZERO, Bytes::new()).expect("tokens");
        assert_eq!(
            (call.salt, call.tokens),
            (U256::from(0x5a17), packed.clone())
        );
        let mut whole = U256::from(0x5a17).to_be_bytes::<32>().to_vec();
        whole.extend_from_slice(&packed);
        assert_eq!(file.hash().expect("tokens"), keccak256(whole));
        let error = output(vec![1, 1 << 24]).packed().expect_err("too large");
        assert!(error.to_string().contains("16777216"), "{error}");
    }
}
