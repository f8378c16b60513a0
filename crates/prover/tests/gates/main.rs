//! Each gate of attention, MLP and block has a forgery that it stops, and nearly always it alone.
//!
//! A forgery is honest but for one false step: everything that follows is computed from it, and the
//! lookups are counted anew. Where a second gate necessarily fails as well, the forgery says which.

#[path = "../common/layers/mod.rs"]
mod layers;

mod first;
mod second;
mod softmax;

use layers::*;
use nanozk_circuits::composer::Plan;
use nanozk_circuits::ir::Program;
use nanozk_circuits::LayerKind::{self, Attention, Block, Mlp};
use nanozk_prover::check::{complete, random_challenges, violations, violations_of_columns};
use std::collections::BTreeSet;

/// A forgery, and the gates that fail.
pub(crate) struct Forgery {
    pub(crate) id: &'static str,
    /// The only half that has the gate.
    pub(crate) only: Option<LayerKind>,
    /// It takes scores that are far apart.
    pub(crate) apart: bool,
    /// What necessarily fails besides.
    pub(crate) also: &'static [&'static str],
    pub(crate) change: Change,
}

/// Where the false step is.
pub(crate) enum Change {
    /// Before the challenges.
    First(fn(&mut Case)),
    /// After them: the prover computes its second phase otherwise.
    Second(fn(&Case, &mut Program)),
}

/// Ids with a number or a shape in them are forged one by one as they are found.
const FAMILIES: [&str; 2] = ["wide_", "logup_helper_"];

fn forgeries() -> Vec<Forgery> {
    [first::all(), softmax::all(), second::all()]
        .into_iter()
        .flatten()
        .collect()
}

/// Scores far enough apart that some that are not masked are `far`.
const APART: Setting = Setting {
    spread: 4,
    seed: 37,
    ..SMALL
};

/// With 16-bit limbs: exponentials and activations are read from tables directly.
fn wide_limbs() -> Setting {
    Setting {
        plan: Plan {
            k: 18,
            weights: 1,
            lanes: 3,
            limb: 16,
        },
        ..SMALL
    }
}

fn expected(case: &Case, forgery: &Forgery) -> BTreeSet<String> {
    [forgery.id]
        .iter()
        .chain(forgery.also)
        .map(|id| case.id(id))
        .collect()
}

fn run(case: &Case, forgery: &Forgery) -> BTreeSet<String> {
    let mut case = case.clone();
    match forgery.change {
        Change::First(change) => {
            change(&mut case);
            case.recount();
            case.violations()
        }
        Change::Second(change) => {
            let mut program = case.program().clone();
            change(&case, &mut program);
            failing(&program, &case)
        }
    }
}

fn failing(program: &Program, case: &Case) -> BTreeSet<String> {
    let all = violations(
        program,
        case.first.clone(),
        &case.instances,
        &random_challenges(),
    );
    all.into_iter().map(|v| v.gate).collect()
}

fn all_forgeries(kind: LayerKind, half: LayerKind) {
    let cases = [SMALL, APART].map(|setting| Case::new(setting, kind).half(half));
    assert!(cases.iter().all(|c| c.violations().is_empty()));
    for forgery in forgeries() {
        let case = &cases[usize::from(forgery.apart)];
        if forgery.only.is_none_or(|only| only == half) {
            assert_eq!(
                run(case, &forgery),
                expected(case, &forgery),
                "{}",
                case.id(forgery.id)
            );
        }
    }
    families(&cases[0]);
}

/// Forgeries of the gates of which there are as many as the plan needs.
fn families(case: &Case) {
    for id in ids(case.program()) {
        if id.starts_with("wide_") {
            // A limb that does not belong to its number.
            let row = case.rows_of(&id)[0];
            let mut changed = case.clone();
            let other = number(case.get("lane 0", row)) ^ 1;
            changed.set("lane 0", row, int(other));
            changed.recount();
            assert_eq!(changed.violations(), BTreeSet::from([id.clone()]), "{id}");
        } else if id.starts_with("logup_helper_") {
            let mut program = case.program().clone();
            second::shift_helper(&mut program, &id.replace("logup_", "").replace('_', " "));
            assert_eq!(
                failing(&program, case),
                BTreeSet::from([id.clone()]),
                "{id}"
            );
        }
    }
}

#[test]
fn attention() {
    all_forgeries(Attention, Attention);
}

#[test]
fn mlp() {
    all_forgeries(Mlp, Mlp);
}

#[test]
fn block() {
    all_forgeries(Block, Attention);
    all_forgeries(Block, Mlp);
}

/// Only what 16-bit limbs do otherwise: the shapes of wide numbers.
#[test]
fn sixteen_bit_limbs() {
    let case = Case::new(wide_limbs(), Attention);
    assert!(case.violations().is_empty());
    let known: BTreeSet<_> = programs_of(SMALL).iter().flat_map(ids).collect();
    let only_here: Vec<_> = ids(case.program()).difference(&known).cloned().collect();
    assert!(
        only_here.iter().all(|id| id.starts_with("wide_")),
        "{only_here:?}"
    );
    for id in &only_here {
        let mut changed = case.clone();
        let row = case.rows_of(id)[0];
        changed.set("lane 0", row, int(number(case.get("lane 0", row)) ^ 1));
        changed.recount();
        assert_eq!(changed.violations(), BTreeSet::from([id.clone()]));
    }
}

fn programs_of(setting: Setting) -> Vec<Program> {
    let layer = |kind| nanozk_circuits::Layer::new(setting.shape(kind)).expect("it fits");
    [Attention, Mlp, Block]
        .map(|kind| (*layer(kind).program).clone())
        .into()
}

/// Gates and forgeries correspond, one to one.
#[test]
fn every_gate_has_a_forgery() {
    let strip = |id: String| id.rsplit('.').next().expect("a name").to_string();
    let family = |id: &String| FAMILIES.iter().any(|f| id.starts_with(f));
    let mut gates: BTreeSet<String> = BTreeSet::new();
    for s in [SMALL, wide_limbs()] {
        gates.extend(programs_of(s).iter().flat_map(ids).map(strip));
    }
    gates.retain(|id| !family(id));
    let all = forgeries();
    let forged: BTreeSet<String> = all.iter().map(|f| f.id.to_string()).collect();
    assert_eq!(forged.len(), all.len(), "one forgery for each");
    assert_eq!(gates, forged);
}

/// Complete columns are taken as they are: a cell of the second phase that nobody computes again.
#[test]
fn altered_columns_are_found() {
    let case = Case::new(SMALL, Mlp);
    let (program, challenges) = (case.program(), random_challenges());
    let mut columns = complete(program, case.first.clone(), &case.instances, &challenges);
    let check =
        |columns: &[Vec<_>]| violations_of_columns(program, columns, &case.instances, &challenges);
    assert_eq!(check(&columns), []);
    let sum = program
        .columns
        .iter()
        .position(|c| c.name == "sum")
        .expect("a running sum");
    columns[sum][9] += int(1);
    let failed: Vec<_> = check(&columns)
        .into_iter()
        .map(|v| (v.gate, v.row))
        .collect();
    assert_eq!(failed, [("sum_next".to_string(), 8)]);
}
