//! All rules together.

use gotracer::analysis::{analyze_on_two_threads, analyze_plainly};
use gotracer::report::Status;

use super::*;

#[test]
fn healthy_programs_have_no_findings() {
    let quiet = [
        "idle",
        "http",
        "annotations",
        "sync_waits",
        "syscall_quick",
        "goroutine_churn",
        "heap_saw",
        "many_goroutines",
        "empty",
        "fair_share",
        "cpu_profile",
    ];
    for version in FULL {
        for name in quiet {
            only(version, name, &report(version, name), &[]);
        }
    }
    for version in ALL {
        only(version, "idle", &report(version, "idle"), &[]);
    }
}

#[test]
fn every_rule_fires_somewhere_and_is_quiet_somewhere() {
    let names = fs::read_dir(path("1.27.3", "idle").parent().expect("a directory"))
        .expect("tests/fixtures/go1.27.3")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "trace"))
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        });
    let reports: Vec<_> = names.map(|name| report("1.27.3", &name)).collect();
    for rule in gotracer::rules::RULES {
        let fires = |r: &Report| !bad(r, rule.name).is_empty();
        assert!(reports.iter().any(fires), "{} never fires", rule.name);
        let status = |r: &Report| {
            r.rules
                .iter()
                .find(|o| o.rule.name == rule.name)
                .map(|o| o.status)
        };
        let quiet = reports.iter().any(|r| status(r) == Some(Status::Ok));
        assert!(quiet, "{} is never quiet", rule.name);
    }
}

#[test]
fn the_wall_clock_is_known_since_go_1_25() {
    for version in ALL {
        let r = report(version, "idle");
        let known = version >= "1.25";
        assert_eq!(r.trace.start_time.is_some(), known, "{version}");
        assert!(r.trace.duration_ns > 3_000 * MS);
        assert_eq!(r.trace.gomaxprocs, Some(8));
    }
}

#[test]
fn one_thread_two_threads_and_plain_events_say_the_same() {
    let settings = Settings::default();
    for version in FULL {
        for name in [
            "annotations",
            "cgo_callback",
            "gc_pause",
            "http",
            "mutex_stuck",
            "idle",
        ] {
            let bytes = std::fs::read(path(version, name)).expect("the fixture");
            for len in [bytes.len(), bytes.len() / 2, 100] {
                let input = || Input::from_reader(&bytes[..len]);
                let one = analyze(input(), name, &settings, |_| ());
                let two = analyze_on_two_threads(input(), name, &settings, |_| ());
                let plain = analyze_plainly(input(), name, &settings);
                let plain = format!("{plain:?}");
                assert_eq!(format!("{one:?}"), plain, "{version} {name}");
                assert_eq!(format!("{two:?}"), plain, "{version} {name}");
            }
        }
    }
}

#[test]
fn short_waits_and_calls_count_as_their_intervals_do() {
    let counted = Settings::default();
    // Profiles need every interval.
    let mut by_interval = Settings::default();
    by_interval.profiles = true;
    for version in FULL {
        for name in [
            "annotations",
            "cgo_callback",
            "http",
            "syscall_quick",
            "syscall_long",
        ] {
            let bytes = std::fs::read(path(version, name)).expect("the fixture");
            let [counted, by_interval] = [&counted, &by_interval].map(|settings| {
                let outcome = analyze(Input::from_slice(&bytes), name, settings, |_| ());
                format!("{:?}", outcome.expect("the fixture").report)
            });
            assert_eq!(counted, by_interval, "{version} {name}");
        }
    }
}

#[test]
fn a_trace_of_which_nothing_could_be_read_is_no_clean_one() {
    let bytes = std::fs::read(path("1.27.3", "gc_pause")).expect("the fixture");
    let settings = Settings::default();
    let outcome = analyze(Input::from_slice(&bytes[..100]), "cut", &settings, |_| ());
    let error = outcome.expect_err("its first generation breaks off");
    assert!(error.to_string().contains("breaks off"), "{error}");
}
