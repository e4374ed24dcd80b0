//! Explanation of a moment of a trace: who ran where, who waited for
//! whom, what the collector did. The answer to "why" that needs no browser.
//!
//! A trace is read once. What is kept is the state that the timeline keeps
//! anyway, and of the window at most `MOST` of each kind.

mod moments;
mod text;
mod watch;

use crate::timeline::{FrameKey, HeapFloor, StackKey, Timeline};
use crate::trace::{Input, ReadError, Reader, Time};

pub use moments::{drawn, moments};
pub use text::write;
pub use watch::{Held, Reasons, Run, Sink, Watch};

/// The most runs of a processor, and the most waits, that are kept. Of more, the
/// longest are.
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
    /// That long around a moment.
    pub fn around(at: u64, length: u64) -> Self {
        let from = at.saturating_sub(length / 2);
        Self {
            from,
            to: from.saturating_add(length),
        }
    }

    /// All of an occurrence that began at `at`, a tenth of it on each side, and
    /// no less than `least`.
    pub fn of(at: u64, lasted: u64, least: u64) -> Self {
        let beside = (lasted / 10).max(least.saturating_sub(lasted) / 2);
        Self {
            from: at.saturating_sub(beside),
            to: at.saturating_add(lasted).saturating_add(beside),
        }
    }

    /// The same on the clock of a trace that starts at `start`.
    pub fn since(self, start: Time) -> (Time, Time) {
        let time = |since: u64| {
            let since = Time::try_from(since).unwrap_or(Time::MAX);
            start.saturating_add(since)
        };
        (time(self.from), time(self.to))
    }
}

/// What happened within a window.
#[derive(Debug, Default)]
pub struct Explanation {
    /// All that is known of goroutines and stacks at the window's end.
    pub timeline: Timeline,
    /// On the trace's clock.
    pub from: Time,
    /// On the trace's clock.
    pub to: Time,
    /// Goroutines that ran, in the order in which they stopped.
    pub runs: Vec<Run>,
    /// Goroutines that waited, in the order in which that ended.
    pub held: Vec<Held>,
    /// Marking, as far as it overlaps the window.
    pub marking: Vec<(Time, Time)>,
    /// The live heap that was found within the window.
    pub floors: Vec<HeapFloor>,
    /// Why the trace could not be read to its end.
    pub error: Option<ReadError>,
    /// Where in the input another trace begins.
    pub another: Option<u64>,
    reasons: Reasons,
}

impl Explanation {
    /// The runtime's word for what a goroutine waited for.
    pub fn reason(&self, held: &Held) -> &str {
        self.reasons.of(held)
    }

    /// Where a stack is placed.
    fn place(&self, stack: StackKey) -> FrameKey {
        self.timeline.stacks().traits(stack).place
    }
}

/// Reads a trace, and tells what happened in a window of it. What is behind the
/// window is read only for the errors in it.
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
    // The explanation ends where the trace does.
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

/// Adds to a list that holds no more than [`MOST`]: then the shortest goes.
fn keep<T>(list: &mut Vec<T>, one: T, length: impl Fn(&T) -> u64) {
    list.push(one);
    if list.len() >= 2 * MOST {
        let mut lengths: Vec<_> = list.iter().map(&length).collect();
        let (_, &mut least, _) = lengths.select_nth_unstable(MOST);
        list.retain(|one| length(one) > least);
    }
}
