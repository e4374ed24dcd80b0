//! Looks at the timeline after each event and notes how the program goes.

use crate::report::{Course, State};
use crate::timeline::Timeline;

/// History of a value over the trace.
#[derive(Default)]
pub struct History {
    course: Course,
    /// State since the last event.
    state: State,
}

impl History {
    /// Takes in what the last event changed.
    pub fn note(&mut self, t: &Timeline) {
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

    /// All that was noted.
    pub fn course(&self) -> &Course {
        &self.course
    }
}
