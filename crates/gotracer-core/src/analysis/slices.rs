//! A trace cut into slices of time, to tell how sure its numbers are.
//!
//! What one trace holds is no independent sample: a thousand waits within one
//! busy moment are one event, not a thousand. What differs from slice to slice
//! tells how much of a number is chance. This is how surveys judge samples that
//! come in clusters (Woodruff, "Confidence Intervals for Medians and Other
//! Position Measures", 1952).

use crate::report::Spread;
use crate::rules::Distribution;
use crate::trace::Time;

/// The most slices; then each two become one.
const MOST: usize = 32;
/// With fewer, what differs between them says nothing.
const LEAST: usize = 6;
/// The first slices' length, ns.
const SHORTEST: i64 = 1 << 20;

/// Measurements at the end of each slice.
#[derive(Debug)]
pub struct Slices {
    start: Time,
    width: i64,
    /// When the current slice is over.
    due: Time,
    /// The end of each slice, and what the rules had measured by then.
    ends: Vec<(Time, Vec<Option<Distribution>>)>,
}

impl Slices {
    /// None yet.
    pub fn new() -> Self {
        Self {
            start: Time::MIN,
            width: SHORTEST,
            due: Time::MIN,
            ends: Vec::new(),
        }
    }

    /// Whether the current slice is over.
    #[inline]
    pub fn is_over(&self, now: Time) -> bool {
        now >= self.due
    }

    /// The current slice is over. `measured` is what the rules have measured so
    /// far.
    #[cold]
    pub fn end(&mut self, now: Time, measured: impl FnOnce() -> Vec<Option<Distribution>>) {
        if self.start == Time::MIN {
            self.start = now;
            self.due = now.saturating_add(self.width);
            return;
        }
        // Where nothing happened for long, the slice is a long one.
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

    /// How sure what a rule measured is. `i` is its number among those that
    /// were asked.
    pub fn spread(&self, i: usize, total: &Distribution, now: Time) -> Option<Spread> {
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

/// The standard error of a sum over slices, from how far each is off.
fn error(off: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = off.len() as f64;
    let squares: f64 = off.map(|r| r * r).sum();
    (squares * n / (n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trace in which each ms brings the values given for it.
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
