//! A relayer as a process, and claims for it.

use crate::anvil::*;
use crate::common::{fixture, path};
use crate::patience::Patience;
use crate::world::{World, domains};
use nanozk_chain::bindings::{book, market};
use nanozk_chain::client::Call;
use nanozk_chain::deployment::Deployment;
use nanozk_chain::primitives::{Address, B256, U256};
use nanozk_chain::sol_types::{SolCall, SolEvent};
use nanozk_chain::{Client, PrivateKeySigner};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The account that only sends, and its key.
pub(crate) const SENDER: &str =
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a";
pub(crate) const SENDER_ADDRESS: &str = "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65";

/// Settings that make a test fast.
pub(crate) fn settings(w: &World, rpc: &str, inbox: &Path, database: &str) -> Vec<String> {
    [
        ("rpc", rpc),
        ("deployment", path(&w.deployment)),
        ("database", database),
        ("inbox", path(inbox)),
        ("api.listen", "127.0.0.1:0"),
        ("poll", "40ms"),
        ("fees.confirmations", "2"),
        ("signer.kind", "env"),
        ("signer.variable", "NANOZK_TEST_SENDER"),
    ]
    .iter()
    .map(|(name, value)| format!("{name}={value}"))
    .collect()
}

/// A relayer's options and folders.
pub(crate) struct Setup {
    pub(crate) inbox: PathBuf,
    pub(crate) database: String,
    pub(crate) settings: Vec<String>,
    pub(crate) key: &'static str,
}

impl Setup {
    /// In the folder of a test, under a name.
    pub(crate) fn new(w: &World, name: &str) -> Self {
        let folder = w.file(name);
        let inbox = folder.join("inbox");
        std::fs::create_dir_all(&inbox).unwrap();
        let database = format!("sqlite:{}", path(&folder.join("relayer.db")));
        Setup {
            settings: settings(w, &w.anvil.url(), &inbox, &database),
            inbox,
            database,
            key: SENDER,
        }
    }

    /// With another value of a setting.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        let prefix = format!("{name}=");
        self.settings.retain(|s| !s.starts_with(&prefix));
        self.settings.push(format!("{prefix}{value}"));
        self
    }

    pub(crate) fn prover(self) -> Self {
        let command = format!("[\"{}\"]", env!("CARGO_BIN_EXE_nanozk"));
        self.set("prover.command", &command)
    }

    pub(crate) fn command(&self, what: &str) -> Command {
        let mut args = vec!["--json".to_owned(), "relayer".into(), what.into()];
        for setting in &self.settings {
            args.extend(["--set".into(), setting.clone()]);
        }
        let mut command = fixture().command(&args);
        command.env("NANOZK_TEST_SENDER", self.key);
        command.current_dir(self.inbox.parent().unwrap());
        command
    }

    pub(crate) fn start(&self) -> Service {
        Service::spawn(self.command("run"))
    }

    /// Exit code and error of a start that fails.
    pub(crate) fn refused(&self) -> (i32, String) {
        let output = self.command("run").output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap_or(-1), error)
    }

    /// What `relayer check` reports, and its exit code.
    pub(crate) fn checked(&self) -> (Value, i32) {
        let output = self.command("check").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let report = text.lines().find(|l| l.contains("\"event\":\"checked\""));
        let report = report.unwrap_or_else(|| panic!("no report: {output:?}"));
        (
            serde_json::from_str(report).unwrap(),
            output.status.code().unwrap_or(-1),
        )
    }

    /// Puts a session into the inbox.
    pub(crate) fn deliver(&self, session: &Path) -> PathBuf {
        let to = self.inbox.join(session.file_name().unwrap());
        copy(session, &to.with_extension("new"));
        std::fs::rename(to.with_extension("new"), &to).unwrap();
        to
    }
}

/// Copies a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A running relayer; killed when dropped.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) address: String,
    log: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Service {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let keep = log.clone();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                keep.lock().unwrap().push(line);
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let value: Value = serde_json::from_str(&line).ok()?;
            Some(
                value["address"]
                    .as_str()?
                    .trim_start_matches("http://")
                    .to_owned(),
            )
        });
        std::thread::spawn(move || lines.for_each(drop));
        let mut service = Service {
            child,
            address: String::new(),
            log,
        };
        service.address = address.unwrap_or_else(|| panic!("it ended: {}", service.log()));
        service
    }

    /// All it logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// How often a code was logged.
    pub(crate) fn count(&self, code: &str) -> usize {
        let wanted = format!("\"code\":\"{code}\"");
        self.log
            .lock()
            .unwrap()
            .iter()
            .filter(|l| l.contains(&wanted))
            .count()
    }

    /// Status and body of a request.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(600)))
            .unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            self.address,
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.request("GET", path, "", b"");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}"))
    }

    pub(crate) fn status(&self) -> Value {
        self.get("/v1/status")
    }

    pub(crate) fn claim(&self, id: &str) -> Option<Value> {
        let (status, body) = self.request("GET", &format!("/v1/claims/{id}"), "", b"");
        (status == 200).then(|| serde_json::from_str(&body).unwrap())
    }

    /// What was sent for a claim, the newest first.
    pub(crate) fn actions(&self, id: &str) -> Vec<String> {
        let claim = self.claim(id).unwrap();
        let transactions = claim["transactions"].as_array().unwrap();
        let action = |t: &Value| t["action"].as_str().unwrap().to_owned();
        transactions.iter().map(action).collect()
    }

    /// Waits until something holds.
    pub(crate) fn wait<T>(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&Service) -> Option<T>,
    ) -> T {
        let mut patience = Patience::with(self.child.id());
        loop {
            if let Some(found) = holds(self) {
                return found;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended ({status}) while waiting: {what}\n{}", self.log());
            }
            assert!(
                !patience.is_over(),
                "{what}\n{}\n{}",
                self.log(),
                self.request("GET", "/v1/status", "", b"").1
            );
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Waits for a claim's end, and gives its status.
    pub(crate) fn ended(&mut self, id: &str) -> String {
        self.wait(&format!("the end of {id}"), |s| {
            let claim = s.claim(id)?;
            (claim["ended"] == true).then(|| claim["status"].as_str().unwrap().to_owned())
        })
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        let _ = rustix::process::kill_process(id, signal);
    }

    /// Ends it as an operator does; gives its exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        self.signal(rustix::process::Signal::TERM);
        let mut patience = Patience::with(self.child.id());
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(!patience.is_over(), "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Ends it as a loss of power does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Most memory it had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

fn key(text: &str) -> PrivateKeySigner {
    text.parse().unwrap()
}

/// What a job is asked for with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) mode: u8,
    pub(crate) challenge_window: u32,
    pub(crate) answer_window: u32,
    pub(crate) lock_within: u64,
    pub(crate) claim_within: u64,
    pub(crate) locked: bool,
}

impl Default for Ask {
    fn default() -> Self {
        Ask {
            mode: 1,
            challenge_window: 600,
            answer_window: 600,
            lock_within: 86_400,
            claim_within: 86_400,
            locked: true,
        }
    }
}

/// Makes jobs and sessions quickly: the session of the fixture, claimed for each.
pub(crate) struct Maker {
    pub(crate) deployment: Deployment,
    requester: Client,
    provider: Client,
    version: B256,
    claim: Value,
    next: u64,
    port: u16,
}

impl Maker {
    pub(crate) fn new(w: &World) -> Self {
        let deployment: Deployment =
            serde_json::from_slice(&std::fs::read(&w.deployment).unwrap()).unwrap();
        // The only version that is registered.
        let objects = w.request(&["--mode", "optimistic"]);
        let request: Value = serde_json::from_slice(&std::fs::read(&objects.0).unwrap()).unwrap();
        let claim = std::fs::read(fixture().session.join("claim.json")).unwrap();
        Maker {
            requester: Client::connect(&w.anvil.url(), Some(key(REQUESTER))).unwrap(),
            provider: Client::connect(&w.anvil.url(), Some(key(PROVIDER))).unwrap(),
            version: request["request"]["version"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
            claim: serde_json::from_slice(&claim).unwrap(),
            deployment,
            next: 1_000,
            port: w.anvil.port(),
        }
    }

    /// A job, and a session for it in a folder: its claim can be posted, not proven.
    pub(crate) fn claim(&mut self, ask: Ask, folder: &Path) -> (PathBuf, String) {
        let now = self.requester.head().unwrap().timestamp;
        self.next += 1;
        let provider: Address = PROVIDER_ADDRESS.parse().unwrap();
        let request = market::JobRequest {
            requester: self.requester.account().unwrap(),
            provider,
            version: self.version,
            inputDigest: self.claim["input_digest"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
            promptTokens: 4,
            newTokens: 4,
            decoding: B256::ZERO,
            mode: ask.mode,
            price: 1_000_000,
            lockBy: now + ask.lock_within,
            claimBy: now + ask.lock_within + ask.claim_within,
            challengeWindow: ask.challenge_window,
            answerWindow: ask.answer_window,
            nonce: U256::from(self.next),
        };
        let at = |name: &str| self.deployment.address(name).unwrap();
        let domains = domains(&self.deployment);
        let job = domains.job(&request);
        let open = market::openCall {
            request,
            signature: Default::default(),
        };
        self.requester
            .send(&Call::new("opening", at("JobMarket"), &open))
            .unwrap();
        if ask.locked {
            let lock = market::lockCall {
                job,
                provider,
                deadline: u64::MAX,
                signature: Default::default(),
            };
            self.provider
                .send(&Call::new("locking", at("JobMarket"), &lock))
                .unwrap();
        }
        let mut claim = self.claim.clone();
        claim["context"] = json!({
            "chain": 31337,
            "contract": nanozk_chain::claim::padded(at("ClaimBook")),
            "claim": job,
            "recipient": nanozk_chain::claim::padded(provider),
        });
        let directory = folder.join(format!("session-{}", self.next));
        std::fs::create_dir_all(&directory).unwrap();
        let write = |name: &str, value: &Value| {
            std::fs::write(directory.join(name), value.to_string()).unwrap();
        };
        write("claim.json", &claim);
        // Without the second a job that is not locked is not taken: its answer may be demanded.
        for name in ["manifest.json", "output.json"] {
            std::fs::copy(fixture().session.join(name), directory.join(name)).unwrap();
        }
        let parsed: nanozk_verifier::Claim = serde_json::from_value(claim).unwrap();
        let header = nanozk_chain::claim::header(&parsed).unwrap();
        let signer = key(PROVIDER);
        let signatures =
            nanozk_chain::signing::SignatureFile::new(&signer, &domains, &header, u64::MAX);
        write(
            "signatures.json",
            &serde_json::to_value(signatures).unwrap(),
        );
        (directory, job.to_string())
    }

    fn book(&self) -> Address {
        self.deployment.address("ClaimBook").unwrap()
    }

    fn logs(&self, topics: Value) -> Vec<Value> {
        let filter = json!([{"fromBlock": "0x0", "address": self.book(), "topics": topics}]);
        let logs = rpc(self.port, "eth_getLogs", filter);
        logs.as_array().unwrap().clone()
    }

    /// Ids of the claims that were posted for a job: after reorganizations those that are left.
    pub(crate) fn claims(&self, job: &str) -> Vec<String> {
        let logs = self.logs(json!([book::ClaimPosted::SIGNATURE_HASH, null, job]));
        let id = |log: &Value| log["topics"][1].as_str().unwrap().to_owned();
        logs.iter().map(id).collect()
    }

    /// Status of a job's claim in the newest block; see `Types.sol`.
    pub(crate) fn status(&self, job: &str) -> u8 {
        let Some(claim) = self.claims(job).pop() else {
            return 0;
        };
        let call = book::statusCall {
            claim: claim.parse().unwrap(),
        };
        let data = nanozk_chain::primitives::hex::encode_prefixed(call.abi_encode());
        let answer = rpc(
            self.port,
            "eth_call",
            json!([{"to": self.book(), "data": data}, "latest"]),
        );
        u8::from_str_radix(&answer.as_str().unwrap()[64..], 16).unwrap()
    }

    /// How often an event happened to a job's claim.
    pub(crate) fn events(&self, event: B256, job: &str) -> usize {
        let claims = self.claims(job);
        match (event == POSTED, claims.is_empty()) {
            (true, _) => claims.len(),
            (false, true) => 0,
            (false, false) => self.logs(json!([event, claims])).len(),
        }
    }
}

/// Event of a claim that was posted.
pub(crate) const POSTED: B256 = book::ClaimPosted::SIGNATURE_HASH;
/// Event of a claim that ended.
pub(crate) const ENDED: B256 = book::ClaimEnded::SIGNATURE_HASH;
/// Event of layers that were proven.
pub(crate) const LAYERS_PROVEN: B256 = book::LayersProven::SIGNATURE_HASH;
/// Event of a challenge.
pub(crate) const CHALLENGED: B256 = book::Challenged::SIGNATURE_HASH;
/// Event of a bond that was paid out.
pub(crate) const RESOLVED: B256 = book::ChallengeResolved::SIGNATURE_HASH;

/// Transactions that an account sent.
pub(crate) fn nonce(w: &World, account: &str) -> u64 {
    let nonce = w
        .anvil
        .rpc("eth_getTransactionCount", json!([account, "latest"]));
    u64::from_str_radix(nonce.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}
