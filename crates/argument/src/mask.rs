//! Masks: what makes the prover's messages random.
//!
//! Cells of the column [`ColumnKind::Mask`](nanozk_circuit::ColumnKind::Mask) are random, and handed out in the order of the
//! protocol.
//!
//! * **Rounds** (after Xie, Zhang, Zhang, Papamanthou, Song, 2019/317). To the polynomial of a sumcheck is added
//!   `g(x) = c_0 + Σ_j Σ_p c_(j,p)·x_j^p`, for each round as many coefficients as its degree. Its sum is subtracted from the
//!   value of the linear terms, which is said before, and its value at the end is a claim, as those terms are: what is
//!   proved does not depend on it.
//! * **Values.** Instead of a vector `f` its sum with `s·x·(1 − x)`, where `x` is its last variable, is summed over: the same
//!   on the cube, and random at the point where it is said. The claim about its value has `s·x·(1 − x)`, too. Columns of the
//!   lookup argument likewise.
//! * **Columns.** Two more columns have random cells at powers of two and three times those, and a claim about each at a
//!   random point joins the others: the messages of that sumcheck depend on enough of them.

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_transcript::Element;

/// Hands out cells.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cells {
    next: usize,
}

impl Cells {
    pub(crate) fn take(&mut self, count: usize) -> usize {
        let first = self.next;
        self.next += count;
        first
    }

    /// Cells handed out.
    pub(crate) fn count(&self) -> usize {
        self.next
    }
}

/// The mask of a sumcheck: the first of its cells, and the degree of each round.
#[derive(Clone, Debug)]
pub(crate) struct RoundMask {
    first: usize,
    degrees: Vec<usize>,
}

impl RoundMask {
    pub(crate) fn new(cells: &mut Cells, degrees: Vec<usize>) -> Self {
        let first = cells.take(1 + degrees.iter().sum::<usize>());
        Self { first, degrees }
    }

    /// Factors of its cells in its sum over the cube.
    pub(crate) fn sum<F: Element>(&self) -> Vec<(usize, F)> {
        let all = Fr::from(2).pow_vartime([self.degrees.len() as u64]);
        let (all, half) = (F::constant(all), F::constant(all * Fr::TWO_INV));
        let coefficients = self.degrees.iter().sum::<usize>();
        std::iter::once(all)
            .chain(std::iter::repeat_n(half, coefficients))
            .zip(self.first..)
            .map(|(factor, cell)| (cell, factor))
            .collect()
    }

    /// Factors of its cells in its value at a point.
    pub(crate) fn at<F: Element>(&self, point: &[F]) -> Vec<(usize, F)> {
        let powers = self.degrees.iter().zip(point).flat_map(|(degree, x)| {
            (0..*degree).scan(F::one(), move |power, _| {
                *power *= x;
                Some(*power)
            })
        });
        std::iter::once(F::one())
            .chain(powers)
            .zip(self.first..)
            .map(|(factor, cell)| (cell, factor))
            .collect()
    }

    /// The polynomial of the round after the variables of `point`, given the cells of the column.
    pub(crate) fn round(&self, cells: &[Fr], point: &[Fr]) -> Vec<Fr> {
        let cell = |i: usize| cells.get(self.first + i).copied().unwrap_or(Fr::ZERO);
        let bound = point.len();
        let mut at = 1;
        let (mut constant, mut own, mut later) = (cell(0), Vec::new(), Fr::ZERO);
        for (round, degree) in self.degrees.iter().enumerate() {
            let coefficients = (0..*degree).map(|p| cell(at + p));
            match point.get(round) {
                Some(x) => {
                    let value = coefficients.rev().fold(Fr::ZERO, |sum, c| (sum + c) * x);
                    constant += value;
                }
                None if round == bound => own = coefficients.collect(),
                None => later += coefficients.sum::<Fr>(),
            }
            at += degree;
        }
        // Each of the later variables doubles what does not depend on it; a power of one is 1 for half of its values.
        let left = self.degrees.len().saturating_sub(bound + 1);
        let all = Fr::from(2).pow_vartime([left as u64]);
        std::iter::once(constant * all + later * all * Fr::TWO_INV)
            .chain(own.into_iter().map(|c| c * all))
            .collect()
    }
}

/// `x·(1 − x)`, by which a value's mask is multiplied.
pub(crate) fn vanishing<F: Element>(x: F) -> F {
    x * (F::one() - x)
}

/// Random cells of the mask.
pub(crate) fn random_cells(k: u32) -> usize {
    1 << k.min(12)
}

/// Rows of the random cells of a column that hides what is said of columns.
pub(crate) fn hiding_rows(k: u32) -> Vec<usize> {
    let size = 1_usize << k;
    let powers = (0..k).map(|i| 1_usize << i);
    std::iter::once(0)
        .chain(powers.flat_map(|p| [p, 3 * p]))
        .filter(|row| *row < size)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round;

    #[test]
    fn rounds_add_up_to_the_sum_and_end_in_the_value() {
        let mut cells = Cells::default();
        cells.take(3);
        let mask = RoundMask::new(&mut cells, vec![2, 0, 3, 1]);
        assert_eq!(cells.count(), 3 + 7);
        let column: Vec<Fr> = (0..10).map(|i| Fr::from(i * i + 7).square()).collect();
        let total = |factors: Vec<(usize, Fr)>| -> Fr {
            factors.iter().map(|(cell, f)| column[*cell] * f).sum()
        };
        let mut claim = total(mask.sum());
        let mut point = Vec::new();
        for i in 0..4 {
            let p = mask.round(&column, &point);
            let at = |x| round::evaluate(&p, x);
            assert_eq!(at(Fr::ZERO) + at(Fr::ONE), claim);
            let x = Fr::from(1000 + i);
            claim = at(x);
            point.push(x);
        }
        assert_eq!(claim, total(mask.at(&point)));
    }
}
