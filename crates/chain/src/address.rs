//! Addresses as people and files write them. Every address that comes from outside is read here.

use alloy::primitives::Address;
use serde::{Deserialize, Deserializer};

/// Reads an address: `0x` and 40 hexadecimal digits.
///
/// Letters of both cases are a checksum (EIP-55), which has to fit: a mistyped address would take money that nobody can
/// get back. Letters of one case have none.
pub fn parse_address(text: &str) -> Result<Address, String> {
    let malformed =
        || format!("{text:?} is no address: an address is 0x and 40 hexadecimal digits");
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .filter(|digits| digits.len() == 40)
        .ok_or_else(malformed)?;
    let address: Address = digits.parse().map_err(|_| malformed())?;
    let has = |case: fn(&u8) -> bool| digits.bytes().any(|b| case(&b));
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    if mixed && address.to_checksum(None)[2..] != *digits {
        return Err(format!(
            "{text} has a wrong checksum (EIP-55): a digit or the case of a letter was changed. Copy the address again; \
             written in lower case it is not checked"
        ));
    }
    Ok(address)
}

/// For `#[serde(deserialize_with)]`.
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Address, D::Error> {
    parse_address(&String::deserialize(d)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_checked_where_there_are_any() {
        // Of EIP-55.
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
        ] {
            let address = parse_address(text).expect("a checksum that fits");
            assert_eq!(address.to_checksum(None), text);
            let digits = &text[2..];
            for one_case in [digits.to_lowercase(), digits.to_uppercase()] {
                assert_eq!(parse_address(&format!("0x{one_case}")), Ok(address));
            }
        }
        let right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        for at in 2..42 {
            // Another digit, or the same letter in the other case.
            let old = right.as_bytes()[at];
            for new in [
                if old == b'1' { b'2' } else { b'1' },
                old ^ if old.is_ascii_alphabetic() { 0x20 } else { 1 },
            ] {
                let mut text = right.as_bytes().to_vec();
                text[at] = new;
                let text = String::from_utf8(text).expect("ASCII");
                let error = parse_address(&text).expect_err(&text);
                assert!(error.contains("checksum"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "0x",
            "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed0",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
            "0x0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
            "vitalik.eth",
        ] {
            let error = parse_address(text).expect_err(text);
            assert!(error.contains("is no address"), "{error}");
        }
    }
}
