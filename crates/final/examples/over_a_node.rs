//! The final proof over a node, which verifies a proof of a multiplication: `cargo run --release -p nanozk-final --example over_a_node`.
//! Prints rows used, processor time by stage, memory, and what its verification gives.

use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use nanozk_argument::{commit_known, powers, prove, verify, Known, Proof, Statement};
use nanozk_circuit::{Layout, Program, Registry, Tensor, Values};
use nanozk_final::{assign, circuit, powers_needed, ProvingKey, PROOF_BYTES};
use nanozk_kzg::{Accumulator, Basis};
use nanozk_recursion::base_field::LimbAxes;
use nanozk_recursion::machine::{Machine, Size};
use nanozk_recursion::multiple::{Multiplication, Size as Terms};
use nanozk_recursion::recorder::{Recorder, Recording, Wire, WirePoint, WireTranscript};
use nanozk_transcript::{KeccakTranscript, RecursionTranscript, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::time::Instant;

struct Nowhere;

impl Registry for Nowhere {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

/// Seconds of the process in user mode.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = fields.split_whitespace();
    let ticks = fields.nth(11).and_then(|x| x.parse().ok());
    ticks.map_or(0.0, |x: f64| x / 100.0)
}

/// Most memory that the process has had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let digits = line.map(|line| {
        line.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    });
    digits
        .and_then(|x| x.parse().ok())
        .map_or(0, |x: u64| x >> 10)
}

/// A joint proof that a circuit can verify, and what it leaves to be paired.
fn joint(
    (program, layout): (&Program, &Layout),
    values: Values<'_>,
    (basis, g2): &(Basis, [G2Affine; 2]),
) -> (Known, Vec<Fr>, Proof, Accumulator) {
    let known = commit_known(basis, &values);
    let inputs = values.inputs().to_vec();
    let statement = Statement {
        program,
        layout,
        inputs: &inputs,
        known: &known,
    };
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut transcript = RecursionTranscript::new();
    let proof = prove(&statement, values, basis, &mut rng, &mut transcript, |_| {})
        .expect("a proof of what holds");
    let accumulator =
        verify(&statement, &proof, &mut RecursionTranscript::new()).expect("an honest proof");
    assert!(accumulator.holds(g2));
    (known, inputs, proof, accumulator)
}

/// The verification of a joint proof. With `is_final`, the digest of its key and both sums are public, too.
fn record(
    (program, layout): (&Program, &Layout),
    known: &Known,
    inputs: &[Fr],
    proof: &Proof,
    is_final: bool,
) -> Recording {
    let recorder = Recorder::default();
    {
        let inputs: Vec<Wire<'_>> = inputs.iter().map(|x| recorder.input(*x)).collect();
        let known: std::collections::BTreeMap<_, _> = known
            .points()
            .iter()
            .map(|(id, point)| (*id, recorder.point(*point)))
            .collect();
        if is_final {
            let mut transcript = WireTranscript::new(&recorder);
            for point in known.values() {
                transcript.absorb_point(point).expect("a commitment");
            }
            let digest = transcript.squeeze();
            recorder.assert_equal(recorder.input(digest.value()), digest);
        }
        let equation =
            nanozk_recursion::verify::verify(&recorder, (program, layout), &inputs, known, proof)
                .expect("an honest proof");
        let mut lhs = equation.lhs.clone();
        lhs.push((
            equation.generator,
            WirePoint::constant(G1Affine::generator()),
        ));
        println!("{} + {} terms", lhs.len(), equation.rhs.len());
        let results = recorder.multiply([&lhs, &equation.rhs]);
        if is_final {
            for word in results.iter().flat_map(|point| point.words) {
                recorder.assert_equal(recorder.input(word.value()), word);
            }
        }
    }
    recorder.finish()
}

fn main() {
    let node_k = 20;
    let seed = nanozk_setup::DEVELOPMENT_SEED;
    let (bases, g2) = nanozk_setup::development_powers(powers(node_k), seed);
    let setup = (Basis::new(&bases, 1).expect("powers"), g2);
    drop(bases);

    let mut p = Program::new();
    let axes = LimbAxes::new(&mut p);
    let size = Terms {
        terms: 8,
        first: 6,
        window_tile_bits: 6,
    };
    let m = Multiplication::new(&mut p, axes, size);
    let layout = Layout::new(&p, 17, 4, &Nowhere).expect("a layout");
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let list: Vec<(Fr, G1Affine)> = (0..8)
        .map(|_| {
            let point = G1Affine::generator() * Fr::random(&mut rng);
            (Fr::random(&mut rng), point.into())
        })
        .collect();
    let mut values = Values::new(&p, &layout, vec![]);
    m.fill(&mut values, &list).expect("limbs");
    values.look_up().expect("limbs");
    let (known, inputs, proof, _) = joint((&p, &layout), values, &setup);
    let recording = record((&p, &layout), &known, &inputs, &proof, false);

    let machine = Machine::new(Size {
        rows: 1 << 17,
        constants: 1 << 12,
        inputs: 16,
        permutations: 700,
        multiplication: Terms {
            terms: 44,
            first: 28,
            window_tile_bits: 3,
        },
    });
    let node_layout = machine.layout(node_k, 4).expect("a layout");
    let (_, values) = machine.place(&node_layout, &recording).expect("rows");
    let (known, inputs, proof, expected) = joint((&machine.program, &node_layout), values, &setup);
    println!("node: {:.2} CPU s so far", cpu());
    let recording = record(
        (&machine.program, &node_layout),
        &known,
        &inputs,
        &proof,
        true,
    );
    println!(
        "{} steps, {} permutations",
        recording.steps.len(),
        recording.permutations.len()
    );
    drop(setup);

    let start = cpu();
    let assignment = assign(&recording).expect("rows");
    println!("assignment: {:.2} CPU s", cpu() - start);
    for usage in &assignment.usage {
        println!("  {:30} {:7} of {:7}", usage.what, usage.used, usage.size);
    }
    let k = assignment.structure.k;
    let (bases, _) = nanozk_setup::development_powers(powers_needed(k), seed);
    let basis = Basis::new(&bases, 4).expect("powers");
    drop(bases);
    let circuit = circuit();
    let start = cpu();
    let key = ProvingKey::new(&circuit, &assignment.structure, &basis);
    println!("key: {:.2} CPU s", cpu() - start);
    let (start, clock) = (cpu(), Instant::now());
    let mut last: Option<(&str, f64)> = None;
    let mut stages = Vec::new();
    let proof = nanozk_final::prove(
        &key,
        &assignment.inputs,
        assignment.columns,
        &basis,
        &mut rng,
        &mut KeccakTranscript::new(),
        |stage| {
            let now = cpu();
            stages.extend(last.map(|(name, then)| (name, now - then)));
            last = Some((stage, now));
        },
    )
    .expect("a proof");
    let end = cpu();
    stages.extend(last.map(|(name, then)| (name, end - then)));
    for (name, seconds) in &stages {
        println!("  {name:50} {seconds:.2}");
    }
    println!(
        "final proof: {:.2} CPU s, {:.2?}; peak memory of all {} MiB; {} bytes, with the accumulator {}",
        end - start,
        clock.elapsed(),
        peak(),
        PROOF_BYTES,
        PROOF_BYTES + 128
    );

    let clock = Instant::now();
    let mut transcript = KeccakTranscript::new();
    let own = nanozk_final::verify(
        &circuit,
        &key.key,
        &assignment.inputs,
        &proof,
        &mut transcript,
    )
    .expect("an accumulator");
    // The node's accumulator, from the public inputs' words, joins with a challenge; one pairing is for both.
    let words = &assignment.inputs[assignment.inputs.len() - 6..];
    let all: G1Affine = (expected.lhs + expected.rhs).into();
    let stated = [expected.lhs, all].map(|point| nanozk_transcript::poseidon::point_words(&point));
    assert_eq!(words, stated.as_flattened());
    let challenge = transcript.squeeze();
    let joined = Accumulator {
        lhs: (own.lhs + expected.lhs * challenge).into(),
        rhs: (own.rhs + expected.rhs * challenge).into(),
    };
    println!(
        "verification: {}, {:.2?}",
        joined.holds(&g2),
        clock.elapsed()
    );
}
