//! Targets and watched directories on the landing page.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use maud::{Markup, html};

use super::{Ago, failed, outcome, source};
use crate::daemon::leaks::Leaks;
use crate::daemon::recent_reports::Entry;
use crate::daemon::target_table::{Last, Status};
use crate::labels::Labels;
use crate::report::html::text;
use crate::report::human;
use crate::source::directory::Health;

/// Maximum number of reports in a sparkline.
const SPARK: usize = 20;

/// Entries of each source, newest first.
pub(super) type BySource<'a> = HashMap<(&'a Labels, &'a str), Vec<&'a Entry>>;

/// Groups entries by their source.
pub(super) fn by_source(recent: &[Entry]) -> BySource<'_> {
    let mut all: BySource<'_> = HashMap::new();
    for entry in recent {
        let key = (&*entry.labels, entry.source.as_str());
        all.entry(key).or_default().push(entry);
    }
    all
}

/// Renders the targets with URL, last capture and leaked goroutines.
pub(super) fn targets(targets: &[Status], by_source: &BySource<'_>) -> Markup {
    if targets.is_empty() {
        return html! {};
    }
    html! {
        h2 id="targets" { "Targets" }
        table class="cards" {
            thead { tr { th { "Last capture" } th { "Target" } th { "Findings" } th { "State" } } }
            tbody {
                @for Status { labels, url, last, leaks } in targets {
                    @let entries = by_source.get(&(labels, url.as_str())).map_or(&[][..], Vec::as_slice);
                    tr {
                        @match last {
                            Some(last) => td { (Ago(last.at)) },
                            None => td class="weak" { "none yet" },
                        }
                        td { (source(labels, url)) }
                        td { (sparkline(entries)) }
                        td {
                            (state(last.as_ref(), entries.first().copied()))
                            @if let Some(leaks) = leaks { (leaked(leaks)) }
                        }
                    }
                }
            }
        }
    }
}

fn state(last: Option<&Last>, newest: Option<&Entry>) -> Markup {
    let up = html! { span class="good" { "up" } };
    html! {
        @match (newest, last.map(|last| &last.failure)) {
            (Some(entry), _) => {
                @if entry.failure.is_none() { (up) ": " }
                (outcome(entry))
            },
            (None, Some(Some(failure))) => (failed(failure)),
            (None, Some(None)) => (up),
            (None, None) => "",
        }
    }
}

/// Renders the goroutines that the last profile proved leaked, and where most of them wait. A profile without any proves
/// nothing.
fn leaked(leaks: &Leaks) -> Markup {
    let Some(worst) = leaks.places.first() else {
        return html! {};
    };
    html! {
        br;
        span class="error" { (human::plural(leaks.goroutines, "leaked goroutine")) }
        ": " (human::count(worst.goroutines)) " in " code { (text(&worst.function)) }
        @if leaks.places.len() > 1 {
            span class="weak" { ", and " (human::plural(leaks.places.len() as u64 - 1, "other place")) }
        }
    }
}

/// Renders the numbers of findings in the last reports, newest on the right.
fn sparkline(entries: &[&Entry]) -> Markup {
    let counts = entries.iter().filter_map(|e| e.report.as_deref());
    let mut counts: Vec<_> = counts.take(SPARK).map(|r| r.findings.len()).collect();
    if counts.len() < 2 {
        return html! {};
    }
    counts.reverse();
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut path = String::new();
    for (i, count) in counts.iter().enumerate() {
        let x = i * 100 / (counts.len() - 1);
        let y = 22.0 - 20.0 * *count as f64 / most.max(1) as f64;
        // Writing to a string cannot fail.
        let _ = write!(path, "{}{x} {y:.1}", if i == 0 { "M" } else { "L" });
    }
    let label = format!(
        "findings of the last {} captures, at most {most}",
        counts.len()
    );
    html! {
        svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label=(label) {
            path d=(path) vector-effect="non-scaling-stroke";
        }
    }
}

/// Renders the watched directories.
pub(super) fn watches(watches: &[(PathBuf, Health)]) -> Markup {
    if watches.is_empty() {
        return html! {};
    }
    html! {
        h2 id="watches" { "Watched directories" }
        table class="cards" {
            thead { tr { th { "Directory" } th { "State" } } }
            tbody {
                @for (directory, health) in watches {
                    tr {
                        td { (text(&directory.display().to_string())) }
                        td {
                            @match &health.down {
                                Some(why) => span class="error" { "down: " (text(why)) },
                                None => span class="good" { "watched" },
                            }
                            @if health.incomplete > 0 {
                                ", " (human::plural(health.incomplete, "incomplete file"))
                            }
                        }
                    }
                }
            }
        }
    }
}
