//! Builds a [`Program`] from operations, and remembers where each value lives.
//!
//! Values lie in *strips*: contiguous rows of a column. A gate reaches the operands of its row by
//! rotation, so that nothing is ever copied to be used, and there is no permutation argument.
//! Values that must appear in a second place (the input of a matrix product beside its weights) are
//! tied to the first by a fingerprint: a random polynomial evaluated at both places.

use ff::Field;
use halo2curves::bn256::Fr;
use std::collections::HashMap;

use crate::ir::*;
use crate::lookup::{Lookups, Tag};

/// Subtracted from a committed weight: committed integers are unsigned, which makes their
/// commitments several times cheaper than those of negative ones.
pub const WEIGHT_OFFSET: i64 = 1 << 24;

/// Rows before the blind rows whose lookup cells are random members of the range table.
///
/// The LogUp helper columns are zero in the blind rows; these rows hide them.
pub const SALT_ROWS: usize = 64;

/// Sizes a planner chooses; see `plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    /// Binary logarithm of the number of rows.
    pub k: u32,
    /// Weight columns.
    pub weights: usize,
    /// Lookup columns; odd, because helpers take them in pairs and the table takes one place.
    pub lanes: usize,
    /// Bits of a limb: 8 or 16.
    pub limb: u32,
}

/// A program is too large for the rows of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} needs {needed} rows of {available}")]
pub struct TooLarge {
    /// What did not fit.
    pub what: &'static str,
    /// Rows needed.
    pub needed: usize,
    /// Rows there are.
    pub available: usize,
}

/// Columns whose rows are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// All lookup lanes.
    Lanes,
    /// The auxiliary column.
    Aux,
    /// The running sums of attention.
    Run,
    /// Weights and the inputs beside them.
    Region,
}

/// Where a value sits relative to the anchor row of its band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Lookup lane.
    pub lane: usize,
    /// Rows below the anchor.
    pub offset: usize,
}

/// An unsigned value as limbs, least significant first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limbs(pub Vec<(Spot, u32)>);

/// A matrix of values, `blocks × n` cells: block `b`, position `t` at row `base + b·n + t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strip {
    /// First row.
    pub base: usize,
    /// Blocks (features, or rows of a score matrix).
    pub blocks: usize,
}

/// The columns every program shares, and the program under construction.
pub struct Composer {
    /// Sizes.
    pub plan: Plan,
    /// Positions.
    pub n: usize,
    /// Input activations, if the layer has any.
    pub input: Option<Column>,
    /// Output activations, if the layer has any.
    pub output: Option<Column>,
    /// Weights.
    pub weights: Vec<Column>,
    /// Lookup lanes.
    pub lanes: Vec<Column>,
    /// Auxiliary values.
    pub aux: Column,
    /// Inputs of matrix products, beside their weights.
    pub x: Column,
    /// Folds of `x` over positions.
    pub fold_x: Column,
    /// Folds of the weights over outputs.
    pub fold_w: Column,
    /// Folds of attention matrices.
    pub run: Option<Column>,
    /// Powers of beta.
    pub powers: Column,
    /// The running sum that all equations share.
    pub sum: Column,
    /// Active rows (opened: it multiplies linear columns).
    pub active: Column,
    /// Weight rows (opened: it multiplies the weights).
    pub weight_rows: Column,
    /// Lookup argument under construction.
    pub lookups: Lookups,
    pub(crate) columns: Vec<ColumnInfo>,
    pub(crate) fixed: HashMap<u32, Vec<(Span, Fr)>>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) steps: Vec<Step>,
    pub(crate) sum_terms: Poly,
    pub(crate) instances: usize,
    selectors: Vec<(Vec<Span>, Column)>,
    used: Vec<(Space, usize, usize)>,
    equations: u64,
    /// Prefix of gate ids, to tell apart the halves of a block.
    pub scope: &'static str,
    pub(crate) tables: Vec<(Tag, usize)>,
    pub(crate) table_columns: Vec<Column>,
    pub(crate) groups: Vec<(String, &'static str, Vec<Span>, Poly)>,
    /// Accumulated spans of the region machinery.
    pub(crate) regions: crate::region::Regions,
}

impl Composer {
    /// An empty program. `lookups` is false for a layer that needs no range check.
    pub fn new(
        plan: Plan,
        n: usize,
        input: bool,
        output: bool,
        attention: bool,
        instances: usize,
    ) -> Self {
        let mut columns = Vec::new();
        let mut new = |name: String, kind, linear, zero_blind| {
            columns.push(ColumnInfo {
                name,
                kind,
                linear,
                zero_blind,
            });
            Column(columns.len() as u32 - 1)
        };
        let active = new("active".into(), Kind::Fixed, false, false);
        let weight_rows = new("weight rows".into(), Kind::Fixed, false, false);
        let input = input.then(|| new("input".into(), Kind::Input, false, false));
        let output = output.then(|| new("output".into(), Kind::Output, false, false));
        let weights = (0..plan.weights)
            .map(|j| new(format!("weight {j}"), Kind::Weight, true, false))
            .collect();
        let lanes: Vec<_> = (0..plan.lanes)
            .map(|j| new(format!("lane {j}"), Kind::Witness, false, false))
            .collect();
        let aux = new("aux".into(), Kind::Witness, false, false);
        let x = new("x".into(), Kind::Witness, false, false);
        let fold_x = new("fold x".into(), Kind::Second, false, false);
        let fold_w = new("fold w".into(), Kind::Second, false, false);
        let run = attention.then(|| new("run".into(), Kind::Second, false, false));
        let powers = new("powers".into(), Kind::Second, false, false);
        let sum = new("sum".into(), Kind::Second, false, false);
        let mut c = Composer {
            plan,
            n,
            input,
            output,
            weights,
            lanes,
            aux,
            x,
            fold_x,
            fold_w,
            run,
            powers,
            sum,
            active,
            weight_rows,
            lookups: Lookups::new(plan.limb),
            columns,
            fixed: HashMap::new(),
            gates: vec![],
            steps: vec![],
            sum_terms: Poly::zero(),
            instances,
            selectors: vec![],
            used: vec![],
            equations: 1,
            scope: "",
            tables: vec![],
            table_columns: vec![],
            groups: vec![],
            regions: Default::default(),
        };
        c.powers_gates();
        c
    }

    /// Rows on which gates may act: the last usable row ends the running sum.
    pub fn active_rows(&self) -> usize {
        (1 << self.plan.k) - BLIND_ROWS - 1
    }

    /// Adds a column.
    pub fn column(&mut self, name: &str, kind: Kind, linear: bool) -> Column {
        self.columns.push(ColumnInfo {
            name: name.into(),
            kind,
            linear,
            zero_blind: false,
        });
        Column(self.columns.len() as u32 - 1)
    }

    /// Reserves `len` consecutive rows free in all the given spaces, the first that fit.
    pub fn alloc(
        &mut self,
        what: &'static str,
        spaces: &[Space],
        len: usize,
    ) -> Result<usize, TooLarge> {
        self.alloc_from(what, spaces, len, 0)
    }

    /// As [`Self::alloc`], not above row `from`.
    pub fn alloc_from(
        &mut self,
        what: &'static str,
        spaces: &[Space],
        len: usize,
        from: usize,
    ) -> Result<usize, TooLarge> {
        let mut start = from;
        while let Some(end) = self
            .used
            .iter()
            .filter(|(s, a, b)| spaces.contains(s) && *a < start + len && start < *b)
            .map(|(_, _, b)| *b)
            .max()
        {
            start = end;
        }
        let available = self.active_rows() - SALT_ROWS;
        if start + len > available {
            return Err(TooLarge {
                what,
                needed: start + len,
                available,
            });
        }
        self.used
            .extend(spaces.iter().map(|s| (*s, start, start + len)));
        Ok(start)
    }

    /// A fixed column that is one on the given rows; the same rows give the same column.
    pub fn selector(&mut self, name: &str, spans: &[Span]) -> Column {
        if let Some((_, c)) = self.selectors.iter().find(|(s, _)| s == spans) {
            return *c;
        }
        let column = self.column(name, Kind::Fixed, true);
        self.set_fixed(column, spans, Fr::ONE);
        self.selectors.push((spans.to_vec(), column));
        column
    }

    /// Sets a fixed column on the given rows.
    pub fn set_fixed(&mut self, column: Column, spans: &[Span], value: Fr) {
        let cells = self.fixed.entry(column.0).or_default();
        cells.extend(spans.iter().map(|span| (*span, value)));
    }

    /// Adds a constraint.
    pub fn gate(&mut self, id: impl Into<String>, meaning: &'static str, poly: Poly) {
        let id = format!("{}{}", self.scope, id.into());
        self.gates.push(Gate {
            id,
            meaning,
            poly: poly.normalized(),
        });
    }

    /// Adds `selector · body` as a constraint.
    pub fn gate_on(&mut self, id: &str, meaning: &'static str, spans: &[Span], body: Poly) {
        let q = self.selector(id, spans);
        self.gate(id, meaning, q.cur() * body);
    }

    /// Adds rows to a constraint that several places share; the body must be the same each time.
    pub fn grouped_gate(&mut self, id: String, meaning: &'static str, span: Span, body: Poly) {
        match self.groups.iter_mut().find(|g| g.0 == id) {
            Some((_, _, spans, first)) => {
                debug_assert_eq!(*first, body, "{id}");
                spans.push(span);
            }
            None => self.groups.push((id, meaning, vec![span], body)),
        }
    }

    /// Separator of a new equation within the running sum.
    pub fn equation(&mut self) -> Scalar {
        self.equations += 1;
        Scalar::pow(Challenge::Delta, self.equations - 1)
    }

    /// Adds a term to the running sum; the total over all rows must vanish.
    pub fn sum(&mut self, term: Poly) {
        self.sum_terms = std::mem::take(&mut self.sum_terms) + term;
    }

    /// Adds `Σ powers·value` over a strip to the running sum, times `coeff`.
    pub fn sum_strip(&mut self, name: &str, strip: Strip, value: Poly, coeff: Scalar) {
        let q = self.selector(name, &[self.span(strip)]);
        let powers = self.powers;
        self.sum(q.cur() * powers.cur() * value * coeff);
    }

    /// All rows of a strip.
    pub fn span(&self, strip: Strip) -> Span {
        Span::strided(strip.base, self.n, self.n, strip.blocks)
    }

    /// `powers[row] = beta^row`.
    fn powers_gates(&mut self) {
        let (p, active) = (self.powers, self.active);
        let beta = Scalar::Challenge(Challenge::Beta);
        self.gate_on(
            "powers_first",
            "the powers start at one",
            &[Span::row(0)],
            p.cur() - Poly::int(1),
        );
        self.gate(
            "powers_next",
            "each power is beta times the one above",
            active.cur() * (p.at(1) - p.cur() * beta.clone()),
        );
        self.steps.push(Step::Assign {
            column: p,
            rows: Span::row(0),
            descending: false,
            value: Poly::int(1),
        });
        self.steps.push(Step::Assign {
            column: p,
            rows: Span::run(1, self.active_rows()),
            descending: false,
            value: p.at(-1) * beta,
        });
    }

    // ---- lookups ----

    /// Places cells of one band: tagged ones in lane 0, the others where there is room.
    /// `plane` is the distance between the planes of the band. Returns the spots and the number of planes.
    pub fn place(
        &self,
        tagged: usize,
        plain: usize,
        plane: usize,
    ) -> (Vec<Spot>, Vec<Spot>, usize) {
        let lanes = self.plan.lanes;
        let planes = tagged.max((tagged + plain).div_ceil(lanes)).max(1);
        let tagged_spots = (0..tagged)
            .map(|i| Spot {
                lane: 0,
                offset: i * plane,
            })
            .collect();
        let mut plain_spots = Vec::new();
        for p in 0..planes {
            for lane in 0..lanes {
                if (lane > 0 || p >= tagged) && plain_spots.len() < plain {
                    plain_spots.push(Spot {
                        lane,
                        offset: p * plane,
                    });
                }
            }
        }
        (tagged_spots, plain_spots, planes)
    }

    /// The cell at a spot.
    pub fn at(&self, spot: Spot) -> Poly {
        self.lanes[spot.lane].at(spot.offset as i32)
    }

    /// The value of limbs, as an unsigned number.
    pub fn value(&self, limbs: &Limbs) -> Poly {
        limbs.0.iter().fold(Poly::zero(), |acc, (spot, shift)| {
            acc + self.at(*spot) * (1i128 << shift)
        })
    }

    /// Splits a number of bits into whole limbs and a rest.
    pub fn limbs_of(&self, bits: u32) -> (usize, u32) {
        ((bits / self.plan.limb) as usize, bits % self.plan.limb)
    }

    /// Limbs of `bits` bits from plain spots (and one tagged spot if the width is no multiple of the limb).
    pub fn take(&self, bits: u32, plain: &mut Vec<Spot>, tagged: &mut Vec<Spot>) -> Limbs {
        let (whole, rest) = self.limbs_of(bits);
        let mut limbs: Vec<_> = (0..whole)
            .map(|i| (plain.remove(0), i as u32 * self.plan.limb))
            .collect();
        if rest > 0 {
            limbs.push((tagged.remove(0), whole as u32 * self.plan.limb));
        }
        Limbs(limbs)
    }

    /// Declares the table of lane 0 on the rows of a strip, `offset` below.
    pub fn tag(&mut self, strip: Strip, spot: Spot, tag: Tag) {
        assert_eq!(spot.lane, 0, "only lane 0 has tags");
        let mut span = self.span(strip);
        span.start += spot.offset;
        self.tag_rows(span, tag);
    }

    /// Declares the table of lane 0 on the given rows.
    pub fn tag_rows(&mut self, span: Span, tag: Tag) {
        self.lookups.tags.push((span, tag));
    }

    /// First and second partner of a tuple in lane 0.
    pub fn partner(&mut self, index: usize) -> Column {
        while self.lookups.partners.len() <= index {
            let name = format!("partner {}", self.lookups.partners.len());
            let c = self.column(&name, Kind::Witness, false);
            self.lookups.partners.push(c);
        }
        self.lookups.partners[index]
    }
}
