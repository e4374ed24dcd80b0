//! Regions that are open, by goroutine.

use super::by_slot::BySlot;
use super::chains::Chains;
use super::ids::Ids;
use super::scope::Scope;
use super::{Over, SPARE};
use crate::timeline::{Goroutine, StackKey, Timeline};
use crate::trace::{GoId, Slot, TaskId, Time};
use crate::units::elapsed;

/// Maximum number of open regions per goroutine.
const DEPTH: usize = 64;
/// Maximum number of regions that are open at a time.
const OPEN: usize = 1 << 16;

/// Open regions.
#[derive(Debug, Default)]
pub(super) struct Regions {
    by_goroutine: BySlot<Vec<OpenRegion>>,
    open: usize,
    /// Empty lists, for the next goroutines.
    spare: Vec<Vec<OpenRegion>>,
}

/// Open region.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenRegion {
    pub group: usize,
    pub task: TaskId,
    pub start: Time,
    pub scope: Scope,
    /// Stack at the begin.
    pub stack: StackKey,
}

impl OpenRegion {
    /// Returns the region up to now. `open` says that the trace's end cuts it off.
    fn over(&self, g: GoId, chains: &Chains, t: &Timeline, open: bool) -> Over {
        Over {
            task: self.task,
            goroutine: g,
            start: t.since_stretch(self.start),
            duration: elapsed(self.start, t.now()),
            lower_bound: open,
            ids: Ids::default(),
            spent: self.scope.spent(g, Some(chains), t),
            others: None,
            stack: self.stack,
            open,
            queued: None,
        }
    }
}

impl Regions {
    /// Bytes of memory that this holds.
    pub(super) fn held(&self) -> usize {
        self.by_goroutine.held() + self.open * size_of::<OpenRegion>()
    }

    /// Whether no region is open.
    pub(super) fn is_empty(&self) -> bool {
        self.by_goroutine.is_empty()
    }

    /// Begins a region in a goroutine. Returns false if too many are open.
    pub(super) fn begin(
        &mut self,
        slot: Slot,
        g: GoId,
        region: impl FnOnce() -> OpenRegion,
    ) -> bool {
        let spare = || self.spare.pop().unwrap_or_default();
        let regions = self.by_goroutine.entry(slot, g, spare);
        let fits = self.open < OPEN && regions.len() < DEPTH;
        if fits {
            regions.push(region());
            self.open += 1;
        }
        fits
    }

    /// Ends a goroutine's innermost region. One that began before the trace is a lower
    /// bound.
    pub(super) fn end(
        &mut self,
        slot: Option<Slot>,
        g: GoId,
        (group, task): (usize, TaskId),
        chains: &Chains,
        t: &Timeline,
    ) -> Over {
        let is = |region: &OpenRegion| (region.group, region.task) == (group, task);
        if let Some(slot) = slot
            && let Some(regions) = self.by_goroutine.get_mut(slot, g)
            && let Some(at) = regions.iter().rposition(is)
        {
            let over = regions[at].over(g, chains, t, false);
            if at + 1 == regions.len() {
                regions.truncate(at);
            } else {
                regions.remove(at);
            }
            self.open -= 1;
            if regions.is_empty()
                && let Some(empty) = self.by_goroutine.remove(slot, g)
                && self.spare.len() < SPARE
            {
                self.spare.push(empty);
            }
            return over;
        }
        let start = t.find(g).map_or(t.start(), |g| g.birth);
        let since_start = OpenRegion {
            group,
            task,
            start,
            scope: Scope::WHOLE,
            stack: StackKey::NONE,
        };
        Over {
            open: false,
            ..since_start.over(g, chains, t, true)
        }
    }

    /// Ends the regions of a goroutine that ends, the innermost first.
    pub(super) fn ended(
        &mut self,
        g: &Goroutine,
        chains: &Chains,
        t: &Timeline,
    ) -> Vec<(usize, Over)> {
        let regions = self.by_goroutine.remove(g.slot, g.id).unwrap_or_default();
        self.open -= regions.len();
        let over = |region: &OpenRegion| (region.group, region.over(g.id, chains, t, false));
        regions.iter().rev().map(over).collect()
    }

    /// Returns the task of a goroutine's innermost region in one, and the region's start.
    pub(super) fn task(&self, slot: Slot, g: GoId) -> Option<(Time, TaskId)> {
        let mut regions = self.by_goroutine.get(slot, g)?.iter().rev();
        let region = regions.find(|region| region.task.0 > TaskId::BACKGROUND.0)?;
        Some((region.start, region.task))
    }

    /// Returns open regions as if they ended now.
    pub(super) fn open<'r>(
        &'r self,
        chains: &'r Chains,
        t: &'r Timeline,
    ) -> impl Iterator<Item = (usize, Over)> + 'r {
        let all = self.by_goroutine.iter();
        all.flat_map(move |(g, regions)| {
            let over = move |region: &OpenRegion| (region.group, region.over(g, chains, t, true));
            regions.iter().map(over)
        })
    }
}
