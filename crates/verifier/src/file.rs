//! A proof in a file, with what it is for.

use crate::Error;

const MAGIC: &[u8; 8] = b"nanozkJ1";
/// Magic, statement, number of layers.
const HEADER: usize = 8 + 32 + 4;

/// A joint proof, with what it is for. It stays undecoded until a claim says how long it has to be
/// ([`super::CheckedClaim::open`]): whoever wrote the file does not decide what it costs to look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    /// Statement digest it was made for.
    pub statement: [u8; 32],
    /// Layers, from zero, in increasing order.
    pub layers: Vec<u32>,
    /// The proof, encoded.
    pub proof: Vec<u8>,
}

impl ProofFile {
    /// `"nanozkJ1" ‖ statement ‖ number of layers ‖ layers ‖ proof`, numbers with four bytes, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.statement);
        let count = u32::try_from(self.layers.len()).expect("few layers");
        bytes.extend(count.to_be_bytes());
        bytes.extend(self.layers.iter().flat_map(|layer| layer.to_be_bytes()));
        bytes.extend(&self.proof);
        bytes
    }

    /// Reads what [`Self::to_bytes`] writes. Whether the proof is valid is another question.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let short = Error::Malformed("the file is too short for a joint proof");
        if bytes.get(..MAGIC.len()) != Some(MAGIC) {
            return Err(Error::Malformed("the file is no joint proof"));
        }
        let statement = bytes.get(8..40).and_then(|b| b.try_into().ok());
        let count = bytes.get(40..HEADER).and_then(|b| b.try_into().ok());
        let (Some(statement), Some(count)) = (statement, count) else {
            return Err(short);
        };
        let count = u32::from_be_bytes(count) as usize;
        let rest = bytes.get(HEADER..).unwrap_or_default();
        let Some(layers) = count.checked_mul(4).and_then(|length| rest.get(..length)) else {
            return Err(short);
        };
        let proof = rest.get(4 * count..).unwrap_or_default();
        let number = |b: &[u8]| b.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b));
        Ok(Self {
            statement,
            layers: layers.chunks_exact(4).map(number).collect(),
            proof: proof.to_vec(),
        })
    }
}
