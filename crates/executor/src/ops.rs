//! The operations, one function each, checked for range.
//!
//! Nothing here panics or wraps silently, whatever the weights are: bounds are established before
//! a loop in plain 64-bit arithmetic, and a product whose bound does not hold is computed in
//! 128 bits and then checked.

use crate::kernels::{self, Block, STEP, Strides};
use crate::matrix::{self, Form, Short};
use crate::model::{Factors, Linear};
use crate::spec::{
    ACT_BITS, ACT_OUT_MAX, ACT_OUT_OFFSET, LOGIT_DIFF_BITS, MASK, MATMUL_SHIFT, NORM_SHIFT, Norm,
    PROB_ONE, PROB_SHIFT, RESIDUAL_BITS, Spec,
};
use crate::tables::{ActivationTable, EXP_CUTOFF, ExpTable};
use crate::trace::NormTrace;
use rayon::prelude::*;
use std::ops::Range;

/// Greatest width of what is normalized.
pub const MAX_WIDTH: usize = 1 << 16;
/// Greatest `norm_frac`.
pub const MAX_NORM_FRAC: u32 = 14;
/// An accumulator is less than `2^ACC_BITS` in absolute value.
pub const ACC_BITS: u32 = 62;
/// An attention score is less than `2^SCORE_BITS` in absolute value.
pub const SCORE_BITS: u32 = 27;
/// The reciprocal square root is less than `2^RSQRT_BITS`.
pub const RSQRT_BITS: u32 = 48;
/// Smallest `score_shift`.
pub const MIN_SCORE_SHIFT: u32 = 4;
/// Greatest `score_shift`.
pub const MAX_SCORE_SHIFT: u32 = 16;

/// What made a run or a model unacceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value left the range the arithmetic states for it.
    #[error("{}{operation}: value {value} is outside {min}..={max}", layer_prefix(*layer))]
    Range {
        /// Block, if the operation is in one.
        layer: Option<usize>,
        /// Operation.
        operation: &'static str,
        /// The value; at the limits of `i128` if it does not fit.
        value: i128,
        /// Smallest value allowed.
        min: i128,
        /// Greatest value allowed.
        max: i128,
    },
    /// A dimension or a length does not fit the others.
    #[error("{}{what}: {actual} where {expected} is expected", layer_prefix(*layer))]
    Shape {
        /// Block, if the shape is of something in one.
        layer: Option<usize>,
        /// Dimension or vector.
        what: &'static str,
        /// What the other dimensions imply.
        expected: usize,
        /// What was found.
        actual: usize,
    },
    /// A dimension or a parameter of the specification is outside what the arithmetic supports.
    #[error("{what} is {value}, outside {min}..={max}")]
    Parameter {
        /// Dimension or parameter.
        what: &'static str,
        /// Its value.
        value: u64,
        /// Smallest value allowed.
        min: u64,
        /// Greatest value allowed.
        max: u64,
    },
    /// There is no token.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// The sequence does not fit.
    #[error("a sequence of {len} tokens does not fit a context of {context}")]
    SequenceTooLong {
        /// Tokens, generated ones included.
        len: usize,
        /// Greatest number of positions.
        context: usize,
    },
    /// A token id is not in the vocabulary.
    #[error("token {token} at position {position} is not in a vocabulary of {vocab}")]
    TokenOutOfVocabulary {
        /// Token id.
        token: u32,
        /// Position in the sequence.
        position: usize,
        /// Vocabulary size.
        vocab: usize,
    },
}

fn layer_prefix(layer: Option<usize>) -> String {
    layer.map_or_else(String::new, |l| format!("layer {l}, "))
}

impl Error {
    /// The same error, said to be in block `index`.
    #[must_use]
    pub fn in_layer(mut self, index: usize) -> Self {
        if let Self::Range { layer, .. } | Self::Shape { layer, .. } = &mut self {
            *layer = Some(index);
        }
        self
    }

    #[cold]
    pub(crate) fn range(operation: &'static str, value: i128, min: i128, max: i128) -> Self {
        Self::Range {
            layer: None,
            operation,
            value,
            min,
            max,
        }
    }
}

pub(crate) fn check_spec(what: &'static str, value: u32, min: u32, max: u32) -> Result<(), Error> {
    check_parameter(what, value.into(), min.into(), max.into())
}

pub(crate) fn check_parameter(
    what: &'static str,
    value: u64,
    min: u64,
    max: u64,
) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter {
        what,
        value,
        min,
        max,
    })
}

pub(crate) fn check_shape(what: &'static str, actual: usize, expected: usize) -> Result<(), Error> {
    if actual == expected {
        return Ok(());
    }
    Err(Error::Shape {
        layer: None,
        what,
        expected,
        actual,
    })
}

/// `rs(a, s) = floor((a + 2^(s-1)) / 2^s)` for `1 ≤ s ≤ 63`, for any `a`.
#[inline]
pub const fn rs(a: i64, s: u32) -> i64 {
    (a >> s) + ((a >> (s - 1)) & 1)
}

/// Checks that `v` is a signed integer of `bits` bits.
#[inline]
pub fn check_signed(operation: &'static str, v: i64, bits: u32) -> Result<i64, Error> {
    let half = 1i64 << (bits - 1);
    if (-half..half).contains(&v) {
        return Ok(v);
    }
    Err(Error::range(
        operation,
        v.into(),
        (-half).into(),
        (half - 1).into(),
    ))
}

/// `y = rs(acc, shift)` of each accumulator, 16-bit.
pub fn narrow(operation: &'static str, acc: &[i64], shift: u32) -> Result<Vec<i64>, Error> {
    let values = acc.iter().map(|&a| rs(a, shift)).collect();
    all_signed(operation, values, ACT_BITS)
}

/// Checks that all values are signed integers of `bits` bits, without a branch for each.
fn all_signed(operation: &'static str, values: Vec<i64>, bits: u32) -> Result<Vec<i64>, Error> {
    let half = 1u64 << (bits - 1);
    let beyond = |v: i64| (v as u64).wrapping_add(half) >> bits;
    if values.iter().fold(0, |all, &v| all | beyond(v)) != 0 {
        for &v in &values {
            check_signed(operation, v, bits)?;
        }
    }
    Ok(values)
}

/// `x' = x + rs(acc, 16)`, 32-bit.
pub fn residual_add(operation: &'static str, x: &[i64], acc: &[i64]) -> Result<Vec<i64>, Error> {
    check_shape(operation, acc.len(), x.len())?;
    // |rs(acc, 16)| is at most 2^47, so that a sum beyond i64 is out of range in any case.
    let sum = |(&x, &a): (&i64, &i64)| x.saturating_add(rs(a, MATMUL_SHIFT));
    all_signed(
        operation,
        x.iter().zip(acc).map(sum).collect(),
        RESIDUAL_BITS,
    )
}

/// The embedding of one token at one position, 32-bit: `wte + wpe`, or `wte` where no vector of a position is added.
pub fn embed(token: &[i32], position: Option<&[i32]>) -> Result<Vec<i64>, Error> {
    let Some(position) = position else {
        return Ok(token.iter().map(|&a| a.into()).collect());
    };
    check_shape("embedding", position.len(), token.len())?;
    token
        .iter()
        .zip(position)
        .map(|(&a, &b)| check_signed("embedding", i64::from(a) + i64::from(b), RESIDUAL_BITS))
        .collect()
}

/// The greatest `r` with `r²·var ≤ d²·2^(2m)`, `m = 32 + norm_frac`, for `var > 0`.
pub fn rsqrt(d: usize, norm_frac: u32, var: u128) -> Result<i64, Error> {
    check_parameter("width", d as u64, 1, MAX_WIDTH as u64)?;
    check_spec("norm_frac", norm_frac, 0, MAX_NORM_FRAC)?;
    if var == 0 {
        return Err(Error::range("LayerNorm variance", 0, 1, i128::MAX));
    }
    // d ≤ 2^16 and m ≤ 46: at most 2^124. r²·var ≤ N is r² ≤ floor(N/var).
    let n = (d as u128 * d as u128) << (2 * (NORM_SHIFT + norm_frac));
    let r = (n / var).isqrt();
    if r >= 1 << RSQRT_BITS {
        let max = (1 << RSQRT_BITS) - 1;
        return Err(Error::range("LayerNorm reciprocal root", r as i128, 0, max));
    }
    Ok(r as i64)
}

/// Each row of `x`, `[n][d]`, normalized, without gain and bias.
pub fn normalize(spec: &Spec, x: &[i64], d: usize) -> Result<NormTrace, Error> {
    normalize_rows("residual", x, d, spec.norm, spec.norm_frac, &[spec.eps])
}

/// Each head of queries or keys, `[n][heads·c]`, normalized to mean square 1, without gains; a head has its own epsilon.
pub fn normalize_heads(
    operation: &'static str,
    x: &[i64],
    c: usize,
    eps: &[i64],
) -> Result<NormTrace, Error> {
    let eps: Vec<u64> = eps.iter().map(|eps| (*eps).max(0) as u64).collect();
    let frac = Spec::norm_frac_for(c);
    normalize_rows(operation, x, c, Norm::RmsNorm, frac, &eps)
}

/// Rows that have the epsilons in turn.
fn normalize_rows(
    operation: &'static str,
    x: &[i64],
    d: usize,
    norm: Norm,
    norm_frac: u32,
    eps: &[u64],
) -> Result<NormTrace, Error> {
    check_parameter("width", d as u64, 1, MAX_WIDTH as u64)?;
    for eps in eps {
        check_parameter("eps", *eps, 1, u64::MAX)?;
    }
    check_shape("length of what is normalized", x.len() % d, 0)?;
    let n = x.len() / d;
    let mut trace = NormTrace {
        eps: eps.to_vec(),
        mean: Vec::with_capacity(n),
        rsqrt: Vec::with_capacity(n),
        out: Vec::with_capacity(x.len()),
    };
    for (row, eps) in x.chunks_exact(d).zip(eps.iter().cycle()) {
        let mut sum = 0i64;
        let mut squares = 0u128;
        for &v in row {
            check_signed(operation, v, RESIDUAL_BITS)?;
            sum += v;
            squares += (v * v) as u128;
        }
        if norm == Norm::RmsNorm {
            sum = 0;
        }
        // d·Q ≥ S² by Cauchy–Schwarz; both are at most 2^94.
        let square_of_sum = u128::from(sum.unsigned_abs()).pow(2);
        let var = d as u128 * squares - square_of_sum + u128::from(*eps);
        let mean = sum.div_euclid(d as i64);
        let r = rsqrt(d, norm_frac, var)?;
        trace.mean.push(mean);
        trace.rsqrt.push(r);
        for &v in row {
            // A product beyond i64 is far beyond 16 bits after the shift.
            let product = (v - mean).saturating_mul(r);
            trace.out.push(check_signed(
                "normalized",
                rs(product, NORM_SHIFT),
                ACT_BITS,
            )?);
        }
    }
    Ok(trace)
}

/// Heads of queries or keys, `[n][heads·head_width]`, rotated by the factors of their positions. Gives accumulators.
///
/// # Panics
/// If there are not as many positions in the factors, or rows are not of whole heads.
pub fn rotate(values: &[i64], width: usize, pairs: usize, by: &Factors) -> Vec<i64> {
    let mut acc = Vec::with_capacity(values.len());
    for (t, row) in values.chunks_exact(width).enumerate() {
        let features = 2 * pairs * t..2 * pairs * (t + 1);
        let (cos, sin) = (&by.cos[features.clone()], &by.sin[features]);
        let ((cos_low, cos_high), (sin_low, sin_high)) = (cos.split_at(pairs), sin.split_at(pairs));
        for head in row.chunks_exact(2 * pairs) {
            let (low, high) = head.split_at(pairs);
            // 16-bit values times less than 2^32.
            acc.extend((0..pairs).map(|i| low[i] * cos_low[i] - high[i] * sin_high[i]));
            acc.extend((0..pairs).map(|i| high[i] * cos_high[i] + low[i] * sin_low[i]));
        }
    }
    acc
}

/// Products of activations and what gates let through.
pub fn gate(activations: &[i64], values: &[i64]) -> Result<Vec<i64>, Error> {
    check_shape("gate", values.len(), activations.len())?;
    // 16-bit factors.
    Ok(activations.iter().zip(values).map(|(a, u)| a * u).collect())
}

/// Products from which on threads share a matrix product.
const SHARED_PRODUCTS: usize = 1 << 18;
/// Rows that are worth reading all columns for: a thread takes no fewer.
pub(crate) const SHARED_ROWS: usize = 32;
/// Bytes of columns that a thread takes at once.
const SHARED_BYTES: usize = 1 << 16;
/// Part of the inputs of a row that may exceed 16 bits: one in so many.
const EXCESS_PART: usize = 4;

/// A matrix ready to be multiplied many times: its magnitudes are known.
#[derive(Clone, Copy, Debug)]
pub struct PreparedLinear<'a> {
    linear: &'a Linear,
    max_weight: u64,
    max_mantissa: u16,
    max_bias: u64,
}

fn max_abs(values: &[i64]) -> u64 {
    values.iter().fold(0, |m, v| m.max(v.unsigned_abs()))
}

/// No less than any absolute value, and at most twice the greatest, or 1; without a branch for each.
fn magnitude(values: &[i64]) -> u64 {
    let bits = values.iter().fold(0, |all, &v| all | (v ^ (v >> 63)));
    // `v ^ (v >> 63)` is `v`, or `-v - 1`.
    bits as u64 + 1
}

/// Rows of inputs as 16-bit numbers, and what some of them exceed those by.
struct ShortRows {
    blocks: Vec<Block>,
    /// Of each row: inputs, and what is missing of them.
    excess: Vec<Vec<(usize, i64)>>,
}

impl ShortRows {
    /// None if too many inputs of a row exceed 16 bits.
    fn new(x: &[i64], inputs: usize) -> Option<Self> {
        let mut rows = Self {
            blocks: Vec::with_capacity(x.len() / inputs * matrix::steps(inputs)),
            excess: Vec::with_capacity(x.len() / inputs),
        };
        for row in x.chunks_exact(inputs) {
            let short = |v: i64| v.clamp(i16::MIN.into(), i16::MAX.into());
            let mut excess = Vec::new();
            // Without a branch for each, as almost no row has any.
            let differing = |v: i64| v ^ i64::from(v as i16);
            if row.iter().fold(0, |all, &v| all | differing(v)) == 0 {
                rows.blocks.extend(kernels::blocks(row));
            } else {
                let shorts: Vec<i64> = row.iter().map(|&v| short(v)).collect();
                rows.blocks.extend(kernels::blocks(&shorts));
                let all = row.iter().zip(shorts).enumerate();
                let exceeding = all.filter(|&(_, (&v, ref short))| v != *short);
                excess.extend(exceeding.map(|(i, (v, short))| (i, v.wrapping_sub(short))));
                if excess.len() > inputs.div_ceil(EXCESS_PART) {
                    return None;
                }
            }
            rows.excess.push(excess);
        }
        Some(rows)
    }
}

impl<'a> PreparedLinear<'a> {
    /// Checks the shape and prepares the weights.
    pub fn new(linear: &'a Linear) -> Result<Self, Error> {
        linear.check_shape()?;
        Ok(Self {
            linear,
            max_weight: linear.weight.max_abs(),
            max_mantissa: match linear.weight.form() {
                Form::Short(short) => matrix::max_mantissa(&short.mantissas),
                _ => 0,
            },
            max_bias: max_abs(&linear.bias),
        })
    }

    /// The matrix.
    pub fn linear(&self) -> &'a Linear {
        self.linear
    }

    /// Accumulators `[n][outputs]` of `x`, `[n][inputs]`; each less than `2^62` in absolute value.
    pub fn apply(&self, operation: &'static str, x: &[i64]) -> Result<Vec<i64>, Error> {
        let inputs = self.linear.inputs();
        check_shape(operation, x.len() % inputs, 0)?;
        let max_input = magnitude(x);
        let bound = u128::from(self.max_weight)
            .saturating_mul(max_input.into())
            .saturating_mul(inputs as u128)
            .saturating_add(self.max_bias.into());
        if bound >= 1 << ACC_BITS {
            return self.apply_wide(operation, x);
        }
        // From here on sums may wrap on the way: what they end at is less than 2^62.
        Ok(match self.linear.weight.form() {
            Form::Short(short) => match ShortRows::new(x, inputs) {
                Some(rows) => self.apply_short(short, &rows),
                None => self.apply_plain(x),
            },
            Form::Int(weights) if i32::try_from(max_input).is_ok() => {
                let rows: Vec<i32> = x.iter().map(|&v| v as i32).collect();
                self.apply_int(weights, &rows)
            }
            _ => self.apply_plain(x),
        })
    }

    fn apply_short(&self, short: &Short, x: &ShortRows) -> Vec<i64> {
        let linear = self.linear;
        let (inputs, outputs, n) = (linear.inputs(), linear.outputs(), x.excess.len());
        let steps = matrix::steps(inputs);
        let mut acc = vec![0; n * outputs];
        let limit = kernels::limit(self.max_mantissa);
        let ends: Vec<Vec<usize>> = x
            .blocks
            .chunks(kernels::TILE_ROWS * steps)
            .map(|tile| {
                let mut rows = [tile; kernels::TILE_ROWS];
                for (to, row) in rows.iter_mut().zip(tile.chunks_exact(steps)) {
                    *to = row;
                }
                let segments = kernels::segments(&rows[..tile.len() / steps], limit);
                segments.expect("a step with any inputs and mantissas is 32-bit")
            })
            .collect();
        // From sums of mantissas to accumulators.
        let finish = |t: usize, o: usize, sum: &mut i64| {
            for &(i, rest) in &x.excess[t] {
                let mantissa = short.mantissas[o * steps + i / STEP].0[i % STEP];
                *sum = sum.wrapping_add(rest.wrapping_mul(mantissa.into()));
            }
            *sum = (*sum << short.shifts[o]).wrapping_add(linear.bias[o]);
        };
        let threads = rayon::current_num_threads();
        let share = n * inputs * outputs >= SHARED_PRODUCTS && threads > 1;
        let rows = |tiles: Range<usize>| kernels::Rows {
            blocks: {
                let row = kernels::TILE_ROWS * steps;
                &x.blocks[tiles.start * row..(tiles.end * row).min(x.blocks.len())]
            },
            steps,
            ends: &ends[tiles],
        };
        if share && n < SHARED_ROWS * threads {
            // Column after column, and turned around if there are several rows.
            let columns = (SHARED_BYTES / (steps * size_of::<Block>())).max(1);
            let strides = Strides { row: 1, column: n };
            let parts = acc.par_chunks_mut(columns * n).enumerate();
            parts.for_each(|(part, acc)| {
                let first = part * columns;
                let weights = &short.mantissas[first * steps..][..acc.len() / n * steps];
                kernels::product(&rows(0..ends.len()), weights, strides, acc);
                for (at, sum) in acc.iter_mut().enumerate() {
                    finish(at % n, first + at / n, sum);
                }
            });
            if n > 1 {
                let by_columns = acc;
                acc = vec![0; n * outputs];
                let rows = acc.par_chunks_exact_mut(outputs).enumerate();
                rows.for_each(|(t, row)| {
                    for (to, sums) in row.iter_mut().zip(by_columns.chunks_exact(n)) {
                        *to = sums[t];
                    }
                });
            }
            return acc;
        }
        let strides = Strides {
            row: outputs,
            column: 1,
        };
        let part = |tiles: Range<usize>, acc: &mut [i64]| {
            kernels::product(&rows(tiles.clone()), &short.mantissas, strides, acc);
            let first = tiles.start * kernels::TILE_ROWS;
            for (t, acc) in acc.chunks_exact_mut(outputs).enumerate() {
                for (o, sum) in acc.iter_mut().enumerate() {
                    finish(first + t, o, sum);
                }
            }
        };
        if share {
            let least = SHARED_ROWS / kernels::TILE_ROWS;
            let tiles = ends.len().div_ceil(2 * threads).max(least);
            let rows = tiles * kernels::TILE_ROWS;
            let parts = acc.par_chunks_mut(rows * outputs).enumerate();
            parts.for_each(|(index, acc)| {
                let first = index * tiles;
                part(first..(first + tiles).min(ends.len()), acc);
            });
        } else if n > 0 {
            part(0..ends.len(), &mut acc);
        }
        acc
    }

    fn apply_int(&self, weights: &[i32], x: &[i32]) -> Vec<i64> {
        let (inputs, outputs) = (self.linear.inputs(), self.linear.outputs());
        let n = x.len() / inputs;
        let mut by_columns = vec![0; n * outputs];
        if n > 0 {
            let columns = (SHARED_BYTES / (inputs * size_of::<i32>())).max(1);
            let parts = by_columns.par_chunks_mut(columns * n);
            let parts = parts.zip(weights.par_chunks(columns * inputs));
            parts.for_each(|(sums, columns)| kernels::product_int(x, columns, inputs, sums));
        }
        let mut acc = Vec::with_capacity(n * outputs);
        for t in 0..n {
            let biases = self.linear.bias.iter().enumerate();
            acc.extend(biases.map(|(o, bias)| by_columns[o * n + t].wrapping_add(*bias)));
        }
        acc
    }

    /// One product after another, modulo `2^64`.
    fn apply_plain(&self, x: &[i64]) -> Vec<i64> {
        let mut acc = Vec::with_capacity(x.len() / self.linear.inputs() * self.linear.outputs());
        for row in x.chunks_exact(self.linear.inputs()) {
            acc.extend(self.linear.bias.iter().enumerate().map(|(o, &bias)| {
                let weights = self.linear.weight.column(o);
                row.iter()
                    .zip(weights)
                    .fold(bias, |sum, (&x, w)| sum.wrapping_add(x.wrapping_mul(w)))
            }));
        }
        acc
    }

    /// Exact in 128 bits for any weights, then checked.
    fn apply_wide(&self, operation: &'static str, x: &[i64]) -> Result<Vec<i64>, Error> {
        let limit = 1i128 << ACC_BITS;
        let mut result = Vec::with_capacity(x.len() / self.linear.inputs() * self.linear.outputs());
        for row in x.chunks_exact(self.linear.inputs()) {
            let mut outside = None;
            for (o, &bias) in self.linear.bias.iter().enumerate() {
                let mut acc = i128::from(bias);
                for (&x, w) in row.iter().zip(self.linear.weight.column(o)) {
                    let product = i128::from(x) * i128::from(w);
                    acc = acc.checked_add(product).ok_or_else(|| {
                        let value = if product < 0 { i128::MIN } else { i128::MAX };
                        Error::range(operation, value, 1 - limit, limit - 1)
                    })?;
                }
                if acc.abs() >= limit && outside.is_none() {
                    outside = Some(acc);
                }
                result.push(acc as i64);
            }
            if let Some(acc) = outside {
                return Err(Error::range(operation, acc, 1 - limit, limit - 1));
            }
        }
        Ok(result)
    }
}

/// `acc[t,o] = Σ_i x[t,i]·W[i,o] + b[o]`, exactly; `|acc| < 2^62`.
pub fn linear(operation: &'static str, x: &[i64], linear: &Linear) -> Result<Vec<i64>, Error> {
    PreparedLinear::new(linear)?.apply(operation, x)
}

/// Queries, keys or values of one head: rows of `width` features, of which `len` from `offset`.
#[derive(Clone, Copy, Debug)]
pub struct HeadView<'a> {
    /// `[n][width]`, 16-bit.
    pub values: &'a [i64],
    /// Features per row.
    pub width: usize,
    /// First feature of the head.
    pub offset: usize,
    /// Features of the head.
    pub len: usize,
}

impl<'a> HeadView<'a> {
    fn rows(&self) -> impl Iterator<Item = &'a [i64]> + use<'a> {
        let (offset, len) = (self.offset, self.len);
        self.values
            .chunks_exact(self.width)
            .map(move |row| &row[offset..offset + len])
    }

    /// The features of position `t`.
    ///
    /// # Panics
    /// If there is no such position.
    pub fn row(&self, t: usize) -> &'a [i64] {
        let start = t * self.width + self.offset;
        &self.values[start..start + self.len]
    }
}

/// The intermediate values of one attention row, one entry per key position.
#[derive(Debug)]
pub struct AttentionRow<'a> {
    /// Score accumulators.
    pub score_acc: &'a mut [i64],
    /// Distances below the maximum, mask included.
    pub z: &'a mut [i64],
    /// Exponentials.
    pub e: &'a mut [i64],
    /// Probabilities.
    pub p: &'a mut [i64],
}

/// Row `t` of the scores and probabilities of one head, over as many keys as the row has
/// entries (at least `t + 1`); gives the maximum and the reciprocal.
///
/// Queries and keys are 16-bit.
pub fn attention_probabilities(
    query: &[i64],
    keys: HeadView<'_>,
    t: usize,
    score_shift: u32,
    exp: &ExpTable,
    row: &mut AttentionRow<'_>,
) -> Result<(i64, i64), Error> {
    for (acc, key) in row.score_acc.iter_mut().zip(keys.rows()) {
        *acc = query
            .iter()
            .zip(key)
            .fold(0i64, |a, (&q, &k)| a.wrapping_add(q.wrapping_mul(k)));
    }
    probabilities(t, score_shift, exp, row)
}

/// Row `t` of the probabilities of one head, from its score accumulators; gives the maximum and the reciprocal.
fn probabilities(
    t: usize,
    score_shift: u32,
    exp: &ExpTable,
    row: &mut AttentionRow<'_>,
) -> Result<(i64, i64), Error> {
    check_spec("score_shift", score_shift, MIN_SCORE_SHIFT, MAX_SCORE_SHIFT)?;
    let limit = (1i64 << SCORE_BITS) - 1;
    let mut max = i64::MIN;
    for (s, (&acc, z)) in row.score_acc.iter().zip(row.z.iter_mut()).enumerate() {
        let score = rs(acc, score_shift);
        if !(-limit..=limit).contains(&score) {
            let limit = i128::from(limit);
            return Err(Error::range("attention score", score.into(), -limit, limit));
        }
        *z = score;
        if s <= t {
            max = max.max(score);
        }
    }
    let mut sum = 0;
    for (s, (z, e)) in row.z.iter_mut().zip(row.e.iter_mut()).enumerate() {
        *z = max - *z + if s > t { MASK } else { 0 };
        if s > t && *z < EXP_CUTOFF as i64 {
            // The exponential of a masked score must vanish, or a position would see later ones.
            return Err(Error::range(
                "causal mask",
                (*z).into(),
                EXP_CUTOFF.into(),
                u32::MAX.into(),
            ));
        }
        *e = exp.eval(*z as u64);
        sum += *e;
    }
    // The maximum itself contributes EXP(0) = 2^15 to the sum.
    let recip = (PROB_ONE << PROB_SHIFT) / sum.max(1);
    for (p, &e) in row.p.iter_mut().zip(row.e.iter()) {
        *p = rs(e * recip, PROB_SHIFT);
    }
    Ok((max, recip))
}

/// `acc[k] = Σ_s p[s]·v[s,k]` of one row and one head.
pub fn attention_values(p: &[i64], values: HeadView<'_>, acc: &mut [i64]) {
    acc.fill(0);
    for (&p, v) in p.iter().zip(values.rows()) {
        if p != 0 {
            for (a, &v) in acc.iter_mut().zip(v) {
                *a = a.wrapping_add(p.wrapping_mul(v));
            }
        }
    }
}

/// Keys and values of one head, in 16 bits.
#[derive(Clone, Debug)]
pub(crate) struct HeadCache {
    /// Features of a key, and of a value.
    len: usize,
    /// Blocks of each key.
    keys: Vec<Block>,
    /// `[n][len]`.
    values: Vec<i16>,
    /// The greatest magnitudes.
    max_key: u16,
    max_value: u16,
}

impl HeadCache {
    /// Without positions; heads have `len` features.
    pub(crate) fn new(len: usize) -> Self {
        Self {
            len,
            keys: Vec::new(),
            values: Vec::new(),
            max_key: 0,
            max_value: 0,
        }
    }

    /// Adds a position; both are 16-bit.
    pub(crate) fn push(&mut self, key: &[i64], value: &[i64]) {
        let greatest = |v: &[i64]| v.iter().map(|v| (*v as i16).unsigned_abs()).max();
        self.max_key = self.max_key.max(greatest(key).unwrap_or(0));
        self.max_value = self.max_value.max(greatest(value).unwrap_or(0));
        self.keys.extend(kernels::blocks(key));
        self.values.extend(value.iter().map(|v| *v as i16));
    }

    /// Scores and probabilities of a query at position `t`, over as many keys as the row has entries: the same as of
    /// [`attention_probabilities`].
    pub(crate) fn probabilities(
        &self,
        query: &[Block],
        t: usize,
        score_shift: u32,
        exp: &ExpTable,
        row: &mut AttentionRow<'_>,
    ) -> Result<(), Error> {
        let steps = query.len();
        let keys = &self.keys[..row.score_acc.len() * steps];
        match kernels::segments(&[query], kernels::limit(self.max_key)) {
            Some(ends) => {
                let rows = kernels::Rows {
                    blocks: query,
                    steps,
                    ends: &[ends],
                };
                let strides = Strides { row: 0, column: 1 };
                kernels::product(&rows, keys, strides, row.score_acc);
            }
            // A step of queries and keys of -2^15.
            None => {
                for (acc, key) in row.score_acc.iter_mut().zip(keys.chunks_exact(steps)) {
                    let pairs = query.iter().zip(key);
                    let pairs = pairs.flat_map(|(query, key)| query.0.iter().zip(&key.0));
                    *acc = pairs.map(|(&q, &k)| i64::from(q) * i64::from(k)).sum();
                }
            }
        }
        probabilities(t, score_shift, exp, row).map(drop)
    }

    /// `Σ_s p[s]·v[s,k]`: the same as of [`attention_values`].
    pub(crate) fn values(&self, p: &[i64], acc: &mut [i64]) {
        kernels::weighted_rows(p, &self.values, self.max_value, acc);
        debug_assert_eq!(acc.len(), self.len);
    }
}

/// The activation of `rs(acc, 16)`, which is 16-bit; from `-ACT_OUT_OFFSET` to `ACT_OUT_MAX`.
pub fn activate(acc: &[i64], table: &ActivationTable) -> Result<Vec<i64>, Error> {
    acc.iter()
        .map(|&acc| {
            let h = check_signed("MLP pre-activation", rs(acc, MATMUL_SHIFT), ACT_BITS)?;
            let a = table.eval(h);
            if (-ACT_OUT_OFFSET..=ACT_OUT_MAX).contains(&a) {
                return Ok(a);
            }
            let (min, max) = (-ACT_OUT_OFFSET, ACT_OUT_MAX);
            Err(Error::range(
                "MLP activation",
                a.into(),
                min.into(),
                max.into(),
            ))
        })
        .collect()
}

/// The lowest id of the greatest logit of one position; no logit is `2^40` or more below it.
pub fn argmax(logits: &[i64]) -> Result<u32, Error> {
    let mut best = 0;
    let mut min = i64::MAX;
    for (v, &logit) in logits.iter().enumerate() {
        min = min.min(logit);
        if logit > logits[best] {
            best = v;
        }
    }
    let Some(&max) = logits.get(best) else {
        return Err(Error::Parameter {
            what: "vocabulary",
            value: 0,
            min: 1,
            max: 1 << 20,
        });
    };
    let difference = i128::from(max) - i128::from(min);
    if difference >= 1 << LOGIT_DIFF_BITS {
        return Err(Error::range(
            "logit difference",
            difference,
            0,
            (1 << LOGIT_DIFF_BITS) - 1,
        ));
    }
    Ok(best as u32)
}

#[cfg(test)]
mod tests;
