//! The store of setups on disk.

use super::*;

pub(super) struct Dir {
    pub(super) dir: tempfile::TempDir,
    pub(super) store: SetupStore,
}

impl Dir {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SetupStore::new(dir.path().join("store"));
        Self { dir, store }
    }

    pub(super) fn file(&self, content: &[u8]) -> std::path::PathBuf {
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
