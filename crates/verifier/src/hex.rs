//! `0x`-prefixed lower-case hexadecimal, and points and scalars in it, for serde.

use crate::encoding::{point_compressed, point_decompressed, scalar_from_bytes, scalar_to_bytes};
use halo2curves::bn256::{Fr, G1Affine};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest32(pub [u8; 32]);

/// A point of the curve, not at infinity, compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point(pub G1Affine);

/// A canonical scalar, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar(pub Fr);

/// Bytes, any number of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HexBytes(pub Vec<u8>);

/// Hexadecimal with its prefix.
pub fn encode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::from("0x"), |s, b| s + &format!("{b:02x}"))
}

fn digits(text: &str) -> Result<&[u8], String> {
    let digits = text.strip_prefix("0x");
    Ok(digits.ok_or("it does not start with 0x")?.as_bytes())
}

fn byte(pair: &[u8]) -> Result<u8, String> {
    let nibble = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err(format!(
            "'{}' is no lower-case hexadecimal digit",
            char::from(c).escape_default()
        )),
    };
    match pair {
        [high, low] => Ok(nibble(*high)? << 4 | nibble(*low)?),
        _ => Err("an odd number of hexadecimal digits".into()),
    }
}

/// The bytes of a prefixed lower-case hexadecimal of exactly `N` bytes.
pub fn decode<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let digits = digits(text)?;
    if digits.len() != 2 * N {
        return Err(format!(
            "{} hexadecimal digits where {} are needed",
            digits.len(),
            2 * N
        ));
    }
    let mut out = [0; N];
    for (out, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *out = byte(pair)?;
    }
    Ok(out)
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let bytes = digits(&text).and_then(|digits| digits.chunks(2).map(byte).collect());
        bytes.map(HexBytes).map_err(D::Error::custom)
    }
}

impl std::fmt::Display for Digest32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode(&scalar_to_bytes(&self.0)))
    }
}

impl std::str::FromStr for Digest32 {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        decode(s).map(Digest32)
    }
}

macro_rules! serde_by {
    ($type:ty, $to:expr, $from:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&encode(&$to(self)))
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                let bytes = decode::<32>(&text).map_err(D::Error::custom)?;
                $from(bytes).map_err(D::Error::custom)
            }
        }
    };
}

serde_by!(Digest32, |d: &Digest32| d.0, |b| Ok::<_, String>(Digest32(
    b
)));
serde_by!(Point, |p: &Point| point_compressed(&p.0), |b| {
    point_decompressed(&b).map(Point)
});
serde_by!(Scalar, |s: &Scalar| scalar_to_bytes(&s.0), |b| {
    scalar_from_bytes(&b).map(Scalar)
});
