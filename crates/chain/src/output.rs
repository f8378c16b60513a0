//! What a provider gives its requester, and publishes if the requester demands it: `output.json`.

use crate::bindings::dispute;
use crate::error::Error;
use crate::request::RequestFile;
use alloy::primitives::{B256, U256};
use nanozk_circuits::poseidon::sequence_digests;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::Scalar;
use serde::{Deserialize, Serialize};

/// More positions than any session has.
const MAX_POSITIONS: u32 = 1 << 16;

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
    /// What they open, for whoever has nothing of the session but this file; older files do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Opens>,
}

/// What an output opens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opens {
    /// Job.
    pub job: B256,
    /// Digest of the output in the claim.
    pub output_digest: Scalar,
    /// Positions of a session, which the digest covers.
    pub positions: u32,
}

/// Why an output is not the answer to a request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Of another job.
    #[error("it is the output of the job {got}, the request is the job {expected}")]
    OtherJob {
        /// Of the request.
        expected: B256,
        /// Of the output.
        got: B256,
    },
    /// The request's prompt and salt do not open its digest, so nobody can answer it.
    #[error("prompt and salt of the request do not have the digest that was signed")]
    Input,
    /// The tokens do not fit the request.
    #[error("it has {got} tokens; the request asks for {asked}, and a session has {positions} positions")]
    Length {
        /// Tokens.
        got: usize,
        /// Asked for.
        asked: u32,
        /// Positions.
        positions: u32,
    },
    /// Tokens and salt have another digest than the claimed one.
    #[error(
        "tokens and salt do not open the output digest: theirs is {got}, claimed is {claimed}"
    )]
    Output {
        /// Claimed.
        claimed: B256,
        /// Of the tokens.
        got: B256,
    },
}

impl OutputFile {
    /// Of tokens and a salt.
    pub fn new(salt: Scalar, tokens: Vec<u32>, opens: Option<Opens>) -> Self {
        OutputFile {
            format: OUTPUT_FORMAT.into(),
            salt,
            tokens,
            opens,
        }
    }

    /// Checks that this answers a request, in a session of so many positions, and opens the `claimed` digest.
    pub fn open(
        &self,
        request: &RequestFile,
        positions: u32,
        claimed: B256,
    ) -> Result<(), Refused> {
        if let Some(opens) = self.opens.filter(|o| o.job != request.job) {
            return Err(Refused::OtherJob {
                expected: request.job,
                got: opens.job,
            });
        }
        let asked = request.request.new_tokens;
        let (prompt, got) = (request.prompt.len(), self.tokens.len());
        // Generation may end before.
        let fits = positions <= MAX_POSITIONS && prompt.saturating_add(got) <= positions as usize;
        if got == 0 || got > asked as usize || !fits {
            return Err(Refused::Length {
                got,
                asked,
                positions,
            });
        }
        let mut tokens = [request.prompt.as_slice(), &self.tokens].concat();
        tokens.resize(positions as usize, 0);
        let (input, output) =
            sequence_digests(&tokens, prompt, got, request.input_salt.0, self.salt.0);
        if scalar_to_bytes(&input) != request.request.input_digest.0 {
            return Err(Refused::Input);
        }
        let output = B256::from(scalar_to_bytes(&output));
        if output != claimed {
            return Err(Refused::Output {
                claimed,
                got: output,
            });
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::signed;
    use nanozk_verifier::encoding::scalar_from_bytes;

    /// A request, and an output that answers it.
    fn answered() -> (RequestFile, OutputFile, B256) {
        let salt = Scalar(scalar_from_bytes(&[7; 32]).expect("reduced"));
        let mut request = signed();
        let (input, output) = sequence_digests(&[1, 2, 9, 0], 2, 1, request.input_salt.0, salt.0);
        request.request.input_digest = scalar_to_bytes(&input).into();
        let opens = Opens {
            job: request.job,
            output_digest: Scalar(output),
            positions: 4,
        };
        let file = OutputFile::new(salt, vec![9], Some(opens));
        (request, file, scalar_to_bytes(&output).into())
    }

    #[test]
    fn only_the_answer_opens() {
        let (request, file, claimed) = answered();
        assert_eq!(file.open(&request, 4, claimed), Ok(()));

        let mut changed = file.clone();
        changed.opens.as_mut().expect("it says").job = B256::repeat_byte(1);
        let refused = changed.open(&request, 4, claimed);
        assert!(matches!(refused, Err(Refused::OtherJob { .. })));
        for positions in [0, 2, MAX_POSITIONS * 2, u32::MAX] {
            let refused = file.open(&request, positions, claimed);
            assert!(
                matches!(refused, Err(Refused::Length { .. })),
                "{positions}"
            );
        }
        for tokens in [vec![], vec![9, 9]] {
            let changed = OutputFile {
                tokens,
                ..file.clone()
            };
            let refused = changed.open(&request, 4, claimed);
            assert!(matches!(refused, Err(Refused::Length { .. })));
        }
        let (mut tokens, mut salt) = (file.clone(), file.clone());
        tokens.tokens = vec![8];
        salt.salt = request.input_salt;
        for changed in [tokens, salt] {
            let refused = changed.open(&request, 4, claimed);
            assert!(matches!(refused, Err(Refused::Output { .. })));
        }
        let refused = file.open(&request, 4, B256::ZERO);
        assert!(matches!(refused, Err(Refused::Output { .. })));
        let mut changed = request.clone();
        changed.prompt[0] = 3;
        assert_eq!(file.open(&changed, 4, claimed), Err(Refused::Input));
    }

    #[test]
    fn files_of_before_are_read() {
        let (_, file, _) = answered();
        let mut value = serde_json::to_value(&file).expect("serializes");
        value.as_object_mut().expect("an object").remove("opens");
        let old: OutputFile = serde_json::from_value(value).expect("parses");
        assert_eq!((old.opens, old.tokens), (None, file.tokens));
    }
}
