//! Runs a program on values.

use crate::axis::AxisId;
use crate::expression::{Expression, Factor};
use crate::program::{Identity, Program, Role, TensorId};
use crate::values::{all_indices, integer, OutOfRange, Values};
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
}

impl Program {
    /// Names the first identity that does not hold, and where; then ranges and lookups. It takes as long as the naive
    /// evaluation of all expressions, so it is for tests and small models.
    pub fn check(&self, values: &Values<'_>) -> Result<(), Failure> {
        let mut virtuals = BTreeMap::new();
        for identity in self.identities() {
            self.check_identity(identity, values, &mut virtuals)?;
        }
        values.check_tables()?;
        self.check_lookups(values)
    }

    /// All identities that do not hold, each where it first fails; then the first cell out of range, and the first lookup.
    pub fn failures(&self, values: &Values<'_>) -> Vec<Failure> {
        let mut virtuals = BTreeMap::new();
        let mut failures: Vec<Failure> = self
            .identities()
            .iter()
            .filter_map(|identity| self.check_identity(identity, values, &mut virtuals).err())
            .collect();
        failures.extend(values.check_tables().err().map(Failure::Range));
        failures.extend(self.check_lookups(values).err());
        failures
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
