//! What a proof consists of, and its two encodings.
//!
//! Both list the elements in the order of the transcript, without a header; the number of each
//! follows from the verifying key. Every proof has exactly one encoding of each sort.

use crate::encoding::*;
use crate::error::{Element, Error, Malformed, Sort};
use crate::key::{Layout, Slot, VerifyingKey};
use crate::transcript::TranscriptKind;
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_circuits::ir::{Column, Kind};

/// A proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How its challenges are derived.
    pub transcript: TranscriptKind,
    /// Commitments to the first-phase columns.
    pub first: Vec<G1Affine>,
    /// Commitments to the second-phase columns.
    pub second: Vec<G1Affine>,
    /// Commitments to the pieces of the quotient.
    pub quotient: [G1Affine; 2],
    /// Values of the opened cells.
    pub evals: Vec<Fr>,
    /// The opening argument's commitments: the quotient of all claims, and that at `z`.
    pub opening: [G1Affine; 2],
}

impl Proof {
    /// Length of [`Proof::to_bytes`] under a key.
    pub fn byte_length(layout: &Layout) -> usize {
        WORD * (layout.first.len() + layout.second.len() + 4 + layout.openings.len())
    }

    /// Length of [`Proof::to_calldata`] under a key.
    pub fn calldata_length(layout: &Layout) -> usize {
        WORD * (2 * (layout.first.len() + layout.second.len() + 4) + layout.openings.len())
    }

    /// Compressed points and scalars, 32 bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode(|out, point| out.extend(point_compressed(point)))
    }

    /// Uncompressed points and scalars, in words of 32 bytes as contracts take them.
    pub fn to_calldata(&self) -> Vec<u8> {
        self.encode(|out, point| out.extend(point_to_words(point).as_flattened()))
    }

    /// The proof that [`Proof::to_bytes`] encodes.
    pub fn from_bytes(
        vk: &VerifyingKey,
        transcript: TranscriptKind,
        bytes: &[u8],
    ) -> Result<Self, Error> {
        check_length(Self::byte_length(vk.layout()), bytes)?;
        Self::decode(vk.layout(), transcript, bytes, |words| {
            point_decompressed(&words.next())
        })
    }

    /// The proof that [`Proof::to_calldata`] encodes.
    pub fn from_calldata(
        vk: &VerifyingKey,
        transcript: TranscriptKind,
        bytes: &[u8],
    ) -> Result<Self, Error> {
        check_length(Self::calldata_length(vk.layout()), bytes)?;
        Self::decode(vk.layout(), transcript, bytes, |words| {
            let x = words.next();
            point_from_words(x, words.next())
        })
    }

    /// [`Proof::to_calldata`] of the proof that [`Proof::to_bytes`] encodes: for whoever sends proofs and has no key.
    pub fn calldata_of(layout: &Layout, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        check_length(Self::byte_length(layout), bytes)?;
        // Both encodings are the same for all transcripts.
        let proof = Self::decode(layout, TranscriptKind::Keccak, bytes, |words| {
            point_decompressed(&words.next())
        })?;
        Ok(proof.to_calldata())
    }

    fn encode(&self, point: impl Fn(&mut Vec<u8>, &G1Affine)) -> Vec<u8> {
        let mut out = Vec::new();
        for p in self.first.iter().chain(&self.second).chain(&self.quotient) {
            point(&mut out, p);
        }
        out.extend(self.evals.iter().flat_map(scalar_to_bytes));
        for p in &self.opening {
            point(&mut out, p);
        }
        out
    }

    /// `bytes` has the right length.
    fn decode(
        layout: &Layout,
        transcript: TranscriptKind,
        bytes: &[u8],
        point: impl Fn(&mut Words<'_>) -> Result<G1Affine, Malformed>,
    ) -> Result<Self, Error> {
        let mut words = Words(bytes);
        let point = |element: Element, words: &mut Words<'_>| {
            point(words).map_err(|reason| Error::Decode { element, reason })
        };
        let points = |count: usize, element: Sort, words: &mut Words<'_>| {
            (0..count)
                .map(|i| point(element(i), words))
                .collect::<Result<Vec<_>, _>>()
        };
        let first = points(layout.first.len(), Element::First, &mut words)?;
        let second = points(layout.second.len(), Element::Second, &mut words)?;
        let quotient = points(2, Element::Quotient, &mut words)?;
        let scalar = |i| {
            scalar_from_bytes(&words.next()).map_err(|reason| Error::Decode {
                element: Element::Evaluation(i),
                reason,
            })
        };
        let evals = (0..layout.openings.len())
            .map(scalar)
            .collect::<Result<_, _>>()?;
        let opening = points(2, Element::Opening, &mut words)?;
        Ok(Proof {
            transcript,
            first,
            second,
            quotient: [quotient[0], quotient[1]],
            evals,
            opening: [opening[0], opening[1]],
        })
    }

    /// The right number of each element, and only points a decoder accepts.
    pub(crate) fn check(&self, layout: &Layout) -> Result<(), Error> {
        let counts: [(Sort, usize, usize); 3] = [
            (Element::First, layout.first.len(), self.first.len()),
            (Element::Second, layout.second.len(), self.second.len()),
            (Element::Evaluation, layout.openings.len(), self.evals.len()),
        ];
        for (element, expected, got) in counts {
            if expected != got {
                let last = element(expected.saturating_sub(1));
                return Err(Error::WrongShape {
                    last,
                    expected,
                    got,
                });
            }
        }
        let points: [(Sort, &[G1Affine]); 4] = [
            (Element::First, &self.first),
            (Element::Second, &self.second),
            (Element::Quotient, &self.quotient),
            (Element::Opening, &self.opening),
        ];
        for (element, points) in points {
            for (i, p) in points.iter().enumerate() {
                check_point(p).map_err(|reason| Error::Decode {
                    element: element(i),
                    reason,
                })?;
            }
        }
        Ok(())
    }

    /// Commitment to a column, from the proof or the key.
    ///
    /// # Panics
    /// If the proof is not of this key's shape; decoded and verified proofs are.
    pub fn commitment(&self, vk: &VerifyingKey, column: Column) -> G1Affine {
        match vk.layout().slots[column.0 as usize] {
            Slot::Fixed(i) => vk.fixed_commitments()[i],
            Slot::First(i) => self.first[i],
            Slot::Second(i) => self.second[i],
        }
    }

    /// Commitments to the columns of a kind, ascending. Panics as [`Proof::commitment`] does.
    pub fn commitments(&self, vk: &VerifyingKey, kind: Kind) -> Vec<G1Affine> {
        vk.program()
            .columns_of(kind)
            .map(|c| self.commitment(vk, c))
            .collect()
    }

    /// Commitments to the weights. Panics as [`Proof::commitment`] does.
    pub fn weight_commitments(&self, vk: &VerifyingKey) -> Vec<G1Affine> {
        self.commitments(vk, Kind::Weight)
    }

    /// Commitment to the activations that enter, in the first column of that kind if there is one.
    /// Panics as [`Proof::commitment`] does.
    pub fn input_commitment(&self, vk: &VerifyingKey) -> Option<G1Affine> {
        vk.program()
            .columns_of(Kind::Input)
            .next()
            .map(|c| self.commitment(vk, c))
    }

    /// Commitment to the activations that leave, in the first column of that kind if there is one.
    /// Panics as [`Proof::commitment`] does.
    pub fn output_commitment(&self, vk: &VerifyingKey) -> Option<G1Affine> {
        vk.program()
            .columns_of(Kind::Output)
            .next()
            .map(|c| self.commitment(vk, c))
    }
}

pub(crate) fn check_length(expected: usize, bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() != expected {
        return Err(Error::WrongLength {
            expected,
            got: bytes.len(),
        });
    }
    Ok(())
}

/// Words still to be read; as many as needed, since the length was checked.
pub(crate) struct Words<'a>(pub(crate) &'a [u8]);

impl Words<'_> {
    pub(crate) fn next(&mut self) -> [u8; WORD] {
        let (word, rest) = self.0.split_first_chunk().expect("the length was checked");
        self.0 = rest;
        *word
    }
}
