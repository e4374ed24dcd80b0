//! What the order knows of goroutines, Ps and threads.
//!
//! States live in slabs and are addressed by slot. A thread remembers the slot
//! of the P and of the goroutine it runs, so most events need no look-up at
//! all; ids go through a hash map only where an event names a goroutine other
//! than the running one.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::super::event::{GoId, ProcId, ThreadId};

type IdMap = HashMap<i64, u32, foldhash::fast::RandomState>;

/// No slot.
pub const NONE: u32 = u32::MAX;

/// A goroutine's status as the wire counts it; 0 is never written by a real
/// runtime and is carried along.
pub mod go {
    pub const RUNNABLE: u8 = 1;
    pub const RUNNING: u8 = 2;
    pub const SYSCALL: u8 = 3;
    pub const WAITING: u8 = 4;
    pub const COUNT: u8 = 5;
    /// The slot is free.
    pub const DEAD: u8 = u8::MAX;
}

/// A P's status as the wire counts it.
pub mod proc {
    pub const RUNNING: u8 = 1;
    pub const IDLE: u8 = 2;
    pub const SYSCALL: u8 = 3;
    /// In a syscall whose thread is no longer known: about to be stolen.
    pub const SYSCALL_ABANDONED: u8 = 4;
    pub const COUNT: u8 = 5;
}

/// A sequence number, counted anew in each generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seq {
    pub generation: u64,
    pub n: u64,
}

impl Seq {
    /// Whether this is the number right after `before`.
    #[inline]
    pub fn follows(self, before: Self) -> bool {
        self.generation == before.generation && self.n == before.n.wrapping_add(1)
    }
}

/// A range that a goroutine has open: its first event's type and, for a
/// stop-the-world, the string id of the reason.
pub type OpenRange = (u8, u64);

/// A region that a goroutine has open. Names are compared by content, since
/// their ids change from one generation to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRegion {
    pub task: u64,
    pub name: Arc<[u8]>,
}

/// What few goroutines have.
#[derive(Debug, Default)]
pub struct Extras {
    pub ranges: Vec<OpenRange>,
    pub regions: Vec<OpenRegion>,
}

#[derive(Debug)]
pub struct Goroutine {
    pub id: GoId,
    pub seq: Seq,
    pub status: u8,
    extras: Option<Box<Extras>>,
}

impl Goroutine {
    pub fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }
}

/// All goroutines that exist.
#[derive(Debug, Default)]
pub struct Goroutines {
    slots: Vec<Goroutine>,
    free: Vec<u32>,
    by_id: IdMap,
}

impl Goroutines {
    #[inline]
    pub fn find(&self, id: GoId) -> Option<u32> {
        self.by_id.get(&id.0).copied()
    }

    /// Adds a goroutine that does not exist yet.
    pub fn add(&mut self, id: GoId, status: u8, seq: Seq) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => {
                let g = &mut self.slots[slot as usize];
                (g.id, g.seq, g.status) = (id, seq, status);
                slot
            }
            None => {
                self.slots.push(Goroutine {
                    id,
                    seq,
                    status,
                    extras: None,
                });
                (self.slots.len() - 1) as u32
            }
        };
        self.by_id.insert(id.0, slot);
        slot
    }

    pub fn remove(&mut self, slot: u32) {
        let g = &mut self.slots[slot as usize];
        g.status = go::DEAD;
        if let Some(x) = &mut g.extras {
            x.ranges.clear();
            x.regions.clear();
        }
        self.by_id.remove(&g.id.0);
        self.free.push(slot);
    }

    /// The state of the goroutine a thread runs, if it has one.
    #[inline]
    pub fn current(&self, t: &Thread) -> Option<u32> {
        match self.slots.get(t.g_slot as usize) {
            Some(g) if g.id == t.g && g.status != go::DEAD => Some(t.g_slot),
            _ => self.find(t.g),
        }
    }
}

impl std::ops::Index<u32> for Goroutines {
    type Output = Goroutine;
    #[inline]
    fn index(&self, slot: u32) -> &Goroutine {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Goroutines {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut Goroutine {
        &mut self.slots[slot as usize]
    }
}

#[derive(Debug)]
pub struct Proc {
    pub id: ProcId,
    pub seq: Seq,
    pub status: u8,
    pub sweeping: bool,
}

/// All Ps that were ever seen; a P is never forgotten.
#[derive(Debug, Default)]
pub struct Procs {
    pub slots: Vec<Proc>,
    by_id: IdMap,
}

impl Procs {
    #[inline]
    pub fn find(&self, id: ProcId) -> Option<u32> {
        // Ps are numbered from 0 and mostly appear in that order.
        match self.slots.get(id.0 as usize) {
            Some(p) if p.id == id => Some(id.0 as u32),
            _ => self.by_id.get(&id.0).copied(),
        }
    }

    pub fn add(&mut self, proc: Proc) -> u32 {
        let slot = self.slots.len() as u32;
        self.by_id.insert(proc.id.0, slot);
        self.slots.push(proc);
        slot
    }
}

/// A thread and what it runs.
#[derive(Clone, Copy, Debug)]
pub struct Thread {
    pub m: ThreadId,
    pub p: ProcId,
    pub g: GoId,
    pub p_slot: u32,
    /// Where `g` was last found; checked before use, see
    /// [`Goroutines::current`].
    pub g_slot: u32,
    /// Whether one of its events was looked at, or an event named it.
    pub seen: bool,
}

/// All threads that were ever seen.
#[derive(Debug, Default)]
pub struct Threads {
    pub slots: Vec<Thread>,
    by_id: IdMap,
}

impl Threads {
    /// The slot of a thread, seen or not.
    pub fn slot(&mut self, m: ThreadId) -> u32 {
        let next = self.slots.len() as u32;
        let slot = *self.by_id.entry(m.0).or_insert(next);
        if slot == next {
            self.slots.push(Thread {
                m,
                p: ProcId::NONE,
                g: GoId::NONE,
                p_slot: NONE,
                g_slot: NONE,
                seen: false,
            });
        }
        slot
    }

    /// The slot of a thread that was seen. The missing thread never is.
    pub fn find_seen(&self, m: ThreadId) -> Option<u32> {
        let slot = *self.by_id.get(&m.0)?;
        (self.slots[slot as usize].seen && m.is_some()).then_some(slot)
    }
}
