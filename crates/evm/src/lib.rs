//! Solidity verifiers from verifying keys.
//!
//! * [`tables`]: a verifying key as tables: registers, coefficients, terms, openings;
//! * [`solidity`]: the tables and the code that reads them, as one contract.
//!
//! The code is the same for every circuit (`templates/Verifier.sol`); what differs are constants and tables, each line
//! of which says in a comment what it is. So a contract can be read beside `docs/protocol.md`, and its size grows by a few
//! bytes per term.

pub mod solidity;
mod straight;
pub mod tables;

pub use solidity::{generate, generate_aggregate, Contract, GENERATOR};
pub use tables::{Tables, Unsupported};
