//! The prover.

mod bind;
mod columns;
mod lookups;
mod products;

use crate::channel::Writer;
use crate::claims::{Context, LinearClaim};
use crate::lookup::{self, Challenges};
use crate::pieces::Pieces;
use crate::verify::{digest_scalar, next_level, split_claims, Randomness};
use crate::{is_first, is_known, round, Error, Proof, Statement};
use bind::Binder;
use columns::Columns;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use lookups::Lookups;
use nanozk_circuit::{ColumnData, ColumnId, ColumnKind, Values};
use nanozk_kzg::{opening, Basis};
use nanozk_transcript::Transcript;
use products::Products;

/// A part of proving, for progress and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Commitments to the witness.
    Commit,
    /// Fractions and helpers.
    Helpers,
    /// Commitments to helpers.
    CommitHelpers,
    /// Tensors at random points of their axes.
    Bind,
    /// Sumchecks of identities and lookups.
    Sumcheck,
    /// The sumcheck of claims about columns.
    Columns,
    /// The combination of columns.
    Combine,
    /// The opening.
    Open,
}

/// The commitment to a column.
pub fn commit(basis: &Basis, data: &ColumnData) -> G1Affine {
    match data {
        ColumnData::U16(cells) => basis.commit(cells.as_slice()),
        ColumnData::U32(cells) => basis.commit(cells.as_slice()),
        ColumnData::I32(cells) => basis.commit(cells.as_slice()),
        ColumnData::I64(cells) => basis.commit(cells.as_slice()),
        ColumnData::Field(cells) => basis.commit(cells.as_slice()),
    }
}

/// Proves that a program holds for values.
pub fn prove<T: Transcript>(
    statement: &Statement<'_>,
    mut values: Values<'_>,
    basis: &Basis,
    transcript: &mut T,
    mut stage: impl FnMut(Stage),
) -> Result<Proof, Error> {
    let (program, layout) = (statement.program, statement.layout);
    let context = Context {
        program,
        inputs: statement.inputs,
    };
    transcript.absorb_scalar(&digest_scalar(statement));
    for input in statement.inputs {
        transcript.absorb_scalar(input);
    }
    for (id, column) in layout.enumerate() {
        if is_known(column.kind) {
            let point = statement
                .known
                .get(&id)
                .ok_or(Error::UnknownCommitment(id.index()))?;
            transcript
                .absorb_point(point)
                .map_err(|_| Error::BadPoint)?;
        }
    }
    let mut writer = Writer::new(transcript);
    stage(Stage::Commit);
    for (id, column) in layout.enumerate() {
        if is_first(column.kind) {
            writer.point(commit(basis, values.column(id)))?;
        }
    }
    stage(Stage::Helpers);
    let challenges = Challenges {
        shift: writer.challenge(),
        separator: writer.challenge(),
        ..Challenges::default()
    };
    let mut lookups = Lookups::new(&values, challenges)?;
    let helpers: Vec<ColumnData> = lookups.helpers().collect();
    for ((id, _), helper) in helper_columns(&values).into_iter().zip(helpers) {
        values.set_column(id, helper);
    }
    stage(Stage::CommitHelpers);
    for (id, _) in helper_columns(&values) {
        writer.point(commit(basis, values.column(id)))?;
    }
    let values = &values;
    let randomness = Randomness::draw(statement, |count| writer.challenges(count));
    let point = writer.challenges(layout.k() as usize);
    let group = writer.challenge();
    lookups.start(point.clone(), group);

    let binder = Binder { context, values };
    let mut claims: Vec<LinearClaim> = Vec::new();
    let mut level = randomness.level(&context);
    let mut target = Fr::ZERO;
    let mut with_lookups = Some(lookups);
    let mut lookup_end = None;
    loop {
        stage(Stage::Bind);
        let mut products = Products::new(&binder, &level);
        stage(Stage::Sumcheck);
        let linear = target - level.constant - products.claim();
        writer.scalar(linear);
        claims.push(LinearClaim {
            value: linear,
            terms: level.linear.clone(),
        });
        let (mut rounds, mut degree) = (level.rounds(&context), level.degree());
        let mut batching = Fr::ZERO;
        if with_lookups.is_some() {
            batching = writer.challenge();
            rounds = rounds.max(layout.k() as usize);
            degree = degree.max(lookup::degree(layout));
        }
        let mut at = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let mut polynomial = vec![Fr::ZERO; degree + 1];
            round::add(&mut polynomial, &products.round(), Fr::ONE);
            if let Some(lookups) = &mut with_lookups {
                round::add(&mut polynomial, &lookups.round(), batching);
            }
            round::sent(&polynomial)
                .into_iter()
                .for_each(|c| writer.scalar(c));
            let x = writer.challenge();
            products.bind(x);
            if let Some(lookups) = &mut with_lookups {
                lookups.bind(x);
            }
            at.push(x);
        }
        let mut open_claims = Vec::new();
        for (vector, value) in level.vectors.iter().zip(products.values()) {
            if context.is_public(vector) {
                continue;
            }
            let own = at.get(..context.variables(&vector.summed)).unwrap_or(&at);
            writer.scalar(value);
            open_claims.push(context.vector_claim(vector, own, value));
        }
        if let Some(lookups) = with_lookups.take() {
            let own = at.get(..layout.k() as usize).unwrap_or(&at).to_vec();
            let row = bind::Row::new(nanozk_circuit::kernel::equal_table(&own));
            let sent: Vec<Fr> = lookup::sent_columns(layout)
                .iter()
                .map(|id| row.dot(values.column(*id), 0))
                .collect();
            sent.iter().for_each(|v| writer.scalar(*v));
            let end = lookups.end();
            lookup_end = Some((own, sent, end, lookups.into_challenges()));
        }
        let (open, closed) = split_claims(&context, open_claims);
        claims.extend(closed);
        if open.is_empty() {
            break;
        }
        let challenge = writer.challenge();
        (level, target) = next_level(&context, &open, challenge);
    }

    stage(Stage::Columns);
    let challenge = writer.challenge();
    let mut pieces = Pieces::default();
    let mut weight = Fr::ONE;
    for (number, claim) in claims.iter().enumerate() {
        if cfg!(debug_assertions) {
            let mut own = Pieces::default();
            own.add(program, layout, claim, Fr::ONE);
            assert!(columns::hold(values, &own), "claim {number}: {claim:?}");
        }
        pieces.add(program, layout, claim, weight);
        weight *= challenge;
    }
    if let Some((point, sent, end, challenges)) = &lookup_end {
        let at_end = lookup::End {
            program,
            layout,
            challenges,
            point,
            values: sent,
        };
        at_end.claim(&mut pieces, *end, weight);
        weight *= challenge;
        at_end.column_claims(&mut pieces, &mut weight, challenge);
        for group in &layout.groups {
            pieces.add_sum(group.helper, layout.k(), weight);
        }
    }
    if cfg!(debug_assertions) {
        assert!(columns::hold(values, &pieces), "lookups");
    }
    let mut columns = Columns::new(values, &pieces);
    let mut at = Vec::with_capacity(layout.k() as usize);
    for _ in 0..layout.k() {
        round::sent(&columns.round())
            .into_iter()
            .for_each(|c| writer.scalar(c));
        let x = writer.challenge();
        columns.bind(x);
        at.push(x);
    }
    stage(Stage::Combine);
    let cells = columns::combine(values, &pieces.factors(&at));
    stage(Stage::Open);
    let (_, opening) = opening::open(basis, writer.transcript(), &cells, &at)?;
    let (points, scalars) = writer.finish();
    Ok(Proof {
        points,
        scalars,
        opening,
    })
}

fn helper_columns(values: &Values<'_>) -> Vec<(ColumnId, ColumnKind)> {
    values
        .kinds()
        .filter(|(_, kind)| matches!(kind, ColumnKind::Helper(_)))
        .collect()
}
