//! The state vectors against the Go project's own summarizer of traces.
//!
//! Two things differ. The summarizer ends the life of a goroutine at a wait for ever, and it counts time twice of
//! goroutines that it first sees in a system call, or whose system call a later generation repeats.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use gotracer::timeline::{
    Goroutine, HeapFloor, Interval, Kinds, Observer, State, StateVector, Timeline,
};
use gotracer::trace::{EventKind, GoId, GoState, Input, Reader, StateTransition};

use crate::{fresh, support};

/// Where the time of a goroutine went, as the summarizer has it.
#[derive(PartialEq, Eq, Debug, Default)]
struct Summary {
    exec: u64,
    sched: u64,
    syscall: u64,
    waits: BTreeMap<String, u64>,
}

fn theirs(trace: &Path) -> HashMap<i64, Summary> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(support::go_summary);
    let output = Command::new(program).arg(trace).output().expect("it runs");
    assert!(output.status.success(), "{}", trace.display());
    let text = String::from_utf8(output.stdout).expect("text");
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let mut number = || {
            fields
                .next()
                .and_then(|f| f.parse::<u64>().ok())
                .expect("a number")
        };
        let (id, exec, sched, syscall) = (number() as i64, number(), number(), number());
        let wait = |field: &str| {
            let (reason, ns) = field.rsplit_once('=').expect("a wait");
            let ns: u64 = ns.parse().expect("a number");
            (reason.trim_matches('"').to_owned(), ns)
        };
        let waits = fields.map(wait).filter(|(_, ns)| *ns > 0).collect();
        let summary = Summary {
            exec,
            sched,
            syscall,
            waits,
        };
        (id, summary)
    };
    text.lines().map(line).collect()
}

/// What is known of a goroutine while the events come.
#[derive(Default)]
struct Life {
    /// The reason of its present wait, and its vector when that began.
    waits: Option<(String, StateVector)>,
    summary: Summary,
    vector: StateVector,
    /// A generation has the status of its system call.
    in_syscall: bool,
    /// It waits for ever: the summarizer says no more of it.
    over: bool,
}

impl Life {
    /// The wait ends at which the vector is this.
    fn end_wait(&mut self, vector: StateVector) {
        if let Some((reason, before)) = self.waits.take() {
            let wait = vector - before;
            let states = State::ALL.into_iter().filter(|s| wait.of(*s) > 0);
            assert!(
                states.count() <= 1,
                "a wait for {reason:?} has several states"
            );
            if wait.total() > 0 {
                *self.summary.waits.entry(reason).or_default() += wait.waits();
            }
        }
    }
}

/// Keeps the last vector of goroutines that end.
#[derive(Default)]
struct Ends(Option<StateVector>);

impl Observer for Ends {
    fn watches(&self) -> Kinds {
        Kinds::NONE
    }

    fn interval(&mut self, _: &Interval, _: &Timeline) {}

    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}

    fn ended(&mut self, _: &Goroutine, vector: &StateVector, _: &Timeline) {
        self.0 = Some(*vector);
    }
}

fn ours(trace: &Path) -> HashMap<GoId, Life> {
    let bytes = std::fs::read(trace).expect("readable");
    let mut reader = Reader::new(Input::from_slice(&bytes)).expect("a trace");
    let (mut timeline, mut lives, mut ends) = (
        Timeline::default(),
        HashMap::<_, Life>::new(),
        Ends::default(),
    );
    while let Some(event) = reader.next_event().expect("a whole trace") {
        timeline.event(&event, reader.tables(), &mut ends);
        let EventKind::StateTransition(StateTransition::Goroutine {
            id,
            from,
            to,
            reason,
            ..
        }) = event.kind
        else {
            continue;
        };
        if from == to {
            if to == GoState::Syscall {
                lives.entry(id).or_default().in_syscall = true;
            }
            continue;
        }
        // The summarizer forgets what had the same id before.
        if from == GoState::NotExist {
            lives.remove(&id);
        }
        let life = lives.entry(id).or_default();
        life.in_syscall |= from == GoState::Undetermined && to == GoState::Syscall;
        if life.over {
            continue;
        }
        let vector = match to {
            GoState::NotExist => ends.0.take().expect("it ended"),
            _ => timeline.snapshot(id).expect("it lives"),
        };
        life.end_wait(vector);
        life.vector = vector;
        if to == GoState::Waiting {
            let reason = String::from_utf8_lossy(reader.string(reason)).into_owned();
            life.over = reason == "forever";
            let before = match from {
                GoState::Undetermined => StateVector::default(),
                _ => vector,
            };
            life.waits = Some((reason, before));
        }
    }
    for (g, vector) in timeline.unreported() {
        if let Some(life) = lives.get_mut(&g.id).filter(|life| !life.over) {
            life.end_wait(vector);
            life.vector = vector;
        }
    }
    for life in lives.values_mut() {
        life.summary.exec = life.vector.of(State::Running) + life.vector.marking();
        life.summary.sched = life.vector.of(State::Runnable);
        life.summary.syscall = life.vector.of(State::Syscall);
    }
    lives
}

fn compare(trace: &Path) -> usize {
    let (ours, theirs) = (ours(trace), theirs(trace));
    let mut compared = 0;
    for (g, life) in &ours {
        if life.in_syscall {
            continue;
        }
        let theirs = theirs
            .get(&g.0)
            .unwrap_or_else(|| panic!("{}: no goroutine {g}", trace.display()));
        assert_eq!(&life.summary, theirs, "{}: goroutine {g}", trace.display());
        compared += 1;
    }
    compared
}

#[test]
fn vectors_equal_the_go_project_s_summary() {
    if !support::have_go() {
        return;
    }
    let old = |version: &str| ["1.19", "1.21"].iter().any(|v| version.starts_with(v));
    let fixtures = support::fixtures().into_iter();
    let fixtures = fixtures.filter(|(version, ..)| !old(version));
    let compared: usize = fixtures.map(|(.., path)| compare(&path)).sum();
    assert!(compared > 5_000, "{compared}");
    eprintln!("the times of {compared} goroutines are the same");
}

#[test]
fn vectors_of_fresh_traces_equal_the_go_project_s_summary() {
    let traces = fresh::traces();
    let compared: usize = traces.iter().map(|path| compare(path)).sum();
    assert!(compared > 1_000 || traces.is_empty(), "{compared}");
    eprintln!("the times of {compared} goroutines are the same");
}
