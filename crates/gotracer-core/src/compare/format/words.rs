//! Words and table rows of a comparison, shared by the formats for people.

use crate::compare::{
    Activities, ActivityChange, Change, Comparison, Created, Difference, FindingChange,
    FunctionChange, Quantity, Seen, Side, Signal, SiteChange, Spent, Verdict,
};
use crate::report::{Severity, human};
use crate::rules::{Rule, Unit};
use crate::timeline::State;
use crate::units;

/// Number of traces per side from which most programs show a change by half.
const ENOUGH: usize = 5;

/// Factor from which a detectable change is not worth naming in the limits: no real change is that large.
const ENDLESS: f64 = 1_000.0;

/// A row of the table of measurements.
pub struct Row {
    /// The rule.
    pub rule: &'static Rule,
    /// The quantity's name.
    pub quantity: &'static str,
    /// Value in the base.
    pub base: String,
    /// Value in the new traces.
    pub new: String,
    /// The change in percent, or as a factor.
    pub change: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Verdict in words.
    pub words: String,
}

impl Row {
    /// Column titles.
    pub const HEADING: [&str; 6] = ["RULE", "QUANTITY", "BASE", "NEW", "CHANGE", "VERDICT"];

    /// Returns the cells in column order.
    pub fn cells(&self) -> [String; 6] {
        [
            self.rule.name.into(),
            self.quantity.into(),
            self.base.clone(),
            self.new.clone(),
            self.change.clone(),
            self.words.clone(),
        ]
    }
}

/// Returns a row per quantity that has a value on either side.
pub fn rows(signals: &[Signal], effect: f64) -> Vec<Row> {
    let seen = signals.iter().filter(|s| !is_silent(s));
    let changes = seen.flat_map(|s| s.changes.iter().map(|c| (s.rule, c)));
    let known = changes.filter(|(_, c)| c.base.is_some() || c.new.is_some());
    known
        .map(|(rule, change)| row(rule, change, effect))
        .collect()
}

/// Reports whether neither side has a value.
fn is_silent(s: &Signal) -> bool {
    let seen = |c: &Change| c.base.unwrap_or_default() + c.new.unwrap_or_default() > 0.0;
    s.base.count() + s.new.count() == 0 && !s.changes.iter().any(seen)
}

fn row(rule: &'static Rule, change: &Change, effect: f64) -> Row {
    let of = |side: Option<f64>| side.map_or("-".into(), |v| value(rule.unit, change.quantity, v));
    Row {
        rule,
        quantity: change.quantity.name(),
        base: of(change.base),
        new: of(change.new),
        change: share(change),
        verdict: change.verdict,
        words: verdict(change, effect),
    }
}

fn value(unit: Unit, quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::P50 | Quantity::P99 | Quantity::Floor => human::value(unit, value.round() as u64),
        Quantity::PerSecond | Quantity::Trend => rate(unit, value),
    }
}

/// Formats a rate per second.
fn rate(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Goroutines if value < 100.0 => format!("{value:.1}/s"),
        _ => format!("{}/s", human::value(unit, value.round() as u64)),
    }
}

fn share(change: &Change) -> String {
    match change.verdict {
        Verdict::NoChange | Verdict::TooLittle => "~".into(),
        Verdict::Regression | Verdict::Improvement => match change.share() {
            None => "from nothing".into(),
            // A factor is easier to read than 12,345 %.
            Some(share) if share >= 9.95 => format!("×{}", human::count((share + 1.0) as u64)),
            Some(share) => format!("{:+.0}%", share * 100.0),
        },
    }
}

/// Returns a verdict in words.
fn verdict(change: &Change, effect: f64) -> String {
    match (change.verdict, change.shows_above) {
        (Verdict::Regression, _) => "regression".into(),
        (Verdict::Improvement, _) => "improvement".into(),
        (Verdict::NoChange, Some(ENDLESS..)) => "too little to tell".into(),
        (Verdict::NoChange, Some(least)) if change.may_be_chance(effect) => {
            format!("chance below {}", times(least))
        }
        (Verdict::NoChange, _) => "no change".into(),
        (Verdict::TooLittle, _) => "too little to tell".into(),
    }
}

/// Formats a factor.
fn times(factor: f64) -> String {
    match factor {
        ..2.0 => format!("×{factor:.2}"),
        2.0..9.95 => format!("×{factor:.1}"),
        _ => format!("×{}", human::count(factor.round() as u64)),
    }
}

/// Formats the number of traces of a side and their total length.
pub fn side(side: &Side) -> String {
    let traces = side.sources.len() as u64;
    let observed = units::duration(side.observed_ns);
    match &side.sources[..] {
        [one] => format!("{one}, {observed}"),
        _ => format!("{}, {observed}", human::plural(traces, "trace")),
    }
}

/// Returns one sentence per group of rules that the table leaves out, with the reason.
pub fn left_out(c: &Comparison) -> Vec<String> {
    let reasons = c.signals.iter().filter_map(|s| {
        let why = s.reason.as_ref()?;
        Some(format!("{}: {why}", s.rule.name))
    });
    let silent = c
        .signals
        .iter()
        .filter(|s| s.reason.is_none() && is_silent(s));
    let silent: Vec<_> = silent.map(|s| s.rule.name).collect();
    let silent = (!silent.is_empty()).then(|| format!("{}: nothing was seen", silent.join(", ")));
    reasons.chain(silent).collect()
}

/// Returns the result in one line: changes of measurements, then of findings.
pub fn conclusion(c: &Comparison) -> String {
    let regressions = c.count(Verdict::Regression) as u64;
    let improvements = c.count(Verdict::Improvement) as u64;
    let mut parts = Vec::new();
    if regressions > 0 {
        parts.push(human::plural(regressions, "regression"));
    }
    if improvements > 0 {
        parts.push(human::plural(improvements, "improvement"));
    }
    let differ = |d| c.findings.iter().filter(|f| f.difference == d).count() as u64;
    let findings: Vec<_> = Difference::ALL
        .into_iter()
        .filter(|&d| differ(d) > 0)
        .map(|d| format!("{} {}", human::count(differ(d)), difference(d)))
        .collect();
    if parts.is_empty() {
        let shown = match findings.is_empty() {
            true => "no change shown",
            false => "no regression shown",
        };
        parts.push(shown.into());
    }
    if !findings.is_empty() {
        parts.push(format!("findings: {}", findings.join(", ")));
    }
    parts.join("; ")
}

/// Returns the severity of the result: an error for a regression, otherwise the greatest of findings that are new or
/// worse.
pub fn concern(c: &Comparison) -> Option<Severity> {
    match c.count(Verdict::Regression) {
        0 => c.worse(Severity::Warn).next().map(|_| Severity::Warn),
        _ => Some(Severity::Error),
    }
}

/// Describes how large a change must be to be detected with this number of traces.
pub fn limits(c: &Comparison) -> Vec<String> {
    let chance = |s: &Signal| -> Vec<(&'static Rule, Change)> {
        let changes = s.changes.iter().filter(|c2| c2.may_be_chance(c.effect));
        changes.map(|change| (s.rule, change.clone())).collect()
    };
    let concerns = |s: &&Signal| {
        let mut worse = c.worse(Severity::Info);
        !c.is_regression(s.rule) && worse.any(|f| f.rule == s.rule)
    };
    let of_concern: Vec<_> = c.signals.iter().filter(concerns).flat_map(chance).collect();
    let advice = advice(c);
    if !of_concern.is_empty() {
        let line = |(rule, change): (&Rule, Change)| {
            let what = format!("{} {}", rule.name, change.quantity.name());
            let (least, with) = (change.shows_above?, with(c));
            if least >= ENDLESS {
                return Some(format!("with {with} no change shows in {what}: {advice}"));
            }
            let (least, here) = (times(least), times(change.factor?));
            Some(format!(
                "with {with} only changes above {least} show in {what} (here {here}): {advice}"
            ))
        };
        return of_concern.into_iter().filter_map(line).collect();
    }
    let all = c.signals.iter().flat_map(chance);
    let least = all.filter_map(|(_, change)| change.shows_above);
    let least: Vec<_> = least.filter(|&factor| factor < ENDLESS).collect();
    let (low, high) = least
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), &f| {
            (low.min(f), high.max(f))
        });
    if least.is_empty() || concern(c) == Some(Severity::Error) {
        return Vec::new();
    }
    let range = match (times(low), times(high)) {
        (low, high) if low == high => low,
        (low, high) => format!("{low} to {high}"),
    };
    vec![format!(
        "with {} only changes above {range} show, by quantity: {advice}",
        with(c)
    )]
}

/// Returns the number of traces per side in words.
fn with(c: &Comparison) -> String {
    match (c.base.sources.len() as u64, c.new.sources.len() as u64) {
        (base, new) if base == new => format!("{} a side", human::plural(base, "trace")),
        (base, new) => format!("{base} and {}", human::plural(new, "trace")),
    }
}

/// Returns advice for detecting smaller changes.
fn advice(c: &Comparison) -> &'static str {
    match c.base.sources.len().min(c.new.sources.len()) {
        0..ENOUGH => "give 5 or more",
        _ => "give more or longer ones",
    }
}

/// Returns a word for a difference.
pub fn difference(d: Difference) -> &'static str {
    match d {
        Difference::New => "new",
        Difference::Worse => "worse",
        Difference::Better => "better",
        Difference::Gone => "gone",
    }
}

/// Describes a finding on both sides. Says so if the measurements of its rule disagree with it.
pub fn finding(c: &Comparison, f: &FindingChange) -> String {
    let better = matches!(f.difference, Difference::Better | Difference::Gone);
    match better && c.is_regression(f.rule) {
        true => format!("{}, but {} is a regression", sides(f), f.rule.name),
        false => sides(f),
    }
}

fn sides(f: &FindingChange) -> String {
    let seen = |s: &Seen| {
        let worst = human::value(f.rule.unit, s.worst);
        format!(
            "{} ×{}, worst {worst}",
            s.severity.name(),
            human::count(s.count)
        )
    };
    match (&f.base, &f.new) {
        (Some(base), Some(new)) => format!("{} (was {})", seen(new), seen(base)),
        (Some(one), None) | (None, Some(one)) => seen(one),
        (None, None) => String::new(),
    }
}

/// Describes how many goroutines a place leaves behind.
pub fn site(s: &SiteChange) -> String {
    let left = |c: &Created| rate(Unit::Goroutines, c.left_per_second);
    format!("leaves {} behind (was {})", left(&s.new), left(&s.base))
}

/// Describes the time that the goroutines of a function spend in a state: `waits 3.0 times as long for the network:
/// 300ms/s (was 100ms/s)`.
pub fn function(c: &FunctionChange) -> String {
    let (verb, what) = activity(c.state);
    let what = if what.is_empty() {
        ""
    } else {
        &format!(" {what}")
    };
    let spent = |side: &Spent| rate(Unit::Nanoseconds, side.ns_per_second);
    let (base, new) = (spent(&c.base), spent(&c.new));
    match c.factor() {
        Some(factor) if factor > 0.0 => {
            let factor = match factor {
                ..0.1 => format!("{factor:.2}"),
                0.1..9.95 => format!("{factor:.1}"),
                _ => human::count(factor.round() as u64),
            };
            format!("{verb} {factor} times as long{what}: {new} (was {base})")
        }
        Some(_) => format!("{verb}{what} no longer (was {base})"),
        None => format!("{verb}{what} now: {new}"),
    }
}

/// Returns a verb and an object for a state.
fn activity(state: State) -> (&'static str, &'static str) {
    match state {
        State::Running => ("runs", ""),
        State::Runnable => ("waits", "to be run"),
        State::Syscall => ("is", "in system calls"),
        State::Lock => ("waits", "for locks"),
        State::ChanSend => ("waits", "to send on channels"),
        State::ChanReceive => ("waits", "to receive from channels"),
        State::Select => ("waits", "in select"),
        State::Network => ("waits", "for the network"),
        State::Sleep => ("sleeps", ""),
        State::WaitGroup => ("waits", "for a WaitGroup"),
        State::Cond => ("waits", "for a Cond"),
        State::GcAssist => ("assists", "in garbage collection"),
        State::GcWait => ("waits", "for the garbage collector"),
        State::Other => ("waits", "for something else"),
    }
}

/// Describes how the tasks, regions or requests of one type differ: `p50 40.0ms (was 20.0ms), p99 …, 12.0/s (was 12.0/s);
/// lock 18.0ms each (was 2.00ms)`.
pub fn activities(c: &ActivityChange) -> String {
    let ns = |value: u64| human::value(Unit::Nanoseconds, value);
    let alone = |word: &str, a: &Activities| {
        let (p50, p99) = (ns(a.p50), ns(a.p99));
        format!("{word}: p50 {p50}, p99 {p99}, {:.1}/s", a.per_second)
    };
    let (base, new) = match (&c.base, &c.new) {
        (Some(base), Some(new)) => (base, new),
        (None, Some(new)) => return alone("new", new),
        (Some(base), None) => return alone("gone", base),
        (None, None) => return String::new(),
    };
    let mut text = format!(
        "p50 {} (was {}), p99 {} (was {}), {:.1}/s (was {:.1}/s)",
        ns(new.p50),
        ns(base.p50),
        ns(new.p99),
        ns(base.p99),
        new.per_second,
        base.per_second
    );
    if let Some((state, base, new)) = c.state() {
        let [base, new] = [base, new].map(|mean| ns(mean.round() as u64));
        text += &format!("; {} {new} each (was {base})", state.words());
    }
    text
}
