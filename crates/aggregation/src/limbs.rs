//! Integers as limbs.

use halo2curves::bn256::Fq;
use halo2curves::ff::PrimeField;
use num_bigint::BigInt;
use std::sync::LazyLock;

/// Bits of a limb.
pub(crate) const LIMB: usize = nanozk_verifier::transcript::poseidon::LIMB_BITS;
/// Limbs of an element.
pub(crate) const LIMBS: usize = 3;
/// Quotients are kept with this power of two added.
pub(crate) const Q_OFFSET_BITS: usize = 255;

/// Order of the base field.
pub(crate) fn modulus() -> &'static BigInt {
    static MODULUS: LazyLock<BigInt> = LazyLock::new(|| {
        BigInt::parse_bytes(&Fq::MODULUS.as_bytes()[2..], 16).expect("a hexadecimal number")
    });
    &MODULUS
}

/// The limbs of an integer modulo `2^264`.
pub(crate) fn limbs_of(i: &BigInt) -> [BigInt; LIMBS] {
    let mask = (BigInt::from(1) << LIMB) - 1;
    std::array::from_fn(|l| (i >> (LIMB * l)) & &mask)
}

/// Limbs that fit a machine word; an element's are in `[-2^96, 2^96]`.
pub(crate) type Limbs = [i128; LIMBS];

/// Limbs of an element of the base field.
pub(crate) fn field_limbs(x: Fq) -> Limbs {
    let bytes = x.to_repr();
    std::array::from_fn(|l| {
        let mut word = [0; 16];
        let from = l * LIMB / 8;
        let to = (from + LIMB / 8).min(32);
        word[..to - from].copy_from_slice(&bytes[from..to]);
        i128::from_le_bytes(word)
    })
}

/// The lowest 96 bits of an integer: all of it for the limbs of an honest witness.
pub(crate) fn truncated(i: &BigInt) -> u128 {
    let mask: BigInt = (BigInt::from(1) << 96) - 1;
    let low: BigInt = i & mask;
    let (_, bytes) = low.to_bytes_le();
    let mut word = [0; 16];
    word[..bytes.len().min(16)].copy_from_slice(&bytes[..bytes.len().min(16)]);
    u128::from_le_bytes(word)
}
