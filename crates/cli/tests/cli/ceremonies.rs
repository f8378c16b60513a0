//! Files of ceremonies, as the command takes them.

use crate::common::*;
use crate::tempdir;
use halo2curves::serde::SerdeObject;
use nanozk_setup::development_powers;
use std::path::Path;

/// A file of halo2 with the `2^k` powers of the development setup of a seed. Its Lagrange basis is zeros, since nothing reads
/// it.
pub(crate) fn srs(k: u32, seed: [u8; 32]) -> Vec<u8> {
    let (powers, g2) = development_powers(1 << k, seed);
    let mut file = k.to_le_bytes().to_vec();
    for point in &powers {
        point.write_raw(&mut file).unwrap();
    }
    file.resize(file.len() + 64 * powers.len(), 0);
    for point in &g2 {
        point.write_raw(&mut file).unwrap();
    }
    file
}

#[test]
fn ceremony_files_are_told_apart() {
    let f = fixture();
    let dir = tempdir();
    let data = dir.path().join("data");
    let file = dir.path().join("powersOfTau28_hez_final_06.ptau");
    let import = |file: &Path, more: &[&str]| {
        let here = ["--data-dir", path(&data), "setup", "import", path(file)];
        let what = ["--name", "ours", "--k", "4"];
        f.json(&[&here[..], &what, more].concat())
    };
    let refused = |content: &[u8], words: &[&str]| {
        std::fs::write(&file, content).unwrap();
        let (code, _, stderr) = import(&file, &[]);
        assert_eq!(code, 2);
        for word in words {
            assert!(stderr.contains(word), "no {word:?} in: {stderr}");
        }
    };
    let neither = "neither .ptau nor .srs: the file starts with";
    refused(
        b"<?xml version=\"1.0\"?><Error/>",
        &[neither, "<?xm", "page"],
    );
    refused(b"{\"power\": 12}", &[neither, "JSON"]);
    refused(b"", &["empty"]);

    std::fs::write(&file, srs(6, [5; 32])).unwrap();
    let (code, objects, stderr) = import(&file, &[]);
    assert_eq!(code, 0, "{stderr}");
    let told = &objects[0]["file"];
    assert_eq!(
        (&told["format"], &told["power"]),
        (&"srs".into(), &6.into())
    );
    assert_eq!(told["blake2b_compared"], false);
    // It is not what its name says.
    assert!(
        stderr.contains("WARNING: this is not the ceremony Hermez"),
        "{stderr}"
    );

    let digest = told["blake2b"].as_str().unwrap().trim_start_matches("0x");
    let (code, objects, _) = import(&file, &["--blake2b", &digest.to_uppercase()]);
    assert_eq!(
        (code, &objects[0]["file"]["blake2b_compared"]),
        (0, &true.into())
    );
    let other = "0".repeat(128);
    let (code, _, stderr) = import(&file, &["--blake2b", &other]);
    assert_eq!(code, 2);
    assert!(
        stderr.contains(digest) && stderr.contains(&other),
        "{stderr}"
    );
    assert_eq!(import(&file, &["--blake2b", "12"]).0, 2);
}
