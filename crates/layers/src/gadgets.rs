//! Operations that layers share: numbers in limbs, choices, rounded shifts, normalization, rotations, matrix products with bias.

use nanozk_circuit::{AxisId, Expression, OutOfRange, Program, Public, Role, TensorId, Values};
use nanozk_executor::model::Factors;
use nanozk_executor::spec::{ACT_BITS, GAIN_FRAC, RESIDUAL_BITS, ROTATION_FRAC};
use nanozk_executor::{HeadNorm, Linear, Norm, NormTrace, Spec};

/// Bits of a limb.
pub const LIMB_BITS: u32 = 16;
/// Bits of a number, at most.
const MAX_BITS: u32 = SLACK_BITS;
/// Added to a signed number of 16 bits to make it a limb.
pub const OFFSET_16: i128 = 1 << 15;
/// Added to a signed number of 32 bits to make it two limbs.
pub const OFFSET_32: i128 = 1 << 31;

/// A number in limbs: `Σ limb_i·2^(16·i) − offset`, each limb in its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    limbs: Vec<TensorId>,
    offset: i128,
}

impl Number {
    /// Declares a number of some bits, of which `offset` is subtracted.
    ///
    /// # Panics
    /// If it has no bits or more than 112: no number of a transformer has, and identities multiply limbs by weights that
    /// must not wrap.
    pub fn new(p: &mut Program, name: &str, axes: &[AxisId], bits: u32, offset: i128) -> Self {
        assert!((1..=MAX_BITS).contains(&bits), "{name} has {bits} bits");
        let count = bits.div_ceil(LIMB_BITS);
        let limbs = (0..count)
            .map(|i| {
                let own = LIMB_BITS.min(bits - i * LIMB_BITS);
                let range = p.range(own);
                let name = match count {
                    1 => name.to_owned(),
                    _ => format!("{name} limb {i}"),
                };
                p.new_tensor(&name, axes, Role::Limb { range })
            })
            .collect();
        Self { limbs, offset }
    }

    /// A signed number.
    pub fn signed(p: &mut Program, name: &str, axes: &[AxisId], bits: u32) -> Self {
        Self::new(p, name, axes, bits, 1 << (bits - 1))
    }

    /// A signed number of the bits of a residual stream.
    pub fn wide(p: &mut Program, name: &str, axes: &[AxisId]) -> Self {
        Self::new(p, name, axes, RESIDUAL_BITS, OFFSET_32)
    }

    /// A number that is not negative.
    pub fn unsigned(p: &mut Program, name: &str, axes: &[AxisId], bits: u32) -> Self {
        Self::new(p, name, axes, bits, 0)
    }

    /// Lengths of its axes.
    pub fn lens(&self, p: &Program) -> Vec<usize> {
        p.axes_of(self.limbs[0]).map(|axis| axis.len).collect()
    }

    /// The number.
    pub fn value(&self, p: &Program) -> Expression {
        self.sum(|limb| p.use_of(limb))
    }

    /// The number, with other axes.
    pub fn value_at(&self, p: &Program, axes: &[AxisId]) -> Expression {
        self.sum(|limb| p.use_at(limb, axes))
    }

    fn sum(&self, limb: impl Fn(TensorId) -> Expression) -> Expression {
        let sum = self
            .limbs
            .iter()
            .zip((0..).step_by(LIMB_BITS as usize))
            .fold(Expression::default(), |sum, (id, shift)| {
                sum + limb(*id) * (1_i128 << shift)
            });
        sum - self.offset
    }

    /// Sets the number for all indices.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        number: impl Fn(&[usize]) -> i128,
    ) -> Result<(), OutOfRange> {
        for (i, limb) in (0..).zip(&self.limbs) {
            values.fill(*limb, |at| {
                let shifted = (number(at) + self.offset) >> (i * LIMB_BITS);
                // A number that is too large has a limb that does not fit.
                match i + 1 == self.limbs.len() as u32 {
                    true => shifted,
                    false => shifted & ((1 << LIMB_BITS) - 1),
                }
            })?;
        }
        Ok(())
    }
}

/// The index along an axis.
pub fn index(p: &mut Program, axis: AxisId) -> Expression {
    let name = format!("{} index", p.axis(axis).name);
    p.public(&name, &[axis], Public::Index)
}

/// One index of an axis, for each index of others: bits, of which one is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneHot {
    /// The bits; the axis is the first.
    pub bits: TensorId,
    axis: AxisId,
}

impl OneHot {
    /// Declares it.
    pub fn new(p: &mut Program, name: &str, axis: AxisId, rows: &[AxisId]) -> Self {
        let range = p.range(1);
        let axes = [&[axis], rows].concat();
        let bits = p.new_tensor(name, &axes, Role::Limb { range });
        let sum = p.use_of(bits);
        p.zero(&format!("{name} is one"), rows, sum - 1);
        Self { bits, axis }
    }

    /// The index that is set.
    pub fn index(&self, p: &mut Program) -> Expression {
        index(p, self.axis) * p.use_of(self.bits)
    }

    /// Sets it, from the indices of the other axes.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        index: impl Fn(&[usize]) -> usize,
    ) -> Result<(), OutOfRange> {
        values.fill(self.bits, |at| i128::from(index(&at[1..]) == at[0]))
    }
}

/// `rs(acc, shift)`.
pub fn rounded(acc: i128, shift: u32) -> i128 {
    (acc + (1 << (shift - 1))) >> shift
}

/// `rs(acc, shift)`: a sum shifted with rounding, as the number that it gives and what it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remainder {
    number: Number,
    shift: u32,
}

impl Remainder {
    /// Declares what `acc` leaves.
    pub fn new(p: &mut Program, name: &str, axes: &[AxisId], shift: u32) -> Self {
        Self {
            number: Number::unsigned(p, name, axes, shift),
            shift,
        }
    }

    /// Bits by which sums are shifted.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// States that `quotient = rs(acc, shift)`: `acc + 2^(shift−1) = quotient·2^shift + remainder`.
    pub fn state(
        &self,
        p: &mut Program,
        name: &str,
        free: &[AxisId],
        acc: Expression,
        quotient: Expression,
    ) {
        let remainder = self.number.value(p);
        let half = 1_i128 << (self.shift - 1);
        p.zero(
            name,
            free,
            acc + half - quotient * (1 << self.shift) - remainder,
        );
    }

    /// Sets it, from the sum.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        acc: impl Fn(&[usize]) -> i128,
    ) -> Result<(), OutOfRange> {
        let half = 1_i128 << (self.shift - 1);
        let mask = (1_i128 << self.shift) - 1;
        self.number.fill(values, |at| (acc(at) + half) & mask)
    }
}

/// Indices as one number, the last moving fastest.
fn flat(at: &[usize], lens: &[usize]) -> usize {
    at.iter().zip(lens).fold(0, |sum, (i, len)| sum * len + i)
}

/// A matrix with a bias, for each layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    weight: TensorId,
    bias: TensorId,
}

impl Matrix {
    /// Declares a matrix from some axes to others.
    pub fn new(
        p: &mut Program,
        name: &str,
        layer: AxisId,
        inputs: &[AxisId],
        outputs: &[AxisId],
    ) -> Self {
        let all = |axes: &[&[AxisId]]| [&[layer][..], &axes.concat()].concat();
        Self {
            weight: p.new_tensor(
                &format!("{name} weight"),
                &all(&[inputs, outputs]),
                Role::Weight { wide: false },
            ),
            bias: p.new_tensor(
                &format!("{name} bias"),
                &all(&[outputs]),
                Role::Weight { wide: true },
            ),
        }
    }

    /// `Σ x·W + b`.
    pub fn of(&self, p: &Program, x: Expression) -> Expression {
        x * p.use_of(self.weight) + p.use_of(self.bias)
    }

    /// Sets weights and biases of a layer. Indices of several axes of inputs or outputs are one number, the last axis
    /// moving fastest; outputs that the matrix lacks are padding.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        linear: &Linear,
    ) -> Result<(), OutOfRange> {
        let program = values.program();
        let lens = |id: TensorId| -> Vec<usize> { program.axes_of(id).map(|a| a.len).collect() };
        let weights = lens(self.weight);
        // The bias has the axes of the outputs.
        let outputs = lens(self.bias).len() - 1;
        let split = weights.len() - outputs;
        values.fill_first(self.weight, layer, |at| {
            let input = flat(&at[1..split], &weights[1..split]);
            let output = flat(&at[split..], &weights[split..]);
            match output < linear.outputs() {
                true => linear.weight.get(input, output).into(),
                false => 0,
            }
        })?;
        values.fill_first(self.bias, layer, |at| {
            let output = flat(&at[1..], &weights[split..]);
            linear.bias.get(output).copied().unwrap_or(0).into()
        })
    }
}

/// A normalization without gain and bias.
///
/// `S = Σ x = d·mean + rest`, or zero if nothing is centered, `Q = Σ x²`, `var = d·Q − S² + eps`; `r` is the largest integer
/// with `r²·var ≤ N`, `N = d²·2^(2m)`: neither `N − r²·var` nor `(r+1)²·var − 1 − N` is negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalization {
    /// The normalized activations.
    pub out: Number,
    center: Option<Center>,
    squares: TensorId,
    root: Number,
    below: Number,
    above: Number,
    remainder: Remainder,
    width: i128,
    norm_frac: u32,
}

/// What a normalization is of, and how it is done.
struct Rows<'a> {
    /// Axes of the rows.
    rows: &'a [AxisId],
    /// The same, and those that are normalized along.
    all: &'a [AxisId],
    /// Features of a row.
    width: i128,
    norm: Norm,
    norm_frac: u32,
    eps: Expression,
}

/// The mean, rounded down.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Center {
    mean: Number,
    rest: Number,
    /// `d − 1 − rest`: the rest is below `d`.
    room: Number,
}

impl Center {
    /// Declares it, for each row of `x`.
    fn new(p: &mut Program, name: &str, x: &Expression, rows: &[AxisId], d: i128) -> Self {
        let called = |what: &str| format!("{name} {what}");
        let this = Self {
            mean: Number::signed(p, &called("mean"), rows, 32),
            rest: Number::unsigned(p, &called("rest"), rows, 16),
            room: Number::unsigned(p, &called("room"), rows, 16),
        };
        let [rest, room] = [&this.rest, &this.room].map(|number| number.value(p));
        p.zero(&called("sum"), rows, x.clone() - this.sum(p, d));
        p.zero(&called("rest is less"), rows, rest + room - (d - 1));
        this
    }

    /// `S`.
    fn sum(&self, p: &Program, d: i128) -> Expression {
        self.mean.value(p) * d + self.rest.value(p)
    }
}

/// Bits by which `x·r` is shifted.
const NORM_SHIFT: u32 = 32;
/// Bits of the reciprocal root.
const ROOT_BITS: u32 = 48;
/// Bits of what is left below and above the root: `2·r·var` is less, for a width of up to `2^16`.
const SLACK_BITS: u32 = 112;

impl Normalization {
    /// Declares the normalization of a residual stream.
    pub fn new(
        p: &mut Program,
        name: &str,
        stream: TensorId,
        axes: [AxisId; 3],
        spec: &Spec,
    ) -> Self {
        let [layer, feature, position] = axes;
        let x = p.use_of(stream);
        let of = Rows {
            rows: &[layer, position],
            all: &axes,
            width: p.axis(feature).len as i128,
            norm: spec.norm,
            norm_frac: spec.norm_frac,
            eps: Expression::default() + i128::from(spec.eps),
        };
        Self::of_rows(p, name, x, &of)
    }

    fn of_rows(p: &mut Program, name: &str, x: Expression, of: &Rows<'_>) -> Self {
        let Rows {
            rows,
            all,
            width: d,
            norm,
            norm_frac,
            ref eps,
        } = *of;
        let called = |what: &str| format!("{name} {what}");
        let out = Number::signed(p, &called("out"), all, ACT_BITS);
        let center = match norm {
            Norm::LayerNorm => Some(Center::new(p, name, &x, rows, d)),
            Norm::RmsNorm => None,
        };
        let this = Self {
            out,
            center,
            squares: p.new_tensor(&called("squares"), rows, Role::Witness),
            root: Number::unsigned(p, &called("root"), rows, ROOT_BITS),
            below: Number::unsigned(p, &called("below"), rows, SLACK_BITS),
            above: Number::unsigned(p, &called("above"), rows, SLACK_BITS),
            remainder: Remainder::new(p, &called("remainder"), all, NORM_SHIFT),
            width: d,
            norm_frac,
        };
        let [root, below, above] =
            [&this.root, &this.below, &this.above].map(|number| number.value(p));
        let squares = p.use_of(this.squares);
        p.zero(
            &called("sum of squares"),
            rows,
            x.squared() - squares.clone(),
        );
        // r²·var, and 2·r·var + var, with var = d·Q + eps − S².
        let (sum, mean) = match &this.center {
            Some(center) => (center.sum(p, d), center.mean.value(p)),
            None => (Expression::default(), Expression::default()),
        };
        let spread = squares * d + eps.clone();
        let times_variance =
            |by: Expression| by.clone() * spread.clone() - by * sum.clone() * sum.clone();
        let squared = times_variance(root.clone() * root.clone());
        let variance = spread.clone() - sum.clone() * sum.clone();
        p.zero(
            &called("root is small"),
            rows,
            squared + below.clone() - this.target(),
        );
        p.zero(
            &called("root is large"),
            rows,
            times_variance(root.clone() * 2) + variance - 1 - below - above,
        );
        let out = this.out.value(p);
        this.remainder
            .state(p, &called("scaled"), all, (x - mean) * root, out);
        this
    }

    /// `N`.
    fn target(&self) -> i128 {
        (self.width * self.width) << (2 * (NORM_SHIFT + self.norm_frac))
    }

    /// Sets all values, from each layer's residual stream `[n][d]` and its normalization.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        inputs: &[&[i64]],
        traces: &[&NormTrace],
    ) -> Result<(), OutOfRange> {
        self.fill_rows(values, inputs, traces, |at| at[1], |at| [at[2], at[1]])
    }

    /// Sets all values, from each layer's `[rows][width]`; `row_of` has the row of indices of the rows' axes, `cell_of` row and
    /// feature of indices of all axes.
    fn fill_rows(
        &self,
        values: &mut Values<'_>,
        inputs: &[&[i64]],
        traces: &[&NormTrace],
        row_of: impl Fn(&[usize]) -> usize,
        cell_of: impl Fn(&[usize]) -> [usize; 2],
    ) -> Result<(), OutOfRange> {
        let d = self.width as usize;
        // Of a layer's row.
        let row = |l: usize, row: usize| &inputs[l][row * d..][..d];
        let total = |l, r| row(l, r).iter().map(|x| i128::from(*x)).sum::<i128>();
        let sum = |l, r| self.center.as_ref().map_or(0, |_| total(l, r));
        let squares = |l, r| row(l, r).iter().map(|x| i128::from(*x).pow(2)).sum();
        let mean = |l: usize, r: usize| i128::from(traces[l].mean[r]);
        let root = |l: usize, r: usize| i128::from(traces[l].rsqrt[r]);
        let eps = |l: usize, r: usize| i128::from(traces[l].eps[r % traces[l].eps.len()]);
        let variance = |l, r| -> i128 {
            let squares: i128 = squares(l, r);
            self.width * squares - sum(l, r).pow(2) + eps(l, r)
        };
        let below = |l, r| self.target() - root(l, r) * root(l, r) * variance(l, r);
        let above = |l, r| 2 * root(l, r) * variance(l, r) + variance(l, r) - 1 - below(l, r);
        if let Some(center) = &self.center {
            let rest = |l, r| sum(l, r) - self.width * mean(l, r);
            center.mean.fill(values, |at| mean(at[0], row_of(at)))?;
            center.rest.fill(values, |at| rest(at[0], row_of(at)))?;
            let room = |l, r| self.width - 1 - rest(l, r);
            center.room.fill(values, |at| room(at[0], row_of(at)))?;
        }
        values.fill(self.squares, |at| squares(at[0], row_of(at)))?;
        self.root.fill(values, |at| root(at[0], row_of(at)))?;
        self.below.fill(values, |at| below(at[0], row_of(at)))?;
        self.above.fill(values, |at| above(at[0], row_of(at)))?;
        self.out.fill(values, |at| {
            let [row, feature] = cell_of(at);
            traces[at[0]].out[row * d + feature].into()
        })?;
        self.remainder.fill(values, |at| {
            let (l, [r, feature]) = (at[0], cell_of(at));
            (i128::from(row(l, r)[feature]) - mean(l, r)) * root(l, r)
        })
    }
}

/// The normalization of each head of queries, or of keys, to mean square 1: of numbers of 32 bits, with an epsilon of each head
/// that is a weight, since the scale of a head is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadNormalization {
    /// The normalization.
    pub norm: Normalization,
    eps: TensorId,
    /// Lengths of the axes of heads.
    heads: Vec<usize>,
}

impl HeadNormalization {
    /// Declares the normalization of `number`, which has the axes `[layer, heads…, channels…, position]`.
    pub fn new(
        p: &mut Program,
        name: &str,
        number: &Number,
        [layer, position]: [AxisId; 2],
        heads: &[AxisId],
        channels: &[AxisId],
    ) -> Self {
        let lens = |p: &Program, axes: &[AxisId]| axes.iter().map(|id| p.axis(*id).len).collect();
        let own = [&[layer], heads].concat();
        let role = Role::Weight { wide: true };
        let eps = p.new_tensor(&format!("{name} norm epsilon"), &own, role);
        let channel_lens: Vec<usize> = lens(p, channels);
        let width: usize = channel_lens.iter().product();
        let of = Rows {
            rows: &[&own[..], &[position]].concat(),
            all: &[&own[..], channels, &[position]].concat(),
            width: width as i128,
            norm: Norm::RmsNorm,
            norm_frac: Spec::norm_frac_for(width),
            eps: p.use_of(eps),
        };
        let x = number.value(p);
        Self {
            norm: Normalization::of_rows(p, &format!("{name} norm"), x, &of),
            eps,
            heads: lens(p, heads),
        }
    }

    /// Sets a layer's epsilons.
    pub fn fill_weights(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        norm: &HeadNorm,
    ) -> Result<(), OutOfRange> {
        values.fill_first(self.eps, layer, |at| {
            norm.eps[flat(&at[1..], &self.heads)].into()
        })
    }

    /// Sets all other values, from each layer's `[n][heads·width]` and its normalization; `feature` has the index there of
    /// indices of all axes.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        inputs: &[&[i64]],
        traces: &[&NormTrace],
        feature: impl Fn(&[usize]) -> usize,
    ) -> Result<(), OutOfRange> {
        let width = self.norm.width as usize;
        let count: usize = self.heads.iter().product();
        let row_of = |at: &[usize]| {
            let last = at.len() - 1;
            at[last] * count + flat(&at[1..last], &self.heads)
        };
        let cell_of = |at: &[usize]| [feature(at) / width, feature(at) % width];
        self.norm.fill_rows(values, inputs, traces, row_of, cell_of)
    }
}

/// What each layer's rotation of queries and keys multiplies by: weights, since whatever they are makes another model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Angles {
    cos: TensorId,
    sin: TensorId,
    halves: [AxisId; 2],
    /// Whether the two features of a pair are multiplied by the same.
    is_shared: bool,
    pairs: usize,
    shift: u32,
}

impl Angles {
    /// Declares cosines and sines, for pairs of features that lie in the two halves of a head.
    pub fn new(
        p: &mut Program,
        layer: AxisId,
        channel: AxisId,
        position: AxisId,
        halves: [AxisId; 2],
    ) -> Self {
        let axes = [layer, channel, position];
        Self::of(p, ["cosine", "sine"], &axes, channel, halves, ROTATION_FRAC)
    }

    /// Declares cosines and sines times the gains of queries, or of keys.
    pub fn with_gains(
        p: &mut Program,
        name: &str,
        layer: AxisId,
        channel: AxisId,
        position: AxisId,
        halves: [AxisId; 2],
    ) -> Self {
        let axes = [layer, halves[0], channel, position];
        let names = ["cosine", "sine"].map(|what| format!("{name} gain times {what}"));
        let names = [names[0].as_str(), names[1].as_str()];
        Self::of(p, names, &axes, channel, halves, GAIN_FRAC)
    }

    fn of(
        p: &mut Program,
        names: [&str; 2],
        axes: &[AxisId],
        channel: AxisId,
        halves: [AxisId; 2],
        shift: u32,
    ) -> Self {
        let [cos, sin] = names.map(|name| p.new_tensor(name, axes, Role::Weight { wide: false }));
        Self {
            cos,
            sin,
            halves,
            is_shared: !axes.contains(&halves[0]),
            pairs: p.axis(channel).len,
            shift,
        }
    }

    /// Sets a layer's.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        factors: &Factors,
    ) -> Result<(), OutOfRange> {
        for (id, table) in [(self.cos, &factors.cos), (self.sin, &factors.sin)] {
            values.fill_first(id, layer, |at| {
                let (half, channel, position) = match self.is_shared {
                    true => (0, at[1], at[2]),
                    false => (at[1], at[2], at[3]),
                };
                table[(2 * position + half) * self.pairs + channel].into()
            })?;
        }
        Ok(())
    }
}

/// A number whose pairs are rotated: `x·c − y·s` in the first half, `y·c + x·s` in the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The result.
    pub out: Number,
    remainder: Remainder,
}

impl Rotated {
    /// Declares the rotation of a number with some axes, of which one is the halves.
    pub fn new(
        p: &mut Program,
        name: &str,
        angles: &Angles,
        number: &Number,
        axes: &[AxisId],
    ) -> Self {
        let this = Self {
            out: Number::signed(p, &format!("rotated {name}"), axes, ACT_BITS),
            remainder: Remainder::new(p, &format!("rotated {name} remainder"), axes, angles.shift),
        };
        // −1 from the first half to the other, 1 back.
        let [half, other] = angles.halves;
        let sign = p.public("half after other", &[other, half], Public::Less)
            - p.public("half before other", &[half, other], Public::Less);
        let swapped = |axes: &[AxisId]| -> Vec<AxisId> {
            let swap = |axis: &AxisId| if *axis == half { other } else { *axis };
            axes.iter().map(swap).collect()
        };
        let cos = p.use_of(angles.cos);
        // That of the feature that is multiplied by it.
        let sin_axes = swapped(&p.tensor(angles.sin).axes);
        let sin = p.use_at(angles.sin, &sin_axes);
        let acc = number.value(p) * cos + sign * number.value_at(p, &swapped(axes)) * sin;
        let out = this.out.value(p);
        this.remainder
            .state(p, &format!("{name} is rotated"), axes, acc, out);
        this
    }

    /// Sets it, from the sums.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        acc: impl Fn(&[usize]) -> i64,
    ) -> Result<(), OutOfRange> {
        let shift = self.remainder.shift();
        self.out.fill(values, |at| rounded(acc(at).into(), shift))?;
        self.remainder.fill(values, |at| acc(at).into())
    }
}

/// Sets a residual stream, from each layer's `[n][d]`.
pub fn fill_stream(
    values: &mut Values<'_>,
    stream: TensorId,
    width: usize,
    layers: &[&[i64]],
) -> Result<(), OutOfRange> {
    values.fill(stream, |at| layers[at[0]][at[2] * width + at[1]].into())
}

/// The residual stream after a half of a block: `x' = x + rs(acc, 16)`, a signed number of 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residual {
    number: Number,
    remainder: Remainder,
    stream: TensorId,
}

/// Bits by which sums of matrix products are shifted.
pub const PRODUCT_SHIFT: u32 = 16;

impl Residual {
    /// Declares the stream after `acc` is added to the stream before.
    pub fn new(
        p: &mut Program,
        name: &str,
        axes: &[AxisId],
        before: TensorId,
        after: TensorId,
        acc: Expression,
    ) -> Self {
        let this = Self {
            number: Number::signed(p, &format!("{name} out"), axes, 32),
            remainder: Remainder::new(p, &format!("{name} remainder"), axes, PRODUCT_SHIFT),
            stream: after,
        };
        let (x, y) = (p.use_of(before), p.use_of(after));
        let number = this.number.value(p);
        p.zero(&format!("{name} stream"), axes, y.clone() - number);
        this.remainder
            .state(p, &format!("{name} added"), axes, acc, y - x);
        this
    }

    /// Sets the stream after, and what belongs to it, from each layer's `[n][d]`.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        width: usize,
        outputs: &[&[i64]],
        accs: &[&[i64]],
    ) -> Result<(), OutOfRange> {
        let out = |at: &[usize]| i128::from(outputs[at[0]][at[2] * width + at[1]]);
        fill_stream(values, self.stream, width, outputs)?;
        self.number.fill(values, out)?;
        self.remainder
            .fill(values, |at| accs[at[0]][at[2] * width + at[1]].into())
    }
}
