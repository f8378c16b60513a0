//! Views and copies, against their definitions.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{
    At, ColumnData, Failure, Layout, Program, Registry, Role, Slot, Tensor, TensorId, Values,
    kernel,
};

struct Nowhere;

impl Registry for Nowhere {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

/// All indices of a tensor, with its cells.
fn cells(v: &Values<'_>, tensor: TensorId) -> Vec<(Vec<usize>, Fr)> {
    let axes = v.program().axes_of(tensor);
    let all = axes.fold(vec![vec![]], |all: Vec<Vec<usize>>, axis| {
        let longer = |at: &Vec<usize>| -> Vec<Vec<usize>> {
            (0..axis.len).map(|i| [&at[..], &[i]].concat()).collect()
        };
        all.iter().flat_map(longer).collect()
    });
    let cell = |at: Vec<usize>| (at.clone(), v.get(tensor, &at));
    all.into_iter().map(cell).collect()
}

/// A tensor at points of its axes.
fn at_points(v: &Values<'_>, tensor: TensorId, points: &[Vec<Fr>]) -> Fr {
    let weight = |at: &[usize]| -> Fr {
        let pairs = points.iter().zip(at);
        pairs
            .map(|(point, i)| kernel::equal_index(point, *i))
            .product()
    };
    let all = cells(v, tensor).into_iter();
    all.map(|(at, cell)| weight(&at) * cell).sum()
}

/// The extension of a view is a weight times that of its tensor, at a point of which the view says a part.
#[test]
fn views_are_what_they_are_by_definition() {
    let mut p = Program::new();
    let [a, b, c] = [("a", 8), ("b", 6), ("c", 4)].map(|(name, len)| p.new_axis(name, len));
    let x = p.new_tensor("x", &[a, b, c], Role::Witness);
    let base = Fr::from(1000);
    let all = [
        [Slot::Axis(a), Slot::Axis(b), Slot::Axis(c)],
        [Slot::Index(6), Slot::Axis(b), Slot::Index(1)],
        [Slot::Axis(a), Slot::Index(4), Slot::Axis(c)],
        [Slot::Powers(base), Slot::Axis(b), Slot::Powers(base + base)],
        [Slot::Axis(a), Slot::Index(3), Slot::Powers(base)],
        [Slot::Powers(base), Slot::Index(5), Slot::Index(2)],
    ];
    let views: Vec<TensorId> = (0..all.len())
        .map(|i| p.new_view(&format!("view {i}"), x, Fr::from(7), &all[i]))
        .collect();
    let layout = Layout::new(&p, 9, 2, &Nowhere).unwrap();
    let mut v = Values::new(&p, &layout, vec![]);
    v.fill_field(x, |at| {
        Fr::from((at[0] * 24 + at[1] * 4 + at[2] + 5) as u64).square()
    });
    for (view, slots) in views.into_iter().zip(all) {
        // Cells are sums with powers.
        for (at, cell) in cells(&v, view) {
            let mut expected = Fr::ZERO;
            for (of, part) in cells(&v, x) {
                let (mut own, mut weight) = (at.iter(), Fr::from(7));
                for (slot, i) in slots.iter().zip(&of) {
                    weight *= match slot {
                        Slot::Axis(_) => Fr::from(u64::from(own.next() == Some(i))),
                        Slot::Index(index) => Fr::from(u64::from(index == i)),
                        Slot::Powers(base) => base.pow([*i as u64]),
                    };
                }
                expected += weight * part;
            }
            assert_eq!(cell, expected);
        }
        let point = |i: u64, bits: u32| -> Vec<Fr> {
            let seed = |b: u32| Fr::from(i * 10 + u64::from(b) + 3).pow([31]);
            (0..bits).map(seed).collect()
        };
        let points: Vec<Vec<Fr>> = (0..)
            .zip(p.axes_of(view))
            .map(|(i, axis)| point(i, axis.bits()))
            .collect();
        let Role::View(what) = &p.tensor(view).role else {
            panic!("it is a view")
        };
        let (weight, parts) = p.view_at::<Fr>(what);
        let mut own = points.iter().cloned();
        let of: Vec<Vec<Fr>> = parts
            .into_iter()
            .map(|part| match part {
                Some(At::Point(point)) => point,
                Some(At::Sum) => panic!("views have points"),
                None => own.next().unwrap(),
            })
            .collect();
        assert_eq!(weight * at_points(&v, x, &of), at_points(&v, view, &points));
    }
}

/// Each cell is compared with that which the permutation puts in its place, also in other columns.
#[test]
fn copies_are_checked() {
    let mut p = Program::new();
    let row = p.new_axis("row", 32);
    let few = p.new_axis("few", 4);
    let wires = [("a", row), ("b", row), ("c", few)];
    let wires = wires.map(|(name, axis)| p.new_tensor(name, &[axis], Role::Wire));
    let layout = Layout::new(&p, 5, 2, &Nowhere).unwrap();
    let mut v = Values::new(&p, &layout, vec![]);
    // The last column's are in a cycle; of the others each is that of the other column.
    let other = |column: u32, row: u32| match column {
        0 => 32 + row,
        1 => row,
        _ => 64 + (row + 1) % 4,
    };
    for (column, lane) in (0_u32..).zip(&layout.copies) {
        let rows = 0..lane.rows as u32;
        let cells: Vec<u32> = rows.map(|row| other(column, row)).collect();
        v.set_column(lane.permutation, ColumnData::U32(cells.into()));
    }
    for id in &wires[..2] {
        v.fill_field(*id, |at| Fr::from(at[0] as u64).square());
    }
    v.fill_field(wires[2], |_| Fr::from(9));
    assert_eq!(p.check(&v), Ok(()));
    assert!(p.copies_hold(&v) && p.failures(&v).is_empty());
    for (id, rows) in wires.into_iter().zip([32, 32, 4]) {
        for row in [0, 1, rows - 1] {
            let mut changed = v.clone();
            assert!(changed.set(id, &[row], 5));
            assert!(!p.copies_hold(&changed));
            let failed = |failure| matches!(failure, Failure::Copy { .. });
            assert!(failed(p.check(&changed).unwrap_err()));
            assert!(p.failures(&changed).into_iter().all(failed));
            assert_eq!(p.failures(&changed).len(), 1);
        }
    }
}
