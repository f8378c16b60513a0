//! Writes a model, a layer at a time.

use super::*;

/// Writes the file of a model whose parts come one after another; none is kept in memory.
#[derive(Debug)]
pub struct Writer {
    pub(super) path: PathBuf,
    pub(super) arch: Architecture,
    /// The tensors in the order they came. It has no name, so that nothing is left of it whatever happens.
    scratch: RefCell<File>,
    length: u64,
    pub(super) parts: BTreeMap<String, (Entry, u64)>,
}

impl Writer {
    /// Starts a file. It appears under its name when it is finished.
    pub fn create(path: &Path, arch: Architecture) -> Result<Self> {
        arch.validate()?;
        let scratch = tempfile::tempfile_in(folder(path)).map_err(|source| Error::Write {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            arch,
            scratch: RefCell::new(scratch),
            length: 0,
            parts: BTreeMap::new(),
        })
    }

    /// The embedding of tokens, and of positions; or the rotations, and no embedding of positions.
    pub fn embedding(
        &mut self,
        wte: &[i32],
        wpe: &[i32],
        rotation: Option<&Rotation>,
    ) -> Result<()> {
        self.arch.check_embedding(wte, wpe)?;
        self.arch.check_rotation(rotation)?;
        let Architecture {
            width,
            vocab,
            context,
            ..
        } = self.arch;
        let embedding = |values: &[i32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let shape = [vocab, width];
        self.put_bytes("wte".into(), &shape, Dtype::I32, embedding(wte))?;
        match rotation {
            None => {
                let shape = [context, width];
                self.put_bytes("wpe".into(), &shape, Dtype::I32, embedding(wpe))
            }
            Some(rotation) => {
                let shape = [context, self.arch.rotated_pairs()];
                self.put("rotation.cos".into(), &shape, &rotation.cos)?;
                self.put("rotation.sin".into(), &shape, &rotation.sin)
            }
        }
    }

    /// Block `index`.
    pub fn layer(&mut self, index: usize, layer: &QuantizedLayer) -> Result<()> {
        self.arch.check_layer(index, layer)?;
        for (name, m) in parts(&self.arch).zip(layer.linears()) {
            self.linear(&format!("layers.{index}.{name}"), m)?;
        }
        for (name, norm) in NORMS.iter().zip(layer.qk_norm.iter().flatten()) {
            let name = format!("layers.{index}.{name}");
            self.put(format!("{name}.eps"), &[norm.eps.len()], &norm.eps)?;
            self.put(format!("{name}.gain"), &[norm.gain.len()], &norm.gain)?;
        }
        Ok(())
    }

    /// The vocabulary projection.
    pub fn head(&mut self, head: &Linear) -> Result<()> {
        self.arch.check_head(head)?;
        self.linear("head", head)
    }

    pub(super) fn linear(&mut self, name: &str, m: &Linear) -> Result<()> {
        let (weight, shape) = (format!("{name}.weight"), [m.outputs(), m.inputs()]);
        match m.weight.mantissas() {
            Some(mantissas) => {
                let columns = mantissas.columns().flatten();
                let bytes = columns.flat_map(i16::to_le_bytes).collect();
                self.put_bytes(weight, &shape, Dtype::I16, bytes)?;
                let shifts = mantissas.shifts().to_vec();
                self.put_bytes(format!("{name}.shift"), &shape[..1], Dtype::U8, shifts)?;
            }
            None => {
                let columns: Vec<i64> = m.weight.columns().collect();
                self.put(weight, &shape, &columns)?;
            }
        }
        self.put(format!("{name}.bias"), &shape[..1], &m.bias)
    }

    fn put(&mut self, name: String, shape: &[usize], values: &[i64]) -> Result<()> {
        let (dtype, bytes) = pack(values);
        self.put_bytes(name, shape, dtype, bytes)
    }

    fn put_bytes(
        &mut self,
        name: String,
        shape: &[usize],
        dtype: Dtype,
        bytes: Vec<u8>,
    ) -> Result<()> {
        let written = self.scratch.get_mut().write_all(&bytes);
        written.map_err(|source| self.failed(source))?;
        let entry = Entry {
            dtype,
            shape: shape.to_vec(),
            digest: Sha256::digest(&bytes).into(),
        };
        self.parts.insert(name, (entry, self.length));
        self.length += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn failed(&self, source: io::Error) -> Error {
        Error::Write {
            path: self.path.clone(),
            source,
        }
    }

    /// Writes the header and all parts, and gives the file its name.
    pub fn finish(self, spec: &Spec) -> Result<()> {
        let malformed = |reason: String| Error::Malformed {
            path: self.path.clone(),
            reason,
        };
        spec.validate(self.arch.width)?;
        let tensors = self.parts.iter().map(|(name, (entry, _))| (name, entry));
        let expected = tensor_count(&self.arch, tensors);
        if self.parts.len() != expected {
            return Err(malformed(format!(
                "expected {expected} tensors, got {}",
                self.parts.len()
            )));
        }
        let entries = self.parts.iter().map(|(name, (entry, _))| (name, entry));
        let metadata = Metadata {
            version: VERSION,
            arch: self.arch,
            spec: *spec,
            sha256: checksum(&self.arch, spec, entries),
        };
        let json = serde_json::to_string(&metadata).map_err(|e| malformed(e.to_string()))?;
        let failure = RefCell::new(None);
        let tensors = self.parts.iter().map(|(name, (entry, start))| {
            let stored = Stored {
                scratch: &self.scratch,
                entry,
                start: *start,
                failure: &failure,
            };
            (name.as_str(), stored)
        });
        let target =
            tempfile::NamedTempFile::new_in(folder(&self.path)).map_err(|e| self.failed(e))?;
        let metadata = HashMap::from([(KEY.to_owned(), json)]);
        safetensors::serialize_to_file(tensors, Some(metadata), target.path()).map_err(
            |e| match e {
                safetensors::SafeTensorError::IoError(e) => self.failed(e),
                e => malformed(e.to_string()),
            },
        )?;
        if let Some(e) = failure.into_inner() {
            return Err(self.failed(e));
        }
        target
            .persist(&self.path)
            .map_err(|e| self.failed(e.error))?;
        Ok(())
    }
}

/// A tensor in the scratch file.
struct Stored<'a> {
    scratch: &'a RefCell<File>,
    pub(super) entry: &'a Entry,
    start: u64,
    failure: &'a RefCell<Option<io::Error>>,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.entry.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.entry.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = vec![0; self.entry.length()];
        let mut file = self.scratch.borrow_mut();
        let result = file
            .seek(SeekFrom::Start(self.start))
            .and_then(|_| file.read_exact(&mut bytes));
        if let Err(e) = result {
            *self.failure.borrow_mut() = Some(e);
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        self.entry.length()
    }
}

/// What the checksum says of a tensor.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) digest: [u8; 32],
}

impl Entry {
    fn length(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8
    }
}
