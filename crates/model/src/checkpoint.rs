//! Weights of Hugging Face checkpoints: safetensors or PyTorch files, whole or sharded, whatever wrapped the model
//! when they were saved.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load;
use candle_core::{DType, Device, Tensor};
use safetensors::tensor::TensorView;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::pickle::Archive;
use crate::source;
use crate::tensors::TensorFile;

/// What training frameworks put into names, anywhere, for a module that they wrap.
const WRAPPERS: [&str; 5] = [
    "module",
    "_orig_mod",
    "_forward_module",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
];
/// What names may begin with: the place of the transformer in its model.
const OUTER: [&str; 2] = ["model", "transformer"];

/// The files of weights in a folder. Tensors are read when they are needed.
#[derive(Debug)]
pub(crate) struct Shards {
    files: Vec<(PathBuf, Data)>,
    /// Tensor name to position in `files`; empty if the files themselves say.
    map: BTreeMap<String, usize>,
    index: Option<PathBuf>,
    notes: Vec<String>,
}

#[derive(Debug)]
enum Data {
    Safetensors(TensorFile),
    PyTorch(Archive),
}

impl Shards {
    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let names = listing(dir)?;
        let has = |name: &str| names.contains(name);
        for (stem, extension) in [("model", "safetensors"), ("pytorch_model", "bin")] {
            let single = format!("{stem}.{extension}");
            let index = format!("{single}.index.json");
            if has(&single) {
                return Self::of(dir, vec![single], Vec::new());
            }
            if has(&index) {
                return Self::indexed(dir, &dir.join(index));
            }
            if let Some(shards) = shards(dir, &names, stem, extension)? {
                return Self::of(dir, shards, Vec::new());
            }
        }
        let safetensors: Vec<&String> = names
            .iter()
            .filter(|n| n.ends_with(".safetensors"))
            .collect();
        match safetensors.as_slice() {
            [only] if !only.starts_with("adapter") => {
                let note =
                    format!("the weights are read from {only}: there is no model.safetensors");
                Self::of(dir, vec![(*only).clone()], vec![note])
            }
            _ => Err(Error::NoWeights {
                dir: dir.to_owned(),
                advice: advice(dir, &names),
            }),
        }
    }

    fn of(dir: &Path, names: Vec<String>, notes: Vec<String>) -> Result<Self> {
        let files = names
            .iter()
            .map(|name| data(&dir.join(name)))
            .collect::<Result<_>>()?;
        Ok(Self {
            files,
            map: BTreeMap::new(),
            index: None,
            notes,
        })
    }

    fn indexed(dir: &Path, index: &Path) -> Result<Self> {
        let invalid = |reason: String| Error::Malformed {
            path: index.to_owned(),
            reason,
        };
        let json: Value = source::read_json(index)?;
        let weight_map = json
            .get("weight_map")
            .and_then(Value::as_object)
            .ok_or_else(|| invalid("expected an object `weight_map`".into()))?;
        let mut files: Vec<(PathBuf, Data)> = Vec::new();
        let mut map = BTreeMap::new();
        for (name, file) in weight_map {
            let file = file
                .as_str()
                .ok_or_else(|| invalid(format!("`{name}`: expected a file name, got {file}")))?;
            if Path::new(file).components().count() != 1 || file.starts_with('.') {
                return Err(invalid(format!(
                    "`{name}`: expected a file in the same folder, got `{file}`"
                )));
            }
            let path = dir.join(file);
            let at = match files.iter().position(|(p, _)| *p == path) {
                Some(at) => at,
                None => {
                    files.push(data(&path)?);
                    files.len() - 1
                }
            };
            map.insert(name.clone(), at);
        }
        Ok(Self {
            files,
            map,
            index: Some(index.to_owned()),
            notes: Vec::new(),
        })
    }

    /// The files that were read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = self.files.iter().map(|(path, _)| path);
        files.chain(&self.index).map(PathBuf::as_path)
    }

    /// What was decided on the way and is not obvious.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The tensors of a transformer that lies at `own` in its model, of which the embedding of tokens has a name.
    pub(crate) fn open(&self, own: &str, embedding: &str) -> Result<Weights<'_>> {
        let files: Vec<&Data> = self.files.iter().map(|(_, data)| data).collect();
        let mut places = BTreeMap::<String, Vec<(usize, String)>>::new();
        let mut wrappers = BTreeSet::new();
        for (at, file) in files.iter().enumerate() {
            for name in file.names() {
                if !self.map.is_empty() && self.map.get(&name) != Some(&at) {
                    continue;
                }
                places
                    .entry(plain(&name, own, &mut wrappers))
                    .or_default()
                    .push((at, name));
            }
        }
        let mut prefix = String::new();
        match places.get(embedding).and_then(|p| p.first()) {
            Some((_, name)) => prefix = name.trim_end_matches(embedding).to_owned(),
            None => {
                let other = places.values().flatten().find_map(|(at, name)| {
                    let prefix = name.strip_suffix(embedding)?;
                    Some((*at, prefix))
                });
                if let Some((at, prefix)) = other {
                    return Err(Error::Prefix {
                        path: self.files[at].0.clone(),
                        prefix: prefix.to_owned(),
                    });
                }
            }
        }
        Ok(Weights {
            files,
            paths: self.files.iter().map(|(path, _)| path.as_path()).collect(),
            places,
            prefix,
            wrappers,
            used: RefCell::default(),
            double: RefCell::default(),
        })
    }
}

/// Names of the files of a folder.
fn listing(dir: &Path) -> Result<BTreeSet<String>> {
    let failed = |source| Error::Io {
        path: dir.to_owned(),
        source,
    };
    std::fs::read_dir(dir)
        .map_err(failed)?
        .map(|entry| {
            let name = entry.map_err(failed)?.file_name();
            Ok(name.to_string_lossy().into_owned())
        })
        .collect()
}

fn data(path: &Path) -> Result<(PathBuf, Data)> {
    let data = if path.extension().is_some_and(|e| e == "safetensors") {
        Data::Safetensors(TensorFile::open(path)?)
    } else {
        Data::PyTorch(Archive::open(path)?)
    };
    Ok((path.to_owned(), data))
}

/// The files `{stem}-{i}-of-{n}.{extension}`, all of them; nothing if there is none.
fn shards(
    dir: &Path,
    names: &BTreeSet<String>,
    stem: &str,
    extension: &str,
) -> Result<Option<Vec<String>>> {
    let number = |name: &str| -> Option<(usize, usize)> {
        let middle = name.strip_prefix(stem)?.strip_prefix('-')?;
        let (i, n) = middle
            .strip_suffix(extension)?
            .strip_suffix('.')?
            .split_once("-of-")?;
        Some((i.parse().ok()?, n.parse().ok()?))
    };
    let found: BTreeMap<(usize, usize), &String> = names
        .iter()
        .filter_map(|name| Some((number(name)?, name)))
        .collect();
    let Some(&(_, count)) = found.keys().next() else {
        return Ok(None);
    };
    if found.keys().any(|&(_, n)| n != count) {
        return Err(Error::NoWeights {
            dir: dir.to_owned(),
            advice: "it has shards of several sets: keep those of one".into(),
        });
    }
    for i in 1..=count {
        if !found.contains_key(&(i, count)) {
            return Err(Error::MissingFile {
                path: dir.join(format!("{stem}-{i:05}-of-{count:05}.{extension}")),
            });
        }
    }
    Ok(Some(found.into_values().cloned().collect()))
}

/// What to do about a folder without weights that can be read.
fn advice(dir: &Path, names: &BTreeSet<String>) -> String {
    if let Some(name) = names.iter().find(|n| n.starts_with("adapter_")) {
        return format!(
            "{name} is an adapter: merge it into its base model (`merge_and_unload` of peft) and save that"
        );
    }
    // What a training run leaves beside the weights.
    const BESIDE: [&str; 4] = [
        "training_args.bin",
        "optimizer.pt",
        "scheduler.pt",
        "rng_state.pth",
    ];
    let other = |n: &&String| {
        !BESIDE.contains(&n.as_str())
            && [
                ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf", ".onnx", ".index",
            ]
            .iter()
            .any(|e| n.ends_with(e))
    };
    let several = names.iter().filter(|n| n.ends_with(".safetensors")).count() > 1;
    match names.iter().find(other) {
        _ if several => {
            "it has several safetensors files: rename the model's to model.safetensors".into()
        }
        Some(name) => format!("{name} is not read: {}", conversion(dir)),
        None => "download model.safetensors, or all shards and their index, into it".into(),
    }
}

/// How to convert a checkpoint that transformers can read.
pub(crate) fn conversion(dir: &Path) -> String {
    let from = dir.display();
    format!(
        "convert the checkpoint with `python3 -c \"from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; \
         M.from_pretrained('{from}').save_pretrained('{from}-safetensors'); \
         T.from_pretrained('{from}').save_pretrained('{from}-safetensors')\"`"
    )
}

/// A tensor's name in a model that nothing wraps, without the place `own` of the transformer; wrappers that were left out are
/// collected.
fn plain(name: &str, own: &str, wrappers: &mut BTreeSet<String>) -> String {
    let mut outer = true;
    let mut parts = Vec::new();
    for part in name.split('.') {
        if WRAPPERS.contains(&part) || (outer && part == "model" && part != own) {
            wrappers.insert(part.to_owned());
        } else if !(outer && OUTER.contains(&part)) {
            outer = false;
            parts.push(part);
        }
    }
    parts.join(".")
}

/// Bytes a safetensors header announces, as far as it can be read.
pub(crate) fn announced(bytes: &[u8]) -> Option<u64> {
    let Some(length) = bytes.first_chunk::<8>() else {
        return Some(8);
    };
    let header = u64::from_le_bytes(*length)
        .checked_add(8)
        .filter(|h| *h <= 100_000_008)?;
    let Some(json) = bytes.get(8..header as usize) else {
        return Some(header);
    };
    let json: HashMap<String, Value> = serde_json::from_slice(json).ok()?;
    let end = json
        .values()
        .filter_map(|v| v.get("data_offsets")?.get(1)?.as_u64())
        .max()?;
    header.checked_add(end)
}

impl Data {
    fn names(&self) -> Vec<String> {
        match self {
            Data::Safetensors(file) => file.metadata().tensors().into_keys().collect(),
            Data::PyTorch(file) => file.tensors.keys().cloned().collect(),
        }
    }

    /// Element type and shape.
    fn describe(&self, name: &str) -> Option<(String, Vec<usize>)> {
        match self {
            Data::Safetensors(file) => {
                let info = file.info(name)?;
                Some((format!("{:?}", info.dtype), info.shape.clone()))
            }
            Data::PyTorch(file) => {
                let stored = file.tensors.get(name)?;
                Some((stored.dtype.clone(), stored.shape.clone()))
            }
        }
    }

    fn load(&self, name: &str, dtype: DType) -> Result<Tensor> {
        let missing = || Error::MissingTensor {
            name: name.to_owned(),
        };
        Ok(match self {
            Data::Safetensors(file) => {
                let info = file.info(name).ok_or_else(missing)?;
                let bytes = file.read(info)?;
                TensorView::new(info.dtype, info.shape.clone(), &bytes)
                    .map_err(candle_core::Error::from)?
                    .load(&Device::Cpu)?
            }
            Data::PyTorch(file) => {
                let stored = file.tensors.get(name).ok_or_else(missing)?;
                let bytes = file.bytes(stored, dtype.size_in_bytes())?;
                Tensor::from_raw_buffer(&bytes, dtype, &stored.shape, &Device::Cpu)?
            }
        })
    }
}

pub(crate) struct Weights<'a> {
    files: Vec<&'a Data>,
    paths: Vec<&'a Path>,
    /// Plain name to file and name in it; several if wrappers make names alike.
    places: BTreeMap<String, Vec<(usize, String)>>,
    /// What the embedding's name begins with, for messages.
    prefix: String,
    wrappers: BTreeSet<String>,
    used: RefCell<BTreeSet<String>>,
    double: RefCell<bool>,
}

impl<'a> Weights<'a> {
    /// A tensor of the transformer, by its name in a model that nothing wraps.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.get(name, format!("{}{name}", self.prefix), shape)
    }

    /// The vocabulary projection of an untied model.
    pub(crate) fn head(&self, shape: &[usize]) -> Result<Tensor> {
        self.get(HEAD, HEAD.into(), shape)
    }

    pub(crate) fn has_head(&self) -> bool {
        self.places.contains_key(HEAD)
    }

    /// Refuses a tensor that is missing, of another shape, or of elements that cannot be read; reads no data.
    pub(crate) fn check(&self, name: &str, shape: &[usize]) -> Result<()> {
        self.find(name, format!("{}{name}", self.prefix), shape)?;
        Ok(())
    }

    /// Like [`Self::check`], of the vocabulary projection.
    pub(crate) fn check_head(&self, shape: &[usize]) -> Result<()> {
        self.find(HEAD, HEAD.into(), shape)?;
        Ok(())
    }

    /// The file of a tensor, its name there and the type of its elements.
    fn find(&self, plain: &str, name: String, shape: &[usize]) -> Result<(&'a Data, &str, DType)> {
        let (file, name) = match self.places.get(plain).map(Vec::as_slice) {
            None | Some([]) => return Err(Error::MissingTensor { name }),
            Some([one]) => one,
            Some([(a, first), (b, second), ..]) => {
                return Err(Error::Contradiction {
                    file: "weights",
                    first: format!("`{first}` in {}", self.paths[*a].display()),
                    second: format!("`{second}` in {}", self.paths[*b].display()),
                });
            }
        };
        let file = self.files[*file];
        let missing = || Error::MissingTensor { name: name.clone() };
        let (dtype, got) = file.describe(name).ok_or_else(missing)?;
        if got != shape {
            return Err(Error::Shape {
                name: name.clone(),
                expected: shape.to_vec(),
                got,
            });
        }
        let dtype = match dtype.as_str() {
            "F32" => DType::F32,
            "F16" => DType::F16,
            "BF16" => DType::BF16,
            "F64" => DType::F64,
            _ => {
                return Err(Error::Dtype {
                    name: name.clone(),
                    expected: "F32, F16, BF16 or F64",
                    got: dtype,
                });
            }
        };
        if dtype == DType::F64 {
            self.double.replace(true);
        }
        self.used.borrow_mut().insert(plain.to_owned());
        Ok((file, name, dtype))
    }

    fn get(&self, plain: &str, name: String, shape: &[usize]) -> Result<Tensor> {
        let (file, name, dtype) = self.find(plain, name, shape)?;
        let tensor = file.load(name, dtype)?.to_dtype(DType::F32)?;
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NonFinite {
                name: name.to_owned(),
                index,
                value: values[index],
            });
        }
        Ok(tensor)
    }

    /// What was decided about the tensors that were looked at, and which were not.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.wrappers.is_empty() {
            let parts: Vec<String> = self.wrappers.iter().map(|w| format!("`{w}.`")).collect();
            notes.push(format!(
                "tensors have {} in their names, which a training framework added: left out",
                parts.join(", ")
            ));
        }
        if *self.double.borrow() {
            notes.push("weights of type F64 were rounded to F32".into());
        }
        let used = self.used.borrow();
        let unused: Vec<&str> = self
            .places
            .keys()
            .filter(|name| !used.contains(*name) && !is_buffer(name))
            .map(String::as_str)
            .collect();
        if let [first, rest @ ..] = unused.as_slice() {
            notes.push(match rest.len() {
                0 => format!("the tensor `{first}` is no part of this architecture and is not used"),
                n => format!("the tensor `{first}` and {n} more are no part of this architecture and are not used"),
            });
        }
        notes
    }
}

const HEAD: &str = "lm_head.weight";

/// Causal masks and frequencies of rotations, which older versions saved with each block.
fn is_buffer(name: &str) -> bool {
    [".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq"]
        .iter()
        .any(|end| name.ends_with(end))
}
