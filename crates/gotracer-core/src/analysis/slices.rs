//! Slices of a trace, for confidence intervals of its measurements.
//!
//! The measurements of one trace are no independent samples: a thousand waits in one burst are one event, not a
//! thousand. The variance between slices shows how much of a number is chance. Surveys judge clustered samples in the
//! same way (Woodruff, "Confidence Intervals for Medians and Other Position Measures", 1952).

use crate::report::Spread;
use crate::rules::Distribution;
use crate::trace::Time;

/// Maximum number of slices; above it, each two are merged.
const MOST: usize = 32;
/// Minimum number of slices for a confidence interval.
const LEAST: usize = 6;
/// Length of the first slices, ns.
const SHORTEST: i64 = 1 << 20;

/// Measurements at the end of each slice.
#[derive(Debug)]
pub(super) struct Slices {
    start: Time,
    width: i64,
    /// End of the current slice.
    due: Time,
    /// End of each slice, and the rules' measurements up to it.
    ends: Vec<(Time, Vec<Option<Distribution>>)>,
}

impl Slices {
    /// Creates an empty list of slices.
    pub(super) fn new() -> Self {
        Self {
            start: Time::MIN,
            width: SHORTEST,
            due: Time::MIN,
            ends: Vec::new(),
        }
    }

    /// Reports whether the current slice is over.
    #[inline]
    pub(super) fn is_over(&self, now: Time) -> bool {
        now >= self.due
    }

    /// Ends the current slice. `measured` has the rules' measurements so far.
    #[cold]
    pub(super) fn end(&mut self, now: Time, measured: impl FnOnce() -> Vec<Option<Distribution>>) {
        if self.start == Time::MIN {
            self.start = now;
            self.due = now.saturating_add(self.width);
            return;
        }
        // A slice without events for long extends to the last boundary.
        let end = now.saturating_sub(now.saturating_sub(self.start) % self.width);
        self.ends.push((end, measured()));
        if self.ends.len() == MOST {
            self.width = self.width.saturating_mul(2);
            let mut number = 0;
            self.ends.retain(|_| {
                number += 1;
                number % 2 == 0
            });
        }
        self.due = end.saturating_add(self.width);
    }

    /// Returns the confidence interval of a rule's measurements. `i` is the rule's index among the enabled ones.
    pub(super) fn spread(&self, i: usize, total: &Distribution, now: Time) -> Option<Spread> {
        let nothing = Distribution::default();
        let mut last = (self.start, &nothing);
        let mut slices = Vec::with_capacity(self.ends.len() + 1);
        let ends = self.ends.iter();
        let ends = ends.map(|(end, measured)| Some((*end, measured.get(i)?.as_ref()?)));
        for end in ends.chain([Some((now, total))]) {
            let (end, measured) = end?;
            if end > last.0 {
                slices.push((end.saturating_sub(last.0) as f64, measured.since(last.1)));
            }
            last = (end, measured);
        }
        if slices.len() < LEAST || total.count() == 0 {
            return None;
        }
        let time: f64 = slices.iter().map(|(length, _)| length).sum();
        let sum = total.sum() as f64;
        let chance = error(slices.iter().map(|(t, d)| d.sum() as f64 - sum * t / time));
        let quantile = |q| {
            let at = total.quantile(q);
            let share = total.rank(at) / total.count() as f64;
            let off = slices
                .iter()
                .map(|(_, d)| d.rank(at) - share * d.count() as f64);
            let chance = error(off) / total.count() as f64;
            let to = |q: f64| total.quantile(q.clamp(0.0, 1.0));
            (to(q - chance), to(q + chance))
        };
        Some(Spread {
            p50: quantile(0.5),
            p99: quantile(0.99),
            sum: ((sum - chance).max(0.0) as u64, (sum + chance) as u64),
        })
    }
}

/// Returns the standard error of a sum over slices, given the deviation of each.
fn error(off: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = off.len() as f64;
    let squares: f64 = off.map(|r| r * r).sum();
    (squares * n / (n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the interval of a trace with these values in each ms.
    fn spread(values: impl Fn(i64) -> Vec<u64>, length: i64) -> Option<Spread> {
        let (mut slices, mut d) = (Slices::new(), Distribution::default());
        for ms in 0..length {
            let now = ms * 1_000_000;
            if slices.is_over(now) {
                slices.end(now, || vec![Some(d.clone())]);
            }
            values(ms).into_iter().for_each(|v| d.record(v));
        }
        assert!(slices.ends.len() < MOST);
        slices.spread(0, &d, length * 1_000_000)
    }

    #[test]
    fn what_is_steady_is_sure() {
        let s = spread(|_| vec![100, 200, 300], 10_000).unwrap();
        assert!(s.sum.1 - s.sum.0 < s.sum.0 / 50, "{s:?}");
        assert!(s.p50.1 - s.p50.0 <= 20, "{s:?}");
    }

    #[test]
    fn a_thousand_waits_in_one_moment_are_not_sure() {
        let s = spread(|ms| if ms == 500 { vec![100; 1000] } else { vec![] }, 1000).unwrap();
        assert!(s.sum.0 < 1_000, "{s:?}");
        assert!(s.sum.1 > 199_000, "{s:?}");
    }

    #[test]
    fn values_that_come_in_bursts_are_less_sure_than_the_same_values_mixed() {
        let bursts = |ms: i64| vec![if ms / 500 % 2 == 0 { 1000 } else { 10 }];
        let mixed = |ms: i64| vec![if ms % 2 == 0 { 1000 } else { 10 }];
        let width = |s: Spread| s.p50.1 as f64 / s.p50.0 as f64;
        let (bursts, mixed) = (spread(bursts, 8000).unwrap(), spread(mixed, 8000).unwrap());
        assert!(width(bursts) > width(mixed));
    }

    #[test]
    fn short_traces_and_gaps() {
        assert!(spread(|_| vec![1], 3).is_none());
        let gap = |ms| {
            if (10..900).contains(&ms) {
                vec![]
            } else {
                vec![5]
            }
        };
        assert!(spread(gap, 1000).is_some());
    }
}
