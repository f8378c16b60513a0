//! Directories that are whole or absent.

use anyhow::{bail, Context, Result};
use std::path::{Path, PathBuf};

/// A directory under construction beside the one it becomes; removed unless finished.
#[derive(Debug)]
pub(crate) struct Staging {
    partial: PathBuf,
    target: PathBuf,
}

impl Staging {
    /// Starts a directory. One that exists is refused, or with `force` replaced at the end if it has the
    /// file `marker`, by which a directory of the same sort is known.
    pub(crate) fn new(target: &Path, force: bool, marker: &str) -> Result<Self> {
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
            if !empty && !target.join(marker).is_file() {
                bail!(
                    "{} exists and has no {marker}: --force replaces only what nanozk wrote",
                    target.display()
                );
            }
        }
        let parent = match target.parent() {
            Some(p) if p != Path::new("") => p,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot create the directory {}", parent.display()))?;
        let partial = parent.join(format!(
            ".{}.{}.partial",
            name.to_string_lossy(),
            std::process::id()
        ));
        std::fs::create_dir(&partial)
            .with_context(|| format!("cannot create a directory in {}", parent.display()))?;
        Ok(Staging {
            partial,
            target: target.into(),
        })
    }

    /// Where to write.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Gives the directory its name.
    pub(crate) fn finish(self) -> Result<()> {
        let failed = || format!("cannot write {}", self.target.display());
        if self.target.exists() {
            let old = self.partial.with_extension("old");
            std::fs::rename(&self.target, &old).with_context(failed)?;
            if let Err(e) = std::fs::rename(&self.partial, &self.target) {
                // What was there stays.
                let _ = std::fs::rename(&old, &self.target);
                return Err(e).with_context(failed);
            }
            let _ = std::fs::remove_dir_all(&old);
        } else {
            std::fs::rename(&self.partial, &self.target).with_context(failed)?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.partial);
    }
}
