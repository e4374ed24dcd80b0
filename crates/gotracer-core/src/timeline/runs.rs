//! Goroutines that ran, or waited to run, for long.

use super::Timeline;
use super::interval::Actor;
use crate::trace::Time;

impl Timeline {
    /// Returns the goroutine that has been runnable longest.
    pub fn longest_runnable(&self) -> Option<Actor> {
        let runnable = self.gs.iter().filter(|g| g.counts_as_runnable());
        let g = runnable.min_by_key(|g| g.since)?;
        Some(Actor {
            g: g.id,
            stack: g.best_stack(),
        })
    }

    /// Returns the goroutine that ran longest on all Ps between two times, and its running time in ns. Covers the
    /// last long runs of each P.
    pub fn ran_longest(&self, start: Time, end: Time) -> Option<(Actor, u64)> {
        let mut sums: Vec<(Actor, u64)> = Vec::new();
        for run in self.procs.runs() {
            let (who, from, to) = match run {
                Ok(run) => (run.who, run.start, run.end),
                Err((slot, since)) => match self.gs.get(slot) {
                    Some(g) => (self.actor(g), since, end),
                    None => continue,
                },
            };
            let (from, to) = (from.max(start), to.min(end));
            let silent = Time::try_from(self.silent(from, to)).unwrap_or(Time::MAX);
            let overlap = to.saturating_sub(from).saturating_sub(silent);
            if overlap <= 0 {
                continue;
            }
            match sums.iter_mut().find(|(known, _)| known.g == who.g) {
                Some((known, sum)) => {
                    *sum = sum.saturating_add(overlap as u64);
                    if who.stack.is_some() {
                        known.stack = who.stack;
                    }
                }
                None => sums.push((who, overlap as u64)),
            }
        }
        sums.into_iter().max_by_key(|(_, sum)| *sum)
    }
}
