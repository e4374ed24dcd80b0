//! A finding's worst occurrence is where the finding says it is.

use std::fs;
use std::path::{Path, PathBuf};

use gotracer::analysis::analyze;
use gotracer::explain::{Window, explain};
use gotracer::report::Report;
use gotracer::rules::{Preset, Settings};
use gotracer::trace::Input;

fn fixtures() -> Vec<PathBuf> {
    let versions = fs::read_dir("tests/fixtures").unwrap();
    let versions = versions.map(|entry| entry.unwrap().path());
    let files = versions
        .filter(|path| path.is_dir())
        .flat_map(|path| fs::read_dir(path).unwrap())
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "trace"))
        .collect()
}

fn report(bytes: &[u8], settings: &Settings) -> Report {
    let outcome = analyze(Input::from_slice(bytes), "", settings, |_| ());
    outcome.expect("a trace").report
}

/// Checks each finding of a trace; returns how many had several occurrences.
fn check(path: &Path, settings: &Settings) -> usize {
    let bytes = fs::read(path).unwrap();
    let mut several = 0;
    for f in report(&bytes, settings).findings {
        let name = format!("{} {}: {}", path.display(), f.rule.name, f.message);
        let end = f.worst_at_ns + f.worst_for_ns;
        assert!(f.first_ns <= f.worst_at_ns && end <= f.last_ns, "{name}");
        // A finding of CPU samples is about the whole trace, not an interval.
        if f.worst_for_ns == 0 || f.rule.needs_cpu_samples() {
            continue;
        }
        let window = Window::of(f.worst_at_ns, f.worst_for_ns, 20_000_000);
        let e = explain(Input::from_slice(&bytes), window).unwrap();
        let start = e.timeline.start() + f.worst_at_ns as i64;
        let shown = e.held.iter().map(|held| &held.interval);
        let worst = shown.filter(|i| i.start == start && i.duration() == f.worst_for_ns);
        assert!(worst.count() > 0, "{name}");
        // Of an assist only marking and waits for credit count.
        let counted = match f.rule.name {
            "GCAssist" => f.worst <= f.worst_for_ns,
            // The longest collection is shown; the value is what all of them took of a second.
            "GCPressure" => true,
            _ => f.worst == f.worst_for_ns,
        };
        assert!(counted, "{name}");
        several += usize::from(f.count > 1);
    }
    several
}

#[test]
fn the_explained_window_holds_an_interval_as_long_as_the_headline_says() {
    let mut several = 0;
    for preset in [Preset::LowLatency, Preset::Service] {
        let settings = Settings::preset(preset);
        let all = fixtures();
        assert!(all.len() > 100);
        several += all.iter().map(|path| check(path, &settings)).sum::<usize>();
    }
    assert!(several > 40, "{several}");
}

#[test]
fn a_window_holds_the_whole_occurrence_and_what_is_beside_it() {
    const MS: u64 = 1_000_000;
    let window = |at, lasted| {
        let window = Window::of(at * MS, lasted * MS, 20 * MS);
        (window.from / MS, window.to / MS)
    };
    assert_eq!(window(100, 0), (90, 110));
    assert_eq!(window(100, 4), (92, 112));
    assert_eq!(window(100, 200), (80, 320));
    assert_eq!(window(5, 200), (0, 225));
    assert_eq!(window(u64::MAX / MS, 200).1, u64::MAX / MS);
}
