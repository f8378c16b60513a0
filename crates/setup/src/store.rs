//! Setups on disk.
//!
//! A stored setup is a header, the powers in the first group, the two points of the second, and the
//! BLAKE3 digest of all bytes before it. Points are uncompressed, coordinates in Montgomery form,
//! little endian. The header, little endian:
//!
//! | bytes | content |
//! |-------|---------|
//! | 8 | `nzksetup` |
//! | 4 | version |
//! | 4 | `k` |
//! | 32 | id |
//! | 1 | origin: 0 development, 1 ceremony |
//! | 32 | of a ceremony: digest of its file |
//! | 1 and as many as it says | of a ceremony: length of its name, name |
//!
//! The digest detects accidents. Against someone who can write to the directory the id protects,
//! which the keys of circuits carry, so that a different secret does not fit them. It does not bind
//! the other points: checks whose time depends on the size are left out when loading, and made by
//! [`Setup::check`] where another's proofs are judged.
//!
//! Version 1 had the Lagrange basis behind the powers. A setup of another version is not read: that of
//! the development setup is made again, and one of a ceremony has to be imported again.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

use halo2curves::serde::SerdeObject;
use tempfile::NamedTempFile;

use crate::error::{Error, Hex, Points};
use crate::parts::{MAX_K, Parts, check_size};
use crate::points::{Encoding, decode_g1, decode_g2};
use crate::source::Source;
use crate::{CeremonyFile, DEVELOPMENT_ID, DEVELOPMENT_SEED, Origin, Setup};

const MAGIC: [u8; 8] = *b"nzksetup";
const VERSION: u32 = 2;
const MAX_NAME: usize = u8::MAX as usize;
const CHECKSUM_BYTES: u64 = 32;

/// A directory of setups: the development setup and one ceremony, both in any number of sizes.
///
/// Files are replaced as a whole, so that processes may share a directory.
#[derive(Clone, Debug)]
pub struct SetupStore {
    dir: PathBuf,
}

/// Which of the setups of a size.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Development,
    Ceremony,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Development => "development-",
            Self::Ceremony => "ceremony-",
        }
    }
}

const SUFFIX: &str = ".setup";

/// The header of a stored setup.
struct Header {
    k: u32,
    id: [u8; 32],
    origin: Origin,
}

impl SetupStore {
    /// The store in `dir`, which is created when something is written to it.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory of the store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The insecure development setup of size `2^k`, from the store if it is there and intact;
    /// otherwise it is made and stored.
    ///
    /// Fails if it cannot be stored; [`Setup::development`] needs no store.
    pub fn load_or_create_development(&self, k: u32) -> Result<Setup, Error> {
        check_size(k)?;
        let path = self.path(Kind::Development, k);
        match load(&path, Kind::Development, k) {
            Ok(Some(setup)) => return Ok(setup),
            // What is known to be reproducible is not worth an error.
            Ok(None)
            | Err(
                Error::OtherVersion { .. }
                | Error::Checksum { .. }
                | Error::Header { .. }
                | Error::Stored { .. },
            ) => {}
            Err(error) => return Err(error),
        }
        let setup = Setup::development(k, DEVELOPMENT_SEED)?;
        self.save(&setup)?;
        Ok(setup)
    }

    /// Reads the setup of size `2^k` out of the published file of a ceremony as
    /// [`Setup::from_file`] does, and stores it for [`SetupStore::load`].
    ///
    /// A store has one ceremony: a different one is refused.
    pub fn import(
        &self,
        path: &Path,
        name: &str,
        k: u32,
        blake2b: Option<&[u8; 64]>,
    ) -> Result<(Setup, CeremonyFile), Error> {
        if name.len() > MAX_NAME {
            return Err(Error::NameTooLong {
                max: MAX_NAME,
                got: name.len(),
            });
        }
        let (setup, file) = Setup::from_file(path, name, k, blake2b)?;
        for stored in self.ceremony_ids()? {
            if stored != setup.id {
                return Err(Error::OtherCeremony {
                    expected: stored,
                    got: setup.id,
                });
            }
        }
        self.save(&setup)?;
        Ok((setup, file))
    }

    /// The setup of size `2^k` of the imported ceremony.
    pub fn load(&self, k: u32) -> Result<Setup, Error> {
        check_size(k)?;
        let path = self.path(Kind::Ceremony, k);
        load(&path, Kind::Ceremony, k)?.ok_or(Error::NotInStore { k, path })
    }

    /// The smallest setup of the imported ceremony that has `2^k` powers or more. One of another version is passed over, and
    /// the error if there is no other.
    pub fn load_at_least(&self, k: u32) -> Result<Setup, Error> {
        let mut other_version = None;
        for k in k..=MAX_K {
            match self.load(k) {
                Err(Error::NotInStore { .. }) => {}
                Err(error @ Error::OtherVersion { .. }) => {
                    other_version.get_or_insert(error);
                }
                found => return found,
            }
        }
        other_version.map_or_else(|| self.load(k), Err)
    }

    fn path(&self, kind: Kind, k: u32) -> PathBuf {
        self.dir.join(format!("{}{k}{SUFFIX}", kind.prefix()))
    }

    /// The ids that the ceremony files of the store claim. Files without a valid header claim none.
    fn ceremony_ids(&self) -> Result<Vec<[u8; 32]>, Error> {
        let failed = |source| Error::File {
            action: "list",
            path: self.dir.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let is_ceremony = name.to_str().is_some_and(|name| {
                name.starts_with(Kind::Ceremony.prefix()) && name.ends_with(SUFFIX)
            });
            if !is_ceremony {
                continue;
            }
            let path = entry.path();
            let file = File::open(&path).map_err(|source| Error::File {
                action: "open",
                path: path.clone(),
                source,
            })?;
            let mut reader = BufReader::new(file);
            let mut source = Source::new(&mut reader)?;
            ids.extend(Header::read(&mut source).map(|header| header.id).ok());
        }
        Ok(ids)
    }

    fn save(&self, setup: &Setup) -> Result<(), Error> {
        let kind = match setup.is_development() {
            true => Kind::Development,
            false => Kind::Ceremony,
        };
        self.replace(&self.path(kind, setup.k()), |file| write(setup, file))
    }

    /// Writes a file so that at every moment its path has the old content or the new.
    fn replace(
        &self,
        path: &Path,
        content: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), Error> {
        fs::create_dir_all(&self.dir).map_err(|source| Error::File {
            action: "create the directory",
            path: self.dir.clone(),
            source,
        })?;
        let written = (|| {
            // Removed when dropped, unless it was renamed.
            let mut file = NamedTempFile::new_in(&self.dir)?;
            content(file.as_file_mut())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
            // The new name is durable when the directory is.
            #[cfg(unix)]
            File::open(&self.dir)?.sync_all()?;
            Ok(())
        })();
        written.map_err(|source| Error::File {
            action: "write",
            path: path.to_owned(),
            source,
        })
    }
}

impl Header {
    fn write<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&MAGIC)?;
        writer.write_all(&VERSION.to_le_bytes())?;
        writer.write_all(&self.k.to_le_bytes())?;
        writer.write_all(&self.id)?;
        match &self.origin {
            Origin::Development => writer.write_all(&[0]),
            Origin::Ceremony { file_digest, name } => {
                let length = u8::try_from(name.len())
                    .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
                writer.write_all(&[1])?;
                writer.write_all(file_digest)?;
                writer.write_all(&[length])?;
                writer.write_all(name.as_bytes())
            }
        }
    }

    /// Reads a header and stops behind it.
    fn read<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<Self, HeaderError> {
        const WHAT: &str = "the header";
        let invalid = |field, expected: String, got: String| HeaderError::Field {
            field,
            expected,
            got,
        };
        let magic: [u8; 8] = source.array(WHAT)?;
        if magic != MAGIC {
            return Err(invalid(
                "magic",
                Hex(&MAGIC).to_string(),
                Hex(&magic).to_string(),
            ));
        }
        let version = source.u32(WHAT)?;
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        let k = source.u32(WHAT)?;
        check_size(k)?;
        let id = source.array(WHAT)?;
        let origin = match source.array(WHAT)? {
            [0] => Origin::Development,
            [1] => {
                let file_digest = source.array(WHAT)?;
                let [length] = source.array(WHAT)?;
                let name = source.bytes(WHAT, length.into())?;
                let name = String::from_utf8(name).map_err(|error| {
                    invalid("name", "UTF-8".into(), Hex(error.as_bytes()).to_string())
                })?;
                Origin::Ceremony { file_digest, name }
            }
            [other] => return Err(invalid("origin", "0 or 1".into(), other.to_string())),
        };
        Ok(Self { k, id, origin })
    }
}

/// An error of a header, before it is known of which file.
enum HeaderError {
    Version(u32),
    Field {
        field: &'static str,
        expected: String,
        got: String,
    },
    Other(Error),
}

impl From<Error> for HeaderError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl HeaderError {
    fn of(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Self::Version(got) => Error::OtherVersion {
                path,
                expected: VERSION,
                got,
            },
            Self::Field {
                field,
                expected,
                got,
            } => Error::Header {
                path,
                field,
                expected,
                got,
            },
            Self::Other(source) => Error::Stored {
                path,
                source: Box::new(source),
            },
        }
    }
}

/// A writer that keeps a digest of what it wrote.
struct Hashing<W> {
    writer: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn write<W: Write>(setup: &Setup, writer: W) -> io::Result<()> {
    let hashing = Hashing {
        writer,
        hasher: blake3::Hasher::new(),
    };
    let mut buffered = BufWriter::with_capacity(1 << 20, hashing);
    let header = Header {
        k: setup.k(),
        id: setup.id,
        origin: setup.origin.clone(),
    };
    header.write(&mut buffered)?;
    for point in setup.powers() {
        point.write_raw(&mut buffered)?;
    }
    for point in setup.g2() {
        point.write_raw(&mut buffered)?;
    }
    let mut hashing = buffered.into_inner().map_err(|error| error.into_error())?;
    let checksum = hashing.hasher.finalize();
    hashing.writer.write_all(checksum.as_bytes())?;
    hashing.writer.flush()
}

/// The stored setup at `path`, if the file exists.
fn load(path: &Path, kind: Kind, k: u32) -> Result<Option<Setup>, Error> {
    let failed = |action| {
        move |source| Error::File {
            action,
            path: path.to_owned(),
            source,
        }
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open")(error)),
    };
    let longest = longest_file(k);
    let length = file.metadata().map_err(failed("read"))?.len();
    let mut bytes = Vec::with_capacity(length.min(longest) as usize);
    let mut read_to = |bytes: &mut Vec<u8>, end: u64| {
        (&mut file)
            .take(end - bytes.len() as u64)
            .read_to_end(bytes)
            .map_err(failed("read"))
    };
    // The version first: files of another one have other lengths, and what is wrong with them is nothing but that.
    read_to(&mut bytes, VERSION_END)?;
    if let Some(got) = version(&bytes).filter(|got| *got != VERSION) {
        return Err(HeaderError::Version(got).of(path));
    }
    // A file that is longer than it can be is not read.
    if length > longest {
        return Err(Error::Stored {
            path: path.to_owned(),
            source: Box::new(Error::TrailingBytes {
                expected: longest,
                got: length,
            }),
        });
    }
    read_to(&mut bytes, longest)?;
    decode(path, &bytes, kind, k).map(Some)
}

/// Where a file's magic and version end.
const VERSION_END: u64 = MAGIC.len() as u64 + 4;

/// The version of a stored setup that begins so.
fn version(start: &[u8]) -> Option<u32> {
    let version = start.strip_prefix(&MAGIC)?.first_chunk()?;
    Some(u32::from_le_bytes(*version))
}

fn longest_file(k: u32) -> u64 {
    let header = VERSION_END + (4 + 32 + 1 + 32 + 1 + MAX_NAME) as u64;
    header + body_bytes(k) + CHECKSUM_BYTES
}

/// The length of the points: one of the second group takes as much as two of the first.
fn body_bytes(k: u32) -> u64 {
    ((1 << k) + 4) * Encoding::Raw.g1_bytes()
}

fn decode(path: &Path, bytes: &[u8], kind: Kind, k: u32) -> Result<Setup, Error> {
    let stored = |source| Error::Stored {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let (content, checksum) = bytes
        .split_last_chunk::<{ CHECKSUM_BYTES as usize }>()
        .ok_or_else(|| {
            stored(Error::Truncated {
                what: "the checksum",
                expected: CHECKSUM_BYTES,
                got: bytes.len() as u64,
            })
        })?;
    let digest: [u8; 32] = blake3::hash(content).into();
    if digest != *checksum {
        return Err(Error::Checksum {
            path: path.to_owned(),
            expected: *checksum,
            got: digest,
        });
    }

    let mut reader = Cursor::new(content);
    let mut source = Source::new(&mut reader).map_err(stored)?;
    let header = Header::read(&mut source).map_err(|error| error.of(path))?;
    let mismatch = |field, expected: String, got: String| Error::Header {
        path: path.to_owned(),
        field,
        expected,
        got,
    };
    if header.k != k {
        return Err(mismatch("k", k.to_string(), header.k.to_string()));
    }
    // The development setup cannot pass for a ceremony by its file being renamed or rewritten.
    let is_development = header.origin == Origin::Development;
    if is_development != (kind == Kind::Development) {
        let name = |development| match development {
            true => "development".to_owned(),
            false => "ceremony".to_owned(),
        };
        return Err(mismatch(
            "origin",
            name(kind == Kind::Development),
            name(is_development),
        ));
    }
    let parts = decode_body(&mut source, k).map_err(stored)?;
    let setup = Setup::new(parts, header.origin);
    if setup.id != header.id {
        return Err(mismatch(
            "id",
            Hex(&setup.id).to_string(),
            Hex(&header.id).to_string(),
        ));
    }
    match kind {
        Kind::Ceremony if setup.id == DEVELOPMENT_ID => Err(stored(Error::DevelopmentSecret)),
        Kind::Development if setup.id != DEVELOPMENT_ID => Err(mismatch(
            "id",
            Hex(&DEVELOPMENT_ID).to_string(),
            Hex(&setup.id).to_string(),
        )),
        _ => Ok(setup),
    }
}

fn decode_body<R: Read + Seek>(source: &mut Source<'_, R>, k: u32) -> Result<Parts, Error> {
    let end = source.position() + body_bytes(k);
    if source.len() > end {
        return Err(Error::TrailingBytes {
            expected: end,
            got: source.len(),
        });
    }
    // Decoding with checks costs little more than without.
    let point = Encoding::Raw.g1_bytes();
    let powers = source.bytes("the powers of tau in G1", point << k)?;
    let powers = decode_g1(Points::PowersG1, &powers, Encoding::Raw)?;
    let g2 = source.bytes("the powers of tau in G2", 4 * point)?;
    let g2 = decode_g2(&g2, Encoding::Raw)?;
    let parts = Parts { powers, g2 };
    parts.check_ends()?;
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_writes_leave_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = SetupStore::new(dir.path());
        let path = dir.path().join("development-2.setup");
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let failed = store.replace(&path, |file| {
            file.write_all(&[0; 1000])?;
            Err(full())
        });
        match failed {
            Err(Error::File {
                action: "write",
                path: at,
                source,
            }) => {
                assert_eq!(at, path);
                assert_eq!(source.kind(), full().kind());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

        // What was there stays.
        store.replace(&path, |file| file.write_all(b"old")).unwrap();
        store
            .replace(&path, |file| {
                file.write_all(b"new and longer")?;
                Err(full())
            })
            .unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_of_the_last_write_are_seen() {
        /// A disk with room for so many bytes.
        struct Disk(usize);

        impl Write for Disk {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                if self.0 == 0 {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let written = bytes.len().min(self.0);
                self.0 -= written;
                Ok(written)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let setup = Setup::development(2, DEVELOPMENT_SEED).unwrap();
        let needed = 49 + body_bytes(2) as usize + CHECKSUM_BYTES as usize;
        for room in [0, 48, 49, 500, needed - 32, needed - 1] {
            write(&setup, Disk(room)).unwrap_err();
        }
        write(&setup, Disk(needed)).unwrap();
    }
}
