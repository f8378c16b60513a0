//! The points of a setup, and the checks that make them one.

use halo2curves::bn256::{Fr, G1Affine, G2, G2Affine, pairing};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use halo2curves::group::cofactor::CofactorGroup;
use halo2curves::msm::msm_best;
use rand_core::OsRng;
use rayon::prelude::*;

use crate::error::{Error, Points};

/// The smallest `k`: the id of a setup needs `tau * G1`.
pub(crate) const MIN_K: u32 = 1;
/// The largest `k`: no public ceremony is of a greater power.
pub(crate) const MAX_K: u32 = 28;

/// Scalars or points that one thread works on at a time.
pub(crate) const CHUNK: usize = 1 << 12;

/// Fails for sizes that no setup has here.
pub(crate) fn check_size(k: u32) -> Result<(), Error> {
    if !(MIN_K..=MAX_K).contains(&k) {
        return Err(Error::UnsupportedSize {
            min: MIN_K,
            max: MAX_K,
            got: k,
        });
    }
    Ok(())
}

/// The points of a setup.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// `tau^i * G1`, none at infinity; `2^k` of them in a [`crate::Setup`].
    pub(crate) powers: Vec<G1Affine>,
    /// `G2` and `tau * G2`.
    pub(crate) g2: [G2Affine; 2],
}

impl Parts {
    /// Takes the points that were decoded from a file, and checks them.
    pub(crate) fn checked(powers: Vec<G1Affine>, g2: [G2Affine; 2]) -> Result<Self, Error> {
        let parts = Self { powers, g2 };
        parts.check_ends()?;
        parts.check_powers()?;
        Ok(parts)
    }

    /// The logarithm of the number of powers.
    pub(crate) fn k(&self) -> u32 {
        self.powers.len().ilog2()
    }

    /// The checks whose cost does not depend on the size: the first powers are what they should
    /// be, and the secret is none of those that break the scheme.
    pub(crate) fn check_ends(&self) -> Result<(), Error> {
        let (one, [g2, s_g2]) = (self.powers[0], self.g2);
        // Verifiers and contracts have the standard generators in their equations.
        if one != G1Affine::generator() {
            return Err(Error::NotGenerator {
                points: Points::PowersG1,
            });
        }
        if g2 != G2Affine::generator() {
            return Err(Error::NotGenerator {
                points: Points::PowersG2,
            });
        }
        // The twist has points of other orders, on which a pairing says nothing.
        if !bool::from(G2::from(s_g2).is_torsion_free()) {
            return Err(Error::NotInSubgroup {
                points: Points::PowersG2,
                index: 1,
            });
        }
        // The secret of both groups is the same.
        if pairing(&self.powers[1], &g2) != pairing(&one, &s_g2) {
            return Err(Error::InconsistentPowers);
        }
        // The smallest `j` with tau^(2^j) = 1. Such powers repeat: `X^(2^j) - 1` commits to nothing, so that a commitment
        // has many openings; and whoever tries these few secrets finds this one.
        for (j, power) in (0..self.k()).map(|j| (j, self.powers[1 << j])) {
            if power == one || power == -one {
                return Err(Error::DegenerateSecret {
                    order_log2: if power == one { j } else { j + 1 },
                });
            }
        }
        Ok(())
    }

    /// Checks that each power of G1 is tau times the one before it: for a random `z`,
    /// `e(sum z^i g[i+1], g2) = e(sum z^i g[i], s_g2)`. A wrong point passes with a probability of
    /// at most `2^k / r`; whoever wrote the points does not know `z`.
    pub(crate) fn check_powers(&self) -> Result<(), Error> {
        let (g, [g2, s_g2]) = (&self.powers, self.g2);
        let n = g.len();
        let z = Fr::random(OsRng);
        // One sum serves both sides: without its last term it is the right one, without its
        // first and divided by z the left one.
        let sum = msm_best(&powers(z, n), g);
        let low = sum - g[n - 1] * z.pow_vartime([n as u64 - 1]);
        let high = (sum - g[0]) * z.invert().unwrap_or(Fr::ZERO);
        if pairing(&high.to_affine(), &g2) != pairing(&low.to_affine(), &s_g2) {
            return Err(Error::InconsistentPowers);
        }
        Ok(())
    }
}

/// `z^i` for `i < n`.
pub(crate) fn powers(z: Fr, n: usize) -> Vec<Fr> {
    let mut powers = vec![Fr::ZERO; n];
    let chunks = powers.par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(i, chunk)| {
        let mut power = z.pow_vartime([(i * CHUNK) as u64]);
        for slot in chunk {
            *slot = power;
            power *= z;
        }
    });
    powers
}
