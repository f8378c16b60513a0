//! The prover.

pub(crate) mod bind;
mod columns;
mod lookups;
mod products;

use crate::channel::Writer;
use crate::claims::{Context, LinearClaim};
use crate::lookup::{self, Challenges, Left};
use crate::mask::{Cells, RoundMask, hiding_rows, random_cells, vanishing};
use crate::pieces::Pieces;
use crate::verify::{
    Randomness, check_masks, degrees, linear_claim, next_level, split_claims, unused,
};
use crate::{Error, Known, Proof, Statement, is_first, is_known, round};
use bind::Binder;
use columns::Columns;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use lookups::Lookups;
use nanozk_circuit::{ColumnData, ColumnId, ColumnKind, Layout, Values};
use nanozk_kzg::{Basis, opening};
use nanozk_transcript::Transcript;
use products::Products;
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;
use std::sync::Arc;

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

impl Stage {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commitments",
            Self::Helpers => "helpers",
            Self::CommitHelpers => "commitments to helpers",
            Self::Bind => "tensors at points",
            Self::Sumcheck => "sumchecks",
            Self::Columns => "sumcheck of columns",
            Self::Combine => "combination of columns",
            Self::Open => "opening",
        }
    }
}

/// The commitment to a column of `2^k` cells, and to its coefficients beyond.
pub fn commit(basis: &Basis, data: &ColumnData, k: u32, tail: &[Fr]) -> G1Affine {
    let k = k as usize;
    match data {
        ColumnData::U16(cells) => basis.commit_hidden(cells.as_slice(), k, tail),
        ColumnData::U32(cells) => basis.commit_hidden(cells.as_slice(), k, tail),
        ColumnData::I32(cells) => basis.commit_hidden(cells.as_slice(), k, tail),
        ColumnData::I64(cells) => basis.commit_hidden(cells.as_slice(), k, tail),
        ColumnData::Field(cells) => basis.commit_hidden(cells.as_slice(), k, tail),
    }
}

/// The commitment to a column.
pub(crate) fn commitment(basis: &Basis, values: &Values<'_>, id: ColumnId) -> G1Affine {
    let (data, k) = (values.column(id), values.layout().k());
    commit(basis, data, k, values.tail(id))
}

/// Commitments to weights and activations as they are, and to tables: what a prover knows of its own values.
pub fn commit_known(basis: &Basis, values: &Values<'_>) -> Known {
    let (program, layout) = (values.program(), values.layout());
    let own: BTreeMap<ColumnKind, ColumnId> =
        layout.enumerate().map(|(id, c)| (c.kind, id)).collect();
    let fixed = |kind| own.get(&kind).map(|id| commitment(basis, values, *id));
    Known::new(basis, program, layout, fixed).expect("values have every column")
}

/// Powers that proofs over columns of `2^k` cells take.
pub fn powers(k: u32) -> usize {
    (1 << k) + opening::hiding_coefficients(k as usize)
}

/// Random cells and coefficients, which hide everything that the proof says.
fn randomize(values: &mut Values<'_>, rng: &mut (impl RngCore + CryptoRng)) {
    let layout = values.layout();
    let k = layout.k();
    let random = |count: usize, rng: &mut _| -> Vec<Fr> {
        (0..count).map(|_| Fr::random(&mut *rng)).collect()
    };
    let cells = random(random_cells(k), rng);
    values.set_column(layout.mask, ColumnData::Field(Arc::new(cells)));
    for column in layout.hiding {
        let rows = hiding_rows(k);
        let mut cells = vec![Fr::ZERO; rows.iter().max().map_or(0, |row| row + 1)];
        for row in rows {
            cells[row] = Fr::random(&mut *rng);
        }
        values.set_column(column, ColumnData::Field(Arc::new(cells)));
    }
    for (id, column) in layout.enumerate() {
        if !is_known(column.kind) {
            let count = match id == layout.hiding[0] {
                true => opening::hiding_coefficients(k as usize),
                false => 1,
            };
            values.set_tail(id, random(count, rng));
        }
    }
}

/// Proves that a program holds for values.
///
/// Coefficients beyond the cube of columns that are committed to already must be set. The basis has at least
/// [`powers`]`(k)` powers.
pub fn prove<T: Transcript>(
    statement: &Statement<'_>,
    values: Values<'_>,
    basis: &Basis,
    rng: &mut (impl RngCore + CryptoRng),
    transcript: &mut T,
    mut stage: impl FnMut(Stage),
) -> Result<Proof, Error> {
    let checks = cfg!(debug_assertions);
    // A stage's span ends where the next begins.
    let mut span = None;
    rounds(
        statement,
        values,
        basis,
        rng,
        transcript,
        checks,
        |at, _, _| {
            span = None;
            span.get_or_insert(tracing::info_span!("stage", of = at.name()).entered());
            stage(at);
        },
    )
}

/// For tests: a prover that does not check what it proves. Where a stage begins, `depart` sees the challenges that were drawn
/// since the last one up to [`Stage::Bind`], and may change values.
#[doc(hidden)]
pub fn prove_unchecked<T: Transcript>(
    statement: &Statement<'_>,
    values: Values<'_>,
    basis: &Basis,
    rng: &mut (impl RngCore + CryptoRng),
    transcript: &mut T,
    depart: impl FnMut(Stage, &mut Values<'_>, &[Fr]),
) -> Result<Proof, Error> {
    rounds(statement, values, basis, rng, transcript, false, depart)
}

fn rounds<T: Transcript>(
    statement: &Statement<'_>,
    mut values: Values<'_>,
    basis: &Basis,
    rng: &mut (impl RngCore + CryptoRng),
    transcript: &mut T,
    checks: bool,
    mut stage: impl FnMut(Stage, &mut Values<'_>, &[Fr]),
) -> Result<Proof, Error> {
    let (program, layout) = (statement.program, statement.layout);
    let context = Context {
        program,
        inputs: statement.inputs,
    };
    statement.absorb(transcript)?;
    let mut writer = Writer::new(transcript);
    randomize(&mut values, rng);
    stage(Stage::Commit, &mut values, &[]);
    for (id, column) in layout.enumerate() {
        if is_first(column.kind) {
            writer.point(commitment(basis, &values, id))?;
        }
    }
    let challenges = Challenges {
        shift: writer.challenge(),
        separator: writer.challenge(),
        ..Challenges::default()
    };
    let drawn = [challenges.shift, challenges.separator];
    stage(Stage::Helpers, &mut values, &drawn);
    let mut lookups = Lookups::new(&values, challenges)?;
    let helpers: Vec<ColumnData> = lookups.helpers().collect();
    for (group, helper) in layout.groups.iter().zip(helpers) {
        values.set_column(group.helper, helper);
    }
    stage(Stage::CommitHelpers, &mut values, &[]);
    for group in &layout.groups {
        writer.point(commitment(basis, &values, group.helper))?;
    }
    let mut drawn = Vec::new();
    let randomness = Randomness::draw(program, |count| {
        let challenges = writer.challenges(count);
        drawn.extend_from_slice(&challenges);
        challenges
    });
    let point = writer.challenges(layout.k() as usize);
    let group = writer.challenge();
    lookups.start(point, group);

    let masks: Vec<Fr> = (0..random_cells(layout.k()))
        .map(|row| values.column(layout.mask).get(row))
        .collect();
    let mask_at = |cell: usize| masks.get(cell).copied().unwrap_or(Fr::ZERO);
    let sum_of = |cells: &[(usize, Fr)]| -> Fr { cells.iter().map(|(c, f)| mask_at(*c) * f).sum() };
    let mut cells = Cells::default();
    let mut claims: Vec<LinearClaim> = Vec::new();
    let mut level = randomness.level(&context);
    let mut target = Fr::ZERO;
    let mut with_lookups = (!layout.groups.is_empty()).then_some(lookups);
    let mut lookups_left = None;
    loop {
        stage(Stage::Bind, &mut values, &drawn);
        let binder = Binder {
            context,
            values: &values,
        };
        let degrees = degrees(&context, layout, &level, with_lookups.is_some());
        let mask = RoundMask::new(&mut cells, degrees.clone());
        // Cells of vectors that are said, in order; then those of columns.
        let own_cells: Vec<Option<usize>> = level
            .vectors
            .iter()
            .map(|vector| (!context.is_public(vector)).then(|| cells.take(1)))
            .collect();
        if level
            .vectors
            .iter()
            .zip(&own_cells)
            .any(|(vector, cell)| cell.is_some() && context.variables(&vector.summed) == 0)
        {
            return Err(Error::Unhidden);
        }
        let own_masks = own_cells
            .iter()
            .map(|cell| cell.map_or(Fr::ZERO, mask_at))
            .collect();
        let mut products = Products::new(&binder, &level, own_masks);
        stage(Stage::Sumcheck, &mut values, &[]);
        let linear = target - level.constant - products.claim() - sum_of(&mask.sum());
        writer.scalar(linear);
        claims.push(linear_claim(linear, &level, &mask));
        let mut batching = Fr::ZERO;
        let mut column_masks = 0;
        if let Some(lookups) = &mut with_lookups {
            batching = writer.challenge();
            column_masks = cells.take(lookup::masked_columns(layout));
            let (lanes, wires) = lane_masks(layout, column_masks, mask_at);
            lookups.mask(layout, &lanes, &wires);
        }
        check_masks(&cells, layout)?;
        let mut at = Vec::with_capacity(degrees.len());
        for degree in &degrees {
            let mut polynomial = mask.round(&masks, &at);
            round::add(&mut polynomial, &products.round(), Fr::ONE);
            if let Some(lookups) = &mut with_lookups {
                round::add(&mut polynomial, &lookups.round(), batching);
            }
            // Public vectors are not quadratic, so some of the highest coefficients are zero.
            polynomial.resize(degree + 1, Fr::ZERO);
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
        for ((vector, value), cell) in level.vectors.iter().zip(products.values()).zip(&own_cells) {
            let Some(cell) = cell else { continue };
            writer.scalar(value);
            open_claims.push(context.vector_claim(vector, &at, value, *cell));
        }
        let mask = mask.at(&at);
        if let Some(lookups) = with_lookups.take() {
            let own = at.get(..layout.k() as usize).unwrap_or(&at).to_vec();
            let row = bind::Row::new(nanozk_circuit::kernel::equal_table(&own));
            let vanishing = own.last().map_or(Fr::ZERO, |x| vanishing(*x));
            let mut cell = column_masks;
            let sent: Vec<Fr> = lookup::sent_columns(layout)
                .iter()
                .map(|id| {
                    let mut value = row.dot(values.column(*id), 0);
                    if lookup::is_masked(layout, *id) {
                        value += mask_at(cell) * vanishing;
                        cell += 1;
                    }
                    value
                })
                .collect();
            sent.iter().for_each(|v| writer.scalar(*v));
            let scale = batching * unused(at.len() - own.len());
            lookups_left = Some(Left {
                end: scale * lookups.end() + sum_of(&mask),
                challenges: lookups.into_challenges(),
                point: own,
                values: sent,
                masks: column_masks,
                mask,
                scale,
            });
        } else {
            claims.push(LinearClaim {
                value: sum_of(&mask),
                terms: Vec::new(),
                cells: mask,
            });
        }
        let (open, closed) = split_claims(&context, open_claims);
        claims.extend(closed);
        if open.is_empty() {
            break;
        }
        let challenge = writer.challenge();
        (level, target) = next_level(&context, &open, challenge);
    }

    stage(Stage::Columns, &mut values, &[]);
    let hidden: Vec<(Vec<Fr>, Fr)> = layout
        .hiding
        .iter()
        .map(|id| {
            let point = writer.challenges(layout.k() as usize);
            let row = bind::Row::new(nanozk_circuit::kernel::equal_table(&point));
            let value = row.dot(values.column(*id), 0);
            writer.scalar(value);
            (point, value)
        })
        .collect();
    let challenge = writer.challenge();
    if checks {
        for (number, claim) in claims.iter().enumerate() {
            let mut own = Pieces::default();
            own.add(program, claim, Fr::ONE);
            assert!(columns::hold(&values, &own), "claim {number}: {claim:?}");
        }
    }
    let pieces = statement.join(&claims, &hidden, lookups_left.as_ref(), challenge);
    if checks {
        assert!(columns::hold(&values, &pieces), "lookups");
    }
    let mut columns = Columns::new(&values, &pieces);
    let mut at = Vec::with_capacity(layout.k() as usize);
    for _ in 0..layout.k() {
        round::sent(&columns.round())
            .into_iter()
            .for_each(|c| writer.scalar(c));
        let x = writer.challenge();
        columns.bind(x);
        at.push(x);
    }
    stage(Stage::Combine, &mut values, &[]);
    let cells = columns::combine(&values, &pieces.factors(layout, &at));
    stage(Stage::Open, &mut values, &[]);
    let (_, opening) = opening::open(basis, writer.transcript(), &cells, &at)?;
    let (points, scalars) = writer.finish();
    Ok(Proof {
        points,
        scalars,
        opening,
    })
}

/// For each lane, what masks the values of its limbs and of its values; and for each column of wires, what masks its value:
/// cells in the order of the columns that are said.
fn lane_masks(layout: &Layout, first: usize, at: impl Fn(usize) -> Fr) -> (Vec<[Fr; 2]>, Vec<Fr>) {
    let mut next = first;
    let mut take = |present: bool| {
        let mask = if present { at(next) } else { Fr::ZERO };
        next += usize::from(present);
        mask
    };
    let lanes = layout
        .lanes
        .iter()
        .map(|lane| [take(true), take(lane.values.is_some())])
        .collect();
    let wires = layout.copies.iter().map(|_| take(true)).collect();
    (lanes, wires)
}
