//! A local chain: anvil, from `PATH` or from `node_modules`.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Keys of anvil's accounts, from its well-known mnemonic.
pub(crate) const CURATOR: &str =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
pub(crate) const REQUESTER: &str =
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
pub(crate) const PROVIDER: &str =
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";
pub(crate) const CHALLENGER: &str =
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6";

pub(crate) const CURATOR_ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
pub(crate) const REQUESTER_ADDRESS: &str = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
pub(crate) const PROVIDER_ADDRESS: &str = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";
pub(crate) const CHALLENGER_ADDRESS: &str = "0x90f79bf6eb2c4f870365e785982e1f101e93b906";

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// From `PATH`, or else what `npm ci` installed.
fn binary() -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(anvil) = std::env::split_paths(&path)
        .map(|dir| dir.join("anvil"))
        .find(|p| p.is_file())
    {
        return Command::new(anvil);
    }
    assert!(
        root().join("node_modules/@foundry-rs/anvil").exists(),
        "these tests need anvil, in PATH or in node_modules: run script/packages"
    );
    let mut command = Command::new(root().join("script/foundry"));
    command.arg("anvil");
    command
}

/// A running anvil; ended when dropped.
pub(crate) struct Anvil {
    child: Child,
    port: u16,
}

impl Anvil {
    /// Starts on a free port.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_on(0, options)
    }

    pub(crate) fn start_on(port: u16, options: &[&str]) -> Self {
        let mut child = binary()
            .args(["--port", &port.to_string()])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("Listening on 127.0.0.1:")?.to_owned()))
            .expect("anvil says where it listens");
        // It writes on: nobody may close the other end.
        std::thread::spawn(move || lines.for_each(drop));
        Anvil {
            child,
            port: listening.trim().parse().unwrap(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks the node something.
    pub(crate) fn rpc(&self, method: &str, params: Value) -> Value {
        rpc(self.port, method, params)
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: u64) {
        self.rpc("evm_increaseTime", json!([seconds]));
        self.mine(1);
    }

    /// Time of the newest block.
    pub(crate) fn time(&self) -> u64 {
        let block = self.rpc("eth_getBlockByNumber", json!(["latest", false]));
        let time = block["timestamp"].as_str().unwrap();
        u64::from_str_radix(time.trim_start_matches("0x"), 16).unwrap()
    }

    pub(crate) fn mine(&self, blocks: u64) {
        self.rpc("anvil_mine", json!([format!("{blocks:#x}")]));
    }

    pub(crate) fn block(&self) -> u64 {
        let number = self.rpc("eth_blockNumber", json!([]));
        u64::from_str_radix(number.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    /// Ends it, as Ctrl-C does: it writes its state where it was told to.
    pub(crate) fn stop(mut self) {
        self.terminate();
    }

    fn terminate(&mut self) {
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        for _ in 0..200 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the node at a port of this machine something.
pub(crate) fn rpc(port: u16, method: &str, params: Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let value: Value = serde_json::from_str(body).unwrap();
    assert!(value.get("error").is_none(), "{method}: {value}");
    value["result"].clone()
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.terminate();
    }
}
