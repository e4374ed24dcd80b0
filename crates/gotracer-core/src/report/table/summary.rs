//! Summary of several traces: findings of the same rule at the same place are one line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::text::safe;
use super::{INDENT, paint};
use crate::report::style::Style;
use crate::report::{Finding, Options, Report, human};

/// The same finding in several traces.
struct Same<'a> {
    traces: u64,
    count: u64,
    worst: &'a Finding,
}

/// Writes the findings of all traces.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    let found = reports.iter().filter(|r| !r.findings.is_empty()).count() as u64;
    let unreadable = reports.iter().filter(|r| r.is_unreadable()).count() as u64;
    let broken = reports.iter().filter(|r| r.trace.error.is_some()).count() as u64 - unreadable;
    let traces = human::plural(reports.len() as u64, "trace");
    writeln!(out, "{}", style.bold(format!("summary of {traces}")))?;
    for same in grouped(reports) {
        let f = same.worst;
        let line = format!(
            "{} {}: in {}, ×{}, worst {}",
            style.severity(f.severity, format!("{:<5}", f.severity.name())),
            f.rule.name,
            human::plural(same.traces, "trace"),
            human::count(same.count),
            human::value(f.unit(), f.worst),
        );
        writeln!(out, "{line}\n{INDENT}{}", safe(&human::place(&f.place)))?;
    }
    let mut line = human::verdict(reports, paint(style));
    if found > 0 {
        line += &format!(", in {} of {traces}", human::count(found));
    }
    if broken > 0 {
        line += &format!("; {} broke off", human::plural(broken, "trace"));
    }
    if unreadable > 0 {
        line += &format!("; {} could not be read", human::plural(unreadable, "trace"));
    }
    writeln!(out, "{line}")
}

/// Groups findings by id, the most severe first, then those in most traces.
fn grouped(reports: &[Report]) -> Vec<Same<'_>> {
    let mut by_id: BTreeMap<(usize, &str), Same<'_>> = BTreeMap::new();
    for finding in reports.iter().flat_map(|r| &r.findings) {
        let same = by_id
            .entry((finding.rule.index(), &finding.id))
            .or_insert(Same {
                traces: 0,
                count: 0,
                worst: finding,
            });
        same.traces += 1;
        same.count += finding.count;
        let harm = |f: &Finding| (f.severity, f.worst);
        if harm(finding) > harm(same.worst) {
            same.worst = finding;
        }
    }
    let mut groups: Vec<_> = by_id.into_values().collect();
    groups.sort_by_key(|s| std::cmp::Reverse((s.worst.severity, s.traces, s.count)));
    groups
}
