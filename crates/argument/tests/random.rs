//! Random programs: a proof is accepted if, and only if, the program holds for its values.

mod common;

use common::*;
use halo2curves::bn256::Fr;
use nanozk_argument::{Error, check_hiding};
use nanozk_circuit::{
    AxisId, ColumnData, ColumnKind, Expression, Factor, Failure, Layout, Program, Public, Role,
    Slot, TableId, TensorId, Values, Virtual,
};
use nanozk_transcript::KeccakTranscript;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;

struct Random(ChaCha8Rng);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u64() as usize % bound
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// In another order.
    fn shuffled<T: Clone>(&mut self, list: &[T]) -> Vec<T> {
        let mut rest = list.to_vec();
        (0..list.len())
            .map(|_| rest.remove(self.below(rest.len())))
            .collect()
    }

    /// Some of a list, in random order.
    fn some<T: Clone>(&mut self, list: &[T], at_most: usize) -> Vec<T> {
        let mut rest = list.to_vec();
        let count = self.below(at_most.min(list.len()) + 1);
        (0..count)
            .map(|_| rest.remove(self.below(rest.len())))
            .collect()
    }
}

/// A view of one of some tensors that is committed: some axes kept, others fixed, or summed over with powers.
fn view(
    p: &mut Program,
    random: &mut Random,
    tensors: &[TensorId],
    number: usize,
) -> Option<TensorId> {
    let committed: Vec<TensorId> = tensors
        .iter()
        .copied()
        .filter(|id| p.tensor(*id).is_committed())
        .collect();
    let of = random.pick(&committed);
    let axes = p.tensor(of).axes.clone();
    let slots: Vec<Slot> = axes
        .iter()
        .map(|id| match (random.below(3), p.axis(*id)) {
            (0, axis) => Slot::Index(random.below(axis.len)),
            (1, axis) if axis.is_full() => Slot::Powers(Fr::from(random.0.next_u64())),
            _ => Slot::Axis(*id),
        })
        .collect();
    let weight = Fr::from(random.0.next_u64());
    (!axes.is_empty()).then(|| p.new_view(&format!("view {number}"), of, weight, &slots))
}

/// A program, and what its tensors are to be filled with.
struct Case {
    program: Program,
    /// Tensors of the prover that an identity determines, with what they are.
    defined: Vec<(TensorId, Expression)>,
    random: Random,
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
        let mut p = Program::new();
        // Each shape twice, so that tensors can be used with other axes.
        let mut axes = Vec::new();
        for name in ["a", "b"] {
            let len = [1_usize, 2, 3, 4, 6][random.below(5)];
            let tile_bits = random.below(len.trailing_zeros() as usize + 1) as u32;
            for i in 0..2 {
                axes.push(p.new_tiled_axis(&format!("{name}{i}"), len, tile_bits));
            }
        }
        let full =
            [0, 1].map(|i| p.new_tiled_axis(&format!("full {i}"), 2, random.below(2) as u32));
        let lens: Vec<usize> = axes.iter().map(|a| p.axis(*a).len).collect();
        let tables: Vec<TableId> = [2, 3]
            .map(|bits| {
                let values = (0..1 << bits)
                    .map(|_| random.below(1000) as u16 + 1)
                    .collect();
                p.new_table(&format!("table {bits}"), bits, Some(values))
            })
            .to_vec();
        let (small, large) = (p.range(2), p.range(4));
        let mut tensors = Vec::new();
        #[allow(clippy::needless_range_loop)]
        for i in 0..8 {
            let own = random.some(&axes, 2);
            let name = format!("t{i}");
            let role = match i {
                0 => Role::Limb { range: small },
                1 => Role::Limb { range: large },
                2 => Role::Key {
                    table: random.pick(&tables),
                },
                3 => Role::Weight {
                    wide: random.below(2) == 0,
                },
                4 => Role::Activation,
                5 => {
                    let lens = own
                        .iter()
                        .map(|a| lens[axes.iter().position(|b| a == b).unwrap()]);
                    let cells = lens.product();
                    let cells = (0..cells).map(|_| Fr::from(random.0.next_u64())).collect();
                    Role::Public(Public::Cells(cells))
                }
                _ => Role::Witness,
            };
            let key = p.new_tensor(&name, &own, role);
            tensors.push(key);
            if i == 2 {
                tensors.push(p.new_tensor("value", &own, Role::Value { key }));
            }
        }
        // Wires, of which all may be equal, and elements of a key.
        for (name, role) in [("wires", Role::Wire), ("fixed", Role::Fixed)] {
            let own = random.some(&axes, 2);
            tensors.push(p.new_tensor(name, &own, role));
        }
        for i in 0..3 {
            if let Some(view) = view(&mut p, &mut random, &tensors, i) {
                tensors.push(view);
            }
        }
        let public = random.pick(&[Public::Less, Public::Successor]);
        tensors.push(p.new_tensor("pairs", &full, Role::Public(public)));
        tensors.push(p.new_tensor("index", &full[..1], Role::Public(Public::Index)));
        let cell = Public::Cell {
            index: random.below(2),
            value: Fr::from(random.0.next_u64()),
        };
        tensors.push(p.new_tensor("cell", &full[1..], Role::Public(cell)));
        tensors.push(p.new_tensor("input", &[], Role::Public(Public::Input(0))));
        tensors.push(p.new_tensor("inputs", &full[..1], Role::Public(Public::Inputs(1))));
        axes.extend(full);
        let mut case = Self {
            program: p,
            defined: Vec::new(),
            random,
        };
        for i in 0..5 {
            let expression = case.expression(&tensors);
            let free = case.random.some(&axes, 2);
            let name = format!("d{i}");
            // The first of them may be virtual.
            let id = if i < 2 && case.random.below(2) == 0 {
                let role = Role::Virtual(Virtual { expression });
                case.program.new_tensor(&name, &free, role)
            } else {
                let id = case.program.new_tensor(&name, &free, Role::Witness);
                let difference = case.program.use_of(id) - expression.clone();
                case.program.zero(&name, &free, difference);
                case.defined.push((id, expression));
                id
            };
            tensors.push(id);
        }
        // At least one that is committed follows from everything.
        let all = tensors
            .iter()
            .fold(Expression::from(1), |sum, t| sum + case.used(*t));
        let id = case.program.new_tensor("all", &[], Role::Witness);
        let difference = case.program.use_of(id) - all.clone();
        case.program.zero("all", &[], difference);
        case.defined.push((id, all));
        case
    }

    /// A tensor with its axes or others of the same shape.
    fn used(&mut self, tensor: TensorId) -> Expression {
        let declared = self.program.tensor(tensor).axes.clone();
        let other = |axis: &AxisId| {
            let name = &self.program.axis(*axis).name;
            let twin = match name.split_at(name.len() - 1) {
                (stem, "0") => format!("{stem}1"),
                (stem, _) => format!("{stem}0"),
            };
            let found = self
                .program
                .axes()
                .iter()
                .position(|a| a.name == twin)
                .unwrap();
            // Ids are in order of declaration.
            let ids = self.program.enumerate().flat_map(|(_, t)| t.axes.iter());
            ids.copied().find(|id| id.index() == found)
        };
        let twins: Option<Vec<AxisId>> = declared.iter().map(other).collect();
        let same = |a: &[AxisId]| {
            a.iter().zip(&declared).all(|(a, d)| {
                let (a, d) = (self.program.axis(*a), self.program.axis(*d));
                (a.len, a.tile_bits) == (d.len, d.tile_bits)
            })
        };
        match twins.filter(|t| same(t)) {
            Some(twins) if self.random.below(3) == 0 => self.program.use_at(tensor, &twins),
            _ => self.program.use_at(tensor, &declared),
        }
    }

    fn factor(&mut self, tensors: &[TensorId]) -> Expression {
        let mut sum = Expression::from(self.random.below(5) as i128 - 2);
        for _ in 0..1 + self.random.below(2) {
            let tensor = self.random.pick(tensors);
            sum = sum + self.used(tensor) * (self.random.below(9) as i128 - 4);
        }
        sum
    }

    fn expression(&mut self, tensors: &[TensorId]) -> Expression {
        let mut sum = Expression::from(self.random.below(5) as i128 - 2);
        for _ in 0..1 + self.random.below(2) {
            let mut product = self.factor(tensors);
            for _ in 0..self.random.below(3) {
                product = product * self.factor(tensors);
            }
            sum = sum + product;
        }
        sum
    }

    /// Values for which the program holds.
    fn values<'a>(&'a self, layout: &'a Layout, seed: u64) -> Values<'a> {
        let p = &self.program;
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
        let inputs = (0..3).map(|_| Fr::from(random.0.next_u64())).collect();
        let mut values = Values::new(p, layout, inputs);
        let wire = random.below(1 << 30) as i128;
        for (id, tensor) in p.enumerate() {
            if self.defined.iter().any(|(defined, _)| *defined == id) {
                continue;
            }
            let bound = match tensor.role {
                Role::Limb { range } => 1 << p.tables()[range.index()].bits,
                Role::Key { table } => 1 << p.tables()[table.index()].bits,
                Role::Public(_) | Role::Virtual(_) | Role::View(_) | Role::Value { .. } => continue,
                _ => 1 << 30,
            };
            for indices in indices(p, &tensor.axes) {
                let value = match tensor.role {
                    Role::Wire => wire,
                    _ => random.below(bound) as i128,
                };
                assert!(values.set(id, &indices, value));
            }
        }
        for lane in &layout.copies {
            let rest: Vec<u32> = (0..lane.rows as u32).collect();
            let numbers = random.shuffled(&rest);
            values.set_column(lane.permutation, ColumnData::U32(numbers.into()));
            // A column of zeros has no commitment otherwise.
            values.set_tail(lane.permutation, vec![Fr::from(seed)]);
        }
        values.look_up().unwrap();
        for (id, expression) in &self.defined {
            let axes = p.tensor(*id).axes.clone();
            let cells: BTreeMap<Vec<usize>, Fr> = indices(p, &axes)
                .into_iter()
                .map(|at| {
                    let fixed = axes.iter().copied().zip(at.clone()).collect();
                    (at, evaluate(&values, expression, &fixed))
                })
                .collect();
            values.fill_field(*id, |at| cells[at]);
        }
        // Columns of a single row have no opening: something in another one, where no tensor is.
        let (last, _) = values
            .kinds()
            .filter(|(_, kind)| matches!(kind, ColumnKind::Witness(_)))
            .last()
            .unwrap();
        let rows = layout.rows();
        if values.column(last).len() < rows {
            values.column_mut(last).set_field(rows - 1, Fr::from(seed));
        }
        values
    }
}

/// All indices of axes.
fn indices(p: &Program, axes: &[AxisId]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![vec![]], |all, axis| {
        all.iter()
            .flat_map(|prefix: &Vec<usize>| {
                (0..p.axis(*axis).len).map(|i| [&prefix[..], &[i]].concat())
            })
            .collect()
    })
}

fn field(x: i128) -> Fr {
    nanozk_circuit::integer(x)
}

/// What an expression says, by its definition.
fn evaluate(values: &Values<'_>, e: &Expression, fixed: &BTreeMap<AxisId, usize>) -> Fr {
    let p = values.program();
    e.products
        .iter()
        .map(|product| {
            let mut summed = product.axes();
            summed.retain(|axis| !fixed.contains_key(axis));
            let sum: Fr = indices(p, &summed)
                .into_iter()
                .map(|at| {
                    let mut all = fixed.clone();
                    all.extend(summed.iter().copied().zip(at));
                    let factors = product.factors.iter();
                    factors
                        .map(|f| evaluate_factor(values, f, &all))
                        .product::<Fr>()
                })
                .sum();
            sum * field(product.coefficient)
        })
        .sum()
}

fn evaluate_factor(values: &Values<'_>, f: &Factor, all: &BTreeMap<AxisId, usize>) -> Fr {
    let p = values.program();
    let terms = f.terms.iter().map(|(coefficient, operand)| {
        let at: Vec<usize> = operand.axes.iter().map(|axis| all[axis]).collect();
        let tensor = p.tensor(operand.tensor);
        let value = match &tensor.role {
            Role::Virtual(v) => {
                let fixed = tensor.axes.iter().copied().zip(at).collect();
                evaluate(values, &v.expression, &fixed)
            }
            _ => values.get(operand.tensor, &at),
        };
        value * field(*coefficient)
    });
    field(f.constant) + terms.sum::<Fr>()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4,
        // Programs of other seeds are not simpler.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn proofs_are_accepted_if_and_only_if_programs_hold(
        seed in 0..u64::MAX / 2,
        k in 7_u32..=9,
        fractions in 1_usize..5,
    ) {
        let case = Case::new(seed);
        let layout = Layout::new(&case.program, k, fractions, &Packed::new(&case.program, k)).unwrap();
        let honest = case.values(&layout, seed);
        prop_assert_eq!(case.program.check(&honest), Ok(()));
        // A product without variables is refused, and more messages than masks.
        let known = known(&honest);
        let first = forged(&known, honest.clone(), KeccakTranscript::new(), |_, _, _| {});
        let unhidden = match first {
            Err(e @ (Error::Unhidden | Error::Masks { .. })) => Some(e),
            _ => None,
        };
        prop_assert_eq!(check_hiding(&case.program, &layout).is_err(), unhidden.is_some());
        prop_assume!(unhidden.is_none());
        prop_assert!(proves(honest.clone()), "honest");

        // A cell of a committed tensor changed, by something that its type and table allow.
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed + u64::from(k)));
        let committed: Vec<TensorId> = case
            .program
            .enumerate()
            .filter(|(_, tensor)| tensor.is_committed())
            .map(|(id, _)| id)
            .collect();
        for _ in 0..3 {
            let id = random.pick(&committed);
            let tensor = case.program.tensor(id);
            let at = random.pick(&indices(&case.program, &tensor.axes));
            let mut changed = honest.clone();
            let in_table = matches!(tensor.role, Role::Limb { .. } | Role::Key { .. });
            let value = match in_table {
                // Below 4, other than before.
                true => (0..4).find(|x| field(*x) != honest.get(id, &at)).unwrap(),
                false => random.below(1000) as i128,
            };
            prop_assert!(changed.set(id, &at, value));
            if in_table {
                changed.look_up().unwrap();
            }
            let holds = case.program.check(&changed);
            prop_assert_eq!(
                holds.is_ok(),
                case.program.failures(&changed).is_empty()
            );
            let is_lookup = matches!(holds, Err(Failure::Lookup { .. } | Failure::Range(_)));
            let is_value = matches!(tensor.role, Role::Value { .. });
            prop_assert!(!is_lookup || is_value);
            prop_assert_eq!(proves(changed), holds.is_ok(), "{:?} {:?}: {:?}", tensor, at, holds);
        }
    }
}
