//! Deployment at addresses that are known beforehand: the canonical CREATE2 deployer deploys our `Deployer`, which
//! deploys every contract by CREATE3, so that an address depends on the account and a salt only. That makes contracts
//! able to know each other, and a deployment that was interrupted able to go on.

use crate::artifacts::{Artifact, named};
use crate::client::{Call, Client, Receipt};
use crate::error::Error;
use alloy::dyn_abi::{DynSolValue, FunctionExt, JsonAbiExt};
use alloy::primitives::{Address, B256, Bytes, U256, address, b256, keccak256};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Format of a deployment's file.
pub const DEPLOYMENT_FORMAT: &str = "nanozk-deployment-2";
/// The deterministic deployment proxy, at the same address on every chain.
pub const CREATE2_DEPLOYER: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");
/// Hash of the creation code of the contract that CREATE3 puts between.
const PROXY_HASH: B256 =
    b256!("0x57a34f6e879358dd76825d6700df87013ad6a3fb43c0d0c602f70a8772c153bd");

mod factory {
    #![allow(missing_docs)]
    alloy::sol!(IDeployer, "artifacts/IDeployer.json");
}

/// The protocol's contracts, in the order they are deployed.
const BEACON: &str = "AuditBeacon";
const CONTRACTS: [&str; 14] = [
    "BondEscrow",
    "ModelRegistry",
    BEACON,
    "TokenDigests",
    "JobMarket",
    "ClaimBook",
    "ClaimLens",
    "StatementVerifier",
    EPOCHS,
    "EpochDisputes",
    "EpochLens",
    "ProofVerifier",
    "ProofValidator",
    "ProofEvaluator",
];
const EPOCHS: &str = "EpochBook";
/// Deployed by the deterministic proxy itself: it is at one address on every chain, whoever deploys it.
const VERIFIER: &str = "FinalVerifier";

/// Place of the first contract that the factory deploys, after the factory itself and what has one address on every chain.
pub const FIRST_OF_FACTORY: usize = 2;

/// What a deployment is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Freezes the verifier.
    pub guardian: Address,
    /// Assets of prices, stakes and bonds; zero is ETH.
    pub assets: Vec<Address>,
    /// How long bonds wait before they can be taken out, in seconds.
    pub unbond_delay: u64,
    /// Blocks between a claim and the one whose RANDAO draws its layers; none where the chain has no such value: then
    /// there is no beacon, and nothing is audited.
    pub beacon_delay: Option<u64>,
    /// How long an epoch can be disputed after its commitment, in seconds.
    pub challenge_window: u64,
    /// How long a turn of a dispute about an epoch is, in seconds.
    pub answer_window: u64,
    /// Another salt, other addresses.
    pub salt: B256,
}

/// A deployed contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployed {
    /// Where.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub address: Address,
    /// Keccak-256 of its code.
    pub code_hash: B256,
    /// Arguments of its constructor, by name.
    pub arguments: BTreeMap<String, String>,
    /// Transaction that deployed it, if known.
    pub transaction: Option<B256>,
    /// Its block.
    pub block: Option<u64>,
}

/// A deployment: `deployments/<chain id>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// [`DEPLOYMENT_FORMAT`].
    pub format: String,
    /// Chain.
    pub chain_id: u64,
    /// Account that deployed.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub account: Address,
    /// Salt.
    pub salt: B256,
    /// Contracts by name.
    pub contracts: BTreeMap<String, Deployed>,
}

impl Deployment {
    /// A deployment of which nothing is there yet.
    pub fn new(chain_id: u64, account: Address, salt: B256) -> Self {
        Deployment {
            format: DEPLOYMENT_FORMAT.into(),
            chain_id,
            account,
            salt,
            contracts: BTreeMap::new(),
        }
    }

    /// Refuses other formats, and other chains than the node's.
    pub fn check(&self, client: &Client) -> Result<(), Error> {
        if self.format != DEPLOYMENT_FORMAT {
            return Err(Error::Format {
                expected: DEPLOYMENT_FORMAT,
                got: self.format.clone(),
            });
        }
        if self.chain_id != client.chain_id() {
            return Err(Error::WrongChain {
                node: client.node().into(),
                expected: self.chain_id,
                got: client.chain_id(),
            });
        }
        Ok(())
    }

    /// Address of a contract.
    pub fn address(&self, name: &str) -> Result<Address, Error> {
        self.contracts
            .get(name)
            .map(|c| c.address)
            .ok_or_else(|| Error::NotDeployed { name: name.into() })
    }

    /// Address of the beacon; none if the contracts were deployed without one.
    pub fn beacon(&self) -> Result<Option<Address>, Error> {
        let market = self.contracts.get("JobMarket");
        match market.and_then(|m| m.arguments.get("beacon")) {
            Some(beacon) if beacon.parse() == Ok(Address::ZERO) => Ok(None),
            _ => self.address(BEACON).map(Some),
        }
    }
}

/// A contract to deploy.
#[derive(Clone, Debug)]
pub struct Step {
    /// Contract.
    pub name: &'static str,
    /// Where it will be.
    pub address: Address,
    /// Arguments of its constructor.
    pub arguments: Vec<(String, DynSolValue)>,
    /// Creation code with arguments.
    pub code: Bytes,
    /// What deploys it.
    pub call: Call,
}

/// Where a contract of this salt is that an account deploys through the factory.
fn create3(factory: Address, account: Address, salt: B256) -> Address {
    let salt = keccak256((account, salt).abi_encode());
    factory.create2(salt, PROXY_HASH).create(1)
}

/// A call of the deterministic deployment proxy, and where the contract will be.
pub fn create2(what: String, code: &[u8]) -> (Address, Call) {
    let call = Call {
        what,
        to: CREATE2_DEPLOYER,
        data: [B256::ZERO.as_slice(), code].concat().into(),
        value: U256::ZERO,
    };
    (CREATE2_DEPLOYER.create2_from_code(B256::ZERO, code), call)
}

/// All that is to deploy, in order. Nothing is asked of a chain.
pub fn plan(account: Address, parameters: &Parameters) -> Vec<Step> {
    let fixed = |name: &'static str| {
        let code = named(name).bytecode.clone();
        let (address, call) = create2(format!("deploying {name}"), &code);
        Step {
            name,
            address,
            arguments: Vec::new(),
            code,
            call,
        }
    };
    let mut steps = vec![fixed("Deployer"), fixed(VERIFIER)];
    let factory = steps[0].address;
    let salt = |name: &str| keccak256([parameters.salt.as_slice(), name.as_bytes()].concat());
    let place = |name: &str| create3(factory, account, salt(name));
    for name in CONTRACTS {
        if name == BEACON && parameters.beacon_delay.is_none() {
            continue;
        }
        let artifact = named(name);
        let arguments: Vec<_> = artifact
            .abi
            .constructor
            .iter()
            .flat_map(|c| &c.inputs)
            .map(|input| {
                let argument_name = input.name.trim_end_matches('_').to_owned();
                let value = argument(name, &argument_name, parameters, &place);
                (argument_name, value)
            })
            .collect();
        let values: Vec<_> = arguments.iter().map(|(_, v)| v.clone()).collect();
        let code = artifact.creation_code(&values);
        let deploy = factory::IDeployer::deployCall {
            salt: salt(name),
            creationCode: code.clone(),
        };
        steps.push(Step {
            name,
            address: place(name),
            arguments,
            code,
            call: Call::new(format!("deploying {name}"), factory, &deploy),
        });
    }
    steps
}

/// The argument of a contract's constructor, by its name.
///
/// # Panics
/// If no contract has an argument of that name: then this version and its artifacts do not fit.
fn argument(of: &str, name: &str, p: &Parameters, place: &dyn Fn(&str) -> Address) -> DynSolValue {
    let seconds = |seconds: u64| DynSolValue::Uint(U256::from(seconds), 256);
    let list = |addresses: &[Address]| {
        DynSolValue::Array(addresses.iter().copied().map(Into::into).collect())
    };
    let contract = match name {
        "guardian" => return p.guardian.into(),
        "operators" => {
            let operators = ["JobMarket", "ClaimBook", EPOCHS, "EpochDisputes"];
            return list(&operators.map(place));
        }
        "assets" => return list(&p.assets),
        "unbondDelay" => return DynSolValue::Uint(U256::from(p.unbond_delay), 64),
        "delayBlocks" => {
            return DynSolValue::Uint(U256::from(p.beacon_delay.unwrap_or_default()), 64);
        }
        "challengeWindow" => return seconds(p.challenge_window),
        "answerWindow" => return seconds(p.answer_window),
        "escrow" => "BondEscrow",
        "registry" => "ModelRegistry",
        "market" => "JobMarket",
        "book" if of.starts_with("Epoch") => EPOCHS,
        "disputes" => "EpochDisputes",
        "book" | "claimBook" => "ClaimBook",
        "beacon" if p.beacon_delay.is_none() => return Address::ZERO.into(),
        "beacon" => BEACON,
        "digests" => "TokenDigests",
        "statements" => "StatementVerifier",
        other => panic!("no contract takes {other:?}"),
    };
    place(contract).into()
}

/// A constructor's argument, for people.
pub fn show(value: &DynSolValue) -> String {
    crate::revert::text(&Default::default(), value)
}

/// What is at the place of a contract.
///
/// Nothing, or the contract as planned: with the code of this version, and with these arguments.
pub fn inspect(client: &Client, step: &Step) -> Result<Option<B256>, Error> {
    let code = client.code(step.address)?;
    if code.is_empty() {
        return Ok(None);
    }
    let artifact = named(step.name);
    if !artifact.is_code(&code) {
        return Err(Error::OtherCode {
            name: step.name.into(),
            address: step.address,
        });
    }
    for (name, expected) in &step.arguments {
        let got = getter(client, artifact, step.address, name)?;
        if !is_same(&got, expected) {
            return Err(Error::OtherArgument {
                name: step.name.into(),
                address: step.address,
                argument: name.clone(),
                expected: show(expected),
                got: show(&got),
            });
        }
    }
    Ok(Some(keccak256(code)))
}

/// Whether two values are equal: a contract may keep a number in fewer bits than its constructor takes it in.
fn is_same(a: &DynSolValue, b: &DynSolValue) -> bool {
    match (a, b) {
        (DynSolValue::Uint(a, _), DynSolValue::Uint(b, _)) => a == b,
        _ => a == b,
    }
}

/// An argument of a constructor, which every contract shows by a function of the same name.
fn getter(
    client: &Client,
    artifact: &Artifact,
    address: Address,
    name: &str,
) -> Result<DynSolValue, Error> {
    let wrong = |reason: String| Error::NotTheContract { address, reason };
    let function = artifact
        .abi
        .function(name)
        .and_then(|overloads| overloads.iter().find(|f| f.inputs.is_empty()))
        .ok_or_else(|| wrong(format!("{} does not show {name}", artifact.name)))?;
    let input = function
        .abi_encode_input(&[])
        .map_err(|e| wrong(e.to_string()))?;
    let output = client.read_raw(address, input.into(), name)?;
    let mut values = function
        .abi_decode_output(&output)
        .map_err(|e| wrong(e.to_string()))?;
    values
        .pop()
        .ok_or_else(|| wrong(format!("{name} returned nothing")))
}

/// Whether a chain has the deterministic deployment proxy.
pub fn check_proxy(client: &Client) -> Result<(), Error> {
    if client.code(CREATE2_DEPLOYER)?.is_empty() {
        return Err(Error::NoCreate2Deployer {
            chain_id: client.chain_id(),
            address: CREATE2_DEPLOYER,
        });
    }
    Ok(())
}

/// Deploys one contract if it is not there, and records it.
pub fn carry_out(
    client: &Client,
    step: &Step,
    deployment: &mut Deployment,
) -> Result<Option<Receipt>, Error> {
    let mut receipt = None;
    let mut found = inspect(client, step)?;
    if found.is_none() {
        receipt = Some(client.send(&step.call)?);
        found = inspect(client, step)?;
    }
    let code_hash = found.ok_or_else(|| Error::NotTheContract {
        address: step.address,
        reason: format!("{} is not where its address says", step.name),
    })?;
    let known = deployment.contracts.get(step.name);
    let origin = match (&receipt, known) {
        (Some(r), _) => Some((r.hash, r.block)),
        (None, Some(known)) if known.address == step.address && known.transaction.is_some() => {
            known.transaction.zip(known.block)
        }
        // An earlier run was interrupted before it could write this down. Not every node keeps all events.
        (None, _) => deployed_in(client, step).unwrap_or(None),
    };
    deployment.contracts.insert(
        step.name.into(),
        Deployed {
            address: step.address,
            code_hash,
            arguments: step
                .arguments
                .iter()
                .map(|(name, value)| (name.clone(), show(value)))
                .collect(),
            transaction: origin.map(|o| o.0),
            block: origin.map(|o| o.1),
        },
    );
    Ok(receipt)
}

fn deployed_in(client: &Client, step: &Step) -> Result<Option<(B256, u64)>, Error> {
    let topics = [
        factory::IDeployer::Deployed::SIGNATURE_HASH,
        step.address.into_word(),
    ];
    client.find_event(step.call.to, topics)
}

/// Deploys all contracts that are not there, with nobody to tell: see [`carry_out`].
pub fn deploy(client: &Client, parameters: &Parameters) -> Result<Deployment, Error> {
    let account = client.account()?;
    check_proxy(client)?;
    let mut deployment = Deployment::new(client.chain_id(), account, parameters.salt);
    for (i, step) in plan(account, parameters).iter().enumerate() {
        if i == FIRST_OF_FACTORY {
            check_address(client, account, step)?;
        }
        carry_out(client, step, &mut deployment)?;
    }
    Ok(deployment)
}

/// Whether the factory, asked, says the same of an address as [`plan`].
pub fn check_address(client: &Client, account: Address, step: &Step) -> Result<(), Error> {
    let Ok(deploy) = factory::IDeployer::deployCall::abi_decode(&step.call.data) else {
        return Ok(());
    };
    let asked = factory::IDeployer::addressOfCall {
        caller: account,
        salt: deploy.salt,
    };
    let got = client.read(step.call.to, &asked)?;
    if got != step.address {
        return Err(Error::NotTheContract {
            address: step.call.to,
            reason: format!("it would deploy {} at {got}", step.name),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        Parameters {
            guardian: Address::repeat_byte(2),
            assets: vec![Address::ZERO],
            unbond_delay: 86_400,
            beacon_delay: Some(72),
            challenge_window: 43_200,
            answer_window: 14_400,
            salt: B256::ZERO,
        }
    }

    #[test]
    fn addresses_depend_on_account_and_salt_only() {
        let account = Address::repeat_byte(9);
        let places = |account, p: &Parameters| -> Vec<Address> {
            plan(account, p).iter().map(|s| s.address).collect()
        };
        let here = places(account, &parameters());
        let mut other = parameters();
        other.guardian = account;
        other.unbond_delay = 1;
        assert_eq!(places(account, &other), here);
        other.salt = B256::repeat_byte(1);
        // The factory and the verifier are everybody's.
        assert_eq!(places(account, &other)[..2], here[..2]);
        for elsewhere in [
            places(account, &other),
            places(Address::ZERO, &parameters()),
        ] {
            assert!(elsewhere[2..].iter().all(|a| !here.contains(a)));
        }
    }

    #[test]
    fn without_a_beacon_nothing_names_one() {
        let with = plan(Address::ZERO, &parameters());
        let parameters = Parameters {
            beacon_delay: None,
            ..parameters()
        };
        let without = plan(Address::ZERO, &parameters);
        let names = |steps: &[Step]| -> Vec<&str> { steps.iter().map(|s| s.name).collect() };
        let mut expected = names(&with);
        expected.retain(|n| *n != "AuditBeacon");
        assert_eq!(names(&without), expected);
        let mut asked = 0;
        for (name, value) in without.iter().flat_map(|s| &s.arguments) {
            if name == "beacon" {
                assert_eq!(*value, DynSolValue::from(Address::ZERO));
                asked += 1;
            }
        }
        // The market, the claim book and the epoch book.
        assert_eq!(asked, 3);

        let mut deployment = Deployment::new(1, Address::ZERO, B256::ZERO);
        assert!(deployment.beacon().is_err(), "not deployed yet");
        for (steps, beacon) in [(&without, None), (&with, Some(with[4].address))] {
            assert_eq!(with[4].name, "AuditBeacon");
            for step in steps {
                let arguments = step
                    .arguments
                    .iter()
                    .map(|(n, v)| (n.clone(), show(v)))
                    .collect();
                deployment.contracts.insert(
                    step.name.into(),
                    Deployed {
                        address: step.address,
                        code_hash: B256::ZERO,
                        arguments,
                        transaction: None,
                        block: None,
                    },
                );
            }
            assert_eq!(deployment.beacon().expect("deployed"), beacon);
        }
    }

    /// Files are written by machines and mended by people.
    #[test]
    fn addresses_in_a_file_are_checked() {
        let mut deployment = Deployment::new(1, Address::repeat_byte(0xab), B256::ZERO);
        let contract = Deployed {
            address: Address::repeat_byte(0xcd),
            code_hash: B256::ZERO,
            arguments: BTreeMap::new(),
            transaction: None,
            block: None,
        };
        deployment.contracts.insert("JobMarket".into(), contract);
        let text = serde_json::to_string(&deployment).expect("serializes");
        for byte in ["ab", "cd"] {
            let lower = byte.repeat(20);
            let mut wrong = Address::repeat_byte(u8::from_str_radix(byte, 16).expect("a byte"))
                .to_checksum(None)[2..]
                .to_owned();
            let checked = text.replace(&lower, &wrong);
            let read: Deployment = serde_json::from_str(&checked).expect("a checksum that fits");
            assert_eq!(read, deployment);
            let first = wrong.remove(0);
            let other = if first.is_uppercase() {
                first.to_ascii_lowercase()
            } else {
                first.to_ascii_uppercase()
            };
            wrong.insert(0, other);
            let error = serde_json::from_str::<Deployment>(&text.replace(&lower, &wrong))
                .expect_err("a wrong checksum");
            assert!(error.to_string().contains("checksum"), "{error}");
        }
    }

    #[test]
    fn contracts_know_each_other() {
        let steps = plan(Address::ZERO, &parameters());
        let place =
            |name| DynSolValue::from(steps.iter().find(|s| s.name == name).unwrap().address);
        let argument = |contract, name: &str| {
            let step = steps.iter().find(|s| s.name == contract).unwrap();
            step.arguments
                .iter()
                .find(|(n, _)| n == name)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(argument("JobMarket", "claimBook"), place("ClaimBook"));
        assert_eq!(argument("ClaimBook", "market"), place("JobMarket"));
        assert_eq!(argument("ClaimBook", "digests"), place("TokenDigests"));
        assert_eq!(
            argument("StatementVerifier", "registry"),
            place("ModelRegistry")
        );
        assert_eq!(
            argument("BondEscrow", "operators"),
            DynSolValue::Array(
                ["JobMarket", "ClaimBook", "EpochBook", "EpochDisputes"]
                    .map(place)
                    .to_vec()
            )
        );
        assert_eq!(argument("EpochBook", "disputes"), place("EpochDisputes"));
        assert_eq!(argument("EpochDisputes", "book"), place("EpochBook"));
        assert_eq!(argument("EpochLens", "book"), place("EpochBook"));
        assert_eq!(argument("ClaimLens", "book"), place("ClaimBook"));
        for adapter in ["ProofVerifier", "ProofValidator", "ProofEvaluator"] {
            assert_eq!(argument(adapter, "statements"), place("StatementVerifier"));
        }
        assert_eq!(
            argument("ModelRegistry", "guardian"),
            parameters().guardian.into()
        );
    }
}
