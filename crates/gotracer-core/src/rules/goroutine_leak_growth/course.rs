//! How the number of goroutines of one place grew: a leak, or one that is
//! meant.
//!
//! A worker pool, connections that are kept open, and a burst of requests in
//! flight all leave more goroutines at a trace's end than at its start. What
//! tells a leak from them is its course: new goroutines come all the time,
//! those that came do nothing any more, and none ends.

use crate::timeline::{Goroutine, Site, Wait};
use crate::trace::{GoState, Time};

/// Goroutines that are younger than this many times the life of those that
/// ended at the place may be about to end.
const YOUNG: u64 = 5;
/// Goroutines that were active later than within this part of their life, in
/// percent, are still in use.
const SETTLED: u64 = 10;
/// The part of the window over which a growth must spread, in percent: what
/// is created at once is created on purpose.
const SPREAD: i64 = 12;
/// The parts of the time of growth in each of which it must go on.
const PARTS: usize = 4;

/// What a growth looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trend {
    /// It goes on, and what it left does nothing.
    Leak,
    /// What it left does nothing, but the growth was a single one, or what is
    /// left waits for the world outside and may end by itself.
    Stopped,
    /// What it left is in use, or too young to tell.
    InUse,
}

/// The goroutines that are left of those that a place created.
#[derive(Clone, Debug, Default)]
pub struct Course {
    created: u64,
    ended: u64,
    /// How long those that ended lived in all, ns.
    lived: u64,
    left: Vec<Left>,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    birth: Time,
    age: u64,
    /// It did something long after it was created.
    active: bool,
    wait: Wait,
}

impl Course {
    /// Adds what the place created from one stack.
    pub fn add_site(&mut self, site: &Site) {
        self.created += site.created;
        self.ended += site.ended;
        self.lived = self.lived.saturating_add(site.lived);
    }

    /// Adds what became of all that the place created.
    pub fn add_ended(&mut self, all: Option<&Self>) {
        if let Some(all) = all {
            (self.created, self.ended, self.lived) = (all.created, all.ended, all.lived);
        }
    }

    /// Adds a goroutine of the place that exists.
    pub fn add(&mut self, g: &Goroutine, now: Time) {
        let length = |from: Time, to: Time| to.saturating_sub(from).max(0) as u64;
        let age = length(g.birth, now);
        let settled = length(g.birth, g.since) <= age / 100 * SETTLED;
        let stays = matches!(g.state, GoState::Waiting | GoState::Syscall);
        self.left.push(Left {
            birth: g.birth,
            age,
            active: !(stays && settled),
            wait: match g.state {
                GoState::Waiting => g.wait,
                _ => Wait::Other,
            },
        });
    }

    /// What the growth from `since` to `now` looks like.
    pub fn trend(&self, since: Time, now: Time) -> Trend {
        let all = self.left.len();
        let majority = |n: usize| 2 * n > all;
        let count = |of: &dyn Fn(&Left) -> bool| self.left.iter().filter(|l| of(l)).count();
        if all == 0 || majority(count(&|l| self.is_young(l))) {
            return Trend::InUse;
        }
        let few_ended = self.ended * 10 <= self.created;
        if majority(count(&|l| l.active)) {
            // What polls for ever is active and leaks.
            return match few_ended && self.goes_on(now, 2) {
                true => Trend::Leak,
                false => Trend::InUse,
            };
        }
        let leaks = if majority(count(&|l| l.wait == Wait::Sleep)) {
            // A sleep ends by itself, and then the goroutine may. But those
            // that outlive most of their kind by far do not.
            2 * self.ended >= all as u64
        } else if majority(count(&|l| l.wait == Wait::Network)) {
            few_ended && self.goes_on(now, 3)
        } else {
            // No pool waits for work at a lock.
            majority(count(&|l| l.wait == Wait::Sync)) || self.is_spread(since, now)
        };
        match leaks {
            true => Trend::Leak,
            false => Trend::Stopped,
        }
    }

    /// Whether a goroutine may be about to end, as others of its kind did.
    fn is_young(&self, left: &Left) -> bool {
        match self.lived.checked_div(self.ended) {
            Some(life) => left.age < life.saturating_mul(YOUNG),
            None => false,
        }
    }

    /// Whether goroutines came in each part of the time since the first one:
    /// in each at least one in `share` of those that an even growth brings.
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

    /// Whether the growth took a while: most of those that are left came over
    /// more than a small part of the window.
    fn is_spread(&self, since: Time, now: Time) -> bool {
        let mut births: Vec<_> = self.left.iter().map(|l| l.birth).collect();
        births.sort_unstable();
        let n = births.len();
        let (early, late) = (births[n / 10], births[n - 1 - n / 10]);
        let window = now.saturating_sub(since);
        late.saturating_sub(early) >= window / 100 * SPREAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const NOW: Time = 2000 * MS;

    /// Goroutines born at some times that were last active at others.
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
        // Among many that end soon.
        let leak = with_ended(course(100, even, even, Wait::Other), 1000, 5);
        assert_eq!(trend(&leak), Trend::Leak);
        // A leak that stopped is one still, if it was no single burst.
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
    fn a_burst_in_flight_is_no_leak() {
        let late = |_| 1970;
        let burst = with_ended(course(150, late, late, Wait::Sleep), 1050, 100);
        assert_eq!(trend(&burst), Trend::InUse);
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
