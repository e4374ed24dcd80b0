//! Minimum mutator utilization: the ratio of the CPU that the collector left to the program in the worst window.
//!
//! As a window moves, its loss changes direction only where an edge of the window meets a change of the collector's
//! share. So the windows that begin or end at a change suffice. They are evaluated as the changes arrive.

use std::collections::VecDeque;

use crate::trace::Time;

const MS: Time = 1_000_000;

/// Lengths of the windows, ns: three per decade, which is enough to draw the curve.
pub(super) const WINDOWS: [Time; 10] = [
    MS,
    2 * MS,
    5 * MS,
    10 * MS,
    20 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
    1_000 * MS,
];
/// Changes closer than this fraction of the window count as one, which bounds the memory. The error of a window's
/// loss is at most 1/30,000 of its length.
const FINE: Time = 1 << 15;

/// CPU time that the collector used up to a time, sum of all Ps, ns.
#[derive(Clone, Copy, Debug)]
struct Point {
    time: Time,
    taken: f64,
}

/// CPU time that the collector used up to a time between two points.
fn between(from: Point, to: Point, time: Time) -> f64 {
    match to.time - from.time {
        0 => to.taken,
        length => {
            let part = (time - from.time) as f64 / length as f64;
            from.taken + (to.taken - from.taken) * part
        }
    }
}

/// Worst window of one length.
#[derive(Clone, Debug)]
struct Window {
    length: Time,
    /// Changes, from the last one that is at least one window old.
    points: VecDeque<Point>,
    /// Number of points already evaluated as starts of windows.
    begun: usize,
    /// Largest loss of any window, ns.
    worst: f64,
}

impl Window {
    fn new(length: Time) -> Self {
        Self {
            length,
            points: VecDeque::new(),
            begun: 0,
            worst: 0.0,
        }
    }

    /// Evaluates the windows that a change, or the end (`last`), completes.
    fn change(&mut self, now: Point, last: bool) {
        let Some(before) = self.points.back().copied() else {
            self.points.push_back(now);
            return;
        };
        if now.time - before.time < self.length / FINE && !last {
            return;
        }
        while let Some(from) = self.points.get(self.begun).copied()
            && from.time.saturating_add(self.length) <= now.time
        {
            let end = between(before, now, from.time + self.length);
            self.worst = self.worst.max(end - from.taken);
            self.begun += 1;
        }
        let start = now.time.saturating_sub(self.length);
        while self.points.get(1).is_some_and(|p| p.time <= start) {
            self.points.pop_front();
            self.begun = self.begun.saturating_sub(1);
        }
        if let Some(from) = self.points.front().copied()
            && from.time <= start
        {
            let to = self.points.get(1).copied().unwrap_or(now);
            self.worst = self.worst.max(now.taken - between(from, to, start));
        }
        if now.time > before.time {
            self.points.push_back(now);
        }
    }
}

/// Minimum mutator utilization for each window length.
#[derive(Clone, Debug)]
pub(super) struct Utilization {
    windows: [Window; WINDOWS.len()],
    first: Option<Point>,
    last: Point,
    /// The collector's present share of all Ps.
    share: f64,
}

impl Default for Utilization {
    fn default() -> Self {
        Self {
            windows: WINDOWS.map(Window::new),
            first: None,
            last: Point {
                time: 0,
                taken: 0.0,
            },
            share: 0.0,
        }
    }
}

impl Utilization {
    /// Bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        let points = self.windows.iter().map(|w| w.points.capacity());
        (points.sum::<usize>() * size_of::<Point>()) as u64
    }

    /// Records a change of the collector's share of all Ps.
    pub(super) fn set(&mut self, share: f64, now: Time) {
        if self.first.is_none() {
            self.last.time = now;
        } else if share == self.share {
            return;
        }
        self.last = self.up_to(now);
        self.first.get_or_insert(self.last);
        self.share = share;
        for window in &mut self.windows {
            window.change(self.last, false);
        }
    }

    fn up_to(&self, now: Time) -> Point {
        let length = now.saturating_sub(self.last.time).max(0);
        Point {
            time: now,
            taken: self.last.taken + self.share * length as f64,
        }
    }

    /// Utilization in the worst window of each length, up to `now`. If less time than a window has passed, the
    /// utilization is that of the whole time.
    pub(super) fn minimum(&self, now: Time) -> [f64; WINDOWS.len()] {
        let Some(first) = self.first else {
            return [1.0; WINDOWS.len()];
        };
        let end = self.up_to(now);
        let all = (end.time - first.time).max(1);
        std::array::from_fn(|i| {
            let mut window = self.windows[i].clone();
            window.change(end, true);
            let lost = match window.length > all {
                true => (end.taken - first.taken) / all as f64,
                false => window.worst / window.length as f64,
            };
            (1.0 - lost).clamp(0.0, 1.0)
        })
    }

    /// Starts the worst windows of the next report.
    pub(super) fn start_stretch(&mut self, now: Time) {
        if self.first.is_none() {
            return;
        }
        self.last = self.up_to(now);
        for window in &mut self.windows {
            window.change(self.last, true);
            window.worst = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minimum utilization for steps of a time and the collector's share from then on.
    fn minimum(steps: &[(Time, f64)], end: Time) -> [f64; WINDOWS.len()] {
        let mut utilization = Utilization::default();
        for &(time, share) in steps {
            utilization.set(share, time);
        }
        utilization.minimum(end)
    }

    /// Minimum utilization for 1, 10, 100 ms and 1 s.
    fn decades(steps: &[(Time, f64)], end: Time) -> [f64; 4] {
        let found = minimum(steps, end);
        [0, 3, 6, 9].map(|i| found[i])
    }

    fn is(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
    }

    #[test]
    fn the_worst_window_is_found_wherever_it_begins() {
        // The collector takes a quarter for 5 ms, but all for 1 ms within it.
        let steps = [
            (0, 0.0),
            (300 * MS, 0.25),
            (302 * MS, 1.0),
            (303 * MS, 0.25),
            (305 * MS, 0.0),
        ];
        let [ms1, ms10, ms100, s1] = decades(&steps, 2_000 * MS);
        is(ms1, 0.0);
        is(ms10, 1.0 - 0.2);
        is(ms100, 1.0 - 0.02);
        is(s1, 1.0 - 0.002);
    }

    #[test]
    fn a_window_may_end_at_the_trace_s_end_and_be_all_of_it() {
        let steps = [(0, 0.0), (60 * MS, 0.5)];
        let [ms1, ms10, ms100, s1] = decades(&steps, 80 * MS);
        is(ms1, 0.5);
        is(ms10, 0.5);
        // Over 80 ms the collector takes half of 20 ms.
        is(ms100, 1.0 - 0.125);
        is(s1, 1.0 - 0.125);
    }

    #[test]
    fn windows_are_as_by_trying_all_of_them() {
        let mut seed = 1_u64;
        let mut random = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % n
        };
        let mut steps = vec![(0, 0.0)];
        let mut time = 0;
        for _ in 0..300 {
            time += 1 + random(2_000_000) as Time;
            steps.push((time, random(5) as f64 / 4.0));
        }
        let end = time + MS;
        let taken = |at: Time| -> f64 {
            let next = steps.iter().skip(1).map(|s| s.0).chain([Time::MAX]);
            let parts = steps.iter().zip(next);
            parts
                .map(|(&(from, share), to)| share * (to.min(at) - from).max(0) as f64)
                .sum()
        };
        let found = minimum(&steps, end);
        for (i, length) in WINDOWS.into_iter().enumerate() {
            if length > end {
                continue;
            }
            let edges = steps.iter().flat_map(|&(t, _)| [t, t - length]);
            let starts = edges
                .chain([end - length])
                .filter(|&t| t >= 0 && t + length <= end);
            let lost = starts.map(|t| (taken(t + length) - taken(t)) / length as f64);
            is(found[i], 1.0 - lost.fold(0.0, f64::max));
        }
    }
}
