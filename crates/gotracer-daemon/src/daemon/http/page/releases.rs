//! The versions of each service, and what became of them.

use std::fmt::{self, Write};

use jiff::Timestamp;

use super::{Html, page};
use crate::compare::words::{Row, rows};
use crate::compare::{Created, Verdict};
use crate::releases::{Comparison, Release};
use crate::report::human::{self, count, plural};
use crate::report::{Creations, Frame};
use crate::units::{bytes, duration};

/// The most places of a version that are listed.
const PLACES: usize = 10;

/// The page; of each service, the newest version comes first.
pub fn releases(all: &[Release]) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = body(&mut out, all);
    page("gotracer: releases", &out)
}

fn body(out: &mut String, all: &[Release]) -> fmt::Result {
    out.push_str(
        "<nav><a href=\"./\">All traces</a> <a href=\"api/v1/releases\">Releases (JSON)</a></nav>\n\
         <h1>Releases</h1>\n",
    );
    if all.is_empty() {
        out.push_str(
            "<p>Nothing is known yet. A target needs the label version, and service or job.</p>\n",
        );
    }
    for versions in all.chunk_by(|a, b| a.service == b.service) {
        service(out, versions)?;
    }
    Ok(())
}

fn service(out: &mut String, versions: &[Release]) -> fmt::Result {
    let Some(newest) = versions.first() else {
        return Ok(());
    };
    write!(
        out,
        "<h2>{}</h2>\n<table><thead><tr><th>Version</th><th>Since</th><th>Last capture</th>\
         <th class=\"number\">Captures</th><th class=\"number\">Observed</th>\
         <th class=\"number\">Live heap</th><th>Against the version before</th></tr></thead><tbody>\n",
        Html(&newest.service)
    )?;
    for (n, release) in versions.iter().enumerate() {
        version(out, release, n + 1 == versions.len())?;
    }
    out.push_str("</tbody></table>\n");
    for release in versions {
        if let Some(comparison) = &release.comparison {
            compared(out, release, comparison)?;
        }
    }
    match newest.comparison {
        None => places(out, newest),
        Some(_) => Ok(()),
    }
}

/// One of them; the `first` has none before it.
fn version(out: &mut String, r: &Release, first: bool) -> fmt::Result {
    let totals = &r.totals;
    write!(
        out,
        "<tr><td>{}</td><td data-is=\"since\">{}</td><td data-is=\"last\">{}</td>",
        Html(&r.version),
        Time(totals.first_seen),
        Time(totals.last_seen),
    )?;
    let heap = totals.heap.map_or(String::new(), |heap| {
        match (bytes(heap.lowest), bytes(heap.highest)) {
            (low, high) if low == high => low,
            (low, high) => format!("{low} to {high}"),
        }
    });
    for (what, number) in [
        ("captures", count(totals.captures)),
        ("observed", duration(totals.observed_ns)),
        ("live heap", heap),
    ] {
        write!(out, "<td class=\"number\" data-is=\"{what}\">{number}</td>")?;
    }
    out.push_str("<td>");
    verdict(out, r, first)?;
    out.write_str("</td></tr>\n")
}

fn verdict(out: &mut String, r: &Release, first: bool) -> fmt::Result {
    let Some(comparison) = &r.comparison else {
        let why = match (first, r.current) {
            (true, _) => "the first one that is known",
            (false, true) => "not compared yet: too little is known of it, or of those before",
            (false, false) => "does not run",
        };
        return write!(out, "<span class=\"weak\">{why}</span>");
    };
    told(out, comparison, r.evidence)
}

/// What a comparison of a version tells, by so many captures and instances of
/// that version.
fn told(out: &mut String, comparison: &Comparison, evidence: (usize, usize)) -> fmt::Result {
    let worse: Vec<_> = comparison.worse().collect();
    let judged = comparison.verdicts().next().is_some();
    match (worse.is_empty(), judged) {
        (true, true) => out.write_str("<span class=\"good\">no worse</span>"),
        (true, false) => out.write_str("<span class=\"weak\">too little to tell</span>"),
        (false, _) => write!(
            out,
            "<span class=\"error\">worse: {}</span>",
            worse.join(", ")
        ),
    }?;
    let (captures, instances) = evidence;
    write!(
        out,
        "<br><span class=\"weak\">{} of {}, against {}</span>",
        plural(captures as u64, "capture"),
        plural(instances as u64, "instance"),
        Html(&comparison.previous)
    )
}

fn compared(out: &mut String, r: &Release, c: &Comparison) -> fmt::Result {
    let (version, previous) = (Html(&r.version), Html(&c.previous));
    write!(
        out,
        "<h3>{version} against {previous}</h3>\n<table><thead><tr><th>Rule</th><th>Quantity</th>\
         <th class=\"number\">{previous}</th><th class=\"number\">{version}</th><th class=\"number\">Change</th>\
         <th>Verdict</th></tr></thead><tbody>\n",
    )?;
    for Row {
        rule,
        quantity,
        base,
        new,
        change,
        verdict,
        words,
    } in rows(&c.signals, c.effect)
    {
        let class = match verdict {
            Verdict::Regression => "error",
            Verdict::Improvement => "good",
            Verdict::NoChange | Verdict::TooLittle => "weak",
        };
        writeln!(
            out,
            "<tr><td>{}</td><td>{quantity}</td><td class=\"number\" data-is=\"before\">{base}</td>\
             <td class=\"number\" data-is=\"now\">{new}</td><td class=\"number\" data-is=\"change\">{change}</td>\
             <td class=\"{class}\">{}</td></tr>",
            rule.name,
            Html(words)
        )?;
    }
    out.push_str("</tbody></table>\n");
    if c.sites.is_empty() {
        return Ok(());
    }
    out.push_str("<h3>Goroutines by the place that creates them</h3>\n");
    heading(out, &["Place", "Left behind, before", "Left behind, now"])?;
    for site in &c.sites {
        place(
            out,
            &site.place,
            &[("before", site.base), ("now", site.new)],
        )?;
    }
    out.write_str("</tbody></table>\n")
}

/// Places of a version that is compared with none.
fn places(out: &mut String, r: &Release) -> fmt::Result {
    let created = |p: &Creations| (p.place.clone(), r.totals.created(p));
    let all: Vec<_> = r.totals.places.iter().take(PLACES).map(created).collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h3>Goroutines of {} by the place that creates them</h3>",
        Html(&r.version)
    )?;
    heading(out, &["Place", "Left behind"])?;
    for (at, created) in all {
        place(out, &at, &[("left behind", created)])?;
    }
    out.write_str("</tbody></table>\n")
}

fn heading(out: &mut String, columns: &[&str]) -> fmt::Result {
    out.push_str("<table><thead><tr>");
    for (i, column) in columns.iter().enumerate() {
        let class = if i > 0 { " class=\"number\"" } else { "" };
        write!(out, "<th{class}>{column}</th>")?;
    }
    out.write_str("</tr></thead><tbody>\n")
}

fn place(out: &mut String, at: &Frame, created: &[(&str, Created)]) -> fmt::Result {
    write!(out, "<tr><td>{}</td>", Html(human::place(at)))?;
    for (what, one) in created {
        let (left, all) = (one.left_per_second, one.per_second);
        write!(
            out,
            "<td class=\"number\" data-is=\"{what}\">{left:.2}/s of {all:.2}/s</td>"
        )?;
    }
    out.write_str("</tr>\n")
}

/// A time to the minute.
struct Time(Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time>{}</time>", self.0.strftime("%Y-%m-%d %H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Evidence, Options, Quantity, judge};
    use crate::rules::{Distribution, Rule};

    /// A comparison of 60 captures of one instance with version 2.0.
    fn text(evidence: Vec<Evidence>) -> String {
        let comparison = Comparison {
            previous: "2.0".into(),
            effect: 0.1,
            signals: judge(evidence, &Options::default()),
            sites: Vec::new(),
        };
        let mut out = String::new();
        told(&mut out, &comparison, (60, 1)).unwrap();
        out
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
