//! Nodes of aggregates, as circuits: what pins them, and witnesses that lie.
//!
//! Dishonest proofs run through the honest algorithm only change what the algorithm computes. Here the witness itself is
//! false in one step, what follows from that step is computed anew, and the row checker names the gate that stands in
//! the way: it alone, so that a circuit without it would be satisfied.

#[path = "../common/mod.rs"]
mod common;

mod chain;
mod goldens;
mod lies;
mod points;
mod rounds;
mod table;
