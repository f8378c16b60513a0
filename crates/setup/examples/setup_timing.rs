//! Wall-clock seconds of making, storing, loading and checking a setup: `setup_timing K...`.
//! Run it under `time` and with `RAYON_NUM_THREADS=1` for processor seconds.

use std::time::Instant;

use nanozk_setup::{Setup, SetupStore};

fn timed<T>(what: &str, k: u32, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    println!("k = {k}, {what}: {:.3} s", start.elapsed().as_secs_f64());
    result
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for k in std::env::args().skip(1) {
        let k = k.parse()?;
        let dir = tempfile::tempdir()?;
        let store = SetupStore::new(dir.path());
        timed("development", k, || Setup::development(k, [1; 32]))?;
        timed("create and store", k, || {
            store.load_or_create_development(k)
        })?;
        let setup = timed("load", k, || store.load_or_create_development(k))?;
        timed("check all points", k, || setup.check())?;
    }
    Ok(())
}
