//! Profiles of the last hour, by the time of the analysis.
//!
//! Each analysis adds a bucket. Old buckets are merged: a bucket covers at most a second, or a thirty-second of its
//! age. So a window of N seconds is accurate to a second or 3 % of N, and an hour takes at most some 200 buckets.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::pprof::{RecordId, Values};

/// Longest window.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);
/// Duration that a bucket may always cover.
const FINE: Duration = Duration::from_secs(1);
/// Ratio of a bucket's age and its duration.
const RATIO: u32 = 32;

/// Records of analyses that ended between two times.
#[derive(Debug)]
struct Bucket {
    from: Instant,
    to: Instant,
    /// Duration of the traces, ns.
    observed: u64,
    /// Records, ordered by ID.
    values: Vec<(RecordId, Values)>,
}

impl Bucket {
    fn size(&self) -> usize {
        size_of::<Self>() + self.values.capacity() * size_of::<(RecordId, Values)>()
    }

    /// Adds a later bucket.
    fn merge(&mut self, later: Self) {
        self.to = later.to;
        self.observed = self.observed.saturating_add(later.observed);
        self.values = summed(std::mem::take(&mut self.values), later.values);
    }
}

/// Sums records by ID.
fn summed(
    mut all: Vec<(RecordId, Values)>,
    more: Vec<(RecordId, Values)>,
) -> Vec<(RecordId, Values)> {
    all.extend(more);
    all.sort_by_key(|(id, _)| *id);
    all.dedup_by(|(id, values), (kept, sum)| {
        let same = id == kept;
        if same {
            sum.add(*values);
        }
        same
    });
    all.shrink_to_fit();
    all
}

/// Buckets of a target, oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    buckets: VecDeque<Bucket>,
    bytes: usize,
}

impl Recent {
    /// Returns the memory in use, bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes
    }

    /// Returns the time of the oldest bucket.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.buckets.front().map(|bucket| bucket.to)
    }

    /// Drops the oldest bucket.
    pub(super) fn drop_oldest(&mut self) {
        if let Some(bucket) = self.buckets.pop_front() {
            self.bytes -= bucket.size();
        }
    }

    /// Adds the records of an analysis that ended now. `observed` is the duration of its trace, ns.
    pub(super) fn add(&mut self, values: Vec<(RecordId, Values)>, observed: u64, now: Instant) {
        self.buckets.push_back(Bucket {
            from: now,
            to: now,
            observed,
            values: summed(Vec::new(), values),
        });
        let mut merged: VecDeque<Bucket> = VecDeque::with_capacity(self.buckets.len());
        for bucket in self.buckets.drain(..) {
            let age = now.saturating_duration_since(bucket.to);
            if age > LONGEST {
                continue;
            }
            match merged.back_mut() {
                Some(last) if bucket.to.duration_since(last.from) <= FINE.max(age / RATIO) => {
                    last.merge(bucket);
                }
                _ => merged.push_back(bucket),
            }
        }
        self.bytes = merged.iter().map(Bucket::size).sum();
        self.buckets = merged;
    }

    /// Returns the records of the analyses that ended within a window before now, and the duration of their traces.
    pub(super) fn within(
        &self,
        window: Duration,
        now: Instant,
    ) -> (impl Iterator<Item = (RecordId, Values)> + '_, u64) {
        let within = move |bucket: &&Bucket| now.saturating_duration_since(bucket.to) < window;
        let buckets = self.buckets.iter().filter(within);
        let observed = buckets.clone().map(|bucket| bucket.observed);
        let observed = observed.fold(0, u64::saturating_add);
        let values = buckets.flat_map(|bucket| bucket.values.iter().copied());
        (values, observed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pprof::Profiles;

    #[test]
    fn windows_are_accurate_and_buckets_few() {
        let start = Instant::now();
        let record = Profiles::sample(1..2).records().next();
        let record = record.expect("a record");
        let mut recent = Recent::default();
        let mut now = start;
        for _ in 0..4_000 {
            now += Duration::from_secs(1);
            recent.add(vec![record], 10, now);
        }
        assert!(recent.buckets.len() < 250, "{}", recent.buckets.len());
        let sizes = recent.buckets.iter().map(Bucket::size).sum::<usize>();
        assert_eq!(recent.size(), sizes);
        for seconds in [1, 2, 10, 60, 300, 1_000, 3_600] {
            let (values, observed) = recent.within(Duration::from_secs(seconds), now);
            let sum: u64 = values.map(|(_, values)| values.ns).sum();
            let most = seconds + seconds / 30 + 1;
            assert!((seconds..=most).contains(&sum), "{seconds} s: {sum}");
            assert_eq!(observed, sum * 10);
        }
        let later = now + Duration::from_secs(100);
        let (mut values, observed) = recent.within(Duration::from_secs(60), later);
        assert_eq!((values.next(), observed), (None, 0));
    }
}
