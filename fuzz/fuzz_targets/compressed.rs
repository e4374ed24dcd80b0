//! Checks that any compressed bytes are read within the memory limit. Run with -rss_limit_mb=256 -malloc_limit_mb=64.
#![no_main]

use std::io::Cursor;

use gotrace::Allowance;
use gotracer_core::analysis::analyze;
use gotracer_core::rules::{Preset, Settings};
use gotracer_core::source::{Limits, from_reader};
use libfuzzer_sys::fuzz_target;

const MEMORY: u64 = 16 << 20;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        memory: Allowance::of(MEMORY),
        bytes: 1 << 30,
    };
    let Ok(input) = from_reader(Cursor::new(bytes.to_vec()), &limits) else {
        return;
    };
    let settings = Settings::preset(Preset::LowLatency);
    let _ = analyze(input, "fuzz", &settings, |_| ());
});
