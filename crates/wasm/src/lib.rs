//! The verifier of final proofs, for browsers and Node: JSON in, JSON out ([`nanozk_verifier::verdict`]). `packages/verifier` wraps
//! it.

mod exports;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod no_randomness;

pub use nanozk_verifier::verdict::verdict;
