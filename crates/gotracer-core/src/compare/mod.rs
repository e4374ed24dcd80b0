//! Comparison of two sets of traces: did the program become worse?
//!
//! Works on reports alone, fresh or stored. [`compare`] judges the measurements of each rule by statistics that allow
//! for chance ([`statistics`](self) explains them), and lists changed findings, goroutines by place, the time of goroutines by
//! start function, and tasks, regions and requests. [`Baseline`] is for gates that fail on findings.

mod activities;
mod baseline;
mod findings;
mod format;
mod functions;
mod quantity;
mod sites;
mod statistics;

use crate::report::{Distribution, Report, Severity, Status};
use crate::rules::{Rule, Settings};

pub use activities::{Activities, ActivityChange, ActivityKind, activity_changes};
pub use baseline::Baseline;
pub use findings::{Difference, FindingChange, Seen, findings};
pub use format::html::changes as changes_html;
pub use format::words;
pub use format::{FORMATS, SCHEMA, TABLE, schema};
pub use functions::{FunctionChange, Spent, functions};
pub use quantity::{Floor, Measured, Observation, Quantity};
pub use sites::{Created, SiteChange, Sites, sites};

use statistics::Test;

/// Parameters of a comparison.
#[derive(Clone, Debug)]
pub struct Options {
    /// Least change that counts, as a share of the base: 0.1 is 10 %.
    pub effect: f64,
    /// Confidence of all verdicts together, below 1.
    pub confidence: f64,
    /// Rules to compare. Their thresholds determine which values are too small to matter.
    pub settings: Settings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            effect: 0.1,
            confidence: 0.95,
            settings: Settings::default(),
        }
    }
}

/// One side of a comparison.
#[derive(Clone, PartialEq, Debug)]
pub struct Side {
    /// The traces' names.
    pub sources: Vec<String>,
    /// Total length of the traces, ns.
    pub observed_ns: u64,
}

/// Result of the test of one quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The quantity is greater, beyond chance.
    Regression,
    /// The quantity is smaller, beyond chance.
    Improvement,
    /// The difference may be chance, or is too small to matter.
    NoChange,
    /// A side has too few values for a test.
    TooLittle,
}

/// A quantity of a rule on both sides. Greater is worse.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The quantity.
    pub quantity: Quantity,
    /// Its value in a typical trace of the base, in the rule's unit.
    pub base: Option<f64>,
    /// Its value in a typical new trace.
    pub new: Option<f64>,
    /// Estimated factor of the change, relative as in `interval`.
    pub factor: Option<f64>,
    /// Confidence interval of the change as shares: 0.5 is 50 % more. Relative to the base plus the floor, which
    /// avoids division by 0.
    pub interval: Option<(f64, f64)>,
    /// Least factor that would be a regression, relative as in `interval`.
    pub shows_above: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
}

impl Change {
    /// Reports whether a regression of the least size that counts is compatible with the data, in which case "no
    /// change" would be misleading.
    pub fn may_be_chance(&self, effect: f64) -> bool {
        let beyond = |(low, high): (f64, f64)| low <= 0.0 && high >= 0.0 && high >= effect;
        self.verdict == Verdict::NoChange && self.interval.is_some_and(beyond)
    }

    /// Returns the change as a share of the base; `None` if the base is 0.
    pub fn share(&self) -> Option<f64> {
        let (base, new) = (self.base?, self.new?);
        (base > 0.0).then(|| new / base - 1.0)
    }
}

/// Measurements of one rule on both sides.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The rule.
    pub rule: &'static Rule,
    /// All measurements of the base.
    pub base: Distribution,
    /// All measurements of the new traces.
    pub new: Distribution,
    /// The quantities of the rule.
    pub changes: Vec<Change>,
    /// Reason why the sides cannot be compared.
    pub reason: Option<String>,
}

/// Differences between two sets of traces.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The traces to compare with.
    pub base: Side,
    /// The traces to compare.
    pub new: Side,
    /// Confidence of all verdicts together.
    pub confidence: f64,
    /// Least change that counts, as a share of the base.
    pub effect: f64,
    /// Every enabled rule, in the registry's order.
    pub signals: Vec<Signal>,
    /// Findings that differ, the worst first.
    pub findings: Vec<FindingChange>,
    /// Places that leave more or fewer goroutines behind.
    pub sites: Vec<SiteChange>,
    /// Start functions whose goroutines spend more or less time in a state.
    pub functions: Vec<FunctionChange>,
    /// Types of tasks, regions and requests that differ.
    pub activities: Vec<ActivityChange>,
}

impl Comparison {
    /// Returns the findings that are new or worse and have at least this severity.
    pub fn worse(&self, least: Severity) -> impl Iterator<Item = &FindingChange> {
        self.findings.iter().filter(move |f| {
            let worse = matches!(f.difference, Difference::New | Difference::Worse);
            worse && f.new.as_ref().is_some_and(|new| new.severity >= least)
        })
    }

    /// Reports whether a quantity of the rule is a regression.
    pub fn is_regression(&self, rule: &Rule) -> bool {
        let of_rule = self.signals.iter().filter(|s| s.rule == rule);
        let mut changes = of_rule.flat_map(|s| &s.changes);
        changes.any(|c| c.verdict == Verdict::Regression)
    }

    /// Counts the quantities with a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let changes = self.signals.iter().flat_map(|s| &s.changes);
        changes.filter(|c| c.verdict == verdict).count()
    }
}

/// Compares two sets of traces.
pub fn compare(base: &[Report], new: &[Report], options: &Options) -> Comparison {
    let rules = options.settings.rules().into_iter();
    let asked = rules.filter(|rule| options.settings.of(rule).enabled);
    let evidence = asked.map(|rule| gather(rule, base, new, options));
    Comparison {
        base: side(base),
        new: side(new),
        confidence: options.confidence,
        effect: options.effect,
        signals: judge(evidence.collect(), options),
        findings: findings(base, new),
        sites: sites(base, new),
        functions: functions(base, new),
        activities: activity_changes(base, new),
    }
}

/// Computes the verdicts of all quantities.
pub fn judge(evidence: Vec<Evidence>, options: &Options) -> Vec<Signal> {
    // With a confidence of 95 %, one test in twenty is wrong by chance. Each of many tests therefore gets a share of
    // the error rate (Bonferroni).
    let tests = evidence.iter().flat_map(|e| &e.tests).flatten().count();
    let doubt = (1.0 - options.confidence) / tests.max(1) as f64;
    let judged = evidence.into_iter().map(|e| e.judge(doubt, options.effect));
    judged.collect()
}

fn side(reports: &[Report]) -> Side {
    Side {
        sources: reports.iter().map(|r| r.trace.source.clone()).collect(),
        observed_ns: reports.iter().map(|r| r.trace.duration_ns).sum(),
    }
}

/// Measurements of a rule on both sides, without verdicts.
#[derive(Debug)]
pub struct Evidence {
    signal: Signal,
    /// Test of each change; `None` if there are too few values.
    tests: Vec<Option<Test>>,
}

impl Evidence {
    /// Creates the evidence without any quantity.
    pub fn new(rule: &'static Rule, base: Distribution, new: Distribution) -> Self {
        Self {
            signal: Signal {
                rule,
                base,
                new,
                changes: Vec::new(),
                reason: None,
            },
            tests: Vec::new(),
        }
    }

    /// Records the reason why the sides cannot be compared.
    pub fn silenced(mut self, reason: String) -> Self {
        self.signal.reason = Some(reason);
        self
    }

    /// Adds a quantity. `usual` is its usual standard deviation between runs of the same program.
    pub fn add(
        &mut self,
        quantity: Quantity,
        floor: Floor,
        (base, new): (&[Observation], &[Observation]),
        usual: f64,
    ) {
        let typical = |side: &[Observation]| {
            let mean = side.iter().map(|o| o.level).sum::<f64>() / side.len() as f64;
            (!side.is_empty()).then(|| floor.value(mean))
        };
        let values = [typical(base), typical(new)];
        let nothing = self.signal.base.count() + self.signal.new.count() == 0
            && values.iter().flatten().all(|&value| value == 0.0);
        let test = Test::new(base, new, usual).filter(|_| !nothing);
        self.signal.changes.push(Change {
            quantity,
            base: values[0],
            new: values[1],
            factor: test.as_ref().map(|test| test.difference.exp()),
            interval: None,
            shows_above: None,
            verdict: match nothing {
                true => Verdict::NoChange,
                false => Verdict::TooLittle,
            },
        });
        self.tests.push(test);
    }

    fn judge(mut self, doubt: f64, effect: f64) -> Signal {
        for (change, test) in self.signal.changes.iter_mut().zip(&self.tests) {
            let Some(test) = test else {
                continue;
            };
            let (low, high) = test.interval(doubt);
            change.interval = Some((low.exp_m1(), high.exp_m1()));
            let reach = (high - low) / 2.0;
            change.shows_above = Some(reach.exp().max(1.0 + effect));
            let enough = test.difference.exp_m1().abs() >= effect;
            change.verdict = match (low > 0.0, high < 0.0) {
                (true, _) if enough => Verdict::Regression,
                (_, true) if enough => Verdict::Improvement,
                _ => Verdict::NoChange,
            };
        }
        self.signal
    }
}

/// Collects a rule's measurements from the reports.
fn gather(rule: &'static Rule, base: &[Report], new: &[Report], options: &Options) -> Evidence {
    let merged = |side: &[Report]| {
        let rules = side.iter().flat_map(|r| &r.rules);
        let measured = rules.filter(|r| r.rule == rule && r.status != Status::NotApplicable);
        Distribution::of_all(measured.map(|r| &r.measurement))
    };
    let mut evidence = Evidence::new(rule, merged(base), merged(new));
    let sampled = base.iter().chain(new).any(|r| r.cpu_samples.is_some());
    if rule.needs_cpu_samples() && !sampled {
        // Few traces have CPU samples, so their absence is no news.
        return evidence;
    }
    let reason = [("base", base), ("new", new)]
        .into_iter()
        .find_map(|(name, side)| not_applicable(rule, name, side));
    if let Some(reason) = reason {
        return evidence.silenced(reason);
    }
    for &quantity in Quantity::of(rule) {
        let floor = quantity.floor(options.settings.of(rule));
        let observe = |side: &[Report]| -> Vec<Observation> {
            let measured = side.iter().filter_map(|r| quantity.measure(r, rule));
            measured.map(|m| m.observation(floor)).collect()
        };
        let sides = (&observe(base)[..], &observe(new)[..]);
        evidence.add(quantity, floor, sides, quantity.usual_noise());
    }
    evidence
}

/// Returns why a side has no measurements of a rule; `None` if it has some.
fn not_applicable(rule: &Rule, name: &str, side: &[Report]) -> Option<String> {
    let mut seen = side
        .iter()
        .flat_map(|r| &r.rules)
        .filter(|r| r.rule == rule);
    if seen.clone().any(|r| r.status != Status::NotApplicable) {
        return None;
    }
    Some(match seen.find_map(|r| r.reason.as_ref()) {
        Some(why) => format!("not applicable to {name}: {why}"),
        None => format!("{name} was not asked"),
    })
}
