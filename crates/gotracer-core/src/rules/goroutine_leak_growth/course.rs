//! Course of the number of goroutines of one place over a trace, which distinguishes leaks from intended growth.
//!
//! A worker pool, connections that are kept open, and a burst of requests in
//! flight all leave more goroutines at a trace's end than at its start. A leak
//! differs in its course: goroutines are created throughout the trace, the
//! remaining ones are inactive, and none ends.

use crate::timeline::{Goroutine, Site, Wait};
use crate::trace::{GoState, Time};
use crate::units::elapsed;

/// A goroutine younger than this multiple of the mean life of ended ones
/// may be about to end.
const YOUNG: u64 = 5;
/// Percentage of its life after which an active goroutine counts as in use.
const SETTLED: u64 = 10;
/// Percentage of the window over which the births of a leak spread, at least. Goroutines that are created at once
/// are created on purpose.
const SPREAD: i64 = 12;
/// Percentage of the window after which births of a leak continue, at least. A program that starts its parts one after
/// the other is through by then.
const LATE: i64 = 30;
/// Number of equal parts of the time of growth, each of which must bring new goroutines.
const PARTS: usize = 4;

/// Kind of a growth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trend {
    /// Births continue, and the remaining goroutines are inactive.
    Leak,
    /// The remaining goroutines are inactive, but births stopped, or they wait for the outside world and may end.
    Stopped,
    /// The remaining goroutines are in use, or too young to judge.
    InUse,
}

/// Remaining goroutines of those that a place created.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    created: u64,
    ended: u64,
    /// Sum of the lives of the ended goroutines, ns.
    lived: u64,
    left: Vec<Left>,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    birth: Time,
    age: u64,
    /// Whether it was active long after its creation.
    active: bool,
    /// Whether it waits where it waited before, as a worker without work does.
    returned: bool,
    wait: Wait,
}

impl Course {
    /// Adds the births of one stack of the place.
    pub(super) fn add_site(&mut self, site: &Site) {
        self.created += site.created;
        self.ended += site.ended;
        self.lived = self.lived.saturating_add(site.lived);
    }

    /// Adds all births and exits of the place.
    pub(super) fn add_ended(&mut self, all: Option<&Self>) {
        if let Some(all) = all {
            (self.created, self.ended, self.lived) = (all.created, all.ended, all.lived);
        }
    }

    /// Adds a remaining goroutine.
    pub(super) fn add(&mut self, g: &Goroutine, now: Time) {
        let age = elapsed(g.birth, now);
        let settled = elapsed(g.birth, g.since) <= age / 100 * SETTLED;
        let stays = matches!(g.state, GoState::Waiting | GoState::Syscall);
        self.left.push(Left {
            birth: g.birth,
            age,
            active: !(stays && settled),
            returned: stays && g.stack.is_some() && g.stack == g.returned,
            wait: match g.state {
                GoState::Waiting => g.wait,
                _ => Wait::Other,
            },
        });
    }

    /// Classifies the growth from `since` to `now`.
    pub(super) fn trend(&self, since: Time, now: Time) -> Trend {
        let all = self.left.len();
        let majority = |n: usize| 2 * n > all;
        let count = |of: &dyn Fn(&Left) -> bool| self.left.iter().filter(|l| of(l)).count();
        if all == 0 || majority(count(&|l| self.is_young(l))) {
            return Trend::InUse;
        }
        let few_ended = self.ended * 10 <= self.created;
        if majority(count(&|l| l.active)) {
            // A goroutine that polls forever is active and may leak all the same.
            return match few_ended && self.goes_on(now, 2) {
                true => Trend::Leak,
                false => Trend::InUse,
            };
        }
        let leaks = if majority(count(&|l| l.wait == Wait::Sleep)) {
            // Sleeping goroutines may end after their sleep, unless they have
            // outlived most of their kind by far.
            2 * self.ended >= all as u64
        } else if majority(count(&|l| l.wait == Wait::Network)) {
            few_ended && self.goes_on(now, 3)
        } else if majority(count(&|l| l.wait == Wait::Sync)) {
            // The idle workers of a pool do not wait for a lock.
            true
        } else if majority(count(&|l| l.returned)) {
            few_ended && self.goes_on(now, 2)
        } else {
            self.is_spread(since, now)
        };
        match leaks {
            true => Trend::Leak,
            false => Trend::Stopped,
        }
    }

    /// Returns whether a goroutine may be about to end, as others of its kind did.
    fn is_young(&self, left: &Left) -> bool {
        match self.lived.checked_div(self.ended) {
            Some(life) => left.age < life.saturating_mul(YOUNG),
            None => false,
        }
    }

    /// Returns whether each part of the time since the first birth brings at least one in `share` of the goroutines
    /// that even growth would bring.
    fn goes_on(&self, now: Time, share: usize) -> bool {
        let births = self.left.iter().map(|l| l.birth);
        let Some(first) = births.clone().min() else {
            return false;
        };
        let length = now.saturating_sub(first).max(1) as u128;
        let mut parts = [0; PARTS];
        for birth in births {
            let at = birth.saturating_sub(first).max(0) as u128;
            let part = (at * PARTS as u128 / length) as usize;
            parts[part.min(PARTS - 1)] += 1;
        }
        let least = self.left.len() / PARTS / share;
        parts.iter().all(|&n| n >= least.max(1))
    }

    /// Returns whether the births of most remaining goroutines spread over more than a small part of the window, and
    /// not only at its start.
    fn is_spread(&self, since: Time, now: Time) -> bool {
        let mut births: Vec<_> = self.left.iter().map(|l| l.birth).collect();
        births.sort_unstable();
        let n = births.len();
        let (early, late) = (births[n / 10], births[n - 1 - n / 10]);
        let window = now.saturating_sub(since);
        let part = |percent| window / 100 * percent;
        late.saturating_sub(early) >= part(SPREAD) && late.saturating_sub(since) >= part(LATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const NOW: Time = 2000 * MS;

    /// A course of goroutines by times of birth and of last activity.
    fn course(
        n: i64,
        born: impl Fn(i64) -> i64,
        active: impl Fn(i64) -> i64,
        wait: Wait,
    ) -> Course {
        let left = |i| {
            let (birth, since) = (born(i) * MS, active(i) * MS);
            let age = (NOW - birth) as u64;
            Left {
                birth,
                age,
                active: (since - birth) as u64 > age / 100 * SETTLED,
                returned: false,
                wait,
            }
        };
        Course {
            created: n as u64,
            left: (0..n).map(left).collect(),
            ..Course::default()
        }
    }

    fn with_ended(mut course: Course, ended: u64, life_ms: u64) -> Course {
        course.created += ended;
        course.ended = ended;
        course.lived = ended * life_ms * MS as u64;
        course
    }

    fn trend(course: &Course) -> Trend {
        course.trend(0, NOW)
    }

    #[test]
    fn steady_growth_that_does_nothing_is_a_leak_whatever_it_waits_for() {
        let even = |i| i * 18;
        for wait in [Wait::Other, Wait::Sync, Wait::Unknown, Wait::Network] {
            assert_eq!(
                trend(&course(100, even, even, wait)),
                Trend::Leak,
                "{wait:?}"
            );
        }
        // A leak among many goroutines that end soon.
        let leak = with_ended(course(100, even, even, Wait::Other), 1000, 5);
        assert_eq!(trend(&leak), Trend::Leak);
        // A leak that stopped remains a leak if its births were no single burst.
        let stopped = course(100, |i| i * 8, |i| i * 8, Wait::Other);
        assert_eq!(trend(&stopped), Trend::Leak);
    }

    #[test]
    fn a_pool_is_no_leak_in_use_or_not() {
        let used = course(100, |_| 1, |i| 1900 + i, Wait::Other);
        assert_eq!(trend(&used), Trend::InUse);
        let unused = course(100, |_| 1, |_| 1, Wait::Other);
        assert_eq!(trend(&unused), Trend::Stopped);
        let stuck = course(100, |_| 1, |_| 1, Wait::Sync);
        assert_eq!(trend(&stuck), Trend::Leak);
        let kept = course(100, |i| i, |i| i + 2, Wait::Network);
        assert_eq!(trend(&kept), Trend::Stopped);
    }

    #[test]
    fn workers_that_came_with_the_load_and_idle_since_are_no_leak() {
        // Each idles where it did before.
        let mut idle = course(100, |i| i * 8, |i| i * 8 + 50, Wait::Other);
        assert_eq!(trend(&idle), Trend::Leak);
        idle.left.iter_mut().for_each(|left| left.returned = true);
        assert_eq!(trend(&idle), Trend::Stopped);
        // Unless there are more all the time.
        let mut more = course(100, |i| i * 19, |i| i * 19 + 5, Wait::Other);
        more.left.iter_mut().for_each(|left| left.returned = true);
        assert_eq!(trend(&more), Trend::Leak);
        // A program that starts its parts one after the other.
        let parts = course(80, |i| i * 6, |i| i * 6, Wait::Other);
        assert_eq!(trend(&parts), Trend::Stopped);
    }

    #[test]
    fn a_burst_in_flight_is_no_leak() {
        let late = |_| 1970;
        let burst = with_ended(course(150, late, late, Wait::Sleep), 1050, 100);
        assert_eq!(trend(&burst), Trend::InUse);
    }

    #[test]
    fn bursts_that_follow_each_other_and_end_nowhere_leak() {
        let bursts = |n: i64| move |i: i64| 200 + i % n * 1500 / n;
        for n in [2, 6] {
            let leak = course(240, bursts(n), bursts(n), Wait::Other);
            assert_eq!(trend(&leak), Trend::Leak, "{n}");
        }
        let single = course(240, bursts(1), bursts(1), Wait::Other);
        assert_eq!(trend(&single), Trend::Stopped);
    }

    #[test]
    fn sleepers_leak_if_they_outlive_their_kind() {
        let even = |i| i * 18;
        let sleepers = course(90, even, even, Wait::Sleep);
        assert_eq!(trend(&sleepers), Trend::Stopped);
        assert_eq!(trend(&with_ended(sleepers, 110, 1)), Trend::Leak);
    }

    #[test]
    fn goroutines_that_poll_for_ever_leak() {
        let polls = course(100, |i| i * 20, |_| 1995, Wait::Other);
        assert_eq!(trend(&polls), Trend::Leak);
    }
}
