//! What quantizing a checkpoint takes, before it is begun.

use nanozk_executor::{Architecture, MlpKind, Positions};
use serde::Serialize;

/// Seconds of a processor per multiplication of a weight with an activation: float (two times) and integer.
/// Measured with `nanozk bench import` on the machine of `docs/benchmarks.md`.
const MULTIPLY: f64 = 0.65e-9;
/// Seconds per weight: reading, rounding, packing, hashing and writing it.
const WEIGHT: f64 = 60e-9;
/// Seconds per logit, of which there are more than of all else: exponentials, comparison, statistics.
const LOGIT: f64 = 40e-9;
/// The program, tokenizer and tables.
const BASE: u64 = 150_000_000;

/// Memory and time to quantize a checkpoint to a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Bytes of memory at the peak.
    pub peak_bytes: u64,
    /// Seconds of processor time, all threads together.
    pub cpu_seconds: f64,
}

impl Estimate {
    /// For `windows` windows of `window` tokens, `parallel` at a time.
    pub fn new(arch: &Architecture, windows: usize, window: usize, parallel: usize) -> Self {
        let Architecture {
            layers,
            width: d,
            heads,
            mlp_width: f,
            vocab,
            context,
            ..
        } = *arch;
        let (positions, matrices) = (
            match arch.positions {
                Positions::Learned => context,
                Positions::Rotary => 0,
            },
            match arch.mlp {
                MlpKind::Plain => 2,
                MlpKind::Gated => 3,
            },
        );
        let [
            layers,
            d,
            heads,
            f,
            vocab,
            positions,
            windows,
            n,
            parallel,
            matrices,
        ] = [
            layers, d, heads, f, vocab, positions, windows, window, parallel, matrices,
        ]
        .map(|v| v as u64);
        let (q, kv) = (arch.query_width() as u64, arch.kv_width() as u64);
        let block = 2 * d * (q + kv) + matrices * d * f;
        let embedding = (vocab + positions) * d;
        // As floats, as 64-bit integers, and packed for multiplication or for the file.
        let weights = (16 * block + 24 * d * f.max(q + 2 * kv)).max(16 * embedding);
        // Both residual streams of each window, its mask, and the magnitudes of its features.
        let streams = windows * (12 * n * d + 4 * n * n + 24 * layers * d);
        // Every value of a block in both models, or all logits.
        let values = (120 * d.max(q) + 20 * matrices * f) * n + 60 * heads * n * n;
        let logits = 24 * vocab * n;
        let tokens = (windows * n) as f64;
        let weights_all = layers * block + embedding;
        let multiplied = (layers * block + vocab * d) as f64;
        Self {
            peak_bytes: BASE + weights + streams + parallel * values.max(logits),
            cpu_seconds: tokens * multiplied * MULTIPLY
                + tokens * vocab as f64 * LOGIT
                + weights_all as f64 * WEIGHT,
        }
    }

    /// As many windows at a time, up to `parallel`, as `limit` bytes are enough for; or, if they are not even for one,
    /// what one takes.
    pub fn within(
        arch: &Architecture,
        windows: usize,
        window: usize,
        parallel: usize,
        limit: Option<u64>,
    ) -> Result<(usize, Self), Self> {
        let of = |parallel| Self::new(arch, windows, window, parallel);
        (1..=parallel.max(1))
            .rev()
            .map(|p| (p, of(p)))
            .find(|(_, e)| limit.is_none_or(|limit| e.peak_bytes <= limit))
            .ok_or_else(|| of(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Architecture = nanozk_executor::synthetic::GPT2_SMALL;

    #[test]
    fn a_limit_means_fewer_windows_at_a_time() {
        let of = |limit| Estimate::within(&SMALL, 128, 32, 8, limit);
        let (parallel, all) = of(None).unwrap();
        assert_eq!(parallel, 8);
        let (fewer, some) = of(Some(all.peak_bytes - 1)).unwrap();
        assert!(fewer < 8 && some.peak_bytes < all.peak_bytes);
        let least = of(Some(1 << 20)).unwrap_err();
        assert_eq!(least, Estimate::new(&SMALL, 128, 32, 1));
        assert_eq!(of(Some(least.peak_bytes)).unwrap(), (1, least));
    }

    #[test]
    fn layers_do_not_add_up_in_memory() {
        let deep = Architecture {
            layers: 48,
            ..SMALL
        };
        let [one, four] = [SMALL, deep].map(|a| Estimate::new(&a, 8, 32, 1));
        let streams = 8 * 24 * 36 * 768;
        assert_eq!(four.peak_bytes, one.peak_bytes + streams);
        assert!(four.cpu_seconds > 2.0 * one.cpu_seconds);
    }
}
