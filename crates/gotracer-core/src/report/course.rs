//! The program over time, in a bounded number of columns.
//!
//! The length of a trace is known only at its end. Columns begin narrow, and when there are too many, each two
//! neighbors are merged. Memory is the same for a second and for an hour.

/// Maximum number of columns.
const MOST: usize = 512;
/// Initial width of a column, ns.
const NARROWEST: u64 = 1 << 10;

/// State of the program between two events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Runnable goroutines of the program.
    pub runnable: u64,
    /// Ps that run goroutines.
    pub running: u64,
    /// Whether the world is stopped.
    pub stopped: bool,
    /// Live heap as of the last garbage collection, bytes; 0 if unknown.
    pub heap_live: u64,
    /// Heap goal, bytes; 0 if unknown.
    pub heap_goal: u64,
    /// Size of the heap, live or not swept yet, bytes; 0 if unknown.
    pub heap_objects: u64,
}

/// One column. Sums are weighted by time: their units times ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Column {
    /// Time that the trace covers, ns.
    pub covered: u64,
    /// Sum of runnable goroutines.
    pub runnable_sum: u64,
    /// Maximum number of runnable goroutines.
    pub runnable_max: u64,
    /// Sum of running goroutines.
    pub running_sum: u64,
    /// Time in which the world was stopped, ns.
    pub stopped: u64,
    /// Last live heap, bytes; 0 if unknown.
    pub heap_live: u64,
    /// Last heap goal, bytes; 0 if unknown.
    pub heap_goal: u64,
    /// Maximum size of the heap, bytes; 0 if unknown.
    pub heap_max: u64,
}

/// The program over time, from the trace's start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Course {
    /// Width of a column, ns.
    pub width: u64,
    /// Columns in order of time.
    pub columns: Vec<Column>,
    /// End of the recorded time, ns.
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
    /// Records the state that held until a time, ns since the trace's start.
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

    /// Merges each two neighbors.
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

    /// Merges a column with its right neighbor.
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
