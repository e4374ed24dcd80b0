//! The state vectors of real traces against the slow model.

use std::collections::HashMap;
use std::path::Path;

use gotracer::timeline::{
    Goroutine, HeapFloor, Interval, Kinds, Observer, State, StateVector, Timeline, Waiting,
};
use gotracer::trace::{EventKind, GoId, GoState, Input, Reader, StateTransition};

use crate::model::Model;
use crate::support;

/// Records the vectors of goroutines that end, and how long waits were in all.
#[derive(Default)]
pub(crate) struct Ends {
    pub vectors: HashMap<GoId, StateVector>,
    waited: HashMap<GoId, u64>,
}

impl Observer for Ends {
    fn watches(&self) -> Kinds {
        Kinds::NONE
    }

    fn interval(&mut self, _: &Interval, _: &Timeline) {}

    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}

    fn waited(&mut self, g: &Goroutine, ns: u64, _: &Timeline) {
        *self.waited.entry(g.id).or_default() += ns;
    }

    fn ended(&mut self, g: &Goroutine, vector: StateVector, _: &Timeline) {
        *self.vectors.entry(g.id).or_default() += vector;
    }
}

/// Compares the vectors of all goroutines of a trace with the model's. Returns their sum.
fn compare(path: &Path) -> StateVector {
    let bytes = std::fs::read(path).expect("readable");
    let mut reader = Reader::new(Input::from_slice(&bytes)).expect("a trace");
    let (mut timeline, mut model, mut ends) =
        (Timeline::default(), Model::default(), Ends::default());
    while let Some(event) = reader.next_event().expect("a whole trace") {
        timeline.event(&event, reader.tables(), &mut ends);
        // What a wait is for is another test's matter.
        let wait = match event.kind {
            EventKind::StateTransition(StateTransition::Goroutine {
                id,
                to: GoState::Waiting,
                ..
            }) => {
                let waiting = timeline.find(id).map(|g| g.waiting).unwrap_or_default();
                (waiting.state(), waiting == Waiting::Credit)
            }
            _ => (State::Other, false),
        };
        model.event(&event, wait);
    }
    let mut all = std::mem::take(&mut ends.vectors);
    for (g, vector) in timeline.unreported() {
        *all.entry(g.id).or_default() += vector;
    }
    let want = model.vectors();
    assert_eq!(all.len(), want.len(), "{}", path.display());
    for (g, (vector, lived)) in want {
        assert_eq!(all[&g], vector, "{}: goroutine {g}", path.display());
        assert_eq!(vector.total(), lived, "{}: goroutine {g}", path.display());
        let waited = ends.waited.get(&g).copied().unwrap_or(0);
        assert!(
            waited <= vector.waits(),
            "{}: goroutine {g}",
            path.display()
        );
    }
    all.into_values().sum()
}

#[test]
fn the_states_of_every_goroutine_add_up_to_its_life() {
    let mut sum = StateVector::default();
    for (version, name, path) in support::fixtures() {
        let trace = compare(&path);
        let old = ["1.19", "1.21"].iter().any(|v| version.starts_with(v));
        assert!(
            trace.total() > 0 || name == "empty" || old,
            "{}",
            path.display()
        );
        sum += trace;
    }
    for state in State::ALL {
        assert!(sum.of(state) > 0, "no fixture has {}", state.name());
    }
    for state in State::STOPPABLE {
        assert!(sum.stopped(state) > 0, "no fixture stops {}", state.name());
    }
}
