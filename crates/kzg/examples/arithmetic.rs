//! Times this crate's arithmetic beside the library's, on one thread, in one run.
//!
//! `cargo run --release -p nanozk-kzg --example arithmetic [k]` multiplies `2^k` points, 2^18 if not given, and prints the
//! least processor time of five runs of each; ratios are what to compare between machines. `--example arithmetic opening`
//! opens polynomials of 18 and 20 variables and prints the processor time by stage.

use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::{Curve, Group};
use halo2curves::msm::msm_best;
use nanozk_kzg::opening::{hiding_coefficients, open_by_stages, verify};
use nanozk_kzg::{Basis, FixedBases, Instructions, Scalar, Small, Sums, Weights};
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::{KeccakTranscript, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::{Duration, Instant};

const RUNS: usize = 5;
const TABLES: usize = 4;

fn main() {
    let k: u32 = match std::env::args().nth(1).as_deref() {
        None => 18,
        Some("opening") => {
            for variables in [18, 20] {
                opening(variables);
            }
            return;
        }
        Some(k) => match k.parse() {
            Ok(k) if (4..=24).contains(&k) => k,
            _ => {
                eprintln!("usage: arithmetic [k | opening], with k from 4 to 24");
                std::process::exit(2);
            }
        },
    };
    let n = 1 << k;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let points = points(n, &mut rng);
    let table = Table::new(&points);
    table.head();
    let full: Vec<Fr> = (0..n).map(|_| Fr::random(&mut rng)).collect();
    table.row("254 bits", &full, &full);
    let bits = |bits: u32, rng: &mut ChaCha20Rng| -> Vec<u32> {
        (0..n).map(|_| rng.next_u32() >> (32 - bits)).collect()
    };
    for size in [32, 24] {
        let column = bits(size, &mut rng);
        table.row(&format!("{size} bits"), &column, &elements(&column));
    }
    let u16s: Vec<u16> = bits(16, &mut rng).into_iter().map(|x| x as u16).collect();
    table.row("16 bits", &u16s, &elements(&u16s));
    let sparse: Vec<u16> = u16s
        .iter()
        .enumerate()
        .map(|(i, x)| if i % 10 == 0 { *x } else { 0 })
        .collect();
    table.row("16 bits, 90 % zeros", &sparse, &elements(&sparse));
    let u8s: Vec<u8> = u16s.iter().map(|x| *x as u8).collect();
    table.row("8 bits", &u8s, &elements(&u8s));
    let flags: Vec<u8> = u16s.iter().map(|x| *x as u8 & 1).collect();
    table.row("1 bit", &flags, &elements(&flags));
    table.threads(&full, &u16s);

    println!("\nnanoseconds for an integer times a field element, added up\n");
    println!(
        "{:<20} {:>8} {:>14} {:>8}",
        "integers", "library", "inner product", "sums"
    );
    kernel::<u16>("16 bits", &u16s, &full);
    let i32s: Vec<i32> = bits(32, &mut rng).iter().map(|x| x.cast_signed()).collect();
    kernel("32 bits, signed", &i32s, &full);
    let i64s: Vec<i64> = i32s.iter().map(|x| i64::from(*x) * 0x1_2345_6789).collect();
    kernel("64 bits, signed", &i64s, &full);
}

/// Both kernels in rows of 1,024, whose weights and sums stay in a cache.
fn kernel<S: Small + Scalar + Into<i64>>(name: &str, x: &[S], weights: &[Fr]) {
    const ROW: usize = 1 << 10;
    let row = ROW.min(x.len());
    let element = |x: S| {
        let x: i64 = x.into();
        let size = Fr::from(x.unsigned_abs());
        if x < 0 { -size } else { size }
    };
    let elements: Vec<Fr> = x.iter().map(|x| element(*x)).collect();
    let (library, theirs) = least(|| -> Vec<Fr> {
        let row_sum = |row: &[Fr]| row.iter().zip(weights).map(|(a, b)| *a * b).sum();
        elements.chunks_exact(row).map(row_sum).collect()
    });
    let table = Weights::new(&weights[..row]);
    let (products, ours) = least(|| -> Vec<Fr> {
        let rows = x.chunks_exact(row);
        rows.map(|row| table.inner_product(0, row)).collect()
    });
    assert_eq!(theirs, ours);
    let (sums, _) = least(|| {
        let mut sums = Sums::new(row);
        for (row, weight) in x.chunks_exact(row).zip(weights) {
            sums.add(0, weight, row);
        }
        sums.values()
    });
    let each = |time: Duration| time.as_secs_f64() * 1e9 / x.len() as f64;
    println!(
        "{name:<20} {:>8.1} {:>14.1} {:>8.1}",
        each(library),
        each(products),
        each(sums)
    );
}

/// Stages of an opening of random coefficients, with those that hide it.
fn opening(variables: usize) {
    let behind = hiding_coefficients(variables);
    let count = (1 << variables) + behind;
    let (powers, g2) = development_powers(count, DEVELOPMENT_SEED);
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let coefficients: Vec<Fr> = (0..count).map(|_| Fr::random(&mut rng)).collect();
    let point: Vec<Fr> = (0..variables).map(|_| Fr::random(&mut rng)).collect();
    let basis = Basis::new(&powers, 1).expect("no power is the identity");
    let commitment = basis.commit(&coefficients);
    let transcript = || {
        let mut transcript = KeccakTranscript::new();
        let absorbed = transcript.absorb_point(&commitment);
        absorbed.expect("random coefficients do not commit to the identity");
        transcript
    };
    pool(1).install(|| {
        let mut stages: Vec<(&str, Duration)> = Vec::new();
        let start = processor_time();
        let mut last = start;
        let (value, proof) = open_by_stages(
            &basis,
            &mut transcript(),
            &coefficients,
            &point,
            &mut |name| {
                let now = processor_time();
                match stages.iter_mut().find(|s| s.0 == name) {
                    Some(stage) => stage.1 += now - last,
                    None => stages.push((name, now - last)),
                }
                last = now;
            },
        )
        .expect("there are enough powers");
        let total = last - start;
        println!("\n2^{variables} coefficients and {behind} behind them, one thread; seconds of processor time\n");
        for (name, time) in stages {
            println!("  {name:<8} {:>8.3}", time.as_secs_f64());
        }
        println!("  {:<8} {:>8.3}", "opening", total.as_secs_f64());
        let terms = [(Fr::ONE, commitment)];
        let (verified, accumulator) =
            least(|| verify(&mut transcript(), &terms, &point, value, &proof));
        println!("  {:<8} {:>8.4} (without the pairing)", "verifier", verified.as_secs_f64());
        assert!(accumulator.expect("the proof is well-formed").holds(&g2));
    });
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

fn elements<S: Copy + Into<u64>>(small: &[S]) -> Vec<Fr> {
    small.iter().map(|x| Fr::from((*x).into())).collect()
}

/// Points as bases: for each kind of instructions with one table, and for the fastest with more.
struct Table<'a> {
    points: &'a [G1Affine],
    bases: Vec<(String, FixedBases)>,
    one: rayon::ThreadPool,
}

impl<'a> Table<'a> {
    fn new(points: &'a [G1Affine]) -> Self {
        let bases = |instructions, tables| {
            let bases = FixedBases::with_tables(points, tables)
                .expect("random points are not the identity")
                .with_instructions(instructions);
            (format!("{instructions:?}, {tables}"), bases)
        };
        let mut all = vec![bases(Instructions::best(), TABLES)];
        let available = Instructions::available();
        all.extend(available.into_iter().rev().map(|i| bases(i, 1)));
        Self {
            points,
            bases: all,
            one: pool(1),
        }
    }

    fn head(&self) {
        println!(
            "{} points, one thread; microseconds a point, and how many times the library's speed, by instructions and tables\n",
            self.points.len()
        );
        print!("{:<20} {:>8}", "scalars", "library");
        for (name, _) in &self.bases {
            print!(" {name:>16}");
        }
        println!();
    }

    fn row<S: Scalar>(&self, name: &str, scalars: &[S], elements: &[Fr]) {
        self.one.install(|| {
            let each = |time: Duration| time.as_secs_f64() * 1e6 / scalars.len() as f64;
            let (library, theirs) = least(|| msm_best(elements, self.points));
            print!("{name:<20} {:>8.3}", each(library));
            for (_, bases) in &self.bases {
                let (here, ours) = least(|| bases.multiply(0, scalars));
                assert_eq!(theirs.to_affine(), ours.to_affine());
                let ratio = each(library) / each(here);
                print!(" {:>8.3} {:>6.2}x", each(here), ratio);
            }
            println!();
        });
    }

    /// How much sooner two threads are ready by the clock, which needs two idle processors, and what they work more.
    fn threads(&self, full: &[Fr], small: &[u16]) {
        let (_, bases) = &self.bases[1];
        let two = pool(2);
        let compare = |name: &str, work: &(dyn Fn() -> G1 + Sync)| {
            let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
            let clock = ratio(
                self.one.install(|| quickest(work)),
                two.install(|| quickest(work)),
            );
            let work = ratio(
                two.install(|| least(work).0),
                self.one.install(|| least(work).0),
            );
            println!(
                "two threads, {name}: {clock:.2} times as fast by the clock, {work:.2} of the processor time"
            );
        };
        println!();
        compare("254 bits", &|| bases.multiply(0, full));
        compare("16 bits", &|| bases.multiply(0, small));
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads can be started")
}

fn quickest(work: &dyn Fn() -> G1) -> Duration {
    let time = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    (0..RUNS).map(time).min().unwrap_or_default()
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
