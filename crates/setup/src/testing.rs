//! Writers of the files that the parsers read, well-formed and not, and the tests that need them.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, Fr, G1Affine, G2Affine};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::cofactor::CofactorGroup;
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::{Curve, GroupEncoding};
use halo2curves::serde::SerdeObject;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::parts::CHUNK;
use crate::points::Encoding;
use crate::ptau::{BASE_FIELD, MAGIC, VERSION};
use crate::*;

const SEED: [u8; 32] = [7; 32];

fn secret() -> Fr {
    Fr::random(ChaCha20Rng::from_seed(SEED))
}

/// What parsers return.
type Powers = (Vec<G1Affine>, [G2Affine; 2]);

/// The points of the test's ceremony.
fn powers(k: u32) -> Powers {
    development_powers(1 << k, SEED)
}

fn points(setup: &Setup) -> Powers {
    (setup.powers().to_vec(), setup.g2())
}

/// The generator of the domain of size `2^k`.
fn root_of_unity(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// A file of the development setup of a seed, as halo2 writes it.
fn srs_of(k: u32, seed: [u8; 32], encoding: Encoding) -> Vec<u8> {
    let (powers, g2) = development_powers(1 << k, seed);
    let secret = Fr::random(ChaCha20Rng::from_seed(seed));
    // L_i(tau) = w^i (tau^n - 1) / (n (tau - w^i)).
    let (n, root) = (1 << k, root_of_unity(k));
    let vanishing = secret.pow_vartime([n]) - Fr::ONE;
    let lagrange = (0..n).map(|i| {
        let x = root.pow_vartime([i]);
        let divisor: Fr = Fr::from(n) * (secret - x);
        (G1Affine::generator() * (x * vanishing * divisor.invert().unwrap())).to_affine()
    });
    let mut file = k.to_le_bytes().to_vec();
    for point in powers.into_iter().chain(lagrange) {
        file.extend(encoded(&point, encoding));
    }
    for point in &g2 {
        file.extend(encoded(point, encoding));
    }
    file
}

fn encoded<P: SerdeObject + GroupEncoding>(point: &P, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Raw => point.to_raw_bytes(),
        Encoding::Compressed => point.to_bytes().as_ref().to_vec(),
    }
}

/// A halo2 file of the test's ceremony.
fn srs(k: u32) -> Vec<u8> {
    srs_of(k, SEED, Encoding::Raw)
}

fn compressed_srs(k: u32) -> Vec<u8> {
    srs_of(k, SEED, Encoding::Compressed)
}

/// What a `.ptau` file says, to be changed before it is written.
#[derive(Clone)]
struct Ptau {
    magic: [u8; 4],
    version: u32,
    field: Vec<u8>,
    power: u32,
    ceremony_power: u32,
    g1: Vec<G1Affine>,
    g2: Vec<G2Affine>,
}

impl Ptau {
    fn new(power: u32, secret: Fr) -> Self {
        let powers =
            |n| std::iter::successors(Some(Fr::ONE), move |power| Some(*power * secret)).take(n);
        Self {
            magic: MAGIC,
            version: VERSION,
            field: BASE_FIELD.to_vec(),
            power,
            ceremony_power: power + 3,
            g1: powers((2 << power) - 1)
                .map(|s| (G1Affine::generator() * s).to_affine())
                .collect(),
            g2: powers(1 << power)
                .map(|s| (G2Affine::generator() * s).to_affine())
                .collect(),
        }
    }

    fn sections(&self) -> Vec<(u32, Vec<u8>)> {
        let mut header = (self.field.len() as u32).to_le_bytes().to_vec();
        header.extend(&self.field);
        header.extend(self.power.to_le_bytes());
        header.extend(self.ceremony_power.to_le_bytes());
        vec![
            (1, header),
            (
                2,
                self.g1.iter().flat_map(SerdeObject::to_raw_bytes).collect(),
            ),
            (
                3,
                self.g2.iter().flat_map(SerdeObject::to_raw_bytes).collect(),
            ),
            (7, 0u32.to_le_bytes().to_vec()),
        ]
    }

    fn write_sections(&self, sections: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut file = self.magic.to_vec();
        file.extend(self.version.to_le_bytes());
        file.extend((sections.len() as u32).to_le_bytes());
        for (section, bytes) in sections {
            file.extend(section.to_le_bytes());
            file.extend((bytes.len() as u64).to_le_bytes());
            file.extend(bytes);
        }
        file
    }

    fn write(&self) -> Vec<u8> {
        self.write_sections(&self.sections())
    }
}

fn ptau(bytes: &[u8], k: u32) -> Result<Powers, Error> {
    parse_ptau(&mut Cursor::new(bytes), k)
}

fn halo2(bytes: &[u8], k: u32) -> Result<Powers, Error> {
    parse_srs(&mut Cursor::new(bytes), k)
}

macro_rules! assert_error {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            Err(other) => panic!("unexpected error {other:?}"),
            Ok(_) => panic!("accepted"),
        }
    };
}

/// Here, because macros are seen by what follows them.
mod published;

/// A point of the twist outside of the subgroup.
fn outside_subgroup() -> G2Affine {
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

/// A point that is on no power of the secret.
fn stray() -> G1Affine {
    (G1Affine::generator() * Fr::from(12345)).to_affine()
}

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

/// These are the bytes that halo2-axiom 0.5.3 writes of `ParamsKZG::setup(4, ChaCha20Rng::from_seed(SEED))`.
#[test]
fn files_are_those_of_halo2() {
    let digest = |file: &[u8]| error::Hex(&Sha256::digest(file)).to_string();
    assert_eq!(
        digest(&srs(4)),
        "587b7c95a50440fbb52de2e6a62dda86cf542f7bceb477768a9c63e8d11ee03e"
    );
    assert_eq!(
        digest(&compressed_srs(4)),
        "70ed76653225d32e9ecafa975071f53430199b255a518c46d24ac4b30ad29897"
    );
}

#[test]
fn srs_of_every_size_and_encoding() {
    for file in [srs(4), compressed_srs(4)] {
        for k in 1..=4 {
            assert!(halo2(&file, k).unwrap() == powers(k), "{k}");
        }
        assert_error!(
            halo2(&file, 5),
            Error::TooSmall {
                requested: 5,
                available: 4
            }
        );
        assert_error!(halo2(&file, 0), Error::UnsupportedSize { got: 0, .. });
    }
}

#[test]
fn srs_errors() {
    let file = srs(3);
    assert_error!(
        halo2(&file[..3], 3),
        Error::Truncated {
            expected: 4,
            got: 3,
            ..
        }
    );
    // The length of a file with compressed points, which these are not.
    assert!(halo2(&file[..644], 3).is_err());
    for length in (4..file.len()).filter(|&length| length != 644) {
        assert_error!(
            halo2(&file[..length], 3),
            Error::SrsLength { k: 3, expected_raw: 1284, expected_processed: 644, got }
                if got == length as u64
        );
    }
    let mut longer = file.clone();
    longer.push(0);
    assert_error!(halo2(&longer, 3), Error::SrsLength { got: 1285, .. });
    let mut larger = file.clone();
    larger[..4].copy_from_slice(&28u32.to_le_bytes());
    assert_error!(halo2(&larger, 3), Error::SrsLength { k: 28, .. });
    larger[..4].fill(0xff);
    assert_error!(
        halo2(&larger, 3),
        Error::UnsupportedSize { got: u32::MAX, .. }
    );

    let put = |offset: usize, bytes: &[u8], k| {
        let mut changed = file.clone();
        changed[offset..offset + bytes.len()].copy_from_slice(bytes);
        halo2(&changed, k)
    };
    let g = 4;
    let g_lagrange = g + 8 * 64;
    let g2 = g_lagrange + 8 * 64;
    assert_error!(
        put(g + 64 * 3 + 32, &BASE_FIELD, 3),
        Error::NonCanonical {
            points: Points::PowersG1,
            index: 3
        }
    );
    // Nothing depends on the Lagrange basis, so it may be anything.
    let no_basis = put(g_lagrange, &[0xff; 8 * 64], 3);
    assert!(no_basis.unwrap() == powers(3));
    assert_error!(
        put(g + 64 * 3, &stray().to_raw_bytes(), 3),
        Error::InconsistentPowers
    );
    assert_error!(
        put(g, &stray().to_raw_bytes(), 3),
        Error::NotGenerator {
            points: Points::PowersG1
        }
    );
    assert_error!(
        put(g2 + 128, &outside_subgroup().to_raw_bytes(), 3),
        Error::NotInSubgroup {
            points: Points::PowersG2,
            index: 1
        }
    );
}

fn compressed(bytes: &[u8; 32]) -> <G1Affine as GroupEncoding>::Repr {
    let mut repr = <G1Affine as GroupEncoding>::Repr::default();
    repr.as_mut().copy_from_slice(bytes);
    repr
}

#[test]
fn compressed_srs_errors() {
    let file = compressed_srs(3);
    let put = |offset: usize, bytes: &[u8]| {
        let mut changed = file.clone();
        changed[offset..offset + bytes.len()].copy_from_slice(bytes);
        halo2(&changed, 3)
    };
    // The point at infinity, and another encoding of a point.
    let mut infinity = [0; 32];
    infinity[31] = 0x80;
    assert_error!(
        put(4 + 32, &infinity),
        Error::Infinity {
            points: Points::PowersG1,
            index: 1
        }
    );
    assert_error!(
        put(4 + 2 * 32 + 31, &[file[4 + 2 * 32 + 31] | 0x80]),
        Error::NonCanonical {
            points: Points::PowersG1,
            index: 2
        }
    );
    assert_error!(
        put(4 + 32, &[0xff; 32]),
        Error::NonCanonical {
            points: Points::PowersG1,
            index: 1
        }
    );
    // Both parts of a coordinate in the extension of the base field.
    for part in [0, 32] {
        assert_error!(
            put(4 + 16 * 32 + 64 + part, &BASE_FIELD),
            Error::NonCanonical {
                points: Points::PowersG2,
                index: 1
            }
        );
    }
    let not_on_curve = (0..)
        .map(|x| [x; 32].map(|byte| byte & 0x1f))
        .find(|bytes| G1Affine::from_bytes(&compressed(bytes)).is_none().into())
        .unwrap();
    assert_error!(
        put(4 + 32, &not_on_curve),
        Error::NotOnCurve {
            points: Points::PowersG1,
            index: 1
        }
    );
    // The other square root.
    assert_error!(
        put(4 + 2 * 32 + 31, &[file[4 + 2 * 32 + 31] ^ 0x40]),
        Error::InconsistentPowers
    );
}

fn read_file(bytes: &[u8], k: u32) -> Result<(Setup, CeremonyFile), Error> {
    Setup::read(&mut Cursor::new(bytes), ["test ceremony", "file"], k, None)
}

#[test]
fn setups_of_files() {
    let name = "test ceremony";
    let file = Ptau::new(3, secret()).write();
    let (setup, published) = read_file(&file, 3).unwrap();
    assert_eq!(published.sha256, <[u8; 32]>::from(Sha256::digest(&file)));
    assert_eq!(
        setup.origin(),
        &Origin::Ceremony {
            file_digest: Sha256::digest(&file).into(),
            name: name.into(),
        }
    );
    assert!(!setup.is_development());
    assert_eq!(setup.k(), 3);
    // The same secret has the same id, whatever file and size it comes in.
    let (smaller, _) = read_file(&srs(2), 1).unwrap();
    assert_eq!(smaller.id(), setup.id());
    let development = Setup::development(4, SEED).unwrap();
    assert_eq!(development.id(), setup.id());
    assert!(development.is_development());
    assert_ne!(setup.id(), DEVELOPMENT_ID);

    let public = srs_of(3, DEVELOPMENT_SEED, Encoding::Raw);
    assert_error!(read_file(&public, 3), Error::DevelopmentSecret);
    assert_error!(
        Setup::development(29, SEED),
        Error::UnsupportedSize { got: 29, .. }
    );
    assert_error!(
        Setup::from_file(Path::new("/nonexistent/file"), name, 3, None),
        Error::File { action: "open", .. }
    );
}

struct Dir {
    dir: tempfile::TempDir,
    store: SetupStore,
}

impl Dir {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SetupStore::new(dir.path().join("store"));
        Self { dir, store }
    }

    fn file(&self, content: &[u8]) -> std::path::PathBuf {
        let path = self.dir.path().join("published");
        fs::write(&path, content).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.store.dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn store_of_development_setups() {
    let dir = Dir::new();
    let made = dir.store.load_or_create_development(4).unwrap();
    let path = dir.store.dir().join("development-4.setup");
    let content = fs::read(&path).unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let loaded = dir.store.load_or_create_development(4).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    assert!(points(&made) == points(&loaded));
    assert_eq!(loaded.id(), DEVELOPMENT_ID);
    assert!(loaded.is_development());

    // Every kind of damage is repaired.
    let other_size = {
        dir.store.load_or_create_development(3).unwrap();
        fs::read(dir.store.dir().join("development-3.setup")).unwrap()
    };
    let mut flipped = content.clone();
    flipped[300] ^= 1;
    let longer = [content.clone(), vec![0; 1000]].concat();
    for damaged in [
        &content[..content.len() - 1],
        &content[..20],
        &[],
        &flipped,
        &longer,
        &other_size,
    ] {
        fs::write(&path, damaged).unwrap();
        let repaired = dir.store.load_or_create_development(4).unwrap();
        assert!(points(&made) == points(&repaired));
        assert!(fs::read(&path).unwrap() == content);
    }
    assert_eq!(dir.names(), ["development-3.setup", "development-4.setup"]);
    assert_error!(
        dir.store.load_or_create_development(0),
        Error::UnsupportedSize { got: 0, .. }
    );
}

#[test]
fn store_of_a_ceremony() {
    let dir = Dir::new();
    assert_error!(dir.store.load(3), Error::NotInStore { k: 3, .. });
    let file = dir.file(&Ptau::new(3, secret()).write());
    let (imported, _) = dir.store.import(&file, "ceremony", 3, None).unwrap();
    let loaded = dir.store.load(3).unwrap();
    assert!(points(&imported) == points(&loaded));
    assert_eq!(imported.origin(), loaded.origin());
    assert_eq!(imported.id(), loaded.id());
    assert_error!(dir.store.load(2), Error::NotInStore { k: 2, .. });
    let larger = dir.store.load_at_least(2).unwrap();
    assert!(points(&larger) == points(&loaded));
    assert_error!(dir.store.load_at_least(4), Error::NotInStore { k: 4, .. });
    dir.store.import(&file, "", 2, None).unwrap();
    dir.store.import(&file, &"n".repeat(255), 1, None).unwrap();
    dir.store.load(1).unwrap();
    assert_error!(
        dir.store.import(&file, &"n".repeat(256), 1, None),
        Error::NameTooLong { max: 255, got: 256 }
    );

    let other = dir.file(&Ptau::new(2, Fr::from(99)).write());
    assert_error!(
        dir.store.import(&other, "other", 2, None),
        Error::OtherCeremony { expected, .. } if expected == imported.id()
    );
    assert_eq!(
        dir.names(),
        ["ceremony-1.setup", "ceremony-2.setup", "ceremony-3.setup"]
    );

    // Damage is reported, not repaired.
    let path = dir.store.dir().join("ceremony-3.setup");
    let content = fs::read(&path).unwrap();
    for position in [0, 13, 60, 90, 500, content.len() - 1] {
        let mut damaged = content.clone();
        damaged[position] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_error!(dir.store.load(3), Error::Checksum { .. });
    }
    fs::write(&path, &content[..31]).unwrap();
    assert_error!(dir.store.load(3), Error::Stored { .. });
    fs::write(&path, vec![0; 10_000]).unwrap();
    assert_error!(dir.store.load(3), Error::Stored { .. });
    let file = dir.file(&Ptau::new(3, secret()).write());
    dir.store.import(&file, "ceremony", 3, None).unwrap();
    assert!(fs::read(&path).unwrap() == content);
}

/// Changes a stored file and makes its checksum fit again.
fn forge(content: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut forged = content[..content.len() - 32].to_vec();
    change(&mut forged);
    let checksum = blake3::hash(&forged);
    forged.extend(checksum.as_bytes());
    forged
}

#[test]
fn stored_files_with_valid_checksums() {
    let dir = Dir::new();
    let file = dir.file(&srs(3));
    dir.store.import(&file, "name", 3, None).unwrap();
    let path = dir.store.dir().join("ceremony-3.setup");
    let content = fs::read(&path).unwrap();
    let load = |change: &dyn Fn(&mut Vec<u8>)| {
        fs::write(&path, forge(&content, change)).unwrap();
        dir.store.load(3)
    };
    assert!(load(&|_| {}).is_ok());
    assert_error!(
        load(&|file| file[0] = 0),
        Error::Header { field: "magic", .. }
    );
    assert_error!(
        load(&|file| file[8] = 3),
        Error::OtherVersion {
            expected: 2,
            got: 3,
            ..
        }
    );
    assert_error!(load(&|file| file[12] = 4), Error::Header { field: "k", .. });
    assert_error!(load(&|file| file[12] = 40), Error::Stored { .. });
    assert_error!(
        load(&|file| file[16] ^= 1),
        Error::Header { field: "id", .. }
    );
    assert_error!(
        load(&|file| file[48] = 2),
        Error::Header {
            field: "origin",
            ..
        }
    );
    assert_error!(
        load(&|file| file[82] = 0xff),
        Error::Header { field: "name", .. }
    );
    let body = 48 + 1 + 32 + 1 + 4;
    assert_eq!(content.len(), body + (8 + 4) * 64 + 32);
    assert_error!(load(&|file| file[body + 100] ^= 1), Error::Stored { .. });
    assert_error!(load(&|file| file.push(0)), Error::Stored { .. });
    assert_error!(load(&|file| file.truncate(body + 9)), Error::Stored { .. });
    // What loading checks of points, which are on their curves.
    assert_error!(
        load(&|file| file[body..body + 64].copy_from_slice(&stray().to_raw_bytes())),
        Error::Stored { source, .. } if matches!(*source, Error::NotGenerator { .. })
    );
    assert_error!(
        load(&|file| file.copy_within(body..body + 64, body + 4 * 64)),
        Error::Stored { source, .. } if matches!(*source, Error::DegenerateSecret { order_log2: 2 })
    );
    let (powers, [g2, s_g2]) = powers(3);
    let other = parts::Parts {
        powers,
        g2: [g2, -s_g2],
    };
    assert_error!(
        load(&|file| {
            file[16..48].copy_from_slice(&id(&other));
            file[body + 10 * 64..body + 12 * 64].copy_from_slice(&other.g2[1].to_raw_bytes());
        }),
        Error::Stored { source, .. } if matches!(*source, Error::InconsistentPowers)
    );

    // The development setup does not pass for a ceremony.
    dir.store.load_or_create_development(3).unwrap();
    let development = fs::read(dir.store.dir().join("development-3.setup")).unwrap();
    fs::write(&path, &development).unwrap();
    assert_error!(
        dir.store.load(3),
        Error::Header { field: "origin", expected, got, .. }
            if expected == "ceremony" && got == "development"
    );
    let disguised = forge(&development, |file| {
        file[48] = 1;
        file.splice(49..49, [0; 33]);
    });
    fs::write(&path, disguised).unwrap();
    assert_error!(
        dir.store.load(3),
        Error::Stored { source, .. } if matches!(*source, Error::DevelopmentSecret)
    );
    // Nor a setup of another secret for the development setup.
    let disguised = forge(&content, |file| {
        file[48] = 0;
        file.drain(49..body);
    });
    let path = dir.store.dir().join("development-3.setup");
    fs::write(&path, disguised).unwrap();
    let setup = dir.store.load_or_create_development(3).unwrap();
    assert_eq!(setup.id(), DEVELOPMENT_ID);
    assert!(fs::read(&path).unwrap() == development);
}

/// A setup as version 1 stored it: with the Lagrange basis, and as halo2 writes it.
fn of_version_1(content: &[u8], file: &[u8]) -> Vec<u8> {
    let header = content.len() - 32 - (file.len() - 4 - 256) / 2 - 256;
    forge(content, |stored| {
        stored[8] = 1;
        stored.truncate(header);
        stored.extend(file);
    })
}

#[test]
fn setups_of_another_version() {
    let dir = Dir::new();
    // The development setup is made again.
    dir.store.load_or_create_development(3).unwrap();
    let path = dir.store.dir().join("development-3.setup");
    let content = fs::read(&path).unwrap();
    let public = srs_of(3, DEVELOPMENT_SEED, Encoding::Raw);
    fs::write(&path, of_version_1(&content, &public)).unwrap();
    dir.store.load_or_create_development(3).unwrap();
    assert!(fs::read(&path).unwrap() == content);

    // One of a ceremony is named, and its import replaces it.
    let file = dir.file(&srs(4));
    for k in [3, 4] {
        dir.store.import(&file, "name", k, None).unwrap();
        let path = dir.store.dir().join(format!("ceremony-{k}.setup"));
        let content = fs::read(&path).unwrap();
        fs::write(&path, of_version_1(&content, &srs(k))).unwrap();
    }
    let old = |found: Result<Setup, Error>, k: u32| {
        let error = found.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("ceremony-{k}.setup")), "{text}");
        assert!(text.contains("version 1"), "{text}");
        assert!(text.contains("import the ceremony's file again"), "{text}");
        assert_error!(
            Err::<(), _>(error),
            Error::OtherVersion {
                expected: 2,
                got: 1,
                ..
            }
        );
    };
    old(dir.store.load(3), 3);
    old(dir.store.load_at_least(2), 3);
    // A larger one is used in the place of one that cannot be.
    dir.store.import(&file, "name", 4, None).unwrap();
    old(dir.store.load(3), 3);
    assert_eq!(dir.store.load_at_least(3).unwrap().k(), 4);
    dir.store.import(&file, "name", 3, None).unwrap();
    assert_eq!(dir.store.load_at_least(3).unwrap().k(), 3);
}

#[test]
fn store_in_impossible_places() {
    // A file where the directory should be.
    let dir = tempfile::tempdir().unwrap();
    let occupied = dir.path().join("file");
    fs::write(&occupied, b"").unwrap();
    assert_error!(
        SetupStore::new(&occupied).load_or_create_development(2),
        Error::File { .. }
    );
    // A file system that nobody can write to.
    #[cfg(target_os = "linux")]
    assert_error!(
        SetupStore::new("/proc/self").load_or_create_development(2),
        Error::File {
            action: "write",
            ..
        }
    );
    // A directory in the place of the file: nothing is left of the attempt.
    let store = SetupStore::new(dir.path());
    fs::create_dir(dir.path().join("development-2.setup")).unwrap();
    assert_error!(store.load_or_create_development(2), Error::File { .. });
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), k in 0u32..6) {
        prop_assert!(ptau(&bytes, k).is_err());
        prop_assert!(halo2(&bytes, k).is_err());
        let after_magic = [&b"ptau\x01\0\0\0"[..], &bytes].concat();
        prop_assert!(ptau(&after_magic, k).is_err());
    }

    #[test]
    fn mutations_never_panic_and_change_nothing(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        k in 1u32..4,
    ) {
        let content = Ptau::new(2, secret()).write();
        let expected = (k < 3).then(|| powers(k));
        type Parse = fn(&[u8], u32) -> Result<Powers, Error>;
        for (file, parse) in [(content, ptau as Parse), (srs(2), halo2), (compressed_srs(2), halo2)] {
            let mut file = file;
            for (index, byte) in &changes {
                let index = index.index(file.len());
                file[index] = *byte;
            }
            if let Some(cut) = cut {
                file.truncate(cut.index(file.len()));
            }
            // Either refused, or what was changed does not matter.
            if let Ok(parsed) = parse(&file, k) {
                prop_assert!(Some(parsed) == expected);
            }
        }
    }
}
