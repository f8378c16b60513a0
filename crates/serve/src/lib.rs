//! Inference over HTTP, as clients of OpenAI's API expect it. Every answer carries a receipt: digests of prompt and answer under
//! the provider's signature. What a proof of it takes is kept for as long as the receipt says.
//!
//! One direction: [`request`] (what is asked, as tokens) → [`worker`] (a model, on a thread of its own, and what it generates) →
//! [`store`], or [`epochs`] (what is kept of it) → [`answer`] (what clients read) → [`api`] (routes, and who may ask).

pub mod answer;
pub mod api;
pub mod epochs;
pub mod error;
pub mod request;
mod stop;
pub mod store;
pub mod worker;

pub use api::{Config, serve};
pub use epochs::Epochs;
pub use error::{Error, Problem};
pub use store::Store;
pub use worker::{Keeping, Model, Worker};
