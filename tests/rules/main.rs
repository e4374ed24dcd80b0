//! The rules on traces of real Go programs (tests/fixtures/README.md says
//! what each provokes): what they must find, and what they must not.

mod collector;
mod every_rule;
mod growth;
mod processors;
mod waits;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use gotracer::analysis::analyze;
use gotracer::report::{Finding, Report, Severity};
use gotracer::rules::Settings;
use gotracer::trace::Input;

/// Versions that have every fixture: one of each way in which the formats
/// differ most.
const FULL: [&str; 3] = ["1.22.10", "1.25.5", "1.27.3"];
/// Versions with the most important ones.
const ALL: [&str; 7] = [
    "1.19", "1.21.13", "1.22.10", "1.23.9", "1.25.5", "1.26.6", "1.27.3",
];

fn path(version: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    root.join(format!("go{version}/{name}.trace"))
}

fn report_with(version: &str, name: &str, settings: &Settings) -> Report {
    let path = path(version, name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let input = Input::from_file(file).expect("a file has a length");
    let outcome = analyze(input, name, settings, |_| ()).expect("a trace");
    assert!(
        outcome.error.is_none(),
        "{version} {name}: {:?}",
        outcome.error
    );
    outcome.report
}

fn report(version: &str, name: &str) -> Report {
    report_with(version, name, &Settings::default())
}

/// What the traced program measured of itself.
fn truth(version: &str, name: &str) -> serde_json::Value {
    let path = path(version, name).with_extension("truth.json");
    let text = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).expect("JSON")
}

/// A rule's findings that fail a build.
fn bad<'r>(report: &'r Report, rule: &str) -> Vec<&'r Finding> {
    let bad = |f: &&Finding| f.rule.name == rule && f.severity >= Severity::Warn;
    report.findings.iter().filter(bad).collect()
}

fn measured(report: &Report, rule: &str) -> gotracer::rules::Distribution {
    let rule = report.rules.iter().find(|r| r.rule.name == rule);
    rule.expect("the rule was asked").measurement.clone()
}

/// Asserts that nothing but `expected` fails a build.
fn only(version: &str, name: &str, report: &Report, expected: &[&str]) {
    for f in report
        .findings
        .iter()
        .filter(|f| f.severity >= Severity::Warn)
    {
        assert!(
            expected.contains(&f.rule.name),
            "{version} {name}: {} {}: {} at {}:{}",
            f.severity.name(),
            f.rule.name,
            f.message,
            f.place.function,
            f.place.line
        );
    }
}

const MS: u64 = 1_000_000;
