//! Disks that are full, and databases that go away.

use crate::common::path;
use crate::service::*;
use crate::world::World;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The disk takes nothing more: nothing is sent that is not written down. When there is room again it goes on.
#[test]
fn a_full_disk_stops_it_until_there_is_room() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer");
    let made = w.file("made");
    let mut s = setup.start();
    let (session, first) = maker.claim(Ask::default(), &made);
    setup.deliver(&session);
    s.wait("the first claim to be posted", |_| {
        (maker.status(&first) == 1).then_some(())
    });
    s.wait("it to be written", |s| {
        (s.claim(&first)?["transactions"][0]["block"].as_u64()).filter(|b| *b > 0)
    });

    // No file of this process may grow any more: the kernel refuses its writes.
    let limit = |bytes: &str, s: &Service| {
        let pid = s.child.id().to_string();
        let status = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
            .status();
        assert!(status.unwrap().success());
    };
    limit("1", &s);
    let sent = nonce(&w, SENDER_ADDRESS);
    let (session, second) = maker.claim(Ask::default(), &made);
    setup.deliver(&session);
    w.anvil.mine(1);
    s.wait("it to notice", |s| {
        let (status, body) = s.request("GET", "/readyz", "", b"");
        (status == 503 && body.contains("NZK101")).then_some(())
    });
    w.anvil.mine(3);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(
        nonce(&w, SENDER_ADDRESS),
        sent,
        "nothing is sent that is not written down"
    );
    limit("unlimited", &s);
    s.wait("the second claim to be posted", |_| {
        (maker.status(&second) == 1).then_some(())
    });
    w.anvil.wait(1_300);
    for job in [&first, &second] {
        assert_eq!(s.ended(job), "finalized");
    }
    assert_eq!(nonce(&w, SENDER_ADDRESS), 4);
}

/// A PostgreSQL of this test alone.
struct Postgres {
    bin: PathBuf,
    data: tempfile::TempDir,
    port: u16,
    /// Servers do not run as root.
    user: Option<&'static str>,
}

impl Postgres {
    /// None if this machine has no server, which CI has to have.
    fn start() -> Option<Self> {
        if !cfg!(feature = "postgres") {
            assert!(
                std::env::var_os("NANOZK_TEST_ALL").is_none(),
                "built without PostgreSQL"
            );
            eprintln!(
                "not run: built without --features postgres (NANOZK_TEST_ALL=1 makes that an error)"
            );
            return None;
        }
        let found = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|e| Some(e.ok()?.path().join("bin")))
            .find(|p| p.join("initdb").is_file());
        let Some(bin) = found else {
            assert!(
                std::env::var_os("NANOZK_TEST_ALL").is_none(),
                "PostgreSQL is not installed"
            );
            eprintln!(
                "not run: no PostgreSQL in /usr/lib/postgresql (NANOZK_TEST_ALL=1 makes that an error)"
            );
            return None;
        };
        let root = rustix::process::geteuid().is_root();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let postgres = Postgres {
            bin,
            data: tempfile::Builder::new()
                .prefix("nanozk-postgres")
                .tempdir_in("/tmp")
                .unwrap(),
            port: listener.local_addr().unwrap().port(),
            user: root.then_some("postgres"),
        };
        drop(listener);
        if root {
            let data = path(postgres.data.path()).to_owned();
            assert!(
                Command::new("chown")
                    .args(["postgres", &data])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let data = path(postgres.data.path()).to_owned();
        postgres.run("initdb", &["-D", &data, "-U", "nanozk", "-A", "trust"]);
        postgres.up();
        Some(postgres)
    }

    fn run(&self, program: &str, args: &[&str]) {
        let program = self.bin.join(program);
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", user, "--regid", user, "--clear-groups"])
                    .arg(program);
                command
            }
            None => Command::new(program),
        };
        let log = std::fs::File::create(self.data.path().with_extension("out")).unwrap();
        let status = command
            .args(args)
            .current_dir("/tmp")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .status()
            .unwrap();
        assert!(status.success(), "{args:?}");
    }

    fn up(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''",
            self.port
        );
        let (data, log) = (path(self.data.path()), self.data.path().join("log"));
        self.run(
            "pg_ctl",
            &["-D", data, "-o", &options, "-l", path(&log), "-w", "start"],
        );
    }

    fn down(&self) {
        self.run(
            "pg_ctl",
            &[
                "-D",
                path(self.data.path()),
                "-m",
                "immediate",
                "-w",
                "stop",
            ],
        );
    }

    fn url(&self) -> String {
        format!("postgres://nanozk@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.down()));
        let _ = std::fs::remove_file(self.data.path().with_extension("out"));
    }
}

/// The database ends without a word, and comes back: nothing is lost, and one relayer at a time has it.
#[test]
fn postgresql_may_restart() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer").set("database", &postgres.url());
    let made = w.file("made");
    let mut jobs = Vec::new();
    let mut s = setup.start();
    let (code, error) = setup.refused();
    assert_eq!(code, 2);
    assert!(
        error.contains("another relayer has the database"),
        "{error}"
    );
    for round in 0..4 {
        let (session, job) = maker.claim(
            Ask {
                locked: false,
                ..Ask::default()
            },
            &made,
        );
        setup.deliver(&session);
        jobs.push(job.clone());
        // At different points of the claim's life.
        std::thread::sleep(Duration::from_millis(60 * round));
        postgres.down();
        s.wait("it to notice", |s| {
            let (status, body) = s.request("GET", "/readyz", "", b"");
            (status == 503 && body.contains("NZK101")).then_some(())
        });
        if round == 3 {
            // Both at once.
            s.kill();
        }
        postgres.up();
        if round == 3 {
            s = setup.start();
        }
        s.wait("the claim to be posted", |_| {
            (maker.status(&job) == 1).then_some(())
        });
    }
    w.anvil.wait(1_300);
    for job in &jobs {
        assert_eq!(s.ended(job), "finalized");
    }
    assert_eq!(nonce(&w, SENDER_ADDRESS), 12, "three transactions a claim");
    assert_eq!(s.stop(), 0);
}

/// A database is of one chain, one deployment and one account.
#[test]
fn databases_are_not_mixed_up() {
    let w = World::new();
    let mut setup = Setup::new(&w, "relayer");
    let mut s = setup.start();
    let (code, error) = setup.refused();
    assert_eq!(code, 2);
    assert!(
        error.contains("another relayer has the database"),
        "{error}"
    );
    assert_eq!(s.stop(), 0);
    setup.key = crate::anvil::CHALLENGER;
    let (code, error) = setup.refused();
    assert_eq!(code, 2);
    assert!(error.contains("the database is for the account"), "{error}");
    let file = Path::new(setup.database.strip_prefix("sqlite:").unwrap()).to_owned();
    // A log beside it would bring the tables back.
    for log in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{log}", file.display()));
    }
    std::fs::write(
        &file,
        b"this is no database, this is a text that somebody put here",
    )
    .unwrap();
    let (code, error) = setup.refused();
    assert_eq!(code, 2);
    assert!(
        error.contains("not a database") && !error.contains("panicked"),
        "{error}"
    );
}

/// What somebody else wrote into a file is told as an error of that claim, and stops no other: PostgreSQL refuses text with
/// a NUL.
#[test]
fn words_of_others_do_no_harm() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer").set("database", &postgres.url());
    let made = w.file("made");
    let (hostile, first) = maker.claim(Ask::default(), &made);
    let (harmless, second) = maker.claim(Ask::default(), &made);
    std::fs::write(hostile.join("signatures.json"), r#"{"a\u0000b\u0007": 1}"#).unwrap();
    setup.deliver(&hostile);
    let mut s = setup.start();
    let message = s.wait("the error to be told", |s| {
        let claim = s.claim(&first)?;
        claim["error"]["message"].as_str().map(ToOwned::to_owned)
    });
    assert!(
        message.contains("a b") && !message.contains(char::is_control),
        "{message:?}"
    );
    setup.deliver(&harmless);
    s.wait("the other to be posted", |_| {
        (maker.status(&second) == 1).then_some(())
    });
    assert_eq!(s.count("NZK101"), 0, "{}", s.log());
}
