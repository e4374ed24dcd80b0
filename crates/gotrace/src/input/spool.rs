//! Spool of a pipe or a network body: the bytes that are still needed.

use std::collections::VecDeque;
use std::io::{self, Read};

/// The unit in which a pipe's bytes are kept and given back.
const CHUNK: usize = 256 << 10;
/// Chunks that wait to be used again.
const RESERVE: usize = 4;

struct Chunk {
    bytes: Box<[u8]>,
    /// Kept pieces that reach into this chunk.
    kept: u32,
}

/// Received bytes of a stream that are still needed.
pub(super) struct Spool<'a> {
    reader: Box<dyn Read + Send + 'a>,
    /// Chunk `i` holds the bytes from `(first + i) * CHUNK`.
    chunks: VecDeque<Option<Chunk>>,
    first: u64,
    /// Filled bytes of the last chunk.
    filled: usize,
    free: Vec<Box<[u8]>>,
    /// Chunks that there are, free ones included.
    allocated: usize,
    scratch: Vec<u8>,
    ended: bool,
}

impl<'a> Spool<'a> {
    pub(super) fn new(reader: Box<dyn Read + Send + 'a>) -> Self {
        Self {
            reader,
            chunks: VecDeque::new(),
            first: 0,
            filled: CHUNK,
            free: Vec::new(),
            allocated: 0,
            scratch: Vec::new(),
            ended: false,
        }
    }

    /// How many chunks there are.
    #[cfg(test)]
    pub(super) fn chunks(&self) -> usize {
        self.chunks.iter().flatten().count()
    }

    /// Bytes of memory that this holds, and of the next chunk.
    pub(super) fn held(&self) -> u64 {
        let places = self.chunks.capacity() * size_of::<Option<Chunk>>();
        ((self.allocated + 1) * CHUNK + places + self.scratch.capacity()) as u64
    }

    /// Offset after the last byte received.
    pub(super) fn end(&self) -> u64 {
        let full = self.first + self.chunks.len() as u64;
        (full * CHUNK as u64).saturating_sub((CHUNK - self.filled) as u64)
    }

    /// Receives until `end` bytes are there. False if the input ends before.
    pub(super) fn fill_to(&mut self, end: u64) -> io::Result<bool> {
        while self.end() < end {
            if self.ended {
                return Ok(false);
            }
            if self.filled == CHUNK {
                let allocated = &mut self.allocated;
                let bytes = self.free.pop().unwrap_or_else(|| {
                    *allocated += 1;
                    vec![0; CHUNK].into_boxed_slice()
                });
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

    /// From `least` to `most` bytes at `pos`, as many as there are already;
    /// fewer than `least` only at the end.
    pub(super) fn peek(&mut self, pos: u64, least: usize, most: usize) -> io::Result<&[u8]> {
        self.fill_to(pos + least as u64)?;
        let n = (self.end() - pos).min(most as u64) as usize;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(n, 0);
        self.copy(pos, &mut scratch);
        self.scratch = scratch;
        Ok(&self.scratch)
    }

    /// Fills `buf` with the bytes at `at`, which are kept or were not passed.
    pub(super) fn copy(&self, at: u64, buf: &mut [u8]) {
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

    /// Keeps `len` bytes at `at`.
    pub(super) fn keep(&mut self, at: u64, len: usize) {
        for i in self.indices(at, len) {
            if let Some(Some(chunk)) = self.chunks.get_mut(i) {
                chunk.kept += 1;
            }
        }
    }

    /// Gives back kept bytes; reading came to `pos`.
    pub(super) fn drop_kept(&mut self, at: u64, len: usize, pos: u64) {
        for i in self.indices(at, len) {
            if let Some(Some(chunk)) = self.chunks.get_mut(i) {
                chunk.kept -= 1;
                self.release_chunk(i, pos);
            }
        }
        self.trim();
    }

    /// Releases the chunks between `from` and `to` that are read and not kept.
    pub(super) fn release(&mut self, from: u64, to: u64) {
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
        self.allocated -= self.free.len().saturating_sub(RESERVE);
        self.free.truncate(RESERVE);
    }
}
