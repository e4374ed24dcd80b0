//! What a report says of the whole program, beside what real Go programs said
//! of themselves (tests/fixtures/README.md).

mod support;

use std::fs::{self, File};

use gotracer::analysis::analyze;
use gotracer::report::{Program, Report};
use gotracer::rules::Settings;
use gotracer::trace::Input;
use serde_json::Value;
use support::{fixture, fixtures};

fn report(path: &std::path::Path) -> Report {
    let input = Input::from_file(File::open(path).unwrap()).unwrap();
    let outcome = analyze(input, "", &Settings::default(), |_| ()).unwrap();
    outcome.report
}

fn program(version: &str, name: &str) -> Program {
    report(&fixture(version, name)).program
}

#[test]
fn goroutines_are_those_that_the_program_counted() {
    // Programs whose goroutines come and go between their counting and the
    // trace's end, or that don't count.
    let uncertain = [
        "afterfunc",
        "cgo_callback",
        "flight_recorder",
        "http",
        "proc_starvation",
    ];
    let mut compared = 0;
    for (version, name, path) in fixtures() {
        let report = report(&path);
        let g = &report.program.goroutines;
        assert_eq!(g.start + g.created - g.exited, g.end, "{version} {name}");
        assert!(g.peak >= g.start.max(g.end), "{version} {name}");
        // Go 1.22 and older do not tell which of the goroutines are the
        // runtime's.
        let untold = ["1.19", "1.21.13", "1.22.10"].contains(&&*version);
        if uncertain.contains(&&*name) || untold {
            continue;
        }
        let truth = fs::read(path.with_extension("truth.json")).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let count = |i: usize| truth["goroutines_begin_end"][i].as_u64().unwrap();
        // The program counts the one that writes the trace.
        assert_eq!(
            [g.start + 1, g.end + 1],
            [count(0), count(1)],
            "{version} {name}"
        );
        compared += 1;
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn goroutines_that_come_and_go_are_counted() {
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        let churn = program(version, "goroutine_churn").goroutines;
        assert_eq!((churn.created, churn.exited), (1_500, 1_500), "{version}");
        assert!(churn.peak >= churn.end + 13 && churn.peak <= churn.end + 15);
        let leak = program(version, "goroutine_leak").goroutines;
        let growth = |function: &str| {
            let place = leak.places.iter().find(|p| p.place.function == function);
            place.map(|p| (p.created, p.exited))
        };
        assert_eq!(growth("main.leakReceive"), Some((250, 0)), "{version}");
        assert_eq!(growth("main.leakSelect"), Some((50, 0)), "{version}");
        assert_eq!(leak.places[0].place.function, "main.leakReceive");
    }
}

#[test]
fn the_heap_is_what_the_collector_found() {
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        // Twenty megabytes live, and teeth up to the goal, which is twice that
        // and some stacks.
        let saw = program(version, "heap_saw");
        let live = saw.heap_live_bytes.unwrap();
        let (goal, peak) = (saw.heap_goal_bytes.unwrap(), saw.heap_peak_bytes.unwrap());
        assert!((20 << 20..22 << 20).contains(&live), "{version}: {live}");
        assert!(
            (2 * live..2 * live + (1 << 20)).contains(&goal),
            "{version}: {goal}"
        );
        assert!(peak > goal * 9 / 10 && peak <= goal, "{version}: {peak}");
        // Nothing was collected.
        let idle = program(version, "mutex_long");
        assert_eq!(idle.heap_live_bytes, None, "{version}");
        assert!(idle.heap_peak_bytes.unwrap() > 1 << 20);
        // The collector is off, but for being called.
        let off = program(version, "gc_pause");
        assert_eq!(off.heap_goal_bytes, None, "{version}");
        assert!(off.heap_live_bytes.unwrap() > 1 << 20);
    }
}
