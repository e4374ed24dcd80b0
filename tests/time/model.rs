//! State vectors of a sequence of events the slow way: all intervals first, then what they have in common.

use std::collections::{HashMap, HashSet};

use gotracer::timeline::{State, StateVector};
use gotracer::trace::{
    Event, EventKind, GoId, GoState, Metric, ProcId, Range, StateTransition, Time,
};

/// The state of a wait, and whether it is one for assist credit.
pub(crate) type Wait = (State, bool);

type Interval = (Time, Time);

/// What is known of one goroutine.
#[derive(Default)]
struct Life {
    /// When each state began.
    states: Vec<(Time, GoState, Wait)>,
    assists: Vec<Interval>,
    end: Option<Time>,
}

/// A stop-the-world that is not over.
struct Stop {
    since: Time,
    p: ProcId,
    g: GoId,
    restarting: bool,
}

/// Goroutines, mark assists and stops of a trace. An id may be used again: what a C thread calls has the same each time.
#[derive(Default)]
pub(crate) struct Model {
    lives: HashMap<GoId, Life>,
    ended: Vec<(GoId, Life)>,
    assists: HashMap<GoId, Time>,
    seen: HashSet<GoId>,
    stop: Option<Stop>,
    stops: Vec<Interval>,
    start: Option<Time>,
    now: Time,
}

impl Model {
    /// Takes in an event. `wait` is what begins with it, if a wait does.
    pub(crate) fn event(&mut self, event: &Event, wait: Wait) {
        self.now = event.time;
        match event.kind {
            EventKind::Sync { .. } => {
                self.start.get_or_insert(event.time);
            }
            EventKind::Metric {
                metric: Metric::Gomaxprocs,
                ..
            } => {
                if let Some(stop) = &mut self.stop {
                    stop.restarting = event.p == stop.p && event.p.is_some();
                }
            }
            EventKind::RangeBegin { range, .. } | EventKind::RangeActive { range } => {
                let active = matches!(event.kind, EventKind::RangeActive { .. });
                self.begin(range, event.p, active);
            }
            EventKind::RangeEnd { range } => self.end(range),
            EventKind::StateTransition(StateTransition::Goroutine { id, from, to, .. })
                if from != to =>
            {
                let resumes = to == GoState::Running
                    && !matches!(from, GoState::Undetermined | GoState::NotExist);
                let elsewhere = |stop: &Stop| {
                    stop.restarting && event.p.is_some() && event.p != stop.p && id != stop.g
                };
                if resumes && self.stop.as_ref().is_some_and(elsewhere) {
                    self.world_runs();
                }
                let first = self.seen.insert(id);
                let start = match from {
                    GoState::Undetermined if first => self.start.unwrap_or(self.now),
                    _ => self.now,
                };
                let life = self.lives.entry(id).or_default();
                if to != GoState::NotExist {
                    life.states.push((start, to, wait));
                } else if let Some(life) = self.lives.remove(&id) {
                    let end = Some(self.now);
                    self.ended.push((id, Life { end, ..life }));
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, range: Range, p: ProcId, active: bool) {
        match range {
            Range::StopTheWorld { g, .. } if !active => {
                self.stop = Some(Stop {
                    since: self.now,
                    p,
                    g,
                    restarting: false,
                });
            }
            Range::MarkAssist { g } if !active => {
                self.assists.insert(g, self.now);
            }
            Range::MarkAssist { g } => {
                let start = self.start.unwrap_or(self.now);
                self.assists.entry(g).or_insert(start);
            }
            _ => {}
        }
    }

    fn end(&mut self, range: Range) {
        match range {
            Range::StopTheWorld { .. } => self.world_runs(),
            Range::MarkAssist { g } => {
                if let Some(since) = self.assists.remove(&g) {
                    let life = self.lives.entry(g).or_default();
                    life.assists.push((since, self.now));
                }
            }
            _ => {}
        }
    }

    fn world_runs(&mut self) {
        if let Some(stop) = self.stop.take() {
            self.stops.push((stop.since, self.now));
        }
    }

    /// The vectors of all goroutines up to the last event, and how long each lived. Those with one id are added up.
    pub(crate) fn vectors(mut self) -> HashMap<GoId, (StateVector, u64)> {
        self.world_runs();
        for (g, since) in std::mem::take(&mut self.assists) {
            let life = self.lives.entry(g).or_default();
            life.assists.push((since, self.now));
        }
        let mut all: HashMap<GoId, (StateVector, u64)> = HashMap::new();
        let lives = self.ended.iter().map(|(g, life)| (g, life));
        for (g, life) in lives.chain(&self.lives) {
            if !life.states.is_empty() {
                let (vector, lived) = self.vector(life);
                let sum = all.entry(*g).or_default();
                *sum = (sum.0 + vector, sum.1 + lived);
            }
        }
        all
    }

    fn vector(&self, life: &Life) -> (StateVector, u64) {
        let (mut states, mut credit, mut stopped) = ([0; State::ALL.len()], 0, [0; 3]);
        let end = life.end.unwrap_or(self.now);
        let mut add = |state: State, span: Interval, times: i64| {
            states[state.index()] += length(span) * times;
            if let Some(i) = State::STOPPABLE.iter().position(|s| *s == state) {
                let stops = self.stops.iter().map(|stop| length(common(span, *stop)));
                stopped[i] += stops.sum::<i64>() * times;
            }
        };
        for (i, (start, state, wait)) in life.states.iter().enumerate() {
            let span = (*start, life.states.get(i + 1).map_or(end, |next| next.0));
            match state {
                GoState::Running => {
                    add(State::Running, span, 1);
                    for assist in &life.assists {
                        let marking = common(span, *assist);
                        add(State::GcAssist, marking, 1);
                        add(State::Running, marking, -1);
                    }
                }
                GoState::Runnable => add(State::Runnable, span, 1),
                GoState::Syscall => add(State::Syscall, span, 1),
                _ if wait.1 => credit += length(span),
                _ => add(wait.0, span, 1),
            }
        }
        states[State::GcAssist.index()] += credit;
        let vector = StateVector::from_values(
            states.map(|n| n as u64),
            credit as u64,
            stopped.map(|n| n as u64),
        );
        let birth = life.states.first().map_or(end, |first| first.0);
        (vector, (end - birth) as u64)
    }
}

fn length((start, end): Interval) -> i64 {
    (end - start).max(0)
}

fn common(a: Interval, b: Interval) -> Interval {
    (a.0.max(b.0), a.1.min(b.1))
}
