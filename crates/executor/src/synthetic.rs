//! Deterministic pseudorandom models whose magnitudes look like those of a trained, quantized
//! GPT-2: for tests and benchmarks. Integers only, the same on every machine.

use crate::model::{Linear, QuantizedLayer, QuantizedModel};
use crate::spec::{Activation, Architecture, Spec, ACT_OUT_EXTRA_FRAC, RESIDUAL_FRAC, SCORE_FRAC};

/// Fractional bits of queries, keys and values.
const QKV_FRAC: u32 = 11;
/// Fractional bits of the MLP pre-activation.
const ACT_FRAC: u32 = 11;

/// A small deterministic generator (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 pseudorandom bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer below `bound` (of a 32-bit size, at least 1), nearly uniform.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() >> 32) * bound) >> 32
    }

    /// A roughly normal integer of the given standard deviation (below `2^40`) and mean 0: the sum
    /// of four uniform ones.
    pub fn normal(&mut self, deviation: u64) -> i64 {
        let bits = self.next_u64();
        let sum: i64 = (0..4).map(|i| (bits >> (16 * i)) as i64 & 0xffff).sum();
        // Four uniform 16-bit integers have mean 131070 and standard deviation 37837.2.
        ((i128::from(sum - 131_070) * i128::from(deviation)) / 37_837) as i64
    }

    /// `len` integers as of [`Random::normal`].
    pub fn normals(&mut self, len: usize, deviation: u64) -> Vec<i64> {
        (0..len).map(|_| self.normal(deviation)).collect()
    }

    /// A matrix from values with `from` fractional bits to values with `to`: weights of standard
    /// deviation `gain/256/sqrt(inputs)`, biases of `gain/256/16`.
    fn linear(&mut self, inputs: usize, outputs: usize, from: u32, to: u32, gain: u64) -> Linear {
        let scale = u128::from(gain) << (16 + to);
        let square = (scale * scale) >> (2 * (8 + from));
        let deviation = (square / inputs as u128).isqrt() as u64;
        Linear {
            inputs,
            outputs,
            weight: self.normals(inputs * outputs, deviation),
            bias: self.normals(outputs, gain << (16 + to - 8 - 4)),
        }
    }
}

/// The dimensions of GPT-2 small.
pub const GPT2_SMALL: Architecture = Architecture {
    layers: 12,
    width: 768,
    heads: 12,
    mlp_width: 3072,
    vocab: 50_257,
    context: 1024,
};

/// Those of a model that is proved in seconds.
pub const TINY: Architecture = Architecture {
    layers: 4,
    width: 64,
    heads: 4,
    mlp_width: 256,
    vocab: 512,
    context: 64,
};

/// The specification the synthetic models use.
pub fn spec(width: usize, activation: Activation) -> Spec {
    let square = (width as u128) * (width as u128);
    Spec {
        norm_frac: Spec::norm_frac_for(width),
        // An epsilon of 10^-5.
        eps: ((((square << 32) + 50_000) / 100_000) as u64).max(1),
        score_shift: 2 * QKV_FRAC - SCORE_FRAC,
        act_frac: ACT_FRAC,
        activation,
    }
}

fn random_layer(arch: Architecture, random: &mut Random) -> QuantizedLayer {
    let (d, f) = (arch.width, arch.mlp_width);
    let g = Spec::norm_frac_for(d);
    // The query has 1/sqrt(head width) folded in.
    let q_gain = (65_536 / (d / arch.heads.max(1)).max(1) as u64).isqrt();
    QuantizedLayer {
        q: random.linear(d, d, g, QKV_FRAC, q_gain.max(1)),
        k: random.linear(d, d, g, QKV_FRAC, 256),
        v: random.linear(d, d, g, QKV_FRAC, 256),
        attn_out: random.linear(d, d, QKV_FRAC, RESIDUAL_FRAC, 128),
        fc: random.linear(d, f, g, ACT_FRAC, 256),
        mlp_out: random.linear(f, d, ACT_FRAC + ACT_OUT_EXTRA_FRAC, RESIDUAL_FRAC, 192),
    }
}

/// One block, from a seed.
pub fn layer(arch: Architecture, seed: u64) -> QuantizedLayer {
    random_layer(arch, &mut Random::new(seed))
}

/// A model, from a seed; the dimensions are those of a model that
/// [`QuantizedModel::validate`] accepts.
pub fn model(arch: Architecture, activation: Activation, seed: u64) -> QuantizedModel {
    let mut random = Random::new(seed);
    let d = arch.width;
    let spec = spec(d, activation);
    QuantizedModel {
        arch,
        spec,
        wte: random.normals(arch.vocab * d, 1 << RESIDUAL_FRAC),
        wpe: random.normals(arch.context * d, 1 << (RESIDUAL_FRAC - 2)),
        layers: (0..arch.layers)
            .map(|_| random_layer(arch, &mut random))
            .collect(),
        head: random.linear(d, arch.vocab, spec.norm_frac, spec.norm_frac, 512),
    }
}

/// A random residual stream of standard deviation 1, `[n][d]`.
pub fn residual(n: usize, d: usize, seed: u64) -> Vec<i64> {
    Random::new(seed).normals(n * d, 1 << RESIDUAL_FRAC)
}

/// `n` random token ids.
pub fn tokens(n: usize, vocab: usize, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    (0..n).map(|_| random.below(vocab as u64) as u32).collect()
}
