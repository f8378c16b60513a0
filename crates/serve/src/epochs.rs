//! Answers of epochs: receipts of places in what a provider commits to, paths to it, and vouchers.
//!
//! Answers are on disk before their receipts are signed. Epochs are closed here, by their number of answers or by their age;
//! committing to them, and proving what is drawn of them, is another program's (`nanozk epoch keep`).

use crate::error::Problem;
use axum::http::StatusCode;
use nanozk_chain::epoch::answers::{Answer, EpochReceipt, Folder, Header, Trees};
use nanozk_chain::epoch::paths::Paths;
use nanozk_chain::epoch::series::{folder_of, keep_voucher, Limits, Series};
use nanozk_chain::epoch::voucher::Voucher;
use nanozk_chain::primitives::Address;
use nanozk_chain::{Error, PrivateKeySigner};
use nanozk_prover::session::Secret;
use nanozk_verifier::hex::Scalar;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What an epoch keeps of a session.
pub fn answer_of(secret: &Secret, requester: Address, positions: u32) -> Answer {
    let sequence = secret.sequence(positions as usize);
    Answer {
        requester,
        seed: secret.seed,
        // No session has so many tokens.
        prompt: u32::try_from(secret.prompt).unwrap_or(u32::MAX),
        tokens: secret.tokens.clone(),
        salts: [sequence.prompt_salt, sequence.output_salt].map(Scalar),
        digests: sequence.digests().map(Scalar),
    }
}

/// A closed epoch: whose answers are where, and both trees.
#[derive(Debug)]
struct Closed {
    header: Header,
    trees: Trees,
    places: HashMap<Address, Vec<u32>>,
}

/// The epochs of a model's line.
#[derive(Debug)]
pub struct Epochs {
    path: PathBuf,
    series: Mutex<Series>,
    /// The one that was asked for last: all requesters ask for the same, after it was closed.
    last: Mutex<Option<Arc<Closed>>>,
}

/// Nothing is half done in them where a thread could have panicked.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Epochs {
    /// Those in a directory.
    ///
    /// # Errors
    /// If there is none, or another process adds to it.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_owned(),
            series: Mutex::new(Series::open(path, limits)?),
            last: Mutex::new(None),
        })
    }

    /// Of the epoch that is open.
    pub fn header(&self) -> Header {
        locked(&self.series).header().clone()
    }

    /// Keeps an answer in its place, and signs a receipt of that.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(
        &self,
        secret: &Secret,
        requester: Address,
        signer: &PrivateKeySigner,
    ) -> Result<EpochReceipt, Error> {
        let mut series = locked(&self.series);
        let answer = answer_of(secret, requester, series.header().positions);
        let (header, index) = series.append(&answer)?;
        drop(series);
        Ok(EpochReceipt::signed(&header, &answer, index, signer))
    }

    /// Closes the epoch if it is due; says its number.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn close_if_due(&self) -> Result<Option<u32>, Error> {
        locked(&self.series).close_if_due(SystemTime::now())
    }

    fn closed(&self, number: u32) -> Result<Arc<Closed>, Error> {
        let mut last = locked(&self.last);
        if let Some(closed) = last.as_ref().filter(|c| c.header.number == number) {
            return Ok(Arc::clone(closed));
        }
        let (folder, closed) = Folder::open_closed(&folder_of(&self.path, number))?;
        let mut places: HashMap<Address, Vec<u32>> = HashMap::new();
        folder.each(closed.count, |index, answer| {
            places.entry(answer.requester).or_default().push(index);
            Ok(())
        })?;
        let closed = Arc::new(Closed {
            header: folder.header().clone(),
            trees: folder.trees(closed.count)?,
            places,
        });
        *last = Some(Arc::clone(&closed));
        Ok(closed)
    }

    /// What leads from a requester's answers to the roots of an epoch.
    ///
    /// # Errors
    /// If the epoch is open or not there, or has no such answers.
    pub fn paths(&self, number: u32, requester: Address) -> Result<Paths, Problem> {
        let missing = |code, message: String| Problem::new(StatusCode::NOT_FOUND, code, message);
        if number >= self.header().number {
            return Err(missing(
                "epoch_open",
                format!("epoch {number} is not closed: ask again later"),
            ));
        }
        let closed = self.closed(number).map_err(|e| {
            tracing::error!(number, "{e}");
            missing(
                "no_epoch",
                format!("epoch {number} is not kept here, or cannot be read"),
            )
        })?;
        let places = closed.places.get(&requester).ok_or_else(|| {
            missing(
                "no_answers",
                format!("epoch {number} has no answers for {requester}"),
            )
        })?;
        Ok(Paths::within(&closed.header, &closed.trees, places.clone()))
    }

    /// Keeps a voucher, to be redeemed when its epoch is settled.
    ///
    /// # Errors
    /// If it is of another line, is not signed by its requester's key, or pays less than one that is there.
    pub fn voucher(&self, voucher: &Voucher) -> Result<(), Problem> {
        // One at a time: two of one requester are compared.
        let series = locked(&self.series);
        keep_voucher(&self.path, series.header(), voucher).map_err(|e| match e {
            Error::File { .. } => {
                tracing::error!("{e}");
                let message = "the voucher cannot be kept: try again later";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not_kept", message)
            }
            e => Problem::new(StatusCode::BAD_REQUEST, "invalid_voucher", e.to_string()),
        })
    }
}
