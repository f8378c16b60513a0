//! Columns and gates of the machine: the same for every program it runs.
//!
//! A row has a value `v`, an operand pair `(w, u)` read from memory, and six lanes of 16 bits. What a row does is in
//! the fixed columns. Rotations are written `x(i)`: `i` rows below.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `limb` | 2 | `limb·(v − Σ_{j<5} 2^(16j)·l_j) = wide·2^80·l_5` | `v` has 80 bits, or 96 if wide |
//! | `native` | 3 | `result·v(1) = product·v·w + above·v + operand·w + constant` | arithmetic of the scalar field; with `result = 0` an assertion |
//! | `add_*` | 3 | see [`Identity`] | `(x3, y3)` is the sum of the point 21 rows above and the one read |
//! | `load_*` | 3 | see [`Identity`] | `(x3, y3)` is on the curve |
//! | `full_*`, `partial_*` | 3 | a round of Poseidon | the state is `(w, v, u)` |
//! | `absorb_*` | 2 | state plus two messages plus first constants | |
//! | `instance_i` | 2 | `instance·(public input i − v(i))` | |
//! | `lanes_j` | 3 | `h_j·(α+a)(α+b) = (α+a) + (α+b)` | `h_j = 1/(α+a) + 1/(α+b)` |
//! | `table` | 3 | `h·(α+T) = m` | `T = key + write·(τ·v + τ²·v(3) + τ³)` |
//! | `sum` | 3 | `(z − z(−1) − Σ h_j + h)·(α+R) = read` | `R = address + 3·write·u(3) + τ·w + τ²·u + τ³` |
//!
//! Memory is one LogUp argument. A row that is *written* is the entry `(key, v, v(3))`; a row that *reads* looks up
//! `(address, w, u)`; tuples of memory carry the tag `τ³`, numbers of the range table (`key` of rows that are not
//! written) do not, so neither passes for the other. Keys are unique, so what is read at an address is what stands
//! there. A row with both flags reads at an address that depends on `u` three rows below; as an entry it has a key
//! that no address names. The sum is cyclic: it exists iff all fractions add up to zero.
//!
//! There are no blind rows: what the machine proves from are proofs, which may be published.

use crate::limbs::{limbs_of, modulus, LIMB, LIMBS, Q_OFFSET_BITS};
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;
use nanozk_circuits::ir::{
    Challenge, Column, ColumnInfo, Gate, Kind, Poly, Program, Scalar, Span, Step,
};
use num_bigint::BigInt;

use crate::sponge;

/// Lanes of a row.
pub const LANES: usize = 6;
/// Bits of a lane.
pub const LANE: usize = 16;
/// Rows of a curve operation.
pub const BLOCK: usize = 27;
/// First row of the abscissa within a block; the ordinate follows.
pub const POINT_AT: usize = 6;
/// Distance between the two elements of an entry of memory.
pub const PAIR: usize = 3;

macro_rules! columns {
    ($($name:ident),* $(,)?) => {
        /// Columns in their order.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum At { $($name),* }
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}
columns!(
    Key,
    Write,
    Address,
    Read,
    Limb,
    Wide,
    Result,
    Product,
    Above,
    Operand,
    Constant,
    Add,
    Load,
    Full,
    Partial,
    Absorb,
    Instance,
    Lane0,
    Lane1,
    Lane2,
    Lane3,
    Lane4,
    Lane5,
    V,
    W,
    U,
    Multiplicity,
    Lanes0,
    Lanes1,
    Lanes2,
    Table,
    Sum,
);

/// Number of fixed columns.
pub const FIXED: usize = At::Lane0 as usize;

fn col(at: At) -> Column {
    Column(at as u32)
}

fn lane(j: usize) -> Column {
    Column(At::Lane0 as u32 + j as u32)
}

fn v(rotation: usize) -> Poly {
    col(At::V).at(rotation as i32)
}

/// What stands in a block, as three limbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The slope; when a point is loaded, its abscissa squared.
    Slope,
    /// Point of the block above.
    X1,
    /// Its ordinate.
    Y1,
    /// Point that is read.
    X2,
    /// Its ordinate.
    Y2,
    /// Result.
    X3,
    /// Its ordinate.
    Y3,
}

impl Slot {
    fn cell(self, limb: usize) -> Poly {
        let below = |first: usize| v(first + limb);
        let above = |first: i32| col(At::V).at(first - BLOCK as i32 + limb as i32);
        let at = POINT_AT as i32;
        match self {
            Slot::Slope => below(0),
            Slot::X1 => above(at),
            Slot::Y1 => above(at + LIMBS as i32),
            Slot::X2 => col(At::W).at(limb as i32),
            Slot::Y2 => col(At::U).at(limb as i32),
            Slot::X3 => below(POINT_AT),
            Slot::Y3 => below(POINT_AT + LIMBS),
        }
    }
}

/// A sum of slots with signs.
pub type Form = &'static [(i64, Slot)];

/// An equation modulo the base field's order `p`: `Σ products + Σ linear + constant = q·p` for an integer `q`.
///
/// Elements are integers of three limbs, below `2^256.1` in absolute value where a slot was range-checked (limbs of 96,
/// 96 and 80 bits to the base `2^88`). Checked are
/// * the equation modulo the order `r` of the scalar field (`*_native`), and
/// * the equation modulo `2^264`, limb by limb with carries (`*_0` to `*_2`).
///
/// Both sides differ by less than `2^514`, which is below `r·2^264`: so it holds in the integers. No sum of the limb
/// equations reaches `r`: limbs' products are below `2^193`, carries times `2^88` below `2^184`. The quotient is kept as
/// `q + 2^255`, carries as `carry + 2^95`, to be unsigned.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Name.
    pub id: &'static str,
    /// Meaning.
    pub meaning: &'static str,
    /// Products of two sums, with sign.
    pub products: &'static [(i64, Form, Form)],
    /// Sum.
    pub linear: Form,
    /// Constant.
    pub constant: i64,
    /// Row of the quotient's first limb.
    pub quotient: usize,
    /// Row of the first carry.
    pub carries: usize,
}

use Slot::*;

/// Addition of points with different abscissas.
pub const ADD: [Identity; 3] = [
    Identity {
        id: "add_chord",
        meaning: "the slope is that of the line through both points",
        products: &[(1, &[(1, Slope)], &[(1, X2), (-1, X1)])],
        linear: &[(-1, Y2), (1, Y1)],
        constant: 0,
        quotient: 3,
        carries: 18,
    },
    Identity {
        id: "add_abscissa",
        meaning: "the abscissas on a line add up to its slope squared",
        products: &[(1, &[(1, Slope)], &[(1, Slope)])],
        linear: &[(-1, X1), (-1, X2), (-1, X3)],
        constant: 0,
        quotient: 12,
        carries: 21,
    },
    Identity {
        id: "add_ordinate",
        meaning: "the opposite of the sum is on the line",
        products: &[(1, &[(1, Slope)], &[(1, X1), (-1, X3)])],
        linear: &[(-1, Y1), (-1, Y3)],
        constant: 0,
        quotient: 15,
        carries: 24,
    },
];

/// A point on the curve `y² = x³ + 3`.
pub const LOAD: [Identity; 2] = [
    Identity {
        id: "load_square",
        meaning: "the square of the abscissa",
        products: &[(1, &[(1, X3)], &[(1, X3)])],
        linear: &[(-1, Slope)],
        constant: 0,
        quotient: 12,
        carries: 21,
    },
    Identity {
        id: "load_curve",
        meaning:
            "the point is on the curve: formulas for points of other curves would prove nothing",
        products: &[(1, &[(1, Y3)], &[(1, Y3)]), (-1, &[(1, Slope)], &[(1, X3)])],
        linear: &[],
        constant: -3,
        quotient: 15,
        carries: 24,
    },
];

/// The scalar-field residue of an integer.
pub(crate) fn residue(i: &BigInt) -> Fr {
    let r = BigInt::parse_bytes(&Fr::MODULUS.as_bytes()[2..], 16).expect("a hexadecimal number");
    let reduced = num_integer::Integer::mod_floor(i, &r);
    let (_, bytes) = reduced.to_bytes_le();
    let mut repr = [0; 32];
    repr[..bytes.len()].copy_from_slice(&bytes);
    Fr::from_repr(repr).expect("reduced")
}

fn constant(value: &BigInt) -> Poly {
    Poly::scalar(Scalar::Const(residue(value)))
}

fn scaled(poly: Poly, by: &BigInt) -> Poly {
    poly * Scalar::Const(residue(by))
}

impl Identity {
    fn form(form: Form, limb: usize) -> Poly {
        form.iter().fold(Poly::zero(), |sum, (sign, slot)| {
            sum + slot.cell(limb) * i128::from(*sign)
        })
    }

    fn whole(limb: impl Fn(usize) -> Poly) -> Poly {
        (0..LIMBS).fold(Poly::zero(), |sum, l| {
            sum + scaled(limb(l), &(BigInt::from(1) << (LIMB * l)))
        })
    }

    /// The four equations, under a selector.
    fn gates(&self, selector: Column) -> Vec<Gate> {
        let p = modulus();
        let offset: BigInt = p << Q_OFFSET_BITS;
        let quotient = |l: usize| v(self.quotient + l);
        let gate = |suffix: String, poly: Poly| Gate {
            id: format!("{}_{suffix}", self.id),
            meaning: self.meaning,
            poly: (selector.cur() * poly).normalized(),
        };

        let mut native = constant(&(&offset + self.constant));
        for (sign, a, b) in self.products {
            let [a, b] = [a, b].map(|f| Self::whole(|l| Self::form(f, l)));
            native = native + a * b * i128::from(*sign);
        }
        native =
            native + Self::whole(|l| Self::form(self.linear, l)) - scaled(Self::whole(quotient), p);
        let mut gates = vec![gate("native".into(), native)];

        let (p_limbs, offset_limbs) = (limbs_of(p), limbs_of(&offset));
        let carry = |k: usize| v(self.carries + k) - constant(&(BigInt::from(1) << 95));
        for k in 0..LIMBS {
            let mut sum = constant(&offset_limbs[k]);
            if k == 0 {
                sum = sum + Poly::int(self.constant.into());
            } else {
                sum = sum + carry(k - 1);
            }
            for i in 0..=k {
                for (sign, a, b) in self.products {
                    sum = sum + Self::form(a, i) * Self::form(b, k - i) * i128::from(*sign);
                }
                sum = sum - scaled(quotient(i), &p_limbs[k - i]);
            }
            sum = sum + Self::form(self.linear, k);
            sum = sum - scaled(carry(k), &(BigInt::from(1) << LIMB));
            gates.push(gate(k.to_string(), sum));
        }
        gates
    }
}

fn alpha() -> Poly {
    Poly::scalar(Scalar::Challenge(Challenge::Alpha))
}

fn tau(e: u64) -> Scalar {
    Scalar::pow(Challenge::Tau, e)
}

fn lookups(gates: &mut Vec<Gate>, steps: &mut Vec<Step>, rows: usize) {
    let all = Span::run(0, rows);
    let mut sum = Poly::zero();
    for (j, helper) in [At::Lanes0, At::Lanes1, At::Lanes2].into_iter().enumerate() {
        let [a, b] = [2 * j, 2 * j + 1].map(|l| alpha() + lane(l).cur());
        let (numerator, denominator) = (a.clone() + b.clone(), a * b);
        gates.push(Gate {
            id: format!("lanes_{j}"),
            meaning: "the helper is the sum of two lanes' inverses",
            poly: (col(helper).cur() * denominator.clone() - numerator.clone()).normalized(),
        });
        steps.push(Step::Ratio {
            column: col(helper),
            rows: all,
            numerator,
            denominator,
        });
        sum = sum + col(helper).cur();
    }

    let written = v(0) * tau(1) + v(PAIR) * tau(2) + Poly::scalar(tau(3));
    let entry = alpha() + col(At::Key).cur() + col(At::Write).cur() * written;
    let multiplicity = col(At::Multiplicity).cur();
    gates.push(Gate {
        id: "table".into(),
        meaning: "the helper is the entry's inverse times its multiplicity",
        poly: (col(At::Table).cur() * entry.clone() - multiplicity.clone()).normalized(),
    });
    steps.push(Step::Ratio {
        column: col(At::Table),
        rows: all,
        numerator: multiplicity,
        denominator: entry,
    });
    sum = sum - col(At::Table).cur();

    let z = col(At::Sum);
    let indirect = col(At::Write).cur() * col(At::U).at(PAIR as i32) * 3;
    let read = alpha()
        + col(At::Address).cur()
        + indirect
        + col(At::W).cur() * tau(1)
        + col(At::U).cur() * tau(2)
        + Poly::scalar(tau(3));
    let flag = col(At::Read).cur();
    gates.push(Gate {
        id: "sum".into(),
        meaning: "the sum takes up the row's fractions; over all rows they vanish",
        poly: ((z.cur() - z.at(-1) - sum.clone()) * read.clone() - flag.clone()).normalized(),
    });
    // First the row's own fraction, then the sums in place.
    steps.push(Step::Ratio {
        column: z,
        rows: all,
        numerator: flag,
        denominator: read,
    });
    steps.push(Step::Assign {
        column: z,
        rows: Span::row(0),
        descending: false,
        value: z.cur() + sum.clone(),
    });
    steps.push(Step::Assign {
        column: z,
        rows: Span::run(1, rows - 1),
        descending: false,
        value: z.at(-1) + z.cur() + sum,
    });
}

fn arithmetic(gates: &mut Vec<Gate>) {
    let mut value = v(0);
    for j in 0..LANES - 1 {
        value = value - lane(j).cur() * (1i128 << (LANE * j));
    }
    let top = col(At::Wide).cur() * lane(LANES - 1).cur() * (1i128 << (LANE * (LANES - 1)));
    gates.push(Gate {
        id: "limb".into(),
        meaning: "the value has five lanes, or six",
        poly: (col(At::Limb).cur() * value - top).normalized(),
    });
    let w = col(At::W).cur();
    let native = col(At::Result).cur() * v(1)
        - col(At::Product).cur() * v(0) * w.clone()
        - col(At::Above).cur() * v(0)
        - col(At::Operand).cur() * w
        - col(At::Constant).cur();
    gates.push(Gate {
        id: "native".into(),
        meaning: "the next value follows from this one and the operand",
        poly: native.normalized(),
    });
}

/// The program's description; fixed values are not part of it.
pub fn program(k: u32, instances: usize) -> Program {
    let info = |i: usize| {
        let kind = match i {
            i if i < FIXED => Kind::Fixed,
            i if i < At::Lanes0 as usize => Kind::Witness,
            _ => Kind::Second,
        };
        let opened = i <= At::Address as usize
            || (At::Lane0 as usize..At::Multiplicity as usize).contains(&i)
            || i == At::Sum as usize;
        ColumnInfo {
            name: NAMES[i].to_lowercase(),
            kind,
            linear: !opened,
            zero_blind: false,
        }
    };
    let (mut gates, mut steps) = (Vec::new(), Vec::new());
    arithmetic(&mut gates);
    for identity in &ADD {
        gates.extend(identity.gates(col(At::Add)));
    }
    for identity in &LOAD {
        gates.extend(identity.gates(col(At::Load)));
    }
    sponge::gates(
        &mut gates,
        &sponge::State::new(col(At::V), col(At::W), col(At::U)),
    );
    for i in 0..instances {
        gates.push(Gate {
            id: format!("instance_{i}"),
            meaning: "a public input",
            poly: (col(At::Instance).cur() * (Poly::scalar(Scalar::Instance(i)) - v(i)))
                .normalized(),
        });
    }
    lookups(&mut gates, &mut steps, 1 << k);
    let program = Program {
        name: String::new(),
        k,
        columns: (0..NAMES.len()).map(info).collect(),
        instances,
        gates,
        fixed: vec![],
        steps,
        public: true,
    };
    program.check();
    program
}
