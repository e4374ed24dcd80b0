//! Part of a response in memory, before anybody reads it.

use std::collections::VecDeque;

use hyper::body::Bytes;

use crate::trace::internal::Share;

/// Size of a block, bytes. Chunks are copied into blocks, because a chunk may keep a much larger buffer.
const BLOCK: usize = 16 << 10;

/// Bytes that were received and not read.
#[derive(Default)]
pub(super) struct Gathered {
    blocks: VecDeque<Vec<u8>>,
    /// Memory reserved for the blocks.
    share: Share,
}

impl Gathered {
    /// Returns an empty part whose memory counts against a share.
    pub(super) fn new(share: Share) -> Self {
        Self {
            blocks: VecDeque::new(),
            share,
        }
    }

    /// Memory of the blocks, bytes.
    pub(super) fn size(&self) -> usize {
        self.blocks.len() * BLOCK
    }

    /// Reserves memory for more bytes. Returns false if there is none.
    pub(super) fn reserve(&mut self, more: usize) -> bool {
        let blocks = more.saturating_sub(self.room()).next_multiple_of(BLOCK);
        let size = self.size() + blocks;
        let reserved = self.share.hold(size as u64).is_ok();
        if !reserved {
            self.settle();
        }
        reserved
    }

    /// Adds bytes for which memory is reserved.
    pub(super) fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            if room == 0 {
                self.blocks.push_back(Vec::with_capacity(BLOCK));
                continue;
            }
            let (now, then) = bytes.split_at(bytes.len().min(room));
            if let Some(last) = self.blocks.back_mut() {
                last.extend_from_slice(now);
            }
            bytes = then;
        }
        self.settle();
    }

    /// Bytes that the last block has room for.
    fn room(&self) -> usize {
        self.blocks.back().map_or(0, |last| BLOCK - last.len())
    }

    /// Takes the oldest bytes.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let oldest = self.blocks.pop_front();
        self.settle();
        oldest.map(Bytes::from)
    }

    /// Reserves the memory of the blocks alone.
    fn settle(&mut self) {
        // It was reserved before, and less can always be held.
        let _ = self.share.hold(self.size() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Allowance;

    #[test]
    fn bytes_are_taken_in_order_and_as_many_are_held_as_memory_permits() {
        let allowance = Allowance::of(3 * BLOCK as u64);
        let mut gathered = Gathered::new(allowance.share());
        let all: Vec<u8> = (0..BLOCK * 5 / 2).map(|i| i as u8).collect();
        for chunk in all.chunks(12_000) {
            assert!(gathered.reserve(chunk.len()));
            gathered.add(chunk);
        }
        assert_eq!(gathered.size(), 3 * BLOCK);
        assert!(gathered.reserve(BLOCK / 2) && !gathered.reserve(BLOCK / 2 + 1));
        assert!(allowance.share().hold(1).is_err());
        let first = gathered.take().unwrap();
        assert!(allowance.share().hold(BLOCK as u64).is_ok());
        let rest = std::iter::from_fn(|| gathered.take());
        let taken: Vec<u8> = std::iter::once(first).chain(rest).flatten().collect();
        assert!(taken == all);
        assert!(allowance.share().hold(3 * BLOCK as u64).is_ok());
    }
}
