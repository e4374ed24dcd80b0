//! Reports as JUnit XML, which every CI server shows: one suite per trace, one test case per rule.
//!
//! A rule whose findings fail the build is a failed test. A rule that is not applicable is a skipped test.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::{Escaped, Finding, Format, Frame, Options, Report, RuleReport, Status, human, top};

/// Entry in the registry.
pub(super) const FORMAT: Format<[Report]> = Format {
    name: "junit",
    summary: "JUnit XML, one test case per rule",
    endings: &["xml"],
    course: false,
    write,
};

/// Writes one document.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let mut document = quick_junit::Report::new("gotracer");
    document.add_test_suites(reports.iter().map(|r| suite(r, options)));
    document.serialize(&mut *out).map_err(io::Error::other)?;
    out.write_all(b"\n")
}

fn suite(report: &Report, options: &Options) -> TestSuite {
    let trace = &report.trace;
    let mut suite = TestSuite::new(text(&trace.source));
    suite.set_time(Duration::from_nanos(trace.duration_ns));
    if let Some(start) = trace.start_time {
        suite.add_property(Property::new("start", start.to_string()));
    }
    if let Some(version) = &trace.go_version {
        suite.add_property(Property::new("go.trace_format", text(version)));
    }
    if let Some(error) = &trace.error {
        suite.set_system_err(text(error));
    }
    if report.is_unreadable() {
        suite.add_test_case(unreadable(report));
    }
    let shown = top(report, options.top);
    for rule in &report.rules {
        let of_rule = shown.iter().copied().filter(|f| f.rule == rule.rule);
        suite.add_test_case(case(rule, &of_rule.collect::<Vec<_>>(), options));
    }
    suite
}

/// The test case of a trace that could not be read: without it, the suite would be empty and pass.
fn unreadable(report: &Report) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(text(report.trace.error.as_deref().unwrap_or_default()));
    status.set_type("unreadable");
    let mut case = TestCase::new("trace", status);
    case.set_classname("gotracer");
    case.set_time(Duration::ZERO);
    case
}

fn case(rule: &RuleReport, findings: &[&Finding], options: &Options) -> TestCase {
    let fails = |f: &&Finding| options.fail_on.is_some_and(|least| f.severity >= least);
    let worst = findings
        .iter()
        .copied()
        .filter(fails)
        .max_by_key(|f| f.severity);
    let status = match (rule.status, worst) {
        (Status::NotApplicable, _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(text(rule.reason.as_deref().unwrap_or_default()));
            status
        }
        (_, Some(worst)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let message = text(&worst.message);
            status.set_message(match findings.len() {
                1 => message,
                n => format!(
                    "{message}, and {} more",
                    human::plural(n as u64 - 1, "finding")
                ),
            });
            status.set_type(worst.severity.name());
            status.set_description(describe(findings));
            status
        }
        (_, None) => TestCaseStatus::success(),
    };
    let told = matches!(status, TestCaseStatus::Success { .. }) && !findings.is_empty();
    let mut case = TestCase::new(rule.rule.name, status);
    case.set_classname("gotracer");
    case.set_time(Duration::ZERO);
    if told {
        case.set_system_out(describe(findings));
    }
    if let Some(worst) = worst {
        let location = options.paths.location(worst);
        if !location.path.is_empty() {
            case.extra
                .insert("file".into(), text(&location.path).into());
            case.extra
                .insert("line".into(), location.frame.line.to_string().into());
        }
    }
    case
}

/// Describes findings as text.
fn describe(findings: &[&Finding]) -> String {
    let mut out = String::new();
    for f in findings {
        out += &format!(
            "{}: {} ({})\n  fix: {}\n",
            f.severity.name(),
            text(&f.message),
            human::extent(f),
            text(&f.suggestion)
        );
        if let Some(cause) = &f.cause {
            out += &format!("  cause: {}\n", text(&cause.text));
        }
        for Frame {
            function,
            file,
            line,
        } in &f.stack
        {
            out += &format!("  {}\n      {}:{line}\n", text(function), text(file));
        }
    }
    out
}

/// Removes characters that XML cannot hold.
fn text(text: &str) -> String {
    Escaped(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Severity, sample};

    fn junit(reports: &[Report], options: &Options) -> String {
        sample::written(&FORMAT, reports, options)
    }

    #[test]
    fn golden() {
        let reports = [sample::eventful("a.trace"), sample::broken("b")];
        insta::assert_snapshot!(junit(&reports, &Options::default()));
    }

    #[test]
    fn what_fails_no_build_fails_no_test() {
        let options = |fail_on| Options {
            fail_on,
            ..Options::default()
        };
        let failures = |fail_on| {
            let xml = junit(&[sample::eventful("a")], &options(fail_on));
            (
                xml.matches("<failure").count(),
                xml.matches("<system-out").count(),
            )
        };
        assert_eq!(failures(Some(Severity::Warn)), (3, 0));
        assert_eq!(failures(Some(Severity::Error)), (1, 2));
        assert_eq!(failures(None), (0, 3));
    }

    #[test]
    fn hostile_text_is_text() {
        let xml = junit(&[sample::hostile()], &Options::default());
        let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
        assert_eq!(read.test_suites.len(), 1);
        assert_eq!(
            read.test_suites[0].test_cases.len(),
            sample::hostile().rules.len()
        );
        let legal = |c: char| !c.is_control() || c == '\n';
        assert!(xml.chars().all(legal), "{xml:?}");
    }
}
