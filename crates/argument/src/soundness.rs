//! How likely chance alone makes a false statement pass.
//!
//! Whoever can prove anything at all has committed to polynomials and said numbers before the challenges that these must not
//! depend on (in the algebraic group model, see `docs/opening.md`). A false claim then stays false unless a challenge is a root
//! of a polynomial that is not zero, which Schwartz and Zippel bound by its degree over the order of the field. Each [`Part`] is
//! such a bound for one message of the protocol, and one of them has to happen: the sum is a bound for one attempt. Challenges
//! are hashes, so whoever computes `2^q` of them gains `q` bits.
//!
//! Everything is computed from the levels that the verifier itself builds. Their structure is the same for all challenges that
//! do not coincide, so any will do.

use crate::claims::Context;
use crate::lookup;
use crate::verify::{Randomness, check_masks, degrees, next_level, split_claims};
use crate::{Error, is_first, mask};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{Layout, Program};
use nanozk_kzg::opening;
use std::fmt;

/// A step of the protocol at which chance could help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `α` makes a denominator zero.
    Denominators,
    /// `α` and `τ` make fractions cancel.
    Fractions,
    /// `ρ`.
    HelperRows,
    /// `μ`.
    HelperGroups,
    /// The point of the free axes.
    Identities,
    /// `λ`.
    Combination,
    /// `β`.
    Batching,
    /// The variables of a level's sumcheck.
    Rounds {
        /// The level, from zero on.
        level: usize,
    },
    /// `λ_i`.
    Level {
        /// The level whose claims are combined, from one on.
        level: usize,
    },
    /// `γ`.
    Claims,
    /// The variables of the sumcheck of columns.
    Columns,
    /// The challenges of the opening.
    Opening,
}

impl Step {
    /// Why the numerator is what it is.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Denominators => "a denominator of each row of each lane and table has one root",
            Self::Fractions => "twice the fractions, less one: the degree of their sum's numerator",
            Self::HelperRows => "variables of a row: the equation's extension is multilinear",
            Self::HelperGroups => "groups, less one",
            Self::Identities => {
                "variables of an identity's free axes: its extension is multilinear"
            }
            Self::Combination => "identities, less one",
            Self::Batching => "two claims: identities, and the helpers' equation",
            Self::Rounds { .. } => "degrees of all rounds",
            Self::Level { .. } => "claims about virtual tensors, less one",
            Self::Claims => "claims about columns, less one",
            Self::Columns => "rounds of degree two",
            Self::Opening => "4·D + 2·b + 10 for D powers of the setup's secret and rows of b",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denominators => write!(f, "lookups: denominators"),
            Self::Fractions => write!(f, "lookups: fractions"),
            Self::HelperRows => write!(f, "helpers' equation: rows"),
            Self::HelperGroups => write!(f, "helpers' equation: groups"),
            Self::Identities => write!(f, "identities at a point"),
            Self::Combination => write!(f, "combination of identities"),
            Self::Batching => write!(f, "identities and helpers' equation"),
            Self::Rounds { level } => write!(f, "rounds of level {level}"),
            Self::Level { level } => write!(f, "claims of level {level}"),
            Self::Claims => write!(f, "claims about columns"),
            Self::Columns => write!(f, "sumcheck of columns"),
            Self::Opening => write!(f, "opening"),
        }
    }
}

/// `−log2(numerator/r)`, less what the reduction of hashes may favour a residue.
///
/// A challenge is a hash of 256 bits modulo `r`, and `5·r < 2^256 < 6·r`: no residue has more than 6 of `2^256` hashes.
fn bits(numerator: u128) -> f64 {
    256.0 - 6_f64.log2() - (numerator as f64).log2()
}

/// A bound for one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The step.
    pub step: Step,
    /// The degree, which is to be divided by the order of the field.
    pub numerator: u128,
}

impl Part {
    /// The bound as bits; infinite if the step cannot fail.
    pub fn bits(&self) -> f64 {
        bits(self.numerator)
    }
}

/// Bounds for all steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soundness {
    /// In the order of the protocol.
    pub parts: Vec<Part>,
}

impl Soundness {
    /// The sum of all numerators.
    pub fn numerator(&self) -> u128 {
        self.parts.iter().map(|part| part.numerator).sum()
    }

    /// A false statement passes with a probability of at most `2^-bits`, for each attempt.
    pub fn bits(&self) -> f64 {
        bits(self.numerator())
    }

    /// The numerator of a step.
    pub fn of(&self, step: Step) -> Option<u128> {
        let part = self.parts.iter().find(|part| part.step == step);
        part.map(|part| part.numerator)
    }
}

/// What a level consists of.
struct LevelOutline {
    /// Of each round.
    degrees: Vec<usize>,
    /// Claims that are combined to the next level.
    open: usize,
}

/// The elements of a program's proofs.
pub(crate) struct Outline {
    levels: Vec<LevelOutline>,
    /// Claims that the levels leave.
    claims: usize,
    /// Points and scalars before the opening.
    pub(crate) points: usize,
    pub(crate) scalars: usize,
    /// Random cells that its messages take.
    cells: mask::Cells,
    /// Whether a vector is said that has no variable to mask it by.
    has_bare: bool,
}

impl Outline {
    /// Follows the verifier with challenges of which no two are equal, and zeros as what is said.
    pub(crate) fn new(program: &Program, layout: &Layout) -> Self {
        let context = Context {
            program,
            inputs: &[],
        };
        let mut last = Fr::ONE;
        let mut draw = |count: usize| -> Vec<Fr> {
            (0..count)
                .map(|_| {
                    last += Fr::ONE;
                    last
                })
                .collect()
        };
        let k = layout.k() as usize;
        let mut level = Randomness::draw(program, &mut draw).level(&context);
        let mut with_lookups = !layout.groups.is_empty();
        let mut cells = mask::Cells::default();
        let mut levels = Vec::new();
        // Values of both hiding columns, and the rounds of the sumcheck of columns.
        let (mut claims, mut scalars) = (0, layout.hiding.len() + 2 * k);
        let mut has_bare = false;
        loop {
            let degrees = degrees(&context, layout, &level, with_lookups);
            mask::RoundMask::new(&mut cells, degrees.clone());
            let point = draw(degrees.len());
            let vectors: Vec<_> = level
                .vectors
                .iter()
                .filter(|vector| !context.is_public(vector))
                .collect();
            has_bare |= vectors
                .iter()
                .any(|vector| context.variables(&vector.summed) == 0);
            let said = vectors
                .iter()
                .map(|vector| context.vector_claim(vector, &point, Fr::ZERO, cells.take(1)))
                .collect();
            // That of the linear terms comes first.
            scalars += 1 + degrees.iter().sum::<usize>() + vectors.len();
            claims += 1;
            match with_lookups {
                true => {
                    scalars += lookup::sent_columns(layout).len();
                    cells.take(lookup::masked_columns(layout));
                }
                // What products leave; with lookups it is a claim of theirs.
                false => claims += 1,
            }
            let (open, closed) = split_claims(&context, said);
            claims += closed.len();
            levels.push(LevelOutline {
                degrees,
                open: open.len(),
            });
            let Some(challenge) = draw(usize::from(!open.is_empty())).first().copied() else {
                break;
            };
            (level, _) = next_level(&context, &open, challenge);
            with_lookups = false;
        }
        let committed = layout.columns().iter().filter(|c| is_first(c.kind));
        Self {
            levels,
            claims,
            points: committed.count() + layout.groups.len(),
            scalars,
            cells,
            has_bare,
        }
    }
}

/// Whether proofs of a program can hide all that they say; before one is made, because that takes long.
pub fn check_hiding(program: &Program, layout: &Layout) -> Result<(), Error> {
    let outline = Outline::new(program, layout);
    match outline.has_bare {
        true => Err(Error::Unhidden),
        false => check_masks(&outline.cells, layout),
    }
}

/// Bounds for proofs of a program.
pub fn soundness(program: &Program, layout: &Layout) -> Soundness {
    let outline = Outline::new(program, layout);
    let k = layout.k();
    let rows = 1_u128 << k;
    let has_lookups = !layout.groups.is_empty();
    let mut parts = Vec::new();
    let mut add = |step: Step, numerator: u128| parts.push(Part { step, numerator });
    let one_less = |count: usize| count.saturating_sub(1) as u128;

    if has_lookups {
        // `d = α + limb + τ·value + τ²·tag`, of all rows: where one is zero, nothing need be true of the helper, even if the row
        // does not count.
        let (lanes, tables) = (layout.lanes.len() as u128, layout.table_lanes.len() as u128);
        let wires = 2 * layout.copies.len() as u128;
        add(Step::Denominators, (lanes + tables + wires) * rows);
        // A tuple of a lane that no table has is a pole which nothing cancels, since there are less than r cells. So the sum of all
        // fractions is a rational function of α and τ which is not zero; its numerator is a sum of products of all denominators
        // but one, each of degree two. Multiplicities are the prover's in all rows of a table's column, numerators of lanes are
        // zero where nothing is looked up.
        let counting: usize = layout.lanes.iter().map(|lane| lane.rows()).sum();
        // A wire's own tuple has a number that no other one's has, and no table its tag.
        let wires: usize = layout.copies.iter().map(|lane| 2 * lane.rows).sum();
        let fractions = (counting + wires) as u128 + tables * rows;
        add(Step::Fractions, 2 * fractions.saturating_sub(1));
        // `Σ_x equal(ρ, x)·equation(x)` is multilinear in ρ, whatever the equation's degree: masks are zero on the cube.
        add(Step::HelperRows, u128::from(k));
        add(Step::HelperGroups, one_less(layout.groups.len()));
    }
    // What the verifier lowers an identity to is `Σ_x equal(point, x)·identity(x)` over the cube of its free axes, computed so
    // that an axis which only one factor has needs no sum. So is a virtual tensor at a point: both are multilinear in the point,
    // whatever the degree of the expression.
    let identities = program.identities();
    let variables = identities
        .iter()
        .map(|identity| {
            let bits = |axis: &nanozk_circuit::AxisId| u128::from(program.axis(*axis).bits());
            identity.free.iter().map(bits).sum()
        })
        .max();
    add(Step::Identities, variables.unwrap_or(0));
    add(Step::Combination, one_less(identities.len()));
    for (number, level) in outline.levels.iter().enumerate() {
        if number == 0 && has_lookups {
            // Of two sums of which one is wrong, `first + β·second` is right for one β.
            add(Step::Batching, 1);
        }
        // The polynomial that is said and the true one differ, and agree at as many points as their degree, in each round.
        let degrees = level.degrees.iter().map(|degree| *degree as u128).sum();
        add(Step::Rounds { level: number }, degrees);
        let open = level.open;
        if open > 0 {
            let level = number + 1;
            add(Step::Level { level }, one_less(open));
        }
    }
    // Powers of γ: claims of levels, about both hiding columns, and of the lookup argument: its remainder, values of columns, and
    // the sum of helpers.
    let mut claims = outline.claims + layout.hiding.len();
    if has_lookups {
        claims += 2 + lookup::sent_columns(layout).len();
    }
    add(Step::Claims, one_less(claims));
    add(Step::Columns, 2 * u128::from(k));
    // The combination of columns that is opened has factors that the point determines: no challenge there.
    add(Step::Opening, opening::error_numerator(k));
    Soundness { parts }
}
