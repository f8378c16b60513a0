//! Sums of products of linear combinations of tensors.

use crate::axis::AxisId;
use crate::program::TensorId;
use std::ops::{Add, Mul, Neg, Sub};

/// A tensor under names of axes: those it was declared with, or others of the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operand {
    /// The tensor.
    pub tensor: TensorId,
    /// Its axes in this use, in the order of declaration.
    pub axes: Vec<AxisId>,
}

/// A linear combination of tensors and 1. Its axes are all those of its tensors. It is broadcast along the axes that a
/// tensor lacks, and zero where an index is beyond its axis's length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Factor {
    /// Coefficients and tensors.
    pub terms: Vec<(i128, Operand)>,
    /// Coefficient of 1.
    pub constant: i128,
}

impl Factor {
    /// All axes, in the order of their declaration.
    pub fn axes(&self) -> Vec<AxisId> {
        let mut axes: Vec<AxisId> = self
            .terms
            .iter()
            .flat_map(|(_, operand)| operand.axes.iter().copied())
            .collect();
        axes.sort_unstable();
        axes.dedup();
        axes
    }
}

/// A coefficient times factors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The coefficient.
    pub coefficient: i128,
    /// The factors; none is 1.
    pub factors: Vec<Factor>,
}

impl Product {
    /// All axes, in the order of their declaration.
    pub fn axes(&self) -> Vec<AxisId> {
        let mut axes: Vec<AxisId> = self.factors.iter().flat_map(Factor::axes).collect();
        axes.sort_unstable();
        axes.dedup();
        axes
    }
}

/// A sum of products. Axes that an identity does not name are summed over, in each product those that it has (Einstein's
/// convention).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression {
    /// The products.
    pub products: Vec<Product>,
}

/// A product of coefficients. One that wraps would be another statement.
fn times(a: i128, b: i128) -> i128 {
    a.checked_mul(b).expect("coefficients are of 128 bits")
}

/// A sum of constants.
fn plus(a: i128, b: i128) -> i128 {
    a.checked_add(b).expect("constants are of 128 bits")
}

impl Expression {
    /// The sum as one factor, if no product has two.
    fn linear(&self) -> Option<Factor> {
        let mut terms: Vec<(i128, Operand)> = Vec::new();
        let mut constant = 0;
        for product in &self.products {
            match product.factors.as_slice() {
                [] => constant = plus(constant, product.coefficient),
                [factor] => {
                    constant = plus(constant, times(product.coefficient, factor.constant));
                    for (coefficient, operand) in &factor.terms {
                        terms.push((times(product.coefficient, *coefficient), operand.clone()));
                    }
                }
                _ => return None,
            }
        }
        Some(Factor { terms, constant })
    }

    /// Its square.
    pub fn squared(&self) -> Self {
        self.clone() * self.clone()
    }
}

impl From<Operand> for Expression {
    fn from(operand: Operand) -> Self {
        let factor = Factor {
            terms: vec![(1, operand)],
            constant: 0,
        };
        Self {
            products: vec![Product {
                coefficient: 1,
                factors: vec![factor],
            }],
        }
    }
}

impl From<i128> for Expression {
    fn from(constant: i128) -> Self {
        let product = Product {
            coefficient: constant,
            factors: Vec::new(),
        };
        Self {
            products: if constant == 0 { vec![] } else { vec![product] },
        }
    }
}

impl Add for Expression {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.products.extend(other.products);
        self
    }
}

impl Neg for Expression {
    type Output = Self;

    fn neg(mut self) -> Self {
        for product in &mut self.products {
            product.coefficient = -product.coefficient;
        }
        self
    }
}

impl Sub for Expression {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

/// A linear combination stays one factor: `(x - mean)·r` is one product. Other sums are multiplied out.
impl Mul for Expression {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let parts = |e: Self| match e.linear() {
            // A constant is a coefficient, not a factor.
            Some(factor) if !factor.terms.is_empty() => vec![Product {
                coefficient: 1,
                factors: vec![factor],
            }],
            _ => e.products,
        };
        let (left, right) = (parts(self), parts(other));
        let mut products = Vec::with_capacity(left.len() * right.len());
        for l in &left {
            for r in &right {
                products.push(Product {
                    coefficient: times(l.coefficient, r.coefficient),
                    factors: l.factors.iter().chain(&r.factors).cloned().collect(),
                });
            }
        }
        Self { products }
    }
}

/// Operators with integers.
macro_rules! with_integers {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait<i128> for Expression {
            type Output = Expression;

            fn $method(self, other: i128) -> Expression {
                $trait::$method(self, Expression::from(other))
            }
        }
    )*};
}
with_integers!(Add add, Sub sub);

impl Mul<i128> for Expression {
    type Output = Self;

    fn mul(mut self, other: i128) -> Self {
        for product in &mut self.products {
            product.coefficient = times(product.coefficient, other);
        }
        self
    }
}
