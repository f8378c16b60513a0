use super::*;
use crate::testing::{points, rng};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use halo2curves::msm::msm_best;
use proptest::prelude::*;
use rand_core::RngCore;

/// The same bases with each number of tables and each kind of instructions.
struct Variants {
    points: Vec<G1Affine>,
    bases: Vec<FixedBases>,
}

impl Variants {
    fn new(points: Vec<G1Affine>) -> Self {
        let of = |i: usize, instructions| {
            let bases = FixedBases::with_tables(&points, 1 << i).unwrap();
            bases.with_instructions(instructions)
        };
        let mut bases = Vec::new();
        for instructions in Instructions::available() {
            bases.extend((0..3).map(|i| of(i, instructions)));
        }
        Self { points, bases }
    }

    fn check<S: Scalar>(&self, scalars: &[S], elements: &[Fr]) {
        let expected = if scalars.is_empty() {
            G1::identity()
        } else {
            msm_best(elements, &self.points[..scalars.len()])
        };
        for bases in &self.bases {
            assert_eq!(bases.multiply(0, scalars), expected);
        }
    }

    /// Integers, and what they are in the field.
    fn check_integers<S: Scalar>(&self, scalars: &[S]) {
        let elements: Vec<Fr> = scalars
            .iter()
            .map(|x| field_element(x.integer().unwrap()))
            .collect();
        self.check(scalars, &elements);
    }
}

#[test]
fn scalars_of_each_type_give_what_the_library_gives() {
    let variants = Variants::new(points(1_300));
    let mut rng = rng();
    for count in [0, 1, 2, 7, 8, 9, 1_023, 1_024, 1_300] {
        let full: Vec<Fr> = (0..count).map(|_| Fr::random(&mut rng)).collect();
        variants.check(&full, &full);
        let words: Vec<u64> = (0..count).map(|_| rng.next_u64()).collect();
        let map = |f: fn(u64) -> i128| words.iter().map(|x| f(*x)).collect::<Vec<i128>>();
        variants.check_integers(&words);
        variants.check_integers(&map(|x| x as i128 * (x as i128 - (1 << 63))));
        macro_rules! check_as {
            ($($type:ty),*) => {$(
                let column: Vec<$type> = words.iter().map(|x| *x as $type).collect();
                variants.check_integers(&column);
            )*};
        }
        check_as!(u8, u16, u32, i8, i16, i32, i64);
    }
}

#[test]
fn columns_of_few_values_are_right() {
    let variants = Variants::new(points(1_100));
    macro_rules! check_columns {
        ($type:ty, $($value:expr),*) => {
            for value in [$($value as $type),*] {
                variants.check_integers(&vec![value; variants.points.len()]);
                // Nine of ten are zero; half are; one is; all but one are.
                for few in [10, 2, 2_000] {
                    let column = |z: $type, x: $type| -> Vec<$type> {
                        (0..variants.points.len()).map(|i| if i % few == few - 1 { x } else { z }).collect()
                    };
                    variants.check_integers(&column(0, value));
                    variants.check_integers(&column(value, 0));
                }
            }
        };
    }
    check_columns!(u8, 1, 0x7f, 0x80, 0xff);
    check_columns!(u16, 1, 0x7fff, 0x8000, 0xffff);
    check_columns!(i32, -1, i32::MIN, i32::MAX);
    check_columns!(i64, i64::MIN, i64::MAX);
    check_columns!(u64, u64::MAX, 1_u64 << 63);
    check_columns!(i128, i128::MIN, i128::MAX, u64::MAX);
    let half = Fr::from(2).invert().unwrap();
    for value in [Fr::ZERO, Fr::ONE, -Fr::ONE, half, half - Fr::ONE, -half] {
        let column = vec![value; variants.points.len()];
        variants.check(&column, &column);
        let column: Vec<Fr> = (0..variants.points.len())
            .map(|i| if i % 10 == 0 { value } else { Fr::ZERO })
            .collect();
        variants.check(&column, &column);
    }
}

/// Many threads split windows by buckets and by scalars, wherever they are.
#[test]
fn threads_change_nothing() {
    let points = points(5_000);
    let mut rng = rng();
    let random: Vec<u16> = (0..5_000).map(|_| rng.next_u32() as u16).collect();
    let same = vec![0xfff0_u16; 5_000];
    let mut skewed = vec![1_u16; 5_000];
    skewed[17] = 0xffff;
    let full: Vec<Fr> = (0..5_000).map(|_| Fr::random(&mut rng)).collect();
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let bases = FixedBases::new(&points).unwrap();
            for column in [&random, &same, &skewed] {
                let elements: Vec<Fr> = column.iter().map(|x| Fr::from(u64::from(*x))).collect();
                assert_eq!(bases.multiply(0, column), msm_best(&elements, &points));
            }
            assert_eq!(bases.multiply(0, &full), msm_best(&full, &points));
        });
    }
}

#[test]
fn bases_from_a_later_one_on_are_used() {
    let points = points(3_000);
    let mut rng = rng();
    let full: Vec<Fr> = (0..1_200).map(|_| Fr::random(&mut rng)).collect();
    let u16s: Vec<u16> = (0..1_200).map(|_| rng.next_u32() as u16).collect();
    let elements: Vec<Fr> = u16s.iter().map(|x| Fr::from(u64::from(*x))).collect();
    for tables in [1, 4] {
        let bases = FixedBases::with_tables(&points, tables).unwrap();
        for first in [0, 1, 1_023, 1_800] {
            let there = &points[first..first + 1_200];
            assert_eq!(bases.multiply(first, &full), msm_best(&full, there));
            assert_eq!(bases.multiply(first, &u16s), msm_best(&elements, there));
        }
    }
}

/// Equal and opposite bases meet in buckets, where affine addition has no answer.
#[test]
fn equal_and_opposite_bases_are_added() {
    let mut points = points(40);
    for i in 0..20 {
        points[20 + i] = points[i];
    }
    points.extend(points.clone().iter().map(|p| -*p));
    points.extend(vec![points[0]; 300]);
    let mut rng = rng();
    let full: Vec<Fr> = points.iter().map(|_| Fr::random(&mut rng)).collect();
    let variants = Variants::new(points);
    variants.check(&full, &full);
    let ones = vec![1_u8; variants.points.len()];
    variants.check(&ones, &vec![Fr::ONE; variants.points.len()]);
    // Whoever knows what buckets start with gives them as bases.
    let starts: Vec<G1Affine> = starts().points[..64].iter().map(Point::affine).collect();
    let scalars: Vec<u8> = (1..=64).collect();
    let variants = Variants::new(starts);
    variants.check_integers(&scalars);
    let negative: Vec<i32> = scalars.iter().map(|x| -i32::from(*x)).collect();
    variants.check_integers(&negative);
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
    for bits in [0, 1, 6, 15] {
        let points = &starts().points[..1 << bits];
        let closed = starts().sums[bits];
        assert_eq!(slowly(points), closed);
        for instructions in Instructions::available() {
            let mut pairs = Pairs::new(instructions);
            assert_eq!(weighted_sum(points, &mut pairs), Some(closed));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_column_is_right(column in prop::collection::vec(any::<i32>(), 0..300), small in 1..20_u32) {
        let points = points(300);
        // Numbers close to each other, and close to the ends.
        let column: Vec<i32> = column.iter().map(|x| x >> small).collect();
        let as_elements: Vec<Fr> = column.iter().map(|x| field_element((*x).into())).collect();
        let bases = FixedBases::new(&points).unwrap();
        let expected = points.iter().zip(&as_elements).fold(G1::identity(), |sum, (p, s)| sum + *p * s);
        prop_assert_eq!(bases.multiply(0, &column), expected);
    }
}
