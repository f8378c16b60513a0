//! `nanozk importance`.

use super::read_text;
use crate::args::ImportanceArgs;
use crate::output::{Out, Progress};
use anyhow::{Result, bail};
use nanozk::model_dir::{
    IMPORTANCE_FORMAT, ModelDir, StoredImportance, audit_weights, layer_shares, sha256,
};
use nanozk_model::{Coverage, coverage, importance as fisher, render_coverage};
use nanozk_prover::files;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Of the random choices that a spread is measured with.
const SEED: u64 = 1;

pub(super) fn importance(args: &ImportanceArgs, out: &Out) -> Result<()> {
    if let Some(path) = &args.output {
        replaceable(path)?;
    }
    let dir = ModelDir::new(&args.model)?;
    let version = dir.manifest()?;
    let text = read_text(&args.text, "the text")?;
    let float = dir.float()?;
    let progress = Progress::spinner("differentiating");
    let importance = fisher(&float, &text, args.windows)?;
    drop(progress);
    let shares = layer_shares(&version, &importance)?;
    let weights = audit_weights(&shares);
    let all = shares.len();
    let mut budgets: Vec<f64> = (1..=10).map(|i| f64::from(i) / 10.0).collect();
    let count = |b: &f64| ((b * all as f64).round() as usize).clamp(1, all);
    budgets.dedup_by_key(|b| count(b));
    let coverage = coverage(&shares, &budgets, SEED)?;
    let names = version.layer_names();

    // The plot first: if it cannot be written, nothing changes.
    if let Some(path) = &args.output {
        files::write(path, plot(&names, &shares, &coverage).as_bytes())?;
    }
    let stored = StoredImportance {
        format: IMPORTANCE_FORMAT.into(),
        model_id: version.id(),
        text_sha256: sha256(text.as_bytes()),
        importance,
        audit_weights_ppm: weights,
    };
    files::write_json(&dir.file("importance.json"), &stored)?;
    out.text(stored.importance.render());
    out.text(render_coverage(&coverage));
    out.text(format!(
        "audit weights are in {}; prove a part with nanozk prove <session> --budget <fraction> --seed <beacon>",
        dir.file("importance.json").display()
    ));
    out.json(&json!({
        "model_id": stored.model_id,
        "windows": stored.importance.windows,
        "window": stored.importance.window,
        "layers": names.iter().zip(&shares).zip(&stored.audit_weights_ppm).map(|((name, share), weight)| {
            json!({"name": name, "share": share, "audit_weight_ppm": weight})
        }).collect::<Vec<_>>(),
        "importance": stored.importance.layers,
        "coverage": coverage,
    }));
    Ok(())
}

/// A plot replaces a plot, and nothing else.
fn replaceable(path: &Path) -> Result<()> {
    let Ok(metadata) = path.symlink_metadata() else {
        let parent = path.parent().filter(|p| *p != Path::new(""));
        if parent.is_some_and(|p| !p.is_dir()) {
            bail!(
                "cannot write {}: there is no such directory",
                path.display()
            );
        }
        return Ok(());
    };
    let is_plot = metadata.is_file()
        && std::fs::read(path).is_ok_and(|bytes| bytes.is_empty() || bytes.starts_with(b"<svg"));
    if !is_plot {
        bail!(
            "{} exists and is not a plot: choose another file with -o",
            path.display()
        );
    }
    Ok(())
}

/// Shares as bars, and coverage by budget as curves, as SVG.
fn plot(names: &[String], shares: &[f64], coverage: &[Coverage]) -> String {
    const W: f64 = 420.0;
    const H: f64 = 260.0;
    let mut s = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1040\" height=\"380\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"1040\" height=\"380\" fill=\"white\"/>\n",
    );
    // Bars.
    let _ = writeln!(
        s,
        "<g transform=\"translate(60,40)\"><text y=\"-16\" font-size=\"14\">Share of the Fisher information</text>"
    );
    let max = shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = W / shares.len() as f64;
    for (i, (name, share)) in names.iter().zip(shares).enumerate() {
        let (x, h) = (step * i as f64, H * share / max);
        let _ = writeln!(
            s,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{h:.1}\" fill=\"#3b6ea5\"/>\
             <text transform=\"translate({:.1},{:.1}) rotate(-45)\" text-anchor=\"end\">{name}</text>",
            x + 0.1 * step,
            H - h,
            0.8 * step,
            x + 0.6 * step,
            H + 14.0
        );
    }
    let _ = writeln!(
        s,
        "<path d=\"M0,0V{H}H{W}\" fill=\"none\" stroke=\"black\"/>\
         <text x=\"-6\" y=\"6\" text-anchor=\"end\">{:.0}%</text><text x=\"-6\" y=\"{H}\" text-anchor=\"end\">0%</text></g>",
        100.0 * max
    );
    // Curves.
    let _ = writeln!(
        s,
        "<g transform=\"translate(580,40)\"><text y=\"-16\" font-size=\"14\">Covered by a part of the layers</text>"
    );
    let line = |value: fn(&Coverage) -> f64| -> String {
        let points = coverage
            .iter()
            .map(|c| (c.count as f64 / names.len() as f64, value(c)));
        std::iter::once((0.0, 0.0))
            .chain(points)
            .map(|(x, y)| format!("{:.1},{:.1} ", x * W, H * (1.0 - y)))
            .collect()
    };
    let spread: String = coverage
        .iter()
        .map(|c| (c, c.random_high))
        .chain(coverage.iter().rev().map(|c| (c, c.random_low)))
        .map(|(c, y)| {
            format!(
                "{:.1},{:.1} ",
                c.count as f64 / names.len() as f64 * W,
                H * (1.0 - y)
            )
        })
        .collect();
    let _ = writeln!(s, "<polygon points=\"{spread}\" fill=\"#dddddd\"/>");
    type Curve = (&'static str, &'static str, fn(&Coverage) -> f64);
    let curves: [Curve; 3] = [
        ("most important", "#3b6ea5", |c| c.fisher),
        ("evenly spaced", "#c2702d", |c| c.strided),
        ("random (grey: 5% to 95%)", "#777777", |c| c.random),
    ];
    for (i, (label, color, value)) in curves.into_iter().enumerate() {
        let y = H - 50.0 + 18.0 * i as f64;
        let _ = writeln!(
            s,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>\
             <path d=\"M{},{y}h20\" stroke=\"{color}\" stroke-width=\"2\"/><text x=\"{}\" y=\"{}\">{label}</text>",
            line(value),
            W - 190.0,
            W - 164.0,
            y + 4.0
        );
    }
    let _ = writeln!(
        s,
        "<path d=\"M0,0V{H}H{W}\" fill=\"none\" stroke=\"black\"/>\
         <text x=\"-6\" y=\"6\" text-anchor=\"end\">100%</text><text x=\"-6\" y=\"{H}\" text-anchor=\"end\">0%</text>\
         <text x=\"0\" y=\"{0}\">0</text><text x=\"{W}\" y=\"{0}\" text-anchor=\"end\">all layers</text></g>\n</svg>",
        H + 18.0
    );
    s
}
