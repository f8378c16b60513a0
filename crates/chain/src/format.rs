//! Amounts, times and blocks as people read and write them.

use alloy::primitives::utils::{format_units, parse_units};
use alloy::primitives::{Address, U256};

/// An amount: an integer in the smallest unit, or a decimal with `eth` or `gwei` after it.
pub fn parse_amount(text: &str) -> Result<U256, String> {
    let text = text.trim();
    for unit in ["gwei", "eth"] {
        if let Some(number) = text.strip_suffix(unit) {
            let number = number.trim();
            if !number.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(format!("{text:?} is no amount"));
            }
            return parse_units(number, if unit == "eth" { "ether" } else { unit })
                .map(|units| units.get_absolute())
                .map_err(|_| format!("{text:?} is no amount"));
        }
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "{text:?} is no amount: write units such as 1000, 5gwei or 0.1eth"
        ));
    }
    U256::from_str_radix(text, 10).map_err(|_| format!("{text:?} is too large"))
}

/// An amount of an asset: ETH in ether, tokens in their smallest unit.
pub fn amount(asset: Address, amount: U256) -> String {
    if asset.is_zero() {
        eth(amount)
    } else {
        format!("{amount} of {asset}")
    }
}

/// An amount of ETH.
pub fn eth(amount: U256) -> String {
    // Eighteen decimals always fit.
    let text = format_units(amount, "ether").unwrap_or_default();
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} ETH")
}

/// Seconds since 1970 as date and time.
pub fn utc(seconds: u64) -> String {
    // Proleptic Gregorian calendar in years that start in March, so that leap days are last.
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// How far a time is from another one, such as `in 1 h 20 min`.
pub fn relative(time: u64, now: u64) -> String {
    if time >= now {
        format!("in {}", duration(time - now))
    } else {
        format!("{} ago", duration(now - time))
    }
}

/// Seconds, in the two largest units.
pub fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (size, name) in units {
        if rest >= size && words.len() < 2 {
            words.push(format!("{} {name}", rest / size));
            rest %= size;
        }
    }
    if words.is_empty() {
        "0 s".into()
    } else {
        words.join(" ")
    }
}

/// How many of something: `1 layer`, `2 layers`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// An amount in the smallest unit of an asset that is not known, which mostly has 18 decimals.
pub fn units(amount: U256) -> String {
    // Below that, decimals help nobody.
    if amount < U256::from(1_000_000_000u64) {
        return format!("{amount} units");
    }
    let text = format_units(amount, 18).unwrap_or_default();
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}e18 units")
}

/// A sentence that a contract made, as people read it: dates instead of seconds since 1970, durations instead of many
/// seconds, and `1 layer` instead of `1 layers`.
pub fn readable(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        let digits = word.trim_start_matches('(');
        let open = &word[..word.len() - digits.len()];
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = digits[..digits.len() - rest.len()].parse::<u64>().ok();
        let next = words.get(at + 1).copied().unwrap_or_default();
        match number {
            // 2001 to 2128; other numbers are as long, such as ids of chains.
            Some(time @ 1_000_000_000..5_000_000_000)
                if out.last().is_some_and(|before| before == "until")
                    && !rest.starts_with(char::is_alphanumeric) =>
            {
                out.push(format!("{open}{}{rest}", utc(time)));
            }
            Some(seconds)
                if rest.is_empty() && next.trim_end_matches(['.', ',', ')', ':']) == "s" =>
            {
                out.push(format!("{open}{}{}", duration(seconds), &next[1..]));
                at += 1;
            }
            Some(1) if rest.is_empty() => {
                out.push(word.to_owned());
                let (plural, end) =
                    next.split_at(next.trim_end_matches([',', '.', ':', ';']).len());
                if COUNTED.contains(&plural) {
                    out.push(format!("{}{end}", &plural[..plural.len() - 1]));
                    at += 1;
                    if words.get(at + 1) == Some(&"are") {
                        out.push("is".into());
                        at += 1;
                    }
                }
            }
            _ => out.push(word.to_owned()),
        }
        at += 1;
    }
    out.join(" ")
}

/// What sentences of contracts count.
const COUNTED: [&str; 9] = [
    "layers",
    "challenges",
    "tokens",
    "positions",
    "blocks",
    "bytes",
    "points",
    "proofs",
    "units",
];

/// Seconds: an integer, or one with `s`, `m`, `h` or `d` after it.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let invalid = || format!("{text:?} is no duration: write such as 90s, 15m, 2h or 1d");
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| invalid())?;
    number.checked_mul(unit).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!(parse_amount("1000"), Ok(U256::from(1000)));
        assert_eq!(
            parse_amount("0.1eth"),
            Ok(U256::from(10).pow(U256::from(17)))
        );
        assert_eq!(parse_amount("5 gwei"), Ok(U256::from(5_000_000_000u64)));
        for bad in ["", "eth", "-1eth", "-1", "1.5", "1 btc", "0x10"] {
            assert!(parse_amount(bad).is_err(), "{bad}");
        }
        assert!(parse_amount(&"9".repeat(90)).is_err());
        assert_eq!(eth(U256::from(10).pow(U256::from(17))), "0.1 ETH");
        assert_eq!(eth(U256::ZERO), "0 ETH");
        assert_eq!(eth(U256::from(10).pow(U256::from(19))), "10 ETH");
    }

    #[test]
    fn times() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_700_000_000), "2023-11-14 22:13:20 UTC");
        assert_eq!(utc(4_107_542_399), "2100-02-28 23:59:59 UTC");
        assert_eq!(relative(90, 30), "in 1 min");
        assert_eq!(relative(0, 3_700), "1 h 1 min ago");
        assert_eq!(duration(0), "0 s");
    }

    #[test]
    fn sentences_of_contracts() {
        for (said, read) in [
            (
                "Next: provider, until 1700000000 (3700 s left).",
                "Next: provider, until 2023-11-14 22:13:20 UTC (1 h 1 min left).",
            ),
            (
                "Posted 90 s ago in the lane",
                "Posted 1 min 30 s ago in the lane",
            ),
            ("1 challenges are open", "1 challenge is open"),
            (
                "1 of 1 layers are proven, 2 layers",
                "1 of 1 layer is proven, 2 layers",
            ),
            (
                "21 layers are to be drawn of 1",
                "21 layers are to be drawn of 1",
            ),
            ("on chain 1700000000", "on chain 1700000000"),
            ("until 0x1700000000", "until 0x1700000000"),
            ("wait 5 s.", "wait 5 s."),
        ] {
            assert_eq!(readable(said), read);
        }
        assert_eq!(count(1, "layer"), "1 layer");
        assert_eq!(units(U256::from(7)), "7 units");
        assert_eq!(units(U256::from(10u64.pow(17))), "0.1e18 units");
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("90"), Ok(90));
        assert_eq!(parse_duration("2h"), Ok(7_200));
        assert_eq!(parse_duration("1d"), Ok(86_400));
        for bad in ["", "h", "-1s", "1y", "1.5h", "99999999999999999999d", "1é"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
