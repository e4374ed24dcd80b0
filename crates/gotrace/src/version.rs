//! Versions of the format, and how a header names them.

/// The first version of the format that is written today.
pub(crate) const FIRST_V2: u32 = 22;
/// The newest version that is known.
pub(crate) const NEWEST: u32 = 26;
/// Length of the header, `go 1.NN trace` padded with NUL.
pub(crate) const HEADER: usize = 16;
/// Start of every header.
pub(crate) const HEADER_START: &[u8] = b"go 1.";

/// Whether traces of a version are written a generation at a time.
pub fn is_in_generations(version: u32) -> bool {
    version >= FIRST_V2
}

/// Whether a version is newer than all known ones.
pub fn is_newer(version: u32) -> bool {
    version > NEWEST
}

/// Whether the bytes start with the header of a trace of any version.
pub(crate) fn starts_with_header(bytes: &[u8]) -> bool {
    bytes.get(..HEADER).and_then(parse_header).is_some()
}

pub(crate) fn parse_header(bytes: &[u8]) -> Option<u32> {
    let rest = bytes.strip_prefix(HEADER_START)?;
    let end = rest.iter().position(|b| !b.is_ascii_digit())?;
    let (digits, tail) = rest.split_at(end);
    let padding = HEADER.checked_sub(b"go 1. trace".len() + digits.len())?;
    let padding = tail.strip_prefix(b" trace")?.get(..padding)?;
    let complete = padding.iter().all(|&b| b == 0);
    let digits = std::str::from_utf8(digits).ok()?;
    digits.parse().ok().filter(|_| complete)
}
