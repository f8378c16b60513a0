//! What people and programs read.

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Standard output: text, or one JSON object per line. Whoever closes it early gets no error for it.
#[derive(Debug)]
pub(crate) struct Out {
    json: bool,
    closed: AtomicBool,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Out {
            json,
            closed: AtomicBool::new(false),
        }
    }

    /// Whether programs read.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people.
    pub(crate) fn text(&self, line: impl AsRef<str>) {
        if !self.json {
            self.line(line.as_ref());
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
        let _ = writeln!(std::io::stderr(), "{}", line.as_ref());
    }

    /// Why a command failed.
    pub(crate) fn error(&self, message: &str) {
        self.note(format!("error: {message}"));
        self.json(&serde_json::json!({ "error": message }));
    }

    fn line(&self, line: &str) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        if let Err(e) = written {
            self.closed.store(true, Ordering::Relaxed);
            if e.kind() != std::io::ErrorKind::BrokenPipe {
                self.note(format!("warning: cannot write to standard output: {e}"));
            }
        }
    }
}

/// A bar or a spinner on a terminal; nothing elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    fn terminal() -> bool {
        std::io::stderr().is_terminal()
    }

    /// Something of unknown length.
    pub(crate) fn spinner(message: &str) -> Self {
        if !Self::terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::new_spinner().with_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(Some(bar))
    }

    /// `len` steps.
    pub(crate) fn bar(message: &str, len: usize) -> Self {
        if !Self::terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::new(len as u64).with_message(message.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg:<32} {bar:30} {pos}/{len} {elapsed}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Progress(Some(bar))
    }

    pub(crate) fn message(&self, message: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(message.to_owned());
        }
    }

    pub(crate) fn set(&self, done: usize, len: usize) {
        if let Some(bar) = &self.0 {
            bar.set_length(len as u64);
            bar.set_position(done as u64);
        }
    }

    pub(crate) fn step(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// Prints something above the bar.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
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
