//! LEB128 unsigned varints, the only integer encoding of a trace.
//!
//! At most ten bytes; the tenth may only be 0 or 1. Encodings that are longer
//! than they need to be are accepted, as Go's `encoding/binary` does.

/// The longest encoding of a 64-bit value, bytes.
pub(crate) const MAX_LEN: usize = 10;

/// Decodes one varint at the front of `bytes`: the value and its length.
///
/// `None` when the bytes end within it or it does not fit 64 bits.
#[inline]
pub(crate) fn decode(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, &b) in bytes.iter().take(MAX_LEN).enumerate() {
        if b < 0x80 {
            if i == MAX_LEN - 1 && b > 1 {
                return None;
            }
            return Some((value | u64::from(b) << (7 * i), i + 1));
        }
        value |= u64::from(b & 0x7f) << (7 * i);
    }
    None
}

/// Appends the encoding of `value`.
pub(crate) fn encode(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The continuation bits of eight bytes of varints.
pub(crate) const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Joins the low seven bits of eight bytes: pairs, quads, the whole.
#[inline(always)]
pub(crate) fn squeeze(word: u64) -> u64 {
    let word = word & !HIGH_BITS;
    let word = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = (word & 0x0000_3fff_0000_3fff) | (word & 0x3fff_0000_3fff_0000) >> 2;
    (word & 0x0000_0000_0fff_ffff) | (word & 0x0fff_ffff_0000_0000) >> 4
}

/// A cursor over varints and bytes of a section whose end is known.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Scanner<'a> {
    /// Starts at the front of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    /// Offset of the next byte.
    #[inline]
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Whether nothing is left.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    /// The next byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let b = *self.bytes.get(self.pos)?;
        self.pos += 1;
        Some(b)
    }

    /// The next varint.
    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let rest = self.bytes.get(self.pos..)?;
        // One and two bytes are nearly all there is in stack tables.
        if let [a, b, ..] = *rest {
            if a < 0x80 {
                self.pos += 1;
                return Some(u64::from(a));
            }
            if b < 0x80 {
                self.pos += 2;
                return Some(u64::from(a & 0x7f) | u64::from(b) << 7);
            }
        }
        let (value, n) = decode(rest)?;
        self.pos += n;
        Some(value)
    }

    /// The next `n` bytes.
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let end = self.pos.checked_add(n)?;
        let out = self.bytes.get(self.pos..end)?;
        self.pos = end;
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(v: u64) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, v);
        out
    }

    #[test]
    fn round_trips_every_length() {
        for shift in 0..64 {
            for v in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                let bytes = encoded(v);
                assert_eq!(decode(&bytes), Some((v, bytes.len())));
                assert_eq!(Scanner::new(&bytes).varint(), Some(v));
                assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
            }
        }
    }

    #[test]
    fn rejects_what_does_not_fit_and_accepts_padding() {
        assert_eq!(decode(&[0xff; 12]), None);
        let mut too_big = [0x80; 10];
        too_big[9] = 2;
        assert_eq!(decode(&too_big), None);
        assert_eq!(decode(&[0x81, 0x00]), Some((1, 2)));
    }
}
