//! Decoding of arrays of points, with every point checked to be on its curve.

use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, G1Affine, G2Affine};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::{GroupEncoding, prime::PrimeCurveAffine};
use halo2curves::serde::SerdeObject;
use rayon::prelude::*;

use crate::error::{Error, Points};

/// How points are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Both coordinates in Montgomery form, little endian.
    Raw,
    /// The first coordinate and the sign of the second.
    Compressed,
}

impl Encoding {
    /// The bytes of a point of G1; a point of G2 has twice as many.
    pub(crate) const fn g1_bytes(self) -> u64 {
        match self {
            Self::Raw => 64,
            Self::Compressed => 32,
        }
    }
}

/// The bits of the last byte of a compressed point that are not of the coordinate.
const FLAGS: u8 = 0b1100_0000;

#[derive(Clone, Copy)]
enum Invalid {
    NonCanonical,
    NotOnCurve,
    Infinity,
}

fn raw<C, F>(bytes: &[u8]) -> Result<C, Invalid>
where
    C: CurveAffine<Base = F>,
    F: SerdeObject,
{
    let (x, y) = bytes.split_at(bytes.len() / 2);
    let x = F::from_raw_bytes(x).ok_or(Invalid::NonCanonical)?;
    let y = F::from_raw_bytes(y).ok_or(Invalid::NonCanonical)?;
    Option::from(C::from_xy(x, y)).ok_or(Invalid::NotOnCurve)
}

fn compressed<C: CurveAffine>(bytes: &[u8]) -> Result<C, Invalid> {
    // Decoding an element of the extension of the base field panics if its parts are too large.
    let mut coordinate = bytes.to_vec();
    if let Some(last) = coordinate.last_mut() {
        *last &= !FLAGS;
    }
    for part in coordinate.chunks_exact(32) {
        let mut element = <Fq as PrimeField>::Repr::default();
        element.as_mut().copy_from_slice(part);
        if bool::from(Fq::from_repr(element).is_none()) {
            return Err(Invalid::NonCanonical);
        }
    }

    let mut repr = <C as GroupEncoding>::Repr::default();
    repr.as_mut().copy_from_slice(bytes);
    let point: C = Option::from(C::from_bytes(&repr)).ok_or(Invalid::NotOnCurve)?;
    // The flags of the last byte admit several encodings of a point.
    if <C as GroupEncoding>::to_bytes(&point).as_ref() != bytes {
        return Err(Invalid::NonCanonical);
    }
    Ok(point)
}

/// The form of the first powers of tau, if it is one of those that other programs write.
pub(crate) fn other_encoding(bytes: &[u8], encoding: Encoding) -> Option<Error> {
    let size = encoding.g1_bytes() as usize;
    let found = match encoding {
        Encoding::Raw => {
            let (x, y) = bytes.get(..size)?.split_at(size / 2);
            // The generator is (1, 2).
            let is = |number: &[u8], value: u8, at: usize| {
                (number.iter().enumerate()).all(|(i, b)| *b == if i == at { value } else { 0 })
            };
            if is(x, 1, 0) && is(y, 2, 0) {
                "the coordinates are not in Montgomery form"
            } else if is(x, 1, 31) && is(y, 2, 31) {
                "the coordinates are big endian"
            } else {
                return None;
            }
        }
        Encoding::Compressed => {
            let others = || bytes.chunks_exact(size).skip(1);
            let all_on_curve = |reverse: bool| {
                others().all(|point| {
                    let mut x = point.to_vec();
                    if reverse {
                        x.reverse();
                    }
                    is_coordinate(&mut x)
                })
            };
            // A sign where this program has the mark of the point at infinity, and none where it has the sign. One
            // damaged point is not enough, nor are the points at infinity, which have no coordinate.
            let flagged = |flag: u8| {
                others()
                    .filter(|point| point[..size - 1].iter().any(|b| *b != 0))
                    .any(|point| point[size - 1] & FLAGS & flag != 0)
            };
            let top_bit = flagged(0b1000_0000) && !flagged(0b0100_0000);
            if top_bit && all_on_curve(false) {
                "the points are compressed with their sign in the top bit, as arkworks and older versions of \
                 halo2curves write them"
            } else if all_on_curve(true) {
                "the points are compressed and big endian, as gnark writes them"
            } else {
                return None;
            }
        }
    };
    Some(Error::OtherEncoding {
        points: Points::PowersG1,
        found,
        wanted: match encoding {
            Encoding::Raw => {
                "coordinates are read in Montgomery form, little endian, as halo2 writes SerdeFormat::RawBytes"
            }
            Encoding::Compressed => {
                "write the file again with uncompressed points (SerdeFormat::RawBytes of halo2), or use the .ptau file"
            }
        },
    })
}

/// Whether a point has this first coordinate, whatever its flags.
fn is_coordinate(x: &mut [u8]) -> bool {
    if let Some(last) = x.last_mut() {
        *last &= !FLAGS;
    }
    let mut repr = <Fq as PrimeField>::Repr::default();
    repr.as_mut().copy_from_slice(x);
    let x: Option<Fq> = Fq::from_repr(repr).into();
    x.is_some_and(|x| (x.square() * x + G1Affine::b()).sqrt().is_some().into())
}

fn decode<C, F>(
    points: Points,
    bytes: &[u8],
    size: usize,
    encoding: Encoding,
) -> Result<Vec<C>, Error>
where
    C: CurveAffine<Base = F>,
    F: SerdeObject,
{
    let one = |bytes: &[u8]| {
        let point: C = match encoding {
            Encoding::Raw => raw(bytes),
            Encoding::Compressed => compressed(bytes),
        }?;
        // The powers of a secret that is zero, which no equation of the checks excludes; and sums of affine points have no
        // formula for it.
        match bool::from(PrimeCurveAffine::is_identity(&point)) {
            true => Err(Invalid::Infinity),
            false => Ok(point),
        }
    };
    let decoded: Vec<_> = bytes.par_chunks_exact(size).map(one).collect();
    decoded
        .into_iter()
        .zip(0..)
        .map(|(point, index)| {
            point.map_err(|invalid| match invalid {
                Invalid::NonCanonical => Error::NonCanonical { points, index },
                Invalid::NotOnCurve => Error::NotOnCurve { points, index },
                Invalid::Infinity => Error::Infinity { points, index },
            })
        })
        .collect()
}

/// Points of G1, all of them on the curve (whose order is prime) and none at infinity.
pub(crate) fn decode_g1(
    points: Points,
    bytes: &[u8],
    encoding: Encoding,
) -> Result<Vec<G1Affine>, Error> {
    decode::<_, Fq>(points, bytes, encoding.g1_bytes() as usize, encoding)
}

/// The two points of G2: on the curve and not at infinity; not checked to be in the subgroup.
pub(crate) fn decode_g2(bytes: &[u8], encoding: Encoding) -> Result<[G2Affine; 2], Error> {
    let size = 2 * encoding.g1_bytes() as usize;
    let points = decode::<_, Fq2>(Points::PowersG2, bytes, size, encoding)?;
    points
        .try_into()
        .map_err(|points: Vec<_>| Error::Truncated {
            what: "the powers of tau in G2",
            expected: 2 * size as u64,
            got: (points.len() * size) as u64,
        })
}
