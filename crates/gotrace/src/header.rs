//! Reads the header of a trace.

use super::error::ErrorKind;
use super::input::Input;
use super::lookalike::{self, LOOKED_AT};
use super::version::{HEADER, HEADER_START, NEWEST, parse_header};

/// Returns the version in the header, if there is one, and consumes nothing.
///
/// # Errors
/// If the input cannot be read.
pub fn peek_version(input: &mut Input<'_>) -> std::io::Result<Option<u32>> {
    Ok(parse_header(input.peek(HEADER)?))
}

pub(crate) fn read_header(input: &mut Input<'_>) -> Result<u32, ErrorKind> {
    let bytes = input.peek_some(HEADER, LOOKED_AT).map_err(ErrorKind::Io)?;
    if bytes.is_empty() {
        return Err(ErrorKind::Empty);
    }
    let version = parse_header(bytes).ok_or_else(|| {
        if HEADER_START.starts_with(&bytes[..bytes.len().min(5)]) && bytes.len() < HEADER {
            ErrorKind::Truncated("within the header")
        } else {
            ErrorKind::NotATrace(lookalike::identify(bytes))
        }
    })?;
    match version {
        11 | 19 | 21 | 22 | 23 | 25 | NEWEST.. => {
            input.consume(HEADER);
            Ok(version)
        }
        other => Err(ErrorKind::UnsupportedVersion(other)),
    }
}
