//! Whether a session of a model is proved: by its joint proofs, or by its final proof.
//!
//! A session is what a provider hands over: a directory with `manifest.json`, `claim.json`, and `proofs/` or `final.json`. Nothing
//! in it is believed. What has to be known from elsewhere is in [`Expected`], and the setup or the key of final proofs.

use crate::received::{self, Received};
use crate::{Claim, Digest32, Error, FinalKey, Setups};
use nanozk_verifier::{
    CheckedClaim, CheckedFinalKey, DEVELOPMENT_SETUP, FINAL_KEY_FORMAT, FinalVerifier,
};
use std::collections::BTreeSet;
use std::path::Path;

/// What a verifier expects of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The model that the session must be of.
    pub model_id: Digest32,
    /// Layers that must be proved, by their numbers from zero; none, or an empty list: all.
    pub layers: Option<Vec<usize>>,
    /// Whether the development setup is accepted, whose secret is public: then nothing is proved to anybody.
    pub development: bool,
}

impl Expected {
    /// All layers of a model, under a ceremony's setup.
    pub fn model(model_id: Digest32) -> Self {
        Self {
            model_id,
            layers: None,
            development: false,
        }
    }

    /// Only these layers have to be proved: a cheat on another one is not noticed.
    pub fn layers(mut self, layers: impl Into<Vec<usize>>) -> Self {
        self.layers = Some(layers.into());
        self
    }

    /// Accepts the development setup: for tests.
    pub fn under_development_setup(mut self) -> Self {
        self.development = true;
        self
    }

    /// Reads a session of the expected model.
    fn read(&self, session: &Path) -> Result<Received, Error> {
        let received = Received::read(session, &self.model_id)?;
        let is_development = received.manifest().manifest().setup == DEVELOPMENT_SETUP;
        match is_development && !self.development {
            true => Err(Error::Development),
            false => Ok(received),
        }
    }

    /// Accepts a claim if the expected layers are proved.
    fn accept(&self, claim: &CheckedClaim<'_>, proved: BTreeSet<usize>) -> Result<Accepted, Error> {
        let all = claim.manifest().layers();
        let expected = match &self.layers {
            Some(layers) if !layers.is_empty() => layers.clone(),
            _ => (0..all).collect(),
        };
        let missing = expected.into_iter().filter(|layer| !proved.contains(layer));
        let missing: Vec<usize> = missing.collect();
        if !missing.is_empty() {
            return Err(Error::Unproved { missing, all });
        }
        Ok(Accepted {
            claim: claim.claim().clone(),
            proved,
            layers: all,
        })
    }
}

/// A session that is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// What is proved: where the claim was made, for which prompt and which answer, by their salted digests.
    pub claim: Claim,
    /// Numbers of the layers that are proved, from zero.
    pub proved: BTreeSet<usize>,
    /// Layers of the model: embedding, two for each block, head.
    pub layers: usize,
}

/// Verifies the joint proofs in a session directory, under the setup that the model was registered under.
///
/// # Errors
/// If a file cannot be read, if anything is not what was expected, if the setup is not there, or if a proof is not valid: the
/// first that is refused ends it.
pub fn joint(session: &Path, expected: &Expected, setups: &Setups) -> Result<Accepted, Error> {
    let received = expected.read(session)?;
    let claim = received.claim()?;
    let proved = received.verify_joint(&claim, setups, &mut |_| {})?;
    expected.accept(&claim, proved)
}

/// Verifies the final proof of a session, `final.json`, under the setup that the model was registered under. No key is believed:
/// all are computed, which takes seconds.
///
/// # Errors
/// As [`joint`].
pub fn final_proof(
    session: &Path,
    expected: &Expected,
    setups: &Setups,
) -> Result<Accepted, Error> {
    let received = expected.read(session)?;
    let claim = received.claim()?;
    let file = Received::final_file(&received.session().final_path())?;
    let manifest = received.manifest();
    let parameters = setups.checked_final_parameters(manifest, manifest.manifest().k)?;
    let verifier = FinalVerifier::new(&parameters)?;
    let proved = verifier.verify(&[&claim], &file, &parameters);
    expected.accept(&claim, first(proved?))
}

/// Verifies the final proof of a session as contracts do: without a setup, in milliseconds, by the key of final proofs
/// (`nanozk setup final-key`) and by the keys that the model was registered with. That these are the keys of its layers
/// `nanozk model verify` says, once for each model.
///
/// # Errors
/// As [`joint`].
pub fn by_final_key(
    session: &Path,
    expected: &Expected,
    key: &CheckedFinalKey,
) -> Result<Accepted, Error> {
    let received = expected.read(session)?;
    let claim = received.claim()?;
    let file = Received::final_file(&received.session().final_path())?;
    let proved = key.verify(&[&claim], &file);
    expected.accept(&claim, first(proved?))
}

/// Layers of the one claim that a final proof was verified for.
fn first(proved: Vec<Vec<usize>>) -> BTreeSet<usize> {
    proved.into_iter().flatten().collect()
}

/// A key of final proofs in a file, if it has this digest, which `nanozk setup final-key` prints and everybody who has the setup
/// can compute.
///
/// # Errors
/// If the file cannot be read, has something else, or another key.
pub fn final_key(path: &Path, digest: &Digest32) -> Result<CheckedFinalKey, Error> {
    let key: FinalKey = received::read(path, FINAL_KEY_FORMAT)?;
    let key = CheckedFinalKey::new(key)?;
    let (expected, got) = (*digest, key.digest());
    match got == expected {
        true => Ok(key),
        false => Err(Error::OtherKey { expected, got }),
    }
}
