//! Setups in a directory, which models share, and what proofs about a model take of the one it was registered under.

use nanozk_prover::{final_parameters, final_setup_size, parameters, setup_size};
use nanozk_setup::{Error as SetupError, Setup, SetupStore};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::{CheckedManifest, DEVELOPMENT_SETUP, Parameters};
use std::path::PathBuf;

/// Why there is no setup for a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The development setup could not be made or kept.
    #[error("cannot prepare the development setup of 2^{k} powers in {}", dir.display())]
    Development {
        /// Binary logarithm of the powers.
        k: u32,
        /// The directory of setups.
        dir: PathBuf,
        /// Why.
        source: Box<SetupError>,
    },
    /// The ceremony's setup is not there, too small, or damaged.
    #[error(
        "the model was registered under the setup {setup}; import its ceremony file: nanozk setup import <file> --name <name> --k {k}"
    )]
    Ceremony {
        /// Id of the setup that the model was registered under.
        setup: Digest32,
        /// Binary logarithm of the powers that are needed.
        k: u32,
        /// Why it could not be read.
        source: Box<SetupError>,
    },
    /// The directory has the setup of another ceremony.
    #[error("the model was registered under the setup {expected}, but {} has the setup {got}", dir.display())]
    OtherSetup {
        /// Id of the setup that the model was registered under.
        expected: Digest32,
        /// Id of the setup in the directory.
        got: Digest32,
        /// The directory of setups.
        dir: PathBuf,
    },
    /// A point in the file is not the ceremony's.
    #[error("the stored setup of 2^{k} powers in {} is not the ceremony's: import its file again", dir.display())]
    Forged {
        /// Binary logarithm of the powers.
        k: u32,
        /// The directory of setups.
        dir: PathBuf,
        /// Which check failed.
        source: Box<SetupError>,
    },
}

/// A directory of setups.
#[derive(Clone, Debug)]
pub struct Setups {
    store: SetupStore,
}

impl Setups {
    /// The setups in a directory, which is created when something is written to it.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            store: SetupStore::new(dir),
        }
    }

    /// The files: to import a ceremony's.
    pub fn store(&self) -> &SetupStore {
        &self.store
    }

    fn dir(&self) -> PathBuf {
        self.store.dir().to_owned()
    }

    /// The development setup of `2^k` powers, from the directory, or made and kept there. Its secret is public: proofs under it
    /// prove nothing to others.
    pub fn development(&self, k: u32) -> Result<Setup, Error> {
        let setup = self.store.load_or_create_development(k);
        setup.map_err(|source| Error::Development {
            k,
            dir: self.dir(),
            source: Box::new(source),
        })
    }

    /// The setup that a model was registered under, of `2^k` powers or more.
    pub fn of(&self, manifest: &CheckedManifest, k: u32) -> Result<Setup, Error> {
        let expected = manifest.manifest().setup;
        if expected == DEVELOPMENT_SETUP {
            return self.development(k);
        }
        let setup = self.store.load_at_least(k);
        let setup = setup.map_err(|source| Error::Ceremony {
            setup: expected,
            k,
            source: Box::new(source),
        })?;
        let got = Digest32(setup.id());
        match got == expected {
            true => Ok(setup),
            false => Err(Error::OtherSetup {
                expected,
                got,
                dir: self.dir(),
            }),
        }
    }

    /// As [`Setups::of`], with all points checked: for keys by which others' proofs are judged. The secret of the development
    /// setup is public, so forging its points gives nobody anything.
    pub fn checked(&self, manifest: &CheckedManifest, k: u32) -> Result<Setup, Error> {
        let setup = self.of(manifest, k)?;
        if !setup.is_development() {
            setup.check().map_err(|source| Error::Forged {
                k,
                dir: self.dir(),
                source: Box::new(source),
            })?;
        }
        Ok(setup)
    }

    /// What a prover takes of the setup for joint proofs about a model.
    pub fn parameters(&self, manifest: &CheckedManifest) -> Result<Parameters, Error> {
        let k = manifest.manifest().k;
        Ok(parameters(&self.of(manifest, setup_size(k))?, k))
    }

    /// What a verifier takes of the setup for joint proofs about a model: [`Setups::checked`].
    pub fn checked_parameters(&self, manifest: &CheckedManifest) -> Result<Parameters, Error> {
        let k = manifest.manifest().k;
        Ok(parameters(&self.checked(manifest, setup_size(k))?, k))
    }

    /// What a prover takes of the setup for final proofs about models of this one's setup, in columns of up to `2^k` rows.
    pub fn final_parameters(
        &self,
        manifest: &CheckedManifest,
        k: u32,
    ) -> Result<Parameters, Error> {
        let setup = self.of(manifest, final_setup_size(k))?;
        Ok(final_parameters(&setup, k))
    }

    /// What a verifier takes of the setup for them: [`Setups::checked`].
    pub fn checked_final_parameters(
        &self,
        manifest: &CheckedManifest,
        k: u32,
    ) -> Result<Parameters, Error> {
        let setup = self.checked(manifest, final_setup_size(k))?;
        Ok(final_parameters(&setup, k))
    }
}
