//! What a proof says is random: with challenges fixed, every scalar of a proof of a small program with all kinds of
//! statements can take any value, whatever the others are, by a choice of the masks.
//!
//! Commitments are hidden by a random coefficient each, and the opening by coefficients of its own (`nanozk-kzg`).

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::{Proof, Statement, commit_known, powers, prove};
use nanozk_circuit::{
    ColumnData, ColumnId, ColumnKind, Layout, Program, Registry, Role, Slot, Tensor, Values,
    Virtual, integer,
};
use nanozk_kzg::Basis;
use nanozk_transcript::{Malformed, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore, SeedableRng};

const K: u32 = 7;

/// Challenges that follow from nothing.
struct Fixed(ChaCha20Rng);

impl Transcript for Fixed {
    fn absorb_scalar(&mut self, _: &Fr) {}

    fn absorb_point(&mut self, _: &G1Affine) -> Result<(), Malformed> {
        Ok(())
    }

    fn squeeze(&mut self) -> Fr {
        Fr::random(&mut self.0)
    }
}

/// Random numbers of which one is another: the words of an element are drawn together.
struct Altered {
    inner: ChaCha20Rng,
    words: usize,
    altered: usize,
    by: u64,
}

impl Altered {
    fn new(altered: usize, by: u64) -> Self {
        Self {
            inner: ChaCha20Rng::from_seed([9; 32]),
            words: 0,
            altered,
            by,
        }
    }
}

/// Words that `Fr::random` takes.
const WORDS: usize = 8;

impl RngCore for Altered {
    fn next_u32(&mut self) -> u32 {
        unreachable!("field elements are drawn by words of 64 bits")
    }

    fn next_u64(&mut self) -> u64 {
        let word = self.inner.next_u64();
        let first = self.words == self.altered * WORDS;
        self.words += 1;
        // The lowest word of the integer that is reduced.
        if first {
            word.wrapping_add(self.by)
        } else {
            word
        }
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Altered {}

struct OneColumn;

impl Registry for OneColumn {
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        let number = indices.iter().fold(0, |n, i| n * 4 + i);
        Some((u32::from(tensor.name == "b"), number * 16))
    }
}

/// A product with rounding, a square, a lookup, a tensor that is not committed, a product without a sum, wires, and a view.
fn program() -> Program {
    let mut p = Program::new();
    let [t, i, o] = ["t", "i", "o"].map(|name| p.new_axis(name, 4));
    let (r4, r2) = (p.range(4), p.range(2));
    let table = p.new_table("cubes", 3, Some((0..8).map(|x| x * x * x).collect()));
    let x = p.new_tensor("x", &[i, t], Role::Limb { range: r4 });
    let w = p.new_tensor("w", &[i, o], Role::Weight { wide: false });
    let b = p.new_tensor("b", &[o], Role::Weight { wide: true });
    let y = p.new_tensor("y", &[o, t], Role::Limb { range: r4 });
    let rem = p.new_tensor("rem", &[o, t], Role::Limb { range: r2 });
    let q = p.new_tensor("q", &[t], Role::Witness);
    let key = p.new_tensor("key", &[o, t], Role::Key { table });
    let value = p.new_tensor("value", &[o, t], Role::Value { key });
    let [x_, w_, b_, y_, rem_, q_, key_, value_] =
        [x, w, b, y, rem, q, key, value].map(|id| p.use_of(id));
    p.zero(
        "product",
        &[o, t],
        x_.clone() * w_ + b_ - y_.clone() * 4 - rem_,
    );
    p.zero("square", &[t], y_.squared() - q_);
    let both = p.new_tensor(
        "both",
        &[o, t],
        Role::Virtual(Virtual {
            expression: key_ * y_,
        }),
    );
    let both_ = p.use_of(both);
    let sum = p.new_tensor("sum", &[t], Role::Witness);
    let sum_ = p.use_of(sum);
    p.zero("sum", &[t], value_ * both_ - sum_);
    // Each factor has an axis of its own, so that nothing need be summed over.
    let first = p.new_tensor("first", &[i], Role::Limb { range: r2 });
    let second = p.new_tensor("second", &[o], Role::Limb { range: r2 });
    let outer = p.new_tensor("outer", &[i, o], Role::Witness);
    let [first_, second_, outer_] = [first, second, outer].map(|id| p.use_of(id));
    p.zero("outer", &[i, o], first_ * second_ - outer_);
    let wires = p.new_tensor("wires", &[i], Role::Wire);
    let fixed = p.new_tensor("fixed", &[i], Role::Fixed);
    let product = p.new_tensor("product of wires", &[i], Role::Witness);
    let [wires_, fixed_, product_] = [wires, fixed, product].map(|id| p.use_of(id));
    p.zero("wires", &[i], wires_ * fixed_ - product_);
    let slots = [Slot::Powers(Fr::from(3)), Slot::Axis(t)];
    let view = p.new_view("view", x, Fr::from(5), &slots);
    let digits = p.new_tensor("digits", &[t], Role::Witness);
    let [view_, digits_] = [view, digits].map(|id| p.use_of(id));
    p.zero("digits", &[t], view_ - digits_);
    p
}

fn values<'a>(p: &'a Program, layout: &'a Layout) -> Values<'a> {
    let mut v = Values::new(p, layout, vec![]);
    let id = |name: &str| p.named(name).unwrap();
    let x = |i: usize, t: usize| (i * 3 + t) as i128 % 4;
    let w = |i: usize, o: usize| (i + o) as i128 % 3;
    let acc = |o: usize, t: usize| (0..4).map(|i| x(i, t) * w(i, o)).sum::<i128>() + o as i128;
    let y = |o, t| acc(o, t) >> 2;
    let key = |o: usize, t: usize| (o * 5 + t * 3) as i128 % 8;
    v.fill(id("x"), |a| x(a[0], a[1])).unwrap();
    v.fill(id("w"), |a| w(a[0], a[1])).unwrap();
    v.fill(id("b"), |a| a[0] as i128).unwrap();
    v.fill(id("y"), |a| y(a[0], a[1])).unwrap();
    v.fill(id("rem"), |a| acc(a[0], a[1]) & 3).unwrap();
    v.fill(id("q"), |a| (0..4).map(|o| y(o, a[0]).pow(2)).sum())
        .unwrap();
    v.fill(id("key"), |a| key(a[0], a[1])).unwrap();
    v.fill(id("sum"), |a| {
        (0..4).map(|o| key(o, a[0]).pow(4) * y(o, a[0])).sum()
    })
    .unwrap();
    v.fill(id("first"), |a| a[0] as i128).unwrap();
    v.fill(id("second"), |a| 3 - a[0] as i128).unwrap();
    v.fill(id("outer"), |a| a[0] as i128 * (3 - a[1] as i128))
        .unwrap();
    // The first wire is the second, the third is the fourth.
    let wire = |i: usize| 7 + i as i128 / 2;
    v.fill_field(id("wires"), |a| integer(wire(a[0])));
    v.fill_field(id("fixed"), |a| integer(a[0] as i128 + 1));
    v.fill_field(id("product of wires"), |a| {
        integer(wire(a[0]) * (a[0] as i128 + 1))
    });
    let permutation = ColumnData::U32(vec![1, 0, 3, 2].into());
    v.set_column(layout.copies[0].permutation, permutation);
    v.fill(id("digits"), |a| {
        5 * (0..4).rev().fold(0, |sum, i| 3 * sum + x(i, a[0]))
    })
    .unwrap();
    v.look_up().unwrap();
    p.check(&v).unwrap();
    v
}

struct Setting {
    program: Program,
    layout: Layout,
    basis: Basis,
}

impl Setting {
    fn prove(&self, rng: &mut Altered) -> Proof {
        let values = values(&self.program, &self.layout);
        let known = commit_known(&self.basis, &values);
        let statement = Statement {
            program: &self.program,
            layout: &self.layout,
            inputs: &[],
            known: &known,
        };
        let mut transcript = Fixed(ChaCha20Rng::from_seed([3; 32]));
        prove(
            &statement,
            values,
            &self.basis,
            rng,
            &mut transcript,
            |_| {},
        )
        .unwrap()
    }
}

/// The rank of a matrix.
fn rank(mut rows: Vec<Vec<Fr>>) -> usize {
    let width = rows.first().map_or(0, Vec::len);
    let mut rank = 0;
    for column in 0..width {
        let Some(pivot) = (rank..rows.len()).find(|r| rows[*r][column] != Fr::ZERO) else {
            continue;
        };
        rows.swap(rank, pivot);
        let inverse = rows[rank][column].invert().unwrap();
        let pivot = rows[rank].clone();
        for row in rows.iter_mut().skip(rank + 1) {
            let factor = row[column] * inverse;
            if factor != Fr::ZERO {
                for (cell, p) in row.iter_mut().zip(&pivot).skip(column) {
                    *cell -= factor * p;
                }
            }
        }
        rank += 1;
    }
    rank
}

fn setting() -> Setting {
    let program = program();
    let layout = Layout::new(&program, K, 2, &OneColumn).unwrap();
    let (bases, _) = nanozk_setup::development_powers(powers(K), nanozk_setup::DEVELOPMENT_SEED);
    Setting {
        program,
        layout,
        basis: Basis::new(&bases, 1).unwrap(),
    }
}

/// Random cells of the mask, then those of both columns that hide what is said of columns.
const CELLS: usize = (1 << K) + 2 * (2 * K as usize);

#[test]
fn every_scalar_is_random() {
    let setting = setting();
    let base = setting.prove(&mut Altered::new(usize::MAX / WORDS, 0));
    let scalars = base.scalars.len();
    let mut changes = Vec::new();
    for cell in 0..CELLS {
        let changed = setting.prove(&mut Altered::new(cell, 1));
        let difference: Vec<Fr> = changed
            .scalars
            .iter()
            .zip(&base.scalars)
            .map(|(a, b)| *a - b)
            .collect();
        changes.push(difference);
    }
    // What is public: values of columns of tables, and of permutations.
    let is_public = |kind| {
        matches!(
            kind,
            ColumnKind::TableValues(_) | ColumnKind::Permutation(_)
        )
    };
    let columns = setting.layout.columns().iter();
    let public = columns.filter(|c| is_public(c.kind)).count();
    assert_eq!(public, 2);
    assert_eq!(rank(changes), scalars - public);
}

/// Each commitment has a random coefficient of its own, which no scalar depends on; one has as many as the opening takes.
#[test]
fn every_commitment_is_random() {
    let setting = setting();
    let base = setting.prove(&mut Altered::new(usize::MAX / WORDS, 0));
    let is_known = |kind| {
        matches!(
            kind,
            ColumnKind::Weight(_)
                | ColumnKind::TableValues(_)
                | ColumnKind::Fixed(_)
                | ColumnKind::Permutation(_)
        )
    };
    let is_helper = |kind| matches!(kind, ColumnKind::Helper(_));
    let own: Vec<(ColumnId, ColumnKind)> = setting
        .layout
        .enumerate()
        .map(|(id, column)| (id, column.kind))
        .filter(|(_, kind)| !is_known(*kind))
        .collect();
    assert_eq!(base.points.len(), own.len());
    // Helpers are committed to after all others.
    let (second, first): (Vec<_>, Vec<_>) = own.iter().partition(|(_, kind)| is_helper(*kind));
    let order: Vec<ColumnId> = first.iter().chain(&second).map(|(id, _)| *id).collect();
    let mut drawn = CELLS;
    for (id, kind) in &own {
        let count = match kind {
            ColumnKind::Hiding(0) => nanozk_kzg::opening::hiding_coefficients(K as usize),
            _ => 1,
        };
        for _ in 0..count {
            let changed = setting.prove(&mut Altered::new(drawn, 1));
            drawn += 1;
            assert_eq!(changed.scalars, base.scalars);
            let points = changed.points.iter().zip(&base.points);
            let others: Vec<ColumnId> = order
                .iter()
                .zip(points)
                .filter(|(_, (a, b))| a != b)
                .map(|(id, _)| *id)
                .collect();
            assert_eq!(others, [*id], "{kind:?}");
        }
    }
}
