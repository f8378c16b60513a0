//! What prover and verifier compute of tensors, against the definitions.

use crate::claims::{Bound, Context, LinearClaim, Term, Vector};
use crate::pieces::Pieces;
use crate::prove::bind::Binder;
use crate::verify::next_level;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{
    At, AxisId, ColumnId, Factor, Layout, Operand, Point, Program, Public, Registry, Role, Slot,
    Tensor, TensorId, Values, integer, kernel,
};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;

struct Random(ChaCha8Rng);

impl Random {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u64() as usize % bound
    }

    fn field(&mut self) -> Fr {
        Fr::random(&mut self.0)
    }

    fn point(&mut self, bits: usize) -> Point {
        (0..bits).map(|_| self.field()).collect()
    }

    /// In another order.
    fn shuffled<T: Clone>(&mut self, list: &[T]) -> Vec<T> {
        let mut rest = list.to_vec();
        (0..list.len())
            .map(|_| rest.remove(self.below(rest.len())))
            .collect()
    }
}

/// Tiles of registered tensors anywhere, also upon each other, or nowhere.
struct Anywhere(BTreeMap<TileKey, Option<(u32, usize)>>);

/// The tensor's name, and the tile's number along each axis.
type TileKey = (String, Vec<usize>);

impl Registry for Anywhere {
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        self.0[&(tensor.name.clone(), indices.to_vec())]
    }
}

/// Axes in pairs of one shape, and tensors of all roles but virtual ones.
fn program(random: &mut Random) -> (Program, Vec<AxisId>, Vec<TensorId>) {
    let mut p = Program::new();
    let mut axes = Vec::new();
    for name in ["a", "b", "c"] {
        let len = [1_usize, 2, 3, 4, 5, 6, 8][random.below(7)];
        let tile_bits = random.below(len.trailing_zeros() as usize + 1) as u32;
        axes.push(p.new_tiled_axis(&format!("{name}0"), len, tile_bits));
        axes.push(p.new_tiled_axis(&format!("{name}1"), len, tile_bits));
    }
    let range = p.range(4);
    let mut tensors = Vec::new();
    for i in 0..6 {
        let count = random.below(4);
        let own: Vec<AxisId> = random.shuffled(&axes)[..count].to_vec();
        let cells: usize = own.iter().map(|a| p.axis(*a).len).product();
        let role = match i {
            0 => Role::Weight { wide: false },
            1 => Role::Weight { wide: true },
            2 => Role::Activation,
            3 => Role::Limb { range },
            4 => Role::Public(Public::Cells((0..cells).map(|_| random.field()).collect())),
            _ => Role::Witness,
        };
        tensors.push(p.new_tensor(&format!("t{i}"), &own, role));
    }
    tensors.extend(public(&mut p, &axes, random));
    for i in 0..2 {
        let of = tensors[[0, 1, 2, 3, 5][random.below(5)]];
        tensors.extend(view(&mut p, of, i, random));
    }
    (p, axes, tensors)
}

/// A view of a tensor that has axes: some kept, the others fixed, or summed over with powers.
fn view(p: &mut Program, of: TensorId, number: usize, random: &mut Random) -> Option<TensorId> {
    let axes = p.tensor(of).axes.clone();
    let slots: Vec<Slot> = axes
        .iter()
        .map(|id| match (random.below(3), p.axis(*id)) {
            (0, axis) => Slot::Index(random.below(axis.len)),
            (1, axis) if axis.is_full() => Slot::Powers(random.field()),
            _ => Slot::Axis(*id),
        })
        .collect();
    let weight = random.field();
    (!axes.is_empty()).then(|| p.new_view(&format!("view {number}"), of, weight, &slots))
}

/// Public inputs of programs.
fn inputs() -> Vec<Fr> {
    (0..10).map(|i| Fr::from(100 + i).square()).collect()
}

/// Public tensors that have a closed form for some of these axes.
fn public(p: &mut Program, axes: &[AxisId], random: &mut Random) -> Vec<TensorId> {
    let [a0, a1, b0, b1, c0, _] = *axes else {
        panic!("three pairs of axes")
    };
    let mut all = vec![
        ("less", vec![a0, a1], Public::Less),
        ("successor", vec![b0, b1], Public::Successor),
        ("index", vec![c0], Public::Index),
        ("input", vec![], Public::Input(random.below(10))),
        ("inputs", vec![c0], Public::Inputs(2)),
    ];
    let cell = Public::Cell {
        index: random.below(p.axis(c0).len),
        value: random.field(),
    };
    all.push(("cell", vec![c0], cell));
    let (len, other) = (p.axis(a0).len, p.axis(b0).len);
    all.push(match p.axis(b0).is_full() {
        true => {
            let bound = random.below(len * other + 1);
            ("below", vec![a0, b0], Public::Below(bound))
        }
        false => ("below", vec![a0], Public::Below(random.below(len + 1))),
    });
    let digits = [(a0, b0), (b0, c0), (c0, a0), (b0, a0), (c0, b0), (a0, c0)]
        .into_iter()
        .find_map(|(groups, numbers)| {
            let is_full = p.axis(numbers).is_full();
            let fits = |bits: &u32| p.axis(groups).len == (1 << bits) + 1 && is_full;
            let group_bits = (0..=p.axis(numbers).bits()).find(fits)?;
            let digits = Public::Digits {
                bits: 5,
                group_bits,
            };
            Some(("digits", vec![groups, numbers], digits))
        });
    all.extend(digits);
    all.into_iter()
        .map(|(name, own, public)| p.new_tensor(name, &own, Role::Public(public)))
        .collect()
}

fn layout(p: &Program, k: u32, random: &mut Random) -> Layout {
    let mut places = BTreeMap::new();
    for (id, tensor) in p.enumerate() {
        for tile in 0..p.tiles(id) {
            let size = 1 << p.tile_bits(id);
            let offset = random.below((1 << k) / size) * size;
            let place = (random.below(4) > 0).then_some((random.below(2) as u32, offset));
            places.insert((tensor.name.clone(), p.tile_indices(id, tile)), place);
        }
    }
    Layout::new(p, k, 2, &Anywhere(places)).unwrap()
}

fn filled<'a>(p: &'a Program, layout: &'a Layout, random: &mut Random) -> Values<'a> {
    let mut values = Values::new(p, layout, inputs());
    for (id, tensor) in p.enumerate() {
        let bound = if matches!(tensor.role, Role::Limb { .. }) {
            16
        } else {
            1 << 30
        };
        for at in indices(p, &tensor.axes) {
            values.set(id, &at, random.below(bound) as i128);
        }
    }
    values
}

/// All valid indices of axes.
fn indices(p: &Program, axes: &[AxisId]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![vec![]], |all, axis| {
        all.iter()
            .flat_map(|prefix: &Vec<usize>| {
                (0..p.axis(*axis).len).map(|i| [&prefix[..], &[i]].concat())
            })
            .collect()
    })
}

fn weight(at: &At, index: usize) -> Fr {
    match at {
        At::Point(point) => kernel::equal_index(point, index),
        At::Sum => Fr::ONE,
    }
}

/// A tensor at a point: a sum over all its cells.
fn tensor_at(values: &Values<'_>, tensor: TensorId, at: &[At]) -> Fr {
    let p = values.program();
    indices(p, &p.tensor(tensor).axes)
        .into_iter()
        .map(|i| {
            let weights = at.iter().zip(&i).map(|(at, i)| weight(at, *i));
            values.get(tensor, &i) * weights.product::<Fr>()
        })
        .sum()
}

fn terms_at(values: &Values<'_>, terms: &[Term]) -> Fr {
    let terms = terms.iter();
    terms
        .map(|t| t.weight * tensor_at(values, t.tensor, &t.at))
        .sum()
}

/// A factor at an index of its axes.
fn factor_of(values: &Values<'_>, factor: &Factor, at: &BTreeMap<AxisId, usize>) -> Fr {
    let terms = factor.terms.iter().map(|(coefficient, operand)| {
        let own: Vec<usize> = operand.axes.iter().map(|axis| at[axis]).collect();
        integer(*coefficient) * values.get(operand.tensor, &own)
    });
    integer(factor.constant) + terms.sum::<Fr>()
}

/// A factor of one or two tensors, some of their axes renamed.
fn factor(p: &Program, axes: &[AxisId], tensors: &[TensorId], random: &mut Random) -> Factor {
    let count = 1 + random.below(2);
    let terms = (0..count).map(|_| {
        let tensor = tensors[random.below(tensors.len())];
        let rename = random.below(2) == 0;
        let twin = |axis: &AxisId| {
            let place = axes.iter().position(|a| a == axis).unwrap();
            if rename { axes[place ^ 1] } else { *axis }
        };
        let operand = Operand {
            tensor,
            axes: p.tensor(tensor).axes.iter().map(twin).collect(),
        };
        (random.below(9) as i128 - 4, operand)
    });
    let terms = terms.collect();
    Factor {
        terms,
        constant: random.below(3) as i128,
    }
}

/// A factor with some axes fixed at points, some summed over, and the others.
fn bound(p: &Program, factor: Factor, random: &mut Random) -> (Bound, Vec<AxisId>) {
    let (mut at, mut kept) = (BTreeMap::new(), Vec::new());
    for axis in factor.axes() {
        match random.below(3) {
            0 => {
                at.insert(axis, At::Point(random.point(p.axis(axis).bits() as usize)));
            }
            1 => {
                at.insert(axis, At::Sum);
            }
            _ => kept.push(axis),
        }
    }
    (Bound { factor, at }, kept)
}

/// Indices of a cube of axes, the first moving fastest; none where one of them is not valid.
fn corners(p: &Program, axes: &[AxisId]) -> Vec<Option<BTreeMap<AxisId, usize>>> {
    axes.iter().fold(vec![Some(BTreeMap::new())], |all, axis| {
        (0..p.axis(*axis).cube())
            .flat_map(|i| {
                all.iter().map(move |corner| {
                    let mut corner = corner.clone().filter(|_| i < p.axis(*axis).len)?;
                    corner.insert(*axis, i);
                    Some(corner)
                })
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn bound_factors_are_what_they_are_by_definition(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let (p, axes, tensors) = program(&mut random);
        let layout = layout(&p, 9, &mut random);
        let values = filled(&p, &layout, &mut random);
        let context = Context { program: &p, inputs: &inputs() };
        let binder = Binder { context, values: &values };
        let mut parts = Vec::new();
        let mut summed = Vec::new();
        for _ in 0..2 {
            let (bound, kept) = bound(&p, factor(&p, &axes, &tensors, &mut random), &mut random);
            let kept = random.shuffled(&kept);
            let fixed: Vec<AxisId> = bound.at.keys().copied().collect();
            let expected: Vec<Fr> = corners(&p, &kept)
                .into_iter()
                .map(|corner| {
                    let Some(corner) = corner else { return Fr::ZERO };
                    let all = indices(&p, &fixed).into_iter().map(|at| {
                        let mut here = corner.clone();
                        here.extend(fixed.iter().copied().zip(at.iter().copied()));
                        let weights = fixed.iter().zip(&at).map(|(a, i)| weight(&bound.at[a], *i));
                        factor_of(&values, &bound.factor, &here) * weights.product::<Fr>()
                    });
                    all.sum()
                })
                .collect();
            prop_assert_eq!(binder.bound(&bound, &kept), expected);
            summed.extend(kept);
            parts.push((random.field(), bound));
        }
        // A vector of both at a point, as the verifier has it.
        summed.sort_unstable();
        summed.dedup();
        // An axis that is kept in one part and fixed in the other is fixed there.
        let vector = Vector { summed, parts };
        let point = random.point(context.variables(&vector.summed));
        let fixed_elsewhere = vector
            .parts
            .iter()
            .any(|(_, bound)| bound.at.keys().any(|axis| vector.summed.contains(axis)));
        if !fixed_elsewhere {
            let table = binder.vector(&vector);
            let extension = kernel::cells(&table, &point);
            let (terms, constant) = context.vector_at(&vector, &point);
            prop_assert_eq!(terms_at(&values, &terms) + constant, extension);
        }
    }

    #[test]
    fn pieces_are_what_they_are_by_definition(seed in any::<u64>(), k in 6_u32..13) {
        let mut random = Random::new(seed);
        let (p, _, tensors) = program(&mut random);
        // Tiles of three axes may be larger than a column of the fewest variables.
        prop_assume!(tensors.iter().all(|t| p.tile_bits(*t) <= k));
        let layout = layout(&p, k, &mut random);
        let committed: Vec<TensorId> = tensors
            .into_iter()
            .filter(|t| p.tensor(*t).is_committed())
            .collect();
        let mut pieces = Pieces::default();
        let mut kernels: BTreeMap<ColumnId, Vec<Fr>> = BTreeMap::new();
        let mut value = Fr::ZERO;
        let mut before: Option<Term> = None;
        for _ in 0..3 {
            let by = random.field();
            let mut terms: Vec<Term> = (0..2)
                .map(|_| {
                    let tensor = committed[random.below(committed.len())];
                    let at = p
                        .axes_of(tensor)
                        .map(|axis| match random.below(3) {
                            0 => At::Sum,
                            _ => At::Point(random.point(axis.bits() as usize)),
                        })
                        .collect();
                    Term { weight: random.field(), tensor, at }
                })
                .collect();
            // Another claim about the same tensor at the same point.
            terms.extend(before.take().map(|term| Term { weight: random.field(), ..term }));
            before = terms.first().cloned();
            for term in &terms {
                for at in indices(&p, &p.tensor(term.tensor).axes) {
                    let (mut tile, mut cell) = (0, 0);
                    for (axis, i) in p.axes_of(term.tensor).zip(&at) {
                        tile = tile * axis.tiles() + i / axis.tile();
                        cell = cell * axis.tile() + i % axis.tile();
                    }
                    let Some(place) = layout.places(term.tensor)[tile] else { continue };
                    let weights = term.at.iter().zip(&at).map(|(at, i)| weight(at, *i));
                    let kernel = kernels
                        .entry(place.column)
                        .or_insert_with(|| vec![Fr::ZERO; 1 << k]);
                    kernel[place.offset + cell] += by * term.weight * weights.product::<Fr>();
                }
            }
            let cells: Vec<(usize, Fr)> = [1, 5, 6].map(|cell| (cell, random.field())).to_vec();
            let mask = kernels
                .entry(layout.mask)
                .or_insert_with(|| vec![Fr::ZERO; 1 << k]);
            for (cell, factor) in &cells {
                mask[*cell] += by * factor;
            }
            let claim = LinearClaim {
                value: random.field(),
                terms,
                cells,
            };
            value += by * claim.value;
            pieces.add(&p, &claim, by);
        }
        // A column at a point, and the sum of its cells.
        let (column, point, by) = (ids(&layout)[0], random.point(k as usize), random.field());
        let own = kernels.entry(column).or_insert_with(|| vec![Fr::ZERO; 1 << k]);
        for (cell, weight) in own.iter_mut().zip(kernel::equal_table(&point)) {
            *cell += by * weight + by;
        }
        pieces.add_column(column, &point, by, Fr::from(9));
        pieces.add_sum(column, k, by);
        value += by * Fr::from(9);
        prop_assert_eq!(pieces.value, value);
        let z = random.point(k as usize);
        let factors = pieces.factors(&layout, &z);
        for (column, _) in layout.enumerate() {
            let expected = kernels.get(&column).map_or(Fr::ZERO, |own| kernel::cells(own, &z));
            let got = factors.get(&column).copied().unwrap_or(Fr::ZERO);
            prop_assert_eq!(got, expected);
        }
    }
}

fn ids(layout: &Layout) -> Vec<ColumnId> {
    layout.enumerate().map(|(id, _)| id).collect()
}

/// Claims of one level have different weights in the next.
#[test]
fn claims_are_told_apart_by_powers() {
    let mut p = Program::new();
    let x = p.new_tensor("x", &[], Role::Witness);
    let context = Context {
        program: &p,
        inputs: &[],
    };
    let claims: Vec<LinearClaim> = (0..3)
        .map(|i| LinearClaim {
            value: Fr::from(10 + i),
            terms: vec![Term {
                weight: Fr::from(5),
                tensor: x,
                at: vec![],
            }],
            cells: vec![(2, Fr::from(3))],
        })
        .collect();
    let c = Fr::from(7);
    let (level, value) = next_level(&context, &claims, c);
    let weights: Vec<Fr> = level.linear.iter().map(|term| term.weight).collect();
    assert_eq!(weights, [5, 35, 245].map(Fr::from));
    assert_eq!(value, Fr::from(10 + 11 * 7 + 12 * 49));
    let cells = [3, 21, 147].map(|factor| (2, Fr::from(factor)));
    assert_eq!(level.cells, cells);
}
