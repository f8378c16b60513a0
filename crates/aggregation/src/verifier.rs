//! The verifier of proofs, as operations of the machine: all but the pairing, and the multiples of commitments, which are
//! gathered over all proofs and computed at once.

use crate::curve::{Factor, Point, Table};
use crate::machine::{Machine, Value};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Column, Scalar, Term};
use nanozk_verifier::encoding::point_to_words;
use nanozk_verifier::key::Slot;
use nanozk_verifier::transcript::poseidon::domain;
use nanozk_verifier::{Proof, VerifyingKey};
use std::collections::{BTreeMap, HashMap};

/// A point of a proof: an index into those that were loaded.
pub type PointId = usize;

/// A point, the scalars by which it is absorbed, and the terms of its factors in both sums.
struct Loaded {
    point: Point,
    scalars: [Value; 3],
    left: Vec<Value>,
    right: Vec<Value>,
}

/// Proofs under verification.
pub struct Verifier {
    /// The machine.
    pub machine: Machine,
    points: Vec<Loaded>,
    /// Points of keys, with the terms of their factors.
    constants: BTreeMap<[[u8; 32]; 2], (G1Affine, Vec<Value>)>,
}

/// A proof that was read.
pub struct Read<'a> {
    key: &'a VerifyingKey,
    first: Vec<PointId>,
    second: Vec<PointId>,
    quotient: [PointId; 2],
    opening: [PointId; 2],
    evals: Vec<Value>,
    instances: Vec<Value>,
    challenges: [Value; 4],
    y: Value,
    x: Value,
    v: Value,
    z: Value,
}

/// A coefficient, or what it is a multiple of.
#[derive(Clone, Copy)]
enum Symbol {
    Constant(Fr),
    Value(Value),
}

/// Coefficients of a proof's gates; equal ones are computed once.
struct Scalars<'a> {
    challenges: &'a [Value; 4],
    instances: &'a [Value],
    known: HashMap<Vec<u8>, Symbol>,
    powers: HashMap<(u32, u64), Value>,
}

impl Scalars<'_> {
    fn eval(&mut self, machine: &mut Machine, scalar: &Scalar) -> Symbol {
        let mut key = Vec::new();
        scalar.write(&mut key);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let symbol = match scalar {
            Scalar::Const(c) => Symbol::Constant(*c),
            Scalar::Challenge(c) => Symbol::Value(self.challenges[*c as usize]),
            Scalar::Instance(i) => Symbol::Value(self.instances[*i]),
            Scalar::Pow(s, e) => match self.eval(machine, s) {
                Symbol::Constant(c) => Symbol::Constant(c.pow_vartime([*e])),
                Symbol::Value(_) if *e == 0 => Symbol::Constant(Fr::ONE),
                Symbol::Value(base) => Symbol::Value(self.power(machine, base, *e)),
            },
            Scalar::Geometric(s, n) => match self.eval(machine, s) {
                Symbol::Constant(c) => Symbol::Constant(nanozk_circuits::ir::geometric(c, *n)),
                Symbol::Value(base) => self.geometric(machine, base, *n),
            },
            Scalar::Sum(a, b) => {
                let (a, b) = (self.eval(machine, a), self.eval(machine, b));
                match (a, b) {
                    (Symbol::Constant(a), Symbol::Constant(b)) => Symbol::Constant(a + b),
                    (Symbol::Constant(c), Symbol::Value(v))
                    | (Symbol::Value(v), Symbol::Constant(c)) => {
                        Symbol::Value(machine.affine(v, Fr::ONE, c))
                    }
                    (Symbol::Value(a), Symbol::Value(b)) => Symbol::Value(machine.add(a, b)),
                }
            }
            Scalar::Product(a, b) => {
                let (a, b) = (self.eval(machine, a), self.eval(machine, b));
                match (a, b) {
                    (Symbol::Constant(a), Symbol::Constant(b)) => Symbol::Constant(a * b),
                    (Symbol::Constant(c), Symbol::Value(v))
                    | (Symbol::Value(v), Symbol::Constant(c)) => {
                        Symbol::Value(machine.affine(v, c, Fr::ZERO))
                    }
                    (Symbol::Value(a), Symbol::Value(b)) => Symbol::Value(machine.mul(a, b)),
                }
            }
        };
        self.known.insert(key, symbol);
        symbol
    }

    fn power(&mut self, machine: &mut Machine, base: Value, e: u64) -> Value {
        if e == 1 {
            return base;
        }
        if let Some(known) = self.powers.get(&(base.row, e)) {
            return *known;
        }
        let power = if e.is_multiple_of(2) {
            let half = self.power(machine, base, e / 2);
            machine.mul(half, half)
        } else {
            let less = self.power(machine, base, e - 1);
            machine.mul(less, base)
        };
        self.powers.insert((base.row, e), power);
        power
    }

    /// `1 + s + … + s^(n-1)`: that of `2m` terms is that of `m` terms times `1 + s^m`.
    fn geometric(&mut self, machine: &mut Machine, s: Value, n: u64) -> Symbol {
        let sum = match n {
            0 => return Symbol::Constant(Fr::ZERO),
            1 => return Symbol::Constant(Fr::ONE),
            _ if n % 2 == 1 => match self.geometric(machine, s, n - 1) {
                Symbol::Constant(c) => machine.affine(s, c, Fr::ONE),
                Symbol::Value(less) => machine
                    .start()
                    .load(s)
                    .times(less)
                    .scale(Fr::ONE, Fr::ONE)
                    .end(),
            },
            _ => {
                let power = self.power(machine, s, n / 2);
                match self.geometric(machine, s, n / 2) {
                    Symbol::Constant(c) => machine.affine(power, c, c),
                    Symbol::Value(half) => machine
                        .start()
                        .term(power, Fr::ONE, Fr::ONE)
                        .times(half)
                        .end(),
                }
            }
        };
        Symbol::Value(sum)
    }
}

/// `constant + Σ factor·value`.
fn combination(machine: &mut Machine, constant: Fr, terms: &[(Fr, Value)]) -> Value {
    let mut terms = terms.iter();
    let mut chain = match terms.next() {
        None => return machine.constant(constant),
        Some((factor, value)) => machine.start().term(*value, *factor, constant),
    };
    for (factor, value) in terms {
        chain = chain.plus(*value, *factor);
    }
    chain.end()
}

/// The sum.
fn total(machine: &mut Machine, terms: &[Value]) -> Value {
    let terms: Vec<_> = terms.iter().map(|t| (Fr::ONE, *t)).collect();
    combination(machine, Fr::ZERO, &terms)
}

/// What `L` is: see `nanozk_verifier::linearize`.
struct Linearization {
    columns: Vec<(Column, Value)>,
    known: Value,
}

fn linearize(machine: &mut Machine, read: &Read<'_>) -> Linearization {
    let (program, layout) = (read.key.program(), read.key.layout());
    let mut scalars = Scalars {
        challenges: &read.challenges,
        instances: &read.instances,
        known: HashMap::new(),
        powers: HashMap::new(),
    };
    // Of each column, its terms by gate.
    let mut columns: BTreeMap<Option<Column>, BTreeMap<u64, Vec<&Term>>> = BTreeMap::new();
    for (g, gate) in program.gates.iter().enumerate() {
        for term in &gate.poly.0 {
            let linear = term.cells.iter().find(|c| program.info(c.column).linear);
            columns
                .entry(linear.map(|c| c.column))
                .or_default()
                .entry(g as u64)
                .or_default()
                .push(term);
        }
    }
    let mut products: HashMap<Vec<usize>, Value> = HashMap::new();
    let mut sums = Vec::new();
    for (column, gates) in columns {
        let mut parts: Vec<(u64, Value)> = Vec::new();
        for (g, terms) in gates {
            let mut constant = Fr::ZERO;
            let mut linear = Vec::new();
            for term in terms {
                let cells: Vec<usize> = term
                    .cells
                    .iter()
                    .filter(|c| !program.info(c.column).linear)
                    .map(|c| layout.position(c))
                    .collect();
                let product = match cells.as_slice() {
                    [] => None,
                    [one] => Some(read.evals[*one]),
                    [first, rest @ ..] => Some(match products.get(&cells) {
                        Some(known) => *known,
                        None => {
                            let mut chain = machine.start().load(read.evals[*first]);
                            for other in rest {
                                chain = chain.times(read.evals[*other]);
                            }
                            let product = chain.end();
                            products.insert(cells.clone(), product);
                            product
                        }
                    }),
                };
                match (scalars.eval(machine, &term.coeff), product) {
                    (Symbol::Constant(c), None) => constant += c,
                    (Symbol::Constant(c), Some(p)) => linear.push((c, p)),
                    (Symbol::Value(v), None) => linear.push((Fr::ONE, v)),
                    (Symbol::Value(v), Some(p)) => linear.push((Fr::ONE, machine.mul(v, p))),
                }
            }
            parts.push((g, combination(machine, constant, &linear)));
        }
        // Horner's rule in y, from the last gate on.
        let mut exponents: Vec<Option<Value>> = Vec::new();
        for (i, (g, _)) in parts.iter().enumerate() {
            let before = if i == 0 { 0 } else { parts[i - 1].0 };
            exponents.push((g - before > 0).then(|| scalars.power(machine, read.y, g - before)));
        }
        let mut chain = machine.start();
        for (i, (_, part)) in parts.iter().enumerate().rev() {
            chain = if i + 1 == parts.len() {
                chain.load(*part)
            } else {
                chain.plus(*part, Fr::ONE)
            };
            if let Some(power) = exponents[i] {
                chain = chain.times(power);
            }
        }
        sums.push((column, chain.end()));
    }
    let known = sums.iter().find(|(c, _)| c.is_none()).map(|(_, v)| *v);
    let known = known.unwrap_or_else(|| machine.constant(Fr::ZERO));
    Linearization {
        columns: sums
            .into_iter()
            .filter_map(|(c, v)| c.map(|c| (c, v)))
            .collect(),
        known,
    }
}

impl Verifier {
    /// Nothing read yet.
    pub fn new(machine: Machine) -> Self {
        Verifier {
            machine,
            points: vec![],
            constants: BTreeMap::new(),
        }
    }

    /// A point that the witness has.
    pub fn load(&mut self, point: G1Affine) -> PointId {
        let point = self.machine.load_point(point);
        let scalars = self.machine.point_scalars(&point);
        self.points.push(Loaded {
            point,
            scalars,
            left: vec![],
            right: vec![],
        });
        self.points.len() - 1
    }

    /// The scalars by which a point is absorbed.
    pub fn scalars(&self, id: PointId) -> [Value; 3] {
        self.points[id].scalars
    }

    /// Adds multiples of a point to both sums.
    pub fn add(&mut self, id: PointId, left: Option<Value>, right: Option<Value>) {
        self.points[id].left.extend(left);
        self.points[id].right.extend(right);
    }

    fn add_constant(&mut self, point: G1Affine, factor: Value) {
        self.constants
            .entry(point_to_words(&point))
            .or_insert_with(|| (point, vec![]))
            .1
            .push(factor);
    }

    /// Reads a proof and draws its challenges. `known` are first-phase commitments that were loaded already.
    pub fn read<'a>(
        &mut self,
        key: &'a VerifyingKey,
        proof: Option<&Proof>,
        instances: Vec<Value>,
        known: &HashMap<Column, PointId>,
    ) -> Read<'a> {
        let layout = key.layout();
        let point = |list: fn(&Proof) -> &[G1Affine], i: usize| match proof {
            Some(proof) => list(proof)[i],
            None => G1Affine::generator(),
        };
        let first: Vec<PointId> = layout
            .first
            .iter()
            .enumerate()
            .map(|(i, column)| match known.get(column) {
                Some(id) => *id,
                None => self.load(point(|p| &p.first, i)),
            })
            .collect();
        let second: Vec<PointId> = (0..layout.second.len())
            .map(|i| self.load(point(|p| &p.second, i)))
            .collect();
        let quotient = [0, 1].map(|i| self.load(point(|p| &p.quotient, i)));
        let opening = [0, 1].map(|i| self.load(point(|p| &p.opening, i)));
        let evals: Vec<Value> = (0..layout.openings.len())
            .map(|i| self.machine.free(proof.map_or(Fr::ZERO, |p| p.evals[i])))
            .collect();

        let absorbed = |ids: &[PointId]| -> Vec<Value> {
            ids.iter().flat_map(|id| self.points[*id].scalars).collect()
        };
        let (a, b, c, d) = (
            absorbed(&first),
            absorbed(&second),
            absorbed(&quotient),
            absorbed(&opening[..1]),
        );
        let mut start = vec![
            self.machine.constant(domain()),
            self.machine.constant(key.digest_scalar()),
        ];
        start.extend(&instances);
        start.extend(a);
        let parts = [start, vec![], vec![], vec![], b, c, evals.clone(), d];
        let squeezed = self.machine.sponge(&parts);
        Read {
            key,
            first,
            second,
            quotient,
            opening,
            evals,
            instances,
            challenges: squeezed[..4].try_into().expect("four"),
            y: squeezed[4],
            x: squeezed[5],
            v: squeezed[6],
            z: squeezed[7],
        }
    }

    /// What determines a proof, for the factors by which proofs are added up.
    pub fn determining(&self, read: &Read<'_>) -> Vec<Value> {
        let mut out = vec![read.z];
        out.extend(self.points[read.opening[1]].scalars);
        out
    }

    /// The point of a first-phase column.
    pub fn first(&self, read: &Read<'_>, column: Column) -> PointId {
        match read.key.layout().slots[column.0 as usize] {
            Slot::First(i) => read.first[i],
            _ => unreachable!("a column of the first phase"),
        }
    }

    /// Adds the proof, times `factor`, to both sums.
    pub fn accumulate(&mut self, read: &Read<'_>, factor: Value) {
        let layout = read.key.layout();
        let linear = linearize(&mut self.machine, read);
        let m = &mut self.machine;

        // 1 / (z - x·ω^rotation), and 1 / x.
        let mut inverses: BTreeMap<i32, Value> = BTreeMap::new();
        let rotations = layout.openings.iter().map(|c| c.rotation).chain([0]);
        for rotation in rotations {
            inverses.entry(rotation).or_insert_with(|| {
                let root = layout.rotate(Fr::ONE, rotation);
                let distance = m.start().load(read.z).plus(read.x, -root).end();
                m.invert(distance)
            });
        }
        let inverse_x = m.invert(read.x);

        let mut power = factor;
        let mut weights = Vec::new();
        let mut constants = Vec::new();
        for (column, range) in &layout.opened {
            let own: Vec<i32> = layout.openings[range.clone()]
                .iter()
                .map(|c| c.rotation)
                .collect();
            let barycentric = layout.barycentric(range.clone());
            let terms: Vec<(Fr, Value)> = barycentric
                .into_iter()
                .zip(own.iter().zip(range.clone()))
                .map(|(weight, (rotation, eval))| {
                    (weight, m.mul(read.evals[eval], inverses[rotation]))
                })
                .collect();
            let sum = combination(m, Fr::ZERO, &terms);
            let mut chain = m.start().load(sum).times(power);
            for _ in 1..own.len() {
                chain = chain.times(inverse_x);
            }
            constants.push((Fr::ONE, chain.end()));
            let mut chain = m.start().load(power);
            for rotation in &own {
                chain = chain.times(inverses[rotation]);
            }
            weights.push((*column, chain.end()));
            power = m.mul(power, read.v);
        }

        let last = m.mul(power, inverses[&0]);
        constants.push((-Fr::ONE, m.mul(last, linear.known)));
        let constant = combination(m, Fr::ZERO, &constants);
        let constant = m.affine(constant, -Fr::ONE, Fr::ZERO);

        let mut domain = read.x;
        for _ in 0..read.key.program().k {
            domain = m.mul(domain, domain);
        }
        let vanishing = m.affine(domain, -Fr::ONE, Fr::ONE);
        let low = m.mul(last, vanishing);
        let high = m
            .start()
            .load(low)
            .times(domain)
            .times(inverse_x)
            .times(inverse_x)
            .end();
        let minus = m.affine(factor, -Fr::ONE, Fr::ZERO);
        let opening = m.mul(factor, read.z);
        let linear: Vec<(Column, Value)> = linear
            .columns
            .into_iter()
            .map(|(column, sum)| (column, m.mul(last, sum)))
            .collect();

        for (column, weight) in weights.into_iter().chain(linear) {
            match layout.slots[column.0 as usize] {
                Slot::Fixed(i) => self.add_constant(read.key.fixed_commitments()[i], weight),
                Slot::First(i) => self.add(read.first[i], Some(weight), None),
                Slot::Second(i) => self.add(read.second[i], Some(weight), None),
            }
        }
        self.add(read.quotient[0], Some(low), None);
        self.add(read.quotient[1], Some(high), None);
        self.add_constant(G1Affine::generator(), constant);
        self.add(read.opening[0], Some(minus), None);
        self.add(read.opening[1], Some(opening), Some(factor));
    }

    /// Both sums; `hash` determines the random point that they need.
    pub fn sums(&mut self, hash: Value) -> [Point; 2] {
        let m = &mut self.machine;
        let helper = m.helper();
        let start = m.random_point(hash);
        let opposite = m.opposite(&start);
        let factor = m.constant(Machine::start_factor());
        let start_table = m.multiples(&start, (&helper[0], &helper[1].reference()));
        let start_factor = m.factor(factor);

        let mut tables: Vec<Table> = Vec::new();
        let mut sides: [Vec<(usize, Factor)>; 2] = [vec![], vec![]];
        let constants = std::mem::take(&mut self.constants);
        for (point, terms) in constants.into_values() {
            let m = &mut self.machine;
            tables.push(m.constant_multiples(point));
            let sum = total(m, &terms);
            sides[0].push((tables.len() - 1, m.factor(sum)));
        }
        for loaded in &self.points {
            let m = &mut self.machine;
            if loaded.left.is_empty() && loaded.right.is_empty() {
                continue;
            }
            tables.push(m.multiples(&loaded.point, (&start, &opposite)));
            for (side, terms) in sides.iter_mut().zip([&loaded.left, &loaded.right]) {
                if terms.is_empty() {
                    continue;
                }
                let sum = total(m, terms);
                side.push((tables.len() - 1, m.factor(sum)));
            }
        }
        sides.map(|side| {
            let mut terms: Vec<(&Table, &Factor)> =
                side.iter().map(|(t, f)| (&tables[*t], f)).collect();
            terms.push((&start_table, &start_factor));
            self.machine.sum(&start, &terms, &helper)
        })
    }
}
