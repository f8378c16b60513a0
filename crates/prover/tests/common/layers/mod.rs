//! Small layers with an honest witness whose cells can be changed.

#![allow(dead_code, unreachable_pub, unused_imports)]

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuits::attention::Attention;
use nanozk_circuits::composer::{Limbs, Spot};
use nanozk_circuits::ir::{Column, Kind, Program};
use nanozk_circuits::mlp::Mlp;
use nanozk_circuits::norm::{Norm, Wide};
use nanozk_circuits::region::{Matrix, X_OFFSET};
use nanozk_circuits::{Layer, LayerKind, LayerTrace, LayerWeights};
use nanozk_executor::trace::{attention_trace, mlp_trace};
use nanozk_executor::{AttentionTrace, MlpTrace, QuantizedLayer};
use nanozk_prover::check::{random_challenges, violations};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

mod follow;
mod norm;
mod setting;
mod softmax;

pub use norm::NormRow;
pub use setting::*;
pub use softmax::SoftRow;

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Quotient and remainder of a rounded division by a power of two.
pub fn round(acc: i128, shift: u32) -> (i128, i128) {
    let biased = acc + (1 << (shift - 1));
    (biased >> shift, biased & ((1 << shift) - 1))
}

/// A signed integer as a field element.
pub fn int(v: i128) -> Fr {
    nanozk_circuits::witness::fr(v)
}

/// The integer below 2^127 that a cell holds.
pub fn number(v: Fr) -> i128 {
    let bytes = v.to_repr();
    let (low, high) = bytes.as_ref().split_at(16);
    assert!(high.iter().all(|b| *b == 0), "{v:?} is no small integer");
    i128::from_le_bytes(low.try_into().expect("sixteen bytes"))
}

/// A layer with a witness, honest until changed. In a block, `half` is the half that helpers refer to.
#[derive(Clone)]
pub struct Case {
    pub setting: Setting,
    pub layer: Arc<Layer>,
    pub weights: Arc<QuantizedLayer>,
    pub half: LayerKind,
    pub attention: Arc<AttentionTrace>,
    pub mlp: Arc<MlpTrace>,
    pub first: Vec<Vec<Fr>>,
    pub instances: Vec<Fr>,
    names: Arc<HashMap<String, usize>>,
}

impl Case {
    pub fn new(setting: Setting, kind: LayerKind) -> Self {
        let layer = Layer::new(setting.shape(kind)).expect("it fits");
        let (weights, spec, input) = (setting.weights(), setting.spec(), setting.input());
        let attention = attention_trace(&weights, &spec, setting.heads, &input).expect("it runs");
        let middle = if kind == LayerKind::Block {
            &attention.output
        } else {
            &input
        };
        let mlp = mlp_trace(&weights, &spec, middle).expect("it runs");
        let trace = match kind {
            LayerKind::Attention => LayerTrace::Attention(&attention),
            LayerKind::Mlp => LayerTrace::Mlp(&mlp),
            _ => LayerTrace::Block(&attention, &mlp),
        };
        let first = first_phase(&layer, &weights, trace, setting.seed);
        let program = &layer.program;
        let columns = program.first_phase().into_iter().enumerate();
        let names = columns
            .map(|(i, c)| (program.info(c).name.clone(), i))
            .collect();
        let half = if kind == LayerKind::Block {
            LayerKind::Attention
        } else {
            kind
        };
        Case {
            setting,
            weights: weights.into(),
            half,
            attention: attention.into(),
            mlp: mlp.into(),
            first,
            instances: vec![Fr::from(3), Fr::from(4)],
            names: Arc::new(names),
            layer: layer.into(),
        }
    }

    /// The same witness, of which helpers refer to another half.
    pub fn half(&self, half: LayerKind) -> Self {
        Case {
            half,
            ..self.clone()
        }
    }

    pub fn program(&self) -> &Program {
        &self.layer.program
    }

    pub fn n(&self) -> usize {
        self.setting.tokens
    }

    pub fn att(&self) -> &Attention {
        self.layer.attention().expect("there is attention")
    }

    pub fn ffn(&self) -> &Mlp {
        self.layer.mlp().expect("there is an MLP")
    }

    pub fn norm(&self) -> &Norm {
        if self.half == LayerKind::Mlp {
            &self.ffn().norm
        } else {
            &self.att().norm
        }
    }

    pub fn matrices(&self) -> [&Matrix; 2] {
        if self.half == LayerKind::Mlp {
            self.ffn().matrices()
        } else {
            self.att().matrices()
        }
    }

    fn whole(&self) -> bool {
        self.layer.shape.kind == LayerKind::Block
    }

    pub fn input(&self) -> &'static str {
        if self.whole() && self.half == LayerKind::Mlp {
            "middle"
        } else {
            "input"
        }
    }

    pub fn output(&self) -> &'static str {
        if self.whole() && self.half == LayerKind::Attention {
            "middle"
        } else {
            "output"
        }
    }

    /// The id of a gate of this half.
    pub fn id(&self, id: &str) -> String {
        let scope = if self.half == LayerKind::Mlp {
            "mlp"
        } else {
            "attention"
        };
        let scoped = format!("{scope}.{id}");
        if self.program().gates.iter().any(|g| g.id == scoped) {
            scoped
        } else {
            id.into()
        }
    }

    pub fn index(&self, column: &str) -> usize {
        self.names[column]
    }

    pub fn column(&self, name: &str) -> Column {
        self.program().first_phase()[self.index(name)]
    }

    pub fn get(&self, column: &str, row: usize) -> Fr {
        self.first[self.index(column)][row]
    }

    pub fn set(&mut self, column: &str, row: usize, value: Fr) {
        let index = self.index(column);
        self.first[index][row] = value;
    }

    pub fn add(&mut self, column: &str, row: usize, by: i128) {
        self.set(column, row, self.get(column, row) + int(by));
    }

    pub fn spot(&self, spot: Spot, row: usize) -> i128 {
        number(self.get(&lane(spot.lane), row + spot.offset))
    }

    pub fn put_spot(&mut self, spot: Spot, row: usize, value: i128) {
        self.set(&lane(spot.lane), row + spot.offset, int(value));
    }

    pub fn limbs(&self, limbs: &Limbs, row: usize) -> i128 {
        limbs
            .0
            .iter()
            .map(|(spot, shift)| self.spot(*spot, row) << shift)
            .sum()
    }

    /// Writes limbs whose sum is the value; what no limb can hold, sign included, is in the last.
    pub fn put(&mut self, limbs: &Limbs, row: usize, value: i128) {
        let mask = (1 << self.setting.plan.limb) - 1;
        for (i, (spot, shift)) in limbs.0.iter().enumerate() {
            let rest = value >> shift;
            self.put_spot(
                *spot,
                row,
                if i + 1 == limbs.0.len() {
                    rest
                } else {
                    rest & mask
                },
            );
        }
    }

    /// Rows of a wide number at a position, and the number of limbs in each.
    pub fn wide_rows(&self, wide: Wide, t: usize) -> Vec<(usize, usize)> {
        let lanes = self.setting.plan.lanes;
        let rows = wide.limbs.div_ceil(lanes);
        let count = |row| {
            if row == 0 {
                wide.limbs - lanes * (rows - 1)
            } else {
                lanes
            }
        };
        (0..rows)
            .map(|row| (wide.base + row * self.n() + t, count(row)))
            .collect()
    }

    /// As [`Case::put`], for a wide number.
    pub fn put_wide(&mut self, wide: Wide, t: usize, value: i128) {
        let limb = self.setting.plan.limb as usize;
        let mut left = wide.limbs;
        for (block, (row, count)) in self.wide_rows(wide, t).into_iter().enumerate() {
            left -= count;
            let above = value >> (left * limb).min(127);
            for j in 0..count {
                let rest = above >> (j * limb);
                let top = block == 0 && j + 1 == count;
                let value = if top { rest } else { rest & ((1 << limb) - 1) };
                self.put_spot(Spot { lane: j, offset: 0 }, row, value);
            }
            self.set("aux", row, int(above));
        }
    }

    /// Sets the input `i` of a matrix product at a position.
    pub fn put_x(&mut self, row: usize, value: i64) {
        self.set("x", row, int((value + X_OFFSET).into()));
    }

    /// Counts multiplicities anew, as well as it can be done: what is in no table is not counted.
    pub fn recount(&mut self) {
        let layer = self.layer.clone();
        let index = layer.lookups().expect("there are lookups");
        let mut counts = vec![0u64; self.program().rows()];
        for lane in 0..self.setting.plan.lanes {
            let column = &self.first[self.names[&format!("lane {lane}")]];
            for (row, value) in column.iter().enumerate().take(index.active) {
                let tag = if lane == 0 {
                    index.tag_of_row[row] as usize
                } else {
                    0
                };
                let (start, len) = index.tables[tag];
                let repr = value.to_repr();
                let bytes = repr.as_ref();
                if bytes[4..].iter().all(|b| *b == 0) {
                    let value =
                        u32::from_le_bytes(bytes[..4].try_into().expect("four bytes")) as usize;
                    if value < len {
                        counts[start + value] += 1;
                    }
                }
            }
        }
        let multiplicity = self.index("multiplicity");
        self.first[multiplicity] = counts.into_iter().map(Fr::from).collect();
    }

    /// Ids of the gates that fail, whatever the challenges.
    pub fn violations(&self) -> BTreeSet<String> {
        let all = violations(
            self.program(),
            self.first.clone(),
            &self.instances,
            &random_challenges(),
        );
        all.into_iter().map(|v| v.gate).collect()
    }

    /// Rows on which a gate has a selector.
    pub fn rows_of(&self, id: &str) -> Vec<usize> {
        rows_of(self.program(), id)
    }
}

pub fn lane(lane: usize) -> String {
    format!("lane {lane}")
}

/// Rows on which a term of a gate has fixed factors that are not zero.
pub fn rows_of(program: &Program, id: &str) -> Vec<usize> {
    let gate = program
        .gates
        .iter()
        .find(|g| g.id == id)
        .expect("the gate exists");
    let fixed = |row: usize| {
        gate.poly.0.iter().any(|t| {
            t.cells.iter().all(|c| {
                let at = (row as i64 + i64::from(c.rotation)).rem_euclid(program.rows() as i64);
                program
                    .fixed
                    .get(c.column.0 as usize)
                    .is_none_or(|v| !v[at as usize].is_zero_vartime())
            })
        })
    };
    (0..program.usable()).filter(|row| fixed(*row)).collect()
}

/// The first phase of a trace, weights and blinding included.
pub fn first_phase(
    layer: &Layer,
    weights: &QuantizedLayer,
    trace: LayerTrace<'_>,
    seed: u64,
) -> Vec<Vec<Fr>> {
    let mut rng = rng(seed);
    let mut first = layer
        .witness(trace, || rng.next_u64())
        .expect("all values are in their tables");
    let mut weights = layer.weights(LayerWeights::Block(weights)).into_iter();
    let program = &layer.program;
    for (column, values) in program.first_phase().into_iter().zip(&mut first) {
        let kind = program.info(column).kind;
        if kind == Kind::Weight {
            *values = weights.next().expect("as many as columns");
        }
        if kind != Kind::Witness {
            values[program.usable()..].fill_with(|| Fr::random(&mut rng));
        }
    }
    first
}

/// Ids of a program's gates.
pub fn ids(program: &Program) -> BTreeSet<String> {
    program.gates.iter().map(|g| g.id.clone()).collect()
}
