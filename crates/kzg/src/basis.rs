//! Commitments to coefficients.

use crate::msm::{FixedBases, IdentityBase};
use crate::scalar::Scalar;
use halo2curves::bn256::{Bn256, Fr, G1, G1Affine, G2Affine, G2Prepared};
use halo2curves::ff::Field;
use halo2curves::group::{Curve, Group};
use halo2curves::msm::msm_best;
use halo2curves::pairing::{MillerLoopResult, MultiMillerLoop};

/// Powers `[tau^i]` of a setup's secret in the first group: value `i` of a column is the coefficient of `X^i`.
///
/// A column of `2^k` values takes the first `2^k` powers, however many there are. Random coefficients behind them hide it
/// ([`Basis::commit_hidden`]); an opening does not read those ([`crate::opening`]).
pub struct Basis {
    powers: FixedBases,
}

impl Basis {
    /// From powers that were checked, as those of `nanozk_setup::Setup::powers` are. Tables are those of
    /// [`FixedBases::with_tables`].
    pub fn new(powers: &[G1Affine], tables: usize) -> Result<Self, IdentityBase> {
        let powers = FixedBases::with_tables(powers, tables)?;
        Ok(Self { powers })
    }

    /// Number of powers: coefficients that can be committed to.
    pub fn len(&self) -> usize {
        self.powers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.powers.is_empty()
    }

    /// Commits to coefficients of `X^first`, `X^(first + 1)` and so on.
    ///
    /// # Panics
    ///
    /// If there are fewer powers.
    pub fn commit_from<S: Scalar>(&self, first: usize, values: &[S]) -> G1 {
        self.powers.multiply(first, values)
    }

    /// Commits to coefficients of `1`, `X` and so on.
    ///
    /// # Panics
    ///
    /// If there are fewer powers.
    pub fn commit<S: Scalar>(&self, values: &[S]) -> G1Affine {
        self.commit_from(0, values).to_affine()
    }

    /// The same for a column of `2^variables` values, or fewer if the rest is zero, with random coefficients behind it.
    ///
    /// # Panics
    ///
    /// If there are more values, or fewer powers.
    pub fn commit_hidden<S: Scalar>(
        &self,
        values: &[S],
        variables: usize,
        random: &[Fr],
    ) -> G1Affine {
        let size = 1 << variables;
        assert!(values.len() <= size, "{} values of {size}", values.len());
        (self.commit_from(0, values) + self.commit_from(size, random)).to_affine()
    }
}

/// What is left of a proof before points are multiplied: one combination of them must be the secret times another. Factors and
/// points are numbers and points, or wires of a circuit that have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation<F = Fr, P = G1Affine> {
    /// Factors and points on the left.
    pub lhs: Vec<(F, P)>,
    /// The factor of the generator, which is on the left, too.
    pub generator: F,
    /// Factors and points that the secret multiplies.
    pub rhs: Vec<(F, P)>,
}

impl Equation {
    /// Both sides.
    pub fn multiplied(&self) -> Accumulator {
        let generator = (self.generator, G1Affine::generator());
        let lhs = self.lhs.iter().copied().chain([generator]);
        let (factors, points): (Vec<Fr>, Vec<G1Affine>) = lhs.unzip();
        // Two points, of which one has the factor 1.
        let rhs = self.rhs.iter().map(|(factor, point)| {
            if *factor == Fr::ONE {
                G1::from(*point)
            } else {
                *point * factor
            }
        });
        Accumulator {
            lhs: msm_best(&factors, &points).to_affine(),
            rhs: rhs.sum::<G1>().to_affine(),
        }
    }
}

/// What is left of a proof: `lhs` must be the secret times `rhs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accumulator {
    /// Paired with the generator.
    pub lhs: G1Affine,
    /// Paired with the secret.
    pub rhs: G1Affine,
}

impl Accumulator {
    /// Whether that is so, for the generator of the second group and the secret times it.
    pub fn holds(&self, [g2, tau_g2]: &[G2Affine; 2]) -> bool {
        let product = Bn256::multi_miller_loop(&[
            (&self.lhs, &G2Prepared::from(*g2)),
            (&-self.rhs, &G2Prepared::from(*tau_g2)),
        ]);
        product.final_exponentiation().is_identity().into()
    }
}
