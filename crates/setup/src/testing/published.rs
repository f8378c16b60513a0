//! Files as they are found where ceremonies are published, or where people put something in their place.

use super::*;

/// The list of contributions that snarkjs writes: of people, and of beacons after them.
fn contributions(people: u32, beacons: u32) -> Vec<u8> {
    let mut section = (people + beacons).to_le_bytes().to_vec();
    for index in 0..people + beacons {
        let beacon = index >= people;
        // Points, a hash's state, and the next challenge.
        section.extend([7; 1496]);
        section.extend(u32::from(beacon).to_le_bytes());
        let mut parameters = vec![1, 1, b'a'];
        if beacon {
            parameters.extend([2, 10, 3, 2, 0xbe, 0xac]);
        }
        section.extend((parameters.len() as u32).to_le_bytes());
        section.extend(parameters);
    }
    section
}

fn listing(power: u32, people: u32, beacons: u32) -> Vec<u8> {
    let content = Ptau::new(power, secret());
    let mut sections = content.sections();
    sections.pop();
    sections.push((7, contributions(people, beacons)));
    content.write_sections(&sections)
}

fn said(bytes: &[u8], k: u32) -> String {
    match read_file(bytes, k) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("accepted"),
    }
}

#[track_caller]
fn says(bytes: &[u8], words: &[&str]) {
    says_at(bytes, 2, words);
}

#[track_caller]
fn says_at(bytes: &[u8], k: u32, words: &[&str]) {
    let text = said(bytes, k);
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

#[test]
fn what_is_no_setup_is_named() {
    const NEITHER: &str = "neither .ptau nor .srs";
    says(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>",
        &[NEITHER, "starts with \"<?xml", "page", "download"],
    );
    says(
        b"<!DOCTYPE html><html></html>",
        &["<!DOCTYPE html>", "page"],
    );
    says(b"\xef\xbb\xbf\r\n <html>", &["page"]);
    says(b"{\"protocol\": \"groth16\"}", &[NEITHER, "JSON", "export"]);
    says(b"404: Not Found", &["404: Not Found", "text"]);
    says(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
        &["Git LFS", "git lfs pull"],
    );
    says(b"\x1f\x8b\x08\0\0\0\0\0", &["1f 8b 08", "gzip", "unpack"]);
    says(b"PK\x03\x04 and more", &["zip", "unpack"]);
    says(b"zkey\x01\0\0\0", &[".zkey", ".ptau"]);
    says(b"nzksetup\x01\0\0\0", &["--data-dir"]);
    says(b"", &["empty"]);
    says(&[0; 4096], &["zeros"]);
    says(&[0xee; 4096], &[NEITHER, "ee ee", "not known"]);
    let mut tar = vec![1; 600];
    tar[257..262].copy_from_slice(b"ustar");
    says(&tar, &["tar"]);

    // A ceremony's files for its participants begin with a hash, which may look like a size.
    let mut challenge = vec![0; 384 * 16 + 128];
    challenge[0] = 3;
    says(&challenge, &[NEITHER, "challenge of 2^4 powers", ".ptau"]);
    let mut response = vec![0x5a; 192 * 16 + 864];
    response[..4].copy_from_slice(&3u32.to_le_bytes());
    says(&response, &["response with 2^4 powers"]);
}

#[test]
fn interrupted_sections_are_named() {
    let content = Ptau::new(2, secret());
    let mut sections = content.sections();
    sections.pop();
    sections.push((7, contributions(2, 1)));
    // Prepared for a phase 2, but not to the end: the length is written last.
    let bases: Vec<u8> = (content.g1.iter().rev())
        .flat_map(SerdeObject::to_raw_bytes)
        .collect();
    let whole = [sections.clone(), vec![(12, vec![])]].concat();
    let mut prepared = content.write_sections(&whole);
    prepared[8..12].copy_from_slice(&11u32.to_le_bytes());
    prepared.extend(&bases);
    says(
        &prepared,
        &[
            "section 12",
            "Lagrange",
            "length is zero",
            "prepare the file again",
            "from before",
        ],
    );
    // The last of the sections.
    prepared[8..12].copy_from_slice(&(whole.len() as u32).to_le_bytes());
    says(&prepared, &["section 12", "length is zero"]);
    // Before anything follows it.
    prepared.truncate(prepared.len() - bases.len());
    prepared[8..12].copy_from_slice(&11u32.to_le_bytes());
    says(&prepared, &["section 12", "more sections should follow"]);

    // A download that ended early.
    let file = content.write_sections(&sections);
    let in_g1 = &file[..12 + 12 + 44 + 12 + 100];
    says(
        in_g1,
        &[
            "section 2",
            "powers of tau in G1",
            "100 of 448 bytes",
            "download",
        ],
    );
    // A whole file with an empty section is none of these.
    assert!(ptau(&content.write_sections(&whole), 2).is_ok());
}

#[test]
fn ceremonies_are_described() {
    let (_, file) = read_file(&listing(3, 2, 1), 2).unwrap();
    let list = Contributions {
        people: 2,
        beacons: 1,
    };
    assert_eq!(
        file.format,
        Format::Ptau(crate::Ptau {
            power: 3,
            ceremony_power: 6,
            contributions: Some(list),
        })
    );
    assert_eq!(list.to_string(), "2 contributions and 1 beacon");
    assert_eq!(file.warnings, [""; 0]);
    let (_, file) = read_file(&srs(3), 3).unwrap();
    assert_eq!(file.format, Format::Srs { power: 3 });

    // A section that is something else lists nothing, and nobody trusts its numbers.
    let content = super::Ptau::new(2, secret());
    for list in [vec![], vec![1, 0], u32::MAX.to_le_bytes().to_vec(), {
        let mut cut = contributions(1, 1);
        cut.pop();
        cut
    }] {
        let mut sections = content.sections();
        sections.pop();
        sections.push((7, list));
        let (_, file) = read_file(&content.write_sections(&sections), 2).unwrap();
        assert!(matches!(
            file.format,
            Format::Ptau(crate::Ptau {
                contributions: None,
                ..
            })
        ));
        assert!(file.warnings[0].contains("lists no contributions"));
    }
}

#[test]
fn a_ceremony_of_one_that_is_called_like_another() {
    let dir = Dir::new();
    let path = dir.dir.path().join("powersOfTau28_hez_final_08.ptau");
    fs::write(&path, listing(2, 1, 0)).unwrap();
    for name in ["Hermez", "test"] {
        let (_, file) = dir.store.import(&path, name, 2, None).unwrap();
        let [one, other] = file.warnings.as_slice() else {
            panic!("{:?}", file.warnings)
        };
        assert!(one.contains("1 contribution"), "{one}");
        assert!(other.contains("not the ceremony Hermez"), "{other}");
    }
}

#[test]
fn the_published_digest_is_checked() {
    let bytes = listing(2, 2, 0);
    let (_, file) = read_file(&bytes, 2).unwrap();
    let read = |bytes: &[u8], digest| {
        Setup::read(&mut Cursor::new(bytes), ["ours", "file"], 2, Some(digest))
    };
    assert!(read(&bytes, &file.blake2b).is_ok());
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    assert!(read_file(&other, 2).is_ok(), "the setup is the same");
    assert_error!(
        read(&other, &file.blake2b),
        Error::OtherFile { expected, .. } if *expected == file.blake2b
    );
    // The first of the digests that RFC 7693 gives.
    let mut digests = Digests::default();
    std::io::Write::write_all(&mut digests, b"abc").unwrap();
    let digest = error::Hex(&digests.finish().1).to_string();
    assert!(digest.starts_with("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b7"));
}

#[test]
fn other_encodings_are_named() {
    let file = compressed_srs(4);
    let of_points = |change: &dyn Fn(&mut [u8])| {
        let mut file = file.clone();
        let (head, points) = file.split_at_mut(4 + 32 * 32);
        head[4..].chunks_exact_mut(32).for_each(change);
        points.chunks_exact_mut(64).for_each(change);
        file
    };
    // The sign where older versions of halo2curves had it.
    let older = of_points(&|point| {
        let last = point.last_mut().unwrap();
        *last = (*last & 0x3f) | ((*last & 0x40) << 1);
    });
    assert_ne!(older, file);
    says_at(
        &older,
        4,
        &["sign in the top bit", "halo2curves", "RawBytes"],
    );
    let big_endian = of_points(&|point| point.reverse());
    says_at(&big_endian, 4, &["big endian", "gnark"]);

    let file = srs(4);
    let number = |at: usize, value: u8| {
        let mut file = file.clone();
        file[4..68].fill(0);
        (file[4 + at], file[4 + 32 + at]) = (value, 2 * value);
        file
    };
    says(&number(0, 1), &["not in Montgomery form"]);
    says(&number(31, 1), &["big endian"]);
    // Damage is not mistaken for another encoding.
    let mut damaged = compressed_srs(4);
    damaged[4 + 32 * 5] ^= 1;
    let text = said(&damaged, 4);
    assert!(
        !text.contains("encod") || text.contains("canonical"),
        "{text}"
    );
}
