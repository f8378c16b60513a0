//! The `.ptau` files of snarkjs.
//!
//! The container: the magic `ptau`, a version, a number of sections, and the sections, each with
//! its type (32 bits) and length (64 bits). All numbers are little endian. Of the sections three
//! are used, in whatever order they come:
//!
//! | type | content |
//! |------|---------|
//! | 1 | bytes per coordinate, the prime of the base field, power, power of the ceremony |
//! | 2 | `tau^i * G1` for `i < 2^(power+1) - 1` |
//! | 3 | `tau^i * G2` for `i < 2^power` |
//!
//! Section 7 lists the contributions, which is only shown to people. Coordinates are in Montgomery
//! form. Files that were prepared for a phase 2 have further sections, which are skipped. Files that were stripped of points which KZG has no use for, so
//! that sections 2 and 3 are shorter, are accepted if what is asked for is there.

use std::io::{Read, Seek};

use halo2curves::bn256::{G1Affine, G2Affine};

use crate::ceremony::{Contributions, Ptau};
use crate::error::{Error, Points};
use crate::parts::{MAX_K, Parts, check_size};
use crate::points::{Encoding, decode_g1, decode_g2};
use crate::source::Source;

pub(crate) const MAGIC: [u8; 4] = *b"ptau";
pub(crate) const VERSION: u32 = 1;
/// The prime of the base field of BN254, little endian.
pub(crate) const BASE_FIELD: [u8; 32] = [
    0x47, 0xfd, 0x7c, 0xd8, 0x16, 0x8c, 0x20, 0x3c, 0x8d, 0xca, 0x71, 0x68, 0x91, 0x6a, 0x81, 0x97,
    0x5d, 0x58, 0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];
const HEADER_BYTES: u64 = 4 + 32 + 4 + 4;

/// The sections whose points are used have the types 1, 2 and 3.
const SECTIONS: usize = 3;
/// The section with the list of contributions.
const CONTRIBUTIONS: u32 = 7;
/// What a contribution has before its type: points, the hash's state and the next challenge.
const CONTRIBUTION_BYTES: u64 = 3 * 64 + 2 * 128 + 6 * 64 + 3 * 128 + 216 + 64;
/// The type of a contribution that is a beacon.
const BEACON: u32 = 1;
/// No section has a greater type.
const LAST_SECTION: u32 = 15;

#[derive(Clone, Copy)]
struct Section {
    position: u64,
    bytes: u64,
}

/// Reads and checks what a `.ptau` file has of a setup of size `2^k`: the powers in the first group, and two in the second.
///
/// The points beyond those are neither read nor checked. No input makes this panic, and nothing
/// is allocated that the source is too short to fill.
pub fn parse_ptau<R: Read + Seek>(
    reader: &mut R,
    k: u32,
) -> Result<(Vec<G1Affine>, [G2Affine; 2]), Error> {
    read(reader, k).map(|parts| (parts.powers, parts.g2))
}

/// What the file says of its ceremony; the points are not read.
pub(crate) fn inspect<R: Read + Seek>(reader: &mut R) -> Result<Ptau, Error> {
    let mut source = Source::new(reader)?;
    let Sections {
        used: [header, ..],
        contributions,
    } = sections(&mut source)?;
    let (power, ceremony_power) = read_header(&mut source, header)?;
    Ok(Ptau {
        power,
        ceremony_power,
        contributions: match contributions {
            Some(section) => count(&mut source, section)?,
            None => None,
        },
    })
}

/// Counts the contributions; none if the section is not as snarkjs writes it.
fn count<R: Read + Seek>(
    source: &mut Source<'_, R>,
    section: Section,
) -> Result<Option<Contributions>, Error> {
    const WHAT: &str = "the contributions";
    let end = section.position + section.bytes;
    if section.bytes < 4 {
        return Ok(None);
    }
    source.seek(section.position)?;
    let all = source.u32(WHAT)?;
    let mut beacons = 0;
    for _ in 0..all {
        if end - source.position() < CONTRIBUTION_BYTES + 8 {
            return Ok(None);
        }
        source.skip(WHAT, CONTRIBUTION_BYTES)?;
        beacons += u32::from(source.u32(WHAT)? == BEACON);
        let parameters = source.u32(WHAT)?.into();
        if end - source.position() < parameters {
            return Ok(None);
        }
        source.skip(WHAT, parameters)?;
    }
    Ok(Some(Contributions {
        people: all - beacons,
        beacons,
    }))
}

pub(crate) fn read<R: Read + Seek>(reader: &mut R, k: u32) -> Result<Parts, Error> {
    check_size(k)?;
    let mut source = Source::new(reader)?;
    let Sections {
        used: [header, g1, g2],
        ..
    } = sections(&mut source)?;

    let (power, _) = read_header(&mut source, header)?;
    if k > power {
        return Err(Error::TooSmall {
            requested: k,
            available: power,
        });
    }

    let g1_bytes = Encoding::Raw.g1_bytes();
    check_points(2, g1, g1_bytes, 1 << k, (2 << power) - 1)?;
    check_points(3, g2, 2 * g1_bytes, 2, 1 << power)?;

    // The points of G2 first: they are few.
    source.seek(g2.position)?;
    let bytes = source.bytes("the powers of tau in G2", 2 * 2 * g1_bytes)?;
    let g2 = decode_g2(&bytes, Encoding::Raw)?;

    source.seek(g1.position)?;
    let bytes = source.bytes("the powers of tau in G1", (1 << k) * g1_bytes)?;
    let powers = decode_g1(Points::PowersG1, &bytes, Encoding::Raw)?;

    Parts::checked(powers, g2)
}

/// Where the sections are that are used.
struct Sections {
    used: [Section; SECTIONS],
    contributions: Option<Section>,
}

/// Finds the sections that are used.
fn sections<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<Sections, Error> {
    let magic: [u8; 4] = source.array("the magic")?;
    if magic != MAGIC {
        return Err(Error::Magic {
            expected: MAGIC.to_vec(),
            got: magic.to_vec(),
        });
    }
    let version = source.u32("the version")?;
    if version != VERSION {
        return Err(Error::Version {
            expected: VERSION,
            got: version,
        });
    }
    let count = source.u32("the number of sections")?;
    // Before the loop, which the count must not make long.
    source.require("the headers of the sections", u64::from(count) * 12)?;

    let mut found: [Option<Section>; SECTIONS] = [None; SECTIONS];
    let mut contributions = None;
    let mut last = None;
    for _ in 0..count {
        if source.left() < 12 {
            return Err(match last {
                Some((section, _)) => Error::Interrupted {
                    section,
                    problem: "the file ends with it, and more sections should follow".to_owned(),
                },
                None => Error::Truncated {
                    what: "the header of a section",
                    expected: 12,
                    got: source.left(),
                },
            });
        }
        let section = source.u32("the type of a section")?;
        let bytes = source.u64("the length of a section")?;
        // Writers put a section's length down when it is done: one that was not finished has none, and what
        // seems to be the next section is its content.
        if let Some((before, 0)) = last
            && (section > LAST_SECTION || bytes > source.left())
        {
            return Err(unfinished(before));
        }
        if bytes > source.left() {
            return Err(Error::Interrupted {
                section,
                problem: format!("it has {} of {bytes} bytes", source.left()),
            });
        }
        last = Some((section, bytes));
        let position = source.position();
        source.skip("a section", bytes)?;
        if section == CONTRIBUTIONS {
            contributions.get_or_insert(Section { position, bytes });
        }
        let slot = (section as usize)
            .checked_sub(1)
            .and_then(|index| found.get_mut(index));
        if let Some(slot) = slot
            && slot.replace(Section { position, bytes }).is_some()
        {
            return Err(Error::DuplicateSection { section });
        }
    }
    if let (Some((section, 0)), 1..) = (last, source.left()) {
        return Err(unfinished(section));
    }
    if source.left() > 0 {
        return Err(Error::TrailingBytes {
            expected: source.position(),
            got: source.len(),
        });
    }
    let section = |index: usize| {
        found[index].ok_or(Error::MissingSection {
            section: index as u32 + 1,
        })
    };
    Ok(Sections {
        used: [section(0)?, section(1)?, section(2)?],
        contributions,
    })
}

/// A section whose writer did not come to its end.
fn unfinished(section: u32) -> Error {
    Error::Interrupted {
        section,
        problem: "its length is zero, as while it is written".to_owned(),
    }
}

/// Reads the header and returns the power, and that of the ceremony.
fn read_header<R: Read + Seek>(
    source: &mut Source<'_, R>,
    section: Section,
) -> Result<(u32, u32), Error> {
    // The bytes per coordinate come first: another curve has another header.
    source.seek(section.position)?;
    if section.bytes < 4 {
        return Err(Error::SectionLength {
            section: 1,
            expected: HEADER_BYTES,
            got: section.bytes,
        });
    }
    let field_bytes = u64::from(source.u32("the header")?);
    if field_bytes != 32 {
        let prime = field_bytes.min(section.bytes - 4).min(64);
        return Err(Error::Curve {
            expected: BASE_FIELD.to_vec(),
            got: source.bytes("the header", prime)?,
        });
    }
    check_section(1, section, HEADER_BYTES)?;
    let field: [u8; 32] = source.array("the header")?;
    if field != BASE_FIELD {
        return Err(Error::Curve {
            expected: BASE_FIELD.to_vec(),
            got: field.to_vec(),
        });
    }
    let power = source.u32("the header")?;
    let ceremony_power = source.u32("the header")?;
    if power > ceremony_power {
        return Err(Error::CeremonyPower {
            expected: ceremony_power,
            got: power,
        });
    }
    if power > MAX_K {
        check_size(power)?;
    }
    Ok((power, ceremony_power))
}

fn check_section(section: u32, found: Section, expected: u64) -> Result<(), Error> {
    if found.bytes != expected {
        return Err(Error::SectionLength {
            section,
            expected,
            got: found.bytes,
        });
    }
    Ok(())
}

/// Fails unless the section consists of at least `needed` and at most `all` points.
fn check_points(
    section: u32,
    found: Section,
    size: u64,
    needed: u64,
    all: u64,
) -> Result<(), Error> {
    let points = found.bytes / size;
    if !found.bytes.is_multiple_of(size) || points < needed || points > all {
        return Err(Error::SectionLength {
            section,
            expected: all * size,
            got: found.bytes,
        });
    }
    Ok(())
}
