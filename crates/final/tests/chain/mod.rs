//! A compiler, and a chain with one contract.

use revm::context::{Context, TxEnv};
use revm::context_interface::result::{ExecutionResult, Output};
use revm::database::InMemoryDB;
use revm::primitives::{Address, Bytes, TxKind, hardfork::SpecId};
use revm::{ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Greatest code of a contract (EIP-170).
const MAX_CODE: usize = 24_576;
/// More than any call takes.
pub(crate) const GAS: u64 = 16_777_216;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Creation code of a contract of `contracts/`, of which these are all sources.
pub(crate) fn compile(name: &str, sources: &[&str]) -> Vec<u8> {
    let contents = sources.iter().map(|source| {
        let path = root().join("contracts").join(source);
        let content = std::fs::read_to_string(&path).unwrap();
        ((*source).to_owned(), json!({ "content": content }))
    });
    let input = json!({
        "language": "Solidity",
        "sources": contents.collect::<serde_json::Map<_, _>>(),
        "settings": {
            "optimizer": { "enabled": true, "runs": 200 },
            "evmVersion": "cancun",
            "outputSelection": { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
        },
    });
    let solc = root().join("script/solc");
    let mut child = Command::new(&solc)
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", solc.display()));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    assert!(
        out.status.success(),
        "the compiler failed; are its packages installed (npm ci)?"
    );
    let output: Value = serde_json::from_slice(&out.stdout).unwrap();
    let errors = &output["errors"];
    assert!(errors.is_null(), "{errors:#}");
    let code = &output["contracts"][format!("{name}.sol")][name]["evm"];
    let bytes = |field: &str| bytes_of(code[field]["object"].as_str().unwrap());
    assert!(bytes("deployedBytecode").len() <= MAX_CODE);
    bytes("bytecode")
}

/// Bytes of hexadecimal digits.
pub(crate) fn bytes_of(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2)
        .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Returned(Vec<u8>),
    Reverted(Vec<u8>),
    /// Out of gas or worse.
    Halted(String),
}

pub(crate) struct Chain {
    db: InMemoryDB,
    address: Address,
    spec: SpecId,
}

impl Chain {
    pub(crate) fn new(code: Vec<u8>, spec: SpecId) -> Self {
        let mut db = InMemoryDB::default();
        let mut evm = Context::mainnet()
            .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(spec))
            .with_db(&mut db)
            .build_mainnet();
        let tx = TxEnv::builder()
            .kind(TxKind::Create)
            .data(Bytes::from(code))
            .gas_limit(GAS)
            .build()
            .unwrap();
        let result = evm.transact_commit(tx).unwrap();
        drop(evm);
        match result {
            ExecutionResult::Success {
                output: Output::Create(_, Some(address)),
                ..
            } => Self { db, address, spec },
            other => panic!("not deployed: {other:?}"),
        }
    }

    /// The outcome of a call, and gas of the transaction.
    pub(crate) fn call_with_gas(&mut self, data: Vec<u8>, gas: u64) -> (Outcome, u64) {
        let spec = self.spec;
        let mut evm = Context::mainnet()
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(spec);
                cfg.disable_nonce_check = true;
            })
            .with_db(&mut self.db)
            .build_mainnet();
        let tx = TxEnv::builder()
            .kind(TxKind::Call(self.address))
            .data(Bytes::from(data))
            .gas_limit(gas)
            .build()
            .unwrap();
        match evm.transact(tx).unwrap().result {
            result @ ExecutionResult::Success { .. } => {
                let used = result.tx_gas_used();
                let output = result.into_output().unwrap().to_vec();
                (Outcome::Returned(output), used)
            }
            ExecutionResult::Revert { output, .. } => (Outcome::Reverted(output.to_vec()), 0),
            ExecutionResult::Halt { reason, .. } => (Outcome::Halted(format!("{reason:?}")), 0),
        }
    }

    pub(crate) fn call(&mut self, data: Vec<u8>) -> Outcome {
        self.call_with_gas(data, GAS).0
    }
}

pub(crate) fn word(v: usize) -> [u8; 32] {
    let mut w = [0; 32];
    w[24..].copy_from_slice(&(v as u64).to_be_bytes());
    w
}

/// First four bytes of a signature's digest.
pub(crate) fn selector(signature: &str) -> [u8; 4] {
    Keccak256::digest(signature)[..4].try_into().unwrap()
}

/// An error of the contract.
pub(crate) fn error(signature: &str, arguments: &[usize]) -> Outcome {
    let mut out = selector(signature).to_vec();
    arguments.iter().for_each(|a| out.extend(word(*a)));
    Outcome::Reverted(out)
}
