//! The digest of a program and its layout.

use crate::axis::AxisId;
use crate::expression::Expression;
use crate::layout::{ColumnKind, Layout};
use crate::program::{Program, Public, Role, Slot};
use halo2curves::ff::PrimeField;
use sha3::{Digest, Keccak256};

struct Hasher(Keccak256);

impl Hasher {
    fn number(&mut self, x: usize) {
        self.0.update((x as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text.as_bytes());
    }

    fn axes(&mut self, axes: &[AxisId]) {
        self.number(axes.len());
        axes.iter().for_each(|axis| self.number(axis.index()));
    }

    fn expression(&mut self, expression: &Expression) {
        self.number(expression.products.len());
        for product in &expression.products {
            self.0.update(product.coefficient.to_le_bytes());
            self.number(product.factors.len());
            for factor in &product.factors {
                self.0.update(factor.constant.to_le_bytes());
                self.number(factor.terms.len());
                for (coefficient, operand) in &factor.terms {
                    self.0.update(coefficient.to_le_bytes());
                    self.number(operand.tensor.index());
                    self.axes(&operand.axes);
                }
            }
        }
    }

    fn role(&mut self, role: &Role) {
        match role {
            Role::Weight { wide } => self.numbers(&[0, usize::from(*wide)]),
            Role::Activation => self.number(1),
            Role::Witness => self.number(2),
            Role::Limb { range } => self.numbers(&[3, range.index()]),
            Role::Key { table } => self.numbers(&[4, table.index()]),
            Role::Value { key } => self.numbers(&[5, key.index()]),
            Role::Public(Public::Less) => self.number(6),
            Role::Public(Public::Successor) => self.number(7),
            Role::Public(Public::Index) => self.number(8),
            Role::Public(Public::Input(input)) => self.numbers(&[9, *input]),
            Role::Public(Public::Cells(cells)) => {
                self.numbers(&[10, cells.len()]);
                cells.iter().for_each(|cell| self.0.update(cell.to_repr()));
            }
            Role::Virtual(v) => {
                self.number(11);
                self.expression(&v.expression);
            }
            Role::Public(Public::Cell { index, value }) => {
                self.numbers(&[17, *index]);
                self.0.update(value.to_repr());
            }
            Role::Public(Public::Inputs(first)) => self.numbers(&[18, *first]),
            Role::Wire => self.number(15),
            Role::Fixed => self.number(16),
            Role::View(view) => {
                self.numbers(&[14, view.of.index(), view.slots.len()]);
                self.0.update(view.weight.to_repr());
                for slot in &view.slots {
                    match slot {
                        Slot::Axis(axis) => self.numbers(&[0, axis.index()]),
                        Slot::Index(index) => self.numbers(&[1, *index]),
                        Slot::Powers(base) => {
                            self.number(2);
                            self.0.update(base.to_repr());
                        }
                    }
                }
            }
            Role::Public(Public::Below(bound)) => self.numbers(&[12, *bound]),
            Role::Public(Public::Digits { bits, group_bits }) => {
                self.numbers(&[13, *bits as usize, *group_bits as usize]);
            }
        }
    }

    fn numbers(&mut self, numbers: &[usize]) {
        numbers.iter().for_each(|x| self.number(*x));
    }

    fn kind(&mut self, kind: ColumnKind) {
        let (tag, number) = match kind {
            ColumnKind::Weight(i) => (0, i),
            ColumnKind::Activation(i) => (1, i),
            ColumnKind::TableValues(i) => (2, i),
            ColumnKind::Limb(i) => (3, i),
            ColumnKind::Value(i) => (4, i),
            ColumnKind::Witness(i) => (5, i),
            ColumnKind::Multiplicity(i) => (6, i),
            ColumnKind::Helper(i) => (7, i),
            ColumnKind::Mask => (8, 0),
            ColumnKind::Hiding(i) => (9, i),
            ColumnKind::Wire(i) => (10, i),
            ColumnKind::Permutation(i) => (11, i),
            ColumnKind::Fixed(i) => (12, i),
        };
        self.numbers(&[tag, number as usize]);
    }
}

impl Layout {
    /// Keccak-256 over all that the verifier's work depends on: axes, tensors, tables, identities and places. Each list
    /// has its length in front, each variant its tag; numbers are 64 bits and coefficients 128, little-endian.
    pub fn digest(&self, program: &Program) -> [u8; 32] {
        let mut h = Hasher(Keccak256::new());
        h.text("nanozk-program-1");
        h.number(program.axes().len());
        for axis in program.axes() {
            h.text(&axis.name);
            h.numbers(&[axis.len, axis.tile_bits as usize]);
        }
        h.number(program.tensors().len());
        for (id, tensor) in program.enumerate() {
            h.text(&tensor.name);
            h.axes(&tensor.axes);
            h.role(&tensor.role);
            h.number(self.places(id).len());
            for place in self.places(id) {
                match place {
                    None => h.number(0),
                    Some(place) => h.numbers(&[1, place.column.index(), place.offset]),
                }
            }
        }
        h.number(program.tables().len());
        for table in program.tables() {
            h.text(&table.name);
            h.number(table.bits as usize);
            let values = table.values.as_deref().unwrap_or_default();
            h.number(values.len());
            values.iter().for_each(|v| h.number(usize::from(*v)));
        }
        h.number(program.identities().len());
        for identity in program.identities() {
            h.text(&identity.name);
            h.axes(&identity.free);
            h.expression(&identity.expression);
        }
        h.numbers(&[program.inputs(), self.k() as usize]);
        h.number(self.columns().len());
        for column in self.columns() {
            h.kind(column.kind);
        }
        h.number(self.lanes.len());
        for lane in &self.lanes {
            h.number(lane.runs.len());
            for (table, end) in &lane.runs {
                h.numbers(&[table.index(), *end]);
            }
        }
        h.number(self.tables.len());
        for place in &self.tables {
            h.numbers(&[place.table.index(), place.lane, place.offset]);
        }
        h.number(self.groups.len());
        for group in &self.groups {
            for members in [&group.lanes, &group.tables] {
                h.number(members.len());
                h.numbers(members);
            }
        }
        // Nothing is added to programs without copies.
        for (i, lane) in self.copies.iter().enumerate() {
            let group = self.groups.iter().position(|g| g.copies.contains(&i));
            h.numbers(&[1, i, lane.rows, group.unwrap_or(usize::MAX)]);
        }
        h.0.finalize().into()
    }
}
