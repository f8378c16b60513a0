//! The file of a quantized model.
//!
//! A safetensors file, so that any safetensors reader opens it:
//!
//! * tensors `wte` `[vocab][width]`, `wpe` `[context][width]` or `rotation.{cos,sin}` `[context][pairs]`,
//!   and the matrices `layers.{l}.{q,k,v,attn_out,fc,up,mlp_out}` (`up` if there is a gate) and `head`;
//! * of queries and keys that are normalized, `layers.{l}.{q,k}_norm.eps`, `[heads]`, and `.gain`, `[head_width]`;
//! * of each matrix `{name}.weight`, `[outputs][inputs]`, and `{name}.bias`, `[outputs]`. Weights are `I16` mantissas `m` beside a
//!   tensor `{name}.shift`, `U8`, `[outputs]`, so that a weight is `m·2^shift`; a shift is the least with which the mantissas
//!   of its output are less than `2^15` in magnitude. Where weights have more significant bits there are no shifts;
//! * embeddings are `I32`; weights without shifts, biases, norms and rotations too if every value of the tensor fits, otherwise `I64`;
//! * one metadata entry `nanozk`: JSON with `version` (3), `arch`, `spec` and `sha256`.
//!
//! The checksum is over `arch` and `spec` as JSON, then for each tensor in the order of names its name, element
//! type, shape and bytes. The same model always gives the same file.

mod write;

use write::Entry;
pub use write::Writer;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use nanozk_executor::{
    Architecture, HeadNorm, Linear, Matrix, MlpKind, Positions, QuantizedLayer, QuantizedModel,
    Rotation, Spec,
};
use safetensors::{Dtype, View};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::source::read;
use crate::tensors::TensorFile;

/// Version of the format.
pub const VERSION: u32 = 3;
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
    model.validate_shapes()?;
    let mut writer = Writer::create(path, model.arch)?;
    writer.embedding(&model.wte, &model.wpe, model.rotation.as_ref())?;
    for (index, layer) in model.layers.iter().enumerate() {
        writer.layer(index, layer)?;
    }
    writer.head(&model.head)?;
    writer.finish(&model.spec)
}

/// Reads a quantized model and checks all of it.
pub fn load(path: &Path) -> Result<QuantizedModel> {
    ModelFile::open(path)?.load()
}

/// The quantized model of the contents of a file; `path` is for messages.
pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<QuantizedModel> {
    ModelFile::new(
        TensorFile::new(Cursor::new(bytes), bytes.len() as u64, path)?,
        path,
    )?
    .load()
}

/// The contents of the file of a quantized model.
pub fn to_bytes(model: &QuantizedModel) -> Result<Vec<u8>> {
    let failed = |source| Error::Io {
        path: std::env::temp_dir(),
        source,
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let path = folder.path().join("model.safetensors");
    save(model, &path)?;
    read(&path)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Embeddings, head, and the matrices of the blocks, each with its bias, and with shifts if its weights are mantissas.
fn tensor_count<'a>(
    arch: &Architecture,
    tensors: impl Iterator<Item = (&'a String, &'a Entry)>,
) -> usize {
    let short =
        tensors.filter(|(name, entry)| name.ends_with(".weight") && entry.dtype == Dtype::I16);
    let positions = match arch.positions {
        Positions::Learned => 1,
        Positions::Rotary => 2,
    };
    let norms = if arch.qk_norm { 2 * NORMS.len() } else { 0 };
    3 + positions + (2 * parts(arch).count() + norms) * arch.layers + short.count()
}

/// The file of a quantized model. Its parts are read when they are needed, and checked one by one.
#[derive(Debug)]
pub struct ModelFile<R = File> {
    path: PathBuf,
    tensors: TensorFile<R>,
    arch: Architecture,
    spec: Spec,
}

impl ModelFile {
    /// Opens a file: checks its header and its checksum.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(TensorFile::open(path)?, path)
    }
}

impl<R: Read + Seek> ModelFile<R> {
    fn new(tensors: TensorFile<R>, path: &Path) -> Result<Self> {
        let malformed = |reason: String| Error::Malformed {
            path: path.to_owned(),
            reason,
        };
        let json = tensors.metadata().metadata().as_ref();
        let json = json
            .and_then(|m| m.get(KEY))
            .ok_or_else(|| malformed(format!("expected a metadata entry `{KEY}`, got none")))?;
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
        let entries = tensors
            .metadata()
            .tensors()
            .into_iter()
            .map(|(name, info)| {
                let entry = Entry {
                    dtype: info.dtype,
                    shape: info.shape.clone(),
                    digest: Sha256::digest(tensors.read(info)?).into(),
                };
                Ok((name, entry))
            })
            .collect::<Result<BTreeMap<_, _>>>()?;
        let got = checksum(&arch, &spec, entries.iter());
        if got != sha256 {
            return Err(Error::Checksum {
                path: path.to_owned(),
                expected: sha256,
                got,
            });
        }
        arch.validate()
            .and_then(|()| spec.validate(arch.width))
            .map_err(|source| Error::InvalidModel {
                path: path.to_owned(),
                source,
            })?;
        let expected = tensor_count(&arch, entries.iter());
        if entries.len() != expected {
            return Err(malformed(format!(
                "expected {expected} tensors, got {}",
                entries.len()
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            tensors,
            arch,
            spec,
        })
    }

    /// Dimensions.
    pub fn architecture(&self) -> Architecture {
        self.arch
    }

    /// Number formats.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// The embedding of tokens, and of positions: empty if there is none.
    pub fn embedding(&self) -> Result<(Vec<i32>, Vec<i32>)> {
        let Architecture {
            width: d,
            vocab,
            context,
            ..
        } = self.arch;
        let wte = self.get_embedding("wte", &[vocab, d])?;
        let wpe = match self.arch.positions {
            Positions::Learned => self.get_embedding("wpe", &[context, d])?,
            Positions::Rotary => Vec::new(),
        };
        let checked = self.arch.check_embedding(&wte, &wpe);
        checked.map_err(|e| self.invalid(e))?;
        Ok((wte, wpe))
    }

    /// The rotations of positions, if they are told apart by them.
    pub fn rotation(&self) -> Result<Option<Rotation>> {
        if self.arch.positions == Positions::Learned {
            return Ok(None);
        }
        let shape = [self.arch.context, self.arch.rotated_pairs()];
        let rotation = Rotation {
            cos: self.get("rotation.cos".into(), &shape)?,
            sin: self.get("rotation.sin".into(), &shape)?,
        };
        let checked = self.arch.check_rotation(Some(&rotation));
        checked.map_err(|e| self.invalid(e))?;
        Ok(Some(rotation))
    }

    /// Block `index`.
    pub fn layer(&self, index: usize) -> Result<QuantizedLayer> {
        let arch = &self.arch;
        let (d, f) = (arch.width, arch.mlp_width);
        let (q, kv) = (arch.query_width(), arch.kv_width());
        let part = |name: &str, inputs, outputs| {
            self.linear(&format!("layers.{index}.{name}"), inputs, outputs)
        };
        let layer = QuantizedLayer {
            q: part("q", d, q)?,
            k: part("k", d, kv)?,
            qk_norm: match arch.qk_norm {
                false => None,
                true => {
                    let [queries, keys] = [arch.heads, arch.kv_heads];
                    let norm = |name: &str, heads| {
                        let name = format!("layers.{index}.{name}");
                        self.head_norm(&name, heads, arch.head_width)
                    };
                    Some([norm(NORMS[0], queries)?, norm(NORMS[1], keys)?])
                }
            },
            v: part("v", d, kv)?,
            attn_out: part("attn_out", q, d)?,
            fc: part("fc", d, f)?,
            up: match arch.mlp {
                MlpKind::Plain => None,
                MlpKind::Gated => Some(part("up", d, f)?),
            },
            mlp_out: part("mlp_out", f, d)?,
        };
        let checked = self.arch.check_layer(index, &layer);
        checked.map_err(|e| self.invalid(e))?;
        Ok(layer)
    }

    /// The vocabulary projection.
    pub fn head(&self) -> Result<Linear> {
        let head = self.linear("head", self.arch.width, self.arch.vocab)?;
        let checked = self.arch.check_head(&head);
        checked.map_err(|e| self.invalid(e))?;
        Ok(head)
    }

    /// Reads all parts.
    pub fn load(&self) -> Result<QuantizedModel> {
        let (wte, wpe) = self.embedding()?;
        Ok(QuantizedModel {
            arch: self.arch,
            spec: self.spec,
            wte,
            wpe,
            rotation: self.rotation()?,
            layers: (0..self.arch.layers)
                .map(|l| self.layer(l))
                .collect::<Result<_>>()?,
            head: self.head()?,
        })
    }

    fn invalid(&self, source: nanozk_executor::Error) -> Error {
        Error::InvalidModel {
            path: self.path.clone(),
            source,
        }
    }

    fn head_norm(&self, name: &str, heads: usize, head_width: usize) -> Result<HeadNorm> {
        Ok(HeadNorm {
            eps: self.get(format!("{name}.eps"), &[heads])?,
            gain: self.get(format!("{name}.gain"), &[head_width])?,
        })
    }

    fn linear(&self, name: &str, inputs: usize, outputs: usize) -> Result<Linear> {
        Ok(Linear {
            weight: self.matrix(name, inputs, outputs)?,
            bias: self.get(format!("{name}.bias"), &[outputs])?,
        })
    }

    fn matrix(&self, matrix: &str, inputs: usize, outputs: usize) -> Result<Matrix> {
        let name = format!("{matrix}.weight");
        let (dtype, bytes) = self.bytes(&name, &[outputs, inputs])?;
        if dtype == Dtype::I16 {
            let shift = format!("{matrix}.shift");
            let (Dtype::U8, shifts) = self.bytes(&shift, &[outputs])? else {
                return Err(self.dtype(shift, "U8"));
            };
            let values = bytes.chunks_exact(2).filter_map(|b| b.first_chunk());
            let mantissas = values.map(|b| i16::from_le_bytes(*b));
            return Matrix::from_mantissas(inputs, shifts, mantissas).ok_or_else(|| {
                Error::Malformed {
                    path: self.path.clone(),
                    reason: format!("`{shift}` is not the least shift of the mantissas"),
                }
            });
        }
        let Some(values) = unpack(dtype, &bytes) else {
            return Err(self.dtype(name, "I16, I32 or I64"));
        };
        drop(bytes);
        let mut matrix = Matrix::builder(inputs);
        for column in values.chunks_exact(inputs) {
            matrix.push(column);
        }
        Ok(matrix.finish())
    }

    fn dtype(&self, name: String, expected: &'static str) -> Error {
        let got = self.tensors.info(&name).map(|info| info.dtype);
        Error::Dtype {
            name,
            expected,
            got: got.map_or_else(String::new, |dtype| format!("{dtype:?}")),
        }
    }

    fn get(&self, name: String, shape: &[usize]) -> Result<Vec<i64>> {
        let (dtype, bytes) = self.bytes(&name, shape)?;
        unpack(dtype, &bytes).ok_or_else(|| self.dtype(name, "I32 or I64"))
    }

    fn get_embedding(&self, name: &str, shape: &[usize]) -> Result<Vec<i32>> {
        let (Dtype::I32, bytes) = self.bytes(name, shape)? else {
            return Err(self.dtype(name.into(), "I32"));
        };
        let values = bytes.chunks_exact(4).filter_map(|b| b.first_chunk());
        Ok(values.map(|b| i32::from_le_bytes(*b)).collect())
    }

    fn bytes(&self, name: &str, shape: &[usize]) -> Result<(Dtype, Vec<u8>)> {
        let Some(info) = self.tensors.info(name) else {
            return Err(Error::MissingTensor { name: name.into() });
        };
        if info.shape != shape {
            return Err(Error::Shape {
                name: name.into(),
                expected: shape.to_vec(),
                got: info.shape.clone(),
            });
        }
        Ok((info.dtype, self.tensors.read(info)?))
    }
}

/// Names of the normalizations of queries and of keys.
const NORMS: [&str; 2] = ["q_norm", "k_norm"];

/// Names of the matrices of a layer, in the order of `QuantizedLayer::linears`.
fn parts(arch: &Architecture) -> impl Iterator<Item = &'static str> + use<> {
    let gate = (arch.mlp == MlpKind::Gated).then_some("up");
    let first = ["q", "k", "v", "attn_out", "fc"];
    first.into_iter().chain(gate).chain(["mlp_out"])
}

fn pack(values: &[i64]) -> (Dtype, Vec<u8>) {
    if values.iter().all(|&v| i32::try_from(v).is_ok()) {
        let bytes = values.iter().flat_map(|&v| (v as i32).to_le_bytes());
        return (Dtype::I32, bytes.collect());
    }
    let bytes = values.iter().flat_map(|v| v.to_le_bytes());
    (Dtype::I64, bytes.collect())
}

fn unpack(dtype: Dtype, bytes: &[u8]) -> Option<Vec<i64>> {
    match dtype {
        Dtype::I32 => {
            let values = bytes.chunks_exact(4).filter_map(|b| b.first_chunk());
            Some(values.map(|b| i32::from_le_bytes(*b).into()).collect())
        }
        Dtype::I64 => {
            let values = bytes.chunks_exact(8).filter_map(|b| b.first_chunk());
            Some(values.map(|b| i64::from_le_bytes(*b)).collect())
        }
        _ => None,
    }
}

/// The checksum of tensors in the order of their names.
fn checksum<'a, N: AsRef<str>>(
    arch: &Architecture,
    spec: &Spec,
    tensors: impl Iterator<Item = (N, &'a Entry)>,
) -> String {
    let mut hash = Sha256::new();
    let mut text = |s: String| {
        hash.update((s.len() as u64).to_le_bytes());
        hash.update(s);
    };
    // Neither can fail: they are plain structures of numbers.
    text(serde_json::to_string(&(arch, spec)).unwrap_or_default());
    for (name, entry) in tensors {
        text(format!(
            "{} {:?} {:?} {}",
            name.as_ref(),
            entry.dtype,
            entry.shape,
            hex(&entry.digest)
        ));
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
