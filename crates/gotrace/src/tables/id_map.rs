//! Ids to slots.
//!
//! Ids in a trace are untrusted 64-bit numbers that are nearly always small and
//! dense. [`IdMap`] maps them to slots of a vector: dense ids by index, others
//! by hash. Its size is at most twice the number of bytes read.

use std::collections::HashMap;

use super::super::allowance::{of_map, of_vec};
use super::super::work;

/// Values by untrusted ids.
pub(super) type Map<V> = HashMap<u64, V, foldhash::fast::RandomState>;

/// Untrusted ids to slots; id 0 is always known and has slot 0.
#[derive(Clone, Debug)]
pub(super) struct IdMap {
    dense: Vec<u32>,
    sparse: Map<u32>,
    len: u32,
}

/// The id has no slot in [`IdMap::dense`].
const ABSENT: u32 = u32::MAX;

impl Default for IdMap {
    fn default() -> Self {
        Self {
            dense: vec![0],
            sparse: Map::default(),
            len: 0,
        }
    }
}

impl IdMap {
    /// Gives `id` the next slot, from 1. `None` if it has one already.
    pub(super) fn insert(&mut self, id: u64) -> Option<u32> {
        if self.get(id).is_some() {
            return None;
        }
        self.len += 1;
        work::add(1);
        if id < self.dense_limit() {
            let i = id as usize;
            if i >= self.dense.len() {
                work::add(i + 1 - self.dense.len());
                self.dense.resize(i + 1, ABSENT);
            }
            self.dense[i] = self.len;
        } else {
            self.sparse.insert(id, self.len);
        }
        Some(self.len)
    }

    /// Lets `id`, which has a slot, have the next one instead.
    pub(super) fn replace(&mut self, id: u64) {
        self.len += 1;
        match self.dense.get_mut(id as usize) {
            Some(slot) if *slot != ABSENT => *slot = self.len,
            _ => *self.sparse.entry(id).or_default() = self.len,
        }
    }

    /// Passes over a slot, which then has no id.
    pub(super) fn skip(&mut self) -> u32 {
        self.len += 1;
        self.len
    }

    /// Gives ids a place in `dense` that came too early for one: the runtime
    /// writes stacks in the order of their hashes.
    pub(super) fn settle(&mut self) {
        let limit = self.dense_limit();
        work::add(self.sparse.len());
        let (dense, sparse) = (&mut self.dense, &mut self.sparse);
        let largest = sparse.keys().copied().filter(|id| *id < limit).max();
        let Some(largest) = largest else { return };
        let length = dense.len().max(largest as usize + 1);
        work::add(length - dense.len());
        dense.resize(length, ABSENT);
        sparse.retain(|id, slot| {
            let place = dense.get_mut(*id as usize);
            place.map(|place| *place = *slot).is_none()
        });
    }

    /// Ids below it have a place in `dense`.
    fn dense_limit(&self) -> u64 {
        2 * u64::from(self.len) + 64
    }

    /// The slot of an id.
    #[inline]
    pub(super) fn get(&self, id: u64) -> Option<u32> {
        self.dense(id).or_else(|| self.get_sparse(id))
    }

    /// Like [`get`](Self::get), but only by index.
    #[inline(always)]
    pub(super) fn dense(&self, id: u64) -> Option<u32> {
        match self.dense.get(id as usize) {
            Some(&slot) if slot != ABSENT => Some(slot),
            _ => None,
        }
    }

    #[cold]
    fn get_sparse(&self, id: u64) -> Option<u32> {
        self.sparse.get(&id).copied()
    }

    /// Bytes of memory that this holds while up to `more` ids are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        // Each id may leave room for another one.
        of_vec(&self.dense, 2 * more) + of_map(&self.sparse, more)
    }

    pub(super) fn clear(&mut self) {
        self.dense.truncate(1);
        self.sparse.clear();
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_id_costs_no_more_than_a_small_one() {
        let mut ids = IdMap::default();
        assert_eq!(ids.insert(u64::MAX), Some(1));
        assert_eq!(ids.insert(1 << 40), Some(2));
        assert_eq!(ids.insert(1), Some(3));
        assert_eq!(ids.insert(1), None);
        assert_eq!(ids.insert(u64::MAX), None);
        assert_eq!(ids.get(u64::MAX), Some(1));
        assert_eq!(ids.get(2), None);
        assert!(ids.dense.capacity() < 100);
    }

    #[test]
    fn ids_that_came_in_disorder_are_found_by_index() {
        let mut ids = IdMap::default();
        for id in (1..1000).rev() {
            ids.insert(id);
        }
        ids.insert(1 << 40);
        assert_eq!(ids.dense(999), None);
        ids.settle();
        for id in 1..1000 {
            assert_eq!(ids.dense(id), Some(1000 - id as u32), "{id}");
        }
        assert_eq!((ids.get(1 << 40), ids.get(1000)), (Some(1000), None));
        assert_eq!(ids.sparse.len(), 1);
    }
}
