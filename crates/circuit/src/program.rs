//! Tensors, tables and identities.

use crate::axis::{At, Axis, AxisId, Point};
use crate::expression::{Expression, Operand};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_transcript::Element;

/// A tensor of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub(crate) u32);

impl TensorId {
    /// Its place in the program.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A table of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub(crate) u32);

impl TableId {
    /// Its place in the program.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Who fixes a tensor, and what is known of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Registered with the model; any integers of 32 bits, or of 64.
    Weight {
        /// Whether cells need 64 bits, as biases do.
        wide: bool,
    },
    /// Claimed by the session, in columns of its own; any signed integers of 32 bits.
    Activation,
    /// Chosen by the prover: any field elements, since identities determine them.
    Witness,
    /// Chosen by the prover: any field elements, of which some are equal. Which ones is said by a permutation, which is
    /// known like a weight: each cell is the same as the one that the permutation puts in its place.
    Wire,
    /// Field elements that are known like weights.
    Fixed,
    /// Chosen by the prover, and checked to be in a table without values: `0..2^bits`.
    Limb {
        /// The table.
        range: TableId,
    },
    /// Chosen by the prover, and checked to be the key of a row of a table, whose value is in another tensor.
    Key {
        /// The table.
        table: TableId,
    },
    /// The values of the rows that a tensor of keys names.
    Value {
        /// The tensor of keys.
        key: TensorId,
    },
    /// Known to the verifier.
    Public(Public),
    /// Not committed: claims about it are claims about the expression that defines it.
    Virtual(Virtual),
    /// Not committed: cells, or weighted sums of cells, of a committed tensor.
    View(View),
}

/// A tensor whose extension the verifier evaluates by itself. Like all tensors it is zero where an index is padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Public {
    /// Of two axes of one shape: 1 where the first index is below the second.
    Less,
    /// Of two axes of one shape: 1 where the second index is the first plus one.
    Successor,
    /// Of one axis: the index.
    Index,
    /// Of one axis: a number at one index, zero at all others.
    Cell {
        /// Where.
        index: usize,
        /// The number.
        value: Fr,
    },
    /// Of any axes, all but the first full: 1 where the index, which is that of all axes as one number, the last axis's
    /// moving fastest, is below a bound.
    Below(usize),
    /// Of two axes, groups and numbers; there are `e` numbers, a power of two, for each digit: `2^(bits·h)` where the
    /// number is `h·e + i` and the group `i + 1`. So the sum over numbers has them as digits, in groups from one on.
    Digits {
        /// Bits of a digit.
        bits: u32,
        /// Bits of an index within `e`.
        group_bits: u32,
    },
    /// Without axes: a public input.
    Input(usize),
    /// Of one axis: public inputs, from one on.
    Inputs(usize),
    /// Cells, the last axis's index moving fastest.
    Cells(Vec<Fr>),
}

/// The definition of a tensor that is not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Virtual {
    /// What it is, for each index of its axes.
    pub expression: Expression,
}

/// A weight times a committed tensor with some of its axes fixed. What is left has the view's own axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The committed tensor.
    pub of: TensorId,
    /// The weight.
    pub weight: Fr,
    /// What becomes of each of its axes.
    pub slots: Vec<Slot>,
}

/// What a view does with an axis of its tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// It keeps it, under a name of the same shape.
    Axis(AxisId),
    /// It takes this index.
    Index(usize),
    /// It sums over the axis, which must be full, with powers of this number as weights: a number in limbs.
    Powers(Fr),
}

/// The weight of a fixed axis, and the point at which it is fixed.
///
/// `Σ_i base^i·T_i` is the extension of `T` at the point with coordinates `ρ/(1 + ρ)`, `ρ = base^(2^b)`, times `Π (1 + ρ)`.
fn powers_at(base: Fr, bits: u32) -> Option<(Fr, Point)> {
    let (mut weight, mut power) = (Fr::ONE, base);
    let mut point = Vec::with_capacity(bits as usize);
    for _ in 0..bits {
        let sum = Fr::ONE + power;
        point.push(power * sum.invert()?);
        weight *= sum;
        power = power.square();
    }
    Some((weight, point))
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Name, unique in the program.
    pub name: String,
    /// Axes, the slowest first.
    pub axes: Vec<AxisId>,
    /// Role.
    pub role: Role,
}

impl Tensor {
    /// Whether the prover commits to it, or somebody did before.
    pub fn is_committed(&self) -> bool {
        !matches!(
            self.role,
            Role::Public(_) | Role::Virtual(_) | Role::View(_)
        )
    }
}

/// A table: the keys `0..2^bits`, each with a value or all without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Name.
    pub name: String,
    /// Bits of a key, at most 16.
    pub bits: u32,
    /// Values; none means that all are zero.
    pub values: Option<Vec<u16>>,
}

/// Keys and values of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The keys.
    pub key: TensorId,
    /// The values.
    pub value: TensorId,
    /// Where they must be.
    pub table: TableId,
}

/// An expression that is zero for each index of some axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name, unique in the program.
    pub name: String,
    /// Axes that are not summed over.
    pub free: Vec<AxisId>,
    /// What is zero.
    pub expression: Expression,
}

/// A program.
///
/// Building one that makes no sense is a mistake in code, not in input: methods panic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    axes: Vec<Axis>,
    tensors: Vec<Tensor>,
    tables: Vec<Table>,
    identities: Vec<Identity>,
    inputs: usize,
}

impl Program {
    /// An empty program.
    pub fn new() -> Self {
        Self::default()
    }

    /// Axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Tensors.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Tables.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Identities.
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// Number of public inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Programs of one family may have the same public inputs, whether identities have them or not: all are absorbed.
    pub fn declare_inputs(&mut self, count: usize) {
        self.inputs = self.inputs.max(count);
    }

    /// Tensors with their ids.
    pub fn enumerate(&self) -> impl Iterator<Item = (TensorId, &Tensor)> {
        (0_u32..).map(TensorId).zip(&self.tensors)
    }

    /// An axis.
    pub fn axis(&self, id: AxisId) -> &Axis {
        &self.axes[id.index()]
    }

    /// A tensor.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// The tensor of a name.
    pub fn named(&self, name: &str) -> Option<TensorId> {
        self.enumerate()
            .find(|(_, tensor)| tensor.name == name)
            .map(|(id, _)| id)
    }

    /// Axes of a tensor.
    pub fn axes_of(&self, id: TensorId) -> impl DoubleEndedIterator<Item = &Axis> {
        self.tensor(id).axes.iter().map(|a| self.axis(*a))
    }

    /// Bits of an index within a tile of a tensor.
    pub fn tile_bits(&self, id: TensorId) -> u32 {
        self.axes_of(id).map(|a| a.tile_bits).sum()
    }

    /// Number of tiles of a tensor.
    pub fn tiles(&self, id: TensorId) -> usize {
        self.axes_of(id).map(Axis::tiles).product()
    }

    /// For each axis of a tensor, the index of a tile along it. Tiles are numbered with the last axis moving fastest.
    pub fn tile_indices(&self, id: TensorId, tile: usize) -> Vec<usize> {
        let mut rest = tile;
        let mut indices: Vec<usize> = self
            .axes_of(id)
            .rev()
            .map(|axis| {
                let index = rest % axis.tiles();
                rest /= axis.tiles();
                index
            })
            .collect();
        indices.reverse();
        indices
    }

    /// Lookups.
    pub fn lookups(&self) -> impl Iterator<Item = Lookup> + '_ {
        self.enumerate()
            .filter_map(|(value, tensor)| match tensor.role {
                Role::Value { key } => match self.tensor(key).role {
                    Role::Key { table } => Some(Lookup { key, value, table }),
                    _ => None,
                },
                _ => None,
            })
    }

    /// Adds an axis whose tiles are as large as its length allows: `768 = 3·256`.
    pub fn new_axis(&mut self, name: &str, len: usize) -> AxisId {
        let tile_bits = if len == 0 { 0 } else { len.trailing_zeros() };
        self.new_tiled_axis(name, len, tile_bits)
    }

    /// Adds an axis with tiles of a size. What the last tile has beyond the length is padding, which is only for tensors that
    /// no prover chooses.
    pub fn new_tiled_axis(&mut self, name: &str, len: usize, tile_bits: u32) -> AxisId {
        assert!(len > 0, "axis {name} has no indices");
        self.axes.push(Axis {
            name: name.into(),
            len,
            tile_bits,
        });
        AxisId(u32::try_from(self.axes.len() - 1).expect("few axes"))
    }

    /// Adds a table.
    pub fn new_table(&mut self, name: &str, bits: u32, values: Option<Vec<u16>>) -> TableId {
        assert!(bits <= 16, "table {name} has keys of more than 16 bits");
        if let Some(values) = &values {
            assert_eq!(values.len(), 1 << bits, "table {name} has other keys");
        }
        self.tables.push(Table {
            name: name.into(),
            bits,
            values,
        });
        TableId(u32::try_from(self.tables.len() - 1).expect("few tables"))
    }

    /// The table of all numbers of some bits.
    pub fn range(&mut self, bits: u32) -> TableId {
        let known = self
            .tables
            .iter()
            .position(|t| t.bits == bits && t.values.is_none());
        match known {
            Some(index) => TableId(u32::try_from(index).expect("few tables")),
            None => self.new_table(&format!("range {bits}"), bits, None),
        }
    }

    /// Adds a tensor.
    pub fn new_tensor(&mut self, name: &str, axes: &[AxisId], role: Role) -> TensorId {
        assert!(self.named(name).is_none(), "two tensors are called {name}");
        self.check_distinct(name, axes);
        match &role {
            Role::Public(public) => self.check_public(name, axes, public),
            Role::Key { table } => assert!(
                self.tables[table.index()].values.is_some(),
                "{name} has keys of a table without values"
            ),
            Role::Limb { range } => assert!(
                self.tables[range.index()].values.is_none(),
                "{name} has limbs of a table with values"
            ),
            Role::Value { key } => assert!(
                matches!(self.tensor(*key).role, Role::Key { .. })
                    && self.tensor(*key).axes == axes,
                "{name} has other axes than its keys"
            ),
            Role::View(view) => self.check_view(name, axes, view),
            Role::Weight { .. }
            | Role::Activation
            | Role::Witness
            | Role::Wire
            | Role::Fixed
            | Role::Virtual(_) => {}
        }
        match &role {
            Role::Weight { .. } | Role::Public(_) | Role::Virtual(_) | Role::View(_) => {}
            _ => self.check_full_tiles(name, axes),
        }
        match role {
            Role::Public(Public::Input(index)) => self.declare_inputs(index + 1),
            Role::Public(Public::Inputs(first)) => {
                let count: usize = axes.iter().map(|a| self.axis(*a).len).product();
                self.declare_inputs(first + count);
            }
            _ => {}
        }
        self.tensors.push(Tensor {
            name: name.into(),
            axes: axes.to_vec(),
            role,
        });
        TensorId(u32::try_from(self.tensors.len() - 1).expect("few tensors"))
    }

    /// Sums go over padding within tiles, and no argument shows that what a prover has there is zero. Nor need zero be the
    /// value of the key zero.
    fn check_full_tiles(&self, name: &str, axes: &[AxisId]) {
        for axis in axes.iter().map(|a| self.axis(*a)) {
            assert_eq!(
                axis.len % axis.tile(),
                0,
                "{name} has padding within tiles, along {}",
                axis.name
            );
        }
    }

    fn check_distinct(&self, name: &str, axes: &[AxisId]) {
        let mut distinct = axes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), axes.len(), "{name} has an axis twice");
    }

    fn check_view(&self, name: &str, axes: &[AxisId], view: &View) {
        let base = self.tensor(view.of);
        assert!(
            base.is_committed(),
            "{name} is a view of what is not committed"
        );
        assert_eq!(
            base.axes.len(),
            view.slots.len(),
            "{name} says nothing of some axes"
        );
        let mut kept = Vec::new();
        for (axis, slot) in self.axes_of(view.of).zip(&view.slots) {
            match slot {
                Slot::Axis(own) => {
                    let own_axis = self.axis(*own);
                    assert!(
                        own_axis.len == axis.len && own_axis.tile_bits == axis.tile_bits,
                        "{name} keeps an axis under a name of another shape"
                    );
                    kept.push(*own);
                }
                Slot::Index(index) => assert!(*index < axis.len, "{name} is beyond an axis"),
                Slot::Powers(base) => assert!(
                    axis.is_full() && powers_at(*base, axis.bits()).is_some(),
                    "{name} sums over an axis that has no such weights"
                ),
            }
        }
        assert_eq!(kept, axes, "{name} has other axes than it keeps");
    }

    /// What a view is of its tensor: a weight, and what becomes of each axis; those that are kept are none.
    pub fn view_at<F: Element>(&self, view: &View) -> (F, Vec<Option<At<F>>>) {
        let mut weight = view.weight;
        let at = self
            .axes_of(view.of)
            .zip(&view.slots)
            .map(|(axis, slot)| match slot {
                Slot::Axis(_) => None,
                Slot::Index(index) => {
                    let bit = |b: u32| F::constant(Fr::from((index >> b & 1) as u64));
                    Some(At::Point((0..axis.bits()).map(bit).collect()))
                }
                Slot::Powers(base) => {
                    let (by, point) = powers_at(*base, axis.bits()).unwrap_or_default();
                    weight *= by;
                    Some(At::Point(point.into_iter().map(F::constant).collect()))
                }
            })
            .collect();
        (F::constant(weight), at)
    }

    /// A public tensor in an expression; one that is declared already is used again.
    pub fn public(&mut self, name: &str, axes: &[AxisId], public: Public) -> Expression {
        let role = Role::Public(public);
        let id = match self.named(name) {
            Some(id) => {
                let known = self.tensor(id);
                assert!(
                    known.role == role && known.axes == axes,
                    "{name} is another public tensor"
                );
                id
            }
            None => self.new_tensor(name, axes, role),
        };
        self.use_of(id)
    }

    /// Adds a view of a committed tensor.
    pub fn new_view(&mut self, name: &str, of: TensorId, weight: Fr, slots: &[Slot]) -> TensorId {
        let axes: Vec<AxisId> = slots
            .iter()
            .filter_map(|slot| match slot {
                Slot::Axis(axis) => Some(*axis),
                _ => None,
            })
            .collect();
        let slots = slots.to_vec();
        self.new_tensor(name, &axes, Role::View(View { of, weight, slots }))
    }

    fn check_public(&self, name: &str, axes: &[AxisId], public: &Public) {
        let axes: Vec<&Axis> = axes.iter().map(|a| self.axis(*a)).collect();
        let fits = match (public, axes.as_slice()) {
            (Public::Less | Public::Successor, [a, b]) => a.len == b.len && a.bits() == b.bits(),
            (Public::Index | Public::Inputs(_), [_]) | (Public::Input(_), []) => true,
            (Public::Cell { index, .. }, [axis]) => *index < axis.len,
            (Public::Below(bound), [first, others @ ..]) => {
                let rest: usize = others.iter().map(|a| a.len).product();
                others.iter().all(|a| a.is_full()) && *bound <= first.len * rest
            }
            (Public::Digits { group_bits, .. }, [groups, numbers]) => {
                numbers.is_full()
                    && *group_bits <= numbers.bits()
                    && groups.len == (1 << group_bits) + 1
            }
            (Public::Cells(cells), axes) => {
                cells.len() == axes.iter().map(|a| a.len).product::<usize>()
            }
            _ => false,
        };
        assert!(fits, "{name} is not defined for its axes");
    }

    /// A tensor in an expression, with the axes it was declared with.
    pub fn use_of(&self, tensor: TensorId) -> Expression {
        self.use_at(tensor, &self.tensor(tensor).axes)
    }

    /// A tensor in an expression, with other axes of the same shape. No axis can be there twice: a diagonal's extension is
    /// not the tensor's at a point of both axes.
    pub fn use_at(&self, tensor: TensorId, axes: &[AxisId]) -> Expression {
        let declared = &self.tensor(tensor).axes;
        self.check_distinct(&self.tensor(tensor).name, axes);
        let same = declared.len() == axes.len()
            && declared.iter().zip(axes).all(|(d, a)| {
                let (d, a) = (self.axis(*d), self.axis(*a));
                d.len == a.len && d.tile_bits == a.tile_bits
            });
        assert!(
            same,
            "{} is used with axes of another shape",
            self.tensor(tensor).name
        );
        Operand {
            tensor,
            axes: axes.to_vec(),
        }
        .into()
    }

    /// States that an expression is zero for each index of the free axes.
    pub fn zero(&mut self, name: &str, free: &[AxisId], expression: Expression) {
        assert!(
            self.identities.iter().all(|i| i.name != name),
            "two identities are called {name}"
        );
        assert!(
            !expression.products.is_empty(),
            "identity {name} states nothing"
        );
        self.identities.push(Identity {
            name: name.into(),
            free: free.to_vec(),
            expression,
        });
    }
}
