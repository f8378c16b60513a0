//! One node: how it does, and how fast it may be asked.

use super::*;

/// What a failure says about the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Another process may answer there next time.
    Broken,
    /// It is there, but in trouble.
    Troubled,
    /// It is on another chain.
    WrongChain,
}

/// A request that a node did not answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) reason: String,
    pub(super) wait: Option<Duration>,
    /// It did not answer in time.
    pub(super) slow: bool,
}

impl Failure {
    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Failure {
            kind: Kind::Broken,
            reason: reason.into(),
            wait: None,
            slow: false,
        }
    }

    pub(super) fn troubled(reason: impl Into<String>) -> Self {
        Failure {
            kind: Kind::Troubled,
            ..Failure::broken(reason)
        }
    }

    pub(super) fn of_http(error: HttpError) -> Self {
        let slow = error.is_timeout();
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        Failure {
            slow,
            ..Failure::broken(reason)
        }
    }

    /// Says what was not answered, and how long it was waited for, if that is what happened.
    pub(super) fn of(self, method: &str, waited: Duration) -> Self {
        match self.slow {
            true => Failure {
                reason: format!("no answer to {method} within {}", span(waited)),
                ..self
            },
            false => self,
        }
    }
}

/// Changing facts of a node.
#[derive(Debug)]
pub(super) struct State {
    pub(super) score: u8,
    pub(super) requests: u64,
    pub(super) failures: u64,
    pub(super) last_error: Option<String>,
    failed_at: Option<Instant>,
    pub(super) chain: Chain,
    /// Failures since the last answer, without those that came while it rested.
    pub(super) streak: u32,
    /// When it is worth another try.
    pub(super) retry_at: Instant,
    /// When it wants to be asked again.
    quiet_until: Option<Instant>,
}

impl State {
    pub(super) fn rests(&self, now: Instant) -> bool {
        self.score < LOW && now < self.retry_at
    }

    pub(super) fn quiet_for(&self, now: Instant) -> Option<Duration> {
        let rest = self.quiet_until?.saturating_duration_since(now);
        (!rest.is_zero()).then_some(rest)
    }
}

pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) node: String,
    /// Parts of the address that must not be shown.
    pub(super) secrets: Vec<String>,
    pub(super) state: Mutex<State>,
}

impl Endpoint {
    pub(super) fn new(url: Url) -> Self {
        Endpoint {
            node: node_name(&url),
            secrets: secrets(&url),
            url,
            state: Mutex::new(State {
                score: FULL,
                requests: 0,
                failures: 0,
                last_error: None,
                failed_at: None,
                chain: Chain::Unknown,
                streak: 0,
                retry_at: Instant::now(),
                quiet_until: None,
            }),
        }
    }

    /// A thread that panicked leaves nothing half done here.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text of the node or about it, without secrets and of a bearable length.
    pub(super) fn presentable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "…");
        }
        presentable(&text)
    }

    pub(super) fn answered(&self, pace: &Pace) {
        let mut state = self.state();
        state.score = state.score.saturating_add(GAIN).min(FULL);
        state.streak = 0;
        state.quiet_until = None;
        state.retry_at = Instant::now() + pace.rest_after(1);
    }

    pub(super) fn failed(&self, failure: Failure, pace: &Pace) -> Unanswered {
        let now = Instant::now();
        let reason = self.presentable(&failure.reason);
        let mut state = self.state();
        state.failures += 1;
        state.last_error = Some(reason.clone());
        state.failed_at = Some(now);
        state.score /= 2;
        match failure.kind {
            Kind::Broken => state.chain = Chain::Unknown,
            Kind::Troubled => {}
            Kind::WrongChain => {
                state.chain = Chain::Wrong;
                state.score = 0;
            }
        }
        // Requests that run side by side fail together, which counts once.
        if now >= state.retry_at || state.streak == 0 {
            state.streak = state.streak.saturating_add(1);
            state.retry_at = now + pace.rest_after(state.streak);
        }
        if let Some(wait) = failure.wait {
            state.quiet_until = Some(now + wait.min(RETRY_AFTER_CAP));
        }
        Unanswered {
            node: self.node.clone(),
            reason,
            slow: failure.slow,
        }
    }

    pub(super) fn health(&self) -> Health {
        let now = Instant::now();
        let state = self.state();
        Health {
            node: self.node.clone(),
            score: state.score,
            requests: state.requests,
            failures: state.failures,
            last_error: state.last_error.clone(),
            failed_ago: state.failed_at.map(|at| now.duration_since(at).as_secs()),
            usable: state.chain != Chain::Wrong
                && !state.rests(now)
                && state.quiet_for(now).is_none(),
        }
    }
}
