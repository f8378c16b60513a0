//! Commitments to columns and polynomials.

use halo2_proofs::arithmetic::best_multiexp;
use halo2_proofs::poly::commitment::{Blind, Params, ParamsProver};
use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2_proofs::poly::{LagrangeCoeff, Polynomial};
use halo2curves::bn256::{Bn256, Fr, G1Affine, G1};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::Curve;
use nanozk_verifier::KzgVerifier;
use rayon::prelude::*;

/// What verifiers need of a setup.
pub fn verifier_params(params: &ParamsKZG<Bn256>, id: [u8; 32]) -> KzgVerifier {
    KzgVerifier {
        g1: params.get_g()[0],
        g2: params.g2(),
        s_g2: params.s_g2(),
        id,
    }
}

/// Commitment to a column, given by its value on every row.
///
/// # Panics
/// If the setup is not of the column's length.
pub fn commit_column(params: &ParamsKZG<Bn256>, values: Vec<Fr>) -> G1Affine {
    lagrange(params, values).to_affine()
}

/// Commitments to columns.
pub(crate) fn commit_columns(params: &ParamsKZG<Bn256>, columns: &[&[Fr]]) -> Vec<G1Affine> {
    let sums: Vec<G1> = columns
        .par_iter()
        .map(|c| lagrange(params, c.to_vec()))
        .collect();
    normalize(&sums)
}

/// Commitments to polynomials, given by their coefficients.
pub(crate) fn commit_polynomials(
    params: &ParamsKZG<Bn256>,
    polynomials: &[&[Fr]],
) -> Vec<G1Affine> {
    let sums: Vec<G1> = polynomials
        .par_iter()
        .map(|p| best_multiexp(p, &params.get_g()[..p.len()]))
        .collect();
    normalize(&sums)
}

fn normalize(points: &[G1]) -> Vec<G1Affine> {
    let mut out = vec![G1Affine::default(); points.len()];
    G1::batch_normalize(points, &mut out);
    out
}

fn lagrange(params: &ParamsKZG<Bn256>, mut values: Vec<Fr>) -> G1 {
    assert_eq!(
        values.len() as u64,
        params.n(),
        "the setup has the size of the program"
    );
    let commit = |values| {
        params.commit_lagrange(
            &Polynomial::<_, LagrangeCoeff>::new(values),
            Blind::default(),
        )
    };
    match split_negative(&mut values) {
        None => commit(values),
        Some(negative) => commit(values) - commit(negative),
    }
}

/// Moves the opposites of small negative values into a second column, if there are many.
///
/// Multiplication by a small scalar is cheap, but the representative of a small negative number is
/// as long as the modulus; and a column of activations is half negative.
fn split_negative(values: &mut [Fr]) -> Option<Vec<Fr>> {
    const MANY: usize = 16;
    let opposite = |v: &Fr| {
        let opposite = -v;
        let small = opposite.to_repr().as_ref()[16..]
            .iter()
            .all(|byte| *byte == 0);
        (small && !v.is_zero_vartime()).then_some(opposite)
    };
    let count = values.par_iter().filter(|v| opposite(v).is_some()).count();
    if count * MANY < values.len() {
        return None;
    }
    let split = |v: &mut Fr| match opposite(v) {
        Some(opposite) => {
            *v = Fr::ZERO;
            opposite
        }
        None => Fr::ZERO,
    };
    Some(values.par_iter_mut().map(split).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::group::Group;
    use rand_core::OsRng;

    #[test]
    fn signs_do_not_matter() {
        let params = ParamsKZG::<Bn256>::setup(6, OsRng);
        let mut values: Vec<Fr> = (0..64u64).map(Fr::from).collect();
        for v in &mut values[10..30] {
            *v = -*v;
        }
        values[63] = Fr::random(OsRng);
        let plain = params.commit_lagrange(
            &Polynomial::<_, LagrangeCoeff>::new(values.clone()),
            Blind::default(),
        );
        assert_eq!(commit_column(&params, values.clone()), plain.to_affine());
        let negative = split_negative(&mut values).expect("many are negative");
        assert_eq!(negative[10], Fr::from(10));
        assert!(negative[..10].iter().all(Field::is_zero_vartime));
        assert_eq!(lagrange(&params, vec![Fr::ZERO; 64]), G1::identity());
    }
}
