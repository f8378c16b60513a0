//! Directories that are whole or absent.
//!
//! A directory is written under another name beside the one it becomes, `NAME.PID.partial`. It is removed when the
//! command fails or is interrupted; what a killed command left is removed by the next one that writes `NAME`. What a
//! directory replaces keeps a name of its own if it holds secrets, such as `NAME.old-1`.

use crate::output::Out;
use anyhow::{Context, Result, bail};
use nanozk_prover::directory::Kind;
use nanozk_prover::files::{self, Lock};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

const SUFFIX: &str = ".partial";

/// Directories to remove when the command is interrupted.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory under construction beside the one it becomes; removed unless finished.
#[derive(Debug)]
pub(crate) struct Staging {
    partial: PathBuf,
    target: PathBuf,
    kind: Kind,
    /// Says to other processes that somebody works on it.
    _lock: Lock,
}

impl Staging {
    /// Starts a directory. One that exists is refused, or with `force` replaced at the end if it is of the same kind.
    pub(crate) fn new(target: &Path, force: bool, kind: Kind, out: &Out) -> Result<Self> {
        let Some(name) = target.file_name() else {
            bail!("{} is not the name of a new directory", target.display());
        };
        if target.symlink_metadata().is_ok() {
            let empty = std::fs::read_dir(target).is_ok_and(|mut d| d.next().is_none());
            if !force {
                bail!(
                    "{} exists: choose another output directory, or replace it with --force",
                    target.display()
                );
            }
            if !empty && !kind.replaces(target) {
                let what = Kind::of(target).map_or_else(
                    || format!("is no {kind}"),
                    |other| match other == kind {
                        true => format!("has a {} that nanozk did not write", kind.marker()),
                        false => format!("is a {other}"),
                    },
                );
                bail!(
                    "{} exists and {what}: --force replaces only what nanozk wrote, and here only a {kind}",
                    target.display()
                );
            }
        }
        not_in_use(target)?;
        let parent = match target.parent() {
            Some(p) if p != Path::new("") => p,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot create the directory {}", parent.display()))?;
        let name = name.to_string_lossy();
        remove_left(parent, &name, out);
        let partial = parent.join(format!("{name}.{}{SUFFIX}", std::process::id()));
        // Before there is anything to remove, so that nothing is left whenever a signal comes.
        clean_when_interrupted();
        unfinished().push(partial.clone());
        let started = std::fs::create_dir(&partial)
            .with_context(|| format!("cannot create a directory in {}", parent.display()))
            .and_then(|()| Ok(files::lock_directory(&partial)?));
        let lock = match started {
            Ok(lock) => lock,
            Err(e) => {
                unfinished().retain(|p| *p != partial);
                return Err(e);
            }
        };
        Ok(Staging {
            partial,
            target: target.into(),
            kind,
            _lock: lock,
        })
    }

    /// Where to write.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Gives the directory its name. Where is what was there before, if it is kept.
    pub(crate) fn finish(self, out: &Out) -> Result<Option<PathBuf>> {
        let failed = || format!("cannot write {}", self.target.display());
        if !self.target.exists() {
            std::fs::rename(&self.partial, &self.target).with_context(failed)?;
            return Ok(None);
        }
        not_in_use(&self.target)?;
        let old = set_aside(&self.target)?;
        if let Err(e) = std::fs::rename(&self.partial, &self.target) {
            // What was there stays.
            let _ = std::fs::rename(&old, &self.target);
            return Err(e).with_context(failed);
        }
        // What it is, if it is more than an empty directory.
        let was = match std::fs::read_dir(&old).is_ok_and(|mut d| d.next().is_none()) {
            true => None,
            false => Some(Kind::of(&old).unwrap_or(self.kind)),
        };
        let Some(kind) = was.filter(|kind| kind.is_irreplaceable()) else {
            let _ = std::fs::remove_dir_all(&old);
            return Ok(None);
        };
        out.note(format!(
            "note: the {kind} that was there is now {}, with its secret: claims that were made with it need it; remove it \
             when none does",
            old.display()
        ));
        Ok(Some(old))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.partial);
        unfinished().retain(|p| *p != self.partial);
    }
}

/// A session that is being proved is not taken away from its prover.
fn not_in_use(target: &Path) -> Result<()> {
    let lock = target.join("lock");
    if lock.is_file() {
        files::lock(&lock).context("cannot replace the session while it is proved")?;
    }
    Ok(())
}

/// Renames what is at a path to the first free name of `PATH.old-1`, `PATH.old-2`, …
pub(crate) fn set_aside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let old = (1..)
        .map(|i| path.with_file_name(format!("{name}.old-{i}")))
        .find(|p| p.symlink_metadata().is_err())
        .expect("some number is free");
    std::fs::rename(path, &old)
        .with_context(|| format!("cannot rename {} to {}", path.display(), old.display()))?;
    Ok(old)
}

/// Removes what processes left that were killed.
fn remove_left(parent: &Path, name: &str, out: &Out) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let file = entry.file_name();
        let is_partial = file
            .to_str()
            .and_then(|f| {
                f.strip_prefix(name)?
                    .strip_prefix('.')?
                    .strip_suffix(SUFFIX)
            })
            .is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()));
        // Whoever works on it holds its lock.
        if is_partial && files::lock_directory(&entry.path()).is_ok() {
            let removed = std::fs::remove_dir_all(entry.path());
            if removed.is_ok() {
                out.note(format!(
                    "note: removed {}, which an interrupted command had left",
                    entry.path().display()
                ));
            }
        }
    }
}

/// Removes unfinished directories when the process is told to end.
fn clean_when_interrupted() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler the next command cleans up.
        let _ = handle_signals();
    });
}

fn handle_signals() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    std::thread::Builder::new().spawn(move || {
        let code = runtime.block_on(told.first());
        // Other threads may be writing: until nothing is left of it, or it cannot be removed.
        for path in unfinished().iter() {
            for _ in 0..100 {
                if std::fs::remove_dir_all(path).is_ok() || !path.exists() {
                    break;
                }
            }
        }
        std::process::exit(code);
    })?;
    Ok(())
}

/// What tells a process to end.
#[cfg(unix)]
struct Signals([(i32, tokio::signal::unix::Signal); 2]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let of = |kind: SignalKind| Ok::<_, std::io::Error>((kind.as_raw_value(), signal(kind)?));
        Ok(Signals([
            of(SignalKind::interrupt())?,
            of(SignalKind::terminate())?,
        ]))
    }

    /// The exit code of the first that comes, as shells give it.
    async fn first(mut self) -> i32 {
        std::future::poll_fn(|cx| {
            for (number, signal) in &mut self.0 {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(128 + *number);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Signals)
    }

    async fn first(self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            // No handler: nothing to wait for.
            std::future::pending::<()>().await;
        }
        130
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out() -> Out {
        Out::new(false)
    }

    #[test]
    fn what_was_killed_is_removed_and_what_lives_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let names = || {
            let mut names: Vec<_> = std::fs::read_dir(dir.path())
                .unwrap()
                .map(|e| e.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        for name in ["model.99.partial", "model.x.partial", "models.99.partial"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join("file"), "").unwrap();
        }
        let first = Staging::new(&at("model"), false, Kind::Model, &out()).unwrap();
        let own = first
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            names(),
            [own.as_str(), "model.x.partial", "models.99.partial"]
        );
        // Another process would remove it if nobody held it.
        remove_left(dir.path(), "model", &out());
        assert!(first.path().exists());
        drop(first);
        assert_eq!(names(), ["model.x.partial", "models.99.partial"]);
    }

    #[test]
    fn what_is_replaced_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("model");
        let make = |text: &str| {
            let staging = Staging::new(&target, true, Kind::Model, &out()).unwrap();
            let manifest = format!("{{\"format\": \"nanozk-{text}\"}}");
            std::fs::write(staging.path().join(Kind::Model.marker()), manifest).unwrap();
            staging.finish(&out()).unwrap()
        };
        assert_eq!(make("a"), None);
        for (i, text) in ["b", "c"].into_iter().enumerate() {
            let old = make(text).unwrap();
            assert_eq!(old, dir.path().join(format!("model.old-{}", i + 1)));
            assert!(old.join(Kind::Model.marker()).exists());
        }
        // An empty directory is no loss.
        std::fs::remove_dir_all(&target).unwrap();
        std::fs::create_dir(&target).unwrap();
        assert_eq!(make("d"), None);
    }
}
