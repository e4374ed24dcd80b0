//! State of goroutines and Ps.
//!
//! A goroutine has two states: one by which the order of events is found, and
//! one as of the time that was come to. They differ between the moment a
//! goroutine left a syscall and the moment at which this was written.

use super::wire;
use std::collections::HashMap;

use super::super::allowance::{of_map, of_vec};
use super::super::event::{GoId, ProcId, ThreadId};
use super::super::ids::Ids;
use super::super::slab::Slab;
use super::super::violation::Violation;

/// Status of a goroutine, in which its events must agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    Dead,
    Runnable,
    Running,
    Waiting,
}

/// A region that a goroutine has open: its task and the wire id of its name.
pub(super) type OpenRegion = (u64, u64);

#[derive(Debug)]
pub(super) struct Goroutine {
    pub id: GoId,
    /// How many of its steps had to be put in order.
    pub seq: u64,
    /// When it blocked in a syscall, in ticks; 0 if it never did.
    pub blocked: i64,
    /// As far as the order came.
    pub order: Status,
    /// As of now.
    pub status: Status,
    /// Whether another P's next event waits for a step of it.
    pub awaited: bool,
    /// Whether it last waited for the network.
    pub network: bool,
    pub assisting: bool,
    /// Whether it was created before the trace and nothing else is known.
    pub fresh: bool,
    /// Those it has open, innermost last.
    pub regions: Vec<OpenRegion>,
}

impl Goroutine {
    fn new(id: GoId, order: Status, status: Status) -> Self {
        Self {
            id,
            seq: 1,
            blocked: 0,
            order,
            status,
            awaited: false,
            network: false,
            assisting: false,
            fresh: false,
            regions: Vec::new(),
        }
    }

    /// Refuses an event that needs the goroutine to be in another status.
    #[inline(always)]
    pub(super) fn must_be(&self, status: Status, event: u8) -> Result<(), Violation> {
        match self.status == status {
            true => Ok(()),
            false => Err(Violation::GoroutineState {
                event: wire::name(event),
                g: self.id,
            }),
        }
    }
}

/// The slot of "no goroutine", which may do some things too.
pub(super) const G0: u32 = 0;

/// All goroutines that exist.
#[derive(Debug)]
pub(super) struct Goroutines {
    slots: Slab<Goroutine>,
    ids: Ids,
    ended: Ended,
    /// Bytes of the regions that they have open.
    open: u64,
}

impl Default for Goroutines {
    fn default() -> Self {
        let g0 = Goroutine::new(GoId(0), Status::Dead, Status::Running);
        let (mut slots, mut ids) = (Slab::default(), Ids::default());
        ids.insert(g0.id.0, G0);
        slots.add(g0);
        Self {
            slots,
            ids,
            ended: Ended::default(),
            open: 0,
        }
    }
}

impl Goroutines {
    /// Bytes of memory that this holds while up to `more` goroutines are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        let ended = of_map(&self.ended.0, more);
        self.slots.held(more) + self.ids.held(more) + ended + 3 * self.open
    }

    /// A goroutine opens a region.
    pub(super) fn open_region(&mut self, slot: u32, region: OpenRegion) {
        let open = &mut self.slots[slot].regions;
        let before = of_vec(open, 0);
        open.push(region);
        self.open += of_vec(open, 0) - before;
    }

    #[inline(always)]
    pub(super) fn find(&mut self, id: GoId) -> Option<(u32, &mut Goroutine)> {
        let slot = self.ids.find(id.0)?;
        self.slots.get_mut(slot).map(|g| (slot, g))
    }

    /// Like [`find`](Self::find), where the slot may be the one that the
    /// goroutine was found in before.
    #[inline(always)]
    pub(super) fn find_again(&mut self, id: GoId, slot: u32) -> Option<(u32, &mut Goroutine)> {
        let slot = match self.slots.get(slot) {
            Some(g) if g.id == id && g.order != Status::Dead => slot,
            _ => self.ids.find(id.0)?,
        };
        self.slots.get_mut(slot).map(|g| (slot, g))
    }

    /// Whether there never was such a goroutine.
    pub(super) fn is_new(&self, id: GoId) -> bool {
        self.ids.find(id.0).is_none() && !self.ended.contains(id)
    }

    /// Adds a runnable goroutine; `None` if it exists or did.
    pub(super) fn create(&mut self, id: GoId) -> Option<u32> {
        if !self.is_new(id) {
            return None;
        }
        let new = Goroutine::new(id, Status::Runnable, Status::Runnable);
        let slot = self.slots.add(new);
        self.ids.insert(id.0, slot);
        Some(slot)
    }

    pub(super) fn end(&mut self, slot: u32) {
        let g = &mut self.slots[slot];
        (g.order, g.status) = (Status::Dead, Status::Dead);
        self.open -= of_vec(&g.regions, 0);
        g.regions = Vec::new();
        self.ids.remove(g.id.0);
        self.ended.insert(g.id);
        self.slots.free(slot);
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

/// Goroutines that ended: none begins a second time. Ids are nearly dense, so
/// each costs little more than a bit.
#[derive(Debug, Default)]
struct Ended(HashMap<i64, u64, foldhash::fast::RandomState>);

impl Ended {
    fn insert(&mut self, id: GoId) {
        *self.0.entry(id.0 >> 6).or_default() |= 1 << (id.0 & 63);
    }

    fn contains(&self, id: GoId) -> bool {
        let word = self.0.get(&(id.0 >> 6));
        word.is_some_and(|w| w & 1 << (id.0 & 63) != 0)
    }
}

/// A P and what it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proc {
    pub p: ProcId,
    /// The thread it runs on.
    pub m: ThreadId,
    /// The goroutine that runs, as the wire counts: 0 is none.
    pub g: u64,
    pub g_slot: u32,
    /// Slot of the goroutine of the next event.
    pub hint: u32,
    /// Whether an event gave its state.
    pub seen: bool,
    pub running: bool,
    pub sweeping: bool,
}

impl Proc {
    pub(super) fn new(p: ProcId) -> Self {
        Self {
            p,
            m: ThreadId::NONE,
            g: 0,
            g_slot: G0,
            hint: G0,
            seen: false,
            running: false,
            sweeping: false,
        }
    }

    /// The goroutine that runs.
    #[inline(always)]
    pub(super) fn goroutine(&self) -> GoId {
        match self.g {
            0 => GoId::NONE,
            g => GoId(g as i64),
        }
    }

    /// The slot of the goroutine that runs, if there is one.
    #[inline(always)]
    pub(super) fn current(&self, event: u8) -> Result<u32, Violation> {
        match self.g {
            0 => Err(Violation::Missing {
                event: wire::name(event),
                missing: "goroutine",
            }),
            _ => Ok(self.g_slot),
        }
    }

    /// The thread, as the reference reader has it for some events: if it is
    /// not known, it is the first.
    pub(super) fn thread_or_first(&self) -> ThreadId {
        match self.m.is_some() {
            true => self.m,
            false => ThreadId(0),
        }
    }

    pub(super) fn clear_g(&mut self) {
        (self.g, self.g_slot) = (0, G0);
    }
}
