//! Distribution of each rule's measurement, with its thresholds.

use maud::{Markup, html};

use super::{clip, picture};
use crate::report::svg::{Limit, Series, histogram};
use crate::report::{Report, RuleReport, Status, human, share};

/// Renders the rules of one trace.
pub(super) fn write(report: &Report) -> Markup {
    html! {
        h3 { "Rules" }
        div class="rules" {
            @for rule in &report.rules { (one(report, rule)) }
        }
    }
}

fn one(report: &Report, asked: &RuleReport) -> Markup {
    let class = match asked.status {
        Status::Ok => "good",
        Status::Found => "warn",
        Status::NotApplicable => "weak",
    };
    let (rule, seen) = (asked.rule, &asked.measurement);
    html! {
        article class="rule" {
            h4 { (rule.name) " " span class=(class) { (asked.status.name()) } }
            p class="weak" { (rule.summary) }
            @if let Some(reason) = &asked.reason {
                p { (clip(reason)) }
            }
            @if seen.count() > 0 {
                (drawn(asked))
                dl {
                    @let value = |n| human::value(rule.unit, n);
                    @for (term, text) in [
                        ("count", human::count(seen.count())),
                        ("p50", value(seen.quantile(0.5))),
                        ("p99", value(seen.quantile(0.99))),
                        ("max", value(seen.max())),
                        ("total", value(seen.sum())),
                    ] {
                        div { dt { (term) } dd { (text) } }
                    }
                    @if let Some(share) = report.share(asked) {
                        div { dt { "share" } dd { (share::text(share)) } }
                    }
                }
            } @else if asked.status != Status::NotApplicable {
                p { "None in this trace." }
            }
        }
    }
}

fn drawn(asked: &RuleReport) -> Markup {
    let series = [Series {
        name: asked.rule.name,
        class: "seen",
        seen: &asked.measurement,
    }];
    let limits = asked.thresholds.iter();
    let limits = limits.flat_map(|l| [("warn", l.warn), ("error", l.error)]);
    let limits: Vec<_> = limits
        .filter(|(_, limit)| !limit.is_never())
        .map(|(name, limit)| Limit {
            name,
            class: name,
            value: limit.value,
        })
        .collect();
    picture(|out| histogram(out, asked.rule.unit, &series, &limits))
}
