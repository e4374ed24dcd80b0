//! The program over time: one lane per rule with findings, stops, heap and goroutines.

use std::collections::HashSet;

use maud::{Markup, html};

use super::{clip, findings, picture, shell};
use crate::report::svg::{Lane, Mark, timeline};
use crate::report::{Options, Report, ranked, top};

/// Maximum number of marks in a lane; more could not be told apart on a screen.
const MARKS: usize = 60;

/// Renders the timeline of one trace; empty if nothing over time is known.
pub(super) fn write(number: usize, report: &Report, options: &Options) -> Markup {
    let lanes = lanes(number, report, options);
    if lanes.is_empty() && report.course.is_none() {
        return html! {};
    }
    let (duration, course) = (report.trace.duration_ns, report.course.as_ref());
    let drawn = picture(|out| timeline(out, duration, &lanes, course));
    html! {
        h3 { "Over time" }
        (shell::wide("Timeline", &drawn))
        @if course.is_some() {
            ul class="legend" {
                li class="stopped" { "world stopped" }
                li class="heap-max" { "heap" }
                li class="heap-live" { "live after the last collection" }
                li class="heap-goal" { "goal" }
                li class="runnable" { "runnable goroutines, at most" }
                li class="running" { "running goroutines, on average" }
            }
        }
    }
}

fn lanes<'a>(number: usize, report: &'a Report, options: &Options) -> Vec<Lane<'a>> {
    let shown = top(report, options.top).into_iter();
    let shown: HashSet<&str> = shown.map(|f| f.id.as_str()).collect();
    let ranked = ranked(report);
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for rule in &report.rules {
        let of_rule = ranked
            .iter()
            .filter(|f| f.rule == rule.rule && shown.contains(f.id.as_str()));
        let marks = of_rule.take(MARKS).map(|f| Mark {
            from: f.first_ns,
            to: f.last_ns,
            worst: (f.worst_at_ns, f.worst_at_ns.saturating_add(f.worst_for_ns)),
            severity: f.severity,
            text: format!("{}: {}", f.rule.name, clip(&f.message)),
            link: findings::anchor(number, f),
        });
        let marks: Vec<_> = marks.collect();
        if !marks.is_empty() {
            let name = rule.rule.name;
            lanes.push(Lane { name, marks });
        }
    }
    lanes
}
