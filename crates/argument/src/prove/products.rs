//! The sumcheck of a level's products.

use crate::claims::{Context, Level};
use crate::prove::bind::Binder;
use crate::round;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::kernel;
use rayon::prelude::*;

/// Rows that one task goes through.
const CHUNK: usize = 1 << 10;

/// A product while its variables are bound.
struct Summand {
    /// Weight of the product, times what bound variables of `equal` gave.
    weight: Fr,
    variables: usize,
    vectors: Vec<usize>,
    /// For each variable, where its weight is centred; none if it has none.
    equal: Vec<Option<Fr>>,
    /// For each variable, the weights of all later ones.
    later: Vec<Vec<Fr>>,
    /// The sum over the unbound variables, without `weight`.
    claim: Fr,
    /// Of the round: coefficients without the variable's weight.
    inner: Vec<Fr>,
}

/// Products, and the vectors that they share.
pub(crate) struct Products {
    vectors: Vec<Vec<Fr>>,
    sizes: Vec<usize>,
    summands: Vec<Summand>,
    bound: usize,
}

/// `Π (equal to a centre)` over variables, one without a centre counting as 1.
fn weights(centres: &[Option<Fr>]) -> Vec<Fr> {
    centres.iter().fold(vec![Fr::ONE], |table, centre| {
        let (zero, one) = match centre {
            Some(c) => (Fr::ONE - c, *c),
            None => (Fr::ONE, Fr::ONE),
        };
        let lower = table.iter().map(|t| *t * zero);
        lower.chain(table.iter().map(|t| *t * one)).collect()
    })
}

impl Products {
    /// Binds all vectors.
    pub(crate) fn new(binder: &Binder<'_>, level: &Level) -> Self {
        let context: &Context<'_> = &binder.context;
        let vectors: Vec<Vec<Fr>> = level.vectors.iter().map(|v| binder.vector(v)).collect();
        let sizes = level
            .vectors
            .iter()
            .map(|v| context.variables(&v.summed))
            .collect();
        let summands = level
            .products
            .iter()
            .map(|product| {
                let mut equal = Vec::new();
                for axis in &product.summed {
                    let bits = context.program.axis(*axis).bits() as usize;
                    match product.equal.get(axis) {
                        Some(point) => equal.extend(point.iter().map(|x| Some(*x))),
                        None => equal.extend(std::iter::repeat_n(None, bits)),
                    }
                }
                let has_weights = equal.iter().any(Option::is_some);
                let later = match has_weights {
                    true => (0..=equal.len()).map(|i| weights(&equal[i..])).collect(),
                    false => Vec::new(),
                };
                let mut summand = Summand {
                    weight: product.weight,
                    variables: equal.len(),
                    vectors: product.vectors.clone(),
                    equal,
                    later,
                    claim: Fr::ZERO,
                    inner: Vec::new(),
                };
                summand.claim = summand.sum(&vectors);
                summand
            })
            .collect();
        Self {
            vectors,
            sizes,
            summands,
            bound: 0,
        }
    }

    /// The sum of all products.
    pub(crate) fn claim(&self) -> Fr {
        self.summands.iter().map(|s| s.weight * s.claim).sum()
    }

    /// The polynomial of the next variable.
    pub(crate) fn round(&mut self) -> Vec<Fr> {
        let mut sum = Vec::new();
        for summand in &mut self.summands {
            if self.bound < summand.variables {
                let polynomial = summand.round(&self.vectors, self.bound);
                round::add(&mut sum, &polynomial, summand.weight);
            } else {
                let by = summand.weight * unused_so_far(self.bound, summand.variables);
                round::add(&mut sum, &[summand.claim], by);
            }
        }
        sum
    }

    /// Binds the next variable.
    pub(crate) fn bind(&mut self, x: Fr) {
        for summand in &mut self.summands {
            if self.bound < summand.variables {
                summand.bind(self.bound, x);
            }
        }
        for (vector, variables) in self.vectors.iter_mut().zip(&self.sizes) {
            if self.bound < *variables {
                fold(vector, x);
            }
        }
        self.bound += 1;
    }

    /// Values of vectors at the point, after all variables are bound.
    pub(crate) fn values(&self) -> Vec<Fr> {
        self.vectors
            .iter()
            .map(|v| v.first().copied().unwrap_or(Fr::ZERO))
            .collect()
    }
}

impl Summand {
    /// The sum over all variables.
    fn sum(&self, vectors: &[Vec<Fr>]) -> Fr {
        let size = 1_usize << self.variables;
        let weights = self.later.first();
        (0..size)
            .into_par_iter()
            .with_min_len(CHUNK)
            .map(|i| {
                let product: Fr = self.vectors.iter().map(|v| vectors[*v][i]).product();
                match weights {
                    Some(weights) => product * weights[i],
                    None => product,
                }
            })
            .reduce(|| Fr::ZERO, |a, b| a + b)
    }

    /// Values at 0, 1, … of the sum over the later variables, without the weight of this one.
    fn sums(&self, vectors: &[Vec<Fr>], variable: usize) -> Vec<Fr> {
        let degree = self.vectors.len();
        let weights = self.later.get(variable + 1);
        let half = 1_usize << (self.variables - variable - 1);
        let starts: Vec<usize> = (0..half).step_by(CHUNK).collect();
        // The value at 1 follows from the claim; see `round`.
        starts
            .into_par_iter()
            .map(|start| {
                let mut sums = vec![Fr::ZERO; degree + 1];
                let mut ends = vec![(Fr::ZERO, Fr::ZERO); degree];
                for i in start..half.min(start + CHUNK) {
                    for (end, v) in ends.iter_mut().zip(&self.vectors) {
                        let (zero, one) = (vectors[*v][2 * i], vectors[*v][2 * i + 1]);
                        *end = (zero, one - zero);
                    }
                    for (x, sum) in sums.iter_mut().enumerate() {
                        if x > 0 {
                            ends.iter_mut().for_each(|(value, slope)| *value += *slope);
                        }
                        if x == 1 {
                            continue;
                        }
                        let product: Fr = ends.iter().map(|(value, _)| *value).product();
                        *sum += match weights {
                            Some(weights) => product * weights[i],
                            None => product,
                        };
                    }
                }
                sums
            })
            .reduce(
                || vec![Fr::ZERO; degree + 1],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                    a
                },
            )
    }

    /// Coefficients of the variable's polynomial without its weight.
    fn coefficients(&self, vectors: &[Vec<Fr>], variable: usize) -> Vec<Fr> {
        let mut values = self.sums(vectors, variable);
        let claim = self.claim;
        values[1] = match self.equal[variable] {
            // claim = (1 − c)·p(0) + c·p(1)
            Some(c) => {
                let inverse = c.invert().unwrap_or(Fr::ZERO);
                (claim - (Fr::ONE - c) * values[0]) * inverse
            }
            None => claim - values[0],
        };
        round::interpolate(&values)
    }

    fn round(&mut self, vectors: &[Vec<Fr>], variable: usize) -> Vec<Fr> {
        self.inner = self.coefficients(vectors, variable);
        match self.equal[variable] {
            Some(c) => round::times_equal(&self.inner, c),
            None => self.inner.clone(),
        }
    }

    fn bind(&mut self, variable: usize, x: Fr) {
        self.claim = round::evaluate(&self.inner, x);
        if let Some(c) = self.equal[variable] {
            self.weight *= kernel::equal_bit(c, x);
        }
    }
}

/// What is left of a sum that lacks variables, in the round after some: it is the same for both values of each, and so has
/// half the weight for each that is bound.
pub(crate) fn unused_so_far(bound: usize, variables: usize) -> Fr {
    crate::verify::unused(bound + 1 - variables)
}

/// Binds the lowest variable of a table.
pub(crate) fn fold(table: &mut Vec<Fr>, x: Fr) {
    let half = table.len() / 2;
    if half >= 2 * CHUNK {
        *table = table
            .par_chunks_exact(2)
            .with_min_len(CHUNK)
            .map(|pair| pair[0] + x * (pair[1] - pair[0]))
            .collect();
        return;
    }
    for i in 0..half {
        let (zero, one) = (table[2 * i], table[2 * i + 1]);
        table[i] = zero + x * (one - zero);
    }
    table.truncate(half);
}
