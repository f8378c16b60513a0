//! Deterministic pseudorandom models whose magnitudes look like those of a trained, quantized
//! GPT-2: for tests and benchmarks. Integers only, the same on every machine.

use crate::matrix::Matrix;
use crate::model::{HeadNorm, Linear, MAX_BIAS_BITS, QuantizedLayer, QuantizedModel, Rotation};
use crate::spec::{
    ACT_OUT_EXTRA_FRAC, Activation, Architecture, GAIN_FRAC, MATMUL_SHIFT, MlpKind, Norm,
    Positions, RESIDUAL_FRAC, ROTATION_FRAC, SCORE_FRAC, Spec,
};

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

    /// The same in 32 bits.
    fn embedding(&mut self, len: usize, deviation: u64) -> Vec<i32> {
        // Four uniform numbers are less than four times their deviation.
        (0..len).map(|_| self.normal(deviation) as i32).collect()
    }

    /// A matrix from values with `from` fractional bits to values with `to`: weights of standard
    /// deviation `gain/256/sqrt(inputs)`, biases of `gain/256/16`.
    fn linear(&mut self, inputs: usize, outputs: usize, from: u32, to: u32, gain: u64) -> Linear {
        let scale = u128::from(gain) << (16 + to);
        let square = (scale * scale) >> (2 * (8 + from));
        let deviation = (square / inputs as u128).isqrt() as u64;
        let rows = self.normals(inputs * outputs, deviation);
        Linear {
            weight: Matrix::from_fn(inputs, outputs, |i, o| rows[i * outputs + o]),
            bias: self.normals(outputs, gain << (16 + to - 8 - 4)),
        }
    }
}

/// The dimensions of GPT-2 small.
pub const GPT2_SMALL: Architecture = Architecture {
    layers: 12,
    width: 768,
    heads: 12,
    kv_heads: 12,
    head_width: 64,
    mlp_width: 3072,
    vocab: 50_257,
    context: 1024,
    positions: Positions::Learned,
    mlp: MlpKind::Plain,
    qk_norm: false,
};

/// Those of a model that is proved in seconds.
pub const TINY: Architecture = Architecture {
    layers: 4,
    width: 64,
    heads: 4,
    kv_heads: 4,
    head_width: 16,
    mlp_width: 256,
    vocab: 512,
    context: 64,
    positions: Positions::Learned,
    mlp: MlpKind::Plain,
    qk_norm: false,
};

/// The dimensions of models in use, by the names of their checkpoints.
pub const KNOWN: [(&str, Architecture); 6] = [
    ("gpt2", GPT2_SMALL),
    (
        "gpt2-medium",
        Architecture {
            layers: 24,
            width: 1024,
            heads: 16,
            kv_heads: 16,
            mlp_width: 4096,
            ..GPT2_SMALL
        },
    ),
    (
        "smollm2-135m",
        Architecture {
            layers: 30,
            width: 576,
            heads: 9,
            kv_heads: 3,
            head_width: 64,
            mlp_width: 1536,
            vocab: 49_152,
            context: 8192,
            ..TINY_LLAMA
        },
    ),
    (
        "qwen2.5-0.5b",
        Architecture {
            layers: 24,
            width: 896,
            heads: 14,
            kv_heads: 2,
            head_width: 64,
            mlp_width: 4864,
            vocab: 151_936,
            context: 32_768,
            ..TINY_LLAMA
        },
    ),
    (
        "qwen3-0.6b",
        Architecture {
            layers: 28,
            width: 1024,
            heads: 16,
            kv_heads: 8,
            head_width: 128,
            mlp_width: 3072,
            vocab: 151_936,
            context: 40_960,
            qk_norm: true,
            ..TINY_LLAMA
        },
    ),
    (
        "llama-3-8b",
        Architecture {
            layers: 32,
            width: 4096,
            heads: 32,
            kv_heads: 8,
            head_width: 128,
            mlp_width: 14_336,
            vocab: 128_256,
            context: 8192,
            ..TINY_LLAMA
        },
    ),
];

/// The same of a Llama, with odd numbers where they may be odd.
pub const TINY_LLAMA: Architecture = Architecture {
    layers: 3,
    width: 48,
    heads: 6,
    kv_heads: 2,
    head_width: 16,
    mlp_width: 96,
    vocab: 300,
    context: 64,
    positions: Positions::Rotary,
    mlp: MlpKind::Gated,
    qk_norm: false,
};

/// The specification the synthetic models use.
pub fn spec(width: usize, activation: Activation) -> Spec {
    let square = (width as u128) * (width as u128);
    Spec {
        norm_frac: Spec::norm_frac_for(width),
        // An epsilon of 10^-5.
        eps: ((((square << 32) + 50_000) / 100_000) as u64).max(1),
        score_shift: 2 * QKV_FRAC - SCORE_FRAC,
        norm: Norm::LayerNorm,
        act_frac: ACT_FRAC,
        activation,
    }
}

/// The specification of a model that has no other difference from its family: GPT-2's, or Llama's if positions are rotations.
pub fn spec_of(arch: &Architecture, activation: Activation) -> Spec {
    Spec {
        norm: match arch.positions {
            Positions::Learned => Norm::LayerNorm,
            Positions::Rotary => Norm::RmsNorm,
        },
        ..spec(arch.width, activation)
    }
}

/// The activation of its family.
pub fn activation(arch: &Architecture) -> Activation {
    match arch.mlp {
        MlpKind::Plain => Activation::GeluNew,
        MlpKind::Gated => Activation::Silu,
    }
}

fn random_layer(arch: Architecture, random: &mut Random) -> QuantizedLayer {
    let (d, f) = (arch.width, arch.mlp_width);
    let (q, kv) = (arch.query_width(), arch.kv_width());
    let g = Spec::norm_frac_for(d);
    // The query, or its gain, has 1/sqrt(head width) folded in.
    let q_gain = (65_536 / arch.head_width.max(1) as u64).isqrt().max(1);
    let q_matrix_gain = if arch.qk_norm { 256 } else { q_gain };
    QuantizedLayer {
        q: random.linear(d, q, g, QKV_FRAC, q_matrix_gain),
        k: random.linear(d, kv, g, QKV_FRAC, 256),
        qk_norm: arch.qk_norm.then(|| {
            let norms = [(arch.heads, q_gain), (arch.kv_heads, 256)];
            norms.map(|(heads, gain)| head_norm(&arch, heads, gain, random))
        }),
        v: random.linear(d, kv, g, QKV_FRAC, 256),
        attn_out: random.linear(q, d, QKV_FRAC, RESIDUAL_FRAC, 128),
        fc: random.linear(d, f, g, ACT_FRAC, 256),
        up: (arch.mlp == MlpKind::Gated).then(|| random.linear(d, f, g, ACT_FRAC, 256)),
        mlp_out: random.linear(f, d, act_out_frac(&arch), RESIDUAL_FRAC, 192),
    }
}

/// The normalization of heads whose accumulators have the fractional bits of a query's, with gains of about `gain/256`.
fn head_norm(arch: &Architecture, heads: usize, gain: u64, random: &mut Random) -> HeadNorm {
    let c = arch.head_width;
    let frac = 2 * (QKV_FRAC + MATMUL_SHIFT);
    // An epsilon of 10^-6.
    let eps = ((c as u128 * c as u128) << frac) / 1_000_000;
    let unit = (gain << (GAIN_FRAC + QKV_FRAC - 8)) >> Spec::norm_frac_for(c);
    let gains = random.normals(c, unit / 8);
    HeadNorm {
        eps: vec![eps.clamp(1, (1 << MAX_BIAS_BITS) - 1) as i64; heads],
        gain: gains.into_iter().map(|own| own + unit as i64).collect(),
    }
}

/// Fractional bits of what goes into the last matrix of an MLP.
fn act_out_frac(arch: &Architecture) -> u32 {
    match arch.mlp {
        MlpKind::Plain => ACT_FRAC + ACT_OUT_EXTRA_FRAC,
        // A gated activation has those of the gate.
        MlpKind::Gated => ACT_FRAC,
    }
}

/// Rotations of a model's context: no real angles, but of integers.
pub fn rotation(arch: &Architecture) -> Option<Rotation> {
    if arch.positions == Positions::Learned {
        return None;
    }
    // Points of a circle with rational coordinates: (1 − t²)/(1 + t²) and 2t/(1 + t²).
    let cells = arch.context * arch.rotated_pairs();
    let mut random = Random::new(0x7075_726e);
    let angles = (0..cells).map(|_| {
        let t = random.normal(1 << 16).clamp(-(1 << 20), 1 << 20);
        let square = (t * t) >> 16;
        let one = 1_i64 << 16;
        let whole = one + square;
        let part = |x: i64| (x << ROTATION_FRAC) / whole;
        (part(one - square), part(2 * t))
    });
    let (cos, sin) = angles.unzip();
    Some(Rotation { cos, sin })
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
    let spec = spec_of(&arch, activation);
    let learned = arch.positions == Positions::Learned;
    QuantizedModel {
        arch,
        spec,
        wte: random.embedding(arch.vocab * d, 1 << RESIDUAL_FRAC),
        wpe: match learned {
            true => random.embedding(arch.context * d, 1 << (RESIDUAL_FRAC - 2)),
            false => Vec::new(),
        },
        rotation: rotation(&arch),
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
