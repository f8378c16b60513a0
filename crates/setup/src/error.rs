//! Everything that can be wrong with a setup or with the file that holds one.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One of the arrays of points that a setup consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Points {
    /// The powers of the secret on G1: `g[i] = tau^i * G1`.
    PowersG1,
    /// The powers of the secret on G2, of which there are two: `G2` and `tau * G2`.
    PowersG2,
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowersG1 => "powers of tau in G1",
            Self::PowersG2 => "powers of tau in G2",
        })
    }
}

/// What a file is that was taken for a ceremony's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Nothing.
    Empty,
    /// A page of the web, such as a server's error.
    Page,
    /// JSON.
    Json,
    /// Another text.
    Text,
    /// Compressed, or an archive.
    Archive(&'static str),
    /// A pointer of Git LFS.
    LfsPointer,
    /// Another file of snarkjs.
    Snarkjs(&'static str),
    /// A setup of this program's own store.
    Stored,
    /// A challenge of a ceremony, for its next participant.
    Challenge {
        /// Binary logarithm of its powers.
        power: u32,
    },
    /// The response of a participant.
    Response {
        /// Binary logarithm of its powers.
        power: u32,
    },
    /// Zeros.
    Zeros,
    /// Something else.
    Unknown,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty: download it again"),
            Self::Page => f.write_str(
                "it is an XML or HTML page, such as the error of a server: open it, check the address, and download the \
                 file again",
            ),
            Self::Json => f.write_str("it is JSON: the ceremony's binary file is needed, not an export"),
            Self::Text => f.write_str("it is a text: check the address that it was downloaded from"),
            Self::Archive(kind) => write!(f, "it is packed ({kind}): unpack it first"),
            Self::LfsPointer => f.write_str("it is a pointer of Git LFS: fetch the file itself with git lfs pull"),
            Self::Snarkjs(kind) => write!(f, "it is a {kind} of snarkjs: the .ptau file that it was made with is needed"),
            Self::Stored => f.write_str(
                "it is a setup of nanozk's own data directory: give that directory with --data-dir instead",
            ),
            Self::Challenge { power } => write!(
                f,
                "it has the length of a challenge of 2^{power} powers, for the ceremony's next participant: use the .ptau \
                 file that the ceremony published"
            ),
            Self::Response { power } => write!(
                f,
                "it has the length of a participant's response with 2^{power} powers: use the .ptau file that the \
                 ceremony published"
            ),
            Self::Zeros => f.write_str("it begins with zeros: was its download interrupted?"),
            Self::Unknown => f.write_str("its format is not known"),
        }
    }
}

/// Why a setup was refused, or why its file could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The reader of the parameters failed.
    #[error("reading the parameters: {source}")]
    Read {
        /// What the reader reported.
        source: io::Error,
    },

    /// An operation on a file failed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was being done, as a verb: "open", "write", ...
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },

    /// Setups have no such size here.
    #[error("setups have 2^{min} to 2^{max} powers, not 2^{got}")]
    UnsupportedSize {
        /// The smallest supported `k`.
        min: u32,
        /// The largest supported `k`.
        max: u32,
        /// The `k` that was asked for or found in the file.
        got: u32,
    },

    /// The source holds a smaller setup than the one asked for.
    #[error("asked for a setup of 2^{requested} powers, the file has 2^{available}")]
    TooSmall {
        /// The `k` that was asked for.
        requested: u32,
        /// The `k` of the source.
        available: u32,
    },

    /// The file is no ceremony's file.
    #[error("neither .ptau nor .srs: the file starts with {start}; {content}")]
    NotASetup {
        /// Its first bytes.
        start: String,
        /// What it seems to be.
        content: Content,
    },

    /// The file is not the one that was asked for.
    #[error(
        "the file's BLAKE2b-512 digest is {}, not {}: it is another file, or was damaged on its way; download it again",
        Hex(&got[..]),
        Hex(&expected[..])
    )]
    OtherFile {
        /// The digest that was given.
        expected: Box<[u8; 64]>,
        /// The digest of the file.
        got: Box<[u8; 64]>,
    },

    /// A `.ptau` file ends inside a section, or a section was never finished.
    #[error("section {section}{} is not whole: {problem}; {}", section_name(*section), section_advice(*section))]
    Interrupted {
        /// The type of the section.
        section: u32,
        /// What shows it.
        problem: String,
    },

    /// Points are written in a form that is not read.
    #[error("{points}: {found}; {wanted}")]
    OtherEncoding {
        /// The array.
        points: Points,
        /// How the points are written.
        found: &'static str,
        /// What is read.
        wanted: &'static str,
    },

    /// The file does not start with the bytes that mark its format.
    #[error("expected a file starting with {expected:02x?}, got {got:02x?}")]
    Magic {
        /// The mark of the format.
        expected: Vec<u8>,
        /// The start of the file.
        got: Vec<u8>,
    },

    /// The file is of a version of its format that is not known.
    #[error("expected version {expected} of the format, got {got}")]
    Version {
        /// The supported version.
        expected: u32,
        /// The version of the file.
        got: u32,
    },

    /// The file ends too early.
    #[error("file truncated in {what}: expected {expected} more bytes, got {got}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// How many bytes that needs.
        expected: u64,
        /// How many bytes were left.
        got: u64,
    },

    /// The file goes on after its end.
    #[error("expected the file to end after {expected} bytes, it has {got}")]
    TrailingBytes {
        /// Where the content ends.
        expected: u64,
        /// How long the file is.
        got: u64,
    },

    /// A required section of a `.ptau` file is not there.
    #[error("the file has no section {section}")]
    MissingSection {
        /// The type of the section.
        section: u32,
    },

    /// A section of a `.ptau` file that must be unique is not.
    #[error("the file has more than one section {section}")]
    DuplicateSection {
        /// The type of the section.
        section: u32,
    },

    /// A section of a `.ptau` file has an impossible length.
    #[error("section {section}: expected {expected} bytes, got {got}")]
    SectionLength {
        /// The type of the section.
        section: u32,
        /// The length that the header implies.
        expected: u64,
        /// The length that the section declares.
        got: u64,
    },

    /// The file is for another curve.
    #[error("expected the base field of BN254, {expected:02x?}, got {got:02x?}")]
    Curve {
        /// The prime of BN254, little endian.
        expected: Vec<u8>,
        /// The prime of the file, little endian.
        got: Vec<u8>,
    },

    /// A `.ptau` file claims more powers than its ceremony made.
    #[error("the file has 2^{got} powers of a ceremony that made 2^{expected}")]
    CeremonyPower {
        /// The power of the ceremony.
        expected: u32,
        /// The power of the file.
        got: u32,
    },

    /// A `.srs` file has neither of the lengths that its `k` implies.
    #[error(
        "a file of 2^{k} powers has {expected_raw} bytes (uncompressed) or \
         {expected_processed} (compressed), got {got}"
    )]
    SrsLength {
        /// The `k` of the file.
        k: u32,
        /// The length with uncompressed points.
        expected_raw: u64,
        /// The length with compressed points.
        expected_processed: u64,
        /// The length of the file.
        got: u64,
    },

    /// A coordinate is not the canonical encoding of an element of the base field.
    #[error("{points}, point {index}: the encoding is not canonical")]
    NonCanonical {
        /// The array.
        points: Points,
        /// The index in the array.
        index: u64,
    },

    /// A point is not on the curve.
    #[error("{points}, point {index}: not on the curve")]
    NotOnCurve {
        /// The array.
        points: Points,
        /// The index in the array.
        index: u64,
    },

    /// A point is the point at infinity.
    #[error("{points}, point {index}: the point at infinity")]
    Infinity {
        /// The array.
        points: Points,
        /// The index in the array.
        index: u64,
    },

    /// A point of G2 is on the curve but not in the subgroup of prime order.
    #[error("{points}, point {index}: not in the subgroup of prime order")]
    NotInSubgroup {
        /// The array.
        points: Points,
        /// The index in the array.
        index: u64,
    },

    /// The first power is not the standard generator of its group.
    #[error("{points}: the first point is not the generator")]
    NotGenerator {
        /// The array.
        points: Points,
    },

    /// The secret is a root of unity, such as the 1 of a ceremony without contributions.
    #[error("the secret is a root of unity of order dividing 2^{order_log2}")]
    DegenerateSecret {
        /// The logarithm of the order.
        order_log2: u32,
    },

    /// The points are not the consecutive powers of one secret.
    #[error("the powers of tau in G1 and G2 are not powers of one secret")]
    InconsistentPowers,

    /// The content of a stored setup is not what was written.
    #[error("stored setup {}: expected checksum {}, got {}", path.display(), Hex(expected), Hex(got))]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The checksum at the end of the file.
        expected: [u8; 32],
        /// The checksum of the content.
        got: [u8; 32],
    },

    /// The header of a stored setup does not fit the file's name or content.
    #[error("stored setup {}: expected {field} {expected}, got {got}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The field of the header.
        field: &'static str,
        /// The value it should have.
        expected: String,
        /// The value it has.
        got: String,
    },

    /// A stored setup was written by another version of this program.
    #[error(
        "stored setup {}: it has version {got} of its format, not {expected}: import the ceremony's file again",
        path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version that is read and written.
        expected: u32,
        /// The version of the file.
        got: u32,
    },

    /// A stored setup carries a valid checksum but is not a valid setup.
    #[error("stored setup {}: {source}", path.display())]
    Stored {
        /// The file.
        path: PathBuf,
        /// What is wrong with the content.
        source: Box<Error>,
    },

    /// The store holds no setup of this size.
    #[error("no ceremony setup of 2^{k} powers in the store: {} does not exist", path.display())]
    NotInStore {
        /// The size asked for.
        k: u32,
        /// Where it would be.
        path: PathBuf,
    },

    /// The store already holds another ceremony.
    #[error(
        "the store holds the ceremony {}, not {}: use another directory",
        Hex(expected),
        Hex(got)
    )]
    OtherCeremony {
        /// The id of the ceremony in the store.
        expected: [u8; 32],
        /// The id of the ceremony that was to be imported.
        got: [u8; 32],
    },

    /// A setup whose secret is public was to be taken for a ceremony.
    #[error("this is the development setup, whose secret is public: it is not a ceremony")]
    DevelopmentSecret,

    /// The name of a ceremony is too long for the store.
    #[error("names of ceremonies have at most {max} bytes, got {got}")]
    NameTooLong {
        /// The longest supported name.
        max: usize,
        /// The length of the name.
        got: usize,
    },
}

/// What a section of a `.ptau` file has, in parentheses.
fn section_name(section: u32) -> &'static str {
    match section {
        1 => " (header)",
        2 => " (powers of tau in G1)",
        3 => " (powers of tau in G2)",
        4 => " (powers of tau times alpha in G1)",
        5 => " (powers of tau times beta in G1)",
        6 => " (beta in G2)",
        7 => " (contributions)",
        12 => " (Lagrange bases of tau in G1)",
        13 => " (Lagrange bases of tau in G2)",
        14 => " (Lagrange bases of tau times alpha)",
        15 => " (Lagrange bases of tau times beta)",
        _ => "",
    }
}

/// What to do about a section that is not whole.
fn section_advice(section: u32) -> &'static str {
    match section {
        12..=15 => {
            "it is what snarkjs powersoftau prepare phase2 adds: prepare the file again, or import the file from before, \
             which has all that is needed"
        }
        _ => "download or make the file again",
    }
}

/// Displays bytes as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
