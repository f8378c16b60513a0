//! What a verifier computes, recorded while it runs: the same code that verifies proofs natively gives a circuit.

use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use halo2curves::group::prime::PrimeCurveAffine;
use nanozk_poseidon::{ELEMENTS, ROUNDS, permutation};
use nanozk_transcript::poseidon::{Duplex, POINT_WORDS, point_words};
use nanozk_transcript::{Element, Malformed, Transcript};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A number that a circuit has: the same in every proof, or a variable.
#[derive(Clone, Copy)]
pub enum Wire<'r> {
    /// The same in every proof.
    Constant(Fr),
    /// A variable.
    Variable {
        /// Who knows its value.
        of: &'r Recorder,
        /// Which.
        number: u32,
    },
}

/// A number or a variable, without who knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A number.
    Constant(Fr),
    /// A variable.
    Variable(u32),
}

/// An equation between variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `result = a·b`.
    Multiply {
        /// The factors.
        factors: [Source; 2],
        /// The product.
        result: Source,
    },
    /// `result = a + b`.
    Add {
        /// The summands.
        summands: [Source; 2],
        /// The sum.
        result: Source,
    },
}

/// A multiple of a point.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// The factor.
    pub factor: Source,
    /// The point.
    pub point: G1Affine,
    /// What determines the point.
    pub words: [Source; POINT_WORDS],
}

/// What was recorded.
#[derive(Debug, Default)]
pub struct Recording {
    /// Values of all variables.
    pub values: Vec<Fr>,
    /// Equations, in the order in which they were met.
    pub steps: Vec<Step>,
    /// Inputs and outputs of permutations.
    pub permutations: Vec<[[Source; ELEMENTS]; 2]>,
    /// Pairs that are equal.
    pub equal: Vec<[Source; 2]>,
    /// Public inputs.
    pub inputs: Vec<Source>,
    /// Terms of both sums.
    pub terms: [Vec<Term>; 2],
    /// Words of both sums.
    pub results: Option<[[Source; POINT_WORDS]; 2]>,
}

impl Recording {
    /// The value of a number or a variable.
    pub fn value(&self, source: &Source) -> Fr {
        match source {
            Source::Constant(value) => *value,
            Source::Variable(number) => self.values[*number as usize],
        }
    }

    /// How often each variable is stated or read.
    pub fn occurrences(&self) -> Vec<u32> {
        let mut counts = vec![0; self.values.len()];
        let mut count = |source: &Source| {
            if let Source::Variable(number) = source {
                counts[*number as usize] += 1;
            }
        };
        for step in &self.steps {
            match step {
                Step::Multiply { factors, result } => {
                    factors.iter().chain([result]).for_each(&mut count);
                }
                Step::Add { summands, result } => {
                    summands.iter().chain([result]).for_each(&mut count);
                }
            }
        }
        let permutations = self.permutations.iter().flatten().flatten();
        permutations.for_each(&mut count);
        self.equal.iter().flatten().for_each(&mut count);
        self.inputs.iter().for_each(&mut count);
        for term in self.terms.iter().flatten() {
            term.words.iter().chain([&term.factor]).for_each(&mut count);
        }
        let results = self.results.iter().flatten().flatten();
        results.for_each(&mut count);
        counts
    }

    /// Values of the public inputs.
    pub fn input_values(&self) -> Vec<Fr> {
        self.inputs
            .iter()
            .map(|source| self.value(source))
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    Multiply,
    Add,
    Subtract,
}

#[derive(Debug, Default)]
struct State {
    recording: Recording,
    /// What was computed before.
    known: HashMap<(Operation, Source, Source), u32>,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Multiply => "·",
            Self::Add => "+",
            Self::Subtract => "−",
        })
    }
}

/// Records what is done to its wires.
#[derive(Default)]
pub struct Recorder(RefCell<State>);

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    /// A variable that nothing determines yet.
    pub fn witness(&self, value: Fr) -> Wire<'_> {
        let values = &mut self.0.borrow_mut().recording.values;
        values.push(value);
        Wire::Variable {
            of: self,
            number: u32::try_from(values.len() - 1).expect("fewer than 2^32 variables"),
        }
    }

    /// States that a wire is the next public input.
    pub fn declare_input(&self, wire: Wire<'_>) {
        self.0.borrow_mut().recording.inputs.push(wire.source());
    }

    /// States that two wires are equal.
    pub fn assert_equal(&self, a: Wire<'_>, b: Wire<'_>) {
        let pair = [a.source(), b.source()];
        self.0.borrow_mut().recording.equal.push(pair);
    }

    /// A point that nothing determines yet.
    pub fn point(&self, value: G1Affine) -> WirePoint<'_> {
        WirePoint {
            value,
            words: point_words(&value).map(|word| self.witness(word)),
        }
    }

    /// The permutation of three wires.
    pub fn permute<'r>(&'r self, input: [Wire<'r>; ELEMENTS]) -> [Wire<'r>; ELEMENTS] {
        let output = permutation(input.map(|wire| wire.value()))[ROUNDS];
        let output = output.map(|value| self.witness(value));
        let pair = [input, output].map(|wires| wires.map(|wire| wire.source()));
        self.0.borrow_mut().recording.permutations.push(pair);
        output
    }

    /// Two sums of multiples of points.
    ///
    /// # Panics
    /// If it is called twice: a node has one multiplication.
    pub fn multiply<'r>(&'r self, terms: [&[(Wire<'r>, WirePoint<'r>)]; 2]) -> [WirePoint<'r>; 2] {
        let results = terms.map(|terms| {
            let terms = terms.iter();
            let products = terms.map(|(factor, point)| point.value * factor.value());
            self.point(products.sum::<G1>().to_affine())
        });
        let recording = &mut self.0.borrow_mut().recording;
        assert!(recording.results.is_none(), "a node has one multiplication");
        recording.terms = terms.map(|terms| {
            let term = |(factor, point): &(Wire<'r>, WirePoint<'r>)| Term {
                factor: factor.source(),
                point: point.value,
                words: point.sources(),
            };
            terms.iter().map(term).collect()
        });
        recording.results = Some(results.map(|point| point.sources()));
        results
    }

    /// What was recorded.
    pub fn finish(self) -> Recording {
        self.0.into_inner().recording
    }

    fn value(&self, number: u32) -> Fr {
        self.0.borrow().recording.values[number as usize]
    }

    fn compute<'r>(&'r self, operation: Operation, a: Wire<'r>, b: Wire<'r>) -> Wire<'r> {
        let (mut x, mut y) = (a.source(), b.source());
        if operation != Operation::Subtract && y < x {
            (x, y) = (y, x);
        }
        if let Some(number) = self.0.borrow().known.get(&(operation, x, y)) {
            return Wire::Variable {
                of: self,
                number: *number,
            };
        }
        let (u, v) = (a.value(), b.value());
        let wire = self.witness(match operation {
            Operation::Multiply => u * v,
            Operation::Add => u + v,
            Operation::Subtract => u - v,
        });
        let result = wire.source();
        let step = match operation {
            Operation::Multiply => Step::Multiply {
                factors: [x, y],
                result,
            },
            Operation::Add => Step::Add {
                summands: [x, y],
                result,
            },
            // result + y = x
            Operation::Subtract => Step::Add {
                summands: [result, y],
                result: x,
            },
        };
        let state = &mut *self.0.borrow_mut();
        state.recording.steps.push(step);
        if let Source::Variable(number) = result {
            state.known.insert((operation, x, y), number);
        }
        wire
    }
}

/// A point of the curve in a circuit.
#[derive(Clone, Copy, Debug)]
pub struct WirePoint<'r> {
    /// The point.
    pub value: G1Affine,
    /// What determines it.
    pub words: [Wire<'r>; POINT_WORDS],
}

impl WirePoint<'_> {
    /// Its words, without who knows them.
    fn sources(&self) -> [Source; POINT_WORDS] {
        self.words.map(|word| word.source())
    }

    /// A point that is the same in every proof.
    pub fn constant(value: G1Affine) -> Self {
        Self {
            value,
            words: point_words(&value).map(Wire::Constant),
        }
    }
}

impl<'r> Wire<'r> {
    /// Its value in this proof.
    pub fn value(&self) -> Fr {
        match self {
            Self::Constant(value) => *value,
            Self::Variable { of, number } => of.value(*number),
        }
    }

    /// What it is, without who knows it.
    pub fn source(&self) -> Source {
        match self {
            Self::Constant(value) => Source::Constant(*value),
            Self::Variable { number, .. } => Source::Variable(*number),
        }
    }

    fn compute(self, operation: Operation, other: Self) -> Self {
        use Operation::{Add, Multiply, Subtract};
        let recorder = match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => {
                return Self::Constant(match operation {
                    Multiply => a * b,
                    Add => a + b,
                    Subtract => a - b,
                });
            }
            (Self::Variable { of, .. }, _) | (_, Self::Variable { of, .. }) => of,
        };
        let is = |wire: Self, value: Fr| matches!(wire, Self::Constant(c) if c == value);
        match operation {
            Multiply if is(self, Fr::ZERO) || is(other, Fr::ZERO) => Self::Constant(Fr::ZERO),
            Multiply if is(self, Fr::ONE) => other,
            Multiply if is(other, Fr::ONE) => self,
            Add if is(self, Fr::ZERO) => other,
            Add | Subtract if is(other, Fr::ZERO) => self,
            Subtract if self == other => Self::Constant(Fr::ZERO),
            _ => recorder.compute(operation, self, other),
        }
    }
}

impl fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source().fmt(f)
    }
}

impl PartialEq for Wire<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Wire<'_> {}

impl Ord for Wire<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.source().cmp(&other.source())
    }
}

impl PartialOrd for Wire<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Operators by value and by reference.
macro_rules! operators {
    ($($trait:ident $method:ident $assign:ident $assign_method:ident $operation:ident),*) => {$(
        impl<'r> $trait for Wire<'r> {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                self.compute(Operation::$operation, other)
            }
        }

        impl<'r> $trait<&Wire<'r>> for Wire<'r> {
            type Output = Self;

            fn $method(self, other: &Self) -> Self {
                self.compute(Operation::$operation, *other)
            }
        }

        impl $assign for Wire<'_> {
            fn $assign_method(&mut self, other: Self) {
                *self = self.compute(Operation::$operation, other);
            }
        }

        impl<'r> $assign<&Wire<'r>> for Wire<'r> {
            fn $assign_method(&mut self, other: &Self) {
                *self = self.compute(Operation::$operation, *other);
            }
        }
    )*};
}
operators!(
    Add add AddAssign add_assign Add,
    Sub sub SubAssign sub_assign Subtract,
    Mul mul MulAssign mul_assign Multiply
);

impl Neg for Wire<'_> {
    type Output = Self;

    fn neg(self) -> Self {
        Self::Constant(Fr::ZERO) - self
    }
}

impl Sum for Wire<'_> {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::Constant(Fr::ZERO), |sum, wire| sum + wire)
    }
}

impl<'a, 'r> Sum<&'a Wire<'r>> for Wire<'r> {
    fn sum<I: Iterator<Item = &'a Self>>(all: I) -> Self {
        all.copied().sum()
    }
}

impl Product for Wire<'_> {
    fn product<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::Constant(Fr::ONE), |product, wire| product * wire)
    }
}

impl<'a, 'r> Product<&'a Wire<'r>> for Wire<'r> {
    fn product<I: Iterator<Item = &'a Self>>(all: I) -> Self {
        all.copied().product()
    }
}

impl Element for Wire<'_> {
    fn constant(value: Fr) -> Self {
        Self::Constant(value)
    }

    /// States that there is an inverse: its product with the wire is one.
    fn invert(self) -> Option<Self> {
        match self {
            Self::Constant(value) => Option::<Fr>::from(Field::invert(&value)).map(Self::Constant),
            Self::Variable { of, .. } => {
                let inverse = Option::<Fr>::from(Field::invert(&self.value()))?;
                let inverse = of.witness(inverse);
                of.assert_equal(self * inverse, Self::Constant(Fr::ONE));
                Some(inverse)
            }
        }
    }
}

/// [`nanozk_transcript::RecursionTranscript`] of wires.
#[derive(Debug)]
pub struct WireTranscript<'r> {
    recorder: &'r Recorder,
    sponge: Duplex<Wire<'r>>,
}

impl<'r> WireTranscript<'r> {
    /// A transcript that has absorbed nothing.
    pub fn new(recorder: &'r Recorder) -> Self {
        Self {
            recorder,
            sponge: Duplex::new(),
        }
    }
}

impl<'r> Transcript<Wire<'r>, WirePoint<'r>> for WireTranscript<'r> {
    fn absorb_scalar(&mut self, scalar: &Wire<'r>) {
        self.sponge.absorb(&[*scalar]);
    }

    fn absorb_point(&mut self, point: &WirePoint<'r>) -> Result<(), Malformed> {
        if point.value.is_identity().into() {
            return Err(Malformed::Infinity);
        }
        self.sponge.absorb(&point.words);
        Ok(())
    }

    fn squeeze(&mut self) -> Wire<'r> {
        self.sponge.squeeze(|state| self.recorder.permute(state))
    }
}
