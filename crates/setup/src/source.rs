//! Bounded reading: nothing is allocated before the source is known to hold it.

use std::io::{Read, Seek, SeekFrom};

use crate::error::Error;

/// A reader of known length.
pub(crate) struct Source<'a, R> {
    reader: &'a mut R,
    len: u64,
    position: u64,
}

impl<'a, R: Read + Seek> Source<'a, R> {
    /// Starts at the beginning of `reader`.
    pub(crate) fn new(reader: &'a mut R) -> Result<Self, Error> {
        let read = |source| Error::Read { source };
        let len = reader.seek(SeekFrom::End(0)).map_err(read)?;
        reader.seek(SeekFrom::Start(0)).map_err(read)?;
        Ok(Self {
            reader,
            len,
            position: 0,
        })
    }

    /// The length of the whole source.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Where the next byte is read.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes follow.
    pub(crate) fn left(&self) -> u64 {
        self.len - self.position
    }

    /// Fails unless `bytes` more bytes follow.
    pub(crate) fn require(&self, what: &'static str, bytes: u64) -> Result<(), Error> {
        if self.left() < bytes {
            return Err(Error::Truncated {
                what,
                expected: bytes,
                got: self.left(),
            });
        }
        Ok(())
    }

    /// Moves to a position inside the source.
    pub(crate) fn seek(&mut self, position: u64) -> Result<(), Error> {
        self.reader
            .seek(SeekFrom::Start(position))
            .map_err(|source| Error::Read { source })?;
        self.position = position;
        Ok(())
    }

    /// Moves over `bytes` bytes.
    pub(crate) fn skip(&mut self, what: &'static str, bytes: u64) -> Result<(), Error> {
        self.require(what, bytes)?;
        self.seek(self.position + bytes)
    }

    /// Reads `bytes` bytes.
    pub(crate) fn bytes(&mut self, what: &'static str, bytes: u64) -> Result<Vec<u8>, Error> {
        self.require(what, bytes)?;
        let mut buffer = vec![0; bytes as usize];
        self.fill(&mut buffer)?;
        Ok(buffer)
    }

    /// Reads `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Error> {
        self.require(what, N as u64)?;
        let mut buffer = [0; N];
        self.fill(&mut buffer)?;
        Ok(buffer)
    }

    /// Reads a 32-bit number, little endian.
    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, Error> {
        self.array(what).map(u32::from_le_bytes)
    }

    /// Reads a 64-bit number, little endian.
    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, Error> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        self.reader
            .read_exact(buffer)
            .map_err(|source| Error::Read { source })?;
        self.position += buffer.len() as u64;
        Ok(())
    }
}
