//! A service that takes claims through their life on chain: posts them, asks for their proofs, settles them, answers
//! challenges, ends what expired; or watches those of others, executes them again, and challenges what is false.
//!
//! * [`config`]: settings of a file, below the environment, below options;
//! * [`rpc`]: several nodes as one; [`facts`]: what the chain says of a claim; [`cursor`]: which claims it says something
//!   new of;
//! * [`files`]: what is at hand of a claim; [`decide`]: what to do about it, a function of both;
//! * [`store`]: what is known and intended, on disk; [`transactions`]: from intents to included transactions;
//!   [`signer`]: keys, and [`allow`]: what they sign;
//! * [`prover`]: proofs and re-executions, by another process;
//! * [`check()`]: whether all that it needs is there;
//! * [`service`]: rounds of all this, looks at claims, watching; [`api`] and [`metrics`]: how it is seen from outside.
//!
//! It links no prover. Nothing acts before it is written down, and nothing that is written down is taken for what
//! happened: what to do follows from the chain each time anew.

pub mod allow;
pub mod api;
mod check;
pub mod config;
pub mod cursor;
pub mod decide;
mod error;
pub mod facts;
pub mod files;
mod ground;
pub mod metrics;
pub mod prover;
pub mod rpc;
pub mod service;
pub mod signer;
pub mod store;
pub mod template;
mod text;
pub mod transactions;

pub use check::{Item, Outcome, Report, check};
pub use config::Config;
pub use error::Error;
pub use service::Relayer;
pub use store::Observer;

use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// What a process gets that writes beyond a limit of file sizes.
const SIGXFSZ: i32 = 25;

/// An observer that nobody listens to.
pub fn unobserved() -> Observer {
    Arc::new(|_| {})
}

/// Runs a relayer until it is told to end: once, and it follows what is on its way; twice, and it ends at once.
///
/// # Errors
/// If it cannot start, or another relayer has its database. Everything else it waits out.
pub async fn run(
    config: Config,
    dry_run: bool,
    observer: Observer,
    listening: impl FnOnce(std::net::SocketAddr),
) -> Result<(), Error> {
    let relayer = Relayer::start(config, dry_run, observer).await?;
    let shared = relayer.shared();
    listening(api::serve(shared.clone()).await?);
    let handler = |kind| {
        signal(kind).map_err(|e| Error::Config(format!("signals cannot be listened to: {e}")))
    };
    let (mut interrupt, mut terminate) = (
        handler(SignalKind::interrupt())?,
        handler(SignalKind::terminate())?,
    );
    // A file that may not grow any more is an error like a full disk: not the end.
    let _limit = handler(SignalKind::from_raw(SIGXFSZ))?;
    let told = shared.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            told.end();
        }
    });
    relayer.run().await
}
