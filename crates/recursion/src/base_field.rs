//! Numbers of the base field, and equations between them.
//!
//! A number is 16 limbs of 16 bits, four to a chunk of 64 bits. An equation `Σ a·b + c = 0` modulo the order `p` of the base
//! field is one between integers with a quotient `k`: `D = Σ a·b + c − k·p = 0`. Whoever bounds its numbers so that
//! `|D| < r·2^256`, with `r` the order of the scalar field, needs `D` to be zero modulo `r`, which is an identity between
//! numbers as they are, and modulo `2^256`, which is two identities between chunks: with `D = Σ 2^(64·m)·D_m`,
//!
//! ```text
//! D_0 + 2^64·D_1       = 2^128·u      u from −2^79 to 2^79
//! D_2 + 2^64·D_3 + u   = 2^128·v      v likewise
//! ```
//!
//! Each side of these is below `2^209` in absolute value, so that equality modulo `r` is equality. Hence `2^256` divides
//! `D_0 + 2^64·D_1 + 2^128·D_2 + 2^192·D_3`, and `D`.

use halo2curves::bn256::{Fq, Fr};
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuit::{AxisId, Expression, Program, Public, Role, Slot, TensorId, Values, View};
use num_bigint::{BigInt, BigUint, Sign};
use std::ops::{Add, Mul, Neg, Sub};
use std::sync::LazyLock;

/// Bits of a limb.
pub const LIMB_BITS: u32 = 16;
/// Limbs of a chunk.
pub const CHUNK_LIMBS: usize = 4;
/// Chunks of a number.
pub const CHUNKS: usize = 4;
/// Limbs of a number.
pub const LIMBS: usize = CHUNK_LIMBS * CHUNKS;
/// Bits of a chunk.
const CHUNK_BITS: u32 = 64;
/// Subtracted from carries, which are signed: `2^79`.
const CARRY_BIAS_BITS: u32 = 79;
/// Limbs of a carry.
const CARRY_LIMBS: usize = 5;

/// The order of the base field.
pub static ORDER: LazyLock<BigInt> = LazyLock::new(|| integer_of(&(-Fq::ONE)) + 1);

/// A power of two in the scalar field.
pub fn power_of_two(bits: u32) -> Fr {
    Fr::from(2).pow([u64::from(bits)])
}

/// An element of the base field as an integer.
pub fn integer_of(x: &Fq) -> BigInt {
    BigInt::from_bytes_le(Sign::Plus, x.to_repr().as_ref())
}

/// An integer in the scalar field.
pub fn scalar_of(x: &BigInt) -> Fr {
    let (sign, digits) = x.to_u64_digits();
    let base = power_of_two(CHUNK_BITS);
    let value = digits
        .iter()
        .rev()
        .fold(Fr::ZERO, |sum, digit| sum * base + Fr::from(*digit));
    match sign {
        Sign::Minus => -value,
        _ => value,
    }
}

/// Chunks of an integer from 0 to `2^256`.
fn integer_chunks(x: &BigInt) -> [u64; CHUNKS] {
    let digits = x.magnitude().to_u64_digits();
    std::array::from_fn(|i| digits.get(i).copied().unwrap_or(0))
}

/// Limbs of chunks.
fn chunk_limbs(chunks: [u64; CHUNKS]) -> [u16; LIMBS] {
    std::array::from_fn(|i| {
        (chunks[i / CHUNK_LIMBS] >> (LIMB_BITS * (i % CHUNK_LIMBS) as u32)) as u16
    })
}

/// Limbs of an integer from 0 to `2^256`.
pub fn limbs_of(x: &BigInt) -> [u16; LIMBS] {
    chunk_limbs(integer_chunks(x))
}

/// Limbs of an element.
pub fn element_limbs(x: &Fq) -> [u16; LIMBS] {
    chunk_limbs(element_chunks(x))
}

/// The order of the base field in the scalar field.
pub fn order_in_scalars() -> Fr {
    scalar_of(&ORDER)
}

/// The axes that all numbers have.
#[derive(Clone, Copy, Debug)]
pub struct LimbAxes {
    chunk: AxisId,
    limb: AxisId,
    carry: AxisId,
}

impl LimbAxes {
    /// Declares them.
    pub fn new(p: &mut Program) -> Self {
        Self {
            chunk: p.new_axis("chunk", CHUNKS),
            limb: p.new_axis("limb", CHUNK_LIMBS),
            carry: p.new_axis("carry", 2),
        }
    }
}

/// A linear combination of numbers: as it is, modulo the order of the scalar field, and by chunks.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// As it is.
    pub whole: Expression,
    /// Chunks, from the lowest on.
    pub chunks: [Expression; CHUNKS],
}

impl Form {
    /// Each part of a form by a function of the same part of some others.
    pub fn map<const N: usize>(
        forms: [&Self; N],
        mut f: impl FnMut([&Expression; N], &str) -> Expression,
    ) -> Self {
        let whole = f(forms.map(|form| &form.whole), "whole");
        let chunks =
            std::array::from_fn(|i| f(forms.map(|form| &form.chunks[i]), &format!("chunk {i}")));
        Self { whole, chunks }
    }

    /// A small constant.
    pub fn constant(value: i128) -> Self {
        let mut chunks: [Expression; CHUNKS] = Default::default();
        chunks[0] = value.into();
        Self {
            whole: value.into(),
            chunks,
        }
    }
}

impl Add for Form {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::map([&self, &other], |[a, b], _| a.clone() + b.clone())
    }
}

impl Sub for Form {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Form {
    type Output = Self;

    fn neg(self) -> Self {
        Self::map([&self], |[a], _| -a.clone())
    }
}

impl Mul<i128> for Form {
    type Output = Self;

    fn mul(self, by: i128) -> Self {
        Self::map([&self], |[a], _| a.clone() * by)
    }
}

/// A tensor of numbers below `2^256`, or below `2^(256 − spare)`.
#[derive(Clone, Debug)]
pub struct Number {
    name: String,
    free: Vec<AxisId>,
    limbs: TensorId,
    top: Option<(TensorId, u32)>,
}

impl Number {
    /// Declares numbers, of which the highest `spare` bits are zero.
    pub fn new(p: &mut Program, axes: LimbAxes, name: &str, free: &[AxisId], spare: u32) -> Self {
        let range = p.range(LIMB_BITS);
        let all = [free, &[axes.chunk, axes.limb]].concat();
        let limbs = p.new_tensor(name, &all, Role::Limb { range });
        let mut number = Self {
            name: name.into(),
            free: free.to_vec(),
            limbs,
            top: None,
        };
        if spare > 0 {
            // The highest limb times 2^spare has 16 bits, too.
            let top = p.new_tensor(&format!("{name}: top"), free, Role::Limb { range });
            let slots = [Slot::Index(CHUNKS - 1), Slot::Index(CHUNK_LIMBS - 1)];
            let highest = number.view(p, "highest limb", Fr::ONE, &number.own_slots(), slots);
            let bits = highest * (1_i128 << spare) - p.use_of(top);
            p.zero(&format!("{name}: bits"), free, bits);
            number.top = Some((top, spare));
        }
        number
    }

    /// A view of the numbers, with some axes fixed; the label is its name.
    fn view(
        &self,
        p: &mut Program,
        label: &str,
        weight: Fr,
        free: &[Slot],
        [chunk, limb]: [Slot; 2],
    ) -> Expression {
        let name = format!("{}: {label}", self.name);
        let view = View {
            of: self.limbs,
            weight,
            slots: [free, &[chunk, limb]].concat(),
        };
        let id = match p.named(&name) {
            Some(known) => {
                let same = p.tensor(known).role == Role::View(view);
                assert!(same, "two views are called {name}");
                known
            }
            None => p.new_view(&name, view.of, view.weight, &view.slots),
        };
        p.use_of(id)
    }

    fn own_slots(&self) -> Vec<Slot> {
        self.free.iter().map(|a| Slot::Axis(*a)).collect()
    }

    /// The numbers under the names of other axes, or with some of them fixed; the label tells these from others.
    pub fn form_at(&self, p: &mut Program, label: &str, free: &[Slot]) -> Form {
        let limb = Slot::Powers(power_of_two(LIMB_BITS));
        let chunk = Slot::Powers(power_of_two(CHUNK_BITS));
        Form {
            whole: self.view(p, &format!("{label}whole"), Fr::ONE, free, [chunk, limb]),
            chunks: std::array::from_fn(|i| {
                let label = format!("{label}chunk {i}");
                self.view(p, &label, Fr::ONE, free, [Slot::Index(i), limb])
            }),
        }
    }

    /// The numbers as they were declared.
    pub fn form(&self, p: &mut Program) -> Form {
        self.form_at(p, "", &self.own_slots())
    }

    /// A chunk times a factor.
    pub fn chunk_times(
        &self,
        p: &mut Program,
        label: &str,
        chunk: usize,
        weight: Fr,
    ) -> Expression {
        let slots = [Slot::Index(chunk), Slot::Powers(power_of_two(LIMB_BITS))];
        self.view(p, label, weight, &self.own_slots(), slots)
    }

    /// The axes of the tensor but those of limbs.
    pub fn free(&self) -> &[AxisId] {
        &self.free
    }

    /// Sets all numbers.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        f: impl Fn(&[usize]) -> [u16; LIMBS],
    ) -> Result<(), nanozk_circuit::OutOfRange> {
        let free = self.free.len();
        values.fill(self.limbs, |at| {
            let (own, limb) = at.split_at(free);
            i128::from(f(own)[limb[0] * CHUNK_LIMBS + limb[1]])
        })?;
        match self.top {
            None => Ok(()),
            Some((top, spare)) => values.fill(top, |at| i128::from(f(at)[LIMBS - 1]) << spare),
        }
    }
}

/// A constant of the field.
pub fn constant(p: &mut Program, value: Fr) -> Expression {
    let name = format!("constant {value:?}");
    p.public(&name, &[], Public::Cells(vec![value]))
}

/// An equation modulo the order of the base field, for each index of some axes.
#[derive(Clone, Debug)]
pub struct Equation {
    quotient: Number,
    /// Four limbs of both carries, and the fifth.
    carries: [TensorId; 2],
    bias: BigInt,
}

/// The witness of an equation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quotient {
    limbs: [u16; LIMBS],
    carries: [[u16; CARRY_LIMBS]; 2],
}

/// An integer by chunks, which may be negative or beyond 64 bits.
pub type Chunks = [i128; CHUNKS];

fn element_chunks(x: &Fq) -> [u64; CHUNKS] {
    let repr = x.to_repr();
    let bytes: &[u8] = repr.as_ref();
    std::array::from_fn(|i| {
        let mut chunk = [0; 8];
        chunk.copy_from_slice(&bytes[8 * i..8 * i + 8]);
        u64::from_le_bytes(chunk)
    })
}

/// Chunks of an element.
pub fn chunks_of(x: &Fq) -> Chunks {
    element_chunks(x).map(i128::from)
}

/// A number by chunks in the scalar field.
pub fn scalar_of_chunks(chunks: &Chunks) -> Fr {
    let base = power_of_two(CHUNK_BITS);
    let integer = |chunk: &i128| nanozk_circuit::integer(*chunk);
    chunks
        .iter()
        .rev()
        .fold(Fr::ZERO, |sum, chunk| sum * base + integer(chunk))
}

/// Combines chunks one by one.
pub fn zip(a: Chunks, b: Chunks, f: impl Fn(i128, i128) -> i128) -> Chunks {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Equation {
    /// States `Σ a·b + c = 0` with a quotient from `−bias` on, which has `256 − spare` bits with the bias added.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        p: &mut Program,
        axes: LimbAxes,
        name: &str,
        free: &[AxisId],
        products: &[(&Form, &Form)],
        linear: &Form,
        bias: BigUint,
        spare: u32,
    ) -> Self {
        let quotient = Number::new(p, axes, &format!("{name}: quotient"), free, spare);
        let range = p.range(LIMB_BITS);
        let carry_axes = [free, &[axes.carry, axes.limb]].concat();
        let low = p.new_tensor(
            &format!("{name}: carries"),
            &carry_axes,
            Role::Limb { range },
        );
        let high_axes = [free, &[axes.carry]].concat();
        let high = p.new_tensor(
            &format!("{name}: high carries"),
            &high_axes,
            Role::Limb { range },
        );
        let order = integer_chunks(&ORDER);
        let order_in_scalars = order_in_scalars();
        let bias = BigInt::from(bias);

        // Modulo r.
        let mut whole = linear.whole.clone();
        for (a, b) in products {
            whole = whole + a.whole.clone() * b.whole.clone();
        }
        let limb = Slot::Powers(power_of_two(LIMB_BITS));
        let chunk = Slot::Powers(power_of_two(CHUNK_BITS));
        let multiple = quotient.view(
            p,
            "times the order",
            -order_in_scalars,
            &quotient.own_slots(),
            [chunk, limb],
        );
        let bias_term = constant(p, scalar_of(&bias) * order_in_scalars);
        let whole = whole + multiple + bias_term;
        p.zero(&format!("{name}: modulo r"), free, whole);

        // Modulo 2^128, twice.
        let bias_chunks = integer_chunks(&bias);
        let shift = power_of_two(CHUNK_BITS);
        for half in 0..2 {
            let (lower, upper) = (2 * half, 2 * half + 1);
            let times_shift = 1_i128 << CHUNK_BITS;
            let mut sum = linear.chunks[lower].clone() + linear.chunks[upper].clone() * times_shift;
            let mut bias_part = Fr::ZERO;
            for i in 0..=upper {
                // What chunk i is multiplied by: chunk lower − i, and 2^64 times chunk upper − i.
                let second = lower.checked_sub(i);
                for (a, b) in products {
                    let mut factor = b.chunks[upper - i].clone() * times_shift;
                    if let Some(second) = second {
                        factor = factor + b.chunks[second].clone();
                    }
                    sum = sum + a.chunks[i].clone() * factor;
                }
                let mut weight = shift * Fr::from(order[upper - i]);
                if let Some(second) = second {
                    weight += Fr::from(order[second]);
                }
                let label = format!("part {i} of half {half}");
                sum = sum + quotient.chunk_times(p, &label, i, -weight);
                bias_part += Fr::from(bias_chunks[i]) * weight;
            }
            // The carry that comes in, and what goes out.
            let mut carry_bias = power_of_two(128 + CARRY_BIAS_BITS);
            let mut out: Vec<(usize, Fr)> = vec![(half, -power_of_two(128))];
            if half == 1 {
                out.push((0, Fr::ONE));
                carry_bias -= power_of_two(CARRY_BIAS_BITS);
            }
            for (carry, weight) in out {
                let mut slots = quotient.own_slots();
                slots.push(Slot::Index(carry));
                let label = format!("{name}: carry {carry} in half {half}");
                let above = weight * power_of_two(CHUNK_BITS);
                let above = p.new_view(&format!("{label}, high"), high, above, &slots);
                slots.push(limb);
                let below = p.new_view(&label, low, weight, &slots);
                sum = sum + p.use_of(below) + p.use_of(above);
            }
            sum = sum + constant(p, bias_part + carry_bias);
            p.zero(&format!("{name}: half {half}"), free, sum);
        }
        Self {
            quotient,
            carries: [low, high],
            bias,
        }
    }

    /// The quotient and the carries, for numbers by chunks.
    pub fn solve(&self, products: &[(Chunks, Chunks)], linear: Chunks) -> Quotient {
        let weigh = |chunks: &Chunks| -> BigInt {
            chunks
                .iter()
                .rev()
                .fold(BigInt::ZERO, |sum, chunk| (sum << CHUNK_BITS) + chunk)
        };
        let mut total = weigh(&linear);
        for (a, b) in products {
            total += weigh(a) * weigh(b);
        }
        let quotient = total / &*ORDER;
        let biased = &quotient + &self.bias;
        let limbs = limbs_of(&biased);
        let [own, bias] = [&biased, &self.bias].map(|x| integer_chunks(x).map(i128::from));
        let own = zip(own, bias, |own, bias| own - bias);
        let order = integer_chunks(&ORDER).map(i128::from);
        let coefficient = |m: usize| -> BigInt {
            let mut sum = BigInt::from(linear[m]);
            for i in 0..=m {
                for (a, b) in products {
                    sum += BigInt::from(a[i]) * b[m - i];
                }
                sum -= BigInt::from(own[i]) * order[m - i];
            }
            sum
        };
        let mut carry = BigInt::ZERO;
        let carries = std::array::from_fn(|half| {
            let sum = coefficient(2 * half) + (coefficient(2 * half + 1) << CHUNK_BITS) + &carry;
            carry = sum >> 128;
            let biased = &carry + (BigInt::from(1) << CARRY_BIAS_BITS);
            let limbs = limbs_of(&biased);
            std::array::from_fn(|i| limbs[i])
        });
        Quotient { limbs, carries }
    }

    /// Sets all witnesses.
    pub fn fill<'q>(
        &self,
        values: &mut Values<'_>,
        f: impl Fn(&[usize]) -> &'q Quotient,
    ) -> Result<(), nanozk_circuit::OutOfRange> {
        self.quotient.fill(values, |at| f(at).limbs)?;
        let free = self.quotient.free.len();
        let [low, high] = self.carries;
        values.fill(low, |at| {
            i128::from(f(&at[..free]).carries[at[free]][at[free + 1]])
        })?;
        values.fill(high, |at| {
            i128::from(f(&at[..free]).carries[at[free]][CARRY_LIMBS - 1])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanozk_circuit::{Failure, Layout, Registry, Tensor};

    struct Nowhere;

    impl Registry for Nowhere {
        fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
            None
        }
    }

    /// The equation `a·b − c = 0`, and values of everything in it.
    struct Case {
        program: Program,
        numbers: [Number; 3],
        equation: Equation,
    }

    impl Case {
        fn new(bias: u32, spare: u32) -> Self {
            let mut p = Program::new();
            let axes = LimbAxes::new(&mut p);
            let numbers = ["a", "b", "c"].map(|name| Number::new(&mut p, axes, name, &[], 0));
            let [a, b, c] = [0, 1, 2].map(|i| numbers[i].form(&mut p));
            let bias = BigUint::from(1_u8) << bias;
            let products = [(&a, &b)];
            let equation = Equation::new(&mut p, axes, "e", &[], &products, &-c, bias, spare);
            Self {
                program: p,
                numbers,
                equation,
            }
        }

        /// Names of what does not hold.
        fn failures(&self, numbers: [&BigInt; 3], quotient: &Quotient) -> Vec<String> {
            self.changed(numbers, quotient, |_| {})
        }

        fn changed(
            &self,
            numbers: [&BigInt; 3],
            quotient: &Quotient,
            change: impl FnOnce(&mut Values<'_>),
        ) -> Vec<String> {
            let layout = Layout::new(&self.program, 17, 2, &Nowhere).unwrap();
            let mut values = Values::new(&self.program, &layout, vec![]);
            for (number, value) in self.numbers.iter().zip(numbers) {
                number.fill(&mut values, |_| limbs_of(value)).unwrap();
            }
            self.equation.fill(&mut values, |_| quotient).unwrap();
            change(&mut values);
            let failures = self.program.failures(&values).into_iter();
            failures
                .map(|failure| match failure {
                    Failure::Identity { identity, .. } => identity,
                    other => other.to_string(),
                })
                .collect()
        }
    }

    fn chunks(x: &BigInt) -> Chunks {
        let digits = x.magnitude().to_u64_digits();
        std::array::from_fn(|i| i128::from(digits.get(i).copied().unwrap_or(0)))
    }

    fn carry(x: i128) -> [u16; CARRY_LIMBS] {
        let biased = x + (1 << CARRY_BIAS_BITS);
        std::array::from_fn(|i| (biased >> (16 * i)) as u16)
    }

    /// The quotient that a prover who claims nothing false computes.
    #[test]
    fn products_hold() {
        let order = &*ORDER;
        assert_eq!(integer_of(&-Fq::ONE), order - 1);
        let a: BigInt = (BigInt::from(1) << 256) - 12345;
        let small = BigInt::from(77);
        for (bias, spare) in [(255, 0), (4, 0), (4, 2)] {
            let case = Case::new(bias, spare);
            let mut pairs = vec![(order - 1, order - 2), (small.clone(), small.clone())];
            if spare == 0 && bias == 255 {
                pairs.push((a.clone() >> 1, order - 5));
            }
            for (a, b) in pairs {
                let c = (&a * &b) % order;
                let minus = chunks(&c).map(|c| -c);
                let quotient = case.equation.solve(&[(chunks(&a), chunks(&b))], minus);
                assert!(case.failures([&a, &b, &c], &quotient).is_empty());
                let other = if spare == 0 { &c + 1 } else { &c + 2 };
                assert!(!case.failures([&a, &b, &other], &quotient).is_empty());
            }
        }
    }

    /// What is zero modulo `2^256`, but not modulo `r`.
    #[test]
    fn zero_must_be_zero_modulo_r() {
        let case = Case::new(4, 0);
        let power = BigInt::from(1) << 128;
        let zero = BigInt::ZERO;
        // With the bias the quotient is zero.
        let quotient = Quotient {
            limbs: limbs_of(&BigInt::from(16)),
            carries: [carry(0); 2],
        };
        let failures = case.failures([&power, &power, &zero], &quotient);
        assert_eq!(failures, ["e: modulo r"]);
        assert!(case.failures([&zero, &zero, &zero], &quotient).is_empty());
    }

    /// What is zero modulo `r`, and of `2^256` all but one half.
    #[test]
    fn zero_must_be_zero_in_both_halves() {
        let case = Case::new(4, 0);
        let r = integer_in_scalars();
        let modulus = BigInt::from(1) << 256;
        let mask = (BigInt::from(1) << 128) - 1;
        // r^-1 modulo 2^256: each step doubles the number of bits that are right.
        let inverse = (0..8).fold(BigInt::from(1), |x: BigInt, _| {
            let next = &x * (BigInt::from(2) - &r * &x);
            ((next % &modulus) + &modulus) % &modulus
        });
        assert_eq!((&r * &inverse) % &modulus, BigInt::from(1));
        let zero = BigInt::ZERO;
        for (other, half) in [(inverse, 0), (BigInt::from(1) << 128, 1)] {
            let (a, b) = (chunks(&r), chunks(&other));
            let part = |m: usize| -> BigInt {
                let parts = (0..=m).map(|i| BigInt::from(a[i]) * b[m - i]);
                parts.fold(BigInt::ZERO, |sum, part| sum + part)
            };
            let low = part(0) + (part(1) << 64);
            assert_eq!(&low & &mask == BigInt::ZERO, half == 1);
            let first: BigInt = low >> 128;
            let high = part(2) + (part(3) << 64) + &first;
            assert_eq!(&high & &mask == BigInt::ZERO, half == 0);
            let second: BigInt = high >> 128;
            let quotient = Quotient {
                limbs: limbs_of(&BigInt::from(16)),
                carries: [first, second].map(|u| carry(i128::try_from(u).unwrap())),
            };
            let failures = case.failures([&r, &other, &zero], &quotient);
            assert_eq!(failures, [format!("e: half {half}")]);
        }
    }

    /// The order of the scalar field.
    fn integer_in_scalars() -> BigInt {
        let repr = (-Fr::ONE).to_repr();
        BigInt::from_bytes_le(Sign::Plus, repr.as_ref()) + 1
    }

    /// Carries that are any elements would make every half hold.
    #[test]
    fn carries_and_numbers_are_in_limbs() {
        for spare in [0, 2] {
            let case = Case::new(4, spare);
            for (_, tensor) in case.program.enumerate() {
                let is_limb = matches!(tensor.role, Role::Limb { .. });
                assert!(is_limb || !tensor.is_committed(), "{}", tensor.name);
            }
        }
        // Limbs are of 16 bits.
        let p = &Case::new(4, 2).program;
        assert!(p.tables().iter().all(|table| table.bits == LIMB_BITS));
    }

    /// A number with spare bits has none of them.
    #[test]
    fn spare_bits_are_zero() {
        let mut p = Program::new();
        let axes = LimbAxes::new(&mut p);
        let number = Number::new(&mut p, axes, "x", &[], 2);
        let layout = Layout::new(&p, 17, 2, &Nowhere).unwrap();
        let mut values = Values::new(&p, &layout, vec![]);
        let greatest = (BigInt::from(1) << 254) - 1;
        number.fill(&mut values, |_| limbs_of(&greatest)).unwrap();
        assert!(p.failures(&values).is_empty());
        for bit in [254, 255] {
            let x = BigInt::from(1) << bit;
            let mut values = values.clone();
            let top = p.named("x: top").unwrap();
            let limb = limbs_of(&x)[LIMBS - 1];
            let last = [CHUNKS - 1, CHUNK_LIMBS - 1];
            assert!(values.set(number.limbs, &last, limb.into()));
            // Whatever the prover says of it.
            for said in [0, 1, limb, limb << 1, limb << 2, u16::MAX] {
                assert!(values.set(top, &[], said.into()));
                assert!(!p.failures(&values).is_empty(), "bit {bit}, {said}");
            }
        }
    }
}
