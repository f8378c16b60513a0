//! A provider's folders of a line, one epoch after the other. Each is named by the number of its epoch; answers go to the last.

use super::answers::{Answer, Folder, Header, failed};
use super::voucher::Voucher;
use crate::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// When an epoch is closed, and the next one opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// It has so many answers.
    pub answers: u32,
    /// It is so old, and has an answer.
    pub age: Duration,
    /// Answers that are drawn of it: all, if it has fewer.
    pub draws: u16,
}

/// Folders of epochs that follow each other, the last of which this process has open.
#[derive(Debug)]
pub struct Series {
    path: PathBuf,
    folder: Folder,
    limits: Limits,
}

/// Numbers of the epochs whose folders are in a directory, rising.
///
/// # Errors
/// If it cannot be listed.
pub fn numbers(path: &Path) -> Result<Vec<u32>, Error> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed(path))? {
        let entry = entry.map_err(failed(path))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u32>().ok());
        // A folder that is being made has no header yet.
        let is_there = entry.path().join("epoch.json").is_file();
        numbers.extend(number.filter(|n| is_there && name.to_str() == Some(&n.to_string())));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The folder of an epoch.
pub fn folder_of(path: &Path, number: u32) -> PathBuf {
    path.join(number.to_string())
}

/// Where vouchers are kept, in a directory for each requester.
pub fn vouchers_of(path: &Path) -> PathBuf {
    path.join("vouchers")
}

/// Vouchers of a requester for an epoch that are kept: it signs one, and perhaps another if it was answered more.
const VOUCHERS: usize = 4;

/// Keeps a voucher. None is replaced: whoever signs a worthless one does not take a good one back, and an epoch that is not
/// settled yet keeps no earlier one from being redeemed.
///
/// # Errors
/// If it is of another line, or not signed by its requester's key, or if enough are there, or it cannot be written.
pub fn keep_voucher(path: &Path, header: &Header, voucher: &Voucher) -> Result<(), Error> {
    voucher.payment(&header.books, &header.line, false)?;
    let directory = vouchers_of(path).join(voucher.requester.to_string());
    std::fs::create_dir_all(&directory).map_err(failed(&directory))?;
    let Voucher {
        epoch,
        round,
        amount,
        ..
    } = voucher;
    let file = directory.join(format!("{epoch}-{round}-{amount}.json"));
    if file.is_file() {
        return Ok(());
    }
    let prefix = format!("{epoch}-");
    let entries = std::fs::read_dir(&directory).map_err(failed(&directory))?;
    let names = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name());
    let of_epoch = names.filter(|name| {
        let name = name.to_str().unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(".json")
    });
    if of_epoch.count() >= VOUCHERS {
        return Err(Error::Mismatch(format!(
            "{VOUCHERS} vouchers are there for epoch {epoch}"
        )));
    }
    let text = serde_json::to_string_pretty(voucher).expect("plain fields serialize");
    let new = file.with_extension("new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::File::open(&new)?.sync_all());
    written.map_err(failed(&new))?;
    std::fs::rename(&new, &file).map_err(failed(&file))
}

impl Series {
    /// The folders in a directory, of which there is one at least: the last is opened, or, if it is closed, the next one made.
    ///
    /// # Errors
    /// If there is none, or the last cannot be opened.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, Error> {
        let Some(last) = numbers(path)?.pop() else {
            return Err(Error::Mismatch(format!(
                "{} has no epoch: nanozk epoch open {}",
                path.display(),
                path.join("NUMBER").display()
            )));
        };
        let folder = Folder::open(&folder_of(path, last))?;
        if folder.header().number != last {
            return Err(Error::Mismatch(format!(
                "{} is of epoch {}: name it so",
                folder.path().display(),
                folder.header().number
            )));
        }
        let mut series = Self {
            path: path.to_owned(),
            folder,
            limits,
        };
        if series.folder.closed()?.is_some() {
            series.next()?;
        }
        Ok(series)
    }

    /// Of the epoch that is open.
    pub fn header(&self) -> &Header {
        self.folder.header()
    }

    /// Adds an answer, after which the epoch may be closed; gives its place, and of which epoch. It is on disk when this
    /// returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(&mut self, answer: &Answer) -> Result<(Header, u32), Error> {
        // Before, so that what could not be closed the last time is now.
        self.close_if_due(SystemTime::now())?;
        let header = self.header().clone();
        let index = self.folder.append(std::slice::from_ref(answer))?;
        Ok((header, index))
    }

    /// Closes the epoch if it has as many answers as it may have, or is too old, and opens the next one; says its number.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn close_if_due(&mut self, now: SystemTime) -> Result<Option<u32>, Error> {
        let count = self.folder.count();
        let is_full = count >= self.limits.answers;
        if count == 0 || !(is_full || self.age(now)? >= self.limits.age) {
            return Ok(None);
        }
        let number = self.header().number;
        let all = u16::try_from(count).unwrap_or(u16::MAX);
        self.folder.close(self.limits.draws.min(all))?;
        self.next()?;
        Ok(Some(number))
    }

    /// Since its folder was made.
    fn age(&self, now: SystemTime) -> Result<Duration, Error> {
        let file = self.folder.path().join("epoch.json");
        let made = std::fs::metadata(&file).and_then(|m| m.modified());
        Ok(now
            .duration_since(made.map_err(failed(&file))?)
            .unwrap_or_default())
    }

    /// The folder after the one that is closed, with what the machine remembers of it.
    fn next(&mut self) -> Result<(), Error> {
        let mut header = self.header().clone();
        header.number += 1;
        let path = folder_of(&self.path, header.number);
        let (from, to) = (
            self.folder.path().join("local.json"),
            path.join("local.json"),
        );
        std::fs::create_dir_all(&path).map_err(failed(&path))?;
        if from.is_file() {
            std::fs::copy(&from, &to).map_err(failed(&to))?;
        }
        // The header is last: with it the folder is whole.
        self.folder = Folder::create(&path, header)?;
        Ok(())
    }
}
