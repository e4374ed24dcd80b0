//! A report's distribution as a Prometheus histogram, classic and native.
//!
//! The classic bounds are powers of two of the report's unit, where the
//! distribution has bounds as well: the counts are exact. The native buckets
//! are the distribution's own, eight to each doubling. Nanoseconds have to
//! move to the grid of seconds for that: each bucket goes to the one that
//! holds its upper bound, so that a value shows at most 1.6 % too high beside
//! the bucket's own width.

use std::time::SystemTime;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Bucket, BucketSpan, Histogram, LabelPair, Metric,
};

use crate::rules::{Distribution, SCALE};

/// Width of the native bucket of zeros, below anything that can be measured.
/// With none at all, an empty native histogram can't be told from a classic
/// one.
const ZERO: f64 = f64::MIN_POSITIVE;

/// From a report's unit to a metric's.
pub struct Scale {
    /// How many of the report's units make one of the metric's.
    per_unit: f64,
    /// What to add to a bucket's index.
    shift: i32,
    /// Upper bounds of the classic buckets as powers of two, in the report's
    /// unit.
    bounds: &'static [u32],
}

impl Scale {
    /// Nanoseconds to seconds. Coarse below a millisecond, where no threshold
    /// lies.
    pub const TIME: Self = Self {
        per_unit: 1e9,
        // 8 * log2(1e9) = 239.18
        shift: -239,
        bounds: &[
            10, 14, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34, 36,
        ],
    };
    /// Bytes, from 64 KiB to 64 GiB.
    pub const BYTES: Self = Self {
        per_unit: 1.0,
        shift: 0,
        bounds: &[16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36],
    };
    /// Goroutines.
    pub const GOROUTINES: Self = Self {
        per_unit: 1.0,
        shift: 0,
        bounds: &[0, 2, 4, 6, 8, 10, 12, 14, 16],
    };

    /// The upper bounds of the classic buckets, in the report's unit.
    pub fn bounds(&self) -> impl Iterator<Item = u64> + use<> {
        self.bounds.iter().map(|&power| 1u64 << power)
    }

    /// How many series a classic histogram is.
    pub fn series(&self) -> usize {
        // And +Inf, the sum and the count.
        self.bounds.len() + 3
    }

    /// Classic buckets: how many values are at most its bound.
    fn classic(&self, values: &Distribution) -> impl Iterator<Item = Bucket> {
        let within = self.bounds().map(|bound| Bucket {
            cumulative_count: values.at_most(bound),
            upper_bound: bound as f64 / self.per_unit,
            ..Bucket::default()
        });
        within.chain([Bucket {
            cumulative_count: values.count(),
            upper_bound: f64::INFINITY,
            ..Bucket::default()
        }])
    }
}

/// Sparse buckets as spans of neighbours and differences of their counts.
#[derive(Default)]
struct Sparse {
    spans: Vec<BucketSpan>,
    deltas: Vec<i64>,
}

impl Sparse {
    fn new(buckets: impl Iterator<Item = (i32, u64)>) -> Self {
        let mut sparse = Self::default();
        let mut next = None;
        let mut last = 0;
        for (index, count) in buckets {
            match (next, sparse.spans.last_mut()) {
                (Some(next), Some(span)) if next == index => span.length += 1,
                (next, _) => sparse.spans.push(BucketSpan {
                    offset: index - next.unwrap_or(0),
                    length: 1,
                }),
            }
            next = Some(index + 1);
            sparse.deltas.push(count as i64 - last);
            last = count as i64;
        }
        sparse
    }
}

/// A distribution as one histogram that began at that time.
pub fn metric(
    label: Vec<LabelPair>,
    values: &Distribution,
    scale: &Scale,
    created: SystemTime,
) -> Metric {
    let shifted = values.buckets().map(|(i, n)| (i + scale.shift, n));
    let sparse = Sparse::new(shifted);
    Metric {
        label,
        histogram: Some(Histogram {
            sample_count: values.count(),
            sample_sum: values.sum() as f64 / scale.per_unit,
            bucket: scale.classic(values).collect(),
            start_timestamp: Some(created.into()),
            schema: SCALE as i32,
            zero_threshold: ZERO,
            zero_count: values.zeros(),
            positive_span: sparse.spans,
            positive_delta: sparse.deltas,
            ..Histogram::default()
        }),
        ..Metric::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(values: &[u64]) -> Distribution {
        let mut d = Distribution::default();
        values.iter().for_each(|&v| d.record(v));
        d
    }

    #[test]
    fn classic_buckets_are_exact_at_their_bounds() {
        for power in Scale::TIME.bounds {
            let bound = 1u64 << power;
            let d = distribution(&[0, bound, bound + 1]);
            let buckets: Vec<_> = Scale::TIME.classic(&d).collect();
            let at_bound = buckets
                .iter()
                .rfind(|b| b.upper_bound <= bound as f64 / 1e9);
            assert_eq!(at_bound.unwrap().cumulative_count, 2, "{bound}");
            assert_eq!(buckets.last().unwrap().cumulative_count, 3);
        }
    }

    #[test]
    fn a_bucket_moves_to_the_one_that_holds_its_upper_bound() {
        let index = |seconds: f64| (seconds.log2() * 8.0).ceil() as i32;
        for ns in [
            1,
            999,
            1_000,
            123_456,
            1_000_000,
            1_500_000_000,
            u64::MAX >> 8,
        ] {
            let (i, _) = distribution(&[ns]).buckets().next().unwrap();
            let upper = (f64::from(i) / 8.0).exp2() / 1e9;
            assert_eq!(i + Scale::TIME.shift, index(upper), "{ns}");
        }
    }

    #[test]
    fn neighbours_share_a_span() {
        let sparse = Sparse::new([(-3, 2), (-2, 5), (4, 1)].into_iter());
        let spans: Vec<_> = sparse.spans.iter().map(|s| (s.offset, s.length)).collect();
        assert_eq!(spans, [(-3, 2), (5, 1)]);
        assert_eq!(sparse.deltas, [2, 3, -4]);
    }
}
