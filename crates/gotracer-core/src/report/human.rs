//! Quantities, places and verdicts as people read them.

use super::{Finding, Frame, Report, TraceInfo};
use crate::rules::{Severity, Unit};
use crate::units::{bytes, duration};

/// A whole number with its thousands set apart: `12,345`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number of things: `1 event`, `2 events`.
pub fn plural(n: u64, thing: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {thing}{s}", count(n))
}

/// A value in a rule's unit.
pub fn value(unit: Unit, value: u64) -> String {
    match unit {
        Unit::Nanoseconds => duration(value),
        Unit::Bytes => bytes(value),
        Unit::Goroutines => count(value),
    }
}

/// How often and how much: `×21, worst 86.1ms, 1.2s in all`. What the trace's
/// start or end cut off is a lower bound.
pub fn extent(finding: &Finding) -> String {
    let unit = finding.unit();
    let least = if finding.open > 0 { "≥" } else { "" };
    let worst = value(unit, finding.worst);
    if finding.count <= 1 {
        return format!("{least}{worst}");
    }
    let (times, total) = (count(finding.count), value(unit, finding.total));
    format!("×{times}, worst {least}{worst}, {least}{total} in all")
}

/// `3 findings: 1 error, 2 warn`; `paint` may colour the parts, those without
/// a severity mean that all is well. Where no rule had evidence, no finding
/// means nothing.
pub fn verdict<'a>(
    reports: impl IntoIterator<Item = &'a Report>,
    paint: impl Fn(Option<Severity>, String) -> String,
) -> String {
    let mut counts = [0; Severity::ALL.len()];
    let mut judged = false;
    for report in reports {
        judged |= report.is_judged();
        for finding in &report.findings {
            counts[finding.severity as usize] += 1;
        }
    }
    let all: u64 = counts.iter().sum();
    if all == 0 {
        return match judged {
            true => paint(None, "no findings".into()),
            false => paint(Some(Severity::Warn), "no rule could be judged".into()),
        };
    }
    let of = |severity: Severity| Some((severity, counts[severity as usize]));
    let parts = Severity::ALL.into_iter().filter_map(of);
    let parts = parts.filter(|&(_, n)| n > 0);
    let parts = parts.map(|(s, n)| paint(Some(s), format!("{} {}", count(n), s.name())));
    let parts: Vec<_> = parts.collect();
    format!("{}: {}", plural(all, "finding"), parts.join(", "))
}

/// What a report found, how much more a baseline knows, and whether the trace
/// was whole.
pub fn outcome(report: &Report, paint: impl Fn(Option<Severity>, String) -> String) -> String {
    let mut outcome = verdict([report], paint);
    if report.known > 0 {
        outcome += &format!("; {} known", count(report.known));
    }
    if !report.suppressed.is_empty() {
        outcome += &format!("; {} suppressed", count(report.suppressed.len() as u64));
    }
    if report.trace.error.is_some() {
        outcome += " in what could be read";
    }
    outcome
}

/// What a trace was, one fact after the other.
pub fn facts(trace: &TraceInfo) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(trace.go_version.as_ref().map(|v| format!("Go {v}")));
    facts.extend(
        trace
            .start_time
            .map(|start| window(start, trace.duration_ns)),
    );
    facts.push(duration(trace.duration_ns));
    facts.push(plural(trace.events, "event"));
    facts.push(plural(trace.generations, "generation"));
    facts.push(bytes(trace.bytes));
    if trace.lost_bytes > 0 {
        facts.push(format!("{} lost", bytes(trace.lost_bytes)));
    }
    facts
}

/// The trace's wall-clock window.
fn window(start: jiff::Timestamp, duration_ns: u64) -> String {
    let nanoseconds = i64::try_from(duration_ns).unwrap_or(i64::MAX);
    match start.checked_add(jiff::SignedDuration::from_nanos(nanoseconds)) {
        Ok(end) => format!("{start:.3} to {end:.3}"),
        Err(_) => format!("from {start:.3}"),
    }
}

/// Function and position, short enough for a row: `cart.(*Store).Add
/// store.go:42`.
pub fn place(frame: &Frame) -> String {
    let function = match short(&frame.function) {
        "" => "(unknown place)",
        function => function,
    };
    match position(frame).as_str() {
        "" => function.into(),
        position => format!("{function} {position}"),
    }
}

/// A function without the directories of its package:
/// `cart.(*Store).Add` of `example.com/shop/cart.(*Store).Add`.
pub fn short(function: &str) -> &str {
    // What stands in brackets are type arguments, with slashes of their own.
    let end = function.find(['(', '[']).unwrap_or(function.len());
    match function[..end].rfind('/') {
        Some(slash) => &function[slash + 1..],
        None => function,
    }
}

/// Name of the frame's source file without its directories; empty if unknown.
pub fn file_name(frame: &Frame) -> &str {
    frame.file.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// `store.go:42`; empty if unknown.
fn position(frame: &Frame) -> String {
    match (file_name(frame), frame.line) {
        ("", _) => String::new(),
        (file, 0) => file.into(),
        (file, line) => format!("{file}:{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_lose_their_directories_only() {
        for (full, shown) in [
            ("main.main", "main.main"),
            ("net/http.(*conn).serve", "http.(*conn).serve"),
            ("a.b/c/d.F[a.b/x.T].func1", "d.F[a.b/x.T].func1"),
            ("a/b.(*T[x/y.Z]).M", "b.(*T[x/y.Z]).M"),
            ("", ""),
        ] {
            assert_eq!(short(full), shown);
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1234567, "1,234,567"),
        ] {
            assert_eq!(count(n), text);
        }
    }
}
