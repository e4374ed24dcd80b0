//! Landing page.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use maud::{Markup, html};

use super::targets::{BySource, by_source, targets, watches};
use super::{Ago, failed, outcome, page, source};
use crate::daemon::failure::Failure;
use crate::daemon::http;
use crate::daemon::recent_reports::Entry;
use crate::daemon::target_table::Status;
use crate::evidence::Item;
use crate::labels::Labels;
use crate::report::html::text;
use crate::report::{Finding, human, ranked};
use crate::source::directory::Health;
use crate::units::bytes;

/// Maximum number of kept traces listed.
const EVIDENCE: usize = 50;
/// Maximum number of findings under "Worst now".
const WORST: usize = 5;
/// Refresh interval of the page, seconds.
const LIVE: u32 = 10;

/// Content of the page.
#[derive(Default)]
pub(crate) struct Overview {
    /// Targets.
    pub targets: Vec<Status>,
    /// Watched directories.
    pub watches: Vec<(PathBuf, Health)>,
    /// Latest reports and failures, newest first.
    pub recent: Vec<Entry>,
    /// Kept traces, newest first.
    pub evidence: Vec<Item>,
}

/// Renders the page.
pub(crate) fn landing(overview: &Overview) -> String {
    let (bad, good): (Vec<_>, Vec<_>) = overview.recent.iter().partition(|e| e.failure.is_some());
    let by_source = by_source(&overview.recent);
    let main = html! {
        label hidden { "Filter " input type="search" id="rows" placeholder="name, label, reason"; }
        (worst(&by_source))
        (targets(&overview.targets, &by_source))
        (watches(&overview.watches))
        @if overview.recent.is_empty() { (empty(overview)) }
        (failures(&bad))
        (traces(&good))
        (evidence(&overview.evidence, &overview.recent))
    };
    page("", "gotracer", &main, Some(LIVE))
}

/// Renders instructions to send the first trace.
fn empty(overview: &Overview) -> Markup {
    html! {
        div class="empty" {
            p { strong { "No traces yet." } }
            @if !overview.targets.is_empty() {
                p { "gotracer captures the targets above in turn." }
            }
            @if !overview.watches.is_empty() {
                p { "gotracer reads new files in the directories above." }
            }
            p { "Push a trace:" }
            code { "curl --data-binary @trace.out http://HOST:16060/api/v1/traces" }
            p { "Or start gotracer with a program to capture, or with a directory to watch:" }
            code { "gotracer serve --scrape localhost:6060" }
            code { "gotracer serve --watch DIR" }
        }
    }
}

/// Renders the worst findings of the newest report of each source.
fn worst(by_source: &BySource<'_>) -> Markup {
    let newest = by_source.values().filter_map(|entries| entries.first());
    let findings = newest.filter_map(|entry| {
        let report = entry.report.as_deref()?;
        let worst = *ranked(report).first()?;
        let share = report.share_lost(worst).unwrap_or_default();
        Some((*entry, worst, share))
    });
    let mut findings: Vec<(&Entry, &Finding, f64)> = findings.collect();
    findings.sort_by(|a, b| {
        let key = (b.1.severity, b.2);
        key.partial_cmp(&(a.1.severity, a.2))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(b.0.id.cmp(&a.0.id))
    });
    if findings.is_empty() {
        return html! {};
    }
    html! {
        h2 id="worst" { "Worst now" }
        table class="cards worst" {
            thead { tr { th { "When" } th { "Trace" } th { "Finding" } } }
            tbody {
                @for (entry, finding, _) in findings.iter().take(WORST) {
                    tr {
                        td { (Ago(entry.at)) }
                        td { (source(&entry.labels, &entry.source)) }
                        td {
                            a href={ "reports/" (entry.id) } {
                                span class=(finding.severity.name()) { (finding.severity.name()) }
                                " " (finding.rule.name)
                            }
                            " " (text(&finding.message)) br;
                            code { (text(&human::place(&finding.place))) }
                        }
                    }
                }
            }
        }
    }
}

/// Renders failures; those with the same source and cause share a row.
fn failures(entries: &[&Entry]) -> Markup {
    let mut rows: Vec<(&Entry, &Failure, u64)> = Vec::new();
    let mut places: HashMap<(&Labels, &str, &str, &str), usize> = HashMap::new();
    for entry in entries {
        let Some(failure) = &entry.failure else {
            continue;
        };
        let (reason, why) = (failure.reason.name(), failure.message.as_str());
        let key = (&*entry.labels, entry.source.as_str(), reason, why);
        match places.get(&key).and_then(|&place| rows.get_mut(place)) {
            Some((_, _, times)) => *times += 1,
            None => {
                places.insert(key, rows.len());
                rows.push((entry, failure, 1));
            }
        }
    }
    if rows.is_empty() {
        return html! {};
    }
    html! {
        h2 id="failures" { "Failures" }
        table class="cards" {
            thead { tr { th { "Last" } th { "Trace" } th { "Cause" } } }
            tbody {
                @for (entry, failure, times) in rows {
                    tr {
                        td { (Ago(entry.at)) }
                        td { (source(&entry.labels, &entry.source)) }
                        td {
                            @if entry.report.is_some() {
                                (outcome(entry))
                            } @else {
                                (failed(failure))
                            }
                            @if times > 1 {
                                span class="weak" { ", " (human::count(times)) " times" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn traces(entries: &[&Entry]) -> Markup {
    if entries.is_empty() {
        return html! {};
    }
    html! {
        h2 id="traces" { "Last traces" }
        table class="cards" {
            thead { tr { th { "When" } th { "Trace" } th { "Findings" } } }
            tbody {
                @for entry in entries {
                    tr {
                        td { (Ago(entry.at)) }
                        td { (source(&entry.labels, &entry.source)) }
                        td { (outcome(entry)) }
                    }
                }
            }
        }
    }
}

/// Renders links to the kept traces. A trace whose report is not among the latest ones has it as JSON only.
fn evidence(kept: &[Item], recent: &[Entry]) -> Markup {
    if kept.is_empty() {
        return html! {};
    }
    let pages = recent.iter().filter_map(|entry| {
        let report = entry.report.as_ref()?;
        Some((http::evidence::id(report)?, entry.id))
    });
    let pages: HashMap<&str, u64> = pages.collect();
    html! {
        h2 id="evidence" { "Evidence" }
        table class="cards" {
            thead { tr { th { "When" } th { "Trace" } th { "Why" } } }
            tbody {
                @for item in kept.iter().take(EVIDENCE) {
                    @let at = format!("api/v1/evidence/{}", item.id);
                    tr {
                        td { (Ago(SystemTime::try_from(item.time).unwrap_or(SystemTime::UNIX_EPOCH))) }
                        td { (source(&item.target, &item.source)) }
                        td {
                            a href=(at) { (text(item.rule.as_ref().unwrap_or(&item.reason))) }
                            " (" (bytes(item.bytes)) ", "
                            @match pages.get(item.id.as_str()) {
                                Some(page) => a href={ "reports/" (page) } { "report" },
                                None => a href={ (at) "/report" } { "report (JSON)" },
                            }
                            ", "
                            a href={ (at) "?format=perfetto" } { "Perfetto" } ")"
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::failure::Reason;
    use crate::daemon::leaks::{Leaks, Place};
    use std::sync::Arc;

    use crate::report::sample;

    fn entry(id: u64, source: &str) -> Entry {
        Entry {
            id,
            source: source.into(),
            labels: Arc::default(),
            at: SystemTime::UNIX_EPOCH,
            report: None,
            failure: None,
        }
    }

    fn shown(recent: Vec<Entry>) -> String {
        landing(&Overview {
            recent,
            ..Overview::default()
        })
    }

    #[test]
    fn names_of_files_are_text() {
        let mut bad = entry(7, "<script>alert('x')</script>");
        bad.failure = Some(Failure::new(Reason::NotATrace, "a & b"));
        let page = shown(vec![bad]);
        assert!(page.contains("&lt;script&gt;alert('x')&lt;/script&gt;"));
        assert!(page.contains("1970-01-01T00:00:00Z"), "{page}");
        assert!(page.contains("not_a_trace: a &amp; b"), "{page}");
        assert_eq!(page.matches("<script>").count(), 1);
    }

    #[test]
    fn failures_with_one_cause_are_one_row() {
        let refused = |id, why: &str| {
            let mut entry = entry(id, "http://a");
            entry.failure = Some(Failure::new(Reason::Refused, why));
            entry
        };
        let page = shown(vec![
            refused(3, "connection refused"),
            refused(2, "connection refused"),
            refused(1, "no route"),
        ]);
        assert_eq!(page.matches("refused: connection refused").count(), 1);
        assert!(page.contains(", 2 times"), "{page}");
        assert_eq!(page.matches("refused: no route").count(), 1);
    }

    #[test]
    fn the_worst_finding_of_the_newest_report_comes_first() {
        let with = |id, source: &str, report| {
            let mut entry = entry(id, source);
            entry.report = Some(Arc::new(report));
            entry
        };
        let page = shown(vec![
            with(3, "calm", sample::report("calm")),
            with(2, "busy", sample::eventful("busy")),
            with(1, "busy", sample::eventful("busy")),
        ]);
        let (_, worst) = page.split_once("Worst now").unwrap();
        let worst = worst.split_once("Last traces").unwrap().0;
        assert!(worst.contains("reports/2") && worst.contains("MutexContention"));
        assert!(!worst.contains("reports/1") && !worst.contains("calm"));
    }

    #[test]
    fn targets_have_their_leaked_goroutines() {
        let place = |function: &str, goroutines| Place {
            function: function.into(),
            goroutines,
        };
        let target = |url: &str, leaks| Status {
            labels: Labels::default(),
            url: url.into(),
            last: None,
            leaks: Some(leaks),
        };
        let leaks = Leaks {
            goroutines: 94,
            places: vec![place("main.send[<T>]", 90), place("main.lock", 4)],
        };
        let page = landing(&Overview {
            targets: vec![
                target("http://leaks", leaks),
                target("http://calm", Leaks::default()),
            ],
            ..Overview::default()
        });
        let (_, row) = page.split_once("http://leaks").unwrap();
        let (row, other) = row.split_once("http://calm").unwrap();
        assert!(row.contains("94 leaked goroutines"), "{row}");
        assert!(
            row.contains(": 90 in <code>main.send[&lt;T&gt;]</code>"),
            "{row}"
        );
        assert!(row.contains(", and 1 other place"), "{row}");
        assert!(!other.contains("leaked"), "{other}");
    }

    #[test]
    fn a_kept_trace_leads_to_the_page_of_its_report() {
        let item = |id: &str| Item {
            id: id.into(),
            file: format!("{id}.trace"),
            time: jiff::Timestamp::UNIX_EPOCH,
            target: Labels::default(),
            source: "a".into(),
            reason: "finding".into(),
            rule: None,
            severity: None,
            bytes: 1,
            document_bytes: 1,
            anonymized: false,
        };
        let mut recent = entry(7, "a");
        let mut report = sample::report("a");
        report.evidence = Some("http://gt:16060/api/v1/evidence/5d1c".into());
        recent.report = Some(Arc::new(report));
        let page = landing(&Overview {
            recent: vec![recent],
            evidence: vec![item("5d1c"), item("0b1e")],
            ..Overview::default()
        });
        let (_, kept) = page.split_once("Evidence</h2>").unwrap();
        assert!(kept.contains("<a href=\"reports/7\">report</a>"), "{kept}");
        let json = "<a href=\"api/v1/evidence/0b1e/report\">report (JSON)</a>";
        assert!(kept.contains(json), "{kept}");
    }

    #[test]
    fn an_empty_page_says_how_to_send_a_trace() {
        assert!(shown(Vec::new()).contains("curl --data-binary @trace.out"));
    }
}
