//! Writes the verifiers and proofs that the contracts' tests run on. `script/fixtures` calls it.
//!
//! ```text
//! fixtures layer NAME KIND WIDTH HEADS TOKENS        a layer with synthetic weights: verifier and proof
//! fixtures model DIR                                 an imported model: verifiers, and what is registered
//! fixtures session DIR SESSION                       a session of it, proved for the contracts' tests
//! fixtures sources                                   the verifiers again, after a change of the generator
//! fixtures check                                     that all of these are what this version writes and accepts
//! ```

use halo2curves::bn256::Fr;
use nanozk_circuits::{plan, BlockShape, Layer, LayerKind, Objective, Shape};
use nanozk_evm::Contract;
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_prover::keys::KeyStore;
use nanozk_prover::plonk::{verifier_params, ProvingKey};
use nanozk_prover::session::SessionDir;
use nanozk_prover::synthetic::SyntheticLayer;
use nanozk_setup::{Setup, SetupStore};
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::encoding::{
    point_compressed, point_to_words, scalar_from_bytes, scalar_to_bytes,
};
use nanozk_verifier::hex::{decode, encode};
use nanozk_verifier::{verify, Expected, KzgVerifier, Proof, TranscriptKind, VerifyingKey};
use rand_core::OsRng;
use serde_json::{json, Value};
use sha3::{Digest, Keccak256};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const WARNING: &str = "a development setup: its secret is public, so proofs under it prove nothing";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["layer", name, kind, width, heads, tokens] => {
            layer(name, kind, width.parse()?, heads.parse()?, tokens.parse()?)
        }
        ["model", dir] => model(Path::new(dir)),
        ["session", dir, path] => session(Path::new(dir), Path::new(path)),
        ["sources"] => all(&Layers {
            source: &write_source,
            proof: &|_, _, _| Ok(()),
        }),
        ["check"] => all(&Layers {
            source: &check_source,
            proof: &check_proof,
        }),
        _ => Err("see the head of this file for the arguments".into()),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn data() -> PathBuf {
    root().join("work/data")
}

fn setup(k: u32) -> Result<Setup> {
    Ok(SetupStore::new(data().join("setups")).load_or_create_development(k)?)
}

fn keys() -> KeyStore {
    KeyStore::new(data().join("keys"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().expect("a file has a directory"))?;
    fs::write(path, text)?;
    println!("{}", path.strip_prefix(root()).unwrap_or(path).display());
    Ok(())
}

fn json_file(path: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(
        &fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?,
    )?)
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    write(path, &(serde_json::to_string_pretty(value)? + "\n"))
}

// ------------------------------------------------------------------------------------------------ where they are

fn verifier_path(name: &str) -> PathBuf {
    root().join(format!("test/contracts/verifiers/{name}.sol"))
}

fn proof_path(name: &str) -> PathBuf {
    root().join(format!("test/fixtures/proofs/{name}.json"))
}

fn model_path() -> PathBuf {
    root().join("test/fixtures/model.json")
}

fn session_path() -> PathBuf {
    root().join("test/fixtures/session.json")
}

// ------------------------------------------------------------------------------------------------------- writing

fn contract(
    shape: &Shape,
    vk: &VerifyingKey,
    params: &KzgVerifier,
    name: &str,
) -> Result<Contract> {
    let interface = "../../../contracts/interfaces/ILayerVerifier.sol";
    Ok(nanozk_evm::generate(
        shape, vk, params, name, interface, WARNING,
    )?)
}

fn kind_of(name: &str) -> Result<LayerKind> {
    let kinds = [
        LayerKind::Embed,
        LayerKind::Attention,
        LayerKind::Mlp,
        LayerKind::Block,
        LayerKind::Head,
    ];
    kinds
        .into_iter()
        .find(|k| k.name() == name)
        .ok_or_else(|| format!("{name} is no kind of layer").into())
}

fn layer(name: &str, kind: &str, width: usize, heads: usize, tokens: usize) -> Result<()> {
    let arch = architecture(width, heads, tokens);
    arch.validate()?;
    let shape = synthetic_shape(&arch, kind_of(kind)?, tokens)?;
    let layer = Layer::new(shape)?;
    let setup = setup(shape.plan.k)?;
    let key: ProvingKey = keys().proving_key(&layer, &setup)?;
    let run = SyntheticLayer::new(&arch, shape.kind, tokens, [Fr::from(1), Fr::from(2)])?;
    let weights = run.weights(&layer, &setup);
    let instances = run.instances([Fr::from(3), Fr::from(4)]);
    let keccak = TranscriptKind::Keccak;
    let proof = run.prove(
        &layer, &key, &setup, &weights, &instances, keccak, &mut OsRng,
    )?;
    let params = verifier_params(setup.params(), setup.id());
    verify(&params, key.vk(), &instances, &Expected::default(), &proof)?;
    write(
        &verifier_path(name),
        &contract(&shape, key.vk(), &params, name)?.source,
    )?;
    let shape = json!([kind, width, heads, tokens]);
    write_json(
        &proof_path(name),
        &proof_json(key.vk(), &instances, &proof, shape),
    )
}

fn architecture(width: usize, heads: usize, tokens: usize) -> Architecture {
    Architecture {
        layers: 1,
        width,
        heads,
        mlp_width: 4 * width,
        vocab: 1024,
        context: tokens,
    }
}

fn synthetic_shape(arch: &Architecture, kind: LayerKind, tokens: usize) -> Result<Shape> {
    let block = BlockShape::new(arch, &synthetic::spec(arch.width, Activation::GeluNew));
    // Attention and MLP are planned together, as neighbours.
    let kinds = match kind {
        LayerKind::Attention | LayerKind::Mlp => {
            vec![(LayerKind::Attention, 1), (LayerKind::Mlp, 1)]
        }
        kind => vec![(kind, 1)],
    };
    let plan = plan(&kinds, block, tokens, Objective::default())?;
    Ok(plan.shape(kind).expect("it was asked for"))
}

fn proof_json(vk: &VerifyingKey, instances: &[Fr], proof: &Proof, shape: Value) -> Value {
    let point = |p: Option<_>| encode(&p.map_or([0; 32], |p| point_compressed(&p)));
    let mut weights = Keccak256::new();
    for p in proof.weight_commitments(vk) {
        weights.update(point_to_words(&p).as_flattened());
    }
    json!({
        "shape": shape,
        "circuit": vk.program().name,
        "verifyingKey": encode(&vk.digest()),
        "instances": words(instances),
        "input": point(proof.input_commitment(vk)),
        "output": point(proof.output_commitment(vk)),
        "weights": encode(&weights.finalize()),
        "proof": encode(&proof.to_calldata()),
    })
}

fn words(scalars: &[Fr]) -> Vec<String> {
    scalars
        .iter()
        .map(|s| encode(&scalar_to_bytes(s)))
        .collect()
}

/// Name of a model's verifier.
fn model_verifier(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Embed => "TinyGpt2Embed",
        LayerKind::Attention => "TinyGpt2Attention",
        LayerKind::Mlp => "TinyGpt2Mlp",
        LayerKind::Block => "TinyGpt2Block",
        LayerKind::Head => "TinyGpt2Head",
    }
}

fn card(dir: &Path) -> Result<ModelCard> {
    let card: ModelCard = serde_json::from_value(json_file(&dir.join("card.json"))?)?;
    card.check()?;
    Ok(card)
}

fn model(dir: &Path) -> Result<()> {
    let card = card(dir)?;
    let setup = setup(card.layers[0].plan.k)?;
    let params = verifier_params(setup.params(), setup.id());
    let mut shapes: Vec<Shape> = card.layers.iter().map(|l| card.shape(l)).collect();
    shapes.sort_by_key(|s| s.kind);
    shapes.dedup();
    for shape in shapes {
        let vk = keys().verifying_key(&Layer::new(shape)?, &setup)?;
        let name = model_verifier(shape.kind);
        let contract = contract(&shape, &vk, &params, name)?;
        write(&verifier_path(name), &contract.source)?;
    }
    let layers: Vec<Value> = card
        .layers
        .iter()
        .map(|l| {
            json!({
                "kind": l.kind as u8,
                "verifyingKey": l.verifying_key,
                "weights": encode(&card.weights_digest(l)),
            })
        })
        .collect();
    let value = json!({
        "modelId": card.model_id(),
        "dimensions": encode(&card.dimensions_digest()),
        "tokenizer": card.tokenizer,
        "tokens": card.tokens,
        "setup": card.setup,
        "layers": layers,
        "card": card,
    });
    write_json(&model_path(), &value)
}

fn session(dir: &Path, path: &Path) -> Result<()> {
    let card = card(dir)?;
    let directory = SessionDir::new(path);
    let (session, secret) = (directory.session()?, directory.secret()?);
    let sequence = secret.sequence(card.tokens);
    let mut proofs = Vec::new();
    for (layer, l) in card.layers.iter().enumerate() {
        let vk = verifying_key(&card, layer)?;
        // Before it is known where the claim is made nothing is proved.
        let Some(proof) = directory.proof(layer)? else {
            break;
        };
        let proof = Proof::from_bytes(&vk, proof.transcript, &proof.bytes)?;
        let instances = session.instances(l.kind, card.layers.len());
        proofs.push(proof_json(&vk, &instances, &proof, Value::Null));
    }
    let value = json!({
        "session": session,
        "boundaries": session.boundaries.iter().map(|p| encode(&point_compressed(&p.0))).collect::<Vec<_>>(),
        "statement": encode(&session.statement(card.layers.len()).digest()),
        "promptTokens": secret.prompt,
        "newTokens": secret.tokens.len() - secret.prompt,
        "generated": secret.tokens[secret.prompt..],
        "outputSalt": encode(&scalar_to_bytes(&sequence.output_salt)),
        "proofs": proofs,
    });
    write_json(&session_path(), &value)
}

fn verifying_key(card: &ModelCard, layer: usize) -> Result<VerifyingKey> {
    let l = &card.layers[layer];
    let setup = setup(l.plan.k)?;
    Ok(keys().verifying_key(&Layer::new(card.shape(l))?, &setup)?)
}

// ------------------------------------------------------------------------------------------------------ checking

/// What to do with each verifier and with each proof.
struct Layers<'a> {
    source: &'a dyn Fn(&Shape, &VerifyingKey, &KzgVerifier, &str) -> Result<()>,
    proof: &'a dyn Fn(&VerifyingKey, &KzgVerifier, &Value) -> Result<()>,
}

/// Stale fixtures fail: sources that would be written otherwise, keys that changed, proofs that are not accepted.
fn all(each: &Layers<'_>) -> Result<()> {
    let mut stale = Vec::new();
    let mut judge = |name: &str, result: Result<()>| match result {
        Ok(()) => println!("{name}: current"),
        Err(e) => stale.push(format!("{name}: {e}")),
    };
    for entry in fs::read_dir(root().join("test/fixtures/proofs"))? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        judge(&name, layer_fixture(&name, &path, each));
    }
    judge("session", session_fixture(each));
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!(
        "stale; make them anew with script/fixtures:\n{}",
        stale.join("\n")
    )
    .into())
}

fn layer_fixture(name: &str, path: &Path, each: &Layers<'_>) -> Result<()> {
    let fixture = json_file(path)?;
    let number = |i: usize| fixture["shape"][i].as_u64().ok_or("no shape");
    let (width, heads, tokens) = (number(1)?, number(2)?, number(3)?);
    let arch = architecture(width as usize, heads as usize, tokens as usize);
    let kind = kind_of(fixture["shape"][0].as_str().ok_or("no kind")?)?;
    let shape = synthetic_shape(&arch, kind, tokens as usize)?;
    let setup = setup(shape.plan.k)?;
    let vk = keys().verifying_key(&Layer::new(shape)?, &setup)?;
    let params = verifier_params(setup.params(), setup.id());
    (each.source)(&shape, &vk, &params, name)?;
    (each.proof)(&vk, &params, &fixture)
}

fn write_source(shape: &Shape, vk: &VerifyingKey, params: &KzgVerifier, name: &str) -> Result<()> {
    let source = contract(shape, vk, params, name)?.source;
    Ok(fs::write(verifier_path(name), source)?)
}

fn check_source(shape: &Shape, vk: &VerifyingKey, params: &KzgVerifier, name: &str) -> Result<()> {
    if contract(shape, vk, params, name)?.source != fs::read_to_string(verifier_path(name))? {
        return Err("the verifier is another".into());
    }
    Ok(())
}

fn check_proof(vk: &VerifyingKey, params: &KzgVerifier, fixture: &Value) -> Result<()> {
    let text = |field: &str| fixture[field].as_str().ok_or(format!("no {field}"));
    let bytes = text("proof")?;
    let bytes: Vec<u8> = (2..bytes.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&bytes[i..i + 2], 16))
        .collect::<std::result::Result<_, _>>()?;
    let scalar = |v: &Value| -> Result<Fr> {
        let word = decode::<32>(v.as_str().ok_or("no text")?)?;
        Ok(scalar_from_bytes(&word)?)
    };
    let instances = fixture["instances"].as_array().ok_or("no instances")?;
    let instances = instances.iter().map(scalar).collect::<Result<Vec<_>>>()?;
    let proof = Proof::from_calldata(vk, TranscriptKind::Keccak, &bytes)?;
    verify(params, vk, &instances, &Expected::default(), &proof)?;
    if proof_json(vk, &instances, &proof, fixture["shape"].clone()) != *fixture {
        return Err("a field is not what follows from the proof".into());
    }
    Ok(())
}

fn session_fixture(each: &Layers<'_>) -> Result<()> {
    let (model, session) = (json_file(&model_path())?, json_file(&session_path())?);
    let card: ModelCard = serde_json::from_value(model["card"].clone())?;
    let proofs = session["proofs"].as_array().ok_or("no proofs")?;
    if proofs.len() != card.layers.len() {
        return Err("not a proof for every layer".into());
    }
    for (layer, proof) in proofs.iter().enumerate() {
        let vk = verifying_key(&card, layer)?;
        if card.layers[layer].verifying_key.0 != vk.digest() {
            return Err(format!("layer {layer}: the verifying key changed").into());
        }
        let setup = setup(card.layers[layer].plan.k)?;
        let params = verifier_params(setup.params(), setup.id());
        let shape = card.shape(&card.layers[layer]);
        (each.source)(&shape, &vk, &params, model_verifier(shape.kind))?;
        (each.proof)(&vk, &params, proof).map_err(|e| format!("layer {layer}: {e}"))?;
    }
    Ok(())
}
