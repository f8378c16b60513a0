//! Verification of proofs that the gates of a [`Program`](nanozk_circuits::ir::Program) vanish.
//!
//! * [`key`]: what the verifier knows of a program, and the orders everything is kept in;
//! * [`proof`]: what a proof consists of, and its two encodings;
//! * [`transcript`]: how challenges follow from what was said before, on chain or in a circuit;
//! * [`linearize`]: from the opened values to the one equation the pairing checks;
//! * [`shplonk`]: many openings at many points as one;
//! * [`mod@verify`]: all of it in order;
//! * [`card`], [`statement`], [`session`]: a model version, what its proofs say, and a whole session;
//! * [`joint`]: the same for joint proofs, which are to replace the others;
//! * [`soundness`]: how likely chance alone makes a false statement pass.
//!
//! The prover uses the same modules, so that the two sides cannot disagree on an order.

pub mod aggregate;
pub mod card;
pub mod error;
pub mod hex;
pub mod joint;
pub mod key;
pub mod linearize;
pub mod proof;
pub mod session;
pub mod shplonk;
pub mod soundness;
pub mod statement;
pub mod transcript;
pub mod verify;

pub use aggregate::{verify_aggregate, AggregateProof, Claimed};
pub use error::{Element, Error, Malformed};
pub use key::{Layout, VerifyingKey};
pub use nanozk_transcript::encoding;
pub use proof::Proof;
pub use transcript::TranscriptKind;
pub use verify::{accumulate, verify, Accumulator, Expected, KzgVerifier};
