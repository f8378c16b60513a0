use super::*;
use halo2curves::ff::Field;
use halo2curves::msm::msm_best;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn points(count: usize) -> Vec<G1Affine> {
    let mut rng = rng();
    (0..count)
        .map(|_| G1::random(&mut rng).to_affine())
        .collect()
}

fn check<S: Scalar>(points: &[G1Affine], scalars: &[S], as_elements: &[Fr]) {
    let bases = FixedBases::new(points).unwrap();
    let expected = if scalars.is_empty() {
        G1::identity()
    } else {
        msm_best(as_elements, &points[..scalars.len()])
    };
    assert_eq!(bases.multiply(scalars), expected);
}

#[test]
fn scalars_of_each_size_give_what_the_library_gives() {
    let points = points(5_000);
    let mut rng = rng();
    for count in [0, 1, 2, 7, 8, 9, 1_023, 1_024, 5_000] {
        let full: Vec<Fr> = (0..count).map(|_| Fr::random(&mut rng)).collect();
        check(&points, &full, &full);
        let u8s: Vec<u8> = (0..count).map(|_| rng.next_u32() as u8).collect();
        let as_elements: Vec<Fr> = u8s.iter().map(|x| Fr::from(u64::from(*x))).collect();
        check(&points, &u8s, &as_elements);
        let u16s: Vec<u16> = (0..count).map(|_| rng.next_u32() as u16).collect();
        let as_elements: Vec<Fr> = u16s.iter().map(|x| Fr::from(u64::from(*x))).collect();
        check(&points, &u16s, &as_elements);
        let u32s: Vec<u32> = (0..count).map(|_| rng.next_u32()).collect();
        let as_elements: Vec<Fr> = u32s.iter().map(|x| Fr::from(u64::from(*x))).collect();
        check(&points, &u32s, &as_elements);
        let i32s: Vec<i32> = u32s.iter().map(|x| x.cast_signed()).collect();
        let as_elements: Vec<Fr> = i32s.iter().map(|x| signed(*x)).collect();
        check(&points, &i32s, &as_elements);
    }
}

fn signed(x: i32) -> Fr {
    let size = Fr::from(u64::from(x.unsigned_abs()));
    if x < 0 {
        -size
    } else {
        size
    }
}

#[test]
fn columns_of_few_values_are_right() {
    let points = points(4_100);
    for value in [0_u16, 1, 2, 0x7fff, 0x8000, 0xffff] {
        let column = vec![value; points.len()];
        let as_elements = vec![Fr::from(u64::from(value)); points.len()];
        check(&points, &column, &as_elements);
    }
    // Nine of ten are zero.
    let sparse: Vec<u16> = (0..4_100)
        .map(|i| if i % 10 == 0 { i as u16 } else { 0 })
        .collect();
    let as_elements: Vec<Fr> = sparse.iter().map(|x| Fr::from(u64::from(*x))).collect();
    check(&points, &sparse, &as_elements);
}

/// Equal and opposite bases meet in buckets, where affine addition has no answer.
#[test]
fn equal_and_opposite_bases_are_added() {
    let mut points = points(40);
    for i in 0..20 {
        points[20 + i] = points[i];
    }
    points.extend(points.clone().iter().map(|p| -*p));
    points.extend(vec![points[0]; 3_000]);
    let mut rng = rng();
    let full: Vec<Fr> = points.iter().map(|_| Fr::random(&mut rng)).collect();
    check(&points, &full, &full);
    let ones = vec![1_u8; points.len()];
    check(&points, &ones, &vec![Fr::ONE; points.len()]);
    // Whoever knows what buckets start with gives them as bases.
    let starts: Vec<G1Affine> = starts().points[..64].iter().map(Point::affine).collect();
    let scalars: Vec<u8> = (1..=64).collect();
    let as_elements: Vec<Fr> = scalars.iter().map(|x| Fr::from(u64::from(*x))).collect();
    check(&starts, &scalars, &as_elements);
    let negative: Vec<i32> = scalars.iter().map(|x| -i32::from(*x)).collect();
    let as_elements: Vec<Fr> = negative.iter().map(|x| signed(*x)).collect();
    check(&starts, &negative, &as_elements);
}

#[test]
fn the_identity_is_no_base() {
    let mut points = points(3);
    points[1] = G1Affine::identity();
    let error = FixedBases::new(&points).err();
    assert_eq!(error, Some(IdentityBase { index: 1 }));
}

#[test]
fn starts_sum_up_to_what_is_subtracted() {
    for count in [1, 2, 64, 1 << 15] {
        let points = &starts().points[..count];
        let closed = starts().weighted_sum(count as u64);
        assert_eq!(slowly(points), closed);
        assert_eq!(weighted_sum(points, &mut Pairs::default()), Some(closed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_column_is_right(column in prop::collection::vec(any::<i32>(), 0..300), small in 1..20_u32) {
        let points = points(300);
        // Numbers close to each other, and close to the ends.
        let column: Vec<i32> = column.iter().map(|x| x >> small).collect();
        let as_elements: Vec<Fr> = column.iter().map(|x| signed(*x)).collect();
        let bases = FixedBases::new(&points).unwrap();
        let expected = points.iter().zip(&as_elements).fold(G1::identity(), |sum, (p, s)| sum + *p * s);
        prop_assert_eq!(bases.multiply(&column), expected);
    }
}
