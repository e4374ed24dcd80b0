//! Profiles of the program's own goroutines, from the intervals of the timeline.

use super::profile::{Labels, Records};
use crate::timeline::{
    Goroutine, HeapFloor, Interval, Kind, Kinds, Observer, Owner, SAMPLE_PERIOD, StackKey, State,
    StateVector, Timeline, Way,
};
use crate::trace::{Event, EventKind, Tables};

/// Profile of gotracer's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    /// Waits, at the stack of the goroutine that waits.
    Wait,
    /// Time from runnable to running, at the goroutine's stack.
    Runnable,
    /// Waits for locks, at the stack of the unlock.
    Lock,
    /// Mark assists: marking, and waits for credit.
    Assist,
    /// Stop-the-world pauses, at the stack that requested them.
    Stw,
    /// Creations of goroutines, at the `go` statement.
    Creations,
    /// CPU samples.
    Cpu,
    /// All time of the goroutines: waits, system calls, runnable time, and running time distributed by CPU samples.
    Wall,
}

/// Collector of a profile's records.
pub(super) struct Collector {
    kind: Own,
    timeline: Timeline,
    seen: Seen,
    /// CPU samples.
    samples: Records,
}

/// Observer of the intervals that make a profile.
struct Seen {
    kind: Own,
    records: Records,
    /// Time of the goroutines that ended.
    ended: StateVector,
}

impl Seen {
    fn add(
        &mut self,
        stack: StackKey,
        (state, reason): (&'static str, &str),
        ns: u64,
        i: &Interval,
        t: &Timeline,
    ) {
        let g = t.find(i.victim.g);
        let labels = Labels {
            state,
            reason: reason.into(),
            start: g.map_or_else(Default::default, |g| t.start_function(g)),
        };
        self.records.add(stack, labels, 1, ns);
    }
}

impl Observer for Seen {
    fn watches(&self) -> Kinds {
        Kinds::ALL
    }

    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.owner != Owner::Program {
            return;
        }
        let ns = i.duration();
        let waiting = t.find(i.victim.g).map(|g| g.waiting).unwrap_or_default();
        let wait = (waiting.state().name(), waiting.label());
        let at = i.victim.stack;
        match (self.kind, i.kind) {
            (Own::Wait | Own::Wall, Kind::Blocked(_)) => self.add(at, wait, ns, i, t),
            (Own::Lock, Kind::Blocked(_)) if waiting.state() == State::Lock && !i.cut_at_end => {
                self.add(i.by.stack, wait, ns, i, t);
            }
            (Own::Runnable | Own::Wall, Kind::Runnable(way)) if way != Way::Switched => {
                self.add(at, (State::Runnable.name(), way.name()), ns, i, t);
            }
            (Own::Wall, Kind::Syscall) => self.add(at, (State::Syscall.name(), ""), ns, i, t),
            (Own::Assist, Kind::MarkAssist) => {
                let ns = t.assisted(i.victim.g).unwrap_or_default().total();
                self.add(at, (State::GcAssist.name(), ""), ns, i, t);
            }
            (Own::Stw, Kind::StopTheWorld(reason)) => {
                let reason = t.stop_reason(reason).to_owned();
                self.add(at, ("stopped", &reason), ns, i, t);
            }
            _ => {}
        }
    }

    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}

    fn ended(&mut self, g: &Goroutine, time: StateVector, _: &Timeline) {
        if g.owner == Owner::Program {
            self.ended += time;
        }
    }
}

impl Collector {
    /// Creates an empty profile.
    pub(super) fn new(kind: Own) -> Self {
        Self {
            kind,
            timeline: Timeline::default(),
            seen: Seen {
                kind,
                records: Records::default(),
                ended: StateVector::default(),
            },
            samples: Records::default(),
        }
    }

    /// Processes an event. `tables` are those of its generation.
    pub(super) fn event(&mut self, event: &Event, tables: &Tables) {
        self.timeline.event(event, tables, &mut self.seen);
        if let EventKind::StackSample { stack } = event.kind {
            let stack = self.timeline.stack_key(stack, tables);
            self.samples.add(stack, Labels::default(), 1, SAMPLE_PERIOD);
        }
    }

    /// Returns the complete profile, and the timeline with its stacks. Open intervals count up to the end of the
    /// trace.
    pub(super) fn finish(mut self) -> (Records, Timeline) {
        let open: Vec<_> = self.timeline.open_intervals(false).collect();
        for interval in &open {
            self.seen.interval(interval, &self.timeline);
        }
        match self.kind {
            Own::Cpu => return (self.samples, self.timeline),
            Own::Creations => {
                for site in self.timeline.population().sites() {
                    let labels = Labels {
                        start: self.timeline.stacks().traits(site.start).start,
                        ..Labels::default()
                    };
                    self.seen.records.add(site.creator, labels, site.created, 0);
                }
            }
            Own::Wall => self.share_running(),
            _ => {}
        }
        (self.seen.records, self.timeline)
    }

    /// Distributes the running time over the stacks of CPU samples. Without samples it gets no stack.
    fn share_running(&mut self) {
        let alive = self.timeline.unreported();
        let alive = alive.filter(|(g, _)| g.owner == Owner::Program);
        let time = alive.map(|(_, time)| time).sum::<StateVector>() + self.seen.ended;
        let running = time.of(State::Running) + time.marking();
        let labels = || Labels {
            state: State::Running.name(),
            ..Labels::default()
        };
        if self.samples.count() == 0 {
            self.seen.records.add(StackKey::NONE, labels(), 1, running);
            return;
        }
        for (stack, count, ns) in self.samples.shared(running) {
            self.seen.records.add(stack, labels(), count, ns);
        }
    }
}
