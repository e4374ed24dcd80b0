//! State of a program at the end of its last trace.

use std::time::SystemTime;

use jiff::Timestamp;

use crate::report::{Goroutines, Program, Report};
use crate::units;

/// State of a program at the end of a trace.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// Goroutines and heap.
    pub program: Program,
    /// GOMAXPROCS.
    pub gomaxprocs: Option<u64>,
}

/// Keeps the state of the program, unless a later trace was recorded. Values that the trace does not
/// hold stay as they were.
pub(super) fn record(
    known: &mut Option<(Last, Option<Timestamp>)>,
    report: &Report,
    at: SystemTime,
) {
    let (before, when) = known.take().unwrap_or_default();
    // No trace was made after it was read. One of a clock that is ahead counts as made now,
    // and does not make others too old.
    let ahead = |made: &Timestamp| units::system_time(*made) > at;
    let made = report.trace.start_time;
    let made = if made.as_ref().is_some_and(ahead) {
        when
    } else {
        made
    };
    if made.is_some() && made < when {
        *known = Some((before, when));
        return;
    }
    let (now, before_gomaxprocs) = (&report.program, before.gomaxprocs);
    let before = before.program;
    let program = Program {
        goroutines: Goroutines {
            // They have counters.
            places: Vec::new(),
            ..now.goroutines.clone()
        },
        heap_live_bytes: now.heap_live_bytes.or(before.heap_live_bytes),
        heap_goal_bytes: now.heap_goal_bytes.or(before.heap_goal_bytes),
        heap_peak_bytes: now.heap_peak_bytes.or(before.heap_peak_bytes),
        time: now.time,
        sched_pressure: now.sched_pressure,
        gc: now.gc.clone().or(before.gc),
    };
    let gomaxprocs = report.trace.gomaxprocs.or(before_gomaxprocs);
    let last = Last {
        program,
        gomaxprocs,
    };
    *known = Some((last, made));
}
