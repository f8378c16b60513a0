//! The tour of the README works as it is written there.

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_tour_of_the_readme_works_word_by_word() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bin = Path::new(env!("CARGO_BIN_EXE_nanozk")).parent().unwrap();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&paths));
    let output = Command::new(root.join("script/tour"))
        .arg("--installed")
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env(
            "NANOZK_DATA_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("tour"),
        )
        .env_remove("NANOZK_RPC")
        .env_remove("NANOZK_DEPLOYMENT")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    // What the reader is told to see.
    for text in ["ACCEPTED", "proven", "The tour ends well"] {
        assert!(stdout.contains(text), "no {text:?} in:\n{stdout}\n{stderr}");
    }
}
