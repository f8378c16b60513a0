//! The exponential and activation tables, computed in integer fixed point.
//!
//! Every entry is the correctly rounded value of the real function; the fixed-point working
//! precision leaves more than 30 bits below the unit of a table.

use std::ops::Range;
use std::sync::OnceLock;

use crate::ops::{self, Error};
use crate::spec::{ACT_BITS, ACT_OUT_EXTRA_FRAC, ACT_OUT_MAX, Activation};

/// Entries of [`ExpTable::e1`].
pub const EXP_E1_LEN: usize = 256;
/// Entries of [`ExpTable::e0`].
pub const EXP_E0_LEN: usize = 256;
/// From this distance below the maximum on the exponential is zero.
pub const EXP_CUTOFF: u64 = 1 << 16;
/// Segments of an activation table.
pub const ACTIVATION_SEGMENTS: usize = 1024;
/// Bits of the position inside a segment.
pub const ACTIVATION_LOW_BITS: u32 = 6;
/// Extra fractional bits of [`ActivationTable::a`] over its output.
pub const ACTIVATION_EXTRA_BITS: u32 = 8;
/// Smallest `act_frac`.
pub const MIN_ACT_FRAC: u32 = 8;
/// Greatest `act_frac`.
pub const MAX_ACT_FRAC: u32 = 13;

/// Working precision.
const Q: u32 = 62;
/// `1` in working precision.
const ONE: i128 = 1 << Q;
/// `ln(2)·2^120`.
const LN2_Q120: i128 = 921_350_637_599_661_305_226_344_307_672_478_455;
/// `sqrt(2/π)·2^62`.
const SQRT_2_OVER_PI: i128 = 3_679_593_073_373_651_226;
/// `0.044715·sqrt(2/π)·2^62`.
const GELU_CUBIC: i128 = 164_533_004_275_902_815;

/// `exp(-y)` for `y ≥ 0` in Q62, as a mantissa in Q62 (in `(1/2, 1]`) and a right shift.
fn exp_neg(y: i128) -> (i128, u32) {
    let k = y / (LN2_Q120 >> (120 - Q));
    let r = y - ((k * LN2_Q120) >> (120 - Q));
    let mut term = ONE;
    let mut sum = ONE;
    let mut n = 1;
    while term != 0 {
        // The sign alternates; truncation toward zero is far below the precision needed.
        term = -((term * r) >> Q) / n;
        sum += term;
        n += 1;
    }
    (sum, u32::try_from(k).unwrap_or(u32::MAX))
}

/// `round(x·2^bits)` of a mantissa in Q62 shifted right by `shift`.
fn round_mantissa((mantissa, shift): (i128, u32), bits: u32) -> i64 {
    let s = Q + shift - bits;
    if s >= 127 {
        return 0;
    }
    ((mantissa + (1 << (s - 1))) >> s) as i64
}

/// The exponential `exp(-z/2^12)` in units of `2^-15`, as the product of two small tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpTable {
    /// `e1[j] = round(2^15·exp(−j/16))`, 256 entries.
    pub e1: Vec<i64>,
    /// `e0[j] = round(2^16·exp(−j/4096))`, 256 entries.
    pub e0: Vec<i64>,
}

impl ExpTable {
    /// Computes the tables.
    pub fn new() -> Self {
        let table = |len: usize, frac: u32, bits: u32| {
            (0..len)
                .map(|j| round_mantissa(exp_neg((j as i128) << (Q - frac)), bits))
                .collect()
        };
        Self {
            e1: table(EXP_E1_LEN, 4, 15),
            e0: table(EXP_E0_LEN, 12, 16),
        }
    }

    /// The tables, computed once per process.
    pub fn get() -> &'static Self {
        static TABLE: OnceLock<ExpTable> = OnceLock::new();
        TABLE.get_or_init(Self::new)
    }

    /// `EXP(z)`: `exp(-z/2^12)·2^15`, zero from [`EXP_CUTOFF`] on.
    #[inline]
    pub fn eval(&self, z: u64) -> i64 {
        if z >= EXP_CUTOFF {
            return 0;
        }
        (self.e1[(z >> 8) as usize] * self.e0[(z & 255) as usize] + (1 << 15)) >> 16
    }
}

impl Default for ExpTable {
    fn default() -> Self {
        Self::new()
    }
}

/// An activation function by linear interpolation over 1,024 segments of 64 inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationTable {
    /// `a[hi] = round(2^(act_frac+9)·act(x_hi))`, from `-2^21` to `2^24`.
    pub a: Vec<i64>,
    /// `b[hi] = round(2^(act_frac+9)·(act(x_{hi+1}) − act(x_hi))/64)`, from `-2^10` to `2^10`.
    pub b: Vec<i64>,
}

impl ActivationTable {
    /// Computes the tables.
    ///
    /// # Panics
    /// If `act_frac` is outside `8..=13`; [`ActivationTable::get`] gives an error instead.
    pub fn new(activation: Activation, act_frac: u32) -> Self {
        assert!(
            (MIN_ACT_FRAC..=MAX_ACT_FRAC).contains(&act_frac),
            "act_frac {act_frac} is outside {MIN_ACT_FRAC}..={MAX_ACT_FRAC}"
        );
        // Segment starts are x = j/2^s, the end of the last one included.
        let s = act_frac - ACTIVATION_LOW_BITS;
        let half = (ACTIVATION_SEGMENTS / 2) as i128;
        let values: Vec<i128> = (-half..=half)
            .map(|j| match activation {
                Activation::Relu => j.max(0) << (Q - s),
                Activation::GeluNew => gelu_new(j, s),
                Activation::Gelu => gelu_erf(j, s),
                Activation::Silu => silu(j, s),
            })
            .collect();
        // Both tables have act_frac + 9 fractional bits; B divides by another 2^6.
        let bits = act_frac + ACT_OUT_EXTRA_FRAC + ACTIVATION_EXTRA_BITS;
        let round = |v: i128, bits: u32| ((v + (1 << (Q - bits - 1))) >> (Q - bits)) as i64;
        Self {
            a: values[..ACTIVATION_SEGMENTS]
                .iter()
                .map(|&v| round(v, bits))
                .collect(),
            b: values
                .windows(2)
                .map(|w| round(w[1] - w[0], bits - ACTIVATION_LOW_BITS))
                .collect(),
        }
    }

    /// The tables, computed once per process; an error if `act_frac` is outside `8..=13`.
    pub fn get(activation: Activation, act_frac: u32) -> Result<&'static Self, Error> {
        const N: usize = (MAX_ACT_FRAC - MIN_ACT_FRAC + 1) as usize;
        static TABLES: [[OnceLock<ActivationTable>; N]; 4] =
            [const { [const { OnceLock::new() }; N] }; 4];
        ops::check_spec("act_frac", act_frac, MIN_ACT_FRAC, MAX_ACT_FRAC)?;
        let row = match activation {
            Activation::GeluNew => 0,
            Activation::Gelu => 1,
            Activation::Relu => 2,
            Activation::Silu => 3,
        };
        let cell = &TABLES[row][(act_frac - MIN_ACT_FRAC) as usize];
        Ok(cell.get_or_init(|| Self::new(activation, act_frac)))
    }

    /// The activation of a 16-bit `h`, with one fractional bit more. [`ops::activate`] checks that
    /// it does not exceed [`ACT_OUT_MAX`].
    ///
    /// # Panics
    /// If `h` is not 16-bit.
    #[inline]
    pub fn eval(&self, h: i64) -> i64 {
        let u = (h + (1 << 15)) as usize;
        let (hi, lo) = (u >> ACTIVATION_LOW_BITS, (u & 63) as i64);
        (self.a[hi] + self.b[hi] * lo + (1 << 7)) >> ACTIVATION_EXTRA_BITS
    }

    /// The 16-bit `h` whose activation is in range: all those below the first whose is not.
    pub fn inputs(&self) -> Range<i64> {
        let half = 1 << (ACT_BITS - 1);
        let out = |h: &i64| self.eval(*h) > ACT_OUT_MAX;
        let beyond = (-half..half).rev().take_while(out).count();
        -half..half - beyond as i64
    }
}

/// From here on the distance of either GELU to ReLU is below `2^-24` of the unit of a table.
const GELU_TAIL: i128 = 8;

/// `x·sigmoid(2u)`, `u = sqrt(2/π)·(x + 0.044715·x³)`, of `x = j/2^s`, in Q62.
fn gelu_new(j: i128, s: u32) -> i128 {
    if j.abs() >= GELU_TAIL << s {
        return j.max(0) << (Q - s);
    }
    let square = (j * j) << (Q - 2 * s);
    let u = ((SQRT_2_OVER_PI + ((square * GELU_CUBIC) >> Q)) * j.abs()) >> s;
    let (mantissa, shift) = exp_neg(2 * u);
    times_sigmoid(j, s, mantissa >> shift.min(126))
}

/// `x·sigmoid(x)` of `x = j/2^s`, in Q62.
fn silu(j: i128, s: u32) -> i128 {
    let (mantissa, shift) = exp_neg(j.abs() << (Q - s));
    times_sigmoid(j, s, mantissa >> shift.min(126))
}

/// `x·sigmoid(y)` of `x = j/2^s` and a `y` of its sign, of which `w` is `exp(−|y|)`.
fn times_sigmoid(j: i128, s: u32, w: i128) -> i128 {
    // sigmoid(y) is 1/(1+w) for positive y, w/(1+w) for negative.
    let numerator = if j >= 0 { ONE } else { w };
    ((((numerator << Q) / (ONE + w)) * j) + (1 << s >> 1)) >> s
}

/// `x·Φ(x)` of `x = j/2^s`, in Q62, `Φ(x) = 1/2 + φ(x)·Σ_k x^(2k+1)/(2k+1)!!`.
fn gelu_erf(j: i128, s: u32) -> i128 {
    if j.abs() >= GELU_TAIL << s {
        return j.max(0) << (Q - s);
    }
    // The terms are all positive; the normal density is small, hence Q100 for them.
    const WIDE: u32 = 100;
    let (mantissa, shift) = exp_neg((j * j) << (Q - 2 * s - 1));
    let density = ((mantissa * (SQRT_2_OVER_PI / 2)) >> (2 * Q - WIDE)) >> shift;
    let mut term = (density * j.abs()) >> s;
    let mut sum = term;
    let mut odd = 3;
    while term != 0 {
        term = ((term * j * j) >> (2 * s)) / odd;
        sum += term;
        odd += 2;
    }
    let sum = sum >> (WIDE - Q);
    let cdf = ONE / 2 + if j >= 0 { sum } else { -sum };
    (cdf * j + (1 << s >> 1)) >> s
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ACT_OUT_OFFSET;

    fn fnv(values: &[i64]) -> u64 {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .fold(0xcbf2_9ce4_8422_2325, |h, b| {
                (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
            })
    }

    const ACTIVATIONS: [Activation; 4] = [
        Activation::GeluNew,
        Activation::Gelu,
        Activation::Relu,
        Activation::Silu,
    ];

    #[test]
    fn exponential_tables_are_correctly_rounded() {
        let t = ExpTable::get();
        assert_eq!((t.e1.len(), t.e0.len()), (256, 256));
        for j in 0..256 {
            let x = j as f64;
            assert_eq!(
                t.e1[j],
                (32768.0 * (-x / 16.0).exp()).round() as i64,
                "e1[{j}]"
            );
            assert_eq!(
                t.e0[j],
                (65536.0 * (-x / 4096.0).exp()).round() as i64,
                "e0[{j}]"
            );
        }
    }

    #[test]
    fn exponential_is_close_and_monotone() {
        let t = ExpTable::get();
        assert_eq!(t.eval(0), 1 << 15);
        for z in 0..EXP_CUTOFF {
            let exact = 32768.0 * (-(z as f64) / 4096.0).exp();
            // Half a unit from E1, a quarter from E0, half from the product.
            assert!((t.eval(z) as f64 - exact).abs() <= 1.25, "z = {z}");
            // Never increasing inside a segment; by at most one unit from one to the next.
            let slack = i64::from(z & 255 == 255);
            assert!(t.eval(z + 1) <= t.eval(z) + slack, "z = {z}");
        }
        assert_eq!(t.eval(EXP_CUTOFF), 0);
        assert_eq!(t.eval(u64::MAX), 0);
    }

    /// Abramowitz and Stegun 7.1.26 is too coarse; the series and continued fraction are exact
    /// to double precision.
    fn erfc_f64(x: f64) -> f64 {
        if x < 2.5 {
            let (mut term, mut sum, mut n) = (x, x, 0.0);
            while term.abs() > 1e-18 {
                n += 1.0;
                term *= -x * x / n;
                sum += term / (2.0 * n + 1.0);
            }
            return 1.0 - sum * 2.0 / std::f64::consts::PI.sqrt();
        }
        let fraction = (1..=120).rev().fold(x, |f, k| x + f64::from(k) / 2.0 / f);
        (-x * x).exp() / std::f64::consts::PI.sqrt() / fraction
    }

    fn reference(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::Relu => x.max(0.0),
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::GeluNew => {
                let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                x / (1.0 + (-2.0 * u).exp())
            }
            Activation::Gelu => {
                let tail = erfc_f64(x.abs() / std::f64::consts::SQRT_2) / 2.0;
                x * if x >= 0.0 { 1.0 - tail } else { tail }
            }
        }
    }

    #[test]
    fn activation_tables_are_correctly_rounded() {
        for activation in ACTIVATIONS {
            for act_frac in MIN_ACT_FRAC..=MAX_ACT_FRAC {
                let t = ActivationTable::new(activation, act_frac);
                assert_eq!((t.a.len(), t.b.len()), (1024, 1024));
                let unit = f64::from(1 << act_frac);
                for hi in 0..1024 {
                    assert!((-(1 << 21)..1 << 24).contains(&t.a[hi]));
                    assert!((-(1 << 10)..1 << 10).contains(&t.b[hi]));
                    let x = |hi: usize| (64.0 * hi as f64 - 32768.0) / unit;
                    let (y, next) = (
                        reference(activation, x(hi)),
                        reference(activation, x(hi + 1)),
                    );
                    let a = unit * 512.0 * y;
                    let b = unit * 8.0 * (next - y);
                    assert!(
                        (t.a[hi] as f64 - a).abs() <= 0.5001,
                        "{activation:?} {act_frac} {hi}"
                    );
                    assert!(
                        (t.b[hi] as f64 - b).abs() <= 0.5001,
                        "{activation:?} {act_frac} {hi}"
                    );
                }
            }
        }
    }

    #[test]
    fn activation_is_close_and_in_range() {
        for activation in ACTIVATIONS {
            for act_frac in MIN_ACT_FRAC..=MAX_ACT_FRAC {
                let t = ActivationTable::get(activation, act_frac).unwrap();
                let unit = f64::from(1 << act_frac);
                // Interpolation error: at most max|act''|/8 · (64/2^act_frac)².
                let step = 64.0 / unit;
                // GELU is still below ReLU there if its argument is small enough.
                let end = match (activation, act_frac) {
                    (Activation::GeluNew, 13) => 28_677,
                    (Activation::Gelu, 13) => 28_679,
                    (Activation::Silu, 12) => 28_698,
                    (Activation::Silu, 13) => 29_459,
                    _ => 28_672,
                };
                assert_eq!(t.inputs(), -(1 << 15)..end);
                let bound = 1.0 + 2.0 * step * step * unit * 0.15;
                for h in -(1i64 << 15)..1 << 15 {
                    let y = t.eval(h);
                    assert!((-ACT_OUT_OFFSET..1 << 16).contains(&y));
                    assert_eq!(y <= ACT_OUT_MAX, h < end, "{activation:?} {act_frac} {h}");
                    let exact = 2.0 * unit * reference(activation, h as f64 / unit);
                    assert!(
                        (y as f64 - exact).abs() <= bound,
                        "{activation:?} {act_frac} {h}"
                    );
                    if activation == Activation::Relu {
                        assert_eq!(y, 2 * h.max(0));
                    } else if h > 0 && h < (1 << 15) - 1 {
                        assert!(t.eval(h + 1) >= y, "{activation:?} {act_frac} {h}");
                    }
                }
            }
        }
    }

    #[test]
    fn act_frac_is_checked() {
        assert!(ActivationTable::get(Activation::Gelu, 7).is_err());
        assert!(ActivationTable::get(Activation::Gelu, 14).is_err());
    }

    #[test]
    fn golden_checksums() {
        let t = ExpTable::get();
        let mut sums = vec![fnv(&t.e1), fnv(&t.e0)];
        for activation in ACTIVATIONS {
            for act_frac in MIN_ACT_FRAC..=MAX_ACT_FRAC {
                let t = ActivationTable::new(activation, act_frac);
                sums.push(fnv(&t.a));
                sums.push(fnv(&t.b));
            }
        }
        assert_eq!(sums, GOLDEN);
    }

    /// Computed independently, with 50 decimal digits: `e1`, `e0`, then `a` and `b` of each table.
    const GOLDEN: &[u64] = &[
        0x9c9f_a67f_4da8_74a5,
        0x231a_61e7_b360_565c,
        0x6865_12c3_0bf1_1708,
        0xa7b1_2098_f0c0_6c7e,
        0xddaa_78e9_6a84_e9cd,
        0x24a1_b236_50d3_4b73,
        0x5cf3_dc1d_bab7_406c,
        0x54cc_b2af_d511_0977,
        0x5bae_07e6_7b9f_06b7,
        0x7a7f_7017_7d82_3aff,
        0x4451_0628_b12e_e9ed,
        0x7add_a523_8bcf_396f,
        0xa496_8a00_04ab_43de,
        0x0aa7_b431_c421_bf0d,
        0x3fef_e92a_80ea_53e2,
        0x6d0c_105c_bc6b_583a,
        0x476e_e37c_d7d8_e43c,
        0xf12c_18bb_fa73_4628,
        0xe5e9_ca30_4d64_a584,
        0xa0e1_f13d_bb26_9f52,
        0x5a2f_90dc_05fd_ba66,
        0x948d_1c51_3f9d_bc7d,
        0x54a0_4b8e_997d_705b,
        0x313f_2010_a604_cadf,
        0x2691_683d_000d_a63d,
        0x7983_1ce8_1407_2315,
        0x80dd_2560_e0d3_7325,
        0x514e_21dd_1259_e325,
        0x80dd_2560_e0d3_7325,
        0x514e_21dd_1259_e325,
        0x80dd_2560_e0d3_7325,
        0x514e_21dd_1259_e325,
        0x80dd_2560_e0d3_7325,
        0x514e_21dd_1259_e325,
        0x80dd_2560_e0d3_7325,
        0x514e_21dd_1259_e325,
        0x80dd_2560_e0d3_7325,
        0x514e_21dd_1259_e325,
        0x5f4f_d4c9_af65_3531,
        0x0dc7_de68_9a67_edeb,
        0x579d_438b_0350_400c,
        0x2f03_cfe4_891d_e45f,
        0xacfe_97fa_775e_1445,
        0xe9c0_8a20_c577_c5ee,
        0x2138_64f5_09b8_31bd,
        0x7264_0e9b_25bd_9a83,
        0xaeeb_124c_7b28_c8df,
        0xec02_ed17_11ee_a7b5,
        0x0a9a_4346_2851_cfe0,
        0x53db_e33a_b31d_b2fe,
    ];
}
