//! First-phase values, written cell by cell.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use std::collections::HashMap;

use crate::composer::{Composer, Limbs, Plan, Spot, SALT_ROWS};
use crate::ir::*;
use crate::lookup::LookupIndex;

/// A value does not fit its cells: the layer cannot be proved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of lane {lane}: {value} is not in its table")]
pub struct NotInTable {
    /// Lane.
    pub lane: usize,
    /// Row.
    pub row: usize,
    /// Value.
    pub value: u64,
}

/// First-phase columns under construction; columns are those of the composer, before reordering.
pub struct Witness {
    n: usize,
    limb: u32,
    lanes: Vec<Vec<u64>>,
    lane_columns: Vec<Column>,
    values: HashMap<u32, Vec<Fr>>,
}

/// The field element of an integer.
pub fn fr(v: i128) -> Fr {
    let abs = Fr::from_u128(v.unsigned_abs());
    if v < 0 {
        -abs
    } else {
        abs
    }
}

impl Witness {
    /// All cells zero.
    pub fn new(plan: &Plan, lanes: &[Column]) -> Self {
        let n = 1 << plan.k;
        Witness {
            n,
            limb: plan.limb,
            lanes: vec![vec![0; n]; lanes.len()],
            lane_columns: lanes.to_vec(),
            values: HashMap::new(),
        }
    }

    /// Sets a cell of a column that is not a lane.
    pub fn set(&mut self, column: Column, row: usize, value: i128) {
        self.set_fr(column, row, fr(value));
    }

    /// Sets a cell of a column that is not a lane.
    pub fn set_fr(&mut self, column: Column, row: usize, value: Fr) {
        debug_assert!(!self.lane_columns.contains(&column));
        let n = self.n;
        self.values
            .entry(column.0)
            .or_insert_with(|| vec![Fr::ZERO; n])[row] = value;
    }

    /// Sets a cell of a lane, relative to the anchor `row`.
    pub fn lane(&mut self, spot: Spot, row: usize, value: u64) {
        self.lanes[spot.lane][row + spot.offset] = value;
    }

    /// Writes an unsigned value into its limbs; what does not fit stays in the last limb, where no table has it.
    pub fn limbs(&mut self, limbs: &Limbs, row: usize, value: u128) {
        let mut rest = value;
        for (i, (spot, _)) in limbs.0.iter().enumerate() {
            let last = i + 1 == limbs.0.len();
            let v = if last {
                rest as u64
            } else {
                (rest & ((1 << self.limb) - 1)) as u64
            };
            self.lane(*spot, row, v);
            rest >>= self.limb;
        }
    }

    /// Fills salt rows, counts multiplicities, and returns the columns in the order of their commitments.
    pub fn finish(
        mut self,
        program: &Program,
        map: &[Column],
        index: Option<&LookupIndex>,
        mut random: impl FnMut() -> u64,
    ) -> Result<Vec<Vec<Fr>>, NotInTable> {
        if let Some(index) = index {
            for row in index.active - SALT_ROWS..index.active {
                for lane in &mut self.lanes {
                    lane[row] = random() & ((1 << self.limb) - 1);
                }
            }
            let mut counts = vec![0u64; self.n];
            for (l, lane) in self.lanes.iter().enumerate() {
                for (row, &value) in lane.iter().enumerate().take(index.active) {
                    let tag = if l == 0 {
                        index.tag_of_row[row] as usize
                    } else {
                        0
                    };
                    let (start, len) = index.tables[tag];
                    if value >= len as u64 {
                        return Err(NotInTable {
                            lane: l,
                            row,
                            value,
                        });
                    }
                    counts[start + value as usize] += 1;
                }
            }
            self.values.insert(
                index.multiplicity.0,
                counts.into_iter().map(Fr::from).collect(),
            );
        }
        for (column, lane) in self.lane_columns.iter().zip(self.lanes) {
            self.values
                .insert(column.0, lane.into_iter().map(Fr::from).collect());
        }
        let mut by_final: HashMap<Column, Vec<Fr>> = self
            .values
            .into_iter()
            .map(|(old, v)| (map[old as usize], v))
            .collect();
        Ok(program
            .first_phase()
            .into_iter()
            .map(|c| {
                by_final
                    .remove(&c)
                    .unwrap_or_else(|| vec![Fr::ZERO; 1 << program.k])
            })
            .collect())
    }
}

impl Composer {
    /// An empty witness for this program.
    pub fn witness(&self) -> Witness {
        Witness::new(&self.plan, &self.lanes)
    }
}
