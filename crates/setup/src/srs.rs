//! The files that halo2 writes: `k` (32 bits, little endian), the powers on G1, their Lagrange
//! basis, the generator of G2 and tau times it. Points are uncompressed (in Montgomery form) or
//! compressed, which the length tells apart.
//!
//! The Lagrange basis is skipped: nothing here commits to polynomials by their values, so its points
//! are neither read nor checked.

use std::io::{Read, Seek};

use halo2curves::bn256::{G1Affine, G2Affine};

use crate::error::{Error, Points};
use crate::parts::{Parts, check_size};
use crate::points::{Encoding, decode_g1, decode_g2, other_encoding};
use crate::source::Source;

/// Reads and checks what a file that halo2 wrote has of a setup of size `2^k`: the powers in the first group, and two in
/// the second.
///
/// The file may be larger: the points beyond are neither read nor checked, and neither is its Lagrange basis. No input
/// makes this panic, and nothing is allocated that the source is too short to fill.
pub fn parse_srs<R: Read + Seek>(
    reader: &mut R,
    k: u32,
) -> Result<(Vec<G1Affine>, [G2Affine; 2]), Error> {
    read(reader, k).map(|parts| (parts.powers, parts.g2))
}

/// The size of a file, and how its points are written, by its length.
pub(crate) fn inspect<R: Read + Seek>(reader: &mut R) -> Result<(u32, Encoding), Error> {
    let mut source = Source::new(reader)?;
    let file_k = source.u32("the size")?;
    check_size(file_k)?;
    // The part that is skipped counts, too: a file of another length is not whole, or not of this format.
    let bytes = |encoding: Encoding| 4 + ((2 << file_k) + 4) * encoding.g1_bytes();
    let encoding = [Encoding::Raw, Encoding::Compressed]
        .into_iter()
        .find(|&encoding| source.len() == bytes(encoding))
        .ok_or(Error::SrsLength {
            k: file_k,
            expected_raw: bytes(Encoding::Raw),
            expected_processed: bytes(Encoding::Compressed),
            got: source.len(),
        })?;
    Ok((file_k, encoding))
}

pub(crate) fn read<R: Read + Seek>(reader: &mut R, k: u32) -> Result<Parts, Error> {
    check_size(k)?;
    let (file_k, encoding) = inspect(reader)?;
    if k > file_k {
        return Err(Error::TooSmall {
            requested: k,
            available: file_k,
        });
    }
    let mut source = Source::new(reader)?;
    source.skip("the size", 4)?;
    decode(&mut source, k, encoding).or_else(|error| {
        if matches!(error, Error::Read { .. }) {
            return Err(error);
        }
        // Points in another form fail in many ways: what they are helps more than which check failed.
        source.seek(4)?;
        let some = (1u64 << file_k).min(32) * encoding.g1_bytes();
        let some = source.bytes("the powers of tau in G1", some)?;
        Err(other_encoding(&some, encoding).unwrap_or(error))
    })
}

fn decode<R: Read + Seek>(
    source: &mut Source<'_, R>,
    k: u32,
    encoding: Encoding,
) -> Result<Parts, Error> {
    let point = encoding.g1_bytes();
    let powers = source.position();
    // The points of G2 first: they are few.
    source.seek(source.len() - 4 * point)?;
    let g2 = decode_g2(
        &source.bytes("the powers of tau in G2", 4 * point)?,
        encoding,
    )?;

    source.seek(powers)?;
    let powers = source.bytes("the powers of tau in G1", point << k)?;
    let powers = decode_g1(Points::PowersG1, &powers, encoding)?;
    Parts::checked(powers, g2)
}
