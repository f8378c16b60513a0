//! What tests of nodes share: a setup, small machines, and recordings.

// Each file of tests uses a part of it.
#![allow(dead_code)]

use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_argument::powers;
use nanozk_circuit::{Layout, Program};
use nanozk_executor::{Activation, Gpt2, synthetic};
use nanozk_kzg::Basis;
use nanozk_layers::head::rows;
use nanozk_layers::{Layers, Packing, Selection, Shape};
use nanozk_recursion::machine::Size;
use nanozk_recursion::multiplication::Size as Terms;
use nanozk_recursion::recorder::{Recorder, Recording, Wire, WirePoint, WireTranscript};
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::{Element, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::OnceLock;

/// Variables of a column of small machines: tables of limbs have 16.
pub(crate) const K: u32 = 17;
/// A machine for a few equations.
pub(crate) const TINY: Size = Size {
    rows: 1 << 6,
    constants: 1 << 4,
    inputs: 8,
    permutations: 4,
    multiplication: Terms {
        terms: 8,
        first: 6,
        window_tile_bits: 6,
    },
};

/// Of the small transformer.
pub(crate) const POSITIONS: usize = 4;
pub(crate) const GENERATED: usize = 1;

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

/// Powers of a setup, and what its pairings need.
pub(crate) fn setup() -> &'static (Basis, [G2Affine; 2]) {
    static SETUP: OnceLock<(Basis, [G2Affine; 2])> = OnceLock::new();
    SETUP.get_or_init(|| {
        let (bases, g2) = development_powers(powers(K), DEVELOPMENT_SEED);
        (Basis::new(&bases, 1).expect("no power is at infinity"), g2)
    })
}

/// A random point.
pub(crate) fn point(seed: u64) -> G1Affine {
    let factor = Fr::random(ChaCha20Rng::seed_from_u64(seed));
    (G1Affine::generator() * factor).to_affine()
}

/// What [`small`] records of.
pub(crate) struct Inputs {
    pub(crate) x: Fr,
    pub(crate) y: Fr,
    pub(crate) points: [G1Affine; 3],
}

impl Inputs {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        Self {
            x: Fr::random(&mut rng),
            y: Fr::random(&mut rng),
            points: [1, 2, 3].map(|i| point(100 * seed + i)),
        }
    }
}

/// A recording with everything that a machine has: sums, products, a difference, an inverse, hashes of numbers and points, and
/// both sums of multiples. Three inputs.
pub(crate) fn small(inputs: &Inputs) -> Recording {
    let recorder = Recorder::default();
    {
        let r = &recorder;
        let (x, y) = (r.witness(inputs.x), r.witness(inputs.y));
        let two = Wire::constant(Fr::from(2));
        let z = (x * y + two * x - y).invert().expect("not zero") + two;
        let [a, b, c] = inputs.points.map(|point| r.point(point));
        let mut transcript = WireTranscript::new(r);
        transcript.absorb_scalar(&z);
        transcript.absorb_point(&a).expect("not at infinity");
        let drawn = transcript.squeeze();
        let generator = WirePoint::constant(G1Affine::generator());
        let first = [(drawn, a), (x, b), (z, generator)];
        let second = [(y, c), (Wire::one(), a)];
        r.multiply([&first, &second]);
        for wire in [x, drawn, z] {
            r.declare_input(wire);
        }
    }
    recorder.finish()
}

/// A transformer of one block.
pub(crate) fn shape() -> Shape {
    let architecture = Gpt2 {
        width: 8,
        heads: 2,
        mlp_width: 16,
        vocab: 16,
        layers: 1,
        context: POSITIONS,
    }
    .architecture();
    Shape {
        architecture,
        spec: synthetic::spec(architecture.width, Activation::GeluNew),
        positions: POSITIONS,
    }
}

/// The program of some layers, and where it lies.
pub(crate) fn programmed(selection: &Selection) -> (Program, Layers, Layout) {
    let shape = shape();
    let mut p = Program::new();
    let layers = Layers::new(&mut p, &shape, selection, rows(GENERATED)).unwrap();
    let packing = Packing::new(&shape, K).unwrap();
    let layout = Layout::new(&p, K, 5, &packing.registry(&p, &layers)).unwrap();
    (p, layers, layout)
}
