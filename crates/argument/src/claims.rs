//! From identities to claims: what prover and verifier both derive from a program and its challenges.
//!
//! An identity holds for all indices of its free axes if, with overwhelming probability, its extension is zero at a random
//! point of them. There each product is a sum over some axes of a product of factors, and most axes need no sum at all: an
//! axis that only one factor has is fixed in that factor. What is left:
//!
//! | axis is | factors that have it | what happens |
//! |---|---|---|
//! | free | none | the product counts for valid indices: [`kernel::below`] |
//! | free | one | fixed at the random point |
//! | free | more | summed over with the weight [`kernel::equal`] to the random point |
//! | summed | one | summed over in that factor |
//! | summed | more | summed over |
//!
//! Of a product that would have nothing left to be summed over, the shortest axis is: see `mask`.
//!
//! A product of one factor is linear in committed tensors ([`Term`]); it is never evaluated by itself, but added to the
//! claims that the opening decides. The others are decided by a sumcheck.

use crate::mask::vanishing;
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;
use nanozk_circuit::{
    At, AxisId, Expression, Factor, Operand, Point, Program, Public, Role, TensorId, integer,
    kernel,
};
use nanozk_transcript::Element;
use std::collections::BTreeMap;

/// A tensor at a point, with a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term<F = Fr> {
    pub(crate) weight: F,
    pub(crate) tensor: TensorId,
    /// For each axis of the tensor.
    pub(crate) at: Vec<At<F>>,
}

/// A weighted sum of tensors at points, and of cells of the mask, has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinearClaim<F = Fr> {
    pub(crate) value: F,
    pub(crate) terms: Vec<Term<F>>,
    /// Cells and their factors.
    pub(crate) cells: Vec<(usize, F)>,
}

/// A factor of which some axes are fixed; the others are summed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound<F = Fr> {
    pub(crate) factor: Factor,
    pub(crate) at: BTreeMap<AxisId, At<F>>,
}

impl<F: Clone> Bound<F> {
    /// A factor with these axes, of which some may be fixed.
    pub(crate) fn new(factor: &Factor, axes: &[AxisId], fixed: &BTreeMap<AxisId, At<F>>) -> Self {
        Self {
            factor: factor.clone(),
            at: fixed
                .iter()
                .filter(|(axis, _)| axes.contains(axis))
                .map(|(axis, at)| (*axis, at.clone()))
                .collect(),
        }
    }
}

/// A weighted sum of factors, as a function of the axes that are summed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vector<F = Fr> {
    pub(crate) summed: Vec<AxisId>,
    pub(crate) parts: Vec<(F, Bound<F>)>,
}

/// A product to be summed over its vectors' axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SummedProduct<F = Fr> {
    pub(crate) weight: F,
    pub(crate) summed: Vec<AxisId>,
    /// Axes that have a weight, and where.
    pub(crate) equal: BTreeMap<AxisId, Point<F>>,
    /// Indices of vectors.
    pub(crate) vectors: Vec<usize>,
}

/// Claims that one sumcheck decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Level<F = Fr> {
    pub(crate) constant: F,
    pub(crate) linear: Vec<Term<F>>,
    /// Cells of the mask in the claims that the level is about, and their factors.
    pub(crate) cells: Vec<(usize, F)>,
    pub(crate) vectors: Vec<Vector<F>>,
    pub(crate) products: Vec<SummedProduct<F>>,
}

impl<F: Element> Default for Level<F> {
    fn default() -> Self {
        Self {
            constant: F::zero(),
            linear: Vec::new(),
            cells: Vec::new(),
            vectors: Vec::new(),
            products: Vec::new(),
        }
    }
}

/// A program with its public inputs.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a, F = Fr> {
    pub(crate) program: &'a Program,
    pub(crate) inputs: &'a [F],
}

/// A coefficient of the program, or a number of indices.
fn number<F: Element>(value: i128) -> F {
    F::constant(integer(value))
}

fn pair<F: Element>(kernel: impl Fn(&[F], &[F]) -> F, points: &[Point<F>]) -> F {
    match points {
        [a, b] => kernel(a, b),
        _ => F::zero(),
    }
}

/// The weight of an axis that a tensor lacks: 1 for valid indices.
pub(crate) fn broadcast<F: Element>(program: &Program, axis: AxisId, at: &At<F>) -> F {
    let axis = program.axis(axis);
    match at {
        At::Point(point) => kernel::below(axis.len, point),
        At::Sum => number(axis.len as i128),
    }
}

impl<F: Element> Context<'_, F> {
    /// A public tensor at a point.
    fn public(&self, public: &Public, tensor: TensorId, at: &[At<F>]) -> F {
        let points: Vec<Point<F>> = at
            .iter()
            .zip(self.program.axes_of(tensor))
            .map(|(at, axis)| match at {
                At::Point(point) => point.clone(),
                // A sum is the extension at one half, times the number of indices.
                At::Sum => vec![F::constant(Fr::TWO_INV); axis.bits() as usize],
            })
            .collect();
        let sums = at
            .iter()
            .zip(self.program.axes_of(tensor))
            .filter(|(at, _)| matches!(at, At::Sum))
            .map(|(_, axis)| number::<F>(axis.cube() as i128))
            .product::<F>();
        let len = self.program.axes_of(tensor).next().map_or(0, |a| a.len);
        let value = match public {
            Public::Less => pair(|a, b| kernel::less(len, a, b), &points),
            Public::Successor => pair(|a, b| kernel::successor(len, a, b), &points),
            // The last axis has the lowest bits.
            Public::Below(bound) => {
                let index: Vec<F> = points.iter().rev().flatten().copied().collect();
                kernel::below(*bound, &index)
            }
            Public::Digits { bits, group_bits } => {
                pair(|a, b| kernel::digits(*bits, *group_bits, a, b), &points)
            }
            Public::Index => points
                .first()
                .map_or_else(F::zero, |a| kernel::index(len, a)),
            Public::Cell { index, value } => {
                let at = points.first().map_or(&[][..], |point| point);
                kernel::equal_index(at, *index) * F::constant(*value)
            }
            Public::Input(input) => self.inputs.get(*input).copied().unwrap_or_else(F::zero),
            Public::Inputs(first) => {
                let own = self.inputs.get(*first..).unwrap_or_default();
                self.cells(own.iter().take(len).copied().collect(), tensor, &points)
            }
            Public::Cells(cells) => {
                let list = cells.iter().map(|cell| F::constant(*cell)).collect();
                self.cells(list, tensor, &points)
            }
        };
        value * sums
    }

    /// Cells are listed for valid indices only.
    fn cells(&self, mut list: Vec<F>, tensor: TensorId, points: &[Point<F>]) -> F {
        // The first axis moves slowest, and is fixed first, while cells are constants.
        for (point, axis) in points.iter().zip(self.program.axes_of(tensor)) {
            list = kernel::rows(&list, list.len() / axis.len, point);
        }
        list.first().copied().unwrap_or_else(F::zero)
    }

    /// A factor at a point: terms, among them virtual tensors, and a constant.
    pub(crate) fn at_point(
        &self,
        factor: &Factor,
        at: &BTreeMap<AxisId, At<F>>,
        weight: F,
    ) -> (Vec<Term<F>>, F) {
        let lacking = |operand: Option<&Operand>| -> F {
            at.iter()
                .filter(|(axis, _)| operand.is_none_or(|o| !o.axes.contains(axis)))
                .map(|(axis, at)| broadcast(self.program, *axis, at))
                .product()
        };
        let mut constant = F::zero();
        if factor.constant != 0 {
            constant = weight * number::<F>(factor.constant) * lacking(None);
        }
        let mut terms = Vec::with_capacity(factor.terms.len());
        for (coefficient, operand) in &factor.terms {
            let weight = weight * number::<F>(*coefficient) * lacking(Some(operand));
            let at: Vec<At<F>> = operand
                .axes
                .iter()
                .filter_map(|axis| at.get(axis).cloned())
                .collect();
            match &self.program.tensor(operand.tensor).role {
                Role::Public(public) => {
                    constant += weight * self.public(public, operand.tensor, &at);
                }
                // A claim about a view is one about its tensor.
                Role::View(view) => {
                    let (by, slots) = self.program.view_at(view);
                    let mut own = at.into_iter();
                    terms.push(Term {
                        weight: weight * by,
                        tensor: view.of,
                        at: slots
                            .into_iter()
                            .filter_map(|slot| slot.or_else(|| own.next()))
                            .collect(),
                    });
                }
                _ => terms.push(Term {
                    weight,
                    tensor: operand.tensor,
                    at,
                }),
            }
        }
        (terms, constant)
    }

    /// Adds an expression, times a weight, at a point of some of its free axes and summed over the others. Axes that are not
    /// free are summed over in the products that have them; free ones also count in products that lack them.
    pub(crate) fn lower(
        &self,
        level: &mut Level<F>,
        expression: &Expression,
        free: &BTreeMap<AxisId, At<F>>,
        weight: F,
    ) {
        for product in &expression.products {
            let mut weight = weight * number::<F>(product.coefficient);
            let mut fixed: BTreeMap<AxisId, At<F>> = BTreeMap::new();
            let mut equal: BTreeMap<AxisId, Point<F>> = BTreeMap::new();
            let mut summed = Vec::new();
            let axes = product.axes();
            let factors: Vec<Vec<AxisId>> = product.factors.iter().map(Factor::axes).collect();
            for axis in &axes {
                let count = factors.iter().filter(|axes| axes.contains(axis)).count();
                let trivial = self.program.axis(*axis).bits() == 0;
                match free.get(axis) {
                    Some(At::Point(point)) if count == 1 || trivial => {
                        fixed.insert(*axis, At::Point(point.clone()));
                    }
                    Some(At::Point(point)) => {
                        equal.insert(*axis, point.clone());
                        summed.push(*axis);
                    }
                    _ if trivial => {
                        fixed.insert(*axis, At::Point(Vec::new()));
                    }
                    _ if count == 1 => {
                        fixed.insert(*axis, At::Sum);
                    }
                    _ => summed.push(*axis),
                }
            }
            for (axis, at) in free {
                if !axes.contains(axis) {
                    weight *= broadcast(self.program, *axis, at);
                }
            }
            // Values at a point of no variable could not be masked: one axis is summed over all the same.
            if summed.is_empty() && product.factors.len() > 1 {
                let bits = |axis: &AxisId| self.program.axis(*axis).bits();
                let shortest = axes
                    .iter()
                    .copied()
                    .filter(|a| bits(a) > 0)
                    .min_by_key(bits);
                if let Some(axis) = shortest {
                    if let Some(At::Point(point)) = fixed.remove(&axis) {
                        equal.insert(axis, point);
                    }
                    summed.push(axis);
                }
            }
            match product.factors.as_slice() {
                [] => level.constant += weight,
                [factor] => {
                    let (terms, constant) = self.at_point(factor, &fixed, weight);
                    level.constant += constant;
                    for term in terms {
                        self.add_linear(level, term);
                    }
                }
                all => {
                    let bounds = all
                        .iter()
                        .zip(&factors)
                        .map(|(factor, axes)| Bound::new(factor, axes, &fixed))
                        .collect();
                    level.add_product(weight, summed, equal, bounds);
                }
            }
        }
    }

    /// A virtual tensor is replaced by its definition.
    pub(crate) fn add_linear(&self, level: &mut Level<F>, term: Term<F>) {
        let tensor = self.program.tensor(term.tensor);
        match &tensor.role {
            Role::Virtual(definition) => {
                let free = tensor.axes.iter().copied().zip(term.at).collect();
                self.lower(level, &definition.expression, &free, term.weight);
            }
            _ => level.linear.push(term),
        }
    }

    /// The claim that a vector, masked by a cell, has a value at the point where a sumcheck ends, which begins with
    /// that of the vector's axes.
    pub(crate) fn vector_claim(
        &self,
        vector: &Vector<F>,
        point: &[F],
        value: F,
        cell: usize,
    ) -> LinearClaim<F> {
        let (terms, constant) = self.vector_at(vector, point);
        let own = point.get(..self.variables(&vector.summed)).unwrap_or(point);
        LinearClaim {
            value: value - constant,
            terms,
            cells: own
                .last()
                .map(|x| (cell, vanishing(*x)))
                .into_iter()
                .collect(),
        }
    }

    /// A vector at such a point.
    pub(crate) fn vector_at(&self, vector: &Vector<F>, point: &[F]) -> (Vec<Term<F>>, F) {
        let points = self.split(&vector.summed, point);
        let (mut terms, mut constant) = (Vec::new(), F::zero());
        for (weight, bound) in &vector.parts {
            let mut at = bound.at.clone();
            for axis in bound.factor.axes() {
                if let Some(point) = points.get(&axis) {
                    at.insert(axis, At::Point(point.clone()));
                }
            }
            let (more, c) = self.at_point(&bound.factor, &at, *weight);
            terms.extend(more);
            // A factor without one of the vector's axes is broadcast along it.
            constant += c;
        }
        (terms, constant)
    }

    /// Points of axes, from the values of their variables, one axis after the other.
    pub(crate) fn split(&self, axes: &[AxisId], point: &[F]) -> BTreeMap<AxisId, Point<F>> {
        let mut rest = point;
        axes.iter()
            .map(|axis| {
                let bits = (self.program.axis(*axis).bits() as usize).min(rest.len());
                let (own, other) = rest.split_at(bits);
                rest = other;
                (*axis, own.to_vec())
            })
            .collect()
    }

    /// Variables of some axes.
    pub(crate) fn variables(&self, axes: &[AxisId]) -> usize {
        axes.iter()
            .map(|axis| self.program.axis(*axis).bits() as usize)
            .sum()
    }

    /// What a product is multiplied by at a point.
    pub(crate) fn equal_at(&self, product: &SummedProduct<F>, point: &[F]) -> F {
        let points = self.split(&product.summed, point);
        product
            .equal
            .iter()
            .filter_map(|(axis, at)| points.get(axis).map(|p| kernel::equal(at, p)))
            .product()
    }

    /// Whether the verifier evaluates a vector by itself.
    pub(crate) fn is_public(&self, vector: &Vector<F>) -> bool {
        vector.parts.iter().all(|(_, bound)| {
            bound.factor.terms.iter().all(|(_, operand)| {
                matches!(self.program.tensor(operand.tensor).role, Role::Public(_))
            })
        })
    }
}

impl<F: Element> Level<F> {
    fn add_product(
        &mut self,
        weight: F,
        summed: Vec<AxisId>,
        equal: BTreeMap<AxisId, Point<F>>,
        bounds: Vec<Bound<F>>,
    ) {
        // A factor that lacks an axis of the sum is broadcast along it.
        let vectors: Vec<usize> = bounds
            .into_iter()
            .map(|bound| {
                let vector = Vector {
                    summed: summed.clone(),
                    parts: vec![(F::one(), bound)],
                };
                match self.vectors.iter().position(|v| *v == vector) {
                    Some(index) => index,
                    None => {
                        self.vectors.push(vector);
                        self.vectors.len() - 1
                    }
                }
            })
            .collect();
        self.products.push(SummedProduct {
            weight,
            summed,
            equal,
            vectors,
        });
    }

    /// Variables of the longest sum.
    pub(crate) fn rounds(&self, context: &Context<'_, F>) -> usize {
        self.products
            .iter()
            .map(|p| context.variables(&p.summed))
            .max()
            .unwrap_or(0)
    }

    /// The degree of a round's polynomial. In its last variable a masked vector is quadratic.
    pub(crate) fn degree(&self, context: &Context<'_, F>, round: usize) -> usize {
        self.products
            .iter()
            .filter_map(|product| {
                let variables = context.variables(&product.summed);
                let masked = match (round + 1).cmp(&variables) {
                    std::cmp::Ordering::Less => 0,
                    std::cmp::Ordering::Equal => product
                        .vectors
                        .iter()
                        .filter_map(|v| self.vectors.get(*v))
                        .filter(|v| !context.is_public(v))
                        .count(),
                    std::cmp::Ordering::Greater => return None,
                };
                let weight = usize::from(!product.equal.is_empty());
                Some(product.vectors.len() + masked + weight)
            })
            .max()
            .unwrap_or(0)
    }
}

impl<F: Element> Level<F> {
    /// Joins products that have a vector in common: `x·a + x·b = x·(a + b)`, so that `a` and `b` are not evaluated apart.
    pub(crate) fn merge(&mut self) {
        let mut uses = vec![0_usize; self.vectors.len()];
        for product in self.products.iter().filter(|p| p.vectors.len() == 2) {
            product.vectors.iter().for_each(|v| uses[*v] += 1);
        }
        let mut merged: Vec<SummedProduct<F>> = Vec::new();
        // Those of `merged` whose second vector is nobody else's.
        let mut own: Vec<bool> = Vec::new();
        for product in std::mem::take(&mut self.products) {
            let common = match product.vectors.as_slice() {
                [a, b] if uses[*a] >= uses[*b] => Some((*a, *b)),
                [a, b] => Some((*b, *a)),
                _ => None,
            };
            let Some((common, other)) = common.filter(|(a, b)| uses[*a] > 1 && a != b) else {
                merged.push(product);
                own.push(false);
                continue;
            };
            let parts: Vec<(F, Bound<F>)> = self.vectors[other]
                .parts
                .iter()
                .map(|(weight, bound)| (*weight * product.weight, bound.clone()))
                .collect();
            let same = merged.iter().zip(&own).position(|(m, own)| {
                *own && m.summed == product.summed
                    && m.equal == product.equal
                    && m.vectors.first() == Some(&common)
            });
            match same {
                Some(index) => {
                    let vector = merged[index].vectors[1];
                    self.vectors[vector].parts.extend(parts);
                }
                None => {
                    self.vectors.push(Vector {
                        summed: product.summed.clone(),
                        parts,
                    });
                    merged.push(SummedProduct {
                        weight: F::one(),
                        vectors: vec![common, self.vectors.len() - 1],
                        ..product
                    });
                    own.push(true);
                }
            }
        }
        self.products = merged;
        self.drop_unused();
    }

    fn drop_unused(&mut self) {
        let mut places = vec![None; self.vectors.len()];
        let mut kept = Vec::new();
        for product in &mut self.products {
            for vector in &mut product.vectors {
                let place = places[*vector].get_or_insert_with(|| {
                    kept.push(self.vectors[*vector].clone());
                    kept.len() - 1
                });
                *vector = *place;
            }
        }
        self.vectors = kept;
    }
}
