//! Tables and the code that reads them, as one contract.

use crate::straight;
use crate::tables::{small, Gate, Operation, Tables, Unsupported};
use halo2curves::bn256::{Fq2, Fr, G1Affine, G2Affine};
use halo2curves::ff::PrimeField;
use nanozk_circuits::ir::{Column, Kind};
use nanozk_circuits::Shape;
use nanozk_verifier::encoding::{point_to_words, scalar_to_bytes};
use nanozk_verifier::hex::encode;
use nanozk_verifier::{AggregateProof, KzgVerifier, Proof, VerifyingKey};
use std::fmt::Write;

/// Name and version of the generator, as contracts report it.
pub const GENERATOR: &str = concat!("nanozk-evm ", env!("CARGO_PKG_VERSION"));

/// What differs between verifiers of layers and of aggregates.
struct Parts {
    entry: &'static str,
    bound: &'static str,
    linearize: &'static str,
    terms: &'static str,
    given: &'static str,
    location: &'static str,
    copy_waiting: &'static str,
    copy_registers: &'static str,
    fold_challenge: &'static str,
    fold_field: &'static str,
    pairing: &'static str,
}

const LAYER: Parts = Parts {
    entry: include_str!("../templates/layer/entry.sol"),
    bound: include_str!("../templates/layer/bound.sol"),
    linearize: include_str!("../templates/layer/linearize.sol"),
    terms: include_str!("../templates/layer/terms.sol"),
    given: "INSTANCES",
    location: "calldata",
    copy_waiting: "calldatacopy(add(waiting, 32), instances.offset, mul(32, INSTANCES))",
    copy_registers: "calldatacopy(add(registers, 192), instances.offset, mul(32, INSTANCES))",
    fold_challenge: "",
    fold_field: "",
    pairing: "        _checkPairing(sum.x, sum.y, wX, P - wY);\n",
};

const AGGREGATE: Parts = Parts {
    entry: include_str!("../templates/aggregate/entry.sol"),
    bound: include_str!("../templates/aggregate/bound.sol"),
    linearize: include_str!("../templates/aggregate/linearize.sol"),
    terms: "",
    given: "4",
    location: "memory",
    copy_waiting: "mcopy(add(waiting, 32), add(instances, 32), mul(32, INSTANCES))",
    copy_registers: "mcopy(add(registers, 192), add(instances, 32), mul(32, INSTANCES))",
    fold_challenge: "            // Second commitment of the opening → factor of the accumulator.
            calldatacopy(waiting, add(add(proof.offset, OPENING_AT), 64), 64)
            mstore(buffer, keccak256(buffer, 96))
            mstore(add(challenges, 128), mod(mload(buffer), r))
",
    fold_field: "        /// Factor of the accumulator.\n        uint256 fold;\n",
    pairing: include_str!("../templates/aggregate/pairing.sol"),
};

/// What a verifier says of its circuit.
struct Says {
    kind: u64,
    activations: String,
}

/// Where a layer's verifier says its kind.
pub const AGGREGATE_KIND: u64 = 255;

const TEMPLATE: &str = include_str!("../templates/Verifier.sol");
/// Compiler version that the contracts ask for.
pub const PRAGMA: &str = "0.8.37";
/// The interface that contracts implement.
pub const INTERFACE: &str = include_str!("../../../contracts/interfaces/ILayerVerifier.sol");

/// A contract's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Name of the contract.
    pub name: String,
    /// Solidity.
    pub source: String,
}

/// The verifier of a shape's key under a setup.
///
/// `name` is the contract's, `interface` the path by which it imports `ILayerVerifier.sol`, and `warning` is put beside
/// the setup's id (empty for none).
///
/// # Panics
/// If the key belongs to another setup, or has not the size and the ends of the shape.
pub fn generate(
    shape: &Shape,
    vk: &VerifyingKey,
    params: &KzgVerifier,
    name: &str,
    interface: &str,
    warning: &str,
) -> Result<Contract, Unsupported> {
    let program = vk.program();
    let has = |kind| program.columns_of(kind).next().is_some();
    let activations = shape.activations();
    assert_eq!(program.k, shape.plan.k, "the key is of another size");
    assert_eq!(
        activations.map(|a| a.is_some()),
        [has(Kind::Input), has(Kind::Output)],
        "the key is of another kind of layer"
    );
    let [enter, leave] = activations;
    let own = enter.or(leave).expect("every layer has a neighbour");
    let says = Says {
        kind: shape.kind as u64,
        activations: format!("K, {}, {}", own.positions, own.width),
    };
    write(vk, params, name, interface, warning, &LAYER, &says)
}

/// The verifier of an aggregate: `vk` is its root's key. Otherwise as [`generate`].
///
/// # Panics
/// If the key belongs to another setup, or is no root's.
pub fn generate_aggregate(
    vk: &VerifyingKey,
    params: &KzgVerifier,
    name: &str,
    interface: &str,
    warning: &str,
) -> Result<Contract, Unsupported> {
    assert_eq!(
        vk.program().instances,
        nanozk_verifier::aggregate::INSTANCES,
        "the key is not a root's"
    );
    let says = Says {
        kind: AGGREGATE_KIND,
        activations: "0, 0, 0".into(),
    };
    write(vk, params, name, interface, warning, &AGGREGATE, &says)
}

fn write(
    vk: &VerifyingKey,
    params: &KzgVerifier,
    name: &str,
    interface: &str,
    warning: &str,
    parts: &Parts,
    says: &Says,
) -> Result<Contract, Unsupported> {
    assert_eq!(params.id, vk.setup(), "the key belongs to another setup");
    let tables = Tables::new(vk)?;
    let (program, layout) = (vk.program(), vk.layout());
    let (first, second) = (layout.first.len(), layout.second.len());
    let evaluations_at = 64 * (first + second + 2);
    let (start, weights) = tables.bound.weights;
    let number = |n: usize| n.to_string();
    let [g1_x, g1_y] = point_to_words(&params.g1).map(|w| encode(&w));
    let [g2_x_im, g2_x_re, g2_y_im, g2_y_re] = g2_words(&params.g2);
    let [s_g2_x_im, s_g2_x_re, s_g2_y_im, s_g2_y_re] = g2_words(&params.s_g2);
    let fields = [
        ("generator", GENERATOR.to_owned()),
        ("pragma", PRAGMA.to_owned()),
        ("interface", interface.to_owned()),
        ("circuit", program.name.clone()),
        ("digest", encode(&vk.digest())),
        (
            "digest_scalar",
            encode(&scalar_to_bytes(&vk.digest_scalar())),
        ),
        ("setup", encode(&vk.setup())),
        (
            "warning",
            if warning.is_empty() {
                String::new()
            } else {
                format!(" ({warning})")
            },
        ),
        ("name", name.to_owned()),
        ("k", program.k.to_string()),
        ("kind", says.kind.to_string()),
        ("activations", says.activations.clone()),
        ("instances", number(tables.instances)),
        ("first_detail", first_detail(&tables)),
        ("first", number(first)),
        ("second", number(second)),
        ("evaluations", number(layout.openings.len())),
        ("evaluations_at", number(evaluations_at)),
        (
            "opening_at",
            number(evaluations_at + 32 * layout.openings.len()),
        ),
        ("proof_length", {
            let own = Proof::calldata_length(layout);
            let head = AggregateProof::calldata_length(layout) - own;
            number(if parts.given == LAYER.given {
                own
            } else {
                own + head
            })
        }),
        ("fixed", number(layout.fixed)),
        ("opened", number(tables.opened.len())),
        ("linear", number(tables.linear.len())),
        ("rotations", number(tables.rotations.len())),
        ("constants_at", number(tables.constants_at())),
        ("scalars_at", number(tables.scalars_at())),
        ("registers", number(tables.registers())),
        ("g1_x", g1_x),
        ("g1_y", g1_y),
        ("g2_x_im", g2_x_im),
        ("g2_x_re", g2_x_re),
        ("g2_y_im", g2_y_im),
        ("g2_y_re", g2_y_re),
        ("s_g2_x_im", s_g2_x_im),
        ("s_g2_x_re", s_g2_x_re),
        ("s_g2_y_im", s_g2_y_im),
        ("s_g2_y_re", s_g2_y_re),
        ("input", boundary(tables.bound.input)),
        ("output", boundary(tables.bound.output)),
        (
            "weights",
            format!("{}:{}", 64 * start, 64 * (start + weights)),
        ),
        ("fixed_table", fixed_table(vk)),
        ("rotation_table", rotation_table(vk, &tables)),
        ("constant_table", constant_table(&tables)),
        ("scalar_table", scalar_table(&tables)),
        ("gates", gates(&tables)),
        ("gate_count", number(tables.gates.len())),
        ("term_table", term_table(vk, &tables)),
        ("opened_table", opened_table(vk, &tables)),
        ("weight_table", weight_table(vk, &tables)),
        ("linear_table", linear_table(vk, &tables)),
    ];
    let parts = [
        ("entry", parts.entry),
        ("bound", parts.bound),
        ("linearize", parts.linearize),
        ("terms", parts.terms),
        ("given", parts.given),
        ("location", parts.location),
        ("copy_waiting", parts.copy_waiting),
        ("copy_registers", parts.copy_registers),
        ("fold_challenge", parts.fold_challenge),
        ("fold_field", parts.fold_field),
        ("pairing", parts.pairing),
    ];
    let mut source = TEMPLATE.to_owned();
    for (field, value) in parts {
        source = source.replace(&format!("{{{{{field}}}}}"), value);
    }
    if source.contains("{{straight}}") {
        let (code, shared) = straight::code(vk, &tables);
        source = source.replace("{{straight}}", &code);
        source = source.replace("{{shared}}", &number(shared));
    }
    for (field, value) in fields {
        source = source.replace(&format!("{{{{{field}}}}}"), &value);
    }
    debug_assert!(
        !source.contains("{{"),
        "every field of the template is filled"
    );
    Ok(Contract {
        name: name.to_owned(),
        source,
    })
}

/// Coordinates as the pairing precompile takes them: imaginary parts first.
fn g2_words(point: &G2Affine) -> [String; 4] {
    let word = |bytes: &[u8]| {
        let mut word = bytes.to_vec();
        word.reverse();
        encode(&word)
    };
    let parts = |c: &Fq2| [word(c.c1.to_repr().as_ref()), word(c.c0.to_repr().as_ref())];
    let ([x_im, x_re], [y_im, y_re]) = (parts(&point.x), parts(&point.y));
    [x_im, x_re, y_im, y_re]
}

/// One line of a table: bytes, and what they are.
struct Line {
    bytes: String,
    comment: String,
}

fn table(lines: impl IntoIterator<Item = Line>) -> String {
    let mut out = String::new();
    for line in lines {
        let Line { bytes, comment } = line;
        let _ = match comment.is_empty() {
            true => writeln!(out, "        hex\"{bytes}\""),
            false => writeln!(out, "        hex\"{bytes}\" // {comment}"),
        };
    }
    if out.is_empty() {
        out.push_str("        hex\"\"\n");
    }
    out.pop();
    out
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    encode(bytes.as_ref())[2..].to_owned()
}

fn word(value: &Fr) -> String {
    hex(scalar_to_bytes(value))
}

fn name(vk: &VerifyingKey, column: Column) -> &str {
    &vk.program().info(column).name
}

fn first_detail(tables: &Tables) -> String {
    let (_, weights) = tables.bound.weights;
    let mut parts = Vec::new();
    if tables.bound.input.is_some() {
        parts.push("input".to_owned());
    }
    if tables.bound.output.is_some() {
        parts.push("output".to_owned());
    }
    parts.push(format!("{weights} of weights"));
    format!(", among them: {}", parts.join(", "))
}

/// Expression for a boundary's commitment.
fn boundary(place: Option<usize>) -> String {
    place.map_or("0".into(), |i| format!("_compressed(proof, {i})"))
}

fn fixed_table(vk: &VerifyingKey) -> String {
    let columns = vk.program().columns.iter();
    let point = |p: &G1Affine| hex(point_to_words(p).as_flattened());
    table(vk.fixed_commitments().iter().zip(columns).enumerate().map(
        |(i, (commitment, column))| Line {
            bytes: point(commitment),
            comment: format!("{i} {}", column.name),
        },
    ))
}

fn rotation_table(vk: &VerifyingKey, tables: &Tables) -> String {
    table(tables.rotations.iter().enumerate().map(|(i, r)| Line {
        bytes: word(&vk.layout().rotate(Fr::one(), *r)),
        comment: format!("{i} ω^{r}"),
    }))
}

fn constant_table(tables: &Tables) -> String {
    let at = tables.constants_at();
    table(tables.constants.iter().enumerate().map(|(i, c)| Line {
        bytes: word(c),
        comment: format!("r{} = {}", at + i, small(*c)),
    }))
}

fn scalar_table(tables: &Tables) -> String {
    let at = tables.scalars_at();
    table(tables.operations.iter().enumerate().map(|(i, operation)| {
        let (product, a, b, sign) = match *operation {
            Operation::Sum(a, b) => (0, a, b, '+'),
            Operation::Product(a, b) => (1 << 15, a, b, '·'),
        };
        Line {
            bytes: format!("{:04x}_{b:04x}", product | a),
            comment: format!(
                "r{} = {} {sign} {}",
                at + i,
                tables.describe(a),
                tables.describe(b)
            ),
        }
    }))
}

/// Terms of a line.
const TERMS_PER_LINE: usize = 7;

/// The gates by their numbers, as comments.
fn gates(tables: &Tables) -> String {
    let line = |(g, gate): (usize, &Gate)| format!("    /// {g:02x} {}: {}", gate.id, gate.meaning);
    let lines: Vec<String> = tables.gates.iter().enumerate().map(line).collect();
    lines.join("\n")
}

fn term_table(vk: &VerifyingKey, tables: &Tables) -> String {
    let mut columns = vec![Vec::new(); 1 + tables.linear.len()];
    for (g, gate) in tables.gates.iter().enumerate() {
        for term in &gate.terms {
            let mut cells = [0; 3];
            for (cell, evaluation) in cells.iter_mut().zip(&term.cells) {
                *cell = evaluation + 1;
            }
            let [a, b, c] = cells;
            let column = term.linear.map_or(0, |l| l + 1);
            columns[column].push(format!(
                "{g:02x}{:04x}{a:02x}{b:02x}{c:02x}",
                term.coefficient
            ));
        }
    }
    let mut lines = Vec::new();
    for (i, terms) in columns.iter().enumerate() {
        lines.push(Line {
            bytes: format!("{:02x}", terms.len()),
            comment: match i.checked_sub(1) {
                Some(l) => name(vk, tables.linear[l].0).to_owned(),
                None => "opened cells only".to_owned(),
            },
        });
        lines.extend(terms.chunks(TERMS_PER_LINE).map(|chunk| Line {
            bytes: chunk.join("_"),
            comment: String::new(),
        }));
    }
    table(lines)
}

fn opened_table(vk: &VerifyingKey, tables: &Tables) -> String {
    table(tables.opened.iter().map(|o| {
        let rotations: Vec<String> = o
            .rotations
            .iter()
            .map(|r| tables.rotations[*r].to_string())
            .collect();
        Line {
            bytes: format!(
                "{:02x}_{:02x}_{}",
                o.commitment,
                o.rotations.len(),
                hex(o.rotations.iter().map(|r| *r as u8).collect::<Vec<_>>())
            ),
            comment: format!("{} at {}", name(vk, o.column), rotations.join(", ")),
        }
    }))
}

fn weight_table(vk: &VerifyingKey, tables: &Tables) -> String {
    table(tables.opened.iter().flat_map(|o| {
        let rotations = o.rotations.iter().map(|r| tables.rotations[*r]);
        o.weights.iter().zip(rotations).map(|(w, r)| Line {
            bytes: word(w),
            comment: format!("{} at {r}", name(vk, o.column)),
        })
    }))
}

fn linear_table(vk: &VerifyingKey, tables: &Tables) -> String {
    table(
        tables
            .linear
            .iter()
            .enumerate()
            .map(|(i, (column, commitment))| Line {
                bytes: format!("{commitment:02x}"),
                comment: format!("{:02x} {}", i + 1, name(vk, *column)),
            }),
    )
}
