//! The CPU samples of a trace, which come between the Ps' events.

use std::collections::HashMap;

use super::super::event::GoId;
use super::index::{NIL, Sample};

/// All samples, and which of them comes next.
#[derive(Debug, Default)]
pub(super) struct Samples {
    all: Vec<Sample>,
    next: usize,
    /// The next sample of the same goroutine.
    following: Vec<u32>,
    /// Each goroutine's next sample.
    of: HashMap<GoId, u32, foldhash::fast::RandomState>,
}

impl Samples {
    /// Samples in order of time.
    pub(super) fn new(all: Vec<Sample>) -> Self {
        let mut of = HashMap::default();
        let mut following = vec![NIL; all.len()];
        for (i, sample) in all.iter().enumerate().rev() {
            following[i] = of.insert(sample.g, i as u32).unwrap_or(NIL);
        }
        Self {
            all,
            next: 0,
            following,
            of,
        }
    }

    /// Whether none is left.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.next >= self.all.len()
    }

    /// When the next sample was taken, in ticks.
    pub(super) fn time(&self) -> Option<i64> {
        self.all.get(self.next).map(|s| s.time)
    }

    /// Whether a goroutine has a sample that comes before an event of `time`.
    pub(super) fn is_before(&self, g: GoId, time: i64) -> bool {
        let next = self.of.get(&g).and_then(|&i| self.all.get(i as usize));
        next.is_some_and(|s| s.time < time)
    }

    /// The next sample.
    pub(super) fn take(&mut self) -> Option<Sample> {
        let sample = *self.all.get(self.next)?;
        self.of.insert(sample.g, self.following[self.next]);
        self.next += 1;
        Some(sample)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_samples_it_is_empty() {
        assert!(Samples::default().is_empty());
        assert!(Samples::new(Vec::new()).is_empty());
    }
}
