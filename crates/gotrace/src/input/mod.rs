//! Inputs: the bytes of a trace.
//!
//! The reader first walks the batches of a generation and decodes their events
//! later. So an input must read forward, and must return to the bytes of a
//! batch. A file or a slice is read again at that offset, and its size does not
//! matter. A pipe or a network body is kept in a spool of chunks; each is
//! released when the last batch in it is loaded.

mod seekable;
mod spool;

use std::fs::File;
use std::io::{self, Read};

use super::allowance::Allowance;
pub use seekable::ReadAt;
use seekable::Seekable;
use spool::Spool;

/// The bytes of one trace.
pub struct Input<'a> {
    bytes: Bytes<'a>,
    /// Offset of the next byte to be read forward.
    pos: u64,
    allowance: Allowance,
}

enum Bytes<'a> {
    Seekable(Seekable<'a>),
    Spool(Spool<'a>),
}

impl<'a> Input<'a> {
    /// A trace in memory.
    pub fn from_slice(bytes: &'a [u8]) -> Self {
        Self::seekable(Box::new(bytes), bytes.len() as u64)
    }

    /// A trace in a regular file. Bytes appended after this call are not read.
    ///
    /// # Errors
    /// If the file's length can't be had.
    pub fn from_file(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self::from_source(file, len))
    }

    /// The first `len` bytes of a source that can be read at any offset.
    pub fn from_source(source: impl ReadAt + Send + 'a, len: u64) -> Self {
        Self::seekable(Box::new(source), len)
    }

    /// A trace from a pipe, a socket, a decompressor.
    pub fn from_reader(reader: impl Read + Send + 'a) -> Self {
        Self {
            bytes: Bytes::Spool(Spool::new(Box::new(reader))),
            pos: 0,
            allowance: Allowance::default(),
        }
    }

    fn seekable(source: Box<dyn ReadAt + Send + 'a>, len: u64) -> Self {
        Self {
            bytes: Bytes::Seekable(Seekable::new(source, len)),
            pos: 0,
            allowance: Allowance::default(),
        }
    }

    /// Bounds the memory that reading this trace may hold.
    #[must_use]
    pub fn within(self, allowance: Allowance) -> Self {
        Self { allowance, ..self }
    }

    /// The memory that reading this trace may hold.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Bytes of memory that this holds.
    pub(crate) fn held(&self) -> u64 {
        match &self.bytes {
            Bytes::Seekable(_) => 0,
            Bytes::Spool(s) => s.held(),
        }
    }

    /// Offset of the next byte.
    pub fn pos(&self) -> u64 {
        self.pos
    }

    /// Size in bytes: of the whole file, or received so far from a stream.
    pub fn known_len(&self) -> u64 {
        match &self.bytes {
            Bytes::Seekable(s) => s.len(),
            Bytes::Spool(s) => s.end(),
        }
    }

    /// Up to `want` of the next bytes without consuming them; fewer only at the
    /// end of the input. `want` is small (a header).
    pub(crate) fn peek(&mut self, want: usize) -> io::Result<&[u8]> {
        self.peek_some(want, want)
    }

    /// From `least` to `most` of the next bytes, as many as a stream has
    /// already; fewer than `least` only at the end of the input.
    pub(crate) fn peek_some(&mut self, least: usize, most: usize) -> io::Result<&[u8]> {
        let pos = self.pos;
        match &mut self.bytes {
            Bytes::Seekable(s) => s.peek(pos, most),
            Bytes::Spool(s) => s.peek(pos, least, most),
        }
    }

    /// Consumes `n` bytes that [`peek`](Self::peek) showed.
    pub(crate) fn consume(&mut self, n: usize) {
        self.pos += n as u64;
    }

    /// Consumes the next `n` bytes, at least one, and keeps them to be taken
    /// later. False if the input ends before.
    pub(crate) fn keep(&mut self, n: usize) -> io::Result<bool> {
        let end = self.pos + n as u64;
        let whole = match &mut self.bytes {
            Bytes::Seekable(s) => end <= s.len(),
            Bytes::Spool(s) => s.fill_to(end)?,
        };
        if whole {
            if let Bytes::Spool(s) = &mut self.bytes {
                s.keep(self.pos, n);
                s.release(self.pos, end);
            }
            self.pos = end;
        }
        Ok(whole)
    }

    /// Appends up to `want` of the next bytes to `buf` and consumes them; none
    /// at the end. They stay until [`forget`](Self::forget).
    pub(crate) fn read_on(&mut self, buf: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        let n = match &mut self.bytes {
            Bytes::Seekable(s) => s.len().saturating_sub(self.pos).min(want as u64) as usize,
            Bytes::Spool(s) => {
                s.fill_to(self.pos + want as u64)?;
                (s.end() - self.pos).min(want as u64) as usize
            }
        };
        let start = buf.len();
        buf.resize(start + n, 0);
        self.look(self.pos, &mut buf[start..])?;
        self.pos += n as u64;
        Ok(n)
    }

    /// Keeps `len` bytes at `at`, at least one, which were
    /// [read](Self::read_on) but not forgotten, to be taken later.
    pub(crate) fn hold(&mut self, at: u64, len: usize) {
        if let Bytes::Spool(s) = &mut self.bytes {
            s.keep(at, len);
        }
    }

    /// Goes back to `at`, from where on bytes were [read](Self::read_on) but not
    /// forgotten.
    pub(crate) fn go_back(&mut self, at: u64) {
        self.pos = at;
    }

    /// Releases the bytes from `from` to `to` that are not kept.
    pub(crate) fn forget(&mut self, from: u64, to: u64) {
        if let Bytes::Spool(s) = &mut self.bytes {
            s.release(from, to);
        }
    }

    /// Copies the `buf.len()` bytes at `at`, which stay.
    pub(crate) fn look(&mut self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        match &mut self.bytes {
            Bytes::Seekable(s) => s.read_full(at, buf),
            Bytes::Spool(s) => {
                s.copy(at, buf);
                Ok(())
            }
        }
    }

    /// Copies the `buf.len()` kept bytes at `at`, which are then given back.
    pub(crate) fn take(&mut self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        match &mut self.bytes {
            Bytes::Seekable(s) => s.read_full(at, buf),
            Bytes::Spool(s) => {
                s.copy(at, buf);
                s.drop_kept(at, buf.len(), self.pos);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives one byte, then two, three, ... at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1 % 1000 + 1;
            let n = self.1.min(buf.len()).min(self.0.len());
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn a_stream_gives_back_what_was_taken() {
        let data: Vec<u8> = (0..3_000_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut input = Input::from_reader(Drip(&data, 0));
        let mut at = Vec::new();
        while input.peek(10).unwrap().len() == 10 {
            let (pos, len) = (input.pos(), 10 + (input.pos() % 60_000) as usize);
            if !input.keep(len).unwrap() {
                break;
            }
            at.push((pos, len));
        }
        let mut buf = vec![0; 70_000];
        for (pos, len) in at {
            input.take(pos, &mut buf[..len]).unwrap();
            assert_eq!(buf[..len], data[pos as usize..pos as usize + len]);
        }
        let Bytes::Spool(spool) = &input.bytes else {
            unreachable!()
        };
        assert!(spool.chunks() <= 1, "nothing is left");
    }

    #[test]
    fn a_slice_and_a_stream_read_alike() {
        let data: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        let mut a = Input::from_slice(&data);
        let mut b = Input::from_reader(&data[..]);
        loop {
            assert_eq!(a.peek(50).unwrap(), b.peek(50).unwrap());
            let (x, y) = (a.keep(777).unwrap(), b.keep(777).unwrap());
            assert_eq!(x, y);
            if !x {
                break;
            }
        }
        assert_eq!(a.known_len(), b.known_len());
    }
}
