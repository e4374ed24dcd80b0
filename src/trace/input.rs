//! Where a trace's bytes come from.
//!
//! The reader walks the batches of a generation first and decodes their
//! events later, so it needs two things: to read forward, and to come back to
//! the bytes of a batch. A file (or a slice) is simply read again at that
//! offset, so that memory does not grow with the generation. A pipe or a
//! network body is kept in a spool of chunks, each given back as soon as the
//! last batch in it was loaded.
//!
//! Files are read with positioned reads, not mapped: a file that shrinks while
//! it is read is then a clear error instead of a signal, and the page cache
//! does not count as this program's memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};

/// Bytes that can be read at any offset.
trait ReadAt {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, buf, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(self, buf, offset);
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|o| self.get(o..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// How much is read ahead at a batch header of a seekable input: enough for
/// the header and for runs of small batches, little beside a full batch.
const WINDOW: usize = 4 << 10;
/// The unit in which a pipe's bytes are kept and given back.
const CHUNK: usize = 256 << 10;

/// The bytes of one trace.
pub struct Input<'a> {
    bytes: Bytes<'a>,
    /// Offset of the next byte to be read forward.
    pos: u64,
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
        Ok(Self::seekable(Box::new(file), len))
    }

    /// A trace from a pipe, a socket, a decompressor.
    pub fn from_reader(reader: impl Read + Send + 'a) -> Self {
        Self {
            bytes: Bytes::Spool(Spool::new(Box::new(reader))),
            pos: 0,
        }
    }

    fn seekable(source: Box<dyn ReadAt + Send + 'a>, len: u64) -> Self {
        Self {
            bytes: Bytes::Seekable(Seekable {
                source,
                len,
                window: Vec::new(),
                window_at: 0,
            }),
            pos: 0,
        }
    }

    /// Offset of the next byte.
    pub fn pos(&self) -> u64 {
        self.pos
    }

    /// How many bytes there are: all of them for a file, those received so far
    /// for a stream.
    pub fn known_len(&self) -> u64 {
        match &self.bytes {
            Bytes::Seekable(s) => s.len,
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
            Bytes::Seekable(s) => end <= s.len,
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
            Bytes::Seekable(s) => s.len.saturating_sub(self.pos).min(want as u64) as usize,
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

    /// Gives back the bytes from `from` to `to` that nobody holds.
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

struct Seekable<'a> {
    source: Box<dyn ReadAt + Send + 'a>,
    len: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Seekable<'_> {
    fn peek(&mut self, pos: u64, want: usize) -> io::Result<&[u8]> {
        let want = want.min(self.len.saturating_sub(pos).min(want as u64) as usize);
        let inside =
            pos >= self.window_at && pos + want as u64 <= self.window_at + self.window.len() as u64;
        if !inside {
            let n = WINDOW.max(want).min((self.len - pos) as usize);
            let mut window = std::mem::take(&mut self.window);
            window.resize(n, 0);
            self.read_full(pos, &mut window)?;
            self.window = window;
            self.window_at = pos;
        }
        let start = (pos - self.window_at) as usize;
        Ok(&self.window[start..start + want])
    }

    fn read_full(&mut self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.source.read_at(&mut buf[done..], at + done as u64) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the file became shorter while it was read",
                    ));
                }
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

struct Chunk {
    bytes: Box<[u8]>,
    /// Kept pieces that reach into this chunk.
    kept: u32,
}

struct Spool<'a> {
    reader: Box<dyn Read + Send + 'a>,
    /// Chunk `i` holds the bytes from `(first + i) * CHUNK`.
    chunks: VecDeque<Option<Chunk>>,
    first: u64,
    /// Filled bytes of the last chunk.
    filled: usize,
    free: Vec<Box<[u8]>>,
    scratch: Vec<u8>,
    ended: bool,
}

impl<'a> Spool<'a> {
    fn new(reader: Box<dyn Read + Send + 'a>) -> Self {
        Self {
            reader,
            chunks: VecDeque::new(),
            first: 0,
            filled: CHUNK,
            free: Vec::new(),
            scratch: Vec::new(),
            ended: false,
        }
    }

    /// Offset after the last byte received.
    fn end(&self) -> u64 {
        let full = self.first + self.chunks.len() as u64;
        (full * CHUNK as u64).saturating_sub((CHUNK - self.filled) as u64)
    }

    /// Receives until `end` bytes are there. False if the input ends before.
    fn fill_to(&mut self, end: u64) -> io::Result<bool> {
        while self.end() < end {
            if self.ended {
                return Ok(false);
            }
            if self.filled == CHUNK {
                let bytes = self
                    .free
                    .pop()
                    .unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice());
                self.chunks.push_back(Some(Chunk { bytes, kept: 0 }));
                self.filled = 0;
            }
            let Some(Some(last)) = self.chunks.back_mut() else {
                unreachable!("the chunk being filled is never given back");
            };
            match self.reader.read(&mut last.bytes[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    fn peek(&mut self, pos: u64, least: usize, most: usize) -> io::Result<&[u8]> {
        self.fill_to(pos + least as u64)?;
        let n = (self.end() - pos).min(most as u64) as usize;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(n, 0);
        self.copy(pos, &mut scratch);
        self.scratch = scratch;
        Ok(&self.scratch)
    }

    fn copy(&self, at: u64, buf: &mut [u8]) {
        let mut done = 0;
        while done < buf.len() {
            let at = at + done as u64;
            let offset = (at % CHUNK as u64) as usize;
            let n = (CHUNK - offset).min(buf.len() - done);
            let index = (at / CHUNK as u64).checked_sub(self.first);
            let Some(Some(chunk)) = index.and_then(|i| self.chunks.get(i as usize)) else {
                unreachable!("bytes are loaded at most once, and only while they are kept");
            };
            buf[done..done + n].copy_from_slice(&chunk.bytes[offset..offset + n]);
            done += n;
        }
    }

    fn indices(&self, at: u64, len: usize) -> std::ops::RangeInclusive<usize> {
        let last = at + (len as u64).max(1) - 1;
        (at / CHUNK as u64 - self.first) as usize..=(last / CHUNK as u64 - self.first) as usize
    }

    fn keep(&mut self, at: u64, len: usize) {
        for i in self.indices(at, len) {
            if let Some(Some(chunk)) = self.chunks.get_mut(i) {
                chunk.kept += 1;
            }
        }
    }

    fn drop_kept(&mut self, at: u64, len: usize, pos: u64) {
        for i in self.indices(at, len) {
            if let Some(Some(chunk)) = self.chunks.get_mut(i) {
                chunk.kept -= 1;
                self.release_chunk(i, pos);
            }
        }
        self.trim();
    }

    /// Gives back the chunks that reading passed on its way from `from` to
    /// `to` and that nobody keeps.
    fn release(&mut self, from: u64, to: u64) {
        let start = (from / CHUNK as u64).saturating_sub(self.first) as usize;
        for i in start..self.passed(to) {
            self.release_chunk(i, to);
        }
        self.trim();
    }

    /// How many chunks end before `pos`.
    fn passed(&self, pos: u64) -> usize {
        let passed = (pos / CHUNK as u64).saturating_sub(self.first) as usize;
        passed.min(self.chunks.len().saturating_sub(1))
    }

    fn release_chunk(&mut self, i: usize, pos: u64) {
        if i < self.passed(pos) && self.chunks[i].as_ref().is_some_and(|c| c.kept == 0) {
            self.free.extend(self.chunks[i].take().map(|c| c.bytes));
        }
    }

    fn trim(&mut self) {
        while self.chunks.len() > 1 && self.chunks[0].is_none() {
            self.chunks.pop_front();
            self.first += 1;
        }
        // A generation far smaller than the one before needs no reserve.
        self.free.truncate(4);
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
        assert!(
            spool.chunks.iter().flatten().count() <= 1,
            "nothing is left"
        );
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
