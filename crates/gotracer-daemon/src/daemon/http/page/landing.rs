//! The page for people who open the address in a browser.

use std::collections::HashMap;
use std::fmt::{self, Write};

use jiff::Timestamp;

use super::{Html, failed, page};
use crate::daemon::board::Last;
use crate::daemon::recent::Entry;
use crate::evidence::Item;
use crate::labels::Labels;
use crate::report::{Severity, human};
use crate::units::bytes;

/// How many traces that are kept are listed.
const EVIDENCE: usize = 50;

/// The page with the targets and the last traces, the newest of them first.
pub fn landing(
    targets: &[(Labels, String, Option<Last>)],
    recent: &[Entry],
    kept: &[Item],
) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = body(&mut out, targets, recent).and_then(|()| evidence(&mut out, kept));
    page("gotracer", &out)
}

fn body(
    out: &mut String,
    targets: &[(Labels, String, Option<Last>)],
    recent: &[Entry],
) -> fmt::Result {
    let version = env!("CARGO_PKG_VERSION");
    write!(
        out,
        "<h1>gotracer {version}</h1>\n<nav><a href=\"metrics\">Metrics</a> \
         <a href=\"releases\">Releases</a> <a href=\"config\">Configuration</a> <a href=\"api/v1/reports\">Reports (JSON)</a> \
         <a href=\"api/v1/targets\">Targets (JSON)</a> \
         <a href=\"api/v1/evidence\">Evidence (JSON)</a> <a href=\"-/healthy\">Healthy</a> \
         <a href=\"-/ready\">Ready</a></nav>\n"
    )?;
    if !targets.is_empty() {
        let mut newest = HashMap::new();
        for entry in recent.iter().rev() {
            newest.insert((&*entry.labels, entry.source.as_str()), entry);
        }
        table(
            out,
            "targets",
            "Targets",
            ["Last capture", "Target", "State"],
        )?;
        for (labels, url, last) in targets {
            let entry = newest.get(&(labels, url.as_str()));
            target(out, (labels, url), last.as_ref(), entry.copied())?;
        }
        out.push_str("</tbody></table>\n");
    }
    let (bad, good): (Vec<_>, Vec<_>) = recent.iter().partition(|e| e.failure.is_some());
    if recent.is_empty() {
        out.push_str("<p>No trace has come yet.</p>\n");
    }
    for (id, title, entries) in [
        ("failures", "Failures", bad),
        ("traces", "Last traces", good),
    ] {
        if entries.is_empty() {
            continue;
        }
        table(out, id, title, ["When", "Trace", "Found"])?;
        for entry in entries {
            write!(out, "<tr><td>{}</td>", Time(entry.at))?;
            source(out, &entry.labels, &entry.source)?;
            out.push_str("<td>");
            outcome(out, entry)?;
            out.push_str("</td></tr>\n");
        }
        out.push_str("</tbody></table>\n");
    }
    Ok(())
}

/// The traces that are kept, to be had.
fn evidence(out: &mut String, kept: &[Item]) -> fmt::Result {
    if kept.is_empty() {
        return Ok(());
    }
    table(out, "evidence", "Evidence", ["When", "Trace", "Why"])?;
    for item in kept.iter().take(EVIDENCE) {
        let Item { id, time, rule, .. } = item;
        write!(out, "<tr><td><time>{time:.0}</time></td>")?;
        source(out, &item.target, &item.source)?;
        writeln!(
            out,
            "<td><a href=\"api/v1/evidence/{id}\">{}</a> ({}, <a href=\"api/v1/evidence/{id}/report\">report</a>, \
             <a href=\"api/v1/evidence/{id}?format=perfetto\">Perfetto</a>)</td></tr>",
            Html(rule.as_ref().unwrap_or(&item.reason)),
            bytes(item.bytes),
        )?;
    }
    out.write_str("</tbody></table>\n")
}

fn table(out: &mut String, id: &str, title: &str, columns: [&str; 3]) -> fmt::Result {
    let [first, second, third] = columns;
    writeln!(
        out,
        "<h2 id=\"{id}\">{title}</h2>\n<table class=\"list\"><thead><tr><th>{first}</th><th>{second}</th>\
         <th>{third}</th></tr></thead><tbody>"
    )
}

fn target(
    out: &mut String,
    (labels, url): (&Labels, &str),
    last: Option<&Last>,
    newest: Option<&Entry>,
) -> fmt::Result {
    match last {
        Some(last) => write!(out, "<tr><td>{}</td>", Time(last.at))?,
        None => out.push_str("<tr><td class=\"weak\">none yet</td>"),
    }
    source(out, labels, url)?;
    out.push_str("<td>");
    match (newest, last.map(|l| &l.failure)) {
        (Some(entry), _) => {
            if entry.failure.is_none() {
                out.push_str("<span class=\"good\">up</span>: ");
            }
            outcome(out, entry)?;
        }
        (None, Some(Some(failure))) => failed(out, failure)?,
        (None, Some(None)) => out.push_str("<span class=\"good\">up</span>"),
        (None, None) => {}
    }
    out.write_str("</td></tr>\n")
}

fn source(out: &mut String, labels: &Labels, source: &str) -> fmt::Result {
    write!(out, "<td>{}", Html(source))?;
    if !labels.is_empty() {
        write!(out, "<br><span class=\"weak\">{}</span>", Html(labels))?;
    }
    out.write_str("</td>")
}

/// What was found, with a link to all of it, and what failed.
fn outcome(out: &mut String, entry: &Entry) -> fmt::Result {
    if let Some(report) = &entry.report {
        write!(out, "<a href=\"reports/{}\">", entry.id)?;
        let mut separator = "";
        for severity in Severity::ALL {
            let count = report.findings.iter().filter(|f| f.severity == severity);
            let (count, name) = (count.count(), severity.name());
            if count > 0 {
                write!(
                    out,
                    "{separator}<span class=\"{name}\">{count} {name}</span>"
                )?;
                separator = ", ";
            }
        }
        if report.findings.is_empty() {
            out.push_str(&human::outcome(report, |_, text| text));
        }
        out.push_str("</a> ");
    }
    match &entry.failure {
        Some(failure) => failed(out, failure),
        None => Ok(()),
    }
}

/// A time to the second.
struct Time(std::time::SystemTime);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Timestamp::try_from(self.0).unwrap_or_default();
        write!(f, "<time>{at:.0}</time>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::failure::Failure;
    use std::time::SystemTime;

    #[test]
    fn names_of_files_are_text() {
        let page = landing(
            &[],
            &[Entry {
                id: 7,
                source: "<script>alert('x')</script>".into(),
                labels: Default::default(),
                at: SystemTime::UNIX_EPOCH,
                report: None,
                failure: Some((Failure::NotATrace, "a & b".into())),
            }],
            &[],
        );
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
        assert!(page.contains("1970-01-01T00:00:00Z"), "{page}");
        assert!(page.contains("not_a_trace: a &amp; b") && !page.contains("<script"));
    }
}
