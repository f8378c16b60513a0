//! A compiler, a chain, and layers with their proofs.

#![allow(dead_code, unreachable_pub)]

use halo2curves::bn256::Fr;
use nanozk_circuits::{plan, BlockShape, Layer, LayerKind, Objective, Shape};
use nanozk_evm::solidity::INTERFACE;
use nanozk_evm::Contract;
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_prover::plonk::{verifier_params, ProvingKey};
use nanozk_prover::synthetic::SyntheticLayer;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::{KzgVerifier, Proof, TranscriptKind, VerifyingKey};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use revm::context::{Context, TxEnv};
use revm::context_interface::result::{ExecutionResult, Output};
use revm::database::InMemoryDB;
use revm::primitives::{hardfork::SpecId, Address, Bytes, TxKind};
use revm::{ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};
use serde_json::{json, Value};
use sha3::{Digest, Keccak256};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Greatest code of a contract (EIP-170).
pub const MAX_CODE: usize = 24_576;
const GAS: u64 = 16_777_216;

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A layer of a small model, with a proof of it.
pub struct Proved {
    pub kind: LayerKind,
    pub shape: Shape,
    pub vk: VerifyingKey,
    pub params: KzgVerifier,
    pub instances: Vec<Fr>,
    pub proof: Proof,
    pub weights: Vec<halo2curves::bn256::G1Affine>,
}

impl Proved {
    pub fn new(kind: LayerKind) -> Self {
        let arch = Architecture {
            layers: 1,
            width: 8,
            heads: 2,
            mlp_width: 16,
            vocab: 32,
            context: 4,
        };
        let spec = synthetic::spec(arch.width, Activation::GeluNew);
        let block = BlockShape::new(&arch, &spec);
        let shape = plan(&[(kind, 1)], block, 4, Objective::default())
            .unwrap()
            .choices[0]
            .shape;
        let layer = Layer::new(shape).unwrap();
        let setup = Setup::development(shape.plan.k, DEVELOPMENT_SEED).unwrap();
        let key = ProvingKey::new(setup.params(), setup.id(), layer.program.clone());
        let run = SyntheticLayer::new(&arch, kind, 4, [Fr::from(11), Fr::from(12)]).unwrap();
        let weights = run.weights(&layer, &setup);
        let instances = run.instances([Fr::from(1), -Fr::from(2)]);
        let keccak = TranscriptKind::Keccak;
        let proof = run
            .prove(
                &layer,
                &key,
                &setup,
                &weights,
                &instances,
                keccak,
                &mut rng(1),
            )
            .unwrap();
        Proved {
            kind,
            shape,
            vk: key.vk().clone(),
            params: verifier_params(setup.params(), setup.id()),
            instances,
            proof,
            weights: weights.commitments,
        }
    }

    pub fn contract(&self) -> Contract {
        let interface = "../interfaces/ILayerVerifier.sol";
        nanozk_evm::generate(
            &self.shape,
            &self.vk,
            &self.params,
            "Verifier",
            interface,
            "a test",
        )
        .unwrap()
    }
}

/// Creation code of a contract.
pub fn compile(contract: &Contract) -> Vec<u8> {
    let input = json!({
        "language": "Solidity",
        "sources": {
            "verifiers/Verifier.sol": { "content": contract.source },
            "interfaces/ILayerVerifier.sol": { "content": INTERFACE },
        },
        "settings": {
            "optimizer": { "enabled": true, "runs": 200 },
            "evmVersion": "cancun",
            "outputSelection": { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
        },
    });
    let solc = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../script/solc");
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
    let code = &output["contracts"]["verifiers/Verifier.sol"][&contract.name]["evm"];
    let bytes = |field: &str| {
        let text = code[field]["object"].as_str().unwrap();
        (0..text.len() / 2)
            .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
            .collect::<Vec<_>>()
    };
    assert!(bytes("deployedBytecode").len() <= MAX_CODE);
    bytes("bytecode")
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Returned(Vec<u8>),
    Reverted(Vec<u8>),
    /// Out of gas or worse.
    Halted(String),
}

/// A chain with one contract.
pub struct Chain {
    db: InMemoryDB,
    pub address: Address,
    pub code_size: usize,
}

impl Chain {
    pub fn new(code: Vec<u8>) -> Self {
        let mut chain = Chain {
            db: InMemoryDB::default(),
            address: Address::ZERO,
            code_size: 0,
        };
        let mut evm = Context::mainnet()
            .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::CANCUN))
            .with_db(&mut chain.db)
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
                output: Output::Create(code, Some(address)),
                ..
            } => {
                chain.address = address;
                chain.code_size = code.len();
            }
            other => panic!("not deployed: {other:?}"),
        }
        chain
    }

    /// The outcome of a call, and gas without what every transaction costs.
    pub fn call_with_gas(&mut self, data: Vec<u8>, gas: u64) -> (Outcome, u64) {
        let mut evm = Context::mainnet()
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::CANCUN);
                cfg.disable_nonce_check = true;
            })
            .with_db(&mut self.db)
            .build_mainnet();
        let calldata: u64 = data.iter().map(|b| if *b == 0 { 4 } else { 16 }).sum();
        let tx = TxEnv::builder()
            .kind(TxKind::Call(self.address))
            .data(Bytes::from(data))
            .gas_limit(gas)
            .build()
            .unwrap();
        match evm.transact(tx).unwrap().result {
            result @ ExecutionResult::Success { .. } => {
                let used = result.tx_gas_used() - 21_000 - calldata;
                (
                    Outcome::Returned(result.into_output().unwrap().to_vec()),
                    used,
                )
            }
            ExecutionResult::Revert { output, .. } => (Outcome::Reverted(output.to_vec()), 0),
            ExecutionResult::Halt { reason, .. } => (Outcome::Halted(format!("{reason:?}")), 0),
        }
    }

    pub fn call(&mut self, data: Vec<u8>) -> Outcome {
        self.call_with_gas(data, GAS).0
    }
}

pub fn word(v: usize) -> [u8; 32] {
    let mut w = [0; 32];
    w[24..].copy_from_slice(&(v as u64).to_be_bytes());
    w
}

/// First four bytes of a signature's digest.
pub fn selector(signature: &str) -> [u8; 4] {
    Keccak256::digest(signature)[..4].try_into().unwrap()
}

/// An error of the contract.
pub fn error(signature: &str, arguments: &[usize]) -> Outcome {
    let mut out = selector(signature).to_vec();
    arguments.iter().for_each(|a| out.extend(word(*a)));
    Outcome::Reverted(out)
}

/// `verify(proof, instances)`; `instances` are words.
pub fn calldata(proof: &[u8], instances: &[[u8; 32]]) -> Vec<u8> {
    let mut out = selector("verify(bytes,uint256[])").to_vec();
    let padded = proof.len().next_multiple_of(32);
    out.extend(word(64));
    out.extend(word(96 + padded));
    out.extend(word(proof.len()));
    out.extend(proof);
    out.resize(4 + 96 + padded, 0);
    out.extend(word(instances.len()));
    out.extend(instances.as_flattened());
    out
}

/// `word + modulus`, if it has 256 bits.
pub fn plus(word: &[u8], modulus: &[u8; 32]) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let mut carry = 0;
    for i in (0..32).rev() {
        carry += u16::from(word[i]) + u16::from(modulus[i]);
        out[i] = carry as u8;
        carry >>= 8;
    }
    (carry == 0).then_some(out)
}

/// `-1`, plus one: the modulus itself, of scalars or coordinates.
pub fn modulus(minus_one: [u8; 32]) -> [u8; 32] {
    let mut out = minus_one;
    out[31] += 1;
    out
}
