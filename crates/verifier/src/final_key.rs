//! What verifies final proofs without a setup's powers: the numbers that contracts have as constants, in a file.

use crate::encoding::{WORD, g2_from_words, g2_to_words, point_to_words, scalar_to_bytes};
use crate::finished::{top_with, window_layers};
use crate::hex::{Digest32, HexBytes, Point, Scalar};
use crate::{CheckedClaim, DEVELOPMENT_SETUP, Error, FinalFile, FinalVerifier, Parameters};
use halo2curves::bn256::{Fr, G2Affine};
use halo2curves::ff::Field;
use nanozk_final::{Key, verify_top};
use nanozk_recursion::node::{FOLD, NodeError};
use nanozk_recursion::statement::Said;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// Format name of a key of final proofs.
pub const FINAL_KEY_FORMAT: &str = "nanozk-final-key-1";

/// The key of all final proofs under one setup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinalKey {
    /// [`FINAL_KEY_FORMAT`].
    pub format: String,
    /// Id of the setup.
    pub setup: Digest32,
    /// The second group's generator times the setup's secret: coordinates of 32 bytes, imaginary parts first.
    pub tau_g2: HexBytes,
    /// Commitment to the packed fixed polynomials of the final circuit.
    pub fixed: Point,
    /// Digests of the keys of nodes over one, two and three nodes.
    pub folds: [Scalar; FOLD],
}

/// A key that can be used.
#[derive(Clone, Debug)]
pub struct CheckedFinalKey {
    file: FinalKey,
    g2: [G2Affine; 2],
}

impl CheckedFinalKey {
    /// Checks a key's form. Whether it is the setup's is another question: compare its digest with a known one.
    pub fn new(file: FinalKey) -> Result<Self, Error> {
        if file.format != FINAL_KEY_FORMAT {
            return Err(Error::Format {
                expected: FINAL_KEY_FORMAT,
                got: file.format,
            });
        }
        let (words, rest) = file.tau_g2.0.as_chunks::<WORD>();
        let words: Option<[[u8; WORD]; 4]> = words.try_into().ok().filter(|_| rest.is_empty());
        let words = words.ok_or(Error::Malformed("`tau_g2` of the key is not 128 bytes"))?;
        let tau = g2_from_words(words);
        let no_point = Error::Malformed("`tau_g2` of the key is no point of the second group");
        let g2 = [G2Affine::generator(), tau.map_err(|_| no_point)?];
        Ok(Self { file, g2 })
    }

    /// Computes it from a setup: takes seconds.
    pub fn compute(parameters: &Parameters) -> Result<Self, Error> {
        let verifier = FinalVerifier::new(parameters)?;
        let mut folds = [Scalar(Fr::ZERO); FOLD];
        for (count, fold) in (1..).zip(&mut folds) {
            let key = verifier.nodes().fold_key(&parameters.basis, count);
            *fold = Scalar(key?.digest());
        }
        Self::new(FinalKey {
            format: FINAL_KEY_FORMAT.into(),
            setup: parameters.id,
            tau_g2: HexBytes(g2_to_words(&parameters.g2[1]).concat()),
            fixed: Point(verifier.key().fixed),
            folds,
        })
    }

    /// As a file has it.
    pub fn file(&self) -> &FinalKey {
        &self.file
    }

    /// `keccak256("nanozk-final-key-1" ‖ setup ‖ tau_g2 ‖ x ‖ y ‖ folds)`, `x` and `y` being the coordinates of the commitment.
    pub fn digest(&self) -> Digest32 {
        let mut hash = Keccak256::new();
        hash.update(FINAL_KEY_FORMAT);
        hash.update(self.file.setup.0);
        hash.update(&self.file.tau_g2.0);
        for word in point_to_words(&self.file.fixed.0) {
            hash.update(word);
        }
        for fold in &self.file.folds {
            hash.update(scalar_to_bytes(&fold.0));
        }
        Digest32(hash.finalize().into())
    }

    /// Verifies a final proof about these claims, in the file's order, as contracts do: by the keys that the models were
    /// registered with. Whether these are the keys of their layers [`crate::CheckedManifest::check_programs`] says, which takes
    /// the setup. Gives the numbers of the layers that are proved of each claim.
    pub fn verify(
        &self,
        claims: &[&CheckedClaim<'_>],
        file: &FinalFile,
    ) -> Result<Vec<Vec<usize>>, Error> {
        let (windows, layers) = file.windows_of(claims)?;
        let mut leaves: Vec<(Fr, Said)> = Vec::new();
        let mut digests = Vec::with_capacity(claims.len());
        for (claim, windows) in claims.iter().zip(&windows) {
            let manifest = claim.manifest();
            if manifest.manifest().setup != self.file.setup {
                return Err(Error::WrongSetup {
                    expected: self.file.setup,
                    got: manifest.manifest().setup,
                });
            }
            let said = manifest.manifest().development_setup;
            if said != (self.file.setup == DEVELOPMENT_SETUP) {
                return Err(Error::DevelopmentSetup { said });
            }
            let generated = claim.claim().generated_tokens as usize;
            let mut own = Vec::with_capacity(windows.len());
            for window in windows {
                let no_program = Error::NoProgram {
                    layer: window.0 as usize,
                };
                // A manifest whose programs are of other weights is none.
                let (_, program) = manifest.registered(*window, generated).ok_or(no_program)?;
                let goal = claim.goal(&window_layers(*window))?;
                let said = claim.said(&goal)?;
                own.push(Scalar(said.digest));
                leaves.push((program.key.0, said));
            }
            digests.push(own);
        }
        let fold = |count: usize| -> Result<Fr, NodeError> {
            let fold = count.checked_sub(1).and_then(|i| self.file.folds.get(i));
            Ok(fold.ok_or(NodeError::Empty)?.0)
        };
        let (top, tree) = top_with(&leaves, fold)?;
        file.check_digests(&tree, &digests)?;
        let key = Key::of_commitment(self.file.fixed.0);
        verify_top(&key, &top, &file.proof.0, &self.g2)?;
        Ok(layers)
    }
}
