//! The points of a setup, and the checks that make them one.

use std::io::{BufWriter, Write};

use halo2_proofs::arithmetic::{best_multiexp, parallelize};
use halo2_proofs::poly::commitment::{Blind, Params, ParamsProver};
use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2_proofs::poly::Polynomial;
use halo2curves::bn256::{pairing, Bn256, Fr, G1Affine, G2Affine, G2};
use halo2curves::ff::{BatchInvert, Field, FromUniformBytes, PrimeField};
use halo2curves::group::cofactor::CofactorGroup;
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::Curve;
use halo2curves::serde::SerdeObject;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::error::{Error, Points};
use crate::lagrange::lagrange_basis;

/// The smallest `k`: the id of a setup needs `tau * G1`.
pub(crate) const MIN_K: u32 = 1;
/// The largest `k`: the scalar field has no larger domain.
pub(crate) const MAX_K: u32 = Fr::S;

/// Fails for sizes that no setup can have.
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

/// The generator of the domain of size `2^k`.
pub(crate) fn root_of_unity(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// The points of a setup of size `2^k`.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) k: u32,
    pub(crate) g: Vec<G1Affine>,
    pub(crate) g_lagrange: Vec<G1Affine>,
    pub(crate) g2: G2Affine,
    pub(crate) s_g2: G2Affine,
}

impl Parts {
    /// Takes the powers of tau and computes the Lagrange basis, an inverse FFT over the group.
    ///
    /// Checks the powers first, so that the work is not done for nothing.
    pub(crate) fn from_powers(
        k: u32,
        g: Vec<G1Affine>,
        [g2, s_g2]: [G2Affine; 2],
    ) -> Result<Self, Error> {
        let mut parts = Self {
            k,
            g,
            g_lagrange: Vec::new(),
            g2,
            s_g2,
        };
        parts.check_ends()?;
        parts.check_powers()?;
        parts.g_lagrange = lagrange_basis(k, &parts.g);
        parts.check_lagrange()?;
        Ok(parts)
    }

    /// Takes all points of a setup and checks them.
    pub(crate) fn from_all(
        k: u32,
        g: Vec<G1Affine>,
        g_lagrange: Vec<G1Affine>,
        [g2, s_g2]: [G2Affine; 2],
    ) -> Result<Self, Error> {
        let parts = Self {
            k,
            g,
            g_lagrange,
            g2,
            s_g2,
        };
        parts.check_ends()?;
        parts.check_powers()?;
        parts.check_lagrange()?;
        Ok(parts)
    }

    /// The checks whose cost does not depend on the size: the first powers are what they should
    /// be, and the secret is none of those that break the scheme.
    pub(crate) fn check_ends(&self) -> Result<(), Error> {
        if self.g[0] != G1Affine::generator() {
            return Err(Error::NotGenerator {
                points: Points::PowersG1,
            });
        }
        if self.g2 != G2Affine::generator() {
            return Err(Error::NotGenerator {
                points: Points::PowersG2,
            });
        }
        if !bool::from(G2::from(self.s_g2).is_torsion_free()) {
            return Err(Error::NotInSubgroup {
                points: Points::PowersG2,
                index: 1,
            });
        }
        if pairing(&self.g[1], &self.g2) != pairing(&self.g[0], &self.s_g2) {
            return Err(Error::InconsistentPowers);
        }
        // The smallest `j` with tau^(2^j) = 1; at a root of unity of the domain all of the
        // Lagrange basis but one point vanishes.
        let one = self.g[0];
        for (j, power) in (0..self.k).map(|j| (j, self.g[1 << j])) {
            if power == one || power == -one {
                return Err(Error::DegenerateSecret {
                    order_log2: if power == one { j } else { j + 1 },
                });
            }
        }
        Ok(())
    }

    /// Checks that each power of G1 is tau times the one before it: with a challenge `z` that
    /// depends on all of the points, `e(sum z^i g[i+1], g2) = e(sum z^i g[i], s_g2)`. A wrong
    /// point passes with a probability of at most `2^k / r`.
    fn check_powers(&self) -> Result<(), Error> {
        let z = self.challenge();
        let n = self.g.len();
        // One sum serves both sides: without its last term it is the right one, without its
        // first and divided by z the left one.
        let sum = best_multiexp(&powers(z, n), &self.g);
        let low = sum - self.g[n - 1] * z.pow_vartime([n as u64 - 1]);
        let high = (sum - self.g[0]) * z.invert().unwrap_or(Fr::ZERO);
        if pairing(&high.to_affine(), &self.g2) != pairing(&low.to_affine(), &self.s_g2) {
            return Err(Error::InconsistentPowers);
        }
        Ok(())
    }

    /// Checks that the Lagrange basis commits to polynomials as the powers do, by the
    /// polynomial `sum (zX)^i` whose value at a point `x` of the domain is
    /// `(z^n - 1) / (zx - 1)`. Its values for enough `z` span all vectors, so a wrong point
    /// passes with a probability of at most `2^k / r`.
    fn check_lagrange(&self) -> Result<(), Error> {
        if let Some(index) = (self.g_lagrange.iter()).position(|point| point.is_identity().into()) {
            return Err(Error::Infinity {
                points: Points::LagrangeG1,
                index: index as u64,
            });
        }
        let z = self.challenge();
        let n = self.g.len();
        let values = lagrange_values(self.k, z);
        let by_values = best_multiexp(&values, &self.g_lagrange);
        let by_coefficients = best_multiexp(&powers(z, n), &self.g);
        if by_values != by_coefficients {
            return Err(Error::InconsistentLagrange);
        }
        Ok(())
    }

    /// A scalar that nobody can choose the points for.
    fn challenge(&self) -> Fr {
        let mut hasher = blake3::Hasher::new_derive_key("nanozk setup: consistency challenge v1");
        {
            let mut writer = BufWriter::with_capacity(1 << 16, &mut hasher);
            let written = (|| {
                writer.write_all(&self.k.to_le_bytes())?;
                for point in self.g.iter().chain(&self.g_lagrange) {
                    point.write_raw(&mut writer)?;
                }
                self.g2.write_raw(&mut writer)?;
                self.s_g2.write_raw(&mut writer)?;
                writer.flush()
            })();
            written.expect("a hasher takes all bytes");
        }
        let mut bytes = [0; 64];
        hasher.finalize_xof().fill(&mut bytes);
        Fr::from_uniform_bytes(&bytes)
    }

    /// The parameters as halo2 takes them.
    pub(crate) fn into_params(self) -> ParamsKZG<Bn256> {
        // `from_parts` is a method, of parameters that it does not look at.
        ParamsKZG::setup(0, ChaCha20Rng::from_seed([0; 32])).from_parts(
            self.k,
            self.g,
            Some(self.g_lagrange),
            self.g2,
            self.s_g2,
        )
    }
}

/// What [`Parts::from_all`] checks of all points, of parameters that were loaded without: the powers are those of one
/// secret, the one in the second group, and commitments to values are those to the polynomials that have them. A wrong
/// point passes with a probability of at most `2^k / r`.
pub(crate) fn check_all(params: &ParamsKZG<Bn256>, z: Fr) -> Result<(), Error> {
    let g = params.get_g();
    let n = g.len();
    let sum = best_multiexp(&powers(z, n), g);
    let low = sum - g[n - 1] * z.pow_vartime([n as u64 - 1]);
    let high = (sum - g[0]) * z.invert().unwrap_or(Fr::ZERO);
    if pairing(&high.to_affine(), &params.g2()) != pairing(&low.to_affine(), &params.s_g2()) {
        return Err(Error::InconsistentPowers);
    }
    let values = Polynomial::new(lagrange_values(params.k(), z));
    if params.commit_lagrange(&values, Blind::default()) != sum {
        return Err(Error::InconsistentLagrange);
    }
    Ok(())
}

/// Values of `sum (zX)^i` on the domain.
fn lagrange_values(k: u32, z: Fr) -> Vec<Fr> {
    let n = 1usize << k;
    let root = root_of_unity(k);
    let scale = z.pow_vartime([n as u64]) - Fr::ONE;
    let mut values = vec![Fr::ZERO; n];
    parallelize(&mut values, |chunk, start| {
        let mut zx = z * root.pow_vartime([start as u64]);
        for value in chunk.iter_mut() {
            *value = zx - Fr::ONE;
            zx *= root;
        }
        chunk.iter_mut().batch_invert();
        chunk.iter_mut().for_each(|value| *value *= scale);
    });
    values
}

fn powers(z: Fr, n: usize) -> Vec<Fr> {
    let mut powers = vec![Fr::ZERO; n];
    parallelize(&mut powers, |chunk, start| {
        let mut power = z.pow_vartime([start as u64]);
        for slot in chunk.iter_mut() {
            *slot = power;
            power *= z;
        }
    });
    powers
}
