//! Packed polynomials, and their opening.
//!
//! `p_0, …, p_(t−1)` are committed to as `P(X) = Σ X^j·p_j(X^t)`, after fflonk (2021/1167). Each polynomial is of this form
//! for exactly one list of `p_j`. The remainder of `P` modulo `X^t − ζ` is `Σ X^j·p_j(ζ)`, so that a division with
//! remainder shows all values at once, with no root of `ζ`. For values at `ζ` and `ωζ` it is a division by
//! `(X^t − ζ)·(X^t − ωζ)`, whose remainder is `Σ X^j·l_j(X^t)` with `l_j` linear, through both values.
//!
//! The opening is that of SHPLONK (2020/081) with these moduli: for packs `P_i`, moduli `M_i`, remainders `r_i`
//!
//! ```text
//! Q  = Σ ν^i·(P_i − r_i)/M_i,                                 then u is drawn,
//! W' = (Σ ν^i·(P_i − r_i(u))/M_i(u) − Q)/(X − u)
//! ```

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_kzg::Basis;
use rayon::prelude::*;

/// Who commits to coefficients.
pub trait Commit: Sync {
    /// A commitment to the polynomial of these coefficients.
    fn commit(&self, coefficients: &[Fr]) -> G1Affine;
}

impl Commit for Basis {
    fn commit(&self, coefficients: &[Fr]) -> G1Affine {
        Basis::commit(self, coefficients)
    }
}

/// The coefficients of `Σ X^j·p_j(X^t)`.
pub(crate) fn pack(polynomials: &[Vec<Fr>]) -> Vec<Fr> {
    let t = polynomials.len();
    let len = polynomials.iter().map(Vec::len).max().unwrap_or(0);
    let mut packed = vec![Fr::ZERO; t * len];
    packed.par_chunks_mut(t).enumerate().for_each(|(i, chunk)| {
        for (to, polynomial) in chunk.iter_mut().zip(polynomials) {
            *to = polynomial.get(i).copied().unwrap_or(Fr::ZERO);
        }
    });
    packed
}

/// The quotient by `X^t − root`.
pub(crate) fn divide(mut polynomial: Vec<Fr>, t: usize, root: Fr) -> Vec<Fr> {
    // q_(i−t) = p_i + root·q_i, from the top.
    for i in (t..polynomial.len().saturating_sub(t)).rev() {
        let above = polynomial[i + t];
        polynomial[i] += root * above;
    }
    polynomial.drain(..t.min(polynomial.len()));
    polynomial
}

/// What is said of a pack: the values of its polynomials at `ζ`, or at `ζ` and `ωζ`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Values<'v> {
    At(&'v [Fr]),
    AtBoth(&'v [Fr], &'v [Fr]),
}

/// A pack's modulus and remainder at `u`.
pub(crate) struct Reduced {
    pub(crate) modulus: Fr,
    pub(crate) remainder: Fr,
}

impl Values<'_> {
    /// Polynomials in the pack.
    fn len(&self) -> usize {
        match self {
            Self::At(values) | Self::AtBoth(values, _) => values.len(),
        }
    }

    /// Modulus and remainder at `u`. `inverse` is that of `ωζ − ζ`.
    pub(crate) fn reduced(&self, [zeta, next]: [Fr; 2], inverse: Fr, u: Fr) -> Reduced {
        let power = u.pow_vartime([self.len() as u64]);
        let horner = |values: &[Fr]| values.iter().rev().fold(Fr::ZERO, |sum, v| sum * u + v);
        match self {
            Self::At(values) => Reduced {
                modulus: power - zeta,
                remainder: horner(values),
            },
            Self::AtBoth(values, after) => {
                let [first, second] = [values, after].map(|values| horner(values));
                Reduced {
                    modulus: (power - zeta) * (power - next),
                    remainder: first + (power - zeta) * inverse * (second - first),
                }
            }
        }
    }
}
