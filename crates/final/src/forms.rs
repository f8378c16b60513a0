//! Constraints as quadratic forms, so that a prover computes many of them at once.
//!
//! Gates are polynomials of degree two at most in a row's *variables*: its cells, the next row's, the constant, and fifth
//! powers. So their combination with selectors and powers of a challenge is one form in each row, whose coefficients repeat
//! with the circuit's period.

use crate::circuit::{COLUMNS, Cells, FIFTHS};
use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};

/// Variables of a row.
pub(crate) const VARIABLES: usize = 2 * COLUMNS + 1 + FIFTHS;

/// Their values.
pub(crate) type Variables = [Fr; VARIABLES];

impl Cells {
    /// All variables in a row.
    pub(crate) fn variables(&self) -> Variables {
        let mut all = [Fr::ZERO; VARIABLES];
        all[..COLUMNS].copy_from_slice(&self.row.columns());
        all[COLUMNS..2 * COLUMNS].copy_from_slice(&self.next.columns());
        all[2 * COLUMNS] = self.constant;
        all[2 * COLUMNS + 1..].copy_from_slice(&self.fifths);
        all
    }

    /// Cells with these variables, whether or not fifth powers are.
    fn of(variables: &Variables) -> Self {
        let columns =
            |first: usize| -> [Fr; COLUMNS] { std::array::from_fn(|i| variables[first + i]) };
        Self {
            row: columns(0).into(),
            next: columns(COLUMNS).into(),
            constant: variables[2 * COLUMNS],
            fifths: std::array::from_fn(|i| variables[2 * COLUMNS + 1 + i]),
        }
    }
}

/// A polynomial of degree two at most.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    constant: Fr,
    linear: Variables,
    /// Coefficients of products that there are: the first factor is not after the second.
    products: Vec<([usize; 2], Fr)>,
}

impl Form {
    /// The form that has the values of a function. The function must be one.
    pub(crate) fn new(f: impl Fn(&Cells) -> Fr) -> Self {
        let at = |entries: &[(usize, Fr)]| {
            let mut variables = [Fr::ZERO; VARIABLES];
            for (i, value) in entries {
                variables[*i] += value;
            }
            f(&Cells::of(&variables))
        };
        let constant = at(&[]);
        let ones: Variables = std::array::from_fn(|i| at(&[(i, Fr::ONE)]) - constant);
        let mut linear = ones;
        let mut products = Vec::new();
        for i in 0..VARIABLES {
            for j in i..VARIABLES {
                // f(x + y) − f(x) − f(y) + f(0), which of a square is twice its coefficient.
                let mixed = at(&[(i, Fr::ONE), (j, Fr::ONE)]) - ones[i] - ones[j] - constant;
                let coefficient = match i == j {
                    true => mixed * Fr::TWO_INV,
                    false => mixed,
                };
                if coefficient != Fr::ZERO {
                    products.push(([i, j], coefficient));
                }
                if i == j {
                    linear[i] -= coefficient;
                }
            }
        }
        Self {
            constant,
            linear,
            products,
        }
    }

    /// Whether it depends on fifth powers.
    #[cfg(test)]
    pub(crate) fn reads_fifths(&self) -> bool {
        let first = VARIABLES - FIFTHS;
        let linear = self.linear[first..].iter().any(|c| *c != Fr::ZERO);
        linear || self.products.iter().any(|([_, j], _)| *j >= first)
    }

    /// Its value.
    #[cfg(test)]
    pub(crate) fn at(&self, variables: &Variables) -> Fr {
        let linear = self.linear.iter().zip(variables).map(|(c, x)| *c * x);
        let products = self.products.iter();
        let products = products.map(|([i, j], c)| *c * variables[*i] * variables[*j]);
        self.constant + linear.chain(products).sum::<Fr>()
    }
}

/// A form in each row: a linear combination of some, with other factors for each residue.
#[derive(Clone, Debug)]
pub(crate) struct Combined {
    /// First factors, and their second ones.
    groups: Vec<(usize, Vec<usize>)>,
    /// For each residue the constant, then for each group the linear coefficient and those of the products.
    coefficients: Vec<Vec<Fr>>,
}

impl Combined {
    /// Combines forms: `factors` has a list for each residue, with a factor for each form, and a constant that is added.
    pub(crate) fn new(forms: &[&Form], factors: impl Iterator<Item = (Vec<Fr>, Fr)>) -> Self {
        let mut groups: Vec<(usize, Vec<usize>)> =
            (0..VARIABLES).map(|i| (i, Vec::new())).collect();
        for form in forms {
            for ([i, j], _) in &form.products {
                let seconds = &mut groups[*i].1;
                if let Err(place) = seconds.binary_search(j) {
                    seconds.insert(place, *j);
                }
            }
        }
        groups.retain(|(i, seconds)| {
            let is_read = |form: &&Form| form.linear[*i] != Fr::ZERO;
            !seconds.is_empty() || forms.iter().any(is_read)
        });
        // Where the coefficients of a variable's group begin.
        let mut starts = [0; VARIABLES];
        let mut len = 1;
        for (i, seconds) in &groups {
            starts[*i] = len;
            len += 1 + seconds.len();
        }
        let place = |i: usize, j: usize| {
            let (_, seconds) = groups.iter().find(|(first, _)| *first == i)?;
            Some(starts[i] + 1 + seconds.binary_search(&j).ok()?)
        };
        // What each form adds where, but for its factor.
        let parts: Vec<Vec<(usize, Fr)>> = forms
            .iter()
            .map(|form| {
                let linear = form.linear.iter().enumerate();
                let linear = linear.filter(|(_, c)| **c != Fr::ZERO);
                let linear = linear.map(|(i, c)| (starts[i], *c));
                let products = form.products.iter();
                let products = products.filter_map(|([i, j], c)| Some((place(*i, *j)?, *c)));
                let constant = [(0, form.constant)].into_iter();
                constant.chain(linear).chain(products).collect()
            })
            .collect();
        let coefficients = factors
            .map(|(factors, constant)| {
                let mut all = vec![Fr::ZERO; len];
                all[0] = constant;
                for (part, factor) in parts.iter().zip(&factors) {
                    for (place, coefficient) in part {
                        all[*place] += *coefficient * factor;
                    }
                }
                all
            })
            .collect();
        Self {
            groups,
            coefficients,
        }
    }

    /// Its value in a row of this residue.
    pub(crate) fn at(&self, residue: usize, variables: &Variables) -> Fr {
        let mut coefficients = self.coefficients[residue].iter();
        let mut next = || coefficients.next().copied().unwrap_or(Fr::ZERO);
        let mut sum = next();
        for (first, seconds) in &self.groups {
            let mut factor = next();
            for second in seconds {
                factor += next() * variables[*second];
            }
            sum += factor * variables[*first];
        }
        sum
    }
}
