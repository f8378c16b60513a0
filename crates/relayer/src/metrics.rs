//! What operators watch. The first figure is the least time to a deadline.

use crate::error::Error;
use crate::store::Status;
use prometheus::{
    Encoder, Gauge, GaugeVec, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Seconds to the earliest deadline of ours; infinite if nothing is due.
    pub slack: Gauge,
    /// Whether the last round succeeded.
    pub ready: IntGauge,
    /// Newest block.
    pub head: IntGauge,
    /// Seconds since a new block was seen.
    pub head_age: Gauge,
    /// Claims.
    pub claims: IntGaugeVec,
    /// Claims with an error.
    pub faults: IntGauge,
    /// Transactions, by status.
    pub intents: IntGaugeVec,
    /// Those included since the start.
    pub included: IntCounter,
    /// ETH of the account.
    pub balance: Gauge,
    /// ETH of fees in the last day.
    pub spent: Gauge,
    /// Stakes, bonds and prices of open claims, in ETH.
    pub exposure: GaugeVec,
    /// Scores of the nodes.
    pub nodes: IntGaugeVec,
    /// Proofs that wait, and what is expected to be left of them.
    pub backlog: IntGauge,
    /// Seconds of it.
    pub backlog_seconds: Gauge,
    /// Rounds since the start.
    pub rounds: IntCounter,
    /// Rounds that failed.
    pub errors: IntCounter,
    /// Methods that no node answers in time.
    pub slow: IntGauge,
    /// Seconds of the last round.
    pub round: Gauge,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Result<Self, Error> {
        let registry = Registry::new();
        let wrong = |e: prometheus::Error| Error::Config(format!("metrics: {e}"));
        macro_rules! made {
            ($made:expr) => {{
                let made = $made.map_err(wrong)?;
                registry.register(Box::new(made.clone())).map_err(wrong)?;
                made
            }};
        }
        let metrics = Metrics {
            slack: made!(Gauge::new(
                "nanozk_deadline_slack_seconds",
                "Least time to a deadline of ours, by the chain's clock; +Inf if nothing is due"
            )),
            ready: made!(IntGauge::new(
                "nanozk_ready",
                "1 if the last round succeeded"
            )),
            head: made!(IntGauge::new("nanozk_head_block", "Newest block")),
            head_age: made!(Gauge::new(
                "nanozk_head_age_seconds",
                "Time since the newest block was first seen"
            )),
            claims: made!(IntGaugeVec::new(
                Opts::new("nanozk_claims", "Claims by whether anything is left to do"),
                &["state"]
            )),
            faults: made!(IntGauge::new(
                "nanozk_claims_with_error",
                "Open claims that have an error"
            )),
            intents: made!(IntGaugeVec::new(
                Opts::new("nanozk_transactions", "Transactions by status"),
                &["status"]
            )),
            included: made!(IntCounter::new(
                "nanozk_transactions_included_total",
                "Transactions that were included since the start"
            )),
            balance: made!(Gauge::new(
                "nanozk_balance_eth",
                "Balance of the sending account"
            )),
            spent: made!(Gauge::new(
                "nanozk_fees_day_eth",
                "Fees of the last day, and most that pending transactions may cost"
            )),
            exposure: made!(GaugeVec::new(
                Opts::new(
                    "nanozk_exposure_eth",
                    "Money in open claims whose asset is ETH"
                ),
                &["kind"]
            )),
            nodes: made!(IntGaugeVec::new(
                Opts::new("nanozk_node_score", "Health of the nodes, of 100"),
                &["node"]
            )),
            backlog: made!(IntGauge::new(
                "nanozk_proofs_waiting",
                "Claims that wait for proofs"
            )),
            backlog_seconds: made!(Gauge::new(
                "nanozk_proofs_waiting_seconds",
                "Time that their proofs are expected to take"
            )),
            rounds: made!(IntCounter::new(
                "nanozk_rounds_total",
                "Rounds since the start, failed ones among them"
            )),
            slow: made!(IntGauge::new(
                "nanozk_slow_methods",
                "Methods that no node answers in time"
            )),
            errors: made!(IntCounter::new(
                "nanozk_round_errors_total",
                "Rounds that failed"
            )),
            round: made!(Gauge::new("nanozk_round_seconds", "Time of the last round")),
            registry,
        };
        // Zero would be an alarm.
        metrics.slack.set(f64::INFINITY);
        Ok(metrics)
    }

    /// Counts of transactions.
    pub fn count_intents(&self, counts: &[(Status, u64)]) {
        for status in Status::ALL {
            let n = counts.iter().find(|c| c.0 == status).map_or(0, |c| c.1);
            self.intents
                .with_label_values(&[status.name()])
                .set(i64::try_from(n).unwrap_or(i64::MAX));
        }
    }

    /// In Prometheus' text format.
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        // Writing to memory does not fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}
