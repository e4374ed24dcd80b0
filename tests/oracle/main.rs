//! `gotracer events` against the reference reader, golang.org/x/exp/trace: the same lines, byte for byte.

mod compare;
mod made_up;
mod reference;
#[path = "../support/mod.rs"]
mod support;

use std::process::Command;

use compare::{compare, scratch};

#[test]
fn fixtures_read_the_same() {
    if !support::have_go() {
        return;
    }
    let mut total = 0;
    let fixtures = support::fixtures();
    for (i, (_, _, path)) in fixtures.iter().enumerate() {
        let (events, accepted) = compare(path, i % 3 == 0);
        assert!(accepted, "{}", path.display());
        total += events;
    }
    eprintln!("{} fixtures, {total} events are the same", fixtures.len());
}

/// What was anonymised is a trace as good as before, event for event.
#[test]
fn anonymized_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    let out = scratch("anonymized").join("copy.trace");
    // Older formats are refused.
    let old = |version: &str| ["1.19", "1.21"].iter().any(|v| version.starts_with(v));
    let fixtures = support::fixtures().into_iter();
    for (version, name, path) in fixtures.filter(|(version, ..)| !old(version)) {
        let copied = support::gotracer()
            .arg("anonymize")
            .args([&path, &out])
            .status();
        assert!(copied.expect("it runs").success(), "{name} of Go {version}");
        let (events, accepted) = compare(&out, false);
        assert!(accepted, "{name} of Go {version}");
        assert_eq!(events, compare(&path, false).0, "{name} of Go {version}");
    }
}

/// A part of a trace is a trace, for the reference reader and for `go tool
/// trace`.
#[test]
fn parts_of_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    let out = scratch("cut").join("part.trace");
    let mut smaller = 0;
    for version in ["1.22.10", "1.25.5", "1.26.6", "1.27.3"] {
        for name in ["syscall_long", "annotations", "idle"] {
            let trace = support::fixture(version, name);
            for (from, to) in [("0s", "200ms"), ("300ms", "600ms"), ("300ms", "1000s")] {
                let cut = support::gotracer()
                    .arg("cut")
                    .arg(&trace)
                    .args(["--from", from, "--to", to, "-o"])
                    .arg(&out)
                    .output()
                    .expect("it runs");
                assert!(cut.status.success(), "{version} {name}: {cut:?}");
                let (events, accepted) = compare(&out, false);
                let (all, _) = compare(&trace, false);
                assert!(accepted && events > 10, "{version} {name}");
                // The first generation may last longer than 300 ms.
                assert!(events <= all, "{version} {name}");
                smaller += usize::from(events < all);
            }
        }
        let tool = Command::new("go")
            .args(["tool", "trace", "-pprof=sched"])
            .arg(&out)
            .output()
            .expect("go runs");
        assert!(tool.status.success(), "{version}: {tool:?}");
    }
    assert!(smaller > 12, "{smaller}");
}

#[test]
fn fresh_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    // CI names more versions; they are fetched by tests/toolchains.sh.
    let versions = std::env::var("GOTRACER_GO_VERSIONS").unwrap_or_else(|_| "local".into());
    let dir = scratch("fresh");
    let mut total = 0;
    for version in versions.split_whitespace() {
        let program = support::workloads(version);
        let list = Command::new(&program)
            .arg("-list")
            .output()
            .expect("it runs");
        let list = String::from_utf8(list.stdout).expect("names");
        let wanted = [
            ("http_busy", "4000000"),
            ("pingpong", "4000000"),
            ("annotations", ""),
            ("allocfree", ""),
            ("cpu_profile", ""),
            ("gc_assist", ""),
            ("coroutine", ""),
            ("flight_recorder", ""),
            ("many_goroutines", ""),
            ("goroutine_churn", ""),
            ("syscall_quick", ""),
            ("mutex_contention", ""),
        ];
        for (name, limit) in wanted {
            if !list
                .lines()
                .any(|l| l.split_whitespace().next() == Some(name))
            {
                continue;
            }
            let out = dir.join(format!("{name}-{version}.trace"));
            let mut c = Command::new(&program);
            c.args(["-w", name, "-o"]).arg(&out);
            if !limit.is_empty() {
                c.args(["-limit", limit]);
            }
            if name == "allocfree" {
                c.env("GODEBUG", "traceallocfree=1");
            }
            let status = c.status().expect("it runs");
            assert!(status.success(), "{name} of Go {version} failed");
            let (events, accepted) = compare(&out, false);
            assert!(accepted, "{name} of Go {version}");
            total += events;
        }
    }
    eprintln!("fresh traces of Go {versions}: {total} events are the same");
}
