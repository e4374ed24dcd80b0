//! The state vectors of real traces against the slow model.

use std::collections::HashMap;
use std::path::Path;

use gotracer::analysis::analyze;
use gotracer::rules::Settings;
use gotracer::timeline::{
    Goroutine, HeapFloor, Interval, Kinds, Observer, State, StateVector, Timeline, Waiting,
};
use gotracer::trace::{EventKind, GoId, GoState, Input, Reader, StateTransition};

use crate::model::Model;
use crate::{fresh, support};

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

    fn ended(&mut self, g: &Goroutine, vector: &StateVector, _: &Timeline) {
        *self.vectors.entry(g.id).or_default() += *vector;
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

#[test]
fn the_states_of_every_goroutine_of_fresh_traces_add_up_to_its_life() {
    let all: StateVector = fresh::traces().iter().map(|path| compare(path)).sum();
    let waits = State::ALL.into_iter().filter(|state| all.of(*state) > 0);
    assert!(waits.count() > 8 || fresh::traces().is_empty(), "{all:?}");
}

/// Compares a report's sums: lives of goroutines, functions, and the program. Returns the number of functions.
fn add_up(path: &Path, settings: &Settings) -> usize {
    let bytes = std::fs::read(path).expect("readable");
    let report = analyze(Input::from_slice(&bytes), "a", settings, |_| ()).expect("a trace");
    let report = report.report;
    for group in &report.goroutines {
        let name = format!("{}: {}", path.display(), group.function);
        assert_eq!(group.life.sum, group.time.total(), "{name}");
        assert_eq!(group.life.count, group.count, "{name}");
        let worst = group.worst.as_ref().expect("a goroutine");
        assert_eq!(worst.life_ns, worst.time.total(), "{name}");
        assert_eq!(worst.life_ns, group.life.max, "{name}");
        for state in State::STOPPABLE {
            assert!(group.time.stopped(state) <= group.time.of(state), "{name}");
        }
        let assists = group.time.marking() + group.time.credit();
        assert_eq!(assists, group.time.of(State::GcAssist), "{name}");
    }
    let own = report.goroutines.iter().filter(|group| !group.system);
    let sum: StateVector = own.map(|group| group.time).sum();
    assert_eq!(sum, report.program.time, "{}", path.display());
    report.goroutines.len()
}

#[test]
fn functions_add_up_to_the_program_with_and_without_the_runtime() {
    let own = Settings::default();
    let mut all = Settings::default();
    all.system = true;
    let (mut without, mut with) = (0, 0);
    let fixtures = support::fixtures().into_iter().map(|(.., path)| path);
    for path in fixtures.chain(fresh::traces().iter().cloned()) {
        without += add_up(&path, &own);
        with += add_up(&path, &all);
    }
    assert!(with > without && without > 100, "{without} {with}");
}
