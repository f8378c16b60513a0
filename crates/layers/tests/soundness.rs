//! Bounds on the soundness error of whole models.

use nanozk_argument::{Proof, Step, soundness};
use nanozk_circuit::{Layout, Program};
use nanozk_executor::{Activation, synthetic};
use nanozk_layers::{Layers, Packing, Selection, Shape};

/// With the dimensions of GPT-2 small, 24 tokens of prompt and 8 that are generated.
#[test]
fn chance_does_not_prove_what_a_large_model_did_not_say() {
    let shape = Shape {
        architecture: synthetic::GPT2_SMALL,
        spec: synthetic::spec(768, Activation::GeluNew),
        positions: 32,
    };
    let mut p = Program::new();
    let layers = Layers::new(&mut p, &shape, &Selection::all(12), 8).unwrap();
    let k = 20;
    let packing = Packing::new(&shape, k).unwrap();
    let layout = Layout::new(&p, k, 5, &packing.registry(&p, &layers)).unwrap();
    let found = soundness(&p, &layout);
    for part in &found.parts {
        let (step, bits) = (part.step.to_string(), part.bits());
        let reason = part.step.reason();
        println!("{step:32} {:12} 2^-{bits:.1}  {reason}", part.numerator);
    }
    println!(
        "{:32} {:12} 2^-{:.1}",
        "sum",
        found.numerator(),
        found.bits()
    );
    let bytes = Proof::byte_length(&p, &layout);
    println!("{bytes} bytes");
    assert!(found.bits() > 200.0, "{}", found.bits());
    // What the documentation says.
    assert!((222.3..222.5).contains(&found.bits()), "{}", found.bits());
    assert_eq!(bytes, 11_104);
    // Rows of tables and lanes count most, after the powers of the setup.
    let opening = found.of(Step::Opening).unwrap();
    let lookups = [Step::Denominators, Step::Fractions].map(|step| found.of(step).unwrap());
    assert!(lookups.iter().sum::<u128>() < opening);
    assert!(found.numerator() - opening - lookups.iter().sum::<u128>() < 1 << 16);
}
