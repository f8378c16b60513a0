//! The digest of a program and its layout follows from all that a verifier's work depends on.

use halo2curves::bn256::Fr;
use nanozk_circuit::{Layout, Program, Public, Registry, Role, Slot, Tensor, Virtual};
use std::collections::BTreeMap;

/// Weights in a column, from a row on.
struct At(u32, usize);

impl Registry for At {
    fn place(&self, _: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        (self.1 < 32).then(|| (self.0, self.1 + 4 * indices[0]))
    }
}

/// What can be changed, one at a time.
fn digest(change: &str) -> [u8; 32] {
    let is = |what: &str| change == what;
    let choose = |what: &str, then: &'static str, otherwise: &'static str| match change == what {
        true => then,
        false => otherwise,
    };
    let mut p = Program::new();
    let a = p.new_tiled_axis(
        choose("axis name", "z", "a"),
        8 - 4 * usize::from(is("len")),
        2,
    );
    let b = p.new_tiled_axis("b", 4, 1 + u32::from(is("tile")));
    let c = p.new_tiled_axis("c", 4, 1 + u32::from(is("tile")));
    let mut list: Vec<u16> = (0..8).collect();
    list[3] += u16::from(is("value of a table"));
    let table = p.new_table(choose("table name", "other", "table"), 3, Some(list));
    let second = p.new_table("second", 3, Some((0..8).collect()));
    let (r3, r4) = (p.range(3), p.range(4));
    let wide = is("wide");
    let w = p.new_tensor(
        choose("tensor name", "other", "w"),
        &[a],
        Role::Weight { wide },
    );
    let axes = if is("order of axes") { [c, b] } else { [b, c] };
    let range = if is("range") { r4 } else { r3 };
    let limb = p.new_tensor("limb", &axes, Role::Limb { range });
    let role = if is("role") {
        Role::Limb { range }
    } else {
        Role::Witness
    };
    let x = p.new_tensor("x", &[b, c], role);
    let of = if is("table") { second } else { table };
    let keys = [0, 1].map(|i| p.new_tensor(&format!("key {i}"), &[b], Role::Key { table: of }));
    let key = keys[usize::from(is("key"))];
    p.new_tensor("value", &[b], Role::Value { key });
    let kind = if is("public") {
        Public::Successor
    } else {
        Public::Less
    };
    let pairs = p.new_tensor("pairs", &[b, c], Role::Public(kind));
    let cell = Fr::from(5 + u64::from(is("cell")));
    let one = p.new_tensor("one", &[], Role::Public(Public::Cells(vec![cell])));
    let number = usize::from(!is("number of the input"));
    let input = p.new_tensor("input", &[], Role::Public(Public::Input(number)));
    let first = usize::from(!is("number of the first input"));
    p.new_tensor("inputs", &[b], Role::Public(Public::Inputs(first)));
    let index = usize::from(is("index of a cell"));
    let value = Fr::from(5 + u64::from(is("value of a cell")));
    p.new_tensor("cell", &[b], Role::Public(Public::Cell { index, value }));
    p.declare_inputs(10 + usize::from(is("number of inputs")));
    let role = |what: &str| match is(what) {
        true => Role::Witness,
        false => Role::Wire,
    };
    p.new_tensor("wire", &[b], role("role of wires"));
    let role = match is("role of what is fixed") {
        true => Role::Witness,
        false => Role::Fixed,
    };
    p.new_tensor("fixed", &[b], role);
    let weight = Fr::from(5 + u64::from(is("weight of a view")));
    let index = usize::from(is("index of a view"));
    let base = Fr::from(5 + u64::from(is("base of a view")));
    let slots = match is("slots of a view") {
        true => [Slot::Powers(base), Slot::Index(index)],
        false => [Slot::Index(index), Slot::Powers(base)],
    };
    let of = if is("tensor of a view") { limb } else { x };
    p.new_view("view", of, weight, &slots);
    let slots = match is("axis of a view") {
        true => [Slot::Index(0), Slot::Axis(b)],
        false => [Slot::Index(0), Slot::Axis(c)],
    };
    p.new_view("other view", x, Fr::from(2), &slots);
    let by = if is("definition") { 3 } else { 2 };
    let expression = p.use_of(x) * by;
    let v = p.new_tensor("v", &[b, c], Role::Virtual(Virtual { expression }));
    let used = if is("axes of a use") { [c, b] } else { [b, c] };
    let constant = 1 + i128::from(is("constant"));
    let coefficient = 1 + i128::from(is("coefficient"));
    let inner = 1 + i128::from(is("coefficient of a tensor"));
    let free = if is("free axes") { vec![b] } else { vec![b, c] };
    let tensor = if is("tensor") { limb } else { x };
    let product = (p.use_at(tensor, &used) * inner + constant) * (p.use_of(v) + p.use_of(pairs));
    let name = choose("identity name", "other", "identity");
    p.zero(
        name,
        &free,
        product * coefficient + p.use_of(one) - p.use_of(input),
    );
    if !is("identity") {
        p.zero("sum", &[], p.use_of(w));
    }
    let at = match change {
        "column" => At(1, 0),
        "offset" => At(0, 8),
        "no tile" => At(0, 32),
        _ => At(0, 0),
    };
    let k = 5 + u32::from(is("k"));
    let fractions = 2 - usize::from(is("fractions"));
    let layout = Layout::new(&p, k, fractions, &at).unwrap();
    layout.digest(&p)
}

#[test]
fn the_digest_binds_programs_and_layouts() {
    let changes = [
        "nothing",
        "axis name",
        "len",
        "tile",
        "value of a table",
        "table name",
        "wide",
        "tensor name",
        "order of axes",
        "range",
        "role",
        "table",
        "key",
        "public",
        "cell",
        "number of the input",
        "number of the first input",
        "number of inputs",
        "index of a cell",
        "value of a cell",
        "role of wires",
        "role of what is fixed",
        "weight of a view",
        "index of a view",
        "base of a view",
        "slots of a view",
        "tensor of a view",
        "axis of a view",
        "definition",
        "axes of a use",
        "constant",
        "coefficient",
        "coefficient of a tensor",
        "free axes",
        "tensor",
        "identity name",
        "identity",
        "column",
        "offset",
        "no tile",
        "k",
        "fractions",
    ];
    assert_eq!(digest("nothing"), digest("nothing"));
    let mut known: BTreeMap<[u8; 32], &str> = BTreeMap::new();
    for change in changes {
        let other = known.insert(digest(change), change);
        assert_eq!(other, None, "{change}");
    }
}

/// Which columns of wires have one helper.
#[test]
fn the_digest_binds_groups_of_wires() {
    let mut p = Program::new();
    let row = p.new_axis("row", 32);
    for i in 0..4 {
        p.new_tensor(&format!("wire {i}"), &[row], Role::Wire);
    }
    // Three and one, or two and two.
    let [a, b] = [6, 4].map(|fractions| Layout::new(&p, 5, fractions, &At(0, 32)).unwrap());
    assert_eq!(a.columns().len(), b.columns().len());
    assert_ne!(a.digest(&p), b.digest(&p));
}
