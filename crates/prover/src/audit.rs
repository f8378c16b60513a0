//! Which layers to prove when not all are: drawn by weight, after the commitments, from a beacon.
//!
//! Whoever settles repeats the draw, so it is integers only. Weights are parts per million, one for each
//! layer: its share of the Fisher information, but never less than [`floor_ppm`]. Of `count` draws
//! without replacement, number `i` is, over the layers not drawn yet, with `total` the sum of their weights,
//!
//! `r = keccak256("nanozk-audit-1" ‖ seed ‖ claim ‖ uint256(i)) mod total`,
//!
//! the first layer whose weight, added to those of the remaining layers before it, exceeds `r`.
//! `claim` is the claim digest of the session (statement and boundary commitments), `seed` is the beacon: nobody may know it before the
//! session's boundary commitments are public. (The bias of the reduction is below 2^-200.)

use sha3::{Digest, Keccak256};

/// Weights are given in this many parts.
pub const PPM: u32 = 1_000_000;

const TAG: &[u8] = b"nanozk-audit-1";

/// Why there is no draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// More layers than there are, or none.
    #[error("{count} layers to draw of {layers}")]
    Count {
        /// Asked for.
        count: usize,
        /// Layers.
        layers: usize,
    },
    /// A layer that is never drawn could be cheated on for free.
    #[error("layer {layer} has weight zero")]
    ZeroWeight {
        /// Layer.
        layer: usize,
    },
}

/// The least weight of a layer: a quarter of an even share, at least 1.
pub fn floor_ppm(layers: usize) -> u32 {
    (u64::from(PPM) / (4 * layers.max(1) as u64)).max(1) as u32
}

/// Audit weights from shares of the Fisher information, in parts per million.
pub fn weights(shares_ppm: &[u32]) -> Vec<u32> {
    let floor = floor_ppm(shares_ppm.len());
    shares_ppm.iter().map(|&share| share.max(floor)).collect()
}

/// The layers to prove, in the order they are drawn.
pub fn draw(
    weights: &[u32],
    count: usize,
    seed: &[u8; 32],
    claim: &[u8; 32],
) -> Result<Vec<usize>, AuditError> {
    check(weights, count)?;
    let mut remaining: Vec<usize> = (0..weights.len()).collect();
    let mut drawn = Vec::with_capacity(count);
    for i in 0..count as u64 {
        let total: u64 = remaining.iter().map(|&l| u64::from(weights[l])).sum();
        let mut r = random_below(total, seed, claim, i);
        let at = remaining
            .iter()
            .position(|&l| {
                let weight = u64::from(weights[l]);
                let found = r < weight;
                r = r.saturating_sub(weight);
                found
            })
            .expect("r is below the sum of the weights");
        drawn.push(remaining.remove(at));
    }
    Ok(drawn)
}

/// `keccak256(tag ‖ seed ‖ claim ‖ i) mod total`, for `total < 2^56`.
fn random_below(total: u64, seed: &[u8; 32], claim: &[u8; 32], i: u64) -> u64 {
    let mut hash = Keccak256::new();
    hash.update(TAG);
    hash.update(seed);
    hash.update(claim);
    hash.update([0; 24]);
    hash.update(i.to_be_bytes());
    hash.finalize()
        .iter()
        .fold(0, |r, &byte| (r << 8 | u64::from(byte)) % total)
}

fn check(weights: &[u32], count: usize) -> Result<(), AuditError> {
    let layers = weights.len();
    if count == 0 || count > layers {
        return Err(AuditError::Count { count, layers });
    }
    match weights.iter().position(|w| *w == 0) {
        Some(layer) => Err(AuditError::ZeroWeight { layer }),
        None => Ok(()),
    }
}

/// How likely each layer is drawn: the probability that a cheat on it alone is caught.
#[derive(Clone, Debug, PartialEq)]
pub struct Inclusion {
    /// For each layer.
    pub probability: Vec<f64>,
    /// By how much the sum of all differs from the number of draws: the error of the integration.
    pub error: f64,
}

impl Inclusion {
    /// The layer least likely to be drawn.
    pub fn least(&self) -> (usize, f64) {
        self.probability
            .iter()
            .copied()
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .expect("there is at least one layer")
    }
}

/// Inclusion probabilities of [`draw`].
///
/// Drawing without replacement gives the same sets as taking the `count` layers whose exponential clocks,
/// each with its weight as rate, ring first. So layer `l` is drawn with probability
/// `∫ w e^(-wt) · P(fewer than count other clocks rang before t) dt`, which the trapezoidal rule in `ln t`
/// gives to about the precision of a double.
pub fn inclusion(weights: &[u32], count: usize) -> Result<Inclusion, AuditError> {
    check(weights, count)?;
    let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let rates: Vec<f64> = weights.iter().map(|&w| f64::from(w) / total).collect();
    let greatest = rates.iter().copied().fold(0.0, f64::max);
    let least = rates.iter().copied().fold(1.0, f64::min);
    const STEP: f64 = 0.05;
    let (low, high) = ((1e-16 / greatest).ln(), (45.0 / least).ln());
    let steps = ((high - low) / STEP).ceil() as usize;
    let mut probability = vec![0.0; rates.len()];
    // Chances that so many clocks rang.
    let mut rang = vec![0.0; count];
    for step in 0..=steps {
        let t = (low + STEP * step as f64).exp();
        for (l, &rate) in rates.iter().enumerate() {
            rang.fill(0.0);
            rang[0] = 1.0;
            for (_, other) in rates.iter().enumerate().filter(|(i, _)| *i != l) {
                let p = -(-other * t).exp_m1();
                for j in (0..count).rev() {
                    let fewer = if j > 0 { rang[j - 1] } else { 0.0 };
                    rang[j] = rang[j] * (1.0 - p) + fewer * p;
                }
            }
            probability[l] += STEP * rate * t * (-rate * t).exp() * rang.iter().sum::<f64>();
        }
    }
    let error = (probability.iter().sum::<f64>() - count as f64).abs();
    for p in &mut probability {
        *p = p.min(1.0);
    }
    Ok(Inclusion { probability, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sequences of draws.
    fn by_enumeration(weights: &[u32], count: usize) -> Vec<f64> {
        fn walk(weights: &[u32], left: usize, taken: u32, chance: f64, out: &mut [f64]) {
            if left == 0 {
                return;
            }
            let free = |l: &usize| taken >> l & 1 == 0;
            let total: u32 = (0..weights.len()).filter(free).map(|l| weights[l]).sum();
            for l in (0..weights.len()).filter(free) {
                let p = chance * f64::from(weights[l]) / f64::from(total);
                out[l] += p;
                walk(weights, left - 1, taken | 1 << l, p, out);
            }
        }
        let mut out = vec![0.0; weights.len()];
        walk(weights, count, 0, 1.0, &mut out);
        out
    }

    #[test]
    fn inclusion_is_that_of_all_draws() {
        let cases: [&[u32]; 4] = [
            &[1, 1, 1],
            &[7],
            &[500_000, 300_000, 100_000, 62_500, 62_500, 62_500],
            &[3, 1_000, 50, 50, 400_000, 9],
        ];
        for weights in cases {
            for count in 1..=weights.len() {
                let got = inclusion(weights, count).unwrap();
                assert!(got.error < 1e-9, "{weights:?} {count}: {}", got.error);
                let expected = by_enumeration(weights, count);
                for (g, e) in got.probability.iter().zip(expected) {
                    assert!((g - e).abs() < 1e-9, "{weights:?} {count}: {g} {e}");
                }
            }
        }
    }

    #[test]
    fn draws_have_these_frequencies() {
        let weights = weights(&[600_000, 200_000, 100_000, 50_000, 50_000, 0]);
        let expected = inclusion(&weights, 3).unwrap();
        let mut seen = [0u32; 6];
        const DRAWS: u32 = 20_000;
        for i in 0..DRAWS {
            let seed = Keccak256::digest(i.to_be_bytes()).into();
            let mut layers = draw(&weights, 3, &seed, &[9; 32]).unwrap();
            layers.iter().for_each(|l| seen[*l] += 1);
            layers.sort_unstable();
            layers.dedup();
            assert_eq!(layers.len(), 3);
        }
        for (seen, p) in seen.iter().zip(&expected.probability) {
            let deviation = (p * (1.0 - p) / f64::from(DRAWS)).sqrt();
            let got = f64::from(*seen) / f64::from(DRAWS);
            assert!((got - p).abs() < 5.0 * deviation + 1e-9, "{got} {p}");
        }
    }

    /// A contract must give the same.
    #[test]
    fn golden_draws() {
        let weights = weights(&[600_000, 200_000, 100_000, 50_000, 50_000, 0]);
        assert_eq!(weights, [600_000, 200_000, 100_000, 50_000, 50_000, 41_666]);
        let seed = Keccak256::digest(b"beacon").into();
        let statement = Keccak256::digest(b"statement").into();
        let all = draw(&weights, 6, &seed, &statement).unwrap();
        assert_eq!(draw(&weights, 2, &seed, &statement).unwrap(), all[..2]);
        assert_eq!(all, GOLDEN);
    }

    const GOLDEN: [usize; 6] = [0, 1, 3, 2, 5, 4];

    #[test]
    fn refuses_what_cannot_be_drawn() {
        let draw = |w: &[u32], count| draw(w, count, &[0; 32], &[0; 32]);
        let count = |count, layers| Err(AuditError::Count { count, layers });
        assert_eq!(draw(&[1, 1], 0), count(0, 2));
        assert_eq!(draw(&[1, 1], 3), count(3, 2));
        assert_eq!(draw(&[], 1), count(1, 0));
        assert_eq!(draw(&[1, 0], 1), Err(AuditError::ZeroWeight { layer: 1 }));
        assert_eq!(draw(&[u32::MAX; 1000], 1000).unwrap().len(), 1000);
    }

    #[test]
    fn floors() {
        assert_eq!(floor_ppm(10), 25_000);
        assert_eq!(floor_ppm(0), 250_000);
        assert_eq!(floor_ppm(1_000_000), 1);
        assert_eq!(weights(&[1_000_000, 0]), [1_000_000, 125_000]);
    }
}
