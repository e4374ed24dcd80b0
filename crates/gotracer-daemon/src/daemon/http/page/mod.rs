//! HTML pages, built from the same parts as HTML reports.

pub(super) mod answer;
mod configuration;
mod landing;
mod releases;
mod report;
mod targets;

use std::fmt;
use std::time::{Duration, SystemTime};

use maud::{Markup, html};

pub(super) use configuration::{configuration, not_found};
pub(super) use landing::{Overview, landing};
pub(super) use releases::releases;
pub(super) use report::report;

use crate::daemon::failure::Failure;
use crate::daemon::recent_reports::Entry;
use crate::labels::Labels;
use crate::report::html::shell::{self, Network};
use crate::report::html::text;
use crate::report::{Severity, human};
use crate::units::duration;

/// Pages and JSON documents in the navigation, by path and name.
const PAGES: [(&str, &str); 7] = [
    ("", "Traces"),
    ("releases", "Releases"),
    ("config", "Configuration"),
    ("metrics", "Metrics"),
    ("api/v1/reports", "Reports (JSON)"),
    ("api/v1/targets", "Targets (JSON)"),
    ("api/v1/evidence", "Evidence (JSON)"),
];

/// Renders the navigation; `root` is the relative path from this page to `/`.
fn nav(root: &str) -> Markup {
    html! {
        @for (path, name) in PAGES {
            a href={ (root) (path) } { (name) }
        }
    }
}

/// Renders a page around its content, which is refreshed every `live` seconds.
fn page(root: &str, title: &str, main: &Markup, live: Option<u32>) -> String {
    let body = html! {
        (shell::header(Some(&nav(root)), title, &html! {}))
        main id="main" data-live=[live] { (main) }
    };
    shell::page(title, &body, Network::Server)
}

/// Renders a failure.
fn failed(Failure { reason, message }: &Failure) -> Markup {
    html! { span class="error" { (reason.name()) ": " (text(message)) } }
}

/// Renders a source with its labels.
fn source(labels: &Labels, source: &str) -> Markup {
    html! {
        (text(source))
        @if !labels.is_empty() {
            br;
            span class="weak" { (text(&labels.to_string())) }
        }
    }
}

/// Renders the numbers of findings by severity, such as `2 errors, 1 warning`.
fn counts(findings: &[crate::report::Finding]) -> Markup {
    let of = |severity: Severity| findings.iter().filter(|f| f.severity == severity).count();
    let parts = Severity::ALL.map(|severity| (severity, of(severity)));
    let parts: Vec<_> = parts.into_iter().filter(|(_, n)| *n > 0).collect();
    html! {
        @for (i, (severity, n)) in parts.iter().enumerate() {
            @if i > 0 { ", " }
            span class=(severity.name()) { (human::number_of(*severity, *n as u64)) }
        }
    }
}

/// Renders findings, with a link to the report, and the failure.
fn outcome(entry: &Entry) -> Markup {
    html! {
        @if let Some(report) = &entry.report {
            a href={ "reports/" (entry.id) } {
                @if report.findings.is_empty() {
                    (human::outcome(report, |_, text| text))
                } @else {
                    (counts(&report.findings))
                }
            }
            " "
        }
        @if let Some(failure) = &entry.failure { (failed(failure)) }
    }
}

/// Age of a time; the time itself is the tooltip.
struct Ago(SystemTime);

impl maud::Render for Ago {
    fn render(&self) -> Markup {
        let at = jiff::Timestamp::try_from(self.0).unwrap_or_default();
        let age = SystemTime::now().duration_since(self.0).unwrap_or_default();
        html! { time datetime=(format!("{at:.0}")) title=(format!("{at:.0}")) { (Age(age)) } }
    }
}

/// Age in its largest unit.
struct Age(Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => f.write_str("just now"),
            seconds @ 1..120 => write!(f, "{} ago", duration(seconds * 1_000_000_000)),
            seconds @ 120..7_200 => write!(f, "{} min ago", seconds / 60),
            seconds @ 7_200..172_800 => write!(f, "{} h ago", seconds / 3_600),
            seconds => write!(f, "{} days ago", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_their_largest_unit() {
        let ages = [0, 1, 119, 120, 7_199, 7_200, 172_800].map(|s| Age(Duration::from_secs(s)));
        assert_eq!(
            ages.map(|age| age.to_string()),
            [
                "just now",
                "1s ago",
                "119s ago",
                "2 min ago",
                "119 min ago",
                "2 h ago",
                "2 days ago"
            ]
        );
    }
}
