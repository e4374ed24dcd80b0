//! State of goroutines and Ps.
//!
//! States live in slabs and are addressed by slot. A thread remembers the slot
//! of the P and of the goroutine it runs, so most events need no look-up at
//! all; ids go through a hash map only where an event names a goroutine other
//! than the running one.

use std::collections::HashMap;

use super::super::super::allowance::{of_map, of_vec};
use super::super::super::event::{GoId, ProcId, TaskId};
use super::super::super::ids::Ids;
use super::super::super::slab::Slab;
use super::super::super::violation::Violation;
use super::super::threads::Thread;
use super::super::wire;
use super::names::NameId;

type IdMap = HashMap<i64, u32, foldhash::fast::RandomState>;

/// Status of a goroutine; the numbers are those of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum GoStatus {
    /// Written by no runtime; kept as it is, as in the reference.
    Bad = 0,
    Runnable = 1,
    Running = 2,
    Syscall = 3,
    Waiting = 4,
    /// The slot is free.
    Dead = u8::MAX,
}

impl GoStatus {
    /// The status that an event gives; `None` if there is no such status.
    pub(super) fn from_wire(status: u8) -> Option<Self> {
        Some(match status {
            0 => Self::Bad,
            1 => Self::Runnable,
            2 => Self::Running,
            3 => Self::Syscall,
            4 => Self::Waiting,
            _ => return None,
        })
    }
}

/// Status of a P; the numbers are those of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ProcStatus {
    /// Written by no runtime; kept as it is, as in the reference.
    Bad = 0,
    Running = 1,
    Idle = 2,
    Syscall = 3,
    /// In a syscall whose thread is no longer known: about to be stolen.
    SyscallAbandoned = 4,
}

impl ProcStatus {
    /// The status that an event gives; `None` if there is no such status.
    pub(super) fn from_wire(status: u64) -> Option<Self> {
        Some(match status {
            0 => Self::Bad,
            1 => Self::Running,
            2 => Self::Idle,
            3 => Self::Syscall,
            4 => Self::SyscallAbandoned,
            _ => return None,
        })
    }
}

/// A sequence number, counted anew in each generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seq {
    pub generation: u64,
    pub n: u64,
}

impl Seq {
    /// Whether this is the number right after `before`.
    #[inline]
    pub(super) fn follows(self, before: Self) -> bool {
        self.generation == before.generation && self.n == before.n.wrapping_add(1)
    }
}

/// A range that a goroutine has open: its first event's type and, for a
/// stop-the-world, the string id of the reason.
pub(super) type OpenRange = (u8, u64);

/// A region that a goroutine has open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenRegion {
    pub task: TaskId,
    pub name: NameId,
}

/// Adds a value; returns by how many bytes the vector grew.
#[inline]
pub(super) fn push<T>(vec: &mut Vec<T>, value: T) -> u64 {
    let before = vec.capacity();
    vec.push(value);
    ((vec.capacity() - before) * size_of::<T>()) as u64
}

/// State that few goroutines have.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub ranges: Vec<OpenRange>,
    pub regions: Vec<OpenRegion>,
}

#[derive(Debug)]
pub(super) struct Goroutine {
    pub id: GoId,
    pub seq: Seq,
    pub status: GoStatus,
    extras: Option<Box<Extras>>,
}

impl Goroutine {
    #[inline]
    pub(super) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Whether it has regions open.
    #[inline]
    pub(super) fn has_open_regions(&self) -> bool {
        self.extras.as_ref().is_some_and(|x| !x.regions.is_empty())
    }
}

/// All goroutines that exist.
#[derive(Debug, Default)]
pub(super) struct Goroutines {
    slots: Slab<Goroutine>,
    ids: Ids,
}

impl Goroutines {
    /// Bytes of memory that this holds while up to `more` goroutines are added,
    /// without what they have open.
    pub(super) fn held(&self, more: usize) -> u64 {
        let extras = self.slots.len() * size_of::<Extras>();
        self.slots.held(more) + self.ids.held(more) + extras as u64
    }

    pub(super) fn find(&mut self, id: GoId) -> Option<(u32, &mut Goroutine)> {
        let slot = self.ids.find(id.0)?;
        self.slots.get_mut(slot).map(|g| (slot, g))
    }

    /// Like [`find`](Self::find), but may miss it.
    #[inline(always)]
    pub(super) fn find_fast(&mut self, id: GoId) -> Option<(u32, &mut Goroutine)> {
        let slot = self.ids.find_fast(id.0)?;
        self.slots.get_mut(slot).map(|g| (slot, g))
    }

    /// Like [`running`](Self::running), but may miss it.
    #[inline(always)]
    pub(super) fn run_by(&mut self, t: &Thread, status: GoStatus) -> Option<&mut Goroutine> {
        let g = self.slots.get_mut(t.g_slot)?;
        (g.id == t.g && g.status == status).then_some(g)
    }

    /// The goroutine that the thread has, but may miss it.
    #[inline(always)]
    pub(super) fn current_fast(&mut self, t: &Thread) -> Option<&mut Goroutine> {
        let g = self.slots.get_mut(t.g_slot)?;
        (g.id == t.g && g.status != GoStatus::Dead).then_some(g)
    }

    /// The goroutine that the thread runs, which must be in `status`.
    pub(super) fn running(
        &mut self,
        t: &Thread,
        event: u8,
        status: GoStatus,
    ) -> Result<(u32, &mut Goroutine), Violation> {
        let slot = match self.slots.get(t.g_slot) {
            Some(g) if g.id == t.g && g.status == status => t.g_slot,
            _ => self.running_elsewhere(t, event, status)?,
        };
        Ok((slot, &mut self.slots[slot]))
    }

    #[cold]
    fn running_elsewhere(
        &mut self,
        t: &Thread,
        event: u8,
        status: GoStatus,
    ) -> Result<u32, Violation> {
        let slot = self.expect_current(t, event)?;
        if self[slot].status != status {
            let g = t.g;
            return Err(Violation::GoroutineState {
                event: wire::name(event),
                g,
            });
        }
        Ok(slot)
    }

    /// The slot of the goroutine that the thread runs.
    pub(super) fn expect_current(&mut self, t: &Thread, event: u8) -> Result<u32, Violation> {
        let g = t.g;
        let slot = self.current(t);
        slot.ok_or_else(|| Violation::UnknownGoroutine {
            event: wire::name(event),
            g,
        })
    }

    /// Adds a goroutine that does not exist yet.
    pub(super) fn add(&mut self, id: GoId, status: GoStatus, seq: Seq) -> u32 {
        let slot = match self.slots.reuse() {
            // It may have memory for its extras.
            Some((slot, g)) => {
                (g.id, g.seq, g.status) = (id, seq, status);
                slot
            }
            None => self.slots.add(Goroutine {
                id,
                seq,
                status,
                extras: None,
            }),
        };
        self.ids.insert(id.0, slot);
        slot
    }

    /// The regions that a goroutine had open and has no more.
    pub(super) fn close_regions(&mut self, slot: u32) -> impl Iterator<Item = OpenRegion> {
        let extras = self.slots[slot].extras.as_mut();
        extras.into_iter().flat_map(|x| x.regions.drain(..))
    }

    /// Removes a goroutine that has no open regions.
    pub(super) fn remove(&mut self, slot: u32) {
        let g = &mut self.slots[slot];
        g.status = GoStatus::Dead;
        if let Some(x) = &mut g.extras {
            x.ranges.clear();
        }
        self.ids.remove(g.id.0);
        self.slots.free(slot);
    }

    /// The state of the goroutine a thread runs, if it has one.
    #[inline]
    pub(super) fn current(&mut self, t: &Thread) -> Option<u32> {
        match self.current_fast(t) {
            Some(_) => Some(t.g_slot),
            None => self.find(t.g).map(|(slot, _)| slot),
        }
    }
}

impl std::ops::Index<u32> for Goroutines {
    type Output = Goroutine;
    #[inline]
    fn index(&self, slot: u32) -> &Goroutine {
        &self.slots[slot]
    }
}

impl std::ops::IndexMut<u32> for Goroutines {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut Goroutine {
        &mut self.slots[slot]
    }
}

#[derive(Debug)]
pub(super) struct Proc {
    pub id: ProcId,
    pub seq: Seq,
    pub status: ProcStatus,
    pub sweeping: bool,
    /// Slot of the thread that held it last.
    pub holder: u32,
}

/// All Ps that were ever seen; a P is never forgotten.
#[derive(Debug, Default)]
pub(super) struct Procs {
    pub slots: Vec<Proc>,
    by_id: IdMap,
}

impl Procs {
    /// Bytes of memory that this holds while up to `more` Ps are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        of_vec(&self.slots, more) + of_map(&self.by_id, more)
    }

    #[inline]
    pub(super) fn find(&self, id: ProcId) -> Option<u32> {
        // Ps are numbered from 0 and mostly appear in that order.
        match self.slots.get(id.0 as usize) {
            Some(p) if p.id == id => Some(id.0 as u32),
            _ => self.by_id.get(&id.0).copied(),
        }
    }

    pub(super) fn add(&mut self, proc: Proc) -> u32 {
        let slot = self.slots.len() as u32;
        self.by_id.insert(proc.id.0, slot);
        self.slots.push(proc);
        slot
    }
}
