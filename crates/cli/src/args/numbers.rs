//! Numbers of options: what makes no sense is refused before anything is done.

/// At least one.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(n) => Ok(n),
        Err(_) => Err("write a whole number, at least 1".into()),
    }
}

/// Positions of a session: a power of two.
pub(crate) fn positions(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if n.is_power_of_two() && n >= 4 => Ok(n),
        _ => Err("it must be 4, 8, 16, …".into()),
    }
}

fn real(text: &str, wanted: &str, is: fn(f64) -> bool) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && is(x) => Ok(x),
        _ => Err(format!("it must be {wanted}")),
    }
}

/// A part of something.
pub(crate) fn fraction(text: &str) -> Result<f64, String> {
    real(text, "above 0 and at most 1", |x| x > 0.0 && x <= 1.0)
}

/// Memory, in GiB.
pub(crate) fn gib(text: &str) -> Result<f64, String> {
    real(text, "a number of GiB above 0", |x| x > 0.0)
}

/// A range over another one.
pub(crate) fn factor(text: &str) -> Result<f64, String> {
    real(text, "a number from 1 to 64", |x| (1.0..=64.0).contains(&x))
}

/// A price in seconds.
pub(crate) fn price(text: &str) -> Result<f64, String> {
    real(text, "a number that is not negative", |x| x >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense() {
        let bad = ["", "-1", "x", "nan", "inf"];
        for text in bad.iter().chain(&["0", "1.5", "99999999999999999999"]) {
            assert!(positive(text).is_err(), "{text}");
            assert!(positions(text).is_err(), "{text}");
        }
        assert!(["1", "2", "5", "6"].iter().all(|t| positions(t).is_err()));
        assert_eq!((positive("1"), positions("8")), (Ok(1), Ok(8)));
        for text in bad {
            for parse in [fraction, gib, factor, price] {
                assert!(parse(text).is_err(), "{text}");
            }
        }
        assert!(fraction("0").is_err() && fraction("1.01").is_err() && fraction("1").is_ok());
        assert!(gib("0").is_err() && gib("0.5").is_ok());
        assert!(factor("0.9").is_err() && factor("1").is_ok());
        assert!(price("0").is_ok());
    }
}
