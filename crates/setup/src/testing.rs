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

mod ptau;
mod store;

use ptau::{outside_subgroup, stray};
use store::Dir;

/// Here, because macros are seen by what follows them.
mod published;

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
