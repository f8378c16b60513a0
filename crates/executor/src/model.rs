//! Quantized weights.

use crate::matrix::Matrix;
use crate::ops::{
    Error, MAX_SCORE_SHIFT, MAX_WIDTH, MIN_SCORE_SHIFT, check_parameter, check_shape, check_spec,
    rs,
};
use crate::spec::{Architecture, MlpKind, Positions, RESIDUAL_BITS, ROTATION_FRAC, Spec};
use crate::tables::{MAX_ACT_FRAC, MIN_ACT_FRAC};
use std::ops::Range;

/// A matrix product with bias: `acc[o] = Σ_i x[i]·weight[i][o] + bias[o]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// `[inputs][outputs]`.
    pub weight: Matrix,
    /// `[outputs]`.
    pub bias: Vec<i64>,
}

/// The normalization of each head of queries, or of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadNorm {
    /// `round(ε·c²·4^f)` of each head, of width `c` and with `f` fractional bits: `[heads]`.
    pub eps: Vec<i64>,
    /// What each feature of a head is multiplied by, at [`crate::spec::GAIN_FRAC`]: `[head_width]`.
    pub gain: Vec<i64>,
}

/// One transformer block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantizedLayer {
    /// Query projection, with what scores are divided by folded in.
    pub q: Linear,
    /// Key projection.
    pub k: Linear,
    /// Normalizations of queries and of keys, if they have one. Then what scores are divided by is part of the gains.
    pub qk_norm: Option<[HeadNorm; 2]>,
    /// Value projection.
    pub v: Linear,
    /// Attention output projection.
    pub attn_out: Linear,
    /// First MLP matrix: its products are arguments of the activation.
    pub fc: Linear,
    /// Of a gated MLP: its products are multiplied by the activations.
    pub up: Option<Linear>,
    /// Last MLP matrix.
    pub mlp_out: Linear,
}

/// Cosines and sines by which the pairs of features of a head are rotated at each position: `[context][pairs]` each, at
/// [`ROTATION_FRAC`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Cosines.
    pub cos: Vec<i64>,
    /// Sines.
    pub sin: Vec<i64>,
}

/// What the features of a head are multiplied by at some positions, `[positions][head_width]` each: with `j` the other feature of
/// a pair, feature `i` becomes `x_i·cos_i − x_j·sin_j` in the first half of a head, and `x_i·cos_i + x_j·sin_j` in the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factors {
    /// What a feature is multiplied by.
    pub cos: Vec<i64>,
    /// What it is multiplied by where it is added to the other of its pair.
    pub sin: Vec<i64>,
}

/// A model whose every weight is an integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantizedModel {
    /// Dimensions.
    pub arch: Architecture,
    /// Number formats.
    pub spec: Spec,
    /// Token embedding at `RESIDUAL_FRAC`, `[vocab][width]`.
    pub wte: Vec<i32>,
    /// Position embedding at `RESIDUAL_FRAC`, `[context][width]`; empty where positions are rotations.
    pub wpe: Vec<i32>,
    /// Rotations of queries and keys, if positions are told apart by them.
    pub rotation: Option<Rotation>,
    /// Blocks.
    pub layers: Vec<QuantizedLayer>,
    /// Vocabulary projection, final normalization folded in.
    pub head: Linear,
}

/// Greatest number of blocks.
pub const MAX_LAYERS: usize = 1 << 12;
/// Greatest MLP width.
pub const MAX_MLP_WIDTH: usize = 1 << 18;
/// Greatest vocabulary.
pub const MAX_VOCAB: usize = 1 << 20;
/// Greatest context.
pub const MAX_CONTEXT: usize = 1 << 16;
/// A weight is less than `2^MAX_WEIGHT_BITS` in absolute value.
pub const MAX_WEIGHT_BITS: u32 = 40;
/// A bias is less than `2^MAX_BIAS_BITS` in absolute value.
pub const MAX_BIAS_BITS: u32 = 56;
/// A gain of queries or keys is less than `2^MAX_GAIN_BITS` in absolute value.
pub const MAX_GAIN_BITS: u32 = 31;

impl Linear {
    /// Input features.
    pub fn inputs(&self) -> usize {
        self.weight.inputs()
    }

    /// Output features.
    pub fn outputs(&self) -> usize {
        self.weight.outputs()
    }

    /// Checks that there are features, and a bias of each output.
    pub fn check_shape(&self) -> Result<(), Error> {
        if self.inputs() == 0 || self.outputs() == 0 {
            let what = "features of a matrix";
            return Err(Error::Shape {
                layer: None,
                what,
                expected: 1,
                actual: 0,
            });
        }
        check_shape("biases", self.bias.len(), self.outputs())
    }

    /// Checks the shape against the one expected.
    pub(crate) fn check_dimensions(
        &self,
        what: &'static str,
        inputs: usize,
        outputs: usize,
    ) -> Result<(), Error> {
        check_shape(what, self.inputs(), inputs)?;
        check_shape(what, self.outputs(), outputs)?;
        self.check_shape()
    }

    fn check_magnitudes(&self) -> Result<(), Error> {
        let max = (1i64 << MAX_WEIGHT_BITS) - 1;
        if self.weight.max_abs() > max as u64 {
            check_magnitudes("weight", self.weight.columns(), MAX_WEIGHT_BITS)?;
        }
        check_magnitudes("bias", self.bias.iter().copied(), MAX_BIAS_BITS)
    }

    /// Bytes of memory that weights and biases take.
    pub fn bytes(&self) -> usize {
        self.weight.bytes() + size_of_val(self.bias.as_slice())
    }
}

fn check_magnitudes(
    what: &'static str,
    mut values: impl Iterator<Item = i64>,
    bits: u32,
) -> Result<(), Error> {
    let max = (1i64 << bits) - 1;
    match values.find(|v| !(-max..=max).contains(v)) {
        Some(v) => Err(Error::range(what, v.into(), (-max).into(), max.into())),
        None => Ok(()),
    }
}

impl QuantizedLayer {
    /// The matrices, in the order of the fields.
    pub fn linears(&self) -> impl Iterator<Item = &Linear> {
        [&self.q, &self.k, &self.v, &self.attn_out, &self.fc]
            .into_iter()
            .chain(&self.up)
            .chain([&self.mlp_out])
    }

    /// The matrices, in the order of the fields.
    pub fn linears_mut(&mut self) -> impl Iterator<Item = &mut Linear> {
        let first = [
            &mut self.q,
            &mut self.k,
            &mut self.v,
            &mut self.attn_out,
            &mut self.fc,
        ];
        first
            .into_iter()
            .chain(&mut self.up)
            .chain([&mut self.mlp_out])
    }

    /// Checks the shapes of the attention half.
    pub(crate) fn check_attention_shapes(&self, arch: &Architecture) -> Result<(), Error> {
        let (d, q, kv) = (arch.width, arch.query_width(), arch.kv_width());
        self.q.check_dimensions("query matrix", d, q)?;
        self.k.check_dimensions("key matrix", d, kv)?;
        self.v.check_dimensions("value matrix", d, kv)?;
        let norms = self.qk_norm.iter().count();
        check_shape("norms of queries and keys", norms, arch.qk_norm.into())?;
        if let Some([queries, keys]) = &self.qk_norm {
            queries.check(arch.heads, arch.head_width)?;
            keys.check(arch.kv_heads, arch.head_width)?;
        }
        self.attn_out
            .check_dimensions("attention output matrix", q, d)
    }

    /// Checks the shapes of the MLP half.
    pub(crate) fn check_mlp_shapes(&self, arch: &Architecture) -> Result<(), Error> {
        let (d, f) = (arch.width, arch.mlp_width);
        self.fc.check_dimensions("first MLP matrix", d, f)?;
        let gated = arch.mlp == MlpKind::Gated;
        check_shape("matrices of a gate", self.up.iter().count(), gated.into())?;
        if let Some(up) = &self.up {
            up.check_dimensions("matrix of a gate", d, f)?;
        }
        self.mlp_out.check_dimensions("last MLP matrix", f, d)
    }
}

impl HeadNorm {
    /// Checks lengths and magnitudes.
    fn check(&self, heads: usize, head_width: usize) -> Result<(), Error> {
        check_shape("epsilons of heads", self.eps.len(), heads)?;
        let max = (1 << MAX_BIAS_BITS) - 1;
        if let Some(&eps) = self.eps.iter().find(|eps| !(1..=max).contains(*eps)) {
            return Err(Error::range("epsilon of a head", eps.into(), 1, max.into()));
        }
        check_shape("gains of heads", self.gain.len(), head_width)?;
        check_magnitudes("gain", self.gain.iter().copied(), MAX_GAIN_BITS)
    }
}

impl Rotation {
    /// What the features of heads of `2·pairs` are multiplied by at some positions: cosines and sines at [`ROTATION_FRAC`], or,
    /// with gains, `rs(gain·cosine, 14)` and the same of the sine, at [`crate::spec::GAIN_FRAC`].
    ///
    /// # Panics
    ///
    /// If there are no such positions, or not so many gains.
    pub fn factors(&self, pairs: usize, positions: Range<usize>, gains: Option<&[i64]>) -> Factors {
        let of = |table: &[i64]| -> Vec<i64> {
            let rows = table[positions.start * pairs..positions.end * pairs].chunks_exact(pairs);
            let both = rows.flat_map(|row| row.iter().chain(row));
            match gains {
                None => both.copied().collect(),
                Some(gains) => {
                    assert_eq!(gains.len(), 2 * pairs, "gains");
                    let both = both.zip(gains.iter().cycle());
                    // Less than 2^31 times at most 2^14.
                    both.map(|(x, gain)| rs(x * gain, ROTATION_FRAC)).collect()
                }
            }
        };
        Factors {
            cos: of(&self.cos),
            sin: of(&self.sin),
        }
    }

    /// Checks lengths, and that a cosine or sine is at most one.
    fn check(&self, arch: &Architecture) -> Result<(), Error> {
        let one = 1 << ROTATION_FRAC;
        for (what, values) in [("cosine", &self.cos), ("sine", &self.sin)] {
            check_shape(what, values.len(), arch.context * arch.rotated_pairs())?;
            if let Some(&v) = values.iter().find(|v| !(-one..=one).contains(*v)) {
                return Err(Error::range(what, v.into(), (-one).into(), one.into()));
            }
        }
        Ok(())
    }
}

impl Spec {
    /// Checks that the parameters are those of a model of this width.
    pub fn validate(&self, width: usize) -> Result<(), Error> {
        check_parameter("width", width as u64, 1, MAX_WIDTH as u64)?;
        let g = Self::norm_frac_for(width);
        check_spec("norm_frac", self.norm_frac, g, g)?;
        check_parameter("eps", self.eps, 1, u64::MAX)?;
        check_spec(
            "score_shift",
            self.score_shift,
            MIN_SCORE_SHIFT,
            MAX_SCORE_SHIFT,
        )?;
        check_spec("act_frac", self.act_frac, MIN_ACT_FRAC, MAX_ACT_FRAC)
    }
}

impl Architecture {
    /// Checks that the dimensions are ones the arithmetic supports.
    pub fn validate(&self) -> Result<(), Error> {
        check_parameter("layers", self.layers as u64, 1, MAX_LAYERS as u64)?;
        check_parameter("width", self.width as u64, 1, MAX_WIDTH as u64)?;
        check_parameter("heads", self.heads as u64, 1, MAX_WIDTH as u64)?;
        check_parameter("kv_heads", self.kv_heads as u64, 1, self.heads as u64)?;
        check_shape("heads modulo kv_heads", self.heads % self.kv_heads, 0)?;
        check_parameter("head_width", self.head_width as u64, 1, MAX_WIDTH as u64)?;
        let (features, most) = (self.query_width() as u64, MAX_WIDTH as u64);
        check_parameter("features of all heads", features, 1, most)?;
        match self.positions {
            Positions::Rotary => check_shape("head_width modulo 2", self.head_width % 2, 0)?,
            // Gains are multiplied by cosines and sines.
            Positions::Learned => {
                let norms = usize::from(self.qk_norm);
                check_shape("norms of queries that are not rotated", norms, 0)?;
            }
        }
        check_parameter("mlp_width", self.mlp_width as u64, 1, MAX_MLP_WIDTH as u64)?;
        // With one token there is nothing to choose, and a column of its ids would be zero.
        check_parameter("vocab", self.vocab as u64, 2, MAX_VOCAB as u64)?;
        check_parameter("context", self.context as u64, 1, MAX_CONTEXT as u64)
    }
}

impl Architecture {
    /// Position vectors that the embedding adds.
    fn learned_positions(&self) -> usize {
        match self.positions {
            Positions::Learned => self.context,
            Positions::Rotary => 0,
        }
    }

    fn check_embedding_shapes(&self, wte: &[i32], wpe: &[i32]) -> Result<(), Error> {
        let d = self.width;
        check_shape("token embedding", wte.len(), self.vocab.saturating_mul(d))?;
        let positions = self.learned_positions().saturating_mul(d);
        check_shape("position embedding", wpe.len(), positions)
    }

    /// Checks that the rotations are those of such a model.
    pub fn check_rotation(&self, rotation: Option<&Rotation>) -> Result<(), Error> {
        let rotary = self.positions == Positions::Rotary;
        let tables = usize::from(rotation.is_some());
        check_shape("tables of rotations", tables, rotary.into())?;
        rotation.map_or(Ok(()), |rotation| rotation.check(self))
    }

    fn check_layer_shapes(&self, index: usize, layer: &QuantizedLayer) -> Result<(), Error> {
        let checked = layer
            .check_attention_shapes(self)
            .and_then(|()| layer.check_mlp_shapes(self));
        checked.map_err(|e| e.in_layer(index))
    }

    fn check_head_shape(&self, head: &Linear) -> Result<(), Error> {
        head.check_dimensions("head matrix", self.width, self.vocab)
    }

    /// Checks lengths of the embeddings, and that the sum of any token's and any position's is 32-bit.
    pub fn check_embedding(&self, wte: &[i32], wpe: &[i32]) -> Result<(), Error> {
        self.check_embedding_shapes(wte, wpe)?;
        let d = self.width;
        let (token_min, token_max) = column_ranges(wte, d);
        let (position_min, position_max) = match wpe {
            [] => (vec![0; d], vec![0; d]),
            wpe => column_ranges(wpe, d),
        };
        let half = 1i128 << (RESIDUAL_BITS - 1);
        for i in 0..d {
            let low = i128::from(token_min[i]) + i128::from(position_min[i]);
            let high = i128::from(token_max[i]) + i128::from(position_max[i]);
            for v in [low, high] {
                if !(-half..half).contains(&v) {
                    return Err(Error::range("embedding", v, -half, half - 1));
                }
            }
        }
        Ok(())
    }

    /// Checks shapes and magnitudes of block `index`.
    pub fn check_layer(&self, index: usize, layer: &QuantizedLayer) -> Result<(), Error> {
        self.check_layer_shapes(index, layer)?;
        for linear in layer.linears() {
            linear.check_magnitudes().map_err(|e| e.in_layer(index))?;
        }
        Ok(())
    }

    /// Checks shape and magnitudes of the vocabulary projection.
    pub fn check_head(&self, head: &Linear) -> Result<(), Error> {
        self.check_head_shape(head)?;
        head.check_magnitudes()
    }
}

impl QuantizedModel {
    /// The same with every matrix in two bytes a weight, rounded: see [`Matrix::rounded`].
    #[must_use]
    pub fn rounded(mut self) -> Self {
        let matrices = self.layers.iter_mut().flat_map(QuantizedLayer::linears_mut);
        for linear in matrices.chain([&mut self.head]) {
            linear.weight = linear.weight.rounded();
        }
        self
    }

    /// Bytes of memory that the matrices take, and that embeddings and rotations take.
    pub fn bytes(&self) -> (usize, usize) {
        let linears = self.layers.iter().flat_map(QuantizedLayer::linears);
        let matrices = linears.chain([&self.head]).map(Linear::bytes).sum();
        let rotation = self.rotation.iter().flat_map(|r| [&r.cos, &r.sin]);
        let rotations: usize = rotation.map(|v| size_of_val(v.as_slice())).sum();
        let embeddings = size_of_val(self.wte.as_slice()) + size_of_val(self.wpe.as_slice());
        (matrices, embeddings + rotations)
    }

    /// Checks the specification, every dimension and every length, but not the magnitudes, other than of rotations.
    pub fn validate_shapes(&self) -> Result<(), Error> {
        self.arch.validate()?;
        self.spec.validate(self.arch.width)?;
        self.arch.check_embedding_shapes(&self.wte, &self.wpe)?;
        self.arch.check_rotation(self.rotation.as_ref())?;
        check_shape("blocks", self.layers.len(), self.arch.layers)?;
        for (index, layer) in self.layers.iter().enumerate() {
            self.arch.check_layer_shapes(index, layer)?;
        }
        self.arch.check_head_shape(&self.head)
    }

    /// Checks everything about a model that does not depend on the tokens: dimensions, lengths,
    /// specification, magnitudes of weights (`2^40`) and biases (`2^56`), and that the sum of any
    /// token embedding and any position embedding is 32-bit.
    pub fn validate(&self) -> Result<(), Error> {
        self.validate_shapes()?;
        for (index, layer) in self.layers.iter().enumerate() {
            self.arch.check_layer(index, layer)?;
        }
        self.arch.check_head(&self.head)?;
        self.arch.check_embedding(&self.wte, &self.wpe)
    }
}

/// Least and greatest value of each column of `[rows][d]`.
fn column_ranges(values: &[i32], d: usize) -> (Vec<i32>, Vec<i32>) {
    let mut min = vec![i32::MAX; d];
    let mut max = vec![i32::MIN; d];
    for row in values.chunks_exact(d) {
        for ((&v, min), max) in row.iter().zip(&mut min).zip(&mut max) {
            *min = v.min(*min);
            *max = v.max(*max);
        }
    }
    (min, max)
}
