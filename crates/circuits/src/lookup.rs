//! One lookup argument for range checks and non-linearities: LogUp with a tag per table.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `logup_helper_j` | 3 | `h·(α+f_a)(α+f_b) = active·(2α+f_a+f_b)` | `h = 1/(α+f_a) + 1/(α+f_b)` on active rows, 0 elsewhere |
//! | `logup_table` | 3 | `h·(α+f)(α+t) = active·((α+t) − m·(α+f))` | `h = 1/(α+f) − m/(α+t)` |
//!
//! with `f_0 = lane_0 + τ·partner_0 + τ²·partner_1 + τ³·tag`, `f_j = lane_j` for the other lanes, and
//! `t = key + τ·table_0 + τ²·table_1 + τ³·table_tag` (one power less for each partner not used). Every active row of every lane is looked up; an unused cell is
//! zero, which is in the range table. The helpers have no selector on their left side: they are forced
//! to zero in the blind rows, and hidden by random members of the range table in the salt rows.

use ff::Field;
use halo2curves::bn256::Fr;
use nanozk_executor::spec::{Activation, ACT_OUT_OFFSET};
use nanozk_executor::tables::{ActivationTable, ExpTable};
use std::collections::HashMap;

use crate::composer::{Composer, TooLarge};
use crate::ir::*;

/// Added to the entries of an activation segment so that committed integers are unsigned.
pub const SEGMENT_OFFSET: i64 = 1 << 24;

/// A table; lane 0 chooses one per row, all other cells use the range table of a limb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// `0 ≤ v < 2^bits`.
    Bits(u32),
    /// `0 ≤ v < bound`.
    Below(u32),
    /// `v` a signed 16-bit pre-activation plus 2^15; partner: its activation plus [`ACT_OUT_OFFSET`].
    /// The table ends before the first activation out of range.
    Activation(Activation, u32),
    /// `v` a segment of the activation; partners: its `A` and `B` plus [`SEGMENT_OFFSET`].
    Segment(Activation, u32),
    /// `v < 2^16`; partner: `EXP(v)`.
    Exp,
    /// `v < 2^8`; partner: `E1[v]`.
    ExpHigh,
    /// `v < 2^8`; partner: `E0[v]`.
    ExpLow,
}

impl Tag {
    /// Number of rows.
    pub fn size(self) -> usize {
        match self {
            Tag::Bits(bits) => 1 << bits,
            Tag::Below(bound) => bound as usize,
            Tag::Activation(act, frac) => ActivationTable::get(act, frac)
                .expect("the specification is valid")
                .inputs()
                .count(),
            Tag::Exp => 1 << 16,
            Tag::Segment(..) => 1024,
            Tag::ExpHigh | Tag::ExpLow => 256,
        }
    }

    /// Rows of the table: value and partners.
    pub fn rows(self) -> Vec<[u64; 3]> {
        let plain = |n: u64| (0..n).map(|v| [v, 0, 0]).collect();
        match self {
            Tag::Bits(bits) => plain(1 << bits),
            Tag::Below(bound) => plain(bound.into()),
            Tag::Activation(act, frac) => {
                let table = ActivationTable::new(act, frac);
                table
                    .inputs()
                    .map(|h| {
                        [
                            (h + (1 << 15)) as u64,
                            (table.eval(h) + ACT_OUT_OFFSET) as u64,
                            0,
                        ]
                    })
                    .collect()
            }
            Tag::Segment(act, frac) => {
                let table = ActivationTable::new(act, frac);
                (0..1024)
                    .map(|s| {
                        let entry = |v: i64| (v + SEGMENT_OFFSET) as u64;
                        [s as u64, entry(table.a[s]), entry(table.b[s])]
                    })
                    .collect()
            }
            Tag::Exp => {
                let table = ExpTable::new();
                (0..1u64 << 16)
                    .map(|z| [z, table.eval(z) as u64, 0])
                    .collect()
            }
            Tag::ExpHigh => {
                let table = ExpTable::new();
                (0..256)
                    .map(|v| [v as u64, table.e1[v] as u64, 0])
                    .collect()
            }
            Tag::ExpLow => {
                let table = ExpTable::new();
                (0..256)
                    .map(|v| [v as u64, table.e0[v] as u64, 0])
                    .collect()
            }
        }
    }
}

/// The lookup argument under construction.
pub struct Lookups {
    /// Table of lane 0 by rows; the range table elsewhere.
    pub tags: Vec<(Span, Tag)>,
    /// Columns of the second and third element of a tuple in lane 0.
    pub partners: Vec<Column>,
    limb: u32,
}

/// What is needed to count multiplicities.
#[derive(Clone, Debug)]
pub struct LookupIndex {
    /// Multiplicities.
    pub multiplicity: Column,
    /// Lanes.
    pub lanes: Vec<Column>,
    /// Rows of the tables: first row and number of rows of the table of each tag; tag 0 is the range table.
    pub tables: Vec<(usize, usize)>,
    /// Tag of lane 0 per row.
    pub tag_of_row: Vec<u8>,
    /// Rows looked up.
    pub active: usize,
    /// Bits of a limb.
    pub limb: u32,
}

impl Lookups {
    /// No lookups yet.
    pub fn new(limb: u32) -> Self {
        Lookups {
            tags: vec![],
            partners: vec![],
            limb,
        }
    }
}

impl Composer {
    /// Closes the lookup argument: tables, helpers, multiplicities.
    pub fn finish_lookups(&mut self) -> Result<Option<LookupIndex>, TooLarge> {
        if self.lanes.is_empty() {
            return Ok(None);
        }
        let active_rows = self.active_rows();
        let mut ids: HashMap<Tag, usize> = HashMap::from([(Tag::Bits(self.lookups.limb), 0)]);
        let mut order = vec![Tag::Bits(self.lookups.limb)];
        let tags = std::mem::take(&mut self.lookups.tags);
        let tag_column = self.column("tag", Kind::Fixed, false);
        let mut tag_of_row = vec![0u8; active_rows];
        for (span, tag) in tags {
            let id = *ids.entry(tag).or_insert_with(|| {
                order.push(tag);
                order.len() - 1
            });
            self.set_fixed(tag_column, &[span], Fr::from(id as u64));
            for row in span.rows() {
                assert_eq!(tag_of_row[row], 0, "row {row} has two tags");
                tag_of_row[row] = id as u8;
            }
        }
        let partners = self.lookups.partners.clone();
        let key = self.column("table key", Kind::Fixed, false);
        let table: Vec<_> = (0..partners.len())
            .map(|i| self.column(&format!("table {i}"), Kind::Fixed, false))
            .collect();
        let mut tables = Vec::new();
        let mut row = 0;
        for tag in &order {
            tables.push((row, tag.size()));
            row += tag.size();
        }
        if row > active_rows {
            return Err(TooLarge {
                what: "lookup tables",
                needed: row,
                available: active_rows,
            });
        }
        self.tables = order.into_iter().zip(tables.iter().map(|t| t.0)).collect();
        // The tag is an element of the tuple of its own: added to the value, a prover could trade one
        // for the other and read a cell in another table.
        let table_tag = self.column("table tag", Kind::Fixed, false);
        let lane_tuple = [partners, vec![tag_column]].concat();
        let table_tuple = [table, vec![table_tag]].concat();
        self.table_columns = [vec![key], table_tuple.clone()].concat();
        let multiplicity = self.column("multiplicity", Kind::Witness, true);

        let alpha = || Poly::scalar(Scalar::Challenge(Challenge::Alpha));
        let tuple = |first: Poly, rest: &[Column]| {
            rest.iter()
                .enumerate()
                .fold(alpha() + first, |acc, (i, c)| {
                    acc + c.cur() * Scalar::pow(Challenge::Tau, i as u64 + 1)
                })
        };
        let mut sides: Vec<Poly> = vec![tuple(self.lanes[0].cur(), &lane_tuple)];
        sides.extend(self.lanes[1..].iter().map(|lane| alpha() + lane.cur()));
        let t = tuple(key.cur(), &table_tuple);
        let active = self.active;
        let last = sides.pop().expect("at least one lane");
        for (j, pair) in sides.chunks(2).enumerate() {
            self.helper(
                j,
                &format!("logup_helper_{j}"),
                "the helper is the sum of two lanes' inverses",
                active.cur() * (pair[0].clone() + pair[1].clone()),
                pair[0].clone() * pair[1].clone(),
            );
        }
        self.helper(
            sides.len() / 2,
            "logup_table",
            "the helper is the last lane's inverse less the table's, times its multiplicity",
            active.cur() * (t.clone() - multiplicity.cur() * last.clone()),
            last * t,
        );
        Ok(Some(LookupIndex {
            multiplicity,
            lanes: self.lanes.clone(),
            tables,
            tag_of_row,
            active: active_rows,
            limb: self.plan.limb,
        }))
    }

    /// A column of fractions, which enters the running sum.
    fn helper(
        &mut self,
        index: usize,
        id: &str,
        meaning: &'static str,
        numerator: Poly,
        denominator: Poly,
    ) {
        let column = self.column(&format!("helper {index}"), Kind::Second, true);
        self.columns[column.0 as usize].zero_blind = true;
        self.gate(
            id,
            meaning,
            column.cur() * denominator.clone() - numerator.clone(),
        );
        self.steps.push(Step::Ratio {
            column,
            rows: Span::run(0, self.active_rows()),
            numerator,
            denominator,
        });
        self.sum(column.cur());
    }

    /// Writes the tables, one below the other; the remaining rows repeat (0, 0, 0).
    fn fill_tables(&mut self) {
        let columns = std::mem::take(&mut self.table_columns);
        for (id, (tag, start)) in std::mem::take(&mut self.tables).into_iter().enumerate() {
            let partners = columns.len() - 2;
            for (i, entry) in tag.rows().into_iter().enumerate() {
                let tuple = entry[..=partners].iter().copied().chain([id as u64]);
                for (column, value) in columns.iter().zip(tuple) {
                    self.set_fixed(*column, &[Span::row(start + i)], Fr::from(value));
                }
            }
        }
    }

    /// Closes the running sum and returns the program; `map[i]` is the final index of column `i`.
    pub fn finish(&mut self, name: String) -> (Program, Vec<Column>) {
        self.finish_regions();
        self.fill_tables();
        for (id, meaning, spans, body) in std::mem::take(&mut self.groups) {
            self.gate_on(&id, meaning, &spans, body);
        }
        let (sum, active) = (self.sum, self.active);
        let rows = self.active_rows();
        self.set_fixed(active, &[Span::run(0, rows)], Fr::ONE);
        let terms = std::mem::take(&mut self.sum_terms);
        self.gate(
            "sum_next",
            "the running sum takes up every equation's terms of the row",
            active.cur() * (sum.at(1) - sum.cur()) - terms.clone(),
        );
        let last = (1usize << self.plan.k) - 1;
        self.gate_on(
            "sum_ends",
            "the running sum starts and ends at zero",
            &[Span::row(rows - 1), Span::row(last)],
            sum.at(1),
        );
        self.steps.push(Step::Assign {
            column: sum,
            rows: Span::row(0),
            descending: false,
            value: Poly::zero(),
        });
        self.steps.push(Step::Assign {
            column: sum,
            rows: Span::run(1, rows),
            descending: false,
            value: sum.at(-1) + terms.shift(-1),
        });

        // Fixed columns first, then the phases; commitments follow this order.
        let phase = |k: Kind| match k {
            Kind::Fixed => 0,
            Kind::Input => 1,
            Kind::Output => 2,
            Kind::Weight => 3,
            Kind::Witness => 4,
            Kind::Second => 5,
        };
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|&i| phase(self.columns[i].kind));
        let mut map = vec![Column(0); order.len()];
        for (new, &old) in order.iter().enumerate() {
            map[old] = Column(new as u32);
        }
        let remap = |poly: &mut Poly| {
            for term in &mut poly.0 {
                for cell in &mut term.cells {
                    cell.column = map[cell.column.0 as usize];
                }
                term.cells.sort_unstable();
            }
        };
        for gate in &mut self.gates {
            remap(&mut gate.poly);
            gate.poly = std::mem::take(&mut gate.poly).normalized();
        }
        for step in &mut self.steps {
            match step {
                Step::Assign { column, value, .. } => {
                    *column = map[column.0 as usize];
                    remap(value);
                    *value = std::mem::take(value).normalized();
                }
                Step::Ratio {
                    column,
                    numerator,
                    denominator,
                    ..
                } => {
                    *column = map[column.0 as usize];
                    remap(numerator);
                    remap(denominator);
                    *numerator = std::mem::take(numerator).normalized();
                    *denominator = std::mem::take(denominator).normalized();
                }
            }
        }
        let n = 1usize << self.plan.k;
        let fixed = order
            .iter()
            .filter(|&&old| self.columns[old].kind == Kind::Fixed)
            .map(|&old| {
                let mut values = vec![Fr::ZERO; n];
                for (span, value) in self.fixed.remove(&(old as u32)).unwrap_or_default() {
                    for row in span.rows() {
                        values[row] = value;
                    }
                }
                values
            })
            .collect();
        let columns = order.iter().map(|&old| self.columns[old].clone()).collect();
        let program = Program {
            name,
            k: self.plan.k,
            columns,
            instances: self.instances,
            gates: std::mem::take(&mut self.gates),
            fixed,
            steps: std::mem::take(&mut self.steps),
            public: false,
        };
        program.check();
        (program, map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanozk_executor::spec::ACT_OUT_MAX;
    use nanozk_executor::tables::{MAX_ACT_FRAC, MIN_ACT_FRAC};

    /// The two tables of an activation, read as a circuit reads them, accept the same pairs: what a run accepts.
    #[test]
    fn activation_tables_agree() {
        for act in [Activation::GeluNew, Activation::Gelu, Activation::Relu] {
            for frac in MIN_ACT_FRAC..=MAX_ACT_FRAC {
                let direct = Tag::Activation(act, frac).rows();
                let segments = Tag::Segment(act, frac).rows();
                let table = ActivationTable::new(act, frac);
                for tag in [Tag::Activation(act, frac), Tag::Segment(act, frac)] {
                    assert_eq!(tag.rows().len(), tag.size());
                }
                for u in 0..1usize << 16 {
                    let [hi, a, b] = segments[u >> 6];
                    assert_eq!(hi, u as u64 >> 6);
                    assert!(a < 1 << 25 && b < 1 << 25);
                    let sum = a as i64 - SEGMENT_OFFSET
                        + (b as i64 - SEGMENT_OFFSET) * (u as i64 & 63)
                        + (1 << 7);
                    // Two limbs of 8 bits hold the output.
                    let out = (sum >> 8) + ACT_OUT_OFFSET;
                    let accepted = (0..1 << 16).contains(&out);
                    assert_eq!(accepted, table.eval(u as i64 - (1 << 15)) <= ACT_OUT_MAX);
                    assert_eq!(
                        direct.get(u).copied(),
                        accepted.then_some([u as u64, out as u64, 0])
                    );
                }
            }
        }
    }
}
