//! Proving spread over machines.
//!
//! A final proof is made of tasks that need each other's results ([`graph`]). A coordinator publishes those that are ready to a
//! queue, from which workers take what fits them ([`worker`]); it verifies each result as it comes, and gives a task to somebody
//! else if its worker is lost, slow or wrong ([`board`]). Both parts are state machines without clocks, threads or networks: what
//! moves them is an engine. [`simulation`] is one, with a virtual clock, machines that fail, and as many workers as one likes.
//!
//! Nobody is believed: a result counts when it has been verified, whoever sent it and however late.

pub mod board;
pub mod graph;
pub mod simulation;
pub mod worker;
