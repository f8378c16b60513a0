//! Multi-scalar multiplication: two sums of multiples of points, after Straus.
//!
//! A scalar has 64 digits from −15 to 15, all odd, the highest first. For each point there is a table of its odd multiples
//! up to 15. For each digit's place, a *window*, the chosen multiples of all terms are added up; then sixteen times the sum
//! so far is added to each window's, from the highest window on.
//!
//! All windows go through the terms at once. What is left after some of the terms is the first sum; what is left after all of
//! them, less that, is the second.

use crate::base_field::{
    Equation, Form, LimbAxes, chunks_of, constant, power_of_two, scalar_of_chunks,
};
use crate::points::{Additions, Doublings, PointForm, Points, Signed, Step};
use halo2curves::CurveExt;
use halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::Curve;
use nanozk_circuit::{
    AxisId, Expression, OutOfRange, Program, Public, Role, Slot, TensorId, Values, Virtual, integer,
};
use num_bigint::BigUint;
use rayon::prelude::*;
use std::sync::LazyLock;

/// Bits of a digit.
pub const WINDOW_BITS: u32 = 4;
/// Windows.
pub const WINDOWS: usize = 64;
/// Odd multiples of a point in its table.
pub const ENTRIES: usize = 8;
/// Sums.
pub const SUMS: usize = 2;

/// Sizes of a multiplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Terms.
    pub terms: usize,
    /// Terms of the first sum.
    pub first: usize,
    /// Bits of a window's index within a tile.
    pub window_tile_bits: u32,
}

/// Both sums of multiples.
#[derive(Clone, Debug)]
pub struct Multiplication {
    size: Size,
    /// The points, an axis of terms.
    pub points: Points,
    /// The axis of terms.
    pub term: AxisId,
    /// The axis of both sums.
    pub sum: AxisId,
    step: AxisId,
    doubled: Doublings,
    on_curve: Equation,
    odd: Additions,
    /// Choices of a digit: positive and negative ones, the first entry and the others.
    choices: [[TensorId; 2]; 2],
    windows: Additions,
    horner_doubles: Doublings,
    horner: Additions,
    results: Additions,
}

/// A form of virtual tensors: each part by a function of the same part of some others.
fn virtual_form<const N: usize>(
    p: &mut Program,
    name: &str,
    axes: &[AxisId],
    forms: [&Form; N],
    f: impl Fn([Expression; N]) -> Expression,
) -> Form {
    Form::map(forms, |parts, label| {
        let expression = f(parts.map(Clone::clone));
        let role = Role::Virtual(Virtual { expression });
        let id = p.new_tensor(&format!("{name}: {label}"), axes, role);
        p.use_of(id)
    })
}

fn virtual_point<const N: usize>(
    p: &mut Program,
    name: &str,
    axes: &[AxisId],
    points: [&PointForm; N],
    f: impl Fn([Expression; N]) -> Expression,
) -> PointForm {
    let (xs, ys) = (points.map(|point| &point.x), points.map(|point| &point.y));
    PointForm {
        x: virtual_form(p, &format!("{name}: x"), axes, xs, &f),
        y: virtual_form(p, &format!("{name}: y"), axes, ys, &f),
    }
}

impl Multiplication {
    /// Declares a multiplication.
    pub fn new(p: &mut Program, axes: LimbAxes, size: Size) -> Self {
        let Size {
            terms,
            first,
            window_tile_bits,
        } = size;
        let term = p.new_axis("term", terms);
        let other_term = p.new_axis("other term", terms);
        let window = p.new_tiled_axis("window", WINDOWS, window_tile_bits);
        let other_window = p.new_tiled_axis("other window", WINDOWS, window_tile_bits);
        let step = p.new_axis("table step", ENTRIES - 1);
        let other_step = p.new_axis("other table step", ENTRIES - 1);

        // Points, twice the points, and the other odd multiples.
        let points = Points::new(p, axes, "point", &[term]);
        let point = points.form(p);
        let declared = Doublings::declare(p, axes, "twice the point", &[term]);
        let doubled = Doublings::new(p, axes, "twice the point", declared, &point);
        let square = doubled.square.form(p);
        // y² − x²·x − 3
        let on_curve = Equation::new(
            p,
            axes,
            "the point is on the curve",
            &[term],
            &[(&point.y, &point.y), (&-square, &point.x)],
            &Form::constant(-3),
            BigUint::from(1_u8) << 255,
            0,
        );
        let declared = Additions::declare(p, axes, "odd multiple", &[step, term]);
        let earlier =
            declared
                .1
                .form_at(p, "earlier ", &[Slot::Axis(other_step), Slot::Axis(term)]);
        let to_next = p.public(
            "to the next table step",
            &[other_step, step],
            Public::Successor,
        );
        let is_first = p.public("first table step", &[step], Public::Below(1));
        let left = virtual_point(
            p,
            "odd multiple before",
            &[step, term],
            [&earlier, &point],
            |[earlier, point]| to_next.clone() * earlier + is_first.clone() * point,
        );
        let twice = doubled.double.form(p);
        let odd = Additions::new(p, axes, "odd multiple", declared, [&left, &twice], false);

        // One choice for each digit.
        let bit = p.range(1);
        let limb = |p: &mut Program, name: &str, axes: &[AxisId]| {
            p.new_tensor(name, axes, Role::Limb { range: bit })
        };
        let pair = [window, term];
        let triple = [window, step, term];
        let choices = [
            [limb(p, "digit is 1", &pair), limb(p, "digit is −1", &pair)],
            [
                limb(p, "digit", &triple),
                limb(p, "negative digit", &triple),
            ],
        ];
        let [[one, minus_one], [digit, negative]] = choices.map(|pair| pair.map(|id| p.use_of(id)));
        p.zero(
            "one digit",
            &pair,
            one.clone() + minus_one.clone() + digit.clone() + negative.clone()
                - Expression::from(1_i128),
        );
        let others = odd.sum.form(p);
        let mut chosen = |name: &str, sign: i128, parts: [&Form; 2]| {
            virtual_form(p, name, &pair, parts, |[others, point]| {
                (digit.clone() + negative.clone() * sign) * others
                    + (one.clone() + minus_one.clone() * sign) * point
            })
        };
        let right = PointForm {
            x: chosen("chosen multiple: x", 1, [&others.x, &point.x]),
            y: chosen("chosen multiple: y", -1, [&others.y, &point.y]),
        };

        // Windows.
        let start = start();
        let declared = Additions::declare(p, axes, "window", &pair);
        let slots = [Slot::Axis(window), Slot::Axis(other_term)];
        let earlier = declared.1.form_at(p, "earlier ", &slots);
        let to_next = [other_term, term];
        let to_next = p.public("to the next term", &to_next, Public::Successor);
        let left = virtual_point(p, "window before", &pair, [&earlier], |[earlier]| {
            to_next.clone() * earlier
        });
        let left = left + cell(p, "start of windows", term, &start);
        let windows = Additions::new(p, axes, "window", declared, [&left, &right], true);

        // Sixteen times what was before, and the window's sum.
        let sum = p.new_axis("sum", SUMS);
        let double = p.new_axis("doubling", WINDOW_BITS as usize);
        let other_double = p.new_axis("other doubling", WINDOW_BITS as usize);
        let doubles = Doublings::declare(p, axes, "sixteenfold", &[sum, window, double]);
        let sums = Additions::declare(p, axes, "sum so far", &[sum, window]);
        let [own_sum, own_window] = [sum, window].map(Slot::Axis);
        let slots = [own_sum, own_window, Slot::Axis(other_double)];
        let earlier_double = doubles.2.form_at(p, "earlier ", &slots);
        let slots = [own_sum, Slot::Axis(other_window)];
        let earlier_sum = sums.1.form_at(p, "earlier ", &slots);
        let to_next = [other_double, double];
        let to_next_double = p.public("to the next doubling", &to_next, Public::Successor);
        let is_first_double = p.public("first doubling", &[double], Public::Below(1));
        let to_next = [other_window, window];
        let to_next_window = p.public("to the next window", &to_next, Public::Successor);
        let start_of_sums = cell(p, "start of sums", window, &start);
        let point = virtual_point(
            p,
            "doubled",
            &[sum, window, double],
            [&earlier_double, &earlier_sum, &start_of_sums],
            |[doubled, summed, start]| {
                to_next_double.clone() * doubled
                    + is_first_double.clone() * to_next_window.clone() * summed
                    + is_first_double.clone() * start
            },
        );
        let horner_doubles = Doublings::new(p, axes, "sixteenfold", doubles, &point);
        let slots = [own_sum, own_window, Slot::Index(WINDOW_BITS as usize - 1)];
        let sixteenfold = horner_doubles.double.form_at(p, "fourth ", &slots);
        let ends = [first, terms].map(|end| {
            let slots = [own_window, Slot::Index(end - 1)];
            windows
                .sum
                .form_at(p, &format!("after {end} terms "), &slots)
        });
        let added = one_of_both(p, "window's sum", &[sum, window], sum, &ends);
        let horner = Additions::new(p, axes, "sum so far", sums, [&sixteenfold, &added], true);

        // Less what the start contributed, and of the second what the first has, with the same contribution.
        let ends = [0, 1].map(|i| {
            let slots = [Slot::Index(i), Slot::Index(WINDOWS - 1)];
            horner.sum.form_at(p, &format!("end of sum {i} "), &slots)
        });
        let end = one_of_both(p, "end of the sum", &[sum], sum, &ends);
        let [first_end, _] = &ends;
        let less = [
            constant_point(p, &correction()),
            PointForm {
                x: first_end.x.clone(),
                y: -first_end.y.clone(),
            },
        ];
        let less = one_of_both(p, "what the sum is less", &[sum], sum, &less);
        let declared = Additions::declare(p, axes, "result", &[sum]);
        let results = Additions::new(p, axes, "result", declared, [&end, &less], true);
        Self {
            size,
            points,
            term,
            sum,
            step,
            doubled,
            on_curve,
            odd,
            choices,
            windows,
            horner_doubles,
            horner,
            results,
        }
    }

    /// Both sums.
    pub fn results(&self) -> &Points {
        &self.results.sum
    }

    /// The terms' scalars, which their digits determine: `Σ 16^(63 − window)·digit`.
    pub fn scalar(&self, p: &mut Program) -> Expression {
        let base = power_of_two(WINDOW_BITS);
        let high = base.pow([WINDOWS as u64 - 1]);
        let ratio = Option::<Fr>::from(base.invert()).expect("a power of two");
        let entries = (0..ENTRIES - 1).map(|i| Fr::from(2 * i as u64 + 3));
        let odd = p.public(
            "odd numbers",
            &[self.step],
            Public::Cells(entries.collect()),
        );
        let [firsts, others] = self.choices;
        let mut view = |tensor: TensorId, name: &str, weight: Fr, axes: &[AxisId]| {
            let mut slots = vec![Slot::Powers(ratio)];
            slots.extend(axes.iter().map(|axis| Slot::Axis(*axis)));
            let id = p.new_view(&format!("{name} of all windows"), tensor, weight, &slots);
            p.use_of(id)
        };
        let names = ["digits 1", "digits −1", "digits", "negative digits"];
        let [one, minus_one] = firsts;
        let ones = view(one, names[0], high, &[self.term])
            + view(minus_one, names[1], -high, &[self.term]);
        let [digit, negative] = others;
        let axes = [self.step, self.term];
        let digits = view(digit, names[2], high, &axes) + view(negative, names[3], -high, &axes);
        ones + odd * digits
    }

    /// Computes both sums, and sets all witnesses.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        terms: &[(Fr, G1Affine)],
    ) -> Result<[G1Affine; SUMS], OutOfRange> {
        assert_eq!(terms.len(), self.size.terms, "terms");
        let points: Vec<G1Affine> = terms.iter().map(|term| term.1).collect();
        let digits: Vec<[usize; WINDOWS]> = terms.iter().map(|term| digits(&term.0)).collect();

        let start = start();
        let doubled = self.doubled.double(&points);
        let mut table = vec![points.clone()];
        let mut odd: Vec<Vec<Step<3>>> = Vec::new();
        for _ in 1..ENTRIES {
            let before = table.last().into_iter().flatten();
            let pairs: Vec<_> = before
                .zip(&doubled)
                .map(|(a, b)| (*a, b.sum.into()))
                .collect();
            let steps = self.odd.add(&pairs);
            table.push(steps.iter().map(|step| step.sum).collect());
            odd.push(steps);
        }
        let chosen = |window: usize, term: usize| -> Signed {
            let (entry, is_negative) = entry(digits[term][window]);
            Signed {
                point: table[entry][term],
                is_negative,
            }
        };
        // All windows at once, in parts for each processor.
        let numbers: Vec<usize> = (0..WINDOWS).collect();
        let windows: Vec<Vec<Step<3>>> = numbers
            .par_chunks(WINDOWS / 4)
            .flat_map(|numbers| {
                let mut sums = vec![start; numbers.len()];
                let mut all: Vec<Vec<Step<3>>> = vec![Vec::new(); numbers.len()];
                for term in 0..terms.len() {
                    let pairs: Vec<_> = numbers
                        .iter()
                        .zip(&sums)
                        .map(|(window, sum)| (*sum, chosen(*window, term)))
                        .collect();
                    let steps = self.windows.add(&pairs);
                    for ((sum, all), step) in sums.iter_mut().zip(&mut all).zip(steps) {
                        *sum = step.sum;
                        all.push(step);
                    }
                }
                all
            })
            .collect();
        let mut doubles: Vec<Vec<Vec<Step<4>>>> = vec![Vec::new(); SUMS];
        let mut sums: Vec<Vec<Step<3>>> = vec![Vec::new(); SUMS];
        let mut result = [start; SUMS];
        let ends = [self.size.first, self.size.terms];
        for (output, end) in ends.into_iter().enumerate() {
            for window in &windows {
                let mut own = Vec::new();
                for _ in 0..WINDOW_BITS {
                    let step = self.horner_doubles.double(&[result[output]]);
                    result[output] = step[0].sum;
                    own.extend(step);
                }
                let added = window[end - 1].sum;
                let step = self.horner.add(&[(result[output], added.into())]);
                result[output] = step[0].sum;
                sums[output].extend(step);
                doubles[output].push(own);
            }
        }

        let [first_end, last_end] = result;
        let less_first = Signed {
            point: first_end,
            is_negative: true,
        };
        let results = self
            .results
            .add(&[(first_end, correction().into()), (last_end, less_first)]);

        self.points.fill(values, |at| points[at[0]])?;
        self.doubled.fill(values, |at| &doubled[at[0]])?;
        let on_curve: Vec<_> = points
            .iter()
            .zip(&doubled)
            .map(|(point, step)| {
                let [x, y] = [&point.x, &point.y].map(chunks_of);
                let square = step.square_chunks().map(|q| -q);
                self.on_curve.solve(&[(y, y), (square, x)], [-3, 0, 0, 0])
            })
            .collect();
        self.on_curve.fill(values, |at| &on_curve[at[0]])?;
        self.odd.fill(values, |at| &odd[at[0]][at[1]])?;
        let is = |window: usize, term: usize, wanted: (usize, bool)| {
            i128::from(entry(digits[term][window]) == wanted)
        };
        let [firsts, others] = self.choices;
        for (sign, (first, other)) in firsts.into_iter().zip(others).enumerate() {
            let negative = sign == 1;
            values.fill(first, |at| is(at[0], at[1], (0, negative)))?;
            values.fill(other, |at| is(at[0], at[2], (1 + at[1], negative)))?;
        }
        self.windows.fill(values, |at| &windows[at[0]][at[1]])?;
        self.horner_doubles
            .fill(values, |at| &doubles[at[0]][at[1]][at[2]])?;
        self.horner.fill(values, |at| &sums[at[0]][at[1]])?;
        self.results.fill(values, |at| &results[at[0]])?;
        Ok([0, 1].map(|i| results[i].sum))
    }
}

/// One form at the first index of an axis, another at the second.
fn one_of_both(
    p: &mut Program,
    name: &str,
    axes: &[AxisId],
    axis: AxisId,
    forms: &[PointForm; SUMS],
) -> PointForm {
    let is = [0, 1].map(|index| {
        let value = Fr::ONE;
        p.public(
            &format!("{name} {index}"),
            &[axis],
            Public::Cell { index, value },
        )
    });
    let [is_first, is_second] = is;
    virtual_point(p, name, axes, forms.each_ref(), |[first, second]| {
        is_first.clone() * first + is_second.clone() * second
    })
}

/// A point that everybody knows, at the first index of an axis.
fn cell(p: &mut Program, name: &str, axis: AxisId, point: &G1Affine) -> PointForm {
    let mut form = |label: &str, coordinate: &Fq| {
        let chunks = chunks_of(coordinate);
        let mut part = |part: &str, value| {
            let name = format!("{name}: {label}, {part}");
            p.public(&name, &[axis], Public::Cell { index: 0, value })
        };
        Form {
            whole: part("whole", scalar_of_chunks(&chunks)),
            chunks: std::array::from_fn(|i| part(&format!("chunk {i}"), integer(chunks[i]))),
        }
    };
    PointForm {
        x: form("x", &point.x),
        y: form("y", &point.y),
    }
}

/// A point that everybody knows.
fn constant_point(p: &mut Program, point: &G1Affine) -> PointForm {
    let mut form = |coordinate: &Fq| {
        let chunks = chunks_of(coordinate);
        Form {
            whole: constant(p, scalar_of_chunks(&chunks)),
            // Larger than what identities multiply by powers of two.
            chunks: chunks.map(|chunk| constant(p, integer(chunk))),
        }
    };
    PointForm {
        x: form(&point.x),
        y: form(&point.y),
    }
}

/// Where sums start: a point that is no combination of others that anybody knows. Honest sums meet no exception with it;
/// that there is none is a statement.
pub fn start() -> G1Affine {
    static START: LazyLock<G1Affine> = LazyLock::new(|| {
        let hash = G1::hash_to_curve("nanozk");
        hash(b"start of sums").to_affine()
    });
    *START
}

/// Less what the start contributes: `−(16^64 + Σ_(j<64) 16^j)` times it.
pub fn correction() -> G1Affine {
    static CORRECTION: LazyLock<G1Affine> = LazyLock::new(|| {
        let base = Fr::from(1 << WINDOW_BITS);
        let factor: Fr = (0..=WINDOWS as u64).map(|j| base.pow([j])).sum();
        -(start() * factor).to_affine()
    });
    *CORRECTION
}

/// The entry of a digit, and whether it is negative: digits are `2·b − 15`.
pub fn entry(b: usize) -> (usize, bool) {
    match b.checked_sub(ENTRIES) {
        Some(entry) => (entry, false),
        None => (ENTRIES - 1 - b, true),
    }
}

/// `b` of each digit, the highest first: `scalar = 2·Σ 16^j·b_j − (2^256 − 1)`.
pub fn digits(scalar: &Fr) -> [usize; WINDOWS] {
    let all = Fr::from(2).pow([256]) - Fr::ONE;
    let half = (*scalar + all) * Fr::TWO_INV;
    let repr = half.to_repr();
    let bytes: &[u8] = repr.as_ref();
    std::array::from_fn(|i| {
        let j = WINDOWS - 1 - i;
        usize::from(bytes[j / 2] >> (4 * (j % 2)) & 15)
    })
}

/// Both sums, computed natively.
pub fn expected(terms: &[(Fr, G1Affine)], first: usize) -> [G1Affine; SUMS] {
    let (first, second) = terms.split_at(first);
    [first, second].map(|terms| {
        let products = terms.iter().map(|(scalar, point)| *point * scalar);
        products.sum::<G1>().into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::group::Group;

    /// Nothing says which of its strings of digits a prover takes for a scalar: so it must not matter.
    #[test]
    fn all_digits_of_a_scalar_give_its_multiple() {
        let number = |x: &Fr| BigUint::from_bytes_le(x.to_repr().as_ref());
        let order = number(&-Fr::ONE) + 1_u32;
        let all = Fr::from(2).pow([256]) - Fr::ONE;
        let point = start();
        let scalars = [0, 1, 0x1234_5678].map(Fr::from);
        let scalars = [scalars, scalars.map(|x| -x - Fr::ONE)].concat();
        for scalar in scalars {
            let mut half = number(&((scalar + all) * Fr::TWO_INV));
            let mut strings = Vec::new();
            while half.bits() <= 256 {
                let mut nibbles = half.to_radix_le(1 << WINDOW_BITS);
                nibbles.resize(WINDOWS, 0);
                strings.push(
                    nibbles
                        .into_iter()
                        .rev()
                        .map(usize::from)
                        .collect::<Vec<_>>(),
                );
                half += &order;
            }
            assert_eq!(strings[0], digits(&scalar));
            assert!((5..=6).contains(&strings.len()));
            for string in strings {
                let sum = string.into_iter().fold(G1::identity(), |sum, b| {
                    let shifted = (0..WINDOW_BITS).fold(sum, |sum, _| sum.double());
                    let (entry, is_negative) = entry(b);
                    let multiple = point * Fr::from(2 * entry as u64 + 1);
                    match is_negative {
                        true => shifted - multiple,
                        false => shifted + multiple,
                    }
                });
                assert_eq!(sum, point * scalar);
            }
        }
    }
}
