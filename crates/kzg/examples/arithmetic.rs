//! Times this crate's arithmetic beside the library's, on one thread, in one run.
//!
//! `cargo run --release -p nanozk-kzg --example arithmetic [k]` multiplies `2^k` points, 2^18 if not given, and prints the
//! least processor time of five runs of each; ratios are what to compare between machines.

use halo2curves::bn256::{Fr, G1Affine, G1};
use halo2curves::ff::Field;
use halo2curves::group::{Curve, Group};
use halo2curves::msm::msm_best;
use nanozk_kzg::{inner_product, FixedBases, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use rustix::time::{clock_gettime, ClockId};
use std::hint::black_box;
use std::time::Duration;

const RUNS: usize = 5;

fn main() {
    let k: u32 = match std::env::args().nth(1).map(|k| k.parse()) {
        None => 18,
        Some(Ok(k)) if (4..=24).contains(&k) => k,
        Some(_) => {
            eprintln!("usage: arithmetic [k], with k from 4 to 24");
            std::process::exit(2);
        }
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("no pool of threads was made before");
    let n = 1 << k;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let points = points(n, &mut rng);
    let bases = FixedBases::new(&points).expect("random points are not the identity");
    bases.multiply(&vec![1_u8; 64]);

    println!("2^{k} points, one thread\n");
    println!(
        "{:<22} {:>14} {:>14} {:>8}",
        "scalars", "library, µs", "here, µs", "ratio"
    );
    let full: Vec<Fr> = (0..n).map(|_| Fr::random(&mut rng)).collect();
    row("full", &points, &bases, &full, &full);
    let bits = |bits: u32, rng: &mut ChaCha20Rng| -> Vec<u32> {
        (0..n).map(|_| rng.next_u32() >> (32 - bits)).collect()
    };
    let u32s = bits(32, &mut rng);
    row("32 bits", &points, &bases, &u32s, &elements(&u32s));
    let u16s = bits(16, &mut rng);
    let as_elements = elements(&u16s);
    let u16s: Vec<u16> = u16s.iter().map(|x| *x as u16).collect();
    row("16 bits", &points, &bases, &u16s, &as_elements);
    let sparse: Vec<u16> = u16s
        .iter()
        .enumerate()
        .map(|(i, x)| if i % 10 == 0 { *x } else { 0 })
        .collect();
    let as_elements: Vec<Fr> = sparse.iter().map(|x| Fr::from(u64::from(*x))).collect();
    row(
        "16 bits, 90 % zeros",
        &points,
        &bases,
        &sparse,
        &as_elements,
    );
    let u8s = bits(8, &mut rng);
    let as_elements = elements(&u8s);
    let u8s: Vec<u8> = u8s.iter().map(|x| *x as u8).collect();
    row("8 bits", &points, &bases, &u8s, &as_elements);
    row(
        "8 bits, all ones",
        &points,
        &bases,
        &vec![1_u8; n],
        &vec![Fr::ONE; n],
    );

    let small = bits(16, &mut rng);
    let as_elements = elements(&small);
    let (library, theirs) = least(|| {
        as_elements
            .iter()
            .zip(&full)
            .map(|(a, b)| *a * b)
            .sum::<Fr>()
    });
    let (here, ours) = least(|| inner_product(&small, &full));
    assert_eq!(theirs, ours);
    println!(
        "\n16 bits times field element, added up: {:.1} ns, library {:.1} ns",
        here.as_secs_f64() * 1e9 / n as f64,
        library.as_secs_f64() * 1e9 / n as f64
    );
}

fn points(n: usize, rng: &mut ChaCha20Rng) -> Vec<G1Affine> {
    // Three times the last and a constant: no sums of few of them are equal.
    let (mut point, step) = (G1::random(&mut *rng), G1::random(&mut *rng));
    let projective: Vec<G1> = (0..n)
        .map(|_| {
            point += point.double() + step;
            point
        })
        .collect();
    let mut affine = vec![G1Affine::default(); n];
    G1::batch_normalize(&projective, &mut affine);
    affine
}

fn elements(small: &[u32]) -> Vec<Fr> {
    small.iter().map(|x| Fr::from(u64::from(*x))).collect()
}

fn row<S: Scalar>(
    name: &str,
    points: &[G1Affine],
    bases: &FixedBases,
    scalars: &[S],
    elements: &[Fr],
) {
    let (library, theirs) = least(|| msm_best(elements, points));
    let (here, ours) = least(|| bases.multiply(scalars));
    assert_eq!(theirs.to_affine(), ours.to_affine());
    let each = |time: Duration| time.as_secs_f64() * 1e6 / scalars.len() as f64;
    println!(
        "{name:<22} {:>14.3} {:>14.3} {:>8.2}",
        each(library),
        each(here),
        each(library) / each(here)
    );
}

fn least<T>(work: impl Fn() -> T) -> (Duration, T) {
    let mut best = (Duration::MAX, None);
    for _ in 0..RUNS {
        let start = processor_time();
        let value = black_box(work());
        best.0 = best.0.min(processor_time() - start);
        best.1 = Some(value);
    }
    (best.0, best.1.expect("RUNS is not zero"))
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
