//! Points, digits, and the memory that holds them.

use crate::chain::Case;
use crate::table::Table;
use halo2curves::bn256::{Fq, Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_aggregation::gates::{At, Identity, LOAD, PAIR, POINT_AT};
use nanozk_aggregation::Machine;
use num_bigint::{BigInt, Sign};

/// Bits, and number, of the limbs of a coordinate.
const LIMB: usize = 88;
const LIMBS: usize = 3;

fn machine() -> Machine {
    Machine::new(true, &[]).0
}

fn table(machine: Machine) -> Table {
    Table::new(machine.finish("part".into(), 0), &[])
}

fn two(bits: u64) -> Fr {
    Fr::from(2).pow_vartime([bits])
}

/// Sums of points of other curves are computed by the same formulas.
#[test]
fn points_are_on_the_curve() {
    let on = G1Affine::generator();
    let off = G1Affine {
        x: on.x,
        y: on.y + Fq::ONE,
    };
    let loaded = |point| {
        let mut machine = machine();
        machine.load_point(point);
        table(machine)
    };
    assert_eq!(loaded(on).violated(), [""; 0]);
    let of_the_curve = |violated: Vec<String>| {
        assert!(!violated.is_empty());
        assert!(
            violated.iter().all(|g| g.starts_with("load_curve_")),
            "{violated:?}"
        );
    };
    of_the_curve(loaded(off).violated());

    // A commitment of a proof, in a node that computes everything else from it.
    let mut case = Case::new(1, 2);
    case.proofs[0].second[0].y += Fq::ONE;
    let run = case.run();
    of_the_curve(Table::new(run.columns, &run.instances).violated());
}

/// Rows of digits, from the highest on: the row below has the sum `32·above + 2·digit - 31`.
fn digits(table: &Table) -> Vec<usize> {
    (0..table.rows())
        .filter(|row| {
            table.fixed(At::Above, *row) == Fr::from(2)
                && table.fixed(At::Operand, *row) == Fr::from(32)
                && table.fixed(At::Constant, *row) == -Fr::from(31)
        })
        .collect()
}

/// A digit in the field that adds up, and is the address of the next table's entry.
fn with_a_large_digit(table: &mut Table) {
    let rows = digits(table);
    let by = two(100) * Fr::from(3).invert().expect("not zero");
    let [high, low] = [rows[3], rows[4]];
    assert_eq!(low, high + 2, "digits of one factor");
    table.set_limb(high, table.v(high) + by);
    table.set(high + 1, table.v(high + 1) + by.double());
    table.set_limb(low, table.v(low) - by * Fr::from(32));
    table.repair();
}

#[test]
fn digits_have_a_range() {
    let mut machine = machine();
    let factor = machine.free(Fr::from(12345).pow_vartime([67]));
    machine.factor(factor);
    let mut one = table(machine);
    assert_eq!(one.violated(), [""; 0]);
    with_a_large_digit(&mut one);
    assert_eq!(one.violated(), ["limb"]);

    let run = Case::new(1, 2).run();
    let mut node = Table::new(run.columns, &run.instances);
    with_a_large_digit(&mut node);
    assert_eq!(node.violated_arithmetic(), ["limb"]);
}

/// `S` is the first point from its hash on, or one of the next few: were it any, a prover could choose it.
#[test]
fn candidates_are_few() {
    let mut machine = machine();
    let hash = machine.free(Fr::from(9876).pow_vartime([54]));
    machine.random_point(hash);
    let honest = table(machine);
    assert_eq!(honest.violated(), [""; 0]);
    let hash = hash.row as usize;
    let more = honest.find(|t, row| t.fixed(At::Above, row) == two(64));
    // What reads the hash compares it with the abscissa, less `more`.
    let end = honest
        .find(|t, row| t.on(At::Read, row) && t.fixed(At::Address, row) == t.fixed(At::Key, hash));
    assert_eq!(honest.v(end), honest.v(hash));
    let abscissa = honest.v(hash) + honest.v(more);
    // One too large in its second place only, and one in its first only.
    let inverse = two(64).invert().expect("not zero");
    for false_more in [two(20), inverse * Fr::from(3)] {
        let mut table = honest.clone();
        table.set_limb(more, false_more);
        table.set_limb(more + 1, false_more * two(64));
        table.set(hash, abscissa - false_more);
        table.set(end, abscissa - false_more);
        table.repair();
        assert_eq!(table.violated(), ["limb"]);
    }
}

/// Without its tag, an entry of zeros is the number of its address.
#[test]
fn entries_of_memory_are_no_numbers() {
    let mut machine = machine();
    machine.sponge(&[vec![]]);
    let mut table = table(machine);
    assert_eq!(table.violated(), [""; 0]);
    let zeros = table.find(|t, row| {
        let zero = |row: usize| t.v(row).is_zero_vartime();
        t.on(At::Write, row) && !t.on(At::Read, row) && zero(row) && zero(row + PAIR)
    });
    let unused = table.find(|t, row| !t.on(At::Limb, row));
    table.look_up_memory(unused, zeros);
    assert_eq!(table.violated(), ["sum"]);
}

// ---- the highest limb

fn integer(bytes: &[u8]) -> BigInt {
    BigInt::from_bytes_le(Sign::Plus, bytes)
}

fn bytes(i: &BigInt) -> [u8; 32] {
    let (sign, bytes) = i.to_bytes_le();
    assert_ne!(sign, Sign::Minus);
    let mut out = [0; 32];
    out[..bytes.len()].copy_from_slice(&bytes);
    out
}

fn scalar(i: &BigInt) -> Fr {
    Fr::from_repr(bytes(i)).expect("reduced")
}

fn limbs(i: &BigInt) -> [BigInt; LIMBS] {
    let mask = (BigInt::from(1) << LIMB) - 1;
    std::array::from_fn(|l| (i >> (LIMB * l)) & &mask)
}

/// Quotient and carries of `Σ ± a·b ± c + constant = q·p`, as the rows have them.
struct Equation<'a> {
    products: Vec<(i64, &'a BigInt, &'a BigInt)>,
    linear: Vec<(i64, &'a BigInt)>,
    constant: i64,
    quotient: BigInt,
}

impl Equation<'_> {
    fn write(&self, table: &mut Table, start: usize, identity: &Identity, p: &BigInt) {
        let offset = limbs(&(p << 255usize));
        let quotient = &self.quotient + (BigInt::from(1) << 255usize);
        let low = limbs(&quotient);
        let quotient = [low[0].clone(), low[1].clone(), quotient >> (2 * LIMB)];
        let p = limbs(p);
        let mut carry = BigInt::from(self.constant);
        for k in 0..LIMBS {
            let mut sum = &carry + &offset[k];
            for (sign, c) in &self.linear {
                sum += &limbs(c)[k] * *sign;
            }
            for i in 0..=k {
                for (sign, a, b) in &self.products {
                    sum += &limbs(a)[i] * &limbs(b)[k - i] * *sign;
                }
                sum -= &quotient[i] * &p[k - i];
            }
            carry = sum >> LIMB;
            let kept = &carry + (BigInt::from(1) << 95usize);
            table.set_limb(start + identity.quotient + k, scalar(&quotient[k]));
            table.set_limb(start + identity.carries + k, scalar(&kept));
        }
    }
}

/// An equation that holds modulo the scalar field's order, and in its two lower limbs, but not in the integers: a false
/// square of an abscissa, and with it a point off the curve.
#[test]
fn equations_hold_in_the_highest_limb() {
    let p = integer((-Fq::ONE).to_repr().as_ref()) + 1;
    let r = integer((-Fr::ONE).to_repr().as_ref()) + 1;
    let wrong = &r << (2 * LIMB);
    let (x, slope, y) = (2u64..)
        .find_map(|seed| {
            let x = integer(Fq::from(seed).pow_vartime([1001]).to_repr().as_ref());
            let slope = (&x * &x - &wrong) % &p;
            let field = |i: &BigInt| Fq::from_repr(bytes(i)).expect("reduced");
            let y: Option<Fq> = (field(&slope) * field(&x) + Fq::from(3)).sqrt().into();
            Some((x.clone(), slope, integer(y?.to_repr().as_ref())))
        })
        .expect("every second one");
    let point = |i: &BigInt| Fq::from_repr(bytes(i)).expect("reduced");
    let off = G1Affine {
        x: point(&x),
        y: point(&y),
    };
    let mut machine = machine();
    machine.load_point(off);
    let mut table = table(machine);
    let start = table.find(|t, row| t.on(At::Load, row));
    for (l, limb) in limbs(&slope).iter().enumerate() {
        table.set_limb(start + l, scalar(limb));
        assert_eq!(table.v(start + POINT_AT + l), scalar(&limbs(&x)[l]));
    }
    let [square, curve] = &LOAD;
    let equation = Equation {
        products: vec![(1, &x, &x)],
        linear: vec![(-1, &slope)],
        constant: square.constant,
        quotient: (&x * &x - &wrong - &slope) / &p,
    };
    equation.write(&mut table, start, square, &p);
    let equation = Equation {
        products: vec![(1, &y, &y), (-1, &slope, &x)],
        linear: vec![],
        constant: curve.constant,
        quotient: (&y * &y - &slope * &x - 3) / &p,
    };
    equation.write(&mut table, start, curve, &p);
    table.repair();
    assert_eq!(table.violated(), ["load_square_2"]);
}
