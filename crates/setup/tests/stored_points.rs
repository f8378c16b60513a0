//! A stored setup whose points were replaced: its file is in order, its id is the ceremony's, and it is refused by whoever
//! would judge proofs with it.

use halo2curves::serde::SerdeObject;
use nanozk_setup::{Error, Setup, SetupStore, development_powers};
use std::path::PathBuf;
use tempfile::TempDir;

const K: u32 = 4;
const NAME: &str = "a ceremony";
/// Uncompressed.
const POINT: usize = 64;

/// A file of halo2 of a setup that is not the public one. Its Lagrange basis is zeros, since nothing reads it.
fn published() -> Vec<u8> {
    let (powers, g2) = development_powers(1 << K, [3; 32]);
    let mut file = K.to_le_bytes().to_vec();
    file.extend(powers.iter().flat_map(SerdeObject::to_raw_bytes));
    file.resize(file.len() + POINT * powers.len(), 0);
    file.extend(g2.iter().flat_map(SerdeObject::to_raw_bytes));
    file
}

struct Stored {
    dir: TempDir,
    store: SetupStore,
}

impl Stored {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("published.srs");
        std::fs::write(&file, published()).unwrap();
        let store = SetupStore::new(dir.path().join("setups"));
        store.import(&file, NAME, K, None).unwrap();
        Stored { dir, store }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join(format!("setups/ceremony-{K}.setup"))
    }

    /// The setup after a change of its points, with the checksum that anybody can make.
    fn forged(&self, change: impl Fn(&mut [u8])) -> Setup {
        let mut bytes = std::fs::read(self.file()).unwrap();
        let content = bytes.len() - 32;
        let points = content - ((1 << K) + 4) * POINT;
        change(&mut bytes[points..content]);
        let checksum = blake3::hash(&bytes[..content]);
        bytes[content..].copy_from_slice(checksum.as_bytes());
        std::fs::write(self.file(), bytes).unwrap();
        self.store.load(K).expect("nothing is wrong with the file")
    }
}

fn swap(points: &mut [u8], a: usize, b: usize) {
    let (low, high) = points.split_at_mut(b * POINT);
    low[a * POINT..][..POINT].swap_with_slice(&mut high[..POINT]);
}

#[test]
fn a_setup_as_it_was_imported_passes() {
    let stored = Stored::new();
    let id = stored.store.load(K).unwrap().id();
    let setup = stored.forged(|_| {});
    assert_eq!(setup.id(), id);
    setup.check().unwrap();
}

#[test]
fn every_point_that_is_not_in_the_id_is_checked() {
    let n = 1 << K;
    let id = Stored::new().store.load(K).unwrap().id();
    // Powers from the second on; the id has the generator and the first. Those that bear on the secret's order are looked
    // at when loading, so they change places with others only.
    for i in 2..n - 1 {
        let stored = Stored::new();
        let setup = stored.forged(|points| swap(points, i, i + 1));
        assert_eq!(setup.id(), id);
        assert!(
            matches!(setup.check(), Err(Error::InconsistentPowers)),
            "powers {i} and {}",
            i + 1
        );
    }
}
