use super::*;
use proptest::prelude::*;

#[test]
fn rounding_shift() {
    assert_eq!(
        [-3, -2, -1, 0, 1, 2, 3].map(|a| rs(a, 1)),
        [-1, -1, 0, 0, 1, 1, 2]
    );
    assert_eq!(rs(i64::MAX, 1), 1 << 62);
    assert_eq!(rs(i64::MIN, 63), -1);
    assert_eq!(rs(i64::MAX, 63), 1);
}

proptest! {
    #[test]
    fn rounding_shift_is_floor(a: i64, s in 1u32..64) {
        prop_assert_eq!(i128::from(rs(a, s)), (i128::from(a) + (1 << (s - 1))) >> s);
    }

    #[test]
    fn rsqrt_is_the_greatest(d in 1usize..=MAX_WIDTH, g in 0u32..=MAX_NORM_FRAC, var: u128, shift in 1u32..127) {
        let var = (var >> shift).max(1);
        let bound = (d as u128 * d as u128) << (2 * (32 + g));
        // r²·var ≤ bound, with the product in full.
        let fits = |r: u128| (r * r).checked_mul(var).is_some_and(|v| v <= bound);
        match rsqrt(d, g, var) {
            Ok(r) => {
                prop_assert!((0..1 << RSQRT_BITS).contains(&r));
                prop_assert!(fits(r as u128));
                prop_assert!(!fits(r as u128 + 1));
            }
            Err(_) => prop_assert!(fits(1 << RSQRT_BITS)),
        }
    }

    #[test]
    fn rsqrt_of_exact_squares(d in 1usize..=MAX_WIDTH, k in 0u32..31) {
        // r²·var = d²·2^(2m) exactly; with one more in var, r no longer fits.
        let g = Spec::norm_frac_for(d);
        let r = (d as i64) << k;
        let var = 1u128 << (2 * (32 + g - k));
        prop_assert_eq!(rsqrt(d, g, var), Ok(r));
        prop_assert!(rsqrt(d, g, var + 1).unwrap() < r);
    }

    #[test]
    fn layer_norm_stays_in_range(
        rows in 1usize..4, d in 1usize..200, seed: u64, shift in 33u32..64,
    ) {
        let mut random = crate::synthetic::Random::new(seed);
        let x: Vec<i64> = (0..rows * d).map(|_| random.next_u64() as i64 >> shift).collect();
        let g = Spec::norm_frac_for(d);
        let spec = crate::synthetic::spec(d, crate::spec::Activation::Relu);
        let trace = normalize(&spec, &x, d)?;
        prop_assert_eq!(trace.mean.len(), rows);
        for ((row, out), mean) in x.chunks(d).zip(trace.out.chunks(d)).zip(&trace.mean) {
            let sum: i64 = row.iter().sum();
            prop_assert!(mean * d as i64 <= sum && sum < (mean + 1) * d as i64);
            // Order is kept, and the square sum is at most d (plus rounding).
            for (a, b) in row.iter().zip(out).zip(row.iter().zip(out).skip(1)) {
                prop_assert!((a.0 <= b.0) == (a.1 <= b.1) || a.1 == b.1);
            }
            let squares: i128 = out.iter().map(|&v| i128::from(v).pow(2)).sum();
            let one = (1i128 << g) + (1i128 << g) / 128 + 2;
            prop_assert!(squares <= d as i128 * one * one);
        }
    }
}

use crate::model::Rotation;
use crate::spec::Activation;

#[test]
fn rotations_by_hand() {
    // Two positions, one head of two pairs; then a head more.
    let one = 1 << 14;
    let by = Rotation {
        cos: vec![one, one, 0, -one],
        sin: vec![0, 0, one, 0],
    };
    let rows = [1, 2, 3, 4, 5, 6, 7, 8];
    let turned = [
        one,
        2 * one,
        3 * one,
        4 * one,
        -7 * one,
        -6 * one,
        5 * one,
        -8 * one,
    ];
    assert_eq!(rotate(&rows, 4, 2, &by.factors(2, 0..2, None)), turned);
    let second = by.factors(2, 1..2, None);
    assert_eq!(
        rotate(&rows, 8, 2, &second)[..4],
        [-3 * one, -2 * one, one, -4 * one]
    );
    // Each feature is multiplied by its gain, then turned: in the first row nothing else, in the second by a quarter and by
    // a half of a turn.
    let unit = 1 << 16;
    let gains = [unit, 3 * unit, -2 * unit, 5 * unit];
    let gained = [
        unit,
        2 * 3 * unit,
        3 * -2 * unit,
        4 * 5 * unit,
        -7 * -2 * unit,
        -6 * 3 * unit,
        5 * unit,
        -8 * 5 * unit,
    ];
    let factors = by.factors(2, 0..2, Some(&gains));
    assert_eq!(rotate(&rows, 4, 2, &factors), gained);
    // Rounded half up, at 16 fractional bits.
    let third = Rotation {
        cos: vec![one / 2],
        sin: vec![1],
    };
    let factors = third.factors(1, 0..1, Some(&[3, -(one / 2)]));
    assert_eq!((factors.cos, factors.sin), (vec![2, -one / 4], vec![0, 0]));
    assert_eq!(gate(&[3, -2], &[5, 7]), Ok(vec![15, -14]));
    assert!(gate(&[3], &[]).is_err());
}

#[test]
fn rsqrt_limits() {
    assert_eq!(rsqrt(1, 14, 1 << 92), Ok(1));
    assert_eq!(rsqrt(1, 14, (1 << 92) + 1), Ok(0));
    assert!(matches!(rsqrt(MAX_WIDTH, 14, 1), Err(Error::Range { .. })));
    assert!(matches!(rsqrt(4, 14, 0), Err(Error::Range { .. })));
    assert!(matches!(rsqrt(0, 14, 1), Err(Error::Parameter { .. })));
    assert!(matches!(rsqrt(4, 15, 1), Err(Error::Parameter { .. })));
    // d²·2^(2m) = 2^106 = 2^(2·48)·2^10: at the limit, and just inside.
    let error = Error::range("LayerNorm reciprocal root", 1 << 48, 0, (1 << 48) - 1);
    assert_eq!(rsqrt(4096, 9, 1024), Err(error));
    assert!(rsqrt(4096, 9, 1025).is_ok());
}

#[test]
fn norms_by_hand() {
    // d = 2, S = 1, Q = 5, var = 10 - 1 + eps.
    let by_hand = |norm: Norm, x: &[i64], d: usize, norm_frac: u32, eps: u64| {
        let spec = Spec {
            norm,
            norm_frac,
            eps,
            ..crate::synthetic::spec(d, Activation::Relu)
        };
        normalize(&spec, x, d)
    };
    let layer_norm = |x: &[i64], d, norm_frac, eps| by_hand(Norm::LayerNorm, x, d, norm_frac, eps);
    // d = 2, Q = 5, var = 10 + eps, which is 2^5.
    let trace = by_hand(Norm::RmsNorm, &[2, -1], 2, 14, 22).unwrap();
    // r² ≤ 2^94 / 2^5
    assert_eq!(
        (trace.mean, trace.rsqrt),
        (vec![0], vec![24_879_108_095_803])
    );
    assert_eq!(trace.out, [11_585, -5_793]);
    let trace = layer_norm(&[2, -1], 2, 14, 7).unwrap();
    assert_eq!(trace.mean, [0]);
    assert_eq!(trace.rsqrt, [1i64 << 45]);
    assert_eq!(trace.out, [1 << 14, -(1 << 13)]);
    assert!(matches!(
        layer_norm(&[1, 2, 3], 2, 14, 7),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        layer_norm(&[1, 2], 2, 14, 0),
        Err(Error::Parameter { .. })
    ));
    assert!(matches!(
        layer_norm(&[1 << 31, 2], 2, 14, 7),
        Err(Error::Range { .. })
    ));
    // Extreme values are fine, and so is a constant row.
    let trace = layer_norm(&[i64::from(i32::MIN), i64::from(i32::MAX)], 2, 14, 7).unwrap();
    assert_eq!(trace.mean, [-1]);
    assert_eq!(trace.out, [-(1 << 14), 1 << 14]);
    assert_eq!(layer_norm(&[5; 8], 4, 13, 1 << 30).unwrap().out, [0; 8]);
}

#[test]
fn narrow_and_residual() {
    assert_eq!(
        narrow("x", &[32_767 << 16, -(1 << 31), 1 << 15], 16),
        Ok(vec![32_767, -32_768, 1])
    );
    assert_eq!(
        narrow("x", &[1 << 31], 16),
        Err(Error::range("x", 32_768, -32_768, 32_767))
    );
    assert_eq!(residual_add("x", &[5, -5], &[1 << 16, 0]), Ok(vec![6, -5]));
    assert!(residual_add("x", &[i64::from(i32::MAX)], &[1 << 16]).is_err());
    assert!(residual_add("x", &[i64::MAX], &[i64::MAX]).is_err());
    assert!(residual_add("x", &[1], &[]).is_err());
    assert_eq!(embed(&[1, 2], Some(&[10, 20])), Ok(vec![11, 22]));
    assert!(embed(&[i32::MIN], Some(&[-1])).is_err());
    assert!(embed(&[1], Some(&[])).is_err());
}

#[test]
fn activations_are_checked() {
    let table = |a| ActivationTable::get(a, 11).unwrap();
    let run = |h: i64, a| activate(&[h << 16], table(a)).map(|v| v[0]);
    assert_eq!(run(28_671, Activation::Relu), Ok(57_342));
    let error = |v| Err(Error::range("MLP activation", v, -8_192, 57_343));
    assert_eq!(run(28_672, Activation::Relu), error(57_344));
    assert_eq!(run(32_767, Activation::Gelu), error(65_534));
    assert_eq!(run(-32_768, Activation::GeluNew), Ok(0));
    // At its least, -0.17.
    assert_eq!(run(-1_540, Activation::Gelu), Ok(-696));
    assert_eq!(
        run(32_768, Activation::Relu),
        Err(Error::range("MLP pre-activation", 32_768, -32_768, 32_767))
    );
}

#[test]
fn argmax_takes_the_lowest_id() {
    assert_eq!(argmax(&[3]), Ok(0));
    assert_eq!(argmax(&[1, 5, 5, 2]), Ok(1));
    assert_eq!(argmax(&[0, (1 << 40) - 1]), Ok(1));
    assert!(matches!(argmax(&[0, 1 << 40]), Err(Error::Range { .. })));
    assert!(matches!(
        argmax(&[i64::MIN, i64::MAX]),
        Err(Error::Range { .. })
    ));
    assert!(argmax(&[]).is_err());
}

fn row_of(query: i64, keys: &[i64], t: usize) -> Result<[Vec<i64>; 4], Error> {
    let mut out = [(); 4].map(|()| vec![0; keys.len()]);
    let [score_acc, z, e, p] = &mut out;
    let mut row = AttentionRow { score_acc, z, e, p };
    let view = HeadView {
        values: keys,
        width: 1,
        offset: 0,
        len: 1,
    };
    attention_probabilities(&[query], view, t, 4, ExpTable::get(), &mut row)?;
    Ok(out)
}

#[test]
fn attention_row_by_hand() {
    let [score_acc, z, e, p] = row_of(16, &[100, 100, 7, 100], 1).unwrap();
    assert_eq!(score_acc, [1600, 1600, 112, 1600]);
    assert_eq!(z, [0, 0, 93 + (1 << 28), 1 << 28]);
    assert_eq!(e, [1 << 15, 1 << 15, 0, 0]);
    assert_eq!(p, [32_768, 32_768, 0, 0]);
    let [.., p] = row_of(16, &[100, -32_768], 1).unwrap();
    assert_eq!(p[0] + p[1], 65_535);
    let [.., p] = row_of(16, &[5, 0], 0).unwrap();
    assert_eq!(p, [65_535, 0]);
}

#[test]
fn a_mask_that_does_not_hide_is_an_error() {
    // Scores just inside the range, the masked one the greater: 2^28 does not suffice.
    let score = (1i64 << SCORE_BITS) - 1;
    let mut out = [(); 4].map(|()| vec![0; 2]);
    let [score_acc, z, e, p] = &mut out;
    let mut row = AttentionRow { score_acc, z, e, p };
    let keys = [-(score << 4), score << 4];
    let view = HeadView {
        values: &keys,
        width: 1,
        offset: 0,
        len: 1,
    };
    let result = attention_probabilities(&[1], view, 0, 4, ExpTable::get(), &mut row);
    assert_eq!(
        result,
        Err(Error::range("causal mask", 2, 1 << 16, u32::MAX.into()))
    );
}
