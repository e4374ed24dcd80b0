//! Quantities, places and verdicts in words.

use std::cmp::Reverse;

use super::{Finding, Frame, Pressure, Report, SampledFunction, TraceInfo};
use crate::rules::{Severity, Unit};
use crate::timeline::{Leaf, Leaves, State, StateVector};
use crate::units::{bytes, duration};

/// Formats a whole number with thousands separators: `12,345`.
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

/// Formats a number of things: `1 event`, `2 events`.
pub fn plural(n: u64, thing: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {thing}{s}", count(n))
}

/// Formats a count in at most five characters: `1,352`, `38.9k`, `5.4M`.
pub fn about(n: u64) -> String {
    match n {
        0..10_000 => count(n),
        10_000..999_950 => format!("{:.1}k", n as f64 / 1e3),
        999_950..999_950_000 => format!("{:.1}M", n as f64 / 1e6),
        _ => format!("{:.1}G", n as f64 / 1e9),
    }
}

/// Returns the first sentence of a text.
pub fn first_sentence(text: &str) -> &str {
    match text.find(". ") {
        Some(end) => &text[..=end],
        None => text,
    }
}

/// Formats a value in a rule's unit.
pub fn value(unit: Unit, value: u64) -> String {
    match unit {
        Unit::Nanoseconds => duration(value),
        Unit::Bytes => bytes(value),
        Unit::Goroutines => count(value),
        Unit::Share => format!("{:.1}%", value as f64 / 1e4),
        Unit::Rate => format!("{:.1}/s", value as f64 / 1e3),
    }
}

/// Formats a value with its noun if the unit does not include one: `5 goroutines`.
pub fn amount(unit: Unit, n: u64) -> String {
    match unit {
        Unit::Goroutines => plural(n, "goroutine"),
        _ => value(unit, n),
    }
}

/// Formats the extent of a finding: `×21, worst 86.1ms, 1.2s in all`. Occurrences that the trace cuts off make it a
/// lower bound.
pub fn extent(finding: &Finding) -> String {
    let unit = finding.unit();
    let least = if finding.open > 0 { "≥" } else { "" };
    let worst = value(unit, finding.worst);
    if finding.count <= 1 {
        return format!("{least}{worst}");
    }
    let times = count(finding.count);
    if unit.is_rate() {
        return format!("×{times}, {least}{worst}");
    }
    let total = value(unit, finding.total);
    let places = match finding.all_places() {
        1 => String::new(),
        n => format!(", at {}", plural(n, "place")),
    };
    format!("×{times}, worst {least}{worst}, {least}{total} in all{places}")
}

/// Lists the places of a phase, at most so many: `shop.serve serve.go:12 ×20 (worst 26.5ms) and 62 more`. `None` for
/// a finding of one place.
pub fn places(finding: &Finding, most: usize) -> Option<String> {
    let all = finding.all_places();
    if all <= 1 {
        return None;
    }
    let shown = finding.places.iter().take(most).map(|at| {
        let worst = value(finding.unit(), at.worst);
        format!("{} ×{} (worst {worst})", place(&at.place), count(at.count))
    });
    let shown: Vec<_> = shown.collect();
    let more = match all - shown.len() as u64 {
        0 => String::new(),
        n => format!(" and {} more", count(n)),
    };
    Some(format!("{}{more}", shown.join(", ")))
}

/// Formats a verdict: `3 findings: 1 error, 2 warnings`. `paint` may color its parts; parts without a severity mean
/// that all is well. If no rule had evidence, "no findings" would mean nothing, so the verdict says that.
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
    let parts = parts.map(|(s, n)| paint(Some(s), number_of(s, n)));
    let parts: Vec<_> = parts.collect();
    format!("{}: {}", plural(all, "finding"), parts.join(", "))
}

/// Formats `1 error`, `2 warnings`.
pub fn number_of(severity: Severity, n: u64) -> String {
    match severity {
        Severity::Error => plural(n, "error"),
        Severity::Warn => plural(n, "warning"),
        Severity::Info => format!("{} info", count(n)),
    }
}

/// Formats the verdict of a report, the number of known findings, and whether the trace broke off.
pub fn outcome(report: &Report, paint: impl Fn(Option<Severity>, String) -> String) -> String {
    if report.is_unreadable() {
        return paint(Some(Severity::Error), "could not be read".into());
    }
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

/// Lists facts about a trace.
pub fn facts(trace: &TraceInfo) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(trace.go_version.as_ref().map(|v| format!("Go {v} format")));
    let lasted = duration(trace.duration_ns);
    facts.push(match trace.start_time {
        Some(start) => format!("{lasted} from {start:.3}"),
        None => lasted,
    });
    facts.push(plural(trace.events, "event"));
    facts.push(plural(trace.generations, "generation"));
    facts.push(bytes(trace.bytes));
    facts.extend(trace.gomaxprocs.map(|n| format!("GOMAXPROCS {n}")));
    if trace.lost_bytes > 0 {
        facts.push(format!("{} lost", bytes(trace.lost_bytes)));
    }
    facts
}

/// Lists the states that took most of a time, the largest first: `select 61.2%, running 8.1%`. States below 0.1% are
/// left out. Empty without any time.
pub fn states(time: &StateVector, most: usize) -> String {
    let states = State::ALL.into_iter();
    let states = states.map(|state| (state.words(), time.of(state)));
    largest(states.collect(), time.total(), most)
}

/// Lists what waits were in the end, as [`states`].
fn leaves(time: &Leaves, most: usize) -> String {
    let leaves = Leaf::all().map(|leaf| (leaf.words(), time.of(leaf)));
    largest(leaves.collect(), time.total(), most)
}

/// Lists the largest parts of a total.
fn largest(mut parts: Vec<(&str, u64)>, total: u64, most: usize) -> String {
    let share = |ns: u64| ns as f64 / total as f64 * 100.0;
    parts.sort_by_key(|(_, ns)| Reverse(*ns));
    let large = parts
        .into_iter()
        .filter(|(_, ns)| *ns > 0 && share(*ns) >= 0.05);
    let texts = large.map(|(name, ns)| format!("{name} {:.1}%", share(ns)));
    texts.take(most).collect::<Vec<_>>().join(", ")
}

/// Lists what a time was in the end; `None` if that moves less than a twentieth of it to other states.
pub fn in_the_end(time: &StateVector, end: &Leaves, most: usize) -> Option<String> {
    let moved = (Leaves::default().or_own(time) - *end).total();
    let differs = moved > 0 && moved >= end.total() / 20;
    differs.then(|| leaves(end, most))
}

/// Lists what a finding's waits were in the end; `None` if they are not waits for other goroutines.
pub fn waits_in_the_end(finding: &Finding) -> Option<String> {
    const LEAVES: usize = 4;
    let time = finding.time_in_the_end.as_ref()?;
    Some(leaves(time, LEAVES))
}

/// Formats the time of the program's goroutines by state in one line; `None` if the trace has none.
pub fn program_time(time: &StateVector) -> Option<String> {
    const STATES: usize = 8;
    let total = time.total();
    (total > 0).then(|| {
        let states = states(time, STATES);
        format!("time of goroutines, {} in all: {states}", duration(total))
    })
}

/// Formats the functions with most CPU samples in one line; `None` if the trace has no samples.
pub fn cpu_samples(report: &Report) -> Option<String> {
    const FUNCTIONS: usize = 5;
    let cpu = report.cpu_samples.as_ref()?;
    let part = |f: &SampledFunction| {
        let percent = f.flat as f64 / cpu.count.max(1) as f64 * 100.0;
        format!("{} {percent:.0}%", short(&f.function))
    };
    let top = cpu.functions.iter().filter(|f| f.flat > 0);
    let top: Vec<_> = top.take(FUNCTIONS).map(part).collect();
    let samples = plural(cpu.count, "CPU sample");
    let total = duration(cpu.count.saturating_mul(cpu.period_ns));
    Some(format!("{samples}, {total} in all: {}", top.join(", ")))
}

/// Formats the scheduler pressure in one line; `None` if it is less than 1 % of the trace or unknown.
pub fn sched_pressure(report: &Report) -> Option<String> {
    let Pressure { some_ns, full_ns } = report.program.sched_pressure?;
    let all = report.trace.duration_ns.max(1);
    (some_ns.saturating_mul(100) >= all).then(|| {
        let [some, full] = [some_ns, full_ns].map(|ns| ns as f64 / all as f64 * 100.0);
        format!(
            "scheduler pressure: goroutines were runnable and not running for {some:.1}% of the time; none ran for \
             {full:.1}%"
        )
    })
}

/// Formats function and position, short enough for a row: `cart.(*Store).Add store.go:42`.
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

/// Returns a function without the directories of its package: `cart.(*Store).Add` of
/// `example.com/shop/cart.(*Store).Add`.
pub fn short(function: &str) -> &str {
    // Type arguments in brackets may contain slashes.
    let end = function.find(['(', '[']).unwrap_or(function.len());
    match function[..end].rfind('/') {
        Some(slash) => &function[slash + 1..],
        None => function,
    }
}

/// Returns the name of the frame's source file without directories; empty if unknown.
pub fn file_name(frame: &Frame) -> &str {
    frame.file.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Formats `store.go:42`; empty if unknown.
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
    fn states_are_sorted_by_their_shares() {
        let mut ns = [0; State::ALL.len()];
        ns[State::Select.index()] = 900_000;
        ns[State::ChanSend.index()] = 99_900;
        ns[State::Running.index()] = 100;
        let time = StateVector::from_values(ns, 0, [0; 3]);
        assert_eq!(states(&time, 3), "select 90.0%, chan send 10.0%");
        assert_eq!(states(&time, 1), "select 90.0%");
        let all = program_time(&time);
        assert_eq!(
            all.as_deref(),
            Some("time of goroutines, 1ms in all: select 90.0%, chan send 10.0%")
        );
        assert_eq!(program_time(&StateVector::default()), None);
    }

    #[test]
    fn thousands_are_set_apart() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(n), text);
        }
    }
}
