//! Timelines of a few events.

use super::*;
use crate::trace::{GoState, ProcId, StackId, StringId, ThreadId};

/// Keeps all intervals.
#[derive(Default)]
struct Recorder(Vec<Interval>);

impl Observer for Recorder {
    fn watches(&self) -> Kinds {
        Kinds::ALL
    }

    fn interval(&mut self, interval: &Interval, _: &Timeline) {
        self.0.push(*interval);
    }

    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}
}

/// Intervals of a trace of goroutine 1 on P 0.
fn intervals(events: &[(Time, EventKind)]) -> Vec<Interval> {
    let (mut timeline, mut recorder) = (Timeline::default(), Recorder::default());
    let context = (ThreadId(0), ProcId(0), GoId(1));
    for (time, kind) in events {
        let event = Event::new(*time, context, *kind);
        timeline.event(&event, &Tables::default(), &mut recorder);
    }
    recorder.0
}

/// State transition of goroutine 1.
fn goroutine(from: GoState, to: GoState) -> EventKind {
    EventKind::StateTransition(StateTransition::Goroutine {
        id: GoId(1),
        slot: Slot(0),
        from,
        to,
        reason: StringId::default(),
        own_stack: StackId::NONE,
        stack: StackId::NONE,
    })
}

const SYNC: EventKind = EventKind::Sync { n: 1 };
const ASSIST: Range = Range::MarkAssist { g: GoId(1) };

/// Mark assists of a goroutine that runs from time 10 on.
fn assists(events: &[(Time, EventKind)]) -> Vec<(Time, Time, bool)> {
    let runs = goroutine(GoState::Undetermined, GoState::Running);
    let all = [&[(10, SYNC), (11, runs)], events].concat();
    let all = intervals(&all).into_iter();
    let all = all.filter(|interval| interval.kind == Kind::MarkAssist);
    all.map(|i| (i.start, i.end, i.cut_at_start)).collect()
}

#[test]
fn an_assist_that_a_new_generation_repeats_is_one() {
    let begin = EventKind::RangeBegin {
        range: ASSIST,
        stack: StackId::NONE,
    };
    let active = EventKind::RangeActive { range: ASSIST };
    let end = EventKind::RangeEnd { range: ASSIST };
    let found = assists(&[(20, begin), (30, SYNC), (31, active), (40, end)]);
    assert_eq!(found, [(20, 40, false)]);
}

#[test]
fn an_assist_before_the_trace_is_cut_at_its_start() {
    let active = EventKind::RangeActive { range: ASSIST };
    let end = EventKind::RangeEnd { range: ASSIST };
    assert_eq!(assists(&[(20, active), (40, end)]), [(10, 40, true)]);
}
