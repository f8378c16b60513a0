//! Canonical big-endian encodings of scalars and points.

use crate::Malformed;
use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, Fr, G1Affine, G2, G2Affine};
use halo2curves::ff::{Field, FromUniformBytes, PrimeField};
use halo2curves::group::cofactor::CofactorGroup;
use halo2curves::group::prime::PrimeCurveAffine;

/// Bytes of a scalar, a coordinate or a compressed point.
pub const WORD: usize = 32;

/// In the first byte of a compressed point: its `y` is odd. The modulus has 254 bits.
const ODD: u8 = 0x80;

fn reversed(mut bytes: [u8; WORD]) -> [u8; WORD] {
    bytes.reverse();
    bytes
}

/// A scalar as an integer.
pub fn scalar_to_bytes(s: &Fr) -> [u8; WORD] {
    reversed(s.to_repr())
}

/// The scalar that [`scalar_to_bytes`] encodes.
pub fn scalar_from_bytes(bytes: &[u8; WORD]) -> Result<Fr, Malformed> {
    Option::from(Fr::from_repr(reversed(*bytes))).ok_or(Malformed::NotReduced)
}

/// The residue of any integer.
///
/// Of random integers no residue is more than 1.14 times as likely as it should be.
pub fn scalar_reduced(bytes: &[u8; WORD]) -> Fr {
    let mut wide = [0; 2 * WORD];
    wide[..WORD].copy_from_slice(&reversed(*bytes));
    Fr::from_uniform_bytes(&wide)
}

fn coordinate_to_bytes(c: &Fq) -> [u8; WORD] {
    reversed(c.to_repr())
}

fn coordinate_from_bytes(bytes: [u8; WORD]) -> Result<Fq, Malformed> {
    Option::from(Fq::from_repr(reversed(bytes))).ok_or(Malformed::NotReduced)
}

/// `x` and `y`; zeros at infinity.
pub fn point_to_words(p: &G1Affine) -> [[u8; WORD]; 2] {
    [coordinate_to_bytes(&p.x), coordinate_to_bytes(&p.y)]
}

/// The point that [`point_to_words`] encodes.
pub fn point_from_words(x: [u8; WORD], y: [u8; WORD]) -> Result<G1Affine, Malformed> {
    let point = G1Affine {
        x: coordinate_from_bytes(x)?,
        y: coordinate_from_bytes(y)?,
    };
    check_point(&point)?;
    Ok(point)
}

/// A point of the second group as the EVM's pairing takes it: the imaginary part of `x`, the real one, and the same of `y`.
pub fn g2_to_words(p: &G2Affine) -> [[u8; WORD]; 4] {
    [p.x.c1, p.x.c0, p.y.c1, p.y.c0].map(|part| coordinate_to_bytes(&part))
}

/// The point that [`g2_to_words`] encodes: on the curve, in the group, not at infinity.
pub fn g2_from_words(words: [[u8; WORD]; 4]) -> Result<G2Affine, Malformed> {
    let [x1, x0, y1, y0] = words.map(coordinate_from_bytes);
    let (x, y) = (Fq2 { c0: x0?, c1: x1? }, Fq2 { c0: y0?, c1: y1? });
    let point = G2Affine { x, y };
    if bool::from(point.is_identity()) {
        return Err(Malformed::Infinity);
    }
    let is_of_group =
        bool::from(point.is_on_curve()) && bool::from(G2::from(point).is_torsion_free());
    match is_of_group {
        true => Ok(point),
        false => Err(Malformed::NotOnCurve),
    }
}

/// `x`, and the parity of `y` in the topmost bit.
pub fn point_compressed(p: &G1Affine) -> [u8; WORD] {
    let [mut out, y] = point_to_words(p);
    out[0] |= ODD * (y[WORD - 1] & 1);
    out
}

/// The point that [`point_compressed`] encodes.
pub fn point_decompressed(bytes: &[u8; WORD]) -> Result<G1Affine, Malformed> {
    let mut x = *bytes;
    let odd = x[0] & ODD != 0;
    x[0] &= !ODD;
    let x = coordinate_from_bytes(x)?;
    if x.is_zero_vartime() {
        // No point has this abscissa: it would have order 3. It is how infinity is written.
        return Err(Malformed::Infinity);
    }
    let y: Option<Fq> = (x.square() * x + G1Affine::b()).sqrt().into();
    let y = y.ok_or(Malformed::NotOnCurve)?;
    let y = if bool::from(y.is_odd()) == odd { y } else { -y };
    Ok(G1Affine { x, y })
}

/// On the curve (which is the whole group: its cofactor is one) and not at infinity.
pub fn check_point(p: &G1Affine) -> Result<(), Malformed> {
    if p.is_identity().into() {
        Err(Malformed::Infinity)
    } else if !bool::from(p.is_on_curve()) {
        Err(Malformed::NotOnCurve)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Modulus of the coordinates.
    const P: [u8; WORD] = [
        0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58,
        0x5d, 0x97, 0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c,
        0xfd, 0x47,
    ];

    fn plus_p(word: &[u8; WORD]) -> [u8; WORD] {
        let mut out = [0; WORD];
        let mut carry = 0u16;
        for i in (0..WORD).rev() {
            carry += word[i] as u16 + P[i] as u16;
            out[i] = carry as u8;
            carry >>= 8;
        }
        out
    }

    proptest! {
        #[test]
        fn points_round_trip(s in 1u64..) {
            let p: G1Affine = (G1Affine::generator() * Fr::from(s)).into();
            for p in [p, -p] {
                prop_assert_eq!(point_decompressed(&point_compressed(&p)), Ok(p));
                let [x, y] = point_to_words(&p);
                prop_assert_eq!(point_from_words(x, y), Ok(p));
                prop_assert_eq!(point_from_words(plus_p(&x), y), Err(Malformed::NotReduced));
                prop_assert_eq!(point_from_words(x, plus_p(&y)), Err(Malformed::NotReduced));
                prop_assert_eq!(point_from_words(y, x), Err(Malformed::NotOnCurve));
                prop_assert_eq!(point_decompressed(&plus_p(&x)), Err(Malformed::NotReduced));
            }
        }

        #[test]
        fn decompression_is_injective(bytes: [u8; WORD]) {
            if let Ok(p) = point_decompressed(&bytes) {
                prop_assert_eq!(point_compressed(&p), bytes);
            }
        }

        #[test]
        fn scalars_are_canonical(bytes: [u8; WORD]) {
            if let Ok(s) = scalar_from_bytes(&bytes) {
                prop_assert_eq!(scalar_to_bytes(&s), bytes);
                prop_assert_eq!(scalar_reduced(&bytes), s);
            }
        }
    }

    #[test]
    fn infinity_is_refused() {
        assert_eq!(point_decompressed(&[0; WORD]), Err(Malformed::Infinity));
        assert_eq!(
            point_from_words([0; WORD], [0; WORD]),
            Err(Malformed::Infinity)
        );
        assert_eq!(point_compressed(&G1Affine::identity()), [0; WORD]);
        let three: Option<Fq> = G1Affine::b().sqrt().into();
        assert!(three.is_none(), "no point has abscissa zero");
    }
}
