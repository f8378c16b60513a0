//! Runs a program on values.

use crate::axis::AxisId;
use crate::expression::{Expression, Factor};
use crate::program::{Identity, Program, Role, TensorId};
use crate::values::{ColumnData, OutOfRange, Values, all_indices, integer};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use std::collections::BTreeMap;

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An identity.
    #[error("{identity} does not hold at {place}: it is {value:?}, not zero")]
    Identity {
        /// The identity.
        identity: String,
        /// Names and indices of the free axes.
        place: String,
        /// What should be zero.
        value: Fr,
    },
    /// A range or a lookup.
    #[error(transparent)]
    Range(#[from] OutOfRange),
    /// A lookup names another value than the table's.
    #[error("{tensor} has a value that its table does not have for the key")]
    Lookup {
        /// The tensor of values.
        tensor: String,
    },
    /// Wires differ that should be equal.
    #[error(
        "wire {wire} is {value:?}, and wire {other}, which should be equal, is {other_value:?}"
    )]
    Copy {
        /// The number of a wire.
        wire: u64,
        /// Its value.
        value: Fr,
        /// The number of the other one.
        other: u64,
        /// The other's value.
        other_value: Fr,
    },
}

impl Program {
    /// Names the first identity that does not hold, and where; then ranges, lookups and copies. It takes as long as the naive
    /// evaluation of all expressions, so it is for tests and small models.
    pub fn check(&self, values: &Values<'_>) -> Result<(), Failure> {
        let mut virtuals = BTreeMap::new();
        for identity in self.identities() {
            self.check_identity(identity, values, &mut virtuals)?;
        }
        values.check_tables()?;
        self.check_lookups(values)?;
        check_copies(values)
    }

    /// All identities that do not hold, each where it first fails; then the first cell out of range, the first
    /// lookup and the first copy.
    pub fn failures(&self, values: &Values<'_>) -> Vec<Failure> {
        let mut virtuals = BTreeMap::new();
        let mut failures: Vec<Failure> = self
            .identities()
            .iter()
            .filter_map(|identity| self.check_identity(identity, values, &mut virtuals).err())
            .collect();
        failures.extend(values.check_tables().err().map(Failure::Range));
        failures.extend(self.check_lookups(values).err());
        failures.extend(check_copies(values).err());
        failures
    }

    /// Identities about a tensor that do not hold, each where it first fails.
    pub fn failures_about(&self, values: &Values<'_>, tensor: TensorId) -> Vec<Failure> {
        let mut virtuals = BTreeMap::new();
        self.identities()
            .iter()
            .filter(|identity| self.depends(&identity.expression, tensor))
            .filter_map(|identity| self.check_identity(identity, values, &mut virtuals).err())
            .collect()
    }

    /// Whether all wires are equal that should be.
    pub fn copies_hold(&self, values: &Values<'_>) -> bool {
        check_copies(values).is_ok()
    }

    /// Whether an expression has a tensor, a view of it, or a tensor that is defined by it.
    fn depends(&self, expression: &Expression, tensor: TensorId) -> bool {
        let factors = expression.products.iter().flat_map(|p| &p.factors);
        factors
            .flat_map(|factor| &factor.terms)
            .any(|(_, operand)| {
                operand.tensor == tensor
                    || match &self.tensor(operand.tensor).role {
                        Role::View(view) => view.of == tensor,
                        Role::Virtual(v) => self.depends(&v.expression, tensor),
                        _ => false,
                    }
            })
    }

    fn check_identity(
        &self,
        identity: &Identity,
        values: &Values<'_>,
        virtuals: &mut BTreeMap<(TensorId, Vec<usize>), Fr>,
    ) -> Result<(), Failure> {
        for indices in all_indices(self, &identity.free) {
            let fixed: BTreeMap<AxisId, usize> =
                identity.free.iter().copied().zip(indices).collect();
            let value = self.evaluate(values, &identity.expression, &fixed, virtuals);
            if value != Fr::ZERO {
                let place: Vec<String> = fixed
                    .iter()
                    .map(|(axis, index)| format!("{} {index}", self.axis(*axis).name))
                    .collect();
                return Err(Failure::Identity {
                    identity: identity.name.clone(),
                    place: place.join(", "),
                    value,
                });
            }
        }
        Ok(())
    }

    fn check_lookups(&self, values: &Values<'_>) -> Result<(), Failure> {
        for lookup in self.lookups() {
            let table = &self.tables()[lookup.table.index()];
            let Some(list) = &table.values else { continue };
            let axes = &self.tensor(lookup.key).axes;
            for indices in all_indices(self, axes) {
                let key = values.get(lookup.key, &indices);
                let value = values.get(lookup.value, &indices);
                let found = (0_u64..)
                    .zip(list)
                    .any(|(k, v)| Fr::from(k) == key && Fr::from(u64::from(*v)) == value);
                if !found {
                    return Err(Failure::Lookup {
                        tensor: self.tensor(lookup.value).name.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    fn evaluate(
        &self,
        values: &Values<'_>,
        expression: &Expression,
        fixed: &BTreeMap<AxisId, usize>,
        virtuals: &mut BTreeMap<(TensorId, Vec<usize>), Fr>,
    ) -> Fr {
        let mut sum = Fr::ZERO;
        for product in &expression.products {
            let summed: Vec<AxisId> = product
                .axes()
                .into_iter()
                .filter(|axis| !fixed.contains_key(axis))
                .collect();
            let mut indices = fixed.clone();
            let mut part = Fr::ZERO;
            for combination in all_indices(self, &summed) {
                indices.extend(summed.iter().copied().zip(combination));
                let mut term = Fr::ONE;
                for factor in &product.factors {
                    if term == Fr::ZERO {
                        break;
                    }
                    term *= self.factor(values, factor, &indices, virtuals);
                }
                part += term;
            }
            sum += part * integer(product.coefficient);
        }
        sum
    }

    fn factor(
        &self,
        values: &Values<'_>,
        factor: &Factor,
        indices: &BTreeMap<AxisId, usize>,
        virtuals: &mut BTreeMap<(TensorId, Vec<usize>), Fr>,
    ) -> Fr {
        let mut sum = integer(factor.constant);
        for (coefficient, operand) in &factor.terms {
            let at: Vec<usize> = operand.axes.iter().map(|axis| indices[axis]).collect();
            let tensor = self.tensor(operand.tensor);
            let value = match &tensor.role {
                Role::Virtual(v) => match virtuals.get(&(operand.tensor, at.clone())) {
                    Some(value) => *value,
                    None => {
                        let fixed = tensor.axes.iter().copied().zip(at.clone()).collect();
                        let value = self.evaluate(values, &v.expression, &fixed, virtuals);
                        virtuals.insert((operand.tensor, at), value);
                        value
                    }
                },
                _ => values.get(operand.tensor, &at),
            };
            sum += value * integer(*coefficient);
        }
        sum
    }
}

/// Names the first wire that differs from the one that the permutation puts in its place.
fn check_copies(values: &Values<'_>) -> Result<(), Failure> {
    let layout = values.layout();
    let k = layout.k();
    let wire = |number: u64| -> Fr {
        let lane = layout.copies.get((number >> k) as usize);
        let row = (number & ((1 << k) - 1)) as usize;
        lane.map_or(Fr::ZERO, |lane| values.column(lane.wires).get(row))
    };
    for (column, lane) in (0_u64..).zip(&layout.copies) {
        let ColumnData::U32(permutation) = values.column(lane.permutation) else {
            continue;
        };
        for (row, other) in (0_u64..).zip(permutation.iter()).take(lane.rows) {
            let (number, other) = ((column << k) + row, u64::from(*other));
            let (value, other_value) = (wire(number), wire(other));
            if value != other_value {
                return Err(Failure::Copy {
                    wire: number,
                    value,
                    other,
                    other_value,
                });
            }
        }
    }
    Ok(())
}
