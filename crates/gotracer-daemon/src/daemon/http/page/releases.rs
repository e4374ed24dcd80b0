//! Page of the releases: the versions of each service, compared with their predecessors.

use jiff::Timestamp;
use maud::{Markup, html};

use super::page;
use crate::compare::words::rows;
use crate::compare::{Created, changes_html};
use crate::releases::{Comparison, Release};
use crate::report::html::{shell, text};
use crate::report::human::{self, count, plural};
use crate::report::{Creations, Frame};
use crate::units::{bytes, duration};

/// Maximum number of places listed per version.
const PLACES: usize = 10;

/// Renders the page; the newest version of each service comes first.
pub(crate) fn releases(all: &[Release]) -> String {
    let main = html! {
        p { a href="api/v1/releases" { "Releases (JSON)" } }
        @if all.is_empty() {
            div class="empty" {
                p { strong { "No releases yet." } }
                p { "gotracer compares versions of a service. Give its targets labels:" }
                code { "labels: {service: shop, version: 1.4.2}" }
            }
        }
        @for versions in all.chunk_by(|a, b| a.service == b.service) {
            (service(versions))
        }
    };
    page("./", "Releases", &main, None)
}

fn service(versions: &[Release]) -> Markup {
    let Some(newest) = versions.first() else {
        return html! {};
    };
    html! {
        h2 { (text(&newest.service.to_string())) }
        table class="cards" {
            thead {
                tr {
                    th { "Version" } th { "Since" } th { "Last capture" } th class="number" { "Captures" }
                    th class="number" { "Observed" } th class="number" { "Live heap" }
                    th { "Against the version before" }
                }
            }
            tbody {
                @for (n, release) in versions.iter().enumerate() {
                    (version(release, n + 1 == versions.len()))
                }
            }
        }
        @for release in versions {
            @if let Some(comparison) = &release.comparison { (compared(release, comparison)) }
        }
        @if newest.comparison.is_none() { (places(newest)) }
    }
}

/// Renders one version; the `first` one has no predecessor.
fn version(r: &Release, first: bool) -> Markup {
    let totals = &r.totals;
    let heap = totals.heap.map_or(String::new(), |heap| {
        match (bytes(heap.lowest), bytes(heap.highest)) {
            (low, high) if low == high => low,
            (low, high) => format!("{low} to {high}"),
        }
    });
    html! {
        tr {
            td { (text(&r.version)) }
            td data-is="since" { (minute(totals.first_seen)) }
            td data-is="last" { (minute(totals.last_seen)) }
            @for (what, number) in [
                ("captures", count(totals.captures)),
                ("observed", duration(totals.observed_ns)),
                ("live heap", heap),
            ] {
                td class="number" data-is=(what) { (number) }
            }
            td { (verdict(r, first)) }
        }
    }
}

fn verdict(r: &Release, first: bool) -> Markup {
    let Some(comparison) = &r.comparison else {
        let why = match (first, r.current) {
            (true, _) => "the first one that is known",
            (false, true) => "not compared yet: too little is known of it, or of those before",
            (false, false) => "does not run",
        };
        return html! { span class="weak" { (why) } };
    };
    told(comparison, r.evidence)
}

/// Renders the result of a comparison, with the numbers of captures and instances of the version.
fn told(comparison: &Comparison, (captures, instances): (usize, usize)) -> Markup {
    let worse: Vec<_> = comparison.worse().map(|name| name.to_string()).collect();
    let judged = comparison.verdicts().next().is_some();
    html! {
        @match (worse.is_empty(), judged) {
            (true, true) => span class="good" { "no worse" },
            (true, false) => span class="weak" { "too little to tell" },
            (false, _) => span class="error" { "worse: " (worse.join(", ")) },
        }
        br;
        span class="weak" {
            (plural(captures as u64, "capture")) " of " (plural(instances as u64, "instance"))
            ", against " (text(&comparison.previous))
        }
    }
}

fn compared(r: &Release, c: &Comparison) -> Markup {
    let (version, previous) = (r.version.as_str(), c.previous.as_str());
    let heading = ["RULE", "QUANTITY", previous, version, "CHANGE", "VERDICT"];
    html! {
        h3 { (text(version)) " against " (text(previous)) }
        (shell::wide("Changes", &changes_html(&rows(&c.signals, c.effect), heading)))
        @if !c.sites.is_empty() {
            h3 { "Goroutines by the place that creates them" }
            table class="cards" {
                (heading_of(&["Place", "Left behind, before", "Left behind, now"]))
                tbody {
                    @for site in &c.sites {
                        (place(&site.place, &[("before", site.base), ("now", site.new)]))
                    }
                }
            }
        }
    }
}

/// Renders the places of a version that is not compared.
fn places(r: &Release) -> Markup {
    let created = |p: &Creations| (p.place.clone(), r.totals.created(p));
    let all: Vec<_> = r.totals.places.iter().take(PLACES).map(created).collect();
    if all.is_empty() {
        return html! {};
    }
    html! {
        h3 { "Goroutines of " (text(&r.version)) " by the place that creates them" }
        table class="cards" {
            (heading_of(&["Place", "Left behind"]))
            tbody {
                @for (at, created) in &all { (place(at, &[("left behind", *created)])) }
            }
        }
    }
}

fn heading_of(columns: &[&str]) -> Markup {
    html! {
        thead {
            tr {
                @for (i, column) in columns.iter().enumerate() {
                    th class=[(i > 0).then_some("number")] { (column) }
                }
            }
        }
    }
}

fn place(at: &Frame, created: &[(&str, Created)]) -> Markup {
    html! {
        tr {
            td { (text(&human::place(at))) }
            @for (what, one) in created {
                td class="number" data-is=(what) {
                    (format!("{:.2}/s of {:.2}/s", one.left_per_second, one.per_second))
                }
            }
        }
    }
}

/// Renders a time to the minute.
fn minute(at: Timestamp) -> Markup {
    html! { time { (at.strftime("%Y-%m-%d %H:%M").to_string()) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Evidence, Options, Quantity, judge};
    use crate::rules::{Distribution, Rule};

    /// Renders a comparison of 60 captures of one instance with version 2.0.
    fn text(evidence: Vec<Evidence>) -> String {
        let comparison = Comparison {
            previous: "2.0".into(),
            effect: 0.1,
            signals: judge(evidence, &Options::default()),
            sites: Vec::new(),
        };
        told(&comparison, (60, 1)).into_string()
    }

    #[test]
    fn captures_are_those_of_the_version_in_the_row() {
        let out = text(Vec::new());
        assert!(
            out.contains("60 captures of 1 instance, against 2.0"),
            "{out}"
        );
    }

    #[test]
    fn a_version_of_which_nothing_can_be_told_is_not_called_no_worse() {
        let rule = Rule::find("GCPauseSpike").unwrap();
        let mut seen = Distribution::default();
        seen.record(1_000);
        let mut evidence = Evidence::new(rule, seen.clone(), seen);
        let floor = Quantity::P50.floor(Options::default().settings.of(rule));
        evidence.add(Quantity::P50, floor, (&[], &[]), 0.2);
        let out = text(vec![evidence]);
        assert!(out.contains("too little to tell"), "{out}");
        assert!(!out.contains("no worse"), "{out}");
    }
}
