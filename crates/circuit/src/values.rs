//! Values of tensors, in their columns.

use crate::axis::AxisId;
use crate::layout::{Cells, ColumnId, ColumnKind, Layout, Place};
use crate::program::{Program, Public, Role, Slot, TensorId, View};
use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use std::sync::Arc;

/// Cells of a column; those beyond the list are zero. Columns are shared, not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnData {
    /// Unsigned integers of 16 bits.
    U16(Arc<Vec<u16>>),
    /// Unsigned integers of 32 bits.
    U32(Arc<Vec<u32>>),
    /// Signed integers of 32 bits.
    I32(Arc<Vec<i32>>),
    /// Signed integers of 64 bits.
    I64(Arc<Vec<i64>>),
    /// Field elements.
    Field(Arc<Vec<Fr>>),
}

impl ColumnData {
    /// A column without cells.
    pub fn empty(cells: Cells) -> Self {
        match cells {
            Cells::U16 => Self::U16(Arc::default()),
            Cells::U32 => Self::U32(Arc::default()),
            Cells::I32 => Self::I32(Arc::default()),
            Cells::I64 => Self::I64(Arc::default()),
            Cells::Field => Self::Field(Arc::default()),
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::U16(cells) => cells.len(),
            Self::U32(cells) => cells.len(),
            Self::I32(cells) => cells.len(),
            Self::I64(cells) => cells.len(),
            Self::Field(cells) => cells.len(),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A cell.
    pub fn get(&self, row: usize) -> Fr {
        match self {
            Self::U16(cells) => Fr::from(u64::from(cells.get(row).copied().unwrap_or(0))),
            Self::U32(cells) => Fr::from(u64::from(cells.get(row).copied().unwrap_or(0))),
            Self::I32(cells) => integer(cells.get(row).copied().unwrap_or(0).into()),
            Self::I64(cells) => integer(cells.get(row).copied().unwrap_or(0).into()),
            Self::Field(cells) => cells.get(row).copied().unwrap_or(Fr::ZERO),
        }
    }

    /// Sets a cell to an integer; false if it cannot hold it.
    pub fn set(&mut self, row: usize, value: i128) -> bool {
        fn put<T: Copy + Default + TryFrom<i128>>(
            cells: &mut Arc<Vec<T>>,
            row: usize,
            value: i128,
        ) -> bool {
            let Ok(value) = T::try_from(value) else {
                return false;
            };
            let cells = Arc::make_mut(cells);
            if cells.len() <= row {
                cells.resize(row + 1, T::default());
            }
            cells[row] = value;
            true
        }
        match self {
            Self::U16(cells) => put(cells, row, value),
            Self::U32(cells) => put(cells, row, value),
            Self::I32(cells) => put(cells, row, value),
            Self::I64(cells) => put(cells, row, value),
            Self::Field(_) => {
                self.set_field(row, integer(value));
                true
            }
        }
    }

    /// Sets a cell of a column of field elements.
    pub fn set_field(&mut self, row: usize, value: Fr) {
        if let Self::Field(cells) = self {
            let cells = Arc::make_mut(cells);
            if cells.len() <= row {
                cells.resize(row + 1, Fr::ZERO);
            }
            cells[row] = value;
        }
    }
}

/// A signed integer as a field element.
pub fn integer(value: i128) -> Fr {
    let magnitude = value.unsigned_abs();
    // The other conversion takes much longer.
    let magnitude = u64::try_from(magnitude).map_or_else(|_| Fr::from_u128(magnitude), Fr::from);
    if value < 0 { -magnitude } else { magnitude }
}

/// A value does not fit its cell, or is in no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tensor}{indices:?} is {value}, which {reason}")]
pub struct OutOfRange {
    /// The tensor.
    pub tensor: String,
    /// Indices along its axes.
    pub indices: Vec<usize>,
    /// The value.
    pub value: i128,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Values of a program's tensors.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    program: &'a Program,
    layout: &'a Layout,
    columns: Vec<ColumnData>,
    /// Coefficients of each column beyond the cube.
    tails: Vec<Vec<Fr>>,
    inputs: Vec<Fr>,
}

impl<'a> Values<'a> {
    /// All cells are zero, but those of tables.
    pub fn new(program: &'a Program, layout: &'a Layout, inputs: Vec<Fr>) -> Self {
        let mut columns: Vec<ColumnData> = layout
            .columns()
            .iter()
            .map(|column| ColumnData::empty(column.cells))
            .collect();
        for place in &layout.tables {
            let values = &program.tables()[place.table.index()].values;
            let column = layout.table_lanes[place.lane].values;
            if let (Some(values), Some(column)) = (values, column) {
                for (row, value) in values.iter().enumerate() {
                    columns[column.index()].set(place.offset + row, (*value).into());
                }
            }
        }
        Self {
            program,
            layout,
            tails: vec![Vec::new(); columns.len()],
            columns,
            inputs,
        }
    }

    /// Random coefficients of a column beyond the cube, which hide the commitment to it and are no cells.
    pub fn tail(&self, id: ColumnId) -> &[Fr] {
        &self.tails[id.index()]
    }

    /// Sets the coefficients of a column beyond the cube.
    pub fn set_tail(&mut self, id: ColumnId, tail: Vec<Fr>) {
        self.tails[id.index()] = tail;
    }

    /// The program.
    pub fn program(&self) -> &'a Program {
        self.program
    }

    /// The layout.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Public inputs.
    pub fn inputs(&self) -> &[Fr] {
        &self.inputs
    }

    /// A column.
    pub fn column(&self, id: ColumnId) -> &ColumnData {
        &self.columns[id.index()]
    }

    /// Puts a column that exists already, such as one of weights.
    pub fn set_column(&mut self, id: ColumnId, data: ColumnData) {
        self.columns[id.index()] = data;
    }

    /// The column of a kind.
    pub fn column_mut(&mut self, id: ColumnId) -> &mut ColumnData {
        &mut self.columns[id.index()]
    }

    /// Calls `f` with the place and the indices of each cell of a tensor that is no padding: those of one index of the
    /// first axis, or all.
    fn each_cell(
        &self,
        tensor: TensorId,
        first: Option<usize>,
        mut f: impl FnMut(Place, &[usize]) -> Result<(), OutOfRange>,
    ) -> Result<(), OutOfRange> {
        let axes: Vec<_> = self.program.axes_of(tensor).collect();
        for (tile, place) in self.layout.places(tensor).iter().enumerate() {
            let Some(place) = place else { continue };
            let mut indices = self.program.tile_indices(tensor, tile);
            for (index, axis) in indices.iter_mut().zip(&axes) {
                *index *= axis.tile();
            }
            if let (Some(first), Some(axis)) = (first, axes.first())
                && indices[0] >> axis.tile_bits != first >> axis.tile_bits
            {
                continue;
            }
            for cell in 0..1_usize << self.program.tile_bits(tensor) {
                let wanted = first.is_none_or(|first| indices.first() == Some(&first));
                if wanted && indices.iter().zip(&axes).all(|(i, a)| *i < a.len) {
                    let place = Place {
                        column: place.column,
                        offset: place.offset + cell,
                    };
                    f(place, &indices)?;
                }
                // The next cell: the last index that is not at its tile's end, and those after it from the beginning.
                for (index, axis) in indices.iter_mut().zip(&axes).rev() {
                    *index += 1;
                    if *index & (axis.tile() - 1) != 0 {
                        break;
                    }
                    *index -= axis.tile();
                }
            }
        }
        Ok(())
    }

    /// Sets all cells of a tensor.
    pub fn fill(
        &mut self,
        tensor: TensorId,
        f: impl Fn(&[usize]) -> i128,
    ) -> Result<(), OutOfRange> {
        self.fill_cells(tensor, None, f)
    }

    /// Sets the cells of one index of a tensor's first axis, so that the layers' weights need not all be there at once.
    pub fn fill_first(
        &mut self,
        tensor: TensorId,
        first: usize,
        f: impl Fn(&[usize]) -> i128,
    ) -> Result<(), OutOfRange> {
        self.fill_cells(tensor, Some(first), f)
    }

    fn fill_cells(
        &mut self,
        tensor: TensorId,
        first: Option<usize>,
        f: impl Fn(&[usize]) -> i128,
    ) -> Result<(), OutOfRange> {
        let mut columns = std::mem::take(&mut self.columns);
        let result = self.each_cell(tensor, first, |place, indices| {
            let value = f(indices);
            if columns[place.column.index()].set(place.offset, value) {
                Ok(())
            } else {
                Err(self.out_of_range(tensor, indices, value, "does not fit its cell"))
            }
        });
        self.columns = columns;
        result
    }

    /// Sets all cells of a tensor of field elements.
    pub fn fill_field(&mut self, tensor: TensorId, f: impl Fn(&[usize]) -> Fr) {
        let mut columns = std::mem::take(&mut self.columns);
        let result = self.each_cell(tensor, None, |place, indices| {
            columns[place.column.index()].set_field(place.offset, f(indices));
            Ok(())
        });
        debug_assert!(result.is_ok());
        self.columns = columns;
    }

    fn out_of_range(
        &self,
        tensor: TensorId,
        indices: &[usize],
        value: i128,
        reason: &'static str,
    ) -> OutOfRange {
        OutOfRange {
            tensor: self.program.tensor(tensor).name.clone(),
            indices: indices.to_vec(),
            value,
            reason,
        }
    }

    /// Sets values of keys and counts how often each row of a table is looked up. Fails on what is in no table.
    pub fn look_up(&mut self) -> Result<(), OutOfRange> {
        for lookup in self.program.lookups() {
            let table = &self.program.tables()[lookup.table.index()];
            let Some(values) = &table.values else {
                continue;
            };
            for (key, value) in self
                .layout
                .places(lookup.key)
                .iter()
                .zip(self.layout.places(lookup.value))
            {
                let (Some(key), Some(value)) = (key, value) else {
                    continue;
                };
                for cell in 0..1_usize << self.program.tile_bits(lookup.key) {
                    let ColumnData::U16(keys) = &self.columns[key.column.index()] else {
                        continue;
                    };
                    let key = keys.get(key.offset + cell).copied().unwrap_or(0);
                    let found = values.get(usize::from(key)).copied().unwrap_or(0);
                    self.columns[value.column.index()].set(value.offset + cell, found.into());
                }
            }
        }
        self.check_tables()?;
        self.count();
        Ok(())
    }

    /// Names a limb that is not in its table.
    pub(crate) fn check_tables(&self) -> Result<(), OutOfRange> {
        for (id, tensor) in self.program.enumerate() {
            let table = match tensor.role {
                Role::Limb { range } => range,
                Role::Key { table } => table,
                _ => continue,
            };
            let rows = 1_u128 << self.program.tables()[table.index()].bits;
            self.each_cell(id, None, |place, indices| {
                let ColumnData::U16(cells) = self.column(place.column) else {
                    return Ok(());
                };
                let value = cells.get(place.offset).copied().unwrap_or(0);
                if u128::from(value) < rows {
                    Ok(())
                } else {
                    Err(self.out_of_range(id, indices, value.into(), "is in no row of its table"))
                }
            })?;
        }
        Ok(())
    }

    fn count(&mut self) {
        let mut counts: Vec<Vec<u32>> = self
            .layout
            .table_lanes
            .iter()
            .map(|lane| vec![0; lane.rows])
            .collect();
        for lane in &self.layout.lanes {
            let ColumnData::U16(cells) = self.column(lane.limbs) else {
                continue;
            };
            let mut start = 0;
            for (table, end) in &lane.runs {
                let place = self.layout.tables[table.index()];
                let counts = &mut counts[place.lane];
                for row in start..*end {
                    let key = cells.get(row).copied().unwrap_or(0);
                    if let Some(count) = counts.get_mut(place.offset + usize::from(key)) {
                        *count += 1;
                    }
                }
                start = *end;
            }
        }
        for (lane, counts) in self.layout.table_lanes.iter().zip(counts) {
            self.columns[lane.multiplicities.index()] = ColumnData::U32(Arc::new(counts));
        }
    }

    /// The cell of a committed or public tensor; zero for padding.
    pub fn get(&self, tensor: TensorId, indices: &[usize]) -> Fr {
        let mut axes = self.program.axes_of(tensor).zip(indices);
        if axes.any(|(axis, index)| *index >= axis.len) {
            return Fr::ZERO;
        }
        match &self.program.tensor(tensor).role {
            Role::Public(public) => self.public(public, tensor, indices),
            Role::Virtual(_) => Fr::ZERO,
            Role::View(view) => self.view(view, indices),
            _ => match self.place(tensor, indices) {
                Some(place) => self.column(place.column).get(place.offset),
                None => Fr::ZERO,
            },
        }
    }

    /// A cell of a view, by its definition.
    fn view(&self, view: &View, indices: &[usize]) -> Fr {
        let mut at = vec![0; view.slots.len()];
        view.weight * self.view_from(view, indices, &mut at, 0)
    }

    /// The sum over the axes from one on, those before being fixed.
    fn view_from(&self, view: &View, indices: &[usize], at: &mut Vec<usize>, axis: usize) -> Fr {
        match view.slots.get(axis) {
            None => self.get(view.of, at),
            Some(Slot::Index(index)) => {
                at[axis] = *index;
                self.view_from(view, indices, at, axis + 1)
            }
            Some(Slot::Axis(_)) => {
                let (own, rest) = indices.split_first().map_or((0, indices), |(i, r)| (*i, r));
                at[axis] = own;
                self.view_from(view, rest, at, axis + 1)
            }
            Some(Slot::Powers(base)) => {
                let len = self.program.axes_of(view.of).nth(axis).map_or(0, |a| a.len);
                // Horner, from the last index on.
                (0..len).rev().fold(Fr::ZERO, |sum, index| {
                    at[axis] = index;
                    sum * base + self.view_from(view, indices, at, axis + 1)
                })
            }
        }
    }

    /// Sets a cell to an integer; false if it cannot hold it, or if there is none.
    pub fn set(&mut self, tensor: TensorId, indices: &[usize], value: i128) -> bool {
        let mut axes = self.program.axes_of(tensor).zip(indices);
        if axes.any(|(axis, index)| *index >= axis.len) {
            return false;
        }
        self.place(tensor, indices)
            .is_some_and(|place| self.columns[place.column.index()].set(place.offset, value))
    }

    /// Where a cell of a committed tensor lies; none if its tile is zero.
    pub fn place(&self, tensor: TensorId, indices: &[usize]) -> Option<Place> {
        let (mut tile, mut cell) = (0, 0);
        for (axis, index) in self.program.axes_of(tensor).zip(indices) {
            tile = tile * axis.tiles() + index / axis.tile();
            cell = cell * axis.tile() + index % axis.tile();
        }
        let place = (*self.layout.places(tensor).get(tile)?)?;
        Some(Place {
            column: place.column,
            offset: place.offset + cell,
        })
    }

    fn public(&self, public: &Public, tensor: TensorId, indices: &[usize]) -> Fr {
        match (public, indices) {
            (Public::Less, [a, b]) => Fr::from(u64::from(a < b)),
            (Public::Successor, [a, b]) => Fr::from(u64::from(*b == a + 1)),
            (Public::Index, [a]) => Fr::from(*a as u64),
            (Public::Cell { index, value }, [a]) if a == index => *value,
            (Public::Below(bound), _) => Fr::from(u64::from(self.number(tensor, indices) < *bound)),
            (Public::Digits { bits, group_bits }, [group, number]) => {
                if *group != 1 + (number & ((1 << group_bits) - 1)) {
                    return Fr::ZERO;
                }
                let digit = (number >> group_bits) as u64;
                Fr::from(2).pow([digit * u64::from(*bits)])
            }
            (Public::Input(i), _) => self.inputs.get(*i).copied().unwrap_or(Fr::ZERO),
            (Public::Inputs(first), [i]) => self.inputs.get(first + i).copied().unwrap_or(Fr::ZERO),
            (Public::Cells(cells), _) => {
                let at = self.number(tensor, indices);
                cells.get(at).copied().unwrap_or(Fr::ZERO)
            }
            _ => Fr::ZERO,
        }
    }

    /// Indices of all axes as one number, the last axis's moving fastest.
    fn number(&self, tensor: TensorId, indices: &[usize]) -> usize {
        self.program
            .axes_of(tensor)
            .zip(indices)
            .fold(0, |number, (axis, index)| number * axis.len + index)
    }

    /// Columns of a kind that are committed to with the proof, in order.
    pub fn kinds(&self) -> impl Iterator<Item = (ColumnId, ColumnKind)> + '_ {
        self.layout
            .enumerate()
            .map(|(id, column)| (id, column.kind))
    }
}

/// All indices of some axes, the last axis's moving fastest.
pub(crate) fn all_indices(program: &Program, axes: &[AxisId]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![vec![]], |prefixes, axis| {
        let len = program.axis(*axis).len;
        prefixes
            .iter()
            .flat_map(|prefix| {
                (0..len).map(move |i| {
                    let mut indices = prefix.clone();
                    indices.push(i);
                    indices
                })
            })
            .collect()
    })
}
