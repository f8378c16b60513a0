//! What a provider gives its requester, and publishes if the requester demands it: `output.json`.

use crate::bindings::book;
use crate::claim::Posted;
use crate::client::Client;
use crate::error::Error;
use crate::format::count;
use crate::request::RequestFile;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::SolEvent;
use nanozk_poseidon::sequence_digests;
use nanozk_verifier::Claim;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::Scalar;
use serde::{Deserialize, Serialize};

/// More positions than any session has.
pub(crate) const MAX_POSITIONS: u32 = 1 << 16;

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
    #[error(
        "it has {got} tokens; the request asks for {asked}, and a session has {positions} positions"
    )]
    Length {
        /// Tokens.
        got: usize,
        /// Asked for.
        asked: u32,
        /// Positions.
        positions: u32,
    },
    /// Tokens and salt have another digest than the claimed one.
    #[error("tokens and salt do not open the output digest: theirs is {got}, claimed is {claimed}")]
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
        // What is paid for is a number of tokens: a stop token does not end a job.
        let fits = positions <= MAX_POSITIONS && prompt.saturating_add(got) <= positions as usize;
        if got == 0 || got != asked as usize || !fits {
            return Err(Refused::Length {
                got,
                asked,
                positions,
            });
        }
        let mut tokens = [request.prompt.as_slice(), &self.tokens].concat();
        tokens.resize(positions as usize, 0);
        let salts = [request.input_salt.0, self.salt.0];
        let [input, output] = sequence_digests(&tokens, prompt, got, salts);
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

    /// Refuses an output that does not answer a demand: of another number of tokens than was ordered, or without the
    /// digest of the session.
    pub fn check_session(
        &self,
        claim: &Claim,
        request: &RequestFile,
        positions: usize,
    ) -> Result<(), Error> {
        self.check()?;
        let ordered = request.request.new_tokens as usize;
        if self.tokens.len() != ordered {
            return Err(Error::Mismatch(format!(
                "the answer has {} where {ordered} were ordered",
                count(self.tokens.len(), "token")
            )));
        }
        let positions = u32::try_from(positions).unwrap_or(u32::MAX);
        let claimed = B256::from(scalar_to_bytes(&claim.output_digest.0));
        self.open(request, positions, claimed)
            .map_err(|e| Error::Mismatch(format!("output.json is not the answer: {e}")))
    }

    /// Refuses an output that is not what a claim says, in a session of so many positions: whoever publishes it in answer to a
    /// demand loses the stake.
    pub fn check_claim(&self, claim: &Claim, positions: usize) -> Result<(), Error> {
        self.check()?;
        let wrong = |reason: String| Err(Error::Mismatch(format!("output.json: {reason}")));
        let (prompt, asked) = (
            claim.prompt_tokens as usize,
            claim.generated_tokens as usize,
        );
        if self.tokens.len() != asked {
            return wrong(format!(
                "it has {}, the claim is about {asked}",
                count(self.tokens.len(), "token")
            ));
        }
        if prompt.saturating_add(asked) > positions {
            return wrong(format!(
                "{prompt} tokens of prompt and {asked} generated ones are more than the {positions} positions of a session"
            ));
        }
        // The digest of what was generated does not depend on the prompt, only on how long it is.
        let mut tokens = vec![0; prompt];
        tokens.extend(&self.tokens);
        tokens.resize(positions, 0);
        let [_, output] = sequence_digests(&tokens, prompt, asked, [self.salt.0; 2]);
        match output == claim.output_digest.0 {
            true => Ok(()),
            false => wrong(format!(
                "its tokens and salt do not open the output digest of the claim, {}",
                claim.output_digest
            )),
        }
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
    pub fn call(&self, claim: &book::Claim, signature: Bytes) -> Result<book::revealCall, Error> {
        Ok(book::revealCall {
            claim: claim.clone(),
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
    posted: &Posted,
) -> Result<Option<book::disputeCall>, Error> {
    let topics = [book::OutputRevealed::SIGNATURE_HASH, posted.id];
    let Some(data) = client.event_data(contract, topics)? else {
        return Ok(None);
    };
    let revealed = book::OutputRevealed::decode_raw_log(topics, &data)
        .map_err(|e| Error::Mismatch(format!("the event of the revealed output: {e}")))?;
    Ok(Some(book::disputeCall {
        claim: posted.claim.clone(),
        salt: revealed.salt,
        tokens: revealed.tokens,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::signed;
    use alloy::sol_types::SolValue;
    use nanozk_verifier::encoding::scalar_from_bytes;

    fn output(tokens: Vec<u32>) -> OutputFile {
        let salt = serde_json::from_value(serde_json::json!(format!("0x{:064x}", 0x5a17)));
        OutputFile::new(salt.expect("a scalar"), tokens, None)
    }

    #[test]
    fn tokens_are_three_bytes_each() {
        let file = output(vec![17, 50_256, 0xff_ff_ff]);
        let packed = file.packed().expect("tokens");
        assert_eq!(
            packed,
            Bytes::from_static(b"\0\0\x11\0\xc4\x50\xff\xff\xff")
        );
        let claim = book::Claim::abi_decode(&[0; 14 * 32]).expect("words");
        let call = file.call(&claim, Bytes::new()).expect("tokens");
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

    /// A request, and an output that answers it.
    fn answered() -> (RequestFile, OutputFile, B256) {
        let salt = Scalar(scalar_from_bytes(&[7; 32]).expect("reduced"));
        let mut request = signed();
        let salts = [request.input_salt.0, salt.0];
        let [input, output] = sequence_digests(&[1, 2, 9, 0], 2, 1, salts);
        request.request.input_digest = scalar_to_bytes(&input).into();
        let opens = Opens {
            job: request.job,
            output_digest: Scalar(output),
            positions: 4,
        };
        let file = OutputFile::new(salt, vec![9], Some(opens));
        (request, file, scalar_to_bytes(&output).into())
    }

    fn claim_of(request: &RequestFile, output: B256) -> Claim {
        let digest = |d: B256| Scalar(scalar_from_bytes(&d.0).expect("reduced"));
        Claim {
            format: nanozk_verifier::CLAIM_FORMAT.into(),
            model_id: request.model_id,
            context: crate::claim::context(
                request.chain,
                request.claim_book,
                request.job,
                Address::repeat_byte(5),
            ),
            input_digest: digest(request.request.input_digest),
            output_digest: digest(output),
            prompt_tokens: 2,
            generated_tokens: 1,
            decoding: nanozk_verifier::GREEDY,
            seed_digest: request.model_id,
            activations: Vec::new(),
        }
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
        // One token for an order of two.
        let mut more = request.clone();
        more.request.new_tokens = 2;
        let refused = file.open(&more, 4, claimed);
        assert!(matches!(
            refused,
            Err(Refused::Length {
                got: 1,
                asked: 2,
                ..
            })
        ));
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
    fn what_is_published_is_what_is_claimed() {
        let (request, file, claimed) = answered();
        let claim = claim_of(&request, claimed);
        file.check_claim(&claim, 4).expect("the answer");
        let refused = |file: &OutputFile, claim: &Claim, positions: usize, words: &str| {
            let error = file.check_claim(claim, positions).expect_err(words);
            assert!(error.to_string().contains(words), "{error}");
        };
        let mut other = file.clone();
        other.tokens = vec![8];
        refused(&other, &claim, 4, "do not open");
        other.tokens = vec![9, 9];
        refused(&other, &claim, 4, "it has 2 tokens");
        let mut other = file.clone();
        other.salt = request.input_salt;
        refused(&other, &claim, 4, "do not open");
        refused(&file, &claim, 8, "do not open");
        refused(&file, &claim, 2, "more than the 2 positions");
        let mut other = claim.clone();
        other.prompt_tokens = 1;
        refused(&file, &other, 4, "do not open");
        let mut other = file;
        other.format = "nanozk-output-0".into();
        refused(&other, &claim, 4, "nanozk-output-0");
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
