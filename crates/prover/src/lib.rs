//! Proofs of a quantized transformer's inference.
//!
//! * [`registration`]: commitments to a model's weights, and its manifest;
//! * [`session`]: a claim and its joint proofs, in a directory, resumable;
//! * [`finish`]: the final proof over joint proofs of one session or of many;
//! * [`audit`]: which layers to prove when not all are;
//! * [`files`]: files that are whole or absent; [`directory`]: what a directory is.

pub mod audit;
pub mod directory;
pub mod files;
pub mod finish;
pub mod registration;
pub mod session;

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuit::ColumnData;
use nanozk_setup::Setup;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::{FINAL_POWERS, Parameters};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha3::{Digest, Keccak256};

/// Binary logarithm of the powers of the setup that joint proofs in columns of `2^k` rows take: random coefficients lie behind
/// the cells.
pub fn setup_size(k: u32) -> u32 {
    k + 1
}

/// What proofs in columns of `2^k` rows take of a setup of `2^`[`setup_size`]`(k)` powers or more.
///
/// # Panics
///
/// If the setup is smaller, or a power is the point at infinity, which no checked setup has.
pub fn parameters(setup: &Setup, k: u32) -> Parameters {
    first_powers(setup, nanozk_argument::powers(k))
}

fn first_powers(setup: &Setup, count: usize) -> Parameters {
    let powers = &setup.powers()[..count];
    let id = Digest32(setup.id());
    Parameters::new(powers, setup.g2(), id, setup.is_development()).expect("a checked setup")
}

/// What final proofs over proofs in columns of `2^k` rows take of a setup of `2^`[`final_setup_size`]`(k)` powers or more.
///
/// # Panics
///
/// As [`parameters`].
pub fn final_parameters(setup: &Setup, k: u32) -> Parameters {
    first_powers(setup, nanozk_argument::powers(k).max(FINAL_POWERS))
}

/// Binary logarithm of the powers of the setup that final proofs over proofs in columns of `2^k` rows take.
pub fn final_setup_size(k: u32) -> u32 {
    setup_size(k).max(FINAL_POWERS.next_power_of_two().ilog2())
}

/// Randomness for one purpose, from a secret seed.
fn stream(seed: &[u8; 32], purpose: &str) -> ChaCha20Rng {
    let mut hash = Keccak256::new();
    hash.update(b"nanozk-stream-1");
    hash.update(seed);
    hash.update(purpose.as_bytes());
    hash.update([0; 16]);
    ChaCha20Rng::from_seed(hash.finalize().into())
}

/// What blinds the commitment to a column. It depends on the cells: the difference between the commitments to two contents
/// hides them even if both were made with one seed.
fn blinding(seed: &[u8; 32], purpose: &str, number: u32, cells: &ColumnData) -> Vec<Fr> {
    let mut hash = Keccak256::new();
    hash.update(b"nanozk-blinding-1");
    hash.update(seed);
    hash.update(purpose.as_bytes());
    hash.update(number.to_be_bytes());
    hash.update(digest(cells));
    let stream = ChaCha20Rng::from_seed(hash.finalize().into());
    vec![Fr::random(stream)]
}

/// Digest of a column's cells, without the zeros at its end.
fn digest(cells: &ColumnData) -> [u8; 32] {
    fn of<T: PartialEq, const N: usize>(
        cells: &[T],
        zero: &T,
        bytes: fn(&T) -> [u8; N],
    ) -> [u8; 32] {
        let len = cells
            .iter()
            .rposition(|c| c != zero)
            .map_or(0, |last| last + 1);
        let mut hash = blake3::Hasher::new();
        for chunk in cells[..len].chunks(1 << 12) {
            hash.update(&chunk.iter().flat_map(bytes).collect::<Vec<u8>>());
        }
        hash.finalize().into()
    }
    match cells {
        ColumnData::U16(cells) => of(cells, &0, |c| c.to_le_bytes()),
        ColumnData::U32(cells) => of(cells, &0, |c| c.to_le_bytes()),
        ColumnData::I32(cells) => of(cells, &0, |c| c.to_le_bytes()),
        ColumnData::I64(cells) => of(cells, &0, |c| c.to_le_bytes()),
        ColumnData::Field(cells) => of(cells, &Fr::ZERO, |c| c.to_repr()),
    }
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// The model cannot run these tokens.
    #[error(transparent)]
    Executor(#[from] nanozk_executor::Error),
    /// No proof can be made, or one that was made is not valid.
    #[error(transparent)]
    Refused(#[from] nanozk_verifier::Error),
    /// The joint argument refused.
    #[error("no joint proof can be made: {0}")]
    Argument(#[from] nanozk_argument::Error),
    /// A value has no place in a program's tensors.
    #[error("this cannot be proved: {0}")]
    OutOfRange(#[from] nanozk_circuit::OutOfRange),
    /// A program has no place in columns.
    #[error(transparent)]
    Layout(#[from] nanozk_circuit::LayoutError),
    /// No layout is within the limits.
    #[error(transparent)]
    Plan(#[from] nanozk_circuit::PlanError),
    /// Even one layer takes more memory than is allowed.
    #[error(
        "proving one layer takes about {needed} bytes, more than the {allowed} that are allowed"
    )]
    Memory {
        /// Bytes that the smallest windows take.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// No registered program that proves a layer has a joint proof.
    #[error("no program that proves layer {layer} has a joint proof: {reason}")]
    NoWindow {
        /// The layer.
        layer: usize,
        /// Why the last that was tried has none.
        reason: String,
    },
    /// Nothing to claim.
    #[error("a session needs at least one prompt token and one generated token")]
    NothingGenerated,
    /// The sequence does not fit the registered number of positions.
    #[error("{tokens} tokens where the model version is registered for {registered} positions")]
    TooLong {
        /// Prompt and generated tokens.
        tokens: usize,
        /// Positions of the model version.
        registered: usize,
    },
    /// A token is not what the model generates.
    #[error("the token at position {position} is not the one the model generates")]
    NotGenerated {
        /// Position.
        position: usize,
    },
    /// The seed of the weights' blinding is another one than at registration, or the weights are.
    #[error(
        "seed and weights do not give the commitments that were registered (layer {layer}): one of them was changed, or is of another model"
    )]
    WeightSeed {
        /// Layer.
        layer: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn blinding_is_of_a_seed_a_column_and_its_cells() {
        let column = |cells: &[i32]| ColumnData::I32(Arc::new(cells.to_vec()));
        let of = |seed: u8, purpose, number, cells: &[i32]| {
            blinding(&[seed; 32], purpose, number, &column(cells))
        };
        let own = of(1, "weights", 2, &[3, 0, -4]);
        // A program about other layers may leave fewer zeros at the end.
        assert_eq!(own, of(1, "weights", 2, &[3, 0, -4, 0, 0]));
        let others = [
            of(2, "weights", 2, &[3, 0, -4]),
            of(1, "activations", 2, &[3, 0, -4]),
            of(1, "weights", 3, &[3, 0, -4]),
            of(1, "weights", 2, &[3, 0, 4]),
            of(1, "weights", 2, &[3, -4]),
            of(1, "weights", 2, &[]),
        ];
        assert!(others.iter().all(|other| *other != own));
        let wide: Vec<i32> = (0..5000).collect();
        let mut changed = wide.clone();
        changed[4999] += 1;
        assert_ne!(of(1, "weights", 2, &wide), of(1, "weights", 2, &changed));
    }
}
