//! Counts by index, for the range of indices that occur.

/// Ranges begin and end at a multiple of this, so that they rarely grow.
const ALIGNMENT: usize = 8;

/// Counts of buckets. Memory is for the range from the first to the last bucket that has a count: most quantities lie
/// within a few powers of two, and a daemon keeps dozens of distributions for each target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    /// Index of the first count.
    first: usize,
    counts: Vec<u64>,
}

impl Buckets {
    /// Adds a number above 0 to the count of a bucket.
    #[inline]
    pub(super) fn add(&mut self, index: usize, n: u64) {
        match self.counts.get_mut(index.wrapping_sub(self.first)) {
            Some(count) => *count += n,
            None => self.include(index, n),
        }
    }

    /// Adds the counts of other buckets.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.clone_from(other);
        } else if !other.counts.is_empty() {
            self.extend(other.first, other.first + other.counts.len());
            let counts = self.counts[other.first - self.first..].iter_mut();
            counts.zip(&other.counts).for_each(|(count, n)| *count += n);
        }
    }

    /// Extends the range to a bucket with this count.
    #[cold]
    #[inline(never)]
    fn include(&mut self, index: usize, n: u64) {
        // More will follow.
        self.counts.reserve(ALIGNMENT);
        self.extend(index, index + 1);
        self.counts[index - self.first] = n;
    }

    /// Extends the range to the buckets from `start` to `end`.
    fn extend(&mut self, start: usize, end: usize) {
        let start = start - start % ALIGNMENT;
        let end = end.next_multiple_of(ALIGNMENT);
        if self.counts.is_empty() {
            self.first = start;
        }
        if start < self.first {
            let more = self.first - start;
            self.counts.splice(..0, std::iter::repeat_n(0, more));
            self.first = start;
        }
        let len = end - self.first;
        if len > self.counts.len() {
            self.counts.reserve_exact(len - self.counts.len());
            self.counts.resize(len, 0);
        }
    }

    /// Count of a bucket.
    pub(super) fn get(&self, index: usize) -> u64 {
        let at = index.wrapping_sub(self.first);
        self.counts.get(at).copied().unwrap_or(0)
    }

    /// Iterates over indices and counts in the order of indices, without those of 0.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let all = self.counts.iter().enumerate();
        all.filter(|(_, count)| **count > 0)
            .map(|(at, &count)| (self.first + at, count))
    }

    /// Sum of the counts below an index.
    pub(super) fn below(&self, end: usize) -> u64 {
        let end = end.saturating_sub(self.first);
        self.counts.iter().take(end).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_grows_at_both_ends() {
        let mut buckets = Buckets::default();
        for index in [100, 90, 120, 100] {
            buckets.add(index, 1);
        }
        let all: Vec<_> = buckets.iter().collect();
        assert_eq!(all, [(90, 1), (100, 2), (120, 1)]);
        assert_eq!(
            (buckets.get(100), buckets.get(99), buckets.get(7)),
            (2, 0, 0)
        );
        assert_eq!((buckets.below(90), buckets.below(101)), (0, 3));
        assert_eq!(buckets.counts.len(), 128 - 88);
    }

    #[test]
    fn merging_adds_counts_wherever_the_ranges_lie() {
        let of = |indices: &[usize]| {
            let mut buckets = Buckets::default();
            indices.iter().for_each(|index| buckets.add(*index, 1));
            buckets
        };
        for (a, b) in [
            (&[][..], &[70][..]),
            (&[70], &[]),
            (&[70, 71], &[71, 90]),
            (&[70], &[3, 60]),
            (&[3, 500], &[60, 70]),
            (&[60], &[3, 512]),
        ] {
            let mut merged = of(a);
            merged.merge(&of(b));
            assert_eq!(merged, of(&[a, b].concat()), "{a:?} {b:?}");
        }
    }

    #[test]
    fn equal_counts_are_equal_in_any_order() {
        let of = |indices: [usize; 3]| {
            let mut buckets = Buckets::default();
            for index in indices {
                buckets.add(index, 1);
            }
            buckets
        };
        assert_eq!(of([3, 99, 50]), of([99, 50, 3]));
        assert_ne!(of([3, 99, 50]), of([99, 50, 4]));
    }
}
