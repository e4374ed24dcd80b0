//! One finding: message, place, extent, cause and help, in the layout of compiler diagnostics.

use std::io::{self, Write};

use super::INDENT;
use super::text::{safe, stack, wrapped};
use crate::report::style::Style;
use crate::report::{Detail, Finding, Options, Report, human, share};
use crate::units::duration;

/// Number of places of a phase that are shown without `--verbose`.
const FEW_PLACES: usize = 2;

/// Writes a finding and its number, which `explain --finding` accepts. `helped` is the number of a finding above it with
/// the same suggestion.
pub(super) fn write(
    out: &mut dyn Write,
    report: &Report,
    (number, finding): (usize, &Finding),
    helped: Option<usize>,
    options: &Options,
) -> io::Result<()> {
    let style = Style::new(options.color);
    let head = format!("{}[{}]", finding.severity.name(), finding.rule.name);
    let head = style.severity(finding.severity, head);
    let message = safe(&finding.message);
    wrapped(out, "", &format!("{head} {message}"), options.width)?;
    let place = safe(&human::place(&finding.place));
    writeln!(out, "  {} {}", style.dim("-->"), style.bold(place))?;
    let extent = extent(report, number, finding);
    wrapped(out, INDENT, &extent, options.width)?;
    let full = options.detail == Detail::Full;
    if let Some(cause) = &finding.cause {
        labelled(out, "cause:", &safe(&cause.text), options)?;
        if full {
            stack(out, "cause's stack", &cause.stack)?;
        }
    }
    if full && let Some(end) = human::waits_in_the_end(finding) {
        labelled(out, "in the end:", &end, options)?;
    }
    let most = if full { usize::MAX } else { FEW_PLACES };
    if let Some(places) = human::places(finding, most) {
        labelled(out, "places:", &safe(&places), options)?;
    }
    let help = match helped {
        Some(above) => format!("as for finding {above}"),
        None if full => finding.suggestion.clone(),
        None => human::first_sentence(&finding.suggestion).into(),
    };
    labelled(out, "help:", &safe(&help), options)?;
    if full {
        if !finding.goroutines.is_empty() {
            let ids: Vec<_> = finding.goroutines.iter().map(ToString::to_string).collect();
            labelled(out, "goroutine ids:", &ids.join(", "), options)?;
        }
        stack(out, "stack", &finding.stack)?;
    }
    Ok(())
}

fn labelled(out: &mut dyn Write, label: &str, text: &str, options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    let line = format!("{} {text}", style.dim(label));
    wrapped(out, INDENT, &line, options.width)
}

/// Formats `finding 1: 6 times, worst 95ms at 1.15s, 469ms in total (15% of the time)`.
fn extent(report: &Report, number: usize, finding: &Finding) -> String {
    let unit = finding.unit();
    // A length that the trace's start or end cut off is a lower bound.
    let least = if finding.open > 0 { "≥" } else { "" };
    let worst = human::amount(unit, finding.worst);
    let at = duration(finding.worst_at_ns);
    let share = report.share_lost(finding);
    let share = share.map_or(String::new(), |share| {
        format!(" ({})", share::phrase(finding.rule, share))
    });
    match finding.count {
        // The value of a rate is that of all occurrences.
        count if unit.is_rate() => {
            let count = human::count(count);
            format!("finding {number}: {count} times, {least}{worst}")
        }
        0 | 1 => format!("finding {number}: {least}{worst} at {at}{share}"),
        count => {
            let (count, total) = (human::count(count), human::amount(unit, finding.total));
            format!(
                "finding {number}: {count} times, worst {least}{worst} at {at}, \
                 {least}{total} in total{share}"
            )
        }
    }
}
