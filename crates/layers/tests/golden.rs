//! Programs change only on purpose: their digests are what verifiers compare.
//!
//! `test/golden/programs.txt` has the digest of each program below with its layout. After a change that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-layers --test golden`, which writes the file and fails.

use nanozk_circuit::{Layout, Program};
use nanozk_executor::{Activation, Architecture, Gpt2, MlpKind, Norm, Positions, Spec, synthetic};
use nanozk_layers::{Layer, Layers, Packing, Selection, Shape};
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
        architecture: Gpt2 {
            layers: LAYERS,
            width: 12,
            heads: 3,
            mlp_width: 24,
            vocab: 37,
            context: 8,
        }
        .architecture(),
        spec: synthetic::spec(12, activation),
        positions: 8,
    }
}

/// With rotations, grouped heads, and a gate.
fn llama() -> Shape {
    Shape {
        architecture: Architecture {
            heads: 6,
            kv_heads: 2,
            head_width: 4,
            positions: Positions::Rotary,
            mlp: MlpKind::Gated,
            qk_norm: false,
            ..shape(Activation::Silu).architecture
        },
        spec: Spec {
            norm: Norm::RmsNorm,
            ..synthetic::spec(12, Activation::Silu)
        },
        positions: 8,
    }
}

/// The same with normalized queries and keys.
fn qwen3() -> Shape {
    let mut shape = llama();
    shape.architecture.qk_norm = true;
    shape
}

/// The digest of the program of some layers.
fn digest(shape: &Shape, layers: &[Layer]) -> [u8; 32] {
    let numbers: Vec<usize> = layers.iter().map(|layer| layer.number(LAYERS)).collect();
    let selection = Selection::new(&numbers, LAYERS).unwrap();
    let mut p = Program::new();
    let layers = Layers::new(&mut p, shape, &selection, ROWS).unwrap();
    let packing = Packing::new(shape, 16).unwrap();
    let registry = packing.registry(&p, &layers);
    Layout::new(&p, 16, 5, &registry).unwrap().digest(&p)
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

    let all: Vec<Layer> = Selection::all(LAYERS).layers().collect();
    add("model", digest(&new, &all));
    // Each kind of layer by itself, in its first place and in another.
    add("embed", digest(&new, &[Layer::Embed]));
    add("head", digest(&new, &[Layer::Head]));
    for block in 0..LAYERS {
        let layer = Layer::Attention(block);
        add(&layer.to_string(), digest(&new, &[layer]));
    }
    for activation in [Activation::GeluNew, Activation::Gelu, Activation::Relu] {
        let name = format!("mlp 1 {activation:?}");
        add(&name, digest(&shape(activation), &[Layer::Mlp(1)]));
    }
    let drawn = [
        Layer::Embed,
        Layer::Mlp(0),
        Layer::Attention(1),
        Layer::Head,
    ];
    add("drawn layers", digest(&new, &drawn));
    add("llama", digest(&llama(), &all));
    for layer in [
        Layer::Embed,
        Layer::Attention(1),
        Layer::Mlp(1),
        Layer::Head,
    ] {
        add(&format!("llama {layer}"), digest(&llama(), &[layer]));
    }
    add("qwen3", digest(&qwen3(), &all));
    let layer = Layer::Attention(1);
    add(&format!("qwen3 {layer}"), digest(&qwen3(), &[layer]));
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
