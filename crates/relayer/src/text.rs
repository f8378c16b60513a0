//! Values as people read them, and texts of others as they may be shown.

use alloy::primitives::utils::format_units;
use alloy::transports::http::reqwest::Url;
use nanozk_chain::format::duration;
use std::time::Duration;

/// Text of somebody else's, of at most so many characters and none that controls a terminal.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut characters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// Host and port of a node: the rest of its address may be secret.
pub(crate) fn node_name(url: &Url) -> String {
    let host = url.host_str().unwrap_or("no host");
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Wei for a gas.
pub(crate) fn gwei(fee: u128) -> String {
    let text = format_units(fee, "gwei").unwrap_or_default();
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} gwei")
}

/// A time that something took.
pub(crate) fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds => duration(seconds),
    }
}

/// `one` or `more`, as a number of things asks for.
pub(crate) fn count(n: usize, one: &str, more: &str) -> String {
    let noun = if n == 1 { one } else { more };
    format!("{n} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_readable() {
        assert_eq!(gwei(1_500_000_000), "1.5 gwei");
        assert_eq!(gwei(1), "0.000000001 gwei");
        assert_eq!(gwei(20_000_000_000), "20 gwei");
        assert_eq!(span(Duration::from_millis(700)), "700 ms");
        assert_eq!(span(Duration::from_secs(90)), "1 min 30 s");
        assert_eq!(count(1, "layer", "layers"), "1 layer");
        assert_eq!(count(0, "layer", "layers"), "0 layers");
        assert_eq!(shortened("a\0b\u{1b}[c", 9), "a b [c");
        assert_eq!(shortened("äöü", 2), "äö…");
    }
}
