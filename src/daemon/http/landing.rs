//! The page for people who open the address in a browser.

use std::fmt::{self, Write};

use jiff::Timestamp;

use crate::daemon::board::Last;
use crate::daemon::failure::Failure;
use crate::daemon::recent::Entry;
use crate::labels::Labels;
use crate::report::Severity;

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>gotracer</title>
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 1rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-top: 1px solid #8884 }
td { overflow-wrap: anywhere }
.error { color: #d33 } .warn { color: #b60 }
@media (max-width: 40rem) { th { display: none } td { display: block; border: 0 } tr { display: block; border-top: 1px solid #8884; padding: .5rem 0 } }
</style></head><body>
";

/// The page with the targets and the last traces.
pub fn page(targets: &[(Labels, String, Option<Last>)], recent: &[Entry]) -> String {
    let mut out = String::from(HEAD);
    let version = env!("CARGO_PKG_VERSION");
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<h1>gotracer {version}</h1>\n<p><a href=\"/metrics\">Metrics</a> · \
         <a href=\"/api/v1/reports\">Reports (JSON)</a> · \
         <a href=\"/api/v1/targets\">Targets (JSON)</a> · \
         <a href=\"/-/healthy\">Healthy</a> · <a href=\"/-/ready\">Ready</a></p>\n"
    );
    if !targets.is_empty() {
        out.push_str(
            "<h2>Targets</h2>\n<table><thead><tr><th>Last capture</th><th>Target</th>\
             <th>Labels</th><th>State</th></tr></thead><tbody>\n",
        );
        for (labels, url, last) in targets {
            let _ = target(&mut out, labels, url, last.as_ref());
        }
        out.push_str("</tbody></table>\n");
    }
    if recent.is_empty() {
        out.push_str("<p>No trace has come yet.</p>\n");
    } else {
        out.push_str(
            "<h2>Last traces</h2>\n<table><thead><tr><th>When</th><th>Trace</th>\
             <th>Labels</th><th>Found</th></tr></thead><tbody>\n",
        );
        for entry in recent {
            let _ = row(&mut out, entry);
        }
        out.push_str("</tbody></table>\n");
    }
    out.push_str("</body></html>\n");
    out
}

fn target(out: &mut String, labels: &Labels, url: &str, last: Option<&Last>) -> fmt::Result {
    out.push_str("<tr><td>");
    match last.and_then(|l| Timestamp::try_from(l.at).ok()) {
        Some(at) => write!(out, "{at:.0}")?,
        None => out.push_str("none yet"),
    }
    write!(
        out,
        "</td><td>{}</td><td>{}</td><td>",
        Html(url),
        Html(labels)
    )?;
    match last.map(|l| &l.failure) {
        None => {}
        Some(None) => out.push_str("up"),
        Some(Some(failure)) => failed(out, failure)?,
    }
    out.write_str("</td></tr>\n")
}

fn failed(out: &mut String, (reason, text): &(Failure, String)) -> fmt::Result {
    let reason = reason.name();
    write!(out, "<span class=\"error\">{reason}: {}</span>", Html(text))
}

fn row(out: &mut String, entry: &Entry) -> fmt::Result {
    let at = Timestamp::try_from(entry.at).unwrap_or_default();
    write!(
        out,
        "<tr><td>{at:.0}</td><td>{}</td><td>{}</td><td>",
        Html(&entry.source),
        Html(&entry.labels)
    )?;
    if let Some(report) = &entry.report {
        for severity in Severity::ALL {
            let count = report.findings.iter().filter(|f| f.severity == severity);
            let (count, name) = (count.count(), severity.name());
            if count > 0 {
                write!(out, "<span class=\"{name}\">{count} {name}</span> ")?;
            }
        }
        if report.findings.is_empty() {
            out.push_str("nothing ");
        }
    }
    if let Some(failure) = &entry.failure {
        failed(out, failure)?;
    }
    out.write_str("</td></tr>\n")
}

/// Text within HTML.
struct Html<T>(T);

impl<T: fmt::Display> fmt::Display for Html<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn names_of_files_are_text() {
        let page = page(
            &[],
            &[Entry {
                source: "<script>alert('x')</script>".into(),
                labels: Default::default(),
                at: SystemTime::UNIX_EPOCH,
                report: None,
                failure: Some((Failure::NotATrace, "a & b".into())),
            }],
        );
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
        assert!(page.contains("1970-01-01T00:00:00Z"), "{page}");
        assert!(page.contains("not_a_trace: a &amp; b") && !page.contains("<script"));
    }
}
