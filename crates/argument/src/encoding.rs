//! The encoding of a proof, of which each proof has one.
//!
//! Words of 32 bytes, numbers big-endian:
//!
//! | words | content |
//! |---|---|
//! | 1 | [`MAGIC`], which names the version; the number of points `p` and of scalars `s`, 8 bytes each |
//! | `p` | points, compressed |
//! | `s` | scalars |
//! | 14 | the [opening](nanozk_kzg::opening::Opening::to_bytes): 8 points, 6 scalars |
//!
//! Nothing may follow. Both counts follow from the program ([`Proof::byte_length`]), and the verifier refuses others; they are
//! in the first word so that a proof can be read without its program. Points are compressed: half as long, for a square root each,
//! which is a fraction of what the verifier's multi-scalar multiplication takes.

use crate::Proof;
use crate::soundness::Outline;
use nanozk_circuit::{Layout, Program};
use nanozk_kzg::opening::{Opening, PROOF_BYTES};
use nanozk_transcript::Malformed;
use nanozk_transcript::encoding::{
    WORD, point_compressed, point_decompressed, scalar_from_bytes, scalar_to_bytes,
};

/// What an encoding begins with.
pub const MAGIC: [u8; 16] = *b"nanozk joint 002";

/// Bytes of a count.
const COUNT: usize = 8;

/// Bytes are no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Another format, or another version.
    #[error("this is no joint proof of a known version")]
    Magic,
    /// Bytes are missing, or there are too many.
    #[error("a proof of {points} points and {scalars} scalars has another length than {got} bytes")]
    Length {
        /// Of the first word.
        points: u64,
        /// Of the first word.
        scalars: u64,
        /// Given.
        got: usize,
    },
    /// A point.
    #[error("point {index}: {reason}")]
    Point {
        /// Which.
        index: usize,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// A scalar.
    #[error("scalar {index}: {reason}")]
    Scalar {
        /// Which.
        index: usize,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// An element of the opening.
    #[error("the opening: {0}")]
    Opening(Malformed),
}

impl Proof {
    /// Points and scalars before the opening, of a program's proofs.
    pub fn counts(program: &Program, layout: &Layout) -> (usize, usize) {
        let outline = Outline::new(program, layout);
        (outline.points, outline.scalars)
    }

    /// Length of [`Proof::to_bytes`] of a program's proofs.
    pub fn byte_length(program: &Program, layout: &Layout) -> usize {
        let (points, scalars) = Self::counts(program, layout);
        WORD * (1 + points + scalars) + PROOF_BYTES
    }

    /// The encoding. Proofs with points that no proof can have (at infinity, or not on the curve) have none: what is returned
    /// for them is refused, or another proof's.
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = 1 + self.points.len() + self.scalars.len();
        let mut bytes = Vec::with_capacity(WORD * words + PROOF_BYTES);
        bytes.extend(MAGIC);
        bytes.extend((self.points.len() as u64).to_be_bytes());
        bytes.extend((self.scalars.len() as u64).to_be_bytes());
        bytes.extend(self.points.iter().flat_map(point_compressed));
        bytes.extend(self.scalars.iter().flat_map(scalar_to_bytes));
        bytes.extend(self.opening.to_bytes());
        bytes
    }

    /// The proof of which these are [`Proof::to_bytes`]: no other bytes are accepted for it. Nothing is allocated before the
    /// counts are those of as many bytes as are given.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(DecodeError::Magic)?;
        let got = bytes.len();
        let header = rest
            .split_first_chunk::<COUNT>()
            .and_then(|(points, rest)| Some((points, rest.split_first_chunk::<COUNT>()?)));
        let Some((points, (scalars, rest))) = header else {
            let (points, scalars) = (0, 0);
            return Err(DecodeError::Length {
                points,
                scalars,
                got,
            });
        };
        let [points, scalars] = [points, scalars].map(|count| u64::from_be_bytes(*count));
        let wrong_length = DecodeError::Length {
            points,
            scalars,
            got,
        };
        let (words, opening) = rest.split_last_chunk::<PROOF_BYTES>().ok_or(wrong_length)?;
        let (words, trailing) = words.as_chunks::<WORD>();
        let expected = points.checked_add(scalars);
        if !trailing.is_empty() || expected != Some(words.len() as u64) {
            return Err(wrong_length);
        }
        let points = usize::try_from(points).map_err(|_| wrong_length)?;
        let (points, scalars) = words.split_at_checked(points).ok_or(wrong_length)?;
        let points = points
            .iter()
            .enumerate()
            .map(|(index, word)| {
                point_decompressed(word).map_err(|reason| DecodeError::Point { index, reason })
            })
            .collect::<Result<_, _>>()?;
        let scalars = scalars
            .iter()
            .enumerate()
            .map(|(index, word)| {
                scalar_from_bytes(word).map_err(|reason| DecodeError::Scalar { index, reason })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            points,
            scalars,
            opening: Opening::from_bytes(opening).map_err(DecodeError::Opening)?,
        })
    }
}
