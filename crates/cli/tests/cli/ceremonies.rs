//! Files of ceremonies, as the command takes them.

use crate::common::*;
use crate::tempdir;
use nanozk_setup::Setup;
use std::path::Path;

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

    let mut srs = Vec::new();
    Setup::development(6, [5; 32])
        .unwrap()
        .write_srs(&mut srs)
        .unwrap();
    std::fs::write(&file, &srs).unwrap();
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
