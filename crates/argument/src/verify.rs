//! The verifier: the protocol from beginning to end.

use crate::channel::Reader;
use crate::claims::{Context, Level, LinearClaim};
use crate::lookup::{self, Challenges, Left};
use crate::mask::{Cells, RoundMask, random_cells};
use crate::pieces::Pieces;
use crate::{Error, Proof, Statement, is_first, is_known, round};
use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuit::{At, AxisId, ColumnId, Layout, Point, Program};
use nanozk_kzg::{Accumulator, Equation, opening};
use nanozk_transcript::encoding::scalar_reduced;
use nanozk_transcript::{Element, Transcript};
use std::collections::BTreeMap;

impl<F: Element, P: Copy> Statement<'_, F, P> {
    /// Absorbs everything that a proof is about, before its first message; gives the commitments that are known.
    pub(crate) fn absorb<T: Transcript<F, P>>(
        &self,
        transcript: &mut T,
    ) -> Result<BTreeMap<ColumnId, P>, Error> {
        let digest = scalar_reduced(&self.layout.digest(self.program));
        transcript.absorb_scalar(&F::constant(digest));
        for input in self.inputs {
            transcript.absorb_scalar(input);
        }
        let mut commitments = BTreeMap::new();
        for (id, column) in self.layout.enumerate() {
            if is_known(column.kind) {
                let point = self
                    .known
                    .points()
                    .get(&id)
                    .ok_or(Error::UnknownCommitment(id.index()))?;
                transcript
                    .absorb_point(point)
                    .map_err(|_| Error::BadPoint)?;
                commitments.insert(id, *point);
            }
        }
        Ok(commitments)
    }

    /// All claims about columns as one: those about tensors, about both columns that hide, and what lookups leave.
    pub(crate) fn join(
        &self,
        claims: &[LinearClaim<F>],
        hidden: &[(Vec<F>, F)],
        lookups: Option<&Left<F>>,
        challenge: F,
    ) -> Pieces<F> {
        let (program, layout) = (self.program, self.layout);
        let mut pieces = Pieces::default();
        let mut weight = F::one();
        for claim in claims {
            pieces.add(program, claim, weight);
            weight *= challenge;
        }
        for (column, (point, value)) in layout.hiding.iter().zip(hidden) {
            pieces.add_column(*column, point, weight, *value);
            weight *= challenge;
        }
        if let Some(left) = lookups {
            let end = lookup::End {
                program,
                layout,
                left,
            };
            end.claims(&mut pieces, weight, challenge);
        }
        pieces
    }
}

/// A random point of each axis, and what tells identities apart.
pub(crate) struct Randomness<F = Fr> {
    pub(crate) axes: BTreeMap<AxisId, Point<F>>,
    pub(crate) identities: F,
}

impl<F: Element> Randomness<F> {
    /// From challenges, which the closure draws.
    pub(crate) fn draw(program: &Program, mut draw: impl FnMut(usize) -> Vec<F>) -> Self {
        let mut free: Vec<AxisId> = program
            .identities()
            .iter()
            .flat_map(|identity| identity.free.iter().copied())
            .collect();
        free.sort_unstable();
        free.dedup();
        let axes = free
            .into_iter()
            .map(|axis| (axis, draw(program.axis(axis).bits() as usize)))
            .collect();
        let identities = draw(1).first().copied().unwrap_or_else(F::zero);
        Self { axes, identities }
    }

    /// All identities, each at the random point of its free axes.
    pub(crate) fn level(&self, context: &Context<'_, F>) -> Level<F> {
        let mut level = Level::default();
        let mut weight = F::one();
        for identity in context.program.identities() {
            let free = identity
                .free
                .iter()
                .filter_map(|axis| Some((*axis, At::Point(self.axes.get(axis)?.clone()))))
                .collect();
            context.lower(&mut level, &identity.expression, &free, weight);
            weight *= self.identities;
        }
        level.merge();
        level
    }
}

/// Claims with tensors that are not committed, and the others.
pub(crate) fn split_claims<F>(
    context: &Context<'_, F>,
    claims: Vec<LinearClaim<F>>,
) -> (Vec<LinearClaim<F>>, Vec<LinearClaim<F>>) {
    claims.into_iter().partition(|claim| {
        claim
            .terms
            .iter()
            .any(|term| !context.program.tensor(term.tensor).is_committed())
    })
}

/// A combination of claims as the next level, and its value.
pub(crate) fn next_level<F: Element>(
    context: &Context<'_, F>,
    claims: &[LinearClaim<F>],
    challenge: F,
) -> (Level<F>, F) {
    let mut level = Level::default();
    let (mut weight, mut value) = (F::one(), F::zero());
    for claim in claims {
        value += weight * claim.value;
        for term in &claim.terms {
            let mut term = term.clone();
            term.weight *= weight;
            context.add_linear(&mut level, term);
        }
        let cells = claim.cells.iter().map(|(cell, f)| (*cell, weight * f));
        level.cells.extend(cells);
        weight *= challenge;
    }
    level.merge();
    (level, value)
}

/// The degree of each round of a level, with which the helpers' equation has its own.
pub(crate) fn degrees<F: Element>(
    context: &Context<'_, F>,
    layout: &Layout,
    level: &Level<F>,
    with_lookups: bool,
) -> Vec<usize> {
    let mut rounds = level.rounds(context);
    if with_lookups {
        rounds = rounds.max(layout.k() as usize);
    }
    (0..rounds)
        .map(|round| {
            let lookups = match with_lookups {
                true => lookup::degree(layout, round),
                false => 0,
            };
            // A polynomial of degree zero would still be half of its claim.
            level.degree(context, round).max(lookups).max(1)
        })
        .collect()
}

/// The claim about a level's linear terms.
pub(crate) fn linear_claim<F: Element>(
    value: F,
    level: &Level<F>,
    mask: &RoundMask,
) -> LinearClaim<F> {
    let minus = mask.sum().into_iter().map(|(cell, f): (_, F)| (cell, -f));
    LinearClaim {
        value,
        terms: level.linear.clone(),
        cells: level.cells.iter().copied().chain(minus).collect(),
    }
}

/// A level's products at a point, given the values of their vectors.
pub(crate) fn products_at<F: Element>(
    context: &Context<'_, F>,
    level: &Level<F>,
    point: &[F],
    values: &[F],
) -> F {
    // Many products have the same weights.
    let mut weights = BTreeMap::new();
    level
        .products
        .iter()
        .map(|product| {
            let variables = context.variables(&product.summed).min(point.len());
            let own = point.get(..variables).unwrap_or(point);
            let value: F = product
                .vectors
                .iter()
                .filter_map(|v| values.get(*v))
                .product();
            let equal = *weights
                .entry((&product.summed, &product.equal))
                .or_insert_with(|| context.equal_at(product, own));
            product.weight * equal * value * F::constant(unused(point.len() - variables))
        })
        .sum()
}

/// All masks must be random.
pub(crate) fn check_masks(cells: &Cells, layout: &Layout) -> Result<(), Error> {
    let (needed, cells) = (cells.count(), random_cells(layout.k()));
    match needed <= cells {
        true => Ok(()),
        false => Err(Error::Masks { needed, cells }),
    }
}

/// Verifies a proof, up to one equation that a pairing decides: [`Accumulator::holds`].
pub fn verify<T: Transcript>(
    statement: &Statement<'_>,
    proof: &Proof,
    transcript: &mut T,
) -> Result<Accumulator, Error> {
    let claim = opened(statement, proof, transcript)?;
    let (point, value) = (&claim.point, claim.value);
    let accumulator = opening::verify(transcript, &claim.commitment, point, value, &proof.opening)?;
    Ok(accumulator)
}

/// What [`verify`] does but for multiplying points, for numbers or for wires of a circuit. All points must be on the curve, and
/// none at infinity: whoever calls this has checked it.
pub fn reduce<F: Element, P: Copy, T: Transcript<F, P>>(
    statement: &Statement<'_, F, P>,
    proof: &Proof<F, P>,
    transcript: &mut T,
) -> Result<Equation<F, P>, Error> {
    let claim = opened(statement, proof, transcript)?;
    let (point, value) = (&claim.point, claim.value);
    let equation = opening::reduce(transcript, &claim.commitment, point, value, &proof.opening)?;
    Ok(equation)
}

/// That a combination of columns has a value at a point.
struct Opened<F, P> {
    /// Factors of commitments.
    commitment: Vec<(F, P)>,
    point: Vec<F>,
    value: F,
}

/// What a proof is reduced to before its opening.
fn opened<F: Element, P: Copy, T: Transcript<F, P>>(
    statement: &Statement<'_, F, P>,
    proof: &Proof<F, P>,
    transcript: &mut T,
) -> Result<Opened<F, P>, Error> {
    let (program, layout) = (statement.program, statement.layout);
    let context = Context {
        program,
        inputs: statement.inputs,
    };
    if statement.inputs.len() != program.inputs() {
        return Err(Error::Inputs {
            expected: program.inputs(),
            got: statement.inputs.len(),
        });
    }
    let mut commitments = statement.absorb(transcript)?;
    let mut reader = Reader::new(transcript, &proof.points, &proof.scalars);
    for (id, column) in layout.enumerate() {
        if is_first(column.kind) {
            commitments.insert(id, reader.point()?);
        }
    }
    // Fractions depend on challenges that limbs and multiplicities do not.
    let (shift, separator) = (reader.challenge(), reader.challenge());
    for group in &layout.groups {
        commitments.insert(group.helper, reader.point()?);
    }
    // Everything is committed to that identities are about.
    let randomness = Randomness::draw(program, |count| reader.challenges(count));
    let lookups = Challenges {
        shift,
        separator,
        point: reader.challenges(layout.k() as usize),
        group: reader.challenge(),
    };

    let mut cells = Cells::default();
    let mut claims: Vec<LinearClaim<F>> = Vec::new();
    let mut level = randomness.level(&context);
    let mut target = F::zero();
    let mut with_lookups = !layout.groups.is_empty();
    let mut lookups_left = None;
    loop {
        let mut batching = F::zero();
        let degrees = degrees(&context, layout, &level, with_lookups);
        let mask = RoundMask::new(&mut cells, degrees.clone());
        // What is linear in committed tensors has no sumcheck; its value, less the sum of the mask, is said and becomes a
        // claim.
        let linear = reader.scalar()?;
        claims.push(linear_claim(linear, &level, &mask));
        let claim = target - level.constant - linear;
        if with_lookups {
            // The helpers' equation is a claim of its own, that a sum is zero.
            batching = reader.challenge();
        }
        let (point, end) = sumcheck(&mut reader, claim, &degrees)?;
        let mut values = Vec::with_capacity(level.vectors.len());
        let mut sent_claims = Vec::new();
        for vector in &level.vectors {
            let value = if context.is_public(vector) {
                context.vector_at(vector, &point).1
            } else {
                let value = reader.scalar()?;
                sent_claims.push(context.vector_claim(vector, &point, value, cells.take(1)));
                value
            };
            values.push(value);
        }
        let left = end - products_at(&context, &level, &point, &values);
        let mask = mask.at(&point);
        if with_lookups {
            let values = reader.scalars(lookup::sent_columns(layout).len())?;
            let own = point.get(..layout.k() as usize).unwrap_or(&point).to_vec();
            lookups_left = Some(Left {
                scale: batching * F::constant(unused(point.len() - own.len())),
                challenges: lookups.clone(),
                point: own,
                values,
                masks: cells.take(lookup::masked_columns(layout)),
                end: left,
                mask,
            });
        } else {
            // Whatever the products do not explain is the mask.
            claims.push(LinearClaim {
                value: left,
                terms: Vec::new(),
                cells: mask,
            });
        }
        let (open, closed) = split_claims(&context, sent_claims);
        claims.extend(closed);
        if open.is_empty() {
            break;
        }
        let challenge = reader.challenge();
        (level, target) = next_level(&context, &open, challenge);
        with_lookups = false;
    }
    check_masks(&cells, layout)?;

    // Columns that hide what is said of columns, each at a point of its own.
    let hidden: Vec<(Vec<F>, F)> = layout
        .hiding
        .iter()
        .map(|_| {
            let point = reader.challenges(layout.k() as usize);
            Ok((point, reader.scalar()?))
        })
        .collect::<Result<_, Error>>()?;

    // All claims about columns, as one.
    let challenge = reader.challenge();
    let pieces = statement.join(&claims, &hidden, lookups_left.as_ref(), challenge);
    let degrees = vec![2; layout.k() as usize];
    let (point, value) = sumcheck(&mut reader, pieces.value, &degrees)?;
    let commitment = pieces
        .factors(layout, &point)
        .into_iter()
        .map(|(column, factor)| {
            let commitment = commitments
                .get(&column)
                .ok_or(Error::UnknownCommitment(column.index()))?;
            Ok((factor, *commitment))
        })
        .collect::<Result<_, Error>>()?;
    reader.finish()?;
    Ok(Opened {
        commitment,
        point,
        value,
    })
}

/// The weight of a sum over variables that a polynomial does not have.
pub(crate) fn unused(variables: usize) -> Fr {
    Fr::TWO_INV.pow_vartime([variables as u64])
}

/// Reduces the claim that a sum has a value to one about a value at a point.
fn sumcheck<F: Element, P: Copy, T: Transcript<F, P>>(
    reader: &mut Reader<'_, T, F, P>,
    mut claim: F,
    degrees: &[usize],
) -> Result<(Vec<F>, F), Error> {
    let mut point = Vec::with_capacity(degrees.len());
    for degree in degrees {
        let sent = reader.scalars(*degree)?;
        let coefficients = round::complete(&sent, claim);
        let x = reader.challenge();
        claim = round::evaluate(&coefficients, x);
        point.push(x);
    }
    Ok((point, claim))
}
