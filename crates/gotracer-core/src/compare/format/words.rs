//! A comparison in words and rows, for every format that people read.

use crate::compare::{
    Change, Comparison, Created, Difference, FindingChange, Quantity, Seen, Side, Signal,
    SiteChange, Verdict,
};
use crate::report::human;
use crate::rules::{Rule, Unit};
use crate::units;

/// A row of the signals' table.
pub struct Row {
    /// The rule.
    pub rule: &'static Rule,
    /// The quantity's name.
    pub quantity: &'static str,
    /// What it was.
    pub base: String,
    /// What it is.
    pub new: String,
    /// By how much it changed.
    pub change: String,
    /// What became of it.
    pub verdict: Verdict,
}

impl Row {
    /// The titles of its columns.
    pub const HEADING: [&str; 6] = ["RULE", "QUANTITY", "BASE", "NEW", "CHANGE", "VERDICT"];

    /// Its cells, in the order of the columns.
    pub fn cells(&self) -> [String; 6] {
        [
            self.rule.name.into(),
            self.quantity.into(),
            self.base.clone(),
            self.new.clone(),
            self.change.clone(),
            verdict(self.verdict).into(),
        ]
    }
}

/// The quantities of which a side knows something.
pub fn rows(signals: &[Signal]) -> Vec<Row> {
    let seen = signals.iter().filter(|s| !is_silent(s));
    let changes = seen.flat_map(|s| s.changes.iter().map(|c| (s.rule, c)));
    let known = changes.filter(|(_, c)| c.base.is_some() || c.new.is_some());
    known.map(|(rule, change)| row(rule, change)).collect()
}

/// Nothing was seen on either side.
fn is_silent(s: &Signal) -> bool {
    let seen = |c: &Change| c.base.unwrap_or_default() + c.new.unwrap_or_default() > 0.0;
    s.base.count() + s.new.count() == 0 && !s.changes.iter().any(seen)
}

fn row(rule: &'static Rule, change: &Change) -> Row {
    let of = |side: Option<f64>| side.map_or("-".into(), |v| value(rule.unit, change.quantity, v));
    Row {
        rule,
        quantity: change.quantity.name(),
        base: of(change.base),
        new: of(change.new),
        change: share(change),
        verdict: change.verdict,
    }
}

fn value(unit: Unit, quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::P50 | Quantity::P99 | Quantity::Floor => human::value(unit, value.round() as u64),
        Quantity::PerSecond | Quantity::Trend => rate(unit, value),
    }
}

/// So much each second.
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
            // Nobody reads 12,345 % as what it is.
            Some(share) if share >= 9.95 => format!("×{}", human::count((share + 1.0) as u64)),
            Some(share) => format!("{:+.0}%", share * 100.0),
        },
    }
}

/// A verdict's words.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regression => "regression",
        Verdict::Improvement => "improvement",
        Verdict::NoChange => "no change",
        Verdict::TooLittle => "too little to tell",
    }
}

/// What a side was.
pub fn side(side: &Side) -> String {
    let traces = side.sources.len() as u64;
    let observed = units::duration(side.observed_ns);
    match &side.sources[..] {
        [one] => format!("{one}, {observed}"),
        _ => format!("{}, {observed}", human::plural(traces, "trace")),
    }
}

/// Which signals are not in the table, and why.
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

/// What it all comes to.
pub fn conclusion(c: &Comparison) -> String {
    let regressions = c.count(Verdict::Regression) as u64;
    let improvements = c.count(Verdict::Improvement) as u64;
    match (regressions, improvements) {
        (0, 0) => "no change".into(),
        (n, 0) => human::plural(n, "regression"),
        (0, n) => human::plural(n, "improvement"),
        (r, i) => format!(
            "{}, {}",
            human::plural(r, "regression"),
            human::plural(i, "improvement")
        ),
    }
}

/// How a finding differs, in one word.
pub fn difference(d: Difference) -> &'static str {
    match d {
        Difference::New => "new",
        Difference::Worse => "worse",
        Difference::Better => "better",
        Difference::Gone => "gone",
    }
}

/// What is known of a finding on both sides.
pub fn finding(f: &FindingChange) -> String {
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

/// What a place does to the number of goroutines.
pub fn site(s: &SiteChange) -> String {
    let left = |c: &Created| rate(Unit::Goroutines, c.left_per_second);
    format!("leaves {} behind (was {})", left(&s.new), left(&s.base))
}
