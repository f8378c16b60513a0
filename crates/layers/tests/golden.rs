//! Programs change only on purpose: their digests are what verifiers compare.
//!
//! `test/golden/programs.txt` has the digest of each program below with its layout. After a change that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-layers --test golden`, which writes the file and fails.

use nanozk_circuit::{Layout, Program};
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_layers::tokens::Digests;
use nanozk_layers::{
    attention, mlp, Attention, Axes, Embed, Head, Mlp, Model, Packing, Shape, Tokens,
};
use std::fmt::Write;
use std::path::Path;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../test/golden/programs.txt"
);
const UPDATE: &str = "NANOZK_UPDATE_GOLDEN";

/// What to do if a program is another one.
const RENEW: &str = "a program has another digest, so proofs and registrations of before are not accepted any more. \
    If that is meant: run NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-layers --test golden, \
    and say in CHANGELOG.md, under \"Verifying keys\", which programs are new";

/// Layers of a program.
const LAYERS: usize = 2;
/// Rows of generated tokens.
const ROWS: usize = 4;

fn shape(activation: Activation) -> Shape {
    Shape {
        architecture: Architecture {
            layers: LAYERS,
            width: 12,
            heads: 3,
            mlp_width: 24,
            vocab: 37,
            context: 8,
        },
        spec: synthetic::spec(12, activation),
        positions: 8,
    }
}

/// The digest of a program, whose activations lie in one column for each layer.
fn digest(p: &Program) -> [u8; 32] {
    let k = 16;
    let packing = Packing::new(p, k, |name, layer| {
        let column = 2 * layer + usize::from(name.ends_with("output"));
        u32::try_from(column).unwrap()
    });
    Layout::new(p, k, 5, &packing).unwrap().digest(p)
}

fn lines() -> String {
    let mut lines = String::new();
    let mut add = |name: &str, digest: [u8; 32]| {
        let hex = digest.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        writeln!(lines, "{hex} {name}").unwrap();
    };
    let new = shape(Activation::GeluNew);

    let mut p = Program::new();
    let model = Model::new(&mut p, &new, ROWS).unwrap();
    let packing = model.packing(&p, 16);
    add(
        "model",
        Layout::new(&p, 16, 5, &packing).unwrap().digest(&p),
    );

    let mut p = Program::new();
    let axes = Axes::new(&mut p, &new);
    let exp = attention::exponentials(&mut p);
    Attention::new(&mut p, &new, &axes, LAYERS, exp);
    add("attention", digest(&p));

    for activation in [Activation::GeluNew, Activation::Gelu, Activation::Relu] {
        let shape = shape(activation);
        let mut p = Program::new();
        let axes = Axes::new(&mut p, &shape);
        let act = mlp::activations(&mut p, &shape.spec).unwrap();
        Mlp::new(&mut p, &shape, &axes, LAYERS, act);
        add(&format!("MLP {activation:?}"), digest(&p));
    }

    let mut p = Program::new();
    let axes = Axes::new(&mut p, &new);
    let tokens = Tokens::new(&mut p, &new, &axes, Digests::Both);
    Embed::new(&mut p, &new, &axes, &tokens);
    Head::new(&mut p, &new, &axes, &tokens, ROWS);
    add("embedding and head", digest(&p));
    lines
}

#[test]
fn programs() {
    let found = lines();
    let path = Path::new(FILE);
    if std::env::var_os(UPDATE).is_some_and(|v| v == "1") {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        std::fs::write(path, &found).expect("it can be written");
        panic!("goldens rewritten; run again");
    }
    let golden = std::fs::read_to_string(path).expect("the goldens are under version control");
    assert_eq!(found, golden, "{RENEW}");
}
