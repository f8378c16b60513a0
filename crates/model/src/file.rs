//! The file of a quantized model.
//!
//! A safetensors file, so that any safetensors reader opens it:
//!
//! * tensors `wte` `[vocab][width]`, `wpe` `[context][width]`, `layers.{l}.{q,k,v,attn_out,fc,mlp_out}.{weight,bias}`
//!   and `head.{weight,bias}`, weights `[inputs][outputs]`, element type `I32` if every value of the tensor fits,
//!   otherwise `I64`;
//! * one metadata entry `nanozk`: JSON with `version` (1), `arch`, `spec` and `sha256`.
//!
//! The checksum is over `arch` and `spec` as JSON, then for each tensor in the order of names its name, element
//! type, shape and bytes. The same model always gives the same file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use nanozk_executor::{Architecture, Linear, QuantizedLayer, QuantizedModel, Spec};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::{parse, read};
use crate::error::{Error, Result};

/// Version of the format.
pub const VERSION: u32 = 1;
const KEY: &str = "nanozk";

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    arch: Architecture,
    spec: Spec,
    sha256: String,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Writes a quantized model.
pub fn save(model: &QuantizedModel, path: &Path) -> Result<()> {
    let bytes = to_bytes(model)?;
    fs::write(path, bytes).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Reads a quantized model and checks all of it.
pub fn load(path: &Path) -> Result<QuantizedModel> {
    from_bytes(&read(path)?, path)
}

/// The contents of the file of a quantized model.
pub fn to_bytes(model: &QuantizedModel) -> Result<Vec<u8>> {
    model.validate()?;
    let malformed = |reason: String| Error::Malformed {
        path: "quantized model".into(),
        reason,
    };
    let Architecture {
        width,
        vocab,
        context,
        ..
    } = model.arch;
    let mut tensors = BTreeMap::new();
    tensors.insert("wte".to_owned(), pack(&[vocab, width], &model.wte));
    tensors.insert("wpe".to_owned(), pack(&[context, width], &model.wpe));
    let mut linear = |name: String, m: &Linear| {
        tensors.insert(
            format!("{name}.weight"),
            pack(&[m.inputs, m.outputs], &m.weight),
        );
        tensors.insert(format!("{name}.bias"), pack(&[m.outputs], &m.bias));
    };
    for (l, layer) in model.layers.iter().enumerate() {
        for (name, m) in PARTS.iter().zip(layer.linears()) {
            linear(format!("layers.{l}.{name}"), m);
        }
    }
    linear("head".into(), &model.head);
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            Ok((
                name.as_str(),
                TensorView::new(*dtype, shape.clone(), bytes)?,
            ))
        })
        .collect::<Result<BTreeMap<_, _>, safetensors::SafeTensorError>>()
        .map_err(|e| malformed(e.to_string()))?;
    let sha256 = checksum(&model.arch, &model.spec, &views);
    let metadata = Metadata {
        version: VERSION,
        arch: model.arch,
        spec: model.spec,
        sha256,
    };
    let json = serde_json::to_string(&metadata).map_err(|e| malformed(e.to_string()))?;
    safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), json)])))
        .map_err(|e| malformed(e.to_string()))
}

/// The quantized model of the contents of a file; `path` is for messages.
pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<QuantizedModel> {
    let malformed = |reason: String| Error::Malformed {
        path: path.to_owned(),
        reason,
    };
    let invalid = |source| Error::InvalidModel {
        path: path.to_owned(),
        source,
    };
    let tensors = parse(path, bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| malformed(e.to_string()))?;
    let json = header.metadata().as_ref().and_then(|m| m.get(KEY));
    let json =
        json.ok_or_else(|| malformed(format!("expected a metadata entry `{KEY}`, got none")))?;
    let json_error = |source| Error::Json {
        path: path.to_owned(),
        source,
    };
    let Version { version } = serde_json::from_str(json).map_err(json_error)?;
    if version != VERSION {
        return Err(Error::FormatVersion {
            path: path.to_owned(),
            expected: VERSION,
            got: version,
        });
    }
    let Metadata {
        arch, spec, sha256, ..
    } = serde_json::from_str(json).map_err(json_error)?;
    let views: BTreeMap<String, TensorView<'_>> = tensors.tensors().into_iter().collect();
    let got = checksum(&arch, &spec, &views);
    if got != sha256 {
        return Err(Error::Checksum {
            path: path.to_owned(),
            expected: sha256,
            got,
        });
    }
    arch.validate().map_err(invalid)?;
    let expected = 4 + 12 * arch.layers;
    if views.len() != expected {
        return Err(malformed(format!(
            "expected {expected} tensors, got {}",
            views.len()
        )));
    }
    let get = |name: String, shape: &[usize]| -> Result<Vec<i64>> {
        let Some(view) = views.get(&name) else {
            return Err(Error::MissingTensor { name });
        };
        if view.shape() != shape {
            return Err(Error::Shape {
                name,
                expected: shape.to_vec(),
                got: view.shape().to_vec(),
            });
        }
        unpack(view).ok_or_else(|| Error::Dtype {
            name,
            expected: "I32 or I64",
            got: format!("{:?}", view.dtype()),
        })
    };
    let linear = |name: String, inputs: usize, outputs: usize| -> Result<Linear> {
        Ok(Linear {
            inputs,
            outputs,
            weight: get(format!("{name}.weight"), &[inputs, outputs])?,
            bias: get(format!("{name}.bias"), &[outputs])?,
        })
    };
    let (d, f) = (arch.width, arch.mlp_width);
    let layers = (0..arch.layers)
        .map(|l| {
            let part = |i: usize, inputs, outputs| {
                linear(format!("layers.{l}.{}", PARTS[i]), inputs, outputs)
            };
            Ok(QuantizedLayer {
                q: part(0, d, d)?,
                k: part(1, d, d)?,
                v: part(2, d, d)?,
                attn_out: part(3, d, d)?,
                fc: part(4, d, f)?,
                mlp_out: part(5, f, d)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let model = QuantizedModel {
        arch,
        spec,
        wte: get("wte".into(), &[arch.vocab, d])?,
        wpe: get("wpe".into(), &[arch.context, d])?,
        layers,
        head: linear("head".into(), d, arch.vocab)?,
    };
    model.validate().map_err(invalid)?;
    Ok(model)
}

/// Names of the matrices of a layer, in the order of `QuantizedLayer::linears`.
const PARTS: [&str; 6] = ["q", "k", "v", "attn_out", "fc", "mlp_out"];

fn pack(shape: &[usize], values: &[i64]) -> (Dtype, Vec<usize>, Vec<u8>) {
    let narrow: Option<Vec<i32>> = values.iter().map(|&v| i32::try_from(v).ok()).collect();
    let (dtype, bytes) = match narrow {
        Some(values) => (
            Dtype::I32,
            values.into_iter().flat_map(i32::to_le_bytes).collect(),
        ),
        None => (
            Dtype::I64,
            values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
    };
    (dtype, shape.to_vec(), bytes)
}

fn unpack(view: &TensorView<'_>) -> Option<Vec<i64>> {
    match view.dtype() {
        Dtype::I32 => {
            let values = view.data().chunks_exact(4).filter_map(|b| b.first_chunk());
            Some(values.map(|b| i32::from_le_bytes(*b).into()).collect())
        }
        Dtype::I64 => {
            let values = view.data().chunks_exact(8).filter_map(|b| b.first_chunk());
            Some(values.map(|b| i64::from_le_bytes(*b)).collect())
        }
        _ => None,
    }
}

fn checksum<N: AsRef<str>>(
    arch: &Architecture,
    spec: &Spec,
    tensors: &BTreeMap<N, TensorView<'_>>,
) -> String {
    let mut hash = Sha256::new();
    let mut text = |s: String| {
        hash.update((s.len() as u64).to_le_bytes());
        hash.update(s);
    };
    // Neither can fail: they are plain structures of numbers.
    text(serde_json::to_string(&(arch, spec)).unwrap_or_default());
    for (name, view) in tensors {
        text(format!(
            "{} {:?} {:?} {}",
            name.as_ref(),
            view.dtype(),
            view.shape(),
            hex(&Sha256::digest(view.data()))
        ));
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
