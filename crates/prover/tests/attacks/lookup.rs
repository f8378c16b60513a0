//! Tables: tags, partners, multiplicities.

use crate::layers::*;
use crate::{mlp, stopped_as_counted, stopped_by_part, Part};
use nanozk_circuits::composer::Limbs;
use nanozk_circuits::lookup::SEGMENT_OFFSET;
use nanozk_circuits::mlp::Cells;
use nanozk_executor::spec::{ACT_OUT_EXTRA_FRAC, ACT_OUT_OFFSET, MATMUL_SHIFT};
use nanozk_executor::tables::ActivationTable;

fn table(c: &Case) -> &'static ActivationTable {
    ActivationTable::get(c.setting.activation, c.setting.spec().act_frac).unwrap()
}

/// Cells of the activation at a place of `[n][f]`.
struct Place {
    row: usize,
    hi: nanozk_circuits::composer::Spot,
    lo: nanozk_circuits::composer::Spot,
    out: Limbs,
    rem: Limbs,
}

fn place(c: &Case, at: usize) -> Place {
    let act = &c.layer.mlp().unwrap().act;
    let (t, j) = (at / c.setting.mlp_width, at % c.setting.mlp_width);
    let Cells::Segments {
        hi, lo, out, rem, ..
    } = &act.cells
    else {
        panic!("8-bit limbs")
    };
    let row = act.strip.base + j * c.n() + t;
    Place {
        row,
        hi: *hi,
        lo: *lo,
        out: out.clone(),
        rem: rem.clone(),
    }
}

/// Writes an activation with entries of the table of the prover's choosing.
fn put_entries(c: &mut Case, at: usize, entries: [i128; 2], lo: i128) -> i64 {
    let p = place(c, at);
    let (value, rem) = round(entries[0] + entries[1] * lo, 8);
    for (i, entry) in entries.iter().enumerate() {
        c.set(
            &format!("partner {i}"),
            p.row,
            int(entry + i128::from(SEGMENT_OFFSET)),
        );
    }
    c.put(&p.out, p.row, value + i128::from(ACT_OUT_OFFSET));
    c.put(&p.rem, p.row, rem);
    value as i64
}

/// A place whose pre-activation is in a segment with some property.
fn find(c: &Case, holds: impl Fn(i128, usize, i128) -> bool) -> (usize, i128, usize, i128) {
    let places = c.mlp.h_acc.iter().enumerate().map(|(at, acc)| {
        let (h, _) = round((*acc).into(), MATMUL_SHIFT);
        let u = h + (1 << 15);
        (at, h, (u >> 6) as usize, u & 63)
    });
    places
        .into_iter()
        .find(|(_, h, segment, lo)| holds(*h, *segment, *lo))
        .expect("such a place")
}

/// Without the lookup of the segment, its entries could interpolate the identity.
#[test]
fn identity_passed_off_as_activation() {
    let mut c = mlp();
    let table = table(&c);
    let identity = |h: i128| h << ACT_OUT_EXTRA_FRAC;
    let (at, h, _, lo) = find(&c, |h, _, _| {
        h < 0 && identity(h) > -i128::from(ACT_OUT_OFFSET)
    });
    let value = put_entries(&mut c, at, [identity(h) << 8, 0], lo);
    assert!(i128::from(value) == identity(h) && value != table.eval(h as i64));
    let mut activations = c.mlp.a.clone();
    activations[at] = value;
    c.project(&activations);
    stopped_by_part(c, Part::Lookups);
}

/// Without the value in the tuple, the entries could be those of another segment.
#[test]
fn entries_of_another_segment() {
    let mut c = mlp();
    let table = table(&c);
    let (at, _, segment, lo) = find(&c, |h, _, _| h > 1 << 10);
    let entry = |s: usize| [table.a[s].into(), table.b[s].into()];
    let value = put_entries(&mut c, at, entry(segment - 1), lo);
    let mut activations = c.mlp.a.clone();
    assert_ne!(activations[at], value);
    activations[at] = value;
    c.project(&activations);
    stopped_by_part(c, Part::Lookups);
}

/// With one range for all cells, the position in a segment could be beyond it: another segment's entries.
#[test]
fn position_beyond_its_segment() {
    let mut c = mlp();
    let table = table(&c);
    let reading = |segment: usize, lo: i128| {
        round(
            i128::from(table.a[segment - 1]) + i128::from(table.b[segment - 1]) * (lo + 64),
            8,
        )
        .0
    };
    let (at, _, segment, lo) = find(&c, |h, segment, lo| {
        reading(segment, lo) != i128::from(table.eval(h as i64))
    });
    let p = place(&c, at);
    c.put_spot(p.hi, p.row, segment as i128 - 1);
    c.put_spot(p.lo, p.row, lo + 64);
    let entries = [table.a[segment - 1].into(), table.b[segment - 1].into()];
    let value = put_entries(&mut c, at, entries, lo + 64);
    let mut activations = c.mlp.a.clone();
    activations[at] = value;
    c.project(&activations);
    // Its own table does not have it.
    c.recount();
    stopped_as_counted(&c, Part::Lookups);
    // Counted as a member of the range table, which has it.
    c.add("multiplicity", (lo + 64) as usize, 1);
    stopped_as_counted(&c, Part::Lookups);
}

/// With tags added to the values, a range cell could hold an entry of another table: its tag in the
/// higher bits would be a remainder beyond its range.
#[test]
fn range_cell_with_an_entry_of_another_table() {
    let layer = mlp().layer.clone();
    let index = layer.lookups().unwrap();
    for (tag, (start, len)) in index.tables.iter().copied().enumerate().skip(1) {
        let mut c = mlp();
        let table = table(&c);
        let act = &layer.mlp().unwrap().act;
        let limb = act.rem.0[0].0;
        let low = |c: &Case, at: usize| c.spot(limb, place(c, at).row);
        let at = (0..c.mlp.a.len())
            .find(|at| low(&c, *at) < len as i128)
            .expect("a small limb");
        // `h − tag` with the remainder `rem + tag·2^16`, all of it in the first limb.
        let (h, rem) = round(c.mlp.h_acc[at].into(), MATMUL_SHIFT);
        let h = h - tag as i128;
        c.put_activation(at, h, rem);
        let (row, entry) = (place(&c, at).row, low(&c, at));
        c.put_spot(limb, row, entry + ((tag as i128) << 16));
        let mut activations = c.mlp.a.clone();
        activations[at] = table.eval(h as i64);
        c.project(&activations);
        c.recount();
        c.add("multiplicity", start + entry as usize, 1);
        stopped_as_counted(&c, Part::Lookups);
    }
}

/// Without the sum over all rows, a value could be counted that is not looked up, and one that is in no
/// table.
#[test]
fn multiplicity_forged() {
    for by in [1, -1] {
        let mut c = mlp();
        c.add("multiplicity", 3, by);
        stopped_as_counted(&c, Part::Lookups);
    }
    let mut c = mlp();
    c.add("multiplicity", 3, 1);
    c.add("multiplicity", 4, -1);
    stopped_as_counted(&c, Part::Lookups);
}
