//! Whether a program became worse: what two sets of traces told, compared.
//!
//! Works on reports alone, whether they were made a moment ago or stored for
//! months. [`compare`] judges each rule's signal by statistics that allow for
//! chance ([`statistics`](self) says how); findings and goroutines are listed
//! by place beside it. [`Baseline`] is for gates that go by findings.

mod baseline;
mod findings;
mod format;
mod quantity;
mod sites;
mod statistics;

use crate::report::{Distribution, Report, Severity, Status};
use crate::rules::{RULES, Rule, Settings};

pub use baseline::Baseline;
pub use findings::{Difference, FindingChange, Seen, findings};
pub use format::html::changes as changes_html;
pub use format::words;
pub use format::{FORMATS, SCHEMA, TABLE, schema};
pub use quantity::{Floor, Measured, Observation, Quantity};
pub use sites::{Created, SiteChange, Sites, sites};

use statistics::Test;

/// How to compare.
#[derive(Clone, Debug)]
pub struct Options {
    /// A smaller change is none, as a share of the base: 0.1 is 10 %.
    pub effect: f64,
    /// How sure all statements together are to be, below 1.
    pub confidence: f64,
    /// The rules to compare by. Their thresholds say which values are too small
    /// to matter.
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
    /// How much time they cover together, ns.
    pub observed_ns: u64,
}

/// What became of a quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is greater, and that is hardly chance.
    Regression,
    /// It is smaller, and that is hardly chance.
    Improvement,
    /// Nothing that could not be chance, or too little to matter.
    NoChange,
    /// There is too little on a side to tell.
    TooLittle,
}

/// A quantity of a signal on both sides. What is greater is worse.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The quantity.
    pub quantity: Quantity,
    /// What it was in a typical trace of the base, in the rule's unit.
    pub base: Option<f64>,
    /// The same of the new traces.
    pub new: Option<f64>,
    /// How many times as much it is, relative as in `interval`.
    pub factor: Option<f64>,
    /// Between which shares it changed, chance allowed for: 0.5 is 50 % more.
    /// Relative to the base and to what is large enough to matter, so that
    /// nothing divides by 0.
    pub interval: Option<(f64, f64)>,
    /// How many times as much it has to be, as the base and what is large enough
    /// to matter, to be called a regression.
    pub shows_above: Option<f64>,
    /// What became of it.
    pub verdict: Verdict,
}

impl Change {
    /// Whether a change by the least share that counts could be chance, so that
    /// "no change" would say too much.
    pub fn may_be_chance(&self, effect: f64) -> bool {
        let beyond = |(low, high): (f64, f64)| low <= 0.0 && high >= 0.0 && high >= effect;
        self.verdict == Verdict::NoChange && self.interval.is_some_and(beyond)
    }

    /// By which share of the base it changed; `None` if the base is 0.
    pub fn share(&self) -> Option<f64> {
        let (base, new) = (self.base?, self.new?);
        (base > 0.0).then(|| new / base - 1.0)
    }
}

/// A rule's signal on both sides.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The rule.
    pub rule: &'static Rule,
    /// All that the base's traces measured.
    pub base: Distribution,
    /// All that the new traces measured.
    pub new: Distribution,
    /// Its quantities.
    pub changes: Vec<Change>,
    /// Why it can't be compared.
    pub reason: Option<String>,
}

/// What differs between two sets of traces.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is compared with.
    pub base: Side,
    /// What is compared.
    pub new: Side,
    /// How sure all statements together are, and the least change that counts.
    pub confidence: f64,
    /// The least change that counts, as a share of the base.
    pub effect: f64,
    /// Every rule that was asked, in the registry's order.
    pub signals: Vec<Signal>,
    /// Findings that differ, the worst first.
    pub findings: Vec<FindingChange>,
    /// Places that leave more or fewer goroutines behind.
    pub sites: Vec<SiteChange>,
}

impl Comparison {
    /// Findings that are new or worse, of at least that severity.
    pub fn worse(&self, least: Severity) -> impl Iterator<Item = &FindingChange> {
        self.findings.iter().filter(move |f| {
            let worse = matches!(f.difference, Difference::New | Difference::Worse);
            worse && f.new.as_ref().is_some_and(|new| new.severity >= least)
        })
    }

    /// Whether a rule has a quantity that is worse.
    pub fn is_regression(&self, rule: &Rule) -> bool {
        let of_rule = self.signals.iter().filter(|s| s.rule == rule);
        let mut changes = of_rule.flat_map(|s| &s.changes);
        changes.any(|c| c.verdict == Verdict::Regression)
    }

    /// How many quantities have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let changes = self.signals.iter().flat_map(|s| &s.changes);
        changes.filter(|c| c.verdict == verdict).count()
    }
}

/// Compares what two sets of traces told.
pub fn compare(base: &[Report], new: &[Report], options: &Options) -> Comparison {
    let asked = RULES
        .into_iter()
        .filter(|rule| options.settings.of(rule).enabled);
    let evidence = asked.map(|rule| gather(rule, base, new, options));
    Comparison {
        base: side(base),
        new: side(new),
        confidence: options.confidence,
        effect: options.effect,
        signals: judge(evidence.collect(), options),
        findings: findings(base, new),
        sites: sites(base, new),
    }
}

/// What became of the signals.
pub fn judge(evidence: Vec<Evidence>, options: &Options) -> Vec<Signal> {
    // One statement in twenty is wrong by chance: the more there are, the
    // surer each must be.
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

/// A rule's signal on both sides, not judged yet.
#[derive(Debug)]
pub struct Evidence {
    signal: Signal,
    /// For each change, its test if there is enough for one.
    tests: Vec<Option<Test>>,
}

impl Evidence {
    /// All that was measured; no quantity of it yet.
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

    /// Nothing can be compared, and why.
    pub fn silenced(mut self, reason: String) -> Self {
        self.signal.reason = Some(reason);
        self
    }

    /// Adds a quantity, which differs from observation to observation of the
    /// same program by `usual`.
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

/// What reports say of a rule.
fn gather(rule: &'static Rule, base: &[Report], new: &[Report], options: &Options) -> Evidence {
    let merged = |side: &[Report]| {
        let rules = side.iter().flat_map(|r| &r.rules);
        let measured = rules.filter(|r| r.rule == rule && r.status != Status::NotApplicable);
        Distribution::of_all(measured.map(|r| &r.measurement))
    };
    let mut evidence = Evidence::new(rule, merged(base), merged(new));
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

/// Why a side says nothing of a rule.
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
