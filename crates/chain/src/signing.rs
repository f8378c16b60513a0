//! What requesters and providers sign: EIP-712, the same as in the contracts.

use crate::bindings::{book, market};
use crate::error::Error;
use alloy::primitives::{Address, B256, Bytes, Signature, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};
use serde::{Deserialize, Serialize};

mod typed {
    #![allow(missing_docs)]
    // Enumerations are `uint8` in type strings, which the ABI's types are not.
    alloy::sol! {
        struct JobRequest {
            address requester;
            address provider;
            bytes32 version;
            bytes32 inputDigest;
            uint32 promptTokens;
            uint32 newTokens;
            bytes32 decoding;
            uint8 mode;
            uint128 price;
            uint64 lockBy;
            uint64 claimBy;
            uint32 challengeWindow;
            uint32 answerWindow;
            uint256 nonce;
        }

        struct Lock {
            bytes32 job;
            address provider;
            uint64 deadline;
        }

        struct ClaimHeader {
            bytes32 job;
            bytes32 outputDigest;
            address recipient;
            bytes32 seedDigest;
            bytes32 activations;
            bytes32 points;
        }

        struct Reveal {
            bytes32 job;
            bytes32 output;
        }
    }
}

/// Where signatures are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domains {
    /// Chain.
    pub chain_id: u64,
    /// `JobMarket`.
    pub market: Address,
    /// `ClaimBook`.
    pub book: Address,
}

impl Domains {
    fn market(&self) -> Eip712Domain {
        eip712_domain! {
            name: "nanozk JobMarket",
            version: "1",
            chain_id: self.chain_id,
            verifying_contract: self.market,
        }
    }

    fn book(&self) -> Eip712Domain {
        eip712_domain! {
            name: "nanozk ClaimBook",
            version: "1",
            chain_id: self.chain_id,
            verifying_contract: self.book,
        }
    }

    /// Digest of a request: the job's id.
    pub fn job(&self, r: &market::JobRequest) -> B256 {
        typed::JobRequest {
            requester: r.requester,
            provider: r.provider,
            version: r.version,
            inputDigest: r.inputDigest,
            promptTokens: r.promptTokens,
            newTokens: r.newTokens,
            decoding: r.decoding,
            mode: r.mode,
            price: r.price,
            lockBy: r.lockBy,
            claimBy: r.claimBy,
            challengeWindow: r.challengeWindow,
            answerWindow: r.answerWindow,
            nonce: r.nonce,
        }
        .eip712_signing_hash(&self.market())
    }

    /// What a provider signs to take a job; after the deadline the signature takes nothing.
    pub fn lock(&self, job: B256, provider: Address, deadline: u64) -> B256 {
        typed::Lock {
            job,
            provider,
            deadline,
        }
        .eip712_signing_hash(&self.market())
    }

    /// What a provider signs to claim.
    pub fn header(&self, h: &book::ClaimHeader) -> B256 {
        typed::ClaimHeader {
            job: h.job,
            outputDigest: h.outputDigest,
            recipient: h.recipient,
            seedDigest: h.seedDigest,
            activations: h.activations,
            points: keccak256(h.points.abi_encode_packed()),
        }
        .eip712_signing_hash(&self.book())
    }

    /// What a provider signs so that anybody can answer a demand with its tokens; `output` is `OutputFile::hash`.
    pub fn reveal(&self, job: B256, output: B256) -> B256 {
        typed::Reveal { job, output }.eip712_signing_hash(&self.book())
    }
}

/// A signature, `r ‖ s ‖ v`.
///
/// # Panics
/// If the curve refuses the key, which a `PrivateKeySigner` cannot hold.
pub fn sign(signer: &PrivateKeySigner, digest: B256) -> Vec<u8> {
    signer
        .sign_hash_sync(&digest)
        .expect("local keys can sign")
        .as_bytes()
        .to_vec()
}

/// Who signed this; none: the signature is of another form than [`sign`]'s.
///
/// One signature for each digest and key: of the two values of s, the lower.
pub fn signer_of(signature: &[u8], digest: B256) -> Option<Address> {
    // Contracts take no other `v`.
    if !matches!(signature, [.., 27 | 28]) {
        return None;
    }
    let signature = Signature::from_raw(signature).ok();
    let signature = signature.filter(|s| s.normalize_s().is_none())?;
    signature.recover_address_from_prehash(&digest).ok()
}

/// Format of the file of a provider's signatures.
pub const SIGNATURES_FORMAT: &str = "nanozk-signatures-3";

/// `signatures.json`: with it anybody can take a job, until the deadline, and post a claim for its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureFile {
    /// [`SIGNATURES_FORMAT`].
    pub format: String,
    /// Who signed.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub provider: Address,
    /// Last second in which the signature takes the job.
    pub lock_deadline: u64,
    /// Signature to take the job.
    pub lock: Bytes,
    /// Signature of the claim.
    pub claim: Bytes,
    /// Signature of the tokens that answer a demand for the output. Without it whoever is not the provider pays for the
    /// computation of their digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Bytes>,
}

impl SignatureFile {
    /// Signs job and claim.
    pub fn new(
        signer: &PrivateKeySigner,
        domains: &Domains,
        header: &book::ClaimHeader,
        lock_deadline: u64,
    ) -> Self {
        let provider = signer.address();
        SignatureFile {
            format: SIGNATURES_FORMAT.into(),
            provider,
            lock_deadline,
            lock: sign(signer, domains.lock(header.job, provider, lock_deadline)).into(),
            claim: sign(signer, domains.header(header)).into(),
            output: None,
        }
    }

    /// Signs the output, too, whose hash this is.
    pub fn with_output(
        mut self,
        signer: &PrivateKeySigner,
        domains: &Domains,
        job: B256,
        output: B256,
    ) -> Self {
        self.output = Some(sign(signer, domains.reveal(job, output)).into());
        self
    }

    /// Refuses other formats, and signatures of a key that are not the provider's, or of something else. Signatures of
    /// contracts (ERC-1271) only the chain can judge.
    pub fn check(&self, domains: &Domains, header: &book::ClaimHeader) -> Result<(), Error> {
        if self.format != SIGNATURES_FORMAT {
            return Err(Error::Format {
                expected: SIGNATURES_FORMAT,
                got: self.format.clone(),
            });
        }
        let digests = [
            (
                "the job",
                &self.lock,
                domains.lock(header.job, self.provider, self.lock_deadline),
            ),
            ("the claim", &self.claim, domains.header(header)),
        ];
        for (what, signature, digest) in digests {
            if signature.len() != 65 {
                continue;
            }
            if signer_of(signature, digest) != Some(self.provider) {
                return Err(Error::Mismatch(format!(
                    "the signature of {what} is not {}'s for this session",
                    self.provider
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{U256, address, keccak256};

    #[test]
    fn type_strings_are_those_of_the_contracts() {
        assert_eq!(
            typed::JobRequest::eip712_encode_type(),
            "JobRequest(address requester,address provider,bytes32 version,bytes32 inputDigest,uint32 promptTokens,\
             uint32 newTokens,bytes32 decoding,uint8 mode,uint128 price,uint64 lockBy,uint64 claimBy,uint32 challengeWindow,\
             uint32 answerWindow,uint256 nonce)"
        );
        assert_eq!(
            typed::Lock::eip712_encode_type(),
            "Lock(bytes32 job,address provider,uint64 deadline)"
        );
        assert_eq!(
            typed::ClaimHeader::eip712_encode_type(),
            "ClaimHeader(bytes32 job,bytes32 outputDigest,address recipient,bytes32 seedDigest,bytes32 activations,bytes32 points)"
        );
        assert_eq!(
            typed::Reveal::eip712_encode_type(),
            "Reveal(bytes32 job,bytes32 output)"
        );
    }

    #[test]
    fn signatures_are_of_the_domain() {
        let market = address!("0x00000000000000000000000000000000000000aa");
        let domains = |chain_id, market, book| Domains {
            chain_id,
            market,
            book,
        };
        let here = domains(1, market, Address::ZERO);
        let job = keccak256("job");
        let digest = here.lock(job, market, 9);
        assert_ne!(here.lock(job, market, 10), digest);
        for other in [
            domains(2, market, Address::ZERO),
            domains(1, Address::ZERO, Address::ZERO),
        ] {
            assert_ne!(other.lock(job, market, 9), digest);
        }
        assert_eq!(domains(1, market, market).lock(job, market, 9), digest);
        let signer = PrivateKeySigner::from_bytes(&keccak256("key")).expect("a key");
        let signature = sign(&signer, digest);
        assert_eq!(signature.len(), 65);
        let parsed = alloy::primitives::Signature::from_raw(&signature).expect("valid");
        assert_eq!(
            parsed.recover_address_from_prehash(&digest).expect("one"),
            signer.address()
        );
    }

    #[test]
    fn signatures_are_of_one_session() {
        let domains = Domains {
            chain_id: 1,
            market: Address::repeat_byte(1),
            book: Address::repeat_byte(2),
        };
        let header = book::ClaimHeader {
            job: keccak256("job"),
            outputDigest: keccak256("output"),
            recipient: Address::repeat_byte(3),
            seedDigest: keccak256("seed"),
            activations: keccak256("activations"),
            points: vec![U256::from(1)],
        };
        let signer = PrivateKeySigner::from_bytes(&keccak256("key")).expect("a key");
        let file = SignatureFile::new(&signer, &domains, &header, 1_000);
        file.check(&domains, &header).expect("its own");
        let mut other = header.clone();
        other.recipient = Address::ZERO;
        assert!(file.check(&domains, &other).is_err());
        let mut swapped = file.clone();
        std::mem::swap(&mut swapped.lock, &mut swapped.claim);
        assert!(swapped.check(&domains, &header).is_err());
        let mut later = file.clone();
        later.lock_deadline += 1;
        assert!(later.check(&domains, &header).is_err());
        let mut stranger = file;
        stranger.provider = Address::ZERO;
        assert!(stranger.check(&domains, &header).is_err());
    }
}
