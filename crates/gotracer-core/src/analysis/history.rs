//! Recorder of values over time for charts.

use crate::report::{Course, State};
use crate::timeline::Timeline;

/// Recorder of the values after each event.
#[derive(Default)]
pub(super) struct History {
    course: Course,
    /// State after the last event.
    state: State,
}

impl History {
    /// Records the changes of the last event.
    pub(super) fn note(&mut self, t: &Timeline) {
        self.course.advance(t.duration(), &self.state);
        self.state = State {
            runnable: t.runnable(),
            running: t.running(),
            stopped: t.is_stopped(),
            heap_live: t.heap_live().unwrap_or(0),
            heap_goal: t.heap_goal().unwrap_or(0),
            heap_objects: t.heap_objects().unwrap_or(0),
        };
    }

    /// Returns the recorded values.
    pub(super) fn course(&self) -> &Course {
        &self.course
    }
}
