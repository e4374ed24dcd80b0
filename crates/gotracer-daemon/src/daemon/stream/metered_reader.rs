//! Reader that meters and records the input of a stream.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::evidence::GenerationRing;

/// Byte limit of a generation.
#[derive(Debug)]
pub(super) struct Bytes {
    limit: u64,
    /// Offset of the end of the last generation.
    analysed: AtomicU64,
}

impl Bytes {
    /// Creates a limit in bytes per generation.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            analysed: AtomicU64::new(0),
        }
    }

    /// Records that the generation up to this offset was analyzed.
    pub(super) fn analysed(&self, end: u64) {
        self.analysed.store(end, Ordering::Relaxed);
    }
}

/// Reader that fails if a generation exceeds its limit.
pub(super) struct MeteredReader<R> {
    inner: R,
    read: u64,
    bytes: Arc<Bytes>,
    ring: Option<SharedRing>,
}

/// Ring buffer of the last generations, shared with the evidence window.
pub(super) type SharedRing = Arc<Mutex<GenerationRing>>;

impl<R> MeteredReader<R> {
    /// Wraps a reader.
    pub(super) fn new(inner: R, bytes: Arc<Bytes>, ring: Option<SharedRing>) -> Self {
        Self {
            inner,
            read: 0,
            bytes,
            ring,
        }
    }
}

impl<R: Read> Read for MeteredReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Bytes { limit, analysed } = &*self.bytes;
        if self.read - analysed.load(Ordering::Relaxed).min(self.read) > *limit {
            let why = format!("a generation has more than {limit} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let n = self.inner.read(buf)?;
        self.read += n as u64;
        if let Some(ring) = &self.ring {
            let mut ring = ring.lock();
            ring.record(&buf[..n]);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_without_end_is_cut_off() {
        let bytes = Arc::new(Bytes::new(1_000));
        let mut reader = MeteredReader::new(io::repeat(1), Arc::clone(&bytes), None);
        let mut buf = [0; 600];
        reader.read_exact(&mut buf).unwrap();
        bytes.analysed(600);
        reader.read_exact(&mut buf).unwrap();
        reader.read_exact(&mut buf).unwrap();
        let error = reader.read(&mut buf).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
