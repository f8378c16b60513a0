//! Chooses the length of columns and how many lanes share a helper.
//!
//! Long columns are few, so that whoever verifies the proof multiplies few commitments; but the opening, helpers and their
//! sumcheck take time and memory for each row. All layouts within the limits are compared by an estimate.

use crate::layout::{ColumnKind, Group, Layout, LayoutError, Registry};
use crate::program::{Program, Role};

/// Processor seconds for a row of the opening.
const OPENING: f64 = 3.6e-6;
/// For a row of the sumcheck of columns and of their combination.
const COLUMNS: f64 = 0.6e-6;
/// For a row of columns that every proof commits to: multiplicities, and what hides.
const ROW: f64 = 0.5e-6;
/// For any proof.
const PROOF: f64 = 0.2;
/// For a cell of a registered, claimed or 16-bit column in these.
const CELL: f64 = 0.07e-6;
/// To commit to a cell of 16 bits.
const LIMB: f64 = 0.08e-6;
/// To commit to a field element.
const ELEMENT: f64 = 1.2e-6;
/// For a fraction of a row of a helper.
const FRACTION: f64 = 0.17e-6;
/// For a row of a helper in its sumcheck, times a quadratic function of the number of its fractions: its degree, and
/// the factors that are evaluated at as many points.
const HELPER: f64 = 0.075e-6;
/// Bytes of a field element.
const ELEMENT_BYTES: u64 = 32;
/// Field elements for each row while a proof is opened.
const OPENING_ELEMENTS: u64 = 10;
/// Bytes of a power of the setup's secret, for each row.
const POWER_BYTES: u64 = 64;
/// What is resident, as measured, over what is counted: what allocators keep, and what lives for a moment.
const RESIDENT: f64 = 1.35;
/// Bytes of the program itself.
const PROCESS_BYTES: u64 = 48 << 20;
/// Numbers of fractions that are compared.
const FRACTIONS: [usize; 6] = [2, 3, 4, 5, 6, 8];

/// What makes a layout good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Processor seconds that a commitment is worth, for whoever verifies the proof within a circuit.
    pub commitment_price: f64,
    /// Commitments of which there should be no more: a layout with more is chosen only where each has more.
    pub commitments: Option<usize>,
    /// Columns have `2^min_k` rows at least: shorter ones are not compared.
    pub min_k: u32,
    /// Columns have `2^max_k` rows at most, as many as the setup has powers.
    pub max_k: u32,
    /// Bytes that proving may take.
    pub memory: Option<u64>,
}

impl Default for Objective {
    fn default() -> Self {
        Self {
            // About 2,200 rows of an aggregation node, 87 µs each (`nanozk bench node`).
            commitment_price: 0.19,
            commitments: None,
            // Shorter columns have no room for what hides a proof.
            min_k: 12,
            max_k: 20,
            memory: None,
        }
    }
}

/// What proving with a layout takes, about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Bits of a row.
    pub k: u32,
    /// Most fractions of a helper.
    pub fractions: usize,
    /// Processor seconds.
    pub cpu_seconds: f64,
    /// Most memory, in bytes: columns, powers, and what proving adds.
    pub peak_bytes: u64,
    /// Commitments, those that are known before included.
    pub commitments: usize,
}

impl Estimate {
    /// Of a layout with at most so many fractions a helper.
    pub fn new(program: &Program, layout: &Layout, fractions: usize) -> Self {
        let rows = layout.rows() as f64;
        let mut cells = Cells::default();
        for (id, tensor) in program.enumerate() {
            let tiles = layout.places(id).iter().flatten().count() as u64;
            let count = tiles << program.tile_bits(id);
            match tensor.role {
                Role::Weight { wide: true } => cells.wide += count,
                Role::Weight { wide: false } | Role::Activation => cells.registered += count,
                Role::Limb { .. } | Role::Key { .. } | Role::Value { .. } => cells.limbs += count,
                Role::Witness | Role::Wire | Role::Fixed => cells.elements += count,
                Role::Public(_) | Role::Virtual(_) | Role::View(_) => {}
            }
        }
        let length = |group: &Group| {
            let lanes = group.lanes.iter().map(|lane| layout.lanes[*lane].rows());
            let tables = group.tables.iter().map(|t| layout.table_lanes[*t].rows);
            lanes.chain(tables).max().unwrap_or(0) as f64
        };
        let helpers: f64 = layout
            .groups
            .iter()
            .map(|group| {
                let n = (group.lanes.len() + group.tables.len()) as f64;
                length(group) * (ELEMENT + n * FRACTION + (n + 1.) * (n + 2.) * HELPER)
            })
            .sum();
        let small = (cells.registered + cells.wide + cells.limbs) as f64;
        let cpu_seconds = PROOF
            + rows * (OPENING + COLUMNS + ROW)
            + helpers
            + small * CELL
            + cells.limbs as f64 * LIMB
            + cells.elements as f64 * (ELEMENT + CELL);
        let is_looked_up = |kind: ColumnKind| {
            matches!(
                kind,
                ColumnKind::Limb(_)
                    | ColumnKind::Value(_)
                    | ColumnKind::Multiplicity(_)
                    | ColumnKind::TableValues(_)
                    | ColumnKind::Helper(_)
            )
        };
        let looked_up = layout.columns().iter().filter(|c| is_looked_up(c.kind));
        // A sumcheck's first round leaves half as many elements as rows.
        let elements =
            OPENING_ELEMENTS + layout.groups.len() as u64 + (looked_up.count() as u64).div_ceil(2);
        let counted =
            cells.bytes() + layout.rows() as u64 * (POWER_BYTES + elements * ELEMENT_BYTES);
        let peak_bytes = PROCESS_BYTES + (counted as f64 * RESIDENT) as u64;
        Self {
            k: layout.k(),
            fractions,
            cpu_seconds,
            peak_bytes,
            commitments: layout.columns().len(),
        }
    }

    /// What is minimized, in this order: commitments beyond what there should be, and seconds.
    fn cost(&self, objective: &Objective) -> (usize, f64) {
        let most = objective.commitments.unwrap_or(usize::MAX);
        let price = self.commitments as f64 * objective.commitment_price;
        (
            self.commitments.saturating_sub(most),
            self.cpu_seconds + price,
        )
    }
}

/// Committed cells of a program.
#[derive(Clone, Copy, Debug, Default)]
struct Cells {
    registered: u64,
    wide: u64,
    limbs: u64,
    elements: u64,
}

impl Cells {
    fn bytes(&self) -> u64 {
        4 * self.registered + 8 * self.wide + 2 * self.limbs + ELEMENT_BYTES * self.elements
    }
}

/// A layout, and those that were not chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The layout.
    pub layout: Layout,
    /// What it takes.
    pub estimate: Estimate,
    /// What was compared, from the shortest columns to the longest.
    pub compared: Vec<Estimate>,
}

/// No layout is within the limits.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// Columns of any allowed length are too short, or registered tiles have no place in them.
    #[error("no layout has columns of up to 2^{max_k} rows: {reason}")]
    Layout {
        /// Bits of a row, at most.
        max_k: u32,
        /// Why the longest do not do.
        reason: LayoutError,
    },
    /// Proving takes more memory.
    #[error("proving takes {needed} bytes at least, more than {allowed}")]
    Memory {
        /// Bytes that the smallest layout takes.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
}

/// Chooses the layout with the least cost. `registry` places registered tiles in columns of `2^k` rows.
pub fn plan<R: Registry>(
    program: &Program,
    registry: impl Fn(u32) -> R,
    objective: &Objective,
) -> Result<Plan, PlanError> {
    let max_k = objective.max_k;
    let mut compared = Vec::new();
    let mut best: Option<((usize, f64), Layout, Estimate)> = None;
    let mut refused: Option<LayoutError> = None;
    for k in objective.min_k.min(max_k)..=max_k {
        let registry = registry(k);
        let mut groups = Vec::new();
        for fractions in FRACTIONS {
            let layout = match Layout::new(program, k, fractions, &registry) {
                Ok(layout) => layout,
                Err(e) => {
                    refused = Some(e);
                    break;
                }
            };
            // Other limits may give the same groups.
            if groups.contains(&layout.groups) {
                continue;
            }
            groups.push(layout.groups.clone());
            let estimate = Estimate::new(program, &layout, fractions);
            compared.push(estimate);
            let cost = estimate.cost(objective);
            let allowed = objective
                .memory
                .is_none_or(|most| estimate.peak_bytes <= most);
            if allowed && best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, layout, estimate));
            }
        }
    }
    if let Some((_, layout, estimate)) = best {
        return Ok(Plan {
            layout,
            estimate,
            compared,
        });
    }
    Err(match refused {
        Some(reason) if compared.is_empty() => PlanError::Layout { max_k, reason },
        _ => PlanError::Memory {
            needed: compared.iter().map(|e| e.peak_bytes).min().unwrap_or(0),
            allowed: objective.memory.unwrap_or(u64::MAX),
        },
    })
}
