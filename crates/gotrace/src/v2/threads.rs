//! Threads (Ms): what each runs, and where its events are read.
//!
//! Both are needed whenever a thread has its turn, so they are stored side by side.

use std::collections::HashMap;

use super::super::allowance::{of_map, of_vec};
use super::super::event::{GoId, ProcId, ThreadId};
use super::cursor::Cursor;

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

/// A thread and what it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread {
    pub m: ThreadId,
    pub p: ProcId,
    pub g: GoId,
    /// Its own slot.
    pub slot: u32,
    /// No slot if there is no P.
    pub p_slot: u32,
    /// Slot at which `g` was last found; none without a goroutine. Checked
    /// before each use, see `Goroutines::current`.
    pub g_slot: u32,
    /// Whether one of its events was looked at, or an event named it.
    pub seen: bool,
}

/// A thread, and its events in the current generation.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Lane {
    pub thread: Thread,
    pub cursor: Cursor,
}

/// All threads that were ever seen.
#[derive(Debug, Default)]
pub(super) struct Threads {
    lanes: Vec<Lane>,
    by_id: HashMap<i64, u32, foldhash::fast::RandomState>,
}

impl Threads {
    /// Bytes of memory that this holds while up to `more` threads are added,
    /// without the bytes of their batches.
    pub(super) fn held(&self, more: usize) -> u64 {
        of_vec(&self.lanes, more) + of_map(&self.by_id, more)
    }

    /// Returns the slot of a thread, adding it if necessary.
    pub(super) fn slot(&mut self, m: ThreadId) -> u32 {
        let next = self.lanes.len() as u32;
        let slot = *self.by_id.entry(m.0).or_insert(next);
        if slot == next {
            let thread = Thread {
                m,
                p: ProcId::NONE,
                g: GoId::NONE,
                slot,
                p_slot: NONE,
                g_slot: NONE,
                seen: false,
            };
            let cursor = Cursor::default();
            self.lanes.push(Lane { thread, cursor });
        }
        slot
    }

    /// Returns the slot of a known thread; `None` for [`ThreadId::NONE`].
    pub(super) fn find_seen(&self, m: ThreadId) -> Option<u32> {
        let slot = *self.by_id.get(&m.0)?;
        (self[slot].thread.seen && m.is_some()).then_some(slot)
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Lane> {
        self.lanes.get_mut(slot as usize)
    }
}

impl std::ops::Index<u32> for Threads {
    type Output = Lane;
    #[inline]
    fn index(&self, slot: u32) -> &Lane {
        &self.lanes[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Threads {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut Lane {
        &mut self.lanes[slot as usize]
    }
}
