//! One trace's report.

use std::fmt::{self, Write};

use super::{Html, failed, page};
use crate::daemon::recent::Entry;
use crate::report::human::{outcome, place, plural, value};
use crate::report::{Finding, Frame, Report, RuleReport, Status};
use crate::units::{bytes, duration};

/// The page of one trace.
pub fn report(entry: &Entry) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = body(&mut out, entry);
    page(&entry.source, &out)
}

fn body(out: &mut String, entry: &Entry) -> fmt::Result {
    let id = entry.id;
    write!(
        out,
        "<nav><a href=\"../\">All traces</a> <a href=\"../api/v1/reports/{id}\">This report \
         (JSON)</a></nav>\n<h1>{}</h1>\n",
        Html(&entry.source)
    )?;
    if !entry.labels.is_empty() {
        writeln!(out, "<p class=\"weak\">{}</p>", Html(&entry.labels))?;
    }
    if let Some(failure) = &entry.failure {
        out.push_str("<p>");
        failed(out, failure)?;
        out.push_str("</p>\n");
    }
    let Some(report) = &entry.report else {
        return Ok(());
    };
    facts(out, report)?;
    out.push_str("<h2>Findings</h2>\n");
    if report.findings.is_empty() {
        writeln!(out, "<p>{}</p>", outcome(report, |_, text| text))?;
    }
    for found in &report.findings {
        finding(out, found)?;
    }
    out.push_str(
        "<h2>Rules</h2>\n<table><thead><tr><th>Rule</th><th>Status</th><th class=\"number\">Seen</th><th class=\"number\">Median</th>\
         <th class=\"number\">99 %</th><th class=\"number\">Most</th></tr></thead><tbody>\n",
    );
    for asked in &report.rules {
        rule(out, asked)?;
    }
    out.write_str("</tbody></table>\n")
}

fn facts(out: &mut String, report: &Report) -> fmt::Result {
    let trace = &report.trace;
    out.push_str("<p>");
    if let Some(version) = &trace.go_version {
        write!(out, "Go {}, ", Html(version))?;
    }
    if let Some(start) = trace.start_time {
        write!(out, "<time>{start:.3}</time>, ")?;
    }
    let (length, size) = (duration(trace.duration_ns), bytes(trace.bytes));
    write!(out, "{length}, {}, {size}", plural(trace.events, "event"))?;
    if trace.lost_bytes > 0 {
        let lost = bytes(trace.lost_bytes);
        write!(out, ", <span class=\"error\">{lost} lost</span>")?;
    }
    out.write_str("</p>\n")
}

fn finding(out: &mut String, finding: &Finding) -> fmt::Result {
    let severity = finding.severity.name();
    let (unit, least) = (finding.rule.unit, if finding.open > 0 { "≥" } else { "" });
    write!(
        out,
        "<article class=\"{severity}\"><h3><span class=\"{severity}\">{severity}</span> {} at {}</h3>\n\
         <p>{}</p>\n<p class=\"weak\">×{}, worst {least}{} at {}, together {least}{}, from {} on</p>\n",
        finding.rule.name,
        Html(place(&finding.place)),
        Html(&finding.message),
        finding.count,
        value(unit, finding.worst),
        duration(finding.worst_at_ns),
        value(unit, finding.total),
        value(unit, finding.threshold),
    )?;
    if let Some(cause) = &finding.cause {
        writeln!(out, "<p>{}</p>", Html(&cause.text))?;
    }
    writeln!(out, "<p>{}</p>", Html(&finding.suggestion))?;
    stack(out, "Stack", &finding.stack)?;
    if let Some(cause) = &finding.cause {
        stack(out, "Stack of the cause", &cause.stack)?;
    }
    out.write_str("</article>\n")
}

fn stack(out: &mut String, title: &str, frames: &[Frame]) -> fmt::Result {
    if frames.is_empty() {
        return Ok(());
    }
    write!(out, "<details><summary>{title}</summary><ol>")?;
    for frame in frames {
        let Frame {
            function,
            file,
            line,
        } = frame;
        write!(
            out,
            "<li>{}<br><span class=\"weak\">{}:{line}</span></li>",
            Html(function),
            Html(file)
        )?;
    }
    out.write_str("</ol></details>\n")
}

fn rule(out: &mut String, asked: &RuleReport) -> fmt::Result {
    let (class, status) = match asked.status {
        Status::Ok => ("good", "ok"),
        Status::Found => ("warn", "found"),
        Status::NotApplicable => ("weak", "not applicable"),
    };
    write!(
        out,
        "<tr><td>{}</td><td><span class=\"{class}\">{status}</span>",
        asked.rule.name
    )?;
    if let Some(reason) = &asked.reason {
        write!(out, ": {}", Html(reason))?;
    }
    let (seen, unit) = (&asked.measurement, asked.rule.unit);
    let some = |number: u64| match seen.count() {
        0 => String::new(),
        _ => value(unit, number),
    };
    let count = match seen.count() {
        0 => String::new(),
        n => crate::report::human::count(n),
    };
    for (what, number) in [
        ("seen", count),
        ("median", some(seen.quantile(0.5))),
        ("99 %", some(seen.quantile(0.99))),
        ("most", some(seen.max())),
    ] {
        write!(out, "</td><td class=\"number\" data-is=\"{what}\">{number}")?;
    }
    out.write_str("</td></tr>\n")
}
