//! The verifier: the protocol from beginning to end.

use crate::channel::Reader;
use crate::claims::{Context, Level, LinearClaim};
use crate::lookup::{self, Challenges};
use crate::pieces::Pieces;
use crate::{is_first, is_known, round, Error, Proof, Statement};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuit::{At, AxisId, ColumnId, ColumnKind, Point};
use nanozk_kzg::{opening, Accumulator};
use nanozk_transcript::encoding::scalar_reduced;
use nanozk_transcript::Transcript;
use std::collections::BTreeMap;

/// The scalar that stands for a program and its layout.
pub(crate) fn digest_scalar(statement: &Statement<'_>) -> Fr {
    scalar_reduced(&statement.layout.digest(statement.program))
}

/// A random point of each axis, and what tells identities apart.
pub(crate) struct Randomness {
    pub(crate) axes: BTreeMap<AxisId, Point>,
    pub(crate) identities: Fr,
}

impl Randomness {
    /// From challenges, which the closure draws.
    pub(crate) fn draw(statement: &Statement<'_>, mut draw: impl FnMut(usize) -> Vec<Fr>) -> Self {
        let program = statement.program;
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
        weight *= challenge;
    }
    level.merge();
    (level, value)
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
    // Everything that the proof is about, before its first message.
    transcript.absorb_scalar(&digest_scalar(statement));
    for input in statement.inputs {
        transcript.absorb_scalar(input);
    }
    let mut reader = Reader::new(transcript, &proof.points, &proof.scalars);
    let mut commitments: BTreeMap<ColumnId, G1Affine> = BTreeMap::new();
    for (id, column) in layout.enumerate() {
        if is_known(column.kind) {
            let point = statement
                .known
                .get(&id)
                .ok_or(Error::UnknownCommitment(id.index()))?;
            reader.absorb_point(point)?;
            commitments.insert(id, *point);
        }
    }
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
    for (id, column) in layout.enumerate() {
        if matches!(column.kind, ColumnKind::Helper(_)) {
            commitments.insert(id, reader.point()?);
        }
    }
    // Everything is committed to that identities are about.
    let randomness = Randomness::draw(statement, |count| reader.challenges(count));
    lookups.point = reader.challenges(layout.k() as usize);
    lookups.group = reader.challenge();

    let mut pieces = Pieces::default();
    let mut claims: Vec<LinearClaim> = Vec::new();
    let mut level = randomness.level(&context);
    let mut target = Fr::ZERO;
    let mut with_lookups = !layout.groups.is_empty();
    let mut number = 0;
    let mut lookup_end = None;
    loop {
        // What is linear in committed tensors has no sumcheck; its value is said, and becomes a claim.
        let linear = reader.scalar()?;
        claims.push(LinearClaim {
            value: linear,
            terms: level.linear.clone(),
        });
        let claim = target - level.constant - linear;
        let (mut rounds, mut degree) = (level.rounds(&context), level.degree());
        let mut batching = Fr::ZERO;
        if with_lookups {
            // The helpers' equation is a claim of its own, that a sum is zero.
            batching = reader.challenge();
            rounds = rounds.max(layout.k() as usize);
            degree = degree.max(lookup::degree(layout));
        }
        let (point, end) = sumcheck(&mut reader, claim, rounds, degree)?;
        let mut values = Vec::with_capacity(level.vectors.len());
        let mut sent_claims = Vec::new();
        for vector in &level.vectors {
            let own = point
                .get(..context.variables(&vector.summed))
                .unwrap_or(&point);
            let value = if context.is_public(vector) {
                context.vector_at(vector, own).1
            } else {
                let value = reader.scalar()?;
                sent_claims.push(context.vector_claim(vector, own, value));
                value
            };
            values.push(value);
        }
        let mut expected = Fr::ZERO;
        for product in &level.products {
            let variables = context.variables(&product.summed);
            let own = point.get(..variables).unwrap_or(&point);
            let value: Fr = product
                .vectors
                .iter()
                .filter_map(|v| values.get(*v))
                .product();
            expected += product.weight
                * context.equal_at(product, own)
                * value
                * unused(rounds - variables);
        }
        if with_lookups {
            let values = reader.scalars(lookup::sent_columns(layout).len())?;
            let own = point.get(..layout.k() as usize).unwrap_or(&point).to_vec();
            // Whatever the products do not explain is the helpers' equation at the point.
            let scale = batching * unused(rounds - own.len());
            let inverse = scale.invert().unwrap_or(Fr::ZERO);
            lookup_end = Some((own, values, (end - expected) * inverse));
        } else if end != expected {
            return Err(Error::Level(number));
        }
        let (open, closed) = split_claims(&context, sent_claims);
        claims.extend(closed);
        if open.is_empty() {
            break;
        }
        let challenge = reader.challenge();
        (level, target) = next_level(&context, &open, challenge);
        with_lookups = false;
        number += 1;
    }

    // All claims about columns, as one.
    let challenge = reader.challenge();
    let mut weight = Fr::ONE;
    for claim in &claims {
        pieces.add(program, layout, claim, weight);
        weight *= challenge;
    }
    if let Some((point, values, end)) = lookup_end {
        let at_end = lookup::End {
            program,
            layout,
            challenges: &lookups,
            point: &point,
            values: &values,
        };
        at_end.claim(&mut pieces, end, weight);
        weight *= challenge;
        at_end.column_claims(&mut pieces, &mut weight, challenge);
        // All fractions add up to zero.
        for group in &layout.groups {
            pieces.add_sum(group.helper, layout.k(), weight);
        }
    }
    let (point, value) = sumcheck(&mut reader, pieces.value, layout.k() as usize, 2)?;
    let terms: Vec<(Fr, G1Affine)> = pieces
        .factors(&point)
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
    rounds: usize,
    degree: usize,
) -> Result<(Vec<Fr>, Fr), Error> {
    let mut point = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let sent = reader.scalars(degree)?;
        let coefficients = round::complete(&sent, claim);
        let x = reader.challenge();
        claim = round::evaluate(&coefficients, x);
        point.push(x);
    }
    Ok((point, claim))
}
