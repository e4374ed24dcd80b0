//! Recorder of runs, waits and collections, for explanations and exports. It reports each interval as soon as the
//! interval ends.

use std::collections::HashMap;

use crate::timeline::{HeapFloor, Interval, Kind, Kinds, Observer, Owner, StackKey, Timeline};
use crate::trace::{
    Event, EventKind, GoId, GoState, ProcId, ProcState, Range, StateTransition, StringId, Tables,
    ThreadId, Time,
};

/// Maximum number of distinct reasons. The runtime has a few dozen; further ones in a damaged trace are ignored.
const MOST: usize = 4096;

/// A run of a goroutine on a P.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The P.
    pub p: ProcId,
    /// The thread that held the P.
    pub m: ThreadId,
    /// The goroutine.
    pub g: GoId,
    /// The goroutine's stack when it stopped running, or its last known stack.
    pub stack: StackKey,
    /// Start of the run.
    pub start: Time,
    /// End of the run, or of the window.
    pub end: Time,
}

/// An interval in which a goroutine did not run.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The interval, with its cause.
    pub interval: Interval,
    /// Index of the runtime's name of the wait's reason.
    pub reason: Option<u16>,
    /// Whether the interval continues after the window.
    pub goes_on: bool,
}

/// The runtime's names of wait reasons.
#[derive(Debug, Default)]
pub struct Reasons(Vec<Box<str>>);

impl Reasons {
    /// Returns the runtime's name of a wait's reason; empty if unknown.
    pub fn of(&self, held: &Held) -> &str {
        let text = held.reason.and_then(|i| self.0.get(usize::from(i)));
        text.map_or("", |text| text)
    }

    fn number(&mut self, id: StringId, tables: &Tables) -> u16 {
        let text = String::from_utf8_lossy(tables.string(id));
        let known = self.0.iter().position(|r| **r == *text);
        let number = known.unwrap_or_else(|| {
            if self.0.len() < MOST {
                self.0.push(text.into());
            }
            self.0.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }
}

/// Receiver of the intervals in a part of a trace, in the order of their ends.
pub trait Sink {
    /// Receives a run that ended.
    fn run(&mut self, run: Run, timeline: &Timeline);

    /// Receives a wait, or a stop-the-world, that ended.
    fn held(&mut self, held: Held, reasons: &Reasons, timeline: &Timeline);

    /// Receives a marking phase.
    fn marking(&mut self, start: Time, end: Time);

    /// Receives the live heap at the end of marking.
    fn floor(&mut self, floor: HeapFloor);
}

/// Recorder that follows the events of a trace and reports the intervals that end after a given time.
pub struct Watch<S> {
    /// The receiver of the intervals.
    pub sink: S,
    from: Time,
    /// Goroutine, thread and start of the current run on each P.
    running: HashMap<ProcId, (GoId, ThreadId, Time)>,
    /// Reason of each goroutine's current wait.
    waits: HashMap<GoId, u16>,
    reasons: Reasons,
    marking: Option<Time>,
    /// Goroutine and reason of the wait that the current event ends.
    ended: Option<(GoId, u16)>,
}

impl<S: Sink> Observer for Watch<S> {
    fn watches(&self) -> Kinds {
        Kinds::ALL
    }

    fn interval(&mut self, interval: &Interval, timeline: &Timeline) {
        if interval.end < self.from || interval.owner == Owner::Tracer {
            return;
        }
        let reason = self.ended.filter(|(g, _)| *g == interval.victim.g);
        let held = Held {
            interval: *interval,
            reason: reason.map(|(_, reason)| reason),
            goes_on: false,
        };
        self.sink.held(held, &self.reasons, timeline);
    }

    fn heap_floor(&mut self, floor: HeapFloor, _: &Timeline) {
        if floor.time >= self.from {
            self.sink.floor(floor);
        }
    }
}

impl<S: Sink> Watch<S> {
    /// Creates a recorder for the intervals that end after `from`.
    pub fn new(sink: S, from: Time) -> Self {
        Self {
            sink,
            from,
            running: HashMap::new(),
            waits: HashMap::new(),
            reasons: Reasons::default(),
            marking: None,
            ended: None,
        }
    }

    /// Processes the next event, and passes it on to the timeline.
    pub fn event(&mut self, event: &Event, tables: &Tables, timeline: &mut Timeline) {
        self.ended = None;
        match event.kind {
            EventKind::StateTransition(StateTransition::Goroutine { id, from, to, .. })
                if from != to =>
            {
                self.ended = self.waits.remove(&id).map(|reason| (id, reason));
                timeline.event(event, tables, self);
                self.goroutine(event, tables, timeline);
                return;
            }
            EventKind::StateTransition(StateTransition::Proc { id, to, .. })
                if to != ProcState::Running =>
            {
                self.stop(id, event.time, timeline);
            }
            EventKind::RangeBegin {
                range: Range::GcMark,
                ..
            }
            | EventKind::RangeActive {
                range: Range::GcMark,
            } => {
                self.marking.get_or_insert(event.time);
            }
            EventKind::RangeEnd {
                range: Range::GcMark,
            } => self.marked(event.time),
            _ => {}
        }
        timeline.event(event, tables, self);
    }

    fn goroutine(&mut self, event: &Event, tables: &Tables, timeline: &Timeline) {
        let EventKind::StateTransition(StateTransition::Goroutine {
            id,
            from,
            to,
            reason,
            ..
        }) = event.kind
        else {
            return;
        };
        if from == GoState::Running {
            self.stop(event.p, event.time, timeline);
        }
        match to {
            GoState::Running => {
                self.running.insert(event.p, (id, event.m, event.time));
            }
            GoState::Waiting => {
                let reason = self.reasons.number(reason, tables);
                self.waits.insert(id, reason);
            }
            _ => {}
        }
    }

    /// Ends the run on a P.
    fn stop(&mut self, p: ProcId, now: Time, timeline: &Timeline) {
        let Some((g, m, start)) = self.running.remove(&p) else {
            return;
        };
        if now >= self.from {
            let stack = timeline.find(g).map(|g| g.best_stack());
            let run = Run {
                p,
                m,
                g,
                stack: stack.unwrap_or_default(),
                start,
                end: now,
            };
            self.sink.run(run, timeline);
        }
    }

    fn marked(&mut self, now: Time) {
        if let Some(start) = self.marking.take()
            && now >= self.from
        {
            self.sink.marking(start, now);
        }
    }

    /// Closes all open intervals at the end of the window.
    pub fn conclude(mut self, now: Time, timeline: &Timeline) -> (S, Reasons) {
        let mut processors: Vec<_> = self.running.keys().copied().collect();
        processors.sort_by_key(|p| p.0);
        for p in processors {
            self.stop(p, now, timeline);
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
            self.sink.held(held, &self.reasons, timeline);
        }
        (self.sink, self.reasons)
    }
}
