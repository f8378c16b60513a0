//! Prototype: what a proof of a multi-scalar multiplication takes.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::{commit_known, powers, prove, verify, Statement};
use nanozk_circuit::{Layout, Program, Registry, Tensor, Values};
use nanozk_kzg::Basis;
use nanozk_recursion::base_field::LimbAxes;
use nanozk_recursion::multiple::{expected, Multiplication, Size};
use nanozk_transcript::PoseidonTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::time::Instant;

struct Nowhere;
impl Registry for Nowhere {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

fn main() {
    let args: Vec<usize> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    let [terms, k, fractions, tile] = args[..] else {
        panic!("terms k fractions tile")
    };
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut p = Program::new();
    let axes = LimbAxes::new(&mut p);
    let size = Size {
        terms,
        first: terms * 3 / 4,
        window_tile_bits: tile as u32,
    };
    let m = Multiplication::new(&mut p, axes, size);
    let layout = Layout::new(&p, k as u32, fractions, &Nowhere).unwrap();
    println!(
        "{} identities, {} tensors, {} lanes, {} columns, {} groups",
        p.identities().len(),
        p.tensors().len(),
        layout.lanes.len(),
        layout.columns().len(),
        layout.groups.len()
    );
    let list: Vec<(Fr, G1Affine)> = (0..terms)
        .map(|_| {
            (
                Fr::random(&mut rng),
                (G1Affine::generator() * Fr::random(&mut rng)).into(),
            )
        })
        .collect();
    let t = Instant::now();
    let mut values = Values::new(&p, &layout, vec![]);
    let result = m.fill(&mut values, &list).unwrap();
    assert_eq!(result, expected(&list, size.first));
    println!("fill {:?}", t.elapsed());
    values.look_up().unwrap();
    println!("and count {:?}", t.elapsed());
    if terms <= 16 {
        for f in p.failures(&values) {
            println!("{f}");
        }
    }
    let t = Instant::now();
    let seed = nanozk_setup::DEVELOPMENT_SEED;
    let (bases, g2) = nanozk_setup::development_powers(powers(k as u32), seed);
    let basis = Basis::new(&bases, 4).unwrap();
    println!("setup {:?}", t.elapsed());
    let known = commit_known(&basis, &values);
    let statement = Statement {
        program: &p,
        layout: &layout,
        inputs: &[],
        known: &known,
    };
    let t = Instant::now();
    let cpu = || {
        let s = std::fs::read_to_string("/proc/self/stat").unwrap();
        let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
        (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
    };
    let c = cpu();
    let mut last: Option<(&str, f64)> = None;
    let proof = prove(
        &statement,
        values,
        &basis,
        &mut rng,
        &mut PoseidonTranscript::new(),
        |s| {
            if let Some((n, l)) = last {
                println!("  {n:30} {:.2}", cpu() - l);
            }
            last = Some((s.name(), cpu()));
        },
    )
    .unwrap();
    if let Some((n, l)) = last {
        println!("  {n:30} {:.2}", cpu() - l);
    }
    println!(
        "prove {:?}, {:.2} CPU s; {} points, {} scalars",
        t.elapsed(),
        cpu() - c,
        proof.points.len(),
        proof.scalars.len()
    );
    let t = Instant::now();
    let acc = verify(&statement, &proof, &mut PoseidonTranscript::new()).unwrap();
    println!("verify {:?}: {}", t.elapsed(), acc.holds(&g2));
}
