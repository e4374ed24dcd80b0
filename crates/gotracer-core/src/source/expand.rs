//! Decompression, within limits.
//!
//! A few kilobytes can expand to gigabytes. Real traces compress 5 times, those
//! of idle programs 20 times; a far larger ratio is a decompression bomb.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::limits::Limits;
use crate::trace::internal::Share;
use crate::units;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// Length of the longest magic number.
pub(super) const MAGIC: u64 = 4;
/// Maximum length of a zstd frame's header after the magic number.
pub(super) const HEAD: u64 = 14;

/// Maximum ratio of decompressed to compressed bytes.
const RATIO: u64 = 200;
/// Decompressed bytes that are allowed at any ratio.
const FREE: u64 = 64 << 20;
/// Maximum window of a zstd frame, as a power of two: that of `zstd --long` and
/// `zstd --ultra -22`.
const LARGEST_WINDOW: u32 = 27;
/// Window that later frames may always have, as a power of two: that of
/// `zstd -3`.
const USUAL_WINDOW: u32 = 21;

/// Whether a file that begins with `head` is compressed.
pub(super) fn is_compressed(head: &[u8]) -> bool {
    head.starts_with(GZIP) || head.starts_with(ZSTD)
}

/// Reader of a compressed stream's decompressed bytes, within limits.
pub(super) struct Expanded {
    decoder: Box<dyn Read + Send>,
    /// Compressed bytes that the decoder read.
    taken: Arc<AtomicU64>,
    given: u64,
    limit: u64,
    /// Memory that the decoder has reserved.
    _window: Share,
}

impl Expanded {
    /// Creates a decompressing reader; `head` holds the first bytes of `reader`.
    ///
    /// # Errors
    /// If the decoder can't be created. A frame that exceeds the memory limit
    /// fails when it is read.
    pub(super) fn new(
        head: &[u8],
        reader: impl Read + Send + 'static,
        limits: &Limits,
    ) -> io::Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            reader,
            taken: Arc::clone(&taken),
        };
        let mut window = limits.memory.share();
        let decoder: Box<dyn Read + Send> = if head.starts_with(ZSTD) {
            let log = window_log(head).max(USUAL_WINDOW);
            let bytes = 1u64.checked_shl(log).unwrap_or(u64::MAX);
            if log > LARGEST_WINDOW || window.hold(bytes).is_err() {
                Box::new(Refused(units::bytes(bytes)))
            } else {
                let mut decoder = zstd::Decoder::new(counted)?;
                decoder.window_log_max(log)?;
                Box::new(decoder)
            }
        } else {
            Box::new(MultiGzDecoder::new(BufReader::new(counted)))
        };
        Ok(Self {
            decoder,
            taken,
            given: 0,
            limit: limits.bytes,
            _window: window,
        })
    }

    /// Returns an error beyond the limits.
    fn check(&self) -> io::Result<()> {
        if self.given > self.limit {
            let limit = units::bytes(self.limit);
            return Err(too_large(format!(
                "it has more than {limit} when decompressed"
            )));
        }
        let taken = self.taken.load(Ordering::Relaxed);
        if self.given > FREE.max(taken.saturating_mul(RATIO)) {
            let (from, to) = (units::bytes(taken), units::bytes(self.given));
            return Err(too_large(format!(
                "{from} expand to more than {to}: no real trace expands more than {RATIO} times; \
                 decompress it first if it is one"
            )));
        }
        Ok(())
    }
}

impl Read for Expanded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buf)?;
        self.given += n as u64;
        self.check()?;
        Ok(n)
    }
}

fn too_large(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

/// Reader that fails because the window is too large.
struct Refused(String);

impl Read for Refused {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(too_large(format!(
            "its zstd frame takes a window of {}; compress it without --long and --ultra",
            self.0
        )))
    }
}

/// Reader that counts bytes.
struct Counted<R> {
    reader: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Returns the window of a zstd frame as a power of two, rounded up (RFC 8878,
/// section 3.1.1.1); 0 if the header is truncated.
fn window_log(head: &[u8]) -> u32 {
    let window = || {
        let descriptor = *head.get(4)?;
        let single_segment = descriptor & 0x20 != 0;
        if !single_segment {
            let window = *head.get(5)?;
            let (exponent, mantissa) = (u32::from(window >> 3), window & 7);
            return Some(10 + exponent + u32::from(mantissa > 0));
        }
        // The whole frame is one segment: the window is as large as the content.
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let size = [1, 2, 4, 8][usize::from(descriptor >> 6)];
        let at = 5 + dictionary;
        let field = head.get(at..at + size)?;
        let content = field.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
        Some(u64::BITS - content.leading_zeros())
    };
    window().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Allowance;
    use std::io::Write;

    fn expand(bytes: Vec<u8>, limits: &Limits) -> io::Result<u64> {
        let head = bytes[..bytes.len().min((MAGIC + HEAD) as usize)].to_vec();
        let mut expanded = Expanded::new(&head, io::Cursor::new(bytes), limits)?;
        io::copy(&mut expanded, &mut io::sink())
    }

    /// Compresses zeros into gzip members of equal length.
    fn gzip(bytes: usize, members: usize) -> Vec<u8> {
        let mut all = Vec::new();
        for _ in 0..members {
            let level = flate2::Compression::fast();
            let mut encoder = flate2::write::GzEncoder::new(&mut all, level);
            io::copy(&mut io::repeat(0).take(bytes as u64), &mut encoder).unwrap();
            encoder.finish().unwrap();
        }
        all
    }

    fn zstd(bytes: u64, window_log: u32) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(window_log).unwrap();
        io::copy(&mut io::repeat(0).take(bytes), &mut encoder).unwrap();
        encoder.finish().unwrap()
    }

    fn is_too_large(result: io::Result<u64>) -> bool {
        result.is_err_and(|e| e.kind() == io::ErrorKind::FileTooLarge)
    }

    #[test]
    fn what_expands_without_measure_is_refused() {
        let limits = Limits::default();
        let within = 60 << 20;
        assert_eq!(expand(zstd(within, 21), &limits).unwrap(), within);
        assert_eq!(expand(gzip(30 << 20, 2), &limits).unwrap(), within);
        assert!(is_too_large(expand(zstd(80 << 20, 21), &limits)));
        assert!(is_too_large(expand(gzip(40 << 20, 2), &limits)));
    }

    #[test]
    fn what_does_not_shrink_much_may_be_large() {
        let mut random = 1u64;
        let mut bytes = Vec::new();
        while bytes.len() < 1 << 20 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes.write_all(&random.to_le_bytes()).unwrap();
            bytes.write_all(&[0; 100]).unwrap();
        }
        let all: Vec<_> = bytes.iter().copied().cycle().take(70 << 20).collect();
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        // Without looking back a megabyte, nothing repeats.
        encoder.window_log(18).unwrap();
        encoder.write_all(&all).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(expand(packed, &Limits::default()).unwrap(), 70 << 20);
    }

    #[test]
    fn limits_mean_decompressed_bytes() {
        let limits = Limits {
            bytes: 1 << 20,
            ..Limits::default()
        };
        assert_eq!(expand(zstd(1 << 20, 21), &limits).unwrap(), 1 << 20);
        assert!(is_too_large(expand(zstd((1 << 20) + 1, 21), &limits)));
    }

    #[test]
    fn a_window_counts_as_memory() {
        let limits = Limits::of_memory(Allowance::of(16 << 20));
        let long = zstd(50 << 20, 25);
        assert_eq!(window_log(&long), 25);
        assert!(is_too_large(expand(long.clone(), &limits)));
        assert!(expand(long, &Limits::default()).is_ok());
        assert!(expand(zstd(50 << 20, 23), &limits).is_ok());
        // A later frame with a larger window.
        let frames = [zstd(100, 10), zstd(50 << 20, 25)].concat();
        assert!(expand(frames, &limits).is_err());
        let single = zstd::bulk::compress(&[0; 1_000], 1).unwrap();
        assert_eq!(window_log(&single), 10);
        for end in 0..single.len() {
            window_log(&single[..end]);
        }
    }
}
