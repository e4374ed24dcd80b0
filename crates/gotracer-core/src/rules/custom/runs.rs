//! Uninterrupted runs of goroutines, derived from the intervals in which they do not run.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::timeline::{Goroutine, Interval, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, Time};

/// End of the last interval of each goroutine, from which on it ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    since: HashMap<GoId, Time, RandomState>,
}

impl Runs {
    /// Bytes of memory in use.
    pub(super) fn held(&self) -> u64 {
        of_map(&self.since, 1)
    }

    /// Records an interval in which a goroutine did not run. Returns begin and end of the run before it.
    pub(super) fn interval(&mut self, i: &Interval, t: &Timeline) -> Option<(Time, Time)> {
        let g = i.victim.g;
        let before = match i.under_way {
            true => self.since.get(&g).copied(),
            false => self.since.insert(g, i.end),
        };
        let start = before.unwrap_or_else(|| first(t.find(g), t));
        (start < i.start).then_some((start, i.start))
    }

    /// Removes a goroutine that ends. Returns begin and end of its last run.
    pub(super) fn ended(&mut self, g: &Goroutine, t: &Timeline) -> Option<(Time, Time)> {
        let start = self.since.remove(&g.id);
        let start = start.unwrap_or_else(|| first(Some(g), t));
        (start < t.now()).then_some((start, t.now()))
    }
}

/// Begin of a goroutine's first run: before it the goroutine was in no interval.
fn first(g: Option<&Goroutine>, t: &Timeline) -> Time {
    g.map_or(t.start(), |g| g.birth)
}
