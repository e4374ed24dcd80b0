//! Traces that the programs of an installation upload.

use std::fs;
use std::path::Path;

use crate::prometheus::Prometheus;
use crate::support::daemon::{fixture, pack};

/// A trace for each rule, in which it finds something, and some for what else
/// there is to see.
pub(crate) const TRACES: [&str; 11] = [
    "gc_pause",
    "sched_latency",
    "mutex_contention",
    "cgo_callback",
    "goroutine_leak",
    "heap_spike",
    "proc_starvation",
    "gc_assist",
    "other_stw",
    "cpu_starved",
    "channel_backpressure",
];

/// How often they come.
pub(crate) const ROUNDS: usize = 5;

/// Uploads of a round. The first version of the service is idle half of the
/// time.
pub(crate) fn upload(directory: &Path, round: usize) {
    let all = TRACES.into_iter().map(|name| format!("go1.22.10/{name}"));
    for (number, name) in all.enumerate() {
        let trace = fs::read(fixture(&format!("{name}.trace"))).unwrap();
        for version in ["1.0", "1.1"] {
            let quiet = version == "1.0" && round.is_multiple_of(2);
            let idle = fs::read(fixture("go1.22.10/heap_saw.trace")).unwrap();
            let trace = if quiet { &idle } else { &trace };
            pack(
                trace,
                directory,
                &format!("checkout_{version}_{round}-{number}"),
            );
        }
    }
    // Their last third is missing from the second round on.
    let trace = fs::read(fixture("go1.27.3/idle.trace")).unwrap();
    let length = if round == 0 {
        trace.len()
    } else {
        trace.len() * 2 / 3
    };
    pack(&trace[..length], directory, &format!("torn_1.0_{round}"));
    // Goroutines and heap that became more, in traces that don't tell when they
    // were made: of those, the one read last counts.
    let (goroutines, heap) = if round < 3 {
        ("idle", "heap_saw")
    } else {
        ("goroutine_leak", "gc_assist")
    };
    for (service, name) in [("leaking", goroutines), ("growing", heap)] {
        let trace = fs::read(fixture(&format!("go1.22.10/{name}.trace"))).unwrap();
        pack(&trace, directory, &format!("{service}_1.0_{round}"));
    }
}

/// Two services whose second version has too much of something; versions are
/// told apart by which of them came first.
pub(crate) fn roll_out(directory: &Path, prometheus: &Prometheus) {
    for (version, names) in [
        ("1.0", ["idle", "idle"]),
        ("1.1", ["goroutine_leak", "mutex_contention"]),
    ] {
        for round in 1..=ROUNDS + 1 {
            for (service, name) in ["rolled", "slowed"].into_iter().zip(names) {
                let trace = fs::read(fixture(&format!("go1.22.10/{name}.trace"))).unwrap();
                pack(&trace, directory, &format!("{service}_{version}_{round}"));
            }
            prometheus.wait(&format!(
                "count(gotrace_release_captures_total{{service=~'rolled|slowed',version='{version}'}} == {round}) == 2"
            ));
        }
    }
    for rule in ["GoroutineLeakGrowth", "MutexContention"] {
        prometheus.wait(&format!(
            "gotrace_release_regression{{version='1.1',rule='{rule}'}} == 1"
        ));
    }
}
