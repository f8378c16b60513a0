//! What the contracts compiled to: written by `script/artifacts`, part of this crate.

use alloy::dyn_abi::{DynSolValue, JsonAbiExt};
use alloy::json_abi::JsonAbi;
use alloy::primitives::{B256, Bytes, keccak256};
use serde::Deserialize;
use std::sync::OnceLock;

/// A compiled contract.
#[derive(Debug, Deserialize)]
pub struct Artifact {
    /// Name of the contract.
    pub name: String,
    /// What it can be asked.
    pub abi: JsonAbi,
    /// Creation code, without arguments; none of an interface.
    #[serde(default)]
    pub bytecode: Bytes,
    /// Keccak-256 of the deployed code, with zeros for immutables.
    #[serde(default, rename = "codeHash")]
    pub code_hash: B256,
    /// Where immutables are in the deployed code: offset and length.
    #[serde(default)]
    pub immutables: Vec<(usize, usize)>,
}

impl Artifact {
    /// Creation code with arguments.
    ///
    /// # Panics
    /// If the arguments are not those of the constructor.
    pub fn creation_code(&self, arguments: &[DynSolValue]) -> Bytes {
        let mut code = self.bytecode.to_vec();
        if let Some(constructor) = &self.abi.constructor {
            code.extend(
                constructor
                    .abi_encode_input(arguments)
                    .expect("the arguments are the constructor's"),
            );
        }
        code.into()
    }

    /// Whether code is that of this contract, whatever its immutables are.
    pub fn is_code(&self, code: &[u8]) -> bool {
        let mut code = code.to_vec();
        for &(offset, length) in &self.immutables {
            match code.get_mut(offset..offset + length) {
                Some(immutable) => immutable.fill(0),
                None => return false,
            }
        }
        keccak256(code) == self.code_hash
    }
}

macro_rules! artifacts {
    ($($name:literal)*) => {
        const SOURCES: &[&str] = &[$(include_str!(concat!("../artifacts/", $name, ".json"))),*];
    };
}

artifacts! {
    "Deployer" "BondEscrow" "FinalVerifier" "ModelRegistry" "AuditBeacon" "TokenDigests" "JobMarket" "ClaimBook" "ClaimLens"
    "StatementVerifier" "EpochBook" "EpochDisputes" "EpochLens" "ProofVerifier" "ProofValidator" "ProofEvaluator"
}

/// All contracts.
pub fn all() -> &'static [Artifact] {
    static ALL: OnceLock<Vec<Artifact>> = OnceLock::new();
    ALL.get_or_init(|| {
        let parse = |source: &&str| serde_json::from_str(source).expect("artifacts are valid");
        SOURCES.iter().map(parse).collect()
    })
}

/// A contract.
///
/// # Panics
/// If there is none of that name.
pub fn named(name: &str) -> &'static Artifact {
    all()
        .iter()
        .find(|a| a.name == name)
        .expect("the name of a contract")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_can_be_deployed() {
        for artifact in all() {
            assert!(!artifact.bytecode.is_empty(), "{}", artifact.name);
            // EIP-3860.
            assert!(artifact.bytecode.len() <= 49_152, "{}", artifact.name);
        }
    }

    #[test]
    fn immutables_do_not_matter_and_all_else_does() {
        let artifact = Artifact {
            name: String::new(),
            abi: JsonAbi::new(),
            bytecode: Bytes::new(),
            code_hash: keccak256([1, 2, 0, 0, 5]),
            immutables: vec![(2, 2)],
        };
        assert!(artifact.is_code(&[1, 2, 3, 4, 5]));
        assert!(!artifact.is_code(&[1, 9, 3, 4, 5]));
        assert!(!artifact.is_code(&[1, 2, 3]));
    }
}
