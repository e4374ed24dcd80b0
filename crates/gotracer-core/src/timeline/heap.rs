//! Heap gauges, and heap growth by goroutine.

use std::collections::HashMap;

use super::stacks::StackKey;
use crate::trace::GoId;

/// Lower bound of heap goals that mean "off", bytes.
const UNREACHABLE: u64 = 1 << 60;

/// Limit of distinct goroutines between two collections. A program with the collector off would add goroutines
/// without end.
const MOST: usize = 1 << 17;

/// Part of the heap's growth while a goroutine was running. Approximate: the runtime emits growth by spans, not by
/// objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// Growth, bytes.
    pub bytes: u64,
    /// Start function of the goroutine, which may have ended since.
    pub start: StackKey,
    /// Last stack that shows the goroutine in an allocation.
    pub site: StackKey,
}

/// State of the heap.
#[derive(Debug, Default)]
pub(super) struct Heap {
    /// Bytes of heap objects, live or not swept yet.
    pub objects: Option<u64>,
    /// Peak of `objects`.
    pub peak: Option<u64>,
    /// Live heap at the end of the last marking, bytes.
    pub live: Option<u64>,
    /// Heap goal, bytes.
    pub goal: Option<u64>,
    /// The heap goal means that the collector is off.
    pub is_off: bool,
    /// First value of `objects` since the last report.
    pub first: Option<u64>,
    /// Sum of the growth of `objects` since the last report.
    pub allocated: u64,
    /// Garbage collections that finished marking.
    pub collections: u64,
    /// Heap growth since the last marking, by the goroutine that was running.
    by_goroutine: HashMap<GoId, Share, foldhash::fast::RandomState>,
    /// The last goroutine and its share that is not in the map yet. Consecutive values mostly have the same
    /// goroutine.
    last: (GoId, Share),
}

impl Heap {
    /// Records a value of heap objects, emitted while `g` ran. `start` returns the goroutine's start function.
    #[inline]
    pub(super) fn set_objects(&mut self, bytes: u64, g: GoId, start: impl FnOnce() -> StackKey) {
        let before = self.objects.replace(bytes).unwrap_or(bytes);
        self.peak = self.peak.max(Some(bytes));
        self.first.get_or_insert(before);
        let grown = bytes.saturating_sub(before);
        self.allocated = self.allocated.saturating_add(grown);
        if g != self.last.0 {
            self.flush();
            let known = self.by_goroutine.get(&g);
            let start = known.map_or_else(start, |share| share.start);
            self.last = (
                g,
                Share {
                    start,
                    ..Share::default()
                },
            );
        }
        self.last.1.bytes = self.last.1.bytes.saturating_add(grown);
    }

    /// Records a stack that shows a goroutine in an allocation.
    pub(super) fn set_site(&mut self, g: GoId, site: StackKey) {
        if g == self.last.0 {
            self.last.1.site = site;
        }
    }

    /// Starts the peak and the sums of the next report.
    pub(super) fn start_stretch(&mut self) {
        self.peak = self.objects;
        (self.first, self.allocated) = (self.objects, 0);
    }

    /// Records a heap goal. With the collector off it is 0 or, before Go 1.25, more than any heap.
    pub(super) fn set_goal(&mut self, bytes: u64) {
        self.goal = Some(bytes).filter(|goal| (1..UNREACHABLE).contains(goal));
        self.is_off = self.goal.is_none();
    }

    fn flush(&mut self) {
        let (g, last) = std::mem::take(&mut self.last);
        let known = self.by_goroutine.contains_key(&g);
        if last.bytes > 0 && g.is_some() && (known || self.by_goroutine.len() < MOST) {
            let share = self.by_goroutine.entry(g).or_default();
            share.bytes = share.bytes.saturating_add(last.bytes);
            share.start = last.start;
            if last.site.is_some() {
                share.site = last.site;
            }
        }
    }

    /// Returns the goroutine with the largest growth since the last marking among the `wanted` ones.
    pub(super) fn top(&self, wanted: impl Fn(GoId, &Share) -> bool) -> Option<(GoId, Share)> {
        let all = self.by_goroutine.iter().map(|(&g, &share)| (g, share));
        let all = all.filter(|(g, share)| wanted(*g, share));
        all.max_by_key(|(g, share)| (share.bytes, std::cmp::Reverse(*g)))
    }

    /// Records the end of marking.
    pub(super) fn collect(&mut self) {
        self.flush();
        self.collections += 1;
        self.live = self.objects;
    }

    /// Restarts the sums by goroutine.
    pub(super) fn restart(&mut self) {
        self.by_goroutine.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heap(values: &[(u64, i64)]) -> Heap {
        let mut heap = Heap::default();
        for &(bytes, g) in values {
            heap.set_objects(bytes, GoId(g), || StackKey::NONE);
        }
        heap.collect();
        heap
    }

    fn top(heap: &Heap, wanted: impl Fn(GoId) -> bool) -> Option<(i64, u64)> {
        let top = heap.top(|g, _| wanted(g));
        top.map(|(g, share)| (g.0, share.bytes))
    }

    #[test]
    fn who_allocated_most_is_looked_for_among_those_that_have_a_place() {
        let mut heap = heap(&[(10, 1), (60, 1), (90, 2), (95, 3)]);
        assert_eq!(top(&heap, |_| true), Some((1, 50)));
        assert_eq!(top(&heap, |g| g != GoId(1)), Some((2, 30)));
        heap.restart();
        assert_eq!(top(&heap, |_| true), None);
    }

    #[test]
    fn growth_outside_goroutines_and_none_at_all_are_nobody_s() {
        let heap = heap(&[(10, 1), (900, -1), (900, 2), (910, 3)]);
        assert_eq!(top(&heap, |_| true), Some((3, 10)));
        assert_eq!(top(&heap, |g| g != GoId(3)), None);
    }
}
