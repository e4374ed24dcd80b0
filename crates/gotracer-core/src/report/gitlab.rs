//! Reports as GitLab's code quality report, which merge requests and their diffs show:
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.

use std::io::{self, Write};

use serde_json::json;

use super::placed::placed;
use super::{Format, Options, Report, Severity, human};

/// Entry in the registry.
pub(super) const FORMAT: Format<[Report]> = Format {
    name: "gitlab",
    summary: "GitLab's code quality report",
    endings: &["json"],
    course: false,
    write,
};

/// Writes one JSON array of issues.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let issues = placed(reports, options).into_iter().map(|found| {
        let finding = found.finding;
        // GitLab drops an issue without a path.
        let path = match found.location.path.as_str() {
            "" => found.source,
            path => path,
        };
        json!({
            "description": format!("{} ({})", finding.message, human::extent(finding)),
            "check_name": finding.rule.name,
            "fingerprint": found.fingerprint,
            "severity": match finding.severity {
                Severity::Error => "critical",
                Severity::Warn => "major",
                Severity::Info => "info",
            },
            "location": {
                "path": path,
                "lines": {"begin": found.location.frame.line.max(1)},
            },
        })
    });
    let issues: Vec<_> = issues.collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn gitlab(reports: &[Report]) -> String {
        let mut options = Options::default();
        options.paths.add("example.com/shop", "shop");
        sample::written(&FORMAT, reports, &options)
    }

    #[test]
    fn golden() {
        insta::assert_snapshot!(gitlab(&[sample::eventful("a.trace"), sample::broken("b")]));
        assert_eq!(gitlab(&[sample::report("clean")]), "[]\n");
    }

    #[test]
    fn hostile_text_is_text() {
        let issues: Vec<serde_json::Value> =
            serde_json::from_str(&gitlab(&[sample::hostile()])).unwrap();
        let finding = &sample::hostile().findings[0];
        let description = issues[0]["description"].as_str().unwrap();
        assert!(description.starts_with(&finding.message));
    }
}
