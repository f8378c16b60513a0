use super::*;

/// With what it is expected to take: 10 s for a layer, 20 s for a proof; and a margin of 100 s.
fn runner(start: Start, batch: usize) -> Runner {
    let text = "rpc = 'http://a:1'\ndeployment = 'd.json'\n[signer]\nkind = 'env'\nvariable = 'K'\n\
                [prover]\ncommand = ['nanozk']\nmargin = 100\nseconds_per_layer = 10\nseconds_per_proof = 20\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("relayer.toml");
    std::fs::write(&file, text).expect("written");
    let config = Config::load(Some(&file), [], &[]).expect("valid");
    Runner {
        start,
        batch,
        ..Runner::new(&config)
    }
}

fn id(n: u8) -> B256 {
    B256::repeat_byte(n)
}

fn need(layers: &[usize], by: u64, apart: bool) -> Task {
    Task::Prove(Need {
        layers: layers.to_vec(),
        by,
        apart,
    })
}

fn want(runner: &Runner, n: u8, layers: &[usize], by: u64, apart: bool) {
    let directory = PathBuf::from(format!("s{n}"));
    runner.want(id(n), &directory, Some(need(layers, by, apart)));
}

fn next(runner: &Runner, now: u64) -> Option<(Vec<B256>, String)> {
    let next = runner.next(&mut runner.state(), now)?;
    Some((next.claims, next.arguments.join(" ")))
}

#[test]
fn what_is_due_is_proved_together() {
    let r = runner(Start::Early, 3);
    assert_eq!(next(&r, 0), None);
    for n in 1..=4 {
        want(&r, n, &[0, usize::from(n)], 10_000 - u64::from(n), false);
    }
    let (claims, arguments) = next(&r, 0).expect("wanted");
    // The earliest deadlines first, and no more than allowed.
    assert_eq!(claims, [id(4), id(3), id(2)]);
    let words = "aggregate s4 s3 s2 --layers 0,4 --layers 0,3 --layers 0,2 -o ";
    assert!(arguments.starts_with(words), "{arguments}");
    // The same proof has the same file.
    assert_eq!(next(&r, 1).map(|n| n.1), Some(arguments));
}

#[test]
fn nothing_is_late_because_of_another() {
    let r = runner(Start::Early, 16);
    // Each takes 30 s; of 160 s there are 60 left.
    want(&r, 1, &[0], 160, false);
    want(&r, 2, &[0], 500, false);
    want(&r, 3, &[0], 500, false);
    assert_eq!(next(&r, 0).expect("wanted").0, [id(1), id(2)]);
    assert_eq!(next(&r, 1).expect("wanted").0, [id(1)]);
    // It is late already: nothing makes it later.
    assert_eq!(next(&r, 150).expect("wanted").0, [id(1)]);
    // One that goes apart waits meanwhile, and is not late either.
    want(&r, 1, &[0], 10_000, false);
    want(&r, 2, &[0], 10_001, true);
    want(&r, 3, &[0], 10_002, false);
    assert_eq!(next(&r, 9_809).expect("wanted").0, [id(1), id(3)]);
    assert_eq!(next(&r, 9_812).expect("wanted").0, [id(1)]);
    want(&r, 1, &[0], 10_000, true);
    assert_eq!(next(&r, 0).expect("wanted").0, [id(1)]);
}

#[test]
fn late_proofs_are_begun_when_their_deadlines_say_so() {
    let r = runner(Start::Late, 16);
    want(&r, 1, &[0], 1_000, false);
    want(&r, 2, &[0], 1_010, false);
    want(&r, 3, &[0], 9_000, false);
    assert_eq!(next(&r, 790), None);
    // For the second one it is time, and the first one goes with it.
    assert_eq!(next(&r, 791).expect("due").0, [id(1), id(2)]);
    assert_eq!(next(&r, 850).expect("due").0, [id(1)]);
}

#[test]
fn what_fails_together_is_tried_alone() {
    let r = runner(Start::Early, 16);
    want(&r, 1, &[0], 1_000, false);
    want(&r, 2, &[0], 1_001, false);
    let both = [id(1), id(2)];
    r.state().failed(&both, "it broke".into());
    assert_eq!((r.failure(id(1)), r.done()), (None, both.to_vec()));
    assert_eq!(next(&r, 0).expect("wanted").0, [id(1)]);
    r.state().failed(&both[..1], "it broke".into());
    assert_eq!(r.failure(id(1)).as_deref(), Some("it broke"));
    // The other one does not wait for it.
    assert_eq!(next(&r, 0).expect("wanted").0, [id(2)]);
}

#[test]
fn what_runs_makes_room_if_there_is_time_for_both() {
    let running = |by: u64, seconds: f64| {
        let r = runner(Start::Early, 16);
        r.state().running = Some(Running {
            claims: vec![id(9)],
            tasks: vec![need(&[0], by, false)],
            begun: Instant::now(),
            seconds,
            yields: false,
        });
        r
    };
    // (deadline of what runs, its seconds, deadline of what is urgent, whether it yields)
    for (by, seconds, urgent, expected) in [
        (10_000, 600.0, 400, true),
        // It can wait.
        (10_000, 600.0, 2_000, false),
        // It is lost anyway.
        (10_000, 600.0, 120, false),
        // What runs would be late.
        (700, 590.0, 400, false),
        // It is not more urgent.
        (300, 600.0, 400, false),
    ] {
        let r = running(by, seconds);
        want(&r, 1, &[0], urgent, false);
        r.make_room(&mut r.state(), 0);
        assert_eq!(r.yields(), expected, "{by} {seconds} {urgent}");
    }
}

#[test]
fn times_are_learned_from_what_it_says() {
    let r = runner(Start::Early, 16);
    let mut state = r.state();
    let said = "{\"event\":\"proved\",\"layers\":[0,1],\"wall_s\":40.0}\nno JSON\n\
                {\"event\":\"node\",\"node\":\"x\",\"wall_s\":9.0}\n\
                {\"event\":\"final\",\"final_wall_s\":80.0}\n";
    state.measure(said, 2);
    assert_eq!((state.per_layer, state.per_proof), (15.0, 30.0));
    state.measure("", 2);
    assert_eq!((state.per_layer, state.per_proof), (15.0, 30.0));
}
