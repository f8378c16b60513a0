//! The verifier: the protocol from beginning to end.

use crate::channel::Reader;
use crate::claims::{Context, Level, LinearClaim};
use crate::lookup::{self, Challenges, Left};
use crate::mask::{random_cells, Cells, RoundMask};
use crate::pieces::Pieces;
use crate::{is_first, is_known, round, Error, Proof, Statement};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuit::{At, AxisId, ColumnId, Layout, Point, Program};
use nanozk_kzg::{opening, Accumulator};
use nanozk_transcript::encoding::scalar_reduced;
use nanozk_transcript::Transcript;
use std::collections::BTreeMap;

impl Statement<'_> {
    /// Absorbs everything that a proof is about, before its first message; gives the commitments that are known.
    pub(crate) fn absorb<T: Transcript>(
        &self,
        transcript: &mut T,
    ) -> Result<BTreeMap<ColumnId, G1Affine>, Error> {
        transcript.absorb_scalar(&scalar_reduced(&self.layout.digest(self.program)));
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
        claims: &[LinearClaim],
        hidden: &[(Vec<Fr>, Fr)],
        lookups: Option<&Left>,
        challenge: Fr,
    ) -> Pieces {
        let (program, layout) = (self.program, self.layout);
        let mut pieces = Pieces::default();
        let mut weight = Fr::ONE;
        for claim in claims {
            pieces.add(program, layout, claim, weight);
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
pub(crate) struct Randomness {
    pub(crate) axes: BTreeMap<AxisId, Point>,
    pub(crate) identities: Fr,
}

impl Randomness {
    /// From challenges, which the closure draws.
    pub(crate) fn draw(program: &Program, mut draw: impl FnMut(usize) -> Vec<Fr>) -> Self {
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
        let identities = draw(1).first().copied().unwrap_or(Fr::ZERO);
        Self { axes, identities }
    }

    /// All identities, each at the random point of its free axes.
    pub(crate) fn level(&self, context: &Context<'_>) -> Level {
        let mut level = Level::default();
        let mut weight = Fr::ONE;
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
pub(crate) fn split_claims(
    context: &Context<'_>,
    claims: Vec<LinearClaim>,
) -> (Vec<LinearClaim>, Vec<LinearClaim>) {
    claims.into_iter().partition(|claim| {
        claim
            .terms
            .iter()
            .any(|term| !context.program.tensor(term.tensor).is_committed())
    })
}

/// A combination of claims as the next level, and its value.
pub(crate) fn next_level(
    context: &Context<'_>,
    claims: &[LinearClaim],
    challenge: Fr,
) -> (Level, Fr) {
    let mut level = Level::default();
    let (mut weight, mut value) = (Fr::ONE, Fr::ZERO);
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
pub(crate) fn degrees(
    context: &Context<'_>,
    layout: &Layout,
    level: &Level,
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
pub(crate) fn linear_claim(value: Fr, level: &Level, mask: &RoundMask) -> LinearClaim {
    let minus = mask.sum().into_iter().map(|(cell, f)| (cell, -f));
    LinearClaim {
        value,
        terms: level.linear.clone(),
        cells: level.cells.iter().copied().chain(minus).collect(),
    }
}

/// A level's products at a point, given the values of their vectors.
pub(crate) fn products_at(context: &Context<'_>, level: &Level, point: &[Fr], values: &[Fr]) -> Fr {
    level
        .products
        .iter()
        .map(|product| {
            let variables = context.variables(&product.summed).min(point.len());
            let own = point.get(..variables).unwrap_or(point);
            let value: Fr = product
                .vectors
                .iter()
                .filter_map(|v| values.get(*v))
                .product();
            let equal = context.equal_at(product, own);
            product.weight * equal * value * unused(point.len() - variables)
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
    let mut lookups = Challenges {
        shift: reader.challenge(),
        separator: reader.challenge(),
        ..Challenges::default()
    };
    for group in &layout.groups {
        commitments.insert(group.helper, reader.point()?);
    }
    // Everything is committed to that identities are about.
    let randomness = Randomness::draw(program, |count| reader.challenges(count));
    lookups.point = reader.challenges(layout.k() as usize);
    lookups.group = reader.challenge();

    let mut cells = Cells::default();
    let mut claims: Vec<LinearClaim> = Vec::new();
    let mut level = randomness.level(&context);
    let mut target = Fr::ZERO;
    let mut with_lookups = !layout.groups.is_empty();
    let mut lookups_left = None;
    loop {
        let mut batching = Fr::ZERO;
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
                scale: batching * unused(point.len() - own.len()),
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
    let hidden: Vec<(Vec<Fr>, Fr)> = layout
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
    let terms: Vec<(Fr, G1Affine)> = pieces
        .factors(layout, &point)
        .into_iter()
        .map(|(column, factor)| {
            let commitment = commitments
                .get(&column)
                .ok_or(Error::UnknownCommitment(column.index()))?;
            Ok((factor, *commitment))
        })
        .collect::<Result<_, Error>>()?;
    let transcript = reader.finish()?;
    let accumulator = opening::verify(transcript, &terms, &point, value, &proof.opening)?;
    Ok(accumulator)
}

/// The weight of a sum over variables that a polynomial does not have.
pub(crate) fn unused(variables: usize) -> Fr {
    Fr::TWO_INV.pow([variables as u64])
}

/// Reduces the claim that a sum has a value to one about a value at a point.
fn sumcheck<T: Transcript>(
    reader: &mut Reader<'_, T>,
    mut claim: Fr,
    degrees: &[usize],
) -> Result<(Vec<Fr>, Fr), Error> {
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
