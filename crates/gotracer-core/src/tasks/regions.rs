//! Regions that are open, by goroutine.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::chains::Chains;
use super::ids::Ids;
use super::scope::Scope;
use super::{Over, SPARE};
use crate::timeline::{StackKey, Timeline};
use crate::trace::{GoId, TaskId, Time};
use crate::units::elapsed;

/// Maximum number of open regions per goroutine.
const DEPTH: usize = 64;
/// Maximum number of regions that are open at a time.
const OPEN: usize = 1 << 16;

/// Open regions.
#[derive(Clone, Debug, Default)]
pub(super) struct Regions {
    by_goroutine: HashMap<GoId, Vec<OpenRegion>, RandomState>,
    open: usize,
    /// Empty lists, for the next goroutines.
    spare: Vec<Vec<OpenRegion>>,
}

#[derive(Clone, Copy, Debug)]
struct OpenRegion {
    group: usize,
    task: TaskId,
    start: Time,
    scope: Scope,
    /// Stack at the begin.
    stack: StackKey,
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
        let goroutines = self.by_goroutine.len() * size_of::<(GoId, Vec<OpenRegion>)>();
        goroutines + self.open * size_of::<OpenRegion>()
    }

    /// Whether no region is open.
    pub(super) fn is_empty(&self) -> bool {
        self.by_goroutine.is_empty()
    }

    /// Begins a region in a goroutine.
    pub(super) fn begin(
        &mut self,
        g: GoId,
        task: TaskId,
        group: usize,
        stack: StackKey,
        chains: &Chains,
        t: &Timeline,
    ) {
        let spare = || self.spare.pop().unwrap_or_default();
        let regions = self.by_goroutine.entry(g).or_insert_with(spare);
        if self.open < OPEN && regions.len() < DEPTH {
            regions.push(OpenRegion {
                group,
                task,
                start: t.now(),
                scope: Scope::begin(g, chains, t),
                stack,
            });
            self.open += 1;
        }
    }

    /// Ends a goroutine's innermost region. One that began before the trace is a lower
    /// bound.
    pub(super) fn end(
        &mut self,
        g: GoId,
        task: TaskId,
        group: usize,
        chains: &Chains,
        t: &Timeline,
    ) -> Over {
        let regions = self.by_goroutine.get_mut(&g);
        let found = regions.and_then(|regions| {
            let is = |region: &OpenRegion| (region.group, region.task) == (group, task);
            let at = regions.iter().rposition(is)?;
            Some(regions.remove(at))
        });
        if let Some(region) = found {
            self.open -= 1;
            if self.by_goroutine.get(&g).is_some_and(Vec::is_empty)
                && let Some(empty) = self.by_goroutine.remove(&g)
                && self.spare.len() < SPARE
            {
                self.spare.push(empty);
            }
            return region.over(g, chains, t, false);
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
    pub(super) fn ended(&mut self, g: GoId, chains: &Chains, t: &Timeline) -> Vec<(usize, Over)> {
        let regions = self.by_goroutine.remove(&g).unwrap_or_default();
        self.open -= regions.len();
        let over = |region: &OpenRegion| (region.group, region.over(g, chains, t, false));
        regions.iter().rev().map(over).collect()
    }

    /// Returns the task of a goroutine's innermost region in one, and the region's start.
    pub(super) fn task(&self, g: GoId) -> Option<(Time, TaskId)> {
        let mut regions = self.by_goroutine.get(&g)?.iter().rev();
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
            let over = |region: &OpenRegion| (region.group, region.over(*g, chains, t, true));
            regions.iter().map(over)
        })
    }
}
