//! A chain with the contracts, and a registered model: once, for all tests to start from.

use crate::anvil::*;
use crate::common::{
    Fixture, copy, edit, fixture, locked, made, once, path, tensors, write_tensors,
};
use nanozk_chain::deployment::Deployment;
use nanozk_chain::signing::Domains;
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What every test starts from: a folder with the chain's state and the deployment's file.
fn base() -> PathBuf {
    let f = fixture();
    once("base", |root| {
        let (state, deployment) = (root.join("state.json"), root.join("deployment.json"));
        let anvil = Anvil::start(&["--dump-state", path(&state)]);
        let world = World {
            anvil,
            deployment,
            dir: tempfile::tempdir().unwrap(),
        };
        world.ok(CURATOR, &["deploy"]);
        world.ok(CURATOR, &["model", "register", path(&f.model)]);
        for key in [REQUESTER, PROVIDER, CHALLENGER] {
            world.ok(key, &["escrow", "deposit", "10eth"]);
        }
        world.ok(PROVIDER, &["escrow", "bond", "5eth"]);
        world.anvil.stop();
    })
}

/// A request that tests share, and its session with all that was proved of it.
struct Shared {
    name: String,
    folder: PathBuf,
}

impl Shared {
    /// The one of a name, which may not be made yet.
    fn named(name: &str) -> Self {
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let name = format!("order{name}");
        let folder = made().join(&name);
        Self { name, folder }
    }

    /// The one that a test's copy of a request is of.
    fn of(request: &Path) -> Option<Self> {
        let name = request.file_stem()?.to_str()?.strip_prefix("request-")?;
        Some(Self::named(name)).filter(|shared| shared.folder.exists())
    }

    fn request(&self) -> PathBuf {
        self.folder.join("request.json")
    }

    fn session(&self) -> PathBuf {
        self.folder.join("session")
    }

    /// Nobody else changes it as long as this is there.
    fn lock(&self) -> File {
        locked(&self.folder.join("lock"))
    }
}

/// Runs the model for a request.
pub(crate) fn answer(f: &Fixture, request: &Path, session: &Path) {
    let run = ["run", "--model", path(&f.model), "--request"];
    f.json_ok(&[&run[..], &[path(request), "-o", path(session)]].concat());
}

/// Where signatures are valid.
pub(crate) fn domains(deployment: &Deployment) -> Domains {
    Domains {
        chain_id: 31337,
        market: deployment.address("JobMarket").unwrap(),
        book: deployment.address("ClaimBook").unwrap(),
    }
}

/// A chain of one test.
pub(crate) struct World {
    pub(crate) anvil: Anvil,
    pub(crate) deployment: PathBuf,
    pub(crate) dir: TempDir,
}

impl World {
    /// With the contracts, the model, and money in the escrow.
    pub(crate) fn new() -> Self {
        Self::on(&[])
    }

    /// The same on a chain with other options.
    pub(crate) fn on(options: &[&str]) -> Self {
        let base = base();
        let dir = tempfile::tempdir().unwrap();
        let deployment = dir.path().join("deployment.json");
        std::fs::copy(base.join("deployment.json"), &deployment).unwrap();
        World {
            anvil: Anvil::start(
                &[&["--load-state", path(&base.join("state.json"))], options].concat(),
            ),
            deployment,
            dir,
        }
    }

    /// With nothing.
    pub(crate) fn empty(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        World {
            anvil: Anvil::start(options),
            deployment: dir.path().join("deployment.json"),
            dir,
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, key: &str, args: &[&str]) -> Command {
        let mut command = fixture().command(&[&["--json"], args].concat());
        command
            .env("NANOZK_RPC", self.anvil.url())
            .env("NANOZK_DEPLOYMENT", &self.deployment)
            .env("NANOZK_PRIVATE_KEY", key);
        command
    }

    /// Exit code, objects, stderr.
    pub(crate) fn call(&self, key: &str, args: &[&str]) -> (i32, Vec<Value>, String) {
        let output = self.command(key, args).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let objects = stdout
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")));
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), objects.collect(), stderr)
    }

    /// The objects of a command that succeeds.
    pub(crate) fn ok(&self, key: &str, args: &[&str]) -> Vec<Value> {
        let (code, objects, stderr) = self.call(key, args);
        assert_eq!(code, 0, "{args:?}: {stderr}");
        objects
    }

    /// Asserts that a command fails with exit code 2 and a message that has all `words`.
    pub(crate) fn fails(&self, key: &str, args: &[&str], words: &[&str]) {
        let (code, _, stderr) = self.call(key, args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "{args:?}: no {word:?} in: {stderr}");
        }
    }

    /// What a command that succeeds prints for people.
    pub(crate) fn text(&self, key: &str, args: &[&str]) -> String {
        let mut command = fixture().command(args);
        let output = command
            .env("NANOZK_RPC", self.anvil.url())
            .env("NANOZK_DEPLOYMENT", &self.deployment)
            .env("NANOZK_PRIVATE_KEY", key)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes a request for the fixture's model; gives its file and id. What starts with # only tells it from another one
    /// with the same options.
    ///
    /// Each is made once for all tests, whose chains start alike: so its session, and what is proved of it, are shared. But
    /// for those with deadlines of their own.
    pub(crate) fn request(&self, options: &[&str]) -> (PathBuf, String) {
        let name = options.join("").replace(['/', ':'], "");
        let file = self.file(&format!("request-{name}.json"));
        let own = ["--lock-within", "--claim-within"];
        if options.iter().any(|o| own.contains(o)) {
            let job = self.new_request(options, &file);
            return (file, job);
        }
        let shared = Shared::named(&name);
        let job = shared.folder.join("job");
        once(&shared.name, |_| {
            let far = ["--lock-within", "12d", "--claim-within", "12d"];
            let made = self.new_request(&[options, &far].concat(), &shared.request());
            answer(fixture(), &shared.request(), &shared.session());
            std::fs::write(&job, made).unwrap();
        });
        std::fs::copy(shared.request(), &file).unwrap();
        (file, std::fs::read_to_string(job).unwrap())
    }

    pub(crate) fn new_request(&self, options: &[&str], file: &Path) -> String {
        let f = fixture();
        let args = [
            "job",
            "request",
            "--model",
            path(&f.model),
            "--prompt",
            "ab c",
            "-o",
            path(file),
        ];
        let more = ["--max-new-tokens", "4", "--provider", PROVIDER_ADDRESS];
        let price: &[&str] = match options.contains(&"--price") {
            true => &[],
            false => &["--price", "0.001eth"],
        };
        let options: Vec<&str> = options
            .iter()
            .copied()
            .filter(|o| !o.starts_with('#'))
            .collect();
        let objects = self.ok(REQUESTER, &[&args[..], &more, price, &options].concat());
        objects[0]["job"].as_str().unwrap().to_owned()
    }

    /// Opens and takes a job; gives its request and id.
    pub(crate) fn locked(&self, options: &[&str]) -> (PathBuf, String) {
        let (file, job) = self.request(options);
        self.ok(REQUESTER, &["job", "open", path(&file)]);
        let model = path(&fixture().model);
        self.ok(PROVIDER, &["job", "lock", path(&file), "--model", model]);
        (file, job)
    }

    /// Runs the model for a job and posts the claim; gives the session.
    pub(crate) fn posted(&self, options: &[&str]) -> (PathBuf, String) {
        let (file, job) = self.locked(options);
        let session = self.run(fixture(), &file);
        self.ok(PROVIDER, &["claim", "post", path(&session)]);
        (session, job)
    }

    /// The session that answers a request.
    pub(crate) fn run(&self, f: &Fixture, request: &Path) -> PathBuf {
        let session = request.with_extension("session");
        if let Some(shared) = Shared::of(request) {
            let _lock = shared.lock();
            copy(&shared.session(), &session);
            return session;
        }
        answer(f, request, &session);
        session
    }

    /// Makes joint proofs of layers and nodes over them, which the command then finds; and puts the final proof into
    /// the session.
    pub(crate) fn prove(&self, session: &Path, layers: &str) {
        self.aggregate(session, layers);
        if let Some(shared) = Shared::of(&session.with_extension("json")) {
            let made = shared.session().join(format!("final-{layers}.json"));
            std::fs::copy(made, session.join("final.json")).unwrap();
        }
    }

    /// The same without the final proof.
    pub(crate) fn aggregate(&self, session: &Path, layers: &str) {
        let Some(shared) = Shared::of(&session.with_extension("json")) else {
            fixture().json_ok(&["aggregate", path(session), "--layers", layers]);
            return;
        };
        let _lock = shared.lock();
        let made = shared.session();
        let file = made.join(format!("final-{layers}.json"));
        if !file.is_file() {
            let args = ["aggregate", path(&made), "--layers", layers];
            fixture().json_ok(&[&args[..], &["-o", path(&file)]].concat());
        }
        for folder in ["proofs", "nodes"] {
            if made.join(folder).is_dir() {
                copy(&made.join(folder), &session.join(folder));
            }
        }
    }

    /// Free balance and bond of an account, in wei.
    pub(crate) fn balance(&self, key: &str) -> [u128; 2] {
        let objects = self.ok(key, &["escrow", "balance"]);
        ["free", "bonded"].map(|name| objects[0][name].as_str().unwrap().parse().unwrap())
    }

    /// Freezes the verifier, as the guardian.
    pub(crate) fn freeze(&self) {
        let freeze = ["freeze", "--reason", "a flaw"];
        self.fails(CHALLENGER, &freeze, &["NotGuardian"]);
        self.ok(CURATOR, &freeze);
        // Once is for ever.
        self.ok(CURATOR, &freeze);
    }

    pub(crate) fn status(&self, claim: &str) -> Value {
        self.ok(CHALLENGER, &["claim", "status", claim]).remove(0)
    }

    /// An amount of the job or policy, in wei.
    pub(crate) fn amount(&self, claim: &str, name: &str) -> u128 {
        self.status(claim)["job"][name]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }
}

/// A model of the same shapes with other weights.
pub(crate) fn other_model() -> PathBuf {
    let f = fixture();
    let root = once("other", |root| {
        let from = root.join("checkpoint");
        copy(&f.checkpoint, &from);
        let mut tensors = tensors();
        for v in &mut tensors
            .get_mut("transformer.h.0.mlp.c_fc.weight")
            .unwrap()
            .1
        {
            *v = -*v;
        }
        write_tensors(&from, &tensors);
        f.json_ok(&f.import(&from, &root.join("model")));
    });
    root.join("model")
}

/// A session of a job as a provider makes it who runs another model and says that it is the registered one.
pub(crate) fn forged(w: &World, request: &Path) -> (PathBuf, PathBuf) {
    let f = fixture();
    let file: Value = serde_json::from_slice(&std::fs::read(request).unwrap()).unwrap();
    let honest = w.file("other-session");
    let word = |name: &str| file[name].as_str().unwrap().to_owned();
    f.json_ok(&[
        "run",
        "--model",
        path(&other_model()),
        "--prompt",
        "ab c",
        "--max-new-tokens",
        "4",
        "-o",
        path(&honest),
        "--chain",
        "31337",
        "--contract",
        &word("claim_book"),
        "--claim",
        &word("job"),
        "--recipient",
        PROVIDER_ADDRESS,
    ]);
    let forged = w.file("forged-session");
    copy(&honest, &forged);
    let manifest = std::fs::read(f.model.join("manifest.json")).unwrap();
    std::fs::write(forged.join("manifest.json"), manifest).unwrap();
    edit(&forged.join("claim.json"), |s| {
        s["model_id"] = json!(f.id);
        s["input_digest"] = file["request"]["input_digest"].clone();
    });
    edit(&forged.join("secret.json"), |s| {
        s["input_salt"] = file["input_salt"].clone();
    });
    (honest, forged)
}

/// Names of the events in a command's transactions.
pub(crate) fn events(objects: &[Value]) -> Vec<String> {
    objects
        .iter()
        .filter_map(|o| o["events"].as_array())
        .flatten()
        .map(|e| e["name"].as_str().unwrap().to_owned())
        .collect()
}
