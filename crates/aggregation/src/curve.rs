//! Points: loaded, added, and multiplied all at once.
//!
//! Sums of multiples are computed as Straus does: for each point a table of its odd multiples from -31 to 31; then, from
//! the highest digits on, for each digit an addition per point and five doublings of the sum.
//!
//! The gate of an addition holds for *any* slope if both points are the same. That this does not happen follows from a
//! point `S` whose abscissa is a hash of everything that determines the other points and the factors modulo the order:
//! * tables: `2P = (S + P) + P - S`; then `P + 2P`, `3P + 2P`, … have different abscissas, because a point has the order
//!   of the group, which is prime;
//! * sums start with `S`, and `-32^50·S` is their last term, so that all sums but the very last, to which nothing is
//!   added, contain a multiple of `S`;
//! * the sum is doubled as a point of a table is, with the generator in place of `S`.
//!
//! So whoever meets an equal point knows an equation `a·S + Σ b_i·P_i = 0` with `a ≠ 0`, a discrete logarithm. That is an
//! assumption and no bound of chance: a factor has several strings of digits, among which a prover chooses once it knows
//! `S` (`docs/aggregation.md`).

use crate::gates::{At, Identity, Slot, ADD, BLOCK, LOAD, POINT_AT};
use crate::limbs::{field_limbs, limbs_of, modulus, truncated, Limbs, LIMB, LIMBS, Q_OFFSET_BITS};
use crate::machine::{table_address, Machine, Value};
use halo2curves::bn256::{Fq, Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::Curve;
use nanozk_circuits::witness::fr;
use num_bigint::BigInt;

/// Bits of a digit.
const WINDOW: usize = 5;
/// Digits of a factor: it is an odd integer below `2^255` in absolute value.
const DIGITS: usize = 51;
/// Entries of a table.
const ENTRIES: usize = 1 << WINDOW;
/// Row of a block from which the index of an entry is read, three times.
const INDEX_AT: u32 = 3;

/// A point in memory: three entries, each a limb of the abscissa and one of the ordinate.
#[derive(Clone, Copy, Debug)]
pub struct PointRef {
    rows: [u32; LIMBS],
    x: Limbs,
    y: Limbs,
    point: G1Affine,
}

/// A point whose six limbs stand one below the other, each of which can be read.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    row: u32,
    point: G1Affine,
}

/// Odd multiples of a point, from -31 to 31.
pub struct Table {
    address: Fr,
    entries: Vec<PointRef>,
}

/// A digit of a factor: where the index of its multiple can be read.
#[derive(Clone, Copy)]
struct Digit {
    row: u32,
    index: usize,
}

/// A factor in digits, from the highest on.
pub struct Factor(Vec<Digit>);

impl Point {
    /// The point.
    pub fn point(&self) -> G1Affine {
        self.point
    }

    /// As an operand.
    pub fn reference(&self) -> PointRef {
        PointRef {
            rows: std::array::from_fn(|l| self.row + l as u32),
            x: field_limbs(self.point.x),
            y: field_limbs(self.point.y),
            point: self.point,
        }
    }

    fn limb(&self, machine: &Machine, index: usize) -> Value {
        let row = self.row + index as u32;
        Value {
            row,
            value: machine.v[row as usize],
        }
    }
}

fn negative(limbs: Limbs) -> Limbs {
    limbs.map(|l| -l)
}

/// Limbs of the slots of a block.
struct Slots {
    slope: Limbs,
    first: [Limbs; 2],
    second: [Limbs; 2],
    third: [Limbs; 2],
}

impl Slots {
    fn get(&self, slot: Slot) -> &Limbs {
        match slot {
            Slot::Slope => &self.slope,
            Slot::X1 => &self.first[0],
            Slot::Y1 => &self.first[1],
            Slot::X2 => &self.second[0],
            Slot::Y2 => &self.second[1],
            Slot::X3 => &self.third[0],
            Slot::Y3 => &self.third[1],
        }
    }

    fn form(&self, form: &[(i64, Slot)]) -> [BigInt; LIMBS] {
        std::array::from_fn(|l| {
            let terms = form
                .iter()
                .map(|(sign, slot)| i128::from(*sign) * self.get(*slot)[l]);
            BigInt::from(terms.sum::<i128>())
        })
    }
}

fn whole(limbs: &[BigInt; LIMBS]) -> BigInt {
    limbs
        .iter()
        .rev()
        .fold(BigInt::from(0), |sum, l| (sum << LIMB) + l)
}

impl Identity {
    /// Limbs of the quotient and carries. If the identity does not hold they are those of nothing.
    fn witness(&self, slots: &Slots) -> ([u128; LIMBS], [u128; LIMBS]) {
        let p = modulus();
        let products: Vec<(i64, [BigInt; LIMBS], [BigInt; LIMBS])> = self
            .products
            .iter()
            .map(|(sign, a, b)| (*sign, slots.form(a), slots.form(b)))
            .collect();
        let linear = slots.form(self.linear);
        let mut value = whole(&linear) + self.constant;
        for (sign, a, b) in &products {
            value += whole(a) * whole(b) * *sign;
        }
        let quotient: BigInt =
            num_integer::Integer::div_floor(&value, p) + (BigInt::from(1) << Q_OFFSET_BITS);
        let quotient: [BigInt; LIMBS] = {
            let low = limbs_of(&quotient);
            [low[0].clone(), low[1].clone(), quotient >> (2 * LIMB)]
        };

        let (p_limbs, offset) = (limbs_of(p), limbs_of(&(p << Q_OFFSET_BITS)));
        let mut carry = BigInt::from(self.constant);
        let carries = std::array::from_fn(|k| {
            let mut sum = &carry + &offset[k] + &linear[k];
            for i in 0..=k {
                for (sign, a, b) in &products {
                    sum += &a[i] * &b[k - i] * *sign;
                }
                sum -= &quotient[i] * &p_limbs[k - i];
            }
            carry = sum >> LIMB;
            truncated(&(&carry + (BigInt::from(1) << 95)))
        });
        (quotient.map(|l| truncated(&l)), carries)
    }
}

impl Machine {
    /// Fills a block: slope, three quotients, a point, carries.
    fn block(&mut self, identities: &[Identity], slots: &Slots) -> u32 {
        let mut rows = [0u128; BLOCK];
        let mut put =
            |at: usize, limbs: [u128; LIMBS]| rows[at..at + LIMBS].copy_from_slice(&limbs);
        put(0, slots.slope.map(|l| l as u128));
        put(POINT_AT, slots.third[0].map(|l| l as u128));
        put(POINT_AT + LIMBS, slots.third[1].map(|l| l as u128));
        if self.witness {
            for identity in identities {
                let (quotient, carries) = identity.witness(slots);
                put(identity.quotient, quotient);
                put(identity.carries, carries);
            }
        }
        let start = self.rows();
        for (i, value) in rows.into_iter().enumerate() {
            // The highest limb of an element has five lanes; carries are from row 18 on.
            let highest = i < 18 && i % LIMBS == LIMBS - 1;
            self.push_limb(value, !highest);
        }
        start
    }

    /// A point that the witness has, on the curve.
    pub fn load_point(&mut self, point: G1Affine) -> Point {
        let square = point.x.square();
        let slots = Slots {
            slope: field_limbs(square),
            first: [[0; LIMBS]; 2],
            second: [[0; LIMBS]; 2],
            third: [field_limbs(point.x), field_limbs(point.y)],
        };
        let start = self.block(&LOAD, &slots);
        self.set(At::Load, start, Fr::ONE);
        Point {
            row: start + POINT_AT as u32,
            point,
        }
    }

    /// A point that everybody knows.
    pub fn constant_point(&mut self, point: G1Affine) -> Point {
        let (x, y) = (field_limbs(point.x), field_limbs(point.y));
        let mut chain = self.start();
        let row = chain.row() + 1;
        for limb in x.into_iter().chain(y) {
            chain = chain.constant(fr(limb));
        }
        Point { row, point }
    }

    /// The scalars by which a transcript absorbs a point.
    pub fn point_scalars(&mut self, point: &Point) -> [Value; 3] {
        let two = |bits: usize| Fr::from(2).pow_vartime([bits as u64]);
        [(0, 1, LIMB), (2, 3, 80), (4, 5, LIMB)].map(|(low, high, bits)| {
            let (low, high) = (point.limb(self, low), point.limb(self, high));
            self.start().load(low).plus(high, two(bits)).end()
        })
    }

    /// The sum of the point in the block above and another.
    fn add_point(
        &mut self,
        above: &Point,
        operand: &PointRef,
        index: Option<(&Table, Digit)>,
    ) -> Point {
        assert_eq!(
            above.row + (BLOCK - POINT_AT) as u32,
            self.rows(),
            "the point is in the block above"
        );
        let (sum, slots) = if self.witness {
            let slope = (operand.point.y - above.point.y)
                * (operand.point.x - above.point.x)
                    .invert()
                    .unwrap_or(Fq::ZERO);
            let x = slope.square() - above.point.x - operand.point.x;
            let y = slope * (above.point.x - x) - above.point.y;
            let slots = Slots {
                slope: field_limbs(slope),
                first: [field_limbs(above.point.x), field_limbs(above.point.y)],
                second: [operand.x, operand.y],
                third: [field_limbs(x), field_limbs(y)],
            };
            (G1Affine { x, y }, slots)
        } else {
            let zero = [[0; LIMBS]; 2];
            let slots = Slots {
                slope: [0; LIMBS],
                first: zero,
                second: zero,
                third: zero,
            };
            (above.point, slots)
        };
        let start = self.block(&ADD, &slots);
        self.set(At::Add, start, Fr::ONE);
        for l in 0..LIMBS as u32 {
            let source = operand.rows[l as usize];
            match index {
                None => self.read(start + l, source),
                Some((table, digit)) => {
                    let address = table.address + Fr::from(u64::from(l));
                    self.read_indirectly(start + l, address, source);
                    self.read(start + INDEX_AT + l, digit.row);
                }
            }
        }
        Point {
            row: start + POINT_AT as u32,
            point: sum,
        }
    }

    /// A copy of a point as the lower end of a block.
    fn copy_point(&mut self, point: &Point) -> Point {
        let limbs: Vec<Value> = (0..2 * LIMBS).map(|i| point.limb(self, i)).collect();
        let mut chain = self.start();
        for limb in limbs {
            chain = chain.load(limb);
        }
        let last = chain.row();
        let row = last + 1 - 2 * LIMBS as u32;
        for _ in POINT_AT + 2 * LIMBS..BLOCK {
            self.push(Fr::ZERO);
        }
        Point {
            row,
            point: point.point,
        }
    }

    /// The opposite of a point, in memory.
    ///
    /// An entry is two rows at a distance of three, of which the upper one cannot read: so a limb takes four rows.
    pub fn opposite(&mut self, point: &Point) -> PointRef {
        let start = self.push(Fr::ZERO);
        for _ in 0..4 * LIMBS {
            self.push(Fr::ZERO);
        }
        let mut rows = [0; LIMBS];
        for (l, entry) in rows.iter_mut().enumerate() {
            let at = start + 4 * l as u32;
            let (x, y) = (point.limb(self, l), point.limb(self, LIMBS + l));
            for (row, source, factor) in [(at, x, Fr::ONE), (at + 3, y, -Fr::ONE)] {
                self.set(At::Result, row, Fr::ONE);
                self.set(At::Operand, row, factor);
                self.read(row, source.row);
                self.v[row as usize + 1] = factor * source.value;
            }
            *entry = at + 1;
        }
        let PointRef { x, y, .. } = point.reference();
        PointRef {
            rows,
            x,
            y: negative(y),
            point: -point.point,
        }
    }

    /// Names the entries of a table.
    fn table(&mut self, entries: Vec<PointRef>) -> Table {
        let address = table_address(self.tables);
        self.tables += 1;
        for (e, entry) in entries.iter().enumerate() {
            for (l, row) in entry.rows.into_iter().enumerate() {
                self.place(row, address + Fr::from((LIMBS * e + l) as u64));
            }
        }
        Table { address, entries }
    }

    /// The odd multiples of a point; `helper` is `S`, with its opposite.
    pub fn multiples(&mut self, point: &Point, helper: (&Point, &PointRef)) -> Table {
        let start = self.copy_point(helper.0);
        let one = point.reference();
        let sum = self.add_point(&start, &one, None);
        let sum = self.add_point(&sum, &one, None);
        let double = self.add_point(&sum, helper.1, None);
        let mut odd = vec![*point];
        let mut last = self.add_point(&double, &one, None);
        odd.push(last);
        for _ in 2..ENTRIES / 2 {
            last = self.add_point(&last, &double.reference(), None);
            odd.push(last);
        }
        let mut entries: Vec<PointRef> = odd.iter().rev().map(|p| self.opposite(p)).collect();
        entries.extend(odd.iter().map(Point::reference));
        self.table(entries)
    }

    /// The odd multiples of a point that everybody knows.
    pub fn constant_multiples(&mut self, point: G1Affine) -> Table {
        let double = point + point;
        let mut multiple = -(point * Fr::from(ENTRIES as u64 - 1));
        let entries = (0..ENTRIES)
            .map(|_| {
                let entry = self.constant_point(multiple.to_affine()).reference();
                multiple += double;
                entry
            })
            .collect();
        self.table(entries)
    }

    /// A factor in digits.
    ///
    /// The digits are odd and the sum, an integer, is compared with the factor modulo the group's order: which of the
    /// integers it is does not matter for the multiple, and is the prover's choice. Digit `t` is in row `3 + 2t` and the
    /// sum down to it, `32·above + digit`, in the row below; so the index is the second element of an entry three rows
    /// above, whose first is a sum.
    pub fn factor(&mut self, value: Value) -> Factor {
        let indices = if self.witness {
            digits(value.value)
        } else {
            [0; DIGITS]
        };
        let top = self.push(Fr::ZERO);
        let anchor = self.push(Fr::ZERO);
        self.set(At::Result, anchor, Fr::ONE);
        let mut sum = self.push(Fr::ZERO);
        let (two, base) = (Fr::from(2), Fr::from(ENTRIES as u64));
        let offset = Fr::from(ENTRIES as u64 - 1);
        let mut out = Vec::with_capacity(DIGITS);
        for (t, index) in indices.into_iter().enumerate() {
            let row = self.push_limb(index as u128, false);
            self.read(row, sum);
            self.set(At::Result, row, Fr::ONE);
            self.set(At::Above, row, two);
            self.set(At::Operand, row, base);
            self.set(At::Constant, row, -offset);
            let above = self.v[sum as usize];
            sum = self.push(two * Fr::from(index as u64) + base * above - offset);
            out.push(Digit {
                row: top + 2 * t as u32,
                index,
            });
        }
        self.set(At::Above, sum, Fr::ONE);
        self.set(At::Operand, sum, -Fr::ONE);
        self.read(sum, value.row);
        Factor(out)
    }

    /// `S` for [`Machine::multiples`] and [`Machine::sum`]: its abscissa is `hash`, or little more.
    pub fn random_point(&mut self, hash: Value) -> Point {
        let (point, more) = if self.witness {
            lift(hash.value)
        } else {
            (G1Affine::generator(), 0)
        };
        let point = self.load_point(point);
        // `more` and `2^64·more` have 80 bits each: so `more` has 16.
        let shift = Fr::from(2).pow_vartime([64]);
        let row = self.push_limb(more.into(), false);
        self.set(At::Result, row, Fr::ONE);
        self.set(At::Above, row, shift);
        self.push_limb(u128::from(more) << 64, false);
        let more = Value {
            row,
            value: Fr::from(more),
        };
        let limbs = [0, 1, 2].map(|l| point.limb(self, l));
        let base = Fr::from(2).pow_vartime([LIMB as u64]);
        let mut chain = self.start().load(limbs[0]);
        for (l, factor) in [(1, base), (2, base.square())] {
            chain = chain.plus(limbs[l], factor);
        }
        chain.plus(more, -Fr::ONE).assert_equals(hash);
        point
    }

    /// A point that everybody knows, as the sum of [`Machine::sum`] is doubled with it; and its opposite.
    pub fn helper(&mut self) -> [Point; 2] {
        let g = G1Affine::generator();
        [g, -g].map(|p| self.constant_point(p))
    }

    /// `Σ factor·point`, where the last term is `S` with factor `-32^50`.
    pub fn sum(
        &mut self,
        start: &Point,
        terms: &[(&Table, &Factor)],
        helper: &[Point; 2],
    ) -> Point {
        let [plus, minus] = helper.map(|p| p.reference());
        let mut sum = self.copy_point(start);
        for t in 0..DIGITS {
            if t > 0 {
                for _ in 0..WINDOW {
                    let one = sum.reference();
                    sum = self.add_point(&sum, &plus, None);
                    sum = self.add_point(&sum, &one, None);
                    sum = self.add_point(&sum, &minus, None);
                }
            }
            for (table, factor) in terms {
                let digit = factor.0[t];
                let entry = table.entries[digit.index];
                sum = self.add_point(&sum, &entry, Some((table, digit)));
            }
        }
        sum
    }

    /// The factor of `S` in [`Machine::sum`].
    pub fn start_factor() -> Fr {
        -Fr::from(ENTRIES as u64).pow_vartime([DIGITS as u64 - 1])
    }
}

/// Indices of the digits of a factor, from the highest on: digit `d` has index `(d + 31) / 2`.
fn digits(value: Fr) -> [usize; DIGITS] {
    let integer = |f: Fr| BigInt::from_bytes_le(num_bigint::Sign::Plus, f.to_repr().as_ref());
    let mut rest = integer(value);
    if !rest.bit(0) {
        // The order is odd.
        rest += integer(-Fr::ONE) + 1;
    }
    let mut out = [0; DIGITS];
    let small = |i: BigInt| i.to_u64_digits().1.first().copied().unwrap_or(0) as i64;
    for (t, index) in out.iter_mut().enumerate().rev() {
        let low = small(&rest & BigInt::from(2 * ENTRIES as u64 - 1));
        // The rest of an odd number stays odd; the highest digit is what is left.
        let digit = if t == 0 { low } else { low - ENTRIES as i64 };
        *index = ((digit + ENTRIES as i64 - 1) / 2) as usize;
        rest = (rest - digit) >> WINDOW;
    }
    out
}

/// The first point whose abscissa is `hash`, read as an integer, or some more.
fn lift(hash: Fr) -> (G1Affine, u64) {
    let start = Fq::from_repr(hash.to_repr()).expect("the base field is larger");
    for more in 0..1u64 << 16 {
        let x = start + Fq::from(more);
        let y: Option<Fq> = (x.square() * x + Fq::from(3)).sqrt().into();
        if let Some(y) = y {
            return (G1Affine { x, y }, more);
        }
    }
    unreachable!("half of all abscissas have a point")
}

#[cfg(test)]
mod digit_strings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_recompose() {
        for value in [
            Fr::ZERO,
            Fr::ONE,
            Fr::from(2),
            -Fr::ONE,
            -Fr::from(2),
            Fr::from(1 << 40),
            Fr::MULTIPLICATIVE_GENERATOR.pow_vartime([12345]),
        ] {
            let sum = digits(value).into_iter().fold(Fr::ZERO, |sum, index| {
                assert!(index < ENTRIES);
                sum * Fr::from(32) + Fr::from(2 * index as u64) - Fr::from(31)
            });
            assert_eq!(sum, value);
        }
    }

    #[test]
    fn integers_recompose() {
        let x = Fq::MULTIPLICATIVE_GENERATOR.pow_vartime([777]);
        let expected = BigInt::from_bytes_le(num_bigint::Sign::Plus, x.to_repr().as_ref());
        assert_eq!(whole(&field_limbs(x).map(BigInt::from)), expected);
    }
}
