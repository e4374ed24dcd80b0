//! Parts of events in a buffer that may end within them.

use super::super::args::{Args, WINDOW};
use super::super::error::Corruption;
use super::super::varint::{self, HIGH_BITS, Scanner};
use super::wire;

/// The time difference of an event that has one, has up to three arguments,
/// and is whole in eight bytes, and where it ends.
#[inline(always)]
pub(super) fn plain(buf: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = buf[at];
    let n = (first >> 6) + 1;
    if wire::ARGS[(first & wire::TYPE) as usize] != n || n == 4 {
        return None;
    }
    let word = load(buf, at + 1);
    let mut ends = !word & HIGH_BITS;
    let delta_ends = ends;
    for _ in 1..n {
        ends &= ends.wrapping_sub(1);
    }
    let end = at + 1 + (ends.trailing_zeros() as usize + 1) / 8;
    (ends != 0).then(|| (small(word, delta_ends), end))
}

/// Eight bytes; zeros stand behind the buffer's end.
#[inline(always)]
fn load(buf: &[u8], at: usize) -> u64 {
    let bytes = buf[at..at + 8].try_into();
    u64::from_le_bytes(bytes.expect("eight bytes"))
}

/// The varint at the front of `word`, which ends at the lowest of `ends`.
#[inline(always)]
fn small(word: u64, ends: u64) -> u64 {
    if word & 0x80 == 0 {
        return word & 0x7f;
    }
    if word & 0x8000 == 0 {
        return word & 0x7f | (word >> 1) & 0x3f80;
    }
    varint::squeeze(word & (ends ^ ends.wrapping_sub(1)))
}

/// A varint and where it ends, unless the buffer ends before.
#[inline]
pub(super) fn number(
    buf: &[u8],
    len: usize,
    at: usize,
) -> Result<Option<(u64, usize)>, Corruption> {
    let (value, n) = varint::decode(&buf[at..]).ok_or(Corruption::Varint("an event"))?;
    Ok((at + n <= len).then_some((value, at + n)))
}

/// `size` bytes of text, unless the buffer ends before.
pub(super) fn text(
    buf: &[u8],
    len: usize,
    at: usize,
    size: u64,
) -> Result<Option<&[u8]>, Corruption> {
    if size > wire::MAX_STRING {
        return Err(Corruption::TooLarge {
            what: "a string",
            found: size,
            limit: wire::MAX_STRING,
        });
    }
    Ok(buf[..len].get(at..at + size as usize))
}

/// Range of the arguments of an event that has its length; `None` if the buffer
/// ends before.
#[inline]
pub(super) fn prefixed(
    buf: &[u8],
    len: usize,
    pos: usize,
) -> Result<Option<(usize, usize)>, Corruption> {
    let Some((size, from)) = number(buf, len, pos + 1)? else {
        return Ok(None);
    };
    if size > wire::MAX_PREFIXED {
        return Err(Corruption::TooLarge {
            what: "an event",
            found: size,
            limit: wire::MAX_PREFIXED,
        });
    }
    let to = from + size as usize;
    Ok((to <= len).then_some((from, to)))
}

/// Checks that these are so many arguments; returns the first.
#[inline]
pub(super) fn check_args(kind: u8, payload: &[u8], wanted: u8) -> Result<u64, Corruption> {
    let mut s = Scanner::new(payload);
    let delta = s.varint().ok_or(Corruption::Arguments(kind))?;
    for _ in 1..wanted {
        s.varint().ok_or(Corruption::Arguments(kind))?;
    }
    match s.is_empty() && wanted != wire::NOT_TIMED {
        true => Ok(delta),
        false => Err(Corruption::Arguments(kind)),
    }
}

/// The arguments that begin at `at`.
#[inline]
pub(super) fn args_at(buf: &[u8], at: usize) -> Args<'_> {
    match buf.get(at..at + WINDOW).map(TryInto::try_into) {
        Some(Ok(window)) => Args::new(window),
        _ => unreachable!("zeros follow the events"),
    }
}
