//! Reports on traces of programs whose causes are known (tests/causes/README.md): what must be found and what must
//! not, with the numbers that the programs measured of themselves.

mod calls;
mod collector;
mod goroutines;
mod locks;
mod scheduling;

use std::path::Path;

use gotracer::analysis::analyze;
use gotracer::report::{Finding, Report, Severity};
use gotracer::rules::{Distribution, Rule, Settings};
use gotracer::source::{Limits, open};

const MS: u64 = 1_000_000;

/// The report on `tests/causes/NAME.trace.gz`, read as far as it goes.
fn report(name: &str) -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let gz = root.join(format!("causes/{name}.trace.gz"));
    report_of(&gz)
}

/// The report on a fixture.
fn fixture(version: &str, name: &str) -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    report_of(&root.join(format!("fixtures/go{version}/{name}.trace")))
}

fn report_of(path: &Path) -> Report {
    let input =
        open(path, &Limits::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let outcome = analyze(input, "trace", &Settings::default(), |_| ());
    outcome.expect("a trace").report
}

/// A rule's findings of at least a severity.
fn found<'r>(report: &'r Report, rule: &str, severity: Severity) -> Vec<&'r Finding> {
    assert!(Rule::find(rule).is_some(), "{rule}");
    let of = |f: &&Finding| f.rule.name == rule && f.severity >= severity;
    report.findings.iter().filter(of).collect()
}

/// A rule's findings that fail a build.
fn bad<'r>(report: &'r Report, rule: &str) -> Vec<&'r Finding> {
    found(report, rule, Severity::Warn)
}

fn measured<'r>(report: &'r Report, rule: &str) -> &'r Distribution {
    let rule = report.rules.iter().find(|r| r.rule.name == rule);
    &rule.expect("the rule was asked").measurement
}

/// One line for each finding, for messages of failed assertions.
fn told(report: &Report) -> String {
    let line = |f: &Finding| {
        let (severity, rule, at) = (f.severity.name(), f.rule.name, &f.place.function);
        format!(
            "{severity} {rule} ×{} {} at {at}: {}\n",
            f.count, f.worst, f.message
        )
    };
    report.findings.iter().map(line).collect()
}
