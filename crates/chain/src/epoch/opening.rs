//! What is sent with the proof of an epoch's draws, and the page that it is about.

use super::{Books, Committed};
use crate::bindings::epochs::{self, Openings};
use crate::claim::{program_of, word};
use crate::client::{Call, Client};
use crate::error::Error;
use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, Bytes, keccak256};
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::{CheckedManifest, Claim, FinalFile, RegisteredProgram};

/// Bytes of the head of a page, behind the STOP.
const HEAD: usize = 160;
/// Bytes of a program on a page.
const PROGRAM: usize = 66;
/// Nodes that one is over, at most.
const FOLD: usize = 3;

/// A page of a version: what epochs need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where.
    pub address: Address,
    /// Audit weights of all layers.
    pub weights: Vec<u32>,
    /// Programs, 66 bytes each: first layer, number of layers, key, weights.
    programs: Vec<[u8; PROGRAM]>,
}

impl Page {
    /// Reads one.
    ///
    /// # Errors
    /// Of the node, or if there is no page at the address.
    pub fn read(client: &Client, address: Address) -> Result<Self, Error> {
        let code = client.code(address)?;
        Self::parse(address, &code).ok_or_else(|| Error::NotTheContract {
            address,
            reason: "it is no page of a version".into(),
        })
    }

    fn parse(address: Address, code: &[u8]) -> Option<Self> {
        // The verifier's address is in front of both counts.
        let count = |at: usize| {
            Some(usize::from(u16::from_be_bytes(
                code.get(at..at + 2)?.try_into().ok()?,
            )))
        };
        let (layers, programs) = (count(1 + 64 + 20)?, count(1 + 64 + 22)?);
        let body = code.get(1 + HEAD..)?;
        let (sums, rest) = (body.get(..4 * layers)?, body.get(4 * layers..)?);
        if rest.len() != PROGRAM * programs {
            return None;
        }
        let sums = sums
            .chunks_exact(4)
            .map(|sum| sum.try_into().map(u32::from_be_bytes));
        let sums: Vec<u32> = sums.collect::<Result<_, _>>().ok()?;
        let before = [0].iter().chain(&sums);
        let weights = sums
            .iter()
            .zip(before)
            .map(|(sum, before)| sum.checked_sub(*before));
        let programs = rest.chunks_exact(PROGRAM).map(TryInto::try_into);
        Some(Self {
            address,
            weights: weights.collect::<Option<_>>()?,
            programs: programs.collect::<Result<_, _>>().ok()?,
        })
    }

    /// Number of a program on it.
    fn place(&self, program: &RegisteredProgram) -> Option<u8> {
        let bytes = [
            // A page has no program beyond these.
            &[
                u8::try_from(program.first).ok()?,
                u8::try_from(program.count).ok()?,
            ],
            word(&program.key).as_slice(),
            &word(&program.weights),
        ]
        .concat();
        let place = self.programs.iter().position(|own| own[..] == bytes)?;
        u8::try_from(place).ok()
    }

    /// Refuses a page that lacks programs of a model's single layers, which draws are proved by.
    ///
    /// # Errors
    /// Says which is missing.
    pub fn check(&self, manifest: &CheckedManifest) -> Result<(), Error> {
        let mut single = manifest.manifest().programs.iter().filter(|p| p.count == 1);
        match single.find(|p| self.place(p).is_none()) {
            None => Ok(()),
            Some(program) => Err(Error::Mismatch(format!(
                "the page {} lacks a program of layer {}: an epoch that is committed to under it cannot be proved",
                self.address, program.first
            ))),
        }
    }
}

/// The call that writes a page of a version: the programs of single layers of its model.
///
/// # Errors
/// If they are more than a page has room for.
pub fn enroll(books: &Books, version: B256, manifest: &CheckedManifest) -> Result<Call, Error> {
    let all = &manifest.manifest().programs;
    let tree = manifest.manifest().program_tree();
    let single = all.iter().enumerate().filter(|(_, p)| p.count == 1);
    let (mut programs, mut paths) = (Vec::new(), Vec::new());
    for (number, program) in single {
        programs.push(program_of(program));
        paths.push(tree.path(number).into_iter().map(B256::from).collect());
    }
    if programs.len() > usize::from(u8::MAX) + 1 {
        return Err(Error::Mismatch(format!(
            "the model has {} programs of single layers, a page has room for 256",
            programs.len()
        )));
    }
    let call = epochs::enrollCall {
        version,
        programs,
        paths,
    };
    Ok(Call::new(
        "writing the page of a version",
        books.book,
        &call,
    ))
}

/// What is fixed of the drawn answers: Keccak-256 of the digests of their activation commitments, by rising place.
///
/// # Errors
/// If a commitment is at infinity.
pub fn commitments(claims: &[Claim]) -> Result<B256, Error> {
    let mut all = Vec::with_capacity(32 * claims.len());
    for claim in claims {
        all.extend(word(&claim.activations_digest()?));
    }
    Ok(keccak256(all))
}

/// A drawn answer.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// Its place.
    pub index: u32,
    /// Its claim.
    pub claim: &'a Claim,
}

/// What opens the draws of an epoch.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The epoch.
    pub epoch: &'a Committed,
    /// What was fixed of it.
    pub fixed: &'a epochs::FixedDraws,
    /// Header of the block that layers are drawn from; empty if they were drawn by a call before.
    pub header: &'a [u8],
    /// The epoch's page.
    pub page: &'a Page,
    /// Its model.
    pub manifest: &'a CheckedManifest,
    /// Drawn answers, by rising place.
    pub drawn: &'a [Drawn<'a>],
    /// What leads from their statements to the root.
    pub siblings: &'a [B256],
}

impl Opening<'_> {
    /// As the contract takes it, with a final proof of one layer of each drawn answer.
    ///
    /// # Errors
    /// If the proof is of other claims or of other programs.
    pub fn typed(&self, file: &FinalFile) -> Result<Openings, Error> {
        if file.claims.len() != self.drawn.len() {
            return Err(Error::Mismatch(format!(
                "the proof is about {} answers, {} were drawn",
                file.claims.len(),
                self.drawn.len()
            )));
        }
        let mut records = Vec::new();
        for (said, drawn) in file.claims.iter().zip(self.drawn) {
            let claim = drawn.claim;
            let [window] = &said.windows[..] else {
                return Err(Error::Mismatch(format!(
                    "the proof is of {} parts of answer {}, where one is needed",
                    said.windows.len(),
                    drawn.index
                )));
            };
            if said.statement.0 != claim.statement() {
                return Err(Error::Mismatch(format!(
                    "the proof is of another answer than {}",
                    drawn.index
                )));
            }
            let generated = claim.generated_tokens as usize;
            let program = self
                .manifest
                .registered((window.first, window.count), generated);
            let place = program.and_then(|(_, program)| self.page.place(program));
            let place = place.ok_or_else(|| {
                Error::Mismatch(format!(
                    "the page {} lacks the program of layer {} that answer {} takes",
                    self.page.address, window.first, drawn.index
                ))
            })?;
            let words = claim.activation_words();
            let last = words.last().map(word).unwrap_or_default();
            records.extend(&drawn.index.to_be_bytes()[1..]);
            records.push(place);
            // No session has more positions.
            for tokens in [claim.prompt_tokens, claim.generated_tokens] {
                records.extend(u16::try_from(tokens).unwrap_or(u16::MAX).to_be_bytes());
            }
            // At zero the fingerprint of words is the last one, the upper half of a coordinate.
            records.extend(&last[16..]);
            for digest in [
                &claim.input_digest,
                &claim.output_digest,
                &claim.activations_digest()?,
                &window.digest,
            ] {
                records.extend(word(digest));
            }
        }
        let digests = by_levels(&file.tree.shape.0, &file.tree.digests)?;
        Ok(Openings {
            seed: self.fixed.seed,
            fixedAt: self.fixed.fixedAt,
            drawBlock: U48::from(self.fixed.drawBlock),
            header: Bytes::copy_from_slice(self.header),
            records: records.into(),
            siblings: self
                .siblings
                .iter()
                .flat_map(|s| s.0)
                .collect::<Vec<u8>>()
                .into(),
            digests: digests.iter().map(|d| B256::from(word(d))).collect(),
        })
    }
}

/// Digests of nodes over nodes, level by level from the left, of a tree in postfix.
fn by_levels(shape: &[u8], digests: &[Scalar]) -> Result<Vec<Scalar>, Error> {
    let other =
        || Error::Mismatch("the proof's nodes lie otherwise than contracts take them".into());
    // Of each node: how many are below it in all levels, and the digests of nodes over nodes among them by level.
    let mut stack: Vec<Vec<usize>> = Vec::new();
    let mut made: Vec<(usize, usize, Scalar)> = Vec::new();
    let mut leaves = 0;
    let mut digests = digests.iter();
    for &n in shape {
        if n == 0 {
            stack.push(vec![leaves]);
            leaves += 1;
            continue;
        }
        let from = stack.len().checked_sub(n.into()).ok_or_else(other)?;
        let below: Vec<usize> = stack.drain(from..).flatten().collect();
        let (first, last) = below.first().zip(below.last()).ok_or_else(other)?;
        made.push((*first, *last, *digests.next().ok_or_else(other)?));
        stack.push(below);
    }
    // By threes, level by level; one or two that are left over go up alone, unless two are all.
    let mut nodes: Vec<(usize, usize)> = (0..leaves).map(|leaf| (leaf, leaf)).collect();
    let mut ordered = Vec::with_capacity(made.len());
    while nodes.len() > 1 {
        let whole = match nodes.len() {
            2 => 2,
            n => n / FOLD * FOLD,
        };
        let mut above = Vec::new();
        for group in nodes[..whole].chunks(FOLD) {
            let (first, last) = (group[0].0, group[group.len() - 1].1);
            let found = made.iter().find(|(a, b, _)| (*a, *b) == (first, last));
            ordered.push(found.ok_or_else(other)?.2);
            above.push((first, last));
        }
        above.extend(&nodes[whole..]);
        nodes = above;
    }
    match (stack.len(), ordered.len() == made.len()) {
        (1, true) => Ok(ordered),
        _ => Err(other()),
    }
}

/// The call that proves the draws of an epoch, and redeems vouchers.
pub fn prove(
    books: &Books,
    epoch: &Committed,
    openings: Openings,
    file: &FinalFile,
    payments: Vec<epochs::Payment>,
) -> Call {
    let call = epochs::proveCall {
        epoch: epoch.epoch.clone(),
        openings,
        proof: Bytes::from(file.proof.0.clone()),
        payments,
    };
    let what = format!(
        "proving the {} draws of epoch {}",
        epoch.terms.draws, epoch.terms.number
    );
    Call::new(what, books.book, &call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanozk_verifier::encoding::scalar_from_bytes;

    fn scalar(i: u8) -> Scalar {
        let mut bytes = [0; 32];
        bytes[31] = i;
        Scalar(scalar_from_bytes(&bytes).expect("small"))
    }

    /// Trees as the prover makes them (`test/golden/trees.json`), with the digests' places level by level.
    #[test]
    fn digests_are_level_by_level() {
        let cases: [(&[u8], &[u8]); 5] = [
            (&[0], &[]),
            (&[0, 0, 2], &[0]),
            (&[0, 0, 0, 3, 0, 2], &[0, 1]),
            (&[0, 0, 0, 3, 0, 0, 3], &[0, 1]),
            // Ten: three nodes over three, then one over these, then one over it and the tenth.
            (
                &[0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 3, 0, 2],
                &[0, 1, 2, 3, 4],
            ),
        ];
        for (shape, expected) in cases {
            let digests: Vec<Scalar> = (0..expected.len() as u8).map(scalar).collect();
            let expected: Vec<Scalar> = expected.iter().copied().map(scalar).collect();
            assert_eq!(
                by_levels(shape, &digests).expect("the prover's"),
                expected,
                "{shape:?}"
            );
        }
        // Seven nodes over threes, four above: not in postfix order.
        let shape = [
            0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 3, 0, 0, 0, 3, 0, 0, 0, 3, 0, 2, 3,
        ];
        assert!(by_levels(&shape, &[]).is_err());
        let shape = [
            0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 3, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 3, 2,
        ];
        let digests: Vec<Scalar> = (0..9).map(scalar).collect();
        let expected = [0, 1, 2, 4, 5, 6, 3, 7, 8].map(scalar);
        assert_eq!(by_levels(&shape, &digests).expect("the prover's"), expected);
        // Other trees.
        for (shape, n) in [(&[0u8, 0, 2, 0, 2][..], 2u8), (&[0, 2], 1), (&[0, 0], 0)] {
            let digests: Vec<Scalar> = (0..n).map(scalar).collect();
            assert!(by_levels(shape, &digests).is_err(), "{shape:?}");
        }
    }
}
