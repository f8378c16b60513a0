//! Weights as PyTorch saves them: a zip archive of raw tensors, and a pickle that says which is which.
//!
//! A pickle is a program. This reads the few instructions with which PyTorch describes a dictionary of tensors,
//! into plain data: names of Python functions are compared with those of tensors, and nothing is ever called.
//! Every other instruction, function or layout is an error. (The reader of `candle-core` panics on damaged files
//! and copies values without bound.)

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use zip::ZipArchive;

use crate::error::{Error, Result};
use crate::source;

/// Greatest size of the pickle, which holds names and shapes only.
const MAX_PICKLE: u64 = 64 << 20;

type Zip = ZipArchive<BufReader<File>>;

/// A file of PyTorch.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    /// Name of the archive's folder, with its slash.
    root: String,
    zip: Mutex<Zip>,
    pub(crate) tensors: BTreeMap<String, Stored>,
}

/// Where a tensor is, and how its elements lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// `F32`, `F64`, `F16`, `BF16`, or the name of another storage class.
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
    stride: Vec<usize>,
    offset: usize,
    /// Elements of the storage.
    length: usize,
    /// Name of its file in the archive.
    key: String,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |reason: String| Error::PyTorch {
            path: path.to_owned(),
            reason,
        };
        let mut file = source::open(path)?;
        let mut magic = [0; 4];
        let read = file.read(&mut magic);
        if read.is_ok_and(|n| n == 4 && magic[0] == 0x80 && magic != *b"PK\x03\x04") {
            return Err(failed(
                "it was written in the format of PyTorch before 1.6, which is not read".into(),
            ));
        }
        let mut zip = ZipArchive::new(BufReader::new(source::open(path)?))
            .map_err(|e| failed(format!("it is no complete zip archive ({e})")))?;
        let names: Vec<String> = zip
            .file_names()
            .filter_map(|n| Some(n.ok()?.into_owned()))
            .collect();
        let root = names
            .iter()
            .find_map(|n| n.strip_suffix("data.pkl"))
            .filter(|root| root.is_empty() || root.ends_with('/'))
            .ok_or_else(|| failed("the archive has no data.pkl".into()))?
            .to_owned();
        if names.iter().any(|n| *n == format!("{root}byteorder")) {
            let order = entry(&mut zip, &format!("{root}byteorder"), 16).map_err(failed)?;
            if order != b"little" {
                return Err(failed(
                    "its numbers are big-endian, which is not read".into(),
                ));
            }
        }
        let pickle = entry(&mut zip, &format!("{root}data.pkl"), MAX_PICKLE).map_err(failed)?;
        let tensors = tensors(&pickle).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            root,
            zip: Mutex::new(zip),
            tensors,
        })
    }

    /// The elements of a tensor, in the order of its shape, as little-endian bytes of `size` each.
    pub(crate) fn bytes(&self, stored: &Stored, size: usize) -> Result<Vec<u8>> {
        self.elements(stored, size)
            .map_err(|reason| Error::PyTorch {
                path: self.path.clone(),
                reason,
            })
    }

    fn elements(&self, stored: &Stored, size: usize) -> Result<Vec<u8>, String> {
        let Stored {
            shape,
            stride,
            offset,
            length,
            key,
            ..
        } = stored;
        let name = format!("{}data/{key}", self.root);
        let beyond = || format!("a tensor reaches beyond its storage {name}");
        let bytes = length.checked_mul(size).ok_or_else(beyond)?;
        let mut zip = self.zip.lock().unwrap_or_else(|e| e.into_inner());
        let data = entry(&mut zip, &name, bytes as u64)?;
        if data.len() != bytes {
            return Err(format!(
                "{name} has {} bytes where {bytes} are announced",
                data.len()
            ));
        }
        let count = shape
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d))
            .ok_or_else(beyond)?;
        let contiguous = shape
            .iter()
            .zip(stride)
            .rev()
            .try_fold(1usize, |expected, (&d, &s)| {
                (s == expected || d == 1).then_some(expected.checked_mul(d)?)
            });
        if contiguous.is_some() {
            let start = offset.checked_mul(size).ok_or_else(beyond)?;
            let end = count.checked_mul(size).and_then(|n| n.checked_add(start));
            let part = end
                .and_then(|end| data.get(start..end))
                .ok_or_else(beyond)?;
            return Ok(part.to_vec());
        }
        let mut out = Vec::new();
        let mut index = vec![0; shape.len()];
        for _ in 0..count {
            let place = index
                .iter()
                .zip(stride)
                .try_fold(*offset, |at, (i, s): (&usize, &usize)| {
                    at.checked_add(i.checked_mul(*s)?)
                })
                .and_then(|at| at.checked_mul(size));
            let element = place.and_then(|at| data.get(at..at.checked_add(size)?));
            out.extend_from_slice(element.ok_or_else(beyond)?);
            for (i, d) in index.iter_mut().zip(shape).rev() {
                *i += 1;
                if *i < *d {
                    break;
                }
                *i = 0;
            }
        }
        Ok(out)
    }
}

/// A file of the archive, of at most `limit` bytes.
fn entry(zip: &mut Zip, name: &str, limit: u64) -> Result<Vec<u8>, String> {
    let failed = |e: &dyn std::fmt::Display| format!("cannot read {name} in it ({e})");
    let file = zip.by_name(name).map_err(|e| failed(&e))?;
    if file.size() > limit {
        return Err(failed(&format!(
            "{} bytes, at most {limit} expected",
            file.size()
        )));
    }
    let mut bytes = Vec::new();
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|e| failed(&e))?;
    Ok(bytes)
}

/// Position of an object among all that a pickle made.
type Id = usize;

enum Object {
    Nothing,
    Int(i64),
    Text(String),
    /// A Python name, as `module.name`.
    Global(String),
    /// A tuple or a list.
    Sequence(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// What calling a function with arguments would give. It is not called.
    Call(Id, Id),
    /// A reference to a storage outside the pickle.
    Storage(Id),
}

/// Reads a pickle. Objects lie in one list, so that no nesting can exhaust the stack.
struct Machine<'a> {
    rest: &'a [u8],
    objects: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or("its pickle ends too early")?;
        self.rest = rest;
        Ok(head)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self.rest.iter().position(|&b| b == b'\n');
        let line = self.take(end.ok_or("its pickle ends too early")? + 1)?;
        Ok(String::from_utf8_lossy(&line[..line.len() - 1]).into_owned())
    }

    fn text(&mut self, length: u64) -> Result<Object, String> {
        let length = usize::try_from(length).map_err(|e| e.to_string())?;
        let bytes = self.take(length)?;
        Ok(Object::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.stack.pop().ok_or_else(unbalanced)
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(unbalanced)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, String> {
        let at = self.stack.len().checked_sub(count).ok_or_else(unbalanced)?;
        Ok(self.stack.split_off(at))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let at = self.marks.pop().ok_or_else(unbalanced)?;
        if at > self.stack.len() {
            return Err(unbalanced());
        }
        Ok(self.stack.split_off(at))
    }

    fn extend(&mut self, items: &[Id]) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.objects[top] {
            Object::Sequence(list) => list.extend(items),
            Object::Dict(pairs) => {
                pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])))
            }
            _ => return Err(unbalanced()),
        }
        Ok(())
    }

    fn remember(&mut self, index: u64) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(index as u32, top);
        Ok(())
    }

    fn recall(&mut self, index: u64) -> Result<(), String> {
        let id = self.memo.get(&(index as u32)).ok_or_else(unbalanced)?;
        self.stack.push(*id);
        Ok(())
    }

    /// Runs to the end; the object on top is the result.
    fn run(&mut self) -> Result<Id, String> {
        loop {
            match self.take(1)?[0] {
                b'.' => return self.pop(),
                0x80 => drop(self.take(1)?),
                // Frames only help reading ahead.
                0x95 => drop(self.take(8)?),
                b'N' => self.push(Object::Nothing),
                0x88 | 0x89 => self.push(Object::Nothing),
                b'G' => {
                    self.take(8)?;
                    self.push(Object::Nothing);
                }
                b'K' => {
                    let n = self.number(1)?;
                    self.push(Object::Int(n as i64));
                }
                b'M' => {
                    let n = self.number(2)?;
                    self.push(Object::Int(n as i64));
                }
                b'J' => {
                    let n = self.number(4)? as u32 as i32;
                    self.push(Object::Int(n.into()));
                }
                0x8a => {
                    let length = self.number(1)? as usize;
                    if length > 8 {
                        return Err("its pickle has a number of more than 64 bits".into());
                    }
                    let shift = 64 - 8 * length as u32;
                    let n = self.number(length)?;
                    self.push(Object::Int(
                        (n.checked_shl(shift).unwrap_or(0) as i64) >> shift.min(63),
                    ));
                }
                b'X' | b'T' | b'B' => {
                    let length = self.number(4)?;
                    let text = self.text(length)?;
                    self.push(text);
                }
                0x8c | b'U' | b'C' => {
                    let length = self.number(1)?;
                    let text = self.text(length)?;
                    self.push(text);
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Object::Global(format!("{module}.{name}")));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let global = match (&self.objects[module], &self.objects[name]) {
                        (Object::Text(module), Object::Text(name)) => format!("{module}.{name}"),
                        _ => return Err(unbalanced()),
                    };
                    self.push(Object::Global(global));
                }
                b'q' => {
                    let index = self.number(1)?;
                    self.remember(index)?;
                }
                b'r' => {
                    let index = self.number(4)?;
                    self.remember(index)?;
                }
                0x94 => {
                    let index = self.memo.len() as u64;
                    self.remember(index)?;
                }
                b'h' => {
                    let index = self.number(1)?;
                    self.recall(index)?;
                }
                b'j' => {
                    let index = self.number(4)?;
                    self.recall(index)?;
                }
                b'(' => self.marks.push(self.stack.len()),
                b')' | b']' => self.push(Object::Sequence(Vec::new())),
                b'}' => self.push(Object::Dict(Vec::new())),
                b't' | b'l' => {
                    let items = self.pop_to_mark()?;
                    self.push(Object::Sequence(items));
                }
                op @ 0x85..=0x87 => {
                    let items = self.pop_many(usize::from(op - 0x84))?;
                    self.push(Object::Sequence(items));
                }
                b'a' => {
                    let items = self.pop_many(1)?;
                    self.extend(&items)?;
                }
                b's' => {
                    let items = self.pop_many(2)?;
                    self.extend(&items)?;
                }
                b'e' | b'u' => {
                    let items = self.pop_to_mark()?;
                    self.extend(&items)?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Object::Storage(id));
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    let dict = matches!(&self.objects[function], Object::Global(g) if g == "collections.OrderedDict");
                    self.push(if dict {
                        Object::Dict(Vec::new())
                    } else {
                        Object::Call(function, arguments)
                    });
                }
                // The state of a dictionary is its metadata, which says nothing about the tensors.
                b'b' => drop(self.pop()?),
                other => {
                    return Err(format!(
                        "its pickle has the instruction {other:#04x}, which no dictionary of tensors needs"
                    ));
                }
            }
        }
    }

    fn sequence(&self, id: Id) -> Option<&[Id]> {
        match &self.objects[id] {
            Object::Sequence(items) => Some(items),
            _ => None,
        }
    }

    fn text_of(&self, id: Id) -> Option<&str> {
        match &self.objects[id] {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    fn size(&self, id: Id) -> Option<usize> {
        match self.objects[id] {
            Object::Int(n) => usize::try_from(n).ok(),
            _ => None,
        }
    }

    fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.sequence(id)?.iter().map(|&i| self.size(i)).collect()
    }

    /// The tensor that an object is; nothing if it is none.
    fn tensor(&self, id: Id) -> Result<Option<Stored>, String> {
        let Object::Call(mut function, mut arguments) = self.objects[id] else {
            return Ok(None);
        };
        // Parameters and subclasses wrap a tensor, once or twice.
        for _ in 0..4 {
            let Object::Global(name) = &self.objects[function] else {
                return Err(unbalanced());
            };
            let items = self.sequence(arguments).ok_or_else(unbalanced)?;
            match (name.as_str(), items) {
                ("torch._utils._rebuild_tensor_v2", [storage, offset, shape, stride, ..]) => {
                    return self
                        .stored(*storage, *offset, *shape, *stride)
                        .map(Some)
                        .ok_or_else(|| "a tensor in it has no layout that is known".into());
                }
                ("torch._utils._rebuild_parameter", [data, ..]) => {
                    let Object::Call(f, a) = self.objects[*data] else {
                        return Err(unbalanced());
                    };
                    (function, arguments) = (f, a);
                }
                ("torch._tensor._rebuild_from_type_v2", [f, _, a, ..]) => {
                    (function, arguments) = (*f, *a);
                }
                (other, _) => {
                    return Err(format!(
                        "it has an object of `{other}`, which only Python code makes; that is not run here"
                    ));
                }
            }
        }
        Err(unbalanced())
    }

    fn stored(&self, storage: Id, offset: Id, shape: Id, stride: Id) -> Option<Stored> {
        let Object::Storage(id) = self.objects[storage] else {
            return None;
        };
        let [_, class, key, _, length] = *self.sequence(id)? else {
            return None;
        };
        let Object::Global(class) = &self.objects[class] else {
            return None;
        };
        let name = class.rsplit('.').next()?;
        let dtype = match name {
            "FloatStorage" => "F32",
            "DoubleStorage" => "F64",
            "HalfStorage" => "F16",
            "BFloat16Storage" => "BF16",
            other => other,
        };
        let (shape, stride) = (self.sizes(shape)?, self.sizes(stride)?);
        (shape.len() == stride.len()).then_some(())?;
        Some(Stored {
            dtype: dtype.to_owned(),
            shape,
            stride,
            offset: self.size(offset)?,
            length: self.size(length)?,
            key: self.text_of(key)?.to_owned(),
        })
    }
}

fn unbalanced() -> String {
    "its pickle is damaged".into()
}

/// The tensors of a pickled dictionary, or of the dictionary `state_dict` or `model` in it.
fn tensors(pickle: &[u8]) -> Result<BTreeMap<String, Stored>, String> {
    let mut machine = Machine {
        rest: pickle,
        objects: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let mut root = machine.run()?;
    let mut found = BTreeMap::new();
    for _ in 0..2 {
        let Object::Dict(pairs) = &machine.objects[root] else {
            return Err(match &machine.objects[root] {
                Object::Call(f, _) => match &machine.objects[*f] {
                    Object::Global(name) => {
                        format!("it is an object of `{name}`, not a dictionary of tensors")
                    }
                    _ => unbalanced(),
                },
                _ => "it is no dictionary of tensors".into(),
            });
        };
        let mut inner = None;
        for (key, value) in pairs {
            let Some(name) = machine.text_of(*key) else {
                continue;
            };
            match machine.objects[*value] {
                Object::Dict(_) if matches!(name, "state_dict" | "model") => inner = Some(*value),
                Object::Call(..) if inner.is_none() => {
                    if let Some(tensor) = machine.tensor(*value)? {
                        found.insert(name.to_owned(), tensor);
                    }
                }
                _ => {}
            }
        }
        match inner {
            Some(inner) => {
                found.clear();
                root = inner;
            }
            None => break,
        }
    }
    if found.is_empty() {
        return Err("it has no tensors".into());
    }
    Ok(found)
}
