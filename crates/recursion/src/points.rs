//! Sums of points: an addition or a doubling for each index of some axes.
//!
//! Formulas are those of affine points. An addition of points with the same `x` has no slope, or any; a witness shows that
//! there is none, or whoever uses additions does.

use crate::base_field::{
    Chunks, Equation, Form, LimbAxes, Number, Quotient, chunks_of, element_limbs, order_in_scalars,
    power_of_two, scalar_of_chunks, zip,
};
use halo2curves::bn256::{Fq, Fr, G1Affine};
use halo2curves::ff::{BatchInvert, Field};
use nanozk_circuit::{AxisId, Expression, OutOfRange, Program, Role, Slot, TensorId, Values};
use num_bigint::BigUint;

/// Bits of numbers that are not used: elements have 254.
const SPARE: u32 = 2;

/// Coordinates of points.
#[derive(Clone, Debug)]
pub struct Points {
    /// The `x`.
    pub x: Number,
    /// The `y`.
    pub y: Number,
}

/// Linear combinations of numbers that are the coordinates of points.
#[derive(Clone, Debug, Default)]
pub struct PointForm {
    /// The `x`.
    pub x: Form,
    /// The `y`.
    pub y: Form,
}

impl std::ops::Add for PointForm {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            x: self.x + other.x,
            y: self.y + other.y,
        }
    }
}

impl Points {
    /// Declares points.
    pub fn new(p: &mut Program, axes: LimbAxes, name: &str, free: &[AxisId]) -> Self {
        Self {
            x: Number::new(p, axes, &format!("{name}: x"), free, SPARE),
            y: Number::new(p, axes, &format!("{name}: y"), free, SPARE),
        }
    }

    /// The points.
    pub fn form(&self, p: &mut Program) -> PointForm {
        PointForm {
            x: self.x.form(p),
            y: self.y.form(p),
        }
    }

    /// The points under the names of other axes, or with some of them fixed.
    pub fn form_at(&self, p: &mut Program, label: &str, free: &[Slot]) -> PointForm {
        PointForm {
            x: self.x.form_at(p, label, free),
            y: self.y.form_at(p, label, free),
        }
    }

    /// Words of the points, as [`nanozk_transcript::poseidon::point_words`] has them.
    pub fn words(&self, p: &mut Program) -> [Expression; 3] {
        let mut part = |number: &Number, chunk: usize, power: u32| {
            let label = format!("chunk {chunk} times 2^{power}");
            number.chunk_times(p, &label, chunk, power_of_two(power))
        };
        let (x, y) = (&self.x, &self.y);
        [
            part(x, 0, 0) + part(x, 1, 64) + part(x, 2, 128),
            part(x, 3, 0) + part(y, 0, 64) + part(y, 1, 128),
            part(y, 2, 0) + part(y, 3, 64),
        ]
    }

    /// Sets all points.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        f: impl Fn(&[usize]) -> G1Affine,
    ) -> Result<(), OutOfRange> {
        self.x.fill(values, |at| element_limbs(&f(at).x))?;
        self.y.fill(values, |at| element_limbs(&f(at).y))
    }
}

/// A point of the table, or its negative.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    /// The point.
    pub point: G1Affine,
    /// Whether its negative is meant.
    pub is_negative: bool,
}

impl From<G1Affine> for Signed {
    fn from(point: G1Affine) -> Self {
        Self {
            point,
            is_negative: false,
        }
    }
}

/// Additions.
#[derive(Clone, Debug)]
pub struct Additions {
    slope: Number,
    /// The sums.
    pub sum: Points,
    equations: [Equation; 3],
    /// What shows that points are different.
    inverse: Option<TensorId>,
}

/// The witness of an addition or a doubling.
#[derive(Clone, Debug)]
pub struct Step<const N: usize> {
    square: Fq,
    slope: Fq,
    /// The result.
    pub sum: G1Affine,
    /// The difference of both `x`, of an addition, as a number.
    run: Fr,
    quotients: [Quotient; N],
}

impl<const N: usize> Step<N> {
    /// The square of the `x`, of a doubling.
    pub fn square_chunks(&self) -> Chunks {
        chunks_of(&self.square)
    }
}

/// The bias of quotients of products that may be negative.
fn half() -> BigUint {
    BigUint::from(1_u8) << 255
}

impl Additions {
    /// Declares the sums, before what is added: that may be earlier sums.
    pub fn declare(
        p: &mut Program,
        axes: LimbAxes,
        name: &str,
        free: &[AxisId],
    ) -> (Number, Points) {
        let slope = Number::new(p, axes, &format!("{name}: slope"), free, SPARE);
        let sum = Points::new(p, axes, &format!("{name}: sum"), free);
        (slope, sum)
    }

    /// States what the sums are.
    ///
    /// In all equations one factor of the product is a number of 254 bits and the other a difference of two, so that with
    /// the quotient `|D| < 2^508 + 2^257 + 2^255·p < 2^509.4`.
    pub fn new(
        p: &mut Program,
        axes: LimbAxes,
        name: &str,
        (slope, sum): (Number, Points),
        [left, right]: [&PointForm; 2],
        are_distinct: bool,
    ) -> Self {
        let free = sum.x.free().to_vec();
        let (s, third) = (slope.form(p), sum.form(p));
        let (run, rise) = (
            right.x.clone() - left.x.clone(),
            left.y.clone() - right.y.clone(),
        );
        let back = left.x.clone() - third.x.clone();
        let mut state = |what: &str, b: &Form, linear: Form| {
            let name = format!("{name}: {what}");
            Equation::new(p, axes, &name, &free, &[(&s, b)], &linear, half(), 0)
        };
        let equations = [
            state("slope", &run, rise),
            state(
                "x",
                &s,
                -(left.x.clone() + right.x.clone() + third.x.clone()),
            ),
            state("y", &back, -(left.y.clone() + third.y.clone())),
        ];
        let inverse = are_distinct.then(|| distinct(p, name, &free, &run.whole));
        Self {
            slope,
            sum,
            equations,
            inverse,
        }
    }

    /// Computes additions of points that have different `x`. Of the second point the `y` is negative in the form, or not.
    pub fn add(&self, pairs: &[(G1Affine, Signed)]) -> Vec<Step<3>> {
        let mut inverses: Vec<Fq> = pairs.iter().map(|(a, b)| b.point.x - a.x).collect();
        inverses.iter_mut().batch_invert();
        pairs
            .iter()
            .zip(inverses)
            .map(|((a, signed), inverse)| {
                let b = signed.point;
                let sign = if signed.is_negative { -1 } else { 1 };
                let rise = if signed.is_negative {
                    -b.y - a.y
                } else {
                    b.y - a.y
                };
                let slope = rise * inverse;
                let x = slope.square() - a.x - b.x;
                let y = slope * (a.x - x) - a.y;
                let s = chunks_of(&slope);
                let [ax, ay, bx, by, x_, y_] = [&a.x, &a.y, &b.x, &b.y, &x, &y].map(chunks_of);
                let minus = |a: Chunks, b: Chunks| zip(a, b, |a, b| a - b);
                let negative = |a: Chunks, b: Chunks| zip(a, b, |a, b| -a - b);
                let [first, second, third] = &self.equations;
                let quotients = [
                    first.solve(&[(s, minus(bx, ax))], zip(ay, by, |a, b| a - sign * b)),
                    second.solve(&[(s, s)], minus(negative(ax, bx), x_)),
                    third.solve(&[(s, minus(ax, x_))], negative(ay, y_)),
                ];
                Step {
                    square: Fq::ZERO,
                    slope,
                    sum: G1Affine { x, y },
                    run: scalar_of_chunks(&bx) - scalar_of_chunks(&ax),
                    quotients,
                }
            })
            .collect()
    }

    /// Sets all witnesses.
    pub fn fill<'s>(
        &self,
        values: &mut Values<'_>,
        f: impl Fn(&[usize]) -> &'s Step<3>,
    ) -> Result<(), OutOfRange> {
        self.slope.fill(values, |at| element_limbs(&f(at).slope))?;
        self.sum.fill(values, |at| f(at).sum)?;
        for (i, equation) in self.equations.iter().enumerate() {
            equation.fill(values, |at| &f(at).quotients[i])?;
        }
        if let Some(inverse) = self.inverse {
            let order = order_in_scalars().square();
            values.fill_field(inverse, |at| {
                let run = f(at).run;
                (run * (run.square() - order)).invert().unwrap_or(Fr::ZERO)
            });
        }
        Ok(())
    }
}

/// States that differences of numbers of 254 bits are not zero modulo the order `p` of the base field: of the integers
/// between `−2^254` and `2^254`, `0`, `−p` and `p` are. So `d·(d² − p²)` is zero for these, in the scalar field too, and
/// has no inverse.
fn distinct(p: &mut Program, name: &str, free: &[AxisId], run: &Expression) -> TensorId {
    let inverse = p.new_tensor(&format!("{name}: inverse"), free, Role::Witness);
    let slots: Vec<Slot> = free.iter().map(|axis| Slot::Axis(*axis)).collect();
    let weight = order_in_scalars().square();
    let multiple = p.new_view(
        &format!("{name}: multiple of the inverse"),
        inverse,
        weight,
        &slots,
    );
    let [inverse_, multiple] = [inverse, multiple].map(|id| p.use_of(id));
    let cube = run.squared() * run.clone();
    p.zero(
        &format!("{name}: distinct"),
        free,
        cube * inverse_ - run.clone() * multiple - Expression::from(1_i128),
    );
    inverse
}

/// Doublings.
#[derive(Clone, Debug)]
pub struct Doublings {
    /// Squares of the `x`.
    pub square: Number,
    slope: Number,
    /// The results.
    pub double: Points,
    equations: [Equation; 4],
}

impl Doublings {
    /// Declares the results, before what is doubled: that may be earlier ones.
    pub fn declare(
        p: &mut Program,
        axes: LimbAxes,
        name: &str,
        free: &[AxisId],
    ) -> (Number, Number, Points) {
        let square = Number::new(p, axes, &format!("{name}: square"), free, SPARE);
        let slope = Number::new(p, axes, &format!("{name}: slope"), free, SPARE);
        let double = Points::new(p, axes, &format!("{name}: double"), free);
        (square, slope, double)
    }

    /// States what the results are.
    ///
    /// All but the second equation are as in [`Additions`]. There `−2^256 − 2^255·p < D < 2^509 + 2^4·p`, since the
    /// quotient has 255 bits.
    pub fn new(
        p: &mut Program,
        axes: LimbAxes,
        name: &str,
        (square, slope, double): (Number, Number, Points),
        point: &PointForm,
    ) -> Self {
        let free = square.free().to_vec();
        let (q, s, third) = (square.form(p), slope.form(p), double.form(p));
        let back = point.x.clone() - third.x.clone();
        let mut state = |what: &str, a: &Form, b: &Form, linear: Form, bias: BigUint, spare| {
            let name = format!("{name}: {what}");
            Equation::new(p, axes, &name, &free, &[(a, b)], &linear, bias, spare)
        };
        let twice = point.y.clone() * 2;
        let equations = [
            state("square", &point.x, &point.x, -q.clone(), half(), 0),
            state("slope", &s, &twice, q * -3, BigUint::from(16_u8), 1),
            state(
                "x",
                &s,
                &s,
                -(point.x.clone() * 2 + third.x.clone()),
                half(),
                0,
            ),
            state("y", &s, &back, -(point.y.clone() + third.y), half(), 0),
        ];
        Self {
            square,
            slope,
            double,
            equations,
        }
    }

    /// Doubles points.
    pub fn double(&self, points: &[G1Affine]) -> Vec<Step<4>> {
        let mut inverses: Vec<Fq> = points.iter().map(|a| a.y.double()).collect();
        inverses.iter_mut().batch_invert();
        points
            .iter()
            .zip(inverses)
            .map(|(a, inverse)| {
                let square = a.x.square();
                let slope = (square.double() + square) * inverse;
                let x = slope.square() - a.x.double();
                let y = slope * (a.x - x) - a.y;
                let [q, s, ax, ay, x_, y_] = [&square, &slope, &a.x, &a.y, &x, &y].map(chunks_of);
                let minus = |a: Chunks, b: Chunks| zip(a, b, |a, b| a - b);
                let [first, second, third, fourth] = &self.equations;
                let quotients = [
                    first.solve(&[(ax, ax)], q.map(|q| -q)),
                    second.solve(&[(s, ay.map(|y| 2 * y))], q.map(|q| -3 * q)),
                    third.solve(&[(s, s)], zip(ax, x_, |a, x| -2 * a - x)),
                    fourth.solve(&[(s, minus(ax, x_))], zip(ay, y_, |a, y| -a - y)),
                ];
                Step {
                    square,
                    slope,
                    sum: G1Affine { x, y },
                    run: Fr::ONE,
                    quotients,
                }
            })
            .collect()
    }

    /// Sets all witnesses.
    pub fn fill<'s>(
        &self,
        values: &mut Values<'_>,
        f: impl Fn(&[usize]) -> &'s Step<4>,
    ) -> Result<(), OutOfRange> {
        self.square
            .fill(values, |at| element_limbs(&f(at).square))?;
        self.slope.fill(values, |at| element_limbs(&f(at).slope))?;
        self.double.fill(values, |at| f(at).sum)?;
        for (i, equation) in self.equations.iter().enumerate() {
            equation.fill(values, |at| &f(at).quotients[i])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base_field::integer_of;
    use nanozk_circuit::{Failure, Layout, Registry, Tensor};
    use num_bigint::BigInt;

    struct Nowhere;

    impl Registry for Nowhere {
        fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
            None
        }
    }

    /// Two points of the same `x`, however it is written, have any sum at all if nothing shows that they are different.
    #[test]
    fn equal_points_are_not_added() {
        let mut p = Program::new();
        let axes = LimbAxes::new(&mut p);
        let [left, right] = ["left", "right"].map(|name| Points::new(&mut p, axes, name, &[]));
        let forms = [&left, &right].map(|points| points.form(&mut p));
        let declared = Additions::declare(&mut p, axes, "sum", &[]);
        let sums = Additions::new(&mut p, axes, "sum", declared, [&forms[0], &forms[1]], true);
        let layout = Layout::new(&p, 17, 2, &Nowhere).unwrap();

        // A point whose x is below 2^254 − p.
        let order = integer_of(&-Fq::ONE) + 1;
        let room = (BigInt::from(1) << 254) - &order;
        let point = (1..)
            .map(|i| G1Affine::from(G1Affine::generator() * Fr::from(i)))
            .find(|point| integer_of(&point.x) < room)
            .unwrap();
        let x = integer_of(&point.x);
        let to_chunks = |x: &BigInt| -> Chunks {
            let digits = x.magnitude().to_u64_digits();
            std::array::from_fn(|i| i128::from(digits.get(i).copied().unwrap_or(0)))
        };
        // Twice the order more has more bits than numbers have.
        let (longer, longest) = (&x + &order, &x + &order * 2);
        for [first, second] in [[&x, &x], [&x, &longer], [&longer, &x], [&x, &longest]] {
            // Any slope.
            let slope = Fq::from(12345);
            let third = slope.square() - point.x.double();
            let y = slope * (point.x - third) - point.y;
            let s = chunks_of(&slope);
            let [a, b] = [first, second].map(to_chunks);
            let [ay, x_, y_] = [&point.y, &third, &y].map(chunks_of);
            let minus = |a: Chunks, b: Chunks| zip(a, b, |a, b| a - b);
            let negative = |a: Chunks, b: Chunks| zip(a, b, |a, b| -a - b);
            let run = scalar_of_chunks(&b) - scalar_of_chunks(&a);
            let [one, two, three] = &sums.equations;
            let step = Step {
                square: Fq::ZERO,
                slope,
                sum: G1Affine { x: third, y },
                run,
                quotients: [
                    one.solve(&[(s, minus(b, a))], [0; 4]),
                    two.solve(&[(s, s)], minus(negative(a, b), x_)),
                    three.solve(&[(s, minus(a, x_))], negative(ay, y_)),
                ],
            };
            let mut values = Values::new(&p, &layout, vec![]);
            let mut fits = true;
            for (points, x) in [(&left, first), (&right, second)] {
                let limbs = crate::base_field::limbs_of(x);
                fits &= points.x.fill(&mut values, |_| limbs).is_ok();
                points
                    .y
                    .fill(&mut values, |_| super::element_limbs(&point.y))
                    .unwrap();
            }
            assert_eq!(fits, second != &longest);
            if !fits {
                continue;
            }
            sums.fill(&mut values, |_| &step).unwrap();
            // Whatever is said to be an inverse.
            let order = order_in_scalars();
            for of in [
                run,
                run.square() - order.square(),
                run.cube(),
                run * (run.square() - order),
                Fr::ONE,
                Fr::ZERO,
            ] {
                let inverse = of.invert().unwrap_or(Fr::ZERO);
                values.fill_field(sums.inverse.unwrap(), |_| inverse);
                let failures = p.failures(&values);
                assert!(
                    matches!(failures.as_slice(), [Failure::Identity { identity, .. }]
                        if identity == "sum: distinct"),
                    "{failures:?}"
                );
            }
        }
    }
}
