use super::*;
use std::sync::atomic::AtomicU64;

#[tokio::test]
async fn a_round_is_given_up_only_if_nothing_happens() {
    let moment = Duration::from_millis(20);
    let hung = while_it_goes_on(moment, || (3, 4), std::future::pending::<Result<(), _>>());
    assert!(matches!(hung.await, Err(Error::Hung(_))));
    // However long it takes: the counter is looked at once in that time, and each look finds another step.
    let steps = AtomicU64::new(0);
    let slow = async {
        while steps.load(Ordering::Relaxed) < 20 {
            tokio::time::sleep(moment / 4).await;
        }
        Ok::<_, Error>(7)
    };
    let count = || (steps.fetch_add(1, Ordering::Relaxed), 0);
    assert_eq!(
        while_it_goes_on(moment, count, slow).await.expect("done"),
        7
    );
}

#[test]
fn the_chains_time_runs_on_while_rounds_fail() {
    let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
    let live = Live {
        now: ago(25).map(|then| (1_000, then)),
        due: Some(1_100),
        seen: ago(40),
        ..Live::default()
    };
    assert!((1_025..1_100).contains(&live.time()), "{}", live.time());
    let metrics = Metrics::new().expect("made");
    live.run_on(&metrics);
    assert!(metrics.slack.get() <= 75.0 && metrics.head_age.get() >= 40.0);
    assert_eq!(Live::default().time(), 0);
}
