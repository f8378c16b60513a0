//! What a file is that is no ceremony's file of a known format.

use crate::error::{Content, Error};
use crate::parts::{MAX_K, MIN_K};
use crate::ptau;

/// What is looked at.
pub(crate) const START: usize = 512;

/// How a file's format is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ptau,
    Srs,
}

/// The format of a file, by its first bytes and its length.
pub(crate) fn kind(start: &[u8], length: u64) -> Result<Kind, Error> {
    if start.starts_with(&ptau::MAGIC) {
        return Ok(Kind::Ptau);
    }
    let content = content(start, length);
    // The files of halo2 have no mark: they begin with the size.
    let k = start.first_chunk().map(|k| u32::from_le_bytes(*k));
    let is_size = k.is_some_and(|k| (MIN_K..=MAX_K).contains(&k));
    if is_size && content == Content::Unknown {
        return Ok(Kind::Srs);
    }
    let shown = &start[..start.len().min(16)];
    let text: String = String::from_utf8_lossy(shown)
        .chars()
        .take_while(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER)
        .collect();
    let is_text = text.len() >= 4 || (!text.is_empty() && text.len() == shown.len());
    Err(Error::NotASetup {
        start: if is_text {
            format!("{text:?}")
        } else {
            let bytes: Vec<String> = shown.iter().map(|b| format!("{b:02x}")).collect();
            bytes.join(" ")
        },
        content,
    })
}

fn content(start: &[u8], length: u64) -> Content {
    const MARKS: &[(&[u8], Content)] = &[
        (b"version https://git-lfs", Content::LfsPointer),
        (b"nzksetup", Content::Stored),
        (b"zkey", Content::Snarkjs("proving key (.zkey)")),
        (b"r1cs", Content::Snarkjs("circuit (.r1cs)")),
        (b"wtns", Content::Snarkjs("witness (.wtns)")),
        (b"\x1f\x8b", Content::Archive("gzip")),
        (b"PK\x03\x04", Content::Archive("zip")),
        (b"\x28\xb5\x2f\xfd", Content::Archive("zstd")),
        (b"\xfd7zXZ\0", Content::Archive("xz")),
        (b"BZh", Content::Archive("bzip2")),
        (b"7z\xbc\xaf", Content::Archive("7z")),
    ];
    if length == 0 {
        return Content::Empty;
    }
    if let Some((_, content)) = MARKS.iter().find(|(mark, _)| start.starts_with(mark)) {
        return *content;
    }
    if start.get(257..262) == Some(b"ustar") {
        return Content::Archive("tar");
    }
    if start.iter().all(|b| *b == 0) {
        return Content::Zeros;
    }
    if let Some(power) = (MIN_K..=MAX_K).find(|p| length == challenge(*p)) {
        return Content::Challenge { power };
    }
    if let Some(power) = (MIN_K..=MAX_K).find(|p| length == response(*p)) {
        return Content::Response { power };
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    match text.first() {
        Some(b'<') => Content::Page,
        Some(b'{' | b'[') => Content::Json,
        _ if text.len() >= 4
            && text
                .iter()
                .all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n')) =>
        {
            Content::Text
        }
        _ => Content::Unknown,
    }
}

/// The length of a ceremony's challenge of `2^power` powers: a hash, and uncompressed points.
fn challenge(power: u32) -> u64 {
    let n = 1u64 << power;
    64 + (2 * n - 1) * 64 + n * 128 + 2 * n * 64 + 128
}

/// The length of a participant's response: a hash, compressed points, and a public key.
fn response(power: u32) -> u64 {
    let n = 1u64 << power;
    64 + (2 * n - 1) * 32 + n * 64 + 2 * n * 32 + 64 + 6 * 64 + 3 * 128
}
