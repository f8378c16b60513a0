//! Files of ceremonies in snarkjs' format.

use super::*;

#[test]
fn ptau_of_every_size() {
    let file = Ptau::new(4, secret()).write();
    for k in 1..=4 {
        assert!(ptau(&file, k).unwrap() == powers(k), "{k}");
    }
    for k in [0, 29, u32::MAX] {
        assert_error!(
            ptau(&file, k),
            Error::UnsupportedSize { min: 1, max: 28, got } if got == k
        );
    }
    assert_error!(
        ptau(&file, 5),
        Error::TooSmall {
            requested: 5,
            available: 4
        }
    );
}

#[test]
fn ptau_sections_in_any_order_and_stripped() {
    let content = Ptau::new(3, secret());
    let mut sections = content.sections();
    sections.reverse();
    sections.insert(1, (12, vec![1; 77]));
    sections.push((12, vec![]));
    assert!(ptau(&content.write_sections(&sections), 3).unwrap() == powers(3));

    let mut stripped = content.clone();
    stripped.g1.truncate(8);
    stripped.g2.truncate(2);
    assert!(ptau(&stripped.write(), 3).unwrap() == powers(3));
    stripped.g1.pop();
    assert_error!(
        ptau(&stripped.write(), 3),
        Error::SectionLength {
            section: 2,
            expected: 960,
            got: 448
        }
    );
    assert!(ptau(&stripped.write(), 2).is_ok());
    stripped.g2.pop();
    assert_error!(
        ptau(&stripped.write(), 2),
        Error::SectionLength {
            section: 3,
            expected: 1024,
            got: 128
        }
    );
}

#[test]
fn ptau_container_errors() {
    let content = Ptau::new(2, secret());
    let change = |change: fn(&mut Ptau)| {
        let mut changed = content.clone();
        change(&mut changed);
        ptau(&changed.write(), 2)
    };
    assert_error!(
        change(|file| file.magic = *b"zkey"),
        Error::Magic { got, .. } if got == b"zkey"
    );
    assert_error!(
        change(|file| file.version = 2),
        Error::Version {
            expected: 1,
            got: 2
        }
    );
    assert_error!(
        change(|file| file.field[0] ^= 1),
        Error::Curve { got, .. } if got[0] == BASE_FIELD[0] ^ 1
    );
    // BLS12-381 has 48 bytes.
    assert_error!(
        change(|file| file.field = vec![9; 48]),
        Error::Curve { got, .. } if got == vec![9; 48]
    );
    assert_error!(
        change(|file| file.ceremony_power = 1),
        Error::CeremonyPower {
            expected: 1,
            got: 2
        }
    );
    assert_error!(
        change(|file| (file.power, file.ceremony_power) = (29, 30)),
        Error::UnsupportedSize { got: 29, .. }
    );
    // More than its power allows.
    assert_error!(
        change(|file| file.g1.push(stray())),
        Error::SectionLength { section: 2, .. }
    );

    let sections = content.sections();
    for (index, section) in [(0, 1), (1, 2), (2, 3)] {
        let mut fewer = sections.clone();
        fewer.remove(index);
        assert_error!(
            ptau(&content.write_sections(&fewer), 2),
            Error::MissingSection { section: missing } if missing == section
        );
        let mut more = sections.clone();
        more.push(sections[index].clone());
        assert_error!(
            ptau(&content.write_sections(&more), 2),
            Error::DuplicateSection { section: twice } if twice == section
        );
    }
    let mut header = sections.clone();
    header[0].1.push(0);
    assert_error!(
        ptau(&content.write_sections(&header), 2),
        Error::SectionLength {
            section: 1,
            expected: 44,
            got: 45
        }
    );
    header[0].1.truncate(3);
    assert_error!(
        ptau(&content.write_sections(&header), 2),
        Error::SectionLength {
            section: 1,
            expected: 44,
            got: 3
        }
    );

    let file = content.write();
    for length in 0..file.len() {
        assert_error!(
            ptau(&file[..length], 2),
            Error::Truncated { .. } | Error::Interrupted { .. }
        );
    }
    let mut longer = file.clone();
    longer.push(0);
    assert_error!(
        ptau(&longer, 2),
        Error::TrailingBytes { expected, got } if got == expected + 1
    );
    // Hostile lengths: many sections, a huge section.
    let mut many = file.clone();
    many[8..12].fill(0xff);
    assert_error!(ptau(&many, 2), Error::Truncated { .. });
    let mut huge = file.clone();
    huge[16..24].fill(0xff);
    assert_error!(
        ptau(&huge, 2),
        Error::Interrupted { section: 1, problem } if problem.contains(&u64::MAX.to_string())
    );
}

#[test]
fn ptau_point_errors() {
    let content = Ptau::new(3, secret());
    let change = |change: fn(&mut Ptau)| {
        let mut changed = content.clone();
        change(&mut changed);
        ptau(&changed.write(), 3)
    };
    assert_error!(
        change(|file| file.g1[5].y += Fq::ONE),
        Error::NotOnCurve {
            points: Points::PowersG1,
            index: 5
        }
    );
    assert_error!(
        change(|file| file.g1[7] = G1Affine::identity()),
        Error::Infinity {
            points: Points::PowersG1,
            index: 7
        }
    );
    assert_error!(
        change(|file| file.g1[5] = stray()),
        Error::InconsistentPowers
    );
    assert_error!(
        change(|file| file.g1[7] = stray()),
        Error::InconsistentPowers
    );
    assert_error!(
        change(|file| file.g1[1] = stray()),
        Error::InconsistentPowers
    );
    // What is not asked for is not looked at.
    assert!(change(|file| file.g1[8] = stray()).is_ok());
    assert_error!(
        change(|file| file.g1[0] = stray()),
        Error::NotGenerator {
            points: Points::PowersG1
        }
    );
    assert_error!(
        change(|file| file.g2.swap(0, 1)),
        Error::NotGenerator {
            points: Points::PowersG2
        }
    );
    assert_error!(
        change(|file| file.g2[1].x.c0 += Fq::ONE),
        Error::NotOnCurve {
            points: Points::PowersG2,
            index: 1
        }
    );
    assert_error!(
        change(|file| file.g2[1] = G2Affine::identity()),
        Error::Infinity {
            points: Points::PowersG2,
            index: 1
        }
    );
    assert_error!(
        change(|file| file.g2[1] = outside_subgroup()),
        Error::NotInSubgroup {
            points: Points::PowersG2,
            index: 1
        }
    );
    assert_error!(
        change(|file| file.g2[1] = -file.g2[1]),
        Error::InconsistentPowers
    );

    // Coordinates that are not below the prime.
    let mut sections = content.sections();
    sections[1].1[2 * 64 + 32..3 * 64].copy_from_slice(&BASE_FIELD);
    assert_error!(
        ptau(&content.write_sections(&sections), 3),
        Error::NonCanonical {
            points: Points::PowersG1,
            index: 2
        }
    );
    let mut sections = content.sections();
    sections[2].1[96..128].fill(0xff);
    assert_error!(
        ptau(&content.write_sections(&sections), 3),
        Error::NonCanonical {
            points: Points::PowersG2,
            index: 0
        }
    );
}

#[test]
fn roots_of_unity_are_no_secrets() {
    let root = root_of_unity(3);
    for (order_log2, secret) in [
        // A ceremony that nobody contributed to.
        (0, Fr::ONE),
        (1, -Fr::ONE),
        (2, root.square()),
        (3, root),
    ] {
        let file = Ptau::new(3, secret).write();
        assert_error!(
            ptau(&file, 3),
            Error::DegenerateSecret { order_log2: order } if order == order_log2
        );
    }
    let longer = Ptau::new(3, root_of_unity(4)).write();
    assert!(ptau(&longer, 3).is_ok());
}

#[test]
fn zero_is_no_secret() {
    let mut file = Ptau::new(3, Fr::ZERO);
    assert_error!(
        ptau(&file.write(), 3),
        Error::Infinity {
            points: Points::PowersG2,
            index: 1
        }
    );
    file.g2[1] = G2Affine::generator();
    assert_error!(
        ptau(&file.write(), 3),
        Error::Infinity {
            points: Points::PowersG1,
            index: 1
        }
    );
}

/// Longer ones are multiplied by other code, and in parts.
#[test]
fn long_lists_of_powers_are_checked() {
    let check = |change: &dyn Fn(&mut [G1Affine])| {
        let mut parts = development::parts(4 * CHUNK, SEED);
        change(&mut parts.powers);
        parts.check_powers()
    };
    check(&|_| {}).unwrap();
    for i in [1, CHUNK - 1, CHUNK, 2 * CHUNK + 77, 4 * CHUNK - 2] {
        assert_error!(check(&|g| g.swap(i, i + 1)), Error::InconsistentPowers);
        assert_error!(check(&|g| g[i + 1] = g[i]), Error::InconsistentPowers);
        assert_error!(check(&|g| g[i] = -g[i]), Error::InconsistentPowers);
    }
    assert_error!(
        check(&|g| g[4 * CHUNK - 1] = stray()),
        Error::InconsistentPowers
    );
}

/// A point that is on no power of the secret.
pub(super) fn stray() -> G1Affine {
    (G1Affine::generator() * Fr::from(12345)).to_affine()
}

/// A point of the twist outside of the subgroup.
pub(super) fn outside_subgroup() -> G2Affine {
    (1..)
        .find_map(|x| {
            let x = Fq2::new(Fq::from(x), Fq::ZERO);
            let y = Option::<Fq2>::from((x.square() * x + G2Affine::b()).sqrt())?;
            let point = G2Affine::from_xy(x, y).unwrap();
            let torsion_free = halo2curves::bn256::G2::from(point).is_torsion_free();
            (!bool::from(torsion_free)).then_some(point)
        })
        .unwrap()
}
