//! How a program went over time, in as many columns as a picture has.
//!
//! How long a trace is shows only at its end. So columns begin narrow, and
//! when there are too many of them, each two become one: the memory is the
//! same for a second and for an hour.

/// The most columns.
const MOST: usize = 512;
/// How narrow columns begin, ns.
const NARROWEST: u64 = 1 << 10;

/// What held between two events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Goroutines of the program that could run and did not.
    pub runnable: u64,
    /// Processors that ran goroutines.
    pub running: u64,
    /// The world was stopped.
    pub stopped: bool,
    /// What the last garbage collection found to be live, bytes; 0 if unknown.
    pub heap_live: u64,
    /// The size at which the collector aims to finish, bytes; 0 if unknown.
    pub heap_goal: u64,
    /// What the heap holds, live or not swept yet, bytes; 0 if unknown.
    pub heap_objects: u64,
}

/// A stretch of time. Sums are over time: in units times ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Column {
    /// How much of it the trace covers, ns.
    pub covered: u64,
    /// Runnable goroutines, summed.
    pub runnable_sum: u64,
    /// The most that were runnable at once.
    pub runnable_max: u64,
    /// Running goroutines, summed.
    pub running_sum: u64,
    /// How long the world was stopped, ns.
    pub stopped: u64,
    /// The last live heap, bytes; 0 if unknown.
    pub heap_live: u64,
    /// The last heap goal, bytes; 0 if unknown.
    pub heap_goal: u64,
    /// The most that the heap held, bytes; 0 if unknown.
    pub heap_max: u64,
}

/// How the program went, from the trace's start on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Course {
    /// How much time a column stands for, ns.
    pub width: u64,
    /// The columns.
    pub columns: Vec<Column>,
    /// Up to when it is known, ns.
    now: u64,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            width: NARROWEST,
            columns: Vec::new(),
            now: 0,
        }
    }
}

impl Course {
    /// Tells what held up to a time, in ns since the trace's start.
    #[inline]
    pub fn advance(&mut self, to: u64, state: &State) {
        while self.now < to {
            let index = usize::try_from(self.now / self.width).unwrap_or(usize::MAX);
            if index >= MOST {
                self.halve();
                continue;
            }
            let end = (index as u64 + 1).saturating_mul(self.width).min(to);
            if index >= self.columns.len() {
                self.columns.resize(index + 1, Column::default());
            }
            self.columns[index].add(end - self.now, state);
            self.now = end;
        }
    }

    /// Each two columns become one.
    fn halve(&mut self) {
        self.width *= 2;
        let pairs = self.columns.chunks(2);
        let merged = pairs.map(|pair| pair.iter().fold(Column::default(), Column::then));
        self.columns = merged.collect();
    }
}

impl Column {
    #[inline]
    fn add(&mut self, ns: u64, state: &State) {
        let column = Column {
            covered: ns,
            runnable_sum: state.runnable.saturating_mul(ns),
            runnable_max: state.runnable,
            running_sum: state.running.saturating_mul(ns),
            stopped: if state.stopped { ns } else { 0 },
            heap_live: state.heap_live,
            heap_goal: state.heap_goal,
            heap_max: state.heap_objects,
        };
        *self = self.then(&column);
    }

    /// This stretch and the next as one.
    pub fn then(self, next: &Self) -> Self {
        if next.covered == 0 {
            return self;
        }
        Self {
            covered: self.covered + next.covered,
            runnable_sum: self.runnable_sum.saturating_add(next.runnable_sum),
            runnable_max: self.runnable_max.max(next.runnable_max),
            running_sum: self.running_sum.saturating_add(next.running_sum),
            stopped: self.stopped + next.stopped,
            heap_live: next.heap_live,
            heap_goal: next.heap_goal,
            heap_max: self.heap_max.max(next.heap_max),
        }
    }
}
