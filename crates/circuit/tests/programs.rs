//! Programs that make no sense cannot be built: what a proof would say of them is not what they say.

use halo2curves::bn256::Fr;
use nanozk_circuit::{AxisId, Program, Public, Role, Slot, TableId, View};
use std::panic::catch_unwind;

/// Whether building panics with a message that contains a text.
fn refused(text: &str, build: fn(&mut Program)) {
    let error = catch_unwind(|| build(&mut Program::new())).expect_err(text);
    let message = error
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| error.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .expect("a message");
    assert!(message.contains(text), "{message}");
}

fn table(p: &mut Program) -> TableId {
    p.new_table("table", 1, Some(vec![3, 4]))
}

/// Five indices, in a tile of eight.
fn padded(p: &mut Program) -> AxisId {
    p.new_tiled_axis("padded", 5, 3)
}

/// Sums go over the whole tile: whoever chooses the padding of `x` chooses `Σ x`.
#[test]
fn a_prover_has_no_padding_to_choose() {
    let padding = "padding within tiles";
    refused(padding, |p| {
        let (axis, range) = (padded(p), p.range(4));
        p.new_tensor("x", &[axis], Role::Limb { range });
    });
    refused(padding, |p| {
        let (axis, table) = (padded(p), table(p));
        p.new_tensor("x", &[axis], Role::Key { table });
    });
    refused(padding, |p| {
        let axis = padded(p);
        p.new_tensor("x", &[axis], Role::Witness);
    });
    refused(padding, |p| {
        let axis = padded(p);
        p.new_tensor("x", &[axis], Role::Activation);
    });
    // Whole tiles may be missing.
    let mut p = Program::new();
    let axis = p.new_tiled_axis("three tiles", 12, 2);
    p.new_tensor("x", &[axis], Role::Witness);
    let axis = padded(&mut p);
    p.new_tensor("w", &[axis], Role::Weight { wide: false });
}

/// The extension of a matrix at `(r, r)` is not that of its diagonal at `r`.
#[test]
fn no_tensor_is_used_with_one_axis_twice() {
    refused("an axis twice", |p| {
        let t = p.new_axis("t", 4);
        let s = p.new_axis("s", 4);
        let x = p.new_tensor("x", &[t, s], Role::Witness);
        p.use_at(x, &[t, t]);
    });
    refused("an axis twice", |p| {
        let t = p.new_axis("t", 4);
        p.new_tensor("x", &[t, t], Role::Witness);
    });
}

/// Digits of 24 bits, along axes of groups and of numbers with these lengths.
fn digits(p: &mut Program, [groups, numbers]: [usize; 2], group_bits: u32) {
    let (t, s) = (p.new_axis("t", groups), p.new_axis("s", numbers));
    let digits = Public::Digits {
        bits: 24,
        group_bits,
    };
    p.new_tensor("x", &[t, s], Role::Public(digits));
}

/// Kernels have closed forms for some shapes only.
#[test]
fn public_tensors_are_defined_for_their_axes() {
    let undefined = "is not defined for its axes";
    // Kernels of two indices compare as many bits of both, and end at one length.
    refused(undefined, |p| {
        let (t, s) = (p.new_axis("t", 4), p.new_axis("s", 8));
        p.new_tensor("x", &[t, s], Role::Public(Public::Less));
    });
    refused(undefined, |p| {
        let (t, s) = (p.new_axis("t", 6), p.new_axis("s", 5));
        p.new_tensor("x", &[t, s], Role::Public(Public::Successor));
    });
    refused(undefined, |p| {
        let (t, s) = (p.new_axis("t", 4), p.new_axis("s", 4));
        p.new_tensor("x", &[t, s], Role::Public(Public::Index));
    });
    refused(undefined, |p| {
        let t = p.new_axis("t", 4);
        p.new_tensor("x", &[t], Role::Public(Public::Input(0)));
    });
    // An index of several axes is a number only if the lower ones have no padding; nor is there a bound beyond all.
    refused(undefined, |p| {
        let (t, s) = (p.new_axis("t", 4), p.new_axis("s", 6));
        p.new_tensor("x", &[t, s], Role::Public(Public::Below(9)));
    });
    refused(undefined, |p| {
        let t = p.new_axis("t", 6);
        p.new_tensor("x", &[t], Role::Public(Public::Below(7)));
    });
    // As many groups of digits as it says, and one before them.
    refused(undefined, |p| digits(p, [6, 8], 2));
    // Numbers are cut into digits by their bits.
    refused(undefined, |p| digits(p, [3, 6], 1));
    refused(undefined, |p| digits(p, [5, 2], 2));
    refused(undefined, |p| {
        let t = p.new_axis("t", 6);
        p.new_tensor("x", &[t], Role::Public(Public::Cells(vec![Fr::from(1); 8])));
    });
}

#[test]
fn tensors_fit_their_tables() {
    refused("a table with values", |p| {
        let (t, range) = (p.new_axis("t", 4), table(p));
        p.new_tensor("x", &[t], Role::Limb { range });
    });
    refused("a table without values", |p| {
        let (t, table) = (p.new_axis("t", 4), p.range(4));
        p.new_tensor("x", &[t], Role::Key { table });
    });
    refused("other axes than its keys", |p| {
        let (t, s, table) = (p.new_axis("t", 4), p.new_axis("s", 4), table(p));
        let key = p.new_tensor("x", &[t, s], Role::Key { table });
        p.new_tensor("y", &[s, t], Role::Value { key });
    });
    refused("axes of another shape", |p| {
        let (t, s) = (p.new_axis("t", 4), p.new_tiled_axis("s", 4, 1));
        let x = p.new_tensor("x", &[t], Role::Witness);
        p.use_at(x, &[s]);
    });
}

/// A coefficient that wraps is another one: `2^128` would be zero, and a limb that it multiplies would be anybody's.
/// A witness of two axes, of which the first is full.
fn viewed(p: &mut Program, of: fn(AxisId, AxisId) -> ([Slot; 2], Vec<AxisId>)) {
    let (a, b) = (p.new_axis("a", 4), p.new_axis("b", 6));
    let of_both = p.new_tensor("x", &[a, b], Role::Witness);
    let (slots, axes) = of(a, b);
    let view = View {
        of: of_both,
        weight: Fr::from(2),
        slots: slots.to_vec(),
    };
    p.new_tensor("view", &axes, Role::View(view));
}

#[test]
fn views_fit_their_tensors() {
    viewed(&mut Program::new(), |_, b| {
        ([Slot::Powers(Fr::from(3)), Slot::Axis(b)], vec![b])
    });
    viewed(&mut Program::new(), |a, _| {
        ([Slot::Axis(a), Slot::Index(5)], vec![a])
    });
    refused("beyond an axis", |p| {
        viewed(p, |a, _| ([Slot::Axis(a), Slot::Index(6)], vec![a]));
    });
    // The sum would go over padding.
    refused("no such weights", |p| {
        viewed(p, |a, _| {
            ([Slot::Axis(a), Slot::Powers(Fr::from(3))], vec![a])
        });
    });
    // The sum of two weights is zero.
    refused("no such weights", |p| {
        viewed(p, |_, b| {
            ([Slot::Powers(-Fr::from(1)), Slot::Axis(b)], vec![b])
        });
    });
    refused("another shape", |p| {
        viewed(p, |_, b| ([Slot::Axis(b), Slot::Index(0)], vec![b]));
    });
    refused("other axes than it keeps", |p| {
        viewed(p, |a, b| ([Slot::Axis(a), Slot::Axis(b)], vec![b, a]));
    });
    refused("says nothing of some axes", |p| {
        let (a, b) = (p.new_axis("a", 4), p.new_axis("b", 6));
        let x = p.new_tensor("x", &[a, b], Role::Witness);
        p.new_view("view", x, Fr::from(2), &[Slot::Axis(a)]);
    });
    refused("not committed", |p| {
        let a = p.new_axis("a", 4);
        let x = p.new_tensor("x", &[a], Role::Public(Public::Index));
        p.new_view("view", x, Fr::from(2), &[Slot::Axis(a)]);
    });
    refused("not defined for its axes", |p| {
        let a = p.new_axis("a", 4);
        let (index, value) = (4, Fr::from(1));
        p.new_tensor("x", &[a], Role::Public(Public::Cell { index, value }));
    });
    refused("padding within tiles", |p| {
        let axis = padded(p);
        p.new_tensor("x", &[axis], Role::Wire);
    });
}

/// A statement has all public inputs that a tensor has, used or not, and those that are declared.
#[test]
fn public_inputs_are_counted() {
    let mut p = Program::new();
    let axis = p.new_axis("a", 3);
    assert_eq!(p.inputs(), 0);
    p.new_tensor("one", &[], Role::Public(Public::Input(1)));
    assert_eq!(p.inputs(), 2);
    p.new_tensor("three", &[axis], Role::Public(Public::Inputs(4)));
    assert_eq!(p.inputs(), 7);
    p.declare_inputs(5);
    assert_eq!(p.inputs(), 7);
    p.declare_inputs(9);
    assert_eq!(p.inputs(), 9);
}

#[test]
fn coefficients_do_not_wrap() {
    refused("coefficients are of 128 bits", |p| {
        let x = p.new_tensor("x", &[], Role::Witness);
        p.zero("identity", &[], p.use_of(x) * (1 << 64) * (1 << 64));
    });
    refused("coefficients are of 128 bits", |p| {
        let x = p.new_tensor("x", &[], Role::Witness);
        let large = p.use_of(x) * (1 << 64);
        p.zero("identity", &[], large.clone() * (large * (1 << 63)));
    });
    refused("constants are of 128 bits", |p| {
        let x = p.new_tensor("x", &[], Role::Witness);
        let sum = p.use_of(x) + i128::MAX + 1;
        p.zero("identity", &[], sum.squared());
    });
}
