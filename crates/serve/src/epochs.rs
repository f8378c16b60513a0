//! Answers of epochs: receipts of places in what a provider commits to, paths to it, and vouchers.
//!
//! Answers are on disk before their receipts are signed. Epochs are closed here, by their number of answers or by their age;
//! committing to them, and proving what is drawn of them, is another program's (`nanozk epoch keep`).

use crate::error::Problem;
use axum::http::StatusCode;
use nanozk_chain::epoch::answers::{Answer, EpochReceipt, Folder, Header, Trees};
use nanozk_chain::epoch::paths::Paths;
use nanozk_chain::epoch::series::{Limits, Series, folder_of, keep_voucher};
use nanozk_chain::epoch::voucher::Voucher;
use nanozk_chain::primitives::Address;
use nanozk_chain::{Error, PrivateKeySigner};
use nanozk_prover::session::Secret;
use nanozk_verifier::hex::Scalar;
use std::collections::{HashMap, VecDeque};
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
    /// Those that were asked for last: all requesters ask for the same, after it was closed.
    kept: Mutex<VecDeque<Arc<Closed>>>,
    /// Held while one is read.
    reading: Mutex<()>,
}

/// Closed epochs in memory.
const KEPT: usize = 2;

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
            kept: Mutex::default(),
            reading: Mutex::default(),
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

    fn closed(&self, number: u32) -> Result<Arc<Closed>, Problem> {
        let missing = |code, message: String| Problem::new(StatusCode::NOT_FOUND, code, message);
        if number >= self.header().number {
            return Err(missing(
                "epoch_open",
                format!("epoch {number} is not closed: ask again later"),
            ));
        }
        let find = |kept: &VecDeque<Arc<Closed>>| {
            let mut all = kept.iter();
            all.find(|c| c.header.number == number).cloned()
        };
        if let Some(closed) = find(&locked(&self.kept)) {
            return Ok(closed);
        }
        // One at a time, and nobody waits for it: answering goes on meanwhile.
        let Ok(_reading) = self.reading.try_lock() else {
            let message = "another epoch is being read: ask again in some seconds";
            let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message);
            return find(&locked(&self.kept)).ok_or(busy);
        };
        let closed = self.read(number).map_err(|e| {
            tracing::error!(number, "{e}");
            missing(
                "no_epoch",
                format!("epoch {number} is not kept here, or cannot be read"),
            )
        })?;
        let mut kept = locked(&self.kept);
        kept.truncate(KEPT - 1);
        kept.push_front(Arc::clone(&closed));
        Ok(closed)
    }

    fn read(&self, number: u32) -> Result<Arc<Closed>, Error> {
        let (folder, closed) = Folder::open_closed(&folder_of(&self.path, number))?;
        let mut places: HashMap<Address, Vec<u32>> = HashMap::new();
        folder.each(closed.count, |index, answer| {
            places.entry(answer.requester).or_default().push(index);
            Ok(())
        })?;
        Ok(Arc::new(Closed {
            header: folder.header().clone(),
            trees: folder.trees(closed.count)?,
            places,
        }))
    }

    /// A closed epoch that has answers for a requester.
    fn closed_for(&self, number: u32, requester: Address) -> Result<Arc<Closed>, Problem> {
        let closed = self.closed(number)?;
        match closed.places.contains_key(&requester) {
            true => Ok(closed),
            false => Err(Problem::new(
                StatusCode::NOT_FOUND,
                "no_answers",
                format!("epoch {number} has no answers for {requester}"),
            )),
        }
    }

    /// What leads from a requester's answers to the roots of an epoch; from those in some places, or all.
    ///
    /// # Errors
    /// If the epoch is open or not there, or has no such answers.
    pub fn paths(
        &self,
        number: u32,
        requester: Address,
        some: Option<&[u32]>,
    ) -> Result<Paths, Problem> {
        let closed = self.closed_for(number, requester)?;
        let mut places = closed.places[&requester].clone();
        if let Some(some) = some {
            if let Some(other) = some.iter().find(|place| !places.contains(place)) {
                return Err(Problem::new(
                    StatusCode::NOT_FOUND,
                    "no_answers",
                    format!("answer {other} of epoch {number} is not for {requester}"),
                ));
            }
            places.retain(|place| some.contains(place));
        }
        Ok(Paths::within(&closed.header, &closed.trees, places))
    }

    /// Keeps a voucher, to be redeemed when its epoch is settled.
    ///
    /// # Errors
    /// If it is of another line, or of an epoch that is not closed or has no answer for its requester, is not signed by its
    /// requester's key, or adds nothing to those that are there.
    pub fn voucher(&self, voucher: &Voucher) -> Result<(), Problem> {
        // Whoever was not answered owes nothing: nobody fills the disk with vouchers.
        self.closed_for(voucher.epoch, voucher.requester)?;
        // One at a time: those of one requester are compared.
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
