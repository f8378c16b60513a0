//! Sums of points, and multi-scalar multiplications, as in `nanozk_recursion::multiplication`: Straus, with 64 signed odd digits
//! of four bits for each scalar.

use crate::assembly::{Assembly, Form, Wire};
use halo2curves::bn256::{Fq, Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuit::integer;
use nanozk_recursion::base_field::{Chunks, order_in_scalars, power_of_two, zip};
use nanozk_recursion::multiplication::{
    ENTRIES, WINDOW_BITS, WINDOWS, correction, digits, entry, start,
};

/// Addresses of a point's table: `x` and `y` of each signed multiple.
const ADDRESSES: usize = 4 * ENTRIES;

/// A point of the curve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: Form,
    pub(crate) y: Form,
    pub(crate) value: G1Affine,
}

fn constant_form(rows: &mut Assembly, x: &Fq) -> Form {
    let chunks = nanozk_recursion::base_field::chunks_of(x);
    rows.form(chunks, |rows, i| rows.constant(integer(chunks[i])))
}

/// A point that is the same in every proof.
fn constant_point(rows: &mut Assembly, value: G1Affine) -> Point {
    Point {
        x: constant_form(rows, &value.x),
        y: constant_form(rows, &value.y),
        value,
    }
}

/// `x − y`
fn minus(rows: &mut Assembly, x: &Form, y: &Form) -> Form {
    rows.form(zip(x.chunks, y.chunks, |x, y| x - y), |rows, i| {
        rows.compute(None, Some((-Fr::ONE, y.wires[i])), Some(x.wires[i]))
    })
}

/// `x + y`
fn plus(rows: &mut Assembly, x: &Form, y: &Form) -> Form {
    rows.form(zip(x.chunks, y.chunks, |x, y| x + y), |rows, i| {
        rows.compute(None, Some((Fr::ONE, y.wires[i])), Some(x.wires[i]))
    })
}

/// The number that chunks stand for, modulo the order of the scalar field.
fn whole(rows: &mut Assembly, x: &Form) -> Wire {
    let [a, b, c, d] = x.wires;
    let shift = power_of_two(64);
    let top = rows.constant(power_of_two(192));
    let low = rows.compute(None, Some((shift, b)), Some(a));
    rows.compute(Some([top, d]), Some((power_of_two(128), c)), Some(low))
}

/// States that a difference of numbers of 254 bits is not zero modulo the order `p` of the base field: of the integers between
/// `−2^254` and `2^254`, `0`, `−p` and `p` are, for which `d·(d² − p²)` is zero and has no inverse.
fn is_not_zero(rows: &mut Assembly, difference: &Form) {
    let d = whole(rows, difference);
    let one = rows.constant(Fr::ONE);
    let factor = -order_in_scalars().square();
    let second = rows.compute(Some([d, d]), Some((factor, one)), None);
    let third = rows.compute(Some([second, d]), None, None);
    let inverse = rows.value(third).invert().unwrap_or(Fr::ZERO);
    let inverse = rows.wire(inverse);
    rows.state(Some([third, inverse]), None, None, one);
}

/// The line through a point with this slope meets the curve again in a point, or in the same, and then in the negative of the
/// result.
fn third_point(
    rows: &mut Assembly,
    p: &Point,
    again: Option<&Point>,
    slope: &Form,
    value: G1Affine,
) -> Point {
    let x = rows.number(&value.x);
    match again {
        Some(q) => {
            let sum = plus(rows, &q.x, &x);
            rows.equate([slope, slope], &sum, Some((1, &p.x)));
        }
        None => rows.equate([slope, slope], &x, Some((2, &p.x))),
    }
    let y = rows.number(&value.y);
    let back = minus(rows, &p.x, &x);
    rows.equate([slope, &back], &p.y, Some((1, &y)));
    Point { x, y, value }
}

/// The sum of two points. They have different `x`, which is stated, or shown by who uses it.
///
/// In all equations one factor is a number of 254 bits, and the other such a number or a difference of two, so that
/// `|D| < 2^508 + 2^257 + 2^255·p < 2^509.4 < r·2^256`.
fn add(rows: &mut Assembly, p: &Point, q: &Point, is_stated: bool) -> Point {
    let run = minus(rows, &q.x, &p.x);
    if is_stated {
        is_not_zero(rows, &run);
    }
    let inverse = (q.value.x - p.value.x).invert().unwrap_or(Fq::ZERO);
    let value = (q.value.y - p.value.y) * inverse;
    let slope = rows.number(&value);
    rows.equate([&slope, &run], &q.y, Some((-1, &p.y)));
    let x = value.square() - p.value.x - q.value.x;
    let y = value * (p.value.x - x) - p.value.y;
    third_point(rows, p, Some(q), &slope, G1Affine { x, y })
}

/// Twice a point of the curve.
///
/// With `h` for half of the square of `x`, `slope·y = 3·h`: without the factor two the bounds of [`add`] hold.
fn double(rows: &mut Assembly, p: &Point) -> Point {
    let half = p.value.x.square() * Fq::TWO_INV;
    let inverse = p.value.y.invert().unwrap_or(Fq::ZERO);
    let slope = half * Fq::from(3) * inverse;
    let h = rows.number(&half);
    rows.equate([&p.x, &p.x], &h, Some((1, &h)));
    let s = rows.number(&slope);
    rows.equate([&s, &p.y], &h, Some((2, &h)));
    let x = slope.square() - p.value.x.double();
    let y = slope * (p.value.x - x) - p.value.y;
    third_point(rows, p, None, &s, G1Affine { x, y })
}

/// A point of the curve that nothing determines yet: `y² = x²·x + 3`, with two products as numbers of their own.
pub(crate) fn point(rows: &mut Assembly, value: G1Affine) -> Point {
    let square = value.x.square();
    point_by(rows, value, [square, square * value.x])
}

/// The same by what a prover says is the square and the cube of `x`.
fn point_by(rows: &mut Assembly, value: G1Affine, powers: [Fq; 2]) -> Point {
    let x = rows.number(&value.x);
    let y = rows.number(&value.y);
    let [square, cube] = powers.map(|power| rows.number(&power));
    rows.equate([&x, &x], &square, None);
    rows.equate([&square, &x], &cube, None);
    let three = constant_form(rows, &Fq::from(3));
    rows.equate([&y, &y], &cube, Some((1, &three)));
    Point { x, y, value }
}

/// What determines a point, as `nanozk_transcript::poseidon::point_words` has it, stated of the wires.
pub(crate) fn state_words(rows: &mut Assembly, point: &Point, words: [Wire; 3]) {
    let [shift, twice] = [64, 128].map(power_of_two);
    let twice = rows.constant(twice);
    let (x, y) = (point.x.wires, point.y.wires);
    rows.state(
        Some([twice, x[2]]),
        Some((shift, x[1])),
        Some(x[0]),
        words[0],
    );
    rows.state(
        Some([twice, y[1]]),
        Some((shift, y[0])),
        Some(x[3]),
        words[1],
    );
    rows.state(None, Some((shift, y[3])), Some(y[2]), words[2]);
}

/// A point's odd multiples up to 15, and where they are remembered: rows of `x` and `y` for each `t`.
struct Table {
    entries: Vec<Point>,
    rows: Vec<[usize; 2]>,
}

impl Table {
    fn new(rows: &mut Assembly, term: usize, point: &Point) -> Self {
        let twice = double(rows, point);
        let mut entries = vec![*point];
        for _ in 1..ENTRIES {
            // An odd multiple up to 13 and twice the point have different x: the order is a greater prime.
            let next = add(rows, &entries[entries.len() - 1], &twice, false);
            entries.push(next);
        }
        let first = ADDRESSES * term;
        let places = (0..2 * ENTRIES).map(|t| {
            let (entry, is_negative) = entry(t);
            let point = &entries[entry];
            let x = rows.remember(&point.x, false, first + 2 * t);
            let y = rows.remember(&point.y, is_negative, first + 2 * t + 1);
            [x, y]
        });
        let rows = places.collect();
        Self { entries, rows }
    }

    /// The multiple that a digit chooses.
    fn look_up(&self, rows: &mut Assembly, number: usize, digits: &Digits, window: usize) -> Point {
        let t = digits.values[window];
        let (entry, is_negative) = entry(t);
        let point = &self.entries[entry];
        let y: Chunks = point.y.chunks.map(|c| if is_negative { -c } else { c });
        let chunks = [point.x.chunks, y];
        let first = ADDRESSES * number;
        let [x, y] = rows.look_up(first, digits.wires[window], chunks, self.rows[t]);
        let value = match is_negative {
            true => -point.value,
            false => point.value,
        };
        Point { x, y, value }
    }
}

/// A scalar's digits, and their wires: the highest comes first.
struct Digits {
    values: [usize; WINDOWS],
    wires: [Wire; WINDOWS],
}

impl Digits {
    /// Of a scalar, as a prover says: there are several.
    fn by(rows: &mut Assembly, scalar: Wire, values: [usize; WINDOWS]) -> Self {
        let base = Fr::from(1 << WINDOW_BITS);
        let offset = rows.constant(Fr::ONE - power_of_two(256));
        let wires = values.map(|t| rows.digit(t));
        let mut sum = wires[0];
        for digit in &wires[1..] {
            sum = rows.compute(None, Some((base, sum)), Some(*digit));
        }
        rows.state(None, Some((Fr::from(2), sum)), Some(offset), scalar);
        Self { values, wires }
    }
}

/// Sums of multiples of points of the curve. What has no scalar is added once.
pub(crate) fn multiply<const N: usize>(
    rows: &mut Assembly,
    sums: [Vec<(Option<Wire>, Point)>; N],
) -> [Point; N] {
    multiply_by(rows, sums, digits)
}

/// The same with the digits that a prover takes.
fn multiply_by<const N: usize>(
    rows: &mut Assembly,
    sums: [Vec<(Option<Wire>, Point)>; N],
    digits: impl Fn(&Fr) -> [usize; WINDOWS],
) -> [Point; N] {
    let start = constant_point(rows, start());
    let correction = constant_point(rows, correction());
    let mut number = 0;
    sums.map(|terms| {
        let mut multiples = Vec::with_capacity(terms.len());
        let mut others = Vec::new();
        for (scalar, point) in &terms {
            match scalar {
                Some(scalar) => {
                    let table = Table::new(rows, number, point);
                    let values = digits(&rows.value(*scalar));
                    multiples.push((number, table, Digits::by(rows, *scalar, values)));
                    number += 1;
                }
                None => others.push(*point),
            }
        }
        let mut result = start;
        for window in 0..WINDOWS {
            let mut sum = start;
            for (number, table, digits) in &multiples {
                let chosen = table.look_up(rows, *number, digits, window);
                sum = add(rows, &sum, &chosen, true);
            }
            for _ in 0..WINDOW_BITS {
                result = double(rows, &result);
            }
            result = add(rows, &result, &sum, true);
        }
        result = add(rows, &result, &correction, true);
        for point in &others {
            result = add(rows, &result, point, true);
        }
        result
    })
}

#[cfg(test)]
mod tests;
