//! What people and programs read.

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use nanozk_chain::format::duration;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Standard output: text, or one JSON object per line. What could not be written is an error at the end.
#[derive(Debug)]
pub(crate) struct Out {
    json: bool,
    failed: Mutex<Option<String>>,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Out {
            json,
            failed: Mutex::new(None),
        }
    }

    /// Whether programs read.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people.
    pub(crate) fn text(&self, line: impl AsRef<str>) {
        if !self.json {
            self.line(&harmless(line.as_ref()));
        }
    }

    /// An object for programs.
    pub(crate) fn json(&self, value: &Value) {
        if self.json {
            self.line(&value.to_string());
        }
    }

    /// A line for people, on stderr, whatever stdout has.
    pub(crate) fn note(&self, line: impl AsRef<str>) {
        let _ = writeln!(std::io::stderr(), "{}", harmless(line.as_ref()));
    }

    /// Why a command failed.
    pub(crate) fn error(&self, message: &str) {
        self.note(format!("error: {message}"));
        self.json(&serde_json::json!({ "error": message }));
    }

    /// Why a part of the result did not reach whoever reads it, if so.
    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.failed).clone()
    }

    fn line(&self, line: &str) {
        let mut failed = lock(&self.failed);
        if failed.is_some() {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        *failed = written.err().map(|e| match e.kind() {
            std::io::ErrorKind::BrokenPipe => {
                "standard output was closed before the whole result was written".into()
            }
            _ => format!("cannot write the result to standard output: {e}"),
        });
    }
}

/// What others wrote (names of files, fields of a claim, an answer) has no power over a terminal: control characters are
/// escaped, but for those of lines and columns.
fn harmless(text: &str) -> String {
    let shown = |c: char| match c.is_control() && !matches!(c, '\n' | '\t') {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(shown).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds between lines of progress where standard error is no terminal; 0: none.
const INTERVAL_VARIABLE: &str = "NANOZK_PROGRESS_SECONDS";
const INTERVAL: Duration = Duration::from_secs(5);

fn interval() -> Option<Duration> {
    let Ok(text) = std::env::var(INTERVAL_VARIABLE) else {
        return Some(INTERVAL);
    };
    match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|d| !d.is_zero()),
        Err(_) => Some(INTERVAL),
    }
}

/// How far something is.
#[derive(Debug)]
struct Work {
    message: String,
    steps: (u64, u64),
    /// Of the steps by what they cost, in any unit: steps may differ much.
    cost: (f64, f64),
    start: Instant,
    /// When the last step was done.
    last: Instant,
}

impl Work {
    fn advance(&mut self, steps: u64, cost: f64) {
        self.steps.0 = steps;
        self.cost.0 = cost;
        self.last = Instant::now();
    }

    /// Seconds that are left if the rest goes as what was done did; none before anything is done.
    fn left(&self, now: Instant) -> Option<f64> {
        let (done, all) = self.cost;
        if !(done > 0.0 && all > done) {
            return None;
        }
        let spent = (self.last - self.start).as_secs_f64();
        let since = (now - self.last).as_secs_f64();
        Some((spent / done * (all - done) - since).max(0.0))
    }

    /// `proving: 3 of 26, 1 min 20 s so far, about 4 min left`.
    fn line(&self, now: Instant) -> String {
        let mut line = match self.message.is_empty() {
            true => "working".to_owned(),
            false => self.message.clone(),
        };
        if self.steps.1 > 0 {
            line += &format!(": {} of {}", self.steps.0, self.steps.1);
        }
        line += &format!(", {} so far", duration((now - self.start).as_secs()));
        if let Some(left) = self.left(now) {
            line += &format!(", about {} left", duration(left.round() as u64));
        }
        line
    }
}

/// A bar or a spinner on a terminal; elsewhere a line every few seconds.
#[derive(Debug)]
pub(crate) struct Progress {
    work: Arc<Mutex<Work>>,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Terminal(ProgressBar),
    /// The thread ends when its channel does.
    Log(Option<(Sender<()>, JoinHandle<()>)>),
}

impl Progress {
    fn new(message: &str, len: usize) -> Self {
        let now = Instant::now();
        let work = Arc::new(Mutex::new(Work {
            message: message.to_owned(),
            steps: (0, len as u64),
            cost: (0.0, len as f64),
            start: now,
            last: now,
        }));
        let shown = if std::io::stderr().is_terminal() {
            Shown::Terminal(terminal(&work, len))
        } else {
            Shown::Log(interval().map(|every| log(&work, every)))
        };
        Progress { work, shown }
    }

    /// Something of unknown length.
    pub(crate) fn spinner(message: &str) -> Self {
        Self::new(message, 0)
    }

    /// `len` steps.
    pub(crate) fn bar(message: &str, len: usize) -> Self {
        Self::new(message, len)
    }

    pub(crate) fn message(&self, message: &str) {
        lock(&self.work).message = message.to_owned();
        if let Shown::Terminal(bar) = &self.shown {
            bar.set_message(message.to_owned());
        }
    }

    pub(crate) fn set(&self, done: usize, len: usize) {
        let mut work = lock(&self.work);
        work.steps.1 = len as u64;
        work.cost.1 = len as f64;
        work.advance(done as u64, done as f64);
        drop(work);
        if let Shown::Terminal(bar) = &self.shown {
            bar.set_length(len as u64);
            bar.set_position(done as u64);
        }
    }

    /// What all steps cost together, for steps that differ.
    pub(crate) fn costs(&self, all: f64) {
        lock(&self.work).cost.1 = all;
    }

    pub(crate) fn step(&self) {
        self.step_of(1.0);
    }

    /// A step of that cost.
    pub(crate) fn step_of(&self, cost: f64) {
        let mut work = lock(&self.work);
        let (steps, done) = (work.steps.0 + 1, work.cost.0 + cost);
        work.advance(steps, done);
        drop(work);
        if let Shown::Terminal(bar) = &self.shown {
            bar.inc(1);
        }
    }

    /// A step that was done before: what is left does not depend on it.
    pub(crate) fn skip(&self, cost: f64) {
        let mut work = lock(&self.work);
        work.steps.0 += 1;
        work.cost.1 -= cost;
        drop(work);
        if let Shown::Terminal(bar) = &self.shown {
            bar.inc(1);
        }
    }

    /// Prints something above the bar.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        match &self.shown {
            Shown::Terminal(bar) => bar.suspend(print),
            Shown::Log(_) => print(),
        }
    }
}

fn terminal(work: &Arc<Mutex<Work>>, len: usize) -> ProgressBar {
    let bar = match len {
        0 => ProgressBar::new_spinner(),
        _ => ProgressBar::new(len as u64),
    };
    bar.set_message(lock(work).message.clone());
    let work = work.clone();
    // The template's own times are whole minutes, and its estimate takes all steps for equal.
    let times = move |_: &ProgressState, w: &mut dyn std::fmt::Write| {
        let work = lock(&work);
        let now = Instant::now();
        let _ = write!(w, "{}", duration((now - work.start).as_secs()));
        if let Some(left) = work.left(now) {
            let _ = write!(w, ", about {} left", duration(left.round() as u64));
        }
    };
    let template = match len {
        0 => "{spinner} {msg} {times}",
        _ => "{msg:<32} {bar:30} {pos}/{len} {times}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("times", times));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

fn log(work: &Arc<Mutex<Work>>, every: Duration) -> (Sender<()>, JoinHandle<()>) {
    let work = work.clone();
    let (end, ended) = channel();
    let thread = std::thread::spawn(move || {
        while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            let line = lock(&work).line(Instant::now());
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    });
    (end, thread)
}

impl Drop for Progress {
    fn drop(&mut self) {
        match &mut self.shown {
            Shown::Terminal(bar) => bar.finish_and_clear(),
            Shown::Log(log) => {
                if let Some((end, thread)) = log.take() {
                    drop(end);
                    let _ = thread.join();
                }
            }
        }
    }
}

/// `1 layer`, `2 layers`.
pub(crate) fn count(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(n as u64))
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Bytes in a unit people read.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..=9_999 => format!("{} B", thousands(n)),
        10_000..=9_999_999 => format!("{:.1} kB", n as f64 / 1e3),
        10_000_000..=9_999_999_999 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_what_was_done() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut work = Work {
            message: "proving".into(),
            steps: (0, 4),
            cost: (0.0, 10.0),
            start,
            last: start,
        };
        assert_eq!(work.line(at(75)), "proving: 0 of 4, 1 min 15 s so far");
        // One step of ten units' six took a minute: forty seconds are left.
        (work.steps.0, work.cost.0, work.last) = (1, 6.0, at(60));
        assert_eq!(work.left(at(60)), Some(40.0));
        assert_eq!(
            work.line(at(70)),
            "proving: 1 of 4, 1 min 10 s so far, about 30 s left"
        );
        // It takes longer than was thought.
        assert_eq!(work.left(at(600)), Some(0.0));
        work.cost.0 = 10.0;
        assert_eq!(work.left(at(600)), None);
        (work.steps, work.cost, work.message) = ((0, 0), (0.0, 0.0), String::new());
        assert_eq!(work.line(at(1)), "working, 1 s so far");
    }

    #[test]
    fn counts() {
        assert_eq!(count(1, "layer"), "1 layer");
        assert_eq!(count(0, "layer"), "0 layers");
        assert_eq!(count(1200, "token"), "1,200 tokens");
    }
}
