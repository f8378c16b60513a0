//! Amounts, times and blocks as people read and write them.

use alloy::primitives::utils::format_units;
use alloy::primitives::{Address, U256};
use std::str::FromStr;

/// An amount with its unit, for an asset that is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    value: U256,
    unit: Unit,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// `eth`, `gwei` or `wei`.
    Ether,
    /// `units`: the smallest of a token.
    Token,
    /// Nothing is as much in every unit.
    Zero,
}

/// Names of units, in any case, with their decimals.
const UNITS: [(&str, Unit, u8); 6] = [
    ("gwei", Unit::Ether, 9),
    ("wei", Unit::Ether, 0),
    ("ether", Unit::Ether, 18),
    ("eth", Unit::Ether, 18),
    ("units", Unit::Token, 0),
    ("unit", Unit::Token, 0),
];

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let named = UNITS
            .iter()
            .find_map(|(name, unit, decimals)| Some((lower.strip_suffix(name)?, *unit, *decimals)));
        let malformed = || {
            format!(
                "{text:?} is no amount: write such as 0.1eth, 5gwei or 1000wei, and 1000units of a token"
            )
        };
        let Some((number, unit, decimals)) = named else {
            if lower.is_empty() || !lower.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                return Err(malformed());
            }
            if lower.bytes().all(|b| b == b'0') {
                return Ok(Amount {
                    value: U256::ZERO,
                    unit: Unit::Zero,
                    text: text.into(),
                });
            }
            return Err(format!(
                "{text} has no unit: write {text}eth, {text}gwei or {text}wei, and {text}units of a token"
            ));
        };
        let number = number.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let ends = number.ends_with('.');
        if whole.is_empty() || ends || !digits(whole) || !digits(fraction) {
            return Err(malformed());
        }
        if fraction.len() > usize::from(decimals) {
            let name = &lower[number.len()..].trim_start();
            return Err(format!(
                "{text:?} has {}, {name} has {decimals}",
                count(fraction.len(), "decimal")
            ));
        }
        let digits = format!("{whole}{fraction:0<width$}", width = usize::from(decimals));
        let value =
            U256::from_str_radix(&digits, 10).map_err(|_| format!("{text:?} is too large"))?;
        Ok(Amount {
            value,
            unit,
            text: text.into(),
        })
    }
}

impl Amount {
    /// In the smallest unit of an asset, of which it must be an amount: one of ETH says nothing about a token.
    pub fn of(&self, asset: Address) -> Result<U256, String> {
        let fits = match self.unit {
            Unit::Zero => true,
            Unit::Ether => asset.is_zero(),
            Unit::Token => !asset.is_zero(),
        };
        match (fits, asset.is_zero()) {
            (true, _) => Ok(self.value),
            (false, true) => Err(format!(
                "{} is an amount of a token, the asset is ETH: write eth, gwei or wei",
                self.text
            )),
            (false, false) => Err(format!(
                "{} is an amount of ETH, the asset is the token {asset}: write its smallest units, such as 1000units",
                self.text
            )),
        }
    }
}

/// An amount of ETH: a number with `eth`, `gwei` or `wei` after it, in any case.
pub fn parse_amount(text: &str) -> Result<U256, String> {
    text.parse::<Amount>()?.of(Address::ZERO)
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
    // Later years than 9999 have no date.
    i64::try_from(seconds)
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .map_or_else(
            || format!("{seconds} s after 1970"),
            |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        )
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

/// Seconds, as people write them: `90s`, `1h30m`, `2 days`; a number alone is seconds.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let invalid = || format!("{text:?} is no duration: write such as 90s, 15m, 1h30m or 2 days");
    let span: jiff::Span = text.parse().map_err(|_| invalid())?;
    // A month is not always as long.
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| invalid())?;
    if duration.subsec_nanos() != 0 {
        return Err(format!("{text:?} is no whole number of seconds"));
    }
    u64::try_from(duration.as_secs()).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        let wei = |text: &str| U256::from_str_radix(text, 10).expect("a number");
        for (text, value) in [
            ("1000wei", "1000"),
            ("1000 WEI", "1000"),
            ("5 gwei", "5000000000"),
            ("5Gwei", "5000000000"),
            ("0.000000001gwei", "1"),
            ("0.1eth", "100000000000000000"),
            ("0.1ETH", "100000000000000000"),
            ("1 Ether", "1000000000000000000"),
            ("1.000000000000000001 Eth", "1000000000000000001"),
            (" 007eth ", "7000000000000000000"),
            ("0", "0"),
            ("0eth", "0"),
        ] {
            assert_eq!(parse_amount(text), Ok(wei(value)), "{text}");
        }
        for bad in [
            "", "eth", "-1eth", "+1eth", "-1", "1,5eth", "1 btc", "0x10", "0x10wei", "1e18wei",
            ".5eth", "5.eth", "1.2.3eth", "1 000eth", "ethgwei", "1gweieth", "٣eth",
        ] {
            let error = parse_amount(bad).expect_err(bad);
            assert!(error.contains("is no amount"), "{bad}: {error}");
        }
        for bare in ["1000", "1.5", "1"] {
            let error = parse_amount(bare).expect_err(bare);
            assert!(error.contains(&format!("{bare}eth")), "{error}");
        }
        for (long, names) in [
            ("0.1234567890123456789eth", "19 decimals, eth has 18"),
            ("1.0000000000000000000 ETH", "19 decimals"),
            ("0.0000000001gwei", "10 decimals, gwei has 9"),
            ("1.5wei", "1 decimal, wei has 0"),
        ] {
            let error = parse_amount(long).expect_err(long);
            assert!(error.contains(names), "{error}");
        }
        for large in ["9".repeat(90) + "wei", "9".repeat(70) + "eth"] {
            assert!(parse_amount(&large).expect_err("large").contains("large"));
        }
        assert_eq!(eth(U256::from(10).pow(U256::from(17))), "0.1 ETH");
        assert_eq!(eth(U256::ZERO), "0 ETH");
        assert_eq!(eth(U256::from(10).pow(U256::from(19))), "10 ETH");
    }

    #[test]
    fn amounts_are_of_their_asset() {
        let token = Address::repeat_byte(7);
        let read = |text: &str, asset| text.parse::<Amount>()?.of(asset);
        assert_eq!(read("1000units", token), Ok(U256::from(1000)));
        assert_eq!(read("1 Unit", token), Ok(U256::from(1)));
        assert_eq!(read("0", token), Ok(U256::ZERO));
        for other in ["1eth", "1gwei", "1000wei"] {
            assert!(read(other, token).expect_err(other).contains("of ETH"));
        }
        assert!(read("5units", Address::ZERO).is_err());
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
        for (text, seconds) in [
            ("90", 90),
            ("0", 0),
            ("90s", 90),
            ("15m", 900),
            ("2h", 7_200),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("1.5h", 5_400),
            ("1d", 86_400),
            ("2 days", 172_800),
            ("1 day 2 hours", 93_600),
            ("1 week", 604_800),
            ("90 minutes", 5_400),
            ("45 sec", 45),
        ] {
            assert_eq!(parse_duration(text), Ok(seconds), "{text}");
        }
        for bad in [
            "",
            "h",
            "-1s",
            "-1",
            "1y",
            "1 month",
            "1.5s",
            "500ms",
            "1 fortnight",
            "1é",
            "1h ago",
            "99999999999999999999d",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
