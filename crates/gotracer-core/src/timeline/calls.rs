//! Goroutines that are in system calls or C calls at the same time. Each of them takes a thread.

use super::{Timeline, elapsed};
use crate::trace::Time;
use crate::units;

/// Number of calls at a time up to which a program is usual, whatever its number of Ps.
const USUAL: u32 = 64;
/// The same for each P. Measured: a program whose files were on a slow disk had 165 calls at a time on 8 Ps.
const USUAL_PER_P: u64 = 8;

/// Time in which more goroutines than usual were in calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallCrowd {
    /// The most that were in calls at a time.
    pub peak: u32,
    /// Number above which the time counts.
    pub limit: u32,
    /// Number of stretches of that time.
    pub count: u64,
    /// Total length, ns.
    pub total: u64,
    /// Start of the first stretch and end of the last one.
    pub span: (Time, Time),
}

/// Number of goroutines in calls.
#[derive(Debug)]
pub(super) struct Calls {
    now: u32,
    limit: u32,
    /// Start of the present stretch above the limit.
    since: Option<Time>,
    crowd: Option<CallCrowd>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            now: 0,
            limit: USUAL,
            since: None,
            crowd: None,
        }
    }
}

impl Calls {
    /// Records GOMAXPROCS.
    pub(super) fn set_procs(&mut self, gomaxprocs: u64) {
        let limit = u32::try_from(gomaxprocs.saturating_mul(USUAL_PER_P));
        self.limit = limit.unwrap_or(u32::MAX).max(USUAL);
    }

    /// Records that a goroutine enters a call.
    #[inline(always)]
    pub(super) fn enter(&mut self, time: Time) {
        self.now += 1;
        if self.now > self.limit {
            self.above(time);
        }
    }

    /// Records that a goroutine leaves a call.
    #[inline(always)]
    pub(super) fn leave(&mut self, time: Time) {
        self.now = self.now.saturating_sub(1);
        if self.since.is_some() && self.now <= self.limit {
            self.below(time);
        }
    }

    #[cold]
    fn above(&mut self, time: Time) {
        let crowd = self.crowd.get_or_insert(CallCrowd {
            peak: 0,
            limit: self.limit,
            count: 0,
            total: 0,
            span: (time, time),
        });
        crowd.peak = crowd.peak.max(self.now);
        if self.since.is_none() {
            crowd.count += 1;
            self.since = Some(time);
        }
    }

    #[cold]
    fn below(&mut self, time: Time) {
        if let (Some(since), Some(crowd)) = (self.since.take(), &mut self.crowd) {
            crowd.total = units::total([crowd.total, elapsed(since, time)]);
            crowd.span.1 = time;
        }
    }

    fn up_to(&self, now: Time) -> Option<CallCrowd> {
        let mut crowd = self.crowd?;
        if let Some(since) = self.since {
            crowd.total = units::total([crowd.total, elapsed(since, now)]);
            crowd.span.1 = now;
        }
        Some(crowd)
    }

    /// Starts the time of the next report.
    pub(super) fn start_stretch(&mut self, now: Time) {
        self.crowd = None;
        if self.since.take().is_some() {
            self.above(now);
        }
    }
}

impl Timeline {
    /// Time since the last report in which more goroutines than usual were in calls, if there was any.
    pub fn call_crowd(&self) -> Option<CallCrowd> {
        self.calls.up_to(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_above_the_limit_counts_in_each_report() {
        let mut calls = Calls::default();
        calls.set_procs(8);
        (0..i64::from(USUAL)).for_each(|t| calls.enter(t));
        assert_eq!(calls.up_to(100), None);
        calls.enter(100);
        calls.enter(110);
        calls.leave(120);
        assert_eq!(calls.up_to(140).map(|c| (c.peak, c.total)), Some((66, 40)));
        calls.leave(150);
        let crowd = calls.up_to(1000).unwrap();
        assert_eq!((crowd.count, crowd.total, crowd.span), (1, 50, (100, 150)));
        calls.enter(2000);
        calls.start_stretch(2010);
        let crowd = calls.up_to(2030).unwrap();
        assert_eq!((crowd.count, crowd.total, crowd.peak), (1, 20, 65));
        // More Ps, more threads.
        let mut many = Calls::default();
        many.set_procs(64);
        (0..500).for_each(|t| many.enter(t));
        assert_eq!(many.up_to(1000), None);
    }
}
