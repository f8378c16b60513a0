//! Provers who do not keep to the protocol, or whose values do not satisfy the program. Where an attack depends on knowing
//! a challenge too early, a transcript whose challenges are known shows that it would succeed.

mod common;

use common::*;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_argument::{Error, Known, Proof, Stage, Statement, check_hiding, commit};
use nanozk_circuit::{
    ColumnData, ColumnId, ColumnKind, Failure, Layout, Program, Role, TensorId, Values, kernel,
};
use nanozk_transcript::KeccakTranscript;
use std::sync::Arc;

fn id(p: &Program, name: &str) -> TensorId {
    p.named(name).unwrap()
}

/// A program with what it is proved for.
struct Case {
    program: Program,
    layout: Layout,
}

impl Case {
    fn new(program: Program, k: u32) -> Self {
        let layout = Layout::new(&program, k, 2, &Packed::new(&program, k)).unwrap();
        Self { program, layout }
    }

    fn accepts<T: nanozk_transcript::Transcript>(
        &self,
        known: &Known,
        inputs: &[Fr],
        proof: &Proof,
        transcript: T,
    ) -> bool {
        let statement = Statement {
            program: &self.program,
            layout: &self.layout,
            inputs,
            known,
        };
        accepted(&statement, proof, transcript)
    }

    fn column(&self, kind: ColumnKind) -> ColumnId {
        let found = self.layout.enumerate().find(|(_, c)| c.kind == kind);
        found.unwrap().0
    }
}

/// Every committed tensor of the program of all statements, one cell changed: what the checker finds, the verifier refuses.
#[test]
fn a_wrong_cell_of_any_tensor_is_refused() {
    let program = program();
    let layout = layout(&program);
    let honest = values(&program, &layout);
    for (tensor, what) in program.enumerate() {
        if !what.is_committed() {
            continue;
        }
        let at: Vec<usize> = program.axes_of(tensor).map(|axis| axis.len - 1).collect();
        let mut changed = honest.clone();
        let in_table = matches!(what.role, Role::Limb { .. } | Role::Key { .. });
        let to = (0..4).find(|x| Fr::from(*x) != honest.get(tensor, &at));
        assert!(changed.set(tensor, &at, to.unwrap().into()));
        if in_table {
            changed.look_up().unwrap();
        }
        assert!(program.check(&changed).is_err(), "{}", what.name);
        assert!(!proves(changed), "{}", what.name);
    }
}

/// Cells that no tensor has are nobody's: neither checker nor verifier looks at them.
#[test]
fn cells_of_no_tensor_do_not_count() {
    let program = program();
    let layout = layout(&program);
    let mut v = values(&program, &layout);
    let kinds: Vec<_> = v.kinds().collect();
    for (id, kind) in kinds {
        let free = matches!(kind, ColumnKind::Weight(_) | ColumnKind::Witness(_));
        if free && v.column(id).len() < layout.rows() {
            assert!(v.column_mut(id).set(layout.rows() - 1, 77));
        }
    }
    assert_eq!(program.check(&v), Ok(()));
    assert!(proves(v));
}

/// Columns that the statement commits to, with tiles at each other's places: layers swapped or doubled.
#[test]
fn registered_tiles_stay_in_their_places() {
    let program = program();
    let layout = layout(&program);
    let honest = values(&program, &layout);
    let inputs = inputs();
    let known = known(&honest);
    let w = id(&program, "w");
    let cells = |v: &Values<'_>, l: usize, i: usize, o: usize| -> i128 {
        (0..1000)
            .find(|x| Fr::from(*x) == v.get(w, &[l, i, o]))
            .unwrap()
            .into()
    };
    // Swapped and doubled.
    for from in [[1, 0, 2], [0, 0, 2]] {
        let mut v = honest.clone();
        v.fill(w, |at| cells(&honest, from[at[0]], at[1], at[2]))
            .unwrap();
        assert!(program.check(&v).is_err());
        // With the registered commitments in the statement, and with those of what it used.
        let proof = forged(&known, v.clone(), KeccakTranscript::new(), |_, _, _| {}).unwrap();
        let case = Case {
            program: program.clone(),
            layout: layout.clone(),
        };
        assert!(!case.accepts(&known, &inputs, &proof, KeccakTranscript::new()));
        assert!(!proves(v));
    }
}

/// `y = x·w` for activations that are also another tensor's: both names are of the same cells.
#[test]
fn tensors_may_share_cells() {
    struct Shared;
    impl nanozk_circuit::Registry for Shared {
        fn place(&self, _: &nanozk_circuit::Tensor, _: &[usize]) -> Option<(u32, usize)> {
            Some((0, 4))
        }
    }
    let mut p = Program::new();
    let t = p.new_axis("t", 4);
    let range = p.range(4);
    let limb = p.new_tensor("limb", &[t], Role::Limb { range });
    let [a, b] = ["a", "b"].map(|name| p.new_tensor(name, &[t], Role::Activation));
    p.zero("a", &[t], p.use_of(a) - p.use_of(limb));
    p.zero("b", &[t], p.use_of(b) - p.use_of(limb) * 2);
    let layout = Layout::new(&p, 5, 1, &Shared).unwrap();
    let mut v = Values::new(&p, &layout, vec![]);
    v.fill(limb, |at| at[0] as i128).unwrap();
    v.fill(a, |at| at[0] as i128).unwrap();
    // Columns of a single row have no opening.
    let (column, _) = v.kinds().next().unwrap();
    assert!(v.column_mut(column).set(31, 5));
    v.look_up().unwrap();
    // What one name says, the other says.
    assert_eq!(v.get(b, &[3]), Fr::from(3));
    assert!(matches!(p.check(&v), Err(Failure::Identity { identity, .. }) if identity == "b"));
    assert!(!proves(v.clone()));
    v.fill(b, |at| 2 * at[0] as i128).unwrap();
    assert!(matches!(p.check(&v), Err(Failure::Identity { identity, .. }) if identity == "a"));
    assert!(!proves(v));
}

/// Two tables, and keys in one of them.
fn lookups() -> Case {
    let mut p = Program::new();
    let t = p.new_axis("t", 8);
    let small = p.new_table("small", 2, Some(vec![10, 11, 12, 13]));
    let large = p.new_table("large", 4, Some((20..36).collect()));
    let key = p.new_tensor("key", &[t], Role::Key { table: small });
    let value = p.new_tensor("value", &[t], Role::Value { key });
    let other = p.new_tensor("other key", &[t], Role::Key { table: large });
    p.new_tensor("other value", &[t], Role::Value { key: other });
    let range = p.range(3);
    let limb = p.new_tensor("limb", &[t], Role::Limb { range });
    let sum = p.new_tensor("sum", &[], Role::Witness);
    let all = p.use_of(value) + p.use_of(limb) * 3;
    p.zero("sum", &[], all - p.use_of(sum));
    Case::new(p, 6)
}

fn looked_up(case: &Case) -> Values<'_> {
    let p = &case.program;
    let mut v = Values::new(p, &case.layout, vec![]);
    v.fill(id(p, "key"), |at| at[0] as i128 % 4).unwrap();
    v.fill(id(p, "other key"), |at| at[0] as i128 * 2).unwrap();
    v.fill(id(p, "limb"), |at| 7 - at[0] as i128).unwrap();
    v.look_up().unwrap();
    set_sum(case, &mut v);
    v
}

/// Keeps the identity.
fn set_sum(case: &Case, v: &mut Values<'_>) {
    let p = &case.program;
    let sum = (0..8)
        .map(|t| v.get(id(p, "value"), &[t]) + v.get(id(p, "limb"), &[t]) * Fr::from(3))
        .sum::<Fr>();
    v.fill_field(id(p, "sum"), |_| sum);
    // Columns of a single row have no opening.
    let (column, _) = v
        .kinds()
        .find(|(_, k)| matches!(k, ColumnKind::Witness(_)))
        .unwrap();
    v.column_mut(column).set_field(63, Fr::from(5));
}

/// Adds to a multiplicity.
fn count(case: &Case, v: &mut Values<'_>, table: &str, key: usize, by: i128) {
    let at = case
        .program
        .tables()
        .iter()
        .position(|t| t.name == table)
        .unwrap();
    let place = case.layout.tables[at];
    let column = case.layout.table_lanes[place.lane].multiplicities;
    let ColumnData::U32(cells) = v.column(column).clone() else {
        panic!("multiplicities are integers")
    };
    let row = place.offset + key;
    let value = i128::from(cells[row]) + by;
    assert!(v.column_mut(column).set(row, value));
}

#[test]
fn honest_lookups_are_accepted() {
    let case = lookups();
    let v = looked_up(&case);
    assert_eq!(case.program.check(&v), Ok(()));
    assert!(proves(v));
}

/// Tables are told apart by their tags only.
#[test]
fn a_row_of_another_table_is_refused() {
    let case = lookups();
    let p = &case.program;
    let mut v = looked_up(&case);
    // Key 5 of the large table, as one of the small table, which has no such key.
    assert!(v.set(id(p, "key"), &[6], 5) && v.set(id(p, "value"), &[6], 25));
    count(&case, &mut v, "small", 2, -1);
    count(&case, &mut v, "large", 5, 1);
    set_sum(&case, &mut v);
    assert!(matches!(p.check(&v), Err(Failure::Range(_))));
    assert!(!proves(v));
    // A limb of 3 bits that only the table of 4 bits with values has.
    let mut v = looked_up(&case);
    assert!(v.set(id(p, "limb"), &[0], 9));
    count(&case, &mut v, "range 3", 7, -1);
    count(&case, &mut v, "large", 9, 1);
    set_sum(&case, &mut v);
    assert!(matches!(p.check(&v), Err(Failure::Range(_))));
    assert!(!proves(v));
}

#[test]
fn a_value_of_another_key_is_refused() {
    let case = lookups();
    let p = &case.program;
    let mut v = looked_up(&case);
    assert!(v.set(id(p, "value"), &[6], 13));
    set_sum(&case, &mut v);
    assert!(matches!(p.check(&v), Err(Failure::Lookup { .. })));
    assert!(!proves(v.clone()));
    // Nor if it is counted as the other key.
    count(&case, &mut v, "small", 2, -1);
    count(&case, &mut v, "small", 3, 1);
    assert!(!proves(v));
}

#[test]
fn multiplicities_that_are_off_are_refused() {
    let case = lookups();
    for (table, key, by) in [("small", 1, 1), ("large", 4, -1), ("range 3", 0, 1)] {
        let mut v = looked_up(&case);
        count(&case, &mut v, table, key, by);
        assert!(!proves(v.clone()), "{table}");
        // Nor if as many are counted elsewhere.
        count(&case, &mut v, table, key + 1, -by);
        assert!(!proves(v), "{table}");
    }
}

/// Two full columns of wires, of which each is one of the other column, and four that are one.
fn wires() -> Case {
    let mut p = Program::new();
    let (row, few) = (p.new_axis("row", 256), p.new_axis("few", 4));
    let [a, b] = ["a", "b"].map(|name| p.new_tensor(name, &[row], Role::Wire));
    p.new_tensor("c", &[few], Role::Wire);
    let sum = p.new_tensor("sum", &[row], Role::Witness);
    p.zero("sum", &[row], p.use_of(a) * 2 + p.use_of(b) - p.use_of(sum));
    let layout = Layout::new(&p, 8, 4, &Packed::new(&p, 8)).unwrap();
    Case { program: p, layout }
}

fn wired(case: &Case) -> Values<'_> {
    let p = &case.program;
    let mut v = Values::new(p, &case.layout, vec![]);
    // Not the same row of the other column: fractions of both columns would cancel in each row.
    for (name, other) in [("a", 0), ("b", 1)] {
        v.fill_field(id(p, name), |at| Fr::from((at[0] ^ other) as u64).square());
    }
    v.fill_field(id(p, "c"), |_| Fr::from(5));
    permute(case, &mut v, |number| match number >> 8 {
        2 => 512 + (number + 1) % 4,
        _ => number ^ 257,
    });
    sum_wires(case, &mut v);
    v
}

/// Keeps the identity.
fn sum_wires(case: &Case, v: &mut Values<'_>) {
    let [a, b, sum] = ["a", "b", "sum"].map(|name| id(&case.program, name));
    let sums: Vec<Fr> = (0..256)
        .map(|row| v.get(a, &[row]).double() + v.get(b, &[row]))
        .collect();
    v.fill_field(sum, |at| sums[at[0]]);
}

/// Says for each wire the number of the one that it is equal to.
fn permute(case: &Case, v: &mut Values<'_>, f: impl Fn(u32) -> u32) {
    let k = case.layout.k();
    for (column, lane) in (0_u32..).zip(&case.layout.copies) {
        let numbers = (0..lane.rows as u32).map(|row| f((column << k) + row));
        let cells: Vec<u32> = numbers.collect();
        v.set_column(lane.permutation, ColumnData::U32(cells.into()));
    }
}

/// Wires of one column and of several; every element of the proof counts, among them the permutations' values.
#[test]
fn equal_wires_are_accepted_and_others_refused() {
    let case = wires();
    let p = &case.program;
    let honest = wired(&case);
    assert_eq!(p.check(&honest), Ok(()));
    assert!(proves(honest.clone()));
    for (name, at) in [("a", 0), ("a", 255), ("b", 77), ("c", 0), ("c", 3)] {
        let mut v = honest.clone();
        assert!(v.set(id(p, name), &[at], 3));
        sum_wires(&case, &mut v);
        assert!(matches!(p.check(&v), Err(Failure::Copy { .. })), "{name}");
        assert!(!proves(v), "{name} {at}");
    }
    // Both of a pair.
    let mut v = honest.clone();
    assert!(v.set(id(p, "a"), &[9], 3) && v.set(id(p, "b"), &[8], 3));
    sum_wires(&case, &mut v);
    assert_eq!(p.check(&v), Ok(()));
    assert!(proves(v));
    let known = known(&honest);
    let proof = proved(honest);
    for i in 0..proof.scalars.len() {
        let mut changed = proof.clone();
        changed.scalars[i] += Fr::ONE;
        let transcript = KeccakTranscript::new();
        assert!(!case.accepts(&known, &[], &changed, transcript), "{i}");
    }
}

/// With a permutation that says less, wires may differ. Only the commitment of the statement says which one it is.
#[test]
fn another_permutation_is_refused() {
    let case = wires();
    let mut v = wired(&case);
    let honest = known(&v);
    assert!(v.set(id(&case.program, "c"), &[0], 3));
    permute(&case, &mut v, |number| match number >> 8 {
        2 => number,
        _ => number ^ 257,
    });
    assert_eq!(case.program.check(&v), Ok(()));
    let own = known(&v);
    for (known, is_accepted) in [(&own, true), (&honest, false)] {
        let proof = forged(known, v.clone(), KeccakTranscript::new(), |_, _, _| {}).unwrap();
        let accepted = case.accepts(known, &[], &proof, KeccakTranscript::new());
        assert_eq!(accepted, is_accepted);
    }
}

/// Wires and their numbers are no keys and values of a table: their tag says so. Otherwise a lookup that is false could make up
/// for wires that differ.
#[test]
fn wires_are_no_rows_of_tables() {
    let mut p = Program::new();
    let t = p.new_axis("t", 64);
    let table = p.new_table("numbers", 6, Some((0..64).collect()));
    let key = p.new_tensor("key", &[t], Role::Key { table });
    let value = p.new_tensor("value", &[t], Role::Value { key });
    let wire = p.new_tensor("wire", &[t], Role::Wire);
    let sum = p.new_tensor("sum", &[t], Role::Witness);
    let all = p.use_of(value) + p.use_of(wire) * 3 + p.use_of(key) * 7;
    p.zero("sum", &[t], all - p.use_of(sum));
    let case = Case::new(p, 7);
    let p = &case.program;
    let fill_sum = |v: &mut Values<'_>| {
        let sums: Vec<Fr> = (0..64)
            .map(|t| {
                let [key, value, wire] = [key, value, wire].map(|id| v.get(id, &[t]));
                value + wire * Fr::from(3) + key * Fr::from(7)
            })
            .collect();
        v.fill_field(sum, |at| sums[at[0]]);
    };
    let mut v = Values::new(p, &case.layout, vec![]);
    v.fill(key, |at| at[0] as i128).unwrap();
    v.fill_field(wire, |at| match at[0] {
        2 => Fr::ONE,
        t => Fr::from(t as u64),
    });
    permute(&case, &mut v, |number| match number {
        1 => 2,
        2 => 1,
        _ => number,
    });
    v.look_up().unwrap();
    fill_sum(&mut v);
    assert_eq!(p.check(&v), Ok(()));
    assert!(proves(v.clone()));
    // Wires with their own numbers would be the rows of the table that are looked up no more; with each other's, the false
    // lookups. As many rows are counted as before.
    assert!(v.set(wire, &[2], 2));
    assert!(v.set(value, &[1], 2) && v.set(value, &[2], 1));
    fill_sum(&mut v);
    assert!(!p.copies_hold(&v));
    assert!(matches!(p.check(&v), Err(Failure::Lookup { .. })));
    assert!(!proves(v));
}

/// Tables that the statement does not have: only commitments to their values say what is in them.
#[test]
fn another_table_is_refused() {
    let case = lookups();
    let p = &case.program;
    let mut v = looked_up(&case);
    let honest = known(&v);
    let place = case.layout.tables[0];
    let values = case.layout.table_lanes[place.lane].values.unwrap();
    assert!(v.column_mut(values).set(place.offset + 2, 99));
    for t in [2, 6] {
        assert!(v.set(id(p, "value"), &[t], 99));
    }
    set_sum(&case, &mut v);
    // The prover's own table would do, if anybody took its word for it.
    let own = commit(&basis().0, v.column(values), case.layout.k(), &[]);
    let mut points = honest.points().clone();
    points.insert(values, own);
    let believed = Known::unchecked(points);
    let proof = forged(&believed, v.clone(), KeccakTranscript::new(), |_, _, _| {}).unwrap();
    assert!(case.accepts(&believed, &[], &proof, KeccakTranscript::new()));
    assert!(!case.accepts(&honest, &[], &proof, KeccakTranscript::new()));
    let proof = forged(&honest, v, KeccakTranscript::new(), |_, _, _| {}).unwrap();
    assert!(!case.accepts(&honest, &[], &proof, KeccakTranscript::new()));
}

/// The sum of fractions that lookups should have zero of, for challenges.
fn imbalance(case: &Case, v: &Values<'_>, [shift, separator]: [Fr; 2]) -> Fr {
    let tag = |table: usize| separator.square() * Fr::from(table as u64 + 1);
    let mut sum = Fr::ZERO;
    for lane in &case.layout.lanes {
        let mut start = 0;
        for (table, end) in &lane.runs {
            for row in start..*end {
                let value = lane.values.map_or(Fr::ZERO, |c| v.column(c).get(row));
                let limb = v.column(lane.limbs).get(row);
                sum += (shift + limb + separator * value + tag(table.index()))
                    .invert()
                    .unwrap();
            }
            start = *end;
        }
    }
    for place in &case.layout.tables {
        let lane = &case.layout.table_lanes[place.lane];
        for key in 0..1 << case.program.tables()[place.table.index()].bits {
            let row = place.offset + key;
            let value = lane.values.map_or(Fr::ZERO, |c| v.column(c).get(row));
            let d = shift + Fr::from(key as u64) + separator * value + tag(place.table.index());
            sum -= v.column(lane.multiplicities).get(row) * d.invert().unwrap();
        }
    }
    sum
}

/// Sets the multiplicity of the first row of a lane of tables so that all fractions add up to zero.
fn balance(case: &Case, v: &mut Values<'_>, challenges: [Fr; 2]) {
    let place = case.layout.tables.iter().find(|p| p.offset == 0).unwrap();
    let lane = &case.layout.table_lanes[place.lane];
    let value = lane.values.map_or(Fr::ZERO, |c| v.column(c).get(0));
    let [shift, separator] = challenges;
    let tag = Fr::from(place.table.index() as u64 + 1);
    let denominator = shift + separator * value + separator.square() * tag;
    let column = lane.multiplicities;
    let mut cells: Vec<Fr> = (0..lane.rows)
        .map(|row| v.column(column).get(row))
        .collect();
    cells[0] += imbalance(case, v, challenges) * denominator;
    v.set_column(column, ColumnData::Field(Arc::new(cells)));
    assert_eq!(imbalance(case, v, challenges), Fr::ZERO);
}

/// Multiplicities are any field elements: whoever knows `α` and `τ` makes up for limbs that are in no table.
#[test]
fn multiplicities_are_chosen_before_the_challenges() {
    let case = lookups();
    let p = &case.program;
    let mut v = looked_up(&case);
    assert_eq!(
        imbalance(&case, &v, [Fr::from(1000), Fr::from(77)]),
        Fr::ZERO
    );
    assert!(v.set(id(p, "limb"), &[0], 300));
    set_sum(&case, &mut v);
    assert!(p.check(&v).is_err());
    let known = known(&v);
    // With challenges that are known.
    let mut forewarned = v.clone();
    balance(&case, &mut forewarned, [0, 1].map(Predictable::challenge));
    let proof = forged(&known, forewarned, Predictable::default(), |_, _, _| {}).unwrap();
    assert!(case.accepts(&known, &[], &proof, Predictable::default()));
    // With those that follow from the commitments, and multiplicities that are changed when they are drawn.
    let mut drawn = 0;
    let proof = forged(
        &known,
        v,
        KeccakTranscript::new(),
        |stage, v, challenges| {
            if stage == Stage::Helpers {
                drawn += 1;
                balance(&case, v, challenges.try_into().unwrap());
            }
        },
    )
    .unwrap();
    assert_eq!(drawn, 1);
    assert!(!case.accepts(&known, &[], &proof, KeccakTranscript::new()));
}

/// The same for limbs: a number that is in no table replaced by one that is, once the fractions are computed.
#[test]
fn limbs_are_chosen_before_the_challenges() {
    let case = lookups();
    let p = &case.program;
    let v = looked_up(&case);
    let known = known(&v);
    for at in [Stage::Helpers, Stage::CommitHelpers, Stage::Bind] {
        let proof = forged(&known, v.clone(), KeccakTranscript::new(), |stage, v, _| {
            if stage == at {
                assert!(v.set(id(p, "limb"), &[0], 300));
                set_sum(&case, v);
            }
        })
        .unwrap();
        assert!(
            !case.accepts(&known, &[], &proof, KeccakTranscript::new()),
            "{at:?}"
        );
    }
}

/// The limb that identities have is in no table; the one that fractions have is. Only the claim that the column has the value
/// that the prover sends for it tells them apart.
#[test]
fn identities_and_lookups_are_about_the_same_limbs() {
    let case = lookups();
    let p = &case.program;
    let mut v = looked_up(&case);
    let limb = id(p, "limb");
    // Multiplicities are those of the limb in the table.
    assert!(v.set(limb, &[0], 300));
    set_sum(&case, &mut v);
    let known = known(&v);
    let mut changes = 0;
    let proof = forged(&known, v, KeccakTranscript::new(), |stage, v, _| {
        let value = match stage {
            Stage::Helpers | Stage::Sumcheck => 7,
            Stage::Bind | Stage::Columns => 300,
            _ => return,
        };
        changes += 1;
        assert!(v.set(limb, &[0], value));
    })
    .unwrap();
    assert_eq!(changes, 4);
    assert!(!case.accepts(&known, &[], &proof, KeccakTranscript::new()));
}

/// A helper is a sum of fractions in each row, and all helpers add up to zero.
#[test]
fn helpers_are_what_they_should_be() {
    let case = lookups();
    let p = &case.program;
    let mut v = looked_up(&case);
    assert!(v.set(id(p, "limb"), &[0], 300));
    set_sum(&case, &mut v);
    let known = known(&v);
    let helper = case.column(ColumnKind::Helper(0));
    // Another helper, whose sum is zero: its equation fails in the last row.
    let mut changed = 0;
    let proof = forged(&known, v, KeccakTranscript::new(), |stage, v, _| {
        if stage == Stage::CommitHelpers {
            let sum: Fr = case
                .layout
                .groups
                .iter()
                .flat_map(|g| {
                    (0..64)
                        .map(|row| v.column(g.helper).get(row))
                        .collect::<Vec<_>>()
                })
                .sum();
            assert_ne!(sum, Fr::ZERO);
            v.column_mut(helper).set_field(63, -sum);
            changed += 1;
        }
    })
    .unwrap();
    assert_eq!(changed, 1);
    assert!(!case.accepts(&known, &[], &proof, KeccakTranscript::new()));
}

/// `x − y` for each index, and nothing in a table.
fn equality() -> Case {
    let mut p = Program::new();
    let t = p.new_axis("t", 16);
    let [x, y] = ["x", "y"].map(|name| p.new_tensor(name, &[t], Role::Witness));
    p.zero("equal", &[t], p.use_of(x) - p.use_of(y));
    let sum = p.new_tensor("sum", &[], Role::Witness);
    p.zero("sum", &[], p.use_of(x) - p.use_of(sum));
    Case::new(p, 6)
}

/// Identities are checked at one point only: whoever knows it satisfies them there.
#[test]
fn witnesses_are_chosen_before_the_point() {
    let case = equality();
    let p = &case.program;
    let mut v = Values::new(p, &case.layout, vec![]);
    v.fill(id(p, "x"), |at| at[0] as i128 + 1).unwrap();
    v.fill(id(p, "sum"), |_| 136).unwrap();
    v.fill(id(p, "y"), |at| at[0] as i128 + 1).unwrap();
    assert!(proves(v.clone()));
    // Two cells of `y` are changed so that its extension at a point is the same.
    let change = |v: &mut Values<'_>, point: &[Fr]| {
        let weights = kernel::equal_table(point);
        let y = |i: usize| match i {
            0 => Fr::from(1 + 100),
            1 => Fr::from(2) - Fr::from(100) * weights[0] * weights[1].invert().unwrap(),
            i => Fr::from(i as u64 + 1),
        };
        v.fill_field(id(p, "y"), |at| y(at[0]));
        assert!(p.check(v).is_err());
    };
    let known = nothing_known();
    // Two challenges of lookups come first, though there are none.
    let point: Vec<Fr> = (2..6).map(Predictable::challenge).collect();
    let mut forewarned = v.clone();
    change(&mut forewarned, &point);
    let proof = forged(
        &known,
        forewarned.clone(),
        Predictable::default(),
        |_, _, _| {},
    )
    .unwrap();
    assert!(case.accepts(&known, &[], &proof, Predictable::default()));
    assert!(!proves(forewarned));
    let proof = forged(&known, v, KeccakTranscript::new(), |stage, v, drawn| {
        if stage == Stage::Bind {
            change(v, &drawn[..4]);
        }
    })
    .unwrap();
    assert!(!case.accepts(&known, &[], &proof, KeccakTranscript::new()));
}

/// Identities have weights of their own: errors of two do not cancel.
#[test]
fn errors_of_two_identities_do_not_cancel() {
    let mut p = Program::new();
    let t = p.new_axis("t", 16);
    let [x, y, z] = ["x", "y", "z"].map(|name| p.new_tensor(name, &[t], Role::Witness));
    p.zero("x is y", &[t], p.use_of(x) - p.use_of(y));
    p.zero("y is z", &[t], p.use_of(y) - p.use_of(z));
    p.zero(
        "products",
        &[t],
        p.use_of(x) * p.use_of(x) - p.use_of(z) * p.use_of(z),
    );
    let case = Case::new(p, 6);
    let p = &case.program;
    let mut v = Values::new(p, &case.layout, vec![]);
    for name in ["x", "y", "z"] {
        v.fill(id(p, name), |at| at[0] as i128 + 1).unwrap();
    }
    assert!(proves(v.clone()));
    // x − y = −(y − z), and x² = z².
    v.fill(id(p, "y"), |at| at[0] as i128 * 3).unwrap();
    assert_eq!(p.failures(&v).len(), 2);
    assert!(!proves(v));
}

/// Weights other than the registered ones, with all that follows from them: the statement has other commitments.
#[test]
fn other_weights_are_refused() {
    let mut p = Program::new();
    let [i, o] = ["i", "o"].map(|name| p.new_axis(name, 8));
    let w = p.new_tensor("w", &[i, o], Role::Weight { wide: false });
    let x = p.new_tensor("x", &[i], Role::Activation);
    let y = p.new_tensor("y", &[o], Role::Activation);
    p.zero("product", &[o], p.use_of(x) * p.use_of(w) - p.use_of(y));
    let case = Case::new(p, 6);
    let p = &case.program;
    let of = |weight: fn(i128, i128) -> i128| {
        let mut v = Values::new(p, &case.layout, vec![]);
        v.fill(w, |at| weight(at[0] as i128, at[1] as i128))
            .unwrap();
        v.fill(x, |at| at[0] as i128 - 3).unwrap();
        let y_of = |o| (0..8).map(|i| (i - 3) * weight(i, o)).sum();
        v.fill(y, |at| y_of(at[0] as i128)).unwrap();
        assert_eq!(p.check(&v), Ok(()));
        v
    };
    let (honest, other) = (of(|i, o| i * o + 1), of(|i, o| i + 5 * o - 2));
    let registered = known(&honest);
    let own = known(&other);
    let proof = forged(&own, other.clone(), KeccakTranscript::new(), |_, _, _| {}).unwrap();
    assert!(case.accepts(&own, &[], &proof, KeccakTranscript::new()));
    for column in registered.points().keys() {
        // One commitment of the statement is the registered one.
        let mut points = own.points().clone();
        points.insert(*column, registered.points()[column]);
        let known = Known::unchecked(points);
        let proof = forged(&known, other.clone(), KeccakTranscript::new(), |_, _, _| {}).unwrap();
        assert!(!case.accepts(&known, &[], &proof, KeccakTranscript::new()));
    }
    // The transposed matrix, as if it were this one.
    let mut turned = honest.clone();
    turned
        .fill(w, |at| (at[0] as i128 + 5 * at[1] as i128) * 2)
        .unwrap();
    let mut back = honest;
    back.fill(w, |at| (at[1] as i128 + 5 * at[0] as i128) * 2)
        .unwrap();
    let y_of = |o: i128| (0..8).map(|i| (i - 3) * (i + 5 * o) * 2).sum();
    for (v, is_right) in [(&mut turned, true), (&mut back, false)] {
        v.fill(y, |at| y_of(at[0] as i128)).unwrap();
        assert_eq!(p.check(v).is_ok(), is_right);
        assert_eq!(proves(v.clone()), is_right);
    }
}

/// A virtual tensor counts along axes that its definition lacks: `Σ_s (a[t] + b[s])` has `a[t]` once for each `s`.
#[test]
fn virtual_tensors_are_broadcast_along_summed_axes() {
    let mut p = Program::new();
    let [t, s] = ["t", "s"].map(|name| p.new_axis(name, 6));
    let a = p.new_tensor("a", &[t], Role::Witness);
    let b = p.new_tensor("b", &[s], Role::Witness);
    let expression = p.use_of(a) + p.use_of(b);
    let v = p.new_tensor(
        "v",
        &[t, s],
        Role::Virtual(nanozk_circuit::Virtual { expression }),
    );
    let y = p.new_tensor("y", &[t], Role::Witness);
    p.zero("sum", &[t], p.use_of(v) - p.use_of(y));
    // The other way round, in a product, and in one factor with a tensor that is committed.
    let z = p.new_tensor("z", &[t], Role::Witness);
    let (turned, a_, b_) = (p.use_at(v, &[s, t]), p.use_of(a), p.use_of(b));
    p.zero("product", &[t], (turned + b_) * a_ - p.use_of(z));
    let case = Case::new(p, 6);
    let p = &case.program;
    for (lens, is_right) in [(6, true), (1, false)] {
        let mut v = Values::new(p, &case.layout, vec![]);
        v.fill(id(p, "a"), |at| at[0] as i128 + 3).unwrap();
        v.fill(id(p, "b"), |at| at[0] as i128 * 7).unwrap();
        v.fill(id(p, "y"), |at| (at[0] as i128 + 3) * lens + 7 * 15)
            .unwrap();
        // Σ_s (a[s] + b[t] + b[s])·a[t]
        v.fill(id(p, "z"), |at| {
            (15 + 18 + at[0] as i128 * 7 * lens + 7 * 15) * (at[0] as i128 + 3)
        })
        .unwrap();
        assert_eq!(p.check(&v).is_ok(), is_right);
        assert_eq!(proves(v), is_right);
    }
}

/// A sumcheck of a false claim, run as if it were true; or one that departs from its claim in the first round, so that only
/// what its end leaves for the mask tells.
#[test]
fn sumchecks_end_in_what_is_claimed() {
    let mut p = Program::new();
    let t = p.new_axis("t", 16);
    let [x, y, z] = ["x", "y", "z"].map(|name| p.new_tensor(name, &[t], Role::Witness));
    p.zero("product", &[t], p.use_of(x) * p.use_of(y) - p.use_of(z));
    let direct = Case::new(p.clone(), 6);
    // The same, with a product that is not committed: the first level has no sumcheck, the second this one.
    let mut q = Program::new();
    let t = q.new_axis("t", 16);
    let [x, y, z] = ["x", "y", "z"].map(|name| q.new_tensor(name, &[t], Role::Witness));
    let one = q.new_tensor("one", &[t], Role::Witness);
    let expression = q.use_of(x) * q.use_of(y) - q.use_of(z);
    let virtual_ = nanozk_circuit::Virtual { expression };
    let v = q.new_tensor("v", &[t], Role::Virtual(virtual_));
    q.zero("zero", &[t], q.use_of(v) * q.use_of(one));
    let deferred = Case::new(q, 6);
    for (case, level) in [(&direct, 0), (&deferred, 1)] {
        let p = &case.program;
        let mut v = Values::new(p, &case.layout, vec![]);
        for (name, by) in [("x", 3), ("y", 5), ("z", 15)] {
            v.fill(id(p, name), |at| {
                by * (at[0] as i128 + 1).pow(1 + u32::from(by == 15))
            })
            .unwrap();
        }
        if let Some(one) = p.named("one") {
            v.fill(one, |_| 1).unwrap();
        }
        assert!(proves(v.clone()));
        let honest = forged(
            &nothing_known(),
            v.clone(),
            Predictable::default(),
            |_, _, _| {},
        );
        // Challenges do not follow from what is said, so what is said can be changed afterwards.
        let at = match level {
            0 => 0,
            // The linear part; rounds, the last of which has the masks of two vectors; their values.
            _ => 1 + 3 * 3 + 5 + 2,
        };
        let honest = honest.unwrap();
        let statement = Statement {
            program: p,
            layout: &case.layout,
            inputs: &[],
            known: &nothing_known(),
        };
        let is_accepted = |proof: &Proof| accepted(&statement, proof, Predictable::default());
        assert!(is_accepted(&honest));
        for scalar in [at, at + 1] {
            let mut changed = honest.clone();
            changed.scalars[scalar] += Fr::ONE;
            assert!(!is_accepted(&changed));
        }
    }
}

/// `x·y = z` for each index, with its values.
fn product() -> Case {
    let mut p = Program::new();
    let t = p.new_axis("t", 16);
    let [x, y, z] = ["x", "y", "z"].map(|name| p.new_tensor(name, &[t], Role::Witness));
    p.zero("product", &[t], p.use_of(x) * p.use_of(y) - p.use_of(z));
    Case::new(p, 6)
}

/// Two wrong values, of which one makes up for the other: claims have weights of their own.
#[test]
fn errors_of_two_claims_do_not_cancel() {
    let case = product();
    let p = &case.program;
    let mut v = Values::new(p, &case.layout, vec![]);
    let cell = |at: &[usize]| at[0] as i128 + 1;
    v.fill(id(p, "x"), |at| 3 * cell(at)).unwrap();
    v.fill(id(p, "y"), |at| 5 * cell(at)).unwrap();
    v.fill(id(p, "z"), |at| 15 * cell(at).pow(2)).unwrap();
    let known = nothing_known();
    let mut proof = forged(&known, v, Predictable::default(), |_, _, _| {}).unwrap();
    let is_accepted = |proof: &Proof| case.accepts(&known, &[], proof, Predictable::default());
    assert!(is_accepted(&proof));
    // The linear part is one more than it is, so that the sumcheck is for one less: in each round the linear coefficient
    // takes the difference, and at the end it is the product of all variables. The constant coefficient of the last round
    // changes that to minus one, which is then said to be the mask's.
    let before = 2 + 4 + 1 + 6 + 1;
    let x: Vec<Fr> = (before..before + 4).map(Predictable::challenge).collect();
    let slope = Fr::ONE - x[3].double();
    proof.scalars[0] += Fr::ONE;
    assert!(!is_accepted(&proof));
    // Three rounds of degree 3 come before.
    proof.scalars[1 + 3 * 3] += (x.iter().product::<Fr>() - Fr::ONE) * slope.invert().unwrap();
    assert!(!is_accepted(&proof));
}

/// The same for columns of limbs: lookups see 0 where identities see 293 and -293.
#[test]
fn errors_of_two_columns_do_not_cancel() {
    let mut p = Program::new();
    let t = p.new_axis("t", 64);
    let range = p.range(3);
    let [a, b] = ["a", "b"].map(|name| p.new_tensor(name, &[t], Role::Limb { range }));
    let sum = p.new_tensor("sum", &[], Role::Witness);
    let all = p.use_of(a) + p.use_of(b) * 3;
    p.zero("sum", &[], all - p.use_of(sum));
    let case = Case::new(p, 6);
    let p = &case.program;
    // Each has a column of its own.
    let columns = [0, 1].map(|lane| case.column(ColumnKind::Limb(lane)));
    let mut v = Values::new(p, &case.layout, vec![]);
    v.fill(a, |at| at[0] as i128 % 8).unwrap();
    v.fill(b, |at| at[0] as i128 / 8).unwrap();
    v.look_up().unwrap();
    let small = columns.map(|id| v.column(id).clone());
    let by = Fr::from(293);
    let large: Vec<ColumnData> = small
        .iter()
        .zip([by, -by])
        .map(|(data, by)| {
            let mut cells: Vec<Fr> = (0..64).map(|row| data.get(row)).collect();
            assert_eq!(cells[0], Fr::ZERO);
            cells[0] = by;
            ColumnData::Field(Arc::new(cells))
        })
        .collect();
    let witness = case.column(ColumnKind::Witness(0));
    let honest = Fr::from(8 * 28 + 3 * 8 * 28);
    v.fill_field(sum, |_| honest);
    // Columns of a single row have no opening.
    v.column_mut(witness).set_field(63, Fr::from(5));
    assert!(proves(v.clone()));
    v.fill_field(sum, |_| honest + by - by * Fr::from(3));
    let known = known(&v);
    let proof = forged(&known, v, KeccakTranscript::new(), |stage, v, _| {
        let cells = match stage {
            Stage::Helpers | Stage::Sumcheck => &small[..],
            Stage::Commit | Stage::Bind | Stage::Columns => &large,
            _ => return,
        };
        for (id, data) in columns.iter().zip(cells) {
            v.set_column(*id, data.clone());
        }
    })
    .unwrap();
    assert!(!case.accepts(&known, &[], &proof, KeccakTranscript::new()));
}

/// A sumcheck of products with more rounds than that of lookups.
#[test]
fn products_may_have_more_variables_than_columns() {
    let mut p = Program::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| p.new_axis(name, 8));
    let range = p.range(4);
    let [x, y, z] = [("x", [a, b]), ("y", [b, c]), ("z", [a, c])]
        .map(|(name, axes)| p.new_tensor(name, &axes, Role::Limb { range }));
    let sum = p.new_tensor("sum", &[a], Role::Witness);
    let all = p.use_of(x) * p.use_of(y) * p.use_of(z);
    p.zero("sum", &[a], all - p.use_of(sum));
    let case = Case::new(p, 7);
    let p = &case.program;
    let mut v = Values::new(p, &case.layout, vec![]);
    let cell = |i: usize, j: usize| (3 * i + 5 * j) as i128 % 16;
    for tensor in [x, y, z] {
        v.fill(tensor, |at| cell(at[0], at[1])).unwrap();
    }
    v.look_up().unwrap();
    v.fill(sum, |at| {
        let pairs = (0..8).flat_map(|b| (0..8).map(move |c| (b, c)));
        pairs
            .map(|(b, c)| cell(at[0], b) * cell(b, c) * cell(at[0], c))
            .sum()
    })
    .unwrap();
    assert_eq!(p.check(&v), Ok(()));
    assert!(proves(v.clone()));
    assert!(v.set(sum, &[5], 1));
    assert!(!proves(v));
}

/// A product of single values has no variable by which they could be masked, unless one of its axes is summed over; and
/// there are as many masks as random cells.
#[test]
fn what_nothing_hides_is_not_proved() {
    let of = |case: &Case, fill: fn(&mut Values<'_>)| {
        let mut v = Values::new(&case.program, &case.layout, vec![]);
        fill(&mut v);
        assert_eq!(case.program.check(&v), Ok(()));
        forged(&nothing_known(), v, KeccakTranscript::new(), |_, _, _| {})
    };
    // An axis of one index has no variable.
    let build = |scalar: bool| {
        let mut p = Program::new();
        let (one, t) = (p.new_axis("one", 1), p.new_axis("t", 8));
        let own = if scalar { vec![] } else { vec![t] };
        let x = p.new_tensor("x", &[one], Role::Witness);
        let y = p.new_tensor("y", &own, Role::Witness);
        let all = [&[one], &own[..]].concat();
        let z = p.new_tensor("z", &all, Role::Witness);
        p.zero("product", &all, p.use_of(x) * p.use_of(y) - p.use_of(z));
        Case::new(p, 6)
    };
    let fill: fn(&mut Values<'_>) = |v| {
        let p = v.program();
        v.fill(id(p, "x"), |_| 7).unwrap();
        v.fill(id(p, "y"), |at| 3 + at.iter().sum::<usize>() as i128)
            .unwrap();
        v.fill(id(p, "z"), |at| 7 * (3 + at.iter().sum::<usize>() as i128))
            .unwrap();
    };
    // It is known before a proof is made.
    let hidden = |case: &Case| check_hiding(&case.program, &case.layout);
    assert_eq!(of(&build(true), fill), Err(Error::Unhidden));
    assert_eq!(hidden(&build(true)), Err(Error::Unhidden));
    let case = build(false);
    assert_eq!(hidden(&case), Ok(()));
    let proof = of(&case, fill).unwrap();
    assert!(case.accepts(&nothing_known(), &[], &proof, KeccakTranscript::new()));

    // A power: a mask's coefficient for each degree of each of six rounds.
    let power = |n: usize| {
        let mut p = Program::new();
        let t = p.new_axis("t", 64);
        let [x, y] = ["x", "y"].map(|name| p.new_tensor(name, &[t], Role::Witness));
        let product = (1..n).fold(p.use_of(x), |product, _| product * p.use_of(x));
        p.zero("power", &[t], product - p.use_of(y));
        Case::new(p, 6)
    };
    let ones: fn(&mut Values<'_>) = |v| {
        for name in ["x", "y"] {
            v.fill(id(v.program(), name), |at| i128::from(at[0] % 3 > 0))
                .unwrap();
        }
    };
    // One coefficient, then those of five rounds and of the last, and the mask of `x`: 1 + 5·9 + 17 + 1 = 64.
    assert!(of(&power(8), ones).is_ok() && hidden(&power(8)).is_ok());
    let needed = 1 + 5 * 10 + 19 + 1;
    let few = Err(Error::Masks { needed, cells: 64 });
    assert_eq!(of(&power(9), ones).map(drop), few);
    assert_eq!(hidden(&power(9)), few);
}

/// `2·x·a + 3·x·b` is decided as `x·(2·a + 3·b)`.
#[test]
fn products_that_are_joined_keep_their_weights() {
    let mut p = Program::new();
    let t = p.new_axis("t", 16);
    let [x, a, b, y] = ["x", "a", "b", "y"].map(|name| p.new_tensor(name, &[t], Role::Witness));
    let [x_, a_, b_, y_] = [x, a, b, y].map(|id| p.use_of(id));
    p.zero("sum", &[t], x_.clone() * a_ * 2 + x_ * b_ * 3 - y_);
    let case = Case::new(p, 6);
    let p = &case.program;
    for (weights, is_right) in [([2, 3], true), ([1, 1], false), ([3, 2], false)] {
        let mut v = Values::new(p, &case.layout, vec![]);
        v.fill(x, |at| at[0] as i128 + 1).unwrap();
        v.fill(a, |at| at[0] as i128 * 5 - 7).unwrap();
        v.fill(b, |at| 4 - at[0] as i128).unwrap();
        v.fill(y, |at| {
            let t = at[0] as i128;
            (t + 1) * (weights[0] * (t * 5 - 7) + weights[1] * (4 - t))
        })
        .unwrap();
        assert_eq!(p.check(&v).is_ok(), is_right);
        assert_eq!(proves(v), is_right);
    }
}
