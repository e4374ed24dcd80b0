//! Ring buffer of a stream's last generations.
//!
//! A generation of a trace of Go 1.22 and later is complete: it repeats the state of every
//! goroutine and has its own strings and stacks. The header and consecutive generations form a
//! valid trace.

use std::collections::VecDeque;

use crate::trace::Allowance;
use crate::trace::internal::{Share, of_vec};

/// Length of a trace's header.
const HEADER: usize = 16;

/// Ring buffer of generations.
#[derive(Debug)]
pub struct GenerationRing {
    header: Vec<u8>,
    /// Complete generations, oldest first.
    whole: VecDeque<Vec<u8>>,
    /// Bytes of the current generation; `None` if it exceeds the limit.
    current: Option<Vec<u8>>,
    /// Offset in the trace of the last byte received.
    read: u64,
    generations: usize,
    limit: usize,
    /// Memory reserved for this buffer and a copy of it as evidence.
    share: Share,
}

impl GenerationRing {
    /// Creates a buffer of a number of generations and bytes, within the allowance of `memory`.
    pub fn new(generations: usize, limit: u64, memory: &Allowance) -> Self {
        Self {
            header: Vec::new(),
            whole: VecDeque::new(),
            current: Some(Vec::new()),
            read: 0,
            generations,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            share: memory.share(),
        }
    }

    /// Appends received bytes.
    pub fn record(&mut self, mut bytes: &[u8]) {
        self.read += bytes.len() as u64;
        let missing = (HEADER - self.header.len()).min(bytes.len());
        self.header.extend(&bytes[..missing]);
        bytes = &bytes[missing..];
        let room = self.limit;
        if let Some(current) = self.current.as_mut() {
            let held = 2 * self.whole.iter().map(Vec::capacity).sum::<usize>() as u64
                + 2 * of_vec(current, bytes.len());
            match current.len() + bytes.len() <= room && self.share.hold(held).is_ok() {
                true => current.extend(bytes),
                false => self.current = None,
            }
        }
        if self.current.is_none() {
            // Later generations would not follow the ones before the gap.
            self.whole.clear();
            let _ = self.share.hold(0);
        }
    }

    /// Completes the generation that ends at this offset, and returns its bytes if they were kept.
    pub fn cut(&mut self, end: u64) -> Option<&[u8]> {
        let behind = usize::try_from(self.read.saturating_sub(end)).ok()?;
        let Some(current) = self.current.as_mut() else {
            // The start of the next generation may be lost too, if it was read already.
            self.current = (behind == 0).then(Vec::new);
            return None;
        };
        let next = current.split_off(current.len().saturating_sub(behind));
        self.whole.push_back(std::mem::replace(current, next));
        let all = |whole: &VecDeque<Vec<u8>>| whole.iter().map(Vec::len).sum::<usize>();
        while self.whole.len() > self.generations || all(&self.whole) > self.limit {
            self.whole.pop_front();
        }
        self.whole.back().map(Vec::as_slice)
    }

    /// Returns the kept generations as a trace, if there are any.
    pub fn trace(&self) -> Option<Vec<u8>> {
        let mut trace = self.header.clone();
        self.whole.iter().for_each(|bytes| trace.extend(bytes));
        (!self.whole.is_empty()).then_some(trace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_generations_are_a_trace() {
        let mut ring = GenerationRing::new(2, 100, &Allowance::default());
        ring.record(b"go 1.26 tr");
        ring.record(b"ace\0\0\0AAAB");
        assert_eq!(ring.cut(19), Some(&b"AAA"[..]));
        ring.record(b"BBCC");
        assert_eq!(ring.cut(22), Some(&b"BBB"[..]));
        assert_eq!(ring.trace().unwrap(), b"go 1.26 trace\0\0\0AAABBB");
        assert_eq!(ring.cut(24), Some(&b"CC"[..]));
        assert_eq!(ring.trace().unwrap(), b"go 1.26 trace\0\0\0BBBCC");
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_leaves_no_hole() {
        let mut ring = GenerationRing::new(9, 4, &Allowance::default());
        ring.record(&[0; 16]);
        ring.record(b"AAA");
        assert!(ring.cut(19).is_some());
        ring.record(b"BBBBBB");
        assert_eq!(ring.cut(25), None);
        assert_eq!(ring.trace(), None);
        ring.record(b"CC");
        assert_eq!(ring.cut(27), Some(&b"CC"[..]));
        assert_eq!(ring.trace().unwrap().len(), 18);
        ring.record(b"DDD");
        ring.cut(30);
        assert_eq!(ring.trace().unwrap()[16..], *b"DDD");
    }
}
