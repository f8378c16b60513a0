//! A job as a file, from the requester to its provider. It has the prompt and its salt: it is a secret of both.

use crate::bindings::market;
use crate::error::Error;
use crate::format::count;
use crate::signing::{Domains, sign};
use alloy::primitives::{Address, B256, Bytes, Signature, U256};
use alloy::signers::local::PrivateKeySigner;
use nanozk_poseidon::{TOKEN_BITS, sequence_digests};
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::{CheckedManifest, GREEDY};
use serde::{Deserialize, Serialize};

/// Format of a request's file.
pub const REQUEST_FORMAT: &str = "nanozk-request-2";

/// How a claim is settled, as in the contracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every layer is proven before a deadline.
    #[default]
    Proofs,
    /// After a window without an unanswered challenge.
    Optimistic,
    /// As optimistic, and the layers that a beacon draws are proven.
    Audited,
}

/// What a requester signs; see `IJobMarket.sol`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Pays.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub requester: Address,
    /// May take the job; zero: anybody.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub provider: Address,
    /// Registered model version.
    pub version: B256,
    /// Salted digest of the prompt.
    pub input_digest: B256,
    /// Tokens in the prompt.
    pub prompt_tokens: u32,
    /// Tokens to generate.
    pub new_tokens: u32,
    /// How tokens are chosen: zero, the most probable one each time.
    pub decoding: B256,
    /// How the claim is settled.
    pub mode: Mode,
    /// Price, in the asset of the version's policy.
    pub price: U256,
    /// Until when it may be taken, in seconds.
    pub lock_by: u64,
    /// Until when it must be claimed.
    pub claim_by: u64,
    /// How long layers may be challenged, and the output be demanded, in seconds.
    pub challenge_window: u32,
    /// How long a provider has to answer, in seconds.
    pub answer_window: u32,
    /// Used once per requester.
    pub nonce: U256,
}

impl JobRequest {
    /// As the contracts take it.
    pub fn to_abi(&self) -> Result<market::JobRequest, Error> {
        Ok(market::JobRequest {
            requester: self.requester,
            provider: self.provider,
            version: self.version,
            inputDigest: self.input_digest,
            promptTokens: self.prompt_tokens,
            newTokens: self.new_tokens,
            decoding: self.decoding,
            mode: self.mode as u8,
            price: u128::try_from(self.price).map_err(|_| {
                Error::Request(format!("the price {} has more than 128 bits", self.price))
            })?,
            lockBy: self.lock_by,
            claimBy: self.claim_by,
            challengeWindow: self.challenge_window,
            answerWindow: self.answer_window,
            nonce: self.nonce,
        })
    }
}

/// `request.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFile {
    /// [`REQUEST_FORMAT`].
    pub format: String,
    /// Chain.
    pub chain: u64,
    /// `JobMarket`.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub market: Address,
    /// `ClaimBook`: the contract in the statement of the session.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub claim_book: Address,
    /// Id of the job.
    pub job: B256,
    /// Model that the version is of.
    pub model_id: Digest32,
    /// What was signed.
    pub request: JobRequest,
    /// The requester's signature.
    pub signature: Bytes,
    /// Tokens of the prompt.
    pub prompt: Vec<u32>,
    /// Salt of the input digest.
    pub input_salt: Scalar,
}

impl RequestFile {
    /// Signs an order of an answer by a model to a prompt of these tokens, whose digest has this salt. What follows from that
    /// is filled in: requester, digest, and length of the prompt.
    ///
    /// # Errors
    /// If prompt and answer are empty or do not fit a session, if the price has more than 128 bits, or if another decoding than
    /// greedy is asked for.
    pub fn sign(
        domains: &Domains,
        manifest: &CheckedManifest,
        order: JobRequest,
        (prompt, input_salt): (Vec<u32>, Scalar),
        key: &PrivateKeySigner,
    ) -> Result<Self, Error> {
        let positions = manifest.manifest().tokens;
        let input_digest = prompt_digest(&prompt, order.new_tokens, positions, input_salt)?;
        let request = JobRequest {
            requester: key.address(),
            input_digest,
            // No more than positions.
            prompt_tokens: prompt.len() as u32,
            ..order
        };
        let job = domains.job(&request.to_abi()?);
        let file = RequestFile {
            format: REQUEST_FORMAT.into(),
            chain: domains.chain_id,
            market: domains.market,
            claim_book: domains.book,
            job,
            model_id: manifest.id(),
            request,
            signature: sign(key, job).into(),
            prompt,
            input_salt,
        };
        // What whoever takes it would refuse is not handed out.
        file.check()?;
        Ok(file)
    }

    /// Domains of its signatures.
    pub fn domains(&self) -> Domains {
        Domains {
            chain_id: self.chain,
            market: self.market,
            book: self.claim_book,
        }
    }

    /// Refuses a request whose prompt and salt do not have the digest that was signed: whoever took it could claim no
    /// answer. A model has so many positions.
    pub fn check_prompt(&self, positions: usize) -> Result<(), Error> {
        let new = self.request.new_tokens;
        match prompt_digest(&self.prompt, new, positions, self.input_salt)? {
            own if own == self.request.input_digest => Ok(()),
            _ => Err(Error::Request(
                "prompt and salt do not have the digest that was signed: an answer to it would not be paid".into(),
            )),
        }
    }

    /// Refuses a request that is not what it says, but for its prompt ([`Self::check_prompt`]), and one for another
    /// decoding than greedy: no program proves another, and none sees the word. Signatures of contracts are checked by the
    /// chain.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Request(reason));
        if self.format != REQUEST_FORMAT {
            return Err(Error::Format {
                expected: REQUEST_FORMAT,
                got: self.format.clone(),
            });
        }
        let job = self.domains().job(&self.request.to_abi()?);
        if job != self.job {
            return wrong(format!("its id is {job}, it says {}", self.job));
        }
        if self.request.decoding.0 != GREEDY.0 {
            return wrong(format!(
                "it asks for the decoding {}: only greedy decoding (zero) can be proved",
                self.request.decoding
            ));
        }
        if self.prompt.len() != self.request.prompt_tokens as usize {
            return wrong(format!(
                "a prompt of {} where {} were signed",
                count(self.prompt.len(), "token"),
                self.request.prompt_tokens
            ));
        }
        // 65 bytes are a key's signature; others only a contract can judge.
        let signature = Signature::from_raw(&self.signature);
        if let (65, Ok(signature)) = (self.signature.len(), signature) {
            match signature.recover_address_from_prehash(&job) {
                Ok(signer) if signer == self.request.requester => {}
                Ok(signer) => {
                    return wrong(format!(
                        "it is signed by {signer}, not by {}",
                        self.request.requester
                    ));
                }
                Err(e) => return wrong(format!("its signature is not valid: {e}")),
            }
        }
        Ok(())
    }
}

/// The digest of a prompt of which so many tokens are to follow, in a session of so many positions.
fn prompt_digest(prompt: &[u32], new: u32, positions: usize, salt: Scalar) -> Result<B256, Error> {
    let wrong = |reason: String| Err(Error::Request(reason));
    let (length, new) = (prompt.len(), new as usize);
    if length == 0 || new == 0 || length.saturating_add(new) > positions {
        return wrong(format!(
            "{length} tokens of prompt and {new} new ones: each must be at least 1, both together at most {positions}"
        ));
    }
    // Digests pack tokens of so many bits.
    if let Some(token) = prompt.iter().find(|t| **t >= 1 << TOKEN_BITS) {
        return wrong(format!("{token} is no token"));
    }
    let mut tokens = prompt.to_vec();
    tokens.resize(positions, 0);
    // No tokens are generated yet.
    let [digest, _] = sequence_digests(&tokens, length, 0, [salt.0; 2]);
    Ok(scalar_to_bytes(&digest).into())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use alloy::primitives::keccak256;
    use nanozk_verifier::encoding::scalar_from_bytes;

    /// A request that is consistent.
    pub(crate) fn signed() -> RequestFile {
        signed_with(|_| ())
    }

    /// Of a model with eight positions. The change is made before it is signed.
    pub(crate) fn signed_with(change: impl FnOnce(&mut RequestFile)) -> RequestFile {
        let signer = PrivateKeySigner::from_bytes(&keccak256("requester")).expect("a key");
        let mut file = RequestFile {
            format: REQUEST_FORMAT.into(),
            chain: 31337,
            market: Address::repeat_byte(1),
            claim_book: Address::repeat_byte(2),
            job: B256::ZERO,
            model_id: Digest32([3; 32]),
            request: JobRequest {
                requester: signer.address(),
                provider: Address::ZERO,
                version: B256::repeat_byte(4),
                input_digest: B256::ZERO,
                prompt_tokens: 2,
                new_tokens: 1,
                decoding: B256::ZERO,
                mode: Mode::Audited,
                price: U256::from(u128::MAX),
                lock_by: 1,
                claim_by: 2,
                challenge_window: 60,
                answer_window: 60,
                nonce: U256::MAX,
            },
            signature: Bytes::new(),
            prompt: vec![1, 2],
            input_salt: Scalar(scalar_from_bytes(&[6; 32]).expect("reduced")),
        };
        let salt = file.input_salt.0;
        let [digest, _] = sequence_digests(&[1, 2, 0, 0, 0, 0, 0, 0], 2, 0, [salt; 2]);
        file.request.input_digest = scalar_to_bytes(&digest).into();
        change(&mut file);
        file.job = file.domains().job(&file.request.to_abi().expect("fits"));
        file.signature = sign(&signer, file.job).into();
        file
    }

    #[test]
    fn the_prompt_has_the_signed_digest() {
        signed().check_prompt(8).expect("its own");
        type Change = fn(&mut RequestFile);
        let changes: [(Change, &str); 9] = [
            (|f| f.prompt[0] = 3, "do not have the digest"),
            (|f| f.prompt.swap(0, 1), "do not have the digest"),
            (|f| f.prompt.push(0), "do not have the digest"),
            (
                |f| f.input_salt = Scalar(scalar_from_bytes(&[7; 32]).expect("reduced")),
                "do not have the digest",
            ),
            (
                |f| f.request.input_digest = B256::repeat_byte(5),
                "do not have the digest",
            ),
            (|f| f.prompt.clear(), "each must be at least 1"),
            (|f| f.request.new_tokens = 0, "each must be at least 1"),
            (|f| f.request.new_tokens = 7, "together at most 8"),
            // 1 at position 1, written as a token of 25 bits at position 0.
            (|f| f.prompt = vec![1 << 24], "is no token"),
        ];
        for (i, (change, words)) in changes.iter().enumerate() {
            let mut file = signed();
            change(&mut file);
            let error = file.check_prompt(8).expect_err("changed").to_string();
            assert!(error.contains(words), "change {i}: {error}");
        }
        assert!(signed().check_prompt(16).is_err(), "another model's");
    }

    #[test]
    fn addresses_are_checked() {
        let file = signed();
        let mut value = serde_json::to_value(&file).expect("serializes");
        let wrong = "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        for pointer in [
            "/market",
            "/claim_book",
            "/request/requester",
            "/request/provider",
        ] {
            let place = value.pointer_mut(pointer).expect("there");
            let right = std::mem::replace(place, wrong.into());
            let error = serde_json::from_value::<RequestFile>(value.clone()).expect_err(pointer);
            assert!(error.to_string().contains("checksum"), "{error}");
            *value.pointer_mut(pointer).expect("there") = right;
        }
        let read: RequestFile = serde_json::from_value(value).expect("right");
        assert_eq!(read, file);
    }

    #[test]
    fn files_round_trip() {
        let file = signed();
        file.check().expect("consistent");
        let text = serde_json::to_string(&file).expect("serializes");
        let read: RequestFile = serde_json::from_str(&text).expect("parses");
        assert_eq!(read, file);
    }

    /// Whoever takes a file checks it: commands, and the relayer, also of what is sent to it.
    #[test]
    fn other_decodings_are_refused() {
        for byte in 0..32 {
            let file = signed_with(|f| f.request.decoding.0[byte] = 1);
            let error = file.check().expect_err("another decoding").to_string();
            assert!(error.contains("only greedy decoding"), "{error}");
            assert!(
                error.contains(&file.request.decoding.to_string()),
                "{error}"
            );
        }
    }

    #[test]
    fn every_field_is_bound() {
        let changes: [fn(&mut RequestFile); 17] = [
            |f| f.format += "0",
            |f| f.chain += 1,
            |f| f.market = Address::ZERO,
            |f| f.job = B256::ZERO,
            |f| f.request.requester = Address::ZERO,
            |f| f.request.provider = Address::repeat_byte(7),
            |f| f.request.version = B256::ZERO,
            |f| f.request.input_digest = B256::ZERO,
            |f| f.request.prompt_tokens += 1,
            |f| f.request.new_tokens += 1,
            |f| f.request.mode = Mode::Proofs,
            |f| f.request.price += U256::from(1),
            |f| f.request.lock_by += 1,
            |f| f.request.claim_by += 1,
            |f| f.request.nonce = U256::ZERO,
            |f| f.prompt.push(1),
            |f| f.signature = Bytes::from(vec![1; 65]),
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut file = signed();
            change(&mut file);
            assert!(file.check().is_err(), "change {i}");
        }
        let mut resigned = signed();
        resigned.request.nonce = U256::ZERO;
        resigned.job = resigned
            .domains()
            .job(&resigned.request.to_abi().expect("fits"));
        let error = resigned.check().expect_err("signed for another");
        assert!(error.to_string().contains("signed by"), "{error}");
    }
}
