//! Explanation of a moment of a trace: which goroutines ran, which waited and for what, and what the collector did.
//!
//! The trace is read once. Memory is bounded: beside the timeline's own state, at most `MOST` entries of each kind are
//! kept.

mod moments;
mod text;
mod watch;

use crate::timeline::{FrameKey, HeapFloor, StackKey, Timeline};
use crate::trace::{GoId, Input, ReadError, Reader, Time};

pub use moments::{drawn, moments};
pub use text::write;
pub use watch::{Held, Reasons, Run, Sink, Watch};

/// Maximum number of runs, and of waits, that are kept. The longest ones stay.
const MOST: usize = 4096;

/// A part of a trace, ns since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Its start.
    pub from: u64,
    /// Its end.
    pub to: u64,
}

impl Window {
    /// Returns the window of a length with a time in its middle.
    pub fn around(at: u64, length: u64) -> Self {
        let from = at.saturating_sub(length / 2);
        Self {
            from,
            to: from.saturating_add(length),
        }
    }

    /// Returns the window of an occurrence that began at `at`, with a tenth of its duration on each side, and at least
    /// `least` long.
    pub fn of(at: u64, lasted: u64, least: u64) -> Self {
        let beside = (lasted / 10).max(least.saturating_sub(lasted) / 2);
        Self {
            from: at.saturating_sub(beside),
            to: at.saturating_add(lasted).saturating_add(beside),
        }
    }

    /// Converts the window to the clock of a trace that starts at `start`.
    pub fn since(self, start: Time) -> (Time, Time) {
        let time = |since: u64| {
            let since = Time::try_from(since).unwrap_or(Time::MAX);
            start.saturating_add(since)
        };
        (time(self.from), time(self.to))
    }
}

/// Activity within a window.
#[derive(Debug, Default)]
pub struct Explanation {
    /// Timeline at the end of the window, with goroutines and stacks.
    pub timeline: Timeline,
    /// Start on the trace's clock.
    pub from: Time,
    /// End on the trace's clock.
    pub to: Time,
    /// Runs of goroutines, by end time.
    pub runs: Vec<Run>,
    /// Waits of goroutines, by end time.
    pub held: Vec<Held>,
    /// Marking phases that overlap the window.
    pub marking: Vec<(Time, Time)>,
    /// Live heap after each collection in the window.
    pub floors: Vec<HeapFloor>,
    /// Reason why the trace could not be read to its end.
    pub error: Option<ReadError>,
    /// Offset at which another trace begins in the input.
    pub another: Option<u64>,
    /// Goroutine whose runs and waits [`write()`] lists first.
    pub goroutine: Option<GoId>,
    reasons: Reasons,
}

impl Explanation {
    /// Returns the runtime's name of a wait's reason.
    pub fn reason(&self, held: &Held) -> &str {
        self.reasons.of(held)
    }

    /// Returns the frame that stands for a stack.
    fn place(&self, stack: StackKey) -> FrameKey {
        self.timeline.stacks().traits(stack).place
    }
}

/// Reads a trace and returns the activity in a window of it. Events after the window are read only for errors.
///
/// # Errors
/// If no event can be read.
pub fn explain(input: Input<'_>, window: Window) -> Result<Explanation, ReadError> {
    let mut reader = Reader::new(input)?;
    let mut timeline = Timeline::default();
    let mut watch = None;
    let (mut from, mut to) = (Time::MIN, Time::MAX);
    let (whole, read) = loop {
        match reader.advance() {
            Ok(true) => {}
            end => break (false, end.map(|_| ())),
        }
        let event = reader.event();
        let watch = watch.get_or_insert_with(|| {
            (from, to) = window.since(event.time);
            Watch::new(Explanation::default(), from)
        });
        if event.time >= to {
            break (true, reader.skip_rest());
        }
        watch.event(event, reader.tables(), &mut timeline);
    };
    // A trace that ends early ends the window.
    let error = match read {
        Err(error) if reader.stats().is_silent() => return Err(error),
        read => read.err(),
    };
    if !whole {
        to = to.min(timeline.now());
    }
    let watch = watch.unwrap_or_else(|| Watch::new(Explanation::default(), from));
    let (seen, reasons) = watch.conclude(to, &timeline);
    let following = reader.following().unwrap_or_default();
    Ok(Explanation {
        from,
        to,
        timeline,
        reasons,
        error,
        another: following.map(|input| input.pos()),
        ..seen
    })
}

impl Sink for Explanation {
    fn run(&mut self, run: Run, _: &Timeline) {
        keep(&mut self.runs, run, |r| (r.end - r.start).max(0) as u64);
    }

    fn held(&mut self, held: Held, _: &Reasons, _: &Timeline) {
        keep(&mut self.held, held, |h| h.interval.duration());
    }

    fn marking(&mut self, start: Time, end: Time) {
        if self.marking.len() < MOST {
            self.marking.push((start, end));
        }
    }

    fn floor(&mut self, floor: HeapFloor) {
        if self.floors.len() < MOST {
            self.floors.push(floor);
        }
    }
}

/// Adds to a list of at most [`MOST`] entries. A full list loses its shortest entry.
fn keep<T>(list: &mut Vec<T>, one: T, length: impl Fn(&T) -> u64) {
    list.push(one);
    if list.len() >= 2 * MOST {
        let mut lengths: Vec<_> = list.iter().map(&length).collect();
        let (_, &mut least, _) = lengths.select_nth_unstable(MOST);
        list.retain(|one| length(one) > least);
    }
}
