//! Where the cells of tensors lie in committed columns.
//!
//! A column has `2^k` cells. Each tile of a tensor is an aligned block of cells of one column, so that the tensor's
//! extension at a point is a sum over its tiles: the tile's number along each axis, times the extension of the block.
//! Tiles of weights and activations lie where their owner registered or claimed them ([`Registry`]); the prover's tiles
//! are packed here, the largest first, so that columns have no gaps.

use crate::program::{Program, Role, TableId, Tensor, TensorId};
use std::collections::BTreeMap;

/// A column of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub(crate) u32);

impl ColumnId {
    /// Its place in the layout.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Unsigned integers of 16 bits.
    U16,
    /// Unsigned integers of 32 bits.
    U32,
    /// Signed integers of 32 bits.
    I32,
    /// Signed integers of 64 bits.
    I64,
    /// Field elements.
    Field,
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnKind {
    /// Registered weights, by the registry's number.
    Weight(u32),
    /// Claimed activations, by the registry's number.
    Activation(u32),
    /// Values of tables.
    TableValues(u32),
    /// Field elements that are fixed with the program's key.
    Fixed(u32),
    /// For each wire of a column, the number of the one that it is equal to: rows of the first column, then of the second…
    Permutation(u32),
    /// Limbs and keys of a lane.
    Limb(u32),
    /// Values of the keys of a lane.
    Value(u32),
    /// Witnesses of which some are equal.
    Wire(u32),
    /// Witnesses that are in no table.
    Witness(u32),
    /// How often rows of tables are looked up.
    Multiplicity(u32),
    /// Sums of fractions of a group of lanes.
    Helper(u32),
    /// Random cells that hide what the prover says of identities and lookups.
    Mask,
    /// Random cells that hide what it says of columns.
    Hiding(u32),
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What it is for.
    pub kind: ColumnKind,
    /// What its cells are.
    pub cells: Cells,
}

/// Where a tile lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The column.
    pub column: ColumnId,
    /// The first cell, a multiple of the tile's size.
    pub offset: usize,
}

/// Where tiles lie that were committed before the proof.
pub trait Registry {
    /// The number of the column, among those of weights or of activations, and the first cell. None if the tile is zero.
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)>;
}

/// A table's rows in the columns of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TablePlace {
    /// The table.
    pub table: TableId,
    /// Which of the columns of tables.
    pub lane: usize,
    /// The first row, a multiple of the table's size.
    pub offset: usize,
}

/// A column of limbs, each looked up in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Limbs and keys.
    pub limbs: ColumnId,
    /// Values, if there are keys.
    pub values: Option<ColumnId>,
    /// Consecutive rows of one table: the table, and the row after the last. The first run starts at row zero.
    pub runs: Vec<(TableId, usize)>,
}

impl Lane {
    /// Rows that are looked up.
    pub fn rows(&self) -> usize {
        self.runs.last().map_or(0, |run| run.1)
    }
}

/// A column of tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLane {
    /// How often each row is looked up.
    pub multiplicities: ColumnId,
    /// Values, if a table has any.
    pub values: Option<ColumnId>,
    /// Rows in use.
    pub rows: usize,
}

/// A column of wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyLane {
    /// The wires.
    pub wires: ColumnId,
    /// Numbers of the wires that they are equal to.
    pub permutation: ColumnId,
    /// Rows in use.
    pub rows: usize,
}

/// Lanes whose fractions have one helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The helper.
    pub helper: ColumnId,
    /// Lanes of limbs.
    pub lanes: Vec<usize>,
    /// Lanes of tables.
    pub tables: Vec<usize>,
    /// Lanes of wires.
    pub copies: Vec<usize>,
}

/// A program cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A tile is larger than a column.
    #[error("a tile of {tensor} has 2^{tile_bits} cells, a column 2^{k}")]
    LargeTile {
        /// The tensor.
        tensor: String,
        /// Bits of an index within the tile.
        tile_bits: u32,
        /// Bits of a row.
        k: u32,
    },
    /// A table is larger than a column.
    #[error("table {table} has 2^{bits} rows, a column 2^{k}")]
    LargeTable {
        /// The table.
        table: String,
        /// Bits of a key.
        bits: u32,
        /// Bits of a row.
        k: u32,
    },
    /// A registered tile is not at a multiple of its size, or beyond its column.
    #[error(
        "a registered tile of {tensor} lies at {offset}, which is no place for 2^{tile_bits} cells"
    )]
    BadPlace {
        /// The tensor.
        tensor: String,
        /// Where.
        offset: usize,
        /// Bits of an index within the tile.
        tile_bits: u32,
    },
}

/// Places of a program's tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    k: u32,
    columns: Vec<Column>,
    /// For each tensor, the places of its tiles; none for tiles that are zero, or tensors that are not committed.
    places: Vec<Vec<Option<Place>>>,
    /// Lanes of limbs.
    pub lanes: Vec<Lane>,
    /// Lanes of tables.
    pub table_lanes: Vec<TableLane>,
    /// Tables.
    pub tables: Vec<TablePlace>,
    /// Lanes of wires.
    pub copies: Vec<CopyLane>,
    /// Groups of lanes.
    pub groups: Vec<Group>,
    /// Random cells that hide what the prover says of identities and lookups.
    pub mask: ColumnId,
    /// Random cells that hide what it says of columns.
    pub hiding: [ColumnId; 2],
}

/// Packs blocks of powers of two into columns of `2^k` cells, one after the other.
#[derive(Clone, Debug)]
pub struct Packer {
    k: u32,
    column: usize,
    used: usize,
}

impl Packer {
    /// Starts with the first column.
    pub fn new(k: u32) -> Self {
        Self {
            k,
            column: 0,
            used: 0,
        }
    }

    /// Column and first cell of the next block, a multiple of its size.
    pub fn take(&mut self, bits: u32) -> (usize, usize) {
        let size = 1 << bits;
        let mut offset = self.used.next_multiple_of(size);
        if offset + size > 1 << self.k {
            self.column += 1;
            offset = 0;
        }
        self.used = offset + size;
        (self.column, offset)
    }
}

impl Layout {
    /// Places a program in columns of `2^k` cells. At most `fractions` lanes have one helper.
    pub fn new(
        program: &Program,
        k: u32,
        fractions: usize,
        registry: &dyn Registry,
    ) -> Result<Self, LayoutError> {
        for (id, tensor) in program.enumerate() {
            let tile_bits = program.tile_bits(id);
            if tensor.is_committed() && tile_bits > k {
                return Err(LayoutError::LargeTile {
                    tensor: tensor.name.clone(),
                    tile_bits,
                    k,
                });
            }
        }
        let mut builder = Builder {
            program,
            k,
            columns: BTreeMap::new(),
            places: vec![Vec::new(); program.tensors().len()],
        };
        builder.registered(registry)?;
        let lanes = builder.limbs();
        builder.elements(&Role::Witness, ColumnKind::Witness);
        builder.elements(&Role::Fixed, ColumnKind::Fixed);
        let wires = builder.elements(&Role::Wire, ColumnKind::Wire);
        let (tables, table_rows, with_values) = builder.tables()?;
        Ok(builder.finish(lanes, tables, (table_rows, with_values), wires, fractions))
    }

    /// Bits of a row.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// Rows of a column.
    pub fn rows(&self) -> usize {
        1 << self.k
    }

    /// Columns, in the order of their kinds.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column.
    pub fn column(&self, id: ColumnId) -> Column {
        self.columns[id.index()]
    }

    /// Columns with their ids.
    pub fn enumerate(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        (0_u32..).map(ColumnId).zip(&self.columns)
    }

    /// Places of a tensor's tiles.
    pub fn places(&self, tensor: TensorId) -> &[Option<Place>] {
        &self.places[tensor.index()]
    }
}

/// Provisional columns are known by their kind.
type Provisional = (ColumnKind, usize);

/// A run of rows of one table, in a lane being filled.
#[derive(Default)]
struct Filling {
    runs: Vec<(TableId, usize)>,
    has_keys: bool,
}

struct Builder<'a> {
    program: &'a Program,
    k: u32,
    columns: BTreeMap<ColumnKind, Cells>,
    places: Vec<Vec<Option<Provisional>>>,
}

impl Builder<'_> {
    fn registered(&mut self, registry: &dyn Registry) -> Result<(), LayoutError> {
        for (id, tensor) in self.program.enumerate() {
            let (kind, cells): (fn(u32) -> ColumnKind, Cells) = match tensor.role {
                Role::Weight { wide: false } => (ColumnKind::Weight, Cells::I32),
                Role::Weight { wide: true } => (ColumnKind::Weight, Cells::I64),
                Role::Activation => (ColumnKind::Activation, Cells::I32),
                _ => continue,
            };
            let tile_bits = self.program.tile_bits(id);
            for tile in 0..self.program.tiles(id) {
                let indices = self.program.tile_indices(id, tile);
                let place = registry.place(tensor, &indices);
                if let Some((number, offset)) = place {
                    let size = 1_usize << tile_bits;
                    if offset % size != 0 || offset + size > 1 << self.k {
                        return Err(LayoutError::BadPlace {
                            tensor: tensor.name.clone(),
                            offset,
                            tile_bits,
                        });
                    }
                    // A column with wide cells is wide.
                    let column = self.columns.entry(kind(number)).or_insert(cells);
                    if cells == Cells::I64 {
                        *column = Cells::I64;
                    }
                }
                let place = place.map(|(number, offset)| (kind(number), offset));
                self.places[id.index()].push(place);
            }
        }
        Ok(())
    }

    /// Keys first, since their lanes have another column; then the largest tiles first; tiles of one table together.
    fn limbs(&mut self) -> Vec<Lane> {
        let mut tensors: Vec<(bool, u32, TableId, TensorId)> = Vec::new();
        for (id, tensor) in self.program.enumerate() {
            let bits = self.program.tile_bits(id);
            match tensor.role {
                Role::Key { table } => tensors.push((false, bits, table, id)),
                Role::Limb { range } => tensors.push((true, bits, range, id)),
                _ => {}
            }
        }
        tensors
            .sort_by_key(|(limb, bits, table, id)| (*limb, std::cmp::Reverse(*bits), *table, *id));
        let mut lanes: Vec<Filling> = Vec::new();
        let mut packer = Packer::new(self.k);
        for (limb, bits, table, id) in tensors {
            for _ in 0..self.program.tiles(id) {
                let (lane, offset) = packer.take(bits);
                if lane == lanes.len() {
                    lanes.push(Filling::default());
                }
                let filling = &mut lanes[lane];
                filling.has_keys |= !limb;
                // Cells between keys and the first limb are zero, which is in every table without values.
                let end = offset + (1 << bits);
                match filling.runs.last_mut() {
                    Some(run) if run.0 == table => run.1 = end,
                    _ => filling.runs.push((table, end)),
                }
                let kind = ColumnKind::Limb(lane as u32);
                self.columns.insert(kind, Cells::U16);
                self.places[id.index()].push(Some((kind, offset)));
            }
        }
        for lookup in self.program.lookups() {
            let values = self.places[lookup.key.index()]
                .iter()
                .map(|place| match place {
                    Some((ColumnKind::Limb(lane), offset)) => {
                        Some((ColumnKind::Value(*lane), *offset))
                    }
                    _ => None,
                });
            self.places[lookup.value.index()] = values.collect();
        }
        for (lane, filling) in (0_u32..).zip(&lanes) {
            if filling.has_keys {
                self.columns.insert(ColumnKind::Value(lane), Cells::U16);
            }
        }
        lanes
            .into_iter()
            .map(|filling| Lane {
                // Known when all columns are.
                limbs: ColumnId(0),
                values: filling.has_keys.then_some(ColumnId(0)),
                runs: filling.runs,
            })
            .collect()
    }

    /// Places all tensors of a role in columns of their own; gives the rows of each that are in use.
    fn elements(&mut self, role: &Role, kind: fn(u32) -> ColumnKind) -> Vec<usize> {
        let mut tensors: Vec<(u32, TensorId)> = self
            .program
            .enumerate()
            .filter(|(_, tensor)| tensor.role == *role)
            .map(|(id, _)| (self.program.tile_bits(id), id))
            .collect();
        tensors.sort_by_key(|(bits, id)| (std::cmp::Reverse(*bits), *id));
        let mut packer = Packer::new(self.k);
        let mut rows = Vec::new();
        for (bits, id) in tensors {
            for _ in 0..self.program.tiles(id) {
                let (column, offset) = packer.take(bits);
                rows.resize(column + 1, 0);
                rows[column] = offset + (1 << bits);
                let kind = kind(column as u32);
                self.columns.insert(kind, Cells::Field);
                self.places[id.index()].push(Some((kind, offset)));
            }
        }
        rows
    }

    /// Places of tables, rows of each column of tables, and whether it has values.
    #[allow(clippy::type_complexity)]
    fn tables(&mut self) -> Result<(Vec<TablePlace>, Vec<usize>, Vec<bool>), LayoutError> {
        let mut order: Vec<TableId> = (0..self.program.tables().len() as u32)
            .map(TableId)
            .collect();
        let bits = |id: &TableId| self.program.tables()[id.index()].bits;
        order.sort_by_key(|id| (std::cmp::Reverse(bits(id)), *id));
        let (mut places, mut rows, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut packer = Packer::new(self.k);
        for id in order {
            let table = &self.program.tables()[id.index()];
            if table.bits > self.k {
                return Err(LayoutError::LargeTable {
                    table: table.name.clone(),
                    bits: table.bits,
                    k: self.k,
                });
            }
            let (lane, offset) = packer.take(table.bits);
            if lane == rows.len() {
                rows.push(0);
                values.push(false);
            }
            rows[lane] = offset + (1 << table.bits);
            values[lane] |= table.values.is_some();
            places.push(TablePlace {
                table: id,
                lane,
                offset,
            });
        }
        places.sort_by_key(|place| place.table);
        for (lane, has_values) in (0_u32..).zip(&values) {
            self.columns
                .insert(ColumnKind::Multiplicity(lane), Cells::U32);
            if *has_values {
                self.columns
                    .insert(ColumnKind::TableValues(lane), Cells::U16);
            }
        }
        Ok((places, rows, values))
    }

    fn finish(
        mut self,
        mut lanes: Vec<Lane>,
        tables: Vec<TablePlace>,
        (table_rows, with_values): (Vec<usize>, Vec<bool>),
        wires: Vec<usize>,
        fractions: usize,
    ) -> Layout {
        // Lanes of similar length have one helper, which is as long as the longest.
        let mut all: Vec<(usize, bool, usize)> = lanes
            .iter()
            .enumerate()
            .map(|(i, lane)| (lane.rows(), false, i))
            .chain(table_rows.iter().enumerate().map(|(i, r)| (*r, true, i)))
            .collect();
        all.sort_by_key(|(rows, table, i)| (std::cmp::Reverse(*rows), *table, *i));
        let count = all.len().div_ceil(fractions.max(1)).max(1);
        let size = all.len().div_ceil(count).max(1);
        let members: Vec<&[(usize, bool, usize)]> = all.chunks(size).collect();
        // Each wire has two fractions.
        let numbers: Vec<usize> = (0..wires.len()).collect();
        let copy_groups: Vec<&[usize]> = numbers.chunks((fractions / 2).max(1)).collect();
        for group in 0..(members.len() + copy_groups.len()) as u32 {
            self.columns.insert(ColumnKind::Helper(group), Cells::Field);
        }
        for i in 0..wires.len() as u32 {
            self.columns.insert(ColumnKind::Permutation(i), Cells::U32);
        }
        for kind in [
            ColumnKind::Mask,
            ColumnKind::Hiding(0),
            ColumnKind::Hiding(1),
        ] {
            self.columns.insert(kind, Cells::Field);
        }
        let kinds: Vec<ColumnKind> = self.columns.keys().copied().collect();
        let id = |kind: ColumnKind| {
            let index = kinds.binary_search(&kind).expect("a column that was added");
            ColumnId(index as u32)
        };
        for (i, lane) in (0_u32..).zip(&mut lanes) {
            lane.limbs = id(ColumnKind::Limb(i));
            lane.values = lane.values.map(|_| id(ColumnKind::Value(i)));
        }
        let table_lanes = (0_u32..)
            .zip(table_rows.iter().zip(&with_values))
            .map(|(i, (rows, values))| TableLane {
                multiplicities: id(ColumnKind::Multiplicity(i)),
                values: values.then(|| id(ColumnKind::TableValues(i))),
                rows: *rows,
            })
            .collect();
        let of = |members: &[(usize, bool, usize)], tables: bool| {
            let chosen = members.iter().filter(|m| m.1 == tables);
            chosen.map(|m| m.2).collect::<Vec<_>>()
        };
        let looked_up = members
            .iter()
            .map(|members| (of(members, false), of(members, true), Vec::new()));
        let copied = copy_groups
            .iter()
            .map(|copies| (Vec::new(), Vec::new(), copies.to_vec()));
        let groups = (0_u32..)
            .zip(looked_up.chain(copied))
            .map(|(i, (lanes, tables, copies))| Group {
                helper: id(ColumnKind::Helper(i)),
                lanes,
                tables,
                copies,
            })
            .collect();
        let copies = (0_u32..)
            .zip(wires)
            .map(|(i, rows)| CopyLane {
                wires: id(ColumnKind::Wire(i)),
                permutation: id(ColumnKind::Permutation(i)),
                rows,
            })
            .collect();
        let places = self
            .places
            .iter()
            .map(|tiles| {
                let place = |(kind, offset): Provisional| Place {
                    column: id(kind),
                    offset,
                };
                tiles.iter().map(|tile| tile.map(place)).collect()
            })
            .collect();
        let columns = self
            .columns
            .iter()
            .map(|(kind, cells)| Column {
                kind: *kind,
                cells: *cells,
            })
            .collect();
        Layout {
            k: self.k,
            columns,
            places,
            lanes,
            table_lanes,
            tables,
            copies,
            groups,
            mask: id(ColumnKind::Mask),
            hiding: [0, 1].map(|i| id(ColumnKind::Hiding(i))),
        }
    }
}
