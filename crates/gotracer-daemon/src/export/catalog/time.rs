//! Metrics of where the time of the program's goroutines goes.

use std::time::Duration;

use super::buckets::Buckets;
use super::{Emit, Kind, Metric, Point, Unit, Value};
use crate::export::totals::Totals;
use crate::timeline::State;

/// Metrics of time, among those of the program.
pub(super) fn metrics() -> Vec<Metric<Totals>> {
    vec![time(), stopped(), by_function(), waits(), pressure()]
}

/// Time of goroutines by state.
fn time() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for state in State::ALL {
            let labels = [("state", state.name())];
            emit(Point::new(&labels, Duration::from_nanos(t.time.of(state))));
        }
    };
    Metric::new(
        Kind::Counter,
        "gotrace_goroutine",
        "Time of the program's goroutines by state: at any time each is in exactly one. By \
         gotrace_observed_seconds_total it is how many goroutines are in a state on average.",
        read,
    )
    .unit(Unit::Seconds)
    .labels(&["state"])
    .fixed(State::ALL.len())
}

/// The part of the time of goroutines that lay under a stop-the-world.
fn stopped() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for state in State::STOPPABLE {
            let labels = [("state", state.name())];
            emit(Point::new(
                &labels,
                Duration::from_nanos(t.time.stopped(state)),
            ));
        }
    };
    Metric::new(
        Kind::Counter,
        "gotrace_goroutine_stopped",
        "How much of gotrace_goroutine_seconds_total lay under a stop-the-world. Waits and system \
         calls go on meanwhile.",
        read,
    )
    .unit(Unit::Seconds)
    .labels(&["state"])
    .fixed(State::STOPPABLE.len())
}

/// States that are waits.
fn wait_states() -> impl Iterator<Item = State> {
    State::ALL.into_iter().filter(|state| state.is_wait())
}

/// How long waits of goroutines lasted, by state.
fn waits() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for state in wait_states() {
            let labels = [("reason", state.name())];
            let waits = &t.waits[state.index()];
            emit(Point::new(&labels, Value::Distribution(waits)));
        }
    };
    Metric::new(
        Kind::Histogram(&Buckets::SUMS),
        "gotrace_wait",
        "Waits of the program's goroutines by what they are for. The sum by the count is the mean \
         wait. Classic scrapes get no buckets, native histograms and OTLP all.",
        read,
    )
    .unit(Unit::Seconds)
    .labels(&["reason"])
    .fixed(wait_states().count())
}

/// Time of goroutines by start function and state.
fn by_function() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for (function, states, birth) in t.functions.iter() {
            for (state, time) in states.iter() {
                let labels = [("function", function), ("state", state)];
                emit(Point::new(&labels, time).since(birth));
            }
        }
    };
    Metric::new(
        Kind::Counter,
        "gotrace_goroutine_by_function",
        "Time of the program's goroutines by start function and state: the six states with most \
         time in the last traces, and the rest as other. The first functions keep their series; \
         other is all further ones. Only with goroutine_functions.",
        read,
    )
    .unit(Unit::Seconds)
    .labels(&["function", "state"])
}

/// Scheduler pressure.
fn pressure() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for (kind, ns) in [("some", t.pressure.some_ns), ("full", t.pressure.full_ns)] {
            emit(Point::new(&[("kind", kind)], Duration::from_nanos(ns)));
        }
    };
    Metric::new(
        Kind::Counter,
        "gotrace_sched_pressure",
        "Time in which at least one goroutine of the program was runnable and not running (some), \
         and the part of it in which none was running (full), without coroutine switches and \
         stop-the-worlds. (rule HighSchedulingLatency) The rate by gotrace_observed_seconds_total \
         is a ratio, as in the pressure stall information of Linux.",
        read,
    )
    .unit(Unit::Seconds)
    .labels(&["kind"])
    .fixed(2)
}
