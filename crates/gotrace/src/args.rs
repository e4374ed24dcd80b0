//! Arguments of events, decoded with wide loads where they are needed.
//!
//! Nothing is checked here: the reader of a batch has checked that the event is complete and its varints are valid.

use super::varint::{self, HIGH_BITS};

/// The bytes from an event's arguments on: with what follows them, the next
/// event's type and time difference. Loads of eight bytes that start within
/// its first 64 bytes end within it.
pub(crate) type Window = [u8; WINDOW];

/// Four arguments, a type and a time difference are 51 bytes at most.
pub(crate) const WINDOW: usize = 72;

/// Reads the arguments of one event.
#[derive(Clone, Copy)]
pub(crate) struct Args<'a> {
    window: &'a Window,
    at: usize,
}

impl<'a> Args<'a> {
    #[inline(always)]
    pub(crate) fn new(window: &'a Window) -> Self {
        Self { window, at: 0 }
    }

    /// How many bytes were read.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.at
    }

    /// The byte behind the arguments: the next event's type.
    #[inline(always)]
    pub(crate) fn kind(&mut self) -> u8 {
        let kind = self.window[self.at % 64];
        self.at += 1;
        kind
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> u64 {
        varint(self.window, &mut self.at)
    }
}

/// Decodes a varint of the window at `at`.
#[inline(always)]
pub(crate) fn varint(window: &Window, at: &mut usize) -> u64 {
    // The mask has no effect, but lets the compiler remove the bounds check.
    let from = *at % 64;
    let bytes = window[from..from + 8].try_into();
    let word = u64::from_le_bytes(bytes.expect("eight bytes"));
    if word & 0x80 == 0 {
        *at += 1;
        return word & 0x7f;
    }
    if word & 0x8000 == 0 {
        *at += 2;
        return word & 0x7f | (word >> 1) & 0x3f80;
    }
    if word & 0x80_0000 == 0 {
        *at += 3;
        return word & 0x7f | (word >> 1) & 0x3f80 | (word >> 2) & 0x1f_c000;
    }
    let (value, n) = long_varint(window, from);
    // The length is never larger. Stating it here lets the compiler remove the bounds checks above.
    *at += n.min(varint::MAX_LEN);
    value
}

#[cold]
#[inline(never)]
fn long_varint(window: &Window, at: usize) -> (u64, usize) {
    let bytes = window[at..at + 8].try_into();
    let word = u64::from_le_bytes(bytes.expect("eight bytes"));
    let ends = !word & HIGH_BITS;
    if ends == 0 {
        return varint::decode(&window[at..]).unwrap_or_default();
    }
    // Up to and with the first byte whose high bit is clear.
    let n = ends.trailing_zeros() + 1;
    let word = word & (u64::MAX >> (64 - n));
    (varint::squeeze(word), (n / 8) as usize)
}

/// Returns the first offset at which a varint may be invalid: all earlier ones
/// are valid.
///
/// An invalid varint has ten bytes with the continuation bit, or nine and a tenth byte above 1. The ends of events are
/// unknown here, so an event's type may be read as part of the following varint: the result may be too early, never late.
pub(crate) fn first_suspect(bytes: &[u8]) -> usize {
    const STEP: usize = 256;
    for (i, block) in bytes.chunks(STEP).enumerate() {
        // Nine consecutive continuation bytes include four at an even offset.
        let quads = block.chunks_exact(4);
        let rest = quads.remainder();
        let go_on = |q: &[u8]| {
            let word = u32::from_le_bytes(q.try_into().expect("four bytes"));
            word & HIGH_BITS as u32 == HIGH_BITS as u32
        };
        let long = quads.fold(false, |any, q| any | go_on(q));
        if long || rest.iter().any(|b| *b >= 0x80) {
            let from = (i * STEP).saturating_sub(varint::MAX_LEN);
            let to = bytes.len().min((i + 1) * STEP + varint::MAX_LEN);
            if let Some(at) = suspect_in(&bytes[from..to]) {
                return from + at;
            }
        }
    }
    bytes.len()
}

fn suspect_in(bytes: &[u8]) -> Option<usize> {
    let mut run = 0;
    for (i, &b) in bytes.iter().enumerate() {
        if b >= 0x80 {
            run += 1;
            if run == varint::MAX_LEN {
                return Some(i + 1 - run);
            }
        } else {
            if run == varint::MAX_LEN - 1 && b > 1 {
                return Some(i - run);
            }
            run = 0;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wide_loads_decode_as_bytes_do(bytes in proptest::collection::vec(any::<u8>(), 1..20)) {
            let mut window = [0; WINDOW];
            window[..bytes.len()].copy_from_slice(&bytes);
            let mut at = 0;
            let got = varint(&window, &mut at);
            if let Some((value, n)) = varint::decode(&window) {
                prop_assert_eq!((got, at), (value, n));
            }
        }

        #[test]
        fn no_invalid_varint_begins_before_the_first_suspect(
            bytes in proptest::collection::vec(
                prop_oneof![9 => 0x80..=0xffu8, 1 => any::<u8>()],
                0..700,
            ),
        ) {
            let suspect = first_suspect(&bytes);
            for at in 0..bytes.len().saturating_sub(varint::MAX_LEN).min(suspect) {
                prop_assert!(varint::decode(&bytes[at..]).is_some(), "at {at} of {suspect}");
            }
        }
    }

    #[test]
    fn ordinary_bytes_are_not_suspect() {
        let bytes: Vec<u8> = (0..1000u32).map(|i| (i * i % 251) as u8).collect();
        assert_eq!(first_suspect(&bytes), bytes.len());
        let mut bytes = [0u8; 100];
        bytes[50..60].fill(0xff);
        assert_eq!(first_suspect(&bytes), 50);
        bytes[59] = 1;
        assert_eq!(first_suspect(&bytes), 100);
    }
}
