//! Collector of the records of a trace: from intervals of the timeline, and from transitions.

use std::borrow::Cow;

use super::kind::Part;
use super::profiles::Profiles;
use super::records::{Labels, Records};
use super::reference::{Lives, Step};
use super::values::Values;
use crate::timeline::{
    Creation, Goroutine, HeapFloor, Interval, Kind, Kinds, Observer, Owner, SAMPLE_PERIOD,
    StackKey, State, StateVector, Timeline, Transition, Way,
};
use crate::trace::{Event, EventKind, GoState, StackId, StateTransition, StringId, Tables};

/// Collector of a trace's records.
#[derive(Default)]
pub struct Collector {
    /// Records by part.
    records: [Records; Part::ALL.len()],
    lives: Lives,
    /// Time of the program's goroutines that ended since the last profiles.
    ended: StateVector,
}

/// State and reason of a record.
type Named = (&'static str, Cow<'static, str>);

impl Collector {
    /// Returns the bytes of memory held.
    pub fn held(&self) -> u64 {
        self.records.iter().map(Records::held).sum::<u64>() + self.lives.held()
    }

    /// Processes an event before the timeline does. `tables` are those of its generation.
    pub fn event(&mut self, event: &Event, tables: &Tables, t: &mut Timeline) {
        if let EventKind::StateTransition(StateTransition::Goroutine {
            id,
            from,
            to,
            reason,
            stack,
            ..
        }) = event.kind
        {
            let step = Step {
                id,
                time: event.time,
                from,
                to,
                reason: b"",
                stack: StackKey::NONE,
            };
            self.step(step, (reason, stack), tables, t);
        }
    }

    /// Processes a transition before the timeline does, like [`event`](Self::event).
    pub fn transition(&mut self, transition: &Transition, tables: &Tables, t: &mut Timeline) {
        let step = Step {
            id: t.goroutine_at(transition.slot),
            time: transition.time,
            from: transition.from,
            to: transition.to,
            reason: b"",
            stack: StackKey::NONE,
        };
        self.step(step, (transition.reason, transition.stack), tables, t);
    }

    /// Processes a creation before the timeline does, like [`event`](Self::event).
    pub fn creation(&mut self, creation: &Creation, tables: &Tables, t: &mut Timeline) {
        let step = Step {
            id: creation.id,
            time: creation.time,
            from: GoState::NotExist,
            to: creation.to,
            reason: b"",
            stack: StackKey::NONE,
        };
        self.step(step, (StringId::default(), creation.stack), tables, t);
    }

    fn step(
        &mut self,
        step: Step<'_>,
        (reason, stack): (StringId, StackId),
        tables: &Tables,
        t: &mut Timeline,
    ) {
        let step = Step {
            reason: tables.string(reason),
            stack: t.stack_key(stack, tables),
            ..step
        };
        let records = &mut self.records;
        self.lives.step(step, |part, stack, Values { count, ns }| {
            records[part as usize].add(stack, Labels::default(), count, ns);
        });
    }

    /// Records an interval that ended.
    pub fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.owner != Owner::Program {
            return;
        }
        let ns = i.duration();
        let at = i.victim.stack;
        match i.kind {
            Kind::Blocked(_) => {
                let waiting = t.find(i.victim.g).map(|g| g.waiting).unwrap_or_default();
                let wait = || (waiting.state().name(), waiting.label().into());
                self.add(Part::Wait, at, wait(), ns, i, t);
                if waiting.state() == State::Lock && !i.cut_at_end {
                    self.add(Part::Lock, i.by.stack, wait(), ns, i, t);
                }
            }
            Kind::Runnable(way) if way != Way::Switched => {
                let named = (State::Runnable.name(), way.name().into());
                self.add(Part::Runnable, at, named, ns, i, t);
            }
            Kind::Syscall => {
                let named = (State::Syscall.name(), "".into());
                self.add(Part::Calls, at, named, ns, i, t);
            }
            Kind::MarkAssist => {
                let ns = t.assisted(i.victim.g).unwrap_or_default().total();
                let named = (State::GcAssist.name(), "".into());
                self.add(Part::Assist, at, named, ns, i, t);
            }
            Kind::StopTheWorld(reason) => {
                let reason = t.stop_reason(reason).to_owned();
                self.add(Part::Stw, at, ("stopped", reason.into()), ns, i, t);
            }
            _ => {}
        }
    }

    fn add(
        &mut self,
        part: Part,
        stack: StackKey,
        (state, reason): Named,
        ns: u64,
        i: &Interval,
        t: &Timeline,
    ) {
        let g = t.find(i.victim.g);
        let labels = Labels {
            state,
            reason,
            start: g.map_or_else(Default::default, |g| t.start_function(g)),
        };
        self.records[part as usize].add(stack, labels, 1, ns);
    }

    /// Records a goroutine that ends, and the part of its state vector that no earlier profiles contain.
    pub fn ended(&mut self, g: &Goroutine, time: &StateVector) {
        if g.owner == Owner::Program {
            self.ended += *time;
        }
    }

    /// Returns the profiles since the last call. If no events follow (`under_way` is unset), open intervals count up
    /// to now. The timeline must start its next stretch after each call.
    pub fn take(&mut self, t: &Timeline, under_way: bool) -> Profiles {
        if !under_way {
            for interval in t.open_intervals(false) {
                self.interval(&interval, t);
            }
            let records = &mut self.records;
            self.lives.end_all(|part, stack, Values { count, ns }| {
                records[part as usize].add(stack, Labels::default(), count, ns);
            });
        }
        for (stack, count) in t.cpu_samples_by_stack() {
            let ns = count.saturating_mul(SAMPLE_PERIOD);
            self.records[Part::Samples as usize].add(stack, Labels::default(), count, ns);
        }
        for site in t.population().sites() {
            let (created, _) = site.news();
            if created > 0 {
                let start = t.stacks().traits(site.start).start;
                let labels = Labels {
                    start,
                    ..Labels::default()
                };
                self.records[Part::Creations as usize].add(site.creator, labels, created, 0);
            }
        }
        self.share_running(t);
        let mut profiles = Profiles::default();
        for (records, part) in self.records.iter_mut().zip(Part::ALL) {
            records.move_to(part, &mut profiles, t.stacks());
        }
        profiles
    }

    /// Distributes the running time over the stacks of CPU samples. Without samples it gets no stack.
    fn share_running(&mut self, t: &Timeline) {
        let alive = t.unreported().filter(|(g, _)| g.owner == Owner::Program);
        let time = alive.map(|(_, time)| time).sum::<StateVector>() + self.ended;
        self.ended = StateVector::default();
        let running = time.of(State::Running) + time.marking();
        let records = &mut self.records[Part::Running as usize];
        let mut add = |stack, count, ns| {
            let labels = Labels {
                state: State::Running.name(),
                ..Labels::default()
            };
            records.add(stack, labels, count, ns);
        };
        let samples = t.cpu_samples();
        if samples == 0 && running > 0 {
            add(StackKey::NONE, 1, running);
        }
        for (stack, count) in t.cpu_samples_by_stack() {
            let part = u128::from(running) * u128::from(count) / u128::from(samples.max(1));
            add(stack, count, part as u64);
        }
    }
}

impl Observer for Collector {
    fn watches(&self) -> Kinds {
        Kinds::ALL
    }

    fn interval(&mut self, i: &Interval, t: &Timeline) {
        self.interval(i, t);
    }

    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}

    fn ended(&mut self, g: &Goroutine, time: &StateVector, _: &Timeline) {
        self.ended(g, time);
    }
}
