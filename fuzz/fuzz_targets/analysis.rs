//! Whatever the bytes: the timeline and the rules make a report of it.
#![no_main]

use gotracer::analysis::analyze;
use gotracer::rules::{Preset, Settings};
use gotracer::trace::Input;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let settings = Settings::preset(Preset::LowLatency);
    if let Ok(outcome) = analyze(Input::from_slice(bytes), "fuzz", &settings, |_| ()) {
        for finding in &outcome.report.findings {
            assert!(finding.count > 0 && finding.open <= finding.count);
            assert!(finding.worst <= finding.total);
        }
    }
});
