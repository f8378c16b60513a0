//! Prototype: a proof, a node over it, a node over that node.

use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use nanozk_argument::{commit_known, powers, prove, verify, Known, Proof, Statement};
use nanozk_circuit::{Layout, Program, Registry, Tensor, Values};
use nanozk_kzg::Basis;
use nanozk_recursion::base_field::LimbAxes;
use nanozk_recursion::machine::{Machine, Size};
use nanozk_recursion::multiple::{Multiplication, Size as Terms};
use nanozk_recursion::recorder::{Recorder, Wire, WirePoint};
use nanozk_transcript::RecursionTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::time::Instant;

struct Nowhere;
impl Registry for Nowhere {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}

fn prove_it(
    name: &str,
    (program, layout): (&Program, &Layout),
    values: Values<'_>,
    (basis, g2): &(Basis, [G2Affine; 2]),
) -> (Known, Vec<Fr>, Proof) {
    let known = commit_known(basis, &values);
    let inputs = values.inputs().to_vec();
    let statement = Statement {
        program,
        layout,
        inputs: &inputs,
        known: &known,
    };
    let (t, c) = (Instant::now(), cpu());
    let mut last: Option<(&str, f64)> = None;
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut transcript = RecursionTranscript::new();
    let proof = prove(&statement, values, basis, &mut rng, &mut transcript, |s| {
        if let Some((n, l)) = last {
            println!("  {n:30} {:.2}", cpu() - l);
        }
        last = Some((s.name(), cpu()));
    })
    .unwrap();
    if let Some((n, l)) = last {
        println!("  {n:30} {:.2}", cpu() - l);
    }
    println!(
        "{name}: {:?}, {:.2} CPU s; {} known, {} points, {} scalars",
        t.elapsed(),
        cpu() - c,
        known.points().len(),
        proof.points.len(),
        proof.scalars.len()
    );
    let t = Instant::now();
    let acc = verify(&statement, &proof, &mut RecursionTranscript::new()).unwrap();
    println!("verify {:?}: {}", t.elapsed(), acc.holds(g2));
    (known, inputs, proof)
}

fn main() {
    let args: Vec<usize> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    let [k, fractions, rows, hashes, terms] = args[..] else {
        panic!("k fractions rows hashes terms")
    };
    let k = k as u32;
    let seed = nanozk_setup::DEVELOPMENT_SEED;
    let (bases, g2) = nanozk_setup::development_powers(powers(k.max(17)), seed);
    let setup = (Basis::new(&bases, 4).unwrap(), g2);

    let mut p = Program::new();
    let axes = LimbAxes::new(&mut p);
    let m = Multiplication::new(
        &mut p,
        axes,
        Terms {
            terms: 8,
            first: 6,
            window_tile_bits: 6,
        },
    );
    let layout = Layout::new(&p, 17, 4, &Nowhere).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let list: Vec<(Fr, G1Affine)> = (0..8)
        .map(|_| {
            (
                Fr::random(&mut rng),
                (G1Affine::generator() * Fr::random(&mut rng)).into(),
            )
        })
        .collect();
    let mut values = Values::new(&p, &layout, vec![]);
    m.fill(&mut values, &list).unwrap();
    values.look_up().unwrap();
    let mut child = (
        prove_it("multiplication", (&p, &layout), values, &setup),
        (&p, &layout),
    );

    let machine = Machine::new(Size {
        rows: 1 << rows,
        constants: 1 << 12,
        inputs: 16,
        permutations: hashes,
        multiplication: Terms {
            terms,
            first: terms - 16,
            window_tile_bits: 3,
        },
    });
    let node_layout = machine.layout(k, fractions).unwrap();
    println!(
        "{} lanes, {} columns, {} groups",
        node_layout.lanes.len(),
        node_layout.columns().len(),
        node_layout.groups.len()
    );
    for level in 0..2 {
        let ((known, inputs, proof), (program, layout)) = child;
        let recorder = Recorder::default();
        let t = Instant::now();
        {
            let inputs: Vec<Wire> = inputs.iter().map(|x| recorder.input(*x)).collect();
            let known = known
                .points()
                .iter()
                .map(|(id, point)| (*id, recorder.point(*point)))
                .collect();
            let equation = nanozk_recursion::verify::verify(
                &recorder,
                (program, layout),
                &inputs,
                known,
                &proof,
            )
            .unwrap();
            let mut lhs = equation.lhs.clone();
            lhs.push((
                equation.generator,
                WirePoint::constant(G1Affine::generator()),
            ));
            println!("{} + {} terms", lhs.len(), equation.rhs.len());
            recorder.multiply([&lhs, &equation.rhs]);
        }
        let recording = recorder.finish();
        println!(
            "record {:?}: {} steps, {} permutations",
            t.elapsed(),
            recording.steps.len(),
            recording.permutations.len()
        );
        let t = Instant::now();
        let (_, values) = machine.place(&node_layout, &recording).unwrap();
        println!("place {:?}", t.elapsed());
        if terms < 64 && level == 0 {
            for failure in machine.program.failures(&values) {
                println!("{failure}");
            }
        }
        let result = prove_it(
            &format!("node {level}"),
            (&machine.program, &node_layout),
            values,
            &setup,
        );
        child = (result, (&machine.program, &node_layout));
    }
}
