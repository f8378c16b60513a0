//! What is kept of answers, so that they can be proved: a directory for each, in one for each day.
//!
//! | file | content |
//! |---|---|
//! | `secret.json` | what a session follows from |
//! | `receipt.json` | the receipt, and what opens it |
//! | `local.json` | where the model is, as in sessions |
//!
//! They are removed when the last receipt of their day has expired, unless somebody made a claim of them: then they are sessions.

use crate::error::Error;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use nanozk_chain::receipt::Served;
use nanozk_prover::directory::Kind;
use nanozk_prover::files::{self, FileError};
use nanozk_prover::session::{Secret, SessionDir};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Where answers are kept, and for how long.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    /// Seconds that an answer is kept, at least.
    pub retention: u64,
}

/// The day of a time, in UTC.
fn day(time: u64) -> Date {
    let seconds = i64::try_from(time).unwrap_or(i64::MAX);
    let timestamp = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    timestamp.to_zoned_datetime(TimeZone::UTC).date()
}

/// Where a day begins.
fn start(day: Date) -> Option<u64> {
    let start = day.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
    u64::try_from(start.as_second()).ok()
}

impl Store {
    /// A directory, which is made.
    pub fn new(path: impl Into<PathBuf>, retention: u64) -> Result<Self, FileError> {
        let path = path.into();
        files::create_dir(&path)?;
        Ok(Self { path, retention })
    }

    /// The directory of an answer.
    pub fn place(&self, name: &str, issued_at: u64) -> PathBuf {
        self.path.join(day(issued_at).to_string()).join(name)
    }

    /// Writes an answer. The receipt comes last: with it all is there.
    pub fn keep(
        &self,
        name: &str,
        secret: &Secret,
        served: &Served,
        local: &impl Serialize,
    ) -> Result<PathBuf, FileError> {
        let path = self.place(name, served.receipt.issued_at);
        SessionDir::new(&path).keep(secret)?;
        files::write_json(&path.join("local.json"), local)?;
        files::write_json_secret(&path.join(Kind::Served.marker()), served)?;
        Ok(path)
    }

    /// Removes days whose receipts have all expired; gives how many answers that were.
    pub fn clean(&self, now: u64) -> Result<usize, Error> {
        let mut removed = 0;
        for path in list(&self.path)? {
            let name = path.file_name().and_then(|name| name.to_str());
            // What has another name is not this store's.
            let Some(start) = name.and_then(|name| name.parse().ok()).and_then(start) else {
                continue;
            };
            if start.saturating_add(DAY).saturating_add(self.retention) >= now {
                continue;
            }
            for session in list(&path)? {
                if Kind::of(&session) != Some(Kind::Served) {
                    continue;
                }
                // The receipt's own word: answers may have been promised to be kept for longer than today's.
                let marker = session.join(Kind::Served.marker());
                let served: Result<Served, FileError> = files::read_json(&marker);
                if !served.is_ok_and(|served| served.receipt.kept_until < now) {
                    continue;
                }
                std::fs::remove_dir_all(&session).map_err(|source| Error::Remove {
                    path: session.clone(),
                    source,
                })?;
                removed += 1;
            }
            // Only if nothing is left.
            let _ = std::fs::remove_dir(&path);
        }
        Ok(removed)
    }
}

fn list(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let fail = |source| FileError::Io {
        action: "list",
        path: path.into(),
        source,
    };
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(path).map_err(fail)?;
    entries
        .map(|entry| Ok(entry.map_err(fail)?.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_removed_when_their_last_receipt_has_expired() {
        let dir = tempfile::tempdir().expect("created");
        let store = Store::new(dir.path().join("served"), 10).expect("created");
        let issued = 3 * DAY + 5;
        let place = |name: &str, kept_until: u64| {
            let path = store.place(name, issued);
            std::fs::create_dir_all(&path).expect("created");
            let (zero, one) = (format!("0x{:064x}", 0), format!("0x{:064x}", 1));
            let served = serde_json::json!({
                "receipt": {
                    "format": "nanozk-receipt-1", "provider": format!("0x{:040x}", 7), "model_id": zero,
                    "input_digest": one, "output_digest": one, "prompt_tokens": 1, "generated_tokens": 1,
                    "decoding": zero, "seed_digest": one, "issued_at": issued, "kept_until": kept_until,
                    "signature": "0x",
                },
                "opening": {
                    "positions": 4, "prompt": [1], "generated": [1], "input_salt": one, "output_salt": one,
                },
            });
            std::fs::write(path.join("receipt.json"), served.to_string()).expect("written");
            path
        };
        let [one, claimed] = ["one", "claimed"].map(|name| place(name, issued + 10));
        // What was served under a longer promise, and what cannot be read.
        let promised = place("promised", 5 * DAY);
        let damaged = place("damaged", 0);
        std::fs::write(damaged.join("receipt.json"), "{}").expect("written");
        assert!(one.to_string_lossy().ends_with("1970-01-04/one"), "{one:?}");
        std::fs::write(claimed.join("claim.json"), "{}").expect("written");
        let strange = dir.path().join("served/notes");
        std::fs::create_dir_all(&strange).expect("created");
        // The last second in which a receipt of that day may be good.
        let end = 4 * DAY + 10;
        assert_eq!(store.clean(end).expect("cleaned"), 0);
        assert!(one.exists());
        assert_eq!(store.clean(end + 1).expect("cleaned"), 1);
        assert!(!one.exists() && claimed.exists() && strange.exists());
        assert!(promised.exists() && damaged.exists());
        assert_eq!(store.clean(5 * DAY).expect("cleaned"), 0);
        assert_eq!(store.clean(5 * DAY + 1).expect("cleaned"), 1);
        for path in [claimed, damaged] {
            std::fs::remove_dir_all(&path).expect("removed");
        }
        assert_eq!(store.clean(5 * DAY + 1).expect("cleaned"), 0);
        assert!(!store.place("", issued).exists(), "empty days are removed");
    }
}
