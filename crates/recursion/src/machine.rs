//! The program of all nodes: equations between wires, hashes, a multi-scalar multiplication, and nothing that depends on
//! what a node verifies. That is in its key: which wires are equal, and constants.
//!
//! | part | wires | states |
//! |---|---|---|
//! | equations | `a, b, c, d` of each row | `a·b + d = c` |
//! | constants | one each | it is the key's |
//! | inputs | one each | it is the public input |
//! | hashes | three inputs and three outputs of each | Poseidon's permutation |
//! | multiplication | a scalar and three words of each term, three words of both sums | the sums, modulo the group's order |

use crate::base_field::LimbAxes;
use crate::hash::Permutations;
use crate::multiplication::{Multiplication, Size as MultiplicationSize};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{
    AxisId, Layout, LayoutError, Program, Public, Registry, Role, Slot, Tensor, TensorId,
};
use nanozk_transcript::poseidon::POINT_WORDS;

/// How much a node can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Equations, a power of two.
    pub rows: usize,
    /// Constants.
    pub constants: usize,
    /// Public inputs.
    pub inputs: usize,
    /// Permutations.
    pub permutations: usize,
    /// The multiplication.
    pub multiplication: MultiplicationSize,
}

/// The program of all nodes of a size.
#[derive(Debug)]
pub struct Machine {
    /// The program.
    pub program: Program,
    pub(crate) size: Size,
    /// `a, b, c, d`.
    pub(crate) rows: [TensorId; 4],
    pub(crate) constants: TensorId,
    pub(crate) fixed: TensorId,
    pub(crate) inputs: TensorId,
    pub(crate) hashes: Permutations,
    pub(crate) multiplication: Multiplication,
    pub(crate) wires: MultiplicationWires,
}

struct Nowhere;

impl Registry for Nowhere {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

impl Machine {
    /// Declares the program.
    pub fn new(size: Size) -> Self {
        let p = &mut Program::new();
        let row = p.new_axis("row", size.rows);
        let rows = ["a", "b", "c", "d"].map(|name| p.new_tensor(name, &[row], Role::Wire));
        let [a, b, c, d] = rows.map(|id| p.use_of(id));
        p.zero("a·b + d = c", &[row], a * b + d - c);

        let constant = p.new_axis("constant", size.constants);
        let constants = p.new_tensor("constant", &[constant], Role::Wire);
        let fixed = p.new_tensor("constant of the key", &[constant], Role::Fixed);
        let [constant_, fixed_] = [constants, fixed].map(|id| p.use_of(id));
        p.zero("constants are the key's", &[constant], constant_ - fixed_);

        let input = p.new_axis("input", size.inputs);
        let inputs = p.new_tensor("input wire", &[input], Role::Wire);
        let given = Role::Public(Public::Inputs(0));
        let given = p.new_tensor("public input", &[input], given);
        let [input_, given] = [inputs, given].map(|id| p.use_of(id));
        p.zero("inputs are public", &[input], input_ - given);

        let hashes = Permutations::new(p, size.permutations);
        let axes = LimbAxes::new(p);
        let multiplication = Multiplication::new(p, axes, size.multiplication);
        let wires = multiplication.wires(p);
        let program = std::mem::take(p);
        Self {
            program,
            size,
            rows,
            constants,
            fixed,
            inputs,
            hashes,
            multiplication,
            wires,
        }
    }

    /// How much it can verify.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Places it in columns of `2^k` cells.
    pub fn layout(&self, k: u32, fractions: usize) -> Result<Layout, LayoutError> {
        Layout::new(&self.program, k, fractions, &Nowhere)
    }
}

/// The wires of a multiplication.
#[derive(Clone, Copy, Debug)]
pub struct MultiplicationWires {
    /// A scalar for each term.
    pub scalars: TensorId,
    /// Words of points: an axis for the word, one for the term.
    pub words: TensorId,
    /// Words of both sums.
    pub results: TensorId,
}

impl Multiplication {
    /// Ties scalars, points and sums to wires.
    pub fn wires(&self, p: &mut Program) -> MultiplicationWires {
        let word = p.new_tiled_axis("word", POINT_WORDS, 0);
        let wires = |p: &mut Program, name: &str, axis: AxisId| {
            p.new_tensor(name, &[word, axis], Role::Wire)
        };
        let (term, sum) = (self.term, self.sum);
        let scalars = p.new_tensor("scalar", &[term], Role::Wire);
        let scalar = p.use_of(scalars);
        let digits = self.scalar(p);
        p.zero("scalars have digits", &[term], scalar - digits);
        let words = wires(p, "word of a point", term);
        let results = wires(p, "word of a sum", sum);
        for (what, tensor, axis, points) in [
            ("point", words, term, &self.points),
            ("sum", results, sum, self.results()),
        ] {
            for (i, expression) in points.words(p).into_iter().enumerate() {
                let slots = [Slot::Index(i), Slot::Axis(axis)];
                let view = p.new_view(&format!("{what}: word {i}"), tensor, Fr::ONE, &slots);
                let own = p.use_of(view);
                p.zero(&format!("{what} has word {i}"), &[axis], own - expression);
            }
        }
        MultiplicationWires {
            scalars,
            words,
            results,
        }
    }
}
