//! Where a claim is made, and words of its statement.

use crate::hex::Digest32;
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;
use serde::{Deserialize, Serialize};

/// Where a claim is made and who is paid for it; all zero off chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// EIP-155 chain id.
    pub chain: u64,
    /// Address of the contract that keeps the claim (`ClaimBook`, `EpochBook`), left-padded.
    pub contract: Digest32,
    /// Claim; on chain, also its job, or the word of an epoch's answer.
    pub claim: Digest32,
    /// Address that is paid, left-padded.
    pub recipient: Digest32,
    /// An answer of an epoch (`EpochBook`), which has no activation commitments on chain: the fingerprint of them that nodes
    /// say is taken at zero. The statement does not say so, for it does not matter to what is proved: the digest of the
    /// commitments determines them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub epoch: bool,
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
