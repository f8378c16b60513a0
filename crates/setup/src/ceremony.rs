//! What a ceremony's file says of itself, and what to think of that.

use std::fmt;

use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, G2Affine};
use halo2curves::ff::PrimeField;

/// What a `.ptau` file says of its ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ptau {
    /// Binary logarithm of the powers in the file.
    pub power: u32,
    /// Binary logarithm of the powers of the whole ceremony.
    pub ceremony_power: u32,
    /// Who took part; none if the file does not list them.
    pub contributions: Option<Contributions>,
}

/// The entries of a ceremony's list of contributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contributions {
    /// Of people, who each destroy their share of the secret, or keep it.
    pub people: u32,
    /// Of beacons, whose share of the secret is public.
    pub beacons: u32,
}

impl fmt::Display for Contributions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: u32, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        f.write_str(&count(self.people, "contribution"))?;
        if self.beacons > 0 {
            write!(f, " and {}", count(self.beacons, "beacon"))?;
        }
        Ok(())
    }
}

/// The format of a ceremony's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Of snarkjs.
    Ptau(Ptau),
    /// Of halo2: points, and nothing else.
    Srs {
        /// Binary logarithm of the powers in the file.
        power: u32,
    },
}

/// A ceremony's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeremonyFile {
    /// Its format.
    pub format: Format,
    /// Its SHA-256 digest.
    pub sha256: [u8; 32],
    /// Its BLAKE2b-512 digest, which is what ceremonies publish.
    pub blake2b: [u8; 64],
    /// Reasons to doubt that nobody knows the secret, as sentences.
    pub warnings: Vec<String>,
}

/// A ceremony that people know by name.
struct Known {
    name: &'static str,
    /// What names of its files have, in lower case and without separators.
    patterns: &'static [&'static str],
    /// `tau * G2` in hexadecimal: the real and imaginary parts of both coordinates.
    s_g2: [&'static str; 4],
}

/// The points are public: contracts that verify proofs under these ceremonies contain them.
const KNOWN: [Known; 2] = [
    Known {
        name: "Hermez",
        patterns: &["hermez", "hezfinal"],
        s_g2: [
            "30441fd1b5d3370482c42152a8899027716989a6996c2535bc9f7fee8aaef79e",
            "26186a2d65ee4d2f9c9a5b91f86597d35f192cd120caf7e935d8443d1938e23d",
            "054793348f12c0cf5622c340573cb277586319de359ab9389778f689786b1e48",
            "1970ea81dd6992adfbc571effb03503adbbb6a857f578403c6c40e22d65b3c02",
        ],
    },
    Known {
        name: "Aztec Ignition",
        patterns: &["ignition", "aztec"],
        s_g2: [
            "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0",
            "260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1",
            "22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55",
            "04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4",
        ],
    },
];

impl Known {
    fn s_g2(&self) -> G2Affine {
        let element = |hex: &str| -> Option<Fq> {
            let mut repr = <Fq as PrimeField>::Repr::default();
            for (byte, at) in repr.as_mut().iter_mut().rev().zip((0..64).step_by(2)) {
                *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
            }
            Fq::from_repr(repr).into()
        };
        let [x0, x1, y0, y1] = self
            .s_g2
            .map(|hex| element(hex).expect("constants are reduced"));
        Option::from(G2Affine::from_xy(Fq2::new(x0, x1), Fq2::new(y0, y1)))
            .expect("constants are on the curve")
    }
}

/// Reasons to doubt a ceremony. `names` is what its file and the user call it.
pub(crate) fn doubts(format: &Format, names: &[&str], s_g2: &G2Affine) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Format::Ptau(ptau) = format {
        match ptau.contributions {
            Some(Contributions { people: 0 | 1, .. }) | None => {
                doubts.push(match ptau.contributions {
                    Some(list) if list.people == 1 => format!(
                        "this ceremony has {list}: whoever made it may know the secret, and can prove anything"
                    ),
                    _ => "the file lists no contributions: nothing in it says that anybody took part in a ceremony"
                        .to_owned(),
                });
            }
            Some(_) => {}
        }
    }
    let simple = |name: &&str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let names: Vec<String> = names.iter().map(simple).collect();
    for known in &KNOWN {
        let named = |name: &String| known.patterns.iter().any(|p| name.contains(p));
        if names.iter().any(named) && known.s_g2() != *s_g2 {
            doubts.push(format!(
                "this is not the ceremony {}, though it is called so: its secret is another one",
                known.name
            ));
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::bn256::G2;
    use halo2curves::group::cofactor::CofactorGroup;

    fn of(people: u32, beacons: u32) -> Format {
        Format::Ptau(Ptau {
            power: 8,
            ceremony_power: 8,
            contributions: Some(Contributions { people, beacons }),
        })
    }

    #[test]
    fn known_ceremonies_are_recognized() {
        for known in &KNOWN {
            let point = known.s_g2();
            assert!(bool::from(G2::from(point).is_torsion_free()));
            assert!(doubts(&of(54, 1), &[known.name], &point).is_empty());
            let other = doubts(&of(54, 1), &[known.name], &G2Affine::generator());
            assert_eq!(other.len(), 1, "{other:?}");
            assert!(other[0].contains(known.name), "{other:?}");
        }
        for name in ["powersOfTau28_hez_final_08", "HERMEZ", "a Hermez ceremony"] {
            assert_eq!(doubts(&of(2, 0), &[name], &G2Affine::generator()).len(), 1);
        }
        assert!(doubts(&of(2, 0), &["our own"], &G2Affine::generator()).is_empty());
    }

    #[test]
    fn ceremonies_of_one_are_doubted() {
        for (format, words) in [
            (of(1, 0), "1 contribution:"),
            (of(1, 2), "1 contribution and 2 beacons:"),
            (of(0, 1), "lists no contributions"),
        ] {
            let doubts = doubts(&format, &["ours"], &G2Affine::generator());
            assert_eq!(doubts.len(), 1);
            assert!(doubts[0].contains(words), "{doubts:?}");
        }
        let srs = Format::Srs { power: 8 };
        assert!(doubts(&srs, &["ours"], &G2Affine::generator()).is_empty());
    }
}
