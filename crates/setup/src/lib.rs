//! KZG parameters on BN254: where they come from, whether they are sound, and where they are kept.
//!
//! A [`Setup`] is either of a ceremony, read from the file that it published
//! ([`Setup::from_file`] reads the `.ptau` files of snarkjs and the files that halo2 writes), or
//! the development setup ([`Setup::development`]), whose secret is public: proofs under it prove
//! nothing to anybody else.
//!
//! A ceremony's file is not trusted. What is checked when it is read: that every point that is
//! used is canonically encoded, on its curve, not at infinity and in the right subgroup; that the
//! first powers are the standard generators; that the powers are those of one secret; and that the
//! secret is not a root of unity. What cannot be checked is that nobody knows the secret; for that
//! compare the digests of the file in [`CeremonyFile`], or [`Setup::id`], with what the ceremony
//! published. What is suspicious about a file is in [`CeremonyFile::warnings`].
//!
//! [`SetupStore`] keeps setups on disk so that loading one does not repeat this work; [`Setup::check`] repeats what a
//! verifier must not take from a file.

mod ceremony;
mod development;
mod error;
mod parts;
mod points;
mod ptau;
mod sniff;
mod source;
mod srs;
mod store;
#[cfg(test)]
mod testing;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use halo2curves::bn256::{Fq, G1Affine, G2Affine};
use halo2curves::ff::PrimeField;
use sha2::{Digest, Sha256};

pub use ceremony::{CeremonyFile, Contributions, Format, Ptau};
pub use error::{Content, Error, Points};
pub use ptau::parse_ptau;
pub use srs::parse_srs;
pub use store::SetupStore;

use parts::Parts;

/// The seed of the default development setup.
pub const DEVELOPMENT_SEED: [u8; 32] = *b"nanozk development setup, seed 1";

/// The id of every setup that comes from [`DEVELOPMENT_SEED`].
///
/// A verifier for others than oneself refuses it.
pub const DEVELOPMENT_ID: [u8; 32] = [
    0x60, 0x92, 0x88, 0xb1, 0x30, 0x14, 0xbb, 0xb1, 0xb6, 0x06, 0x3c, 0xf7, 0xf5, 0x59, 0xd1, 0x92,
    0x81, 0xa2, 0x4e, 0xbc, 0x8e, 0xc5, 0x0f, 0x7d, 0x23, 0x47, 0x22, 0x05, 0xcd, 0xd0, 0xb5, 0xb9,
];

/// Where a setup comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A ceremony whose participants destroyed their shares of the secret.
    Ceremony {
        /// The SHA-256 digest of the file that the setup was read from.
        file_digest: [u8; 32],
        /// What the ceremony is called; for people to read.
        name: String,
    },
    /// A public seed: insecure, because everybody can compute the secret.
    Development,
}

/// What [`Setup::powers`] and [`Setup::g2`] of the development setup of `seed` are, for any number of powers. As insecure as
/// that setup.
pub fn development_powers(count: usize, seed: [u8; 32]) -> (Vec<G1Affine>, [G2Affine; 2]) {
    let parts = development::parts(count, seed);
    (parts.powers, parts.g2)
}

/// KZG parameters of known origin.
#[derive(Clone, Debug)]
pub struct Setup {
    parts: Parts,
    origin: Origin,
    id: [u8; 32],
}

impl Setup {
    /// The insecure setup of size `2^k` whose secret is drawn from `seed`.
    ///
    /// It depends on nothing else, and setups of the same seed share their secret and therefore
    /// their id: with [`DEVELOPMENT_SEED`], keys are the same everywhere.
    pub fn development(k: u32, seed: [u8; 32]) -> Result<Self, Error> {
        parts::check_size(k)?;
        Ok(Self::new(
            development::parts(1 << k, seed),
            Origin::Development,
        ))
    }

    /// Reads the setup of size `2^k` out of the published file of a ceremony, which may be larger,
    /// and checks it. The format, `.ptau` or that of halo2, is told by the content.
    ///
    /// With `blake2b`, a file of another BLAKE2b-512 digest is refused.
    pub fn from_file(
        path: &Path,
        name: &str,
        k: u32,
        blake2b: Option<&[u8; 64]>,
    ) -> Result<(Self, CeremonyFile), Error> {
        let file = File::open(path).map_err(|source| Error::File {
            action: "open",
            path: path.to_owned(),
            source,
        })?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let names = [name, &file_name];
        Self::read(
            &mut BufReader::with_capacity(1 << 20, file),
            names,
            k,
            blake2b,
        )
    }

    /// Like [`Setup::from_file`], of any source of the file's content. `names` is what the ceremony and its file are
    /// called.
    pub fn read<R: Read + Seek>(
        reader: &mut R,
        [name, file_name]: [&str; 2],
        k: u32,
        blake2b: Option<&[u8; 64]>,
    ) -> Result<(Self, CeremonyFile), Error> {
        parts::check_size(k)?;
        let failed = |source| Error::Read { source };
        let length = reader.seek(SeekFrom::End(0)).map_err(failed)?;
        reader.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut start = Vec::new();
        (&mut *reader)
            .take(sniff::START as u64)
            .read_to_end(&mut start)
            .map_err(failed)?;
        // What is cheap to see comes first: what the file is, whether it is whole, and which file it is.
        let kind = sniff::kind(&start, length)?;
        let format = match kind {
            sniff::Kind::Ptau => Format::Ptau(ptau::inspect(reader)?),
            sniff::Kind::Srs => Format::Srs {
                power: srs::inspect(reader)?.0,
            },
        };
        let (Format::Srs { power } | Format::Ptau(Ptau { power, .. })) = format;
        if k > power {
            return Err(Error::TooSmall {
                requested: k,
                available: power,
            });
        }
        reader.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut digests = Digests::default();
        io::copy(reader, &mut digests).map_err(failed)?;
        let (sha256, got) = digests.finish();
        if let Some(expected) = blake2b.filter(|expected| **expected != got) {
            return Err(Error::OtherFile {
                expected: Box::new(*expected),
                got: Box::new(got),
            });
        }

        let parts = match kind {
            sniff::Kind::Ptau => ptau::read(reader, k)?,
            sniff::Kind::Srs => srs::read(reader, k)?,
        };
        let file = CeremonyFile {
            format,
            sha256,
            blake2b: got,
            warnings: ceremony::doubts(&format, &[name, file_name], &parts.g2[1]),
        };
        let setup = Self::new(
            parts,
            Origin::Ceremony {
                file_digest: sha256,
                name: name.to_owned(),
            },
        );
        if setup.id == DEVELOPMENT_ID {
            return Err(Error::DevelopmentSecret);
        }
        Ok((setup, file))
    }

    /// The points must have been checked.
    fn new(parts: Parts, origin: Origin) -> Self {
        let id = id(&parts);
        Self { parts, origin, id }
    }

    /// Checks all points of a setup that a [`SetupStore`] loaded: which files say anything is not left to whoever can
    /// write them. A verifier of others' proofs asks for it, since keys are made from these points; who only proves is
    /// spared the time, that of one multi-scalar multiplication.
    pub fn check(&self) -> Result<(), Error> {
        self.parts.check_powers()
    }

    /// The powers `[tau^i]` in the first group, for `i < 2^k`.
    pub fn powers(&self) -> &[G1Affine] {
        &self.parts.powers
    }

    /// The generator of the second group, and `tau` times it.
    pub fn g2(&self) -> [G2Affine; 2] {
        self.parts.g2
    }

    /// Where the setup comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What the secret is identified by, whatever the size of the setup.
    ///
    /// The SHA-256 digest of `nanozk setup v1`, a zero byte, `G1`, `tau * G1`, `G2` and
    /// `tau * G2`, encoded as the precompiled contracts of Ethereum take points: coordinates of
    /// 32 bytes, big endian, the imaginary part first.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// The logarithm of the number of powers.
    pub fn k(&self) -> u32 {
        self.parts.k()
    }

    /// Whether the secret is public, so that proofs convince nobody else.
    pub fn is_development(&self) -> bool {
        self.origin == Origin::Development
    }
}

/// Both digests of a file, in one pass.
struct Digests {
    sha256: Sha256,
    blake2b: blake2b_simd::State,
}

impl Default for Digests {
    fn default() -> Self {
        Self {
            sha256: Sha256::new(),
            // 64 bytes, without a key.
            blake2b: blake2b_simd::State::new(),
        }
    }
}

impl Digests {
    fn finish(self) -> ([u8; 32], [u8; 64]) {
        (
            self.sha256.finalize().into(),
            *self.blake2b.finalize().as_array(),
        )
    }
}

impl Write for Digests {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sha256.update(bytes);
        self.blake2b.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn id(parts: &Parts) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(b"nanozk setup v1\0");
    let mut coordinate = |element: Fq| {
        let mut bytes = element.to_repr();
        bytes.as_mut().reverse();
        digest.update(bytes);
    };
    for point in &parts.powers[..2] {
        coordinate(point.x);
        coordinate(point.y);
    }
    for point in &parts.g2 {
        for element in [point.x, point.y] {
            coordinate(element.c1);
            coordinate(element.c0);
        }
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_setup() {
        for (k, seed) in [(1, [5; 32]), (6, DEVELOPMENT_SEED)] {
            let setup = Setup::development(k, seed).unwrap();
            let (powers, g2) = development_powers((1 << k) + 5, seed);
            assert_eq!(setup.powers(), &powers[..1 << k]);
            assert_eq!(setup.g2(), g2);
            // The next ones go on.
            let larger = Setup::development(k + 3, seed).unwrap();
            assert_eq!(powers, larger.powers()[..powers.len()]);
        }
    }

    #[test]
    fn development_id() {
        for k in [1, 2, 7] {
            let setup = Setup::development(k, DEVELOPMENT_SEED).unwrap();
            assert_eq!(
                error::Hex(&setup.id()).to_string(),
                error::Hex(&DEVELOPMENT_ID).to_string()
            );
        }
    }
}
