//! Small programs written by hand, with witnesses.

#![allow(dead_code, unreachable_pub)]

use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::ir::*;
use nanozk_prover::plonk::{self, verifier_params, ProvingKey, Witness};
use nanozk_verifier::{verify, Error, Expected, KzgVerifier, Proof, TranscriptKind};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of all of them.
pub const K: u32 = 7;
/// Identifies the tests' setup.
pub const SETUP: [u8; 32] = [7; 32];

/// A program, and something that satisfies it.
#[derive(Clone)]
pub struct Example {
    pub program: Program,
    pub first: Vec<Vec<Fr>>,
    pub instances: Vec<Fr>,
}

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn params() -> ParamsKZG<Bn256> {
    ParamsKZG::setup(K, rng(0))
}

struct Builder(Program);

impl Builder {
    fn new(name: &str, instances: usize) -> Self {
        let (columns, gates, fixed, steps) = (vec![], vec![], vec![], vec![]);
        Builder(Program {
            name: name.into(),
            k: K,
            columns,
            instances,
            gates,
            fixed,
            steps,
            public: false,
        })
    }

    fn column(&mut self, name: &str, kind: Kind, linear: bool, zero_blind: bool) -> Column {
        self.0.columns.push(ColumnInfo {
            name: name.into(),
            kind,
            linear,
            zero_blind,
        });
        Column(self.0.columns.len() as u32 - 1)
    }

    fn fixed(&mut self, name: &str, values: impl Fn(usize) -> u64) -> Column {
        let usable = self.0.usable();
        self.0
            .fixed
            .push((0..usable).map(|row| Fr::from(values(row))).collect());
        self.column(name, Kind::Fixed, false, false)
    }

    fn gate(&mut self, id: &str, poly: Poly) {
        self.0.gates.push(Gate {
            id: id.into(),
            meaning: "a test",
            poly: poly.normalized(),
        });
    }
}

/// The column with these values at the top.
fn column(values: impl IntoIterator<Item = u64>) -> Vec<Fr> {
    let mut column: Vec<Fr> = values.into_iter().map(Fr::from).collect();
    column.resize(1 << K, Fr::ZERO);
    column
}

/// `a · b = c` on all rows, the first `a` is public, and `Σ beta^row · c` is computed upwards by
/// Horner's rule and downwards with powers, with equal results.
pub fn products() -> Example {
    let mut p = Builder::new("products", 1);
    let rows = p.0.usable();
    let s = p.fixed("s", |_| 1);
    let first = p.fixed("first", |row| (row == 0) as u64);
    let last = p.fixed("last", |row| (row == rows - 1) as u64);
    let a = p.column("a", Kind::Input, false, false);
    let b = p.column("b", Kind::Witness, false, false);
    let c = p.column("c", Kind::Output, false, false);
    let up = p.column("up", Kind::Second, false, false);
    let power = p.column("power", Kind::Second, false, false);
    let down = p.column("down", Kind::Second, false, false);
    let beta = || Scalar::Challenge(Challenge::Beta);

    p.gate("product", s.cur() * (a.cur() * b.cur() - c.cur()));
    p.gate(
        "public",
        first.cur() * (a.cur() - Poly::scalar(Scalar::Instance(0))),
    );
    // up = c + beta · (up below)
    let up_value = c.cur() + up.at(1) * beta();
    p.gate(
        "up",
        s.cur() * (up.cur() - c.cur()) - (s.cur() - last.cur()) * up.at(1) * beta(),
    );
    // power = beta^row; down = (down above) + power · c
    p.gate(
        "power",
        s.cur() * power.cur() - first.cur() - (s.cur() - first.cur()) * power.at(-1) * beta(),
    );
    let down_value = down.at(-1) + power.cur() * c.cur();
    p.gate(
        "down",
        s.cur() * (down.cur() - power.cur() * c.cur()) - (s.cur() - first.cur()) * down.at(-1),
    );
    p.gate("sum", last.cur() * (down.cur() - up.at(1 - rows as i32)));

    let assign = |column, rows, descending, value| Step::Assign {
        column,
        rows,
        descending,
        value,
    };
    p.0.steps = vec![
        assign(up, Span::row(rows - 1), false, c.cur()),
        assign(up, Span::run(0, rows - 1), true, up_value),
        assign(power, Span::row(0), false, Poly::int(1)),
        assign(power, Span::run(1, rows - 1), false, power.at(-1) * beta()),
        assign(down, Span::row(0), false, c.cur()),
        assign(down, Span::run(1, rows - 1), false, down_value),
    ];
    let rows = rows as u64;
    let first = vec![
        column((0..rows).map(|i| i + 5)),
        column((0..rows).map(|i| i * i)),
        column((0..rows).map(|i| i * i * (i + 5))),
    ];
    Example {
        program: p.0,
        first,
        instances: vec![Fr::from(5)],
    }
}

/// All but the last `f` are in the table of multiples of three, by the logarithmic derivative.
pub fn lookup() -> Example {
    let mut p = Builder::new("lookup", 0);
    let rows = p.0.usable() - 1;
    let active = p.fixed("active", |row| (row < rows) as u64);
    let first = p.fixed("first", |row| (row == 0) as u64);
    let last = p.fixed("last", |row| (row == rows) as u64);
    let table = p.fixed("table", |row| 3 * row as u64);
    let f = p.column("f", Kind::Witness, false, false);
    let m = p.column("m", Kind::Witness, false, true);
    let h = p.column("h", Kind::Second, false, true);
    let g = p.column("g", Kind::Second, false, true);
    let sum = p.column("sum", Kind::Second, false, false);
    let alpha = || Poly::scalar(Scalar::Challenge(Challenge::Alpha));

    p.gate("looked up", h.cur() * (alpha() + f.cur()) - active.cur());
    p.gate("table", g.cur() * (alpha() + table.cur()) - m.cur());
    p.gate(
        "step",
        active.cur() * (sum.at(1) - sum.cur() - h.cur()) + active.cur() * g.cur(),
    );
    p.gate("start", first.cur() * sum.cur());
    p.gate("balance", last.cur() * sum.cur());

    let all = Span::run(0, rows);
    let ratio = |column, numerator, denominator| Step::Ratio {
        column,
        rows: all,
        numerator,
        denominator,
    };
    p.0.steps = vec![
        ratio(h, Poly::int(1), alpha() + f.cur()),
        ratio(g, m.cur(), alpha() + table.cur()),
        Step::Assign {
            column: sum,
            rows: Span::run(1, rows),
            descending: false,
            value: sum.at(-1) + h.at(-1) - g.at(-1),
        },
    ];
    let looked_up: Vec<u64> = (0..rows as u64).map(|i| 3 * (i * i % 11)).collect();
    let count = |row: u64| looked_up.iter().filter(|v| **v == 3 * row).count() as u64;
    let m = column((0..rows as u64).map(count));
    Example {
        program: p.0,
        first: vec![column(looked_up), m],
        instances: vec![],
    }
}

/// Weights that are never opened: `sum = Σ x · (w_0 + tau w_1) + tau^2 · w_2`, folded by `beta`, with
/// the result for the weights alone public; the signs of half of the weights are negative.
pub fn weights() -> Example {
    let mut p = Builder::new("weights", 1);
    let rows = p.0.usable() - 1;
    let s = p.fixed("s", |row| (row < rows) as u64);
    let first = p.fixed("first", |row| (row == 0) as u64);
    let last = p.fixed("last", |row| (row == rows) as u64);
    let x = p.column("x", Kind::Input, false, false);
    let w: Vec<_> = (0..3)
        .map(|j| p.column(&format!("w{j}"), Kind::Weight, true, false))
        .collect();
    let plain = p.column("plain", Kind::Witness, false, false);
    let hidden = p.column("hidden", Kind::Second, true, false);
    let sum = p.column("sum", Kind::Second, false, false);
    let beta = || Scalar::Challenge(Challenge::Beta);
    let tau = |e| Scalar::pow(Challenge::Tau, e);

    let terms = x.cur() * w[0].cur() + x.cur() * w[1].cur() * tau(1) + w[2].cur() * tau(2);
    p.gate(
        "fold",
        s.cur() * (sum.at(1) - sum.cur() * beta() - terms.clone()),
    );
    p.gate("start", first.cur() * sum.cur());
    p.gate(
        "plain",
        s.cur() * (plain.at(1) - plain.cur() - w[0].cur() * 2),
    );
    p.gate("plain start", first.cur() * plain.cur());
    p.gate(
        "public",
        last.cur() * (plain.cur() - Poly::scalar(Scalar::Instance(0))),
    );
    p.gate(
        "hidden",
        s.cur() * (hidden.cur() - terms.clone() + x.cur() * x.at(1) * tau(3)),
    );
    p.gate("copy", last.cur() * (hidden.cur() - sum.cur()));

    let assign = |column, rows, value| Step::Assign {
        column,
        rows,
        descending: false,
        value,
    };
    p.0.steps = vec![
        assign(
            hidden,
            Span::run(0, rows),
            terms.clone() - x.cur() * x.at(1) * tau(3),
        ),
        assign(
            sum,
            Span::run(1, rows),
            sum.at(-1) * beta() + terms.shift(-1),
        ),
        assign(hidden, Span::row(rows), sum.cur()),
    ];
    let signed = |v: i64| {
        if v < 0 {
            -Fr::from(v.unsigned_abs())
        } else {
            Fr::from(v as u64)
        }
    };
    let weight = |j: i64| {
        let mut values = column([]);
        for (row, v) in values.iter_mut().enumerate().take(rows) {
            *v = signed((row as i64 * 7 + j) % 13 - 6);
        }
        values
    };
    let w = [weight(0), weight(1), weight(2)];
    let mut plain = column([]);
    for row in 0..rows {
        plain[row + 1] = plain[row] + w[0][row].double();
    }
    let instance = plain[rows];
    let [w0, w1, w2] = w;
    let first = vec![
        column((0..rows as u64).map(|i| i * 3 + 1)),
        w0,
        w1,
        w2,
        plain,
    ];
    Example {
        program: p.0,
        first,
        instances: vec![instance],
    }
}

/// All of them.
pub fn examples() -> [Example; 3] {
    [products(), lookup(), weights()]
}

/// Fills the blind rows the prover does not.
pub fn blinded(program: &Program, mut first: Vec<Vec<Fr>>, seed: u64) -> Vec<Vec<Fr>> {
    let mut rng = rng(seed);
    for (column, values) in program.first_phase().into_iter().zip(&mut first) {
        if program.info(column).kind != Kind::Witness {
            values[program.usable()..]
                .iter_mut()
                .for_each(|v| *v = Fr::random(&mut rng));
        }
    }
    first
}

/// A key pair and what else it takes.
pub struct Fixture {
    pub params: ParamsKZG<Bn256>,
    pub pk: ProvingKey,
    pub kzg: KzgVerifier,
    pub example: Example,
}

impl Fixture {
    pub fn new(example: Example) -> Self {
        let params = params();
        let pk = ProvingKey::new(&params, SETUP, Arc::new(example.program.clone()));
        let kzg = verifier_params(&params, SETUP);
        Fixture {
            params,
            pk,
            kzg,
            example,
        }
    }

    pub fn prove(&self, kind: TranscriptKind, seed: u64) -> Proof {
        self.prove_with(self.example.first.clone(), BTreeMap::new(), kind, seed)
            .unwrap()
    }

    pub fn prove_with(
        &self,
        first: Vec<Vec<Fr>>,
        known: BTreeMap<Column, G1Affine>,
        kind: TranscriptKind,
        seed: u64,
    ) -> Result<Proof, plonk::Error> {
        let first_phase = blinded(&self.example.program, first, 1);
        let witness = Witness {
            first_phase,
            known,
            instances: &self.example.instances,
        };
        plonk::prove(
            &self.params,
            &self.pk,
            witness,
            kind,
            &mut rng(seed),
            &|_| (),
        )
    }

    pub fn verify(&self, proof: &Proof) -> Result<(), Error> {
        verify(
            &self.kzg,
            self.pk.vk(),
            &self.example.instances,
            &Expected::default(),
            proof,
        )
    }
}

pub const KINDS: [TranscriptKind; 2] = [TranscriptKind::Keccak, TranscriptKind::Poseidon];
