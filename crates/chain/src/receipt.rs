//! Receipts: what a provider signs of an answer that it serves, and what opens it.
//!
//! A receipt binds model, prompt and answer by the digests that a claim has, and the seed from which the commitments of a later
//! claim are blinded. It has no commitments: those of a whole answer take as long as generating it, and are made when somebody
//! asks for a proof.

use crate::output::MAX_POSITIONS;
use crate::signing::{sign, signer_of};
use alloy::primitives::{Address, B256, Bytes};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolStruct, eip712_domain};
use nanozk_poseidon::{TOKEN_BITS, sequence_digests};
use nanozk_verifier::GREEDY;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::{Digest32, Scalar};
use serde::{Deserialize, Serialize};

/// Format of a receipt.
pub const RECEIPT_FORMAT: &str = "nanozk-receipt-1";

mod typed {
    #![allow(missing_docs)]
    alloy::sol! {
        struct Receipt {
            address provider;
            bytes32 modelId;
            bytes32 inputDigest;
            bytes32 outputDigest;
            uint32 promptTokens;
            uint32 generatedTokens;
            bytes32 decoding;
            bytes32 seedDigest;
            uint64 issuedAt;
            uint64 keptUntil;
        }
    }
}

/// A receipt is of no chain: a claim names the chain where it is made.
fn domain() -> Eip712Domain {
    eip712_domain! {
        name: "nanozk Receipt",
        version: "1",
    }
}

/// What a provider says of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_FORMAT`].
    pub format: String,
    /// Who served it, and signed.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub provider: Address,
    /// Model version.
    pub model_id: Digest32,
    /// Salted digest of the prompt.
    pub input_digest: Scalar,
    /// Salted digest of the generated tokens.
    pub output_digest: Scalar,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Generated tokens.
    pub generated_tokens: u32,
    /// How tokens were chosen: zero, the most probable one each time.
    pub decoding: Digest32,
    /// Keccak-256 of the session's seed.
    pub seed_digest: Digest32,
    /// When it was signed, in seconds since 1970.
    pub issued_at: u64,
    /// Until when the provider keeps what a proof takes, in seconds since 1970.
    pub kept_until: u64,
    /// The provider's signature (EIP-712), `r ‖ s ‖ v`.
    pub signature: Bytes,
}

/// What opens a receipt's digests. Whoever has it knows prompt and answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Positions of a session of the model, which digests cover.
    pub positions: u32,
    /// Tokens of the prompt.
    pub prompt: Vec<u32>,
    /// Generated tokens.
    pub generated: Vec<u32>,
    /// Salt of the input digest.
    pub input_salt: Scalar,
    /// Salt of the output digest.
    pub output_salt: Scalar,
}

/// A receipt and what opens it: `receipt.json`, and the member `nanozk` of answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// What the provider signed.
    pub receipt: Receipt,
    /// What it is about.
    pub opening: Opening,
}

/// Why a receipt is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptRefused {
    /// Of another version of this program.
    #[error("format {0:?} where {RECEIPT_FORMAT:?} is needed")]
    Format(String),
    /// Tokens were chosen in a way that is not known.
    #[error("decoding {0} is not known: only greedy decoding is, which is zero")]
    Decoding(Digest32),
    /// The signature is not the provider's, or of something else.
    #[error("the signature is not {0}'s for this receipt")]
    Signature(Address),
    /// Tokens and counts do not fit each other, or a session.
    #[error(
        "the receipt is of {} prompt tokens and {} generated ones, the opening has {} and {}, and a session of {positions} \
         positions",
        expected[0], expected[1], got[0], got[1]
    )]
    Length {
        /// Prompt and generated tokens of the receipt.
        expected: [u32; 2],
        /// Of the opening.
        got: [usize; 2],
        /// Positions of the opening.
        positions: u32,
    },
    /// A number is no token.
    #[error("{0} is no token")]
    Token(u32),
    /// Tokens and salt have another digest.
    #[error(
        "{what} does not open the receipt's digest: its digest is {got}, the receipt has {signed}"
    )]
    Digest {
        /// Which.
        what: &'static str,
        /// Signed.
        signed: B256,
        /// Of tokens and salt.
        got: B256,
    },
}

impl Receipt {
    /// What is signed.
    pub fn digest(&self) -> B256 {
        typed::Receipt {
            provider: self.provider,
            modelId: self.model_id.0.into(),
            inputDigest: scalar_to_bytes(&self.input_digest.0).into(),
            outputDigest: scalar_to_bytes(&self.output_digest.0).into(),
            promptTokens: self.prompt_tokens,
            generatedTokens: self.generated_tokens,
            decoding: self.decoding.0.into(),
            seedDigest: self.seed_digest.0.into(),
            issuedAt: self.issued_at,
            keptUntil: self.kept_until,
        }
        .eip712_signing_hash(&domain())
    }

    /// Signs it, as its provider.
    pub fn signed(mut self, signer: &PrivateKeySigner) -> Self {
        self.provider = signer.address();
        self.signature = sign(signer, self.digest()).into();
        self
    }

    /// Checks format and signature.
    ///
    /// # Errors
    /// If the provider did not sign this.
    pub fn check(&self) -> Result<(), ReceiptRefused> {
        if self.format != RECEIPT_FORMAT {
            return Err(ReceiptRefused::Format(self.format.clone()));
        }
        if self.decoding != GREEDY {
            return Err(ReceiptRefused::Decoding(self.decoding));
        }
        match signer_of(&self.signature, self.digest()) == Some(self.provider) {
            true => Ok(()),
            false => Err(ReceiptRefused::Signature(self.provider)),
        }
    }
}

impl Opening {
    fn length(&self, expected: [u32; 2]) -> ReceiptRefused {
        ReceiptRefused::Length {
            expected,
            got: [self.prompt.len(), self.generated.len()],
            positions: self.positions,
        }
    }

    /// Digests of prompt and answer.
    ///
    /// # Errors
    /// If they fit no session, or a number is no token.
    pub fn digests(&self) -> Result<[Scalar; 2], ReceiptRefused> {
        let got = [self.prompt.len(), self.generated.len()];
        let positions = self.positions as usize;
        let fits = self.positions <= MAX_POSITIONS && got[0].saturating_add(got[1]) <= positions;
        if !fits || got.contains(&0) {
            // No session has more.
            return Err(self.length(got.map(|n| u32::try_from(n).unwrap_or(u32::MAX))));
        }
        let mut tokens = [self.prompt.as_slice(), &self.generated].concat();
        // Digests pack tokens of so many bits.
        if let Some(token) = tokens.iter().find(|t| **t >= 1 << TOKEN_BITS) {
            return Err(ReceiptRefused::Token(*token));
        }
        tokens.resize(positions, 0);
        let salts = [self.input_salt.0, self.output_salt.0];
        Ok(sequence_digests(&tokens, got[0], got[1], salts).map(Scalar))
    }
}

impl Served {
    /// Checks the signature, and that prompt and answer are what was signed.
    ///
    /// # Errors
    /// If one of it is not so.
    pub fn check(&self) -> Result<(), ReceiptRefused> {
        let Served { receipt, opening } = self;
        receipt.check()?;
        let expected = [receipt.prompt_tokens, receipt.generated_tokens];
        let got = [opening.prompt.len(), opening.generated.len()];
        if expected.map(|n| n as usize) != got {
            return Err(opening.length(expected));
        }
        let own = opening.digests()?;
        let signed = [receipt.input_digest, receipt.output_digest];
        for ((what, own), signed) in ["the prompt", "the answer"]
            .into_iter()
            .zip(own)
            .zip(signed)
        {
            if own != signed {
                return Err(ReceiptRefused::Digest {
                    what,
                    signed: scalar_to_bytes(&signed.0).into(),
                    got: scalar_to_bytes(&own.0).into(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Signature, keccak256};
    use nanozk_verifier::encoding::scalar_from_bytes;

    fn scalar(byte: u8) -> Scalar {
        Scalar(scalar_from_bytes(&[byte; 32]).expect("reduced"))
    }

    fn signer(name: &str) -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&keccak256(name)).expect("a key")
    }

    fn served() -> Served {
        let opening = Opening {
            positions: 8,
            prompt: vec![5, 1],
            generated: vec![9, 2, 7],
            input_salt: scalar(7),
            output_salt: scalar(8),
        };
        let tokens = [5, 1, 9, 2, 7, 0, 0, 0];
        let salts = [opening.input_salt.0, opening.output_salt.0];
        let [input, output] = sequence_digests(&tokens, 2, 3, salts);
        let receipt = Receipt {
            format: RECEIPT_FORMAT.into(),
            provider: Address::ZERO,
            model_id: Digest32([1; 32]),
            input_digest: Scalar(input),
            output_digest: Scalar(output),
            prompt_tokens: 2,
            generated_tokens: 3,
            decoding: GREEDY,
            seed_digest: Digest32([2; 32]),
            issued_at: 1_000,
            kept_until: 2_000,
            signature: Bytes::new(),
        };
        Served {
            receipt: receipt.signed(&signer("provider")),
            opening,
        }
    }

    #[test]
    fn the_type_string_is_that_of_the_format() {
        assert_eq!(
            typed::Receipt::eip712_encode_type(),
            "Receipt(address provider,bytes32 modelId,bytes32 inputDigest,bytes32 outputDigest,uint32 promptTokens,\
             uint32 generatedTokens,bytes32 decoding,bytes32 seedDigest,uint64 issuedAt,uint64 keptUntil)"
        );
    }

    #[test]
    fn every_field_is_signed() {
        let honest = served();
        honest.check().expect("its own");
        type Change = fn(&mut Receipt);
        let changes: [Change; 9] = [
            |r| r.provider = Address::repeat_byte(1),
            |r| r.model_id.0[31] ^= 1,
            |r| r.input_digest = scalar(1),
            |r| r.output_digest = scalar(1),
            |r| r.prompt_tokens += 1,
            |r| r.generated_tokens -= 1,
            |r| r.seed_digest.0[0] ^= 1,
            |r| r.issued_at += 1,
            |r| r.kept_until += 1,
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut other = honest.receipt.clone();
            change(&mut other);
            let refused = other.check();
            assert_eq!(
                refused,
                Err(ReceiptRefused::Signature(other.provider)),
                "{i}"
            );
        }
        let mut other = honest.receipt.clone();
        other.decoding.0[5] = 1;
        assert_eq!(other.check(), Err(ReceiptRefused::Decoding(other.decoding)));
        let mut other = honest.receipt;
        other.format = "nanozk-receipt-0".into();
        assert!(matches!(other.check(), Err(ReceiptRefused::Format(_))));
    }

    #[test]
    fn signatures_have_one_encoding() {
        let honest = served();
        let signature = Signature::from_raw(&honest.receipt.signature).expect("valid");
        let raw = &honest.receipt.signature;
        // The other value of s, with the other parity, recovers the same key.
        let order = alloy::primitives::uint!(
            0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
        );
        let twin = Signature::new(signature.r(), order - signature.s(), !signature.v());
        let digest = honest.receipt.digest();
        let recovered = twin.recover_address_from_prehash(&digest).expect("a key");
        assert_eq!(recovered, honest.receipt.provider);
        let twin = twin.as_bytes().to_vec();
        for bytes in [
            twin,
            Vec::new(),
            raw[..64].to_vec(),
            vec![0; 65],
            [raw, &raw[..1]].concat(),
        ] {
            let mut other = honest.receipt.clone();
            other.signature = bytes.into();
            assert!(
                matches!(other.check(), Err(ReceiptRefused::Signature(_))),
                "{other:?}"
            );
        }
    }

    #[test]
    fn only_prompt_and_answer_open_it() {
        let honest = served();
        let refused = |change: fn(&mut Opening)| {
            let mut other = honest.clone();
            change(&mut other.opening);
            other.check().expect_err("another opening")
        };
        let digest = |e: &ReceiptRefused, expected: &str| matches!(e, ReceiptRefused::Digest { what, .. } if *what == expected);
        for change in [
            (|o| o.prompt[1] = 2) as fn(&mut Opening),
            |o| o.input_salt = scalar(9),
            |o| o.positions = 16,
        ] {
            let e = refused(change);
            assert!(digest(&e, "the prompt"), "{e}");
        }
        for change in [(|o| o.generated[2] = 8) as fn(&mut Opening), |o| {
            o.output_salt = scalar(9)
        }] {
            let e = refused(change);
            assert!(digest(&e, "the answer"), "{e}");
        }
        for change in [
            (|o| o.prompt.push(1)) as fn(&mut Opening),
            |o| o.generated.clear(),
            |o| o.positions = 4,
            |o| o.positions = 1 << 17,
            |o| o.positions = 0,
        ] {
            let e = refused(change);
            assert!(matches!(e, ReceiptRefused::Length { .. }), "{e}");
        }
        let e = refused(|o| o.prompt[0] = 1 << TOKEN_BITS);
        assert_eq!(e, ReceiptRefused::Token(1 << TOKEN_BITS));
    }

    #[test]
    fn files_have_one_form() {
        let honest = served();
        let text = serde_json::to_string(&honest).expect("serializes");
        assert_eq!(
            serde_json::from_str::<Served>(&text).expect("parses"),
            honest
        );
        let mut value = serde_json::to_value(&honest).expect("serializes");
        value["receipt"]["more"] = 1.into();
        assert!(serde_json::from_value::<Served>(value).is_err());
    }
}
