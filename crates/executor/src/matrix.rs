//! Integer matrices, stored in as few bytes as hold their weights exactly.
//!
//! A matrix is stored by columns: the weights of one output are next to each other. It has the first of these forms that all
//! of its weights fit:
//!
//! * *short*: `m·2^s` with a mantissa `|m| < 2^15` and a shift `s` of the column, two bytes a weight. The quantizer gives
//!   every weight this form;
//! * *int*: 32 bits;
//! * *long*: 64 bits.
//!
//! The form follows from the weights alone, so two matrices are equal if their weights are.

use crate::kernels::{Block, STEP};
use crate::ops::{Error, check_shape};

/// Greatest magnitude of a mantissa: a product with any 16-bit number, and the sum of two, are 32-bit.
pub const MAX_MANTISSA: i16 = i16::MAX;

/// Weights `[inputs][outputs]`, any 64-bit integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    inputs: usize,
    outputs: usize,
    form: Form,
}

/// How weights are stored: columns one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Short(Short),
    Int(Vec<i32>),
    Long(Vec<i64>),
}

/// Mantissas and the shift of each column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Short {
    /// `[outputs][steps]`: a column is padded with zeros to whole blocks.
    pub(crate) mantissas: Vec<Block>,
    /// `[outputs]`, the least that lets the column's mantissas fit.
    pub(crate) shifts: Vec<u8>,
}

/// The mantissas and shifts of a matrix in the short form.
#[derive(Clone, Copy, Debug)]
pub struct Mantissas<'a> {
    inputs: usize,
    short: &'a Short,
}

impl<'a> Mantissas<'a> {
    /// The shift of each column.
    pub fn shifts(&self) -> &'a [u8] {
        &self.short.shifts
    }

    /// The mantissas of each column.
    pub fn columns(
        &self,
    ) -> impl Iterator<Item = impl Iterator<Item = i16> + 'a + use<'a>> + 'a + use<'a> {
        let inputs = self.inputs;
        let columns = self.short.mantissas.chunks_exact(steps(inputs).max(1));
        columns.map(move |column| column.iter().flat_map(|b| b.0).take(inputs))
    }
}

/// Blocks of a column.
pub(crate) fn steps(inputs: usize) -> usize {
    inputs.div_ceil(STEP)
}

/// The least shift with which magnitudes up to this one are mantissas.
fn least_shift(greatest: u64) -> u32 {
    let bits = u64::BITS - greatest.leading_zeros();
    bits.saturating_sub(i16::BITS - 1)
}

/// The least shift of a column, if with it every weight is a mantissa.
fn shift_of(column: &[i64]) -> Option<u32> {
    let (greatest, all) = column.iter().fold((0, 0), |(greatest, all), w| {
        let magnitude = w.unsigned_abs();
        (magnitude.max(greatest), all | magnitude)
    });
    let shift = least_shift(greatest);
    (all == 0 || all.trailing_zeros() >= shift).then_some(shift)
}

/// The integers nearest to a column that are `m·2^s` with mantissas `m` and one shift `s`, halves away from zero.
pub fn rounded_column(column: &mut [i64]) {
    let greatest = column.iter().map(|w| w.unsigned_abs()).max().unwrap_or(0);
    let mut shift = least_shift(greatest);
    let round = |w: u64, shift: u32| match shift {
        0 => w,
        _ => (w >> shift) + (w >> (shift - 1) & 1),
    };
    if round(greatest, shift) > MAX_MANTISSA as u64 {
        shift += 1;
    }
    for w in column {
        // At most the mantissa of 2^63, which is 2^14 at a shift of 49.
        let magnitude = round(w.unsigned_abs(), shift) << shift;
        *w = match *w < 0 {
            true => (magnitude as i64).wrapping_neg(),
            false => i64::try_from(magnitude).unwrap_or(i64::MAX >> shift << shift),
        };
    }
}

impl Matrix {
    /// A matrix without weights, to which columns are added.
    pub fn builder(inputs: usize) -> Builder {
        Builder {
            matrix: Self {
                inputs,
                outputs: 0,
                form: Form::Short(Short::default()),
            },
        }
    }

    /// The weights of `[inputs][outputs]`, row by row.
    pub fn from_rows(inputs: usize, outputs: usize, weights: &[i64]) -> Result<Self, Error> {
        check_shape("weights", weights.len(), inputs.saturating_mul(outputs))?;
        Ok(Self::from_fn(inputs, outputs, |i, o| {
            weights[i * outputs + o]
        }))
    }

    /// The weight of each input and output.
    pub fn from_fn(
        inputs: usize,
        outputs: usize,
        mut weight: impl FnMut(usize, usize) -> i64,
    ) -> Self {
        let mut builder = Self::builder(inputs);
        let mut column = vec![0; inputs];
        for o in 0..outputs {
            for (i, to) in column.iter_mut().enumerate() {
                *to = weight(i, o);
            }
            builder.push(&column);
        }
        builder.finish()
    }

    /// A matrix of mantissas and shifts, `[outputs][inputs]` and `[outputs]`; none if a shift is not the least of its column.
    pub fn from_mantissas(
        inputs: usize,
        shifts: Vec<u8>,
        mut mantissas: impl Iterator<Item = i16>,
    ) -> Option<Self> {
        let mut short = Short {
            mantissas: Vec::with_capacity(shifts.len().saturating_mul(steps(inputs))),
            shifts,
        };
        for &shift in &short.shifts {
            let mut greatest = 0;
            for step in 0..steps(inputs) {
                let mut block = Block([0; STEP]);
                let count = STEP.min(inputs - step * STEP);
                for to in &mut block.0[..count] {
                    *to = mantissas.next()?;
                    greatest = greatest.max(to.unsigned_abs());
                }
                short.mantissas.push(block);
            }
            // 2^15·2^48 is the greatest that fits.
            let fits = greatest <= MAX_MANTISSA as u16 && shift <= 48;
            if !fits || least_shift(u64::from(greatest) << shift) != shift.into() {
                return None;
            }
        }
        Some(Self {
            inputs,
            outputs: short.shifts.len(),
            form: Form::Short(short),
        })
    }

    /// Input features.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output features.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weight from an input to an output.
    ///
    /// # Panics
    /// If there is no such input or output.
    #[inline]
    pub fn get(&self, input: usize, output: usize) -> i64 {
        assert!(input < self.inputs, "no input {input}");
        match &self.form {
            Form::Short(short) => {
                let block = short.mantissas[output * steps(self.inputs) + input / STEP];
                i64::from(block.0[input % STEP]) << short.shifts[output]
            }
            Form::Int(weights) => weights[output * self.inputs + input].into(),
            Form::Long(weights) => weights[output * self.inputs + input],
        }
    }

    /// Changes one weight. The whole matrix is stored anew.
    ///
    /// # Panics
    /// If there is no such input or output.
    pub fn set(&mut self, input: usize, output: usize, weight: i64) {
        assert!(input < self.inputs, "no input {input}");
        assert!(output < self.outputs, "no output {output}");
        self.map(|i, o, w| if (i, o) == (input, output) { weight } else { w });
    }

    /// Changes every weight, of an input and an output.
    pub fn map(&mut self, mut change: impl FnMut(usize, usize, i64) -> i64) {
        *self = Self::from_fn(self.inputs, self.outputs, |i, o| {
            change(i, o, self.get(i, o))
        });
    }

    /// The same with each column rounded to mantissas and a shift: see [`rounded_column`].
    #[must_use]
    pub fn rounded(&self) -> Self {
        let mut builder = Self::builder(self.inputs);
        let mut column = vec![0; self.inputs];
        for o in 0..self.outputs {
            for (to, w) in column.iter_mut().zip(self.column(o)) {
                *to = w;
            }
            rounded_column(&mut column);
            builder.push(&column);
        }
        builder.finish()
    }

    /// The weights of one output.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn column(&self, output: usize) -> impl Iterator<Item = i64> + '_ {
        (0..self.inputs).map(move |i| self.get(i, output))
    }

    /// All weights, column by column.
    pub fn columns(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.outputs).flat_map(|o| self.column(o))
    }

    /// All weights, row by row.
    pub fn rows(&self) -> Vec<i64> {
        let rows = (0..self.inputs).flat_map(|i| (0..self.outputs).map(move |o| self.get(i, o)));
        rows.collect()
    }

    /// The mantissas and shifts, if this is the form.
    pub fn mantissas(&self) -> Option<Mantissas<'_>> {
        match &self.form {
            Form::Short(short) => Some(Mantissas {
                inputs: self.inputs,
                short,
            }),
            _ => None,
        }
    }

    /// The greatest magnitude.
    pub fn max_abs(&self) -> u64 {
        match &self.form {
            Form::Short(short) => {
                let columns = short.mantissas.chunks_exact(steps(self.inputs).max(1));
                let greatest = columns
                    .zip(&short.shifts)
                    .map(|(column, shift)| u64::from(max_mantissa(column)) << shift);
                greatest.max().unwrap_or(0)
            }
            Form::Int(weights) => {
                let magnitudes = weights.iter().map(|w| w.unsigned_abs());
                magnitudes.max().unwrap_or(0).into()
            }
            Form::Long(weights) => {
                let magnitudes = weights.iter().map(|w| w.unsigned_abs());
                magnitudes.max().unwrap_or(0)
            }
        }
    }

    /// Bytes of memory that the weights take.
    pub fn bytes(&self) -> usize {
        match &self.form {
            Form::Short(short) => short.mantissas.len() * size_of::<Block>() + short.shifts.len(),
            Form::Int(weights) => weights.len() * size_of::<i32>(),
            Form::Long(weights) => weights.len() * size_of::<i64>(),
        }
    }

    pub(crate) fn form(&self) -> &Form {
        &self.form
    }
}

/// The greatest magnitude of mantissas.
pub(crate) fn max_mantissa(blocks: &[Block]) -> u16 {
    let magnitudes = blocks.iter().flat_map(|b| b.0).map(i16::unsigned_abs);
    magnitudes.max().unwrap_or(0)
}

/// A matrix that is made column by column.
#[derive(Clone, Debug)]
pub struct Builder {
    matrix: Matrix,
}

impl Builder {
    /// Reserves room for columns.
    #[must_use]
    pub fn with_capacity(mut self, columns: usize) -> Self {
        if let Form::Short(short) = &mut self.matrix.form {
            let blocks = columns.saturating_mul(steps(self.matrix.inputs));
            short.mantissas.reserve_exact(blocks);
            short.shifts.reserve_exact(columns);
        }
        self
    }

    /// Adds the weights of one output.
    ///
    /// # Panics
    /// If they are not as many as there are inputs.
    pub fn push(&mut self, column: &[i64]) {
        assert_eq!(column.len(), self.matrix.inputs, "weights of a column");
        let shift = shift_of(column);
        let is_int = |w: i64| i32::try_from(w).is_ok();
        let fits = match &self.matrix.form {
            Form::Short(_) => shift.is_some(),
            Form::Int(_) => column.iter().copied().all(is_int),
            Form::Long(_) => true,
        };
        if !fits {
            let mut before = self.matrix.columns();
            let ints = before.all(is_int) && column.iter().copied().all(is_int);
            drop(before);
            let before = self.matrix.columns();
            let form = match ints {
                true => Form::Int(before.map(|w| w as i32).collect()),
                false => Form::Long(before.collect()),
            };
            self.matrix.form = form;
        }
        match &mut self.matrix.form {
            Form::Short(short) => {
                let shift = shift.unwrap_or_default();
                short.mantissas.extend(column.chunks(STEP).map(|weights| {
                    let mut block = Block([0; STEP]);
                    for (to, w) in block.0.iter_mut().zip(weights) {
                        *to = (w >> shift) as i16;
                    }
                    block
                }));
                short.shifts.push(shift as u8);
            }
            Form::Int(weights) => weights.extend(column.iter().map(|w| *w as i32)),
            Form::Long(weights) => weights.extend_from_slice(column),
        }
        self.matrix.outputs += 1;
    }

    /// The matrix.
    pub fn finish(self) -> Matrix {
        self.matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Integers of every magnitude and with zeros at their end.
    fn weight() -> impl Strategy<Value = i64> {
        prop_oneof![
            (any::<i64>(), 0u32..64).prop_map(|(v, s)| v >> s),
            (any::<i16>(), 0u32..49).prop_map(|(v, s)| i64::from(v) << s),
            Just(i64::MIN),
            Just(i64::MAX),
            Just(0),
        ]
    }

    /// Whether a form holds a column, literally.
    fn is_short(column: &[i64]) -> bool {
        (0..=49).any(|s| {
            let mantissa = |w: &i64| w % (1 << s) == 0 && (w >> s).unsigned_abs() <= 32_767;
            column.iter().all(mantissa)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

        #[test]
        fn weights_are_kept(
            inputs in 1usize..40, outputs in 1usize..8, pool in prop::collection::vec(weight(), 1..50), shift in 0u32..64,
        ) {
            let rows: Vec<i64> = (0..inputs * outputs).map(|at| pool[at % pool.len()] >> shift).collect();
            let matrix = Matrix::from_rows(inputs, outputs, &rows).unwrap();
            prop_assert_eq!(matrix.rows(), &rows[..]);
            prop_assert_eq!((matrix.inputs(), matrix.outputs()), (inputs, outputs));
            prop_assert_eq!(matrix.max_abs(), rows.iter().map(|w| w.unsigned_abs()).max().unwrap());
            let columns: Vec<i64> = matrix.columns().collect();
            let short = columns.chunks_exact(inputs).all(is_short);
            prop_assert_eq!(matrix.mantissas().is_some(), short);
            prop_assert_eq!(matches!(matrix.form(), Form::Int(_)), !short && rows.iter().all(|w| i32::try_from(*w).is_ok()));
            if let Some(mantissas) = matrix.mantissas() {
                let values: Vec<i16> = mantissas.columns().flatten().collect();
                let shifts = mantissas.shifts().to_vec();
                let again = Matrix::from_mantissas(inputs, shifts.clone(), values.iter().copied());
                // That of -2^63 alone is greater.
                let usual = shifts.iter().all(|s| *s <= 48);
                prop_assert_eq!(again.as_ref(), usual.then_some(&matrix));
                // No other shift is taken, except where it is the least of other weights, nor too few mantissas.
                let full = values.chunks_exact(inputs).all(|c| c.iter().any(|m| m.unsigned_abs() >= 1 << 14));
                let other: Vec<u8> = shifts.iter().map(|s| s + 1).collect();
                match Matrix::from_mantissas(inputs, other, values.iter().copied()) {
                    Some(other) => prop_assert!(full && other != matrix),
                    None => prop_assert!(!full || shifts.iter().any(|s| *s >= 48)),
                }
                prop_assert_eq!(Matrix::from_mantissas(inputs, shifts, values.iter().copied().skip(1)), None);
            }
            // However it was made, it is the same.
            let mut changed = matrix.clone();
            changed.set(inputs - 1, 0, i64::MIN + 1);
            prop_assert_eq!(changed.get(inputs - 1, 0), i64::MIN + 1);
            prop_assert!(matches!(changed.form(), Form::Long(_)));
            changed.set(inputs - 1, 0, matrix.get(inputs - 1, 0));
            prop_assert_eq!(&changed, &matrix);

            let rounded = matrix.rounded();
            prop_assert!(rounded.mantissas().is_some());
            prop_assert_eq!(&rounded.rounded(), &rounded);
            for o in 0..outputs {
                let greatest = matrix.column(o).map(|w| w.unsigned_abs()).max().unwrap();
                for (before, after) in matrix.column(o).zip(rounded.column(o)) {
                    // Half a step, of which the greatest has more than 2^14, or a whole one at the end of 64 bits.
                    let error = i128::from(before) - i128::from(after);
                    let steps = if greatest >= i64::MAX as u64 - (1 << 49) { 2 } else { 1 };
                    prop_assert!(error.unsigned_abs() <= (steps * u128::from(greatest)) >> 14);
                }
            }
            if short {
                prop_assert_eq!(rounded, matrix);
            }
        }
    }

    #[test]
    fn shifts_are_the_least() {
        let shift = |column: &[i64]| shift_of(column);
        assert_eq!(shift(&[0, 0]), Some(0));
        assert_eq!(shift(&[32_767, -32_767, 1]), Some(0));
        assert_eq!(shift(&[-32_768]), Some(1));
        assert_eq!(shift(&[-32_768, 1]), None);
        assert_eq!(shift(&[i64::MIN, 1 << 49]), Some(49));
        assert_eq!(shift(&[i64::MIN, 1 << 48]), None);
        let mut column = [65_535, 1, -3];
        rounded_column(&mut column);
        assert_eq!(column, [65_536, 0, -4]);
        for shifts in [vec![49], vec![255]] {
            assert_eq!(Matrix::from_mantissas(1, shifts, [1].into_iter()), None);
        }
        assert_eq!(
            Matrix::from_mantissas(1, vec![0], [i16::MIN].into_iter()),
            None
        );
    }
}
