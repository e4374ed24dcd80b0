//! What each rule saw, whether or not that was too much.

use std::fmt::{self, Write as _};

use super::{Html, clip};
use crate::report::svg::{Mark, Series, histogram};
use crate::report::{Report, RuleReport, Status, human};
use crate::rules::Limit;

/// The rules of one trace: those with something to show, then the others.
pub fn write(out: &mut String, report: &Report) -> fmt::Result {
    out.push_str("<h3>Rules</h3>\n<div class=\"rules\">\n");
    for asked in &report.rules {
        rule(out, asked)?;
    }
    out.push_str("</div>\n");
    Ok(())
}

fn rule(out: &mut String, asked: &RuleReport) -> fmt::Result {
    let class = match asked.status {
        Status::Ok => "good",
        Status::Found => "warn",
        Status::NotApplicable => "weak",
    };
    let (rule, seen) = (asked.rule, &asked.measurement);
    writeln!(
        out,
        "<article class=\"rule\">\n<h4>{} <span class=\"{class}\">{}</span></h4>\n\
         <p class=\"weak\">{}</p>",
        rule.name,
        asked.status.name(),
        Html(rule.summary)
    )?;
    if let Some(reason) = &asked.reason {
        writeln!(out, "<p>{}</p>", Html(clip(reason)))?;
    }
    if seen.count() > 0 {
        let series = [Series {
            name: rule.name,
            class: "seen",
            seen,
        }];
        let limits = asked.thresholds.iter();
        let limits = limits.flat_map(|l| [("warn", l.warn), ("error", l.error)]);
        let mark = |(name, limit): (&'static str, Limit)| Mark {
            name,
            class: name,
            value: limit.value,
        };
        let marks: Vec<_> = limits.map(mark).collect();
        histogram(out, rule.unit, &series, &marks)?;
        out.push_str("<dl>");
        let value = |n| human::value(rule.unit, n);
        for (term, text) in [
            ("values", human::count(seen.count())),
            ("median", value(seen.quantile(0.5))),
            ("99 %", value(seen.quantile(0.99))),
            ("most", value(seen.max())),
            ("in all", value(seen.sum())),
        ] {
            write!(out, "<div><dt>{term}</dt><dd>{text}</dd></div>")?;
        }
        out.push_str("</dl>\n");
    } else if asked.status != Status::NotApplicable {
        out.push_str("<p>None in this trace.</p>\n");
    }
    out.push_str("</article>\n");
    Ok(())
}
