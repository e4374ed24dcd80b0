//! Counts by index, for the range of indices that occur.

/// Ranges begin and end at a multiple of this, so that they rarely grow.
const ALIGNMENT: usize = 16;

/// Counts of buckets. Memory is for the range from the first to the last bucket that has a count: most quantities lie
/// within a few powers of two, and a daemon keeps dozens of distributions for each target. For the same reason each
/// count has 32 bits, and the rare one that needs more has its upper half elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    /// Index of the first count.
    first: usize,
    /// Lower halves of the counts.
    counts: Vec<u32>,
    /// Upper halves, if any is not 0.
    upper: Option<Box<Self>>,
}

impl Buckets {
    /// Adds to the count of a bucket.
    #[inline]
    pub(super) fn add(&mut self, index: usize, n: u64) {
        match self.counts.get_mut(index.wrapping_sub(self.first)) {
            Some(count) => {
                let (sum, carries) = count.overflowing_add(n as u32);
                *count = sum;
                let more = (n >> u32::BITS) + u64::from(carries);
                if more > 0 {
                    self.add_upper(index, more);
                }
            }
            None => self.include(index, n),
        }
    }

    #[cold]
    fn add_upper(&mut self, index: usize, n: u64) {
        self.upper.get_or_insert_default().add(index, n);
    }

    /// Adds the counts of other buckets.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.clone_from(other);
        } else if !other.counts.is_empty() {
            self.extend(other.first, other.first + other.counts.len());
            let counts = &mut self.counts[other.first - self.first..];
            let mut carries = false;
            for (count, &n) in counts.iter_mut().zip(&other.counts) {
                *count = count.wrapping_add(n);
                carries |= *count < n;
            }
            if carries {
                self.carry_from(other);
            }
            if let Some(upper) = &other.upper {
                self.upper.get_or_insert_default().merge(upper);
            }
        }
    }

    /// Adds to the upper halves of the counts that overflowed when the lower halves of others were added to theirs.
    #[cold]
    fn carry_from(&mut self, other: &Self) {
        for (index, &n) in (other.first..).zip(&other.counts) {
            if self.counts[index - self.first] < n {
                self.add_upper(index, 1);
            }
        }
    }

    /// Extends the range to a bucket, and adds to its count.
    #[cold]
    #[inline(never)]
    fn include(&mut self, index: usize, n: u64) {
        // More will follow.
        self.counts.reserve(ALIGNMENT);
        self.extend(index, index + 1);
        self.add(index, n);
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
        self.counts.get(at).map_or(0, |&low| self.whole(index, low))
    }

    /// Returns a count, given its lower half.
    fn whole(&self, index: usize, low: u32) -> u64 {
        let upper = self.upper.as_ref().map_or(0, |upper| upper.get(index));
        upper << u32::BITS | u64::from(low)
    }

    /// Iterates over indices and counts in the order of indices, without those of 0.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let all = self.counts.iter().zip(self.first..);
        let some = all.filter(|(low, _)| **low > 0 || self.upper.is_some());
        let some = some.map(|(&low, index)| (index, self.whole(index, low)));
        some.filter(|(_, count)| *count > 0)
    }

    /// Sum of the counts below an index.
    pub(super) fn below(&self, end: usize) -> u64 {
        let upper = self.upper.as_ref().map_or(0, |upper| upper.below(end));
        let counts = self.counts.iter().take(end.saturating_sub(self.first));
        let lower: u64 = counts.map(|&n| u64::from(n)).sum();
        (upper << u32::BITS) + lower
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
        assert_eq!(buckets.counts.len(), 128 - 80);
    }

    #[test]
    fn counts_have_64_bits() {
        let large = u64::from(u32::MAX);
        let mut buckets = Buckets::default();
        buckets.add(90, large);
        assert!(buckets.upper.is_none());
        buckets.add(90, 1);
        buckets.add(95, 3 * large);
        buckets.add(95, large);
        let mut twice = buckets.clone();
        twice.merge(&buckets);
        for (buckets, times) in [(buckets, 1), (twice, 2)] {
            let (a, b) = (times * (large + 1), times * 4 * large);
            assert_eq!(buckets.iter().collect::<Vec<_>>(), [(90, a), (95, b)]);
            assert_eq!((buckets.get(90), buckets.get(95)), (a, b));
            assert_eq!((buckets.below(95), buckets.below(96)), (a, a + b));
        }
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
