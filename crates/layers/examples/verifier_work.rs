//! What verification of a joint proof takes besides points: how many products, sums and inverses, and what is absorbed and
//! drawn. It is what a circuit that verifies the proof has to do.
//!
//! `cargo run --release -p nanozk-layers --example verifier_work`
//!
//! The verifier takes the same steps for every proof of a program, so it is given one of zeros and generators.

#[path = "../../argument/tests/common/counted.rs"]
mod counted;

use counted::{Counted, Counting, Work, take_work};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::{Known, Opening, Proof, Statement, reduce};
use nanozk_circuit::{Layout, Program};
use nanozk_executor::{Activation, synthetic};
use nanozk_layers::{Layers, Packing, Selection, Shape};
use nanozk_transcript::{Malformed, Transcript};

/// Lanes with one helper.
const FRACTIONS: usize = 5;

/// Challenges of which no two are equal, and none is another's inverse.
#[derive(Default)]
struct Distinct(u64);

impl Transcript for Distinct {
    fn absorb_scalar(&mut self, _: &Fr) {}

    fn absorb_point(&mut self, _: &G1Affine) -> Result<(), Malformed> {
        Ok(())
    }

    fn squeeze(&mut self) -> Fr {
        self.0 += 1;
        Fr::from(self.0 + 1)
    }
}

/// The program of all layers of a model, in columns of `2^k` cells.
fn programmed(shape: &Shape, generated: usize, k: u32) -> (Program, Layout) {
    let mut p = Program::new();
    let selection = Selection::all(shape.architecture.layers);
    let layers = Layers::new(&mut p, shape, &selection, generated).expect("a model");
    let packing = Packing::new(shape, k).expect("columns are long enough");
    let layout = Layout::new(&p, k, FRACTIONS, &packing.registry(&p, &layers)).expect("it fits");
    (p, layout)
}

fn work(p: &Program, layout: &Layout) -> Work {
    let (points, scalars) = Proof::counts(p, layout);
    let (point, zero) = (G1Affine::generator(), Counted::variable(Fr::ZERO));
    let proof = Proof {
        points: vec![point; points],
        scalars: vec![zero; scalars],
        opening: Opening::new([point; 8], [zero; 6]),
    };
    let inputs = vec![zero; p.inputs()];
    // The verifier asks for no others than those that are known.
    let known = Known::unchecked(layout.enumerate().map(|(id, _)| (id, point)).collect());
    let statement = Statement {
        program: p,
        layout,
        inputs: &inputs,
        known: &known,
    };
    take_work();
    reduce(&statement, &proof, &mut Counting(Distinct::default())).expect("as many elements");
    take_work()
}

fn main() {
    let (small, tiny) = (synthetic::GPT2_SMALL, synthetic::TINY);
    println!(
        "{:12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10}",
        "", "products", "multiples", "sums", "inverses", "scalars", "points", "challenges"
    );
    for (name, architecture, positions, generated, k) in
        [("GPT-2 small", small, 32, 8, 20), ("tiny", tiny, 16, 4, 17)]
    {
        let shape = Shape {
            spec: synthetic::spec(architecture.width, Activation::GeluNew),
            architecture,
            positions,
        };
        let (p, layout) = programmed(&shape, generated, k);
        let Work {
            products,
            multiples,
            sums,
            inverses,
            scalars,
            points,
            challenges,
        } = work(&p, &layout);
        println!(
            "{name:12} {products:9} {multiples:9} {sums:9} {inverses:9} {scalars:9} {points:9} {challenges:10}"
        );
    }
}
