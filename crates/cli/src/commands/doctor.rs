//! `nanozk doctor`: what this machine lacks, and how to get it.

use super::chain::{deployment_path, signer};
use crate::Outcome;
use crate::args::DoctorArgs;
use crate::data::Data;
use crate::measure::available_bytes;
use crate::output::{Out, bytes, count};
use anyhow::{Context, Error, Result};
use nanozk::model_dir::ModelDir;
use nanozk_chain::client::Client;
use nanozk_chain::deployment::Deployment;
use nanozk_chain::format::eth;
use nanozk_chain::primitives::keccak256;
use nanozk_kzg::Instructions;
use nanozk_prover::{files, final_setup_size};
use nanozk_verifier::hex::Digest32;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a node's newest block may be dated, before it is said to be behind.
const FRESH: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Something will not work, or takes longer.
    Warning,
    /// What was asked about is not there.
    Missing,
}

struct Doctor<'a> {
    out: &'a Out,
    missing: usize,
}

impl Doctor<'_> {
    fn say(&mut self, what: &str, state: State, found: &str, remedy: Option<&str>) {
        let mark = match state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Missing => "MISSING",
        };
        self.out.text(format!("{what:<16} {mark:<8} {found}"));
        if let Some(remedy) = remedy {
            self.out.text(format!("{:<16} {:<8} → {remedy}", "", ""));
        }
        self.out
            .json(&json!({"check": what, "state": state, "found": found, "remedy": remedy}));
        self.missing += usize::from(state == State::Missing);
    }

    fn ok(&mut self, what: &str, found: &str) {
        self.say(what, State::Ok, found, None);
    }

    /// What is asked about must be there.
    fn need<T>(&mut self, what: &str, found: Result<T>, remedy: &str) -> Option<T> {
        match found {
            Ok(found) => Some(found),
            Err(e) => {
                self.say(what, State::Missing, &format!("{e:#}"), Some(remedy));
                None
            }
        }
    }

    fn machine(&mut self) {
        let features = [
            (cfg!(feature = "kms"), "kms"),
            (cfg!(feature = "postgres"), "postgres"),
        ];
        let features = features.iter().filter(|(is_on, _)| *is_on);
        let features: Vec<&str> = features.map(|(_, name)| *name).collect();
        let version = env!("CARGO_PKG_VERSION");
        self.ok(
            "command",
            &match features[..] {
                [] => format!("nanozk {version}"),
                _ => format!("nanozk {version} with {}", features.join(" and ")),
            },
        );
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = count(cores, "core");
        match Instructions::best() {
            Instructions::Portable => self.say(
                "processor",
                State::Warning,
                &format!("{cores}, without AVX2"),
                Some("proofs take longer; an x86-64 processor with AVX2 or AVX-512 IFMA makes them faster"),
            ),
            Instructions::Avx2 => self.ok("processor", &format!("{cores}, AVX2")),
            Instructions::Avx512 => self.ok("processor", &format!("{cores}, AVX-512 IFMA")),
        }
        match available_bytes() {
            Some(free) => self.ok("memory", &format!("{} free", bytes(free))),
            None => self.say(
                "memory",
                State::Warning,
                "not known on this system",
                Some("--memory bounds what prove and aggregate take"),
            ),
        }
    }

    /// Of who builds from source or runs the demo, and nobody else.
    fn tools(&mut self) {
        for (what, tool, remedy) in [
            ("Rust", "cargo", "to build: https://rustup.rs"),
            ("C compiler", "cc", "to build: such as gcc"),
            (
                "Node.js",
                "node",
                "for the demo and the contracts: Node.js 20 or newer",
            ),
            (
                "npm",
                "npm",
                "for the demo and the contracts: it comes with Node.js",
            ),
        ] {
            let output = Command::new(tool).arg("--version").output();
            let version = output.ok().filter(|output| output.status.success());
            let version =
                version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            match version.as_deref().and_then(|text| text.lines().next()) {
                Some(version) => self.ok(what, version),
                None => self.say(what, State::Warning, "not found", Some(remedy)),
            }
        }
    }

    fn setups(&mut self, data: &Data) {
        let setups = data.setups();
        let store = setups.store();
        let directory = store.dir().display().to_string();
        let writable = files::create_dir(store.dir()).map_err(Error::from);
        let probe = store.dir().join(format!("doctor.{}", std::process::id()));
        let writable = writable.and_then(|()| Ok(std::fs::write(&probe, [])?));
        // What could not be written is not there.
        let _ = std::fs::remove_file(&probe);
        let writable = writable.with_context(|| format!("{directory} cannot be written"));
        if self
            .need("data directory", writable, "choose another with --data-dir")
            .is_none()
        {
            return;
        }
        self.ok("data directory", &directory);
        let k = final_setup_size(0);
        let remedy = format!(
            "for proofs that count, and for verifying without a key: nanozk setup import FILE.ptau --name NAME --k {k}"
        );
        match store.load_at_least(k) {
            Ok(setup) => self.ok("setup", &format!("a ceremony's, 2^{} powers", setup.k())),
            Err(e) => self.say("setup", State::Warning, &e.to_string(), Some(&remedy)),
        }
    }

    fn model(&mut self, path: &Path, data: &Data) {
        let remedy = "nanozk model import CHECKPOINT -o DIR";
        let manifest = ModelDir::new(path).and_then(|dir| dir.manifest());
        let Some(manifest) = self.need("model", manifest.map_err(Error::from), remedy) else {
            return;
        };
        let id = manifest.id();
        self.ok(
            "model",
            &format!(
                "{}, {} of {} tokens",
                id,
                count(manifest.layers(), "layer"),
                manifest.manifest().tokens
            ),
        );
        let setup = data.setup_of_size(&manifest, final_setup_size(manifest.manifest().k));
        let remedy =
            "import the ceremony's file that the model was registered under: nanozk setup import";
        if let Some(setup) = self.need("model's setup", setup, remedy) {
            match setup.is_development() {
                true => self.say(
                    "model's setup",
                    State::Warning,
                    "the development setup: its secret is public, so proofs prove nothing to others",
                    Some("import the model under a ceremony's setup"),
                ),
                false => self.ok("model's setup", &Digest32(setup.id()).to_string()),
            }
        }
        match data.has_checked(&id) {
            true => self.ok("model's keys", "computed by this account"),
            false => self.say(
                "model's keys",
                State::Warning,
                "believed",
                Some("nanozk model verify computes them from the manifest"),
            ),
        }
    }

    fn chain(&mut self, url: &str, args: &DoctorArgs) -> Result<()> {
        let client = Client::connect(url, signer(&args.key, self.out)?).map_err(Error::from);
        let remedy = "give the address of a node with --rpc";
        let Some(client) = self.need("node", client, remedy) else {
            return Ok(());
        };
        let Some(head) = self.need("node", client.head().map_err(Error::from), remedy) else {
            return Ok(());
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let behind = now.saturating_sub(Duration::from_secs(head.timestamp));
        let found = format!("chain {}, block {}", client.chain_id(), head.number);
        match behind > FRESH {
            true => self.say(
                "node",
                State::Warning,
                &format!("{found}, whose time is {} s ago", behind.as_secs()),
                Some("a node that is behind makes one miss deadlines: wait until it has caught up"),
            ),
            false => self.ok("node", &found),
        }
        // Draws are made with headers, of which the hash is theirs.
        let header = client.header(head.number).map(|_| ()).map_err(Error::from);
        let remedy = "epochs and audited jobs need a node that shows headers as they are hashed: use another";
        if self.need("headers", header, remedy).is_some() {
            self.ok("headers", "as they are hashed");
        }
        let path = deployment_path(args.deployment.as_deref(), &client);
        let read = || -> Result<Deployment> {
            let deployment: Deployment = files::read_json(&path)?;
            deployment.check(&client)?;
            Ok(deployment)
        };
        let remedy = "nanozk deploy, or say where the file of the deployment is with --deployment";
        if let Some(deployment) = self.need("deployment", read(), remedy) {
            self.contracts(&client, &deployment, &path)?;
        }
        if let Ok(account) = client.account() {
            let balance = client.balance(account)?;
            let found = format!("{account} has {}", eth(balance));
            match balance.is_zero() {
                true => self.say(
                    "account",
                    State::Missing,
                    &found,
                    Some("it pays for transactions: send it some ETH"),
                ),
                false => self.ok("account", &found),
            }
        }
        Ok(())
    }

    fn contracts(&mut self, client: &Client, deployment: &Deployment, path: &Path) -> Result<()> {
        let mut wrong = Vec::new();
        for (name, contract) in &deployment.contracts {
            if keccak256(client.code(contract.address)?) != contract.code_hash {
                wrong.push(name.as_str());
            }
        }
        let all = count(deployment.contracts.len(), "contract");
        match wrong[..] {
            [] => self.ok("deployment", &format!("{}, {all}", path.display())),
            _ => self.say(
                "deployment",
                State::Missing,
                &format!(
                    "{} says another code than the chain has of {}",
                    path.display(),
                    wrong.join(", ")
                ),
                Some("nanozk deploy deploys what is missing"),
            ),
        }
        Ok(())
    }
}

pub(super) fn doctor(args: &DoctorArgs, data: &Data, out: &Out) -> Result<Outcome> {
    let mut doctor = Doctor { out, missing: 0 };
    doctor.machine();
    doctor.tools();
    doctor.setups(data);
    if let Some(path) = &args.model {
        doctor.model(path, data);
    }
    if let Some(url) = &args.rpc {
        doctor.chain(url, args)?;
    }
    let missing = doctor.missing;
    out.json(&json!({"missing": missing}));
    if missing == 0 {
        return Ok(Outcome::Done);
    }
    out.text(format!("missing: {missing}"));
    Ok(Outcome::Rejected)
}
