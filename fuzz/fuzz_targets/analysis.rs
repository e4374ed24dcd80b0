//! Checks that any bytes give a report, and the same one with one thread, with two, and from plain events.
#![no_main]

use gotrace::Input;
use gotracer_core::analysis::{analyze, analyze_on_two_threads, analyze_plainly};
use gotracer_core::rules::{Preset, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let settings = Settings::preset(Preset::LowLatency);
    let outcome = analyze(Input::from_slice(bytes), "fuzz", &settings, |_| ());
    let on_two = analyze_on_two_threads(Input::from_slice(bytes), "fuzz", &settings, |_| ());
    let plain = analyze_plainly(Input::from_slice(bytes), "fuzz", &settings);
    let plain = format!("{plain:?}");
    assert_eq!(format!("{outcome:?}"), plain);
    assert_eq!(format!("{on_two:?}"), plain);
    if let Ok(outcome) = outcome {
        for finding in &outcome.report.findings {
            assert!(finding.count > 0 && finding.open <= finding.count);
            assert!(finding.worst <= finding.total);
        }
    }
});
