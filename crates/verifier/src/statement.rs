//! What every proof of a session says, in one digest.

use crate::hex::{Digest32, Scalar};
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// Where a claim is made and who is paid for it; all zero off chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// EIP-155 chain id.
    pub chain: u64,
    /// Address of the contract that keeps the claim (`ClaimBook`), left-padded.
    pub contract: Digest32,
    /// Claim; on chain, also its job.
    pub claim: Digest32,
    /// Address that is paid, left-padded.
    pub recipient: Digest32,
}

/// All that a statement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where and for whom.
    pub context: Context,
    /// Model version.
    pub model: Digest32,
    /// Salted digest of the prompt.
    pub input: Scalar,
    /// Salted digest of the generated tokens.
    pub output: Scalar,
    /// First layer of the range this statement covers.
    pub first_layer: u32,
    /// Number of layers.
    pub layers: u32,
}

impl Statement {
    /// `keccak256("nanozk-statement-1" ‖ chain ‖ contract ‖ claim ‖ recipient ‖ model ‖ input ‖ output ‖ first ‖ layers)`,
    /// every field after the tag as one 32-byte big-endian word.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        hash.update(b"nanozk-statement-1");
        hash.update(word(self.context.chain));
        hash.update(self.context.contract.0);
        hash.update(self.context.claim.0);
        hash.update(self.context.recipient.0);
        hash.update(self.model.0);
        hash.update(crate::encoding::scalar_to_bytes(&self.input.0));
        hash.update(crate::encoding::scalar_to_bytes(&self.output.0));
        hash.update(word(self.first_layer.into()));
        hash.update(word(self.layers.into()));
        hash.finalize().into()
    }

    /// The digest as two public inputs below 2^128: high word, low word.
    pub fn words(&self) -> [Fr; 2] {
        halves(&self.digest())
    }
}

/// A number as a 32-byte big-endian word.
pub(crate) fn word(v: u64) -> [u8; 32] {
    let mut w = [0u8; 32];
    w[24..].copy_from_slice(&v.to_be_bytes());
    w
}

/// A digest as two numbers below 2^128, the high one first.
pub(crate) fn halves(digest: &[u8; 32]) -> [Fr; 2] {
    let half = |b: &[u8]| Fr::from_u128(u128::from_be_bytes(b.try_into().expect("sixteen bytes")));
    [half(&digest[..16]), half(&digest[16..])]
}
