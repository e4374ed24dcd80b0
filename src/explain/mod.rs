//! What happened around a moment of a trace: who ran where, who waited for
//! whom, what the collector did. The answer to "why" that needs no browser.
//!
//! A trace is read once, up to the window's end. What is kept is the state that
//! the timeline keeps anyway, and of the window at most [`MOST`] of each kind.

mod text;

use std::collections::HashMap;

use crate::timeline::{FrameKey, HeapFloor, Interval, Kind, Observer, Owner, StackKey, Timeline};
use crate::trace::{
    Event, GoId, GoState, Input, ProcId, ProcState, Range, ReadError, Reader, StringId, Tables,
    Time, What,
};

pub use text::write;

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
}

/// A goroutine on a processor.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The processor.
    pub p: ProcId,
    /// The goroutine.
    pub g: GoId,
    /// Its stack when it stopped running, or the last one known.
    pub stack: StackKey,
    /// When it began.
    pub start: Time,
    /// When it ended, or the window did.
    pub end: Time,
}

/// A goroutine that did not run.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// What it was, from when to when, and who ended it.
    pub interval: Interval,
    /// The runtime's word for what it waited for.
    pub reason: Option<u16>,
    /// It went on beyond the window.
    pub goes_on: bool,
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
    reasons: Vec<Box<str>>,
}

impl Explanation {
    /// The runtime's word for what a goroutine waited for.
    pub fn reason(&self, held: &Held) -> &str {
        let text = held.reason.and_then(|i| self.reasons.get(usize::from(i)));
        text.map_or("", |text| text)
    }

    /// Where a stack is placed.
    fn place(&self, stack: StackKey) -> FrameKey {
        self.timeline.stacks().traits(stack).place
    }
}

/// Reads a trace up to the end of a window, and tells what happened in it.
///
/// # Errors
/// If the trace can't be read so far.
pub fn explain(input: Input<'_>, window: Window) -> Result<Explanation, Box<ReadError>> {
    let mut reader = Reader::new(input)?;
    let mut watch = Watch::default();
    let mut timeline = Timeline::default();
    let mut ends = None;
    let whole = loop {
        match reader.advance() {
            Ok(true) => {}
            Ok(false) => break false,
            // What is told goes as far as the trace does.
            Err(_) if ends.is_some() => break false,
            Err(error) => return Err(error),
        }
        let event = reader.event();
        let time = |since: u64| {
            let since = Time::try_from(since).unwrap_or(Time::MAX);
            event.time.saturating_add(since)
        };
        let &mut (from, to) = ends.get_or_insert_with(|| (time(window.from), time(window.to)));
        if event.time >= to {
            break true;
        }
        (watch.from, watch.to) = (from, to);
        watch.event(event, reader.tables(), &mut timeline);
    };
    if !whole {
        watch.to = watch.to.min(timeline.now());
    }
    Ok(watch.conclude(timeline))
}

/// Collects what happens.
#[derive(Default)]
struct Watch {
    from: Time,
    to: Time,
    /// Who runs on each processor, since when.
    running: HashMap<ProcId, (GoId, Time)>,
    /// What each goroutine waits for.
    waits: HashMap<GoId, u16>,
    reasons: Vec<Box<str>>,
    marking: Option<Time>,
    seen: Explanation,
    /// The wait that the current event ends has this reason.
    ended: Option<(GoId, u16)>,
}

impl Observer for Watch {
    fn watches(&self) -> u8 {
        u8::MAX
    }

    fn interval(&mut self, interval: &Interval, _: &Timeline) {
        if interval.end < self.from || interval.owner == Owner::Tracer {
            return;
        }
        let reason = self.ended.filter(|(g, _)| *g == interval.victim.g);
        let held = Held {
            interval: *interval,
            reason: reason.map(|(_, reason)| reason),
            goes_on: false,
        };
        keep(&mut self.seen.held, held, |h| h.interval.duration());
    }

    fn heap_floor(&mut self, floor: HeapFloor, _: &Timeline) {
        if floor.time >= self.from && self.seen.floors.len() < MOST {
            self.seen.floors.push(floor);
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

impl Watch {
    fn event(&mut self, event: &Event, tables: &Tables, timeline: &mut Timeline) {
        self.ended = None;
        match event.what {
            What::Goroutine { id, from, to, .. } if from != to => {
                self.ended = self.waits.remove(&id).map(|reason| (id, reason));
                timeline.event(event, tables, self);
                self.goroutine(event, tables, timeline);
                return;
            }
            What::Proc { id, to, .. } if to != ProcState::Running => {
                self.stop(id, event.time, timeline);
            }
            What::RangeBegin {
                range: Range::GcMark,
                ..
            }
            | What::RangeActive {
                range: Range::GcMark,
            } => {
                self.marking.get_or_insert(event.time);
            }
            What::RangeEnd {
                range: Range::GcMark,
            } => self.marked(event.time),
            _ => {}
        }
        timeline.event(event, tables, self);
    }

    fn goroutine(&mut self, event: &Event, tables: &Tables, timeline: &Timeline) {
        let What::Goroutine {
            id,
            from,
            to,
            reason,
            ..
        } = event.what
        else {
            return;
        };
        if from == GoState::Running {
            self.stop(event.p, event.time, timeline);
        }
        match to {
            GoState::Running => {
                self.running.insert(event.p, (id, event.time));
            }
            GoState::Waiting => {
                let reason = self.reason(reason, tables);
                self.waits.insert(id, reason);
            }
            _ => {}
        }
    }

    /// The number of a reason. There are a few dozen of them; a trace with more
    /// is no real one.
    fn reason(&mut self, id: StringId, tables: &Tables) -> u16 {
        let text = String::from_utf8_lossy(tables.string(id));
        let known = self.reasons.iter().position(|r| **r == *text);
        let number = known.unwrap_or_else(|| {
            if self.reasons.len() < MOST {
                self.reasons.push(text.into());
            }
            self.reasons.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    /// Nobody runs on a processor any more.
    fn stop(&mut self, p: ProcId, now: Time, timeline: &Timeline) {
        let Some((g, start)) = self.running.remove(&p) else {
            return;
        };
        if now >= self.from {
            let stack = timeline.find(g).map(|g| g.best_stack());
            let run = Run {
                p,
                g,
                stack: stack.unwrap_or_default(),
                start,
                end: now,
            };
            keep(&mut self.seen.runs, run, |r| {
                (r.end - r.start).max(0) as u64
            });
        }
    }

    fn marked(&mut self, now: Time) {
        if let Some(start) = self.marking.take()
            && now >= self.from
            && self.seen.marking.len() < MOST
        {
            self.seen.marking.push((start, now));
        }
    }

    /// What is not over at the window's end ends there.
    fn conclude(mut self, timeline: Timeline) -> Explanation {
        // Nothing happens between the last event and the window's end.
        let now = self.to;
        let mut processors: Vec<_> = self.running.keys().copied().collect();
        processors.sort_by_key(|p| p.0);
        for p in processors {
            self.stop(p, now, &timeline);
        }
        self.marked(now);
        let mut open: Vec<_> = timeline
            .open_intervals(true)
            .filter(|i| i.owner != Owner::Tracer)
            .collect();
        open.sort_by_key(|i| (i.start, i.victim.g.0));
        for interval in open {
            let held = Held {
                reason: match interval.kind {
                    Kind::Blocked(_) => self.waits.get(&interval.victim.g).copied(),
                    _ => None,
                },
                interval: Interval {
                    end: now,
                    ..interval
                },
                goes_on: true,
            };
            keep(&mut self.seen.held, held, |h| h.interval.duration());
        }
        Explanation {
            from: self.from,
            to: self.to,
            timeline,
            reasons: self.reasons,
            ..self.seen
        }
    }
}
