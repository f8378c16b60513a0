//! Quantizes a checkpoint and compares it with the float model on held-out text.
//!
//! `cargo run --release --example measure -- <checkpoint> <calibration.txt> <held-out.txt> [headroom [windows]]`

use std::error::Error;
use std::path::Path;

use nanozk_model::{
    FloatModel, Options, coverage, evaluate, file, importance, quantize, render_coverage,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, calibration, held_out, rest @ ..] = args.as_slice() else {
        return Err(
            "expected: <checkpoint> <calibration.txt> <held-out.txt> [headroom [windows]]".into(),
        );
    };
    let mut options = Options::default();
    if let Some(headroom) = rest.first() {
        options.headroom = Some(headroom.parse()?);
    }
    if let Some(windows) = rest.get(1) {
        options.windows = windows.parse()?;
    }
    let model = FloatModel::load(Path::new(folder))?;
    let calibration = std::fs::read_to_string(calibration)?;
    let (integer, report) = quantize(&model, &calibration, &options)?;
    println!("{}", report.render());
    println!("Model file: {} bytes.\n", file::to_bytes(&integer)?.len());
    let eval = evaluate(
        &model,
        &integer,
        &std::fs::read_to_string(held_out)?,
        |done, all| {
            eprint!("\r{done}/{all} windows");
        },
    )?;
    eprintln!();
    println!("{}\n", serde_json::to_string_pretty(&eval)?);
    let importance = importance(&model, &calibration, 16)?;
    println!("{}", importance.render());
    println!(
        "{}",
        render_coverage(&coverage(
            &importance.weights(),
            &[0.1, 0.25, 0.5, 0.75],
            1
        )?)
    );
    Ok(())
}
