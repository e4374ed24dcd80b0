//! Reports as JSON Lines: one object per line, whose `type` is `trace`, `rule`, `task`, `region`, `request` or `finding`.
//!
//! The `trace` comes first, then each `rule`, each `task`, `region` and `request`, then each `finding`. All of them name the
//! trace as `source`. The fields are those of the JSON format.

use std::io::{self, Write};

use serde::Serialize;

use super::wire::{self, Finding, Region, Request, Rule, Task};
use super::{Format, Options, Program, Report, TraceInfo};

/// Entry in the registry.
pub(super) const FORMAT: Format<[Report]> = Format {
    name: "jsonl",
    summary: "JSON Lines, one object per line",
    endings: &["jsonl", "ndjson"],
    course: false,
    write,
};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Trace {
        #[serde(flatten)]
        trace: &'a TraceInfo,
        program: &'a Program,
    },
    Rule {
        source: &'a str,
        #[serde(flatten)]
        rule: &'a Rule<'a>,
    },
    Task {
        source: &'a str,
        task: &'a Task<'a>,
    },
    Region {
        source: &'a str,
        region: &'a Region<'a>,
    },
    Request {
        source: &'a str,
        request: &'a Request<'a>,
    },
    Finding {
        source: &'a str,
        #[serde(flatten)]
        finding: &'a Finding<'a>,
    },
}

/// Writes the lines of each report.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    for report in reports {
        let report = wire::Report::new(report, options);
        let (trace, program) = (&*report.trace, &*report.program);
        let source = trace.source.as_str();
        line(out, &Line::Trace { trace, program })?;
        for rule in &report.rules {
            line(out, &Line::Rule { source, rule })?;
        }
        for task in &report.tasks {
            line(out, &Line::Task { source, task })?;
        }
        for region in &report.regions {
            line(out, &Line::Region { source, region })?;
        }
        for request in &report.requests {
            line(out, &Line::Request { source, request })?;
        }
        for finding in &report.findings {
            line(out, &Line::Finding { source, finding })?;
        }
    }
    Ok(())
}

fn line(out: &mut dyn Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn lines(reports: &[Report]) -> String {
        sample::written(&FORMAT, reports, &Options::default())
    }

    #[test]
    fn golden() {
        let mut report = sample::eventful("a.trace");
        report.rules.retain(|r| [2, 7].contains(&r.rule.index()));
        insta::assert_snapshot!(lines(&[report, sample::broken("-")]));
    }

    #[test]
    fn a_line_is_an_object_whatever_it_says() {
        let text = lines(&[sample::hostile()]);
        let of: Vec<serde_json::Value> = text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let found = of.iter().filter(|v| v["type"] == "finding");
        let found: Vec<_> = found.map(|v| v["message"].as_str().unwrap()).collect();
        let report = sample::hostile();
        let expected: Vec<_> = report.findings.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(found, expected);
    }
}
