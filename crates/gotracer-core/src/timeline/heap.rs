//! Heap gauges, and heap growth by goroutine.

use std::collections::HashMap;

use crate::trace::GoId;

/// Lower bound of heap goals that mean "off", bytes.
const UNREACHABLE: u64 = 1 << 60;

/// Limit of distinct goroutines between two collections. A program with the collector off would add goroutines
/// without end.
const MOST: usize = 1 << 17;

/// State of the heap.
#[derive(Debug, Default)]
pub struct Heap {
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
    /// Heap growth since the last marking, by the goroutine that was running, bytes. Approximate: the runtime emits
    /// growth by spans, not by objects.
    by_goroutine: HashMap<GoId, u64, foldhash::fast::RandomState>,
    /// The last goroutine and its growth that is not in the map yet. Consecutive values mostly have the same
    /// goroutine.
    last: (GoId, u64),
}

impl Heap {
    /// Records a value of heap objects, emitted while `g` ran.
    #[inline]
    pub fn set_objects(&mut self, bytes: u64, g: GoId) {
        let before = self.objects.replace(bytes).unwrap_or(bytes);
        self.peak = self.peak.max(Some(bytes));
        self.first.get_or_insert(before);
        let grown = bytes.saturating_sub(before);
        self.allocated = self.allocated.saturating_add(grown);
        if g == self.last.0 {
            self.last.1 += grown;
        } else {
            self.flush();
            self.last = (g, grown);
        }
    }

    /// Starts the peak and the sums of the next report.
    pub fn start_stretch(&mut self) {
        self.peak = self.objects;
        (self.first, self.allocated) = (self.objects, 0);
    }

    /// Records a heap goal. With the collector off it is 0 or, before Go 1.25, more than any heap.
    pub fn set_goal(&mut self, bytes: u64) {
        self.goal = Some(bytes).filter(|goal| (1..UNREACHABLE).contains(goal));
        self.is_off = self.goal.is_none();
    }

    fn flush(&mut self) {
        let (g, grown) = self.last;
        let known = self.by_goroutine.contains_key(&g);
        if grown > 0 && g.is_some() && (known || self.by_goroutine.len() < MOST) {
            *self.by_goroutine.entry(g).or_default() += grown;
        }
        self.last = (GoId::NONE, 0);
    }

    /// Returns the goroutine with the largest growth since the last marking among the `wanted` ones.
    pub fn top(&self, wanted: impl Fn(GoId) -> bool) -> Option<(GoId, u64)> {
        let all = self.by_goroutine.iter().map(|(&g, &n)| (g, n));
        let all = all.filter(|&(g, _)| wanted(g));
        all.max_by_key(|&(g, n)| (n, std::cmp::Reverse(g)))
    }

    /// Records the end of marking.
    pub fn collect(&mut self) {
        self.flush();
        self.collections += 1;
        self.live = self.objects;
    }

    /// Restarts the sums by goroutine.
    pub fn restart(&mut self) {
        self.by_goroutine.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_allocated_most_is_looked_for_among_those_that_have_a_place() {
        let mut heap = Heap::default();
        for (bytes, g) in [(10, 1), (60, 1), (90, 2), (95, 3)] {
            heap.set_objects(bytes, GoId(g));
        }
        heap.collect();
        assert_eq!(heap.top(|_| true), Some((GoId(1), 50)));
        assert_eq!(heap.top(|g| g != GoId(1)), Some((GoId(2), 30)));
        heap.restart();
        assert_eq!(heap.top(|_| true), None);
    }

    #[test]
    fn growth_outside_goroutines_and_none_at_all_are_nobody_s() {
        let mut heap = Heap::default();
        for (bytes, g) in [(10, 1), (900, -1), (900, 2), (910, 3)] {
            heap.set_objects(bytes, GoId(g));
        }
        heap.collect();
        assert_eq!(heap.top(|_| true), Some((GoId(3), 10)));
        assert_eq!(heap.top(|g| g != GoId(3)), None);
    }
}
