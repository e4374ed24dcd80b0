//! A report's distribution as a Prometheus histogram, classic and native.
//!
//! The native buckets are the distribution's own, eight per doubling. Nanoseconds are moved to the
//! grid of seconds: each bucket goes to the one with its upper bound, so a value appears at most
//! 1.6 % too high in addition to the bucket's width.

use std::time::SystemTime;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Bucket, BucketSpan, Exemplar, Histogram, LabelPair, Metric,
};

use crate::export::catalog::buckets::Buckets;
use crate::rules::{Distribution, SCALE};

/// Width of the native bucket of zeros, below anything that can be measured. Without one, an empty
/// native histogram looks like a classic one.
const ZERO: f64 = f64::MIN_POSITIVE;

/// Classic buckets: how many values are at most its bound.
fn classic(values: &Distribution, buckets: &Buckets) -> impl Iterator<Item = Bucket> {
    let within = buckets.bounds().map(|bound| Bucket {
        cumulative_count: values.at_most(bound),
        upper_bound: bound as f64 / buckets.per_unit,
        ..Bucket::default()
    });
    within.chain([Bucket {
        cumulative_count: values.count(),
        upper_bound: f64::INFINITY,
        ..Bucket::default()
    }])
}

/// Buckets, with an exemplar in the one that its value belongs to.
fn with_exemplar(
    buckets: impl Iterator<Item = Bucket>,
    exemplar: Option<&Exemplar>,
) -> Vec<Bucket> {
    let mut buckets: Vec<_> = buckets.collect();
    if let Some(exemplar) = exemplar {
        let holds = |bucket: &&mut Bucket| exemplar.value <= bucket.upper_bound;
        if let Some(bucket) = buckets.iter_mut().find(holds) {
            bucket.exemplar = Some(exemplar.clone());
        }
    }
    buckets
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

/// A distribution as a histogram that began at `created`.
pub(super) fn metric(
    label: Vec<LabelPair>,
    values: &Distribution,
    buckets: &Buckets,
    exemplar: Option<Exemplar>,
    created: SystemTime,
) -> Metric {
    let shifted = values.buckets().map(|(i, n)| (i + buckets.shift, n));
    let sparse = Sparse::new(shifted);
    Metric {
        label,
        histogram: Some(Histogram {
            sample_count: values.count(),
            sample_sum: values.sum() as f64 / buckets.per_unit,
            bucket: with_exemplar(classic(values, buckets), exemplar.as_ref()),
            exemplars: exemplar.into_iter().collect(),
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
        for bound in Buckets::FINE.bounds() {
            let d = distribution(&[0, bound, bound + 1]);
            let buckets: Vec<_> = classic(&d, &Buckets::FINE).collect();
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
            assert_eq!(i + Buckets::FINE.shift, index(upper), "{ns}");
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
