//! `nanozk verifier`.
//!
//! | file | content |
//! |---|---|
//! | `verifiers.json` | names and keys |
//! | `verifiers/<name>.sol`, `interfaces/ILayerVerifier.sol` | sources |
//! | `<name>.input.json` | input for the compiler, and for block explorers |
//! | `<name>.json` | what it compiled to |

use super::Chain;
use crate::args::{BuildArgs, DeployVerifiersArgs, FreezeArgs, GenerateArgs, VerifierCommand};
use crate::commands::aggregate::tree;
use crate::data::{is_development, Data, DEVELOPMENT_WARNING};
use crate::model_dir::ModelDir;
use crate::output::{bytes, Out, Progress};
use crate::staging::Staging;
use anyhow::{bail, Context, Result};
use nanozk_aggregation::Plan;
use nanozk_chain::bindings::{router, verifier as abi};
use nanozk_chain::client::Call;
use nanozk_chain::deployment::{check_proxy, create2, DeployedVerifier};
use nanozk_chain::primitives::{keccak256, Bytes, B256};
use nanozk_circuits::Layer;
use nanozk_evm::solidity::INTERFACE;
use nanozk_prover::aggregate::{layers_of, MAX_K};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::plonk::verifier_params;
use nanozk_verifier::hex::Digest32;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const INDEX: &str = "verifiers.json";
const INDEX_FORMAT: &str = "nanozk-verifiers-1";
const COMPILED_FORMAT: &str = "nanozk-verifier-1";
const INTERFACE_FILE: &str = "interfaces/ILayerVerifier.sol";
/// Greatest code of a contract (EIP-170).
const MAX_CODE: usize = 24_576;

/// `verifiers.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    format: String,
    model_id: Digest32,
    setup: Digest32,
    verifiers: Vec<Generated>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generated {
    name: String,
    /// Kind of layer, or [`AGGREGATE`].
    kind: String,
    verifying_key: Digest32,
}

/// In place of a kind of layer.
const AGGREGATE: &str = "aggregate";

/// `<name>.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compiled {
    format: String,
    name: String,
    verifying_key: Digest32,
    compiler: String,
    code_bytes: usize,
    bytecode: Bytes,
}

impl Generated {
    fn source(&self) -> String {
        format!("verifiers/{}.sol", self.name)
    }
}

fn input_file(name: &str) -> String {
    format!("{name}.input.json")
}

fn compiled_file(name: &str) -> String {
    format!("{name}.json")
}

pub(in crate::commands) fn verifier(
    command: &VerifierCommand,
    data: &Data,
    out: &Out,
) -> Result<()> {
    match command {
        VerifierCommand::Generate(args) => generate(args, data, out),
        VerifierCommand::Build(args) => build(args, out),
        VerifierCommand::Deploy(args) => deploy(args, out),
        VerifierCommand::Freeze(args) => freeze(args, out),
    }
}

fn generate(args: &GenerateArgs, data: &Data, out: &Out) -> Result<()> {
    let card = ModelDir::new(&args.model)?.card()?;
    // What can be wrong is looked at before anything takes long.
    let plan = match &args.tree {
        Some(text) => Some(Plan::parse(text, card.layers.len())?),
        None => None,
    };
    if let Some(solc) = &args.solc {
        // A name without a directory is looked up when it is run.
        if solc.components().count() > 1 && !solc.is_file() {
            bail!("there is no compiler {}", solc.display());
        }
    }
    let staging = Staging::new(&args.output, args.force, Kind::Verifiers, out)?;
    let dir = staging.path();
    let setup = data.checked_setup_of(&card)?;
    let params = verifier_params(setup.params(), setup.id());
    let warning = if is_development(&card) {
        out.note(DEVELOPMENT_WARNING);
        "development setup: its secret is public, proofs prove nothing"
    } else {
        ""
    };
    files::create_dir(&dir.join("verifiers"))?;
    files::create_dir(&dir.join("interfaces"))?;
    files::write(&dir.join(INTERFACE_FILE), INTERFACE.as_bytes())?;

    let mut seen = BTreeSet::new();
    let mut index = Index {
        format: INDEX_FORMAT.into(),
        model_id: card.model_id(),
        setup: card.setup,
        verifiers: Vec::new(),
    };
    let progress = Progress::spinner("generating verifiers");
    for layer in &card.layers {
        if !seen.insert(layer.verifying_key) {
            continue;
        }
        let shape = card.shape(layer);
        let circuit = Layer::new(shape)?;
        let vk = data.verifying_key(&circuit, &setup)?;
        if vk.digest() != layer.verifying_key.0 {
            bail!(
                "the card names the verifying key {}, its circuit has {}: import the model again",
                layer.verifying_key,
                Digest32(vk.digest())
            );
        }
        let generated = Generated {
            name: name_of(layer.kind.name(), &layer.verifying_key),
            kind: layer.kind.name().into(),
            verifying_key: layer.verifying_key,
        };
        let contract = nanozk_evm::generate(
            &shape,
            &vk,
            &params,
            &generated.name,
            &format!("../{INTERFACE_FILE}"),
            warning,
        )?;
        write_contract(dir, generated, &contract.source, &mut index)?;
    }
    if args.aggregate {
        progress.message("making the keys of nodes: once for a model");
        let keys = data.layer_keys(&card, &setup)?;
        let plan = match plan {
            Some(plan) => plan,
            None => Plan::new(&layers_of(&card, &keys)?, MAX_K),
        };
        let tree = tree(&card, &keys, plan, data, &|_| {})?;
        let root = &tree.root().key;
        let key = Digest32(root.digest());
        let generated = Generated {
            name: name_of(AGGREGATE, &key),
            kind: AGGREGATE.into(),
            verifying_key: key,
        };
        let contract = nanozk_evm::generate_aggregate(
            root,
            &params,
            &generated.name,
            &format!("../{INTERFACE_FILE}"),
            warning,
        )?;
        write_contract(dir, generated, &contract.source, &mut index)?;
    }
    drop(progress);
    files::write_json(&dir.join(INDEX), &index)?;
    if let Some(solc) = &args.solc {
        compile_all(dir, &index, solc, out)?;
    }
    staging.finish(out)?;
    for v in &index.verifiers {
        out.text(format!(
            "{:<10} {} {}",
            v.kind,
            v.verifying_key,
            args.output.join(v.source()).display()
        ));
    }
    out.json(&json!({
        "event": "generated",
        "directory": args.output,
        "model_id": index.model_id,
        "verifiers": index.verifiers,
        "compiled": args.solc.is_some(),
    }));
    Ok(())
}

/// `EmbedVerifier_1a2b3c4d`.
fn name_of(kind: &str, key: &Digest32) -> String {
    let (first, rest) = kind.split_at(1);
    let key = &key.to_string()[2..10];
    format!("{}{rest}Verifier_{key}", first.to_uppercase())
}

fn write_contract(dir: &Path, generated: Generated, source: &str, index: &mut Index) -> Result<()> {
    files::write(&dir.join(generated.source()), source.as_bytes())?;
    let input = compiler_input(&generated.source(), source);
    files::write_json(&dir.join(input_file(&generated.name)), &input)?;
    index.verifiers.push(generated);
    Ok(())
}

fn compiler_input(path: &str, source: &str) -> Value {
    json!({
        "language": "Solidity",
        "sources": {
            path: { "content": source },
            INTERFACE_FILE: { "content": INTERFACE },
        },
        "settings": {
            "optimizer": { "enabled": true, "runs": 200 },
            "evmVersion": "cancun",
            "outputSelection": {
                "*": { "*": ["metadata", "evm.bytecode.object", "evm.deployedBytecode.object"] }
            },
        },
    })
}

fn read_index(dir: &Path) -> Result<Index> {
    Kind::Verifiers.check(dir)?;
    let path = dir.join(INDEX);
    let index: Index = files::read_json(&path)?;
    if index.format != INDEX_FORMAT {
        bail!(
            "{}: format {:?} where {INDEX_FORMAT:?} is needed: generate the verifiers again",
            path.display(),
            index.format
        );
    }
    Ok(index)
}

fn build(args: &BuildArgs, out: &Out) -> Result<()> {
    let index = read_index(&args.directory)?;
    compile_all(&args.directory, &index, &args.solc, out)?;
    out.json(&json!({"event": "done", "compiled": index.verifiers.len()}));
    Ok(())
}

fn compile_all(dir: &Path, index: &Index, solc: &Path, out: &Out) -> Result<()> {
    for v in &index.verifiers {
        let progress = Progress::spinner(&format!("compiling {}", v.name));
        let compiled = compile(dir, v, solc)?;
        drop(progress);
        files::write_json(&dir.join(compiled_file(&v.name)), &compiled)?;
        out.text(format!(
            "{} compiled: {} of code",
            v.name,
            bytes(compiled.code_bytes as u64)
        ));
        out.json(&json!({
            "event": "compiled",
            "name": v.name,
            "compiler": compiled.compiler,
            "code_bytes": compiled.code_bytes,
        }));
    }
    Ok(())
}

fn compile(dir: &Path, v: &Generated, solc: &Path) -> Result<Compiled> {
    let input = files::read(&dir.join(input_file(&v.name)))?;
    let failed = || format!("cannot run the compiler {}", solc.display());
    let mut child = Command::new(solc)
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(failed)?;
    // It reads everything before it writes.
    let fed = child
        .stdin
        .take()
        .expect("it was asked for")
        .write_all(&input);
    let output = child.wait_with_output().with_context(failed)?;
    if !output.status.success() || fed.is_err() {
        bail!(
            "the compiler {} failed: {}",
            solc.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let answer: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} does not answer as solc does", solc.display()))?;
    if let Some(errors) = answer["errors"].as_array().filter(|e| !e.is_empty()) {
        let messages: Vec<&str> = errors
            .iter()
            .filter_map(|e| e["formattedMessage"].as_str())
            .collect();
        bail!("{} does not compile: {}", v.name, messages.join("\n"));
    }
    let contract = &answer["contracts"][v.source()][&v.name];
    let code = |which: &str| -> Result<Bytes> {
        contract["evm"][which]["object"]
            .as_str()
            .and_then(|hex| hex.parse().ok())
            .with_context(|| format!("the compiler gave no code for {}", v.name))
    };
    let code_bytes = code("deployedBytecode")?.len();
    if code_bytes > MAX_CODE {
        bail!(
            "{} has {code_bytes} bytes of code, a contract may have {MAX_CODE}",
            v.name
        );
    }
    let metadata: Value = serde_json::from_str(contract["metadata"].as_str().unwrap_or("{}"))?;
    Ok(Compiled {
        format: COMPILED_FORMAT.into(),
        name: v.name.clone(),
        verifying_key: v.verifying_key,
        compiler: metadata["compiler"]["version"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        code_bytes,
        bytecode: code("bytecode")?,
    })
}

fn read_compiled(dir: &Path, v: &Generated) -> Result<Compiled> {
    let path = dir.join(compiled_file(&v.name));
    if !path.is_file() {
        bail!(
            "{} is not compiled: nanozk verifier build {} --solc PATH",
            v.name,
            dir.display()
        );
    }
    let compiled: Compiled = files::read_json(&path)?;
    if compiled.format != COMPILED_FORMAT || compiled.verifying_key != v.verifying_key {
        bail!(
            "{} is of another verifier: compile the verifiers again",
            path.display()
        );
    }
    Ok(compiled)
}

fn freeze(args: &FreezeArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let to = chain.address("VerifierRouter")?;
    let key = args.verifying_key;
    let entry = router::entryCall { verifyingKey: key };
    if chain.client.read(to, &entry)?.frozen {
        chain.already(&format!("the verifier of {key} is frozen"));
        return Ok(());
    }
    let call = router::freezeCall {
        verifyingKey: key,
        reason: args.reason.clone(),
    };
    chain.send(&Call::new(format!("freezing {key}"), to, &call))?;
    Ok(())
}

fn deploy(args: &DeployVerifiersArgs, out: &Out) -> Result<()> {
    let index = read_index(&args.directory)?;
    let compiled = index
        .verifiers
        .iter()
        .map(|v| read_compiled(&args.directory, v))
        .collect::<Result<Vec<_>>>()?;
    let mut chain = Chain::sending(&args.send, out)?;
    check_proxy(&chain.client)?;
    let to = chain.address("VerifierRouter")?;
    let curator = chain.client.read(to, &router::curatorCall {})?;
    let account = chain.client.account()?;
    let mut waiting = Vec::new();
    for v in &compiled {
        let key = B256::from(v.verifying_key.0);
        let entry = router::entryCall { verifyingKey: key };
        let entry = chain.client.read(to, &entry)?;
        if entry.frozen {
            bail!(
                "the verifier of {key} ({}) was frozen: no proof under this key counts any more",
                v.name
            );
        }
        let (address, call) = create2(format!("deploying {}", v.name), &v.bytecode);
        if !entry.verifier.is_zero() {
            chain.already(&format!("{} is added, at {}", v.name, entry.verifier));
            if entry.verifier != address {
                out.note(format!(
                    "{}: the router has another verifier for its key than this one",
                    v.name
                ));
            }
            continue;
        }
        let mut deployed = None;
        if chain.client.code(address)?.is_empty() {
            deployed = chain.send(&call)?;
            if chain.dry_run {
                out.text(format!(
                    "{} would be at {address}, and be added to the router",
                    v.name
                ));
                continue;
            }
        }
        // What it says of itself is what the router will believe.
        let says = chain.client.read(address, &abi::verifyingKeyCall {})?;
        if says != key {
            bail!(
                "{} at {address} verifies under the key {says}, not {key}",
                v.name
            );
        }
        chain.deployment.verifiers.insert(
            key,
            DeployedVerifier {
                name: v.name.clone(),
                address,
                code_hash: keccak256(chain.client.code(address)?),
                transaction: deployed.map(|r| r.hash),
                added: None,
            },
        );
        chain.save()?;
        if account != curator {
            waiting.push(format!("{} at {address}", v.name));
            continue;
        }
        let add = Call::new(
            format!("adding {}", v.name),
            to,
            &router::addCall { verifier: address },
        );
        let added = chain.send(&add)?;
        if let Some(entry) = chain.deployment.verifiers.get_mut(&key) {
            entry.added = added.map(|r| r.hash);
        }
        chain.save()?;
    }
    if !waiting.is_empty() {
        out.note(format!(
            "the curator {curator} has to add: {} (the same command with its key)",
            waiting.join(", ")
        ));
    }
    out.json(&json!({
        "event": "done",
        "file": chain.path,
        "verifiers": chain.deployment.verifiers,
        "to_be_added": waiting,
    }));
    Ok(())
}
