//! Farms to which everything happens that can.

use nanozk_farm::board::{Outcome, Rules};
use nanozk_farm::graph::{Cost, Costs, Graph};
use nanozk_farm::simulation::{Absence, Farm, Machine, Report, Who};
use proptest::prelude::*;
use std::time::Duration;

const GIB: u64 = 1 << 30;
const MODEL: u64 = 7;

const fn cost(cpu_seconds: f64, gib: u64) -> Cost {
    Cost {
        cpu_seconds,
        memory: gib * GIB,
    }
}

const COSTS: Costs = Costs {
    node: cost(8.0, 1),
    final_proof: cost(15.0, 1),
};

fn graph(windows: usize) -> Graph {
    Graph::final_proof(&vec![cost(20.0, 2); windows], &COSTS)
}

fn farm(workers: usize) -> Farm {
    Farm::new(vec![Machine::new(4 * GIB, &[MODEL]); workers], MODEL)
}

/// Nothing is lost, and nothing is done more often than the rules say.
fn check(farm: &Farm, report: &Report) {
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert!(report.kept.iter().all(|kept| *kept == 1), "{report:?}");
    let most = farm.rules.attempts;
    assert!(report.attempts.iter().all(|a| (1..=most).contains(a)));
}

#[test]
fn without_faults_everything_is_done_once() {
    for workers in [1, 2, 3, 10, 100] {
        let (farm, graph) = (farm(workers), graph(12));
        let report = farm.run(&graph);
        check(&farm, &report);
        assert!(report.begun.iter().all(|begun| *begun == 1), "{report:?}");
        assert_eq!(report.cpu_seconds.round(), graph.work());
        assert!(report.seconds >= farm.bound(&graph));
    }
}

#[test]
fn two_workers_take_half_as_long_as_one() {
    let graph = graph(12);
    let [one, two] = [1, 2].map(|workers| farm(workers).run(&graph).seconds);
    assert!(one / two > 1.8, "{one} s, {two} s");
}

#[test]
fn weights_are_loaded_where_nobody_has_them() {
    let mut farm = farm(2);
    for machine in &mut farm.machines {
        machine.abilities.models.clear();
    }
    let graph = Graph::joint_proofs(&[cost(20.0, 2); 4]);
    let report = farm.run(&graph);
    check(&farm, &report);
    // Once each.
    assert_eq!(report.seconds.round(), 60.0 + 2.0 * 20.0);
}

#[test]
fn what_fits_nobody_waits_for_ever() {
    let graph = Graph::final_proof(&[cost(20.0, 8)], &COSTS);
    let mut farm = farm(2);
    assert_eq!(farm.run(&graph).outcome, Outcome::Open);
    farm.machines.push(Machine::new(8 * GIB, &[MODEL]));
    check(&farm, &farm.run(&graph));
}

#[test]
fn a_wrong_worker_works_for_nobody() {
    let mut farm = farm(3);
    farm.machines[0].is_wrong = true;
    let graph = graph(9);
    let report = farm.run(&graph);
    check(&farm, &report);
    let aside: Vec<&str> = report.set_aside.iter().map(|w| &w[..]).collect();
    assert_eq!(aside, ["worker-0"]);
    // What it did was done again; and what it took before it could be told.
    let begun: u32 = report.begun.iter().sum();
    let more = begun as usize - graph.tasks().len();
    assert!((1..=2).contains(&more), "{report:?}");
    // With nobody else, nothing is proved, but all comes to an end.
    farm.machines.truncate(1);
    let report = farm.run(&graph);
    assert_eq!(report.outcome, Outcome::Open);
    assert!(report.kept.iter().all(|kept| *kept == 0));
}

#[test]
fn a_slow_worker_holds_nobody_up() {
    let mut farm = farm(8);
    farm.machines[3].speed = 0.01;
    let graph = graph(8);
    let report = farm.run(&graph);
    check(&farm, &report);
    // Alone it would take 2,000 seconds for a joint proof.
    assert!(report.seconds < 200.0, "{report:?}");
}

#[test]
fn everybody_comes_back() {
    let graph = graph(4);
    for who in [Who::Coordinator, Who::Queue, Who::Worker(0), Who::Worker(1)] {
        // At every stage of the proof.
        for second in 0..90 {
            let mut farm = farm(2);
            farm.absences.push(Absence {
                who,
                from: Duration::from_secs(second),
                span: Duration::from_secs(30),
            });
            let report = farm.run(&graph);
            check(&farm, &report);
            // Nothing is begun again but what a lost worker was at, or what seemed lost.
            let begun: u32 = report.begun.iter().sum();
            let more = begun as usize - graph.tasks().len();
            assert!(more <= 3, "{who:?} at {second}: {report:?}");
        }
    }
}

#[test]
fn a_farm_without_workers_waits_for_one() {
    let mut farm = farm(1);
    farm.absences.push(Absence {
        who: Who::Worker(0),
        from: Duration::ZERO,
        span: Duration::from_secs(1_000_000),
    });
    let report = farm.run(&graph(3));
    check(&farm, &report);
    assert!(report.seconds > 1_000_000.0);
}

fn absences(workers: usize) -> impl Strategy<Value = Vec<Absence>> {
    let who = prop_oneof![
        (0..workers).prop_map(Who::Worker),
        Just(Who::Coordinator),
        Just(Who::Queue)
    ];
    let absence = (who, 0_u64..400_000, 1_u64..90_000).prop_map(|(who, from, span)| Absence {
        who,
        from: Duration::from_millis(from),
        span: Duration::from_millis(span),
    });
    proptest::collection::vec(absence, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Kills of everybody, messages that are lost, doubled and late, workers that are slow, and one that is wrong: as long as
    /// attempts are enough, the proof is made, of one valid result for each task.
    #[test]
    fn whatever_happens_nothing_is_lost(
        windows in 1_usize..8,
        speeds in proptest::collection::vec(0.05_f64..2.0, 2..6),
        wrong in any::<bool>(),
        absences in absences(3),
        per_mille in 0_u64..300,
        latency in 1_u64..5_000,
        seed in any::<u64>(),
    ) {
        let mut farm = farm(speeds.len() + 1);
        for (machine, speed) in farm.machines.iter_mut().zip(&speeds) {
            machine.speed = *speed;
        }
        farm.machines[0].is_wrong = wrong;
        // So many kills may come together at one task.
        farm.rules = Rules { attempts: 40, ..Rules::default() };
        farm.absences = absences;
        farm.per_mille = per_mille;
        farm.latency = Duration::from_millis(latency);
        farm.seed = seed;
        let graph = graph(windows);
        let report = farm.run(&graph);
        check(&farm, &report);
        prop_assert!(report.set_aside.len() <= usize::from(wrong));
    }
}
