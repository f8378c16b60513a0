//! Files as `torch.save` writes them.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A tensor of a file: its name, storage class, the bytes of its storage, elements in it, and how it lies there.
pub(crate) struct Saved {
    pub(crate) name: String,
    pub(crate) class: &'static str,
    pub(crate) storage: Vec<u8>,
    pub(crate) length: usize,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) stride: Vec<usize>,
}

impl Saved {
    /// A tensor that has its storage for itself.
    pub(crate) fn plain(name: &str, shape: &[usize], values: &[f32]) -> Self {
        Self {
            name: name.to_owned(),
            class: "FloatStorage",
            storage: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            length: values.len(),
            offset: 0,
            shape: shape.to_vec(),
            stride: strides(shape),
        }
    }
}

pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len())
        .map(|i| shape[i + 1..].iter().product())
        .collect()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn number(out: &mut Vec<u8>, n: usize) {
    match u8::try_from(n) {
        Ok(n) => out.extend([b'K', n]),
        Err(_) => {
            out.push(b'J');
            out.extend((n as i32).to_le_bytes());
        }
    }
}

fn numbers(out: &mut Vec<u8>, numbers: &[usize]) {
    out.push(b'(');
    numbers.iter().for_each(|&n| number(out, n));
    out.push(b't');
}

const DICT: &[u8] = b"ccollections\nOrderedDict\n)R";

/// The pickle of a dictionary of tensors, with the function that makes them.
pub(crate) fn pickle(tensors: &[Saved], function: &str) -> Vec<u8> {
    let mut out = vec![0x80, 2];
    out.extend(DICT);
    out.extend(b"q\x00(");
    for (i, t) in tensors.iter().enumerate() {
        text(&mut out, &t.name);
        out.extend(format!("c{function}\n((").as_bytes());
        text(&mut out, "storage");
        out.extend(format!("ctorch\n{}\n", t.class).as_bytes());
        text(&mut out, &i.to_string());
        text(&mut out, "cpu");
        number(&mut out, t.length);
        out.extend(b"tQ");
        number(&mut out, t.offset);
        numbers(&mut out, &t.shape);
        numbers(&mut out, &t.stride);
        out.push(0x89);
        out.extend(DICT);
        out.extend(b"tR");
    }
    out.extend(b"u}");
    text(&mut out, "_metadata");
    out.extend(DICT);
    out.extend(b"sb.");
    out
}

/// The archive of a pickle and its storages.
pub(crate) fn archive(pickle: &[u8], tensors: &[Saved]) -> Vec<u8> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        zip.start_file(format!("pytorch_model/{name}"), stored)
            .unwrap();
        zip.write_all(bytes).unwrap();
    };
    add("data.pkl", pickle);
    add("byteorder", b"little");
    for (i, t) in tensors.iter().enumerate() {
        add(&format!("data/{i}"), &t.storage);
    }
    add("version", b"3\n");
    zip.finish().unwrap().into_inner()
}

pub(crate) const REBUILD: &str = "torch._utils\n_rebuild_tensor_v2";

pub(crate) fn file(tensors: &[Saved]) -> Vec<u8> {
    archive(&pickle(tensors, REBUILD), tensors)
}
