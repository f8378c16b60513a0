//! Circuits of a quantized transformer's layers, as data.
//!
//! * [`ir`]: what a circuit is.

pub mod ir;
