//! Timelines of a few events.

use super::*;
use crate::trace::{GoState, Input, ProcId, Reader, StackId, StringId, ThreadId};

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

/// Timeline and intervals of the events of one thread on P 0.
fn record(events: &[(Time, EventKind)]) -> (Timeline, Vec<Interval>) {
    record_with(&Tables::default(), events)
}

/// The same with tables that hold the events' stacks.
fn record_with(tables: &Tables, events: &[(Time, EventKind)]) -> (Timeline, Vec<Interval>) {
    let (mut timeline, mut recorder) = (Timeline::default(), Recorder::default());
    let context = (ThreadId(0), ProcId(0), GoId(1));
    for (time, kind) in events {
        let event = Event::new(*time, context, *kind);
        timeline.event(&event, tables, &mut recorder);
    }
    (timeline, recorder.0)
}

/// Tables of a real trace, with the stack of a goroutine whose start function has a name.
fn stack_from(start: &str) -> (Tables, StackId) {
    let trace = include_bytes!("../../../../tests/fixtures/go1.27.3/idle.trace");
    let mut reader = Reader::new(Input::from_slice(trace)).expect("a trace");
    while reader.advance().expect("an event") {
        let EventKind::StateTransition(StateTransition::Goroutine { own_stack, .. }) =
            reader.event().kind
        else {
            continue;
        };
        let tables = reader.tables();
        let outermost = tables.stack(own_stack).next_back();
        if outermost.is_some_and(|frame| tables.string(frame.func) == start.as_bytes()) {
            return (Tables::clone(tables), own_stack);
        }
    }
    panic!("no goroutine of {start}");
}

/// Intervals of the events of one thread on P 0.
fn intervals(events: &[(Time, EventKind)]) -> Vec<Interval> {
    record(events).1
}

/// State transition of goroutine 1.
fn goroutine(from: GoState, to: GoState) -> EventKind {
    of(1, from, to)
}

/// State transition of a goroutine whose slot is the one before its ID.
fn of(g: i64, from: GoState, to: GoState) -> EventKind {
    at(StackId::NONE, g, from, to)
}

/// The same with the goroutine's stack.
fn at(own_stack: StackId, g: i64, from: GoState, to: GoState) -> EventKind {
    EventKind::StateTransition(StateTransition::Goroutine {
        id: GoId(g),
        slot: Slot(g as u32 - 1),
        from,
        to,
        reason: StringId::default(),
        own_stack,
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

#[test]
fn pressure_is_the_time_of_runnable_goroutines_without_stops() {
    use GoState::{NotExist, Runnable, Running, Undetermined, Waiting};
    let stop = Range::StopTheWorld {
        reason: StringId::default(),
        g: GoId(1),
    };
    let begin = EventKind::RangeBegin {
        range: stop,
        stack: StackId::NONE,
    };
    let (mut timeline, _) = record(&[
        (10, SYNC),
        (10, of(1, Undetermined, Running)),
        (20, of(2, NotExist, Runnable)),
        (25, begin),
        (35, EventKind::RangeEnd { range: stop }),
        (50, of(1, Running, Waiting)),
        (60, of(2, Runnable, Running)),
        (70, of(1, Waiting, Runnable)),
        (75, of(2, Running, NotExist)),
    ]);
    // 20 to 60 without 25 to 35, and 70 to 75. Nothing runs from 50 to 60.
    let expected = SchedPressure { some: 35, full: 10 };
    assert_eq!(timeline.sched_pressure(), expected);
    timeline.start_stretch();
    assert_eq!(timeline.sched_pressure(), SchedPressure::default());
    timeline.pass(80);
    let expected = SchedPressure { some: 5, full: 5 };
    assert_eq!(timeline.sched_pressure(), expected);
}

#[test]
fn a_goroutine_that_ran_before_the_trace_runs_on_its_p() {
    let runs = goroutine(GoState::Undetermined, GoState::Running);
    let (timeline, _) = record(&[(10, SYNC), (12, runs)]);
    assert_eq!(timeline.running(), 1);
    let (who, ns) = timeline.ran_longest(0, 112).expect("it ran");
    assert_eq!((who.g, ns), (GoId(1), 100));
}

#[test]
fn a_wait_that_ends_is_cut_only_where_the_trace_cuts_it() {
    use GoState::{Runnable, Running, Undetermined, Waiting};
    let found = intervals(&[
        (10, SYNC),
        (11, goroutine(Undetermined, Waiting)),
        (30, goroutine(Waiting, Runnable)),
        (40, goroutine(Runnable, Running)),
    ]);
    let cuts = |i: &Interval| (i.start, i.end, i.cut_at_start, i.cut_at_end);
    let cuts: Vec<_> = found.iter().map(cuts).collect();
    assert_eq!(cuts, [(10, 30, true, false), (30, 40, false, false)]);
    let (timeline, _) = record(&[(10, SYNC), (11, goroutine(Undetermined, Waiting))]);
    let open: Vec<_> = timeline.open_intervals(false).collect();
    assert!(open.iter().all(|i| i.cut_at_start && i.cut_at_end));
    assert_eq!(open.len(), 1);
}

#[test]
fn a_state_that_a_generation_repeats_ends_nothing() {
    use GoState::{Runnable, Undetermined, Waiting};
    let found = intervals(&[
        (10, SYNC),
        (11, goroutine(Undetermined, Waiting)),
        (20, SYNC),
        (21, goroutine(Waiting, Waiting)),
        (30, goroutine(Waiting, Runnable)),
    ]);
    let spans: Vec<_> = found.iter().map(|i| (i.start, i.end)).collect();
    assert_eq!(spans, [(10, 30)]);
}

#[test]
fn a_goroutine_is_the_runtimes_once_a_stack_shows_it() {
    use GoState::{Runnable, Undetermined, Waiting};
    let (runtime, sweeper) = stack_from("runtime.bgsweep");
    let (program, main) = stack_from("main.main");
    let appears = [(10, SYNC), (11, of(2, Undetermined, Waiting))];
    let repeated = [(20, SYNC), (21, at(sweeper, 2, Waiting, Waiting))];
    let woken = [(30, at(sweeper, 2, Waiting, Runnable))];
    let kept = [(30, at(main, 2, Waiting, Runnable))];
    for (tables, events, owner) in [
        (&runtime, &[][..], Owner::Program),
        (&runtime, &repeated, Owner::Runtime),
        (&runtime, &woken, Owner::Runtime),
        (&program, &kept, Owner::Program),
    ] {
        let (timeline, _) = record_with(tables, &[&appears, events].concat());
        let found = timeline.find(GoId(2)).expect("it exists").owner;
        assert_eq!(found, owner, "{events:?}");
        let counted = u64::from(owner == Owner::Program);
        assert_eq!(timeline.population().now, counted, "{events:?}");
    }
}
